//! The floods of docs/THREATS.md with the numbers that it names: a build without optimisation makes a
//! small part of each, `scripts/soak` makes all of it, and there the times count, too.

use std::net::SocketAddr;
use std::time::Duration;

use stubborn::config::{Config, TcpConfig};
use stubborn::stack::{ConnectError, Secret, Stack};
use stubborn::tcp::State;
use stubborn::time::Instant;
use stubborn::wire::{Control, Ecn, IpHeader, Options, Packet, TcpHeader, Text, protocol};

use super::raw::{ACK, FIN, RST, Raw, SYN, URG};
use super::world::{Random, addr, config};

/// The second where everything is made, the first elsewhere.
const fn count(few: u32, all: u32) -> u32 {
    if cfg!(debug_assertions) { few } else { all }
}

/// A million resets in the window, but not at its edge: none resets, and each half second has one
/// challenge.
#[test]
fn no_blind_reset_of_a_million_resets() {
    const WINDOW: usize = 60_000;
    let mut raw = Raw::established(&TcpConfig {
        receive_buffer: WINDOW,
        ..super::raw::config()
    });
    let mut random = Random::new(1);
    let mut challenges = 0;
    let resets = count(10_000, 1 << 20);
    for _ in 0..resets {
        raw.now += Duration::from_micros(10);
        let seq = 2 + random.below(WINDOW - 1) as u32;
        raw.arrives(RST, seq, 0, b"");
        challenges += raw.sent().len();
    }
    assert_eq!(raw.tcb.state(), State::Established);
    assert_eq!(challenges, 1 + resets as usize / 50_000);
    raw.arrives(RST, 1, 0, b"");
    assert_eq!(raw.tcb.state(), State::Closed);
}

/// A megabyte of text, an octet in every second place, the farthest first or the nearest: none
/// takes longer than 2 µs in the mean, and what is held is no more than twice the buffer.
#[test]
fn a_million_pieces_cost_little_time_and_no_memory() {
    let pieces = count(10_000, 1_000_000);
    let buffer = 2 * pieces as usize + 100_000;
    let tcp = TcpConfig {
        receive_buffer: buffer,
        initial_receive_buffer: buffer,
        window_scaling: true,
        ..super::raw::config()
    };
    for farthest_first in [false, true] {
        let options = Options {
            mss: Some(1460),
            sack_permitted: true,
            window_scale: Some(7),
            ..Options::default()
        };
        let mut raw = Raw::passive(&tcp, options);
        raw.sent();
        raw.options = Options::default();
        raw.arrives(ACK, 1, 1, b"");
        // What answers text offers all there is room for.
        raw.arrives(ACK, 1, 1, &[b'.'; 1460]);
        raw.passes(Duration::from_secs(1));
        let window = raw.tcb.status().rcv_wnd;
        assert!(window > 2 * pieces + 2, "{window}");
        let tenth = pieces / 10;
        let times = (0..10).map(|number| {
            let start = std::time::Instant::now();
            for piece in tenth * number..tenth * (number + 1) {
                let at = match farthest_first {
                    true => pieces - 1 - piece,
                    false => piece,
                };
                let header = raw.header(ACK, 1462 + 2 * at, 1);
                (raw.tcb).segment_arrives(raw.now, Ecn::NotEct, &header, &b"."[..]);
                while raw.tcb.poll_transmit(raw.now).is_some() {}
            }
            start.elapsed() / tenth
        });
        // What else the machine does makes no tenth of them shorter.
        let mean = times.min().unwrap();
        println!("a piece, farthest first: {farthest_first}: {mean:?}");
        assert!(cfg!(debug_assertions) || mean <= Duration::from_micros(2));
        assert!(raw.tcb.heap_size() <= 2 * buffer, "{}", raw.tcb.heap_size());
    }
}

/// Every urgent pointer with texts of five lengths: the stream is what was sent.
#[test]
fn every_urgent_pointer_with_five_lengths() {
    let mut raw = Raw::established(&super::raw::config());
    let mut seq = 1;
    let mut buffer = [0; 2000];
    for pointer in (0..=u16::MAX).step_by(count(97, 1) as usize) {
        for len in [0, 1, 5, 700, 1460] {
            let text = vec![pointer as u8; len];
            raw.urgent_arrives(ACK | URG, seq, 1, pointer, &text);
            seq = seq.wrapping_add(len as u32);
            let mut read = Vec::new();
            while let Ok(octets) = raw.tcb.recv(raw.now, &mut buffer)
                && octets > 0
            {
                read.extend_from_slice(&buffer[..octets]);
            }
            assert_eq!(read, text, "pointer {pointer}, {len} octets");
            raw.sent();
        }
    }
}

/// A host, and strangers who speak to it.
struct Host {
    stack: Stack,
    now: Instant,
}

impl Host {
    fn new(config: Config) -> Host {
        Host {
            stack: Stack::new(config, Secret([4; 16])).unwrap(),
            now: Instant::from_secs(1000),
        }
    }

