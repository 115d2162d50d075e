//! A host: a real stack, its ports, and the applications that use it.

use core::net::IpAddr;

use super::app::{App, Calls, News};
use super::held::Held;
use super::id::HostId;
use super::judge::Judge;
use super::outcome::Property;
use super::port::Port;
use super::random::Random;
use super::trace::{Happened, Kind, Trace};
use crate::config::Config;
use crate::link::{Batch, Device};
use crate::stack::{Event, Secret, Stack};
use crate::tcp::State;
use crate::time::Instant;
use crate::wire::{Offload, ip};

/// How many rounds a host may take at one moment; more mean that it runs in circles.
const ROUNDS: usize = 10_000;

/// The clock of a host, which may differ from the world's time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// How many nanoseconds the clock is ahead of the world; negative if behind.
    offset: i64,
    last: Instant,
}

impl Clock {
    /// The time that the clock shows. It never goes back, as with a real driver.
    fn read(&mut self, at: Instant) -> Instant {
        let shown = at.as_nanos().saturating_add_signed(self.offset);
        self.last = self.last.max(Instant::from_nanos(shown));
        self.last
    }

    /// The world's time at which the clock will show `shown`.
    fn when(&self, shown: Instant) -> Instant {
        match shown {
            Instant::FAR_FUTURE => shown,
            _ => Instant::from_nanos(shown.as_nanos().saturating_add_signed(-self.offset)),
        }
    }

    /// Makes the clock jump.
    pub(super) fn jump(&mut self, nanos: i64) {
        self.offset = self.offset.saturating_add(nanos);
    }
}

/// An application, and when it wants to be called.
#[derive(Debug)]
struct Running {
    app: Box<dyn App>,
    wake: Option<Instant>,
}

/// What a host borrows from its world for one turn.
pub(super) struct Surroundings<'a> {
    pub(super) at: Instant,
    pub(super) judge: &'a mut Judge,
    pub(super) trace: &'a mut Trace,
    pub(super) batch: &'a mut Batch,
    pub(super) octets: &'a mut [u8],
    pub(super) spare: &'a mut Vec<Vec<u8>>,
}

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    id: HostId,
    pub(super) config: Config,
    /// What its ports do instead of the stack.
    pub(super) offload: Offload,
    /// `None`: the host is down.
    stack: Option<Stack>,
    pub(super) ports: Vec<Port>,
    held: Held,
    apps: Vec<Running>,
    pub(super) clock: Clock,
    random: Random,
    /// Until this time the host does nothing.
    pub(super) paused_until: Instant,
    /// The earliest of its wake-ups in the event queue.
    pub(super) woken_at: Option<Instant>,
}

impl Host {
    pub(super) fn new(id: HostId, config: Config, random: Random) -> Host {
        Host {
            id,
            config,
            offload: Offload::NONE,
            stack: None,
            ports: Vec::new(),
            held: Held::default(),
            apps: Vec::new(),
            clock: Clock::default(),
            random,
            paused_until: Instant::ZERO,
            woken_at: None,
        }
    }

    pub(super) fn install(&mut self, app: Box<dyn App>) {
        self.apps.push(Running { app, wake: None });
    }

    /// The stack, unless the host is down.
    pub(super) fn stack(&self) -> Option<&Stack> {
        self.stack.as_ref()
    }

    /// The state of its first connection; LISTEN if it has only listeners.
    pub(super) fn first_state(&self) -> Option<State> {
        let stack = self.stack.as_ref()?;
        let listens = (!self.held.listeners.is_empty()).then_some(State::Listen);
        let first = stack.connections().map(|(_, state)| state).next();
        first.or(listens)
    }

    /// Whether one of its connections is in `state`.
    pub(super) fn is_in(&self, state: State) -> bool {
        let mut states = self.stack.iter().flat_map(Stack::connections);
        states.any(|(_, found)| found == state)
    }

