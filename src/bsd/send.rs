//! write, send, sendto, sendmsg.

use core::net::SocketAddr;

use super::ancillary::OneSend;
use super::errno::Errno;
use super::linux::{MSG_EOR, MSG_FASTOPEN, MSG_MORE, MSG_OOB, SOL_UDP, UDP_CORK, UDP_SEGMENT};
use super::stream::Role;
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::stack::{ConnId, UdpId, UdpSendError};
use crate::tcp::{SendError, State};

/// What to send, and how.
#[derive(Clone, Copy)]
struct Outgoing<'a> {
    data: &'a [u8],
    flags: i32,
    to: Option<SocketAddr>,
    once: OneSend,
}

/// The longest text of a datagram that fits IPv4's length field.
const LONGEST_DATAGRAM: usize = 65_507;

impl Calls<'_> {
    /// As [`Calls::send`] without flags.
    ///
    /// # Errors
    /// As [`Calls::send`].
    pub fn write(&mut self, fd: Fd, data: &[u8]) -> Result<usize, Errno> {
        self.send(fd, data, 0)
    }

    /// Accepts as much as there is room for: [`Sending`](super::Sending) waits for the rest.
    ///
    /// # Errors
    /// `EAGAIN` without room or before the connection is established; `EPIPE` after shutdown,
    /// after the end of the connection, or without one; the reason why it ended, once. For UDP:
    /// `EDESTADDRREQ`, `EMSGSIZE`, and what became of an earlier datagram.
    pub fn send(&mut self, fd: Fd, data: &[u8], flags: i32) -> Result<usize, Errno> {
        self.sendto(fd, data, flags, None)
    }

    /// As [`Calls::send`], to a given destination. For UDP that is allowed even if the socket is connected to
    /// another peer; for TCP only with `MSG_FASTOPEN`, which connects.
    ///
    /// # Errors
    /// As [`Calls::send`] and [`Calls::connect`].
    pub fn sendto(
        &mut self,
        fd: Fd,
        data: &[u8],
        flags: i32,
        to: Option<SocketAddr>,
    ) -> Result<usize, Errno> {
        self.send_once(fd, data, flags, to, OneSend::default())
    }

    /// As [`Calls::sendto`], with what control messages ask of this send.
    ///
    /// # Errors
    /// As [`Calls::sendto`].
    pub fn send_once(
        &mut self,
        fd: Fd,
        data: &[u8],
        flags: i32,
        to: Option<SocketAddr>,
        once: OneSend,
    ) -> Result<usize, Errno> {
        let outgoing = Outgoing {
            data,
            flags,
            to,
            once,
        };
        match &self.table.get(fd)?.kind {
            // The host has Fast Open turned off for clients.
            Kind::Stream(_)
                if flags & MSG_FASTOPEN != 0 && !self.stack.config().fast_open.client =>
            {
                Err(Errno::EOPNOTSUPP)
            }
            Kind::Stream(socket) if flags & MSG_FASTOPEN != 0 && socket.is_listening() => {
                Err(Errno::EISCONN)
            }
            Kind::Stream(socket) if flags & MSG_FASTOPEN != 0 && !socket.is_connected() => {
                let peer = self.reached_by(fd, to.ok_or(Errno::EINVAL)?);
                self.connect_sending(fd, peer, data, outgoing.once.waits)
            }
            // MSG_FASTOPEN also implies a connect, to any address: the first one after the handshake
            // reports its success.
            Kind::Stream(socket) if flags & MSG_FASTOPEN != 0 => {
                let nobody = socket.family.unspecified();
                self.connect(fd, to.unwrap_or(nobody))?;
                self.send_stream(fd, &outgoing)
            }
            Kind::Stream(_) => self.send_stream(fd, &outgoing),
            Kind::Datagram(socket) if socket.is_echo => self.send_echo(fd, data, flags, to, once),
            Kind::Datagram(_) if flags & MSG_OOB != 0 => Err(Errno::EOPNOTSUPP),
            Kind::Datagram(socket) => {
                let corked = socket.settings.kept(SOL_UDP, UDP_CORK, 0) != 0;
                let flags = flags | if corked { MSG_MORE } else { 0 };
                self.bind_early(fd)?;
                let len = self.send_datagram(fd, &Outgoing { flags, ..outgoing })?;
                self.note_datagram(fd, flags, once);
                Ok(len)
            }
            Kind::Pipe(end) => {
                let end = *end;
                self.write_pipe(end, data)
            }
            Kind::Epoll(_) => Err(Errno::ENOTSOCK),
        }
    }

    fn send_stream(&mut self, fd: Fd, outgoing: &Outgoing<'_>) -> Result<usize, Errno> {
        let Outgoing { data, flags, .. } = *outgoing;
        let socket = self.stream(fd, Errno::EINVAL)?;
        if let Some(peer) = socket.waits_for {
            return self.connect_sending(fd, peer, data, outgoing.once.waits);
        }
        let Role::Connection(id, _) = socket.role else {
            let nobody = match self.system {
                System::Linux => Errno::EPIPE,
                System::Freebsd => Errno::ENOTCONN,
            };
            return Err(self.take_stream_error(fd).unwrap_or(nobody));
        };
        // A connection that has ended takes no text, and FreeBSD keeps the reason for SO_ERROR.
        if self.system == System::Freebsd && self.stack.status(id).state == State::Closed {
            return Err(Errno::EPIPE);
        }
        if let Some(error) = self.stream_mut(fd, Errno::EINVAL)?.error.take() {
            return Err(error);
        }
        let taken = self.send_text(id, data, flags)?;
        self.note_sent(fd, taken, flags, outgoing.once);
        Ok(taken)
    }

    fn send_text(&mut self, id: ConnId, data: &[u8], flags: i32) -> Result<usize, Errno> {
        let status = self.stack.status(id);
        let opening = matches!(status.state, State::SynSent | State::SynReceived);
        // A connection that began with a cookie can be used before its handshake has ended (RFC
        // 7413).
        if opening && !status.fast_open_child {
            return Err(match self.system {
                System::Linux => Errno::EAGAIN,
                System::Freebsd => Errno::ENOTCONN,
            });
        }
        let sent = if flags & MSG_OOB != 0 {
            self.stack.send_urgent(self.now, id, data)
        } else if flags & MSG_EOR != 0 {
            self.stack.send_record(self.now, id, data)
        } else {
            let more = flags & MSG_MORE != 0;
            self.stack.send_part(self.now, id, data, more)
        };
        sent.map_err(|error| match error {
            SendError::WouldBlock => Errno::EAGAIN,
            SendError::Closing => Errno::EPIPE,
            SendError::Connection(error) => self.connection_errno(id, error),
        })
    }

    /// On Linux, a send that fails has bound the socket, too.
    fn bind_early(&mut self, fd: Fd) -> Result<(), Errno> {
        match self.system {
            System::Linux => self.need_address(fd),
            System::Freebsd => Ok(()),
        }
    }

    /// Why nothing is sent on a UDP socket that is shut down: on Linux, an error that waits comes first.
    fn shut_error(&mut self, fd: Fd) -> Errno {
        let error = match self.system {
            System::Linux => self.take_datagram_error(fd),
            System::Freebsd => None,
        };
        error.unwrap_or(Errno::EPIPE)
    }

    fn send_datagram(&mut self, fd: Fd, outgoing: &Outgoing<'_>) -> Result<usize, Errno> {
        let Outgoing {
            data, flags, once, ..
        } = *outgoing;
        let to = outgoing.to.map(|to| self.reached_by(fd, to));
        let socket = self.datagram_mut(fd)?;
        if data.len() + socket.held.as_ref().map_or(0, Vec::len) > LONGEST_DATAGRAM {
            return Err(Errno::EMSGSIZE);
        }
        let segment = socket.settings.kept(SOL_UDP, UDP_SEGMENT, 0) as usize;
        let segment = once.segment.map_or(segment, usize::from);
        if segment > 0 && data.len() > segment * MOST_PIECES {
            return Err(Errno::EINVAL);
        }
        let family = socket.family;
        let to = to
            .or(socket.held_for)
            .map(|to| family.datagram_inward(to))
            .transpose()?;
        if to.is_some_and(|to| to.port() == 0) {
            return Err(Errno::EINVAL);
        }
        let peer = socket.peer.map(|peer| family.inward(peer)).transpose()?;
        let remote = to.or(peer).ok_or(Errno::EDESTADDRREQ)?;
        if socket.write_shut {
            return Err(self.shut_error(fd));
        }
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        if family.outward(remote) != remote && socket.settings.v6only {
            return Err(Errno::ENETUNREACH);
        }
        self.need_address(fd)?;
        let mut ids = self.datagram(fd)?.ids.iter();
        let has_failed = ids.any(|id| self.stack.udp_has_error(*id));
        if flags & MSG_MORE != 0 && has_failed {
            return Err(self.take_datagram_error(fd).unwrap_or(Errno::EIO));
        }
        let socket = self.datagram_mut(fd)?;
        let source = once.source.or_else(|| socket.multicast_source(remote));
        let once = OneSend { source, ..once };
        if flags & MSG_MORE != 0 {
            (socket.held.get_or_insert_default()).extend_from_slice(data);
            socket.held_for = to.map(|to| family.outward(to));
            return Ok(data.len());
        }
        let held = socket.held.take();
        let was_held = held.is_some();
        let mut text = held.unwrap_or_default();
        let held_for = socket.held_for.take();
        text.extend_from_slice(data);
        let ids = socket.ids.clone();
        let of_family = |id: &&UdpId| self.stack.udp_local_addr(**id).is_ipv4() == remote.is_ipv4();
        let id = *ids.iter().find(of_family).ok_or(Errno::ENETUNREACH)?;
        match self.send_pieces(fd, id, &text, to, once) {
            Ok(()) => Ok(data.len()),
            Err(error) => {
                if error == UdpSendError::WouldBlock {
                    text.truncate(text.len() - data.len());
                    let socket = self.datagram_mut(fd)?;
                    (socket.held, socket.held_for) = (was_held.then_some(text), held_for);
                }
                if let UdpSendError::TooLong { most } = error {
                    self.tell_too_long(fd, remote, most);
                }
                Err(unsent(error))
            }
        }
    }

    /// Sends one datagram, or several of the length of `UDP_SEGMENT`. Only the first must find room: what
    /// becomes of the others is not reported.
    fn send_pieces(
        &mut self,
        fd: Fd,
        id: UdpId,
        text: &[u8],
        to: Option<SocketAddr>,
        once: OneSend,
    ) -> Result<(), UdpSendError> {
        let own = self.datagram(fd).map_or(0, |socket| {
            socket.settings.kept(SOL_UDP, UDP_SEGMENT, 0) as usize
        });
        let len = once.segment.map_or(own, usize::from);
        if len == 0 || text.len() <= len {
            return self
                .stack
                .udp_send_from(id, text, to, once.marks, once.source);
        }
        for (number, piece) in text.chunks(len).enumerate() {
            let sent = self
                .stack
                .udp_send_from(id, piece, to, once.marks, once.source);
            if number == 0 {
                sent?;
            }
        }
        Ok(())
    }

    /// Turns off `UDP_CORK`, and sends what has waited.
    pub(super) fn uncork(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.datagram(fd)?;
        if socket.held.is_none() {
            return Ok(());
        }
        let outgoing = Outgoing {
            data: &[],
            flags: 0,
            to: None,
            once: OneSend::default(),
        };
        self.send_datagram(fd, &outgoing).map(|_| ())
    }
}

/// The most datagrams that one call makes (`UDP_SEGMENT`).
const MOST_PIECES: usize = 128;

/// The `errno` for a datagram that was not taken.
pub(super) fn unsent(error: UdpSendError) -> Errno {
    match error {
        UdpSendError::WouldBlock => Errno::EAGAIN,
        UdpSendError::TooLong { .. } => Errno::EMSGSIZE,
        UdpSendError::NotConnected => Errno::EDESTADDRREQ,
        UdpSendError::Broadcast => Errno::EACCES,
        UdpSendError::NotAPeer => Errno::ENETUNREACH,
        UdpSendError::OtherFamily => Errno::ENETUNREACH,
        UdpSendError::Undelivered(error) => super::datagram::errno(error.reason),
    }
}
