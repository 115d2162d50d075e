//! Readers of long text take turns while more of it arrives than they could all take at once.
//!
//! Text for the lead lands in its user's buffer and is read while it is in the cache. Text for other
//! readers is copied twice, out of cold memory, and waking one of them costs a switch of threads for a
//! super-segment or two. So while the lead's own text comes, a reader of another connection for which long
//! text has arrived is not woken at once. It waits for its turn, until the lead has had enough, or nothing
//! has arrived for a moment. Meanwhile its window fills, and its peer waits.
//!
//! Turns differ in length, but [shares](super::shares) do not.
//!
//! A reader whose turn is over sleeps, so that the reader it has called finds a processor. If it went on
//! until the other comes, turns would become longer by unequal amounts.
//!
//! Why no reader waits for ever: while one waits here, a user leads, and looks no later than
//! [`Turns::look_at`] says. If no user leads for a while, because the reader that was called does not come,
//! the background thread leads and wakes all.

use core::time::Duration;
use std::mem;

use super::shares::Shares;
use super::waiters::Key;
use crate::stack::ConnId;
use crate::time::Instant;

/// A datagram of this many octets is a super-segment, and this much text is long.
pub(super) const LONG: usize = 16 * 1024;

/// A turn is over when this many octets have arrived in it (many times what the reader finds in its
/// receive buffer, which is copied twice),
const ENOUGH: usize = 16 * 1024 * 1024;

/// after this long,
const LONGEST: Duration = Duration::from_millis(4);

/// or when nothing has arrived for this long.
const IDLE: Duration = Duration::from_micros(200);

/// How long a reader that is called may take to come. Meanwhile the reader whose turn is over does
/// not lead.
const TO_COME: Duration = Duration::from_millis(20);

/// How long a reader that has come may take to read what there is and to wait for more.
const TO_READ: Duration = Duration::from_micros(300);

/// The furthest that an account may lie beyond the mark: a few turns, so that no reader has to wait for
/// long.
const MOST_BEYOND: u64 = 4 * ENOUGH as u64;

/// Which reader of long text has the turn, and which connections wait for one.
#[derive(Debug)]
pub(super) struct Turns {
    /// The reader that leads, or led last, and since when.
    lead: Option<Key>,
    began: Instant,
    /// Datagrams and octets that have arrived since then.
    datagrams: usize,
    octets: usize,
    /// Since when nothing has arrived.
    idle_since: Instant,
    /// Connections whose readers wait for a turn.
    shares: Shares,
    /// The reader that was called and does not lead yet, and until when no other is called.
    called: Option<(Key, Instant)>,
    /// The lead knows when to look.
    is_watched: bool,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns {
            lead: None,
            began: Instant::ZERO,
            datagrams: 0,
            octets: 0,
            idle_since: Instant::ZERO,
            shares: Shares::new(MOST_BEYOND),
            called: None,
            is_watched: false,
        }
    }
}

impl Turns {
    /// Whether the reader of `id`, if it has [long](LONG) text, has to wait for a turn while `lead` leads.
    pub(super) fn makes_wait(&self, lead: Key, id: ConnId) -> bool {
        let is_another = matches!(lead, Key::Connection(leading) if leading != id);
        is_another && self.octets >= self.datagrams * LONG
    }

    /// Whether no reader waits for a turn.
    pub(super) fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// Queues the reader of `id`, for which `received` octets have arrived in all.
    pub(super) fn enqueue(&mut self, id: ConnId, received: u64) {
        self.shares.enqueue(id, received);
    }

    /// No more will be read from `id`. Returns whether another must be called in its place, because it
    /// had the turn or was called.
    pub(super) fn forget(&mut self, id: ConnId) -> bool {
        let key = Key::Connection(id);
        self.shares.forget(id);
        let was_called = self.called.take_if(|(called, _)| *called == key).is_some();
        was_called || self.lead == Some(key) && self.called.is_none()
    }

    /// Notes that this many datagrams, with this many octets, have arrived.
    pub(super) fn note(&mut self, datagrams: usize, octets: usize) {
        self.datagrams = self.datagrams.saturating_add(datagrams);
        self.octets = self.octets.saturating_add(octets);
    }

