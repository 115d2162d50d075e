//! Datagrams and addresses of either family.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ip_header::{Content, IpHeader, protocol};
use super::malformed::{Malformed, Refusal};
use super::{ipv4, ipv6};

pub use super::ip_header::MAX_DATAGRAM;

impl IpHeader {
    /// Writes the header of a datagram with `payload` octets behind it to the front of `out`.
    /// Returns its length in octets: 20 or 40.
    ///
    /// # Panics
    /// If source and destination differ in family, the datagram would be longer than 65,535
    /// octets, or `out` is too short.
    pub fn write(&self, payload: usize, out: &mut [u8]) -> usize {
        self.write_for(self.protocol, payload, out)
    }

    /// The same with another protocol.
    #[inline]
    pub(super) fn write_for(&self, protocol: u8, payload: usize, out: &mut [u8]) -> usize {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                ipv4::write(self, (source, destination), protocol, payload, out)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                ipv6::write(self, (source, destination), protocol, payload, out)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                panic!("a datagram from one family to the other")
            }
        }
    }

    /// A whole datagram: this header, then `payload`.
    ///
    /// # Panics
    /// As [`IpHeader::write`].
    pub fn datagram(&self, payload: &[u8]) -> Vec<u8> {
        let mut header = [0; ipv6::HEADER];
        let len = self.write(payload.len(), &mut header);
        [&header[..len], payload].concat()
    }
}

/// The length of the header that this stack writes, in octets: 20 or 40.
pub const fn header_len(is_ipv4: bool) -> usize {
    match is_ipv4 {
        true => ipv4::HEADER,
        false => ipv6::HEADER,
    }
}

/// Cuts a datagram that is longer than `mtu` octets into fragments that are not; returns a shorter
/// one unchanged. `identification` distinguishes its fragments from those of others (RFC 791 §3.2,
/// RFC 8200 §4.5): no other datagram between the two hosts may have it while fragments are on their
/// way.
///
/// # Errors
/// If `datagram` is malformed or a fragment itself, or `mtu` has no room for eight octets.
pub fn fragments(
    datagram: Vec<u8>,
    mtu: usize,
    identification: u32,
) -> Result<Vec<Vec<u8>>, Unfragmentable> {
    if datagram.len() <= mtu {
        return Ok(vec![datagram]);
    }
    let Ok((ip, Content::Whole { payload, .. })) = content(&datagram) else {
        return Err(Unfragmentable);
    };
    let headers = match ip.source {
        IpAddr::V4(_) => ipv4::HEADER,
        IpAddr::V6(_) => ipv6::HEADER + ipv6::FRAGMENT_HEADER,
    };
    // All but the last have a multiple of eight octets.
    let room = mtu.saturating_sub(headers) / 8 * 8;
    if room == 0 {
        return Err(Unfragmentable);
    }
    let mut pieces = payload.chunks(room).enumerate().peekable();
    let mut fragments = Vec::with_capacity(payload.len().div_ceil(room));
    while let Some((index, piece)) = pieces.next() {
        let offset = (index * room) as u16;
        let more = pieces.peek().is_some();
        fragments.push(fragment(&ip, identification, offset, more, piece));
    }
    Ok(fragments)
}

/// One fragment of the datagram with header `ip`, as a datagram; `offset` is in octets.
fn fragment(ip: &IpHeader, identification: u32, offset: u16, more: bool, piece: &[u8]) -> Vec<u8> {
    match ip.source {
        IpAddr::V4(_) => {
            let identification = identification as u16;
            let ip = IpHeader {
                identification,
                ..*ip
            };
            let mut datagram = ip.datagram(piece);
            ipv4::set_fragment(&mut datagram[..ipv4::HEADER], offset, more);
            datagram
        }
        IpAddr::V6(_) => {
            let header = ipv6::fragment_header(ip.protocol, identification, offset, more);
            let protocol = protocol::FRAGMENT;
            let ip = IpHeader { protocol, ..*ip };
            ip.datagram(&[&header, piece].concat())
        }
    }
}

/// A datagram cannot be cut into fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfragmentable;

impl fmt::Display for Unfragmentable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("datagram that cannot be cut into fragments")
    }
}

impl std::error::Error for Unfragmentable {}

