//! The memory that received packets take, and the window that follows from it, as in Linux: see
//! [`ReceiveRoom::Packets`](crate::config::ReceiveRoom).
//!
//! Memory is bounded, and how much text fits into it is estimated from what has arrived: the share of text
//! in the packet of the longest segment so far is assumed for the free memory. The window is that much
//! text, but no more than a threshold, which starts with the first window and grows with what arrives as
//! long as there is room.

mod growth;
mod packet;

use core::ops::Range;
use std::collections::VecDeque;

use super::packet_memory::{PAGE, TRAILER};
use super::receive_rounds::Rounds;
use super::seq::Seq;
use crate::time::Instant;

use growth::LEAST_GROWTH;
use packet::Came;
pub(super) use packet::Packet;

/// A buffer into which others are copied together: a page less the trailer.
const COLLAPSED: usize = PAGE - TRAILER;
/// The least memory for which a user may ask.
pub(super) const LEAST_LIMIT: usize = 2304;
/// The assumed text of segments before any has arrived: 536 octets, and never less than 88.
const FIRST_SEGMENTS: Range<usize> = 88..536;

/// What a connection starts with.
pub(super) struct Terms {
    /// Octets of memory.
    pub(super) limit: usize,
    /// The user has asked for that size.
    pub(super) is_fixed: bool,
    /// A scaled window may shrink.
    pub(super) may_shrink: bool,
    /// Otherwise the memory may grow up to this.
    pub(super) largest: usize,
    /// The first window, and where it begins.
    pub(super) window: usize,
    pub(super) start: Seq,
    /// The largest window, by the user's limit or by the field.
    pub(super) most: usize,
    /// The longest text of a segment of ours.
    pub(super) segment: usize,
    /// The longest text of a segment of the peer, as far as is known.
    pub(super) peer_segment: usize,
}

/// What has just arrived.
pub(super) struct Arrival {
    pub(super) packet: Packet,
    /// Octets of text in one segment, if several arrived as one.
    pub(super) mss: usize,
    /// Octets of options on every segment.
    pub(super) options: usize,
    pub(super) is_pushed: bool,
    /// The window that was last advertised.
    pub(super) told: usize,
}

/// The memory of the packets of a connection, and the window that follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ReceiveMemory {
    /// What the packets may take together, in octets.
    limit: usize,
    /// The user has asked for that size.
    is_fixed: bool,
    /// A scaled window may shrink.
    may_shrink: bool,
    /// Otherwise the memory may grow up to this.
    largest: usize,
    /// What the packets take.
    taken: usize,
    /// What is left of the pages set aside for them: as long as the next packet fits, the limit is not
    /// checked.
    reserve: usize,
    /// How many of 256 octets of memory are text.
    ratio: usize,
    /// The upper bound of windows.
    clamp: usize,
    /// The present upper bound of windows.
    threshold: usize,
    /// The longest text of a segment of ours.
    own_segment: usize,
    /// Octets of text in the peer's segments.
    segment: usize,
    /// Set if the last segment carried less: two that carry the same show that all do.
    shorter: usize,
    /// Packets in order and unread.
    queue: VecDeque<Packet>,
    /// Packets beyond gaps, in the order of their text.
    ahead: Vec<Packet>,
    /// The right edge of the last window, which may be larger than its field could express.
    edge: Seq,
    /// The threshold has grown since the last [`ReceiveMemory::take_growth`].
    has_grown: bool,
    /// The last segment found no room, and a closed window is advertised.
    refuses: bool,
    /// When the text that was read last arrived.
    read: Came,
    /// Round trips, and what is read in them.
    pub(super) rounds: Rounds,
}

impl ReceiveMemory {
    pub(super) fn new(terms: &Terms) -> ReceiveMemory {
        let Terms { segment, .. } = *terms;
        let full = terms.limit / 2;
        let mut clamp = terms.most.min(full);
        // Leaves room for a segment.
        if clamp > 2 * segment && clamp + segment > full {
            clamp = (full.saturating_sub(segment)).max(2 * segment);
        }
        let mut memory = ReceiveMemory {
            limit: terms.limit,
            is_fixed: terms.is_fixed,
            may_shrink: terms.may_shrink,
            largest: terms.largest,
            taken: 0,
            reserve: 0,
            ratio: 128,
            clamp,
            threshold: terms.window.min(clamp),
            own_segment: segment,
            segment: 0,
            shorter: 0,
            queue: VecDeque::new(),
            ahead: Vec::new(),
            edge: terms.start + terms.window,
            has_grown: false,
            refuses: false,
            read: Came(Instant::ZERO),
            rounds: Rounds::new(terms.start, 0),
        };
        memory.expect_segments(terms.peer_segment, terms.window);
        memory
    }

