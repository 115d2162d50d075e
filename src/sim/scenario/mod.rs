//! Scenarios: plans of worlds as values, and the built-in ones.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | [`Plan`]: two hosts, a path, applications, a story, and what is expected |
//! | `catalogue` | [`CATALOGUE`]: the built-in scenarios by name |
//! | `transfers`, `faults`, `stories` | what they plan |
//! | `everything` | random subsets of all faults, drawn from the seed |

mod catalogue;
mod everything;
mod faults;
mod plan;
mod stories;
mod transfers;

pub use catalogue::{Builtin, CATALOGUE, find};
pub use plan::{End, Event, Family, HostPlan, Opening, Plan};
