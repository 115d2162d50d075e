//! Two hosts with real stacks, a bag of real datagrams between them, two users, and an adversary.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | [`Tcp`]: the model; [`World`]: its states; [`Action`] |
//! | `configuration` | [`Configuration`]: what makes it small, and what the network may do |
//! | `host` | a stack and its user, who follows a script |
//! | `step` | what can happen to a host |
//! | `hosts` | every host state once, and the result of each step |
//! | `forgery` | the segments that an adversary sends |
//! | `catalogue` | the configurations that are checked |
//! | `coverage` | which cells of the diagram were visited |
//!
//! The network is a bag: it delivers datagrams in any order, delivers them again, drops or damages
//! them, as far as the configuration allows. Each host has its own time, which moves only when the
//! host's next timer expires. That can happen at any point of any interleaving, so every possible
//! delay is covered.

mod catalogue;
mod configuration;
mod coverage;
mod forgery;
mod host;
mod hosts;
mod step;

use core::fmt::{self, Display};

use super::Model;
use crate::wire::figure;

pub use crate::tcp::State;
pub use catalogue::catalogue;
pub use configuration::{Configuration, Script};
pub use coverage::{Coverage, Kind, UNVISITED};
pub use forgery::Forgery;
pub use host::Call;

use hosts::{HostId, Hosts, Outcome};
use step::{DatagramId, Step};

/// The most datagrams that a network can be configured to hold.
pub const MAX_ROOM: usize = 6;

/// No datagram.
const NOTHING: DatagramId = DatagramId::MAX;

/// A state of the whole model: the hosts, the datagrams under way, and what may still go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    hosts: [HostId; 2],
    /// Sorted by number, which has nothing to do with the order of arrival.
    bag: [DatagramId; MAX_ROOM],
    duplications: u8,
    corruptions: u8,
    crashes: [u8; 2],
    forgeries: u8,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A datagram arrives.
    Deliver(DatagramId),
    /// A datagram arrives, and may arrive again.
    Duplicate(DatagramId),
    /// A datagram is lost.
    Drop(DatagramId),
    /// A datagram arrives damaged.
    Corrupt(DatagramId),
    /// The next timer of a side expires.
    Expire(usize),
    /// The user of a side makes a call.
    Call(usize, Call),
    /// A side loses all its state, and starts again.
    Crash(usize),
    /// A side receives a forged segment.
    Forge(usize, Forgery),
}

/// The model.
pub struct Tcp {
    configuration: Configuration,
    hosts: Hosts,
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp")
            .field("configuration", &self.configuration)
            .finish_non_exhaustive()
    }
}

impl Tcp {
    /// A model with this configuration.
    pub fn new(configuration: Configuration) -> Tcp {
        Tcp {
            hosts: Hosts::new(configuration.clone()),
            configuration,
        }
    }

    /// Which cells of the diagram have been visited.
    pub fn coverage(&self) -> &Coverage {
        &self.hosts.coverage
    }

    /// `world` after the host of `side` takes `step`; `None` if nothing changes.
    fn after(&mut self, world: &World, side: usize, step: Step) -> Option<World> {
        let Outcome { host, leaving } = self.hosts.step(world.hosts[side], step);
        if host == world.hosts[side] && leaving.is_empty() {
            return None;
        }
        let mut next = world.clone();
        next.hosts[side] = host;
        for datagram in leaving {
            self.put(&mut next, datagram);
        }
        Some(next)
    }

    /// Puts a datagram into the network. If there is no room, it is lost. If datagrams may be
    /// duplicated without limit and it is there already, nothing changes.
    fn put(&self, world: &mut World, datagram: DatagramId) {
        let room = &mut world.bag[..self.configuration.room];
        let unlimited = self.configuration.duplications.is_none();
        if room[room.len() - 1] != NOTHING || (unlimited && room.contains(&datagram)) {
            return;
        }
        room[room.len() - 1] = datagram;
        room.sort_unstable();
    }

