//! Congestion window validation (RFC 7661): an unused window is kept for a while, and after a loss
//! the new window depends on how much was used.
//!
//! ```text
//!                      pipeACK < cwnd / 2
//!     validated  ───────────────────────────►  non-validated ──┐ for five minutes:
//!       phase    ◄───────────────────────────      phase     ◄─┘ half of cwnd remains
//!                      pipeACK >= cwnd / 2
//! ```
//!
//! pipeACK is how much the network has lately shown to carry in a round trip: the most octets that
//! were acknowledged in one, over the pipeACK Sampling Period. It is undefined at the beginning of a
//! connection and after a recovery, and the window counts as validated then (§4.2).

use core::hash::{Hash, Hasher};
use core::time::Duration;

use super::{Ack, Loss};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// Nonvalidated Period (RFC 7661 §4.4.3): how long an unused window is kept whole.
const NVP: Duration = Duration::from_secs(5 * 60);
/// The pipeACK Sampling Period is three round trips, but at least this (RFC 7661 §4.2).
const LEAST_PERIOD: Duration = Duration::from_secs(1);
/// The number of parts of the period whose samples are kept apart, so that they can become too old one
/// after the other (RFC 7661 §4.5.1).
const PARTS: usize = 4;
/// After more periods than this, any window has shrunk to the initial window.
const MOST_PERIODS: u64 = 64;

/// The two numbers that validation may change, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) cwnd: u64,
    pub(super) ssthresh: u64,
}

/// The lower bounds of a window, in octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) mss: u64,
    pub(super) initial_window: u64,
}

/// What is known of the use of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Validation {
    pipe_ack: PipeAck,
    /// When the window was last validated, or halved because it was not; `None`: not yet looked.
    validated_at: Option<Instant>,
    /// A loss in the non-validated phase is being repaired.
    recovery: Option<Recovery>,
    /// R: octets marked as lost, each once, since the last recovery.
    lost: u64,
    /// What lies before this counts in `lost` already.
    lost_to: Option<Seq>,
}

/// A recovery that began in the non-validated phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Recovery {
    /// max(pipeACK, LossFlightSize), in octets.
    used: u64,
}

impl Validation {
    /// An acknowledgment brought news. Returns the new window.
    pub(super) fn on_ack(&mut self, ack: &Ack, window: Window, limits: Limits) -> Window {
        if ack.recovering {
            // §4.4.1: pipeACK is not updated during loss recovery.
            return window;
        }
        if let Some(recovery) = self.recovery.take() {
            return self.end_recovery(recovery, limits.mss);
        }
        (self.lost, self.lost_to) = (0, None);
        self.pipe_ack.on_ack(ack);
        self.age(ack.now, window, limits)
    }

    /// §4.4.1: at the end of the recovery, (max(pipeACK, LossFlightSize) - R) / 2.
    fn end_recovery(&mut self, recovery: Recovery, mss: u64) -> Window {
        let cwnd = (recovery.used.saturating_sub(self.lost) / 2).max(mss);
        *self = Validation::default();
        Window {
            cwnd,
            ssthresh: cwnd,
        }
    }

    fn update_phase(&mut self, now: Instant, cwnd: u64) {
        let pipe_ack = self.pipe_ack.get(now);
        if self.validated_at.is_none() || pipe_ack.is_none_or(|octets| octets >= cwnd / 2) {
            self.validated_at = Some(now);
        }
    }

    /// Data is about to leave, or an acknowledgment has come: for every five minutes without use of
    /// the window, half of it remains, and ssthresh remembers three quarters (§4.4.3).
    pub(super) fn age(&mut self, now: Instant, window: Window, limits: Limits) -> Window {
        self.update_phase(now, window.cwnd);
        let validated_at = self.validated_at.unwrap_or(now);
        let periods = ((now - validated_at).as_secs() / NVP.as_secs()).min(MOST_PERIODS);
        if periods == 0 {
            return window;
        }
        self.validated_at = Some(now);
        let halve = |window: Window| Window {
            ssthresh: window.ssthresh.max(window.cwnd - window.cwnd / 4),
            cwnd: (window.cwnd / 2).max(limits.initial_window.min(window.cwnd)),
        };
        (0..periods).fold(window, |window, _| halve(window))
    }

    /// This many octets from `start` on were marked as lost.
    pub(super) fn on_segment_lost(&mut self, start: Seq, octets: u64) {
        // §4.4.1: what is lost again does not count again.
        if self.lost_to.is_none_or(|lost_to| start >= lost_to) {
            self.lost += octets;
            self.lost_to = Some(start + usize::try_from(octets).unwrap_or_default());
        }
    }

