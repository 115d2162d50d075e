//! The stack among enemies: whatever arrives, nothing panics, nothing grows without bound, what
//! was agreed holds, and an honest exchange completes once the faults stop.
//!
//! | file | who attacks what |
//! |---|---|
//! | `hostile/cases.rs` | one connection, a segment or a few: each of these once broke it |
//! | `hostile/raw.rs` | the peer of these cases: it makes every header by hand |
//! | `hostile/segments.rs`, `hostile/attack.rs` | any segment, any call, at any time, in every state |
//! | `hostile/liveness.rs` | the path and the users: everything completes once the faults stop |
//! | `hostile/octets.rs`, `hostile/options.rs`, `hostile/host.rs` | any octets: at the door, and through a whole host |
//! | `hostile/calls.rs`, `hostile/programs.rs` | any call of the BSD layer, in any order and with any arguments |
//! | `hostile/floods.rs` | a host, or one connection: the same again and again, a million times |
//! | `hostile/scoreboard.rs` | one connection: what the peer says to have received |
//! | `hostile/middle.rs` | somebody on the path, who repeats and forges |
//! | `hostile/exchange.rs`, `hostile/app.rs` | users on two hosts who wait for events |
//! | `hostile/hosts.rs` | a host and its users, many connections |
//! | `hostile/world.rs` | two hosts in virtual time and the path between them |
//!
//! Random runs have a number, which is printed when one fails; `HOSTILE_SEEDS=7 cargo test --test
//! hostile` makes run 7 again, `HOSTILE_SEEDS=1000..9000` as many others. In `fuzz/` the same runs are decided by
//! a fuzzer, which looks for code that they have not reached.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "only tests use it, and a failed unwrap is a failed test"
)]

#[path = "support/seeds.rs"]
mod seeds;

mod hostile {
    mod app;
    mod attack;
    mod calls;
    mod cases;
    mod exchange;
    mod floods;
    mod host;
    mod hosts;
    mod liveness;
    mod middle;
    mod octets;
    mod options;
    mod programs;
    mod raw;
    mod scoreboard;
    mod segments;
    mod world;
}