    /// Appends everything that may happen to `datagram`, which is under way.
    fn of_datagram(
        &mut self,
        world: &World,
        datagram: DatagramId,
        next: &mut Vec<(Action, World)>,
    ) {
        let side = self.hosts.datagram(datagram).0;
        let mut without = world.clone();
        take(&mut without, datagram);
        let delivered = self.after(&without, side, Step::Deliver(datagram));
        let delivered = delivered.unwrap_or_else(|| without.clone());
        next.push((Action::Deliver(datagram), delivered));
        if self.configuration.loses {
            next.push((Action::Drop(datagram), without));
        }
        let again = match self.configuration.duplications {
            None => Some(world.clone()),
            Some(_) if world.duplications > 0 => Some(World {
                duplications: world.duplications - 1,
                ..world.clone()
            }),
            Some(_) => None,
        };
        if let Some(kept) = again
            && let Some(after) = self.after(&kept, side, Step::Deliver(datagram))
        {
            next.push((Action::Duplicate(datagram), after));
        }
        if world.corruptions > 0 {
            let mut damaged = world.clone();
            take(&mut damaged, datagram);
            damaged.corruptions -= 1;
            let after = self.after(&damaged, side, Step::DeliverCorrupted(datagram));
            next.push((Action::Corrupt(datagram), after.unwrap_or(damaged)));
        }
    }

    /// Appends everything that the host of `side` may do by itself.
    fn of_host(&mut self, world: &World, side: usize, next: &mut Vec<(Action, World)>) {
        let quiet = world.bag[0] == NOTHING;
        if (quiet || !self.configuration.patient)
            && self.hosts.get(world.hosts[side]).has_timer()
            && let Some(after) = self.after(world, side, Step::Expire)
        {
            next.push((Action::Expire(side), after));
        }
        for call in Call::ALL {
            if let Some(after) = self.after(world, side, Step::Call(call)) {
                next.push((Action::Call(side, call), after));
            }
        }
        if world.crashes[side] > 0
            && let Some(mut after) = self.after(world, side, Step::Crash)
        {
            after.crashes[side] -= 1;
            next.push((Action::Crash(side), after));
        }
        if world.forgeries > 0 {
            for forgery in Forgery::ALL {
                if let Some(mut after) = self.after(world, side, Step::Forge(forgery)) {
                    after.forgeries -= 1;
                    next.push((Action::Forge(side, forgery), after));
                }
            }
        }
    }

    /// The line of a ladder for a datagram that was under way.
    fn arrow(&self, id: DatagramId, arrives: bool, note: &str) -> Line {
        let (to, datagram) = self.hosts.datagram(id);
        let what = format!("{}{note}", figure::segment(datagram));
        match (to, arrives) {
            (0, true) => ("<--", what, "..."),
            (0, false) => ("X", what, "..."),
            (_, true) => ("...", what, "-->"),
            (_, false) => ("...", what, "X"),
        }
    }

    /// Whether a connection may end in another way than by being closed.
    fn may_break(&self) -> bool {
        let Configuration {
            crashes, scripts, ..
        } = &self.configuration;
        *crashes != [0, 0]
            // The loss of a probe or of its answer ends the connection.
            || self.configuration.keepalive
            || scripts.iter().any(|s| s.aborts || s.closes_early)
    }
}

/// The left, middle and right parts of a line of a ladder.
type Line = (&'static str, String, &'static str);

/// Takes a datagram out of the network.
fn take(world: &mut World, datagram: DatagramId) {
    if let Some(place) = world.bag.iter().position(|other| *other == datagram) {
        world.bag[place] = NOTHING;
        world.bag.sort_unstable();
    }
}

impl Model for Tcp {
    type State = World;
    type Action = Action;

