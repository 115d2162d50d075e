//! The tables by which arrivals find sockets: UDP sockets by port, echo sockets by identifier. The two
//! kinds do not share their numbers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::UdpId;
use crate::stack::secret::TableHasher;
use crate::tcp::FourTuple;
use crate::wire::{icmp, protocol, udp};

/// The length of the UDP header and of an echo message's header, which is the same.
pub(super) const HEADER: usize = udp::HEADER;
const _: () = assert!(HEADER == icmp::HEADER);

/// What a socket sends and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::stack) enum SocketKind {
    /// Datagrams of UDP.
    Udp,
    /// Echo requests, and the replies to them. The local port is the identifier; the remote port is 0,
    /// because hosts have none.
    Echo,
}

impl SocketKind {
    /// The kind of socket that sends messages of an IP protocol.
    pub(in crate::stack) fn of(number: u8) -> Option<SocketKind> {
        match number {
            protocol::UDP => Some(SocketKind::Udp),
            protocol::ICMP | protocol::ICMPV6 => Some(SocketKind::Echo),
            _ => None,
        }
    }

    /// The address of a peer, in the form of this kind.
    pub(super) fn peer(self, remote: SocketAddr) -> SocketAddr {
        match self {
            SocketKind::Udp => SocketAddr::new(remote.ip(), remote.port()),
            SocketKind::Echo => SocketAddr::new(remote.ip(), 0),
        }
    }
}

/// The names of all sockets of one kind.
///
/// An unconnected socket is found by its local socket, and a connected one by its four-tuple; so a
/// connected socket may share its local socket with one that receives from all other peers.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) bound: HashMap<SocketAddr, UdpId, TableHasher>,
    pub(super) connected: HashMap<FourTuple, UdpId, TableHasher>,
    /// The sockets of each port: at least one.
    pub(super) ports: BTreeMap<u16, BTreeSet<UdpId>>,
    /// The four-tuple found last: datagrams of one conversation come in a row.
    pub(super) last: Option<(FourTuple, UdpId)>,
}

impl Names {
    pub(super) fn new(hasher: TableHasher) -> Names {
        Names {
            bound: HashMap::with_hasher(hasher),
            connected: HashMap::with_hasher(hasher),
            ports: BTreeMap::new(),
            last: None,
        }
    }

    /// The socket for a datagram from `tuple.remote` to `tuple.local`: first one connected to
    /// exactly this peer, then one for exactly this address, then one for all addresses.
    pub(super) fn find(&mut self, tuple: &FourTuple) -> Option<UdpId> {
        if let Some((last, id)) = &self.last
            && last == tuple
        {
            return Some(*id);
        }
        let any = SocketAddr::new(unspecified(tuple.local.is_ipv4()), tuple.local.port());
        let id = (self.connected.get(tuple))
            .or_else(|| self.bound.get(&tuple.local))
            .or_else(|| self.bound.get(&any))
            .copied()?;
        self.last = Some((*tuple, id));
        Some(id)
    }

    /// Notes that a socket has this port.
    pub(super) fn take_port(&mut self, port: u16, id: UdpId) {
        self.ports.entry(port).or_default().insert(id);
    }

    /// Notes that a socket no longer has this port.
    pub(super) fn free_port(&mut self, port: u16, id: UdpId) {
        if let Some(sockets) = self.ports.get_mut(&port) {
            sockets.remove(&id);
            if sockets.is_empty() {
                self.ports.remove(&port);
            }
        }
    }
}

/// The address that stands for every address of a family.
fn unspecified(is_ipv4: bool) -> IpAddr {
    match is_ipv4 {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    }
}
