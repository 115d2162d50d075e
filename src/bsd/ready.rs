//! What a descriptor is ready for; poll.

use super::datagram::DatagramSocket;
use super::errno::Errno;
use super::linux::{
    POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRBAND,
    POLLWRNORM,
};
use super::stream::{Role, StreamSocket};
use super::table::{Fd, Kind};
use super::{Calls, System};
use crate::tcp::State;

/// Events that are reported even if not asked for.
const ALWAYS: i32 = POLLERR | POLLHUP;
const READABLE: i32 = POLLIN | POLLRDNORM;
const WRITABLE: i32 = POLLOUT | POLLWRNORM;

/// One line of poll: a descriptor, the events that are asked for, and those that have occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollFd {
    /// A descriptor; a negative one is ignored.
    pub fd: Fd,
    /// `POLLIN`, `POLLOUT`, …
    pub events: i32,
    /// Those of `events` that have occurred; also `POLLERR`, `POLLHUP` and `POLLNVAL`.
    pub revents: i32,
}

impl Calls<'_> {
    /// Fills in the events that have occurred, and returns how many descriptors have any. If it is 0, the caller
    /// waits and asks again.
    pub fn poll(&self, lines: &mut [PollFd]) -> usize {
        for line in lines.iter_mut() {
            line.revents = match self.ready(line.fd) {
                _ if line.fd < 0 => 0,
                Ok(ready) => ready & (line.events | ALWAYS),
                Err(_) => POLLNVAL,
            };
        }
        lines.iter().filter(|line| line.revents != 0).count()
    }

    /// All events that have occurred on a descriptor, as the bits of poll.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn ready(&self, fd: Fd) -> Result<i32, Errno> {
        Ok(match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => match (self.system, &socket.role) {
                (System::Linux, _) => self.stream_ready(socket),
                // FreeBSD reports nothing about a socket that was never connected, and reports an error
                // only by making the socket readable and writable.
                (System::Freebsd, Role::Fresh) => 0,
                (System::Freebsd, _) => self.stream_ready(socket) & !POLLERR,
            },
            Kind::Datagram(socket) => self.datagram_ready(socket),
            Kind::Epoll(epoll) if self.epoll_ready(epoll) => READABLE,
            Kind::Epoll(_) => 0,
            Kind::Pipe(end) => self.pipe_ready(*end),
        })
    }

    /// Whether an error of a TCP socket is pending; a notice does not count.
    pub(super) fn is_broken(&self, socket: &StreamSocket) -> bool {
        let ended = |id| self.stack.error(id).is_some();
        socket.error.is_some() || socket.connection().is_some_and(ended)
    }

    fn stream_ready(&self, socket: &StreamSocket) -> i32 {
        let pending = match self.is_broken(socket) || socket.notices.any() {
            true => POLLERR,
            false => 0,
        };
        let id = match &socket.role {
            // The first text may go with the SYN.
            Role::Fresh if socket.waits_for.is_some() => return WRITABLE,
            // Writing fails at once, so it does not block.
            Role::Fresh => {
                let ended = if socket.read_shut {
                    READABLE | POLLRDHUP
                } else {
                    0
                };
                return POLLHUP | WRITABLE | ended | pending;
            }
            Role::Listening(ids) => {
                let any = (ids.iter()).any(|id| self.stack.acceptable_count(*id) > 0);
                return if any { READABLE } else { 0 };
            }
            Role::Connection(id, _) => *id,
        };
        let status = self.stack.status(id);
        let closed = status.state == State::Closed;
        let ended = closed || status.fin_received || socket.read_shut;
        let mut ready = pending;
        if closed || (ended && status.closing) {
            ready |= POLLHUP;
        }
        if ended {
            ready |= READABLE | POLLRDHUP;
        }
        let opening = matches!(status.state, State::SynSent | State::SynReceived);
        if opening && !status.fast_open_child {
            return ready;
        }
        // If the urgent octet is next, it does not count as readable.
        let at_mark = self.stack.urgent_mark(id) == Some(1) && !socket.settings.urgent_inline;
        if status.recv_queue >= self.low_water(socket, id) + usize::from(at_mark) {
            ready |= READABLE;
        }
        if status.closing || closed || self.stack.is_writable(id) {
            ready |= WRITABLE;
        }
        if self.urgent_ready(socket, id) {
            ready |= POLLPRI;
        }
        ready
    }

    fn datagram_ready(&self, socket: &DatagramSocket) -> i32 {
        let mut ready = 0;
        let here = |id: &crate::stack::UdpId| self.stack.udp_waiting(*id).is_some();
        if socket.ids.iter().any(here) {
            ready |= READABLE;
        }
        if socket.read_shut {
            ready |= READABLE | POLLRDHUP;
        }
        if socket.read_shut && socket.write_shut {
            ready |= POLLHUP;
        }
        let fails = |id: &crate::stack::UdpId| self.stack.udp_has_error(*id);
        if socket.error.is_some() || socket.notices.any() || socket.ids.iter().any(fails) {
            ready |= POLLERR;
        }
        if socket.ids.iter().all(|id| self.stack.udp_has_room(*id)) {
            ready |= WRITABLE | POLLWRBAND;
        }
        ready
    }
}
