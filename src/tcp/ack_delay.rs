//! How long an acknowledgment is delayed: see
//! [`AckWaits::follow_intervals`](crate::config::AckWaits::follow_intervals).

use core::time::Duration;

use super::held_sacks::HeldSacks;
use super::seq::Seq;
use super::tcb::{AckDue, Acks, QUICK_ACKS, Tcb};
use super::timers::Timer;
use crate::config::AckWaits;
use crate::time::Instant;

/// No acknowledgment waits longer (RFC 9293 MUST-58).
const MOST: Duration = Duration::from_millis(500);
/// The longest wait if the sender of the text has no more for now, or while the user answers.
const MOST_OF_END: Duration = Duration::from_millis(200);

/// How acknowledgments wait, for those of [`AckWaits`] that depend on what came before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AckTiming {
    /// With [`AckWaits::follow_intervals`]: how long the next acknowledgment waits, before bounds
    /// apply.
    pub(super) wait: Duration,
    /// With [`AckWaits::hold_fin_after_text`]: the last text was acknowledged at once only because
    /// acknowledgments hurry.
    pub(super) hurries: bool,
    /// With [`AckWaits::answers`] above 1: how often the user has answered since an acknowledgment waited in vain.
    pub(super) answers: u32,
    /// With [`AckWaits::hold_sacks`]: the acknowledgments of text beyond a gap that wait for
    /// others.
    pub(super) held: HeldSacks,
}

impl AckTiming {
    /// `None` if no setting needs it.
    pub(super) fn of(waits: &AckWaits, rcv_nxt: Seq) -> Option<Box<AckTiming>> {
        let is_needed = waits.follow_intervals
            || waits.hold_fin_after_text
            || waits.hold_sacks.is_some()
            || waits.answers > 1;
        is_needed.then(|| {
            Box::new(AckTiming {
                wait: Duration::ZERO,
                hurries: false,
                answers: 0,
                held: HeldSacks::new(rcv_nxt),
            })
        })
    }

    /// An acknowledgment leaves.
    pub(super) fn on_acknowledged(&mut self) {
        self.held.waiting = 0;
        self.hurries = false;
    }
}

impl Acks {
    /// How long the next acknowledgment waits, before bounds apply.
    fn wait(&self) -> Duration {
        self.timing.as_ref().map_or(Duration::ZERO, |it| it.wait)
    }

    /// The user has answered what came. Once that has happened `enough` times, acknowledgments wait for
    /// answers.
    pub(super) fn on_answer(&mut self, enough: u32) {
        if enough > 1
            && let Some(timing) = &mut self.timing
        {
            timing.answers = timing.answers.saturating_add(1);
            self.answering |= timing.answers >= enough;
        } else {
            self.answering = true;
        }
    }

    /// From now on, acknowledgments do not wait for answers.
    pub(super) fn expect_no_answer(&mut self) {
        self.answering = false;
        if let Some(timing) = &mut self.timing {
            timing.answers = 0;
        }
    }

    /// Whether acknowledgments of text beyond a gap wait for others.
    pub(super) fn are_held(&self) -> bool {
        self.timing.as_ref().is_some_and(|it| it.held.waiting > 0)
    }

    /// Whether the last text was acknowledged at once only because acknowledgments hurry.
    pub(super) fn hurries(&self) -> bool {
        self.timing.as_ref().is_some_and(|it| it.hurries)
    }
}

impl Tcb {
    /// How long an acknowledgment may wait.
    #[inline]
    pub(super) fn ack_delay(&self) -> Duration {
        let least = self.config.delayed_ack.unwrap_or_default();
        match &self.acks.timing {
            Some(timing) if timing.wait > least => self.bounded_wait(least),
            _ => least,
        }
    }

    #[inline(never)]
    fn bounded_wait(&self, least: Duration) -> Duration {
        let most = match self.acks.answering || self.acks.ends > 0 {
            true => MOST_OF_END,
            false => MOST,
        };
        let round = self.recovery.rtt.srtt().unwrap_or(MOST).max(least);
        self.acks.wait().min(most).min(round)
    }

