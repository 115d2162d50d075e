//! Octets that mean nothing, or nearly nothing: strings of options, and datagrams to a whole host.
//!
//! `scripts/soak` makes a thousand million strings of it.

use super::host::through_a_host;
use super::options::read;
use super::world::{Random, every_seed};

/// Strings of options of a run.
const STRINGS: usize = 10_000;

/// Kinds of options that a string may begin with, again and again.
const KINDS: [u8; 12] = [0, 1, 2, 3, 4, 5, 8, 30, 34, 172, 174, 253];

/// Up to forty octets: noise, or options whose lengths are right or nearly so.
fn any_string(random: &mut Random, octets: &mut [u8; 40]) -> usize {
    for eight in octets.chunks_exact_mut(8) {
        eight.copy_from_slice(&random.number().to_le_bytes());
    }
    let mut at = 0;
    while random.chance(80) && at + 2 <= octets.len() {
        octets[at] = random.pick(&KINDS);
        octets[at + 1] %= 12;
        at += usize::from(octets[at + 1]).max(1);
    }
    random.below(octets.len() + 1)
}

fn run(seed: u64) {
    let mut random = Random::new(seed);
    let mut octets = [0; 40];
    for _ in 0..STRINGS {
        let len = any_string(&mut random, &mut octets);
        read(&octets[..len]);
    }
    through_a_host(random);
}

#[test]
fn octets_do_no_harm() {
    every_seed(0..40, run);
}
