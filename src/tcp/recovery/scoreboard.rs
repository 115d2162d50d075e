//! What is in the network: a record of every transmission that is not acknowledged (the scoreboard
//! of RFC 6675 §3, the transmission records of RFC 8985 §5.2).
//!
//! Records are in the order of the sequence space, without gaps. Those that were sent once are also
//! in the order of time; those that were sent again have a queue in that order. So what was sent
//! before a given moment is found at two places only, the cursor and the front of the queue, and no
//! acknowledgment costs more than what it newly says.
//!
//! A super-segment is one record until an acknowledgment concerns a part of it: then it is split
//! where a segment ends. A block of a SACK option counts as far as it covers whole segments: a peer
//! cannot make records of its own, nor more of them than there were segments.

mod again;
mod join;
mod losses;
mod queue;
mod record;

use core::ops::Range;

use std::collections::VecDeque;

use super::rate::Snapshot;
use crate::tcp::ranges::Ranges;
use crate::tcp::segment::segments;
use crate::tcp::seq::Seq;
use crate::time::Instant;
use queue::Queue;
pub(crate) use record::Counts;
pub(super) use record::{Fate, Record};
use record::{count_in, count_off};

/// The most ranges kept as selectively acknowledged; a block that would add another is ignored. The
/// peer has a bound of its own for what it holds beyond gaps, so nothing is lost.
const MOST_SACKED_RANGES: usize = 1024;

/// The first records of all, of first transmissions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    records: usize,
    segments: usize,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Scoreboard {
    records: Queue<Record>,
    /// What is selectively acknowledged.
    sacked: Ranges,
    /// What to retransmit.
    lost: Ranges,
    /// What was sent again and may be in flight, in the order of sending, with the time. Entries
    /// that their records contradict are outdated.
    resent: VecDeque<(Range<Seq>, Instant)>,
    /// No first transmission is in flight before this place.
    cursor: Seq,
    counts: Counts,
    /// The number of transmissions.
    transmissions: u64,
    /// Segments that have arrived in all.
    delivered: u64,
    /// At this many records, neighbours are merged.
    limit: usize,
    /// When to try to merge again, while merging gains nothing.
    next_merge: usize,
}

impl Scoreboard {
    /// Nothing in the network; neighbours are merged beyond `limit` records.
    pub(super) fn new(iss: Seq, limit: usize) -> Scoreboard {
        Scoreboard {
            records: Queue::new(),
            sacked: Ranges::default(),
            lost: Ranges::default(),
            resent: VecDeque::new(),
            cursor: iss,
            counts: Counts::default(),
            transmissions: 0,
            delivered: 0,
            limit,
            next_merge: limit,
        }
    }

    /// `range`, which lies after everything sent before, leaves for the first time, in segments of
    /// `mss` octets.
    pub(super) fn push(&mut self, now: Instant, range: Range<Seq>, mss: usize, snapshot: Snapshot) {
        if self.records.len() >= self.next_merge {
            self.merge();
        }
        let len = range.end - range.start;
        let segments = segments(len, mss);
        self.transmissions += 1;
        self.records.push(Record {
            start: range.start,
            end: range.end,
            segments,
            mss: mss.min(len),
            fate: Fate::InFlight,
            sent: now,
            number: self.transmissions,
            resent: false,
            probed: false,
            is_rest: false,
            snapshot,
        });
        self.counts.unacked += segments;
    }

    /// `range` leaves again, as one segment: its records are in flight once more, and become one record if
    /// it `joins` them.
    pub(super) fn resend(
        &mut self,
        now: Instant,
        range: Range<Seq>,
        snapshot: Snapshot,
        joins: bool,
    ) {
        self.split(range.start);
        self.split(range.end);
        let first = self.index(range.start);
        self.transmissions += 1;
        if joins {
            self.join(first, range.end);
        }
        let mut last = first;
        while let Some(record) = self.records.get_mut(last)
            && record.start < range.end
        {
            count_off(&mut self.counts, record);
            record.fate = Fate::InFlight;
            record.resent = true;
            record.probed = false;
            record.sent = now;
            record.number = self.transmissions;
            record.snapshot = snapshot;
            count_in(&mut self.counts, record);
            last += 1;
        }
        self.lost.remove(range.clone());
        // A segment that is sent again and again has only one entry.
        match self.resent.back_mut() {
            Some((last, sent)) if *last == range => *sent = now,
            _ => self.resent.push_back((range, now)),
        }
    }

