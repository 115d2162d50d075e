//! A host with many connections, as a pure state machine. One [`Stack`] is one host, or one shard
//! of a host, and shares nothing with any other.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | the host, and what its driver calls: datagrams in and out, time, events |
//! | `calls`, `error` | what its users call: listen, accept, connect, send, receive, close; why an OPEN fails |
//! | `arrive` | which connection or listener a datagram is for; resets to strangers |
//! | `hops` | from how far segments may come (RFC 5082) |
//! | `opening` | connections that SYNs open; what an OPEN needs to know |
//! | `follow` | what the host follows up when something has happened to a connection |
//! | `depart`, `flow_label` | which packet leaves next; IPv6 flow labels (RFC 6437) |
//! | `icmp` | ICMP errors about our packets, and ICMP messages that this host sends |
//! | `meaning` | what an ICMP error means to a connection |
//! | `itself` | what this host sends to itself |
//! | `ports` | local addresses and ports of connections that it opens |
//! | `table` | the connections, except those in `waiting` |
//! | `waiting` | connections in TIME-WAIT, in little memory |
//! | `id` | how users name connections and listeners |
//! | `key`, `routes` | a four-tuple as a key; finds the connection of a four-tuple |
//! | `crowds` | destinations for which the local ports are nearly used up |
//! | `chunks` | a vector that grows without moving its elements |
//! | `congestion` | which congestion controllers there are, and which one a connection has |
//! | `shared_configs` | one configuration for connections that behave alike |
//! | `listener` | LISTEN: queues and backlog |
//! | `fast_open` | TCP Fast Open (RFC 7413): cookies given and received |
//! | `cookies`, `epoch` | LISTEN under a flood: SYN cookies (RFC 4987); for how long they are valid |
//! | `deadlines` | a timing wheel: when each connection must be looked at |
//! | `paths` | path MTUs that later connections start from |
//! | `memory` | the memory budget, and what happens when it runs short |
//! | `signatures` | segments signed with MD5 (RFC 2385): what is signed, and what is refused |
//! | `share` | several stacks that are one host: which of them owns a flow |
//! | `replies` | resets and ICMP messages that belong to no connection, limited in rate |
//! | `reports` | ICMP errors as they came, for users that want each of them |
//! | `identification` | the identification field of IP datagrams |
//! | `saved_syns` | SYNs as they came, for users that want to see them |
//! | `secret` | ISNs (RFC 6528), ports (RFC 6056), timestamp offsets, keyed hashing |
//! | `fragments` | reassembly of fragmented datagrams |
//! | `sweep` | operations on many connections at once |
//! | `udp/` | UDP and echo sockets |
//! | `multicast/` | datagrams for many: broadcast, and groups of hosts |
//! | `canonical` | a hash of all that decides the future, for model checkers |
//! | `counters` | statistics |

mod arrive;
mod calls;
mod canonical;
mod chunks;
mod congestion;
mod cookies;
mod counters;
mod crowds;
mod deadlines;
mod depart;
mod epoch;
mod error;
mod fast_open;
mod flow_label;
mod follow;
pub mod fragments;
mod hops;
mod icmp;
mod id;
mod identification;
mod itself;
mod key;
mod listener;
mod meaning;
mod memory;
mod multicast;
mod opening;
mod paths;
mod ports;
mod replies;
mod reports;
mod routes;
mod saved_syns;
mod secret;
mod share;
mod shared_configs;
mod signatures;
mod sweep;
mod table;
mod udp;
mod waiting;

use core::num::NonZeroU64;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::config::{Config, ConfigError};
use crate::tcp::congestion::Controllers;
use crate::tcp::{Broken, FourTuple, State, Status};
use crate::time::Instant;

pub use crate::tcp::Readiness;
pub use crate::wire::{IcmpError, Unreachable};
pub use counters::{Counters, UdpCounters};
pub use error::{ConnectError, ListenError};
pub use id::{ConnId, ListenerId};
pub use multicast::{Filter, GroupError, SourceChange};
pub use reports::{IcmpReport, Reported};
pub use secret::Secret;
pub use share::{Share, Stray};
pub use table::CONNECTION_AT_REST;
pub use udp::{
    BindError, DatagramError, EchoFailure, Received, UdpConnectError, UdpId, UdpMarks,
    UdpRecvError, UdpSendError, Undelivered,
};

