//! Calls that may block, as values that are tried until there is an answer.

use core::net::SocketAddr;
use core::task::Poll;

use super::super::events::Run;
use super::messages::Wanted;
use super::select::Selecting;
use super::sockets::another_address;
use super::{Answer, waiting};
use crate::bsd::linux::MSG_PEEK;
use crate::bsd::{
    Accepting, Closing, Connecting, Direction, Errno, Fd, PollFd, Received, Receiving, Sending,
};
use crate::time::Instant;

/// A call on its way.
#[derive(Clone, Debug)]
pub(in super::super) enum Attempt {
    Accept {
        call: Accepting,
        fd: Fd,
        flags: i32,
        /// The address that is compared.
        wanted: Option<SocketAddr>,
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
        /// Of recvmsg: `msg_flags` and `msg_control`, which are compared.
        wanted: Option<Wanted>,
        /// Whom it must be from.
        from: Option<SocketAddr>,
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
    Select(Selecting),
    EpollWait {
        fd: Fd,
        most: usize,
        /// The first events, which are compared.
        wanted: Vec<(i32, u64)>,
        until: Option<Instant>,
    },
}

impl Attempt {
    /// A receive of `len` octets.
    pub(super) fn receive(fd: Fd, flags: i32, len: usize) -> Attempt {
        Attempt::Receive {
            call: Receiving::new(fd, flags),
            fd,
            flags,
            faulty: false,
            buffer: vec![0; len],
            wanted: None,
            from: None,
        }
    }

    /// The same, from somebody.
    pub(super) fn from(mut self, sender: Option<SocketAddr>) -> Attempt {
        if let Attempt::Receive { from, .. } = &mut self {
            *from = sender;
        }
        self
    }

    /// The same into a place that there is not: what has come stays.
    pub(super) fn receive_nowhere(fd: Fd, flags: i32, len: usize) -> Attempt {
        let mut attempt = Attempt::receive(fd, flags | MSG_PEEK, len);
        if let Attempt::Receive { faulty, .. } = &mut attempt {
            *faulty = true;
        }
        attempt
    }

    /// recvmsg.
    pub(super) fn receive_message(fd: Fd, flags: i32, len: usize, asked: Wanted) -> Attempt {
        let mut attempt = Attempt::receive(fd, flags, len);
        if let Attempt::Receive { wanted, .. } = &mut attempt {
            *wanted = Some(asked);
        }
        attempt
    }

    /// A send of `len` octets.
    pub(super) fn send(call: Sending, fd: Fd, flags: i32, len: usize) -> Attempt {
        Attempt::Send {
            call,
            fd,
            flags,
            data: vec![0; len],
        }
    }

    /// The answer when the time is over.
    pub(super) fn timed_out(&self) -> Answer {
        match self {
            Attempt::Accept { call, .. } => Answer::new(call.timed_out().map(|_| 0)),
            Attempt::Connect { call, .. } => Answer::new(call.timed_out().map(|()| 0)),
            // Until the time is over it has its answer.
            Attempt::Close(_) => Answer::new(Err(Errno::EAGAIN)),
            Attempt::Receive {
                call, wanted, from, ..
            } => {
                let received = call.timed_out().map(|len| Received {
                    len,
                    ..Received::default()
                });
                answered(received, wanted.as_ref(), *from, false)
            }
            Attempt::Send { call, .. } => Answer::new(call.timed_out().map(|len| len as i64)),
            Attempt::Poll { lines, wanted, .. } => waiting::polled(lines, wanted),
            Attempt::Select(_) => Answer::new(Ok(0)),
            Attempt::EpollWait { wanted, .. } => waiting::epolled(&[], wanted),
        }
    }
}

/// What a receive has given, and whether that is what the script says.
fn answered(
    received: Result<Received, Errno>,
    wanted: Option<&Wanted>,
    from: Option<SocketAddr>,
    is_faulty: bool,
) -> Answer {
    let received = match received {
        Err(errno) => return Answer::new(Err(errno)),
        Ok(received) if is_faulty && received.len > 0 => return Answer::new(Err(Errno::EFAULT)),
        Ok(received) => received,
    };
    let mut answer = match wanted {
        Some(wanted) => wanted.compare(&received),
        None => Answer::new(Ok(received.len as i64)),
    };
    let wrong = another_address(from, received.from);
    answer.wrong.extend(wrong);
    answer
}

impl Run<'_> {
    /// Tries a call: it has an answer, or not yet.
    pub(super) fn attempt(&mut self, attempt: &mut Attempt) -> Poll<Answer> {
        let mut calls = self.host.calls();
        match attempt {
            Attempt::Accept { call, wanted, .. } => {
                let answer = match call.attempt(&mut calls) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(answer) => answer,
                };
                Poll::Ready(self.accepted(answer, *wanted))
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
                wanted,
                from,
                ..
            } => {
                let answer = call.attempt_message(&mut calls, buffer);
                answer.map(|answer| answered(answer, wanted.as_ref(), *from, *faulty))
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
            Attempt::Select(call) => call.attempt(&calls),
            Attempt::EpollWait {
                fd,
                most,
                wanted,
                until,
            } => waiting::try_epoll(&mut calls, (*fd, *most), wanted, *until),
        }
    }

    /// Whether the call waits where others fail.
    pub(super) fn may_wait(&mut self, attempt: &Attempt) -> bool {
        let calls = self.host.calls();
        match attempt {
            Attempt::Accept { fd, flags, .. } => calls.may_wait(*fd, *flags),
            Attempt::Connect { fd, .. } => calls.may_wait(*fd, 0),
            Attempt::Receive { fd, flags, .. } | Attempt::Send { fd, flags, .. } => {
                calls.may_wait(*fd, *flags)
            }
            Attempt::Close(_)
            | Attempt::Poll { .. }
            | Attempt::Select(_)
            | Attempt::EpollWait { .. } => true,
        }
    }

    /// Until when it waits; `None`: for ever.
    pub(super) fn deadline_of(&mut self, attempt: &Attempt) -> Option<Instant> {
        let now = self.host.now;
        let calls = self.host.calls();
        let after = |fd: Fd, direction| Some(now + calls.timeout(fd, direction)?);
        match attempt {
            Attempt::Accept { fd, .. } | Attempt::Receive { fd, .. } => {
                after(*fd, Direction::Receiving)
            }
            Attempt::Connect { fd, .. } | Attempt::Send { fd, .. } => {
                after(*fd, Direction::Sending)
            }
            Attempt::Close(call) => call.until(),
            Attempt::Select(call) => call.until(),
            Attempt::Poll { until, .. } | Attempt::EpollWait { until, .. } => *until,
        }
    }
}
