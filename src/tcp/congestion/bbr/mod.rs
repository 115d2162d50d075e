//! BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path instead of a guess from losses.
//!
//! The most that the path delivers (max_bw) and its round trip without a queue (min_rtt) determine
//! how fast to send and how much may be in flight. Both are measured, one after the other, because
//! measuring one hides the other:
//!
//! ```text
//!   Startup ──────► Drain ──────► ProbeBW: Down ──► Cruise ──► Refill ──► Up ─┐
//!   2.77 x bw       0.5 x bw      0.9        ▲      1.0        1.0      1.25  │
//!   until bw grows  until the                └────────────────────────────────┘
//!   no more         queue is gone
//!                                 and every 10 s without a new least RTT, from everywhere:
//!                                 ProbeRTT, half a BDP in flight for 200 ms
//! ```
//!
//! Losses and marks bound the model: inflight_longterm is what did no harm when it was tried,
//! bw_shortterm and inflight_shortterm are what the last rounds with losses delivered; these two
//! are forgotten with each probe.
//!
//! | file | draft | what is in it |
//! |---|---|---|
//! | `mod` | §5.2 | what happens on an acknowledgment, on a loss, and so on |
//! | `model` | §5.5 | rounds, max_bw, the least RTT, aggregation, what losses say |
//! | `states` | §5.3 | the state machine |
//! | `control` | §5.6 | pacing rate, send quantum, cwnd |
//! | `filter` | §5.5.2, §5.5.9 | windowed maxima |
//!
//! Names are those of the draft. All of it is integers: gains are percentages, rates octets a
//! second. "Infinity" is `u64::MAX`.

mod control;
mod filter;
mod model;
mod states;
#[cfg(test)]
mod tests;

use core::hash::{Hash, Hasher};
use core::time::Duration;

use siphasher::sip::SipHasher13;

use self::filter::{CycleMax, RoundMax};
use self::states::{AckPhase, State};
use super::{Ack, Controller, Loss, LostSegment, Start, initial_window};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// Not bounded.
const INFINITY: u64 = u64::MAX;

/// The congestion control of draft-ietf-ccwg-bbr.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bbr {
    /// C.SMSS, in octets.
    mss: u64,
    /// C.InitialCwnd, in octets.
    initial_cwnd: u64,
    /// C.cwnd, in octets.
    cwnd: u64,
    /// The last good cwnd, not modulated by recovery or ProbeRTT.
    prior_cwnd: u64,
    /// C.pacing_rate, in octets a second.
    pacing_rate: u64,
    /// C.send_quantum, in octets.
    send_quantum: u64,
    /// An RTT has been seen since the pacing rate was first set.
    has_seen_rtt: bool,
    /// Whether recovery is under way, and what by.
    recovery: Option<Recovery>,
    /// The state of the random generator.
    random: u64,

    state: State,
    /// When the phase of ProbeBW began.
    cycle_stamp: Instant,
    /// How long to wait before the next probe for bandwidth.
    bw_probe_wait: Duration,
    rounds_since_probe_up: u64,
    ack_phase: AckPhase,
    /// The round in which Drain began.
    drain_start_round: u64,
    /// Octets acknowledged for each segment that inflight_longterm grows by.
    probe_up_acked_per_inc: u64,
    bw_probe_up_acked: u64,
    bw_probe_up_rounds: u32,
    /// What is acknowledged now was sent in Refill or Up, and has not caused a reaction yet.
    is_bw_probe_sample: bool,
    /// The last Up lost too much.
    prev_probe_too_high: bool,
    /// The last Up ended at the level at which the one before had lost too much.
    prev_probe_precautionary: bool,
    /// When ProbeRTT has lasted long enough; `None`: it has not begun to count.
    probe_rtt_done_stamp: Option<Instant>,
    probe_rtt_round_done: bool,
    idle_restart: bool,

    /// C.delivered: octets delivered over the life of the connection, as last heard.
    delivered: u64,
    /// Samples of what was sent before this many octets were delivered say nothing about the path:
    /// ProbeRTT limited them.
    limited_until: u64,
    next_round_delivered: u64,
    round_count: u64,
    round_start: bool,
    /// Whether the window was used up at some point of this round, and of the last.
    cwnd_limited: [bool; 2],
    max_bw: CycleMax,
    /// bw_shortterm, in octets a second.
    bw_shortterm: u64,
    /// The bandwidth of the model, in octets a second.
    bw: u64,
    /// The least RTT of ten seconds: what the BDP is computed from.
    min_rtt: Option<Duration>,
    /// When that was measured, or ProbeRTT ended.
    min_rtt_stamp: Instant,
    /// That was too long ago, so ProbeRTT is due.
    min_rtt_expired: bool,
    /// What may be in flight in ProbeRTT, in octets; at least [`Bbr::min_pipe_cwnd`].
    probe_rtt_cwnd: u64,
    full_bw: u64,
    full_bw_count: u32,
    full_bw_now: bool,
    full_bw_reached: bool,
    inflight_shortterm: u64,
    inflight_longterm: u64,
    extra_acked_interval_start: Instant,
    extra_acked_delivered: u64,
    extra_acked: RoundMax,

    loss_round_delivered: u64,
    loss_round_start: bool,
    is_loss_in_round: bool,
    /// Octets lost since the last end of such a round.
    lost_in_round: u64,
    /// C.delivered at that moment.
    loss_round_began: u64,
    /// Something was marked in this round.
    is_mark_in_round: bool,
    /// Ranges that were lost in this round, and the end of the last.
    loss_ranges: u32,
    loss_end: Option<Seq>,
    bw_latest: u64,
    inflight_latest: u64,
    undo: Undo,
    /// `undo` belongs to the current episode of losses.
    is_state_saved: bool,
}

