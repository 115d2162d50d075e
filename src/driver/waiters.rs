//! Which threads and futures wait for what.

use core::time::Duration;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use rustc_hash::FxHashMap;

use crate::stack::{ConnId, Event, ListenerId, Readiness, UdpId};

/// What a wait is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A connection is worth trying again.
    Connection(ConnId),
    /// A listener has a connection to accept.
    Listener(ListenerId),
    /// A UDP socket is worth trying again.
    Udp(UdpId),
    /// No connection is left unfinished.
    Finished,
    /// It is the turn of a connection to have long text written.
    Turn(ConnId),
}

impl Key {
    /// How long a thread that waits for this polls before it sleeps, `most` being the usual time. A turn
    /// to write long text comes much later, and the thread that has the turn needs the processor.
    pub(super) fn look(self, most: Duration) -> Duration {
        match self {
            Key::Turn(_) => Duration::ZERO,
            Key::Connection(_) | Key::Listener(_) | Key::Udp(_) | Key::Finished => most,
        }
    }
}

/// Identifies a waiter's entry in the table: two waiters may wait for the same key with the same waker,
/// and each is removed on its own. It changes only under the lock of the table.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Unique to this entry; 0: not entered.
    number: AtomicU64,
}

impl Place {
    /// Whether it may be in a table. Its owner, if no other thread uses it now, knows without the
    /// lock.
    pub(super) fn is_taken(&self) -> bool {
        self.number.load(Ordering::Relaxed) > 0
    }

    fn take(&self) -> u64 {
        self.number.swap(0, Ordering::Relaxed)
    }
}

/// What has become of a waiter that no longer waits.
#[derive(Debug)]
#[must_use = "a waker is not to be dropped under the lock: a task may go with it, and use its sockets"]
pub(crate) enum Left {
    /// It was not entered.
    Nowhere,
    /// It has been woken since.
    Woken,
    /// It was still waiting, with this waker.
    Waiting(Waker),
}

impl Left {
    /// Drops the waker; to be called after unlocking.
    pub(super) fn end(self) {
        if let Left::Waiting(waker) = self {
            drop(waker);
        }
    }
}

#[derive(Debug)]
struct Waiter {
    /// The number of its place.
    number: u64,
    interest: Readiness,
    waker: Waker,
    /// It is a sleeping thread, which may lead when it is woken.
    may_lead: bool,
}

/// The waiters, by what they wait for. Takes no memory for a connection without waiters.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// The stack chooses the numbers in the keys, and no peer does, so a simple hash will do.
    table: FxHashMap<Key, Vec<Waiter>>,
    /// How many waiters were ever entered.
    entered: u64,
    /// The listeners for which a waiter was woken to accept, and has not come yet.
    called: BTreeSet<ListenerId>,
    /// Whether there is a waiter for [`Key::Finished`]. Every dispatch of events asks this.
    finish_awaited: bool,
}

impl Waiters {
    /// Enters a waiter: `waker` will be woken when `key` has `interest`, or at any change of state. `place`
    /// must not be in use.
    pub(crate) fn add(&mut self, key: Key, interest: Readiness, waker: &Waker, place: &Place) {
        self.enter(key, interest, waker, place, false);
    }

    /// As [`Waiters::add`], for a sleeping thread, which may lead when it is woken.
    pub(crate) fn add_thread(
        &mut self,
        key: Key,
        interest: Readiness,
        waker: &Waker,
        place: &Place,
    ) {
        self.enter(key, interest, waker, place, true);
    }

    fn enter(
        &mut self,
        key: Key,
        interest: Readiness,
        waker: &Waker,
        place: &Place,
        may_lead: bool,
    ) {
        self.finish_awaited |= key == Key::Finished;
        self.entered += 1;
        let before = place.number.swap(self.entered, Ordering::Relaxed);
        debug_assert_eq!(before, 0, "it waits already");
        self.table.entry(key).or_default().push(Waiter {
            number: self.entered,
            interest,
            waker: waker.clone(),
            may_lead,
        });
    }

    /// Whether waiters to read from this connection exist, and all are threads that may lead.
    pub(crate) fn may_lead(&self, id: ConnId) -> bool {
        let waiters = self.table.get(&Key::Connection(id)).into_iter().flatten();
        let mut readers = waiters.filter(|waiter| waiter.interest.has(Readiness::READABLE));
        let mut any = false;
        readers.all(|reader| {
            any = true;
            reader.may_lead
        }) && any
    }

    /// Removes the waiter at `place`, which no longer waits.
    pub(crate) fn remove(&mut self, key: Key, place: &Place) -> Left {
        let number = place.take();
        if number == 0 {
            return Left::Nowhere;
        }
        let find = |waiters: &mut Vec<Waiter>| {
            let at = waiters.iter().position(|waiter| waiter.number == number)?;
            Some(waiters.remove(at))
        };
        let Some(waiter) = self.table.get_mut(&key).and_then(find) else {
            return Left::Woken;
        };
        self.drop_if_empty(key);
        Left::Waiting(waiter.waker)
    }

