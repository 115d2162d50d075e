//! Text in packets, as Linux keeps it: a queue of waiting packets, and one of those that have left and are
//! not acknowledged.
//!
//! A packet is a piece of the stream that leaves as one, and that the device cuts into segments. SEND fills
//! the last waiting packet, and begins others. When a packet is about to leave, it takes as much from the
//! next as it has room for, and what may not leave is cut off. The same happens when it leaves again. This
//! determines which segments have PSH: the last of a packet that is pushed (RFC 9293 §3.9.1.2). No packet
//! extends beyond the end of a record.

use core::ops::Range;
use std::collections::VecDeque;

use super::seq::Seq;

/// The most packets in each of the queues; any more text belongs to the last.
const MOST: usize = 4_096;

/// The memory that a packet takes besides its text, in octets: Linux's buffer of headers and descriptor,
/// on a 64-bit machine.
pub(super) const BESIDE_TEXT: usize = 832;

/// Nothing waits if more segments than this may leave, if no part of the window counts.
const FEW_SEGMENTS: usize = 3;

/// A packet begins where the one before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Packet {
    end: Seq,
    /// Its last segment has PSH.
    pushed: bool,
    /// A record ends with it.
    record: bool,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Packets {
    /// Packets that were let out, and are not acknowledged.
    sent: VecDeque<Packet>,
    /// Waiting packets.
    waiting: VecDeque<Packet>,
    /// Where the waiting packets begin.
    head: Seq,
    /// Up to where the user's text was pushed.
    pushed: Seq,
    /// The part of a packet that is leaving again and has not left yet.
    again: Range<Seq>,
    /// The longest text of a segment until this flight ends, because its first segment has carried SACK
    /// blocks.
    pub(super) limit: Option<usize>,
    /// Something has just been forced out: what follows does not try to leave.
    forced: bool,
    /// Something waited to leave when there was no room for more.
    bound: bool,
}

/// The conditions under which packets leave.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Octets of text in a segment with its SACK blocks, and in one without.
    pub(super) segment: usize,
    pub(super) mss: usize,
    /// How many segments may be in flight, and how many are.
    pub(super) window: usize,
    pub(super) in_flight: usize,
    /// The most segments of a packet.
    pub(super) most: usize,
    /// SND.WND, and where it ends.
    pub(super) wnd: usize,
    pub(super) edge: Seq,
    /// The last packet waits if it fills no segment.
    pub(super) holds_small: bool,
    /// A packet that may still grow waits for an acknowledgment that is due.
    pub(super) gathers: bool,
    /// But not if the window divided by this may leave; 0: if more than three segments may.
    pub(super) parts: usize,
    /// Urgent data is unacknowledged: segments leave alone.
    pub(super) urgent: bool,
    /// Our FIN belongs to the last packet.
    pub(super) fin: bool,
}

impl Terms {
    /// How many segments the next packet may have, so that at least two packets are in flight if two
    /// segments may be.
    fn quota(&self) -> usize {
        let room = self.window.saturating_sub(self.in_flight);
        room.min((self.window / 2).max(1)).min(self.most)
    }

    /// How many octets cwnd lets out.
    fn room(&self) -> usize {
        self.window.saturating_sub(self.in_flight) * self.mss
    }
}

/// The state of a SEND.
#[derive(Clone, Debug)]
pub(super) struct Giving {
    /// A packet is filled up to this many octets.
    pub(super) goal: usize,
    /// After this many octets, half of the largest window, there is a push.
    pub(super) half: usize,
    /// The memory that all packets take, and the most they may take before another begins.
    pub(super) memory: usize,
    pub(super) most_memory: usize,
    /// How much may wait before another packet begins.
    pub(super) most_waiting: usize,
    /// It is urgent, a part with more to follow, or ends a record.
    pub(super) urgent: bool,
    pub(super) part: bool,
    pub(super) record: bool,
    /// It is paced, and leaves packet by packet.
    pub(super) paced: bool,
    /// The user has more than was taken.
    pub(super) short: bool,
}

