//! A host with a listener, connections, a UDP socket and echo sockets, to which datagrams come that are right but for a
//! few octets.

use std::net::SocketAddr;
use std::time::Duration;

use stubborn::stack::{ListenerId, Secret, Stack, UdpId, UdpMarks};
use stubborn::time::Instant;
use stubborn::wire::checksum::checksum;
use stubborn::wire::{
    Checksum, Control, Echo, Form, IcmpError, IpHeader, Options, Packet, SackBlock, TcpHeader,
    Text, Timestamps, UdpHeader, Unreachable, icmp, ip, protocol,
};

use super::world::{Random, addr, config};

/// Datagrams of a run.
const DATAGRAMS: usize = 500;

/// A host that others talk to.
struct Host {
    stack: Stack,
    now: Instant,
    listener: ListenerId,
    /// An echo socket of each family, with the identifiers 1 and 2.
    echoes: [UdpId; 2],
    /// Datagrams that are right, but for their numbers.
    valid: Vec<Vec<u8>>,
}

impl Host {
    fn new() -> Host {
        let mut config = config(0);
        config.addresses.push("fd00::1".parse().unwrap());
        config.memory = 4 << 20;
        let mut stack = Stack::new(config, Secret([5; 16])).unwrap();
        let listener = stack.listen(addr(0, 80), 8).unwrap();
        let any: SocketAddr = "[::]:80".parse().unwrap();
        stack.listen(any, 8).unwrap();
        stack.udp_bind(addr(0, 53)).unwrap();
        let all = "[::]:2".parse().unwrap();
        let echoes = [addr(0, 1), all].map(|local| stack.echo_bind(local).unwrap());
        Host {
            stack,
            echoes,
            now: Instant::from_secs(1000),
            listener,
            valid: valid(),
        }
    }

