//! Writers of long text take turns where they would otherwise hold each other up.
//!
//! Threads that write at once compete for the lock, the device and the processors: each writes a
//! super-segment or two, out of memory that is no longer in any cache, and is stopped by the next. If they write one
//! after the other, each finds its text, its send buffer and its peer's reader warm for as long as its turn
//! lasts. So a connection that has written long text for a while waits for its turn, even
//! if there is room in its send buffer; and it keeps its turn while it waits for room.
//!
//! Others must not wait for it for more than a moment. So only connections with a short round trip take
//! turns; one that gets no room for [`IDLE`] passes the turn on; and while one is doing something else, the
//! others wait for it only in proportion to what it has written. Connections that write little, that have a
//! longer path, or whose users cannot sleep, take no turns and write at any time.
//!
//! Why no thread waits for ever: one of the waiting threads, the *watcher*, sleeps only until the present
//! turn must end ([`Writers::watch`]), and then calls the next. When the watcher stops watching while
//! others wait, the first of them is woken and becomes the watcher ([`Writers::unwatched`]).

use core::time::Duration;
use std::collections::BTreeMap;

use super::shares::Shares;
use crate::stack::ConnId;
use crate::time::Instant;

/// A turn is over when this many octets have been written in it (many times the memory that was cold
/// when it began)
const ENOUGH: usize = 16 * 1024 * 1024;

/// or after this long.
const LONGEST: Duration = Duration::from_millis(4);

/// A connection that gets no room for this long passes the turn on; it does so at once if its round trip
/// is longer.
const IDLE: Duration = Duration::from_micros(200);

/// Connections with a longer round trip do not take turns.
const SHORT: Duration = Duration::from_millis(1);

/// A connection that writes again within this time has not paused.
const PAUSE: Duration = Duration::from_millis(1);

/// A connection that has written this many octets without a pause takes turns.
const MUCH: usize = 1024 * 1024;

/// How long others wait for the connection that has the turn while it does something else: this many
/// picoseconds for each octet that it has written without a pause, but at most [`LONGEST`]. That is a few
/// times as long as writing takes, because the scheduler may be what delays it. If it does not come back,
/// the others lose little in comparison to the time it has used.
const PATIENCE_PICOS: u64 = 500;

/// At most this many octets count for that.
const TRUSTED: usize = 8 * MUCH;

/// What a connection has written.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    /// Octets, ever.
    written: u64,
    /// Octets without a pause. Each pause halves them.
    at_once: usize,
    /// When it wrote last.
    last: Instant,
    /// A round trip takes less than [`IDLE`]: it keeps its turn while it waits for room.
    is_near: bool,
}

/// The turn of a connection.
#[derive(Clone, Copy, Debug)]
struct Turn {
    id: ConnId,
    began: Instant,
    /// Octets written in it.
    octets: usize,
    /// When the last of them were written, or, before any were, when the turn began or its writer
    /// came.
    last: Instant,
    /// Its writer has come since it was called.
    has_come: bool,
}

/// Which connection has the turn to write long text, and which wait for one.
#[derive(Debug)]
pub(super) struct Writers {
    turn: Option<Turn>,
    shares: Shares,
    /// The watcher, one of the waiting connections.
    watcher: Option<ConnId>,
    /// The connections that have written long text over short paths, as long as they are open.
    flows: BTreeMap<ConnId, Flow>,
}

impl Default for Writers {
    fn default() -> Writers {
        Writers {
            turn: None,
            // A few turns.
            shares: Shares::new(4 * ENOUGH as u64),
            watcher: None,
            flows: BTreeMap::new(),
        }
    }
}

impl Writers {
    /// A connection is about to write long text over a path with this round trip. Returns whether it
    /// takes turns.
    pub(super) fn begins(&mut self, id: ConnId, round: Duration, now: Instant) -> bool {
        if round >= SHORT {
            return false;
        }
        let flow = self.flows.entry(id).or_default();
        flow.is_near = round < IDLE;
        if now - flow.last >= PAUSE {
            flow.at_once /= 2;
        }
        flow.at_once >= MUCH
    }

