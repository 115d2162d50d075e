//! Which sockets may be bound to which addresses.

use core::net::SocketAddr;

use super::Calls;
use super::errno::Errno;
use super::table::{Fd, Kind};
use crate::stack::ConnId;
use crate::tcp::State;

/// Whether two addresses of the stack overlap: an unspecified address covers its whole family.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same_family = one.is_ipv4() == other.is_ipv4();
    let same = one.ip() == other.ip();
    let all = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && same_family && (same || all)
}

impl Calls<'_> {
    /// Whether this host has an address of the family of `place`.
    pub(super) fn has_family(&self, place: SocketAddr) -> bool {
        let mut own = self.stack.addresses().iter();
        own.any(|address| address.is_ipv4() == place.is_ipv4())
    }

    /// Whether a UDP socket may be bound at `place`, which may also be a multicast or broadcast
    /// address.
    pub(super) fn is_bindable_datagram(&self, place: SocketAddr) -> bool {
        self.stack.udp_may_be_at(place.ip())
    }

    /// Whether a socket may be bound at `place`.
    pub(super) fn is_bindable(&self, place: SocketAddr) -> bool {
        let own = self.stack.addresses().contains(&place.ip());
        own || (place.ip().is_unspecified() && self.has_family(place))
    }

    /// Whether a TCP socket may be bound to `places` next to all other sockets. Sockets with
    /// `SO_REUSEADDR` share an address until one listens, those with `SO_REUSEPORT` always.
    pub(super) fn may_share_stream(&self, fd: Fd, places: &[SocketAddr]) -> bool {
        let Ok(socket) = self.stream(fd, Errno::EINVAL) else {
            return false;
        };
        let (reuse, reuse_port) = (socket.settings.reuse_address, socket.settings.reuse_port);
        let meets = |other: SocketAddr| places.iter().any(|place| overlap(*place, other));
        for (_, other) in self.table.iter().filter(|(other, _)| *other != fd) {
            let Kind::Stream(other) = &other.kind else {
                continue;
            };
            let Some(bound) = other.bound else { continue };
            let shares = (reuse && other.settings.reuse_address && !other.is_listening())
                || (reuse_port && other.settings.reuse_port);
            let places = other.family.places(bound, other.settings.v6only);
            if !shares && places.into_iter().any(meets) {
                return false;
            }
        }
        // Connections without a descriptor, mostly in TIME-WAIT (RFC 9293 §3.6.1).
        let mut connections = self.stack.connections();
        (reuse && self.table.shares_all())
            || !connections.any(|(tuple, state)| {
                let keeps = !reuse || self.table.is_unshared(tuple.local, tuple.remote);
                keeps && !matches!(state, State::Closed | State::Listen) && meets(tuple.local)
            })
    }

    /// Notes that a connection loses its descriptor, and that its socket did not share its address: the
    /// address stays taken until the connection is gone.
    pub(super) fn keep_unshared(&mut self, id: ConnId) {
        let (local, peer) = (self.stack.local_addr(id), self.stack.peer_addr(id));
        let connections = self.stack.connections();
        let there = connections.map(|(tuple, _)| (tuple.local, tuple.remote));
        self.table.keep_unshared((local, peer), there);
    }

    /// Whether a UDP socket may be bound to `places` next to all other sockets. Sockets with
    /// `SO_REUSEADDR` share an address.
    pub(super) fn may_share_datagram(&self, fd: Fd, places: &[SocketAddr]) -> bool {
        let reuse = (self.datagram(fd)).is_ok_and(|socket| socket.settings.reuse_address);
        let meets = |other: SocketAddr| places.iter().any(|place| overlap(*place, other));
        self.table.iter().all(|(other_fd, other)| {
            let other = match &other.kind {
                Kind::Datagram(other) if !other.is_echo => other,
                _ => return true,
            };
            let bound = other.bound.filter(|_| other_fd != fd);
            let shares = reuse && other.settings.reuse_address;
            shares
                || bound.is_none_or(|bound| {
                    let places = other.family.places(bound, other.settings.v6only);
                    !places.into_iter().any(meets)
                })
        })
    }

    /// An ephemeral port that is free, according to `is_free`, at all of `places`.
    pub(super) fn free_port(
        &mut self,
        places: &[SocketAddr],
        is_free: impl Fn(&Calls<'_>, &[SocketAddr]) -> bool,
    ) -> Option<u16> {
        let (first, last) = self.stack.config().ephemeral_ports;
        let count = u32::from(last - first) + 1;
        let start = (self.stack.draw() % u64::from(count)) as u32;
        (0..count)
            .map(|step| first + ((start + step) % count) as u16)
            .find(|port| {
                let at = |place: &SocketAddr| SocketAddr::new(place.ip(), *port);
                let places: Vec<_> = places.iter().map(at).collect();
                is_free(self, &places)
            })
    }
}
