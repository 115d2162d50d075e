//! A stack on a device, in real time: one thread drives it, any number of threads call it.
//!
//! Everything is under one lock. The driver sleeps in poll(2) until a datagram comes, a deadline
//! is there, or a call has made an earlier one; a thread that waits sleeps on a condition, and is
//! woken whenever anything may have changed. (Rust programs have [`stubborn::sockets`], where only
//! those are woken whom it concerns.) An attempt and the sleep after it are under the lock, and so
//! is whatever could end the sleep: no wake-up is lost.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use stubborn::bsd::{Bsd, Calls, Errno};
use stubborn::config::Config;
use stubborn::driver::{PollDevice, Shard};
use stubborn::stack::{Secret, Stack};
use stubborn::time::Instant;

use crate::posix::Machine;

/// How long connections have to end when the stack ends.
const DRAIN: Duration = Duration::from_secs(2);

/// A running stack.
pub(crate) struct Host {
    inner: Arc<Inner>,
    driver: Option<JoinHandle<()>>,
}

struct Inner {
    shared: Mutex<Shared>,
    changed: Condvar,
    /// Gets the driver out of poll(2).
    kick: EventFd,
}

struct Shared {
    shard: Shard<Box<dyn PollDevice>>,
    bsd: Bsd,
    /// Until when the driver sleeps; `None`: until a datagram comes.
    asleep_until: Option<Instant>,
    /// The driver is to end.
    ending: bool,
    /// The device does not work any more: nothing does.
    failed: bool,
}

impl Host {
    /// Starts a stack on a device, for a program that has no descriptor yet.
    pub(crate) fn start(
        device: impl PollDevice + 'static,
        config: Config,
        bsd: Bsd,
    ) -> Result<Host, Errno> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|_| Errno::EIO)?;
        let descriptor = device
            .as_fd()
            .try_clone_to_owned()
            .map_err(|_| Errno::EMFILE)?;
        let stack = Stack::new(config, Secret(key)).map_err(|_| Errno::EINVAL)?;
        let device: Box<dyn PollDevice> = Box::new(device);
        let kick = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK);
        let inner = Arc::new(Inner {
            shared: Mutex::new(Shared {
                shard: Shard::new(stack, device),
                bsd,
                asleep_until: None,
                ending: false,
                failed: false,
            }),
            changed: Condvar::new(),
            kick: kick.map_err(|_| Errno::EMFILE)?,
        });
        let driven = Arc::clone(&inner);
        let driver = thread::Builder::new()
            .name("stubborn".to_owned())
            .spawn(move || driven.drive(&descriptor))
            .map_err(|_| Errno::EAGAIN)?;
        Ok(Host {
            inner,
            driver: Some(driver),
        })
    }
}

impl Drop for Host {
    /// Closes what is open, gives connections some time to end, and resets the rest.
    fn drop(&mut self) {
        // With a stack that is broken there is nothing to be closed.
        let _ = self.call(|calls| calls.close_all());
        let _ = self.wait(Some(DRAIN), |calls| match calls.is_quiet() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        });
        let mut shared = self.inner.lock();
        shared.shard.stack().abort_all();
        let now = shared.shard.now();
        let _ = shared.shard.transmit(now);
        shared.ending = true;
        drop(shared);
        self.inner.wake_driver();
        if let Some(driver) = self.driver.take() {
            let _ = driver.join();
        }
    }
}

impl Machine for Host {
    fn call<T>(&self, call: impl FnOnce(&mut Calls<'_>) -> T) -> Result<T, Errno> {
        let mut shared = self.inner.lock();
        let value = shared.attempt(call)?;
        self.inner.finish(shared);
        Ok(value)
    }

    fn wait<T>(
        &self,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Calls<'_>) -> Poll<T>,
    ) -> Result<Option<T>, Errno> {
        let mut shared = self.inner.lock();
        let deadline = timeout.map(|timeout| shared.shard.now() + timeout);
        loop {
            if let Poll::Ready(value) = shared.attempt(&mut attempt)? {
                self.inner.finish(shared);
                return Ok(Some(value));
            }
            let now = shared.shard.now();
            let left = deadline.map(|deadline| deadline - now);
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            // The attempt may have begun something: a SYN has a deadline.
            if shared.driver_oversleeps() {
                self.inner.wake_driver();
            }
            shared = match left {
                None => {
                    let woken = self.inner.changed.wait(shared);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
                Some(left) => {
                    let woken = self.inner.changed.wait_timeout(shared, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Shared {
    /// Calls at this moment, and sends what follows from them.
    fn attempt<T>(&mut self, call: impl FnOnce(&mut Calls<'_>) -> T) -> Result<T, Errno> {
        if self.failed {
            return Err(Errno::EIO);
        }
        let now = self.shard.now();
        let value = call(&mut self.bsd.at(now, self.shard.stack()));
        if self.shard.transmit(now).is_err() {
            self.failed = true;
            return Err(Errno::EIO);
        }
        Ok(value)
    }

    /// Something is due before the driver would wake up.
    fn driver_oversleeps(&self) -> bool {
        match (self.shard.next_deadline(), self.asleep_until) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(due), Some(until)) => due < until,
        }
    }

    /// A turn of the driver: how long it may sleep now (`Some(None)`: until a datagram comes);
    /// `None` if it is to end.
    fn turn(&mut self) -> Option<Option<Duration>> {
        if self.ending || self.failed {
            return None;
        }
        let now = self.shard.now();
        let more = match (self.shard.turn(), self.shard.transmit(now)) {
            (Ok(turn), Ok(more)) => turn.more || more,
            _ => {
                self.failed = true;
                return None;
            }
        };
        let now = self.shard.now();
        self.asleep_until = match more {
            true => Some(now),
            false => self.shard.next_deadline(),
        };
        Some(self.asleep_until.map(|until| until - now))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A call that panicked left the stack in no known state; it says so.
        self.shared.lock().unwrap_or_else(|poisoned| {
            let mut shared = poisoned.into_inner();
            shared.failed = true;
            shared
        })
    }

    /// After a call: others may have waited for what it did, and the driver may be due earlier.
    fn finish(&self, shared: MutexGuard<'_, Shared>) {
        let due = shared.driver_oversleeps();
        drop(shared);
        self.changed.notify_all();
        if due {
            self.wake_driver();
        }
    }

    fn wake_driver(&self) {
        // It fails only if the counter is full, and then the driver is awake.
        let _ = self.kick.write(1);
    }

    fn drive(&self, device: &OwnedFd) {
        loop {
            let sleep = self.lock().turn();
            self.changed.notify_all();
            let Some(sleep) = sleep else {
                return;
            };
            let mut sources = [
                PollFd::new(device.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.kick.as_fd(), PollFlags::POLLIN),
            ];
            // A signal ends it early, which does no harm.
            let _ = nix::poll::poll(&mut sources, poll_timeout(sleep));
            let _ = self.kick.read();
        }
    }
}

/// In whole milliseconds, not less.
fn poll_timeout(sleep: Option<Duration>) -> PollTimeout {
    let Some(sleep) = sleep else {
        return PollTimeout::NONE;
    };
    let millis = sleep.as_nanos().div_ceil(1_000_000);
    PollTimeout::from(u16::try_from(millis).unwrap_or(u16::MAX))
}
