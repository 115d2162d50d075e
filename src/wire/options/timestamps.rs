//! The timestamps option (RFC 7323 §3).

/// A timestamps option (RFC 7323 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub val: u32,
    /// TSecr: the timestamp that the sender echoes; significant on a segment with ACK.
    pub ecr: u32,
}
