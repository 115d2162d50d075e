//! One host, users who call anything at any time, and peers who send anything: segments near
//! what would be right, and far from it, to connections in every state.

use std::collections::BTreeSet;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use stubborn::config::{
    AckWaits, Config, CongestionHabits, EcnConfig, EcnMode, EcnOptions, FlowLabel, Habits,
    Handshakes, HoldSacks, IcmpTrust, Keepalive, ListenerConfig, Nagle, Persist, Push, QuickAcks,
    ReceiveGrowth, ReceiveRoom, RecoveryHabits, RetryLimit, SendRoom, SendingHabits, SignatureKey,
    SlowStartSigns, SocketOptions, SynCookies, TcpConfig, WindowTold, WindowUse, Windows,
};
use stubborn::stack::{CONNECTION_AT_REST, ConnId, Event, ListenerId, Readiness, Secret, Stack};
use stubborn::tcp::{Discard, RecvError, SendError};
use stubborn::time::Instant;
use stubborn::wire::{
    AccurateEcn, ByteCounters, Control, CounterOrder, Ecn, IcmpError, IpHeader, Options, Packet,
    Payload, SackBlock, TcpHeader, Text, Timestamps, Unreachable, icmp, is_signed_with, parse,
    protocol,
};

use super::world::{Random, addr, config};

/// What the peers know of one connection, from what the host sent.
#[derive(Clone, Copy)]
struct Flow {
    local: SocketAddr,
    remote: SocketAddr,
    /// What the host expects next, and how much it takes.
    expected: u32,
    window: u32,
    /// The oldest that it has not heard of, and the end of what it sent.
    una: u32,
    nxt: u32,
    timestamp: u32,
}

/// A connection that a user holds.
struct Held {
    id: ConnId,
    /// RECEIVE said `WouldBlock`, and no event has come since.
    reader_waits: bool,
    /// SEND took less than it was given, and no event has come since.
    writer_waits: bool,
}

/// Everything that the runs have met.
pub struct Seen {
    pub states: BTreeSet<String>,
    /// How many segments each reason of [`Discard::ALL`] had dropped.
    pub discards: Vec<u64>,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            states: BTreeSet::new(),
            discards: vec![0; Discard::ALL.len()],
        }
    }
}

struct Attack {
    random: Random,
    now: Instant,
    stack: Stack,
    /// How often, in percent, peers and users do what ends connections early.
    violence: usize,
    listener: Option<ListenerId>,
    flows: Vec<Flow>,
    held: Vec<Held>,
    /// How many segments without text the host may send: two for everything that happened (a
    /// reset for a bad acknowledgment, an acknowledgment for text beyond the window).
    credit: usize,
    /// Connections are done in less than a human life.
    has_usual_times: bool,
    /// The key that the host has for all its peers (RFC 2385).
    key: Option<&'static [u8]>,
}

const PORT: u16 = 80;

/// With this much memory nobody lacks any.
const AMPLE: usize = 1 << 20;

