//! Slow start and congestion avoidance (RFC 5681), counting octets (RFC 3465).

use core::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;

use super::validation::{Limits, Validation, Window};
use super::{Ack, Controller, Loss, LostSegment, abc_limit, initial_window};
use crate::time::Instant;

/// The congestion control that RFC 9293 §3.8.2 requires of every host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reno {
    mss: u64,
    cwnd: u64,
    ssthresh: u64,
    initial_window: u64,
    /// Octets acknowledged in congestion avoidance since the window last grew.
    bytes_acked: u64,
    /// L of RFC 3465 §2.3, in segments; `None`: as [`abc_limit`] says.
    slow_start_limit: Option<u64>,
    /// ssthresh is a number of whole segments, and each acknowledged window increases the window by
    /// one.
    in_segments: bool,
    /// What the last loss took.
    undo: Option<Undo>,
    /// How much of the window is used, for validation (RFC 7661).
    validation: Option<Validation>,
}

/// cwnd and ssthresh before a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Undo {
    cwnd: u64,
    ssthresh: u64,
}

impl Reno {
    /// A controller at the start of a connection, with a window of `segments` of `mss` octets,
    /// bounded by [`initial_window`].
    pub fn new(mss: usize, segments: u32) -> Reno {
        let mss = mss.max(1) as u64;
        let initial_window = initial_window(mss, segments);
        Reno {
            mss,
            cwnd: initial_window,
            ssthresh: u64::MAX,
            initial_window,
            bytes_acked: 0,
            slow_start_limit: None,
            in_segments: false,
            undo: None,
            validation: None,
        }
    }

    /// The most segments by which an acknowledgment increases the window in slow start; `None`: 2,
    /// and 1 while a timeout is being repaired.
    #[must_use]
    pub fn slow_start_limit(mut self, segments: Option<u32>) -> Reno {
        self.slow_start_limit = segments.map(u64::from);
        self
    }

    /// On: ssthresh is a number of whole segments, and each acknowledged window increases the window by
    /// one, as in Linux. Off: ssthresh is a number of octets, and an acknowledgment increases the window by
    /// one segment at most.
    #[must_use]
    pub fn in_segments(mut self, in_segments: bool) -> Reno {
        self.in_segments = in_segments;
        self
    }

    /// With congestion window validation (RFC 7661), or without.
    #[must_use]
    pub fn validated(mut self, validation: bool) -> Reno {
        self.validation = validation.then(Validation::default);
        self
    }

    /// RFC 7661: reduces a window that is not used.
    fn validate(&mut self, change: impl FnOnce(&mut Validation, Window, Limits) -> Window) {
        let window = Window {
            cwnd: self.cwnd,
            ssthresh: self.ssthresh,
        };
        let limits = Limits {
            mss: self.mss,
            initial_window: self.initial_window,
        };
        if let Some(validation) = &mut self.validation {
            let Window { cwnd, ssthresh } = change(validation, window, limits);
            (self.cwnd, self.ssthresh) = (cwnd, ssthresh);
        }
    }

    /// After a timeout, a mark or a spurious loss there is no recovery whose end would change the
    /// window.
    fn forget_use(&mut self) {
        if let Some(validation) = &mut self.validation {
            validation.reset();
        }
    }

    fn halve(&mut self, loss: &Loss) {
        self.undo = Some(Undo {
            cwnd: self.cwnd,
            ssthresh: self.ssthresh,
        });
        // RFC 5681 §3.1, equation 4.
        let half = loss.in_flight / 2;
        let half = match self.in_segments {
            true => half - half % self.mss,
            false => half,
        };
        self.ssthresh = half.max(2 * self.mss);
        self.bytes_acked = 0;
    }
}

impl Controller for Reno {
    fn window(&self) -> u64 {
        self.cwnd
    }

    fn ssthresh(&self) -> u64 {
        self.ssthresh
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.validate(|validation, window, limits| validation.on_ack(ack, window, limits));
        if ack.recovering || !ack.window_limited {
            return;
        }
        let mut acked = ack.acked;
        if self.cwnd < self.ssthresh {
            let Some(limit) = self.slow_start_limit else {
                // RFC 3465 §2.2.
                self.cwnd += acked.min(abc_limit(ack) * self.mss);
                return;
            };
            // An acknowledgment of many segments must not take the window far beyond ssthresh.
            let most = acked.min(limit.saturating_mul(self.mss));
            let growth = most.min(self.ssthresh - self.cwnd);
            self.cwnd += growth;
            acked = most - growth;
            if acked == 0 {
                return;
            }
        }
        // RFC 3465 §2.1: an acknowledged window increases the window by one segment; in segments, each
        // acknowledged window does.
        let window = self.cwnd;
        self.bytes_acked += acked;
        let windows = match self.in_segments {
            true => self.bytes_acked / window,
            false => u64::from(self.bytes_acked >= window),
        };
        self.bytes_acked -= windows * window;
        self.cwnd += windows * self.mss;
    }

