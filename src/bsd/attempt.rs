//! Calls that block, as values: who waits tries them again whenever something may have happened,
//! until there is an answer or the time is over.

use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;

use super::ancillary::OneSend;
use super::errno::Errno;
use super::linux::{
    MSG_DONTWAIT, MSG_ERRQUEUE, MSG_FASTOPEN, MSG_PEEK, MSG_WAITALL, POLLERR, POLLHUP, POLLOUT,
    POLLRDHUP, SHUT_WR,
};
use super::received::Received;
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::time::Instant;

/// What a call that blocks waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// recv, accept.
    Receiving,
    /// send, connect.
    Sending,
}

impl Calls<'_> {
    /// Whether a call with these flags blocks, where a non-blocking one fails with `EAGAIN`.
    pub fn may_wait(&self, fd: Fd, flags: i32) -> bool {
        let blocks = (self.table.get(fd)).is_ok_and(|known| !known.is_nonblocking());
        // Nobody waits for a notice.
        blocks && flags & (MSG_DONTWAIT | MSG_ERRQUEUE) == 0
    }

    /// How long a call may wait: `SO_RCVTIMEO`, `SO_SNDTIMEO`; `None`: for ever.
    pub fn timeout(&self, fd: Fd, direction: Direction) -> Option<Duration> {
        let settings = match &self.table.get(fd).ok()?.kind {
            Kind::Stream(socket) => &socket.settings,
            Kind::Datagram(socket) => &socket.settings,
            Kind::Epoll(_) | Kind::Pipe(_) => return None,
        };
        match direction {
            Direction::Receiving => settings.receive_timeout,
            Direction::Sending => settings.send_timeout,
        }
    }
}

impl Calls<'_> {
    /// An error is pending: what was moved is told before it.
    fn has_failed(&self, fd: Fd) -> bool {
        match self.stream(fd, Errno::EINVAL) {
            Ok(socket) => self.is_broken(socket),
            Err(_) => self.ready(fd).is_ok_and(|ready| ready & POLLERR != 0),
        }
    }

    /// Whether a send without room waits until there is a good part of the send buffer, as on Linux.
    fn waits_for_room(&self, fd: Fd) -> bool {
        self.system == System::Linux
            && (self.stream(fd, Errno::EINVAL)).is_ok_and(|socket| socket.connection().is_some())
    }

    /// Nothing more will come.
    fn has_ended(&self, fd: Fd) -> bool {
        self.ready(fd)
            .is_ok_and(|ready| ready & (POLLERR | POLLHUP | POLLRDHUP) != 0)
    }
}

/// The descriptor that a call is made on. While the call waits, somebody else may close it, and its number may
/// stand for a new one, with which the call has nothing to do.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    fd: Fd,
    /// Which one of all that there ever were, once the call was tried.
    made: Option<u64>,
}

impl Target {
    /// Whatever `fd` stands for when [`Target::check`] is called first.
    pub fn new(fd: Fd) -> Target {
        Target { fd, made: None }
    }

    /// The number, which stands for the same descriptor as the first time.
    ///
    /// # Errors
    /// `EBADF` if there is none, or another.
    pub fn check(&mut self, calls: &Calls<'_>) -> Result<Fd, Errno> {
        let made = calls.table.get(self.fd)?.made;
        match *self.made.get_or_insert(made) == made {
            true => Ok(self.fd),
            false => Err(Errno::EBADF),
        }
    }
}

/// An accept that blocks.
#[derive(Clone, Copy, Debug)]
pub struct Accepting {
    target: Target,
    flags: i32,
}

impl Accepting {
    /// As [`Calls::accept`].
    pub fn new(fd: Fd, flags: i32) -> Accepting {
        let target = Target::new(fd);
        Accepting { target, flags }
    }

    /// Whether there is an answer.
    pub fn attempt(&mut self, calls: &mut Calls<'_>) -> Poll<Result<(Fd, SocketAddr), Errno>> {
        let fd = self.target.check(calls);
        pending(fd.and_then(|fd| calls.accept(fd, self.flags)))
    }

    /// The answer when the time is over.
    ///
    /// # Errors
    /// `EAGAIN`, always.
    pub fn timed_out(self) -> Result<(Fd, SocketAddr), Errno> {
        Err(Errno::EAGAIN)
    }
}

/// A connect that blocks until the attempt has succeeded or failed, even if another call has started it.
#[derive(Clone, Copy, Debug)]
pub struct Connecting {
    target: Target,
    peer: SocketAddr,
    begun: Option<Errno>,
}

impl Connecting {
    /// As [`Calls::connect`], for `peer`.
    pub fn new(fd: Fd, peer: SocketAddr) -> Connecting {
        Connecting {
            target: Target::new(fd),
            peer,
            begun: None,
        }
    }