    /// Whether to call the next reader: the turn is over, and no reader that was called is still
    /// expected. `is_idle`: nothing has arrived just now.
    pub(super) fn is_due(&mut self, now: Instant, is_idle: bool) -> bool {
        if !is_idle {
            self.idle_since = now;
        }
        let is_over = self.octets >= ENOUGH
            || now - self.began >= LONGEST
            || is_idle && now - self.idle_since.max(self.began) >= IDLE;
        let is_awaited = self.called.is_some_and(|(_, until)| now < until);
        is_over && !is_awaited
    }

    /// Removes and returns the first connection in the queue.
    pub(super) fn pop(&mut self) -> Option<ConnId> {
        self.shares.pop()
    }

    /// Notes that the reader of `id` has been called.
    pub(super) fn note_called(&mut self, id: ConnId, now: Instant) {
        self.called = Some((Key::Connection(id), now + TO_COME));
    }

    /// Notes that the thread that waited for `key` is awake.
    pub(super) fn has_come(&mut self, key: Key, now: Instant) {
        if let Some((called, until)) = &mut self.called
            && *called == key
        {
            *until = now + TO_READ;
        }
    }

    /// Whether the turn of `key` is over, and another reader was called and still has time to come. Then
    /// the reader of `key` must not lead, and sleeps.
    pub(super) fn is_over(&self, key: Key, now: impl FnOnce() -> Instant) -> bool {
        let is_another = |called: Key| called != key && self.lead == Some(key);
        (self.called).is_some_and(|(called, until)| is_another(called) && now() < until)
    }

    /// No user leads, and all readers are woken.
    pub(super) fn end(&mut self) {
        self.called = None;
    }

    /// Whether the reader of `key` was called, and so may take the lead.
    pub(super) fn has_called(&self, key: Key) -> bool {
        self.called.is_some_and(|(called, _)| called == key)
    }

    /// The reader of `key` takes the lead. If it also led last, its turn goes on. `now` is called
    /// only if a new turn begins.
    pub(super) fn begin(&mut self, key: Key, now: impl FnOnce() -> Instant) {
        self.called.take_if(|(called, _)| *called == key);
        if self.lead.replace(key) != Some(key) {
            (self.began, self.datagrams, self.octets) = (now(), 0, 0);
        }
    }

    /// The lead is about to wait. Returns when it must look even if nothing has arrived; `None` if no
    /// reader waits for a turn.
    pub(super) fn look_at(&mut self, now: Instant) -> Option<Instant> {
        self.is_watched = !self.shares.is_empty();
        let idle = now + IDLE;
        let awaited = self.called.map_or(idle, |(_, until)| until.max(idle));
        self.is_watched.then_some(awaited)
    }