    /// A valid datagram, some octets of it changed.
    fn arrives(&mut self, random: &mut Random) {
        let mut datagram = self.valid[random.below(self.valid.len())].clone();
        for _ in 0..random.below(5) {
            let at = random.below(datagram.len());
            datagram[at] = match random.chance(50) {
                true => random.number() as u8,
                false => datagram[at].wrapping_add(1),
            };
        }
        if random.chance(5) {
            datagram.truncate(random.below(datagram.len() + 1));
        }
        let len = usize::from(datagram.first().copied().unwrap_or(0) & 15) * 4;
        if random.chance(90) && datagram.len() >= len.max(20) && datagram[0] >> 4 == 4 {
            datagram[10..12].fill(0);
            let sum = checksum(&datagram[..len.max(20)]);
            datagram[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        // What lies behind a checksum is looked at, too.
        let checksum = match random.chance(90) {
            true => Checksum::Verified,
            false => Checksum::Complete,
        };
        let form = Form {
            checksum,
            ..Form::default()
        };
        self.stack.receive_as(self.now, &datagram, form);
    }

    /// What leaves and what falls due; who was accepted is let go at last.
    fn goes_on(&mut self, random: &mut Random) {
        let mut replies = 0;
        while self.stack.poll_transmit(self.now).is_some() {
            replies += 1;
            assert!(replies < 10_000, "no end of replies");
        }
        while self.stack.poll_event().is_some() {}
        for (id, peer) in self.echoes.into_iter().zip([v4, v6]) {
            if random.chance(20) {
                let _ = self.stack.udp_recv(id, &mut [0; 9]);
                let (peer, marks) = (peer(0).source, UdpMarks::default());
                let _ = self.stack.echo_send(id, 2, b"data", Some(peer), marks);
            }
        }
        if random.chance(10) {
            while let Some(id) = self.stack.accept(self.listener) {
                let _ = self.stack.send(self.now, id, &[7; 3000]);
                if random.chance(70) {
                    self.stack.close(self.now, id);
                }
            }
        }
        self.now += Duration::from_micros(random.number() % 3_000_000);
        self.stack.handle_timeouts(self.now);
        assert!(self.stack.memory_in_use() <= self.stack.config().memory);
    }
}

fn v4(protocol: u8) -> IpHeader {
    IpHeader::new(addr(1, 0).ip(), addr(0, 0).ip(), protocol, 64)
}

fn v6(protocol: u8) -> IpHeader {
    let [peer, us] = ["fd00::2", "fd00::1"].map(|address| address.parse().unwrap());
    IpHeader::new(peer, us, protocol, 64)
}

/// Segments, UDP, ICMP and what it quotes, fragments, extension headers.
fn valid() -> Vec<Vec<u8>> {
    let mut valid = chains();
    for family in [v4, v6] {
        valid.extend(segments(family(protocol::TCP)));
        let header = UdpHeader {
            source_port: 1000,
            destination_port: 53,
        };
        let ip = family(protocol::UDP);
        let long = Packet::udp(&ip, &header, Text::from(&[b'.'; 2000][..])).to_vec();
        valid.extend(ip::fragments(long, 1280, 77).unwrap());
        valid.push(Packet::udp(&ip, &header, Text::from(&b"text"[..])).to_vec());
        let ping = match ip.source.is_ipv4() {
            true => protocol::ICMP,
            false => protocol::ICMPV6,
        };
        let echo = Echo {
            identifier: if ip.source.is_ipv4() { 1 } else { 2 },
            sequence: 2,
            data: b"data",
        };
        valid.push(icmp::echo_request(&family(ping), &echo));
        valid.push(icmp::echo_reply(&family(ping), &echo));
        let to_peer = IpHeader::new(ip.destination, ip.source, ping, 64);
        valid.extend(errors(&ip, &segment_to(&ip)));
        valid.extend(errors(&ip, &icmp::echo_request(&to_peer, &echo)));
    }
    valid
}

/// A SYN, an acknowledgment with text, and so on, each with other options.
fn segments(ip: IpHeader) -> Vec<Vec<u8>> {
    let mut segments = Vec::new();
    for (control, len) in [
        (Control::SYN, 0),
        (Control::SYN | Control::ACK, 0),
        (Control::ACK, 0),
        (Control::ACK | Control::URG, 9),
        (Control::FIN | Control::ACK, 5),
        (Control::RST, 0),
    ] {
        let is_syn = control.has(Control::SYN);
        let options = Options {
            mss: is_syn.then_some(1460),
            window_scale: is_syn.then_some(7),
            sack_permitted: is_syn,
            timestamps: Some(Timestamps { val: 1, ecr: 2 }),
            ..Options::default()
        };
        let mut reports = Options::default();
        for left in [20, 40, 60] {
            let right = left + 10;
            reports.sack.push(SackBlock { left, right });
        }
        for options in [options, reports] {
            let header = TcpHeader {
                source_port: 1000,
                destination_port: 80,
                seq: 7,
                ack: 9,
                control,
                window: 500,
                urgent: 3,
                options,
            };
            let text = vec![b'.'; len];
            segments.push(Packet::tcp(&ip, &header, Text::from(&text[..])).to_vec());
        }
    }
    segments
}

/// A segment of ours to the peer, whose header is `ip`.
fn segment_to(ip: &IpHeader) -> Vec<u8> {
    let to_peer = IpHeader::new(ip.destination, ip.source, protocol::TCP, 64);
    let header = TcpHeader {
        source_port: 80,
        destination_port: 1000,
        ..TcpHeader::default()
    };
    Packet::tcp(&to_peer, &header, Text::EMPTY).to_vec()
}

/// ICMP errors of the peer, whose header is `ip`, about what we have sent.
fn errors(ip: &IpHeader, offending: &[u8]) -> Vec<Vec<u8>> {
    [
        IcmpError::Unreachable(Unreachable::Port),
        IcmpError::PacketTooBig { mtu: 1280 },
    ]
    .into_iter()
    .filter_map(|error| icmp::error(ip.source, 64, error, offending))
    .collect()
}

/// UDP behind two extension headers.
fn chains() -> Vec<Vec<u8>> {
    let udp = &Packet::udp(&v6(protocol::UDP), &UdpHeader::default(), Text::EMPTY).to_vec()[40..];
    let pad = |next| vec![next, 0, 1, 4, 0, 0, 0, 0];
    let chain = [pad(protocol::DESTINATION_OPTIONS), pad(protocol::UDP)].concat();
    [
        protocol::HOP_BY_HOP,
        protocol::DESTINATION_OPTIONS,
        protocol::ROUTING,
    ]
    .map(|first| v6(first).datagram(&[&chain[..], udp].concat()))
    .to_vec()
}

/// Datagrams that are nearly right reach a host, whatever decides which.
pub fn through_a_host(mut random: Random) {
    let mut host = Host::new();
    for _ in 0..DATAGRAMS {
        if random.is_used_up() {
            break;
        }
        host.arrives(&mut random);
        if random.chance(30) {
            host.goes_on(&mut random);
        }
    }
}
