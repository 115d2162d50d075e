//! What the user of a socket may change.

use core::time::Duration;

use super::{ConfigError, Keepalive};

/// What the user of a socket may change while it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Send small segments at once: Nagle's algorithm off (RFC 9293 MUST-17). Default off, that
    /// is: Nagle on.
    pub nodelay: bool,
    /// Send full segments only, whatever Nagle's algorithm would allow; less than a segment leaves
    /// when the user closes, takes this back, or nothing has been in flight for a retransmission
    /// timeout (the override timeout of RFC 9293 §3.8.6.2.1). Default off.
    pub cork: bool,
    /// Once the user has closed, text that arrives resets the connection, though the user still holds
    /// it: nobody will read it (RFC 9293 §3.6.1, SHLD-3). Default off.
    pub refuses_text: bool,
    /// TTL or hop limit of what is sent (RFC 9293 MUST-49); `None`: that of the host. Default
    /// `None`.
    pub hop_limit: Option<u8>,
    /// Over IPv4 routers may fragment what is sent; and what one says that is too long for it is not sent again
    /// for that, though shorter segments follow. Default off: RFC 1191.
    pub fragments: bool,
    /// Probe an idle connection (RFC 9293 §3.8.4; MUST-25: off by default).
    pub keepalive: Option<Keepalive>,
    /// Give the connection up when data that was sent stays unacknowledged for so long (RFC 9293
    /// §3.9.1.1, RFC 5482): it takes the place of R2, so a long one makes R2 longer (MUST-21), and
    /// of the count of keepalives. Above zero. `None`: R2 decides. Default `None`.
    pub user_timeout: Option<Duration>,
    /// What closing does: `None`, in the background and gracefully; `Some(0)`, reset at once;
    /// otherwise wait so long for the peer to have everything, then reset.
    pub linger: Option<Duration>,
    /// The six DSCP bits of what is sent (RFC 9293 §3.9.1.9), in the upper six bits; the lower two
    /// are the ECN field, which TCP sets. Default 0.
    pub traffic_class: u8,
    /// Which flow label packets of IPv6 have. Default [`FlowLabel::Constant`].
    pub flow_label: FlowLabel,
    /// The capacity of the receive buffer, in octets, from 1 to 2^30 - 1, and it stays that; what
    /// is above or below is taken for the nearest. A window that the peer was given stays given.
    /// `None`: as large as the path asks for. Default `None`.
    pub receive_buffer: Option<usize>,
    /// The capacity of the send buffer, in the same way. Default `None`: it grows with the
    /// congestion window.
    pub send_buffer: Option<usize>,
    /// Take text only while fewer octets than this wait to be sent for the first time, beyond
    /// those that may leave at once, so that the user decides late what to send; 0 counts as 1.
    /// `None`: whatever the send buffer has room for. Default `None`.
    pub unsent_low_water: Option<usize>,
    /// The most that the window offers, in octets, from 1; a window that the peer was given stays given.
    /// `None`: what the receive buffer has room for. Default `None`.
    pub window_clamp: Option<usize>,
    /// Nothing leaves faster than this, in octets a second (0 counts as 1), whoever decides how fast otherwise.
    /// `None`: no limit. Default `None`.
    pub max_pacing_rate: Option<u64>,
    /// R2 of our SYN or SYN-ACK (RFC 9293 MUST-23) for this connection. `None`: as
    /// [`TcpConfig::syn_retries`](super::TcpConfig::syn_retries) and
    /// [`TcpConfig::syn_ack_retries`](super::TcpConfig::syn_ack_retries) say. Default `None`.
    pub syn_retries: Option<u32>,
    /// Intervals between retransmissions do not double while fewer than four segments are in flight, up to the
    /// sixth, as Linux does it if it is asked to. Default off: RFC 6298 §5.5.
    pub linear_timeouts: bool,
    /// How long FIN-WAIT-2 of this connection may last once the user has let go of it. `None`: as
    /// [`TcpConfig::fin_wait_2_timeout`](super::TcpConfig::fin_wait_2_timeout) says. Default `None`.
    pub fin_wait_2_timeout: Option<Duration>,
}

/// The flow label of what is sent over IPv6 (RFC 6437): routers that share out a load by it keep the order of
/// a flow. It says nothing of addresses and ports to who does not know them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FlowLabel {
    /// There is none: 0.
    None,
    /// One for each pair of sockets.
    #[default]
    Constant,
    /// Another one after each retransmission timeout, so that what is sent again may take another way.
    /// As Linux has it. UDP, which has no timeouts, has one.
    ChangesAfterTimeouts,
}

impl SocketOptions {
    /// Whether the values make sense.
    ///
    /// # Errors
    /// The first that does not.
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
