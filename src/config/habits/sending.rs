//! Where common hosts cut what they send another way, or have it wait for something else.

/// What may leave, and in which segments. Each default is the RFCs'; Linux has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendingHabits {
    /// What fills the rest of the peer's window leaves behind full segments, though it is less than one,
    /// unless a small one is in flight. Off, it waits for more window (RFC 9293 §3.8.6.2.1). Default off.
    pub fills_windows: bool,
    /// No segment is longer than half of the largest window since the handshake, if that was more than 536
    /// octets. Off, any that fits; and where the window is less than a segment, what is half of the largest
    /// (RFC 9293 §3.8.6.2.1). Default off.
    pub halves_windows: bool,
    /// What a SEND of a part has left waits for the next SEND no longer than until something arrives. Off,
    /// that alone, or the override timeout, ends the wait (RFC 9293 §3.8.6.2.1). Default off.
    pub arrivals_end_parts: bool,
    /// A FIN without text waits for the congestion window, like a segment. Off, it leaves: RFC 5681 §3.1 is
    /// about text. Default off.
    pub fin_waits_for_window: bool,
}