fn any_config(random: &mut Random) -> Config {
    let mut config = config(0);
    config.max_connections = random.pick(&[2, 6, 100]);
    config.max_half_open = random.pick(&[1, 3, 100]);
    config.syn_cookies = random.pick(&[
        SynCookies::Off,
        SynCookies::WhenFull,
        SynCookies::WhenFull,
        SynCookies::Always,
    ]);
    config.max_time_wait = random.pick(&[1, 2, 100]);
    config.ephemeral_ports = (50_000, 50_003);
    if random.chance(12) {
        config.memory = 10_000 + 8 * CONNECTION_AT_REST;
    }
    let tcp = &mut config.tcp;
    tcp.mss = random.pick(&[None, None, Some(1), Some(10), Some(536)]);
    tcp.min_send_mss = random.pick(&[1, 48]);
    tcp.receive_buffer = random.pick(&[1, 2, 5, 1000, 4096, 70_000, 300_000]);
    tcp.send_buffer = random.pick(&[1, 2, 7, 1000, 4096]);
    tcp.window_scaling = random.chance(60);
    tcp.timestamps = random.chance(50);
    tcp.sack = random.chance(70);
    tcp.delayed_ack = random.pick(&[None, Some(Duration::from_millis(40))]);
    tcp.max_out_of_order_ranges = random.pick(&[1, 2, 512]);
    tcp.r2 = random.pick(&[3, 15]);
    tcp.push = random.pick(&[Push::QueueEnd, Push::SendEnd(2)]);
    tcp.window_use = random.pick(&[WindowUse::InFlight, WindowUse::LastWindow]);
    tcp.slow_start_limit = random.pick(&[None, Some(1), Some(u32::MAX)]);
    tcp.windows = Windows {
        whole_segment_buffers: random.chance(20),
        told: random.pick(&[WindowTold::Steps, WindowTold::Room]),
        growth: random.pick(&[
            ReceiveGrowth::TwiceRead,
            ReceiveGrowth::HalfMore,
            ReceiveGrowth::Never,
        ]),
        room: random.pick(&[ReceiveRoom::Octets, ReceiveRoom::Packets]),
        may_shrink: random.chance(30),
        persist: random.pick(&[Persist::Rto, Persist::AtLeast(Duration::from_secs(5))]),
        ..Windows::default()
    };
    tcp.nagle = random.pick(&[Nagle::Everything, Nagle::Small, Nagle::Write]);
    tcp.quick_acks = random.pick(&[
        QuickAcks::UntilSending,
        QuickAcks::UntilAnswering,
        QuickAcks::Never,
    ]);
    tcp.ack_waits = any_ack_waits(random);
    tcp.habits = any_habits(random);
    tcp.endings.resets_given_up = random.chance(30);
    tcp.socket = any_options(random);
    tcp.ecn = any_ecn(random);
    config
}

fn any_ecn(random: &mut Random) -> EcnConfig {
    let modes = [EcnMode::Off, EcnMode::Classic, EcnMode::Accurate];
    EcnConfig {
        ask: random.pick(&modes),
        accept: random.pick(&modes),
        attempts: random.pick(&[1, 2, u32::MAX]),
        classic_attempts: random.pick(&[1, 2, u32::MAX]),
        options: match random.chance(70) {
            true => EcnOptions::News,
            false => EcnOptions::Always,
        },
        capable_throughout: random.chance(30),
        proportional: random.chance(50),
        refuses_capable_syns: random.chance(30),
    }
}

fn any_ack_waits(random: &mut Random) -> AckWaits {
    AckWaits {
        end_with_reading: random.chance(70),
        hold_fin: random.chance(50),
        hold_fin_after_text: random.chance(40),
        answer_fin: random.chance(30),
        hold_crossing: random.chance(70),
        expect_answer: random.chance(70),
        end_with_second: random.chance(30),
        hold_smaller_window: random.chance(40),
        end_early: random.chance(40),
        follow_intervals: random.chance(40),
        answers: random.pick(&[0, 1, 2, 3]),
        hold_sacks: random.chance(40).then(|| HoldSacks {
            most: random.pick(&[0, 1, 44]),
            longest: Duration::from_millis(1),
        }),
    }
}

fn any_recovery(random: &mut Random) -> RecoveryHabits {
    RecoveryHabits {
        counts_duplicates: random.chance(40),
        more_duplicates: random.pick(&[0, 0, 2]),
        smaller_window_is_duplicate: random.chance(40),
        doubts_reneging: random.chance(40),
        variation_lasts: random.chance(40),
        dsack_needs_reordering: random.chance(40),
        counts_no_segments: random.chance(40),
        repairs_smaller_path: random.chance(40),
        finds_lost_resends: random.chance(40),
        samples_in_order: random.chance(40),
        fixed_reordering_window: random.chance(40),
        probe_needs_no_sample: random.chance(40),
        skipped_probe_rearms: random.chance(40),
        timers_wait_ticks: random.chance(40),
        resend_restarts_timer: random.chance(40),
        acked_refutes_timeout: random.chance(40),
        forward_rto_outlasts_duplicates: random.chance(40),
        forgets_refuted_timeouts: random.chance(40),
        probes_whole_segments: random.chance(40),
        probes_nothing_forced: random.chance(40),
    }
}

