//! `PerfectDetector`, P: never wrong, where the network keeps a bound.
//!
//! It uses a perfect link on which a message and its answer together always take at most a known time Δ.
//! (The system is synchronous. If loss is repaired by sending again, there is no such bound.) It provides:
//!
//! * **Strong completeness** (PFD1). Every process that crashes is eventually and permanently suspected.
//!   *Because* it no longer answers, so it is missing at the end of the first round that begins after its last
//!   answer has arrived, and the verdict is final.
//! * **Strong accuracy** (PFD2). No process is suspected before it crashes. *Because* until then it answers
//!   each request within Δ, which is how long a round lasts.
//!
//! The algorithm is the book's "exclude on timeout" (2.5).

use std::collections::{BTreeSet, VecDeque};

use super::rounds::Rounds;
use super::{Detector, Verdict};
use crate::link::interface::{Link, Parcel};
use crate::time::{Duration, Instant};

/// Suspects, for ever, every process that does not answer within Δ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PerfectDetector<L: Link> {
    rounds: Rounds<L>,
    delta: Duration,
    suspected: BTreeSet<L::Address>,
    verdicts: VecDeque<Verdict<L::Address>>,
}

impl<L: Link> PerfectDetector<L> {
    /// Watches `peers`. The first questions leave Δ after `now`, and then every Δ.
    pub fn new(
        now: Instant,
        below: L,
        peers: BTreeSet<L::Address>,
        delta: Duration,
    ) -> PerfectDetector<L> {
        PerfectDetector {
            rounds: Rounds::new(below, peers, now + delta),
            delta,
            suspected: BTreeSet::new(),
            verdicts: VecDeque::new(),
        }
    }

    /// Counts time from `origin` on; the time left until the next deadline stays the same. So a
    /// model checker recognizes a state that comes back later.
    pub fn rebase(&mut self, origin: Instant) {
        self.rounds.rebase(origin);
    }
}

impl<L: Link> Detector for PerfectDetector<L> {
    type Address = L::Address;

    fn handle_timeouts(&mut self, now: Instant) {
        self.rounds.handle_timeouts(now);
        if !self.rounds.is_over(now) {
            return;
        }
        for (peer, is_alive) in self.rounds.peers() {
            if !is_alive && self.suspected.insert(peer) {
                self.verdicts.push_back(Verdict::Suspected(peer));
            }
        }
        self.rounds.ask(now, now + self.delta);
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
