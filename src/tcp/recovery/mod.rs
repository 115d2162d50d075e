//! Loss recovery: what was lost, and what to send again (RFC 5681 §3.2, RFC 6675, RFC 8985, RFC
//! 6582, RFC 6298 §5).
//!
//! The rest of the connection tells recovery what was sent, acknowledged and timed out. It asks how
//! much is in flight, what to send again next, when to wake up, and what to tell the congestion
//! controller. Inside, recovery has these parts:
//!
//! ```text
//! scoreboard   what is in the network, and what has become of it
//!   selective    with SACK: when a recovery begins and ends
//!     rack       a segment is lost when one that was sent sufficiently later has arrived
//!     losses     by RACK; or when enough beyond it has: RFC 6675, in place of RACK
//!     tail_probe asks when nothing comes back
//!   newreno      without SACK: by duplicate and partial acknowledgments
//!     counted    each of them as a segment that has arrived
//! predicted    what is left to do where nothing is amiss
//! uncongested  a loss that is not a sign of congestion
//! spurious     a loss that was none
//! arrivals     what an acknowledgment brings
//! prr          how much may leave during a recovery
//! rtt, rate    what the path is like; deviation: by how much round trips vary
//! report, sack what recovery is told, SACK blocks among it, and what it reports
//! ```

mod arrivals;
mod counted;
mod deviation;
mod newreno;
mod predicted;
mod prr;
mod rack;
mod rate;
mod report;
mod rtt;
mod sack;
mod scoreboard;
mod selective;
mod spurious;
mod tail_probe;
mod uncongested;

use core::hash::{Hash, Hasher};
use core::num::{NonZeroU16, NonZeroUsize};
use core::ops::Range;
use core::time::Duration;

use super::seq::Seq;
use super::timers::Timer;
use crate::config::{CongestionHabits, RecoveryHabits, RetryLimit, TcpConfig};
use crate::time::Instant;

use counted::Counted;
use newreno::NewReno;
use prr::Prr;
use rate::Rate;
pub use report::RecoveryState;
pub(crate) use report::{Acknowledgment, Flight, Report};
pub(crate) use rtt::{Rtt, UNSAMPLED};
pub(crate) use sack::Blocks;
pub(crate) use scoreboard::Counts;
use scoreboard::Scoreboard;
use selective::Selective;
use spurious::Episode;

/// The sender's knowledge of what is in the network.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    /// Round-trip time and retransmission timeout.
    pub(crate) rtt: Rtt,
    board: Scoreboard,
    rate: Rate,
    /// Without SACK.
    newreno: NewReno,
    /// With [`RecoveryHabits::counts_duplicates`] instead, but for the phase, `recover`, and the two
    /// numbers of RFC 9937.
    counted: Option<Box<Counted>>,
    /// With SACK, as soon as that is agreed.
    selective: Option<Box<Selective>>,
    /// The last reduction of the congestion window, as long as it may turn out to be spurious.
    episode: Option<Box<Episode>>,
    prr: Option<Box<Prr>>,
    /// The window shrinks in proportion because of marks, until something beyond this place is
    /// acknowledged.
    shrinking: Option<Seq>,
    /// The next retransmission begins a recovery, and leaves regardless of the congestion window.
    resend_at_once: bool,
    /// Without SACK: only one segment is sent again. A recovery by duplicate acknowledgments knows
    /// of no more (RFC 6582 §3.2).
    one_segment: bool,
    /// After a timeout, F-RTO (RFC 5682).
    forward_rto: bool,
    /// The deviations from the RFCs.
    habits: RecoveryHabits,
    /// The same for congestion control, as far as it concerns the reports of losses from here.
    congestion_habits: CongestionHabits,
    /// What a segment counts for, however short it is: [`CongestionHabits::counts_segments`].
    weight: Option<NonZeroU16>,
    /// How often in a row the timer has expired without progress.
    retries: u32,
    /// When it first did so.
    retries_since: Instant,
    /// When the retransmission timer expires (RFC 6298 §5), even if another timer runs in its
    /// place.
    rto_at: Instant,
}

