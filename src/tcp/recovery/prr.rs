//! Proportional Rate Reduction (RFC 9937): how much may leave while a recovery is under way.
//!
//! What is in flight goes from its value at the loss to ssthresh, in proportion to what is delivered,
//! instead of the sender falling silent until half of it has drained. If losses have already taken it
//! below ssthresh, it grows back: by what is delivered (conservative, CRB), and by one segment more
//! for an acknowledgment that shows no further loss (slow start, SSRB).

use super::{Acknowledgment, Recovery, Report};

/// One recovery. All in octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Prr {
    /// ssthresh: what should be in flight at the end.
    ssthresh: u64,
    /// RecoverFS: what was in flight when the recovery began.
    recover_fs: u64,
    /// prr_delivered: delivered since then.
    delivered: u64,
    /// prr_out: sent since then.
    out: u64,
    /// cwnd.
    window: u64,
}

/// What one acknowledgment means for the recovery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// DeliveredData.
    pub(super) delivered: u64,
    /// What is in flight after it.
    pub(super) in_flight: u64,
    /// SafeACK: it moves SND.UNA, and shows no further loss.
    pub(super) safe: bool,
    /// SMSS.
    pub(super) mss: u64,
}

impl Prr {
    /// A recovery begins (§6.1).
    pub(super) fn new(ssthresh: u64, recover_fs: u64) -> Prr {
        Prr {
            ssthresh,
            recover_fs: recover_fs.max(1),
            delivered: 0,
            out: 0,
            window: 0,
        }
    }

    /// An acknowledgment arrives during the recovery, or begins it (§6.2).
    pub(super) fn on_ack(&mut self, progress: Progress) {
        let Progress {
            delivered,
            in_flight,
            safe,
            mss,
        } = progress;
        if delivered == 0 && self.window > 0 {
            return;
        }
        self.delivered += delivered;
        let mut count = if in_flight > self.ssthresh {
            let product = u128::from(self.delivered) * u128::from(self.ssthresh);
            let out = product.div_ceil(u128::from(self.recover_fs));
            // The figures of §8 count in segments. With room for a part of a segment, all of it may
            // leave: the next waits longer in return.
            let out = out.next_multiple_of(u128::from(mss.max(1)));
            u64::try_from(out).map_or(u64::MAX, |out| out.saturating_sub(self.out))
        } else {
            let mut count = self.delivered.saturating_sub(self.out).max(delivered);
            if safe {
                count += mss;
            }
            count.min(self.ssthresh - in_flight)
        };
        if self.out == 0 {
            // The fast retransmit that begins a recovery always leaves.
            count = count.max(mss);
        }
        self.window = in_flight + count;
    }

    /// Something leaves, for the first time or again.
    pub(super) fn on_sent(&mut self, octets: usize) {
        self.out += octets as u64;
    }

    /// cwnd.
    pub(super) fn window(&self) -> u64 {
        self.window
    }
}

impl Recovery {
    /// The congestion controller has been told of `report`. `ssthresh`: what the window, which was
    /// `before`, should be at the end of a recovery, unless the controller governs that itself.
    pub(crate) fn regulate(
        &mut self,
        ssthresh: Option<u64>,
        before: u64,
        ack: &Acknowledgment,
        report: &Report,
    ) {
        // A loss while the window shrinks for marks does not start a new reduction.
        let goes_on = self.shrinking.is_some() && self.congestion_habits.recovery_reduces_once;
        let recovering = self.is_recovering();
        if recovering || self.shrinking.is_some_and(|until| ack.ack > until) {
            self.shrinking = None;
        }
        if !recovering && self.shrinking.is_none() {
            self.prr = None;
            return;
        }
        let Some(ssthresh) = ssthresh else {
            return;
        };
        let (recover_fs, shows_loss) = match &self.selective {
            Some(selective) => (selective.recover_fs(), !report.losses.is_empty()),
            None => (self.newreno.recover_fs(), report.shows_loss),
        };
        if (report.lost.is_some() && !goes_on) || report.lost_again {
            let recover_fs = match self.congestion_habits.reduces_from_cwnd {
                true => before,
                false => recover_fs as u64,
            };
            self.prr = Some(Box::new(Prr::new(ssthresh, recover_fs)));
        }
        self.proportion(ack, report.delivered_data, !shows_loss);
    }

