//! The Internet checksum (RFC 1071).

use core::net::IpAddr;

use super::Text;

/// A one's complement sum on its way to a checksum.
///
/// The sum is the same in either byte order (RFC 1071 §2(B)), so words are read in the byte order
/// of the machine and only the result is swapped. They are words of 64 bits, whose carries add one:
/// 2^64, like 2^16, is one more than a multiple of 2^16 - 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// The sum of nothing.
    pub const ZERO: Sum = Sum(0);

    /// The pseudo header of TCP and UDP over IPv4 (RFC 9293 §3.1), and of everything over IPv6
    /// (RFC 8200 §8.1). `length` is that of the upper-layer header and its text.
    pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Sum {
        Sum::ZERO
            .plus_length(protocol, length)
            .plus_address(source)
            .plus_address(destination)
    }

    /// Adds what a pseudo header has besides the addresses.
    #[inline]
    pub(super) fn plus_length(self, protocol: u8, length: usize) -> Sum {
        // The length has two octets for IPv4 and four for IPv6: the sum is the same.
        let length = u64::from((length as u32).to_be());
        self.plus_word(u64::from(u16::from(protocol).to_be()) + length)
    }

    #[inline(always)]
    fn plus_word(self, word: u64) -> Sum {
        let (sum, carry) = self.0.overflowing_add(word);
        // After a carry, the sum is not all ones.
        Sum(sum + u64::from(carry))
    }

    fn plus_address(self, address: IpAddr) -> Sum {
        match address {
            IpAddr::V4(v4) => self.plus_array(&v4.octets()),
            IpAddr::V6(v6) => self.plus_array(&v6.octets()),
        }
    }

    /// Adds octets whose number is known when compiling, and a multiple of four.
    #[must_use]
    #[inline(always)]
    pub fn plus_array<const N: usize>(self, octets: &[u8; N]) -> Sum {
        const { assert!(N.is_multiple_of(4)) };
        let (words, rest) = octets.as_chunks::<8>();
        let half = rest
            .first_chunk()
            .map_or(0, |half| u32::from_ne_bytes(*half));
        let words = words.iter().map(|word| u64::from_ne_bytes(*word));
        let all = words.fold((self.0, false), with_carry);
        let (sum, carry) = if N.is_multiple_of(8) {
            all
        } else {
            with_carry(all, u64::from(half))
        };
        Sum(sum).plus_word(u64::from(carry))
    }

    /// Adds octets that begin at an even place. An odd last octet counts as if a zero followed.
    #[must_use]
    pub fn plus(self, octets: &[u8]) -> Sum {
        let (first, second) = sums(octets);
        let carries = first.carries + second.carries;
        self.plus_word(first.sum)
            .plus_word(second.sum)
            .plus_word(carries)
    }

    /// Adds a text that begins at an even place.
    #[must_use]
    pub fn plus_text(self, text: Text<'_>) -> Sum {
        let [first, second] = text.pieces();
        let sum = self.plus(first);
        if second.is_empty() {
            return sum;
        }
        if first.len().is_multiple_of(2) {
            return sum.plus(second);
        }
        // RFC 1071 §2(B): every octet of the second piece is shifted by one place.
        sum.plus_word(u64::from(Sum::ZERO.plus(second).fold().swap_bytes()))
    }

    /// The checksum field for this sum.
    pub fn checksum(self) -> u16 {
        u16::from_be(!self.fold())
    }

    /// The checksum field for a device to complete, if this is the sum of the pseudo header.
    pub fn partial(self) -> u16 {
        u16::from_be(self.fold())
    }

    /// Whether what was summed, including its checksum field, is intact: it folds to sixteen ones.
    #[inline]
    pub fn verifies(self) -> bool {
        self.fold() == 0xffff
    }

    /// Folds to sixteen bits, in the byte order of the machine. If two halves are added crosswise, the
    /// upper half of the result includes the carry of the lower.
    #[inline]
    fn fold(self) -> u16 {
        let halves = self.0.wrapping_add(self.0.rotate_left(32));
        let half = (halves >> 32) as u32;
        let quarters = half.wrapping_add(half.rotate_left(16));
        (quarters >> 16) as u16
    }
}

/// The checksum of `octets` alone, as IPv4 headers and ICMPv4 have it.
pub fn checksum(octets: &[u8]) -> u16 {
    Sum::ZERO.plus(octets).checksum()
}

