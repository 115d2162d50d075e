//! Places in the stream where something ends that the user gave: pushes (RFC 9293 §3.9.1.2), and
//! records, which no segment goes beyond.

use core::ops::Range;
use std::collections::VecDeque;

use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::Push;

/// The most pushes, and the most records, that are remembered: of more pushes the oldest are
/// forgotten, and a record more does not count as one.
const MOST: usize = 4_096;

/// The most text that leaves a queue as one.
const LARGEST_BURST: usize = 65_536;

/// The places that are not acknowledged yet; nothing, as long as nobody has marked any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Boundaries(Option<Box<Places>>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Places {
    /// With [`Push::SendEnd`]: where segments that carry PSH end.
    pushed: VecDeque<Seq>,
    /// Where records end.
    records: VecDeque<Seq>,
    /// With [`Push::SendEnd`]: where the last burst of text begins, and where the last push was.
    last: Option<(Seq, Seq)>,
    /// With [`Push::SendEnd`]: how many segments have left together that others follow at once.
    together: usize,
    /// With [`Push::SendEnd`]: where they end, if the segment that leaves now is their last.
    together_end: Option<Seq>,
}

impl Boundaries {
    /// What lies before `una` has arrived.
    #[inline]
    pub(super) fn release(&mut self, una: Seq) {
        let Some(marked) = &mut self.0 else {
            return;
        };
        for places in [&mut marked.pushed, &mut marked.records] {
            while places.front().is_some_and(|place| *place <= una) {
                places.pop_front();
            }
        }
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

    /// Text joins the last burst that has not left, up to a size; then another begins. A push is
    /// where a SEND ends, and where half a window was given since the last one.
    fn note_pushes(&mut self, given: Range<Seq>) {
        let (most, half) = (self.largest_burst(), self.snd.max_wnd / 2);
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
        while burst + most < given.end {
            burst += most;
            if burst > pushed + half {
                pushed = boundaries.push(burst);
            }
        }
        if !self.parted || given.end > pushed + half {
            pushed = boundaries.push(given.end);
        }
        boundaries.last = Some((burst, pushed));
    }

    /// How much text at most leaves a queue as one: half of the largest window there was, in full
    /// segments.
    fn largest_burst(&self) -> usize {
        let half = match self.snd.max_wnd {
            wnd if wnd > usize::from(self.path.default_mss) => wnd / 2,
            wnd => wnd,
        };
        let segments = half.min(LARGEST_BURST) / self.snd.mss;
        segments.max(1) * self.snd.mss
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

    /// Text has left: so many segments of new text, up to SND.NXT, or some again.
    pub(super) fn note_together(&mut self, new: Option<usize>) {
        let Push::SendEnd(least) = self.config.push else {
            return;
        };
        let goes_on = new.is_some() && !self.is_held_by_pacer() && self.would_send_text();
        let most = self.most_together(least);
        let nxt = self.snd.nxt;
        let places = self.boundaries.marked();
        let together = new.map_or(0, |segments| places.together + segments);
        let ended = !goes_on || together >= most;
        places.together = if ended { 0 } else { together };
        places.together_end = (ended && together > 1).then_some(nxt);
    }

    /// Segments keep what ends in them when they are sent again, as in Linux.
    pub(super) fn marks_pushes(&self) -> bool {
        matches!(self.config.push, Push::SendEnd(_))
    }

    /// What ends here did not wait any longer for the window to grow, or for more: it is pushed.
    pub(super) fn note_push(&mut self, end: Seq) {
        if self.marks_pushes() {
            self.boundaries.marked().together_end = Some(end);
        }
    }

    /// How many segments Linux gives to its device as one packet: what the pacing rate lets out in
    /// a 1,024th of a second, more if the path is short, and not less than `least`.
    fn most_together(&self, least: u32) -> usize {
        let of_rate = self.rate_of_window().unwrap_or(0) >> 10;
        let round_trips = self
            .recovery
            .rtt
            .min_rtt()
            .map_or(0, |rtt| rtt.as_micros() >> 9);
        let of_distance = LARGEST_BURST as u64 >> round_trips.min(63);
        let octets = (of_rate + of_distance).min(LARGEST_BURST as u64);
        (octets as usize / self.snd.mss.max(1)).max(least as usize)
    }

    /// Where a segment from `start` to `end` ends that goes beyond no record.
    pub(super) fn record_end(&self, start: Seq, end: Seq) -> Seq {
        let Some(Places { records, .. }) = self.boundaries.0.as_deref() else {
            return end;
        };
        let at = records.partition_point(|place| *place <= start);
        records.get(at).map_or(end, |place| end.min(*place))
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