    fn initial(&mut self) -> World {
        let mut world = World {
            hosts: [0, 1].map(|side| self.hosts.start(side, 0)),
            bag: [NOTHING; MAX_ROOM],
            duplications: self.configuration.duplications.unwrap_or(0),
            corruptions: self.configuration.corruptions,
            crashes: self.configuration.crashes,
            forgeries: self.configuration.forgeries,
        };
        // If neither side listens, both must open before anything arrives, or the first SYN would
        // be refused.
        if self.configuration.scripts.iter().all(|script| script.opens) {
            for side in 0..2 {
                let opened = self.after(&world, side, Step::Call(Call::Open));
                world = opened.unwrap_or(world);
            }
        }
        world
    }

    fn successors(&mut self, world: &World, next: &mut Vec<(Action, World)>) {
        let mut last = NOTHING;
        for datagram in world.bag {
            if datagram != NOTHING && datagram != last {
                self.of_datagram(world, datagram, next);
            }
            last = datagram;
        }
        for side in 0..2 {
            self.of_host(world, side, next);
        }
    }

    fn violation(&mut self, world: &World) -> Option<String> {
        let [a, b] = world.hosts.map(|id| self.hosts.get(id));
        for host in [a, b] {
            if let Some(fault) = &host.fault {
                return Some(fault.clone());
            }
            if let Some(error) = host.user.error
                && !self.may_break()
            {
                return Some(format!("P6, P12: nobody broke it, and yet: {error}"));
            }
        }
        for (host, peer) in [(a, b), (b, a)] {
            let same = host.user.from.is_none_or(|from| from == peer.incarnation);
            let (got, sent) = (host.user.received, peer.user.sent);
            if same && got > sent {
                return Some(format!("P1: {got} octets read, {sent} sent"));
            }
            // This includes a peer that has released its connection: what it sent may still have
            // been under way.
            if same && host.user.ended && (got != sent || !peer.user.closed) {
                return Some(format!("P4: the end after {got} of {sent} octets"));
            }
        }
        let states = [a.state(), b.state()];
        let quiet = world.bag[0] == NOTHING && !a.has_timer() && !b.has_timer();
        let half_open = states.contains(&State::Established)
            && states
                .iter()
                .any(|s| matches!(s, State::SynSent | State::SynReceived));
        (quiet && half_open).then(|| format!("P5: {} and {} for ever", states[0], states[1]))
    }

    fn is_done(&mut self, world: &World) -> bool {
        let [a, b] = world.hosts.map(|id| self.hosts.get(id));
        // A side that no SYN ever reached, or that crashed, waits for a connection: that is not a
        // failure.
        let over = |host: &host::Host| host.is_done() || (self.may_break() && host.is_idle());
        over(a) && over(b)
    }

    /// A line of a ladder, in the style of the figures of RFC 9293 §3.5, with the states after the
    /// action.
    fn describe(&mut self, _: &World, action: Action, after: &World) -> impl Display {
        let states = after.hosts.map(|id| self.hosts.get(id).state());
        let of_host = |side: usize, what: String| match side {
            0 => ("***", what, ""),
            _ => ("", what, "***"),
        };
        let (left, what, right) = match action {
            Action::Deliver(id) => self.arrow(id, true, ""),
            Action::Duplicate(id) => self.arrow(id, true, " (a copy)"),
            Action::Drop(id) => self.arrow(id, false, ""),
            Action::Corrupt(id) => self.arrow(id, true, " (damaged)"),
            Action::Expire(side) => of_host(side, "(timeout)".to_owned()),
            Action::Call(side, call) => of_host(side, format!("({})", Kind::Call(call))),
            Action::Crash(side) => of_host(side, "(crash)".to_owned()),
            Action::Forge(side, forgery) => of_host(side, format!("(forged: {forgery:?})")),
        };
        let [a, b] = states.map(|state| state.to_string());
        format!("{a:<12} {left:>3} {what:<50} {right:<3} {b}")
    }
}

#[cfg(test)]
mod tests;
