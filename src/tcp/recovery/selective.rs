//! Recovery with SACK: when it begins and ends, and when to probe (RFC 6675 §5, RFC 8985 §6 and §7). What
//! is lost, `losses` finds out.

mod losses;

use core::hash::{Hash, Hasher};
use core::time::Duration;

use super::rack::{DUP_THRESH, Rack};
use super::report::Arrivals;
use super::rtt::Rtt;
use super::scoreboard::{Fate, Record, Scoreboard};
use super::spurious::Episode;
use super::tail_probe::{self, Answer, TailProbe};
use super::{Acknowledgment, Flight, Recovery, Report};
use crate::config::TcpConfig;
use crate::tcp::seq::Seq;
use crate::tcp::timers::Timer;
use crate::time::Instant;

/// What a connection knows besides its scoreboard once SACK is agreed.
#[derive(Clone, Debug)]
pub(super) struct Selective {
    pub(super) rack: Rack,
    pub(super) probe: TailProbe,
    phase: Phase,
    /// RecoveryPoint of RFC 6675 §5: SND.NXT when the recovery began. It ends when this is
    /// acknowledged.
    recover: Seq,
    /// Octets sent and not acknowledged when something was first reported beyond a gap: what
    /// Limited Transmit sends later does not count as in flight (RFC 5681 §3.2).
    flight_size: usize,
    /// RecoverFS of RFC 9937: octets in flight when the recovery began, less what was reported
    /// before.
    recover_fs: usize,
    /// C.lost when the window was last reduced for a loss: loss of what was sent since is another
    /// sign of congestion (RFC 5681 §4.3).
    lost_before: u64,
    /// Without RACK: DupAcks of RFC 6675 §5, acknowledgments that reported something new since SND.UNA
    /// moved.
    duplicates: usize,
    /// The peer has discarded something that it had reported.
    reneged: bool,
    /// When overtaken segments count as lost.
    reordering_at: Option<Instant>,
    /// When to probe, if nothing comes back.
    probe_at: Option<Instant>,
    /// RFC 8985; otherwise RFC 6675 counts.
    uses_rack: bool,
    probes_tail: bool,
    /// See [`RecoveryHabits::timers_wait_ticks`](crate::config::RecoveryHabits).
    waits_ticks: bool,
    max_ack_delay: Duration,
    /// ISS: our SYN is sent again when RTO is over, whatever was sent with it.
    iss: Seq,
}

/// A peer that does not acknowledge what it has reported has half a round trip to do so, and at
/// least this long, as in Linux.
const LEAST_DOUBT: Duration = Duration::from_millis(10);
/// Two ticks of a clock of 1,000 Hz, and the rest of one.
const TICKS: Duration = Duration::from_millis(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Open,
    FastRecovery,
    /// After a timeout, until all that was in flight then is acknowledged.
    Timeout,
}

impl Selective {
    pub(super) fn new(config: &TcpConfig, iss: Seq) -> Selective {
        Selective {
            rack: Rack::new(iss),
            probe: TailProbe::default(),
            phase: Phase::Open,
            recover: iss,
            flight_size: 0,
            recover_fs: 0,
            lost_before: 0,
            duplicates: 0,
            reneged: false,
            reordering_at: None,
            probe_at: None,
            uses_rack: config.rack,
            probes_tail: config.tail_loss_probe,
            waits_ticks: config.habits.recovery.timers_wait_ticks,
            max_ack_delay: config.peer_ack_delay,
            iss,
        }
    }

    /// Whether neither a recovery nor a probe is under way, and nothing overtaken is waited for.
    #[inline]
    pub(super) fn is_calm(&self, una: Seq) -> bool {
        self.phase == Phase::Open
            && self.reordering_at.is_none()
            && self.probe.is_idle()
            && self.rack.is_calm(una)
    }

    /// New octets left: the probe timer starts now (RFC 8985 §7.2).
    pub(super) fn on_sent(&mut self, now: Instant, rtt: &Rtt, board: &Scoreboard) {
        self.await_answer(now, rtt, board);
        // §7.2: not later than the RTO, which on Linux counts from when the segment at SND.UNA left.
        if self.waits_ticks
            && let Some(at) = self.probe_at
            && let Some(expiry) = board.first().map(|first| rtt.expiry(first.sent))
            && expiry > now
        {
            self.probe_at = Some(at.min(expiry));
        }
    }

    /// Something was sent or acknowledged: sets when to probe, if something is in flight, unless
    /// the connection has better ways to find a loss (RFC 8985 §7.2).
    #[inline(always)]
    pub(super) fn await_answer(&mut self, now: Instant, rtt: &Rtt, board: &Scoreboard) {
        match board.counts().unacked {
            0 => self.probe_at = None,
            _ => self.await_answer_of_flight(now, rtt, board),
        }
    }

