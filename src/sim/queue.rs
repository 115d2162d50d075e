//! The event queue of a world: ordered by time, and events of the same time by the order in which
//! they were scheduled.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use super::id::HostId;
use crate::time::Instant;

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Upcoming {
    /// A datagram reaches a port of a host.
    Arrival {
        host: HostId,
        port: u32,
        datagram: Vec<u8>,
    },
    /// A host looks at its clock.
    Wake(HostId),
    /// A part of the story.
    Story(u32),
    /// A connection whose peer was lost must have been discovered.
    HalfOpen(u32),
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    order: u64,
    what: Upcoming,
}

/// The events to come.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Entry>,
    pushed: u64,
}

impl Queue {
    pub(super) fn push(&mut self, at: Instant, what: Upcoming) {
        self.heap.push(Entry {
            at,
            order: self.pushed,
            what,
        });
        self.pushed += 1;
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Upcoming)> {
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }

    /// Takes the next event too if it is another datagram for the same port at the same moment:
    /// what arrives together is received together.
    pub(super) fn pop_companion(&mut self, now: Instant, to: (HostId, u32)) -> Option<Vec<u8>> {
        let next = self.heap.peek()?;
        let is_companion = next.at == now
            && matches!(next.what, Upcoming::Arrival { host, port, .. } if (host, port) == to);
        if !is_companion {
            return None;
        }
        match self.heap.pop()?.what {
            Upcoming::Arrival { datagram, .. } => Some(datagram),
            _ => None,
        }
    }

    /// Forgets everything; gives back the memory of datagrams.
    pub(super) fn clear(&mut self, spare: &mut Vec<Vec<u8>>) {
        self.pushed = 0;
        for entry in self.heap.drain() {
            if let Upcoming::Arrival { datagram, .. } = entry.what {
                spare.push(datagram);
            }
        }
    }
}

/// The heap gives its greatest first, so the earliest is the greatest.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_comes_first_then_the_order_of_decisions() {
        let mut queue = Queue::default();
        let at = Instant::from_secs;
        for (secs, story) in [(2, 0), (1, 1), (2, 2), (1, 3)] {
            queue.push(at(secs), Upcoming::Story(story));
        }
        let order: Vec<_> = core::iter::from_fn(|| queue.pop())
            .map(|(_, what)| match what {
                Upcoming::Story(story) => story,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(order, [1, 3, 0, 2]);
    }

    #[test]
    fn companions_are_for_the_same_port_at_the_same_moment_and_in_a_row() {
        let mut queue = Queue::default();
        let arrival = |host, octet| Upcoming::Arrival {
            host: HostId(host),
            port: 0,
            datagram: vec![octet],
        };
        let now = Instant::from_secs(1);
        for (host, octet) in [(0, 1), (0, 2), (1, 3), (0, 4)] {
            queue.push(now, arrival(host, octet));
        }
        queue.push(Instant::from_secs(2), arrival(1, 5));
        queue.pop();
        assert_eq!(queue.pop_companion(now, (HostId(0), 0)), Some(vec![2]));
        assert_eq!(queue.pop_companion(now, (HostId(0), 0)), None, "host 1");
        queue.pop();
        queue.pop();
        assert_eq!(queue.pop_companion(now, (HostId(1), 0)), None, "later");
    }
}
