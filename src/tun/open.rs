//! Attaching to a TUN interface, and what a refusal means.

use std::io;
use std::iter;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::device::TunDevice;
use super::error::TunError;
use super::offloads::{self, Accepted};
use super::{netlink, sys, vnet};

/// The longest name of an interface, in octets: IFNAMSIZ without its final zero.
const MAX_NAME: usize = 15;

impl TunDevice {
    /// Attaches to the TUN interface `name`, and creates it if it does not exist. An interface
    /// created here vanishes with the device; one that existed stays.
    ///
    /// As far as kernel and interface allow it, checksums are left to the kernel, and up to 64 KiB
    /// of text cross the interface at once, as a super-segment. Whatever they do not allow is
    /// logged at level info, and done here.
    ///
    /// Dropping the device switches the offloads of an interface that stays off again. If the program is
    /// killed, they stay on: the next program to attach gets super-segments and partial checksums, even
    /// if it cannot handle them, until the interface is opened here (by [`TunDevice::open_plain`] or
    /// otherwise) and dropped, or created anew.
    ///
    /// # Errors
    /// [`TunError`] says why, and what to do about it.
    ///
    /// ```no_run
    /// use stubborn::tun::TunDevice;
    ///
    /// let device = TunDevice::open("tun0")?;
    /// device.up("192.0.2.1/24".parse()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(name: &str) -> Result<TunDevice, TunError> {
        check_name(name)?;
        match attach_with_header(name, false) {
            Ok((fd, name)) => {
                let accepted = Accepted::all(&fd, &name);
                Ok(TunDevice::attached(fd, name, true)?.with(accepted))
            }
            Err(reason) => {
                log::info!("{name}: no offloads, one packet a system call: {reason}");
                TunDevice::open_plain(name)
            }
        }
    }

    /// As [`TunDevice::open`], with this many queues (at least one), each a device, for
    /// [`Net::start_queues`](crate::sockets::Net::start_queues). The kernel spreads flows over them
    /// by a hash of its own, and sends each flow to the queue that last sent a packet of it. An
    /// interface that exists must have been created for several queues (`ip tuntap add …
    /// multi_queue`).
    ///
    /// # Errors
    /// As [`TunDevice::open`]; [`TunError::NotTun`] if the interface has only one queue.
    pub fn open_queues(name: &str, queues: usize) -> Result<Vec<TunDevice>, TunError> {
        check_name(name)?;
        match attach_with_header(name, true) {
            Ok((fd, name)) => {
                let accepted = Accepted::all(&fd, &name);
                let first = TunDevice::attached(fd, name, true)?.with(accepted);
                first.with_further(queues)
            }
            Err(reason) => {
                log::info!("{name}: no offloads, one packet a system call: {reason}");
                TunDevice::open_plain_queues(name, queues)
            }
        }
    }

    /// As [`TunDevice::open_queues`], without offloads.
    ///
    /// # Errors
    /// As [`TunDevice::open_queues`].
    pub fn open_plain_queues(name: &str, queues: usize) -> Result<Vec<TunDevice>, TunError> {
        check_name(name)?;
        let (fd, name) = attach_plain_queue(name)?;
        offloads::switch_off(&fd, &name);
        TunDevice::attached(fd, name, false)?.with_further(queues)
    }

    /// This queue and others, `queues` in all. The kernel has completed the name, and gives all of
    /// them the offloads of the first.
    fn with_further(self, queues: usize) -> Result<Vec<TunDevice>, TunError> {
        let (name, vnet) = (self.name().to_owned(), self.has_offloads());
        let accepted = self.accepted();
        let further = (1..queues).map(|_| {
            let (fd, name) = match vnet {
                true => attach_with_header(&name, true).map_err(|error| refusal(&name, error))?,
                false => attach_plain_queue(&name)?,
            };
            Ok(TunDevice::attached(fd, name, vnet)?.with(accepted.clone()))
        });
        iter::once(Ok(self)).chain(further).collect()
    }

    /// As [`TunDevice::open`], without offloads: every packet crosses the interface by itself, as it
    /// would be on a wire.
    ///
    /// # Errors
    /// As [`TunDevice::open`].
    pub fn open_plain(name: &str) -> Result<TunDevice, TunError> {
        check_name(name)?;
        let (fd, name) = sys::attach_plain(name).map_err(|error| refusal(name, error))?;
        // The previous program may have left the interface with offloads.
        offloads::switch_off(&fd, &name);
        TunDevice::attached(fd, name, false)
    }

    /// The device of a descriptor; `vnet`: each datagram has a header of [`vnet`] in front.
    fn attached(fd: OwnedFd, name: String, vnet: bool) -> Result<TunDevice, TunError> {
        let failed = |doing| {
            let name = name.clone();
            move |errno: Errno| TunError::Io {
                name,
                doing,
                error: errno.into(),
            }
        };
        let flags = fcntl(&fd, FcntlArg::F_GETFL).map_err(failed("read the mode of"))?;
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        fcntl(&fd, FcntlArg::F_SETFL(flags)).map_err(failed("set the mode of"))?;
        let index = netlink::index(&name).map_err(failed("find"))?;
        let mtu = netlink::link(index).map_err(failed("read the MTU of"))?.mtu;
        Ok(TunDevice::new(fd, name, index, mtu, vnet))
    }
}

