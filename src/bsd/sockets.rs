//! The sockets behind descriptors: how to find them, take their pending errors, and release what the
//! stack holds for them.

use super::datagram::{self, DatagramSocket};
use super::errno::Errno;
use super::stream::{self, Role, StreamSocket};
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::stack::{ConnId, ListenerId, UdpId, Undelivered};
use crate::tcp::{ConnectionError, State};

impl Calls<'_> {
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

    /// The UDP or ping socket behind a descriptor.
    pub(super) fn datagram(&self, fd: Fd) -> Result<&DatagramSocket, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Datagram(socket) => Ok(socket),
            Kind::Stream(_) | Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The UDP or ping socket behind a descriptor.
    pub(super) fn datagram_mut(&mut self, fd: Fd) -> Result<&mut DatagramSocket, Errno> {
        match &mut self.table.get_mut(fd)?.kind {
            Kind::Datagram(socket) => Ok(socket),
            Kind::Stream(_) | Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The stack's sockets, beginning with the one whose first datagram has waited longest.
    pub(super) fn by_arrival(&self, socket: &DatagramSocket) -> Vec<UdpId> {
        let mut ids = socket.ids.clone();
        // Sockets on which nothing waits come last.
        ids.sort_by_key(|id| {
            let since = self.stack.udp_waiting_since(*id);
            (since.is_none(), since)
        });
        ids
    }

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

    /// The `errno` for the end of a connection. On Linux, a reset in CLOSE-WAIT gives EPIPE.
    pub(super) fn connection_errno(&self, id: ConnId, error: ConnectionError) -> Errno {
        let status = self.stack.status(id);
        match error {
            ConnectionError::Reset
                if self.system == System::Linux && status.fin_received && !status.closing =>
            {
                Errno::EPIPE
            }
            // On Linux, a connection that has received the peer's SYN was not refused.
            ConnectionError::Withdrawn if self.system == System::Linux => Errno::ECONNRESET,
            error => stream::errno(error),
        }
    }

    /// The pending error of a TCP socket, once.
    pub(super) fn take_stream_error(&mut self, fd: Fd) -> Option<Errno> {
        let socket = self.stream_mut(fd, Errno::EINVAL).ok()?;
        if let Some(error) = socket.error.take() {
            return Some(error);
        }
        let id = socket.connection()?;
        // FreeBSD reports an error that may be temporary only once it has ended the connection.
        if self.system == System::Freebsd && self.stack.status(id).state != State::Closed {
            return None;
        }
        let error = self.stack.take_error(id)?;
        Some(self.connection_errno(id, error))
    }

    /// The pending error of a UDP or ping socket, once: for a socket that is not connected, only if it
    /// asks for errors. On Linux, one that may be temporary is only told to those that ask.
    pub(super) fn take_datagram_error(&mut self, fd: Fd) -> Option<Errno> {
        let socket = self.datagram_mut(fd).ok()?;
        if let Some(error) = socket.error.take() {
            return Some(error);
        }
        if socket.is_echo {
            return None;
        }
        let (ids, is_connected) = (socket.ids.clone(), socket.peer.is_some());
        let fails = ids.iter().any(|id| self.stack.udp_has_error(*id));
        let mut errors = ids.into_iter();
        let error = errors.find_map(|id| self.stack.udp_take_error(id))?;
        let is_told = match error.reason {
            Undelivered::TooLong { .. } => {
                self.datagram(fd).is_ok_and(|it| it.options.tells_too_long)
            }
            _ => fails || self.system == System::Freebsd,
        };
        (is_connected && is_told).then_some(datagram::errno(error.reason))
    }

    /// Closes listeners.
    pub(super) fn drop_listeners(&mut self, ids: Vec<ListenerId>) {
        for id in ids {
            self.table.forget_listener(id);
            self.stack.close_listener(self.now, id);
        }
    }

    /// Releases the connection of a TCP socket, as close does, or with a reset.
    pub(super) fn drop_connection(&mut self, id: ConnId, reset: bool) {
        self.table.forget_connection(id);
        match reset {
            true => self.stack.abort(self.now, id),
            false => self.stack.close(self.now, id),
        }
    }
}
