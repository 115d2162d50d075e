//! What lies in a pipe.

use std::collections::VecDeque;

use super::errno::Errno;
use super::linux::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};

/// Octets that a pipe has room for, as on Linux.
const ROOM: usize = 65_536;

/// A pipe.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    octets: VecDeque<u8>,
    /// Whether its ends are open: that for reading, that for writing.
    open: [bool; 2],
}

/// One end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) pipe: u64,
    pub(super) writes: bool,
}

impl Pipe {
    /// An empty pipe, both ends of which are open.
    pub(super) fn new() -> Pipe {
        Pipe {
            octets: VecDeque::new(),
            open: [true, true],
        }
    }

    /// The first octets, at most `len`; none at its end.
    pub(super) fn front(&self, len: usize) -> Result<Vec<u8>, Errno> {
        match self.octets.is_empty() && self.open[1] && len > 0 {
            true => Err(Errno::EAGAIN),
            false => Ok(self.octets.iter().copied().take(len).collect()),
        }
    }

    /// So many of the first octets are taken out.
    pub(super) fn take(&mut self, len: usize) {
        self.octets.drain(..len);
    }

    /// For how many octets there is room.
    pub(super) fn room(&self) -> Result<usize, Errno> {
        match self.open[0] {
            true => Ok(ROOM - self.octets.len()),
            false => Err(Errno::EPIPE),
        }
    }

    /// Octets are put in, for which there is room.
    pub(super) fn put(&mut self, octets: &[u8]) {
        self.octets.extend(octets);
    }

    /// One end is closed. Whether both are.
    pub(super) fn close(&mut self, writes: bool) -> bool {
        self.open[usize::from(writes)] = false;
        self.open == [false, false]
    }

    /// What an end is ready for, in bits of poll.
    pub(super) fn ready(&self, writes: bool) -> i32 {
        let mut ready = 0;
        match writes {
            false => {
                if !self.octets.is_empty() {
                    ready |= POLLIN | POLLRDNORM;
                }
                if !self.open[1] {
                    ready |= POLLHUP;
                }
            }
            true => {
                if self.octets.len() < ROOM {
                    ready |= POLLOUT | POLLWRNORM;
                }
                if !self.open[0] {
                    ready |= POLLERR;
                }
            }
        }
        ready
    }
}
