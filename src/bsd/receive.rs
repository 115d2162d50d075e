//! read, recv, recvfrom, recvmsg.

use super::Calls;
use super::System;
use super::address::Family;
use super::datagram::DatagramSocket;
use super::errno::Errno;
use super::linux::{
    IP_PKTINFO, IP_RECVTOS, IP_RECVTTL, IPV6_RECVHOPLIMIT, IPV6_RECVPKTINFO, IPV6_RECVTCLASS,
    MSG_DONTWAIT, MSG_ERRQUEUE, MSG_OOB, MSG_PEEK, MSG_TRUNC, SO_RXQ_OVFL,
    SOF_TIMESTAMPING_RX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE, SOL_IP, SOL_IPV6, SOL_SOCKET,
};
use super::received::{Control, Received, TimeUnit};
use super::settings::SocketSettings;
use super::stream::{Role, StreamSocket};
use super::table::{Fd, Kind};
use crate::stack::{ConnId, UdpRecvError};
use crate::tcp::{RecvError, State};

/// The control messages that a UDP socket has asked for, in Linux's order.
fn told_with(socket: &DatagramSocket, datagram: &crate::stack::Received) -> Vec<Control> {
    let settings = &socket.settings;
    let wants = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    let stamps = socket.notices.stamping() & wants == wants;
    let counts = settings.kept(SOL_SOCKET, SO_RXQ_OVFL, 0) != 0 && datagram.lost > 0;
    let asked = |level, name| settings.kept(level, name, 0) != 0;
    let of_ipv6 = socket.family == Family::Inet6 && asked(SOL_IPV6, IPV6_RECVPKTINFO);
    let of_ipv4 = datagram.local.is_ipv4() && asked(SOL_IP, IP_PKTINFO);
    let mut told = Vec::new();
    told.extend(TimeUnit::of(settings).map(|unit| Control::Time(datagram.at, unit)));
    told.extend(stamps.then_some(Control::Stamp(datagram.at)));
    told.extend(counts.then_some(Control::Lost(datagram.lost)));
    told.extend(of_ipv6.then_some(Control::SentTo(datagram.local, true)));
    told.extend(of_ipv4.then_some(Control::SentTo(datagram.local, false)));
    told.extend(told_marks(settings, datagram));
    told
}

/// The control messages about a datagram's IP header that a socket has asked for.
fn told_marks(settings: &SocketSettings, datagram: &crate::stack::Received) -> Vec<Control> {
    let is_ipv6 = datagram.remote.is_ipv6();
    let (level, limit, class) = match is_ipv6 {
        true => (SOL_IPV6, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS),
        false => (SOL_IP, IP_RECVTTL, IP_RECVTOS),
    };
    let asked = |name| settings.kept(level, name, 0) != 0;
    let marks = datagram.marks;
    let limit = marks.hop_limit.filter(|_| asked(limit));
    let class = marks.traffic_class.filter(|_| asked(class));
    let limit = limit.map(|limit| Control::HopLimit(limit, is_ipv6));
    let class = class.map(|class| Control::TrafficClass(class, is_ipv6));
    limit.into_iter().chain(class).collect()
}

