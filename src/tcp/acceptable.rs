//! The first step of SEGMENT ARRIVES: whether a segment is acceptable, what is cut off, and the answer to
//! one that is not (RFC 9293 §3.10.7.4, RFC 5961).

use super::discard::Discard;
use super::input::Step;
use super::segment::Segment;
use super::state::State;
use super::tcb::{AckDue, Tcb};
use crate::config::Resets;
use crate::time::Instant;
use crate::wire::{Control, Text};

impl Tcb {
    /// First: the segment must lie in the window, and is trimmed to it.
    pub(super) fn check_sequence(&mut self, now: Instant, seg: &mut Segment<'_>) -> Step {
        if seg.ctl.has(Control::RST) {
            return self.check_reset_sequence(now, seg);
        }
        if self.state == State::SynReceived && seg.ctl.has(Control::SYN) {
            self.check_repeated_syn(now, seg)?;
        }
        self.check_timestamp(now, seg)?;
        self.note_overrun(seg);
        if !self.is_acceptable(seg) {
            if seg.seq + 1 == self.rcv.nxt {
                // MUST-26: a peer that probes us is alive.
                self.hear_of_peer(now);
            }
            let takes = self.takes_recent_duplicate(seg);
            if !takes || !seg.is_empty() {
                self.answer_unacceptable(now, seg);
                self.restart_time_wait(now, seg);
            }
            if !takes {
                self.take_late_timestamp(now, seg);
                return Step::Break(Discard::NotAcceptable);
            }
            // Only its acknowledgment is of use.
            seg.advance(self.rcv.nxt.saturating_since(seg.seq));
            (seg.text, seg.ctl) = (Text::EMPTY, seg.ctl - Control::FIN);
        }
        self.refuse_overrun(seg)?;
        self.hear_of_peer(now);
        self.trim(seg);
        Step::Continue(())
    }

    /// The peer is alive: keepalive sends no probe before another idle time is over (RFC 9293
    /// §3.8.4).
    fn hear_of_peer(&mut self, now: Instant) {
        self.last_received = now;
        self.probes.keepalives = 0;
    }

    /// RFC 5961 §3: a reset outside the window is dropped silently. It is never trimmed.
    fn check_reset_sequence(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        let (nxt, edge) = (self.rcv.nxt, self.true_edge());
        let at_edge = seg.seq == edge && self.config.acceptance.resets == Resets::AlsoBehindHeld;
        let in_window = seg.seq == nxt || (nxt < seg.seq && seg.seq < edge) || at_edge;
        let fits = in_window || self.is_reset_at_fin(seg) || self.is_recent_reset(seg);
        // RFC 1337 §3, (F1): a reset must not cut TIME-WAIT short. If it may, it must be exact.
        let waits = self.state == State::TimeWait
            && (self.config.time_wait_ignores_resets || seg.seq != self.rcv.nxt);
        if !fits && self.state == State::FinWait2 && self.ends_lightly() {
            self.challenge(now);
        }
        match fits && !waits && !self.is_nonsense(seg) {
            true => Step::Continue(()),
            false => Step::Break(Discard::ResetIgnored),
        }
    }

    /// In SYN-RECEIVED the SYN that brought us here may arrive again: our answer was lost, and is
    /// sent again, but no more often than a challenge ACK. The SYN may come with an acknowledgment,
    /// when both sides opened at once (§3.5, figure 7).
    fn check_repeated_syn(&mut self, now: Instant, seg: &mut Segment<'_>) -> Step {
        if Some(seg.seq) != self.rcv.irs || self.passive != seg.ack.is_none() {
            return Step::Continue(());
        }
        if self.passive {
            if self.takes_repeated_syn(seg) {
                self.syn_due |= self.may_challenge(now);
            }
            return Step::Break(Discard::RepeatedSyn);
        }
        // The rest of it is acceptable, as appendix A.2 suggests: its acknowledgment counts.
        seg.advance(1);
        seg.ctl = seg.ctl - Control::SYN;
        Step::Continue(())
    }

    /// PAWS (RFC 7323 §5.3, R1); and, where they are required, that there are timestamps (§3.2).
    fn check_timestamp(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        let Some(timestamps) = seg.options.timestamps.filter(|_| self.agreed.timestamps) else {
            let is_wrong = self.agreed.timestamps && self.config.acceptance.timestamps_required;
            return match is_wrong {
                true => Step::Break(Discard::Paws),
                false => Step::Continue(()),
            };
        };
        let acceptance = &self.config.acceptance;
        if !self.timestamps.is_old(now, timestamps.val, acceptance) {
            return Step::Continue(());
        }
        self.answer_unacceptable(now, seg);
        Step::Break(Discard::Paws)
    }

