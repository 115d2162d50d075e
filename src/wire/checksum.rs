//! The Internet checksum (RFC 1071).

use core::net::IpAddr;

use super::Text;

/// A one's complement sum on its way to a checksum.
///
/// The sum is the same in either byte order (RFC 1071 §2(B)), so words are read in the order of
/// the machine and only the result is turned round. Words of 32 bits are added into 64: no carry
/// is lost before [`Sum::fold`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// The sum of nothing.
    pub const ZERO: Sum = Sum(0);

    /// The pseudo header of TCP and UDP over IPv4 (RFC 9293 §3.1), and of everything over IPv6
    /// (RFC 8200 §8.1). `length` is that of the upper-layer header and its text.
    pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Sum {
        // The length stands in two octets for IPv4 and in four for IPv6: the sum is the same.
        let length = u64::from((length as u32).to_be());
        let protocol = u64::from(u16::from(protocol).to_be());
        Sum(protocol + length)
            .plus_address(source)
            .plus_address(destination)
    }

    fn plus_address(self, address: IpAddr) -> Sum {
        match address {
            IpAddr::V4(v4) => self.plus_array(&v4.octets()),
            IpAddr::V6(v6) => self.plus_array(&v6.octets()),
        }
    }

    /// Adds octets whose number is known when compiling, and a multiple of four.
    pub fn plus_array<const N: usize>(self, octets: &[u8; N]) -> Sum {
        const { assert!(N.is_multiple_of(4)) };
        let (words, _) = octets.as_chunks::<4>();
        Sum(self.0 + words.iter().map(word).sum::<u64>())
    }

    /// Adds octets that begin at an even place. An odd last octet counts as if a zero followed.
    pub fn plus(self, octets: &[u8]) -> Sum {
        Sum(self.0 + fold_to_32(sum(octets)))
    }

    /// Adds a text that begins at an even place.
    pub fn plus_text(self, text: Text<'_>) -> Sum {
        let [first, second] = text.pieces();
        let sum = self.plus(first);
        if second.is_empty() {
            return sum;
        }
        if first.len().is_multiple_of(2) {
            return sum.plus(second);
        }
        // RFC 1071 §2(B): every octet of the second piece stands one place further.
        Sum(sum.0 + u64::from(Sum::ZERO.plus(second).fold().swap_bytes()))
    }

    /// The checksum field that makes the sum come out right.
    pub fn checksum(self) -> u16 {
        u16::from_be(!self.fold())
    }

    /// Whether what was summed, its checksum field included, is intact.
    pub fn verifies(self) -> bool {
        self.fold() == 0xffff
    }

    /// Sixteen bits, in the byte order of the machine.
    fn fold(self) -> u16 {
        let sum = fold_to_32(fold_to_32(self.0));
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        sum as u16
    }
}

/// The checksum of `octets` alone, as IPv4 headers and ICMPv4 have it.
pub fn checksum(octets: &[u8]) -> u16 {
    Sum::ZERO.plus(octets).checksum()
}

fn fold_to_32(sum: u64) -> u64 {
    (sum & 0xffff_ffff) + (sum >> 32)
}

fn word(octets: &[u8; 4]) -> u64 {
    u64::from(u32::from_ne_bytes(*octets))
}

/// Low and high halves go to lanes of their own: the compiler makes vector code of it, and no lane
/// overflows before 2^32 words.
fn sum(octets: &[u8]) -> u64 {
    let (blocks, rest) = octets.as_chunks::<32>();
    let mut low = [0u64; 4];
    let mut high = [0u64; 4];
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for ((low, high), word) in low.iter_mut().zip(&mut high).zip(words) {
            let word = u64::from_ne_bytes(*word);
            *low += word & 0xffff_ffff;
            *high += word >> 32;
        }
    }
    let (words, odd) = rest.as_chunks::<4>();
    let mut last = [0; 4];
    last[..odd.len()].copy_from_slice(odd);
    let lanes = low.iter().chain(&high).sum::<u64>();
    lanes + words.iter().map(word).sum::<u64>() + word(&last)
}
