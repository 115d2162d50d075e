//! DCTCP (RFC 8257): the window shrinks by as much as the network marks.
//!
//! For a data center, where switches mark early (RFC 8257 §3.1) and every host behaves like this.
//! Growth and the answer to losses are those of Reno.

use core::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;

use super::{Ack, Controller, Loss, Reno};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// DCTCP.Alpha counts in parts of 2^-20.
const ONE: u64 = 1 << 20;
/// g of RFC 8257 §4.2: 1/16.
const G: u64 = 16;

/// The congestion control of RFC 8257.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dctcp {
    reno: Reno,
    mss: u64,
    /// DCTCP.Alpha: the part of what is sent that is marked, smoothed.
    alpha: u64,
    /// DCTCP.WindowEnd: the observation window ends when what lies before it is acknowledged.
    window_end: Option<Seq>,
    /// DCTCP.BytesAcked, in octets.
    bytes_acked: u64,
    /// DCTCP.BytesMarked, in octets.
    bytes_marked: u64,
}

impl Dctcp {
    /// A controller at the start of a connection: `segments` of `mss` octets, at least one.
    pub fn new(mss: usize, segments: u32) -> Dctcp {
        Dctcp {
            reno: Reno::new(mss, segments),
            mss: mss.max(1) as u64,
            // RFC 8257 §3.3: before anything is known, a mark counts like a loss.
            alpha: ONE,
            window_end: None,
            bytes_acked: 0,
            bytes_marked: 0,
        }
    }

    /// The most segments by which an acknowledgment increases the window in slow start.
    #[must_use]
    pub fn slow_start_limit(mut self, segments: Option<u32>) -> Dctcp {
        self.reno = self.reno.slow_start_limit(segments);
        self
    }

    /// RFC 8257 §3.3, steps 2 to 8.
    fn observe(&mut self, ack: &Ack) {
        self.bytes_acked += ack.delivered;
        self.bytes_marked += ack.ce.min(ack.delivered);
        let window_end = *self.window_end.get_or_insert(ack.nxt);
        // Step 4 waits for one more segment; all ACKs of a window together say the same.
        if ack.una < window_end || self.bytes_acked == 0 {
            return;
        }
        let marked = u128::from(self.bytes_marked) * u128::from(ONE) / u128::from(self.bytes_acked);
        // M is at most 1. Rounding must not keep Alpha above zero.
        let marked = u64::try_from(marked).unwrap_or(ONE);
        self.alpha = self.alpha - self.alpha.div_ceil(G) + marked / G;
        self.window_end = Some(ack.nxt);
        (self.bytes_acked, self.bytes_marked) = (0, 0);
    }
}

impl Controller for Dctcp {
    fn window(&self) -> u64 {
        self.reno.window()
    }

    fn ssthresh(&self) -> u64 {
        self.reno.ssthresh()
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.observe(ack);
        self.reno.on_ack(ack);
    }

    /// RFC 8257 §3.5: a loss is handled as in Reno.
    fn on_congestion(&mut self, loss: &Loss) {
        self.reno.on_congestion(loss);
    }

    fn on_congestion_again(&mut self, loss: &Loss) {
        self.reno.on_congestion_again(loss);
    }

    /// RFC 8257 §3.3, step 9: cwnd * (1 - Alpha / 2).
    fn on_ecn(&mut self, mark: &Loss) {
        let cwnd = self.window();
        let cut = u128::from(cwnd) * u128::from(self.alpha) / u128::from(2 * ONE);
        let left = cwnd.saturating_sub(u64::try_from(cut).unwrap_or(cwnd));
        let left = left.max(2 * self.mss);
        // What Reno keeps to undo a loss dates from before this mark.
        self.reno.on_ecn(mark);
        self.reno.take_over(left, left);
    }

    fn counts_marks(&self) -> bool {
        true
    }

    fn on_timeout(&mut self, loss: &Loss, first: bool) {
        self.reno.on_timeout(loss, first);
    }

    fn on_spurious(&mut self, now: Instant) {
        self.reno.on_spurious(now);
    }

