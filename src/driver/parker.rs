//! A thread that sleeps until it is woken or a time comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The current thread's place to sleep. Its [`Waker`] is what others wake it with, so that the
/// tables of those who wait know wakers and nothing of threads.
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
        // Release pairs with Acquire in `park`: what the waker did before is seen by the woken.
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

thread_local! {
    static CURRENT: Parker = Parker::new();
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

    /// The one of the current thread. Another if the thread is ending and its own is gone.
    pub(crate) fn current() -> Parker {
        CURRENT
            .try_with(Parker::clone)
            .unwrap_or_else(|_| Parker::new())
    }

    /// What wakes this thread.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Sleeps until woken, or until `timeout` is over, and says whether it was woken. A wake-up that
    /// came before counts, so none is lost between looking and sleeping; others' uses of `unpark`
    /// do not.
    pub(crate) fn park(&self, timeout: Option<Duration>) -> bool {
        let start = Instant::now();
        while !self.signal.woken.swap(false, Ordering::Acquire) {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_before_the_sleep_counts_once() {
        let parker = Parker::current();
        parker.waker().wake_by_ref();
        assert!(parker.park(None));
        let start = Instant::now();
        assert!(!parker.park(Some(Duration::from_millis(5))));
        assert!(start.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn a_stray_unpark_does_not_wake() {
        thread::current().unpark();
        let start = Instant::now();
        Parker::current().park(Some(Duration::from_millis(5)));
        assert!(start.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn another_thread_wakes() {
        let parker = Parker::current();
        let waker = parker.waker().clone();
        let other = thread::spawn(move || waker.wake());
        parker.park(None);
        other.join().unwrap();
    }
}
