//! What a path carries, and how that is found out.

use core::time::Duration;

use super::ConfigError;

/// When to look for the path MTU with probes (packetization layer path MTU discovery: RFC 4821,
/// RFC 8899). What ICMP says is heard in any case (RFC 1191, RFC 8201).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MtuProbing {
    /// Never: whoever is behind a black hole stays there.
    Off,
    /// When long segments, and nothing else, seem to vanish, and when a smaller MTU that was
    /// learnt is old.
    #[default]
    OnBlackHole,
    /// From the start of every connection: with segments for the base size first.
    Always,
}

/// How a connection finds the path MTU. Sizes are those of whole datagrams, in octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMtuConfig {
    /// When to probe. Default [`MtuProbing::OnBlackHole`].
    pub probing: MtuProbing,
    /// BASE_PLPMTU (RFC 8899 §5.1.2): what is expected to work on nearly every path. From 68; over
    /// IPv6 at least 1280 counts. Default 1200.
    pub base: u16,
    /// MAX_PROBES (RFC 8899 §5.1.2): so many lost probes of a size show that it is too long. From
    /// 1. Default 3.
    pub max_probes: u32,
    /// Probes begin in the middle between the base, of which the headers of IPv4 count as those of the connection, and
    /// what the peer takes, and go on halving; one lost probe shows that it was too long; the first segments are as
    /// long as the peer takes, with [`MtuProbing::Always`], too; and a black hole is there once retransmissions have
    /// gone on for as long as R1 takes: it leaves the base, and then half of the text each time. As in Linux.
    /// Default off: as below, and as RFC 8899 has it.
    pub halves: bool,
    /// After so many retransmission timeouts in a row with long segments in flight there is a black
    /// hole. From 1. Default 2.
    pub black_hole_timeouts: u32,
    /// PMTU_RAISE_TIMER (RFC 8899 §5.1.1, RFC 1191 §6.3): how long what was learnt is believed,
    /// by connections and by their host. Default 10 minutes.
    pub raise_after: Duration,
    /// The MSS option of a SYN offers no more than the path is known to carry, as in Linux. Default off: it
    /// says what this host takes (RFC 9293 §3.7.1).
    pub limits_offer: bool,
}

impl Default for PathMtuConfig {
    fn default() -> PathMtuConfig {
        PathMtuConfig {
            probing: MtuProbing::default(),
            base: 1200,
            max_probes: 3,
            halves: false,
            black_hole_timeouts: 2,
            raise_after: Duration::from_secs(600),
            limits_offer: false,
        }
    }
}

impl PathMtuConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.base < 68 {
            return Err(ConfigError::BaseMtu);
        }
        let positive = [
            (self.max_probes, "max_probes"),
            (self.black_hole_timeouts, "black_hole_timeouts"),
        ];
        match positive.iter().find(|(value, _)| *value == 0) {
            Some((_, name)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }
}