impl Recovery {
    pub(crate) fn new(now: Instant, config: &TcpConfig, iss: Seq) -> Recovery {
        Recovery {
            rtt: Rtt::new(config),
            board: Scoreboard::new(iss, config.max_sent_records),
            rate: Rate::new(now),
            newreno: NewReno::new(iss),
            counted: Counted::wanted(iss, &config.habits.recovery),
            selective: None,
            episode: None,
            prr: None,
            shrinking: None,
            resend_at_once: false,
            one_segment: false,
            forward_rto: config.forward_rto,
            habits: config.habits.recovery,
            congestion_habits: config.habits.congestion,
            weight: None,
            retries: 0,
            retries_since: now,
            rto_at: now,
        }
    }

    /// SACK is agreed.
    pub(crate) fn agree_on_sack(&mut self, config: &TcpConfig, iss: Seq) {
        self.selective = Some(Box::new(Selective::new(config, iss)));
    }

    /// Sets the most octets of a segment.
    pub(crate) fn set_mss(&mut self, mss: usize) {
        let counts = self.congestion_habits.counts_segments;
        let mss = u16::try_from(mss).unwrap_or(u16::MAX);
        self.weight = NonZeroU16::new(mss).filter(|_| counts);
    }

    /// What a segment counts for in [`Recovery::in_flight`], however short it is; `None` if octets count.
    #[inline]
    pub(crate) fn weight(&self) -> Option<NonZeroUsize> {
        self.weight.map(NonZeroUsize::from)
    }

    /// What this many octets count for.
    fn weigh(&self, octets: usize) -> usize {
        match self.weight() {
            Some(weight) => octets.div_ceil(weight.get()) * weight.get(),
            None => octets,
        }
    }

    /// `range` leaves for the first time, in segments of `mss` octets of text; `una` is SND.UNA.
    pub(crate) fn on_sent(&mut self, now: Instant, una: Seq, range: Range<Seq>, mss: usize) {
        let idle = una == range.start;
        if idle {
            self.rto_at = self.rtt.expiry(now);
        }
        let weighed = self.weigh(range.end - range.start);
        if let Some(prr) = &mut self.prr {
            prr.on_sent(weighed);
        }
        if self.episode.as_deref_mut().is_some_and(Episode::on_sent) && self.selective.is_none() {
            self.newreno.on_forward_sent(range.end - range.start);
        }
        let in_flight = self.in_flight(una, range.start);
        let snapshot = self.note_departure(now, in_flight, range.end - range.start);
        self.board.push(now, range, mss, snapshot);
        if let Some(selective) = &mut self.selective {
            selective.on_sent(now, &self.rtt, &self.board);
        }
        self.count_behind_probe(now);
    }

    /// What has just left was forced out, or has left early: see
    /// [`RecoveryHabits::probes_nothing_forced`](crate::config::RecoveryHabits).
    pub(crate) fn on_forced(&mut self) {
        if let Some(selective) = &mut self.selective
            && self.habits.probes_nothing_forced
        {
            selective.await_none();
        }
    }

    /// Our SYN,ACK answers the SYN that has crossed ours: see
    /// [`Handshakes::crossing_samples`](crate::config::Handshakes::crossing_samples).
    pub(crate) fn on_crossing_sent(&mut self, now: Instant) {
        self.board.leave_anew(now);
    }

    /// `range` leaves again; `una` and `nxt` are SND.UNA and SND.NXT.
    pub(crate) fn on_resent(&mut self, now: Instant, una: Seq, nxt: Seq, range: Range<Seq>) {
        let octets = range.end - range.start;
        let in_flight = self.in_flight(una, nxt);
        let snapshot = self.note_departure(now, in_flight, octets);
        let joins = self.weight.is_some();
        self.board.resend(now, range.clone(), snapshot, joins);
        if self.selective.is_none() && self.one_segment {
            self.board.set_lost(None);
        }
        let weighed = self.weigh(octets);
        if let Some(prr) = &mut self.prr {
            prr.on_sent(weighed);
        }
        if let Some(episode) = &mut self.episode {
            episode.on_resent(now, &range);
        }
        self.resend_at_once = false;
        if let Some(selective) = &mut self.selective {
            selective.probe.due = false;
        }
        let has_timer = self.selective.is_some() || self.habits.resend_restarts_timer;
        if range.start == una && has_timer && self.retries == 0 {
            // What was lost has now been sent again, and gets its full time, too.
            self.rto_at = self.rtt.expiry(now);
        }
    }