fn any_habits(random: &mut Random) -> Habits {
    Habits {
        handshakes: Handshakes {
            syn_follows_reset: random.chance(40),
            bare_syn_ack: random.chance(40),
            refuses_second_syn: random.chance(40),
            answers_plainly: random.chance(40),
            holds_fin: random.chance(40),
            deferral_backs_off: random.chance(40),
            zero_mss_is_none: random.chance(40),
            crossing_offers_again: random.chance(40),
            crossing_samples: random.chance(40),
            unsampled_waits_longer: random.chance(40),
            lost_syns_reduce: random.chance(40),
        },
        icmp_trust: IcmpTrust {
            next_place: random.chance(40),
            ends_handshakes: random.chance(40),
            doubts_reassembly: random.chance(40),
            any_path_mtu: random.chance(40),
            ends_with_any_ack: random.chance(40),
            unreachable_undoes_back_off: random.chance(40),
        },
        recovery: any_recovery(random),
        congestion: CongestionHabits {
            timeout_keeps_ssthresh: random.chance(40),
            recovery_reduces_once: random.chance(40),
            reduces_from_cwnd: random.chance(40),
            timeout_delivers_segment: random.chance(40),
            grows_by_deliveries: random.chance(40),
            idle_halves: random.chance(40),
            reduces_whole_window: random.chance(40),
            window_in_segments: random.chance(40),
            marks_need_flight: random.chance(40),
            counts_segments: random.chance(40),
        },
        sending: SendingHabits {
            halves_windows: random.chance(40),
            arrivals_end_parts: random.chance(40),
            resends_in_window: random.chance(40),
            fin_waits_for_window: random.chance(40),
        },
        leaves_slow_start_at_once: random.chance(40).then(SlowStartSigns::default),
        light_ending: random.chance(40),
        acks_stay_in_window: random.chance(40),
        doubts_smaller_windows: random.chance(40),
        probes_count_from_answer: random.chance(40),
        refuses_overruns: random.chance(40),
        takes_recent_duplicates: random.chance(40),
        reports_fins: random.chance(40),
        fins_give_way: random.chance(40),
        resets_across_fin: random.chance(80),
        resets_report: random.chance(40),
        ignores_unacknowledging: random.chance(40),
        send_room: random.pick(&[SendRoom::Octets, SendRoom::Packets]),
        retry_limit: random.pick(&[RetryLimit::Retransmissions, RetryLimit::Time]),
    }
}

/// Times that nobody would choose, as short and as long as can be.
fn any_times(random: &mut Random, tcp: &mut TcpConfig) {
    let (nano, years) = (
        Duration::from_nanos(1),
        Duration::from_secs(10 * 365 * 86_400),
    );
    let mut any = || random.pick(&[nano, Duration::from_secs(1), years]);
    tcp.max_rto = any();
    tcp.initial_rto = any();
    tcp.min_rto = any().min(tcp.max_rto);
    tcp.rto_slop = any();
    tcp.peer_ack_delay = any();
    tcp.msl = any();
    tcp.fin_wait_2_timeout = Some(any());
    tcp.max_persist = any();
    tcp.challenge_interval = any();
    tcp.path_mtu.raise_after = any();
    tcp.socket.user_timeout = Some(any());
    tcp.socket.keepalive = Some(Keepalive {
        idle: any(),
        interval: any(),
        count: 3,
    });
    tcp.path_mtu.halves = random.chance(30);
}

fn any_listener(random: &mut Random, config: &Config) -> ListenerConfig {
    ListenerConfig {
        backlog: 1 + random.below(3),
        defer_accept: random
            .chance(20)
            .then(|| Duration::from_millis(random.number() % 5_000)),
        fast_open: random.pick(&[0, 1, 3]),
        fast_open_keys: None,
        shares_address: random.chance(50),
        saves_syns: random.chance(50),
        tcp: config.tcp.clone(),
    }
}

