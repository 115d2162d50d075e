//! Boundaries in the stream that the user has set: pushes (RFC 9293 §3.9.1.2), and ends of records,
//! across which no segment extends.

use core::ops::Range;
use std::collections::VecDeque;

use super::plan::Plan;
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::Push;
use crate::time::Duration;

/// The most pushes, and the most records, that are remembered: of more pushes the oldest are
/// forgotten, and a record more does not count as one.
const MOST: usize = 4_096;

/// The most text that leaves a queue as one.
pub(super) const LARGEST_BURST: usize = 65_536;

/// The places that are not acknowledged yet; nothing, as long as nobody has marked any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Boundaries(Option<Box<Places>>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Places {
    /// With [`Push::SendEnd`]: where segments that carry PSH end.
    pushed: VecDeque<Seq>,
    /// Where records end.
    records: VecDeque<Seq>,
    /// With [`Push::SendEnd`]: where pushes are that left as soon as they were given, so that nothing joins what ends
    /// there.
    left_at_once: VecDeque<Seq>,
    /// With [`Push::SendEnd`]: where the last burst of text begins, and where the last push was.
    last: Option<(Seq, Seq)>,
    /// With [`Push::SendEnd`]: how many segments have left together that others may follow at once.
    together: usize,
    /// With [`Push::SendEnd`]: where they end, if the segment that leaves now is their last.
    together_end: Option<Seq>,
    /// With [`Push::SendEnd`]: where what has left together ends. What is sent again is no more together.
    groups: VecDeque<Seq>,
    /// With [`Push::SendEnd`]: where the segment ends that was sent again last, until something new leaves.
    again: Option<Seq>,
    /// With [`Push::SendEnd`]: what leaves until nothing more does is no longer than the first of it was beside what it
    /// reported. `None`: it reported nothing.
    limit: Option<usize>,
    /// With [`Push::SendEnd`]: a SEND has just given more than the windows take after its last push, and so nothing of
    /// it waits to leave together with more.
    is_pushing: bool,
}

impl Boundaries {
    /// What lies before `una` has arrived.
    #[inline]
    pub(super) fn release(&mut self, una: Seq) {
        let Some(marked) = &mut self.0 else {
            return;
        };
        for places in [
            &mut marked.pushed,
            &mut marked.records,
            &mut marked.left_at_once,
            &mut marked.groups,
        ] {
            while places.front().is_some_and(|place| *place <= una) {
                places.pop_front();
            }
        }
    }

    /// Segments have left together, and others may follow.
    pub(super) fn leaves_together(&self) -> bool {
        self.0.as_ref().is_some_and(|marked| marked.together > 0)
    }

    /// How many times several segments, or one alone, have left as one packet, and are not acknowledged.
    pub(super) fn groups(&self) -> usize {
        self.0.as_ref().map_or(0, |marked| marked.groups.len())
    }

    /// The longest text of what leaves now, if something before it has reported something.
    #[inline(always)]
    pub(super) fn limit(&self) -> Option<usize> {
        self.0.as_ref()?.limit
    }

    /// Nothing more leaves now.
    #[inline(always)]
    pub(super) fn end_flight(&mut self) {
        if let Some(marked) = &mut self.0 {
            (marked.limit, marked.is_pushing) = (None, false);
        }
    }

    /// A SEND was pushed before its end, and not all of it has left that may.
    pub(super) fn is_pushing(&self) -> bool {
        self.0.as_ref().is_some_and(|marked| marked.is_pushing)
    }

    fn marked(&mut self) -> &mut Places {
        self.0.get_or_insert_default()
    }
}

impl Places {
    fn push(&mut self, place: Seq) -> Seq {
        if self.pushed.len() == MOST {
            self.pushed.pop_front();
        }
        self.pushed.push_back(place);
        place
    }

    /// New text has left, this many segments up to `nxt`. Of those that leave together, `most` are one
    /// packet for the device.
    fn join(&mut self, segments: usize, nxt: Seq, most: usize) {
        self.together = match self.again.take() {
            Some(_) => segments,
            None => self.together + segments,
        };
        let ends = |places: &VecDeque<Seq>| places.binary_search(&nxt).is_ok();
        if self.together >= most || ends(&self.records) || ends(&self.left_at_once) {
            self.group(nxt, false, false);
        }
    }

    /// New text has left, up to `nxt`; `goes_on`: other segments follow at once; `is_joined`: or would, but for the
    /// peer's window, and have joined it.
    fn group(&mut self, nxt: Seq, goes_on: bool, is_joined: bool) {
        let (together, ended) = (self.together, !goes_on);
        if !ended || is_joined {
            // What joins it takes its push away.
            let begin = self.groups.back().copied();
            let at = (self.pushed).partition_point(|place| Some(*place) <= begin);
            while self.pushed.get(at).is_some_and(|place| *place <= nxt) {
                self.pushed.remove(at);
            }
        }
        self.close_group(together, nxt, ended);
    }

