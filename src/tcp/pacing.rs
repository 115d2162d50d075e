//! Pacing: what is sent is spread over time, in bursts that the rate makes about a millisecond
//! long (draft-ietf-ccwg-bbr §5.6.2, §5.6.3).
//!
//! ```text
//!   quantum ┌──┐        ┌──┐        ┌──┐
//!           │  │        │  │        │  │
//!         ──┘  └────────┘  └────────┘  └──►  t
//!           ▲           ▲
//!           burst       next = burst + octets / rate, when Timer::Pace expires
//! ```
//!
//! Whether something may leave must not depend on the clock, so that "would send" and "sends"
//! agree. So the pacer gives credit when its timer expires, or before a late departure, and a
//! departure uses it up. While there is no credit, the timer runs.

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::seq::Seq;
use super::tcb::Tcb;
use super::timers::Timer;
use crate::config::{Pacing, TcpConfig};
use crate::time::{Duration, Instant};

/// No burst is larger, in octets (C.send_quantum, draft-ietf-ccwg-bbr §5.6.3).
const LARGEST_QUANTUM: u64 = 64 * 1024;
/// This many segments with text are not paced, with
/// [`PacingConfig::limit_paces_window`](crate::config::PacingConfig::limit_paces_window): the tenth is
/// the first for which the next one waits.
const UNPACED: u64 = 9;
/// With that setting and a controller that paces, no two segments leave together below this rate, in octets
/// a second: 1.2 Mbit/s.
const SLOW: u64 = 150_000;
/// Nothing is held longer than this, however slow the rate: then every segment is a burst.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// Decides when the next burst leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pacer {
    /// Octets that may leave now; the last segment may be longer.
    credit: u64,
    /// C.next_send_time: when the time for all that has left is over.
    next: Instant,
}

/// How fast, and in what bursts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    /// Octets a second.
    rate: u64,
    /// C.send_quantum, in octets.
    quantum: u64,
    /// Each packet is a burst, where packets are kept.
    by_packets: bool,
}

impl Pace {
    /// How long this many octets take at the rate.
    fn time_for(self, octets: u64) -> Duration {
        let nanos = u128::from(octets) * 1_000_000_000 / u128::from(self.rate.max(1));
        u64::try_from(nanos).map_or(LONGEST_HOLD, Duration::from_nanos)
    }
}

impl Pacer {
    /// The first burst may leave at once.
    pub(super) fn new(now: Instant) -> Pacer {
        Pacer {
            credit: 1,
            next: now,
        }
    }

    /// A connection that is not, or no longer, paced is not held up, and may be paced again later.
    #[inline]
    fn release_unpaced(&mut self, now: Instant) {
        if now >= self.next {
            (self.next, self.credit) = (now, 1);
        }
    }

    /// If the time has come, a whole burst may leave. A late departure makes up for up to half a
    /// burst, so that slightly slow timers do not reduce the rate.
    fn release(&mut self, now: Instant, pace: Pace) {
        if now < self.next {
            return;
        }
        if pace.by_packets {
            self.credit = pace.quantum;
            return;
        }
        let most = match self.credit {
            0 => pace.time_for(pace.quantum) / 2,
            _ => Duration::ZERO,
        };
        let late = (now - self.next).min(most);
        self.next = Instant::from_nanos(now.as_nanos() - late.as_nanos() as u64);
        self.credit = pace.quantum;
    }

    /// Octets leave.
    fn on_sent(&mut self, now: Instant, octets: u64, pace: Pace) {
        let took = pace.time_for(octets);
        self.next = (self.next + took).min(now + LONGEST_HOLD);
        self.credit = self.credit.saturating_sub(octets);
    }

    /// `octets` leave, the first or further ones of `packet` octets that leave together. The first pay for
    /// all, and for a packet that is late enough only half.
    fn on_sent_of_packet(&mut self, now: Instant, octets: usize, packet: usize, pace: Pace) {
        if now >= self.next {
            let took = pace.time_for(packet as u64);
            self.next = now + (took - (took / 2).min(now - self.next)).min(LONGEST_HOLD);
        }
        self.credit = u64::from(octets < packet);
    }

    /// What decides the future: see [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
    pub(super) fn hash_canonical(
        &self,
        config: &TcpConfig,
        now: Instant,
        hasher: &mut impl Hasher,
    ) {
        if config.pacing.when != Pacing::Never || config.socket.max_pacing_rate.is_some() {
            (self.credit, self.next.since(now)).hash(hasher);
        }
    }
}

impl Tcb {
    /// How fast to send; `None`: not paced, only limited by acknowledgments.
    #[inline]
    fn pace(&self) -> Option<Pace> {
        let asks = match self.config.pacing.when {
            Pacing::Never => false,
            Pacing::WhenAsked => self.congestion.pacing_rate().is_some(),
            Pacing::Always => true,
        };
        match asks || self.config.socket.max_pacing_rate.is_some() {
            true => self.pace_asked_for(),
            false => None,
        }
    }

    #[inline(never)]
    fn pace_asked_for(&self) -> Option<Pace> {
        let config = &self.config.pacing;
        let limit = self.config.socket.max_pacing_rate;
        let paces_window = limit.is_some() && config.limit_paces_window;
        if paces_window && self.stats.text_segments_out < UNPACED {
            return None;
        }
        let own = match config.when {
            Pacing::Never => None,
            Pacing::WhenAsked if !paces_window => self.congestion.pacing_rate(),
            Pacing::WhenAsked | Pacing::Always => {
                (self.congestion.pacing_rate()).or_else(|| self.rate_of_window())
            }
        };
        let rate = own.into_iter().chain(limit).min()?;
        let quantum = u128::from(rate) * config.quantum.as_nanos() / 1_000_000_000;
        let least = self.snd.mss as u64 * if self.leaves_one_by_one() { 1 } else { 2 };
        let quantum = u64::try_from(quantum).unwrap_or(u64::MAX);
        Some(Pace {
            rate,
            quantum: quantum.clamp(least, LARGEST_QUANTUM.max(least)),
            by_packets: paces_window,
        })
    }