/// A recovery that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Recovery {
    Fast,
    /// After a timeout, until what had been sent by the first acknowledgment is acknowledged.
    Timeout(Option<Seq>),
}

/// The model before the last loss event (§5.5.11.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Undo {
    /// The state that the losses ended.
    state: Option<State>,
    bw_shortterm: u64,
    inflight_shortterm: u64,
    inflight_longterm: u64,
}

/// RS: what one acknowledgment says.
#[derive(Clone, Copy, Debug)]
struct Sample {
    now: Instant,
    /// RS.newly_acked, in octets.
    newly_acked: u64,
    /// C.inflight, now that the acknowledgment counts.
    in_flight: u64,
    rtt: Option<Duration>,
    /// RS.delivery_rate; 0: no sample.
    delivery_rate: u64,
    /// RS.delivered; 0: no sample.
    delivered: u64,
    /// RS.prior_delivered; `None`: no sample.
    prior_delivered: Option<u64>,
    tx_in_flight: u64,
    lost: u64,
    /// ProbeRTT limited what it measures.
    is_held_back: bool,
    is_app_limited: bool,
}

impl Bbr {
    /// OnInit (§5.2.1).
    pub fn new(start: &Start) -> Bbr {
        let mss = start.mss.clamp(1, usize::from(u16::MAX)) as u64;
        let initial_cwnd = initial_window(mss, start.initial_window);
        let mut bbr = Bbr {
            mss,
            initial_cwnd,
            cwnd: initial_cwnd,
            prior_cwnd: 0,
            pacing_rate: 0,
            send_quantum: 2 * mss,
            has_seen_rtt: false,
            recovery: None,
            random: start.seed,
            state: State::Startup,
            cycle_stamp: start.now,
            bw_probe_wait: Duration::ZERO,
            rounds_since_probe_up: 0,
            ack_phase: AckPhase::Init,
            drain_start_round: 0,
            probe_up_acked_per_inc: INFINITY,
            bw_probe_up_acked: 0,
            bw_probe_up_rounds: 0,
            is_bw_probe_sample: false,
            prev_probe_too_high: false,
            prev_probe_precautionary: false,
            probe_rtt_done_stamp: None,
            probe_rtt_round_done: false,
            idle_restart: false,
            delivered: 0,
            limited_until: 0,
            next_round_delivered: 0,
            round_count: 0,
            round_start: false,
            cwnd_limited: [false; 2],
            max_bw: CycleMax::default(),
            bw_shortterm: INFINITY,
            bw: 0,
            min_rtt: start.srtt,
            min_rtt_stamp: start.now,
            min_rtt_expired: false,
            probe_rtt_cwnd: initial_cwnd,
            full_bw: 0,
            full_bw_count: 0,
            full_bw_now: false,
            full_bw_reached: false,
            inflight_shortterm: INFINITY,
            inflight_longterm: INFINITY,
            extra_acked_interval_start: start.now,
            extra_acked_delivered: 0,
            extra_acked: RoundMax::default(),
            loss_round_delivered: 0,
            loss_round_start: false,
            is_loss_in_round: false,
            lost_in_round: 0,
            loss_round_began: 0,
            is_mark_in_round: false,
            loss_ranges: 0,
            loss_end: None,
            bw_latest: 0,
            inflight_latest: 0,
            undo: Undo::default(),
            is_state_saved: false,
        };
        bbr.init_pacing_rate(start.srtt);
        bbr
    }