    fn await_answer_of_flight(&mut self, now: Instant, rtt: &Rtt, board: &Scoreboard) {
        let watches = self.probes_tail
            && self.phase == Phase::Open
            && self.probe.is_allowed()
            && board.first().is_none_or(|first| first.start != self.iss)
            && board.sacked_octets() == 0
            && board.lost_octets() == 0;
        self.probe_at = watches.then(|| {
            let alone = board.counts().unacked <= 1;
            tail_probe::expiry(rtt, now, alone, self.max_ack_delay, self.ticks())
        });
    }

    /// What was sent again in the current recovery had not been lost.
    pub(super) fn see_reordering(&mut self, ack: &Acknowledgment) {
        if self.phase == Phase::FastRecovery && ack.ack < self.recover {
            self.rack.see_reordering(ack.una, ack.ack);
        }
    }

    /// What has just left is not followed by a probe.
    pub(super) fn await_none(&mut self) {
        self.probe_at = None;
    }

    /// By how much timers are late.
    fn ticks(&self) -> Duration {
        match self.waits_ticks {
            true => TICKS,
            false => Duration::ZERO,
        }
    }

    /// Whether there would be a probe if none were unanswered.
    fn is_behind_probe(&self, board: &Scoreboard) -> bool {
        self.probes_tail
            && self.phase == Phase::Open
            && !self.probe.is_idle()
            && !self.probe.due
            && board.first().is_some_and(|first| first.start != self.iss)
            && board.sacked_octets() == 0
            && board.lost_octets() == 0
    }

    /// RFC 6675 §5: DupAcks.
    fn count_duplicate(&mut self, advances: bool, reports: bool) {
        if advances {
            self.duplicates = 0;
        }
        if reports && !self.uses_rack && self.phase == Phase::Open {
            self.duplicates += 1;
        }
    }

    /// The probe leaves: SND.NXT is `nxt` now. `resent`: see [`TailProbe::on_sent`]. `unsampled`: the next
    /// one waits for an RTT sample.
    pub(super) fn on_probe_sent(&mut self, nxt: Seq, resent: Option<u64>, unsampled: bool) {
        self.probe.on_sent(nxt, resent, unsampled);
        self.probe_at = None;
    }

    /// Sends what was in flight up to `nxt` again, as after a timeout.
    pub(super) fn begin_repair(&mut self, nxt: Seq) {
        (self.phase, self.recover) = (Phase::Timeout, nxt);
        self.probe.cancel();
        (self.reordering_at, self.probe_at) = (None, None);
    }

    /// The loss under repair was spurious.
    pub(super) fn on_spurious(&mut self) {
        self.phase = Phase::Open;
        self.lost_before = 0;
        self.reordering_at = None;
    }

    pub(super) fn is_recovering(&self) -> bool {
        self.phase == Phase::FastRecovery
    }

    pub(super) fn is_in_trouble(&self) -> bool {
        self.phase != Phase::Open
    }

    pub(super) fn recover_fs(&self) -> usize {
        self.recover_fs
    }

    /// The timer to run in place of the retransmission timer.
    pub(super) fn timer(&self) -> Option<(Timer, Instant)> {
        let reordering = self.reordering_at.map(|at| (Timer::Reordering, at));
        reordering.or(self.probe_at.map(|at| (Timer::TailLossProbe, at)))
    }

    /// What decides the future.
    pub(super) fn hash_canonical(
        &self,
        config: &TcpConfig,
        now: Instant,
        board: &Scoreboard,
        hasher: &mut impl Hasher,
    ) {
        let recover = self.is_in_trouble().then_some(self.recover);
        let flight_size = (board.sacked_octets() > 0).then_some(self.flight_size);
        (self.phase, recover, flight_size, self.reneged).hash(hasher);
        // With segments of one octet, IsLost gives the same result as DupAcks.
        if config.mss != Some(1) {
            let most = DUP_THRESH + usize::from(config.habits.recovery.more_duplicates);
            self.duplicates.min(most).hash(hasher);
        }
        let in_flight = board.records().filter(|it| it.fate == Fate::InFlight);
        let left_since = |it: &Record| it.snapshot.lost >= self.lost_before;
        in_flight.for_each(|it| left_since(it).hash(hasher));
        if config.tail_loss_probe {
            let at = self.probe_at.map(|at| at.since(now));
            self.probe.hash_canonical(hasher);
            at.hash(hasher);
        }
        if config.rack {
            let at = self.reordering_at.map(|at| at.since(now));
            at.hash(hasher);
            self.rack.hash_canonical(now, hasher);
            for record in board.records() {
                let earlier = board.records().filter(|it| it.number < record.number);
                let order = (earlier.count(), self.rack.is_before_newest(record));
                (now.since(record.sent), order).hash(hasher);
            }
        }
    }
}