    /// How much text is expected in this much memory.
    fn text_in(&self, memory: usize) -> usize {
        (memory * self.ratio) >> 8
    }

    /// How much text is expected in the free memory.
    fn free(&self) -> usize {
        self.text_in(self.limit.saturating_sub(self.taken))
    }

    /// The largest possible window.
    pub(super) fn largest_window(&self) -> usize {
        self.clamp.min(self.text_in(self.limit))
    }

    /// What packets may take together, in octets.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// What the packets take.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// The upper bound of windows.
    pub(super) fn clamp(&self) -> usize {
        self.clamp
    }

    /// The present upper bound of windows.
    pub(super) fn threshold(&self) -> usize {
        self.threshold
    }

    /// Octets on the heap, its own included.
    pub(super) fn allocated(&self) -> usize {
        let packets = self.queue.capacity() + self.ahead.capacity();
        size_of::<ReceiveMemory>() + packets * size_of::<Packet>()
    }

    /// The end of what was just read, up to `place`, but at most the end of the first packet.
    pub(super) fn first_read(&self, place: Seq) -> Option<Seq> {
        let first = self.queue.front()?;
        (first.text.start < place).then(|| first.text.end.min(place))
    }

    /// The right edge of the last window.
    pub(super) fn edge(&self) -> Seq {
        self.edge
    }

    /// This many octets have arrived with the SYN, and the first window begins behind them.
    pub(super) fn begin_behind(&mut self, octets: usize) {
        self.edge += octets;
    }

    /// Sets what the peer's segments are expected to carry, now that the handshake is over: `peer_segment`
    /// is what ours carry.
    pub(super) fn expect_segments(&mut self, peer_segment: usize, window: usize) {
        let known = self.own_segment.min(peer_segment).min(window / 2);
        self.segment = known.clamp(FIRST_SEGMENTS.start, FIRST_SEGMENTS.end);
    }

    /// A window that ends at `edge` has been advertised; a closed one, if text was refused.
    pub(super) fn on_told(&mut self, edge: Seq) {
        self.edge = match self.may_shrink || self.refuses {
            true => edge,
            false => self.edge.max(edge),
        };
    }

    /// Whether a window in units of `unit` may shrink.
    pub(super) fn may_shrink(&self, unit: usize) -> bool {
        self.may_shrink && unit > 1
    }

    /// Whether a closed window is advertised for lack of memory.
    pub(super) fn refuses(&self) -> bool {
        self.refuses
    }

    /// Refuses the next text in order, although the window had room for it; but not if nothing else waits
    /// to be read.
    pub(super) fn refuse(&mut self) -> bool {
        self.refuses = !self.queue.is_empty();
        self.refuses
    }

    /// Octets of text in the peer's segments.
    pub(super) fn segment(&self) -> usize {
        self.segment
    }

    /// Whether the threshold has grown since the last call.
    pub(super) fn take_growth(&mut self) -> bool {
        core::mem::take(&mut self.has_grown)
    }

    /// Whether a window can be advertised that is at least twice as large as what is `left` of the last
    /// one, of `told` octets.
    pub(super) fn has_doubled(&self, left: usize, told: usize, unit: usize) -> bool {
        let window = self.window(told, unit);
        2 * left <= self.clamp && window > 0 && window >= 2 * left
    }

    /// The user has asked for this many octets of memory.
    pub(super) fn fix(&mut self, limit: usize) {
        (self.limit, self.is_fixed) = (limit.max(LEAST_LIMIT), true);
    }

    /// Raises the memory to what `window` will take, plus as much as the text beyond gaps extends beyond
    /// `nxt`.
    pub(super) fn widen(&mut self, window: usize, nxt: Seq) {
        let end = self.ahead.last().map_or(nxt, |last| last.text.end);
        let window = (window.saturating_add(end.saturating_since(nxt))).min(self.largest);
        let limit = ((window << 8) / self.ratio.max(1)).min(self.largest);
        if limit > self.limit && !self.is_fixed {
            self.limit = limit;
            self.clamp = self.text_in(limit);
        }
    }

    /// Whether less than half of the largest window is free.
    pub(super) fn is_short(&self) -> bool {
        self.free() < self.largest_window() / 2
    }

