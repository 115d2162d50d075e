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
    RetryLimit, RtoFloor, SendRoom, SendingHabits, UserTimeoutFrom,
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
pub use udp::{UdpConfig, UdpOptions};
pub use windows::{Persist, ReceiveGrowth, ReceiveRoom, WindowTold, Windows};

/// The least [`Config::memory`]: room for a few connections.
const LEAST_MEMORY: usize = 16 * 1024;

/// The least [`TcpConfig::max_sent_records`].
const LEAST_SENT_RECORDS: usize = 16;

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

/// How a connection behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpConfig {
    /// The MSS that this host offers (RFC 9293 §3.7.1): the most octets of text that it takes in one
    /// segment. At least 1. Default `None`: as many as fit the MTU.
    pub mss: Option<u16>,
    /// The least MSS, in octets, with which this host sends, whatever the peer's MSS option says: a guard
    /// against tiny segments. Default 48.
    pub min_send_mss: u16,
    /// The largest capacity of the receive buffer, in octets: the most text that is received and not read.
    /// At least 1. Default 16 MiB: twice what 1 Gbit/s over 60 ms takes.
    pub receive_buffer: usize,
    /// The capacity with which the receive buffer starts, in octets. From there it grows up to
    /// `receive_buffer` as the path requires (dynamic right-sizing); if it is not less than
    /// `receive_buffer`, the size is fixed. At least 1. Default 512 KiB: a window that fits the default
    /// queue (500 packets) of a TUN interface, whose short round trips require no more.
    pub initial_receive_buffer: usize,
    /// The most octets that the window of our SYN or SYN-ACK offers, which is not scaled (RFC 7323 §2.2).
    /// Later segments offer what the buffer has room for. At least 1. Default 65,535.
    pub initial_receive_window: u16,
    /// Which windows are advertised, and how the receive buffer grows.
    pub windows: Windows,
    /// The largest capacity of the send buffer, in octets. At least 1. Default 8 MiB.
    pub send_buffer: usize,
    /// The capacity with which the send buffer starts, in octets. From there it grows up to `send_buffer`,
    /// so that it holds two congestion windows; if it is not less than `send_buffer`, the size is fixed. At
    /// least 1. Default 512 KiB.
    pub initial_send_buffer: usize,
    /// The rate of the fastest path, in octets per second: beyond `initial_send_buffer`, the send buffer
    /// grows to no more than such a path carries in two of the shortest round trips. On a path within one machine the
    /// congestion window also counts what the peer's user has not read yet, and a buffer that follows it no
    /// longer fits into the caches. `None`: no such limit. At least 1. Default 12.5e9, 100 Gbit/s, which only
    /// matters where the round trip is shorter than 0.3 ms.
    pub fastest_path: Option<u64>,
    /// The order of the options of a SYN, which makes no difference to a receiver. Default
    /// [`OptionLayout::TimestampsFirst`].
    pub option_layout: OptionLayout,
    /// How the path MTU is found.
    pub path_mtu: PathMtuConfig,
    /// Offer and accept window scaling (RFC 7323 §2). Default on.
    pub window_scaling: bool,
    /// Offer and accept timestamps (RFC 7323 §3). Default on.
    pub timestamps: bool,
    /// Offer and accept selective acknowledgments (RFC 2018). Default on.
    pub sack: bool,
    /// With SACK, report duplicates (D-SACK, RFC 2883). Default on.
    pub dsack: bool,
    /// The longest delay of an acknowledgment of text, less than 500 ms (RFC 9293 MUST-40). `None`:
    /// acknowledgments are not delayed. Default 40 ms.
    pub delayed_ack: Option<Duration>,
    /// For which acknowledgments Nagle's algorithm waits. Default [`Nagle::Everything`].
    pub nagle: Nagle,
    /// When the user timeout starts to run. Default [`UserTimeoutFrom::Transmission`].
    pub user_timeout_from: UserTimeoutFrom,
    /// Which segments have PSH. Default [`Push::QueueEnd`].
    pub push: Push,
    /// With [`Push::SendEnd`], a packet waits for the acknowledgment that is due only while less than the
    /// window divided by this number may be sent; 0: while no more than three segments may. As in Linux
    /// with `tcp_tso_win_divisor`. Default 3.
    pub gathered_parts: u32,
    /// How long, at the start of a connection, segments with text are acknowledged at once. Default
    /// [`QuickAcks::UntilSending`].
    pub quick_acks: QuickAcks,
    /// What else, besides more text and the end of `delayed_ack`, ends the delay of an acknowledgment.
    pub ack_waits: AckWaits,
    /// The RTO before the first RTT sample (RFC 6298 §2.1). Above zero. Default 1 s.
    pub initial_rto: Duration,
    /// The lower bound of the RTO. RFC 6298 §2.4 says 1 s. Default 200 ms, as in common stacks.
    pub min_rto: Duration,
    /// What `min_rto` is a lower bound of. Default [`RtoFloor::Whole`].
    pub rto_floor: RtoFloor,
    /// A constant added to every RTO but the first, after doubling. Default 0; FreeBSD has 200 ms.
    pub rto_slop: Duration,
    /// The upper bound of the RTO (RFC 6298 §2.5: at least 60 s). Default 120 s.
    pub max_rto: Duration,
    /// With SACK, detect losses by time (RACK, RFC 8985). Off, by how much has been reported beyond
    /// them (RFC 6675). Default on.
    pub rack: bool,
    /// With SACK, probe for the loss of the last segments of a flight (TLP, RFC 8985 §7). Default on.
    pub tail_loss_probe: bool,
    /// After a retransmission timeout, send new text to find out whether the timeout was
    /// spurious (F-RTO, RFC 5682). Default on.
    pub forward_rto: bool,
    /// For how long the peer may delay the acknowledgment of a single segment: TLP.max_ack_delay of RFC
    /// 8985 §7.2. Default 200 ms.
    pub peer_ack_delay: Duration,
    /// The most records of segments in the network. Beyond it, neighbouring records are merged, and losses are
    /// located less exactly. A record takes about 100 octets. At least 16. Default 16,384.
    pub max_sent_records: usize,
    /// R1: after this many retransmissions of one segment, the path is suspected (RFC 9293
    /// MUST-20, SHLD-10: at least 3). Default 3.
    pub r1: u32,
    /// R2 for data: after this many retransmissions of one segment, the connection is given up
    /// (RFC 9293 MUST-20, SHLD-11: at least 100 s of them). Default 15.
    pub r2: u32,
    /// R2 for our SYN (RFC 9293 MUST-23: at least 3 minutes of them). Default 7: given up after
    /// 247 s, since `max_rto` bounds the last interval.
    pub syn_retries: u32,
    /// Retransmissions of our SYN, before those of `syn_retries`, after which the timeout is not doubled.
    /// Default 0 (RFC 6298 §5.5). Linux has 4, and a `syn_retries` of 6: its SYNs are sent again
    /// after 1, 2, 3, 4, 5, 7, 11, 19, 35 and 67 s, and given up after 131 s.
    pub syn_linear_retries: u32,
    /// How often our SYN or SYN-ACK may be retransmitted before the initial window is reduced to one
    /// segment. Default 0 (RFC 6928 §2); Linux has 1, because the answer may just have been slow.
    pub syn_losses_forgiven: u32,
    /// R2 for the SYN-ACK of a passive open. Default 5: given up after 63 s.
    pub syn_ack_retries: u32,
    /// The segments of a passive open have the traffic class of its SYN, except for the ECN bits,
    /// whatever the listener's [`SocketOptions::traffic_class`] is, until the user sets another.
    /// Default off.
    pub reflects_traffic_class: bool,
    /// The ways in which it behaves like common hosts rather than as the RFCs say. Default: none.
    pub habits: Habits,
    /// MSL: how long a segment may live in the network (RFC 9293 §3.4.2: 2 minutes). Default
    /// 30 s, as in common stacks, so that TIME-WAIT lasts 60 s.
    pub msl: Duration,
    /// A reset does not end TIME-WAIT, because it may be an old duplicate (RFC 1337 §3, F1). Default
    /// on.
    pub time_wait_ignores_resets: bool,
    /// Which segments are accepted, where an RFC leaves that open or common hosts differ.
    pub acceptance: Acceptance,
    /// A reset in CLOSING or LAST-ACK is reported as an error, as in common stacks, because what was sent
    /// last may not have arrived. Off, it is not (RFC 9293 §3.10.7.4, second): both sides have closed, and
    /// the peer may have gone before its last acknowledgment got through. Default off.
    pub tells_late_resets: bool,
    /// What ends a connection prematurely, and who is told.
    pub endings: Endings,
    /// How long FIN-WAIT-2 may last once no user holds the connection. Zero: it is reset
    /// at once. `None`: for ever. Default 60 s.
    pub fin_wait_2_timeout: Option<Duration>,
    /// The keepalive parameters of a connection whose user turns keepalive on without choosing any. Whether
    /// keepalive is on is in [`SocketOptions::keepalive`].
    pub keepalive: Keepalive,
    /// The longest time between two probes of a zero window (RFC 9293 §3.8.6.1). Above zero.
    /// Default 60 s.
    pub max_persist: Duration,
    /// Once no user holds the connection, it is aborted after this many unanswered retransmissions or
    /// answered zero-window probes. Default 8.
    pub orphan_retries: u32,
    /// The initial congestion window, in segments. If the MSS exceeds 1,460 octets, it is no more octets than
    /// this many segments of 1,460, but at least two segments (RFC 6928 §2). Default 10.
    pub initial_window: u32,
    /// The longest burst, in segments. Unless the connection is paced, one acknowledgment lets out no more
    /// than it shows to have arrived plus this (or what the window lets out in a millisecond, if that is
    /// more); and after idleness no more than this leaves at once (RFC 6582 §3.2, step 3; RFC 4015 §3.1,
    /// step 9). `None`: as much as the window allows. Above zero. Default 10.
    pub max_burst: Option<u32>,
    /// After being idle for longer than the RTO, a connection starts again from the initial window (RFC
    /// 5681 §4.1). Default on.
    pub slow_start_after_idle: bool,
    /// The most segments by which one acknowledgment increases the congestion window in slow start. At
    /// least 1. `None`: 2, but 1 while a timeout is repaired (RFC 3465 §2.3), and 8 in CUBIC's first slow start (RFC
    /// 9406 §4.2). Default `None`; Linux has no limit.
    pub slow_start_limit: Option<u32>,
    /// CUBIC's first slow start may end before anything is lost (HyStart++, RFC 9406). Default on.
    pub hystart: bool,
    /// When the congestion window counts as being in use. Default [`WindowUse::InFlight`].
    pub window_use: WindowUse,
    /// The congestion controller. Default [`CongestionControl::Cubic`] (RFC 9438 §1).
    pub congestion_control: CongestionControl,
    /// Congestion window validation (RFC 7661), for Reno, CUBIC and DCTCP: a congestion window that is not
    /// in use is kept for five minutes and then halved; a loss leaves half of the part that was in use; and
    /// a connection does not start again from the initial window after idleness. Default off, since RFC
    /// 7661 is experimental.
    pub window_validation: bool,
    /// Pacing: whether and how what is sent is spread over time.
    pub pacing: PacingConfig,
    /// Explicit congestion notification.
    pub ecn: EcnConfig,
    /// Header prediction: expected segments take a fast path, with the same result. Default on; turn it off
    /// to compare the two.
    pub header_prediction: bool,
    /// The least time between two challenge ACKs of one connection, or two ACKs in answer to unacceptable
    /// segments without text (RFC 5961 §7). Default 500 ms.
    pub challenge_interval: Duration,
    /// Fast Open without cookies: text is sent on SYNs, and accepted on SYNs from any host (the
    /// cookies of RFC 7413 §3 prevent that). Default off.
    pub fast_open_without_cookie: bool,
    /// The ISS of every connection, instead of an unpredictable one (RFC 6528). Only for
    /// simulations and model checkers: on a real network, an attacker could guess sequence
    /// numbers. Default `None`.
    pub fixed_iss: Option<u32>,
    /// The most ranges of text held beyond a gap. Beyond it, the farthest is dropped. At least 1. Default
    /// 512.
    pub max_out_of_order_ranges: usize,
    /// The peers with which segments are signed with MD5 (RFC 2385), and the keys. Default: none.
    pub signatures: SignatureKeys,
    /// The options that a user may change on an open socket.
    pub socket: SocketOptions,
}

