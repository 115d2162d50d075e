//! The TCP header (RFC 9293 §3.1).

use core::fmt;
use core::ops::{BitOr, BitOrAssign, Sub};

use etherparse::TcpHeaderSlice;

use super::checksum::Sum;
use super::ip_header::{IpHeader, protocol};
use super::malformed::Malformed;
use super::options::Options;

/// The control bits of a segment (RFC 9293 §3.1), with the one that RFC 9768 named AE (once NS):
/// nine bits, in their order in the header.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Control(u16);

impl Control {
    /// No control bit.
    pub const NONE: Control = Control(0);
    /// No more data from the sender.
    pub const FIN: Control = Control(1 << 0);
    /// Synchronise sequence numbers.
    pub const SYN: Control = Control(1 << 1);
    /// Reset the connection.
    pub const RST: Control = Control(1 << 2);
    /// Push: hand what has arrived to the user at once.
    pub const PSH: Control = Control(1 << 3);
    /// The acknowledgment field is significant.
    pub const ACK: Control = Control(1 << 4);
    /// The urgent pointer is significant.
    pub const URG: Control = Control(1 << 5);
    /// ECN echo (RFC 3168).
    pub const ECE: Control = Control(1 << 6);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Control = Control(1 << 7);
    /// Accurate ECN (RFC 9768); before it, the nonce sum NS.
    pub const AE: Control = Control(1 << 8);

    /// The lowest nine bits of `bits`.
    pub const fn from_bits(bits: u16) -> Control {
        Control(bits & 0x1ff)
    }

    /// The nine bits, FIN lowest.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Control) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    pub const fn any(self, other: Control) -> bool {
        self.0 & other.0 != 0
    }

    /// tcpdump's letters: `S.` for SYN,ACK, `.` for ACK, `none` for nothing.
    pub fn letters(self) -> impl fmt::Display {
        Letters(self)
    }
}

impl BitOr for Control {
    type Output = Control;
    fn bitor(self, other: Control) -> Control {
        Control(self.0 | other.0)
    }
}

impl BitOrAssign for Control {
    fn bitor_assign(&mut self, other: Control) {
        self.0 |= other.0;
    }
}

impl Sub for Control {
    type Output = Control;
    /// Without the bits of `other`.
    fn sub(self, other: Control) -> Control {
        Control(self.0 & !other.0)
    }
}

/// As the RFCs write it: `SYN,ACK`.
impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Control, &str); 9] = [
            (Control::SYN, "SYN"),
            (Control::FIN, "FIN"),
            (Control::RST, "RST"),
            (Control::PSH, "PSH"),
            (Control::URG, "URG"),
            (Control::ECE, "ECE"),
            (Control::CWR, "CWR"),
            (Control::AE, "AE"),
            (Control::ACK, "ACK"),
        ];
        let mut first = true;
        for (bit, name) in NAMES {
            if self.has(bit) {
                f.write_str(if first { "" } else { "," })?;
                f.write_str(name)?;
                first = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Control({self})")
    }
}

struct Letters(Control);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Control, &str); 9] = [
            (Control::FIN, "F"),
            (Control::SYN, "S"),
            (Control::RST, "R"),
            (Control::PSH, "P"),
            (Control::ACK, "."),
            (Control::URG, "U"),
            (Control::ECE, "E"),
            (Control::CWR, "W"),
            (Control::AE, "e"),
        ];
        if self.0 == Control::NONE {
            return f.write_str("none");
        }
        LETTERS
            .iter()
            .filter(|(bit, _)| self.0.has(*bit))
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

/// A TCP header with every field, and sequence numbers as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpHeader {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// SEG.SEQ: the sequence number of the first octet of the segment, or of its SYN.
    pub seq: u32,
    /// The acknowledgment field; significant if `control` has ACK (and 0 on the wire if not).
    pub ack: u32,
    /// The control bits.
    pub control: Control,
    /// The window field, unscaled.
    pub window: u16,
    /// The urgent pointer; significant if `control` has URG (and 0 on the wire if not).
    pub urgent: u16,
    /// The options.
    pub options: Options,
}

