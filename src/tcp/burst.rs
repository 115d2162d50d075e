//! How much new text one acknowledgment lets out: what it shows to have arrived, and a few segments
//! more, or what the window would let out in a millisecond.
//!
//! Usually the window lets out no more than that anyway. But sometimes it grows at once, because a loss was
//! spurious (RFC 4015 §3.1, step 9) or a recovery is over (RFC 6582 §3.2, step 3), or it is much larger
//! than what is in flight after an idle time. Then a whole window would leave at once, and overflow the
//! first queue on its way. So it is filled acknowledgment by acknowledgment, as in slow start. Paced text
//! is spread over time already.
//!
//! Text that a user sends while nothing waits is not held, because then it is not an acknowledgment
//! that lets it out.
//!
//! A window per round trip is a rate, and what it lets out in a millisecond is not a burst: a paced
//! sender sends as much at once. On a short path that is the whole window.

use core::time::Duration;

use super::tcb::Tcb;

/// What would leave within this time may leave at once.
const NO_TIME: Duration = Duration::from_millis(1);

/// What may still leave before the next acknowledgment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Burst {
    /// Octets of new text; `None`: any number. 32 bits, because there may be very many connections.
    left: Option<u32>,
    /// All that could leave since the last acknowledgment has left, so the remaining allowance
    /// lapses. Allowances of acknowledgments that arrive together add up.
    is_over: bool,
}

impl Burst {
    /// An acknowledgment of `delivered` octets arrives while text waits; `more` octets may leave in
    /// addition.
    fn grant(&mut self, delivered: usize, more: usize) {
        let before = self.left.filter(|_| !self.is_over);
        let before = before.unwrap_or_else(|| narrow(more));
        self.left = Some(before.saturating_add(narrow(delivered)));
        self.is_over = false;
    }

    fn on_sent(&mut self, octets: usize) {
        self.left = self.left.map(|left| left.saturating_sub(narrow(octets)));
    }

    /// Nothing more can leave.
    pub(super) fn end(&mut self) {
        self.is_over = self.left.is_some();
    }
}

/// No window needs more than 32 bits.
fn narrow(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

impl Tcb {
    /// How many octets may leave at once after an idle time.
    fn most_at_once(&self) -> Option<usize> {
        let segments = self.config.max_burst?;
        Some((segments as usize).saturating_mul(self.snd.mss))
    }

    /// How many octets may leave beyond what an acknowledgment shows to have arrived.
    fn most_besides(&self) -> Option<usize> {
        let few = self.most_at_once()?;
        let (no_time, round) = (NO_TIME.as_nanos() as u64, self.recovery.rtt.srtt_nanos());
        match round {
            Some(round) if round <= no_time => None,
            Some(round) => {
                let window = self.congestion.window().min(u64::MAX / no_time);
                Some(few.max((window * no_time / round) as usize))
            }
            None => Some(few),
        }
    }

    /// An acknowledgment shows that `delivered` octets have arrived; `waits`: new text waits to be
    /// sent.
    #[inline]
    pub(super) fn limit_burst(&mut self, delivered: usize, waits: bool) {
        match waits.then(|| self.most_besides()).flatten() {
            Some(more) => self.burst.grant(delivered, more),
            None => self.burst = Burst::default(),
        }
    }

    /// New text leaves after an idle time, and the window is as large as before it.
    pub(super) fn limit_burst_after_idle(&mut self) {
        if let Some(most) = self.most_at_once() {
            self.burst = Burst::default();
            self.burst.grant(0, most);
        }
    }

    /// New text leaves.
    pub(super) fn on_burst_sent(&mut self, octets: usize) {
        self.burst.on_sent(octets);
    }

    /// Octets of new text that may leave before the next acknowledgment.
    pub(super) fn burst_room(&self) -> usize {
        match self.burst.left {
            Some(left) if !self.is_paced() => left as usize,
            _ => usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgments_that_arrive_together_add_up_and_what_is_left_over_is_void() {
        let mut burst = Burst::default();
        burst.on_sent(1 << 20);
        assert_eq!(burst.left, None, "no acknowledgment, no bound");
        burst.grant(2000, 10_000);
        burst.grant(3000, 10_000);
        assert_eq!(burst.left, Some(15_000));
        burst.on_sent(4000);
        burst.grant(1000, 10_000);
        assert_eq!(burst.left, Some(12_000));
        burst.end();
        burst.grant(1000, 10_000);
        assert_eq!(burst.left, Some(11_000));
        burst.on_sent(20_000);
        assert_eq!(burst.left, Some(0));
    }
}
