//! Decides what the next segment carries (RFC 9293 §3.7, §3.8), without changing anything.
//!
//! [`Tcb::plan`] decides; "would send" and "sends" come from it alone. A retransmission is a
//! [`Plan::Resend`]; every other segment starts at SND.NXT, which never moves back.

use core::ops::Range;

use super::path_mtu::NextProbe;
use super::seq::Seq;
use super::state::State;
use super::tcb::{AckDue, Tcb};
use crate::config::EcnMode;

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
    /// A tail loss probe: from SND.NXT on, or the last segment again.
    TailProbe(Range<Seq>),
    /// From SND.NXT on, for the first time: text, and perhaps our FIN.
    Text(Range<Seq>),
    /// From SND.NXT on, for the first time: text that makes a probe of the path MTU.
    MtuProbe(Range<Seq>),
    /// `<SEQ=SND.UNA-1>`: the peer must answer, and nothing of ours is used up.
    Probe,
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    Ack,
    /// The same for what arrived before the marks changed, up to here.
    EarlierAck(Seq),
    /// The same for an earlier state, up to here, which the acknowledgment that follows does not
    /// report.
    AckApart(Seq),
}

impl Tcb {
    /// Whether a segment would leave now.
    pub fn would_send(&self) -> bool {
        self.plan(0).is_some()
    }

    /// Whether new text would leave now, or as soon as the pacer lets it.
    #[inline]
    pub(super) fn would_send_text(&self) -> bool {
        self.plan_fresh(0).is_some()
    }

    /// With nothing in flight: whether it is certain that text leaves, because the windows have room
    /// and nothing makes it wait.
    #[inline]
    pub(super) fn has_room_for_unsent(&self) -> bool {
        let nxt = self.snd.nxt;
        let unsent = self.send_buffer.end().saturating_since(nxt);
        let has_room = matches!(self.state, State::Established | State::CloseWait)
            && unsent > 0
            && unsent <= self.snd_edge().saturating_since(nxt)
            && unsent.min(self.segment_limit()) <= self.congestion_room()
            && !(self.gathers || self.config.socket.cork || self.parted)
            && self.next_mtu_probe() == NextProbe::No;
        debug_assert!(!has_room || self.would_send_text());
        has_room
    }

    /// The next segment, or super-segment of up to `limit` octets of text.
    ///
    /// The limit decides how much leaves at once, and never whether something does.
    pub(super) fn plan(&self, limit: usize) -> Option<Plan> {
        if let Some(seq) = self.refuse {
            return Some(Plan::Refuse(seq));
        }
        if self.reset_due {
            return Some(Plan::Reset);
        }
        // Each segment has a signature of its own, so a device cannot cut signed super-segments.
        let limit = if self.agreed.signed { 0 } else { limit };
        match self.state {
            State::Closed | State::Listen => None,
            _ if self.syn_due && self.snd.nxt == self.snd.iss => {
                Some(Plan::FirstSyn(self.syn_text_end()))
            }
            _ if self.syn_due => Some(Plan::Syn),
            State::SynSent => self.plan_resend(),
            // Text leaves this early only if the connection was opened by Fast Open.
            State::SynReceived => self
                .plan_resend()
                .or_else(|| self.plan_early_text())
                .or_else(|| self.plan_ack()),
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self
                .plan_handshake_ack()
                .or_else(|| self.feedback.earlier_ack().map(Plan::EarlierAck))
                .or_else(|| self.acks.apart.next().map(Plan::AckApart))
                .or_else(|| self.plan_paced(limit))
                .or_else(|| self.plan_tail_probe())
                .or_else(|| self.plan_probe())
                .or_else(|| self.plan_ack()),
        }
    }

    /// New text before the handshake has ended; lost text waits for its end.
    fn plan_early_text(&self) -> Option<Plan> {
        self.recovery.lost().is_none().then(|| self.plan_text(0))?
    }

    /// RFC 9768 §3.2.2.1: how the SYN,ACK arrived is reported before any text leaves.
    fn plan_handshake_ack(&self) -> Option<Plan> {
        self.feedback.owes_handshake_ack().then_some(Plan::Ack)
    }

    /// What waits for the pacer, if the connection is paced.
    fn plan_paced(&self, limit: usize) -> Option<Plan> {
        if self.is_held_by_pacer() && !self.leaves_together() {
            return None;
        }
        self.plan_forward()
            .or_else(|| self.plan_resend())
            .or_else(|| self.plan_fresh(limit))
    }

    /// The first segment of what was lost.
    #[inline]
    pub(super) fn plan_resend(&self) -> Option<Plan> {
        self.plan_resend_of(self.recovery.lost()?)
    }

