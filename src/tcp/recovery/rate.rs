//! How fast the path delivers: samples of the delivery rate (draft-ietf-ccwg-bbr §4.1).
//!
//! When a segment leaves, its record keeps how much had been delivered by then. When it arrives, what
//! has been delivered since, divided by the time that took, is a rate. The longer of the time it took
//! to send and the time it took to be acknowledged counts, so that acknowledgments that arrive
//! together do not suggest a rate that the path does not have.

use core::num::{NonZeroU64, NonZeroUsize};
use core::time::Duration;

use super::Recovery;
use crate::tcp::congestion::RateSample;
use crate::time::Instant;

/// What a record keeps of the moment at which it left: the per-packet state of §4.1.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// P.delivered, in octets.
    pub(super) delivered: u64,
    /// P.delivered_time.
    delivered_time: Instant,
    /// P.first_send_time.
    first_sent: Instant,
    /// C.lost at that moment, in octets.
    pub(super) lost: u64,
    /// P.tx_in_flight: octets in flight, this segment included.
    pub(super) tx_in_flight: u64,
    /// Segments that had arrived by then, as a number that wraps.
    pub(super) segments: u32,
    /// P.is_app_limited.
    pub(super) is_app_limited: bool,
}

/// The per-connection state of §4.1.2.1.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    /// C.delivered: octets delivered in all.
    delivered: u64,
    /// C.delivered_time: when C.delivered last grew.
    delivered_time: Instant,
    /// C.first_send_time: when the last sent of the most recently delivered segments was sent.
    first_sent: Instant,
    /// C.lost: octets marked as lost in all.
    lost: u64,
    /// C.app_limited: the application limits the flow, until more than this is delivered: in
    /// octets, or in segments where segments are counted.
    app_limited: Option<u64>,
    /// The last sample.
    last: Option<Sample>,
    /// The sample for STATUS, if segments count.
    for_status: Option<StatusSample>,
}

/// What a [`RateSample`] is computed from, on demand, because most are never needed.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// In nanoseconds.
    interval: NonZeroU64,
    /// C.delivered at its end.
    total_delivered: u64,
    /// P.delivered, and RS.lost.
    prior_delivered: u64,
    lost: u64,
    tx_in_flight: u64,
    is_app_limited: bool,
}

/// The rate for STATUS, if segments count: the last sample that the application did not limit, or a faster
/// one even if it did.
#[derive(Clone, Copy, Debug)]
struct StatusSample {
    /// In nanoseconds.
    interval: NonZeroU64,
    /// RS.delivered, in segments.
    segments: u32,
    is_app_limited: bool,
}

impl StatusSample {
    /// Whether it replaces `other`.
    fn replaces(&self, other: &StatusSample) -> bool {
        let ours = u128::from(self.segments) * u128::from(other.interval.get());
        let its = u128::from(other.segments) * u128::from(self.interval.get());
        !self.is_app_limited || ours >= its
    }
}

/// The delivery rate, as STATUS reports it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryRate {
    /// Octets a second.
    pub(crate) per_second: u64,
    pub(crate) is_app_limited: bool,
}

/// The last sent of the segments that an acknowledgment newly shows to have arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    sent: Instant,
    snapshot: Snapshot,
}

impl Rate {
    pub(super) fn new(now: Instant) -> Rate {
        Rate {
            delivered: 0,
            delivered_time: now,
            first_sent: now,
            lost: 0,
            app_limited: None,
            last: None,
            for_status: None,
        }
    }

    /// `len` octets leave while `in_flight` are in flight (§4.1.2.2); `segments` have arrived so far.
    pub(super) fn on_sent(&mut self, in_flight: usize, len: usize, segments: u32) -> Snapshot {
        Snapshot {
            delivered: self.delivered,
            delivered_time: self.delivered_time,
            first_sent: self.first_sent,
            lost: self.lost,
            tx_in_flight: (in_flight + len) as u64,
            segments,
            is_app_limited: self.app_limited.is_some(),
        }
    }

