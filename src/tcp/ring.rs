//! Octets addressed by their place in the sequence space.

use core::ops::Range;

use super::seq::Seq;
use crate::wire::Text;

/// A ring of octets whose size is a power of two. A place keeps its slot while anything is live, so
/// the place alone determines where an octet lies, and octets may be written in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    octets: Vec<u8>,
    /// The offset between places and slots.
    origin: usize,
}

impl Ring {
    /// The smallest allocation, in octets: one that suits a line typed by a person.
    const LEAST: usize = 256;

    /// Makes room for the octets of `span`; those of `live` (a part of it) keep their values. If
    /// nothing is live, `span` begins at the first slot, so that a ring that is emptied again and
    /// again stays in the part of its memory that is in the cache.
    #[inline]
    pub(crate) fn reserve(&mut self, live: Range<Seq>, span: Range<Seq>) {
        let needed = span.end - span.start;
        if needed > self.octets.len() {
            self.grow(needed, live, span);
        } else if needed > 0 && live.is_empty() {
            self.origin = span.start.index(self.octets.len());
        }
    }

    fn grow(&mut self, needed: usize, live: Range<Seq>, span: Range<Seq>) {
        let size = needed.next_power_of_two().max(Self::LEAST);
        let mut larger = Ring {
            octets: vec![0; size],
            origin: span.start.index(size),
        };
        if live.start < live.end {
            let text = self.text(live.clone());
            larger.write(live.start, text);
        }
        *self = larger;
    }

    /// Writes `text` at `at`. The ring must have room for it.
    #[inline(always)]
    pub(crate) fn write(&mut self, at: Seq, text: Text<'_>) {
        let mut place = at;
        for piece in text.pieces() {
            if !piece.is_empty() {
                self.write_piece(place, piece);
                place += piece.len();
            }
        }
    }

    /// Writes octets in one piece at `at`.
    #[inline(always)]
    pub(crate) fn write_piece(&mut self, at: Seq, piece: &[u8]) {
        let index = self.slot(at);
        let room = self.octets.len() - index;
        if let Some((until_end, rest)) = piece.split_at_checked(room) {
            self.octets[index..].copy_from_slice(until_end);
            self.octets[..rest.len()].copy_from_slice(rest);
        } else {
            self.octets[index..index + piece.len()].copy_from_slice(piece);
        }
    }

    /// The octets of `range`, in at most two pieces.
    pub(crate) fn text(&self, range: Range<Seq>) -> Text<'_> {
        let len = range.end - range.start;
        if len == 0 {
            return Text::EMPTY;
        }
        let index = self.slot(range.start);
        let until_end = len.min(self.octets.len() - index);
        Text::new(
            &self.octets[index..index + until_end],
            &self.octets[..len - until_end],
        )
    }

    #[inline]
    fn slot(&self, place: Seq) -> usize {
        let size = self.octets.len();
        place.index(size).wrapping_sub(self.origin) & (size - 1)
    }

    /// Gives the memory back. No octet may be live.
    pub(crate) fn release(&mut self) {
        *self = Ring::default();
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
        // The first hundred make room for a hundred more.
        let live = start + 100..start + 256;
        ring.reserve(live.clone(), start + 100..start + 356);
        ring.write(live.end, octets[..100].into());
        let live = start + 100..start + 356;
        let expected = [&octets[100..], &octets[..100]].concat();
        assert_eq!(ring.text(live.clone()).to_vec(), expected);
        assert!(!ring.text(live.clone()).pieces()[1].is_empty());
        ring.reserve(live.clone(), start + 100..start + 1000);
        assert_eq!(ring.size(), 1024);
        assert_eq!(ring.text(live).to_vec(), expected);
    }

    #[test]
    fn an_empty_ring_begins_anew_at_its_first_slot() {
        let start = Seq::initial(u32::MAX - 100);
        let mut ring = Ring::default();
        ring.reserve(start..start, start..start + 256);
        let first = ring.text(start..start + 1).pieces()[0].as_ptr();
        for place in [start + 200, start + 300, start + 5000] {
            ring.reserve(place..place, place..place + 256);
            let [whole, rest] = ring.text(place..place + 256).pieces();
            assert_eq!((whole.as_ptr(), whole.len(), rest.len()), (first, 256, 0));
        }
    }

    #[test]
    fn two_pieces_are_written_one_after_the_other() {
        let start = Seq::initial(7);
        let mut ring = Ring::default();
        ring.reserve(start..start, start..start + 8);
        ring.write(start, Text::new(b"abc", b"defgh"));
        assert_eq!(ring.text(start..start + 8).to_vec(), b"abcdefgh");
    }
}