    /// `range` leaves as a tail loss probe. `una` and `nxt` are SND.UNA and SND.NXT before: beyond SND.NXT
    /// it is new.
    pub(crate) fn on_probe_sent(&mut self, now: Instant, una: Seq, nxt: Seq, range: Range<Seq>) {
        let is_retrans = range.end <= nxt;
        let end = nxt.max(range.end);
        let flight = (self.board.last()).map_or(0, |last| last.snapshot.tx_in_flight);
        if is_retrans {
            let in_flight = self.in_flight(una, nxt);
            let snapshot = self.note_departure(now, in_flight, range.end - range.start);
            let joins = self.weight.is_some();
            let start = range.start;
            self.board.resend(now, range, snapshot, joins);
            self.board.mark_probe(start);
        } else {
            self.on_sent(now, una, range, usize::MAX);
        }
        if let Some(selective) = &mut self.selective {
            let unsampled = !self.habits.probe_needs_no_sample;
            selective.on_probe_sent(end, is_retrans.then_some(flight), unsampled);
        }
        // RFC 8985 §7.3: now it is the retransmission timer's turn.
        self.rto_at = self.rtt.expiry(now);
    }

    /// An acknowledgment arrived that does not lie below SND.UNA.
    pub(crate) fn on_ack(&mut self, ack: &Acknowledgment) -> Report {
        let in_flight = self.in_flight(ack.una, ack.nxt);
        let before = self.board.counts();
        let arrivals = self.take_arrivals(ack);
        let after = self.board.counts();
        // A partly acknowledged segment has not arrived.
        let waiting = |counts: Counts| counts.unacked.saturating_sub(counts.sacked);
        let arrived = waiting(before).saturating_sub(waiting(after));
        let delivered = arrivals.octets + ack.again * ack.mss;
        let mut report = Report {
            acked: ack.ack - ack.una,
            delivered,
            delivered_data: delivered,
            segments: arrivals.segments,
            after_timeout: self.state() == RecoveryState::Loss,
            recovering: self.is_recovering(),
            rtt: self.take_sample(ack, &arrivals),
            ..Report::default()
        };
        let acked = before.unacked.saturating_sub(after.unacked);
        report.restarts_timers = ack.advances() && (acked > 0 || self.weight.is_none());
        if ack.advances() {
            self.retries = 0;
        }
        if report.restarts_timers {
            self.rto_at = self.rtt.expiry(ack.now);
        }
        if self.selective.is_none() {
            self.count_acked(ack, acked, &mut report);
        }
        self.look_for_spurious_loss(ack, &arrivals, &mut report);
        match self.selective.is_some() {
            true => self.on_selective_ack(ack, &arrivals, in_flight, &mut report),
            false if self.habits.counts_duplicates => self.on_counted_ack(ack, acked, &mut report),
            false => self.on_cumulative_ack(ack, &mut report),
        }
        if report.restarts_timers {
            self.count_behind_probe(self.probe_expiry(ack.now));
        }
        if let Some(weight) = self.weight() {
            let weighed = report.delivered_data + arrived * weight.get();
            report.delivered_data = weighed.saturating_sub(arrivals.octets);
        }
        report.recovering |= self.is_reducing(ack.ack);
        let segments = self.weight.map(|_| self.board.delivered());
        let min_rtt = self.rtt.min_rtt();
        report.rate = self.rate.sample(arrivals.newest, min_rtt, segments);
        report
    }

    /// Whether the window is still being reduced, now that everything before `ack` has arrived.
    pub(crate) fn is_reducing(&self, ack: Seq) -> bool {
        self.is_recovering() || self.shrinking.is_some_and(|until| ack <= until)
    }

    /// The retransmission timer expired with `una..nxt` in flight.
    pub(crate) fn on_timeout(&mut self, now: Instant, una: Seq, nxt: Seq) -> Report {
        // The window is being reduced already.
        let goes_on = self.congestion_habits.timeout_keeps_ssthresh
            && self.is_reducing(una)
            && !self.is_held(una);
        let flight = Flight {
            known: self.in_flight(una, nxt),
            left: self.flight_of_first(),
        };
        let mut report = Report {
            lost: (!goes_on).then_some(flight),
            ..Report::default()
        };
        // RFC 5682 §2.1, step 1: not in a recovery, but for another timeout of the same segment.
        let forward = self.forward_rto && (self.retries > 0 || !self.is_in_trouble());
        match &mut self.episode {
            Some(episode) if self.retries > 0 || goes_on => episode.on_timeout(nxt, forward),
            _ => self.episode = Some(Box::new(Episode::new(una..nxt, true, forward))),
        }
        self.rtt.back_off();
        if self.retries == 0 {
            self.retries_since = now;
        }
        self.retries = self.retries.saturating_add(1);
        (self.prr, self.shrinking) = (None, None);
        self.one_segment = false;
        self.resend_at_once = true;
        self.rto_at = self.rtt.expiry(now);
        match self.selective.is_some() {
            true => self.lose_by_timeout(now, nxt, &mut report),
            false => {
                self.begin_repair(nxt);
                self.board.set_lost(Some(una..nxt));
            }
        }
        report
    }

