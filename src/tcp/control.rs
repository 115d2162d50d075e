//! A connection and its congestion controller: when one starts, replaces another, or starts again.

use super::congestion::{Factory, Governor, Start, initial_window};
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::TcpConfig;
use crate::time::Instant;

/// What a congestion controller starts from before anything is known of the path.
pub(super) fn first_start(now: Instant, config: &TcpConfig, mss: usize, iss: Seq) -> Start {
    Start {
        now,
        mss,
        initial_window: config.initial_window,
        srtt: None,
        validation: config.window_validation,
        slow_start_limit: config.slow_start_limit,
        hystart: config.hystart,
        in_segments: config.habits.congestion.window_in_segments,
        leaves_at_once: config.habits.leaves_slow_start_at_once,
        seed: u64::from(iss.wire()),
    }
}

/// The first window of `segments` of `mss` octets, in octets. It has this many segments of any
/// length with
/// [`CongestionHabits::window_in_segments`](crate::config::CongestionHabits::window_in_segments).
pub(super) fn first_window(config: &TcpConfig, mss: u64, segments: u32) -> u64 {
    match config.habits.congestion.window_in_segments {
        true => u64::from(segments.max(1)) * mss,
        false => initial_window(mss, segments),
    }
}

impl Tcb {
    /// Starts congestion control when the handshake has measured the path; with one segment if our
    /// SYN `was_lost` (RFC 6928 §2).
    pub(super) fn start_congestion(&mut self, now: Instant, was_lost: bool) {
        let segments = match was_lost {
            true => 1,
            false => self.config.initial_window,
        };
        let mut first = self.factory.start(&self.start(now, segments));
        let window = first_window(&self.config, self.snd.mss as u64, segments);
        if window > first.window() {
            first.take_over(window, first.ssthresh());
        }
        self.congestion = Governor::new(first);
    }

    /// What a congestion controller starts from: a window of this many segments, and what is known.
    fn start(&self, now: Instant, initial_window: u32) -> Start {
        Start {
            initial_window,
            srtt: self.recovery.rtt.srtt(),
            ..first_start(now, &self.config, self.snd.mss, self.snd.iss)
        }
    }

    /// Replaces the congestion controller by another, which starts from the window of the last one.
    pub fn set_congestion_control(&mut self, now: Instant, factory: &'static dyn Factory) {
        self.factory = factory;
        let mut next = factory.start(&self.start(now, self.config.initial_window));
        // Before that nothing has been learnt, and congestion control starts when the connection is
        // established.
        if self.state.is_synchronized() {
            next.take_over(self.congestion.window(), self.congestion.ssthresh());
        }
        self.congestion = Governor::new(next);
        self.settle(now);
    }

    /// The name of the congestion controller.
    pub fn congestion_control(&self) -> &'static str {
        self.factory.name()
    }

    /// RFC 5681 §4.1: after a retransmission timeout without sending, the path is unknown again.
    /// With RFC 7661 the controller decides that itself; and Linux forgets gradually.
    pub(super) fn restart_after_idle(&mut self, now: Instant) {
        if self.flight_size() > 0 || !self.has_unsent() {
            return;
        }
        if !self.keeps_packets() {
            self.restart(now);
        }
    }

    /// As [`Tcb::restart_after_idle`], where packets are kept: text begins to wait.
    pub(super) fn restart_packets(&mut self, now: Instant) {
        if self.flight_size() == 0 {
            self.restart(now);
        }
    }

    fn restart(&mut self, now: Instant) {
        self.congestion.on_restart(now);
        let idle = now > self.recovery.rtt.expiry(self.last_sent);
        let restarts = self.config.slow_start_after_idle && !self.config.window_validation;
        if idle && restarts && self.config.habits.congestion.idle_halves {
            self.decay_after_idle(now);
        } else if idle && restarts {
            self.congestion.on_idle();
        } else if idle {
            self.limit_burst_after_idle();
        }
    }

    /// RFC 2861 §3.1: the window was halved for each timeout that has passed without sending, and
    /// ssthresh remembers three quarters of it.
    fn decay_after_idle(&mut self, now: Instant) {
        let mss = self.snd.mss as u64;
        let cwnd = self.congestion.window();
        let least = first_window(&self.config, mss, self.config.initial_window).min(cwnd);
        let idle = now.nanos_since(self.last_sent);
        let timeouts = idle.saturating_sub(1) / self.recovery.rtt.rto().as_nanos() as u64;
        let timeouts = u32::try_from(timeouts).unwrap_or(u32::MAX);
        let halved = cwnd.checked_shr(timeouts).unwrap_or(0) / mss * mss;
        let ssthresh = self.congestion.ssthresh().max(cwnd / 2 + cwnd / 4);
        self.congestion.take_over(halved.max(least), ssthresh);
    }
}
