//! Options of `SOL_IP` and `SOL_IPV6` about the senders to a group that a socket receives (RFC 3678).
//!
//! ```text
//!  struct ip_mreq_source       struct group_source_req        struct ip_msfilter       struct group_filter
//!  0  imr_multiaddr             0  gsr_interface              0  imsf_multiaddr         0  gf_interface
//!  4  imr_interface             8  gsr_group                  4  imsf_interface         8  gf_group
//!  8  imr_sourceaddr          136  gsr_source                 8  imsf_fmode           136  gf_fmode
//!                                                            12  imsf_numsrc          140  gf_numsrc
//!                                                            16  imsf_slist           144  gf_slist
//! ```
//!
//! The errors are those of Linux, which are more specific than those of RFC 3678 §4.1.3.

use core::net::IpAddr;

use super::groups::{Request, v4, v6};
use super::int;
use crate::bsd::Calls;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    AF_INET, AF_INET6, IP_ADD_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, IP_DROP_SOURCE_MEMBERSHIP,
    IP_MSFILTER, IP_UNBLOCK_SOURCE, MCAST_BLOCK_SOURCE, MCAST_EXCLUDE, MCAST_INCLUDE,
    MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP, MCAST_MSFILTER, MCAST_UNBLOCK_SOURCE,
    SOL_IP,
};
use crate::bsd::table::Fd;
use crate::stack::{Filter, GroupError, SourceChange};

/// The most senders to an IPv4 group that a socket may name (`net.ipv4.igmp_max_msf`).
const MOST_V4: usize = 10;
/// The same for IPv6 (`net.ipv6.mld_max_msf`).
const MOST_V6: usize = Filter::MOST_SOURCES;
/// Octets of a `struct sockaddr_storage`,
const STORAGE: usize = 128;
/// of a `struct ip_mreq_source`,
const MREQ_SOURCE: usize = 12;
/// and of a `struct group_source_req`.
const GROUP_SOURCE: usize = 8 + 2 * STORAGE;

/// Makes the change of a filter for one sender.
type Change = fn(IpAddr) -> SourceChange;

impl Calls<'_> {
    /// Changes an option about the senders to a group; `None` if it is not one.
    pub(super) fn set_source_option(
        &mut self,
        fd: Fd,
        (level, name): (i32, i32),
        value: &[u8],
    ) -> Option<Result<(), Errno>> {
        let change: Change = match (level, name) {
            (SOL_IP, IP_ADD_SOURCE_MEMBERSHIP) | (_, MCAST_JOIN_SOURCE_GROUP) => SourceChange::Join,
            (SOL_IP, IP_DROP_SOURCE_MEMBERSHIP) | (_, MCAST_LEAVE_SOURCE_GROUP) => {
                SourceChange::Leave
            }
            (SOL_IP, IP_BLOCK_SOURCE) | (_, MCAST_BLOCK_SOURCE) => SourceChange::Block,
            (SOL_IP, IP_UNBLOCK_SOURCE) | (_, MCAST_UNBLOCK_SOURCE) => SourceChange::Unblock,
            (SOL_IP, IP_MSFILTER) => return Some(self.set_filter(fd, msfilter(value))),
            (_, MCAST_MSFILTER) => return Some(self.set_filter(fd, group_filter(level, value))),
            _ => return None,
        };
        let request = match name {
            MCAST_JOIN_SOURCE_GROUP
            | MCAST_LEAVE_SOURCE_GROUP
            | MCAST_BLOCK_SOURCE
            | MCAST_UNBLOCK_SOURCE => group_source(level, value),
            _ => mreq_source(value),
        };
        Some(self.change_source(fd, request, change))
    }

    /// Adds a sender to a filter, or removes one.
    fn change_source(
        &mut self,
        fd: Fd,
        request: Result<(Request, IpAddr), Errno>,
        change: Change,
    ) -> Result<(), Errno> {
        let (request, source) = request?;
        let change = change(source);
        self.datagram(fd).map_err(|_| Errno::EINVAL)?;
        self.check_group(fd, &request)?;
        let known = self.datagram(fd)?.groups.get(&request.group).cloned();
        let before = match (known, change) {
            (Some(known), _) => known,
            (None, SourceChange::Join(_)) => {
                self.check_room(fd, request.group)?;
                Filter::nobody()
            }
            (None, SourceChange::Leave(_) | SourceChange::Block(_) | SourceChange::Unblock(_)) => {
                return Err(Errno::EINVAL);
            }
        };
        let after = before.changed(change).map_err(|error| match error {
            GroupError::OtherMode => Errno::EINVAL,
            GroupError::TooManySources => Errno::ENOBUFS,
            _ => Errno::EADDRNOTAVAIL,
        })?;
        let is_more = after.sources().len() > before.sources().len();
        match is_more && after.sources().len() > most(request.group) {
            true => Err(Errno::ENOBUFS),
            false => self.filter(fd, request.group, after),
        }
    }

    /// Sets the filter of a group that the socket has joined.
    fn set_filter(
        &mut self,
        fd: Fd,
        request: Result<(Request, Filter), Errno>,
    ) -> Result<(), Errno> {
        let (request, filter) = request?;
        self.datagram(fd).map_err(|_| Errno::EADDRNOTAVAIL)?;
        self.check_group(fd, &request)?;
        match self.datagram(fd)?.groups.contains_key(&request.group) {
            true => self.filter(fd, request.group, filter),
            false => Err(Errno::EINVAL),
        }
    }
}