    /// A recovery begins, with this window. In the non-validated phase, returns how much of it was
    /// used, max(pipeACK, LossFlightSize); half of that is the window during the recovery (§4.4.1).
    /// Otherwise returns `None`, and the controller decides.
    pub(super) fn on_congestion(&mut self, loss: &Loss, cwnd: u64) -> Option<u64> {
        let pipe_ack = self.pipe_ack.get(loss.now);
        let unused = pipe_ack.filter(|octets| *octets < cwnd / 2);
        let used = unused.map(|octets| octets.max(loss.in_flight));
        match used {
            Some(used) => self.recovery = Some(Recovery { used }),
            None => self.reset(),
        }
        used
    }

    /// Forgets everything (§4.2).
    pub(super) fn reset(&mut self) {
        *self = Validation::default();
    }

    /// Hashes what decides the future; a moment counts by its distance from `now`.
    pub(super) fn hash(&self, now: Instant, hasher: &mut impl Hasher) {
        let since = self.validated_at.map(|at| now - at);
        (since, self.recovery, self.lost, self.lost_to).hash(hasher);
        self.pipe_ack.hash(now, hasher);
    }
}

/// The measurement of pipeACK (RFC 7661 §4.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PipeAck {
    /// The sample under way ends when what lies before this is acknowledged: a round trip later.
    sample_end: Option<Seq>,
    /// Octets acknowledged in the sample under way.
    acked: u64,
    /// The largest sample of each part of the period, and when the part began, the last one first.
    parts: [Option<(Instant, u64)>; PARTS],
    /// The pipeACK Sampling Period.
    period: Duration,
}

impl PipeAck {
    fn on_ack(&mut self, ack: &Ack) {
        self.period = (3 * ack.round_trips.smoothed().unwrap_or_default()).max(LEAST_PERIOD);
        let end = *self.sample_end.get_or_insert(ack.nxt);
        self.acked += ack.acked;
        if ack.una >= end {
            let sample = core::mem::take(&mut self.acked);
            self.add(ack.now, sample);
            self.sample_end = Some(ack.nxt);
        }
    }

    fn add(&mut self, now: Instant, sample: u64) {
        match &mut self.parts[0] {
            Some((since, largest)) if now - *since < self.period / PARTS as u32 => {
                *largest = sample.max(*largest);
            }
            _ => {
                self.parts.rotate_right(1);
                self.parts[0] = Some((now, sample));
            }
        }
    }

    /// The largest sample of the period; 0 if all are older, because then the sender has been idle;
    /// `None` before the first.
    fn get(&self, now: Instant) -> Option<u64> {
        self.parts[0]?;
        let recent = (self.parts.iter().flatten()).filter(|(since, _)| now - *since <= self.period);
        Some(recent.map(|(_, sample)| *sample).max().unwrap_or(0))
    }

    fn hash(&self, now: Instant, hasher: &mut impl Hasher) {
        let parts = (self.parts).map(|part| part.map(|(since, sample)| (now - since, sample)));
        (self.sample_end, self.acked, parts, self.period).hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::congestion::RoundTrips;

    const LIMITS: Limits = Limits {
        mss: 1000,
        initial_window: 10_000,
    };
    const RTT: Duration = Duration::from_millis(100);

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(1000 * seconds)
    }

    fn ack(now: Instant, una: Seq, acked: u64, nxt: Seq) -> Ack {
        Ack {
            una,
            nxt,
            in_flight: acked,
            window_limited: false,
            round_trips: RoundTrips::new(Some(RTT), None, None),
            ..Ack::of(now, acked)
        }
    }

    fn loss(now: Instant, in_flight: u64) -> Loss {
        Loss { now, in_flight }
    }

    fn window(cwnd: u64) -> Window {
        Window {
            cwnd,
            ssthresh: 50_000,
        }
    }

    /// A sender with a window of 100,000 octets that uses `flight` of it, in flights that are
    /// acknowledged one after the other until a second is over.
    fn using(flight: usize) -> Validation {
        let (mut validation, mut una) = (Validation::default(), Seq::initial(0));
        for round in 0..10 {
            let now = Instant::from_millis(100 * round);
            let ack = ack(now, una + flight, flight as u64, una + flight);
            let left = validation.on_ack(&ack, window(100_000), LIMITS);
            assert_eq!(left, window(100_000));
            una += flight;
        }
        validation
    }

