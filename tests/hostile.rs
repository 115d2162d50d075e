//! The stack among enemies: whatever arrives, nothing panics, nothing grows without bound, what
//! was agreed holds, and an honest exchange completes once the faults stop.
//!
//! | file | who attacks what |
//! |---|---|
//! | `hostile/cases.rs` | one connection, a segment or a few: each of these once broke it |
//! | `hostile/raw.rs` | the peer of these cases: it makes every header by hand |
//! | `hostile/hosts.rs` | a host and its users, many connections |
//! | `hostile/world.rs` | two hosts in virtual time and the path between them |

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod hostile {
    mod cases;
    mod hosts;
    mod raw;
    mod world;
}