    /// The acknowledgment of the peer's SYN,ACK waits for text: see
    /// [`SocketOptions::holds_handshake_ack`](crate::config::SocketOptions::holds_handshake_ack).
    pub(super) fn hold_handshake_ack(&mut self, now: Instant) {
        self.acks.due = AckDue::Delayed;
        // Text that is sent soon counts as an answer.
        self.acks.received = Some(now);
        self.timers.arm(Timer::DelayedAck, now + MOST_OF_END);
        self.hurry_acks(QUICK_ACKS);
    }

    /// A segment without text ends the wait of the acknowledgment of the SYN,ACK, unless it is what header
    /// prediction expects of a peer that does not scale its window.
    #[inline(never)]
    pub(super) fn end_hold_of_handshake_ack(&mut self, wnd: usize) {
        let is_held = self.config.socket.holds_handshake_ack
            && self.rcv.irs.is_some_and(|irs| self.rcv.nxt == irs + 1);
        if is_held && (self.agreed.window_scale.is_some() || wnd != self.snd.wnd) {
            self.acks.due = AckDue::Now;
        }
    }

    /// How long the next acknowledgment waits, as STATUS reports it: with [`AckWaits::follow_intervals`] as
    /// computed from arrivals, and zero before there is any.
    pub(super) fn ack_delay_told(&self) -> Duration {
        match self.config.ack_waits.follow_intervals {
            true => self.acks.wait(),
            false => self.answer_delay(),
        }
    }

    /// Text sent within this time after an arrival counts as an answer to it.
    pub(super) fn answer_delay(&self) -> Duration {
        let least = self.config.delayed_ack.unwrap_or_default();
        self.acks.wait().max(least)
    }

    /// Text has come in order, and before that at `before`: see
    /// [`AckWaits::follow_intervals`](crate::config::AckWaits::follow_intervals).
    #[inline(never)]
    pub(super) fn follow_interval(&mut self, now: Instant, before: Option<Instant>) {
        let (true, Some(least)) = (
            self.config.ack_waits.follow_intervals,
            self.config.delayed_ack,
        ) else {
            return;
        };
        let wait = self.acks.wait();
        let next = match before.map(|at| now - at) {
            None => least,
            Some(interval) if interval <= least / 2 => wait / 2 + least / 2,
            Some(interval) if interval < wait => (wait / 2 + interval).min(self.recovery.rtt.rto()),
            Some(_) => wait,
        };
        self.wait_for(next);
    }

    /// An acknowledgment has waited for as long as it may. Either the user was expected to answer and did
    /// not, or text comes less often.
    pub(super) fn on_ack_delay_over(&mut self) {
        if self.config.ack_waits.follow_intervals {
            let least = self.config.delayed_ack.unwrap_or_default();
            self.wait_for(match self.acks.answering {
                true => least,
                false => (2 * self.acks.wait()).min(self.recovery.rtt.rto()),
            });
        }
        self.acks.expect_no_answer();
    }

    /// Whether a waiting acknowledgment has nothing left to wait for: the user has read all there is, the
    /// peer sends no more before it gets the acknowledgment, and no answer is likely to carry it. Or it was
    /// held back because the user had not read.
    pub(super) fn owes_ack_of_read(&self) -> bool {
        if self.acks.due != AckDue::Delayed || self.acks.are_held() {
            return false;
        }
        let enough = if self.acks.answering { 2 } else { 1 };
        let has_ended = self.acks.ends >= enough && self.recv_buffer.len() == 0;
        has_ended || self.owes_held_ack()
    }

    /// Whether an acknowledgment waits because the user has not read, or looked.
    pub(super) fn owes_held_ack(&self) -> bool {
        let memory = self.rcv.memory.as_ref();
        let full_sized = memory.map_or(self.rcv.mss.max(536), |memory| memory.segment());
        self.config.ack_waits.hold_smaller_window
            && self.acks.due == AckDue::Delayed
            && !self.acks.are_held()
            && self.acks.unacknowledged > full_sized
    }

    /// Lets the next acknowledgment wait for the least time.
    pub(super) fn wait_shortly(&mut self) {
        if self.config.ack_waits.follow_intervals {
            self.wait_for(self.config.delayed_ack.unwrap_or_default());
        }
    }

    /// Lets the next acknowledgment wait for this long, before bounds apply.
    fn wait_for(&mut self, wait: Duration) {
        if let Some(timing) = &mut self.acks.timing {
            timing.wait = wait;
        }
    }
}
