//! The search of Linux: see [`PathMtuConfig::halves`].
//!
//! It probes the middle between the size that is expected to pass, at first the base, and the size that the
//! peer accepts, even if that is not longer than other segments. A size that passes becomes that of all
//! segments; one lost probe shows that a size is too long.

use super::{NextProbe, PathMtu, Phase, WORTH_A_PROBE};
use crate::config::{MtuProbing, PathMtuConfig};
use crate::tcp::recovery::RecoveryState;
use crate::tcp::tcb::Tcb;
use crate::time::Instant;

/// No black hole makes segments shorter than this.
const LEAST_TEXT: usize = 48;
/// This many segments are needed behind a probe.
const FOLLOWERS: usize = 4;
/// This many must fit into the congestion window.
const LEAST_WINDOW: usize = 11;
/// A probe counts as two segments in the window.
const WEIGHT: usize = 2;

impl PathMtu {
    /// The handshake has shown how long segments may be, and how many octets of `options` each has.
    pub(super) fn start_halving(&mut self, now: Instant, config: &PathMtuConfig, options: usize) {
        self.base += options;
        if config.probing == MtuProbing::Always && self.plpmtu == self.largest {
            self.search(now, config);
        }
    }

    /// What is expected to pass.
    fn low(&self) -> usize {
        match self.plpmtu < self.largest {
            true => self.plpmtu,
            false => self.base.min(self.largest),
        }
    }

    /// Chooses the next size to probe, or ends the search.
    pub(super) fn halve(&mut self, now: Instant, config: &PathMtuConfig) {
        let (low, most) = (self.low(), self.too_long.map_or(self.largest, |it| it - 1));
        if most < low + WORTH_A_PROBE {
            return self.complete(now, config);
        }
        self.probed = low.midpoint(most);
    }

    /// Nothing has passed for a long time: segments become as long as the base, and then half as long
    /// each time. Returns whether the size has changed.
    fn shrink(&mut self, now: Instant, config: &PathMtuConfig, options: usize) -> bool {
        if config.probing == MtuProbing::Off {
            return false;
        }
        let headers = self.headers + options;
        let is_searching = config.probing == MtuProbing::Always || self.plpmtu <= self.base;
        let mtu = match is_searching {
            true => headers + (self.low().saturating_sub(headers) / 2).max(LEAST_TEXT),
            false => self.base,
        };
        let before = self.plpmtu;
        self.plpmtu = before.min(mtu.min(self.base));
        (self.probe, self.raise_at) = (None, None);
        self.phase = Phase::Searching;
        self.halve(now, config);
        self.plpmtu < before
    }
}

impl Tcb {
    /// The retransmission timer has expired, and nothing has passed for as long as R1 takes.
    pub(super) fn suspect_black_hole_by_time(&mut self, now: Instant) {
        let is_long = self.state.is_synchronized()
            && self.recovery.retrying(now) >= self.time_of(self.config.r1);
        let options = self.agreed.options();
        if is_long && (self.path_mtu).shrink(now, &self.config.path_mtu, options) {
            self.set_effective_mss();
        }
    }

    /// Whether the next new text is a probe with `len` octets.
    pub(super) fn next_probe_between(&self, len: usize) -> NextProbe {
        let mss = self.snd.mss;
        let needed = len + FOLLOWERS * mss;
        let queued = self.send_buffer.end().saturating_since(self.snd.nxt);
        let usable = self.snd_edge().saturating_since(self.snd.nxt);
        let window = usize::try_from(self.congestion.window()).unwrap_or(usize::MAX);
        let is_open = self.recovery.state() == RecoveryState::Open
            && self.recovery.retries() == 0
            && self.sack_count() == 0;
        if !is_open
            || window < LEAST_WINDOW * mss
            || queued < needed
            || self.snd.wnd < needed
            || !self.has_unsent()
        {
            return NextProbe::No;
        }
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        match in_flight + WEIGHT * mss <= window {
            true if needed <= usable => NextProbe::Now(self.snd.nxt..self.snd.nxt + len),
            false if in_flight == 0 => NextProbe::No,
            _ => NextProbe::Soon,
        }
    }

    /// What a probe under way takes of the congestion window besides its text.
    #[inline]
    pub(in crate::tcp) fn weight_of_probe(&self) -> usize {
        match self.path_mtu.probe.is_some() && self.config.path_mtu.halves {
            true => self.snd.mss * (WEIGHT - 1),
            false => 0,
        }
    }
}
