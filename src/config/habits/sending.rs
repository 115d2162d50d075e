//! Ways in which common hosts segment and delay text differently from the RFCs.

/// Differences from the RFCs in when text is sent, and in which segments. By default all are off; Linux has them
/// all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendingHabits {
    /// No segment is longer than half of the largest window since the handshake, if that was more than 536
    /// octets. Off, a segment may be as long as fits; and if the window is less than a segment, text leaves once
    /// half of the largest window can be sent (RFC 9293 §3.8.6.2.1). Default off.
    pub halves_windows: bool,
    /// Text of a partial SEND (`MSG_MORE`) that waits for the next SEND leaves when a segment arrives, unless that is
    /// text in order and acknowledges nothing new. Off, it waits for that SEND or the override timeout (RFC 9293
    /// §3.8.6.2.1). Default off.
    pub arrivals_end_parts: bool,
    /// Retransmissions end where the peer's window does, and nothing beyond it is retransmitted. Only if
    /// the window is closed, the segment at SND.UNA is. Off, a window that has shrunk makes no difference
    /// (RFC 9293 §3.8.6, MAY-7). Default off.
    pub resends_in_window: bool,
    /// A FIN without text waits for the congestion window, like text. Off, it leaves at once, because RFC 5681 §3.1
    /// limits only text. Default off.
    pub fin_waits_for_window: bool,
}
