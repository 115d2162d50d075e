//! The model of the path (draft-ietf-ccwg-bbr §5.5).

use super::filter::ROUNDS;
use super::states::State;
use super::{Bbr, INFINITY, LostSegment, Sample, Undo, is_inflight_too_high, percent};
use crate::time::{Duration, Instant};

/// Beta (§2.8): the least that a round with losses leaves, in percent.
const BETA: u64 = 70;
/// §5.3.1.2: while the bandwidth grows by this much a round, in percent, it is not full.
const STILL_GROWS: u64 = 125;
/// §5.3.1.2: rounds without such growth.
const FULL_BW_COUNT: u32 = 3;
/// StartupFullLossCnt (§5.3.1.3): ranges lost in a round.
const STARTUP_FULL_LOSS_COUNT: u32 = 6;
/// MinRTTFilterLen, which is ProbeRTTInterval (§2.16): flows that share a queue let it drain together,
/// so each MUST wait for this long (§5.3.4.2).
const MIN_RTT_FILTER_LEN: Duration = Duration::from_secs(10);

impl Bbr {
    /// StartRound (§5.5.1).
    pub(super) fn start_round(&mut self) {
        self.next_round_delivered = self.delivered;
    }

    /// UpdateRound (§5.5.1).
    fn update_round(&mut self, rs: &Sample) {
        self.round_start =
            (rs.prior_delivered).is_some_and(|prior| prior >= self.next_round_delivered);
        if self.round_start {
            self.start_round();
            self.round_count += 1;
            self.rounds_since_probe_up += 1;
            self.cwnd_limited = [false, self.cwnd_limited[0]];
        }
    }

    /// C.is_cwnd_limited: in this round or the last.
    pub(super) fn is_cwnd_limited(&self) -> bool {
        self.cwnd_limited[0] || self.cwnd_limited[1]
    }

    /// UpdateMaxBw (§5.5.5).
    fn update_max_bw(&mut self, rs: &Sample) {
        self.update_round(rs);
        let counts = rs.delivery_rate >= self.max_bw.get() || !rs.is_app_limited;
        if rs.delivery_rate > 0 && counts {
            self.max_bw.update(rs.delivery_rate);
        }
    }

    /// UpdateMinRTT (§5.3.4.3).
    pub(super) fn update_min_rtt(&mut self, rs: &Sample) {
        self.min_rtt_expired = rs.now > self.min_rtt_stamp + MIN_RTT_FILTER_LEN;
        if self.min_rtt_expired && self.state != State::ProbeRtt {
            self.save_probe_rtt_cwnd();
        }
        if let Some(rtt) = rs.rtt
            && (self.min_rtt_expired || self.min_rtt.is_none_or(|least| rtt < least))
        {
            self.min_rtt = Some(rtt);
            self.min_rtt_stamp = rs.now;
        }
    }

    /// UpdateACKAggregation (§5.5.9).
    pub(super) fn update_ack_aggregation(&mut self, rs: &Sample) {
        let interval = rs.now - self.extra_acked_interval_start;
        let mut expected = octets_in(self.bw, interval);
        if self.extra_acked_delivered <= expected {
            self.extra_acked_delivered = 0;
            self.extra_acked_interval_start = rs.now;
            expected = 0;
        }
        self.extra_acked_delivered += rs.newly_acked;
        let extra = (self.extra_acked_delivered - expected).min(self.cwnd);
        self.extra_acked.update(self.round_count, extra);
    }

    /// extra_acked: how much more than expected was acknowledged, over ten rounds, in Startup over
    /// one.
    pub(super) fn extra_acked(&self) -> u64 {
        self.extra_acked.of_last(match self.full_bw_reached {
            true => ROUNDS,
            false => 1,
        })
    }

    /// ResetFullBW (§5.3.1.2).
    pub(super) fn reset_full_bw(&mut self) {
        (self.full_bw, self.full_bw_count, self.full_bw_now) = (0, 0, false);
    }

    /// CheckFullBWReached (§5.3.1.2).
    pub(super) fn check_full_bw_reached(&mut self, rs: &Sample) {
        if self.full_bw_now || !self.round_start || rs.is_app_limited {
            return;
        }
        if rs.delivery_rate >= percent(self.full_bw, STILL_GROWS) {
            self.reset_full_bw();
            self.full_bw = rs.delivery_rate;
            return;
        }
        self.full_bw_count += 1;
        self.full_bw_now = self.full_bw_count >= FULL_BW_COUNT;
        self.full_bw_reached |= self.full_bw_now;
    }

    /// CheckStartupHighLoss (§5.3.1.3), for a connection with SACK: losses that go on for a round of
    /// recovery.
    pub(super) fn is_startup_loss_high(&self, rs: &Sample) -> bool {
        self.state == State::Startup
            && self.recovery.is_some()
            && self.loss_round_start
            && self.loss_ranges >= STARTUP_FULL_LOSS_COUNT
            && is_inflight_too_high(rs.lost, rs.tx_in_flight)
    }

    /// UpdateLatestDeliverySignals (§5.5.10.3).
    pub(super) fn update_latest_delivery_signals(&mut self, rs: &Sample) {
        self.bw_latest = self.bw_latest.max(rs.delivery_rate);
        self.inflight_latest = self.inflight_latest.max(rs.delivered);
        self.loss_round_start =
            (rs.prior_delivered).is_some_and(|prior| prior >= self.loss_round_delivered);
        if self.loss_round_start {
            self.loss_round_delivered = self.delivered;
        }
    }

