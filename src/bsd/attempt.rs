//! Blocking calls as values: the caller tries one again whenever something may have happened, until
//! it has an answer or the time is over.

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

/// What a blocking call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// recv, accept.
    Receiving,
    /// send, connect.
    Sending,
}

impl Calls<'_> {
    /// Whether a call with these flags blocks where a non-blocking call fails with `EAGAIN`.
    pub fn may_wait(&self, fd: Fd, flags: i32) -> bool {
        let blocks = (self.table.get(fd)).is_ok_and(|known| !known.is_nonblocking());
        // Reads of the error queue never block.
        blocks && flags & (MSG_DONTWAIT | MSG_ERRQUEUE) == 0
    }

    /// How long a call may wait: `SO_RCVTIMEO`, `SO_SNDTIMEO`; `None`: forever.
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
    /// Whether an error is pending. A call that has already moved octets returns their number
    /// first.
    fn has_failed(&self, fd: Fd) -> bool {
        match self.stream(fd, Errno::EINVAL) {
            Ok(socket) => self.is_broken(socket),
            Err(_) => self.ready(fd).is_ok_and(|ready| ready & POLLERR != 0),
        }
    }

    /// Whether a send that found no room waits until a good part of the send buffer is free, as on
    /// Linux.
    fn waits_for_room(&self, fd: Fd) -> bool {
        self.system == System::Linux
            && (self.stream(fd, Errno::EINVAL)).is_ok_and(|socket| socket.connection().is_some())
    }

    /// Whether nothing more will arrive.
    fn has_ended(&self, fd: Fd) -> bool {
        self.ready(fd)
            .is_ok_and(|ready| ready & (POLLERR | POLLHUP | POLLRDHUP) != 0)
    }
}

/// The descriptor of a call. While the call waits, another thread may close the descriptor, and its number
/// may then stand for a new one, which is not the call's business.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    fd: Fd,
    /// The descriptor's serial number, once the call was tried.
    made: Option<u64>,
}

impl Target {
    /// The descriptor that `fd` stands for when [`Target::check`] is first called.
    pub fn new(fd: Fd) -> Target {
        Target { fd, made: None }
    }

    /// Returns the number, if it still stands for the same descriptor.
    ///
    /// # Errors
    /// `EBADF` if it stands for none or for another.
    pub fn check(&mut self, calls: &Calls<'_>) -> Result<Fd, Errno> {
        let made = calls.table.get(self.fd)?.made;
        match *self.made.get_or_insert(made) == made {
            true => Ok(self.fd),
            false => Err(Errno::EBADF),
        }
    }
}

/// A blocking accept.
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

/// A blocking connect: waits until the attempt has succeeded or failed, even if another call has started
/// it.
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

    /// The answer when the time is over. The attempt continues.
    ///
    /// # Errors
    /// `EINPROGRESS`; `EALREADY` if another call had started it.
    pub fn timed_out(self) -> Result<(), Errno> {
        Err(self.begun.unwrap_or(Errno::EINPROGRESS))
    }
}

/// A blocking recv; with `MSG_WAITALL`, it waits until the buffer is full.
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

    /// Whether there is an answer: how much of `buffer` is filled. Every call must pass the same
    /// buffer.
    pub fn attempt(
        &mut self,
        calls: &mut Calls<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Errno>> {
        let answer = self.attempt_message(calls, buffer);
        answer.map(|answer| answer.map(|received| received.len))
    }

    /// As [`Receiving::attempt`], and also returns the details of what was received last.
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

/// A blocking send: waits until everything is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    target: Target,
    flags: i32,
    to: Option<SocketAddr>,
    once: OneSend,
    taken: usize,
    /// The send has started a connection (`MSG_FASTOPEN`), and waits for the result.
    connects: bool,
    /// connect has left the opening to this send (`TCP_FASTOPEN_CONNECT`).
    connects_late: bool,
    /// There was no room, and the send continues only when poll would report the socket writable.
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

    /// Whether there is an answer: how much of `data` was taken. Every call must pass the same
    /// data.
    pub fn attempt(&mut self, calls: &mut Calls<'_>, data: &[u8]) -> Poll<Result<usize, Errno>> {
        let fd = match self.target.check(calls) {
            Ok(fd) => fd,
            Err(_) if self.taken > 0 => return Poll::Ready(Ok(self.taken)),
            Err(error) => return Poll::Ready(Err(error)),
        };
        if self.connects {
            match calls.connect_again(fd) {
                Err(Errno::EALREADY) => return Poll::Pending,
                // FreeBSD answers EISCONN for a connect that has succeeded.
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
                    // A caller that does not wait learns at once how much was taken.
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

    /// Whether the send has just started a connection, and may wait for the result.
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

/// A close that blocks as `SO_LINGER` says (on Linux even if the descriptor is `O_NONBLOCK`): until the
/// peer has acknowledged everything, or the time is over. After that the connection continues on its own.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    target: Target,
    until: Option<Instant>,
}

impl Closing {
    /// As [`Calls::close`]. From now on the program can send nothing more.
    pub fn new(fd: Fd, calls: &mut Calls<'_>) -> Closing {
        let may_wait = calls.system == System::Linux || calls.may_wait(fd, 0);
        let time = calls.lingers(fd).filter(|_| may_wait);
        if time.is_some() {
            // The socket may be shut down already, or no longer connected.
            let _ = calls.shutdown(fd, SHUT_WR);
        }
        let until = time.map(|time| calls.now() + time);
        let mut target = Target::new(fd);
        // If the descriptor is invalid, closing it will report that.
        let _ = target.check(calls);
        Closing { target, until }
    }

    /// When the call stops waiting; `None` if it does not wait at all.
    pub fn until(self) -> Option<Instant> {
        self.until
    }

    /// Whether the descriptor is closed now.
    pub fn attempt(&mut self, calls: &mut Calls<'_>) -> Poll<Result<(), Errno>> {
        let waits = self.until.is_some_and(|until| calls.now() < until);
        match self.target.check(calls) {
            Ok(fd) if waits && calls.lingers(fd).is_some() => Poll::Pending,
            _ => Poll::Ready(self.timed_out(calls)),
        }
    }

    /// The answer when the time is over: closes the descriptor.
    ///
    /// # Errors
    /// `EBADF` if another thread has closed it.
    pub fn timed_out(mut self, calls: &mut Calls<'_>) -> Result<(), Errno> {
        let fd = self.target.check(calls)?;
        calls.close(fd)
    }
}

/// Treats `EAGAIN` as not yet an answer.
fn pending<T>(answer: Result<T, Errno>) -> Poll<Result<T, Errno>> {
    match answer {
        Err(Errno::EAGAIN) => Poll::Pending,
        answer => Poll::Ready(answer),
    }
}
