//! What the functions of the table do.
//!
//! Descriptors that the program sees are placeholders: real ones, each standing for one of the
//! stack's, since the program may close them with the system's `close`.
//!
//! # Safety
//! All of them ask for the same: `userdata` is that of the table and was not freed, and pointers
//! are as the manual of the C library has them.

use std::ffi::{c_int, c_long, c_longlong, c_uint, c_ulong, c_void};
use std::os::fd::{IntoRawFd, RawFd};
use std::ptr;
use std::time::Duration;

use libc::{epoll_event, iovec, msghdr, pollfd, sockaddr, socklen_t, ssize_t, timeval};
use nix::sys::eventfd::EventFd;
use stubborn::bsd::{Errno, Fd};

use super::world::World;
use crate::abi::{self, Answer, guard};
use crate::posix::{self, Machine};
use crate::structures;

/// Runs a call on the world of `userdata`.
///
/// # Safety
/// It is null, or that of the table and not freed.
unsafe fn on<T: Answer>(
    userdata: *mut c_void,
    call: impl FnOnce(&World) -> Result<T, Errno>,
) -> T::C {
    // SAFETY: the caller's word.
    let world = unsafe { userdata.cast::<World>().as_ref() };
    guard(|| call(world.ok_or(Errno::EFAULT)?))
}

/// The same, on what the placeholder `fd` stands for.
///
/// # Safety
/// As [`on`].
unsafe fn on_known<T: Answer>(
    userdata: *mut c_void,
    fd: c_int,
    call: impl FnOnce(&World, Fd) -> Result<T, Errno>,
) -> T::C {
    // SAFETY: the caller's word.
    unsafe { on(userdata, |world| call(world, world.known(fd)?)) }
}

/// A placeholder for a descriptor.
fn hold(world: &World, fd: Fd) -> Result<RawFd, Errno> {
    match EventFd::new() {
        Ok(placeholder) => {
            // Whoever closes it, it is not this program's to do so a second time.
            let placeholder = std::os::fd::OwnedFd::from(placeholder).into_raw_fd();
            world.stand_for(placeholder, fd);
            Ok(placeholder)
        }
        Err(_) => {
            world.call(|calls| calls.close(fd))??;
            Err(Errno::EMFILE)
        }
    }
}

pub(super) unsafe extern "C" fn free(userdata: *mut c_void) {
    guard(|| {
        if !userdata.is_null() {
            // SAFETY: the caller's word: it is a box of ours, and nobody else has it.
            drop(unsafe { Box::from_raw(userdata.cast::<World>()) });
        }
        Ok(())
    });
}

pub(super) unsafe extern "C" fn socket(
    userdata: *mut c_void,
    domain: c_int,
    kind: c_int,
    protocol: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            let fd = world.call(|calls| calls.socket(domain, kind, protocol))??;
            hold(world, fd)
        })
    }
}

pub(super) unsafe extern "C" fn bind(
    userdata: *mut c_void,
    fd: c_int,
    address: *const sockaddr,
    len: socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::bind(world, fd, address, len)
        })
    }
}

pub(super) unsafe extern "C" fn listen(userdata: *mut c_void, fd: c_int, backlog: c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            world.call(|calls| calls.listen(fd, backlog))?
        })
    }
}

pub(super) unsafe extern "C" fn accept(
    userdata: *mut c_void,
    fd: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            let new = structures::accept(world, fd, 0, (address, len))?;
            hold(world, new)
        })
    }
}

pub(super) unsafe extern "C" fn connect(
    userdata: *mut c_void,
    fd: c_int,
    address: *const sockaddr,
    len: socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::connect(world, fd, address, len)
        })
    }
}

pub(super) unsafe extern "C" fn read(
    userdata: *mut c_void,
    fd: c_int,
    buffer: *mut c_void,
    len: usize,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        match len {
            0 => on_known(userdata, fd, |world, fd| posix::read(world, fd, &mut [])),
            _ => recv(userdata, fd, buffer, len, 0),
        }
    }
}

