//! CUBIC (RFC 9438), with HyStart++ (RFC 9406) for the first slow start.
//!
//! In congestion avoidance the window follows a curve of the time t since the stage began: from
//! where the last reduction left it, ever more slowly to where it was before (the concave region),
//! then ever faster beyond (the convex region).
//!
//! ```text
//!    cwnd                                  .
//!    W_max  - - - - - - - - -_..--''''--..'         W_cubic(t) = C * (t - K)^3 + W_max
//!                       _.-'
//!                     .'                            K = cube root of ((W_max - cwnd_epoch) / C)
//!    cwnd_epoch      /
//!                    +----------------+-----► t
//!                    0                K
//! ```
//!
//! The RFC counts in segments and seconds; here it is octets, one MSS for a segment, and
//! microseconds. All arithmetic is in integers, so that every machine gets the same results.

mod curve;
mod segments;

use core::hash::{Hash, Hasher};
use core::time::Duration;

use siphasher::sip::SipHasher13;

use super::hystart::HyStart;
use super::validation::{Limits, Validation, Window};
use super::{Ack, Controller, Loss, LostSegment, abc_limit, initial_window};
use crate::config::SlowStartSigns;
use crate::time::Instant;
use curve::{MAX_WINDOW, time_to, w_cubic};

pub use segments::CubicInSegments;

/// beta_cubic of RFC 9438 §4.6: 0.7, as a fraction.
const BETA: (u64, u64) = (7, 10);
/// In a window of fewer segments than this, the room for a part of a segment may be more than a
/// twentieth.
const SMALL_WINDOW: u64 = 20;
/// (1 + beta_cubic) / 2: fast convergence (RFC 9438 §4.7).
const FAST_CONVERGENCE: (u64, u64) = (17, 20);
/// alpha_cubic of RFC 9438 §4.3: 3 * (1 - beta_cubic) / (1 + beta_cubic).
const ALPHA: (u128, u128) = (9, 17);
/// L of RFC 9406 §4.3 for a sender that does not pace, in segments.
const HYSTART_LIMIT: u64 = 8;

/// The congestion control of RFC 9438.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cubic {
    mss: u64,
    initial_segments: u32,
    cwnd: Fine,
    ssthresh: u64,
    /// cwnd_prior: cwnd when ssthresh was last set, in octets.
    cwnd_prior: u64,
    /// W_max: cwnd before the last reduction, or less by fast convergence, in octets. 0: the next
    /// stage of congestion avoidance begins with a W_max of its own.
    w_max: u64,
    /// The stage of congestion avoidance under way.
    stage: Option<Stage>,
    /// The most segments by which an acknowledgment increases the window in slow start; `None`: as
    /// the constants above say.
    slow_start_limit: Option<u64>,
    /// `None`: slow start ends with a loss.
    hystart: Option<HyStart>,
    /// Windows and ssthresh are whole segments.
    in_segments: bool,
    /// What the last loss changed.
    undo: Option<Box<Undo>>,
    /// How much of the window is used, for validation (RFC 7661).
    validation: Option<Box<Validation>>,
}

/// What a loss changes, as it was before (RFC 9438 §4.9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Undo {
    cwnd: Fine,
    ssthresh: u64,
    cwnd_prior: u64,
    w_max: u64,
    stage: Option<Stage>,
}

/// A stage of congestion avoidance (RFC 9438 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stage {
    /// t: how long the stage has lasted; times without use of the whole window do not count.
    t: Duration,
    /// Up to when t has been counted.
    counted_to: Instant,
    /// K, in microseconds.
    k: u64,
    /// W_est: the window that Reno would have.
    w_est: Fine,
}

/// A window in units of 2^-16 octets: what a single ACK adds to a large one is less than an octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Fine(u64);

impl Fine {
    const BITS: u32 = 16;
    const MAX: Fine = Fine::from_octets(MAX_WINDOW);

    const fn from_octets(octets: u64) -> Fine {
        Fine(octets << Fine::BITS)
    }

    const fn octets(self) -> u64 {
        self.0 >> Fine::BITS
    }

    /// Larger by `octets * multiplier / divisor`, but at most [`Fine::MAX`]. The product must fit
    /// in 112 bits.
    fn grown_by(self, octets: u128, multiplier: u128, divisor: u128) -> Fine {
        let gain = ((octets * multiplier) << Fine::BITS) / divisor;
        let sum = u128::from(self.0) + gain;
        u64::try_from(sum).map_or(Fine::MAX, |sum| Fine(sum).min(Fine::MAX))
    }
}

