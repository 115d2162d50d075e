//! What is reported of text beyond gaps, and of text that came twice: SACK (RFC 2018 §4), D-SACK (RFC 2883
//! §4).

use core::ops::Range;

use super::RecvBuffer;
use crate::tcp::seq::Seq;
use crate::wire::{SackBlock, SackBlocks};

impl RecvBuffer {
    /// A FIN has arrived at `place`, beyond a gap: it is reported like held text.
    pub(crate) fn hold_fin(&mut self, place: Seq) {
        self.note_growth(Some(place), place);
    }

    /// What lies at `place` has grown last; `latest`: if it is held.
    pub(super) fn note_growth(&mut self, latest: Option<Seq>, place: Seq) {
        self.has_grown = true;
        let grown = self.ahead.holding(place);
        let others = self.recent.into_iter().flatten().filter(|other| {
            let range = self.ahead.holding(*other);
            // A place without text can only be that of a FIN.
            let is_fin = range.is_none() && *other > self.next && *other != place;
            (range.is_some() && range != grown) || is_fin
        });
        let mut recent = [None; SackBlocks::MAX];
        for (slot, place) in recent.iter_mut().zip(latest.into_iter().chain(others)) {
            *slot = Some(place);
        }
        self.recent = recent;
    }

    /// Notes a duplicate, and joins it to an adjacent one that has not been reported yet.
    pub(super) fn note_duplicate(&mut self, range: Range<Seq>) {
        if range.is_empty() || !self.reports_duplicates {
            return;
        }
        let before = self.duplicate.take().filter(|it| touches(it, &range));
        self.duplicate = Some(match before {
            Some(before) => before.start.min(range.start)..before.end.max(range.end),
            None => range,
        });
    }

    /// Notes an old duplicate that lies wholly before the window.
    pub(crate) fn note_old_duplicate(&mut self, range: Range<Seq>) {
        self.note_duplicate(range);
    }

    /// The blocks for the next acknowledgment: the duplicate first (RFC 2883 §4), then the range
    /// that grew last, then others, latest first (RFC 2018 §4). A FIN behind held text is held with
    /// it: otherwise the last segment would never be acknowledged completely.
    pub(crate) fn sack_blocks(&self, most: usize, fin: Option<Seq>) -> SackBlocks {
        let block = |range: Range<Seq>| {
            let Range { start, end } = self.with_fin(range, fin);
            SackBlock {
                left: start.wire(),
                right: end.wire(),
            }
        };
        let mut blocks = SackBlocks::default();
        if let Some(duplicate) = self.duplicate.clone().filter(|_| most > 0) {
            blocks.push(SackBlock {
                left: duplicate.start.wire(),
                right: duplicate.end.wire(),
            });
        }
        let reported = blocks.as_slice().len();
        for place in self.recent.iter().flatten() {
            // A FIN that lies alone; a range that ends there includes it already.
            let is_alone = fin == Some(*place) && *place > self.next && !self.is_end(*place);
            let alone = is_alone.then_some(*place..*place);
            let held = self.ahead.holding(*place).or(alone).map(block);
            // Merged ranges are reported once.
            let fresh = held.filter(|held| !blocks.as_slice()[reported..].contains(held));
            if let Some(held) = fresh.filter(|_| blocks.as_slice().len() < most) {
                blocks.push(held);
            }
        }
        blocks
    }

    /// A held range together with a FIN at its edge, and with the text on the other side of that.
    pub(crate) fn with_fin(&self, range: Range<Seq>, fin: Option<Seq>) -> Range<Seq> {
        match fin {
            Some(fin) if range.end == fin || range.start == fin + 1 => {
                let before = self.ahead.holding(fin.before(1));
                let behind = self.ahead.holding(fin + 1);
                let start = before.map_or(fin, |held| held.start);
                start..behind.map_or(fin + 1, |held| held.end)
            }
            _ => range,
        }
    }

    /// How many blocks there are to report, with a FIN at `fin`.
    #[inline]
    pub(crate) fn sack_count(&self, fin: Option<Seq>) -> usize {
        if self.duplicate.is_none() && self.ahead.is_empty() && fin.is_none() {
            return 0;
        }
        self.sack_blocks(SackBlocks::MAX, fin).as_slice().len()
    }

    /// Whether the arrival of `range` would keep something from being reported, or from being in as
    /// many options as it should: it begins a block of its own, or is another duplicate.
    pub(crate) fn would_hide(&self, range: &Range<Seq>) -> bool {
        let next_held = self.ahead.behind(range.start).first();
        let is_held = next_held.is_some_and(|it| it.start <= range.start && range.end <= it.end);
        if is_held || range.end <= self.next {
            return self
                .duplicate
                .as_ref()
                .is_some_and(|it| !touches(it, range));
        }
        let begins_block =
            range.start > self.next && next_held.is_none_or(|it| it.start > range.end);
        begins_block && self.has_grown
    }

    /// Whether more lies beyond a gap than when something was last reported.
    pub(crate) fn has_grown(&self) -> bool {
        self.has_grown
    }

    /// Everything has been reported; a duplicate is reported only once (RFC 2883 §4).
    pub(crate) fn sacks_sent(&mut self) {
        self.duplicate = None;
        self.has_grown = false;
    }
}

/// Whether two ranges overlap, or one begins where the other ends.
fn touches(a: &Range<Seq>, b: &Range<Seq>) -> bool {
    a.start <= b.end && b.start <= a.end
}