    /// A segment has left again. What has left together before may do so again.
    fn group_again(&mut self, range: &Range<Seq>, goes_on: bool, most: usize) {
        let joins = self.again == Some(range.start) && !self.ends_group(range.start);
        let together = if joins { self.together + 1 } else { 1 };
        let ended = !goes_on || together >= most || self.ends_group(range.end);
        self.again = Some(range.end);
        self.close_group(together, range.end, ended);
    }

    /// This many segments have left together, up to `end`, and others join them unless they have `ended`.
    fn close_group(&mut self, together: usize, end: Seq, ended: bool) {
        self.together = if ended { 0 } else { together };
        self.together_end = (ended && together > 1).then_some(end);
        if ended {
            self.end_group(end);
        }
    }

    fn ends_group(&self, place: Seq) -> bool {
        self.groups.binary_search(&place).is_ok()
    }

    fn end_group(&mut self, place: Seq) {
        if let Err(at) = self.groups.binary_search(&place)
            && self.groups.len() < MOST
        {
            self.groups.insert(at, place);
        }
    }
}

/// How many segments Linux gives to its device as one packet: what the pacing rate, in octets a
/// second, lets out in a 1,024th of it, more if the path is short, and not less than `least`.
fn most_together(rate: u64, min_rtt: Option<Duration>, mss: usize, least: u32) -> usize {
    let largest = LARGEST_BURST as u64;
    let halvings = min_rtt.map_or(0, |rtt| rtt.as_micros() >> 9);
    let octets = (rate >> 10) + (largest >> halvings.min(63));
    (octets.min(largest) as usize / mss.max(1)).max(least as usize)
}

impl Tcb {
    /// The user has given the text of `given`; `record`: with its end a record ends.
    pub(super) fn note_boundaries(&mut self, given: Range<Seq>, record: bool) {
        if matches!(self.config.push, Push::SendEnd(_)) && !given.is_empty() {
            self.note_pushes(given.clone());
        }
        if record {
            let records = &mut self.boundaries.marked().records;
            if records.len() < MOST && records.back() != Some(&given.end) {
                records.push_back(given.end);
            }
        }
    }

    /// The text that was given last, so many octets, is urgent. It leaves segment by segment, whatever the largest burst
    /// is, and only its end is pushed.
    pub(super) fn mark_urgent(&mut self, octets: usize) {
        let end = self.send_buffer.end();
        let start = end.before(octets);
        self.snd.up = Some(end);
        if let Some(places) = &mut self.boundaries.0 {
            for list in [&mut places.pushed, &mut places.left_at_once] {
                list.retain(|place| *place <= start || *place >= end);
            }
        }
    }

    /// Text joins the last burst that has not left, up to a size; then another begins. A push is
    /// where a SEND ends, and where half a window was given since the last one.
    fn note_pushes(&mut self, given: Range<Seq>) {
        let (most, half) = (self.largest_burst(), self.snd.max_wnd / 2);
        let (mut head, leaves_to) = (self.snd.nxt, self.snd.nxt + self.may_leave());
        let mss = self.segment_limit();
        let together = mss * self.most_together().unwrap_or(1);
        // So much at most is one packet for the device.
        let alone = together.min(self.send_window() / 2);
        let boundaries = self.boundaries.marked();
        let (burst, mut pushed) = boundaries.last.unwrap_or((given.start, given.start));
        // What has left joins nothing, and nothing joins a record that has ended.
        let mut burst = burst.max(self.snd.nxt).min(given.start);
        let ended = boundaries.records.back() == Some(&given.start);
        if burst < given.start && given.start - burst < most && !ended {
            // What joins it takes its push away.
            while boundaries.pushed.back() == Some(&given.start) {
                boundaries.pushed.pop_back();
            }
        } else {
            burst = given.start;
        }
        // The burst that waits has a push, which moves to its end when others join it.
        let mut waits = false;
        while burst + most < given.end {
            let end = burst + most;
            let forced = end > pushed + half;
            let leaves = leaves_to.min(end).saturating_since(burst) / mss * mss;
            boundaries.is_pushing |= forced;
            if forced {
                pushed = end;
                if 0 < leaves && leaves < most {
                    // What is left of it has room again.
                    (burst, head, waits) = (burst + leaves, burst + leaves, true);
                    continue;
                }
            } else if burst == head && together < most && together <= leaves {
                // It is full, and the next to leave: its first segments do so at once.
                (burst, head) = (burst + together, burst + together);
                continue;
            }
            if forced || waits {
                boundaries.push(end);
            }
            let is_next = burst == head;
            (burst, waits) = (end, false);
            if leaves == most && (forced || (is_next && most <= alone)) {
                head = end;
                if boundaries.left_at_once.len() < MOST {
                    boundaries.left_at_once.push_back(end);
                }
            }
        }
        if !self.parted || given.end > pushed + half {
            pushed = boundaries.push(given.end);
        }
        boundaries.last = Some((burst, pushed));
    }

