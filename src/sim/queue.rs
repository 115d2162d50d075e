//! The event queue of a world: ordered by time; events of the same time keep the order in which
//! they were scheduled.

use super::agenda::Agenda;
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
    /// A host wakes up.
    Wake(HostId),
    /// An event of the story.
    Story(u32),
    /// A connection must have noticed by now that its peer was lost.
    HalfOpen(u32),
}

/// The events to come.
#[derive(Debug, Default)]
pub(super) struct Queue {
    agenda: Agenda<Upcoming>,
}

impl Queue {
    pub(super) fn push(&mut self, at: Instant, what: Upcoming) {
        self.agenda.put(at, what);
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Upcoming)> {
        self.agenda.pop()
    }

    /// Takes the next event, too, if it is another datagram for the same port at the same time:
    /// datagrams that arrive together are received together.
    pub(super) fn pop_companion(&mut self, now: Instant, to: (HostId, u32)) -> Option<Vec<u8>> {
        let (at, next) = self.agenda.first()?;
        let is_companion = at == now
            && matches!(*next, Upcoming::Arrival { host, port, .. } if (host, port) == to);
        if !is_companion {
            return None;
        }
        match self.agenda.pop()? {
            (_, Upcoming::Arrival { datagram, .. }) => Some(datagram),
            _ => None,
        }
    }

    /// Removes all events, and returns the memory of their datagrams.
    pub(super) fn clear(&mut self, spare: &mut Vec<Vec<u8>>) {
        for what in self.agenda.drain() {
            if let Upcoming::Arrival { datagram, .. } = what {
                spare.push(datagram);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
