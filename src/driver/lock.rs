//! A mutex that a busy thread cannot hog, and that passes directly to a waiter only now and
//! then.

use parking_lot::{Mutex, MutexGuard};

/// A mutex for one thread that takes it again at once, turn after turn, and other threads that
/// need it now and then. With the mutex of the standard library, the busy thread takes it again
/// before the thread that it has woken can run, every time. Always handing it to the thread that
/// has waited longest would cost a switch of threads for each hold. This one does so once in
/// about half a millisecond; otherwise the first thread to come gets it.
#[derive(Debug)]
pub(crate) struct FairMutex<T>(Mutex<T>);

impl<T> FairMutex<T> {
    pub(crate) fn new(value: T) -> FairMutex<T> {
        FairMutex(Mutex::new(value))
    }

    /// Waits for the lock. After a panic, the next thread gets the value as the panic left it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn a_busy_thread_lets_others_in() {
        let lock = FairMutex::new(0u64);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let mut held = lock.lock();
                    *held += 1;
                    thread::sleep(Duration::from_millis(1));
                }
            });
            while *lock.lock() == 0 {
                thread::yield_now();
            }
            // Each entry has to wait for one or two holds of the busy thread, not hundreds.
            let start = Instant::now();
            for _ in 0..20 {
                drop(lock.lock());
            }
            let took = start.elapsed();
            stop.store(true, Ordering::Relaxed);
            assert!(took < Duration::from_secs(2), "20 entries took {took:?}");
        });
    }
}
