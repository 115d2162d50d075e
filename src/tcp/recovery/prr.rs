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
