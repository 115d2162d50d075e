//! Everything time can do to a connection: one enum, one table of deadlines (RFC 9293 §3.10.8).

use core::hash::{Hash, Hasher};

use crate::time::Instant;

/// What may fall due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The oldest segment in flight was not acknowledged in time (RFC 6298).
    Retransmission,
    /// Overtaken segments now count as lost (RFC 8985 §6.2).
    Reordering,
    /// Nothing has come back for a while: send a probe (RFC 8985 §7).
    TailLossProbe,
    /// The peer's window is closed, or too small to be worth filling: probe it (RFC 9293
    /// §3.8.6.1), or fill it all the same (§3.8.6.2.1, the override timeout).
    Persist,
    /// An acknowledgment has waited long enough (RFC 9293 §3.8.6.3).
    DelayedAck,
    /// The connection has been idle: probe whether the peer is alive (RFC 9293 §3.8.4).
    KeepAlive,
    /// What was sent has stayed unacknowledged for as long as the user allows (RFC 9293
    /// §3.10.8, USER TIMEOUT).
    User,
    /// 2 MSL in TIME-WAIT are over, or FIN-WAIT-2 without a user has lasted too long.
    Close,
    /// The next burst of a paced connection may leave.
    Pace,
    /// Buffers that have been empty for a while give their memory back.
    Idle,
}

/// Timers that exclude each other share a slot: [`Timer::Retransmission`] runs while something is
/// in flight, or one of the two that come before it (RFC 8985 §8); [`Timer::Persist`] while nothing is.
const SLOTS: usize = 7;

impl Timer {
    const fn slot(self) -> usize {
        match self {
            Timer::Retransmission | Timer::Reordering | Timer::TailLossProbe | Timer::Persist => 0,
            Timer::DelayedAck => 1,
            Timer::KeepAlive => 2,
            Timer::User => 3,
            Timer::Close => 4,
            Timer::Idle => 5,
            Timer::Pace => 6,
        }
    }
}

/// The deadlines of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    /// Which timer of a slot is armed.
    armed: [Option<Timer>; SLOTS],
    /// The deadline of each. For a slot without a timer, the deadline of its last one, if the caller will
    /// still look at the deadlines by then; otherwise the end of time.
    until: [Instant; SLOTS],
    /// See [`Timers::take_sooner`].
    sooner: bool,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers {
            armed: [None; SLOTS],
            until: [Instant::FAR_FUTURE; SLOTS],
            sooner: false,
        }
    }
}

impl Timers {
    /// Arms `timer` for `at`, in place of any timer in its slot.
    #[inline]
    pub(crate) fn arm(&mut self, timer: Timer, at: Instant) {
        let until = &mut self.until[timer.slot()];
        self.sooner |= at < *until;
        *until = at;
        self.armed[timer.slot()] = Some(timer);
    }

    /// Whether, since the last call, a timer was armed that is due sooner than the one in its slot
    /// before. Otherwise the caller still looks at the deadlines in time.
    #[inline]
    pub(crate) fn take_sooner(&mut self) -> bool {
        core::mem::take(&mut self.sooner)
    }

    /// Turns `timer` off.
    pub(crate) fn disarm(&mut self, timer: Timer) {
        if self.is_armed(timer) {
            self.clear(timer.slot());
        }
    }

    fn clear(&mut self, slot: usize) {
        self.armed[slot] = None;
        if self.sooner {
            self.until[slot] = Instant::FAR_FUTURE;
        }
    }

    /// Turns off the timer that waits for an acknowledgment.
    pub(crate) fn disarm_recovery(&mut self) {
        if self.awaits_acknowledgment() {
            self.clear(Timer::Retransmission.slot());
        }
    }

    /// Whether a timer waits for an acknowledgment.
    pub(crate) fn awaits_acknowledgment(&self) -> bool {
        let armed = self.armed[Timer::Retransmission.slot()];
        armed.is_some_and(|timer| timer != Timer::Persist)
    }

    /// Turns all timers off.
    pub(crate) fn disarm_all(&mut self) {
        *self = Timers::default();
    }