impl Cubic {
    /// A controller at the start of a connection, with a window of `segments` of `mss` octets,
    /// bounded by [`initial_window`].
    pub fn new(mss: usize, segments: u32) -> Cubic {
        let mss = in_range(mss);
        Cubic {
            mss,
            initial_segments: segments,
            cwnd: Fine::from_octets(initial_window(mss, segments).min(MAX_WINDOW)),
            ssthresh: u64::MAX,
            cwnd_prior: 0,
            w_max: 0,
            stage: None,
            slow_start_limit: None,
            hystart: Some(HyStart::default()),
            in_segments: false,
            undo: None,
            validation: None,
        }
    }

    /// The most segments by which an acknowledgment increases the window in slow start; `None`: as
    /// in RFC 9406 and RFC 3465.
    #[must_use]
    pub fn slow_start_limit(mut self, segments: Option<u32>) -> Cubic {
        self.slow_start_limit = segments.map(u64::from);
        self
    }

    /// With HyStart++ (RFC 9406), or without.
    #[must_use]
    pub fn hystart(mut self, hystart: bool) -> Cubic {
        self.hystart = self.hystart.filter(|_| hystart);
        self
    }

    /// With congestion window validation (RFC 7661), or without.
    #[must_use]
    pub fn validated(mut self, validation: bool) -> Cubic {
        self.validation = validation.then(Box::default);
        self
    }

    /// The same in whole segments, as in Linux. Slow start ends at once by these signs; `None`: as
    /// without whole segments.
    pub fn in_segments(mut self, signs: Option<SlowStartSigns>) -> CubicInSegments {
        self.in_segments = true;
        CubicInSegments::new(self, signs)
    }

    /// The initial window of a connection that starts now.
    fn initial_window(&self) -> u64 {
        initial_window(self.mss, self.initial_segments).min(MAX_WINDOW)
    }

    /// RFC 7661: reduces a window that is not used.
    fn validate(&mut self, change: impl FnOnce(&mut Validation, Window, Limits) -> Window) {
        if self.validation.is_none() {
            return;
        }
        let before = Window {
            cwnd: self.window(),
            ssthresh: self.ssthresh,
        };
        let limits = Limits {
            mss: self.mss,
            initial_window: self.initial_window(),
        };
        let Some(validation) = &mut self.validation else {
            return;
        };
        let after = change(validation, before, limits);
        if after != before {
            self.cwnd = Fine::from_octets(after.cwnd);
            self.ssthresh = after.ssthresh;
            self.stage = None;
        }
    }

    /// After a timeout, a mark or a spurious loss there is no recovery whose end would change the
    /// window.
    fn forget_use(&mut self) {
        if let Some(validation) = &mut self.validation {
            validation.reset();
        }
    }

    /// RFC 9438 §4.10.
    #[inline(always)]
    fn slow_start(&mut self, ack: &Ack) {
        // RFC 9406 §4.3: HyStart++ is for the first slow start; the standard one for all others.
        let first = self.ssthresh == u64::MAX;
        if ack.window_limited {
            self.grow_in_slow_start(ack, first);
        }
        if first
            && let Some(hystart) = &mut self.hystart
            && hystart.on_ack(ack)
        {
            self.leave_slow_start();
        }
    }

    /// HyStart has found that the window is large enough.
    fn leave_slow_start(&mut self) {
        self.ssthresh = self.window();
        self.cwnd_prior = self.window();
    }

    /// `first`: it is the first slow start.
    #[inline(never)]
    fn grow_in_slow_start(&mut self, ack: &Ack, first: bool) {
        let (limit, divisor) = match self.hystart.as_ref().filter(|_| first) {
            Some(hystart) => (HYSTART_LIMIT, hystart.growth_divisor()),
            None => (abc_limit(ack), 1),
        };
        let limit = self.slow_start_limit.unwrap_or(limit);
        let acked = u128::from(ack.acked.min(limit.saturating_mul(self.mss)));
        let most = Fine::from_octets(self.ssthresh.min(MAX_WINDOW));
        self.cwnd = self.cwnd.grown_by(acked, 1, divisor.into()).min(most);
    }