impl Calls<'_> {
    /// As [`Calls::recv`] without flags, but an empty buffer always gets nothing.
    ///
    /// # Errors
    /// As [`Calls::recv`].
    pub fn read(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
        if let (true, Kind::Stream(_) | Kind::Datagram(_)) =
            (buffer.is_empty(), &self.table.get(fd)?.kind)
        {
            return Ok(0);
        }
        self.recv(fd, buffer, 0)
    }

    /// Copies what has arrived into `buffer`, as far as there is room; 0 means the end of the stream. It
    /// returns what is available, even with `MSG_WAITALL`: [`Receiving`](super::Receiving) waits for the
    /// rest.
    ///
    /// # Errors
    /// `EAGAIN` if nothing is available, `ENOTCONN`; the reason why the connection ended, once,
    /// after what had arrived before; `EINVAL` for `MSG_OOB` without urgent data.
    pub fn recv(&mut self, fd: Fd, buffer: &mut [u8], flags: i32) -> Result<usize, Errno> {
        Ok(self.recvmsg(fd, buffer, flags)?.len)
    }

    /// As [`Calls::recv`], and also returns the details of what was received.
    ///
    /// # Errors
    /// As [`Calls::recv`].
    pub fn recvmsg(&mut self, fd: Fd, buffer: &mut [u8], flags: i32) -> Result<Received, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(_) | Kind::Datagram(_) if flags & MSG_ERRQUEUE != 0 => {
                self.receive_notice(fd, buffer)
            }
            Kind::Stream(_) => self.receive_stream(fd, buffer, flags),
            Kind::Datagram(socket)
                if flags & MSG_OOB != 0 && (socket.is_echo || self.system == System::Freebsd) =>
            {
                Err(Errno::EOPNOTSUPP)
            }
            Kind::Datagram(_) => self.receive_datagram(fd, buffer, flags),
            Kind::Pipe(end) => {
                let end = *end;
                let len = self.read_pipe(end, buffer)?;
                Ok(Received {
                    len,
                    ..Received::default()
                })
            }
            Kind::Epoll(_) => Err(Errno::ENOTSOCK),
        }
    }

    fn receive_stream(&mut self, fd: Fd, buffer: &mut [u8], flags: i32) -> Result<Received, Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let id = match socket.role {
            Role::Connection(id, _) => id,
            Role::Fresh if flags & MSG_OOB != 0 => return Err(Errno::EINVAL),
            Role::Fresh | Role::Listening(_) => {
                let has_ended = socket.read_shut;
                let connects_late = socket.waits_for.is_some();
                return match self.take_stream_error(fd) {
                    None if connects_late => Err(Errno::EAGAIN),
                    Some(error) => Err(error),
                    None if has_ended => Ok(Received::default()),
                    None => Err(Errno::ENOTCONN),
                };
            }
        };
        if flags & MSG_OOB != 0 {
            return self.receive_urgent(fd, id, buffer, flags);
        }
        let ahead = match flags & MSG_PEEK {
            0 => None,
            _ => Some(self.stream(fd, Errno::EINVAL)?.peek_place.unwrap_or(0)),
        };
        let len = self.receive_text(fd, id, buffer, flags)?;
        let mut received = Received {
            len,
            ..Received::default()
        };
        if len > 0 {
            received.control = self.arrival_times(fd, id, ahead.map(|ahead| ahead + len - 1))?;
        }
        if self.stream(fd, Errno::EINVAL)?.settings.tell_waiting {
            let status = self.stack.status(id);
            let end = usize::from(status.fin_received);
            let waiting = i32::try_from(status.recv_queue + end).unwrap_or(i32::MAX);
            received.control.push(Control::Inq(waiting));
        }
        Ok(received)
    }

    /// `SO_TIMESTAMP`, `SO_TIMESTAMPNS` and `SO_TIMESTAMPING`: when the last octet that was read arrived;
    /// or, with `MSG_PEEK`, the octet that is `ahead` of the reader.
    fn arrival_times(
        &self,
        fd: Fd,
        id: ConnId,
        ahead: Option<usize>,
    ) -> Result<Vec<Control>, Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let unit = TimeUnit::of(&socket.settings);
        let wants = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
        let stamps = socket.notices.stamping() & wants == wants;
        if unit.is_none() && !stamps {
            return Ok(Vec::new());
        }
        let at = match ahead {
            Some(ahead) => self.stack.text_came(id, ahead),
            None => self.stack.read_text_came(id),
        };
        let time = unit.map(|unit| Control::Time(at, unit));
        Ok(time
            .into_iter()
            .chain(stamps.then_some(Control::Stamp(at)))
            .collect())
    }

    /// Receives text in order; with `MSG_PEEK` and `SO_PEEK_OFF`, from a place ahead of the reader.
    fn receive_text(
        &mut self,
        fd: Fd,
        id: ConnId,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<usize, Errno> {
        let peek = flags & MSG_PEEK != 0;
        if peek && let Some(ahead) = self.stream(fd, Errno::EINVAL)?.peek_place {
            return self.peek_on(fd, id, ahead, buffer);
        }
        let len = self.receive_here(fd, id, buffer, flags)?;
        if peek {
            self.stack.look(self.now, id);
        }
        // What was read is no longer ahead of the reader.
        if !peek && let Some(place) = &mut self.stream_mut(fd, Errno::EINVAL)?.peek_place {
            *place = place.saturating_sub(len);
        }
        Ok(len)
    }

    /// `SO_PEEK_OFF`: peeks at what is `ahead` octets ahead of the reader. The next peek continues
    /// behind it.
    fn peek_on(
        &mut self,
        fd: Fd,
        id: ConnId,
        ahead: usize,
        buffer: &mut [u8],
    ) -> Result<usize, Errno> {
        let status = self.stack.status(id);
        let len = match status.recv_queue {
            waiting if waiting > ahead => self.stack.peek(id, ahead, buffer),
            // Nothing has arrived at all: the same answer as without `SO_PEEK_OFF`.
            0 => self.receive_here(fd, id, buffer, MSG_PEEK)?,
            _ if status.fin_received => 0,
            _ => return Err(Errno::EAGAIN),
        };
        self.stream_mut(fd, Errno::EINVAL)?.peek_place = Some(ahead + len);
        Ok(len)
    }

    /// FreeBSD: after the reading side is shut down nothing can be read, and an error comes before the end
    /// of the stream.
    fn freebsd_end(&mut self, fd: Fd, id: ConnId) -> Option<Result<usize, Errno>> {
        if self.system != System::Freebsd {
            return None;
        }
        if self.stream(fd, Errno::EINVAL).is_ok_and(|it| it.read_shut) {
            return Some(Ok(0));
        }
        match self.stack.status(id).recv_queue {
            0 => self.take_stream_error(fd).map(Err),
            _ => None,
        }
    }

    /// Receives text in order. One call ends before the urgent octet; the next skips it or, with
    /// `SO_OOBINLINE`, begins with it.
    fn receive_here(
        &mut self,
        fd: Fd,
        id: ConnId,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<usize, Errno> {
        let peek = flags & MSG_PEEK != 0;
        if !peek && let Some(end) = self.freebsd_end(fd, id) {
            return end;
        }
        if buffer.is_empty() && self.stack.status(id).recv_queue > 0 {
            return Ok(0);
        }
        let inline = self.stream(fd, Errno::EINVAL)?.settings.urgent_inline;
        let mark = self.stack.urgent_mark(id);
        let skip = usize::from(mark == Some(1) && !inline);
        let most = match mark {
            Some(ahead) if ahead > 1 => buffer.len().min(ahead as usize - 1),
            _ => buffer.len(),
        };
        if skip > 0 && !peek {
            self.pass_urgent(fd, id)?;
        }
        let buffer = &mut buffer[..most];
        let skip = if peek { skip } else { 0 };
        let waiting = match peek {
            true => self.stack.status(id).recv_queue,
            false => 0,
        };
        // On Linux, if nothing has arrived, even a call with an empty buffer waits.
        let waits_for_nothing = self.system == System::Linux && buffer.is_empty();
        if waiting > skip || (peek && buffer.is_empty() && !waits_for_nothing) {
            return Ok(self.stack.peek(id, skip, buffer));
        }
        let read_shut = self.stream(fd, Errno::EINVAL)?.read_shut;
        let answer = match peek {
            // Only the urgent octet is there, and it stays.
            true if waiting > 0 => Err(RecvError::WouldBlock),
            // Nothing is there, so this call gives the same answer and cannot remove anything.
            true => self.stack.recv(self.now, id, &mut [0]),
            false if waits_for_nothing && self.stack.readable(id) == 0 => {
                self.stack.recv(self.now, id, &mut [0])
            }
            false if mark == Some(1) && inline => self.receive_from_mark(id, buffer),
            false => self.stack.recv(self.now, id, buffer),
        };
        match answer {
            Ok(len) => Ok(len),
            Err(RecvError::WouldBlock) if read_shut => Ok(0),
            Err(RecvError::WouldBlock | RecvError::Lent) => {
                let told = self.stream_mut(fd, Errno::EINVAL)?.error.take();
                Err(told.unwrap_or(Errno::EAGAIN))
            }
            Err(RecvError::Connection(error)) => Err(self.connection_errno(id, error)),
        }
    }

    /// `SO_OOBINLINE`: receives the urgent octet, which is next, and what follows it.
    fn receive_from_mark(&mut self, id: ConnId, buffer: &mut [u8]) -> Result<usize, RecvError> {
        let taken = self.stack.recv(self.now, id, buffer)?;
        let rest = &mut buffer[taken..];
        let more = match rest.is_empty() {
            true => 0,
            false => self.stack.recv(self.now, id, rest).unwrap_or(0),
        };
        Ok(taken + more)
    }

    /// Removes the urgent octet, which is next, from the stream. On Linux it is then lost.
    fn pass_urgent(&mut self, fd: Fd, id: ConnId) -> Result<(), Errno> {
        let place = self.urgent_place(id);
        let is_kept = self.system == System::Freebsd;
        let mut octet = [0];
        if self.stack.recv(self.now, id, &mut octet) == Ok(1) {
            let socket = self.stream_mut(fd, Errno::EINVAL)?;
            let unread = is_kept && socket.urgent_read != place;
            socket.urgent = unread.then_some(octet[0]);
        }
        Ok(())
    }

    /// `MSG_OOB`: receives the urgent octet, once.
    fn receive_urgent(
        &mut self,
        fd: Fd,
        id: ConnId,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<Received, Errno> {
        let peek = flags & MSG_PEEK != 0;
        let place = self.urgent_place(id);
        let ahead = self.stack.urgent_mark(id);
        let socket = self.stream(fd, Errno::EINVAL)?;
        let fresh = ahead.filter(|_| place != socket.urgent_read);
        if socket.settings.urgent_inline || (fresh.is_none() && socket.urgent.is_none()) {
            return Err(Errno::EINVAL);
        }
        let octet = match (fresh, socket.urgent) {
            (Some(_), _) => match self.stack.urgent_octet(id) {
                Some(octet) => octet,
                None if self.stack.status(id).state == State::Closed => {
                    return Ok(Received::default());
                }
                None => return Err(Errno::EAGAIN),
            },
            (None, Some(octet)) => octet,
            (None, None) => return Err(Errno::EINVAL),
        };
        if !peek {
            let socket = self.stream_mut(fd, Errno::EINVAL)?;
            socket.urgent = None;
            socket.urgent_read = place.or(socket.urgent_read);
        }
        let mut received = Received {
            flags: MSG_OOB,
            ..Received::default()
        };
        match buffer.first_mut() {
            Some(first) => (*first, received.len) = (octet, 1),
            None => received.flags |= MSG_TRUNC,
        }
        Ok(received)
    }

    /// Whether the urgent octet is next.
    pub(super) fn is_at_mark(&self, fd: Fd) -> bool {
        let id = (self.stream(fd, Errno::EINVAL).ok()).and_then(|socket| socket.connection());
        id.is_some_and(|id| self.stack.urgent_mark(id) == Some(1))
    }

    /// Where in the stream the urgent data ahead of the reader ends.
    fn urgent_place(&self, id: ConnId) -> Option<u64> {
        let ahead = self.stack.urgent_mark(id)?;
        let status = self.stack.status(id);
        Some(status.bytes_received - status.recv_queue as u64 + ahead)
    }

    /// Whether `MSG_OOB` would return the urgent octet.
    pub(super) fn urgent_ready(&self, socket: &StreamSocket, id: ConnId) -> bool {
        let unread = self.urgent_place(id) != socket.urgent_read;
        let is_ahead = unread && self.stack.urgent_mark(id).is_some();
        socket.urgent.is_some() || (is_ahead && self.stack.urgent_octet(id).is_some())
    }

    /// How many octets make a stream readable: `SO_RCVLOWAT`. But if the window that the peer knows has no
    /// room for another segment, a single octet does, since more may never arrive.
    pub(super) fn low_water(&self, socket: &StreamSocket, id: ConnId) -> usize {
        let status = self.stack.status(id);
        let scale = status.window_scale.map_or(0, |(_, own)| own);
        match (status.rcv_wnd >> scale) << scale > u32::from(status.rcv_mss) {
            true => socket.settings.receive_low_water.max(1),
            false => 1,
        }
    }

    fn receive_datagram(
        &mut self,
        fd: Fd,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<Received, Errno> {
        let socket = self.datagram_mut(fd)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let family = socket.family;
        // On Linux, a non-blocking call does not report that nothing will arrive.
        let waits = flags & MSG_DONTWAIT == 0 && !self.table.get(fd)?.is_nonblocking();
        let told = waits || self.system == System::Freebsd;
        let socket = self.datagram(fd)?;
        let (has_ended, is_echo) = (socket.read_shut && told, socket.is_echo);
        let mut answer = UdpRecvError::WouldBlock;
        for id in self.by_arrival(socket) {
            let received = match flags & MSG_PEEK != 0 {
                _ if is_echo => self.receive_echo(id, buffer, flags),
                true => self.stack.udp_peek(id, buffer),
                false => self.stack.udp_recv(id, buffer),
            };
            match received {
                Ok(datagram) => {
                    let cut = datagram.len > buffer.len();
                    let control = told_with(self.datagram(fd)?, &datagram);
                    let whole = flags & MSG_TRUNC != 0;
                    return Ok(Received {
                        len: match whole {
                            true => datagram.len,
                            false => datagram.len.min(buffer.len()),
                        },
                        from: Some(family.outward(datagram.remote)),
                        flags: if cut { MSG_TRUNC } else { 0 },
                        control,
                    });
                }
                Err(UdpRecvError::WouldBlock) => {}
                Err(error) => answer = error,
            }
        }
        match answer {
            UdpRecvError::WouldBlock if has_ended => Ok(Received::default()),
            UdpRecvError::WouldBlock => Err(Errno::EAGAIN),
            UdpRecvError::Undelivered(error) => Err(super::datagram::errno(error.reason)),
        }
    }
}
