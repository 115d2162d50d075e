//! The buffer of a reader that leads, into which text may land.

use crate::link::Landing;
use crate::stack::ConnId;

/// The buffer of a user that waits to read.
pub(crate) struct Room<'a> {
    pub(crate) connection: ConnId,
    pub(crate) buffer: &'a mut [u8],
    /// Octets of text in it, from its start; they count as read.
    pub(crate) filled: &'a mut usize,
}

/// Expects the next text of a connection to land.
pub(super) struct Aim<'a> {
    pub(super) connection: ConnId,
    pub(super) landing: Landing<'a>,
    filled: &'a mut usize,
}

impl<'a> Aim<'a> {
    /// An aim at text behind this many octets of headers; `None` if the room is too small for a
    /// gain.
    pub(super) fn new(headers: usize, room: Room<'a>) -> Option<Aim<'a>> {
        Some(Aim {
            connection: room.connection,
            landing: Landing::new(headers, room.buffer)?,
            filled: room.filled,
        })
    }

    /// Tells the user how much has landed.
    pub(super) fn end(self) {
        *self.filled = self.landing.taken();
    }
}

/// The most waits in a row that do not try, after waits in which something else came.
const MOST_SKIPPED: u32 = 15;

/// Decides whether to let text land, from how it went before: where something other than the
/// expected text comes, fewer and fewer waits try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Luck {
    /// How many waits do not try after one that missed.
    skips: u32,
    /// How many of those have passed.
    skipped: u32,
}

impl Luck {
    /// Whether the next wait tries.
    pub(super) fn tries(&mut self) -> bool {
        let tries = self.skipped >= self.skips;
        self.skipped = if tries { 0 } else { self.skipped + 1 };
        tries
    }

    /// Notes how a try went.
    pub(super) fn note(&mut self, has_missed: bool) {
        self.skips = match has_missed {
            true => (2 * self.skips + 1).min(MOST_SKIPPED),
            false => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misses_is_tried_ever_less_often() {
        let tries = |misses| {
            let mut luck = Luck::default();
            let tried = (0..100).filter(|_| {
                let tries = luck.tries();
                if tries {
                    luck.note(misses);
                }
                tries
            });
            tried.count()
        };
        assert_eq!(tries(false), 100);
        // After 1, 3, 7 and 15 others, and then after 15 each time.
        assert_eq!(tries(true), 9);
    }
}
