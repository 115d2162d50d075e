//! Datagrams that were received together, and their buffers.

use core::iter;
use core::ops::Range;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::wire::offload::Form;
use crate::wire::{Arrived, Landed};

/// The unit in which datagrams count against the limit of a batch: whole cache lines.
const ALIGNMENT: usize = 64;

/// Octets of a memory before the slot, for what a device puts in front of each datagram.
const FRONT: usize = 16;

/// The smallest slot, in octets, whose text may be kept there: less is copied faster.
const LEAST_KEPT: usize = 16 * 1024;

/// The most memories that the batch still tracks while parts of them are kept elsewhere, in order to
/// use them again. With 64 flows at once some 200 are away.
const MOST_AWAY: usize = 256;

/// The most of those that are examined before another memory is allocated.
const LOOKS: usize = 4;

/// Datagrams that arrived together, each in a memory of its own. A memory is used again and again,
/// but not while any part of it is kept (see [`Arrived`]).
#[derive(Debug, Default)]
pub struct Batch {
    /// The memory of each datagram, and those for further datagrams.
    memories: Vec<Arc<[u8]>>,
    /// Memories that were partly kept elsewhere when last examined; the longest away first.
    away: VecDeque<Arc<[u8]>>,
    arrived: Vec<Arrival>,
    slot: usize,
    capacity: usize,
    /// The most datagrams that it takes until it is cleared again.
    most: usize,
    /// The most octets that the datagrams together may take, and how many they take.
    octets: usize,
    used: usize,
}

/// A datagram in the batch.
#[derive(Clone, Debug)]
struct Arrival {
    /// Its length in octets.
    len: usize,
    form: Form,
    /// Which of them lie elsewhere (see [`Landing`](super::Landing)), if any.
    landed: Range<usize>,
}

impl Batch {
    /// Room for `capacity` datagrams of at most `slot` octets each.
    pub fn new(capacity: usize, slot: usize) -> Batch {
        Batch::with_limit(capacity, slot, capacity * slot.next_multiple_of(ALIGNMENT))
    }

    /// Room for `capacity` datagrams of at most `slot` octets each, but together for no more than
    /// `octets` octets, so that they are still in the cache when they are read. One datagram always
    /// has room.
    pub fn with_limit(capacity: usize, slot: usize, octets: usize) -> Batch {
        Batch {
            memories: Vec::with_capacity(capacity),
            away: VecDeque::new(),
            arrived: Vec::with_capacity(capacity),
            slot,
            capacity,
            most: capacity,
            octets: octets.max(slot),
            used: 0,
        }
    }

    /// Forgets the datagrams, keeps the memories.
    pub fn clear(&mut self) {
        self.clear_for(self.capacity);
    }

    /// As [`Batch::clear`], and takes no more than `most` datagrams until it is cleared again.
    pub fn clear_for(&mut self, most: usize) {
        self.arrived.clear();
        self.used = 0;
        self.most = most.min(self.capacity);
    }

    /// Empties the batch and frees its memories; one that is partly kept elsewhere is freed by its
    /// keeper.
    pub fn release(&mut self) {
        self.clear();
        self.memories = Vec::new();
        self.away = VecDeque::new();
    }

    /// How many datagrams are in it.
    pub fn len(&self) -> usize {
        self.arrived.len()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.arrived.is_empty()
    }

    /// How many octets of its limit its datagrams take.
    pub fn taken(&self) -> usize {
        self.used
    }

    /// Whether there is no room for another.
    pub fn is_full(&self) -> bool {
        self.arrived.len() == self.most || self.used + self.slot > self.octets
    }

    /// Where the next datagram may be written; `None` if the batch is full. Nothing counts as
    /// arrived before [`Batch::commit`].
    pub fn slot(&mut self) -> Option<&mut [u8]> {
        self.slot_behind(0)
    }