    /// Everything before `ack` is acknowledged. `arrived` gets every record, or part of one, that was
    /// not known to have arrived; a part of a segment does not count.
    pub(super) fn acknowledge(&mut self, ack: Seq, mut arrived: impl FnMut(&Record)) {
        while let Some(record) = self.records.first_mut()
            && record.start < ack
        {
            if ack < record.end {
                // The segment in which the acknowledgment ends is a record of its own.
                let (first, last) = (record.border_before(ack), record.border_after(ack));
                self.split(last);
                self.split(first);
            }
            let Some(record) = self.records.first_mut() else {
                break;
            };
            let whole = record.end <= ack;
            if !whole {
                if record.fate != Fate::Sacked {
                    arrived(&Record {
                        end: ack,
                        segments: 0,
                        ..record.clone()
                    });
                }
                record.start = ack;
                record.mss = record.mss.min(record.end - ack);
                break;
            }
            if record.fate != Fate::Sacked {
                arrived(record);
            }
            self.counts.unacked -= record.segments;
            if record.fate != Fate::Sacked {
                self.delivered += record.segments as u64;
            }
            count_off(&mut self.counts, record);
            self.records.take_first(1);
        }
        self.sacked.remove_before(ack);
        self.lost.remove_before(ack);
        while self.resent.front().is_some_and(|(r, _)| r.end <= ack) {
            self.resent.pop_front();
        }
        self.cursor = self.cursor.max(ack);
    }

    /// The first segment is the rest of one that was let out alone.
    #[cold]
    pub(super) fn set_first_rest(&mut self) {
        if let Some(record) = self.records.first_mut() {
            record.is_rest = true;
        }
    }

    /// If nothing is reported, lost or sent again: the records that an acknowledgment of everything before
    /// `ack` covers, and the last sent of them. `None` if `ack` lies within a record.
    #[inline(always)]
    pub(super) fn run_to(&self, ack: Seq) -> Option<(Run, &Record)> {
        let mut run = Run::default();
        for record in self.records.iter() {
            run.records += 1;
            run.segments += record.segments;
            if record.end >= ack {
                return (record.end == ack).then_some((run, record));
            }
        }
        None
    }

    /// As [`Scoreboard::acknowledge`], for what [`Scoreboard::run_to`] has found.
    #[inline(always)]
    pub(super) fn acknowledge_run(&mut self, run: Run, ack: Seq) {
        self.records.take_first(run.records);
        self.counts.unacked -= run.segments;
        self.delivered += run.segments as u64;
        while self.resent.front().is_some_and(|(r, _)| r.end <= ack) {
            self.resent.pop_front();
        }
        self.cursor = self.cursor.max(ack);
    }

    /// The segments that lie wholly in `range` have arrived. `arrived` gets every one for which
    /// that was not known.
    pub(super) fn sack(&mut self, range: Range<Seq>, mut arrived: impl FnMut(&Record)) {
        let mut from = range.start;
        loop {
            let Some(gap) = self.news(from..range.end) else {
                return;
            };
            from = gap.end;
            let within = self.records_within(&gap);
            if within.is_empty() {
                continue;
            }
            let whole = self.records[within.start].start..self.records[within.end - 1].end;
            for record in &mut self.records[within] {
                arrived(record);
                self.delivered += record.segments as u64;
                count_off(&mut self.counts, record);
                record.fate = Fate::Sacked;
                count_in(&mut self.counts, record);
            }
            self.lost.remove(whole.clone());
            self.sacked.insert(whole);
        }
    }

