//! Two hosts in virtual time, and a path between them that somebody else may use, too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::{Event, Secret, Stack};
use stubborn::time::Instant;

/// What decides in a run: the same source, the same run.
#[derive(Clone)]
pub enum Random {
    /// A small generator of numbers (xorshift64*).
    Generator(u64),
    /// Octets that a fuzzer has chosen, the next one last. Once they are used up every number is zero.
    Octets(Vec<u8>),
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random::Generator(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn from_octets(octets: &[u8]) -> Random {
        Random::Octets(octets.iter().rev().copied().collect())
    }

    /// Whether there is nothing left that decides.
    pub fn is_used_up(&self) -> bool {
        matches!(self, Random::Octets(octets) if octets.is_empty())
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        match self {
            Random::Generator(state) => {
                *state ^= *state >> 12;
                *state ^= *state << 25;
                *state ^= *state >> 27;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d)
            }
            Random::Octets(octets) => take(octets, 8),
        }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let number = match self {
            Random::Generator(_) => self.number() >> 33,
            // As few as will do, so that one octet decides one thing.
            Random::Octets(octets) if end <= 1 << 8 => take(octets, 1),
            Random::Octets(octets) if end <= 1 << 16 => take(octets, 2),
            Random::Octets(octets) => take(octets, 8),
        };
        (number % end as u64) as usize
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The next `count` octets as a number.
fn take(octets: &mut Vec<u8>, count: usize) -> u64 {
    let octets = (0..count).map_while(|_| octets.pop());
    octets.fold(0, |number, octet| number << 8 | u64::from(octet))
}

/// Makes a run for every seed of `usual`, or of `HOSTILE_SEEDS`.
pub fn every_seed(usual: Range<u64>, run: impl FnMut(u64)) {
    crate::seeds::every_seed("HOSTILE_SEEDS", usual, run);
}

/// What happens to a datagram on its way, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub loss: usize,
    pub duplication: usize,
    pub reordering: usize,
    pub corruption: usize,
}

pub struct World {
    pub now: Instant,
    pub hosts: [Stack; 2],
    pub random: Random,
    pub faults: Faults,
    pub delay: Duration,
    /// What the hosts tell their users: to be taken by them.
    pub events: [Vec<Event>; 2],
    /// Datagrams that the hosts sent since this was last emptied, with the host that sent them.
    pub overheard: Vec<(usize, Vec<u8>)>,
    in_flight: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sent: u64,
}

pub fn addr(host: usize, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host as u8 + 1], port))
}

pub fn config(host: usize) -> Config {
    Config::new([addr(host, 0).ip()])
}

impl World {
    pub fn new(seed: u64, configs: [Config; 2]) -> World {
        let mut random = Random::new(seed);
        let hosts = configs.map(|config| {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&random.number().to_le_bytes());
            Stack::new(config, Secret(key)).unwrap()
        });
        World {
            now: Instant::from_secs(1),
            hosts,
            random,
            faults: Faults::default(),
            delay: Duration::from_millis(5),
            events: [Vec::new(), Vec::new()],
            overheard: Vec::new(),
            in_flight: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Takes what the hosts have to send and what they have to say.
    pub fn collect(&mut self) {
        for host in 0..2 {
            let mut count = 0;
            while let Some(packet) = self.hosts[host].poll_transmit(self.now) {
                let datagram = packet.to_vec();
                self.overheard.push((host, datagram.clone()));
                self.carry(1 - host, datagram);
                count += 1;
                assert!(count < 100_000, "host {host} sends without end");
            }
            while let Some(event) = self.hosts[host].poll_event() {
                self.events[host].push(event);
            }
        }
    }

    /// A datagram is on its way to `host`, with all that may befall it.
    pub fn carry(&mut self, host: usize, datagram: Vec<u8>) {
        let (faults, random) = (self.faults, &mut self.random);
        for _ in 0..1 + usize::from(random.chance(faults.duplication)) {
            if random.chance(faults.loss) {
                continue;
            }
            let mut copy = datagram.clone();
            if random.chance(faults.corruption) {
                let bit = random.below(copy.len() * 8);
                copy[bit / 8] ^= 1 << (bit % 8);
            }
            let extra = match random.chance(faults.reordering) {
                true => Duration::from_micros(random.number() % 20_000),
                false => Duration::ZERO,
            };
            self.sent += 1;
            let at = (self.now + self.delay + extra, self.sent);
            self.in_flight.insert(at, (host, copy));
        }
    }

    /// Goes on to the next thing that happens, but not beyond `limit`; false if nothing does.
    pub fn step(&mut self, limit: Instant) -> bool {
        self.collect();
        let arrival = self.in_flight.keys().next().map(|(at, _)| *at);
        let deadlines = self.hosts.iter().filter_map(Stack::next_deadline);
        let next = deadlines.chain(arrival).min().filter(|at| *at <= limit);
        let Some(next) = next else {
            self.now = self.now.max(limit);
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
        true
    }

    /// Time passes.
    pub fn passes(&mut self, time: Duration) {
        let limit = self.now + time;
        while self.step(limit) {}
    }
}

#[test]
fn octets_decide_in_their_order_and_then_no_more() {
    let mut random = Random::from_octets(&[7, 1, 2, 0xff, 0, 0, 0, 0, 0, 0, 0, 9]);
    assert_eq!(random.below(100), 7);
    assert_eq!(random.below(1 << 16), 0x0102);
    assert_eq!(random.number(), 0xff00_0000_0000_0000);
    assert!(!random.is_used_up());
    assert_eq!((random.below(4), random.is_used_up()), (1, true));
    assert_eq!((random.below(4), random.number()), (0, 0));
    assert!(!Random::new(1).is_used_up());
}
