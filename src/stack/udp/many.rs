//! Datagrams to many: every socket that hears them gets one. Which groups a socket is in.

use core::net::{IpAddr, SocketAddr};

use super::queue::Head;
use super::{GroupError, Socket, UdpId};
use crate::stack::Stack;
use crate::time::Instant;
use crate::wire::{IpHeader, UdpHeader, ip};

impl Socket {
    /// Whether it hears what goes from one to many (RFC 1122 §4.1.3.5).
    fn hears(&self, from: SocketAddr, many: SocketAddr) -> bool {
        let (at, to) = (self.local.ip(), many.ip());
        let is_here = at == to || (at.is_unspecified() && at.is_ipv4() == to.is_ipv4());
        let is_in = !to.is_multicast() || self.options.multicast_all || self.groups.contains(&to);
        is_here && is_in && self.remote.is_none_or(|peer| peer == from)
    }
}

impl Stack {
    /// The socket hears what is for a group from now on; and so does the host, if no other socket did before.
    ///
    /// # Errors
    /// If it cannot be joined, or was before.
    pub fn udp_join(&mut self, id: UdpId, group: IpAddr) -> Result<(), GroupError> {
        let socket = self.udp.get(id);
        if !group.is_multicast() {
            return Err(GroupError::NotAGroup);
        }
        if socket.local.is_ipv4() != group.is_ipv4() {
            return Err(GroupError::OtherFamily);
        }
        if socket.groups.contains(&group) {
            return Err(GroupError::AlreadyJoined);
        }
        if !self.groups.join(group, self.config.max_groups) {
            return Err(GroupError::TooMany);
        }
        self.udp.get_mut(id).groups.insert(group);
        Ok(())
    }

    /// The socket does not hear a group any more.
    ///
    /// # Errors
    /// If it did not before.
    pub fn udp_leave(&mut self, id: UdpId, group: IpAddr) -> Result<(), GroupError> {
        match self.udp.get_mut(id).groups.remove(&group) {
            true => self.groups.leave(group),
            false if !group.is_multicast() => return Err(GroupError::NotAGroup),
            false => return Err(GroupError::NotJoined),
        }
        Ok(())
    }

    /// The groups that a socket has joined.
    pub fn udp_groups(&self, id: UdpId) -> impl Iterator<Item = IpAddr> {
        self.udp.get(id).groups.iter().copied()
    }

    /// The socket is in no group any more.
    pub(super) fn udp_leave_all(&mut self, id: UdpId) {
        let groups = core::mem::take(&mut self.udp.get_mut(id).groups);
        groups
            .into_iter()
            .for_each(|group| self.groups.leave(group));
    }

    /// A datagram to many arrives, from outside or from here. Nobody is told if no socket hears it.
    pub(in crate::stack) fn udp_for_many(
        &mut self,
        now: Instant,
        ip: &IpHeader,
        header: &UdpHeader,
        text: &[u8],
    ) {
        let from = SocketAddr::new(ip.source, header.source_port);
        let many = SocketAddr::new(ip.destination, header.destination_port);
        let hearers: Vec<UdpId> = (self.udp.at_port(many.port()))
            .filter(|(_, socket)| socket.hears(from, many))
            .map(|(id, _)| id)
            .collect();
        if hearers.is_empty() {
            self.counters.udp.no_ports += 1;
        }
        for id in hearers {
            self.udp_takes(now, id, ip, from, text);
        }
    }

    /// A datagram to many departs. It comes back as well, if its sender wants that of a group and the host is
    /// in it (RFC 1112 §6.1). Whether it goes no further.
    pub(super) fn udp_departs_to_many(&mut self, now: Instant, id: UdpId, head: Head) -> bool {
        let many = head.remote.ip();
        let Some(socket) = self.udp.at(id) else {
            return false;
        };
        let comes_back = !many.is_multicast() || socket.options.multicast_loop;
        let is_kept = many.is_multicast() && self.udp_hop_limit(socket, &head) == 0;
        let stays = is_kept || ip::scope(many).is_some_and(|scope| scope < ip::LINK_SCOPE);
        if comes_back && self.hears(many) {
            self.udp_to_itself(now, id, head);
        }
        stays
    }
}