    /// GenerateRateSample: what `ack` says, as the draft names it.
    fn sample(&mut self, ack: &Ack) -> Sample {
        let rate = ack.rate.as_ref();
        if let Some(rate) = rate {
            self.delivered = rate.total_delivered;
        }
        let is_held_back = rate.is_some_and(|rate| rate.prior_delivered < self.limited_until);
        Sample {
            now: ack.now,
            newly_acked: ack.delivered,
            in_flight: ack.in_flight.saturating_sub(ack.delivered + ack.lost),
            rtt: ack.round_trips.latest(),
            delivery_rate: rate.map_or(0, |rate| rate.delivery_rate()),
            delivered: rate.map_or(0, |rate| rate.delivered),
            prior_delivered: rate.map(|rate| rate.prior_delivered),
            tx_in_flight: rate.map_or(0, |rate| rate.tx_in_flight),
            lost: rate.map_or(0, |rate| rate.lost),
            is_held_back,
            is_app_limited: is_held_back || rate.is_some_and(|rate| rate.is_app_limited),
        }
    }

    /// UpdateModelAndState (§5.2.3).
    fn update_model_and_state(&mut self, rs: &Sample) {
        self.update_latest_delivery_signals(rs);
        self.update_congestion_signals(rs);
        self.update_ack_aggregation(rs);
        self.check_full_bw_reached(rs);
        self.check_startup_done(rs);
        self.check_drain_done(rs);
        self.update_probe_bw_cycle_phase(rs);
        self.update_min_rtt(rs);
        self.check_probe_rtt(rs);
        self.advance_latest_delivery_signals(rs);
        self.bw = self.max_bw.get().min(self.bw_shortterm);
    }

    /// Whether a recovery is over: then the window is what it was before (§5.6.4.4).
    fn follow_recovery(&mut self, ack: &Ack) {
        let is_over = match self.recovery {
            None => false,
            Some(Recovery::Fast) => !ack.recovering,
            Some(Recovery::Timeout(end)) => {
                let end = end.unwrap_or(ack.nxt);
                self.recovery = Some(Recovery::Timeout(Some(end)));
                ack.una >= end
            }
        };
        if is_over {
            self.recovery = None;
            self.restore_cwnd();
        }
    }

