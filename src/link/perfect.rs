//! `PerfectLink`: delivers every message once.
//!
//! It uses a stubborn link (SL1–2) and provides:
//!
//! * **Reliable delivery** (PL1). If a correct process sends a message to a correct process, it is eventually
//!   delivered. *Because* by SL1 it is delivered below, and the first time its identifier is new.
//! * **No duplication** (PL2). No message is delivered more than once. *Because* each message has an
//!   identifier of its own, and is delivered only if nothing with that sender and identifier was
//!   delivered before.
//! * **No creation** (PL3). If a message is delivered, it was sent before. *Because* of SL2.
//!
//! The algorithm is the book's "eliminate duplicates" (2.2). It remembers every identifier for
//! ever, so its memory grows with every message, even with one from a stranger.
//! [`WindowedLink`](super::WindowedLink) is the practical version.
//!
//! **After a crash.** [`Storage`] is what must survive for the promises to hold: without the
//! sender's counter, new messages are taken for duplicates (UUIDs need no storage); without the
//! receiver's identifiers, old messages are delivered again. A receiver stores an identifier
//! *before* it delivers the message, so a crash between the two loses a message that was received.
//! If it stored the identifier after, such a crash would deliver the message twice. No link can avoid both;
//! only the application can make delivering and storing one step.

use std::collections::{BTreeSet, VecDeque};

use super::header::Header;
use super::identifier::{Identifiers, MessageId};
use super::interface::{Address, Link, Parcel, SendError, fits};
use crate::time::Instant;

/// Delivers every message once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PerfectLink<L: Link> {
    below: L,
    storage: Storage<L::Address>,
    ready: VecDeque<Parcel<L::Address>>,
}

/// What a perfect link must remember across a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Storage<A> {
    identifiers: Identifiers,
    delivered: BTreeSet<(A, MessageId)>,
}

impl<L: Link> PerfectLink<L> {
    /// A perfect link over a stubborn link, for a process that starts for the first time, or has
    /// forgotten everything.
    pub fn new(below: L, identifiers: Identifiers) -> PerfectLink<L> {
        let delivered = BTreeSet::new();
        PerfectLink::recovered(
            below,
            Storage {
                identifiers,
                delivered,
            },
        )
    }

    /// A perfect link for a process that comes back from a crash with what it had stored.
    pub fn recovered(below: L, storage: Storage<L::Address>) -> PerfectLink<L> {
        PerfectLink {
            below,
            storage,
            ready: VecDeque::new(),
        }
    }

    /// What to store before the next packet is sent and before the next message is delivered.
    pub fn storage(&self) -> &Storage<L::Address> {
        &self.storage
    }
}

impl<A: Address> Storage<A> {
    /// How many identifiers it holds.
    pub fn len(&self) -> usize {
        self.delivered.len()
    }

    /// Whether nothing was delivered yet.
    pub fn is_empty(&self) -> bool {
        self.delivered.is_empty()
    }
}

impl<L: Link> Link for PerfectLink<L> {
    type Address = L::Address;

    fn longest(&self) -> usize {
        let header = self.storage.identifiers.header();
        self.below.longest().saturating_sub(header)
    }

    fn send(&mut self, now: Instant, to: L::Address, message: &[u8]) -> Result<(), SendError> {
        fits(message.len(), self.longest())?;
        let header = Header::Identified(self.storage.identifiers.peek());
        self.below.send(now, to, &header.before(message))?;
        self.storage.identifiers.advance();
        Ok(())
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
        while let Some((from, packet)) = self.below.poll_deliver() {
            let Ok((Header::Identified(id), message)) = Header::parse(&packet) else {
                continue;
            };
            if self.storage.delivered.insert((from, id)) {
                self.ready.push_back((from, message.to_vec()));
            }
        }
    }

    fn poll_deliver(&mut self) -> Option<Parcel<L::Address>> {
        self.ready.pop_front()
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<L::Address>> {
        self.below.poll_transmit(now)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.below.next_deadline()
    }

    fn handle_timeouts(&mut self, now: Instant) {
        self.below.handle_timeouts(now);
    }
}
