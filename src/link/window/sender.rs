//! The sending half of a window: what was sent and is not acknowledged.

use std::collections::VecDeque;

use super::config::WindowConfig;
use crate::link::header::Header;
use crate::time::Instant;

/// Messages to one process, from the oldest that is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Sender {
    /// The number of the first message in `flights` (TCP: SND.UNA).
    unacknowledged: u64,
    flights: VecDeque<Flight>,
    /// How many packets were sent, copies included. Stays 0 if losses are not detected by
    /// reordering.
    departures: u64,
}

/// A message that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flight {
    message: Vec<u8>,
    /// When it will be sent again.
    deadline: Instant,
    /// How often it was sent again.
    resent: u32,
    /// The receiver has reported that it arrived out of order.
    is_received: bool,
    /// How many packets were sent before it was sent last.
    departure: u64,
    /// Enough packets that were sent after it have arrived.
    is_lost: bool,
}

impl Flight {
    /// The oldest is always wanted, whatever the bitmap said: the acknowledgment that it waits for
    /// may be lost.
    fn is_wanted(&self, place: usize) -> bool {
        place == 0 || !self.is_received
    }
}

impl Sender {
    /// How many messages are not acknowledged.
    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Numbers a message, and returns its packet.
    pub(super) fn push(
        &mut self,
        now: Instant,
        message: Vec<u8>,
        config: &WindowConfig,
    ) -> Vec<u8> {
        let number = self.unacknowledged + self.flights.len() as u64;
        let packet = Header::Data(number).before(&message);
        self.flights.push_back(Flight {
            message,
            deadline: now + config.period,
            resent: 0,
            is_received: false,
            departure: self.departures,
            is_lost: false,
        });
        self.departures += u64::from(config.reordering.is_some());
        packet
    }

    /// Processes an acknowledgment: all messages before `next` are delivered, and those in the bitmap are
    /// received. An acknowledgment of something that was never sent is false, and an old one says nothing
    /// new: both are ignored.
    pub(super) fn on_acknowledgment(&mut self, next: u64, bitmap: &[u8], config: &WindowConfig) {
        let Some(delivered) = next.checked_sub(self.unacknowledged) else {
            return;
        };
        if delivered > self.flights.len() as u64 {
            return;
        }
        let arrived = self.flights.drain(..delivered as usize);
        let mut newest = arrived.map(|flight| flight.departure).max();
        self.unacknowledged = next;
        let bits = bitmap
            .iter()
            .flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0));
        for (flight, is_received) in self.flights.iter_mut().zip(bits) {
            if is_received && !flight.is_received {
                flight.is_received = true;
                newest = newest.max(Some(flight.departure));
            }
        }
        if let (Some(reordering), Some(newest)) = (config.reordering, newest) {
            for flight in &mut self.flights {
                flight.is_lost |= !flight.is_received && flight.departure + reordering < newest;
            }
        }
    }

    /// When the next message is due to be sent again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let flights = self.flights.iter().enumerate();
        let wanted = flights.filter(|(place, flight)| flight.is_wanted(*place));
        let due = wanted.map(|(_, flight)| match flight.is_lost {
            true => Instant::ZERO,
            false => flight.deadline,
        });
        due.min()
    }

    /// The packets of the messages that are due again.
    pub(super) fn resend(&mut self, now: Instant, config: &WindowConfig) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for (place, flight) in self.flights.iter_mut().enumerate() {
            let is_due = flight.is_lost || flight.deadline <= now;
            if !is_due || !flight.is_wanted(place) {
                continue;
            }
            // The bound keeps the factor in range, whatever the configuration says.
            flight.deadline = now + config.period * (1 << flight.resent.min(20));
            // A message that others have overtaken was lost, not slow, so its period does not
            // double.
            if !flight.is_lost {
                flight.resent = (flight.resent + 1).min(config.doublings);
            }
            flight.is_lost = false;
            flight.departure = self.departures;
            self.departures += u64::from(config.reordering.is_some());
            let number = self.unacknowledged + place as u64;
            packets.push(Header::Data(number).before(&flight.message));
        }
        packets
    }
}