    /// The window to advertise, if the last one had `told` octets, in units of `unit`.
    pub(super) fn window(&self, told: usize, unit: usize) -> usize {
        let (allowed, full) = (self.text_in(self.limit), self.largest_window());
        let segment = self.segment.min(full);
        let mut free = self.free();
        if self.may_shrink(unit) {
            free = free / unit * unit;
        }
        if free < full / 2 {
            free = free / unit * unit;
            if free < allowed / 16 || free < segment {
                return 0;
            }
        }
        let free = free.min(self.threshold);
        if segment == 0 {
            0
        } else if unit > 1 {
            free.next_multiple_of(unit)
        } else if told + segment <= free || told > free {
            free / segment * segment
        } else if segment == full && free > told + full / 2 {
            free
        } else {
            told
        }
    }

    /// Bounds windows by `clamp`, after one of `told` octets.
    pub(super) fn set_clamp(&mut self, clamp: usize, told: usize) {
        let clamp = clamp.max(LEAST_LIMIT / 2);
        self.threshold = match clamp < self.clamp {
            true => self.threshold.min(clamp),
            false if clamp > self.clamp => self.threshold.max(told.min(clamp)),
            false => self.threshold,
        };
        self.clamp = clamp;
    }

    /// Whether there is room for a packet; `is_next`: it is next in order.
    pub(super) fn has_room(&self, packet: &Packet, is_next: bool) -> bool {
        let is_expected = is_next && self.ahead.is_empty();
        self.taken <= self.limit || (is_expected && packet.memory <= self.reserve)
    }

    /// Makes room, if possible.
    pub(super) fn make_room(&mut self) -> bool {
        if !self.is_fixed {
            self.limit = self.limit.max(self.taken.min(self.largest));
        }
        if self.taken > self.limit {
            self.threshold = self.clamp.min(2 * self.own_segment);
        }
        self.collapse();
        self.has_room_left()
    }

    /// Drops packets beyond `at` to make room for one that starts there, the last first, checking for room
    /// each time that an eighth of the limit is freed. Returns where the remaining ones end, if any was
    /// dropped; `next`: where the text in order ends.
    pub(super) fn prune(&mut self, at: Seq, next: Seq) -> Option<Seq> {
        let portion = self.limit / 8;
        let (mut freed, mut is_pruned) = (0, false);
        while let Some(last) = self.ahead.pop_if(|last| last.text.start >= at) {
            is_pruned = true;
            freed += last.memory;
            self.give_back(last.memory);
            if freed >= portion || self.ahead.is_empty() {
                if self.has_room_left() {
                    break;
                }
                freed = 0;
            }
        }
        let ends = self.ahead.iter().map(|packet| packet.text.end);
        is_pruned.then(|| ends.max().unwrap_or(next))
    }

    /// Forgets packets beyond gaps from `place` on, which were not kept.
    pub(super) fn forget_from(&mut self, place: Seq) {
        while let Some(last) = self.ahead.pop_if(|last| last.text.start >= place) {
            self.give_back(last.memory);
        }
    }

    /// Whether the packets take no more than they may.
    pub(super) fn has_room_left(&self) -> bool {
        self.taken <= self.limit
    }

    /// Charges for a packet with this much memory.
    fn charge(&mut self, memory: usize) {
        self.set_aside(memory);
        self.reserve -= memory;
        self.taken += memory;
    }

    /// Sets pages aside for this much memory.
    fn set_aside(&mut self, memory: usize) {
        self.reserve += memory.saturating_sub(self.reserve).next_multiple_of(PAGE);
    }

    /// Takes back the charge of a packet, and gives whole pages back.
    fn give_back(&mut self, memory: usize) {
        self.taken -= memory;
        self.reserve = (self.reserve + memory) % PAGE;
    }

    /// Copies text together, from the first packet with an unusual share of memory on.
    fn collapse(&mut self) {
        let is_bloated = |packet: &Packet| self.text_in(packet.memory) > packet.len();
        let Some(first) = self.queue.iter().position(is_bloated) else {
            return;
        };
        let old: Vec<Packet> = self.queue.drain(first..).collect();
        self.give_back(old.iter().map(|packet| packet.memory).sum());
        let last = &old[old.len() - 1];
        let (start, end, came) = (old[0].text.start, last.text.end, last.came.0);
        let mut at = start;
        while at < end {
            let to = end.min(at + COLLAPSED);
            let packet = Packet::in_buffer(at..to, 0).at(came);
            self.charge(packet.memory);
            self.queue.push_back(packet);
            at = to;
        }
    }

