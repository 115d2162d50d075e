//! How much SEND takes if the send buffer is counted in packets, as in Linux: see
//! [`SendRoom::Packets`](crate::config::SendRoom).

use super::buffers::LARGEST;
use super::packets::{BESIDE_TEXT, Packets};
use super::tcb::Tcb;
use super::together::LARGEST_BURST;
use crate::config::SendRoom;

/// The least memory for which a user may ask.
const LEAST: usize = 4_608;
/// The least number of segments in a window from which memory is computed.
const LEAST_SEGMENTS: usize = 10;
/// The room in a buffer before and behind the text of a full segment, and the descriptor.
const AROUND_TEXT: usize = 256 + 320;
const DESCRIPTION: usize = 256;

impl Tcb {
    /// Whether packets count.
    pub(super) fn counts_packets(&self) -> bool {
        self.config.habits.send_room == SendRoom::Packets
    }

    /// How much memory packets may take. What was asked for counts twice: once for text, once for
    /// overhead.
    pub(super) fn memory_for_packets(&self) -> usize {
        match self.config.socket.send_buffer {
            Some(asked) => (2 * asked.min(LARGEST)).max(LEAST),
            None => self.send_buffer.capacity(),
        }
    }

    /// The memory of the packets of two windows of this many octets, if each were a segment of the longest
    /// that the peer accepts.
    pub(super) fn memory_of_two_windows(&self, window: usize) -> usize {
        let mss = self.snd.peer_mss.min(self.config.mss.unwrap_or(u16::MAX));
        let longest = self.snd.mss.max(usize::from(mss));
        let packet = (longest + AROUND_TEXT).next_power_of_two() + DESCRIPTION;
        (2 * packet).saturating_mul((window / self.snd.mss).max(LEAST_SEGMENTS))
    }

    /// The most octets that the send buffer holds. If packets count, the last one for which there is any
    /// memory may be a whole one, and the waiting one is filled up.
    pub(super) fn most_to_send(&self) -> usize {
        let capacity = self.send_buffer.capacity();
        match self.counts_packets() {
            true => capacity.max(self.memory_for_packets()) + 2 * LARGEST_BURST,
            false => capacity,
        }
    }

    /// The memory of unacknowledged and waiting packets. Without text, there is none.
    pub(super) fn memory_of_packets(&self) -> usize {
        match self.send_buffer.len() {
            0 => 0,
            text => text + BESIDE_TEXT * self.boundaries.packets().map_or(0, Packets::count),
        }
    }

    /// Whether a third of the memory is free, and less than half of the low-water mark waits.
    pub(super) fn packets_leave_room(&self) -> bool {
        let most_unsent = self.config.socket.unsent_low_water.unwrap_or(usize::MAX);
        let memory = self.memory_of_packets();
        let most = self.memory_for_packets();
        memory < most
            && memory / 2 <= most - memory
            && self.unsent().saturating_mul(2) < most_unsent
    }
}
