//! The descriptors of a script: sockets, and files and pipes, which only have lengths.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use super::{Stop, failed};
use crate::bsd::Fd;

/// The object behind a descriptor of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// A socket, or an epoll set, by its real descriptor.
    Socket(Fd),
    /// A file, and the position in it.
    Regular { path: String, at: u64 },
    /// One end of a pipe.
    Pipe { number: usize, writes: bool },
}

impl File {
    pub(super) fn socket(&self) -> Option<Fd> {
        match self {
            File::Socket(fd) => Some(*fd),
            File::Regular { .. } | File::Pipe { .. } => None,
        }
    }
}

/// What a call has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Descriptor {
    /// The socket under test.
    Socket(Fd),
    /// A connection of a listener, and its peer.
    Accepted(Fd, SocketAddr),
    /// An epoll set.
    Set(Fd),
    /// A file, by its path.
    File(String),
    /// A copy of another descriptor.
    Copy(File),
}

/// All descriptors of a script, by the numbers that it gives them.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    open: BTreeMap<i64, File>,
    /// The lengths of the files that commands have made; all octets are zero.
    pub(super) sizes: BTreeMap<String, u64>,
    /// How many octets each pipe holds.
    pub(super) pipes: Vec<usize>,
}

impl Files {
    /// The real descriptor of a socket.
    pub(super) fn socket(&self, number: i64) -> Option<Fd> {
        self.open.get(&number)?.socket()
    }

    pub(super) fn get(&self, number: i64) -> Option<&File> {
        self.open.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: i64) -> Option<&mut File> {
        self.open.get_mut(&number)
    }

    pub(super) fn open(&mut self, number: i64, file: File) -> Result<(), Stop> {
        if self.open.contains_key(&number) {
            return failed(format!("the script has a descriptor {number} already"));
        }
        self.open.insert(number, file);
        Ok(())
    }

    /// Moves the position of a file by this many octets.
    pub(super) fn go_on(&mut self, number: i64, octets: u64) {
        if let Some(File::Regular { at, .. }) = self.open.get_mut(&number) {
            *at += octets;
        }
    }

    /// A number that stands for a socket.
    pub(super) fn number_of(&self, fd: Fd) -> Option<i64> {
        let mut open = self.open.iter();
        let found = open.find(|(_, file)| file.socket() == Some(fd));
        found.map(|(number, _)| *number)
    }

    pub(super) fn close(&mut self, number: i64) -> Option<File> {
        self.open.remove(&number)
    }

    /// The real descriptors of all sockets.
    pub(super) fn sockets(&self) -> Vec<Fd> {
        self.open.values().filter_map(File::socket).collect()
    }
}
