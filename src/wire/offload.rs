//! Work that a device does in place of the stack: it completes checksums, and it cuts
//! super-segments into the datagrams of the wire, or merges datagrams into super-segments.
//!
//! ```text
//!   super-segment   IP TCP |        text        |          SEQ, flags of all
//!   cut             IP TCP | text | IP TCP | text | …      SEQ + size each; FIN, PSH on the last
//! ```
//!
//! The same work is done here in software, too: for a medium that has to see each datagram, for a
//! recording, or for a checksum that no device completes.

use core::num::NonZero;

use super::checksum::Sum;
use super::ip::content;
use super::ip_header::{Content, IpHeader, MAX_DATAGRAM, protocol};
use super::{ipv4, tcp, udp};

/// The work that a device does for departing datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Offload {
    /// It completes the checksums of TCP and UDP.
    pub checksum: bool,
    /// The longest TCP super-segment that it cuts, in octets, IP header included; 0: it cuts none.
    /// It also completes the checksums of what it cuts.
    pub longest: usize,
}

impl Offload {
    /// None: every datagram leaves exactly as it will be on the wire.
    pub const NONE: Offload = Offload {
        checksum: false,
        longest: 0,
    };

    /// Checksums, and super-segments as long as a datagram can be.
    pub const FULL: Offload = Offload {
        checksum: true,
        longest: MAX_DATAGRAM,
    };
}

/// The form in which a datagram crosses a device: by default, as it is on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Form {
    /// How much of the checksum of TCP or UDP is there.
    pub checksum: Checksum,
    /// Set if it is a super-segment: what to cut it into, or what it was merged from.
    pub cut: Option<Cut>,
}

/// How much of the checksum of TCP or UDP is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// All of it, to be verified by the receiver.
    #[default]
    Complete,
    /// All of it, and it has been verified, usually by the device.
    Verified,
    /// The sum of the pseudo header only, to be completed on the way. As long as it has not been,
    /// the datagram has not left the machine, and there is nothing to verify.
    Partial(Place),
}

/// Where to complete a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where the covered octets begin, counted from the start of the datagram. They extend to its
    /// end.
    pub start: u16,
    /// Where its field is, in octets from there.
    pub field: u16,
}

/// What to cut a super-segment into, or what it was merged from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// TCP segments, or UDP datagrams.
    pub kind: Kind,
    /// Octets of text of each; the last may have fewer.
    pub size: NonZero<u16>,
}

/// Which protocol a super-segment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The texts of the UDP datagrams that a device has merged into one, or its own text alone; an empty text
/// counts as one.
pub fn pieces(text: &[u8], cut: Option<Cut>) -> impl Iterator<Item = &[u8]> {
    let cut = cut.filter(|cut| cut.kind == Kind::Udp);
    let size = cut.map_or(usize::MAX, |cut| cut.size.get().into());
    let (first, rest) = text.split_at(text.len().min(size));
    core::iter::once(first).chain(rest.chunks(size))
}

impl Checksum {
    /// Whether there is nothing to verify for the protocol whose header starts at `start` and has
    /// its checksum `field` octets on. (In a tunnel, the partial checksum may be that of another
    /// header.)
    pub(super) fn vouches_for(self, start: usize, field: usize) -> bool {
        match self {
            Checksum::Complete => false,
            Checksum::Verified => true,
            Checksum::Partial(place) => {
                usize::from(place.start) == start && usize::from(place.field) == field
            }
        }
    }
}

impl Cut {
    /// Into how many pieces it cuts this much text; at least one.
    pub fn pieces(self, text: usize) -> usize {
        text.div_ceil(usize::from(self.size.get())).max(1)
    }
}

impl Form {
    /// Completes the checksum of a datagram, as the device would; a super-segment stays one.
    pub fn complete(self, datagram: &mut [u8]) {
        if let Checksum::Partial(place) = self.checksum {
            complete(datagram, place);
        }
    }

    /// Gives `each` the datagrams of the wire that a device has merged into this one, complete and in
    /// order; or only itself, unless it is a super-segment.
    pub fn take_apart(self, datagram: &[u8], mut each: impl FnMut(&[u8])) {
        if self.cut.is_some_and(|by| cut(datagram, by, &mut each)) {
            return;
        }
        match self.checksum {
            Checksum::Complete | Checksum::Verified => each(datagram),
            Checksum::Partial(place) => {
                let mut whole = datagram.to_vec();
                complete(&mut whole, place);
                each(&whole);
            }
        }
    }
}

