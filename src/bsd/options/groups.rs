//! Options of `SOL_IP` and `SOL_IPV6` about multicast groups: which groups a socket has joined, and
//! how it sends to them.
//!
//! ```text
//!  struct ip_mreqn                  struct ipv6_mreq           struct group_req
//!  0  imr_multiaddr                  0  ipv6mr_multiaddr        0  gr_interface
//!  4  imr_address                   16  ipv6mr_interface        8  gr_group, a sockaddr of 128 octets
//!  8  imr_ifindex, may be missing
//! ```

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{int, int_or_octet, octets};
use crate::bsd::Calls;
use crate::bsd::datagram::DatagramSocket;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    AF_INET, AF_INET6, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_ALL, IP_MULTICAST_IF,
    IP_MULTICAST_LOOP, IP_MULTICAST_TTL, IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP,
    IPV6_MULTICAST_ALL, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_LOOP,
    MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, SOL_IP, SOL_IPV6,
};
use crate::bsd::received::DEVICE;
use crate::bsd::table::Fd;
use crate::config::UdpOptions;
use crate::stack::{Filter, UdpId};

/// The most IPv4 groups that a socket may join (`net.ipv4.igmp_max_memberships`).
const MOST_GROUPS: usize = 20;
/// The number of the only interface.
const INTERFACE: i32 = DEVICE as i32;
/// Octets of a `struct group_req`.
const GROUP_REQUEST: usize = 136;

/// A group and an interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) group: IpAddr,
    /// An address of the interface, and its number; if both are zero, any interface.
    pub(super) address: Ipv4Addr,
    pub(super) index: i32,
}

impl Request {
    pub(super) fn at_index(group: IpAddr, index: i32) -> Request {
        Request {
            group,
            address: Ipv4Addr::UNSPECIFIED,
            index,
        }
    }
}

impl DatagramSocket {
    /// The options of the stack's socket of one family.
    pub(in crate::bsd) fn options_of(&self, is_ipv4: bool) -> UdpOptions {
        let (level, ttl, comes_back, all) = match is_ipv4 {
            true => (
                SOL_IP,
                IP_MULTICAST_TTL,
                IP_MULTICAST_LOOP,
                IP_MULTICAST_ALL,
            ),
            false => (
                SOL_IPV6,
                IPV6_MULTICAST_HOPS,
                IPV6_MULTICAST_LOOP,
                IPV6_MULTICAST_ALL,
            ),
        };
        let kept = |name| self.settings.kept(level, name, 1);
        UdpOptions {
            multicast_hop_limit: kept(ttl) as u8,
            multicast_loop: kept(comes_back) != 0,
            multicast_all: kept(all) != 0,
            ..self.options
        }
    }

    /// The source address for a group, if `IP_MULTICAST_IF` has set one.
    pub(in crate::bsd) fn multicast_source(&self, to: SocketAddr) -> Option<IpAddr> {
        let octets = self.settings.kept(SOL_IP, IP_MULTICAST_IF, 0).to_le_bytes();
        let is_meant = to.is_ipv4() && to.ip().is_multicast() && octets != [0; 4];
        is_meant.then(|| Ipv4Addr::from(octets).into())
    }
}

