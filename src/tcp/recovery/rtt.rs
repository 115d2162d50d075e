//! Round-trip time and retransmission timeout (RFC 6298).

use core::hash::{Hash, Hasher};
use core::time::Duration;

use super::deviation::{Deviation, Sample};
use crate::config::{RtoFloor, TcpConfig};
use crate::tcp::congestion::RoundTrips;
use crate::time::Instant;

/// SRTT, RTTVAR and RTO of one connection, each in nanoseconds as one number, which is faster to
/// compute with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rtt {
    /// [`NEVER`] before the first sample: an `Option` would take as much again.
    srtt: u64,
    /// The least sample of the current half of the window, and of the half before; [`NEVER`] if
    /// there was none.
    least: [u64; 2],
    /// When the current half began.
    half_began: Instant,
    rttvar: u64,
    /// What the backoff doubles, and what is added to it.
    base: u64,
    slop: u64,
    rto: u64,
    min_rto: u64,
    max_rto: u64,
    /// `min_rto` bounds the term of the variation only.
    floors_variation: bool,
    /// A timeout was spurious: the estimate starts anew from the next sample, if that is more
    /// conservative (RFC 4015 §3).
    was_spurious: bool,
    /// With [`RecoveryHabits::variation_lasts`](crate::config::RecoveryHabits::variation_lasts).
    deviation: Option<Box<Deviation>>,
}

/// No sample is that long.
const NEVER: u64 = u64::MAX;

/// Half of the time for which the least RTT is remembered, in nanoseconds: paths change (RFC 8985
/// §6.2, step 1).
const HALF_WINDOW: u64 = 150_000_000_000;

/// RFC 6298 §5.7: the RTO with which data begins after a lost SYN.
pub(crate) const UNSAMPLED: Duration = Duration::from_secs(3);

impl Rtt {
    pub(crate) fn new(config: &TcpConfig) -> Rtt {
        let first = nanos(config.initial_rto.clamp(config.min_rto, config.max_rto));
        Rtt {
            srtt: NEVER,
            least: [NEVER; 2],
            half_began: Instant::ZERO,
            rttvar: 0,
            base: first,
            slop: nanos(config.rto_slop),
            rto: first,
            min_rto: nanos(config.min_rto),
            max_rto: nanos(config.max_rto),
            floors_variation: config.rto_floor == RtoFloor::Variation,
            was_spurious: false,
            deviation: (config.habits.recovery.variation_lasts).then(Box::default),
        }
    }

    /// Sets the bounds of RTO, from the next sample or timeout on.
    pub(crate) fn set_bounds(&mut self, least: Duration, most: Duration) {
        (self.min_rto, self.max_rto) = (nanos(least), nanos(most));
        self.rto = self.rto.min(self.max_rto);
    }

    #[cfg(test)]
    pub(crate) fn sample(&mut self, now: Instant, r: Duration) {
        self.sample_nanos(now, nanos(r));
    }

    /// Takes the samples of the round trip that an acknowledgment gives.
    #[inline]
    pub(crate) fn sample_as(&mut self, now: Instant, sample: &Sample) {
        let Some(deviation) = &mut self.deviation else {
            return self.sample_nanos(now, sample.last);
        };
        let (r, least) = (sample.first, self.min_rto / 4);
        (self.srtt, self.rttvar) = match self.srtt {
            NEVER => (r, deviation.start(sample, least)),
            srtt => (
                srtt * 7 / 8 + r / 8,
                deviation.follow(srtt, self.rttvar, sample, least),
            ),
        };
        self.was_spurious = false;
        self.remember_least(now, sample.last);
        self.set_rto(self.estimate());
    }

