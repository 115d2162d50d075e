//! Pacing rate, send quantum and cwnd, from the model (draft-ietf-ccwg-bbr §5.6).

use super::model::octets_in;
use super::states::{PROBE_RTT_CWND_GAIN, STARTUP_PACING_GAIN, State};
use super::{Bbr, INFINITY, Sample, percent};
use crate::time::Duration;

/// 100 % less PacingMarginPercent (§2.5).
const PACING_MARGIN: u64 = 99;
/// Headroom (§2.8): the share of inflight_longterm that is left to other flows, in percent.
const HEADROOM: u64 = 15;
/// MinPipeCwnd (§2.8), in segments.
const MIN_PIPE_SEGMENTS: u64 = 4;
/// §5.6.3: no send quantum is larger, in octets.
const LARGEST_QUANTUM: u64 = 64 * 1024;

impl Bbr {
    /// InitPacingRate (§5.6.2).
    pub(super) fn init_pacing_rate(&mut self, srtt: Option<Duration>) {
        self.has_seen_rtt = srtt.is_some();
        let srtt = srtt.unwrap_or(Duration::from_millis(1)).as_nanos().max(1);
        let nominal = u128::from(self.initial_cwnd) * 1_000_000_000 / srtt;
        let nominal = u64::try_from(nominal).unwrap_or(u64::MAX - 1);
        self.pacing_rate = percent(nominal, STARTUP_PACING_GAIN);
    }

    /// SetPacingRateWithGain (§5.6.2); the gain in percent.
    pub(super) fn set_pacing_rate(&mut self, gain: u64) {
        let rate = percent(percent(self.bw, gain), PACING_MARGIN);
        if self.full_bw_reached || rate > self.pacing_rate {
            self.pacing_rate = rate;
        }
    }

    /// SetSendQuantum (§5.6.3).
    pub(super) fn set_send_quantum(&mut self) {
        let quantum = octets_in(self.pacing_rate, Duration::from_millis(1));
        self.send_quantum = quantum.min(LARGEST_QUANTUM).max(2 * self.mss);
    }

    /// MinPipeCwnd, in octets.
    pub(super) fn min_pipe_cwnd(&self) -> u64 {
        MIN_PIPE_SEGMENTS * self.mss
    }

    /// BDPMultiple (§5.6.4.2): this many percent of what the path holds at this bandwidth.
    fn bdp_multiple(&self, bw: u64, gain: u64) -> u64 {
        match self.min_rtt {
            None => self.initial_cwnd,
            Some(min_rtt) => percent(octets_in(bw, min_rtt), gain),
        }
    }

    /// QuantizationBudget (§5.6.4.2).
    pub(super) fn quantization_budget(&self, inflight_cap: u64) -> u64 {
        let offload_budget = 3 * self.send_quantum;
        let cap = inflight_cap.max(offload_budget).max(self.min_pipe_cwnd());
        match self.state {
            State::Up => cap.saturating_add(2 * self.mss),
            _ => cap,
        }
    }

    /// Inflight (§5.6.4.2): a BDP at this bandwidth.
    pub(super) fn inflight(&self, bw: u64) -> u64 {
        self.quantization_budget(self.bdp_multiple(bw, 100))
    }

    /// BBR.bdp.
    pub(super) fn bdp(&self) -> u64 {
        self.bdp_multiple(self.bw, 100)
    }

    /// TargetInflight (§5.3.3.8).
    pub(super) fn target_inflight(&self) -> u64 {
        self.bdp().min(self.cwnd)
    }

    /// InflightWithHeadroom (§5.3.3.9).
    pub(super) fn inflight_with_headroom(&self) -> u64 {
        if self.inflight_longterm == INFINITY {
            return INFINITY;
        }
        let headroom = percent(self.inflight_longterm, HEADROOM).max(self.mss);
        let left = self.inflight_longterm.saturating_sub(headroom);
        left.max(self.min_pipe_cwnd())
    }

    /// UpdateMaxInflight (§5.6.4.2).
    pub(super) fn max_inflight(&self) -> u64 {
        let bdp = self.bdp_multiple(self.bw, self.state.cwnd_gain());
        self.quantization_budget(bdp.saturating_add(self.extra_acked()))
    }

    /// SaveCwnd (§5.6.4.4).
    pub(super) fn save_cwnd(&mut self) {
        let is_good = self.recovery.is_none() && self.state != State::ProbeRtt;
        self.prior_cwnd = match is_good {
            true => self.cwnd,
            false => self.prior_cwnd.max(self.cwnd),
        };
    }

    /// RestoreCwnd (§5.6.4.4).
    pub(super) fn restore_cwnd(&mut self) {
        self.cwnd = self.cwnd.max(self.prior_cwnd);
    }

    /// SaveProbeRTTCwnd (§5.6.4.5): half of what the path holds, by the least RTT that is now
    /// outdated. A queue may have lengthened the RTT that replaces it, and half of a BDP by that
    /// one would not drain the queue.
    pub(super) fn save_probe_rtt_cwnd(&mut self) {
        self.probe_rtt_cwnd = self.bdp_multiple(self.bw, PROBE_RTT_CWND_GAIN);
    }

    /// BBR.probe_rtt_cwnd.
    pub(super) fn probe_rtt_cwnd(&self) -> u64 {
        self.probe_rtt_cwnd.max(self.min_pipe_cwnd())
    }

    /// SetCwnd (§5.6.4.6).
    pub(super) fn set_cwnd(&mut self, rs: &Sample) {
        let max_inflight = self.max_inflight();
        let grown = self.cwnd.saturating_add(rs.newly_acked);
        if self.full_bw_reached {
            self.cwnd = grown.min(max_inflight);
        } else if self.cwnd < max_inflight || self.delivered < self.initial_cwnd {
            self.cwnd = grown;
        }
        self.cwnd = self.cwnd.max(self.min_pipe_cwnd());
        if self.state == State::ProbeRtt {
            self.cwnd = self.cwnd.min(self.probe_rtt_cwnd());
        }
        self.bound_cwnd_for_model();
    }

    /// BoundCwndForModel (§5.6.4.7).
    pub(super) fn bound_cwnd_for_model(&mut self) {
        let cap = match self.state {
            State::Startup | State::Drain => INFINITY,
            State::Down | State::Refill | State::Up => self.inflight_longterm,
            State::Cruise | State::ProbeRtt => self.inflight_with_headroom(),
        };
        let cap = cap.min(self.inflight_shortterm).max(self.min_pipe_cwnd());
        self.cwnd = self.cwnd.min(cap);
    }
}
