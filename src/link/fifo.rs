//! `PerfectFifoLink`: delivers every message once, and in the order in which they were sent.
//!
//! Below: a perfect link. Here the same three promises, and
//!
//! * **FIFO delivery.** Messages from one process are numbered as they are sent, and the one with
//!   number n is delivered only when all before it are. What comes earlier waits.
//!
//! **Reliable delivery** remains: all messages with smaller numbers were sent, so they are
//! delivered below in the end, and nothing waits for ever. **No duplication**: below, a message is
//! delivered once, so a number comes once. **No creation**: what is delivered here was delivered
//! below.
//!
//! The algorithm is the book's "sequence number". What waits has no bound: it
//! is all that was sent behind the message that is missing. [`WindowedLink`](super::WindowedLink)
//! bounds it.

use std::collections::{BTreeMap, VecDeque};

use super::header::Header;
use super::interface::{Link, Parcel, SendError, fits};
use crate::time::Instant;

/// Delivers every message once and in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PerfectFifoLink<L: Link> {
    below: L,
    /// The number of the next message to each process.
    next_to: BTreeMap<L::Address, u64>,
    /// The number of the message from each process that is to be delivered next.
    next_from: BTreeMap<L::Address, u64>,
    /// Received, and not yet next.
    waiting: BTreeMap<(L::Address, u64), Vec<u8>>,
    ready: VecDeque<Parcel<L::Address>>,
}

impl<L: Link> PerfectFifoLink<L> {
    /// A perfect FIFO link over a perfect link.
    pub fn new(below: L) -> PerfectFifoLink<L> {
        PerfectFifoLink {
            below,
            next_to: BTreeMap::new(),
            next_from: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }
}

impl<L: Link> Link for PerfectFifoLink<L> {
    type Address = L::Address;

    fn longest(&self) -> usize {
        self.below.longest().saturating_sub(Header::NUMBERED)
    }

    fn send(&mut self, now: Instant, to: L::Address, message: &[u8]) -> Result<(), SendError> {
        fits(message.len(), self.longest())?;
        let number = self.next_to.get(&to).copied().unwrap_or(0);
        let packet = Header::Ordered(number).before(message);
        self.below.send(now, to, &packet)?;
        self.next_to.insert(to, number + 1);
        Ok(())
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
        while let Some((from, packet)) = self.below.poll_deliver() {
            let Ok((Header::Ordered(number), message)) = Header::parse(&packet) else {
                continue;
            };
            self.waiting.insert((from, number), message.to_vec());
            let next = self.next_from.entry(from).or_insert(0);
            while let Some(message) = self.waiting.remove(&(from, *next)) {
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
