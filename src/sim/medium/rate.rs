//! A bottleneck: a limited rate, with a queue before it.

use core::time::Duration;

use super::marking::mark;
use super::{Arrival, Counts};
use crate::time::Instant;

/// How much may wait before the bottleneck. A datagram that would exceed it is dropped: a
/// drop-tail queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// In octets.
    Octets(u64),
    /// In time: what the bottleneck sends within it.
    Time(Duration),
}

impl Queue {
    /// How long the last datagram in the queue waits, at this rate.
    fn longest_wait(self, bits_per_second: u64) -> Duration {
        match self {
            Queue::Octets(octets) => time_to_send(octets, bits_per_second),
            Queue::Time(time) => time,
        }
    }
}

/// A bottleneck sends one datagram after another, at a limited rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    bits_per_second: u64,
    /// The longest time until the last datagram in the queue has been sent.
    longest: Duration,
    /// ECN-capable datagrams that would wait longer than this are marked; `None`: none are.
    marks_above: Option<Duration>,
    /// When the last datagram in the queue will have been sent.
    free: Instant,
}

impl RateLimit {
    /// A bottleneck with this rate, at which IP headers count too.
    ///
    /// # Panics
    /// If `bits_per_second` is zero.
    pub fn new(bits_per_second: u64, queue: Queue) -> RateLimit {
        assert!(bits_per_second > 0, "a bottleneck that sends nothing");
        RateLimit {
            bits_per_second,
            longest: queue.longest_wait(bits_per_second),
            marks_above: None,
            free: Instant::ZERO,
        }
    }

    /// Marks ECN-capable datagrams with CE if they find more than this waiting: K of DCTCP (RFC
    /// 8257 §3.1), the simplest active queue management.
    #[must_use]
    pub fn marking_above(mut self, threshold: Queue) -> RateLimit {
        self.marks_above = Some(threshold.longest_wait(self.bits_per_second));
        self
    }

    pub(super) fn passes(&mut self, copy: &mut Arrival, counts: &mut Counts) -> bool {
        let sending = time_to_send(copy.datagram.len() as u64, self.bits_per_second);
        let waiting = self.free - copy.at;
        // A datagram that finds the bottleneck idle is sent, no matter how short the queue is.
        if !waiting.is_zero() && waiting + sending > self.longest {
            counts.overflowed += 1;
            return false;
        }
        if self.marks_above.is_some_and(|most| waiting > most) {
            mark(copy, counts);
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
