//! Loss recovery without SACK, as in Linux
//! ([`RecoveryHabits::counts_duplicates`](crate::config::RecoveryHabits)): each duplicate
//! acknowledgment counts as if it had selectively acknowledged one segment, although it is unknown
//! which.
//!
//! * What is marked as lost, and at least the segment at SND.UNA, cannot have arrived. A duplicate
//!   beyond that shows that the path reorders, and from then on more duplicates are needed to show a
//!   loss.
//! * One of the segments that an acknowledgment covers was missing; the others had been counted.
//! * What a partial acknowledgment shows to be lost leaves when the window has room for it.
//! * A repair lasts until more than `recover` is acknowledged, because duplicates at that place answer
//!   retransmissions (RFC 6582 §4.1, the careful variant).

use super::newreno::Phase;
use super::spurious::{Episode, Proof};
use super::{Acknowledgment, Flight, Recovery, Report};
use crate::config::RecoveryHabits;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// Duplicates that show a loss on a path that is not known to reorder (RFC 5681 §3.2).
const LEAST_THRESHOLD: usize = 3;
/// The highest threshold, however much the path reorders.
const MOST_THRESHOLD: usize = 300;

/// The counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Counted {
    /// Segments that duplicates have reported.
    pub(super) arrived: usize,
    /// Duplicates that show a loss.
    pub(super) threshold: usize,
    /// How often the path was seen to reorder.
    pub(super) reorderings: u64,
    /// Up to here everything was marked as lost.
    lost_to: Seq,
}

impl Counted {
    /// The counts, if the habits ask for them.
    pub(super) fn wanted(iss: Seq, habits: &RecoveryHabits) -> Option<Box<Counted>> {
        let begun = || Box::new(Counted::new(iss, habits.more_duplicates));
        habits.counts_duplicates.then(begun)
    }

    /// `more`: this many more duplicates than usual show a loss.
    fn new(iss: Seq, more: u8) -> Counted {
        Counted {
            arrived: 0,
            threshold: LEAST_THRESHOLD + usize::from(more),
            reorderings: 0,
            lost_to: iss,
        }
    }

    /// A timeout marks everything before `nxt` as lost.
    pub(super) fn on_timeout(&mut self, nxt: Seq) {
        self.arrived = 0;
        self.lost_to = nxt;
    }

    /// Limits the count: of `unacked` segments from `una` on, lost ones cannot have arrived.
    /// `acked`: segments that were just acknowledged.
    fn limit(&mut self, una: Seq, mss: usize, unacked: usize, acked: usize) {
        let lost = self.lost_to.saturating_since(una).div_ceil(mss).max(1);
        let most = unacked.saturating_sub(lost);
        if self.arrived > most {
            self.arrived = most;
            self.threshold = (unacked + acked).min(MOST_THRESHOLD);
            self.reorderings += 1;
        }
    }

    /// The path has let something be overtaken by this many octets.
    fn see_reordering(&mut self, octets: usize, mss: usize) {
        if octets > self.threshold * mss {
            self.threshold = octets.div_ceil(mss).min(MOST_THRESHOLD);
        }
        self.reorderings += 1;
    }

    /// The threshold, if it differs from the initial one.
    pub(super) fn reordering(&self) -> usize {
        match self.threshold {
            LEAST_THRESHOLD => 0,
            threshold => threshold,
        }
    }
}

impl Recovery {
    /// Everything before `end` has to be sent again, without SACK.
    pub(super) fn begin_repair(&mut self, end: Seq) {
        self.newreno.on_timeout(end);
        if let Some(counted) = &mut self.counted {
            counted.on_timeout(end);
        }
    }