    /// The octets to send again next, lowest first: the caller cuts them into segments.
    #[inline]
    pub(crate) fn lost(&self) -> Option<Range<Seq>> {
        let held = self.episode.as_deref().is_some_and(Episode::holds_resends);
        self.board.next_lost().filter(|_| !held)
    }

    /// Where the next text that the peer has reported by SACK begins.
    pub(crate) fn sacked_from(&self, place: Seq) -> Option<Seq> {
        (self.board.sacked().map(|it| it.start)).find(|start| *start > place)
    }

    /// Whether the next retransmission may leave regardless of the congestion window: the first one
    /// of a recovery may, and without SACK those that follow (RFC 6582 §3.2).
    pub(crate) fn resends_regardless_of_window(&self) -> bool {
        self.resend_at_once || self.newreno.is_recovering() && !self.habits.counts_duplicates
    }

    /// Whether to send new segments in place of old ones (RFC 5682 §3.1).
    pub(crate) fn wants_new(&self) -> bool {
        self.episode.as_deref().is_some_and(Episode::wants_new)
    }

    /// Sets the retransmission timer to expire at `at`.
    pub(crate) fn set_timer(&mut self, at: Instant) {
        self.rto_at = at;
    }

    /// Octets assumed to be in the network: pipe of RFC 6675 §4. If segments count, each has its
    /// [weight](Recovery::weight).
    #[inline]
    pub(crate) fn in_flight(&self, una: Seq, nxt: Seq) -> usize {
        if let Some(weight) = self.weight() {
            return self.segments_in_flight() * weight.get();
        }
        let gone = self.board.lost_octets() + self.board.sacked_octets() + self.newreno.departed();
        (nxt - una).saturating_sub(gone)
    }

    fn segments_in_flight(&self) -> usize {
        let counts = self.counts();
        counts.unacked.saturating_sub(counts.sacked + counts.lost)
    }

    /// Which timer must run while something is in flight, and until when: reordering, tail loss
    /// probe and retransmission exclude each other (RFC 8985 §8).
    #[inline]
    pub(crate) fn timer(&self) -> (Timer, Instant) {
        let selective = self.selective.as_deref();
        let sooner = selective.and_then(Selective::timer);
        match sooner {
            Some((timer, at)) if timer == Timer::TailLossProbe || at < self.rto_at => {
                (timer, at.min(self.rto_at))
            }
            _ => (Timer::Retransmission, self.rto_at),
        }
    }

    /// Whether nothing is lost, and the acknowledgment of the first segment in flight is expected within
    /// half a round trip, and within `soon`.
    pub(crate) fn is_answer_due(&self, now: Instant, soon: Duration) -> bool {
        let (Some(first), Some(srtt)) = (self.board.first(), self.rtt.srtt()) else {
            return false;
        };
        !self.is_in_trouble() && first.sent + srtt <= now + soon.min(srtt / 2)
    }

    /// An ICMP error says that the path is broken, not congested. So one doubling of the timeout was
    /// unnecessary, and the segment at SND.UNA has the rest of the shorter timeout (RFC 6069 §4.2).
    pub(crate) fn on_path_broken(&mut self, now: Instant) {
        let Some(first) = self.board.first() else {
            return;
        };
        self.rtt.revert_back_off();
        self.rto_at = (first.sent + self.rtt.rto()).max(now);
    }

    /// How often in a row the timer has expired without progress: what R1 and R2 limit.
    pub(crate) fn retries(&self) -> u32 {
        self.retries
    }

    /// The timer has expired, and nothing is sent again: the timer is set as if something were.
    pub(crate) fn wait_on(&mut self, now: Instant) {
        self.rtt.back_off();
        self.retries = self.retries.saturating_add(1);
        self.rto_at = self.rtt.expiry(now);
    }

