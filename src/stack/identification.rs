//! The identification field, which tells the fragments of one datagram from those of others.
//!
//! While the fragments are on their way, no other datagram between the same two hosts may have the
//! same identification (RFC 6864 §4.3, RFC 8200 §4.5). And a receiver must not learn from its
//! identifications how much is sent to others (THREATS 35). So identifications come in runs of
//! 2^15. Each run has every number of 15 bits once, in an order that follows from the key, and the
//! bit above distinguishes it from the next run. IPv6 has 32 bits, and there the upper half is
//! drawn at random.

use super::secret::Secret;
use super::share::Share;

/// The identifications of one shard, which differ from those of the others.
#[derive(Clone, Debug)]
pub(super) struct Identifications {
    secret: Secret,
    /// Counts through the identifications of all shards,
    next: u64,
    /// of which this shard uses one in every `step`.
    step: u64,
}

impl Identifications {
    pub(super) fn new(share: &Share, secret: Secret) -> Identifications {
        Identifications {
            secret,
            next: share.index() as u64,
            step: share.count() as u64,
        }
    }

    /// An identification that differs from the 2^15 before it.
    pub(super) fn draw(&mut self) -> u32 {
        let nth = self.next;
        self.next += self.step;
        let (run, place) = (nth >> 15, nth as u16 & 0x7fff);
        let low = (run as u16 & 1) << 15 | self.shuffle(run, place);
        let high = self.secret.order(nth) as u32;
        high << 16 | u32::from(low)
    }

    /// Permutes the numbers of 15 bits: a Feistel network, of eight bits and seven.
    fn shuffle(&self, run: u64, place: u16) -> u16 {
        const ROUNDS: u8 = 4;
        let (mut left, mut right) = (place >> 7, place & 0x7f);
        for round in 0..ROUNDS {
            let mix = |half| self.secret.order((run, round, half)) as u16;
            left ^= mix(right) & 0xff;
            right ^= mix(left) & 0x7f;
        }
        left << 7 | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn shard(index: usize, count: usize, key: u8) -> Identifications {
        let secret = Secret([key; 16]);
        Identifications::new(&Share::new(index, count, secret), secret)
    }

    fn low(identifications: &mut Identifications, count: usize) -> Vec<u16> {
        (0..count).map(|_| identifications.draw() as u16).collect()
    }

    /// RFC 6864 §4.3: however many were drawn before, each differs from the 2^15 before it.
    #[test]
    fn none_comes_back_before_32_768_others() {
        let all = low(&mut shard(0, 1, 7), 5 << 15);
        let mut last = vec![None; 1 << 16];
        for (at, id) in all.iter().enumerate() {
            let before = last[usize::from(*id)].replace(at);
            assert!(before.is_none_or(|before| at - before > 1 << 15), "{at}");
        }
    }

    #[test]
    fn no_two_shards_have_the_same() {
        let ids = (0..3).flat_map(|index| low(&mut shard(index, 3, 7), 10_000));
        assert_eq!(ids.collect::<BTreeSet<u16>>().len(), 30_000);
    }

    /// THREATS 35: nothing can be learnt from one identification about the next, from one run
    /// about the next, or from another host's.
    #[test]
    fn the_order_is_the_keys() {
        let ids = low(&mut shard(0, 1, 7), 2 << 15);
        // In a random order, 200 in 2^15 steps are at most 100 either way.
        let near = |pair: &&[u16]| (1..=100).contains(&pair[0].abs_diff(pair[1]));
        let count = ids[..1 << 15].windows(2).filter(near).count();
        assert!((120..300).contains(&count), "{count}");
        let (first, second) = ids.split_at(1 << 15);
        let other = low(&mut shard(0, 1, 8), 1 << 15);
        for others in [second, &other] {
            let same = first
                .iter()
                .zip(others)
                .filter(|(a, b)| **a == **b & 0x7fff);
            assert!(same.count() < 20);
        }
    }
}
