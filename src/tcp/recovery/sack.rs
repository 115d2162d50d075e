//! The blocks of a SACK option, as far as they can be true (RFC 2018 §3, RFC 2883 §4).

use core::ops::Range;

use crate::tcp::seq::Seq;
use crate::wire::SackBlocks;

/// What one option reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// What came twice: D-SACK.
    pub(crate) duplicate: Option<Range<Seq>>,
    /// What the peer holds beyond SEG.ACK, lowest first.
    held: [Option<Range<Seq>>; SackBlocks::MAX],
}

impl Blocks {
    /// Reads an option of a segment that acknowledges `ack`. What lies beyond SND.NXT (`nxt`), before
    /// our SYN (`iss`), or ends before it starts, was never true and is ignored.
    pub(crate) fn read(option: &SackBlocks, iss: Seq, ack: Seq, nxt: Seq) -> Blocks {
        let read = |index: usize| {
            let block = option.as_slice().get(index)?;
            let range = ack.near(block.left)..ack.near(block.right);
            (iss <= range.start && range.start < range.end && range.end <= nxt).then_some(range)
        };
        let first = read(0);
        // RFC 2883 §4: the first block is a duplicate if it lies below SEG.ACK, or in the second.
        let is_inside = |a: &Range<Seq>, b: Range<Seq>| b.start <= a.start && a.end <= b.end;
        let duplicate = first.filter(|first| {
            first.end <= ack || read(1).is_some_and(|second| is_inside(first, second))
        });
        let mut held: [_; SackBlocks::MAX] = core::array::from_fn(read);
        for block in &mut held {
            // A block that starts below SEG.ACK contradicts it: the peer would have acknowledged
            // the rest.
            if block.as_ref().is_some_and(|range| range.start <= ack) {
                *block = None;
            }
        }
        held.sort_by_key(|block| block.as_ref().map(|range| range.start));
        Blocks { duplicate, held }
    }

    /// What the peer holds beyond SEG.ACK, lowest first.
    pub(super) fn held(&self) -> impl Iterator<Item = &Range<Seq>> {
        self.held.iter().flatten()
    }
}
