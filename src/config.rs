//! Every setting of the stack: its meaning, unit, default, limits, and the RFC section that it follows.
//!
//! Later versions may add settings, and variants to the enums. So build a struct from its defaults, as in
//! `TcpConfig { receive_buffer: 1 << 20, ..TcpConfig::default() }`, and do not match an enum exhaustively.

mod acceptance;
mod bounds;
mod congestion;
mod ecn;
mod endings;
mod error;
mod habits;
mod handshakes;
mod icmp;
mod keepalive;
mod opening;
mod path_mtu;
mod resets;
mod signatures;
mod socket;
mod strangers;
mod tcp;
mod udp;
mod windows;

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

pub use acceptance::{Acceptance, UrgentPointer};
pub use bounds::TimerBounds;
pub use congestion::{
    CongestionControl, Pacing, PacingConfig, UnknownCongestionControl, WindowUse,
};
pub use ecn::{EcnConfig, EcnMode, EcnOptions};
pub use endings::Endings;
pub use error::ConfigError;
pub use habits::{
    AckWaits, CongestionHabits, Habits, HoldSacks, Nagle, Push, QuickAcks, RecoveryHabits,
    RetryLimit, RtoFloor, SendRoom, SendingHabits, SlowStartSigns, UserTimeoutFrom,
};
pub use handshakes::Handshakes;
pub use icmp::IcmpTrust;
pub use keepalive::Keepalive;
pub use opening::{FastOpenConfig, FastOpenKeys, ListenerConfig, OptionLayout, SynCookies};
pub use path_mtu::{MtuProbing, PathMtuConfig};
pub use resets::Resets;
pub use signatures::{SignatureKey, SignatureKeyError, SignatureKeys};
pub use socket::{FlowLabel, SocketOptions};
pub use strangers::{ClosedPorts, Strangers};
pub use tcp::TcpConfig;
pub use udp::{UdpConfig, UdpOptions};
pub use windows::{Persist, ReceiveGrowth, ReceiveRoom, WindowTold, Windows};

/// The least [`Config::memory`]: room for a few connections.
const LEAST_MEMORY: usize = 16 * 1024;

