//! UDP (RFC 768, RFC 1122 §4.1): sockets that send and receive datagrams, and which of them a
//! datagram is for. Echo sockets are the same in all but the header: they send echo requests, and receive replies.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | a socket, and the sockets of a stack |
//! | `names` | the kinds of sockets, and how one is found: by four-tuple or by local socket |
//! | `calls` | what users call: bind, connect, send, receive, close |
//! | `arrive` | a datagram arrives, or an ICMP error about one that left |
//! | `many` | datagrams to many, and the groups that a socket is in |
//! | `path` | how long a datagram may be, and what routers say of that |
//! | `depart` | a datagram leaves, and a socket that was released is gone |
//! | `echo` | echo requests of users, and the replies to them (RFC 1122 §3.2.2.6) |
//! | `queue` | datagrams that wait, bounded in number and in octets |
//! | `error` | why a call failed |
//!
//! UDP promises what the link promises: a datagram may be lost, repeated, or overtaken. What it
//! adds is ports and a checksum. It never waits, repeats or gives up anything, so it has no timers.

mod arrive;
mod calls;
mod depart;
mod echo;
mod error;
mod many;
mod names;
mod path;
mod queue;

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use super::multicast::Filter;
use super::paths::Paths;
use super::secret::TableHasher;
use crate::config::{UdpConfig, UdpOptions};
use crate::tcp::{FourTuple, Readiness};
use crate::wire::Text;

pub use calls::Received;
pub use error::{
    BindError, DatagramError, EchoFailure, UdpConnectError, UdpRecvError, UdpSendError, Undelivered,
};

use names::Names;
use queue::{Arrival, Queue};

pub(super) use names::SocketKind;
pub(super) use queue::Head;
pub use queue::UdpMarks;

/// A UDP or echo socket of a stack. Valid until [`Stack::udp_close`](super::Stack::udp_close). Using it
/// later is an error of the caller: a call panics.
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
    pub(super) kind: SocketKind,
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
    fn new(kind: SocketKind, local: SocketAddr, config: &UdpConfig) -> Socket {
        Socket {
            kind,
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
        let error = self.error.as_ref();
        error.is_some_and(|error| self.fails_calls() && self.fails_for(error.reason))
    }

    /// Whether ICMP errors make calls fail: if the user has not turned that off, and the socket is connected or is
    /// an echo socket, whose user asks in order to learn of them.
    fn fails_calls(&self) -> bool {
        let is_usual = self.remote.is_some() || self.kind == SocketKind::Echo;
        is_usual && self.options.fails_calls
    }

    /// Whether calls fail for this reason, if ICMP errors make them fail.
    fn fails_for(&self, reason: Undelivered) -> bool {
        let is_too_long = matches!(reason, Undelivered::TooLong { .. });
        let is_told = is_too_long && self.options.tells_too_long;
        reason.is_hard() || is_told || self.kind == SocketKind::Echo
    }

    /// Takes the datagram that leaves next; also returns whether that makes room for which a sender
    /// waits.
    pub(super) fn depart(&mut self) -> Option<(Head, bool)> {
        let head = self.queued.lend()?;
        Some((head, core::mem::take(&mut self.blocked)))
    }

    /// The text of the datagram that left last, and the port or identifier that it is from.
    pub(super) fn departed(&self) -> (u16, Text<'_>) {
        (self.local.port(), self.queued.lent())
    }
}

/// The sockets.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    sockets: BTreeMap<UdpId, Socket>,
    next: u64,
    /// By their kind.
    names: [Names; 2],
    /// The path MTUs that routers have reported, for sockets that want to know.
    pub(super) paths: Paths,
}

impl Sockets {
    pub(super) fn new(hasher: TableHasher, max_paths: usize) -> Sockets {
        Sockets {
            paths: Paths::new(max_paths),
            sockets: BTreeMap::new(),
            next: 0,
            names: [Names::new(hasher), Names::new(hasher)],
        }
    }

    /// Adds an unconnected socket. From now on its local socket leads to it, and no longer to others
    /// that share it.
    fn insert(&mut self, kind: SocketKind, local: SocketAddr, config: &UdpConfig) -> UdpId {
        let id = UdpId(self.next);
        self.next += 1;
        self.sockets.insert(id, Socket::new(kind, local, config));
        self.names[kind as usize].take_port(local.port(), id);
        self.route(id);
        id
    }

    /// The local socket, or the four-tuple, leads to this socket from now on.
    fn route(&mut self, id: UdpId) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let names = &mut self.names[socket.kind as usize];
        names.last = None;
        if socket.deaf {
            return;
        }
        match socket.tuple() {
            Some(tuple) => names.connected.insert(tuple, id),
            None => names.bound.insert(socket.local, id),
        };
    }

    /// Lookups no longer lead to this socket.
    fn unroute(&mut self, id: UdpId) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let (kind, local) = (socket.kind, socket.local);
        let tuple = socket.tuple();
        let names = &mut self.names[kind as usize];
        names.last = None;
        if let Some(tuple) = tuple {
            names.connected.remove(&tuple);
            return;
        }
        if names.bound.get(&local) != Some(&id) {
            return;
        }
        // Of the others that share the local socket and still receive, the last one bound takes its
        // place.
        let others = self.at_port(kind, local.port()).filter(|(other, socket)| {
            let shares = socket.local == local && socket.remote.is_none();
            *other != id && shares && !socket.deaf
        });
        let other = others.map(|(other, _)| other).last();
        let bound = &mut self.names[kind as usize].bound;
        match other {
            Some(other) => bound.insert(local, other),
            None => bound.remove(&local),
        };
    }

    /// Frees its port for others; no datagram finds it any more.
    fn release(&mut self, id: UdpId) {
        self.unroute(id);
        if let Some(Socket { kind, local, .. }) = self.sockets.get(&id) {
            self.names[*kind as usize].free_port(local.port(), id);
        }
    }

    /// Removes a socket that was released.
    fn remove(&mut self, id: UdpId) -> Option<Socket> {
        self.sockets.remove(&id)
    }

    /// The socket of a kind for what goes from `tuple.remote` to `tuple.local`.
    fn find(&mut self, kind: SocketKind, tuple: &FourTuple) -> Option<UdpId> {
        self.names[kind as usize].find(tuple)
    }

    /// How many there are, held by users or not.
    fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether an unconnected socket of a kind has exactly this address and port.
    fn is_bound(&self, kind: SocketKind, local: SocketAddr) -> bool {
        self.names[kind as usize].bound.contains_key(&local)
    }

    /// The socket of a kind that has this four-tuple.
    fn connected(&self, kind: SocketKind, tuple: &FourTuple) -> Option<UdpId> {
        self.names[kind as usize].connected.get(tuple).copied()
    }

    /// Whether any socket of a kind has this port.
    fn has_port(&self, kind: SocketKind, port: u16) -> bool {
        self.names[kind as usize].ports.contains_key(&port)
    }

    /// The sockets of a kind that have a port, in the order in which they were bound.
    fn at_port(&self, kind: SocketKind, port: u16) -> impl Iterator<Item = (UdpId, &Socket)> {
        let ids = self.names[kind as usize].ports.get(&port);
        ids.into_iter()
            .flatten()
            .filter_map(|id| Some((*id, self.sockets.get(id)?)))
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
