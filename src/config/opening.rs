//! How connections are opened: listeners, SYN cookies, TCP Fast Open.

use core::time::Duration;

use super::{ConfigError, TcpConfig};

/// How one listener behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// How many established connections may wait to be accepted; 0 counts as 1. Default 128.
    pub backlog: usize,
    /// Hand out a connection only when its peer has sent text: until then, and for so long at
    /// most, the bare acknowledgment that would end the handshake is ignored. Once the time is
    /// over the SYN,ACK is sent again, and the answer to it counts. `None`: a connection is handed
    /// out when it is established. Default `None`.
    pub defer_accept: Option<Duration>,
    /// How the connections behave that are accepted here.
    pub tcp: TcpConfig,
}

impl Default for ListenerConfig {
    fn default() -> ListenerConfig {
        ListenerConfig {
            backlog: 128,
            defer_accept: None,
            tcp: TcpConfig::default(),
        }
    }
}

impl ListenerConfig {
    /// Whether the values make sense together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.tcp.validate()
    }
}

/// In which order the options of a SYN stand (RFC 9293 §3.1 leaves it open).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OptionLayout {
    /// MSS, SACK permitted, timestamps, NOP, window scale: Linux's.
    #[default]
    TimestampsFirst,
    /// MSS, NOP, window scale, SACK permitted, timestamps: FreeBSD's.
    ScaleFirst,
}

/// When a listener answers a SYN with a SYN cookie (RFC 4987 §3.6): without keeping anything of
/// it, which loses what the SYN offered but for MSS and, with timestamps, window scale, SACK and
/// ECN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SynCookies {
    /// Never: beyond `max_half_open` SYNs are dropped.
    Off,
    /// When `max_half_open` handshakes are under way.
    #[default]
    WhenFull,
    /// To every SYN.
    Always,
}
