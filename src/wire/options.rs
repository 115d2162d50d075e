//! TCP options: our own parser and writer.
//!
//! `etherparse` stops reading at the first kind that it does not know, and would lose what stands
//! behind it.
//!
//! To add an option: a field of [`Options`], an arm of its parser, and its octets in
//! [`Options::write`] and [`Options::wire_len`].

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

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.len)
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

/// The most octets that a TCP header has room for (RFC 9293 §3.1: the data offset is 4 bits).
pub(super) const MAX_LEN: usize = 40;
/// RFC 7323 §2.3: a larger shift count counts as this.
const MAX_WINDOW_SCALE: u8 = 14;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

impl Options {
    /// Reads the options of a header. Options of an unknown kind, or a known kind with a wrong
    /// length, are skipped; a length that cannot be (0, 1, beyond the end) ends the reading; of
    /// options that come twice the first counts.
    pub fn parse(octets: &[u8]) -> Options {
        // What nearly every segment of a connection carries.
        if let [NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10, data @ ..] = octets
            && let Ok(data) = data.try_into()
        {
            return Options {
                timestamps: Some(timestamps(data)),
                ..Options::default()
            };
        }
        let mut options = Options::default();
        for raw in RawOptions(octets) {
            if let RawOption::Option { kind, data } = raw {
                options.take(kind, data);
            }
        }
        options
    }

    fn take(&mut self, kind: u8, data: &[u8]) {
        match (kind, data) {
            (MSS, &[high, low]) => {
                let mss = u16::from_be_bytes([high, low]);
                self.mss.get_or_insert(mss);
            }
            (WINDOW_SCALE, &[shift]) => {
                let shift = shift.min(MAX_WINDOW_SCALE);
                self.window_scale.get_or_insert(shift);
            }
            (SACK_PERMITTED, []) => self.sack_permitted = true,
            (SACK, data) if self.sack.is_empty() => self.sack = sack_blocks(data),
            (TIMESTAMPS, data) => {
                if let Ok(data) = data.try_into() {
                    self.timestamps.get_or_insert(timestamps(data));
                }
            }
            _ => {}
        }
    }

    /// Without what only a SYN may carry: MSS, window scale, SACK permitted.
    pub(super) fn without_syn_only(self) -> Options {
        Options {
            sack: self.sack,
            timestamps: self.timestamps,
            ..Options::default()
        }
    }

    /// How many octets [`Options::write`] writes: a multiple of four, at most 40.
    pub fn wire_len(&self) -> usize {
        let len = self.wire_len_without_sack();
        match self.sack_room() {
            0 => len,
            blocks => len + 4 + 8 * blocks,
        }
    }

    fn wire_len_without_sack(&self) -> usize {
        let mss = if self.mss.is_some() { 4 } else { 0 };
        let window_scale = if self.window_scale.is_some() { 4 } else { 0 };
        let rest = match (self.sack_permitted, self.timestamps) {
            (_, Some(_)) => 12,
            (true, None) => 4,
            (false, None) => 0,
        };
        mss + rest + window_scale
    }

    /// How many of the blocks there is room for: four, three beside timestamps.
    fn sack_room(&self) -> usize {
        let room = (MAX_LEN - 4 - self.wire_len_without_sack()) / 8;
        self.sack.len().min(room)
    }

    /// Writes the options to the front of `out`, and says how many octets it took. The order and
    /// the padding are Linux's: on a SYN MSS, SACK permitted, timestamps, NOP, window scale;
    /// otherwise NOP, NOP, timestamps, NOP, NOP, SACK. Blocks for which there is no room are left
    /// out, the last first.
    ///
    /// # Panics
    /// If `out` is shorter than [`Options::wire_len`].
    pub fn write(&self, out: &mut [u8]) -> usize {
        let mut out = Writer { out, at: 0 };
        if let Some(mss) = self.mss {
            let [high, low] = mss.to_be_bytes();
            out.put([MSS, 4, high, low]);
        }
        // SACK permitted stands where two NOPs would pad.
        match (self.sack_permitted, self.timestamps.is_some()) {
            (true, true) => out.put([SACK_PERMITTED, 2]),
            (true, false) => out.put([NO_OPERATION, NO_OPERATION, SACK_PERMITTED, 2]),
            (false, true) => out.put([NO_OPERATION, NO_OPERATION]),
            (false, false) => {}
        }
        if let Some(Timestamps { val, ecr }) = self.timestamps {
            out.put([TIMESTAMPS, 10]);
            out.put(val.to_be_bytes());
            out.put(ecr.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            out.put([NO_OPERATION, WINDOW_SCALE, 3, shift.min(MAX_WINDOW_SCALE)]);
        }
        let blocks = self.sack_room();
        if blocks > 0 {
            out.put([NO_OPERATION, NO_OPERATION, SACK, 2 + 8 * blocks as u8]);
            for block in &self.sack.as_slice()[..blocks] {
                out.put(block.left.to_be_bytes());
                out.put(block.right.to_be_bytes());
            }
        }
        out.at
    }
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put<const N: usize>(&mut self, octets: [u8; N]) {
        self.out[self.at..self.at + N].copy_from_slice(&octets);
        self.at += N;
    }
}

fn timestamps(data: &[u8; 8]) -> Timestamps {
    let [val, ecr] = pair(data);
    Timestamps { val, ecr }
}

/// RFC 2018 §3: one to four blocks of eight octets; anything else is no SACK option.
fn sack_blocks(data: &[u8]) -> SackBlocks {
    let mut blocks = SackBlocks::default();
    if let (pairs, []) = data.as_chunks::<8>()
        && pairs.len() <= SackBlocks::MAX
    {
        for [left, right] in pairs.iter().map(pair) {
            blocks.push(SackBlock { left, right });
        }
    }
    blocks
}

fn pair(data: &[u8; 8]) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = *data;
    [
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    ]
}

/// One option as it stands in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawOption<'a> {
    /// End of option list: nothing after it counts.
    End,
    /// NOP.
    NoOperation,
    /// Any other kind, with what stands behind its length.
    Option { kind: u8, data: &'a [u8] },
    /// A length that cannot be: nothing after it can be read.
    Bad,
}

/// The options of a header, one after the other.
pub(super) struct RawOptions<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for RawOptions<'a> {
    type Item = RawOption<'a>;

    fn next(&mut self) -> Option<RawOption<'a>> {
        let octets = core::mem::take(&mut self.0);
        match *octets.first()? {
            END => Some(RawOption::End),
            NO_OPERATION => {
                self.0 = &octets[1..];
                Some(RawOption::NoOperation)
            }
            kind => {
                let len = usize::from(octets.get(1).copied().unwrap_or(0));
                let Some(data) = octets.get(2..len) else {
                    return Some(RawOption::Bad);
                };
                self.0 = &octets[len..];
                Some(RawOption::Option { kind, data })
            }
        }
    }
}
