//! pipe and splice: octets from one descriptor to another without the program's seeing them.

use std::collections::VecDeque;

use super::Calls;
use super::errno::Errno;
use super::linux::{
    MSG_MORE, O_CLOEXEC, O_NONBLOCK, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM,
    SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE, SPLICE_F_NONBLOCK,
};
use super::table::{Fd, Kind};

/// Octets that a pipe has room for, as on Linux.
const ROOM: usize = 65_536;

/// What lies in a pipe.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipe {
    octets: VecDeque<u8>,
    /// Whether its ends are open: that for reading, that for writing.
    pub(super) open: [bool; 2],
}

/// One end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) pipe: u64,
    pub(super) writes: bool,
}

impl Calls<'_> {
    /// A pipe: the end to read from, and the end to write to. `flags`: `O_NONBLOCK`.
    ///
    /// # Errors
    /// `EINVAL` for other flags, `EMFILE`.
    pub fn pipe(&mut self, flags: i32) -> Result<(Fd, Fd), Errno> {
        if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let pipe = self.table.add_pipe(Pipe {
            octets: VecDeque::new(),
            open: [true, true],
        });
        let end = |writes| Kind::Pipe(End { pipe, writes });
        let reader = self.table.insert(flags, end(false))?;
        match self.table.insert(flags, end(true)) {
            Ok(writer) => Ok((reader, writer)),
            Err(error) => {
                self.close(reader)?;
                self.table.remove_pipe(pipe);
                Err(error)
            }
        }
    }

    /// Moves octets from a socket to a pipe, or from a pipe to a socket; at most `len`. With
    /// `SPLICE_F_MORE`, more is to follow.
    ///
    /// # Errors
    /// `EAGAIN` if nothing is here or there is no room; `EINVAL` without a pipe, or with two;
    /// `EBADF` for the wrong end of one; what the socket says.
    pub fn splice(&mut self, from: Fd, to: Fd, len: usize, flags: i32) -> Result<usize, Errno> {
        let known = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;
        if flags & !known != 0 {
            return Err(Errno::EINVAL);
        }
        let more = if flags & SPLICE_F_MORE != 0 {
            MSG_MORE
        } else {
            0
        };
        match (&self.table.get(from)?.kind, &self.table.get(to)?.kind) {
            (Kind::Pipe(end), Kind::Stream(_) | Kind::Datagram(_)) => {
                let end = *end;
                self.pipe_to_socket(end, to, len, more)
            }
            (Kind::Stream(_) | Kind::Datagram(_), Kind::Pipe(end)) => {
                let end = *end;
                self.socket_to_pipe(from, end, len)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn pipe_to_socket(&mut self, end: End, to: Fd, len: usize, flags: i32) -> Result<usize, Errno> {
        let text = self.pipe_text(end, len)?;
        if text.is_empty() {
            return Ok(0);
        }
        let sent = self.send(to, &text, flags)?;
        let pipe = self.table.pipe_mut(end.pipe)?;
        pipe.octets.drain(..sent);
        Ok(sent)
    }

    fn socket_to_pipe(&mut self, from: Fd, end: End, len: usize) -> Result<usize, Errno> {
        let room = self.pipe_room(end)?.min(len);
        if room == 0 && len > 0 {
            return Err(Errno::EAGAIN);
        }
        let mut buffer = vec![0; room];
        let taken = self.recv(from, &mut buffer, 0)?;
        let pipe = self.table.pipe_mut(end.pipe)?;
        pipe.octets.extend(&buffer[..taken]);
        Ok(taken)
    }

    /// The first octets of a pipe, at most `len`; none at its end.
    fn pipe_text(&self, end: End, len: usize) -> Result<Vec<u8>, Errno> {
        if end.writes {
            return Err(Errno::EBADF);
        }
        let pipe = self.table.pipe(end.pipe)?;
        match pipe.octets.is_empty() && pipe.open[1] && len > 0 {
            true => Err(Errno::EAGAIN),
            false => Ok(pipe.octets.iter().copied().take(len).collect()),
        }
    }

    /// How much room a pipe has.
    fn pipe_room(&self, end: End) -> Result<usize, Errno> {
        if !end.writes {
            return Err(Errno::EBADF);
        }
        let pipe = self.table.pipe(end.pipe)?;
        match pipe.open[0] {
            true => Ok(ROOM - pipe.octets.len()),
            false => Err(Errno::EPIPE),
        }
    }

    /// Reads from a pipe.
    pub(super) fn read_pipe(&mut self, end: End, buffer: &mut [u8]) -> Result<usize, Errno> {
        let text = self.pipe_text(end, buffer.len())?;
        buffer[..text.len()].copy_from_slice(&text);
        let pipe = self.table.pipe_mut(end.pipe)?;
        pipe.octets.drain(..text.len());
        Ok(text.len())
    }

    /// Writes to a pipe.
    pub(super) fn write_pipe(&mut self, end: End, data: &[u8]) -> Result<usize, Errno> {
        let taken = self.pipe_room(end)?.min(data.len());
        if taken == 0 && !data.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let pipe = self.table.pipe_mut(end.pipe)?;
        pipe.octets.extend(&data[..taken]);
        Ok(taken)
    }

    /// One end is closed; with both, the pipe is gone.
    pub(super) fn close_pipe(&mut self, end: End) {
        if let Ok(pipe) = self.table.pipe_mut(end.pipe) {
            pipe.open[usize::from(end.writes)] = false;
            if pipe.open == [false, false] {
                self.table.remove_pipe(end.pipe);
            }
        }
    }

    /// What an end of a pipe is ready for, in bits of poll.
    pub(super) fn pipe_ready(&self, end: End) -> i32 {
        let Ok(pipe) = self.table.pipe(end.pipe) else {
            return POLLHUP;
        };
        let mut ready = 0;
        match end.writes {
            false => {
                if !pipe.octets.is_empty() {
                    ready |= POLLIN | POLLRDNORM;
                }
                if !pipe.open[1] {
                    ready |= POLLHUP;
                }
            }
            true => {
                if pipe.octets.len() < ROOM {
                    ready |= POLLOUT | POLLWRNORM;
                }
                if !pipe.open[0] {
                    ready |= POLLERR;
                }
            }
        }
        ready
    }
}
