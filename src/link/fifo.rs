//! `PerfectFifoLink`: delivers every message once, and in the order in which they were sent.
//!
//! It uses a perfect link (PL1–3) and provides the same properties, and:
//!
//! * **FIFO delivery.** If a process sends m1 before m2, m2 is not delivered unless m1 was. *Because*
//!   messages are numbered as they are sent, and number n is delivered only after n-1. A message that comes
//!   early waits.
//!
//! **Reliable delivery** still holds, because all messages with smaller numbers were sent, so by PL1 they are
//! eventually delivered below, and nothing waits for ever. **No duplication** and **no creation** are
//! those of the link below.
//!
//! The algorithm is the book's "sequence number". The number of messages that wait is unbounded: it
//! is all that were sent after the missing one. [`WindowedLink`](super::WindowedLink)
//! bounds it.
//!
//! **After a crash.** The numbers and the waiting messages must survive ([`FifoStorage`]), and so must what
//! the link below needs. A sender that recovers without the messages it had sent leaves a gap that is never
//! filled: where a perfect link loses one message, here all later messages wait for ever.

use std::collections::{BTreeMap, VecDeque};

use super::header::Header;
use super::interface::{Link, Parcel, SendError, fits};
use crate::time::Instant;

/// Delivers every message once and in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PerfectFifoLink<L: Link> {
    below: L,
    storage: FifoStorage<L::Address>,
    ready: VecDeque<Parcel<L::Address>>,
}

/// What a perfect FIFO link must remember across a crash, besides what the link below must.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FifoStorage<A> {
    /// The number of the next message to each process.
    next_to: BTreeMap<A, u64>,
    /// The number of the message from each process that is to be delivered next.
    next_from: BTreeMap<A, u64>,
    /// Received, and not yet next.
    waiting: BTreeMap<(A, u64), Vec<u8>>,
}

impl<L: Link> PerfectFifoLink<L> {
    /// A perfect FIFO link over a perfect link.
    pub fn new(below: L) -> PerfectFifoLink<L> {
        let storage = FifoStorage {
            next_to: BTreeMap::new(),
            next_from: BTreeMap::new(),
            waiting: BTreeMap::new(),
        };
        PerfectFifoLink::recovered(below, storage)
    }

    /// A perfect FIFO link for a process that comes back from a crash with what it had stored.
    pub fn recovered(below: L, storage: FifoStorage<L::Address>) -> PerfectFifoLink<L> {
        PerfectFifoLink {
            below,
            storage,
            ready: VecDeque::new(),
        }
    }

    /// What to store, together with what the link below has to store.
    pub fn storage(&self) -> &FifoStorage<L::Address> {
        &self.storage
    }

    /// The link below.
    pub fn below(&self) -> &L {
        &self.below
    }
}

impl<L: Link> Link for PerfectFifoLink<L> {
    type Address = L::Address;

    fn longest(&self) -> usize {
        self.below.longest().saturating_sub(Header::NUMBERED)
    }

    fn send(&mut self, now: Instant, to: L::Address, message: &[u8]) -> Result<(), SendError> {
        fits(message.len(), self.longest())?;
        let number = self.storage.next_to.get(&to).copied().unwrap_or(0);
        let packet = Header::Ordered(number).before(message);
        self.below.send(now, to, &packet)?;
        self.storage.next_to.insert(to, number + 1);
        Ok(())
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
        while let Some((from, packet)) = self.below.poll_deliver() {
            let Ok((Header::Ordered(number), message)) = Header::parse(&packet) else {
                continue;
            };
            let storage = &mut self.storage;
            storage.waiting.insert((from, number), message.to_vec());
            let next = storage.next_from.entry(from).or_insert(0);
            while let Some(message) = storage.waiting.remove(&(from, *next)) {
                self.ready.push_back((from, message));
                *next += 1;
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
