//! The seventh step of SEGMENT ARRIVES: the segment text, and when to acknowledge it (RFC 9293
//! §3.10.7.4, §3.8.6.3).

use core::ops::Range;

use super::discard::Discard;
use super::error::ConnectionError;
use super::handshake::own_mss;
use super::input::Step;
use super::readiness::Readiness;
use super::recv_buffer::Inserted;
use super::segment::Segment;
use super::seq::Seq;
use super::state::{Event, State};
use super::tcb::{AckDue, QUICK_ACKS, Tcb};
use super::timers::Timer;
use crate::config::QuickAcks;
use crate::time::{Duration, Instant};
use crate::wire::{Arrived, Control, Text};

/// With a window of less than two segments, this many segments are acknowledged at once.
const LEAST_QUICK_ACKS: u8 = 2;

/// A tick of the clock, by which an acknowledgment is delayed that waits for nothing else.
const TICK: Duration = Duration::from_millis(1);

/// What the header of a segment says about its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct AboutText {
    /// Octets in each segment, if several have arrived as one.
    pub(super) mss: usize,
    /// SEG.TSecr.
    pub(super) echo: Option<u32>,
    /// PSH.
    pub(super) is_pushed: bool,
    /// Octets before it that had already arrived.
    pub(super) old: usize,
}

impl Tcb {
    /// Seventh: the segment text, which began at `first` before it was trimmed.
    pub(super) fn process_text(&mut self, now: Instant, seg: &mut Segment<'_>, first: Seq) -> Step {
        if !self.state.receives_text() || (seg.text.is_empty() && !self.shows_text(seg)) {
            return Step::Continue(());
        }
        let is_refused = self.config.socket.refuses_text && self.snd.fin.is_some();
        if self.orphan || is_refused {
            // RFC 9293 §3.6.1 (SHLD-3): no user will read this, and the peer must know. The peer
            // expects next what it has acknowledged, so the reset has that sequence number (RFC
            // 5961 §3).
            let told = (!self.orphan).then_some(ConnectionError::Reset);
            self.end(Event::Abort, told);
            self.refuse = seg.ack;
            return Step::Break(Discard::TextAfterClose);
        }
        let covers_fin = self.cut_at_fin(seg);
        let start = seg.text_start();
        let old = start.saturating_since(first);
        self.fit_into_memory(seg, old)?;
        self.set_acks_apart(&(start..start + seg.text.len()), seg.mss);
        let about = AboutText {
            mss: seg.mss,
            echo: seg.options.timestamps.map(|timestamps| timestamps.ecr),
            is_pushed: seg.ctl.has(Control::PSH),
            old,
        };
        let held = self.held_before_fin();
        self.take_text(now, start, seg.text, about);
        if covers_fin {
            self.acks.due = AckDue::Now;
        }
        if let Some(held) = held.filter(|held| held.end == self.rcv.nxt + 1) {
            self.recv_buffer.note_old_duplicate(held);
        }
        // It may go beyond the window, with `Habits::refuses_overruns`.
        self.rcv.edge = self.rcv.edge.max(self.rcv.nxt);
        Step::Continue(())
    }

    /// In FIN-WAIT-1 and FIN-WAIT-2, the held range before a FIN beyond a gap, with that FIN: Linux
    /// acknowledges a FIN there before it forgets what it had reported. See
    /// [`Habits::reports_fins`](crate::config::Habits::reports_fins).
    #[inline]
    fn held_before_fin(&self) -> Option<Range<Seq>> {
        let is_reported = self.agreed.sack && self.config.habits.reports_fins;
        let waits = matches!(self.state, State::FinWait1 | State::FinWait2);
        let fin = self.rcv.fin.filter(|_| waits && is_reported)?;
        Some(self.recv_buffer.with_fin(fin..fin, Some(fin)))
    }

    /// Whether a FIN beyond a gap shows that text was sent that no user will read: see
    /// [`Habits::light_ending`](crate::config::Habits::light_ending).
    fn shows_text(&self, seg: &Segment<'_>) -> bool {
        let is_beyond = seg.ctl.has(Control::FIN) && seg.seq > self.rcv.nxt;
        is_beyond && self.orphan && self.config.habits.light_ending
    }

