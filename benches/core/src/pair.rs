//! Two stacks that talk to each other over many connections.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use stubborn::config::Config;
use stubborn::stack::{ConnId, ListenerId, Secret, Stack};
use stubborn::time::Instant;
use stubborn::wire::{Checksum, Form, Packet};

use crate::step::{Counted, Step};

/// Two full segments one way, one acknowledgment back.
pub const SEGMENTS_PER_TURN: usize = 3;

/// What a full segment carries: an MTU of 1500 without an IPv4 and a TCP header with timestamps.
const TEXT: usize = 1448;

/// What all connections of a host may take, in octets: so much that none has to give its buffers back at
/// once, for what that costs depends on how much memory there is, and not on how many connections.
const MEMORY: usize = 8 << 30;

/// How much virtual time passes while a datagram is under way.
const DELAY: Duration = Duration::from_micros(1);

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The server listens on this many ports from this one on: a client has 28,232 to each.
const FIRST_PORT: u16 = 7;
const CONNECTIONS_PER_PORT: usize = 25_000;

/// A client and a server.
pub struct Pair {
    now: Instant,
    client: Stack,
    server: Stack,
    /// The server's listener with which the last connections were opened, and its address.
    door: Option<(ListenerId, SocketAddr)>,
    /// The two ends of each connection: the client's, the server's.
    connections: Vec<(ConnId, ConnId)>,
    /// Whose turn it is.
    next: usize,
    text: Vec<u8>,
    read: Vec<u8>,
    /// What is counted in a turn.
    counted: Counted,
    /// The device has verified the checksums of what arrives.
    verified: bool,
}

impl Pair {
    /// With this many established connections.
    pub fn new(connections: usize) -> Result<Pair> {
        let host = |address: Ipv4Addr, key| {
            let config = Config {
                memory: MEMORY,
                ..Config::new([IpAddr::V4(address)])
            };
            Stack::new(config, Secret([key; 16])).map_err(|error| anyhow!("{error}"))
        };
        let mut pair = Pair {
            now: Instant::from_secs(1),
            client: host(CLIENT, 1)?,
            server: host(SERVER, 2)?,
            door: None,
            connections: Vec::with_capacity(connections),
            next: 0,
            text: vec![b'.'; 2 * TEXT],
            read: vec![0; 2 * TEXT],
            counted: Counted::Nothing,
            verified: false,
        };
        for (port, first) in (FIRST_PORT..).zip((0..connections).step_by(CONNECTIONS_PER_PORT)) {
            pair.listen(port)?;
            for _ in first..connections.min(first + CONNECTIONS_PER_PORT) {
                let (client, server) = pair.open()?;
                // From the start every second segment is acknowledged.
                pair.server.quick_ack(pair.now, server, false);
                pair.connections.push((client, server));
            }
        }
        // What the handshakes have left to do (timers, delayed acknowledgments) is done.
        pair.now += Duration::from_secs(1);
        pair.exchange(Step::Rest);
        Ok(pair)
    }

    fn listen(&mut self, port: u16) -> Result<()> {
        let address = SocketAddr::new(IpAddr::V4(SERVER), port);
        let listener = (self.server.listen(address, 16))
            .map_err(|error| anyhow!("cannot listen: {error:?}"))?;
        self.door = Some((listener, address));
        Ok(())
    }

    /// A connection more.
    fn open(&mut self) -> Result<(ConnId, ConnId)> {
        let (counted, now) = (self.counted, self.now);
        let (listener, address) = self.door.context("nobody listens")?;
        let client = &mut self.client;
        let client = counted
            .run(Step::Opens, || client.connect(now, None, address))
            .map_err(|error| anyhow!("cannot connect: {error:?}"))?;
        self.exchange(Step::Opens);
        let server = &mut self.server;
        let server = counted.run(Step::Opens, || server.accept(listener));
        Ok((client, server.context("nothing to accept")?))
    }

    /// This many connections come and go, one after the other: each is opened, carries an octet there and
    /// one back, and is closed by the client and then by the server.
    pub fn visits(&mut self, visits: usize) -> Result<()> {
        if self.door.is_none() {
            self.listen(FIRST_PORT)?;
        }
        for _ in 0..visits {
            let (client, server) = self.open()?;
            self.serve(client, server)?;
            self.close(client, server);
        }
        Ok(())
    }

    /// An octet there, and one back.
    fn serve(&mut self, from: ConnId, to: ConnId) -> Result<()> {
        let counted = self.counted;
        for (from, to) in [(from, to), (to, from)] {
            let (now, sender) = (self.now, &mut self.client);
            let sent = counted.run(Step::Serves, || sender.send(now, from, b"."));
            ensure!(sent == Ok(1), "no room to send: {sent:?}");
            self.exchange(Step::Serves);
            let (now, receiver) = (self.now, &mut self.server);
            let received = counted.run(Step::Serves, || receiver.recv(now, to, &mut self.read));
            ensure!(received == Ok(1), "not received: {received:?}");
            self.swap();
        }
        Ok(())
    }

