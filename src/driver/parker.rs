//! A thread that sleeps until it is woken or a time comes.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::busy::Busy;

/// The current thread's place to sleep. Other threads wake it by its [`Waker`], so the table of
/// waiters holds only wakers and knows nothing of threads.
#[derive(Clone)]
pub(crate) struct Parker {
    signal: Arc<Signal>,
    waker: Waker,
}

struct Signal {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release pairs with Acquire in `take`: the woken thread sees what the waking one did
        // before.
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

thread_local! {
    static CURRENT: Parker = Parker::new();
    /// Whether this thread polls before it sleeps.
    static BUSY: Cell<Busy> = Cell::default();
}

impl Parker {
    fn new() -> Parker {
        let signal = Arc::new(Signal {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&signal));
        Parker { signal, waker }
    }

    /// The parker of the current thread; a new one if the thread is ending and its own is gone.
    pub(crate) fn current() -> Parker {
        CURRENT
            .try_with(Parker::clone)
            .unwrap_or_else(|_| Parker::new())
    }

    /// What wakes this thread.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Waits until woken, or until `timeout` is over. Polls for as long as `busy`, then sleeps.
    /// Returns whether it was woken. A wake-up that came earlier counts, so none is lost between
    /// polling and sleeping; foreign calls of `unpark` do not count.
    pub(crate) fn park(&self, busy: Duration, timeout: Option<Duration>) -> bool {
        let start = Instant::now();
        if self.look(start, timeout.map_or(busy, |timeout| timeout.min(busy))) {
            return true;
        }
        while !self.take() {
            let Some(timeout) = timeout else {
                thread::park();
                continue;
            };
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left);
        }
        true
    }

    /// Lets the next wait poll, however often that was in vain.
    pub(crate) fn expect(&self) {
        // A thread that is ending does not poll.
        let _ = BUSY.try_with(|cell| cell.set(Busy::default()));
    }

    /// Polls for a wake-up, if that has helped this thread lately, and yields the processor in
    /// between. A thread that polls need not be woken by a system call, and it goes on when the
    /// other threads of its processor have to wait, not in the middle of their work.
    fn look(&self, start: Instant, limit: Duration) -> bool {
        // A thread that is ending sleeps at once.
        BUSY.try_with(|cell| {
            let mut busy = cell.get();
            let limit = busy.next(limit);
            if limit.is_zero() {
                cell.set(busy);
                return self.take();
            }
            let mut woken = self.take();
            while !woken && start.elapsed() < limit {
                thread::yield_now();
                woken = self.take();
            }
            busy.note(!woken);
            cell.set(busy);
            woken
        })
        .unwrap_or(false)
    }

    /// Whether the thread has been woken since the last call.
    fn take(&self) -> bool {
        self.signal.woken.swap(false, Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_before_the_sleep_counts_once() {
        let parker = Parker::current();
        parker.waker().wake_by_ref();
        assert!(parker.park(Duration::ZERO, None));
        let start = Instant::now();
        assert!(!parker.park(Duration::ZERO, Some(Duration::from_millis(5))));
        assert!(start.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn a_stray_unpark_does_not_wake() {
        thread::current().unpark();
        let start = Instant::now();
        Parker::current().park(Duration::ZERO, Some(Duration::from_millis(5)));
        assert!(start.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn another_thread_wakes() {
        let parker = Parker::current();
        let waker = parker.waker().clone();
        let other = thread::spawn(move || waker.wake());
        parker.park(Duration::ZERO, None);
        other.join().unwrap();
    }

    /// The wake-up comes at once, while the thread polls, or when it sleeps already.
    #[test]
    fn who_looks_before_sleeping_misses_no_wake_up() {
        let parker = Parker::current();
        let busy = Duration::from_millis(2);
        for micros in [0, 100, 500, 5_000].repeat(5) {
            let waker = parker.waker().clone();
            let other = thread::spawn(move || {
                thread::sleep(Duration::from_micros(micros));
                waker.wake();
            });
            assert!(parker.park(busy, None));
            other.join().unwrap();
        }
    }

    /// Polling that was in vain again and again is tried once more.
    #[test]
    fn who_expects_a_wake_up_looks() {
        let parker = Parker::current();
        let short = Duration::from_micros(10);
        assert!(!parker.park(short, Some(2 * short)));
        assert_ne!(BUSY.get(), Busy::default());
        parker.expect();
        assert_eq!(BUSY.get(), Busy::default());
    }

    /// The time for polling is part of the timeout, and lengthens no wait.
    #[test]
    fn who_looks_before_sleeping_is_in_time() {
        let (short, long) = (Duration::from_millis(5), Duration::from_secs(60));
        for busy in [short / 2, short, long] {
            let start = Instant::now();
            assert!(!Parker::current().park(busy, Some(short)));
            assert!(start.elapsed() >= short && start.elapsed() < long / 2);
        }
    }
}
