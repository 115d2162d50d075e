//! Which resets are accepted.

/// Which sequence number a reset must have to end a synchronized connection (RFC 9293 §3.10.7.4, second).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resets {
    /// RCV.NXT. A reset elsewhere in the window is challenged, so that an attacker off the path cannot
    /// end the connection (RFC 5961 §3.2).
    #[default]
    Exact,
    /// Also the one after the last octet that is held beyond a gap and was reported by SACK, because the peer may
    /// take that for RCV.NXT; and that of a FIN that has arrived, where some stacks put it. As in Linux.
    AlsoBehindHeld,
    /// Any in the window, as in RFC 793.
    InWindow,
}