    /// Whether the limit of the user is so low that no two segments leave together, with a controller that paces, see
    /// [`PacingConfig::limit_paces_window`](crate::config::PacingConfig::limit_paces_window).
    pub(super) fn leaves_one_by_one(&self) -> bool {
        let limit = self.config.socket.max_pacing_rate;
        self.config.pacing.limit_paces_window
            && limit.is_some_and(|rate| rate < SLOW)
            && self.congestion.pacing_rate().is_some()
    }

    /// A window in a round trip, and a little more, so that pacing does not limit the growth of the
    /// window.
    pub(super) fn rate_of_window(&self) -> Option<u64> {
        let srtt = self.recovery.rtt.srtt()?.max(Duration::from_nanos(1));
        let window = self.congestion.window();
        let config = &self.config.pacing;
        let slower_from = self.congestion.ssthresh() / if config.slows_halfway { 2 } else { 1 };
        let percent = match window < slower_from {
            true => config.slow_start_percent,
            false => config.avoidance_percent,
        };
        let nanos = 100 * srtt.as_nanos();
        let most = match config.counts_flight {
            true => window.max(self.flight_size() as u64),
            false => window,
        };
        let rate = u128::from(most) * u128::from(percent) * 1_000_000_000 / nanos;
        Some(u64::try_from(rate).unwrap_or(u64::MAX))
    }

    /// Whether what is sent is spread over time.
    pub(super) fn is_paced(&self) -> bool {
        self.pace().is_some()
    }

    /// Whether text, new or not, must wait for [`Timer::Pace`].
    pub(super) fn is_held_by_pacer(&self) -> bool {
        self.pacer.credit == 0 && self.pace().is_some()
    }

    /// Octets that the pacer lets out now; the last segment may be longer.
    pub(super) fn pacer_room(&self) -> usize {
        match self.pace() {
            Some(_) => usize::try_from(self.pacer.credit).unwrap_or(usize::MAX),
            None => usize::MAX,
        }
    }

    /// Gives credit if the time has come.
    #[inline]
    pub(super) fn release_pacer(&mut self, now: Instant) {
        match self.pace() {
            Some(pace) => self.pacer.release(now, pace),
            None => self.pacer.release_unpaced(now),
        }
    }

    /// The places of `range` leave, for the first time or `again`.
    pub(super) fn pace_departure(&mut self, now: Instant, range: &Range<Seq>, again: bool) {
        let Some(pace) = self.pace() else {
            return;
        };
        let octets = range.end - range.start;
        match self.boundaries.packets().filter(|_| pace.by_packets) {
            Some(packets) => {
                let end = if again { range.end } else { packets.head() };
                let packet = end.saturating_since(range.start).max(octets);
                self.pacer.on_sent_of_packet(now, octets, packet, pace);
            }
            None => self.pacer.on_sent(now, octets as u64, pace),
        }
        if self.pacer.credit == 0 {
            self.timers.arm(Timer::Pace, self.pacer.next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        rate: 1_000_000,
        quantum: 3000,
        by_packets: false,
    };

    fn at(micros: u64) -> Instant {
        Instant::from_nanos(1000 * micros)
    }

    /// draft-ietf-ccwg-bbr §5.6.2: pacing_delay = packet.size / pacing_rate, from the later of now
    /// and next_send_time.
    #[test]
    fn a_burst_is_followed_by_the_time_it_takes() {
        let mut pacer = Pacer::new(at(0));
        pacer.release(at(0), PACE);
        for credit in [2000, 1000, 0] {
            pacer.on_sent(at(0), 1000, PACE);
            assert_eq!(pacer.credit, credit);
        }
        assert_eq!(pacer.next, at(3000), "3,000 octets at 1 MB/s");
        pacer.release(at(2999), PACE);
        assert_eq!(pacer.credit, 0);
        pacer.release(at(3000), PACE);
        assert_eq!(pacer.credit, 3000);
        pacer.on_sent(at(3000), 1000, PACE);
        assert_eq!(pacer.next, at(4000));
    }

    #[test]
    fn a_timer_that_is_late_does_not_slow_the_rate_but_an_idle_time_earns_nothing() {
        let mut pacer = Pacer::new(at(0));
        pacer.on_sent(at(0), 3000, PACE);
        pacer.release(at(3500), PACE);
        pacer.on_sent(at(3500), 3000, PACE);
        assert_eq!(pacer.next, at(6000), "half a millisecond late");
        pacer.release(at(20_000), PACE);
        assert_eq!(
            (pacer.credit, pacer.next),
            (3000, at(18_500)),
            "half a burst"
        );
        pacer.on_sent(at(20_000), 1000, PACE);
        pacer.release(at(900_000), PACE);
        assert_eq!((pacer.credit, pacer.next), (3000, at(900_000)), "idle");
    }

    #[test]
    fn no_rate_holds_for_ever() {
        let mut pacer = Pacer::new(at(0));
        pacer.on_sent(at(0), 3000, Pace { rate: 0, ..PACE });
        assert_eq!(pacer.next, at(1_000_000));
    }
}
