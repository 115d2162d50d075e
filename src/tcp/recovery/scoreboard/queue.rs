//! A contiguous queue: it can be used as a slice, and taking many elements from its front takes no longer
//! than taking one.

use core::fmt;
use core::ops::{Deref, DerefMut, Range};

/// See the module.
pub(super) struct Queue<T> {
    /// Taken elements, and behind them those in the queue.
    items: Vec<T>,
    taken: usize,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Queue<T> {
        Queue {
            items: Vec::new(),
            taken: 0,
        }
    }

    /// How many elements there is room for, including taken ones.
    pub(super) fn capacity(&self) -> usize {
        self.items.capacity()
    }

    /// Adds an element at the end.
    pub(super) fn push(&mut self, item: T) {
        // No more elements are moved than have been added since the last move.
        if self.items.len() == self.items.capacity() && 2 * self.taken > self.items.len() {
            self.items.drain(..self.taken);
            self.taken = 0;
        }
        self.items.push(item);
    }

    /// Takes the first `count` elements, which must exist.
    #[inline(always)]
    pub(super) fn take_first(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.items.len() {
            self.items.clear();
            self.taken = 0;
        }
    }

    /// Inserts an element behind the first `index`.
    pub(super) fn insert(&mut self, index: usize, item: T) {
        self.items.insert(self.taken + index, item);
    }

    /// Removes the elements in `range`.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.items
            .drain(self.taken + range.start..self.taken + range.end);
    }
}

impl<T> From<Vec<T>> for Queue<T> {
    fn from(items: Vec<T>) -> Queue<T> {
        Queue { items, taken: 0 }
    }
}

impl<T> Deref for Queue<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.items[self.taken..]
    }
}

impl<T> DerefMut for Queue<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items[self.taken..]
    }
}

/// Does not copy taken elements.
impl<T: Clone> Clone for Queue<T> {
    fn clone(&self) -> Queue<T> {
        self.to_vec().into()
    }
}

/// Does not show taken elements.
impl<T: fmt::Debug> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Each step adds an element at the end or anywhere, or takes some.
        #[test]
        fn is_a_queue(steps in prop::collection::vec((0usize..4, any::<usize>()), 0..200)) {
            let (mut queue, mut model) = (Queue::new(), VecDeque::new());
            for (number, (step, place)) in steps.into_iter().enumerate() {
                let place = place % (model.len() + 1);
                match step {
                    0 => {
                        queue.take_first(place);
                        model.drain(..place);
                    }
                    1 => {
                        queue.insert(place, number);
                        model.insert(place, number);
                    }
                    _ => {
                        queue.push(number);
                        model.push_back(number);
                    }
                }
                prop_assert!(queue.iter().eq(&model));
                prop_assert_eq!(format!("{:?}", queue.clone()), format!("{:?}", model));
            }
        }
    }

    #[test]
    fn what_stays_short_takes_little_room() {
        let mut queue = Queue::new();
        (0..10).for_each(|number| queue.push(number));
        for number in 10..10_000 {
            queue.take_first(1);
            queue.push(number);
        }
        assert!(queue.capacity() <= 40, "{}", queue.capacity());
    }
}