/// How a stack behaves. [`Config::new`] takes the addresses of the host; every other field has a
/// default.
///
/// ```
/// use std::time::Duration;
/// use stubborn::config::{Config, CongestionControl, Keepalive};
///
/// let mut config = Config::new(["192.0.2.1".parse()?, "2001:db8::1".parse()?]);
/// config.memory = 64 << 20;
/// config.tcp.congestion_control = CongestionControl::Bbr;
/// config.tcp.socket.keepalive = Some(Keepalive {
///     idle: Duration::from_secs(60),
///     ..Keepalive::default()
/// });
/// config.validate()?;
///
/// config.mtu = 1000; // too small for IPv6
/// assert!(config.validate().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The addresses of this host; at least one, each unicast.
    pub addresses: Vec<IpAddr>,
    /// The broadcast addresses of the interface's network, besides 255.255.255.255: for 192.0.2.1/24 it is
    /// 192.0.2.255 (RFC 919). Default: none.
    pub broadcasts: Vec<Ipv4Addr>,
    /// The most groups that sockets may have joined at once. Default 1,024.
    pub max_groups: usize,
    /// The longest datagram to send, in octets, IP header included. At least 68 (IPv4) or 1280
    /// (IPv6). Default 1500.
    pub mtu: usize,
    /// TTL (IPv4) or hop limit (IPv6) of the datagrams that this host sends (RFC 9293 MUST-49). At least 1,
    /// because a datagram with a TTL of 0 must not be sent (RFC 1122 §3.2.1.7). Default 64.
    pub hop_limit: u8,
    /// IPv4: each segment of a connection, even a retransmission, gets its own identification, as in
    /// common stacks. It starts at an unpredictable value and counts the segments of this connection
    /// only. Off, it is 0, since a datagram that must not be fragmented needs none (RFC 6864 §4.1).
    /// Default on.
    pub identifies_segments: bool,
    /// The first and the last of the local ports for connections that do not ask for one (RFC 6056).
    /// Default 32768 and 60999.
    pub ephemeral_ports: (u16, u16),
    /// How every connection behaves, unless its listener or its user says otherwise.
    pub tcp: TcpConfig,
    /// How UDP sockets behave.
    pub udp: UdpConfig,
    /// The most connections at once, counting every state. Beyond it, SYNs are dropped and active OPENs
    /// fail; `memory` may be a tighter bound. At least 1. Default 262,144.
    pub max_connections: usize,
    /// The most handshakes under way at one listener. Beyond it, SYNs are answered with a cookie, or
    /// dropped. Default 4,096.
    pub max_half_open: usize,
    /// TCP Fast Open, for connections and listeners that ask for it.
    pub fast_open: FastOpenConfig,
    /// When a SYN is answered with a SYN cookie. Default [`SynCookies::WhenFull`].
    pub syn_cookies: SynCookies,
    /// Closing a listener resets its handshakes under way. Off, as in Linux, they are forgotten, and
    /// their peers get a reset when they answer. Default on.
    pub resets_handshakes: bool,
    /// How to answer segments and datagrams that belong to no connection or socket.
    pub strangers: Strangers,
    /// The most connections in TIME-WAIT. Beyond it, the oldest gives way. Default 65,536.
    pub max_time_wait: usize,
    /// The most destinations whose path MTU is remembered. Beyond it, the oldest is forgotten.
    /// Default 4,096.
    pub max_paths: usize,
    /// The memory budget: the most octets that connections, UDP queues and fragments take together, except
    /// for the 2 KiB in each direction that every connection may have, and one datagram in each queue.
    /// [`Stack::memory_in_use`](crate::stack::Stack::memory_in_use) says what counts and what happens when
    /// memory runs short. At least 16 KiB. Default 1 GiB: room for some 185,000 connections without text.
    pub memory: usize,
    /// After this much silence, a connection in TIME-WAIT gives way to an active OPEN with the same
    /// addresses and ports, if timestamps can tell its old segments from new ones (RFC 6191 §2). `None`:
    /// it never does. Default 1 s, as in common stacks.
    pub time_wait_reuse: Option<Duration>,
    /// The largest receive buffer, in octets, that `SO_RCVBUF` gives a socket of [`bsd`](crate::bsd)
    /// (`rmem_max` of Linux); `SO_RCVBUFFORCE` may exceed it. Default 2^30 - 1, the largest possible.
    pub most_receive_buffer: usize,
    /// The same for `SO_SNDBUF` (`wmem_max`) and `SO_SNDBUFFORCE`.
    pub most_send_buffer: usize,
    /// How long a thread that waits for the network polls before it sleeps, like `net.core.busy_poll` of
    /// Linux: the answer to what it has just sent may come sooner than the thread could be woken. It yields
    /// the processor in between, and where polling does not help, up to 15 of 16 waits sleep at once. While
    /// several connections come and go at the same time, every thread that waits for a connection or listener
    /// polls, and four times as long. At most 1 s; 0: no thread polls. Default 50 µs.
    pub busy_poll: Duration,
    /// The most resets that answer segments of no connection, and likewise the most ICMP messages, that are
    /// sent per second (token buckets with a jittered burst). One address gets at most half of
    /// them. Default 1,000.
    pub replies_per_second: u32,
}

impl Config {
    /// A host with these addresses and every default.
    pub fn new(addresses: impl Into<Vec<IpAddr>>) -> Config {
        Config {
            addresses: addresses.into(),
            broadcasts: Vec::new(),
            max_groups: 1_024,
            mtu: 1500,
            hop_limit: 64,
            identifies_segments: true,
            ephemeral_ports: (32768, 60999),
            tcp: TcpConfig::default(),
            udp: UdpConfig::default(),
            max_connections: 262_144,
            max_half_open: 4_096,
            fast_open: FastOpenConfig::default(),
            syn_cookies: SynCookies::default(),
            resets_handshakes: true,
            strangers: Strangers::default(),
            max_time_wait: 65_536,
            time_wait_reuse: Some(Duration::from_secs(1)),
            max_paths: 4_096,
            memory: 1 << 30,
            most_receive_buffer: (1 << 30) - 1,
            most_send_buffer: (1 << 30) - 1,
            busy_poll: Duration::from_micros(50),
            replies_per_second: 1_000,
        }
    }

