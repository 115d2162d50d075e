//! What the peer has sent and the user has not read, in order and beyond gaps.

mod lending;
mod reports;

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::loan::Aside;
use super::ranges::Ranges;
use super::ring::Ring;
use super::seq::Seq;
use crate::wire::{Kept, SackBlocks, Text};

/// Reassembly in place: an octet that arrives beyond a gap is written where the reader will find
/// it. The first copy of an octet wins; a later one that differs is ignored.
///
/// ```text
///        read           next                               edge of the window
///          │ in order     │  gap   │ ahead │  gap  │ ahead │
/// ─────────┴──────────────┴────────┴───────┴───────┴───────┴─────
/// ```
///
/// Text in order may also stay in the memory in which it arrived; then it precedes what lies in the
/// ring.
#[derive(Clone, Debug)]
pub(crate) struct RecvBuffer {
    ring: Ring,
    capacity: usize,
    read: Seq,
    next: Seq,
    ahead: Ranges,
    max_ranges: usize,
    /// What is in order but not in `ring`, if there ever was any: kept where it arrived, or lent to
    /// the reader.
    aside: Option<Box<Aside>>,
    /// A place in each range ahead that grew most recently, latest first (RFC 2018 §4).
    recent: [Option<Seq>; SackBlocks::MAX],
    /// What arrived twice and has not been reported yet (RFC 2883).
    duplicate: Option<Range<Seq>>,
    /// A range ahead has grown, and nothing has been reported since.
    has_grown: bool,
    /// What arrives twice is reported.
    reports_duplicates: bool,
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

impl Inserted {
    /// This many expected octets.
    pub(crate) const fn in_order(in_order: usize) -> Inserted {
        Inserted {
            in_order,
            had_duplicate: false,
            touched_gap: false,
        }
    }
}

impl RecvBuffer {
    /// Hashes what decides the future: see
    /// [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical). `sack`: the order of arrival
    /// matters.
    pub(crate) fn hash_canonical(&self, sack: bool, hasher: &mut impl Hasher) {
        (self.read, self.next, &self.ahead, self.is_lent()).hash(hasher);
        self.has_grown.hash(hasher);
        self.in_order().hash(hasher);
        for range in self.ahead.iter() {
            self.ring.text(range.clone()).pieces().concat().hash(hasher);
        }
        if sack {
            (self.recent, &self.duplicate).hash(hasher);
        }
    }

    /// An empty buffer whose first octet will lie at `start`. Allocates nothing.
    pub(crate) fn new(capacity: usize, max_ranges: usize, start: Seq) -> RecvBuffer {
        RecvBuffer {
            ring: Ring::default(),
            capacity,
            read: start,
            next: start,
            ahead: Ranges::default(),
            max_ranges,
            aside: None,
            recent: [None; SackBlocks::MAX],
            duplicate: None,
            has_grown: false,
            reports_duplicates: true,
        }
    }

    /// Whether what arrives twice is reported (RFC 2883).
    pub(crate) fn report_duplicates(self, reports_duplicates: bool) -> RecvBuffer {
        RecvBuffer {
            reports_duplicates,
            ..self
        }
    }

