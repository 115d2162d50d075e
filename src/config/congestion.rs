//! Congestion control and pacing.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::ConfigError;

/// Who decides how much may be in flight.
///
/// Each has a name, which [`Display`](fmt::Display) writes and [`FromStr`] reads; a name that is
/// none of the stack's own stands for a controller of the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// `dctcp`: DCTCP (RFC 8257), for a data center whose switches mark what queues: it needs ECN,
    /// and on the Internet it does not do.
    Dctcp,
    /// One that the user has given to the stack under this name. Where nobody has, it is CUBIC.
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
    /// What it is called: `reno`, `cubic`, `bbr`, `dctcp`, or the name that the user chose.
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

    /// One of the stack's own; a controller of the user is no value of a text.
    fn from_str(name: &str) -> Result<CongestionControl, UnknownCongestionControl> {
        let found = BUILT_IN.into_iter().find(|kind| kind.name() == name);
        found.ok_or(UnknownCongestionControl)
    }
}

/// A congestion window grows only while it is in use, for what nobody fills has shown nothing of the
/// path. What counts as use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WindowUse {
    /// What was in flight when an acknowledgment came: all of the window but a segment, or, in slow
    /// start, half of it.
    #[default]
    InFlight,
    /// What was in flight at most since the last window was sent: all of the window, or, in slow
    /// start, more than half of it. A flight that fills the window lets all its acknowledgments
    /// count, though nothing follows it. As Linux has it.
    LastWindow,
    /// Everything, while the congestion window is not larger than what the peer allows: as in FreeBSD.
    PeerWindow,
}

/// Whether what is sent is spread over time instead of leaving as fast as acknowledgments let it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacingConfig {
    /// Who is paced. Default [`Pacing::WhenAsked`].
    pub when: Pacing,
    /// In slow start, a connection whose controller has no rate of its own sends at so many
    /// percent of cwnd / SRTT. At least 100. Default 200: the window doubles in a round trip.
    pub slow_start_percent: u32,
    /// The same in congestion avoidance. At least 100. Default 120.
    pub avoidance_percent: u32,
    /// What the rate allows in this time leaves at once, but at least two segments and at most
    /// 64 KiB (send quantum, draft-ietf-ccwg-bbr §5.6.3). Above zero. Default 1 ms.
    pub quantum: Duration,
    /// A limit of the user's ([`SocketOptions::max_pacing_rate`](super::SocketOptions)) has what the window
    /// lets out paced, too, and of less than 1.2 Mbit/s each segment for itself; but the first ten segments are
    /// not paced. As in Linux. Default off.
    pub limit_paces_window: bool,
}

/// Who is paced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pacing {
    /// Nobody.
    Never,
    /// A connection whose congestion controller asks for it.
    #[default]
    WhenAsked,
    /// Every connection, as soon as its round-trip time is known.
    Always,
}

impl Default for PacingConfig {
    fn default() -> PacingConfig {
        PacingConfig {
            when: Pacing::WhenAsked,
            slow_start_percent: 200,
            avoidance_percent: 120,
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