    /// The configuration of one of the `shards` stacks that form a host: the limits of the whole host are
    /// divided among them; those of single connections and sockets stay as they are.
    ///
    /// # Panics
    /// If `shards` is 0.
    #[must_use]
    pub fn part(&self, shards: usize) -> Config {
        let per_second = u64::from(self.replies_per_second).div_ceil(shards as u64);
        Config {
            max_connections: self.max_connections.div_ceil(shards),
            max_half_open: self.max_half_open.div_ceil(shards),
            max_time_wait: self.max_time_wait.div_ceil(shards),
            memory: self.memory / shards,
            replies_per_second: per_second as u32,
            ..self.clone()
        }
    }

    /// Whether `address` cannot be a broadcast address: it is one of ours, or could not be a host's
    /// either.
    fn is_one_hosts(&self, address: Ipv4Addr) -> bool {
        let address = IpAddr::V4(address);
        self.addresses.contains(&address) || !can_be_own(address)
    }

    /// Checks that every value is in its range, and that the values make sense together.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.addresses.is_empty() {
            return Err(ConfigError::NoAddress);
        }
        if let Some(address) = self.addresses.iter().find(|it| !can_be_own(**it)) {
            return Err(ConfigError::NotUnicast(*address));
        }
        if let Some(host) = self.broadcasts.iter().find(|it| self.is_one_hosts(**it)) {
            return Err(ConfigError::NotBroadcast(*host));
        }
        let least = match self.addresses.iter().any(IpAddr::is_ipv6) {
            true => 1280,
            false => 68,
        };
        if self.mtu < least || self.mtu > 65_535 {
            return Err(ConfigError::Mtu {
                mtu: self.mtu,
                least,
            });
        }
        let sockets = [self.tcp.socket.hop_limit, self.udp.socket.hop_limit];
        if self.hop_limit == 0 || sockets.contains(&Some(0)) {
            return Err(ConfigError::Zero("hop_limit"));
        }
        if self.max_connections == 0 {
            return Err(ConfigError::Zero("max_connections"));
        }
        if self.memory < LEAST_MEMORY {
            return Err(ConfigError::Memory);
        }
        if self.ephemeral_ports.0 == 0 || self.ephemeral_ports.0 > self.ephemeral_ports.1 {
            return Err(ConfigError::EphemeralPorts);
        }
        if self.busy_poll > Duration::from_secs(1) {
            return Err(ConfigError::BusyPoll);
        }
        self.fast_open.validate()?;
        self.tcp.validate()
    }
}

