//! What users call: bind, connect, send, receive, close, by id.
//!
//! Every call that takes an id panics if the id is no longer valid, because its user has released
//! the socket.

use core::net::{IpAddr, SocketAddr};

use super::queue::Head;
use super::{
    BindError, DatagramError, Socket, SocketKind, UdpConnectError, UdpId, UdpMarks, UdpRecvError,
    UdpSendError,
};
use crate::config::UdpOptions;
use crate::stack::{Sender, Stack};
use crate::tcp::FourTuple;
use crate::time::Instant;
use crate::wire::ip;

/// A datagram that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The length of its text, in octets. If the buffer is shorter, the rest is lost.
    pub len: usize,
    /// The sender. A port of 0 wants no answer (RFC 768); echo replies have none.
    pub remote: SocketAddr,
    /// The address of this host to which it was sent (RFC 1122 §4.1.3.5).
    pub local: IpAddr,
    /// The other fields of its IP header, all set.
    pub marks: UdpMarks,
    /// The sequence number of an echo reply; 0 of a datagram of UDP.
    pub sequence: u16,
    /// When it came.
    pub at: Instant,
    /// How many datagrams had found no room by then, since the socket was bound; it wraps.
    pub lost: u32,
}

impl Received {
    fn new(head: Head) -> Received {
        Received {
            len: head.len,
            remote: head.remote,
            local: head.local,
            marks: head.marks,
            sequence: head.sequence,
            at: head.arrival.at,
            lost: head.arrival.lost,
        }
    }
}

impl Stack {
    /// A socket that receives at and sends from `local`. Port 0: the stack chooses an unpredictable one
    /// (RFC 6056). An unspecified address stands for all of its family. With a broadcast or group address,
    /// the socket receives nothing else, and from a group only once it has joined it; it sends from an
    /// address of the host.
    ///
    /// # Errors
    /// If the address is taken or not ours.
    pub fn udp_bind(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        let address = local.ip();
        if !self.udp_may_be_at(address) {
            return Err(BindError::AddressNotAvailable);
        }
        let port = match local.port() {
            0 => self
                .draw_port(|stack, port| !stack.udp.has_port(SocketKind::Udp, port))
                .ok_or(BindError::AddressInUse)?,
            port => port,
        };
        let local = SocketAddr::new(address, port);
        if self.udp.is_bound(SocketKind::Udp, local) {
            return Err(BindError::AddressInUse);
        }
        Ok(self.udp.insert(SocketKind::Udp, local, &self.config.udp))
    }

    /// As [`Stack::udp_bind`], at an address and port that other sockets may share. A datagram to many
    /// reaches each of them; any other, the one that was bound last.
    ///
    /// # Errors
    /// If the address is not ours.
    pub fn udp_bind_shared(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        match self.udp.is_bound(SocketKind::Udp, local) {
            true => Ok(self.udp.insert(SocketKind::Udp, local, &self.config.udp)),
            false => self.udp_bind(local),
        }
    }

    /// From now on the socket receives only from `remote`, sends to it by default, and gets the
    /// ICMP errors about its datagrams. If it had no address, it has one now. Nothing is sent.
    /// Datagrams from others that wait to be received are dropped.
    ///
    /// # Errors
    /// If `remote` cannot be its peer, or another socket at the same address and port has
    /// this peer.
    pub fn udp_connect(&mut self, id: UdpId, remote: SocketAddr) -> Result<(), UdpConnectError> {
        self.udp_connect_keeping(id, remote)?;
        let socket = self.udp.get_mut(id);
        socket.received.retain(socket.kind.peer(remote));
        socket.received.charge(&mut self.memory);
        Ok(())
    }

