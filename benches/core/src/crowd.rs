//! One host and a crowd of peers, of which nothing is kept: what connections take when nothing
//! happens on them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use stubborn::config::Config;
use stubborn::stack::{ConnId, ListenerId, Secret, Stack};
use stubborn::time::Instant;
use stubborn::wire::{
    self, Control, IpHeader, Options, Packet, Payload, TcpHeader, Text, Timestamps, protocol,
};

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PORT: u16 = 7;
/// ISS of every peer.
const FIRST: u32 = 1_000;
/// Ports of one peer.
const PORTS: usize = 50_000;

/// A host whose connections are established, and whose peers are made up.
pub struct Crowd {
    now: Instant,
    stack: Stack,
    listener: ListenerId,
}

impl Crowd {
    /// Nobody yet.
    pub fn new() -> Result<Crowd> {
        let config = Config {
            max_time_wait: usize::MAX,
            ..Config::new([IpAddr::V4(HOST)])
        };
        let mut stack = Stack::new(config, Secret([1; 16])).map_err(|error| anyhow!("{error}"))?;
        let listener = stack
            .listen(SocketAddr::new(IpAddr::V4(HOST), PORT), 16)
            .map_err(|error| anyhow!("cannot listen: {error:?}"))?;
        Ok(Crowd {
            now: Instant::from_secs(1),
            stack,
            listener,
        })
    }

    /// This many peers connect.
    pub fn connect(&mut self, peers: usize) -> Result<()> {
        for number in 0..peers {
            self.open(number)?;
        }
        self.rest();
        Ok(())
    }

    /// This many peers connect, one after the other, and the host closes the connection before the next
    /// comes: TIME-WAIT.
    pub fn come_and_go(&mut self, peers: usize) -> Result<()> {
        for number in 0..peers {
            let id = self.open(number)?;
            self.close(number, id)?;
        }
        Ok(())
    }

    /// A peer connects.
    fn open(&mut self, number: usize) -> Result<ConnId> {
        let syn = TcpHeader {
            seq: FIRST,
            control: Control::SYN,
            options: Options {
                mss: Some(1460),
                window_scale: Some(7),
                sack_permitted: true,
                ..timestamps(1)
            },
            ..from(number)
        };
        let peer = peer(number);
        let answer = self.exchange(peer, &syn)?.context("no SYN,ACK")?;
        let ack = TcpHeader {
            ack: answer.seq.wrapping_add(1),
            options: timestamps(2),
            ..from(number)
        };
        self.exchange(peer, &ack)?;
        self.stack.accept(self.listener).context("not accepted")
    }

    /// The host closes a connection, and the peer does so too: TIME-WAIT.
    fn close(&mut self, number: usize, id: ConnId) -> Result<()> {
        self.stack.close(self.now, id);
        let fin = self.depart()?.context("no FIN")?;
        let answer = TcpHeader {
            ack: fin.seq.wrapping_add(1),
            control: Control::ACK | Control::FIN,
            options: timestamps(3),
            ..from(number)
        };
        self.exchange(peer(number), &answer)?.context("no ACK")?;
        Ok(())
    }

    /// Two seconds pass: whatever a connection has left to do is done.
    fn rest(&mut self) {
        for _ in 0..20 {
            self.now += Duration::from_millis(100);
            self.stack.handle_timeouts(self.now);
            while self.stack.poll_event().is_some() {}
            while self.stack.poll_transmit(self.now).is_some() {}
        }
    }

    /// A segment arrives; what answers it.
    fn exchange(&mut self, peer: Ipv4Addr, header: &TcpHeader) -> Result<Option<TcpHeader>> {
        let ip = IpHeader::new(peer.into(), HOST.into(), protocol::TCP, 64);
        let datagram = Packet::tcp(&ip, header, Text::EMPTY).to_vec();
        self.stack.receive(self.now, &datagram);
        while self.stack.poll_event().is_some() {}
        self.depart()
    }

    /// What leaves now.
    fn depart(&mut self) -> Result<Option<TcpHeader>> {
        let mut last = None;
        while let Some(packet) = self.stack.poll_transmit(self.now) {
            last = Some(packet.to_vec());
        }
        let Some(datagram) = last else {
            return Ok(None);
        };
        match wire::parse(&datagram).map(|parsed| parsed.payload) {
            Ok(Payload::Tcp(header, _)) => Ok(Some(header)),
            other => bail!("no segment: {other:?}"),
        }
    }
}

fn peer(number: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 1, 0, 1).to_bits() + (number / PORTS) as u32)
}

/// What all segments of a peer but its SYN have in common.
fn from(number: usize) -> TcpHeader {
    TcpHeader {
        source_port: 10_000 + (number % PORTS) as u16,
        destination_port: PORT,
        seq: FIRST + 1,
        control: Control::ACK,
        window: 64_240,
        ..TcpHeader::default()
    }
}

fn timestamps(val: u32) -> Options {
    Options {
        timestamps: Some(Timestamps { val, ecr: 0 }),
        ..Options::default()
    }
}