    /// Moves the waiters that `event` concerns to `woken`.
    pub(crate) fn take(&mut self, event: Event, woken: &mut Vec<Waker>) {
        match event {
            Event::Connection(id, readiness) => {
                self.take_ready(Key::Connection(id), readiness, woken);
            }
            Event::Udp(id, readiness) => self.take_ready(Key::Udp(id), readiness, woken),
            Event::Acceptable(id) => self.call_one(id, woken),
        }
    }

    /// Moves the waiters for any of `readiness` to `woken`, and all of them at a change of state.
    fn take_ready(&mut self, key: Key, readiness: Readiness, woken: &mut Vec<Waker>) {
        let Some(waiters) = self.table.get_mut(&key) else {
            return;
        };
        let state = readiness.has(Readiness::STATE);
        let concerned = |waiter: &mut Waiter| state || readiness.has(waiter.interest);
        woken.extend(waiters.extract_if(.., concerned).map(|waiter| waiter.waker));
        self.drop_if_empty(key);
    }

    /// There is a connection to accept. Moves one waiter of the listener to `woken`: the last to
    /// come, because what its thread needs is most likely still in a cache. But while one that was
    /// called has not come yet, calls no other: when it comes and there is more to accept, it calls
    /// the next. So connections that arrive together wake no more threads than find something to do.
    ///
    /// Why no connection is left unaccepted: a waiter that is called comes, or its call is passed on
    /// when it leaves; and a call ends whenever any waiter [comes](Waiters::has_come), whether or
    /// not there is a connection.
    pub(crate) fn call_one(&mut self, id: ListenerId, woken: &mut Vec<Waker>) {
        if self.called.contains(&id) {
            return;
        }
        let key = Key::Listener(id);
        if let Some(waiter) = self.table.get_mut(&key).and_then(Vec::pop) {
            woken.push(waiter.waker);
            self.called.insert(id);
            self.drop_if_empty(key);
        }
    }

    /// A waiter looks for a connection to accept, or never will. If one is left then, the caller
    /// must [call](Waiters::call_one) the next waiter.
    pub(crate) fn has_come(&mut self, id: ListenerId) {
        self.called.remove(&id);
    }

    /// Moves all waiters for `key` to `woken`.
    pub(crate) fn take_key(&mut self, key: Key, woken: &mut Vec<Waker>) {
        let waiters = self.remove_all(key);
        woken.extend(waiters.into_iter().map(|waiter| waiter.waker));
    }

    /// Moves all waiters to `woken`.
    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        self.finish_awaited = false;
        let waiters = self.table.drain().flat_map(|(_, waiters)| waiters);
        woken.extend(waiters.map(|waiter| waiter.waker));
    }

    /// Whether there is a waiter for [`Key::Finished`].
    pub(crate) fn is_finish_awaited(&self) -> bool {
        self.finish_awaited
    }

    fn drop_if_empty(&mut self, key: Key) {
        if self.table.get(&key).is_some_and(Vec::is_empty) {
            self.remove_all(key);
        }
    }

    fn remove_all(&mut self, key: Key) -> Vec<Waiter> {
        self.finish_awaited &= key != Key::Finished;
        self.table.remove(&key).unwrap_or_default()
    }
}

