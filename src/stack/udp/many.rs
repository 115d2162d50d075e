//! Datagrams to many: every socket that hears them gets a copy. Which groups a socket is in.

use core::net::{IpAddr, SocketAddr};

use super::queue::Head;
use super::{Socket, SocketKind, UdpId};
use crate::stack::Stack;
use crate::stack::multicast::{Filter, GroupError, SourceChange, check_source, is_source_specific};
use crate::time::Instant;
use crate::wire::{IpHeader, UdpHeader, ip};

impl Socket {
    /// Whether it hears datagrams from `from` to `many` (RFC 1122 §4.1.3.5).
    fn hears(&self, from: SocketAddr, many: SocketAddr) -> bool {
        let (at, to) = (self.local.ip(), many.ip());
        let is_here = at == to || (at.is_unspecified() && at.is_ipv4() == to.is_ipv4());
        let is_in = match self.groups.get(&to) {
            Some(filter) => filter.hears(from.ip()),
            None => !to.is_multicast() || self.options.multicast_all,
        };
        !self.deaf && is_here && is_in && self.remote.is_none_or(|peer| peer == from)
    }
}

impl Stack {
    /// Joins a group: from now on the socket receives its datagrams, and so does the host if no other
    /// socket did before.
    ///
    /// # Errors
    /// If it cannot be joined, was joined already, or is source-specific.
    pub fn udp_join(&mut self, id: UdpId, group: IpAddr) -> Result<(), GroupError> {
        if self.udp.get(id).groups.contains_key(&group) {
            return Err(GroupError::AlreadyJoined);
        }
        match is_source_specific(group) {
            true => Err(GroupError::NeedsSource),
            false => self.udp_set_filter(id, group, Filter::everybody()),
        }
    }

    /// Leaves a group, for all its senders.
    ///
    /// # Errors
    /// If the socket was not in it.
    pub fn udp_leave(&mut self, id: UdpId, group: IpAddr) -> Result<(), GroupError> {
        match self.udp.get(id).groups.contains_key(&group) {
            true => self.udp_set_filter(id, group, Filter::nobody()),
            false if !group.is_multicast() => Err(GroupError::NotAGroup),
            false => Err(GroupError::NotJoined),
        }
    }

    /// The socket hears one sender more to a group, or one less. It joins the group with the first sender
    /// to hear, and leaves it with the last (RFC 3678 §4.1.3).
    ///
    /// # Errors
    /// If nothing would change, or the socket is in the group in the other mode.
    pub fn udp_change_source(
        &mut self,
        id: UdpId,
        group: IpAddr,
        change: SourceChange,
    ) -> Result<(), GroupError> {
        let filter = self.udp_filter(id, group);
        let after = match (filter.is_nobody(), change) {
            (false, _) | (true, SourceChange::Join(_)) => filter.changed(change)?,
            (true, _) => return Err(GroupError::NotJoined),
        };
        check_source(change.source())?;
        self.udp_set_filter(id, group, after)
    }

    /// From now on the socket hears these senders to a group; with none, it leaves the group. What waits
    /// to be received stays.
    ///
    /// # Errors
    /// If the group, or a sender, is not of the family of the socket; if there are too many.
    pub fn udp_set_filter(
        &mut self,
        id: UdpId,
        group: IpAddr,
        filter: Filter,
    ) -> Result<(), GroupError> {
        if !group.is_multicast() {
            return Err(GroupError::NotAGroup);
        }
        let is_ipv4 = self.udp.get(id).local.is_ipv4();
        if group.is_ipv4() != is_ipv4 {
            return Err(GroupError::OtherFamily);
        }
        filter.check(is_ipv4)?;
        let before = self.udp_filter(id, group);
        let most = self.config.max_groups;
        self.groups.change(group, &before, &filter, most)?;
        let groups = &mut self.udp.get_mut(id).groups;
        match filter.is_nobody() {
            true => drop(groups.remove(&group)),
            false => drop(groups.insert(group, filter)),
        }
        Ok(())
    }

    /// The senders to a group that the socket hears.
    pub fn udp_filter(&self, id: UdpId, group: IpAddr) -> Filter {
        let filter = self.udp.get(id).groups.get(&group).cloned();
        filter.unwrap_or_else(Filter::nobody)
    }

    /// The groups that a socket has joined.
    pub fn udp_groups(&self, id: UdpId) -> impl Iterator<Item = IpAddr> {
        self.udp.get(id).groups.keys().copied()
    }

    /// Leaves all groups.
    pub(super) fn udp_leave_all(&mut self, id: UdpId) {
        let groups: Vec<IpAddr> = self.udp_groups(id).collect();
        for group in groups {
            // A socket can leave any group that it is in.
            let _ = self.udp_leave(id, group);
        }
    }

    /// A datagram to many arrives, from outside or from this host. If no socket hears it, it is
    /// dropped silently.
    pub(in crate::stack) fn udp_for_many(
        &mut self,
        now: Instant,
        ip: &IpHeader,
        header: &UdpHeader,
        text: &[u8],
    ) {
        let from = SocketAddr::new(ip.source, header.source_port);
        let many = SocketAddr::new(ip.destination, header.destination_port);
        let hearers: Vec<UdpId> = (self.udp.at_port(SocketKind::Udp, many.port()))
            .filter(|(_, socket)| socket.hears(from, many))
            .map(|(id, _)| id)
            .collect();
        if hearers.is_empty() {
            self.counters.udp.no_ports += 1;
        }
        for id in hearers {
            self.udp_takes(now, id, ip, from, 0, text);
        }
    }

    /// A datagram to many departs. A datagram to a group also comes back, if its sender wants that and the
    /// host is in the group (RFC 1112 §6.1). Returns whether it goes no further.
    pub(super) fn udp_departs_to_many(&mut self, now: Instant, id: UdpId, head: Head) -> bool {
        let many = head.remote.ip();
        let Some(socket) = self.udp.at(id) else {
            return false;
        };
        let comes_back = !many.is_multicast() || socket.options.multicast_loop;
        let is_kept = many.is_multicast() && self.udp_hop_limit(socket, &head) == 0;
        let stays = is_kept || ip::scope(many).is_some_and(|scope| scope < ip::LINK_SCOPE);
        if comes_back && self.hears(many, head.local) {
            self.udp_to_itself(now, id, head);
        }
        stays
    }
}
