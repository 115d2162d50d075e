//! A record of the scoreboard: what left together, and where it may be split.

use core::ops::Range;

use crate::tcp::recovery::rate::Snapshot;
use crate::tcp::segment::segments;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// What has become of a transmission, as far as the sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Fate {
    InFlight,
    /// Selectively acknowledged.
    Sacked,
    /// To be sent again.
    Lost,
}

/// A segment, or several of one super-segment, that was sent and is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Record {
    /// Its first place.
    pub(in super::super) start: Seq,
    /// The place after it.
    pub(in super::super) end: Seq,
    /// The most segments it may be: neighbours may have been merged, or it may have been split.
    pub(in super::super) segments: usize,
    /// Octets of each of its segments but the last, which has no more: where it may be split.
    pub(in super::super) mss: usize,
    pub(in super::super) fate: Fate,
    /// When it last left: Segment.xmit_ts of RFC 8985 §5.2.
    pub(in super::super) sent: Instant,
    /// The number of that transmission, which orders what is sent at one moment.
    pub(in super::super) number: u64,
    /// It was sent more than once: Segment.retransmitted.
    pub(in super::super) resent: bool,
    /// It was last sent as a tail loss probe.
    pub(in super::super) probed: bool,
    /// It is what is left of a segment that was let out alone, and of which a part was acknowledged.
    pub(in super::super) is_rest: bool,
    /// What had been delivered when it last left.
    pub(in super::super) snapshot: Snapshot,
}

impl Record {
    /// Its length in octets.
    pub(in super::super) fn len(&self) -> usize {
        self.end - self.start
    }

    /// The last place at or before `place` where a segment of it begins or ends.
    pub(super) fn border_before(&self, place: Seq) -> Seq {
        let octets = place.saturating_since(self.start);
        match place >= self.end {
            true => self.end,
            false => self.start + (octets - octets % self.mss),
        }
    }

    /// The first place at or after `place` where a segment of it begins or ends.
    pub(super) fn border_after(&self, place: Seq) -> Seq {
        let octets = place.saturating_since(self.start);
        (self.start + octets.next_multiple_of(self.mss)).min(self.end)
    }

    /// Octets in flight when the first of its segments was sent.
    pub(in super::super) fn flight_of_first(&self) -> u64 {
        let rest = (self.len() - self.len().min(self.mss)) as u64;
        self.snapshot.tx_in_flight.saturating_sub(rest)
    }

    /// The last of its segments.
    pub(in super::super) fn last_segment(&self) -> Range<Seq> {
        self.border_before(self.end.before(1))..self.end
    }

    /// Keeps what lies before `place`, and returns the rest.
    pub(super) fn split_off(&mut self, place: Seq) -> Record {
        let all = self.segments;
        let mut right = Record {
            start: place,
            ..self.clone()
        };
        self.end = place;
        self.segments = segments(self.len(), self.mss).min(all);
        self.mss = self.mss.min(self.len());
        right.segments = (all - self.segments).max(1);
        right.mss = right.mss.min(right.len());
        // What was sent behind it was not in flight yet.
        let flight = &mut self.snapshot.tx_in_flight;
        *flight = flight.saturating_sub(right.len() as u64);
        right
    }

    /// Whether it was sent once, and its fate is unknown.
    pub(super) fn is_first_transmission(&self) -> bool {
        self.fate == Fate::InFlight && !self.resent
    }
}

/// How many segments there are of a kind, for STATUS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Sent and not acknowledged.
    pub(crate) unacked: usize,
    /// Selectively acknowledged.
    pub(crate) sacked: usize,
    /// Marked as lost and not sent again yet.
    pub(crate) lost: usize,
    /// Sent again, and in flight.
    pub(crate) resent: usize,
}

pub(super) fn count_in(counts: &mut Counts, record: &Record) {
    match record.fate {
        Fate::InFlight if record.resent => counts.resent += record.segments,
        Fate::InFlight => {}
        Fate::Sacked => counts.sacked += record.segments,
        Fate::Lost => counts.lost += record.segments,
    }
}

pub(super) fn count_off(counts: &mut Counts, record: &Record) {
    match record.fate {
        Fate::InFlight if record.resent => counts.resent -= record.segments,
        Fate::InFlight => {}
        Fate::Sacked => counts.sacked -= record.segments,
        Fate::Lost => counts.lost -= record.segments,
    }
}
