//! SEGMENT ARRIVES (RFC 9293 §3.10.7): the RFC's steps, in the RFC's order. The longest of them are files
//! of their own: the first, [`acceptable`](super::acceptable), the fifth, [`acknowledge`](super::acknowledge),
//! and the seventh, [`text`](super::text).
//!
//! Nearly all segments take a fast path instead: see [`header_prediction`](super::header_prediction). A
//! step may end the walk with a [`Discard`]. Steps never send: they set intentions, and
//! [`output`](super::output) decides what leaves.

use core::ops::ControlFlow;

use super::discard::Discard;
use super::error::ConnectionError;
use super::readiness::Readiness;
use super::segment::Segment;
use super::seq::Seq;
use super::state::{Event, State};
use super::tcb::{AckDue, Tcb};
use crate::config::UrgentPointer;
use crate::time::Instant;
use crate::wire::{Arrived, Control, Ecn, TcpHeader};

/// The result of a step: continue with the next, or end the walk.
pub(super) type Step = ControlFlow<Discard>;

impl Tcb {
    /// A segment arrives for this connection, in a datagram with this ECN field. Returns why it was
    /// not used, or not completely.
    pub fn segment_arrives(
        &mut self,
        now: Instant,
        ecn: Ecn,
        header: &TcpHeader,
        text: &[u8],
    ) -> Option<Discard> {
        self.super_segment_arrives(now, ecn, header, text.into(), text.len())
    }

    /// As [`Tcb::segment_arrives`], for segments with `mss` octets of text each that a device has
    /// merged; the text may stay where it arrived.
    pub fn super_segment_arrives(
        &mut self,
        now: Instant,
        ecn: Ecn,
        header: &TcpHeader,
        text: Arrived<'_>,
        mss: usize,
    ) -> Option<Discard> {
        let plain = header.plain();
        let expected = plain.and_then(|plain| self.expects_plain(now, ecn, &plain, text, mss));
        if expected.is_some() {
            return None;
        }
        self.take_by_the_steps(now, ecn, header, &text, mss)
    }

    /// Any segment: the RFC's steps.
    pub(super) fn take_by_the_steps(
        &mut self,
        now: Instant,
        ecn: Ecn,
        header: &TcpHeader,
        text: &[u8],
        mss: usize,
    ) -> Option<Discard> {
        let mut seg = self.widen(ecn, header, text, mss);
        self.stats.segments_in += seg.segments() as u64;
        if !seg.text.is_empty() {
            self.stats.text_segments_in += seg.segments() as u64;
        }
        let walk = match self.state {
            State::Closed | State::Listen => Step::Break(Discard::Closed),
            State::SynSent => self.in_syn_sent(now, header, &mut seg),
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.in_other_states(now, &mut seg),
        };
        self.settle(now);
        self.look_ahead();
        walk.break_value()
    }

