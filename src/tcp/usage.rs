//! Whether the congestion window is in use: one that is not filled does not grow (RFC 9438 §4.2,
//! RFC 7661 §1).
//!
//! Acknowledgments often come together, and nothing leaves between them. So each finds less in flight than
//! the one before, although there is enough to send. Whether the window is in use depends on what was in
//! flight when everything that could leave had left.

use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::{Pacing, WindowUse};

/// How much was in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Usage {
    /// The whole window was in flight.
    full: bool,
    /// With [`WindowUse::LastWindow`], or if text waits for the pacer: the most octets in flight since the
    /// last window was sent (or segments, if these count). Otherwise: the octets in flight when everything
    /// that could leave had left, or zero if no text had to wait then.
    most: u32,
    /// When this is acknowledged, the next window begins.
    until: Seq,
}

impl Usage {
    pub(super) fn new(iss: Seq) -> Usage {
        Usage {
            full: false,
            most: 0,
            until: iss,
        }
    }
}

impl Tcb {
    /// Text has left for the first time.
    pub(super) fn note_window_use(&mut self) {
        if self.config.window_use != WindowUse::LastWindow && !self.fills_window_late() {
            return;
        }
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let full = in_flight + self.snd.mss > self.send_window();
        let flight = match self.recovery.weight() {
            Some(_) => self.recovery.counts().unacked,
            None => self.flight_size(),
        };
        let most = u32::try_from(flight).unwrap_or(u32::MAX);
        let usage = &mut self.usage;
        if self.snd.una >= usage.until || full || (!usage.full && most > usage.most) {
            *usage = Usage {
                full,
                most,
                until: self.snd.nxt,
            };
        }
    }

    /// Everything that may leave has left.
    #[inline]
    pub(super) fn note_flight(&mut self) {
        if self.counts_last_flight() {
            let in_flight = match self.has_unsent() {
                true => self.recovery.in_flight(self.snd.una, self.snd.nxt),
                false => 0,
            };
            self.usage.most = u32::try_from(in_flight).unwrap_or(u32::MAX);
        }
    }

    /// Everything has left.
    #[inline]
    pub(super) fn note_all_left(&mut self) {
        if self.counts_last_flight() {
            self.usage.most = 0;
        }
    }

    /// Whether the use of the window is judged by what was in flight when everything that could
    /// leave had left.
    fn counts_last_flight(&self) -> bool {
        self.config.window_use == WindowUse::InFlight && !self.fills_window_late()
    }

    /// Whether what the window lets out waits for the pacer: then it may never be in flight all at once.
    fn fills_window_late(&self) -> bool {
        self.config.pacing.when == Pacing::Always
    }

    /// Whether an acknowledgment may increase the congestion window; `in_flight` octets were in
    /// flight before it.
    pub(super) fn uses_window(&self, in_flight: usize) -> bool {
        let cwnd = self.congestion.window();
        match self.config.window_use {
            WindowUse::InFlight => {
                self.fills_window(in_flight as u64)
                    || (self.fills_window_late() && self.usage.full)
                    || (self.send_buffer.end() > self.snd.nxt && self.filled_window())
            }
            WindowUse::PeerWindow => cwnd <= self.snd.wnd as u64,
            WindowUse::LastWindow => {
                let slow_start = cwnd < self.congestion.ssthresh();
                // Segments may have become shorter since.
                let unit = self.recovery.weight().map_or(1, |weight| weight.get());
                let most = u64::from(self.usage.most) * unit as u64;
                self.usage.full || (slow_start && cwnd < 2 * most)
            }
        }
    }

    /// Whether `flight` octets in flight are all of the window but a segment, or half of it in slow start.
    #[inline]
    fn fills_window(&self, flight: u64) -> bool {
        let cwnd = self.congestion.window();
        flight + self.snd.mss as u64 >= cwnd
            || (cwnd < self.congestion.ssthresh() && 2 * flight >= cwnd)
    }

    /// Whether the window was filled when text last had to wait although everything that could
    /// leave had left.
    //
    // Never inlined: if acknowledgments come one by one, the window is still full and this is not
    // needed.
    #[inline(never)]
    fn filled_window(&self) -> bool {
        self.counts_last_flight() && self.fills_window(u64::from(self.usage.most))
    }
}
