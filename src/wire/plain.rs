//! Parses the most common datagrams in one go: an IP header without options or extensions, and a
//! TCP segment with ACK, perhaps PSH, and no option but timestamps.
//!
//! [`Plain`] handles nothing else, and reports no errors: [`parse_as`](super::parse_as) parses what
//! it does not accept. What it accepts, `parse_as` would have parsed the same, which a test with
//! random datagrams checks.

use super::checksum::Sum;
use super::ecn::Ecn;
use super::ip_header::protocol;
use super::offload::Checksum;
use super::options::{Options, Timestamps};
use super::sockets::Sockets;
use super::tcp::{self, Control, TcpHeader};
use super::text::Text;
use super::{ipv4, ipv6};

/// A plain datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain<'a> {
    /// Its source and destination.
    pub sockets: Sockets,
    /// The ECN field of its IP header.
    pub ecn: Ecn,
    /// The rest of the TCP header.
    pub header: PlainHeader,
    /// The text of the segment.
    pub text: &'a [u8],
}

/// A TCP header with ACK and perhaps PSH, without options but timestamps; the ports are elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainHeader {
    /// SEG.SEQ.
    pub seq: u32,
    /// SEG.ACK.
    pub ack: u32,
    /// PSH.
    pub is_pushed: bool,
    /// The window field, unscaled.
    pub window: u16,
    /// Timestamps (RFC 7323 §3).
    pub timestamps: Option<Timestamps>,
}

/// A TCP header without options.
const HEADER: usize = 20;
/// Timestamps as options, with their padding.
const OPTIONS: usize = 12;
/// The octets of a TCP header with its length and control bits: no options, or timestamps, and ACK.
const BARE: u16 = 5 << 12 | Control::ACK.bits();
const TIMED: u16 = 8 << 12 | Control::ACK.bits();
/// Bits that may also be set in these: PSH, and three reserved bits.
const BESIDES: u16 = Control::PSH.bits() | 0b111 << 9;
/// NOP, NOP, timestamps (RFC 7323, appendix A): kind and length.
const TIMESTAMPS: [u8; 4] = [1, 1, 8, 10];
/// The bits of the fragment field (RFC 791 §3.1) for "more fragments" and the offset.
const FRAGMENT: u16 = 0x3fff;

impl PlainHeader {
    /// The same as a header of any kind.
    pub fn full(&self, source_port: u16, destination_port: u16) -> TcpHeader {
        let push = match self.is_pushed {
            true => Control::PSH,
            false => Control::NONE,
        };
        TcpHeader {
            source_port,
            destination_port,
            seq: self.seq,
            ack: self.ack,
            control: Control::ACK | push,
            window: self.window,
            urgent: 0,
            options: Options {
                timestamps: self.timestamps,
                ..Options::default()
            },
        }
    }
}

impl TcpHeader {
    /// The same as a plain header, if it is one.
    pub fn plain(&self) -> Option<PlainHeader> {
        let plain = PlainHeader {
            seq: self.seq,
            ack: self.ack,
            is_pushed: self.control.has(Control::PSH),
            window: self.window,
            timestamps: self.options.timestamps,
        };
        (plain.full(self.source_port, self.destination_port) == *self).then_some(plain)
    }
}

impl<'a> Plain<'a> {
    /// Octets of the headers of a plain datagram.
    pub const fn headers(is_ipv4: bool, has_timestamps: bool) -> usize {
        let ip = if is_ipv4 { ipv4::HEADER } else { ipv6::HEADER };
        let options = if has_timestamps { OPTIONS } else { 0 };
        ip + HEADER + options
    }