    /// Takes the text of a segment that starts at `at`. It must end within the capacity beyond what
    /// was read, that is, within the window.
    #[inline]
    pub(crate) fn insert(&mut self, at: Seq, text: Text<'_>) -> Inserted {
        let end = at + text.len();
        debug_assert!(end.saturating_since(self.read) <= self.capacity);
        if at == self.next && self.ahead.is_empty() && !text.is_empty() {
            return self.append_text(text);
        }
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

    /// Whether the next text in order may stay where it arrived: nothing in the ring precedes it.
    pub(crate) fn may_keep(&self) -> bool {
        let ring_is_lent = self.out().is_some_and(|out| out.is_ring);
        self.ahead.is_empty() && self.held_from() == self.next && !ring_is_lent
    }

    /// As [`RecvBuffer::insert`], for the next text in order, which stays where it arrived. Only if
    /// [`RecvBuffer::may_keep`].
    pub(crate) fn keep(&mut self, text: Kept) -> Inserted {
        debug_assert!(self.may_keep() && self.len() + text.len() <= self.capacity);
        let in_order = text.len();
        let at = self.next;
        self.aside.get_or_insert_default().kept.push(at, text);
        self.next += in_order;
        Inserted::in_order(in_order)
    }

    /// The next `count` octets in order are already with their reader. There must be nothing to
    /// read before them.
    pub(crate) fn pass(&mut self, count: usize) {
        debug_assert!(count == 0 || self.holds_nothing() && !self.is_lent());
        if count > 0 {
            self.next += count;
            self.read_to(self.next);
        }
    }

    /// Takes text that is next in order, while nothing lies beyond a gap.
    fn append_text(&mut self, text: Text<'_>) -> Inserted {
        let at = self.reserve_next(text.len());
        self.ring.write(at, text);
        Inserted::in_order(text.len())
    }

    /// The same for text in one piece.
    #[inline(always)]
    pub(crate) fn append(&mut self, octets: &[u8]) -> Inserted {
        debug_assert!(self.is_in_order() && self.len() + octets.len() <= self.capacity);
        let at = self.reserve_next(octets.len());
        self.ring.write_piece(at, octets);
        Inserted::in_order(octets.len())
    }

    /// Makes room for the next octets in order, which count as received; returns their place.
    #[inline(always)]
    fn reserve_next(&mut self, octets: usize) -> Seq {
        let (from, at) = (self.held_from(), self.next);
        self.next += octets;
        self.ring.reserve(from..at, from..self.next);
        at
    }

    /// Writes the parts of `fresh` that are not held yet. Returns whether any were held.
    fn write_gaps(&mut self, at: Seq, text: Text<'_>, fresh: Range<Seq>) -> bool {
        let (from, live_end) = (self.held_from(), self.end());
        self.ring
            .reserve(from..live_end, from..fresh.end.max(live_end));
        if self.ahead.is_empty() {
            self.ring
                .write(fresh.start, text.slice(fresh.start - at, fresh.end - at));
            return false;
        }
        // The first part that is held already.
        let (mut held, mut reached) = (None, fresh.start);
        for gap in self.ahead.gaps(fresh.clone()) {
            if gap.start > reached {
                held = held.or(Some(reached..gap.start));
            }
            reached = gap.end;
            self.ring
                .write(gap.start, text.slice(gap.start - at, gap.end - at));
        }
        held = held.or((reached < fresh.end).then_some(reached..fresh.end));
        let overlapped = held.is_some();
        // RFC 2883 §4: one part is reported, and what lies below the acknowledgment takes
        // precedence.
        let below = self.duplicate.as_ref().is_some_and(|it| it.end == at);
        let is_first = |held: &Range<Seq>| at >= self.next && (!below || held.start == at);
        if let Some(held) = held.filter(is_first) {
            self.note_duplicate(held);
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
        let is_held = self.ahead.holding(place).is_some();
        self.note_growth(is_held.then_some(place), place);
    }

    /// Copies octets in order to the user. Returns how many.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let len = self.peek(0, buffer);
        self.read_to(self.read + len);
        len
    }

    /// Gives the user up to `most` octets in order that lie where they arrived: they count as read,
    /// and the caller copies them. Empty if the next octets lie in the ring.
    pub(crate) fn read_kept(&mut self, most: usize) -> Vec<Kept> {
        let end = self.read + self.len().min(most);
        let mut parts = Vec::new();
        if let Some(aside) = self.aside.as_mut().filter(|aside| aside.out.is_none()) {
            while let Some(part) = aside.kept.pop(end) {
                self.read = part.end();
                parts.push(part.text);
            }
        }
        parts
    }

    /// Copies octets in order, starting `ahead` octets beyond the reader. Returns how many; 0 while
    /// something is lent.
    pub(crate) fn peek(&self, ahead: usize, buffer: &mut [u8]) -> usize {
        let len = buffer.len().min(self.len().saturating_sub(ahead));
        if len == 0 || self.is_lent() {
            return 0;
        }
        let range = self.read + ahead..self.read + ahead + len;
        match self.aside {
            None => copy_pieces(self.ring.text(range).pieces(), buffer),
            Some(_) => copy_pieces(self.pieces(range), buffer),
        }
        len
    }

    /// The octet at `place`, in order or held, unless something is lent.
    pub(crate) fn octet_at(&self, place: Seq) -> Option<u8> {
        if self.is_held(place) && !self.is_lent() {
            let [first, second] = self.ring.text(place..place + 1).pieces();
            return first.first().or(second.first()).copied();
        }
        let ahead = (place >= self.read).then(|| place - self.read)?;
        let mut octet = [0];
        (self.peek(ahead, &mut octet) > 0).then_some(octet[0])
    }

    /// The octets of `range`, which is in order and not lent.
    //
    // Always inlined: every read uses it, and the compiler alone has decided otherwise before.
    #[inline(always)]
    fn pieces(&self, range: Range<Seq>) -> impl Iterator<Item = &[u8]> {
        let in_ring = range.start.max(self.held_from())..range.end.max(self.held_from());
        let kept = self.aside.iter();
        let kept = kept.flat_map(move |aside| aside.kept.pieces(range.clone()));
        kept.chain(self.ring.text(in_ring).pieces())
    }

    /// What is in order and not lent.
    fn in_order(&self) -> Vec<u8> {
        let start = self.out().map_or(self.read, |out| out.end.max(self.read));
        self.pieces(start..self.next).collect::<Vec<_>>().concat()
    }

    /// The user has read up to `place`.
    fn read_to(&mut self, place: Seq) {
        self.read = place;
        if let Some(aside) = &mut self.aside {
            aside.kept.forget_before(place);
        }
    }

    /// The first place that the ring holds.
    #[inline(always)]
    fn held_from(&self) -> Seq {
        let kept_end = (self.aside.as_ref()).and_then(|aside| aside.kept.end());
        let aside_end = kept_end.or(self.out().map(|out| out.end));
        aside_end.map_or(self.read, |end| end.max(self.read))
    }

    /// Throws away everything in order that was not read.
    pub(crate) fn discard(&mut self) {
        self.read_to(self.next);
    }

    /// Forgets what lies beyond a gap from `place` on, which the peer keeps until we acknowledge it (RFC
    /// 2018 §8). Nothing that is left is reported until more arrives.
    pub(crate) fn forget_from(&mut self, place: Seq) {
        let end = self.end();
        if place < end {
            self.ahead.remove(place..end);
        }
        self.recent = [None; SackBlocks::MAX];
    }

    /// Forgets what lies beyond gaps, and gives unused memory back.
    pub(crate) fn settle(&mut self) {
        self.ahead.clear();
        self.shrink();
    }

    /// Gives unused memory back.
    pub(crate) fn shrink(&mut self) {
        if let Some(aside) = &mut self.aside {
            aside.spare.release();
            aside.kept.shrink();
        }
        if self.holds_nothing() {
            self.ahead.clear();
            self.ring.release();
        }
    }

    /// Whether nothing is held, neither in order nor beyond a gap.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.len() == 0 && self.ahead.is_empty()
    }

