//! Which resets are believed.

/// Where a reset must stand to end a synchronized connection (RFC 9293 §3.10.7.4, second).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resets {
    /// At RCV.NXT; elsewhere in the window it is challenged, so that who cannot see the connection
    /// cannot end it (RFC 5961 §3.2).
    #[default]
    Exact,
    /// Also behind the last octet that was held and reported selectively, since the peer may not
    /// know better; and at the place of a FIN that came, where some stacks put it. As Linux has it.
    AlsoBehindHeld,
    /// Anywhere in the window, as RFC 793 had it.
    InWindow,
}
