//! Address families, and IPv4 addresses in IPv6 sockets.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::errno::Errno;
use super::linux::{AF_INET, AF_INET6};

/// The family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `AF_INET`.
    Inet,
    /// `AF_INET6`; IPv4 too, in mapped addresses (RFC 4291 §2.5.5.2), unless `IPV6_V6ONLY`.
    Inet6,
}

impl Family {
    /// The family with this number.
    pub(super) fn of(domain: i32) -> Result<Family, Errno> {
        match domain {
            AF_INET => Ok(Family::Inet),
            AF_INET6 => Ok(Family::Inet6),
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }

    /// The family's number.
    pub(super) fn number(self) -> i32 {
        match self {
            Family::Inet => AF_INET,
            Family::Inet6 => AF_INET6,
        }
    }

    /// The unspecified address, with port 0.
    pub(super) fn unspecified(self) -> SocketAddr {
        let address = match self {
            Family::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        SocketAddr::new(address, 0)
    }

    /// Converts an address to the stack's form: a mapped address becomes IPv4. The address must
    /// be of the family.
    pub(super) fn inward(self, address: SocketAddr) -> Result<SocketAddr, Errno> {
        match (self, address.ip()) {
            (Family::Inet, IpAddr::V4(_)) => Ok(address),
            (Family::Inet6, IpAddr::V6(v6)) => Ok(match v6.to_ipv4_mapped() {
                Some(v4) => SocketAddr::new(v4.into(), address.port()),
                None => SocketAddr::new(v6.into(), address.port()),
            }),
            (Family::Inet, IpAddr::V6(_)) => Err(Errno::EAFNOSUPPORT),
            // The structure is too short for an IPv6 address.
            (Family::Inet6, IpAddr::V4(_)) => Err(Errno::EINVAL),
        }
    }

    /// The same for the peer of a UDP socket: an IPv6 socket also accepts an IPv4 address as it
    /// is.
    pub(super) fn datagram_inward(self, address: SocketAddr) -> Result<SocketAddr, Errno> {
        match (self, address) {
            (Family::Inet6, SocketAddr::V4(_)) => Ok(address),
            _ => self.inward(address),
        }
    }

    /// Converts an address of the stack to the form of this family.
    pub(super) fn outward(self, address: SocketAddr) -> SocketAddr {
        match (self, address.ip()) {
            (Family::Inet6, IpAddr::V4(v4)) => {
                SocketAddr::new(v4.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }

    /// The addresses of the stack that an address of this family stands for: the unspecified
    /// IPv6 address also stands for the unspecified IPv4 address, unless `v6only`.
    pub(super) fn places(self, address: SocketAddr, v6only: bool) -> Vec<SocketAddr> {
        let Ok(place) = self.inward(address) else {
            return Vec::new();
        };
        let mut places = vec![place];
        if place.is_ipv6() && place.ip().is_unspecified() && !v6only {
            let v4 = Ipv4Addr::UNSPECIFIED;
            places.push(SocketAddr::new(v4.into(), place.port()));
        }
        places
    }
}