    /// A segment arrives at a port, from one of 2^24 addresses; what leaves in answer.
    fn arrives(
        &mut self,
        (from, to): (u32, u16),
        control: Control,
        (seq, ack): (u32, u32),
    ) -> Option<TcpHeader> {
        let header = TcpHeader {
            source_port: 1000,
            destination_port: to,
            seq,
            ack,
            control,
            window: 60_000,
            ..TcpHeader::default()
        };
        let from = ((11 << 24) + from).to_be_bytes().into();
        let ip = IpHeader::new(from, addr(0, 0).ip(), protocol::TCP, 64);
        let datagram = Packet::tcp(&ip, &header, Text::EMPTY).to_vec();
        self.stack.receive(self.now, &datagram);
        let left = self.stack.poll_transmit(self.now)?.to_vec();
        assert!(self.stack.poll_transmit(self.now).is_none());
        match stubborn::wire::parse(&left).unwrap().payload {
            stubborn::wire::Payload::Tcp(header, _) => Some(header),
            other => panic!("{other:?} is no segment"),
        }
    }
}

/// Ten million segments for a port that nobody has, from ever other sources: no second has more than a
/// thousand resets, nor does each have as many as the next.
#[test]
fn ten_million_segments_for_nobody_get_a_thousand_resets_a_second() {
    let mut host = Host::new(config(0));
    let segments = count(20_000, 10_000_000);
    let mut of_second = Vec::new();
    let mut resets = 0;
    for number in 0..segments {
        let answer = host.arrives((number % (1 << 24), 81), ACK, (1, number));
        if let Some(answer) = answer {
            assert_eq!((answer.control, answer.seq), (RST, number));
            resets += 1;
        }
        host.now += Duration::from_micros(1);
        if host.now.as_nanos().is_multiple_of(1_000_000_000) {
            of_second.push(std::mem::take(&mut resets));
        }
    }
    assert!(
        of_second.iter().all(|resets| *resets <= 1_000),
        "{of_second:?}"
    );
    if segments >= 10_000_000 {
        let differ = of_second.windows(2).filter(|two| two[0] != two[1]);
        assert!(differ.count() >= 8, "{of_second:?}");
    }
    let suppressed = host.stack.counters().replies_suppressed;
    assert!(suppressed > u64::from(segments) / 2);
}

/// A hundred thousand connections whose peers answer everything but never close: those in FIN-WAIT-2
/// that nobody holds are gone after a minute, those in TIME-WAIT are bounded in number and in
/// memory.
#[test]
fn a_hundred_thousand_connections_that_end_do_not_stay() {
    for peer_closes in [false, true] {
        let peers = count(1_000, 100_000);
        let mut host = Host::new(config(0));
        let most = host.stack.config().max_time_wait;
        let listener = host.stack.listen(addr(0, 80), 8).unwrap();
        for peer in 0..peers {
            let from = (peer, 80);
            let syn_ack = host.arrives(from, SYN, (0, 0)).unwrap();
            let first = syn_ack.seq.wrapping_add(1);
            host.arrives(from, ACK, (1, first));
            let id = host.stack.accept(listener).unwrap();
            host.stack.close(host.now, id);
            // Our FIN is acknowledged.
            let fin = (1, first.wrapping_add(1));
            host.arrives(from, ACK, (1, first));
            host.arrives(from, ACK, fin);
            if peer_closes {
                host.arrives(from, FIN | ACK, fin);
            }
            while host.stack.poll_event().is_some() {}
        }
        let waiting = host.stack.connection_count();
        let expected = match peer_closes {
            true => most.min(peers as usize),
            false => peers as usize,
        };
        assert_eq!(waiting, expected);
        if peer_closes {
            assert!(host.stack.memory_in_use() <= most * 128);
        }
        host.now += Duration::from_secs(61);
        host.stack.handle_timeouts(host.now);
        assert_eq!(host.stack.connection_count(), 0);
        assert_eq!(host.stack.memory_in_use(), 0);
    }
}

/// With every port for a destination in use the next OPEN fails after one look at each: that takes less
/// than a millisecond, of which the least of several tries counts.
#[test]
fn an_open_without_a_port_fails_after_one_look_at_each() {
    let mut config = config(0);
    config.memory = 4 << 30;
    let ports = count(1_000, 28_232) as u16;
    config.ephemeral_ports = (32_768, 32_768 + ports - 1);
    let mut host = Host::new(config);
    let to: SocketAddr = addr(1, 80);
    for _ in 0..ports {
        host.stack.connect(host.now, None, to).unwrap();
    }
    let tries = (0..5).map(|_| {
        let start = std::time::Instant::now();
        let refused = host.stack.connect(host.now, None, to);
        assert_eq!(refused, Err(ConnectError::AddressNotAvailable));
        start.elapsed()
    });
    let took = tries.min().unwrap();
    println!("an OPEN without a port: {took:?}");
    assert!(cfg!(debug_assertions) || took <= Duration::from_millis(1));
}