fn any_options(random: &mut Random) -> SocketOptions {
    SocketOptions {
        nodelay: random.chance(50),
        cork: random.chance(10),
        refuses_text: random.chance(10),
        holds_handshake_ack: random.chance(10),
        hop_limit: None,
        fragments: random.chance(20),
        keepalive: random.chance(20).then(|| Keepalive {
            idle: Duration::from_millis(random.number() % 5_000),
            interval: Duration::from_millis(1 + random.number() % 1_000),
            count: 1 + random.below(4) as u32,
        }),
        user_timeout: random
            .chance(20)
            .then(|| Duration::from_millis(1 + random.number() % 20_000)),
        linger: random.chance(20).then_some(Duration::ZERO),
        traffic_class: 0,
        flow_label: FlowLabel::ChangesAfterTimeouts,
        receive_buffer: random.chance(5).then(|| random.below(100_000)),
        send_buffer: random.chance(5).then(|| random.below(10_000)),
        unsent_low_water: random.chance(5).then(|| random.below(2_000)),
        window_clamp: random.chance(5).then(|| 1 + random.below(2_000)),
        max_pacing_rate: random.chance(5).then(|| random.number() % 1_000_000),
        syn_retries: random.chance(5).then(|| random.below(4) as u32),
        linear_timeouts: random.chance(20),
        receive_low_water: if random.chance(5) {
            random.below(10_000)
        } else {
            0
        },
        fin_wait_2_timeout: random
            .chance(5)
            .then(|| Duration::from_millis(random.number() % 5_000)),
        // What arrives here has 64.
        min_hop_limit: match random.below(40) {
            0 => 65,
            1..3 => 64,
            _ => 0,
        },
    }
}

impl Attack {
    fn new(mut random: Random, secret: Secret) -> Attack {
        let mut config = any_config(&mut random);
        let has_usual_times = random.chance(80);
        if !has_usual_times {
            any_times(&mut random, &mut config.tcp);
        }
        let key = random.chance(15).then_some(&b"known to both"[..]);
        for network in ["0.0.0.0", "::"] {
            if let Some(key) = key.and_then(SignatureKey::new) {
                let network = network.parse().unwrap();
                config.tcp.signatures.set(network, 0, key).unwrap();
            }
        }
        let listening = any_listener(&mut random, &config);
        let mut stack = Stack::new(config, secret).unwrap();
        let listener = stack.listen_with(addr(0, PORT), listening).ok();
        Attack {
            violence: random.pick(&[100, 20, 3]),
            random,
            now: Instant::from_secs(1),
            stack,
            listener,
            flows: Vec::new(),
            held: Vec::new(),
            credit: 0,
            has_usual_times,
            key,
        }
    }

    fn run(&mut self, steps: usize, seen: &mut Seen) {
        for _ in 0..steps {
            if self.random.is_used_up() {
                break;
            }
            self.credit += 2;
            match self.random.below(10) {
                0..=5 => self.segment(),
                6..=7 => self.call(),
                8 => self.time(),
                _ => self.icmp(),
            }
            if self.random.chance(70) {
                self.listen_in();
            }
            self.note(seen);
        }
        self.end();
        for (count, reason) in seen.discards.iter_mut().zip(Discard::ALL) {
            *count += self.stack.counters().discarded(reason);
        }
    }

    fn note(&self, seen: &mut Seen) {
        for held in &self.held {
            let state = self.stack.status(held.id).state;
            seen.states.insert(state.to_string());
        }
    }

    /// A number near `right`, more often than not the right one.
    fn near(&mut self, right: u32, window: u32) -> u32 {
        let random = &mut self.random;
        let off = match random.below(24) {
            0..=12 => 0,
            13 => 1,
            14 => u32::MAX,
            15 => random.below(20) as u32,
            16 => 0u32.wrapping_sub(random.below(20) as u32),
            17 => window,
            18 => window.wrapping_sub(1),
            19 => window.wrapping_add(1),
            20 => random.below(window as usize + 1) as u32,
            21 => 1 << 31,
            22 => (1u32 << 31).wrapping_add(random.pick(&[1, u32::MAX])),
            _ => random.number() as u32,
        };
        right.wrapping_add(off)
    }

    fn any_flow(&mut self) -> Flow {
        if !self.flows.is_empty() && self.random.chance(95) {
            let of = self.flows.len();
            return self.flows[self.random.below(of)];
        }
        Flow {
            local: addr(0, PORT),
            remote: addr(1, 1000 + self.random.below(5) as u16),
            expected: self.random.pick(&[0, u32::MAX, u32::MAX - 3, 1 << 31]),
            window: 0,
            una: 0,
            nxt: 0,
            timestamp: 1,
        }
    }

    fn any_control(&mut self) -> Control {
        let gentle = [
            Control::ACK,
            Control::ACK,
            Control::ACK | Control::PSH,
            Control::ACK | Control::URG,
            Control::SYN,
            Control::SYN | Control::ACK,
        ];
        let violent = [
            Control::SYN,
            Control::SYN | Control::ACK,
            Control::FIN | Control::ACK,
            Control::RST,
            Control::RST | Control::ACK,
        ];
        match self.random.chance(self.violence) {
            false => self.random.pick(&gentle),
            true if self.random.chance(50) => self.random.pick(&gentle),
            true if self.random.chance(60) => self.random.pick(&violent),
            true => Control::from_bits(self.random.number() as u16),
        }
    }

