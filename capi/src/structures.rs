//! Calls whose arguments are structures of C, on any machine.

use std::ffi::{c_int, c_ulong, c_void};
use std::slice;

use libc::{epoll_event, iovec, msghdr, pollfd, sockaddr, socklen_t};
use stubborn::bsd::linux::F_GETFL;
use stubborn::bsd::{EpollEvent, Errno, PollFd};

use crate::abi::{self, Address};
use crate::posix::{self, Machine};

/// No call takes or gives more at once.
pub(crate) const MOST_AT_ONCE: usize = 1 << 24;

/// bind on a machine.
///
/// # Safety
/// `address` is null, or `len` octets can be read there.
pub(crate) unsafe fn bind(
    machine: &impl Machine,
    fd: c_int,
    address: *const sockaddr,
    len: socklen_t,
) -> Result<(), Errno> {
    // SAFETY: the caller's word.
    let address = unsafe { abi::address(address, len) }?.inet()?;
    machine.call(|calls| calls.bind(fd, address))?
}

/// accept4 on a machine. A connection whose address cannot be given is closed: nobody knows of it.
///
/// # Safety
/// `address` is null, or `len` says how many octets can be written there.
pub(crate) unsafe fn accept(
    machine: &impl Machine,
    fd: c_int,
    flags: c_int,
    (address, len): (*mut sockaddr, *mut socklen_t),
) -> Result<c_int, Errno> {
    let (new, peer) = posix::accept(machine, fd, flags)?;
    let given = match address.is_null() {
        true => Ok(()),
        // SAFETY: the caller's word.
        false => unsafe { abi::give_address(address, len, Some(peer)) },
    };
    if given.is_err() {
        machine.call(|calls| calls.close(new))??;
    }
    given.map(|()| new)
}

/// connect on a machine; with `AF_UNSPEC`, the end of it.
///
/// # Safety
/// As [`bind`].
pub(crate) unsafe fn connect(
    machine: &impl Machine,
    fd: c_int,
    address: *const sockaddr,
    len: socklen_t,
) -> Result<(), Errno> {
    // SAFETY: the caller's word.
    match unsafe { abi::address(address, len) }? {
        Address::Inet(peer) => posix::connect(machine, fd, peer),
        Address::Unspecified => machine.call(|calls| calls.disconnect(fd))?,
    }
}

/// recvfrom on a machine.
///
/// # Safety
/// `buffer` is null, or `len` octets can be written there; `address` is null, or `address_len`
/// says how many can be written there.
pub(crate) unsafe fn receive_from(
    machine: &impl Machine,
    fd: c_int,
    (buffer, len): (*mut c_void, usize),
    flags: c_int,
    (address, address_len): (*mut sockaddr, *mut socklen_t),
) -> Result<usize, Errno> {
    // SAFETY: the caller's word.
    let buffer = unsafe { abi::octets_mut(buffer, len) }?;
    let received = posix::recv(machine, fd, buffer, flags)?;
    if !address.is_null() {
        // SAFETY: the caller's word.
        unsafe { abi::give_address(address, address_len, received.from) }?;
    }
    Ok(received.len)
}

/// sendto on a machine.
///
/// # Safety
/// `data` is null, or `len` octets can be read there; so it is with `address`.
pub(crate) unsafe fn send_to(
    machine: &impl Machine,
    fd: c_int,
    (data, len): (*const c_void, usize),
    flags: c_int,
    (address, address_len): (*const sockaddr, socklen_t),
) -> Result<usize, Errno> {
    let to = match address.is_null() {
        true => None,
        // SAFETY: the caller's word.
        false => Some(unsafe { abi::address(address, address_len) }?.inet()?),
    };
    // SAFETY: the caller's word.
    let data = unsafe { abi::octets(data, len) }?;
    posix::send(machine, fd, data, flags, to)
}

/// getsockopt on a machine, of a level and name.
///
/// # Safety
/// `value` is null, or `len` says how many octets can be written there.
pub(crate) unsafe fn option(
    machine: &impl Machine,
    fd: c_int,
    (level, name): (c_int, c_int),
    value: *mut c_void,
    len: *mut socklen_t,
) -> Result<(), Errno> {
    // First: what is read once is not lost on who has said nothing of room. SAFETY: the caller's word.
    let room = unsafe { abi::room_for(len) }?;
    let octets = machine.call(|calls| calls.getsockopt_into(fd, level, name, room))??;
    // SAFETY: the caller's word.
    unsafe { abi::give_octets(value, len, &octets) }
}

/// setsockopt on a machine, of a level and name.
///
/// # Safety
/// `value` is null, or `len` octets can be read there.
pub(crate) unsafe fn set_option(
    machine: &impl Machine,
    fd: c_int,
    (level, name): (c_int, c_int),
    value: *const c_void,
    len: socklen_t,
) -> Result<(), Errno> {
    // SAFETY: the caller's word.
    let octets = unsafe { abi::octets(value, len as usize) }?;
    machine.call(|calls| calls.setsockopt(fd, level, name, octets))?
}

