//! Many connections, pure: one `Stack` is one host (or one shard of it).

pub mod fragments;

use core::net::SocketAddr;

use crate::config::{Config, ConfigError, SocketOptions};
use crate::tcp::{ConnectionError, RecvError, SendError, Status};
use crate::time::Instant;
use crate::wire::Packet;

/// A connection of a stack. Valid until [`Stack::close`] or [`Stack::abort`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(u64);

/// A listener of a stack. Valid until [`Stack::close_listener`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(u64);

/// Which calls on a connection are worth trying again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Readiness(u8);

impl Readiness {
    /// `recv` will not say `WouldBlock`: there is text, the end of the stream, or an error.
    pub const READABLE: Readiness = Readiness(1);
    /// `send` will not say `WouldBlock`: there is room, or an error. The first one after
    /// `connect` says that the connection is established or has failed.
    pub const WRITABLE: Readiness = Readiness(2);
    /// The state changed (`status` or `take_error` says how).
    pub const STATE: Readiness = Readiness(4);

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Readiness) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Something a user may wait for has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Calls on a connection are worth trying again.
    Connection(ConnId, Readiness),
    /// A listener has a connection to accept.
    Acceptable(ListenerId),
}

/// Which direction of a connection to shut down.
pub use std::net::Shutdown;

/// Why a port cannot be listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenError {
    /// Another listener has this address and port.
    AddressInUse,
    /// The address is not one of this host's.
    AddressNotAvailable,
}

/// Why a connection cannot be opened at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// This connection (both addresses and ports) exists, or a listener has the local port.
    AddressInUse,
    /// The local address is not one of this host's, or no port is left.
    AddressNotAvailable,
    /// This host has no address of the remote's family.
    FamilyNotConfigured,
    /// The remote address cannot be a peer: unspecified, multicast or broadcast, or port 0.
    NotAPeer,
    /// The stack is full.
    TooManyConnections,
}

/// Keys from which everything unpredictable is derived: ISNs, timestamp offsets, ports, hashing.
#[derive(Clone, Copy)]
pub struct Secret(pub [u8; 16]);

/// A host: addresses, connections, listeners.
pub struct Stack {}

impl Stack {
    /// A host as `config` says. `secret` must be unpredictable on a real network; a simulation
    /// derives it from its seed.
    pub fn new(config: Config, secret: Secret) -> Result<Stack, ConfigError> {
        let _ = (config, secret);
        todo!()
    }

    // --- the network side: the driver's ---

    /// A datagram arrives.
    pub fn receive(&mut self, now: Instant, datagram: &[u8]) {
        let _ = (now, datagram);
        todo!()
    }

    /// What leaves next; `None` when there is nothing to send now.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Packet<'_>> {
        let _ = now;
        todo!()
    }

    /// When [`Stack::handle_timeouts`] is due; may be early, never late.
    pub fn next_deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// Does what was due at or before `now`.
    pub fn handle_timeouts(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// What has happened that somebody may wait for; each event once.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    // --- the user's side ---

    /// Passive OPEN. Port 0: the stack chooses. An unspecified address: all of that family.
    pub fn listen(&mut self, local: SocketAddr, backlog: usize) -> Result<ListenerId, ListenError> {
        let _ = (local, backlog);
        todo!()
    }

    /// The next established connection, if there is one.
    pub fn accept(&mut self, listener: ListenerId) -> Option<ConnId> {
        let _ = listener;
        todo!()
    }

    /// The address a listener listens on.
    pub fn listener_addr(&self, listener: ListenerId) -> SocketAddr {
        let _ = listener;
        todo!()
    }

    /// Ends a listener; connections not yet accepted are reset.
    pub fn close_listener(&mut self, now: Instant, listener: ListenerId) {
        let _ = (now, listener);
        todo!()
    }

    /// Active OPEN. `local`: `None` or port 0, the stack chooses.
    pub fn connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<ConnId, ConnectError> {
        let _ = (now, local, remote);
        todo!()
    }

    /// SEND: takes as much as there is room for, at least one octet of a `data` that is not empty.
    pub fn send(&mut self, now: Instant, id: ConnId, data: &[u8]) -> Result<usize, SendError> {
        let _ = (now, id, data);
        todo!()
    }

    /// SEND, urgent: the last octet of `data` carries the mark (RFC 6093).
    pub fn send_urgent(
        &mut self,
        now: Instant,
        id: ConnId,
        data: &[u8],
    ) -> Result<usize, SendError> {
        let _ = (now, id, data);
        todo!()
    }

    /// RECEIVE: `Ok(0)` is the end of the stream (if `buffer` is not empty).
    pub fn recv(
        &mut self,
        now: Instant,
        id: ConnId,
        buffer: &mut [u8],
    ) -> Result<usize, RecvError> {
        let _ = (now, id, buffer);
        todo!()
    }

    /// How many octets lie before the urgent mark, if one is ahead of the reader.
    pub fn urgent_mark(&self, id: ConnId) -> Option<u64> {
        let _ = id;
        todo!()
    }

    /// CLOSE of one direction or both; the id stays valid. `Read` discards what arrives from
    /// then on.
    pub fn shutdown(&mut self, now: Instant, id: ConnId, how: Shutdown) -> Result<(), SendError> {
        let _ = (now, id, how);
        todo!()
    }

    /// The user lets go: CLOSE in the background, gracefully; with unread data, or a linger of
    /// zero, ABORT. The id is no longer valid.
    pub fn close(&mut self, now: Instant, id: ConnId) {
        let _ = (now, id);
        todo!()
    }

    /// ABORT: reset, and let go. The id is no longer valid.
    pub fn abort(&mut self, now: Instant, id: ConnId) {
        let _ = (now, id);
        todo!()
    }

    /// STATUS.
    pub fn status(&self, id: ConnId) -> Status {
        let _ = id;
        todo!()
    }

    /// Why the connection ended, once; or a soft error (ICMP) since the last call.
    pub fn take_error(&mut self, id: ConnId) -> Option<ConnectionError> {
        let _ = id;
        todo!()
    }

    /// The local address and port.
    pub fn local_addr(&self, id: ConnId) -> SocketAddr {
        let _ = id;
        todo!()
    }

    /// The peer's address and port.
    pub fn peer_addr(&self, id: ConnId) -> SocketAddr {
        let _ = id;
        todo!()
    }

    /// The socket options in force.
    pub fn options(&self, id: ConnId) -> SocketOptions {
        let _ = id;
        todo!()
    }

    /// Changes the socket options.
    pub fn set_options(&mut self, now: Instant, id: ConnId, options: SocketOptions) {
        let _ = (now, id, options);
        todo!()
    }

    /// Connections in every state: none may remain when everybody has let go.
    pub fn connection_count(&self) -> usize {
        todo!()
    }
}