impl Recovery {
    /// With SACK: evaluates an acknowledgment that the scoreboard has processed.
    pub(super) fn on_selective_ack(
        &mut self,
        ack: &Acknowledgment,
        arrivals: &Arrivals,
        in_flight: usize,
        report: &mut Report,
    ) {
        let srtt = self.rtt.srtt();
        let Some(selective) = &mut self.selective else {
            return;
        };
        selective.count_duplicate(ack.advances(), arrivals.sacked);
        if self.habits.doubts_reneging && ack.advances() && self.board.is_first_sacked() {
            let wait = srtt.unwrap_or_default() / 2;
            self.rto_at = ack.now + wait.max(LEAST_DOUBT);
            (selective.reordering_at, selective.probe_at) = (None, None);
            return;
        }
        let duplicate = ack.sack.duplicate.as_ref();
        let by_reordering = duplicate.is_some_and(|range| !selective.probe.explains(range))
            && (!self.habits.dsack_needs_reordering || selective.rack.has_seen_reordering())
            && !self.habits.fixed_reordering_window;
        selective.rack.on_ack(ack.ack, ack.nxt, by_reordering);
        if selective.phase != Phase::Open && ack.ack >= selective.recover {
            selective.phase = Phase::Open;
            selective.rack.on_recovered();
        }
        if self.board.sacked_octets() == 0 {
            selective.flight_size = 0;
        } else if selective.flight_size == 0 {
            selective.flight_size = ack.nxt - ack.una;
        }
        let is_bare = ack.is_duplicate || ack.is_bare && self.habits.probe_needs_no_sample;
        let bare = is_bare && ack.sack.held().next().is_none() && duplicate.is_none();
        // If duplicates count as delivered, any of them may be that of the probe.
        let came_twice = duplicate.is_some_and(|range| selective.probe.explains(range));
        let answer = (selective.probe).on_ack(ack.ack, came_twice || ack.again > 0, bare);
        self.find_losses(ack, report);
        self.enter_recovery(ack, in_flight, answer, report);
        self.restart_after(ack, arrivals);
        let Some(selective) = &mut self.selective else {
            return;
        };
        if arrivals.octets > 0 {
            selective.probe.due = false;
        }
        if report.restarts_timers {
            selective.await_answer(ack.now, &self.rtt, &self.board);
        } else if self.board.sacked_octets() > 0 || selective.phase != Phase::Open {
            // There are better ways now.
            selective.probe_at = None;
        }
    }

    /// A loss was found, or a probe has repaired one: congestion control is told once for each
    /// window, and again for the loss of what was sent after that.
    fn enter_recovery(
        &mut self,
        ack: &Acknowledgment,
        in_flight: usize,
        answer: Answer,
        report: &mut Report,
    ) {
        let Some(selective) = &mut self.selective else {
            return;
        };
        if selective.phase != Phase::Open {
            report.lost_again &= !self.congestion_habits.recovery_reduces_once;
            self.reduce_again(ack, in_flight, report);
            return;
        }
        let is_new = core::mem::take(&mut report.lost_again);
        let left = report.losses.iter().map(|lost| lost.tx_in_flight).max();
        if left.is_some() {
            selective.phase = Phase::FastRecovery;
            selective.recover = ack.nxt;
            selective.recover_fs = in_flight;
            selective.probe.cancel();
            self.resend_at_once = true;
            if !is_new {
                // The window has been reduced since that was sent.
                return;
            }
            selective.lost_before = self.rate.lost();
            self.episode = Some(Box::new(Episode::new(ack.ack..ack.nxt, false, false)));
        }
        let repaired = match answer {
            Answer::NoLoss => None,
            Answer::Repaired { flight } => Some(flight),
        };
        report.lost = left.max(repaired).map(|left| Flight {
            known: in_flight.max(selective.flight_size),
            left,
        });
    }

    /// A retransmission is lost, or new text sent after the window was reduced: a second sign of
    /// congestion (RFC 5681 §4.3, RFC 8985 §3.4). The recovery ends where it would have, and after
    /// a timeout none begins (RFC 6675 §5, §5.1).
    fn reduce_again(&mut self, ack: &Acknowledgment, in_flight: usize, report: &mut Report) {
        let Some(selective) = self.selective.as_mut().filter(|_| report.lost_again) else {
            return;
        };
        selective.lost_before = self.rate.lost();
        selective.recover_fs = in_flight;
        if let Some(episode) = &mut self.episode {
            episode.on_lost_again(ack.nxt);
        }
    }

    /// If what was acknowledged was sent before the segment at SND.UNA was last sent, the timer
    /// restarts now. Otherwise it would be put off for as long as anything arrives.
    fn restart_after(&mut self, ack: &Acknowledgment, arrivals: &Arrivals) {
        let first = self.board.first().map(|record| record.sent);
        if let (Some(first), Some(arrived)) = (first, arrivals.sent)
            && arrived < first
        {
            self.rto_at = self.rto_at.max(ack.now + self.rtt.rto());
        }
    }

