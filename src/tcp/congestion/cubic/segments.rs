//! CUBIC in whole segments, with the arithmetic of common hosts: see
//! [`CongestionHabits::window_in_segments`](crate::config::CongestionHabits::window_in_segments).
//!
//! In congestion avoidance, an increase of the window by a segment has a price in acknowledged segments:
//! the window divided by how many segments it lies below the curve, or below the window of Reno.
//! Acknowledged segments are saved until they buy one, at the price of that moment.

use core::hash::{Hash, Hasher};
use core::time::Duration;

use siphasher::sip::SipHasher13;

use super::super::hystart::at_once::HyStart;
use super::curve::cube_root;
use super::{Ack, Controller, Cubic, Fine, Loss, LostSegment, MAX_WINDOW};
use crate::config::SlowStartSigns;
use crate::time::Instant;

/// t and K are counted in this fraction of a second.
const PARTS: u64 = 1024;
/// C of RFC 9438 §5.1, 0.4 segments per cubic second, in parts of 1,024.
const C: u64 = 410;
/// (1 + beta_cubic) / (3 * (1 - beta_cubic)) of RFC 9438 §4.3, in eighths: for each such multiple of a
/// window that is acknowledged, the window of Reno grows by a segment.
const RENO_PRICE: u64 = 15;
/// The highest price of a segment while no W_max is known.
const SEARCH: u64 = 20;
/// While the window stays the same, its price is computed again after this long.
const PRICE_LASTS: Duration = Duration::from_millis(31);
/// For this long after a stage has begun, round trips may still be those of a queue.
const QUEUE_LASTS: Duration = Duration::from_secs(1);
/// The square of this bounds t, in milliseconds: no target is so far away.
const FAR: u64 = 1 << 20;

/// The congestion control of RFC 9438, in whole segments. Slow start and the reaction to losses are those
/// of [`Cubic`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CubicInSegments {
    cubic: Cubic,
    /// The stage of congestion avoidance under way.
    stage: Option<Stage>,
    /// Acknowledged segments that have bought nothing yet.
    saved: u64,
    /// The price of a segment.
    price: u64,
    /// The window for which, and when, the price was computed.
    asked: Option<(u64, Instant)>,
    /// The least round trip since the last timeout.
    least: Option<Duration>,
    /// What ends slow start at once; `None`: nothing does, and HyStart++ of `cubic` may.
    hystart: Option<HyStart>,
}

/// A stage of congestion avoidance (RFC 9438 §4.2); windows are in segments.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stage {
    /// t counts from here, except for times in which nothing was in flight.
    began: Instant,
    /// K, in parts of a second.
    k: u64,
    /// Where the curve is flat: W_max, or the first window.
    flat: u64,
    /// Acknowledged segments that have not increased the window of Reno yet.
    acked: u64,
    /// W_est: the window that Reno would have.
    reno: u64,
}

impl CubicInSegments {
    /// CUBIC that counts in whole segments.
    pub(super) fn new(cubic: Cubic, signs: Option<SlowStartSigns>) -> CubicInSegments {
        CubicInSegments {
            cubic,
            stage: None,
            saved: 0,
            price: 1,
            asked: None,
            least: None,
            hystart: signs.map(HyStart::new),
        }
    }

    fn segments(&self) -> u64 {
        self.cubic.window() / self.cubic.mss
    }

    /// Takes a sample of the round trip, which may end slow start: during a recovery, too, if the window is
    /// below ssthresh then.
    fn sample(&mut self, ack: &Ack) {
        let is_new = |stage: &Stage| ack.now - stage.began < QUEUE_LASTS;
        if self.stage.as_ref().is_some_and(is_new) {
            return;
        }
        let Some(latest) = ack.round_trips.latest() else {
            return;
        };
        let least = self.least.map_or(latest, |least| least.min(latest));
        self.least = Some(least);
        let window = self.cubic.window();
        if window < self.cubic.ssthresh
            && let Some(hystart) = &mut self.hystart
            && hystart.on_sample(ack, least, window, self.cubic.mss)
        {
            self.cubic.leave_slow_start();
        }
    }