/// Adds a word to a sum with a pending carry.
#[inline(always)]
fn with_carry((sum, carry): (u64, bool), word: u64) -> (u64, bool) {
    let (with_word, first) = sum.overflowing_add(word);
    let (with_carry, second) = with_word.overflowing_add(u64::from(carry));
    (with_carry, first | second)
}

/// A one's complement sum of words of 64 bits, and how many carries are still to be added to it.
#[derive(Clone, Copy, Default)]
struct Long {
    sum: u64,
    carries: u64,
}

impl Long {
    /// Adds each word with the carry of the one before, in one instruction each.
    #[inline(always)]
    fn plus(self, words: &[[u8; 8]]) -> Long {
        let words = words.iter().map(|word| u64::from_ne_bytes(*word));
        let (sum, carry) = words.fold((self.sum, false), with_carry);
        Long {
            sum,
            carries: self.carries + u64::from(carry),
        }
    }

    /// The next N octets, if there are that many, and what follows them.
    #[inline(always)]
    fn plus_next<const N: usize>(self, octets: &[u8]) -> (Long, &[u8]) {
        match octets.split_first_chunk::<N>() {
            Some((next, rest)) => (self.plus(next.as_chunks::<8>().0), rest),
            None => (self, octets),
        }
    }
}

/// Two independent sums, so that neither waits for the other.
fn sums(octets: &[u8]) -> (Long, Long) {
    let (blocks, mut rest) = octets.as_chunks::<512>();
    let [mut first, mut second] = [Long::default(); 2];
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        first = first.plus(&words[..32]);
        second = second.plus(&words[32..]);
    }
    (second, rest) = second.plus_next::<256>(rest);
    (first, rest) = first.plus_next::<128>(rest);
    (second, rest) = second.plus_next::<64>(rest);
    (first, rest) = first.plus_next::<32>(rest);
    (second, rest) = second.plus_next::<16>(rest);
    (first, rest) = first.plus_next::<8>(rest);
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        second = second.plus(&[last]);
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1071 §1, word by word.
    fn by_the_book(octets: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in octets.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn the_example_of_rfc_1071_section_3() {
        let octets = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&octets), !0xddf2);
    }

    #[test]
    fn no_carry_is_lost_in_the_longest_datagram() {
        let octets = [0xff; 65_535];
        assert_eq!(checksum(&octets), by_the_book(&octets));
    }

    #[test]
    fn a_sum_with_its_checksum_verifies_and_with_one_bit_changed_does_not() {
        let mut octets = *b"\x00\x00some octets, an odd number.";
        let value = checksum(&octets);
        octets[..2].copy_from_slice(&value.to_be_bytes());
        assert!(Sum::ZERO.plus(&octets).verifies());
        for bit in 0..8 * octets.len() {
            octets[bit / 8] ^= 1 << (bit % 8);
            assert!(!Sum::ZERO.plus(&octets).verifies(), "bit {bit}");
            octets[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn the_pseudo_headers() {
        let v4: [IpAddr; 2] = [[192, 0, 2, 1].into(), [198, 51, 100, 2].into()];
        let octets = [192, 0, 2, 1, 198, 51, 100, 2, 0, 6, 0x12, 0x34];
        let sum = Sum::pseudo_header(v4[0], v4[1], 6, 0x1234);
        assert_eq!(sum.checksum(), by_the_book(&octets));

        let (source, destination) = ([0xfd; 16], [0x20; 16]);
        let tail = [0, 0, 0xff, 0xff, 0, 0, 0, 17];
        let octets = [&source[..], &destination, &tail].concat();
        let sum = Sum::pseudo_header(source.into(), destination.into(), 17, 0xffff);
        assert_eq!(sum.checksum(), by_the_book(&octets));
    }

    proptest! {
        #[test]
        fn agrees_with_the_book(octets in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(checksum(&octets), by_the_book(&octets));
        }

        #[test]
        fn headers_agree_with_the_book(ip: [u8; 20], tcp: [u8; 32]) {
            let sum = Sum::ZERO.plus_array(&ip).plus_array(&tcp);
            prop_assert_eq!(sum.checksum(), by_the_book(&[&ip[..], &tcp].concat()));
        }

        #[test]
        fn does_not_depend_on_where_a_text_is_cut(
            octets in prop::collection::vec(any::<u8>(), 0..300),
            cut in any::<prop::sample::Index>(),
        ) {
            let (first, second) = octets.split_at(cut.index(octets.len() + 1));
            let sum = Sum::ZERO.plus_text(Text::new(first, second));
            prop_assert_eq!(sum.checksum(), by_the_book(&octets));
        }
    }
}
