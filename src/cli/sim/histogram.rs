//! The times of many worlds in little memory. Adding two histograms loses nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often each time was seen. Times in the same bucket differ by less than 1/128.
///
/// A time's bucket depends on the time alone, so the histogram of all worlds is the sum of the
/// histograms of its parts, in any order. The least and the greatest time are kept exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Histogram {
    /// The number of each bucket and its count; in order, and none is empty.
    buckets: BTreeMap<u32, u64>,
    least: Option<u64>,
    most: Option<u64>,
}

/// The binary logarithm of how many buckets each power of two of nanoseconds has.
const STEPS: u32 = 7;

impl Histogram {
    pub(super) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        *self.buckets.entry(bucket(nanos)).or_default() += 1;
        self.least = Some(self.least.map_or(nanos, |least| least.min(nanos)));
        self.most = self.most.max(Some(nanos));
    }

    pub(super) fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
        self.least = self.least.into_iter().chain(other.least).min();
        self.most = self.most.max(other.most);
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.values().sum()
    }

    /// The time that `rank` in a thousand do not exceed, by the nearest-rank method. The result is
    /// never too small, and too large by less than 1/128. `None` if nothing was recorded.
    pub(super) fn per_mille(&self, rank: u64) -> Option<Duration> {
        let wanted = (u128::from(self.count()) * u128::from(rank)).div_ceil(1000);
        let mut seen = 0;
        let (number, _) = self.buckets.iter().find(|(_, count)| {
            seen += u128::from(**count);
            seen >= wanted
        })?;
        Some(Duration::from_nanos(last_of(*number).min(self.most?)))
    }

    pub(super) fn most(&self) -> Option<Duration> {
        self.most.map(Duration::from_nanos)
    }
}

/// Up to 2^STEPS, each number has its own bucket; beyond, each power of two has 2^STEPS buckets.
fn bucket(nanos: u64) -> u32 {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(STEPS + 1);
    (shift << STEPS) + (nanos >> shift) as u32
}

/// The greatest time in a bucket.
fn last_of(bucket: u32) -> u64 {
    let shift = (bucket >> STEPS).saturating_sub(1);
    let top = u64::from(bucket - (shift << STEPS));
    (top << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for nanos in times {
            histogram.record(Duration::from_nanos(*nanos));
        }
        histogram
    }

    #[test]
    fn small_times_are_exact() {
        let histogram = of(&(1..=100).collect::<Vec<_>>());
        let nanos = |rank| histogram.per_mille(rank).map(|time| time.as_nanos());
        assert_eq!(
            [nanos(0), nanos(500), nanos(990), nanos(1000)],
            [Some(1), Some(50), Some(99), Some(100)]
        );
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Histogram::default().per_mille(500), None);
        assert_eq!(Histogram::default().most(), None);
    }

    #[test]
    fn the_longest_time_has_a_bucket() {
        assert_eq!(last_of(bucket(u64::MAX)), u64::MAX);
        assert_eq!(of(&[u64::MAX]).most(), Some(Duration::from_nanos(u64::MAX)));
    }

    proptest! {
        #[test]
        fn a_bucket_ends_at_its_last_and_is_narrow(nanos: u64) {
            let last = last_of(bucket(nanos));
            prop_assert!(last >= nanos && last - nanos <= nanos / 128);
            prop_assert_eq!(bucket(last), bucket(nanos));
            if last < u64::MAX {
                prop_assert_eq!(bucket(last + 1), bucket(nanos) + 1);
            }
        }

        #[test]
        fn parts_add_up_to_the_whole(
            first in prop::collection::vec(any::<u64>(), 0..50),
            second in prop::collection::vec(any::<u64>(), 0..50),
        ) {
            let mut sum = of(&first);
            sum.merge(&of(&second));
            prop_assert_eq!(&sum, &of(&[second, first].concat()));
            let text = serde_json::to_string(&sum).unwrap();
            prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), sum);
        }
    }
}
