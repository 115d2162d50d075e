//! Congestion control: how much may be in flight (RFC 5681 and its successors).
//!
//! A [`Controller`] is told what happened and answers with a window; it never sees the connection.
//! [`Factory`] shows how to write a custom one.

mod bbr;
mod cubic;
mod dctcp;
mod factory;
mod governor;
mod hystart;
mod reno;
mod round_trips;
mod start;
mod validation;

pub use bbr::Bbr;
pub use cubic::{Cubic, CubicInSegments};
pub use dctcp::Dctcp;

pub use factory::{Controllers, DuplicateName, Factory};
pub(crate) use governor::Governor;
pub use reno::Reno;
pub use round_trips::RoundTrips;
pub use start::Start;

use core::fmt::Debug;
use core::time::Duration;

use super::seq::Seq;
use crate::time::Instant;

/// The initial window of `segments` of `mss` octets, at least one, in octets: with ten of them
/// min(10*MSS, max(2*MSS, 14600)) (RFC 6928 §2), and in proportion with another number.
pub fn initial_window(mss: u64, segments: u32) -> u64 {
    /// Ten segments of this size are the 14,600 octets.
    const ETHERNET_MSS: u64 = 1460;
    let segments = u64::from(segments.max(1));
    let most = (2 * mss).max(segments * ETHERNET_MSS);
    (segments * mss).min(most)
}

/// L of RFC 3465 §2.3, in segments: the most by which an acknowledgment increases the window in a slow
/// start without HyStart++. One while a timeout is being repaired: what is acknowledged then may have
/// arrived long ago, and says nothing about what has left the network in the last round trip.
fn abc_limit(ack: &Ack) -> u64 {
    match ack.after_timeout {
        true => 1,
        false => 2,
    }
}

/// An acknowledgment that brought news: octets acknowledged, selectively acknowledged, marked or
/// found lost.
///
/// Amounts are in octets. A value that the connection cannot know stays at the default named by its
/// field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// When the acknowledgment arrived.
    pub now: Instant,
    /// Octets it newly acknowledged cumulatively: how far it moved SND.UNA.
    pub acked: u64,
    /// Octets it newly showed to have arrived, cumulatively or by SACK, each once. Without SACK:
    /// `acked`.
    pub delivered: u64,
    /// Octets newly marked as lost when it came.
    pub lost: u64,
    /// Octets that it newly reports to have arrived with a CE mark (RFC 9768, RFC 8257); 0 if that
    /// is not negotiated.
    pub ce: u64,
    /// SND.UNA, as it is now.
    pub una: Seq,
    /// SND.NXT: a round ends when what lies before this is acknowledged (RFC 9406 §4.2).
    pub nxt: Seq,
    /// Octets in flight before it arrived.
    pub in_flight: u64,
    /// The sender had more to send than the window allowed, so a larger window is useful (RFC 7661
    /// §4.1).
    pub window_limited: bool,
    /// The known round-trip times, including the one that this acknowledgment measures.
    pub round_trips: RoundTrips,
    /// How fast the path delivers; `None` if the acknowledgment gives no sample, or the controller
    /// does not look at it ([`Controller::looks_at_rate`]).
    pub rate: Option<RateSample>,
    /// It came while a timeout was being repaired: not all that was in flight then had been
    /// acknowledged before it.
    pub after_timeout: bool,
    /// Fast recovery is under way. A controller that leaves recovery to the connection
    /// ([`Controller::governs_recovery`]) has nothing to do then.
    pub recovering: bool,
}

#[cfg(test)]
impl Ack {
    /// One that newly acknowledges so many octets of a window that is used up, and says nothing else.
    fn of(now: Instant, acked: u64) -> Ack {
        Ack {
            now,
            acked,
            delivered: acked,
            lost: 0,
            ce: 0,
            una: Seq::initial(0),
            nxt: Seq::initial(0) + 1,
            in_flight: 0,
            window_limited: true,
            round_trips: RoundTrips::UNKNOWN,
            rate: None,
            after_timeout: false,
            recovering: false,
        }
    }
}

/// What one acknowledgment says about the rate at which the path delivers: "RS" of
/// draft-ietf-ccwg-bbr §4.1. It refers to P, the last sent of the segments that the acknowledgment
/// newly shows to have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSample {
    /// RS.delivered: octets delivered between the sending of P and now.
    pub delivered: u64,
    /// RS.interval: how long that took; never zero.
    pub interval: Duration,
    /// P.delivered: octets that had been delivered when P was sent.
    pub prior_delivered: u64,
    /// C.delivered: octets delivered over the life of the connection, those of this
    /// acknowledgment included.
    pub total_delivered: u64,
    /// RS.lost: octets marked as lost between the sending of P and now.
    pub lost: u64,
    /// RS.tx_in_flight: octets in flight just after P was sent.
    pub tx_in_flight: u64,
    /// RS.is_app_limited: when P was sent, the application had given too little to fill the
    /// path.
    pub is_app_limited: bool,
}

impl RateSample {
    /// RS.delivery_rate, in octets a second.
    pub fn delivery_rate(&self) -> u64 {
        let nanos = self.interval.as_nanos().max(1);
        let rate = u128::from(self.delivered) * 1_000_000_000 / nanos;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }
}

/// Congestion: segments were lost, or marked on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When the sender knew.
    pub now: Instant,
    /// Octets in flight at that moment, FlightSize of RFC 5681; or those in flight when the lost
    /// segment was sent, if that is more and the window still allows it.
    pub in_flight: u64,
}

