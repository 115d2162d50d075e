//! What happens to a datagram on its way: parts that it passes one after another.
//!
//! | file | what it does to a datagram |
//! |---|---|
//! | `delay` | [`Delay`]: it takes time · [`Jitter`]: more or less of it, in order · [`Stall`]: it waits until a moment |
//! | `loss` | [`Loss`]: it is lost, each independently · [`Bursts`]: many in a row are (Gilbert–Elliott) · [`BlackHole`]: all are, for a time |
//! | `duplication` | [`Duplication`]: copies of it come, too |
//! | `reordering` | [`Reordering`]: it is held back, and others overtake it |
//! | `corruption` | [`Corruption`]: bits flip · [`WordSwap`]: two words change places, which no checksum sees |
//! | `rate` | [`RateLimit`]: it waits its turn behind others, is marked, or finds the queue full |
//! | `marking` | [`Marking`]: it is marked with CE · [`Mangling`]: its marks are changed, or it is dropped for them |
//! | `mtu` | [`Mtu`]: it is too long |
//! | `nat` | [`Nat`](nat::Nat): it gets another source (both directions: part of a [`Path`](super::path::Path)) |
//!
//! A medium decides what happens to a datagram when the datagram enters: the parts compute when it
//! will leave. So a part with a memory (a queue, a burst) sees datagrams in the order in which they
//! *entered* the medium. Put a rate limit before delay, jitter and reordering: on a real path, too,
//! the bottleneck is where the traffic enters.

mod corruption;
mod delay;
mod duplication;
mod loss;
mod marking;
mod mtu;
pub mod nat;
mod rate;
mod reordering;
#[cfg(test)]
mod tests;

use core::ops::AddAssign;

pub use corruption::{Corruption, WordSwap};
pub use delay::{Delay, Jitter, Stall};
pub use duplication::Duplication;
pub use loss::{BlackHole, Bursts, Loss};
pub use marking::{Mangling, Marking};
pub use mtu::{Mtu, TooLong};
pub use rate::{Queue, RateLimit};
pub use reordering::Reordering;

use super::random::Random;
use crate::time::Instant;

/// Which way along a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the near end to the far end.
    There,
    /// From the far end to the near end.
    Back,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn reverse(self) -> Direction {
        match self {
            Direction::There => Direction::Back,
            Direction::Back => Direction::There,
        }
    }
}

/// A datagram that will leave a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it leaves.
    pub at: Instant,
    /// Which way it went: `There` arrives at the far end, `Back` at the near end.
    pub direction: Direction,
    /// Its octets.
    pub datagram: Vec<u8>,
}

/// What one part does to datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Datagrams take time.
    Delay(Delay),
    /// Datagrams take more or less time.
    Jitter(Jitter),
    /// Datagrams that enter within a span of time wait until its end.
    Stall(Stall),
    /// Each datagram is lost with the same probability.
    Loss(Loss),
    /// Many datagrams in a row are lost.
    Bursts(Bursts),
    /// For a time nothing gets through.
    BlackHole(BlackHole),
    /// Some datagrams arrive more than once.
    Duplication(Duplication),
    /// Some datagrams are overtaken.
    Reordering(Reordering),
    /// Bits flip.
    Corruption(Corruption),
    /// Words are swapped.
    WordSwap(WordSwap),
    /// The rate is limited, and a queue waits before the bottleneck.
    RateLimit(RateLimit),
    /// Some datagrams are marked with CE.
    Marking(Marking),
    /// Marks are changed.
    Mangling(Mangling),
    /// Datagrams that are too long do not get through.
    Mtu(Mtu),
}

/// Makes `impl From<Kind> for Part`, so that a medium reads as the list of its parts.
macro_rules! part {
    ($($kind:ident),*) => {
        $(impl From<$kind> for Part {
            fn from(part: $kind) -> Part {
                Part::$kind(part)
            }
        })*
    };
}

part!(
    Delay,
    Jitter,
    Stall,
    Loss,
    Bursts,
    BlackHole,
    Duplication,
    Reordering,
    Corruption,
    WordSwap,
    RateLimit,
    Marking,
    Mangling,
    Mtu
);

