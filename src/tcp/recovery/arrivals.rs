//! What an acknowledgment shows to have arrived, and the round-trip time.

use core::time::Duration;

use super::deviation::Sample;
use super::rate::Rate;
use super::report::Arrivals;
use super::scoreboard::Record;
use super::selective::Selective;
use super::spurious::Episode;
use super::{Acknowledgment, Recovery};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// The segment that gives RACK.rtt.
#[derive(Default)]
struct Latest {
    /// See [`RecoveryHabits::samples_in_order`](crate::config::RecoveryHabits).
    in_order: bool,
    /// It was acknowledged cumulatively.
    is_covered: bool,
    /// What arrives now is only reported.
    by_sack: bool,
    /// When it was sent.
    left: Option<Instant>,
}

impl Latest {
    fn new(in_order: bool) -> Latest {
        Latest {
            in_order,
            ..Latest::default()
        }
    }

    /// Begins with another segment that has arrived.
    #[inline]
    fn begin(&mut self, now: Instant, by_sack: bool) {
        match self.in_order {
            true => self.begin_in_order(now, by_sack),
            false => self.left = None,
        }
    }

    #[cold]
    fn begin_in_order(&mut self, now: Instant, by_sack: bool) {
        self.is_covered |= !self.by_sack && self.left.is_some();
        self.by_sack = by_sack;
        let is_settled = by_sack && self.is_covered;
        self.left = is_settled.then_some(now);
    }
}

/// Collects what the records teach that an acknowledgment shows to have arrived.
struct Taking<'a> {
    ack: &'a Acknowledgment,
    /// Segments are counted, so a part of one has not arrived.
    by_segments: bool,
    min_rtt: Option<Duration>,
    /// The end of what had been sent before the last timeout, if that may turn out spurious.
    before_timeout: Option<Seq>,
    rate: &'a mut Rate,
    selective: Option<&'a mut Selective>,
    latest: Latest,
    /// Whether a segment was overtaken, among those acknowledged cumulatively and selectively.
    overtaken: [bool; 2],
    /// The start of the first overtaken one that is acknowledged cumulatively.
    first_overtaken: Option<Seq>,
    arrivals: Arrivals,
}

impl Taking<'_> {
    /// A record, or a part of one, has arrived.
    #[inline]
    fn take(&mut self, record: &Record, by_sack: bool) {
        let now = self.ack.now;
        self.arrivals.octets += record.len();
        self.arrivals.segments += record.segments.max(1) as u64;
        if self.by_segments && record.segments == 0 {
            self.arrivals.is_part = true;
            return self.rate.on_part_delivered(now, record.len());
        }
        let of_rate = (record.sent, record.snapshot, record.len());
        (self.rate).on_delivered(now, &mut self.arrivals.newest, of_rate);
        self.note_times(record, by_sack);
        self.tell_rack(now, record, by_sack);
    }

    #[inline]
    fn note_times(&mut self, record: &Record, by_sack: bool) {
        let arrivals = &mut self.arrivals;
        if record.resent {
            arrivals.resent_acked |= !by_sack;
            arrivals.resent = arrivals.resent.max(Some(record.sent));
        } else {
            arrivals.sent = arrivals.sent.max(Some(record.sent));
            arrivals.first[usize::from(by_sack)].get_or_insert(record.sent);
            let original = self.before_timeout.is_some_and(|end| record.end <= end);
            arrivals.original_acked |= original && !by_sack;
            arrivals.original_sacked |= original && by_sack;
        }
        arrivals.sacked |= by_sack;
    }

    #[inline]
    fn tell_rack(&mut self, now: Instant, record: &Record, by_sack: bool) {
        let Some(selective) = &mut self.selective else {
            return;
        };
        // The echo belongs to the segment that moved SEG.ACK (RFC 7323 §4.3), and says nothing about
        // one that is only reported.
        let echo = self.ack.echo.filter(|_| !by_sack);
        // As long as no round trip is known, it is unknown which of several SYNs has arrived, and so
        // whether it has overtaken text.
        let is_in_doubt = selective.rack.is_new() && self.ack.nxt > self.ack.ack;
        let min_rtt = self.min_rtt.or(is_in_doubt.then_some(Duration::MAX));
        self.latest.begin(now, by_sack);
        let (rack, latest) = (&mut selective.rack, &mut self.latest.left);
        // The part of it that was acknowledged first counts as what was beyond the rest.
        let is_rest = record.is_rest && !record.resent && !by_sack;
        let is_overtaken = rack.on_delivered(now, record, echo, min_rtt, latest) || is_rest;
        self.overtaken[usize::from(by_sack)] |= is_overtaken;
        if is_overtaken && !by_sack {
            self.first_overtaken.get_or_insert(record.start);
        }
    }
}

