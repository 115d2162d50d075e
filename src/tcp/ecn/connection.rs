//! How the rest of a connection uses ECN: what each segment carries, what arrives, and what
//! congestion control is told.

use super::{Acknowledged, Carrier, Congestion, Feedback, Marks};
use crate::config::EcnMode;
use crate::tcp::congestion::Loss;
use crate::tcp::plan::Plan;
use crate::tcp::recovery::{Acknowledgment, Flight, RecoveryState, Report};
use crate::tcp::segment::Segment;
use crate::tcp::state::Event;
use crate::tcp::tcb::{AckDue, Tcb};
use crate::time::Instant;
use crate::wire::{Control, Ecn, Options, SackBlocks};

/// After a mark this many segments are acknowledged at once, if acknowledgments hurry at all.
const QUICK_ACKS_OF_MARKS: u8 = 2;

impl Tcb {
    /// What kind of segment the next one is.
    pub(in crate::tcp) fn carrier(&self, plan: &Plan) -> Carrier {
        match plan {
            Plan::Reset if self.config.habits.resets_report => Carrier::Other,
            Plan::Refuse(_) | Plan::Reset => Carrier::Reset,
            Plan::FirstSyn(_) | Plan::Syn => self.carrier_of_syn(),
            Plan::Resend(range) if range.start == self.snd.iss => self.carrier_of_syn(),
            Plan::Text(range) | Plan::MtuProbe(range) | Plan::TailProbe(range)
                if self.snd.nxt <= range.start && range.start < self.send_buffer.end() =>
            {
                Carrier::NewText
            }
            Plan::Ack | Plan::AckApart(_) => Carrier::PureAck,
            Plan::EarlierAck(_) => Carrier::EarlierAck,
            Plan::Resend(_)
            | Plan::Text(_)
            | Plan::MtuProbe(_)
            | Plan::TailProbe(_)
            | Plan::Probe => Carrier::Other,
        }
    }

    fn carrier_of_syn(&self) -> Carrier {
        match self.rcv.irs {
            Some(_) => Carrier::SynAck,
            None => Carrier::Syn,
        }
    }

    /// What a segment that leaves now carries of ECN.
    pub(in crate::tcp) fn marks(&self, now: Instant, carrier: Carrier) -> Marks {
        let room = match (self.feedback.mode(), carrier) {
            (EcnMode::Off | EcnMode::Classic, _) => 0,
            (EcnMode::Accurate, Carrier::SynAck) => {
                Options::MAX_LEN - self.syn_options(now, true).wire_len()
            }
            (EcnMode::Accurate, _) => self.accurate_ecn_room(),
        };
        self.feedback.marks(carrier, room)
    }

    /// Whether the next new text has CWR. A device that cuts a super-segment leaves it on the first
    /// segment only: right for RFC 3168, and not for a counter (RFC 9768 §3.2.2) of which it is a bit.
    pub(in crate::tcp) fn tells_reduction(&self) -> bool {
        let marks = self.feedback.marks(Carrier::NewText, 0);
        marks.flags.has(Control::CWR)
    }

    /// Octets that the other options leave for an AccECN option. It gives way to two SACK blocks
    /// (RFC 9768 §3.2.3.3); further SACK blocks give way to it.
    fn accurate_ecn_room(&self) -> usize {
        let always = self.agreed.options();
        let sack = match self.sack_count().min(2) {
            0 => 0,
            _ if !self.agreed.sack => 0,
            blocks => 4 + 8 * blocks,
        };
        Options::MAX_LEN.saturating_sub(always + sack)
    }

    /// Octets that an AccECN option takes of the next segment with text.
    pub(in crate::tcp) fn accurate_ecn_len(&self) -> usize {
        if self.feedback.mode() != EcnMode::Accurate {
            return 0;
        }
        let marks = self
            .feedback
            .marks(Carrier::NewText, self.accurate_ecn_room());
        marks.option_len()
    }

    /// How many SACK blocks the next segment has room for besides an AccECN option of this many
    /// octets: four, or three with timestamps (RFC 2018 §3), and fewer with both.
    pub(in crate::tcp) fn sack_room_beside(&self, accurate_ecn: usize) -> usize {
        let always = self.agreed.options();
        let room = (Options::MAX_LEN - 4).saturating_sub(always + accurate_ecn);
        (room / 8).min(SackBlocks::MAX)
    }

    /// The peer's SYN arrives again in SYN-RECEIVED. If it asks for something else than the first
    /// one, the two ends could disagree about the feedback (RFC 9768 §3.1.5): the connection is
    /// reset, and false returned.
    pub(in crate::tcp) fn takes_repeated_syn(&mut self, seg: &Segment<'_>) -> bool {
        let contradicts = self.feedback.on_repeated_syn(seg.ctl, seg.ecn);
        if contradicts {
            self.reset_due = true;
            self.end(Event::Abort, None);
        }
        !contradicts
    }

    /// An unacceptable segment is being answered. If it is a repeated SYN,ACK, the answer says how
    /// that arrived (RFC 9768 §3.2.2.1), unless it has to carry SACK blocks.
    pub(in crate::tcp) fn note_repeated_syn_ack(&mut self, seg: &Segment<'_>) {
        let is_syn_ack = seg.ctl.has(Control::SYN)
            && !self.passive
            && Some(seg.seq) == self.rcv.irs
            && seg.ack == Some(self.snd.iss + 1);
        if is_syn_ack && self.acks.due == AckDue::Now && self.sack_count() == 0 {
            self.feedback.on_repeated_syn_ack(seg.ctl, seg.ecn);
        }
    }