    #[inline(never)]
    fn avoid_congestion(&mut self, ack: &Ack) {
        let (mss, cwnd) = (self.mss, self.window());
        if self.stage.is_none() {
            self.start_stage(ack.now);
        }
        let Some(stage) = &mut self.stage else {
            return;
        };
        let elapsed = ack.now - core::mem::replace(&mut stage.counted_to, ack.now);
        if !ack.window_limited {
            // §4.2, §5.8: neither the window nor t grows while the application sends less.
            return;
        }
        let srtt = ack.round_trips.smoothed().unwrap_or_default();
        // What is acknowledged was sent a round trip ago; before that the sender may have been
        // idle.
        stage.t = stage.t.saturating_add(elapsed.min(srtt));
        let acked = u128::from(ack.acked.min(MAX_WINDOW));
        // §4.3, figure 4: W_est + alpha_cubic * segments_acked / cwnd; 1 for alpha_cubic once
        // W_est has grown to cwnd_prior.
        let alpha = match stage.w_est.octets() < self.cwnd_prior {
            true => ALPHA,
            false => (1, 1),
        };
        let divisor = alpha.1 * u128::from(cwnd);
        stage.w_est = (stage.w_est).grown_by(acked, alpha.0 * u128::from(mss), divisor);
        let (w_est, k, t) = (stage.w_est, stage.k, stage.t);
        if w_cubic(mss, self.w_max, k, t) < w_est.octets() {
            // §4.3: the Reno-friendly region. The window may already lie above W_est, because it
            // runs a round trip ahead of the curve: it does not shrink without a loss.
            self.cwnd = self.cwnd.max(w_est);
            return;
        }
        // §4.2: target; §4.4, §4.5: (target - cwnd) / cwnd for every segment.
        let ahead = w_cubic(mss, self.w_max, k, t.saturating_add(srtt));
        let target = ahead.clamp(cwnd, (cwnd + cwnd / 2).min(MAX_WINDOW));
        let distance = u128::from(target - cwnd);
        let grown = self.cwnd.grown_by(acked, distance, cwnd.into());
        self.cwnd = grown.min(Fine::from_octets(target)).max(self.cwnd);
    }

    /// RFC 9438 §4.2: cwnd_epoch is cwnd now. After a timeout (§4.8) or HyStart++ (§4.10), which
    /// leave no W_max, that is W_max too, and K is 0.
    fn start_stage(&mut self, now: Instant) {
        let cwnd_epoch = self.window();
        self.w_max = self.w_max.max(cwnd_epoch);
        self.stage = Some(Stage {
            t: Duration::ZERO,
            counted_to: now,
            k: time_to(self.w_max - cwnd_epoch, self.mss),
            w_est: self.cwnd,
        });
    }

    /// RFC 9438 §4.6: what was in flight, because an unused window has proved nothing. But a window without
    /// room for another whole segment was fully used, and in a small window the room for a part of a
    /// segment matters.
    fn in_use(&self, in_flight: u64) -> u64 {
        let (in_flight, window) = (in_flight.min(MAX_WINDOW), self.window());
        let is_used = in_flight + self.mss > window;
        match is_used && window < SMALL_WINDOW * self.mss {
            true => in_flight.max(window),
            false => in_flight,
        }
    }

    /// RFC 9438 §4.6, §4.7: reduces the window for a loss or a mark. Returns what ssthresh would be
    /// without a floor.
    fn reduce(&mut self, loss: &Loss) -> u64 {
        let cwnd = self.window();
        self.undo = Some(Box::new(Undo {
            cwnd: self.cwnd,
            ssthresh: self.ssthresh,
            cwnd_prior: self.cwnd_prior,
            w_max: self.w_max,
            stage: self.stage.take(),
        }));
        // §4.7: another flow has come, so leave it more room.
        self.w_max = match cwnd < self.w_max {
            true => cwnd * FAST_CONVERGENCE.0 / FAST_CONVERGENCE.1,
            false => cwnd,
        };
        self.cwnd_prior = cwnd;
        let reduced = self.in_use(loss.in_flight) * BETA.0 / BETA.1;
        let reduced = match self.in_segments {
            true => reduced - reduced % self.mss,
            false => reduced,
        };
        self.ssthresh = reduced.max(2 * self.mss);
        reduced
    }
}

/// No segment is longer than a datagram.
fn in_range(mss: usize) -> u64 {
    mss.clamp(1, usize::from(u16::MAX)) as u64
}

impl Controller for Cubic {
    fn window(&self) -> u64 {
        // In whole segments, a part of one does not count.
        let octets = self.cwnd.octets();
        match self.in_segments {
            true => (octets - octets % self.mss).max(self.mss),
            false => octets,
        }
    }

    fn ssthresh(&self) -> u64 {
        self.ssthresh
    }

    #[inline(always)]
    fn on_ack(&mut self, ack: &Ack) {
        self.validate(|validation, window, limits| validation.on_ack(ack, window, limits));
        if ack.recovering {
            return;
        }
        match self.window() < self.ssthresh {
            true => self.slow_start(ack),
            false => self.avoid_congestion(ack),
        }
    }

    fn on_congestion(&mut self, loss: &Loss) {
        let cwnd = self.window();
        let used = (self.validation.as_mut()).and_then(|known| known.on_congestion(loss, cwnd));
        self.reduce(loss);
        if let Some(used) = used {
            // RFC 7661 §4.4.1. Unused window is not where congestion began.
            (self.w_max, self.cwnd_prior) = (used, used);
            self.ssthresh = (used / 2).max(2 * self.mss);
        }
        self.cwnd = Fine::from_octets(self.ssthresh);
    }

    fn on_congestion_again(&mut self, loss: &Loss) {
        let undo = self.undo.take();
        self.on_congestion(loss);
        self.undo = undo;
    }

    fn on_segment_lost(&mut self, segment: &LostSegment) {
        if let Some(validation) = &mut self.validation {
            validation.on_segment_lost(segment.start, segment.octets);
        }
    }