    /// What was repaired was not lost. If timestamps show this of a timeout, its repair still lasts until
    /// more than `recover` is acknowledged; and so does one that ends at `recover`.
    pub(super) fn on_spurious_counted(&mut self, ack: &Acknowledgment, proof: Proof) {
        let Some(counted) = &mut self.counted else {
            return;
        };
        counted.lost_to = ack.ack;
        let recover = self.newreno.recover;
        let partial = self.newreno.phase == Phase::FastRecovery && ack.ack < recover;
        if partial {
            let end = if counted.arrived == 0 {
                ack.ack
            } else {
                ack.nxt
            };
            counted.see_reordering(end - ack.una, ack.mss);
        }
        if partial || proof == Proof::Forward && ack.ack != recover {
            self.newreno.phase = Phase::Open;
        }
    }

    /// An acknowledgment covers this many segments, some of which duplicates may have reported.
    pub(super) fn count_acked(&mut self, ack: &Acknowledgment, acked: usize, report: &mut Report) {
        let unacked = self.board.counts().unacked;
        let Some(counted) = self.counted.as_mut().filter(|_| acked > 0) else {
            return;
        };
        let before = counted.arrived.min(acked - 1);
        counted.arrived -= before;
        self.board.take_back_deliveries(before);
        report.delivered = report.delivered.saturating_sub(before * ack.mss);
        counted.limit(ack.ack, ack.mss, unacked, acked);
    }

    /// Evaluates an acknowledgment that covers this many segments, once those are counted.
    pub(super) fn on_counted_ack(
        &mut self,
        ack: &Acknowledgment,
        acked: usize,
        report: &mut Report,
    ) {
        let is_full = ack.ack >= self.newreno.recover;
        match self.newreno.phase {
            Phase::FastRecovery if is_full => self.end_counted(ack),
            Phase::FastRecovery if ack.advances() => {
                report.shows_loss = self.lose_first(ack, acked)
            }
            Phase::FastRecovery => self.count_duplicate(ack, report),
            Phase::Timeout if is_full => self.end_counted(ack),
            Phase::Timeout if ack.advances() => self.forget_counted(),
            Phase::Timeout if ack.nxt > self.newreno.recover => self.count_duplicate(ack, report),
            Phase::Timeout => {}
            Phase::Open if report.spurious => {}
            Phase::Open if ack.advances() => self.forget_counted(),
            Phase::Open => {
                self.count_duplicate(ack, report);
                self.begin_counted(ack, report);
            }
        }
        self.follow_count(ack);
        report.delivered_data = report.delivered;
    }

    /// The handshake is over: that a SYN was sent again does not affect what follows.
    pub(crate) fn leave_handshake(&mut self) {
        if self.habits.counts_duplicates && self.board.counts().unacked == 0 {
            self.newreno.phase = Phase::Open;
        }
    }

    /// The SYN,ACK at `iss` was not answered in time, and has to be sent again. Before the handshake of
    /// Fast Open has ended, the timer is only for the SYN,ACK, so this says nothing about the text behind
    /// it.
    pub(crate) fn on_syn_ack_timeout(&mut self, now: Instant, iss: Seq) {
        if self.retries == 0 {
            self.retries_since = now;
        }
        self.retries = self.retries.saturating_add(1);
        self.rtt.back_off();
        self.rto_at = self.rtt.expiry(now);
        self.lose_of(&(iss..iss + 1), 0);
    }

    /// Whether SND.UNA is at `recover`, and the repair waits for more to be acknowledged.
    pub(super) fn is_held(&self, una: Seq) -> bool {
        self.selective.is_none() && self.habits.counts_duplicates && una >= self.newreno.recover
    }

    /// Everything that was to be repaired is acknowledged. The repair ends if more than that is.
    fn end_counted(&mut self, ack: &Acknowledgment) {
        self.forget_counted();
        if ack.ack > self.newreno.recover {
            self.newreno.phase = Phase::Open;
        }
    }

    /// How many segments have arrived, as far as duplicates tell, at `mss` octets each.
    pub(super) fn departed_segments(&self, mss: usize) -> usize {
        match &self.counted {
            Some(counted) => counted.arrived,
            None => self.newreno.departed().div_ceil(mss),
        }
    }

    fn forget_counted(&mut self) {
        if let Some(counted) = &mut self.counted {
            counted.arrived = 0;
        }
    }