    /// RFC 7661 §4.2: pipeACK is what a round trip acknowledges, the most of the last second or
    /// three round trips, and undefined at first.
    #[test]
    fn pipe_ack_is_the_most_of_a_round_trip() {
        let mut pipe_ack = PipeAck::default();
        assert_eq!(pipe_ack.get(at(9)), None);
        let start = Seq::initial(0);
        // A flight of 3,000 octets whose ACKs come one by one, while more is sent.
        for (acked, ms) in [(1000, 0), (2000, 10), (3000, 20)] {
            let nxt = start + 3000 + acked;
            pipe_ack.on_ack(&ack(Instant::from_millis(ms), start + acked, 1000, nxt));
        }
        // The first ACK asked for all that had been sent by then: 4,000.
        assert_eq!(pipe_ack.get(Instant::from_millis(20)), None);
        pipe_ack.on_ack(&ack(
            Instant::from_millis(30),
            start + 4000,
            1000,
            start + 7000,
        ));
        assert_eq!(pipe_ack.get(Instant::from_millis(30)), Some(4000));
        pipe_ack.on_ack(&ack(
            Instant::from_millis(900),
            start + 7000,
            3000,
            start + 7000,
        ));
        assert_eq!(pipe_ack.get(Instant::from_millis(1030)), Some(4000));
        assert_eq!(pipe_ack.get(Instant::from_millis(1031)), Some(3000));
        assert_eq!(pipe_ack.get(Instant::from_millis(1901)), Some(0), "idle");
        let slow = Ack {
            round_trips: RoundTrips::new(Some(10 * RTT), None, None),
            ..ack(at(2), start + 7500, 500, start + 7500)
        };
        pipe_ack.on_ack(&slow);
        assert_eq!(pipe_ack.period, Duration::from_secs(3));
        // Two round trips, one soon after the other.
        let mut pipe_ack = PipeAck::default();
        for (acked, una, ms) in [(5000, 5000, 0), (1000, 6000, 100)] {
            let (now, una) = (Instant::from_millis(ms), start + una);
            pipe_ack.on_ack(&ack(now, una, acked, una));
            assert_eq!(pipe_ack.get(now), Some(5000));
        }
    }

    /// RFC 7661 §4.3: validated while pipeACK is at least half of cwnd.
    #[test]
    fn half_of_the_window_validates_it() {
        assert_eq!(using(50_000).validated_at, Some(Instant::from_millis(900)));
        assert_eq!(using(49_999).validated_at, Some(Instant::ZERO));
        let loss = loss(Instant::from_millis(900), 100_000);
        assert_eq!(using(50_000).on_congestion(&loss, 100_000), None);
        assert_eq!(
            using(49_999).on_congestion(&loss, 100_000),
            Some(100_000),
            "LossFlightSize"
        );
    }

    /// RFC 7661 §4.4.3: ssthresh = max(ssthresh, 3 * cwnd / 4), cwnd = max(cwnd / 2, IW), once for
    /// each five minutes.
    #[test]
    fn five_minutes_without_use_halve_the_window() {
        let mut validation = using(20_000);
        let age = |validation: &mut Validation, seconds, window| {
            let Window { cwnd, ssthresh } = validation.age(at(seconds), window, LIMITS);
            (cwnd, ssthresh)
        };
        assert_eq!(
            age(&mut validation, 299, window(100_000)),
            (100_000, 50_000)
        );
        assert_eq!(age(&mut validation, 300, window(100_000)), (50_000, 75_000));
        assert_eq!(age(&mut validation, 599, window(50_000)), (50_000, 50_000));
        assert_eq!(age(&mut validation, 1200, window(50_000)), (10_000, 50_000));
        let long = Duration::MAX.as_secs() / 1_000_000_000;
        assert_eq!(
            age(&mut validation, long.min(1 << 30), window(4000)),
            (4000, 50_000)
        );
    }

    /// RFC 7661 §4.4.1, by hand: of 100,000 octets of window 20,000 were used, and 30,000 in
    /// flight when 4,000 were lost: 15,000 during the recovery, (30,000 - 4,000) / 2 after it.
    #[test]
    fn a_loss_leaves_half_of_what_was_used() {
        let mut validation = using(20_000);
        let now = Instant::from_millis(1000);
        let start = Seq::initial(200_000);
        validation.on_segment_lost(start, 3000);
        let during = validation.on_congestion(&loss(now, 30_000), 100_000);
        assert_eq!(during, Some(30_000));
        validation.on_segment_lost(start + 5000, 1000);
        validation.on_segment_lost(start, 1000);
        let recovering = Ack {
            recovering: true,
            ..ack(now, start, 0, start + 30_000)
        };
        assert_eq!(
            validation.on_ack(&recovering, window(15_000), LIMITS),
            window(15_000)
        );
        let last = ack(now, start + 30_000, 30_000, start + 30_000);
        let after = validation.on_ack(&last, window(15_000), LIMITS);
        assert_eq!((after.cwnd, after.ssthresh), (13_000, 13_000));
        // §4.4.1: then pipeACK is undefined.
        assert_eq!(validation, Validation::default());
    }

    /// RFC 7661 §4.4.1: pipeACK may be the larger one; and at least a segment remains.
    #[test]
    fn pipe_ack_counts_where_less_is_in_flight() {
        let mut validation = using(20_000);
        let now = Instant::from_millis(1000);
        let during = validation.on_congestion(&loss(now, 3000), 100_000);
        assert_eq!(during, Some(20_000));
        validation.on_segment_lost(Seq::initial(0), 20_000);
        let after = validation.on_ack(
            &ack(now, Seq::initial(9), 9, Seq::initial(9)),
            window(10_000),
            LIMITS,
        );
        assert_eq!(after.cwnd, 1000);
    }
}
