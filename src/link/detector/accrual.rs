//! `AccrualDetector`, φ: how surprising is the silence?
//!
//! P and ◇P say yes or no, by a timeout. An accrual detector gives a number, and its user chooses the
//! threshold at which to act: it may stop sending work to a process at φ = 1 and replace it at
//! φ = 8. The number says how unlikely it is that a heartbeat arrives later than now, given when they
//! arrived so far:
//!
//! ```text
//! φ = −log₁₀ P_later(now − last)      P_later(t) = 1 − F(t), F the normal distribution with the
//!                                     mean and deviation of the last W intervals
//! ```
//!
//! A suspicion at φ = 1 is wrong once in ten times, at φ = 3 once in a thousand, if intervals have that
//! distribution. After a crash φ grows without bound, so every threshold is passed: this is **strong
//! completeness**. **Accuracy** is a matter of probability; no timeout guarantees it. Unlike a timeout
//! that only grows, the estimate of the network adapts in both directions.
//!
//! Heartbeats are sent over a link that may lose them: a lost one makes a long interval. The window
//! of W intervals bounds the memory. Heartbeats are numbered, so that duplicates and old ones are
//! ignored; a process that starts again from 0 is a new process, and needs a new detector.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Detector, Verdict};
use crate::link::header::Header;
use crate::link::interface::{Link, Parcel, earlier};
use crate::time::{Duration, Instant};

/// How an accrual detector behaves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccrualConfig {
    /// A heartbeat is sent, and φ compared with its threshold, this often. Default 1 s.
    pub interval: Duration,
    /// W: how many intervals between heartbeats are remembered, from 1. Default 1000.
    pub window: usize,
    /// The least standard deviation to assume: intervals that were all the same would make the
    /// next, a little later, infinitely surprising. Default 100 ms.
    pub deviation: Duration,
    /// The φ from which on it gives [`Verdict::Suspected`]. Default 8: wrong once in 100 million
    /// times.
    pub threshold: u32,
}

impl Default for AccrualConfig {
    fn default() -> AccrualConfig {
        AccrualConfig {
            interval: Duration::from_secs(1),
            window: 1000,
            deviation: Duration::from_millis(100),
            threshold: 8,
        }
    }
}

/// Says how surprising the silence of each process is: φ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccrualDetector<L: Link> {
    below: L,
    config: AccrualConfig,
    peers: BTreeMap<L::Address, Arrivals>,
    beats: u64,
    next_beat: Instant,
    verdicts: VecDeque<Verdict<L::Address>>,
}

/// The arrival times of a process's heartbeats.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Arrivals {
    last: Instant,
    /// The highest number of a heartbeat: older ones and copies say nothing new.
    beats: Option<u64>,
    /// The last intervals, in nanoseconds.
    intervals: VecDeque<u64>,
    is_suspected: bool,
}

impl<L: Link> AccrualDetector<L> {
    /// Watches `peers`, and sends them a heartbeat at once.
    pub fn new(
        now: Instant,
        below: L,
        peers: BTreeSet<L::Address>,
        config: AccrualConfig,
    ) -> AccrualDetector<L> {
        let arrivals = |peer| {
            let arrivals = Arrivals {
                last: now,
                beats: None,
                intervals: VecDeque::new(),
                is_suspected: false,
            };
            (peer, arrivals)
        };
        AccrualDetector {
            below,
            config,
            peers: peers.into_iter().map(arrivals).collect(),
            beats: 0,
            next_beat: now,
            verdicts: VecDeque::new(),
        }
    }

    /// φ of a process: −log₁₀ of the probability that its next heartbeat is later than `now`.
    /// `None` for a process that is not watched.
    pub fn phi(&self, now: Instant, peer: L::Address) -> Option<f64> {
        let arrivals = self.peers.get(&peer)?;
        Some(arrivals.phi(now, &self.config))
    }

    fn judge(&mut self, now: Instant) {
        for (peer, arrivals) in &mut self.peers {
            let phi = arrivals.phi(now, &self.config);
            let is_suspected = phi >= f64::from(self.config.threshold);
            if is_suspected != arrivals.is_suspected {
                arrivals.is_suspected = is_suspected;
                self.verdicts.push_back(match is_suspected {
                    true => Verdict::Suspected(*peer),
                    false => Verdict::Restored(*peer),
                });
            }
        }
    }
}

impl Arrivals {
    fn on_heartbeat(&mut self, now: Instant, number: u64, window: usize) {
        if self.beats.is_some_and(|beats| number <= beats) {
            return;
        }
        // The time before the first heartbeat is not an interval between two.
        if self.beats.is_some() {
            if self.intervals.len() >= window {
                self.intervals.pop_front();
            }
            let nanos = now.as_nanos().saturating_sub(self.last.as_nanos());
            self.intervals.push_back(nanos);
        }
        self.beats = Some(number);
        self.last = now;
    }

    fn phi(&self, now: Instant, config: &AccrualConfig) -> f64 {
        // Before there is an interval: the agreed one, with a deviation of a quarter of it.
        let agreed = config.interval.as_nanos() as f64;
        let (mean, deviation) = match self.intervals.len() {
            0 => (agreed, agreed / 4.0),
            count => {
                let values = || self.intervals.iter().map(|nanos| *nanos as f64);
                let mean = values().sum::<f64>() / count as f64;
                let squares = values().map(|value| (value - mean) * (value - mean));
                (mean, libm::sqrt(squares.sum::<f64>() / count as f64))
            }
        };
        let deviation = deviation.max(config.deviation.as_nanos() as f64).max(1.0);
        let silence = now.since(self.last).as_nanos() as f64;
        surprise((silence - mean) / deviation)
    }
}

