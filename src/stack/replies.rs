//! Datagrams that answer other datagrams, of no connection: resets and ICMP.

use std::collections::VecDeque;

use super::secret::Secret;
use crate::time::Instant;

/// The most that wait to be sent; more are dropped.
const CAPACITY: usize = 256;

/// What waits to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Replies {
    queue: VecDeque<Vec<u8>>,
    /// The one being sent: lent out until the next is taken.
    current: Vec<u8>,
}

impl Replies {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Adds a datagram; false if there is no room.
    pub(super) fn push(&mut self, datagram: Vec<u8>) -> bool {
        if self.queue.len() >= CAPACITY {
            return false;
        }
        self.queue.push_back(datagram);
        true
    }

    /// Whether one waits; if so, [`Replies::current`] is it now.
    pub(super) fn advance(&mut self) -> bool {
        match self.queue.pop_front() {
            Some(datagram) => {
                self.current = datagram;
                true
            }
            None => false,
        }
    }

    /// The one being sent.
    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }
}

/// A token bucket. Its burst changes unpredictably, so that counting replies does not tell a
/// stranger what others have caused (CVE-2020-25705).
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    per_second: u32,
    tokens: u32,
    refilled: Instant,
    refills: u64,
    secret: Secret,
}

impl Limiter {
    /// Tokens are given out ten times a second.
    const REFILLS_PER_SECOND: u64 = 10;

    pub(super) fn new(per_second: u32, secret: Secret) -> Limiter {
        let mut limiter = Limiter {
            per_second,
            tokens: 0,
            refilled: Instant::ZERO,
            refills: 0,
            secret,
        };
        limiter.refill();
        limiter
    }

    /// Whether one more may be sent now.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let interval = core::time::Duration::from_millis(1000 / Self::REFILLS_PER_SECOND);
        if now - self.refilled >= interval {
            self.refilled = now;
            self.refill();
        }
        let allowed = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        allowed
    }

    /// Between half and all of a refill's share.
    fn refill(&mut self) {
        let share = u64::from(self.per_second).div_ceil(Self::REFILLS_PER_SECOND);
        self.refills += 1;
        let jitter = self.secret.number(self.refills) % (share / 2 + 1);
        self.tokens = (share - jitter) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn limits_the_rate_and_hides_the_exact_number() {
        let mut limiter = Limiter::new(1000, Secret([1; 16]));
        let mut now = Instant::from_secs(1);
        let mut counts = Vec::new();
        for _ in 0..20 {
            counts.push((0..10_000).filter(|_| limiter.allows(now)).count());
            now += Duration::from_millis(100);
        }
        assert!(counts.iter().all(|count| (50..=100).contains(count)));
        counts.dedup();
        assert!(counts.len() > 10, "the burst is jittered: {counts:?}");
    }

    #[test]
    fn holds_a_bounded_number() {
        let mut replies = Replies::default();
        let taken = (0..CAPACITY + 5).filter(|_| replies.push(vec![1])).count();
        assert_eq!(taken, CAPACITY);
        assert!(replies.advance() && replies.current() == [1]);
    }
}