    /// Whether nothing lies beyond a gap.
    pub(crate) fn is_in_order(&self) -> bool {
        self.ahead.is_empty()
    }

    /// The place after the last octet in order: RCV.NXT, except for a FIN.
    pub(crate) fn next(&self) -> Seq {
        self.next
    }

    /// Whether the octet at `place` is held beyond a gap.
    pub(crate) fn is_held(&self, place: Seq) -> bool {
        self.ahead.holding(place).is_some()
    }

    /// Whether what is in order, or is held beyond a gap, ends at `place`.
    pub(crate) fn is_end(&self, place: Seq) -> bool {
        place == self.next || self.ahead.iter().any(|range| range.end == place)
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

    /// Changes the capacity; room that was offered to the peer must stay.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        debug_assert!(self.end() <= self.read + capacity);
        self.capacity = capacity;
    }

    /// The most octets it holds.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Octets of the ring.
    pub(crate) fn ring_size(&self) -> usize {
        self.ring.size()
    }

    /// Octets in order that the user has not read and that do not lie in the ring.
    #[inline]
    pub(crate) fn len_aside(&self) -> usize {
        self.held_from() - self.read
    }

    /// Octets in order that the user has not read and that lie in the ring.
    #[inline]
    pub(crate) fn len_in_ring(&self) -> usize {
        self.next - self.held_from()
    }