    /// How much of so much text that waits has joined the last burst; none if nothing may join that.
    pub(super) fn last_burst(&self, unsent: usize) -> usize {
        let end = self.send_buffer.end();
        match self.boundaries.0.as_deref() {
            Some(places) if places.records.back() == Some(&end) => 0,
            // What did not leave with the first of them was filled up by the next.
            _ if unsent <= self.largest_burst() => unsent,
            Some(Places {
                last: Some((burst, _)),
                ..
            }) => end.saturating_since(*burst),
            _ => 0,
        }
    }

    /// How much of `queued` octets that wait is left of the packet that is the next to leave.
    pub(super) fn left_of_burst(&self, queued: usize) -> usize {
        let last = self.boundaries.0.as_deref().and_then(|places| places.last);
        let before_last = last.map_or(0, |(burst, _)| burst.saturating_since(self.snd.nxt));
        match (before_last, self.largest_burst()) {
            (0, _) => queued,
            (ahead, most) if ahead % most == 0 => most,
            (ahead, most) => ahead % most,
        }
    }

    /// How much text at most leaves a queue as one: half of the largest window there was, in full
    /// segments.
    pub(super) fn largest_burst(&self) -> usize {
        let half = match self.snd.max_wnd {
            wnd if wnd > usize::from(self.path.default_mss) => wnd / 2,
            wnd => wnd,
        };
        let mss = self.segment_limit();
        (half.min(LARGEST_BURST) / mss).max(1) * mss
    }

    /// Whether the segment with this text has PSH: MUST-60, MUST-61.
    pub(super) fn is_pushed(&self, text: &Range<Seq>) -> bool {
        if text.is_empty() {
            return false;
        }
        match self.config.push {
            Push::QueueEnd => text.end == self.send_buffer.end(),
            Push::SendEnd(_) => {
                let Some(places) = self.boundaries.0.as_deref() else {
                    return false;
                };
                let pushed = &places.pushed;
                let at = pushed.partition_point(|place| *place <= text.start);
                pushed.get(at).is_some_and(|place| *place <= text.end)
                    || places.together_end == Some(text.end)
            }
        }
    }

    /// This many segments of new text have left, up to SND.NXT. Together they are half of the window at
    /// most.
    pub(super) fn note_together(&mut self, segments: usize) {
        let Some(most) = self.most_together() else {
            return;
        };
        let half = (self.send_window() / self.snd.mss / 2).max(1);
        // Urgent data leaves by itself, each segment with its own pointer, and so does what follows.
        let most = if self.snd.up.is_some() { 1 } else { most };
        let nxt = self.snd.nxt;
        let limit = (self.sack_count() > 0).then(|| self.segment_limit());
        let places = self.boundaries.marked();
        places.limit = places.limit.or(limit);
        places.join(segments, nxt, most.min(half));
        if self.boundaries.leaves_together() {
            let goes_on = !self.is_held_by_pacer() && self.would_send_text();
            let is_joined = self.unsent() > 0 && self.congestion_room() >= self.snd.mss;
            self.boundaries.marked().group(nxt, goes_on, is_joined);
        }
    }

    /// A segment has left again; `as_probe`: for its own sake.
    pub(super) fn note_together_again(&mut self, range: &Range<Seq>, as_probe: bool) {
        let Some(most) = self.most_together() else {
            return;
        };
        let next = self.plan_resend().filter(|_| !self.is_held_by_pacer());
        let goes_on = matches!(next, Some(Plan::Resend(next)) if next.start == range.end);
        let places = self.boundaries.marked();
        if as_probe {
            places.end_group(range.start);
        }
        places.group_again(range, goes_on && !as_probe, most);
    }

    /// With [`Push::SendEnd`]: see [`most_together`].
    pub(super) fn most_together(&self) -> Option<usize> {
        let Push::SendEnd(least) = self.config.push else {
            return None;
        };
        let least = if self.leaves_one_by_one() { 1 } else { least };
        let rate = self.rate_of_window().unwrap_or(0);
        let min_rtt = self.recovery.rtt.min_rtt();
        Some(most_together(rate, min_rtt, self.snd.mss, least))
    }

