//! What the peer has sent and the user has not read, in order and beyond gaps.

use core::ops::Range;

use super::ranges::Ranges;
use super::ring::Ring;
use super::seq::Seq;
use crate::wire::{SackBlock, SackBlocks, Text};

/// Reassembly in place: an octet that arrives beyond a gap is written where the reader will find
/// it. The first copy of an octet wins; a later one that differs is ignored.
///
/// ```text
///        read           next                               edge of the window
///          │ in order     │  gap   │ ahead │  gap  │ ahead │
/// ─────────┴──────────────┴────────┴───────┴───────┴───────┴─────
/// ```
#[derive(Clone, Debug)]
pub(crate) struct RecvBuffer {
    ring: Ring,
    capacity: usize,
    read: Seq,
    next: Seq,
    ahead: Ranges,
    max_ranges: usize,
    /// A place in each range ahead that grew most recently, latest first (RFC 2018 §4).
    recent: [Option<Seq>; SackBlocks::MAX],
    /// What arrived twice and has not been reported yet (RFC 2883).
    duplicate: Option<Range<Seq>>,
}

/// What became of a segment's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// Octets by which the part in order grew.
    pub(crate) in_order: usize,
    /// Some of it, or all, had been received before.
    pub(crate) had_duplicate: bool,
    /// It lies beyond a gap, or filled one: to be acknowledged at once (RFC 5681 §4.2).
    pub(crate) touched_gap: bool,
}

impl RecvBuffer {
    /// An empty buffer whose first octet will lie at `start`. Allocates nothing.
    pub(crate) fn new(capacity: usize, max_ranges: usize, start: Seq) -> RecvBuffer {
        RecvBuffer {
            ring: Ring::default(),
            capacity,
            read: start,
            next: start,
            ahead: Ranges::default(),
            max_ranges,
            recent: [None; SackBlocks::MAX],
            duplicate: None,
        }
    }

    /// Takes the text of a segment that starts at `at`. It must end within the capacity beyond
    /// what was read, that is, within the window.
    pub(crate) fn insert(&mut self, at: Seq, text: Text<'_>) -> Inserted {
        let end = at + text.len();
        debug_assert!(end.saturating_since(self.read) <= self.capacity);
        let fresh = at.max(self.next)..end.max(self.next);
        if at < self.next {
            self.note_duplicate(at..end.min(self.next));
        }
        if fresh.is_empty() {
            return Inserted {
                in_order: 0,
                had_duplicate: true,
                touched_gap: false,
            };
        }
        let had_duplicate = self.write_gaps(at, text, fresh.clone()) || at < self.next;
        let touched_gap = !self.ahead.is_empty() || fresh.start > self.next;
        let in_order = if fresh.start == self.next {
            self.advance(fresh.end)
        } else {
            self.hold(fresh);
            0
        };
        Inserted {
            in_order,
            had_duplicate,
            touched_gap,
        }
    }

    /// Writes those parts of `fresh` that are not held yet; whether some were.
    fn write_gaps(&mut self, at: Seq, text: Text<'_>, fresh: Range<Seq>) -> bool {
        let live_end = self.end();
        self.ring
            .reserve(self.read..live_end, self.read..fresh.end.max(live_end));
        if self.ahead.is_empty() {
            self.ring
                .write(fresh.start, text.slice(fresh.start - at, fresh.end - at));
            return false;
        }
        let mut written = 0;
        for gap in self.ahead.gaps(fresh.clone()) {
            written += gap.end - gap.start;
            self.ring
                .write(gap.start, text.slice(gap.start - at, gap.end - at));
        }
        let overlapped = written < fresh.end - fresh.start;
        if overlapped && written == 0 {
            self.note_duplicate(fresh);
        }
        overlapped
    }

    /// The part in order now reaches `to`, and on through whatever was held there.
    fn advance(&mut self, to: Seq) -> usize {
        let before = self.next;
        self.next = to;
        while let Some(held) = self.ahead.take_first_from(self.next) {
            self.next = self.next.max(held.end);
        }
        self.next - before
    }

