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
    /// How long a thread that waits for it polls before it sleeps, where others poll for `most`. A turn to
    /// write long text comes much later, and the processor is needed by the thread whose turn it is.
    pub(super) fn look(self, most: Duration) -> Duration {
        match self {
            Key::Turn(_) => Duration::ZERO,
            Key::Connection(_) | Key::Listener(_) | Key::Udp(_) | Key::Finished => most,
        }
    }
}

/// Where one who waits is entered: two may wait for the same with the same waker, and each leaves alone.
/// It changes only under the lock of the table.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// No other was ever entered with it; 0: nowhere.
    number: AtomicU64,
}

impl Place {
    /// Whether it may be in a table: its owner, if nobody else uses it now, knows without the lock.
    pub(super) fn is_taken(&self) -> bool {
        self.number.load(Ordering::Relaxed) > 0
    }

    fn take(&self) -> u64 {
        self.number.swap(0, Ordering::Relaxed)
    }
}

/// How one who waited was found who waits no more.
#[derive(Debug)]
#[must_use = "a waker is not to be dropped under the lock: a task may go with it, and use its sockets"]
pub(crate) enum Left {
    /// It was not entered.
    Nowhere,
    /// It has been woken since.
    Woken,
    /// It waited still, with this waker.
    Waiting(Waker),
}

impl Left {
    /// After unlocking.
    pub(super) fn end(self) {
        if let Left::Waiting(waker) = self {
            drop(waker);
        }
    }
}

#[derive(Debug)]
struct Waiter {
    /// That of its place.
    number: u64,
    interest: Readiness,
    waker: Waker,
    /// It is a thread that sleeps, and may lead when it is woken.
    may_lead: bool,
}

/// Those who wait, by what they wait for. Holds nothing for a connection that nobody waits for.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// Numbers that the stack gives, which no peer chooses: a simple hash will do.
    table: FxHashMap<Key, Vec<Waiter>>,
    /// How many were ever entered.
    entered: u64,
    /// Where somebody was woken to accept who has not come yet.
    called: BTreeSet<ListenerId>,
    /// Whether somebody waits for [`Key::Finished`]: it is asked for all the time.
    finish_awaited: bool,
}

impl Waiters {
    /// Notes that `waker` is to be woken when `key` has `interest`, or at any change of state. Who has `place`
    /// is nowhere else.
    pub(crate) fn add(&mut self, key: Key, interest: Readiness, waker: &Waker, place: &Place) {
        self.enter(key, interest, waker, place, false);
    }

    /// As [`Waiters::add`], for a thread that sleeps, and may lead when it is woken.
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

    /// Whether all who wait to read from this connection, and there is one, are threads that may lead.
    pub(crate) fn may_lead(&self, id: ConnId) -> bool {
        let waiters = self.table.get(&Key::Connection(id)).into_iter().flatten();
        let mut readers = waiters.filter(|waiter| waiter.interest.has(Readiness::READABLE));
        let mut any = false;
        readers.all(|reader| {
            any = true;
            reader.may_lead
        }) && any
    }

    /// Forgets who has `place`, and no longer waits.
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

    /// Moves to `woken` those whom `event` concerns.
    pub(crate) fn take(&mut self, event: Event, woken: &mut Vec<Waker>) {
        match event {
            Event::Connection(id, readiness) => {
                self.take_ready(Key::Connection(id), readiness, woken);
            }
            Event::Udp(id, readiness) => self.take_ready(Key::Udp(id), readiness, woken),
            Event::Acceptable(id) => self.call_one(id, woken),
        }
    }

    /// Moves to `woken` those who wait for one of `readiness`; all, at a change of state.
    fn take_ready(&mut self, key: Key, readiness: Readiness, woken: &mut Vec<Waker>) {
        let Some(waiters) = self.table.get_mut(&key) else {
            return;
        };
        let state = readiness.has(Readiness::STATE);
        let concerned = |waiter: &mut Waiter| state || readiness.has(waiter.interest);
        woken.extend(waiters.extract_if(.., concerned).map(|waiter| waiter.waker));
        self.drop_if_empty(key);
    }

    /// There is a connection to accept: moves to `woken` the one who came last of those who wait for
    /// one, since what its thread needs is most likely still in a cache. But not while somebody is
    /// called who has not come yet: who comes and leaves something calls the next. So of many
    /// connections that come together none wakes more threads than find something to do.
    ///
    /// Why none is left lying: whoever is called comes, or has the call passed on; and the call ends
    /// whenever anybody [comes](Waiters::has_come), whether there is a connection or not.
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

    /// Somebody looks for a connection to accept, or will not any more. If one is left, he must
    /// [call](Waiters::call_one) the next.
    pub(crate) fn has_come(&mut self, id: ListenerId) {
        self.called.remove(&id);
    }

    /// Moves to `woken` all who wait for `key`.
    pub(crate) fn take_key(&mut self, key: Key, woken: &mut Vec<Waker>) {
        let waiters = self.remove_all(key);
        woken.extend(waiters.into_iter().map(|waiter| waiter.waker));
    }

    /// Moves everybody to `woken`.
    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        self.finish_awaited = false;
        let waiters = self.table.drain().flat_map(|(_, waiters)| waiters);
        woken.extend(waiters.map(|waiter| waiter.waker));
    }

    /// Whether somebody waits for [`Key::Finished`].
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

/// Wakes all, after unlocking. A waker is the user's: if one panics, that is not the business of the thread that
/// happens to be here, and the others are to be woken all the same.
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
        /// Wakes those in `woken`, and says how often this one was among them.
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

    /// One task may wait to read and to write: the end of one wait is not that of the other.
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