    /// The first part of `range` that is not selectively acknowledged, and may become so. Reported
    /// ranges end where records do, so a part that touches one does not make another.
    fn news(&self, range: Range<Seq>) -> Option<Range<Seq>> {
        let end = |next: Option<&Range<Seq>>| next.map_or(range.end, |it| it.start.min(range.end));
        let gap = match self.sacked.behind(range.start) {
            [first, rest @ ..] if first.start <= range.start => first.end..end(rest.first()),
            [first, ..] if first.start <= range.end => range.start..first.start,
            _ if self.sacked.len() >= MOST_SACKED_RANGES => return None,
            _ => range,
        };
        (gap.start < gap.end).then_some(gap)
    }

    /// The records that lie wholly in `range`. Segments that do are split from their super-segment,
    /// as long as there are not too many records.
    fn records_within(&mut self, range: &Range<Seq>) -> Range<usize> {
        let mut first = self.index(range.start);
        let may_split = self.records.len() < 2 * self.limit;
        if let Some(record) = self.records.get(first)
            && record.start < range.start
        {
            let place = record.border_after(range.start);
            if may_split && place < record.border_before(range.end) {
                self.split(place);
            }
            first += 1;
        }
        let mut last = first;
        while let Some(record) = self.records.get(last)
            && record.start < range.end
        {
            let place = record.border_before(range.end);
            if place < record.end {
                if may_split && place > record.start {
                    self.split(place);
                    last += 1;
                }
                break;
            }
            last += 1;
        }
        first..last
    }

    /// The peer may have discarded all that it had reported (RFC 2018 §8).
    pub(super) fn forget_sacks(&mut self) {
        self.sacked.clear();
        for record in self.records.iter_mut() {
            if record.fate == Fate::Sacked {
                count_off(&mut self.counts, record);
                record.fate = Fate::InFlight;
                count_in(&mut self.counts, record);
            }
        }
        self.cursor = self.records.first().map_or(self.cursor, |r| r.start);
    }

    /// This many of the segments that have arrived had been counted before.
    pub(super) fn take_back_deliveries(&mut self, segments: usize) {
        self.delivered -= segments as u64;
    }

    /// If the segment at SND.UNA was reported, but is not acknowledged, the peer has discarded it
    /// (RFC 2018 §8), and it has to be sent again. Returns whether that was so.
    pub(super) fn take_back_first_sack(&mut self, mut lost: impl FnMut(&Record)) -> bool {
        if !self.is_first_sacked() {
            return false;
        }
        self.separate_first();
        let range = self.records[0].start..self.records[0].end;
        self.sacked.remove(range);
        self.lose(0);
        lost(&self.records[0]);
        true
    }

    /// Splits the segment at SND.UNA from its super-segment.
    pub(super) fn separate_first(&mut self) {
        if let Some(first) = self.records.first() {
            let end = first.border_after(first.start + 1);
            self.split(end);
        }
    }

    /// The record of the segment at SND.UNA.
    pub(super) fn first(&self) -> Option<&Record> {
        self.records.first()
    }

    /// The record of the last segment.
    pub(super) fn last(&self) -> Option<&Record> {
        self.records.last()
    }

    /// What has to be sent again next: the lowest contiguous range.
    pub(super) fn next_lost(&self) -> Option<Range<Seq>> {
        self.lost.first().cloned()
    }

    /// Octets that have to be sent again.
    pub(super) fn lost_octets(&self) -> usize {
        self.lost.places()
    }

    /// Octets selectively acknowledged.
    pub(super) fn sacked_octets(&self) -> usize {
        self.sacked.places()
    }

    /// What is selectively acknowledged, lowest first.
    pub(super) fn sacked(&self) -> impl DoubleEndedIterator<Item = &Range<Seq>> {
        self.sacked.iter()
    }

    /// This many segments that had arrived have arrived once more.
    pub(super) fn deliver_again(&mut self, segments: usize) {
        self.delivered += segments as u64;
    }

    /// Whether the segment at SND.UNA was reported, but is not acknowledged.
    pub(super) fn is_first_sacked(&self) -> bool {
        self.first().is_some_and(|it| it.fate == Fate::Sacked)
    }

    /// How many segments have arrived in all.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// How many segments there are of each kind.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Every record, lowest first.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    /// Octets on the heap.
    pub(super) fn allocated(&self) -> usize {
        self.records.capacity() * size_of::<Record>()
    }

