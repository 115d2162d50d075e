//! TCP MD5 signatures (RFC 2385 §2.0): the digest of a segment and a key that two hosts share.
//!
//! It covers the pseudo header, the TCP header without its options and as if the checksum were zero, the
//! text, and the key. Options are not covered. Keys are just octets here; which peers they belong to is
//! known elsewhere.

use core::net::IpAddr;

use md5::digest::CtOutput;
use md5::{Digest, Md5};

use super::checksum::Sum;
use super::ip::content;
use super::ip_header::{Content, IpHeader, protocol};
use super::offload::{Checksum, Offload};
use super::options::{RawOption, RawOptions, SIGNATURE};
use super::packet::Packet;
use super::tcp::TcpHeader;
use super::text::Text;
use super::{ipv4, ipv6, tcp};

/// A TCP header without options.
const HEADER: usize = 20;
/// Octets of the digest.
const DIGEST: usize = 16;

/// The digest of a segment with this header, options included.
fn digest(hosts: (IpAddr, IpAddr), header: &[u8], text: Text<'_>, key: &[u8]) -> CtOutput<Md5> {
    let mut md5 = Md5::new();
    let length = (header.len() + text.len()) as u32;
    match hosts {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            md5.update(source.octets());
            md5.update(destination.octets());
            md5.update([0, protocol::TCP]);
            md5.update((length as u16).to_be_bytes());
        }
        (source, destination) => {
            md5.update(sixteen(source));
            md5.update(sixteen(destination));
            md5.update(length.to_be_bytes());
            md5.update([0, 0, 0, protocol::TCP]);
        }
    }
    md5.update(&header[..tcp::CHECKSUM]);
    md5.update([0, 0]);
    md5.update(&header[tcp::CHECKSUM + 2..HEADER]);
    for piece in text.pieces() {
        md5.update(piece);
    }
    md5.update(key);
    CtOutput::new(md5.finalize())
}

fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The place of the digest of the first signature in the options.
fn place(options: &[u8]) -> Option<usize> {
    let start = options.as_ptr().addr();
    RawOptions(options).find_map(|option| match option {
        RawOption::Option {
            kind: SIGNATURE,
            data,
        } if data.len() == DIGEST => Some(data.as_ptr().addr() - start),
        _ => None,
    })
}

/// Whether a verified datagram carries a segment whose signature was made with `key`. The comparison
/// takes constant time.
pub fn is_signed_with(datagram: &[u8], key: &[u8]) -> bool {
    let Ok((ip, Content::Whole { payload, .. })) = content(datagram) else {
        return false;
    };
    let header = tcp::header_len(payload).filter(|_| ip.protocol == protocol::TCP);
    let Some((header, text)) = header.and_then(|len| payload.split_at_checked(len)) else {
        return false;
    };
    let options = &header[HEADER..];
    let signature = place(options).and_then(|at| options[at..].first_chunk::<DIGEST>());
    signature.is_some_and(|signature| {
        let hosts = (ip.source, ip.destination);
        digest(hosts, header, Text::from(text), key) == CtOutput::new((*signature).into())
    })
}

/// Writes the digest to its place in a header, if the options have room for it. Returns whether
/// they have. Also corrects the checksum, which was computed with zeros there, unless a device
/// completes it.
fn seal(
    hosts: (IpAddr, IpAddr),
    header: &mut [u8],
    text: Text<'_>,
    key: &[u8],
    is_complete: bool,
) -> bool {
    let Some(at) = place(&header[HEADER..]) else {
        return false;
    };
    let value: [u8; DIGEST] = digest(hosts, header, text, key).into_bytes().into();
    header[HEADER + at..][..DIGEST].copy_from_slice(&value);
    if is_complete {
        let before = u16::from_be_bytes([header[tcp::CHECKSUM], header[tcp::CHECKSUM + 1]]);
        let sum = Sum::ZERO.plus(&(!before).to_be_bytes());
        // RFC 1071 §2(B): at an odd place, the octets of the sum are swapped.
        let digest = Sum::ZERO.plus_array(&value).partial();
        let digest = match at % 2 {
            0 => digest,
            _ => digest.swap_bytes(),
        };
        let field = sum.plus(&digest.to_be_bytes()).checksum();
        header[tcp::CHECKSUM..][..2].copy_from_slice(&field.to_be_bytes());
    }
    true
}

