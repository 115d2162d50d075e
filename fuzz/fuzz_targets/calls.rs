//! Any call of the BSD layer, in any order and with any arguments, on two hosts that talk to each other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stubborn_fuzz::programs::programs;
use stubborn_fuzz::world::Random;

fuzz_target!(|octets: &[u8]| {
    programs(Random::from_octets(octets));
});
