//! How much SEND takes if the send buffer is counted in packets, as in Linux: see
//! [`SendRoom::Packets`](crate::config::SendRoom).

use super::boundaries::LARGEST_BURST;
use super::buffers::LARGEST;
use super::tcb::Tcb;
use crate::config::SendRoom;

/// What a packet takes in memory beside its text, in octets: Linux's buffer of headers, and what describes
/// it, on a machine of 64 bits.
const BESIDE_TEXT: usize = 832;
/// No user may ask for less memory.
const LEAST: usize = 4_608;
/// A window has so many segments at least when memory is reckoned by it.
const LEAST_SEGMENTS: usize = 10;
/// What a buffer has room for beside the text of a full segment, before it and behind it, and what describes it.
const AROUND_TEXT: usize = 256 + 320;
const DESCRIPTION: usize = 256;

impl Tcb {
    /// Whether packets count.
    pub(super) fn counts_packets(&self) -> bool {
        self.config.habits.send_room == SendRoom::Packets
    }

    /// How much memory packets may take. What was asked for counts twice: once for text, once for what is
    /// beside it.
    fn memory_for_packets(&self) -> usize {
        match self.config.socket.send_buffer {
            Some(asked) => (2 * asked.min(LARGEST)).max(LEAST),
            None => self.send_buffer.capacity(),
        }
    }

    /// What the packets of two windows of so many octets take, were each of them full.
    pub(super) fn memory_of_two_windows(&self, window: usize) -> usize {
        let packet = (self.snd.mss + AROUND_TEXT).next_power_of_two() + DESCRIPTION;
        (2 * packet).saturating_mul((window / self.snd.mss).max(LEAST_SEGMENTS))
    }

    /// The most octets that the send buffer holds. Where packets count, the last that memory is left for may
    /// be a whole one, and the one that waits is filled up.
    pub(super) fn most_to_send(&self) -> usize {
        let capacity = self.send_buffer.capacity();
        match self.counts_packets() {
            true => capacity.max(self.memory_for_packets()) + 2 * LARGEST_BURST,
            false => capacity,
        }
    }

    /// Of how many octets packets are that wait, and those that leave: segments if the text is urgent.
    fn sizes_of_packets(&self, is_urgent: bool) -> (usize, usize) {
        match is_urgent {
            true => (self.segment_limit(), self.segment_limit()),
            false => {
                let together = self.snd.mss * self.most_together().unwrap_or(1);
                (self.largest_burst(), together)
            }
        }
    }

    /// How much memory the packets take that are not acknowledged, and those that wait. Where there is no
    /// text, there is none.
    fn memory_of_packets(&self) -> usize {
        if self.send_buffer.len() == 0 {
            return 0;
        }
        let unsent = self.unsent();
        let tells = self.snd.up.is_some_and(|up| up > self.snd.nxt);
        let (whole, together) = self.sizes_of_packets(tells);
        let leave = self.may_leave().min(unsent);
        let waiting = leave.div_ceil(together) + (unsent - leave).div_ceil(whole);
        self.send_buffer.len() + BESIDE_TEXT * (self.boundaries.groups() + waiting)
    }

    /// How many octets SEND takes: it fills the last packet that waits, and begins others while there is
    /// memory, and less waits than the user wants to. Each that is full leaves as far as the windows go. Of urgent text
    /// each segment is a packet.
    pub(super) fn room_in_packets(&self, is_urgent: bool) -> usize {
        let (whole, together) = self.sizes_of_packets(is_urgent);
        let most_unsent = self.config.socket.unsent_low_water.unwrap_or(usize::MAX);
        let (mut may_leave, mut unsent) = (self.may_leave(), self.unsent());
        let (mut memory, most) = (self.memory_of_packets(), self.memory_for_packets());
        // What fills segments counts as gone, for it goes before anything else is given.
        let gone = may_leave.min(unsent) / self.snd.mss * self.snd.mss;
        (may_leave, unsent) = (may_leave - gone, unsent - gone);
        let mut last = self.last_burst(unsent);
        let mut room = 0;
        loop {
            if last == 0 || last >= whole {
                if may_leave == 0 || memory >= most || unsent >= most_unsent {
                    break;
                }
                memory += BESIDE_TEXT;
                last = 0;
            }
            room += whole - last;
            memory += whole - last;
            unsent += whole - last;
            let leaves = may_leave.min(unsent);
            may_leave -= leaves;
            unsent -= leaves;
            memory += leaves / together * BESIDE_TEXT;
            last = whole.min(unsent);
        }
        // What follows waits.
        let by_memory = most.saturating_sub(memory).div_ceil(whole + BESIDE_TEXT);
        let by_wish = most_unsent.saturating_sub(unsent).div_ceil(whole);
        room.saturating_add(by_memory.min(by_wish).saturating_mul(whole))
    }

    /// Whether a third of the memory is free, and what waits is less than half of what the user wants to.
    pub(super) fn packets_leave_room(&self) -> bool {
        let most_unsent = self.config.socket.unsent_low_water.unwrap_or(usize::MAX);
        let memory = self.memory_of_packets();
        let most = self.memory_for_packets();
        memory < most
            && memory / 2 <= most - memory
            && self.unsent().saturating_mul(2) < most_unsent
    }
}