    /// From 32 to 64 bits: SEG.SEQ is near RCV.NXT, SEG.ACK near SND.UNA.
    fn widen<'a>(&self, ecn: Ecn, header: &TcpHeader, text: &'a [u8], mss: usize) -> Segment<'a> {
        let seq = match self.rcv.irs {
            Some(_) => self.rcv.nxt.near(header.seq),
            None => Seq::initial(header.seq),
        };
        let has_ack = header.control.has(Control::ACK);
        // The window of a SYN is never scaled (RFC 7323 §2.2).
        let shift = match self.agreed.window_scale {
            Some((peer, _)) if !header.control.has(Control::SYN) => peer,
            _ => 0,
        };
        let at_least_one = self.config.acceptance.urgent_pointer == UrgentPointer::AtLeastOne;
        Segment {
            seq,
            ack: has_ack.then(|| self.snd.una.near(header.ack)),
            ctl: header.control,
            wnd: usize::from(header.window) << shift,
            shift,
            up: header.urgent.max(u16::from(at_least_one)),
            options: header.options,
            ecn,
            text: text.into(),
            mss,
        }
    }

    /// §3.10.7.3.
    fn in_syn_sent(&mut self, now: Instant, header: &TcpHeader, seg: &mut Segment<'_>) -> Step {
        // First, check the ACK bit.
        if let Some(ack) = seg.ack
            && (ack <= self.snd.iss || ack > self.snd.nxt)
        {
            if !seg.ctl.has(Control::RST) {
                self.refuse = Some(ack);
            }
            self.hurry_syn(now);
            return Step::Break(Discard::BadAck);
        }
        // Second, check the RST bit.
        if seg.ctl.has(Control::RST) {
            if seg.ack.is_none() || self.is_nonsense(seg) {
                return Step::Break(Discard::ResetIgnored);
            }
            self.end(Event::RcvRst, Some(ConnectionError::Refused));
            return Step::Break(Discard::Reset);
        }
        // Fourth, check the SYN bit (the third, security, is for hosts with compartments).
        if !seg.ctl.has(Control::SYN) {
            return Step::Break(Discard::NoSyn);
        }
        self.last_received = now;
        self.take_peer_syn(now, header);
        let Some(ack) = seg.ack else {
            // Simultaneous open. Text on this SYN is not accepted: the peer sends it again.
            self.feedback.on_syn(seg.ctl, seg.ecn, true);
            self.on(Event::RcvSyn);
            self.syn_due = true;
            return Step::Continue(());
        };
        self.on(Event::RcvSynAck);
        self.feedback.on_syn_ack(seg);
        self.take_handshake_ack(now, ack, seg);
        match self.config.socket.holds_handshake_ack {
            true => self.hold_handshake_ack(now),
            false => self.acks.due = AckDue::Now,
        }
        if self.config.habits.handshakes.bare_syn_ack && !self.is_answered_in_full() {
            return Step::Continue(());
        }
        seg.advance(1);
        seg.ctl = seg.ctl - Control::SYN;
        self.trim(seg);
        self.check_urgent(seg);
        self.process_text(now, seg, seg.text_start())?;
        self.check_fin(now, seg)
    }

    /// Our first SYN is to leave again now: see
    /// [`Handshakes::syn_follows_reset`](crate::config::Handshakes::syn_follows_reset).
    fn hurry_syn(&mut self, now: Instant) {
        if self.config.habits.handshakes.syn_follows_reset && self.recovery.retries() == 0 {
            self.recovery.set_timer(now);
            self.arm_recovery_timer();
        }
    }

    /// IRS, RCV.NXT, the window that our SYN gave, and the peer's options.
    pub(super) fn take_peer_syn(&mut self, now: Instant, header: &TcpHeader) {
        let irs = Seq::initial(header.seq);
        self.rcv.irs = Some(irs);
        self.rcv.nxt = irs + 1;
        self.rcv.last_ack_sent = irs + 1;
        self.rcv.edge = irs + 1 + usize::from(self.syn_window());
        self.recv_buffer = super::recv_buffer::RecvBuffer::new(
            self.recv_buffer.capacity(),
            self.config.max_out_of_order_ranges,
            irs + 1,
        )
        .report_duplicates(self.config.dsack);
        self.right_sizing.start(now, irs + 1);
        self.take_syn_options(now, header);
        self.set_send_window(usize::from(header.window), irs, self.snd.una);
        self.fit_buffers_to_segments(now);
        if self.config.windows.whole_segment_window {
            // A scaled window may be more than the field of a SYN can express.
            let window = match self.agreed.window_scale {
                Some(_) => self.first_window(),
                None => usize::from(self.syn_window()),
            };
            self.rcv.edge = irs + 1 + window;
        }
        self.start_receive_memory();
    }

    pub(super) fn set_send_window(&mut self, wnd: usize, wl1: Seq, wl2: Seq) {
        self.snd.wnd = wnd;
        if wnd > self.snd.max_wnd {
            self.grow_largest_window(wnd);
        }
        self.snd.wl1 = wl1;
        self.snd.wl2 = wl2;
    }

    /// §3.10.7.4.
    fn in_other_states(&mut self, now: Instant, seg: &mut Segment<'_>) -> Step {
        let (start, end) = (seg.seq, seg.end());
        let first = seg.text_start();
        let text_end = first + seg.text.len();
        let crosses = self.state == State::SynReceived && seg.ctl.has(Control::SYN);
        self.acks.lightly = self.ends_lightly();
        self.look_for_ack(seg)?;
        self.check_sequence(now, seg)?;
        self.check_reset(now, seg)?;
        self.check_syn(now, seg)?;
        self.check_ack(now, seg)?;
        if crosses && self.config.habits.handshakes.crossing_offers_again {
            self.take_crossing_window(seg, start);
        }
        self.check_beyond_fin(start, text_end, seg)?;
        self.take_timestamp(now, seg, start);
        self.take_marks(seg);
        if crosses && !self.config.ack_waits.hold_crossing {
            self.acks.due = AckDue::Now;
            self.note_old_duplicate(start..start + 1, seg.mss);
        }
        if seg.end() < end && self.state.receives_text() {
            // A part of it was cut off: the peer must be told how far the window extends.
            self.acks.due = AckDue::Now;
        }
        self.check_urgent(seg);
        self.forget_beyond_fin(seg);
        self.process_text(now, seg, first)?;
        self.check_fin(now, seg)
    }

    /// Second: the RST bit (RFC 5961 §3).
    fn check_reset(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        if !seg.ctl.has(Control::RST) {
            return Step::Continue(());
        }
        if !self.is_believed(seg) {
            self.challenge(now);
            return Step::Break(Discard::ResetChallenged);
        }
        match self.state {
            State::SynReceived if self.opening.is_child => {
                self.end(Event::RcvRst, Some(ConnectionError::Reset));
            }
            State::SynReceived if self.passive => self.end(Event::RcvRstPassive, None),
            State::SynReceived => self.end(Event::RcvRst, Some(ConnectionError::Withdrawn)),
            // Both the user and the peer have closed.
            State::Closing | State::LastAck => {
                let is_told = self.config.tells_late_resets;
                let error = is_told.then_some(ConnectionError::Reset);
                self.end(Event::RcvRst, error);
            }
            // As if its time were over.
            State::TimeWait => self.end(Event::Timeout, None),
            _ => {
                self.watch_reset();
                self.end(Event::RcvRst, Some(ConnectionError::Reset));
            }
        }
        Step::Break(Discard::Reset)
    }

    /// Fourth: the SYN bit (RFC 5961 §4).
    fn check_syn(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        if !seg.ctl.has(Control::SYN) {
            return Step::Continue(());
        }
        if self.state == State::SynReceived && self.passive && !self.opening.is_child {
            self.end(Event::RcvRstPassive, None);
            return Step::Break(match self.config.habits.handshakes.refuses_second_syn {
                true => Discard::SynRefused,
                false => Discard::Reset,
            });
        }
        if self.is_reset_by_syn(seg) {
            self.reset_due = true;
            self.end(Event::RcvRst, Some(ConnectionError::Reset));
            return Step::Break(Discard::Reset);
        }
        if self.ends_lightly() && self.state == State::FinWait2 && seg.seq >= self.rcv.nxt {
            self.end(Event::Abort, None);
            return Step::Break(Discard::SynRefused);
        }
        self.challenge(now);
        Step::Break(Discard::SynChallenged)
    }

    /// Sixth: the URG bit. The pointer only names a place: no length or memory depends on it.
    fn check_urgent(&mut self, seg: &Segment<'_>) {
        if !seg.ctl.has(Control::URG) || !self.state.receives_text() {
            return;
        }
        // MUST-62: the octet following the urgent data.
        let is_last = self.config.acceptance.urgent_pointer == UrgentPointer::Last;
        let up = seg.seq + usize::from(seg.up) + usize::from(is_last);
        // So it is ahead of the reader, which is at RCV.NXT at most.
        debug_assert!(seg.seq >= self.rcv.nxt);
        let ahead = up > seg.seq;
        if ahead && self.rcv.up.is_none_or(|known| up > known) {
            self.rcv.up = Some(up);
            // MUST-32: the user is told when urgent data appears, and when it advances.
            self.readiness |= Readiness::STATE;
        }
    }

    /// The peer's FIN has arrived beyond a gap, or again: see
    /// [`Habits::reports_fins`](crate::config::Habits::reports_fins).
    fn report_fin(&mut self, fin: Seq, is_news: bool) {
        if !self.config.habits.reports_fins {
            return;
        }
        if !is_news {
            self.recv_buffer.note_old_duplicate(fin..fin + 1);
        }
        // Directly behind held text, it is reported together with that.
        if !self.recv_buffer.is_end(fin) {
            self.recv_buffer.hold_fin(fin);
        }
    }

    /// Eighth: the FIN bit.
    fn check_fin(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        if !self.state.receives_text() {
            return Step::Continue(());
        }
        let fin = seg.end().before(1);
        if seg.ctl.has(Control::FIN) && self.takes_fin_at(fin) {
            let is_first = self.rcv.fin.is_none();
            let fin = *self.rcv.fin.get_or_insert(fin);
            if fin > self.rcv.nxt {
                // It lies beyond a gap (RFC 5681 §4.2).
                self.acks.due = AckDue::Now;
                self.stats.beyond_gap += u64::from(seg.text.is_empty());
                self.report_fin(fin, is_first);
            }
        }
        // The FIN counts once everything before it has arrived, perhaps with this segment.
        if self.rcv.fin != Some(self.rcv.nxt) {
            return Step::Continue(());
        }
        self.end_at_fin();
        self.pass_fin();
        if self.config.habits.reports_fins && self.state == State::Established {
            self.recv_buffer.sacks_sent();
        }
        self.readiness |= Readiness::READABLE;
        match self.state {
            State::Established => {
                self.on(Event::RcvFin);
                match seg.ctl.has(Control::FIN) {
                    true => self.schedule_ack_of_fin(now, seg.text.is_empty()),
                    // The gap before it is filled.
                    false => self.acks.due = AckDue::Now,
                }
            }
            State::FinWait1 => {
                self.on(Event::RcvFin);
                self.acks.due = AckDue::Now;
            }
            State::FinWait2 => {
                self.on(Event::RcvFin);
                self.acks.due = AckDue::Now;
                self.start_time_wait(now);
            }
            _ => {}
        }
        Step::Continue(())
    }

    /// Whether only the sequence number of a segment is checked: see
    /// [`Habits::light_ending`](crate::config::Habits::light_ending).
    pub(super) fn ends_lightly(&self) -> bool {
        let is_ending = match self.state {
            State::TimeWait => true,
            State::FinWait2 => self.orphan,
            _ => false,
        };
        is_ending && self.config.habits.light_ending
    }

    /// Whether a segment with these control bits is a SYN that may open another connection. With
    /// [`Habits::light_ending`](crate::config::Habits::light_ending) it may have a FIN.
    pub fn is_new_syn(&self, control: Control) -> bool {
        let fin = match self.ends_lightly() {
            true => Control::NONE,
            false => Control::FIN,
        };
        control.has(Control::SYN) && !control.any(Control::ACK | Control::RST | fin)
    }
}
