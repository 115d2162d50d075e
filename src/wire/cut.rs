//! Cuts a super-segment into segments on its way out, if the device cannot: each segment gets a
//! header, and its text is not copied.

use super::checksum::Sum;
use super::ip_header::protocol;
use super::offload::{self, Cut, Form, Kind};
use super::{Packet, ipv4, ipv6, tcp};

impl<'a> Packet<'a> {
    /// How many datagrams it is on the wire.
    pub fn datagrams(&self) -> usize {
        match self.form().cut {
            Some(cut) => cut.pieces(self.text().len()),
            None => 1,
        }
    }

    /// Octets of all of them.
    pub fn len_cut(&self) -> usize {
        self.len() + (self.datagrams() - 1) * self.header_len()
    }

    /// Gives `each` the complete datagrams as on the wire, in order: only itself, unless it is a
    /// super-segment.
    ///
    /// # Errors
    /// The first error of `each`; the rest is not given to it.
    pub fn cut<E>(&self, mut each: impl FnMut(Packet<'_>) -> Result<(), E>) -> Result<(), E> {
        match self.form().cut {
            None => each(*self),
            Some(cut) if cut.kind == Kind::Tcp && self.header_len() > 0 => self.cut_tcp(cut, each),
            // Its text begins with its headers.
            Some(cut) => {
                let mut answer = Ok(());
                offload::cut(&self.to_vec(), cut, |piece| {
                    if answer.is_ok() {
                        answer = each(Packet::borrowed(piece));
                    }
                });
                answer
            }
        }
    }

    /// As [`offload::cut`], for headers that this stack wrote.
    fn cut_tcp<E>(
        &self,
        cut: Cut,
        mut each: impl FnMut(Packet<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let text = self.text();
        let size = usize::from(cut.size.get());
        let (is_ipv4, addresses) = match self.header()[0] >> 4 {
            4 => (true, 12..ipv4::HEADER),
            _ => (false, 8..ipv6::HEADER),
        };
        let start = addresses.end;
        let hosts = Sum::ZERO
            .plus(&self.header()[addresses])
            .plus(&[0, protocol::TCP]);
        let first = u16::from_be_bytes([self.header()[4], self.header()[5]]);
        for (count, at) in (0..text.len().max(1)).step_by(size).enumerate() {
            let end = text.len().min(at + size);
            let mut piece = Packet::new_in(Form::default(), self.header(), text.slice(at, end));
            let len = piece.len();
            let header = piece.header_mut();
            if is_ipv4 {
                // As the kernel does.
                let identification = first.wrapping_add(count as u16);
                header[4..6].copy_from_slice(&identification.to_be_bytes());
            }
            offload::set_ip_length_to(header, start, len);
            let segment = &mut header[start..];
            tcp::make_piece(segment, at, end == text.len());
            segment[tcp::CHECKSUM..][..2].fill(0);
            let checksum = hosts
                .plus(&((len - start) as u16).to_be_bytes())
                .plus(segment)
                .plus_text(text.slice(at, end))
                .checksum();
            segment[tcp::CHECKSUM..][..2].copy_from_slice(&checksum.to_be_bytes());
            each(piece)?;
        }
        Ok(())
    }
}
