//! Text that its reader looks at where it lies: taken out of the receive buffer for a while.

use core::ops::Range;

use super::ring::Ring;
use super::seq::Seq;
use crate::wire::Text;

/// What has arrived in order, lent to its reader together with the memory it lies in. Meanwhile the
/// connection goes on with other memory. Until it is consumed, the text counts as not read.
///
/// See [`Tcb::lend`](super::Tcb::lend).
#[derive(Debug)]
#[must_use = "what is lent must be taken back"]
pub struct Loan {
    pub(super) ring: Ring,
    pub(super) left: Range<Seq>,
}

impl Loan {
    /// The octets that are not consumed yet, in at most two pieces: the ring has an end.
    pub fn text(&self) -> Text<'_> {
        self.ring.text(self.left.clone())
    }

    /// Octets that are not consumed yet.
    pub fn len(&self) -> usize {
        self.left.end - self.left.start
    }

    /// Whether everything is consumed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The reader is done with the first `count` octets: all, if there are no more.
    pub fn consume(&mut self, count: usize) {
        self.left.start += count.min(self.len());
    }
}

/// The other side of a loan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lending {
    /// The place after what is lent, and the octets of its memory; `None`: nothing is.
    pub(super) out: Option<(Seq, usize)>,
    /// Memory for the next loan: so two rings take turns.
    pub(super) spare: Ring,
}
