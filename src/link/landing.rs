//! Receiving text straight into the buffer of its reader.

use core::ops::Range;

use super::Batch;
use crate::wire::{Form, Landed};

/// The smallest buffer, and the shortest arrivals, in octets, for which landing pays: less is copied
/// faster than received in pieces.
const LEAST: usize = 16 * 1024;

/// The buffer of a reader that waits for text, while datagrams are received that are expected to bring
/// it. The headers of each datagram go into its memory in the batch. Its text goes into the buffer,
/// where the previous text ends; what does not fit there goes into its memory, too. A datagram that is
/// not what was expected is put together in its memory, as if it had been received there.
///
/// ```text
///   memories    headers│- - - - - - -│      headers│- - - -│ the rest
///                      └──────┐                    │       │
///   buffer     ───────────────┴─ text ─────────────┴ text ─┘
/// ```
#[derive(Debug)]
pub struct Landing<'a> {
    /// Octets of headers that each datagram is expected to have.
    headers: usize,
    buffer: &'a mut [u8],
    /// How many octets of the buffer were received into, and how many of those were offered.
    received: usize,
    offered: usize,
    /// How many octets, from its start, were taken as the expected text.
    taken: usize,
    /// Something came that does not land,
    has_other: bool,
    /// or that landed and was not what was expected.
    has_missed: bool,
}

impl<'a> Landing<'a> {
    /// Whether landing pays if the longest datagram has this many octets.
    pub const fn pays_with(longest_arrival: usize) -> bool {
        longest_arrival >= LEAST
    }

    /// A landing for text behind this many octets of `headers`; `None` if the buffer is too small for
    /// a gain.
    pub fn new(headers: usize, buffer: &'a mut [u8]) -> Option<Landing<'a>> {
        (buffer.len() >= LEAST).then_some(Landing {
            headers,
            buffer,
            received: 0,
            offered: 0,
            taken: 0,
            has_other: false,
            has_missed: false,
        })
    }

    /// Octets of text that lie in the buffer, from its start.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Whether something landed that was not what was expected.
    pub fn has_missed(&self) -> bool {
        self.has_missed
    }

    /// Whether to receive nothing more here, because it would not pay, or because it might not follow
    /// what was taken once the stack is locked again.
    pub fn is_over(&self) -> bool {
        let is_cut_off = self.has_missed || self.has_other && self.taken > 0;
        is_cut_off || self.buffer.len() - self.received < LEAST
    }

    /// Where the next datagram goes if it may land: its headers, the start of its text, and the rest.
    /// `None` if the batch is full.
    pub fn slot<'b>(&'b mut self, batch: &'b mut Batch) -> Option<[&'b mut [u8]; 3]> {
        let room = self.room(batch);
        let [headers, rest] = batch.slot_around(room.clone())?;
        let room = &mut self.buffer[self.received..][..room.len()];
        Some([headers, room, rest])
    }

    /// Counts `len` octets in the slot as one datagram, as it is on the wire.
    ///
    /// # Panics
    /// As [`Batch::commit`].
    pub fn commit(&mut self, batch: &mut Batch, len: usize) {
        self.commit_as(batch, len, Form::default());
    }

    /// As [`Landing::commit`], for a datagram in this form.
    ///
    /// # Panics
    /// As [`Batch::commit`].
    pub fn commit_as(&mut self, batch: &mut Batch, len: usize, form: Form) {
        let room = self.room(batch);
        let landed = room.start..room.end.min(len).max(room.start);
        self.received += landed.len();
        batch.commit_around(len, form, landed);
    }

    /// Which octets of the next datagram have room in the buffer.
    fn room(&self, batch: &Batch) -> Range<usize> {
        let headers = self.headers.min(batch.slot_size());
        let room = self.buffer.len() - self.received;
        headers..headers + room.min(batch.slot_size() - headers)
    }

