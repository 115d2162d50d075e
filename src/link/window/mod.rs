//! `WindowedLink`: a perfect FIFO link in bounded memory; the step from the textbook to TCP.
//!
//! It uses a fair-loss link directly, and provides what the whole ladder provides:
//! **reliable delivery, no duplication, no creation and FIFO delivery**, as long as neither process
//! crashes. Three steps lead here, each of which removes one unbounded memory:
//!
//! | the textbook never forgets | here it can be forgotten, because |
//! |---|---|
//! | messages it has sent (`StubbornLink`) | an *acknowledgment* says that a message is delivered, so it need not be sent again |
//! | identifiers it has delivered (`PerfectLink`) | messages are numbered and delivered in order, so *one number* says "all before n": the cumulative acknowledgment |
//! | messages that came too early (`PerfectFifoLink`) | with a *window*, at most N messages are under way, so at most N can be early |
//!
//! **Why it is correct.** The sender sends the oldest unacknowledged message again
//! and again, so by fair loss it arrives. Everything before it is delivered, so it is next, and is
//! delivered. The receiver answers each arrival, so by fair loss an acknowledgment arrives, and
//! the next message becomes the oldest: reliable delivery. Only the message with the next number is delivered,
//! and that number only grows: no duplication, and FIFO delivery. No creation holds because it holds below.
//!
//! **Received is not delivered, and acknowledged means delivered.** The receiver acknowledges what
//! its user has taken. Messages that were received but not taken fill the window, and the sender
//! stops: the window is flow control, too. Each acknowledgment also carries a bitmap of what was
//! received beyond its number: bit i (bit 0 is the highest of the first octet) stands for the message i after
//! it, which the sender then does not send again. This is only a hint, like TCP's selective acknowledgment:
//! the oldest message is still sent again until it is acknowledged, or one lost
//! acknowledgment could stop the link for ever (TCP's persist timer prevents the same). And
//! a message that several later packets have overtaken counts as lost and is sent again at once.
//!
//! **Bounds.** At most N messages to and from each process, and a limited number of processes. Everything else is
//! a few numbers.
//!
//! **What TCP adds**: octets instead of messages; sequence numbers of 32 bits, which wrap around; a
//! handshake that agrees on where they start, so that a crash is noticed (this
//! link mistakes the messages of a sender that starts again at 0 for duplicates); timeouts from the
//! measured round-trip time; congestion control; and an end of the stream.

mod config;
mod receiver;
mod sender;

use std::collections::{BTreeMap, VecDeque};

use super::header::Header;
use super::interface::{Link, Parcel, SendError, earlier, fits};
use crate::time::Instant;
pub use config::WindowConfig;
use receiver::Receiver;
use sender::Sender;

/// Delivers every message once and in order, with a window of N messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WindowedLink<L: Link> {
    below: L,
    config: WindowConfig,
    peers: BTreeMap<L::Address, Peer>,
    /// The senders of the next messages to deliver.
    ready: VecDeque<L::Address>,
    /// The processes to which an acknowledgment is due.
    owed: VecDeque<L::Address>,
}

/// The state kept for another process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct Peer {
    sender: Sender,
    receiver: Receiver,
    is_owed: bool,
}

impl<L: Link> WindowedLink<L> {
    /// A windowed link over a fair-loss link.
    pub fn new(below: L, config: WindowConfig) -> WindowedLink<L> {
        WindowedLink {
            below,
            config,
            peers: BTreeMap::new(),
            ready: VecDeque::new(),
            owed: VecDeque::new(),
        }
    }

    /// How many more messages to `to` fit into the window.
    pub fn room(&self, to: L::Address) -> usize {
        let in_flight = self
            .peers
            .get(&to)
            .map_or(0, |peer| peer.sender.in_flight());
        self.config.window - in_flight
    }

    /// The state kept for a process, which is created if there is room.
    fn peer<'a>(
        peers: &'a mut BTreeMap<L::Address, Peer>,
        config: &WindowConfig,
        address: L::Address,
    ) -> Option<&'a mut Peer> {
        if peers.len() >= config.peers && !peers.contains_key(&address) {
            return None;
        }
        Some(peers.entry(address).or_default())
    }

    fn owe(&mut self, to: L::Address) {
        if let Some(peer) = self.peers.get_mut(&to)
            && !peer.is_owed
        {
            peer.is_owed = true;
            self.owed.push_back(to);
        }
    }

    /// A message has arrived. It is delivered when its turn comes, and always acknowledged, because an earlier
    /// acknowledgment may have been lost.
    fn on_data(&mut self, from: L::Address, number: u64, message: &[u8]) {
        let Some(peer) = Self::peer(&mut self.peers, &self.config, from) else {
            return;
        };
        let in_order = peer.receiver.on_data(number, message, self.config.window);
        self.ready.extend((0..in_order).map(|_| from));
        self.owe(from);
    }
}

impl<L: Link> Link for WindowedLink<L> {
    type Address = L::Address;

    fn longest(&self) -> usize {
        self.below.longest().saturating_sub(Header::NUMBERED)
    }

    fn send(&mut self, now: Instant, to: L::Address, message: &[u8]) -> Result<(), SendError> {
        fits(message.len(), self.longest())?;
        if self.room(to) == 0 {
            return Err(SendError::Full);
        }
        let peer = Self::peer(&mut self.peers, &self.config, to).ok_or(SendError::TooManyPeers)?;
        let packet = peer.sender.push(now, message.to_vec(), &self.config);
        // What the link below does not take now counts as lost, and is sent again.
        let _ = self.below.send(now, to, &packet);
        Ok(())
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
        while let Some((from, packet)) = self.below.poll_deliver() {
            match Header::parse(&packet) {
                Ok((Header::Data(number), message)) => self.on_data(from, number, message),
                Ok((Header::Acknowledgment(next), bitmap)) => {
                    if let Some(peer) = self.peers.get_mut(&from) {
                        peer.sender.on_acknowledgment(next, bitmap, &self.config);
                    }
                }
                _ => {}
            }
        }
    }

    /// Delivers a message. This moves the window, which the next acknowledgment tells the sender.
    fn poll_deliver(&mut self) -> Option<Parcel<L::Address>> {
        let from = self.ready.pop_front()?;
        let message = self.peers.get_mut(&from)?.receiver.take()?;
        self.owe(from);
        Some((from, message))
    }

    /// One acknowledgment for all that has arrived and was taken since the last.
    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<L::Address>> {
        while let Some(to) = self.owed.pop_front() {
            if let Some(peer) = self.peers.get_mut(&to) {
                peer.is_owed = false;
                let longest = self.below.longest();
                let packet = peer.receiver.acknowledgment(longest);
                // If the link below does not take it, it counts as lost: the sender asks again.
                let _ = self.below.send(now, to, &packet);
            }
        }
        self.below.poll_transmit(now)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let own = self
            .peers
            .values()
            .filter_map(|peer| peer.sender.deadline());
        earlier(own.min(), self.below.next_deadline())
    }

    fn handle_timeouts(&mut self, now: Instant) {
        self.below.handle_timeouts(now);
        for (to, peer) in &mut self.peers {
            for packet in peer.sender.resend(now, &self.config) {
                let _ = self.below.send(now, *to, &packet);
            }
        }
    }
}

#[cfg(test)]
mod tests;
