//! A packet on its way out: its header, and its text, which is borrowed.

use core::num::NonZero;

use super::checksum::Sum;
use super::ip_header::{IpHeader, protocol};
use super::ipv6;
use super::offload::{Checksum, Cut, Form, Kind, Offload, Place};
use super::tcp::{self, TcpHeader};
use super::text::Text;
use super::udp::{self, UdpHeader};

/// The longest header that this stack writes, in octets: IPv6 (40) and TCP with all its options (60).
pub const MAX_HEADER: usize = ipv6::HEADER + tcp::MAX_HEADER;

/// A datagram that is ready to leave: it has its own header octets, and borrows its text.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: [u8; MAX_HEADER],
    header_len: u8,
    text: Text<'a>,
    form: Form,
}

impl<'a> Packet<'a> {
    /// A datagram all of whose bytes lie elsewhere.
    pub const fn borrowed(bytes: &'a [u8]) -> Packet<'a> {
        Packet {
            header: [0; MAX_HEADER],
            header_len: 0,
            text: Text::new(bytes, &[]),
            form: Form {
                checksum: Checksum::Complete,
                cut: None,
            },
        }
    }

    /// A datagram in this form that was built earlier, from its header (unless that is borrowed with
    /// the rest) and its text.
    ///
    /// # Panics
    /// If the header is longer than [`MAX_HEADER`].
    pub fn new_in(form: Form, header: &[u8], text: Text<'a>) -> Packet<'a> {
        let mut octets = [0; MAX_HEADER];
        octets[..header.len()].copy_from_slice(header);
        Packet {
            header: octets,
            header_len: header.len() as u8,
            text,
            form,
        }
    }

    /// A TCP segment. The protocol of `ip` is ignored.
    ///
    /// # Panics
    /// If the addresses differ in family, or the datagram would be longer than 65,535 octets.
    pub fn tcp(ip: &IpHeader, tcp: &TcpHeader, text: Text<'a>) -> Packet<'a> {
        Packet::tcp_for(Offload::NONE, ip, tcp, text, text.len())
    }

    /// As [`Packet::tcp`], for a device with these offloads. Text of more than `mss` octets makes a
    /// super-segment, which the device cuts into segments of `mss` octets.
    ///
    /// # Panics
    /// As [`Packet::tcp`].
    pub fn tcp_for(
        offload: Offload,
        ip: &IpHeader,
        tcp: &TcpHeader,
        text: Text<'a>,
        mss: usize,
    ) -> Packet<'a> {
        let cut = match text.len() > mss {
            true => (u16::try_from(mss).ok().and_then(NonZero::new)).map(|size| Cut {
                kind: Kind::Tcp,
                size,
            }),
            false => None,
        };
        let upper = Upper {
            protocol: protocol::TCP,
            header_len: tcp.wire_len(),
            checksum: tcp::CHECKSUM,
            // The checksum of each piece is computed when it is cut.
            partial: offload.checksum || cut.is_some(),
        };
        let mut packet = Packet::new(ip, &upper, text, |out| tcp.write(out));
        packet.form.cut = cut;
        packet
    }

    /// A UDP datagram. The protocol of `ip` is ignored.
    ///
    /// # Panics
    /// As [`Packet::tcp`].
    pub fn udp(ip: &IpHeader, udp: &UdpHeader, text: Text<'a>) -> Packet<'a> {
        Packet::udp_for(Offload::NONE, ip, udp, text)
    }

    /// As [`Packet::udp`], for a device with these offloads.
    ///
    /// # Panics
    /// As [`Packet::tcp`].
    pub fn udp_for(offload: Offload, ip: &IpHeader, udp: &UdpHeader, text: Text<'a>) -> Packet<'a> {
        let upper = Upper {
            protocol: protocol::UDP,
            header_len: udp::HEADER,
            checksum: udp::CHECKSUM,
            partial: offload.checksum,
        };
        Packet::new(ip, &upper, text, |out| udp.write(text.len(), out))
    }

    /// A datagram whose upper-layer header `write` writes.
    #[inline]
    fn new(
        ip: &IpHeader,
        upper: &Upper,
        text: Text<'a>,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) -> Packet<'a> {
        let protocol = upper.protocol;
        let len = upper.header_len + text.len();
        // Built in its final place, so that nothing is copied.
        let mut packet = Packet {
            text,
            ..Packet::borrowed(&[])
        };
        let header = &mut packet.header;
        let at = ip.write_for(protocol, len, header);
        let end = at + write(&mut header[at..]);
        let sum = Sum::pseudo_header(ip.source, ip.destination, protocol, len);
        let value = match upper.partial {
            true => sum.partial(),
            false => match sum.plus(&header[at..end]).plus_text(text).checksum() {
                // RFC 768: zero would mean that there is no checksum; all ones sums the same.
                0 if protocol == protocol::UDP => 0xffff,
                value => value,
            },
        };
        header[at + upper.checksum..][..2].copy_from_slice(&value.to_be_bytes());
        let place = Place {
            start: at as u16,
            field: upper.checksum as u16,
        };
        packet.header_len = end as u8;
        if upper.partial {
            packet.form.checksum = Checksum::Partial(place);
        }
        packet
    }

    /// The headers, if they are not borrowed with the rest.
    pub(super) fn header(&self) -> &[u8] {
        &self.header[..usize::from(self.header_len)]
    }

    /// As [`Packet::header`], to be changed.
    pub(super) fn header_mut(&mut self) -> &mut [u8] {
        &mut self.header[..usize::from(self.header_len)]
    }

    /// The text, as far as it is borrowed.
    pub const fn text(&self) -> Text<'a> {
        self.text
    }

    /// Its form, which says what the device has still to do.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Octets of headers, if they are not borrowed with the rest.
    pub const fn header_len(&self) -> usize {
        self.header_len as usize
    }

    /// The pieces, in order, some perhaps empty: what a vectored write takes.
    pub fn pieces(&self) -> [&[u8]; 3] {
        let [first, second] = self.text.pieces();
        [&self.header[..usize::from(self.header_len)], first, second]
    }

    /// Length in octets, header and text.
    pub const fn len(&self) -> usize {
        self.header_len as usize + self.text.len()
    }

    /// Whether there is not a single octet.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy in one piece, its checksum complete.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = self.pieces().concat();
        self.form.complete(&mut whole);
        whole
    }
}

/// The properties of a payload that its checksum needs.
struct Upper {
    protocol: u8,
    /// Octets of its header,
    header_len: usize,
    /// and where the checksum is in it.
    checksum: usize,
    /// The device completes the checksum.
    partial: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_header_fits() {
        let ip = IpHeader::new([1; 16].into(), [2; 16].into(), 0, 64);
        let mut tcp = TcpHeader::default();
        for _ in 0..4 {
            tcp.options.sack.push(crate::wire::SackBlock::default());
        }
        tcp.options.mss = Some(1);
        assert_eq!(tcp.wire_len(), 60);
        assert_eq!(Packet::tcp(&ip, &tcp, Text::EMPTY).len(), MAX_HEADER);
    }

    #[test]
    fn a_borrowed_datagram_is_its_bytes() {
        let packet = Packet::borrowed(b"bytes");
        assert_eq!((packet.to_vec(), packet.len()), (b"bytes".to_vec(), 5));
    }
}
