//! Waiting until a call has an answer. Every wait has a way out: an answer, its timeout, the end
//! of the network.

use core::task::Poll;
use core::time::Duration;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error;
use crate::driver::{Attempt, Engine, Key, Runtime, Shared};
use crate::stack::Readiness;
use crate::time::Instant;

/// Tries at one shard, or tries until there is an answer, as `patience` says.
pub(super) fn run<T>(
    engine: &Engine,
    key: Key,
    interest: Readiness,
    patience: Patience,
    mut attempt: impl FnMut(&mut Shared, Instant) -> Poll<io::Result<T>>,
) -> io::Result<T> {
    run_for(engine, key, interest, patience, &mut attempt)
}

/// As [`run`], at one shard, of an attempt with a room for text.
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

/// As [`run`], at all shards; `keys` has what is waited for at each, and `attempt` is told at which
/// it is made.
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

/// Tries once what needs `key`. "Not yet" is an error of the kind `WouldBlock`.
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
    /// So long, or for ever.
    Until(Option<Duration>),
}

/// Whether the calls of a socket wait. Shared by all its clones.
#[derive(Debug, Default)]
pub(super) struct Blocking {
    nonblocking: AtomicBool,
}

impl Blocking {
    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    pub(super) fn patience(&self, timeout: &Timeout) -> Patience {
        match self.nonblocking.load(Ordering::Relaxed) {
            true => Patience::None,
            false => Patience::Until(timeout.get()),
        }
    }
}

/// A timeout that can be changed while others use it.
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
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            let message = "a timeout must not be zero";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        // 584 years stand for more.
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
