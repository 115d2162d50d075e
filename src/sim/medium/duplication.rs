//! Datagrams that arrive more than once.

use core::time::Duration;

use super::{Arrival, Counts};
use crate::sim::random::{Random, Ratio};

/// Some datagrams arrive again, finitely often, as the fair-loss link promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplication {
    ratio: Ratio,
    most: u32,
    spread: Duration,
}

impl Duplication {
    /// With this probability a second copy arrives, right behind the first.
    pub const fn new(ratio: Ratio) -> Duplication {
        Duplication {
            ratio,
            most: 1,
            spread: Duration::ZERO,
        }
    }

    /// Makes from one to `most` additional copies instead of one, each number
    /// equally likely.
    ///
    /// # Panics
    /// If `most` is zero.
    #[must_use]
    pub const fn up_to(mut self, most: u32) -> Duplication {
        assert!(most > 0, "one more copy at least");
        self.most = most;
        self
    }

    /// Delays each additional copy by up to this much.
    #[must_use]
    pub const fn spread(mut self, spread: Duration) -> Duplication {
        self.spread = spread;
        self
    }

    /// Appends copies of the arrivals from index `first` on.
    pub(super) fn copy(
        &self,
        first: usize,
        arrivals: &mut Vec<Arrival>,
        random: &mut Random,
        counts: &mut Counts,
    ) {
        for original in first..arrivals.len() {
            if !random.chance(self.ratio) {
                continue;
            }
            let copies = random.between(1, self.most.into());
            counts.duplicated += copies;
            for _ in 0..copies {
                let mut copy = arrivals[original].clone();
                copy.at += random.duration(Duration::ZERO, self.spread);
                arrivals.push(copy);
            }
        }
    }
}
