//! The header in front of every datagram on a TUN descriptor with IFF_VNET_HDR: what is still to be
//! done to it, or has been done (struct virtio_net_hdr of the kernel; Virtual I/O Device 1.2 §5.1.6).
//!
//! ```text
//!   0      1          2         4          6            8             10
//!   ┌──────┬──────────┬─────────┬──────────┬────────────┬─────────────┐
//!   │flags │ gso_type │ hdr_len │ gso_size │ csum_start │ csum_offset │  in the machine's byte order
//!   └──────┴──────────┴─────────┴──────────┴────────────┴─────────────┘
//! ```

use core::num::NonZero;

use crate::wire::offload::Place;
use crate::wire::{Checksum, Cut, Form, Kind, Packet};

/// Its length, in octets.
pub(super) const LEN: usize = 10;

/// The header as octets.
pub(super) type Octets = [u8; LEN];

/// VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum is partial.
const NEEDS_CSUM: u8 = 1;
/// VIRTIO_NET_HDR_F_DATA_VALID: the checksum has been verified.
const DATA_VALID: u8 = 2;

/// Values of gso_type.
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
/// A bit of gso_type: of the segments, only the first has CWR.
const GSO_ECN: u8 = 0x80;

/// The header for a datagram that leaves.
pub(super) fn write(packet: &Packet<'_>) -> Octets {
    let form = packet.form();
    let mut octets = [0; LEN];
    if let Checksum::Partial(place) = form.checksum {
        octets[0] = NEEDS_CSUM;
        octets[6..8].copy_from_slice(&place.start.to_ne_bytes());
        octets[8..10].copy_from_slice(&place.field.to_ne_bytes());
    }
    if let Some(cut) = form.cut {
        let is_v4 = packet.pieces()[0]
            .first()
            .is_some_and(|octet| octet >> 4 == 4);
        octets[1] = match (cut.kind, is_v4) {
            (Kind::Tcp, true) => GSO_TCPV4,
            (Kind::Tcp, false) => GSO_TCPV6,
            (Kind::Udp, _) => GSO_UDP_L4,
        };
        octets[2..4].copy_from_slice(&(packet.header_len() as u16).to_ne_bytes());
        octets[4..6].copy_from_slice(&cut.size.get().to_ne_bytes());
    }
    octets
}

/// The form that the header gives a datagram of `len` octets, which begins with `first`; `None` if the
/// header makes no sense.
pub(super) fn read(octets: &Octets, len: usize, first: Option<&u8>) -> Option<Form> {
    let field = |at: usize| u16::from_ne_bytes([octets[at], octets[at + 1]]);
    let (flags, header_len, size) = (octets[0], field(2), field(4));
    if usize::from(header_len) > len {
        return None;
    }
    let checksum = if flags & NEEDS_CSUM != 0 {
        let place = Place {
            start: field(6),
            field: field(8),
        };
        let end = usize::from(place.start) + usize::from(place.field) + 2;
        if end > len {
            return None;
        }
        Checksum::Partial(place)
    } else if flags & DATA_VALID != 0 {
        Checksum::Verified
    } else {
        Checksum::Complete
    };
    let version = first.filter(|_| len > 0)? >> 4;
    let kind = match (octets[1] & !GSO_ECN, version) {
        (GSO_NONE, _) => {
            return Some(Form {
                checksum,
                cut: None,
            });
        }
        (GSO_TCPV4, 4) | (GSO_TCPV6, 6) => Kind::Tcp,
        (GSO_UDP_L4, 4 | 6) => Kind::Udp,
        _ => return None,
    };
    let size = NonZero::new(size)?;
    Some(Form {
        checksum,
        cut: Some(Cut { kind, size }),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{IpHeader, Offload, TcpHeader, Text, UdpHeader};

    fn ip(is_v4: bool) -> IpHeader {
        match is_v4 {
            true => IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64),
            false => IpHeader::new([0xfd; 16].into(), [0x20; 16].into(), 0, 64),
        }
    }

    fn fields(flags: u8, gso: u8, rest: [u16; 4]) -> Octets {
        let mut octets = [0; LEN];
        (octets[0], octets[1]) = (flags, gso);
        for (at, value) in [2, 4, 6, 8].into_iter().zip(rest) {
            octets[at..at + 2].copy_from_slice(&value.to_ne_bytes());
        }
        octets
    }

    #[test]
    fn a_super_segment_names_headers_size_and_checksum() {
        let text = Text::from(&[0; 3000][..]);
        for (is_v4, gso, at) in [(true, GSO_TCPV4, 20), (false, GSO_TCPV6, 40)] {
            let tcp = TcpHeader::default();
            let packet = Packet::tcp_for(Offload::FULL, &ip(is_v4), &tcp, text, 1448);
            let octets = write(&packet);
            assert_eq!(octets, fields(NEEDS_CSUM, gso, [at + 20, 1448, at, 16]));
            let datagram = packet.pieces().concat();
            let form = read(&octets, datagram.len(), datagram.first());
            assert_eq!(form, Some(packet.form()));
            let packet = Packet::tcp_for(Offload::FULL, &ip(is_v4), &tcp, text, 3000);
            assert_eq!(write(&packet), fields(NEEDS_CSUM, GSO_NONE, [0, 0, at, 16]));
        }
    }

    #[test]
    fn a_datagram_of_udp_names_its_checksum_and_a_whole_one_nothing() {
        let text = Text::from(&b"text"[..]);
        let udp = UdpHeader::default();
        let packet = Packet::udp_for(Offload::FULL, &ip(true), &udp, text);
        assert_eq!(write(&packet), fields(NEEDS_CSUM, GSO_NONE, [0, 0, 20, 6]));
        assert_eq!(write(&Packet::udp(&ip(true), &udp, text)), [0; LEN]);
        assert_eq!(write(&Packet::borrowed(b"E")), [0; LEN]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let datagram = [0x45; 60];
        let form = |octets| read(&octets, datagram.len(), datagram.first());
        let tcp = |rest| form(fields(NEEDS_CSUM, GSO_TCPV4 | GSO_ECN, rest));
        assert!(tcp([40, 10, 20, 16]).is_some());
        assert!(tcp([61, 10, 20, 16]).is_none(), "headers beyond the end");
        assert!(tcp([40, 0, 20, 16]).is_none(), "segments without text");
        assert!(tcp([40, 10, 50, 9]).is_none(), "a checksum beyond the end");
        assert!(tcp([40, 10, u16::MAX, u16::MAX]).is_none());
        for gso in [GSO_TCPV6, 2, 3, 6, 0x7f] {
            assert!(form(fields(0, gso, [40, 10, 0, 0])).is_none(), "type {gso}");
        }
        assert!(read(&[0; LEN], 0, None).is_none(), "nothing at all");
        let checksum = |flags| form(fields(flags, GSO_NONE, [0; 4])).map(|form| form.checksum);
        assert_eq!(checksum(0), Some(Checksum::Complete));
        assert_eq!(checksum(DATA_VALID), Some(Checksum::Verified));
    }

    proptest! {
        /// Whatever the header says, its offsets stay within the datagram.
        #[test]
        fn nothing_points_outside(octets: Octets, datagram in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(form) = read(&octets, datagram.len(), datagram.first()) {
                if let Checksum::Partial(place) = form.checksum {
                    let end = usize::from(place.start) + usize::from(place.field) + 2;
                    prop_assert!(end <= datagram.len());
                }
                form.complete(&mut datagram.clone());
            }
        }
    }
}