    /// Text that lies in the window goes into the receive buffer.
    #[inline]
    pub(super) fn take_text(&mut self, now: Instant, at: Seq, text: Text<'_>, about: AboutText) {
        self.count_packet(now, at.before(about.old), about.old + text.len(), &about);
        let inserted = self.recv_buffer.insert(at, text);
        self.order_packets();
        self.text_taken(now, text.len(), inserted, about);
        if inserted.touched_gap && inserted.in_order > 0 {
            self.clock_sender();
        }
    }

    /// The next text in order stays where it arrived, or goes into the receive buffer. This many
    /// octets before it have `landed` in the buffer of their reader, and count as read.
    #[inline(always)]
    pub(super) fn take_next_text(
        &mut self,
        now: Instant,
        landed: usize,
        text: Arrived<'_>,
        about: AboutText,
    ) {
        let len = landed + text.len();
        self.recv_buffer.pass(landed);
        let kept = if self.may_keep(text) {
            text.keep()
        } else {
            None
        };
        let inserted = match kept {
            _ if text.is_empty() => Inserted::in_order(0),
            Some(kept) => self.recv_buffer.keep(kept),
            None => self.recv_buffer.append(text.octets()),
        };
        let in_order = landed + inserted.in_order;
        let inserted = Inserted {
            in_order,
            ..inserted
        };
        self.text_taken(now, len, inserted, about);
    }

    /// Follows up `text` octets that are now in the receive buffer.
    #[inline(always)]
    fn text_taken(&mut self, now: Instant, text: usize, inserted: Inserted, about: AboutText) {
        let AboutText { mss, echo, .. } = about;
        self.rcv.mss = self.rcv.mss.max(text.min(mss));
        self.rcv.nxt = self.recv_buffer.next();
        self.sample_round_trip(now, text, inserted.in_order, echo);
        self.schedule_ack(now, text, inserted, about.is_pushed);
        if inserted.in_order > 0 {
            self.stats.last_text_received = now;
            self.watch_text();
            self.feedback.on_heard();
            if self.read_shut {
                self.recv_buffer.discard();
            }
            self.readiness |= Readiness::READABLE;
        } else {
            self.stats.beyond_gap += u64::from(inserted.touched_gap);
            // If packets count, each of those beyond a gap has its own time.
            if self.rcv.memory.is_none() {
                self.stats.last_text_received = now;
            }
        }
    }

    /// Cuts off text for which there is no memory: it is not acknowledged, and so sent again. A FIN
    /// does not count before all that precedes it.
    fn fit_into_memory(&mut self, seg: &mut Segment<'_>, old: usize) -> Step {
        if !self.has_memory_for(seg.text_start().before(old), old + seg.text.len()) {
            return Step::Break(Discard::NoMemory);
        }
        let ahead = seg.text_start().saturating_since(self.rcv.nxt);
        let fits = self.memory_for_text(ahead, seg.text.len());
        if fits < seg.text.len() {
            seg.text = seg.text.slice(0, fits);
            seg.ctl = seg.ctl - Control::FIN;
            self.acks.due = AckDue::Now;
            if fits == 0 {
                return Step::Break(Discard::NoMemory);
            }
        }
        Step::Continue(())
    }

    /// When to acknowledge text (RFC 9293 §3.8.6.3, RFC 5681 §4.2).
    #[inline(always)]
    fn schedule_ack(&mut self, now: Instant, text: usize, inserted: Inserted, is_pushed: bool) {
        match self.acks.timing.is_some() || self.rcv.memory.is_some() {
            true => self.schedule_ack_with_more(now, text, inserted, is_pushed),
            false => self.schedule_ack_as::<false>(now, text, inserted, is_pushed),
        }
    }

    #[inline(never)]
    fn schedule_ack_with_more(
        &mut self,
        now: Instant,
        text: usize,
        inserted: Inserted,
        is_pushed: bool,
    ) {
        self.schedule_ack_as::<true>(now, text, inserted, is_pushed);
    }

