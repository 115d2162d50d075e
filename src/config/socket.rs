//! The options of a socket.

use core::time::Duration;

use super::{ConfigError, Keepalive};

/// The options that a user may change on an open TCP socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Send small segments at once, that is, turn Nagle's algorithm off (RFC 9293 MUST-17). Default off, so Nagle's
    /// algorithm is on.
    pub nodelay: bool,
    /// Send only full segments, even if Nagle's algorithm would allow less. Less than a segment leaves
    /// when the user closes or turns this off, or when nothing has been in flight for a retransmission
    /// timeout (the override timeout of RFC 9293 §3.8.6.2.1). Default off.
    pub cork: bool,
    /// The acknowledgment of the peer's SYN,ACK waits for text, for at most 200 ms, as in Linux, because the user is
    /// about to send. Default off: it leaves at once.
    pub holds_handshake_ack: bool,
    /// Once the user has closed, text that arrives resets the connection even if the user still holds
    /// it, because nobody will read it (RFC 9293 §3.6.1, SHLD-3). Default off.
    pub refuses_text: bool,
    /// TTL or hop limit of the packets (RFC 9293 MUST-49). `None`: that of the host. Default
    /// `None`.
    pub hop_limit: Option<u8>,
    /// The least TTL or hop limit with which segments may arrive (RFC 5082). Segments with less come from
    /// farther away and are dropped silently: with 255, all but those of neighbours, whose packets no
    /// router has forwarded. At a listener it applies to SYNs, too. Default 0: from anywhere.
    pub min_hop_limit: u8,
    /// Over IPv4, routers may fragment the packets (DF is not set). If one still reports a packet as too long, later
    /// segments are shorter, but the segment is not sent again for that reason. Default off: RFC 1191.
    pub fragments: bool,
    /// Probe an idle connection (RFC 9293 §3.8.4; MUST-25: off by default).
    pub keepalive: Option<Keepalive>,
    /// Give the connection up when text stays unacknowledged for this long (RFC 9293 §3.9.1.1, RFC
    /// 5482). It replaces R2, which it may shorten or lengthen (MUST-21), and the number of
    /// keepalive probes. Above zero. `None`: R2 decides. Default `None`.
    pub user_timeout: Option<Duration>,
    /// What closing does. `None`: it closes gracefully, in the background. Zero: it resets the connection at once.
    /// Otherwise: it waits up to this long until the peer has acknowledged everything, then resets. Default `None`.
    pub linger: Option<Duration>,
    /// The DSCP of the packets (RFC 9293 §3.9.1.9), in the upper six bits; the lower two
    /// are the ECN field, which TCP sets itself. Default 0.
    pub traffic_class: u8,
    /// The flow label of IPv6 packets. Default [`FlowLabel::Constant`].
    pub flow_label: FlowLabel,
    /// A fixed capacity of the receive buffer, in octets; it is clamped to 1 to 2^30 - 1. A window that was already
    /// advertised is not taken back. `None`: the buffer grows as the path requires. Default `None`.
    pub receive_buffer: Option<usize>,
    /// A fixed capacity of the send buffer, likewise. `None`: it grows with the congestion window. Default `None`.
    pub send_buffer: Option<usize>,
    /// SEND takes text only while fewer octets than this are unsent, not counting
    /// those that may leave at once, so that the user can decide late what to send. 0 counts as 1.
    /// `None`: as much as the send buffer has room for. Default `None`.
    pub unsent_low_water: Option<usize>,
    /// The largest window to advertise, in octets, at least 1. A window that was already advertised is not taken
    /// back. `None`: as large as the receive buffer allows. Default `None`.
    pub window_clamp: Option<usize>,
    /// An upper limit of the sending rate, in octets per second, which applies to every congestion controller. 0
    /// counts as 1. `None`: no limit. Default `None`.
    pub max_pacing_rate: Option<u64>,
    /// R2 of our SYN or SYN-ACK (RFC 9293 MUST-23) for this connection. `None`: as
    /// [`TcpConfig::syn_retries`](super::TcpConfig::syn_retries) and
    /// [`TcpConfig::syn_ack_retries`](super::TcpConfig::syn_ack_retries) say. Default `None`.
    pub syn_retries: Option<u32>,
    /// While fewer than four segments are in flight, the retransmission timeout is not doubled, up to the
    /// sixth retransmission, as in Linux with `TCP_THIN_LINEAR_TIMEOUTS`. Default off: RFC 6298 §5.5.
    pub linear_timeouts: bool,
    /// The number of octets that the user waits for: with
    /// [`AckWaits::hold_smaller_window`](super::AckWaits::hold_smaller_window), two full-sized segments are
    /// acknowledged at once while fewer are unread, as in Linux with `SO_RCVLOWAT`. Default 0.
    pub receive_low_water: usize,
    /// How long FIN-WAIT-2 of this connection may last once no user holds it. `None`: as
    /// [`TcpConfig::fin_wait_2_timeout`](super::TcpConfig::fin_wait_2_timeout) says. Default `None`.
    pub fin_wait_2_timeout: Option<Duration>,
}

/// The flow label of IPv6 packets (RFC 6437), by which routers can distribute load and still keep a flow in order. It
/// reveals nothing about addresses and ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlowLabel {
    /// No flow label: 0.
    None,
    /// One flow label per pair of sockets.
    #[default]
    Constant,
    /// A new flow label after each retransmission timeout, so that retransmissions may take another path, as in
    /// Linux. For UDP, which has no timeouts, the same as `Constant`.
    ChangesAfterTimeouts,
}

impl SocketOptions {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.window_clamp == Some(0) {
            return Err(ConfigError::Zero("window_clamp"));
        }
        if self.user_timeout.is_some_and(|time| time.is_zero()) {
            return Err(ConfigError::Zero("user_timeout"));
        }
        self.keepalive.map_or(Ok(()), |it| it.validate())
    }
}
