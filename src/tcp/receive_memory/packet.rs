//! A received packet that is held: its text, and the memory that it takes.

use core::hash::{Hash, Hasher};
use core::ops::Range;

use crate::tcp::packet_memory::{HEADROOM, TRAILER, buffer_of};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// A held packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::tcp) struct Packet {
    pub(super) text: Range<Seq>,
    /// Octets of memory.
    pub(super) memory: usize,
    /// Room for more text behind its own, in octets.
    room: usize,
    pub(super) came: Came,
}

/// When a packet arrived, or the last that has joined it. It is for users that ask, and influences
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Came(pub(super) Instant);

impl Hash for Came {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Packet {
    /// A packet with this text and this many octets of headers.
    pub(in crate::tcp) fn new(text: Range<Seq>, headers: usize) -> Packet {
        Packet::in_buffer(text, HEADROOM + headers)
    }

    pub(super) fn in_buffer(text: Range<Seq>, before: usize) -> Packet {
        let octets = before + (text.end - text.start) + TRAILER;
        let (buffer, memory) = buffer_of(octets);
        Packet {
            text,
            memory,
            room: buffer.saturating_sub(octets),
            came: Came(Instant::ZERO),
        }
    }

    /// The packet, as arrived at `now`.
    pub(in crate::tcp) fn at(self, now: Instant) -> Packet {
        Packet {
            came: Came(now),
            ..self
        }
    }

    pub(super) fn len(&self) -> usize {
        self.text.end - self.text.start
    }

    /// Takes over the text of the next packet, if there is room for it.
    pub(super) fn joins(&mut self, next: &Packet) -> bool {
        let fits = next.text.start == self.text.end && next.len() <= self.room;
        if fits {
            self.room -= next.len();
            self.text.end = next.text.end;
            self.came = next.came;
        }
        fits
    }
}