    fn random(&mut self) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Controller for Bbr {
    fn window(&self) -> u64 {
        self.cwnd
    }

    /// BBR has no threshold: the window grows as in slow start during Startup.
    fn ssthresh(&self) -> u64 {
        match self.full_bw_reached {
            false => u64::MAX,
            true => self.cwnd,
        }
    }

    /// UpdateOnACK (§5.2.3).
    fn on_ack(&mut self, ack: &Ack) {
        if let (false, Some(srtt)) = (self.has_seen_rtt, ack.round_trips.smoothed()) {
            self.init_pacing_rate(Some(srtt));
        }
        self.cwnd_limited[0] |= ack.in_flight + self.mss >= self.cwnd;
        self.follow_recovery(ack);
        let rs = self.sample(ack);
        self.update_model_and_state(&rs);
        self.set_pacing_rate(self.state.pacing_gain());
        self.set_send_quantum();
        self.set_cwnd(&rs);
        self.is_state_saved &= self.recovery.is_some();
    }

    /// OnEnterFastRecovery (§5.6.4.4).
    fn on_congestion(&mut self, _loss: &Loss) {
        self.save_state_upon_loss();
        self.recovery = Some(Recovery::Fast);
    }

    /// Every loss has told the model already (§5.5.10).
    fn on_congestion_again(&mut self, _loss: &Loss) {}

    /// The draft leaves the answer open and asks for one (§3.6): a mark counts for this round like
    /// a loss, and ends an attempt to send more.
    fn on_ecn(&mut self, mark: &Loss) {
        self.note_loss();
        self.is_mark_in_round = true;
        if self.is_bw_probe_sample {
            self.handle_inflight_too_high(mark.now, mark.in_flight, false);
        } else if self.state == State::Startup {
            self.leave_startup_congested();
        }
    }

    /// OnEnterRTO (§5.6.4.4).
    fn on_timeout(&mut self, _loss: &Loss, first: bool) {
        if first {
            self.save_state_upon_loss();
        }
        self.recovery = Some(Recovery::Timeout(None));
        self.cwnd = self.mss;
    }

    /// HandleSpuriousLossDetection (§5.5.11.2).
    fn on_spurious(&mut self, _now: Instant) {
        self.restore_cwnd();
        self.undo_losses();
    }

    /// HandleLostPacket (§5.5.10.2).
    fn on_segment_lost(&mut self, segment: &LostSegment) {
        self.delivered = segment.total_delivered;
        self.note_loss();
        self.lost_in_round += segment.octets;
        self.count_range(segment);
        if self.is_bw_probe_sample && is_inflight_too_high(segment.lost, segment.tx_in_flight) {
            let in_flight = inflight_at_loss(segment);
            self.handle_inflight_too_high(segment.now, in_flight, segment.is_app_limited);
        }
    }

    /// HandleRestartFromIdle (§5.4.1).
    fn on_restart(&mut self, now: Instant) {
        self.idle_restart = true;
        self.extra_acked_interval_start = now;
        if self.state.is_probe_bw() {
            self.set_pacing_rate(100);
        } else if self.state == State::ProbeRtt {
            self.check_probe_rtt_done(now);
        }
    }

    /// §5.4.2: the model stays as good as it was, and what is sent is paced.
    fn on_idle(&mut self) {}

    fn set_mss(&mut self, mss: usize) {
        let segments = self.initial_cwnd / self.mss;
        self.mss = mss.clamp(1, usize::from(u16::MAX)) as u64;
        self.initial_cwnd = segments * self.mss;
        self.cwnd = self.cwnd.max(self.mss);
    }

    fn take_over(&mut self, window: u64, _ssthresh: u64) {
        self.cwnd = window.max(self.min_pipe_cwnd());
    }

    fn pacing_rate(&self) -> Option<u64> {
        Some(self.pacing_rate)
    }

    fn governs_recovery(&self) -> bool {
        true
    }

    fn fingerprint(&self, now: Instant, _ceiling: u64) -> u64 {
        let mut relative = self.clone();
        let ago = |then: Instant| Instant::ZERO + now.since(then);
        relative.cycle_stamp = ago(self.cycle_stamp);
        relative.min_rtt_stamp = ago(self.min_rtt_stamp);
        relative.extra_acked_interval_start = ago(self.extra_acked_interval_start);
        relative.probe_rtt_done_stamp =
            (self.probe_rtt_done_stamp).map(|at| Instant::ZERO + at.since(now));
        let mut hasher = SipHasher13::new();
        relative.hash(&mut hasher);
        hasher.finish()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// LossThresh: 2 % of what was in flight (§2.8).
const LOSS_THRESH: u64 = 2;

/// IsInflightTooHigh (§5.5.10.2).
fn is_inflight_too_high(lost: u64, tx_in_flight: u64) -> bool {
    u128::from(lost) * 100 > u128::from(tx_in_flight) * u128::from(LOSS_THRESH)
}

/// InflightAtLoss (§5.5.10.2): how much was in flight when the losses crossed the threshold, which
/// may be in the midst of this segment.
fn inflight_at_loss(segment: &LostSegment) -> u64 {
    let inflight_prev = segment.tx_in_flight.saturating_sub(segment.octets);
    let lost_prev = segment.lost.saturating_sub(segment.octets);
    let lost_prefix = (LOSS_THRESH * inflight_prev).saturating_sub(100 * lost_prev);
    inflight_prev + lost_prefix / (100 - LOSS_THRESH)
}

/// This many percent of it; what is not bounded stays so.
fn percent(amount: u64, percent: u64) -> u64 {
    match amount {
        INFINITY => INFINITY,
        _ => {
            let part = u128::from(amount) * u128::from(percent) / 100;
            u64::try_from(part).unwrap_or(INFINITY)
        }
    }
}
