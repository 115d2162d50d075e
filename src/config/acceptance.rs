//! Which segments of a connection are accepted, where an RFC leaves that open or common hosts differ.

use core::time::Duration;

use super::Resets;

/// How a connection treats segments that may not come from its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Acceptance {
    /// Which resets are accepted. Default [`Resets::Exact`].
    pub resets: Resets,
    /// A SYN in the window of a synchronized connection resets it, as in RFC 793. Off, it is
    /// challenged wherever it lies (RFC 5961 §4.2), so that an attacker off the path cannot end the
    /// connection. Default off.
    pub syns_reset: bool,
    /// A segment with both RST and SYN counts as a reset. Off, it is ignored: no TCP sends one, only
    /// programs that probe or try to confuse hosts. Default off.
    pub resets_with_syn: bool,
    /// A segment that acknowledges less than SND.UNA is an old duplicate, however old, and its text is accepted, as
    /// in RFC 793. Off, it is challenged if it is older than the largest window (RFC 5961 §5.2). Default off.
    pub any_old_ack: bool,
    /// Once timestamps are negotiated, a segment without them is dropped, unless it is a reset (RFC 7323
    /// §3.2). Off, it is accepted, because a middlebox may have removed the option. Default off.
    pub timestamps_required: bool,
    /// For how long the last timestamp of a peer rejects older ones (PAWS). Default 24 days (RFC 7323 §5.5).
    pub timestamp_lifetime: Duration,
    /// Which octet an urgent pointer names. Default [`UrgentPointer::Following`].
    pub urgent_pointer: UrgentPointer,
    /// A timestamp that is older by no more than this still passes, as in Linux, where it is 1. Default 0 (RFC 7323
    /// §5.3, R1).
    pub timestamp_slack: u32,
}

/// What the urgent pointer of an arriving segment names, counted from its sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrgentPointer {
    /// The octet that follows the urgent data (RFC 9293 MUST-62, RFC 6093). A pointer of 0 names none.
    #[default]
    Following,
    /// The same, but a pointer of 0 counts as 1, as in Linux.
    AtLeastOne,
    /// The last octet of the urgent data, as in RFC 1122 §4.2.2.4. As in Linux with `tcp_stdurg`.
    Last,
}

impl Default for Acceptance {
    fn default() -> Acceptance {
        Acceptance {
            resets: Resets::default(),
            syns_reset: false,
            resets_with_syn: false,
            any_old_ack: false,
            timestamps_required: false,
            timestamp_lifetime: Duration::from_secs(24 * 24 * 60 * 60),
            urgent_pointer: UrgentPointer::default(),
            timestamp_slack: 0,
        }
    }
}