pub(super) unsafe extern "C" fn readv(
    userdata: *mut c_void,
    fd: c_int,
    pieces: *const iovec,
    count: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::read_vector(world, fd, pieces, count)
        })
    }
}

pub(super) unsafe extern "C" fn recv(
    userdata: *mut c_void,
    fd: c_int,
    buffer: *mut c_void,
    len: usize,
    flags: c_int,
) -> ssize_t {
    let (address, address_len) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the caller's word.
    unsafe { recvfrom(userdata, fd, buffer, len, flags, address, address_len) }
}

pub(super) unsafe extern "C" fn recvfrom(
    userdata: *mut c_void,
    fd: c_int,
    buffer: *mut c_void,
    len: usize,
    flags: c_int,
    address: *mut sockaddr,
    address_len: *mut socklen_t,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            // A test may throw away what it receives.
            let mut scratch = match buffer.is_null() {
                true => vec![0u8; len.min(structures::MOST_AT_ONCE)],
                false => Vec::new(),
            };
            let buffer = match buffer.is_null() {
                true => (scratch.as_mut_ptr().cast(), scratch.len()),
                false => (buffer, len),
            };
            structures::receive_from(world, fd, buffer, flags, (address, address_len))
        })
    }
}

pub(super) unsafe extern "C" fn recvmsg(
    userdata: *mut c_void,
    fd: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::receive_message(world, fd, message, flags)
        })
    }
}

pub(super) unsafe extern "C" fn write(
    userdata: *mut c_void,
    fd: c_int,
    data: *const c_void,
    len: usize,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe { send(userdata, fd, data, len, 0) }
}

pub(super) unsafe extern "C" fn writev(
    userdata: *mut c_void,
    fd: c_int,
    pieces: *const iovec,
    count: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::write_vector(world, fd, pieces, count)
        })
    }
}

pub(super) unsafe extern "C" fn send(
    userdata: *mut c_void,
    fd: c_int,
    data: *const c_void,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe { sendto(userdata, fd, data, len, flags, ptr::null(), 0) }
}

pub(super) unsafe extern "C" fn sendto(
    userdata: *mut c_void,
    fd: c_int,
    data: *const c_void,
    len: usize,
    flags: c_int,
    address: *const sockaddr,
    address_len: socklen_t,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::send_to(world, fd, (data, len), flags, (address, address_len))
        })
    }
}

pub(super) unsafe extern "C" fn sendmsg(
    userdata: *mut c_void,
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::send_message(world, fd, message, flags)
        })
    }
}

pub(super) unsafe extern "C" fn fcntl(
    userdata: *mut c_void,
    fd: c_int,
    command: c_int,
    argument: c_long,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            // Without an argument there is anything in its place.
            world.call(|calls| calls.fcntl(fd, command, argument as c_int))?
        })
    }
}

pub(super) unsafe extern "C" fn ioctl(
    userdata: *mut c_void,
    fd: c_int,
    request: c_ulong,
    argument: *mut c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::control(world, fd, request, argument)
        })
    }
}

pub(super) unsafe extern "C" fn close(userdata: *mut c_void, fd: c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            posix::close(world, world.known(fd)?)?;
            world.forget(fd);
            // SAFETY: a placeholder of ours, and nobody uses it any more.
            libc::close(fd);
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn shutdown(userdata: *mut c_void, fd: c_int, how: c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            world.call(|calls| calls.shutdown(fd, how))?
        })
    }
}

pub(super) unsafe extern "C" fn getsockopt(
    userdata: *mut c_void,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::option(world, fd, (level, name), value, len)
        })
    }
}

pub(super) unsafe extern "C" fn setsockopt(
    userdata: *mut c_void,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, fd, |world, fd| {
            structures::set_option(world, fd, (level, name), value, len)
        })
    }
}

