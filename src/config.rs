//! Every tunable of the stack: its meaning, unit, default, limits and the RFC section it follows.

mod acceptance;
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

use core::net::IpAddr;
use core::time::Duration;

pub use acceptance::Acceptance;
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

/// How a stack behaves. Made by [`Config::new`] with the addresses it answers to; every other
/// field has a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The addresses of this host; at least one, each unicast.
    pub addresses: Vec<IpAddr>,
    /// The longest datagram to send, in octets, IP header included. At least 68 (IPv4) or 1280
    /// (IPv6). Default 1500.
    pub mtu: usize,
    /// TTL and hop limit of what is sent (RFC 9293 MUST-49), from 1: a datagram with none left must
    /// not be sent (RFC 1122 §3.2.1.7). Default 64.
    pub hop_limit: u8,
    /// IPv4: every segment of a connection has an identification of its own, what is sent again
    /// too, as common stacks have it. It begins anywhere, and counts what this connection sends and
    /// nothing else. Off, it is 0: what must not be fragmented needs none (RFC 6864 §4.1). Default
    /// on.
    pub identifies_segments: bool,
    /// Local ports for connections that ask for none (RFC 6056): first and last. Default
    /// 32768 to 60999.
    pub ephemeral_ports: (u16, u16),
    /// How every connection behaves, unless its listener or its user says otherwise.
    pub tcp: TcpConfig,
    /// UDP sockets.
    pub udp: UdpConfig,
    /// The most connections at once, in every state. Beyond it SYNs are dropped and connects
    /// refused; `memory` may be a tighter bound. From 1. Default 262,144.
    pub max_connections: usize,
    /// The most connections of one listener whose handshake is under way; beyond it SYNs are
    /// answered with a cookie, or dropped. Default 4,096.
    pub max_half_open: usize,
    /// TCP Fast Open, for those who ask for it.
    pub fast_open: FastOpenConfig,
    /// When SYNs are answered with a cookie. Default [`SynCookies::WhenFull`].
    pub syn_cookies: SynCookies,
    /// Who closes a listener resets its handshakes under way, too. Off, they are forgotten, and
    /// what their peers answer is reset, as Linux does. Default on.
    pub resets_handshakes: bool,
    /// What is told to those who have no connection.
    pub strangers: Strangers,
    /// The most connections in TIME-WAIT; beyond it the oldest gives way. Default 65,536.
    pub max_time_wait: usize,
    /// The most destinations whose path MTU is remembered; beyond it the oldest is forgotten.
    /// Default 4,096.
    pub max_paths: usize,
    /// The most octets that connections, UDP queues and fragments take together, but for the 2 KiB each
    /// way that a connection may have in any case, and one datagram in each queue; [`Stack::memory_in_use`](crate::stack::Stack::memory_in_use) says what counts, and what
    /// happens when it runs short. At least 16 KiB. Default 1 GiB: room for some 185,000 connections without text.
    pub memory: usize,
    /// A connection that has been silent in TIME-WAIT for so long, and whose timestamps tell old
    /// segments from new ones, gives way to an active OPEN of the same addresses and ports (RFC
    /// 6191 §2). `None`: it does not. Default 1 s, as common stacks have it.
    pub time_wait_reuse: Option<Duration>,
    /// How long a thread that waits for the network looks again and again before it sleeps, as
    /// `net.core.busy_poll` has it: the answer to what it has sent may be nearer than the time it
    /// takes to be woken. Others get the processor in between; and where it does not help, up to 15 of
    /// 16 waits sleep at once. While connections come and go side by side, all that wait for something of a
    /// connection or a listener look, and four times as long. At most 1 s; 0: all of them sleep at once. Default
    /// 50 µs.
    pub busy_poll: Duration,
    /// Resets sent to strangers and ICMP messages sent, a second, each (a token bucket with a
    /// jittered burst); one stranger gets half of them at most. Default 1,000.
    pub replies_per_second: u32,
}

impl Config {
    /// A host with these addresses and every default.
    pub fn new(addresses: impl Into<Vec<IpAddr>>) -> Config {
        Config {
            addresses: addresses.into(),
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
            busy_poll: Duration::from_micros(50),
            replies_per_second: 1_000,
        }
    }

    /// What one of `shards` stacks may use that are one host together: the limits of the host are
    /// shared out, those of single connections and sockets stay.
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

