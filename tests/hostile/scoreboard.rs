//! A peer that reports every second of our smallest segments, the farthest first, again and again
//! (CVE-2019-11477, -11478, -11479): what it can make us keep, send and do.

use std::time::Duration;

use stubborn::config::{CongestionControl, TcpConfig};
use stubborn::stack::{ConnId, Secret, Stack};
use stubborn::time::Instant;
use stubborn::wire::{Control, IpHeader, Options, Packet, SackBlock, TcpHeader, Text, protocol};

use super::world::{addr, config};

/// The least that a segment is cut to, whatever the peer's MSS option says.
const MSS: u32 = 48;

/// What is in flight, and how many acknowledgments are made up.
const FLIGHT: u32 = if cfg!(debug_assertions) {
    1 << 16
} else {
    1 << 20
};
const SEGMENTS: u32 = FLIGHT / MSS;
const ACKS: u32 = if cfg!(debug_assertions) {
    3_000
} else {
    1_000_000
};

/// Records of what is in flight.
const RECORDS: usize = 1 << 15;

/// The host, and the numbers of its connection with the peer.
struct Victim {
    stack: Stack,
    now: Instant,
    conn: Option<ConnId>,
    iss: u32,
}

impl Victim {
    /// With all of [`FLIGHT`] in flight, in segments of 48 octets.
    fn new() -> Victim {
        let mut config = config(0);
        config.tcp = TcpConfig {
            congestion_control: CongestionControl::Reno,
            initial_send_buffer: FLIGHT as usize,
            send_buffer: FLIGHT as usize,
            initial_window: 2 * SEGMENTS,
            max_burst: None,
            max_sent_records: RECORDS,
            timestamps: false,
            // The ordinary acknowledgment takes the steps that the others take.
            header_prediction: false,
            ..TcpConfig::default()
        };
        config.tcp.socket.nodelay = true;
        let mut victim = Victim {
            stack: Stack::new(config, Secret([9; 16])).unwrap(),
            now: Instant::from_secs(1000),
            conn: None,
            iss: 0,
        };
        let listener = victim.stack.listen(addr(0, 80), 1).unwrap();
        let syn = Options {
            mss: Some(1),
            window_scale: Some(14),
            sack_permitted: true,
            ..Options::default()
        };
        victim.arrives(Control::SYN, 0, syn);
        victim.iss = victim.leave()[0].0;
        victim.arrives(Control::ACK, 0, Options::default());
        let conn = victim.stack.accept(listener).unwrap();
        let text = vec![b'.'; FLIGHT as usize];
        assert_eq!(victim.stack.send(victim.now, conn, &text), Ok(text.len()));
        victim.conn = Some(conn);
        let segments = victim.leave();
        assert!(segments.iter().all(|(_, len)| *len <= MSS as usize));
        assert_eq!(segments.len(), FLIGHT.div_ceil(MSS) as usize);
        victim.now += Duration::from_millis(10);
        victim
    }

    /// A segment without text arrives.
    fn arrives(&mut self, control: Control, ack: u32, options: Options) {
        let datagram = self.datagram(control, ack, options);
        acknowledged(&mut self.stack, self.now, &datagram);
    }

    /// A segment without text: `ack` counts from the first octet of our text.
    fn datagram(&self, control: Control, ack: u32, options: Options) -> Vec<u8> {
        let is_syn = control.has(Control::SYN);
        let header = TcpHeader {
            source_port: 50_000,
            destination_port: 80,
            seq: if is_syn { 100 } else { 101 },
            ack: if is_syn { 0 } else { self.number(ack) },
            control,
            window: u16::MAX,
            options,
            ..TcpHeader::default()
        };
        let (us, peer) = (addr(0, 0).ip(), addr(1, 0).ip());
        let ip = IpHeader::new(peer, us, protocol::TCP, 64);
        Packet::tcp(&ip, &header, Text::EMPTY).to_vec()
    }

    /// How long the host takes for these.
    #[cfg(not(debug_assertions))]
    fn time_for(&mut self, datagrams: &[Vec<u8>]) -> Duration {
        let start = std::time::Instant::now();
        for datagram in datagrams {
            acknowledged(&mut self.stack, self.now, datagram);
        }
        start.elapsed()
    }

