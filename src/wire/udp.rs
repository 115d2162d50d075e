//! The UDP header (RFC 768).

use core::net::IpAddr;

use etherparse::UdpHeaderSlice;

use super::checksum::Sum;
use super::ip_header::{IpHeader, protocol};
use super::malformed::Malformed;

/// Length of the header, in octets.
pub const HEADER: usize = 8;
/// The place of the checksum field in it.
pub(super) const CHECKSUM: usize = 6;

/// A UDP header. Its length and checksum follow from the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UdpHeader {
    /// The sender's port; 0 if it wants no answer.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
}

/// Parses a datagram, the payload of `ip`, into its header and text. Octets beyond the length in
/// the header are cut off. `vouched`: the checksum need not be verified.
///
/// # Errors
/// If the length is impossible, or the checksum is wrong. Over IPv4 a checksum of zero means
/// none, and is valid (RFC 768); over IPv6 there must be one (RFC 8200 §8.1).
pub(super) fn parse<'a>(
    ip: &IpHeader,
    payload: &'a [u8],
    vouched: bool,
) -> Result<(UdpHeader, &'a [u8]), Malformed> {
    let header = UdpHeaderSlice::from_slice(payload).map_err(|_| Malformed::UdpLength)?;
    let length = usize::from(header.length());
    if length < HEADER || length > payload.len() {
        return Err(Malformed::UdpLength);
    }
    let payload = &payload[..length];
    match (header.checksum(), ip.source) {
        _ if vouched => {}
        (0, IpAddr::V4(_)) => {}
        (0, IpAddr::V6(_)) => return Err(Malformed::UdpNoChecksum),
        (_, _) => {
            let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::UDP, length);
            if !sum.plus(payload).verifies() {
                return Err(Malformed::UdpChecksum);
            }
        }
    }
    let header = UdpHeader {
        source_port: header.source_port(),
        destination_port: header.destination_port(),
    };
    Ok((header, &payload[HEADER..]))
}

/// Turns a copy of a super-segment's header into that of a piece.
pub(super) fn make_piece(datagram: &mut [u8]) {
    let length = datagram.len() as u16;
    datagram[4..6].copy_from_slice(&length.to_be_bytes());
}

impl UdpHeader {
    /// Writes the header of a datagram of `text` octets to the front of `out`, with a checksum of
    /// zero. Returns its length in octets.
    pub(super) fn write(&self, text: usize, out: &mut [u8]) -> usize {
        let header = etherparse::UdpHeader {
            source_port: self.source_port,
            destination_port: self.destination_port,
            length: (HEADER + text) as u16,
            checksum: 0,
        };
        out[..HEADER].copy_from_slice(&header.to_bytes());
        HEADER
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Packet, Payload, Text};

    fn v4() -> IpHeader {
        IpHeader::new(
            [10, 0, 0, 1].into(),
            [10, 0, 0, 2].into(),
            protocol::UDP,
            64,
        )
    }

    fn v6() -> IpHeader {
        IpHeader::new([0xfd; 16].into(), [0x20; 16].into(), protocol::UDP, 64)
    }

    const HEADER_7_TO_9: UdpHeader = UdpHeader {
        source_port: 7,
        destination_port: 9,
    };

    /// A datagram from port 7 to 9, with this length field and a correct checksum.
    fn datagram(ip: &IpHeader, length: u16, text: &[u8]) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut bytes = [&[0, 7, 0, 9, high, low, 0, 0], text].concat();
        let summed = &bytes[..bytes.len().min(length.into())];
        let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::UDP, length.into());
        let checksum = sum.plus(summed).checksum();
        bytes[CHECKSUM..HEADER].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    #[test]
    fn the_length_is_the_header_s() {
        for ip in [v4(), v6()] {
            let read = |length| {
                let bytes = datagram(&ip, length, b"text");
                parse(&ip, &bytes, false).map(|(header, text)| (header, text.to_vec()))
            };
            for length in 0..8 {
                assert_eq!(read(length), Err(Malformed::UdpLength), "{length}");
            }
            for length in 8..=12u16 {
                let text = b"text"[..usize::from(length) - 8].to_vec();
                assert_eq!(read(length), Ok((HEADER_7_TO_9, text)), "{length}");
            }
            for length in [13, u16::MAX] {
                assert_eq!(read(length), Err(Malformed::UdpLength), "{length}");
            }
        }
    }

    #[test]
    fn no_checksum_is_good_over_ipv4_only() {
        let bytes = [0, 7, 0, 9, 0, 9, 0, 0, b'x'];
        assert_eq!(parse(&v4(), &bytes, false), Ok((HEADER_7_TO_9, &b"x"[..])));
        assert_eq!(parse(&v6(), &bytes, false), Err(Malformed::UdpNoChecksum));
    }

    #[test]
    fn a_checksum_that_comes_out_zero_is_sent_as_all_ones() {
        for ip in [v4(), v6()] {
            let packet = |text: u16| {
                let text = text.to_be_bytes();
                Packet::udp(&ip, &HEADER_7_TO_9, Text::from(&text[..])).to_vec()
            };
            let checksum = |bytes: &[u8]| {
                let at = bytes.len() - 2 - HEADER + CHECKSUM;
                u16::from_be_bytes([bytes[at], bytes[at + 1]])
            };
            // A text equal to the checksum over a text of zero brings the sum to all ones.
            let text = checksum(&packet(0));
            let bytes = packet(text);
            assert_eq!(checksum(&bytes), 0xffff);
            let read = crate::wire::parse(&bytes).unwrap().payload;
            assert_eq!(read, Payload::Udp(HEADER_7_TO_9, &text.to_be_bytes()));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            ports in any::<(u16, u16)>(),
            text in prop::collection::vec(any::<u8>(), 0..100),
            cut in any::<prop::sample::Index>(),
        ) {
            let header = UdpHeader { source_port: ports.0, destination_port: ports.1 };
            let (first, second) = text.split_at(cut.index(text.len() + 1));
            for ip in [v4(), v6()] {
                let bytes = Packet::udp(&ip, &header, Text::new(first, second)).to_vec();
                let read = crate::wire::parse(&bytes).unwrap();
                prop_assert_eq!(read.ip, ip);
                prop_assert_eq!(read.payload, Payload::Udp(header, &text));
                prop_assert!(etherparse::PacketHeaders::from_ip_slice(&bytes).is_ok());
            }
        }
    }
}
