//! The only `unsafe` of the crate.
#![allow(
    unsafe_code,
    reason = "tun-tap gives its file descriptor away as a plain number"
)]

use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use tun_tap::{Iface, Mode};

/// Attaches to the TUN interface `name`, or makes it. Gives the descriptor that carries its
/// datagrams, without packet information, and the name that the kernel chose for it.
pub(super) fn attach(name: &str) -> io::Result<(OwnedFd, String)> {
    let iface = Iface::without_packet_info(name, Mode::Tun)?;
    let name = iface.name().to_owned();
    // SAFETY: `into_raw_fd` consumes `iface` and with it the only owner of this open descriptor.
    let fd = unsafe { OwnedFd::from_raw_fd(iface.into_raw_fd()) };
    Ok((fd, name))
}
