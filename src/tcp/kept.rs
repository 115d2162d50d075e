//! Text in order that stays in the memory into which it was received, until its user has read it.

use core::ops::Range;
use std::collections::VecDeque;

use super::seq::Seq;
use crate::wire::Kept;

/// Text without gaps, in the parts in which it arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptText {
    parts: VecDeque<Part>,
    /// Octets of the memories that it keeps.
    memory: usize,
}

/// A contiguous part of it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The place of its first octet.
    pub(super) at: Seq,
    pub(super) text: Kept,
}

impl Part {
    pub(super) fn end(&self) -> Seq {
        self.at + self.text.len()
    }

    /// What lies before `place` is forgotten.
    fn begin_at(&mut self, place: Seq) {
        let before = place.saturating_since(self.at).min(self.text.len());
        self.text.skip(before);
        self.at += before;
    }
}

impl KeptText {
    /// Appends `text` at `at`, which must be its end unless it is empty.
    pub(super) fn push(&mut self, at: Seq, text: Kept) {
        self.memory += text.memory_size();
        self.parts.push_back(Part { at, text });
    }

    /// Prepends `part`, which must end where it begins unless it is empty.
    pub(super) fn push_front(&mut self, part: Part) {
        self.memory += part.text.memory_size();
        self.parts.push_front(part);
    }

    /// Takes the first part out, or as much of it as lies before `end`.
    pub(super) fn pop(&mut self, end: Seq) -> Option<Part> {
        let first = self.parts.front()?;
        if first.end() <= end {
            self.memory -= first.text.memory_size();
            return self.parts.pop_front();
        }
        let (at, text) = (first.at, first.text.first(end.saturating_since(first.at)));
        self.forget_before(end);
        (!text.is_empty()).then_some(Part { at, text })
    }

    /// The octets of `range` that are here, in order.
    pub(super) fn pieces(&self, range: Range<Seq>) -> impl Iterator<Item = &[u8]> {
        let behind = range.end;
        let parts = self.parts.iter().take_while(move |part| part.at < behind);
        parts.map(move |part| {
            let from = range.start.saturating_since(part.at).min(part.text.len());
            let to = range.end.saturating_since(part.at).min(part.text.len());
            &part.text[from..to]
        })
    }

    /// Forgets what lies before `place`.
    pub(super) fn forget_before(&mut self, place: Seq) {
        while let Some(first) = self.parts.front_mut() {
            if place < first.end() {
                return first.begin_at(place);
            }
            self.memory -= first.text.memory_size();
            self.parts.pop_front();
        }
    }

    /// The place after its last octet, if it is not empty.
    pub(super) fn end(&self) -> Option<Seq> {
        self.parts.back().map(Part::end)
    }

    /// Gives its own memory back if it is empty.
    pub(super) fn shrink(&mut self) {
        if self.parts.is_empty() {
            *self = KeptText::default();
        }
    }

    /// Octets of the memories that it keeps.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Arrived;
    use std::sync::Arc;

    fn start() -> Seq {
        Seq::initial(u32::MAX - 3)
    }

    fn kept(octets: &[u8]) -> Kept {
        let memory = Arc::from(octets);
        let kept = Arrived::in_memory(&memory, 0..octets.len()).keep();
        kept.expect("it is in a memory")
    }

    /// The text "abcdefghi" in three parts.
    fn text() -> KeptText {
        let mut text = KeptText::default();
        for (at, octets) in [(0, &b"abc"[..]), (3, b"defg"), (7, b"hi")] {
            text.push(start() + at, kept(octets));
        }
        text
    }

    fn octets(text: &KeptText, range: Range<usize>) -> Vec<u8> {
        let range = start() + range.start..start() + range.end;
        text.pieces(range).collect::<Vec<_>>().concat()
    }

    #[test]
    fn any_range_is_found_in_its_parts() {
        let text = text();
        for (range, expected) in [
            (0..9, &b"abcdefghi"[..]),
            (1..3, b"bc"),
            (2..8, b"cdefgh"),
            (7..7, b""),
        ] {
            assert_eq!(octets(&text, range), expected);
        }
        assert_eq!((text.end(), text.memory()), (Some(start() + 9), 9));
    }

    #[test]
    fn a_memory_goes_with_the_last_octet_in_it() {
        let mut text = text();
        text.forget_before(start() + 2);
        assert_eq!((octets(&text, 2..9), text.memory()), (b"cdefghi".into(), 9));
        text.forget_before(start() + 7);
        assert_eq!((octets(&text, 7..9), text.memory()), (b"hi".into(), 2));
        text.forget_before(start() + 9);
        assert_eq!((text.end(), text.memory()), (None, 0));
    }

    #[test]
    fn parts_are_taken_out_whole_or_as_far_as_is_asked_and_put_back() {
        let mut text = text();
        let taken = |part: &Part| (part.at - start(), part.text.to_vec());
        let first = text.pop(start() + 9).unwrap();
        assert_eq!(taken(&first), (0, b"abc".to_vec()));
        let second = text.pop(start() + 5).unwrap();
        assert_eq!(taken(&second), (3, b"de".to_vec()));
        assert!(text.pop(start() + 5).is_none());
        assert_eq!(octets(&text, 5..9), b"fghi");
        text.push_front(second);
        assert_eq!(octets(&text, 3..9), b"defghi");
    }
}
