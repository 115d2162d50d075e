//! Which thread leads.

use super::waiters::Key;

/// The thread that polls the device and does the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// None at this moment; the background thread soon does.
    Nobody,
    /// The background thread.
    Background,
    /// A waiting user's thread.
    User(Ticket),
}

/// Identifies a wait that leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    pub(super) key: Key,
    /// Unique to this ticket.
    pub(super) number: u64,
    /// Which of the users' kicks gets it out of poll.
    pub(super) kick: usize,
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Ticket) -> bool {
        self.number == other.number
    }
}

impl Eq for Ticket {}

/// How many kicks the users have: one for the lead, and one for the next lead while the last is
/// still on its way out of poll.
pub(super) const USER_KICKS: usize = 2;

impl Lead {
    pub(super) fn is_for(self, key: Key) -> bool {
        matches!(self, Lead::User(ticket) if ticket.key == key)
    }
}
