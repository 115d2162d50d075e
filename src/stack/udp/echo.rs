//! Echo sockets: the requests of users, and the replies to them (RFC 1122 §3.2.2.6, RFC 4443 §4.1 and §4.2).
//!
//! An echo socket is like a UDP socket, with the same calls, queues, limits, options and errors; only what
//! differs is here. Its port is the identifier of its requests, and it receives the replies with that
//! identifier. Nothing proves that a reply answers a request: an attacker who guesses the identifier and
//! knows the addresses can forge one. The user, who knows the requests, compares the sequence number and
//! the data.

use core::net::{IpAddr, SocketAddr};

use super::{BindError, Received, SocketKind, UdpId, UdpMarks, UdpSendError};
use crate::stack::Stack;
use crate::tcp::FourTuple;
use crate::time::Instant;
use crate::wire::{Echo, IpHeader, icmp, ip};

impl Received {
    /// An echo reply as it came, from its ICMP header on. `identifier`: that of its socket; `data`: all its data.
    pub fn echo_message(&self, identifier: u16, data: &[u8]) -> Vec<u8> {
        let hop_limit = self.marks.hop_limit.unwrap_or_default();
        let header = IpHeader::new(self.remote.ip(), self.local, 0, hop_limit);
        let echo = Echo {
            identifier,
            sequence: self.sequence,
            data,
        };
        icmp::echo_reply(&header, &echo).split_off(ip::header_len(self.local.is_ipv4()))
    }
}

impl Stack {
    /// An echo socket at an address of this host; unspecified: all of that family. The port is the identifier,
    /// which no other echo socket may have; 0: the stack chooses an unpredictable one.
    ///
    /// Any ICMP error about its requests makes one call fail, even if the socket is not connected
    /// ([`UdpOptions::fails_calls`](crate::config::UdpOptions::fails_calls)).
    ///
    /// # Errors
    /// If the identifier is taken, or the address is not ours.
    pub fn echo_bind(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        self.check_echo_address(local.ip())?;
        let is_free = |stack: &Stack, identifier| !stack.udp.has_port(SocketKind::Echo, identifier);
        let identifier = match local.port() {
            0 => self.draw_port(is_free),
            identifier => Some(identifier).filter(|it| is_free(self, *it)),
        };
        let identifier = identifier.ok_or(BindError::AddressInUse)?;
        let local = SocketAddr::new(local.ip(), identifier);
        Ok(self.udp.insert(SocketKind::Echo, local, &self.config.udp))
    }

    /// As [`Stack::echo_bind`], with an identifier that other sockets may have, too. Of those at the same address,
    /// the one that was bound last gets the replies.
    ///
    /// # Errors
    /// If the address is not ours.
    pub fn echo_bind_shared(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        if local.port() == 0 {
            return self.echo_bind(local);
        }
        self.check_echo_address(local.ip())?;
        Ok(self.udp.insert(SocketKind::Echo, local, &self.config.udp))
    }

    /// Whether an echo socket may be at an address.
    fn check_echo_address(&self, address: IpAddr) -> Result<(), BindError> {
        let has_family = self.own_address(address.is_ipv4()).is_some();
        let is_all = address.is_unspecified() && has_family;
        match is_all || self.is_own(address) {
            true => Ok(()),
            false => Err(BindError::AddressNotAvailable),
        }
    }

    /// From now on the socket is at another address, as if it were bound there with its identifier and last of all.
    /// It keeps what it has received, and no longer has a peer.
    ///
    /// # Errors
    /// If the address is not ours, or of the other family.
    pub fn echo_move(&mut self, id: UdpId, address: IpAddr) -> Result<(), BindError> {
        let known = self.udp.get(id).local;
        self.check_echo_address(address)?;
        if known.is_ipv4() != address.is_ipv4() {
            return Err(BindError::AddressNotAvailable);
        }
        self.udp.unroute(id);
        let socket = self.udp.get_mut(id);
        (socket.local, socket.remote) = (SocketAddr::new(address, known.port()), None);
        self.udp.route(id);
        Ok(())
    }

    /// The address of this host from which a socket asks `remote`.
    ///
    /// # Errors
    /// If it cannot be asked: [`UdpSendError::NotAPeer`], [`UdpSendError::Broadcast`], [`UdpSendError::OtherFamily`].
    pub fn echo_source(&self, id: UdpId, remote: IpAddr) -> Result<IpAddr, UdpSendError> {
        let remote = SocketAddr::new(remote, 0);
        self.check_udp_peer(id, remote)?;
        let source = self.udp_source(self.udp.get(id).local, remote);
        source.ok_or(UdpSendError::OtherFamily)
    }

    /// Sends an echo request to `remote`; `None`: to the connected peer. For a group or a broadcast
    /// address, the same rules hold as over UDP. The reply repeats the sequence number and the data.
    ///
    /// # Errors
    /// If the request was not taken. Even one that was taken may be lost.
    pub fn echo_send(
        &mut self,
        id: UdpId,
        sequence: u16,
        data: &[u8],
        remote: Option<IpAddr>,
        marks: UdpMarks,
    ) -> Result<(), UdpSendError> {
        self.echo_send_from(id, sequence, data, remote, marks, None)
    }

    /// As [`Stack::echo_send`], from an address of this host that may differ from the socket's, if it is of the
    /// family of `remote`.
    ///
    /// # Errors
    /// As [`Stack::echo_send`].
    pub fn echo_send_from(
        &mut self,
        id: UdpId,
        sequence: u16,
        data: &[u8],
        remote: Option<IpAddr>,
        marks: UdpMarks,
        from: Option<IpAddr>,
    ) -> Result<(), UdpSendError> {
        let remote = remote.map(|remote| SocketAddr::new(remote, 0));
        self.send_message(id, sequence, data, remote, marks, from)
    }

    /// RFC 1122 §3.2.2.6: passes a reply to the socket that sent the request. A reply to no socket's
    /// request is dropped.
    pub(in crate::stack) fn echo_reply_arrives(
        &mut self,
        now: Instant,
        ip: &IpHeader,
        echo: &Echo<'_>,
    ) {
        let tuple = FourTuple {
            local: SocketAddr::new(ip.destination, echo.identifier),
            remote: SocketAddr::new(ip.source, 0),
        };
        match self.udp.find(SocketKind::Echo, &tuple) {
            Some(id) => self.udp_takes(now, id, ip, tuple.remote, echo.sequence, echo.data),
            None => self.counters.echo.no_ports += 1,
        }
    }

    /// Sends the next request of the first socket in the queue, an echo socket. The request joins the queue
    /// of replies, in fragments if it is too long for the interface. A request to this host itself arrives
    /// directly.
    #[inline(never)]
    pub(in crate::stack) fn echo_departs(&mut self, now: Instant, id: UdpId) {
        let Some(head) = self.udp_departs(id) else {
            return self.udp_stops_sending(id);
        };
        if self.udp_stays(now, id, head) {
            return;
        }
        let mtu = self.udp_departing_mtu(now, id, &head);
        let Some(request) = self.whole_datagram(id, head) else {
            return;
        };
        let identification = match request.len() > mtu {
            true => self.identifications.draw(),
            false => 0,
        };
        if let Ok(pieces) = ip::fragments(request, mtu, identification) {
            self.replies.push_all(pieces);
        }
    }
}