    /// Whether the values make sense together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.addresses.is_empty() {
            return Err(ConfigError::NoAddress);
        }
        if let Some(address) = self.addresses.iter().find(|it| !can_be_own(**it)) {
            return Err(ConfigError::NotUnicast(*address));
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
    /// The longest text this host takes in one segment, in octets; `None`: what the MTU has room
    /// for. It is what the MSS option says (RFC 9293 §3.7.1). Any value from 1.
    pub mss: Option<u16>,
    /// The least text a segment is cut to, whatever the peer's MSS option says: a guard against
    /// tiny segments. Default 48.
    pub min_send_mss: u16,
    /// The largest capacity of the receive buffer, in octets, from 1. Never more than this is
    /// received and not read. Default 16 MiB: the window for 1 Gbit/s over 60 ms.
    pub receive_buffer: usize,
    /// What the capacity of the receive buffer starts with, in octets, from 1; from there it grows
    /// to `receive_buffer` as the path asks for it (dynamic right-sizing). Not below
    /// `receive_buffer`: the size is fixed. Default 512 KiB: a window that fits the default queue
    /// (500 packets) of a TUN interface, whose round trips are too short to ask for more.
    pub initial_receive_buffer: usize,
    /// The most that the window of our SYN or SYN-ACK offers, in octets, from 1: it is not scaled
    /// (RFC 7323 §2.2). What follows offers what the buffer has room for. Default 65,535.
    pub initial_receive_window: u16,
    /// Which windows are told, and how the receive buffer grows.
    pub windows: Windows,
    /// The largest capacity of the send buffer, in octets, from 1. Default 8 MiB.
    pub send_buffer: usize,
    /// What the capacity of the send buffer starts with, in octets, from 1; from there it grows to
    /// `send_buffer` with the congestion window, of which it holds two. Not below `send_buffer`:
    /// the size is fixed. Default 512 KiB.
    pub initial_send_buffer: usize,
    /// The fastest that a path may be, in octets a second, from 1; `None`: any. What it would carry in
    /// two of the shortest round trips is the most that the send buffer grows to, beyond
    /// `initial_send_buffer`. On a path within one machine the congestion window grows with what the
    /// peer's user has not read yet, and no cache holds all that. Default 12.5e9, 100 Gbit/s: it
    /// makes a difference where a round trip takes less than 0.3 ms.
    pub fastest_path: Option<u64>,
    /// The order of the options of a SYN, which no receiver must care about. Default
    /// [`OptionLayout::TimestampsFirst`].
    pub option_layout: OptionLayout,
    /// How the path MTU is found.
    pub path_mtu: PathMtuConfig,
    /// Offer and take window scaling (RFC 7323 §2). Default on.
    pub window_scaling: bool,
    /// Offer and take timestamps (RFC 7323 §3). Default on.
    pub timestamps: bool,
    /// Offer and take selective acknowledgments (RFC 2018). Default on.
    pub sack: bool,
    /// With SACK, report what came twice (RFC 2883). Default on.
    pub dsack: bool,
    /// The most an acknowledgment of data waits (RFC 9293 MUST-40: under 500 ms); `None`: never
    /// wait. Default 40 ms.
    pub delayed_ack: Option<Duration>,
    /// What Nagle's algorithm waits for. Default [`Nagle::Everything`].
    pub nagle: Nagle,
    /// From when the user timeout counts. Default [`UserTimeoutFrom::Transmission`].
    pub user_timeout_from: UserTimeoutFrom,
    /// Where PSH is set. Default [`Push::QueueEnd`].
    pub push: Push,
    /// How long segments with text are acknowledged at once at the start of a connection. Default
    /// [`QuickAcks::UntilSending`].
    pub quick_acks: QuickAcks,
    /// What an acknowledgment waits for, beside more text and the end of `delayed_ack`.
    pub ack_waits: AckWaits,
    /// RTO before the first RTT sample (RFC 6298 §2.1). Above zero. Default 1 s.
    pub initial_rto: Duration,
    /// The least RTO. RFC 6298 §2.4 says 1 s; like the common stacks of today, 200 ms by default.
    pub min_rto: Duration,
    /// What `min_rto` bounds. Default [`RtoFloor::Whole`].
    pub rto_floor: RtoFloor,
    /// What stands on top of every RTO but the first, and is not doubled. Default 0; FreeBSD has
    /// 200 ms.
    pub rto_slop: Duration,
    /// The most RTO (RFC 6298 §2.5: at least 60 s). Default 120 s.
    pub max_rto: Duration,
    /// With SACK, find losses by time (RFC 8985, RACK); otherwise by what has been reported beyond
    /// them (RFC 6675). Default on.
    pub rack: bool,
    /// With SACK, probe for the loss of the last segments of a flight (RFC 8985 §7). Default on.
    pub tail_loss_probe: bool,
    /// After a retransmission timeout send something new, to find out whether it was
    /// spurious (F-RTO, RFC 5682). Default on.
    pub forward_rto: bool,
    /// How long the peer may delay the acknowledgment of a single segment: TLP.max_ack_delay of RFC
    /// 8985 §7.2. Default 200 ms.
    pub peer_ack_delay: Duration,
    /// A loss reduces the whole congestion window, as RFC 9438 §4.6 allows and Linux does; otherwise
    /// what of it was in use (RFC 5681 §3.1, equation 4). Default off.
    pub reduces_whole_window: bool,
    /// ssthresh and CUBIC's curve go by whole segments, the curve rounded towards where it is flat, and
    /// the acknowledgment that ends a recovery counts, as in Linux: the window begins to rise a little
    /// earlier. Default off: RFC 5681 and RFC 9438 to the octet.
    pub window_in_segments: bool,
    /// Records of what is in the network, from 16: beyond it neighbours become one, and losses are
    /// found less exactly. A record has about 100 octets. Default 16,384.
    pub max_sent_records: usize,
    /// R1: after so many retransmissions of one segment the path is suspected (RFC 9293
    /// MUST-20, SHLD-10: at least 3). Default 3.
    pub r1: u32,
    /// R2 for data: after so many retransmissions of one segment the connection is given up
    /// (RFC 9293 MUST-20, SHLD-11: at least 100 s of them). Default 15.
    pub r2: u32,
    /// R2 for our SYN (RFC 9293 MUST-23: at least 3 minutes of them). Default 7: given up after
    /// 247 s, since `max_rto` bounds the last interval.
    pub syn_retries: u32,
    /// So many retransmissions of our SYN come before those of `syn_retries`, and after each of
    /// them the wait stays what it was. Default 0, as RFC 6298 §5.5 has it; Linux has 4, and 6
    /// `syn_retries`: after 1, 2, 3, 4, 5, 7, 11, 19, 35 and 67 s, given up after 131 s.
    pub syn_linear_retries: u32,
    /// So many retransmissions of our SYN, or SYN-ACK, leave the initial window what it is; one more, and
    /// it is a single segment. Default 0 (RFC 6928 §2); Linux has 1, since the answer may just have
    /// been slow.
    pub syn_losses_forgiven: u32,
    /// R2 for the SYN-ACK of a passive open. Default 5: given up after 63 s.
    pub syn_ack_retries: u32,
    /// Where it is like common hosts, and not as its RFCs have it. Default: nowhere.
    pub habits: Habits,
    /// MSL: how long a segment may live in the network (RFC 9293 §3.4.2: 2 minutes). Default
    /// 30 s, as common stacks have it: TIME-WAIT lasts 60 s.
    pub msl: Duration,
    /// A reset does not end TIME-WAIT (RFC 1337 §3, F1), so that an old duplicate cannot. Default
    /// on.
    pub time_wait_ignores_resets: bool,
    /// Which segments are believed, where an RFC leaves that open or others do otherwise.
    pub acceptance: Acceptance,
    /// A reset in CLOSING or LAST-ACK is an error, as on the common stacks: what was sent last may
    /// not have arrived. Off, it is none (RFC 9293 §3.10.7.4, second): the user has closed, the peer
    /// too, and may have gone before its last acknowledgment got through. Default off.
    pub tells_late_resets: bool,
    /// What ends a connection before its time, and who hears of it.
    pub endings: Endings,
    /// How long FIN-WAIT-2 may last once the user has let go of the connection; zero: it is reset
    /// at once; `None`: for ever. Default 60 s.
    pub fin_wait_2_timeout: Option<Duration>,
    /// How an idle connection is probed whose user turns that on and says no more. Whether it is
    /// probed is in `socket`.
    pub keepalive: Keepalive,
    /// The longest time between two probes of a zero window (RFC 9293 §3.8.6.1). Above zero.
    /// Default 60 s.
    pub max_persist: Duration,
    /// Once the user has let go of the connection: after so many unanswered retransmissions or
    /// answered zero-window probes it is aborted. Default 8.
    pub orphan_retries: u32,
    /// The initial congestion window, in segments; of segments longer than 1,460 octets, as many as
    /// take no more than these of 1,460 would, or two (RFC 6928 §2). Default 10.
    pub initial_window: u32,
    /// An acknowledgment lets out so many segments more than it shows to have arrived, or what the window
    /// lets out in a millisecond if that is more, unless they are paced; and so many leave after an idle
    /// time (RFC 6582 §3.2, step 3; RFC 4015 §3.1, step 9). `None`: as many as the window allows. Above
    /// zero. Default 10.
    pub max_burst: Option<u32>,
    /// After an idle time of more than RTO, slow start begins again from the initial window (RFC
    /// 5681 §4.1). Default on.
    pub slow_start_after_idle: bool,
    /// In slow start, by how many segments at most one acknowledgment makes the congestion window
    /// grow, from 1. `None`: by 2, by 1 while a timeout is repaired (RFC 3465 §2.3), in CUBIC's first by 8 (RFC
    /// 9406 §4.2). Default `None`; Linux knows no limit.
    pub slow_start_limit: Option<u32>,
    /// CUBIC's first slow start may end before anything is lost (HyStart++, RFC 9406). Default on.
    pub hystart: bool,
    /// What says that the congestion window is in use. Default [`WindowUse::InFlight`].
    pub window_use: WindowUse,
    /// Who decides how much may be in flight. Default [`CongestionControl::Cubic`] (RFC 9438 §1).
    pub congestion_control: CongestionControl,
    /// Whether a congestion window that is not used stays for five minutes, and is then halved, and
    /// a loss leaves half of what was used of it (RFC 7661); then an idle time does not end with
    /// the initial window (RFC 5681 §4.1). For Reno, CUBIC and DCTCP. Default: no, since RFC 7661
    /// is experimental.
    pub window_validation: bool,
    /// Whether and how fast what is sent is spread over time.
    pub pacing: PacingConfig,
    /// Explicit congestion notification.
    pub ecn: EcnConfig,
    /// Segments that were expected are taken by a shorter way, to the same result (header
    /// prediction). Default on; off is for who compares.
    pub header_prediction: bool,
    /// The least time between two challenge ACKs, or two ACKs in answer to segments without
    /// text that are not acceptable, of one connection (RFC 5961 §7). Default 500 ms.
    pub challenge_interval: Duration,
    /// Fast Open needs no cookie: text goes with the SYN, or is taken with it, whoever sends it
    /// (RFC 7413 §3 has cookies for a reason). Default off.
    pub fast_open_without_cookie: bool,
    /// ISS of every connection, in place of one that nobody can predict (RFC 6528). For
    /// simulations and model checkers only: on a real network it lets strangers guess their way
    /// in. Default `None`.
    pub fixed_iss: Option<u32>,
    /// The most ranges held beyond a gap; the farthest gives way. From 1. Default 512.
    pub max_out_of_order_ranges: usize,
    /// Whose segments are signed (RFC 2385). Default: nobody's.
    pub signatures: SignatureKeys,
    /// What the user may change on a socket.
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
            quick_acks: QuickAcks::UntilSending,
            ack_waits: AckWaits::default(),
            initial_rto: Duration::from_secs(1),
            min_rto: Duration::from_millis(200),
            rto_slop: Duration::ZERO,
            max_rto: Duration::from_secs(120),
            rto_floor: RtoFloor::Whole,
            rack: true,
            reduces_whole_window: false,
            window_in_segments: false,
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
    /// Whether the values make sense together.
    ///
    /// # Errors
    /// The first that does not.
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
            (self.max_sent_records / 16, "max_sent_records"),
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

/// Whether a host that others are to hear may have this address. A loopback address never appears
/// outside a host (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), and an IPv4 address mapped into IPv6 on no
/// wire (RFC 6890 §2.2.3).
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

    /// A host whose configuration was changed so, and what is wrong with that.
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
            (|it| it.fast_open.cookies = 0, zero("cookies")),
        ];
        for (row, (change, expected)) in rows.into_iter().enumerate() {
            assert_eq!(refused(change), expected, "row {row}");
        }
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

    /// What would never send, never take, never end or never rest.
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
                zero("keepalive"),
            ),
            (
                |it| {
                    it.socket.keepalive = Some(Keepalive {
                        count: 0,
                        ..Keepalive::default()
                    });
                },
                zero("keepalive"),
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
