//! How users of a stack name its connections and listeners.

use core::num::NonZeroU64;

/// A connection of a stack. Valid until the user releases it ([`Stack::close`] or [`Stack::abort`]).
/// Using it later is an error of the caller: a call panics if the connection is gone.
///
/// [`Stack::close`]: super::Stack::close
/// [`Stack::abort`]: super::Stack::abort
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// A listener of a stack. Valid until [`Stack::close_listener`](super::Stack::close_listener).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub(super) NonZeroU64);
