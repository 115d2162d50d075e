//! A model checker that runs the real protocol core: it visits every state that the stack, the network
//! and the users can reach together.
//!
//! [`explore()`] searches any [`Model`]:
//!
//! ```
//! use stubborn::check::{Model, explore};
//!
//! /// A counter that an action increases by one or two, modulo seven. The goal is zero.
//! struct Counter;
//!
//! impl Model for Counter {
//!     type State = u8;
//!     type Action = u8;
//!     fn initial(&mut self) -> u8 {
//!         3
//!     }
//!     fn successors(&mut self, state: &u8, next: &mut Vec<(u8, u8)>) {
//!         next.extend([1, 2].map(|step| (step, (state + step) % 7)));
//!     }
//!     fn violation(&mut self, state: &u8) -> Option<String> {
//!         (*state >= 7).then(|| format!("{state} is too large"))
//!     }
//!     fn is_done(&mut self, state: &u8) -> bool {
//!         *state == 0
//!     }
//!     fn describe(&mut self, before: &u8, step: u8, after: &u8) -> impl std::fmt::Display {
//!         format!("{before} + {step} is {after}")
//!     }
//! }
//!
//! let report = explore(&mut Counter, 1000, &mut |_progress| ());
//! assert_eq!(report.states, 7);
//! assert_eq!(report.found, None, "a goal can be reached from every state");
//! ```
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | [`Model`]: something whose states can be visited |
//! | `explore` | the search: breadth-first through all states, then backwards from the goals (AG EF) |
//! | `ladder` | models of the links: two processes, packets in a set, crashes, a hostile network |
//! | `detector` | models of the failure detectors: ticks, and a bound on delay that holds or is broken |
//! | `subject` | a model that is checked, by name |
//! | `catalogue` | all subjects |
//! | `tcp/` | the model of TCP: two hosts, real datagrams in a bag, users, an adversary: P1 to P12 |
//!
//! The model of TCP has no stubs: its hosts are [`Stack`](crate::stack::Stack)s that exchange real
//! datagrams. Configuration alone keeps it small: segments of one octet, buffers of two to four
//! octets, one retransmission timeout.

mod catalogue;
pub mod detector;
mod explore;
pub mod ladder;
mod subject;
pub mod tcp;

use core::fmt::Display;
use core::hash::Hash;

pub use catalogue::subjects;
pub use explore::{Found, Progress, Report, explore};
pub use subject::{Subject, Verdict};

/// Something whose states can be visited one after another.
///
/// Methods take `&mut self` so that a model may cache what it has computed. Their results must
/// depend on the arguments only.
pub trait Model {
    /// A state in canonical form: two states with the same future are equal.
    type State: Clone + Eq + Hash;
    /// A transition from one state to another.
    type Action;

    /// The initial state.
    fn initial(&mut self) -> Self::State;

    /// Appends every action that is possible in `state`, with the state that it leads to.
    fn successors(&mut self, state: &Self::State, next: &mut Vec<(Self::Action, Self::State)>);

    /// The safety property that `state` violates, if it violates one.
    fn violation(&mut self, state: &Self::State) -> Option<String>;

    /// Whether `state` is a goal: everything is done. From every state there must be a path to a goal
    /// (AG EF): no loss, delay or order of events may lead to a dead end.
    fn is_done(&mut self, state: &Self::State) -> bool;

    /// Describes what `action` did, in one line of a trace.
    fn describe(
        &mut self,
        before: &Self::State,
        action: Self::Action,
        after: &Self::State,
    ) -> impl Display;
}
