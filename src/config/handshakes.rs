//! Ways in which handshakes of common hosts differ from RFC 9293.

/// Differences from RFC 9293 in handshakes. By default all are off; Linux has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handshakes {
    /// In SYN-SENT, an unacceptable acknowledgment is answered with a reset, and then our first SYN is sent again
    /// at once, because the reset has just removed the peer's old connection. The same happens if the peer's
    /// segment is a reset itself, which is not answered. Off, the SYN waits for the retransmission timer (RFC 9293
    /// §3.10.7.3). Default off.
    pub syn_follows_reset: bool,
    /// Text and FIN on a SYN,ACK are ignored, and the peer has to send them again. They are accepted only if the
    /// SYN,ACK acknowledges a SYN of Fast Open and all its text. Off, they are always accepted (RFC 9293
    /// §3.10.7.3). Default off.
    pub bare_syn_ack: bool,
    /// In SYN-RECEIVED after a passive OPEN, another SYN in the window is answered as if there were no such
    /// connection. Off, the handshake ends silently (RFC 9293 §3.10.7.4). Default off.
    pub refuses_second_syn: bool,
    /// In SYN-RECEIVED after a passive OPEN, the window of the SYN,ACK says what is acceptable. What is not is
    /// answered by an acknowledgment with that window, which reports no duplicates. When the handshake ends, the limit of
    /// challenge ACKs begins anew. Off, the window of the connection says what is acceptable. The answers advertise
    /// it, and report duplicates (RFC 2883). Default off.
    pub answers_plainly: bool,
    /// In SYN-RECEIVED after a simultaneous OPEN, or of a connection that Fast Open has opened early: if a user shuts
    /// down sending, but holds the connection, the FIN waits for the end of the handshake. Off, it leaves at once
    /// (RFC 9293 §3.10.4). Default off.
    pub holds_fin: bool,
    /// While a handshake waits for text ([`ListenerConfig::defer_accept`](super::ListenerConfig)), the timeout of
    /// the SYN,ACK goes on doubling, although none is sent. Off, it starts from its initial value when the SYN,ACK is
    /// sent again. Default off.
    pub deferral_backs_off: bool,
    /// An MSS option of 0 is treated as missing. Off, it means the least MSS
    /// ([`TcpConfig::min_send_mss`](super::TcpConfig::min_send_mss)). Default off.
    pub zero_mss_is_none: bool,
    /// When both sides open at once, our SYN,ACK repeats all options of our SYN, and our windows are scaled whatever
    /// the peer offers. The window of its SYN,ACK counts as scaled, too, if the peer offers scaling. Off, our
    /// SYN,ACK has only those options that the peer's SYN has; windows are scaled only if both sides offer that, and
    /// the window of a SYN,ACK never is (RFC 7323 §2.2 and §2.5). Default off.
    pub crossing_offers_again: bool,
    /// When both sides open at once, the acknowledgment of our SYN,ACK gives an RTT sample. Off, it does so only with
    /// timestamps, since it may be that of our SYN (RFC 6298 §3). Default off.
    pub crossing_samples: bool,
    /// Data begins with an RTO of 3 s whenever the handshake has given no RTT sample, because the SYN came again or
    /// was answered with a SYN cookie. Off, it does so only if our own SYN was sent again after a timeout (RFC 6298 §5.7).
    /// Default off.
    pub unsampled_waits_longer: bool,
    /// Until the handshake ends, STATUS tells the congestion window that a timeout of our SYN leaves, which is one
    /// segment, and the threshold that it leaves. Off, it tells those with which data would begin (RFC 5681 §3.1).
    /// Default off.
    pub lost_syns_reduce: bool,
}