    /// Parses a plain IPv4 datagram; `checksum` says how much of the TCP checksum is there.
    //
    // Always inlined, like the other, so that the parsed values stay in registers.
    #[inline(always)]
    pub fn read_whole_ipv4(datagram: &'a [u8], checksum: Checksum) -> Option<Plain<'a>> {
        Plain::read_ipv4(datagram, Text::EMPTY, checksum)
    }

    /// As [`Plain::read_whole_ipv4`], for IPv6.
    #[inline(always)]
    pub fn read_whole_ipv6(datagram: &'a [u8], checksum: Checksum) -> Option<Plain<'a>> {
        Plain::read_ipv6(datagram, Text::EMPTY, checksum)
    }

    /// The same for either version, if `headers` has only the headers of a datagram, and all of its text
    /// lies elsewhere. The text of the result is empty.
    pub fn read_apart(headers: &'a [u8], text: Text<'_>, checksum: Checksum) -> Option<Plain<'a>> {
        let plain = match headers.first()? >> 4 {
            4 => Plain::read_ipv4(headers, text, checksum),
            _ => Plain::read_ipv6(headers, text, checksum),
        };
        plain.filter(|plain| plain.text.is_empty())
    }

    // `apart`: what follows `datagram`, and begins at an even place. Always inlined, so that a whole
    // datagram pays nothing for it.
    #[inline(always)]
    fn read_ipv4(datagram: &'a [u8], apart: Text<'_>, checksum: Checksum) -> Option<Plain<'a>> {
        let (ip, segment) = datagram.split_first_chunk::<{ ipv4::HEADER }>()?;
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let fragment = u16::from_be_bytes([ip[6], ip[7]]) & FRAGMENT;
        let length = datagram.len() + apart.len();
        let is_bare = ip[0] == 0x45;
        let fits = is_bare && total == length && fragment == 0 && ip[9] == protocol::TCP;
        if !fits || !Sum::ZERO.plus_array(ip).verifies() {
            return None;
        }
        let addresses = ip.last_chunk::<8>()?;
        let is_vouched = checksum.vouches_for(ipv4::HEADER, tcp::CHECKSUM);
        let pseudo = Sum::ZERO
            .plus_length(protocol::TCP, segment.len() + apart.len())
            .plus_array(addresses);
        let sum = (pseudo, is_vouched);
        let sockets = |ports| Sockets::v4(*addresses, ports);
        Plain::read_segment(sockets, Ecn::of(ip[1]), segment, apart, sum)
    }

    #[inline(always)]
    fn read_ipv6(datagram: &'a [u8], apart: Text<'_>, checksum: Checksum) -> Option<Plain<'a>> {
        let (ip, segment) = datagram.split_first_chunk::<{ ipv6::HEADER }>()?;
        let length = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
        let is_ipv6 = ip[0] >> 4 == 6;
        if !is_ipv6 || length != segment.len() + apart.len() || ip[6] != protocol::TCP {
            return None;
        }
        let addresses = ip.last_chunk::<32>()?;
        let is_vouched = checksum.vouches_for(ipv6::HEADER, tcp::CHECKSUM);
        let pseudo = Sum::ZERO
            .plus_length(protocol::TCP, segment.len() + apart.len())
            .plus_array(addresses);
        let sum = (pseudo, is_vouched);
        let sockets = |ports| Sockets::v6(addresses, ports);
        // The lowest two bits of the traffic class.
        Plain::read_segment(sockets, Ecn::of(ip[1] >> 4), segment, apart, sum)
    }

    /// `sockets` are made from the ports; `sum`: the sum of the pseudo header, and whether the checksum is
    /// vouched for.
    //
    // Always inlined, so that nothing is copied between the two.
    #[inline(always)]
    fn read_segment(
        sockets: impl FnOnce([u8; 4]) -> Sockets,
        ecn: Ecn,
        segment: &'a [u8],
        apart: Text<'_>,
        (pseudo, is_vouched): (Sum, bool),
    ) -> Option<Plain<'a>> {
        let (header, rest) = segment.split_first_chunk::<HEADER>()?;
        let shape = u16::from_be_bytes([header[12], header[13]]);
        let urgent = [header[18], header[19]];
        let (timestamps, text, sum) = match shape & !BESIDES {
            TIMED => {
                let (both, text) = segment.split_first_chunk::<{ HEADER + OPTIONS }>()?;
                if both[HEADER..HEADER + 4] != TIMESTAMPS {
                    return None;
                }
                let timestamps = Timestamps {
                    val: word(both, HEADER + 4),
                    ecr: word(both, HEADER + 8),
                };
                (Some(timestamps), text, pseudo.plus_array(both))
            }
            BARE => (None, rest, pseudo.plus_array(header)),
            _ => return None,
        };
        if urgent != [0, 0] {
            return None;
        }
        if !is_vouched {
            let sum = if text.is_empty() { sum } else { sum.plus(text) };
            let sum = if apart.is_empty() {
                sum
            } else {
                sum.plus_text(apart)
            };
            if !sum.verifies() {
                return None;
            }
        }
        Some(Plain {
            sockets: sockets([header[0], header[1], header[2], header[3]]),
            ecn,
            header: PlainHeader {
                seq: word(header, 4),
                ack: word(header, 8),
                is_pushed: shape & Control::PSH.bits() != 0,
                window: u16::from_be_bytes([header[14], header[15]]),
                timestamps,
            },
            text,
        })
    }
}

