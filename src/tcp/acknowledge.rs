//! The fifth step of SEGMENT ARRIVES: the ACK field (RFC 9293 §3.10.7.4).
//!
//! What the peer has received leaves the send buffer, recovery and congestion control are told,
//! SND.WND is updated, and the acknowledgment of our FIN changes the state.

use core::ops::Range;

use super::congestion::{Ack, Loss, RoundTrips};
use super::discard::Discard;
use super::ecn::Congestion;
use super::input::Step;
use super::readiness::Readiness;
use super::recovery::{Acknowledgment, Blocks, Flight, Report};
use super::segment::Segment;
use super::seq::Seq;
use super::state::{Event, State};
use super::tcb::{AckDue, Tcb};
use super::timers::Timer;
use crate::time::Instant;
use crate::wire::Control;

/// If a segment is overtaken by more than this many, the path reorders (RFC 5681 §3.2: DupThresh).
const REORDERING: usize = 3;

impl Tcb {
    /// Fifth: the ACK field.
    pub(super) fn check_ack(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        if self.ends_lightly() {
            return self.check_place(now, seg);
        }
        let Some(ack) = seg.ack else {
            return Step::Break(Discard::NoAck);
        };
        if self.state == State::SynReceived {
            if ack <= self.snd.una || ack > self.snd.nxt {
                self.refuse = Some(ack);
                return Step::Break(Discard::BadAck);
            }
            self.defer(now, seg)?;
            self.on(Event::RcvAckOfSyn);
            self.take_handshake_ack(now, ack, seg);
            return self.check_fin_acknowledged(now);
        }
        if self.takes_old_ack(ack) {
            self.probes.unanswered = 0;
            return self.check_fin_acknowledged(now);
        }
        if self.probes.octet.is_some() && ack > self.snd.nxt {
            self.count_probe(now, ack);
        }
        // RFC 5961 §5.2. An acknowledgment of what lies before our SYN was never ours either.
        let oldest = self.snd.una.before(self.snd.max_wnd).max(self.snd.iss + 1);
        let oldest = oldest.min(self.snd.una);
        if ack < oldest || ack > self.snd.nxt {
            self.challenge(now);
            return Step::Break(Discard::BadAck);
        }
        self.probes.unanswered = 0;
        if self.state == State::TimeWait {
            self.answer_in_time_wait(now, seg);
            return Step::Continue(());
        }
        if ack >= self.snd.una {
            self.acknowledge(now, ack, seg);
            // SHLD-17: what lies beyond an edge that moved left must not end the connection.
            if self.snd_edge() < self.snd.nxt && !self.orphan {
                self.recovery.on_sign_of_life();
            }
        }
        self.check_fin_acknowledged(now)
    }

    /// See [`Habits::ignores_unacknowledging`](crate::config::Habits::ignores_unacknowledging).
    pub(super) fn look_for_ack(&self, seg: &Segment<'_>) -> Step {
        let is_none = !seg.ctl.any(Control::ACK | Control::RST | Control::SYN)
            && self.state.is_synchronized()
            && !self.ends_lightly();
        match is_none && self.config.habits.ignores_unacknowledging {
            true => Step::Break(Discard::NoAck),
            false => Step::Continue(()),
        }
    }

    /// Whether an old duplicate is accepted, however old: see
    /// [`Acceptance::any_old_ack`](crate::config::Acceptance::any_old_ack).
    fn takes_old_ack(&self, ack: Seq) -> bool {
        let is_old = ack < self.snd.una && self.state != State::TimeWait;
        is_old && self.config.acceptance.any_old_ack
    }

    /// In TIME-WAIT only a bare acknowledgment at RCV.NXT is expected; a peer that sends anything
    /// else must be told our state.
    fn answer_in_time_wait(&mut self, now: Instant, seg: &Segment<'_>) -> bool {
        let is_strange = !seg.is_empty() || seg.seq != self.rcv.nxt;
        if is_strange && !seg.is_empty() && self.ends_lightly() {
            self.acks.due = AckDue::Now;
        } else if is_strange {
            self.challenge(now);
        }
        is_strange
    }