/// Attaches as one of several queues, whose datagrams are without headers.
fn attach_plain_queue(name: &str) -> Result<(OwnedFd, String), TunError> {
    let plain = sys::Flags {
        vnet: false,
        many: true,
    };
    sys::attach(name, plain).map_err(|error| refusal(name, error))
}

/// Attaches so that each datagram has a header of [`vnet`] in front. `many`: as one of several
/// queues.
fn attach_with_header(name: &str, many: bool) -> io::Result<(OwnedFd, String)> {
    let wanted = sys::Flags { vnet: true, many };
    let (fd, name) = sys::attach(name, wanted)?;
    if !sys::flags(&fd)?.vnet {
        return Err(io::Error::other("it is attached to without such headers"));
    }
    sys::set_header_len(&fd, vnet::LEN)?;
    Ok((fd, name))
}

/// Applies the kernel's own rules for a name, which also keep it from being truncated.
fn check_name(name: &str) -> Result<(), TunError> {
    if name.len() > MAX_NAME {
        return Err(TunError::NameTooLong(name.to_owned()));
    }
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '/' || c == ':';
    if name.is_empty() || name == "." || name == ".." || name.contains(bad) {
        return Err(TunError::BadName(name.to_owned()));
    }
    Ok(())
}

/// What it means when opening `/dev/net/tun` or attaching (TUNSETIFF) fails.
fn refusal(name: &str, error: io::Error) -> TunError {
    let name = name.to_owned();
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => TunError::NoTun,
        // Only opening the file fails with this error.
        Some(Errno::EACCES) => TunError::MayNotOpen,
        Some(Errno::EPERM) => TunError::NoPermission(name),
        Some(Errno::EBUSY | Errno::EEXIST) => TunError::Busy(name),
        // The name is valid, so an interface of another kind has it.
        Some(Errno::EINVAL) => TunError::NotTun(name),
        _ => TunError::Io {
            name,
            doing: "attach to",
            error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_before_the_kernel_sees_them() {
        assert!(check_name("tun0").is_ok());
        assert!(check_name("tun%d").is_ok(), "the kernel chooses the number");
        assert!(check_name("fifteen-octets.").is_ok());
        assert!(matches!(
            check_name("sixteen-octets.."),
            Err(TunError::NameTooLong(_))
        ));
        for name in ["", ".", "..", "a b", "a/b", "a:1", "a\0b"] {
            assert!(
                matches!(check_name(name), Err(TunError::BadName(_))),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_users_words() {
        let told = |errno: Errno| refusal("tun0", errno.into());
        assert!(matches!(told(Errno::ENOENT), TunError::NoTun));
        assert!(matches!(told(Errno::EACCES), TunError::MayNotOpen));
        assert!(matches!(told(Errno::EPERM), TunError::NoPermission(_)));
        assert!(matches!(told(Errno::EBUSY), TunError::Busy(_)));
        assert!(matches!(told(Errno::EINVAL), TunError::NotTun(_)));
        assert!(matches!(told(Errno::EMFILE), TunError::Io { .. }));
    }
}
