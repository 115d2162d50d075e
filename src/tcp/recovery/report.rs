//! What recovery is told about an acknowledgment, what it learns from it, and what it reports.

use core::hash::{Hash, Hasher};
use core::ops::Range;
use core::time::Duration;

use super::Recovery;
use super::rate::Newest;
use super::sack::Blocks;
use super::scoreboard::Record;
use crate::tcp::congestion::{LostSegment, RateSample};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// What an acknowledgment says to the sender.
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
    /// It only repeats what has been said before.
    pub(crate) is_bare: bool,
    /// It is a duplicate as RFC 5681 §2 defines it: something is in flight.
    pub(crate) is_duplicate: bool,
    /// It ends within a segment that was let out alone, if segments are counted.
    pub(crate) parts_packet: bool,
    /// The longest text of a segment, in octets.
    pub(crate) mss: usize,
    /// The text of the probe of the path MTU that is under way, if one is: its loss is no sign of
    /// congestion (RFC 8899 §3, 7).
    pub(crate) mtu_probe: Option<Range<Seq>>,
    /// When the segment that it answers was sent, by timestamps (RFC 7323 §4), to the millisecond.
    pub(crate) echo: Option<Instant>,
    /// What it reports beyond SEG.ACK, or as having arrived twice.
    pub(crate) sack: Blocks,
    /// How many segments have arrived twice that were also sent twice, if those count as delivered.
    pub(crate) again: usize,
}

impl Acknowledgment {
    /// It moves SND.UNA.
    pub(super) fn advances(&self) -> bool {
        self.ack > self.una
    }
}

/// What an acknowledgment newly shows to have arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals {
    /// Octets.
    pub(super) octets: usize,
    /// Segments, at most.
    pub(super) segments: u64,
    /// When the last of the segments sent only once was sent: its round-trip time is known.
    pub(super) sent: Option<Instant>,
    /// When the first of them was sent: of those cumulatively acknowledged, and of the others.
    pub(super) first: [Option<Instant>; 2],
    /// When the last of the retransmissions was sent.
    pub(super) resent: Option<Instant>,
    /// Something sent again is acknowledged cumulatively: the rest may have arrived long ago.
    pub(super) resent_acked: bool,
    /// Something is selectively acknowledged.
    pub(super) sacked: bool,
    /// Something sent once before the last timeout is acknowledged; selectively.
    pub(super) original_acked: bool,
    pub(super) original_sacked: bool,
    /// The segment that gives the sample of the delivery rate.
    pub(super) newest: Option<Newest>,
    /// A part of a segment is acknowledged, if segments count: it does not tell when the segment
    /// arrived.
    pub(super) is_part: bool,
}

impl Arrivals {
    /// A part of a segment, and nothing else.
    pub(super) fn is_only_a_part(&self) -> bool {
        self.is_part && self.sent.is_none() && self.resent.is_none()
    }
}

/// What the congestion controller should hear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Octets newly acknowledged.
    pub(crate) acked: usize,
    /// Octets newly known to have arrived.
    pub(crate) delivered: usize,
    /// DeliveredData of RFC 9937 §6.2: the same, except that without SACK each duplicate shows that
    /// a segment has arrived; and if segments count, each counts the same.
    pub(crate) delivered_data: usize,
    /// How many segments those were, at most.
    pub(crate) segments: u64,
    /// It acknowledges something; if segments count, a whole one.
    pub(super) restarts_timers: bool,
    /// Without SACK: it shows that more is lost.
    pub(super) shows_loss: bool,
    /// The probe of the path MTU was lost.
    pub(crate) mtu_probe_lost: bool,
    /// What was newly marked as lost, apart from that.
    pub(crate) losses: Vec<LostSegment>,
    /// A loss, and what was in flight. A recovery begins, unless a tail loss probe has repaired the
    /// loss already.
    pub(crate) lost: Option<Flight>,
    /// During a repair: something sent after the last reduction of the window is lost.
    pub(crate) lost_again: bool,
    /// The last reduction of the window was spurious.
    pub(crate) spurious: bool,
    /// A timeout was being repaired when it came.
    pub(crate) after_timeout: bool,
    /// A fast recovery is, or was until now, under way.
    pub(crate) recovering: bool,
    /// A sample of the round-trip time.
    pub(crate) rtt: Option<Duration>,
    /// A sample of the delivery rate.
    pub(crate) rate: Option<RateSample>,
}

impl Report {
    /// Octets newly marked as lost.
    pub(crate) fn lost_octets(&self) -> u64 {
        self.losses.iter().map(|segment| segment.octets).sum()
    }
}

/// How much was in flight when the network was congested.
///
/// FlightSize of RFC 5681 is what is in flight when the sender knows. But when the tail of a flight
/// is lost, most of the flight has been acknowledged by then, and says nothing any more of what the
/// path carries. So what was in flight when the lost segment left counts too, as far as cwnd still
/// allows it: RFC 9438 §4.6 lets cwnd stand for FlightSize where a window that is not in use does not
/// grow, and RFC 7661 §4.4.1 the volume that was last acknowledged in a round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    /// Octets in flight when the sender knew.
    pub(crate) known: usize,
    /// Octets in flight when what was lost, or marked, left; itself included.
    pub(crate) left: u64,
}

impl Flight {
    /// The amount from which a window of `cwnd` is reduced.
    pub(crate) fn size(self, cwnd: u64) -> u64 {
        (self.known as u64).max(self.left.min(cwnd))
    }
}

impl Recovery {
    /// Octets that were in flight when the segment at SND.UNA was sent, or the segment that a tail
    /// loss probe has sent again.
    pub(super) fn flight_of_first(&self) -> u64 {
        let first = self.board.first();
        let left = first.map_or(0, Record::flight_of_first);
        let probed = self.selective.as_ref().map(|it| it.probe.flight());
        left.max(probed.unwrap_or_default())
    }

    /// Hashes what was in flight, as far as it decides the future. Up to five segments make no
    /// difference: half of them is two or less, and ssthresh is two (RFC 5681 §3.1, equation 4).
    pub(super) fn hash_flights(&self, mss: usize, hasher: &mut impl Hasher) {
        let flights = self.board.records().map(|it| it.snapshot.tx_in_flight);
        let probed = self.selective.as_ref().map(|it| it.probe.flight());
        let matters = |flight: &u64| flight / 2 > 2 * mss as u64;
        let flights = flights.chain(probed).enumerate();
        flights
            .filter(|(_, flight)| matters(flight))
            .for_each(|it| it.hash(hasher));
    }
}

/// The state of loss recovery, which other systems call the state of congestion avoidance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecoveryState {
    /// The normal state.
    Open,
    /// Something arrived out of order, or twice.
    Disorder,
    /// The peer reported marks, and the window is reduced, until what was in flight then is
    /// acknowledged (RFC 3168 §6.1.2).
    Reduced,
    /// Fast recovery: acknowledgments showed a loss.
    Recovery,
    /// The retransmission timer expired.
    Loss,
}
