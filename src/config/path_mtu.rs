//! Path MTU discovery.

use core::time::Duration;

use super::ConfigError;

/// When to probe for the path MTU (packetization layer path MTU discovery: RFC 4821,
/// RFC 8899). ICMP is always taken into account (RFC 1191, RFC 8201).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MtuProbing {
    /// Never: connections cannot recover from a black hole.
    Off,
    /// When only long segments seem to vanish, and when a smaller MTU was learnt long
    /// ago.
    #[default]
    OnBlackHole,
    /// From the start of every connection, which begins with segments of the base size.
    Always,
}

/// How a connection finds the path MTU. Sizes are those of whole datagrams, in octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMtuConfig {
    /// When to probe. Default [`MtuProbing::OnBlackHole`].
    pub probing: MtuProbing,
    /// BASE_PLPMTU (RFC 8899 §5.1.2): a size that is expected to work on nearly every path. At least 68; over
    /// IPv6 less than 1280 counts as 1280. Default 1200.
    pub base: u16,
    /// MAX_PROBES (RFC 8899 §5.1.2): how many lost probes of one size show that it is too long. At
    /// least 1. Default 3.
    pub max_probes: u32,
    /// The search is a bisection, as in Linux. The first probe lies halfway between the base (computed with IPv4
    /// headers) and what the peer accepts; one lost probe shows that a size is too long. The first segments are as
    /// long as the peer accepts, even with [`MtuProbing::Always`]. A black hole is assumed once retransmissions have
    /// gone on for as long as R1 takes; it leaves the base size, and then half of the text each time.
    /// Default off: as RFC 8899 says.
    pub halves: bool,
    /// How many retransmission timeouts in a row, with long segments in flight, indicate a black
    /// hole. At least 1. Default 2.
    pub black_hole_timeouts: u32,
    /// PMTU_RAISE_TIMER (RFC 8899 §5.1.1, RFC 1191 §6.3): after this time, connections and their host no longer rely
    /// on a path MTU that they learnt, and search again. Default 10 minutes.
    pub raise_after: Duration,
    /// The MSS option of a SYN offers no more than the path is known to carry, as in Linux. Default off: it
    /// offers what this host can receive (RFC 9293 §3.7.1).
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
