//! Any octets at the door: reading them as a datagram, as TCP options, as what an ICMP error quotes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    stubborn_fuzz::options::read(octets);
    let _ = stubborn::wire::parse(octets);
});