/// The first waiting packet, as it is about to leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Where it ends, with what it takes from the next.
    grown: Seq,
    /// Where it is cut, if it may leave.
    pub(super) end: Option<Seq>,
}

impl Look {
    /// A packet that ends at `end`.
    pub(super) fn at(end: Seq) -> Look {
        Look {
            grown: end,
            end: Some(end),
        }
    }
}

impl Packets {
    /// The first octet will lie at `start`.
    pub(super) fn new(start: Seq) -> Packets {
        Packets {
            sent: VecDeque::new(),
            waiting: VecDeque::new(),
            head: start,
            pushed: start,
            again: start..start,
            limit: None,
            forced: false,
            bound: false,
        }
    }

    /// A copy of the waiting packets, for a trial.
    pub(super) fn waiting(&self) -> Packets {
        Packets {
            waiting: self.waiting.clone(),
            again: self.again.clone(),
            sent: VecDeque::new(),
            ..*self
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.sent.len() + self.waiting.len()
    }

    /// Whether something waited to leave when there was no room for more.
    pub(super) fn is_bound(&self) -> bool {
        self.bound
    }

    /// Where the packets begin that were not let out.
    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// The user gives this many octets. Returns how many are taken.
    pub(super) fn give(&mut self, octets: usize, giving: &mut Giving, terms: &mut Terms) -> usize {
        let mut left = octets;
        while left > 0 {
            let room = match self.room_in_last(giving.goal) {
                0 if !giving.has_room(self.end() - self.head) => break,
                0 => {
                    self.begin();
                    giving.memory += BESIDE_TEXT;
                    giving.goal
                }
                room => room,
            };
            let len = room.min(left);
            let is_first = left == octets;
            if let Some(last) = self.waiting.back_mut() {
                last.end += len;
                last.pushed &= !is_first;
            }
            left -= len;
            giving.memory += len;
            if left > 0 && !giving.urgent {
                self.let_full_out(giving, terms);
            }
        }
        let taken = octets - left;
        if taken > 0 {
            self.end_giving(left > 0 || giving.short, giving, terms);
        }
        taken
    }

    /// The last packet is full, and more text follows.
    fn let_full_out(&mut self, giving: &mut Giving, terms: &mut Terms) {
        let is_forced = self.end() > self.pushed + giving.half;
        if is_forced {
            self.push();
            self.let_all_out(giving, terms);
        } else if self.waiting.len() == 1 {
            let at_once = Terms {
                gathers: false,
                ..terms.clone()
            };
            let look = self.look(&at_once);
            self.let_out_given(look, giving, terms);
        }
    }

    /// Everything that is taken has been given; `is_short`: the user has more.
    fn end_giving(&mut self, is_short: bool, giving: &mut Giving, terms: &mut Terms) {
        if is_short {
            self.bound = self.is_held(terms);
            self.push();
            self.let_all_out(giving, terms);
        } else if let Some(last) = self.waiting.back_mut() {
            last.record |= giving.record;
        }
        if !giving.part || self.end() > self.pushed + giving.half {
            self.push();
        }
    }

    /// Whether something waits, even if the last packet leaves like a full one.
    fn is_held(&self, terms: &Terms) -> bool {
        let at_once = Terms {
            gathers: false,
            ..terms.clone()
        };
        let leaves = || self.look(&at_once).is_some_and(|look| look.end.is_some());
        !self.waiting.is_empty() && (self.waiting.len() > 1 || !leaves())
    }

    fn let_all_out(&mut self, giving: &mut Giving, terms: &mut Terms) {
        while self.let_out_given(self.look(terms), giving, terms) {}
    }

    fn let_out_given(
        &mut self,
        look: Option<Look>,
        giving: &mut Giving,
        terms: &mut Terms,
    ) -> bool {
        let (before, count) = (self.head, self.count());
        let Some(look) = look else {
            return false;
        };
        self.let_out(look);
        let leaves = self.head > before;
        giving.memory = giving.memory + BESIDE_TEXT * self.count() - BESIDE_TEXT * count;
        if leaves && giving.paced {
            terms.window = 0;
        }
        terms.in_flight += (self.head - before).div_ceil(terms.segment);
        leaves
    }

    /// Where all text ends.
    fn end(&self) -> Seq {
        self.waiting.back().map_or(self.head, |last| last.end)
    }

    /// How many octets the last waiting packet lacks to have `goal` octets.
    fn room_in_last(&self, goal: usize) -> usize {
        let before = match self.waiting.len() {
            0 | 1 => self.head,
            count => self.waiting[count - 2].end,
        };
        match self.waiting.back() {
            Some(last) if !last.record => goal.saturating_sub(last.end - before),
            _ => 0,
        }
    }

    fn begin(&mut self) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(Packet {
                end: self.end(),
                pushed: false,
                record: false,
            });
        }
    }

    fn push(&mut self) {
        self.pushed = self.end();
        if let Some(last) = self.waiting.back_mut() {
            last.pushed = true;
        }
    }

    /// What happens to the first waiting packet; `None` while cwnd lets nothing out.
    pub(super) fn look(&self, terms: &Terms) -> Option<Look> {
        let (first, next) = (self.waiting.front()?, self.waiting.get(1));
        let quota = terms.quota();
        if quota == 0 {
            return None;
        }
        let takes = |next: &&Packet| !first.record && next.end > first.end;
        let grown = match next.filter(takes) {
            Some(next) => (self.head + quota * terms.segment)
                .min(next.end)
                .max(first.end),
            None => first.end,
        };
        let is_eaten = next.is_some_and(|next| next.end == grown);
        let is_last = self.waiting.len() == 1 + usize::from(is_eaten);
        let record = match next {
            Some(next) if is_eaten => next.record,
            _ => first.record,
        };
        let end = self.end_of(grown, is_last, record, quota, terms);
        Some(Look { grown, end })
    }

    /// Whether the first waiting packet waits because of the peer's window, and not of cwnd: less than its
    /// first segment fits, or it waits for the acknowledgment that will let out more.
    pub(super) fn is_bound_by_window(&self, terms: &Terms) -> bool {
        let Some(look) = self.look(terms).filter(|look| look.end.is_none()) else {
            return false;
        };
        let len = look.grown - self.head;
        let usable = terms.edge.saturating_since(self.head);
        match len > terms.segment && usable >= terms.segment {
            true => usable <= len.min(terms.room()),
            false => usable < len.min(terms.segment),
        }
    }

    /// Where to cut the first packet, which would end at `grown`; `None` if it waits.
    fn end_of(
        &self,
        grown: Seq,
        is_last: bool,
        record: bool,
        quota: usize,
        terms: &Terms,
    ) -> Option<Seq> {
        let (len, segment) = (grown - self.head, terms.segment);
        let usable = terms.edge.saturating_since(self.head);
        let fin = is_last && terms.fin;
        let first = match len > segment {
            true => segment,
            false => len + usize::from(fin),
        };
        if first > usable {
            return None;
        }
        if len <= segment {
            let waits = len < segment && is_last && terms.holds_small && !(fin || terms.urgent);
            return (!waits).then_some(grown);
        }
        if terms.gathers && self.waits_for_more(len, is_last, fin || record, terms) {
            return None;
        }
        if terms.urgent {
            return Some(self.head + segment);
        }
        let most = quota * segment;
        let may_leave = len.min(usable);
        Some(match most <= may_leave || (most <= usable && !is_last) {
            true => self.head + most.min(len),
            // Less than a segment at the end waits, as it would alone.
            false if terms.holds_small => self.head + may_leave / segment * segment,
            false => self.head + may_leave,
        })
    }

    /// Whether the first packet, of `len` octets, waits although a part of it could leave, because an
    /// acknowledgment is due that will let out more.
    fn waits_for_more(&self, len: usize, is_last: bool, is_closed: bool, terms: &Terms) -> bool {
        let usable = terms.edge.saturating_since(self.head);
        let room = terms.room();
        let limit = usable.min(room);
        let window = terms.wnd.min(terms.window * terms.mss);
        let is_much = match terms.parts {
            0 => limit > FEW_SEGMENTS * terms.mss,
            parts => limit >= window / parts,
        };
        if limit >= terms.most * terms.mss || (!is_last && limit >= len) || is_much {
            return false;
        }
        let lacks = if room < usable { room } else { usable };
        lacks <= len || !is_closed
    }

    /// Lets out the first waiting packet, as `look` says.
    pub(super) fn let_out(&mut self, look: Look) {
        self.grow(look);
        if let Some(end) = look.end {
            self.pass(end);
        }
    }

    /// The first waiting packet has tried to leave: it keeps what it has taken from the next.
    pub(super) fn grow(&mut self, look: Look) {
        let next = self.waiting.get(1).copied();
        let Some(first) = self.waiting.front_mut() else {
            return;
        };
        first.end = look.grown;
        if let Some(next) = next
            && next.end <= look.grown
        {
            (first.pushed, first.record) = (first.pushed | next.pushed, next.record);
            self.waiting.remove(1);
        }
    }

    /// Lets out everything before `place`, and only a part of a packet that ends behind it.
    pub(super) fn pass(&mut self, place: Seq) {
        while self.head < place
            && let Some(first) = self.waiting.front().copied()
        {
            let end = first.end.min(place);
            let packet = match end < first.end {
                true => Packet {
                    end,
                    pushed: false,
                    record: false,
                },
                false => {
                    self.waiting.pop_front();
                    first
                }
            };
            self.head = end;
            if self.sent.len() >= MOST {
                self.sent.pop_back();
            }
            self.sent.push_back(packet);
        }
    }

    /// The first waiting packet no longer waits, up to `place`, where it is pushed.
    pub(super) fn force(&mut self, place: Seq) {
        let end = self.waiting.front().map_or(place, |first| first.end);
        self.pushed = self.pushed.max(end);
        self.forced = true;
        self.pass(place);
        if let Some(last) = self.sent.back_mut() {
            last.pushed = true;
        }
    }

    /// Forgets what lies before `una`, which has arrived.
    pub(super) fn release(&mut self, una: Seq) {
        while self.sent.front().is_some_and(|packet| packet.end <= una) {
            self.sent.pop_front();
        }
    }

    /// The packet that holds the octet at `place`.
    fn holding(&self, place: Seq) -> Option<&Packet> {
        let after = |packets: &VecDeque<Packet>| packets.partition_point(|it| it.end <= place);
        match place < self.head {
            true => self.sent.get(after(&self.sent)),
            false => self.waiting.get(after(&self.waiting)),
        }
    }

    /// The end of the packet that holds the octet at `place`.
    pub(super) fn end_at(&self, place: Seq) -> Option<Seq> {
        self.holding(place).map(|packet| packet.end)
    }

    /// Whether a segment with the text of `range` has PSH: if it ends a pushed packet, or one of several
    /// segments of which the others have just left. What lies before `una` does not count.
    pub(super) fn is_pushed(&self, range: &Range<Seq>, una: Seq, segment: usize) -> bool {
        let is_many =
            || range.end - range.start > segment || self.start_at(range.start, una) < range.start;
        (self.holding(range.start))
            .is_some_and(|packet| packet.end <= range.end && (packet.pushed || is_many()))
    }

    /// The start of the packet that holds the octet at `place`, but not before `una`.
    pub(super) fn start_at(&self, place: Seq, una: Seq) -> Seq {
        let at = self.sent.partition_point(|it| it.end <= place);
        let before = at.checked_sub(1).and_then(|at| self.sent.get(at));
        before.map_or(una, |before| before.end.max(una))
    }

    /// The end of the packet of which a part, up to `start`, has just left again.
    pub(super) fn rest_again(&self, start: Seq) -> Option<Seq> {
        let is_rest = self.again.start == start && self.again.end > start;
        is_rest.then_some(self.again.end)
    }

    /// The end of a packet that leaves again from `start`. It is cut after `most` octets, or takes the
    /// packets that follow, as long as it remains one segment and they may leave, up to `end`.
    pub(super) fn end_again(
        &self,
        start: Seq,
        most: usize,
        segment: usize,
        end: Range<Seq>,
    ) -> Seq {
        if let Some(end) = self.rest_again(start) {
            return end;
        }
        let at = self.sent.partition_point(|it| it.end <= start);
        let mut packets = self.sent.range(at..);
        let Some(mut last) = packets.next() else {
            return end.start;
        };
        if last.end > end.start || last.end - start > most {
            return end.start.min(start + most);
        }
        for next in packets {
            let len = next.end - last.end;
            let fits = next.end <= end.end && next.end - start <= segment.min(most);
            if last.record || len > segment || !fits {
                break;
            }
            last = next;
        }
        last.end
    }

    /// The first segment of the packet of `range` leaves again, up to `left`, while everything from `una`
    /// on is in flight.
    pub(super) fn leave_again(&mut self, range: Range<Seq>, left: Seq, una: Seq) {
        if self.rest_again(range.start).is_none() {
            if range.start > una {
                self.cut(range.start);
            }
            self.cut(range.end);
            self.join(&range);
        }
        self.again = left..range.end.max(left);
    }

    /// Whether more of a packet that has partly left follows at once, with `una..nxt` in flight.
    pub(super) fn goes_on(&self, una: Seq, nxt: Seq) -> bool {
        let is_new = self.head > nxt && self.start_at(nxt, una) < nxt;
        is_new || !self.again.is_empty()
    }

    /// Nothing more leaves now. Returns whether the first waiting packet has tried to leave.
    pub(super) fn end_flight(&mut self) -> bool {
        self.limit = None;
        self.again = self.again.end..self.again.end;
        !core::mem::take(&mut self.forced)
    }

    /// Cuts a packet at `place`.
    fn cut(&mut self, place: Seq) {
        let at = self.sent.partition_point(|it| it.end < place);
        let is_within = self.sent.get(at).is_some_and(|it| it.end > place);
        if is_within && self.sent.len() < MOST {
            self.sent.insert(
                at,
                Packet {
                    end: place,
                    pushed: false,
                    record: false,
                },
            );
        }
    }

    /// Joins what lies in `range` into one packet.
    fn join(&mut self, range: &Range<Seq>) {
        let first = self.sent.partition_point(|it| it.end <= range.start);
        let last = self.sent.partition_point(|it| it.end < range.end);
        if first < last && last < self.sent.len() {
            let pushed = self.sent.range(first..last).any(|it| it.pushed);
            self.sent[last].pushed |= pushed;
            self.sent.drain(first..last);
        }
    }
}

