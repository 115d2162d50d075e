//! Detects that connections come and go, several at once.

use core::time::Duration;

/// A crowd lasts this many turns after a connection has come while the previous one was still
/// there.
const TURNS: u32 = 16;

/// How many times as long a thread polls before it sleeps in a crowd. Measured (docs/EXPERIMENTS.md):
/// what it waits for takes about as long as a connection lasts, and it comes from the threads to which
/// polling yields the processor.
const LONGER: u32 = 4;

/// Detects that connections come while earlier ones are still there. Then many threads wait briefly, again
/// and again, and each polls before it sleeps, however often that was in vain: waking it would take longer
/// than its wait, and would use the processor of the thread that wakes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Crowd {
    /// How many turns the crowd will still last.
    turns: u32,
}

impl Crowd {
    /// Notes that a connection is accepted, and whether the one accepted before it is still there.
    pub(super) fn note_accepted(&mut self, beside_another: bool) {
        if beside_another {
            self.turns = TURNS;
        }
    }

    /// Notes that a turn has found something.
    pub(super) fn note_turn(&mut self) {
        self.turns = self.turns.saturating_sub(1);
    }

    pub(super) fn is_there(self) -> bool {
        self.turns > 0
    }

    /// How long a waiting thread polls before it sleeps; `most` is the time without a crowd.
    pub(super) fn look(self, most: Duration) -> Duration {
        match self.is_there() {
            true => LONGER * most,
            false => most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether there is a crowd after these connections, with `turns` turns after each of them.
    fn after(turns: u32, accepted: &[bool]) -> bool {
        let mut crowd = Crowd::default();
        for &beside_another in accepted {
            crowd.note_accepted(beside_another);
        }
        (0..turns).for_each(|_| crowd.note_turn());
        crowd.is_there()
    }

    #[test]
    fn one_after_the_other_is_no_crowd() {
        assert!(!after(0, &[]));
        assert!(!after(0, &[false; 5]));
        assert!(after(0, &[false, true]));
    }

    #[test]
    fn in_a_crowd_the_look_is_longer() {
        let most = Duration::from_micros(50);
        let mut crowd = Crowd::default();
        assert_eq!(crowd.look(most), most);
        crowd.note_accepted(true);
        assert_eq!(crowd.look(most), LONGER * most);
        assert_eq!(crowd.look(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_crowd_disperses() {
        assert!(after(TURNS - 1, &[true, false]));
        assert!(!after(TURNS, &[true, false]));
    }
}
