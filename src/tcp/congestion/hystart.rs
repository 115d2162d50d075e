//! HyStart++ (RFC 9406): slow start ends when the round-trip time grows, before anything is lost.
//!
//! ```text
//!                  RTT grew by RttThresh              CSS_ROUNDS rounds
//!    slow start ───────────────────────► CSS ───────────────────────────► congestion avoidance
//!        ▲                                │
//!        └──── RTT fell below that of ────┘
//!              the moment of entry
//! ```
//!
//! CSS is Conservative Slow Start: the window grows a quarter as fast. A round lasts until all
//! that was in flight at its beginning is acknowledged.

pub(super) mod at_once;

use super::Ack;
use crate::tcp::seq::Seq;

/// RFC 9406 §4.3: the least growth of the RTT that counts. All times are in nanoseconds.
const MIN_RTT_THRESH: u64 = 4_000_000;
/// RFC 9406 §4.3: growth of the RTT that always counts.
const MAX_RTT_THRESH: u64 = 16_000_000;
/// RFC 9406 §4.3: between the two, this part of the RTT counts.
const MIN_RTT_DIVISOR: u64 = 8;
/// RFC 9406 §4.3: the least number of samples to judge a round.
const N_RTT_SAMPLE: u32 = 8;
/// RFC 9406 §4.3: how much slower CSS grows than slow start.
const CSS_GROWTH_DIVISOR: u64 = 4;
/// RFC 9406 §4.3: how many rounds CSS lasts.
const CSS_ROUNDS: u32 = 5;

/// The first slow start of a connection, round by round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct HyStart {
    /// windowEnd: the round ends when what lies before it is acknowledged. `None` before the
    /// first acknowledgment.
    window_end: Option<Seq>,
    /// lastRoundMinRTT; `None`: no sample.
    last_round_min_rtt: Option<u64>,
    /// currentRoundMinRTT; `None`: no sample yet.
    current_round_min_rtt: Option<u64>,
    /// rttSampleCount: samples in this round, as far as it matters.
    rtt_sample_count: u32,
    css: Option<Css>,
}

/// Conservative Slow Start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Css {
    /// cssBaselineMinRtt: what the RTT had grown to at the entry.
    baseline_min_rtt: u64,
    /// Rounds that have ended, the one that was under way at the entry included (§4.2).
    rounds: u32,
}

impl HyStart {
    /// By how much slower than in slow start the window grows.
    pub(super) fn growth_divisor(&self) -> u64 {
        match self.css {
            None => 1,
            Some(_) => CSS_GROWTH_DIVISOR,
        }
    }

    /// New octets were acknowledged. Returns whether congestion avoidance begins (§4.2).
    #[inline]
    pub(super) fn on_ack(&mut self, ack: &Ack) -> bool {
        let window_end = *self.window_end.get_or_insert(ack.nxt);
        if let Some(rtt) = ack.round_trips.latest_nanos() {
            self.take_sample(rtt);
        }
        ack.una >= window_end && self.end_round(ack.nxt)
    }

    fn take_sample(&mut self, rtt: u64) {
        let current = self.current_round_min_rtt.map_or(rtt, |min| min.min(rtt));
        self.current_round_min_rtt = Some(current);
        self.rtt_sample_count = (self.rtt_sample_count + 1).min(N_RTT_SAMPLE);
        if self.rtt_sample_count < N_RTT_SAMPLE {
            return;
        }
        match (&self.css, self.last_round_min_rtt) {
            (None, Some(last)) if current >= last.saturating_add(rtt_thresh(last)) => {
                self.css = Some(Css {
                    baseline_min_rtt: current,
                    rounds: 0,
                });
            }
            // The growth was a jitter: slow start goes on.
            (Some(css), _) if current < css.baseline_min_rtt => self.css = None,
            _ => {}
        }
    }

    fn end_round(&mut self, nxt: Seq) -> bool {
        self.window_end = Some(nxt);
        self.last_round_min_rtt = self.current_round_min_rtt.take();
        self.rtt_sample_count = 0;
        self.css.as_mut().is_some_and(|css| {
            css.rounds += 1;
            css.rounds >= CSS_ROUNDS
        })
    }
}