    fn on_congestion(&mut self, loss: &Loss) {
        let cwnd = self.cwnd;
        let used = (self.validation.as_mut()).and_then(|known| known.on_congestion(loss, cwnd));
        self.halve(loss);
        if let Some(used) = used {
            self.ssthresh = (used / 2).max(2 * self.mss);
        }
        self.cwnd = self.ssthresh;
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

    /// RFC 3168 §6.1.2: as for a loss; and a mark is never a mistake.
    fn on_ecn(&mut self, mark: &Loss) {
        self.on_congestion(mark);
        self.undo = None;
        self.forget_use();
    }

    fn on_timeout(&mut self, loss: &Loss, first: bool) {
        // RFC 5681 §3.1: ssthresh is held when the same segment is lost again.
        if first {
            self.halve(loss);
        }
        self.cwnd = self.mss;
        self.forget_use();
    }

    /// RFC 4015 §3: restores the window.
    fn on_spurious(&mut self, _now: Instant) {
        self.forget_use();
        if let Some(undo) = self.undo.take() {
            self.cwnd = self.cwnd.max(undo.cwnd);
            self.ssthresh = self.ssthresh.max(undo.ssthresh);
        }
    }

    fn on_settled(&mut self) {
        self.undo = None;
    }

    fn take_over(&mut self, window: u64, ssthresh: u64) {
        self.cwnd = window.max(self.mss);
        self.ssthresh = ssthresh;
    }

    fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min(self.initial_window);
    }

    fn set_mss(&mut self, mss: usize) {
        let segments = (self.cwnd / self.mss).max(1);
        self.mss = mss.max(1) as u64;
        // RFC 8899 §3, 7: longer segments do not make the window larger.
        self.cwnd = (segments * self.mss).min(self.cwnd).max(self.mss);
    }

    fn looks_at_rate(&self) -> bool {
        false
    }

