//! Joins records whose text leaves again as one segment.

use super::Scoreboard;
use super::record::{count_in, count_off};
use crate::tcp::seq::Seq;

impl Scoreboard {
    /// Joins the record at `first` and those behind it, up to `end`, into one record of
    /// one segment.
    pub(super) fn join(&mut self, first: usize, end: Seq) {
        let behind = &self.records[first..];
        let count = behind.partition_point(|record| record.start < end);
        let segments: usize = behind[..count].iter().map(|record| record.segments).sum();
        if segments <= 1 {
            return;
        }
        for record in &self.records[first..first + count] {
            count_off(&mut self.counts, record);
        }
        self.counts.unacked -= segments - 1;
        self.records.remove(first + 1..first + count);
        let record = &mut self.records[first];
        (record.end, record.segments, record.mss) = (end, 1, end - record.start);
        count_in(&mut self.counts, record);
    }
}