    /// A number on the wire.
    fn number(&self, place: u32) -> u32 {
        self.iss.wrapping_add(1).wrapping_add(place)
    }

    /// Four blocks of a segment each, of every second one, the farthest first.
    fn blocks(&self, ack: u32) -> Options {
        let mut options = Options::default();
        for block in 0..4 {
            let behind = 2 * ((4 * ack + block) % (SEGMENTS / 2 - 1));
            let left = MSS * (SEGMENTS - 1 - behind);
            options.sack.push(SackBlock {
                left: self.number(left),
                right: self.number(left + MSS),
            });
        }
        options
    }

    /// Number and length of every segment that leaves now.
    fn leave(&mut self) -> Vec<(u32, usize)> {
        let mut segments = Vec::new();
        while let Some(packet) = self.stack.poll_transmit(self.now) {
            let datagram = packet.to_vec();
            let seq = u32::from_be_bytes(datagram[24..28].try_into().unwrap());
            let header = 20 + usize::from(datagram[32] >> 4) * 4;
            segments.push((seq, datagram.len() - header));
        }
        segments
    }
}

/// What the host does with one acknowledgment: a function of its own, for who counts instructions.
#[inline(never)]
fn acknowledged(stack: &mut Stack, now: Instant, datagram: &[u8]) {
    stack.receive(now, datagram);
}

/// The peer makes us keep nothing, each of its acknowledgments makes us send as much as it says to
/// have arrived at most, and once it is honest everything is as ever. What one looks at is counted in
/// `tcp/recovery/scoreboard.rs`, what it costs in the next test.
#[test]
fn a_peer_that_reports_every_second_segment_gains_nothing() {
    let mut victim = Victim::new();
    let conn = victim.conn.unwrap();
    let before = victim.stack.heap_size(conn);
    let mut sent = 0;
    for ack in 0..ACKS {
        let options = victim.blocks(ack);
        victim.arrives(Control::ACK, 0, options);
        let leave = victim.leave();
        assert!(leave.len() <= 2 * 4, "{leave:?} for four segments");
        sent += leave.len();
    }
    assert_eq!(victim.stack.heap_size(conn), before);
    // Nothing that was lost leaves twice, and everything that was not reported may be lost.
    assert!(sent <= SEGMENTS as usize, "{sent} of {SEGMENTS}");
    victim.arrives(Control::ACK, FLIGHT, Options::default());
    assert_eq!(victim.stack.status(conn).send_queue, 0);
    victim.stack.send(victim.now, conn, b"text").unwrap();
    let last = victim.number(FLIGHT);
    assert_eq!(victim.leave(), [(last, 4)]);
}

/// An acknowledgment with four blocks costs no more than three that acknowledge two segments each, by
/// the steps of the RFC. Of several thousands the least time counts: what else the machine does makes none of them shorter.
#[test]
#[cfg(not(debug_assertions))]
fn such_an_acknowledgment_costs_no_more_than_three_others() {
    const TOGETHER: u32 = 1_000;
    let least = |acks: u32, datagram: fn(&Victim, u32) -> Vec<u8>| {
        let mut victim = Victim::new();
        let batches = (0..acks / TOGETHER).map(|batch| TOGETHER * batch);
        let times = batches.map(|first| {
            let of = |ack| datagram(&victim, ack);
            let datagrams: Vec<_> = (first..first + TOGETHER).map(of).collect();
            let time = victim.time_for(&datagrams);
            victim.leave();
            time
        });
        times.min().unwrap() / TOGETHER
    };
    let ordinary = least(SEGMENTS / 2, |victim, ack| {
        victim.datagram(Control::ACK, 2 * MSS * (ack + 1), Options::default())
    });
    let made_up = least(ACKS, |victim, ack| {
        victim.datagram(Control::ACK, 0, victim.blocks(ack))
    });
    println!("an ordinary acknowledgment: {ordinary:?}; one with four blocks: {made_up:?}");
    assert!(made_up <= 3 * ordinary);
}
