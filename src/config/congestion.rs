//! Congestion control and pacing.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::ConfigError;

/// The congestion controller of a connection.
///
/// Each has a name, which [`Display`](fmt::Display) writes. [`FromStr`] parses the names of the
/// built-in ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CongestionControl {
    /// `reno`: slow start and congestion avoidance as RFC 5681 has them, counting octets (RFC
    /// 3465).
    Reno,
    /// `cubic`: CUBIC (RFC 9438), whose growth does not depend on the round-trip time, with
    /// HyStart++ (RFC 9406), which may end slow start before anything is lost.
    #[default]
    Cubic,
    /// `bbr`: BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path instead of a guess from
    /// losses. It asks for pacing.
    Bbr,
    /// `dctcp`: DCTCP (RFC 8257), for data centers whose switches mark queued packets. It needs
    /// ECN, and is unfit for the Internet.
    Dctcp,
    /// A controller that the user has added to the stack under this name; CUBIC if there is none.
    Custom(&'static str),
}

/// The stack's own.
const BUILT_IN: [CongestionControl; 4] = [
    CongestionControl::Reno,
    CongestionControl::Cubic,
    CongestionControl::Bbr,
    CongestionControl::Dctcp,
];

impl CongestionControl {
    /// Its name: `reno`, `cubic`, `bbr`, `dctcp`, or the one that the user chose.
    pub fn name(self) -> &'static str {
        match self {
            CongestionControl::Reno => "reno",
            CongestionControl::Cubic => "cubic",
            CongestionControl::Bbr => "bbr",
            CongestionControl::Dctcp => "dctcp",
            CongestionControl::Custom(name) => name,
        }
    }
}

impl fmt::Display for CongestionControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No congestion controller of the stack has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCongestionControl;

impl fmt::Display for UnknownCongestionControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = BUILT_IN.map(CongestionControl::name).join(", ");
        write!(
            f,
            "no congestion control has this name; the stack's own are {own}"
        )
    }
}

impl std::error::Error for UnknownCongestionControl {}

impl FromStr for CongestionControl {
    type Err = UnknownCongestionControl;

    /// Parses the names of the stack's own controllers only.
    fn from_str(name: &str) -> Result<CongestionControl, UnknownCongestionControl> {
        let found = BUILT_IN.into_iter().find(|kind| kind.name() == name);
        found.ok_or(UnknownCongestionControl)
    }
}

/// When a congestion window counts as being in use. It grows only then, because a window that is not filled
/// reveals nothing about the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowUse {
    /// By what was in flight when the acknowledgment came, or, while text waits, when all had left that could: all
    /// of the window but a segment, or, in slow start, half of it. With [`Pacing::Always`], also if all of it was in
    /// flight since the last window was sent: what waits for the pacer is not in flight.
    #[default]
    InFlight,
    /// By the most that was in flight since the last window was sent: all of the window, or, in slow
    /// start, more than half of it. All acknowledgments of a flight that filled the window count, even if nothing
    /// was sent after it. As in Linux.
    LastWindow,
    /// Always, while the congestion window is not larger than the peer's window. As in FreeBSD.
    PeerWindow,
}

/// Pacing: whether what is sent is spread over time, instead of leaving as soon as acknowledgments allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacingConfig {
    /// Which connections are paced. Default [`Pacing::WhenAsked`].
    pub when: Pacing,
    /// The pacing rate in slow start, in percent of cwnd / SRTT, if the controller has no rate of its own. At
    /// least 100. Default 200, since the window doubles in a round trip.
    pub slow_start_percent: u32,
    /// The same for congestion avoidance. At least 100. Default 120.
    pub avoidance_percent: u32,
    /// The rate of slow start applies only until cwnd reaches half of ssthresh, as in Linux. Off, it
    /// applies until cwnd reaches ssthresh. Default off.
    pub slows_halfway: bool,
    /// The rate is computed from what is in flight, lost or not, if that is more than cwnd, as in Linux.
    /// Off, always from cwnd. Default off.
    pub counts_flight: bool,
    /// The length of a burst: as much as the rate allows in this time leaves at once, but at least two segments and at
    /// most 64 KiB (send quantum, draft-ietf-ccwg-bbr §5.6.3). Above zero. Default 1 ms.
    pub quantum: Duration,
    /// With [`SocketOptions::max_pacing_rate`](super::SocketOptions::max_pacing_rate), a connection is also paced
    /// by its congestion window, if that rate is lower. Below 1.2 Mbit/s, segments leave one by one if the controller
    /// paces (BBR), and otherwise in pairs. The first ten segments are not paced. As in Linux. Default off.
    pub limit_paces_window: bool,
}

/// Which connections are paced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pacing {
    /// None.
    Never,
    /// Those whose congestion controller asks for it.
    #[default]
    WhenAsked,
    /// All, as soon as their round-trip time is known.
    Always,
}

impl Default for PacingConfig {
    fn default() -> PacingConfig {
        PacingConfig {
            when: Pacing::WhenAsked,
            slow_start_percent: 200,
            avoidance_percent: 120,
            slows_halfway: false,
            counts_flight: false,
            quantum: Duration::from_millis(1),
            limit_paces_window: false,
        }
    }
}

impl PacingConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.slow_start_percent.min(self.avoidance_percent) {
            0..100 => Err(ConfigError::Pacing),
            _ if self.quantum.is_zero() => Err(ConfigError::Zero("pacing.quantum")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for kind in BUILT_IN {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let unknown: Result<CongestionControl, _> = "vegas".parse();
        assert_eq!(unknown, Err(UnknownCongestionControl));
    }

    #[test]
    fn a_pace_slower_than_the_window_is_refused() {
        let slow = PacingConfig {
            avoidance_percent: 99,
            ..PacingConfig::default()
        };
        assert_eq!(slow.validate(), Err(ConfigError::Pacing));
        assert_eq!(PacingConfig::default().validate(), Ok(()));
    }
}
