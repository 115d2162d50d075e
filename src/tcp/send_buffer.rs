//! What the user has sent and the peer has not acknowledged.

use core::hash::{Hash, Hasher};
use core::ops::Range;
use std::collections::VecDeque;
use std::sync::Arc;

use super::draft::{BLOCK, Draft, LEAST_BLOCK, blank};
use super::seq::Seq;
use crate::wire::{Block, Text};

/// Text no longer than this is copied behind existing text, instead of getting its own block.
const SHORT: usize = 4 * 1024;

/// The octets that the user gave, from `start` on, the first that the peer has not acknowledged.
///
/// They lie in blocks that may also be held elsewhere: departing text is not copied, and the thread
/// that writes it to a device needs no lock for it. So nothing is ever written over existing text.
#[derive(Clone, Debug)]
pub(crate) struct SendBuffer {
    /// Chunks with text, in order, and then spare ones.
    chunks: VecDeque<Chunk>,
    start: Seq,
    /// 32 bits, because there may be very many buffers.
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
    /// A chunk without text.
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

    /// Where in the block the octets of `range` lie, as far as it holds them.
    fn indices(&self, range: &Range<Seq>) -> Range<usize> {
        let index = |place: Seq| self.from as usize + (place - self.start);
        index(range.start.max(self.start))..index(range.end.min(self.end()))
    }

    /// The room behind the text; none while the block is held elsewhere.
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