    fn fingerprint(&self, now: Instant, ceiling: u64) -> u64 {
        // Windows that do not limit sending are all alike, because what follows a loss does not
        // depend on them.
        let roomy = self.cwnd >= ceiling;
        let below = |undo: Undo| (undo.cwnd.min(ceiling), undo.ssthresh.min(ceiling));
        let (cwnd, acked, undo) = match roomy {
            true => (ceiling, 0, None),
            false => (self.cwnd, self.bytes_acked, self.undo.map(below)),
        };
        let mut hasher = SipHasher13::new();
        (self.mss, cwnd, acked, self.ssthresh.min(ceiling), undo).hash(&mut hasher);
        if let Some(validation) = &self.validation {
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
    use crate::tcp::seq::Seq;

    fn ack(acked: u64) -> Ack {
        Ack {
            nxt: Seq::initial(0),
            in_flight: 10_000,
            ..Ack::of(Instant::ZERO, acked)
        }
    }

    fn loss(in_flight: u64) -> Loss {
        Loss {
            now: Instant::ZERO,
            in_flight,
        }
    }

    /// RFC 5681 §3.1, RFC 6928, RFC 3465 §2.2, §2.3: with an ACK for every second segment the window
    /// doubles each round trip.
    #[test]
    fn slow_start_doubles() {
        let mut reno = Reno::new(1000, 10);
        assert_eq!(reno.window(), 10_000);
        (0..5).for_each(|_| reno.on_ack(&ack(2000)));
        assert_eq!(reno.window(), 20_000);
        reno.on_ack(&ack(9000));
        assert_eq!(reno.window(), 22_000, "L = 2");
        reno.on_ack(&Ack {
            after_timeout: true,
            ..ack(9000)
        });
        assert_eq!(reno.window(), 23_000, "L = 1");
    }

    /// RFC 5681 §3.1: about one segment a round trip.
    #[test]
    fn congestion_avoidance_adds_a_segment_a_window() {
        let mut reno = Reno::new(1000, 10);
        reno.on_congestion(&loss(20_000));
        assert_eq!((reno.window(), reno.ssthresh()), (10_000, 10_000));
        (0..9).for_each(|_| reno.on_ack(&ack(1000)));
        assert_eq!(reno.window(), 10_000);
        reno.on_ack(&ack(1000));
        assert_eq!(reno.window(), 11_000);
        // RFC 3465 §2.1: what is acknowledged beyond a window counts for the next.
        reno.on_ack(&ack(15_000));
        assert_eq!(reno.window(), 12_000);
        reno.on_ack(&ack(7_999));
        assert_eq!(reno.window(), 12_000);
        reno.on_ack(&ack(1));
        assert_eq!(reno.window(), 13_000);
    }

    /// RFC 5681 §3.1: equation 4 and the loss window.
    #[test]
    fn a_timeout_falls_to_one_segment() {
        let mut reno = Reno::new(1000, 10);
        reno.on_timeout(&loss(3000), true);
        assert_eq!((reno.window(), reno.ssthresh()), (1000, 2000));
        reno.on_timeout(&loss(1000), false);
        assert_eq!((reno.window(), reno.ssthresh()), (1000, 2000));
    }

    /// RFC 5681 §3.1, equation 4, in whole segments: half of 11 are 5.
    #[test]
    fn half_a_window_is_whole_segments_if_it_is_to_be() {
        for (in_segments, half) in [(false, 5500), (true, 5000)] {
            let mut reno = Reno::new(1000, 10).in_segments(in_segments);
            reno.on_congestion(&loss(11_000));
            assert_eq!((reno.window(), reno.ssthresh()), (half, half));
        }
    }

    /// Two windows and a half are acknowledged at once: RFC 5681 §3.1 lets the window grow by one segment, Linux by two.
    #[test]
    fn several_windows_buy_as_many_segments_if_segments_count() {
        for (in_segments, grown, rest) in [(false, 11_000, 0), (true, 12_000, 7000)] {
            let mut reno = Reno::new(1000, 10).in_segments(in_segments);
            reno.on_congestion(&loss(20_000));
            reno.on_ack(&ack(25_000));
            assert_eq!(reno.window(), grown);
            reno.on_ack(&ack(rest));
            assert_eq!(reno.window(), grown + 1000);
        }
    }

    /// RFC 4015 §3: a spurious loss is undone. RFC 3168 §6.1.2: a mark is not.
    #[test]
    fn what_a_spurious_loss_took_is_given_back() {
        let mut reno = Reno::new(1000, 10);
        reno.on_congestion(&loss(10_000));
        reno.on_spurious(Instant::ZERO);
        assert_eq!((reno.window(), reno.ssthresh()), (10_000, u64::MAX));
        reno.on_timeout(&loss(10_000), true);
        reno.on_timeout(&loss(1000), false);
        reno.on_spurious(Instant::ZERO);
        assert_eq!((reno.window(), reno.ssthresh()), (10_000, u64::MAX));
        reno.on_spurious(Instant::ZERO);
        reno.on_ecn(&loss(10_000));
        reno.on_spurious(Instant::ZERO);
        assert_eq!((reno.window(), reno.ssthresh()), (5000, 5000));
    }

    /// While the loss is repaired the window stays; RFC 9937 says what leaves.
    #[test]
    fn nothing_grows_during_recovery() {
        let mut reno = Reno::new(1000, 10);
        reno.on_ack(&Ack {
            recovering: true,
            ..ack(2000)
        });
        assert_eq!(reno.window(), 10_000);
        reno.take_over(500, 7000);
        assert_eq!((reno.window(), reno.ssthresh()), (1000, 7000));
    }

    /// RFC 3465: acknowledging octet by octet (ACK division) gains nothing.
    #[test]
    fn ack_division_grows_the_window_no_faster() {
        let (mut one, mut many) = (Reno::new(1460, 10), Reno::new(1460, 10));
        one.on_ack(&ack(1460));
        (0..1460).for_each(|_| many.on_ack(&ack(1)));
        assert_eq!(one, many);
    }

    /// RFC 5681 §4.1, RFC 7661: idle and application-limited times.
    #[test]
    fn does_not_grow_unused_and_restarts_after_idle() {
        let mut reno = Reno::new(1000, 10);
        reno.on_ack(&Ack {
            window_limited: false,
            ..ack(2000)
        });
        assert_eq!(reno.window(), 10_000);
        (0..50).for_each(|_| reno.on_ack(&ack(2000)));
        reno.on_idle();
        assert_eq!(reno.window(), 10_000);
    }

    /// RFC 7661 §4.4.1, §4.4.3: a window of 100,000 octets of which 20,000 are used.
    #[test]
    fn a_validated_window_lasts_and_what_was_used_is_halved() {
        let mut reno = Reno::new(1000, 10).validated(true);
        reno.take_over(100_000, u64::MAX);
        let mut una = Seq::initial(0);
        let mut round = |reno: &mut Reno| {
            una += 20_000;
            reno.on_ack(&Ack {
                una,
                nxt: una,
                window_limited: false,
                ..ack(20_000)
            });
        };
        (0..2).for_each(|_| round(&mut reno));
        reno.on_restart(Instant::from_millis(299_999));
        assert_eq!((reno.window(), reno.ssthresh()), (100_000, u64::MAX));
        let mut later = reno.clone();
        later.on_restart(Instant::from_millis(300_000));
        assert_eq!(later.window(), 50_000);
        reno.on_congestion(&loss(5000));
        assert_eq!((reno.window(), reno.ssthresh()), (10_000, 10_000));
        round(&mut reno);
        assert_eq!(reno.window(), 10_000, "nothing was lost");
        reno.on_congestion(&loss(5000));
        assert_eq!(reno.window(), 2500, "validated, since pipeACK is undefined");
    }
}