    fn on_restart(&mut self, now: Instant) {
        self.validate(|validation, window, limits| validation.age(now, window, limits));
    }

    /// RFC 9438 §4.6: a mark may leave a window of one segment; and it is never a mistake.
    fn on_ecn(&mut self, mark: &Loss) {
        let reduced = self.reduce(mark);
        self.cwnd = Fine::from_octets(reduced.max(self.mss));
        self.undo = None;
        self.forget_use();
    }

    fn on_timeout(&mut self, loss: &Loss, first: bool) {
        // RFC 5681 §3.1: ssthresh is held when the same segment is lost again.
        if first {
            self.reduce(loss);
        }
        self.w_max = 0;
        self.stage = None;
        self.cwnd = Fine::from_octets(self.mss);
        self.forget_use();
    }

    /// RFC 9438 §4.9: unless the window has grown past where it was.
    fn on_spurious(&mut self, _now: Instant) {
        self.forget_use();
        let Some(undo) = self.undo.take() else {
            return;
        };
        if self.window() < self.cwnd_prior {
            self.cwnd = undo.cwnd;
            self.ssthresh = undo.ssthresh;
            self.cwnd_prior = undo.cwnd_prior;
            self.w_max = undo.w_max;
            self.stage = undo.stage;
        }
    }

    fn take_over(&mut self, window: u64, ssthresh: u64) {
        self.cwnd = Fine::from_octets(window.clamp(self.mss, MAX_WINDOW));
        self.ssthresh = ssthresh;
    }

    fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min(Fine::from_octets(self.initial_window()));
        self.stage = None;
    }

    fn set_mss(&mut self, mss: usize) {
        let before = self.window();
        let segments = (before / self.mss).max(1);
        self.mss = in_range(mss);
        // RFC 8899 §3, 7: longer segments do not make the window larger.
        let window = (segments * self.mss).min(before).max(self.mss);
        self.cwnd = Fine::from_octets(window.min(MAX_WINDOW));
        // The curve of the stage was for segments of the old size. What a loss took is in octets,
        // and may still be restored: two spurious timeouts raise the suspicion of a black hole (RFC
        // 8899 §4.3).
        self.stage = None;
        if let Some(undo) = &mut self.undo {
            undo.stage = None;
        }
    }

    fn looks_at_rate(&self) -> bool {
        false
    }

    fn fingerprint(&self, now: Instant, _ceiling: u64) -> u64 {
        // Even a window that does not limit sending decides the future: it becomes W_max after a
        // loss.
        let Cubic {
            mss,
            initial_segments,
            cwnd,
            ssthresh,
            cwnd_prior,
            w_max,
            stage,
            slow_start_limit: _,
            in_segments: _,
            hystart,
            undo,
            validation,
        } = self;
        let relative = |stage: &Stage| {
            let uncounted = now - stage.counted_to;
            (stage.t, uncounted, stage.k, stage.w_est)
        };
        let stage = stage.as_ref().map(relative);
        let undo = (undo.as_ref()).map(|undo| {
            let stage = undo.stage.as_ref().map(relative);
            (undo.cwnd, undo.ssthresh, undo.cwnd_prior, undo.w_max, stage)
        });
        let mut hasher = SipHasher13::new();
        (mss, initial_segments, cwnd, ssthresh).hash(&mut hasher);
        (cwnd_prior, w_max, stage, hystart, undo).hash(&mut hasher);
        if let Some(validation) = validation {
            validation.hash(now, &mut hasher);
        }
        hasher.finish()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::congestion::RoundTrips;
    use crate::tcp::seq::Seq;
    use proptest::prelude::*;

    const MSS: u64 = 1000;

    fn ack(now_ms: u64, acked: u64, rtt_ms: u64) -> Ack {
        Ack {
            round_trips: RoundTrips::new(Some(Duration::from_millis(rtt_ms)), None, None),
            ..Ack::of(Instant::from_millis(now_ms), acked)
        }
    }

    fn loss(in_flight: u64) -> Loss {
        Loss {
            now: Instant::ZERO,
            in_flight,
        }
    }

    /// In congestion avoidance after a loss at a window of this many segments.
    fn after_loss(segments: u32) -> Cubic {
        let mut cubic = Cubic::new(MSS as usize, segments);
        cubic.on_congestion(&loss(cubic.window()));
        cubic
    }

    /// A round trip: every segment of the window is acknowledged, one by one, spread over it.
    fn round(cubic: &mut Cubic, now: &mut u64, rtt_ms: u64) {
        let segments = cubic.window() / MSS;
        for segment in 1..=segments {
            cubic.on_ack(&ack(*now + rtt_ms * segment / segments, MSS, rtt_ms));
        }
        *now += rtt_ms;
    }

    /// RFC 9438 §4.6: beta_cubic is 0.7, and two segments are the least.
    #[test]
    fn a_loss_leaves_seven_tenths() {
        let mut cubic = after_loss(100);
        assert_eq!((cubic.window(), cubic.ssthresh()), (70_000, 70_000));
        assert_eq!((cubic.w_max, cubic.cwnd_prior), (100_000, 100_000));
        cubic.on_congestion(&loss(10 * MSS));
        assert_eq!(cubic.window(), 7_000, "of what was in flight");
        cubic.on_congestion(&loss(MSS));
        assert_eq!((cubic.window(), cubic.ssthresh()), (2_000, 2_000));
    }

    /// RFC 9438 §4.6: with a window of ten and a half segments, ten are in flight if all of it is in use;
    /// in one of 31 and a half the half does not matter.
    #[test]
    fn what_is_begun_of_a_segment_is_in_use() {
        for (before, window, in_flight, left) in [
            (15, 10_500, 10, 7_350),
            (15, 10_500, 9, 6_300),
            (45, 31_500, 31, 21_700),
        ] {
            let mut cubic = after_loss(before);
            assert_eq!(cubic.window(), window);
            cubic.on_congestion(&loss(in_flight * MSS));
            assert_eq!(cubic.ssthresh(), left, "{in_flight} segments in flight");
        }
    }

    /// RFC 9438 §4.6: a mark leaves seven tenths too, but of one segment one.
    #[test]
    fn marks_may_leave_one_segment() {
        let mut cubic = after_loss(100);
        cubic.on_ecn(&loss(50 * MSS));
        assert_eq!((cubic.window(), cubic.ssthresh()), (35_000, 35_000));
        cubic.on_ecn(&loss(MSS));
        assert_eq!((cubic.window(), cubic.ssthresh()), (1_000, 2_000));
        cubic.on_spurious(Instant::ZERO);
        assert_eq!(cubic.window(), 1_000, "a mark is no mistake");
    }

    /// RFC 9438 §4.9: the curve goes on as if nothing had been; unless the window has grown past
    /// where it was.
    #[test]
    fn what_a_spurious_loss_took_is_given_back() {
        let mut cubic = after_loss(100);
        (1..20).for_each(|now| cubic.on_ack(&ack(100 * now, MSS, 100)));
        let before = cubic.clone();
        cubic.on_congestion(&loss(70 * MSS));
        assert!(cubic.window() < before.window());
        cubic.on_spurious(Instant::from_secs(2));
        assert_eq!(
            Cubic {
                undo: None,
                ..before.clone()
            },
            cubic
        );
        cubic.on_timeout(&loss(70 * MSS), true);
        cubic.on_timeout(&loss(MSS), false);
        cubic.on_spurious(Instant::from_secs(2));
        assert_eq!(
            Cubic {
                undo: None,
                ..before
            },
            cubic
        );

        let mut cubic = after_loss(100);
        cubic.take_over(200 * MSS, 70 * MSS);
        cubic.on_spurious(Instant::ZERO);
        assert_eq!(cubic.window(), 200 * MSS);
    }

    /// RFC 9438 §4.7: below the last W_max, the next one is cwnd * (1 + beta_cubic) / 2.
    #[test]
    fn fast_convergence_leaves_more_room() {
        let mut cubic = after_loss(100);
        cubic.on_congestion(&loss(70 * MSS));
        assert_eq!((cubic.w_max, cubic.cwnd_prior), (59_500, 70_000));
        assert_eq!(cubic.window(), 49_000);
    }

    /// RFC 9438 §4.4, §4.5: the window slows down up to W_max, reaches it after K, and gathers
    /// speed beyond it.
    #[test]
    fn concave_up_to_w_max_and_convex_beyond() {
        let mut cubic = after_loss(1000);
        let (mut now, mut windows) = (0, vec![cubic.window()]);
        while now < 18_000 {
            round(&mut cubic, &mut now, 100);
            windows.push(cubic.window());
        }
        // K is the cube root of 300 / 0.4: 9.0856 s.
        assert_eq!(cubic.stage.as_ref().unwrap().k, 9_085_602);
        let gain = |secs: usize| windows[10 * secs + 10] - windows[10 * secs];
        assert!((1..8).all(|secs| gain(secs) < gain(secs - 1)), "concave");
        assert!((10..17).all(|secs| gain(secs) > gain(secs - 1)), "convex");
        assert!(windows[91].abs_diff(1_000_000) < MSS, "{}", windows[91]);
        // The window follows the curve one round trip ahead.
        for secs in 1..18 {
            let t = Duration::from_millis(secs * 1000);
            let curve = w_cubic(MSS, 1_000_000, 9_085_602, t);
            let window = windows[10 * secs as usize];
            assert!(window.abs_diff(curve) < curve / 50, "{secs}: {window}");
        }
    }

    /// RFC 9438 §4.2, §4.4, by hand: a second after a loss at 100 segments, with a round trip of one, target
    /// is W_cubic(2) = 0.4 * (2 - K)^3 + 100 = 95.6404. Of 70 segments, each that is acknowledged brings a
    /// seventieth of what is missing.
    #[test]
    fn the_target_is_where_the_curve_is_a_round_trip_later() {
        let mut cubic = after_loss(100);
        cubic.on_ack(&ack(0, 0, 1000));
        assert_eq!(cubic.window(), 70_000);
        cubic.on_ack(&ack(1000, MSS, 1000));
        assert_eq!(cubic.window(), 70_000 + 25_640 / 70);
    }

    /// RFC 9438 §4.2: however far the curve is ahead, target is at most half as much again.
    #[test]
    fn a_round_trip_adds_half_at_most() {
        let mut cubic = after_loss(100);
        cubic.on_ack(&ack(0, MSS, 60_000));
        let before = cubic.window();
        cubic.on_ack(&ack(60_000, before, 60_000));
        assert_eq!(cubic.window(), before + before / 2);
    }

    /// RFC 9438 §4.3: on a short path the window is W_est, which grows by alpha_cubic = 9/17
    /// segments in a round trip, and by one once it has reached cwnd_prior.
    #[test]
    fn on_a_short_path_it_grows_like_reno() {
        let mut cubic = after_loss(20);
        let mut now = 0;
        (0..10).for_each(|_| round(&mut cubic, &mut now, 1));
        // The window grows within a round trip too, so each adds a little less.
        let grown = cubic.window() - 14 * MSS;
        assert!((4_900..=5_294).contains(&grown), "{grown}");
        assert_eq!(cubic.cwnd, cubic.stage.as_ref().unwrap().w_est);
        while cubic.window() < 20 * MSS {
            round(&mut cubic, &mut now, 1);
        }
        let before = cubic.window();
        (0..10).for_each(|_| round(&mut cubic, &mut now, 1));
        let grown = cubic.window() - before;
        assert!((9_300..=10_000).contains(&grown), "{grown}");
    }

    /// RFC 9438 §4.8: one segment; then slow start to 0.7 of what was in flight; then a stage
    /// whose W_max is its own beginning. RFC 5681 §3.1: ssthresh is held when it repeats.
    #[test]
    fn a_timeout_starts_a_stage_of_its_own() {
        let mut cubic = after_loss(100);
        cubic.on_timeout(&loss(60 * MSS), true);
        assert_eq!((cubic.window(), cubic.ssthresh()), (1_000, 42_000));
        cubic.on_timeout(&loss(MSS), false);
        assert_eq!((cubic.window(), cubic.ssthresh()), (1_000, 42_000));
        let while_repaired = Ack {
            after_timeout: true,
            ..ack(0, 9 * MSS, 100)
        };
        cubic.on_ack(&while_repaired);
        assert_eq!(cubic.window(), 2_000, "RFC 3465 §2.3: L = 1");
        cubic.on_ack(&ack(0, 3 * MSS, 100));
        assert_eq!(cubic.window(), 4_000, "RFC 3465 §2.3: L = 2");
        (0..100).for_each(|_| cubic.on_ack(&ack(0, 10 * MSS, 100)));
        assert_eq!(cubic.w_max, 42_000);
        let stage = cubic.stage.as_ref().unwrap();
        assert_eq!((stage.k, stage.t), (0, Duration::ZERO));
    }

    /// RFC 9438 §4.2, §5.8: an application that does not use the window makes neither it nor t
    /// grow, nor does an idle time; RFC 5681 §4.1: after a long one it starts again.
    #[test]
    fn time_without_use_of_the_window_does_not_count() {
        let mut cubic = after_loss(100);
        cubic.on_ack(&ack(0, MSS, 100));
        let before = cubic.window();
        for now in 1..100 {
            cubic.on_ack(&Ack {
                window_limited: false,
                ..ack(100 * now, MSS, 100)
            });
        }
        assert_eq!(cubic.window(), before);
        cubic.on_ack(&ack(10_000, MSS, 100));
        cubic.on_ack(&ack(20_000, MSS, 100));
        let stage = cubic.stage.as_ref().unwrap();
        assert_eq!(stage.t, Duration::from_millis(200), "a round trip each");
        let mut cubic = Cubic::new(MSS as usize, 10);
        (0..9).for_each(|_| cubic.on_ack(&ack(0, 8 * MSS, 100)));
        cubic.on_idle();
        assert_eq!(cubic.window(), 10_000);
    }

    /// Segments of another length: the window is as many of them, but not larger than it was (RFC
    /// 8899 §3, 7), and a curve of the old ones ends.
    #[test]
    fn the_window_keeps_its_segments() {
        let mut cubic = after_loss(100);
        cubic.on_ack(&ack(0, MSS, 100));
        cubic.set_mss(500);
        assert_eq!((cubic.window(), &cubic.stage), (35_000, &None));
        // What a loss took is restored in octets, without that curve.
        cubic.on_spurious(Instant::ZERO);
        assert_eq!((cubic.window(), &cubic.stage), (100_000, &None));
        let mut cubic = Cubic::new(MSS as usize, 10);
        cubic.set_mss(1460);
        assert_eq!(cubic.window(), 10_000);
        cubic.on_ack(&ack(0, 8 * MSS, 100));
        cubic.on_idle();
        assert_eq!(cubic.window(), 14_600, "ten segments of the initial window");
    }

    /// RFC 9406 §4.3: L is 8. RFC 9438 §4.10: without a use for more, no growth.
    #[test]
    fn the_first_slow_start_takes_eight_segments_an_ack() {
        let mut cubic = Cubic::new(MSS as usize, 10);
        cubic.on_ack(&ack(0, 9 * MSS, 100));
        assert_eq!(cubic.window(), 18_000);
        cubic.on_ack(&Ack {
            window_limited: false,
            ..ack(0, 9 * MSS, 100)
        });
        assert_eq!(cubic.window(), 18_000);
    }

    /// RFC 9406 §4.2, RFC 9438 §4.10: the RTT grows: a quarter of the growth for five rounds, then
    /// congestion avoidance from there, with K = 0.
    #[test]
    fn hystart_leaves_slow_start_without_a_loss() {
        let mut cubic = Cubic::new(MSS as usize, 16);
        let mut una = Seq::initial(0);
        let mut factors = Vec::new();
        let mut rounds = 0;
        while cubic.ssthresh() == u64::MAX {
            assert!(rounds < 16, "still in slow start: {factors:?}");
            let (before, rtt) = (cubic.window(), if rounds < 3 { 50 } else { 60 });
            let end = una + before as usize;
            while una < end {
                una += MSS as usize;
                let divisor = cubic.hystart.as_ref().map_or(1, HyStart::growth_divisor);
                let window = cubic.window() + MSS / divisor;
                let round_trip = Duration::from_millis(rtt);
                cubic.on_ack(&Ack {
                    una,
                    nxt: if una < end {
                        end
                    } else {
                        una + window as usize
                    },
                    round_trips: RoundTrips::new(Some(round_trip), Some(round_trip), None),
                    ..ack(rounds * 60, MSS, rtt)
                });
            }
            factors.push(cubic.window() as f64 / before as f64);
            rounds += 1;
        }
        assert_eq!(factors[..3], [2.0; 3]);
        assert!(factors[4..8].iter().all(|f| (1.2..1.3).contains(f)));
        assert_eq!(cubic.ssthresh(), cubic.window());
        let window = cubic.window();
        cubic.on_ack(&ack(1000, MSS, 50));
        assert_eq!((cubic.w_max, cubic.cwnd_prior), (window, window));
        assert_eq!(cubic.stage.as_ref().unwrap().k, 0);
    }

    /// RFC 9438 §5.1, table 1: the average window at an RTT of 0.1 s, if one segment of this many is
    /// lost; C = 0.4. At 1 in 1,000 it is that of Reno. The formula behind the table knows no fast
    /// convergence, which takes a little away when losses are not quite alike.
    #[test]
    fn the_average_windows_are_those_of_the_table() {
        for (segments_a_loss, published) in [(1_000, 38), (10_000, 187), (100_000, 1_054)] {
            let mut cubic = after_loss(published as u32);
            let (mut now, mut sent, mut losses) = (0, 0, 0);
            let (mut sum, mut rounds) = (0, 0);
            while losses < 12 {
                round(&mut cubic, &mut now, 100);
                sent += cubic.window() / MSS;
                if sent >= segments_a_loss {
                    (sent, losses) = (0, losses + 1);
                    cubic.on_congestion(&loss(cubic.window()));
                }
                // By then it does not matter where the window began.
                if losses >= 4 {
                    (sum, rounds) = (sum + cubic.window() / MSS, rounds + 1);
                }
            }
            let average = sum / rounds;
            let difference = average.abs_diff(published);
            assert!(difference * 10 <= published, "{segments_a_loss}: {average}");
        }
    }

    /// RFC 7661 §4.4.1: a loss leaves half of what was used, not seven tenths of an unused window,
    /// and W_max is what was used.
    #[test]
    fn a_loss_of_a_window_that_was_not_used_is_one_of_what_was() {
        let mut cubic = Cubic::new(MSS as usize, 10).validated(true);
        cubic.take_over(100_000, u64::MAX);
        for round in 0..2 {
            let una = Seq::initial(0) + 20_000 * round;
            cubic.on_ack(&Ack {
                una,
                nxt: una,
                window_limited: false,
                ..ack(0, 20 * MSS, 100)
            });
        }
        assert_eq!(cubic.window(), 100_000);
        let mut later = cubic.clone();
        later.on_restart(Instant::from_millis(300_000));
        assert_eq!(later.window(), 50_000);
        cubic.on_congestion(&loss(30_000));
        assert_eq!((cubic.window(), cubic.ssthresh()), (15_000, 15_000));
        assert_eq!((cubic.w_max, cubic.cwnd_prior), (30_000, 30_000));
    }

    /// Controllers that act differently from now on have different fingerprints; the same one a
    /// while later has the same.
    #[test]
    fn the_fingerprint_counts_from_now() {
        let fingerprint = |cubic: &Cubic, ms| cubic.fingerprint(Instant::from_millis(ms), 1 << 20);
        let (mut early, mut late) = (after_loss(100), after_loss(100));
        assert_eq!(fingerprint(&early, 0), fingerprint(&late, 7));
        early.on_ack(&ack(0, MSS, 100));
        late.on_ack(&ack(7, MSS, 100));
        assert_eq!(fingerprint(&early, 10), fingerprint(&late, 17));
        assert_ne!(fingerprint(&early, 10), fingerprint(&early, 11));
        early.on_ack(&ack(10, MSS, 100));
        late.on_ack(&ack(18, MSS, 100));
        assert_ne!(fingerprint(&early, 20), fingerprint(&late, 28));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Ack(Ack),
        Loss(u64),
        Timeout(u64, bool),
        Mark(u64),
        Spurious,
        Idle,
        Mss(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let octets = prop_oneof![4 => 0..100_000u64, 1 => any::<u64>()];
        let nanos = prop_oneof![4 => 0..10_000_000_000u64, 1 => any::<u64>()];
        let acks = (octets.clone(), nanos.clone(), nanos, any::<[u32; 2]>());
        let acks = (acks, any::<[bool; 3]>()).prop_map(|(numbers, [limited, srtt, rtt])| {
            let (acked, now, round_trip, [una, nxt]) = numbers;
            let round_trip = Duration::from_nanos(round_trip);
            Step::Ack(Ack {
                una: Seq::initial(una),
                nxt: Seq::initial(nxt),
                in_flight: acked,
                window_limited: limited,
                round_trips: RoundTrips::new(
                    srtt.then_some(round_trip),
                    rtt.then_some(round_trip),
                    None,
                ),
                ..Ack::of(Instant::from_nanos(now), acked)
            })
        });
        let step = prop_oneof![
            20 => acks,
            2 => octets.clone().prop_map(Step::Loss),
            1 => octets.clone().prop_map(Step::Mark),
            1 => Just(Step::Spurious),
            1 => (octets, any::<bool>()).prop_map(|(octets, first)| Step::Timeout(octets, first)),
            1 => Just(Step::Idle),
            1 => prop_oneof![Just(536), Just(1460), any::<usize>()].prop_map(Step::Mss),
        ];
        prop::collection::vec(step, 1..200)
    }

    proptest! {
        /// Whatever happens, and in whatever order: a segment at least, and never more than a peer
        /// can let us send; an ACK takes nothing away, and ACKs give no more than they acknowledge.
        #[test]
        fn the_window_stays_within_bounds(
            mss in prop_oneof![Just(536), Just(1460), any::<usize>()],
            segments in prop_oneof![Just(10), any::<u32>()],
            steps in steps(),
        ) {
            let mut cubic = Cubic::new(mss, segments);
            let mut most = cubic.cwnd.octets();
            for step in steps {
                let before = cubic.window();
                match step {
                    Step::Ack(ack) => {
                        cubic.on_ack(&ack);
                        most = most.saturating_add(ack.acked);
                        prop_assert!((before..=most).contains(&cubic.window()));
                    }
                    Step::Loss(in_flight) => cubic.on_congestion(&loss(in_flight)),
                    Step::Timeout(in_flight, first) => cubic.on_timeout(&loss(in_flight), first),
                    Step::Mark(in_flight) => cubic.on_ecn(&loss(in_flight)),
                    Step::Spurious => cubic.on_spurious(Instant::ZERO),
                    Step::Idle => cubic.on_idle(),
                    Step::Mss(mss) => cubic.set_mss(mss),
                }
                // W_est may run ahead of the window, which then catches up at once (§4.3).
                let w_est = cubic.stage.as_ref().map_or(0, |stage| stage.w_est.octets());
                match step {
                    Step::Ack(_) => {}
                    // A part of a segment counts: one more octet may complete it.
                    Step::Spurious => most = most.max(cubic.cwnd.octets()).max(w_est),
                    _ => most = cubic.cwnd.octets(),
                }
                prop_assert!((cubic.mss..=MAX_WINDOW).contains(&cubic.window()));
                prop_assert!(cubic.w_max <= MAX_WINDOW && cubic.cwnd_prior <= MAX_WINDOW);
                prop_assert_eq!(cubic.clone_box().window(), cubic.window());
            }
        }
    }
}
