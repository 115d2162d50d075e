//! The state from which a controller starts.

use core::time::Duration;

use crate::config::SlowStartSigns;
use crate::time::Instant;

/// What a controller starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// When.
    pub now: Instant,
    /// The sender's maximum segment size, in octets.
    pub mss: usize,
    /// The initial window, in segments; in octets it is at most
    /// [`initial_window`](super::initial_window).
    pub initial_window: u32,
    /// The smoothed round-trip time, if the handshake has shown it.
    pub srtt: Option<Duration>,
    /// Whether a window that is not used is validated (RFC 7661) instead of given up:
    /// [`TcpConfig::window_validation`](crate::config::TcpConfig::window_validation).
    pub validation: bool,
    /// The most segments by which an acknowledgment increases the window in slow start:
    /// [`TcpConfig::slow_start_limit`](crate::config::TcpConfig::slow_start_limit).
    pub slow_start_limit: Option<u32>,
    /// Whether slow start may end before anything is lost:
    /// [`TcpConfig::hystart`](crate::config::TcpConfig::hystart).
    pub hystart: bool,
    /// Whether windows are counted in whole segments:
    /// [`CongestionHabits::window_in_segments`](crate::config::CongestionHabits::window_in_segments).
    pub in_segments: bool,
    /// What ends slow start at once:
    /// [`Habits::leaves_slow_start_at_once`](crate::config::Habits::leaves_slow_start_at_once).
    pub leaves_at_once: Option<SlowStartSigns>,
    /// A seed for random decisions; different for every connection.
    pub seed: u64,
}
