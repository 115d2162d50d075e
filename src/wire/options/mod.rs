//! TCP options: our own parser and writer.
//!
//! `etherparse` stops at the first kind that it does not know, and would lose what follows.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | [`Options`]: all that one segment carries |
//! | `kinds` | their numbers |
//! | `known` | the contents of an option of each kind |
//! | `layout` | the order of the options of a SYN |
//! | `raw` | kind, length, data; where a list ends |
//! | `sack` | SACK blocks (RFC 2018) |
//! | `timestamps` | timestamps (RFC 7323) |
//! | `fast_open` | cookies of TCP Fast Open (RFC 7413) |
//! | `accurate_ecn` | the byte counters of Accurate ECN (RFC 9768) |
//!
//! To add an option: a field of [`Options`], its kind in `kinds`, a variant in `known`, and its octets in
//! [`Options::write`] and [`Options::wire_len`].

mod accurate_ecn;
mod fast_open;
mod kinds;
mod known;
mod layout;
mod raw;
mod sack;
#[cfg(test)]
pub(super) mod tests;
mod timestamps;

pub use accurate_ecn::{AccurateEcn, ByteCounters, CounterOrder};
pub use fast_open::{Cookie, FastOpen};
pub use layout::Layout;
pub use sack::{SackBlock, SackBlocks};
pub use timestamps::Timestamps;

pub(super) use known::Known;
pub(super) use raw::{RawOption, RawOptions};

pub(super) use kinds::SIGNATURE;
use kinds::{EXPERIMENT_2, FAST_OPEN, SACK, TIMESTAMPS};
use raw::NO_OPERATION;

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
    /// AccECN, kinds 172 and 174 (RFC 9768 §3.2.3).
    pub accurate_ecn: Option<AccurateEcn>,
    /// Fast Open, kind 34 (RFC 7413 §4.1.1), or 254 as an experiment: SYN only.
    pub fast_open: Option<FastOpen>,
    /// MD5 signature, kind 19 (RFC 2385 §3.0). The digest is not here: the writer leaves room for it
    /// ([`Packet::signed`](super::Packet::signed) fills it), and the reader checks it separately
    /// ([`is_signed_with`](super::is_signed_with)).
    pub signature: bool,
    /// The order in which they are written; the default after parsing.
    pub layout: Layout,
}

/// The octets that a signature takes in a header, with its padding.
const SIGNATURE_LEN: usize = 20;

/// RFC 7323 §2.3: a larger shift count counts as this.
const MAX_WINDOW_SCALE: u8 = 14;

impl Options {
    /// The most octets that a TCP header has room for (RFC 9293 §3.1: the data offset is 4 bits).
    pub const MAX_LEN: usize = 40;

    /// The octets that a signature takes of that, with its padding.
    pub const SIGNATURE: usize = SIGNATURE_LEN;

