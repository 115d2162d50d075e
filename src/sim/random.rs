//! Random numbers from a seed: the same on every machine, in every version.

use core::fmt;
use core::hash::Hasher;
use core::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use siphasher::sip::SipHasher13;

/// A stream of pseudo-random numbers, which depends on its seed only.
///
/// What a world draws determines its trace, so the generator's values are fixed (xoshiro256++,
/// seeded through SplitMix64), and nothing here depends on the size of `usize` or on the rounding
/// of a mathematical library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    seed: u64,
    generator: Xoshiro256PlusPlus,
}

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Random {
        Random {
            seed,
            generator: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// An independent stream with a name. It depends on the seed and the name, but not on what
    /// has been drawn: if one part of a world draws more, the others are not affected.
    #[must_use]
    pub fn fork(&self, name: &str) -> Random {
        let mut hasher = SipHasher13::new_with_keys(self.seed, NAMES);
        hasher.write(name.as_bytes());
        Random::new(hasher.finish())
    }

    /// As [`Random::fork`], with a number as the name.
    #[must_use]
    pub fn fork_index(&self, index: u64) -> Random {
        let mut hasher = SipHasher13::new_with_keys(self.seed, INDICES);
        hasher.write(&index.to_le_bytes());
        Random::new(hasher.finish())
    }

    /// Any 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Sixteen octets: a key.
    pub fn key(&mut self) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.next_u64().to_le_bytes());
        key[8..].copy_from_slice(&self.next_u64().to_le_bytes());
        key
    }

    /// True with this probability. Draws nothing for a probability of 0 or 1.
    #[inline]
    pub fn chance(&mut self, ratio: Ratio) -> bool {
        match ratio {
            Ratio::NEVER => false,
            Ratio::ALWAYS => true,
            Ratio(parts) => self.next_u64() >> 1 < parts,
        }
    }

    /// A number below `end`, each with the same probability.
    ///
    /// # Panics
    /// If `end` is zero.
    #[inline]
    pub fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0, "no number is below zero");
        // The high half of draw × end is below `end`. Among 2^64 draws, each result comes up
        // either ⌊2^64 / end⌋ times or once more; the low half identifies the surplus draws.
        let surplus = end.wrapping_neg() % end;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(end);
            if product as u64 >= surplus {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number from `first` to `last`, both included.
    ///
    /// # Panics
    /// If `first > last`.
    #[inline]
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        assert!(first <= last, "no number is from {first} to {last}");
        match (last - first).checked_add(1) {
            Some(count) => first + self.below(count),
            None => self.next_u64(),
        }
    }

    /// A time from `least` to `most`, both included, to the nanosecond. Both count as at most 584
    /// years.
    ///
    /// # Panics
    /// If `least > most`.
    pub fn duration(&mut self, least: Duration, most: Duration) -> Duration {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.between(nanos(least), nanos(most)))
    }

    /// One element of the slice.
    ///
    /// # Panics
    /// If the slice is empty.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// Two keys that tell the two kinds of fork apart; any numbers would do.
const NAMES: u64 = 0x6e61_6d65;
const INDICES: u64 = 0x0069_6e64_6578;

/// A probability: 0 to 1, in steps of 2^-63, so that it can be compared and hashed.
///
/// Prints as the shortest decimal number that is nearest to it: `0.1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(u64);

impl Ratio {
    /// Probability 0.
    pub const NEVER: Ratio = Ratio(0);
    /// Probability 1.
    pub const ALWAYS: Ratio = Ratio(1 << 63);

    /// A probability in percent.
    ///
    /// # Panics
    /// If `percent` is above 100.
    pub const fn percent(percent: u8) -> Ratio {
        assert!(percent <= 100, "more than a hundred in a hundred");
        Ratio(((percent as u128 * (1 << 63)) / 100) as u64)
    }

    /// A probability in millionths.
    ///
    /// # Panics
    /// If `parts` is above a million.
    pub const fn per_million(parts: u32) -> Ratio {
        assert!(parts <= 1_000_000, "more than a million in a million");
        Ratio(((parts as u128 * (1 << 63)) / 1_000_000) as u64)
    }

