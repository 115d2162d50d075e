//! Which cells of the diagram, states by events, a search visited.

use core::fmt;
use std::collections::BTreeMap;

use super::step::Step;
use crate::check::tcp::Call;
use crate::tcp::State;
use crate::wire::{self, Control, Payload};

/// An event: a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A user's call.
    Call(Call),
    /// A SYN without an acknowledgment.
    Syn,
    /// A SYN with an acknowledgment.
    SynAck,
    /// An acknowledgment alone.
    Ack,
    /// Text, without a FIN.
    Text,
    /// A FIN, with or without text.
    Fin,
    /// A reset.
    Rst,
    /// A timer expires.
    Timeout,
    /// Something damaged, or something other than TCP.
    Other,
}

impl Kind {
    /// Every event that a connection can meet.
    pub const ALL: [Kind; 12] = [
        Kind::Call(Call::Open),
        Kind::Call(Call::Send),
        Kind::Call(Call::Receive),
        Kind::Call(Call::Close),
        Kind::Call(Call::Abort),
        Kind::Syn,
        Kind::SynAck,
        Kind::Ack,
        Kind::Text,
        Kind::Fin,
        Kind::Rst,
        Kind::Timeout,
    ];

    pub(super) fn of(step: Step, datagram: &[u8]) -> Kind {
        match step {
            Step::Call(call) => Kind::Call(call),
            Step::Expire => Kind::Timeout,
            Step::Crash | Step::Forge(_) | Step::DeliverCorrupted(_) => Kind::Other,
            Step::Deliver(_) => Kind::of_datagram(datagram),
        }
    }

    fn of_datagram(datagram: &[u8]) -> Kind {
        let Ok(Payload::Tcp(header, text)) = wire::parse(datagram).map(|parsed| parsed.payload)
        else {
            return Kind::Other;
        };
        let has = |bit| header.control.has(bit);
        match () {
            () if has(Control::RST) => Kind::Rst,
            () if has(Control::SYN) && has(Control::ACK) => Kind::SynAck,
            () if has(Control::SYN) => Kind::Syn,
            () if has(Control::FIN) => Kind::Fin,
            () if !text.is_empty() => Kind::Text,
            () => Kind::Ack,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Call(Call::Open) => "OPEN",
            Kind::Call(Call::Send) => "SEND",
            Kind::Call(Call::Receive) => "RECEIVE",
            Kind::Call(Call::Close) => "CLOSE",
            Kind::Call(Call::Abort) => "ABORT",
            Kind::Syn => "rcv SYN",
            Kind::SynAck => "rcv SYN,ACK",
            Kind::Ack => "rcv ACK",
            Kind::Text => "rcv text",
            Kind::Fin => "rcv FIN",
            Kind::Rst => "rcv RST",
            Kind::Timeout => "timeout",
            Kind::Other => "other",
        })
    }
}

/// The states to which each event led from each state, and by how many different
/// steps.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    steps: BTreeMap<(State, Kind), BTreeMap<State, u64>>,
}

impl Coverage {
    pub(super) fn note(&mut self, from: State, kind: Kind, to: State) {
        let cell = self.steps.entry((from, kind)).or_default();
        *cell.entry(to).or_default() += 1;
    }

    /// Adds what another search visited.
    pub fn merge(&mut self, other: &Coverage) {
        for (cell, ends) in &other.steps {
            let cell = self.steps.entry(*cell).or_default();
            for (to, steps) in ends {
                *cell.entry(*to).or_default() += steps;
            }
        }
    }

    /// The states that `kind` led to from `from`, with the number of different steps.
    pub fn cell(&self, from: State, kind: Kind) -> impl Iterator<Item = (State, u64)> {
        let cell = self.steps.get(&(from, kind));
        cell.into_iter().flatten().map(|(to, steps)| (*to, *steps))
    }
}

/// Cells that no search visits, with the reason.
pub const UNVISITED: &[(State, &[Kind], &str)] = &[
    (
        State::Listen,
        &[Kind::SynAck],
        "Only who has called is answered with a SYN,ACK, and here nobody calls and listens.",
    ),
    (State::Listen, &[Kind::Timeout], "A listener has no timer."),
    (
        State::Closed,
        &[Kind::Timeout],
        "What is not there has no timer.",
    ),
];