/// One segment was marked as lost (draft-ietf-ccwg-bbr §5.5.10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostSegment {
    /// When the sender knew.
    pub now: Instant,
    /// Its first sequence number: adjacent losses are one range.
    pub start: Seq,
    /// Its length, in octets.
    pub octets: u64,
    /// P.tx_in_flight: octets in flight just after it was sent.
    pub tx_in_flight: u64,
    /// Octets marked as lost between its sending and now, itself included.
    pub lost: u64,
    /// C.delivered: octets delivered over the life of the connection.
    pub total_delivered: u64,
    /// P.is_app_limited: when it was sent, the application had given too little to fill the path.
    pub is_app_limited: bool,
}

/// What a controller allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// [`Controller::window`].
    pub window: u64,
    /// [`Controller::ssthresh`].
    pub ssthresh: u64,
    /// [`Controller::pacing_rate`].
    pub pacing_rate: Option<u64>,
}

/// A congestion controller. A new one takes one file and one line.
///
/// Windows are in octets, rates in octets a second. Every loss event is reported once: by
/// [`on_congestion`](Controller::on_congestion) when a recovery begins, by
/// [`on_timeout`](Controller::on_timeout) when the timer expires, or by
/// [`on_ecn`](Controller::on_ecn) when the network marks instead of dropping; further losses of the
/// same window belong to the same event. Loss of what was sent after the reduction, before all is
/// repaired, is a new event: [`on_congestion_again`](Controller::on_congestion_again).
///
/// For custom controllers, see [`Factory`].
pub trait Controller: Debug + Send {
    /// cwnd: how many octets may be in flight.
    fn window(&self) -> u64;

    /// ssthresh: below it the window grows by slow start; `u64::MAX` while unknown.
    fn ssthresh(&self) -> u64;

    /// An acknowledgment brought news.
    fn on_ack(&mut self, ack: &Ack);

    /// Acknowledgments showed a loss; a recovery begins.
    fn on_congestion(&mut self, loss: &Loss);

    /// While a loss is repaired, a retransmission is lost, or something new that left since the
    /// window was last reduced: cwnd and ssthresh must be lowered again (RFC 5681 §4.3). `loss` has
    /// the window in place of what was in flight. If all of this turns out to be spurious,
    /// [`on_spurious`](Controller::on_spurious) is called once, for this event and those before it.
    fn on_congestion_again(&mut self, loss: &Loss) {
        self.on_congestion(loss);
    }

    /// The peer reports that something was marked with CE (RFC 3168 §6.1.2); not more than once
    /// for a window of data. Without more knowledge it counts like a loss.
    fn on_ecn(&mut self, mark: &Loss) {
        self.on_congestion(mark);
    }

    /// The retransmission timer expired; `first`: for the first time for this segment.
    fn on_timeout(&mut self, loss: &Loss, first: bool);

    /// The last loss event was spurious: what was marked as lost had been delayed or overtaken (RFC
    /// 3522, RFC 4015, RFC 5682). The controller should undo the last reduction (RFC 9438 §4.9).
    fn on_spurious(&mut self, _now: Instant) {}

    /// A segment was marked as lost; called for every single one of a loss event.
    fn on_segment_lost(&mut self, _segment: &LostSegment) {}

    /// New data leaves while nothing is in flight: the application had nothing to send, or the peer
    /// had no room.
    fn on_restart(&mut self, _now: Instant) {}

    /// With [`CongestionHabits::window_in_segments`](crate::config::CongestionHabits::window_in_segments):
    /// new data left while nothing was in flight; `silence` is the time since the last data left.
    fn on_flight(&mut self, _now: Instant, _silence: Duration) {}

    /// Nothing was sent for longer than the retransmission timeout (RFC 5681 §4.1).
    fn on_idle(&mut self);

    /// The sender's maximum segment size is now `mss` octets.
    fn set_mss(&mut self, mss: usize);

    /// It takes over a connection from another controller, which had this window and ssthresh; or
    /// from itself, after an idle time that has reduced them.
    fn take_over(&mut self, _window: u64, _ssthresh: u64) {}

    /// Whether it counts marks. If ECE is the only feedback, this host then echoes exactly which
    /// segments were marked, as it expects of the peer (RFC 8257 §3.2).
    fn counts_marks(&self) -> bool {
        false
    }

    /// How fast to send, in octets a second (0 counts as 1); `None`: it does not ask for pacing.
    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    /// All three at once. A connection asks for them after each call that tells the controller
    /// something; nothing else may change them. The default implementation is enough.
    fn answer(&self) -> Answer {
        Answer {
            window: self.window(),
            ssthresh: self.ssthresh(),
            pacing_rate: self.pacing_rate(),
        }
    }

    /// [`on_ack`](Controller::on_ack), and what the controller allows then, in one call because these
    /// are the most frequent. The default implementation is enough.
    fn answer_to(&mut self, ack: &Ack) -> Answer {
        self.on_ack(ack);
        self.answer()
    }

    /// Whether its window also applies during recovery; otherwise Proportional Rate Reduction (RFC
    /// 9937) decides then.
    fn governs_recovery(&self) -> bool {
        false
    }

    /// Whether it looks at [`Ack::rate`]. Always the same answer.
    fn looks_at_rate(&self) -> bool {
        true
    }

    /// The last reduction is final: nothing can show any more that it was spurious.
    fn on_settled(&mut self) {}

    /// For model checkers: a number that distinguishes controllers that would act differently from
    /// `now` on, if never more than `ceiling` octets are in flight. A moment counts by its distance
    /// from now.
    fn fingerprint(&self, now: Instant, ceiling: u64) -> u64;

    /// A copy, so that a connection is a value.
    fn clone_box(&self) -> Box<dyn Controller>;
}

impl Clone for Box<dyn Controller> {
    fn clone(&self) -> Box<dyn Controller> {
        self.clone_box()
    }
}