/// The most senders to a group that a socket may name.
fn most(group: IpAddr) -> usize {
    match group.is_ipv4() {
        true => MOST_V4,
        false => MOST_V6,
    }
}

/// A `struct ip_mreq_source`.
fn mreq_source(value: &[u8]) -> Result<(Request, IpAddr), Errno> {
    if value.len() != MREQ_SOURCE {
        return Err(Errno::EINVAL);
    }
    let request = Request {
        group: v4(value, 0)?.into(),
        address: v4(value, 4)?,
        index: 0,
    };
    Ok((request, v4(value, 8)?.into()))
}

/// A `struct group_source_req`.
fn group_source(level: i32, value: &[u8]) -> Result<(Request, IpAddr), Errno> {
    if value.len() != GROUP_SOURCE {
        return Err(Errno::EINVAL);
    }
    let group = storage(level, value, 8)?;
    let request = Request::at_index(group, int(value)?);
    Ok((request, storage(level, value, 8 + STORAGE)?))
}

/// A `struct ip_msfilter`.
fn msfilter(value: &[u8]) -> Result<(Request, Filter), Errno> {
    let request = Request {
        group: v4(value, 0)?.into(),
        address: v4(value, 4)?,
        index: 0,
    };
    let source = |value: &[u8]| v4(value, 0).map(IpAddr::from);
    Ok((request, filter(request.group, value, 8, 4, source)?))
}

/// A `struct group_filter`.
fn group_filter(level: i32, value: &[u8]) -> Result<(Request, Filter), Errno> {
    if value.len() < 16 + STORAGE {
        return Err(Errno::EINVAL);
    }
    let group = storage(level, value, 8)?;
    let source = |value: &[u8]| storage(level, value, 0);
    let request = Request::at_index(group, int(value)?);
    Ok((request, filter(group, value, 8 + STORAGE, STORAGE, source)?))
}

/// A filter: a mode, a number of senders, and the senders, `len` octets each.
fn filter(
    group: IpAddr,
    value: &[u8],
    at: usize,
    len: usize,
    source: impl Fn(&[u8]) -> Result<IpAddr, Errno>,
) -> Result<Filter, Errno> {
    let mode = int(value.get(at..).unwrap_or(&[]))?;
    let count = int(value.get(at + 4..).unwrap_or(&[]))?;
    // A negative number becomes a large unsigned one.
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > most(group) {
        return Err(Errno::ENOBUFS);
    }
    let sources = value.get(at + 8..).and_then(|rest| rest.get(..count * len));
    let sources = sources.ok_or(Errno::EINVAL)?.chunks_exact(len).map(source);
    let sources: Vec<IpAddr> = sources.collect::<Result<_, _>>()?;
    match mode {
        MCAST_INCLUDE => Ok(Filter::include(sources)),
        MCAST_EXCLUDE => Ok(Filter::exclude(sources)),
        _ => Err(Errno::EINVAL),
    }
}

/// The address in a `struct sockaddr_storage`, of the family of the level.
fn storage(level: i32, value: &[u8], at: usize) -> Result<IpAddr, Errno> {
    let family = value.get(at..).and_then(|value| value.first_chunk());
    let family = family.map_or(0, |octets| i32::from(u16::from_le_bytes(*octets)));
    match (level, family) {
        (SOL_IP, AF_INET) => v4(value, at + 4).map(IpAddr::from),
        (SOL_IP, _) => Err(Errno::EADDRNOTAVAIL),
        (_, AF_INET6) => v6(value, at + 8).map(IpAddr::from),
        _ => Err(Errno::EADDRNOTAVAIL),
    }
}
