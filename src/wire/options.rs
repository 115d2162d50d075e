//! TCP options: our own parser and writer.

/// A timestamps option (RFC 7323 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub val: u32,
    /// TSecr: the timestamp that the sender echoes; significant on a segment with ACK.
    pub ecr: u32,
}

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
    /// What forty octets of options have room for.
    pub const MAX: usize = 4;

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

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The TCP options of one segment that this stack understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Maximum segment size, kind 2 (RFC 9293 §3.2): SYN only.
    pub mss: Option<u16>,
    /// Window scale, kind 3 (RFC 7323 §2): SYN only; at most 14.
    pub window_scale: Option<u8>,
    /// SACK permitted, kind 4 (RFC 2018 §2): SYN only.
    pub sack_permitted: bool,
    /// SACK, kind 5 (RFC 2018 §3).
    pub sack: SackBlocks,
    /// Timestamps, kind 8 (RFC 7323 §3).
    pub timestamps: Option<Timestamps>,
}
