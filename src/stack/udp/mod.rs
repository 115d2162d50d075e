//! UDP (RFC 768, RFC 1122 §4.1): sockets that send and receive datagrams, and which of them a
//! datagram is for.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | a socket, and the sockets of a stack, found by four-tuple or by local socket |
//! | `calls` | what users call: bind, connect, send, receive, close |
//! | `arrive` | a datagram arrives, or an ICMP error about one that left |
//! | `many` | datagrams to many, and the groups that a socket is in |
//! | `path` | how long a datagram may be, and what routers say of that |
//! | `depart` | a datagram leaves, and a socket that was released is gone |
//! | `queue` | datagrams that wait, bounded in number and in octets |
//! | `error` | why a call failed |
//!
//! UDP promises what the link promises: a datagram may be lost, repeated, or overtaken. What it
//! adds is ports and a checksum. It never waits, repeats or gives up anything, so it has no timers.

mod arrive;
mod calls;
mod depart;
mod error;
mod many;
mod path;
mod queue;

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::multicast::Filter;
use super::paths::Paths;
use super::secret::TableHasher;
use crate::config::{UdpConfig, UdpOptions};
use crate::tcp::{FourTuple, Readiness};
use crate::wire::Text;

pub use calls::Received;
pub use error::{
    BindError, DatagramError, UdpConnectError, UdpRecvError, UdpSendError, Undelivered,
};

use queue::{Arrival, Queue};

pub(super) use queue::Head;
pub use queue::UdpMarks;

/// A UDP socket of a stack. Valid until [`Stack::udp_close`](super::Stack::udp_close). Using it later is an
/// error of the caller: a call panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UdpId(u64);

/// A count that influences nothing, so it is not part of a fingerprint.
#[derive(Clone, Copy, Debug)]
struct Lost(u32);

impl Hash for Lost {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// One socket.
#[derive(Clone, Debug, Hash)]
pub(super) struct Socket {
    /// Its address may be unspecified: every address of that family.
    local: SocketAddr,
    /// Connected: the only peer it hears.
    remote: Option<SocketAddr>,
    /// What its user has not received yet.
    received: Queue,
    /// What has not left yet.
    queued: Queue,
    /// The last ICMP error about a datagram that it sent.
    error: Option<DatagramError>,
    /// How many datagrams have found no room.
    lost: Lost,
    /// The groups that it has joined, each with a filter that hears some sender.
    groups: BTreeMap<IpAddr, Filter>,
    pub(super) options: UdpOptions,
    /// What its user has not been told yet; if any, it is in the queue of events.
    pub(super) readiness: Readiness,
    /// It is in the queue of those that may have something to send.
    pub(super) sending: bool,
    /// A send has found no room.
    blocked: bool,
    /// It receives nothing more, and no lookup finds it.
    deaf: bool,
    /// Its user has released it; what is queued still leaves.
    pub(super) closed: bool,
}

impl Socket {
    fn new(local: SocketAddr, config: &UdpConfig) -> Socket {
        Socket {
            local,
            remote: None,
            received: Queue::new(config.receive_datagrams, config.receive_buffer),
            queued: Queue::new(config.send_datagrams, config.send_buffer),
            error: None,
            lost: Lost(0),
            groups: BTreeMap::new(),
            options: config.socket,
            readiness: Readiness::NONE,
            sending: false,
            blocked: false,
            deaf: false,
            closed: false,
        }
    }

    /// The four-tuple, if it is connected.
    fn tuple(&self) -> Option<FourTuple> {
        let local = self.local;
        self.remote.map(|remote| FourTuple { local, remote })
    }

    /// Takes the error with which the next call on a connected socket fails.
    fn take_hard_error(&mut self) -> Option<DatagramError> {
        match self.has_hard_error() {
            true => self.error.take(),
            false => None,
        }
    }

    /// Whether it wants to know what routers report about paths.
    fn learns_paths(&self) -> bool {
        self.options.path_mtu || self.options.tells_too_long
    }

    /// Whether the next call fails because of an ICMP error.
    fn has_hard_error(&self) -> bool {
        self.remote.is_some() && self.error.is_some_and(|error| self.fails_for(error.reason))
    }

    /// Whether calls on a connected socket fail for this reason.
    fn fails_for(&self, reason: Undelivered) -> bool {
        let is_too_long = matches!(reason, Undelivered::TooLong { .. });
        reason.is_hard() || (is_too_long && self.options.tells_too_long)
    }

    /// Takes the datagram that leaves next; also returns whether that makes room for which a sender
    /// waits.
    pub(super) fn depart(&mut self) -> Option<(Head, bool)> {
        let head = self.queued.lend()?;
        Some((head, core::mem::take(&mut self.blocked)))
    }