    /// Parses the options of a header. Options of an unknown kind, or of a known kind with a wrong
    /// length, are skipped; an impossible length (0, 1, beyond the end) ends the parsing; if an
    /// option occurs twice, the first counts.
    #[inline]
    pub fn parse(octets: &[u8]) -> Options {
        // What nearly every segment of a connection carries.
        if let [NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10, data @ ..] = octets
            && let Ok(data) = data.try_into()
        {
            return Options {
                timestamps: Some(known::timestamps(data)),
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
            Known::AccurateEcn(counters) => {
                self.accurate_ecn.get_or_insert(counters);
            }
            Known::FastOpen(option) => {
                self.fast_open.get_or_insert(option);
            }
            Known::Signature(_) => self.signature = true,
        }
    }

    /// Without the options that only a SYN may carry: MSS, window scale, SACK permitted, Fast Open.
    #[inline]
    pub(super) fn without_syn_only(mut self) -> Options {
        (self.mss, self.window_scale) = (None, None);
        (self.sack_permitted, self.fast_open) = (false, None);
        self
    }

    /// The timestamps, if there is nothing else, as on nearly every segment.
    #[inline]
    fn only_timestamps(&self) -> Option<Timestamps> {
        let Options {
            mss: None,
            window_scale: None,
            sack_permitted: false,
            sack,
            timestamps,
            accurate_ecn: None,
            fast_open: None,
            signature: false,
            layout: _,
        } = self
        else {
            return None;
        };
        timestamps.filter(|_| sack.is_empty())
    }

    /// How many octets [`Options::write`] writes: a multiple of four, at most 40.
    #[inline]
    pub fn wire_len(&self) -> usize {
        match self.only_timestamps() {
            Some(_) => TIMESTAMPS_ALONE,
            None => self.wire_len_of_any(),
        }
    }

    #[inline(never)]
    fn wire_len_of_any(&self) -> usize {
        let len = self.wire_len_without_sack();
        match self.sack_room() {
            0 => len,
            blocks => len + 4 + 8 * blocks,
        }
    }

    fn wire_len_without_sack(&self) -> usize {
        let len = self.wire_len_without_fast_open();
        let fast_open = self.fast_open_with_room();
        len + fast_open.map_or(0, |option| option.len().next_multiple_of(4))
    }

    /// The Fast Open option, if there is room for it behind the options before it.
    fn fast_open_with_room(&self) -> Option<&FastOpen> {
        let option = self.fast_open.as_ref()?;
        let room = Options::MAX_LEN.saturating_sub(self.wire_len_without_fast_open());
        (option.len().next_multiple_of(4) <= room).then_some(option)
    }

    fn wire_len_without_fast_open(&self) -> usize {
        let mss = if self.mss.is_some() { 4 } else { 0 };
        let window_scale = if self.window_scale.is_some() { 4 } else { 0 };
        let rest = match (self.sack_permitted, self.timestamps) {
            (_, Some(_)) => 12,
            (true, None) => 4,
            (false, None) => 0,
        };
        let accurate_ecn = self.accurate_ecn.map_or(0, |option| option.wire_len());
        let signature = match self.signature {
            true if self.signature_fits_behind_sack() => SIGNATURE_LEN - 4,
            true => SIGNATURE_LEN,
            false => 0,
        };
        mss + rest + window_scale + accurate_ecn + signature
    }

    /// Whether SACK permitted takes the place of the two NOPs of the signature, so that it needs
    /// none of its own.
    fn signature_fits_behind_sack(&self) -> bool {
        self.layout == Layout::ScaleFirst
            && self.sack_permitted
            && self.timestamps.is_none()
            && self.accurate_ecn.is_none()
    }

    /// How many of the blocks there is room for: four, or three with timestamps.
    fn sack_room(&self) -> usize {
        if self.sack.is_empty() {
            return 0;
        }
        let room = Options::MAX_LEN.saturating_sub(4 + self.wire_len_without_sack()) / 8;
        self.sack.len().min(room)
    }

    /// Writes the options to the front of `out`. Returns how many octets that took. On a SYN their
    /// [`Layout`] gives the order, and the place of a signature; other segments have NOP, NOP, timestamps,
    /// NOP, NOP, SACK. AccECN and Fast Open come before SACK. Blocks for which there is no room are left
    /// out, the last first, and so is Fast Open.
    ///
    /// # Panics
    /// If `out` is shorter than [`Options::wire_len`].
    #[inline]
    pub fn write(&self, out: &mut [u8]) -> usize {
        match self.only_timestamps() {
            Some(timestamps) => timestamps.write_alone(out),
            None => self.write_any(out),
        }
    }

    #[inline(never)]
    fn write_any(&self, out: &mut [u8]) -> usize {
        let mut out = Writer { out, at: 0 };
        self.write_in_order(&mut out);
        if let Some(fast_open) = self.fast_open_with_room() {
            out.put_fast_open(fast_open);
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

/// Timestamps as the only option, with two NOPs before them (RFC 7323, appendix A).
const TIMESTAMPS_ALONE: usize = 12;

impl Timestamps {
    #[inline]
    fn write_alone(self, out: &mut [u8]) -> usize {
        let out: &mut [u8; TIMESTAMPS_ALONE] = out.first_chunk_mut().expect("room for timestamps");
        out[..4].copy_from_slice(&[NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10]);
        out[4..8].copy_from_slice(&self.val.to_be_bytes());
        out[8..].copy_from_slice(&self.ecr.to_be_bytes());
        TIMESTAMPS_ALONE
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

    /// Writes the Fast Open option, padded with NOPs behind it.
    fn put_fast_open(&mut self, option: &FastOpen) {
        let end = self.at + option.len().next_multiple_of(4);
        let len = option.len() as u8;
        match option.experimental {
            true => {
                self.put([EXPERIMENT_2, len]);
                self.put(fast_open::EXPERIMENT);
            }
            false => self.put([FAST_OPEN, len]),
        }
        let cookie = option.cookie_octets();
        self.out[self.at..self.at + cookie.len()].copy_from_slice(cookie);
        self.out[self.at + cookie.len()..end].fill(NO_OPERATION);
        self.at = end;
    }
}
