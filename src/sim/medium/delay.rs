//! Parts of a medium that delay datagrams.

use core::time::Duration;

use super::{Arrival, Counts};
use crate::sim::random::Random;
use crate::time::Instant;

/// Every datagram takes the same time. This is the only part that stays when a path heals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay(Duration);

impl Delay {
    /// A delay of this much time, one way.
    pub const fn new(time: Duration) -> Delay {
        Delay(time)
    }

    #[inline]
    pub(super) fn passes(&self, copy: &mut Arrival) -> bool {
        copy.at += self.0;
        true
    }
}

/// A datagram takes up to this much longer, but none overtakes another, as in a router's queue that
/// is shared with other traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jitter {
    most: Duration,
    last: Instant,
}

impl Jitter {
    /// A uniformly distributed time from zero to `most`.
    pub const fn new(most: Duration) -> Jitter {
        Jitter {
            most,
            last: Instant::ZERO,
        }
    }

    pub(super) fn passes(&mut self, copy: &mut Arrival, random: &mut Random) -> bool {
        copy.at += random.duration(Duration::ZERO, self.most);
        self.last = self.last.max(copy.at);
        copy.at = self.last;
        true
    }
}

/// Datagrams that enter within a span of time leave at its end, as with a radio link that changes
/// its cell, or a host that is not running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    from: Instant,
    until: Instant,
}

impl Stall {
    /// Datagrams that enter at `from` or later leave at `until`, when the stall is over.
    pub const fn new(from: Instant, until: Instant) -> Stall {
        Stall { from, until }
    }

    pub(super) fn passes(&self, copy: &mut Arrival, counts: &mut Counts) -> bool {
        if (self.from..self.until).contains(&copy.at) {
            copy.at = self.until;
            counts.held_back += 1;
        }
        true
    }
}