    /// Gives the memory back if nothing is in the network.
    pub(super) fn shrink(&mut self) {
        if self.records.is_empty() {
            self.records = Queue::new();
            self.resent = VecDeque::new();
        }
    }

    /// The record that holds `place`, or the first after it.
    fn index(&self, place: Seq) -> usize {
        match self.records.first() {
            Some(first) if first.end <= place => {
                self.records.partition_point(|record| record.end <= place)
            }
            _ => 0,
        }
    }

    /// Makes `place` a border between records.
    pub(super) fn split(&mut self, place: Seq) {
        let index = self.index(place);
        let Some(record) = self.records.get_mut(index) else {
            return;
        };
        if record.start >= place {
            return;
        }
        // Where the segments behind it end stays where it is.
        let next = record.border_after(place);
        if next > place && next < record.end {
            self.split(next);
        }
        let record = &mut self.records[index];
        count_off(&mut self.counts, record);
        let before = record.segments;
        let right = record.split_off(place);
        self.counts.unacked += record.segments + right.segments - before;
        count_in(&mut self.counts, record);
        count_in(&mut self.counts, &right);
        self.records.insert(index + 1, right);
    }

    /// Merges neighbours that are alike: first transmissions in pairs, selectively acknowledged
    /// ones all. A merged record counts as sent when its later part was.
    fn merge(&mut self) {
        let mut merged: Vec<Record> = Vec::with_capacity(self.records.len());
        let mut may_grow = false;
        for record in self.records.iter().cloned() {
            let sacked = record.fate == Fate::Sacked;
            match merged.last_mut() {
                Some(last)
                    if last.fate == record.fate
                        && (sacked
                            || (may_grow
                                && last.is_first_transmission()
                                && record.is_first_transmission())) =>
                {
                    *last = Record {
                        start: last.start,
                        segments: last.segments + record.segments,
                        // A merged record is not split any more.
                        mss: record.end - last.start,
                        ..record
                    };
                    may_grow = false;
                }
                _ => {
                    merged.push(record);
                    may_grow = true;
                }
            }
        }
        self.next_merge = self.limit.max(merged.len() + self.limit / 2);
        self.records = merged.into();
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use proptest::prelude::*;

    use super::super::rate::Rate;
    use super::*;

    fn place(index: usize) -> Seq {
        Seq::initial(0) + index
    }

    fn at(tick: usize) -> Instant {
        Instant::from_millis(tick as u64)
    }

    fn snapshot() -> Snapshot {
        Rate::new(at(0)).on_sent(0, 1, 0)
    }

    /// A segment of this length, at this time.
    fn push(board: &mut Scoreboard, tick: usize, range: Range<usize>) {
        push_super(board, tick, range, usize::MAX);
    }

    /// A super-segment, in segments of `mss` octets.
    fn push_super(board: &mut Scoreboard, tick: usize, range: Range<usize>, mss: usize) {
        let range = place(range.start)..place(range.end);
        board.push(at(tick), range, mss, snapshot());
    }

    /// A megabyte in segments of 48 octets, and a peer that reports every second segment, four blocks
    /// in each acknowledgment, the farthest first, then all of it again and again: the cost of an
    /// acknowledgment is constant plus what it newly says, and the peer cannot create records.
    #[test]
    fn no_acknowledgment_costs_more_than_what_it_newly_says() {
        const MSS: usize = 48;
        const SEGMENTS: usize = (1 << 20) / MSS;
        let mut board = Scoreboard::new(place(0), SEGMENTS + 1);
        for index in 0..SEGMENTS {
            push(&mut board, index, MSS * index..MSS * (index + 1));
        }
        let looked = Cell::new(0);
        let mut dearest = 0;
        for round in 0..3 {
            for ack in 0..SEGMENTS / 8 {
                looked.set(0);
                let mut news = 0;
                for block in 0..4 {
                    let index = SEGMENTS - 1 - 2 * (4 * ack + block);
                    let range = place(MSS * index)..place(MSS * (index + 1));
                    board.sack(range, |_| news += 1);
                }
                // Nothing is overdue yet, and all of it would be examined if nothing stopped that.
                board.lose_overdue(
                    |_| {
                        looked.set(looked.get() + 1);
                        true
                    },
                    |_| false,
                    |_| news += 1,
                );
                assert!(round == 0 || news == 0, "nothing is new twice");
                dearest = dearest.max(looked.get());
                assert!(board.sacked().count() <= MOST_SACKED_RANGES);
            }
        }
        assert!(dearest <= 2, "{dearest} records were looked at for one");
        assert_eq!(board.records().count(), SEGMENTS);
        assert_eq!(board.counts().sacked, MOST_SACKED_RANGES);
    }

    /// Blocks that end inside segments, octet by octet, change nothing and create no records.
    #[test]
    fn a_peer_makes_no_records() {
        let mut board = Scoreboard::new(place(0), 100);
        for index in 0..10 {
            push(&mut board, index, 48 * index..48 * (index + 1));
        }
        for start in 1..480 {
            board.sack(place(start)..place((start + 47).min(480)), |_| {
                unreachable!("no block is a whole segment")
            });
        }
        assert_eq!((board.counts().unacked, board.counts().sacked), (10, 0));
    }

    /// A super-segment of ten segments: a block counts in whole segments, an acknowledgment also
    /// within one, and what neither concerns stays together.
    #[test]
    fn a_super_segment_is_split_where_segments_end() {
        let mut board = Scoreboard::new(place(0), 100);
        push_super(&mut board, 0, 0..1000, 100);
        let all = |board: &Scoreboard| {
            let record = |it: &Record| (it.start - place(0), it.end - place(0), it.segments);
            board.records().map(record).collect::<Vec<_>>()
        };
        assert_eq!(all(&board), [(0, 1000, 10)]);
        board.sack(place(350)..place(399), |_| {
            unreachable!("no segment is whole")
        });
        assert_eq!(all(&board), [(0, 1000, 10)], "and nothing is made of it");
        let mut arrived = Vec::new();
        board.sack(place(350)..place(780), |it| {
            arrived.push((it.len(), it.segments))
        });
        assert_eq!(arrived, [(300, 3)], "400 to 700");
        assert_eq!(all(&board), [(0, 400, 4), (400, 700, 3), (700, 1000, 3)]);
        assert_eq!((board.counts().unacked, board.counts().sacked), (10, 3));
        // RACK: the same time, and before what has arrived.
        let mut lost = 0;
        let is_before = |it: &Record| it.end <= place(700);
        board.lose_overdue(is_before, |_| true, |it| lost += it.segments);
        assert_eq!((lost, board.counts().lost), (4, 4));
        board.resend(at(1), place(0)..place(100), snapshot(), false);
        assert_eq!(board.next_lost(), Some(place(100)..place(400)));
        board.acknowledge(place(250), |_| {});
        assert_eq!(all(&board)[..2], [(250, 300, 1), (300, 400, 1)]);
        assert_eq!(board.delivered(), 3 + 2);
    }

    /// What may happen to a scoreboard. Lengths and places are clamped to what is possible.
    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        PushSuper(usize, usize),
        Acknowledge(usize),
        Sack(usize, usize),
        Resend(usize),
        LoseSentBefore(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => (1..6usize).prop_map(Step::Push),
            2 => (1..20usize, 1..6usize).prop_map(|(len, mss)| Step::PushSuper(len, mss)),
            1 => (0..40usize).prop_map(Step::Acknowledge),
            4 => (0..40usize, 1..12usize).prop_map(|(from, len)| Step::Sack(from, len)),
            3 => (1..6usize).prop_map(Step::Resend),
            2 => (0..40usize).prop_map(Step::LoseSentBefore),
        ]
    }

