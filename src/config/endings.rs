//! What ends a connection before its time, and who hears of it.

use core::time::Duration;

use super::ConfigError;

/// How connections end that do not end with both sides closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endings {
    /// How long an active open may take, whatever [`TcpConfig::syn_retries`](super::TcpConfig::syn_retries)
    /// allows (RFC 9293 MUST-23: at least 3 minutes); a user timeout takes its place. Above zero.
    /// `None`: as long as they take. Default `None`; FreeBSD: 75 s.
    pub opening_timeout: Option<Duration>,
    /// An active open goes on though a router reports that it cannot be, as in FreeBSD; only a port or a
    /// protocol that nobody has ends it, or a filter. Off, every report does. Default off.
    pub endures_errors: bool,
    /// The peer of a connection that is given up is sent a reset, as in FreeBSD. Off, it is after keepalive
    /// only: where nothing got through, a reset will not. Default off.
    pub resets_given_up: bool,
    /// Who lets go of a connection with text that was not read resets it: the peer must not believe that
    /// everything arrived (RFC 9293 §3.6.1, RFC 2525 §2.17). Off, it is closed like any other, as in FreeBSD.
    /// Default on.
    pub resets_unread: bool,
}

impl Endings {
    /// Nothing opens in no time.
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
