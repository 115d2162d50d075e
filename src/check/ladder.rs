//! The ladder of links, exhaustively: two processes, four messages, and a network that loses,
//! duplicates and reorders without bound.
//!
//! The network is the *set* of packets that were sent and are not lost yet. A packet that arrives
//! stays in the set, so it may arrive again, any number of times, and in any order: unbounded
//! duplication needs no counter. Time is abstract: links have a period of zero, and a timeout
//! happens whenever the checker chooses.
//!
//! [`properties`] judges the safety promises in every state. Liveness is judged by the goal: from
//! every state, a path must lead to one in which everything promised has been delivered. (That
//! does not exclude a network that loses everything forever. No link helps against such a network;
//! the assumption of fair loss excludes it, and turns "there is always a path" into "eventually".)

pub(super) mod catalogue;

use core::fmt::Display;
use core::hash::Hash;
use std::collections::BTreeSet;

use super::Model;
use crate::link::Link;
use crate::link::properties::{self, Promise, Violation};
use crate::time::Instant;

/// The two processes: the first sends, the second delivers.
pub const ENDS: [u8; 2] = [1, 2];

/// Time stands still: every deadline is now.
const NOW: Instant = Instant::ZERO;

/// The model: the links whose promises are checked, and the network they run over.
#[derive(Clone, Debug)]
pub struct Ladder<L> {
    /// The links of the two processes, at the start.
    pub links: [L; 2],
    /// How many messages the first process sends. They are the octets 0, 1, 2 …
    pub messages: u8,
    /// The safety promises that must hold in every state.
    pub safety: Vec<Promise>,
    /// The most packets in the network at once; any more are lost. This bounds the states of links
    /// that write many different packets.
    pub capacity: usize,
    /// How often each message must eventually be delivered.
    pub times: usize,
    /// Whether the sender may send each message again and again, as fair loss needs.
    pub again: bool,
    /// Whether the receiver may leave delivered messages in its link.
    pub lazy: bool,
    /// Whether the network also changes packets, and returns them to their sender.
    pub hostile: bool,
    /// For each end, what its process comes back with if it crashes, which it does once.
    pub restart: [Option<Restart<L>>; 2],
}

/// Makes the link of a process that comes back from the one it had.
pub type Restart<L> = fn(&L) -> L;

/// The state of the whole system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State<L> {
    links: [L; 2],
    /// The packets, each with the end that it goes to.
    network: BTreeSet<(usize, Vec<u8>)>,
    /// The messages that were sent, in order.
    sent: Vec<u8>,
    /// The messages that were sent before their sender crashed: nothing is promised about them.
    forgiven: BTreeSet<u8>,
    /// The messages that were delivered, in order. A message that may come any number of times is
    /// counted up to `times` only.
    delivered: Vec<Vec<u8>>,
    has_crashed: [bool; 2],
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The first process sends a message.
    Send(u8),
    /// A packet arrives at an end, and may do so again.
    Arrive(usize, Vec<u8>),
    /// A packet arrives changed, or somewhere else: a hostile network.
    Forge(usize, Vec<u8>),
    /// A packet is lost.
    Lose(usize, Vec<u8>),
    /// The timer of an end's link expires.
    Timeout(usize),
    /// The second process takes the next message that its link delivers.
    Take,
    /// A process crashes and comes back.
    Crash(usize),
}

impl<L: Link<Address = u8> + Clone + Eq + Hash> Ladder<L> {
    /// Two links of one kind, four messages and a fair network; no promise is judged yet.
    pub fn new(link: impl Fn(usize) -> L) -> Ladder<L> {
        Ladder {
            links: [link(0), link(1)],
            messages: 4,
            safety: vec![Promise::NoCreation],
            capacity: usize::MAX,
            times: 1,
            again: false,
            lazy: false,
            hostile: false,
            restart: [None, None],
        }
    }

    /// Moves what the links send into the network, and takes what they deliver.
    fn settle(&self, state: &mut State<L>) {
        self.transmit(state);
        if !self.lazy {
            while self.take(state) {}
            // Taking a message may have caused an answer.
            self.transmit(state);
        }
    }

    fn transmit(&self, state: &mut State<L>) {
        for link in &mut state.links {
            while let Some((to, packet)) = link.poll_transmit(NOW) {
                let to = usize::from(to != ENDS[0]);
                let entry = (to, packet);
                if state.network.len() < self.capacity || state.network.contains(&entry) {
                    state.network.insert(entry);
                }
            }
        }
    }

    fn take(&self, state: &mut State<L>) -> bool {
        let Some((_, message)) = state.links[1].poll_deliver() else {
            return false;
        };
        let times = state
            .delivered
            .iter()
            .filter(|other| **other == message)
            .count();
        let is_counted = self.safety.contains(&Promise::NoDuplication);
        if is_counted || times < self.times {
            state.delivered.push(message);
        }
        if !is_counted && !self.safety.contains(&Promise::FifoDelivery) {
            // Where neither number nor order is promised, neither should tell states apart.
            state.delivered.sort_unstable();
        }
        true
    }

