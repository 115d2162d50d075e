//! Two processes and a network between them, in virtual time: what happens depends on the seed
//! only.

use std::collections::BTreeMap;
use std::time::Duration;

use stubborn::link::Link;
use stubborn::sim::path::{Arrival, Direction, Path};
use stubborn::sim::random::Random;
use stubborn::time::Instant;

use super::forger::Forger;

/// The two processes.
pub(super) const ENDS: [u8; 2] = [1, 2];

pub(super) type AnyLink = Box<dyn Link<Address = u8>>;

/// What was seen, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// An end sends a message.
    Send { end: usize, message: Vec<u8> },
    /// A packet leaves an end and arrives, or not; or a forger made it.
    Packet {
        to: usize,
        packet: Vec<u8>,
        arrivals: Vec<(Instant, Vec<u8>)>,
        is_forged: bool,
    },
    /// An end delivers a message.
    Deliver { end: usize, message: Vec<u8> },
}

/// The world.
pub(super) struct World {
    pub(super) now: Instant,
    random: Random,
    links: [AnyLink; 2],
    path: Path,
    forger: Option<Forger>,
    /// Packets on their way, by the time of their arrival and the order of their departure.
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    departed: u64,
    /// What each end has sent, in order.
    pub(super) sent: [Vec<Vec<u8>>; 2],
    /// What the *other* end has delivered of it, in order: `sent[0]` and `delivered[0]` are one
    /// direction.
    pub(super) delivered: [Vec<Vec<u8>>; 2],
    /// Everything, with its time.
    pub(super) seen: Vec<(Instant, Seen)>,
}

impl World {
    pub(super) fn new(seed: u64, path: Path, forger: bool, links: [AnyLink; 2]) -> World {
        let random = Random::new(seed);
        World {
            now: Instant::ZERO,
            forger: forger.then(|| Forger::new(random.fork("forger"))),
            random,
            links,
            path,
            flying: BTreeMap::new(),
            departed: 0,
            sent: [Vec::new(), Vec::new()],
            delivered: [Vec::new(), Vec::new()],
            seen: Vec::new(),
        }
    }

    fn see(&mut self, seen: Seen) {
        self.seen.push((self.now, seen));
    }

    /// The end sends a message to the other, if its link takes it now.
    pub(super) fn send(&mut self, end: usize, message: &[u8]) -> bool {
        let taken = self.links[end].send(self.now, ENDS[1 - end], message);
        if taken.is_ok() {
            self.sent[end].push(message.to_vec());
            let message = message.to_vec();
            self.see(Seen::Send { end, message });
            self.depart(end);
        }
        taken.is_ok()
    }

    /// What the end's link gives to the network leaves.
    fn depart(&mut self, end: usize) {
        while let Some((to, packet)) = self.links[end].poll_transmit(self.now) {
            assert_eq!(to, ENDS[1 - end]);
            if let Some(forger) = &mut self.forger {
                for (to, forged) in forger.hears(1 - end, &packet) {
                    self.carry(to, forged, true);
                }
            }
            self.carry(1 - end, packet, false);
        }
    }

    fn carry(&mut self, to: usize, packet: Vec<u8>, is_forged: bool) {
        let direction = match to {
            1 => Direction::There,
            _ => Direction::Back,
        };
        let mut arrivals: Vec<Arrival> = Vec::new();
        let entered = packet.clone();
        self.path
            .carry(self.now, direction, packet, &mut self.random, &mut arrivals);
        for arrival in &arrivals {
            let key = (arrival.at, self.departed);
            self.departed += 1;
            self.flying.insert(key, (to, arrival.datagram.clone()));
        }
        let arrivals = arrivals
            .into_iter()
            .map(|arrival| (arrival.at, arrival.datagram))
            .collect();
        self.see(Seen::Packet {
            to,
            packet: entered,
            arrivals,
            is_forged,
        });
    }

    /// The end's link delivers what it has to deliver.
    fn deliver(&mut self, end: usize) {
        while let Some((from, message)) = self.links[end].poll_deliver() {
            assert_eq!(from, ENDS[1 - end], "a forger speaks in the other's name");
            self.delivered[1 - end].push(message.clone());
            self.see(Seen::Deliver { end, message });
        }
    }

    /// The next thing that happens, if it happens by `limit`.
    fn step(&mut self, limit: Instant) -> bool {
        let arrival = self.flying.keys().next().map(|(at, _)| *at);
        let timeout = self
            .links
            .iter()
            .filter_map(|link| link.next_deadline())
            .min();
        let Some(at) = arrival
            .into_iter()
            .chain(timeout)
            .min()
            .filter(|at| *at <= limit)
        else {
            return false;
        };
        self.now = self.now.max(at);
        if let Some(entry) = self
            .flying
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            let (end, packet) = entry.remove();
            self.links[end].receive(self.now, ENDS[1 - end], &packet);
        } else {
            for link in &mut self.links {
                link.handle_timeouts(self.now);
            }
        }
        for end in 0..2 {
            self.deliver(end);
            self.depart(end);
        }
        true
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
        self.now = until;
    }

    /// Time passes until `is_done`, or for this long; whether it is done.
    pub(super) fn pass_until(&mut self, time: Duration, is_done: impl Fn(&World) -> bool) -> bool {
        let until = self.now + time;
        while !is_done(self) {
            if !self.step(until) {
                return false;
            }
        }
        true
    }
}
