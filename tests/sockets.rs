//! Sockets of two hosts that are joined in memory, in real time: what their users see.
//!
//! `worlds.rs` runs whatever a number decides: `SOCKETS_SEEDS=7 cargo test --test sockets worlds` has world 7 again, and
//! `SOCKETS_SEEDS=1000..9000` as many others.

#[path = "support/seeds.rs"]
mod seeds;

mod sockets {
    mod asynchronous;
    mod cancelling;
    mod close;
    mod datagram_tasks;
    mod devices;
    mod echo;
    mod end;
    mod executor;
    mod in_place;
    mod landing;
    mod odd;
    mod own_futures;
    mod queues;
    mod streams;
    mod support;
    #[cfg(all(feature = "futures-core", feature = "futures-io", feature = "tokio"))]
    mod traits;
    mod turns;
    mod udp;
    mod waits;
    mod worlds;
}
