//! What the user has sent and the peer has not acknowledged.

use core::hash::{Hash, Hasher};
use core::ops::Range;
use std::collections::VecDeque;
use std::sync::Arc;

use super::seq::Seq;
use crate::wire::{Block, Text};

/// The smallest block, in octets: one that suits a line typed by a person.
const LEAST_BLOCK: usize = 256;

/// The largest, as far as the buffer chooses: a super-segment lies in two of them or three.
const BLOCK: usize = 64 * 1024;

/// The octets from `start` (the first that the peer has not acknowledged) on, as many as the user
/// gave.
///
/// They lie in blocks that others may hold: what departs is not copied, and whoever writes it to a
/// device needs no lock for it. So nothing is ever written where text lies already.
#[derive(Clone, Debug)]
pub(crate) struct SendBuffer {
    /// Those with text, one behind the other, and then spare ones.
    chunks: VecDeque<Chunk>,
    start: Seq,
    /// Fields of 32 bits, for there may be very many buffers.
    len: u32,
    capacity: u32,
    /// How many chunks have text.
    used: u32,
    /// Octets of all blocks.
    allocated: u32,
}

/// `len` octets of text in a block.
#[derive(Clone, Debug)]
struct Chunk {
    block: Block,
    /// The place of the first,
    start: Seq,
    /// and where in the block it lies.
    from: u32,
    len: u32,
}

impl Chunk {
    /// One without text.
    fn spare(block: Block) -> Chunk {
        Chunk {
            block,
            start: Seq::initial(0),
            from: 0,
            len: 0,
        }
    }

    fn end(&self) -> Seq {
        self.start + self.len as usize
    }

    /// Where in the block the octets of `range` lie, as far as they lie in this one.
    fn indices(&self, range: &Range<Seq>) -> Range<usize> {
        let index = |place: Seq| self.from as usize + (place - self.start);
        index(range.start.max(self.start))..index(range.end.min(self.end()))
    }

    /// What can be written behind the text: nothing while somebody else holds the block.
    fn free(&mut self) -> &mut [u8] {
        let end = self.from + self.len;
        match Arc::get_mut(&mut self.block) {
            Some(octets) => &mut octets[end as usize..],
            None => &mut [],
        }
    }
}

impl SendBuffer {
    /// An empty buffer whose first octet will lie at `start`. Allocates nothing.
    pub(crate) fn new(capacity: usize, start: Seq) -> SendBuffer {
        SendBuffer {
            chunks: VecDeque::new(),
            start,
            len: 0,
            capacity: narrow(capacity),
            used: 0,
            allocated: 0,
        }
    }

    /// Takes all of `data`, for which there must be room. A block that is allocated is no larger
    /// than necessary if more than `allowed` octets would be.
    pub(crate) fn push(&mut self, data: &[u8], allowed: usize) {
        let mut rest = data;
        while !rest.is_empty() {
            let taken = self.extend(rest.len(), allowed, |room| copy_into(room, rest));
            rest = &rest[taken..];
        }
    }

    /// Takes what `fill` writes after the last octet, where there is room for `len` octets (they
    /// must fit), or for as many as two pieces give. `fill` says how many it has written; returns how
    /// many were taken. `allowed`: as for [`SendBuffer::push`].
    pub(crate) fn extend(
        &mut self,
        len: usize,
        allowed: usize,
        fill: impl FnOnce([&mut [u8]; 2]) -> usize,
    ) -> usize {
        debug_assert!(len <= self.room());
        let end = self.end();
        let behind = self.free_behind().min(len);
        let beyond = (len - behind).min(BLOCK);
        if beyond > 0 {
            self.provide(beyond, allowed);
        }
        let used = self.used as usize;
        let mut chunks = self.chunks.range_mut(used.saturating_sub(1)..);
        let last = match used {
            0 => None,
            _ => chunks.next(),
        };
        let mut next = match beyond {
            0 => None,
            _ => chunks.next(),
        };
        let mut last = last.filter(|_| behind > 0);
        let mut room: [&mut [u8]; 2] = [&mut [], &mut []];
        if let Some(chunk) = &mut last {
            room[0] = &mut chunk.free()[..behind];
        }
        if let Some(chunk) = &mut next {
            // Whoever looks at the first piece only finds room there.
            room[usize::from(behind > 0)] = &mut chunk.free()[..beyond];
        }
        let taken = fill(room).min(behind + beyond);
        let taken_behind = taken.min(behind);
        if let Some(chunk) = last {
            chunk.len += narrow(taken_behind);
        }
        if let Some(chunk) = next.filter(|_| taken > taken_behind) {
            chunk.start = end + taken_behind;
            chunk.len = narrow(taken - taken_behind);
            self.used += 1;
        }
        self.len += narrow(taken);
        taken
    }

