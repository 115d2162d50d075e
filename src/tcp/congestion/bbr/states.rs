//! The state machine (draft-ietf-ccwg-bbr §5.3).

use super::{Bbr, INFINITY, Sample, is_inflight_too_high};
use crate::time::{Duration, Instant};

/// StartupPacingGain (§2.5): 2.77, in percent.
pub(super) const STARTUP_PACING_GAIN: u64 = 277;
/// ProbeRTTCwndGain (§2.16): 0.5, in percent.
pub(super) const PROBE_RTT_CWND_GAIN: u64 = 50;
/// ProbeRTTDuration (§2.16).
const PROBE_RTT_DURATION: Duration = Duration::from_millis(200);
/// §5.3.2: Drain lasts for this many rounds at most.
const DRAIN_ROUNDS: u64 = 3;
/// §5.3.3.8: T_reno_bound, in rounds.
const RENO_ROUNDS: u64 = 63;

/// The states of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Startup,
    Drain,
    /// ProbeBW_DOWN.
    Down,
    /// ProbeBW_CRUISE.
    Cruise,
    /// ProbeBW_REFILL.
    Refill,
    /// ProbeBW_UP.
    Up,
    ProbeRtt,
}

impl State {
    /// pacing_gain, in percent (the table of §5.6.1).
    pub(super) const fn pacing_gain(self) -> u64 {
        match self {
            State::Startup => STARTUP_PACING_GAIN,
            State::Drain => 50,
            State::Down => 90,
            State::Cruise | State::Refill | State::ProbeRtt => 100,
            State::Up => 125,
        }
    }

    /// cwnd_gain, in percent (the table of §5.6.1).
    pub(super) const fn cwnd_gain(self) -> u64 {
        match self {
            State::Startup | State::Drain | State::Down | State::Cruise | State::Refill => 200,
            State::Up => 225,
            State::ProbeRtt => PROBE_RTT_CWND_GAIN,
        }
    }

    /// IsInAProbeBWState (§5.3.3.9).
    pub(super) const fn is_probe_bw(self) -> bool {
        matches!(
            self,
            State::Down | State::Cruise | State::Refill | State::Up
        )
    }

    /// IsProbingBW (§5.3.3.9).
    pub(super) const fn is_probing_bw(self) -> bool {
        matches!(self, State::Startup | State::Refill | State::Up)
    }
}

/// When the data of the incoming samples was sent (§5.3.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum AckPhase {
    /// ACKS_INIT: not in a probe.
    Init,
    /// ACKS_REFILLING.
    Refilling,
    /// ACKS_PROBE_STARTING: before the probe.
    ProbeStarting,
    /// ACKS_PROBE_FEEDBACK: in the probe.
    ProbeFeedback,
    /// ACKS_PROBE_STOPPING: still in the probe, which is over.
    ProbeStopping,
}

impl Bbr {
    /// CheckStartupDone (§5.3.1.1).
    pub(super) fn check_startup_done(&mut self, rs: &Sample) {
        if self.is_startup_loss_high(rs) {
            self.leave_startup_congested();
        }
        if self.state == State::Startup && self.full_bw_reached {
            self.enter_drain();
        }
    }

    /// Ends Startup because of losses (§5.3.1.3).
    pub(super) fn leave_startup_congested(&mut self) {
        self.undo.state = Some(State::Startup);
        self.full_bw_reached = true;
        self.inflight_longterm = self.bdp().max(self.inflight_latest);
        self.enter_drain();
    }

    /// EnterDrain (§5.3.2).
    fn enter_drain(&mut self) {
        self.state = State::Drain;
        self.drain_start_round = self.round_count;
    }

    /// CheckDrainDone (§5.3.2).
    pub(super) fn check_drain_done(&mut self, rs: &Sample) {
        let is_done = rs.in_flight <= self.inflight(self.bw)
            || self.round_count > self.drain_start_round + DRAIN_ROUNDS;
        if self.state == State::Drain && is_done {
            self.start_down(rs.now);
        }
    }

