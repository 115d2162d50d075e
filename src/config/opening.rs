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
    /// How connections that are accepted here behave.
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
    /// What one of `shards` stacks holds for a listener that is at all of them.
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
    /// None at all, not even the MSS. What else is offered is turned off by its own setting.
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

/// TCP Fast Open (RFC 7413): text on SYNs, without waiting for the handshake. What a client sends
/// on a SYN may arrive twice, as a connection of its own, so it is for requests that may be
/// repeated; and it happens only where the user asks for it: at a listener with `fast_open`, and
/// for connections opened together with their first text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastOpenConfig {
    /// Ask for cookies, and send text with SYNs. Default on.
    pub client: bool,
    /// Give cookies, and take text on SYNs, at listeners that do. Default on.
    pub server: bool,
    /// Send text with a SYN without a cookie, even if one is known, for hosts that are known to take it. Default
    /// off.
    pub client_without_cookie: bool,
    /// Take text on a SYN whatever its cookie, or without one, where no stranger can send. Default
    /// off.
    pub server_without_cookie: bool,
    /// Every listener does it, its backlog being the limit if it has none. Default off.
    pub all_listeners: bool,
    /// The keys of the cookies that are given. `None`: derived from the secret of the stack, and so
    /// other ones with every start. Default `None`.
    pub keys: Option<FastOpenKeys>,
    /// Ask with the option for experiments (kind 254, RFC 6994) in place of kind 34. Both are
    /// answered in kind, and a cookie is sent with the option that it came with. Default off.
    pub experimental_option: bool,
    /// Ask so the peer, too, that has answered without a cookie when it was asked with kind 34, but only once:
    /// then with kind 34 again. Default off.
    pub tries_experimental_option: bool,
    /// Text on a SYN leaves room for the longest options that there can be, and to a peer whose MSS is not
    /// known as much is sent as the path takes, as by Linux. A socket that does not block is left with
    /// what of its first text is not on the SYN. Default off: what options there are count, and the
    /// MSS of RFC 7413 §4.1.3.
    pub reserves_options: bool,
    /// The most peers whose cookies are kept (RFC 7413 §4.1.3), from 1. Default 1,024.
    pub cookies: usize,
    /// How long a peer that did not take the text, or did not answer, is spoken to without Fast
    /// Open (RFC 7413 §4.1.3.1): this long after the first time, then twice as long each time, up to
    /// 64 times. Default 60 s.
    pub retry_after: Duration,
    /// How long nobody is spoken to with Fast Open after a connection that began with it was dead
    /// after the handshake, since something on the path may not like it: this long after the first
    /// time, then twice as long each time, up to 64 times, until it works again. `None`: that is
    /// not looked for. Default 1 h.
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

/// The keys of Fast Open cookies. Hosts that share them, behind one address, take each other's.
#[derive(Clone, PartialEq, Eq)]
pub struct FastOpenKeys {
    /// The one for new cookies.
    pub current: [u8; 16],
    /// The one before it, whose cookies are still good; who comes with one gets a new one.
    pub previous: Option<[u8; 16]>,
}

/// Keys do not belong into logs.
impl fmt::Debug for FastOpenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FastOpenKeys(..)")
    }
}
