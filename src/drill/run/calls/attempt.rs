//! Calls that may block, as values that are tried until they have an answer.

use core::net::SocketAddr;
use core::task::Poll;

use super::super::files::Descriptor;
use super::address::another_address;
use super::answer::Answer;
use super::messages::Wanted;
use super::ready::{self, Selecting};
use crate::bsd::linux::MSG_PEEK;
use crate::bsd::{
    Accepting, Calls, Closing, Connecting, Direction, Errno, Fd, PollFd, Received, Receiving,
    Sending,
};
use crate::time::Instant;

/// A call that has begun: it has its answer, or may have to wait.
pub(super) enum Begun {
    Done(Answer),
    Waits(Attempt),
}

impl From<Result<(), Errno>> for Begun {
    fn from(result: Result<(), Errno>) -> Begun {
        Begun::Done(Answer::new(result.map(|()| 0)))
    }
}

impl From<Result<i64, Errno>> for Begun {
    fn from(result: Result<i64, Errno>) -> Begun {
        Begun::Done(Answer::new(result))
    }
}

/// A call that waits.
#[derive(Clone, Debug)]
pub(super) enum Attempt {
    Accept {
        call: Accepting,
        fd: Fd,
        flags: i32,
        /// The expected address.
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
        /// There is no buffer for what is received.
        faulty: bool,
        buffer: Vec<u8>,
        /// For recvmsg: the expected `msg_flags` and `msg_control`.
        wanted: Option<Wanted>,
        /// The expected sender.
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
        /// The expected events of each line.
        wanted: Vec<i32>,
        until: Option<Instant>,
    },
    Select(Selecting),
    EpollWait {
        fd: Fd,
        most: usize,
        /// The expected first events.
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

    /// Expects this sender.
    pub(super) fn from(mut self, sender: Option<SocketAddr>) -> Attempt {
        if let Attempt::Receive { from, .. } = &mut self {
            *from = sender;
        }
        self
    }

    /// A receive without a buffer: what has arrived stays.
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

    /// Tries the call: it has an answer, or not yet.
    pub(super) fn attempt(&mut self, calls: &mut Calls<'_>) -> Poll<Answer> {
        match self {
            Attempt::Accept { call, wanted, .. } => {
                let answer = call.attempt(calls);
                answer.map(|answer| accepted(answer, *wanted))
            }
            Attempt::Connect { call, .. } => {
                let answer = call.attempt(calls);
                answer.map(|answer| Answer::new(answer.map(|()| 0)))
            }
            Attempt::Close(call) => {
                let answer = call.attempt(calls);
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
                let answer = call.attempt_message(calls, buffer);
                answer.map(|answer| answered(answer, wanted.as_ref(), *from, *faulty))
            }
            Attempt::Send { call, data, .. } => {
                let answer = call.attempt(calls, data);
                answer.map(|answer| Answer::new(answer.map(|len| len as i64)))
            }
            Attempt::Poll {
                lines,
                wanted,
                until,
            } => ready::try_poll(calls, lines, wanted, *until),
            Attempt::Select(call) => call.attempt(calls),
            Attempt::EpollWait {
                fd,
                most,
                wanted,
                until,
            } => ready::try_epoll(calls, (*fd, *most), wanted, *until),
        }
    }

    /// Whether the call blocks where a non-blocking one fails.
    pub(super) fn may_wait(&self, calls: &Calls<'_>) -> bool {
        match self {
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

    /// Until when the call waits; `None`: forever.
    pub(super) fn deadline(&self, calls: &Calls<'_>) -> Option<Instant> {
        let after = |fd: Fd, direction| Some(calls.now() + calls.timeout(fd, direction)?);
        match self {
            Attempt::Accept { fd, .. } | Attempt::Receive { fd, .. } => {
                after(*fd, Direction::Receiving)
            }
            Attempt::Connect { fd, .. } | Attempt::Send { fd, .. } => {
                after(*fd, Direction::Sending)
            }
            Attempt::Close(call) => call.until(),
            Attempt::Select(call) => call.until,
            Attempt::Poll { until, .. } | Attempt::EpollWait { until, .. } => *until,
        }
    }

    /// The answer when the time is over.
    pub(super) fn timed_out(&self) -> Answer {
        match self {
            Attempt::Accept { call, .. } => Answer::new(call.timed_out().map(|_| 0)),
            Attempt::Connect { call, .. } => Answer::new(call.timed_out().map(|()| 0)),
            // By then a close has its answer.
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
            Attempt::Poll { lines, wanted, .. } => ready::polled(lines, wanted),
            Attempt::Select(_) => Answer::new(Ok(0)),
            Attempt::EpollWait { wanted, .. } => ready::epolled(&[], wanted),
        }
    }
}

/// The answer of accept; `wanted`: the peer that the script expects, if it
/// names one.
fn accepted(answer: Result<(Fd, SocketAddr), Errno>, wanted: Option<SocketAddr>) -> Answer {
    match answer {
        Err(errno) => Answer::new(Err(errno)),
        Ok((fd, peer)) => {
            let wrong = another_address(wanted, Some(peer));
            let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
            Answer {
                descriptor: Some(Descriptor::Accepted(fd, peer)),
                wrong: wrong.into_iter().collect(),
                ..Answer::new(Ok(0))
            }
        }
    }
}

/// The answer of a receive, compared with the script.
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
