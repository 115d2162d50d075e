//! Whether poll, select and epoll_wait have an answer.

use core::task::Poll;

use super::answer::Answer;
use crate::bsd::{Calls, EpollEvent, Fd, PollFd};
use crate::time::Instant;

/// The answer of poll, compared with the script.
pub(super) fn polled(lines: &[PollFd], wanted: &[i32]) -> Answer {
    let ready = lines.iter().filter(|line| line.revents != 0).count();
    let mut answer = Answer::new(Ok(ready as i64));
    for (line, wanted) in lines.iter().zip(wanted) {
        if line.revents != *wanted {
            answer.wrong.push(format!(
                "revents: {wanted:#x} is expected, {:#x} is returned",
                line.revents
            ));
        }
    }
    answer
}

/// Whether poll has an answer.
pub(super) fn try_poll(
    calls: &Calls<'_>,
    lines: &mut [PollFd],
    wanted: &[i32],
    until: Option<Instant>,
) -> Poll<Answer> {
    let some = calls.poll(lines) > 0;
    match some || until.is_some_and(|until| until <= calls.now()) {
        true => Poll::Ready(polled(lines, wanted)),
        false => Poll::Pending,
    }
}

/// Whether epoll_wait, for at most this many events, has an answer.
pub(super) fn try_epoll(
    calls: &mut Calls<'_>,
    (set, most): (Fd, usize),
    wanted: &[(i32, u64)],
    until: Option<Instant>,
) -> Poll<Answer> {
    let now = calls.now();
    match calls.epoll_wait(set, most) {
        Err(errno) => Poll::Ready(Answer::new(Err(errno))),
        Ok(events) if events.is_empty() && until.is_none_or(|until| until > now) => Poll::Pending,
        Ok(events) => Poll::Ready(epolled(&events, wanted)),
    }
}

/// A select that waits.
#[derive(Clone, Debug)]
pub(super) struct Selecting {
    /// The descriptors of all sets, each with what makes it ready.
    pub(super) lines: Vec<PollFd>,
    pub(super) until: Option<Instant>,
}

impl Selecting {
    /// Whether there is an answer.
    pub(super) fn attempt(&mut self, calls: &Calls<'_>) -> Poll<Answer> {
        calls.poll(&mut self.lines);
        let is_ready = |line: &&PollFd| line.revents & line.events != 0;
        let ready = self.lines.iter().filter(is_ready).count();
        match ready > 0 || self.until.is_some_and(|until| until <= calls.now()) {
            true => Poll::Ready(Answer::new(Ok(ready as i64))),
            false => Poll::Pending,
        }
    }
}

/// The answer of epoll_wait; of several events, those that the script writes are
/// compared.
pub(super) fn epolled(events: &[EpollEvent], wanted: &[(i32, u64)]) -> Answer {
    let mut answer = Answer::new(Ok(events.len() as i64));
    for (at, wanted) in wanted.iter().enumerate() {
        let found = events.get(at);
        let found = found.map_or((0, 0), |event| (event.events, event.data));
        if *wanted != found {
            answer.wrong.push(format!(
                "event: {:#x} with {} is expected, {:#x} with {} is returned",
                wanted.0, wanted.1, found.0, found.1
            ));
        }
    }
    answer
}
