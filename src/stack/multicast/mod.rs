//! Datagrams for many: for all hosts of the network (RFC 919), or for a group of hosts that have joined it
//! (RFC 1112, RFC 4291 §2.7).
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | which groups this host is in, and what that means for addresses |
//! | `arrive` | a datagram for many arrives |
//!
//! The host is in a group as long as one of its sockets is. Whatever is for many is looked at only once it is
//! known to be for none of the host's own addresses, so that nothing else has to know of it.

mod arrive;

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use super::Stack;
use crate::wire::ip;

/// The groups of a host.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Groups {
    /// How many sockets are in each: at least one.
    members: BTreeMap<IpAddr, usize>,
}

impl Groups {
    /// One socket more is in a group; false if there would be more than `most` groups.
    pub(super) fn join(&mut self, group: IpAddr, most: usize) -> bool {
        let has_room = self.members.len() < most || self.members.contains_key(&group);
        if has_room {
            *self.members.entry(group).or_default() += 1;
        }
        has_room
    }

    /// One socket less is.
    pub(super) fn leave(&mut self, group: IpAddr) {
        if let Some(count) = self.members.get_mut(&group) {
            *count -= 1;
            if *count == 0 {
                self.members.remove(&group);
            }
        }
    }
}

impl Stack {
    /// The groups that sockets of this host have joined.
    pub fn groups(&self) -> impl Iterator<Item = IpAddr> {
        self.groups.members.keys().copied()
    }

    /// Whether an address means all hosts of the network.
    pub(super) fn is_broadcast(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => v4 == Ipv4Addr::BROADCAST || self.config.broadcasts.contains(&v4),
            IpAddr::V6(_) => false,
        }
    }

    /// Whether an address is for many, as far as a socket may be bound to it, or send to it.
    pub(super) fn is_for_many(&self, address: IpAddr) -> bool {
        address.is_multicast() || self.is_broadcast(address)
    }

    /// Whether this host hears what is for many: all hosts, or a group that it is in. It is in the group of all
    /// hosts of its link always (RFC 1112 §7.2, RFC 4291 §2.8).
    pub(super) fn hears(&self, many: IpAddr) -> bool {
        let has_family = || self.own_address(many.is_ipv4()).is_some();
        self.groups.members.contains_key(&many)
            || (ip::is_all_nodes(many) || self.is_broadcast(many)) && has_family()
    }

    /// The address from which this host sends to many: where they are on the same link only, one of that link
    /// if there is one, and otherwise another if there is one (RFC 6724 §5, rule 2).
    pub(super) fn source_for_many(&self, many: IpAddr) -> Option<IpAddr> {
        let is_local = ip::scope(many).is_some_and(|scope| scope <= ip::LINK_SCOPE);
        let fits =
            |own: &IpAddr| matches!(own, IpAddr::V6(v6) if v6.is_unicast_link_local() == is_local);
        let mut own = self.config.addresses.iter().copied();
        match many {
            IpAddr::V4(_) => self.own_address(true),
            IpAddr::V6(_) => own.find(fits).or_else(|| self.own_address(false)),
        }
    }
}
