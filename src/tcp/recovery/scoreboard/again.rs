//! Queries about segments that were sent more than once.

use super::{Fate, Scoreboard};
use crate::tcp::seq::Seq;
use crate::time::Instant;

impl Scoreboard {
    /// Whether something before `ack` was sent again, and has been reported since.
    pub(in super::super) fn covers_resent(&self, ack: Seq) -> bool {
        let mut covered = self.records.iter().take_while(|record| record.end <= ack);
        !self.sacked.is_empty()
            && covered.any(|record| record.fate == Fate::Sacked && record.resent)
    }

    /// The segment at `start` has just left again, as a tail loss probe.
    pub(in super::super) fn mark_probe(&mut self, start: Seq) {
        let at = self.index(start);
        if let Some(record) = self.records.get_mut(at) {
            record.probed = true;
        }
    }

    /// Segments in flight that were last sent as tail loss probes.
    pub(in super::super) fn probes(&self) -> usize {
        let probes = (self.records.iter()).filter(|it| it.probed && it.fate == Fate::InFlight);
        probes.map(|record| record.segments).sum()
    }

    /// The first record leaves as if for the first time.
    pub(in super::super) fn leave_anew(&mut self, now: Instant) {
        if let Some(record) = self.records.first_mut() {
            record.sent = now;
        }
    }
}
