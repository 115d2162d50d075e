//! Output (RFC 9293 §3.7, §3.8): notes the next segment as sent, and builds it.
//! [`plan`](super::plan) has decided what it carries.

use core::ops::Range;

use super::ecn::Marks;
use super::handshake::layout;
use super::plan::Plan;
use super::segment::{Segment, segments};
use super::seq::Seq;
use super::state::State;
use super::tcb::{AckDue, Tcb};
use super::timers::Timer;
use crate::config::{QuickAcks, WindowTold};
use crate::time::Instant;
use crate::wire::{Control, Ecn, Options, SackBlocks, Text};

/// A segment that counts as sent and has not been built.
#[derive(Debug)]
pub struct Departure {
    plan: Plan,
    /// Its SACK blocks, kept here because a duplicate is forgotten once the segment counts as sent.
    sack: SackBlocks,
    /// Its ECN marks, kept here because they count as reported once the segment counts as sent.
    marks: Marks,
    /// Octets of text in each segment, if it is a super-segment.
    mss: usize,
}

impl Departure {
    /// How many segments it is on the wire.
    pub fn segments(&self) -> usize {
        match &self.plan {
            Plan::Text(range) => segments(range.end - range.start, self.mss),
            _ => 1,
        }
    }
}

impl Tcb {
    /// The segment that leaves now; `None` if none does. Call again until there is none.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Segment<'_>> {
        let departure = self.depart(now, 0)?;
        Some(self.segment(now, departure))
    }

    /// The first half of [`Tcb::poll_transmit`]: the next segment counts as sent, and the return
    /// value says how to build it. The second half is [`Tcb::segment`].
    ///
    /// It may be a super-segment of up to `limit` octets of text; with a limit of less than two
    /// segments it is one segment.
    pub fn depart(&mut self, now: Instant, limit: usize) -> Option<Departure> {
        self.restart_after_idle(now);
        self.release_pacer(now);
        self.age_path_mtu(now);
        let Some(plan) = self.plan(limit) else {
            self.burst.end();
            self.note_flight();
            self.end_flight();
            return None;
        };
        if let Some(range) = self.text_of(&plan) {
            self.send_buffer.join(&range);
        }
        let mss = self.mss_of(&plan);
        let carrier = self.carrier(&plan);
        let marks = self.marks(now, carrier);
        let sack = match plan {
            // It acknowledges an earlier state, before any text that could have left a gap.
            Plan::EarlierAck(_) => SackBlocks::default(),
            Plan::AckApart(_) | Plan::Reset => {
                let room = self.sack_room_beside(marks.option_len());
                self.acks.apart.blocks(room)
            }
            _ if self.state == State::SynReceived && self.answers_plainly() => {
                SackBlocks::default()
            }
            _ => self.sack_blocks(marks.option_len()),
        };
        self.on_sent(now, &plan, mss);
        self.feedback.on_sent(carrier, &marks, self.snd.nxt);
        Some(Departure {
            plan,
            sack,
            marks,
            mss,
        })
    }

    /// After [`Tcb::depart`] has returned a segment: whether it is certain that no other follows, so that
    /// the caller need not ask. Normally one segment is all there is to send.
    pub fn has_said_all(&mut self) -> bool {
        let has_said_all = self.state == State::Established
            && !self.has_unsent()
            && self.acks.due != AckDue::Now
            && self.acks.apart.next().is_none()
            && self.steady
            && !(self.syn_due || self.reset_due || self.probes.due)
            && self.refuse.is_none();
        if has_said_all {
            debug_assert!(!self.would_send());
            self.burst.end();
            self.note_all_left();
            self.end_flight();
        }
        has_said_all
    }

    /// IPv4: the identification of the first segment of `departure`, which must be the last
    /// departure. Each further segment has the next number.
    pub fn identification(&self, departure: &Departure) -> u16 {
        let before = self.stats.segments_out - departure.segments() as u64;
        ((self.snd.iss.wire() >> 16) as u16).wrapping_add(before as u16)
    }

    /// `plan` leaves: the one place where sending changes anything.
    fn on_sent(&mut self, now: Instant, plan: &Plan, mss: usize) {
        self.stats.segments_out += match plan {
            Plan::Text(range) => segments(self.text_in(range), mss) as u64,
            _ => 1,
        };
        match plan {
            Plan::Refuse(_) => return self.refuse = None,
            Plan::Reset => return self.reset_due = false,
            // What arrived after it has yet to be acknowledged.
            Plan::EarlierAck(ack) => return self.rcv.last_ack_sent = *ack,
            Plan::AckApart(ack) => {
                self.rcv.last_ack_sent = *ack;
                return self.acks.apart.on_sent();
            }
            Plan::FirstSyn(text_end) => {
                self.syn_due = false;
                self.on_first_syn_sent();
                self.let_packet_out(*text_end, true);
                // One by one: the SYN may be acknowledged without its text.
                self.on_sent_new(now, self.snd.iss + 1, mss);
                self.on_sent_new(now, *text_end, mss);
                self.count_syn_text(*text_end);
            }
            Plan::Syn => {
                self.syn_due = false;
                self.on_syn_again(now);
                // The peer's SYN arrived again, so the peer is alive, and this answer gets its full
                // time, too, before the handshake is given up.
                self.recovery.set_timer(now + self.recovery.rtt.rto());
                self.arm_recovery_timer();
            }
            Plan::Resend(range) => {
                self.leave_again(range, false);
                self.on_resent(now, range.clone());
                self.stats.retransmissions += 1;
                self.on_text_sent(now, range, mss, true);
            }
            Plan::TailProbe(range) => self.on_tail_probe(now, range, mss),
            Plan::Text(range) | Plan::MtuProbe(range) => {
                if matches!(plan, Plan::MtuProbe(_)) {
                    self.path_mtu.on_probe_sent(range.clone());
                }
                self.let_packet_out(range.end, !matches!(plan, Plan::Text(_)));
                self.on_sent_new(now, range.end, mss);
                self.on_text_sent(now, range, mss, false);
                self.note_window_use();
                self.wake_writer();
                self.note_answer(now, range);
                let is_forced = self.take_forced();
                self.snd.fin_alone |= self.marks_pushes() && self.snd.fin == Some(range.start);
                // A probe of the path MTU has the length to be tried, whatever waits.
                if !is_forced && matches!(plan, Plan::Text(_)) {
                    self.note_small(range, mss);
                }
            }
            Plan::Probe => self.probes.due = false,
            Plan::Ack => {}
        }
        if self.rcv.irs.is_some() {
            self.on_acknowledged(now);
        }
    }

    fn on_tail_probe(&mut self, now: Instant, range: &Range<Seq>, mss: usize) {
        let is_new = range.end > self.snd.nxt;
        self.stats.retransmissions += u64::from(!is_new);
        match is_new {
            true => self.let_packet_out(range.end, true),
            false => self.leave_again(range, true),
        }
        let (una, nxt) = (self.snd.una, self.snd.nxt);
        self.recovery.on_probe_sent(now, una, nxt, range.clone());
        self.snd.nxt = nxt.max(range.end);
        self.on_text_sent(now, range, mss, !is_new);
        self.arm_recovery_timer();
        self.look_ahead();
    }

    /// Our SYN is sent again, or, when both sides open at once, as SYN,ACK for the first time.
    fn on_syn_again(&mut self, now: Instant) {
        self.stats.retransmissions += u64::from(self.passive);
        let crosses = !self.passive && self.recovery.retries() == 0;
        match crosses && self.config.habits.handshakes.crossing_samples {
            true => self.recovery.on_crossing_sent(now),
            false => self.on_resent(now, self.snd.iss..self.snd.iss + 1),
        }
    }

    /// Whether the new text that has just left was forced out, however little it is.
    #[inline(always)]
    fn take_forced(&mut self) -> bool {
        let forced = core::mem::take(&mut self.probes.push_due);
        if forced {
            self.note_forced();
        }
        forced
    }

    #[cold]
    fn note_forced(&mut self) {
        if core::mem::take(&mut self.probes.overdue) {
            self.recovery.on_forced();
            self.arm_recovery_timer();
        }
    }

    /// Octets of text in each segment of what leaves. Anything but a super-segment is one segment,
    /// however long.
    fn mss_of(&self, plan: &Plan) -> usize {
        let Plan::Text(range) = plan else {
            return usize::MAX;
        };
        let limit = self.segment_limit();
        match self.text_in(range) > limit {
            true => limit,
            false => usize::MAX,
        }
    }

    /// The text that leaves.
    fn text_of(&self, plan: &Plan) -> Option<Range<Seq>> {
        let first = self.snd.iss + 1;
        match plan {
            Plan::FirstSyn(text_end) => Some(first..*text_end),
            Plan::Resend(range)
            | Plan::TailProbe(range)
            | Plan::Text(range)
            | Plan::MtuProbe(range) => {
                Some(range.start.max(first)..range.end.min(self.send_buffer.end()))
            }
            Plan::Refuse(_)
            | Plan::Reset
            | Plan::Syn
            | Plan::Probe
            | Plan::Ack
            | Plan::EarlierAck(_)
            | Plan::AckApart(_) => None,
        }
    }

    /// Octets of text in `range`, where our FIN does not count.
    fn text_in(&self, range: &Range<Seq>) -> usize {
        range
            .end
            .min(self.send_buffer.end())
            .saturating_since(range.start)
    }

    /// Text leaves. If it answers what has arrived, answers carry acknowledgments from now on.
    fn note_answer(&mut self, now: Instant, range: &Range<Seq>) {
        match self.config.quick_acks {
            QuickAcks::Never => {}
            QuickAcks::UntilSending => (self.acks.quick, self.acks.answering) = (0, true),
            // A FIN alone is not an answer.
            QuickAcks::UntilAnswering if self.text_in(range) == 0 => {}
            QuickAcks::UntilAnswering => {
                let delay = self.answer_delay();
                if self.acks.received.is_some_and(|at| now - at < delay) {
                    self.acks.on_answer(self.config.ack_waits.answers);
                }
            }
        }
    }

    /// The octet of a window probe has been acknowledged, so it counts as sent. It gives no sample of
    /// the round trip, because it is unknown with which probe it arrived.
    pub(super) fn count_probe(&mut self, now: Instant, ack: Seq) {
        let end = self.snd.nxt + 1;
        if self.probes.octet.take() == Some(self.snd.nxt) && ack == end {
            let octet = self.snd.nxt..end;
            self.let_packet_out(end, true);
            self.on_sent_new(now, end, 1);
            self.on_resent(now, octet);
        }
    }

    /// Places up to `end` leave for the first time, in segments of `mss` octets of text.
    fn on_sent_new(&mut self, now: Instant, end: Seq, mss: usize) {
        if end > self.snd.nxt {
            let range = self.snd.nxt..end;
            self.recovery.on_sent(now, self.snd.una, range, mss);
            self.snd.nxt = end;
        }
        self.arm_recovery_timer();
    }

    /// The places of `range` leave again.
    fn on_resent(&mut self, now: Instant, range: Range<Seq>) {
        (self.recovery).on_resent(now, self.snd.una, self.snd.nxt, range);
        self.arm_recovery_timer();
        self.look_ahead();
    }

    /// The segment carries an acknowledgment and a window.
    fn on_acknowledged(&mut self, now: Instant) {
        self.acks.due = AckDue::No;
        self.acks.apart.clear();
        self.acks.unacknowledged = 0;
        self.acks.ends = 0;
        if let Some(timing) = &mut self.acks.timing {
            timing.on_acknowledged();
        }
        self.timers.disarm(Timer::DelayedAck);
        // Acknowledgments that leave together report the same.
        if !self.leaves_together() {
            self.recv_buffer.sacks_sent();
        }
        if self.state != State::SynReceived || self.has_sent_early() {
            self.tell_window();
        }
        self.rcv.last_ack_sent = self.rcv.nxt;
        self.time_round_trip(now);
    }

    /// The segment of a departure, its text lent from the send buffer. Nothing may happen to the
    /// connection between the two halves.
    pub fn segment(&self, now: Instant, departure: Departure) -> Segment<'_> {
        let mut segment = match departure.plan {
            Plan::Refuse(seq) => Segment {
                seq,
                ack: None,
                ctl: Control::RST,
                wnd: 0,
                shift: 0,
                up: 0,
                options: Options {
                    signature: self.agreed.signed,
                    ..Options::default()
                },
                ecn: Ecn::NotEct,
                text: Text::EMPTY,
                mss: usize::MAX,
            },
            Plan::Reset => self.reset(now),
            Plan::FirstSyn(text_end) => Segment {
                options: self.syn_options(now, true),
                text: self.send_buffer.text(self.snd.iss + 1..text_end),
                ..self.syn(now)
            },
            Plan::Syn => self.syn(now),
            Plan::Resend(range) if range.start == self.snd.iss => self.syn(now),
            Plan::Resend(range)
            | Plan::TailProbe(range)
            | Plan::Text(range)
            | Plan::MtuProbe(range) => Segment {
                mss: departure.mss,
                ..self.text_segment(now, range)
            },
            Plan::Probe => self.probe(now),
            Plan::Ack if self.state == State::SynReceived => self.ack_in_handshake(now),
            Plan::Ack => self.pure_ack(now),
            Plan::EarlierAck(ack) | Plan::AckApart(ack) => Segment {
                ack: Some(ack),
                wnd: self.rcv.edge.saturating_since(ack),
                ..self.pure_ack(now)
            },
        };
        if segment.ctl.has(Control::ACK) && !segment.ctl.has(Control::SYN) {
            segment.options.sack = departure.sack;
        }
        segment.ctl |= departure.marks.flags;
        segment.options.accurate_ecn = departure.marks.option;
        segment.ecn = departure.marks.ecn;
        segment
    }

    /// What it reports, and whether urgent data follows:
    /// [`Habits::resets_report`](crate::config::Habits::resets_report).
    fn reset(&self, now: Instant) -> Segment<'_> {
        let ack = self.pure_ack(now);
        let wnd = match self.config.windows.told {
            WindowTold::Steps => ack.wnd,
            WindowTold::Room => 0,
        };
        let (urgent, up) = match self.config.habits.resets_report {
            true => self.urgent_at(ack.seq),
            false => (Control::NONE, 0),
        };
        let ctl = Control::RST | Control::ACK | urgent;
        Segment {
            ctl,
            wnd,
            up,
            ..ack
        }
    }

    /// A probe of the window: the chosen octet, or none, just before the window.
    fn probe(&self, now: Instant) -> Segment<'_> {
        match self.probes.octet {
            Some(octet) if octet == self.snd.nxt => self.text_segment(now, octet..octet + 1),
            _ => {
                let seq = self.snd.una.before(1);
                let (urgent, up) = self.urgent_at(seq);
                Segment {
                    seq,
                    ctl: Control::ACK | urgent,
                    up,
                    ..self.pure_ack(now)
                }
            }
        }
    }

    fn syn(&self, now: Instant) -> Segment<'_> {
        let has_peer = self.rcv.irs.is_some();
        Segment {
            seq: self.snd.iss,
            ack: has_peer.then_some(self.rcv.nxt),
            ctl: if has_peer {
                Control::SYN | Control::ACK
            } else {
                Control::SYN
            },
            wnd: match has_peer {
                true => self.rcv.edge.saturating_since(self.rcv.nxt),
                false => usize::from(self.syn_window()),
            },
            shift: 0,
            up: 0,
            options: self.syn_options(now, false),
            ecn: Ecn::NotEct,
            text: Text::EMPTY,
            mss: usize::MAX,
        }
    }

    /// The sequence number of a segment without text: SND.NXT, or one in the window, see
    /// [`Habits::acks_stay_in_window`](crate::config::Habits::acks_stay_in_window).
    fn place_of_acks(&self) -> Seq {
        let (nxt, edge) = (self.snd.nxt, self.snd_edge());
        if edge >= nxt || !self.config.habits.acks_stay_in_window {
            return nxt;
        }
        // A difference that the window scale may have cut off does not count.
        let unit = self.agreed.window_scale.map_or(0, |(_, own)| 1 << own);
        match nxt - edge < unit {
            true => nxt,
            false => edge,
        }
    }

    #[inline]
    fn pure_ack(&self, now: Instant) -> Segment<'_> {
        let seq = self.place_of_acks();
        let (urgent, up) = self.urgent_at(seq);
        Segment {
            seq,
            ack: self.rcv.irs.is_some().then_some(self.rcv.nxt),
            ctl: Control::ACK | urgent,
            wnd: self.window_of_acks(),
            shift: self.agreed.window_scale.map_or(0, |(_, own)| own),
            up,
            options: self.options_on(now),
            ecn: Ecn::NotEct,
            text: Text::EMPTY,
            mss: usize::MAX,
        }
    }

    /// URG and SEG.UP of a segment that starts at `seq`. Every segment before the end of urgent data has
    /// them, even without text (§3.8.5), and says where that ends, as far as sixteen bits reach.
    fn urgent_at(&self, seq: Seq) -> (Control, u16) {
        match self.snd.up {
            Some(up) if up > seq => (Control::URG, (up - seq).min(usize::from(u16::MAX)) as u16),
            _ => (Control::NONE, 0),
        }
    }

    /// In SYN-RECEIVED: see [`Handshakes::answers_plainly`](crate::config::Handshakes::answers_plainly).
    #[cold]
    pub(super) fn answers_plainly(&self) -> bool {
        let is_plain = self.config.habits.handshakes.answers_plainly;
        self.passive && !self.opening.is_child && is_plain
    }

    /// An acknowledgment in SYN-RECEIVED, which does not count as advertising a window.
    #[cold]
    fn ack_in_handshake(&self, now: Instant) -> Segment<'_> {
        let unit = match self.config.windows.whole_segment_window {
            true => 1 << self.own_shift(),
            false => 1,
        };
        let wnd = match self.answers_plainly() {
            true => usize::from(self.syn_window()),
            false => self.window_of_acks().next_multiple_of(unit),
        };
        Segment {
            wnd,
            ..self.pure_ack(now)
        }
    }

    fn text_segment(&self, now: Instant, range: Range<Seq>) -> Segment<'_> {
        let text_end = range.end.min(self.send_buffer.end());
        let (urgent, up) = self.urgent_at(range.start);
        let mut ctl = Control::ACK | urgent;
        if range.end > text_end {
            ctl |= Control::FIN;
        }
        if self.is_pushed(&(range.start..text_end)) {
            ctl |= Control::PSH;
        }
        Segment {
            seq: range.start,
            ctl,
            up,
            text: self.send_buffer.text(range.start..text_end),
            ..self.pure_ack(now)
        }
    }

    /// The options on every segment but a SYN; SACK blocks come with the departure.
    fn options_on(&self, now: Instant) -> Options {
        let mut options = Options::default();
        if self.agreed.timestamps {
            options.timestamps = Some(self.timestamps.option(now));
        }
        if self.agreed.signed {
            (options.signature, options.layout) = (true, layout(&self.config));
        }
        options
    }

    /// The SACK blocks that the next segment carries besides an AccECN option of this many octets.
    pub(super) fn sack_blocks(&self, accurate_ecn: usize) -> SackBlocks {
        match self.sack_room(accurate_ecn) {
            0 => SackBlocks::default(),
            blocks => self.recv_buffer.sack_blocks(blocks, self.fin_ahead()),
        }
    }

    /// The peer's FIN, if not everything before it has arrived.
    #[inline]
    fn fin_ahead(&self) -> Option<Seq> {
        self.rcv.fin.filter(|fin| *fin >= self.rcv.nxt)
    }

    /// How many SACK blocks there are to report.
    #[inline]
    pub(super) fn sack_count(&self) -> usize {
        self.recv_buffer.sack_count(self.fin_ahead())
    }

    /// How many SACK blocks the next segment carries.
    pub(super) fn sack_room(&self, accurate_ecn: usize) -> usize {
        if !self.agreed.sack {
            return 0;
        }
        let most = self.sack_room_beside(accurate_ecn);
        self.sack_count().min(most)
    }
}
