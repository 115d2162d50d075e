//! `FairLossLink`, the bottom of the ladder: what the network promises, and nothing else.
//!
//! * **Fair loss** (FLL1). If a correct process sends a message to a correct process infinitely often, it is
//!   delivered infinitely often.
//! * **Finite duplication** (FLL2). If a message is sent a finite number of times, it is not delivered
//!   infinitely often.
//! * **No creation** (FLL3). If a message is delivered, it was sent before.
//!
//! It has these properties because the network below has them: a [`Device`](super::Device), or UDP on top of
//! one, whose checksum detects packets that the wire has changed. The link itself adds nothing: a message is a
//! packet. If its user does not take what arrives, packets are lost, as in any full queue on the way.

use std::collections::VecDeque;

use super::interface::{Address, Link, Parcel, SendError, fits};
use crate::time::Instant;

/// How many packets may wait to be delivered; one that finds no room is lost.
const INBOX: usize = 1024;

/// A fair-loss link: each message is one packet of an unreliable network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FairLossLink<A> {
    longest: usize,
    outbox: VecDeque<Parcel<A>>,
    inbox: VecDeque<Parcel<A>>,
}

impl<A: Address> FairLossLink<A> {
    /// A link over a network whose packets have at most `longest` octets. For UDP: the MTU less the
    /// headers, 1472 for IPv4 and 1452 for IPv6 over Ethernet.
    pub fn new(longest: usize) -> FairLossLink<A> {
        FairLossLink {
            longest,
            outbox: VecDeque::new(),
            inbox: VecDeque::new(),
        }
    }
}

impl<A: Address> Link for FairLossLink<A> {
    type Address = A;

    fn longest(&self) -> usize {
        self.longest
    }

    fn send(&mut self, _now: Instant, to: A, message: &[u8]) -> Result<(), SendError> {
        fits(message.len(), self.longest)?;
        self.outbox.push_back((to, message.to_vec()));
        Ok(())
    }

    fn poll_deliver(&mut self) -> Option<Parcel<A>> {
        self.inbox.pop_front()
    }

    fn receive(&mut self, _now: Instant, from: A, packet: &[u8]) {
        if self.inbox.len() < INBOX {
            self.inbox.push_back((from, packet.to_vec()));
        }
    }

    fn poll_transmit(&mut self, _now: Instant) -> Option<Parcel<A>> {
        self.outbox.pop_front()
    }

    fn next_deadline(&self) -> Option<Instant> {
        None
    }

    fn handle_timeouts(&mut self, _now: Instant) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_finds_no_room_is_lost() {
        let mut link = FairLossLink::new(8);
        for _ in 0..=INBOX {
            link.receive(Instant::ZERO, 1u8, b"x");
        }
        let delivered = core::iter::from_fn(|| link.poll_deliver()).count();
        assert_eq!(delivered, INBOX);
    }

    #[test]
    fn a_message_that_is_too_long_is_refused() {
        let mut link = FairLossLink::new(2);
        assert_eq!(link.send(Instant::ZERO, 1u8, b"ab"), Ok(()));
        let refused = link.send(Instant::ZERO, 1, b"abc");
        let reason = SendError::TooLong {
            length: 3,
            longest: 2,
        };
        assert_eq!(refused, Err(reason));
    }
}