/// Wakes all of them, after unlocking. Wakers are code of the user: if one panics, the thread that happens
/// to call it must not suffer, and the other wakers must still be called.
pub(super) fn wake_all(woken: Vec<Waker>) {
    for waker in woken {
        if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
            log::error!("a waker has panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::stack::{Secret, Stack};
    use crate::time::Instant;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    fn entered(waiters: &mut Waiters, key: Key, interest: Readiness, waker: &Waker) -> Place {
        let place = Place::default();
        waiters.add(key, interest, waker, &place);
        place
    }

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Counter {
        /// Wakes those in `woken`, and returns how often this one was among them.
        fn woken(self: &Arc<Self>, woken: Vec<Waker>) -> usize {
            woken.into_iter().for_each(Waker::wake);
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    fn ids() -> (ConnId, ListenerId) {
        let config = Config::new(["192.0.2.1".parse().unwrap()]);
        let mut stack = Stack::new(config, Secret([7; 16])).unwrap();
        let remote = "192.0.2.2:7".parse().unwrap();
        let id = stack.connect(Instant::ZERO, None, remote).unwrap();
        let listener = stack.listen("192.0.2.1:7".parse().unwrap(), 1).unwrap();
        (id, listener)
    }

    #[test]
    fn those_are_woken_whom_an_event_concerns_and_once() {
        let (id, _) = ids();
        let key = Key::Connection(id);
        let (reader, writer) = (Arc::<Counter>::default(), Arc::<Counter>::default());
        let mut waiters = Waiters::default();
        let enter = |waiters: &mut Waiters| {
            let waker = |counter: &Arc<Counter>| Waker::from(Arc::clone(counter));
            let reads = entered(waiters, key, Readiness::READABLE, &waker(&reader));
            entered(waiters, key, Readiness::WRITABLE, &waker(&writer));
            reads
        };
        let happens = |waiters: &mut Waiters, readiness| {
            let mut woken = Vec::new();
            waiters.take(Event::Connection(id, readiness), &mut woken);
            let by_reader = reader.woken(woken);
            (by_reader, writer.woken(Vec::new()))
        };
        enter(&mut waiters);
        assert_eq!(happens(&mut waiters, Readiness::WRITABLE), (0, 1));
        assert_eq!(happens(&mut waiters, Readiness::WRITABLE), (0, 0));
        assert_eq!(happens(&mut waiters, Readiness::READABLE), (1, 0));
        assert!(waiters.table.is_empty(), "nothing is kept");
        enter(&mut waiters);
        assert_eq!(happens(&mut waiters, Readiness::STATE), (1, 1));
        let reads = enter(&mut waiters);
        assert!(matches!(waiters.remove(key, &reads), Left::Waiting(_)));
        assert_eq!(happens(&mut waiters, Readiness::STATE), (0, 1));
    }

    /// One task may wait both to read and to write: ending one wait must not end the other.
    #[test]
    fn of_two_with_the_same_waker_each_leaves_alone() {
        let (id, _) = ids();
        let key = Key::Connection(id);
        let task = Arc::<Counter>::default();
        let waker = Waker::from(Arc::clone(&task));
        let mut waiters = Waiters::default();
        let reads = entered(&mut waiters, key, Readiness::READABLE, &waker);
        let writes = entered(&mut waiters, key, Readiness::WRITABLE, &waker);
        assert!(matches!(waiters.remove(key, &reads), Left::Waiting(_)));
        assert!(matches!(waiters.remove(key, &reads), Left::Nowhere));
        let mut woken = Vec::new();
        waiters.take(Event::Connection(id, Readiness::WRITABLE), &mut woken);
        assert_eq!(task.woken(woken), 1);
        assert!(matches!(waiters.remove(key, &writes), Left::Woken));
        assert!(matches!(waiters.remove(key, &writes), Left::Nowhere));
        assert!(waiters.table.is_empty());
    }

    #[test]
    fn who_waits_for_a_turn_sleeps_at_once() {
        let (id, listener) = ids();
        let most = Duration::from_micros(50);
        assert_eq!(Key::Turn(id).look(most), Duration::ZERO);
        for key in [Key::Connection(id), Key::Listener(listener), Key::Finished] {
            assert_eq!(key.look(most), most);
        }
    }

    #[test]
    fn readers_may_lead_if_all_are_threads() {
        let (id, _) = ids();
        let key = Key::Connection(id);
        let waker = &Waker::from(Arc::<Counter>::default());
        let mut waiters = Waiters::default();
        assert!(!waiters.may_lead(id), "nobody waits");
        entered(&mut waiters, key, Readiness::WRITABLE, waker);
        assert!(!waiters.may_lead(id), "nobody reads");
        waiters.add_thread(key, Readiness::READABLE, waker, &Place::default());
        assert!(waiters.may_lead(id));
        entered(&mut waiters, key, Readiness::READABLE, waker);
        assert!(!waiters.may_lead(id));
    }

    #[test]
    fn whoever_waits_for_the_end_is_known() {
        let (id, _) = ids();
        let mut waiters = Waiters::default();
        let waker = &Waker::from(Arc::<Counter>::default());
        for _ in 0..2 {
            let other = entered(&mut waiters, Key::Connection(id), Readiness::STATE, waker);
            assert!(!waiters.is_finish_awaited());
            let place = entered(&mut waiters, Key::Finished, Readiness::STATE, waker);
            let _ = waiters.remove(Key::Connection(id), &other);
            assert!(waiters.is_finish_awaited());
            let _ = waiters.remove(Key::Finished, &place);
        }
        for end in [Waiters::take_all, |waiters: &mut Waiters, woken: &mut _| {
            waiters.take_key(Key::Finished, woken);
        }] {
            entered(&mut waiters, Key::Finished, Readiness::STATE, waker);
            end(&mut waiters, &mut Vec::new());
            assert!(!waiters.is_finish_awaited());
        }
    }

    #[test]
    fn a_connection_to_accept_wakes_the_one_who_came_last() {
        let (_, id) = ids();
        let key = Key::Listener(id);
        let counters: [Arc<Counter>; 3] = Default::default();
        let mut waiters = Waiters::default();
        for counter in &counters {
            let waker = Waker::from(Arc::clone(counter));
            entered(&mut waiters, key, Readiness::READABLE, &waker);
        }
        let happens = |waiters: &mut Waiters| {
            let mut woken = Vec::new();
            waiters.take(Event::Acceptable(id), &mut woken);
            woken
        };
        for counter in counters.iter().rev() {
            let woken = happens(&mut waiters);
            assert_eq!(woken.len(), 1);
            assert_eq!(counter.woken(woken), 1);
            assert!(
                happens(&mut waiters).is_empty(),
                "the one before is still to come"
            );
            waiters.has_come(id);
        }
        assert!(waiters.table.is_empty());
        assert!(happens(&mut waiters).is_empty());
        let waker = Waker::from(Arc::clone(&counters[0]));
        entered(&mut waiters, key, Readiness::READABLE, &waker);
        assert_eq!(
            happens(&mut waiters).len(),
            1,
            "where nobody waited, nobody was called"
        );
    }
}
