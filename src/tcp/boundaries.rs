//! Boundaries in the stream: ends of records, across which no segment extends; and those of packets, where they are
//! kept ([`packets`](super::packets)).

use core::ops::Range;
use std::collections::VecDeque;

use super::packets::Packets;
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::Push;

/// The most records that are remembered; the ends of any more are ignored.
const MOST: usize = 4_096;

/// Takes no memory as long as nothing is marked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Boundaries(Option<Box<Marked>>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Marked {
    /// The ends of unacknowledged records.
    records: VecDeque<Seq>,
    /// Packets, which are kept instead of records.
    packets: Option<Packets>,
}

impl Boundaries {
    /// Forgets what lies before `una`, which has arrived.
    #[inline]
    pub(super) fn release(&mut self, una: Seq) {
        let Some(marked) = &mut self.0 else {
            return;
        };
        while marked.records.front().is_some_and(|end| *end <= una) {
            marked.records.pop_front();
        }
        if let Some(packets) = &mut marked.packets {
            packets.release(una);
        }
    }

    /// The packets, where they are kept and there were some.
    #[inline(always)]
    pub(super) fn packets(&self) -> Option<&Packets> {
        self.0.as_deref()?.packets.as_ref()
    }

    #[inline(always)]
    pub(super) fn packets_mut(&mut self) -> Option<&mut Packets> {
        self.0.as_deref_mut()?.packets.as_mut()
    }

    /// Starts to keep packets, for text from `start` on.
    pub(super) fn keep_packets(&mut self, start: Seq) -> &mut Packets {
        let packets = &mut self.0.get_or_insert_default().packets;
        packets.get_or_insert_with(|| Packets::new(start))
    }

    /// A record ends at `end`.
    fn mark_record(&mut self, end: Seq) {
        let records = &mut self.0.get_or_insert_default().records;
        if records.len() < MOST && records.back() != Some(&end) {
            records.push_back(end);
        }
    }

    fn records(&self) -> Option<&VecDeque<Seq>> {
        self.0.as_deref().map(|marked| &marked.records)
    }
}

impl Tcb {
    /// Notes that the user has given text up to `end`, where a record ends.
    pub(super) fn note_record(&mut self, end: Seq) {
        if !self.keeps_packets() {
            self.boundaries.mark_record(end);
        }
    }

    /// Whether the segment with this text has PSH: MUST-60, MUST-61.
    pub(super) fn is_pushed(&self, text: &Range<Seq>) -> bool {
        if text.is_empty() {
            return false;
        }
        match self.config.push {
            Push::QueueEnd => text.end == self.send_buffer.end(),
            Push::SendEnd(_) => {
                let (una, segment) = (self.snd.una, self.segment_limit());
                (self.boundaries.packets())
                    .is_some_and(|packets| packets.is_pushed(text, una, segment))
            }
        }
    }

    /// Where a segment from `start` to `end` ends that goes beyond no record.
    pub(super) fn record_end(&self, start: Seq, end: Seq) -> Seq {
        let Some(records) = self.boundaries.records() else {
            return end;
        };
        let at = records.partition_point(|place| *place <= start);
        records.get(at).map_or(end, |place| end.min(*place))
    }

    /// Where a segment from `start` to `end` begins that goes beyond no record.
    pub(super) fn record_start(&self, start: Seq, end: Seq) -> Seq {
        let Some(records) = self.boundaries.records() else {
            return start;
        };
        let at = records.partition_point(|place| *place < end);
        let before = at.checked_sub(1).and_then(|at| records.get(at));
        before.map_or(start, |place| start.max(*place))
    }
}