    /// As [`Batch::slot`], with this many octets before it, which the batch ignores.
    ///
    /// # Panics
    /// If they are more than 16.
    pub fn slot_behind(&mut self, front: usize) -> Option<&mut [u8]> {
        if self.is_full() {
            return None;
        }
        let index = self.arrived.len();
        if index == self.memories.len() {
            let memory = self.memory();
            self.memories.push(memory);
        } else if Arc::get_mut(&mut self.memories[index]).is_none() {
            self.replace(index);
        }
        let memory = Arc::get_mut(&mut self.memories[index])?;
        Some(&mut memory[FRONT - front..])
    }

    /// Replaces a memory that is partly kept elsewhere.
    fn replace(&mut self, index: usize) {
        let mut memory = self.memory();
        core::mem::swap(&mut memory, &mut self.memories[index]);
        if self.away.len() == MOST_AWAY {
            // Its keeper will free it.
            self.away.pop_front();
        }
        self.away.push_back(memory);
    }

    /// A memory of which no part is kept elsewhere.
    fn memory(&mut self) -> Arc<[u8]> {
        for _ in 0..self.away.len().min(LOOKS) {
            if let Some(mut memory) = self.away.pop_front() {
                if Arc::get_mut(&mut memory).is_some() {
                    return memory;
                }
                self.away.push_back(memory);
            }
        }
        iter::repeat_n(0, FRONT + self.slot).collect()
    }

    /// Counts the first `len` octets of the slot as one datagram, as it is on the wire.
    ///
    /// # Panics
    /// If the batch is full or `len` is longer than a slot.
    pub fn commit(&mut self, len: usize) {
        self.commit_as(len, Form::default());
    }

    /// As [`Batch::commit`], for a datagram in this form.
    ///
    /// # Panics
    /// As [`Batch::commit`].
    pub fn commit_as(&mut self, len: usize, form: Form) {
        self.commit_around(len, form, 0..0);
    }

    /// As [`Batch::commit_as`], for a datagram whose octets `landed` lie elsewhere.
    pub(super) fn commit_around(&mut self, len: usize, form: Form, landed: Range<usize>) {
        assert!(
            !self.is_full() && len <= self.slot,
            "commit without a slot of that size"
        );
        self.used += len.next_multiple_of(ALIGNMENT);
        self.arrived.push(Arrival { len, form, landed });
    }

    /// Octets that one datagram has room for.
    pub(super) fn slot_size(&self) -> usize {
        self.slot
    }

    /// As [`Batch::slot`]: the parts of it before and behind `room`.
    pub(super) fn slot_around(&mut self, room: Range<usize>) -> Option<[&mut [u8]; 2]> {
        let (before, rest) = self.slot()?.split_at_mut(room.start);
        Some([before, &mut rest[room.len()..]])
    }

    /// Which octets of a datagram lie elsewhere.
    pub(super) fn landed(&self, index: usize) -> Range<usize> {
        self.arrived[index].landed.clone()
    }

    /// A datagram whose `text` lies elsewhere.
    pub(super) fn around<'a>(&'a self, index: usize, text: &'a [u8]) -> Landed<'a> {
        let (datagram, form) = self.arrival(index);
        let Range { start, end } = self.landed(index);
        Landed {
            headers: &datagram.octets()[..start],
            text,
            rest: datagram.part(&datagram.octets()[end..]),
            form,
        }
    }

    /// Copies `text`, which lies elsewhere, into its datagram.
    pub(super) fn put_together(&mut self, index: usize, text: &[u8]) {
        let landed = core::mem::take(&mut self.arrived[index].landed);
        // The datagram has not been handed out yet, so no part of it is kept.
        if let Some(memory) = Arc::get_mut(&mut self.memories[index]) {
            memory[FRONT..][landed].copy_from_slice(text);
        }
    }

