//! Segments that bring nothing because they end at or before RCV.NXT: see
//! [`Habits::takes_recent_duplicates`](crate::config::Habits::takes_recent_duplicates).

use super::segment::Segment;
use super::state::State;
use super::tcb::{AckDue, Tcb};
use crate::time::Instant;
use crate::wire::Control;

impl Tcb {
    /// Whether the acknowledgment of an unacceptable segment counts.
    pub(super) fn takes_recent_duplicate(&self, seg: &Segment<'_>) -> bool {
        let is_new = seg
            .ack
            .is_some_and(|ack| ack > self.snd.una || seg.is_empty());
        self.is_recent_duplicate(seg) && is_new
    }

    /// In CLOSING a duplicate has acknowledged our FIN: nothing else that it brings counts, so it is not answered. The
    /// peer's FIN is, if that is still to be done.
    pub(super) fn leave_duplicate_unanswered(&mut self) {
        let has_answered = self.rcv.last_ack_sent == self.rcv.nxt;
        if self.config.habits.takes_recent_duplicates && has_answered {
            self.acks.due = AckDue::No;
            self.recv_buffer.sacks_sent();
        }
    }

    /// Whether it ends no earlier than what was last acknowledged.
    fn is_recent_duplicate(&self, seg: &Segment<'_>) -> bool {
        let is_recent = seg.end() <= self.rcv.nxt && seg.end() >= self.rcv.last_ack_sent;
        let is_open = self.state.is_synchronized() && self.state != State::TimeWait;
        let is_plain = !seg.ctl.any(Control::SYN | Control::RST);
        self.config.habits.takes_recent_duplicates && is_recent && is_open && is_plain
    }

    /// The same for a reset, which is then challenged.
    pub(super) fn is_recent_reset(&self, seg: &Segment<'_>) -> bool {
        let is_recent = seg.seq < self.rcv.nxt && seg.end() >= self.rcv.last_ack_sent;
        let is_open = self.state.is_synchronized() && self.state != State::TimeWait;
        self.config.habits.takes_recent_duplicates && is_recent && is_open && !self.ends_lightly()
    }

    /// If its acknowledgment is not wrong, its timestamp is the one to echo.
    pub(super) fn take_late_timestamp(&mut self, now: Instant, seg: &Segment<'_>) {
        let may_be_right = seg
            .ack
            .is_some_and(|ack| self.snd.una <= ack && ack <= self.snd.nxt);
        if may_be_right && self.is_recent_duplicate(seg) {
            self.take_timestamp(now, seg, seg.seq);
        }
    }
}
