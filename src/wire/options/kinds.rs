//! The kinds of options that this stack understands, by their numbers.

pub(super) const MSS: u8 = 2;
pub(super) const WINDOW_SCALE: u8 = 3;
pub(super) const SACK_PERMITTED: u8 = 4;
pub(super) const SACK: u8 = 5;
pub(super) const TIMESTAMPS: u8 = 8;
pub(in crate::wire) const SIGNATURE: u8 = 19;
pub(super) const FAST_OPEN: u8 = 34;
pub(super) const EXPERIMENT_2: u8 = 254;
pub(super) const ACC_ECN_0: u8 = 172;
pub(super) const ACC_ECN_1: u8 = 174;
