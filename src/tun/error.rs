//! What can go wrong with a TUN interface, in the user's words.

use core::fmt;
use std::io;

use super::cidr::Cidr;

/// Why a TUN interface cannot be opened or configured. Each prints as one line, and says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum TunError {
    /// The name is empty or holds a character that no interface name may hold.
    BadName(String),
    /// The name is longer than 15 octets.
    NameTooLong(String),
    /// There is no `/dev/net/tun`: the kernel has no TUN driver loaded.
    NoTun,
    /// This user may not open `/dev/net/tun`.
    MayNotOpen,
    /// This user may not create this interface, or not attach to it.
    NoPermission(String),
    /// Another program is attached to the interface.
    Busy(String),
    /// An interface with this name exists, but is no TUN interface, or not one for this number of queues.
    NotTun(String),
    /// This user may not configure the interface.
    MayNotConfigure {
        /// The interface.
        name: String,
        /// The address it was to get.
        cidr: Cidr,
    },
    /// The kernel's end cannot have this address.
    BadAddress {
        /// The interface.
        name: String,
        /// The address it was to get.
        cidr: Cidr,
    },
    /// IPv6 is off in this kernel, or on this interface, and cannot be switched on.
    NoIpv6(String),
    /// The interface has been deleted.
    Gone(String),
    /// The operating system refused for another reason.
    Io {
        /// The interface.
        name: String,
        /// What was tried, as in "could not …".
        doing: &'static str,
        /// What the operating system said: the source of this error.
        error: io::Error,
    },
}

impl fmt::Display for TunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TunError::BadName(name) => write!(
                f,
                "{name:?} cannot name an interface: it must not be empty, . or .., nor hold spaces, / or :"
            ),
            TunError::NameTooLong(name) => write!(
                f,
                "the interface name {name:?} is too long: {} octets, at most 15 are allowed",
                name.len()
            ),
            TunError::NoTun => f.write_str(
                "there is no /dev/net/tun: load the kernel's driver with `sudo modprobe tun`",
            ),
            TunError::MayNotOpen => f.write_str(
                "no permission to open /dev/net/tun: run as root, or open it to all users with \
                 `sudo chmod 666 /dev/net/tun`",
            ),
            TunError::NoPermission(name) => write!(
                f,
                "no permission for TUN interface {name}: either make it once with `sudo ip tuntap \
                 add dev {name} mode tun user $USER`, or run as root or under `unshare -Urn` \
                 (/dev/net/tun must be open to you in both cases)"
            ),
            TunError::Busy(name) => {
                write!(f, "another program is attached to TUN interface {name}")
            }
            TunError::NotTun(name) => write!(
                f,
                "interface {name} exists, but is no TUN interface, or was not made for this number of \
                 queues (one, or several with `multi_queue`): choose another name"
            ),
            TunError::MayNotConfigure { name, cidr } => write!(
                f,
                "no permission to configure {name}: run as root, or once `sudo ip address add \
                 {cidr} dev {name} && sudo ip link set {name} up`"
            ),
            TunError::BadAddress { name, cidr } => {
                write!(f, "{cidr} cannot be the address of interface {name}")
            }
            TunError::NoIpv6(name) => write!(
                f,
                "IPv6 is disabled on {name}: `sudo sysctl net.ipv6.conf.{name}.disable_ipv6=0`"
            ),
            TunError::Gone(name) => write!(f, "interface {name} has been deleted"),
            TunError::Io { name, doing, .. } => write!(f, "could not {doing} interface {name}"),
        }
    }
}

impl std::error::Error for TunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TunError::Io { error, .. } => Some(error),
            TunError::BadName(_)
            | TunError::NameTooLong(_)
            | TunError::NoTun
            | TunError::MayNotOpen
            | TunError::NoPermission(_)
            | TunError::Busy(_)
            | TunError::NotTun(_)
            | TunError::MayNotConfigure { .. }
            | TunError::BadAddress { .. }
            | TunError::NoIpv6(_)
            | TunError::Gone(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_one_line() {
        let name = || "tun0".to_owned();
        let cidr: Cidr = "192.0.2.1/24".parse().unwrap();
        for error in [
            TunError::BadName("a b\n".to_owned()),
            TunError::NameTooLong(name()),
            TunError::NoTun,
            TunError::MayNotOpen,
            TunError::NoPermission(name()),
            TunError::Busy(name()),
            TunError::NotTun(name()),
            TunError::MayNotConfigure { name: name(), cidr },
            TunError::BadAddress { name: name(), cidr },
            TunError::NoIpv6(name()),
            TunError::Gone(name()),
            TunError::Io {
                name: name(),
                doing: "open",
                error: io::Error::from_raw_os_error(5),
            },
        ] {
            let text = error.to_string();
            assert!(!text.contains('\n') && !text.contains("  "), "{text}");
        }
    }
}
