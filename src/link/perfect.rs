//! `PerfectLink`: delivers every message once.
//!
//! Below: a link with stubborn delivery and no creation. Here:
//!
//! * **Reliable delivery** (PL1). What is sent here is sent below, and delivered there again and
//!   again; the first time, it is delivered here.
//! * **No duplication** (PL2). A message carries an identifier that its sender gives no other, and
//!   is delivered only if nothing with its sender and its identifier was delivered before.
//! * **No creation** (PL3). What is delivered here was delivered below, with its identifier.
//!
//! The algorithm is the book's "eliminate duplicates" (2.2). It remembers every identifier for
//! ever, and so its memory grows with every message; whoever can send it packets makes it grow.
//! [`WindowedLink`](super::WindowedLink) is what engineering makes of it.
//!
//! **After a crash.** What must survive for the promises to be kept is in [`Storage`]: without the
//! sender's counter new messages are taken for duplicates (UUIDs need no storage), without the
//! receiver's identifiers old messages are delivered again. A receiver writes an identifier down
//! *before* it delivers: a crash between the two loses a message that was received and not
//! delivered. To write it down after instead would deliver it twice. No link can have both; only
//! the application can make delivering and writing down one step.

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

/// What a perfect link must remember over a crash.
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