    fn hold(&mut self, range: Range<Seq>) {
        let place = range.start;
        self.ahead.insert(range);
        if self.ahead.len() > self.max_ranges {
            // Reneging is allowed (RFC 2018 §8): the peer keeps it until we acknowledge.
            self.ahead.forget_last();
        }
        let grown = self.ahead.holding(place);
        let others = self.recent.into_iter().flatten().filter(|other| {
            let range = self.ahead.holding(*other);
            range.is_some() && range != grown
        });
        let mut recent = [None; SackBlocks::MAX];
        let latest = grown.is_some().then_some(place);
        for (slot, place) in recent.iter_mut().zip(latest.into_iter().chain(others)) {
            *slot = Some(place);
        }
        self.recent = recent;
    }

    fn note_duplicate(&mut self, range: Range<Seq>) {
        if !range.is_empty() {
            self.duplicate = Some(range);
        }
    }

    /// Notes an old duplicate that lies wholly before the window.
    pub(crate) fn note_old_duplicate(&mut self, range: Range<Seq>) {
        self.note_duplicate(range);
    }

    /// The blocks for the next acknowledgment: the duplicate first (RFC 2883 §4), then the range
    /// that grew last, then others, latest first (RFC 2018 §4).
    pub(crate) fn sack_blocks(&self, most: usize) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        let ahead = self
            .recent
            .iter()
            .flatten()
            .filter_map(|place| self.ahead.holding(*place));
        let mut shown: [Option<Range<Seq>>; SackBlocks::MAX] = [const { None }; SackBlocks::MAX];
        for (count, range) in self.duplicate.clone().into_iter().chain(ahead).enumerate() {
            // A duplicate inside a range ahead is followed by that range; otherwise each once.
            let is_duplicate = count == 0 && self.duplicate.is_some();
            let seen = shown.iter().flatten().any(|other| *other == range);
            if blocks.as_slice().len() < most && (is_duplicate || !seen) {
                blocks.push(SackBlock {
                    left: range.start.wire(),
                    right: range.end.wire(),
                });
                if !is_duplicate {
                    shown[blocks.as_slice().len() - 1] = Some(range);
                }
            }
        }
        blocks
    }

    /// How many blocks there are to report.
    pub(crate) fn sack_count(&self) -> usize {
        if self.duplicate.is_none() && self.ahead.is_empty() {
            return 0;
        }
        self.sack_blocks(SackBlocks::MAX).as_slice().len()
    }

    /// The duplicate has been reported; it is reported once (RFC 2883 §4).
    pub(crate) fn sacks_sent(&mut self) {
        self.duplicate = None;
    }

    /// Moves octets in order to the user; returns how many.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let len = buffer.len().min(self.len());
        let text = self.ring.text(self.read..self.read + len);
        let [first, second] = text.pieces();
        buffer[..first.len()].copy_from_slice(first);
        buffer[first.len()..len].copy_from_slice(second);
        self.read += len;
        len
    }

    /// Throws away everything in order that was not read.
    pub(crate) fn discard(&mut self) {
        self.read = self.next;
    }

    /// Forgets what lies beyond gaps, and gives memory back that nobody needs.
    pub(crate) fn settle(&mut self) {
        self.ahead.clear();
        if self.len() == 0 {
            self.ring.release();
        }
    }

    /// The place after the last octet in order: RCV.NXT, but for a FIN.
    pub(crate) fn next(&self) -> Seq {
        self.next
    }

    /// The place after the last octet that is here, in order or beyond a gap.
    pub(crate) fn end(&self) -> Seq {
        self.ahead.iter().last().map_or(self.next, |last| last.end)
    }

    /// The place of the first octet that the user has not read.
    pub(crate) fn read_place(&self) -> Seq {
        self.read
    }

    /// Octets in order that the user has not read.
    pub(crate) fn len(&self) -> usize {
        self.next - self.read
    }

    /// Where the window may end, given what the user has read.
    pub(crate) fn limit(&self) -> Seq {
        self.read + self.capacity
    }

    /// The most octets it holds.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Octets allocated.
    pub(crate) fn allocated(&self) -> usize {
        self.ring.size()
    }
}
