//! Datagrams that others overtake.

use core::time::Duration;

use super::{Arrival, Counts};
use crate::sim::random::{Random, Ratio};

/// Holds some datagrams back for a while, so that later ones overtake them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reordering {
    ratio: Ratio,
    least: Duration,
    most: Duration,
}

impl Reordering {
    /// Delays a datagram by up to `most` with this probability.
    pub const fn new(ratio: Ratio, most: Duration) -> Reordering {
        Reordering {
            ratio,
            least: Duration::ZERO,
            most,
        }
    }

    /// Delays a datagram by exactly `time` with this probability.
    pub const fn by(ratio: Ratio, time: Duration) -> Reordering {
        Reordering {
            ratio,
            least: time,
            most: time,
        }
    }

    pub(super) fn passes(
        &self,
        copy: &mut Arrival,
        random: &mut Random,
        counts: &mut Counts,
    ) -> bool {
        if random.chance(self.ratio) {
            copy.at += random.duration(self.least, self.most);
            counts.held_back += 1;
        }
        true
    }
}
