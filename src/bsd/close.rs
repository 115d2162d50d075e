//! shutdown, close.

use core::time::Duration;

use super::errno::Errno;
use super::linux::{SHUT_RD, SHUT_RDWR, SHUT_WR};
use super::stream::{Phase, Role};
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::tcp::State;
use std::net::Shutdown;

impl Calls<'_> {
    /// Ends sending, receiving or both. The descriptor stays, and what has arrived can still be
    /// read.
    ///
    /// # Errors
    /// `EINVAL`, `ENOTCONN`.
    pub fn shutdown(&mut self, fd: Fd, how: i32) -> Result<(), Errno> {
        if let Kind::Epoll(_) | Kind::Pipe(_) = self.table.get(fd)?.kind {
            return Err(Errno::ENOTSOCK);
        }
        let (reading, writing) = match how {
            SHUT_RD => (true, false),
            SHUT_WR => (false, true),
            SHUT_RDWR => (true, true),
            _ => return Err(Errno::EINVAL),
        };
        match &self.table.get(fd)?.kind {
            Kind::Stream(_) => self.shutdown_stream(fd, reading, writing),
            Kind::Datagram(socket) => {
                // Without a peer, the socket is shut down all the same, but the call fails.
                let answer = socket.peer.map(|_| ()).ok_or(Errno::ENOTCONN);
                let socket = self.datagram_mut(fd)?;
                socket.read_shut |= reading;
                socket.write_shut |= writing;
                self.table.happened(fd);
                answer
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    fn shutdown_stream(&mut self, fd: Fd, reading: bool, writing: bool) -> Result<(), Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let id = match &socket.role {
            // A connect that waits for the first text is abandoned.
            Role::Fresh if socket.waits_for.is_some() => {
                self.stream_mut(fd, Errno::EINVAL)?.waits_for = None;
                self.table.happened(fd);
                return Ok(());
            }
            Role::Fresh => {
                // The shutdown is recorded all the same, as on Linux.
                self.stream_mut(fd, Errno::EINVAL)?.read_shut |= reading;
                self.table.happened(fd);
                return Err(Errno::ENOTCONN);
            }
            Role::Listening(_) if self.system == System::Freebsd => return Err(Errno::ENOTCONN),
            // A listener that stops reading stops listening.
            Role::Listening(_) if reading => return self.disconnect_stream(fd),
            Role::Listening(_) => return Ok(()),
            Role::Connection(id, _) => *id,
        };
        match self.stack.status(id).state {
            State::TimeWait | State::Closed => return Err(Errno::ENOTCONN),
            // There is only the attempt to end.
            State::SynSent => return self.disconnect_stream(fd),
            _ => {}
        }
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        socket.read_shut |= reading;
        // No later connect needs to report the result any more.
        socket.role = Role::Connection(id, Phase::Connected);
        if reading {
            socket.config.socket.refuses_text = true;
            let options = socket.config.socket;
            self.stack.set_options(self.now, id, options);
        }
        if writing {
            // A second shutdown is not an error.
            let _ = self.stack.shutdown(self.now, id, Shutdown::Write);
        }
        self.table.happened(fd);
        Ok(())
    }

    /// Closes every descriptor.
    pub fn close_all(&mut self) {
        let open: Vec<Fd> = self.table.descriptors().collect();
        for fd in open {
            // The descriptor was open a moment ago.
            let _ = self.close(fd);
        }
    }

    /// Whether every connection has ended, with or without a descriptor, except those in TIME-WAIT.
    pub fn is_quiet(&self) -> bool {
        self.stack.unfinished_count() == 0
    }

    /// How long closing this descriptor waits (`SO_LINGER`); zero if the peer has acknowledged everything.
    pub fn lingers(&self, fd: Fd) -> Option<Duration> {
        let socket = self.stream(fd, Errno::EINVAL).ok()?;
        let time = socket.config.socket.linger.filter(|time| !time.is_zero())?;
        let status = self.stack.status(socket.connection()?);
        let done = match status.state {
            // Unread text causes a reset, for which close does not wait.
            _ if status.recv_queue > 0 => true,
            // There is no peer yet.
            State::Listen | State::SynSent => true,
            State::FinWait2 | State::TimeWait | State::Closed => true,
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::CloseWait
            | State::Closing
            | State::LastAck => false,
        };
        (!done).then_some(time)
    }

    /// Closes a descriptor. Its connection finishes on its own: gracefully, or with a reset if text was not
    /// read or `SO_LINGER` says so.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close(&mut self, fd: Fd) -> Result<(), Errno> {
        let descriptor = self.table.remove(fd).ok_or(Errno::EBADF)?;
        match descriptor.kind {
            Kind::Stream(socket) => match socket.role {
                Role::Fresh => {}
                Role::Listening(ids) => self.drop_listeners(ids),
                Role::Connection(id, _) => {
                    if self.system == System::Linux && !socket.settings.reuse_address {
                        self.keep_unshared(id);
                    }
                    self.drop_connection(id, false);
                }
            },
            Kind::Datagram(socket) => {
                for id in socket.ids {
                    self.table.forget_udp(id);
                    self.stack.udp_close(id);
                }
            }
            Kind::Epoll(_) => {}
            Kind::Pipe(end) => self.close_pipe(end),
        }
        Ok(())
    }
}