    /// `acked` segments are acknowledged in congestion avoidance.
    fn avoid_congestion(&mut self, now: Instant, acked: u64) {
        self.ask_for_price(now, acked);
        let mut grown = 0;
        // Savings from a time of a higher price buy a segment.
        if self.saved >= self.price {
            (self.saved, grown) = (0, 1);
        }
        self.saved += acked;
        grown += self.saved / self.price;
        self.saved %= self.price;
        let window = (self.segments() + grown) * self.cubic.mss;
        self.cubic.cwnd = Fine::from_octets(window.min(MAX_WINDOW));
    }

    fn ask_for_price(&mut self, now: Instant, acked: u64) {
        let window = self.segments();
        if let Some(stage) = &mut self.stage {
            stage.acked += acked;
        }
        if (self.asked).is_some_and(|(then, at)| then == window && now - at <= PRICE_LASTS) {
            return;
        }
        // The clock has ticks of a millisecond, and the curve is computed once in each.
        let same_tick = |(_, at): (u64, Instant)| at.as_millis() == now.as_millis();
        if self.stage.is_none() || !self.asked.is_some_and(same_tick) {
            self.asked = Some((window, now));
            self.price = self.price_of_curve(now, window, acked);
        }
        let Some(stage) = &mut self.stage else {
            return;
        };
        let reno = stage.reno_of(window);
        if let Some(price_of_reno) = window.checked_div(reno.saturating_sub(window)) {
            self.price = self.price.min(price_of_reno);
        }
        self.price = self.price.max(2);
    }

    fn price_of_curve(&mut self, now: Instant, window: u64, acked: u64) -> u64 {
        let w_max = self.cubic.w_max / self.cubic.mss;
        let stage = self.stage.get_or_insert_with(|| Stage {
            began: now,
            k: time_to(w_max.saturating_sub(window)),
            flat: w_max.max(window),
            acked,
            reno: window,
        });
        let target = stage.curve_at(now - stage.began + self.least.unwrap_or_default());
        let price = window.checked_div(target.saturating_sub(window));
        let price = price.unwrap_or(100 * window);
        match w_max {
            0 => price.min(SEARCH),
            _ => price,
        }
    }

    /// A loss ends the stage, and the savings lapse.
    fn end_stage(&mut self) {
        self.stage = None;
        self.saved = 0;
    }
}

impl Stage {
    /// The curve at `t`, in segments, rounded towards its flat part.
    fn curve_at(&self, t: Duration) -> u64 {
        let millis = u64::try_from(t.as_millis()).unwrap_or(u64::MAX);
        let t = (millis.min(FAR * FAR) * PARTS) / 1000;
        let cube = u128::from(t.abs_diff(self.k)).pow(3);
        let offset = (u128::from(C) * cube) >> 40;
        let offset = u64::try_from(offset).map_or(MAX_WINDOW, |offset| offset.min(MAX_WINDOW));
        match t < self.k {
            true => self.flat.saturating_sub(offset),
            false => self.flat + offset,
        }
    }

    /// The window of Reno, while ours is `window`.
    fn reno_of(&mut self, window: u64) -> u64 {
        let price = window * RENO_PRICE / 8;
        // Strictly more: if the savings are just enough, they wait for the next segment.
        if price > 0 && self.acked > price {
            let grown = (self.acked - 1) / price;
            self.reno = (self.reno + grown).min(MAX_WINDOW);
            self.acked -= grown * price;
        }
        self.reno
    }
}

/// K, in parts of a second: how long the curve takes to rise by this many segments (RFC 9438 §4.2, figure
/// 2).
fn time_to(segments: u64) -> u64 {
    let cubic_second = u128::from(PARTS).pow(4);
    cube_root(cubic_second / u128::from(C) * u128::from(segments))
}

impl Controller for CubicInSegments {
    fn window(&self) -> u64 {
        self.cubic.window()
    }