use deadlines::Deadlines;
use fragments::Reassembler;
use identification::Identifications;
use itself::Itself;
use listener::Listeners;
use memory::Memory;
use multicast::Groups;
use paths::Paths;
use replies::{Limiter, Replies};
use reports::Reports;
use saved_syns::SavedSyns;
use share::Strays;
use shared_configs::SharedConfigs;
use table::Table;
use waiting::AtRest;

/// Something that a user may wait for has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Calls on a connection are worth trying again.
    Connection(ConnId, Readiness),
    /// A listener has a connection to accept.
    Acceptable(ListenerId),
    /// Calls on a UDP or echo socket are worth trying again.
    Udp(UdpId, Readiness),
}

/// What may have something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// A connection, by its slot.
    Connection(u32),
    /// A UDP socket.
    Udp(UdpId),
    /// An echo socket.
    Echo(UdpId),
}

/// A host: addresses, connections, listeners, UDP sockets.
///
/// Its driver repeats this, in any order, with a time that never goes back:
///
/// * [`Stack::receive`] for every datagram that arrives,
/// * [`Stack::handle_timeouts`] at [`Stack::next_deadline`],
/// * calls of users: [`Stack::send`], [`Stack::recv`] and so on; [`Stack::poll_event`] says which are
///   worth trying again,
/// * and after each of these [`Stack::poll_transmit`], until there is nothing more to send.
///
/// [`driver::Shard`](crate::driver::Shard) does this with a device and the real clock.
///
/// A [`ConnId`] or [`UdpId`] is valid until its user releases it; a call with a later one may panic. A call
/// with the [`ListenerId`] of a closed listener finds none. Nothing that arrives makes a stack panic.
///
/// ```
/// use stubborn::config::Config;
/// use stubborn::stack::{Secret, Stack};
/// use stubborn::time::Instant;
///
/// /// The network: every datagram of one host reaches the other at once.
/// fn carry(now: Instant, from: &mut Stack, to: &mut Stack) -> bool {
///     let mut any = false;
///     while let Some(packet) = from.poll_transmit(now) {
///         to.receive(now, &packet.to_vec());
///         any = true;
///     }
///     any
/// }
///
/// let now = Instant::ZERO;
/// let mut client = Stack::new(Config::new(["192.0.2.1".parse()?]), Secret([1; 16]))?;
/// let mut server = Stack::new(Config::new(["192.0.2.2".parse()?]), Secret([2; 16]))?;
///
/// let listener = server.listen("192.0.2.2:7".parse()?, 16)?;
/// let connection = client.connect(now, None, "192.0.2.2:7".parse()?)?;
/// while carry(now, &mut client, &mut server) || carry(now, &mut server, &mut client) {}
///
/// let accepted = server.accept(listener).expect("the handshake is over");
/// client.send(now, connection, b"hello")?;
/// carry(now, &mut client, &mut server);
/// let mut text = [0; 5];
/// assert_eq!(server.recv(now, accepted, &mut text)?, 5);
/// assert_eq!(&text, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stack {
    config: Config,
    secret: Secret,
    share: Share,
    strays: Strays,
    table: Table,
    configs: SharedConfigs,
    listeners: Listeners,
    fast_open: fast_open::FastOpen,
    deadlines: Deadlines,
    /// UDP and echo sockets.
    udp: udp::Sockets,
    groups: Groups,
    /// Connections and sockets that may have something to send, each once.
    sending: VecDeque<Sender>,
    /// How many datagrams, counted as on the wire, the first of them has sent in a row.
    turn: u32,
    /// Connections with events for their users, each once.
    ready: VecDeque<u32>,
    /// UDP and echo sockets with events for their users, each once.
    udp_ready: VecDeque<UdpId>,
    acceptable: VecDeque<ListenerId>,
    /// Connections in TIME-WAIT that no user holds and that have nothing to send.
    at_rest: AtRest,
    /// The slots of the others in TIME-WAIT, the oldest first, by their number.
    time_wait: BTreeMap<NonZeroU64, u32>,
    /// How many have ever entered TIME-WAIT.
    counted_in: NonZeroU64,
    /// The congestion controllers that connections may have.
    controllers: Controllers,
    paths: Paths,
    memory: Memory,
    reassembler: Reassembler,
    replies: Replies,
    reset_limiter: Limiter,
    icmp_limiter: Limiter,
    identifications: Identifications,
    /// How many unpredictable numbers have been drawn: ports, and what a driver asks for.
    drawn: u64,
    reports: Reports,
    itself: Itself,
    /// Local ports that connections get only if they ask for them.
    reserved_ports: BTreeSet<u16>,
    counters: Counters,
    /// Some connection or listener has keys for signatures, or once had.
    signs: bool,
    /// Some connection or listener limits from how far segments come, or once did.
    counts_hops: bool,
    saved_syns: SavedSyns,
    /// Invariants are checked in release builds, too, and the first violation is kept.
    watched: bool,
    broken: Option<Broken>,
}

