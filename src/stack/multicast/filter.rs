//! From which senders a socket, or the host, hears a group.

use core::net::IpAddr;
use std::collections::BTreeSet;

use super::error::GroupError;
use crate::wire::ip;

/// The senders of a group that are heard: these only (INCLUDE), or all but these (EXCLUDE). To hear no
/// sender is not to be in the group (RFC 9776 §2, RFC 9777 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    excludes: bool,
    sources: BTreeSet<IpAddr>,
}

/// How a filter changes by one sender (RFC 3678 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceChange {
    /// This sender is heard, too. A filter that hears all senders then hears this one only.
    Join(IpAddr),
    /// It is heard no longer.
    Leave(IpAddr),
    /// All senders are heard, but not this one.
    Block(IpAddr),
    /// It is heard again.
    Unblock(IpAddr),
}

impl SourceChange {
    /// The sender in question.
    pub fn source(self) -> IpAddr {
        match self {
            SourceChange::Join(source)
            | SourceChange::Leave(source)
            | SourceChange::Block(source)
            | SourceChange::Unblock(source) => source,
        }
    }

    /// Whether it applies to a filter that names senders to exclude.
    fn excludes(self) -> bool {
        match self {
            SourceChange::Join(_) | SourceChange::Leave(_) => false,
            SourceChange::Block(_) | SourceChange::Unblock(_) => true,
        }
    }
}

impl Filter {
    /// The most senders that the filter of a socket names.
    pub const MOST_SOURCES: usize = 64;

    /// Hears no sender.
    pub fn nobody() -> Filter {
        Filter::include([])
    }

    /// Hears all senders.
    pub fn everybody() -> Filter {
        Filter::exclude([])
    }

    /// Hears these senders only.
    pub fn include(sources: impl IntoIterator<Item = IpAddr>) -> Filter {
        Filter {
            excludes: false,
            sources: sources.into_iter().collect(),
        }
    }

    /// Hears all but these senders.
    pub fn exclude(sources: impl IntoIterator<Item = IpAddr>) -> Filter {
        Filter {
            excludes: true,
            ..Filter::include(sources)
        }
    }

    /// Whether it names senders to exclude.
    pub fn excludes(&self) -> bool {
        self.excludes
    }

    /// The senders that it names, in order.
    pub fn sources(&self) -> &BTreeSet<IpAddr> {
        &self.sources
    }

    /// Whether a sender is heard.
    pub fn hears(&self, source: IpAddr) -> bool {
        self.sources.contains(&source) != self.excludes
    }

    /// Whether no sender is heard.
    pub fn is_nobody(&self) -> bool {
        !self.excludes && self.sources.is_empty()
    }

    /// The filter after a change.
    ///
    /// # Errors
    /// If it changes nothing, names too many senders, or is not for a filter of this kind.
    pub fn changed(&self, change: SourceChange) -> Result<Filter, GroupError> {
        let source = change.source();
        let is_named = self.sources.contains(&source);
        if self.excludes && self.sources.is_empty() && !change.excludes() {
            return match change {
                SourceChange::Join(_) => Ok(Filter::include([source])),
                SourceChange::Leave(_) | SourceChange::Block(_) | SourceChange::Unblock(_) => {
                    Err(GroupError::NotJoined)
                }
            };
        }
        if self.excludes != change.excludes() {
            return Err(GroupError::OtherMode);
        }
        let mut after = self.clone();
        match change {
            SourceChange::Join(_) if is_named => return Err(GroupError::AlreadyJoined),
            SourceChange::Block(_) if is_named => return Err(GroupError::AlreadyBlocked),
            SourceChange::Leave(_) if !is_named => return Err(GroupError::NotJoined),
            SourceChange::Unblock(_) if !is_named => return Err(GroupError::NotBlocked),
            SourceChange::Leave(_) | SourceChange::Unblock(_) => {
                after.sources.remove(&source);
            }
            SourceChange::Join(_) | SourceChange::Block(_) => {
                if self.sources.len() >= Filter::MOST_SOURCES {
                    return Err(GroupError::TooManySources);
                }
                after.sources.insert(source);
            }
        }
        Ok(after)
    }

    /// Checks that a socket of this family can have it.
    pub(in crate::stack) fn check(&self, is_ipv4: bool) -> Result<(), GroupError> {
        if self.sources.len() > Filter::MOST_SOURCES {
            return Err(GroupError::TooManySources);
        }
        let is_of_family = |source: &IpAddr| source.is_ipv4() == is_ipv4;
        match self.sources.iter().all(is_of_family) {
            true => Ok(()),
            false => Err(GroupError::OtherFamily),
        }
    }
}

/// Whether each sender to this group is a channel of its own, so that a host cannot hear all of them (RFC
/// 4607 §1).
pub(in crate::stack) fn is_source_specific(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(v4) => v4.octets()[0] == 232,
        IpAddr::V6(v6) => v6.segments()[0] & 0xfff0 == 0xff30 && v6.segments()[1] == 0,
    }
}

/// Checks that an address can be that of a sender.
pub(in crate::stack) fn check_source(source: IpAddr) -> Result<(), GroupError> {
    match ip::is_host(source) {
        true => Ok(()),
        false => Err(GroupError::NotASource),
    }
}