    /// Checks only the sequence number, not the acknowledgment: see
    /// [`Habits::light_ending`](crate::config::Habits::light_ending).
    fn check_place(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        if self.state == State::TimeWait {
            let is_strange = self.answer_in_time_wait(now, seg);
            if seg.ack.is_some() || !is_strange {
                self.start_two_msl(now);
            }
            return Step::Continue(());
        }
        match seg.ack {
            Some(_) => Step::Continue(()),
            None => Step::Break(Discard::NoAck),
        }
    }

    /// SND.UNA =< SEG.ACK =< SND.NXT: what is acknowledged leaves the buffer, recovery and
    /// congestion control are told, and the window is updated.
    fn acknowledge(&mut self, now: Instant, ack: Seq, seg: &Segment<'_>) {
        let (wnd, una) = (seg.wnd, self.snd.una);
        if self.parted && !self.brings_text_alone(ack, seg) {
            self.end_part();
        }
        if self.soft_error.is_some() && !self.brings_text_alone(ack, seg) {
            self.forget_soft_error();
        }
        if self.acks.due == AckDue::Delayed && seg.text.is_empty() {
            self.end_hold_of_handshake_ack(wnd);
        }
        match self.takes_calmly(ack, seg) {
            true => {
                #[cfg(test)]
                let as_any = self.after_any_ack(now, ack, seg);
                self.take_calm_ack(now, ack);
                #[cfg(test)]
                self.assert_same_as(&as_any);
            }
            false => self.take_any_ack(now, ack, seg),
        }
        if ack > una {
            self.note_progress(now);
        }
        self.update_send_window(wnd, seg.seq, ack);
        if seg.text.is_empty() || ack > una || seg.seq > self.rcv.nxt {
            self.put_off_probe(now);
        }
    }

    /// See [`IcmpTrust::ends_with_any_ack`](crate::config::IcmpTrust).
    #[cold]
    fn forget_soft_error(&mut self) {
        if self.config.habits.icmp_trust.ends_with_any_ack {
            self.soft_error = None;
        }
    }

    /// Tells recovery and congestion control of an acknowledgment, and releases what it acknowledges.
    pub(super) fn take_any_ack(&mut self, now: Instant, ack: Seq, seg: &Segment<'_>) {
        self.report_ack(now, ack, seg);
        if ack > self.snd.una {
            self.advance_una(now, ack);
        }
        self.arm_recovery_timer();
    }

    /// Updates SND.WND, unless a segment that was sent later has already set it.
    #[inline]
    pub(super) fn update_send_window(&mut self, wnd: usize, seq: Seq, ack: Seq) {
        let (wl1, wl2) = (self.snd.wl1, self.snd.wl2);
        let is_believed = match self.config.habits.doubts_smaller_windows {
            true => ack > wl2 || wl1 < seq || (wl1 == seq && (wnd > self.snd.wnd || wnd == 0)),
            false => wl1 < seq || (wl1 == seq && wl2 <= ack),
        };
        if is_believed {
            if self.snd.wnd == 0 && wnd > 0 {
                // The window is open, if only a little: probing ends.
                self.probes.persisted = 0;
                self.timers.disarm(Timer::Persist);
            }
            self.set_send_window(wnd, seq, ack);
        }
    }

    /// A peer whose window is closed, or too small, has answered: see
    /// [`Habits::probes_count_from_answer`](crate::config::Habits::probes_count_from_answer).
    fn put_off_probe(&mut self, now: Instant) {
        if self.timers.is_armed(Timer::Persist) && self.config.habits.probes_count_from_answer {
            let interval = self.persist_interval();
            self.timers.arm(Timer::Persist, now + interval);
        }
    }

