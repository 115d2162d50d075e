//! A path between two hosts: two directions that may differ.
//!
//! ```text
//!   near end ──┬─ NAT ─┬── there: part, part, part ──┬── far end
//!              │       │                             │
//!              └───────┴── back:  part, part, part ──┘
//! ```
//!
//! A datagram enters and leaves as octets. When it enters, the path computes when and how it will
//! leave; the owner of the clock then delivers it.

pub use super::medium::{Arrival, Direction};

use super::medium::nat::Nat;
use super::medium::{Counts, Medium};
use super::random::Random;
use crate::time::Instant;

/// Two directions, and perhaps a NAT at the near end.
///
/// ```
/// use std::time::Duration;
/// use stubborn::sim::medium::{Delay, Loss, Medium};
/// use stubborn::sim::path::{Direction, Path};
/// use stubborn::sim::random::{Random, Ratio};
/// use stubborn::time::Instant;
///
/// let wire = Medium::new().with(Delay::new(Duration::from_millis(5)));
/// let lossy = wire.clone().with(Loss::new(Ratio::ALWAYS));
/// let mut path = Path::new(wire, lossy);
/// let (mut random, mut arrivals) = (Random::new(0), Vec::new());
/// for direction in [Direction::There, Direction::Back] {
///     path.carry(Instant::ZERO, direction, vec![0; 20], &mut random, &mut arrivals);
/// }
/// assert_eq!(arrivals.len(), 1);
/// assert_eq!(arrivals[0].at, Instant::from_millis(5));
/// assert_eq!(arrivals[0].direction, Direction::There);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    there: Medium,
    back: Medium,
    nat: Option<Nat>,
    translation: Counts,
    /// ICMP errors under way; empty between calls.
    answers: Vec<Arrival>,
}

impl Path {
    /// A path that is `there` from the near end to the far end, and `back` in the other direction.
    pub fn new(there: Medium, back: Medium) -> Path {
        Path {
            there,
            back,
            ..Path::default()
        }
    }

    /// A path with the same parts in both directions, each with its own memory.
    pub fn symmetric(medium: Medium) -> Path {
        Path::new(medium.clone(), medium)
    }

    /// Puts a NAT at the near end: the hosts there are inside.
    #[must_use]
    pub fn with_nat(mut self, nat: Nat) -> Path {
        self.nat = Some(nat);
        self
    }

    /// The direction from the near end to the far end.
    pub fn there(&self) -> &Medium {
        &self.there
    }

    /// The direction from the far end to the near end.
    pub fn back(&self) -> &Medium {
        &self.back
    }

    /// The NAT at the near end.
    pub fn nat(&self) -> Option<&Nat> {
        self.nat.as_ref()
    }

    /// Carries a datagram that enters at `now`. Appends what will leave: zero, one or several
    /// copies. An ICMP error that goes the other way can be among them, if the datagram is too
    /// long for a link.
    pub fn carry(
        &mut self,
        now: Instant,
        direction: Direction,
        mut datagram: Vec<u8>,
        random: &mut Random,
        arrivals: &mut Vec<Arrival>,
    ) {
        if let (Direction::There, Some(nat)) = (direction, &mut self.nat)
            && !nat.outbound(now, &mut datagram, random, &mut self.translation)
        {
            return;
        }
        let entry = Arrival {
            at: now,
            direction,
            datagram,
        };
        self.pass(entry, random, arrivals);
        // Errors cause no further errors, so this loop ends.
        while let Some(answer) = self.answers.pop() {
            self.pass(answer, random, arrivals);
        }
    }

    /// Ends all faults: from now on the path only delays. A NAT still translates, and forgets
    /// nothing.
    pub fn heal(&mut self) {
        self.there.heal();
        self.back.heal();
        if let Some(nat) = &mut self.nat {
            nat.heal();
        }
    }

    /// What became of the datagrams so far, in both directions together.
    pub fn counts(&self) -> Counts {
        let mut counts = self.there.counts();
        counts += self.back.counts();
        counts += self.translation;
        counts
    }

    /// Passes a datagram through the medium of its direction, and an inbound one through the NAT.
    fn pass(&mut self, entry: Arrival, random: &mut Random, arrivals: &mut Vec<Arrival>) {
        let medium = match entry.direction {
            Direction::There => &mut self.there,
            Direction::Back => &mut self.back,
        };
        let mut at = arrivals.len();
        let comes_in = entry.direction == Direction::Back;
        medium.carry(entry, random, arrivals, &mut self.answers);
        let Some(nat) = self.nat.as_mut().filter(|_| comes_in) else {
            return;
        };
        while let Some(arrival) = arrivals.get_mut(at) {
            if nat.inbound(arrival.at, &mut arrival.datagram, &mut self.translation) {
                at += 1;
            } else {
                arrivals.remove(at);
            }
        }
    }
}
