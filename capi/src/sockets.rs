//! Sockets on a stack of one's own, over a TUN interface.
//!
//! A stack is opened once and used from any thread; descriptors belong to it, and are no
//! descriptors of the system. Functions do what their namesakes of POSIX do on Linux, with the
//! same constants and structures: on failure they return -1 (or `NULL`) and set `errno`.

use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
use std::net::IpAddr;
use std::ptr;

use libc::{epoll_event, pollfd, sockaddr, socklen_t};
use stubborn::bsd::{Bsd, Errno};
use stubborn::config::Config;
use stubborn::tun::{Cidr, TunDevice, TunError};

use crate::abi::{self, guard};
use crate::host::Host;
use crate::posix::{self, Machine};
use crate::structures;

/// A stack: made by `stubborn_open`, ended by `stubborn_free`. Any thread may use it at any time.
/// Descriptors belong to their stack, and are no descriptors of the system. Functions do what their
/// namesakes of POSIX do on Linux, with the same constants and structures. On failure they return -1
/// and set `errno`; a null stack is `EFAULT`.
pub struct Stubborn {
    host: Host,
}

/// Starts a stack on the TUN interface `tun`, which is made if it is not there. `addresses`: those
/// of the stack, separated by commas, each an address of the interface's network that the kernel
/// does not have. One with a prefix and an `@` before it (`@10.9.0.1/24`) is given to the kernel's
/// end of the interface instead. Returns `NULL` and sets `errno` if that cannot be.
///
/// # Safety
/// Both are strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_open(
    tun: *const c_char,
    addresses: *const c_char,
) -> *mut Stubborn {
    let mut stack = ptr::null_mut();
    guard(|| {
        // SAFETY: the caller's word.
        let (tun, addresses) = unsafe { (text(tun)?, text(addresses)?) };
        let host = open(tun, addresses)?;
        stack = Box::into_raw(Box::new(Stubborn { host }));
        Ok(())
    });
    stack
}

/// Ends a stack: closes what is open, and gives connections two seconds to finish. `NULL` is ignored.
///
/// # Safety
/// `stack` comes from `stubborn_open`; nobody uses it any more, or ever will.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_free(stack: *mut Stubborn) {
    guard(|| {
        if !stack.is_null() {
            // SAFETY: the caller's word: it is a box of ours, and nobody else has it.
            drop(unsafe { Box::from_raw(stack) });
        }
        Ok(())
    });
}

/// A string of C.
///
/// # Safety
/// `text` is null or a string.
unsafe fn text<'a>(text: *const c_char) -> Result<&'a str, Errno> {
    if text.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the caller's word.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Errno::EINVAL)
}

fn open(tun: &str, addresses: &str) -> Result<Host, Errno> {
    let (mut own, mut kernels): (Vec<IpAddr>, Vec<Cidr>) = (Vec::new(), Vec::new());
    for word in addresses.split(',').map(str::trim) {
        match word.strip_prefix('@') {
            Some(cidr) => kernels.push(cidr.parse().map_err(|_| Errno::EINVAL)?),
            None => own.push(word.parse().map_err(|_| Errno::EINVAL)?),
        }
    }
    let config = Config::new(own);
    config.validate().map_err(|_| Errno::EINVAL)?;
    let device = TunDevice::open(tun).map_err(refused)?;
    for cidr in kernels {
        device.up(cidr).map_err(refused)?;
    }
    let bsd = Bsd::new().on(device.name());
    Host::start(device, config, bsd)
}

/// Why there is no interface.
fn refused(error: TunError) -> Errno {
    let source = std::error::Error::source(&error);
    let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    let number = io.and_then(std::io::Error::raw_os_error);
    number.and_then(Errno::from_number).unwrap_or(Errno::EPERM)
}

/// Runs a call on a stack.
///
/// # Safety
/// `stack` is null or valid.
pub(crate) unsafe fn on<T: abi::Answer>(
    stack: *const Stubborn,
    call: impl FnOnce(&Host) -> Result<T, Errno>,
) -> T::C {
    // SAFETY: the caller's word.
    let stack = unsafe { stack.as_ref() };
    guard(|| call(&stack.ok_or(Errno::EFAULT)?.host))
}

/// A new socket: `AF_INET` or `AF_INET6`, `SOCK_STREAM` or `SOCK_DGRAM`, which may carry
/// `SOCK_NONBLOCK`.
///
/// # Safety
/// `stack` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_socket(
    stack: *const Stubborn,
    domain: c_int,
    kind: c_int,
    protocol: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            host.call(|calls| calls.socket(domain, kind, protocol))?
        })
    }
}

/// Gives a socket a local address.
///
/// # Safety
/// `stack` is valid, and `len` octets can be read at `address`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_bind(
    stack: *const Stubborn,
    fd: c_int,
    address: *const sockaddr,
    len: socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe { on(stack, |host| structures::bind(host, fd, address, len)) }
}

