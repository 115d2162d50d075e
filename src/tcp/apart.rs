//! Acknowledgments that a single one for a whole batch of segments would not replace.
//!
//! Segments that arrive together are acknowledged together (RFC 9293 §3.8.6.3, MUST-58): of text in
//! order that says everything. Beyond a gap it does not. An option has room for three or four blocks
//! (RFC 2018 §3), each of which should be in three options (§4); it reports one duplicate (RFC 2883 §4);
//! and a peer without SACK counts acknowledgments (RFC 5681 §3.2). So what was about to be said is set
//! apart as it stood, with what was acknowledged then, and leaves before anything else.

use core::ops::Range;
use std::collections::VecDeque;

use super::segment::segments;
use super::seq::Seq;
use super::tcb::{AckDue, Tcb};
use crate::wire::SackBlocks;

/// At most this many wait: more segments than that do not arrive together as a rule, and what a burst
/// of more says is told by the acknowledgment after them.
const MOST: usize = 32;

/// An acknowledgment of how things stood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Apart {
    /// SEG.ACK.
    ack: Seq,
    sack: SackBlocks,
}

/// Those that wait, the oldest first. Hardly ever are there any, and a connection has room for a pointer.
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

    /// None is to leave any more.
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

    /// One more waits.
    fn push(&mut self, apart: Apart) {
        self.waiting.get_or_insert_default().0.push_back(apart);
    }

    /// Octets that those take that wait.
    pub(super) fn allocated(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| {
            size_of::<Waiting>() + waiting.0.capacity() * size_of::<Apart>()
        })
    }
}

impl Tcb {
    /// What lies at `range`, before the window, came again (RFC 2883 §4). A connection that
    /// [ends lightly](Tcb::ends_lightly) reports nothing.
    pub(super) fn note_old_duplicate(&mut self, range: Range<Seq>, mss: usize) {
        if self.ends_lightly() {
            return;
        }
        self.set_acks_apart(&range, mss);
        self.recv_buffer.note_old_duplicate(range);
    }

    /// A reset is about to be due: what it reports is set apart, for nothing is left of it then. See
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

    /// Text is about to be taken, or to be reported as having come twice, that lies at `range` and
    /// came in segments of up to `mss` octets. What that would keep from being said is set apart.
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
