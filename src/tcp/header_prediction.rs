//! Header prediction (V. Jacobson, 1990): in the normal case, the next segment to arrive has the
//! next text in order, or acknowledges what is in flight. Then most of the steps of SEGMENT ARRIVES
//! have nothing to do.
//!
//! If [`Tcb::predicts`] a segment, [`Tcb::take_predicted`] processes it in place of the eight steps
//! (RFC 9293 §3.10.7.4), and leaves the same `Tcb`: the unit tests of this crate, including its
//! simulated worlds, process every such segment both ways.
//!
//! ```text
//! first    SEG.SEQ = RCV.NXT, the text lies in the window, the timestamp is not old
//! second   no RST
//! fourth   no SYN
//! fifth    SND.UNA =< SEG.ACK =< SND.NXT, no SACK, no marks, and nothing was lost or reordered
//! sixth    no URG
//! seventh  nothing lies beyond a gap, there is memory, and it is not packets that count
//! eighth   no FIN, now or before
//! ```
//!
//! If a segment is not expected, for example a FIN, its acknowledgment often is: then the fifth step takes
//! the fast path for it ([`Tcb::take_calm_ack`]).

use super::congestion::Ack;
use super::segment::{Segment, segments};
use super::seq::Seq;
use super::state::State;
use super::tcb::{AckDue, Tcb};
use super::text::AboutText;
use crate::config::EcnMode;
use crate::time::Instant;
use crate::wire::{Arrived, Ecn, Plain, PlainHeader};

/// What may follow from a segment that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MayFollow {
    /// There may be something new to send: an acknowledgment of it, or text that it lets out.
    pub answer: bool,
    /// More or less may be allocated than before.
    pub allocation: bool,
}

/// The contents of an expected segment.
#[derive(Clone, Copy)]
struct Expected<'a> {
    header: &'a PlainHeader,
    /// SEG.ACK.
    ack: Seq,
}

impl Tcb {
    /// As [`Tcb::super_segment_arrives`], for a plain segment. Does everything if it was expected, and
    /// nothing if not (`None`).
    //
    // Never inlined: the functions that it calls have no other caller, and are inlined here.
    #[inline(never)]
    pub fn expects_plain(
        &mut self,
        now: Instant,
        ecn: Ecn,
        header: &PlainHeader,
        text: Arrived<'_>,
        mss: usize,
    ) -> Option<MayFollow> {
        let expected = self.predicts(now, header, text.len())?;
        #[cfg(test)]
        let by_the_steps = self.after_the_steps(now, ecn, header, &text, mss);
        #[cfg(test)]
        let landing = self.after_landing(now, ecn, header, text, mss);
        let before = self.mostly_allocated();
        // If memory is plentiful, no other allocation changes, except for text that is kept.
        let others_change =
            text.memory_size().is_some() || self.read_shut || !self.allowance.plenty;
        let unsent = self.take_predicted(now, ecn, expected, 0, text, mss);
        self.settle_predicted(now, unsent);
        #[cfg(test)]
        self.assert_same_as(&by_the_steps);
        #[cfg(test)]
        if let Some((landed, after)) = landing {
            let mut read = self.clone();
            assert_eq!(read.recv(now, &mut vec![0; landed]), Ok(landed));
            read.assert_same_as(&after);
        }
        Some(MayFollow {
            answer: unsent > 0 || self.acks.due == AckDue::Now,
            allocation: others_change || self.mostly_allocated() != before,
        })
    }

    /// Octets allocated for text to be sent, for its records, and for received text in the ring.
    #[inline(always)]
    fn mostly_allocated(&self) -> usize {
        self.send_buffer.allocated() + self.recovery.allocated() + self.recv_buffer.ring_size()
    }

    /// As [`Tcb::expects_plain`], for a segment whose text begins in the buffer of its reader,
    /// where this many octets have `landed`, and ends with `rest`. What has landed counts as read.
    /// Does nothing if the segment was not expected, or other text must be read first.
    pub fn expects_landed(
        &mut self,
        now: Instant,
        ecn: Ecn,
        header: &PlainHeader,
        landed: usize,
        rest: Arrived<'_>,
        mss: usize,
    ) -> bool {
        if !self.may_land() {
            return false;
        }
        let Some(expected) = self.predicts(now, header, landed + rest.len()) else {
            return false;
        };
        self.take_predicted(now, ecn, expected, landed, rest, mss);
        self.on_read(now);
        true
    }

    /// The octets of headers that the next text in order is expected to have; `None` if it is not
    /// expected to land in the buffer of its reader.
    pub fn headers_of_landing(&self) -> Option<usize> {
        let headers = Plain::headers(self.tuple.local.is_ipv4(), self.agreed.timestamps);
        (self.steady && self.may_land()).then_some(headers)
    }