    /// Tells recovery and congestion control of an acknowledgment.
    fn report_ack(&mut self, now: Instant, ack: Seq, seg: &Segment<'_>) {
        self.stats.last_ack_received = now;
        // RFC 5681 §2, (a) to (e).
        let is_bare =
            ack == self.snd.una && seg.is_empty() && !self.tells_of_window(seg.wnd, seg.seq);
        let is_duplicate = is_bare && self.flight_size() > 0;
        let echo = self.echo(now, seg);
        let sack = match self.agreed.sack {
            true => Blocks::read(&seg.options.sack, self.snd.iss, ack, self.snd.nxt),
            false => Blocks::default(),
        };
        if self.recovery.weight().is_none() {
            self.note_app_limit();
        }
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let again = sack
            .duplicate
            .clone()
            .map_or(0, |it| self.count_duplicate(it));
        let acknowledgment = Acknowledgment {
            now,
            una: self.snd.una,
            ack,
            nxt: self.snd.nxt,
            fin: self.snd.fin,
            is_bare,
            is_duplicate,
            parts_packet: self.parts_packet(ack),
            mss: self.snd.mss,
            mtu_probe: self.path_mtu.probe(),
            echo,
            sack,
            again,
        };
        let report = self.recovery.on_ack(&acknowledgment);
        let congestion = self.hear_of_marks(&acknowledgment, &report, seg);
        self.report(&acknowledgment, &report, in_flight, congestion);
        let left = report.rate.map_or(0, |sample| sample.tx_in_flight);
        let flight = Flight {
            known: in_flight,
            left,
        };
        self.answer_marks(congestion, &acknowledgment, flight, report.delivered_data);
        self.limit_burst(report.delivered, self.has_unsent());
    }

    /// Whether an acknowledgment ends within a packet of one segment: see
    /// [`CongestionHabits::counts_segments`](crate::config::CongestionHabits).
    fn parts_packet(&self, ack: Seq) -> bool {
        let (una, nxt) = (self.snd.una, self.snd.nxt);
        let packets = self.boundaries.packets();
        let Some(packets) = packets.filter(|_| ack > una && ack < nxt) else {
            return false;
        };
        let start = packets.start_at(ack, una);
        let counts = self.config.habits.congestion.counts_segments;
        let segment = |end: Seq| ack > start && end.min(nxt) - start <= self.snd.mss;
        counts && packets.end_at(ack).is_some_and(segment)
    }

    /// Whether a segment that acknowledges nothing new is a window update, and so not a duplicate:
    /// see [`RecoveryHabits::smaller_window_is_duplicate`](crate::config::RecoveryHabits).
    fn tells_of_window(&self, wnd: usize, seq: Seq) -> bool {
        if !self.config.habits.recovery.smaller_window_is_duplicate {
            return wnd != self.snd.wnd;
        }
        seq > self.snd.wl1 || (seq == self.snd.wl1 && (wnd > self.snd.wnd || wnd == 0))
    }

    /// The peer reports that this range has arrived twice. Returns how many segments of it were
    /// indeed sent twice: see
    /// [`CongestionHabits::grows_by_deliveries`](crate::config::CongestionHabits).
    fn count_duplicate(&mut self, twice: Range<Seq>) -> usize {
        let segments = (twice.end - twice.start).div_ceil(self.snd.mss);
        self.stats.duplicates += segments as u64;
        let is_ours = self.stats.duplicates <= self.stats.retransmissions;
        match self.config.habits.congestion.grows_by_deliveries && is_ours {
            true => segments,
            false => 0,
        }
    }

    /// Octets that may count for growth of the window; `ends`: the acknowledgment ends a recovery; `again`:
    /// how many of them it reports only as duplicates.
    fn counts_for_growth(&self, report: &Report, ends: bool, again: usize) -> usize {
        if !self.config.habits.congestion.grows_by_deliveries {
            return if ends { report.delivered } else { report.acked };
        }
        // Without SACK, a duplicate does not tell which segment has arrived.
        let assumed = REORDERING + usize::from(self.config.habits.recovery.more_duplicates);
        let reorders =
            self.agreed.sack && self.recovery.reordering(self.snd.mss) > assumed * self.snd.mss;
        // Our SYN is not text.
        let syn = match self.recovery.weight() {
            Some(weight) if self.snd.una == self.snd.iss => weight.get(),
            _ => 0,
        };
        match report.acked > 0 || (reorders && report.delivered > again) {
            true if self.recovery.weight().is_some() => report.delivered_data.saturating_sub(syn),
            true => report.delivered,
            false => 0,
        }
    }

    /// When the segment whose timestamp is echoed left, to the millisecond.
    fn echo(&self, now: Instant, seg: &Segment<'_>) -> Option<Instant> {
        let timestamps = seg.options.timestamps.filter(|_| self.agreed.timestamps)?;
        self.timestamps.moment(now, timestamps.ecr)
    }

