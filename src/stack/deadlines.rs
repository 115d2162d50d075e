//! When each connection must be looked at: a hierarchical timing wheel (Varghese and Lauck, 1987),
//! whose cost does not grow with the number of connections.
//!
//! ```text
//!                    digits of six bits, of nanoseconds
//!  time reached      … 3 | 17 | 60 |  5 | 12
//!  a deadline        … 3 | 17 | 61 | 40 |  9      differs first in the third digit from the end:
//!                              └─ level 2, bucket 61
//! ```
//!
//! A deadline lies on the level of the highest digit in which it differs from the time reached, in
//! the bucket of its own digit there. So deadlines on one level come before all those on higher
//! levels, and the buckets of a level come one after the other. When the time reaches a bucket, its
//! deadlines move to lower levels; on the lowest, a bucket is a single moment. There are eleven
//! levels, so a deadline moves ten times at most, however many others there are.

use std::collections::BTreeSet;

use super::chunks::Chunks;
use crate::time::Instant;

/// Bits of a digit.
const BITS: u32 = 6;
const BUCKETS: usize = 1 << BITS;
/// Digits in 64 bits.
const LEVELS: usize = 64_usize.div_ceil(BITS as usize);
/// No slot: the end of a list.
const NONE: u32 = u32::MAX;
/// Not a slot either: in no list.
const LOOSE: u32 = u32::MAX - 1;
/// Not a slot either: among those that the wheel has passed.
const PASSED: u32 = u32::MAX - 2;

/// The earliest deadline of every connection that has one, by its slot.
///
/// A deadline that moves later or disappears (as that of retransmission does with every
/// acknowledgment) is left where it was. When the time comes near, the connection is asked for the
/// true one. So outdated deadlines do not move down all the levels.
#[derive(Clone, Debug)]
pub(super) struct Deadlines {
    /// How far the wheel has turned: no deadline in its buckets is earlier.
    reached: u64,
    levels: [Level; LEVELS],
    /// A bit for each level that is not empty.
    occupied: u16,
    /// Deadlines before `reached`, the earliest first. Some were due when they were added. Others are
    /// earlier than one that was taken before its time, for which the wheel has turned ahead.
    passed: BTreeSet<(Instant, u32)>,
    /// By slot.
    nodes: Chunks<Node>,
}

/// The buckets of one digit, which exist while any of them is occupied.
#[derive(Debug, Default)]
struct Level {
    /// A bit for each bucket that is not empty.
    occupied: u64,
    buckets: Option<Box<[Bucket; BUCKETS]>>,
}

/// Model checkers keep many copies, so empty levels take no room in them.
impl Clone for Level {
    fn clone(&self) -> Level {
        let buckets = self.buckets.as_ref().filter(|_| self.occupied != 0);
        Level {
            occupied: self.occupied,
            buckets: buckets.cloned(),
        }
    }
}

/// Deadlines that lie close to each other.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// The slots at both ends of the list. Equal deadlines are in the order in which they were
    /// added.
    first: u32,
    last: u32,
    /// The earliest deadline that it has held since it was last empty.
    earliest: u64,
}

const EMPTY: Bucket = Bucket {
    first: NONE,
    last: NONE,
    earliest: u64::MAX,
};

/// The deadline of a slot, in the list of its bucket. There is one for each connection, so it is
/// small.
#[derive(Clone, Copy, Debug)]
struct Node {
    at: Instant,
    /// [`LOOSE`]: it has no deadline; or [`PASSED`].
    before: u32,
    after: u32,
}

const UNREGISTERED: Node = Node {
    at: Instant::ZERO,
    before: LOOSE,
    after: LOOSE,
};

impl Node {
    fn deadline(&self) -> Option<Instant> {
        (self.before != LOOSE).then_some(self.at)
    }
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines {
            reached: 0,
            levels: core::array::from_fn(|_| Level::default()),
            occupied: 0,
            passed: BTreeSet::new(),
            nodes: Chunks::new(),
        }
    }
}

impl Deadlines {
    /// The connection in `slot` is due at `wanted`, or, with `None`, need not be looked at.
    #[inline(always)]
    pub(super) fn update(&mut self, slot: u32, wanted: Option<Instant>) {
        let Some(wanted) = wanted else {
            return;
        };
        if self.registered(slot).is_some_and(|known| known <= wanted) {
            return;
        }
        while self.nodes.len() <= slot as usize {
            self.nodes.push(UNREGISTERED);
        }
        self.forget(slot);
        self.insert(slot, wanted);
    }

    /// When the connection in `slot` will be looked at.
    #[inline]
    pub(super) fn registered(&self, slot: u32) -> Option<Instant> {
        self.nodes.get(slot)?.deadline()
    }