pub(super) unsafe extern "C" fn poll(
    userdata: *mut c_void,
    lines: *mut pollfd,
    count: c_ulong,
    millis: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            structures::poll_lines(world, lines, count, millis, |fd| world.known(fd))
        })
    }
}

/// A packet for the stack: a datagram of IP.
pub(super) unsafe extern "C" fn netdev_send(
    userdata: *mut c_void,
    buffer: *const c_void,
    count: usize,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            world.arrive(abi::octets(buffer, count)?);
            Ok(())
        })
    }
}

/// The next packet of the stack, and when it was sent, in microseconds. If none was, time passes
/// until one is.
pub(super) unsafe extern "C" fn netdev_receive(
    userdata: *mut c_void,
    buffer: *mut c_void,
    count: *mut usize,
    time: *mut c_longlong,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            let count = count.as_mut().ok_or(Errno::EFAULT)?;
            let room = std::mem::take(count);
            let (at, datagram) = world.sent().ok_or(Errno::EAGAIN)?;
            let len = datagram.len().min(room);
            abi::octets_mut(buffer, len)?.copy_from_slice(&datagram[..len]);
            *count = len;
            if let Some(time) = time.as_mut() {
                *time = (at.as_nanos() / 1_000) as c_longlong;
            }
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn usleep(userdata: *mut c_void, micros: c_uint) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            world.pass(Duration::from_micros(u64::from(micros)));
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn gettimeofday(
    userdata: *mut c_void,
    time: *mut timeval,
    _zone: *mut c_void,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            let micros = world.look_at_clock().as_nanos() / 1_000;
            if let Some(time) = time.as_mut() {
                time.tv_sec = (micros / 1_000_000) as _;
                time.tv_usec = (micros % 1_000_000) as _;
            }
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn epoll_create(userdata: *mut c_void, size: c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            if size <= 0 {
                return Err(Errno::EINVAL);
            }
            let fd = world.call(|calls| calls.epoll_create(0))??;
            hold(world, fd)
        })
    }
}

pub(super) unsafe extern "C" fn epoll_ctl(
    userdata: *mut c_void,
    set: c_int,
    operation: c_int,
    fd: c_int,
    event: *const epoll_event,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            let event = structures::watched(event, operation)?;
            let (set, fd) = (world.known(set)?, world.known(fd)?);
            world.call(|calls| calls.epoll_ctl(set, operation, fd, event))?
        })
    }
}

pub(super) unsafe extern "C" fn epoll_wait(
    userdata: *mut c_void,
    set: c_int,
    events: *mut epoll_event,
    most: c_int,
    millis: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on_known(userdata, set, |world, set| {
            structures::wait_for_events(world, set, events, most, millis)
        })
    }
}

/// Both ends of a pipe.
pub(super) unsafe extern "C" fn pipe(userdata: *mut c_void, ends: *mut c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            let places = abi::values(ends, 2)?;
            let (reader, writer) = world.call(|calls| calls.pipe(0))??;
            let held = hold(world, reader).inspect_err(|_| {
                // Nobody knows of it.
                let _ = world.call(|calls| calls.close(writer));
            });
            places[0] = held?;
            places[1] = hold(world, writer)?;
            Ok(())
        })
    }
}

/// Octets from a socket to a pipe, or from a pipe to a socket. There are no places in either.
pub(super) unsafe extern "C" fn splice(
    userdata: *mut c_void,
    from: c_int,
    from_place: *mut i64,
    to: c_int,
    to_place: *mut i64,
    len: usize,
    flags: c_uint,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on(userdata, |world| {
            let (from, to) = (world.known(from)?, world.known(to)?);
            if !from_place.is_null() || !to_place.is_null() {
                return Err(Errno::ESPIPE);
            }
            posix::splice(world, from, to, len, flags.cast_signed())
        })
    }
}
