//! Datagrams that wait: a bounded number of them, with a bounded number of octets.

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

use super::names::HEADER;
use crate::stack::memory::Memory;
use crate::tcp::memory_of;
use crate::time::Instant;
use crate::wire::{Text, ip};

/// What is known of a datagram besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::stack) struct Head {
    /// The address of this host, its destination or source.
    pub(in crate::stack) local: IpAddr,
    /// The peer, its source or destination.
    pub(in crate::stack) remote: SocketAddr,
    /// Octets of text.
    pub(in crate::stack) len: usize,
    /// The marks with which it came, or will leave.
    pub(in crate::stack) marks: UdpMarks,
    /// The sequence number of an echo message; 0 of a datagram of UDP.
    pub(in crate::stack) sequence: u16,
    /// How it came.
    pub(in crate::stack) arrival: Arrival,
}

/// How a datagram arrived. It does not influence what follows, so it is not part of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) struct Arrival {
    /// When.
    pub(in crate::stack) at: Instant,
    /// How many datagrams for the same socket had found no room by then.
    pub(in crate::stack) lost: u32,
}

impl Arrival {
    /// For a datagram that leaves.
    const NONE: Arrival = Arrival {
        at: Instant::ZERO,
        lost: 0,
    };
}

impl Hash for Arrival {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Fields of the IP header of one datagram, besides addresses. `None`: as its socket says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UdpMarks {
    /// TTL or hop limit.
    pub hop_limit: Option<u8>,
    /// The six DSCP bits and two ECN bits.
    pub traffic_class: Option<u8>,
}

/// A queue of datagrams. All texts lie in one ring, one after the other, so that a datagram costs
/// no allocation of its own.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    heads: VecDeque<Head>,
    octets: VecDeque<u8>,
    /// Octets at the front that belong to the datagram lent out last.
    lent: usize,
    max_datagrams: usize,
    max_octets: usize,
    /// The memory that packets with these texts would take in Linux.
    memory: usize,
    /// Octets that the host has been charged.
    charged: usize,
}

/// The memory that a datagram takes with its headers, as if it were IPv4.
fn memory(text: usize) -> usize {
    memory_of(ip::header_len(true) + HEADER + text)
}

/// An empty queue keeps a ring of this many octets, and gives a larger one back.
const KEPT: usize = 64 * 1024;

impl Queue {
    pub(super) fn new(max_datagrams: usize, max_octets: usize) -> Queue {
        Queue {
            heads: VecDeque::new(),
            octets: VecDeque::new(),
            lent: 0,
            max_datagrams,
            max_octets,
            memory: 0,
            charged: 0,
        }
    }

    /// Charges the host for what the queue takes now that it has changed.
    #[inline]
    pub(super) fn charge(&mut self, memory: &mut Memory) {
        let now = self.octets.capacity() + self.heads.capacity() * size_of::<Head>();
        memory.charge_datagrams(core::mem::replace(&mut self.charged, now), now);
    }

    /// Ends the queue and all charges for it.
    pub(super) fn discharge(self, memory: &mut Memory) {
        memory.charge_datagrams(self.charged, 0);
    }

    /// Adds a datagram; false if there is no room. An empty queue has room for any.
    pub(super) fn push(
        &mut self,
        local: IpAddr,
        remote: SocketAddr,
        marks: UdpMarks,
        sequence: u16,
        text: &[u8],
    ) -> bool {
        self.settle();
        if !self.has_room(text.len()) {
            return false;
        }
        self.heads.push_back(Head {
            local,
            remote,
            len: text.len(),
            marks,
            sequence,
            arrival: Arrival::NONE,
        });
        self.memory += memory(text.len());
        self.octets.extend(text);
        true
    }

    /// Whether a datagram may join the others if all together may take `most` octets of memory.
    pub(super) fn fits(&self, len: usize, most: usize) -> bool {
        self.is_empty() || self.memory + memory(len) <= most
    }

    /// Notes how the last datagram arrived.
    pub(super) fn note(&mut self, arrival: Arrival) {
        if let Some(last) = self.heads.back_mut() {
            last.arrival = arrival;
        }
    }

    /// The length of the first datagram, in octets.
    pub(super) fn first(&self) -> Option<usize> {
        self.heads.front().map(|head| head.len)
    }

    /// When the first datagram arrived.
    pub(super) fn since(&self) -> Option<Instant> {
        self.heads.front().map(|head| head.arrival.at)
    }

    /// Whether a datagram of `len` octets would be taken.
    pub(super) fn has_room(&self, len: usize) -> bool {
        let held = self.octets.len() - self.lent;
        let full = self.heads.len() >= self.max_datagrams || held + len > self.max_octets;
        !full || self.heads.is_empty()
    }

    /// The first datagram, as much of its text in `buffer` as there is room for. It stays.
    pub(super) fn peek(&self, buffer: &mut [u8]) -> Option<Head> {
        let head = *self.heads.front()?;
        let end = self.lent + head.len.min(buffer.len());
        let mut rest = buffer;
        for piece in self.front(end).slice(self.lent, end).pieces() {
            let (start, after) = rest.split_at_mut(piece.len());
            start.copy_from_slice(piece);
            rest = after;
        }
        Some(head)
    }

    /// Takes the first datagram away.
    pub(super) fn pop(&mut self) {
        self.lend();
        self.settle();
    }