    /// The amount from which congestion control reduces the window (RFC 5681 §3.1, equation 4; RFC
    /// 9438 §4.6).
    pub(super) fn flight_to_reduce(&self, flight: Flight) -> u64 {
        let cwnd = self.congestion.window();
        match self.config.habits.congestion.reduces_whole_window {
            true => cwnd,
            false => flight.size(cwnd),
        }
    }

    /// Tells congestion control what recovery found, and what the peer reports about marks;
    /// `in_flight` octets were in flight before.
    pub(super) fn report(
        &mut self,
        ack: &Acknowledgment,
        report: &Report,
        in_flight: usize,
        congestion: Congestion,
    ) {
        let now = ack.now;
        if report.mtu_probe_lost {
            self.lose_mtu_probe(now);
        }
        if report.spurious && self.feedback.on_spurious_loss(congestion.packets > 0) {
            // RFC 4015 §3, step 9: a mark is a sign of congestion of its own, for which the window
            // would have been reduced as well.
            match congestion.packets {
                0 => self.congestion.on_spurious(now),
                _ => self.congestion.on_settled(),
            }
        }
        for segment in &report.losses {
            self.congestion.on_segment_lost(segment);
        }
        let before = self.congestion.window();
        if let Some(flight) = report.lost
            && self.feedback.on_loss(ack.ack, ack.nxt)
        {
            let in_flight = self.flight_to_reduce(flight);
            self.congestion.on_congestion(&Loss { now, in_flight });
            self.settle_reduction();
        }
        if report.lost_again {
            // RFC 5681 §4.3: the window that was already reduced for the first sign of congestion
            // is reduced once more.
            let in_flight = self.congestion.window();
            self.congestion
                .on_congestion_again(&Loss { now, in_flight });
            self.settle_reduction();
            self.feedback.on_reduced(ack.nxt);
        }
        if report.delivered > 0 {
            let window_limited = self.uses_window(in_flight);
            let rtt = &self.recovery.rtt;
            let ends = self.config.habits.congestion.window_in_segments
                && report.recovering
                && !self.recovery.is_reducing(ack.ack);
            self.congestion.on_ack(&Ack {
                now,
                acked: self.counts_for_growth(report, ends, ack.again * ack.mss) as u64,
                delivered: report.delivered as u64,
                lost: report.lost_octets(),
                ce: congestion.octets,
                una: ack.ack,
                nxt: ack.nxt,
                in_flight: in_flight as u64,
                // RFC 3168 §6.1.2: an acknowledgment that reports a mark does not increase the
                // window.
                window_limited: window_limited && congestion.packets == 0,
                round_trips: RoundTrips::new(rtt.srtt(), report.rtt, rtt.min_rtt()),
                rate: report.rate.filter(|_| self.congestion.looks_at_rate()),
                after_timeout: report.after_timeout,
                recovering: report.recovering && !ends,
            });
        }
        let ssthresh = match self.congestion.governs_recovery() {
            true => None,
            false => Some(self.congestion.ssthresh()),
        };
        self.recovery.regulate(ssthresh, before, ack, report);
    }

    /// The window was reduced. Only timestamps (RFC 3522), SACK (RFC 2883) and F-RTO (RFC 5682) can
    /// show that this was unnecessary.
    pub(super) fn settle_reduction(&mut self) {
        if !self.agreed.timestamps && !self.agreed.sack && !self.config.forward_rto {
            self.congestion.on_settled();
        }
    }

    /// Notes whether the user gives less than the network would take (draft-ietf-ccwg-bbr §4.1.2.4). Where
    /// segments are counted, only a SEND does this.
    #[inline]
    pub(super) fn note_app_limit(&mut self) {
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let queued = self.send_buffer.end().saturating_since(self.snd.nxt);
        let is_limited = queued < self.snd.mss
            && (in_flight as u64) < self.congestion.window()
            && self.recovery.lost().is_none();
        if is_limited {
            self.recovery.on_app_limited(in_flight);
        }
    }

