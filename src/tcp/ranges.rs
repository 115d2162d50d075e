//! A bounded set of places, kept as sorted, disjoint ranges that do not touch.

use core::ops::Range;

use super::seq::Seq;

/// A set of places. Finding is O(log n); inserting and removing move at most `n` small entries,
/// and `n` has a bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ranges {
    ranges: Vec<Range<Seq>>,
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
            self.ranges.insert(first, range.clone());
            return range;
        }
        let merged =
            range.start.min(self.ranges[first].start)..range.end.max(self.ranges[last - 1].end);
        self.ranges[first] = merged.clone();
        self.ranges.drain(first + 1..last);
        merged
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

    /// Removes and returns the first range if it starts at or before `place`.
    pub(crate) fn take_first_from(&mut self, place: Seq) -> Option<Range<Seq>> {
        match self.ranges.first() {
            Some(first) if first.start <= place => Some(self.ranges.remove(0)),
            _ => None,
        }
    }

    /// Removes the range that lies farthest.
    pub(crate) fn forget_last(&mut self) {
        self.ranges.pop();
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
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Range<Seq>> {
        self.ranges.iter()
    }

    /// Removes everything, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.ranges = Vec::new();
    }
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
            inserts in prop::collection::vec((0usize..60, 1usize..12), 0..40),
            query in 0usize..60, length in 0usize..20,
        ) {
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for (start, len) in inserts {
                let whole = ranges.insert(seq(start)..seq(start + len));
                model.extend((start..start + len).map(seq));
                prop_assert!(whole.start <= seq(start) && seq(start + len) <= whole.end);
            }
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
