//! What recovery is told of an acknowledgment, and what it has to tell.

use core::ops::Range;
use core::time::Duration;

use super::sack::Blocks;
use crate::tcp::congestion::{LostSegment, RateSample};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// What an acknowledgment says, seen from the sender.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledgment {
    /// When it arrived.
    pub(crate) now: Instant,
    /// SND.UNA before it arrived.
    pub(crate) una: Seq,
    /// SEG.ACK, not below `una`.
    pub(crate) ack: Seq,
    /// SND.NXT.
    pub(crate) nxt: Seq,
    /// The place of our FIN, if the user has closed.
    pub(crate) fin: Option<Seq>,
    /// It is a duplicate as RFC 5681 §2 defines it.
    pub(crate) is_duplicate: bool,
    /// The longest text of a segment, in octets.
    pub(crate) mss: usize,
    /// The text of the probe of the path MTU that is under way, if one is: its loss is no sign of
    /// congestion (RFC 8899 §3, 7).
    pub(crate) mtu_probe: Option<Range<Seq>>,
    /// When what it answers left, by timestamps (RFC 7323 §4), to the millisecond.
    pub(crate) echo: Option<Instant>,
    /// What it reports beyond SEG.ACK, or as having come twice.
    pub(crate) sack: Blocks,
}

impl Acknowledgment {
    /// It moves SND.UNA.
    pub(super) fn advances(&self) -> bool {
        self.ack > self.una
    }
}

/// What the congestion controller should hear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Octets newly acknowledged.
    pub(crate) acked: usize,
    /// Octets newly known to have arrived.
    pub(crate) delivered: usize,
    /// How many segments those were, at most.
    pub(crate) segments: u64,
    /// The probe of the path MTU was lost.
    pub(crate) mtu_probe_lost: bool,
    /// What was newly taken for lost, but for that.
    pub(crate) losses: Vec<LostSegment>,
    /// A loss: this many octets were in flight. A recovery begins, unless a tail loss probe has
    /// repaired the loss already.
    pub(crate) lost: Option<usize>,
    /// What the window was last reduced for was none.
    pub(crate) spurious: bool,
    /// A fast recovery is, or was until now, under way.
    pub(crate) recovering: bool,
    /// A sample of the round-trip time.
    pub(crate) rtt: Option<Duration>,
    /// A sample of the delivery rate.
    pub(crate) rate: Option<RateSample>,
}

impl Report {
    /// Octets newly taken for lost.
    pub(crate) fn lost_octets(&self) -> u64 {
        self.losses.iter().map(|segment| segment.octets).sum()
    }
}

/// Where loss recovery stands; what other systems call the state of congestion avoidance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecoveryState {
    /// Nothing is amiss.
    Open,
    /// Something arrived out of order, or twice.
    Disorder,
    /// Fast recovery: acknowledgments showed a loss.
    Recovery,
    /// The retransmission timer expired.
    Loss,
}
