//! Statistics for STATUS, which influence nothing.

use core::ops::Range;
use core::time::Duration;

use super::recovery::RecoveryState;
use super::segment::{Segment, segments};
use super::seq::Seq;
use super::state::State;
use super::tcb::Tcb;
use crate::time::Instant;

/// Counters, and how time was spent.
#[derive(Clone, Debug)]
pub(super) struct Stats {
    pub(super) retransmissions: u64,
    /// Retransmission timeouts, once there was one.
    pub(super) timeouts: Option<Box<Timeouts>>,
    /// It was given up after its user had released it.
    pub(super) gave_up_alone: bool,
    pub(super) bytes_acked: u64,
    /// Something arrived ECN-capable.
    pub(super) ecn_seen: bool,
    /// Marked packets, as reported by the peer.
    pub(super) delivered_ce: u64,
    pub(super) segments_in: u64,
    pub(super) segments_out: u64,
    /// Those that a passive open sent before the end of the handshake.
    pub(super) uncounted: u16,
    /// Segments with text.
    pub(super) text_segments_in: u64,
    pub(super) text_segments_out: u64,
    /// Octets of text sent, and those of them sent again.
    pub(super) bytes_sent: u64,
    pub(super) bytes_resent: u64,
    /// Segments whose text lay beyond a gap.
    pub(super) beyond_gap: u64,
    /// What the window had no room for, until the host counts it.
    pub(super) overrun: Option<Overrun>,
    /// Segments that the peer reported as duplicates.
    pub(super) duplicates: u64,
    /// When text last arrived.
    pub(super) last_text_received: Instant,
    /// When an acknowledgment last arrived.
    pub(super) last_ack_received: Instant,
    /// How the time since `since` is spent.
    limit: Limit,
    since: Instant,
    spent: Spent,
}

/// Retransmission timeouts, and how long they lasted.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeouts {
    count: u64,
    /// How many were the first of several in a row.
    first: u64,
    /// How long it took until the text in question was acknowledged.
    spent: Duration,
    /// Since when the current one lasts.
    since: Option<Instant>,
}

/// How long each [`Limit`] has applied, in nanoseconds, each as one number, which is faster to add.
#[derive(Clone, Copy, Debug, Default)]
struct Spent([u64; 4]);

/// A segment that the window has no room for, or not for all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overrun {
    /// It ends beyond the right edge.
    BeyondWindow,
    /// Its text is also next in order, but the window is closed: a probe, or a peer that ignores
    /// the window.
    ZeroWindow,
}

/// What currently limits a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// There is nothing to do.
    Idle,
    /// The path, congestion control, or waiting for its turn.
    Path,
    /// The peer's window.
    Window,
    /// The user has more, but the send buffer has no room for it.
    Buffer,
}

/// How far an unknown path is assumed to reorder, in segments.
const USUAL_REORDERING: usize = 3;

/// How long a connection has had something to send or to be acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// In total.
    pub busy: Duration,
    /// The part of it in which the peer's window held text back.
    pub window_limited: Duration,
    /// The part of it in which everything in the full send buffer was sent, and the user had more.
    pub buffer_limited: Duration,
    /// The time from the first of several timeouts in a row until all that was then in flight was
    /// acknowledged.
    pub timed_out: Duration,
    /// The number of such series of timeouts.
    pub first_timeouts: u64,
}

impl Stats {
    /// All counts zero.
    pub(super) fn new(now: Instant) -> Stats {
        Stats {
            retransmissions: 0,
            timeouts: None,
            gave_up_alone: false,
            bytes_acked: 0,
            ecn_seen: false,
            delivered_ce: 0,
            segments_in: 0,
            segments_out: 0,
            uncounted: 0,
            text_segments_in: 0,
            text_segments_out: 0,
            bytes_sent: 0,
            bytes_resent: 0,
            beyond_gap: 0,
            overrun: None,
            duplicates: 0,
            last_text_received: now,
            last_ack_received: now,
            limit: Limit::Idle,
            since: now,
            spent: Spent::default(),
        }
    }

