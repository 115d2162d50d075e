//! What P and ◇P have in common: rounds of heartbeat requests, and which processes have
//! answered.

use std::collections::BTreeSet;

use crate::link::header::Header;
use crate::link::interface::{Link, Parcel, earlier};
use crate::time::Instant;

/// Rounds of questions over a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rounds<L: Link> {
    below: L,
    peers: BTreeSet<L::Address>,
    /// The processes that have answered in this round.
    alive: BTreeSet<L::Address>,
    /// When this round ends.
    end: Instant,
}

impl<L: Link> Rounds<L> {
    /// The first round ends at `end`. It has no requests, so no process is missing at
    /// its end.
    pub(super) fn new(below: L, peers: BTreeSet<L::Address>, end: Instant) -> Rounds<L> {
        Rounds {
            below,
            alive: peers.clone(),
            peers,
            end,
        }
    }

    /// The other processes, and whether they have answered.
    pub(super) fn peers(&self) -> impl Iterator<Item = (L::Address, bool)> {
        let peers = self.peers.iter();
        peers.map(|peer| (*peer, self.alive.contains(peer)))
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.end <= now
    }

    /// Sends requests to all processes, for a round until `end`.
    pub(super) fn ask(&mut self, now: Instant, end: Instant) {
        self.alive.clear();
        self.end = end;
        for peer in &self.peers {
            // A request that the link does not take remains unanswered.
            let _ = self.below.send(now, *peer, &Header::Request.before(b""));
        }
    }

    /// Answers requests and notes answers.
    pub(super) fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
        while let Some((from, packet)) = self.below.poll_deliver() {
            match Header::parse(&packet) {
                Ok((Header::Request, _)) if self.peers.contains(&from) => {
                    let _ = self.below.send(now, from, &Header::Reply.before(b""));
                }
                Ok((Header::Reply, _)) if self.peers.contains(&from) => {
                    self.alive.insert(from);
                }
                _ => {}
            }
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<L::Address>> {
        self.below.poll_transmit(now)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        earlier(Some(self.end), self.below.next_deadline())
    }

    pub(super) fn handle_timeouts(&mut self, now: Instant) {
        self.below.handle_timeouts(now);
    }

    /// Counts time from `origin` on.
    pub(super) fn rebase(&mut self, origin: Instant) {
        self.end = Instant::ZERO + self.end.since(origin);
    }
}