    /// Takes a sample R (RFC 6298 §2.2, §2.3), in nanoseconds; ends the backoff (§5, Karn).
    #[inline(always)]
    pub(crate) fn sample_nanos(&mut self, now: Instant, r: u64) {
        self.remember_least(now, r);
        if core::mem::take(&mut self.was_spurious) {
            self.start_anew(r);
            return;
        }
        match self.srtt {
            NEVER => {
                self.srtt = r;
                self.rttvar = r / 2;
            }
            srtt => {
                // RTTVAR <- (1 - 1/4) * RTTVAR + 1/4 * |SRTT - R'|, then
                // SRTT <- (1 - 1/8) * SRTT + 1/8 * R': in this order.
                self.rttvar = self.rttvar * 3 / 4 + srtt.abs_diff(r) / 4;
                self.srtt = srtt * 7 / 8 + r / 8;
            }
        }
        self.set_rto(self.estimate());
    }

    #[inline]
    fn remember_least(&mut self, now: Instant, r: u64) {
        if now.nanos_since(self.half_began) >= HALF_WINDOW {
            self.half_began = now;
            self.least = [NEVER, self.least[0]];
        }
        self.least[0] = self.least[0].min(r);
    }

    /// RFC 4015 §3: SRTT <- max (SRTT, R), RTTVAR <- max (RTTVAR, R/2).
    fn start_anew(&mut self, r: u64) {
        self.srtt = self.srtt_nanos().unwrap_or_default().max(r);
        self.rttvar = self.rttvar.max(r / 2);
        self.set_rto(self.estimate());
    }

    /// The timeout was spurious: the path takes longer than estimated. The backoff ends.
    pub(crate) fn on_spurious_timeout(&mut self) {
        self.was_spurious = true;
        if self.is_known() {
            self.set_rto(self.estimate());
        }
    }

    /// Whether the echo of a timestamp gives a round trip. The first one, after a handshake that had
    /// to be repeated, does not if it echoes an earlier SYN than the one `sent` last: acknowledgments
    /// were lost in between (RFC 6298 §5.7 has an RTO for that).
    pub(crate) fn is_sample(&self, echo: Instant, sent: Option<Instant>) -> bool {
        self.is_known() || sent.is_none_or(|sent| echo.as_millis() >= sent.as_millis())
    }

    /// The timer has expired (RFC 6298 §5.5).
    pub(crate) fn back_off(&mut self) {
        self.set_rto(self.base * 2);
    }

    /// The timer has expired, and will be doubled: starts from half of the estimate, so that the
    /// doubled timeout is the estimate.
    pub(crate) fn hold_back_off(&mut self) {
        if self.is_known() {
            self.base = self.estimate().max(self.min_rto) / 2;
        }
    }

    /// The last doubling was unnecessary.
    pub(crate) fn revert_back_off(&mut self) {
        if self.doublings() > 0 {
            self.set_rto((self.base / 2).max(self.estimate()));
        }
    }

    /// Data begins after the SYN had to be sent again (RFC 6298 §5.7), or without a sample for another reason.
    pub(crate) fn start_with_caution(&mut self) {
        if !self.is_known() {
            self.set_rto(nanos(UNSAMPLED));
        }
    }

    #[inline]
    fn estimate(&self) -> u64 {
        // RTO <- SRTT + max (G, K*RTTVAR) with K = 4 (RFC 6298 §2.3). G, the granularity of the
        // clock, is a nanosecond here; the floor `min_rto` stands in for it.
        let variation = self.rttvar * 4;
        let variation = match self.floors_variation {
            true => variation.max(self.min_rto),
            false => variation,
        };
        self.srtt_nanos().unwrap_or_default() + variation
    }

    #[inline]
    fn set_rto(&mut self, rto: u64) {
        self.rto = (rto + self.slop).max(self.min_rto).min(self.max_rto);
        self.base = self.rto.saturating_sub(self.slop);
    }

    /// Whether the timeout shows how often it was doubled, because it was estimated and is not the longest.
    pub(crate) fn tells_doublings(&self) -> bool {
        self.is_known() && self.rto < self.max_rto
    }