    /// StartProbeBW_DOWN (§5.3.3.9).
    pub(super) fn start_down(&mut self, now: Instant) {
        self.reset_congestion_signals();
        self.probe_up_acked_per_inc = INFINITY;
        self.pick_probe_wait();
        self.cycle_stamp = now;
        self.ack_phase = AckPhase::ProbeStopping;
        self.start_round();
        self.state = State::Down;
    }

    /// StartProbeBW_REFILL (§5.3.3.9).
    pub(super) fn start_refill(&mut self) {
        self.reset_short_term_model();
        self.bw_probe_up_rounds = 0;
        self.bw_probe_up_acked = 0;
        self.prev_probe_precautionary = false;
        self.ack_phase = AckPhase::Refilling;
        self.start_round();
        self.state = State::Refill;
    }

    /// StartProbeBW_UP (§5.3.3.9).
    fn start_up(&mut self, rs: &Sample) {
        self.ack_phase = AckPhase::ProbeStarting;
        self.start_round();
        self.reset_full_bw();
        self.full_bw = rs.delivery_rate;
        self.state = State::Up;
        self.raise_inflight_longterm_slope();
    }

    /// PickProbeWait (§5.3.3.8): no round or one; 2 to 3 seconds.
    fn pick_probe_wait(&mut self) {
        self.rounds_since_probe_up = self.random() & 1;
        let millis = 2000 + self.random() % 1000;
        self.bw_probe_wait = Duration::from_millis(millis);
    }

    /// UpdateProbeBWCyclePhase (§5.3.3.9).
    pub(super) fn update_probe_bw_cycle_phase(&mut self, rs: &Sample) {
        if !self.full_bw_reached || self.adapt_long_term_model(rs) {
            return;
        }
        let state = self.state;
        match state {
            State::Down if self.is_time_to_probe_bw(rs.now) => self.start_refill(),
            State::Down if self.is_time_to_cruise(rs) => self.state = State::Cruise,
            State::Cruise if self.is_time_to_probe_bw(rs.now) => self.start_refill(),
            State::Refill if self.round_start => {
                self.is_bw_probe_sample = true;
                self.start_up(rs);
            }
            State::Up if self.is_time_to_go_down(rs) => {
                self.prev_probe_too_high = false;
                self.start_down(rs.now);
            }
            State::Startup
            | State::Drain
            | State::Down
            | State::Cruise
            | State::Refill
            | State::Up
            | State::ProbeRtt => {}
        }
    }

    /// IsTimeToProbeBW (§5.3.3.8): on the time scale of BBR or, with a small BDP, on that of Reno.
    fn is_time_to_probe_bw(&self, now: Instant) -> bool {
        let reno_rounds = (self.target_inflight() / self.mss).min(RENO_ROUNDS);
        now > self.cycle_stamp + self.bw_probe_wait || self.rounds_since_probe_up >= reno_rounds
    }

    /// IsTimeToCruise (§5.3.3.9).
    fn is_time_to_cruise(&self, rs: &Sample) -> bool {
        rs.in_flight <= self.inflight_with_headroom()
            && rs.in_flight <= self.inflight(self.max_bw.get())
    }

    /// IsTimeToGoDown (§5.3.3.9).
    fn is_time_to_go_down(&mut self, rs: &Sample) -> bool {
        if self.prev_probe_too_high && rs.in_flight >= self.inflight_longterm {
            self.prev_probe_precautionary = true;
            return true;
        }
        if self.is_cwnd_limited() && self.cwnd >= self.inflight_longterm {
            self.reset_full_bw();
            self.full_bw = rs.delivery_rate;
            return false;
        }
        self.full_bw_now
    }

