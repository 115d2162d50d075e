//! `EventuallyPerfectDetector`, ◇P: wrong for a while, and then never again.
//!
//! It uses a perfect link on which, from some time on, a message and its answer together take at most
//! some Δ; but neither that time nor Δ is known. (The system is partially synchronous.) It provides:
//!
//! * **Strong completeness** (EPFD1). Every process that crashes is eventually and permanently suspected.
//!   *Because*, as with P, it no longer answers, so it is missing at the end of the first round after its
//!   last answer, and nothing restores it.
//! * **Eventual strong accuracy** (EPFD2). Eventually, no correct process is suspected by any correct process.
//!   *Because* whenever a suspected process answers, the suspicion was false: it is restored, and rounds become
//!   longer. After finitely many mistakes rounds are as long as Δ, and every answer arrives within its round.
//!
//! A late answer counts in the round in which it arrives. The algorithm is the book's
//! "increasing timeout" (2.7).

use std::collections::{BTreeSet, VecDeque};

use super::rounds::Rounds;
use super::{Detector, Verdict};
use crate::link::interface::{Link, Parcel};
use crate::time::{Duration, Instant};

/// Suspects every process that does not answer in time, and learns from its mistakes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventuallyPerfectDetector<L: Link> {
    rounds: Rounds<L>,
    delay: Duration,
    growth: Duration,
    suspected: BTreeSet<L::Address>,
    verdicts: VecDeque<Verdict<L::Address>>,
}

impl<L: Link> EventuallyPerfectDetector<L> {
    /// Watches `peers`. A round lasts `growth` at first, and longer by that much after each mistake.
    pub fn new(
        now: Instant,
        below: L,
        peers: BTreeSet<L::Address>,
        growth: Duration,
    ) -> EventuallyPerfectDetector<L> {
        EventuallyPerfectDetector {
            rounds: Rounds::new(below, peers, now + growth),
            delay: growth,
            growth,
            suspected: BTreeSet::new(),
            verdicts: VecDeque::new(),
        }
    }

    /// How long a round currently is.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// Counts time from `origin` on: what remains until the next deadline is the same. With it, a
    /// state that comes back later is the same state.
    pub fn rebase(&mut self, origin: Instant) {
        self.rounds.rebase(origin);
    }
}

impl<L: Link> Detector for EventuallyPerfectDetector<L> {
    type Address = L::Address;

    fn handle_timeouts(&mut self, now: Instant) {
        self.rounds.handle_timeouts(now);
        if !self.rounds.is_over(now) {
            return;
        }
        let was_wrong = |(peer, is_alive)| is_alive && self.suspected.contains(&peer);
        if self.rounds.peers().any(was_wrong) {
            self.delay += self.growth;
        }
        for (peer, is_alive) in self.rounds.peers() {
            if !is_alive && self.suspected.insert(peer) {
                self.verdicts.push_back(Verdict::Suspected(peer));
            } else if is_alive && self.suspected.remove(&peer) {
                self.verdicts.push_back(Verdict::Restored(peer));
            }
        }
        self.rounds.ask(now, now + self.delay);
    }

    fn poll_verdict(&mut self) -> Option<Verdict<L::Address>> {
        self.verdicts.pop_front()
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.rounds.receive(now, from, packet);
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<L::Address>> {
        self.rounds.poll_transmit(now)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.rounds.next_deadline()
    }
}