    /// Whether its applications have nothing left to do, and no connection is open.
    pub(super) fn is_done(&self) -> bool {
        let Some(stack) = &self.stack else {
            return true;
        };
        let at_rest = |(_, state)| matches!(state, State::TimeWait | State::Closed);
        self.apps.iter().all(|running| running.app.is_done()) && stack.connections().all(at_rest)
    }

    /// Starts the host: a new stack, which knows nothing of the one before, and its
    /// applications.
    pub(super) fn boot(&mut self, around: &mut Surroundings<'_>) {
        let secret = Secret(self.random.key());
        match Stack::new(self.config.clone(), secret) {
            Ok(mut stack) => {
                stack.watch();
                self.stack = Some(stack);
            }
            Err(error) => {
                let what = format!("host {} has no valid configuration: {error}", self.id);
                return around.judge.fail(Property::NoFailure, what);
            }
        }
        for app in 0..self.apps.len() {
            self.apps[app].wake = None;
            self.call(app, News::Started, around);
        }
    }

    /// Crashes the host: it loses all its state.
    pub(super) fn crash(&mut self, around: &mut Surroundings<'_>) {
        if let Some(stack) = self.stack.take() {
            count(&stack, around.judge);
        }
        self.held.clear();
        for running in &mut self.apps {
            running.wake = None;
        }
        for port in &mut self.ports {
            port.clear(around.spare);
        }
    }

    /// Does everything that there is to do at this moment.
    pub(super) fn turn(&mut self, around: &mut Surroundings<'_>) {
        if around.at < self.paused_until {
            return;
        }
        let now = self.clock.read(around.at);
        for _ in 0..ROUNDS {
            self.receive(now, around);
            if self.stack.is_none() {
                return;
            }
            self.time(now, around);
            while let Some(event) = self.stack.as_mut().and_then(Stack::poll_event) {
                self.notify(event, around);
            }
            if !self.transmit(now) && self.ports.iter().all(Port::is_empty) {
                return self.inspect(around);
            }
        }
        let what = format!("host {} runs in a circle", self.id);
        around.judge.fail(Property::Completion, what);
    }

    /// Gives the stack what has arrived.
    fn receive(&mut self, now: Instant, around: &mut Surroundings<'_>) {
        for index in 0..self.ports.len() {
            while !self.ports[index].is_empty() {
                let states = around.trace.record.is_some();
                around.batch.clear();
                // A port never fails: nothing in it can.
                let _ = self.ports[index].receive(around.batch);
                around.spare.append(&mut self.ports[index].spare);
                let Some(stack) = &mut self.stack else {
                    continue;
                };
                for (datagram, form) in around.batch.arrivals() {
                    around
                        .trace
                        .event(around.at, Kind::Arrived, Some(self.id), &datagram);
                    stack.receive_arrived(now, datagram, form);
                }
                if states {
                    self.record_arrivals(around);
                }
            }
        }
    }

    fn record_arrivals(&self, around: &mut Surroundings<'_>) {
        let state = self.first_state();
        let Some(record) = &mut around.trace.record else {
            return;
        };
        for datagram in around.batch.iter() {
            let what = Happened::Arrived(datagram.to_vec());
            record.push(around.at, Some(self.id), state, what);
        }
    }

    /// Runs the timers and applications that are due.
    fn time(&mut self, now: Instant, around: &mut Surroundings<'_>) {
        if let Some(stack) = &mut self.stack
            && stack.next_deadline().is_some_and(|due| due <= now)
        {
            stack.handle_timeouts(now);
        }
        for app in 0..self.apps.len() {
            if self.apps[app].wake.is_some_and(|due| due <= now) {
                self.apps[app].wake = None;
                self.call(app, News::Time, around);
            }
        }
    }

    /// Passes an event to the application that holds its connection or listener.
    fn notify(&mut self, event: Event, around: &mut Surroundings<'_>) {
        let (app, news) = match event {
            Event::Connection(id, readiness) => {
                let Some((conn, app)) = self.held.find(id) else {
                    return;
                };
                if let Some(stack) = &self.stack {
                    around.judge.look(conn, stack);
                }
                (app, News::Ready(conn, readiness))
            }
            Event::Acceptable(listener) => {
                let owner = self.held.listeners.iter().find(|(id, _)| *id == listener);
                let Some((_, app)) = owner else {
                    return;
                };
                (*app, News::Acceptable(listener))
            }
            // Simulated applications use connections and listeners only.
            Event::Udp(..) => return,
        };
        self.call(app as usize, news, around);
    }

