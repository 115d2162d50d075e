//! For how long an acknowledgment waits: see
//! [`AckWaits::follow_intervals`](crate::config::AckWaits::follow_intervals).

use core::time::Duration;

use super::tcb::Tcb;
use crate::time::Instant;

/// None waits longer (RFC 9293 MUST-58).
const MOST: Duration = Duration::from_millis(500);
/// None of text whose sender has no more for now, and none while the user answers.
const MOST_OF_END: Duration = Duration::from_millis(200);

impl Tcb {
    /// How long an acknowledgment may wait.
    pub(super) fn ack_delay(&self) -> Duration {
        let least = self.config.delayed_ack.unwrap_or_default();
        if self.acks.wait <= least {
            return least;
        }
        let most = match self.acks.answering || self.acks.ends > 0 {
            true => MOST_OF_END,
            false => MOST,
        };
        let round = self.recovery.rtt.srtt().unwrap_or(MOST).max(least);
        self.acks.wait.min(most).min(round)
    }

    /// The user answers what came so long ago at most.
    pub(super) fn answer_delay(&self) -> Duration {
        let least = self.config.delayed_ack.unwrap_or_default();
        self.acks.wait.max(least)
    }

    /// Text has come in order, and before that at `before`.
    pub(super) fn follow_interval(&mut self, now: Instant, before: Option<Instant>) {
        let (true, Some(least)) = (
            self.config.ack_waits.follow_intervals,
            self.config.delayed_ack,
        ) else {
            return;
        };
        let wait = self.acks.wait;
        self.acks.wait = match before.map(|at| now - at) {
            None => least,
            Some(interval) if interval <= least / 2 => wait / 2 + least / 2,
            Some(interval) if interval < wait => (wait / 2 + interval).min(self.recovery.rtt.rto()),
            Some(_) => wait,
        };
    }

    /// One has waited for as long as it may: for nothing, if the user was to answer; and otherwise text comes
    /// less often.
    pub(super) fn on_ack_delay_over(&mut self) {
        if self.config.ack_waits.follow_intervals {
            let least = self.config.delayed_ack.unwrap_or_default();
            self.acks.wait = match self.acks.answering {
                true => least,
                false => (2 * self.acks.wait).min(self.recovery.rtt.rto()),
            };
        }
        self.acks.answering = false;
    }
}
