//! Proportional Rate Reduction (RFC 9937): how much may leave while a recovery is under way.
//!
//! What is in flight goes from where the loss found it to ssthresh, in proportion to what is
//! delivered, instead of falling silent until half of it has drained. When losses have taken it below
//! ssthresh already, it grows back: by what is delivered (conservative, CRB), and by a segment more
//! for an acknowledgment that shows no further loss (slow start, SSRB).

/// One recovery. All in octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Prr {
    /// ssthresh: what is to be in flight at the end.
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

    /// The first example of RFC 6937 §3.1, which RFC 9937 replaces: twenty segments in flight, one
    /// is lost, ssthresh is ten. One segment leaves for every second that arrives.
    #[test]
    fn a_light_loss_lets_every_second_segment_out() {
        let mut prr = Prr::new(10 * MSS, 20 * MSS);
        // The first acknowledgment beyond the gap: 19 are in the network, of which one is lost.
        let mut in_flight = 18;
        prr.on_ack(progress(1, in_flight, false));
        let mut sent = vec![send(&mut prr, &mut in_flight)];
        for _ in 2..=19 {
            in_flight -= 1;
            prr.on_ack(progress(1, in_flight, false));
            sent.push(send(&mut prr, &mut in_flight));
        }
        // To the octet, so that the second waits for the whole of its share.
        let expected = [1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1];
        assert_eq!(sent, expected);
        assert_eq!(in_flight, 10, "ssthresh");
    }

    /// The second example there: fifteen of twenty are lost. What is left is far below ssthresh, and a
    /// segment leaves for each that arrives (CRB); one more for progress without loss (SSRB).
    #[test]
    fn a_heavy_loss_is_no_burst() {
        let mut prr = Prr::new(10 * MSS, 20 * MSS);
        let mut in_flight = 4;
        prr.on_ack(progress(1, in_flight, false));
        assert_eq!(send(&mut prr, &mut in_flight), 1);
        in_flight -= 1;
        prr.on_ack(progress(1, in_flight, false));
        assert_eq!(send(&mut prr, &mut in_flight), 1);
        in_flight -= 1;
        prr.on_ack(progress(1, in_flight, true));
        assert_eq!(send(&mut prr, &mut in_flight), 2);
        for _ in 0..20 {
            in_flight -= 1;
            prr.on_ack(progress(1, in_flight, true));
            send(&mut prr, &mut in_flight);
            assert!(in_flight <= 10, "never above ssthresh");
        }
        assert_eq!(in_flight, 10);
    }

    /// §6.2: the first retransmission leaves whatever the bounds say; nothing delivered, nothing more.
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