    fn call(&mut self, app: usize, news: News, around: &mut Surroundings<'_>) {
        let Some(stack) = &mut self.stack else {
            return;
        };
        let Running { app: script, wake } = &mut self.apps[app];
        let mut calls = Calls {
            at: around.at,
            now: self.clock.read(around.at),
            host: self.id,
            app: app as u32,
            stack,
            held: &mut self.held,
            judge: around.judge,
            trace: around.trace,
            wake,
            octets: around.octets,
        };
        script.on(news, &mut calls);
    }

    /// Sends what the stack has to send. Returns whether there was anything.
    fn transmit(&mut self, now: Instant) -> bool {
        let Some(stack) = &mut self.stack else {
            return false;
        };
        let mut any = false;
        while let Some(packet) = stack.poll_transmit_for(now, self.offload) {
            any = true;
            let index = match self.ports.as_slice() {
                [] => continue,
                [_] => 0,
                ports => {
                    let to = ip::destination(packet.pieces()[0]);
                    let leads = |port: &Port| to.is_some_and(|to| port.behind.contains(&to));
                    ports.iter().position(leads).unwrap_or(0)
                }
            };
            let _ = self.ports[index].send(packet);
        }
        any
    }

    /// P11: checks the invariants, and that no sequence number moves back.
    fn inspect(&mut self, around: &mut Surroundings<'_>) {
        let Some(stack) = &self.stack else {
            return;
        };
        for conn in self.held.some() {
            around.judge.look(conn, stack);
        }
        if let Some(broken) = stack.broken() {
            let what = format!("host {}: {broken}", self.id);
            around.judge.fail(Property::Invariants, what);
        }
    }

    /// When it must be woken, in the world's time.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let stack = self.stack.as_ref()?.next_deadline();
        let apps = self.apps.iter().filter_map(|running| running.wake).min();
        let due = stack.into_iter().chain(apps).min()?;
        Some(self.clock.when(due).max(self.paused_until))
    }

    /// Adds up what the stack counted, once the world has ended.
    pub(super) fn count(&self, judge: &mut Judge) {
        if let Some(stack) = &self.stack {
            count(stack, judge);
        }
    }

    /// Its addresses.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.config.addresses.clone()
    }
}

fn count(stack: &Stack, judge: &mut Judge) {
    let counters = stack.counters();
    judge.tally.retransmissions += counters.retransmissions;
    judge.tally.timeouts += counters.timeouts;
    judge.tally.gave_up += counters.orphans_given_up;
}

#[cfg(test)]
mod tests {
    use super::super::apps::{Behaviour, Client};
    use super::super::path::Path;
    use super::super::world::World;
    use super::*;
    use crate::config::Config;

    /// P11: a stack with a broken invariant makes its world fail.
    #[test]
    fn what_a_stack_finds_broken_is_told_to_the_judge() {
        let mut world = World::new(1);
        let hosts = [1, 2].map(|host| world.host(Config::new([[10, 0, 0, host].into()])));
        world.link(hosts[0], hosts[1], Path::default());
        let server = ([10, 0, 0, 2], 80).into();
        world.app(hosts[0], Client::new(server, Behaviour::exchange(1)));
        world.start(hosts[0]);
        assert_eq!(world.judge.failure(), None);

        let stack = world.hosts[0].stack.as_mut();
        stack.expect("it has started").forget_timers();
        world.turn(hosts[0]);
        let failure = world.judge.failure().expect("a failure");
        assert_eq!(failure.property, Property::Invariants);
        let what = "host A: 10.0.0.1:";
        assert!(failure.what.starts_with(what), "{failure}");
        assert!(failure.what.contains("in SYN-SENT breaks:"), "{failure}");
    }
}
