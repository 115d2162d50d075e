//! The hosts that the fuzz targets attack are those of `tests/hostile`. There a generator of numbers
//! decides what happens, and here the fuzzer's octets.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "only fuzz targets use it, and a failed unwrap is a finding"
)]

#[path = "../../tests/hostile/attack.rs"]
pub mod attack;
#[path = "../../tests/hostile/host.rs"]
pub mod host;
#[path = "../../tests/hostile/options.rs"]
pub mod options;
#[path = "../../tests/hostile/programs.rs"]
pub mod programs;
#[path = "../../tests/support/seeds.rs"]
mod seeds;
#[path = "../../tests/hostile/world.rs"]
pub mod world;
