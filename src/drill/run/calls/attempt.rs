//! Calls that may block, as values that are tried until there is an answer.

use core::task::Poll;

use super::super::events::Run;
use super::{Answer, waiting};
use crate::bsd::{
    Accepting, Closing, Connecting, Direction, Errno, Fd, PollFd, Receiving, Sending,
};
use crate::time::Instant;

/// A call on its way.
#[derive(Clone, Debug)]
pub(in super::super) enum Attempt {
    Accept {
        call: Accepting,
        fd: Fd,
        flags: i32,
    },
    Connect {
        call: Connecting,
        fd: Fd,
    },
    Close(Closing),
    Receive {
        call: Receiving,
        fd: Fd,
        flags: i32,
        /// There is no place for what is received.
        faulty: bool,
        buffer: Vec<u8>,
    },
    ReceiveMessage {
        fd: Fd,
        flags: i32,
        len: usize,
        /// `msg_flags`, and `msg_control`, which are compared.
        wanted: super::transfer::Wanted,
    },
    Send {
        call: Sending,
        fd: Fd,
        flags: i32,
        data: Vec<u8>,
    },
    Poll {
        lines: Vec<PollFd>,
        /// What is to be so of each.
        wanted: Vec<i32>,
        until: Option<Instant>,
    },
    EpollWait {
        fd: Fd,
        most: usize,
        /// The first event, which is compared.
        wanted: Option<(i32, u64)>,
        until: Option<Instant>,
    },
}

impl Attempt {
    /// The answer when the time is over.
    pub(super) fn timed_out(&self) -> Answer {
        match self {
            Attempt::Accept { call, .. } => Answer::new(call.timed_out().map(|_| 0)),
            Attempt::Connect { call, .. } => Answer::new(call.timed_out().map(|()| 0)),
            // Until the time is over it has its answer.
            Attempt::Close(_) => Answer::new(Err(Errno::EAGAIN)),
            Attempt::Receive { call, .. } => Answer::new(call.timed_out().map(|len| len as i64)),
            Attempt::ReceiveMessage { .. } => Answer::new(Err(Errno::EAGAIN)),
            Attempt::Send { call, .. } => Answer::new(call.timed_out().map(|len| len as i64)),
            Attempt::Poll { lines, wanted, .. } => waiting::polled(lines, wanted),
            Attempt::EpollWait { wanted, .. } => waiting::epolled(&[], *wanted),
        }
    }
}

impl Run<'_> {
    /// Tries a call: it has an answer, or not yet.
    pub(super) fn attempt(&mut self, attempt: &mut Attempt) -> Poll<Answer> {
        let mut calls = self.host.calls();
        match attempt {
            Attempt::Accept { call, .. } => {
                let answer = match call.attempt(&mut calls) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(answer) => answer,
                };
                Poll::Ready(self.accepted(answer))
            }
            Attempt::Connect { call, .. } => {
                let answer = call.attempt(&mut calls);
                answer.map(|answer| Answer::new(answer.map(|()| 0)))
            }
            Attempt::Close(call) => {
                let answer = call.attempt(&mut calls);
                answer.map(|answer| Answer::new(answer.map(|()| 0)))
            }
            Attempt::Receive {
                call,
                buffer,
                faulty,
                ..
            } => {
                let answer = call.attempt(&mut calls, buffer);
                let whole = |len: usize| match *faulty && len > 0 {
                    true => Err(Errno::EFAULT),
                    false => Ok(len as i64),
                };
                answer.map(|answer| Answer::new(answer.and_then(whole)))
            }
            Attempt::ReceiveMessage {
                fd,
                flags,
                len,
                wanted,
            } => {
                let mut buffer = vec![0; *len];
                match calls.recvmsg(*fd, &mut buffer, *flags) {
                    Err(Errno::EAGAIN) => Poll::Pending,
                    Err(errno) => Poll::Ready(Answer::new(Err(errno))),
                    Ok(received) => Poll::Ready(wanted.compare(&received)),
                }
            }
            Attempt::Send { call, data, .. } => {
                let answer = call.attempt(&mut calls, data);
                answer.map(|answer| Answer::new(answer.map(|len| len as i64)))
            }
            Attempt::Poll {
                lines,
                wanted,
                until,
            } => waiting::try_poll(&calls, lines, wanted, *until),
            Attempt::EpollWait {
                fd,
                most,
                wanted,
                until,
            } => waiting::try_epoll(&mut calls, (*fd, *most), *wanted, *until),
        }
    }

    /// Whether the call waits where others fail.
    pub(super) fn may_wait(&mut self, attempt: &Attempt) -> bool {
        let calls = self.host.calls();
        match attempt {
            Attempt::Accept { fd, flags, .. } => calls.may_wait(*fd, *flags),
            Attempt::Connect { fd, .. } => calls.may_wait(*fd, 0),
            Attempt::Receive { fd, flags, .. }
            | Attempt::ReceiveMessage { fd, flags, .. }
            | Attempt::Send { fd, flags, .. } => calls.may_wait(*fd, *flags),
            Attempt::Close(_) | Attempt::Poll { .. } | Attempt::EpollWait { .. } => true,
        }
    }

    /// Until when it waits; `None`: for ever.
    pub(super) fn deadline_of(&mut self, attempt: &Attempt) -> Option<Instant> {
        let now = self.host.now;
        let calls = self.host.calls();
        let after = |fd: Fd, direction| Some(now + calls.timeout(fd, direction)?);
        match attempt {
            Attempt::Accept { fd, .. }
            | Attempt::Receive { fd, .. }
            | Attempt::ReceiveMessage { fd, .. } => after(*fd, Direction::Receiving),
            Attempt::Connect { fd, .. } | Attempt::Send { fd, .. } => {
                after(*fd, Direction::Sending)
            }
            Attempt::Close(call) => call.until(),
            Attempt::Poll { until, .. } | Attempt::EpollWait { until, .. } => *until,
        }
    }
}
