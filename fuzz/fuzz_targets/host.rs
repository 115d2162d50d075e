//! Datagrams that are right but for a few octets, through a host with listeners, connections and a UDP socket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stubborn_fuzz::host::through_a_host;
use stubborn_fuzz::world::Random;

fuzz_target!(|octets: &[u8]| through_a_host(Random::from_octets(octets)));
