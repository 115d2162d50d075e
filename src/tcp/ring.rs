//! Octets addressed by their place in the sequence space.

use core::ops::Range;

use super::seq::Seq;
use crate::wire::Text;

/// A ring of octets whose size is a power of two; a place keeps its slot, so nothing but the
/// place itself says where an octet lies, and octets may be written in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    octets: Vec<u8>,
}

impl Ring {
    /// The smallest allocation, in octets: one that suits a line typed by a person.
    const LEAST: usize = 256;

    /// Makes room for the octets of `span`; those of `live` (a part of it) keep their values.
    pub(crate) fn reserve(&mut self, live: Range<Seq>, span: Range<Seq>) {
        let needed = span.end - span.start;
        if needed <= self.octets.len() {
            return;
        }
        let mut larger = Ring {
            octets: vec![0; needed.next_power_of_two().max(Self::LEAST)],
        };
        if live.start < live.end {
            let text = self.text(live.clone());
            larger.write(live.start, text);
        }
        *self = larger;
    }

    /// Writes `text` at `at`. The ring must have room for it.
    pub(crate) fn write(&mut self, at: Seq, text: Text<'_>) {
        let mut place = at;
        for piece in text.pieces().into_iter().filter(|piece| !piece.is_empty()) {
            let index = place.index(self.octets.len());
            let until_end = piece.len().min(self.octets.len() - index);
            self.octets[index..index + until_end].copy_from_slice(&piece[..until_end]);
            let rest = &piece[until_end..];
            self.octets[..rest.len()].copy_from_slice(rest);
            place += piece.len();
        }
    }

    /// The octets of `range`, in at most two pieces.
    pub(crate) fn text(&self, range: Range<Seq>) -> Text<'_> {
        let len = range.end - range.start;
        if len == 0 {
            return Text::EMPTY;
        }
        let index = range.start.index(self.octets.len());
        let until_end = len.min(self.octets.len() - index);
        Text::new(
            &self.octets[index..index + until_end],
            &self.octets[..len - until_end],
        )
    }

    /// The octets of `range` to be written, in at most two pieces. The ring must have room for it.
    pub(crate) fn pieces_mut(&mut self, range: Range<Seq>) -> [&mut [u8]; 2] {
        let len = range.end - range.start;
        if len == 0 {
            return [&mut [], &mut []];
        }
        let index = range.start.index(self.octets.len());
        let until_end = len.min(self.octets.len() - index);
        let (first_octets, from_index) = self.octets.split_at_mut(index);
        [
            &mut from_index[..until_end],
            &mut first_octets[..len - until_end],
        ]
    }

    /// Gives the memory back. No octet may be live.
    pub(crate) fn release(&mut self) {
        self.octets = Vec::new();
    }

    /// Octets allocated.
    pub(crate) fn size(&self) -> usize {
        self.octets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_keep_their_octets_across_the_end_and_across_growth() {
        let start = Seq::initial(u32::MAX - 100);
        let octets: Vec<u8> = (0..=255).collect();
        let mut ring = Ring::default();
        ring.reserve(start..start, start..start + 256);
        assert_eq!(ring.size(), 256);
        ring.write(start, octets.as_slice().into());
        assert_eq!(ring.text(start..start + 256).to_vec(), octets);
        assert!(!ring.text(start..start + 256).pieces()[1].is_empty());
        ring.reserve(start..start + 256, start..start + 1000);
        assert_eq!(ring.size(), 1024);
        assert_eq!(ring.text(start + 3..start + 256).to_vec(), octets[3..]);
    }

    #[test]
    fn two_pieces_are_written_one_after_the_other() {
        let start = Seq::initial(7);
        let mut ring = Ring::default();
        ring.reserve(start..start, start..start + 8);
        ring.write(start, Text::new(b"abc", b"defgh"));
        assert_eq!(ring.text(start..start + 8).to_vec(), b"abcdefgh");
    }

    #[test]
    fn what_is_written_in_place_across_the_end_is_read_in_order() {
        let start = Seq::initial(u32::MAX - 100);
        let mut ring = Ring::default();
        assert_eq!(ring.pieces_mut(start..start), [&mut [], &mut []]);
        ring.reserve(start..start, start..start + 256);
        let mut octet = 0;
        for piece in ring.pieces_mut(start..start + 200) {
            assert!(!piece.is_empty());
            piece.fill_with(|| {
                octet += 1;
                octet
            });
        }
        let expected: Vec<u8> = (1..=200).collect();
        assert_eq!(ring.text(start..start + 200).to_vec(), expected);
    }
}
