//! How connections are opened: listeners, SYN cookies, TCP Fast Open.

use core::fmt;
use core::time::Duration;

use super::{ConfigError, TcpConfig};

/// How one listener behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// How many established connections may wait to be accepted; 0 counts as 1. Default 128.
    pub backlog: usize,
    /// Accept a connection only once its peer has sent text. Until then, but at most for this long, the bare
    /// acknowledgment that would end the handshake is ignored. After this time the SYN,ACK is sent again, and
    /// the answer to it counts. `None`: a connection can be accepted when it is established. Default `None`.
    pub defer_accept: Option<Duration>,
    /// TCP Fast Open: give cookies, accept text on SYNs that have a valid one, and let such a connection be
    /// accepted at once. The number is the most such connections whose handshake has not ended (RFC 7413
    /// §5.1). Default 0: no Fast Open.
    pub fast_open: usize,
    /// The keys of the cookies that this listener gives. `None`: those of the host
    /// ([`FastOpenConfig::keys`]). Default `None`.
    pub fast_open_keys: Option<FastOpenKeys>,
    /// Other listeners may have the same address and port if all of them allow it: connections are then
    /// distributed among them by a hash of the addresses. Default off.
    pub shares_address: bool,
    /// Keep the headers of each connection's SYN for its user, exactly as they arrived. Default off.
    pub saves_syns: bool,
    /// How connections accepted here behave.
    pub tcp: TcpConfig,
}

impl Default for ListenerConfig {
    fn default() -> ListenerConfig {
        ListenerConfig {
            backlog: 128,
            defer_accept: None,
            fast_open: 0,
            fast_open_keys: None,
            shares_address: false,
            saves_syns: false,
            tcp: TcpConfig::default(),
        }
    }
}

impl ListenerConfig {
    /// The part of this configuration for one of `shards` stacks, if the listener is at all of
    /// them.
    ///
    /// # Panics
    /// If `shards` is 0.
    #[must_use]
    pub fn part(&self, shards: usize) -> ListenerConfig {
        ListenerConfig {
            backlog: self.backlog.div_ceil(shards),
            fast_open: self.fast_open.div_ceil(shards),
            ..self.clone()
        }
    }

    /// Whether the values make sense together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.tcp.validate()
    }
}

/// The order of the options in a SYN (RFC 9293 §3.1 leaves it open).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptionLayout {
    /// MSS, SACK permitted, timestamps, NOP, window scale: Linux's.
    #[default]
    TimestampsFirst,
    /// MSS, NOP, window scale, SACK permitted, timestamps: FreeBSD's.
    ScaleFirst,
    /// No options at all, not even the MSS. Whatever else would be offered has to be turned off by
    /// its own setting.
    WithoutOptions,
}

/// When a listener answers a SYN with a SYN cookie (RFC 4987 §3.6), and keeps no state for it. Of what
/// the SYN offered, only the MSS survives; with timestamps, also window scale, SACK and ECN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SynCookies {
    /// Never: beyond `max_half_open` SYNs are dropped.
    Off,
    /// When `max_half_open` handshakes are under way.
    #[default]
    WhenFull,
    /// To every SYN.
    Always,
}

/// TCP Fast Open (RFC 7413): text on SYNs, without waiting for the handshake. Text on a SYN may
/// arrive twice, the second time as a separate connection, so this is for requests that may be
/// repeated. It happens only where the user asks for it: at a listener with `fast_open`, and for
/// connections opened together with their first text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastOpenConfig {
    /// Ask for cookies, and send text with SYNs. Default on.
    pub client: bool,
    /// Give cookies, and accept text on SYNs, at listeners with `fast_open`. Default on.
    pub server: bool,
    /// Send text with a SYN without a cookie, even if one is known, for hosts that are known to take it. Default
    /// off.
    pub client_without_cookie: bool,
    /// Accept text on a SYN with any cookie or none, for networks in which no stranger can send.
    /// Default off.
    pub server_without_cookie: bool,
    /// Every listener does Fast Open; one without a limit of its own uses its backlog. Default off.
    pub all_listeners: bool,
    /// The keys of the cookies that are given. `None`: derived from the secret of the stack, so
    /// they change with every start. Default `None`.
    pub keys: Option<FastOpenKeys>,
    /// Ask with the option for experiments (kind 254, RFC 6994) in place of kind 34. A request is
    /// answered with the option it used, and a cookie is sent with the option it came with. Default
    /// off.
    pub experimental_option: bool,
    /// If a peer answers a request of kind 34 without a cookie, ask it once with the option for
    /// experiments, and then with kind 34 again. Default off.
    pub tries_experimental_option: bool,
    /// Text on a SYN leaves room for the longest possible options, and its length for a peer whose MSS is
    /// unknown is bounded by the path alone, as in Linux. A non-blocking socket takes no more of its first
    /// text than the SYN carries. Default off: only the options present count, and the MSS is that of RFC
    /// 7413 §4.1.3.
    pub reserves_options: bool,
    /// The most peers whose cookies are kept (RFC 7413 §4.1.3), from 1. Default 1,024.
    pub cookies: usize,
    /// How long Fast Open is not used with a peer that did not accept the text, or did not answer
    /// (RFC 7413 §4.1.3.1): this long after the first time, then twice as long each time, up to 64
    /// times as long. Default 60 s.
    pub retry_after: Duration,
    /// How long Fast Open is not used at all after a connection that began with it went dead after
    /// the handshake, because a middlebox may block it: this long after the first time, then twice
    /// as long each time, up to 64 times as long, until it works again. `None`: such connections
    /// are not looked for. Default 1 h.
    pub black_hole_timeout: Option<Duration>,
}

impl Default for FastOpenConfig {
    fn default() -> FastOpenConfig {
        FastOpenConfig {
            client: true,
            server: true,
            client_without_cookie: false,
            server_without_cookie: false,
            all_listeners: false,
            keys: None,
            experimental_option: false,
            tries_experimental_option: false,
            reserves_options: false,
            cookies: 1_024,
            retry_after: Duration::from_secs(60),
            black_hole_timeout: Some(Duration::from_secs(60 * 60)),
        }
    }
}

impl FastOpenConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.cookies {
            0 => Err(ConfigError::Zero("fast_open.cookies")),
            _ => Ok(()),
        }
    }
}

/// The keys of Fast Open cookies. Hosts behind one address that share them accept each other's
/// cookies.
#[derive(Clone, PartialEq, Eq)]
pub struct FastOpenKeys {
    /// The key for new cookies.
    pub current: [u8; 16],
    /// The previous key, whose cookies are still valid; a client that presents one gets a new one.
    pub previous: Option<[u8; 16]>,
}

/// Keys do not belong in logs.
impl fmt::Debug for FastOpenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FastOpenKeys(..)")
    }
}
