//! For how long no user has led. Changed under the lock, read without it: so the background thread
//! looks as often as it must, and gets into nobody's way.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use crate::time::Instant;

/// Stands for "a user leads".
const LED: u64 = u64::MAX;

/// Since when no user leads, and how long they stayed away before.
#[derive(Debug)]
pub(super) struct Absence {
    /// Nanoseconds, or [`LED`].
    since: AtomicU64,
    /// The longest since it was last asked for, nanoseconds.
    longest: AtomicU64,
    /// How often a user has given up the lead, or lost it.
    leads_ended: AtomicU64,
}

impl Absence {
    /// As if a user led: who starts leads by itself.
    pub(super) fn new() -> Absence {
        Absence {
            since: AtomicU64::new(LED),
            longest: AtomicU64::new(0),
            leads_ended: AtomicU64::new(0),
        }
    }

    /// No user leads any more.
    pub(super) fn begin(&self, now: Instant) {
        self.since.store(now.as_nanos(), Ordering::Relaxed);
        self.count_end();
    }

    /// A user leads.
    pub(super) fn end(&self, now: Instant) {
        if let Some(absence) = self.lasts(now) {
            let nanos = absence.as_nanos() as u64;
            self.longest.fetch_max(nanos, Ordering::Relaxed);
            self.since.store(LED, Ordering::Relaxed);
        }
    }

    /// A user has lost the lead to another.
    pub(super) fn count_end(&self) {
        self.leads_ended.fetch_add(1, Ordering::Relaxed);
    }

    /// For how long no user has led; `None` if one leads.
    pub(super) fn lasts(&self, now: Instant) -> Option<Duration> {
        match self.since.load(Ordering::Relaxed) {
            LED => None,
            since => Some(now.since(Instant::from_nanos(since))),
        }
    }

    /// The longest absence that has ended since this was last asked for.
    pub(super) fn take_longest(&self) -> Duration {
        Duration::from_nanos(self.longest.swap(0, Ordering::Relaxed))
    }

    /// How often a user has given up the lead, or lost it.
    pub(super) fn leads_ended(&self) -> u64 {
        self.leads_ended.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_lasts_from_one_lead_to_the_next() {
        let at = Instant::from_millis;
        let absence = Absence::new();
        assert_eq!(absence.lasts(at(1)), None);
        for (from, to) in [(10, 12), (20, 27), (30, 31)] {
            absence.begin(at(from));
            assert_eq!(absence.lasts(at(to)), Some(at(to) - at(from)));
            absence.end(at(to));
            assert_eq!(absence.lasts(at(to)), None);
        }
        // The next one takes the lead from the last.
        absence.count_end();
        absence.end(at(40));
        assert_eq!(absence.take_longest(), Duration::from_millis(7));
        assert_eq!(absence.take_longest(), Duration::ZERO);
        assert_eq!(absence.leads_ended(), 4);
    }
}
