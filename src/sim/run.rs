//! Runs a world: takes the next event, lets hosts handle it and carries what they send, until no
//! event is left.

use super::diagnosis;
use super::ends::{Conn, Phase};
use super::host::{Host, Surroundings};
use super::id::HostId;
use super::outcome::{Outcome, Property, Tally, Verdict};
use super::path::Direction;
use super::queue::Upcoming;
use super::story::Happening;
use super::trace::{Happened, Kind};
use super::world::{BATCH, World};
use crate::link::{Batch, Device};
use crate::tcp::State;
use crate::time::Instant;

/// The most octets in a batch, unless a single datagram needs more.
const MEMORY: usize = 1 << 20;

impl World {
    /// Runs until no event is left, or a property does not hold.
    pub fn run(&mut self) -> Outcome {
        let heal_at = self.heal_at;
        self.at(heal_at, Happening::Heal);
        self.size_batch();
        for index in 0..self.hosts.len() {
            self.start(HostId(index as u16));
        }
        while self.judge.failure().is_none() {
            let Some((at, what)) = self.queue.pop() else {
                self.rest();
                break;
            };
            let last = self.disturbed_at.max(self.completed_at.unwrap_or_default());
            if at > last + self.patience {
                self.lose_patience();
                break;
            }
            self.now = at;
            self.judge.now = at;
            self.happen(what);
            self.see_whether_done();
        }
        self.conclude()
    }

    /// Makes room in the batch for the longest datagram.
    fn size_batch(&mut self) {
        let ports = self.hosts.iter().flat_map(|host| &host.ports);
        let longest = ports
            .map(|port| port.capabilities().longest_arrival())
            .max();
        let longest = longest.unwrap_or(0);
        self.batch.clear();
        if self.batch.slot().map_or(0, |slot| slot.len()) < longest {
            self.batch = Batch::with_limit(BATCH, longest, (BATCH * longest).min(MEMORY));
        }
    }

    fn happen(&mut self, what: Upcoming) {
        match what {
            Upcoming::Arrival {
                host,
                port,
                datagram,
            } => {
                let ports = &mut self.hosts[usize::from(host.0)].ports;
                ports[port as usize].arrive(datagram);
                while let Some(next) = self.queue.pop_companion(self.now, (host, port)) {
                    ports[port as usize].arrive(next);
                }
                self.turn(host);
            }
            Upcoming::Wake(host) => {
                let now = self.now;
                let woken_at = &mut self.host_mut(host).woken_at;
                // Otherwise an earlier wake-up has replaced this one.
                if *woken_at == Some(now) {
                    *woken_at = None;
                    self.trace.event(now, Kind::Woke, Some(host), &[]);
                    self.turn(host);
                }
            }
            Upcoming::Story(index) => {
                let happening = self.story[index as usize].clone();
                self.enact(happening);
            }
            Upcoming::HalfOpen(conn) => self.check_half_open(Conn(conn)),
        }
    }

    /// Lets a host do everything there is to do at this moment, and sends off its datagrams.
    pub(super) fn turn(&mut self, host: HostId) {
        self.with(host, Host::turn);
        self.settle(host);
        if let Some(samples) = &mut self.samples {
            samples.take(self.now, host, &self.hosts[usize::from(host.0)]);
        }
        if !self.triggers.is_empty() {
            self.pull_triggers(host);
        }
    }

    /// Starts a host and its applications.
    pub(super) fn start(&mut self, host: HostId) {
        self.with(host, Host::boot);
        self.turn(host);
    }