/// recvmsg on a machine.
///
/// # Safety
/// `message` is null or what recvmsg takes.
pub(crate) unsafe fn receive_message(
    machine: &impl Machine,
    fd: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> Result<usize, Errno> {
    // SAFETY: the caller's word.
    let header = unsafe { message.as_ref() }.ok_or(Errno::EFAULT)?;
    // SAFETY: the caller's word.
    let room = unsafe { abi::room(header.msg_iov, header.msg_iovlen, Errno::EMSGSIZE) }?;
    let mut buffer = vec![0; room.min(MOST_AT_ONCE)];
    let received = posix::recv(machine, fd, &mut buffer, flags)?;
    let filled = posix::filled(&received, buffer.len());
    // SAFETY: the caller's word.
    unsafe { abi::give_message(message, &received, &buffer[..filled]) }?;
    Ok(received.len)
}

/// readv on a machine.
///
/// # Safety
/// `pieces` is null, or there are `count` pieces that can be written.
pub(crate) unsafe fn read_vector(
    machine: &impl Machine,
    fd: c_int,
    pieces: *const iovec,
    count: c_int,
) -> Result<usize, Errno> {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the caller's word.
    let room = unsafe { abi::room(pieces, count, Errno::EINVAL) }?;
    let mut buffer = vec![0; room.min(MOST_AT_ONCE)];
    let len = posix::read(machine, fd, &mut buffer)?;
    // SAFETY: the caller's word.
    unsafe { abi::scatter(pieces, count, &buffer[..len]) }?;
    Ok(len)
}

/// sendmsg on a machine.
///
/// # Safety
/// `message` is null or what sendmsg takes.
pub(crate) unsafe fn send_message(
    machine: &impl Machine,
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> Result<usize, Errno> {
    // SAFETY: the caller's word.
    let message = unsafe { message.as_ref() }.ok_or(Errno::EFAULT)?;
    // SAFETY: the caller's word.
    let data = unsafe { abi::gather(message.msg_iov, message.msg_iovlen, Errno::EMSGSIZE) }?;
    // SAFETY: the caller's word.
    let to = unsafe { abi::destination(message) }?;
    let to = to.map(Address::inet).transpose()?;
    // SAFETY: the caller's word: this many octets of control messages.
    let control = unsafe { abi::control(message.msg_control, message.msg_controllen) }?;
    let once = machine.call(|calls| calls.one_send(fd, &control, to))??;
    posix::send_once(machine, fd, &data, flags, to, once)
}

/// writev on a machine.
///
/// # Safety
/// `pieces` is null, or there are `count` pieces that can be read.
pub(crate) unsafe fn write_vector(
    machine: &impl Machine,
    fd: c_int,
    pieces: *const iovec,
    count: c_int,
) -> Result<usize, Errno> {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the caller's word.
    let data = unsafe { abi::gather(pieces, count, Errno::EINVAL) }?;
    match data.is_empty() {
        // To Linux, that is nothing, and no empty datagram either.
        true => machine
            .call(|calls| calls.fcntl(fd, F_GETFL, 0))?
            .map(|_| 0),
        false => posix::send(machine, fd, &data, 0, None),
    }
}

/// ioctl on a machine.
///
/// # Safety
/// `argument` is null, or can be read and written.
pub(crate) unsafe fn control(
    machine: &impl Machine,
    fd: c_int,
    request: c_ulong,
    argument: *mut c_int,
) -> Result<(), Errno> {
    let request = i32::try_from(request).map_err(|_| Errno::ENOTTY)?;
    // SAFETY: the caller's word.
    let argument = unsafe { argument.as_mut() }.ok_or(Errno::EFAULT)?;
    *argument = machine.call(|calls| calls.ioctl(fd, request, *argument))??;
    Ok(())
}

/// poll on a machine; `known` says which descriptor a number stands for.
///
/// # Safety
/// `lines` is null, or there are `count` of them.
pub(crate) unsafe fn poll_lines(
    machine: &impl Machine,
    lines: *mut pollfd,
    count: c_ulong,
    millis: c_int,
    known: impl Fn(c_int) -> Result<c_int, Errno>,
) -> Result<c_int, Errno> {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the caller's word.
    let lines = unsafe { abi::values(lines, count) }?;
    let mut asked: Vec<PollFd> = lines
        .iter()
        .map(|line| PollFd {
            // What nobody knows is invalid, not to be passed over.
            fd: match line.fd {
                fd if fd < 0 => fd,
                fd => known(fd).unwrap_or(c_int::MAX),
            },
            events: c_int::from(line.events),
            revents: 0,
        })
        .collect();
    let ready = posix::poll(machine, &mut asked, millis)?;
    for (line, asked) in lines.iter_mut().zip(asked) {
        line.revents = asked.revents as i16;
    }
    Ok(ready)
}

/// What is to be watched: needed, but to end it.
///
/// # Safety
/// `event` is null, or can be read.
pub(crate) unsafe fn watched(
    event: *const epoll_event,
    operation: c_int,
) -> Result<EpollEvent, Errno> {
    match event.is_null() {
        true if operation == libc::EPOLL_CTL_DEL => Ok(EpollEvent::default()),
        true => Err(Errno::EFAULT),
        false => {
            // SAFETY: the caller's word. It may lie anywhere, packed as it is.
            let event = unsafe { event.read_unaligned() };
            Ok(EpollEvent {
                events: { event.events }.cast_signed(),
                data: event.u64,
            })
        }
    }
}

/// epoll_wait on a machine.
///
/// # Safety
/// `events` is null, or there is room for `most`.
pub(crate) unsafe fn wait_for_events(
    machine: &impl Machine,
    set: c_int,
    events: *mut epoll_event,
    most: c_int,
    millis: c_int,
) -> Result<c_int, Errno> {
    if most <= 0 {
        return Err(Errno::EINVAL);
    }
    if events.is_null() {
        return Err(Errno::EFAULT);
    }
    let told = posix::epoll_wait(machine, set, most, millis)?;
    // SAFETY: the caller's word: there is room for that many, which is not more than `most`.
    let places = unsafe { slice::from_raw_parts_mut(events, told.len()) };
    for (place, event) in places.iter_mut().zip(&told) {
        *place = epoll_event {
            events: event.events.cast_unsigned(),
            u64: event.data,
        };
    }
    Ok(told.len() as c_int)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::ptr;
    use std::task::Poll;

    use super::*;
    use stubborn::bsd::{Bsd, Calls};
    use stubborn::config::Config;
    use stubborn::stack::{Secret, Stack};
    use stubborn::time::{Duration, Instant};

    /// A host that talks to itself, at one moment.
    struct Alone(RefCell<(Bsd, Stack)>);

    impl Machine for Alone {
        fn call<T>(&self, call: impl FnOnce(&mut Calls<'_>) -> T) -> Result<T, Errno> {
            let (bsd, stack) = &mut *self.0.borrow_mut();
            let now = Instant::from_secs(1);
            let value = call(&mut bsd.at(now, stack));
            while stack.poll_transmit(now).is_some() {}
            Ok(value)
        }

        fn wait<T>(
            &self,
            _: Option<Duration>,
            attempt: impl FnMut(&mut Calls<'_>) -> Poll<T>,
        ) -> Result<Option<T>, Errno> {
            self.call(attempt).map(|answer| match answer {
                Poll::Ready(value) => Some(value),
                Poll::Pending => None,
            })
        }
    }

    fn alone() -> Alone {
        let config = Config::new(["10.0.0.1".parse().unwrap()]);
        let stack = Stack::new(config, Secret([7; 16])).unwrap();
        Alone(RefCell::new((Bsd::new(), stack)))
    }

    /// As Linux has it: who reads or writes no octets neither waits nor sends, and only the descriptor counts.
    #[test]
    fn no_octets_are_given_and_taken_at_once() {
        let alone = alone();
        let socket = |kind| {
            let fd = alone.call(|calls| calls.socket(libc::AF_INET, kind, 0));
            fd.unwrap().unwrap()
        };
        let pieces = [iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        }; 3];
        let sockets = [libc::SOCK_STREAM, libc::SOCK_DGRAM].map(socket);
        for (fd, expected) in sockets
            .map(|fd| (fd, Ok(0)))
            .into_iter()
            .chain([(99, Err(Errno::EBADF))])
        {
            assert_eq!(posix::read(&alone, fd, &mut []), expected);
            for count in [0, 3] {
                // SAFETY: there are three pieces of nothing.
                let read = unsafe { read_vector(&alone, fd, pieces.as_ptr(), count) };
                assert_eq!(read, expected);
                // SAFETY: as above.
                let written = unsafe { write_vector(&alone, fd, pieces.as_ptr(), count) };
                assert_eq!(written, expected);
            }
        }
    }

    #[test]
    fn a_connection_whose_address_cannot_be_given_is_closed() {
        let alone = alone();
        let call = |call: &mut dyn FnMut(&mut Calls<'_>) -> Result<i32, Errno>| {
            alone.call(|calls| call(calls)).unwrap()
        };
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
        let socket = || call(&mut |calls| calls.socket(libc::AF_INET, kind, 0)).unwrap();
        let (listener, client) = (socket(), socket());
        let at = "10.0.0.1:80".parse().unwrap();
        let ok = |_| 0;
        assert_eq!(call(&mut |calls| calls.bind(listener, at).map(ok)), Ok(0));
        assert_eq!(call(&mut |calls| calls.listen(listener, 1).map(ok)), Ok(0));
        let begun = call(&mut |calls| calls.connect(client, at).map(ok));
        assert_eq!(begun, Err(Errno::EINPROGRESS));
        let mut place = sockaddr {
            sa_family: 0,
            sa_data: [0; 14],
        };
        // SAFETY: there is room, and nothing says how much.
        let accepted = unsafe { accept(&alone, listener, 0, (&mut place, ptr::null_mut())) };
        assert_eq!(accepted, Err(Errno::EFAULT));
        let end = call(&mut |calls| calls.recv(client, &mut [0; 1], 0).map(|len| len as i32));
        assert_eq!(end, Ok(0), "the client hears of it");
    }
}
