//! The outcome of a world.

use core::fmt;

use crate::time::Instant;

/// The result of a run of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed of the world.
    pub seed: u64,
    /// A hash of 128 bits over everything that happened: two runs are the same if their hashes
    /// are.
    pub trace_hash: u128,
    /// Whether every property held.
    pub verdict: Verdict,
    /// When every application had finished and every connection was closed or in TIME-WAIT.
    pub completed_at: Option<Instant>,
    /// When nothing was left to happen.
    pub ended_at: Instant,
    /// What was counted.
    pub tally: Tally,
}

/// Whether every property held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every property held, and everything that the scenario asks for was done.
    Done,
    /// A property did not hold.
    Failed(Failure),
}

impl Outcome {
    /// The failure, if there is one.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.verdict {
            Verdict::Done => None,
            Verdict::Failed(failure) => Some(failure),
        }
    }
}

/// The counts of a world. Those of several worlds add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events.
    pub events: u64,
    /// Datagrams that the hosts sent.
    pub datagrams: u64,
    /// Those of which no copy arrived anywhere.
    pub lost: u64,
    /// Segments that the stacks retransmitted.
    pub retransmissions: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Connections that applications opened.
    pub opened: u64,
    /// Connections that applications accepted.
    pub accepted: u64,
    /// Ends of connections on which the application did all that it wanted.
    pub completed: u64,
    /// Ends of connections that were reset or refused.
    pub reset: u64,
    /// Ends of connections that were given up because the peer did not answer.
    pub gave_up: u64,
    /// Octets that the stacks took from applications.
    pub sent: u64,
    /// Octets that the stacks gave to applications, every one of them checked.
    pub delivered: u64,
}

impl core::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        let Tally {
            events,
            datagrams,
            lost,
            retransmissions,
            timeouts,
            opened,
            accepted,
            completed,
            reset,
            gave_up,
            sent,
            delivered,
        } = other;
        self.events += events;
        self.datagrams += datagrams;
        self.lost += lost;
        self.retransmissions += retransmissions;
        self.timeouts += timeouts;
        self.opened += opened;
        self.accepted += accepted;
        self.completed += completed;
        self.reset += reset;
        self.gave_up += gave_up;
        self.sent += sent;
        self.delivered += delivered;
    }
}

/// A property of every world, numbered as in the documentation of the judge (`sim/judge.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// P1: every octet that is delivered was sent by the peer in this incarnation.
    NoCreation,
    /// P2: no octet is delivered twice.
    NoDuplication,
    /// P3: octets are delivered in the order in which they were sent, without a gap.
    Fifo,
    /// P4: the end of the stream comes after its last octet, and only if the peer has closed.
    EndAfterAll,
    /// P5: two established ends agree on their sequence numbers and options.
    Agreement,
    /// P6: when both sides have closed, both ends of the connection disappear, and nothing
    /// remains.
    BothClose,
    /// P7: while something remains to be done, something will happen.
    NoDeadlock,
    /// P8: what can be done is done: nothing is stuck once the faults are over.
    Completion,
    /// P9: a connection whose peer has lost it is discovered in time.
    HalfOpen,
    /// P10: no octet of an older incarnation is delivered.
    Incarnations,
    /// P11: what always holds of a connection holds.
    Invariants,
    /// No connection fails unless the scenario allows it.
    NoFailure,
}

impl Property {
    /// Every property.
    pub const ALL: [Property; 12] = [
        Property::NoCreation,
        Property::NoDuplication,
        Property::Fifo,
        Property::EndAfterAll,
        Property::Agreement,
        Property::BothClose,
        Property::NoDeadlock,
        Property::Completion,
        Property::HalfOpen,
        Property::Incarnations,
        Property::Invariants,
        Property::NoFailure,
    ];

    /// Whether this is a safety property (nothing bad happens), not a liveness property
    /// (something good happens eventually).
    pub const fn is_safety(self) -> bool {
        !matches!(
            self,
            Property::NoDeadlock
                | Property::Completion
                | Property::HalfOpen
                | Property::BothClose
                | Property::NoFailure
        )
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Property::NoCreation => "P1 no creation",
            Property::NoDuplication => "P2 no duplication",
            Property::Fifo => "P3 FIFO",
            Property::EndAfterAll => "P4 end after all octets",
            Property::Agreement => "P5 agreement",
            Property::BothClose => "P6 both sides close",
            Property::NoDeadlock => "P7 no deadlock",
            Property::Completion => "P8 completion",
            Property::HalfOpen => "P9 half-open discovery",
            Property::Incarnations => "P10 no old incarnation",
            Property::Invariants => "P11 invariants",
            Property::NoFailure => "no failed connection",
        })
    }
}

/// A property that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The property.
    pub property: Property,
    /// The seed of the world.
    pub seed: u64,
    /// The scenario; empty if it has no name.
    pub scenario: String,
    /// When it was found.
    pub at: Instant,
    /// What was found, in words.
    pub what: String,
}

impl Failure {
    /// The command that reproduces it.
    pub fn replay(&self) -> String {
        format!("stubborn sim --replay {} {}", self.seed, self.scenario)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            property,
            seed,
            scenario,
            at,
            what,
        } = self;
        write!(f, "{property}: {what}, at {at}, seed {seed}")?;
        match scenario.is_empty() {
            true => Ok(()),
            false => write!(f, "; replay: {}", self.replay()),
        }
    }
}

impl std::error::Error for Failure {}