    fn act(&self, state: &State<L>, action: &Action) -> Option<State<L>> {
        let mut next = state.clone();
        match action {
            Action::Send(message) => {
                let sent = next.links[0].send(NOW, ENDS[1], &[*message]);
                sent.ok()?;
                if !next.sent.contains(message) {
                    next.sent.push(*message);
                }
            }
            Action::Arrive(end, packet) | Action::Forge(end, packet) => {
                next.links[*end].receive(NOW, ENDS[1 - end], packet);
            }
            Action::Lose(end, packet) => {
                next.network.remove(&(*end, packet.clone()));
            }
            Action::Timeout(end) => {
                next.links[*end].next_deadline()?;
                next.links[*end].handle_timeouts(NOW);
            }
            Action::Take => {
                if !self.take(&mut next) {
                    return None;
                }
            }
            Action::Crash(end) => {
                let restart = self.restart[*end].filter(|_| !state.has_crashed[*end])?;
                next.links[*end] = restart(&state.links[*end]);
                next.has_crashed[*end] = true;
                if *end == 0 {
                    next.forgiven = next.sent.iter().copied().collect();
                }
            }
        }
        self.settle(&mut next);
        Some(next)
    }

    fn actions(&self, state: &State<L>) -> Vec<Action> {
        let mut actions = Vec::new();
        let next = state.sent.len() as u8;
        let first = if self.again { 0 } else { next };
        let last = self.messages.min(next + 1);
        actions.extend((first..last).map(Action::Send));
        for (to, packet) in &state.network {
            actions.push(Action::Arrive(*to, packet.clone()));
            actions.push(Action::Lose(*to, packet.clone()));
            if self.hostile {
                actions.extend(forgeries(*to, packet));
            }
        }
        actions.extend([Action::Timeout(0), Action::Timeout(1)]);
        actions.extend([Action::Crash(0), Action::Crash(1)]);
        if self.lazy {
            actions.push(Action::Take);
        }
        actions
    }
}

/// What a hostile network makes of a packet: it changes its last octet or its first (which says
/// what kind it is), cuts it short, invents another one, or returns it to its sender.
fn forgeries(to: usize, packet: &[u8]) -> Vec<Action> {
    let changed = |place: usize| {
        let mut packet = packet.to_vec();
        packet[place] ^= 0x40;
        packet
    };
    let Some(last) = packet.len().checked_sub(1) else {
        return Vec::new();
    };
    vec![
        Action::Forge(to, changed(last)),
        Action::Forge(to, changed(0)),
        Action::Forge(to, packet[..last].to_vec()),
        Action::Forge(to, vec![packet[0]; packet.len()]),
        Action::Forge(1 - to, packet.to_vec()),
    ]
}

fn judge(
    promise: Promise,
    sent: &[Vec<u8>],
    delivered: &[Vec<u8>],
) -> Result<(), Violation<Vec<u8>>> {
    match promise {
        Promise::NoCreation => properties::no_creation(sent, delivered),
        Promise::NoDuplication => properties::no_duplication(sent, delivered),
        Promise::FifoDelivery => properties::fifo_delivery(sent, delivered),
        // Liveness: no single state breaks it; the goal covers it.
        Promise::FairLoss
        | Promise::FiniteDuplication
        | Promise::StubbornDelivery
        | Promise::ReliableDelivery => Ok(()),
    }
}

impl<L: Link<Address = u8> + Clone + Eq + Hash> Model for Ladder<L> {
    type State = State<L>;
    type Action = Action;

    fn initial(&mut self) -> State<L> {
        State {
            links: self.links.clone(),
            network: BTreeSet::new(),
            sent: Vec::new(),
            forgiven: BTreeSet::new(),
            delivered: Vec::new(),
            has_crashed: [false; 2],
        }
    }

    fn successors(&mut self, state: &State<L>, next: &mut Vec<(Action, State<L>)>) {
        for action in self.actions(state) {
            if let Some(after) = self.act(state, &action) {
                next.push((action, after));
            }
        }
    }

    fn violation(&mut self, state: &State<L>) -> Option<String> {
        let sent: Vec<Vec<u8>> = state.sent.iter().map(|message| vec![*message]).collect();
        let judged = self.safety.iter();
        let mut judged = judged.map(|promise| judge(*promise, &sent, &state.delivered));
        judged
            .find_map(Result::err)
            .map(|violation| violation.to_string())
    }

    fn is_done(&mut self, state: &State<L>) -> bool {
        (0..self.messages).all(|message| {
            let delivered = state.delivered.iter();
            let times = delivered.filter(|other| **other == [message]).count();
            state.sent.contains(&message)
                && (times >= self.times || state.forgiven.contains(&message))
        })
    }

    fn describe(&mut self, _: &State<L>, action: Action, after: &State<L>) -> impl Display {
        let what = match action {
            Action::Send(message) => format!("1 sends {message}"),
            Action::Arrive(end, packet) => format!("{} receives {packet:?}", ENDS[end]),
            Action::Forge(end, packet) => format!("{} receives a forged {packet:?}", ENDS[end]),
            Action::Lose(_, packet) => format!("{packet:?} is lost"),
            Action::Timeout(end) => format!("the time of {} has come", ENDS[end]),
            Action::Take => "2 takes a message".to_owned(),
            Action::Crash(end) => format!("{} crashes and comes back", ENDS[end]),
        };
        format!("{what}; delivered so far: {:?}", after.delivered)
    }
}

#[cfg(test)]
mod tests;
