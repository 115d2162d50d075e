//! A TCP socket: fresh, listening, or with a connection.

use core::net::SocketAddr;
use core::time::Duration;

use super::address::Family;
use super::errno::Errno;
use super::notices::Notices;
use super::options::SocketSettings;
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::config::{FastOpenKeys, TcpConfig};
use crate::stack::{ConnId, ListenerId};
use crate::tcp::{ConnectionError, State};

/// One TCP socket.
#[derive(Clone, Debug)]
pub(super) struct StreamSocket {
    pub(super) family: Family,
    pub(super) settings: SocketSettings,
    /// How its connection behaves, or would.
    pub(super) config: TcpConfig,
    /// Where bind has put it, as its family writes addresses.
    pub(super) bound: Option<SocketAddr>,
    pub(super) role: Role,
    /// An error that its connection does not know of any more.
    pub(super) error: Option<Errno>,
    /// It reads no more (`SHUT_RD`): what is here can still be read, and then it has ended.
    pub(super) read_shut: bool,
    /// The urgent octet, once it was passed over.
    pub(super) urgent: Option<u8>,
    /// `SO_PEEK_OFF`: what is looked at next lies so far ahead of the reader.
    pub(super) peek_place: Option<usize>,
    /// Where in the stream the urgent data ended whose octet was read last.
    pub(super) urgent_read: Option<u64>,
    /// A listener hands out what has text, or has waited so long for it.
    pub(super) defer_accept: Option<Duration>,
    /// The keys of its cookies, if they are not the host's.
    pub(super) fast_open_keys: Option<FastOpenKeys>,
    /// `TCP_FASTOPEN_CONNECT`: connect waits for the first text.
    pub(super) connects_late: bool,
    /// It does: for whom.
    pub(super) waits_for: Option<SocketAddr>,
    /// What its queue of errors has to tell.
    pub(super) notices: Notices,
    /// A listener takes so many Fast Open requests at once (RFC 7413).
    pub(super) fast_open: usize,
}

/// What a TCP socket is.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// Nothing yet, or nothing any more.
    Fresh,
    /// Listening: at one address, or at the unspecified one of both families.
    Listening(Vec<ListenerId>),
    /// With a connection.
    Connection(ConnId, Phase),
}

/// How far connect has come with a connection: it tells so once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The next connect tells what came of it.
    Connecting,
    /// It has told, or the connection was accepted.
    Connected,
}

impl StreamSocket {
    /// A socket without an address.
    pub(super) fn new(family: Family, config: TcpConfig) -> StreamSocket {
        StreamSocket {
            family,
            settings: SocketSettings::new(config.keepalive),
            config,
            bound: None,
            role: Role::Fresh,
            error: None,
            read_shut: false,
            urgent: None,
            urgent_read: None,
            peek_place: None,
            defer_accept: None,
            fast_open_keys: None,
            connects_late: false,
            waits_for: None,
            notices: Notices::default(),
            fast_open: 0,
        }
    }

    /// Its connection.
    pub(super) fn connection(&self) -> Option<ConnId> {
        match self.role {
            Role::Connection(id, _) => Some(id),
            Role::Fresh | Role::Listening(_) => None,
        }
    }

    /// Whether it has a connection, open or not.
    pub(super) fn is_connected(&self) -> bool {
        self.connection().is_some()
    }

    /// Whether it listens.
    pub(super) fn is_listening(&self) -> bool {
        matches!(self.role, Role::Listening(_))
    }
}

/// The `errno` of what ended a connection.
pub(super) fn errno(error: ConnectionError) -> Errno {
    match error {
        ConnectionError::Refused | ConnectionError::Withdrawn => Errno::ECONNREFUSED,
        ConnectionError::Reset => Errno::ECONNRESET,
        ConnectionError::TimedOut => Errno::ETIMEDOUT,
        ConnectionError::HostUnreachable => Errno::EHOSTUNREACH,
        ConnectionError::NetworkUnreachable => Errno::ENETUNREACH,
        ConnectionError::ProtocolUnreachable => Errno::ENOPROTOOPT,
        ConnectionError::SourceRouteFailed => Errno::EOPNOTSUPP,
        ConnectionError::HostUnknown => Errno::EHOSTDOWN,
        ConnectionError::SourceIsolated => Errno::ENONET,
        ConnectionError::Prohibited => Errno::EACCES,
        ConnectionError::HeaderRefused => Errno::EPROTO,
        ConnectionError::Aborted => Errno::ECONNABORTED,
    }
}

impl Calls<'_> {
    /// How many TCP sockets listen.
    pub fn listening_count(&self) -> usize {
        self.streams()
            .filter(|socket| socket.is_listening())
            .count()
    }

    /// How many TCP sockets have no connection and do not listen.
    pub fn unconnected_count(&self) -> usize {
        let is_unconnected = |socket: &&StreamSocket| match socket.role {
            Role::Fresh => true,
            Role::Listening(_) => false,
            Role::Connection(id, _) => self.stack.status(id).state == State::Closed,
        };
        self.streams().filter(is_unconnected).count()
    }

    fn streams(&self) -> impl Iterator<Item = &StreamSocket> {
        self.table
            .iter()
            .filter_map(|(_, known)| match &known.kind {
                Kind::Stream(socket) => Some(&**socket),
                Kind::Datagram(_) | Kind::Epoll(_) | Kind::Pipe(_) => None,
            })
    }

    /// The TCP socket behind a descriptor; `other` if it is of another kind.
    pub(super) fn stream(&self, fd: Fd, other: Errno) -> Result<&StreamSocket, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => Ok(socket),
            Kind::Datagram(_) => Err(other),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The TCP socket behind a descriptor; `other` if it is of another kind.
    pub(super) fn stream_mut(&mut self, fd: Fd, other: Errno) -> Result<&mut StreamSocket, Errno> {
        match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => Ok(socket),
            Kind::Datagram(_) => Err(other),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// What ended the connection. To Linux, a reset in CLOSE-WAIT breaks the pipe.
    pub(super) fn connection_errno(&self, id: ConnId, error: ConnectionError) -> Errno {
        let status = self.stack.status(id);
        match error {
            ConnectionError::Reset
                if self.system == System::Linux && status.fin_received && !status.closing =>
            {
                Errno::EPIPE
            }
            // To Linux, who has seen the peer's SYN was not refused.
            ConnectionError::Withdrawn if self.system == System::Linux => Errno::ECONNRESET,
            error => errno(error),
        }
    }

    /// The pending error of a TCP socket, once.
    pub(super) fn take_stream_error(&mut self, fd: Fd) -> Option<Errno> {
        let socket = self.stream_mut(fd, Errno::EINVAL).ok()?;
        if let Some(error) = socket.error.take() {
            return Some(error);
        }
        let id = socket.connection()?;
        // FreeBSD tells of what may pass only once it has ended the connection.
        if self.system == System::Freebsd && self.stack.status(id).state != State::Closed {
            return None;
        }
        let error = self.stack.take_error(id)?;
        Some(self.connection_errno(id, error))
    }

    /// Nobody listens there any more.
    pub(super) fn drop_listeners(&mut self, ids: Vec<ListenerId>) {
        for id in ids {
            self.table.forget_listener(id);
            self.stack.close_listener(self.now, id);
        }
    }

    /// The connection of a TCP socket is let go of: as close does it, or with a reset.
    pub(super) fn drop_connection(&mut self, id: ConnId, reset: bool) {
        self.table.forget_connection(id);
        match reset {
            true => self.stack.abort(self.now, id),
            false => self.stack.close(self.now, id),
        }
    }
}
