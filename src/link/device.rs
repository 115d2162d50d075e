//! The bottom of the ladder: a device that moves datagrams and promises next to nothing.

use core::fmt;
use core::ops::Range;

use crate::wire::offload::{Form, Offload};
use crate::wire::{Packet, ip};

/// What a device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest datagram that may be sent, in octets, IP header included; a super-segment may be
    /// longer.
    pub mtu: usize,
    /// What it does in the stack's place.
    pub offload: Offload,
}

impl Capabilities {
    /// A device that moves datagrams of so many octets as they are.
    pub const fn plain(mtu: usize) -> Capabilities {
        Capabilities {
            mtu,
            offload: Offload::NONE,
        }
    }

    /// The longest datagram that may arrive, in octets: a device that cuts super-segments hands up
    /// such, too.
    pub const fn longest_arrival(&self) -> usize {
        match self.offload.longest {
            0 => self.mtu,
            // The payload of IPv6 can be that long by itself.
            _ => ip::MAX_DATAGRAM + ip::header_len(false),
        }
    }
}

/// Why a device cannot go on. Everything less (a full queue, an interface that is down for now)
/// is a lost packet, which the link above expects.
#[derive(Debug)]
pub enum DeviceError {
    /// The device is closed for good (its interface was deleted, its peer dropped).
    Closed,
    /// The operating system refused; the device may work again later.
    Io(std::io::Error),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceError::Closed => f.write_str("the device is closed"),
            DeviceError::Io(error) => write!(f, "the device failed: {error}"),
        }
    }
}

impl std::error::Error for DeviceError {}

/// A device that carries IP datagrams: the *fair-loss link* at the bottom of everything.
///
/// Its contract, and all that the stack relies on:
///
/// * **Fair loss.** A datagram that is sent again and again, without end, arrives again and
///   again. One that is sent once may be lost.
/// * **Finite duplication.** A datagram that is sent a finite number of times arrives a finite
///   number of times.
/// * **No creation.** What arrives was sent by somebody. (A wire that flips bits breaks this;
///   checksums restore it, as far as sixteen bits can.)
pub trait Device {
    /// What the device can do; constant while it lives, except the MTU.
    fn capabilities(&self) -> Capabilities;

    /// Appends to `batch` what has arrived, until nothing is left or the batch is full. Never
    /// blocks.
    ///
    /// # Errors
    /// If the device cannot go on. An interface that is down is not an error: nothing arrives.
    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError>;

    /// Sends one datagram, or takes it into the batch that [`Device::flush`] sends, or loses it.
    /// Never blocks.
    ///
    /// # Errors
    /// If the device cannot go on. A full queue is not an error: the datagram is lost.
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError>;

    /// Sends what [`Device::send`] has held back.
    ///
    /// # Errors
    /// As [`Device::send`].
    fn flush(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Nobody will use the device any more, though it may take a while until it is dropped.
    fn end(&mut self) {}
}

/// Where datagrams start in a batch: copies start at a cache line.
const ALIGNMENT: usize = 64;

/// Datagrams that arrived together: one allocation, used again and again. They lie one behind the
/// other, so that many short ones take no more of the cache than they need.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each begins and ends, and in what form it came.
    arrived: Vec<(Range<usize>, Form)>,
    slot: usize,
    capacity: usize,
}

impl Batch {
    /// Room for `capacity` datagrams of at most `slot` octets each.
    pub fn new(capacity: usize, slot: usize) -> Batch {
        Batch::with_memory(capacity, slot, capacity * slot.next_multiple_of(ALIGNMENT))
    }

    /// Room for `capacity` datagrams of at most `slot` octets each, as long as all of them together
    /// have room in so many `octets` (and one has).
    pub fn with_memory(capacity: usize, slot: usize, octets: usize) -> Batch {
        Batch {
            bytes: vec![0; octets.max(slot)],
            arrived: Vec::with_capacity(capacity),
            slot,
            capacity,
        }
    }

    /// Forgets the datagrams, keeps the memory.
    pub fn clear(&mut self) {
        self.arrived.clear();
    }

    /// How many datagrams are in it.
    pub fn len(&self) -> usize {
        self.arrived.len()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.arrived.is_empty()
    }

    /// Whether there is no room for another.
    pub fn is_full(&self) -> bool {
        self.arrived.len() == self.capacity || self.next() + self.slot > self.bytes.len()
    }

    /// Where the next datagram may be written; `None` if the batch is full. Nothing counts as
    /// arrived before [`Batch::commit`].
    pub fn slot(&mut self) -> Option<&mut [u8]> {
        if self.is_full() {
            return None;
        }
        let start = self.next();
        Some(&mut self.bytes[start..start + self.slot])
    }

    /// Counts the first `len` octets of the slot as one datagram, as it is on the wire.
    ///
    /// # Panics
    /// If the batch is full or `len` is longer than a slot.
    pub fn commit(&mut self, len: usize) {
        self.commit_as(len, Form::default());
    }

    /// As [`Batch::commit`], of a datagram in this form.
    ///
    /// # Panics
    /// As [`Batch::commit`].
    pub fn commit_as(&mut self, len: usize, form: Form) {
        assert!(
            !self.is_full() && len <= self.slot,
            "commit without a slot of that size"
        );
        let start = self.next();
        self.arrived.push((start..start + len, form));
    }

    /// The datagrams, in the order in which they arrived.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.arrivals().map(|(datagram, _)| datagram)
    }

    /// The datagrams, each with the form in which it came.
    pub fn arrivals(&self) -> impl Iterator<Item = (&[u8], Form)> {
        let arrived = self.arrived.iter();
        arrived.map(|(range, form)| (&self.bytes[range.clone()], *form))
    }

    /// Where the next datagram begins.
    fn next(&self) -> usize {
        let end = self.arrived.last().map_or(0, |(range, _)| range.end);
        end.next_multiple_of(ALIGNMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_what_was_committed() {
        let mut batch = Batch::new(2, 4);
        for text in [&b"abc"[..], &b"wxyz"[..]] {
            batch.slot().unwrap()[..text.len()].copy_from_slice(text);
            batch.commit(text.len());
        }
        assert!(batch.is_full() && batch.slot().is_none());
        assert_eq!(batch.iter().collect::<Vec<_>>(), [&b"abc"[..], b"wxyz"]);
        batch.clear();
        assert!(batch.is_empty());
    }

    #[test]
    fn a_batch_is_full_when_the_longest_has_no_room() {
        let mut batch = Batch::with_memory(8, 1000, 1100);
        for len in [30, 40, 50] {
            match batch.slot() {
                Some(slot) => slot[..len].fill(len as u8),
                None => break,
            }
            batch.commit(len);
        }
        assert!(batch.is_full(), "1000 octets at 128 end beyond 1100");
        let lens = batch.iter().map(|datagram| (datagram.len(), datagram[0]));
        assert_eq!(lens.collect::<Vec<_>>(), [(30, 30), (40, 40)]);
    }
}