/// Length without options, in octets.
const HEADER: usize = 20;
/// The longest header, in octets.
pub(super) const MAX_HEADER: usize = HEADER + Options::MAX_LEN;

/// Parses a segment, the payload of `ip`, into its header and text. Ignores reserved bits, and, on
/// segments other than SYNs, options that only a SYN may carry. `vouched`: the checksum need not be
/// verified.
///
/// # Errors
/// If the header is incomplete, or the checksum is wrong.
#[inline]
pub(super) fn parse<'a>(
    ip: &IpHeader,
    segment: &'a [u8],
    vouched: bool,
) -> Result<(TcpHeader, &'a [u8]), Malformed> {
    if segment.len() < HEADER {
        return Err(Malformed::TcpLength);
    }
    let data_offset = usize::from(segment[12] >> 4) * 4;
    if data_offset < HEADER {
        return Err(Malformed::TcpDataOffset);
    }
    let header = TcpHeaderSlice::from_slice(segment).map_err(|_| Malformed::TcpLength)?;
    if !vouched {
        let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::TCP, segment.len());
        if !sum.plus(segment).verifies() {
            return Err(Malformed::TcpChecksum);
        }
    }
    let control = Control::from_bits(u16::from_be_bytes([segment[12], segment[13]]));
    let mut options = Options::parse(&segment[HEADER..data_offset]);
    if !control.has(Control::SYN) {
        options = options.without_syn_only();
    }
    let header = TcpHeader {
        source_port: header.source_port(),
        destination_port: header.destination_port(),
        seq: header.sequence_number(),
        ack: header.acknowledgment_number(),
        control,
        window: header.window_size(),
        urgent: header.urgent_pointer(),
        options,
    };
    Ok((header, &segment[data_offset..]))
}

/// The length of the header of a segment, in octets, if the header is complete.
pub(super) fn header_len(segment: &[u8]) -> Option<usize> {
    let len = usize::from(segment.get(12)? >> 4) * 4;
    (HEADER..=segment.len()).contains(&len).then_some(len)
}

/// The sequence number of a segment with a complete header.
pub(super) fn seq(segment: &[u8]) -> u32 {
    let octets = segment[4..8].first_chunk();
    octets.map_or(0, |octets| u32::from_be_bytes(*octets))
}

/// Turns a copy of a super-segment's header into that of the piece whose text begins at `at`. FIN
/// and PSH belong to the last piece, CWR to the first (RFC 3168 §6.1.2: a reduction is reported
/// once).
pub(super) fn make_piece(segment: &mut [u8], at: usize, is_last: bool) {
    let seq = seq(segment).wrapping_add(at as u32);
    segment[4..8].copy_from_slice(&seq.to_be_bytes());
    let mut control = Control::from_bits(segment[CONTROL].into());
    if !is_last {
        control = control - Control::FIN - Control::PSH;
    }
    if at > 0 {
        control = control - Control::CWR;
    }
    segment[CONTROL] = control.bits() as u8;
}

impl TcpHeader {
    /// Length on the wire, in octets: 20 to 60.
    pub fn wire_len(&self) -> usize {
        HEADER + self.options.wire_len()
    }

    /// Writes the header to the front of `out`, with a checksum of zero. Returns its length in
    /// octets.
    ///
    /// # Panics
    /// If `out` is shorter than [`TcpHeader::wire_len`].
    pub(super) fn write(&self, out: &mut [u8]) -> usize {
        let len = HEADER + self.options.write(&mut out[HEADER..]);
        let significant = |bit, value| if self.control.has(bit) { value } else { 0 };
        let ack = significant(Control::ACK, self.ack);
        let urgent = significant(Control::URG, self.urgent.into()) as u16;
        // The data offset is in words of four octets.
        let offset_and_control = ((len as u16 / 4) << 12) | self.control.bits();
        let header: &mut [u8; HEADER] = out.first_chunk_mut().expect("room for a TCP header");
        header[0..2].copy_from_slice(&self.source_port.to_be_bytes());
        header[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
        header[4..8].copy_from_slice(&self.seq.to_be_bytes());
        header[8..12].copy_from_slice(&ack.to_be_bytes());
        header[12..14].copy_from_slice(&offset_and_control.to_be_bytes());
        header[14..16].copy_from_slice(&self.window.to_be_bytes());
        header[CHECKSUM..CHECKSUM + 2].copy_from_slice(&[0, 0]);
        header[18..20].copy_from_slice(&urgent.to_be_bytes());
        len
    }
}

/// The place of the octet with the low eight control bits in the header.
pub(super) const CONTROL: usize = 13;
/// The place of the checksum field in the header.
pub(super) const CHECKSUM: usize = 16;

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::wire::options::tests::{any_options, limited};
    use crate::wire::{Packet, Payload, Text, Timestamps};