/// A socket takes connections from now on; at most `backlog` wait to be accepted.
///
/// # Safety
/// `stack` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_listen(
    stack: *const Stubborn,
    fd: c_int,
    backlog: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            host.call(|calls| calls.listen(fd, backlog))?
        })
    }
}

/// Accepts the next connection: returns it as a new socket, and gives the address of its peer.
///
/// # Safety
/// `stack` is valid; `address` is null, or `len` says how many octets can be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_accept(
    stack: *const Stubborn,
    fd: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe { stubborn_accept4(stack, fd, address, len, 0) }
}

/// As `stubborn_accept`; `flags` may be `SOCK_NONBLOCK`.
///
/// # Safety
/// As `stubborn_accept`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_accept4(
    stack: *const Stubborn,
    fd: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::accept(host, fd, flags, (address, len))
        })
    }
}

/// Connects; with `AF_UNSPEC`, disconnects.
///
/// # Safety
/// `stack` is valid, and `len` octets can be read at `address`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_connect(
    stack: *const Stubborn,
    fd: c_int,
    address: *const sockaddr,
    len: socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe { on(stack, |host| structures::connect(host, fd, address, len)) }
}

/// Ends sending (`SHUT_WR`), receiving (`SHUT_RD`), or both (`SHUT_RDWR`).
///
/// # Safety
/// `stack` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_shutdown(stack: *const Stubborn, fd: c_int, how: c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe { on(stack, |host| host.call(|calls| calls.shutdown(fd, how))?) }
}

/// Closes a descriptor. Its connection finishes in the background.
///
/// # Safety
/// `stack` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_close(stack: *const Stubborn, fd: c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe { on(stack, |host| posix::close(host, fd)) }
}

/// Gives the local address of a socket.
///
/// # Safety
/// `stack` is valid; `len` says how many octets can be written at `address`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_getsockname(
    stack: *const Stubborn,
    fd: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            let local = host.call(|calls| calls.getsockname(fd))??;
            abi::give_address(address, len, Some(local))
        })
    }
}

/// Gives the address of the peer.
///
/// # Safety
/// As `stubborn_getsockname`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_getpeername(
    stack: *const Stubborn,
    fd: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            let peer = host.call(|calls| calls.getpeername(fd))??;
            abi::give_address(address, len, Some(peer))
        })
    }
}

/// Gives the value of an option.
///
/// # Safety
/// `stack` is valid; `len` says how many octets can be written at `value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_getsockopt(
    stack: *const Stubborn,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::option(host, fd, (level, name), value, len)
        })
    }
}

/// Changes an option.
///
/// # Safety
/// `stack` is valid, and `len` octets can be read at `value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_setsockopt(
    stack: *const Stubborn,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::set_option(host, fd, (level, name), value, len)
        })
    }
}

/// Flags of a descriptor: `F_GETFL`, and `F_SETFL` with `O_NONBLOCK` or 0.
///
/// # Safety
/// `stack` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_fcntl(
    stack: *const Stubborn,
    fd: c_int,
    command: c_int,
    argument: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            host.call(|calls| calls.fcntl(fd, command, argument))?
        })
    }
}

/// `FIONREAD`, `SIOCOUTQ`, `SIOCOUTQNSD`, `SIOCATMARK`, `FIONBIO`.
///
/// # Safety
/// `stack` is valid, and `argument` can be read and written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_ioctl(
    stack: *const Stubborn,
    fd: c_int,
    request: c_ulong,
    argument: *mut c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::control(host, fd, request, argument)
        })
    }
}

/// Waits until a descriptor is ready, `millis` at most (-1: for ever).
///
/// # Safety
/// `stack` is valid, and there are `count` lines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_poll(
    stack: *const Stubborn,
    lines: *mut pollfd,
    count: c_ulong,
    millis: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::poll_lines(host, lines, count, millis, Ok)
        })
    }
}

/// Makes a set of descriptors to be watched.
///
/// # Safety
/// `stack` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_epoll_create1(stack: *const Stubborn, flags: c_int) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            host.call(|calls| calls.epoll_create(flags))?
        })
    }
}

/// Adds a descriptor to a set, changes its events, or removes it.
///
/// # Safety
/// `stack` is valid; `event` is null, or can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_epoll_ctl(
    stack: *const Stubborn,
    set: c_int,
    operation: c_int,
    fd: c_int,
    event: *const epoll_event,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            let event = structures::watched(event, operation)?;
            host.call(|calls| calls.epoll_ctl(set, operation, fd, event))?
        })
    }
}

/// Waits until something is ready, `millis` at most (-1: for ever).
///
/// # Safety
/// `stack` is valid, and there is room for `most` events.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stubborn_epoll_wait(
    stack: *const Stubborn,
    set: c_int,
    events: *mut epoll_event,
    most: c_int,
    millis: c_int,
) -> c_int {
    // SAFETY: the caller's word.
    unsafe {
        on(stack, |host| {
            structures::wait_for_events(host, set, events, most, millis)
        })
    }
}