    fn ssthresh(&self) -> u64 {
        self.cubic.ssthresh
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.sample(ack);
        let cubic = &mut self.cubic;
        cubic.validate(|validation, window, limits| validation.on_ack(ack, window, limits));
        if ack.recovering {
            return;
        }
        let before = cubic.window();
        if before < cubic.ssthresh {
            cubic.slow_start(ack);
            if cubic.window() < cubic.ssthresh {
                return;
            }
        }
        let in_slow_start = cubic.window() - before;
        let acked = ack.acked.min(MAX_WINDOW).saturating_sub(in_slow_start) / cubic.mss;
        if ack.window_limited && acked > 0 {
            self.avoid_congestion(ack.now, acked);
        }
    }

    fn on_congestion(&mut self, loss: &Loss) {
        self.cubic.on_congestion(loss);
        self.end_stage();
    }

    fn on_congestion_again(&mut self, loss: &Loss) {
        self.cubic.on_congestion_again(loss);
        self.end_stage();
    }

    fn on_ecn(&mut self, mark: &Loss) {
        self.cubic.on_ecn(mark);
        self.end_stage();
    }

    fn on_timeout(&mut self, loss: &Loss, first: bool) {
        self.cubic.on_timeout(loss, first);
        self.end_stage();
        (self.price, self.asked, self.least) = (1, None, None);
        if let Some(hystart) = &mut self.hystart {
            hystart.restart();
        }
    }

    /// W_max stays the one that the loss has shown.
    fn on_spurious(&mut self, now: Instant) {
        let w_max = self.cubic.w_max;
        self.cubic.on_spurious(now);
        self.cubic.w_max = w_max;
    }

    fn on_segment_lost(&mut self, segment: &LostSegment) {
        self.cubic.on_segment_lost(segment);
    }

    fn on_restart(&mut self, now: Instant) {
        self.cubic.on_restart(now);
    }

    /// RFC 9438 §5.8: the curve waits while nothing is in flight; and here also while the last
    /// flight was, because `silence` counts from when that left.
    fn on_flight(&mut self, now: Instant, silence: Duration) {
        if let Some(stage) = &mut self.stage {
            stage.began = (stage.began + silence).min(now);
        }
    }

    fn on_idle(&mut self) {
        self.cubic.on_idle();
    }

    fn set_mss(&mut self, mss: usize) {
        self.cubic.set_mss(mss);
    }

    fn take_over(&mut self, window: u64, ssthresh: u64) {
        self.cubic.take_over(window, ssthresh);
    }

    fn looks_at_rate(&self) -> bool {
        false
    }

