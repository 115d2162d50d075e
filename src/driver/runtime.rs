//! The shards of one host, and waiting for any of them.
//!
//! Calls on a connection go to the [`Engine`] of its shard. Listeners and UDP sockets exist
//! at every shard: a call on one of them tries the shards in turn, and registers as a waiter at each
//! of them under that shard's lock, right after the attempt there. So whatever comes later wakes it,
//! and whatever came before was found. Such a wait never takes the lead; the background threads have it.

use core::task::Poll;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time;

use super::attempt::WaitError;
use super::closed::Closed;
use super::engine::Engine;
use super::parker::Parker;
use super::poll_device::PollDevice;
use super::shared::Shared;
use super::start::{self, StartError};
use super::waiters::{Key, Place};
use super::waking::Waking;
use crate::config::Config;
use crate::stack::Readiness;
use crate::time::Instant;

/// A running host: one shard for each queue of its device.
pub(crate) struct Runtime {
    engines: Vec<Arc<Engine>>,
    /// Counts what may begin at any shard, so that the shards take turns.
    turns: AtomicUsize,
    /// For waits at all shards: see [`Waking`].
    parked: AtomicU64,
    in_vain: AtomicU64,
}

impl Runtime {
    /// Starts a host on the queues of a device, of which there is at least one.
    pub(crate) fn start(
        queues: Vec<Box<dyn PollDevice>>,
        config: &Config,
    ) -> Result<Runtime, StartError> {
        let engines = start::engines(queues, config)?;
        let runtime = Runtime {
            engines: engines.into_iter().map(Arc::new).collect(),
            turns: AtomicUsize::new(0),
            parked: AtomicU64::new(0),
            in_vain: AtomicU64::new(0),
        };
        let started = runtime.engines.iter().try_for_each(Engine::start);
        // If a thread cannot be started, those that run already end again.
        started
            .inspect_err(|_| runtime.abandon())
            .map_err(StartError::Io)?;
        Ok(runtime)
    }

    /// The shards, in the order of their queues.
    pub(crate) fn engines(&self) -> &[Arc<Engine>] {
        &self.engines
    }

    /// One shard.
    pub(crate) fn engine(&self, shard: usize) -> &Engine {
        &self.engines[shard]
    }

    /// The shard for something that may begin at any.
    pub(crate) fn next(&self) -> usize {
        self.turns.fetch_add(1, Ordering::Relaxed) % self.engines.len()
    }

    /// The shard that a connection must belong to; any, if its port can still be chosen.
    pub(crate) fn home(&self, local: Option<SocketAddr>, remote: SocketAddr) -> usize {
        match &self.engines[..] {
            [_] => 0,
            [first, ..] => first
                .call(|shared, _| shared.stack().home(local, remote))
                .unwrap_or_else(|| self.next()),
            [] => unreachable!("a host has a queue"),
        }
    }

    /// Tries each shard once, without waiting, until one has an answer. Returns the answer and the
    /// number of the shard. `keys`: what is waited for at each.
    pub(crate) fn attempt<T>(
        &self,
        keys: &[Key],
        mut attempt: impl FnMut(usize, &mut Shared, Instant) -> Poll<T>,
    ) -> Result<Poll<T>, Closed> {
        for shard in self.in_turn() {
            let answer = self.engines[shard].call_on(keys[shard], |shared, now| {
                let answer = attempt(shard, shared, now);
                match (answer.is_pending(), shared.closed) {
                    (true, Some(reason)) => Err(reason),
                    _ => Ok(answer),
                }
            })??;
            if answer.is_ready() {
                return Ok(answer);
            }
        }
        Ok(Poll::Pending)
    }

    /// As [`Engine::wait`], at every shard; `attempt` gets the number of the shard.
    pub(crate) fn wait<T>(
        &self,
        keys: &[Key],
        interest: Readiness,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(usize, &mut Shared, Instant) -> Poll<T>,
    ) -> Result<T, WaitError> {
        if let [engine] = &self.engines[..] {
            return engine.wait(keys[0], interest, timeout, |shared, now| {
                attempt(0, shared, now)
            });
        }
        let parker = Parker::current();
        let start = time::Instant::now();
        let places = self.places();
        let mut woken = false;
        loop {
            if let Poll::Ready(answer) =
                self.poll(keys, interest, &places, parker.waker(), &mut attempt)
            {
                return answer.map_err(WaitError::Closed);
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
            if left == Some(Duration::ZERO) {
                self.leave(keys, &places);
                return Err(WaitError::TimedOut);
            }
            self.in_vain.fetch_add(u64::from(woken), Ordering::Relaxed);
            self.parked.fetch_add(1, Ordering::Relaxed);
            parker.park(self.engines[0].busy_poll, left);
            woken = true;
        }
    }

    /// As [`Engine::poll`], at every shard, with a place at each; `attempt` gets the number of the
    /// shard.
    pub(crate) fn poll<T>(
        &self,
        keys: &[Key],
        interest: Readiness,
        places: &[Place],
        waker: &Waker,
        mut attempt: impl FnMut(usize, &mut Shared, Instant) -> Poll<T>,
    ) -> Poll<Result<T, Closed>> {
        for shard in self.in_turn() {
            let (engine, key) = (&self.engines[shard], keys[shard]);
            let answer = engine.poll(key, interest, &places[shard], waker, |shared, now| {
                attempt(shard, shared, now)
            });
            if answer.is_ready() {
                self.leave(keys, places);
                return answer;
            }
        }
        Poll::Pending
    }

    /// Unused places, one for each shard.
    pub(crate) fn places(&self) -> Box<[Place]> {
        self.engines.iter().map(|_| Place::default()).collect()
    }

    /// As [`Engine::leave`], at every shard.
    pub(crate) fn leave(&self, keys: &[Key], places: &[Place]) {
        for ((engine, key), place) in self.engines.iter().zip(keys).zip(places) {
            engine.leave(*key, place);
        }
    }

    /// The numbers of all shards, starting from a different one each time, so that none is
    /// preferred.
    fn in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = (self.next(), self.engines.len());
        (0..count).map(move |step| (first + step) % count)
    }

    /// How often threads slept here, and how often in vain.
    pub(crate) fn waking(&self) -> Waking {
        let at_all = Waking {
            parked: self.parked.load(Ordering::Relaxed),
            in_vain: self.in_vain.load(Ordering::Relaxed),
        };
        let at_one = self.engines.iter().map(|engine| engine.waking());
        at_one.chain([at_all]).sum()
    }

    /// There will be no more calls: each background thread ends as soon as every connection of its
    /// shard has finished, or some seconds from now.
    pub(crate) fn abandon(&self) {
        for engine in &self.engines {
            engine.abandon();
        }
    }
}