    fn count_duplicate(&mut self, ack: &Acknowledgment, report: &mut Report) {
        let unacked = self.board.counts().unacked;
        let Some(counted) = self.counted.as_mut().filter(|_| ack.is_duplicate) else {
            return;
        };
        let before = counted.arrived;
        counted.arrived += 1;
        counted.limit(ack.una, ack.mss, unacked, 0);
        if counted.arrived > before {
            self.board.deliver_again(1);
            report.delivered += ack.mss;
        }
    }

    /// Marks the segment at SND.UNA as lost. Returns whether it was not known to be.
    fn lose_first(&mut self, ack: &Acknowledgment, acked: usize) -> bool {
        let Some(first) = self.board.first().filter(|_| acked > 0) else {
            return false;
        };
        let end = first.end.min(first.start + first.mss);
        let range = first.start..end;
        if let Some(counted) = &mut self.counted {
            counted.lost_to = end;
        }
        self.board.set_lost(Some(range));
        ack.advances()
    }

    /// Enough duplicates show a loss, or that the probe of the path MTU is lost.
    fn begin_counted(&mut self, ack: &Acknowledgment, report: &mut Report) {
        let shows = |counted: &Counted| counted.arrived >= counted.threshold;
        if !ack.is_duplicate || !self.counted.as_deref().is_some_and(shows) {
            return;
        }
        let probe = ack.mtu_probe.clone();
        if let Some(probe) = probe.filter(|probe| probe.start == ack.una) {
            report.mtu_probe_lost = true;
            self.board.set_lost(Some(probe));
            return;
        }
        let flight = ack.nxt - ack.una;
        self.newreno.recover_fs = flight.saturating_sub(self.newreno.departed());
        self.newreno.phase = Phase::FastRecovery;
        self.newreno.recover = ack.nxt;
        self.lose_first(ack, 1);
        self.resend_at_once = true;
        self.episode = Some(Box::new(Episode::new(ack.una..ack.nxt, false, false)));
        report.shows_loss = true;
        report.lost = Some(Flight {
            known: self.newreno.recover_fs,
            left: self.flight_of_first(),
        });
    }

    /// Counted segments are not in flight.
    fn follow_count(&mut self, ack: &Acknowledgment) {
        let arrived = (self.counted.as_ref()).map_or(0, |counted| counted.arrived);
        let lost = self.board.lost_octets();
        let flight = (ack.nxt - ack.ack).saturating_sub(lost);
        self.newreno.departed = (arrived * ack.mss).min(flight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(octets: usize) -> Seq {
        Seq::initial(300) + octets
    }

    /// Of five segments in flight four can have arrived: a fifth duplicate shows that the path
    /// reorders.
    #[test]
    fn more_duplicates_than_segments_raise_the_threshold() {
        let mut counted = Counted::new(seq(0), 0);
        for arrived in 1..=4 {
            counted.arrived += 1;
            counted.limit(seq(0), 1000, 5, 0);
            assert_eq!((counted.arrived, counted.threshold), (arrived, 3));
        }
        counted.arrived += 1;
        counted.limit(seq(0), 1000, 5, 0);
        assert_eq!((counted.arrived, counted.threshold), (4, 5));
        assert_eq!((counted.reordering(), counted.reorderings), (5, 1));
    }

    /// What a timeout marked as lost cannot have arrived: a duplicate is about what was sent since.
    #[test]
    fn what_is_lost_has_not_arrived() {
        let mut counted = Counted::new(seq(0), 0);
        counted.lost_to = seq(10_000);
        counted.arrived = 3;
        counted.limit(seq(1000), 1000, 11, 0);
        assert_eq!(counted.arrived, 2);
    }

    /// A segment that was overtaken by ten shows how far the path reorders.
    #[test]
    fn an_overtaken_segment_raises_the_threshold() {
        let mut counted = Counted::new(seq(0), 0);
        counted.see_reordering(2000, 1000);
        assert_eq!((counted.threshold, counted.reorderings), (3, 1));
        counted.see_reordering(9500, 1000);
        assert_eq!((counted.threshold, counted.reorderings), (10, 2));
    }
}