    /// How often the timeout has been doubled since it was last estimated.
    pub(crate) fn doublings(&self) -> u32 {
        match self.is_known() {
            true => (self.base / self.estimate().clamp(1, u64::MAX).max(self.min_rto))
                .max(1)
                .ilog2(),
            false => 0,
        }
    }

    /// The timeout, backoff included.
    pub(crate) fn rto(&self) -> Duration {
        Duration::from_nanos(self.rto)
    }

    /// When a timeout that begins at `from` is over.
    #[inline]
    pub(crate) fn expiry(&self, from: Instant) -> Instant {
        Instant::from_nanos(from.as_nanos().saturating_add(self.rto))
    }

    /// The smoothed round-trip time; `None` before the first sample.
    pub(crate) fn srtt(&self) -> Option<Duration> {
        self.srtt_nanos().map(Duration::from_nanos)
    }

    /// The same, in nanoseconds.
    #[inline]
    pub(crate) fn srtt_nanos(&self) -> Option<u64> {
        self.is_known().then_some(self.srtt)
    }

    /// Whether there was a sample.
    #[inline]
    fn is_known(&self) -> bool {
        self.srtt != NEVER
    }

    /// The least round-trip time of the last minutes; `None` before the first sample.
    pub(crate) fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt_nanos().map(Duration::from_nanos)
    }

    /// The same, in nanoseconds.
    #[inline]
    pub(crate) fn min_rtt_nanos(&self) -> Option<u64> {
        let least = self.least[0].min(self.least[1]);
        (least != NEVER).then_some(least)
    }

    /// What is known when an acknowledgment has given the sample `latest`, in nanoseconds.
    #[inline]
    pub(crate) fn round_trips(&self, latest: u64) -> RoundTrips {
        RoundTrips::of_nanos(self.srtt_nanos(), Some(latest), self.min_rtt_nanos())
    }

    /// What decides the future.
    pub(crate) fn hash_canonical(&self, now: Instant, hasher: &mut impl Hasher) {
        (self.srtt_nanos(), self.rttvar, self.rto, self.was_spurious).hash(hasher);
        self.base.hash(hasher);
        (self.least, now.since(self.half_began), &self.deviation).hash(hasher);
    }

    /// The variation of the round-trip time.
    pub(crate) fn rttvar(&self) -> Duration {
        let deviation = self.deviation.as_ref();
        Duration::from_nanos(deviation.map_or(self.rttvar, |it| it.mean()))
    }
}