    /// The text of the datagram that left last, and the port that it is from.
    pub(super) fn departed(&self) -> (u16, Text<'_>) {
        (self.local.port(), self.queued.lent())
    }
}

/// The sockets.
///
/// An unconnected socket is found by its local socket, and a connected one by its four-tuple; so a
/// connected socket may share its local socket with one that receives from all other peers.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    sockets: BTreeMap<UdpId, Socket>,
    next: u64,
    bound: HashMap<SocketAddr, UdpId, TableHasher>,
    connected: HashMap<FourTuple, UdpId, TableHasher>,
    /// The sockets of each port: at least one.
    ports: BTreeMap<u16, BTreeSet<UdpId>>,
    /// The four-tuple found last: datagrams of one conversation come in a row.
    last: Option<(FourTuple, UdpId)>,
    /// The path MTUs that routers have reported, for sockets that want to know.
    pub(super) paths: Paths,
}

impl Sockets {
    pub(super) fn new(hasher: TableHasher, max_paths: usize) -> Sockets {
        Sockets {
            paths: Paths::new(max_paths),
            sockets: BTreeMap::new(),
            next: 0,
            bound: HashMap::with_hasher(hasher),
            connected: HashMap::with_hasher(hasher),
            ports: BTreeMap::new(),
            last: None,
        }
    }

    /// Adds an unconnected socket. From now on its local socket leads to it, and no longer to others
    /// that share it.
    fn insert(&mut self, local: SocketAddr, config: &UdpConfig) -> UdpId {
        let id = UdpId(self.next);
        self.next += 1;
        self.sockets.insert(id, Socket::new(local, config));
        self.ports.entry(local.port()).or_default().insert(id);
        self.route(id);
        id
    }

    /// The local socket, or the four-tuple, leads to this socket from now on.
    fn route(&mut self, id: UdpId) {
        self.last = None;
        let Some(socket) = self.sockets.get(&id).filter(|socket| !socket.deaf) else {
            return;
        };
        match socket.tuple() {
            Some(tuple) => self.connected.insert(tuple, id),
            None => self.bound.insert(socket.local, id),
        };
    }

    /// Lookups no longer lead to this socket.
    fn unroute(&mut self, id: UdpId) {
        self.last = None;
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let local = socket.local;
        if let Some(tuple) = socket.tuple() {
            self.connected.remove(&tuple);
            return;
        }
        if self.bound.get(&local) != Some(&id) {
            return;
        }
        // Of the others that share the local socket and still receive, the last one bound takes its
        // place.
        let others = self.at_port(local.port()).filter(|(other, socket)| {
            let shares = socket.local == local && socket.remote.is_none();
            *other != id && shares && !socket.deaf
        });
        match others.map(|(other, _)| other).last() {
            Some(other) => self.bound.insert(local, other),
            None => self.bound.remove(&local),
        };
    }

    /// Frees its port for others; no datagram finds it any more.
    fn release(&mut self, id: UdpId) {
        self.unroute(id);
        let Some(port) = self.sockets.get(&id).map(|socket| socket.local.port()) else {
            return;
        };
        if let Some(sockets) = self.ports.get_mut(&port) {
            sockets.remove(&id);
            if sockets.is_empty() {
                self.ports.remove(&port);
            }
        }
    }

    /// Removes a socket that was released.
    fn remove(&mut self, id: UdpId) -> Option<Socket> {
        self.sockets.remove(&id)
    }

    /// The socket for a datagram from `tuple.remote` to `tuple.local`: first one connected to
    /// exactly this peer, then one for exactly this address, then one for all addresses.
    fn find(&mut self, tuple: &FourTuple) -> Option<UdpId> {
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

    /// How many there are, held by users or not.
    fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether an unconnected socket has exactly this address and port.
    fn is_bound(&self, local: SocketAddr) -> bool {
        self.bound.contains_key(&local)
    }

    /// Whether any socket has this port.
    fn has_port(&self, port: u16) -> bool {
        self.ports.contains_key(&port)
    }

    /// The sockets that have a port, in the order in which they were bound.
    fn at_port(&self, port: u16) -> impl Iterator<Item = (UdpId, &Socket)> {
        let ids = self.ports.get(&port).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.sockets.get(id)?)))
    }

    /// A socket, held by its user or not.
    pub(super) fn at(&self, id: UdpId) -> Option<&Socket> {
        self.sockets.get(&id)
    }

    /// A socket, held by its user or not.
    pub(super) fn at_mut(&mut self, id: UdpId) -> Option<&mut Socket> {
        self.sockets.get_mut(&id)
    }

    /// The socket of an id.
    ///
    /// # Panics
    /// If the id is not valid any more.
    fn get(&self, id: UdpId) -> &Socket {
        self.at(id)
            .filter(|socket| !socket.closed)
            .unwrap_or_else(|| panic!("{id:?} was closed"))
    }

    /// The socket of an id.
    ///
    /// # Panics
    /// If the id is not valid any more.
    fn get_mut(&mut self, id: UdpId) -> &mut Socket {
        self.at_mut(id)
            .filter(|socket| !socket.closed)
            .unwrap_or_else(|| panic!("{id:?} was closed"))
    }
}

/// Hashes what distinguishes these sockets from others: the rest follows from it.
impl Hash for Sockets {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.sockets, self.next).hash(hasher);
    }
}

/// The address that stands for every address of a family.
fn unspecified(is_ipv4: bool) -> IpAddr {
    match is_ipv4 {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    }
}