impl Stack {
    /// A host as `config` says. `secret` must be unpredictable on a real network; a simulation
    /// derives it from its seed.
    ///
    /// # Errors
    /// If the values of `config` make no sense.
    pub fn new(config: Config, secret: Secret) -> Result<Stack, ConfigError> {
        Stack::shard(config, secret, 0, 1)
    }

    /// The `index`th of `count` stacks that together form one host; `config` is the part for this
    /// one ([`Config::part`]), and all have the same `secret`.
    ///
    /// # Errors
    /// If the values of `config` make no sense.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn shard(
        config: Config,
        secret: Secret,
        index: usize,
        count: usize,
    ) -> Result<Stack, ConfigError> {
        config.validate()?;
        // Independent streams of numbers.
        let derived = |nonce| {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&secret.number(nonce).to_le_bytes());
            key[8..].copy_from_slice(&secret.number(nonce + 1).to_le_bytes());
            Secret(key)
        };
        let (rate, max_paths) = (config.replies_per_second, config.max_paths);
        let reassembler = Reassembler::new(config.memory);
        // Every shard draws different numbers.
        let nonces = (index as u64) << 48;
        let share = Share::new(index, count, secret);
        Ok(Stack {
            table: Table::new(secret.table_hasher()),
            configs: SharedConfigs::default(),
            udp: udp::Sockets::new(secret.table_hasher(), max_paths),
            groups: Groups::new(index == 0),
            reset_limiter: Limiter::new(rate, derived(u64::MAX - 2 - nonces)),
            icmp_limiter: Limiter::new(rate, derived(u64::MAX - 4 - nonces)),
            memory: Memory::new(config.memory),
            identifications: Identifications::new(&share, secret),
            share,
            strays: Strays::new(),
            secret,
            config,
            listeners: Listeners::default(),
            fast_open: fast_open::FastOpen::default(),
            deadlines: Deadlines::default(),
            sending: VecDeque::new(),
            turn: 0,
            ready: VecDeque::new(),
            udp_ready: VecDeque::new(),
            acceptable: VecDeque::new(),
            at_rest: AtRest::new(secret.table_hasher()),
            time_wait: BTreeMap::new(),
            counted_in: NonZeroU64::MIN,
            paths: Paths::new(max_paths),
            reassembler,
            controllers: Controllers::default(),
            replies: Replies::default(),
            drawn: nonces,
            reports: Reports::default(),
            itself: Itself::default(),
            reserved_ports: BTreeSet::new(),
            counters: Counters::default(),
            signs: false,
            counts_hops: false,
            saved_syns: SavedSyns::default(),
            watched: false,
            broken: None,
        })
    }

    /// When [`Stack::handle_timeouts`] is due; may be early, never late.
    pub fn next_deadline(&self) -> Option<Instant> {
        let at_rest = self.at_rest.next_deadline();
        let fragments = self.reassembler.next_deadline();
        let all = self.deadlines.next().into_iter().chain(at_rest);
        let groups = self.groups.next_deadline();
        all.chain(fragments).chain(groups).min()
    }

    /// Does what was due at or before `now`. With nothing due it costs next to nothing.
    pub fn handle_timeouts(&mut self, now: Instant) {
        while let Some(slot) = self.take_due(now) {
            let Some(entry) = self.table.at_mut(slot) else {
                continue;
            };
            // Its deadline may have moved since it was registered, as it does with every segment.
            let next = entry.tcb.settle_deadline();
            if next.is_none_or(|at| at > now) {
                self.deadlines.update(slot, next);
                continue;
            }
            entry.tcb.handle_timeouts(now);
            self.deadlines.update(slot, entry.tcb.settle_deadline());
            self.follow_fast_open(now, slot, false);
            self.touched(slot);
        }
        self.at_rest.expire(now);
        self.charge_connections();
        self.expire_fragments(now);
        self.expire_groups(now);
    }

    /// Takes a connection that is due to be looked at.
    fn take_due(&mut self, now: Instant) -> Option<u32> {
        let Stack {
            deadlines, table, ..
        } = self;
        deadlines.take_due(now, |slot, _| table.at_mut(slot)?.tcb.settle_deadline())
    }

    /// The next random number, unpredictable from outside.
    pub fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.secret.number(self.drawn)
    }

    /// The next event that a user may wait for. Each event is returned once.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(listener) = self.acceptable.pop_front() {
            return Some(Event::Acceptable(listener));
        }
        while let Some(slot) = self.ready.pop_front() {
            let Some(entry) = self.table.at_mut(slot) else {
                continue;
            };
            let readiness = core::mem::take(&mut entry.readiness);
            // The user may have released the connection meanwhile, and another may be in its slot.
            if !readiness.is_none() && !entry.tcb.is_orphan() {
                return Some(Event::Connection(self.table.id(slot), readiness));
            }
        }
        while let Some(id) = self.udp_ready.pop_front() {
            // The user may have released the socket meanwhile.
            if let Some(socket) = self.udp.at_mut(id).filter(|socket| !socket.closed) {
                return Some(Event::Udp(id, core::mem::take(&mut socket.readiness)));
            }
        }
        None
    }

    /// Whether RECEIVE has an answer: text, the end of the stream, or an error.
    pub(crate) fn is_readable(&self, id: ConnId) -> bool {
        self.table.get(id).tcb.is_readable()
    }

    /// Whether SEND has an answer: room, or an error. If not, a WRITABLE event follows when it has.
    pub(crate) fn finds_room(&mut self, id: ConnId) -> bool {
        self.table.get_mut(id).tcb.finds_room()
    }

    /// From now on every connection is checked after every event ([`Tcb::check`]), in release
    /// builds too; the first invariant that does not hold is kept for [`Stack::broken`] instead of
    /// ending the program.
    ///
    /// [`Tcb::check`]: crate::tcp::Tcb::check
    pub fn watch(&mut self) {
        self.watched = true;
    }

    /// The first invariant that did not hold since [`Stack::watch`].
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// The counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Changes the configuration of the host, for whatever is opened later. Existing connections and
    /// listeners keep the one with which they were opened. Limits of the host apply to all from now on; if
    /// more is already in use than a limit allows, it counts as just reached.
    ///
    /// # Errors
    /// If the values of `config` make no sense; then everything stays as it was.
    pub fn reconfigure(&mut self, config: Config) -> Result<(), ConfigError> {
        config.validate()?;
        self.memory.limit(config.memory);
        self.reassembler.limit(config.memory);
        self.memory.charge_fragments(self.reassembler.octets());
        self.paths.limit(config.max_paths);
        self.udp.paths.limit(config.max_paths);
        for limiter in [&mut self.reset_limiter, &mut self.icmp_limiter] {
            limiter.set_rate(config.replies_per_second);
        }
        self.config = config;
        self.relieve_memory();
        Ok(())
    }

    /// The configuration of the host.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Every connection and its state, held by a user or not: what `netstat` lists. One that has
    /// ended is in it as long as its user holds it.
    pub fn connections(&self) -> impl Iterator<Item = (FourTuple, State)> {
        let awake = self.table.iter();
        let at_rest = self.at_rest.iter();
        awake
            .map(|entry| (entry.tcb.tuple(), entry.tcb.state()))
            .chain(at_rest.map(|(waiting, _)| (waiting.tuple(), State::TimeWait)))
    }

    /// As [`Stack::connections`], with the status of each.
    pub fn statuses(&self) -> impl Iterator<Item = (FourTuple, Status)> {
        let awake = self.table.iter();
        let at_rest = self.at_rest.iter();
        awake
            .map(|entry| (entry.tcb.tuple(), entry.tcb.status()))
            .chain(at_rest.map(|(waiting, expires)| {
                let tcb = self.woken(waiting, expires);
                (tcb.tuple(), tcb.status())
            }))
    }

    /// The number of connections in every state, with or without a user. It is zero when all users have closed and
    /// everything is finished.
    pub fn connection_count(&self) -> usize {
        self.table.len() + self.at_rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    impl Stack {
        /// Lets every connection forget its timers, and looks at it.
        pub(crate) fn forget_timers(&mut self) {
            for slot in 0..self.table.len() as u32 {
                if let Some(entry) = self.table.at_mut(slot) {
                    entry.tcb.forget_timers();
                    self.follow_up(slot);
                }
            }
        }
    }

    /// A stack with a connection whose SYN is under way.
    fn connecting() -> Stack {
        let config = Config::new([Ipv4Addr::new(10, 0, 0, 1).into()]);
        let mut stack = Stack::new(config, Secret([1; 16])).unwrap();
        let peer = (Ipv4Addr::new(10, 0, 0, 2), 80).into();
        stack.connect(Instant::ZERO, None, peer).unwrap();
        assert!(stack.poll_transmit(Instant::ZERO).is_some());
        stack
    }

    fn carry(now: Instant, from: &mut Stack, to: &mut Stack) -> bool {
        let mut any = false;
        while let Some(packet) = from.poll_transmit(now) {
            to.receive(now, &packet.to_vec());
            any = true;
        }
        any
    }

    /// A connection is not queued to send after an acknowledgment that lets nothing out.
    #[test]
    fn an_acknowledgment_puts_into_the_queue_who_has_more_to_send() {
        let now = Instant::from_secs(1);
        let host = |host| {
            let config = Config::new([Ipv4Addr::new(10, 0, 0, host).into()]);
            Stack::new(config, Secret([host; 16])).unwrap()
        };
        let (mut client, mut server) = (host(1), host(2));
        let address = (Ipv4Addr::new(10, 0, 0, 2), 80).into();
        server.listen(address, 1).unwrap();
        let id = client.connect(now, None, address).unwrap();
        while carry(now, &mut client, &mut server) || carry(now, &mut server, &mut client) {}
        // The first segments of a connection are acknowledged at once.
        for (octets, has_more) in [(1, false), (60_000, true)] {
            assert_eq!(client.send(now, id, &vec![0; octets]), Ok(octets));
            assert!(carry(now, &mut client, &mut server));
            assert!(client.sending.is_empty());
            assert!(carry(now, &mut server, &mut client));
            assert_eq!(!client.sending.is_empty(), has_more, "{octets}");
        }
    }

    #[test]
    fn a_watched_stack_keeps_what_is_broken() {
        let mut stack = connecting();
        stack.watch();
        assert_eq!(stack.broken(), None);
        stack.forget_timers();
        let broken = stack.broken().unwrap();
        assert_eq!(broken.state, State::SynSent);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "a timer of recovery runs while something is in flight")]
    fn a_debug_build_ends_where_something_is_broken() {
        connecting().forget_timers();
    }
}