    /// Octets allocated for what is held.
    pub(crate) fn allocated(&self) -> usize {
        let aside = self.aside.as_ref();
        self.ring.size() + aside.map_or(0, |aside| aside.kept.memory())
    }

    /// Octets allocated for loans: what is lent, and the memory for the next.
    pub(crate) fn allocated_for_loans(&self) -> usize {
        self.aside.as_ref().map_or(0, |aside| {
            aside.spare.size() + aside.out.map_or(0, |out| out.memory)
        })
    }
}

/// Copies one piece behind the other.
#[inline(always)]
fn copy_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, buffer: &mut [u8]) {
    let mut copied = 0;
    for piece in pieces {
        buffer[copied..copied + piece.len()].copy_from_slice(piece);
        copied += piece.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::loan::Loan;
    use crate::wire::Arrived;
    use std::sync::Arc;

    /// The same octets at the same places, with the same to report, in whatever memory.
    impl PartialEq for RecvBuffer {
        fn eq(&self, other: &RecvBuffer) -> bool {
            let places = |buffer: &RecvBuffer| (buffer.read, buffer.next, buffer.capacity);
            let ahead = |buffer: &RecvBuffer| -> Vec<u8> {
                let texts = buffer.ahead.iter();
                let texts = texts.map(|range| buffer.ring.text(range.clone()).to_vec());
                texts.collect::<Vec<_>>().concat()
            };
            places(self) == places(other)
                && self.ahead == other.ahead
                && (self.max_ranges, self.is_lent()) == (other.max_ranges, other.is_lent())
                && (self.recent, &self.duplicate) == (other.recent, &other.duplicate)
                && self.has_grown == other.has_grown
                && self.reports_duplicates == other.reports_duplicates
                && (self.in_order(), ahead(self)) == (other.in_order(), ahead(other))
        }
    }

    const CAPACITY: usize = 1000;

    fn start() -> Seq {
        Seq::initial(u32::MAX - 500)
    }

    fn buffer() -> RecvBuffer {
        RecvBuffer::new(CAPACITY, 8, start())
    }

    /// The text that belongs at `from..to`.
    fn text(from: usize, to: usize) -> Vec<u8> {
        (from..to).map(|place| (place * 7) as u8).collect()
    }

    fn insert(buffer: &mut RecvBuffer, from: usize, to: usize) -> Inserted {
        buffer.insert(start() + from, text(from, to).as_slice().into())
    }

    fn blocks(buffer: &RecvBuffer) -> Vec<(u32, u32)> {
        let offset = |wire: u32| wire.wrapping_sub(start().wire());
        let blocks = buffer.sack_blocks(4, None);
        let blocks = blocks.as_slice().iter();
        blocks.map(|b| (offset(b.left), offset(b.right))).collect()
    }

    /// RFC 2018 §3: a block ends behind the last held sequence number, and a FIN has one.
    #[test]
    fn a_fin_behind_held_text_is_held_with_it() {
        let mut buffer = buffer();
        insert(&mut buffer, 10, 20);
        insert(&mut buffer, 40, 50);
        let right = |fin: usize| {
            let blocks = buffer.sack_blocks(4, Some(start() + fin));
            let blocks = blocks.as_slice().iter();
            blocks.map(|block| block.right).collect::<Vec<_>>()
        };
        let wire = |places: [usize; 2]| places.map(|place| (start() + place).wire()).to_vec();
        assert_eq!(right(50), wire([51, 20]));
        assert_eq!(right(60), wire([50, 20]), "text before it is missing");
        insert(&mut buffer, 51, 60);
        let blocks = buffer.sack_blocks(4, Some(start() + 50));
        let [joined, _] = blocks.as_slice() else {
            panic!("{blocks:?}");
        };
        let places = [joined.left, joined.right];
        assert_eq!(places.to_vec(), wire([40, 60]), "text on both sides");
    }

    #[test]
    fn text_is_put_together_in_any_order_and_read_once() {
        let mut buffer = buffer();
        for (from, to) in [(600, 900), (0, 10), (300, 650), (5, 320)] {
            insert(&mut buffer, from, to);
        }
        assert_eq!(buffer.len(), 900);
        let mut read = vec![0; CAPACITY];
        assert_eq!(buffer.read(&mut read), 900);
        assert_eq!(read[..900], text(0, 900));
        assert_eq!(buffer.read(&mut read), 0);
    }

    /// THREATS: an octet is what it was when it first arrived, even beyond a gap.
    #[test]
    fn the_first_copy_wins() {
        let mut buffer = buffer();
        insert(&mut buffer, 10, 20);
        let forged = [0xff; 20];
        buffer.insert(start(), forged.as_slice().into());
        let mut read = [0; 20];
        buffer.read(&mut read);
        assert_eq!(read[..10], [0xff; 10]);
        assert_eq!(read[10..], text(10, 20));
    }

    /// RFC 2018 §4: the block that grew last comes first; each is repeated.
    #[test]
    fn the_latest_block_comes_first() {
        let mut buffer = buffer();
        for (from, to) in [(100, 110), (300, 310), (200, 210), (110, 120)] {
            insert(&mut buffer, from, to);
        }
        assert_eq!(blocks(&buffer), [(100, 120), (200, 210), (300, 310)]);
        insert(&mut buffer, 120, 200);
        assert_eq!(blocks(&buffer), [(100, 210), (300, 310)]);
    }

    /// RFC 2883 §4: what arrived twice comes first, once, and then the block that holds it.
    #[test]
    fn a_duplicate_is_reported_once() {
        let mut buffer = buffer();
        insert(&mut buffer, 100, 120);
        assert!(insert(&mut buffer, 100, 110).had_duplicate);
        assert_eq!(blocks(&buffer), [(100, 110), (100, 120)]);
        buffer.sacks_sent();
        assert_eq!(blocks(&buffer), [(100, 120)]);
        insert(&mut buffer, 0, 50);
        insert(&mut buffer, 20, 60);
        assert_eq!(blocks(&buffer)[0], (20, 50), "the old part only");
    }

    /// THREATS: every other octet, far more pieces than may be held.
    #[test]
    fn pieces_beyond_gaps_are_bounded() {
        let mut buffer = buffer();
        for place in (2..CAPACITY).step_by(2) {
            insert(&mut buffer, place, place + 1);
        }
        assert_eq!(buffer.ahead.len(), 8);
        insert(&mut buffer, 0, CAPACITY);
        assert_eq!(buffer.len(), CAPACITY);
        let mut read = vec![0; CAPACITY];
        buffer.read(&mut read);
        assert_eq!(read, text(0, CAPACITY));
    }

    #[test]
    fn memory_comes_with_the_first_octet() {
        let mut buffer = buffer();
        assert_eq!(buffer.allocated(), 0);
        insert(&mut buffer, 0, 1);
        assert_eq!(buffer.allocated(), 256);
        insert(&mut buffer, 1, CAPACITY);
        assert_eq!(buffer.allocated(), 1024);
    }

    /// As [`insert`], for the next text in order, which stays where it arrived.
    fn keep(buffer: &mut RecvBuffer, from: usize, to: usize) {
        assert!(buffer.may_keep());
        let memory = Arc::from(text(from, to));
        let arrived = Arrived::in_memory(&memory, 0..to - from);
        let inserted = buffer.keep(arrived.keep().expect("it is in a memory"));
        assert_eq!(
            (inserted.in_order, inserted.touched_gap),
            (to - from, false)
        );
    }

    #[test]
    fn what_stays_where_it_arrived_is_read_before_what_lies_in_the_ring() {
        let mut buffer = buffer();
        keep(&mut buffer, 0, 300);
        keep(&mut buffer, 300, 310);
        insert(&mut buffer, 310, 400);
        assert!(!buffer.may_keep(), "the ring holds some");
        insert(&mut buffer, 500, 600);
        assert_eq!((buffer.len(), buffer.len_aside()), (400, 310));
        assert_eq!((buffer.ring_size(), buffer.allocated()), (512, 822));
        let mut read = vec![0; CAPACITY];
        assert_eq!(buffer.peek(290, &mut read[..60]), 60);
        assert_eq!(read[..60], text(290, 350));
        assert_eq!(buffer.read(&mut read[..305]), 305);
        assert_eq!(read[..305], text(0, 305));
        assert_eq!(buffer.allocated(), 522);
        assert_eq!(buffer.read(&mut read), 95);
        assert_eq!(read[..95], text(305, 400));
        assert!(!buffer.may_keep(), "there is a gap");
        insert(&mut buffer, 400, 500);
        buffer.discard();
        keep(&mut buffer, 600, 700);
        buffer.discard();
        buffer.shrink();
        assert_eq!(buffer.allocated(), 0);
    }

    #[test]
    fn what_stays_where_it_arrived_is_handed_over_in_its_parts() {
        let mut buffer = buffer();
        keep(&mut buffer, 0, 100);
        keep(&mut buffer, 100, 200);
        insert(&mut buffer, 200, 220);
        let parts = |buffer: &mut RecvBuffer, most| {
            let parts = buffer.read_kept(most).into_iter();
            parts.map(|part| part.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(parts(&mut buffer, 0).len(), 0);
        assert_eq!(parts(&mut buffer, 130), [text(0, 100), text(100, 130)]);
        assert_eq!(
            buffer.limit(),
            start() + 130 + CAPACITY,
            "it counts as read"
        );
        assert_eq!(parts(&mut buffer, CAPACITY), [text(130, 200)]);
        assert_eq!(parts(&mut buffer, CAPACITY).len(), 0, "the ring is next");
        assert_eq!((buffer.len(), buffer.len_aside()), (20, 0));
    }

    #[test]
    fn what_stays_where_it_arrived_is_lent_as_it_lies() {
        let mut buffer = buffer();
        keep(&mut buffer, 0, 100);
        keep(&mut buffer, 100, 200);
        let mut loan = lent(&mut buffer);
        assert_eq!(loan.text().to_vec(), text(0, 100));
        assert_eq!(buffer.allocated_for_loans(), 100);
        keep(&mut buffer, 200, 300);
        assert!(buffer.lend(usize::MAX).is_none() && buffer.read_kept(10).is_empty());
        loan.consume(60);
        buffer.consumed(&loan);
        assert_eq!(loan.text().to_vec(), text(60, 100));
        buffer.take_back(loan);
        let mut read = vec![0; CAPACITY];
        assert_eq!(buffer.peek(0, &mut read), 240);
        assert_eq!(read[..240], text(60, 300));

        // Nothing that was thrown away meanwhile comes back.
        let loan = lent(&mut buffer);
        buffer.discard();
        buffer.take_back(loan);
        assert_eq!((buffer.len(), buffer.allocated()), (0, 0));
    }

    /// While a ring is lent, arriving text may have to be put behind what comes back in it.
    #[test]
    fn nothing_stays_where_it_arrived_while_a_ring_is_lent() {
        let mut buffer = buffer();
        insert(&mut buffer, 0, 10);
        let loan = lent(&mut buffer);
        assert!(!buffer.may_keep());
        insert(&mut buffer, 10, 20);
        buffer.take_back(loan);
        let mut read = [0; 20];
        assert_eq!(buffer.read(&mut read), 20);
        assert_eq!(read[..], text(0, 20));
        assert!(buffer.may_keep());
    }

    /// What decides the future is the same, wherever the octets lie.
    #[test]
    fn where_it_lies_makes_no_difference() {
        let (mut kept, mut copied) = (buffer(), buffer());
        keep(&mut kept, 0, 50);
        insert(&mut kept, 50, 60);
        insert(&mut copied, 0, 60);
        let hash = |buffer: &RecvBuffer| {
            let mut hasher = std::hash::DefaultHasher::new();
            buffer.hash_canonical(true, &mut hasher);
            hasher.finish()
        };
        assert!(kept == copied && hash(&kept) == hash(&copied));
        kept.read(&mut [0; 10]);
        assert!(kept != copied && hash(&kept) != hash(&copied));
    }

    /// What is lent, and may be consumed.
    fn lent(buffer: &mut RecvBuffer) -> Loan {
        buffer.lend(usize::MAX).expect("something in order")
    }

    #[test]
    fn a_loan_goes_and_comes_back_without_a_copy() {
        let mut buffer = buffer();
        insert(&mut buffer, 0, 600);
        let address = buffer.ring.text(start()..start() + 1).pieces()[0].as_ptr();
        let mut loan = lent(&mut buffer);
        assert_eq!(loan.text().pieces()[0].as_ptr(), address);
        assert_eq!(loan.text().to_vec(), text(0, 600));
        assert!(buffer.lend(usize::MAX).is_none(), "one loan at a time");
        assert_eq!(buffer.read(&mut [0; 10]), 0, "nothing to read meanwhile");
        loan.consume(200);
        buffer.take_back(loan);
        assert_eq!(buffer.len(), 400);
        let place = start() + 200;
        let again = buffer.ring.text(place..place + 1).pieces()[0].as_ptr();
        assert_eq!(again.addr() - address.addr(), 200);
        let mut read = [0; 400];
        assert_eq!(buffer.read(&mut read), 400);
        assert_eq!(read[..], text(200, 600));
    }

    /// Segments arrive while the reader looks: in order, beyond a gap, and what fills it.
    #[test]
    fn what_arrives_meanwhile_comes_after_what_is_not_consumed() {
        let mut buffer = buffer();
        insert(&mut buffer, 0, 500);
        insert(&mut buffer, 520, 540);
        let mut loan = lent(&mut buffer);
        insert(&mut buffer, 500, 510);
        insert(&mut buffer, 800, CAPACITY);
        insert(&mut buffer, 505, 520);
        assert_eq!(buffer.next(), start() + 540);
        loan.consume(499);
        assert_eq!(buffer.limit(), start() + CAPACITY, "not told yet");
        buffer.consumed(&loan);
        assert_eq!(buffer.limit(), start() + 499 + CAPACITY);
        buffer.take_back(loan);
        insert(&mut buffer, 540, 800);
        let mut read = vec![0; CAPACITY];
        assert_eq!(buffer.read(&mut read), CAPACITY - 499);
        assert_eq!(read[..CAPACITY - 499], text(499, CAPACITY));
    }

    /// On a path that loses much, little is in order and much beyond gaps: that stays.
    #[test]
    fn the_smaller_part_is_copied() {
        let mut buffer = buffer();
        insert(&mut buffer, 100, 900);
        insert(&mut buffer, 0, 10);
        let ring = buffer.ring.size();
        let mut loan = lent(&mut buffer);
        assert_eq!((loan.len(), buffer.ring.size()), (10, ring));
        assert_eq!(buffer.allocated_for_loans(), 256);
        insert(&mut buffer, 10, 100);
        loan.consume(10);
        buffer.take_back(loan);
        let loan = lent(&mut buffer);
        assert_eq!(loan.text().to_vec(), text(10, 900));
        assert_eq!(buffer.ring.size(), 256, "the two take turns");
        buffer.take_back(loan);
        assert_eq!(buffer.len(), 890);
    }

    #[test]
    fn a_loan_ends_where_the_reader_may_not_go_on() {
        let mut buffer = buffer();
        insert(&mut buffer, 0, 300);
        let mut loan = buffer.lend(200).expect("something in order");
        assert_eq!(loan.text().to_vec(), text(0, 200));
        loan.consume(1000);
        assert!(loan.is_empty());
        buffer.take_back(loan);
        assert_eq!(lent(&mut buffer).text().to_vec(), text(200, 300));
    }

    #[test]
    fn what_was_thrown_away_meanwhile_does_not_come_back() {
        let mut buffer = buffer();
        insert(&mut buffer, 0, 300);
        let loan = lent(&mut buffer);
        buffer.discard();
        buffer.settle();
        buffer.take_back(loan);
        assert_eq!(buffer.len(), 0);
        insert(&mut buffer, 300, 310);
        let mut read = [0; 10];
        assert_eq!(buffer.read(&mut read), 10);
        assert_eq!(read[..], text(300, 310));
        buffer.shrink();
        assert_eq!((buffer.allocated(), buffer.allocated_for_loans()), (0, 0));
    }
}
