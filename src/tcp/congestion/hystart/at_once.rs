//! HyStart as it was before RFC 9406, and as Linux has it: slow start ends at once, by either of two signs
//! ([`SlowStartSigns`]).
//!
//! A *train* is a sequence of acknowledgments that follow each other closely. A sender in slow start sends a window at
//! once, so its acknowledgments come as fast as the bottleneck lets segments pass. If they take half a round trip, a
//! window of twice the size, which the next round has, fills the path.

use core::hash::{Hash, Hasher};
use core::time::Duration;

use super::super::Ack;
use super::{N_RTT_SAMPLE, rtt_thresh};
use crate::config::SlowStartSigns;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// How long acknowledgments may be held back, in order to be sent together: as long as it takes to send this many
/// octets, but at most [`HELD_BACK`].
const HELD_OCTETS: u64 = 4 * 65_536;
/// See [`HELD_OCTETS`].
const HELD_BACK: Duration = Duration::from_millis(1);

/// The slow starts of a connection, round by round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct HyStart {
    signs: SlowStartSigns,
    /// Slow start was ended: the signs are not looked for until a timeout.
    found: bool,
    /// `None` before the first sample.
    round: Option<Round>,
}

/// A round lasts until what was in flight at its beginning is acknowledged, and something more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Round {
    end: Seq,
    began: Instant,
    /// When the last acknowledgment of the train came.
    train: Instant,
    /// The least round trip of this round, among those of windows that are judged.
    least: Option<Duration>,
    /// How many of them there were, as far as it matters.
    samples: u32,
}

impl HyStart {
    pub(in super::super) fn new(signs: SlowStartSigns) -> HyStart {
        HyStart {
            signs,
            found: false,
            round: None,
        }
    }

    /// A timeout: what follows is another slow start.
    pub(in super::super) fn restart(&mut self) {
        *self = HyStart::new(self.signs);
    }

    /// In slow start, with a window of so many octets, an acknowledgment measured a round trip; `least` is the least
    /// one known. Returns whether slow start ends.
    pub(in super::super) fn on_sample(
        &mut self,
        ack: &Ack,
        least: Duration,
        window: u64,
        mss: u64,
    ) -> bool {
        if self.found {
            return false;
        }
        let is_over = |round: &Round| ack.una > round.end;
        let round = match self.round.take().filter(|round| !is_over(round)) {
            Some(round) => self.round.insert(round),
            None => self.round.insert(Round::new(ack)),
        };
        if window / mss < u64::from(self.signs.low_window) {
            return false;
        }
        let longest = (least + held_back(ack, window)) / 2;
        let train = (self.signs.train_gap).is_some_and(|gap| round.is_train(ack.now, gap, longest));
        let delay = self.signs.delay && round.is_late(ack, least);
        self.found = train || delay;
        self.found
    }

    /// Hashes what decides the future.
    pub(in super::super) fn fingerprint(&self, now: Instant, hasher: &mut impl Hasher) {
        let HyStart {
            signs,
            found,
            round,
        } = self;
        let round = (round.as_ref())
            .map(|it| (it.end, now - it.began, now - it.train, it.least, it.samples));
        (signs, found, round).hash(hasher);
    }
}

impl Round {
    fn new(ack: &Ack) -> Round {
        Round {
            end: ack.nxt,
            began: ack.now,
            train: ack.now,
            least: None,
            samples: 0,
        }
    }

    /// Whether this acknowledgment belongs to the train, and the train has become longer than that.
    fn is_train(&mut self, now: Instant, gap: Duration, longest: Duration) -> bool {
        if now - self.train > gap {
            return false;
        }
        self.train = now;
        now - self.began > longest
    }

    /// Whether the round trips of this round have become longer.
    fn is_late(&mut self, ack: &Ack, least: Duration) -> bool {
        let latest = ack.round_trips.latest().unwrap_or(least);
        let current = self.least.map_or(latest, |least| least.min(latest));
        self.least = Some(current);
        if self.samples < N_RTT_SAMPLE {
            self.samples += 1;
            return false;
        }
        let nanos = u64::try_from(least.as_nanos()).unwrap_or(u64::MAX);
        current > least + Duration::from_nanos(rtt_thresh(nanos))
    }
}