impl Default for TcpConfig {
    fn default() -> TcpConfig {
        TcpConfig {
            mss: None,
            min_send_mss: 48,
            receive_buffer: 16 * 1024 * 1024,
            initial_receive_buffer: 512 * 1024,
            initial_receive_window: u16::MAX,
            windows: Windows::default(),
            send_buffer: 8 * 1024 * 1024,
            initial_send_buffer: 512 * 1024,
            fastest_path: Some(12_500_000_000),
            option_layout: OptionLayout::TimestampsFirst,
            path_mtu: PathMtuConfig::default(),
            window_scaling: true,
            timestamps: true,
            sack: true,
            dsack: true,
            delayed_ack: Some(Duration::from_millis(40)),
            nagle: Nagle::Everything,
            user_timeout_from: UserTimeoutFrom::Transmission,
            push: Push::QueueEnd,
            gathered_parts: 3,
            quick_acks: QuickAcks::UntilSending,
            ack_waits: AckWaits::default(),
            initial_rto: Duration::from_secs(1),
            min_rto: Duration::from_millis(200),
            rto_slop: Duration::ZERO,
            max_rto: Duration::from_secs(120),
            rto_floor: RtoFloor::Whole,
            rack: true,
            tail_loss_probe: true,
            forward_rto: true,
            peer_ack_delay: Duration::from_millis(200),
            max_sent_records: 16_384,
            r1: 3,
            r2: 15,
            syn_retries: 7,
            syn_linear_retries: 0,
            syn_losses_forgiven: 0,
            syn_ack_retries: 5,
            reflects_traffic_class: false,
            habits: Habits::default(),
            msl: Duration::from_secs(30),
            time_wait_ignores_resets: true,
            acceptance: Acceptance::default(),
            tells_late_resets: false,
            endings: Endings::default(),
            fin_wait_2_timeout: Some(Duration::from_secs(60)),
            keepalive: Keepalive::default(),
            max_persist: Duration::from_secs(60),
            orphan_retries: 8,
            initial_window: 10,
            max_burst: Some(10),
            slow_start_after_idle: true,
            slow_start_limit: None,
            hystart: true,
            window_use: WindowUse::InFlight,
            congestion_control: CongestionControl::Cubic,
            window_validation: false,
            pacing: PacingConfig::default(),
            ecn: EcnConfig::default(),
            header_prediction: true,
            challenge_interval: Duration::from_millis(500),
            fast_open_without_cookie: false,
            fixed_iss: None,
            max_out_of_order_ranges: 512,
            signatures: SignatureKeys::default(),
            socket: SocketOptions::default(),
        }
    }
}