/// The number in the four octets from `at` on.
#[inline]
fn word<const N: usize>(octets: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, SocketAddr};

    use proptest::prelude::*;

    use super::*;
    use crate::wire::options::tests::any_options;
    use crate::wire::{Datagram, IpHeader, Packet, Payload, Text, parse_as};

    fn ip(ipv6: bool, traffic_class: u8) -> IpHeader {
        let address = |host| match ipv6 {
            true => IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]),
            false => IpAddr::from([10, 0, 0, host]),
        };
        IpHeader {
            traffic_class,
            ..IpHeader::new(address(1), address(2), protocol::TCP, 64)
        }
    }

    prop_compose! {
        fn any_header()(
            (ports, places, window) in any::<([u16; 2], [u32; 2], u16)>(),
            control in prop_oneof![
                2 => Just(Control::ACK),
                1 => Just(Control::ACK | Control::PSH),
                1 => any::<u16>().prop_map(Control::from_bits),
            ],
            options in prop_oneof![
                2 => any::<Option<[u32; 2]>>().prop_map(|both| Options {
                    timestamps: both.map(|[val, ecr]| Timestamps { val, ecr }),
                    ..Options::default()
                }),
                1 => any_options(),
            ],
        ) -> TcpHeader {
            TcpHeader {
                source_port: ports[0],
                destination_port: ports[1],
                seq: places[0],
                ack: places[1],
                control,
                window,
                urgent: 0,
                options,
            }
        }
    }

    fn read(datagram: &[u8], checksum: Checksum) -> Option<Plain<'_>> {
        match datagram.first()? >> 4 {
            4 => Plain::read_whole_ipv4(datagram, checksum),
            _ => Plain::read_whole_ipv6(datagram, checksum),
        }
    }

    proptest! {
        /// Whatever the datagram, intact or with a few octets changed: what is accepted agrees with
        /// the general parser, and every plain datagram is accepted.
        #[test]
        fn what_is_plain_is_read_the_same(
            header in any_header(),
            (ipv6, traffic_class) in any::<(bool, u8)>(),
            text in prop::collection::vec(any::<u8>(), 0..100),
            changes in prop::collection::vec((0usize..64, any::<u8>()), 0..3),
            (verified, more) in any::<(bool, bool)>(),
        ) {
            let packet = Packet::tcp(&ip(ipv6, traffic_class), &header, Text::from(&text[..]));
            let mut datagram = packet.to_vec();
            let is_changed = more && !changes.is_empty();
            for (at, value) in changes.into_iter().filter(|_| more) {
                if let Some(octet) = datagram.get_mut(at) {
                    *octet = value;
                }
            }
            let checksum = match verified {
                true => Checksum::Verified,
                false => Checksum::Complete,
            };
            let plain = read(&datagram, checksum);
            // The headers here, the text in two pieces elsewhere.
            let headers = Plain::headers(!ipv6, header.options.timestamps.is_some());
            if let Some((headers, apart)) = datagram.split_at_checked(headers) {
                let (first, second) = apart.split_at(apart.len() / 3);
                let read = Plain::read_apart(headers, Text::new(first, second), checksum);
                let expected = plain.filter(|plain| plain.text == apart);
                prop_assert_eq!(read, expected.map(|plain| Plain { text: &[], ..plain }));
            }
            if let Some(plain) = plain {
                let Ok(Datagram { ip, payload }) = parse_as(&datagram, checksum) else {
                    panic!("{plain:?} is refused");
                };
                let [from, to] = plain.sockets.ports();
                let full = plain.header.full(from, to);
                prop_assert_eq!(payload, Payload::Tcp(full, plain.text));
                let (from, to) = (SocketAddr::new(ip.source, from), SocketAddr::new(ip.destination, to));
                prop_assert_eq!(Sockets::new(from, to), plain.sockets);
                prop_assert_eq!(ip.ecn(), plain.ecn);
                prop_assert_eq!(full.plain(), Some(plain.header));
            } else if !is_changed {
                prop_assert_eq!(header.plain(), None);
            }
        }
    }

    /// Wrong checksums and fragments are left to the general parser.
    #[test]
    fn what_is_not_whole_is_not_plain() {
        let header = TcpHeader {
            control: Control::ACK,
            ..TcpHeader::default()
        };
        let whole = Packet::tcp(&ip(false, 0), &header, Text::from(&b"text"[..])).to_vec();
        assert!(read(&whole, Checksum::Complete).is_some());
        for bit in 0..8 * whole.len() {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&damaged, Checksum::Complete), None, "{bit}");
        }
        for len in 0..whole.len() {
            assert_eq!(read(&whole[..len], Checksum::Verified), None);
        }
        let piece = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 6, 64);
        let long = piece.datagram(&whole[20..].repeat(10));
        for fragment in crate::wire::ip::fragments(long, 100, 1).unwrap() {
            assert_eq!(read(&fragment, Checksum::Verified), None);
        }
    }
}
