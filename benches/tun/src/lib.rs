//! One TUN queue: one packet a system call, no packet information. Shared by the peers that are not
//! `stubborn`, so that they differ in nothing but the stack.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What stands before every packet of a queue with offloads: `struct virtio_net_hdr`, in octets.
pub const HEADER: usize = 10;

/// Whether packets are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They are: no longer than the MTU, with every checksum.
    Plain,
    /// A [`HEADER`] before each says what is left to do: a checksum, and cutting what is longer
    /// than the MTU.
    Offload,
}

impl Kind {
    /// The length of what stands before a packet.
    pub fn header(self) -> usize {
        match self {
            Kind::Plain => 0,
            Kind::Offload => HEADER,
        }
    }
}

/// A TUN interface's only queue, non-blocking.
pub struct Queue {
    file: File,
    kind: Kind,
}

impl Queue {
    /// Attaches to the interface `name`, or makes it.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    pub fn open(name: &str, kind: Kind) -> io::Result<Queue> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")?;
        let flags = libc::IFF_TUN | libc::IFF_NO_PI;
        match kind {
            Kind::Plain => attach(&file, name, flags)?,
            Kind::Offload => {
                attach(&file, name, flags | libc::IFF_VNET_HDR)?;
                take_unfinished(&file)?;
            }
        }
        Ok(Queue { file, kind })
    }

    /// Whether packets are those of the wire.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The next packet that the kernel sent, written to `buffer`, with what stands before it: its
    /// length, or `None` if there is none now.
    ///
    /// # Errors
    /// If the interface is gone.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match (&self.file).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the kernel a packet, with what stands before it. One that the kernel has no room for
    /// is lost.
    ///
    /// # Errors
    /// If the interface is gone or down.
    pub fn send(&self, packet: &[u8]) -> io::Result<()> {
        match (&self.file).write(packet) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Sleeps until there is a packet to receive; `false` if `timeout` came first.
    ///
    /// # Errors
    /// If poll(2) fails.
    pub fn wait(&self, timeout: PollTimeout) -> io::Result<bool> {
        let mut set = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        match poll(&mut set, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes `file` a queue of the interface `name`.
fn attach(file: &File, name: &str, flags: i32) -> io::Result<()> {
    if name.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            // The flags of TUN fit: the field has 16 bits.
            ifru_flags: flags as libc::c_short,
        },
    };
    for (place, octet) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = octet as libc::c_char;
    }
    // SAFETY: `request` is an `ifreq`, as TUNSETIFF wants it, and lives until the call returns.
    answered(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) })
}

/// From now on the kernel may hand over TCP packets that lack a checksum or are still to be cut.
fn take_unfinished(file: &File) -> io::Result<()> {
    let kinds = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
    let kinds = libc::c_ulong::from(kinds);
    // SAFETY: TUNSETOFFLOAD takes a number and no pointer.
    answered(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD, kinds) })
}

fn answered(answer: libc::c_int) -> io::Result<()> {
    match answer {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

pub use nix::poll::PollTimeout as Timeout;
