//! Sockets on a stack of one's own: what is sent and received.

use std::ffi::{c_int, c_void};
use std::ptr;

use libc::{iovec, msghdr, sockaddr, socklen_t, ssize_t};

use crate::posix;
use crate::sockets::{Stubborn, on};
use crate::structures;

/// As `stubborn_recv` without flags; but if `len` is 0, it returns 0 at once.
///
/// # Safety
/// As `stubborn_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_read(
    stack: *const Stubborn,
    fd: c_int,
    buffer: *mut c_void,
    len: usize,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        match len {
            0 => on(stack, |host| posix::read(host, fd, &mut [])),
            _ => stubborn_recv(stack, fd, buffer, len, 0),
        }
    }
}

/// Receives what has arrived; returns how many octets, 0 at the end of the stream.
///
/// # Safety
/// `stack` is valid, and `len` octets can be written at `buffer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_recv(
    stack: *const Stubborn,
    fd: c_int,
    buffer: *mut c_void,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        stubborn_recvfrom(
            stack,
            fd,
            buffer,
            len,
            flags,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    }
}

/// As `stubborn_recv`, and gives the sender of a datagram.
///
/// # Safety
/// As `stubborn_recv`; `address` is null, or `address_len` says how many octets can be written
/// there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_recvfrom(
    stack: *const Stubborn,
    fd: c_int,
    buffer: *mut c_void,
    len: usize,
    flags: c_int,
    address: *mut sockaddr,
    address_len: *mut socklen_t,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            let from = (address, address_len);
            structures::receive_from(host, fd, (buffer, len), flags, from)
        })
    }
}

/// As `stubborn_recv`, into several pieces, with flags and control messages.
///
/// # Safety
/// `stack` is valid, and `message` is what recvmsg takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_recvmsg(
    stack: *const Stubborn,
    fd: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::receive_message(host, fd, message, flags)
        })
    }
}

/// As `stubborn_read`, into several pieces.
///
/// # Safety
/// `stack` is valid, and there are `count` pieces that can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_readv(
    stack: *const Stubborn,
    fd: c_int,
    pieces: *const iovec,
    count: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::read_vector(host, fd, pieces, count)
        })
    }
}

/// As `stubborn_send` without flags.
///
/// # Safety
/// As `stubborn_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_write(
    stack: *const Stubborn,
    fd: c_int,
    data: *const c_void,
    len: usize,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe { stubborn_send(stack, fd, data, len, 0) }
}

/// Sends octets; returns how many were taken, which on a blocking socket is all of them.
///
/// # Safety
/// `stack` is valid, and `len` octets can be read at `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_send(
    stack: *const Stubborn,
    fd: c_int,
    data: *const c_void,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe { stubborn_sendto(stack, fd, data, len, flags, ptr::null(), 0) }
}

/// As `stubborn_send`, to an address.
///
/// # Safety
/// As `stubborn_send`; `address` is null, or `address_len` octets can be read there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_sendto(
    stack: *const Stubborn,
    fd: c_int,
    data: *const c_void,
    len: usize,
    flags: c_int,
    address: *const sockaddr,
    address_len: socklen_t,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            let to = (address, address_len);
            structures::send_to(host, fd, (data, len), flags, to)
        })
    }
}

/// As `stubborn_sendto`, from several pieces. Control messages count for this call alone.
///
/// # Safety
/// `stack` is valid, and `message` is what sendmsg takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_sendmsg(
    stack: *const Stubborn,
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::send_message(host, fd, message, flags)
        })
    }
}

/// As `stubborn_send` without flags, from several pieces.
///
/// # Safety
/// `stack` is valid, and there are `count` pieces that can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_writev(
    stack: *const Stubborn,
    fd: c_int,
    pieces: *const iovec,
    count: c_int,
) -> ssize_t {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::write_vector(host, fd, pieces, count)
        })
    }
}
