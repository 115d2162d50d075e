//! The calls of POSIX, blocking or not, over any machine.

use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use stubborn::bsd::linux::SPLICE_F_NONBLOCK;
use stubborn::bsd::{
    Accepting, Calls, Closing, Connecting, Direction, EpollEvent, Errno, Fd, OneSend, PollFd,
    Received, Receiving, Sending, Target,
};

/// Where calls are made, and where threads wait: in real time or in virtual.
pub(crate) trait Machine {
    /// A call that does not wait.
    fn call<T>(&self, call: impl FnOnce(&mut Calls<'_>) -> T) -> Result<T, Errno>;

    /// Tries until there is an answer; `Ok(None)` if `timeout` is over before. `None` as timeout:
    /// for ever.
    fn wait<T>(
        &self,
        timeout: Option<Duration>,
        attempt: impl FnMut(&mut Calls<'_>) -> Poll<T>,
    ) -> Result<Option<T>, Errno>;
}

/// How long a call on a descriptor may wait: not at all, this long, or (`Some(None)`) for ever.
fn patience(
    machine: &impl Machine,
    fd: Fd,
    flags: i32,
    direction: Direction,
) -> Result<Option<Option<Duration>>, Errno> {
    machine.call(|calls| {
        let waits = calls.may_wait(fd, flags);
        waits.then(|| calls.timeout(fd, direction))
    })
}

pub(crate) fn accept(
    machine: &impl Machine,
    fd: Fd,
    flags: i32,
) -> Result<(Fd, SocketAddr), Errno> {
    match patience(machine, fd, 0, Direction::Receiving)? {
        None => machine.call(|calls| calls.accept(fd, flags))?,
        Some(timeout) => {
            let mut accepting = Accepting::new(fd, flags);
            let answer = machine.wait(timeout, |calls| accepting.attempt(calls))?;
            answer.unwrap_or_else(|| accepting.timed_out())
        }
    }
}

pub(crate) fn connect(machine: &impl Machine, fd: Fd, peer: SocketAddr) -> Result<(), Errno> {
    match patience(machine, fd, 0, Direction::Sending)? {
        None => machine.call(|calls| calls.connect(fd, peer))?,
        Some(timeout) => {
            let mut connecting = Connecting::new(fd, peer);
            let answer = machine.wait(timeout, |calls| connecting.attempt(calls))?;
            answer.unwrap_or_else(|| connecting.timed_out())
        }
    }
}

pub(crate) fn recv(
    machine: &impl Machine,
    fd: Fd,
    buffer: &mut [u8],
    flags: i32,
) -> Result<Received, Errno> {
    match patience(machine, fd, flags, Direction::Receiving)? {
        None => machine.call(|calls| calls.recvmsg(fd, buffer, flags))?,
        Some(timeout) => {
            let mut receiving = Receiving::new(fd, flags);
            let answer = machine.wait(timeout, |calls| receiving.attempt_message(calls, buffer))?;
            answer.unwrap_or_else(|| {
                let len = receiving.timed_out()?;
                Ok(Received {
                    len,
                    ..Received::default()
                })
            })
        }
    }
}

/// As [`recv`] without flags; but who has no room is given nothing at once, whatever there is.
pub(crate) fn read(machine: &impl Machine, fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    match buffer.is_empty() {
        true => machine.call(|calls| calls.read(fd, buffer))?,
        false => recv(machine, fd, buffer, 0).map(|received| received.len),
    }
}

pub(crate) fn send(
    machine: &impl Machine,
    fd: Fd,
    data: &[u8],
    flags: i32,
    to: Option<SocketAddr>,
) -> Result<usize, Errno> {
    send_once(machine, fd, data, flags, to, OneSend::default())
}

/// The same, with what control messages ask of it.
pub(crate) fn send_once(
    machine: &impl Machine,
    fd: Fd,
    data: &[u8],
    flags: i32,
    to: Option<SocketAddr>,
    once: OneSend,
) -> Result<usize, Errno> {
    match patience(machine, fd, flags, Direction::Sending)? {
        None => machine.call(|calls| calls.send_once(fd, data, flags, to, once))?,
        Some(timeout) => {
            let mut sending = Sending::new(fd, flags, to).once(once);
            let answer = machine.wait(timeout, |calls| sending.attempt(calls, data))?;
            answer.unwrap_or_else(|| sending.timed_out())
        }
    }
}

pub(crate) fn splice(
    machine: &impl Machine,
    from: Fd,
    to: Fd,
    len: usize,
    flags: i32,
) -> Result<usize, Errno> {
    let waits = machine.call(|calls| calls.may_wait(from, 0) && calls.may_wait(to, 0))?;
    if !waits || flags & SPLICE_F_NONBLOCK != 0 {
        return machine.call(|calls| calls.splice(from, to, len, flags))?;
    }
    let mut ends = [from, to].map(Target::new);
    let answer = machine.wait(None, |calls| {
        let [from, to] = ends.each_mut().map(|end| end.check(calls));
        match from.and_then(|from| calls.splice(from, to?, len, flags)) {
            Err(Errno::EAGAIN) => Poll::Pending,
            answer => Poll::Ready(answer),
        }
    })?;
    answer.unwrap_or(Err(Errno::EAGAIN))
}

/// The descriptor goes; with `SO_LINGER`, when the peer has everything or the time is over.
pub(crate) fn close(machine: &impl Machine, fd: Fd) -> Result<(), Errno> {
    let (mut closing, time) = machine.call(|calls| {
        let closing = Closing::new(fd, calls);
        (closing, closing.until().map(|until| until - calls.now()))
    })?;
    let answer = machine.wait(time.or(Some(Duration::ZERO)), |calls| {
        closing.attempt(calls)
    })?;
    answer.unwrap_or_else(|| machine.call(|calls| closing.timed_out(calls))?)
}

/// `millis` of poll: below zero, for ever.
pub(crate) fn poll(
    machine: &impl Machine,
    lines: &mut [PollFd],
    millis: i32,
) -> Result<i32, Errno> {
    let count = |calls: &mut Calls<'_>, lines: &mut [PollFd]| match calls.poll(lines) {
        0 => Poll::Pending,
        count => Poll::Ready(count as i32),
    };
    let answer = machine.wait(timeout(millis), |calls| count(calls, lines))?;
    Ok(answer.unwrap_or(0))
}

pub(crate) fn epoll_wait(
    machine: &impl Machine,
    fd: Fd,
    most: i32,
    millis: i32,
) -> Result<Vec<EpollEvent>, Errno> {
    let most = usize::try_from(most).map_err(|_| Errno::EINVAL)?;
    let mut set = Target::new(fd);
    let answer = machine.wait(timeout(millis), |calls| {
        match set.check(calls).and_then(|fd| calls.epoll_wait(fd, most)) {
            Ok(events) if events.is_empty() => Poll::Pending,
            answer => Poll::Ready(answer),
        }
    })?;
    answer.unwrap_or(Ok(Vec::new()))
}

fn timeout(millis: i32) -> Option<Duration> {
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// How much of a buffer was filled: with `MSG_TRUNC` a call may give more than that.
pub(crate) fn filled(received: &Received, room: usize) -> usize {
    received.len.min(room)
}
