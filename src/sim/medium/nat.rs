//! A NAT: a box that hides hosts behind an address of its own (RFC 2663, RFC 4787, RFC 5382).

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use super::Counts;
use crate::sim::random::Random;
use crate::time::Instant;
use crate::wire::protocol;

/// A NAT with port mapping: it replaces the source of what hosts at the near end send by its own
/// address and one of its ports. What comes back to that port gets the host's address and port
/// again.
///
/// Mapping and filtering are endpoint-independent (RFC 4787 REQ-1, REQ-8): there is one mapping for
/// each address and port inside, open to any sender. Only outbound datagrams keep a mapping alive
/// (RFC 4787 §4.3). The NAT translates TCP, UDP, and inbound ICMP errors about them. It updates
/// checksums as in RFC 1624, so a datagram that was damaged before stays damaged. Everything else,
/// including fragments and IPv6 extension headers, does not get through. The number of ports limits
/// the number of mappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nat {
    addresses: Vec<IpAddr>,
    first_port: u16,
    last_port: u16,
    idle_timeout: Option<Duration>,
    rebinds: Vec<Instant>,
    /// How often the NAT has forgotten its mappings.
    generation: usize,
    inside: BTreeMap<Endpoint, Mapping>,
    outside: BTreeMap<Endpoint, Endpoint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Endpoint {
    protocol: u8,
    address: IpAddr,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mapping {
    outside: Endpoint,
    used: Instant,
    generation: usize,
}

/// The first port that is not a well-known one (RFC 4787 §4.2.2).
const FIRST_PORT: u16 = 1024;

impl Nat {
    /// A NAT with these outside addresses, at most one of each family. Datagrams of a family
    /// without an address do not get through.
    pub fn new(addresses: impl Into<Vec<IpAddr>>) -> Nat {
        Nat {
            addresses: addresses.into(),
            first_port: FIRST_PORT,
            last_port: u16::MAX,
            idle_timeout: None,
            rebinds: Vec::new(),
            generation: 0,
            inside: BTreeMap::new(),
            outside: BTreeMap::new(),
        }
    }

    /// Takes ports from this range, both ends included, instead of from 1024 to 65535.
    ///
    /// # Panics
    /// If the range is empty.
    #[must_use]
    pub fn ports(mut self, first: u16, last: u16) -> Nat {
        assert!(first <= last, "no port is from {first} to {last}");
        (self.first_port, self.last_port) = (first, last);
        self
    }

    /// Forgets a mapping when no datagram has gone out through it for longer than this. What
    /// arrives for it is then dropped, and the next outbound datagram gets another port. (RFC 5382
    /// REQ-5 requires 2 h 4 min; many boxes use one minute.)
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Nat {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Forgets every mapping at this time, as after a restart.
    #[must_use]
    pub fn rebind_at(mut self, at: Instant) -> Nat {
        self.rebinds.push(at);
        self
    }

    /// Stops forgetting mappings. Those already forgotten do not come back.
    pub(in crate::sim) fn heal(&mut self) {
        self.idle_timeout = None;
        self.rebinds.clear();
    }

    /// Translates a datagram that leaves a host inside at `now`. False: it does not get through.
    pub(in crate::sim) fn outbound(
        &mut self,
        now: Instant,
        datagram: &mut [u8],
        random: &mut Random,
        counts: &mut Counts,
    ) -> bool {
        self.advance(now);
        let translated = Fields::of(datagram).and_then(|fields| {
            let inside = fields.source(datagram)?;
            let outside = self.map(now, inside, random, counts)?;
            fields.set_source(datagram, outside);
            Some(())
        });
        counts.untranslated += u64::from(translated.is_none());
        translated.is_some()
    }

    /// Translates a datagram that arrives from outside at `at`. False: it does not get through.
    pub(in crate::sim) fn inbound(
        &mut self,
        at: Instant,
        datagram: &mut [u8],
        counts: &mut Counts,
    ) -> bool {
        self.advance(at);
        let translated = Fields::of(datagram).and_then(|fields| match fields.protocol {
            protocol::ICMP | protocol::ICMPV6 => self.inbound_error(at, fields, datagram),
            _ => {
                let inside = self.find(at, fields.destination(datagram)?)?;
                fields.set_destination(datagram, inside);
                Some(())
            }
        });
        counts.untranslated += u64::from(translated.is_none());
        translated.is_some()
    }

    /// Translates an ICMP error: it goes to the host that sent the quoted datagram, and quotes it
    /// as that host sent it (RFC 5508 §4.2).
    fn inbound_error(&self, at: Instant, fields: Fields, datagram: &mut [u8]) -> Option<()> {
        let quote = fields.upper + ICMP_HEADER;
        if !is_error(fields.v4, *datagram.get(fields.upper)?) {
            return None;
        }
        let mut quoted = datagram.get(quote..)?.to_vec();
        let inner = Fields::of(&quoted)?;
        let inside = self.find(at, inner.source(&quoted)?)?;
        inner.set_source(&mut quoted, inside);
        let sum = fields.upper + ICMP_CHECKSUM;
        let (head, body) = datagram.split_at_mut(quote);
        update(head.get_mut(sum..sum + 2)?, body, &quoted);
        body.copy_from_slice(&quoted);
        fields.set_address(datagram, fields.addresses().1, inside.address);
        Some(())
    }

    fn advance(&mut self, now: Instant) {
        let past = self.rebinds.iter().filter(|at| **at <= now).count();
        self.generation = self.generation.max(past);
    }

    fn is_alive(&self, now: Instant, mapping: &Mapping) -> bool {
        let idle = self
            .idle_timeout
            .is_none_or(|most| now - mapping.used <= most);
        idle && mapping.generation == self.generation
    }

    /// The endpoint inside that is mapped to an endpoint of the NAT.
    fn find(&self, now: Instant, outside: Endpoint) -> Option<Endpoint> {
        let inside = self.outside.get(&outside)?;
        let mapping = self.inside.get(inside)?;
        self.is_alive(now, mapping).then_some(*inside)
    }

    /// The endpoint of the NAT for an endpoint inside, created if there is none. `None`: no port is
    /// left, or the NAT has no address of the family.
    fn map(
        &mut self,
        now: Instant,
        inside: Endpoint,
        random: &mut Random,
        counts: &mut Counts,
    ) -> Option<Endpoint> {
        let known = self.inside.get(&inside).copied();
        if let Some(mapping) = known.filter(|mapping| self.is_alive(now, mapping)) {
            let used = mapping.used.max(now);
            self.inside.insert(inside, Mapping { used, ..mapping });
            return Some(mapping.outside);
        }
        let outside = self.free(now, inside, random)?;
        if let Some(old) = known {
            self.outside.remove(&old.outside);
            counts.rebound += 1;
        }
        let mapping = Mapping {
            outside,
            used: now,
            generation: self.generation,
        };
        self.inside.insert(inside, mapping);
        if let Some(forgotten) = self.outside.insert(outside, inside) {
            self.inside.remove(&forgotten);
        }
        Some(outside)
    }

    /// A port that has no mapping, or only a forgotten one of another endpoint: a new port of `inside` must
    /// differ from its old one.
    fn free(&self, now: Instant, inside: Endpoint, random: &mut Random) -> Option<Endpoint> {
        let same_family = |address: &&IpAddr| address.is_ipv4() == inside.address.is_ipv4();
        let address = *self.addresses.iter().find(same_family)?;
        let start = random.between(self.first_port.into(), self.last_port.into()) as u16;
        (start..=self.last_port)
            .chain(self.first_port..start)
            .map(|port| Endpoint {
                protocol: inside.protocol,
                address,
                port,
            })
            .find(|outside| {
                let holder = self.outside.get(outside);
                let is_alive = |mapping: &Mapping| self.is_alive(now, mapping);
                holder.is_none_or(|holder| {
                    *holder != inside && !self.inside.get(holder).is_some_and(is_alive)
                })
            })
    }
}

const ICMP_HEADER: usize = 8;
const ICMP_CHECKSUM: usize = 2;
const IPV4_CHECKSUM: usize = 10;

/// Unreachable, time exceeded, parameter problem; with IPv6, also packet too big (RFC 792, RFC 4443
/// §2.1).
fn is_error(v4: bool, kind: u8) -> bool {
    match v4 {
        true => matches!(kind, 3 | 11 | 12),
        false => kind < 128,
    }
}

/// Where in a datagram the fields are that a NAT reads and writes.
#[derive(Clone, Copy)]
struct Fields {
    v4: bool,
    protocol: u8,
    /// Where the upper-layer header starts.
    upper: usize,
}

impl Fields {
    /// `None` for a datagram that a NAT does not translate. Checksums are not verified.
    fn of(datagram: &[u8]) -> Option<Fields> {
        let (v4, protocol, upper) = match datagram.first()? >> 4 {
            4 => {
                let header: &[u8; 20] = datagram.first_chunk()?;
                let is_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
                let len = 4 * usize::from(header[0] & 0xf);
                if is_fragment || len < header.len() {
                    return None;
                }
                (true, header[9], len)
            }
            6 => (false, *datagram.get(6)?, 40),
            _ => return None,
        };
        let known = match protocol {
            protocol::TCP | protocol::UDP => true,
            protocol::ICMP => v4,
            protocol::ICMPV6 => !v4,
            _ => false,
        };
        let is_there = datagram.len() >= upper + ICMP_HEADER;
        (known && is_there).then_some(Fields {
            v4,
            protocol,
            upper,
        })
    }

    fn addresses(self) -> (usize, usize) {
        match self.v4 {
            true => (12, 16),
            false => (8, 24),
        }
    }

    fn source(self, datagram: &[u8]) -> Option<Endpoint> {
        self.endpoint(datagram, self.addresses().0, self.upper)
    }

    fn destination(self, datagram: &[u8]) -> Option<Endpoint> {
        self.endpoint(datagram, self.addresses().1, self.upper + 2)
    }

    fn endpoint(self, datagram: &[u8], address: usize, port: usize) -> Option<Endpoint> {
        if !matches!(self.protocol, protocol::TCP | protocol::UDP) {
            return None;
        }
        Some(Endpoint {
            protocol: self.protocol,
            address: match self.v4 {
                true => IpAddr::from(*datagram.get(address..)?.first_chunk::<4>()?),
                false => IpAddr::from(*datagram.get(address..)?.first_chunk::<16>()?),
            },
            port: u16::from_be_bytes(*datagram.get(port..)?.first_chunk()?),
        })
    }

    fn set_source(self, datagram: &mut [u8], to: Endpoint) {
        self.set_address(datagram, self.addresses().0, to.address);
        self.set(datagram, self.upper, &to.port.to_be_bytes(), false);
    }

    fn set_destination(self, datagram: &mut [u8], to: Endpoint) {
        self.set_address(datagram, self.addresses().1, to.address);
        self.set(datagram, self.upper + 2, &to.port.to_be_bytes(), false);
    }

    fn set_address(self, datagram: &mut [u8], at: usize, to: IpAddr) {
        match to {
            IpAddr::V4(v4) => self.set(datagram, at, &v4.octets(), true),
            IpAddr::V6(v6) => self.set(datagram, at, &v6.octets(), true),
        }
    }

    /// Writes octets at an even offset, and updates the checksums that cover them.
    fn set(self, datagram: &mut [u8], at: usize, to: &[u8], in_ip_header: bool) {
        let Some(field) = datagram.get_mut(at..at + to.len()) else {
            return;
        };
        let mut from = [0; 16];
        from[..to.len()].copy_from_slice(field);
        field.copy_from_slice(to);
        let from = &from[..to.len()];
        if self.v4 && in_ip_header {
            update(&mut datagram[IPV4_CHECKSUM..][..2], from, to);
        }
        // A quote may end before the checksum of the quoted datagram.
        let sum = self.checksum().and_then(|at| datagram.get_mut(at..at + 2));
        let Some(sum) = sum else { return };
        // RFC 768: zero means that there is no checksum, and a checksum of zero is sent as all
        // ones.
        let is_udp = self.protocol == protocol::UDP;
        if is_udp && *sum == [0, 0] {
            return;
        }
        update(sum, from, to);
        if is_udp && *sum == [0, 0] {
            sum.fill(0xff);
        }
    }

    /// Where the checksum is that covers addresses and ports.
    fn checksum(self) -> Option<usize> {
        match self.protocol {
            protocol::TCP => Some(self.upper + 16),
            protocol::UDP => Some(self.upper + 6),
            protocol::ICMPV6 => Some(self.upper + ICMP_CHECKSUM),
            // ICMP for IPv4 has no pseudo header.
            _ => None,
        }
    }
}

/// RFC 1624 §3, equation 3: HC' = ~(~HC + ~m + m'), when `from` becomes `to`; both begin at an even
/// offset.
fn update(checksum: &mut [u8], from: &[u8], to: &[u8]) {
    let word = |pair: &[u8]| {
        let low = pair.get(1).copied().unwrap_or(0);
        u16::from_be_bytes([pair[0], low])
    };
    let mut sum = u64::from(!word(checksum));
    sum += from
        .chunks(2)
        .map(|pair| u64::from(!word(pair)))
        .sum::<u64>();
    sum += to.chunks(2).map(|pair| u64::from(word(pair))).sum::<u64>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    checksum.copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Control, IcmpError, IcmpMessage, IpHeader, Packet, Payload, TcpHeader, Text, UdpHeader,
        icmp, parse,
    };

    const PUBLIC: [&str; 2] = ["192.0.2.9", "2001:db8::9"];
    const HOSTS: [[&str; 2]; 2] = [["10.0.0.1", "198.51.100.2"], ["fd00::1", "2001:db8:f::2"]];

    fn nat() -> Nat {
        Nat::new(PUBLIC.map(|address| address.parse().unwrap()))
    }

    fn header(source: &str, destination: &str) -> IpHeader {
        IpHeader::new(source.parse().unwrap(), destination.parse().unwrap(), 0, 64)
    }

    fn tcp(ip: IpHeader, ports: [u16; 2]) -> Vec<u8> {
        let header = TcpHeader {
            source_port: ports[0],
            destination_port: ports[1],
            seq: 77,
            control: Control::ACK,
            ..TcpHeader::default()
        };
        Packet::tcp(&ip, &header, Text::from(&b"odd"[..])).to_vec()
    }

    fn udp(ip: IpHeader, ports: [u16; 2], text: &[u8]) -> Vec<u8> {
        let header = UdpHeader {
            source_port: ports[0],
            destination_port: ports[1],
        };
        Packet::udp(&ip, &header, Text::from(text)).to_vec()
    }

    /// Source and destination of a datagram; its checksums must be correct.
    fn ends(datagram: &[u8]) -> [(IpAddr, u16); 2] {
        let parsed = parse(datagram).unwrap();
        let (source, destination) = match parsed.payload {
            Payload::Tcp(tcp, _) => (tcp.source_port, tcp.destination_port),
            Payload::Udp(udp, _) => (udp.source_port, udp.destination_port),
            other => panic!("{other:?}"),
        };
        [
            (parsed.ip.source, source),
            (parsed.ip.destination, destination),
        ]
    }

    struct Bench {
        nat: Nat,
        random: Random,
        counts: Counts,
    }

    impl Bench {
        fn new(nat: Nat) -> Bench {
            Bench {
                nat,
                random: Random::new(1),
                counts: Counts::default(),
            }
        }

        fn out(&mut self, secs: u64, mut datagram: Vec<u8>) -> Option<Vec<u8>> {
            let now = Instant::from_secs(secs);
            self.nat
                .outbound(now, &mut datagram, &mut self.random, &mut self.counts)
                .then_some(datagram)
        }

        fn back(&mut self, secs: u64, mut datagram: Vec<u8>) -> Option<Vec<u8>> {
            let now = Instant::from_secs(secs);
            self.nat
                .inbound(now, &mut datagram, &mut self.counts)
                .then_some(datagram)
        }
    }

    /// In both families, for TCP and UDP: out and back, with correct checksums all the way.
    #[test]
    fn there_and_back() {
        type Make = fn(IpHeader, [u16; 2]) -> Vec<u8>;
        let kinds: [Make; 2] = [tcp, |ip, ports| udp(ip, ports, b"text")];
        for (family, [host, peer]) in HOSTS.into_iter().enumerate() {
            for make in kinds {
                let mut bench = Bench::new(nat());
                let sent = make(header(host, peer), [40_000, 7]);
                let out = bench.out(1, sent.clone()).unwrap();
                let [(address, port), destination] = ends(&out);
                assert_eq!(address, PUBLIC[family].parse::<IpAddr>().unwrap());
                assert!(port >= FIRST_PORT);
                assert_eq!(destination, ends(&sent)[1]);

                let answer = make(header(peer, PUBLIC[family]), [7, port]);
                let back = bench.back(2, answer).unwrap();
                assert_eq!(ends(&back), [destination, ends(&sent)[0]]);
                assert_eq!(bench.counts, Counts::default());
            }
        }
    }

    #[test]
    fn each_endpoint_has_a_mapping_of_its_own() {
        let mut bench = Bench::new(nat());
        let ip = header(HOSTS[0][0], HOSTS[0][1]);
        let mut port = |from: u16, to: u16| ends(&bench.out(1, tcp(ip, [from, to])).unwrap())[0].1;
        let first = port(40_000, 7);
        assert_eq!(port(40_000, 8), first, "whatever the destination");
        assert_ne!(port(40_001, 7), first);
    }

    #[test]
    fn nobody_gets_in_who_was_not_called() {
        let mut bench = Bench::new(nat());
        let [host, peer] = HOSTS[0];
        bench.out(1, tcp(header(host, peer), [40_000, 7])).unwrap();
        let uncalled = (1..=u16::MAX)
            .filter(|&port| {
                bench
                    .back(1, tcp(header(peer, PUBLIC[0]), [7, port]))
                    .is_some()
            })
            .count();
        assert_eq!(uncalled, 1, "one port is open");
        assert_eq!(bench.counts.untranslated, 65_534);
    }

    #[test]
    fn a_mapping_lives_while_it_is_used_and_then_times_out() {
        let mut bench = Bench::new(nat().idle_timeout(Duration::from_secs(60)));
        let [host, peer] = HOSTS[0];
        let sent = tcp(header(host, peer), [40_000, 7]);
        let port = |datagram: Option<Vec<u8>>| ends(&datagram.unwrap())[0].1;
        let first = port(bench.out(0, sent.clone()));
        assert_eq!(port(bench.out(60, sent.clone())), first);
        let answer = tcp(header(peer, PUBLIC[0]), [7, first]);
        assert!(bench.back(120, answer.clone()).is_some());
        assert_eq!(bench.back(121, answer.clone()), None, "idle for 61 s");
        let second = port(bench.out(121, sent.clone()));
        assert_ne!(second, first);
        assert_eq!(bench.back(121, answer), None, "the old port is closed");
        assert_eq!((bench.counts.rebound, bench.counts.untranslated), (1, 2));

        bench.nat.heal();
        assert_eq!(port(bench.out(100_000, sent)), second);
    }

    /// A port whose mapping is forgotten is free for another endpoint, but no port becomes free once the
    /// NAT has stopped forgetting.
    #[test]
    fn a_port_that_is_forgotten_is_free() {
        let narrow = nat()
            .ports(4_000, 4_000)
            .idle_timeout(Duration::from_secs(60));
        let mut bench = Bench::new(narrow);
        let [host, peer] = HOSTS[0];
        let from = |port| tcp(header(host, peer), [port, 7]);
        assert!(bench.out(0, from(40_000)).is_some());
        assert_eq!(bench.out(60, from(40_001)), None, "it is in use");
        let out = bench.out(61, from(40_001)).unwrap();
        assert_eq!(ends(&out)[0].1, 4_000);
        let back = bench.back(61, tcp(header(peer, PUBLIC[0]), [7, 4_000]));
        assert_eq!(ends(&back.unwrap())[1].1, 40_001);
        assert_eq!(bench.out(62, from(40_000)), None);
        bench.nat.heal();
        assert_eq!(bench.out(1_000, from(40_000)), None);
        assert!(bench.out(1_000, from(40_001)).is_some());
    }

    #[test]
    fn a_restart_forgets_every_mapping() {
        let restarts = nat()
            .rebind_at(Instant::from_secs(10))
            .rebind_at(Instant::from_secs(30));
        let mut bench = Bench::new(restarts);
        let [host, peer] = HOSTS[1];
        let mut port = |secs| {
            let out = bench.out(secs, tcp(header(host, peer), [40_000, 7]));
            ends(&out.unwrap())[0].1
        };
        let ports = [9, 10, 29, 30, 31].map(&mut port);
        assert!(ports[0] != ports[1] && ports[1] == ports[2]);
        assert!(ports[2] != ports[3] && ports[3] == ports[4]);
        assert_eq!(bench.counts.rebound, 2);
    }

    #[test]
    fn healing_keeps_it_from_forgetting_again() {
        let mut bench = Bench::new(nat().rebind_at(Instant::from_secs(10)));
        let [host, peer] = HOSTS[1];
        let sent = tcp(header(host, peer), [40_000, 7]);
        let first = bench.out(1, sent.clone());
        bench.nat.heal();
        assert_eq!(bench.out(11, sent), first);
    }

    #[test]
    fn an_error_finds_the_sender_of_what_it_quotes() {
        for (family, [host, peer]) in HOSTS.into_iter().enumerate() {
            let mut bench = Bench::new(nat());
            let out = bench.out(1, tcp(header(host, peer), [40_001, 7])).unwrap();
            let too_big = IcmpError::PacketTooBig { mtu: 1280 };
            let router = peer.parse().unwrap();
            let error = icmp::error(router, 64, too_big, &out).unwrap();
            let back = bench.back(1, error).unwrap();
            let parsed = parse(&back).unwrap();
            assert_eq!(parsed.ip.destination, host.parse::<IpAddr>().unwrap());
            let Payload::Icmp(IcmpMessage::Error(error, quote)) = parsed.payload else {
                panic!("{family}: {parsed:?}");
            };
            assert_eq!(error, too_big);
            assert_eq!(
                (quote.source, quote.source_port),
                (parsed.ip.destination, 40_001)
            );
            assert_eq!((quote.destination_port, quote.seq), (7, 77));
            // The quote is what the host sent, including the checksums.
            let quoted = &back[if family == 0 { 28 } else { 48 }..];
            assert_eq!(quoted, tcp(header(host, peer), [40_001, 7]));
        }
    }

    #[test]
    fn an_error_about_a_strangers_datagram_does_not_get_in() {
        let mut bench = Bench::new(nat());
        let stranger = tcp(header(PUBLIC[0], HOSTS[0][1]), [4_000, 7]);
        let router = HOSTS[0][1].parse().unwrap();
        let error = icmp::error(router, 64, IcmpError::HopLimitExceeded, &stranger);
        assert_eq!(bench.back(1, error.unwrap()), None);
    }

    #[test]
    fn damage_stays_damage() {
        let [host, peer] = HOSTS[0];
        let whole = tcp(header(host, peer), [40_000, 7]);
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let out = Bench::new(nat()).out(1, damaged);
            assert!(out.is_none_or(|out| parse(&out).is_err()), "bit {bit}");
        }
    }

    #[test]
    fn what_it_cannot_translate_does_not_get_through() {
        let mut bench = Bench::new(Nat::new([PUBLIC[0].parse().unwrap()]));
        let other_family = tcp(header(HOSTS[1][0], HOSTS[1][1]), [40_000, 7]);
        assert_eq!(bench.out(1, other_family), None, "no address for IPv6");
        let whole = tcp(header(HOSTS[0][0], HOSTS[0][1]), [40_000, 7]);
        for len in 0..28 {
            assert_eq!(bench.out(1, whole[..len].to_vec()), None, "{len} octets");
        }
        let mut fragment = whole.clone();
        fragment[6] |= 0x20;
        assert_eq!(bench.out(1, fragment), None);
        assert_eq!(bench.counts.untranslated, 30);
    }

    /// RFC 768: a UDP datagram may do without a checksum.
    #[test]
    fn no_checksum_stays_none_and_zero_is_written_as_ones() {
        let [host, peer] = HOSTS[0];
        let mut without = udp(header(host, peer), [40_000, 7], b"text");
        without[26..28].fill(0);
        let out = Bench::new(nat()).out(1, without).unwrap();
        assert_eq!(out[26..28], [0, 0]);
        // Among this many texts, one has a checksum of zero.
        let mut bench = Bench::new(nat());
        let ones = (0..=u16::MAX).find(|text| {
            let sent = udp(header(host, peer), [40_000, 7], &text.to_be_bytes());
            let out = bench.out(1, sent).unwrap();
            assert_ne!(out[26..28], [0, 0], "{text}");
            out[26..28] == [0xff, 0xff]
        });
        assert!(ones.is_some());
    }

    #[test]
    fn when_no_port_is_left_nobody_else_gets_through() {
        let mut bench = Bench::new(nat().ports(65_036, u16::MAX));
        let [host, peer] = HOSTS[0];
        let mut out = |port| {
            let out = bench.out(1, tcp(header(host, peer), [port, 7]));
            out.map(|out| ends(&out)[0].1)
        };
        let mut ports: Vec<u16> = (0..500).map(|port| out(port).unwrap()).collect();
        assert_eq!(out(500), None);
        assert!(out(499).is_some(), "who has one keeps it");
        ports.sort_unstable();
        assert!(ports.into_iter().eq(65_036..=u16::MAX), "each port once");
        assert_eq!(bench.counts.untranslated, 1);
    }
}
