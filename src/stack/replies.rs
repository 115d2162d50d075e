//! Queued datagrams that belong to no connection: resets, ICMP messages, and fragments.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

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

    /// Adds all the fragments of a datagram that may leave now, whatever waits: a part of them
    /// would be worth nothing.
    pub(super) fn push_all(&mut self, fragments: Vec<Vec<u8>>) {
        self.queue.extend(fragments);
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

/// A token bucket. Its burst changes unpredictably, so that a stranger cannot learn from the number
/// of replies what others have caused (CVE-2020-25705). One stranger gets at most half of it, so
/// that none alone can deprive the others.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    per_second: u32,
    tokens: u32,
    /// The most that one stranger gets between two refills.
    most_for_one: u32,
    /// How many replies strangers have got since the last refill, by place.
    given: BTreeMap<u8, u32>,
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
            most_for_one: 0,
            given: BTreeMap::new(),
            refilled: Instant::ZERO,
            refills: 0,
            secret,
        };
        limiter.refill();
        limiter
    }

    /// The rate from the next refill on.
    pub(super) fn set_rate(&mut self, per_second: u32) {
        self.per_second = per_second;
    }

    /// Whether one more may be sent now, to `stranger`.
    pub(super) fn allows(&mut self, now: Instant, stranger: IpAddr) -> bool {
        let interval = core::time::Duration::from_millis(1000 / Self::REFILLS_PER_SECOND);
        if now - self.refilled >= interval {
            self.refilled = now;
            self.refill();
        }
        if self.tokens == 0 {
            return false;
        }
        let given = self.given.entry(self.place(stranger)).or_default();
        let allowed = *given < self.most_for_one;
        if allowed {
            (*given, self.tokens) = (*given + 1, self.tokens - 1);
        }
        allowed
    }

    /// One of 256 places. No stranger can know which others share its place. With IPv6 the network
    /// counts, because a host that has an address can use its whole network (RFC 4291 §2.5.4).
    fn place(&self, stranger: IpAddr) -> u8 {
        let network = match stranger {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
        };
        self.secret.share((stranger.is_ipv4(), network)) as u8
    }

    /// Between half and all of a refill's share.
    fn refill(&mut self) {
        let share = u64::from(self.per_second).div_ceil(Self::REFILLS_PER_SECOND);
        self.refills += 1;
        let jitter = self.secret.number(self.refills) % (share / 2 + 1);
        self.tokens = (share - jitter) as u32;
        self.most_for_one = self.tokens.div_ceil(2);
        self.given.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn limiter() -> Limiter {
        Limiter::new(1000, Secret([1; 16]))
    }

    fn v4(number: u32) -> IpAddr {
        number.to_be_bytes().into()
    }

    /// How many replies strangers get that ask in turn, `count` times each, at one moment.
    fn given(limiter: &mut Limiter, now: Instant, strangers: &[IpAddr], count: u32) -> Vec<u32> {
        let mut given = vec![0; strangers.len()];
        for _ in 0..count {
            for (given, stranger) in given.iter_mut().zip(strangers) {
                *given += u32::from(limiter.allows(now, *stranger));
            }
        }
        given
    }

    #[test]
    fn limits_the_rate_and_hides_the_exact_number() {
        let (mut limiter, mut now) = (limiter(), Instant::from_secs(1));
        let strangers: Vec<IpAddr> = (0..100).map(v4).collect();
        let mut counts: Vec<u32> = Vec::new();
        for _ in 0..20 {
            counts.push(given(&mut limiter, now, &strangers, 100).iter().sum());
            now += Duration::from_millis(100);
        }
        assert!(counts.iter().all(|count| (50..=100).contains(count)));
        counts.dedup();
        assert!(counts.len() > 10, "the burst is jittered: {counts:?}");
    }

    /// THREATS 34: the first to ask, however often, leaves half to others; all addresses of an IPv6
    /// network count as one.
    #[test]
    fn one_stranger_gets_half_at_most() {
        let network = |last: u128| IpAddr::V6((0x2001_0db8 << 96 | last).into());
        for (greedy, modest) in [
            (vec![v4(1)], v4(2)),
            ((0..1000).map(network).collect(), network(1 << 64)),
        ] {
            let mut limiter = limiter();
            for second in 1..10 {
                let now = Instant::from_secs(second);
                let greedy: u32 = given(&mut limiter, now, &greedy, 1000).iter().sum();
                let modest = given(&mut limiter, now, &[modest], 1000)[0];
                assert!((25..=50).contains(&greedy), "{greedy}");
                assert!(greedy.abs_diff(modest) <= 1, "{greedy} and {modest}");
            }
        }
    }

    #[test]
    fn what_it_remembers_is_bounded() {
        let mut limiter = Limiter::new(u32::MAX, Secret([1; 16]));
        (0..10_000).for_each(|number| assert!(limiter.allows(Instant::ZERO, v4(number))));
        assert!(limiter.given.len() <= 256);
        assert!(limiter.allows(Instant::from_secs(1), v4(1)));
        assert_eq!(limiter.given.len(), 1);
    }

    #[test]
    fn holds_a_bounded_number() {
        let mut replies = Replies::default();
        let taken = (0..CAPACITY + 5).filter(|_| replies.push(vec![1])).count();
        assert_eq!(taken, CAPACITY);
        assert!(replies.advance() && replies.current() == [1]);
    }
}