    fn on_idle(&mut self) {
        self.reno.on_idle();
    }

    fn set_mss(&mut self, mss: usize) {
        self.mss = mss.max(1) as u64;
        self.reno.set_mss(mss);
    }

    fn on_settled(&mut self) {
        self.reno.on_settled();
    }

    fn take_over(&mut self, window: u64, ssthresh: u64) {
        self.reno.take_over(window, ssthresh);
    }

    fn looks_at_rate(&self) -> bool {
        false
    }

    fn fingerprint(&self, now: Instant, ceiling: u64) -> u64 {
        let mut hasher = SipHasher13::new();
        self.reno.fingerprint(now, ceiling).hash(&mut hasher);
        (self.alpha, self.window_end).hash(&mut hasher);
        (self.bytes_acked, self.bytes_marked).hash(&mut hasher);
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
    use core::time::Duration;

    fn mark() -> Loss {
        Loss {
            now: Instant::ZERO,
            in_flight: 100_000,
        }
    }

    /// A window of 10,000 octets, of which this many come marked.
    fn window(dctcp: &mut Dctcp, start: &mut Seq, marked: u64) {
        let end = *start + 10_000;
        for (una, ce) in [(*start + 5000, marked), (end, 0)] {
            dctcp.on_ack(&Ack {
                ce,
                una,
                nxt: end + if una == end { 10_000 } else { 0 },
                in_flight: 10_000,
                window_limited: false,
                round_trips: RoundTrips::new(Some(Duration::from_millis(1)), None, None),
                ..Ack::of(Instant::ZERO, 5000)
            });
        }
        *start = end;
    }

    /// RFC 8257 §3.3, step 6, by hand, with g = 1/16: from 1 down to 15/16 without a mark, then
    /// 15/16 * 15/16 + 1/4 * 1/16 = 0.89453 with a quarter marked.
    #[test]
    fn alpha_follows_the_marks() {
        let (mut dctcp, mut start) = (Dctcp::new(1000, 100), Seq::initial(0));
        assert_eq!(dctcp.alpha, ONE);
        window(&mut dctcp, &mut start, 0);
        assert_eq!(dctcp.alpha, ONE * 15 / 16);
        window(&mut dctcp, &mut start, 2500);
        assert_eq!(dctcp.alpha, 937_984, "0.89453 * 2^20");
        (0..300).for_each(|_| window(&mut dctcp, &mut start, 5000));
        assert!(dctcp.alpha.abs_diff(ONE / 2) < 16, "{}", dctcp.alpha);
        (0..300).for_each(|_| window(&mut dctcp, &mut start, 0));
        assert_eq!(dctcp.alpha, 0);
    }

    /// RFC 8257 §3.3, step 9: at first like Reno, then by half of Alpha; at least two segments.
    #[test]
    fn the_window_shrinks_by_half_of_alpha() {
        let (mut dctcp, mut start) = (Dctcp::new(1000, 100), Seq::initial(0));
        dctcp.on_ecn(&mark());
        assert_eq!((dctcp.window(), dctcp.ssthresh()), (50_000, 50_000));
        (0..300).for_each(|_| window(&mut dctcp, &mut start, 5000));
        dctcp.on_ecn(&mark());
        assert!(dctcp.window().abs_diff(37_500) < 2, "{}", dctcp.window());
        (0..20).for_each(|_| dctcp.on_ecn(&mark()));
        assert_eq!(dctcp.window(), 2000);
        dctcp.on_spurious(Instant::ZERO);
        assert_eq!(dctcp.window(), 2000, "a mark is no mistake");
    }

    /// RFC 8257 §3.5: losses, and timeouts, are what they are to Reno.
    #[test]
    fn a_loss_halves_it() {
        let mut dctcp = Dctcp::new(1000, 100);
        dctcp.alpha = 0;
        dctcp.on_congestion(&mark());
        assert_eq!(dctcp.window(), 50_000);
        dctcp.on_timeout(&mark(), true);
        assert_eq!(dctcp.window(), 1000);
    }
}
