//! The bounds of timers, which can be changed while a connection is open.

use core::time::Duration;

use super::TcpConfig;

/// Bounds of timers. Each means the same as the field of [`TcpConfig`] of that name. The longest RTO is
/// also the longest interval between probes of a closed window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerBounds {
    /// The shortest RTO.
    pub min_rto: Duration,
    /// The longest RTO.
    pub max_rto: Duration,
    /// How long an acknowledgment may wait.
    pub delayed_ack: Option<Duration>,
}

impl TimerBounds {
    /// The bounds with which a connection is opened.
    pub fn of(config: &TcpConfig) -> TimerBounds {
        TimerBounds {
            min_rto: config.min_rto,
            max_rto: config.max_rto,
            delayed_ack: config.delayed_ack,
        }
    }
}