    /// Takes the first datagram away; its text is [`Queue::lent`] until the queue is changed.
    pub(super) fn lend(&mut self) -> Option<Head> {
        self.settle();
        let head = self.heads.pop_front()?;
        self.memory -= memory(head.len);
        self.lent = head.len;
        Some(head)
    }

    /// The text lent out last.
    pub(super) fn lent(&self) -> Text<'_> {
        self.front(self.lent)
    }

    /// Forgets every datagram that is not from, or to, `remote`.
    pub(super) fn retain(&mut self, remote: SocketAddr) {
        for _ in 0..self.heads.len() {
            let Some(head) = self.lend() else {
                return;
            };
            if head.remote == remote {
                let text = self.lent().to_vec();
                self.push(head.local, head.remote, head.marks, head.sequence, &text);
                self.note(head.arrival);
            }
        }
        self.settle();
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The first `len` octets of the ring.
    fn front(&self, len: usize) -> Text<'_> {
        let (first, second) = self.octets.as_slices();
        Text::new(first, second).slice(0, len)
    }

    /// Frees what was lent out, which has left by now.
    fn settle(&mut self) {
        self.octets.drain(..core::mem::take(&mut self.lent));
        if self.octets.is_empty() {
            // Back to the start of the ring, which is in the cache, so that texts lie in one
            // piece.
            self.octets.clear();
            if self.octets.capacity() > KEPT {
                self.octets = VecDeque::new();
            }
        }
    }
}

/// Hashes what waits; not how much room there is, nor what has left.
impl Hash for Queue {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.heads.hash(hasher);
        for octet in self.octets.iter().skip(self.lent) {
            octet.hash(hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(port: u16) -> (IpAddr, SocketAddr) {
        ([10, 0, 0, 1].into(), ([10, 0, 0, 2], port).into())
    }

    fn push(queue: &mut Queue, port: u16, text: &[u8]) -> bool {
        let (local, remote) = head(port);
        queue.push(local, remote, UdpMarks::default(), 0, text)
    }

    /// The first datagram, taken away: its port and its text.
    fn take(queue: &mut Queue) -> Option<(u16, Vec<u8>)> {
        let mut buffer = [0; 100];
        let head = queue.peek(&mut buffer)?;
        queue.pop();
        Some((head.remote.port(), buffer[..head.len].to_vec()))
    }

    #[test]
    fn what_goes_in_comes_out_in_order_around_the_ring() {
        let mut queue = Queue::new(8, 100);
        let text = |number: u16| vec![number as u8; usize::from(number) % 13];
        let (mut pushed, mut taken) = (0, 0);
        for round in 0..500 {
            while round % 3 != 2 && push(&mut queue, pushed, &text(pushed)) {
                pushed += 1;
            }
            for _ in 0..round % 5 {
                if let Some(first) = take(&mut queue) {
                    assert_eq!(first, (taken, text(taken)));
                    taken += 1;
                }
            }
        }
        assert!(taken > 300, "{taken}");
    }

    #[test]
    fn is_bounded_in_number_and_in_octets_but_takes_one() {
        let mut queue = Queue::new(3, 10);
        assert!((0..3).all(|port| push(&mut queue, port, b"")));
        assert!(!push(&mut queue, 3, b""), "a fourth");
        let mut queue = Queue::new(3, 10);
        assert!(push(&mut queue, 0, b"12345") && push(&mut queue, 1, b"67890"));
        assert!(!push(&mut queue, 2, b"x"), "an eleventh octet");
        let mut queue = Queue::new(0, 0);
        assert!(push(&mut queue, 0, b"whatever") && !push(&mut queue, 1, b""));
        assert_eq!(take(&mut queue), Some((0, b"whatever".to_vec())));
        assert_eq!(take(&mut queue), None);
    }

    #[test]
    fn what_is_lent_stays_until_the_queue_changes_and_makes_room_then() {
        let mut queue = Queue::new(8, 6);
        assert!(push(&mut queue, 1, b"abc") && push(&mut queue, 2, b"def"));
        assert_eq!(queue.lend().map(|head| head.remote.port()), Some(1));
        assert_eq!(queue.lent().to_vec(), b"abc");
        let mut buffer = [0; 2];
        assert_eq!(queue.peek(&mut buffer).map(|head| head.len), Some(3));
        assert_eq!(&buffer, b"de");
        assert!(push(&mut queue, 3, b"ghi"));
        queue.lend();
        assert_eq!(queue.lent().to_vec(), b"def");
        assert_eq!(take(&mut queue), Some((3, b"ghi".to_vec())));
        assert!(queue.lent().is_empty() && queue.lend().is_none());
    }

    #[test]
    fn those_of_others_can_be_forgotten() {
        let mut queue = Queue::new(8, 100);
        for (port, text) in [(1, "a"), (2, "bb"), (1, "ccc"), (3, ""), (1, "")] {
            assert!(push(&mut queue, port, text.as_bytes()));
        }
        queue.retain(head(1).1);
        let left: Vec<_> = std::iter::from_fn(|| take(&mut queue)).collect();
        assert_eq!(
            left,
            [(1, b"a".to_vec()), (1, b"ccc".to_vec()), (1, vec![])]
        );
    }

    #[test]
    fn an_empty_queue_gives_a_large_ring_back() {
        let mut queue = Queue::new(100, usize::MAX);
        assert!((0..100).all(|port| push(&mut queue, port, &[7; 1000])));
        assert!(queue.octets.capacity() >= 100_000);
        (0..100).for_each(|_| queue.pop());
        assert_eq!(queue.octets.capacity(), 0);
    }
}
