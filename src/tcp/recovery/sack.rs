//! The plausible blocks of a SACK option (RFC 2018 §3, RFC 2883 §4).

use core::ops::Range;

use crate::tcp::seq::Seq;
use crate::wire::SackBlocks;

/// What one option reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// What arrived twice: D-SACK.
    pub(crate) duplicate: Option<Range<Seq>>,
    /// What the peer holds beyond SEG.ACK, lowest first.
    held: [Option<Range<Seq>>; SackBlocks::MAX],
}

impl Blocks {
    /// Reads an option of a segment that acknowledges `ack`. Blocks beyond SND.NXT (`nxt`), before
    /// our SYN (`iss`), or that end before they start, cannot be true and are ignored.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SackBlock;

    const ISS: u32 = 300;

    /// In octets beyond ISS.
    type Places = (usize, usize);

    /// The meaning of blocks with an acknowledgment of 1,000 octets, when 9,000 were sent.
    fn read(blocks: &[(i32, i32)]) -> (Option<Places>, Vec<Places>) {
        let mut option = SackBlocks::default();
        for (left, right) in blocks {
            option.push(SackBlock {
                left: ISS.wrapping_add_signed(*left),
                right: ISS.wrapping_add_signed(*right),
            });
        }
        let iss = Seq::initial(ISS);
        let blocks = Blocks::read(&option, iss, iss + 1000, iss + 9000);
        let places = |range: &Range<Seq>| (range.start - iss, range.end - iss);
        let held = blocks.held().map(places).collect();
        (blocks.duplicate.as_ref().map(places), held)
    }

    /// RFC 2883 §4: below SEG.ACK, or within the second block; and only the first block reports it.
    #[test]
    fn a_duplicate_is_told_by_its_place() {
        let second = (2000, 5000);
        assert_eq!(read(&[(400, 900)]), (Some((400, 900)), vec![]));
        assert_eq!(
            read(&[(400, 900), (2000, 5000)]),
            (Some((400, 900)), vec![second])
        );
        let (duplicate, held) = read(&[(3000, 4000), (2000, 5000)]);
        assert_eq!(duplicate, Some((3000, 4000)));
        assert!(held.contains(&second));
        assert_eq!(read(&[(2000, 3000), (4000, 5000)]).0, None);
        assert_eq!(read(&[(2000, 3000), (400, 900)]).0, None);
    }

    /// What lies before our SYN or beyond SND.NXT was never sent, and what begins at SEG.ACK would have been
    /// acknowledged.
    #[test]
    fn what_cannot_be_true_is_not_read() {
        for block in [
            (-100, 900),
            (8000, 9001),
            (3000, 3000),
            (4000, 3000),
            (1000, 2000),
        ] {
            assert_eq!(read(&[block]), (None, vec![]), "{block:?}");
        }
        assert_eq!(read(&[(8000, 9000)]), (None, vec![(8000, 9000)]));
        assert_eq!(read(&[(0, 900)]).0, Some((0, 900)));
    }
}
