//! Two stacks that talk to each other over many connections.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use stubborn::config::Config;
use stubborn::stack::{ConnId, Secret, Stack};
use stubborn::time::Instant;

/// Two full segments one way, one acknowledgment back.
pub const SEGMENTS_PER_TURN: usize = 3;

/// What a full segment carries: an MTU of 1500 without an IPv4 and a TCP header with timestamps.
const TEXT: usize = 1448;

/// How much virtual time passes while a datagram is under way.
const DELAY: Duration = Duration::from_micros(1);

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PORT: u16 = 7;

/// A client and a server.
pub struct Pair {
    now: Instant,
    client: Stack,
    server: Stack,
    /// The two ends of each connection: the client's, the server's.
    connections: Vec<(ConnId, ConnId)>,
    /// Whose turn it is.
    next: usize,
    text: Vec<u8>,
    read: Vec<u8>,
}

impl Pair {
    /// With so many established connections.
    pub fn new(connections: usize) -> Result<Pair> {
        let host = |address: Ipv4Addr, key| {
            Stack::new(Config::new([IpAddr::V4(address)]), Secret([key; 16]))
                .map_err(|error| anyhow!("{error}"))
        };
        let mut pair = Pair {
            now: Instant::from_secs(1),
            client: host(CLIENT, 1)?,
            server: host(SERVER, 2)?,
            connections: Vec::with_capacity(connections),
            next: 0,
            text: vec![b'.'; 2 * TEXT],
            read: vec![0; 2 * TEXT],
        };
        let address = SocketAddr::new(IpAddr::V4(SERVER), PORT);
        let listener = pair
            .server
            .listen(address, 16)
            .map_err(|error| anyhow!("cannot listen: {error:?}"))?;
        for _ in 0..connections {
            let client = pair
                .client
                .connect(pair.now, None, address)
                .map_err(|error| anyhow!("cannot connect: {error:?}"))?;
            pair.settle();
            let server = pair.server.accept(listener).context("nothing to accept")?;
            pair.connections.push((client, server));
        }
        // What the handshakes have left to do (timers, delayed acknowledgments) is done.
        pair.now += Duration::from_secs(1);
        pair.settle();
        Ok(pair)
    }

    /// So many turns, each on the next connection: two full segments there, the acknowledgment
    /// back.
    pub fn turns(&mut self, turns: usize) -> Result<()> {
        for _ in 0..turns {
            let (client, server) = self.connections[self.next];
            self.next = (self.next + 1) % self.connections.len();
            transfer(self, client, server)?;
        }
        Ok(())
    }

    /// So many turns, all on one connection: the others are idle.
    pub fn turns_on_one(&mut self, turns: usize) -> Result<()> {
        let (client, server) = self.connections[0];
        (0..turns).try_for_each(|_| transfer(self, client, server))
    }

    /// Carries so many octets over every connection in each direction, and waits until all is
    /// quiet.
    pub fn carry(&mut self, octets: usize) -> Result<()> {
        for _ in 0..octets / (2 * TEXT) {
            for index in 0..self.connections.len() {
                let (client, server) = self.connections[index];
                transfer(self, client, server)?;
                self.swap();
                let back = transfer(self, server, client);
                self.swap();
                back?;
            }
        }
        self.now += Duration::from_secs(1);
        self.settle();
        Ok(())
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.client, &mut self.server);
    }

    /// Carries datagrams until neither side has one.
    fn settle(&mut self) {
        loop {
            self.now += DELAY;
            let there = carry_datagrams(&mut self.client, &mut self.server, self.now);
            let back = carry_datagrams(&mut self.server, &mut self.client, self.now);
            if !there && !back {
                return;
            }
        }
    }
}

/// Two full segments from the client's end to the server's, and what answers them.
fn transfer(pair: &mut Pair, from: ConnId, to: ConnId) -> Result<()> {
    let sent = pair.client.send(pair.now, from, &pair.text);
    ensure!(sent == Ok(2 * TEXT), "no room to send: {sent:?}");
    pair.settle();
    let received = pair.server.recv(pair.now, to, &mut pair.read);
    ensure!(received == Ok(2 * TEXT), "not received: {received:?}");
    pair.settle();
    Ok(())
}

/// Does what a driver does: what is due, what has happened, what leaves. Whether anything left.
fn carry_datagrams(from: &mut Stack, to: &mut Stack, now: Instant) -> bool {
    if from.next_deadline().is_some_and(|deadline| deadline <= now) {
        from.handle_timeouts(now);
    }
    while from.poll_event().is_some() {}
    let mut datagram = [0; 1500];
    let mut any = false;
    while let Some(packet) = from.poll_transmit(now) {
        let mut length = 0;
        for piece in packet.pieces() {
            datagram[length..length + piece.len()].copy_from_slice(piece);
            length += piece.len();
        }
        to.receive(now, &datagram[..length]);
        any = true;
    }
    any
}