/// −log₁₀ of the probability that a normal variable is more than `y` deviations above its mean.
fn surprise(y: f64) -> f64 {
    use core::f64::consts::{LN_10, PI, SQRT_2};
    // Beyond 30 deviations the probability comes near the smallest representable number. There its
    // logarithm is that of exp(−y²/2) / (y √2π), to one part in y².
    match y < 30.0 {
        true => -libm::log10(libm::erfc(y / SQRT_2) / 2.0),
        false => y * y / 2.0 / LN_10 + libm::log10(y * libm::sqrt(2.0 * PI)),
    }
}

impl<L: Link> Detector for AccrualDetector<L> {
    type Address = L::Address;

    fn handle_timeouts(&mut self, now: Instant) {
        self.below.handle_timeouts(now);
        if self.next_beat > now {
            return;
        }
        let heartbeat = Header::Heartbeat(self.beats).before(b"");
        for peer in self.peers.keys() {
            // What the link does not take counts as lost.
            let _ = self.below.send(now, *peer, &heartbeat);
        }
        self.beats += 1;
        self.next_beat = now + self.config.interval;
        self.judge(now);
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
        while let Some((from, packet)) = self.below.poll_deliver() {
            if let Ok((Header::Heartbeat(number), _)) = Header::parse(&packet)
                && let Some(arrivals) = self.peers.get_mut(&from)
            {
                arrivals.on_heartbeat(now, number, self.config.window);
            }
        }
        self.judge(now);
    }

    fn poll_verdict(&mut self) -> Option<Verdict<L::Address>> {
        self.verdicts.pop_front()
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<L::Address>> {
        self.below.poll_transmit(now)
    }

    fn next_deadline(&self) -> Option<Instant> {
        earlier(Some(self.next_beat), self.below.next_deadline())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::FairLossLink;

    const PEER: u8 = 2;

    fn detector(config: AccrualConfig) -> AccrualDetector<FairLossLink<u8>> {
        let peers = BTreeSet::from([PEER]);
        AccrualDetector::new(Instant::ZERO, FairLossLink::new(64), peers, config)
    }

    fn beat(detector: &mut AccrualDetector<FairLossLink<u8>>, at: u64, number: u64) {
        let packet = Header::Heartbeat(number).before(b"");
        detector.receive(Instant::from_millis(at), PEER, &packet);
    }

    /// Tables of the normal distribution: 1 − F of 0, 1, 2, 3 and 6 deviations.
    #[test]
    fn the_tail_of_the_normal_distribution() {
        let tails = [
            (0.0, 0.5),
            (1.0, 0.158_655_254),
            (2.0, 0.022_750_132),
            (3.0, 0.001_349_898),
            (6.0, 9.865_876e-10),
        ];
        for (y, tail) in tails {
            let expected = -f64::log10(tail);
            assert!(
                (surprise(y) - expected).abs() < 1e-6,
                "{y}: {}",
                surprise(y)
            );
        }
        assert!(surprise(-40.0).abs() < 1e-9, "early is no surprise");
    }

    #[test]
    fn surprise_grows_without_end_and_without_a_step() {
        let values: Vec<f64> = (0..20_000)
            .map(|y| surprise(f64::from(y) / 100.0))
            .collect();
        for pair in values.windows(2) {
            let step = pair[1] - pair[0];
            assert!(step > 0.0 && step < 1.0, "{pair:?}");
        }
        assert!(*values.last().unwrap() > 8000.0);
    }

    /// Intervals of 900 and 1100 ms: mean 1000, deviation 100. Two deviations late: φ = 1.643.
    #[test]
    fn phi_is_that_of_mean_and_deviation() {
        let config = AccrualConfig {
            deviation: Duration::from_millis(1),
            ..AccrualConfig::default()
        };
        let mut detector = detector(config);
        for (number, at) in [0, 900, 2000, 2900, 4000].into_iter().enumerate() {
            beat(&mut detector, at, number as u64);
        }
        let phi = |at| detector.phi(Instant::from_millis(at), PEER).unwrap();
        assert!((phi(5000) - 0.301).abs() < 0.001, "at the mean: one half");
        assert!((phi(5200) - 1.643).abs() < 0.001, "{}", phi(5200));
        assert!(phi(4001) < 1e-9);
        assert_eq!(detector.phi(Instant::ZERO, 9), None);
    }

    #[test]
    fn copies_and_old_heartbeats_say_nothing_new() {
        let mut detector = detector(AccrualConfig::default());
        beat(&mut detector, 0, 0);
        beat(&mut detector, 1000, 1);
        let before = detector.clone();
        beat(&mut detector, 1500, 1);
        beat(&mut detector, 1600, 0);
        assert!(detector == before);
    }

    #[test]
    fn the_window_is_bounded() {
        let window = 10;
        let mut detector = detector(AccrualConfig {
            window,
            ..AccrualConfig::default()
        });
        for number in 0..100 {
            beat(&mut detector, number * 1000, number);
        }
        assert_eq!(detector.peers[&PEER].intervals.len(), window);
    }

    #[test]
    fn silence_is_suspected_and_a_heartbeat_restores() {
        let mut detector = detector(AccrualConfig::default());
        for number in 0..5 {
            let now = Instant::from_secs(number);
            detector.handle_timeouts(now);
            beat(&mut detector, number * 1000, number);
        }
        detector.handle_timeouts(Instant::from_secs(5));
        assert_eq!(detector.poll_verdict(), None);
        detector.handle_timeouts(Instant::from_secs(6));
        assert_eq!(detector.poll_verdict(), Some(Verdict::Suspected(PEER)));
        beat(&mut detector, 6500, 5);
        assert_eq!(detector.poll_verdict(), Some(Verdict::Restored(PEER)));
        assert_eq!(detector.poll_verdict(), None);
    }
}