    fn any_tcp_options(&mut self, flow: &Flow) -> Options {
        let mut options = Options::default();
        let (expected, window) = (flow.una, flow.window);
        if self.random.chance(30) {
            options.mss = Some(self.random.pick(&[0, 1, 2, 48, 536, 1460, u16::MAX]));
            options.window_scale = self.random.pick(&[None, Some(0), Some(3), Some(14)]);
            options.sack_permitted = self.random.chance(70);
        }
        if self.random.chance(60) {
            let val = self.near(flow.timestamp, 1000);
            let ecr = self.random.number() as u32;
            options.timestamps = Some(Timestamps { val, ecr });
        }
        for _ in 0..self.random.below(5) {
            options.sack.push(SackBlock {
                left: self.near(expected, window),
                right: self.near(expected, window),
            });
        }
        if self.random.chance(20) {
            let order = self
                .random
                .pick(&[CounterOrder::E0First, CounterOrder::E1First]);
            let counters = ByteCounters {
                e0b: self.random.number() as u32,
                ceb: self.random.number() as u32,
                e1b: self.random.number() as u32,
            };
            let fields = self.random.below(4);
            options.accurate_ecn = Some(AccurateEcn::new(order, counters, fields));
        }
        options
    }

    /// A third of the segments have some of the flags of ECN.
    fn any_ecn_flags(&mut self) -> Control {
        match self.random.chance(33) {
            true => Control::from_bits((self.random.number() as u16 & 0b111) << 6),
            false => Control::NONE,
        }
    }

    fn segment(&mut self) {
        let flow = self.any_flow();
        let mut header = TcpHeader {
            source_port: flow.remote.port(),
            destination_port: flow.local.port(),
            seq: self.near(flow.expected, flow.window),
            ack: match self.random.chance(20) {
                true => self.near(flow.una, 1000),
                false => self.near(flow.nxt, 1000),
            },
            control: self.any_control() | self.any_ecn_flags(),
            window: self.random.pick(&[0, 1, 2, 100, 5000, u16::MAX]),
            urgent: self.random.pick(&[0, 0, 1, 5, u16::MAX]),
            options: self.any_tcp_options(&flow),
        };
        // Both close at once: a FIN that crosses whatever is under way. By chance alone this is rare.
        let crosses = self.random.chance(3);
        if crosses {
            header.seq = flow.expected;
            header.ack = flow.una;
            header.control = Control::FIN | Control::ACK;
        }
        let most = flow.window as usize + 3;
        let len = match self.random.below(6) {
            _ if crosses => 0,
            0..=2 => 0,
            3 => 1,
            4 => self.random.below(20),
            _ => self.random.below(most.min(1400)),
        };
        let text = vec![0x5a; len];
        let (local, remote) = (flow.local.ip(), flow.remote.ip());
        let mut ip = IpHeader::new(remote, local, protocol::TCP, 64);
        ip.traffic_class = self.random.pick(&Ecn::ALL).bits();
        let key = self.any_key();
        if key.is_some() {
            header.options.signature = true;
            header.options.accurate_ecn = None;
        }
        let packet = Packet::tcp(&ip, &header, Text::from(&text[..]));
        let packet = packet.signed(&ip, key.unwrap_or_default());
        let mut datagram = packet.to_vec();
        if self.random.chance(2) {
            let bit = self.random.below(datagram.len() * 8);
            datagram[bit / 8] ^= 1 << (bit % 8);
        }
        self.stack.receive(self.now, &datagram);
    }

