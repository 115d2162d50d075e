//! A queue of things to do, ordered by time; those of the same time keep the order in which they
//! were put in.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::time::Instant;

/// Things, each with its time.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    heap: BinaryHeap<Entry<T>>,
    /// How many things were put in since the agenda was last drained.
    put: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    order: u64,
    what: T,
}

impl<T> Default for Agenda<T> {
    fn default() -> Agenda<T> {
        Agenda {
            heap: BinaryHeap::new(),
            put: 0,
        }
    }
}

impl<T> Agenda<T> {
    pub(super) fn put(&mut self, at: Instant, what: T) {
        let order = self.put;
        self.heap.push(Entry { at, order, what });
        self.put += 1;
    }

    /// The first thing, with its time.
    pub(super) fn first(&self) -> Option<(Instant, &T)> {
        self.heap.peek().map(|entry| (entry.at, &entry.what))
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, T)> {
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }

    /// Takes out everything, in no particular order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.put = 0;
        self.heap.drain().map(|entry| entry.what)
    }
}

/// The heap returns its greatest entry first, so the earliest entry is the greatest.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_comes_first_then_the_order_of_putting() {
        let mut agenda = Agenda::default();
        for (secs, what) in [(2, 0), (1, 1), (2, 2), (1, 3)] {
            agenda.put(Instant::from_secs(secs), what);
        }
        assert_eq!(agenda.first(), Some((Instant::from_secs(1), &1)));
        let order: Vec<_> = core::iter::from_fn(|| agenda.pop()).collect();
        let order = order.iter().map(|(_, what)| *what);
        assert!(order.eq([1, 3, 0, 2]));
    }
}
