//! The kernel's end of the interface.

use std::fs;

use nix::errno::Errno;

use super::cidr::Cidr;
use super::device::TunDevice;
use super::error::TunError;
use super::netlink;

impl TunDevice {
    /// Gives the kernel's end of the interface the address `cidr`, usable at once, and brings
    /// the interface up. May be called again, with addresses of both families; giving an address
    /// twice is no error.
    ///
    /// # Errors
    /// If this user may not configure the interface, or the kernel refuses the address.
    pub fn up(&self, cidr: Cidr) -> Result<(), TunError> {
        let failed = |errno| self.configure_error(cidr, errno);
        netlink::set_up(self.index()).map_err(failed)?;
        match netlink::add_address(self.index(), cidr) {
            // IPv6 is disabled on the interface, as it is by default in containers.
            Err(Errno::EACCES) if cidr.address().is_ipv6() => {
                self.enable_ipv6()?;
                netlink::add_address(self.index(), cidr)
            }
            answer => answer,
        }
        .map_err(failed)
    }

    /// Whether the interface is up.
    ///
    /// # Errors
    /// If it has been deleted.
    pub fn is_up(&self) -> Result<bool, TunError> {
        let link = netlink::link(self.index());
        Ok(link.map_err(|errno| self.io_error("read", errno))?.up)
    }

    /// The length of the kernel's queue in front of the interface, in packets: how many may wait
    /// to be received before the kernel drops. A receive window larger than the queue loses
    /// packets there.
    ///
    /// # Errors
    /// If the interface has been deleted.
    pub fn queue_len(&self) -> Result<u32, TunError> {
        let link = netlink::link(self.index());
        Ok(link
            .map_err(|errno| self.io_error("read", errno))?
            .queue_len)
    }

    /// Sets the length of the kernel's queue in front of the interface, in packets.
    ///
    /// # Errors
    /// If this user may not configure the interface.
    pub fn set_queue_len(&self, packets: u32) -> Result<(), TunError> {
        netlink::set_queue_len(self.index(), packets)
            .map_err(|errno| self.io_error("set the queue length of", errno))
    }

    fn enable_ipv6(&self) -> Result<(), TunError> {
        let path = format!("/proc/sys/net/ipv6/conf/{}/disable_ipv6", self.name());
        fs::write(path, "0").map_err(|_| TunError::NoIpv6(self.name().to_owned()))
    }

    fn configure_error(&self, cidr: Cidr, errno: Errno) -> TunError {
        let name = self.name().to_owned();
        match errno {
            Errno::EPERM => TunError::MayNotConfigure { name, cidr },
            Errno::EINVAL | Errno::EADDRNOTAVAIL => TunError::BadAddress { name, cidr },
            Errno::EAFNOSUPPORT | Errno::EOPNOTSUPP | Errno::EACCES => TunError::NoIpv6(name),
            errno => self.io_error("configure", errno),
        }
    }

    fn io_error(&self, doing: &'static str, errno: Errno) -> TunError {
        let name = self.name().to_owned();
        match errno {
            Errno::ENODEV => TunError::Gone(name),
            errno => TunError::Io {
                name,
                doing,
                error: errno.into(),
            },
        }
    }
}