    /// More often than not the right one.
    fn any_key(&mut self) -> Option<&'static [u8]> {
        match (self.key, self.random.below(100)) {
            (Some(_), 0..5) | (None, 2..) => None,
            (Some(_), 5..8) => Some(b"another"),
            (Some(key), _) => Some(key),
            (None, 0..2) => Some(b"nobody's"),
        }
    }

    /// An error about a segment that the host may have sent.
    fn icmp(&mut self) {
        let flow = self.any_flow();
        let header = TcpHeader {
            source_port: flow.local.port(),
            destination_port: flow.remote.port(),
            seq: self.near(flow.una, flow.nxt.wrapping_sub(flow.una)),
            control: Control::ACK,
            ..TcpHeader::default()
        };
        let (local, remote) = (flow.local.ip(), flow.remote.ip());
        let ip = IpHeader::new(local, remote, protocol::TCP, 64);
        let quoted = Packet::tcp(&ip, &header, Text::EMPTY).to_vec();
        let error = match self.random.below(6) {
            0 => IcmpError::Unreachable(Unreachable::Port),
            1 => IcmpError::Unreachable(Unreachable::Network),
            2 => IcmpError::HopLimitExceeded,
            _ => IcmpError::PacketTooBig {
                mtu: self.random.pick(&[0, 68, 552, 576, 1400, 1500, 65_535]),
            },
        };
        if let Some(datagram) = icmp::error(remote, 64, error, &quoted) {
            self.stack.receive(self.now, &datagram);
        }
    }

    /// A user calls.
    fn call(&mut self) {
        self.take_events();
        if self.random.chance(20) {
            return self.open();
        }
        if self.held.is_empty() {
            return;
        }
        let of = self.held.len();
        let index = self.random.below(of);
        let (now, id) = (self.now, self.held[index].id);
        let ends = self.random.chance(self.violence);
        match self.random.below(20) {
            0..=6 => self.receive(index),
            7..=12 => self.send(index),
            13 => {
                let how = [Shutdown::Read, Shutdown::Write, Shutdown::Both];
                let _ = self.stack.shutdown(now, id, self.random.pick(&how));
            }
            14 => {
                let options = any_options(&mut self.random);
                self.stack.set_options(now, id, options);
            }
            15 => {
                let _ = self.stack.take_error(id);
                self.stack.urgent_mark(id);
            }
            16 | 17 if ends => {
                self.held.remove(index);
                self.stack.close(now, id);
            }
            18 if ends => {
                self.held.remove(index);
                self.stack.abort(now, id);
            }
            _ => {}
        }
    }

    /// A user opens something, or ends a listener.
    fn open(&mut self) {
        let remote = addr(1, 2000 + self.random.below(3) as u16);
        match (self.listener, self.random.below(8)) {
            (_, 0..=2) => {
                if let Ok(id) = self.stack.connect(self.now, None, remote) {
                    self.hold(id);
                }
            }
            (Some(listener), 7) => {
                self.stack.close_listener(self.now, listener);
                self.credit += 10;
                self.listener = None;
            }
            (None, _) => self.listener = self.stack.listen(addr(0, PORT), 2).ok(),
            (Some(listener), _) => {
                if let Some(id) = self.stack.accept(listener) {
                    self.hold(id);
                }
            }
        }
    }

    fn hold(&mut self, id: ConnId) {
        self.held.push(Held {
            id,
            reader_waits: false,
            writer_waits: false,
        });
    }

    fn receive(&mut self, index: usize) {
        let mut buffer = vec![0; 1 + self.random.below(2000)];
        let held = &mut self.held[index];
        let answer = self.stack.recv(self.now, held.id, &mut buffer);
        let waits = answer == Err(RecvError::WouldBlock);
        assert!(!held.reader_waits || waits, "{answer:?} without an event");
        held.reader_waits = waits;
    }

    fn send(&mut self, index: usize) {
        let data = vec![0xa5; 1 + self.random.below(2000)];
        let held = &mut self.held[index];
        let status = self.stack.status(held.id);
        let room = status.send_buffer.saturating_sub(status.send_queue);
        let marked = (self.stack.options(held.id).unsent_low_water).is_some();
        let answer = match self.random.chance(90) {
            true => self.stack.send(self.now, held.id, &data),
            false => self.stack.send_urgent(self.now, held.id, &data),
        };
        let ended = !matches!(answer, Ok(_) | Err(SendError::WouldBlock));
        let ample = !marked && self.stack.config().memory > AMPLE;
        let is_enough = match self.stack.config().tcp.habits.send_room {
            SendRoom::Packets => status.send_queue == 0,
            _ => room >= status.send_buffer.div_ceil(3),
        };
        let due = ended || (ample && is_enough);
        assert!(!held.writer_waits || !due, "{answer:?}, {room}: no event");
        held.writer_waits = !ended && answer != Ok(data.len());
    }

    fn time(&mut self) {
        let until = match self.random.below(3) {
            0 => self.now + Duration::from_millis(self.random.number() % 100),
            1 => self.now + Duration::from_micros(self.random.number() % 100),
            _ => (self.stack.next_deadline()).map_or(self.now, |due| due.max(self.now)),
        };
        self.now = until;
        self.credit += 2 * self.stack.connection_count();
        self.stack.handle_timeouts(self.now);
        let next = self.stack.next_deadline();
        assert!(next.is_none_or(|next| next > self.now), "due without end");
    }

    /// The peers see what the host sends, and its users hear its events.
    fn listen_in(&mut self) {
        let mut count = 0;
        while let Some(packet) = self.stack.poll_transmit(self.now) {
            let datagram = packet.to_vec();
            count += 1;
            assert!(count < 20_000, "no end");
            let parsed = parse(&datagram).expect("the host sends nothing malformed");
            // But for a reset to whoever asks for a port where nobody listens, and does not sign.
            if let Payload::Tcp(header, _) = &parsed.payload {
                let is_signed = self.key.map(|key| is_signed_with(&datagram, key));
                let is_reset = header.control.has(Control::RST);
                assert_eq!(header.options.signature, is_signed == Some(true));
                assert!(is_signed != Some(false) || is_reset, "{header:?}");
            }
            if let Payload::Tcp(header, text) = parsed.payload {
                let taken =
                    text.len() + usize::from(header.control.any(Control::SYN | Control::FIN));
                if taken == 0 {
                    assert!(self.credit > 0, "more answers than questions: {header:?}");
                    self.credit -= 1;
                }
                self.learn(&parsed.ip, &header, taken as u32);
            }
        }
        self.credit = 0;
        self.take_events();
    }

    fn learn(&mut self, ip: &IpHeader, header: &TcpHeader, len: u32) {
        let local = SocketAddr::new(ip.source, header.source_port);
        let remote = SocketAddr::new(ip.destination, header.destination_port);
        let known = |flow: &Flow| (flow.local, flow.remote) == (local, remote);
        let end = header.seq.wrapping_add(len);
        let at = self.flows.iter().position(known).unwrap_or_else(|| {
            self.flows.push(Flow {
                local,
                remote,
                expected: header.ack,
                window: 0,
                una: header.seq,
                nxt: end,
                timestamp: 1,
            });
            self.flows.len() - 1
        });
        let flow = &mut self.flows[at];
        if header.control.has(Control::SYN) {
            (flow.una, flow.nxt) = (header.seq, end);
        } else if end.wrapping_sub(flow.nxt) < 1 << 31 {
            flow.nxt = end;
        }
        if header.control.has(Control::ACK) {
            (flow.expected, flow.window) = (header.ack, header.window.into());
        }
        if let Some(timestamps) = header.options.timestamps {
            flow.timestamp = timestamps.ecr.max(1);
        }
        if self.random.chance(1) {
            self.flows.swap_remove(at);
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.stack.poll_event() {
            let Event::Connection(id, readiness) = event else {
                continue;
            };
            let held = self.held.iter_mut().find(|held| held.id == id);
            let held = held.expect("an event for a connection that nobody holds");
            held.reader_waits &= !readiness.has(Readiness::READABLE);
            held.writer_waits &= !readiness.has(Readiness::WRITABLE);
        }
    }

    /// Everybody lets go, the peers fall silent: nothing remains.
    fn end(&mut self) {
        self.take_events();
        if let Some(listener) = self.listener.take() {
            self.stack.close_listener(self.now, listener);
        }
        for held in core::mem::take(&mut self.held) {
            self.stack.close(self.now, held.id);
        }
        // A user timeout of 20 s may ask for a probe each millisecond.
        for _ in 0..40_000 {
            self.credit = usize::MAX;
            self.listen_in();
            let Some(next) = self.stack.next_deadline() else {
                break;
            };
            self.now = self.now.max(next);
            self.stack.handle_timeouts(self.now);
        }
        if self.has_usual_times {
            assert_eq!(self.stack.connection_count(), 0, "connections remain");
            assert_eq!(self.stack.next_deadline(), None);
        }
    }
}

/// One run, whatever decides in it.
pub fn attack(random: Random, secret: Secret, seen: &mut Seen) {
    Attack::new(random, secret).run(400, seen);
}
