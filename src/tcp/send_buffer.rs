//! What the user has sent and the peer has not acknowledged.

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::ring::Ring;
use super::seq::Seq;
use crate::wire::Text;

/// The octets from `start` (the first that the peer has not acknowledged) to `end` (after the
/// last that the user gave).
#[derive(Clone, Debug)]
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

    /// Takes as much of `data` as there is room for; returns how much.
    pub(crate) fn push(&mut self, data: &[u8]) -> usize {
        let taken = data.len().min(self.room());
        let end = self.end + taken;
        self.ring.reserve(self.start..self.end, self.start..end);
        self.ring.write(self.end, data[..taken].into());
        self.end = end;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_fits_and_frees_what_is_acknowledged() {
        let start = Seq::initial(u32::MAX - 2);
        let mut buffer = SendBuffer::new(4, start);
        assert_eq!(buffer.push(b"abcdef"), 4);
        assert_eq!(buffer.push(b"e"), 0);
        buffer.release(start + 3);
        assert_eq!((buffer.len(), buffer.room()), (1, 3));
        assert_eq!(buffer.push(b"ef"), 2);
        assert_eq!(buffer.text(start + 3..start + 6).to_vec(), b"def");
    }

    #[test]
    fn an_acknowledgment_beyond_the_end_frees_no_more_than_there_is() {
        // The acknowledgment of a FIN lies one beyond the last octet.
        let start = Seq::initial(0);
        let mut buffer = SendBuffer::new(4, start);
        buffer.push(b"ab");
        buffer.release(start + 3);
        assert_eq!((buffer.len(), buffer.end()), (0, start + 2));
    }
}