    /// Table 6, with the allowances of §3.10.7.4 and appendix A.2: a segment without text may also
    /// lie at the right edge, so that acknowledgments of a peer that has used up its window count;
    /// and a segment at RCV.NXT passes a closed window without its text (MUST-66).
    fn is_acceptable(&self, seg: &Segment<'_>) -> bool {
        let (nxt, edge) = (self.rcv.nxt, self.true_edge());
        if seg.is_empty() {
            return nxt <= seg.seq && seg.seq <= edge;
        }
        let starts_inside = nxt <= seg.seq && seg.seq < edge;
        let ends_inside = nxt < seg.end() && seg.end() <= edge;
        let covers = seg.seq < nxt && edge < seg.end() && nxt < edge;
        let is_inside = starts_inside || ends_inside || covers;
        is_inside || (seg.seq == nxt && nxt == edge) || self.is_at_edge(seg)
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`. A segment with text is always answered, because its
    /// sender waits for that. Others are answered at a limited rate; otherwise two confused peers
    /// would answer each other for ever (RFC 5961 §7).
    fn answer_unacceptable(&mut self, now: Instant, seg: &Segment<'_>) {
        let waited = self.acks.due != AckDue::No || seg.end() >= self.rcv.last_ack_sent;
        if seg.ctl.has(Control::SYN) || seg.is_empty() {
            self.challenge(now);
            self.note_repeated_syn_ack(seg);
            return;
        }
        self.acks.due = AckDue::Now;
        let is_reported = !seg.text.is_empty()
            || (self.config.habits.reports_fins && self.state != State::TimeWait);
        if seg.end() <= self.rcv.nxt && is_reported {
            self.feedback.on_unheard();
            // RFC 2883 §4: an old duplicate is reported, its FIN with it.
            self.note_old_duplicate(seg.seq..seg.end(), seg.mss);
        }
        if seg.seq < self.rcv.nxt {
            self.hurry_after_duplicate(waited);
        }
    }

    /// Eighth step, TIME-WAIT: the peer's FIN arrived again, so the peer waits for our
    /// acknowledgment.
    fn restart_time_wait(&mut self, now: Instant, seg: &Segment<'_>) {
        let is_fin = seg.ctl.has(Control::FIN) && seg.end() == self.rcv.nxt;
        let restarts = is_fin || (self.ends_lightly() && seg.ack.is_some());
        if self.state == State::TimeWait && restarts {
            self.start_two_msl(now);
        }
    }

    /// Sends a challenge ACK (RFC 5961), limited for each connection separately (§7, and
    /// CVE-2016-5696).
    pub(super) fn challenge(&mut self, now: Instant) {
        if self.may_challenge(now) {
            self.acks.due = AckDue::Now;
        }
    }

    /// The handshake is over: answers in it do not count against the limit, with
    /// [`Handshakes::answers_plainly`](crate::config::Handshakes::answers_plainly).
    pub(super) fn forget_challenges(&mut self) {
        if self.answers_plainly() {
            self.acks.challenged = None;
        }
    }

    /// Whether the limit allows another answer; if so, counts it.
    fn may_challenge(&mut self, now: Instant) -> bool {
        let interval = self.config.challenge_interval;
        let allowed = self.acks.challenged.is_none_or(|at| now - at >= interval);
        if allowed {
            self.acks.challenged = Some(now);
        }
        allowed
    }

    /// Cuts off what lies left and right of the window. A SYN that is in the window stays, to be
    /// seen by [`Tcb::check_syn`]; in a synchronized state it stays wherever it is (RFC 5961 §4.2). In TIME-WAIT
    /// nothing is taken, and whether there was anything decides on the answer.
    pub(super) fn trim(&mut self, seg: &mut Segment<'_>) {
        let has_syn = seg.ctl.has(Control::SYN) && self.state.is_synchronized();
        if has_syn || self.state == State::TimeWait {
            return;
        }
        self.cut_at_edge(seg);
        if seg.seq < self.rcv.nxt {
            let places = self.rcv.nxt - seg.seq;
            let mut old = places;
            if seg.ctl.has(Control::SYN) {
                seg.ctl = seg.ctl - Control::SYN;
                old -= 1;
            }
            let cut = old.min(seg.text.len());
            if cut > 0 {
                let start = seg.seq;
                self.note_old_duplicate(start..start + cut, seg.mss);
            }
            seg.text = seg.text.slice(cut, seg.text.len());
            seg.advance(places);
        }
        let fits = self.edge_of_text().saturating_since(seg.text_start());
        if seg.text.len() > fits {
            // A closed window accepts nothing. A FIN needs no room, but the text before it does.
            seg.text = seg.text.slice(0, fits);
            seg.ctl = seg.ctl - Control::FIN;
        }
    }
}
