//! Memory of the receive buffer that is lent to a reader, with the text in it.

use core::ops::Range;

use super::kept::{KeptText, Part};
use super::ring::Ring;
use super::seq::Seq;
use crate::wire::Text;

/// Text that has arrived in order, lent to its reader together with its memory: either that in
/// which it arrived, or a ring, which the connection replaces meanwhile. Until it is consumed,
/// the text counts as unread.
///
/// See [`Tcb::lend`](super::Tcb::lend).
#[derive(Debug)]
#[must_use = "what is lent must be taken back"]
pub struct Loan {
    pub(super) lent: Lent,
    pub(super) left: Range<Seq>,
}

/// The memory of a loan.
#[derive(Debug)]
pub(super) enum Lent {
    Ring(Ring),
    Part(Part),
}

impl Loan {
    /// The octets that are not consumed yet, in at most two pieces: the ring has an end.
    pub fn text(&self) -> Text<'_> {
        match &self.lent {
            Lent::Ring(ring) => ring.text(self.left.clone()),
            Lent::Part(part) => part.text[self.left.start - part.at..].into(),
        }
    }

    /// Octets that are not consumed yet.
    pub fn len(&self) -> usize {
        self.left.end - self.left.start
    }

    /// Whether everything is consumed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The reader has consumed the first `count` octets, or all if there are fewer.
    pub fn consume(&mut self, count: usize) {
        self.left.start += count.min(self.len());
    }
}

/// Text in order that does not lie in the ring of the receive buffer, and what is known of a
/// loan that is out.
#[derive(Clone, Debug, Default)]
pub(super) struct Aside {
    /// Text that precedes what lies in the ring.
    pub(super) kept: KeptText,
    /// What is lent, if anything.
    pub(super) out: Option<Out>,
    /// Memory for the next loan, so that two rings alternate.
    pub(super) spare: Ring,
}

/// What is lent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    /// The place after it.
    pub(super) end: Seq,
    /// The octets of its memory.
    pub(super) memory: usize,
    /// Whether its memory is a ring.
    pub(super) is_ring: bool,
}
