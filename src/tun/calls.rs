//! The calls that move datagrams: one each.
//!
//! They bypass the C library, whose reads and writes are cancellation points: in a program with threads
//! that costs 25 ns a call. All other calls to the kernel go through `nix`.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::AsFd;

use nix::errno::Errno;
use rustix::io;

/// read(2).
pub(super) fn read(fd: impl AsFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    io::read(fd, buffer).map_err(errno)
}

/// readv(2).
pub(super) fn readv(fd: impl AsFd, pieces: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
    io::readv(fd, pieces).map_err(errno)
}

/// write(2).
pub(super) fn write(fd: impl AsFd, octets: &[u8]) -> Result<usize, Errno> {
    io::write(fd, octets).map_err(errno)
}

/// writev(2).
pub(super) fn writev(fd: impl AsFd, pieces: &[IoSlice<'_>]) -> Result<usize, Errno> {
    io::writev(fd, pieces).map_err(errno)
}

fn errno(errno: io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}
