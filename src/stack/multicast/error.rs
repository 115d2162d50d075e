//! Why the groups of a socket cannot be changed, in the user's words.

use core::fmt;

/// Why a group cannot be joined or left, or the senders that are heard changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupError {
    /// The address is not a group address.
    NotAGroup,
    /// The address of the sender cannot be one: it is unspecified, or for many.
    NotASource,
    /// The group, or the sender, is of another family than the socket.
    OtherFamily,
    /// The socket is in the group, or hears the sender, already.
    AlreadyJoined,
    /// The socket is not in the group, or does not hear the sender by name.
    NotJoined,
    /// The sender is blocked already.
    AlreadyBlocked,
    /// The sender is not blocked.
    NotBlocked,
    /// The socket names the senders that it hears, so it cannot block others; or it names those that it blocks.
    OtherMode,
    /// The group is source-specific (RFC 4607): the sender must be named to join it.
    NeedsSource,
    /// The host is in as many groups as it may be
    /// ([`Config::max_groups`](crate::config::Config::max_groups)).
    TooMany,
    /// The socket names as many senders as it may
    /// ([`Filter::MOST_SOURCES`](super::Filter::MOST_SOURCES)).
    TooManySources,
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GroupError::NotAGroup => "the address is not that of a group",
            GroupError::NotASource => "the address cannot be that of a sender",
            GroupError::OtherFamily => "the address is of the other family than the socket's",
            GroupError::AlreadyJoined => "the socket is in the group, or hears the sender, already",
            GroupError::NotJoined => "the socket is not in the group, or does not name the sender",
            GroupError::AlreadyBlocked => "the sender is blocked already",
            GroupError::NotBlocked => "the sender is not blocked",
            GroupError::OtherMode => {
                "a socket names the senders that it hears, or those that it blocks"
            }
            GroupError::NeedsSource => "the group is source-specific: a sender must be named",
            GroupError::TooMany => "the host is in as many groups as it may be",
            GroupError::TooManySources => "the socket names as many senders as it may",
        })
    }
}

impl std::error::Error for GroupError {}
