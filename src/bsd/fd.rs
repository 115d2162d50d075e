//! The numbers of descriptors.

/// A descriptor: a number in a space of its own, from 3 upwards.
pub type Fd = i32;

/// The first number: 0, 1 and 2 are the standard streams.
pub(super) const FIRST: Fd = 3;
