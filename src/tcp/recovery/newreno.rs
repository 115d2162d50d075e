//! Fast retransmit and fast recovery (RFC 5681 §3.2, RFC 6582), Limited Transmit (RFC 3042).
//!
//! The RFCs inflate cwnd by one segment for every duplicate acknowledgment, because each shows that
//! a segment has left the network, and deflate it by what a partial acknowledgment covers. Here the
//! same count is subtracted from what is in flight, and cwnd keeps its meaning:
//!
//! ```text
//! RFC:   send while  FlightSize            <  cwnd + inflation
//! here:  send while  FlightSize - departed <  cwnd
//! ```
//!
//! The first two duplicates count, too, which is Limited Transmit: each lets one new segment out.
//! Further ones without a recovery do not count, because they answer unnecessary retransmissions.
//! Duplicates beyond what was in flight do not count, either, so that a peer cannot enlarge the
//! window by made-up duplicates (RFC 9937 §6.2). During a recovery the window is that of
//! Proportional Rate Reduction.

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::spurious::Episode;
use super::{Acknowledgment, Flight, Recovery, Report};
use crate::tcp::seq::Seq;

/// Duplicate acknowledgments that show a loss (RFC 5681 §3.2).
const DUPLICATE_THRESHOLD: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewReno {
    pub(super) phase: Phase,
    /// `recover` of RFC 6582 §3.2: no new recovery begins before this is acknowledged.
    pub(super) recover: Seq,
    duplicates: u32,
    /// Octets in flight when the first duplicate came: what Limited Transmit sends later does not
    /// count (RFC 5681 §3.2).
    flight_size: usize,
    /// Octets that have left the network according to duplicate acknowledgments.
    pub(super) departed: usize,
    /// Octets that further duplicates may add to that, in a recovery or after a timeout.
    countable: usize,
    /// RecoverFS of RFC 9937: octets in flight when the recovery began, less those that had left
    /// before according to duplicates.
    pub(super) recover_fs: usize,
}

/// What the third duplicate acknowledgment shows to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The segment at SND.UNA: a recovery begins. This many octets were in flight.
    Segment { in_flight: usize },
    /// The probe of the path MTU, and nothing else.
    MtuProbe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
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
            countable: 0,
            recover_fs: 0,
        }
    }

    /// Hashes what decides the future: duplicates beyond the threshold are all alike.
    pub(super) fn hash_canonical(&self, hasher: &mut impl Hasher) {
        let duplicates = self.duplicates.min(DUPLICATE_THRESHOLD + 1);
        let flight_size = if duplicates > 0 { self.flight_size } else { 0 };
        (
            self.phase,
            self.recover,
            duplicates,
            flight_size,
            self.departed,
            self.countable,
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
            // A partial acknowledgment: the segment at SND.UNA is lost, too (RFC 6582 §3.2, step
            // 3). One of the segments that it covers was the retransmission; the others had been
            // counted when they left.
            let covered = ack.ack - ack.una;
            let counted = covered.saturating_sub(ack.mss);
            let left = ack.nxt - ack.ack;
            self.departed = self.departed.saturating_sub(counted).min(left);
            if covered >= ack.mss {
                // The retransmission has arrived, a round trip later: what left meanwhile counts.
                self.countable = left - self.departed;
            }
            *lost = Some(ack.ack..ack.nxt.min(ack.ack + ack.mss));
            return;
        }
        if ack.ack >= self.recover {
            self.phase = Phase::Open;
            (self.departed, self.countable) = (0, 0);
        }
    }

    /// A duplicate shows that one more segment has left the network.
    fn depart(&mut self, mss: usize) {
        let octets = mss.min(self.countable);
        self.countable -= octets;
        self.departed += octets;
    }

    /// F-RTO sends new octets in place of old ones: duplicates may be about them.
    pub(super) fn on_forward_sent(&mut self, octets: usize) {
        self.countable += octets;
    }

    /// A duplicate acknowledgment. Returns what it shows to be lost, if anything.
    pub(super) fn on_duplicate(
        &mut self,
        ack: &Acknowledgment,
        lost: &mut Option<Range<Seq>>,
    ) -> Option<Lost> {
        if self.phase == Phase::Timeout {
            self.depart(ack.mss);
            return None;
        }
        self.duplicates += 1;
        let flight = ack.nxt - ack.una;
        if self.duplicates == 1 {
            self.flight_size = flight;
        }
        let enters = self.phase == Phase::Open
            && self.duplicates == DUPLICATE_THRESHOLD
            // RFC 6582 §3.2, step 2: the acknowledgment covers more than `recover`.
            && ack.ack > self.recover;
        let limited = self.phase == Phase::Open && self.duplicates < DUPLICATE_THRESHOLD;
        if enters {
            self.recover_fs = flight - self.departed;
        }
        if enters || limited {
            self.departed = (self.departed + ack.mss).min(flight);
        } else if self.is_recovering() {
            self.depart(ack.mss);
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
        self.countable = flight - self.departed;
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
        (self.departed, self.countable) = (0, 0);
    }

    /// The loss was spurious. SND.UNA is `una`: duplicates of it may begin a recovery again (RFC
    /// 5682 §2.1, 3b).
    pub(super) fn on_spurious(&mut self, una: Seq) {
        self.phase = Phase::Open;
        self.recover = una.before(1);
        self.duplicates = 0;
        (self.departed, self.countable) = (0, 0);
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

    pub(super) fn recover_fs(&self) -> usize {
        self.recover_fs
    }
}

impl Recovery {
    /// Without SACK (RFC 6582).
    pub(super) fn on_cumulative_ack(&mut self, ack: &Acknowledgment, report: &mut Report) {
        let mut lost = self.board.next_lost();
        let departed = self.newreno.departed();
        let loss = if ack.advances() {
            self.newreno.on_progress(ack, &mut lost);
            self.one_segment = self.newreno.is_recovering();
            None
        } else if ack.is_duplicate {
            match self.newreno.on_duplicate(ack, &mut lost) {
                Some(Lost::MtuProbe) => {
                    report.mtu_probe_lost = true;
                    None
                }
                Some(Lost::Segment { in_flight }) => {
                    self.one_segment = true;
                    Some(in_flight)
                }
                None => None,
            }
        } else {
            None
        };
        self.board.set_lost(lost);
        // RFC 9937 §6.2: how far SND.UNA moved, and the signed change of what duplicates report. An
        // acknowledgment that does not end a recovery shows that more is lost.
        report.shows_loss = self.newreno.is_recovering();
        report.delivered_data = (report.acked + self.newreno.departed()).saturating_sub(departed);
        if loss.is_some() {
            self.episode = Some(Box::new(Episode::new(ack.una..ack.nxt, false, false)));
            report.lost = loss.map(|known| Flight {
                known,
                left: self.flight_of_first(),
            });
        }
    }
}
