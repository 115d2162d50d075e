//! Calls the readers of long text whose turn it is: see [`Turns`](super::Turns).

use super::Shared;
use crate::driver::lead::Lead;
use crate::driver::turns::LONG;
use crate::stack::{ConnId, Event, Readiness};
use crate::time::Instant;

impl Shared {
    /// If the turn of the lead is over, the next reader of long text is called: all, if no user leads.
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

    /// The first in the queue of whom there is a reader to wake is called.
    fn call_next(&mut self, now: Instant) {
        while let Some(id) = self.turns.pop() {
            if self.wake_reader(id) {
                self.turns.note_called(id, now);
                return;
            }
        }
    }

    /// Nobody has a handle of this connection any more. Says whether somebody had.
    pub(crate) fn forget(&mut self, id: ConnId) -> bool {
        self.forget_writer(id);
        if self.turns.forget(id) {
            let now = self.shard.now();
            self.call_next(now);
        }
        self.connections.remove(&id)
    }

    /// Says whether there is a reader to wake.
    fn wake_reader(&mut self, id: ConnId) -> bool {
        let before = self.woken.len();
        let event = Event::Connection(id, Readiness::READABLE);
        self.waiters.take(event, &mut self.woken);
        self.woken.len() > before
    }

    /// Whether whom this event concerns waits for a turn.
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
