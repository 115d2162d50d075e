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
    /// Starts a stack on a device, for a program that has no descriptor yet. The MTU of the device counts if it is
    /// less than that of `config`.
    pub(crate) fn start(
        device: impl PollDevice + 'static,
        mut config: Config,
        bsd: Bsd,
    ) -> Result<Host, Errno> {
        config.mtu = config.mtu.min(device.capabilities().mtu);
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|_| Errno::EIO)?;
        let descriptor = device
            .as_fd()
            .try_clone_to_owned()
            .map_err(|_| Errno::EMFILE)?;
        let stack = Stack::new(config, Secret(key)).map_err(|_| Errno::EINVAL)?;
        let device: Box<dyn PollDevice> = Box::new(device);
        let kick = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC);
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
        if !shared.failed {
            shared.shard.stack().abort_all();
            let now = shared.shard.now();
            let _ = shared.shard.transmit(now);
        }
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
        let _alarm = Alarm(&self.inner);
        let mut shared = self.inner.lock();
        let value = shared.attempt(call);
        self.inner.finish(shared);
        value
    }

    fn wait<T>(
        &self,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Calls<'_>) -> Poll<T>,
    ) -> Result<Option<T>, Errno> {
        let _alarm = Alarm(&self.inner);
        let mut shared = self.inner.lock();
        let deadline = timeout.map(|timeout| shared.shard.now() + timeout);
        loop {
            let answer = shared.attempt(&mut attempt);
            let now = shared.shard.now();
            let left = deadline.map(|deadline| deadline - now);
            let is_over = left.is_some_and(|left| left.is_zero());
            let answer = match answer {
                Ok(Poll::Ready(value)) => Some(Ok(Some(value))),
                Ok(Poll::Pending) if is_over => Some(Ok(None)),
                Ok(Poll::Pending) => None,
                Err(error) => Some(Err(error)),
            };
            if let Some(answer) = answer {
                self.inner.finish(shared);
                return answer;
            }
            // The attempt may have begun something: a SYN has a deadline.
            if shared.driver_oversleeps() {
                self.inner.wake_driver();
            }
            shared = match left {
                None => self.inner.changed.wait(shared).unwrap_or_else(broken),
                Some(left) => {
                    let woken = self.inner.changed.wait_timeout(shared, left);
                    let woken = woken.map(|(shared, _)| shared);
                    woken.unwrap_or_else(|error| broken(PoisonError::new(error.into_inner().0)))
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
        self.shared.lock().unwrap_or_else(broken)
    }

    /// After a call: others may have waited for what it did, and the driver may be due earlier.
    fn finish(&self, shared: MutexGuard<'_, Shared>) {
        let due = shared.failed || shared.driver_oversleeps();
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
        let _alarm = Alarm(self);
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

/// A call that panicked left the stack in no known state: nothing goes any more.
fn broken<'a>(poisoned: PoisonError<MutexGuard<'a, Shared>>) -> MutexGuard<'a, Shared> {
    let mut shared = poisoned.into_inner();
    shared.failed = true;
    shared
}

/// Whoever holds it and panics wakes those who wait, who would not hear of it otherwise. It is to be dropped after
/// the lock.
struct Alarm<'a>(&'a Inner);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.changed.notify_all();
            self.0.wake_driver();
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time;

    use stubborn::bsd::linux::{AF_INET, SOCK_NONBLOCK, SOCK_STREAM};
    use stubborn::driver::memory;
    use stubborn::link::{Batch, Device};
    use stubborn::wire::{self, Payload};

    use super::*;

    /// A host, and the other end of its device.
    fn host(config: Config) -> (Host, memory::MemoryDevice) {
        let (device, other) = memory::pair(1400).unwrap();
        (Host::start(device, config, Bsd::new()).unwrap(), other)
    }

    fn config() -> Config {
        Config::new(["10.0.0.1".parse().unwrap()])
    }

    /// Who waits when another call panics waits no longer, and nothing goes any more.
    #[test]
    fn a_panic_ends_every_wait() {
        let (host, _other) = host(config());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| host.wait(None, |_| Poll::<()>::Pending));
            thread::sleep(Duration::from_millis(50));
            let call = AssertUnwindSafe(|| host.call(|_| panic!("a test")));
            assert!(catch_unwind(call).is_err());
            assert_eq!(waiting.join().unwrap(), Err(Errno::EIO));
        });
        assert_eq!(host.call(|_| ()), Err(Errno::EIO));
    }

    /// What an attempt has begun goes on, though the time to wait for it is over.
    #[test]
    fn a_wait_that_is_over_leaves_nothing_lying() {
        let mut config = config();
        config.tcp.initial_rto = Duration::from_millis(50);
        config.tcp.min_rto = Duration::from_millis(50);
        let (host, mut other) = host(config);
        let begun = host.wait(Some(Duration::ZERO), |calls| {
            let kind = SOCK_STREAM | SOCK_NONBLOCK;
            let fd = calls.socket(AF_INET, kind, 0).unwrap();
            let begun = calls.connect(fd, "10.0.0.2:80".parse().unwrap());
            assert_eq!(begun, Err(Errno::EINPROGRESS));
            Poll::<()>::Pending
        });
        assert_eq!(begun, Ok(None));
        let (mut batch, start) = (Batch::new(1, 1400), time::Instant::now());
        for number in 0..2 {
            loop {
                batch.clear();
                other.receive(&mut batch).unwrap();
                if let Some(datagram) = batch.iter().next() {
                    let parsed = wire::parse(datagram).unwrap();
                    let Payload::Tcp(syn, _) = parsed.payload else {
                        panic!("{parsed:?}");
                    };
                    assert_eq!(syn.options.mss, Some(1360), "the device's");
                    break;
                }
                let waited = start.elapsed();
                assert!(waited < Duration::from_secs(20), "SYN number {number}");
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Programs that this one becomes, or starts, have no descriptor of the library's.
    #[test]
    fn descriptors_are_closed_on_exec() {
        let (host, _other) = host(config());
        let kick = host.inner.kick.as_fd().as_raw_fd();
        let about = fs::read_to_string(format!("/proc/self/fdinfo/{kick}")).unwrap();
        let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = i32::from_str_radix(flags.unwrap().trim(), 8).unwrap();
        assert_ne!(flags & libc::O_CLOEXEC, 0, "{flags:o}");
    }
}