    /// RaiseInflightLongtermSlope (§5.3.3.9): a segment in this round, two in the next, then four.
    pub(super) fn raise_inflight_longterm_slope(&mut self) {
        let growth_this_round = 1 << self.bw_probe_up_rounds;
        self.bw_probe_up_rounds = (self.bw_probe_up_rounds + 1).min(30);
        self.probe_up_acked_per_inc = (self.cwnd / growth_this_round).max(self.mss);
    }

    /// ProbeInflightLongtermUpward (§5.3.3.9).
    pub(super) fn probe_inflight_longterm_upward(&mut self, rs: &Sample) {
        if !self.is_cwnd_limited() || self.cwnd < self.inflight_longterm {
            return;
        }
        self.bw_probe_up_acked += rs.newly_acked;
        let delta = self.bw_probe_up_acked / self.probe_up_acked_per_inc;
        self.bw_probe_up_acked %= self.probe_up_acked_per_inc;
        self.inflight_longterm = self.inflight_longterm.saturating_add(delta * self.mss);
        if self.round_start {
            self.raise_inflight_longterm_slope();
        }
    }

    /// AdaptLongTermModel (§5.3.3.9). Returns whether it has decided on a state.
    fn adapt_long_term_model(&mut self, rs: &Sample) -> bool {
        if self.ack_phase == AckPhase::ProbeStarting && self.round_start {
            self.ack_phase = AckPhase::ProbeFeedback;
        }
        if self.ack_phase == AckPhase::ProbeStopping && self.round_start {
            self.is_bw_probe_sample = false;
            self.ack_phase = AckPhase::Init;
            if self.state.is_probe_bw() {
                if !rs.is_app_limited {
                    self.max_bw.advance();
                }
                if self.prev_probe_precautionary && !self.prev_probe_too_high {
                    self.start_refill();
                    return true;
                }
            }
        }
        let is_safe = !is_inflight_too_high(rs.lost, rs.tx_in_flight);
        if is_safe && self.inflight_longterm != INFINITY {
            self.inflight_longterm = self.inflight_longterm.max(rs.tx_in_flight);
            if self.state == State::Up {
                self.probe_inflight_longterm_upward(rs);
            }
        }
        false
    }

    /// CheckProbeRTT (§5.3.4.3).
    pub(super) fn check_probe_rtt(&mut self, rs: &Sample) {
        if self.state != State::ProbeRtt && self.min_rtt_expired && !self.idle_restart {
            self.save_cwnd();
            self.state = State::ProbeRtt;
            self.probe_rtt_done_stamp = None;
            self.ack_phase = AckPhase::ProbeStopping;
            self.start_round();
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt(rs);
        }
        if rs.delivered > 0 {
            self.idle_restart = false;
        }
    }

    /// HandleProbeRTT (§5.3.4.3).
    fn handle_probe_rtt(&mut self, rs: &Sample) {
        // MarkConnectionAppLimited: what is in flight now says nothing about the bandwidth.
        self.limited_until = self.delivered + rs.in_flight.max(1);
        match self.probe_rtt_done_stamp {
            None if rs.in_flight <= self.probe_rtt_cwnd() => {
                self.probe_rtt_done_stamp = Some(rs.now + PROBE_RTT_DURATION);
                self.probe_rtt_round_done = false;
                self.start_round();
            }
            None => {}
            Some(_) => {
                self.probe_rtt_round_done |= self.round_start;
                if self.probe_rtt_round_done {
                    self.check_probe_rtt_done(rs.now);
                }
            }
        }
    }

    /// CheckProbeRTTDone, ExitProbeRTT (§5.3.4.3, §5.3.4.4).
    pub(super) fn check_probe_rtt_done(&mut self, now: Instant) {
        if self.probe_rtt_done_stamp.is_none_or(|done| now <= done) {
            return;
        }
        self.min_rtt_stamp = now;
        self.restore_cwnd();
        self.reset_short_term_model();
        if self.full_bw_reached {
            self.start_down(now);
            self.state = State::Cruise;
        } else {
            self.state = State::Startup;
        }
    }
}
