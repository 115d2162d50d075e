//! Datagrams that arrive changed.

use core::net::IpAddr;

use super::{Arrival, Counts};
use crate::sim::random::{Random, Ratio};
use crate::wire::{Payload, parse};

/// Bits flip, in headers and in text alike. A checksum of sixteen bits detects every single flip,
/// but misses some datagrams with several flips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corruption {
    damage: Damage,
    detectable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Damage {
    /// One bit of some datagrams.
    OfDatagrams(Ratio),
    /// Every bit on its own.
    OfBits(Flips),
}

impl Corruption {
    /// One bit of a datagram flips with this probability.
    pub const fn per_datagram(ratio: Ratio) -> Corruption {
        Corruption {
            damage: Damage::OfDatagrams(ratio),
            detectable: false,
        }
    }

    /// Every bit flips with this probability, independently of the others.
    pub const fn per_bit(ratio: Ratio) -> Corruption {
        Corruption {
            damage: Damage::OfBits(Flips::new(ratio)),
            detectable: false,
        }
    }

    /// Drops datagrams whose damage no checksum of IP, TCP, UDP or ICMP detects, and counts them
    /// as [`Counts::colliding`]. All damage that arrives is then detectable.
    #[must_use]
    pub const fn detectable(mut self) -> Corruption {
        self.detectable = true;
        self
    }

    pub(super) fn passes(
        &mut self,
        copy: &mut Arrival,
        random: &mut Random,
        counts: &mut Counts,
    ) -> bool {
        if !self.damage.hits(&mut copy.datagram, random) {
            return true;
        }
        counts.corrupted += 1;
        let unseen = self.detectable && looks_whole(&copy.datagram);
        counts.colliding += u64::from(unseen);
        !unseen
    }
}

/// Whether every checksum in the datagram is correct.
fn looks_whole(datagram: &[u8]) -> bool {
    let checked = |payload| {
        matches!(
            payload,
            Payload::Tcp(..) | Payload::Udp(..) | Payload::Icmp(_) | Payload::Membership(_)
        )
    };
    parse(datagram).is_ok_and(|read| checked(read.payload))
}

impl Damage {
    /// Whether any bit flipped.
    fn hits(&mut self, datagram: &mut [u8], random: &mut Random) -> bool {
        let bits = datagram.len() as u64 * 8;
        match self {
            Damage::OfDatagrams(ratio) => {
                let hit = bits > 0 && random.chance(*ratio);
                if hit {
                    flip(datagram, random.below(bits));
                }
                hit
            }
            Damage::OfBits(flips) => flips.hits(datagram, random),
        }
    }
}

fn flip(octets: &mut [u8], bit: u64) {
    octets[(bit / 8) as usize] ^= 0x80 >> (bit % 8);
}

/// Flips each bit of a stream with the same probability. Instead of deciding for each bit, it
/// draws the number of bits before the next flip.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Flips {
    ratio: Ratio,
    /// How many bits remain before the next flip; `None` before the first draw.
    gap: Option<u64>,
}

/// Gaps are shorter than 2 to this power: 35 TB, so long that the limit does not matter.
const GAP_BITS: usize = 48;

impl Flips {
    const fn new(ratio: Ratio) -> Flips {
        Flips { ratio, gap: None }
    }

    /// Whether any bit flipped.
    fn hits(&mut self, octets: &mut [u8], random: &mut Random) -> bool {
        let bits = octets.len() as u64 * 8;
        let mut at = match self.gap.take() {
            Some(gap) => gap,
            None => self.draw(random),
        };
        let hit = at < bits;
        while at < bits {
            flip(octets, at);
            at += 1 + self.draw(random);
        }
        self.gap = Some(at - bits);
        hit
    }

    /// The number of bits before the next flip: geometrically distributed.
    ///
    /// It is the largest `gap` with `(1 - ratio)^gap >= u` for a uniform `u`. The last digit of a
    /// logarithm depends on the machine's library. So this finds the gap bit by bit, with powers
    /// of `1 - ratio` from repeated squaring, which every machine computes alike.
    fn draw(&self, random: &mut Random) -> u64 {
        match self.ratio {
            Ratio::ALWAYS => return 0,
            Ratio::NEVER => return u64::MAX / 2,
            _ => {}
        }
        let mut powers = [1.0 - self.ratio.as_f64(); GAP_BITS];
        for bit in 1..powers.len() {
            powers[bit] = powers[bit - 1] * powers[bit - 1];
        }
        // 53 random bits: from 2^-53 to 1.
        let u = ((random.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let (mut gap, mut survives) = (0u64, 1.0);
        for (bit, power) in powers.iter().enumerate().rev() {
            if survives * power >= u {
                survives *= power;
                gap += 1 << bit;
            }
        }
        gap
    }
}

/// Two words of sixteen bits in a TCP segment's text are swapped: the checksum stays the same, and
/// no receiver can detect it. Such damage must not crash anything. It is counted separately from
/// detectable damage ([`Counts::colliding`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordSwap(Ratio);

impl WordSwap {
    /// Swaps two words with this probability, if the text has two different ones.
    pub const fn new(ratio: Ratio) -> WordSwap {
        WordSwap(ratio)
    }

    pub(super) fn passes(
        &self,
        copy: &mut Arrival,
        random: &mut Random,
        counts: &mut Counts,
    ) -> bool {
        if random.chance(self.0) && swap_words(&mut copy.datagram, random) {
            counts.colliding += 1;
        }
        true
    }
}

/// Returns whether two different words were swapped.
fn swap_words(datagram: &mut [u8], random: &mut Random) -> bool {
    let Some((start, words)) = text_words(datagram) else {
        return false;
    };
    let mut word = || start + 2 * random.below(words) as usize;
    let (one, other) = (word(), word());
    let differ = datagram[one..one + 2] != datagram[other..other + 2];
    if differ {
        datagram.swap(one, other);
        datagram.swap(one + 1, other + 1);
    }
    differ
}

/// Where the text of a TCP segment starts in its datagram, and how many whole words it has, if
/// any. The TCP header is a multiple of four octets long, so these are also words of the checksum.
fn text_words(datagram: &[u8]) -> Option<(usize, u64)> {
    let Ok(parsed) = parse(datagram) else {
        return None;
    };
    let Payload::Tcp(_, text) = parsed.payload else {
        return None;
    };
    let total = match parsed.ip.source {
        IpAddr::V4(_) => usize::from(u16::from_be_bytes([datagram[2], datagram[3]])),
        IpAddr::V6(_) => 40 + usize::from(u16::from_be_bytes([datagram[4], datagram[5]])),
    };
    let words = text.len() as u64 / 2;
    (words > 0).then_some((total - text.len(), words))
}