/// By how much acknowledgments may be late because they were held back: the pace of a slow start is two windows
/// in a round trip.
fn held_back(ack: &Ack, window: u64) -> Duration {
    let srtt = ack.round_trips.smoothed().unwrap_or_default();
    let nanos = u128::from(HELD_OCTETS) * srtt.as_nanos() / u128::from(2 * window.max(1));
    u64::try_from(nanos).map_or(HELD_BACK, |nanos| {
        Duration::from_nanos(nanos).min(HELD_BACK)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::congestion::RoundTrips;

    const MSS: u64 = 1000;
    const LEAST: Duration = Duration::from_millis(50);

    /// An acknowledgment of this many octets, of 100,000 that had left, so many microseconds after the start.
    fn ack(una: usize, now_us: u64, rtt_ms: u64) -> Ack {
        let [smoothed, rtt] = [50, rtt_ms].map(|ms| Some(Duration::from_millis(ms)));
        Ack {
            una: Seq::initial(0) + una,
            nxt: Seq::initial(0) + una + 100_000_usize,
            round_trips: RoundTrips::new(smoothed, rtt, None),
            ..Ack::of(Instant::ZERO + Duration::from_micros(now_us), MSS)
        }
    }

    /// Windows of this many segments, acknowledged at intervals of `gap_us`: after how many microseconds slow start ends,
    /// if it does.
    fn ends(signs: SlowStartSigns, segments: u64, gap_us: u64, rtt_ms: u64) -> Option<u64> {
        let mut hystart = HyStart::new(signs);
        (0..250).map(|n| n * gap_us).find(|now| {
            let ack = ack(1000, *now, rtt_ms);
            hystart.on_sample(&ack, LEAST, segments * MSS, MSS)
        })
    }

    /// Half of the least round trip, and half a millisecond for acknowledgments that are held back.
    #[test]
    fn a_train_of_half_a_round_trip_ends_slow_start() {
        let signs = SlowStartSigns::default();
        assert_eq!(ends(signs, 16, 1_000, 50), Some(26_000));
        assert_eq!(ends(signs, 16, 500, 50), Some(26_000));
        assert_eq!(ends(signs, 16, 2_000, 50), Some(26_000));
        assert_eq!(ends(signs, 16, 2_001, 50), None, "no train");
        assert_eq!(ends(signs, 15, 1_000, 50), None, "a small window");
        let off = SlowStartSigns {
            train_gap: None,
            ..signs
        };
        assert_eq!(ends(off, 16, 1_000, 50), None);
    }

    /// At a rate of 1 GB/s 256 KiB take a quarter of a millisecond.
    #[test]
    fn fast_senders_are_held_back_less() {
        let signs = SlowStartSigns::default();
        assert_eq!(ends(signs, 25_000, 128, 50), Some(25_216));
    }

    /// A train that was interrupted is none any more in its round.
    #[test]
    fn an_interrupted_train_is_none() {
        let mut hystart = HyStart::new(SlowStartSigns::default());
        let mut at = |una, now_us| {
            let ack = ack(una, now_us, 50);
            hystart.on_sample(&ack, LEAST, 20 * MSS, MSS)
        };
        assert!(!at(1000, 0));
        (3..60).for_each(|n| assert!(!at(1000, n * 1_000), "{n}"));
        // Beyond what had left when the round began, another begins.
        (0..26).for_each(|n| assert!(!at(101_001, 60_000 + n * 1_000), "{n}"));
        assert!(at(101_001, 86_000));
    }

    /// Nine samples of a round, all of them longer than the least by an eighth: 6.25 ms.
    #[test]
    fn longer_round_trips_end_slow_start() {
        let signs = SlowStartSigns::default();
        assert_eq!(ends(signs, 16, 3_000, 57), Some(24_000), "the ninth");
        assert_eq!(ends(signs, 16, 3_000, 56), None);
        assert_eq!(ends(signs, 15, 3_000, 57), None, "a small window");
        let off = SlowStartSigns {
            delay: false,
            ..signs
        };
        assert_eq!(ends(off, 16, 3_000, 57), None);
    }

    /// One slow start is ended once; after a timeout there is another.
    #[test]
    fn a_timeout_begins_another_slow_start() {
        let mut hystart = HyStart::new(SlowStartSigns::default());
        let rounds = |hystart: &mut HyStart| {
            (0..60).any(|n| hystart.on_sample(&ack(1000, n * 3_000, 90), LEAST, 20 * MSS, MSS))
        };
        assert!(rounds(&mut hystart));
        assert!(!rounds(&mut hystart));
        hystart.restart();
        assert!(rounds(&mut hystart));
    }
}
