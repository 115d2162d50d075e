//! Fast retransmit and fast recovery (RFC 5681 §3.2, RFC 6582), Limited Transmit (RFC 3042).
//!
//! The RFCs inflate cwnd by one segment for every duplicate acknowledgment, since each says that
//! a segment has left the network, and deflate it by what a partial acknowledgment covers. Here
//! the same count is subtracted from what is in flight, and cwnd keeps its meaning:
//!
//! ```text
//! RFC:   send while  FlightSize            <  cwnd + inflation
//! here:  send while  FlightSize - departed <  cwnd
//! ```
//!
//! The first two duplicates count too, which is Limited Transmit: each lets one new segment out.
//! Those that follow without a recovery do not: they answer what was sent again for nothing.

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::Acknowledgment;
use crate::tcp::seq::Seq;

/// Duplicate acknowledgments that show a loss (RFC 5681 §3.2).
const DUPLICATE_THRESHOLD: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewReno {
    phase: Phase,
    /// `recover` of RFC 6582 §3.2: no new recovery begins before this is acknowledged.
    recover: Seq,
    duplicates: u32,
    /// Octets in flight when the first duplicate came: what Limited Transmit sends later does not
    /// count (RFC 5681 §3.2).
    flight_size: usize,
    /// Octets that duplicate acknowledgments say have left the network.
    departed: usize,
}

/// What the third duplicate acknowledgment shows to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The segment at SND.UNA: a recovery begins. So many octets were in flight.
    Segment { in_flight: usize },
    /// The probe of the path MTU, and nothing else.
    MtuProbe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Open,
    FastRecovery,
    /// After a timeout, until all that was in flight then is acknowledged.
    Timeout,
}

impl NewReno {
    pub(super) fn new(iss: Seq) -> NewReno {
        NewReno {
            phase: Phase::Open,
            recover: iss,
            duplicates: 0,
            flight_size: 0,
            departed: 0,
        }
    }

    /// What decides the future: a duplicate beyond the threshold is like any other.
    pub(super) fn hash_canonical(&self, hasher: &mut impl Hasher) {
        let duplicates = self.duplicates.min(DUPLICATE_THRESHOLD + 1);
        let flight_size = if duplicates > 0 { self.flight_size } else { 0 };
        (
            self.phase,
            self.recover,
            duplicates,
            flight_size,
            self.departed,
        )
            .hash(hasher);
    }

    /// SEG.ACK moves SND.UNA.
    pub(super) fn on_progress(&mut self, ack: &Acknowledgment, lost: &mut Option<Range<Seq>>) {
        self.duplicates = 0;
        *lost = match lost.take() {
            Some(lost) if lost.end > ack.ack => Some(lost.start.max(ack.ack)..lost.end),
            _ => None,
        };
        if self.phase == Phase::FastRecovery && ack.ack < self.recover {
            // A partial acknowledgment: the segment at SND.UNA is lost too (RFC 6582 §3.2,
            // step 3). Of the segments it covers, one was the retransmission; the others had
            // been counted when they left.
            let covered = ack.ack - ack.una;
            self.departed = self
                .departed
                .saturating_sub(covered.saturating_sub(ack.mss));
            *lost = Some(ack.ack..ack.nxt.min(ack.ack + ack.mss));
            return;
        }
        self.departed = 0;
        if ack.ack >= self.recover {
            self.phase = Phase::Open;
        }
    }

    /// A duplicate acknowledgment. What it shows to be lost, if anything.
    pub(super) fn on_duplicate(
        &mut self,
        ack: &Acknowledgment,
        lost: &mut Option<Range<Seq>>,
    ) -> Option<Lost> {
        if self.phase == Phase::Timeout {
            return None;
        }
        self.duplicates += 1;
        if self.duplicates == 1 {
            self.flight_size = ack.nxt - ack.una;
        }
        let enters = self.phase == Phase::Open
            && self.duplicates == DUPLICATE_THRESHOLD
            // RFC 6582 §3.2, step 1: the acknowledgment covers more than `recover`.
            && ack.ack > self.recover;
        let limited = self.phase == Phase::Open && self.duplicates < DUPLICATE_THRESHOLD;
        if enters || limited || self.is_recovering() {
            self.departed = (self.departed + ack.mss).min(ack.nxt - ack.una);
        }
        let probe = ack.mtu_probe.clone();
        if self.phase == Phase::Open
            && self.duplicates == DUPLICATE_THRESHOLD
            && let Some(probe) = probe.filter(|probe| probe.start == ack.una)
        {
            *lost = Some(probe);
            return Some(Lost::MtuProbe);
        }
        if !enters {
            return None;
        }
        self.phase = Phase::FastRecovery;
        self.recover = ack.nxt;
        *lost = Some(ack.una..ack.nxt.min(ack.una + ack.mss));
        Some(Lost::Segment {
            in_flight: self.flight_size,
        })
    }

    /// The timer expired (RFC 6582 §3.2, step 4).
    pub(super) fn on_timeout(&mut self, nxt: Seq) {
        self.phase = Phase::Timeout;
        self.recover = nxt;
        self.duplicates = 0;
        self.departed = 0;
    }

    /// What it was about was no loss.
    pub(super) fn on_spurious(&mut self) {
        self.phase = Phase::Open;
        self.duplicates = 0;
        self.departed = 0;
    }

    pub(super) fn is_recovering(&self) -> bool {
        self.phase == Phase::FastRecovery
    }

    pub(super) fn is_in_trouble(&self) -> bool {
        self.phase != Phase::Open
    }

    pub(super) fn departed(&self) -> usize {
        self.departed
    }
}