    /// Offers a datagram of the batch to `take`, which returns whether it was expected. If not, or if
    /// it does not follow what was taken, it is put together in its memory.
    ///
    /// The caller must offer datagrams in order, each once, and those of one batch while the stack is
    /// locked.
    pub fn offer(
        &mut self,
        batch: &mut Batch,
        index: usize,
        take: impl FnOnce(&Landed<'_>) -> bool,
    ) -> bool {
        let landed = batch.landed(index);
        if landed.is_empty() {
            self.has_other = true;
            return false;
        }
        let start = self.offered;
        self.offered += landed.len();
        let text = &mut self.buffer[start..self.offered];
        if start == self.taken && take(&batch.around(index, text)) {
            self.taken = self.offered;
            return true;
        }
        batch.put_together(index, text);
        // It may belong to another connection, and the reader must not see any of it.
        text.fill(0);
        self.has_missed = true;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: usize = 4;

    /// Receives datagrams that consist of the numbers from 0 on, with text of these lengths.
    fn receive(landing: &mut Landing<'_>, batch: &mut Batch, lens: &[usize]) {
        batch.clear();
        for len in lens.iter().map(|len| HEADERS + len) {
            let mut octets = (0..len).map(|octet| octet as u8);
            for piece in landing.slot(batch).unwrap() {
                piece
                    .iter_mut()
                    .zip(&mut octets)
                    .for_each(|(to, octet)| *to = octet);
            }
            landing.commit(batch, len);
        }
    }

    fn text(len: usize) -> Vec<u8> {
        (HEADERS..HEADERS + len).map(|octet| octet as u8).collect()
    }

    /// Each text follows the one before in the buffer, and what does not fit lies in the batch.
    #[test]
    fn text_that_is_expected_lies_in_the_buffer() {
        let mut buffer = vec![0xee; LEAST + 1000];
        let mut landing = Landing::new(HEADERS, &mut buffer).unwrap();
        let mut batch = Batch::new(3, 2 * LEAST);
        receive(&mut landing, &mut batch, &[300, LEAST + 900]);
        assert!(landing.is_over(), "there is no room left");
        let mut seen = Vec::new();
        for index in 0..2 {
            assert!(landing.offer(&mut batch, index, |datagram| {
                assert_eq!(datagram.headers, [0, 1, 2, 3]);
                let whole = [datagram.text, &datagram.rest].concat();
                assert_eq!(whole, text(whole.len()));
                seen.push((datagram.text.len(), datagram.rest.len()));
                true
            }));
        }
        assert_eq!(seen, [(300, 0), (LEAST + 700, 200)]);
        assert_eq!(
            (landing.taken(), landing.has_missed()),
            (LEAST + 1000, false)
        );
        let expected = [text(300), text(LEAST + 700)].concat();
        assert!(buffer == expected);
    }

    /// A datagram that was not expected is whole in the batch, and so is what lands after it; no octet
    /// of either stays in the buffer.
    #[test]
    fn what_was_not_expected_is_put_together_and_leaves_no_trace() {
        for missed in 0..3 {
            let mut buffer = vec![0; LEAST + 1000];
            let mut landing = Landing::new(HEADERS, &mut buffer).unwrap();
            let mut batch = Batch::new(3, LEAST);
            receive(&mut landing, &mut batch, &[100, 200, 300]);
            for index in 0..3 {
                let taken = landing.offer(&mut batch, index, |_| index != missed);
                assert_eq!(taken, index < missed);
            }
            assert!(landing.has_missed() && landing.is_over());
            let taken = landing.taken();
            assert_eq!(taken, [0, 100, 300][missed]);
            for (index, datagram) in batch.iter().enumerate().skip(missed) {
                let whole = [&[0, 1, 2, 3][..], &text(100 * (index + 1))].concat();
                assert_eq!(datagram, whole);
            }
            assert!(buffer[taken..].iter().all(|octet| *octet == 0));
        }
    }

    /// A datagram no longer than the headers lies whole in the batch. What comes after that batch no
    /// longer lands, because another thread may have read in between.
    #[test]
    fn what_has_no_text_does_not_land() {
        let mut buffer = vec![0; 2 * LEAST];
        let mut landing = Landing::new(HEADERS, &mut buffer).unwrap();
        let mut batch = Batch::new(2, LEAST);
        receive(&mut landing, &mut batch, &[0, 100]);
        assert!(!landing.offer(&mut batch, 0, |_| unreachable!("it has not landed")));
        assert!(!landing.is_over(), "nothing was taken so far");
        assert!(landing.offer(&mut batch, 1, |_| true));
        assert!(landing.is_over() && !landing.has_missed());
        assert_eq!(batch.iter().next(), Some(&[0, 1, 2, 3][..]));
    }

    #[test]
    fn it_does_not_pay_for_little() {
        assert!(Landing::new(HEADERS, &mut [0; LEAST - 1]).is_none());
        assert!(!Landing::pays_with(1500));
    }
}