impl Recovery {
    /// Removes what has arrived from the scoreboard, or marks it there, and tells rate and RACK.
    pub(super) fn take_arrivals(&mut self, ack: &Acknowledgment) -> Arrivals {
        let board = &mut self.board;
        let is_doubtful = self.habits.samples_in_order && board.covers_resent(ack.ack);
        let mut taking = Taking {
            ack,
            by_segments: self.weight.is_some(),
            min_rtt: self.rtt.min_rtt(),
            before_timeout: self.episode.as_deref().map(Episode::end),
            rate: &mut self.rate,
            selective: self.selective.as_deref_mut(),
            latest: Latest::new(self.habits.samples_in_order),
            overtaken: [false; 2],
            first_overtaken: None,
            arrivals: Arrivals::default(),
        };
        board.acknowledge(ack.ack, |record| taking.take(record, false));
        if ack.parts_packet {
            board.set_first_rest();
        }
        for block in ack.sack.held() {
            if Some(block.end) == ack.fin {
                // A peer may report the text of our last segment, and not the FIN.
                board.split(block.end);
            }
            board.sack(block.clone(), |record| taking.take(record, true));
        }
        board.deliver_again(ack.again);
        if let Some(selective) = taking.selective {
            let first = taking.first_overtaken;
            let by = first.map(|start| ack.ack.saturating_since(start));
            selective.rack.note_overtaken(taking.overtaken, by);
        }
        taking.arrivals.resent_acked |= is_doubtful;
        taking.arrivals
    }

    /// An RTT sample (RFC 6298 §3, RFC 7323 §4). It is that of the last segment sent, so that it
    /// stays true when acknowledgments are lost: the echoed timestamp is that of the first segment
    /// that a lost acknowledgment covered.
    pub(super) fn take_sample(
        &mut self,
        ack: &Acknowledgment,
        arrivals: &Arrivals,
    ) -> Option<Duration> {
        if arrivals.is_only_a_part() {
            return None;
        }
        let sample = match arrivals.sent.filter(|_| !arrivals.resent_acked) {
            Some(sent) => ack.now.since(sent),
            None => {
                // Timestamps distinguish a retransmission from the original, but only to the
                // millisecond.
                let last = arrivals.sent.max(arrivals.resent);
                let any = self.habits.samples_in_order;
                let is_sample = |echo: &Instant| any || self.rtt.is_sample(*echo, last);
                let echo = ack.echo.filter(|_| ack.advances()).filter(is_sample)?;
                Duration::from_millis(ack.now.as_millis() - echo.as_millis())
            }
        };
        let [acked, sacked] = arrivals.first;
        let first = acked.filter(|_| !arrivals.resent_acked).or(sacked);
        self.rtt.sample_as(
            ack.now,
            &Sample {
                first: first.map_or(sample, |sent| ack.now.since(sent)).as_nanos() as u64,
                last: sample.as_nanos() as u64,
                una: ack.ack,
                nxt: ack.nxt,
            },
        );
        if let Some(selective) = &mut self.selective {
            selective.probe.on_sample();
        }
        Some(sample)
    }
}