    /// How time was spent, up to `now`.
    pub(super) fn times(&self, now: Instant) -> Times {
        let mut so_far = self.clone();
        so_far.spend(now);
        let Spent([_, path, window, buffer]) = so_far.spent;
        let timeouts = self.timeouts.as_ref();
        Times {
            busy: Duration::from_nanos(path + window + buffer),
            window_limited: Duration::from_nanos(window),
            buffer_limited: Duration::from_nanos(buffer),
            timed_out: timeouts.map_or(Duration::ZERO, |timeouts| {
                let since = timeouts.since.map(|since| now - since);
                timeouts.spent + since.unwrap_or_default()
            }),
            first_timeouts: timeouts.map_or(0, |timeouts| timeouts.first),
        }
    }

    /// Counts a retransmission timeout, the first in a row or not, from `since` on.
    pub(super) fn count_timeout(&mut self, since: Instant, is_first: bool) {
        let timeouts = self.timeouts.get_or_insert_default();
        timeouts.count += 1;
        if is_first {
            timeouts.first += 1;
            timeouts.since = Some(since);
        }
    }

    /// How many there were.
    pub(super) fn timeouts(&self) -> u64 {
        self.timeouts.as_ref().map_or(0, |timeouts| timeouts.count)
    }

    /// Octets on the heap.
    pub(super) fn allocated(&self) -> usize {
        self.timeouts.as_ref().map_or(0, |_| size_of::<Timeouts>())
    }

    /// What was in flight at the last timeouts has been acknowledged.
    fn end_timeouts(&mut self, now: Instant) {
        if let Some(timeouts) = &mut self.timeouts
            && let Some(since) = timeouts.since.take()
        {
            timeouts.spent += now - since;
        }
    }

    /// The time up to `now` counts as spent.
    #[inline]
    fn spend(&mut self, now: Instant) {
        self.spent.0[self.limit as usize] += now.nanos_since(self.since);
        self.since = now;
    }
}

impl Tcb {
    /// The places of `range` have left, in segments of `mss` octets of text: `again`, or for the first
    /// time.
    pub(super) fn on_text_sent(
        &mut self,
        now: Instant,
        range: &Range<Seq>,
        mss: usize,
        again: bool,
    ) {
        self.pace_departure(now, range, again);
        if !again {
            self.on_burst_sent(range.end - range.start);
        }
        let counts = !again && self.config.habits.congestion.window_in_segments;
        if counts && range.start == self.snd.una {
            self.congestion.on_flight(now, now - self.last_sent);
        }
        let start = range.start.max(self.snd.iss + 1);
        let end = range.end.min(self.send_buffer.end());
        let octets = end.saturating_since(start) as u64;
        // Where packets are kept, a FIN alone is not text.
        if octets > 0 || range.start == self.snd.iss || !self.keeps_packets() {
            self.last_sent = now;
        }
        self.note_gathering(now);
        if octets > 0 {
            self.stats.text_segments_out += segments(octets as usize, mss) as u64;
        }
        self.stats.bytes_sent += octets;
        self.stats.bytes_resent += if again { octets } else { 0 };
        self.note_limit(now);
    }

    /// Text has left on our SYN, up to `end`.
    pub(super) fn count_syn_text(&mut self, end: Seq) {
        let octets = end - (self.snd.iss + 1);
        self.stats.bytes_sent += octets as u64;
        self.stats.text_segments_out += u64::from(octets > 0);
    }

    /// A retransmission timeout. For a passive open the time counts from the SYN.
    pub(super) fn note_timeout(&mut self, now: Instant) {
        let is_first = self.recovery.retries() == 0;
        let since = match self.state == State::SynReceived && self.passive {
            true => self.stats.last_ack_received,
            false => now,
        };
        self.stats.count_timeout(since, is_first);
    }

    /// Something new was acknowledged.
    #[inline]
    pub(super) fn note_progress(&mut self, now: Instant) {
        if self.stats.timeouts.is_some() && self.recovery.state() != RecoveryState::Loss {
            self.stats.end_timeouts(now);
        }
    }

