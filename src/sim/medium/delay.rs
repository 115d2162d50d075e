//! Time that a datagram takes.

use core::time::Duration;

use super::{Arrival, Counts};
use crate::sim::random::Random;
use crate::time::Instant;

/// Every datagram takes the same time. The only part that stays when a path heals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay(Duration);

impl Delay {
    /// This much time, one way.
    pub const fn new(time: Duration) -> Delay {
        Delay(time)
    }

    #[inline]
    pub(super) fn passes(&self, copy: &mut Arrival) -> bool {
        copy.at += self.0;
        true
    }
}

/// A datagram takes up to this much longer, but none overtakes another, as in the queue of a router
/// that others use, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jitter {
    most: Duration,
    last: Instant,
}

impl Jitter {
    /// From nothing to `most`, each time as likely as any other.
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

/// What comes within a span of time leaves at its end: a radio link that changes its cell, a host
/// that does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    from: Instant,
    until: Instant,
}

impl Stall {
    /// What comes from `from` on leaves at `until`; at `until` the stall is over.
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
