//! Header prediction (V. Jacobson, 1990): where nothing is amiss, what arrives next is the next
//! text in order, or acknowledges what is in flight; and then most of the steps of SEGMENT ARRIVES
//! have nothing to do.
//!
//! What [`Tcb::predicts`], [`Tcb::take_predicted`] does in place of the eight steps (RFC 9293
//! §3.10.7.4), and leaves the same `Tcb`: the unit tests of this crate, its simulated worlds
//! included, take every such segment both ways.
//!
//! ```text
//! first    SEG.SEQ = RCV.NXT, the text lies in the window, the timestamp is not old
//! second   no RST
//! fourth   no SYN
//! fifth    SND.UNA =< SEG.ACK =< SND.NXT, no SACK, no marks, and nothing was lost or reordered
//! sixth    no URG
//! seventh  nothing lies beyond a gap, and there is memory
//! eighth   no FIN, now or before
//! ```

use super::congestion::Ack;
use super::segment::segments;
use super::seq::Seq;
use super::state::State;
use super::tcb::Tcb;
use crate::config::EcnMode;
use crate::time::Instant;
use crate::wire::{Arrived, Control, Ecn, TcpHeader};

impl Tcb {
    /// Whether a segment is one of the two that are expected.
    pub(super) fn predicts(&self, now: Instant, header: &TcpHeader, text: &[u8]) -> bool {
        let ack = self.snd.una.near(header.ack);
        self.config.header_prediction
            && self.state == State::Established
            && header.control - Control::PSH == Control::ACK
            && header.seq == self.rcv.nxt.wire()
            && self.snd.una <= ack
            && ack <= self.snd.nxt
            && (self.snd.una < ack || !text.is_empty())
            && self.predicts_options(now, header)
            && self.predicts_text(text)
            && self.recovery.is_calm()
    }

    fn predicts_options(&self, now: Instant, header: &TcpHeader) -> bool {
        let options = &header.options;
        let timestamp_fits = match options.timestamps {
            Some(timestamps) => {
                self.agreed.timestamps && !self.timestamps.is_old(now, timestamps.val)
            }
            None => !self.agreed.timestamps,
        };
        timestamp_fits
            && options.sack.is_empty()
            && options.accurate_ecn.is_none()
            && self.feedback.mode() == EcnMode::Off
    }

    fn predicts_text(&self, text: &[u8]) -> bool {
        let takes_text = !self.orphan
            && self.recv_buffer.is_in_order()
            && text.len() <= self.rcv.edge.saturating_since(self.rcv.nxt)
            && self.memory_for_text(0, text.len()) == text.len();
        self.rcv.fin.is_none() && (text.is_empty() || takes_text)
    }

    /// What the steps do with a segment that [`Tcb::predicts`].
    pub(super) fn take_predicted(
        &mut self,
        now: Instant,
        ecn: Ecn,
        header: &TcpHeader,
        text: Arrived<'_>,
        mss: usize,
    ) {
        let seq = self.rcv.nxt;
        self.stats.segments_in += segments(text.len(), mss) as u64;
        self.last_received = now;
        self.probes.keepalives = 0;
        self.take_predicted_ack(now, self.snd.una.near(header.ack));
        let shift = self.agreed.window_scale.map_or(0, |(peer, _)| peer);
        self.update_send_window(usize::from(header.window) << shift, seq, self.snd.una);
        if let Some(timestamps) = header.options.timestamps {
            let last_ack_sent = self.rcv.last_ack_sent;
            (self.timestamps).on_segment(now, timestamps.val, seq, last_ack_sent);
        }
        self.stats.ecn_seen |= ecn.is_capable();
        if !text.is_empty() {
            self.take_next_text(now, text, mss, &header.options);
        }
    }

    fn take_predicted_ack(&mut self, now: Instant, ack: Seq) {
        self.probes.unanswered = 0;
        self.stats.last_ack_received = now;
        self.note_app_limit();
        let (una, nxt) = (self.snd.una, self.snd.nxt);
        if ack == una {
            self.recovery.on_no_news();
            self.limit_burst(0);
            return;
        }
        let in_flight = self.flight_size();
        let news = self.recovery.on_predicted_ack(now, ack);
        self.congestion.on_ack(&Ack {
            now,
            acked: (ack - una) as u64,
            delivered: news.octets as u64,
            lost: 0,
            ce: 0,
            una: ack,
            nxt,
            in_flight: in_flight as u64,
            window_limited: self.uses_window(in_flight),
            srtt: self.recovery.rtt.srtt(),
            rtt: Some(news.rtt),
            min_rtt: self.recovery.rtt.min_rtt(),
            rate: news.rate,
            recovering: false,
        });
        self.limit_burst(news.octets);
        self.advance_una(now, ack);
        self.arm_recovery_timer();
    }
}

/// In tests every segment that is expected goes both ways.
#[cfg(test)]
impl Tcb {
    /// A copy that takes the segment by the steps.
    pub(super) fn after_the_steps(
        &self,
        now: Instant,
        ecn: Ecn,
        header: &TcpHeader,
        text: &[u8],
        mss: usize,
    ) -> Tcb {
        let mut tcb = self.clone();
        let discard = tcb.take_by_the_steps(now, ecn, header, text, mss);
        assert_eq!(discard, None, "{header:?}");
        tcb
    }

    /// Every field is the same.
    pub(super) fn assert_same_as(&self, other: &Tcb) {
        assert!(self.send_buffer == other.send_buffer, "the send buffer");
        assert!(self.recv_buffer == other.recv_buffer, "the receive buffer");
        // Their octets are too many to be printed.
        let rest = |tcb: &Tcb| {
            let mut tcb = tcb.clone();
            tcb.send_buffer.clear();
            tcb.recv_buffer.discard();
            tcb.recv_buffer.settle();
            format!("{tcb:#?}")
        };
        assert_eq!(rest(self), rest(other));
    }
}
