//! The receiving half of a window: what has arrived and is not taken.

use std::collections::BTreeMap;

use crate::link::header::Header;

/// Messages from one process, from the next that its user takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Receiver {
    /// The number of the message that is delivered next.
    next: u64,
    /// How many from there on have arrived without a gap.
    in_order: u64,
    /// Everything that has arrived and is not delivered, by number.
    received: BTreeMap<u64, Vec<u8>>,
}

impl Receiver {
    /// Takes in a message. Returns how many more can be delivered now, in order.
    pub(super) fn on_data(&mut self, number: u64, message: &[u8], window: usize) -> usize {
        // Before the window: delivered long ago. Beyond it: the sender does not respect the window.
        let is_inside = number
            .checked_sub(self.next)
            .is_some_and(|ahead| ahead < window as u64);
        if !is_inside {
            return 0;
        }
        self.received
            .entry(number)
            .or_insert_with(|| message.to_vec());
        let before = self.in_order;
        while self.received.contains_key(&(self.next + self.in_order)) {
            self.in_order += 1;
        }
        (self.in_order - before) as usize
    }

    /// Delivers the next message, if it is there.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let message = self.received.remove(&self.next)?;
        self.next += 1;
        self.in_order -= 1;
        Some(message)
    }

    /// What has been delivered, and a bitmap of what has arrived, as far as a packet of `longest`
    /// octets has room for it.
    pub(super) fn acknowledgment(&self, longest: usize) -> Vec<u8> {
        let room = longest.saturating_sub(Header::NUMBERED);
        let mut bitmap = Vec::new();
        for number in self.received.keys() {
            let ahead = (number - self.next) as usize;
            let (octet, bit) = (ahead / 8, ahead % 8);
            if octet >= room {
                break;
            }
            bitmap.resize(octet + 1, 0);
            bitmap[octet] |= 0x80 >> bit;
        }
        Header::Acknowledgment(self.next).before(&bitmap)
    }
}