/// A duration in nanoseconds, at most 36 years.
fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().min(1 << 60) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtt(min_rto_ms: u64) -> Rtt {
        Rtt::new(&TcpConfig {
            min_rto: Duration::from_millis(min_rto_ms),
            ..TcpConfig::default()
        })
    }

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// RFC 6298 §2.1 to §2.3, by hand.
    #[test]
    fn follows_the_formulas() {
        let mut rtt = rtt(1);
        assert_eq!(rtt.rto(), millis(1000));
        rtt.sample(Instant::ZERO, millis(100));
        assert_eq!((rtt.srtt(), rtt.rttvar()), (Some(millis(100)), millis(50)));
        assert_eq!(rtt.rto(), millis(300));
        rtt.sample(Instant::ZERO, millis(180));
        // RTTVAR = 3/4 * 50 + 1/4 * 80 = 57.5; SRTT = 7/8 * 100 + 1/8 * 180 = 110.
        assert_eq!(rtt.rttvar(), Duration::from_micros(57_500));
        assert_eq!(rtt.srtt(), Some(millis(110)));
        assert_eq!(rtt.rto(), millis(340));
    }

    /// FreeBSD: 1 s, then 2 s plus 200 ms, 4 s plus 200 ms.
    #[test]
    fn a_slop_is_not_doubled() {
        let mut rtt = Rtt::new(&TcpConfig {
            min_rto: millis(30),
            rto_slop: millis(200),
            ..TcpConfig::default()
        });
        assert_eq!(rtt.rto(), millis(1_000));
        rtt.back_off();
        assert_eq!(rtt.rto(), millis(2_200));
        rtt.back_off();
        assert_eq!(rtt.rto(), millis(4_200));
        rtt.sample(Instant::ZERO, millis(100));
        assert_eq!(rtt.rto(), millis(500));
    }

    /// RFC 6069 §4.2: each report undoes one doubling, and no more than there were.
    #[test]
    fn a_doubling_is_taken_back() {
        let mut rtt = rtt(200);
        rtt.sample(Instant::ZERO, millis(100));
        (0..2).for_each(|_| rtt.back_off());
        let seen = [(); 3].map(|()| {
            rtt.revert_back_off();
            rtt.rto()
        });
        assert_eq!(seen, [millis(600), millis(300), millis(300)]);
    }

    /// RFC 6298 §2.4, §2.5, §5.5.
    #[test]
    fn is_bounded_and_backs_off_until_a_sample() {
        let mut rtt = rtt(200);
        rtt.sample(Instant::ZERO, millis(1));
        assert_eq!(rtt.rto(), millis(200));
        rtt.back_off();
        rtt.back_off();
        assert_eq!(rtt.rto(), millis(800));
        for _ in 0..20 {
            rtt.back_off();
        }
        assert_eq!(rtt.rto(), Duration::from_secs(120));
        rtt.sample(Instant::ZERO, millis(1));
        assert_eq!(rtt.rto(), millis(200));
    }

    /// RFC 6298 §5.7.
    #[test]
    fn starts_data_at_three_seconds_after_a_lost_syn() {
        let mut rtt = rtt(200);
        rtt.back_off();
        rtt.start_with_caution();
        assert_eq!(rtt.rto(), Duration::from_secs(3));
    }

    /// As in Linux, the floor applies to the variation.
    #[test]
    fn the_floor_may_be_one_of_the_variation() {
        let mut rtt = Rtt::new(&TcpConfig {
            rto_floor: RtoFloor::Variation,
            ..TcpConfig::default()
        });
        for _ in 0..100 {
            rtt.sample(Instant::ZERO, millis(300));
        }
        let (srtt, rto) = (rtt.srtt().unwrap(), rtt.rto());
        assert_eq!(rto, srtt + millis(200));
        assert!(srtt > millis(299));
    }

    /// RFC 8985 §6.2, step 1: the least of the last minutes; a path may become longer.
    #[test]
    fn the_least_rtt_is_forgotten_after_minutes() {
        let mut rtt = rtt(200);
        rtt.sample(Instant::ZERO, millis(10));
        rtt.sample(Instant::from_secs(160), millis(50));
        assert_eq!(rtt.min_rtt(), Some(millis(10)));
        rtt.sample(Instant::from_secs(320), millis(60));
        assert_eq!(rtt.min_rtt(), Some(millis(50)));
    }

    /// RFC 4015 §3, step 11: after a spurious timeout SRTT <- max (SRTT, R), RTTVAR <- max (RTTVAR,
    /// R/2): the estimate is not below what was just seen, nor below what it was.
    #[test]
    fn a_spurious_timeout_makes_patient() {
        for (r, srtt, rttvar) in [(2000, 2000, 1000), (150, 150, 75), (60, 100, 50)] {
            let mut rtt = rtt(200);
            rtt.sample(Instant::ZERO, millis(100));
            rtt.back_off();
            rtt.on_spurious_timeout();
            assert_eq!(rtt.rto(), millis(300));
            rtt.sample(Instant::ZERO, millis(r));
            let estimate = (rtt.srtt(), rtt.rttvar());
            assert_eq!(estimate, (Some(millis(srtt)), millis(rttvar)), "{r}");
            assert_eq!(rtt.rto(), millis(srtt + 4 * rttvar));
        }
    }
}
