//! connect: sets the peer of a socket, or removes it.

use core::net::{IpAddr, SocketAddr};

use super::ancillary::OneSend;
use super::errno::Errno;
use super::stream::{Phase, Role};
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::stack::{ConnId, ConnectError, UdpConnectError};
use crate::tcp::State;

impl Calls<'_> {
    /// Sends a SYN to `peer`; for UDP, makes `peer` the only peer. The next connect, or `SO_ERROR`, returns
    /// the result of the SYN.
    ///
    /// # Errors
    /// `EINPROGRESS` if the SYN is under way now, `EALREADY` if it was already; `EISCONN`; what
    /// ended an earlier attempt (`ECONNREFUSED`, `ETIMEDOUT`, …; `ECONNABORTED` if that is
    /// unknown); `EAFNOSUPPORT`, `ENETUNREACH`, `EADDRNOTAVAIL`, `EADDRINUSE`.
    pub fn connect(&mut self, fd: Fd, peer: SocketAddr) -> Result<(), Errno> {
        let peer = self.reached_by(fd, peer);
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => match socket.role {
                Role::Fresh if socket.waits_for.is_some() => Err(Errno::EISCONN),
                Role::Fresh if socket.connects_late => self.connect_late(fd, peer),
                Role::Fresh => self.open(fd, peer),
                Role::Listening(_) if self.system == System::Freebsd => Err(Errno::EOPNOTSUPP),
                Role::Listening(_) => Err(Errno::EISCONN),
                Role::Connection(_, Phase::Connected) => Err(Errno::EISCONN),
                Role::Connection(..) => self.connect_again(fd),
            },
            Kind::Datagram(_) => self.connect_datagram(fd, peer),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The address that `peer` stands for: the unspecified address means this host, at the address where
    /// the socket is bound or else its first.
    pub(super) fn reached_by(&self, fd: Fd, peer: SocketAddr) -> SocketAddr {
        let (family, bound) = match self.table.get(fd).map(|known| &known.kind) {
            Ok(Kind::Stream(socket)) => (socket.family, socket.bound),
            Ok(Kind::Datagram(socket)) => (socket.family, socket.bound),
            Ok(Kind::Epoll(_) | Kind::Pipe(_)) | Err(_) => return peer,
        };
        let is_specified = |address: &IpAddr| !address.to_canonical().is_unspecified();
        if is_specified(&peer.ip()) || family.inward(peer).is_err() {
            return peer;
        }
        let own = self.stack.addresses();
        let alike = own
            .iter()
            .find(|it| it.is_ipv4() == peer.ip().to_canonical().is_ipv4());
        let bound = bound.map(|bound| bound.ip()).filter(is_specified);
        match bound.or(alike.or(own.first()).copied()) {
            Some(own) => family.outward(SocketAddr::new(own, peer.port())),
            None => peer,
        }
    }

    /// The first connect of a TCP socket.
    fn open(&mut self, fd: Fd, peer: SocketAddr) -> Result<(), Errno> {
        let (local, remote) = self.ends(fd, peer)?;
        let config = self.stream(fd, Errno::EINVAL)?.config.clone();
        self.reserve_ports();
        let opened = self.stack.connect_with(self.now, local, remote, &config);
        let id = opened.map_err(|error| refused(error, self.system))?;
        self.opened(fd, id)?;
        Err(Errno::EINPROGRESS)
    }

    /// `TCP_FASTOPEN_CONNECT`: with a cookie, the SYN waits for the first text; without one, it
    /// leaves at once and requests a cookie.
    fn connect_late(&mut self, fd: Fd, peer: SocketAddr) -> Result<(), Errno> {
        let (_, remote) = self.ends(fd, peer)?;
        let config = &self.stream(fd, Errno::EINVAL)?.config;
        match self.stack.can_fast_open_with(self.now, remote, config) {
            true => {
                self.stream_mut(fd, Errno::EINVAL)?.waits_for = Some(peer);
                Ok(())
            }
            false => self.connect_sending(fd, peer, &[], false).map(|_| ()),
        }
    }

    /// A connect with the first text (`MSG_FASTOPEN`, RFC 7413). With a cookie of the peer, the text leaves
    /// with the SYN. Without one, the SYN requests a cookie, and no text is taken. `waits`: the caller
    /// continues once the handshake has ended.
    pub(super) fn connect_sending(
        &mut self,
        fd: Fd,
        peer: SocketAddr,
        data: &[u8],
        waits: bool,
    ) -> Result<usize, Errno> {
        if self.stream(fd, Errno::EINVAL)?.is_listening() {
            return Err(Errno::EISCONN);
        }
        let (local, remote) = self.ends(fd, peer)?;
        let mut config = self.stream(fd, Errno::EINVAL)?.config.clone();
        let ready = self.stack.can_fast_open_with(self.now, remote, &config);
        let limit = self.stack.syn_text_limit(self.now, remote, &config);
        let on_syn = limit.filter(|_| ready).unwrap_or(0);
        // A caller that waits for the handshake has more text, which can leave with the last
        // acknowledgment of the handshake.
        config.socket.holds_handshake_ack |= waits && data.len() > on_syn;
        let limit = limit.filter(|_| self.table.get(fd).is_ok_and(|known| known.is_nonblocking()));
        let data = match ready {
            true => &data[..data.len().min(limit.unwrap_or(usize::MAX))],
            false => &[],
        };
        self.reserve_ports();
        let opened = self
            .stack
            .connect_sending(self.now, local, remote, &config, data);
        let (id, taken) = opened.map_err(|error| refused(error, self.system))?;
        self.opened(fd, id)?;
        self.note_sent(fd, taken, 0, OneSend::default());
        // An empty send only asks for a connection.
        match ready && !(data.is_empty() && limit.is_some()) {
            true => Ok(taken),
            false => Err(Errno::EINPROGRESS),
        }
    }

    /// Keeps the stack from choosing ports to which sockets are bound.
    fn reserve_ports(&mut self) {
        let bound = self
            .table
            .iter()
            .filter_map(|(_, known)| match &known.kind {
                Kind::Stream(socket) => Some(socket.bound?.port()),
                Kind::Datagram(_) | Kind::Epoll(_) | Kind::Pipe(_) => None,
            });
        self.stack.reserve_ports(bound.collect());
    }

    /// The local end, if bind has set one, and the remote end, in the stack's form.
    fn ends(&self, fd: Fd, peer: SocketAddr) -> Result<(Option<SocketAddr>, SocketAddr), Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let family = socket.family;
        let remote = family.inward(peer)?;
        let bound = socket.bound;
        let local = bound.map(|bound| family.inward(bound)).transpose()?;
        if socket.settings.v6only && peer.is_ipv6() && remote.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        // A socket bound to the unspecified IPv6 address may have a peer of either family.
        let local = local.map(|local| match local.ip().is_unspecified() {
            true => SocketAddr::new(unspecified_like(remote), local.port()),
            false => local,
        });
        Ok((local, remote))
    }

    /// Gives a TCP socket a connection that is being opened.
    fn opened(&mut self, fd: Fd, id: ConnId) -> Result<(), Errno> {
        self.table.own_connection(id, fd);
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        socket.role = Role::Connection(id, Phase::Connecting);
        (socket.error, socket.read_shut, socket.waits_for) = (None, false, None);
        Ok(())
    }

    /// Whether a connect waits for the first text.
    pub(super) fn connects_late(&self, fd: Fd) -> bool {
        let socket = self.stream(fd, Errno::EINVAL);
        socket.is_ok_and(|socket| socket.waits_for.is_some())
    }

    /// Whether a connect is under way.
    pub(super) fn is_opening(&self, fd: Fd) -> bool {
        let id = self.stream(fd, Errno::EINVAL).ok();
        let id = id.and_then(|socket| socket.connection());
        let state = id.map(|id| self.stack.status(id).state);
        matches!(state, Some(State::SynSent | State::SynReceived))
    }

    /// A connect after the first: returns the result of the attempt.
    pub(super) fn connect_again(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let Some(id) = socket.connection() else {
            return Err(Errno::EINVAL);
        };
        match self.stack.status(id).state {
            State::SynSent | State::SynReceived => Err(Errno::EALREADY),
            // On FreeBSD, a socket whose connection has ended cannot have another.
            State::Closed if self.system == System::Freebsd => {
                let _ = self.take_stream_error(fd);
                Err(Errno::ECONNREFUSED)
            }
            State::Closed => {
                let error = self.take_stream_error(fd).unwrap_or(Errno::ECONNABORTED);
                self.drop_connection(id, false);
                let socket = self.stream_mut(fd, Errno::EINVAL)?;
                socket.role = Role::Fresh;
                Err(error)
            }
            _ => {
                let socket = self.stream_mut(fd, Errno::EINVAL)?;
                socket.role = Role::Connection(id, Phase::Connected);
                match self.system {
                    System::Linux => Ok(()),
                    System::Freebsd => Err(Errno::EISCONN),
                }
            }
        }
    }

    /// connect with `AF_UNSPEC`: removes the socket's peer. A connection is reset, and the socket can be
    /// used again.
    ///
    /// # Errors
    /// `EBADF`, `ENOTSOCK`.
    pub fn disconnect(&mut self, fd: Fd) -> Result<(), Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(_) => self.disconnect_stream(fd),
            Kind::Datagram(_) => self.disconnect_datagram(fd),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// Returns a TCP socket to its state before connect or listen. An address set by bind stays.
    pub(super) fn disconnect_stream(&mut self, fd: Fd) -> Result<(), Errno> {
        // A pending error outlives the connection.
        let mut error = self.take_stream_error(fd);
        let role = core::mem::replace(&mut self.stream_mut(fd, Errno::EINVAL)?.role, Role::Fresh);
        match role {
            Role::Fresh => {}
            Role::Listening(ids) => self.drop_listeners(ids),
            Role::Connection(id, _) => {
                let state = self.stack.status(id).state;
                let has_closed = matches!(
                    state,
                    State::Closing | State::LastAck | State::TimeWait | State::Closed
                );
                error = if has_closed {
                    error
                } else {
                    Some(Errno::ECONNRESET)
                };
                self.drop_connection(id, true);
            }
        }
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        (socket.read_shut, socket.urgent, socket.error) = (false, None, error);
        socket.waits_for = None;
        self.table.happened(fd);
        Ok(())
    }

    /// UDP: makes `peer` the only peer. Datagrams that others have sent stay, and can be received.
    fn connect_datagram(&mut self, fd: Fd, peer: SocketAddr) -> Result<(), Errno> {
        let socket = self.datagram(fd)?;
        if socket.is_echo {
            return self.connect_echo(fd, peer);
        }
        let family = socket.family;
        let remote = family.datagram_inward(peer)?;
        if socket.settings.v6only && family.outward(remote) != remote {
            return Err(Errno::ENETUNREACH);
        }
        self.need_address(fd)?;
        let pending = self.take_datagram_error(fd);
        let socket = self.datagram_mut(fd)?;
        socket.error = pending;
        let ids = socket.ids.clone();
        let of_family =
            |id: &crate::stack::UdpId| self.stack.udp_local_addr(*id).is_ipv4() == remote.is_ipv4();
        let id = ids.iter().copied().find(of_family);
        let id = id.ok_or(Errno::ENETUNREACH)?;
        self.stack
            .udp_connect_keeping(id, remote)
            .map_err(|error| match error {
                UdpConnectError::Broadcast => Errno::EACCES,
                UdpConnectError::NotAPeer => Errno::ENETUNREACH,
                UdpConnectError::OtherFamily => Errno::EAFNOSUPPORT,
                UdpConnectError::AddressInUse => Errno::EADDRINUSE,
            })?;
        let local = family.outward(self.stack.udp_local_addr(id));
        let socket = self.datagram_mut(fd)?;
        (socket.ids, socket.bound, socket.peer) =
            (vec![id], Some(local), Some(family.outward(remote)));
        // The socket receives nothing more of the other family, but can still read what has
        // arrived.
        for other in ids.into_iter().filter(|other| *other != id) {
            if self.stack.udp_waiting(other).is_some() {
                self.stack.udp_deafen(other);
                self.datagram_mut(fd)?.ids.push(other);
                continue;
            }
            self.table.forget_udp(other);
            self.stack.udp_close(other);
        }
        Ok(())
    }

    /// UDP: receives from all peers again, at the address set by bind, or at none.
    fn disconnect_datagram(&mut self, fd: Fd) -> Result<(), Errno> {
        if self.datagram(fd)?.is_echo {
            return self.disconnect_echo(fd);
        }
        let pending = self.take_datagram_error(fd);
        let socket = self.datagram_mut(fd)?;
        socket.error = pending;
        if socket.peer.take().is_none() {
            return Ok(());
        }
        let (bound, v6only) = (socket.bound_by_user, socket.settings.v6only);
        let places = bound.map_or(Vec::new(), |bound| socket.family.places(bound, v6only));
        socket.bound = bound;
        for id in core::mem::take(&mut socket.ids) {
            let known = self.stack.udp_local_addr(id);
            let alike = |place: &&SocketAddr| place.is_ipv4() == known.is_ipv4();
            let stays = places.iter().find(alike).map(|place| place.ip());
            if stays.is_some_and(|place| self.stack.udp_disconnect(id, place).is_ok()) {
                self.datagram_mut(fd)?.ids.push(id);
            } else {
                self.table.forget_udp(id);
                self.stack.udp_close(id);
            }
        }
        self.hear_at(fd, &places)
    }

    /// UDP: binds the socket at those of `places` whose family it does not yet receive.
    fn hear_at(&mut self, fd: Fd, places: &[SocketAddr]) -> Result<(), Errno> {
        let known = self.datagram(fd)?.ids.clone();
        let is_known = |place: &SocketAddr| {
            let mut known = known.iter().map(|id| self.stack.udp_local_addr(*id));
            known.any(|local| local.is_ipv4() == place.is_ipv4())
        };
        let is_new = |place: &&SocketAddr| !is_known(place) && self.has_family(**place);
        let places: Vec<SocketAddr> = places.iter().filter(is_new).copied().collect();
        for place in places {
            // If another socket has bound the address in the meantime, it keeps it.
            let Ok(id) = self.stack.udp_bind(place) else {
                continue;
            };
            self.table.own_udp(id, fd);
            self.datagram_mut(fd)?.ids.push(id);
        }
        self.apply_datagram(fd)?;
        self.rejoin(fd)
    }

    /// Gives a UDP socket an address, which it needs to send or connect.
    pub(super) fn need_address(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.datagram(fd)?;
        match socket.bound {
            Some(_) => Ok(()),
            None => self.bind_datagram(fd, socket.family.unspecified()),
        }
    }
}

/// The unspecified address of the family of `address`.
fn unspecified_like(address: SocketAddr) -> IpAddr {
    match address.is_ipv4() {
        true => core::net::Ipv4Addr::UNSPECIFIED.into(),
        false => core::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// The `errno` for a SYN that could not be sent.
fn refused(error: ConnectError, system: System) -> Errno {
    match error {
        ConnectError::AddressInUse if system == System::Freebsd => Errno::EADDRINUSE,
        ConnectError::AddressInUse | ConnectError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
        ConnectError::FamilyNotConfigured | ConnectError::NotAPeer => Errno::ENETUNREACH,
        ConnectError::TooManyConnections => Errno::ENOBUFS,
        ConnectError::Config(_) => Errno::EINVAL,
    }
}