    /// Text has arrived, either at `next`, the next expected place, or beyond a gap.
    pub(super) fn take(&mut self, arrival: &Arrival, next: Seq, sack: bool) {
        let packet = &arrival.packet;
        self.refuses = false;
        self.set_aside(packet.memory);
        if packet.text.start <= next {
            self.append(packet.clone());
            self.measure(arrival);
            if packet.len() >= LEAST_GROWTH {
                self.grow(packet);
            }
        } else {
            let is_held = self.hold(packet.clone());
            self.measure(arrival);
            // Without SACK, all acknowledgments beyond a gap have to be the same.
            if sack && is_held {
                self.grow(packet);
            }
        }
    }

    pub(super) fn append(&mut self, packet: Packet) {
        let joined = (self.queue.back_mut()).is_some_and(|last| last.joins(&packet));
        if !joined {
            self.charge(packet.memory);
            self.queue.push_back(packet);
        }
    }

    /// Holds a packet. Returns whether anything in it is new.
    fn hold(&mut self, packet: Packet) -> bool {
        let at = (self.ahead).partition_point(|held| held.text.start <= packet.text.start);
        if at > 0 {
            let before = &mut self.ahead[at - 1];
            if packet.text.end <= before.text.end {
                return false;
            }
            if before.joins(&packet) {
                return true;
            }
        }
        let covered = self.ahead[at..]
            .iter()
            .take_while(|held| held.text.end <= packet.text.end)
            .count();
        let dropped = self.ahead.drain(at..at + covered);
        let dropped = dropped.map(|held| held.memory).sum();
        self.give_back(dropped);
        self.charge(packet.memory);
        self.ahead.insert(at, packet);
        true
    }

    /// Packets beyond a gap are now in order up to `next`.
    pub(super) fn move_up(&mut self, next: Seq) {
        let count = (self.ahead).partition_point(|held| held.text.start < next);
        let up: Vec<Packet> = self.ahead.drain(..count).collect();
        for packet in up {
            self.give_back(packet.memory);
            let end = self.queue.back().map(|last| last.text.end);
            if end.is_none_or(|end| packet.text.end > end) {
                self.append(packet);
            }
        }
    }

    /// Frees what has been read, up to `place`.
    pub(super) fn read_to(&mut self, place: Seq) {
        while let Some(packet) = self.queue.front().filter(|it| it.text.start < place) {
            self.read = packet.came;
            if packet.text.end > place {
                return;
            }
            let memory = packet.memory;
            self.queue.pop_front();
            self.give_back(memory);
            self.refuses = false;
        }
    }

    /// When the octet at `place`, which is in order, arrived.
    pub(super) fn came(&self, place: Seq) -> Instant {
        let packet = self.queue.iter().find(|packet| packet.text.end > place);
        packet.map_or(self.read.0, |packet| packet.came.0)
    }

