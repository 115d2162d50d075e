//! A passive handshake that ends only when text arrives
//! ([`ListenerConfig::defer_accept`](crate::config::ListenerConfig::defer_accept)).

use super::discard::Discard;
use super::input::Step;
use super::segment::Segment;
use super::tcb::Tcb;
use super::timers::Timer;
use crate::time::{Duration, Instant};

/// Until when it waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deferral {
    until: Instant,
    /// The acknowledgment that would have ended it has arrived.
    is_answered: bool,
}

impl Deferral {
    /// Waits for `wait` from now on.
    pub(super) fn new(now: Instant, wait: Duration) -> Deferral {
        Deferral {
            until: now + wait,
            is_answered: false,
        }
    }

    /// The part that decides the future.
    pub(super) fn canonical(&self, now: Instant) -> (Duration, bool) {
        (self.until.since(now), self.is_answered)
    }
}

impl Tcb {
    /// A handshake that waits for text ignores a bare acknowledgment before its time is over.
    /// Then our SYN,ACK is sent again, for the peer to answer it.
    pub(super) fn defer(&mut self, now: Instant, seg: &Segment<'_>) -> Step {
        match &mut self.deferral {
            Some(deferral) if seg.is_empty() && now < deferral.until => {
                deferral.is_answered = true;
                if !self.config.habits.handshakes.deferral_backs_off {
                    self.timers.arm(Timer::Retransmission, deferral.until);
                }
                Step::Break(Discard::Deferred)
            }
            _ => Step::Continue(()),
        }
    }

    /// Whether, when the retransmission timer expires, our SYN,ACK need not be sent again
    /// yet: see
    /// [`Handshakes::deferral_backs_off`](crate::config::Handshakes::deferral_backs_off).
    pub(super) fn is_deferred(&self, now: Instant) -> bool {
        let waits = |deferral: &Deferral| deferral.is_answered && now < deferral.until;
        self.config.habits.handshakes.deferral_backs_off
            && self.deferral.as_deref().is_some_and(waits)
    }
}