/// Signs a whole datagram whose segment has room for a signature, filled with zeros. Returns
/// whether it has.
pub fn sign(datagram: &mut [u8], key: &[u8]) -> bool {
    let Ok((ip, Content::Whole { payload, start, .. })) = content(datagram) else {
        return false;
    };
    let header = tcp::header_len(payload).filter(|_| ip.protocol == protocol::TCP);
    let end = start + payload.len();
    header.is_some_and(|len| {
        let (header, text) = datagram[start..end].split_at_mut(len);
        let hosts = (ip.source, ip.destination);
        seal(hosts, header, Text::from(&*text), key, true)
    })
}

impl<'a> Packet<'a> {
    /// As [`Packet::tcp_for`], for a single segment, signed with `key`.
    #[cold]
    #[inline(never)]
    pub fn tcp_signed(
        offload: Offload,
        ip: &IpHeader,
        tcp: &TcpHeader,
        text: Text<'a>,
        key: &[u8],
    ) -> Packet<'a> {
        Packet::tcp_for(offload, ip, tcp, text, usize::MAX).signed(ip, key)
    }

    /// Signs a TCP segment with `key`, if its options have room for a signature. It must be a single
    /// segment, because the segments of a super-segment need separate signatures.
    #[must_use]
    pub fn signed(mut self, ip: &IpHeader, key: &[u8]) -> Packet<'a> {
        let start = match ip.source {
            IpAddr::V4(_) => ipv4::HEADER,
            IpAddr::V6(_) => ipv6::HEADER,
        };
        let (is_complete, text) = (self.form().checksum == Checksum::Complete, self.text());
        let hosts = (ip.source, ip.destination);
        let header = &mut self.header_mut()[start..];
        seal(hosts, header, text, key, is_complete);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Control, Options, Payload, parse, parse_as};

    const KEY: &[u8] = b"correct horse";

    fn hosts(ipv6: bool) -> IpHeader {
        let host = |last| match ipv6 {
            true => IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]),
            false => IpAddr::from([192, 0, 2, last]),
        };
        IpHeader::new(host(1), host(2), protocol::TCP, 64)
    }

    fn header() -> TcpHeader {
        TcpHeader {
            source_port: 179,
            destination_port: 40000,
            seq: 0x01020304,
            ack: 0x0a0b0c0d,
            control: Control::ACK | Control::PSH,
            window: 0x1234,
            options: Options {
                signature: true,
                ..Options::default()
            },
            ..TcpHeader::default()
        }
    }

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// The digest in a packet.
    fn signature(packet: &[u8], ipv6: bool) -> String {
        let start = if ipv6 { 40 } else { 20 } + 24;
        assert_eq!(packet[start - 4..start], [1, 1, 19, 18]);
        hex(&packet[start..start + 16])
    }

    /// Computed with another implementation of MD5, Python's:
    ///
    /// ```text
    /// tcp = struct.pack('!HHIIBBHHH', 179, 40000, 0x01020304, 0x0a0b0c0d, 10 << 4, 0x18, 0x1234, 0, 0)
    /// v4 = bytes([192,0,2,1, 192,0,2,2]) + struct.pack('!BBH', 0, 6, 40 + 5)
    /// v6 = ip('fd00::1') + ip('fd00::2') + struct.pack('!II', 40 + 5, 6)
    /// hashlib.md5(v4 + tcp + b'hello' + b'correct horse').hexdigest()
    /// ```
    #[test]
    fn the_digest_of_rfc_2385() {
        let rows = [
            (false, "80e58e6f2f2ed27a2065183e84085185"),
            (true, "f3dd6e9ae345fbe0257ad164dc1ae384"),
        ];
        for (ipv6, expected) in rows {
            let ip = hosts(ipv6);
            let text = Text::new(b"hel", b"lo");
            let packet = Packet::tcp(&ip, &header(), text).signed(&ip, KEY).to_vec();
            assert_eq!(signature(&packet, ipv6), expected);
            let read = parse(&packet).unwrap();
            assert_eq!(read.payload, Payload::Tcp(header(), b"hello"));
            assert!(is_signed_with(&packet, KEY));
            assert!(!is_signed_with(&packet, b"correct horsf"));
            assert!(!is_signed_with(&packet, b""));
        }
    }

    /// Any change of a covered octet is detected; the checksum is not covered.
    #[test]
    fn every_octet_but_options_is_covered() {
        for ipv6 in [false, true] {
            let ip = hosts(ipv6);
            let text = Text::from(&b"text"[..]);
            let packet = Packet::tcp(&ip, &header(), text).signed(&ip, KEY).to_vec();
            let tcp = if ipv6 { 40 } else { 20 };
            let addresses = if ipv6 { 8..40 } else { 12..20 };
            let checksum = tcp + 16..tcp + 18;
            // Except for the NOPs before the option, without which it is not found.
            let segment = (tcp..tcp + 20).chain(tcp + 22..packet.len());
            for at in addresses.chain(segment) {
                let mut changed = packet.clone();
                changed[at] ^= 1;
                if !ipv6 {
                    changed[10..12].fill(0);
                    let sum = Sum::ZERO.plus(&changed[..20]).checksum();
                    changed[10..12].copy_from_slice(&sum.to_be_bytes());
                }
                let counts = checksum.contains(&at);
                assert_eq!(is_signed_with(&changed, KEY), counts, "octet {at}");
            }
        }
    }

    /// A device that completes the checksum finds the sum of the pseudo header in its place.
    #[test]
    fn a_partial_checksum_stays_partial() {
        let ip = hosts(false);
        let offload = Offload {
            checksum: true,
            ..Offload::NONE
        };
        let text = Text::from(&b"text"[..]);
        let packet = Packet::tcp_for(offload, &ip, &header(), text, usize::MAX);
        let before = packet.pieces()[0][36..38].to_vec();
        let signed = packet.signed(&ip, KEY);
        assert_eq!(signed.pieces()[0][36..38], before);
        let octets = signed.pieces().concat();
        assert!(is_signed_with(&octets, KEY));
        assert!(parse_as(&octets, signed.form().checksum).is_ok());
        assert!(parse(&signed.to_vec()).is_ok());
    }

    /// A datagram that was made elsewhere, with its signature at any place.
    #[test]
    fn a_whole_datagram_is_signed_where_its_option_stands() {
        for ipv6 in [false, true] {
            let ip = hosts(ipv6);
            for padding in [0, 1, 2] {
                let mut segment = Packet::tcp(&ip, &header(), Text::from(&b"text"[..])).to_vec();
                let tcp = if ipv6 { 40 } else { 20 };
                let options = &mut segment[tcp + 20..tcp + 40];
                options.rotate_left(2 - padding);
                options[18 + padding..].fill(1);
                segment[tcp + 16..tcp + 18].fill(0);
                let length = segment.len() - tcp;
                let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::TCP, length);
                let sum = sum.plus(&segment[tcp..]).checksum();
                segment[tcp + 16..tcp + 18].copy_from_slice(&sum.to_be_bytes());
                assert!(parse(&segment).is_ok());
                assert!(!is_signed_with(&segment, KEY));
                assert!(sign(&mut segment, KEY));
                assert!(is_signed_with(&segment, KEY));
                assert!(parse(&segment).is_ok(), "{padding}");
            }
        }
        assert!(!sign(&mut [], KEY));
    }

    #[test]
    fn without_room_nothing_is_signed_and_nothing_else_counts_as_signed() {
        let ip = hosts(false);
        let bare = TcpHeader {
            options: Options::default(),
            ..header()
        };
        let packet = Packet::tcp(&ip, &bare, Text::EMPTY);
        assert_eq!(packet.signed(&ip, KEY).to_vec(), packet.to_vec());
        assert!(!is_signed_with(&packet.to_vec(), KEY));
        assert!(!is_signed_with(b"", KEY));
        let datagram = IpHeader { protocol: 17, ..ip }.datagram(&[0; 60]);
        assert!(!is_signed_with(&datagram, KEY));
    }
}