    /// The reordering timer expired (RFC 8985 §6.2, step 5).
    pub(crate) fn on_reordering_timeout(&mut self, ack: &Acknowledgment) -> Report {
        let in_flight = self.in_flight(ack.una, ack.nxt);
        let mut report = Report {
            recovering: self.is_recovering(),
            ..Report::default()
        };
        self.find_losses(ack, &mut report);
        self.enter_recovery(ack, in_flight, Answer::NoLoss, &mut report);
        if report.lost.is_some() && self.congestion_habits.timeout_delivers_segment {
            report.delivered_data = ack.mss;
        }
        report
    }

    /// The tail loss probe timer expired (RFC 8985 §7.3). The last segment cannot be the probe if
    /// it lies beyond `edge`, the end of the peer's window.
    pub(crate) fn on_probe_timeout(&mut self, now: Instant, edge: Seq) {
        let Some(selective) = &mut self.selective else {
            return;
        };
        selective.probe_at = None;
        let (first, last) = (self.board.first(), self.board.last());
        if let (Some(first), Some(last)) = (first, last)
            && last.last_segment().start >= edge.max(first.start + 1)
        {
            if self.habits.skipped_probe_rearms {
                self.rto_at = (first.sent + self.rtt.rto()).max(now);
            }
            return;
        }
        selective.probe.due = selective.probe.is_allowed();
        if selective.probe.due {
            // If nothing leaves, the retransmission timer still runs.
            self.rto_at = now + self.rtt.rto();
        }
    }

    /// No tail loss probe may leave, because another is unanswered: RTO is over no sooner than `least`,
    /// see [`RecoveryHabits::skipped_probe_rearms`](crate::config::RecoveryHabits).
    pub(super) fn count_behind_probe(&mut self, least: Instant) {
        let first = self.board.first();
        let is_behind = |selective: &Selective| selective.is_behind_probe(&self.board);
        if self.habits.skipped_probe_rearms
            && self.selective.as_deref().is_some_and(is_behind)
            && let Some(first) = first
        {
            self.rto_at = (first.sent + self.rtt.rto()).max(least);
        }
    }

    /// When the next tail loss probe would leave, if it might.
    pub(super) fn probe_expiry(&self, now: Instant) -> Instant {
        let alone = self.board.counts().unacked <= 1;
        let late = self
            .selective
            .as_ref()
            .map(|it| (it.max_ack_delay, it.ticks()));
        let (max_ack_delay, ticks) = late.unwrap_or_default();
        tail_probe::expiry(&self.rtt, now, alone, max_ack_delay, ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Blocks;
    use super::*;
    use crate::wire::{SackBlock, SackBlocks};

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// By a clock that went back, the first segment was sent later: when the reordering timer expires, the
    /// waiting segments are still waited for, until a later time.
    #[test]
    fn a_clock_that_went_back_does_not_stop_the_time() {
        let config = TcpConfig::default();
        let iss = Seq::initial(7);
        let mut recovery = Recovery::new(at(0), &config, iss);
        recovery.agree_on_sack(&config, iss);
        let ack = |now, una: Seq, ack: Seq, nxt: Seq, option: &SackBlocks| Acknowledgment {
            now,
            una,
            ack,
            nxt,
            fin: None,
            is_bare: false,
            is_duplicate: false,
            parts_packet: false,
            mss: 1000,
            mtu_probe: None,
            echo: None,
            sack: Blocks::read(option, iss, ack, nxt),
            again: 0,
        };
        recovery.on_sent(at(0), iss, iss..iss + 1, 1000);
        let una = iss + 1;
        recovery.on_ack(&ack(at(8), iss, una, una, &SackBlocks::default()));
        let (second, nxt) = (una + 1000, una + 2000);
        recovery.on_sent(at(20), una, una..second, 1000);
        recovery.on_sent(at(10), una, second..nxt, 1000);
        let mut option = SackBlocks::default();
        let (left, right) = (second.wire(), nxt.wire());
        option.push(SackBlock { left, right });
        recovery.on_ack(&ack(at(30), una, una, nxt, &option));
        let (timer, due) = recovery.timer();
        assert_eq!((timer, due), (Timer::Reordering, at(42)));
        let nothing = ack(at(41), una, una, nxt, &SackBlocks::default());
        assert!(recovery.on_reordering_timeout(&nothing).losses.is_empty());
        assert_eq!(recovery.timer(), (timer, due), "it is early");
        let nothing = ack(due, una, una, nxt, &SackBlocks::default());
        assert_eq!(recovery.on_reordering_timeout(&nothing).losses.len(), 1);
    }
}