/// Completes a partial checksum. Does nothing if the place is outside the datagram.
pub fn complete(datagram: &mut [u8], place: Place) {
    let Some(covered) = datagram.get_mut(usize::from(place.start)..) else {
        return;
    };
    let field = usize::from(place.field);
    let value = match Sum::ZERO.plus(covered).checksum() {
        // RFC 768: zero would mean that there is no checksum; all ones sums the same. TCP has no
        // such rule, and complete segments are written with zero.
        0 if field == udp::CHECKSUM => 0xffff_u16,
        value => value,
    };
    if let Some(field) = covered.get_mut(field..field + 2) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

/// Cuts a super-segment: `each` gets every datagram of it, complete, in order. One that is not of
/// the kind of `cut`, or is malformed, is not cut: `each` gets nothing, and the result is false.
/// Verifies nothing.
pub fn cut(super_segment: &[u8], cut: Cut, mut each: impl FnMut(&[u8])) -> bool {
    let Ok((ip, Content::Whole { payload, start, .. })) = content(super_segment) else {
        return false;
    };
    let header = match (cut.kind, ip.protocol) {
        (Kind::Tcp, protocol::TCP) => tcp::header_len(payload),
        (Kind::Udp, protocol::UDP) => Some(udp::HEADER).filter(|len| payload.len() >= *len),
        (Kind::Tcp | Kind::Udp, _) => None,
    };
    let Some(header) = header else {
        return false;
    };
    let (head, text) = super_segment[..start + payload.len()].split_at(start + header);
    let size = usize::from(cut.size.get());
    let mut piece = Vec::with_capacity(head.len() + size);
    let mut at = 0;
    let mut identification = ip.identification;
    loop {
        let end = text.len().min(at + size);
        piece.clear();
        piece.extend_from_slice(head);
        piece.extend_from_slice(&text[at..end]);
        if ip.source.is_ipv4() {
            // As the kernel does.
            piece[4..6].copy_from_slice(&identification.to_be_bytes());
            identification = identification.wrapping_add(1);
        }
        set_ip_length(&mut piece, start);
        let upper = &mut piece[start..];
        match cut.kind {
            Kind::Tcp => tcp::make_piece(upper, at, end == text.len()),
            Kind::Udp => udp::make_piece(upper),
        }
        set_checksum(&ip, cut.kind, upper);
        each(&piece);
        if end == text.len() {
            return true;
        }
        at = end;
    }
}

/// Sets the length of a datagram in its IP header of `start` octets.
pub(super) fn set_ip_length(datagram: &mut [u8], start: usize) {
    set_ip_length_to(datagram, start, datagram.len());
}

/// The same, if only the headers of a datagram of `len` octets lie here.
pub(super) fn set_ip_length_to(headers: &mut [u8], start: usize, len: usize) {
    if headers[0] >> 4 == 4 {
        ipv4::set_total_length(&mut headers[..start], len as u16);
    } else {
        headers[4..6].copy_from_slice(&((len - super::ipv6::HEADER) as u16).to_be_bytes());
    }
}

/// Sets the checksum of a segment or datagram of `ip`.
pub(super) fn set_checksum(ip: &IpHeader, kind: Kind, upper: &mut [u8]) {
    let (protocol, field) = match kind {
        Kind::Tcp => (protocol::TCP, tcp::CHECKSUM),
        Kind::Udp => (protocol::UDP, udp::CHECKSUM),
    };
    let sum = Sum::pseudo_header(ip.source, ip.destination, protocol, upper.len()).partial();
    upper[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    let place = Place {
        start: 0,
        field: field as u16,
    };
    complete(upper, place);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{
        Control, Packet, Payload, TcpHeader, Text, Timestamps, UdpHeader, parse, parse_as,
    };

    fn any_ip() -> impl Strategy<Value = IpHeader> {
        let hosts = prop_oneof![
            any::<([u8; 4], [u8; 4])>().prop_map(|(from, to)| (from.into(), to.into())),
            any::<([u8; 16], [u8; 16])>().prop_map(|(from, to)| (from.into(), to.into())),
        ];
        (hosts, any::<u8>()).prop_map(|((from, to), class)| IpHeader {
            traffic_class: class,
            ..IpHeader::new(from, to, 0, 64)
        })
    }

    fn any_tcp() -> impl Strategy<Value = TcpHeader> {
        let options = any::<Option<(u32, u32)>>();
        (any::<(u16, u16, u32, u32, u16)>(), any::<u8>(), options).prop_map(
            |((from, to, seq, ack, window), control, timestamps)| {
                let flags =
                    Control::FIN | Control::PSH | Control::ACK | Control::CWR | Control::ECE;
                let mut header = TcpHeader {
                    source_port: from,
                    destination_port: to,
                    seq,
                    ack,
                    control: (Control::from_bits(control.into())
                        - Control::SYN
                        - Control::RST
                        - Control::URG)
                        | Control::ACK,
                    window,
                    ..TcpHeader::default()
                };
                assert!(flags.has(header.control));
                header.options.timestamps = timestamps.map(|(val, ecr)| Timestamps { val, ecr });
                header
            },
        )
    }

    fn pieces(super_segment: &[u8], by: Cut) -> Option<Vec<Vec<u8>>> {
        let mut pieces = Vec::new();
        cut(super_segment, by, |piece| pieces.push(piece.to_vec())).then_some(pieces)
    }

    proptest! {
        /// Every piece is a complete segment that the parser accepts, with its checksum; together
        /// they have the contents of the super-segment.
        #[test]
        fn a_super_segment_is_its_segments(
            ip in any_ip(),
            tcp in any_tcp(),
            text in prop::collection::vec(any::<u8>(), 0..3000),
            size in 1..700u16,
        ) {
            let size = NonZero::new(size).unwrap();
            let by = Cut { kind: Kind::Tcp, size };
            let whole = Packet::tcp(&ip, &tcp, Text::from(&text[..])).to_vec();
            let pieces = pieces(&whole, by).unwrap();
            prop_assert_eq!(pieces.len(), by.pieces(text.len()));
            let mut joined = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                let read = parse(piece).unwrap();
                let Payload::Tcp(header, part) = read.payload else { panic!() };
                let (first, last) = (index == 0, index + 1 == pieces.len());
                let mut control = tcp.control;
                if !first {
                    control = control - Control::CWR;
                }
                if !last {
                    control = control - Control::FIN - Control::PSH;
                    prop_assert_eq!(part.len(), usize::from(size.get()));
                }
                let seq = tcp.seq.wrapping_add(joined.len() as u32);
                prop_assert_eq!(header, TcpHeader { seq, control, ..tcp });
                prop_assert_eq!(read.ip.source, ip.source);
                prop_assert_eq!(read.ip.traffic_class, ip.traffic_class);
                joined.extend_from_slice(part);
            }
            prop_assert_eq!(joined, text);
        }

        /// The same holds if the text stays in its place.
        #[test]
        fn what_is_cut_on_its_way_out_is_the_same(
            ip in any_ip(),
            identification in any::<u16>(),
            tcp in any_tcp(),
            text in prop::collection::vec(any::<u8>(), 1..3000),
            at in any::<prop::sample::Index>(),
            size in 1..700_usize,
        ) {
            let ip = IpHeader { identification, ..ip };
            let (first, second) = text.split_at(at.index(text.len()));
            let packet = Packet::tcp_for(Offload::NONE, &ip, &tcp, Text::new(first, second), size);
            let mut pieces = Vec::new();
            let cut = packet.cut(|piece| {
                assert_eq!(piece.form(), Form::default());
                pieces.push(piece.to_vec());
                Ok::<_, ()>(())
            });
            prop_assert_eq!(cut, Ok(()));
            prop_assert_eq!(pieces.len(), packet.datagrams());
            prop_assert_eq!(pieces.concat().len(), packet.len_cut());
            prop_assert_eq!(pieces.len() > 1, text.len() > size);
            match packet.form().cut {
                Some(by) => prop_assert_eq!(Some(pieces.clone()), self::pieces(&packet.to_vec(), by)),
                None => prop_assert_eq!(&pieces, &[packet.to_vec()]),
            }
            // Also one whose headers are borrowed.
            if packet.form().cut.is_some() {
                let whole = packet.pieces().concat();
                let borrowed = Packet::new_in(packet.form(), &[], Text::from(&whole[..]));
                let mut again = Vec::new();
                borrowed.cut(|piece| {
                    again.push(piece.to_vec());
                    Ok::<_, ()>(())
                }).unwrap();
                prop_assert_eq!(pieces, again);
            }
        }

        #[test]
        fn a_super_datagram_is_its_datagrams(
            ip in any_ip(),
            text in prop::collection::vec(any::<u8>(), 0..3000),
            size in 1..700u16,
        ) {
            let size = NonZero::new(size).unwrap();
            let udp = UdpHeader { source_port: 7, destination_port: 9 };
            let whole = Packet::udp(&ip, &udp, Text::from(&text[..])).to_vec();
            let pieces = pieces(&whole, Cut { kind: Kind::Udp, size }).unwrap();
            let mut chunks = text.chunks(size.get().into()).collect::<Vec<_>>();
            if chunks.is_empty() {
                chunks.push(&[]);
            }
            prop_assert_eq!(pieces.len(), chunks.len());
            for (piece, chunk) in pieces.iter().zip(chunks) {
                prop_assert_eq!(parse(piece).unwrap().payload, Payload::Udp(udp, chunk));
            }
        }

        /// The sum of the pseudo header and a completion make the checksum. Before that, the parser
        /// accepts it only from a device that declares it partial.
        #[test]
        fn a_partial_checksum_is_completed(
            ip in any_ip(),
            tcp in any_tcp(),
            text in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let text = Text::from(&text[..]);
            let whole = Packet::tcp(&ip, &tcp, text).to_vec();
            let packet = Packet::tcp_for(Offload::FULL, &ip, &tcp, text, text.len());
            let mut partial = packet.pieces().concat();
            prop_assert_eq!(parse_as(&partial, packet.form().checksum), parse(&whole));
            prop_assert_eq!(&packet.to_vec(), &whole);
            packet.form().complete(&mut partial);
            prop_assert_eq!(&partial, &whole);
        }

        /// Also if it is zero: UDP then writes all ones, and TCP does not.
        #[test]
        fn a_checksum_of_zero_is_completed_as_it_is_written(
            ip in any_ip(),
            tcp in any_tcp(),
            octets in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let checksum_of = |text: &[u8]| {
                let whole = Packet::tcp(&ip, &tcp, Text::from(text)).to_vec();
                let at = whole.len() - text.len() - tcp.wire_len() + tcp::CHECKSUM;
                u16::from_be_bytes([whole[at], whole[at + 1]])
            };
            // Two more octets that take the sum to all ones.
            let mut text = octets;
            text.resize(text.len().next_multiple_of(2) + 2, 0);
            let missing = checksum_of(&text);
            let end = text.len() - 2;
            text[end..].copy_from_slice(&missing.to_be_bytes());
            prop_assert_eq!(checksum_of(&text), 0);
            let packet = Packet::tcp_for(Offload::FULL, &ip, &tcp, Text::from(&text[..]), text.len());
            let mut partial = packet.pieces().concat();
            packet.form().complete(&mut partial);
            prop_assert_eq!(partial, packet.to_vec());
        }

        #[test]
        fn nothing_makes_it_panic(
            mut octets in prop::collection::vec(any::<u8>(), 0..200),
            version in prop_oneof![Just(0x45), Just(0x60), any::<u8>()],
            size in 1..u16::MAX,
            place in any::<(u16, u16)>(),
        ) {
            if let Some(first) = octets.first_mut() {
                *first = version;
            }
            for kind in [Kind::Tcp, Kind::Udp] {
                let size = NonZero::new(size).unwrap();
                let len = octets.len();
                cut(&octets, Cut { kind, size }, |piece| assert!(piece.len() <= len));
            }
            complete(&mut octets, Place { start: place.0, field: place.1 });
        }
    }

    /// As in the kernel, so that a connection that counts its segments goes on counting.
    #[test]
    fn pieces_are_numbered() {
        let mut ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
        ip.identification = 0xffff;
        let whole = Packet::tcp(&ip, &TcpHeader::default(), Text::from(&[7; 5][..])).to_vec();
        let (kind, size) = (Kind::Tcp, NonZero::new(2).unwrap());
        let pieces = pieces(&whole, Cut { kind, size }).unwrap();
        let numbers = pieces.iter().map(|it| parse(it).unwrap().ip.identification);
        assert!(numbers.eq([0xffff, 0, 1]));
    }

    #[test]
    fn what_is_of_another_kind_is_not_cut() {
        let ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
        let udp = Packet::udp(&ip, &UdpHeader::default(), Text::from(&b"text"[..])).to_vec();
        let size = NonZero::new(1).unwrap();
        let kind = Kind::Tcp;
        assert_eq!(pieces(&udp, Cut { kind, size }), None);
    }

    /// A checksum that is partial elsewhere, for example in a tunnel, vouches for nothing here.
    #[test]
    fn only_its_own_place_vouches_for_a_checksum() {
        let place = Place {
            start: 20,
            field: 16,
        };
        for (checksum, start, field, vouches) in [
            (Checksum::Complete, 20, 16, false),
            (Checksum::Verified, 40, 6, true),
            (Checksum::Partial(place), 20, 16, true),
            (Checksum::Partial(place), 40, 16, false),
            (Checksum::Partial(place), 20, 6, false),
        ] {
            assert_eq!(checksum.vouches_for(start, field), vouches, "{checksum:?}");
        }
    }
}
