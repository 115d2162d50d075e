//! SACK blocks (RFC 2018 §3).

/// One block of a SACK option (RFC 2018 §3): octets `left` up to, not including, `right`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SackBlock {
    /// The first sequence number of the block.
    pub left: u32,
    /// The sequence number after the last of the block.
    pub right: u32,
}

/// Up to four SACK blocks, in wire order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SackBlocks {
    blocks: [SackBlock; SackBlocks::MAX],
    len: u8,
}

impl SackBlocks {
    /// As many as forty octets of options have room for.
    pub const MAX: usize = 4;
    /// No block.
    pub const NONE: SackBlocks = SackBlocks {
        blocks: [SackBlock { left: 0, right: 0 }; SackBlocks::MAX],
        len: 0,
    };

    /// Adds a block; false, and nothing added, if four are there.
    pub fn push(&mut self, block: SackBlock) -> bool {
        let at = usize::from(self.len);
        if at == Self::MAX {
            return false;
        }
        self.blocks[at] = block;
        self.len += 1;
        true
    }

    /// The blocks in wire order.
    pub fn as_slice(&self) -> &[SackBlock] {
        &self.blocks[..usize::from(self.len)]
    }

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
