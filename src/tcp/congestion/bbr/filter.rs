//! Windowed maxima.

/// ExtraAckedFilterLen (§2.11), in rounds.
pub(super) const ROUNDS: usize = 10;

/// max_bw_filter (§5.5.2): the greatest of this cycle of ProbeBW and the one before
/// (MaxBwFilterLen).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct CycleMax {
    before: u64,
    now: u64,
}

impl CycleMax {
    pub(super) fn get(&self) -> u64 {
        self.before.max(self.now)
    }

    pub(super) fn update(&mut self, value: u64) {
        self.now = self.now.max(value);
    }

    /// AdvanceMaxBwFilter (§5.5.6): the next cycle. A cycle without samples does not count.
    pub(super) fn advance(&mut self) {
        if self.now > 0 {
            (self.before, self.now) = (self.now, 0);
        }
    }
}

/// The greatest of the last rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct RoundMax {
    /// The greatest of each round, at the place of its number.
    rounds: [u64; ROUNDS],
    last: u64,
}

impl RoundMax {
    /// A value of `round`, which is not before the last one.
    pub(super) fn update(&mut self, round: u64, value: u64) {
        let passed = (round - self.last).min(ROUNDS as u64);
        for ago in 0..passed {
            self.rounds[place(round - ago)] = 0;
        }
        self.last = round;
        let here = &mut self.rounds[place(round)];
        *here = value.max(*here);
    }

    /// The greatest of the last `count` rounds.
    pub(super) fn of_last(&self, count: usize) -> u64 {
        let rounds = (0..count.min(ROUNDS) as u64).filter_map(|ago| self.last.checked_sub(ago));
        rounds
            .map(|round| self.rounds[place(round)])
            .max()
            .unwrap_or(0)
    }
}

fn place(round: u64) -> usize {
    (round % ROUNDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §5.5.2: two cycles.
    #[test]
    fn a_maximum_lasts_for_the_next_cycle() {
        let mut max = CycleMax::default();
        max.update(9);
        max.advance();
        max.advance();
        assert_eq!(max.get(), 9, "nothing was measured");
        max.update(5);
        assert_eq!(max.get(), 9);
        max.advance();
        assert_eq!(max.get(), 5);
    }

    /// §5.5.9: ten rounds, or one.
    #[test]
    fn a_maximum_lasts_for_ten_rounds() {
        let mut max = RoundMax::default();
        max.update(3, 7);
        max.update(3, 2);
        assert_eq!((max.of_last(1), max.of_last(10)), (7, 7));
        max.update(12, 1);
        assert_eq!((max.of_last(1), max.of_last(10)), (1, 7));
        max.update(13, 0);
        assert_eq!(max.of_last(10), 1);
        max.update(1000, 0);
        assert_eq!(max.of_last(10), 0);
    }
}
