//! What the user has sent and the peer has not acknowledged.

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::ring::Ring;
use super::seq::Seq;
use crate::wire::Text;

/// The octets from `start` (the first that the peer has not acknowledged) to `end` (after the
/// last that the user gave).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SendBuffer {
    ring: Ring,
    capacity: usize,
    start: Seq,
    end: Seq,
}

impl SendBuffer {
    /// An empty buffer whose first octet will lie at `start`. Allocates nothing.
    pub(crate) fn new(capacity: usize, start: Seq) -> SendBuffer {
        SendBuffer {
            ring: Ring::default(),
            capacity,
            start,
            end: start,
        }
    }

    /// Takes what `fill` writes after the last octet, where there is room for `len` octets (they
    /// must fit). `fill` says how many it has written; returns how many were taken.
    pub(crate) fn extend(
        &mut self,
        len: usize,
        fill: impl FnOnce([&mut [u8]; 2]) -> usize,
    ) -> usize {
        debug_assert!(len <= self.room());
        let end = self.end + len;
        self.ring.reserve(self.start..self.end, self.start..end);
        let taken = fill(self.ring.pieces_mut(self.end..end)).min(len);
        self.end += taken;
        taken
    }

    /// Forgets the octets before `place`, which the peer has acknowledged.
    pub(crate) fn release(&mut self, place: Seq) {
        self.start = self.start.max(place.min(self.end));
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.start = self.end;
        self.ring.release();
    }

    /// Gives the memory back if nothing is held.
    pub(crate) fn shrink(&mut self) {
        if self.len() == 0 {
            self.ring.release();
        }
    }

    /// What decides the future: see [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
    pub(crate) fn hash_canonical(&self, hasher: &mut impl Hasher) {
        (self.start, self.end).hash(hasher);
        let text = self.text(self.start..self.end);
        text.pieces().concat().hash(hasher);
    }

    /// The octets of `range`, which must be held.
    pub(crate) fn text(&self, range: Range<Seq>) -> Text<'_> {
        debug_assert!(self.start <= range.start && range.end <= self.end);
        self.ring.text(range)
    }

    /// The place after the last octet that the user gave.
    pub(crate) fn end(&self) -> Seq {
        self.end
    }

    /// Octets held.
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Octets that still fit.
    pub(crate) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.len())
    }

    /// Makes it larger or smaller; what it holds stays.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(self.len());
    }

    /// The most octets it holds.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Octets allocated.
    pub(crate) fn allocated(&self) -> usize {
        self.ring.size()
    }
}

/// Fills `room` with octets of `data`, as far as either goes; returns how many.
pub(crate) fn copy_into(room: [&mut [u8]; 2], data: &[u8]) -> usize {
    let mut rest = data;
    for piece in room {
        let (now, later) = rest.split_at(piece.len().min(rest.len()));
        piece[..now.len()].copy_from_slice(now);
        rest = later;
    }
    data.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(buffer: &mut SendBuffer, data: &[u8]) -> usize {
        let len = data.len().min(buffer.room());
        buffer.extend(len, |room| copy_into(room, data))
    }

    #[test]
    fn takes_what_fits_and_frees_what_is_acknowledged() {
        let start = Seq::initial(u32::MAX - 2);
        let mut buffer = SendBuffer::new(4, start);
        assert_eq!(push(&mut buffer, b"abcdef"), 4);
        assert_eq!(push(&mut buffer, b"e"), 0);
        buffer.release(start + 3);
        assert_eq!((buffer.len(), buffer.room()), (1, 3));
        assert_eq!(push(&mut buffer, b"ef"), 2);
        assert_eq!(buffer.text(start + 3..start + 6).to_vec(), b"def");
    }

    #[test]
    fn only_what_was_written_is_taken() {
        let start = Seq::initial(u32::MAX - 250);
        let mut buffer = SendBuffer::new(300, start);
        push(&mut buffer, &[1; 250]);
        buffer.release(start + 240);
        let taken = buffer.extend(20, |[first, second]| {
            assert_eq!((first.len(), second.len()), (6, 14), "the ring ends here");
            first.fill(2);
            second.fill(3);
            8
        });
        assert_eq!((taken, buffer.len()), (8, 18));
        let end = buffer.end();
        let expected = [2, 2, 2, 2, 2, 2, 3, 3];
        assert_eq!(buffer.text(start + 250..end).to_vec(), expected);
        assert_eq!(
            buffer.extend(5, |_| 99),
            5,
            "no more than there was room for"
        );
    }

    #[test]
    fn an_acknowledgment_beyond_the_end_frees_no_more_than_there_is() {
        // The acknowledgment of a FIN lies one beyond the last octet.
        let start = Seq::initial(0);
        let mut buffer = SendBuffer::new(4, start);
        push(&mut buffer, b"ab");
        buffer.release(start + 3);
        assert_eq!((buffer.len(), buffer.end()), (0, start + 2));
    }
}