    fn v4() -> IpHeader {
        IpHeader::new(
            [10, 0, 0, 1].into(),
            [10, 0, 0, 2].into(),
            protocol::TCP,
            64,
        )
    }

    fn v6() -> IpHeader {
        let address = |last| IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        IpHeader::new(address(1), address(2), protocol::TCP, 64)
    }

    /// A segment with a right checksum, made by hand.
    fn segment(ip: &IpHeader, mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::TCP, bytes.len());
        let checksum = sum.plus(&bytes).checksum();
        bytes[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    const BYTES: [u8; 24] = [
        0x9c, 0x40, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x38, 0xfa, 0xf0, 0, 0, 0, 9, b't', b'e',
        b'x', b't',
    ];

    #[test]
    fn reads_every_field() {
        let header = TcpHeader {
            source_port: 40_000,
            destination_port: 7,
            seq: 0x0102_0304,
            ack: 0x0506_0708,
            control: Control::PSH | Control::ACK | Control::URG,
            window: 64_240,
            urgent: 9,
            options: Options::default(),
        };
        for ip in [v4(), v6()] {
            let bytes = segment(&ip, BYTES.to_vec());
            assert_eq!(parse(&ip, &bytes, false), Ok((header, &b"text"[..])));
            let written = Packet::tcp(&ip, &header, Text::from(&b"text"[..])).to_vec();
            assert_eq!(written[written.len() - bytes.len()..], bytes);
        }
    }

    #[test]
    fn reserved_bits_are_ignored_and_written_as_zero() {
        let ip = v4();
        let mut bytes = BYTES.to_vec();
        bytes[12] |= 0x0e;
        let bytes = segment(&ip, bytes);
        let (header, text) = parse(&ip, &bytes, false).unwrap();
        assert_eq!(header.control, Control::PSH | Control::ACK | Control::URG);
        let written = Packet::tcp(&ip, &header, text.into()).to_vec();
        assert_eq!(written[20 + 12], 0x50);
    }

    #[test]
    fn all_nine_control_bits_go_through() {
        for bits in 0..1 << 9 {
            let header = TcpHeader {
                control: Control::from_bits(bits),
                ..TcpHeader::default()
            };
            let bytes = Packet::tcp(&v4(), &header, Text::EMPTY).to_vec();
            let read = parse(&v4(), &bytes[20..], false);
            assert_eq!(read, Ok((header, &[][..])), "{}", header.control);
            let theirs = TcpHeaderSlice::from_slice(&bytes[20..]).unwrap();
            let flags = [
                (theirs.fin(), Control::FIN),
                (theirs.syn(), Control::SYN),
                (theirs.rst(), Control::RST),
                (theirs.psh(), Control::PSH),
                (theirs.ack(), Control::ACK),
                (theirs.urg(), Control::URG),
                (theirs.ece(), Control::ECE),
                (theirs.cwr(), Control::CWR),
                (theirs.ns(), Control::AE),
            ];
            for (set, bit) in flags {
                assert_eq!(set, header.control.has(bit), "{bit} of {}", header.control);
            }
        }
    }

    #[test]
    fn fields_that_are_not_significant_are_zero_on_the_wire() {
        let header = TcpHeader {
            ack: u32::MAX,
            urgent: u16::MAX,
            control: Control::SYN,
            ..TcpHeader::default()
        };
        let bytes = Packet::tcp(&v4(), &header, Text::EMPTY).to_vec();
        let (read, _) = parse(&v4(), &bytes[20..], false).unwrap();
        assert_eq!((read.ack, read.urgent), (0, 0));
    }

    #[test]
    fn options_of_a_syn_count_on_a_syn_only() {
        let options = Options {
            mss: Some(1),
            window_scale: Some(2),
            sack_permitted: true,
            timestamps: Some(Timestamps { val: 3, ecr: 4 }),
            ..Options::default()
        };
        let read = |control| {
            let header = TcpHeader {
                control,
                options,
                ..TcpHeader::default()
            };
            let bytes = Packet::tcp(&v6(), &header, Text::EMPTY).to_vec();
            parse(&v6(), &bytes[40..], false).unwrap().0.options
        };
        assert_eq!(read(Control::SYN), options);
        let without = Options {
            timestamps: options.timestamps,
            ..Options::default()
        };
        assert_eq!(read(Control::ACK), without);
    }

    #[test]
    fn control_bits_as_the_rfcs_and_tcpdump_write_them() {
        let syn_ack = Control::SYN | Control::ACK;
        assert_eq!(syn_ack.to_string(), "SYN,ACK");
        assert_eq!(syn_ack.letters().to_string(), "S.");
        assert_eq!((syn_ack | Control::ECE).letters().to_string(), "S.E");
        assert_eq!(Control::NONE.letters().to_string(), "none");
    }

    prop_compose! {
        fn any_header()(
            ports in any::<(u16, u16)>(),
            numbers in any::<(u32, u32)>(),
            control in (0u16..1 << 9).prop_map(Control::from_bits),
            fields in any::<(u16, u16)>(),
            options in any_options(),
        ) -> TcpHeader {
            let ack = if control.has(Control::ACK) { numbers.1 } else { 0 };
            let urgent = if control.has(Control::URG) { fields.1 } else { 0 };
            let control = match control.has(Control::SYN) {
                true => control - Control::FIN - Control::RST,
                false => control,
            };
            TcpHeader {
                source_port: ports.0,
                destination_port: ports.1,
                seq: numbers.0,
                ack,
                control,
                window: fields.0,
                urgent,
                options,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            header in any_header(),
            text in prop::collection::vec(any::<u8>(), 0..100),
            cut in any::<prop::sample::Index>(),
        ) {
            let options = match header.control.has(Control::SYN) {
                true => limited(header.options),
                false => limited(header.options).without_syn_only(),
            };
            let expected = TcpHeader { options, ..header };
            let (first, second) = text.split_at(cut.index(text.len() + 1));
            for ip in [v4(), v6()] {
                let bytes = Packet::tcp(&ip, &header, Text::new(first, second)).to_vec();
                let read = crate::wire::parse(&bytes).unwrap();
                prop_assert_eq!(read.ip, ip);
                prop_assert_eq!(read.payload, Payload::Tcp(expected, &text));
            }
        }

        #[test]
        fn etherparse_reads_the_same(header in any_header(), text in any::<[u8; 7]>()) {
            for ip in [v4(), v6()] {
                let bytes = Packet::tcp(&ip, &header, Text::from(&text[..])).to_vec();
                let theirs = etherparse::PacketHeaders::from_ip_slice(&bytes).unwrap();
                let Some(etherparse::TransportHeader::Tcp(tcp)) = theirs.transport else {
                    panic!("no TCP header");
                };
                prop_assert_eq!(theirs.payload.slice(), text);
                prop_assert_eq!(tcp.sequence_number, header.seq);
                prop_assert_eq!(tcp.acknowledgment_number, header.ack);
                prop_assert_eq!(tcp.window_size, header.window);
                prop_assert_eq!(tcp.urgent_pointer, header.urgent);
                let checksum = match theirs.net {
                    Some(etherparse::NetHeaders::Ipv4(ip, _)) => {
                        prop_assert_eq!(ip.header_checksum, ip.calc_header_checksum());
                        tcp.calc_checksum_ipv4(&ip, &text)
                    }
                    Some(etherparse::NetHeaders::Ipv6(ip, _)) => tcp.calc_checksum_ipv6(&ip, &text),
                    _ => panic!("no IP header"),
                };
                prop_assert_eq!(Ok(tcp.checksum), checksum);
            }
        }
    }
}
