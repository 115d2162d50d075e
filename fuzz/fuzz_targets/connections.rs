//! Any segment, any call, at any time, to connections in every state and with any settings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stubborn::stack::Secret;
use stubborn_fuzz::attack::{Seen, attack};
use stubborn_fuzz::world::Random;

fuzz_target!(|octets: &[u8]| {
    let random = Random::from_octets(octets);
    attack(random, Secret([0; 16]), &mut Seen::default());
});