    /// Whether there is an answer.
    pub fn attempt(&mut self, calls: &mut Calls<'_>) -> Poll<Result<(), Errno>> {
        let fd = self.target.check(calls);
        match fd.and_then(|fd| calls.connect(fd, self.peer)) {
            Err(answer @ (Errno::EINPROGRESS | Errno::EALREADY)) => {
                self.begun.get_or_insert(answer);
                Poll::Pending
            }
            answer => Poll::Ready(answer),
        }
    }

    /// The answer when the time is over. The attempt goes on.
    ///
    /// # Errors
    /// `EINPROGRESS`; `EALREADY` if another call had started it.
    pub fn timed_out(self) -> Result<(), Errno> {
        Err(self.begun.unwrap_or(Errno::EINPROGRESS))
    }
}

/// A recv that blocks; with `MSG_WAITALL`, until everything has come.
#[derive(Clone, Copy, Debug)]
pub struct Receiving {
    target: Target,
    flags: i32,
    taken: usize,
}

impl Receiving {
    /// As [`Calls::recv`].
    pub fn new(fd: Fd, flags: i32) -> Receiving {
        Receiving {
            target: Target::new(fd),
            flags,
            taken: 0,
        }
    }

    /// Whether there is an answer: how much of `buffer`, the same every time, is filled.
    pub fn attempt(
        &mut self,
        calls: &mut Calls<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Errno>> {
        let answer = self.attempt_message(calls, buffer);
        answer.map(|answer| answer.map(|received| received.len))
    }

    /// As [`Receiving::attempt`], and says all that is known of what was received last.
    pub fn attempt_message(
        &mut self,
        calls: &mut Calls<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<Received, Errno>> {
        let peek = self.flags & MSG_PEEK != 0;
        let fd = match self.target.check(calls) {
            Ok(fd) => fd,
            Err(_) if self.taken > 0 => return Poll::Ready(Ok(self.so_far())),
            Err(error) => return Poll::Ready(Err(error)),
        };
        let stream = calls.stream(fd, Errno::EINVAL).ok();
        let all = stream.is_some() && self.flags & MSG_WAITALL != 0;
        let enough = match stream {
            _ if all => buffer.len(),
            Some(socket) => socket.settings.receive_low_water.min(buffer.len()),
            None => 0,
        };
        loop {
            if self.taken > 0 && calls.has_failed(fd) {
                return Poll::Ready(Ok(self.so_far()));
            }
            match calls.recvmsg(fd, &mut buffer[self.taken..], self.flags) {
                Ok(received) => {
                    let total = self.taken + received.len;
                    let at_mark = received.len > 0 && calls.is_at_mark(fd);
                    let done = total >= enough || received.len == 0 || at_mark;
                    if done || (peek && calls.has_ended(fd)) {
                        return Poll::Ready(Ok(Received {
                            len: total,
                            ..received
                        }));
                    }
                    if peek {
                        return Poll::Pending;
                    }
                    self.taken = total;
                }
                Err(Errno::EAGAIN) => return Poll::Pending,
                Err(_) if self.taken > 0 => return Poll::Ready(Ok(self.so_far())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn so_far(self) -> Received {
        Received {
            len: self.taken,
            ..Received::default()
        }
    }

    /// The answer when the time is over: what has been received.
    ///
    /// # Errors
    /// `EAGAIN` if that is nothing.
    pub fn timed_out(self) -> Result<usize, Errno> {
        match self.taken {
            0 => Err(Errno::EAGAIN),
            taken => Ok(taken),
        }
    }
}

/// A send that blocks until everything is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    target: Target,
    flags: i32,
    to: Option<SocketAddr>,
    once: OneSend,
    taken: usize,
    /// It has connected (`MSG_FASTOPEN`), and waits for what comes of that.
    connects: bool,
    /// connect has left that to it (`TCP_FASTOPEN_CONNECT`).
    connects_late: bool,
    /// There was no room, and it goes on when there is enough for poll to say so.
    waits_for_room: bool,
}

impl Sending {
    /// As [`Calls::sendto`].
    pub fn new(fd: Fd, flags: i32, to: Option<SocketAddr>) -> Sending {
        Sending {
            target: Target::new(fd),
            flags,
            to,
            once: OneSend::default(),
            taken: 0,
            connects: false,
            connects_late: false,
            waits_for_room: false,
        }
    }

    /// Adds what the control messages of sendmsg ask for.
    #[must_use]
    pub fn once(self, once: OneSend) -> Sending {
        Sending { once, ..self }
    }

    /// Whether there is an answer: how much of `data`, the same every time, was taken.
    pub fn attempt(&mut self, calls: &mut Calls<'_>, data: &[u8]) -> Poll<Result<usize, Errno>> {
        let fd = match self.target.check(calls) {
            Ok(fd) => fd,
            Err(_) if self.taken > 0 => return Poll::Ready(Ok(self.taken)),
            Err(error) => return Poll::Ready(Err(error)),
        };
        if self.connects {
            match calls.connect_again(fd) {
                Err(Errno::EALREADY) => return Poll::Pending,
                // FreeBSD says EISCONN of a connect that has succeeded.
                Err(error) if error != Errno::EISCONN => return Poll::Ready(Err(error)),
                Ok(()) | Err(_) => {
                    (self.connects, self.connects_late) = (false, false);
                    self.flags &= !MSG_FASTOPEN;
                }
            }
            if self.taken == data.len() {
                return Poll::Ready(Ok(self.taken));
            }
        }
        loop {
            if self.taken > 0 && calls.has_failed(fd) {
                return Poll::Ready(Ok(self.taken));
            }
            if self.waits_for_room && !calls.ready(fd).is_ok_and(|ready| ready & POLLOUT != 0) {
                return Poll::Pending;
            }
            self.waits_for_room = false;
            let rest = &data[self.taken..];
            self.connects_late |= calls.connects_late(fd);
            let once = OneSend {
                waits: calls.may_wait(fd, self.flags),
                ..self.once
            };
            match calls.send_once(fd, rest, self.flags, self.to, once) {
                Ok(len) => {
                    self.taken += len;
                    if self.waits_for_handshake(fd, calls) {
                        self.connects = true;
                        return Poll::Pending;
                    }
                    // Who does not wait is told at once how much it was.
                    if self.taken == data.len() || len == 0 || !once.waits {
                        return Poll::Ready(Ok(self.taken));
                    }
                }
                Err(Errno::EAGAIN) => {
                    self.waits_for_room = calls.waits_for_room(fd);
                    return Poll::Pending;
                }
                Err(Errno::EINPROGRESS) if self.waits_for_handshake(fd, calls) => {
                    self.connects = true;
                    return Poll::Pending;
                }
                Err(_) if self.taken > 0 => return Poll::Ready(Ok(self.taken)),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Whether it has connected just now, and may wait for what comes of that.
    fn waits_for_handshake(&self, fd: Fd, calls: &Calls<'_>) -> bool {
        (self.flags & MSG_FASTOPEN != 0 || self.connects_late)
            && calls.may_wait(fd, self.flags)
            && calls.is_opening(fd)
    }

    /// The answer when the time is over: what has been accepted.
    ///
    /// # Errors
    /// If that is nothing: `EINPROGRESS` if the socket is still connecting for this, else `EAGAIN`.
    pub fn timed_out(self) -> Result<usize, Errno> {
        match self.taken {
            0 if self.connects => Err(Errno::EINPROGRESS),
            0 => Err(Errno::EAGAIN),
            taken => Ok(taken),
        }
    }
}

/// A close that blocks as `SO_LINGER` says, on Linux even if the descriptor is `O_NONBLOCK`: until the peer has
/// acknowledged everything, or the time is over. After that the connection goes on by itself.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    target: Target,
    until: Option<Instant>,
}

impl Closing {
    /// As [`Calls::close`]. Nothing more is sent from now on.
    pub fn new(fd: Fd, calls: &mut Calls<'_>) -> Closing {
        let may_wait = calls.system == System::Linux || calls.may_wait(fd, 0);
        let time = calls.lingers(fd).filter(|_| may_wait);
        if time.is_some() {
            // It may be shut down already, or not connected any more.
            let _ = calls.shutdown(fd, SHUT_WR);
        }
        let until = time.map(|time| calls.now() + time);
        let mut target = Target::new(fd);
        // What is wrong with it shows when it is closed.
        let _ = target.check(calls);
        Closing { target, until }
    }

    /// When it stops waiting; `None` if it does not wait at all.
    pub fn until(self) -> Option<Instant> {
        self.until
    }

    /// Whether the descriptor is gone.
    pub fn attempt(&mut self, calls: &mut Calls<'_>) -> Poll<Result<(), Errno>> {
        let waits = self.until.is_some_and(|until| calls.now() < until);
        match self.target.check(calls) {
            Ok(fd) if waits && calls.lingers(fd).is_some() => Poll::Pending,
            _ => Poll::Ready(self.timed_out(calls)),
        }
    }

    /// The answer when the time is over: the descriptor is closed now.
    ///
    /// # Errors
    /// `EBADF` if somebody else has closed it.
    pub fn timed_out(mut self, calls: &mut Calls<'_>) -> Result<(), Errno> {
        let fd = self.target.check(calls)?;
        calls.close(fd)
    }
}

/// `EAGAIN` is no answer.
fn pending<T>(answer: Result<T, Errno>) -> Poll<Result<T, Errno>> {
    match answer {
        Err(Errno::EAGAIN) => Poll::Pending,
        answer => Poll::Ready(answer),
    }
}