    /// An OPEN has been completed by `seg`. For a passive one, what was sent before does not count, nor
    /// what has arrived besides its SYN, because there was no connection yet.
    pub(super) fn count_from_handshake(&mut self, now: Instant, seg: &Segment<'_>) {
        self.stats.end_timeouts(now);
        if self.passive && !self.opening.is_child {
            let segments = seg.segments() as u64;
            self.stats.segments_in = 1 + segments;
            self.stats.text_segments_in = if seg.text.is_empty() { 0 } else { segments };
        }
        let before = match self.opening.is_child {
            true => self.syn_acks_sent(),
            false if self.passive => self.stats.segments_out,
            false => 0,
        };
        self.stats.uncounted = u16::try_from(before).unwrap_or(u16::MAX);
    }

    /// How often the interval at which something is sent again, or the window probed, was doubled.
    pub(super) fn doublings(&self) -> u32 {
        let config = &self.config;
        match self.state {
            State::SynSent => (self.recovery.retries()).saturating_sub(config.syn_linear_retries),
            _ => {
                let doublings = self.recovery.rtt.doublings();
                // Equal timeouts are not doubled, and a doubling may be undone.
                let is_linear = config.socket.linear_timeouts && doublings == 0;
                let retries = match is_linear || self.recovery.rtt.tells_doublings() {
                    true => 0,
                    false => self.recovery.retries(),
                };
                doublings.max(retries).max(self.probes.persisted)
            }
        }
    }

    /// How far the path reorders, in segments; if it is not known to reorder, 0 or the assumed value.
    pub(super) fn reordering(&self) -> usize {
        let mss = self.snd.mss;
        let assumed = match usize::from(self.config.habits.recovery.more_duplicates) {
            0 => 0,
            more => USUAL_REORDERING + more,
        };
        self.recovery.reordering(mss).div_ceil(mss).max(assumed)
    }

    /// Segments that do not count, because they were sent before there was a connection, including the
    /// SYN,ACK of Fast Open.
    pub(super) fn sent_before(&self) -> u64 {
        match self.opening.is_child && self.stats.uncounted == 0 {
            true => self.syn_acks_sent(),
            false => self.stats.uncounted.into(),
        }
    }

    /// How often our SYN,ACK has been sent before the end of the handshake: nothing else is sent
    /// again then.
    fn syn_acks_sent(&self) -> u64 {
        self.stats.segments_out.min(1 + self.stats.retransmissions)
    }

    /// From now on time counts for what holds text back now.
    #[inline(always)]
    pub(super) fn note_limit(&mut self, now: Instant) {
        let limit = self.limit();
        if limit != self.stats.limit {
            self.stats.spend(now);
            self.stats.limit = limit;
        }
    }

    #[inline]
    fn limit(&self) -> Limit {
        if self.send_buffer.len() == 0 || !self.state.sends_text() {
            return Limit::Idle;
        }
        self.limit_of_text()
    }

    /// The same, while there is text that is not acknowledged.
    fn limit_of_text(&self) -> Limit {
        let unsent = self.unsent();
        let usable = self.snd_edge().saturating_since(self.snd.nxt);
        let is_bound_by_window = || match self.boundaries.packets() {
            Some(packets) => self.is_packet_bound_by_window(packets),
            None => usable < unsent.min(self.segment_limit()),
        };
        if unsent > 0 && is_bound_by_window() {
            Limit::Window
        } else if unsent == 0 && self.starved && self.is_bound_by_buffer() {
            Limit::Buffer
        } else {
            Limit::Path
        }
    }

    /// Whether a full send buffer, whose text is all in flight, limits the connection. In Linux that holds
    /// until a third of it is free, and only if something waited to leave when it became full, and the
    /// congestion window is not in use.
    fn is_bound_by_buffer(&self) -> bool {
        match self.boundaries.packets() {
            Some(packets) => packets.is_bound() && !self.uses_window(0),
            None => !self.has_send_room(),
        }
    }

    /// How long the connection has had something to do up to `now`, and what limited it.
    pub fn times(&self, now: Instant) -> Times {
        self.stats.times(now)
    }
}
