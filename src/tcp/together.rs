//! Segments that leave together, as one packet that the device cuts, with [`Push::SendEnd`]: which
//! text waits for that, and which goes along.

use core::time::Duration;

use super::tcb::Tcb;
use crate::config::Push;
use crate::time::Instant;

/// What has left within less than this time has left just now.
const JUST_NOW: Duration = Duration::from_millis(1);
/// Nothing waits if this much of the window may leave: one part of three.
const WINDOW_PARTS: usize = 3;

impl Tcb {
    /// The time is `now`: whether text may wait for the next acknowledgment, so that more leaves together.
    /// Something has left just now, and the acknowledgment is due.
    pub(super) fn note_gathering(&mut self, now: Instant) {
        self.gathers = matches!(self.config.push, Push::SendEnd(_))
            && !self.boundaries.is_pushing()
            && now.since(self.last_sent) < JUST_NOW
            && self.recovery.is_answer_due(now, JUST_NOW);
    }

    /// Whether new text waits, if it may wait, though some of `queued` octets could leave. What has begun to
    /// leave together goes on, our FIN is the last that there will be, and urgent data is urgent.
    pub(super) fn waits_to_leave_together(&self, queued: usize, usable: usize) -> bool {
        let hurries = self.snd.fin.is_some() || self.snd.up.is_some();
        if hurries || self.boundaries.leaves_together() {
            return false;
        }
        let segment = self.segment_limit();
        let room = self.congestion_room().min(usable);
        let window = self.snd.wnd.min(self.send_window());
        let most = self.most_together().unwrap_or(0);
        // What ends a packet goes with nothing that follows it.
        let packet = self.left_of_burst(queued);
        let ends_packet = packet <= segment || (packet < queued && packet <= room);
        !ends_packet && room < most * segment && room < window / WINDOW_PARTS
    }

    /// Whether `len` octets of `queued` leave behind full segments because the window of the peer ends
    /// there, though they are less than a segment, and no small one is in flight: see
    /// [`SendingHabits::fills_windows`](crate::config::SendingHabits).
    pub(super) fn fills_window(&self, len: usize, queued: usize, usable: usize) -> bool {
        let options = &self.config.socket;
        len > 0
            && len == usable
            && len < queued
            && self.config.habits.sending.fills_windows
            && self.boundaries.leaves_together()
            && !(options.cork || self.parted)
            && (options.nodelay || self.snd.small <= self.snd.una)
    }
}
