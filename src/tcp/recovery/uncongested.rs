//! Losses that are not a sign of congestion: of segments too long for the path, and of text on a SYN.

use core::ops::Range;

use super::Recovery;
use crate::tcp::seq::Seq;

impl Recovery {
    /// The path takes only smaller segments: those in `vanished` above `longest` octets did not get
    /// through, which is not a sign of congestion (RFC 1191 §6.4). Without SACK all of it is lost.
    pub(crate) fn on_path_mtu_reduced(&mut self, vanished: Range<Seq>, longest: usize) {
        self.lose_of(&vanished, longest);
        if longest > 0 {
            self.repair_uncongested(vanished.end);
        }
    }

    /// The SYN,ACK did not acknowledge the text of the SYN, which is not a sign of congestion,
    /// either.
    pub(crate) fn on_syn_text_left(&mut self, text: Range<Seq>) {
        self.lose_of(&text, 0);
        self.repair_uncongested(text.end);
    }

    pub(super) fn lose_of(&mut self, vanished: &Range<Seq>, longest: usize) {
        if vanished.is_empty() {
            return;
        }
        self.one_segment = false;
        match self.selective.is_some() {
            true => (self.board).lose_all(
                |record| vanished.contains(&record.start) && record.mss > longest,
                |_| {},
            ),
            false => self.board.set_lost(Some(vanished.clone())),
        }
    }

    /// Repairs a loss without congestion as after a timeout, with
    /// [`RecoveryHabits::repairs_smaller_path`](crate::config::RecoveryHabits).
    fn repair_uncongested(&mut self, end: Seq) {
        let is_repaired = self.habits.repairs_smaller_path;
        if is_repaired && !self.is_in_trouble() && self.board.lost_octets() > 0 {
            match &mut self.selective {
                Some(selective) => selective.begin_repair(end),
                None => self.begin_repair(end),
            }
        }
    }
}
