//! A model checker over the real core: every state that the stack, the network and the users can
//! reach together, one after the other, instead of some of them by chance.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | [`Model`]: what can be checked |
//! | `explore` | breadth first through all states; back from the goals (AG EF) |
//! | `ladder` | the links: two processes, packets in a set, crashes, a hostile network |
//! | `detector` | failure detectors: ticks, a bound on delay that holds or is broken |
//! | `subject` | what is checked, by name |
//! | `catalogue` | everything that is |
//! | `tcp/` | two hosts, real datagrams in a bag, users, an adversary: P1 to P12 |
//!
//! Nothing is simplified by stubs: hosts are [`Stack`](crate::stack::Stack)s, what travels are
//! the octets that would travel. Configuration alone makes it small: segments of one octet,
//! buffers of two to four, one retransmission timeout.

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

/// Something whose states can be visited one after the other.
///
/// Methods take `&mut self` so that a model may remember what it has computed; what it answers
/// must depend on its arguments only.
pub trait Model {
    /// One state, in a canonical form: two that nothing can tell apart are equal.
    type State: Clone + Eq + Hash;
    /// What leads from one state to another.
    type Action;

    /// Where everything starts.
    fn initial(&mut self) -> Self::State;

    /// Appends every action that is possible in `state`, with what it leads to.
    fn successors(&mut self, state: &Self::State, next: &mut Vec<(Self::Action, Self::State)>);

    /// The promise that `state` breaks, if it breaks one.
    fn violation(&mut self, state: &Self::State) -> Option<String>;

    /// Whether everything that is to be reached has been reached. From every state there must be
    /// a way to one such (AG EF): no loss, no delay and no order of events may lead to where
    /// nothing helps any more.
    fn is_done(&mut self, state: &Self::State) -> bool;

    /// One line that tells what `action` did, for a trace that people read.
    fn describe(
        &mut self,
        before: &Self::State,
        action: Self::Action,
        after: &Self::State,
    ) -> impl Display;
}
