//! The bottom of the ladder: a device that moves datagrams and promises next to nothing.

use core::fmt;

use crate::wire::Packet;

/// What a device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest datagram that may be sent, in octets, IP header included.
    pub mtu: usize,
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
}

/// Datagrams that arrived together: one allocation, used again and again.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    slot: usize,
    capacity: usize,
}

impl Batch {
    /// Room for `capacity` datagrams of at most `slot` octets each.
    pub fn new(capacity: usize, slot: usize) -> Batch {
        Batch {
            bytes: vec![0; capacity * slot],
            ends: Vec::with_capacity(capacity),
            slot,
            capacity,
        }
    }

    /// Forgets the datagrams, keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
    }

    /// How many datagrams are in it.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether there is no room for another.
    pub fn is_full(&self) -> bool {
        self.ends.len() == self.capacity
    }

    /// Where the next datagram may be written; `None` if the batch is full. Nothing counts as
    /// arrived before [`Batch::commit`].
    pub fn slot(&mut self) -> Option<&mut [u8]> {
        if self.is_full() {
            return None;
        }
        let start = self.start_of(self.ends.len());
        Some(&mut self.bytes[start..start + self.slot])
    }

    /// Counts the first `len` octets of the slot as one datagram.
    ///
    /// # Panics
    /// If the batch is full or `len` is longer than a slot.
    pub fn commit(&mut self, len: usize) {
        assert!(
            !self.is_full() && len <= self.slot,
            "commit without a slot of that size"
        );
        self.ends.push(self.start_of(self.ends.len()) + len);
    }

    /// The datagrams, in the order in which they arrived.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ends
            .iter()
            .enumerate()
            .map(|(index, &end)| &self.bytes[self.start_of(index)..end])
    }

    fn start_of(&self, index: usize) -> usize {
        index * self.slot
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
}