    /// The same, place by place: what has become of it and when it last left; and where segments
    /// begin.
    #[derive(Debug, Default)]
    struct Model {
        una: usize,
        places: Vec<(Fate, usize)>,
        borders: std::collections::BTreeSet<usize>,
    }

    impl Model {
        fn next_lost(&self) -> Option<Range<usize>> {
            let is_lost = |place: &usize| self.places[*place].0 == Fate::Lost;
            let start = (self.una..self.places.len()).find(is_lost)?;
            let end = (start..self.places.len()).find(|place| !is_lost(place));
            Some(start..end.unwrap_or(self.places.len()))
        }

        /// Whole segments in `range`.
        fn whole(&self, range: Range<usize>) -> Option<Range<usize>> {
            let mut inside = self.borders.range(range.start..=range.end);
            let (first, last) = (inside.next()?, inside.next_back()?);
            Some(*first..*last)
        }

        fn count(&self, fate: Fate) -> usize {
            let held = self.places[self.una..].iter();
            held.filter(|(of, _)| *of == fate).count()
        }
    }

    fn run(model: &mut Model, board: &mut Scoreboard, tick: usize, step: &Step) {
        let nxt = model.places.len();
        match *step {
            Step::Push(len) => {
                push(board, tick, nxt..nxt + len);
                model.places.resize(nxt + len, (Fate::InFlight, tick));
                model.borders.extend([nxt, nxt + len]);
            }
            Step::PushSuper(len, mss) => {
                push_super(board, tick, nxt..nxt + len, mss);
                model.places.resize(nxt + len, (Fate::InFlight, tick));
                model.borders.extend((nxt..nxt + len).step_by(mss));
                model.borders.insert(nxt + len);
            }
            Step::Acknowledge(octets) => {
                let ack = (model.una + octets).min(nxt);
                board.acknowledge(place(ack), |_| {});
                model.una = ack;
                model.borders.insert(ack);
            }
            Step::Sack(from, len) => {
                let start = (model.una + from).min(nxt);
                let end = (start + len).min(nxt);
                if start == end {
                    return;
                }
                board.sack(place(start)..place(end), |_| {});
                let whole = model.whole(start..end).unwrap_or_default();
                for place in &mut model.places[whole] {
                    place.0 = Fate::Sacked;
                }
            }
            Step::Resend(len) => {
                let Some(lost) = model.next_lost() else {
                    return;
                };
                let range = lost.start..lost.end.min(lost.start + len);
                let places = place(range.start)..place(range.end);
                board.resend(at(tick), places, snapshot(), true);
                // It leaves as one segment.
                (model.borders).retain(|it| *it <= range.start || range.end <= *it);
                model.borders.extend([range.start, range.end]);
                model.places[range].fill((Fate::InFlight, tick));
            }
            Step::LoseSentBefore(moment) => {
                board.lose_overdue(|record| record.sent < at(moment), |_| true, |_| {});
                for (fate, sent) in &mut model.places[model.una..] {
                    if *fate == Fate::InFlight && *sent < moment {
                        *fate = Fate::Lost;
                    }
                }
            }
        }
    }

