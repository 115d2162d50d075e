//! What of the network is lost: what was sent long enough before something that has arrived, and what is
//! marked otherwise.

use core::ops::Range;

use super::record::{count_in, count_off};
use super::{Fate, Record, Scoreboard};
use crate::tcp::seq::Seq;
use crate::time::Instant;

impl Scoreboard {
    /// Marks as lost what is in flight, was sent earlier according to `is_before`, and is `overdue`. If
    /// something sent earlier is not overdue yet, returns when the last record examined was sent.
    pub(in super::super) fn lose_overdue(
        &mut self,
        is_before: impl Fn(&Record) -> bool,
        is_overdue: impl Fn(&Record) -> bool,
        mut lost: impl FnMut(&Record),
    ) -> Option<Instant> {
        let waits = self.lose_first_transmissions(&is_before, &is_overdue, &mut lost);
        self.lose_resent(is_before, is_overdue, lost).max(waits)
    }

    /// The same for what was sent only once, which is in the order of time.
    pub(in super::super) fn lose_first_transmissions(
        &mut self,
        is_before: impl Fn(&Record) -> bool,
        is_overdue: impl Fn(&Record) -> bool,
        mut lost: impl FnMut(&Record),
    ) -> Option<Instant> {
        let end = self.records.last().map_or(self.cursor, |last| last.end);
        if end <= self.cursor {
            return None;
        }
        let mut index = self.index(self.cursor);
        let mut waits = None;
        while let Some(record) = self.records.get(index) {
            if record.is_first_transmission() {
                if !is_before(record) || !is_overdue(record) {
                    waits = is_before(record).then_some(record.sent);
                    break;
                }
                self.lose(index);
                lost(&self.records[index]);
            }
            index += 1;
        }
        self.cursor = self.records.get(index).map_or(end, |record| record.start);
        waits
    }

    /// The same for what was sent again.
    pub(in super::super) fn lose_resent(
        &mut self,
        is_before: impl Fn(&Record) -> bool,
        is_overdue: impl Fn(&Record) -> bool,
        mut lost: impl FnMut(&Record),
    ) -> Option<Instant> {
        while let Some((range, sent)) = self.resent.front().cloned() {
            let mut index = self.index(range.start);
            while let Some(record) = self.records.get(index)
                && record.start < range.end
            {
                if record.fate == Fate::InFlight && record.sent == sent {
                    if !is_before(record) {
                        return None;
                    }
                    if !is_overdue(record) {
                        return Some(sent);
                    }
                    self.lose(index);
                    lost(&self.records[index]);
                }
                index += 1;
            }
            self.resent.pop_front();
        }
        None
    }

    /// Marks as lost whatever is in flight and `is_lost`.
    pub(in super::super) fn lose_all(
        &mut self,
        is_lost: impl Fn(&Record) -> bool,
        mut lost: impl FnMut(&Record),
    ) {
        for index in 0..self.records.len() {
            let record = &self.records[index];
            if record.fate == Fate::InFlight && is_lost(record) {
                self.lose(index);
                lost(&self.records[index]);
            }
        }
        let mut resent = core::mem::take(&mut self.resent);
        resent.retain(|(range, sent)| {
            let mut records = self.records[self.index(range.start)..].iter();
            records
                .by_ref()
                .take_while(|record| record.start < range.end)
                .any(|record| record.fate == Fate::InFlight && record.sent == *sent)
        });
        self.resent = resent;
    }

    /// Without SACK: marks `range`, and nothing else, to be sent again, whatever its records say.
    pub(in super::super) fn set_lost(&mut self, range: Option<Range<Seq>>) {
        self.lost.clear();
        if let Some(range) = range {
            self.lost.insert(range);
        }
    }

    pub(super) fn lose(&mut self, index: usize) {
        let record = &mut self.records[index];
        count_off(&mut self.counts, record);
        record.fate = Fate::Lost;
        count_in(&mut self.counts, record);
        self.lost.insert(record.start..record.end);
    }

    /// What was marked as lost and not sent again since is in flight after all.
    pub(in super::super) fn forget_losses(&mut self) {
        self.lost.clear();
        for record in self.records.iter_mut() {
            if record.fate == Fate::Lost {
                count_off(&mut self.counts, record);
                record.fate = Fate::InFlight;
                count_in(&mut self.counts, record);
            }
        }
        self.cursor = self.records.first().map_or(self.cursor, |r| r.start);
        self.queue_resent();
    }

    /// Queues what was sent again and is in flight in the order of sending.
    fn queue_resent(&mut self) {
        let in_flight = |record: &&Record| record.fate == Fate::InFlight && record.resent;
        let mut resent: Vec<&Record> = self.records.iter().filter(in_flight).collect();
        resent.sort_by_key(|record| record.number);
        let entry = |record: &Record| (record.start..record.end, record.sent);
        self.resent = resent.into_iter().map(entry).collect();
    }
}
