//! RACK: a segment is lost when one that was sent sufficiently later has arrived (RFC 8985 §6).
//!
//! Time decides, not the number of duplicate acknowledgments: a retransmission that is lost again is
//! found like any other segment, and so is the tail of a flight. How much later is enough is the
//! reordering window. It starts at zero and grows when the path reorders.

use core::hash::{Hash, Hasher};
use core::time::Duration;

use super::scoreboard::Record;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// DupThresh (RFC 8985 §6.2, step 4): how many segments reported beyond a gap show a loss at once,
/// as long as no reordering has been seen.
pub(super) const DUP_THRESH: usize = 3;

/// For how many recoveries a reordering window widened by D-SACKs lasts (RFC 8985 §6.2, step 4).
const REO_WND_PERSIST: u32 = 16;

/// The maximum of RACK.reo_wnd_mult: SRTT bounds the window long before.
const MOST_QUARTERS: u32 = 255;

/// What was sent, and when. RFC 8985 §6.2 orders segments by time and, at equal times, by place; here a
/// retransmission comes after new text that was sent at the same time before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transmission {
    /// RACK.xmit_ts.
    sent: Instant,
    /// See [`Record::number`].
    number: u64,
    /// RACK.end_seq: the place after it.
    end: Seq,
}

impl Transmission {
    fn of(record: &Record) -> Transmission {
        Transmission {
            sent: record.sent,
            number: record.number,
            end: record.end,
        }
    }