/// Reads the IP headers of a datagram.
///
/// # Errors
/// If they are malformed.
#[inline]
pub(super) fn content(datagram: &[u8]) -> Result<(IpHeader, Content<'_>), Refusal> {
    match datagram.first().map(|octet| octet >> 4) {
        Some(4) => ipv4::parse(datagram),
        Some(6) => ipv6::parse(datagram),
        Some(_) => Err(Malformed::Version.into()),
        None => Err(Malformed::TooShort.into()),
    }
}

/// The destination of a datagram, if it is long enough to have one; the rest of it may be
/// malformed.
pub fn destination(datagram: &[u8]) -> Option<IpAddr> {
    match datagram.first()? >> 4 {
        4 => Some(IpAddr::from(*datagram.get(16..)?.first_chunk::<4>()?)),
        6 => Some(IpAddr::from(*datagram.get(24..)?.first_chunk::<16>()?)),
        _ => None,
    }
}

/// The source that a datagram claims; as [`destination`].
pub fn source(datagram: &[u8]) -> Option<IpAddr> {
    match datagram.first()? >> 4 {
        4 => Some(IpAddr::from(*datagram.get(12..)?.first_chunk::<4>()?)),
        6 => Some(IpAddr::from(*datagram.get(8..)?.first_chunk::<16>()?)),
        _ => None,
    }
}

/// Whether an address can be that of a single host, as far as the address alone tells, so that it
/// may be answered. It cannot if it is unspecified, loopback, multicast, broadcast, or in 0.0.0.0/8
/// or 240.0.0.0/4; nor if it is an IPv6 address that represents an IPv4 address in programs (RFC
/// 6890 §2.2.3), because it would pass for a peer of the other family.
pub fn is_host(address: IpAddr) -> bool {
    let ok = !(address.is_unspecified() || address.is_loopback() || address.is_multicast());
    ok && match address {
        IpAddr::V4(v4) => (1..240).contains(&v4.octets()[0]),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_none(),
    }
}

/// Whether an address is the group of all hosts of a link, which every host hears (RFC 1112 §7.2, RFC 4291
/// §2.8). The group of all nodes of an interface, ff01::1, is not on a link (RFC 4291 §2.7, erratum 3480).
pub fn is_all_nodes(address: IpAddr) -> bool {
    const V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
    const V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    address == V4 || address == V6
}

/// The scope of a link (RFC 4291 §2.7).
pub const LINK_SCOPE: u8 = 2;

