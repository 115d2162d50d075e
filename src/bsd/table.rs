//! Descriptors, and the objects behind them.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::datagram::DatagramSocket;
use super::errno::Errno;
use super::fd::FIRST;
use super::linux::{FD_CLOEXEC, O_CLOEXEC, O_NONBLOCK};
use super::pipe::{End, Pipe};
use super::stream::StreamSocket;
use super::watched::Epoll;
use crate::stack::{ConnId, ListenerId, UdpId};

pub use super::fd::Fd;

/// The most descriptors: the default limit of a program on Linux.
const MOST: usize = 1024;

/// How many connections that are gone may be remembered in addition to those that exist.
const SPARE: usize = 16;

/// The object behind a descriptor.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// TCP.
    Stream(Box<StreamSocket>),
    /// UDP.
    Datagram(Box<DatagramSocket>),
    /// An epoll set.
    Epoll(Epoll),
    /// One end of a pipe.
    Pipe(End),
}

/// One descriptor.
#[derive(Clone, Debug)]
pub(super) struct Descriptor {
    /// `O_NONBLOCK`, `O_APPEND`, `O_ASYNC`.
    pub(super) flags: i32,
    /// `FD_CLOEXEC`, or nothing.
    pub(super) descriptor_flags: i32,
    /// How often something has happened to it, from which edges are detected.
    pub(super) edges: u64,
    /// Its serial number among all descriptors ever made, from 1: `SO_COOKIE`.
    pub(super) made: u64,
    pub(super) kind: Kind,
}

impl Descriptor {
    /// Whether calls on it do not block.
    pub(super) fn is_nonblocking(&self) -> bool {
        self.flags & O_NONBLOCK != 0
    }
}

/// The descriptors.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    descriptors: BTreeMap<Fd, Descriptor>,
    connections: BTreeMap<ConnId, Fd>,
    listeners: BTreeMap<ListenerId, Fd>,
    udp: BTreeMap<UdpId, Fd>,
    pipes: BTreeMap<u64, Pipe>,
    /// The descriptors that are epoll sets.
    sets: BTreeSet<Fd>,
    /// TCP sockets with sends that are followed.
    followed: BTreeSet<Fd>,
    /// Connections without a descriptor whose socket did not share its address: our address and the peer's.
    unshared: BTreeSet<(SocketAddr, SocketAddr)>,
    /// At this many of them, those that are gone are removed.
    unshared_limit: usize,
    /// How many descriptors were ever made.
    made: u64,
    /// The number of the next pipe.
    next_pipe: u64,
}

impl Table {
    /// Adds a descriptor, with the lowest free number.
    pub(super) fn insert(&mut self, flags: i32, kind: Kind) -> Result<Fd, Errno> {
        if self.descriptors.len() >= MOST {
            return Err(Errno::EMFILE);
        }
        let mut fd = FIRST;
        for taken in self.descriptors.keys() {
            if *taken != fd {
                break;
            }
            fd += 1;
        }
        let descriptor = Descriptor {
            flags: flags & O_NONBLOCK,
            descriptor_flags: match flags & O_CLOEXEC {
                0 => 0,
                _ => FD_CLOEXEC,
            },
            edges: 0,
            made: self.made + 1,
            kind,
        };
        if matches!(descriptor.kind, Kind::Epoll(_)) {
            self.sets.insert(fd);
        }
        self.made += 1;
        self.descriptors.insert(fd, descriptor);
        Ok(fd)
    }

    /// Removes a descriptor, also from the sets that watch it.
    pub(super) fn remove(&mut self, fd: Fd) -> Option<Descriptor> {
        let removed = self.descriptors.remove(&fd)?;
        self.followed.remove(&fd);
        self.sets.remove(&fd);
        for descriptor in self.descriptors.values_mut() {
            if let Kind::Epoll(epoll) = &mut descriptor.kind {
                epoll.forget(fd);
            }
        }
        Some(removed)
    }

    pub(super) fn get(&self, fd: Fd) -> Result<&Descriptor, Errno> {
        self.descriptors.get(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn get_mut(&mut self, fd: Fd) -> Result<&mut Descriptor, Errno> {
        self.descriptors.get_mut(&fd).ok_or(Errno::EBADF)
    }

    /// Every descriptor.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = Fd> {
        self.descriptors.keys().copied()
    }

    /// Every descriptor and the object behind it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Fd, &Descriptor)> {
        self.descriptors.iter().map(|(fd, known)| (*fd, known))
    }

    /// Notes that something has happened to a descriptor, and so to the sets that watch it.
    pub(super) fn happened(&mut self, fd: Fd) {
        let Some(descriptor) = self.descriptors.get_mut(&fd) else {
            return;
        };
        descriptor.edges += 1;
        // This ends, because no set watches itself, directly or indirectly.
        (self.sets_watching(fd).into_iter()).for_each(|set| self.happened(set));
    }

