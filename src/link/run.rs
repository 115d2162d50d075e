//! Datagrams on their way out, kept until they are sent.

use core::ops::Range;
use std::mem;

use super::device::{DeviceError, Sender};
use crate::wire::{HeldText, Packet, Text};

/// Text of so many octets is held, shorter text is copied.
const LONG: usize = 4 * 1024;

/// Datagrams in their order, their text copied or held.
#[derive(Default)]
pub struct Run {
    departed: Vec<Departed>,
    /// Copies of short text.
    copies: Vec<u8>,
    /// Octets of all datagrams.
    octets: usize,
}

struct Departed {
    head: Packet<'static>,
    text: Kept,
}

enum Kept {
    Copied(Range<usize>),
    Held(HeldText),
}

impl Run {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.departed.is_empty()
    }

    /// How many datagrams.
    pub fn len(&self) -> usize {
        self.departed.len()
    }

    /// Octets of all datagrams.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Takes one more datagram. Long text is held where it lies, if it can be.
    pub fn push(&mut self, packet: &Packet<'_>) {
        let text = packet.text();
        let held = match text.len() < LONG {
            true => None,
            false => text.hold(),
        };
        let text = held.map_or_else(|| Kept::Copied(self.copy(text)), Kept::Held);
        self.octets += packet.len();
        self.departed.push(Departed {
            head: packet.with_text(Text::EMPTY),
            text,
        });
    }

    fn copy(&mut self, text: Text<'_>) -> Range<usize> {
        let start = self.copies.len();
        let pieces = text.pieces();
        for piece in pieces {
            self.copies.extend_from_slice(piece);
        }
        start..self.copies.len()
    }

    /// Moves all of `other` to the end.
    pub fn append(&mut self, other: &mut Run) {
        if self.is_empty() {
            mem::swap(self, other);
            return;
        }
        let base = self.copies.len();
        self.copies.append(&mut other.copies);
        self.octets += mem::take(&mut other.octets);
        let moved = other.departed.drain(..).map(|departed| Departed {
            text: match departed.text {
                Kept::Copied(range) => Kept::Copied(base + range.start..base + range.end),
                Kept::Held(held) => Kept::Held(held),
            },
            ..departed
        });
        self.departed.extend(moved);
    }

    /// Sends everything, and keeps only the memory. Each text is let go of as soon as it is sent, so
    /// that its block can be used again.
    ///
    /// # Errors
    /// If the device cannot go on; what was not sent by then is lost.
    pub fn send(&mut self, sender: &mut dyn Sender) -> Result<(), DeviceError> {
        let mut departed = self.departed.drain(..);
        let sent = departed.try_for_each(|departed| {
            let text = match &departed.text {
                Kept::Copied(range) => Text::from(&self.copies[range.clone()]),
                Kept::Held(held) => held.text(),
            };
            sender.send(departed.head.with_text(text))
        });
        drop(departed);
        self.copies.clear();
        self.octets = 0;
        sent.and_then(|()| sender.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Block;
    use std::sync::Arc;

    #[derive(Default)]
    struct Sent(Vec<Vec<u8>>);

    impl Sender for Sent {
        fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
            self.0.push(packet.to_vec());
            Ok(())
        }
    }

    #[test]
    fn long_text_is_held_and_short_text_copied() {
        let block: Block = (0..=255).cycle().take(3 * LONG).collect();
        let mut run = Run::default();
        let mut expected = Vec::new();
        for range in [0..LONG, 7..LONG, LONG..3 * LONG, 1..3] {
            let text = Text::in_blocks((&block, range.clone()), (&block, 5..5));
            run.push(&Packet::borrowed(&[]).with_text(text));
            expected.push(block[range].to_vec());
        }
        assert_eq!(Arc::strong_count(&block), 3, "the two long ones");
        let mut others = Run::default();
        others.push(&Packet::borrowed(b"first"));
        others.append(&mut run);
        assert_eq!((others.len(), run.len()), (5, 0));
        let mut sent = Sent::default();
        others.send(&mut sent).unwrap();
        assert_eq!(Arc::strong_count(&block), 1);
        expected.insert(0, b"first".to_vec());
        assert_eq!(sent.0, expected);
        assert!(others.is_empty() && others.octets() == 0);
    }
}
