//! The options that this stack understands, one by one.

use super::accurate_ecn::{AccurateEcn, CounterOrder};
use super::fast_open::{self, FastOpen};
use super::kinds::{
    ACC_ECN_0, ACC_ECN_1, EXPERIMENT_2, FAST_OPEN, MSS, SACK, SACK_PERMITTED, SIGNATURE,
    TIMESTAMPS, WINDOW_SCALE,
};
use super::sack::{SackBlock, SackBlocks};
use super::timestamps::Timestamps;

/// An option that this stack understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) enum Known {
    Mss(u16),
    /// As it is in the header.
    WindowScale(u8),
    SackPermitted,
    Sack(SackBlocks),
    Timestamps(Timestamps),
    AccurateEcn(AccurateEcn),
    FastOpen(FastOpen),
    /// The digest.
    Signature([u8; 16]),
}

impl Known {
    /// `None` if the kind is unknown, or the length wrong for it.
    pub(in crate::wire) fn read(kind: u8, data: &[u8]) -> Option<Known> {
        match (kind, data) {
            (MSS, &[high, low]) => Some(Known::Mss(u16::from_be_bytes([high, low]))),
            (WINDOW_SCALE, &[shift]) => Some(Known::WindowScale(shift)),
            (SACK_PERMITTED, []) => Some(Known::SackPermitted),
            (SACK, data) => sack_blocks(data).map(Known::Sack),
            (TIMESTAMPS, data) => Some(Known::Timestamps(timestamps(data.try_into().ok()?))),
            (FAST_OPEN, data) => FastOpen::read(data, false).map(Known::FastOpen),
            (EXPERIMENT_2, data) => {
                let cookie = data.strip_prefix(&fast_open::EXPERIMENT)?;
                FastOpen::read(cookie, true).map(Known::FastOpen)
            }
            (SIGNATURE, data) => Some(Known::Signature(data.try_into().ok()?)),
            (ACC_ECN_0, data) => Some(accurate_ecn(CounterOrder::E0First, data)),
            (ACC_ECN_1, data) => Some(accurate_ecn(CounterOrder::E1First, data)),
            _ => None,
        }
    }
}

fn accurate_ecn(order: CounterOrder, data: &[u8]) -> Known {
    Known::AccurateEcn(AccurateEcn::read(order, data))
}

pub(super) fn timestamps(data: &[u8; 8]) -> Timestamps {
    let [val, ecr] = pair(data);
    Timestamps { val, ecr }
}

/// RFC 2018 §3: one to four blocks of eight octets; anything else is not a SACK
/// option.
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