impl Giving {
    /// Whether another packet may begin while this many octets wait.
    fn has_room(&self, waiting: usize) -> bool {
        self.memory < self.most_memory && waiting < self.most_waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(place: usize) -> Seq {
        Seq::initial(0) + place
    }

    /// Ten segments of 1,000 octets may be in flight, two as one, in a window of 30,000 octets.
    fn terms() -> Terms {
        Terms {
            segment: 1000,
            mss: 1000,
            window: 10,
            in_flight: 0,
            most: 2,
            wnd: 30_000,
            edge: at(30_000),
            holds_small: false,
            gathers: false,
            parts: 3,
            urgent: false,
            fin: false,
        }
    }

    fn giving(goal: usize) -> Giving {
        Giving {
            goal,
            half: 15_000,
            memory: 0,
            most_memory: 100_000,
            most_waiting: usize::MAX,
            urgent: false,
            part: false,
            record: false,
            paced: false,
            short: false,
        }
    }

    /// Gives this many octets while nothing may leave.
    fn wait(packets: &mut Packets, octets: usize, giving: &Giving) -> usize {
        let mut closed = Terms {
            window: 0,
            ..terms()
        };
        packets.give(octets, &mut giving.clone(), &mut closed)
    }

    /// Where packets end, and which are pushed.
    fn ends(packets: &VecDeque<Packet>) -> Vec<(usize, bool)> {
        let end = |packet: &Packet| (packet.end - at(0), packet.pushed);
        packets.iter().map(end).collect()
    }

    #[test]
    fn a_send_fills_the_last_packet_and_takes_its_push() {
        let mut packets = Packets::new(at(0));
        wait(&mut packets, 1500, &giving(4000));
        assert_eq!(ends(&packets.waiting), [(1500, true)]);
        wait(&mut packets, 6000, &giving(4000));
        assert_eq!(ends(&packets.waiting), [(4000, false), (7500, true)]);
    }

    #[test]
    fn nothing_joins_a_record_that_has_ended() {
        let mut packets = Packets::new(at(0));
        let record = Giving {
            record: true,
            ..giving(4000)
        };
        wait(&mut packets, 1500, &record);
        wait(&mut packets, 500, &giving(4000));
        assert_eq!(ends(&packets.waiting), [(1500, true), (2000, true)]);
        let look = packets.look(&terms()).unwrap();
        assert_eq!((look.grown, look.end), (at(1500), Some(at(1500))));
    }

    #[test]
    fn the_last_of_several_segments_is_pushed() {
        let mut packets = Packets::new(at(0));
        wait(&mut packets, 2500, &giving(4000));
        let look = packets.look(&terms()).unwrap();
        assert_eq!(look.end, Some(at(2000)), "two are one packet");
        packets.let_out(look);
        assert_eq!(ends(&packets.sent), [(2000, false)]);
        assert_eq!(ends(&packets.waiting), [(2500, true)]);
        let is_pushed = |range: Range<usize>, una| {
            packets.is_pushed(&(at(range.start)..at(range.end)), at(una), 1000)
        };
        assert!(!is_pushed(0..1000, 0));
        assert!(is_pushed(1000..2000, 0));
        assert!(is_pushed(0..2000, 0), "both at once");
        assert!(!is_pushed(1000..2000, 1000), "when it leaves again, alone");
    }

    /// The first packet, of 500 octets, takes what it has room for, and keeps it even if it may not leave.
    #[test]
    fn what_is_about_to_leave_takes_from_the_next() {
        let mut packets = Packets::new(at(0));
        wait(&mut packets, 500, &giving(500));
        packets.begin();
        wait(&mut packets, 4000, &giving(4000));
        assert_eq!(ends(&packets.waiting), [(500, true), (4500, true)]);
        let narrow = Terms {
            edge: at(999),
            ..terms()
        };
        let look = packets.look(&narrow).unwrap();
        assert_eq!((look.grown, look.end), (at(2000), None));
        packets.grow(look);
        assert_eq!(ends(&packets.waiting), [(2000, true), (4500, true)]);
    }

    #[test]
    fn a_packet_is_cut_at_the_window_of_the_peer_and_at_full_segments() {
        let mut packets = Packets::new(at(0));
        wait(&mut packets, 4000, &giving(4000));
        let end = |terms| packets.look(&terms).and_then(|look| look.end);
        let (most, edge) = (4, at(2500));
        assert_eq!(end(Terms { most, ..terms() }), Some(at(4000)));
        let cut = Terms {
            most,
            edge,
            ..terms()
        };
        assert_eq!(end(cut.clone()), Some(at(2500)));
        let held = Terms {
            holds_small: true,
            ..cut
        };
        assert_eq!(end(held), Some(at(2000)), "a small one is in flight");
        let half = Terms {
            window: 4,
            most,
            ..terms()
        };
        assert_eq!(end(half), Some(at(2000)), "half of cwnd");
    }

    /// Three of ten segments may leave, and the acknowledgment of the others is due.
    #[test]
    fn a_packet_waits_for_a_third_of_the_window() {
        let mut packets = Packets::new(at(0));
        wait(&mut packets, 4000, &giving(4000));
        let end = |in_flight| {
            let terms = Terms {
                gathers: true,
                most: 5,
                in_flight,
                ..terms()
            };
            packets.look(&terms).and_then(|look| look.end)
        };
        assert_eq!(end(7), None);
        assert_eq!(end(6), Some(at(4000)));
    }

    #[test]
    fn a_send_that_is_longer_than_a_packet_lets_it_out() {
        let mut packets = Packets::new(at(0));
        let taken = packets.give(9000, &mut giving(4000), &mut terms());
        assert_eq!(taken, 9000);
        let two = [(2000, false), (4000, false), (6000, false)];
        assert_eq!(ends(&packets.sent), two, "what was left was filled up");
        assert_eq!(ends(&packets.waiting), [(9000, true)]);
    }

    #[test]
    fn a_send_takes_what_packets_have_room_for() {
        let mut packets = Packets::new(at(0));
        let little = Giving {
            most_memory: 5000,
            ..giving(4000)
        };
        assert_eq!(wait(&mut packets, 20_000, &little), 8000);
        let memory = 8000 + 2 * BESIDE_TEXT;
        let full = Giving { memory, ..little };
        assert_eq!(wait(&mut packets, 20_000, &full), 0);
    }

    /// Three packets of 300 octets, and one of 3,000.
    fn four() -> Packets {
        let mut packets = Packets::new(at(0));
        for end in [300, 600, 900, 3900] {
            packets.waiting.push_back(Packet {
                end: at(end),
                pushed: end == 600,
                record: false,
            });
        }
        packets.pass(at(3900));
        packets
    }

    #[test]
    fn what_leaves_again_takes_neighbours_or_is_cut() {
        let mut packets = four();
        let end = |packets: &Packets, start, most, unsacked| {
            packets.end_again(at(start), most, 1000, at(3900)..at(unsacked)) - at(0)
        };
        assert_eq!(end(&packets, 0, 2000, 3900), 900, "one segment");
        assert_eq!(end(&packets, 0, 2000, 700), 600, "the third has arrived");
        assert_eq!(end(&packets, 900, 2000, 3900), 2900, "two segments");
        packets.leave_again(at(0)..at(900), at(900), at(0));
        assert_eq!(ends(&packets.sent), [(900, true), (3900, false)]);
        packets.leave_again(at(900)..at(2900), at(1900), at(0));
        assert_eq!(packets.rest_again(at(1900)), Some(at(2900)));
        packets.leave_again(at(1900)..at(2900), at(2900), at(0));
        assert_eq!(packets.rest_again(at(2900)), None);
        let all = [(900, true), (2900, false), (3900, false)];
        assert_eq!(ends(&packets.sent), all);
    }

    #[test]
    fn what_arrives_is_forgotten() {
        let mut packets = four();
        packets.release(at(700));
        assert_eq!(ends(&packets.sent), [(900, false), (3900, false)]);
        assert_eq!(packets.start_at(at(800), at(700)), at(700));
        assert_eq!(packets.start_at(at(1000), at(700)), at(900));
    }

    /// However small the packets are.
    #[test]
    fn queues_are_bounded() {
        let mut packets = Packets::new(at(0));
        let endless = Giving {
            most_memory: usize::MAX,
            ..giving(1)
        };
        assert_eq!(wait(&mut packets, MOST + 10, &endless), MOST + 10);
        assert_eq!(packets.count(), MOST);
        packets.pass(at(MOST + 10));
        assert_eq!((packets.count(), packets.head()), (MOST, at(MOST + 10)));
        for place in 0..10 {
            let end = at(place * 7 + 3);
            packets.leave_again(at(place * 7)..end, end, at(0));
        }
        assert!(packets.count() <= MOST);
    }
}