    /// How long that has been going on.
    pub(crate) fn retrying(&self, now: Instant) -> Duration {
        match self.retries {
            0 => Duration::ZERO,
            _ => now - self.retries_since,
        }
    }

    /// The peer answers, although it does not accept what was sent again (RFC 9293 SHLD-17).
    pub(crate) fn on_sign_of_life(&mut self) {
        self.retries = 0;
    }

    /// A fast recovery is under way.
    pub(crate) fn is_recovering(&self) -> bool {
        match &self.selective {
            Some(selective) => selective.is_recovering(),
            None => self.newreno.is_recovering(),
        }
    }

    /// A recovery of any kind is under way.
    fn is_in_trouble(&self) -> bool {
        match &self.selective {
            Some(selective) => selective.is_in_trouble(),
            None => self.newreno.is_in_trouble(),
        }
    }

    /// The state of recovery.
    pub(crate) fn state(&self) -> RecoveryState {
        if self.is_recovering() {
            RecoveryState::Recovery
        } else if self.is_in_trouble() {
            RecoveryState::Loss
        } else if self.board.sacked_octets() + self.newreno.departed() > 0 {
            RecoveryState::Disorder
        } else {
            RecoveryState::Open
        }
    }

    /// Segments in the network, by kind; without SACK as far as duplicates tell.
    pub(crate) fn counts(&self) -> Counts {
        let counts = self.board.counts();
        match self.board.first() {
            Some(first) if self.selective.is_none() => Counts {
                sacked: self.departed_segments(first.mss),
                // The first may be shorter than the others.
                lost: (self.board.lost_octets())
                    .div_ceil(self.weight().map_or(first.mss, NonZeroUsize::get)),
                ..counts
            },
            _ => counts,
        }
    }

    /// The farthest by which a segment was overtaken, in octets; 0 if the path is not known to
    /// reorder.
    pub(crate) fn reordering(&self, mss: usize) -> usize {
        match &self.selective {
            Some(selective) => selective.rack.reordering(),
            None => (self.counted.as_ref()).map_or(0, |counted| counted.reordering() * mss),
        }
    }

    /// Octets on the heap.
    pub(crate) fn allocated(&self) -> usize {
        self.board.allocated()
    }

    /// Gives the memory back if nothing is in the network.
    pub(crate) fn shrink(&mut self) {
        self.board.shrink();
    }

    /// What decides the future: see [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
    pub(crate) fn hash_canonical(
        &self,
        config: &TcpConfig,
        mss: usize,
        now: Instant,
        hasher: &mut impl Hasher,
    ) {
        self.newreno.hash_canonical(hasher);
        (&self.counted, &self.prr, self.shrinking).hash(hasher);
        self.hash_flights(mss, hasher);
        let lost = self.board.next_lost();
        let one_segment = self.one_segment && lost.is_some();
        (lost, one_segment, self.rtt.rto()).hash(hasher);
        // If the RTO is fixed, measurements do not matter.
        if config.min_rto < config.max_rto {
            let sent = |record: &scoreboard::Record| (record.end, now.since(record.sent));
            self.board
                .records()
                .map(sent)
                .for_each(|it| it.hash(hasher));
            self.rtt.hash_canonical(now, hasher);
        }
        if let Some(selective) = &self.selective {
            let records = self.board.records();
            records.for_each(|r| (r.start, r.end, r.fate, r.resent).hash(hasher));
            self.resend_at_once.hash(hasher);
            selective.hash_canonical(config, now, &self.board, hasher);
        }
        if let Some(episode) = &self.episode
            && (config.timestamps || self.selective.is_some() || config.forward_rto)
        {
            episode.hash_canonical(config.timestamps, now, hasher);
        }
        // Beyond the highest limit, the value makes no difference.
        let limits = [
            config.r1.max(1),
            config.r2,
            config.syn_retries,
            config.socket.syn_retries.unwrap_or_default(),
            config.syn_ack_retries,
            config.orphan_retries,
        ];
        let highest = limits.into_iter().filter(|limit| *limit < u32::MAX).max();
        let last = highest.unwrap_or_default() + 1;
        self.retries.min(last).hash(hasher);
        if config.habits.retry_limit == RetryLimit::Time {
            self.retrying(now).hash(hasher);
        }
    }
}
