//! The bounds of timers that a connection may be given while it is there.

use core::time::Duration;

use super::TcpConfig;

/// Bounds of timers, of which each means what the member of its name in [`TcpConfig`] does. The longest RTO is
/// also the most that probes of a closed window are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerBounds {
    /// The least RTO.
    pub min_rto: Duration,
    /// The most.
    pub max_rto: Duration,
    /// How long an acknowledgment may wait.
    pub delayed_ack: Option<Duration>,
}

impl TimerBounds {
    /// Those that a connection is opened with.
    pub fn of(config: &TcpConfig) -> TimerBounds {
        TimerBounds {
            min_rto: config.min_rto,
            max_rto: config.max_rto,
            delayed_ack: config.delayed_ack,
        }
    }
}