    /// Nothing is in flight, and something leaves.
    pub(super) fn begin_flight(&mut self, now: Instant) {
        (self.first_sent, self.delivered_time) = (now, now);
    }

    /// A segment that left at `sent` arrived, `len` octets of it (§4.1.2.3, UpdateRateSample).
    #[inline]
    pub(super) fn on_delivered(
        &mut self,
        now: Instant,
        newest: &mut Option<Newest>,
        (sent, snapshot, len): (Instant, Snapshot, usize),
    ) {
        self.delivered += len as u64;
        self.delivered_time = now;
        let is_newer = newest.is_none_or(|newest| {
            let before = (newest.snapshot.delivered, newest.sent);
            (snapshot.delivered, sent) >= before
        });
        if is_newer {
            *newest = Some(Newest { sent, snapshot });
            self.first_sent = sent;
        }
    }

    /// A part of a segment arrived, which does not count for the rate.
    pub(super) fn on_part_delivered(&mut self, now: Instant, len: usize) {
        self.delivered += len as u64;
        self.delivered_time = now;
    }

    /// Octets are marked as lost.
    pub(super) fn on_lost(&mut self, len: usize) {
        self.lost += len as u64;
    }

    /// The application gives less than the path would take, with `in_flight` octets in flight
    /// (§4.1.2.4).
    #[inline]
    fn on_app_limited(&mut self, in_flight: usize) {
        self.app_limited = Some(self.delivered + in_flight.max(1) as u64);
    }

    /// Ends the limit once everything sent under it has been delivered; where octets are counted.
    #[inline]
    pub(super) fn end_app_limit(&mut self) {
        self.end_app_limit_at(self.delivered);
    }

    /// The same, for a number of octets or segments.
    #[inline]
    fn end_app_limit_at(&mut self, delivered: u64) {
        if self.app_limited.is_some_and(|until| delivered > until) {
            self.app_limited = None;
        }
    }

    /// Generates the sample, once all that an acknowledgment says has been processed (§4.1.2.3,
    /// GenerateRateSample). There is none if its time is less than `min_rtt`, in which nothing can have
    /// arrived. `segments`: how many have arrived so far, if they are counted.
    #[inline]
    pub(super) fn sample(
        &mut self,
        newest: Option<Newest>,
        min_rtt: Option<Duration>,
        segments: Option<u64>,
    ) -> Option<RateSample> {
        self.end_app_limit_at(segments.unwrap_or(self.delivered));
        let Newest { sent, snapshot } = newest?;
        let min_rtt = min_rtt.and_then(|it| u64::try_from(it.as_nanos()).ok());
        let samples = self.take_sample(sent, &snapshot, min_rtt);
        if let Some(arrived) = segments.filter(|_| samples) {
            self.tell((arrived as u32).wrapping_sub(snapshot.segments));
        }
        self.last().filter(|_| samples)
    }

    /// [`Rate::on_delivered`] and [`Rate::sample`] for arrivals in order, the newest of which was sent
    /// at `sent`. Returns whether this gives a sample.
    #[inline]
    pub(super) fn deliver_in_order(
        &mut self,
        now: Instant,
        (sent, snapshot, len): (Instant, &Snapshot, usize),
        min_rtt: Option<u64>,
    ) -> bool {
        self.delivered += len as u64;
        self.delivered_time = now;
        self.first_sent = sent;
        self.end_app_limit();
        self.take_sample(sent, snapshot, min_rtt)
    }

    /// The sample of a segment that left at `sent`, if there is one; `min_rtt` in nanoseconds.
    #[inline]
    fn take_sample(&mut self, sent: Instant, snapshot: &Snapshot, min_rtt: Option<u64>) -> bool {
        let send_elapsed = sent.nanos_since(snapshot.first_sent);
        let ack_elapsed = self.delivered_time.nanos_since(snapshot.delivered_time);
        let Some(interval) = NonZeroU64::new(send_elapsed.max(ack_elapsed)) else {
            return false;
        };
        if interval.get() < min_rtt.unwrap_or(0) {
            return false;
        }
        self.last = Some(Sample {
            interval,
            total_delivered: self.delivered,
            prior_delivered: snapshot.delivered,
            lost: self.lost - snapshot.lost,
            tx_in_flight: snapshot.tx_in_flight,
            is_app_limited: snapshot.is_app_limited,
        });
        true
    }