    /// The same; `WITH_MORE`: acknowledgments have an [`AckTiming`](super::ack_delay::AckTiming), or
    /// packets count.
    #[inline(always)]
    fn schedule_ack_as<const WITH_MORE: bool>(
        &mut self,
        now: Instant,
        text: usize,
        inserted: Inserted,
        is_pushed: bool,
    ) {
        self.acks.unacknowledged += text;
        let (full_sized, enough) = match &self.rcv.memory {
            // More than one full-sized segment.
            Some(memory) if WITH_MORE => (memory.segment(), memory.segment() + 1),
            _ => (self.full_sized(), 2 * self.full_sized()),
        };
        // RFC 5681 §4.1: a sender that was silent for longer than RTO starts slowly.
        let by_answers = self.config.quick_acks == QuickAcks::UntilAnswering;
        if inserted.in_order > 0 || !by_answers {
            let before = self.acks.received.replace(now);
            if WITH_MORE && inserted.in_order > 0 {
                self.follow_interval(now, before);
            }
            if by_answers && before.is_none_or(|at| self.recovery.rtt.expiry(at) < now) {
                self.acks.quick = self.first_quick_acks();
            }
        }
        if WITH_MORE {
            self.hurry_by_memory();
        }
        let quick = self.acks.at_once();
        self.acks.quick = self.acks.quick.saturating_sub(1);
        let is_earned = self.config.delayed_ack.is_none()
            || (self.acks.due == AckDue::Delayed && self.config.ack_waits.end_with_second)
            || (self.acks.unacknowledged >= enough && self.may_hurry())
            || (self.config.ack_waits.end_early && self.has_nearly_waited(now));
        let has_gap = inserted.touched_gap || inserted.had_duplicate;
        let may_be_held = has_gap && !(inserted.had_duplicate && inserted.in_order > 0);
        if WITH_MORE && may_be_held && !is_earned && !quick && self.holds_sack(now) {
            return;
        }
        if WITH_MORE && let Some(timing) = &mut self.acks.timing {
            let is_due = self.acks.due == AckDue::Now;
            timing.hurries = quick && !is_earned && !has_gap && !is_due;
        }
        let at_once = is_earned || quick || has_gap;
        if at_once {
            self.acks.due = AckDue::Now;
        } else {
            if self.config.ack_waits.end_with_reading && (is_pushed || text < full_sized) {
                self.acks.ends = (self.acks.ends + 1).min(2);
            }
            self.delay_ack(now);
        }
    }

    /// SHLD-19: every second full-sized segment. Full-sized means as long as the peer sends, with a
    /// minimum, so that a peer that sends little at a time is not acknowledged every second time. If
    /// packets count, it is if all that it sends is that small.
    #[inline(always)]
    fn full_sized(&self) -> usize {
        self.rcv
            .mss
            .max(536)
            .min(usize::from(own_mss(&self.config, self.path)))
    }

    /// A gap is filled: the peer has reduced its window, and sends only as acknowledgments arrive.
    /// With three segments in flight, it would wait for the delayed acknowledgment of the third.
    fn clock_sender(&mut self) {
        if self.config.quick_acks == QuickAcks::UntilSending {
            self.acks.quick = QUICK_ACKS;
        }
    }

    /// When to acknowledge a FIN, alone or behind text: the user may close at once, and our FIN then carries the
    /// acknowledgment.
    pub(super) fn schedule_ack_of_fin(&mut self, now: Instant, is_alone: bool) {
        let waits = self.config.ack_waits;
        let after_text = waits.hold_fin_after_text && self.acks.received.is_some();
        let may_wait = match waits {
            _ if waits.answer_fin || self.config.delayed_ack.is_none() => false,
            _ if waits.hold_fin_after_text => after_text,
            _ => is_alone && (waits.hold_fin || !self.acks.at_once()),
        };
        self.acks.answering |= waits.hold_fin_after_text;
        let is_first = self.acks.received.is_none() && is_alone;
        if waits.hold_fin_after_text && is_first && self.config.delayed_ack.is_some() {
            self.acks.due = AckDue::Delayed;
            self.timers.arm(Timer::DelayedAck, now + TICK);
            return;
        }
        // The text before it alone would have been acknowledged at once only because
        // acknowledgments hurry.
        if after_text && !is_alone && self.acks.hurries() {
            self.acks.due = AckDue::No;
        }
        match may_wait && (is_alone || self.acks.due != AckDue::Now) {
            true => self.delay_ack(now),
            false => self.acks.due = AckDue::Now,
        }
    }

    /// How many segments in a row are acknowledged at once, with [`QuickAcks::UntilAnswering`].
    fn first_quick_acks(&self) -> u8 {
        let memory = self.rcv.memory.as_ref();
        let segment = memory.map_or(self.rcv.mss, |memory| memory.segment());
        match self.window_told() / (2 * segment.max(1)) {
            0 => LEAST_QUICK_ACKS,
            pairs => pairs.min(usize::from(QUICK_ACKS)) as u8,
        }
    }