    /// Whether the connection in `slot` is looked at by `wanted`.
    pub(super) fn comes_in_time(&self, slot: u32, wanted: Option<Instant>) -> bool {
        let registered = self.registered(slot);
        wanted.is_none_or(|wanted| registered.is_some_and(|known| known <= wanted))
    }

    /// Removes the deadline of `slot`.
    pub(super) fn forget(&mut self, slot: u32) {
        let Some(node) = self.nodes.get_mut(slot) else {
            return;
        };
        let Node { at, before, after } = core::mem::replace(node, UNREGISTERED);
        match before {
            LOOSE => return,
            PASSED => {
                self.passed.remove(&(at, slot));
                return;
            }
            _ => {}
        }
        if let Some(after) = self.nodes.get_mut(after) {
            after.before = before;
        }
        if let Some(before) = self.nodes.get_mut(before) {
            before.after = after;
        }
        if before != NONE && after != NONE {
            return;
        }
        let (level, bucket) = self.place(at);
        if before == after {
            self.empty(level, bucket);
        }
        if let Some(buckets) = &mut self.levels[level].buckets {
            let bucket = &mut buckets[bucket];
            if before == NONE {
                bucket.first = after;
            }
            if after == NONE {
                bucket.last = before;
            }
        }
    }

    /// The earliest deadline, or somewhat before it, if the earliest of its bucket has been
    /// removed.
    pub(super) fn next(&self) -> Option<Instant> {
        if let Some((at, _)) = self.passed.first() {
            return Some(*at);
        }
        let (level, bucket) = self.first_bucket()?;
        let buckets = self.levels[level].buckets.as_ref()?;
        Some(Instant::from_nanos(buckets[bucket].earliest))
    }

    /// Takes a connection that is due, and ends its registration. `wanted` gives the current deadline
    /// of a slot, which may have become later since it was registered, or none.
    pub(super) fn take_due(
        &mut self,
        now: Instant,
        mut wanted: impl FnMut(u32, Instant) -> Option<Instant>,
    ) -> Option<u32> {
        loop {
            if let Some((at, slot)) = self.passed.first().copied() {
                if at > now {
                    return None;
                }
                self.forget(slot);
                return Some(slot);
            }
            let (level, bucket) = self.first_bucket()?;
            let buckets = self.levels[level].buckets.as_ref()?;
            let Bucket {
                first, earliest, ..
            } = buckets[bucket];
            if earliest > now.as_nanos() {
                return None;
            }
            if level == 0 {
                self.forget(first);
                return Some(first);
            }
            self.spread(level, bucket, &mut wanted);
        }
    }

    /// The time has reached a bucket: its deadlines move to lower levels, or to where they belong by
    /// now.
    fn spread(
        &mut self,
        level: usize,
        bucket: usize,
        mut wanted: impl FnMut(u32, Instant) -> Option<Instant>,
    ) {
        let shift = BITS * level as u32;
        // The digit of the bucket, with zeros below it.
        let above = (self.reached >> shift) & !(BUCKETS as u64 - 1);
        self.reached = (above | bucket as u64) << shift;
        self.empty(level, bucket);
        let Some(buckets) = &mut self.levels[level].buckets else {
            return;
        };
        let mut slot = core::mem::replace(&mut buckets[bucket], EMPTY).first;
        while let Some(node) = self.nodes.get_mut(slot) {
            let Node { at, after, .. } = core::mem::replace(node, UNREGISTERED);
            if let Some(at) = wanted(slot, at) {
                self.insert(slot, at);
            }
            slot = after;
        }
    }

    /// The lowest level that is not empty, and its first bucket that is not empty.
    fn first_bucket(&self) -> Option<(usize, usize)> {
        if self.occupied == 0 {
            return None;
        }
        let level = self.occupied.trailing_zeros() as usize;
        let bucket = self.levels[level].occupied.trailing_zeros();
        Some((level, bucket as usize))
    }

    /// Marks a bucket as empty.
    fn empty(&mut self, level: usize, bucket: usize) {
        let occupied = &mut self.levels[level].occupied;
        *occupied &= !(1 << bucket);
        if *occupied == 0 {
            self.occupied &= !(1 << level);
        }
    }

    /// Level and bucket of a deadline that the wheel has not passed.
    fn place(&self, at: Instant) -> (usize, usize) {
        let at = at.as_nanos();
        let differs = (at ^ self.reached) | 1;
        let level = (63 - differs.leading_zeros()) / BITS;
        let digit = (at >> (BITS * level)) as usize % BUCKETS;
        (level as usize, digit)
    }

