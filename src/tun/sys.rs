//! The only `unsafe` of the library: the ioctl(2) requests of TUN, for which `nix` has no calls.
#![allow(
    unsafe_code,
    reason = "ioctl is unsafe by nature, and tun-tap gives its file descriptor away as a plain number"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc::{self, c_int, c_short};
use nix::sys::stat::Mode as FileMode;
use nix::{ioctl_read_bad, ioctl_write_int_bad, ioctl_write_ptr, ioctl_write_ptr_bad};
use nix::{request_code_read, request_code_write};
use tun_tap::{Iface, Mode};

// linux/if_tun.h. The kernel declares some of these requests with the type of their argument,
// others with another.
ioctl_write_ptr_bad!(
    tun_set_iff,
    request_code_write!(b'T', 202, size_of::<c_int>()),
    Request
);
ioctl_write_int_bad!(
    tun_set_offload,
    request_code_write!(b'T', 208, size_of::<c_int>())
);
ioctl_read_bad!(
    tun_get_iff,
    request_code_read!(b'T', 210, size_of::<c_int>()),
    Request
);
ioctl_write_ptr!(tun_set_vnet_hdr_sz, b'T', 216, c_int);

/// `struct ifreq`, as far as TUN uses it; no shorter than the kernel's.
#[repr(C)]
#[derive(Default)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    flags: c_short,
    rest: [u8; 22],
}

const _: () = assert!(size_of::<Request>() >= size_of::<libc::ifreq>());

/// The flags with which an interface is attached, besides those of a TUN without packet
/// information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    /// IFF_VNET_HDR: a header of [`vnet`](super::vnet) in front of every datagram.
    pub(super) vnet: bool,
    /// IFF_MULTI_QUEUE: more descriptors may attach to the interface, each a queue of it.
    pub(super) many: bool,
}

/// Attaches to the TUN interface `name`, or creates it. Returns the descriptor that carries its
/// datagrams, without packet information, and the name that the kernel chose for it.
pub(super) fn attach_plain(name: &str) -> io::Result<(OwnedFd, String)> {
    let iface = Iface::without_packet_info(name, Mode::Tun)?;
    let name = iface.name().to_owned();
    // SAFETY: `into_raw_fd` consumes `iface` and with it the only owner of this open descriptor.
    let fd = unsafe { OwnedFd::from_raw_fd(iface.into_raw_fd()) };
    Ok((fd, name))
}

/// As [`attach_plain`], with `flags`. A further queue gets the flags of the first, which [`flags`]
/// returns.
pub(super) fn attach(name: &str, flags: Flags) -> io::Result<(OwnedFd, String)> {
    let fd = open(
        "/dev/net/tun",
        OFlag::O_RDWR | OFlag::O_CLOEXEC,
        FileMode::empty(),
    )?;
    let mut request = Request::default();
    for (to, from) in request.name.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    let mut bits = libc::IFF_TUN | libc::IFF_NO_PI;
    if flags.vnet {
        bits |= libc::IFF_VNET_HDR;
    }
    if flags.many {
        bits |= libc::IFF_MULTI_QUEUE;
    }
    request.flags = bits as c_short;
    // SAFETY: TUNSETIFF reads an `ifreq` and writes the name back into it; `request` is one, and lives
    // until then.
    unsafe { tun_set_iff(fd.as_raw_fd(), &raw mut request) }?;
    Ok((fd, name_in(&request)))
}

/// The flags with which the interface behind `fd` was actually attached.
pub(super) fn flags(fd: &OwnedFd) -> Result<Flags, Errno> {
    let mut request = Request::default();
    // SAFETY: TUNGETIFF writes an `ifreq`; `request` has room for one, and lives until then.
    unsafe { tun_get_iff(fd.as_raw_fd(), &raw mut request) }?;
    let bits = c_int::from(request.flags);
    Ok(Flags {
        vnet: bits & libc::IFF_VNET_HDR != 0,
        many: bits & libc::IFF_MULTI_QUEUE != 0,
    })
}

/// TUNSETOFFLOAD: the work that the kernel may leave to us on the packets it sends, a set of
/// TUN_F_.
pub(super) fn set_offload(fd: &OwnedFd, accepted: u32) -> Result<(), Errno> {
    // SAFETY: the argument is a number; nothing is pointed at.
    unsafe { tun_set_offload(fd.as_raw_fd(), accepted as c_int) }.map(drop)
}

/// TUNSETVNETHDRSZ: the length of the header in front of each datagram, octets.
pub(super) fn set_header_len(fd: &OwnedFd, len: usize) -> Result<(), Errno> {
    let len = len as c_int;
    // SAFETY: TUNSETVNETHDRSZ reads one `int`, which lives until then.
    unsafe { tun_set_vnet_hdr_sz(fd.as_raw_fd(), &raw const len) }.map(drop)
}

/// The name in a request: it ends with a zero, or with the field.
fn name_in(request: &Request) -> String {
    let octets = request.name.split(|octet| *octet == 0).next();
    String::from_utf8_lossy(octets.unwrap_or_default()).into_owned()
}
