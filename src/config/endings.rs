//! What ends a connection prematurely, and whether the peer or the user is told.

use core::time::Duration;

use super::ConfigError;

/// How connections end other than by both sides closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endings {
    /// How long an active OPEN may take, even if [`TcpConfig::syn_retries`](super::TcpConfig::syn_retries)
    /// allows more (RFC 9293 MUST-23: at least 3 minutes); a user timeout replaces it. Above zero.
    /// `None`: until the retransmissions are used up. Default `None`; FreeBSD has 75 s.
    pub opening_timeout: Option<Duration>,
    /// An active OPEN goes on when a router reports that the peer cannot be reached, as in FreeBSD; only an
    /// unreachable port or protocol, or a filter, ends it. Off, every ICMP error ends it. Default off.
    pub endures_errors: bool,
    /// When a connection is given up, its peer is sent a reset, as in FreeBSD. Off, only if keepalive gave it
    /// up: where nothing got through, a reset will not get through either. Default off.
    pub resets_given_up: bool,
    /// A connection that is released while text is unread is reset, because the peer must not believe that
    /// everything was read (RFC 9293 §3.6.1, RFC 2525 §2.17). Off, it is closed as usual, as in FreeBSD.
    /// Default on.
    pub resets_unread: bool,
}

impl Endings {
    /// A limit of zero would leave no time to open a connection.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.opening_timeout {
            Some(Duration::ZERO) => Err(ConfigError::Zero("endings.opening_timeout")),
            Some(_) | None => Ok(()),
        }
    }
}

impl Default for Endings {
    fn default() -> Endings {
        Endings {
            opening_timeout: None,
            endures_errors: false,
            resets_given_up: false,
            resets_unread: true,
        }
    }
}