    /// AdvanceLatestDeliverySignals (§5.5.10.3).
    pub(super) fn advance_latest_delivery_signals(&mut self, rs: &Sample) {
        if self.loss_round_start {
            self.bw_latest = rs.delivery_rate;
            self.inflight_latest = rs.delivered;
            (self.loss_ranges, self.loss_end) = (0, None);
            (self.lost_in_round, self.loss_round_began) = (0, self.delivered);
            self.is_mark_in_round = false;
        }
    }

    /// ResetCongestionSignals (§5.5.10.3).
    pub(super) fn reset_congestion_signals(&mut self) {
        self.is_loss_in_round = false;
        (self.bw_latest, self.inflight_latest) = (0, 0);
    }

    /// UpdateCongestionSignals (§5.5.10.3).
    pub(super) fn update_congestion_signals(&mut self, rs: &Sample) {
        self.update_max_bw(rs);
        if self.loss_round_start {
            // §5.3.4.4: losses in ProbeRTT must not bound what follows, and its last samples come
            // in a round later.
            if !rs.is_held_back {
                self.adapt_lower_bounds();
            }
            self.is_loss_in_round = false;
        }
    }

    /// AdaptLowerBoundsFromCongestion (§5.5.10.3): InitLowerBounds, LossLowerBounds.
    pub(super) fn adapt_lower_bounds(&mut self) {
        if self.state.is_probing_bw() || !self.is_loss_in_round {
            return;
        }
        // This deviates from the draft, where every loss counts: at 1 % loss each round would be
        // slower than the last, and a fifth of the path would stay empty. As long as the loss stays
        // below what a probe may lose, the rate stays.
        let delivered = self.delivered.saturating_sub(self.loss_round_began);
        let sent = delivered + self.lost_in_round;
        if !self.is_mark_in_round && !is_inflight_too_high(self.lost_in_round, sent) {
            return;
        }
        if self.bw_shortterm == INFINITY {
            self.bw_shortterm = self.max_bw.get();
        }
        if self.inflight_shortterm == INFINITY {
            self.inflight_shortterm = self.cwnd;
        }
        self.bw_shortterm = self.bw_latest.max(percent(self.bw_shortterm, BETA));
        self.inflight_shortterm =
            (self.inflight_latest).max(percent(self.inflight_shortterm, BETA));
    }

    /// ResetShortTermModel (§5.5.10.3).
    pub(super) fn reset_short_term_model(&mut self) {
        self.bw_shortterm = INFINITY;
        self.inflight_shortterm = INFINITY;
    }

    /// NoteLoss (§5.5.10.2).
    pub(super) fn note_loss(&mut self) {
        if !self.is_loss_in_round {
            self.loss_round_delivered = self.delivered;
            self.save_state_upon_loss();
        }
        self.is_loss_in_round = true;
    }

    /// Counts the ranges lost in this round: adjacent segments are one range.
    pub(super) fn count_range(&mut self, segment: &LostSegment) {
        if self.loss_end != Some(segment.start) {
            self.loss_ranges += 1;
        }
        self.loss_end = Some(segment.start + segment.octets as usize);
    }

    /// HandleInflightTooHigh (§5.5.10.2).
    pub(super) fn handle_inflight_too_high(
        &mut self,
        now: Instant,
        tx_in_flight: u64,
        is_app_limited: bool,
    ) {
        self.prev_probe_too_high = true;
        self.is_bw_probe_sample = false;
        if !is_app_limited {
            self.inflight_longterm = tx_in_flight.max(percent(self.target_inflight(), BETA));
        }
        if self.state == State::Up {
            self.undo.state = Some(State::Up);
            self.start_down(now);
        }
    }

    /// SaveStateUponLoss (§5.5.11.1), once in an episode of losses, because after the first of them
    /// the state has changed.
    pub(super) fn save_state_upon_loss(&mut self) {
        self.save_cwnd();
        if core::mem::replace(&mut self.is_state_saved, true) {
            return;
        }
        self.undo = Undo {
            state: None,
            bw_shortterm: self.bw_shortterm,
            inflight_shortterm: self.inflight_shortterm,
            inflight_longterm: self.inflight_longterm,
        };
    }

    /// The rest of HandleSpuriousLossDetection (§5.5.11.2).
    pub(super) fn undo_losses(&mut self) {
        self.is_loss_in_round = false;
        self.reset_full_bw();
        let undo = core::mem::take(&mut self.undo);
        self.bw_shortterm = self.bw_shortterm.max(undo.bw_shortterm);
        self.inflight_shortterm = self.inflight_shortterm.max(undo.inflight_shortterm);
        self.inflight_longterm = self.inflight_longterm.max(undo.inflight_longterm);
        let Some(state) = undo.state.filter(|state| *state != self.state) else {
            return;
        };
        if state == State::Startup {
            self.full_bw_reached = false;
        }
        if self.state == State::ProbeRtt {
            return;
        }
        match state {
            State::Startup => self.state = State::Startup,
            _ => self.start_refill(),
        }
    }
}

/// What arrives at this rate in this time.
pub(super) fn octets_in(rate: u64, time: Duration) -> u64 {
    let octets = u128::from(rate) * time.as_nanos() / 1_000_000_000;
    u64::try_from(octets).unwrap_or(INFINITY)
}