    /// Gives a deadline to a slot that is in no list.
    fn insert(&mut self, slot: u32, at: Instant) {
        if at.as_nanos() < self.reached {
            return self.insert_passed(slot, at);
        }
        let (level, bucket) = self.place(at);
        self.occupied |= 1 << level;
        let level = &mut self.levels[level];
        let buckets = level
            .buckets
            .get_or_insert_with(|| Box::new([EMPTY; BUCKETS]));
        let bucket_of = &mut buckets[bucket];
        if level.occupied & (1 << bucket) == 0 {
            *bucket_of = EMPTY;
            level.occupied |= 1 << bucket;
        }
        bucket_of.earliest = bucket_of.earliest.min(at.as_nanos());
        let before = core::mem::replace(&mut bucket_of.last, slot);
        if before == NONE {
            bucket_of.first = slot;
        }
        if let Some(before) = self.nodes.get_mut(before) {
            before.after = slot;
        }
        if let Some(node) = self.nodes.get_mut(slot) {
            *node = Node {
                at,
                before,
                after: NONE,
            };
        }
    }

    #[cold]
    fn insert_passed(&mut self, slot: u32, at: Instant) {
        self.passed.insert((at, slot));
        if let Some(node) = self.nodes.get_mut(slot) {
            *node = Node {
                at,
                before: PASSED,
                after: NONE,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::time::Duration;

    impl Deadlines {
        /// Takes what is due, as it was registered.
        fn take(&mut self, now: Instant) -> Option<u32> {
            self.take_due(now, |_, at| Some(at))
        }
    }

    #[test]
    fn moves_forward_at_once_and_backward_lazily() {
        let mut deadlines = Deadlines::default();
        deadlines.update(3, Some(Instant::from_secs(5)));
        deadlines.update(3, Some(Instant::from_secs(9)));
        assert_eq!(
            deadlines.next(),
            Some(Instant::from_secs(5)),
            "early, never late"
        );
        deadlines.update(3, Some(Instant::from_secs(2)));
        assert_eq!(deadlines.next(), Some(Instant::from_secs(2)));
        assert_eq!(deadlines.take(Instant::from_secs(1)), None);
        assert_eq!(deadlines.take(Instant::from_secs(2)), Some(3));
        assert_eq!(deadlines.next(), None, "one registration at most");
    }

    #[test]
    fn of_those_that_are_due_at_once_the_first_comes_first() {
        let mut deadlines = Deadlines::default();
        let at = Instant::from_secs(5);
        (0..4).for_each(|slot| deadlines.update(slot, Some(at)));
        deadlines.forget(1);
        assert_eq!(deadlines.take(Instant::from_secs(4)), None);
        deadlines.update(1, Some(at));
        let due: Vec<_> = core::iter::from_fn(|| deadlines.take(at)).collect();
        assert_eq!(due, [0, 2, 3, 1]);
    }

    /// When the time comes near the registered deadline, the true one lies elsewhere.
    #[test]
    fn what_is_out_of_date_goes_where_it_belongs() {
        let mut deadlines = Deadlines::default();
        let (soon, later) = (Instant::from_secs(1), Instant::from_secs(9));
        (0..3).for_each(|slot| deadlines.update(slot, Some(soon)));
        let wanted = |slot, at| [None, Some(later), Some(at)][slot as usize];
        assert_eq!(deadlines.take_due(soon, wanted), Some(2));
        assert_eq!(deadlines.take_due(soon, wanted), None);
        assert_eq!(deadlines.registered(0), None);
        assert_eq!(deadlines.registered(1), Some(later));
        assert_eq!(deadlines.take_due(later, wanted), Some(1));
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn the_first_and_the_last_moment_of_the_world() {
        let mut deadlines = Deadlines::default();
        deadlines.update(0, Some(Instant::FAR_FUTURE));
        deadlines.update(1, Some(Instant::ZERO));
        assert_eq!(deadlines.take(Instant::ZERO), Some(1));
        assert_eq!(deadlines.next(), Some(Instant::FAR_FUTURE));
        assert_eq!(deadlines.take(Instant::FAR_FUTURE), Some(0));
        deadlines.update(2, Some(Instant::from_secs(1)));
        assert_eq!(
            deadlines.take(Instant::FAR_FUTURE),
            Some(2),
            "it was over when it came"
        );
        assert_eq!(deadlines.take(Instant::FAR_FUTURE), None);
    }

    /// A connection that is taken early advances the wheel, but the others are still taken on time.
    #[test]
    fn one_that_gave_way_early_hurries_nobody() {
        let mut deadlines = Deadlines::default();
        let at = Instant::from_secs;
        deadlines.update(0, Some(at(10)));
        deadlines.update(1, Some(at(10)));
        assert_eq!(deadlines.take(Instant::FAR_FUTURE), Some(0));
        deadlines.update(2, Some(at(5)));
        deadlines.update(3, Some(at(3)));
        deadlines.update(4, Some(at(5)));
        deadlines.forget(4);
        for (slot, due) in [(3, at(3)), (2, at(5)), (1, at(10))] {
            assert_eq!(deadlines.next(), Some(due));
            assert_eq!(deadlines.registered(slot), Some(due));
            assert_eq!(deadlines.take(due), Some(slot));
            assert_eq!(deadlines.take(due), None, "{due}");
        }
    }

    #[test]
    fn a_copy_of_an_empty_wheel_takes_no_room() {
        let mut deadlines = Deadlines::default();
        deadlines.update(0, Some(Instant::from_secs(1)));
        deadlines.forget(0);
        let allocated = |deadlines: &Deadlines| {
            let levels = deadlines.levels.iter();
            levels.filter(|level| level.buckets.is_some()).count()
        };
        assert_eq!(allocated(&deadlines), 1);
        assert_eq!(allocated(&deadlines.clone()), 0);
    }

    /// What happens to the deadlines of a few connections.
    #[derive(Clone, Debug)]
    enum Step {
        Update(u32, Duration),
        Forget(u32),
        /// Time passes, and what is due is taken.
        Pass(Duration),
        /// Time passes exactly until the moment that was said to be the next.
        Wait,
        /// The first is taken, even if it is not due.
        TakeFirst,
    }

    fn any_duration() -> impl Strategy<Value = Duration> {
        // Each order of magnitude is equally likely.
        (0u32..50, any::<u64>()).prop_map(|(bits, x)| Duration::from_nanos(x % (1 << bits)))
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u32..20, any_duration()).prop_map(|(slot, after)| Step::Update(slot, after)),
            1 => (0u32..20).prop_map(Step::Forget),
            1 => any_duration().prop_map(Step::Pass),
            2 => Just(Step::Wait),
            1 => Just(Step::TakeFirst),
        ]
    }

    /// A map, and a set in the order of time.
    #[derive(Default)]
    struct Model {
        registered: BTreeMap<u32, Instant>,
        queue: BTreeSet<(Instant, u32)>,
    }

    impl Model {
        fn forget(&mut self, slot: u32) {
            if let Some(at) = self.registered.remove(&slot) {
                self.queue.remove(&(at, slot));
            }
        }

        fn update(&mut self, slot: u32, at: Instant) {
            if self.registered.get(&slot).is_none_or(|known| at < *known) {
                self.forget(slot);
                self.registered.insert(slot, at);
                self.queue.insert((at, slot));
            }
        }

        fn first(&self) -> Option<Instant> {
            self.queue.first().map(|(at, _)| *at)
        }
    }

    proptest! {
        #[test]
        fn agrees_with_an_ordered_set(steps in prop::collection::vec(any_step(), 1..200)) {
            let (mut deadlines, mut model) = (Deadlines::default(), Model::default());
            let mut now = Instant::ZERO;
            for step in steps {
                match step {
                    Step::Update(slot, after) => {
                        deadlines.update(slot, Some(now + after));
                        model.update(slot, now + after);
                    }
                    Step::Forget(slot) => {
                        deadlines.forget(slot);
                        model.forget(slot);
                    }
                    Step::Pass(time) => now += time,
                    Step::Wait => now = deadlines.next().unwrap_or(now).max(now),
                    Step::TakeFirst => {
                        let first = deadlines.take(Instant::FAR_FUTURE);
                        let at = first.map(|slot| model.registered[&slot]);
                        prop_assert_eq!(at, model.first());
                        first.into_iter().for_each(|slot| model.forget(slot));
                    }
                }
                if matches!(step, Step::Pass(_) | Step::Wait) {
                    let mut before = Instant::ZERO;
                    while let Some(slot) = deadlines.take(now) {
                        let at = model.registered[&slot];
                        prop_assert!(before <= at && at <= now, "{at:#} at {now:#}");
                        before = at;
                        model.forget(slot);
                    }
                    prop_assert!(model.first().is_none_or(|at| at > now), "all that was due");
                }
                // Never late; and each early wake-up comes nearer to the deadline.
                prop_assert_eq!(deadlines.next().is_some(), model.first().is_some());
                prop_assert!(deadlines.next() <= model.first());
                if matches!(step, Step::Wait) {
                    prop_assert!(deadlines.next().is_none_or(|at| at > now));
                }
                prop_assert_eq!(deadlines.clone().next(), deadlines.next());
            }
        }
    }
}