    /// Whether the text that the user reads next is the next to arrive in order, and requires no
    /// other action.
    fn may_land(&self) -> bool {
        self.recv_buffer.holds_nothing()
            && !self.recv_buffer.is_lent()
            && !self.read_shut
            && self.urgent_mark().is_none()
    }

    /// Prediction depends on state that expected segments do not change, and few other events do. So it
    /// is evaluated after those events, not for each segment.
    pub(super) fn look_ahead(&mut self) {
        self.steady = self.is_steady();
    }

    /// See [`Tcb::look_ahead`].
    pub(super) fn is_steady(&self) -> bool {
        self.state == State::Established
            && self.rcv.fin.is_none()
            && !self.agreed.signed
            && self.config.socket.min_hop_limit == 0
            && self.is_calm()
    }

    /// Whether sending is in its normal state, in which an acknowledgment only says how far the text has
    /// arrived.
    fn is_calm(&self) -> bool {
        self.config.header_prediction
            && !self.config.habits.congestion.counts_segments
            && self.feedback.mode() == EcnMode::Off
            && self.recovery.is_calm(self.snd.una)
    }

    /// Whether the acknowledgment of a segment that is not expected by itself, a FIN for example, is one that
    /// [`Tcb::take_calm_ack`] takes.
    pub(super) fn takes_calmly(&self, ack: Seq, seg: &Segment<'_>) -> bool {
        self.is_calm()
            && self.snd.una > self.snd.iss
            && (ack > self.snd.una || !seg.is_empty())
            && seg.options.sack.is_empty()
    }

    /// Does the part of [`Tcb::take_any_ack`] that the normal case requires.
    pub(super) fn take_calm_ack(&mut self, now: Instant, ack: Seq) {
        self.stats.last_ack_received = now;
        self.note_app_limit();
        let (in_flight, waits) = (self.flight_size(), self.has_unsent());
        if ack > self.snd.una {
            self.take_predicted_news(now, ack, in_flight, waits);
        } else {
            self.recovery.on_no_news();
            self.limit_burst(0, waits);
        }
    }

    /// Whether a segment is one of the two that are expected.
    //
    // Always inlined, like the others: each of the two callers passes a constant that makes a part
    // of it unnecessary.
    #[inline(always)]
    fn predicts<'a>(
        &self,
        now: Instant,
        header: &'a PlainHeader,
        text: usize,
    ) -> Option<Expected<'a>> {
        let ack = self.snd.una.near(header.ack);
        let is_expected = self.steady
            && header.seq == self.rcv.nxt.wire()
            && self.snd.una <= ack
            && ack <= self.snd.nxt
            && (self.snd.una < ack || text > 0)
            && self.predicts_timestamps(now, header)
            && (text == 0 || self.predicts_text(text));
        is_expected.then_some(Expected { header, ack })
    }

    fn predicts_timestamps(&self, now: Instant, header: &PlainHeader) -> bool {
        match header.timestamps {
            Some(timestamps) => {
                let lifetime = self.config.acceptance.timestamp_lifetime;
                self.agreed.timestamps && !self.timestamps.is_older(now, timestamps.val, lifetime)
            }
            None => !self.agreed.timestamps,
        }
    }

    /// `text`: octets of it.
    //
    // Always inlined, like its caller.
    #[inline(always)]
    fn predicts_text(&self, text: usize) -> bool {
        !self.orphan
            && !self.opening.is_watched()
            && self.recv_buffer.is_in_order()
            && text <= self.rcv.edge.saturating_since(self.rcv.nxt)
            && self.memory_for_text(0, text) == text
            && self.rcv.memory.is_none()
    }

    /// Does what the steps would do with a segment that [`Tcb::predicts`]. This many octets of its
    /// text have `landed`, and `text` is the rest. Returns how many octets of our own wait to be
    /// sent.
    #[inline(always)]
    fn take_predicted(
        &mut self,
        now: Instant,
        ecn: Ecn,
        Expected { header, ack }: Expected<'_>,
        landed: usize,
        text: Arrived<'_>,
        mss: usize,
    ) -> usize {
        let seq = self.rcv.nxt;
        let len = landed + text.len();
        // The user has not closed, so nothing else waits.
        let unsent = self.send_buffer.end().saturating_since(self.snd.nxt);
        self.stats.segments_in += segments(len, mss) as u64;
        self.last_received = now;
        self.probes.keepalives = 0;
        self.take_predicted_ack(now, ack, unsent);
        let shift = self.agreed.window_scale.map_or(0, |(peer, _)| peer);
        self.update_send_window(usize::from(header.window) << shift, seq, self.snd.una);
        if let Some(timestamps) = header.timestamps {
            self.timestamps
                .on_segment(now, timestamps.val, seq, self.rcv.last_ack_sent);
        }
        self.stats.ecn_seen |= ecn.is_capable();
        if len > 0 {
            self.stats.text_segments_in += segments(len, mss) as u64;
            let about = AboutText {
                mss,
                echo: header.timestamps.map(|timestamps| timestamps.ecr),
                is_pushed: header.is_pushed,
                old: 0,
            };
            self.take_next_text(now, landed, text, about);
        }
        unsent
    }

    /// `unsent`: how many octets of our own wait to be sent.
    #[inline(always)]
    fn take_predicted_ack(&mut self, now: Instant, ack: Seq, unsent: usize) {
        self.probes.unanswered = 0;
        self.end_part();
        self.stats.last_ack_received = now;
        // Nothing is lost or reported beyond a gap.
        let in_flight = self.flight_size();
        if unsent < self.snd.mss && (in_flight as u64) < self.congestion.window() {
            self.recovery.on_app_limited(in_flight);
        }
        let waits = unsent > 0;
        if ack == self.snd.una {
            self.recovery.on_no_news();
            self.limit_burst(0, waits);
            return;
        }
        self.take_predicted_news(now, ack, in_flight, waits);
    }

    /// `ack` is beyond SND.UNA, and `in_flight` octets were in flight; `waits`: text of our own waits to
    /// be sent.
    //
    // Never inlined: this leaves more registers to text that comes without news.
    #[inline(never)]
    fn take_predicted_news(&mut self, now: Instant, ack: Seq, in_flight: usize, waits: bool) {
        let (una, nxt) = (self.snd.una, self.snd.nxt);
        let news = self.recovery.on_predicted_ack(now, una, ack);
        let mut told = Ack {
            now,
            acked: (ack - una) as u64,
            delivered: news.octets as u64,
            lost: 0,
            ce: 0,
            una: ack,
            nxt,
            in_flight: in_flight as u64,
            window_limited: self.uses_window(in_flight),
            round_trips: self.recovery.rtt.round_trips(news.rtt),
            rate: None,
            after_timeout: false,
            recovering: false,
        };
        if self.congestion.looks_at_rate() && news.samples_rate {
            told.rate = self.recovery.last_rate();
        }
        self.congestion.on_ack(&told);
        self.limit_burst(news.octets, waits);
        self.advance_una(now, ack);
        self.arm_recovery_timer();
    }
}