    #[inline(always)]
    pub(super) fn advance_una(&mut self, now: Instant, ack: Seq) {
        self.snd.una = ack;
        // The peer has our SYN, even if its own has arrived again meanwhile.
        self.syn_due = false;
        // Our SYN and FIN take a sequence number each, but are not octets of text.
        self.stats.bytes_acked += self.send_buffer.release(ack) as u64;
        self.boundaries.release(ack);
        // The peer takes something, however little, so probing starts again at its first interval.
        self.probes.persisted = 0;
        if self.snd.up.is_some_and(|up| up <= ack) {
            self.snd.up = None;
        }
        self.soft_error = None;
        self.advance_path_mtu(now);
        self.follow_window();
        self.yield_memory();
        self.wake_writer();
        // The user timeout starts again.
        self.timers.disarm(Timer::User);
    }

    /// The rest of the fifth step: FIN-WAIT-1, CLOSING, LAST-ACK.
    fn check_fin_acknowledged(&mut self, now: Instant) -> Step {
        if !self.fin_acknowledged() {
            return Step::Continue(());
        }
        match self.state {
            State::FinWait1 => {
                self.on(Event::RcvAckOfFin);
                self.limit_fin_wait_2(now);
                if self.state != State::Closed {
                    return Step::Continue(());
                }
                // It is answered like a stranger's, because no user holds the connection any more.
                (self.reset_due, self.refuse) = (false, Some(self.snd.una));
                Step::Break(Discard::Finished)
            }
            State::Closing => {
                self.on(Event::RcvAckOfFin);
                self.start_time_wait(now);
                self.leave_duplicate_unanswered();
                Step::Continue(())
            }
            State::LastAck => {
                self.end(Event::RcvAckOfFin, None);
                Step::Break(Discard::Finished)
            }
            _ => Step::Continue(()),
        }
    }

    /// A connection that no user holds must not stay in FIN-WAIT-2 for ever.
    #[inline]
    pub(super) fn limit_fin_wait_2(&mut self, now: Instant) {
        if self.orphan && self.state == State::FinWait2 {
            self.begin_orphaned_fin_wait_2(now);
        }
    }

    fn begin_orphaned_fin_wait_2(&mut self, now: Instant) {
        if self.ends_lightly() {
            self.recv_buffer.sacks_sent();
            self.recv_buffer.forget_from(self.rcv.nxt);
            self.order_packets();
        }
        match (self.config.socket.fin_wait_2_timeout).or(self.config.fin_wait_2_timeout) {
            // It must not stay there at all, and the peer gets a reset.
            Some(limit) if limit.is_zero() => self.abort(),
            Some(limit) => self.timers.arm(Timer::Close, now + limit),
            None => {}
        }
    }

    /// Our SYN has been acknowledged: the connection is established.
    pub(super) fn take_handshake_ack(&mut self, now: Instant, ack: Seq, seg: &Segment<'_>) {
        let retries = self.recovery.retries();
        if retries > 0 || self.config.habits.handshakes.unsampled_waits_longer {
            self.recovery.rtt.start_with_caution();
        }
        // Not if the peer echoes the first SYN of several: then its answer was lost or late (RFC 3522
        // §3.2).
        let was_lost = retries > self.config.syn_losses_forgiven
            && !self.recovery.is_echo_of_original(self.echo(now, seg));
        self.forget_window_of_syn();
        self.forget_challenges();
        if self.opening.is_child && retries > 0 && ack > self.snd.iss + 1 {
            // That our SYN,ACK had to be sent again says nothing about the text behind it.
            self.acknowledge(now, self.snd.iss + 1, seg);
        }
        self.acknowledge(now, ack, seg);
        self.expect_segments(now);
        self.count_from_handshake(now, seg);
        if !self.has_begun_early(retries, was_lost) {
            self.start_congestion(now, was_lost);
        }
        if self.counts_packets() {
            self.size_send_buffer();
            // With packets counted, the idle time before the first text counts from here.
            if !self.opening.is_child {
                self.last_sent = now;
            }
        }
        self.stats.last_text_received = now;
        self.recovery.leave_handshake();
        if self.opening.is_child {
            // There is no tail loss probe for what has left before.
            self.recovery.on_forced();
            self.arm_recovery_timer();
        }
        // An idle connection needs no room for records.
        self.recovery.shrink();
        self.on_syn_text_answered();
        self.answer_marked_syn(now);
        if self.snd.fin.is_some() {
            // The user has closed in SYN-RECEIVED (§3.10.4).
            self.on(Event::Close);
        }
        self.readiness |= Readiness::WRITABLE;
        self.arm_keepalive(now);
    }
}
