//! Sockets over a running stack, like those of [`std::net`].
//!
//! Start a stack with [`Net::start`], on a [`TunDevice`](crate::tun::TunDevice) or a device of
//! [`memory`](crate::driver::memory). Then [`TcpListener::bind`], [`TcpStream::connect`] and
//! [`UdpSocket::bind`] work as in the standard library, with the `Net` as their first argument.
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
//! # What differs from the standard library
//!
//! * The operating system resolves host names, through the kernel's network.
//! * What cannot fail returns no `Result`: [`TcpStream::local_addr`], [`TcpStream::peer_addr`],
//!   [`TcpStream::set_nodelay`], [`TcpStream::set_nonblocking`] and their like.
//! * Streams and UDP sockets are cloned with [`Clone`], in place of `try_clone`.
//! * All options are read at once, and those without a setter of their own are set at once
//!   ([`TcpStream::options`], [`TcpStream::set_options`], [`UdpSocket::set_options`]).
//! * A [`TcpListener`] can be closed while threads wait in it ([`TcpListener::close`]), and the wait can
//!   have a timeout ([`TcpListener::set_accept_timeout`]).
//! * No socket is a descriptor: it cannot be given to poll(2) or to another process.
//!
//! # When something panics
//!
//! If the stack or its device panics, the network ends: waiting threads are woken, and calls that return a
//! `Result` fail with an error of the kind `Other`. Dropping a socket then no longer closes its
//! connection. A call that cannot return an error (for the status or the options of a connection) answers
//! from the state that the panic left behind, or panics as well.
//!
//! # Files
//!
//! | file | what it holds |
//! |---|---|
//! | `net` | [`Net`]: a running stack, and how to start and end it |
//! | `opening` | [`Opening`]: how a connection is opened |
//! | `listener` | [`TcpListener`] |
//! | `stream` | [`TcpStream`] |
//! | `addresses` | the constructors that take any [`ToSocketAddrs`](std::net::ToSocketAddrs) |
//! | `reader` | [`Reader`]: reading without copying |
//! | `in_place` | writing without copying: [`TcpStream::write_in_place`], [`TcpStream::send_file`] |
//! | `udp` | [`UdpSocket`] |
//! | `echo` | [`EchoSocket`]: asks hosts whether they are there, as `ping` does |
//! | `datagrams` | what those two have in common |
//! | `handle` | what each call does to the stack, once, without waiting |
//! | `blocking` | the same call, repeated until it succeeds or its timeout is over |
//! | [`asynchronous`] | the same sockets for tasks of any executor |
//! | `error` | errors of the stack as [`std::io::Error`] |

mod addresses;
pub mod asynchronous;
mod blocking;
mod datagrams;
mod echo;
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
pub use crate::stack::{DatagramError, EchoFailure, IcmpError, Unreachable};
pub use echo::{EchoReply, EchoSocket};
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

    /// As in the standard library, sockets may be sent to other threads, shared by threads, and
    /// used across `catch_unwind`.
    #[test]
    fn sockets_may_go_anywhere() {
        fn anywhere<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
        anywhere::<Net>();
        anywhere::<TcpListener>();
        anywhere::<TcpStream>();
        anywhere::<Reader<'_>>();
        anywhere::<UdpSocket>();
        anywhere::<EchoSocket>();
        anywhere::<asynchronous::TcpListener>();
        anywhere::<asynchronous::TcpStream>();
        anywhere::<asynchronous::UdpSocket>();
        anywhere::<asynchronous::EchoSocket>();
    }

    /// An executor may move tasks between threads.
    #[test]
    fn futures_may_go_to_any_thread() {
        use asynchronous::{EchoSocket, TcpListener, TcpStream, UdpSocket};
        fn of<'a, A, T: Send>(_: impl Fn(&'a A) -> T)
        where
            A: 'a,
        {
        }
        of(|net: &Net| TcpStream::connect(net, ([192, 0, 2, 1], 7)));
        of(TcpListener::accept);
        of(TcpStream::readable);
        of(|stream: &TcpStream| async { stream.read(&mut [0; 1]).await });
        of(|stream: &TcpStream| async { stream.write(&[0; 1]).await });
        of(|socket: &UdpSocket| async { socket.recv_from(&mut [0; 1]).await });
        of(|socket: &UdpSocket| async { socket.send(&[0; 1]).await });
        of(|socket: &EchoSocket| async { socket.recv(&mut [0; 1]).await });
        of(|socket: &EchoSocket| async { socket.send(1, &[0; 1]).await });
    }
}