    /// The probability `value`; `None` if it is not from 0 to 1.
    pub fn new(value: f64) -> Option<Ratio> {
        (0.0..=1.0)
            .contains(&value)
            .then_some(Ratio((value * Ratio::ALWAYS.0 as f64) as u64))
    }

    /// The nearest `f64`.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / Ratio::ALWAYS.0 as f64
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_f64().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every trace hash that was ever written down depends on this stream.
    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(0);
        let first = [random.next_u64(), random.next_u64()];
        assert_eq!(first, [0x53175d61490b23df, 0x61da6f3dc380d507]);
        let forks = [
            Random::new(0).fork("path").next_u64(),
            Random::new(0).fork_index(1).next_u64(),
        ];
        assert_eq!(forks, [10123063535297957690, 11433897115427621646]);
        let drawn = [random.below(1_000), random.between(10, 20)];
        assert_eq!(drawn, [359, 10]);
    }

    #[test]
    fn a_fork_depends_on_seed_and_name_only() {
        let mut parent = Random::new(7);
        let before = parent.fork("a");
        parent.next_u64();
        assert_eq!(parent.fork("a"), before);
        let others = [
            parent.fork("b"),
            parent.fork_index(0),
            parent.fork_index(1),
            Random::new(8).fork("a"),
            Random::new(7),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(*other, before, "{index}");
            assert!(!others[..index].contains(other), "{index}");
        }
    }

    #[test]
    fn every_number_below_comes_as_often() {
        let mut random = Random::new(1);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7) as usize] += 1;
        }
        for count in counts {
            // Five standard deviations of a binomial distribution (√(n·p·(1−p)) = 93).
            assert!(count.abs_diff(10_000) < 465, "{counts:?}");
        }
    }

    #[test]
    fn the_ends_of_a_range_belong_to_it() {
        let mut random = Random::new(2);
        let drawn: Vec<u64> = (0..200).map(|_| random.between(3, 5)).collect();
        for number in 3..=5 {
            assert!(drawn.contains(&number), "{number}");
        }
        assert!(drawn.iter().all(|number| (3..=5).contains(number)));
        assert_eq!(random.between(9, 9), 9);
        let _ = random.between(0, u64::MAX);
        let nano = Duration::from_nanos(1);
        assert_eq!(random.duration(nano, nano), nano);
    }

    #[test]
    fn a_large_bound_is_no_less_fair() {
        // Three quarters of the numbers: if the surplus were not rejected, the lower third of the
        // results would come up twice as often as the others.
        let end = 3 << 62;
        let mut random = Random::new(3);
        let low = (0..30_000).filter(|_| random.below(end) < end / 3).count();
        assert!(low.abs_diff(10_000) < 410, "{low}");
    }

    #[test]
    fn chance_keeps_its_ratio() {
        let mut random = Random::new(4);
        for (ratio, expected) in [
            (Ratio::percent(10), 10_000),
            (Ratio::per_million(500_000), 50_000),
            (Ratio::new(0.9).unwrap(), 90_000),
        ] {
            let count = (0..100_000).filter(|_| random.chance(ratio)).count();
            assert!(count.abs_diff(expected) < 800, "{ratio}: {count}");
        }
        let before = random.clone();
        assert!(!random.chance(Ratio::NEVER) && random.chance(Ratio::ALWAYS));
        assert_eq!(random, before, "nothing to draw for");
    }

    #[test]
    fn a_ratio_is_a_probability() {
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Ratio::new(wrong), None, "{wrong}");
        }
        assert_eq!(Ratio::new(0.0), Some(Ratio::NEVER));
        assert_eq!(Ratio::new(1.0), Some(Ratio::ALWAYS));
        assert_eq!(Ratio::percent(100), Ratio::ALWAYS);
        assert_eq!(Ratio::percent(25).to_string(), "0.25");
        assert_eq!(Ratio::new(0.1).unwrap().to_string(), "0.1");
    }

    #[test]
    #[should_panic(expected = "no number is below zero")]
    fn nothing_is_below_zero() {
        Random::new(0).below(0);
    }
}