    /// Whether `timer` is armed.
    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.armed[timer.slot()] == Some(timer)
    }

    /// Whether `timer` is armed, and due at `at` or before.
    pub(crate) fn is_due_by(&self, timer: Timer, at: Instant) -> bool {
        self.is_armed(timer) && self.until[timer.slot()] <= at
    }

    /// When `timer` is due, if it is armed and no other is.
    pub(crate) fn only(&self, timer: Timer) -> Option<Instant> {
        let mut armed = self.running();
        let (at, first) = armed.next()?;
        (first == timer && armed.next().is_none()).then_some(at)
    }

    /// The earliest deadline, if there is one before the end of time.
    pub(crate) fn next(&self) -> Option<Instant> {
        let next = self.running().map(|(at, _)| at).min();
        next.filter(|at| *at < Instant::FAR_FUTURE)
    }

    /// When to look at the deadlines, for a caller that still comes at the time given before: not after the
    /// earliest.
    #[inline]
    pub(crate) fn look_by(&self) -> Option<Instant> {
        let [first, rest @ ..] = self.until;
        let earliest = rest.into_iter().fold(first, Instant::min);
        (earliest < Instant::FAR_FUTURE).then_some(earliest)
    }

    /// The earliest deadline, for a caller that will not look at them before that: a timer armed from now
    /// on that is due earlier counts as [sooner](Timers::take_sooner).
    pub(crate) fn settle(&mut self) -> Option<Instant> {
        for (armed, until) in self.armed.iter().zip(&mut self.until) {
            if armed.is_none() {
                *until = Instant::FAR_FUTURE;
            }
        }
        self.sooner = false;
        self.next()
    }

    /// The armed timers, with their deadlines.
    fn running(&self) -> impl Iterator<Item = (Instant, Timer)> {
        let slots = self.armed.iter().zip(&self.until);
        slots.filter_map(|(armed, until)| armed.map(|timer| (*until, timer)))
    }

    /// What decides the future: see [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
    pub(crate) fn hash_canonical(&self, now: Instant, hasher: &mut impl Hasher) {
        for (armed, until) in self.armed.iter().zip(&self.until) {
            armed.map(|timer| (until.since(now), timer)).hash(hasher);
        }
    }

    /// Takes the earliest timer that is due at `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let due = self.running().filter(|(at, _)| *at <= now);
        let (_, timer) = due.min_by_key(|(at, _)| *at)?;
        self.clear(timer.slot());
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_that_exclude_each_other_share_a_slot() {
        let mut timers = Timers::default();
        timers.arm(Timer::Retransmission, Instant::from_secs(1));
        timers.arm(Timer::Persist, Instant::from_secs(2));
        assert!(!timers.is_armed(Timer::Retransmission));
        timers.disarm(Timer::Retransmission);
        assert_eq!(timers.next(), Some(Instant::from_secs(2)));
    }

    /// A timer that is rearmed all the time is registered once, until that time has come.
    #[test]
    fn whoever_comes_in_time_is_not_told_of_a_later_deadline() {
        let [soon, later, last] = [1, 2, 3].map(Instant::from_secs);
        let mut timers = Timers::default();
        timers.arm(Timer::DelayedAck, later);
        assert!(timers.take_sooner());
        assert_eq!(timers.settle(), Some(later));
        timers.disarm(Timer::DelayedAck);
        assert_eq!(timers.next(), None);
        timers.arm(Timer::DelayedAck, last);
        assert!(!timers.take_sooner(), "somebody looks at `later`");
        timers.disarm(Timer::DelayedAck);
        timers.arm(Timer::DelayedAck, soon);
        timers.disarm(Timer::DelayedAck);
        timers.arm(Timer::DelayedAck, soon);
        assert!(timers.take_sooner(), "nobody was told of the first");
        assert_eq!(timers.look_by(), Some(soon));
        timers.disarm(Timer::DelayedAck);
        assert_eq!(timers.settle(), None);
        timers.arm(Timer::DelayedAck, last);
        assert!(timers.take_sooner(), "nobody looks any more");
    }

    #[test]
    fn due_timers_come_in_the_order_of_their_deadlines() {
        let mut timers = Timers::default();
        timers.arm(Timer::Close, Instant::from_secs(1));
        timers.arm(Timer::DelayedAck, Instant::from_secs(2));
        timers.arm(Timer::User, Instant::from_secs(9));
        let now = Instant::from_secs(3);
        let due: Vec<_> = core::iter::from_fn(|| timers.take_due(now)).collect();
        assert_eq!(due, [Timer::Close, Timer::DelayedAck]);
        assert_eq!(timers.next(), Some(Instant::from_secs(9)));
    }
}
