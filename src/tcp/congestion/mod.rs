//! How much may be in flight (RFC 5681 and its successors).
//!
//! [`Controller`] is the one trait in `tcp`: the place where a stranger plugs in. It is told what
//! happened and answers with a window; it never sees the connection.

mod cubic;
mod hystart;
mod reno;

pub use cubic::Cubic;
pub use reno::Reno;

use core::fmt::Debug;
use core::time::Duration;

use super::seq::Seq;
use crate::config::CongestionControl;
use crate::time::Instant;

/// The peer acknowledged new octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// When the acknowledgment arrived.
    pub now: Instant,
    /// Octets it newly acknowledged.
    pub acked: u64,
    /// SND.UNA, which it moved.
    pub una: Seq,
    /// SND.NXT: a round ends when what lies before this is acknowledged (RFC 9406 §4.2).
    pub nxt: Seq,
    /// Octets in flight before it arrived.
    pub in_flight: u64,
    /// The sender had more to send than the window allowed, so a larger window is of use
    /// (RFC 7661 §4.1).
    pub window_limited: bool,
    /// The smoothed round-trip time, once known.
    pub srtt: Option<Duration>,
    /// The round-trip time of what it answers, by timestamps (RFC 7323 §4).
    pub rtt: Option<Duration>,
}

/// Segments were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When the sender knew.
    pub now: Instant,
    /// Octets in flight at that moment: FlightSize of RFC 5681.
    pub in_flight: u64,
}

/// A congestion controller: one file and one line for each new one.
///
/// Windows are in octets. Recovery reports every loss event once, by
/// [`on_congestion`](Controller::on_congestion) or [`on_timeout`](Controller::on_timeout);
/// acknowledgments during recovery are not reported by [`on_ack`](Controller::on_ack), except after a
/// timeout.
pub trait Controller: Debug + Send {
    /// cwnd: how many octets may be in flight.
    fn window(&self) -> u64;

    /// ssthresh: below it the window grows by slow start; `u64::MAX` while unknown.
    fn ssthresh(&self) -> u64;

    /// The peer acknowledged new octets.
    fn on_ack(&mut self, ack: &Ack);

    /// Duplicate acknowledgments showed a loss; a recovery begins.
    fn on_congestion(&mut self, loss: &Loss);

    /// The retransmission timer expired; `first`: for the first time for this segment.
    fn on_timeout(&mut self, loss: &Loss, first: bool);

    /// Nothing was sent for longer than the retransmission timeout (RFC 5681 §4.1).
    fn on_idle(&mut self);

    /// The sender's maximum segment size is now `mss` octets.
    fn set_mss(&mut self, mss: usize);

    /// Tells controllers apart that would act differently from `now` on, given that never more
    /// than `ceiling` octets are in flight: for model checkers. A moment counts by its distance
    /// from now.
    fn fingerprint(&self, now: Instant, ceiling: u64) -> u64;

    /// A copy, so that a connection is a value.
    fn clone_box(&self) -> Box<dyn Controller>;
}

/// The controller of this kind, at the start of a connection: a window of `segments` of `mss`
/// octets.
pub(super) fn start(kind: CongestionControl, mss: usize, segments: u32) -> Box<dyn Controller> {
    match kind {
        CongestionControl::Reno => Box::new(Reno::new(mss, segments)),
        CongestionControl::Cubic => Box::new(Cubic::new(mss, segments)),
    }
}

impl Clone for Box<dyn Controller> {
    fn clone(&self) -> Box<dyn Controller> {
        self.clone_box()
    }
}