    /// As [`Stack::udp_connect`], but datagrams from others that wait to be received stay.
    ///
    /// # Errors
    /// As [`Stack::udp_connect`].
    pub fn udp_connect_keeping(
        &mut self,
        id: UdpId,
        remote: SocketAddr,
    ) -> Result<(), UdpConnectError> {
        let socket = self.udp.get(id);
        let (kind, local) = (socket.kind, socket.local);
        let remote = kind.peer(remote);
        if kind == SocketKind::Echo && self.is_for_many(remote.ip()) {
            // Whoever replies does so from an address of its own.
            return Err(UdpConnectError::NotAPeer);
        }
        self.check_udp_peer(id, remote)
            .map_err(|error| match error {
                UdpSendError::Broadcast => UdpConnectError::Broadcast,
                _ => UdpConnectError::NotAPeer,
            })?;
        let source = (self.udp_source(local, remote)).ok_or(UdpConnectError::OtherFamily)?;
        // Of datagrams to many, it receives only those of this peer.
        let address = match self.is_for_many(local.ip()) {
            true => local.ip(),
            false => source,
        };
        let local = SocketAddr::new(address, local.port());
        let tuple = FourTuple { local, remote };
        if (self.udp.connected(kind, &tuple)).is_some_and(|other| other != id) {
            return Err(UdpConnectError::AddressInUse);
        }
        self.udp.unroute(id);
        let socket = self.udp.get_mut(id);
        (socket.local, socket.remote, socket.error) = (local, Some(remote), None);
        socket.deaf = false;
        self.udp.route(id);
        Ok(())
    }

    /// The socket no longer has a peer: it receives from all, at `address`, which may be
    /// unspecified, and at its present port. What waits to be received stays.
    ///
    /// # Errors
    /// If the address is taken or not ours.
    pub fn udp_disconnect(&mut self, id: UdpId, address: IpAddr) -> Result<(), BindError> {
        let Socket {
            kind, local: known, ..
        } = *self.udp.get(id);
        let local = SocketAddr::new(address, known.port());
        if !self.udp_may_be_at(address) || address.is_ipv4() != known.is_ipv4() {
            return Err(BindError::AddressNotAvailable);
        }
        self.udp.unroute(id);
        if self.udp.is_bound(kind, local) {
            self.udp.route(id);
            return Err(BindError::AddressInUse);
        }
        let socket = self.udp.get_mut(id);
        (socket.local, socket.remote, socket.error) = (local, None, None);
        socket.deaf = false;
        self.udp.route(id);
        Ok(())
    }

    /// The socket receives nothing more until it is connected or disconnected. What waits can still be
    /// received.
    pub fn udp_deafen(&mut self, id: UdpId) {
        self.udp.unroute(id);
        self.udp.get_mut(id).deaf = true;
    }

    /// Sends a datagram to `remote`; `None`: to the peer that the socket is connected to.
    ///
    /// # Errors
    /// If it was not accepted. Even if it was, it may get lost.
    pub fn udp_send(
        &mut self,
        id: UdpId,
        text: &[u8],
        remote: Option<SocketAddr>,
    ) -> Result<(), UdpSendError> {
        self.udp_send_marked(id, text, remote, UdpMarks::default())
    }

    /// As [`Stack::udp_send`], with marks of its own.
    ///
    /// # Errors
    /// As [`Stack::udp_send`].
    pub fn udp_send_marked(
        &mut self,
        id: UdpId,
        text: &[u8],
        remote: Option<SocketAddr>,
        marks: UdpMarks,
    ) -> Result<(), UdpSendError> {
        self.udp_send_from(id, text, remote, marks, None)
    }

    /// As [`Stack::udp_send_marked`], from an address of this host that may differ from the socket's, if it
    /// is of the family of `remote`.
    ///
    /// # Errors
    /// As [`Stack::udp_send`].
    pub fn udp_send_from(
        &mut self,
        id: UdpId,
        text: &[u8],
        remote: Option<SocketAddr>,
        marks: UdpMarks,
        from: Option<IpAddr>,
    ) -> Result<(), UdpSendError> {
        self.send_message(id, 0, text, remote, marks, from)
    }

