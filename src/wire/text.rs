//! Text of a segment, borrowed or reference-counted.

use core::ops::Range;
use std::sync::Arc;

/// Octets that are not changed while they are shared. To keep text, hold its block.
pub type Block = Arc<[u8]>;

/// Octets in at most two pieces: on the way out they lie in two blocks, or in the two halves of a
/// ring; on the way in they are one slice of the packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<'a> {
    first: &'a [u8],
    second: &'a [u8],
    /// The block in which each piece lies, if it lies in one.
    blocks: [Option<&'a Block>; 2],
}

impl<'a> Text<'a> {
    /// No octets.
    pub const EMPTY: Text<'static> = Text::new(&[], &[]);

    /// The octets of `first`, then those of `second`.
    pub const fn new(first: &'a [u8], second: &'a [u8]) -> Text<'a> {
        Text {
            first,
            second,
            blocks: [None; 2],
        }
    }

    /// Octets of two blocks, which can be held.
    ///
    /// # Panics
    /// If a block does not have them.
    pub fn in_blocks(first: (&'a Block, Range<usize>), second: (&'a Block, Range<usize>)) -> Self {
        Text {
            first: &first.0[first.1],
            second: &second.0[second.1],
            blocks: [Some(first.0), Some(second.0)],
        }
    }

    /// How many octets.
    pub const fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The two pieces, in order; the second may be empty.
    pub const fn pieces(&self) -> [&'a [u8]; 2] {
        [self.first, self.second]
    }

    /// The octets from `from` up to, not including, `to`.
    ///
    /// # Panics
    /// If `from > to` or `to > len()`.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Text<'a> {
        assert!(from <= to && to <= self.len(), "slice out of text");
        let middle = self.first.len();
        Text {
            first: &self.first[from.min(middle)..to.min(middle)],
            second: &self.second[from.saturating_sub(middle)..to.saturating_sub(middle)],
            blocks: self.blocks,
        }
    }

    /// A copy in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        [self.first, self.second].concat()
    }

    /// The same octets, held together with their blocks; `None` if some lie in none.
    pub fn hold(&self) -> Option<HeldText> {
        let [first, second] = self.pieces();
        let [first_block, second_block] = self.blocks;
        Some(HeldText {
            first: HeldPiece::of(first, first_block?),
            second: match second.is_empty() {
                true => None,
                false => Some(HeldPiece::of(second, second_block?)),
            },
        })
    }
}

impl<'a> From<&'a [u8]> for Text<'a> {
    fn from(octets: &'a [u8]) -> Text<'a> {
        Text::new(octets, &[])
    }
}

/// The same octets in the same pieces, wherever they lie.
impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        self.pieces() == other.pieces()
    }
}

impl Eq for Text<'_> {}

/// Text that exists as long as it is held.
#[derive(Clone, Debug)]
pub struct HeldText {
    first: HeldPiece,
    second: Option<HeldPiece>,
}

#[derive(Clone, Debug)]
struct HeldPiece {
    block: Block,
    range: Range<usize>,
}

impl HeldPiece {
    /// `piece`, which lies in `block`.
    fn of(piece: &[u8], block: &Block) -> HeldPiece {
        let start = piece.as_ptr().addr() - block.as_ptr().addr();
        HeldPiece {
            block: Block::clone(block),
            range: start..start + piece.len(),
        }
    }

    fn octets(&self) -> &[u8] {
        &self.block[self.range.clone()]
    }
}

impl HeldText {
    /// The octets.
    pub fn text(&self) -> Text<'_> {
        let second = self.second.as_ref();
        Text::new(
            self.first.octets(),
            second.map_or(&[], |piece| piece.octets()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_a_text_is_a_slice_of_its_pieces_together() {
        let whole = b"abcdefg";
        for cut in 0..=whole.len() {
            let text = Text::new(&whole[..cut], &whole[cut..]);
            for from in 0..=whole.len() {
                for to in from..=whole.len() {
                    let slice = text.slice(from, to);
                    assert_eq!(slice.to_vec(), whole[from..to]);
                    assert_eq!(slice.len(), to - from);
                }
            }
        }
    }

    #[test]
    fn held_text_outlives_what_lent_it() {
        let (first, second) = (Block::from(*b"abcdef"), Block::from(*b"ghijkl"));
        let text = Text::in_blocks((&first, 4..6), (&second, 0..3));
        assert!(Text::from(&b"abc"[..]).hold().is_none(), "in no block");
        let held: Vec<HeldText> = [(0, 5), (1, 4), (2, 5), (0, 2), (1, 1)]
            .map(|(from, to)| text.slice(from, to).hold().unwrap())
            .into();
        drop((first, second));
        let octets = held.iter().map(|held| held.text().to_vec());
        let expected = [&b"efghi"[..], b"fgh", b"ghi", b"ef", b""];
        assert!(octets.eq(expected.map(<[u8]>::to_vec)));
    }
}
