//! How the window grows with what arrives: what the segments are like, and what is added to the threshold
//! for them.

use super::{Arrival, FIRST_SEGMENTS, Packet, ReceiveMemory};

/// Shorter text does not make the window grow.
pub(super) const LEAST_GROWTH: usize = 128;

impl ReceiveMemory {
    /// Measures how long segments are, and how much of their memory is text.
    pub(super) fn measure(&mut self, arrival: &Arrival) {
        let len = arrival.mss.min(arrival.packet.len());
        let before = core::mem::take(&mut self.shorter);
        if len >= self.segment {
            if len > self.segment {
                let share = (arrival.packet.len() << 8) / arrival.packet.memory;
                let changes = core::mem::replace(&mut self.ratio, share.clamp(1, 255));
                if changes != self.ratio {
                    self.set_clamp(self.text_in(self.limit), arrival.told);
                    self.rounds.expect_at_most(self.clamp);
                }
            }
            self.segment = len.min(self.own_segment);
            return;
        }
        let whole = len + arrival.options;
        if whole >= FIRST_SEGMENTS.end || (whole >= FIRST_SEGMENTS.start && !arrival.is_pushed) {
            self.shorter = len;
            if before == len {
                self.segment = len;
            }
        }
    }

    /// Lets the threshold grow with a packet like this, as long as there is room.
    pub(super) fn grow(&mut self, packet: &Packet) {
        let most = self.clamp.min(self.free());
        let room = most.saturating_sub(self.threshold);
        let by = match self.text_in(packet.memory) <= packet.len() {
            true => 2 * self.own_segment,
            false => self.growth(packet),
        };
        if room > 0 && by > 0 {
            self.threshold += room.min(by.max(2 * packet.len()));
            self.has_grown = true;
        }
    }

    /// By how much it grows with packets that take an unusual amount of memory: the smaller the
    /// threshold still is, the more they may waste.
    fn growth(&self, packet: &Packet) -> usize {
        let mut memory = self.text_in(packet.memory) / 2;
        let mut most = self.text_in(self.largest) / 2;
        while self.threshold <= most {
            if memory <= packet.len() {
                return 2 * self.segment;
            }
            (memory, most) = (memory / 2, most / 2);
        }
        0
    }
}
