//! What is lost: by RACK (RFC 8985 §6.2, step 5), by IsLost and DupAcks (RFC 6675 §4 and §5), and by a
//! timeout (RFC 8985 §6.3).

use core::time::Duration;

use super::Phase;
use crate::tcp::congestion::LostSegment;
use crate::tcp::recovery::rack::DUP_THRESH;
use crate::tcp::recovery::rate::Rate;
use crate::tcp::recovery::scoreboard::Record;
use crate::tcp::recovery::{Acknowledgment, Recovery, Report};
use crate::tcp::seq::Seq;
use crate::time::Instant;

impl Recovery {
    /// The retransmission timer expired (RFC 8985 §6.3): the segment at SND.UNA is lost, and so is
    /// what was sent long enough ago.
    pub(in super::super) fn lose_by_timeout(
        &mut self,
        now: Instant,
        nxt: Seq,
        report: &mut Report,
    ) {
        let (min_rtt, srtt) = (self.rtt.min_rtt(), self.rtt.srtt());
        let Some(selective) = &mut self.selective else {
            return;
        };
        let all = self.habits.doubts_reneging && self.board.is_first_sacked();
        if core::mem::take(&mut selective.reneged) || all {
            // RFC 2018 §8: it may have discarded the rest as well.
            self.board.forget_sacks();
        }
        if let Some(first) = self.board.first().filter(|_| all) {
            selective.rack.retract(first.start);
        }
        self.board.separate_first();
        selective.phase = Phase::Timeout;
        selective.recover = nxt;
        selective.probe.cancel();
        (selective.reordering_at, selective.probe_at) = (None, None);
        let window = match selective.uses_rack {
            true => selective.rack.rtt() + selective.rack.reo_wnd(true, min_rtt, srtt),
            false => Duration::ZERO,
        };
        let first = self.board.first().map(|record| record.start);
        let mut losses = Losses::new(now, None, None, report, &mut self.rate);
        self.board.lose_all(
            |record| all || Some(record.start) == first || record.sent + window <= now,
            |record| losses.take(record),
        );
        selective.lost_before = self.rate.lost();
    }

    /// Step 5 of RFC 8985 §6.2, or IsLost of RFC 6675 §4.
    pub(super) fn find_losses(&mut self, ack: &Acknowledgment, report: &mut Report) {
        let now = ack.now;
        let (min_rtt, srtt) = (self.rtt.min_rtt(), self.rtt.srtt());
        let sacked = self.board.counts().sacked;
        let edge = self.edge_of_losses(ack.mss).max(self.edge_by_duplicates());
        let Some(selective) = &mut self.selective else {
            return;
        };
        let probe = ack.mtu_probe.as_ref().map(|probe| probe.start);
        let since = Some(selective.lost_before);
        let mut losses = Losses::new(now, probe, since, report, &mut self.rate);
        if !self.habits.doubts_reneging {
            selective.reneged |= (self.board).take_back_first_sack(|record| losses.take(record));
        }
        selective.reordering_at = None;
        if !selective.uses_rack {
            self.board.lose_first_transmissions(
                |record| edge.is_some_and(|edge| record.end <= edge),
                |_| true,
                |record| losses.take(record),
            );
            // Something sent since the recovery began has arrived.
            let rack = &selective.rack;
            let shows = selective.phase == Phase::FastRecovery && rack.fack() > selective.recover;
            if self.habits.finds_lost_resends && shows {
                self.board.lose_resent(
                    |record| rack.is_before_newest(record),
                    |_| true,
                    |record| losses.take(record),
                );
            }
            return;
        }
        let rack = &selective.rack;
        let threshold = DUP_THRESH + usize::from(self.habits.more_duplicates);
        let shows = sacked >= threshold && !self.habits.counts_no_segments;
        let at_once = selective.phase != Phase::Open || shows;
        let reo_wnd = rack.reo_wnd(at_once, min_rtt, srtt);
        let window = rack.rtt() + reo_wnd;
        let waits = self.board.lose_overdue(
            |record| rack.is_before_newest(record),
            |record| record.sent + window <= now,
            |record| losses.take(record),
        );
        selective.reordering_at =
            waits.and_then(|sent| rack.deadline(sent, reo_wnd + selective.ticks()));
    }

    /// RFC 6675 §4: everything before this place is lost, because DupThresh separate ranges, or more
    /// than (DupThresh - 1) * `mss` octets, have arrived beyond it.
    fn edge_of_losses(&self, mss: usize) -> Option<Seq> {
        let mut octets = 0;
        let threshold = DUP_THRESH + usize::from(self.habits.more_duplicates);
        for (count, range) in self.board.sacked().rev().enumerate() {
            octets += range.end - range.start;
            if count + 1 >= threshold || octets > (threshold - 1) * mss {
                return Some(range.start);
            }
        }
        None
    }

    /// RFC 6675 §5, step 1: DupThresh duplicates show that the segment at SND.UNA is lost, although they
    /// report too little for IsLost. Returns where that segment ends.
    fn edge_by_duplicates(&mut self) -> Option<Seq> {
        let selective = self.selective.as_ref()?;
        let threshold = DUP_THRESH + usize::from(self.habits.more_duplicates);
        let shows = selective.phase == Phase::Open && selective.duplicates >= threshold;
        if !shows || selective.uses_rack {
            return None;
        }
        self.board.separate_first();
        self.board.first().map(|first| first.end)
    }
}

/// Collects what is marked as lost.
struct Losses<'a> {
    now: Instant,
    /// Where the probe of the path MTU starts: its loss is not a sign of congestion (RFC 8899 §3,
    /// 7).
    probe: Option<Seq>,
    /// C.lost when the window was last reduced, if the loss of what was sent since is another sign
    /// of congestion.
    since: Option<u64>,
    report: &'a mut Report,
    rate: &'a mut Rate,
}

impl<'a> Losses<'a> {
    fn new(
        now: Instant,
        probe: Option<Seq>,
        since: Option<u64>,
        report: &'a mut Report,
        rate: &'a mut Rate,
    ) -> Losses<'a> {
        Losses {
            now,
            probe,
            since,
            report,
            rate,
        }
    }

    fn take(&mut self, record: &Record) {
        if self.probe == Some(record.start) {
            self.report.mtu_probe_lost = true;
            return;
        }
        let left_since = |lost| record.snapshot.lost >= lost;
        self.report.lost_again |= self.since.is_some_and(left_since);
        self.rate.on_lost(record.len());
        self.report.losses.push(LostSegment {
            now: self.now,
            start: record.start,
            octets: record.len() as u64,
            tx_in_flight: record.snapshot.tx_in_flight,
            lost: self.rate.lost() - record.snapshot.lost,
            total_delivered: self.rate.delivered(),
            is_app_limited: record.snapshot.is_app_limited,
        });
    }
}
