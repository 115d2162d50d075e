//! What makes a model small: the users' scripts, the limits of the network, and the settings of the
//! stack. All of it is configuration: nothing in the core knows that it is being checked.

use core::net::IpAddr;
use core::time::Duration;

use crate::config::{
    AckWaits, Config, CongestionControl, EcnConfig, Keepalive, MtuProbing, Pacing, PacingConfig,
    PathMtuConfig, TcpConfig,
};

/// What a user does, and may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// It has a listener from the start, and accepts one connection.
    pub listens: bool,
    /// It may OPEN.
    pub opens: bool,
    /// Octets it sends, at most 15.
    pub octets: u8,
    /// It closes only after reading the end of the peer's stream.
    pub closes_last: bool,
    /// It may CLOSE at any time, whatever it has sent.
    pub closes_early: bool,
    /// It may ABORT at any time.
    pub aborts: bool,
    /// It makes each call as soon as it can: its SENDs, RECEIVEs and CLOSE are not interleaved with
    /// other events.
    pub hasty: bool,
}

/// One model: everything outside the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The configuration's name.
    pub name: &'static str,
    /// What it shows, in one line.
    pub about: &'static str,
    /// The two users.
    pub scripts: [Script; 2],
    /// The most datagrams that the network holds; any more are lost.
    pub room: usize,
    /// Datagrams may be lost.
    pub loses: bool,
    /// How often a datagram may be delivered and yet stay in the network; `None`: any number of
    /// times.
    pub duplications: Option<u8>,
    /// How often a bit may flip.
    pub corruptions: u8,
    /// How often each host may crash and start again.
    pub crashes: [u8; 2],
    /// How many datagrams an adversary may forge who knows the addresses and ports, but no sequence
    /// number.
    pub forgeries: u8,
    /// Timers expire only when no datagram is under way.
    pub patient: bool,
    /// Connections use IPv6.
    pub ipv6: bool,
    /// The receive buffer, in octets: at most this many are unread.
    pub receive_buffer: usize,
    /// The send buffer, in octets.
    pub send_buffer: usize,
    /// SACK is offered.
    pub sack: bool,
    /// Acknowledgments are delayed.
    pub delayed_ack: bool,
    /// Nagle's algorithm is on.
    pub nagle: bool,
    /// Idle connections are probed.
    pub keepalive: bool,
    /// R2 of a SYN,ACK; `None`: it is retransmitted forever.
    pub syn_ack_retries: Option<u32>,
    /// The ISS of each side. Near 2^32, sequence numbers wrap within the connection.
    pub iss: [u32; 2],
}

/// The distance between the ISSs of two incarnations: farther than any window, as with a clock of 4
/// microseconds.
const ISS_STEP: u32 = 1_000_000;

impl Configuration {
    /// Two users who each send one octet, over a network that loses and reorders.
    pub const BASE: Configuration = Configuration {
        name: "base",
        about: "",
        scripts: [
            Script {
                listens: false,
                opens: true,
                octets: 1,
                closes_last: false,
                closes_early: false,
                aborts: false,
                hasty: true,
            },
            Script {
                listens: true,
                opens: false,
                octets: 1,
                closes_last: false,
                closes_early: false,
                aborts: false,
                hasty: true,
            },
        ],
        room: 3,
        loses: true,
        duplications: Some(0),
        corruptions: 0,
        crashes: [0, 0],
        forgeries: 0,
        patient: false,
        ipv6: false,
        receive_buffer: 2,
        send_buffer: 2,
        sack: false,
        delayed_ack: false,
        nagle: false,
        keepalive: false,
        syn_ack_retries: None,
        iss: [u32::MAX - 1, 0x7fff_fffe],
    };

    /// The configuration of the stack of `side`.
    ///
    /// Every timer runs for one second. Clocks then show few values, and neither backoff nor
    /// estimators tell states apart.
    pub(super) fn config(&self, address: IpAddr, side: usize, incarnation: u8) -> Config {
        const TICK: Duration = Duration::from_secs(1);
        let mut config = Config::new([address]);
        config.replies_per_second = u32::MAX;
        // Identifications would count datagrams, and so tell states apart.
        config.identifies_segments = false;
        let socket = &mut config.tcp.socket;
        socket.nodelay = !self.nagle;
        socket.keepalive = self.keepalive.then_some(Keepalive {
            idle: TICK,
            interval: TICK,
            count: 1,
        });
        let iss = self.iss[side].wrapping_add(ISS_STEP * u32::from(incarnation));
        config.tcp = TcpConfig {
            mss: Some(1),
            min_send_mss: 1,
            receive_buffer: self.receive_buffer,
            send_buffer: self.send_buffer,
            path_mtu: PathMtuConfig {
                probing: MtuProbing::Off,
                ..PathMtuConfig::default()
            },
            window_scaling: false,
            timestamps: false,
            sack: self.sack,
            // Measured times would tell states apart. The simulator tests what depends on them.
            rack: false,
            tail_loss_probe: false,
            forward_rto: false,
            max_burst: None,
            delayed_ack: self.delayed_ack.then_some(Duration::from_millis(400)),
            initial_rto: TICK,
            min_rto: TICK,
            max_rto: TICK,
            max_persist: TICK,
            // Hosts never give up, unless configured to: the network may lose any number of
            // datagrams.
            r1: 1,
            r2: u32::MAX,
            syn_retries: u32::MAX,
            syn_ack_retries: self.syn_ack_retries.unwrap_or(u32::MAX),
            orphan_retries: u32::MAX,
            // The clock of a host without timers stands still: after a rate-limited answer, the
            // host would never answer again.
            challenge_interval: Duration::ZERO,
            msl: TICK,
            fin_wait_2_timeout: Some(TICK * 2),
            fixed_iss: Some(iss),
            // Reno has the smallest state.
            congestion_control: CongestionControl::Reno,
            pacing: PacingConfig {
                when: Pacing::Never,
                ..PacingConfig::default()
            },
            ecn: EcnConfig::OFF,
            // Otherwise what a listener has seen before would tell its states apart.
            ack_waits: AckWaits {
                expect_answer: false,
                ..AckWaits::default()
            },
            ..config.tcp
        };
        config
    }
}
