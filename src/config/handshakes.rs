//! Where handshakes of common hosts are not those of RFC 9293.

/// What a handshake makes of what RFC 9293 does not expect in it, or has another way for. Each
/// default is the RFC's; Linux has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handshakes {
    /// In SYN-SENT our first SYN leaves again at once, behind the reset that answers an
    /// acknowledgment of something else: the peer has just let go of what was in its way. Off, it
    /// waits for its time (RFC 9293 §3.10.7.3). Default off.
    pub syn_follows_reset: bool,
    /// Text and FIN on a SYN,ACK are not taken, and the peer sends them again. Off, they are
    /// (RFC 9293 §3.10.7.3). Default off.
    pub bare_syn_ack: bool,
    /// In SYN-RECEIVED of a passive open, a SYN in the window is told that there is no such
    /// connection: its sender is another one. Off, the handshake ends without a word (RFC 9293
    /// §3.10.7.4). Default off.
    pub refuses_second_syn: bool,
    /// In SYN-RECEIVED of a simultaneous open, a user who ends sending and keeps the connection
    /// has the FIN wait for the end of the handshake. Off, it leaves at once (RFC 9293 §3.10.4).
    /// Default off.
    pub holds_fin: bool,
    /// A handshake that waits for text ([`ListenerConfig::defer_accept`](super::ListenerConfig)) goes on
    /// doubling the time to its next SYN,ACK while none leaves. Off, it begins anew when the peer is asked
    /// again. Default off.
    pub deferral_backs_off: bool,
    /// An MSS option of 0 is none. Off, it is the least there is
    /// ([`TcpConfig::min_send_mss`](super::TcpConfig::min_send_mss)). Default off.
    pub zero_mss_is_none: bool,
    /// When both sides open at once, our SYN,ACK has the options of our SYN again, whatever the peer's SYN has.
    /// Off, it has those that both have (RFC 7323 §2.5). Default off.
    pub crossing_offers_again: bool,
}