    /// Lends a host what it needs from the world.
    pub(super) fn with(
        &mut self,
        host: HostId,
        act: impl FnOnce(&mut Host, &mut Surroundings<'_>),
    ) {
        let mut around = Surroundings {
            at: self.now,
            judge: &mut self.judge,
            trace: &mut self.trace,
            batch: &mut self.batch,
            octets: &mut self.scratch,
            spare: &mut self.spare,
        };
        act(&mut self.hosts[usize::from(host.0)], &mut around);
    }

    /// Puts what a host has sent into its paths, and its next wake-up into the queue.
    fn settle(&mut self, id: HostId) {
        for port in 0..self.hosts[usize::from(id.0)].ports.len() {
            self.dispatch(id, port);
        }
        let wake = self.hosts[usize::from(id.0)].next_wake();
        if let Some(wake) = wake {
            self.wake(id, wake.max(self.now));
        }
    }

    /// Makes sure that a host wakes up at `at` or before.
    pub(super) fn wake(&mut self, id: HostId, at: Instant) {
        let host = &mut self.hosts[usize::from(id.0)];
        if host.woken_at.is_none_or(|known| at < known) {
            host.woken_at = Some(at);
            self.queue.push(at, Upcoming::Wake(id));
        }
    }

    /// Puts what was sent through a port into its path.
    fn dispatch(&mut self, id: HostId, port: usize) {
        let host = &mut self.hosts[usize::from(id.0)];
        let (link, direction) = (host.ports[port].link, host.ports[port].direction);
        let link = &mut self.links[link as usize];
        let mut sent = core::mem::take(host.ports[port].sent());
        for datagram in sent.drain(..) {
            self.datagrams += 1;
            self.trace.event(self.now, Kind::Sent, Some(id), &datagram);
            let copy = self.trace.record.is_some().then(|| datagram.clone());
            let (now, weather) = (self.now, &mut self.weather);
            match &mut link.middle {
                _ if link.is_cut => self.spare.push(datagram),
                None => (link.path).carry(now, direction, datagram, weather, &mut self.arrivals),
                Some(middle) => {
                    middle.pass(now, direction, datagram, &mut self.onward);
                    for datagram in self.onward.drain(..) {
                        (link.path).carry(now, direction, datagram, weather, &mut self.arrivals);
                    }
                }
            }
            let mut copies = 0;
            for arrival in self.arrivals.drain(..) {
                copies += usize::from(arrival.direction == direction);
                let (host, port) = match arrival.direction {
                    Direction::There => link.far,
                    Direction::Back => link.near,
                };
                let what = Upcoming::Arrival {
                    host,
                    port,
                    datagram: arrival.datagram,
                };
                self.queue.push(arrival.at, what);
            }
            self.lost += u64::from(copies == 0);
            if let (Some(datagram), Some(record)) = (copy, &mut self.trace.record) {
                let what = Happened::Sent { datagram, copies };
                record.push(self.now, Some(id), host.first_state(), what);
            }
        }
        *host.ports[port].sent() = sent;
    }

    fn pull_triggers(&mut self, host: HostId) {
        let is_in = |state| self.hosts[usize::from(host.0)].is_in(state);
        let pulled = |(of, state, _): &(HostId, State, Happening)| *of == host && is_in(*state);
        if let Some(index) = self.triggers.iter().position(pulled) {
            let (_, _, happening) = self.triggers.remove(index);
            self.disturbed_at = self.disturbed_at.max(self.now);
            self.enact(happening);
        }
    }

    fn see_whether_done(&mut self) {
        if !self.hosts.iter().all(Host::is_done) {
            self.completed_at = None;
        } else if self.completed_at.is_none() {
            self.completed_at = Some(self.now);
        }
    }

    /// P9: by this time after the crash of its peer, a connection that sends or probes must have
    /// noticed.
    fn check_half_open(&mut self, conn: Conn) {
        let end = &self.judge.ends()[conn];
        let (Phase::Open, Some(lost_at)) = (end.phase, end.half_open) else {
            return;
        };
        let Some(stack) = self.hosts[usize::from(end.host.0)].stack() else {
            return;
        };
        let (id, waits) = (end.id, end.sent_before_loss == Some(end.sent));
        if let Some(keepalive) = stack.options(id).keepalive {
            let probes = keepalive.interval * (keepalive.count + 1);
            let due = lost_at + (keepalive.idle + probes).max(self.half_open_bound);
            if due > self.now {
                return self.queue.push(due, Upcoming::HalfOpen(conn.0));
            }
        } else if stack.status(id).send_queue == 0 {
            // The end only waits for the peer, which TCP allows.
            return;
        } else if !waits {
            // The end has started to send since.
            self.judge.watch_half_open(conn);
            let due = self.now + self.half_open_bound;
            return self.queue.push(due, Upcoming::HalfOpen(conn.0));
        }
        let name = self.judge.ends()[conn].name();
        let what = format!("{name} does not know that its peer crashed at {lost_at}");
        self.judge.fail(Property::HalfOpen, what);
    }

    /// Whether an end may wait for a peer that has lost or aborted the connection: it sends
    /// nothing, so it cannot find out.
    fn is_excused(&self, conn: Conn) -> bool {
        let end = &self.judge.ends()[conn];
        let stack = self.hosts[usize::from(end.host.0)].stack();
        let waits = stack.is_some_and(|stack| stack.status(end.id).send_queue == 0);
        waits && (self.judge.ends().peer_is_gone(conn) || self.peer_gave_up_alone(conn))
    }

    /// Whether the peer's application had done all that it wanted, and then its stack gave the
    /// connection up.
    fn peer_gave_up_alone(&self, conn: Conn) -> bool {
        let Some(peer) = self
            .judge
            .ends()
            .known_partner(conn)
            .map(|peer| &self.judge.ends()[peer])
        else {
            return false;
        };
        let stack = self.hosts[usize::from(peer.host.0)].stack();
        stack.is_some_and(|stack| {
            let tuple = (peer.local, peer.remote);
            let mut tuples = stack
                .connections()
                .map(|(tuple, _)| (tuple.local, tuple.remote));
            self.judge.may_fail
                && stack.counters().orphans_given_up > 0
                && !tuples.any(|other| other == tuple)
        })
    }

    /// The first end that has more to do and no excuse.
    fn unfinished(&self) -> Option<Conn> {
        let mut open = self.judge.ends().open();
        open.find(|conn| !self.is_excused(*conn))
    }

    /// Whether everything is done, except at ends that have an excuse.
    fn is_finished(&self) -> bool {
        let all_excused =
            || self.unfinished().is_none() && self.judge.ends().open().next().is_some();
        self.completed_at.is_some() || all_excused()
    }

    /// Checks a world without further events: everything must be done (P7), and gone (P6).
    fn rest(&mut self) {
        if !self.is_finished() {
            self.fail_unfinished(Property::NoDeadlock, "nothing will happen any more");
        } else if self.completed_at.is_some() {
            self.check_nothing_remains();
        }
    }

    /// Reports that something is still not done long after the last fault (P8), or that
    /// everything is done but a connection does not end (P6).
    fn lose_patience(&mut self) {
        if !self.is_finished() {
            self.fail_unfinished(Property::Completion, "stuck");
        } else if self.completed_at.is_some() {
            self.check_nothing_remains();
        }
    }

    /// Reports that something will never be done. If a stack gave a connection up, that is the
    /// reason, and the scenario is at fault: its stacks give up too early for its faults.
    fn fail_unfinished(&mut self, property: Property, how: &str) {
        let work = self.unfinished_work();
        let mut stacks = self.hosts.iter().filter_map(Host::stack);
        let gave_up = stacks.any(|stack| stack.counters().orphans_given_up > 0);
        match gave_up && !self.judge.may_fail {
            true => {
                let what = format!("its peer was given up after it was closed: {work}");
                self.judge.fail(Property::NoFailure, what);
            }
            false => self.judge.fail(property, format!("{how}: {work}")),
        }
    }

    fn unfinished_work(&self) -> String {
        match self.unfinished() {
            Some(conn) => diagnosis::progress(self.judge.ends(), conn),
            None => match self.hosts.iter().position(|host| !host.is_done()) {
                Some(index) => format!("an application of {} waits", HostId(index as u16)),
                None => "the world goes on".to_owned(),
            },
        }
    }

    fn check_nothing_remains(&mut self) {
        for (index, host) in self.hosts.iter().enumerate() {
            let remaining = host.stack().and_then(|stack| stack.connections().next());
            if let Some((tuple, state)) = remaining {
                let what = format!("host {}: {tuple} remains in {state}", HostId(index as u16));
                return self.judge.fail(Property::BothClose, what);
            }
        }
    }

    fn conclude(&mut self) -> Outcome {
        for host in &self.hosts {
            host.count(&mut self.judge);
        }
        let tally = Tally {
            events: self.trace.events,
            datagrams: self.datagrams,
            lost: self.lost,
            ..self.judge.tally
        };
        let verdict = match self.judge.failure() {
            None => Verdict::Done,
            Some(failure) => Verdict::Failed(failure.clone()),
        };
        Outcome {
            seed: self.seed,
            trace_hash: self.trace.hash(),
            verdict,
            completed_at: self.completed_at,
            ended_at: self.now,
            tally,
        }
    }
}
