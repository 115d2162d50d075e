//! Datagrams that others overtake.

use core::time::Duration;

use super::{Arrival, Counts};
use crate::sim::random::{Random, Ratio};

/// Some datagrams are held back for a while, and what comes meanwhile overtakes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reordering {
    ratio: Ratio,
    least: Duration,
    most: Duration,
}

impl Reordering {
    /// With this probability a datagram takes up to `most` longer.
    pub const fn new(ratio: Ratio, most: Duration) -> Reordering {
        Reordering {
            ratio,
            least: Duration::ZERO,
            most,
        }
    }

    /// With this probability a datagram takes `time` longer, neither less nor more.
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