    /// Takes all of `data`; the caller must have checked that there is room. A new block is no larger
    /// than necessary if otherwise more than `allowed` octets would be allocated.
    pub(crate) fn push(&mut self, data: &[u8], allowed: usize) {
        let mut rest = self.push_behind(data);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BLOCK));
            self.put_in_spare(now, allowed);
            self.begin_chunk(now.len());
            rest = later;
        }
    }

    /// Takes as much of `data` as fits behind the last octet. Returns the rest.
    fn push_behind<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let Some(last) = (self.used as usize).checked_sub(1) else {
            return data;
        };
        let last = &mut self.chunks[last];
        let free = last.free();
        let (now, later) = data.split_at(data.len().min(free.len()));
        free[..now.len()].copy_from_slice(now);
        last.len += narrow(now.len());
        self.len += narrow(now.len());
        later
    }

    /// The first `len` octets of the first spare chunk are the next text.
    fn begin_chunk(&mut self, len: usize) {
        let start = self.end();
        let chunk = &mut self.chunks[self.used as usize];
        (chunk.start, chunk.len) = (start, narrow(len));
        self.used += 1;
        self.len += narrow(len);
    }

    /// Spare blocks with room for `room` octets of text that is produced elsewhere.
    pub(crate) fn draft(&mut self, room: usize) -> Draft {
        let mut draft = Draft::new(room);
        let mut found = 0;
        for index in (self.used as usize..self.chunks.len()).rev() {
            if found < room
                && !self.chunks[index].free().is_empty()
                && let Some(chunk) = self.chunks.swap_remove_back(index)
            {
                found += chunk.block.len();
                self.allocated -= narrow(chunk.block.len());
                draft.spare.push(chunk.block);
            }
        }
        draft
    }

    /// Takes all text of `draft`, and its blocks. If the promised room is gone meanwhile, the buffer
    /// grows by as much.
    pub(crate) fn append(&mut self, draft: Draft) {
        for (block, len) in draft.text {
            let short = &block[..len.min(SHORT)];
            if len <= SHORT && self.free_behind() >= len {
                self.push_behind(short);
            } else {
                self.insert_spare(block);
                self.begin_chunk(len);
            }
        }
        for block in draft.spare {
            self.insert_spare(block);
        }
        self.set_capacity(self.capacity());
    }

    /// Inserts `block` as the first spare one.
    fn insert_spare(&mut self, block: Block) {
        self.allocated += narrow(block.len());
        self.chunks.push_back(Chunk::spare(block));
        self.chunks.swap(self.used as usize, self.chunks.len() - 1);
    }

    /// How many octets fit behind the last.
    fn free_behind(&mut self) -> usize {
        let last = (self.used as usize).checked_sub(1);
        last.map_or(0, |last| self.chunks[last].free().len())
    }

    /// Starts a spare chunk that is not held elsewhere with `octets`.
    fn put_in_spare(&mut self, octets: &[u8], allowed: usize) {
        let (used, len) = (self.used as usize, octets.len());
        let mut index = self.chunks.len();
        // The last one was in use most recently, and may still be in the cache.
        while index > used {
            index -= 1;
            let free = self.chunks[index].free();
            match free.len() {
                room if room >= len => {
                    free[..len].copy_from_slice(octets);
                    return self.chunks.swap(used, index);
                }
                0 => {}
                _ => self.drop_spare(index),
            }
        }
        let likes_last = (self.len as usize).min(BLOCK);
        let mut size = len.max(likes_last).max(LEAST_BLOCK).next_power_of_two();
        if size > allowed {
            size = len.max(LEAST_BLOCK).next_power_of_two();
        }
        self.insert_spare(block_of(octets, size));
    }

    fn drop_spare(&mut self, index: usize) {
        if let Some(chunk) = self.chunks.swap_remove_back(index) {
            self.allocated -= narrow(chunk.block.len());
        }
    }

    /// Forgets the octets before `place`, which the peer has acknowledged. Returns how many they are.
    #[inline(always)]
    pub(crate) fn release(&mut self, place: Seq) -> usize {
        let place = place.min(self.end());
        let octets = place.saturating_since(self.start);
        if octets == 0 {
            return 0;
        }
        self.len -= octets as u32;
        self.start = place;
        while self.used > 0
            && let Some(first) = self.chunks.front_mut()
            && first.end() <= place
        {
            self.used -= 1;
            // It may still be held by a thread that writes it, and is used again later.
            (first.from, first.len) = (0, 0);
            if self.chunks.len() > 1 {
                self.chunks.rotate_left(1);
            }
            if self.allocated as usize > self.capacity() + BLOCK {
                self.drop_spare(self.chunks.len() - 1);
            }
        }
        octets
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

    /// Hashes what decides the future: see
    /// [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
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

    /// Makes the octets of `range`, which must be held, lie in two pieces, by joining small ones if
    /// necessary. Small pieces arise when text is written while the block before it is held
    /// elsewhere.
    pub(crate) fn join(&mut self, range: &Range<Seq>) {
        // There are no more than two pieces in all.
        if self.used <= 2 {
            return;
        }
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

    /// How many octets it may hold if it may allocate this many more; at least `wanted` if that is enough
    /// for all of them.
    pub(crate) fn most(&self, allowed: usize, wanted: usize) -> usize {
        if allowed >= wanted {
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

    /// Changes the capacity; what it holds stays.
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

/// A block of `size` octets that begins with these.
fn block_of(octets: &[u8], size: usize) -> Block {
    if octets.len() == size {
        return octets.into();
    }
    let mut block = blank(size);
    if let Some(room) = Arc::get_mut(&mut block) {
        room[..octets.len()].copy_from_slice(octets);
    }
    block
}

/// No buffer needs more than 32 bits.
fn narrow(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
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
    fn a_draft_is_taken_in_its_blocks_unless_it_is_short() {
        let start = Seq::initial(u32::MAX - 250);
        let mut buffer = SendBuffer::new(300_000, start);
        push(&mut buffer, b"before");
        for len in [100_000, 10] {
            let mut draft = buffer.draft(len);
            assert_eq!(draft.write(&vec![len as u8; 200_000]), len);
            buffer.append(draft);
        }
        push(&mut buffer, b"behind");
        let expected = [&b"before"[..], &[160; 100_000], &[10; 10], b"behind"].concat();
        assert_eq!(buffer.to_vec(), expected);
        assert_eq!(buffer.chunks.len(), 3, "256 octets, 64 KiB, 64 KiB");
        buffer.release(buffer.end());
        let draft = buffer.draft(100_000);
        assert_eq!((draft.spare.len(), buffer.allocated()), (2, 256));
        drop(draft);
        let mut draft = buffer.draft(300_000);
        push(&mut buffer, &[1; 200_000]);
        draft.write(&[2; 300_000]);
        buffer.append(draft);
        assert_eq!((buffer.len(), buffer.capacity()), (500_000, 500_000));
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

    /// Held text keeps its octets, whatever happens to the buffer; and so does the buffer.
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

    /// An acknowledged block that is still held elsewhere is not kept for reuse.
    #[test]
    fn blocks_that_others_hold_do_not_add_up() {
        let capacity = 4 * BLOCK;
        let mut buffer = SendBuffer::new(capacity, Seq::initial(7));
        let mut held = Vec::new();
        for _ in 0..20 {
            push(&mut buffer, &[1; BLOCK]);
            let last = buffer.end().before(BLOCK)..buffer.end();
            held.extend(text(&mut buffer, last).hold());
            buffer.release(buffer.end());
            let most = capacity + BLOCK;
            assert!(buffer.allocated() <= most, "{}", buffer.allocated());
        }
        assert_eq!(held.len(), 20);
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
            assert_eq!(buffer.allocated(), sizes.sum::<usize>());
            assert!(buffer.allocated() < 4 * 300_000, "{}", buffer.allocated());
        }
    }
}