    /// The client closes, and then the server.
    fn close(&mut self, client: ConnId, server: ConnId) {
        let counted = self.counted;
        for id in [client, server] {
            let (now, host) = (self.now, &mut self.client);
            counted.run(Step::Closes, || host.close(now, id));
            self.exchange(Step::Closes);
            self.swap();
        }
    }

    /// Carries datagrams until neither side has one; what that takes is a part of `step`.
    fn exchange(&mut self, step: Step) {
        loop {
            self.now += DELAY;
            let there = self.carry_datagrams(step);
            self.swap();
            let back = self.carry_datagrams(step);
            self.swap();
            if !there && !back {
                return;
            }
        }
    }

    /// One round of a driver at the client. Whether anything left.
    fn carry_datagrams(&mut self, step: Step) -> bool {
        let (counted, now, server) = (self.counted, self.now, &mut self.server);
        counted.run(step, || look(&mut self.client, now));
        let datagrams = departures(&mut self.client, now, counted, step);
        for datagram in &datagrams {
            counted.run(step, || server.receive(now, datagram));
        }
        !datagrams.is_empty()
    }

    /// From now on this step of a turn is counted.
    pub fn count(&mut self, step: &str) -> Result<()> {
        let step = match step.strip_prefix("verified-") {
            Some(step) => {
                self.verified = true;
                step
            }
            None => step,
        };
        self.counted = step.parse()?;
        Ok(())
    }

    /// This many turns, each on the next connection: two full segments there, the acknowledgment
    /// back.
    pub fn turns(&mut self, turns: usize) -> Result<()> {
        for _ in 0..turns {
            let connection = self.connections[self.next];
            self.next = (self.next + 1) % self.connections.len();
            self.turn(connection)?;
        }
        Ok(())
    }

    /// This many turns, all on one connection: the others are idle.
    pub fn turns_on_one(&mut self, turns: usize) -> Result<()> {
        let connection = self.connections[0];
        (0..turns).try_for_each(|_| self.turn(connection))
    }

    /// Carries this many octets over every connection in each direction, and waits until all is
    /// quiet.
    pub fn carry(&mut self, octets: usize) -> Result<()> {
        for _ in 0..octets / (2 * TEXT) {
            for index in 0..self.connections.len() {
                let (client, server) = self.connections[index];
                self.turn((client, server))?;
                self.swap();
                let back = self.turn((server, client));
                self.swap();
                back?;
            }
        }
        self.now += Duration::from_secs(1);
        self.exchange(Step::Rest);
        Ok(())
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.client, &mut self.server);
    }

    /// Two full segments from the client's end to the server's, and what answers them.
    fn turn(&mut self, (from, to): (ConnId, ConnId)) -> Result<()> {
        let counted = self.counted;
        let form = Form {
            checksum: match self.verified {
                true => Checksum::Verified,
                false => Checksum::Complete,
            },
            cut: None,
        };
        let now = self.now;
        let (client, server) = (&mut self.client, &mut self.server);
        let sent = counted.run(Step::Give, || client.send(now, from, &self.text));
        ensure!(sent == Ok(2 * TEXT), "no room to send: {sent:?}");
        let data = departures(client, now, counted, Step::DataLeaves);
        self.now += DELAY;
        let now = self.now;
        for segment in &data {
            counted.run(Step::DataArrives, || server.receive_as(now, segment, form));
        }
        let received = counted.run(Step::Read, || server.recv(now, to, &mut self.read));
        ensure!(received == Ok(2 * TEXT), "not received: {received:?}");
        let acks = departures(server, now, counted, Step::AckLeaves);
        self.now += DELAY;
        let now = self.now;
        for ack in &acks {
            counted.run(Step::AckArrives, || client.receive_as(now, ack, form));
        }
        ensure!(
            (data.len(), acks.len()) == (2, 1),
            "{} segments were acknowledged by {}",
            data.len(),
            acks.len()
        );
        counted.run(Step::Rest, || {
            for host in [client, server] {
                look(host, now);
                while host.poll_transmit(now).is_some() {}
            }
        });
        Ok(())
    }
}

/// What leaves a host now.
fn departures(host: &mut Stack, now: Instant, counted: Counted, step: Step) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    while let Some(packet) = counted.run(step, || host.poll_transmit(now)) {
        datagrams.push(octets(&packet));
    }
    datagrams
}

fn octets(packet: &Packet<'_>) -> Vec<u8> {
    packet.pieces().concat()
}

/// Does what a driver does beside receiving and sending: what is due, what has happened.
fn look(host: &mut Stack, now: Instant) {
    if host.next_deadline().is_some_and(|deadline| deadline <= now) {
        host.handle_timeouts(now);
    }
    while host.poll_event().is_some() {}
}
