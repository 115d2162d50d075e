//! `StubbornLink`: sends everything again, for ever.
//!
//! It uses a fair-loss link (FLL1–3) and provides:
//!
//! * **Stubborn delivery** (SL1). If a correct process sends a message to a correct process once, it is
//!   delivered infinitely often. *Because* it is sent infinitely often below, once per period; by FLL1 it
//!   is delivered infinitely often there, and each time here.
//! * **No creation** (SL2). If a message is delivered, it was sent before. *Because* it was delivered below, so
//!   by FLL3 it was sent below, and only messages that were sent here are sent below.
//!
//! The algorithm is the book's "retransmit forever" (2.1). It remembers every message for ever and
//! sends more with every message: it is a definition rather than a design.
//! [`WindowedLink`](super::WindowedLink) is the practical version.

use super::interface::{Link, Parcel, SendError, earlier};
use crate::time::{Duration, Instant};

/// Sends everything again, once every period.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StubbornLink<L: Link> {
    below: L,
    period: Duration,
    sent: Vec<Parcel<L::Address>>,
    deadline: Option<Instant>,
}

impl<L: Link> StubbornLink<L> {
    /// A stubborn link over a fair-loss link.
    pub fn new(below: L, period: Duration) -> StubbornLink<L> {
        StubbornLink {
            below,
            period,
            sent: Vec::new(),
            deadline: None,
        }
    }
}

impl<L: Link> Link for StubbornLink<L> {
    type Address = L::Address;

    fn longest(&self) -> usize {
        self.below.longest()
    }

    fn send(&mut self, now: Instant, to: L::Address, message: &[u8]) -> Result<(), SendError> {
        self.below.send(now, to, message)?;
        self.sent.push((to, message.to_vec()));
        self.deadline.get_or_insert(now + self.period);
        Ok(())
    }

    fn poll_deliver(&mut self) -> Option<Parcel<L::Address>> {
        self.below.poll_deliver()
    }

    fn handle_timeouts(&mut self, now: Instant) {
        self.below.handle_timeouts(now);
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            for (to, message) in &self.sent {
                // What the link below does not accept now counts as lost: it is sent again.
                let _ = self.below.send(now, *to, message);
            }
            self.deadline = Some(now + self.period);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        earlier(self.deadline, self.below.next_deadline())
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<L::Address>> {
        self.below.poll_transmit(now)
    }
}
