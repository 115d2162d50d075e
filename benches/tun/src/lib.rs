//! One plain TUN queue: one packet a system call, no packet information, no offloads. Shared by
//! the peers that are not `stubborn`, so that they differ in nothing but the stack.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tun_tap::{Iface, Mode};

/// A TUN interface's only queue, non-blocking.
pub struct Queue(Iface);

impl Queue {
    /// Attaches to the interface `name`, or makes it.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    pub fn open(name: &str) -> io::Result<Queue> {
        let iface = Iface::without_packet_info(name, Mode::Tun)?;
        iface.set_non_blocking()?;
        Ok(Queue(iface))
    }

    /// The next packet that the kernel sent, written to `buffer`: its length, or `None` if there
    /// is none now.
    ///
    /// # Errors
    /// If the interface is gone.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0.recv(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the kernel a packet. One that the kernel has no room for is lost.
    ///
    /// # Errors
    /// If the interface is gone or down.
    pub fn send(&self, packet: &[u8]) -> io::Result<()> {
        match self.0.send(packet) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Sleeps until there is a packet to receive; `false` if `timeout` came first.
    ///
    /// # Errors
    /// If poll(2) fails.
    pub fn wait(&self, timeout: PollTimeout) -> io::Result<bool> {
        // SAFETY: the descriptor belongs to `self.0`, which outlives the borrow.
        let descriptor = unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) };
        let mut set = [PollFd::new(descriptor, PollFlags::POLLIN)];
        match poll(&mut set, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

pub use nix::poll::PollTimeout as Timeout;
