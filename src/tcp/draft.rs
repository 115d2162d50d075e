//! Memory of the send buffer into which a user writes text directly, while the connection goes on
//! (RFC 9293 §3.10.2, SEND).

use core::iter;
use std::sync::Arc;

use crate::wire::Block;

/// The smallest block, in octets: one that suits a line typed by a person.
pub(super) const LEAST_BLOCK: usize = 256;

/// The largest block: a super-segment lies in two or three of them.
pub(super) const BLOCK: usize = 64 * 1024;

/// Room in the send buffer of a connection, into which its user writes without using the connection.
/// [`Tcb::draft`](crate::tcp::Tcb::draft) returns one, and
/// [`Tcb::send_draft`](crate::tcp::Tcb::send_draft) sends it.
#[derive(Debug)]
pub struct Draft {
    room: usize,
    /// Each block with this many octets of text.
    pub(super) text: Vec<(Block, usize)>,
    /// Blocks without text that are not held elsewhere.
    pub(super) spare: Vec<Block>,
}

impl Draft {
    pub(super) fn new(room: usize) -> Draft {
        Draft {
            room,
            text: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// How many octets there is room for.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Copies as much of `data` as there is room for. Returns how many octets.
    pub fn write(&mut self, data: &[u8]) -> usize {
        let mut rest = &data[..data.len().min(self.room)];
        let len = rest.len();
        while !rest.is_empty() {
            let copy = |octets: &mut [u8]| {
                octets.copy_from_slice(&rest[..octets.len()]);
                octets.len()
            };
            let taken = self.fill(rest.len(), copy);
            rest = &rest[taken..];
        }
        len
    }

    /// Lets `fill` write into `most` octets, or as many as there is room for in one piece. It returns
    /// how many it has written, from the first on; that many are taken, and their number is returned.
    pub fn fill(&mut self, most: usize, fill: impl FnOnce(&mut [u8]) -> usize) -> usize {
        let len = most.min(self.room).min(BLOCK);
        let found = self.spare.iter().position(|block| block.len() >= len);
        let mut block = match found {
            Some(index) => self.spare.swap_remove(index),
            None => blank(len.max(LEAST_BLOCK).next_power_of_two()),
        };
        // Spare blocks are not held elsewhere.
        let Some(octets) = Arc::get_mut(&mut block) else {
            return 0;
        };
        let taken = fill(&mut octets[..len]).min(len);
        self.room -= taken;
        match taken {
            0 => self.spare.push(block),
            _ => self.text.push((block, taken)),
        }
        taken
    }
}

/// A new block, not held elsewhere.
pub(super) fn blank(size: usize) -> Block {
    iter::repeat_n(0, size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_room_for_or_was_written() {
        let mut draft = Draft::new(100_000);
        assert_eq!(draft.fill(10, |room| room.len() - 3), 7);
        assert_eq!(draft.fill(10, |_| 99), 10);
        assert_eq!(draft.fill(10, |_| 0), 0);
        assert_eq!(draft.fill(usize::MAX, |room| room.len()), BLOCK);
        assert_eq!(draft.room(), 100_000 - 17 - BLOCK);
        assert_eq!(draft.write(&[1; 100_000]), 100_000 - 17 - BLOCK);
        assert_eq!(draft.write(&[1]), 0);
        let lens: Vec<usize> = draft.text.iter().map(|(_, len)| *len).collect();
        assert_eq!(lens, [7, 10, BLOCK, 100_000 - 17 - BLOCK]);
    }
}
