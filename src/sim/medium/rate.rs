//! A bottleneck: so many bits a second, and a queue before it.

use core::time::Duration;

use super::{Arrival, Counts};
use crate::time::Instant;

/// How much may wait before the bottleneck. What would make it more is dropped: a drop-tail queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// In octets.
    Octets(u64),
    /// In time: what the bottleneck sends within it.
    Time(Duration),
}

/// A bottleneck sends one datagram after the other, at so many bits a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    bits_per_second: u64,
    /// How long the last in the queue may wait before it has been sent.
    longest: Duration,
    /// When the last one in the queue has been sent.
    free: Instant,
}

impl RateLimit {
    /// So many bits a second, counting whole datagrams.
    ///
    /// # Panics
    /// If `bits_per_second` is zero.
    pub fn new(bits_per_second: u64, queue: Queue) -> RateLimit {
        assert!(bits_per_second > 0, "a bottleneck that sends nothing");
        RateLimit {
            bits_per_second,
            longest: match queue {
                Queue::Octets(octets) => time_to_send(octets, bits_per_second),
                Queue::Time(time) => time,
            },
            free: Instant::ZERO,
        }
    }

    pub(super) fn passes(&mut self, copy: &mut Arrival, counts: &mut Counts) -> bool {
        let sending = time_to_send(copy.datagram.len() as u64, self.bits_per_second);
        let waiting = self.free - copy.at;
        // A datagram that finds the bottleneck idle is sent, however short the queue.
        if !waiting.is_zero() && waiting + sending > self.longest {
            counts.overflowed += 1;
            return false;
        }
        self.free = self.free.max(copy.at) + sending;
        copy.at = self.free;
        true
    }
}

fn time_to_send(octets: u64, bits_per_second: u64) -> Duration {
    let nanos = u128::from(octets) * 8_000_000_000 / u128::from(bits_per_second);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
