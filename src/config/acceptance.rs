//! Which segments of a connection are believed, where an RFC leaves that open or others do otherwise.

use super::Resets;

/// What a connection makes of segments that may not be of its peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Acceptance {
    /// Which resets are believed. Default [`Resets::Exact`].
    pub resets: Resets,
    /// A SYN in the window of a synchronized connection resets it, as RFC 793 had it. Off, it is
    /// challenged wherever it stands (RFC 5961 §4.2), so that who cannot see the connection cannot end
    /// it. Default off.
    pub syns_reset: bool,
    /// What acknowledges less than was acknowledged before is an old duplicate however old it is, as RFC
    /// 793 had it: its text counts. Off, it is challenged if it is older than the largest window (RFC 5961
    /// §5.2). Default off.
    pub any_old_ack: bool,
    /// Once timestamps were agreed on, a segment without them is dropped, unless it is a reset (RFC 7323
    /// §3.2). Off, it is taken: a middlebox may have taken the option away. Default off.
    pub timestamps_required: bool,
}
