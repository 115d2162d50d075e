//! Who waits for what.

use std::collections::HashMap;
use std::task::Waker;

use crate::stack::{ConnId, Event, ListenerId, Readiness};

/// What a wait is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A connection is worth trying again.
    Connection(ConnId),
    /// A listener has a connection to accept.
    Listener(ListenerId),
    /// No connection is left unfinished.
    Finished,
}

#[derive(Debug)]
struct Waiter {
    interest: Readiness,
    waker: Waker,
}

/// Those who wait, by what they wait for. Holds nothing for a connection that nobody waits for.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    table: HashMap<Key, Vec<Waiter>>,
}

impl Waiters {
    /// Notes that `waker` is to be woken when `key` has `interest`, or at any change of state.
    pub(crate) fn add(&mut self, key: Key, interest: Readiness, waker: &Waker) {
        self.table.entry(key).or_default().push(Waiter {
            interest,
            waker: waker.clone(),
        });
    }

    /// Forgets `waker`, which no longer waits.
    pub(crate) fn remove(&mut self, key: Key, waker: &Waker) {
        if let Some(waiters) = self.table.get_mut(&key) {
            waiters.retain(|waiter| !waiter.waker.will_wake(waker));
            self.drop_if_empty(key);
        }
    }

    /// Moves to `woken` those whom `event` concerns.
    pub(crate) fn take(&mut self, event: Event, woken: &mut Vec<Waker>) {
        match event {
            Event::Connection(id, readiness) => {
                let key = Key::Connection(id);
                let Some(waiters) = self.table.get_mut(&key) else {
                    return;
                };
                let state = readiness.has(Readiness::STATE);
                let concerned = |waiter: &mut Waiter| state || readiness.has(waiter.interest);
                woken.extend(waiters.extract_if(.., concerned).map(|waiter| waiter.waker));
                self.drop_if_empty(key);
            }
            Event::Acceptable(id) => self.take_one(Key::Listener(id), woken),
        }
    }

    /// Moves to `woken` the one who has waited longest for `key`.
    pub(crate) fn take_one(&mut self, key: Key, woken: &mut Vec<Waker>) {
        if let Some(waiters) = self.table.get_mut(&key) {
            woken.push(waiters.remove(0).waker);
            self.drop_if_empty(key);
        }
    }

    /// Moves to `woken` all who wait for `key`.
    pub(crate) fn take_key(&mut self, key: Key, woken: &mut Vec<Waker>) {
        let waiters = self.table.remove(&key).unwrap_or_default();
        woken.extend(waiters.into_iter().map(|waiter| waiter.waker));
    }

    /// Moves everybody to `woken`.
    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        let waiters = self.table.drain().flat_map(|(_, waiters)| waiters);
        woken.extend(waiters.map(|waiter| waiter.waker));
    }

    /// Whether somebody waits for `key`.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.table.contains_key(&key)
    }

    fn drop_if_empty(&mut self, key: Key) {
        if self.table.get(&key).is_some_and(Vec::is_empty) {
            self.table.remove(&key);
        }
    }
}