    /// Whether the lead may be waiting without knowing that a reader waits for a turn. Then it must look,
    /// once.
    pub(super) fn is_to_be_told(&mut self) -> bool {
        !self.shares.is_empty() && !mem::replace(&mut self.is_watched, true)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Config;
    use crate::stack::{Secret, Stack};

    const NOW: Instant = Instant::ZERO;

    /// Connections, none of which need be open.
    pub(in crate::driver) fn ids() -> [ConnId; 3] {
        let config = Config::new(["192.0.2.1".parse().unwrap()]);
        let mut stack = Stack::new(config, Secret([0; 16])).unwrap();
        [1, 2, 3].map(|port| {
            let remote = format!("192.0.2.2:{port}").parse().unwrap();
            stack.connect(NOW, None, remote).unwrap()
        })
    }

    /// The first of them leads, and the others wait for their turns.
    fn turns() -> (Turns, [ConnId; 3]) {
        let ids = ids();
        let mut turns = Turns::default();
        turns.begin(Key::Connection(ids[0]), || NOW);
        ids[1..].iter().for_each(|id| turns.enqueue(*id, 0));
        turns.enqueue(ids[1], 0);
        (turns, ids)
    }

    #[test]
    fn only_readers_of_long_text_wait_and_only_while_another_connection_leads() {
        let (mut turns, [first, second, _]) = turns();
        let lead = Key::Connection(first);
        turns.note(2, 2 * LONG);
        assert!(turns.makes_wait(lead, second));
        assert!(!turns.makes_wait(lead, first), "the lead itself");
        assert!(!turns.makes_wait(Key::Finished, second));
        turns.note(1, 1500);
        assert!(!turns.makes_wait(lead, second), "short segments");
    }

    #[test]
    fn a_turn_ends_with_enough_or_after_a_time_or_when_nothing_arrives_for_a_while() {
        let (mut turns, _) = turns();
        turns.note(1, ENOUGH - 1);
        assert!(!turns.is_due(NOW, false));
        turns.note(1, 1);
        assert!(turns.is_due(NOW, false));
        let (mut turns, _) = self::turns();
        assert!(!turns.is_due(NOW + LONGEST / 2, false));
        assert!(turns.is_due(NOW + LONGEST, false));
        let (mut turns, _) = self::turns();
        assert!(!turns.is_due(NOW + 2 * IDLE, false));
        assert!(!turns.is_due(NOW + (3 * IDLE - IDLE / 2), true));
        assert!(turns.is_due(NOW + 3 * IDLE, true));
    }

    #[test]
    fn nobody_else_is_called_until_he_leads_or_stays_away() {
        let (mut turns, [_, second, third]) = turns();
        turns.note(1, ENOUGH);
        assert!(turns.is_due(NOW, false));
        assert_eq!(turns.pop(), Some(second));
        turns.note_called(second, NOW);
        let key = Key::Connection(second);
        assert!(turns.has_called(key) && !turns.has_called(Key::Connection(third)));
        assert!(!turns.is_due(NOW + (TO_COME - IDLE), false));
        assert!(turns.is_due(NOW + TO_COME, false));
        turns.has_come(key, NOW);
        assert_eq!(turns.look_at(NOW), Some(NOW + TO_READ));
        assert!(!turns.is_due(NOW + (TO_READ - IDLE), false));
        turns.begin(key, || NOW);
        assert!(!turns.has_called(key));
        turns.note(1, ENOUGH);
        assert!(turns.is_due(NOW, false));
    }

    /// A lead whose turn is over sleeps as long as the reader that was called has time to come; no other
    /// reader does.
    #[test]
    fn who_has_had_its_turn_gives_way_to_whom_it_called() {
        let (mut turns, ids) = turns();
        let [first, second, third] = ids.map(Key::Connection);
        assert!(!turns.is_over(first, || NOW));
        turns.note_called(ids[1], NOW);
        assert!(turns.is_over(first, || NOW + (TO_COME - IDLE)));
        assert!(!turns.is_over(first, || NOW + TO_COME), "it stays away");
        assert!(!turns.is_over(second, || NOW), "the one that was called");
        assert!(!turns.is_over(third, || NOW));
        turns.end();
        assert!(!turns.is_over(first, || NOW));
    }

    #[test]
    fn another_takes_the_turn_of_who_is_gone() {
        let (mut turns, [first, second, third]) = turns();
        assert!(turns.forget(first), "it had the turn");
        assert_eq!(turns.pop(), Some(second));
        turns.note_called(second, NOW);
        assert!(!turns.forget(third), "another is awaited");
        assert!(!turns.forget(first), "another is awaited");
        assert!(turns.forget(second) && !turns.forget(second));
    }

    /// A reader that leads again, with no other in between, continues its turn.
    #[test]
    fn who_comes_back_goes_on_with_its_turn() {
        let (mut turns, [first, ..]) = turns();
        turns.note(1, ENOUGH);
        turns.begin(Key::Connection(first), || NOW);
        assert!(turns.is_due(NOW, false));
    }

    #[test]
    fn somebody_looks_as_long_as_anybody_waits() {
        let (mut turns, [first, _, _]) = turns();
        assert_eq!(turns.look_at(NOW), Some(NOW + IDLE));
        assert!(!turns.is_to_be_told());
        while turns.pop().is_some() {}
        assert_eq!(turns.look_at(NOW), None);
        assert!(!turns.is_to_be_told());
        turns.enqueue(first, 0);
        assert!(turns.is_to_be_told() && !turns.is_to_be_told());
    }
}
