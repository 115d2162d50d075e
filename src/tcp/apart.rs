//! Acknowledgments that a single one for a whole batch of segments would not replace.
//!
//! Segments that arrive together are acknowledged together (RFC 9293 §3.8.6.3, MUST-58). For text in
//! order, one acknowledgment says everything. Beyond a gap it does not: an option has room for three or
//! four blocks (RFC 2018 §3), each of which should be in three options (§4); it reports only one
//! duplicate (RFC 2883 §4); and a peer without SACK counts acknowledgments (RFC 5681 §3.2). So an
//! acknowledgment that would otherwise be lost is set apart with its SEG.ACK and blocks, and leaves
//! before anything else.

use core::ops::Range;
use std::collections::VecDeque;

use super::segment::segments;
use super::seq::Seq;
use super::tcb::{AckDue, Tcb};
use crate::wire::SackBlocks;

/// At most this many wait. Usually no more segments arrive together, and after a larger burst the
/// next acknowledgment tells the rest.
const MOST: usize = 32;

/// An acknowledgment as it was when it was set apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Apart {
    /// SEG.ACK.
    ack: Seq,
    sack: SackBlocks,
}

/// The waiting acknowledgments, the oldest first. There are hardly ever any, so a connection only has
/// room for a pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct AcksApart {
    waiting: Option<Box<Waiting>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Waiting(VecDeque<Apart>);

impl AcksApart {
    fn first(&self) -> Option<&Apart> {
        self.waiting.as_ref()?.0.front()
    }

    /// SEG.ACK of the next one.
    #[inline]
    pub(super) fn next(&self) -> Option<Seq> {
        self.first().map(|apart| apart.ack)
    }

    /// The blocks of the next one, `most` of them at most.
    pub(super) fn blocks(&self, most: usize) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        let all = self.first().map(|apart| apart.sack.as_slice());
        for block in all.unwrap_or_default().iter().take(most) {
            blocks.push(*block);
        }
        blocks
    }

    /// The next one has left.
    pub(super) fn on_sent(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.0.pop_front();
        }
        self.waiting.take_if(|waiting| waiting.0.is_empty());
    }

    /// Drops all of them.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.waiting.is_some() {
            self.waiting = None;
        }
    }

    /// How many wait.
    fn len(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.0.len())
    }

    /// Adds one.
    fn push(&mut self, apart: Apart) {
        self.waiting.get_or_insert_default().0.push_back(apart);
    }

    /// The memory of the waiting ones, in octets.
    pub(super) fn allocated(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| {
            size_of::<Waiting>() + waiting.0.capacity() * size_of::<Apart>()
        })
    }
}

impl Tcb {
    /// Text at `range`, before the window, arrived again (RFC 2883 §4). A connection that [ends
    /// lightly](Tcb::ends_lightly) reports nothing.
    pub(super) fn note_old_duplicate(&mut self, range: Range<Seq>, mss: usize) {
        if self.ends_lightly() {
            return;
        }
        self.set_acks_apart(&range, mss);
        self.recv_buffer.note_old_duplicate(range);
    }

    /// A reset is about to be due. What it will report is set apart, because the receive buffer is
    /// cleared before it leaves. See
    /// [`Habits::resets_report`](crate::config::Habits::resets_report).
    pub(super) fn set_reset_apart(&mut self) {
        self.acks.apart.clear();
        if self.config.habits.resets_report && self.sack_room(0) > 0 {
            self.acks.apart.push(Apart {
                ack: self.rcv.nxt,
                sack: self.sack_blocks(0),
            });
        }
    }

    /// Text at `range`, which came in segments of up to `mss` octets, is about to be taken, or
    /// reported as a duplicate. Sets apart the acknowledgments that this would supersede.
    pub(super) fn set_acks_apart(&mut self, range: &Range<Seq>, mss: usize) {
        let is_due = self.acks.due == AckDue::Now;
        let count = match self.agreed.sack {
            true => usize::from(is_due && self.recv_buffer.would_hide(range)),
            // One for each segment (RFC 5681 §4.2), the last of which is the one that will be due.
            false if range.start > self.rcv.nxt => {
                let is_told = self.rcv.last_ack_sent == self.rcv.nxt;
                let owes = self.recv_buffer.has_grown() || is_due && !is_told;
                segments(range.end - range.start, mss) - usize::from(!owes)
            }
            false => 0,
        };
        for _ in 0..count.min(MOST - self.acks.apart.len()) {
            self.acks.apart.push(Apart {
                ack: self.rcv.nxt,
                sack: self.sack_blocks(0),
            });
            self.recv_buffer.sacks_sent();
        }
    }
}
