//! The sending half of a window: what was sent and is not acknowledged.

use std::collections::VecDeque;

use super::WindowConfig;
use crate::link::header::Header;
use crate::time::Instant;

/// Messages to one process, from the oldest that is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Sender {
    /// The number of the first message in `flights` (TCP: SND.UNA).
    unacknowledged: u64,
    flights: VecDeque<Flight>,
}

/// A message that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flight {
    message: Vec<u8>,
    /// When it is sent again.
    deadline: Instant,
    /// How often that was.
    resent: u32,
    /// It has arrived out of order, says the receiver.
    is_received: bool,
}

impl Sender {
    /// How many messages are not acknowledged.
    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Numbers a message; its packet.
    pub(super) fn push(&mut self, message: Vec<u8>, deadline: Instant) -> Vec<u8> {
        let number = self.unacknowledged + self.flights.len() as u64;
        let packet = Header::Data(number).before(&message);
        self.flights.push_back(Flight {
            message,
            deadline,
            resent: 0,
            is_received: false,
        });
        packet
    }

    /// All before `next` are delivered, and those that the bitmap names received. What was never
    /// sent is not acknowledged by anybody who speaks the truth, and an old acknowledgment says
    /// nothing new: neither does anything.
    pub(super) fn on_acknowledgment(&mut self, next: u64, bitmap: &[u8]) {
        let Some(delivered) = next.checked_sub(self.unacknowledged) else {
            return;
        };
        let Ok(delivered) = usize::try_from(delivered) else {
            return;
        };
        if delivered > self.flights.len() {
            return;
        }
        self.flights.drain(..delivered);
        self.unacknowledged = next;
        let bits = bitmap
            .iter()
            .flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0));
        for (flight, is_received) in self.flights.iter_mut().zip(bits) {
            flight.is_received |= is_received;
        }
    }

    /// When the next message is due to be sent again. The oldest always is, whatever the bitmap
    /// said: the acknowledgment that it waits for may be lost.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let due = self.flights.iter().enumerate();
        let due = due.filter(|(place, flight)| *place == 0 || !flight.is_received);
        due.map(|(_, flight)| flight.deadline).min()
    }

    /// The packets of the messages that are due again.
    pub(super) fn resend(&mut self, now: Instant, config: &WindowConfig) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for (place, flight) in self.flights.iter_mut().enumerate() {
            let is_wanted = place == 0 || !flight.is_received;
            if is_wanted && flight.deadline <= now {
                // A factor that fits, whatever the configuration says.
                let doublings = flight.resent.min(config.doublings).min(20);
                flight.deadline = now + config.period * (1 << doublings);
                flight.resent = (flight.resent + 1).min(config.doublings);
                let number = self.unacknowledged + place as u64;
                packets.push(Header::Data(number).before(&flight.message));
            }
        }
        packets
    }
}
