//! Received octets and the buffer that holds them.
//!
//! A caller that wants some of the text for longer than a call keeps it where it lies, in place of
//! a copy. The memory is shared, and the receiver uses it again once no part of it is kept.

use core::fmt;
use core::ops::{Deref, Range};
use std::sync::Arc;

use super::offload::Form;

/// Octets that have arrived, borrowed for a call.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    octets: &'a [u8],
    /// The memory in which they lie, if some may be kept there.
    memory: Option<&'a Arc<[u8]>>,
}

impl<'a> Arrived<'a> {
    /// The octets `range` of a memory, which may be kept there.
    ///
    /// # Panics
    /// If the memory is shorter.
    pub fn in_memory(memory: &'a Arc<[u8]>, range: Range<usize>) -> Arrived<'a> {
        Arrived {
            octets: &memory[range],
            memory: Some(memory),
        }
    }

    /// The octets.
    pub fn octets(self) -> &'a [u8] {
        self.octets
    }

    /// Some of the octets, in the same memory.
    #[must_use]
    pub fn part(self, octets: &'a [u8]) -> Arrived<'a> {
        Arrived { octets, ..self }
    }

    /// The size of the memory that would be kept with them; `None` if they cannot be kept.
    pub fn memory_size(self) -> Option<usize> {
        self.memory.map(|memory| memory.len())
    }

    /// Keeps the octets where they lie; `None` if they can only be copied.
    pub fn keep(self) -> Option<Kept> {
        let memory = self.memory?;
        let start = self.octets.as_ptr().addr() - memory.as_ptr().addr();
        let range = start..start + self.octets.len();
        debug_assert_eq!(memory[range.clone()].as_ptr(), self.octets.as_ptr());
        Some(Kept {
            memory: Arc::clone(memory),
            range,
        })
    }
}

impl<'a> From<&'a [u8]> for Arrived<'a> {
    /// Octets that can only be copied.
    fn from(octets: &'a [u8]) -> Arrived<'a> {
        Arrived {
            octets,
            memory: None,
        }
    }
}

impl Deref for Arrived<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.octets
    }
}

/// A datagram that has arrived in three pieces: the first octets of its text lie in the buffer of a
/// reader, if the datagram is what that reader waits for.
#[derive(Clone, Copy, Debug)]
pub struct Landed<'a> {
    /// Its headers, if they have the expected length.
    pub headers: &'a [u8],
    /// What has landed.
    pub text: &'a [u8],
    /// What follows.
    pub rest: Arrived<'a>,
    /// The form in which it arrived.
    pub form: Form,
}

/// Octets kept where they arrived.
#[derive(Clone)]
pub struct Kept {
    memory: Arc<[u8]>,
    range: Range<usize>,
}

impl Kept {
    /// The size of the memory that is kept with them.
    pub fn memory_size(&self) -> usize {
        self.memory.len()
    }

    /// The first `count` of them alone, or all if there are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Kept {
        let end = self.range.start + count.min(self.range.len());
        Kept {
            memory: Arc::clone(&self.memory),
            range: self.range.start..end,
        }
    }

    /// Forgets the first `count` of them, or all if there are fewer.
    pub fn skip(&mut self, count: usize) {
        self.range.start += count.min(self.range.len());
    }
}

impl Deref for Kept {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.range.clone()]
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} octets", self.range.len(), self.memory.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_where_it_is_and_is_shared() {
        let mut memory: Arc<[u8]> = Arc::from(&b"header and text, and room"[..]);
        let datagram = Arrived::in_memory(&memory, 0..15);
        assert_eq!(*datagram, b"header and text"[..]);
        let text = datagram.part(&datagram.octets()[11..]);
        let mut kept = text.keep().unwrap();
        assert_eq!((&*kept, kept.memory_size()), (&b"text"[..], 25));
        assert_eq!(kept.as_ptr(), memory[11..].as_ptr());
        assert!(Arc::get_mut(&mut memory).is_none(), "somebody keeps some");
        assert_eq!(&*kept.first(2), b"te");
        kept.skip(3);
        assert_eq!((&*kept, &*kept.first(9)), (&b"t"[..], &b"t"[..]));
        kept.skip(9);
        assert!(kept.is_empty());
        drop(kept);
        assert!(Arc::get_mut(&mut memory).is_some(), "nobody does any more");
    }

    #[test]
    fn what_is_only_borrowed_cannot_be_kept() {
        let octets = Arrived::from(&b"text"[..]);
        assert!(octets.keep().is_none() && octets.memory_size().is_none());
    }
}
