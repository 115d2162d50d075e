//! The stack, its clock, and threads that wait for it.
//!
//! The clock moves only when the program says so. Whoever moves it stops wherever something is
//! due, does it, and lets every thread that waits look whether its call has an answer now, before
//! the clock goes on: so a call returns at the moment at which it can.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::RawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use stubborn::bsd::{Bsd, Calls, Errno, Fd};
use stubborn::stack::{Secret, Stack};
use stubborn::time::Instant;

use super::flags;
use crate::posix::Machine;

/// When the world begins, in seconds: no time of day is meant.
const START: u64 = 1_000_000_000;

/// How far the clock goes, in search of something that is sent, before that counts as never.
const HORIZON: Duration = Duration::from_secs(600);

/// How long (in real time) who moves the clock waits for threads to look.
const LOOK: Duration = Duration::from_secs(1);

/// How long (in real time) a thread whose call has returned gets to look at the clock.
const RETURN: Duration = Duration::from_millis(1);

/// How long (in real time) a call waits for a clock that nobody moves.
const ABANDONED: Duration = Duration::from_secs(60);

/// The most datagrams that nobody has taken; the oldest gives way.
const MOST_SENT: usize = 65_536;

/// A host in virtual time.
pub(super) struct World {
    state: Mutex<State>,
    /// A round of looking begins, or somebody has looked.
    changed: Condvar,
}

struct State {
    now: Instant,
    stack: Stack,
    bsd: Bsd,
    /// What the stack has sent, and when.
    sent: VecDeque<(Instant, Vec<u8>)>,
    /// Which descriptor a placeholder stands for.
    descriptors: BTreeMap<RawFd, Fd>,
    /// When the calls of those who wait have waited long enough; one for each.
    deadlines: Vec<Instant>,
    /// How many rounds of looking there have been.
    round: u64,
    /// How many threads sleep, and how many have yet to look in this round.
    asleep: usize,
    looking: usize,
    /// A call that waited has returned since the clock moved last.
    returned: bool,
}

