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
    #[inline]
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
        Options::parse_any(octets)
    }

    fn parse_any(octets: &[u8]) -> Options {
        let mut options = Options::default();
        for raw in RawOptions(octets) {
            if let RawOption::Option { kind, data } = raw
                && let Some(known) = Known::read(kind, data)
            {
                options.take(known);
            }
        }
        options
    }

    fn take(&mut self, known: Known) {
        match known {
            Known::Mss(mss) => {
                self.mss.get_or_insert(mss);
            }
            Known::WindowScale(shift) => {
                let shift = shift.min(MAX_WINDOW_SCALE);
                self.window_scale.get_or_insert(shift);
            }
            Known::SackPermitted => self.sack_permitted = true,
            Known::Sack(blocks) if self.sack.is_empty() => self.sack = blocks,
            Known::Sack(_) => {}
            Known::Timestamps(timestamps) => {
                self.timestamps.get_or_insert(timestamps);
            }
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

/// An option that this stack understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Mss(u16),
    /// As it stands in the header.
    WindowScale(u8),
    SackPermitted,
    Sack(SackBlocks),
    Timestamps(Timestamps),
}

impl Known {
    /// `None` if the kind is unknown, or the length wrong for it.
    pub(super) fn read(kind: u8, data: &[u8]) -> Option<Known> {
        match (kind, data) {
            (MSS, &[high, low]) => Some(Known::Mss(u16::from_be_bytes([high, low]))),
            (WINDOW_SCALE, &[shift]) => Some(Known::WindowScale(shift)),
            (SACK_PERMITTED, []) => Some(Known::SackPermitted),
            (SACK, data) => sack_blocks(data).map(Known::Sack),
            (TIMESTAMPS, data) => Some(Known::Timestamps(timestamps(data.try_into().ok()?))),
            _ => None,
        }
    }
}

fn timestamps(data: &[u8; 8]) -> Timestamps {
    let [val, ecr] = pair(data);
    Timestamps { val, ecr }
}

/// RFC 2018 §3: one to four blocks of eight octets; anything else is no SACK option.
fn sack_blocks(data: &[u8]) -> Option<SackBlocks> {
    let (pairs, []) = data.as_chunks::<8>() else {
        return None;
    };
    if pairs.is_empty() || pairs.len() > SackBlocks::MAX {
        return None;
    }
    let mut blocks = SackBlocks::default();
    for [left, right] in pairs.iter().map(pair) {
        blocks.push(SackBlock { left, right });
    }
    Some(blocks)
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

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every value that a header may carry.
    pub(in crate::wire) fn any_options() -> impl Strategy<Value = Options> {
        let block = any::<[u32; 2]>().prop_map(|[left, right]| SackBlock { left, right });
        let timestamps = any::<[u32; 2]>().prop_map(|[val, ecr]| Timestamps { val, ecr });
        (
            any::<Option<u16>>(),
            prop::option::of(0..=MAX_WINDOW_SCALE),
            any::<bool>(),
            prop::collection::vec(block, 0..=SackBlocks::MAX),
            prop::option::of(timestamps),
        )
            .prop_map(
                |(mss, window_scale, sack_permitted, blocks, timestamps)| Options {
                    mss,
                    window_scale,
                    sack_permitted,
                    sack: sack(&blocks),
                    timestamps,
                },
            )
    }

    /// What arrives of options that were sent: as many blocks as there was room for.
    pub(in crate::wire) fn limited(options: Options) -> Options {
        let room = options.sack_room();
        Options {
            sack: sack(&options.sack.as_slice()[..room]),
            ..options
        }
    }

    fn sack(blocks: &[SackBlock]) -> SackBlocks {
        let mut sack = SackBlocks::default();
        assert!(blocks.iter().all(|&block| sack.push(block)));
        sack
    }

    fn block(left: u32, right: u32) -> SackBlock {
        SackBlock { left, right }
    }

    fn written(options: Options) -> Vec<u8> {
        let mut out = [0xee; MAX_LEN];
        let len = options.write(&mut out);
        assert_eq!(len, options.wire_len());
        assert!(out[len..].iter().all(|&octet| octet == 0xee));
        out[..len].to_vec()
    }

    const MSS_1460: Options = Options {
        mss: Some(1460),
        window_scale: None,
        sack_permitted: false,
        sack: SackBlocks::NONE,
        timestamps: None,
    };
    const TS: Timestamps = Timestamps { val: 1, ecr: 2 };

    #[test]
    fn a_syn_has_them_in_the_order_of_linux() {
        let all = Options {
            sack_permitted: true,
            timestamps: Some(TS),
            window_scale: Some(7),
            ..MSS_1460
        };
        let bytes = [
            2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7,
        ];
        assert_eq!(written(all), bytes);

        let no_timestamps = Options {
            timestamps: None,
            ..all
        };
        let bytes = [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7];
        assert_eq!(written(no_timestamps), bytes);

        let no_sack = Options {
            sack_permitted: false,
            ..all
        };
        let bytes = [
            2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7,
        ];
        assert_eq!(written(no_sack), bytes);
        assert_eq!(written(MSS_1460), [2, 4, 5, 180]);
    }

    #[test]
    fn other_segments_pad_in_front() {
        let options = Options {
            timestamps: Some(TS),
            sack: sack(&[block(3, 4)]),
            ..Options::default()
        };
        let bytes = [
            1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4,
        ];
        assert_eq!(written(options), bytes);
    }

    #[test]
    fn blocks_without_room_are_left_out() {
        let four: Vec<_> = (0..4).map(|n| block(n, n + 1)).collect();
        let alone = Options {
            sack: sack(&four),
            ..Options::default()
        };
        assert_eq!(alone.wire_len(), 36);
        assert_eq!(Options::parse(&written(alone)), alone);
        let beside_timestamps = Options {
            timestamps: Some(TS),
            ..alone
        };
        assert_eq!(beside_timestamps.wire_len(), 40);
        let read = Options::parse(&written(beside_timestamps));
        assert_eq!(read.sack, sack(&four[..3]));
    }

    #[test]
    fn around_an_mss_in_odd_strings() {
        let rows: &[(&str, &[u8], bool)] = &[
            (
                "unknown kinds are skipped",
                &[34, 4, 9, 9, 254, 2, 2, 4, 5, 180],
                true,
            ),
            ("length 0 ends the reading", &[2, 0, 2, 4, 5, 180], false),
            ("length 1 ends the reading", &[2, 1, 2, 4, 5, 180], false),
            ("unknown, length 0", &[99, 0, 2, 4, 5, 180], false),
            ("unknown, length 1", &[99, 1, 2, 4, 5, 180], false),
            ("what came before counts", &[2, 4, 5, 180, 99, 0], true),
            ("length beyond the end", &[2, 4, 5, 180, 3, 4, 7], true),
            ("kind without a length", &[2, 4, 5, 180, 3], true),
            ("nothing behind the end", &[0, 2, 4, 5, 180], false),
            (
                "wrong length of a known kind",
                &[2, 3, 5, 2, 4, 5, 180],
                true,
            ),
            ("the first of two counts", &[2, 4, 5, 180, 2, 4, 1, 1], true),
        ];
        for (what, bytes, has_mss) in rows {
            let expected = if *has_mss {
                MSS_1460
            } else {
                Options::default()
            };
            assert_eq!(Options::parse(bytes), expected, "{what}");
        }
    }

    #[test]
    fn a_window_scale_counts_as_14_at_most() {
        let scale = |bytes: &[u8]| Options::parse(bytes).window_scale;
        for shift in 0..=255 {
            assert_eq!(scale(&[3, 3, shift]), Some(shift.min(14)));
        }
        assert_eq!(
            scale(&[3, 3, 1, 3, 3, 2]),
            Some(1),
            "the first of two counts"
        );
    }

    #[test]
    fn options_with_a_wrong_length_are_skipped() {
        let sack_permitted = Options {
            sack_permitted: true,
            ..Options::default()
        };
        let wrong: [&[u8]; 6] = [
            &[2, 2],
            &[3, 4, 0, 0],
            &[4, 3, 0],
            &[5, 2],
            &[8, 9, 0, 0, 0, 1, 0, 0, 0],
            &[8, 11, 0, 0, 0, 1, 0, 0, 0, 2, 0],
        ];
        for wrong in wrong {
            assert_eq!(Options::parse(wrong), Options::default(), "{wrong:?}");
            let followed = [wrong, &[4, 2]].concat();
            assert_eq!(Options::parse(&followed), sack_permitted, "{wrong:?}");
        }
    }

    #[test]
    fn a_sack_option_has_one_to_four_whole_blocks() {
        for len in 2..=40u8 {
            let mut bytes = vec![0; usize::from(len)];
            bytes[..2].copy_from_slice(&[5, len]);
            let blocks = match len {
                10 => 1,
                18 => 2,
                26 => 3,
                34 => 4,
                _ => 0,
            };
            assert_eq!(Options::parse(&bytes).sack.len(), blocks, "length {len}");
        }
        let two = [5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4];
        assert_eq!(Options::parse(&two).sack, sack(&[block(1, 2)]));
    }

    #[test]
    fn the_quick_way_reads_what_the_long_way_reads() {
        let quick = [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8];
        let long = [&quick[..], &[0]].concat();
        let expected = Options {
            timestamps: Some(Timestamps {
                val: 0x0102_0304,
                ecr: 0x0506_0708,
            }),
            ..Options::default()
        };
        assert_eq!(Options::parse(&quick), expected);
        assert_eq!(Options::parse(&long), expected);
    }

    /// Only two options fit in three octets, so for every string it is known what it says.
    #[test]
    fn every_string_of_up_to_three_octets() {
        let expected = |bytes: &[u8]| match *bytes {
            [4, 2] | [4, 2, _] | [1, 4, 2] => Options {
                sack_permitted: true,
                ..Options::default()
            },
            [3, 3, shift] => Options {
                window_scale: Some(shift.min(14)),
                ..Options::default()
            },
            _ => Options::default(),
        };
        for number in 0..1u32 << 24 {
            let [_, bytes @ ..] = number.to_be_bytes();
            assert_eq!(Options::parse(&bytes), expected(&bytes), "{bytes:?}");
            if number < 1 << 16 {
                let bytes = &bytes[1..];
                assert_eq!(Options::parse(bytes), expected(bytes), "{bytes:?}");
            }
            if number < 1 << 8 {
                let bytes = &bytes[2..];
                assert_eq!(Options::parse(bytes), expected(bytes), "{bytes:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(options in any_options()) {
            let bytes = written(options);
            prop_assert!(bytes.len() <= MAX_LEN && bytes.len().is_multiple_of(4));
            prop_assert_eq!(Options::parse(&bytes), limited(options));
        }

        #[test]
        fn any_string_is_read_within_its_bounds(
            bytes in prop::collection::vec(prop_oneof![0..12u8, any::<u8>()], 0..=40)
        ) {
            let options = Options::parse(&bytes);
            prop_assert!(options.window_scale.is_none_or(|shift| shift <= MAX_WINDOW_SCALE));
            // Each option that is read stands in the string.
            let stands = |octets: &[u8]| bytes.windows(octets.len()).any(|window| window == octets);
            if let Some(mss) = options.mss {
                prop_assert!(stands(&mss.to_be_bytes()));
            }
            if let Some(Timestamps { val, ecr }) = options.timestamps {
                prop_assert!(stands(&val.to_be_bytes()) && stands(&ecr.to_be_bytes()));
            }
            let read = RawOptions(&bytes).map(|raw| match raw {
                RawOption::Option { data, .. } => 2 + data.len(),
                RawOption::End | RawOption::NoOperation | RawOption::Bad => 1,
            });
            prop_assert!(read.sum::<usize>() <= bytes.len());
        }
    }
}