/// The scope of an IPv6 group, that is, how far its datagrams go (RFC 4291 §2.7); larger is farther. For
/// IPv4, only routers know.
pub fn scope(address: IpAddr) -> Option<u8> {
    match address {
        IpAddr::V6(v6) if v6.is_multicast() => Some(v6.octets()[1] & 0xf),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Datagram, Payload, parse};

    /// A protocol that this stack does not support.
    const OTHER: u8 = 253;

    fn any_ip() -> impl Strategy<Value = IpHeader> {
        let v4 =
            any::<([u8; 4], [u8; 4], u16, bool)>().prop_map(|(source, destination, id, df)| {
                let mut ip = IpHeader::new(source.into(), destination.into(), OTHER, 0);
                (ip.identification, ip.dont_fragment) = (id, df);
                ip
            });
        let v6 = (any::<([u8; 16], [u8; 16])>(), 0..1u32 << 20).prop_map(
            |((source, destination), flow_label)| IpHeader {
                flow_label,
                ..IpHeader::new(source.into(), destination.into(), OTHER, 0)
            },
        );
        let rest = any::<(u8, u8)>();
        (prop_oneof![v4, v6], rest).prop_map(|(ip, (hop_limit, traffic_class))| IpHeader {
            hop_limit,
            traffic_class,
            ..ip
        })
    }

    proptest! {
        /// Whatever the hop limit: RFC 1122 §3.2.1.7, RFC 8200 §3.
        #[test]
        fn what_is_written_is_read(ip in any_ip(), payload in any::<[u8; 9]>()) {
            let bytes = ip.datagram(&payload);
            let read = parse(&bytes);
            let is_unknown = matches!(
                read,
                Ok(Datagram { ip: read, payload: Payload::Unknown { .. } }) if read == ip
            );
            prop_assert!(is_unknown, "{read:?}");
            let theirs = etherparse::IpSlice::from_slice(&bytes).unwrap();
            prop_assert_eq!(theirs.source_addr(), ip.source);
            prop_assert_eq!(theirs.destination_addr(), ip.destination);
            prop_assert_eq!(theirs.payload().payload, payload);
        }
    }

    /// Parses fragments, checks that they are consecutive, and returns what they carry.
    fn joined(fragments: &[Vec<u8>], mtu: usize, expected: &IpHeader) -> Vec<u8> {
        let mut joined = vec![];
        for (index, datagram) in fragments.iter().enumerate() {
            assert!(datagram.len() <= mtu);
            let read = parse(datagram).unwrap();
            let Payload::Fragment(fragment) = read.payload else {
                panic!("no fragment: {read:?}");
            };
            let ip = IpHeader {
                identification: expected.identification,
                dont_fragment: expected.dont_fragment,
                ..read.ip
            };
            assert_eq!(ip, *expected);
            assert_eq!(usize::from(fragment.offset), joined.len());
            assert_eq!(fragment.more, index + 1 < fragments.len());
            assert_eq!(fragment.identification, 0x1234);
            joined.extend_from_slice(fragment.payload);
        }
        joined
    }

    proptest! {
        #[test]
        fn fragments_carry_what_was_cut(
            ip in any_ip(),
            payload in prop::collection::vec(any::<u8>(), 1..3000),
            mtu in 56..1500usize,
        ) {
            let datagram = ip.datagram(&payload);
            let fragments = fragments(datagram.clone(), mtu, 0x1234).unwrap();
            match datagram.len() <= mtu {
                true => prop_assert_eq!(fragments, [datagram]),
                false => prop_assert_eq!(joined(&fragments, mtu, &ip), payload),
            }
        }
    }

    #[test]
    fn the_longest_datagrams_can_be_cut() {
        for (ip, len) in [
            (
                IpHeader::new([1; 4].into(), [2; 4].into(), OTHER, 64),
                65_515,
            ),
            (
                IpHeader::new([1; 16].into(), [2; 16].into(), OTHER, 64),
                65_535,
            ),
        ] {
            let payload = vec![7; len];
            let fragments = fragments(ip.datagram(&payload), 1280, 0x1234).unwrap();
            assert!(joined(&fragments, 1280, &ip) == payload);
        }
    }

    #[test]
    fn what_cannot_be_cut() {
        let ip = IpHeader::new([1; 4].into(), [2; 4].into(), OTHER, 64);
        let datagram = ip.datagram(&[0; 100]);
        assert_eq!(fragments(datagram.clone(), 27, 1), Err(Unfragmentable));
        assert_eq!(fragments(vec![0; 100], 50, 1), Err(Unfragmentable));
        let first = fragments(datagram, 68, 1).unwrap().swap_remove(0);
        assert_eq!(fragments(first, 50, 1), Err(Unfragmentable));
    }

    #[test]
    fn the_ends_of_any_datagram() {
        for (from, to) in [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")] {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            let bytes = IpHeader::new(from, to, OTHER, 0).datagram(&[]);
            assert_eq!(
                (source(&bytes), destination(&bytes)),
                (Some(from), Some(to))
            );
            assert_eq!(destination(&bytes[..bytes.len() - 1]), None, "cut short");
        }
        assert_eq!((source(&[]), destination(&[])), (None, None));
    }

    #[test]
    fn who_can_be_a_host() {
        let not = [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ];
        for address in not {
            assert!(!is_host(address.parse().unwrap()), "{address}");
        }
        for address in [
            "10.0.0.1",
            "1.0.0.0",
            "223.255.255.255",
            "fe80::1",
            "fd00::1",
        ] {
            assert!(is_host(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    #[should_panic(expected = "from one family to the other")]
    fn no_datagram_has_two_families() {
        let _ = IpHeader::new([1; 4].into(), [1; 16].into(), OTHER, 64).datagram(&[]);
    }

    #[test]
    #[should_panic(expected = "a datagram of 65536 octets")]
    fn no_datagram_is_longer_than_its_length_field_says() {
        let ip = IpHeader::new([1; 4].into(), [2; 4].into(), OTHER, 64);
        let _ = ip.datagram(&[0; MAX_DATAGRAM - 19]);
    }
}
