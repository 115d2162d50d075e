//! What a thread waits for: an attempt that is repeated until it succeeds.

use core::task::Poll;

use super::closed::Closed;
use super::reading::Room;
use super::shared::Shared;
use crate::stack::ConnId;
use crate::time::Instant;

/// A call that a wait repeats.
pub(crate) trait Attempt<T> {
    /// Tries once. If this is pending, nothing has changed.
    fn attempt(&mut self, shared: &mut Shared, now: Instant) -> Poll<T>;

    /// The connection to which a user writes, and how many octets.
    fn writes(&self) -> Option<(ConnId, usize)> {
        None
    }

    /// After a pending attempt: where arriving text may land, if the user has read everything
    /// that arrived before. The next attempt returns that text.
    fn room(&mut self) -> Option<Room<'_>> {
        None
    }
}

impl<T, F: FnMut(&mut Shared, Instant) -> Poll<T>> Attempt<T> for F {
    fn attempt(&mut self, shared: &mut Shared, now: Instant) -> Poll<T> {
        self(shared, now)
    }
}

/// Why a wait ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitError {
    /// The timeout is over.
    TimedOut,
    /// What it waited for can never come.
    Closed(Closed),
}
