//! Datagrams on their way to the device, held until they are sent.

use std::collections::VecDeque;
use std::mem;

use super::device::{DeviceError, Sender};
use crate::wire::{Form, HeldText, Packet};

/// Text of at least this many octets is held, shorter text is copied.
const LONG: usize = 4 * 1024;

/// Datagrams in order, with their text copied or held.
#[derive(Default)]
pub(crate) struct Run {
    departed: Vec<Departed>,
    /// Headers, each followed by its text if that is short.
    copies: Vec<u8>,
    /// Long text, in order.
    held: VecDeque<HeldText>,
    /// Octets of all datagrams.
    octets: usize,
}

struct Departed {
    /// Octets of its header,
    header: usize,
    /// and of everything copied, the header included.
    copied: usize,
    /// The rest of it is held.
    is_held: bool,
    form: Form,
}

impl Run {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.departed.is_empty()
    }

    /// How many datagrams.
    pub(crate) fn len(&self) -> usize {
        self.departed.len()
    }

    /// Octets of all datagrams.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    /// How many of them hold no text.
    pub(crate) fn short(&self) -> usize {
        self.departed.len() - self.held.len()
    }

    /// Adds a datagram. Long text is held where it lies, if possible.
    pub(crate) fn push(&mut self, packet: &Packet<'_>) {
        let text = packet.text();
        let held = match text.len() < LONG {
            true => None,
            false => text.hold(),
        };
        let is_held = held.is_some();
        let [header, first, second] = packet.pieces();
        self.copies.extend_from_slice(header);
        match held {
            Some(held) => self.held.push_back(held),
            None => {
                self.copies.extend_from_slice(first);
                self.copies.extend_from_slice(second);
            }
        }
        self.octets += packet.len();
        self.departed.push(Departed {
            header: header.len(),
            copied: match is_held {
                true => header.len(),
                false => packet.len(),
            },
            is_held,
            form: packet.form(),
        });
    }

    /// Moves all of `other` to the end.
    pub(crate) fn append(&mut self, other: &mut Run) {
        if self.is_empty() {
            mem::swap(self, other);
            return;
        }
        self.departed.append(&mut other.departed);
        self.copies.append(&mut other.copies);
        self.held.append(&mut other.held);
        self.octets += mem::take(&mut other.octets);
    }

    /// Sends everything, and keeps only the memory. Releases each text as soon as it is sent, so
    /// that its block can be used again.
    ///
    /// # Errors
    /// If the device cannot go on; what was not sent by then is lost.
    pub(crate) fn send(&mut self, sender: &mut dyn Sender) -> Result<(), DeviceError> {
        let mut rest = &self.copies[..];
        let sent = self.departed.iter().try_for_each(|departed| {
            let (copied, later) = rest.split_at(departed.copied);
            rest = later;
            let held = match departed.is_held {
                true => self.held.pop_front(),
                false => None,
            };
            let (header, text) = match departed.form.cut {
                // In one piece, which is written faster than two.
                None if held.is_none() => (&[][..], copied),
                _ => copied.split_at(departed.header),
            };
            let text = held.as_ref().map_or(text.into(), HeldText::text);
            sender.send(Packet::new_in(departed.form, header, text))
        });
        self.departed.clear();
        self.copies.clear();
        self.held.clear();
        self.octets = 0;
        sent.and_then(|()| sender.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Block, Text};
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
            run.push(&Packet::new_in(Form::default(), &[], text));
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