    /// Notes the last sample, of `segments` segments, for STATUS.
    fn tell(&mut self, segments: u32) {
        let Some(last) = &self.last else {
            return;
        };
        let sample = StatusSample {
            interval: last.interval,
            segments,
            is_app_limited: last.is_app_limited,
        };
        // The first octet is our SYN.
        if self.delivered > 1 && self.for_status.is_none_or(|told| sample.replaces(&told)) {
            self.for_status = Some(sample);
        }
    }

    /// What STATUS reports; `weight`: segments count, each as this many octets. The handshake alone gives
    /// no rate.
    fn told(&self, weight: Option<NonZeroUsize>) -> Option<DeliveryRate> {
        if let Some(weight) = weight {
            return self.for_status.map(|sample| DeliveryRate {
                per_second: per_second(
                    u64::from(sample.segments) * weight.get() as u64,
                    sample.interval,
                ),
                is_app_limited: sample.is_app_limited,
            });
        }
        let last = self.last.as_ref().filter(|last| last.total_delivered > 1)?;
        Some(DeliveryRate {
            per_second: per_second(last.total_delivered - last.prior_delivered, last.interval),
            is_app_limited: last.is_app_limited,
        })
    }

    /// The last sample.
    #[inline]
    pub(super) fn last(&self) -> Option<RateSample> {
        let Sample {
            interval,
            total_delivered,
            prior_delivered,
            lost,
            tx_in_flight,
            is_app_limited,
        } = self.last?;
        Some(RateSample {
            delivered: total_delivered - prior_delivered,
            interval: Duration::from_nanos(interval.get()),
            prior_delivered,
            total_delivered,
            lost,
            tx_in_flight,
            is_app_limited,
        })
    }

    /// C.delivered.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// C.lost.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

/// Octets in `interval` nanoseconds, as octets a second.
fn per_second(octets: u64, interval: NonZeroU64) -> u64 {
    let rate = u128::from(octets) * 1_000_000_000 / u128::from(interval.get());
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// Counts for STATUS, which influence nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History {
    /// Segments that have arrived in all.
    pub(crate) segments_delivered: u64,
    /// How fast the path delivers.
    pub(crate) rate: Option<DeliveryRate>,
    /// How often segments were seen to have been overtaken; 0 without SACK.
    pub(crate) reorderings: u64,
}

impl Recovery {
    /// `len` octets leave while `in_flight` are in flight.
    pub(super) fn note_departure(
        &mut self,
        now: Instant,
        in_flight: usize,
        len: usize,
    ) -> Snapshot {
        // Where segments are counted, what is lost still counts.
        let is_idle = match self.weight {
            Some(_) => self.board.counts().unacked == 0,
            None => in_flight == 0,
        };
        if is_idle {
            self.rate.begin_flight(now);
        }
        let segments = self.board.delivered() as u32;
        self.rate.on_sent(in_flight, len, segments)
    }

    /// The user gives less than the network would take, with `in_flight` octets in flight.
    #[inline]
    pub(crate) fn on_app_limited(&mut self, in_flight: usize) {
        match self.weight {
            Some(_) => self.limit_by_segments(),
            None => self.rate.on_app_limited(in_flight),
        }
    }

    #[cold]
    fn limit_by_segments(&mut self) {
        let segments = self.segments_in_flight() as u64;
        self.rate.app_limited = Some(self.board.delivered() + segments);
    }

    /// Octets delivered in all.
    pub(crate) fn delivered(&self) -> u64 {
        self.rate.delivered()
    }

