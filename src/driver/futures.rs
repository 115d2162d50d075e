//! What a future does where a thread would sleep: it registers its waker, and never leads.
//!
//! Why no wake-up is lost: as for threads (see [`engine`](super::engine)), a waker is entered under the
//! same lock as the attempt was made. Why there is always a lead: either a user's thread leads, and
//! dispatches events to all waiters; or the background thread does. It is woken if no thread leads when a
//! future begins to wait, and the alarm calls it if a user gives up the lead later.
//!
//! A future that is woken, and dropped before it is polled again, takes nothing away from others: an event
//! wakes all waiters that it concerns. Only a connection to accept wakes a single waiter, and for that
//! [`Engine::leave`] wakes the next.

use core::task::Poll;
use std::task::Waker;

use super::closed::Closed;
use super::engine::Engine;
use super::lead::Lead;
use super::shared::Shared;
use super::waiters::{Key, Left, Place};
use crate::stack::Readiness;
use crate::time::Instant;

impl Engine {
    /// Tries once. If that is pending, registers `waker` to be woken when another try may succeed, until
    /// the next poll with the same `place`, or [`Engine::leave`].
    pub(crate) fn poll<T>(
        &self,
        key: Key,
        interest: Readiness,
        place: &Place,
        waker: &Waker,
        attempt: impl FnOnce(&mut Shared, Instant) -> Poll<T>,
    ) -> Poll<Result<T, Closed>> {
        let (answer, left) = self.call(|shared, now| {
            // If this waiter was called for a connection to accept, the attempt notes that it has
            // come.
            let left = shared.waiters.remove(key, place);
            let answer = shared.check(key).map(|()| attempt(shared, now));
            let answer = match (answer, shared.closed) {
                (Err(reason), _) | (Ok(Poll::Pending), Some(reason)) => Poll::Ready(Err(reason)),
                (Ok(Poll::Ready(answer)), _) => Poll::Ready(Ok(answer)),
                (Ok(Poll::Pending), None) => {
                    shared.enter(key, interest, waker, place);
                    Poll::Pending
                }
            };
            (answer, left)
        });
        left.end();
        answer
    }

    /// The waiter at `place` no longer waits for `key`.
    pub(crate) fn leave(&self, key: Key, place: &Place) {
        if place.is_taken() {
            let mut shared = self.lock();
            let left = shared.leave(key, place);
            self.release(shared);
            left.end();
        }
    }
}

impl Shared {
    /// The waiter at `place` no longer waits for `key`. If it was called and has not come, another is
    /// called.
    fn leave(&mut self, key: Key, place: &Place) -> Left {
        let left = self.waiters.remove(key, place);
        if let (Key::Listener(id), Left::Woken) = (key, &left)
            && !self.has_panicked()
        {
            self.has_come(id);
        }
        left
    }

    /// Enters a future. It cannot lead, so another thread must, and at once.
    fn enter(&mut self, key: Key, interest: Readiness, waker: &Waker, place: &Place) {
        self.waiters.add(key, interest, waker, place);
        if self.lead == Lead::Nobody {
            self.lead = Lead::Background;
            self.woken.extend(self.background.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::config::{Config, ListenerConfig};
    use crate::driver::{memory, start};
    use crate::stack::{Event, ListenerId};

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Task {
        fn woken(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    /// A host with a listener, without its threads.
    fn host() -> (Engine, ListenerId, memory::MemoryDevice) {
        let (device, other_end) = memory::pair(1500).unwrap();
        let config = Config::new(["192.0.2.1".parse().unwrap()]);
        let mut engines = start::engines(vec![Box::new(device)], &config).unwrap();
        let engine = engines.remove(0);
        let id = engine.call(|shared, _| {
            let local = "192.0.2.1:7".parse().unwrap();
            let config = ListenerConfig::default();
            let id = shared.stack().listen_with(local, config).unwrap();
            shared.listeners.insert(id);
            id
        });
        (engine, id, other_end)
    }

    /// Polls a future that stays pending.
    fn pends(engine: &Engine, id: ListenerId, place: &Place, task: &Arc<Task>) {
        let waker = Waker::from(Arc::clone(task));
        let key = Key::Listener(id);
        let answer = engine.poll(key, Readiness::READABLE, place, &waker, |shared, _| {
            shared.has_come(id);
            Poll::<()>::Pending
        });
        assert_eq!(answer, Poll::Pending);
    }

    /// Acts as if a connection had arrived.
    fn happens(engine: &Engine, id: ListenerId) {
        let mut shared = engine.lock();
        let mut woken = Vec::new();
        shared.waiters.take(Event::Acceptable(id), &mut woken);
        drop(shared);
        woken.into_iter().for_each(Waker::wake);
    }

    #[test]
    fn when_a_future_begins_to_wait_somebody_leads() {
        let (engine, id, _other_end) = host();
        let (task, background) = (Arc::<Task>::default(), Arc::<Task>::default());
        {
            let mut shared = engine.lock();
            shared.background = Some(Waker::from(Arc::clone(&background)));
            let lead = shared.take_lead(Key::Finished).unwrap();
            drop(shared);
            let place = Place::default();
            pends(&engine, id, &place, &task);
            assert_eq!(background.woken(), 0, "a user leads");
            engine.leave(Key::Listener(id), &place);
            engine.call(|shared, now| shared.give_up_lead(lead, now));
        }
        assert_eq!(engine.lock().lead, Lead::Nobody);
        pends(&engine, id, &Place::default(), &task);
        assert_eq!(engine.lock().lead, Lead::Background);
        assert_eq!(background.woken(), 1);
        pends(&engine, id, &Place::default(), &task);
        assert_eq!(background.woken(), 0, "it leads already");
    }

    /// A task is polled again for some other reason, by way of another waker.
    #[test]
    fn who_is_polled_again_is_entered_once_with_the_last_waker() {
        let (engine, id, _other_end) = host();
        let (first, last) = (Arc::<Task>::default(), Arc::<Task>::default());
        let place = Place::default();
        for task in [&first, &first, &last] {
            pends(&engine, id, &place, task);
        }
        happens(&engine, id);
        happens(&engine, id);
        assert_eq!((first.woken(), last.woken()), (0, 1));
    }

    #[test]
    fn nobody_is_woken_who_has_left() {
        let (engine, id, _other_end) = host();
        let task = Arc::<Task>::default();
        let place = Place::default();
        pends(&engine, id, &place, &task);
        engine.leave(Key::Listener(id), &place);
        happens(&engine, id);
        assert_eq!(task.woken(), 0);
    }

    /// The end of the network completes a future that waits.
    #[test]
    fn the_end_of_the_network_wakes_and_is_an_answer() {
        let (engine, id, _other_end) = host();
        let task = Arc::<Task>::default();
        let place = Place::default();
        pends(&engine, id, &place, &task);
        engine.call(|shared, _| shared.close(Closed::Shutdown));
        assert_eq!(task.woken(), 1);
        let waker = Waker::from(Arc::clone(&task));
        let key = Key::Listener(id);
        let answer = engine.poll(key, Readiness::READABLE, &place, &waker, |_, _| {
            Poll::<()>::Pending
        });
        assert_eq!(answer, Poll::Ready(Err(Closed::Shutdown)));
        engine.leave(key, &place);
    }
}