impl World {
    /// A host as the program's user wants it.
    pub(super) fn new(text: &str) -> Result<World, String> {
        let (config, system) = flags::config(text)?;
        let stack =
            Stack::new(config, Secret(*b"an open secret..")).map_err(|it| it.to_string())?;
        Ok(World {
            state: Mutex::new(State {
                now: Instant::from_secs(START),
                stack,
                bsd: Bsd::of(system),
                sent: VecDeque::new(),
                descriptors: BTreeMap::new(),
                deadlines: Vec::new(),
                round: 0,
                asleep: 0,
                looking: 0,
                returned: false,
            }),
            changed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A call that panicked has told its caller; what it left is as good as there is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A placeholder stands for a descriptor from now on. If it did for another, the program has
    /// closed that one behind our back.
    pub(super) fn stand_for(&self, placeholder: RawFd, fd: Fd) {
        let stale = self.lock().descriptors.insert(placeholder, fd);
        if let Some(stale) = stale {
            let _ = self.call(|calls| calls.close(stale));
        }
    }

    /// The descriptor that a placeholder stands for.
    pub(super) fn known(&self, placeholder: RawFd) -> Result<Fd, Errno> {
        let known = self.lock().descriptors.get(&placeholder).copied();
        known.ok_or(Errno::EBADF)
    }

    /// The placeholder stands for nothing any more.
    pub(super) fn forget(&self, placeholder: RawFd) {
        self.lock().descriptors.remove(&placeholder);
    }

    /// How late it is. The clock moves by a microsecond: who looks at it in a loop gets on.
    pub(super) fn look_at_clock(&self) -> Instant {
        self.pass(Duration::from_micros(1));
        self.lock().now
    }

    /// Time passes.
    pub(super) fn pass(&self, time: Duration) {
        let state = self.lock();
        let end = state.now + time;
        drop(self.advance(state, end));
    }

    /// A datagram arrives.
    pub(super) fn arrive(&self, datagram: &[u8]) {
        let mut state = self.lock();
        let now = state.now;
        state.stack.receive(now, datagram);
        state.collect();
        drop(self.let_look(state));
    }

    /// What the stack sends next, and when it did or will; `None` if nothing is to be expected.
    pub(super) fn sent(&self) -> Option<(Instant, Vec<u8>)> {
        let mut state = self.lock();
        let horizon = state.now + HORIZON;
        loop {
            if let Some(sent) = state.sent.pop_front() {
                return Some(sent);
            }
            let next = state.next()?;
            if next > horizon {
                return None;
            }
            state = self.advance(state, next);
        }
    }

    /// The clock goes to `end`, and stops wherever something is due.
    fn advance<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        end: Instant,
    ) -> MutexGuard<'a, State> {
        if std::mem::take(&mut state.returned) {
            drop(state);
            thread::sleep(RETURN);
            state = self.lock();
        }
        while let Some(due) = state.next().filter(|due| *due <= end) {
            state.now = state.now.max(due);
            let now = state.now;
            state.deadlines.retain(|deadline| *deadline > now);
            state.stack.handle_timeouts(now);
            state.collect();
            state = self.let_look(state);
        }
        state.now = state.now.max(end);
        state
    }

    /// Every thread that waits looks whether its call has an answer now.
    fn let_look<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.asleep == 0 {
            return state;
        }
        state.looking = std::mem::take(&mut state.asleep);
        state.round += 1;
        self.changed.notify_all();
        let looked = self
            .changed
            .wait_timeout_while(state, LOOK, |state| state.looking > 0);
        looked.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    /// When something is due next.
    fn next(&self) -> Option<Instant> {
        let waiting = self.deadlines.iter().copied().min();
        self.stack.next_deadline().into_iter().chain(waiting).min()
    }

    /// Takes what the stack sends now.
    fn collect(&mut self) {
        while let Some(packet) = self.stack.poll_transmit(self.now) {
            self.sent.push_back((self.now, packet.to_vec()));
        }
        // The socket layer sees when that was.
        let _ = self.bsd.at(self.now, &mut self.stack);
        while self.sent.len() > MOST_SENT {
            self.sent.pop_front();
        }
    }

    fn attempt<T>(&mut self, call: impl FnOnce(&mut Calls<'_>) -> T) -> T {
        let value = call(&mut self.bsd.at(self.now, &mut self.stack));
        self.collect();
        value
    }
}

impl Machine for World {
    fn call<T>(&self, call: impl FnOnce(&mut Calls<'_>) -> T) -> Result<T, Errno> {
        let mut state = self.lock();
        let value = state.attempt(call);
        drop(self.let_look(state));
        Ok(value)
    }

    fn wait<T>(
        &self,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Calls<'_>) -> Poll<T>,
    ) -> Result<Option<T>, Errno> {
        let mut state = self.lock();
        let deadline = timeout.map(|timeout| state.now + timeout);
        let mut waited = false;
        loop {
            let answer = state.attempt(&mut attempt);
            let over = deadline.is_some_and(|deadline| deadline <= state.now);
            let answer = match answer {
                Poll::Ready(value) => Some(Ok(Some(value))),
                Poll::Pending if over => Some(Ok(None)),
                Poll::Pending => None,
            };
            // It has looked in this round.
            if waited {
                state.looking = state.looking.saturating_sub(1);
                self.changed.notify_all();
            }
            if let Some(answer) = answer {
                state.returned |= waited;
                return answer;
            }
            waited = true;
            state.deadlines.extend(deadline);
            state.asleep += 1;
            let round = state.round;
            let woken = self
                .changed
                .wait_timeout_while(state, ABANDONED, |s| s.round == round);
            state = match woken {
                Ok((state, timeout)) if !timeout.timed_out() => state,
                Ok((mut state, _)) => {
                    state.asleep = state.asleep.saturating_sub(1);
                    return Err(Errno::EINTR);
                }
                Err(_) => return Err(Errno::EIO),
            };
            if let Some(deadline) = deadline
                && let Some(place) = state.deadlines.iter().position(|it| *it == deadline)
            {
                state.deadlines.swap_remove(place);
            }
        }
    }
}