    /// A segment has proved acceptable: marks on it count, but not those of text behind the peer's FIN, which is not
    /// taken.
    pub(in crate::tcp) fn take_marks(&mut self, seg: &Segment<'_>) {
        let is_behind_fin = !seg.text.is_empty() && !self.state.receives_text();
        if is_behind_fin && self.feedback.mode() == EcnMode::Classic {
            return;
        }
        let is_late = self.stats.ecn_seen && seg.ecn == Ecn::NotEct;
        let is_fresh = self.feedback.is_fresh_mark(seg);
        if !seg.text.is_empty() && (is_fresh || is_late && self.feedback.mode() != EcnMode::Off) {
            // The peer has reduced its window, or is about to; or it has sent this again.
            self.hurry_acks(QUICK_ACKS_OF_MARKS);
        }
        self.stats.ecn_seen |= seg.ecn.is_capable();
        let counted = self.feedback.mode() == EcnMode::Classic && self.congestion.counts_marks();
        let at_once = match counted {
            true => {
                let waits = self.rcv.last_ack_sent < self.rcv.nxt && self.recv_buffer.is_in_order();
                (self.feedback).on_counted_segment(seg, waits.then_some(self.rcv.nxt))
            }
            false => (self.feedback).on_segment(seg, self.acks.unacknowledged > 0),
        };
        if at_once {
            self.acks.due = AckDue::Now;
        }
    }

    /// What an acknowledgment newly reports about marks.
    pub(in crate::tcp) fn hear_of_marks(
        &mut self,
        ack: &Acknowledgment,
        report: &Report,
        seg: &Segment<'_>,
    ) -> Congestion {
        let of_syn = ack.una == self.snd.iss;
        // On a SYN the three flags negotiate. When both sides have opened at once, neither knows
        // whether the first segment answers its SYN,ACK: the counters catch up later.
        let is_late = self.config.habits.congestion.marks_need_flight
            && self.feedback.mode() == EcnMode::Classic
            && ack.una == ack.nxt;
        if self.feedback.mode() == EcnMode::Off || of_syn && !self.passive || is_late {
            return Congestion::default();
        }
        // Without SACK, and between gaps, more may have arrived than the peer reports.
        let tells_all = self.agreed.sack && seg.options.sack.is_empty();
        let unacknowledged = self.recovery.counts().unacked as u64;
        let acknowledged = Acknowledged {
            ack: ack.ack,
            nxt: ack.nxt,
            octets: report.delivered.saturating_sub(usize::from(of_syn)),
            segments: report.segments.saturating_sub(u64::from(of_syn)),
            untold: if tells_all { 0 } else { unacknowledged },
            mss: ack.mss,
            counted: self.congestion.counts_marks(),
            of_syn_ack: of_syn,
            is_newest: self.feedback.is_newest(report.delivered > 0, ack.echo),
        };
        let congestion = self.feedback.on_ack(seg, &acknowledged);
        self.stats.delivered_ce += congestion.packets;
        congestion
    }

    /// Congestion control answers marks once for a window of data (RFC 3168 §6.1.2).
    pub(in crate::tcp) fn answer_marks(
        &mut self,
        congestion: Congestion,
        ack: &Acknowledgment,
        flight: Flight,
        delivered: usize,
    ) {
        if congestion.packets > 0 && self.marks_begin_window(ack) {
            let before = self.congestion.window();
            self.congestion.on_ecn(&Loss {
                now: ack.now,
                in_flight: self.flight_to_reduce(flight),
            });
            if self.config.ecn.proportional && !self.congestion.governs_recovery() {
                let ssthresh = self.congestion.ssthresh();
                self.recovery
                    .reduce_for_marks(ssthresh, before, ack, delivered);
            }
        }
    }

    /// Whether marks are the first of their window. If they reduce it gradually, an earlier reduction must
    /// be over.
    fn marks_begin_window(&mut self, ack: &Acknowledgment) -> bool {
        let is_over =
            !self.recovery.is_reducing(ack.ack) && self.recovery.state() != RecoveryState::Loss;
        if self.config.ecn.proportional && is_over {
            self.feedback.end_window();
        }
        self.feedback.begins_window(ack.ack, ack.nxt)
    }

    /// The handshake is over. Its own segments are never ECN-capable, but may have been marked.
    pub(in crate::tcp) fn answer_marked_syn(&mut self, now: Instant) {
        if self.feedback.take_syn_marked()
            && self.feedback.begins_window(self.snd.una, self.snd.nxt)
        {
            self.congestion.on_ecn(&Loss { now, in_flight: 0 });
        }
    }
}

impl Feedback {
    /// Whether a segment has the first mark since the peer reported that it reduced its window.
    pub(in crate::tcp) fn is_fresh_mark(&self, seg: &Segment<'_>) -> bool {
        self.mode == EcnMode::Classic && self.classic.is_fresh_mark(seg.ctl, seg.ecn)
    }
}