/// RttThresh: growth of the RTT by this much, over a round of `last_round_min_rtt`, counts (§4.2).
fn rtt_thresh(last_round_min_rtt: u64) -> u64 {
    (last_round_min_rtt / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::tcp::congestion::RoundTrips;
    use crate::time::Instant;

    /// Octets in flight at the beginning of a round.
    const FLIGHT: usize = 100_000;

    /// In nanoseconds.
    fn millis(n: u64) -> u64 {
        n * 1_000_000
    }

    fn ack(una: Seq, nxt: Seq, rtt_ms: u64) -> Ack {
        let rtt = Duration::from_millis(rtt_ms);
        Ack {
            una,
            nxt,
            in_flight: FLIGHT as u64,
            round_trips: RoundTrips::new(None, Some(rtt), None),
            ..Ack::of(Instant::ZERO, 1000)
        }
    }

    /// A round of this many ACKs with this RTT. Returns whether slow start is over.
    fn round(hystart: &mut HyStart, start: &mut Seq, acks: usize, rtt_ms: u64) -> bool {
        let end = *start + FLIGHT;
        for place in 1..acks {
            let una = *start + 1000 * place;
            assert!(!hystart.on_ack(&ack(una, end, rtt_ms)), "within a round");
        }
        *start = end;
        // Meanwhile the next one has left.
        hystart.on_ack(&ack(end, end + FLIGHT, rtt_ms))
    }

    /// After a round of `base` ms and one of `next` ms, whether it is in CSS.
    fn enters_css(acks: usize, base: u64, next: u64) -> bool {
        let (mut hystart, mut start) = (HyStart::default(), Seq::initial(0));
        round(&mut hystart, &mut start, 10, base);
        assert_eq!(hystart.growth_divisor(), 1);
        round(&mut hystart, &mut start, acks, next);
        hystart.growth_divisor() == 4
    }

    /// RFC 9406 §4.2, §4.3: RttThresh is an eighth of the RTT, from 4 ms to 16 ms.
    #[test]
    fn the_threshold_is_an_eighth_within_bounds() {
        for (rtt, thresh) in [(1, 4), (32, 4), (80, 10), (128, 16), (900, 16)] {
            assert_eq!(rtt_thresh(millis(rtt)), millis(thresh), "{rtt}");
            assert!(!enters_css(8, rtt, rtt + thresh - 1), "{rtt}");
            assert!(enters_css(8, rtt, rtt + thresh), "{rtt}");
        }
    }

    /// RFC 9406 §4.2, §4.3: N_RTT_SAMPLE.
    #[test]
    fn seven_samples_say_nothing() {
        assert!(!enters_css(7, 50, 500));
        assert!(enters_css(8, 50, 500));
    }

    /// RFC 9406 §4.2: it is the least RTT of a round that counts.
    #[test]
    fn one_short_round_trip_keeps_slow_start() {
        let (mut hystart, mut start) = (HyStart::default(), Seq::initial(0));
        round(&mut hystart, &mut start, 10, 50);
        hystart.on_ack(&ack(start, start + FLIGHT, 55));
        (0..20).for_each(|_| assert!(!hystart.on_ack(&ack(start, start + FLIGHT, 90))));
        assert_eq!(hystart.growth_divisor(), 1);
    }

    /// RFC 9406 §4.2: CSS lasts five rounds, and that of the entry is the first of them.
    #[test]
    fn css_lasts_five_rounds() {
        let (mut hystart, mut start) = (HyStart::default(), Seq::initial(0));
        round(&mut hystart, &mut start, 10, 50);
        for css_round in 1..=5 {
            let over = round(&mut hystart, &mut start, 10, 60);
            assert_eq!(over, css_round == 5, "{css_round}");
        }
    }

    /// RFC 9406 §4.2: the RTT falls below the baseline, so slow start ended too early and resumes;
    /// it can end again.
    #[test]
    fn slow_start_resumes_after_a_jitter() {
        let (mut hystart, mut start) = (HyStart::default(), Seq::initial(0));
        for rtt in [50, 60, 60] {
            round(&mut hystart, &mut start, 10, rtt);
        }
        assert_eq!(hystart.growth_divisor(), 4);
        round(&mut hystart, &mut start, 7, 50);
        assert_eq!(hystart.growth_divisor(), 4, "seven samples");
        round(&mut hystart, &mut start, 8, 59);
        assert_eq!(hystart.growth_divisor(), 1);
        round(&mut hystart, &mut start, 8, 70);
        assert_eq!(hystart.growth_divisor(), 4);
        for css_round in 2..=5 {
            let over = round(&mut hystart, &mut start, 10, 70);
            assert_eq!(over, css_round == 5, "{css_round}");
        }
    }

    /// Without timestamps there are no samples, and slow start goes on until a loss.
    #[test]
    fn without_samples_it_is_slow_start() {
        let (mut hystart, start) = (HyStart::default(), Seq::initial(0));
        for round in 0..100 {
            let una = start + round * FLIGHT;
            let over = hystart.on_ack(&Ack {
                round_trips: RoundTrips::UNKNOWN,
                ..ack(una, una + FLIGHT, 0)
            });
            assert!(!over);
            assert_eq!(hystart.growth_divisor(), 1);
        }
    }
}