    /// The sets that watch a descriptor.
    pub(super) fn sets_watching(&self, fd: Fd) -> Vec<Fd> {
        let watches = |set: &&Fd| match self.get(**set).map(|known| &known.kind) {
            Ok(Kind::Epoll(epoll)) => epoll.watches(fd),
            _ => false,
        };
        self.sets.iter().filter(watches).copied().collect()
    }

    /// Notes that a connection belongs to this descriptor, until [`Table::forget_connection`].
    pub(super) fn own_connection(&mut self, id: ConnId, fd: Fd) {
        self.connections.insert(id, fd);
    }

    pub(super) fn forget_connection(&mut self, id: ConnId) {
        self.connections.remove(&id);
    }

    pub(super) fn of_connection(&self, id: ConnId) -> Option<Fd> {
        self.connections.get(&id).copied()
    }

    /// Notes that a listener belongs to this descriptor, until [`Table::forget_listener`].
    pub(super) fn own_listener(&mut self, id: ListenerId, fd: Fd) {
        self.listeners.insert(id, fd);
    }

    pub(super) fn forget_listener(&mut self, id: ListenerId) {
        self.listeners.remove(&id);
    }

    pub(super) fn of_listener(&self, id: ListenerId) -> Option<Fd> {
        self.listeners.get(&id).copied()
    }

    /// Notes that a UDP socket belongs to this descriptor, until [`Table::forget_udp`].
    pub(super) fn own_udp(&mut self, id: UdpId, fd: Fd) {
        self.udp.insert(id, fd);
    }

    pub(super) fn forget_udp(&mut self, id: UdpId) {
        self.udp.remove(&id);
    }

    pub(super) fn of_udp(&self, id: UdpId) -> Option<Fd> {
        self.udp.get(&id).copied()
    }

    /// Notes that a socket releases its connection between these addresses, and did not share its own.
    /// When there are many, those whose connections are not among `there` any more are removed.
    pub(super) fn keep_unshared(
        &mut self,
        connection: (SocketAddr, SocketAddr),
        there: impl Iterator<Item = (SocketAddr, SocketAddr)>,
    ) {
        if self.unshared.len() >= self.unshared_limit {
            let there: BTreeSet<_> = there.collect();
            self.unshared = self.unshared.intersection(&there).copied().collect();
            self.unshared_limit = 2 * self.unshared.len() + SPARE;
        }
        self.unshared.insert(connection);
    }

    /// Whether a connection between these addresses is one whose socket did not share its address.
    pub(super) fn is_unshared(&self, local: SocketAddr, peer: SocketAddr) -> bool {
        self.unshared.contains(&(local, peer))
    }

    /// Whether there is no such connection.
    pub(super) fn shares_all(&self) -> bool {
        self.unshared.is_empty()
    }

    /// Notes that the socket's sends are followed, until [`Table::follow_no_more`].
    pub(super) fn follow(&mut self, fd: Fd) {
        self.followed.insert(fd);
    }

    pub(super) fn follow_no_more(&mut self, fd: Fd) {
        self.followed.remove(&fd);
    }

    pub(super) fn followed(&self) -> Vec<Fd> {
        self.followed.iter().copied().collect()
    }

    /// Adds a pipe and returns its number.
    pub(super) fn add_pipe(&mut self, pipe: Pipe) -> u64 {
        let number = self.next_pipe;
        self.next_pipe += 1;
        self.pipes.insert(number, pipe);
        number
    }

    pub(super) fn remove_pipe(&mut self, number: u64) {
        self.pipes.remove(&number);
    }

    pub(super) fn pipe(&self, number: u64) -> Result<&Pipe, Errno> {
        self.pipes.get(&number).ok_or(Errno::EBADF)
    }

    pub(super) fn pipe_mut(&mut self, number: u64) -> Result<&mut Pipe, Errno> {
        self.pipes.get_mut(&number).ok_or(Errno::EBADF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only a few connections that are gone are remembered, and none of those that exist is forgotten.
    #[test]
    fn unshared_addresses_are_forgotten_with_their_connections() {
        let mut table = Table::default();
        let at = |port: u16| SocketAddr::from(([10, 0, 0, 1], port));
        let connection = |port| (at(7), at(port));
        let there = 10..20;
        for port in 1..1000 {
            table.keep_unshared(connection(port), there.clone().map(connection));
            assert!(table.unshared.len() <= 2 * there.len() + SPARE, "{port}");
        }
        assert!(there.clone().all(|port| table.is_unshared(at(7), at(port))));
        assert!(!table.is_unshared(at(7), at(9)));
    }
}
