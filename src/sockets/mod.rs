//! Sockets over a running stack, like those of [`std::net`].
//!
//! | file | what it holds |
//! |---|---|
//! | `net` | [`Net`]: a running stack, and how to start and end it |
//! | `opening` | [`Opening`]: how a connection is opened |
//! | `listener` | [`TcpListener`] |
//! | `stream` | [`TcpStream`] |
//! | `addresses` | opening them with whatever stands for addresses |
//! | `reader` | [`Reader`]: what has arrived, looked at where it lies |
//! | `in_place` | writing where the text will lie: [`TcpStream::write_in_place`], [`TcpStream::send_file`] |
//! | `udp` | [`UdpSocket`] |
//! | `handle` | what each call does to the stack, once, without waiting |
//! | `blocking` | the same, waiting |
//! | `error` | errors of the stack as [`std::io::Error`] |
//!
//! ```
//! use std::io::{Read, Write};
//! use stubborn::config::Config;
//! use stubborn::driver::memory;
//! use stubborn::sockets::{Net, TcpListener, TcpStream};
//!
//! // Two hosts in one process; `TunDevice::open` instead joins one host to the kernel.
//! let (left, right) = memory::pair(1500)?;
//! let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
//! let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
//!
//! let listener = TcpListener::bind(&server, "192.0.2.1:7")?;
//! let mut stream = TcpStream::connect(&client, "192.0.2.1:7")?;
//! stream.write_all(b"hello")?;
//!
//! let (mut accepted, _peer) = listener.accept()?;
//! let mut text = [0; 5];
//! accepted.read_exact(&mut text)?;
//! assert_eq!(&text, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! If the stack panics, or its device, the network has ended: calls that return a `Result` fail with
//! an error of the kind `Other`, whoever waits is woken, and what is dropped is not closed any more. A
//! call that has no way to fail (the status of a connection, its options) answers from what the panic
//! has left, and may panic in its turn.

mod addresses;
mod blocking;
mod error;
mod handle;
mod in_place;
mod listener;
mod net;
mod opening;
mod reader;
mod stream;
mod udp;

pub use crate::driver::{StartError, Waking};
pub use listener::{Incoming, TcpListener};
pub use net::{DEFAULT_BACKLOG, Net, Summary};
pub use opening::Opening;
pub use reader::Reader;
pub use stream::TcpStream;
pub use udp::UdpSocket;

#[cfg(test)]
mod tests {
    use super::*;
    use core::panic::{RefUnwindSafe, UnwindSafe};

    /// As those of the standard library, sockets may go to any thread, be shared by threads, and be
    /// used across `catch_unwind`.
    #[test]
    fn sockets_may_go_anywhere() {
        fn anywhere<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
        anywhere::<Net>();
        anywhere::<TcpListener>();
        anywhere::<TcpStream>();
        anywhere::<Reader<'_>>();
        anywhere::<UdpSocket>();
    }
}