    /// RACK_sent_after.
    fn is_after(self, other: Transmission) -> bool {
        (self.number, self.end) > (other.number, other.end)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rack {
    /// The segment that was sent last among those that have arrived.
    newest: Option<Transmission>,
    /// RACK.rtt: how long it was under way, in nanoseconds.
    rtt: u64,
    /// RACK.fack: the place after the farthest segment that has arrived.
    fack: Seq,
    /// RACK.reordering_seen.
    reordering_seen: bool,
    /// The farthest by which a segment was overtaken, in octets.
    reordering: usize,
    /// How many acknowledgments have shown that, cumulatively or selectively, for STATUS.
    reorderings: u64,
    /// RACK.dsack_round: until this is acknowledged, further D-SACKs do not count.
    dsack_round: Option<Seq>,
    /// RACK.reo_wnd_mult: the reordering window, in quarters of the least RTT.
    reo_wnd_mult: u32,
    /// RACK.reo_wnd_persist: recoveries until the window is one quarter again.
    reo_wnd_persist: u32,
}

impl Rack {
    pub(super) fn new(iss: Seq) -> Rack {
        Rack {
            newest: None,
            rtt: 0,
            fack: iss,
            reordering_seen: false,
            reordering: 0,
            reorderings: 0,
            dsack_round: None,
            reo_wnd_mult: 1,
            reo_wnd_persist: 0,
        }
    }

    /// A segment has arrived (§6.2, steps 2 and 3). `echo`: when the segment whose timestamp is echoed was
    /// sent, to the millisecond. `latest`: when the segment was sent from which this acknowledgment has set
    /// RACK.rtt so far; one sent earlier does not change it. Returns whether the segment was overtaken.
    #[inline]
    pub(super) fn on_delivered(
        &mut self,
        now: Instant,
        record: &Record,
        echo: Option<Instant>,
        min_rtt: Option<Duration>,
        latest: &mut Option<Instant>,
    ) -> bool {
        let overtaken = self.detect_reordering(record);
        let rtt = now.nanos_since(record.sent);
        if record.resent {
            // The original may have arrived, and not the copy whose time we know.
            let of_earlier = echo.is_some_and(|echo| echo.as_millis() < record.sent.as_millis());
            let too_soon = min_rtt.is_some_and(|min_rtt| Duration::from_nanos(rtt) < min_rtt);
            if of_earlier || too_soon {
                return overtaken;
            }
        }
        if latest.is_none_or(|latest| latest <= record.sent) {
            *latest = Some(record.sent);
            self.rtt = rtt;
        }
        self.take_newest(record);
        overtaken
    }

    /// All of a peer's reports turn out to have been wrong: nothing beyond `una` is known to have arrived.
    pub(super) fn retract(&mut self, una: Seq) {
        self.fack = una;
    }

    /// RACK.fack: the place after the farthest segment that has arrived.
    pub(super) fn fack(&self) -> Seq {
        self.fack
    }

    /// Whether no segment has arrived yet that tells anything.
    pub(super) fn is_new(&self) -> bool {
        self.newest.is_none()
    }

    /// Notes whether an acknowledgment has shown that segments were overtaken, by what it covers and by
    /// what it reports. `covered`: how many octets it covers from the first overtaken segment on.
    pub(super) fn note_overtaken(&mut self, ways: [bool; 2], covered: Option<usize>) {
        let times = ways.into_iter().filter(|way| *way).count();
        self.reorderings += times as u64;
        self.reordering_seen |= times > 0;
        if let Some(octets) = covered {
            self.reorders_by(octets);
        }
    }

    /// An overtaken segment is acknowledged together with this many octets from there on, all of which may
    /// have arrived before it.
    fn reorders_by(&mut self, octets: usize) {
        self.reordering = self.reordering.max(octets);
    }

    /// Timestamps show that segments from `start` on, which were sent again, had not been lost; everything
    /// before `una` is acknowledged.
    pub(super) fn see_reordering(&mut self, start: Seq, una: Seq) {
        self.reordering_seen = true;
        self.reorderings += 1;
        self.reorders_by(self.fack.max(una).saturating_since(start));
    }

    /// As [`Rack::on_delivered`] if [`Rack::is_calm`], for a segment that was sent once and was
    /// under way for `rtt` nanoseconds.
    #[inline]
    pub(super) fn on_delivered_in_order(&mut self, record: &Record, rtt: u64) {
        self.fack = record.end;
        self.rtt = rtt;
        self.take_newest(record);
    }

    #[inline]
    fn take_newest(&mut self, record: &Record) {
        let now = Transmission::of(record);
        if self.newest.is_none_or(|newest| now.is_after(newest)) {
            self.newest = Some(now);
        }
    }

    /// Step 3: something sent once arrives after something beyond it.
    fn detect_reordering(&mut self, record: &Record) -> bool {
        let overtaken = record.end < self.fack && !record.resent;
        if overtaken {
            self.reordering_seen = true;
            self.reordering = self.reordering.max(self.fack - record.start);
        }
        self.fack = self.fack.max(record.end);
        overtaken
    }

    /// SND.UNA is now `una`. `duplicate`: the peer reports that something arrived twice (step 4),
    /// so a retransmission was unnecessary, and the window too small.
    pub(super) fn on_ack(&mut self, una: Seq, nxt: Seq, duplicate: bool) {
        if self.dsack_round.is_some_and(|round| una >= round) {
            self.dsack_round = None;
        }
        if duplicate && self.dsack_round.is_none() {
            self.dsack_round = Some(nxt);
            self.reo_wnd_mult = (self.reo_wnd_mult + 1).min(MOST_QUARTERS);
            self.reo_wnd_persist = REO_WND_PERSIST;
        }
    }

    /// Whether no acknowledgment changes the reordering window, and nothing beyond `una` has ever
    /// been reported, even if that was retracted.
    pub(super) fn is_calm(&self, una: Seq) -> bool {
        self.dsack_round.is_none() && self.fack <= una
    }

    /// RACK.reordering_seen.
    pub(super) fn has_seen_reordering(&self) -> bool {
        self.reordering_seen
    }

    /// A recovery is over (step 4).
    pub(super) fn on_recovered(&mut self) {
        self.reo_wnd_persist = self.reo_wnd_persist.saturating_sub(1);
        if self.reo_wnd_persist == 0 {
            self.reo_wnd_mult = 1;
        }
    }

    /// RACK.reo_wnd (step 4). `at_once`: a recovery is under way, or DupThresh segments were
    /// reported beyond a gap.
    pub(super) fn reo_wnd(
        &self,
        at_once: bool,
        min_rtt: Option<Duration>,
        srtt: Option<Duration>,
    ) -> Duration {
        if !self.reordering_seen && at_once {
            return Duration::ZERO;
        }
        let window = min_rtt.unwrap_or_default() / 4 * self.reo_wnd_mult;
        window.min(srtt.unwrap_or_default())
    }

    /// Whether `record` left before the segment that was sent last among those that have arrived
    /// (step 5).
    pub(super) fn is_before_newest(&self, record: &Record) -> bool {
        self.newest
            .is_some_and(|newest| newest.is_after(Transmission::of(record)))
    }

    /// RACK.rtt.
    pub(super) fn rtt(&self) -> Duration {
        Duration::from_nanos(self.rtt)
    }

    /// When everything sent before the newest arrived segment is overdue. `waiting`: when the last of the
    /// waiting segments was sent, which is earlier unless the clock went back.
    pub(super) fn deadline(&self, waiting: Instant, reo_wnd: Duration) -> Option<Instant> {
        let newest = self.newest?;
        Some(newest.sent.max(waiting) + self.rtt() + reo_wnd)
    }

    /// Hashes what decides the future, except for the order in which the records were sent.
    pub(super) fn hash_canonical(&self, now: Instant, hasher: &mut impl Hasher) {
        let newest = self.newest.map(|it| (now.since(it.sent), it.end));
        (newest, self.rtt, self.fack, self.reordering_seen).hash(hasher);
        (self.dsack_round, self.reo_wnd_mult, self.reo_wnd_persist).hash(hasher);
    }

    /// How often segments were seen to have been overtaken.
    pub(super) fn reorderings(&self) -> u64 {
        self.reorderings
    }

    /// The most octets by which a segment was overtaken.
    pub(super) fn reordering(&self) -> usize {
        self.reordering
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate::Rate;
    use super::super::scoreboard::Fate;
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn place(index: usize) -> Seq {
        Seq::initial(0) + index
    }

    fn record(index: usize, sent: u64, resent: bool) -> Record {
        Record {
            start: place(10 * index),
            end: place(10 * index + 10),
            segments: 1,
            mss: 10,
            fate: Fate::InFlight,
            sent: at(sent),
            number: sent,
            resent,
            probed: false,
            is_rest: false,
            snapshot: Rate::new(at(0)).on_sent(0, 10, 0),
        }
    }

    const MIN_RTT: Option<Duration> = Some(Duration::from_millis(40));
    const SRTT: Option<Duration> = Some(Duration::from_millis(100));

    /// RFC 8985 §6.2, step 4: zero until reordering is seen, if three were reported or a recovery is
    /// under way; otherwise min_RTT / 4.
    #[test]
    fn the_window_is_a_quarter_of_the_least_rtt_once_it_is_needed() {
        let mut rack = Rack::new(place(0));
        assert_eq!(rack.reo_wnd(true, MIN_RTT, SRTT), ms(0));
        assert_eq!(rack.reo_wnd(false, MIN_RTT, SRTT), ms(10));
        rack.on_delivered(at(50), &record(3, 10, false), None, MIN_RTT, &mut None);
        assert_eq!(rack.reo_wnd(true, MIN_RTT, SRTT), ms(0));
        // Step 3: sent again, it proves nothing; sent once, it was overtaken.
        rack.on_delivered(at(50), &record(1, 11, true), None, MIN_RTT, &mut None);
        assert_eq!(rack.reo_wnd(true, MIN_RTT, SRTT), ms(0));
        rack.on_delivered(at(50), &record(1, 9, false), None, MIN_RTT, &mut None);
        assert_eq!(rack.reo_wnd(true, MIN_RTT, SRTT), ms(10));
    }

    /// §6.2, step 4: one quarter more for each round with a D-SACK, at most SRTT, and for sixteen
    /// recoveries without.
    #[test]
    fn duplicates_widen_the_window_for_sixteen_recoveries() {
        let mut rack = Rack::new(place(0));
        let window = |rack: &Rack| rack.reo_wnd(false, MIN_RTT, SRTT);
        rack.on_ack(place(0), place(100), true);
        assert_eq!(window(&rack), ms(20));
        rack.on_ack(place(50), place(150), true);
        assert_eq!(window(&rack), ms(20), "once a round");
        rack.on_ack(place(100), place(200), true);
        assert_eq!(window(&rack), ms(30));
        for round in 2..20 {
            rack.on_ack(place(100 * round), place(100 * round + 100), true);
        }
        assert_eq!(window(&rack), ms(100), "SRTT");
        for _ in 0..15 {
            rack.on_recovered();
        }
        assert_eq!(window(&rack), ms(100));
        rack.on_recovered();
        assert_eq!(window(&rack), ms(10));
    }

    /// §6.2, step 2: of a segment that was sent again, an early acknowledgment, or the echo of the
    /// original, is about the original.
    #[test]
    fn the_acknowledgment_of_an_original_is_not_taken_for_that_of_its_copy() {
        let copy = record(0, 100, true);
        let mut rack = Rack::new(place(0));
        rack.on_delivered(at(139), &copy, None, MIN_RTT, &mut None);
        assert_eq!(rack.newest, None, "under min_RTT");
        rack.on_delivered(at(150), &copy, Some(at(99)), MIN_RTT, &mut None);
        assert_eq!(rack.newest, None, "the echo of the original");
        rack.on_delivered(at(150), &copy, Some(at(100)), MIN_RTT, &mut None);
        assert_eq!(rack.newest, Some(Transmission::of(&copy)));
        assert_eq!(rack.rtt(), ms(50));
        // Step 5: what left before it, or at the same time with a lower place.
        assert!(rack.is_before_newest(&record(5, 99, false)));
        assert!(!rack.is_before_newest(&record(5, 100, false)));
        assert_eq!(rack.deadline(at(99), ms(10)), Some(at(160)));
        assert_eq!(rack.deadline(at(101), ms(10)), Some(at(161)));
    }

    /// A segment sent before the one that has given RACK.rtt changes nothing.
    #[test]
    fn what_left_earlier_gives_no_rtt() {
        let mut rack = Rack::new(place(0));
        let mut latest = None;
        let (copy, original) = (record(0, 60, true), record(5, 10, false));
        rack.on_delivered(at(110), &copy, None, MIN_RTT, &mut latest);
        rack.on_delivered(at(110), &original, None, MIN_RTT, &mut latest);
        assert_eq!(rack.rtt(), ms(50));
    }
}