    #[inline(never)]
    fn plan_resend_of(&self, lost: Range<Seq>) -> Option<Plan> {
        if lost.start == self.snd.iss {
            return Some(Plan::Resend(lost.start..lost.start + 1));
        }
        // Lost text of our SYN, or just behind it, waits for the handshake to end.
        if !self.state.is_synchronized() {
            return None;
        }
        let edge = self.edge_of_resends(lost.start)?;
        let text_end = match self.boundaries.packets() {
            Some(packets) => self.packet_again(packets, &lost, edge),
            None => lost.end.min(self.send_buffer.end()).min(edge),
        };
        let text_end = text_end.min(lost.start + self.segment_limit());
        let text_end = self.record_end(lost.start, text_end);
        // Our FIN goes with the last of the text, unless it was a segment of its own.
        let is_whole = self.snd.fin_alone && text_end - lost.start == self.segment_limit();
        let is_lost = lost.end > text_end || self.joins_fin(text_end, edge);
        let with_fin = self.snd.fin == Some(text_end) && is_lost && !is_whole;
        let end = text_end + usize::from(with_fin);
        let allowed = self.recovery.resends_regardless_of_window()
            || self.leaves_on_again(lost.start)
            || self.window_has_room(end - lost.start);
        allowed.then_some(Plan::Resend(lost.start..end))
    }

    /// Where a retransmission from `start` ends at the latest; `None` if it may not leave: see
    /// [`SendingHabits::resends_in_window`](crate::config::SendingHabits).
    pub(super) fn edge_of_resends(&self, start: Seq) -> Option<Seq> {
        let edge = self.snd_edge();
        match self.config.habits.sending.resends_in_window {
            true if start < edge => Some(edge),
            true if start > self.snd.una => None,
            _ => Some(self.send_buffer.end().max(start)),
        }
    }

    /// Whether a retransmission of this many octets may leave now.
    fn window_has_room(&self, len: usize) -> bool {
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let window = self.send_window();
        match self.recovery.is_proportional() {
            // RFC 9937 §6.2 counts in octets: a segment waits until there is room for all of it.
            true => in_flight + len <= window || in_flight == 0,
            false => in_flight < window,
        }
    }

    /// How many octets may be in flight now: cwnd, or the window that recovery allows.
    pub(super) fn send_window(&self) -> usize {
        let window = self.recovery.window(self.congestion.window());
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        match self.recovery.weight() {
            Some(weight) => (window / weight).max(1) * weight.get(),
            None => window,
        }
    }