impl TcpConfig {
    /// Checks that every value is in its range, and that the values make sense together.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.path_mtu.validate()?;
        self.windows.validate()?;
        self.endings.validate()?;
        let positive = [
            (self.receive_buffer, "receive_buffer"),
            (self.initial_receive_buffer, "initial_receive_buffer"),
            (
                usize::from(self.initial_receive_window),
                "initial_receive_window",
            ),
            (self.send_buffer, "send_buffer"),
            (self.initial_send_buffer, "initial_send_buffer"),
            (self.fastest_path.unwrap_or(1) as usize, "fastest_path"),
            (self.max_out_of_order_ranges, "max_out_of_order_ranges"),
            (usize::from(self.mss.unwrap_or(1)), "mss"),
            (usize::from(self.min_send_mss), "min_send_mss"),
            (self.initial_window as usize, "initial_window"),
            (self.max_burst.unwrap_or(1) as usize, "max_burst"),
            (self.ecn.attempts as usize, "ecn.attempts"),
            (self.ecn.classic_attempts as usize, "ecn.classic_attempts"),
            (
                self.slow_start_limit.unwrap_or(1) as usize,
                "slow_start_limit",
            ),
            (self.max_persist.as_nanos().min(1) as usize, "max_persist"),
        ];
        if let Some((_, name)) = positive.iter().find(|(value, _)| *value == 0) {
            return Err(ConfigError::Zero(name));
        }
        if self.max_sent_records < LEAST_SENT_RECORDS {
            return Err(ConfigError::SentRecords);
        }
        // RFC 7323 §2.3: a window is less than 2^30 octets.
        if self.receive_buffer >= 1 << 30 || self.send_buffer >= 1 << 30 {
            return Err(ConfigError::BufferTooLarge);
        }
        let least = self.min_rto.min(self.initial_rto);
        if least.is_zero() || self.min_rto > self.max_rto {
            return Err(ConfigError::RtoBounds);
        }
        // RFC 9293 MUST-40.
        if self
            .delayed_ack
            .is_some_and(|delay| delay >= Duration::from_millis(500))
        {
            return Err(ConfigError::DelayedAck);
        }
        self.keepalive.validate()?;
        self.socket.validate()?;
        self.pacing.validate()
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
