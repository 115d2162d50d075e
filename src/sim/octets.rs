//! The data that is sent: octets that are a function of seed, stream and offset, so the
//! receiving side can check them without a copy.

/// The octets of one direction of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octets {
    key: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// How many octets one call of the mixing function gives.
const WORD: u64 = 8;

/// A permutation of 64-bit numbers that destroys patterns (the finalizer of SplitMix64).
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Octets {
    /// The octets of stream number `stream` in the world of `seed`.
    pub const fn new(seed: u64, stream: u64) -> Octets {
        Octets {
            key: mix(seed ^ mix(stream.wrapping_add(GOLDEN))),
        }
    }

    const fn word(self, index: u64) -> [u8; WORD as usize] {
        mix(self.key.wrapping_add(index.wrapping_mul(GOLDEN))).to_le_bytes()
    }

    /// The octet at `offset`.
    pub const fn at(self, offset: u64) -> u8 {
        self.word(offset / WORD)[(offset % WORD) as usize]
    }

    /// Writes the octets from `offset` on.
    pub fn fill(self, offset: u64, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(until_word(offset, out.len()));
        self.fill_singly(offset, head);
        let mut index = (offset + head.len() as u64) / WORD;
        let mut words = rest.chunks_exact_mut(WORD as usize);
        for chunk in &mut words {
            chunk.copy_from_slice(&self.word(index));
            index += 1;
        }
        self.fill_singly(index * WORD, words.into_remainder());
    }

    fn fill_singly(self, offset: u64, out: &mut [u8]) {
        for (octet, place) in out.iter_mut().zip(offset..) {
            *octet = self.at(place);
        }
    }

    /// Where `found` first differs from the octets from `offset` on.
    pub fn mismatch(self, offset: u64, found: &[u8]) -> Option<usize> {
        let (head, rest) = found.split_at(until_word(offset, found.len()));
        let first = (offset + head.len() as u64) / WORD;
        let words = rest.chunks_exact(WORD as usize);
        let odd_word = words
            .clone()
            .zip(first..)
            .position(|(chunk, index)| chunk != self.word(index));
        let in_head = self.mismatch_singly(offset, head);
        in_head.or_else(|| {
            let from = match odd_word {
                Some(word) => head.len() + word * WORD as usize,
                None => found.len() - words.remainder().len(),
            };
            let index = self.mismatch_singly(offset + from as u64, &found[from..])?;
            Some(from + index)
        })
    }

    fn mismatch_singly(self, offset: u64, found: &[u8]) -> Option<usize> {
        (found.iter().zip(offset..)).position(|(octet, place)| *octet != self.at(place))
    }
}

/// How many of `len` octets from `offset` on lie before the next whole word.
const fn until_word(offset: u64, len: usize) -> usize {
    let distance = (offset.wrapping_neg() % WORD) as usize;
    if distance < len { distance } else { len }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octet_depends_on_its_place_alone() {
        let octets = Octets::new(7, 1);
        let one_by_one: Vec<u8> = (0..100).map(|place| octets.at(place)).collect();
        for from in 0..20 {
            for to in from..100 {
                let mut piece = vec![0; to - from];
                octets.fill(from as u64, &mut piece);
                assert_eq!(piece, one_by_one[from..to], "{from}..{to}");
                assert_eq!(octets.mismatch(from as u64, &piece), None);
            }
        }
    }

    #[test]
    fn the_first_wrong_octet_is_found_wherever_it_is() {
        let octets = Octets::new(7, 1);
        for from in 0..9 {
            for wrong in 0..40 {
                let mut piece = vec![0; 40];
                octets.fill(from, &mut piece);
                piece[wrong] ^= 1;
                piece[39] ^= 2;
                assert_eq!(octets.mismatch(from, &piece), Some(wrong));
            }
        }
    }

    #[test]
    fn streams_and_seeds_have_octets_of_their_own() {
        let mut piece = [0; 64];
        Octets::new(7, 1).fill(0, &mut piece);
        for other in [Octets::new(7, 2), Octets::new(8, 1)] {
            assert!(other.mismatch(0, &piece).is_some());
            assert!(Octets::new(7, 1).mismatch(1, &piece).is_some());
        }
    }
}
