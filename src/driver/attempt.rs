//! What a thread waits for: an attempt that is repeated until it succeeds.

use core::task::Poll;

use super::closed::Closed;
use super::reading::Room;
use super::shared::Shared;
use crate::stack::ConnId;
use crate::time::Instant;

/// What a wait is for.
pub(crate) trait Attempt<T> {
    /// Tries. If it is pending, nothing has changed.
    fn attempt(&mut self, shared: &mut Shared, now: Instant) -> Poll<T>;

    /// The connection to which a user writes, and how many octets.
    fn writes(&self) -> Option<(ConnId, usize)> {
        None
    }

    /// After an attempt that is pending: where text may go that arrives for a connection of which
    /// everything has been read. The next attempt has it as its answer.
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
    /// The time is over.
    TimedOut,
    /// It will never come.
    Closed(Closed),
}
