//! What a user may wait for.

use core::ops::{BitOr, BitOrAssign};

use super::state::State;
use super::tcb::Tcb;

/// Which calls on a connection are worth trying again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Readiness = Readiness(0);
    /// RECEIVE will not return `WouldBlock`: there is text, the end of the stream, or an error.
    pub const READABLE: Readiness = Readiness(1);
    /// SEND will not return `WouldBlock`: there is room, or an error. The first one after an
    /// active OPEN means that the connection is established or has failed.
    pub const WRITABLE: Readiness = Readiness(2);
    /// The state has changed (STATUS returns it), or urgent data lies ahead (RFC 9293 MUST-32).
    pub const STATE: Readiness = Readiness(4);

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Readiness) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no bit is set.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Readiness {
    type Output = Readiness;
    fn bitor(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }
}

impl BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Readiness) {
        self.0 |= other.0;
    }
}

impl Tcb {
    /// Whether RECEIVE has an answer: text, the end of the stream, or an error.
    pub(crate) fn is_readable(&self) -> bool {
        let has_ended = self.read_shut || self.fin_received() || self.state == State::Closed;
        self.recv_buffer.len() > 0 || self.recv_buffer.is_lent() || has_ended
    }

    /// Whether SEND has an answer: room, or an error. If not, the user waits for room.
    pub(crate) fn finds_room(&mut self) -> bool {
        let is_open = self.state.takes_data() && self.snd.fin.is_none();
        let has_room = self.has_send_room();
        self.starved |= is_open && !has_room;
        !is_open || has_room
    }
}