    /// F-RTO sends new text in place of the retransmission after a timeout (RFC 5682 §3.1, 2b).
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
        let whole = self.config.habits.recovery.probes_whole_segments;
        if let Some(Plan::Text(range)) = self.plan_new()
            && !(whole && self.is_cut_by_window())
        {
            return Some(Plan::TailProbe(range));
        }
        // Our FIN takes no room in the segment.
        let text_end = last.end.min(self.send_buffer.end());
        let limit = self.segment_limit();
        let start = match self.boundaries.packets() {
            Some(packets) => self.last_of_packet(packets, last.start, text_end),
            None => self.record_start(last.start, text_end),
        };
        Some(Plan::TailProbe(
            match text_end.saturating_since(start) > limit {
                true if whole => start..start + limit,
                true => text_end.before(limit)..last.end,
                false => start..last.end,
            },
        ))
    }

    /// Whether the peer's window has no room for all of the next segment.
    fn is_cut_by_window(&self) -> bool {
        let nxt = self.snd.nxt;
        let next = self
            .send_buffer
            .end()
            .saturating_since(nxt)
            .min(self.segment_limit());
        self.snd_edge().saturating_since(nxt) < next
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
        let end = (self.boundaries.packets()).and_then(|packets| self.end_of_probe(packets));
        let end = end.map_or(nxt + len, |end| end.min(nxt + len));
        let len = self.record_end(nxt, end) - nxt;
        let fin = len == queued && self.snd.fin.is_some() && usable > len;
        (len > 0 || fin).then_some(Plan::Text(nxt..nxt + len + usize::from(fin)))
    }

    /// New text, if it may leave now: a probe of the path MTU, if one is due.
    #[inline]
    fn plan_fresh(&self, limit: usize) -> Option<Plan> {
        match self.has_unsent() {
            true => self.plan_unsent(limit),
            false => None,
        }
    }

    #[inline(never)]
    fn plan_unsent(&self, limit: usize) -> Option<Plan> {
        match self.next_mtu_probe() {
            NextProbe::No => self.plan_text(limit),
            NextProbe::Soon => None,
            NextProbe::Now(range) if self.record_end(range.start, range.end) < range.end => {
                self.plan_text(limit)
            }
            NextProbe::Now(range) => Some(Plan::MtuProbe(range)),
        }
    }

    /// New text, as much as one segment takes, if it may leave now; or several, as far as the limit
    /// goes and each of them may.
    fn plan_text(&self, limit: usize) -> Option<Plan> {
        if !self.has_unsent() {
            return None;
        }
        if let Some(packets) = self.boundaries.packets() {
            return self.plan_packet(packets, limit);
        }
        let nxt = self.snd.nxt;
        let queued = self.send_buffer.end() - nxt;
        let usable = self.snd_edge().saturating_since(nxt);
        let segment = self.segment_limit();
        let room = queued.min(self.congestion_room()).min(usable);
        let len = match room > segment && limit >= 2 * segment {
            true => self.super_segment(room.min(limit), queued, usable),
            false => room.min(segment),
        };
        let allowed = nxt + len;
        let end = self.record_end(nxt, allowed);
        let len = end - nxt;
        // A FIN takes a sequence number in the window, too, and waits for nothing else. A record
        // followed by another does not wait, either.
        let fin = len == queued && self.snd.fin.is_some() && usable > len && self.takes_fin(len);
        let worth_sending =
            fin || end < allowed || (len > 0 && self.is_worth_sending(len, queued, usable));
        worth_sending.then_some(Plan::Text(nxt..nxt + len + usize::from(fin)))
    }

    /// Whether our FIN may leave behind this many octets of text. Alone it is not text, to which cwnd
    /// would apply (RFC 5681 §3.1), unless it counts as a segment like any other
    /// ([`SendingHabits::fin_waits_for_window`](crate::config::SendingHabits)).
    pub(super) fn takes_fin(&self, len: usize) -> bool {
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let waits = self.config.habits.sending.fin_waits_for_window;
        let is_held = self.state == State::SynReceived && self.holds_fin();
        !is_held && (len > 0 || !waits || in_flight < self.send_window())
    }

    /// Whether segments may form one super-segment. What cannot be the same in each segment, or must be
    /// sent only once, requires a segment of its own: urgent data, SACK blocks, and CWR.
    pub(super) fn may_leave_as_one(&self) -> bool {
        self.snd.up.is_none_or(|up| up <= self.snd.nxt)
            && self.sack_room(self.accurate_ecn_len()) == 0
            && !self.tells_reduction()
    }

    /// How much of `room` octets, more than a segment, leaves as one super-segment: as much as
    /// would leave in successive segments.
    fn super_segment(&self, room: usize, queued: usize, usable: usize) -> usize {
        let segment = self.segment_limit();
        if !self.may_leave_as_one() {
            return segment;
        }
        let most = (room / segment).min(self.pacer_room().div_ceil(segment));
        let whole = most.max(1) * segment;
        let rest = queued - whole;
        let fits = rest < segment && whole + rest <= room && whole + rest <= self.pacer_room();
        match fits && self.is_worth_sending_next(rest, rest, usable - whole) {
            true => whole + rest,
            false => whole,
        }
    }

    /// Octets that the congestion window still lets out. While something is in flight, a segment
    /// is not cut to fit it.
    #[inline]
    pub(super) fn congestion_room(&self) -> usize {
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        // Our SYN is not text.
        let syn = match self.recovery.weight() {
            _ if !self.awaits_ack_of_syn() => 0,
            Some(weight) => weight.get(),
            None => 1,
        };
        let in_flight = in_flight.saturating_sub(syn);
        let room = self.send_window().saturating_sub(in_flight);
        let room = room
            .min(self.burst_room())
            .saturating_sub(self.weight_of_probe());
        if room < self.segment_limit() && in_flight > 0 {
            let queued = self.send_buffer.end().saturating_since(self.snd.nxt);
            return if queued <= room { room } else { 0 };
        }
        room
    }

    /// The longest text of the next segment: Eff.snd.MSS, less what SACK blocks and AccECN take.
    #[inline(always)]
    pub(super) fn segment_limit(&self) -> usize {
        let is_plain = self.sack_count() == 0 && self.feedback.mode() != EcnMode::Accurate;
        match is_plain && self.flight_limit().is_none() {
            true => self.snd.mss.max(1),
            false => self.segment_limit_beside_options(),
        }
    }

    #[inline(never)]
    fn segment_limit_beside_options(&self) -> usize {
        let accurate_ecn = self.accurate_ecn_len();
        let sack = match self.sack_room(accurate_ecn) {
            0 => 0,
            blocks => 4 + 8 * blocks,
        };
        let limit = self.snd.mss.saturating_sub(sack + accurate_ecn).max(1);
        (self.flight_limit()).map_or(limit, |most| most.min(limit))
    }

    /// The longest text of a segment in this flight, if an earlier segment of it carried SACK
    /// blocks.
    #[inline(always)]
    fn flight_limit(&self) -> Option<usize> {
        self.boundaries.packets()?.limit
    }

    /// First, urgent data is announced at the RCV.NXT of the peer, where it counts even with a closed
    /// window.
    fn plan_probe(&self) -> Option<Plan> {
        let tells = self.snd.up.is_some() && self.acks.due == AckDue::Now;
        let plan = if tells { Plan::Ack } else { Plan::Probe };
        self.probes.due.then_some(plan)
    }

    fn plan_ack(&self) -> Option<Plan> {
        (self.acks.due == AckDue::Now).then_some(Plan::Ack)
    }
}