    /// Notes that a connection has written this many octets.
    pub(super) fn note(&mut self, id: ConnId, octets: usize, now: Instant) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.written += octets as u64;
            flow.at_once = (flow.at_once + octets).min(TRUSTED);
            flow.last = now;
        }
        if let Some(turn) = self.turn.as_mut().filter(|turn| turn.id == id) {
            turn.octets += octets;
            turn.last = now;
        }
    }

    /// Whether `id` may end the present turn: either the turn is its own and over, or the owner of
    /// the turn stays away.
    pub(super) fn is_over(&self, id: ConnId, now: Instant) -> bool {
        match &self.turn {
            None => true,
            Some(turn) if turn.id == id => turn.octets >= ENOUGH || now - turn.began >= LONGEST,
            Some(turn) => now >= self.awaited_until(turn),
        }
    }

    /// Until when others wait for the connection that has the turn.
    fn awaited_until(&self, turn: &Turn) -> Instant {
        let at_once = self.flows.get(&turn.id).map_or(0, |flow| flow.at_once);
        let patience = match turn.has_come {
            true => Duration::from_nanos(at_once as u64 * PATIENCE_PICOS / 1000).min(LONGEST),
            // Its thread has been woken, and needs a processor.
            false => LONGEST,
        };
        turn.last + patience
    }

    /// Returns whether `id` has the turn; if so, its writer has come to use it.
    pub(super) fn comes(&mut self, id: ConnId, now: Instant) -> bool {
        let turn = self.turn.as_mut().filter(|turn| turn.id == id);
        let Some(turn) = turn else {
            return false;
        };
        if !turn.has_come {
            (turn.has_come, turn.last) = (true, now);
        }
        true
    }

    /// Queues `id` for a turn.
    pub(super) fn enqueue(&mut self, id: ConnId) {
        let written = self.flows.get(&id).map_or(0, |flow| flow.written);
        self.shares.enqueue(id, written);
    }

    /// Gives the turn to the first in the queue, and returns it.
    pub(super) fn call(&mut self, now: Instant) -> Option<ConnId> {
        let next = self.shares.pop();
        self.watcher.take_if(|watcher| Some(*watcher) == next);
        self.turn = next.map(|id| Turn {
            id,
            began: now,
            octets: 0,
            last: now,
            has_come: false,
        });
        next
    }

    /// `id` is about to sleep until its turn. If it is the watcher, returns until when it may
    /// sleep.
    pub(super) fn watch(&mut self, id: ConnId) -> Option<Instant> {
        let is_watcher = *self.watcher.get_or_insert(id) == id;
        let turn = self.turn.as_ref().filter(|_| is_watcher)?;
        Some(self.awaited_until(turn))
    }

    /// Until when `id`, which finds no room, keeps its turn. `None`: it does not have the turn, or
    /// no other waits for one.
    pub(super) fn keeps_until(&self, id: ConnId) -> Option<Instant> {
        let turn = self.turn.as_ref().filter(|turn| turn.id == id)?;
        let is_near = self.flows.get(&id).is_some_and(|flow| flow.is_near);
        let idle = if is_near { IDLE } else { Duration::ZERO };
        (!self.shares.is_empty()).then(|| turn.last + idle)
    }

    /// The first in the queue, if there is no watcher.
    pub(super) fn unwatched(&self) -> Option<ConnId> {
        match self.watcher {
            None => self.shares.first(),
            Some(_) => None,
        }
    }

    /// Whether `id` has written long text over a short path, and is still open.
    pub(super) fn knows(&self, id: ConnId) -> bool {
        self.flows.contains_key(&id)
    }

    /// No more will be written to `id`. Returns whether it had the turn.
    pub(super) fn forget(&mut self, id: ConnId) -> bool {
        self.leave(id);
        self.shares.forget(id);
        self.flows.remove(&id);
        self.turn.is_some_and(|turn| turn.id == id)
    }

    /// `id` no longer waits for a turn.
    pub(super) fn leave(&mut self, id: ConnId) {
        self.shares.leave(id);
        self.watcher.take_if(|watcher| *watcher == id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::turns::tests::ids;

    const NOW: Instant = Instant::ZERO;
    const NEAR: Duration = Duration::from_micros(50);

    /// All three have written [`TRUSTED`] octets without a pause, and the first has the turn.
    fn writers() -> (Writers, [ConnId; 3]) {
        let ids = ids();
        let mut writers = Writers::default();
        for id in ids {
            assert!(!writers.begins(id, NEAR, NOW));
            writers.note(id, TRUSTED, NOW);
            assert!(writers.begins(id, NEAR, NOW));
            writers.enqueue(id);
        }
        assert_eq!(writers.call(NOW), Some(ids[0]));
        assert!(writers.comes(ids[0], NOW));
        (writers, ids)
    }

    #[test]
    fn who_has_written_much_without_a_pause_takes_turns() {
        let [id, ..] = ids();
        let mut writers = Writers::default();
        writers.begins(id, NEAR, NOW);
        writers.note(id, MUCH - 1, NOW);
        assert!(!writers.begins(id, NEAR, NOW));
        writers.note(id, 1, NOW);
        assert!(writers.begins(id, NEAR, NOW));
        assert!(!writers.begins(id, NEAR, NOW + PAUSE));
    }

    /// Half a megabyte again and again, with a pause before each, never adds up to a whole one.
    #[test]
    fn what_is_written_between_pauses_never_adds_up_to_much() {
        let [id, ..] = ids();
        let mut writers = Writers::default();
        for number in 0..100u32 {
            let now = NOW + PAUSE * number;
            assert!(!writers.begins(id, NEAR, now));
            writers.note(id, MUCH / 2, now);
        }
    }

    #[test]
    fn a_turn_is_over_after_so_many_octets_or_after_a_time() {
        let (mut writers, [first, ..]) = writers();
        writers.note(first, ENOUGH - 1, NOW);
        assert!(!writers.is_over(first, NOW));
        assert!(writers.is_over(first, NOW + LONGEST));
        writers.note(first, 1, NOW);
        assert!(writers.is_over(first, NOW));
    }

    /// Half a nanosecond for each octet, at most 4 ms; and 4 ms for a thread that has been woken and
    /// needs a processor.
    #[test]
    fn others_wait_for_who_has_the_turn_as_it_has_written() {
        let (mut writers, [first, second, third]) = writers();
        let patience = LONGEST;
        assert_eq!(writers.watch(second), Some(NOW + patience));
        assert_eq!(writers.watch(third), None, "one is enough");
        assert!(!writers.is_over(second, NOW + patience / 2));
        assert!(writers.is_over(second, NOW + patience));
        let now = NOW + patience;
        assert_eq!(writers.call(now), Some(second));
        assert_eq!(writers.watch(third), Some(now + LONGEST));
        assert!(!writers.comes(first, now) && writers.comes(second, now));
        writers.flows.entry(second).or_default().at_once = 2 * MUCH;
        assert_eq!(
            writers.watch(third),
            Some(now + Duration::from_nanos(MUCH as u64))
        );
        writers.flows.remove(&second);
        assert!(writers.is_over(third, now), "it is gone");
    }

    /// If no thread waits, there is no need to give up a turn.
    #[test]
    fn who_finds_no_room_keeps_its_turn_for_a_moment() {
        let (mut writers, [first, second, third]) = writers();
        assert_eq!(writers.keeps_until(first), Some(NOW + IDLE));
        assert_eq!(writers.keeps_until(second), None);
        writers.begins(first, IDLE, NOW);
        assert_eq!(
            writers.keeps_until(first),
            Some(NOW),
            "its peer is far away"
        );
        [second, third].iter().for_each(|id| writers.leave(*id));
        assert_eq!(writers.keeps_until(first), None);
    }

    #[test]
    fn who_is_called_or_leaves_is_watcher_no_more() {
        let (mut writers, [_, second, third]) = writers();
        writers.watch(second);
        assert_eq!(writers.call(NOW), Some(second));
        assert_eq!(writers.watcher, None);
        writers.watch(third);
        writers.leave(third);
        assert_eq!(writers.watcher, None);
        assert_eq!(writers.call(NOW), None, "nobody waits");
        assert!(writers.is_over(third, NOW));
    }
}
