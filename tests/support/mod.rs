//! Two hosts and the path between them, in virtual time.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "only tests use it, and a failed unwrap is a failed test"
)]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::{Secret, Stack};
use stubborn::time::Instant;

/// A small generator of numbers (xorshift64*): the same seed, the same world.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        (self.next() >> 33) % 100 < percent
    }
}

/// What happens to a datagram on its way, in percent.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub loss: u64,
    pub duplication: u64,
    pub reordering: u64,
    pub corruption: u64,
}

/// Host 0, host 1, and what is under way between them.
pub struct World {
    pub now: Instant,
    pub hosts: [Stack; 2],
    pub faults: Faults,
    pub delay: Duration,
    random: Random,
    in_flight: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sent: u64,
}

pub const ADDRESSES: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
pub const ADDRESSES_V6: [&str; 2] = ["fd00::1", "fd00::2"];

pub fn addr(host: usize, port: u16) -> SocketAddr {
    SocketAddr::new(ADDRESSES[host].parse().unwrap(), port)
}

pub fn config(host: usize) -> Config {
    let addresses: Vec<IpAddr> = [ADDRESSES[host], ADDRESSES_V6[host]]
        .iter()
        .map(|address| address.parse().unwrap())
        .collect();
    Config::new(addresses)
}

impl World {
    pub fn new(seed: u64, configs: [Config; 2]) -> World {
        let mut random = Random::new(seed);
        let hosts = configs.map(|config| {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&random.next().to_le_bytes());
            Stack::new(config, Secret(key)).unwrap()
        });
        World {
            now: Instant::from_secs(1),
            hosts,
            faults: Faults::default(),
            delay: Duration::from_millis(5),
            random,
            in_flight: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Takes what the hosts have to send.
    pub fn collect(&mut self) {
        for host in 0..2 {
            while let Some(packet) = self.hosts[host].poll_transmit(self.now) {
                let bytes = packet.to_vec();
                let (faults, random) = (self.faults, &mut self.random);
                let copies = 1 + usize::from(random.chance(faults.duplication));
                for _ in 0..copies {
                    if random.chance(faults.loss) {
                        continue;
                    }
                    let mut bytes = bytes.clone();
                    if random.chance(faults.corruption) {
                        let bit = random.next() as usize % (bytes.len() * 8);
                        bytes[bit / 8] ^= 1 << (bit % 8);
                    }
                    let extra = match random.chance(faults.reordering) {
                        true => Duration::from_micros(random.next() % 20_000),
                        false => Duration::ZERO,
                    };
                    self.sent += 1;
                    self.in_flight.insert(
                        (self.now + self.delay + extra, self.sent),
                        (1 - host, bytes),
                    );
                }
            }
        }
    }

    /// Goes on to the next thing that happens; false if nothing ever will.
    pub fn step(&mut self) -> bool {
        self.collect();
        let arrival = self.in_flight.keys().next().map(|(at, _)| *at);
        let deadlines = self.hosts.iter().filter_map(Stack::next_deadline);
        let Some(next) = deadlines.chain(arrival).min() else {
            return false;
        };
        self.now = self.now.max(next);
        for host in &mut self.hosts {
            host.handle_timeouts(self.now);
        }
        while let Some(entry) = self.in_flight.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (host, bytes) = entry.remove();
            self.hosts[host].receive(self.now, &bytes);
        }
        self.collect();
        for host in &mut self.hosts {
            while host.poll_event().is_some() {}
        }
        true
    }

    /// Goes on until `done` says so, or for ever nothing happens, or `limit` is over.
    pub fn run(&mut self, limit: Duration, mut done: impl FnMut(&mut World) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step() || self.now > end {
                return done(self);
            }
        }
    }
}
