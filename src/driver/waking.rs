//! Statistics: how often threads slept, and how often they were woken in vain.

use core::iter::Sum;

/// How often threads slept, and how often in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waking {
    /// How often a thread gave up the processor to wait until another woke it.
    pub parked: u64,
    /// How often a thread was woken and found nothing to do.
    pub in_vain: u64,
}

impl Sum for Waking {
    fn sum<I: Iterator<Item = Waking>>(shards: I) -> Waking {
        shards.fold(Waking::default(), |sum, shard| Waking {
            parked: sum.parked + shard.parked,
            in_vain: sum.in_vain + shard.in_vain,
        })
    }
}
