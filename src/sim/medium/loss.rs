//! Datagrams that do not arrive.

use super::{Arrival, Counts};
use crate::sim::random::{Random, Ratio};
use crate::time::Instant;

/// Each datagram is lost with the same probability, independently of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss(Ratio);

impl Loss {
    /// Loses datagrams with this probability.
    pub const fn new(ratio: Ratio) -> Loss {
        Loss(ratio)
    }

    pub(super) fn passes(&self, random: &mut Random, counts: &mut Counts) -> bool {
        let lost = random.chance(self.0);
        counts.lost += u64::from(lost);
        !lost
    }
}

/// The Gilbert–Elliott model: the link is good or bad, and may change with each datagram.
///
/// With `p` = `worsens` and `r` = `recovers`, the link is bad for a share `p / (p + r)` of the
/// datagrams, and a bad spell lasts `1 / r` datagrams on average.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bursts {
    worsens: Ratio,
    recovers: Ratio,
    loss_in_good: Ratio,
    loss_in_bad: Ratio,
    bad: bool,
}

impl Bursts {
    /// A link that is good at first and loses nothing while it is. `worsens`: the probability per
    /// datagram that a good link turns bad; `recovers`: that a bad one turns good; `loss`: that a
    /// datagram is lost while the link is bad.
    pub const fn new(worsens: Ratio, recovers: Ratio, loss: Ratio) -> Bursts {
        Bursts {
            worsens,
            recovers,
            loss_in_good: Ratio::NEVER,
            loss_in_bad: loss,
            bad: false,
        }
    }

    /// Loses datagrams with this probability while the link is good, too.
    #[must_use]
    pub const fn also_when_good(mut self, loss: Ratio) -> Bursts {
        self.loss_in_good = loss;
        self
    }

    pub(super) fn passes(&mut self, random: &mut Random, counts: &mut Counts) -> bool {
        let change = match self.bad {
            true => self.recovers,
            false => self.worsens,
        };
        self.bad ^= random.chance(change);
        let lost = random.chance(match self.bad {
            true => self.loss_in_bad,
            false => self.loss_in_good,
        });
        counts.lost += u64::from(lost);
        !lost
    }
}

/// For a time nothing gets through. In both directions, this is a partition; in one, a one-way
/// fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlackHole {
    from: Instant,
    until: Instant,
}

impl BlackHole {
    /// Loses what enters at `from` or later, but before `until`.
    pub const fn new(from: Instant, until: Instant) -> BlackHole {
        BlackHole { from, until }
    }

    pub(super) fn passes(&self, copy: &Arrival, counts: &mut Counts) -> bool {
        let lost = (self.from..self.until).contains(&copy.at);
        counts.lost += u64::from(lost);
        !lost
    }
}
