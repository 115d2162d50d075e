//! socket, bind, listen, accept, getsockname, getpeername.

use core::net::SocketAddr;

use super::address::Family;
use super::datagram::DatagramSocket;
use super::errno::Errno;
use super::linux::{
    IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, SOCK_CLOEXEC, SOCK_DGRAM,
    SOCK_NONBLOCK, SOCK_STREAM, SOL_TCP, TCP_SAVE_SYN,
};
use super::stream::{Phase, Role, StreamSocket};
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::config::ListenerConfig;
use crate::stack::{BindError, ConnId, ListenError, UdpId};
use crate::tcp::State;

impl Calls<'_> {
    /// A new socket. `kind` may carry `SOCK_NONBLOCK`.
    ///
    /// # Errors
    /// `EAFNOSUPPORT`, `EINVAL` or `ESOCKTNOSUPPORT` (kinds), `EPROTONOSUPPORT`, `EMFILE`.
    pub fn socket(&mut self, domain: i32, kind: i32, protocol: i32) -> Result<Fd, Errno> {
        let flags = kind & (SOCK_NONBLOCK | SOCK_CLOEXEC);
        let kind = kind & !flags;
        if !(0..11).contains(&kind) {
            return Err(Errno::EINVAL);
        }
        let family = Family::of(domain)?;
        let (tcp, udp) = (&self.stack.config().tcp, self.stack.config().udp.socket);
        let kind = match (kind, protocol, family) {
            (SOCK_STREAM, IPPROTO_IP | IPPROTO_TCP, _) => {
                Kind::Stream(Box::new(StreamSocket::new(family, tcp.clone())))
            }
            (SOCK_DGRAM, IPPROTO_IP | IPPROTO_UDP, _) => {
                Kind::Datagram(Box::new(DatagramSocket::new(family, udp)))
            }
            (SOCK_DGRAM, IPPROTO_ICMP, Family::Inet)
            | (SOCK_DGRAM, IPPROTO_ICMPV6, Family::Inet6) => {
                Kind::Datagram(Box::new(DatagramSocket::echo(family, udp)))
            }
            (SOCK_STREAM | SOCK_DGRAM, ..) => return Err(Errno::EPROTONOSUPPORT),
            _ => return Err(Errno::ESOCKTNOSUPPORT),
        };
        self.table.insert(flags, kind)
    }

    /// Gives a socket a local address. Port 0: the stack chooses.
    ///
    /// # Errors
    /// `EAFNOSUPPORT`, `EADDRNOTAVAIL` if the address is not this host's, `EINVAL` if the socket
    /// has one already, `EADDRINUSE`.
    pub fn bind(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => {
                let (family, v6only) = (socket.family, socket.settings.v6only);
                self.bindable(family, address, v6only, Self::is_bindable)?;
                // A socket whose connection is over has lost a port that the stack chose for it.
                let is_used = match socket.role {
                    Role::Fresh => false,
                    Role::Listening(_) => true,
                    Role::Connection(id, _) => !self.is_over(id),
                };
                if socket.bound.is_some() || is_used {
                    return Err(Errno::EINVAL);
                }
                self.bind_stream(fd, address)
            }
            Kind::Datagram(socket) => {
                self.bindable_datagram(socket, address)?;
                if socket.bound.is_some() {
                    return Err(Errno::EINVAL);
                }
                self.bind_datagram(fd, address)?;
                let socket = self.datagram_mut(fd)?;
                socket.bound_by_user = socket.bound;
                Ok(())
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// Binds a TCP socket. Port 0 never chooses a port that another socket has taken.
    pub(super) fn bind_stream(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let (family, v6only) = (socket.family, socket.settings.v6only);
        let places = self.bindable(family, address, v6only, Self::is_bindable)?;
        let port = match address.port() {
            0 => (self.free_port(&places, |calls, places| calls.may_share_stream(fd, places)))
                .ok_or(Errno::EADDRINUSE)?,
            _ if !self.may_share_stream(fd, &places) => return Err(Errno::EADDRINUSE),
            port => port,
        };
        self.stream_mut(fd, Errno::EINVAL)?.bound = Some(SocketAddr::new(address.ip(), port));
        Ok(())
    }

    /// Binds a UDP or ping socket: from now on it receives.
    pub(super) fn bind_datagram(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        let socket = self.datagram(fd)?;
        let shares = socket.settings.reuse_address;
        let places = self.bindable_datagram(socket, address)?;
        if socket.is_echo {
            return self.bind_echo(fd, address);
        }
        let port = match address.port() {
            0 => (self.free_port(&places, |calls, places| {
                calls.may_share_datagram(fd, places)
            }))
            .ok_or(Errno::EADDRINUSE)?,
            _ if !self.may_share_datagram(fd, &places) => return Err(Errno::EADDRINUSE),
            port => port,
        };
        let mut ids: Vec<UdpId> = Vec::new();
        for place in places
            .into_iter()
            .filter(|place| self.has_family(*place))
            .collect::<Vec<_>>()
        {
            let place = SocketAddr::new(place.ip(), port);
            let bound = match shares {
                true => self.stack.udp_bind_shared(place),
                false => self.stack.udp_bind(place),
            };
            match bound {
                Ok(id) => ids.push(id),
                Err(error) => {
                    ids.into_iter().for_each(|id| self.stack.udp_close(id));
                    return Err(match error {
                        BindError::AddressInUse => Errno::EADDRINUSE,
                        BindError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
                    });
                }
            }
        }
        for id in &ids {
            self.table.own_udp(*id, fd);
        }
        let socket = self.datagram_mut(fd)?;
        socket.bound = Some(SocketAddr::new(address.ip(), port));
        socket.ids = ids;
        self.apply_datagram(fd)?;
        self.rejoin(fd)
    }

    /// The stack's addresses for an address to which a UDP or ping socket may be bound.
    fn bindable_datagram(
        &self,
        socket: &DatagramSocket,
        address: SocketAddr,
    ) -> Result<Vec<SocketAddr>, Errno> {
        let (family, v6only) = (socket.family, socket.settings.v6only);
        if !socket.is_echo {
            return self.bindable(family, address, v6only, Self::is_bindable_datagram);
        }
        if address.is_ipv6() && address.ip().is_multicast() {
            return Err(Errno::EINVAL);
        }
        self.bindable(family, address, true, Self::is_bindable)
    }

    /// The stack's addresses for an address, if this host may use it.
    fn bindable(
        &self,
        family: Family,
        address: SocketAddr,
        v6only: bool,
        is_bindable: fn(&Self, SocketAddr) -> bool,
    ) -> Result<Vec<SocketAddr>, Errno> {
        let first = family.inward(address)?;
        let mapped = family == Family::Inet6 && first.is_ipv4();
        if mapped && v6only {
            return Err(Errno::EINVAL);
        }
        let places = family.places(address, v6only);
        match places.iter().any(|place| is_bindable(self, *place)) {
            true => Ok(places),
            false => Err(Errno::EADDRNOTAVAIL),
        }
    }

    /// Starts to listen. As many established connections as `backlog` says, and some more ([`System`]), may
    /// wait for accept. Another call changes the backlog.
    ///
    /// # Errors
    /// `EINVAL` if the socket is connected, `EADDRINUSE`, `EOPNOTSUPP` for UDP.
    pub fn listen(&mut self, fd: Fd, backlog: i32) -> Result<(), Errno> {
        let socket = self.stream(fd, Errno::EOPNOTSUPP)?;
        let most = self.stack.config().strangers.max_backlog;
        let backlog = usize::try_from(backlog).map_or(most, |it| it.min(most));
        let backlog = self.system.backlog(backlog);
        match &socket.role {
            Role::Connection(..) => return Err(Errno::EINVAL),
            Role::Listening(ids) => {
                for id in ids.clone() {
                    let known = self.stack.listener_config(id).cloned();
                    let Some(mut config) = known else { continue };
                    config.backlog = backlog;
                    let changed = self.stack.configure_listener(id, config);
                    changed.map_err(|_| Errno::EINVAL)?;
                }
                return Ok(());
            }
            Role::Fresh => {}
        }
        if socket.bound.is_none() {
            self.bind_stream(fd, socket.family.unspecified())?;
        }
        let socket = self.stream(fd, Errno::EOPNOTSUPP)?;
        let v6only = socket.settings.v6only;
        let config = ListenerConfig {
            backlog,
            defer_accept: socket.defer_accept,
            fast_open: socket.fast_open,
            fast_open_keys: socket.fast_open_keys.clone(),
            shares_address: socket.settings.reuse_port,
            saves_syns: socket.settings.kept(SOL_TCP, TCP_SAVE_SYN, 0) != 0,
            tcp: socket.config.clone(),
        };
        let places = (socket.bound)
            .map(|bound| socket.family.places(bound, v6only))
            .unwrap_or_default();
        let mut ids = Vec::new();
        for place in places {
            if !self.has_family(place) {
                continue;
            }
            match self.stack.listen_with(place, config.clone()) {
                Ok(id) => ids.push(id),
                Err(error) => {
                    self.drop_listeners(ids);
                    return Err(match error {
                        ListenError::AddressInUse => Errno::EADDRINUSE,
                        ListenError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
                        ListenError::Config(_) => Errno::EINVAL,
                    });
                }
            }
        }
        for id in &ids {
            self.table.own_listener(*id, fd);
        }
        self.stream_mut(fd, Errno::EOPNOTSUPP)?.role = Role::Listening(ids);
        Ok(())
    }

    /// The next established connection as a new socket, and its peer. `flags`: `SOCK_NONBLOCK`.
    ///
    /// # Errors
    /// `EAGAIN` if there is none, `ECONNABORTED` if the connection has ended (FreeBSD), `EINVAL` if
    /// the socket does not listen or for other flags, `EOPNOTSUPP` for UDP, `EMFILE`.
    pub fn accept(&mut self, fd: Fd, flags: i32) -> Result<(Fd, SocketAddr), Errno> {
        if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let socket = self.stream(fd, Errno::EOPNOTSUPP)?;
        let Role::Listening(ids) = &socket.role else {
            return Err(Errno::EINVAL);
        };
        let mut child = StreamSocket::new(socket.family, socket.config.clone());
        child.settings = socket.settings.of_child();
        let waiting = (ids.iter().copied()).find(|id| self.stack.acceptable_count(*id) > 0);
        let waiting = waiting.ok_or(Errno::EAGAIN)?;
        let new = self.table.insert(flags, Kind::Stream(Box::new(child)))?;
        let Some(id) = self.stack.accept(waiting) else {
            self.table.remove(new);
            return Err(Errno::EAGAIN);
        };
        self.table.own_connection(id, new);
        let is_closed = self.stack.status(id).state == State::Closed;
        if is_closed && self.system == System::Freebsd {
            self.drop_connection(id, false);
            self.table.remove(new);
            return Err(Errno::ECONNABORTED);
        }
        let (local, peer) = (self.stack.local_addr(id), self.stack.peer_addr(id));
        // Options that were set on the listener after the SYN arrived do not apply to the
        // connection.
        let options = self.stack.options(id);
        let child = self.stream_mut(new, Errno::EINVAL)?;
        child.config.socket = options;
        child.bound = Some(child.family.outward(local));
        child.role = Role::Connection(id, Phase::Connected);
        let peer = child.family.outward(peer);
        Ok((new, peer))
    }

    /// Whether a program can no longer use a connection: in TIME-WAIT only the stack does.
    fn is_over(&self, id: ConnId) -> bool {
        matches!(self.stack.status(id).state, State::TimeWait | State::Closed)
    }

    /// The local address of a socket.
    ///
    /// # Errors
    /// `EBADF`, `ENOTSOCK`.
    pub fn getsockname(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => {
                let connected = socket.connection().map(|id| self.stack.local_addr(id));
                let connected = connected.map(|local| socket.family.outward(local));
                let bound = connected.or(socket.bound);
                Ok(bound.unwrap_or(socket.family.unspecified()))
            }
            Kind::Datagram(socket) => Ok(socket.bound.unwrap_or(socket.family.unspecified())),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The address of the peer.
    ///
    /// # Errors
    /// `ENOTCONN` if there is no peer, not yet, or no longer.
    pub fn getpeername(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => {
                let id = socket.connection().ok_or(Errno::ENOTCONN)?;
                let is_there = !self.is_over(id) && self.stack.status(id).state != State::SynSent;
                let peer = socket.family.outward(self.stack.peer_addr(id));
                is_there.then_some(peer).ok_or(Errno::ENOTCONN)
            }
            Kind::Datagram(socket) => {
                let has_port = |peer: &SocketAddr| peer.port() != 0;
                socket.peer.filter(has_port).ok_or(Errno::ENOTCONN)
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }
}