    /// Segments keep what ends in them when they are sent again, as in Linux.
    pub(super) fn marks_pushes(&self) -> bool {
        matches!(self.config.push, Push::SendEnd(_))
    }

    /// What ends here did not wait any longer for the window to grow, or for more: it is pushed.
    pub(super) fn note_push(&mut self, end: Seq) {
        if self.marks_pushes() {
            let pushed = &mut self.boundaries.marked().pushed;
            let at = pushed.partition_point(|place| *place < end);
            if pushed.get(at) != Some(&end) && pushed.len() < MOST {
                pushed.insert(at, end);
            }
        }
    }

    /// Where a segment from `start` to `end` ends that goes beyond no record.
    pub(super) fn record_end(&self, start: Seq, end: Seq) -> Seq {
        let Some(Places { records, .. }) = self.boundaries.0.as_deref() else {
            return end;
        };
        let at = records.partition_point(|place| *place <= start);
        records.get(at).map_or(end, |place| end.min(*place))
    }

    /// Where a segment that is sent again from `start` ends, if it may reach `end`: of what left as one,
    /// it takes all or, if that is longer, a part of the first. As Linux has it, whose segments keep
    /// where they end.
    pub(super) fn resend_end(&self, start: Seq, end: Seq) -> Seq {
        let Some(Places { groups, .. }) = self.boundaries.0.as_deref() else {
            return end;
        };
        let at = groups.partition_point(|place| *place <= end);
        let last = at.checked_sub(1).and_then(|at| groups.get(at));
        last.copied().filter(|last| *last > start).unwrap_or(end)
    }

    /// Where a segment from `start` to `end` begins that goes beyond no record.
    pub(super) fn record_start(&self, start: Seq, end: Seq) -> Seq {
        let Some(Places { records, .. }) = self.boundaries.0.as_deref() else {
            return start;
        };
        let at = records.partition_point(|place| *place < end);
        let before = at.checked_sub(1).and_then(|at| records.get(at));
        before.map_or(start, |place| start.max(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_those_that_leave_together_is_pushed() {
        let mut places = Places::default();
        let mut leave = |segments, nxt, goes_on| {
            let nxt = Seq::initial(0) + nxt;
            places.join(segments, nxt, 3);
            if places.together > 0 {
                places.group(nxt, goes_on, false);
            }
            places.together_end == Some(nxt)
        };
        assert!(!leave(1, 1000, true));
        assert!(!leave(1, 2000, true));
        assert!(leave(1, 3000, true), "three are one packet");
        assert!(!leave(1, 4000, true), "and the next begins another");
        assert!(leave(1, 5000, false), "which ends with what may leave");
        assert!(!leave(1, 6000, false), "one alone is not several");
        assert!(
            leave(4, 10_000, true),
            "a super-segment counts as it is cut"
        );
    }

    #[test]
    fn what_leaves_together_again_had_left_together_before() {
        let at = |place| Seq::initial(0) + place;
        let mut places = Places::default();
        places.join(3, at(3000), 3);
        places.join(3, at(6000), 3);
        let mut again = |start, end, goes_on| {
            places.group_again(&(at(start)..at(end)), goes_on, 3);
            places.together_end == Some(at(end))
        };
        assert!(!again(1000, 2000, true));
        assert!(again(2000, 3000, true), "the last of a packet");
        assert!(!again(3000, 4000, true), "the first of the next");
        assert!(again(4000, 5000, false), "the window takes no more");
        assert!(!again(3000, 4000, true));
        assert!(again(4000, 5000, true), "the packet was cut there");
        assert!(!again(5000, 6000, true), "and this is one by itself");
        places.join(1, at(7000), 3);
        assert_eq!(places.together, 1, "nothing new joins what was sent again");
    }

    /// `tcp_tso_autosize` of Linux: a 1,024th of a second of the pacing rate, and 64 KiB halved for
    /// every 512 µs of the least round trip.
    #[test]
    fn as_many_leave_together_as_rate_and_path_let() {
        let most = |rate, millis| most_together(rate, Some(Duration::from_millis(millis)), 1000, 2);
        assert_eq!(most(200_000, 100), 2, "the least");
        assert_eq!(most(10_240_000, 100), 10);
        assert_eq!(most(u64::MAX, 100), 65, "64 KiB");
        assert_eq!(most(0, 0), 65);
        assert_eq!(most(0, 1), 32);
        assert_eq!(most(5_120_000, 2), 13, "5,000 octets and 8,192");
        assert_eq!(most_together(0, None, 1000, 2), 65, "no round trip yet");
    }
}