    /// An acknowledgment of this many octets reports marks, which reduce the window from `before` to
    /// `ssthresh`: it shrinks in proportion to what arrives, until something sent later is acknowledged.
    pub(crate) fn reduce_for_marks(
        &mut self,
        ssthresh: u64,
        before: u64,
        ack: &Acknowledgment,
        delivered: usize,
    ) {
        if !self.is_recovering() {
            let window = before;
            let prr = Prr::new(ssthresh, before);
            self.prr = Some(Box::new(Prr { window, ..prr }));
            self.shrinking = Some(ack.nxt);
            self.proportion(ack, delivered, true);
        }
    }

    /// Applies the reduction for this many delivered octets.
    fn proportion(&mut self, ack: &Acknowledgment, delivered: usize, safe: bool) {
        let in_flight = self.in_flight(ack.ack, ack.nxt) as u64;
        if let Some(prr) = &mut self.prr {
            prr.on_ack(Progress {
                delivered: delivered as u64,
                in_flight,
                safe: ack.advances() && safe,
                mss: ack.mss as u64,
            });
        }
    }

    /// Whether Proportional Rate Reduction determines how much may be in flight.
    pub(crate) fn is_proportional(&self) -> bool {
        self.prr.is_some()
    }

    /// How much may be in flight now, if cwnd is `cwnd`.
    pub(crate) fn window(&self, cwnd: u64) -> u64 {
        self.prr.as_deref().map_or(cwnd, Prr::window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u64 = 1000;

    fn progress(delivered: u64, in_flight: u64, safe: bool) -> Progress {
        Progress {
            delivered: delivered * MSS,
            in_flight: in_flight * MSS,
            safe,
            mss: MSS,
        }
    }

    /// Sends whole segments while the window has room; returns how many.
    fn send(prr: &mut Prr, in_flight: &mut u64) -> u64 {
        let before = *in_flight;
        while (*in_flight + 1) * MSS <= prr.window() {
            prr.on_sent(MSS as usize);
            *in_flight += 1;
        }
        *in_flight - before
    }

    /// RFC 9937 §8, figure 1: twenty segments in flight, one is lost, ssthresh is ten. What the figure
    /// says of ACK 3 to 21: cwnd, inflight, and whether a segment leaves. One place differs: at ACK 19
    /// inflight equals ssthresh, which is the other mode by the steps of §6.2, and the segment that
    /// the figure sends there leaves with the next ACK.
    #[test]
    fn figure_1_a_single_loss() {
        let mut prr = Prr::new(10 * MSS, 20 * MSS);
        // ACK 3: of 22 segments 3 have arrived, and 1 is lost.
        let mut in_flight = 18;
        let mut rows = Vec::new();
        for _ in 3..=21 {
            prr.on_ack(progress(1, in_flight, false));
            let (cwnd, inflight) = (prr.window() / MSS, in_flight);
            rows.push((cwnd, inflight, send(&mut prr, &mut in_flight)));
            in_flight -= 1;
        }
        let expected = [
            (19, 18, 1),
            (18, 18, 0),
            (18, 17, 1),
            (17, 17, 0),
            (17, 16, 1),
            (16, 16, 0),
            (16, 15, 1),
            (15, 15, 0),
            (15, 14, 1),
            (14, 14, 0),
            (14, 13, 1),
            (13, 13, 0),
            (13, 12, 1),
            (12, 12, 0),
            (12, 11, 1),
            (11, 11, 0),
            (10, 10, 0),
            (10, 9, 1),
            (10, 9, 1),
        ];
        assert_eq!(rows, expected);
    }

    /// RFC 9937 §8, figure 2: the first fifteen are lost. What is left is far below ssthresh: a segment
    /// leaves for each that arrives (CRB); and, as the text below the figure says, one more for each
    /// acknowledgment that makes progress (SSRB), until ssthresh is in flight.
    #[test]
    fn figure_2_a_burst_of_losses() {
        let mut prr = Prr::new(10 * MSS, 20 * MSS);
        let mut in_flight = 4;
        for _ in 17..=19 {
            prr.on_ack(progress(1, in_flight, false));
            assert_eq!((prr.window() / MSS, in_flight), (5, 4));
            assert_eq!(send(&mut prr, &mut in_flight), 1);
            in_flight -= 1;
        }
        // The two of Limited Transmit arrive, and then what was sent again.
        let mut sent = Vec::new();
        for ack in 20..=29 {
            prr.on_ack(progress(1, in_flight, ack >= 22));
            sent.push(send(&mut prr, &mut in_flight));
            in_flight -= 1;
        }
        assert_eq!(sent, [1, 1, 2, 2, 2, 2, 2, 1, 1, 1]);
        assert_eq!(in_flight + 1, 10, "ssthresh");
    }

    /// §6.2, prr_delivered - prr_out: what arrived while there was nothing to send may be sent later.
    #[test]
    fn what_could_not_leave_leaves_later() {
        let mut prr = Prr::new(10 * MSS, 20 * MSS);
        let mut in_flight = 6;
        prr.on_ack(progress(1, in_flight, false));
        assert_eq!(send(&mut prr, &mut in_flight), 1);
        // Three more arrive, and only the last finds something to send.
        for in_flight in [6, 5] {
            prr.on_ack(progress(1, in_flight, false));
        }
        in_flight = 4;
        prr.on_ack(progress(1, in_flight, false));
        assert_eq!(send(&mut prr, &mut in_flight), 3);
    }

    /// §6.2, CEIL: for 1,429 arriving octets, at 7 for 10, there is room for a fraction of an octet of
    /// the second segment, and it may leave.
    #[test]
    fn what_is_begun_of_a_segment_counts() {
        for (delivered, segments) in [(1428, 1), (1429, 2)] {
            let mut prr = Prr::new(7 * MSS, 10 * MSS);
            prr.on_ack(Progress {
                delivered,
                ..progress(0, 9, false)
            });
            assert_eq!(prr.window(), (9 + segments) * MSS, "{delivered}");
        }
    }

    /// Segments are counted by their octets: a receiver that acknowledges an octet at a time gets no
    /// more than one that acknowledges whole segments (§13), in either mode.
    #[test]
    fn divided_acknowledgments_gain_nothing() {
        for (in_flight, ssthresh, most) in [(18_000, 10_000, 2), (4_000, 10_000, 1)] {
            let mut prr = Prr::new(ssthresh, 20 * MSS);
            let mut sent = 0;
            // A segment arrives, and is acknowledged in a thousand parts.
            for octet in 1..=MSS {
                let in_flight = in_flight - octet + sent * MSS;
                prr.on_ack(Progress {
                    delivered: 1,
                    in_flight,
                    safe: false,
                    mss: MSS,
                });
                if in_flight + MSS <= prr.window() {
                    prr.on_sent(MSS as usize);
                    sent += 1;
                }
            }
            assert!(sent <= most, "{sent}");
        }
    }

    /// §6.2: the first retransmission leaves regardless of the bounds; without deliveries, nothing
    /// more does.
    #[test]
    fn the_fast_retransmit_always_leaves() {
        let mut prr = Prr::new(MSS, 20 * MSS);
        prr.on_ack(progress(0, 19, false));
        assert_eq!(prr.window(), 20 * MSS);
        prr.on_sent(MSS as usize);
        prr.on_ack(progress(0, 20, true));
        assert_eq!(prr.window(), 20 * MSS);
    }
}