    /// When the text that was read last arrived.
    pub(super) fn read_came(&self) -> Instant {
        self.read.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The memory of a packet from a TUN device, as Linux 6.18 reports it.
    #[test]
    fn a_packet_takes_its_buffer_and_what_describes_it() {
        let table = [
            (1, 832),
            (128, 832),
            (152, 832),
            (153, 1280),
            (600, 1280),
            (601, 2304),
            (1624, 2304),
            (1625, 4352),
            (3672, 4352),
            (3673, 8448),
            (5000, 8448),
            (8000, 12_544),
            (16_000, 20_736),
            (32_000, 33_024),
            (60_000, 61_696),
        ];
        let start = Seq::initial(0);
        for (len, memory) in table {
            let packet = Packet::new(start..start + len, 40);
            assert_eq!(packet.memory, memory, "{len}");
        }
    }

    fn terms() -> Terms {
        Terms {
            limit: 40_000,
            is_fixed: true,
            may_shrink: false,
            largest: 15 << 20,
            window: 18_980,
            start: Seq::initial(0),
            most: usize::MAX,
            segment: 1460,
            peer_segment: 1460,
        }
    }

    fn memory() -> ReceiveMemory {
        ReceiveMemory::new(&terms())
    }

    /// The next segments arrive, each of `len` octets. Returns what each adds to the memory taken.
    fn arrive(memory: &mut ReceiveMemory, count: usize, len: usize) -> Vec<usize> {
        let mut at = memory
            .queue
            .back()
            .map_or(Seq::initial(0), |last| last.text.end);
        let mut added = Vec::new();
        for _ in 0..count {
            let before = memory.taken;
            let arrival = Arrival {
                packet: Packet::new(at..at + len, 40),
                mss: len,
                options: 0,
                is_pushed: true,
                told: 18_980,
            };
            memory.take(&arrival, at, true);
            at += len;
            added.push(memory.taken - before);
        }
        added
    }

    #[test]
    fn small_texts_share_a_buffer() {
        let mut memory = memory();
        let added = arrive(&mut memory, 31, 10);
        let begun: Vec<usize> = (0..31).filter(|at| added[*at] > 0).collect();
        assert_eq!(begun, [0, 15, 30]);
        assert_eq!(arrive(&mut memory, 3, 100), [0, 832, 832]);
    }

    #[test]
    fn the_longest_segment_says_how_much_is_text() {
        let mut memory = memory();
        assert_eq!((memory.clamp, memory.threshold), (18_540, 18_540));
        arrive(&mut memory, 1, 1460);
        // 162 of 256.
        assert_eq!((memory.clamp, memory.threshold), (25_312, 21_900));
        assert_eq!(memory.window(18_980, 1), 21_900);
        arrive(&mut memory, 1, 1460);
        assert_eq!(memory.threshold, 22_396);
    }

    #[test]
    fn what_is_read_takes_nothing() {
        let mut memory = memory();
        arrive(&mut memory, 2, 1000);
        memory.read_to(Seq::initial(1999));
        assert_eq!(memory.taken, 2304);
        memory.read_to(Seq::initial(2000));
        assert_eq!(memory.taken, 0);
    }

    #[test]
    fn packets_beyond_gaps_give_way_from_the_last_on() {
        let mut memory = memory();
        let start = Seq::initial(0);
        for place in (2000..=36_000).step_by(2000) {
            memory.hold(Packet::new(start + place..start + place + 1000, 40));
        }
        assert_eq!(memory.taken, 18 * 2304);
        // An eighth of 40,000 octets is more than two packets take.
        assert_eq!(memory.prune(start, start), Some(start + 31_000));
        assert_eq!(memory.taken, 15 * 2304);
        assert_eq!(memory.prune(start + 31_000, start), None);
        memory.limit = 2304;
        assert_eq!(memory.prune(start + 3000, start), Some(start + 3000));
        assert_eq!(memory.taken, 2304);
    }

    #[test]
    fn text_beyond_a_gap_moves_up() {
        let mut memory = memory();
        let start = Seq::initial(0);
        let hold = |memory: &mut ReceiveMemory, range: Range<usize>| {
            memory.hold(Packet::new(start + range.start..start + range.end, 40));
            memory.taken
        };
        assert_eq!(hold(&mut memory, 1000..2000), 2304);
        assert_eq!(hold(&mut memory, 3000..3100), 3136);
        // There is room behind the first.
        assert_eq!(hold(&mut memory, 2000..2100), 3136);
        assert_eq!(hold(&mut memory, 1200..1300), 3136);
        assert_eq!(hold(&mut memory, 2900..3200), 3584);
        arrive(&mut memory, 1, 1000);
        memory.move_up(start + 2100);
        assert_eq!((memory.queue.len(), memory.ahead.len()), (2, 1));
        assert_eq!(memory.taken, 2304 + 3584);
    }

    /// As Linux 6.18 does it: the limit is not checked before the pages are used up.
    #[test]
    fn small_packets_are_copied_together_before_any_is_refused() {
        let mut memory = ReceiveMemory::new(&Terms {
            limit: 10_000,
            window: 4380,
            ..terms()
        });
        let mut at = Seq::initial(0);
        let mut next = |memory: &mut ReceiveMemory| {
            let packet = Packet::new(at..at + 100, 40);
            if !memory.has_room(&packet, true) {
                assert!(memory.make_room());
            }
            at += 100;
            arrive(memory, 1, 100);
            (memory.taken, memory.reserve)
        };
        let taken: Vec<_> = (0..30).map(|_| next(&mut memory)).collect();
        assert_eq!(taken[4], (4160, 4032));
        assert_eq!(taken[13..15], [(11_648, 640), (2304, 1792)]);
        assert_eq!(taken[28..], [(12_288, 0), (4608, 3584)]);
        assert_eq!(memory.threshold, 2920);
    }
}
