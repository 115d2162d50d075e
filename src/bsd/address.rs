//! Families, IPv4 in IPv6, and who may bind what.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Calls;
use super::errno::Errno;
use super::linux::{AF_INET, AF_INET6};
use super::table::{Fd, Kind};
use crate::stack::ConnId;
use crate::tcp::State;

/// The family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `AF_INET`.
    Inet,
    /// `AF_INET6`; IPv4 too, in mapped addresses (RFC 4291 §2.5.5.2), unless `IPV6_V6ONLY`.
    Inet6,
}

impl Family {
    /// The family of a number.
    pub(super) fn of(domain: i32) -> Result<Family, Errno> {
        match domain {
            AF_INET => Ok(Family::Inet),
            AF_INET6 => Ok(Family::Inet6),
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }

    /// Its number.
    pub(super) fn number(self) -> i32 {
        match self {
            Family::Inet => AF_INET,
            Family::Inet6 => AF_INET6,
        }
    }

    /// No address and no port.
    pub(super) fn unspecified(self) -> SocketAddr {
        let address = match self {
            Family::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        SocketAddr::new(address, 0)
    }

    /// An address as the stack knows it: a mapped one is IPv4. An address must be of the family.
    pub(super) fn inward(self, address: SocketAddr) -> Result<SocketAddr, Errno> {
        match (self, address.ip()) {
            (Family::Inet, IpAddr::V4(_)) => Ok(address),
            (Family::Inet6, IpAddr::V6(v6)) => Ok(match v6.to_ipv4_mapped() {
                Some(v4) => SocketAddr::new(v4.into(), address.port()),
                None => SocketAddr::new(v6.into(), address.port()),
            }),
            (Family::Inet, IpAddr::V6(_)) => Err(Errno::EAFNOSUPPORT),
            // It is too short for an address of IPv6.
            (Family::Inet6, IpAddr::V4(_)) => Err(Errno::EINVAL),
        }
    }

    /// The same, of the peer of a UDP socket: one of IPv6 takes an address of IPv4 as it is.
    pub(super) fn datagram_inward(self, address: SocketAddr) -> Result<SocketAddr, Errno> {
        match (self, address) {
            (Family::Inet6, SocketAddr::V4(_)) => Ok(address),
            _ => self.inward(address),
        }
    }

    /// An address of the stack as a socket of this family writes it.
    pub(super) fn outward(self, address: SocketAddr) -> SocketAddr {
        match (self, address.ip()) {
            (Family::Inet6, IpAddr::V4(v4)) => {
                SocketAddr::new(v4.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }

    /// The addresses of the stack that an address of this family means: the unspecified address
    /// of IPv6 is that of IPv4 too, unless `v6only`.
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

/// Whether two addresses of the stack share a place: an unspecified one is all of its family.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same_family = one.is_ipv4() == other.is_ipv4();
    let same = one.ip() == other.ip();
    let all = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && same_family && (same || all)
}

impl Calls<'_> {
    /// Whether this host has an address of the family of `place`.
    pub(super) fn has_family(&self, place: SocketAddr) -> bool {
        let mut own = self.stack.addresses().iter();
        own.any(|address| address.is_ipv4() == place.is_ipv4())
    }

    /// Whether a UDP socket may be bound at `place`: where many hear what is sent to them, too.
    pub(super) fn is_bindable_datagram(&self, place: SocketAddr) -> bool {
        self.stack.udp_may_be_at(place.ip())
    }

    /// Whether a socket may be bound at `place`.
    pub(super) fn is_bindable(&self, place: SocketAddr) -> bool {
        let own = self.stack.addresses().contains(&place.ip());
        own || (place.ip().is_unspecified() && self.has_family(place))
    }

    /// Whether a TCP socket that is bound to `places` gets in nobody's way: those that ask for it
    /// share an address until one listens.
    pub(super) fn may_share_stream(&self, fd: Fd, places: &[SocketAddr]) -> bool {
        let Ok(socket) = self.stream(fd, Errno::EINVAL) else {
            return false;
        };
        let (reuse, reuse_port) = (socket.settings.reuse_address, socket.settings.reuse_port);
        let meets = |other: SocketAddr| places.iter().any(|place| overlap(*place, other));
        for (_, other) in self.table.iter().filter(|(other, _)| *other != fd) {
            let Kind::Stream(other) = &other.kind else {
                continue;
            };
            let Some(bound) = other.bound else { continue };
            let shares = (reuse && other.settings.reuse_address && !other.is_listening())
                || (reuse_port && other.settings.reuse_port);
            let places = other.family.places(bound, other.settings.v6only);
            if !shares && places.into_iter().any(meets) {
                return false;
            }
        }
        // Connections that nobody holds any more, TIME-WAIT above all (RFC 9293 §3.6.1).
        let mut connections = self.stack.connections();
        (reuse && self.table.shares_all())
            || !connections.any(|(tuple, state)| {
                let keeps = !reuse || self.table.is_unshared(tuple.local, tuple.remote);
                keeps && !matches!(state, State::Closed | State::Listen) && meets(tuple.local)
            })
    }

    /// The connection of a socket that did not share its address will be held by nobody: it keeps the address
    /// from others until it is gone.
    pub(super) fn keep_unshared(&mut self, id: ConnId) {
        let (local, peer) = (self.stack.local_addr(id), self.stack.peer_addr(id));
        let connections = self.stack.connections();
        let there = connections.map(|(tuple, _)| (tuple.local, tuple.remote));
        self.table.keep_unshared((local, peer), there);
    }

    /// Whether a UDP socket that is bound to `places` gets in nobody's way: those that ask for it share an
    /// address.
    pub(super) fn may_share_datagram(&self, fd: Fd, places: &[SocketAddr]) -> bool {
        let reuse = (self.datagram(fd)).is_ok_and(|socket| socket.settings.reuse_address);
        let meets = |other: SocketAddr| places.iter().any(|place| overlap(*place, other));
        self.table.iter().all(|(other_fd, other)| {
            let Kind::Datagram(other) = &other.kind else {
                return true;
            };
            let bound = other.bound.filter(|_| other_fd != fd);
            let shares = reuse && other.settings.reuse_address;
            shares
                || bound.is_none_or(|bound| {
                    let places = other.family.places(bound, other.settings.v6only);
                    !places.into_iter().any(meets)
                })
        })
    }

    /// An ephemeral port for which `is_free` says so at every one of `places`.
    pub(super) fn free_port(
        &mut self,
        places: &[SocketAddr],
        is_free: impl Fn(&Calls<'_>, &[SocketAddr]) -> bool,
    ) -> Option<u16> {
        let (first, last) = self.stack.config().ephemeral_ports;
        let count = u32::from(last - first) + 1;
        let start = (self.stack.draw() % u64::from(count)) as u32;
        (0..count)
            .map(|step| first + ((start + step) % count) as u16)
            .find(|port| {
                let at = |place: &SocketAddr| SocketAddr::new(place.ip(), *port);
                let places: Vec<_> = places.iter().map(at).collect();
                is_free(self, &places)
            })
    }
}
