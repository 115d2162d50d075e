//! Datagrams for many: for all hosts of the network (RFC 919), or for a group of hosts that have joined it
//! (RFC 1112, RFC 4291 §2.7).
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | which groups this host is in, and what that means for addresses |
//! | `arrive` | a datagram for many arrives |
//! | `reporter` | what routers are told of groups, and when: IGMP and MLD without their octets |
//! | `reports` | the same as datagrams |
//!
//! The host is in a group as long as one of its sockets is. Whatever is for many is looked at only once it is
//! known to be for none of the host's own addresses, so that nothing else has to know of it.

mod arrive;
mod reporter;
mod reports;

use core::net::{IpAddr, Ipv4Addr};

use super::Stack;
use crate::time::Instant;
use crate::wire::ip;

use reporter::Reporter;

/// The groups of a host.
#[derive(Clone, Debug, Hash)]
pub(super) struct Groups {
    v4: Reporter,
    v6: Reporter,
}

impl Groups {
    /// None. Of several stacks that are one host, one `tells` of them.
    pub(super) fn new(tells: bool) -> Groups {
        Groups {
            v4: Reporter::new(true, tells),
            v6: Reporter::new(false, tells),
        }
    }

    fn of(&mut self, is_ipv4: bool) -> &mut Reporter {
        match is_ipv4 {
            true => &mut self.v4,
            false => &mut self.v6,
        }
    }

    /// One socket more is in a group; false if there would be more than `most` groups.
    pub(super) fn join(&mut self, group: IpAddr, most: usize) -> bool {
        let others = match group.is_ipv4() {
            true => self.v6.len(),
            false => self.v4.len(),
        };
        let most = most.saturating_sub(others);
        self.of(group.is_ipv4()).join(group, most)
    }

    /// One socket less is.
    pub(super) fn leave(&mut self, group: IpAddr) {
        self.of(group.is_ipv4()).leave(group);
    }

    fn is_member(&self, group: IpAddr) -> bool {
        match group.is_ipv4() {
            true => self.v4.is_member(group),
            false => self.v6.is_member(group),
        }
    }

    /// Whether something is to be told at once.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.v4.has_news() || self.v6.has_news()
    }

    /// When there is something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let both = self.v4.next_deadline().into_iter();
        both.chain(self.v6.next_deadline()).min()
    }
}

impl Stack {
    /// The groups that sockets of this host have joined.
    pub fn groups(&self) -> impl Iterator<Item = IpAddr> {
        self.groups.v4.joined().chain(self.groups.v6.joined())
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
        self.groups.is_member(many)
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
