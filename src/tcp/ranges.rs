//! A bounded set of places, kept as sorted, disjoint ranges that do not touch.

use core::ops::Range;

use super::seq::Seq;

/// A set of places. Finding is O(log n); inserting and removing move at most `n` small entries,
/// and `n` has a bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ranges {
    ranges: Vec<Range<Seq>>,
    /// Places in all of them.
    places: usize,
}

impl Ranges {
    /// Adds every place of `range`; returns the whole range that now holds it.
    pub(crate) fn insert(&mut self, range: Range<Seq>) -> Range<Seq> {
        debug_assert!(range.start < range.end, "an empty range");
        // Everything from the first range that ends at or after our start, up to the last that
        // starts at or before our end, becomes one.
        let first = self.ranges.partition_point(|r| r.end < range.start);
        let last = first + self.ranges[first..].partition_point(|r| r.start <= range.end);
        if first == last {
            self.places += range.end - range.start;
            self.ranges.insert(first, range.clone());
            return range;
        }
        let merged =
            range.start.min(self.ranges[first].start)..range.end.max(self.ranges[last - 1].end);
        let held: usize = self.ranges[first..last].iter().map(len).sum();
        self.places += len(&merged) - held;
        self.ranges[first] = merged.clone();
        self.ranges.drain(first + 1..last);
        merged
    }

    /// Takes every place of `range` out.
    pub(crate) fn remove(&mut self, range: Range<Seq>) {
        let first = self.ranges.partition_point(|r| r.end <= range.start);
        let last = first + self.ranges[first..].partition_point(|r| r.start < range.end);
        if first == last {
            return;
        }
        let held: usize = self.ranges[first..last].iter().map(len).sum();
        let left = self.ranges[first].start.min(range.start)..range.start;
        let right = range.end..self.ranges[last - 1].end.max(range.end);
        self.places -= held - len(&left) - len(&right);
        let kept = [left, right].into_iter().filter(|r| r.start < r.end);
        self.ranges.splice(first..last, kept);
    }

    /// Takes every place before `place` out.
    pub(crate) fn remove_before(&mut self, place: Seq) {
        if let Some(first) = self.ranges.first()
            && first.start < place
        {
            self.remove(first.start..place);
        }
    }

    /// The parts of `range` that are not in the set, in order.
    pub(crate) fn gaps(&self, range: Range<Seq>) -> impl Iterator<Item = Range<Seq>> {
        let first = self.ranges.partition_point(|r| r.end <= range.start);
        let mut from = range.start;
        let ends = range.end..range.end;
        self.ranges[first..]
            .iter()
            .take_while(move |r| r.start < range.end)
            .cloned()
            .chain(core::iter::once(ends))
            .filter_map(move |held| {
                let gap = from..held.start;
                from = from.max(held.end);
                (gap.start < gap.end).then_some(gap)
            })
    }

    /// The range that holds `place`, if one does.
    pub(crate) fn holding(&self, place: Seq) -> Option<Range<Seq>> {
        let at = self.ranges.partition_point(|r| r.end <= place);
        self.ranges.get(at).filter(|r| r.start <= place).cloned()
    }

    /// The ranges that end at or beyond `place`, in order.
    pub(crate) fn behind(&self, place: Seq) -> &[Range<Seq>] {
        &self.ranges[self.ranges.partition_point(|r| r.end < place)..]
    }

    /// Removes and returns the first range if it starts at or before `place`.
    pub(crate) fn take_first_from(&mut self, place: Seq) -> Option<Range<Seq>> {
        match self.ranges.first() {
            Some(first) if first.start <= place => {
                self.places -= len(first);
                Some(self.ranges.remove(0))
            }
            _ => None,
        }
    }

    /// Removes the range that lies farthest.
    pub(crate) fn forget_last(&mut self) {
        if let Some(last) = self.ranges.pop() {
            self.places -= len(&last);
        }
    }

    /// The lowest range.
    pub(crate) fn first(&self) -> Option<&Range<Seq>> {
        self.ranges.first()
    }

    /// How many places.
    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// How many ranges.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether the set is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges, lowest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Range<Seq>> {
        self.ranges.iter()
    }

    /// Removes everything, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Ranges::default();
    }
}

fn len(range: &Range<Seq>) -> usize {
    range.end - range.start
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn seq(place: usize) -> Seq {
        Seq::initial(0) + place
    }

    proptest! {
        /// Against the obvious model: a set of single places.
        #[test]
        fn agrees_with_a_set_of_places(
            steps in prop::collection::vec((0usize..60, 1usize..12, any::<bool>()), 0..40),
            query in 0usize..60, length in 0usize..20,
        ) {
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for (start, len, inserts) in steps {
                if !inserts {
                    ranges.remove(seq(start)..seq(start + len));
                    (start..start + len).for_each(|place| { model.remove(&seq(place)); });
                    continue;
                }
                let whole = ranges.insert(seq(start)..seq(start + len));
                model.extend((start..start + len).map(seq));
                prop_assert!(whole.start <= seq(start) && seq(start + len) <= whole.end);
            }
            prop_assert_eq!(ranges.places(), model.len());
            let all: Vec<_> = ranges.iter().cloned().collect();
            prop_assert!(all.windows(2).all(|pair| pair[0].end < pair[1].start), "sorted, apart");
            let places: BTreeSet<Seq> = (0..100).map(seq)
                .filter(|p| all.iter().any(|r| r.contains(p))).collect();
            prop_assert_eq!(&places, &model);
            let gaps: Vec<Seq> = ranges.gaps(seq(query)..seq(query + length))
                .flat_map(|gap| (0..100).map(seq).filter(move |p| gap.contains(p))).collect();
            let expected: Vec<Seq> = (query..query + length).map(seq)
                .filter(|p| !model.contains(p)).collect();
            prop_assert_eq!(gaps, expected);
            prop_assert_eq!(ranges.holding(seq(query)).is_some(), model.contains(&seq(query)));
            let behind = all.iter().filter(|range| range.end >= seq(query));
            prop_assert!(ranges.behind(seq(query)).iter().eq(behind));
        }
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let mut ranges = Ranges::default();
        ranges.insert(seq(0)..seq(2));
        ranges.insert(seq(4)..seq(6));
        assert_eq!(ranges.insert(seq(2)..seq(4)), seq(0)..seq(6));
        assert_eq!(ranges.len(), 1);
    }
}
