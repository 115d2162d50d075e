//! What makes a model small: the scripts of the users, the powers of the network, and the
//! tunables of the stack. Everything by configuration; nothing in the core knows that it is
//! checked.

use core::net::IpAddr;
use core::time::Duration;

use crate::config::{
    AckWaits, Config, CongestionControl, EcnConfig, Keepalive, MtuProbing, Pacing, PacingConfig,
    PathMtuConfig, TcpConfig,
};

/// What a user wants, and may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// It has a listener from the start, and takes one connection.
    pub listens: bool,
    /// It may OPEN.
    pub opens: bool,
    /// Octets it sends, at most 15.
    pub octets: u8,
    /// It closes only when it has read the end of the peer's stream.
    pub closes_last: bool,
    /// It may CLOSE at any time, whatever it has sent.
    pub closes_early: bool,
    /// It may ABORT at any time.
    pub aborts: bool,
    /// It does at once what it can: no interleaving of its SENDs, RECEIVEs and CLOSE.
    pub hasty: bool,
}

/// One model: everything that is not in the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// What people call it.
    pub name: &'static str,
    /// What it shows, in a line.
    pub about: &'static str,
    /// The two users.
    pub scripts: [Script; 2],
    /// Datagrams that the network holds at most; what comes on top is lost.
    pub room: usize,
    /// Datagrams may be lost.
    pub loses: bool,
    /// How often a datagram may be delivered and stay in the network; `None`: for ever.
    pub duplications: Option<u8>,
    /// How often a bit may flip.
    pub corruptions: u8,
    /// How often each host may crash and start again.
    pub crashes: [u8; 2],
    /// How many datagrams an adversary may forge who knows addresses and ports, and no number.
    pub forgeries: u8,
    /// Timers expire only when nothing is under way.
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
    /// R2 of a SYN,ACK; `None`: it is sent again for ever.
    pub syn_ack_retries: Option<u32>,
    /// The ISS of each side; near 2^32 the numbers wrap within the connection.
    pub iss: [u32; 2],
}

/// How far apart the ISSs of two incarnations are: as with a clock of 4 microseconds, farther
/// than any window.
const ISS_STEP: u32 = 1_000_000;

impl Configuration {
    /// Two users who send an octet each, over a network that loses and reorders.
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
    /// All that time decides happens after one second: so clocks show few values, and backoff
    /// and estimators have nothing to tell states apart by.
    pub(super) fn config(&self, address: IpAddr, side: usize, incarnation: u8) -> Config {
        const TICK: Duration = Duration::from_secs(1);
        let mut config = Config::new([address]);
        config.replies_per_second = u32::MAX;
        // It counts.
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
            // What is found by measured times would tell states apart by them: the simulator's part.
            rack: false,
            tail_loss_probe: false,
            forward_rto: false,
            max_burst: None,
            delayed_ack: self.delayed_ack.then_some(Duration::from_millis(400)),
            initial_rto: TICK,
            min_rto: TICK,
            max_rto: TICK,
            max_persist: TICK,
            // Nobody gives up, unless told: the network may lose as often as it likes.
            r1: 1,
            r2: u32::MAX,
            syn_retries: u32::MAX,
            syn_ack_retries: self.syn_ack_retries.unwrap_or(u32::MAX),
            orphan_retries: u32::MAX,
            // A host whose timers are all off has a clock that stands: it would never again answer
            // what it may answer twice a second.
            challenge_interval: Duration::ZERO,
            msl: TICK,
            fin_wait_2_timeout: Some(TICK * 2),
            fixed_iss: Some(iss),
            // It has the fewest numbers.
            congestion_control: CongestionControl::Reno,
            pacing: PacingConfig {
                when: Pacing::Never,
                ..PacingConfig::default()
            },
            ecn: EcnConfig::OFF,
            // What a listener has seen before would tell its states apart.
            ack_waits: AckWaits {
                expect_answer: false,
                ..AckWaits::default()
            },
            ..config.tcp
        };
        config
    }
}