    /// What has happened so far.
    pub(crate) fn history(&self) -> History {
        let selective = self.selective.as_ref();
        History {
            segments_delivered: self.board.delivered(),
            rate: self.rate.told(self.weight()),
            reorderings: match selective {
                Some(selective) => selective.rack.reorderings(),
                None => (self.counted.as_ref()).map_or(0, |counted| counted.reorderings),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// `len` octets leave while `in_flight` are in flight.
    fn leave(rate: &mut Rate, now: Instant, in_flight: usize, len: usize) -> Snapshot {
        if in_flight == 0 {
            rate.begin_flight(now);
        }
        rate.on_sent(in_flight, len, 0)
    }

    /// draft-ietf-ccwg-bbr §4.1: ten segments of 1,000 octets leave one every millisecond; each
    /// arrives, and its acknowledgment comes back after 50 ms: a thousand octets a millisecond.
    #[test]
    fn a_steady_stream_has_the_rate_of_its_sender() {
        let mut rate = Rate::new(at(0));
        let snapshots: Vec<Snapshot> = (0..10)
            .map(|index| leave(&mut rate, at(index as u64), 1000 * index, 1000))
            .collect();
        let mut last = None;
        for (index, snapshot) in snapshots.into_iter().enumerate() {
            let mut newest = None;
            let sent = at(index as u64);
            rate.on_delivered(at(50 + index as u64), &mut newest, (sent, snapshot, 1000));
            last = rate.sample(newest, Some(Duration::from_millis(50)), None);
        }
        let last = last.unwrap();
        assert_eq!(
            (last.delivered, last.interval),
            (10_000, Duration::from_millis(59))
        );
        assert_eq!(last.total_delivered, 10_000);
        assert_eq!(last.tx_in_flight, 10_000);
        // The second round starts when the first is acknowledged.
        let snapshot = leave(&mut rate, at(60), 5000, 1000);
        let mut newest = None;
        rate.on_delivered(at(110), &mut newest, (at(60), snapshot, 1000));
        let sample = rate.sample(newest, None, None).unwrap();
        assert_eq!(sample.prior_delivered, 10_000);
        assert_eq!(
            (sample.delivered, sample.interval),
            (1000, Duration::from_millis(51))
        );
    }

    /// §4.1.2.3: the first segment takes 50 ms; the second is held up, and acknowledged 50 ms later at once
    /// with a third, which left 70 ms after the first: two segments in 70 ms, and not in 50.
    #[test]
    fn acknowledgments_that_come_at_once_are_no_faster_than_what_was_sent() {
        let mut rate = Rate::new(at(0));
        let first = (at(0), leave(&mut rate, at(0), 0, 1000), 1000);
        let second = (at(10), leave(&mut rate, at(10), 1000, 1000), 1000);
        rate.on_delivered(at(50), &mut None, first);
        let third = (at(70), leave(&mut rate, at(70), 1000, 1000), 1000);
        let mut newest = None;
        rate.on_delivered(at(100), &mut newest, second);
        rate.on_delivered(at(100), &mut newest, third);
        let sample = rate.sample(newest, None, None).unwrap();
        assert_eq!(
            (sample.delivered, sample.interval),
            (2000, Duration::from_millis(70))
        );
    }

    /// §4.1.2.3: acknowledgments that come all at once make no rate; §4.1.2.4: a sample of what was
    /// sent while the application had no more says so.
    #[test]
    fn what_is_no_rate_of_the_path() {
        let mut rate = Rate::new(at(0));
        rate.on_app_limited(0);
        let snapshot = leave(&mut rate, at(10), 0, 1000);
        let mut newest = None;
        rate.on_delivered(at(20), &mut newest, (at(10), snapshot, 1000));
        assert_eq!(
            rate.sample(newest, Some(Duration::from_millis(11)), None),
            None
        );
        assert!(rate.sample(newest, None, None).unwrap().is_app_limited);
        let snapshot = leave(&mut rate, at(30), 0, 1000);
        let mut newest = None;
        rate.on_lost(500);
        rate.on_delivered(at(40), &mut newest, (at(30), snapshot, 1000));
        let sample = rate.sample(newest, None, None).unwrap();
        assert!(!sample.is_app_limited);
        assert_eq!(sample.lost, 500);
    }
}
