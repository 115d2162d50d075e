//! Wakes the writers of long text when their turn comes: see [`Writers`](super::Writers).

use super::Shared;
use crate::driver::turns::LONG;
use crate::driver::waiters::Key;
use crate::stack::{ConnId, Event, Readiness};
use crate::time::Instant;

impl Shared {
    /// Whether a thread that is about to write `len` octets to `id` takes turns with others.
    pub(in crate::driver) fn takes_turns(&mut self, id: ConnId, len: usize, now: Instant) -> bool {
        if len < LONG || self.closed.is_some() {
            return false;
        }
        let round = self.shard.stack().min_rtt(id);
        round.is_some_and(|round| self.writers.begins(id, round, now))
    }

    /// Whether it is the turn of `id` to write. If not, the caller must sleep.
    pub(in crate::driver) fn takes_turn(&mut self, id: ConnId, now: Instant) -> bool {
        if !self.writers.knows(id) {
            // The connection no longer takes text: the attempt fails and says why.
            return true;
        }
        if self.writers.is_over(id, now) {
            self.writers.enqueue(id);
            self.call_writer(now, Some(id));
        }
        let is_turn = self.writers.comes(id, now);
        match is_turn {
            true => self.keep_watch(),
            false => self.writers.enqueue(id),
        }
        is_turn
    }

    /// Notes that this many octets have been written to `id`.
    pub(crate) fn note_written(&mut self, id: ConnId, octets: usize, now: Instant) {
        self.writers.note(id, octets, now);
    }

    /// `id` finds no room. If it has the turn and others wait, returns until when it may wait for room.
    /// Once that time is over, the turn passes to the next.
    pub(in crate::driver) fn keeps_turn(&mut self, id: ConnId, now: Instant) -> Option<Instant> {
        let until = self.writers.keeps_until(id)?;
        if until > now {
            return Some(until);
        }
        self.call_writer(now, None);
        self.keep_watch();
        None
    }

    /// Gives the turn to the next waiting connection. `me` is one whose thread is awake.
    fn call_writer(&mut self, now: Instant, me: Option<ConnId>) {
        while let Some(next) = self.writers.call(now) {
            if Some(next) == me || self.wake_writer(next) {
                return;
            }
        }
    }

    /// Wakes the threads that sleep until the turn of `id`. Returns whether there are any.
    fn wake_writer(&mut self, id: ConnId) -> bool {
        let before = self.woken.len();
        self.waiters.take_key(Key::Turn(id), &mut self.woken);
        self.woken.len() > before
    }

    /// Makes sure that there is a watcher as long as a connection waits.
    fn keep_watch(&mut self) {
        while let Some(first) = self.writers.unwatched()
            && !self.wake_writer(first)
        {
            // Its thread is awake already, and queues it again.
            self.writers.leave(first);
        }
    }

    /// A thread no longer waits for the turn of `id`. If another thread does, `id` is queued again.
    pub(in crate::driver) fn leave_turns(&mut self, id: ConnId) {
        self.writers.leave(id);
        self.wake_writer(id);
        self.keep_watch();
    }

    /// Wakes the threads that wait for turns of connections that can no longer be written to.
    pub(super) fn note_state_of_writer(&mut self, event: Event) {
        let Event::Connection(id, readiness) = event else {
            return;
        };
        if readiness.has(Readiness::STATE)
            && self.writers.knows(id)
            && !self.shard.stack().status(id).state.takes_data()
        {
            self.forget_writer(id);
            self.wake_writer(id);
        }
    }

    /// The last handle of this connection is gone.
    pub(super) fn forget_writer(&mut self, id: ConnId) {
        if self.writers.forget(id) {
            let now = self.shard.now();
            self.call_writer(now, None);
        }
        self.keep_watch();
    }
}