    proptest! {
        /// A scoreboard says of every place what a list of places says.
        #[test]
        fn is_a_map_of_places(steps in prop::collection::vec(step(), 1..80)) {
            let mut model = Model::default();
            let mut board = Scoreboard::new(place(0), 1000);
            for (tick, step) in steps.iter().enumerate() {
                run(&mut model, &mut board, tick, step);
                let mut next = model.una;
                for record in board.records() {
                    prop_assert_eq!(record.start, place(next));
                    let end = next + record.len();
                    let is_true = |(fate, _): &(Fate, usize)| *fate == record.fate;
                    prop_assert!(model.places[next..end].iter().all(is_true), "{:?}", record);
                    next = end;
                }
                prop_assert_eq!(next, model.places.len());
                prop_assert_eq!(board.sacked_octets(), model.count(Fate::Sacked));
                prop_assert_eq!(board.lost_octets(), model.count(Fate::Lost));
                let lost = model.next_lost().map(|it| place(it.start)..place(it.end));
                prop_assert_eq!(board.next_lost(), lost);
                let count = |is: &dyn Fn(&Record) -> bool| {
                    let chosen = board.records().filter(|record| is(record));
                    chosen.map(|record| record.segments).sum::<usize>()
                };
                let of = |fate| count(&|record| record.fate == fate);
                let counts = board.counts();
                prop_assert_eq!(counts.unacked, count(&|_| true));
                prop_assert_eq!((counts.sacked, counts.lost), (of(Fate::Sacked), of(Fate::Lost)));
                let resent = count(&|it| it.fate == Fate::InFlight && it.resent);
                prop_assert_eq!(counts.resent, resent);
            }
        }
    }
}
