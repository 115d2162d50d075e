//! Whether less than a full segment may be sent: Nagle's algorithm, and the sender's side of silly
//! window avoidance (RFC 9293 §3.7.4, §3.8.6.2.1).

use core::ops::Range;

use super::segment::Segment;
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::Nagle;
use crate::wire::Control;

/// If the window was never larger than this, a segment may fill it.
const SMALL_WINDOW: usize = 536;
/// A segment may have this much of any window.
const LEAST_OF_WINDOW: usize = 48;

impl Tcb {
    /// Nagle and the sender's side of silly window avoidance (RFC 9293 §3.7.4, §3.8.6.2.1), rules
    /// (1) to (4). All text is pushed.
    pub(super) fn is_worth_sending(&self, len: usize, queued: usize, usable: usize) -> bool {
        let idle = self.snd.nxt == self.snd.una.max(self.snd.iss + 1);
        self.is_worth(len, queued, usable, idle)
    }

    /// As [`Tcb::is_worth_sending`], for what follows in the same super-segment: what precedes it
    /// is then in flight.
    pub(super) fn is_worth_sending_next(&self, len: usize, queued: usize, usable: usize) -> bool {
        self.is_worth(len, queued, usable, false)
    }

    /// `idle`: nothing is in flight.
    fn is_worth(&self, len: usize, queued: usize, usable: usize, idle: bool) -> bool {
        // Corked text waits for more text, and longer than for an acknowledgment; but not if the
        // window has no room for more.
        let corked =
            (self.config.socket.cork || self.parted) && self.snd.fin.is_none() && queued < usable;
        let lets_through = self.nagle_lets_through();
        // Urgent data does not wait, and neither does what follows until it is acknowledged.
        let is_urgent = self.snd.up.is_some();
        let nagle_allows = is_urgent
            || (!corked
                && (idle || lets_through || self.config.socket.nodelay || self.snd.fin.is_some()));
        len >= self.segment_limit()
            || (nagle_allows && len == queued)
            || (nagle_allows
                && 2 * queued.min(usable) >= self.snd.max_wnd
                && !self.config.habits.sending.halves_windows)
            || self.probes.push_due
    }

    /// Whether less than a segment may leave in spite of what is in flight.
    #[inline]
    pub(super) fn nagle_lets_through(&self) -> bool {
        match self.config.nagle {
            Nagle::Everything => false,
            Nagle::Small => self.snd.small <= self.snd.una,
            Nagle::Write => {
                let alone = &self.snd.alone;
                alone.start == self.snd.una && self.send_buffer.end() <= alone.end
            }
        }
    }

    /// The text of a SEND waits in the buffer.
    #[inline]
    pub(super) fn note_send(&mut self, range: &Range<Seq>) {
        if self.config.nagle == Nagle::Write
            && range.start == self.snd.nxt
            && self.snd.nxt == self.snd.una
        {
            self.snd.alone = range.clone();
        }
    }

    /// A segment arrives: what a SEND of a part has left no longer waits for the rest, with
    /// [`SendingHabits::arrivals_end_parts`](crate::config::SendingHabits).
    #[inline]
    pub(super) fn end_part(&mut self) {
        if self.parted && self.config.habits.sending.arrivals_end_parts {
            self.parted = false;
        }
    }

    /// Whether a segment has text in order, and nothing else: in Linux such segments take a fast path.
    pub(super) fn brings_text_alone(&self, ack: Seq, seg: &Segment<'_>) -> bool {
        ack == self.snd.una
            && seg.wnd == self.snd.wnd
            && !seg.text.is_empty()
            && seg.seq == self.rcv.nxt
            && !seg.ctl.any(Control::FIN | Control::URG)
            && self.recv_buffer.is_in_order()
    }

    /// How long a segment may be by the largest window there was: see
    /// [`SendingHabits::halves_windows`](crate::config::SendingHabits).
    pub(super) fn most_of_window(&self) -> usize {
        match self.config.habits.sending.halves_windows {
            true => self.half_of_window(),
            false => usize::MAX,
        }
    }

    /// Half of the largest window so far, or all of it if that was small; without limit before the first
    /// window.
    pub(super) fn half_of_window(&self) -> usize {
        match self.snd.max_wnd {
            0 => usize::MAX,
            wnd if wnd > SMALL_WINDOW => wnd / 2,
            wnd => wnd.max(LEAST_OF_WINDOW),
        }
    }

    /// The peer's window is the largest so far.
    #[cold]
    pub(super) fn grow_largest_window(&mut self, wnd: usize) {
        let before = self.most_of_window();
        self.snd.max_wnd = wnd;
        if before <= self.snd.mss || self.most_of_window() < self.snd.mss {
            let (mss, cwnd) = (self.snd.mss as u64, self.congestion.window());
            self.set_effective_mss();
            if self.config.habits.congestion.counts_segments && self.snd.mss as u64 > mss {
                // The same number of segments as before.
                let window = cwnd / mss * self.snd.mss as u64;
                let ssthresh =
                    (self.congestion.ssthresh() / mss).saturating_mul(self.snd.mss as u64);
                self.congestion.take_over(window, ssthresh);
            }
        }
    }

    /// Our answer to the peer's SYN is acknowledged. If segments have half of the largest window, only
    /// windows from now on count. A connection opened by Fast Open has used that of the SYN before.
    pub(super) fn forget_window_of_syn(&mut self) {
        let is_forgotten = self.passive && !self.opening.is_child;
        if is_forgotten && self.config.habits.sending.halves_windows {
            self.snd.max_wnd = 0;
            self.set_effective_mss();
        }
    }

    /// New text leaves in segments of `mss` octets: remembers the end of one that is not full.
    pub(super) fn note_small(&mut self, range: &Range<Seq>, mss: usize) {
        let len = range.end - range.start;
        let is_small = match len > mss {
            true => !len.is_multiple_of(mss),
            false => len < self.segment_limit(),
        };
        if is_small && self.config.nagle == Nagle::Small {
            self.snd.small = range.end;
        }
    }
}
