//! What strangers and peers can make a host hold, measured at the allocator: it fails beyond the
//! budget ([`Config::memory`]), and Rust ends the program for whom it fails. So that this test ends
//! otherwise says that the budget holds, whatever arrives (THREATS 5, 12, 31, 34, F21).
//!
//! It is one test, since all tests of a program share its allocator.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "only tests use it, and a failed unwrap is a failed test"
)]

use std::alloc::System;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use cap::Cap;
use stubborn::config::Config;
use stubborn::stack::{ConnId, ListenerId, Secret, Stack};
use stubborn::time::Instant;
use stubborn::wire::{
    Control, IpHeader, Options, Packet, TcpHeader, Text, UdpHeader, ip, protocol,
};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// What the host may hold for others, in octets.
const MEMORY: usize = 64 << 20;

/// What is beside the budget: a twentieth of it.
const BESIDE: usize = MEMORY / 20;

/// Peers that each open a connection.
const PEERS: u32 = 10_000;

/// UDP sockets that nobody reads.
const SOCKETS: u16 = 100;

fn us() -> IpAddr {
    Ipv4Addr::new(10, 0, 0, 1).into()
}

/// One of 2^24 addresses.
fn peer(number: u32) -> IpAddr {
    Ipv4Addr::from((11 << 24) + number).into()
}

struct Host {
    stack: Stack,
    listener: ListenerId,
    now: Instant,
    /// SYN,ACKs that left, by address of the peer: our number.
    iss: Vec<u32>,
    /// The most that was allocated since [`Host::new`] had ended.
    most: usize,
    before: usize,
}

impl Host {
    /// From the end of this function on the allocator fails beyond the budget.
    fn new() -> Host {
        let mut config = Config::new([us()]);
        config.memory = MEMORY;
        let mut stack = Stack::new(config, Secret([3; 16])).unwrap();
        let local = |port| SocketAddr::new(us(), port);
        let listener = stack.listen(local(80), PEERS as usize).unwrap();
        for port in 1..=SOCKETS {
            stack.udp_bind(local(port)).unwrap();
        }
        let iss = vec![0; PEERS as usize];
        let before = ALLOCATOR.allocated();
        ALLOCATOR.set_limit(before + MEMORY + BESIDE).unwrap();
        Host {
            stack,
            listener,
            now: Instant::from_secs(1000),
            iss,
            most: before,
            before,
        }
    }

    /// A datagram arrives, and all that is to leave does.
    fn arrives(&mut self, datagram: &[u8]) {
        self.stack.receive(self.now, datagram);
        self.most = self.most.max(ALLOCATOR.allocated());
        while let Some(packet) = self.stack.poll_transmit(self.now) {
            let octets = packet.to_vec();
            let is_syn_ack = octets[9] == protocol::TCP && octets[33] & 0x12 == 0x12;
            let to = u32::from_be_bytes(octets[16..20].try_into().unwrap()) - (11 << 24);
            if let Some(iss) = self.iss.get_mut(to as usize).filter(|_| is_syn_ack) {
                *iss = u32::from_be_bytes(octets[24..28].try_into().unwrap());
            }
        }
        while self.stack.poll_event().is_some() {}
    }

    /// A segment from port 1000 of a peer to a port of ours: `seq` counts from its SYN.
    fn segment(&mut self, from: u32, to: u16, control: Control, seq: u32, text: &[u8]) {
        let iss = self.iss.get(from as usize).copied().unwrap_or(0);
        let header = TcpHeader {
            source_port: 1000,
            destination_port: to,
            seq,
            ack: match control.has(Control::ACK) {
                true => iss.wrapping_add(1),
                false => 0,
            },
            control,
            window: 60_000,
            options: Options {
                mss: control.has(Control::SYN).then_some(1460),
                ..Options::default()
            },
            ..TcpHeader::default()
        };
        let ip = IpHeader::new(peer(from), us(), protocol::TCP, 64);
        let datagram = Packet::tcp(&ip, &header, Text::from(text)).to_vec();
        self.arrives(&datagram);
    }

    /// A peer opens a connection to port 80.
    fn opens(&mut self, from: u32) {
        self.segment(from, 80, Control::SYN, 0, b"");
        self.segment(from, 80, Control::ACK, 1, b"");
    }

    /// A datagram from port 1000 of a peer.
    fn datagram(&self, from: u32, to: u16, len: usize) -> Vec<u8> {
        let header = UdpHeader {
            source_port: 1000,
            destination_port: to,
        };
        let ip = IpHeader::new(peer(from), us(), protocol::UDP, 64);
        Packet::udp(&ip, &header, Text::from(&vec![7; len][..])).to_vec()
    }

    /// The connection of the first peer takes what comes in order.
    fn serves(&mut self, id: ConnId, next: &mut u32) {
        self.segment(0, 80, Control::ACK, *next, &[b'x'; 1000]);
        *next += 1000;
        let received = self.stack.recv(self.now, id, &mut [0; 2000]);
        assert_eq!(received, Ok(1000));
    }
}

/// Ten thousand connections hold text beyond gaps, strangers begin handshakes and datagrams that they
/// never end, and send to who does not read and who is not there.
#[test]
fn what_arrives_does_not_outgrow_the_budget() {
    let mut host = Host::new();
    host.opens(0);
    let served = host.stack.accept(host.listener).unwrap();
    let mut next = 1;
    (1..PEERS).for_each(|from| host.opens(from));
    let opened = host.stack.connection_count();
    assert!(opened > PEERS as usize / 2, "{opened} opened");
    for from in 1..PEERS {
        // What peers that were refused say is answered with resets.
        for ahead in [1_000, 20_000, 60_000] {
            host.segment(from, 80, Control::ACK, ahead, &[b'.'; 1400]);
        }
        if from % 100 == 0 {
            host.serves(served, &mut next);
        }
    }
    for round in 0..20_000 {
        let stranger = PEERS + round;
        host.segment(stranger, 80, Control::SYN, 0, b"");
        host.segment(stranger, 81, Control::ACK, 1, b"");
        let whole = host.datagram(stranger, 1, 8_000);
        let pieces = ip::fragments(whole, 1500, round).unwrap();
        host.arrives(&pieces[round as usize % pieces.len()]);
        let to = 1 + (round % u32::from(SOCKETS)) as u16;
        let datagram = host.datagram(stranger, to, 1400);
        host.arrives(&datagram);
        if round % 100 == 0 {
            host.serves(served, &mut next);
            host.now += Duration::from_millis(10);
            host.stack.handle_timeouts(host.now);
        }
    }
    assert!(host.stack.counters().memory_refusals > 0);
    let (counted, held) = (
        host.stack.memory_in_use(),
        ALLOCATOR.allocated() - host.before,
    );
    let most = host.most - host.before;
    println!("{opened} connections; {most} octets at most; now {held}, counted {counted}");
    assert!(most > MEMORY / 2, "{most}: the host has held something");
    assert!(
        held <= counted + BESIDE,
        "{held} are held, {counted} counted"
    );
    // What was held is given back, but for tables that were large.
    host.stack.abort_all();
    host.stack.close(host.now, served);
    while let Some(id) = host.stack.accept(host.listener) {
        host.stack.close(host.now, id);
    }
    host.arrives(b"");
    host.now += Duration::from_secs(120);
    host.stack.handle_timeouts(host.now);
    let left = ALLOCATOR.allocated() - host.before;
    assert_eq!(host.stack.connection_count(), 0);
    assert!(left <= BESIDE, "{left} octets when all is over");
    println!("{left} octets when all is over");
    ALLOCATOR.set_limit(usize::MAX).unwrap();
}