    /// The same. `sequence`: that of an echo request.
    pub(super) fn send_message(
        &mut self,
        id: UdpId,
        sequence: u16,
        text: &[u8],
        remote: Option<SocketAddr>,
        marks: UdpMarks,
        from: Option<IpAddr>,
    ) -> Result<(), UdpSendError> {
        let socket = self.udp.get_mut(id);
        if let Some(error) = socket.take_hard_error() {
            return Err(UdpSendError::Undelivered(error));
        }
        let (kind, local) = (socket.kind, socket.local);
        let (source, remote) = match (remote, socket.remote) {
            (None, None) => return Err(UdpSendError::NotConnected),
            // Connect has checked it.
            (None, Some(peer)) if !self.is_for_many(local.ip()) => (local.ip(), peer),
            (remote, peer) => {
                let remote = remote.or(peer).ok_or(UdpSendError::NotConnected)?;
                let remote = kind.peer(remote);
                self.check_udp_peer(id, remote)?;
                let source = self.udp_source(local, remote);
                (source.ok_or(UdpSendError::OtherFamily)?, remote)
            }
        };
        let fits = |from: &IpAddr| self.is_own(*from) && from.is_ipv4() == remote.is_ipv4();
        let source = from.filter(fits).unwrap_or(source);
        let most = self.udp_most_to(id, Some(remote.ip()));
        if text.len() > most {
            return Err(UdpSendError::TooLong { most });
        }
        // Among many that are asked for an echo, this host answers itself.
        let asks_many = kind == SocketKind::Echo && self.is_for_many(remote.ip());
        if asks_many || self.is_own(remote.ip()) {
            self.itself.begin();
        }
        let socket = self.udp.get_mut(id);
        let may_wait = self.memory.datagrams_may_wait() || socket.queued.is_empty();
        if !may_wait || !socket.queued.push(source, remote, marks, sequence, text) {
            socket.blocked = true;
            return Err(UdpSendError::WouldBlock);
        }
        socket.queued.charge(&mut self.memory);
        if !core::mem::replace(&mut socket.sending, true) {
            self.sending.push_back(match kind {
                SocketKind::Udp => Sender::Udp(id),
                SocketKind::Echo => Sender::Echo(id),
            });
        }
        Ok(())
    }

    /// Receives the first datagram that waits, with as much of its text in `buffer` as fits.
    ///
    /// # Errors
    /// If none waits, or a datagram that the socket sent was not delivered.
    pub fn udp_recv(&mut self, id: UdpId, buffer: &mut [u8]) -> Result<Received, UdpRecvError> {
        let received = self.udp_peek(id, buffer)?;
        let socket = self.udp.get_mut(id);
        socket.received.pop();
        socket.received.charge(&mut self.memory);
        Ok(received)
    }

    /// As [`Stack::udp_recv`], and the datagram stays.
    ///
    /// # Errors
    /// As [`Stack::udp_recv`].
    pub fn udp_peek(&mut self, id: UdpId, buffer: &mut [u8]) -> Result<Received, UdpRecvError> {
        let socket = self.udp.get_mut(id);
        if let Some(error) = socket.take_hard_error() {
            return Err(UdpRecvError::Undelivered(error));
        }
        let head = socket.received.peek(buffer);
        head.map(Received::new).ok_or(UdpRecvError::WouldBlock)
    }

    /// The length of the text of the first datagram that waits to be received, in octets.
    pub fn udp_waiting(&self, id: UdpId) -> Option<usize> {
        self.udp.get(id).received.first()
    }

    /// When the first datagram that waits to be received arrived.
    pub fn udp_waiting_since(&self, id: UdpId) -> Option<Instant> {
        self.udp.get(id).received.since()
    }

    /// Whether the queue to be sent has room for another datagram of any length.
    pub fn udp_has_room(&self, id: UdpId) -> bool {
        let queued = &self.udp.get(id).queued;
        let may_wait = self.memory.datagrams_may_wait() || queued.is_empty();
        may_wait && queued.has_room(self.udp_most(id))
    }

    /// As [`Stack::udp_has_room`]; if not, a WRITABLE event says when to ask again.
    pub(crate) fn udp_finds_room(&mut self, id: UdpId) -> bool {
        let has_room = self.udp_has_room(id);
        self.udp.get_mut(id).blocked |= !has_room;
        has_room
    }

    /// Whether the next call on a connected socket fails because of an ICMP error.
    pub fn udp_has_error(&self, id: UdpId) -> bool {
        self.udp.get(id).has_hard_error()
    }

