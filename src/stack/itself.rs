//! What this host sends to itself (RFC 1122 §3.2.1.3 has the word for it: loopback): connections
//! between two of its ports, or of a port with itself. Their segments do not go out; they come back.
//!
//! What arrives from outside is never believed to be from here: see `dispatch`.

use std::collections::VecDeque;

use super::{Sender, Stack};
use crate::time::Instant;
use crate::wire::{self, Arrived, Checksum, Offload, Payload, ip};

/// Resets that wait; what comes on top is lost, as if a path had lost it.
const MOST: usize = 64;

/// What this host has to say to itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Itself {
    /// It has opened such a connection, so somebody may have to look.
    talks: bool,
    /// Resets, and nothing else: connections keep what they have to send.
    replies: VecDeque<Vec<u8>>,
}

impl Itself {
    /// It opens such a connection.
    pub(super) fn begin(&mut self) {
        self.talks = true;
    }

    /// Whether it has opened one, ever.
    #[inline]
    pub(super) fn talks(&self) -> bool {
        self.talks
    }
}

impl Stack {
    /// A reply that is for this host itself is kept; any other is given back.
    pub(super) fn keep_own(&mut self, datagram: Vec<u8>) -> Option<Vec<u8>> {
        let is_own = self.itself.talks
            && ip::destination(&datagram).is_some_and(|destination| self.is_own(destination));
        if !is_own {
            return Some(datagram);
        }
        if self.itself.replies.len() < MOST {
            self.itself.replies.push_back(datagram);
        }
        None
    }

    /// All that this host has to say to itself now arrives, and what follows from it, too. That ends:
    /// windows fill up, and what is no text is answered at most so often.
    pub(super) fn talk_to_itself(&mut self, now: Instant) {
        while let Some(datagram) = self.departs_to_itself(now) {
            let Ok(parsed) = wire::parse_as(&datagram, Checksum::Verified) else {
                continue;
            };
            if let Payload::Tcp(ref header, text) = parsed.payload {
                let arrived = Arrived::from(&*datagram).part(text);
                self.tcp_arrives(now, &parsed.ip, header, arrived, text.len());
            }
        }
    }

    /// What leaves next, of all that is for this host itself.
    fn departs_to_itself(&mut self, now: Instant) -> Option<Vec<u8>> {
        if let Some(reply) = self.itself.replies.pop_front() {
            return Some(reply);
        }
        let own: Vec<u32> = self
            .sending
            .iter()
            .filter_map(|sender| match *sender {
                Sender::Connection(slot) => Some(slot),
                Sender::Udp(_) => None,
            })
            .filter(|slot| {
                let entry = self.table.at(*slot);
                entry.is_some_and(|entry| self.is_own(entry.tcb.tuple().remote.ip()))
            })
            .collect();
        for slot in own {
            let entry = self.table.at_mut(slot)?;
            if let Some(departure) = entry.tcb.depart(now, 0) {
                let packet = self.segment(now, slot, departure, Offload::NONE)?;
                return Some(packet.to_vec());
            }
        }
        None
    }
}
