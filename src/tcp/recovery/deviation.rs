//! The variation of the round-trip time as Linux estimates it: see
//! [`RecoveryHabits::variation_lasts`](crate::config::RecoveryHabits::variation_lasts).

use crate::tcp::seq::Seq;

/// How far samples deviate from SRTT, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Deviation {
    /// The average deviation.
    mean: u64,
    /// The largest average in this round trip, with a lower bound.
    largest: u64,
    /// The round trip ends when more than this is acknowledged.
    round_end: Option<Seq>,
}

/// The samples of the round trip that an acknowledgment gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// For the first segment that it covers, in nanoseconds.
    pub(crate) first: u64,
    /// For the last segment, in nanoseconds.
    pub(crate) last: u64,
    /// SND.UNA and SND.NXT.
    pub(crate) una: Seq,
    pub(crate) nxt: Seq,
}

impl Deviation {
    /// RTTVAR after the first sample.
    pub(super) fn start(&mut self, sample: &Sample, least: u64) -> u64 {
        self.mean = sample.first / 2;
        self.largest = self.mean.max(least);
        self.round_end = Some(sample.nxt);
        self.largest
    }

    /// RTTVAR after another one. A sample below SRTT that deviates more than usual counts only for an
    /// eighth, because a faster path is not a reason to wait longer.
    pub(super) fn follow(&mut self, srtt: u64, rttvar: u64, sample: &Sample, least: u64) -> u64 {
        let error = sample.first.abs_diff(srtt);
        let share = if sample.first < srtt { 32 } else { 4 };
        match error > self.mean {
            true => self.mean += (error - self.mean) / share,
            false => self.mean -= (self.mean - error) / 4,
        }
        self.largest = self.largest.max(self.mean);
        let rttvar = rttvar.max(self.largest);
        if self.round_end.is_some_and(|end| sample.una <= end) {
            return rttvar;
        }
        self.round_end = Some(sample.nxt);
        let largest = core::mem::replace(&mut self.largest, least);
        rttvar - rttvar.saturating_sub(largest) / 4
    }

    /// The average.
    pub(super) fn mean(&self) -> u64 {
        self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(millis: u64, una: usize, nxt: usize) -> Sample {
        let start = Seq::initial(0);
        Sample {
            first: millis * 1_000_000,
            last: millis * 1_000_000,
            una: start + una,
            nxt: start + nxt,
        }
    }

    #[test]
    fn a_shorter_round_trip_hardly_varies_it() {
        let mut deviation = Deviation::default();
        let least = 50_000_000;
        let first = deviation.start(&sample(112, 0, 1000), least);
        assert_eq!(first, 56_000_000);
        let next = deviation.follow(112_000_000, first, &sample(14, 1000, 2000), least);
        // 56 + (98 - 56) / 32.
        assert_eq!(next, 57_312_500);
        assert_eq!(deviation.mean(), 57_312_500);
    }

    #[test]
    fn it_falls_by_a_quarter_in_a_round_trip() {
        let mut deviation = Deviation::default();
        let least = 50_000_000;
        let first = deviation.start(&sample(400, 0, 1000), least);
        let mut rttvar = first;
        let seen = [1000, 1500, 2500, 3500, 4500].map(|una| {
            rttvar = deviation.follow(400_000_000, rttvar, &sample(400, una, una + 500), least);
            rttvar / 1_000_000
        });
        // The largest of the first round trip lasts to its end.
        assert_eq!(seen, [200, 200, 171, 144, 120]);
    }
}