    /// Takes the last ICMP error about a datagram that the socket sent (RFC 1122 §4.1.3.3).
    pub fn udp_take_error(&mut self, id: UdpId) -> Option<DatagramError> {
        self.udp.get_mut(id).error.take()
    }

    /// The local address and port. The address is unspecified if it stands for all.
    pub fn udp_local_addr(&self, id: UdpId) -> SocketAddr {
        self.udp.get(id).local
    }

    /// The peer, if the socket is connected.
    pub fn udp_peer_addr(&self, id: UdpId) -> Option<SocketAddr> {
        self.udp.get(id).remote
    }

    /// The socket options in force.
    pub fn udp_options(&self, id: UdpId) -> UdpOptions {
        self.udp.get(id).options
    }

    /// Changes the socket options, for what leaves from now on.
    pub fn udp_set_options(&mut self, id: UdpId, options: UdpOptions) {
        self.udp.get_mut(id).options = options;
    }

    /// Releases the socket: it receives nothing more, and what it has queued is still sent. The id
    /// is no longer valid.
    pub fn udp_close(&mut self, id: UdpId) {
        self.udp_leave_all(id);
        let socket = self.udp.get_mut(id);
        socket.closed = true;
        let is_silent = socket.queued.is_empty();
        self.udp.release(id);
        if is_silent {
            self.udp_remove(id);
        }
    }

    /// The number of UDP and echo sockets, including released ones that still have something to send.
    pub fn udp_count(&self) -> usize {
        self.udp.len()
    }

    /// Whether a socket may be bound to an address: one of this host, the unspecified one, or a
    /// broadcast or group address.
    pub fn udp_may_be_at(&self, address: IpAddr) -> bool {
        let has_family = self.own_address(address.is_ipv4()).is_some();
        let is_for_many = address.is_unspecified() || self.is_for_many(address);
        self.is_own(address) || (is_for_many && has_family)
    }

    /// Whether a socket may send to `remote`.
    pub(super) fn check_udp_peer(&self, id: UdpId, remote: SocketAddr) -> Result<(), UdpSendError> {
        let address = remote.ip();
        if self.is_broadcast(address) && !self.udp.get(id).options.broadcast {
            return Err(UdpSendError::Broadcast);
        }
        let has_port = remote.port() != 0 || self.udp.get(id).kind == SocketKind::Echo;
        match (ip::is_host(address) || self.is_for_many(address)) && has_port {
            true => Ok(()),
            false => Err(UdpSendError::NotAPeer),
        }
    }

    /// The address from which a socket at `local` sends to `remote` (RFC 1122 §4.1.3.5).
    pub(super) fn udp_source(&self, local: SocketAddr, remote: SocketAddr) -> Option<IpAddr> {
        match local.ip() {
            address if address.is_ipv4() != remote.is_ipv4() => None,
            address if address.is_unspecified() || self.is_for_many(address) => match remote.ip() {
                own if self.is_own(own) => Some(own),
                many if many.is_multicast() => self.source_for_many(many),
                _ => self.own_address(address.is_ipv4()),
            },
            address => Some(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::stack::{Event, Readiness, Secret};

    /// A user that looked for room in vain is told when a datagram has left; no other is.
    #[test]
    fn room_that_was_looked_for_is_told_of() {
        const NOW: Instant = Instant::ZERO;
        let mut config = Config::new([IpAddr::from([192, 0, 2, 1])]);
        config.udp.send_datagrams = 2;
        let mut stack = Stack::new(config, Secret([1; 16])).unwrap();
        let id = stack.udp_bind(([192, 0, 2, 1], 7).into()).unwrap();
        for (looks, told) in [
            (false, None),
            (true, Some(Event::Udp(id, Readiness::WRITABLE))),
        ] {
            assert!(stack.udp_finds_room(id));
            for _ in 0..2 {
                let to = ([192, 0, 2, 2], 7).into();
                stack.udp_send(id, b"x", Some(to)).unwrap();
            }
            assert!(!looks || !stack.udp_finds_room(id));
            while stack.poll_transmit(NOW).is_some() {}
            assert_eq!(stack.poll_event(), told);
            assert_eq!(stack.poll_event(), None);
        }
    }
}
