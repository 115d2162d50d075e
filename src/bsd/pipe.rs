//! Pipes and their contents.

use std::collections::VecDeque;

use super::errno::Errno;
use super::linux::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};

/// The capacity of a pipe in octets, as on Linux.
const ROOM: usize = 65_536;

/// A pipe.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    octets: VecDeque<u8>,
    /// Whether its ends are open: the one for reading, the one for writing.
    open: [bool; 2],
}

/// One end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) pipe: u64,
    pub(super) writes: bool,
}

impl Pipe {
    /// An empty pipe with both ends open.
    pub(super) fn new() -> Pipe {
        Pipe {
            octets: VecDeque::new(),
            open: [true, true],
        }
    }

    /// The first octets, at most `len`; none at the end of the stream.
    pub(super) fn front(&self, len: usize) -> Result<Vec<u8>, Errno> {
        match self.octets.is_empty() && self.open[1] && len > 0 {
            true => Err(Errno::EAGAIN),
            false => Ok(self.octets.iter().copied().take(len).collect()),
        }
    }

    /// Removes the first `len` octets.
    pub(super) fn take(&mut self, len: usize) {
        self.octets.drain(..len);
    }

    /// How many octets there is room for.
    pub(super) fn room(&self) -> Result<usize, Errno> {
        match self.open[0] {
            true => Ok(ROOM - self.octets.len()),
            false => Err(Errno::EPIPE),
        }
    }

    /// Adds octets, for which there must be room.
    pub(super) fn put(&mut self, octets: &[u8]) {
        self.octets.extend(octets);
    }

    /// Closes one end. Returns whether both are closed now.
    pub(super) fn close(&mut self, writes: bool) -> bool {
        self.open[usize::from(writes)] = false;
        self.open == [false, false]
    }

    /// What an end is ready for, as bits of poll.
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