    fn fingerprint(&self, now: Instant, ceiling: u64) -> u64 {
        let CubicInSegments {
            cubic,
            stage,
            saved,
            price,
            asked,
            least,
            hystart,
        } = self;
        let asked = asked.map(|(window, at)| (window, (now - at).min(2 * PRICE_LASTS)));
        let mut hasher = SipHasher13::new();
        (cubic.fingerprint(now, ceiling), saved, price, asked, least).hash(&mut hasher);
        if let Some(hystart) = hystart {
            hystart.fingerprint(now, &mut hasher);
        }
        if let Some(stage) = stage {
            (now - stage.began, stage.k, stage.flat).hash(&mut hasher);
            (stage.acked, stage.reno).hash(&mut hasher);
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
    use proptest::prelude::*;

    const MSS: u64 = 1000;

    fn ack(now_ms: u64, segments: u64) -> Ack {
        let round = Some(Duration::from_millis(100));
        Ack {
            round_trips: RoundTrips::new(round, round, round),
            ..Ack::of(Instant::from_millis(now_ms), segments * MSS)
        }
    }

    fn loss(segments: u64) -> Loss {
        Loss {
            now: Instant::ZERO,
            in_flight: segments * MSS,
        }
    }

    /// A controller after a loss at a window of this many segments.
    fn after_loss(segments: u32) -> CubicInSegments {
        let mut whole =
            Cubic::new(MSS as usize, segments).in_segments(Some(SlowStartSigns::default()));
        whole.on_ack(&Ack {
            window_limited: false,
            ..ack(0, 0)
        });
        whole.on_congestion(&loss(segments.into()));
        whole
    }

    /// By hand: W_max = 10 and the first window 7 segments; K is 2,003 parts of a second. At 100 ms the curve lies 2.5
    /// segments below W_max, of which two count: one segment for a window. At 200 ms, too, and so the window is where it
    /// should be; at 303 ms it is 1.8 segments below, and what was saved buys a segment, and what comes another.
    #[test]
    fn what_was_saved_buys_at_the_price_of_later() {
        let mut whole = after_loss(10);
        assert_eq!(whole.window(), 7 * MSS);
        whole.on_ack(&ack(0, 7));
        assert_eq!((whole.price, whole.saved, whole.segments()), (7, 0, 8));
        whole.on_ack(&ack(101, 8));
        assert_eq!((whole.price, whole.saved, whole.segments()), (800, 8, 8));
        whole.on_ack(&ack(203, 8));
        assert_eq!((whole.price, whole.saved, whole.segments()), (8, 0, 10));
    }

    /// The same, but each flight begins when the one before has been acknowledged: t stands still in between. The window
    /// of Reno reaches nine segments with the 31st that is acknowledged.
    #[test]
    fn the_curve_waits_for_flights_that_follow_each_other() {
        let mut whole = after_loss(10);
        let round = Duration::from_millis(100);
        let windows = [7, 8, 8, 8, 10, 10].iter().enumerate().map(|(at, acked)| {
            let now = 100 * at as u64;
            whole.on_ack(&ack(now, *acked));
            whole.on_flight(Instant::from_millis(now), round);
            whole.segments()
        });
        assert_eq!(windows.collect::<Vec<_>>(), [8, 8, 8, 10, 10, 10]);
    }

    /// After a timeout no W_max is known, and at most 20 segments buy one.
    #[test]
    fn a_search_is_faster() {
        let mut whole = after_loss(100);
        whole.on_timeout(&loss(100), true);
        whole.take_over(70 * MSS, 70 * MSS);
        whole.on_ack(&ack(0, 70));
        assert_eq!((whole.price, whole.segments()), (20, 73));
    }

    /// The rest of an acknowledgment that ends slow start counts for congestion avoidance.
    #[test]
    fn slow_start_leaves_the_rest() {
        let mut whole = after_loss(10);
        whole.cubic = whole.cubic.slow_start_limit(Some(u32::MAX));
        whole.take_over(5 * MSS, 7 * MSS);
        whole.on_ack(&ack(0, 5));
        assert_eq!((whole.segments(), whole.saved), (7, 3));
    }

    proptest! {
        /// Whatever happens: a segment at least, never more than a peer can let us send, and an acknowledgment takes
        /// nothing away.
        #[test]
        fn the_window_stays_within_bounds(
            mss in prop_oneof![Just(536), any::<usize>()],
            segments in prop_oneof![Just(10), any::<u32>()],
            steps in prop::collection::vec((0u8..8, any::<u64>(), 0u64..1 << 30), 1..100),
        ) {
            let mut whole = Cubic::new(mss, segments).in_segments(Some(SlowStartSigns::default()));
            let mut now = Instant::ZERO;
            for (step, nanos, octets) in steps {
                now += Duration::from_nanos(nanos >> 24);
                let loss = Loss { now, in_flight: octets };
                let before = whole.window();
                match step {
                    0 => whole.on_congestion(&loss),
                    1 => whole.on_timeout(&loss, true),
                    2 => whole.on_spurious(now),
                    3 => whole.on_flight(now, Duration::from_nanos(nanos >> 30)),
                    4 => whole.set_mss(octets as usize),
                    _ => {
                        whole.on_ack(&Ack { now, acked: octets, ..ack(0, 0) });
                        prop_assert!(whole.window() >= before);
                    }
                }
                prop_assert!((whole.cubic.mss..=MAX_WINDOW).contains(&whole.window()));
                prop_assert_eq!(whole.clone_box().fingerprint(now, 0), whole.fingerprint(now, 0));
            }
        }
    }
}