/// In tests every expected segment is processed both ways.
#[cfg(test)]
impl Tcb {
    /// A copy that processes the segment by the steps.
    pub(super) fn after_the_steps(
        &self,
        now: Instant,
        ecn: Ecn,
        header: &PlainHeader,
        text: &[u8],
        mss: usize,
    ) -> Tcb {
        let mut tcb = self.clone();
        let (from, to) = (self.tuple.remote.port(), self.tuple.local.port());
        let full = header.full(from, to);
        let discard = tcb.take_by_the_steps(now, ecn, &full, text, mss);
        assert_eq!(discard, None, "{header:?}");
        tcb
    }

    /// A copy that processes the acknowledgment like any other.
    pub(super) fn after_any_ack(&self, now: Instant, ack: Seq, seg: &Segment<'_>) -> Tcb {
        let mut tcb = self.clone();
        tcb.take_any_ack(now, ack, seg);
        tcb
    }

    /// A copy for which half of the text has landed in the reader's buffer, and how much that is.
    fn after_landing(
        &self,
        now: Instant,
        ecn: Ecn,
        header: &PlainHeader,
        text: Arrived<'_>,
        mss: usize,
    ) -> Option<(usize, Tcb)> {
        let (landed, rest) = text.octets().split_at(text.len().div_ceil(2));
        let mut tcb = self.clone();
        let expects = !landed.is_empty()
            && tcb.expects_landed(now, ecn, header, landed.len(), text.part(rest), mss);
        expects.then_some((landed.len(), tcb))
    }

    /// Every field is the same.
    pub(super) fn assert_same_as(&self, other: &Tcb) {
        assert!(self.send_buffer == other.send_buffer, "the send buffer");
        assert!(self.recv_buffer == other.recv_buffer, "the receive buffer");
        // The buffers have too many octets to be printed.
        let rest = |tcb: &Tcb| {
            let mut tcb = tcb.clone();
            tcb.send_buffer.clear();
            tcb.recv_buffer.discard();
            tcb.recv_buffer.settle();
            // A timer may have been armed and disarmed again.
            tcb.timers.settle();
            format!("{tcb:#?}")
        };
        assert_eq!(rest(self), rest(other));
    }
}
