//! Waiting until a call succeeds or fails. Every wait ends: with a result, by its timeout, or when the
//! network ends.

use core::task::Poll;
use core::time::Duration;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error;
use crate::driver::{Attempt, Engine, Key, Runtime, Shared};
use crate::stack::Readiness;
use crate::time::Instant;

/// Makes an attempt at one shard: once, or again and again until it has a result, as `patience` says.
pub(super) fn run<T>(
    engine: &Engine,
    key: Key,
    interest: Readiness,
    patience: Patience,
    mut attempt: impl FnMut(&mut Shared, Instant) -> Poll<io::Result<T>>,
) -> io::Result<T> {
    run_for(engine, key, interest, patience, &mut attempt)
}

/// As [`run`], for an attempt that may have a buffer into which text can land.
pub(super) fn run_for<T>(
    engine: &Engine,
    key: Key,
    interest: Readiness,
    patience: Patience,
    attempt: &mut impl Attempt<io::Result<T>>,
) -> io::Result<T> {
    match patience {
        Patience::None => once(engine, key, |shared, now| attempt.attempt(shared, now)),
        Patience::Until(timeout) => engine
            .wait_for(key, interest, timeout, attempt)
            .map_err(|error| error::wait(error, error::would_block))?,
    }
}

/// As [`run`], at all shards: `keys` says what is waited for at each of them, and `attempt` is told at
/// which shard it is made.
pub(super) fn run_any<T>(
    runtime: &Runtime,
    keys: &[Key],
    interest: Readiness,
    patience: Patience,
    mut attempt: impl FnMut(usize, &mut Shared, Instant) -> Poll<io::Result<T>>,
) -> io::Result<T> {
    match patience {
        Patience::None => match runtime.attempt(keys, attempt).map_err(error::closed)? {
            Poll::Ready(answer) => answer,
            Poll::Pending => Err(error::would_block()),
        },
        Patience::Until(timeout) => runtime
            .wait(keys, interest, timeout, &mut attempt)
            .map_err(|error| error::wait(error, error::would_block))?,
    }
}

/// Makes an attempt once. If it is pending, that is an error of the kind `WouldBlock`. `key`: what the
/// attempt is about.
pub(super) fn once<T>(
    engine: &Engine,
    key: Key,
    attempt: impl FnOnce(&mut Shared, Instant) -> Poll<io::Result<T>>,
) -> io::Result<T> {
    let answer = engine.call_on(key, |shared, now| {
        let answer = attempt(shared, now);
        match (answer, shared.closed) {
            (Poll::Ready(answer), _) => answer,
            (Poll::Pending, Some(reason)) => Err(error::closed(reason)),
            (Poll::Pending, None) => Err(error::would_block()),
        }
    });
    answer.map_err(error::closed)?
}

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Not at all.
    None,
    /// For this long; `None`: for ever.
    Until(Option<Duration>),
}

/// Whether and how long the calls of a socket wait. Shared by all its clones.
#[derive(Debug, Default)]
pub(super) struct Waits {
    nonblocking: AtomicBool,
    /// The timeout of reads, receives and accepts.
    pub(super) read: Timeout,
    /// The timeout of writes and sends.
    pub(super) write: Timeout,
}

impl Waits {
    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    /// How long a read, a receive or an accept may wait.
    pub(super) fn to_read(&self) -> Patience {
        self.patience(&self.read)
    }

    /// How long a write or a send may wait.
    pub(super) fn to_write(&self) -> Patience {
        self.patience(&self.write)
    }

    fn patience(&self, timeout: &Timeout) -> Patience {
        match self.nonblocking.load(Ordering::Relaxed) {
            true => Patience::None,
            false => Patience::Until(timeout.get()),
        }
    }
}

/// A timeout that can be changed while other threads use it.
#[derive(Debug, Default)]
pub(super) struct Timeout {
    /// Nanoseconds; 0: none.
    nanos: AtomicU64,
}

impl Timeout {
    pub(super) fn get(&self) -> Option<Duration> {
        match self.nanos.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Sets it, as sockets of the standard library do: a timeout of zero is an error.
    pub(super) fn set(&self, timeout: Option<Duration>) -> io::Result<()> {
        error::check_timeout(timeout)?;
        // Longer timeouts become 584 years.
        let nanos = |timeout: Duration| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        self.nanos
            .store(timeout.map_or(0, nanos), Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_what_was_set() {
        let timeout = Timeout::default();
        assert_eq!(timeout.get(), None);
        timeout.set(Some(Duration::from_micros(1))).unwrap();
        assert_eq!(timeout.get(), Some(Duration::from_micros(1)));
        let refused = timeout.set(Some(Duration::ZERO)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        timeout.set(None).unwrap();
        assert_eq!(timeout.get(), None);
    }
}
