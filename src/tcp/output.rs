//! What the next segment carries (RFC 9293 §3.7, §3.8): windows, Nagle, silly windows,
//! acknowledgments.
//!
//! [`Tcb::plan`] decides and changes nothing; "would send" and "sends" come from it alone. A
//! retransmission is a [`Plan::Resend`]; every other segment starts at SND.NXT, which never moves
//! back.

use core::ops::Range;

use super::congestion::{Factory, Start};
use super::ecn::Marks;
use super::path_mtu::NextProbe;
use super::segment::Segment;
use super::seq::Seq;
use super::state::State;
use super::tcb::{AckDue, Tcb};
use super::timers::Timer;
use crate::config::QuickAcks;
use crate::time::Instant;
use crate::wire::{Control, Ecn, Options, SackBlocks, Text};

/// The next segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// `<SEQ=SEG.ACK><CTL=RST>`: the answer to a bad acknowledgment in the handshake.
    Refuse(Seq),
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>`: ABORT.
    Reset,
    /// SYN, or SYN,ACK, for the first time, with text up to here.
    FirstSyn(Seq),
    /// SYN, or SYN,ACK, once more.
    Syn,
    /// What was sent before: text, and the SYN or FIN at its ends.
    Resend(Range<Seq>),
    /// A tail loss probe: from SND.NXT on, or what was sent last again.
    TailProbe(Range<Seq>),
    /// From SND.NXT on, for the first time: text, and perhaps our FIN.
    Text(Range<Seq>),
    /// From SND.NXT on, for the first time: text that makes a probe of the path MTU.
    MtuProbe(Range<Seq>),
    /// `<SEQ=SND.UNA-1>`: the peer must answer, and nothing of ours is used up.
    Probe,
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    Ack,
}

/// A segment that counts as sent and has not been built.
#[derive(Debug)]
pub struct Departure {
    plan: Plan,
    /// What it reports: once it counts as sent, a duplicate is forgotten.
    sack: SackBlocks,
    /// What it carries of ECN: once it counts as sent, what it tells is told.
    marks: Marks,
}

impl Tcb {
    /// The segment that leaves now; `None` if none does. Call again until there is none.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Segment<'_>> {
        let departure = self.depart(now)?;
        Some(self.segment(now, departure))
    }

    /// The first half of [`Tcb::poll_transmit`]: the next segment counts as sent, and what is
    /// returned says how to build it. The second half is [`Tcb::segment`].
    pub fn depart(&mut self, now: Instant) -> Option<Departure> {
        self.restart_after_idle(now);
        self.release_pacer(now);
        self.age_path_mtu(now);
        let plan = self.plan()?;
        let carrier = self.carrier(&plan);
        let marks = self.marks(now, carrier);
        let sack = self.sack_blocks(marks.option_len());
        self.on_sent(now, &plan);
        self.feedback.on_sent(carrier, &marks, self.snd.nxt);
        Some(Departure { plan, sack, marks })
    }

    /// Whether a segment would leave now.
    pub fn would_send(&self) -> bool {
        self.plan().is_some()
    }

    /// Whether new text would leave now, or as soon as the pacer lets it.
    pub(super) fn would_send_text(&self) -> bool {
        self.plan_fresh().is_some()
    }

    fn plan(&self) -> Option<Plan> {
        if let Some(seq) = self.refuse {
            return Some(Plan::Refuse(seq));
        }
        if self.reset_due {
            return Some(Plan::Reset);
        }
        match self.state {
            State::Closed | State::Listen => None,
            _ if self.syn_due && self.snd.nxt == self.snd.iss => {
                Some(Plan::FirstSyn(self.syn_text_end()))
            }
            _ if self.syn_due => Some(Plan::Syn),
            State::SynSent => self.plan_resend(),
            // Text leaves that early only if the connection was opened by Fast Open.
            State::SynReceived => self
                .plan_resend()
                .or_else(|| self.plan_text())
                .or_else(|| self.plan_ack()),
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self
                .plan_handshake_ack()
                .or_else(|| self.plan_paced())
                .or_else(|| self.plan_tail_probe())
                .or_else(|| self.plan_probe())
                .or_else(|| self.plan_ack()),
        }
    }

    /// RFC 9768 §3.2.2.1: how the SYN,ACK arrived is told before any text leaves.
    fn plan_handshake_ack(&self) -> Option<Plan> {
        self.feedback.owes_handshake_ack().then_some(Plan::Ack)
    }

    /// What waits for the pacer, if it is one who is paced.
    fn plan_paced(&self) -> Option<Plan> {
        if self.is_held_by_pacer() {
            return None;
        }
        self.plan_forward()
            .or_else(|| self.plan_resend())
            .or_else(|| self.plan_fresh())
    }

    /// The first segment of what was lost.
    fn plan_resend(&self) -> Option<Plan> {
        let lost = self.recovery.lost()?;
        if lost.start == self.snd.iss {
            return Some(Plan::Resend(lost.start..lost.start + 1));
        }
        // Text that went with our SYN, or just behind it, waits for the handshake to end.
        if !self.state.is_synchronized() {
            return None;
        }
        let text_end = lost
            .end
            .min(self.send_buffer.end())
            .min(lost.start + self.segment_limit());
        // Our FIN goes with the last of the text.
        let with_fin = self.snd.fin == Some(text_end) && lost.end > text_end;
        let end = text_end + usize::from(with_fin);
        let allowed =
            self.recovery.resends_regardless_of_window() || self.window_has_room(end - lost.start);
        allowed.then_some(Plan::Resend(lost.start..end))
    }

    /// Whether a retransmission of so many octets may leave now.
    fn window_has_room(&self, len: usize) -> bool {
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let window = self.send_window();
        match self.recovery.is_proportional() {
            // RFC 9937 §6.2 counts what leaves by the octet: a segment waits for all of its own.
            true => in_flight + len <= window || in_flight == 0,
            false => in_flight < window,
        }
    }

    /// How many octets may be in flight now: cwnd, or what recovery makes of it.
    fn send_window(&self) -> usize {
        let window = self.recovery.window(self.congestion.window());
        usize::try_from(window).unwrap_or(usize::MAX)
    }

    /// F-RTO sends new text in place of what a timeout would send again (RFC 5682 §3.1, 2b).
    fn plan_forward(&self) -> Option<Plan> {
        if !self.recovery.wants_new() {
            return None;
        }
        self.plan_new()
    }

    /// A tail loss probe: new text if there is some, whatever the congestion window says; otherwise
    /// what was sent last (RFC 8985 §7.3).
    fn plan_tail_probe(&self) -> Option<Plan> {
        let last = self.recovery.probe()?;
        if let Some(Plan::Text(range)) = self.plan_new() {
            return Some(Plan::TailProbe(range));
        }
        // Our FIN takes no room in the segment.
        let text_end = last.end.min(self.send_buffer.end());
        let start = last.start.max(text_end.before(self.segment_limit()));
        Some(Plan::TailProbe(start..last.end))
    }

    /// New text, as much as one segment and the peer's window take.
    fn plan_new(&self) -> Option<Plan> {
        if !self.has_unsent() {
            return None;
        }
        let nxt = self.snd.nxt;
        let queued = self.send_buffer.end() - nxt;
        let usable = self.snd_edge().saturating_since(nxt);
        let len = queued.min(usable).min(self.segment_limit());
        let fin = len == queued && self.snd.fin.is_some() && usable > len;
        (len > 0 || fin).then_some(Plan::Text(nxt..nxt + len + usize::from(fin)))
    }

    /// New text, if it may leave now: a probe of the path MTU, if one is due.
    fn plan_fresh(&self) -> Option<Plan> {
        match self.next_mtu_probe() {
            NextProbe::No => self.plan_text(),
            NextProbe::Soon => None,
            NextProbe::Now(range) => Some(Plan::MtuProbe(range)),
        }
    }

    /// New text, as much as one segment takes, if it may leave now.
    fn plan_text(&self) -> Option<Plan> {
        if !self.has_unsent() {
            return None;
        }
        let nxt = self.snd.nxt;
        let queued = self.send_buffer.end() - nxt;
        let usable = self.snd_edge().saturating_since(nxt);
        let len = queued
            .min(self.congestion_room())
            .min(usable)
            .min(self.segment_limit());
        // A FIN takes a place in the window too, and waits for nothing else.
        let fin = len == queued && self.snd.fin.is_some() && usable > len;
        let worth_sending = fin || (len > 0 && self.is_worth_sending(len, queued, usable));
        worth_sending.then_some(Plan::Text(nxt..nxt + len + usize::from(fin)))
    }

    /// Octets that the congestion window still lets out. While something is in flight, a segment
    /// is not cut to fit it.
    fn congestion_room(&self) -> usize {
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let room = self.send_window().saturating_sub(in_flight);
        if room < self.segment_limit() && in_flight > 0 {
            let queued = self.send_buffer.end().saturating_since(self.snd.nxt);
            return if queued <= room { room } else { 0 };
        }
        room
    }

    /// The longest text of the next segment: Eff.snd.MSS, less what SACK blocks and AccECN take.
    pub(super) fn segment_limit(&self) -> usize {
        let accurate_ecn = self.accurate_ecn_len();
        let sack = match self.sack_room(accurate_ecn) {
            0 => 0,
            blocks => 4 + 8 * blocks,
        };
        self.snd.mss.saturating_sub(sack + accurate_ecn).max(1)
    }

    fn plan_probe(&self) -> Option<Plan> {
        self.probes.due.then_some(Plan::Probe)
    }

    fn plan_ack(&self) -> Option<Plan> {
        (self.acks.due == AckDue::Now).then_some(Plan::Ack)
    }

    /// `plan` leaves: the one place where sending changes anything.
    fn on_sent(&mut self, now: Instant, plan: &Plan) {
        self.stats.segments_out += 1;
        match plan {
            Plan::Refuse(_) => return self.refuse = None,
            Plan::Reset => return self.reset_due = false,
            Plan::FirstSyn(text_end) => {
                self.syn_due = false;
                self.on_first_syn_sent();
                // One by one: the SYN may be acknowledged without its text.
                self.on_sent_new(now, self.snd.iss + 1);
                self.on_sent_new(now, *text_end);
            }
            Plan::Syn => {
                self.syn_due = false;
                self.on_resent(now, self.snd.iss..self.snd.iss + 1);
                // The peer's SYN came again: it is there, and this answer to it has its time too,
                // before the handshake is given up.
                self.recovery.set_timer(now + self.recovery.rtt.rto());
                self.arm_recovery_timer();
            }
            Plan::Resend(range) => {
                self.on_resent(now, range.clone());
                self.stats.retransmissions += 1;
                self.on_text_sent(now, range, true);
            }
            Plan::TailProbe(range) => {
                self.stats.retransmissions += u64::from(range.end <= self.snd.nxt);
                let (una, nxt) = (self.snd.una, self.snd.nxt);
                self.recovery.on_probe_sent(now, una, nxt, range.clone());
                self.snd.nxt = nxt.max(range.end);
                self.on_text_sent(now, range, range.end <= nxt);
                self.arm_recovery_timer();
            }
            Plan::Text(range) | Plan::MtuProbe(range) => {
                if matches!(plan, Plan::MtuProbe(_)) {
                    self.path_mtu.on_probe_sent(range.clone());
                }
                self.on_sent_new(now, range.end);
                self.on_text_sent(now, range, false);
                self.wake_writer();
                self.note_small(range);
                if self.is_answering(now) {
                    self.acks.quick = 0;
                }
                self.probes.push_due = false;
            }
            Plan::Probe => self.probes.due = false,
            Plan::Ack => {}
        }
        if self.rcv.irs.is_some() {
            self.on_acknowledged(now);
        }
    }

    /// Whether text that leaves now answers what came: from now on answers carry acknowledgments.
    fn is_answering(&self, now: Instant) -> bool {
        match self.config.quick_acks {
            QuickAcks::UntilSending => true,
            QuickAcks::UntilAnswering => {
                let delay = self.ack_delay();
                (self.acks.received).is_some_and(|at| now - at < delay)
            }
        }
    }

    /// Places up to `end` leave for the first time.
    fn on_sent_new(&mut self, now: Instant, end: Seq) {
        if end > self.snd.nxt {
            let range = self.snd.nxt..end;
            self.recovery.on_sent(now, self.snd.una, range);
            self.snd.nxt = end;
        }
        self.arm_recovery_timer();
    }

    /// The places of `range` leave again.
    fn on_resent(&mut self, now: Instant, range: Range<Seq>) {
        (self.recovery).on_resent(now, self.snd.una, self.snd.nxt, range);
        self.arm_recovery_timer();
    }

    /// The segment carries an acknowledgment and a window.
    fn on_acknowledged(&mut self, now: Instant) {
        self.acks.due = AckDue::No;
        self.acks.unacknowledged = 0;
        self.timers.disarm(Timer::DelayedAck);
        self.recv_buffer.sacks_sent();
        self.rcv.last_ack_sent = self.rcv.nxt;
        if self.state != State::SynReceived {
            self.rcv.edge = self.next_edge();
        }
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
                options: Options::default(),
                ecn: Ecn::NotEct,
                text: Text::EMPTY,
            },
            Plan::Reset => Segment {
                ctl: Control::RST | Control::ACK,
                ..self.pure_ack(now)
            },
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
            | Plan::MtuProbe(range) => self.text_segment(now, range),
            Plan::Probe => Segment {
                seq: self.snd.una.before(1),
                ..self.pure_ack(now)
            },
            Plan::Ack => self.pure_ack(now),
        };
        if segment.ctl.has(Control::ACK) && !segment.ctl.has(Control::SYN) {
            segment.options.sack = departure.sack;
        }
        segment.ctl |= departure.marks.flags;
        segment.options.accurate_ecn = departure.marks.option;
        segment.ecn = departure.marks.ecn;
        segment
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
        }
    }

    /// The window of a SYN, which is never scaled.
    pub(super) fn syn_window(&self) -> u16 {
        let first = usize::from(self.config.initial_receive_window);
        self.largest_window().min(first) as u16
    }

    /// No window is larger: what the receive buffer holds, and the user allows.
    fn largest_window(&self) -> usize {
        let clamp = self.config.socket.window_clamp.unwrap_or(usize::MAX);
        self.recv_buffer.capacity().min(clamp.max(1))
    }

    fn pure_ack(&self, now: Instant) -> Segment<'_> {
        Segment {
            seq: self.snd.nxt,
            ack: self.rcv.irs.is_some().then_some(self.rcv.nxt),
            ctl: Control::ACK,
            wnd: self.rcv.edge.saturating_since(self.rcv.nxt),
            shift: self.agreed.window_scale.map_or(0, |(_, own)| own),
            up: 0,
            options: self.options_on(now),
            ecn: Ecn::NotEct,
            text: Text::EMPTY,
        }
    }

    fn text_segment(&self, now: Instant, range: Range<Seq>) -> Segment<'_> {
        let text_end = range.end.min(self.send_buffer.end());
        let mut ctl = Control::ACK;
        if range.end > text_end {
            ctl |= Control::FIN;
        }
        // MUST-60, MUST-61: PSH where the buffer is emptied.
        if text_end == self.send_buffer.end() && range.start < text_end {
            ctl |= Control::PSH;
        }
        let up = match self.snd.up {
            Some(up) if up > range.start => {
                ctl |= Control::URG;
                (up - range.start).min(usize::from(u16::MAX)) as u16
            }
            _ => 0,
        };
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
        options
    }

    /// The SACK blocks that the next segment carries beside an AccECN option of so many octets.
    fn sack_blocks(&self, accurate_ecn: usize) -> SackBlocks {
        match self.sack_room(accurate_ecn) {
            0 => SackBlocks::default(),
            blocks => self.recv_buffer.sack_blocks(blocks, self.rcv.fin),
        }
    }

    /// How many SACK blocks the next segment carries.
    fn sack_room(&self, accurate_ecn: usize) -> usize {
        if !self.agreed.sack {
            return 0;
        }
        let most = self.sack_room_beside(accurate_ecn);
        self.recv_buffer.sack_count().min(most)
    }

    /// The right edge to advertise next: the receiver's side of silly window avoidance (RFC 9293
    /// §3.8.6.2.2). It stays until it can move by a segment or half the buffer, and it never
    /// moves left.
    pub(super) fn next_edge(&self) -> Seq {
        let shift = self.agreed.window_scale.map_or(0, |(_, own)| own);
        let most = usize::from(u16::MAX) << shift;
        let room = self.recv_buffer.limit().saturating_since(self.rcv.nxt);
        let memory = self.memory_for_receiving();
        let room = room
            .min(most)
            .min(self.largest_window())
            .min(memory.saturating_sub(self.recv_buffer.len()));
        // A window that has not grown yet is not held back by the user: it moves as it can.
        let step = match self.rcv.most < room {
            true => 1,
            false => self.snd.mss.min(self.largest_window() / 2).max(1),
        };
        let unit = 1 << shift;
        let room = room.min(self.rcv.most.checked_next_multiple_of(unit).unwrap_or(room));
        if (self.rcv.nxt + room).saturating_since(self.rcv.edge) < step {
            return self.rcv.edge;
        }
        // What the window field cannot express is not offered.
        let edge = self.rcv.nxt + ((room >> shift) << shift);
        edge.max(self.rcv.edge)
    }

    /// The user has read: whether the peer should hear of the larger window at once.
    pub(super) fn owes_window_update(&self) -> bool {
        if !self.state.receives_text() {
            return false;
        }
        let gained = self.next_edge().saturating_since(self.rcv.edge);
        let left = self.rcv.edge.saturating_since(self.rcv.nxt);
        // A window that is nearly closed holds the peer up; a larger one can wait for the next
        // acknowledgment, unless half the buffer has become free.
        gained > 0 && (left < 2 * self.snd.mss || 2 * gained >= self.largest_window())
    }

    /// Congestion control starts when the handshake has shown the path; with one segment if it
    /// showed a loss (RFC 6928 §2).
    pub(super) fn start_congestion(&mut self, now: Instant, retries: u32) {
        let initial_window = match retries {
            0 => self.config.initial_window,
            _ => 1,
        };
        self.congestion = self.factory.start(&self.start(now, initial_window));
    }

    /// What a congestion controller starts from: a window of so many segments, and what is known.
    fn start(&self, now: Instant, initial_window: u32) -> Start {
        Start {
            now,
            mss: self.snd.mss,
            initial_window,
            srtt: self.recovery.rtt.srtt(),
            validation: self.config.window_validation,
            seed: u64::from(self.snd.iss.wire()),
        }
    }

    /// Another congestion controller goes on from the window of the last one.
    pub fn set_congestion_control(&mut self, now: Instant, factory: &'static dyn Factory) {
        self.factory = factory;
        let mut next = factory.start(&self.start(now, self.config.initial_window));
        // Before that nothing has been learned; and a connection starts afresh once it is
        // established.
        if self.state.is_synchronized() {
            next.take_over(self.congestion.window(), self.congestion.ssthresh());
        }
        self.congestion = next;
        self.settle(now);
    }

    /// The name of the congestion controller.
    pub fn congestion_control(&self) -> &'static str {
        self.factory.name()
    }

    /// RFC 5681 §4.1: after a retransmission timeout without sending, the path is unknown again.
    /// RFC 7661 sees it otherwise, and the controller knows when.
    fn restart_after_idle(&mut self, now: Instant) {
        if self.flight_size() > 0 || !self.has_unsent() {
            return;
        }
        self.congestion.on_restart(now);
        let idle = now - self.last_sent > self.recovery.rtt.rto();
        let restarts = self.config.slow_start_after_idle && !self.config.window_validation;
        if idle && restarts {
            self.congestion.on_idle();
        }
    }
}
