//! Keepalive (RFC 9293 §3.8.4).

use core::time::Duration;

use super::ConfigError;

/// How to probe an idle connection (RFC 9293 §3.8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Idle time before the first probe. Default 2 h (MUST-28: at least that by default).
    pub idle: Duration,
    /// Time between probes. Above zero. Default 75 s.
    pub interval: Duration,
    /// Unanswered probes after which the connection is given up, from 1. Default 9.
    pub count: u32,
}

impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive {
            idle: Duration::from_secs(2 * 60 * 60),
            interval: Duration::from_secs(75),
            count: 9,
        }
    }
}

impl Keepalive {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self {
            _ if self.interval.is_zero() => Err(ConfigError::Zero("keepalive.interval")),
            _ if self.count == 0 => Err(ConfigError::Zero("keepalive.count")),
            _ => Ok(()),
        }
    }
}