/// What became of the datagrams that entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that entered.
    pub entered: u64,
    /// Copies that were lost by chance, in a burst or in a black hole.
    pub lost: u64,
    /// Copies that found a queue full.
    pub overflowed: u64,
    /// Copies that were marked with CE.
    pub marked: u64,
    /// Copies whose marks, ECN flags or options were changed.
    pub mangled: u64,
    /// Copies that were too long.
    pub too_long: u64,
    /// Copies that were made.
    pub duplicated: u64,
    /// Copies that were held back.
    pub held_back: u64,
    /// Copies with flipped bits. A checksum detects any single flip.
    pub corrupted: u64,
    /// Copies changed in a way that no checksum detects.
    pub colliding: u64,
    /// Datagrams that a NAT had no mapping for, or could not translate.
    pub untranslated: u64,
    /// New mappings that a NAT made for a host that had had one before.
    pub rebound: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.entered += other.entered;
        self.lost += other.lost;
        self.overflowed += other.overflowed;
        self.marked += other.marked;
        self.mangled += other.mangled;
        self.too_long += other.too_long;
        self.duplicated += other.duplicated;
        self.held_back += other.held_back;
        self.corrupted += other.corrupted;
        self.colliding += other.colliding;
        self.untranslated += other.untranslated;
        self.rebound += other.rebound;
    }
}

/// One direction of a path: parts, in the order in which a datagram meets them.
///
/// ```
/// use std::time::Duration;
/// use stubborn::sim::medium::{Delay, Loss, Medium};
/// use stubborn::sim::random::Ratio;
///
/// let medium = Medium::new()
///     .with(Loss::new(Ratio::percent(10)))
///     .with(Delay::new(Duration::from_millis(5)));
/// assert_eq!(medium.parts().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Medium {
    parts: Vec<Part>,
    counts: Counts,
}

impl Medium {
    /// A wire: what enters leaves at once.
    pub fn new() -> Medium {
        Medium::default()
    }

    /// Adds a part behind those that the medium has.
    #[must_use]
    pub fn with(mut self, part: impl Into<Part>) -> Medium {
        self.parts.push(part.into());
        self
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What became of the datagrams so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Ends all faults: from now on the medium only delays.
    pub fn heal(&mut self) {
        self.parts.retain(|part| matches!(part, Part::Delay(_)));
    }

    /// Carries a datagram, given as an arrival at the time of its entry. Appends what leaves and
    /// when; appends to `answers` what the parts tell the sender.
    pub(super) fn carry(
        &mut self,
        datagram: Arrival,
        random: &mut Random,
        arrivals: &mut Vec<Arrival>,
        answers: &mut Vec<Arrival>,
    ) {
        self.counts.entered += 1;
        let first = arrivals.len();
        arrivals.push(datagram);
        for part in &mut self.parts {
            if let Part::Duplication(duplication) = part {
                duplication.copy(first, arrivals, random, &mut self.counts);
                continue;
            }
            let mut at = first;
            while at < arrivals.len() {
                if part.passes(&mut arrivals[at], random, &mut self.counts, answers) {
                    at += 1;
                } else {
                    arrivals.remove(at);
                }
            }
            if arrivals.len() == first {
                return;
            }
        }
    }
}

impl Part {
    /// Applies the part to one copy. False: the copy goes no further.
    fn passes(
        &mut self,
        copy: &mut Arrival,
        random: &mut Random,
        counts: &mut Counts,
        answers: &mut Vec<Arrival>,
    ) -> bool {
        match self {
            Part::Delay(part) => part.passes(copy),
            Part::Jitter(part) => part.passes(copy, random),
            Part::Stall(part) => part.passes(copy, counts),
            Part::Loss(part) => part.passes(random, counts),
            Part::Bursts(part) => part.passes(random, counts),
            Part::BlackHole(part) => part.passes(copy, counts),
            Part::Reordering(part) => part.passes(copy, random, counts),
            Part::Corruption(part) => part.passes(copy, random, counts),
            Part::WordSwap(part) => part.passes(copy, random, counts),
            Part::RateLimit(part) => part.passes(copy, counts),
            Part::Marking(part) => part.passes(copy, random, counts),
            Part::Mangling(part) => part.passes(copy, counts),
            Part::Mtu(part) => part.passes(copy, counts, answers),
            // This part makes copies instead of changing one: see `Medium::carry`.
            Part::Duplication(_) => true,
        }
    }
}