impl Calls<'_> {
    /// Changes an option about groups; `None` if it is not one.
    pub(super) fn set_group_option(
        &mut self,
        fd: Fd,
        (level, name): (i32, i32),
        value: &[u8],
    ) -> Option<Result<(), Errno>> {
        Some(match (level, name) {
            (SOL_IP, IP_ADD_MEMBERSHIP) => self.join(fd, request_v4(value)),
            (SOL_IP, IP_DROP_MEMBERSHIP) => self.leave(fd, request_v4(value)),
            (SOL_IPV6, IPV6_ADD_MEMBERSHIP) => self.join(fd, request_v6(value)),
            (SOL_IPV6, IPV6_DROP_MEMBERSHIP) => self.leave(fd, request_v6(value)),
            (_, MCAST_JOIN_GROUP) => self.join(fd, request(level, value)),
            (_, MCAST_LEAVE_GROUP) => self.leave(fd, request(level, value)),
            (SOL_IP, IP_MULTICAST_IF) => self.set_interface(fd, value),
            (SOL_IP, IP_MULTICAST_TTL) | (SOL_IPV6, IPV6_MULTICAST_HOPS) => {
                self.set_multicast_hops(fd, (level, name), value)
            }
            (SOL_IPV6, IPV6_MULTICAST_IF) => match int(value) {
                _ if self.datagram(fd).is_err() => Err(Errno::ENOPROTOOPT),
                Ok(index @ (0 | INTERFACE)) => self.keep_of_groups(fd, (level, name), index),
                Ok(_) => Err(Errno::ENODEV),
                Err(error) => Err(error),
            },
            (SOL_IP, IP_MULTICAST_LOOP) | (SOL_IPV6, IPV6_MULTICAST_ALL) => {
                let value = int_or_octet(value);
                value
                    .and_then(|value| self.keep_of_groups(fd, (level, name), i32::from(value != 0)))
            }
            (SOL_IP, IP_MULTICAST_ALL) | (SOL_IPV6, IPV6_MULTICAST_LOOP) => {
                match int_or_octet(value) {
                    Ok(value @ (0 | 1)) => self.keep_of_groups(fd, (level, name), value),
                    Ok(_) => Err(Errno::EINVAL),
                    Err(error) => Err(error),
                }
            }
            _ => return self.set_source_option(fd, (level, name), value),
        })
    }

    /// The value of an option about groups; `None` if it is not one.
    pub(super) fn group_option(
        &self,
        fd: Fd,
        level: i32,
        name: i32,
    ) -> Option<Result<Vec<u8>, Errno>> {
        let default = match (level, name) {
            (SOL_IP, IP_MULTICAST_IF) | (SOL_IPV6, IPV6_MULTICAST_IF) => 0,
            (SOL_IP, IP_MULTICAST_TTL | IP_MULTICAST_LOOP | IP_MULTICAST_ALL)
            | (SOL_IPV6, IPV6_MULTICAST_HOPS | IPV6_MULTICAST_LOOP | IPV6_MULTICAST_ALL) => 1,
            _ => return None,
        };
        let settings = self.settings(fd);
        Some(settings.map(|settings| octets(settings.kept(level, name, default))))
    }

    fn set_multicast_hops(
        &mut self,
        fd: Fd,
        option: (i32, i32),
        value: &[u8],
    ) -> Result<(), Errno> {
        if self.datagram(fd).is_err() {
            return Err(match option.0 {
                SOL_IP => Errno::EINVAL,
                _ => Errno::ENOPROTOOPT,
            });
        }
        match int_or_octet(value)? {
            -1 => self.keep_of_groups(fd, option, 1),
            value @ 0..=255 => self.keep_of_groups(fd, option, value),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `IP_MULTICAST_IF`: an address of this host, or a structure that has one.
    fn set_interface(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        self.datagram(fd).map_err(|_| Errno::EINVAL)?;
        let address = match value.len() {
            0..4 => return Err(Errno::EINVAL),
            4..8 => v4(value, 0)?,
            _ => v4(value, 4)?,
        };
        let index = value.get(8..12).map_or(Ok(0), int)?;
        match self.is_own_or_none(address) && matches!(index, 0 | INTERFACE) {
            true => {
                let value = i32::from_le_bytes(address.octets());
                self.keep_of_groups(fd, (SOL_IP, IP_MULTICAST_IF), value)
            }
            false => Err(Errno::EADDRNOTAVAIL),
        }
    }

    fn keep_of_groups(&mut self, fd: Fd, option: (i32, i32), value: i32) -> Result<(), Errno> {
        self.settings_mut(fd)?.keep(option.0, option.1, value);
        match self.datagram(fd) {
            Ok(_) => self.apply_datagram(fd),
            Err(_) => Ok(()),
        }
    }

    /// Joins a group. A socket that is not bound yet joins once it is.
    fn join(&mut self, fd: Fd, request: Result<Request, Errno>) -> Result<(), Errno> {
        let request = request?;
        self.check_group(fd, &request)?;
        if self.datagram(fd)?.groups.contains_key(&request.group) {
            return Err(Errno::EADDRINUSE);
        }
        self.check_room(fd, request.group)?;
        self.filter(fd, request.group, Filter::everybody())
    }

    /// Leaves a group.
    fn leave(&mut self, fd: Fd, request: Result<Request, Errno>) -> Result<(), Errno> {
        let Request {
            group,
            address,
            index,
        } = request?;
        let socket = self.datagram(fd).map_err(|_| Errno::EPROTO)?;
        if group.is_ipv6() && !group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        let is_here = matches!(index, 0 | INTERFACE) && self.is_own_or_none(address);
        match is_here && socket.groups.contains_key(&group) {
            true => self.filter(fd, group, Filter::nobody()),
            false => Err(Errno::EADDRNOTAVAIL),
        }
    }

    /// Checks that a socket can join a group, as far as the group and the interface alone decide
    /// that.
    pub(super) fn check_group(&self, fd: Fd, request: &Request) -> Result<(), Errno> {
        self.datagram(fd).map_err(|_| Errno::EPROTO)?;
        if !request.group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        let is_here = match request.index {
            0 => self.is_own_or_none(request.address),
            index => index == INTERFACE,
        };
        match is_here && self.has_family(SocketAddr::new(request.group, 0)) {
            true => Ok(()),
            false => Err(Errno::ENODEV),
        }
    }

    /// Checks that a socket may join one more group.
    pub(super) fn check_room(&self, fd: Fd, group: IpAddr) -> Result<(), Errno> {
        let groups = self.datagram(fd)?.groups.keys();
        let count = groups.filter(|group| group.is_ipv4()).count();
        match group.is_ipv4() && count >= MOST_GROUPS {
            true => Err(Errno::ENOBUFS),
            false => Ok(()),
        }
    }

    /// Sets the filter for the senders of a group.
    pub(super) fn filter(&mut self, fd: Fd, group: IpAddr, filter: Filter) -> Result<(), Errno> {
        if let Some(id) = self.of_family(fd, group)? {
            let set = self.stack.udp_set_filter(id, group, filter.clone());
            set.map_err(|_| Errno::ENOBUFS)?;
        }
        let groups = &mut self.datagram_mut(fd)?.groups;
        match filter.is_nobody() {
            true => drop(groups.remove(&group)),
            false => drop(groups.insert(group, filter)),
        }
        Ok(())
    }

    fn is_own_or_none(&self, address: Ipv4Addr) -> bool {
        address.is_unspecified() || self.stack.addresses().contains(&address.into())
    }

    /// The stack's socket that receives groups of this family.
    fn of_family(&self, fd: Fd, group: IpAddr) -> Result<Option<UdpId>, Errno> {
        let mut ids = self.datagram(fd)?.ids.iter().copied();
        Ok(ids.find(|id| self.stack.udp_local_addr(*id).is_ipv4() == group.is_ipv4()))
    }

    /// After the socket has been bound, joins its groups on the host. If the host has no room for a group,
    /// the socket does not receive it.
    pub(in crate::bsd) fn rejoin(&mut self, fd: Fd) -> Result<(), Errno> {
        for (group, filter) in self.datagram(fd)?.groups.clone() {
            if let Some(id) = self.of_family(fd, group)? {
                let _ = self.stack.udp_set_filter(id, group, filter);
            }
        }
        Ok(())
    }
}

pub(super) fn v4(value: &[u8], at: usize) -> Result<Ipv4Addr, Errno> {
    let octets = value.get(at..).and_then(|value| value.first_chunk::<4>());
    octets
        .map(|octets| Ipv4Addr::from(*octets))
        .ok_or(Errno::EINVAL)
}

pub(super) fn v6(value: &[u8], at: usize) -> Result<Ipv6Addr, Errno> {
    let octets = value.get(at..).and_then(|value| value.first_chunk::<16>());
    octets
        .map(|octets| Ipv6Addr::from(*octets))
        .ok_or(Errno::EINVAL)
}

/// A `struct ip_mreqn`, or `ip_mreq`.
fn request_v4(value: &[u8]) -> Result<Request, Errno> {
    Ok(Request {
        group: v4(value, 0)?.into(),
        address: v4(value, 4)?,
        index: value.get(8..12).map_or(Ok(0), int)?,
    })
}

/// A `struct ipv6_mreq`.
fn request_v6(value: &[u8]) -> Result<Request, Errno> {
    let index = int(value.get(16..).unwrap_or(&[]))?;
    Ok(Request::at_index(v6(value, 0)?.into(), index))
}

/// A `struct group_req`, of the family of the level.
fn request(level: i32, value: &[u8]) -> Result<Request, Errno> {
    if value.len() < GROUP_REQUEST {
        return Err(Errno::EINVAL);
    }
    let family = i32::from(u16::from_le_bytes([value[8], value[9]]));
    let group = match (level, family) {
        (SOL_IP, AF_INET) => v4(value, 12)?.into(),
        (SOL_IPV6, AF_INET6) => v6(value, 16)?.into(),
        (SOL_IP, _) => return Err(Errno::EINVAL),
        _ => return Err(Errno::EADDRNOTAVAIL),
    };
    Ok(Request::at_index(group, int(value)?))
}
