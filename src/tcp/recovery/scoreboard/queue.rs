//! A queue that lies in one piece: whatever can be done with a slice can be done with it, and taking many
//! from its front takes no longer than taking one.

use core::fmt;
use core::ops::{Deref, DerefMut, Range};

/// See the module.
pub(super) struct Queue<T> {
    /// What has been taken, and behind it what is in the queue.
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

    /// How many there is room for, those that have been taken included.
    pub(super) fn capacity(&self) -> usize {
        self.items.capacity()
    }

    /// Puts one at the end.
    pub(super) fn push(&mut self, item: T) {
        // What moves is no more than what has been put in since it last did.
        if self.items.len() == self.items.capacity() && 2 * self.taken > self.items.len() {
            self.items.drain(..self.taken);
            self.taken = 0;
        }
        self.items.push(item);
    }

    /// Takes the first `count`, which it must have.
    #[inline(always)]
    pub(super) fn take_first(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.items.len() {
            self.items.clear();
            self.taken = 0;
        }
    }

    /// Puts one in, with `index` before it.
    pub(super) fn insert(&mut self, index: usize, item: T) {
        self.items.insert(self.taken + index, item);
    }

    /// Takes out those in `range`.
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

/// What has been taken is not copied.
impl<T: Clone> Clone for Queue<T> {
    fn clone(&self) -> Queue<T> {
        self.to_vec().into()
    }
}

/// Nor shown.
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
        /// Each step puts one at the end, or somewhere, or takes some.
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
