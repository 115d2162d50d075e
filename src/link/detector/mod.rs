//! Failure detectors: who has crashed?
//!
//! | detector | promises | built from |
//! |---|---|---|
//! | [`PerfectDetector`] (P) | strong completeness, strong accuracy | a bound on delay that is known and always holds |
//! | [`EventuallyPerfectDetector`] (◇P) | strong completeness, eventual strong accuracy | a bound that is unknown, or holds from some time on |
//! | [`AccrualDetector`] (φ) | a number that grows with suspicion | the times at which heartbeats came so far |
//!
//! * **Strong completeness** (PFD1, EPFD1). Eventually, every process that crashes is permanently
//!   suspected by every correct process.
//! * **Strong accuracy** (PFD2). No process is suspected before it crashes.
//! * **Eventual strong accuracy** (EPFD2). Eventually, no correct process is suspected by any correct
//!   process.
//!
//! [`properties`] states these as functions over a run. All three detectors communicate over a link that
//! is passed to them, and are values like the links: time is an argument. The first two are the
//! book's "exclude on timeout" (2.5) and "increasing timeout" (2.7), the third is the φ detector of
//! Hayashibara, Défago, Yared and Katayama, *The φ Accrual Failure Detector* (2004).

mod accrual;
mod eventually;
mod perfect;
pub mod properties;
mod rounds;

pub use accrual::{AccrualConfig, AccrualDetector};
pub use eventually::EventuallyPerfectDetector;
pub use perfect::PerfectDetector;

use super::interface::{Address, Parcel};
use crate::time::Instant;

/// What a detector says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict<A> {
    /// This process has crashed, or so it seems. (P's verdict is final, and the book calls it
    /// *crash*.)
    Suspected(A),
    /// This process has not crashed: to suspect it was wrong.
    Restored(A),
}

/// A failure detector: one process's view of the others.
pub trait Detector {
    /// How processes are named.
    type Address: Address;

    /// The next verdict. After any other call, call this until it returns `None`.
    fn poll_verdict(&mut self) -> Option<Verdict<Self::Address>>;

    /// A packet has arrived from the process `from`.
    fn receive(&mut self, now: Instant, from: Self::Address, packet: &[u8]);

    /// The next packet for the network, and where it goes.
    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<Self::Address>>;

    /// When [`Detector::handle_timeouts`] has something to do.
    fn next_deadline(&self) -> Option<Instant>;

    /// Does what is due at `now`.
    fn handle_timeouts(&mut self, now: Instant);
}