    /// Acknowledges up to `most` of the next segments with text at once, although the user answers: the
    /// peer has had no acknowledgment yet, or may send only little.
    pub(super) fn hurry_acks(&mut self, most: u8) {
        if self.config.quick_acks != QuickAcks::UntilAnswering {
            return;
        }
        self.acks.quick = self.acks.quick.max(self.first_quick_acks().min(most));
        self.acks.expect_no_answer();
        self.wait_shortly();
    }

    /// After a duplicate acknowledgments do not wait. Its own answer is one of them if one `waited` anyway, or if the
    /// duplicate ends no earlier than what was acknowledged last, as on Linux, the only host that hurries so.
    pub(super) fn hurry_after_duplicate(&mut self, waited: bool) {
        self.hurry_acks(QUICK_ACKS);
        if self.config.quick_acks == QuickAcks::UntilAnswering && waited {
            self.acks.quick = self.acks.quick.saturating_sub(1);
        }
    }

    /// Whether an acknowledgment waits, and less than a quarter of its time is left.
    fn has_nearly_waited(&self, now: Instant) -> bool {
        let soon = now + self.ack_delay() / 4;
        !self.acks.are_held() && self.timers.is_due_by(Timer::DelayedAck, soon)
    }

    /// Whether two full-sized segments are acknowledged at once: see
    /// [`AckWaits::hold_smaller_window`](crate::config::AckWaits::hold_smaller_window).
    #[inline(always)]
    fn may_hurry(&self) -> bool {
        !self.config.ack_waits.hold_smaller_window || self.may_hurry_though_unread()
    }

    /// See [`SocketOptions::receive_low_water`](crate::config::SocketOptions::receive_low_water).
    #[inline(never)]
    fn may_hurry_though_unread(&self) -> bool {
        let is_awaited = self.recv_buffer.len() < self.config.socket.receive_low_water;
        is_awaited || !self.has_smaller_window()
    }

    /// Whether the window to advertise now is smaller than the last one.
    fn has_smaller_window(&self) -> bool {
        let window = match &self.rcv.memory {
            Some(memory) => self.window_of_memory(memory),
            None => self.next_edge().saturating_since(self.rcv.nxt),
        };
        window < self.window_told()
    }

    /// Sets whether to acknowledge text at once from now on, until the user answers, as at the
    /// start of a connection. A waiting acknowledgment leaves. Returns whether there was one.
    pub fn quick_ack(&mut self, now: Instant, quick: bool) -> bool {
        let waited = self.acks.due != AckDue::No;
        let by_answers = self.config.quick_acks == QuickAcks::UntilAnswering;
        // In that mode this only notes whether the user answers.
        if !by_answers {
            self.acks.quick = if quick { QUICK_ACKS } else { 0 };
        }
        match quick {
            true => self.acks.expect_no_answer(),
            false => self.acks.answering = true,
        }
        let waits_for_more = by_answers && self.recv_buffer.len() > 0;
        if quick && self.acks.due == AckDue::Delayed && !waits_for_more {
            self.acks.due = AckDue::Now;
        }
        self.settle(now);
        waited
    }

    /// Whether text is acknowledged at once now.
    pub fn is_quick(&self) -> bool {
        match self.config.quick_acks {
            QuickAcks::UntilAnswering => !self.acks.answering,
            QuickAcks::UntilSending | QuickAcks::Never => self.acks.quick > 0,
        }
    }

    #[inline(always)]
    pub(super) fn delay_ack(&mut self, now: Instant) {
        match self.acks.due {
            AckDue::No => {
                self.acks.due = AckDue::Delayed;
                self.timers.arm(Timer::DelayedAck, now + self.ack_delay());
            }
            AckDue::Delayed if self.acks.timing.is_some() => self.shorten_ack_delay(now),
            AckDue::Delayed | AckDue::Now => {}
        }
    }

    /// An acknowledgment that already waits may have to leave sooner.
    #[inline(never)]
    fn shorten_ack_delay(&mut self, now: Instant) {
        let until = now + self.ack_delay();
        if self.config.ack_waits.follow_intervals
            && !self.timers.is_due_by(Timer::DelayedAck, until)
        {
            self.timers.arm(Timer::DelayedAck, until);
        }
    }
}