    /// Octets that can be written behind the last.
    fn free_behind(&mut self) -> usize {
        let last = (self.used as usize).checked_sub(1);
        last.map_or(0, |last| self.chunks[last].free().len())
    }

    /// The first spare chunk has room for `len` octets and is held by nobody else.
    fn provide(&mut self, len: usize, allowed: usize) {
        let used = self.used as usize;
        let mut index = self.chunks.len();
        // The last one was in use most recently: the cache may still hold it.
        while index > used {
            index -= 1;
            match self.chunks[index].free().len() {
                room if room >= len => return self.chunks.swap(used, index),
                0 => {}
                _ => self.drop_spare(index),
            }
        }
        let likes_last = (self.len as usize).min(BLOCK);
        let mut size = len.max(likes_last).max(LEAST_BLOCK).next_power_of_two();
        if size > allowed {
            size = len.max(LEAST_BLOCK).next_power_of_two();
        }
        self.allocated += narrow(size);
        self.chunks.push_back(Chunk::spare(blank(size)));
        self.chunks.swap(used, self.chunks.len() - 1);
    }

    fn drop_spare(&mut self, index: usize) {
        if let Some(chunk) = self.chunks.swap_remove_back(index) {
            self.allocated -= narrow(chunk.block.len());
        }
    }

    /// Forgets the octets before `place`, which the peer has acknowledged.
    pub(crate) fn release(&mut self, place: Seq) {
        let place = place.min(self.end());
        if place <= self.start {
            return;
        }
        self.len -= narrow(place - self.start);
        self.start = place;
        while self.used > 0 && self.chunks[0].end() <= place {
            self.used -= 1;
            self.chunks.rotate_left(1);
            let last = self.chunks.len() - 1;
            // It may still be held by whoever writes it, and is used again later.
            match self.allocated as usize <= self.capacity() + BLOCK {
                true => (self.chunks[last].from, self.chunks[last].len) = (0, 0),
                false => self.drop_spare(last),
            }
        }
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = SendBuffer::new(self.capacity(), self.end());
    }

    /// Gives the memory back that holds nothing.
    pub(crate) fn shrink(&mut self) {
        if self.len == 0 {
            return self.clear();
        }
        while self.chunks.len() > self.used as usize {
            self.drop_spare(self.used as usize);
        }
    }

    /// What decides the future: see [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
    pub(crate) fn hash_canonical(&self, hasher: &mut impl Hasher) {
        (self.start, self.end()).hash(hasher);
        self.to_vec().hash(hasher);
    }

    /// A copy of all octets.
    fn to_vec(&self) -> Vec<u8> {
        let range = self.start..self.end();
        let chunks = self.chunks.iter().take(self.used as usize);
        let pieces: Vec<&[u8]> = chunks
            .map(|chunk| &chunk.block[chunk.indices(&range)])
            .collect();
        pieces.concat()
    }

    /// The octets of `range`, which must be held, lie in two pieces from now on: small ones are put
    /// together if they do not. They were written while others held what lies before them.
    pub(crate) fn join(&mut self, range: &Range<Seq>) {
        let first = self.chunk_of(range.start);
        let mut last = first;
        while last + 1 < self.used as usize && self.chunks[last].end() < range.end {
            last += 1;
        }
        if last <= first + 1 {
            return;
        }
        let joined = self.chunks.range(first + 1..=last);
        let start = self.chunks[first + 1].start;
        let len = self.chunks[last].end() - start;
        let mut octets = Vec::with_capacity(len.next_power_of_two());
        for chunk in joined {
            self.allocated -= narrow(chunk.block.len());
            octets.extend_from_slice(&chunk.block[chunk.indices(&(start..chunk.end()))]);
        }
        octets.resize(octets.capacity(), 0);
        self.allocated += narrow(octets.len());
        self.chunks.drain(first + 2..=last);
        self.used -= narrow(last - first - 1);
        self.chunks[first + 1] = Chunk {
            block: octets.into(),
            start,
            from: 0,
            len: narrow(len),
        };
    }

