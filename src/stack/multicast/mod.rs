//! Datagrams for many: for all hosts of the network (RFC 919), or for a group of hosts that have joined it
//! (RFC 1112, RFC 4291 §2.7).
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | which groups this host is in, and what that means for addresses |
//! | `arrive` | a datagram for many arrives |
//! | `filter` | from which senders a group is heard |
//! | `group` | one group: the merged filters of all sockets, and what has to be reported |
//! | `reporter` | what routers are told about groups, and when: IGMP and MLD without their octets |
//! | `reports` | the same as datagrams |
//! | `error` | why the groups of a socket cannot be changed |
//!
//! The host is in a group as long as one of its sockets is. A datagram is examined here only once it is
//! known to be for none of the host's own addresses, so that no other code has to know of groups.

mod arrive;
mod error;
mod filter;
mod group;
mod reporter;
mod reports;

use core::net::{IpAddr, Ipv4Addr};

use super::Stack;
use crate::time::Instant;
use crate::wire::ip;

pub use error::GroupError;
pub use filter::{Filter, SourceChange};

pub(super) use filter::{check_source, is_source_specific};
use reporter::Reporter;

/// The groups of a host.
#[derive(Clone, Debug, Hash)]
pub(super) struct Groups {
    v4: Reporter,
    v6: Reporter,
}

impl Groups {
    /// No groups. Of several stacks that form one host, one `tells` routers about them.
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

    /// A socket changes its filter for a group. There may be `most` groups.
    ///
    /// # Errors
    /// If that would be one group too many.
    pub(super) fn change(
        &mut self,
        group: IpAddr,
        before: &Filter,
        after: &Filter,
        most: usize,
    ) -> Result<(), GroupError> {
        let is_new = !after.is_nobody() && !self.is_member(group);
        if is_new && self.joined().count() >= most {
            return Err(GroupError::TooMany);
        }
        (self.of(group.is_ipv4())).change(group, before, after, most);
        Ok(())
    }

    fn joined(&self) -> impl Iterator<Item = IpAddr> {
        self.v4.joined().chain(self.v6.joined())
    }

    fn is_member(&self, group: IpAddr) -> bool {
        match group.is_ipv4() {
            true => self.v4.is_member(group),
            false => self.v6.is_member(group),
        }
    }

    fn hears(&self, group: IpAddr, source: IpAddr) -> bool {
        match group.is_ipv4() {
            true => self.v4.hears(group, source),
            false => self.v6.hears(group, source),
        }
    }

    /// Whether something has to be reported at once.
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
        self.groups.joined()
    }

    /// Whether an address is a broadcast address of the network.
    pub(super) fn is_broadcast(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => v4 == Ipv4Addr::BROADCAST || self.config.broadcasts.contains(&v4),
            IpAddr::V6(_) => false,
        }
    }

    /// Whether an address is for many, in the sense that a socket may be bound to it, or send to
    /// it.
    pub(super) fn is_for_many(&self, address: IpAddr) -> bool {
        address.is_multicast() || self.is_broadcast(address)
    }

    /// Whether this host hears what a sender has for many: for all hosts, or for a group that it is in.
    pub(super) fn hears(&self, many: IpAddr, source: IpAddr) -> bool {
        self.groups.hears(many, source) || self.always_hears(many)
    }

    /// Whether this host is among the many, whichever senders it hears: queries of all routers are
    /// heard.
    pub(super) fn is_among(&self, many: IpAddr) -> bool {
        self.groups.is_member(many) || self.always_hears(many)
    }

    /// Every host is always in the group of all hosts of its link (RFC 1112 §7.2, RFC 4291 §2.8).
    fn always_hears(&self, many: IpAddr) -> bool {
        (ip::is_all_nodes(many) || self.is_broadcast(many))
            && self.own_address(many.is_ipv4()).is_some()
    }

    /// The address from which this host sends to many. If they are on the same link only, it prefers a
    /// link-local address, and otherwise one that is not (RFC 6724 §5, rule 2).
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