    /// The datagrams, in the order in which they arrived.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.arrivals().map(|(datagram, _)| datagram.octets())
    }

    /// The datagrams, each with the form in which it came. What is in a long slot may be kept there.
    pub fn arrivals(&self) -> impl Iterator<Item = (Arrived<'_>, Form)> {
        (0..self.len()).map(|index| self.arrival(index))
    }

    /// One of the datagrams.
    ///
    /// # Panics
    /// If there is none at `index`.
    pub fn arrival(&self, index: usize) -> (Arrived<'_>, Form) {
        let (memory, &Arrival { len, form, .. }) = (&self.memories[index], &self.arrived[index]);
        let datagram = match self.slot >= LEAST_KEPT {
            true => Arrived::in_memory(memory, FRONT..FRONT + len),
            false => memory[FRONT..FRONT + len].into(),
        };
        (datagram, form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_what_was_committed() {
        let mut batch = Batch::new(2, 4);
        for text in [&b"abc"[..], &b"wxyz"[..]] {
            batch.slot().unwrap()[..text.len()].copy_from_slice(text);
            batch.commit(text.len());
        }
        assert!(batch.is_full() && batch.slot().is_none());
        assert_eq!(batch.iter().collect::<Vec<_>>(), [&b"abc"[..], b"wxyz"]);
        batch.clear();
        assert!(batch.is_empty());
    }

    #[test]
    fn a_batch_takes_no_more_than_it_is_to() {
        let mut batch = Batch::new(4, 4);
        let fill = |batch: &mut Batch| {
            while batch.slot().is_some() {
                batch.commit(1);
            }
            batch.len()
        };
        for (most, taken) in [(1, 1), (9, 4), (2, 2)] {
            batch.clear_for(most);
            assert_eq!(fill(&mut batch), taken);
        }
        batch.clear();
        assert_eq!(fill(&mut batch), 4);
    }

    #[test]
    fn a_batch_is_full_when_the_longest_has_no_room() {
        let mut batch = Batch::with_limit(8, 1000, 1100);
        for len in [30, 40, 50] {
            match batch.slot() {
                Some(slot) => slot[..len].fill(len as u8),
                None => break,
            }
            batch.commit(len);
        }
        assert!(batch.is_full(), "1000 octets at 128 end beyond 1100");
        let lens = batch.iter().map(|datagram| (datagram.len(), datagram[0]));
        assert_eq!(lens.collect::<Vec<_>>(), [(30, 30), (40, 40)]);
    }

    /// A memory is never written while part of it is kept; afterwards it is used again.
    #[test]
    fn what_is_kept_stays_and_its_memory_comes_back() {
        let mut batch = Batch::new(1, LEAST_KEPT);
        let mut receive = |octet| {
            batch.clear();
            let slot = batch.slot().unwrap();
            slot[0] = octet;
            let place = slot.as_ptr();
            batch.commit(1);
            let kept = batch.arrivals().next().unwrap().0.keep().unwrap();
            (kept, place)
        };
        let (first, place) = receive(1);
        let (second, elsewhere) = receive(2);
        assert_eq!((&*first, &*second), (&[1][..], &[2][..]));
        assert_ne!(place, elsewhere);
        drop(first);
        let (third, again) = receive(3);
        assert_eq!((&*second, &*third, again), (&[2][..], &[3][..], place));
        drop(third);
        assert_eq!(receive(4).1, again, "nobody had kept it for long");
    }

    /// A user that keeps everything makes the batch allocate anew, but not track ever more
    /// memories.
    #[test]
    fn memories_that_do_not_come_back_are_forgotten() {
        let mut batch = Batch::new(1, LEAST_KEPT);
        let mut kept = Vec::new();
        for _ in 0..MOST_AWAY + 10 {
            batch.clear();
            batch.slot().unwrap();
            batch.commit(LEAST_KEPT);
            kept.extend(batch.arrivals().next().unwrap().0.keep());
        }
        assert_eq!((batch.memories.len(), batch.away.len()), (1, MOST_AWAY));
        batch.release();
        assert!(kept.iter().all(|kept| kept.iter().all(|octet| *octet == 0)));
        assert_eq!((batch.memories.len(), batch.away.len()), (0, 0));
        assert!(batch.slot().is_some());
    }

    #[test]
    fn what_lies_in_a_short_slot_is_copied() {
        let mut batch = Batch::new(1, LEAST_KEPT - 1);
        batch.slot().unwrap();
        batch.commit(LEAST_KEPT - 1);
        assert!(
            batch
                .arrivals()
                .all(|(datagram, _)| datagram.keep().is_none())
        );
    }
}
