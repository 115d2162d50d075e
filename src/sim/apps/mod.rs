//! Applications that come with the simulator: clients that open connections, servers that accept
//! them, and what both do on a connection, its [`Behaviour`].
//!
//! | what | how |
//! |---|---|
//! | N octets both ways, then close | [`Behaviour::exchange`] |
//! | send only, receive only | [`Behaviour::send`], [`Behaviour::receive`] |
//! | requests and responses | [`Behaviour::ask`], [`Behaviour::answer`] |
//! | echo | [`Behaviour::echo`] |
//! | a slow reader | [`Behaviour::reading`] |
//! | an idle connection | [`Behaviour::holding`] |
//! | an abort | [`Behaviour::aborting`] |

mod behaviour;
mod client;
mod conversation;
mod server;

pub use behaviour::{Behaviour, Reading, Sending};
pub use client::Client;
pub use server::Server;
