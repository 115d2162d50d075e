//! pipe and splice: move octets from one descriptor to another without passing through the
//! program.

use super::Calls;
use super::errno::Errno;
use super::linux::{
    MSG_MORE, O_CLOEXEC, O_NONBLOCK, POLLHUP, SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE,
    SPLICE_F_NONBLOCK,
};
use super::pipe::{End, Pipe};
use super::table::{Fd, Kind};

impl Calls<'_> {
    /// A pipe: the end to read from, and the end to write to. `flags`: `O_NONBLOCK`.
    ///
    /// # Errors
    /// `EINVAL` for other flags, `EMFILE`.
    pub fn pipe(&mut self, flags: i32) -> Result<(Fd, Fd), Errno> {
        if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let pipe = self.table.add_pipe(Pipe::new());
        let end = |writes| Kind::Pipe(End { pipe, writes });
        let reader = self.table.insert(flags, end(false));
        let writer = reader.and_then(|_| self.table.insert(flags, end(true)));
        match (reader, writer) {
            (Ok(reader), Ok(writer)) => Ok((reader, writer)),
            (reader, _) => {
                if let Ok(reader) = reader {
                    self.close(reader)?;
                }
                self.table.remove_pipe(pipe);
                Err(Errno::EMFILE)
            }
        }
    }

    /// Moves octets from a socket to a pipe, or from a pipe to a socket; at most `len`. With
    /// `SPLICE_F_MORE`, more is to follow.
    ///
    /// # Errors
    /// `EAGAIN` if there is nothing to move or no room; `EINVAL` without a pipe, or with two;
    /// `EBADF` for the wrong end of one; errors of the socket.
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
        let text = self.pipe_read_by(end)?.front(len)?;
        if text.is_empty() {
            return Ok(0);
        }
        let sent = self.send(to, &text, flags)?;
        self.table.pipe_mut(end.pipe)?.take(sent);
        Ok(sent)
    }

    fn socket_to_pipe(&mut self, from: Fd, end: End, len: usize) -> Result<usize, Errno> {
        let room = self.pipe_written_by(end)?.room()?.min(len);
        if room == 0 && len > 0 {
            return Err(Errno::EAGAIN);
        }
        let mut buffer = vec![0; room];
        let taken = self.recv(from, &mut buffer, 0)?;
        self.table.pipe_mut(end.pipe)?.put(&buffer[..taken]);
        Ok(taken)
    }

    /// The pipe whose reading end is `end`.
    fn pipe_read_by(&mut self, end: End) -> Result<&mut Pipe, Errno> {
        match end.writes {
            true => Err(Errno::EBADF),
            false => self.table.pipe_mut(end.pipe),
        }
    }

    /// The pipe whose writing end is `end`.
    fn pipe_written_by(&mut self, end: End) -> Result<&mut Pipe, Errno> {
        match end.writes {
            true => self.table.pipe_mut(end.pipe),
            false => Err(Errno::EBADF),
        }
    }

    /// Reads from a pipe.
    pub(super) fn read_pipe(&mut self, end: End, buffer: &mut [u8]) -> Result<usize, Errno> {
        let pipe = self.pipe_read_by(end)?;
        let text = pipe.front(buffer.len())?;
        buffer[..text.len()].copy_from_slice(&text);
        pipe.take(text.len());
        Ok(text.len())
    }

    /// Writes to a pipe.
    pub(super) fn write_pipe(&mut self, end: End, data: &[u8]) -> Result<usize, Errno> {
        let pipe = self.pipe_written_by(end)?;
        let taken = pipe.room()?.min(data.len());
        if taken == 0 && !data.is_empty() {
            return Err(Errno::EAGAIN);
        }
        pipe.put(&data[..taken]);
        Ok(taken)
    }

    /// Closes one end; once both are closed, removes the pipe.
    pub(super) fn close_pipe(&mut self, end: End) {
        if let Ok(pipe) = self.table.pipe_mut(end.pipe)
            && pipe.close(end.writes)
        {
            self.table.remove_pipe(end.pipe);
        }
    }

    /// What an end of a pipe is ready for, as bits of poll.
    pub(super) fn pipe_ready(&self, end: End) -> i32 {
        let pipe = self.table.pipe(end.pipe);
        pipe.map_or(POLLHUP, |pipe| pipe.ready(end.writes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bsd::Bsd;
    use crate::config::Config;
    use crate::stack::{Secret, Stack};
    use crate::time::Instant;

    /// If fewer than two descriptors are free, pipe fails and leaves nothing behind.
    #[test]
    fn a_pipe_without_descriptors_is_none() {
        let config = Config::new([[10, 0, 0, 1].into()]);
        let mut stack = Stack::new(config, Secret([0; 16])).unwrap();
        let mut bsd = Bsd::new();
        let mut calls = bsd.at(Instant::ZERO, &mut stack);
        let last = std::iter::from_fn(|| calls.epoll_create(0).ok()).last();
        assert_eq!(calls.pipe(0), Err(Errno::EMFILE));
        calls.close(last.unwrap()).unwrap();
        assert_eq!(calls.pipe(0), Err(Errno::EMFILE));
        calls.close(last.unwrap() - 1).unwrap();
        assert_eq!(calls.pipe(0), Ok((last.unwrap() - 1, last.unwrap())));
        let known = (0..9).filter(|number| calls.table.pipe(*number).is_ok());
        assert_eq!(known.count(), 1);
    }
}
