//! Wakes the readers of long text when their turn comes: see [`Turns`](super::Turns).

use super::Shared;
use crate::driver::lead::Lead;
use crate::driver::turns::LONG;
use crate::stack::{ConnId, Event, Readiness};
use crate::time::Instant;

impl Shared {
    /// Calls the next reader of long text if the turn of the lead is over, and all of them if no user
    /// leads.
    pub(super) fn call_readers(&mut self, is_idle: bool) {
        if self.turns.is_empty() {
            return;
        }
        if self.lead == Lead::Background {
            self.turns.end();
            while let Some(id) = self.turns.pop() {
                self.wake_reader(id);
            }
        }
        let now = self.shard.now();
        if self.turns.is_due(now, is_idle) {
            self.call_next(now);
        }
    }

    /// Calls the first connection in the queue that has a reader to wake.
    fn call_next(&mut self, now: Instant) {
        while let Some(id) = self.turns.pop() {
            if self.wake_reader(id) {
                self.turns.note_called(id, now);
                return;
            }
        }
    }

    /// The last handle of this connection is gone. Returns whether there was one.
    pub(crate) fn forget(&mut self, id: ConnId) -> bool {
        self.forget_writer(id);
        if self.turns.forget(id) {
            let now = self.shard.now();
            self.call_next(now);
        }
        self.connections.remove(&id)
    }

    /// Wakes the readers of `id`. Returns whether there are any.
    fn wake_reader(&mut self, id: ConnId) -> bool {
        let before = self.woken.len();
        let event = Event::Connection(id, Readiness::READABLE);
        self.waiters.take(event, &mut self.woken);
        self.woken.len() > before
    }

    /// Whether the reader that this event concerns has to wait for its turn.
    pub(super) fn waits_for_turn(&mut self, event: Event) -> bool {
        let (Event::Connection(id, Readiness::READABLE), Lead::User(lead)) = (event, self.lead)
        else {
            return false;
        };
        if !self.turns.makes_wait(lead.key, id) || !self.waiters.may_lead(id) {
            return false;
        }
        let stack = self.shard.stack();
        let waits = stack.readable(id) >= LONG;
        if waits {
            let received = stack.bytes_received(id);
            self.turns.enqueue(id, received);
        }
        waits
    }
}
