//! fcntl, ioctl.

use super::errno::Errno;
use super::freebsd::FIONSPACE;
use super::linux::{
    F_GETFD, F_GETFL, F_GETOWN, F_SETFD, F_SETFL, F_SETOWN, FD_CLOEXEC, FIOASYNC, FIOGETOWN,
    FIONBIO, FIONREAD, FIOSETOWN, O_APPEND, O_ASYNC, O_DIRECT, O_NONBLOCK, O_RDWR, SIOCATMARK,
    SIOCGPGRP, SIOCOUTQ, SIOCOUTQNSD, SIOCSPGRP,
};
use super::stream::{Role, StreamSocket};
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::tcp::{State, Status};

impl Calls<'_> {
    /// Reads or changes the flags of a descriptor.
    ///
    /// # Errors
    /// `EBADF`; `EINVAL` for commands that are not known.
    pub fn fcntl(&mut self, fd: Fd, command: i32, argument: i32) -> Result<i32, Errno> {
        let descriptor = self.table.get_mut(fd)?;
        match command {
            F_GETFL => Ok(O_RDWR | descriptor.flags),
            // As for a file whose device does not support it.
            F_SETFL if argument & O_DIRECT != 0 => Err(Errno::EINVAL),
            F_SETFL => {
                descriptor.flags = argument & (O_NONBLOCK | O_APPEND | O_ASYNC);
                Ok(0)
            }
            F_GETFD => Ok(descriptor.descriptor_flags),
            F_SETFD => {
                descriptor.descriptor_flags = argument & FD_CLOEXEC;
                Ok(0)
            }
            // There are no signals here.
            F_GETOWN | F_SETOWN => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Returns how much waits in a socket, or sets `FIONBIO`. `argument` is the value passed in; the value
    /// passed out is returned.
    ///
    /// # Errors
    /// `EBADF`; `ENOTTY` for requests that are not known; `EINVAL` of a listener.
    pub fn ioctl(&mut self, fd: Fd, request: i32, argument: i32) -> Result<i32, Errno> {
        let descriptor = self.table.get_mut(fd)?;
        if request == FIONBIO {
            descriptor.flags &= !O_NONBLOCK;
            descriptor.flags |= if argument != 0 { O_NONBLOCK } else { 0 };
            return Ok(argument);
        }
        match descriptor.kind {
            Kind::Epoll(_) if request == FIOASYNC => return Err(Errno::ENOTTY),
            Kind::Epoll(_) => return Err(Errno::EINVAL),
            Kind::Stream(_) | Kind::Datagram(_) | Kind::Pipe(_) => {}
        }
        // There are no signals here.
        match request {
            FIOASYNC | FIOSETOWN | SIOCSPGRP => return Ok(argument),
            FIOGETOWN | SIOCGPGRP => return Ok(0),
            _ => {}
        }
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => self.stream_ioctl(socket, request),
            Kind::Datagram(socket) if socket.is_echo => Err(Errno::ENOTTY),
            Kind::Datagram(socket) => match request {
                FIONREAD => {
                    let ids = self.by_arrival(socket);
                    let first = ids.first().and_then(|id| self.stack.udp_waiting(*id));
                    Ok(number(first.unwrap_or(0)))
                }
                SIOCOUTQ => Ok(0),
                _ => Err(Errno::ENOTTY),
            },
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTTY),
        }
    }

    fn stream_ioctl(&self, socket: &StreamSocket, request: i32) -> Result<i32, Errno> {
        if request == FIONSPACE && self.system == System::Freebsd {
            let queued = (socket.connection()).map_or(0, |id| self.stack.status(id).send_queue);
            return Ok(number(self.stream_buffers(socket).1.saturating_sub(queued)));
        }
        if !matches!(request, FIONREAD | SIOCOUTQ | SIOCOUTQNSD | SIOCATMARK) {
            return Err(Errno::ENOTTY);
        }
        let id = match socket.role {
            Role::Connection(id, _) => id,
            Role::Fresh => return Ok(0),
            Role::Listening(_) if request == SIOCATMARK => return Ok(0),
            Role::Listening(_) => return Err(Errno::EINVAL),
        };
        let status = self.stack.status(id);
        let opening = matches!(status.state, State::SynSent | State::SynReceived);
        let inline = socket.settings.urgent_inline;
        let mark = self.stack.urgent_mark(id);
        Ok(number(match request {
            FIONREAD => {
                // Only octets before the urgent octet count; it is not part of what can be read.
                let before = mark.map_or(usize::MAX, |ahead| ahead as usize - 1);
                match status.recv_queue {
                    len if inline => len,
                    len => len.min(before),
                }
            }
            SIOCATMARK => usize::from(mark == Some(1)),
            _ if opening => 0,
            // Our FIN counts, like everything from SND.UNA to the end of what the program has
            // written.
            SIOCOUTQ if status.state == State::Closed => left(&status),
            SIOCOUTQNSD if status.state == State::Closed => status.unsent,
            SIOCOUTQ => status.send_queue + usize::from(status.closing && !fin_is_acked(&status)),
            // So does a FIN that waits behind text.
            _ => status.unsent + usize::from(status.closing && status.unsent > 0),
        }))
    }
}

/// What the peer had not acknowledged when the connection ended: if that is text, our FIN counts
/// too.
fn left(status: &Status) -> usize {
    let sent = status.bytes_sent.saturating_sub(status.bytes_resent);
    let text = sent.saturating_sub(status.bytes_acked) as usize + status.unsent;
    text + usize::from(status.closing && text > 0)
}

/// Whether the peer has acknowledged our FIN.
pub(super) fn fin_is_acked(status: &Status) -> bool {
    matches!(
        status.state,
        State::FinWait2 | State::TimeWait | State::Closed
    )
}

/// A number as an `int`; if it is too large, the largest `int`.
fn number(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