    /// The octets of `range`, which must be held and lie in two pieces ([`SendBuffer::join`]).
    pub(crate) fn text(&self, range: Range<Seq>) -> Text<'_> {
        debug_assert!(self.start <= range.start && range.end <= self.end());
        if range.start == range.end {
            return Text::EMPTY;
        }
        let index = self.chunk_of(range.start);
        let first = &self.chunks[index];
        let second = match range.end <= first.end() {
            true => (&first.block, 0..0),
            false => {
                let second = &self.chunks[index + 1];
                debug_assert!(range.end <= second.end(), "not joined");
                (&second.block, second.indices(&range))
            }
        };
        Text::in_blocks((&first.block, first.indices(&range)), second)
    }

    /// The chunk of the octet at `place`, if there is one.
    fn chunk_of(&self, place: Seq) -> usize {
        let is_first = |chunk: &Chunk| place < chunk.end();
        if self.chunks.front().is_none_or(is_first) {
            return 0;
        }
        let used = self.chunks.range(..self.used as usize);
        let (mut low, mut high) = (1, used.len());
        while low < high {
            let middle = low.midpoint(high);
            match is_first(&self.chunks[middle]) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        low
    }

    /// The place after the last octet that the user gave.
    pub(crate) fn end(&self) -> Seq {
        self.start + self.len as usize
    }

    /// Octets held.
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// Octets that still fit.
    pub(crate) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.len) as usize
    }

    /// How many octets it may come to hold if it may allocate so many more.
    pub(crate) fn most(&self, allowed: usize) -> usize {
        if allowed >= self.capacity() {
            return usize::MAX;
        }
        let more = match allowed {
            0..LEAST_BLOCK => 0,
            // The largest power of two that is not above it.
            LEAST_BLOCK..BLOCK => 1 << allowed.ilog2(),
            _ => allowed / BLOCK * BLOCK,
        };
        let behind = match (self.used as usize).checked_sub(1) {
            Some(last) if Arc::strong_count(&self.chunks[last].block) == 1 => {
                let chunk = &self.chunks[last];
                chunk.block.len() - (chunk.from + chunk.len) as usize
            }
            _ => 0,
        };
        self.len() + behind + more
    }

    /// Makes it larger or smaller; what it holds stays.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = narrow(capacity).max(self.len);
    }

    /// The most octets it holds.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Octets allocated.
    pub(crate) fn allocated(&self) -> usize {
        self.allocated as usize
    }
}

/// The same octets at the same places, in whatever blocks.
impl PartialEq for SendBuffer {
    fn eq(&self, other: &SendBuffer) -> bool {
        (self.start, self.len, self.capacity) == (other.start, other.len, other.capacity)
            && self.to_vec() == other.to_vec()
    }
}

impl Eq for SendBuffer {}

/// A block that nobody else holds.
fn blank(size: usize) -> Block {
    vec![0; size].into()
}

