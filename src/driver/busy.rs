//! Whether it is worth polling for a while before sleeping.

use core::time::Duration;

/// The most waits in a row that sleep at once because polling did not help before.
const MOST_SKIPPED: u32 = 15;

/// Decides whether the next wait begins with polling, from how the last waits ended. Where
/// nothing comes soon, fewer and fewer waits poll, so polling costs little where it does
/// not help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Busy {
    /// How many waits sleep at once after one that polled in vain.
    skips: u32,
    /// How many of them have done so.
    skipped: u32,
}

impl Busy {
    /// How long the next wait polls; `limit` is the longest it may.
    pub(super) fn next(&mut self, limit: Duration) -> Duration {
        if self.skipped < self.skips {
            self.skipped += 1;
            return Duration::ZERO;
        }
        self.skipped = 0;
        limit
    }

    /// Notes that a wait has polled, and whether it had to sleep after all.
    pub(super) fn note(&mut self, slept: bool) {
        self.skips = match slept {
            true => (2 * self.skips + 1).min(MOST_SKIPPED),
            false => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a hundred waits poll if all of them, or none, have to sleep.
    fn looks(sleeps: bool) -> usize {
        let mut busy = Busy::default();
        let looked = (0..100).filter(|_| {
            let looks = !busy.next(Duration::from_micros(1)).is_zero();
            if looks {
                busy.note(sleeps);
            }
            looks
        });
        looked.count()
    }

    #[test]
    fn what_does_not_help_is_tried_ever_less_often() {
        assert_eq!(looks(false), 100);
        // After 1, 3, 7 and 15 others, and then after 15 each time.
        assert_eq!(looks(true), 9);
    }

    #[test]
    fn one_success_is_enough() {
        let mut busy = Busy::default();
        (0..10).for_each(|_| busy.note(true));
        busy.note(false);
        assert_eq!(busy, Busy::default());
    }
}