/// Whether a host that is reachable from other hosts may have this address. A loopback address
/// never appears outside a host (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), and an IPv4 address mapped
/// into IPv6 on no wire (RFC 6890 §2.2.3).
fn can_be_own(address: IpAddr) -> bool {
    let is_many = address.is_unspecified() || address.is_multicast();
    let is_special = match address {
        IpAddr::V4(v4) => v4.is_broadcast(),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_some(),
    };
    !(is_many || is_special || address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a configuration that `change` has modified.
    fn refused(change: impl FnOnce(&mut Config)) -> Option<ConfigError> {
        let mut config = Config::new([IpAddr::from([10, 0, 0, 1])]);
        change(&mut config);
        config.validate().err()
    }

    #[test]
    fn what_a_host_cannot_do_is_refused() {
        assert_eq!(refused(|_| {}), None);
        let mtu = |mtu| Some(ConfigError::Mtu { mtu, least: 68 });
        let zero = |name| Some(ConfigError::Zero(name));
        let rows: [(fn(&mut Config), _); 12] = [
            (|it| it.addresses.clear(), Some(ConfigError::NoAddress)),
            (|it| it.mtu = 67, mtu(67)),
            (|it| it.mtu = 65_536, mtu(65_536)),
            (|it| it.hop_limit = 0, zero("hop_limit")),
            (|it| it.tcp.socket.hop_limit = Some(0), zero("hop_limit")),
            (|it| it.udp.socket.hop_limit = Some(0), zero("hop_limit")),
            (|it| it.max_connections = 0, zero("max_connections")),
            (|it| it.memory = 16 * 1024 - 1, Some(ConfigError::Memory)),
            (
                |it| it.ephemeral_ports = (0, 9),
                Some(ConfigError::EphemeralPorts),
            ),
            (
                |it| it.ephemeral_ports = (9, 8),
                Some(ConfigError::EphemeralPorts),
            ),
            (
                |it| it.busy_poll = Duration::from_millis(1_001),
                Some(ConfigError::BusyPoll),
            ),
            (|it| it.fast_open.cookies = 0, zero("fast_open.cookies")),
        ];
        for (row, (change, expected)) in rows.into_iter().enumerate() {
            assert_eq!(refused(change), expected, "row {row}");
        }
    }

    #[test]
    fn what_is_no_broadcast_is_refused() {
        for host in [[10, 0, 0, 1], [224, 0, 0, 1], [127, 0, 0, 1], [0; 4]] {
            let expected = Some(ConfigError::NotBroadcast(host.into()));
            assert_eq!(refused(|it| it.broadcasts.push(host.into())), expected);
        }
        let network = Ipv4Addr::new(10, 0, 0, 255);
        assert_eq!(refused(|it| it.broadcasts.push(network)), None);
    }

    #[test]
    fn what_is_no_address_of_a_host_is_refused() {
        for text in [
            "0.0.0.0",
            "127.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "ff02::1",
            "::ffff:10.0.0.2",
        ] {
            let address: IpAddr = text.parse().unwrap();
            let expected = Some(ConfigError::NotUnicast(address));
            assert_eq!(refused(|it| it.addresses.push(address)), expected);
        }
    }

    /// Configurations with which a connection would never send, accept, end or rest.
    #[test]
    fn what_a_connection_cannot_do_is_refused() {
        let zero = |name| Some(ConfigError::Zero(name));
        let rows: [(fn(&mut TcpConfig), _); 13] = [
            (
                |it| it.initial_rto = Duration::ZERO,
                Some(ConfigError::RtoBounds),
            ),
            (
                |it| it.min_rto = Duration::ZERO,
                Some(ConfigError::RtoBounds),
            ),
            (
                |it| it.max_rto = it.min_rto / 2,
                Some(ConfigError::RtoBounds),
            ),
            (|it| it.slow_start_limit = Some(0), zero("slow_start_limit")),
            (|it| it.max_burst = Some(0), zero("max_burst")),
            (
                |it| it.windows.persist = Persist::AtLeast(Duration::ZERO),
                zero("windows.persist"),
            ),
            (
                |it| it.endings.opening_timeout = Some(Duration::ZERO),
                zero("endings.opening_timeout"),
            ),
            (
                |it| it.send_buffer = 1 << 30,
                Some(ConfigError::BufferTooLarge),
            ),
            (
                |it| it.keepalive.interval = Duration::ZERO,
                zero("keepalive.interval"),
            ),
            (
                |it| {
                    it.socket.keepalive = Some(Keepalive {
                        count: 0,
                        ..Keepalive::default()
                    });
                },
                zero("keepalive.count"),
            ),
            (|it| it.socket.window_clamp = Some(0), zero("window_clamp")),
            (
                |it| it.socket.user_timeout = Some(Duration::ZERO),
                zero("user_timeout"),
            ),
            (
                |it| it.pacing.quantum = Duration::ZERO,
                zero("pacing.quantum"),
            ),
        ];
        for (row, (change, expected)) in rows.into_iter().enumerate() {
            let found = refused(|config| change(&mut config.tcp));
            assert_eq!(found, expected, "row {row}");
        }
    }
}
