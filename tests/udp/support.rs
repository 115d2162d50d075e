//! One real stack, and a peer that sends what the test says.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::{Event, Readiness, Secret, Stack, UdpId};
use stubborn::time::Instant;
use stubborn::wire::{self, IcmpError, IpHeader, Packet, Payload, Text, UdpHeader, icmp, protocol};

/// Our port, and the peer's.
pub(crate) const PORT: u16 = 7;
pub(crate) const PEER_PORT: u16 = 1000;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// Runs a test over IPv4 and over IPv6.
pub(crate) fn in_both_families(test: impl Fn(Family)) {
    test(Family::V4);
    test(Family::V6);
}

impl Family {
    fn address(self, v4: &str, v6: &str) -> IpAddr {
        let text = match self {
            Family::V4 => v4,
            Family::V6 => v6,
        };
        text.parse().unwrap()
    }

    /// The first address of the stack.
    pub(crate) fn us(self) -> IpAddr {
        self.address("10.0.0.1", "fd00::1")
    }

    /// The second one.
    pub(crate) fn us_too(self) -> IpAddr {
        self.address("10.0.0.11", "fd00::11")
    }

    pub(crate) fn peer(self) -> IpAddr {
        self.address("10.0.0.2", "fd00::2")
    }

    pub(crate) fn other_peer(self) -> IpAddr {
        self.address("10.0.0.3", "fd00::3")
    }

    pub(crate) fn router(self) -> IpAddr {
        self.address("192.0.2.1", "2001:db8::1")
    }

    pub(crate) fn unspecified(self) -> IpAddr {
        self.address("0.0.0.0", "::")
    }

    pub(crate) fn multicast(self) -> IpAddr {
        self.address("224.0.0.1", "ff02::1")
    }

    pub(crate) fn other(self) -> Family {
        match self {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        }
    }

    /// Octets of IP and UDP header.
    pub(crate) fn headers(self) -> usize {
        match self {
            Family::V4 => 28,
            Family::V6 => 48,
        }
    }
}

/// What left: the whole, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) ip: IpHeader,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) text: Vec<u8>,
    pub(crate) datagram: Vec<u8>,
}

/// A stack with two addresses of one family.
pub(crate) struct Host {
    pub(crate) stack: Stack,
    pub(crate) family: Family,
    pub(crate) now: Instant,
}

impl Host {
    pub(crate) fn new(family: Family) -> Host {
        Host::with(family, |_| ())
    }

    pub(crate) fn with(family: Family, change: impl FnOnce(&mut Config)) -> Host {
        let mut config = Config::new([family.us(), family.us_too()]);
        change(&mut config);
        Host {
            stack: Stack::new(config, Secret([7; 16])).unwrap(),
            family,
            now: Instant::from_secs(1),
        }
    }

    /// The peer, as a host of this stack.
    pub(crate) fn answering(family: Family) -> Host {
        Host::with(family, |config| config.addresses = vec![family.peer()])
    }

    /// A socket at our first address and port.
    pub(crate) fn bound(&mut self) -> UdpId {
        self.stack.udp_bind(self.us()).unwrap()
    }

    /// The same, connected to the peer.
    pub(crate) fn connected(&mut self) -> UdpId {
        let id = self.bound();
        self.stack.udp_connect(id, self.peer()).unwrap();
        id
    }

    pub(crate) fn us(&self) -> SocketAddr {
        SocketAddr::new(self.family.us(), PORT)
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        SocketAddr::new(self.family.peer(), PEER_PORT)
    }

    pub(crate) fn passes(&mut self, time: Duration) {
        self.now += time;
        self.stack.handle_timeouts(self.now);
    }

    /// A datagram of the peer arrives at our first address and port.
    pub(crate) fn hears(&mut self, text: &[u8]) {
        self.arrives(self.peer(), self.us(), text);
    }

    pub(crate) fn arrives(&mut self, from: SocketAddr, to: SocketAddr, text: &[u8]) {
        let datagram = udp(from, to, text);
        self.stack.receive(self.now, &datagram);
    }

    /// All that leaves.
    pub(crate) fn datagrams(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(packet) = self.stack.poll_transmit(self.now) {
            all.push(packet.to_vec());
            assert!(all.len() < 100_000, "no end");
        }
        all
    }

    /// All that leaves, which must be UDP.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        self.datagrams().into_iter().map(sent).collect()
    }

    /// The texts of all that leaves.
    pub(crate) fn said(&mut self) -> Vec<Vec<u8>> {
        self.sent().into_iter().map(|sent| sent.text).collect()
    }

    /// What ICMP says of a datagram arrives; false if the family has no such error.
    pub(crate) fn error_arrives(&mut self, error: IcmpError, quoted: &[u8]) -> bool {
        let router = self.family.router();
        let Some(message) = icmp::error(router, 64, error, quoted) else {
            return false;
        };
        self.stack.receive(self.now, &message);
        true
    }

    /// Texts that wait, with whom they are from.
    pub(crate) fn received(&mut self, id: UdpId) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut buffer = vec![0; 70_000];
        let next = || {
            let received = self.stack.udp_recv(id, &mut buffer).ok()?;
            Some((received.remote, buffer[..received.len].to_vec()))
        };
        std::iter::from_fn(next).collect()
    }

    /// The texts of [`Host::received`].
    pub(crate) fn texts(&mut self, id: UdpId) -> Vec<Vec<u8>> {
        let received = self.received(id);
        received.into_iter().map(|(_, text)| text).collect()
    }

    /// What the user of a socket is told, everything since the last time.
    pub(crate) fn told(&mut self, id: UdpId) -> Readiness {
        let mut all = Readiness::NONE;
        while let Some(event) = self.stack.poll_event() {
            match event {
                Event::Udp(other, readiness) if other == id => all |= readiness,
                other => panic!("{other:?} is not for {id:?}"),
            }
        }
        all
    }
}

/// A datagram as it is on the wire.
pub(crate) fn udp(from: SocketAddr, to: SocketAddr, text: &[u8]) -> Vec<u8> {
    let ip = IpHeader::new(from.ip(), to.ip(), protocol::UDP, 64);
    let header = UdpHeader {
        source_port: from.port(),
        destination_port: to.port(),
    };
    Packet::udp(&ip, &header, Text::from(text)).to_vec()
}

/// What a datagram of ours is: well-formed, checksum and all.
pub(crate) fn sent(datagram: Vec<u8>) -> Sent {
    let parsed = wire::parse(&datagram).unwrap();
    let Payload::Udp(header, text) = parsed.payload else {
        panic!("not UDP: {:?}", parsed.payload);
    };
    let at = datagram.len() - text.len() - 2;
    assert_ne!(datagram[at..at + 2], [0, 0], "without a checksum");
    let text = text.to_vec();
    Sent {
        ip: parsed.ip,
        source: SocketAddr::new(parsed.ip.source, header.source_port),
        destination: SocketAddr::new(parsed.ip.destination, header.destination_port),
        text,
        datagram,
    }
}