/// No buffer is larger.
fn narrow(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

/// Fills `room` with octets of `data`, as far as either goes; returns how many.
pub(crate) fn copy_into(room: [&mut [u8]; 2], data: &[u8]) -> usize {
    let mut rest = data;
    for piece in room {
        let (now, later) = rest.split_at(piece.len().min(rest.len()));
        piece[..now.len()].copy_from_slice(now);
        rest = later;
    }
    data.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(buffer: &mut SendBuffer, data: &[u8]) -> usize {
        let len = data.len().min(buffer.room());
        buffer.push(&data[..len], usize::MAX);
        len
    }

    fn text(buffer: &mut SendBuffer, range: Range<Seq>) -> Text<'_> {
        buffer.join(&range);
        buffer.text(range)
    }

    #[test]
    fn takes_what_fits_and_frees_what_is_acknowledged() {
        let start = Seq::initial(u32::MAX - 2);
        let mut buffer = SendBuffer::new(4, start);
        assert_eq!(push(&mut buffer, b"abcdef"), 4);
        assert_eq!(push(&mut buffer, b"e"), 0);
        buffer.release(start + 3);
        assert_eq!((buffer.len(), buffer.room()), (1, 3));
        assert_eq!(push(&mut buffer, b"ef"), 2);
        assert_eq!(buffer.text(start + 3..start + 6).to_vec(), b"def");
    }

    #[test]
    fn only_what_was_written_is_taken() {
        let start = Seq::initial(u32::MAX - 250);
        let mut buffer = SendBuffer::new(300, start);
        push(&mut buffer, &[1; 250]);
        buffer.release(start + 240);
        let taken = buffer.extend(20, usize::MAX, |[first, second]| {
            assert_eq!((first.len(), second.len()), (6, 14), "the block ends here");
            first.fill(2);
            second.fill(3);
            8
        });
        assert_eq!((taken, buffer.len()), (8, 18));
        let end = buffer.end();
        let expected = [2, 2, 2, 2, 2, 2, 3, 3];
        assert_eq!(buffer.text(start + 250..end).to_vec(), expected);
        let taken = buffer.extend(5, usize::MAX, |_| 99);
        assert_eq!(taken, 5, "no more than there was room for");
    }

    #[test]
    fn an_acknowledgment_beyond_the_end_frees_no_more_than_there_is() {
        // The acknowledgment of a FIN lies one beyond the last octet.
        let start = Seq::initial(0);
        let mut buffer = SendBuffer::new(4, start);
        push(&mut buffer, b"ab");
        buffer.release(start + 3);
        assert_eq!((buffer.len(), buffer.end()), (0, start + 2));
    }

    /// What is held keeps its octets, whatever becomes of the buffer; and so does the buffer.
    #[test]
    fn nothing_is_written_where_held_text_lies() {
        let start = Seq::initial(u32::MAX);
        let mut buffer = SendBuffer::new(1 << 20, start);
        let mut held = Vec::new();
        for octet in 0..100u8 {
            push(&mut buffer, &[octet; 10]);
            let last = buffer.end().before(10)..buffer.end();
            held.push((octet, text(&mut buffer, last).hold().unwrap()));
        }
        let all = start..start + 1000;
        let joined = text(&mut buffer, all.clone()).hold().unwrap();
        let expected: Vec<u8> = (0..1000u32).map(|at| (at / 10) as u8).collect();
        assert_eq!(joined.text().to_vec(), expected);
        buffer.release(all.end);
        push(&mut buffer, &[255; 1000]);
        for (octet, held) in held {
            assert_eq!(held.text().to_vec(), [octet; 10]);
        }
        assert_eq!(joined.text().to_vec(), expected);
        assert_eq!(buffer.text(all.end..buffer.end()).to_vec(), [255; 1000]);
    }

    #[test]
    fn a_buffer_that_is_emptied_again_and_again_uses_one_block() {
        let mut buffer = SendBuffer::new(1 << 20, Seq::initial(7));
        push(&mut buffer, &[1; 3000]);
        let first = buffer.text(Seq::initial(7)..buffer.end()).pieces()[0].as_ptr();
        for len in [4096, 1, 2000, 4000] {
            buffer.release(buffer.end());
            let start = buffer.end();
            push(&mut buffer, &vec![2; len]);
            let [whole, rest] = buffer.text(start..buffer.end()).pieces();
            assert_eq!((whole.as_ptr(), whole.len(), rest.len()), (first, len, 0));
        }
        assert_eq!(buffer.allocated(), 4096);
        buffer.release(buffer.end());
        buffer.shrink();
        assert_eq!(buffer.allocated(), 0);
    }

    /// However much is written at a time, held for a while and acknowledged: the octets are right,
    /// and memory has a bound.
    #[test]
    fn any_range_of_any_text_lies_in_two_pieces() {
        let mut random = 1u64;
        let mut draw = |below: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) as usize % below
        };
        let start = Seq::initial(u32::MAX - 5000);
        let mut buffer = SendBuffer::new(300_000, start);
        let octet = |place: Seq| ((place - start) / 3) as u8;
        let mut held = VecDeque::new();
        for _ in 0..2000 {
            let most = 1 << draw(18);
            let len = draw(most).min(buffer.room());
            let octets: Vec<u8> = (0..len).map(|at| octet(buffer.end() + at)).collect();
            buffer.push(&octets, usize::MAX);
            let from = buffer.start + draw(buffer.len() + 1);
            let range = from..from + draw((buffer.end() - from).min(65_000) + 1);
            let text = text(&mut buffer, range.clone());
            let expected: Vec<u8> = (0..text.len()).map(|at| octet(range.start + at)).collect();
            assert_eq!(text.to_vec(), expected);
            held.extend(text.hold());
            held.truncate(draw(8));
            if draw(3) == 0 {
                buffer.release(buffer.start + draw(buffer.len() + 1));
            }
            let sizes = buffer.chunks.iter().map(|chunk| chunk.block.len());
            assert_eq!(buffer.allocated(), sizes.sum());
            assert!(buffer.allocated() < 4 * 300_000, "{}", buffer.allocated());
        }
    }
}
