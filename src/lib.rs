//! `stubborn`: a TCP/IP stack in user space over a TUN device. It turns a *fair-loss link* into a
//! *perfect FIFO link*: every octet once, in order.
//!
//! ```no_run
//! use std::io::copy;
//! use stubborn::{config::Config, sockets::Net, tun::TunDevice};
//!
//! // A host of one address behind a TUN interface, and an echo service on it.
//! let net = Net::start(TunDevice::open("tun0")?, Config::new(["10.11.12.2".parse()?]))?;
//! let listener = net.listen("10.11.12.2:7".parse()?)?;
//! for stream in listener.incoming() {
//!     let stream = stream?;
//!     copy(&mut &stream, &mut &stream)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The example of [`sockets`] needs no interface. The modules, in the order in which to read them:
//!
//! | module | what it holds | pure? |
//! |---|---|---|
//! | [`sockets`] | [`Net`](sockets::Net), [`TcpListener`](sockets::TcpListener), [`TcpStream`](sockets::TcpStream), [`UdpSocket`](sockets::UdpSocket): like `std::net` | |
//! | [`tcp`] | one connection: RFC 9293 §3.10 | yes |
//! | [`stack`] | many connections: a host | yes |
//! | [`bsd`] | descriptors, `errno` and socket options: a host as a C program sees it | yes |
//! | [`wire`] | bytes to values and back | yes |
//! | [`link`] | what a device promises | yes |
//! | [`sim`] | a world in a box: hosts, paths and their faults, all from one seed | yes |
//! | [`check`] | a model checker: every state that hosts, network and users can reach | yes |
//! | [`drill`] | scripts that state what TCP does, packet by packet, and their runner | yes |
//! | [`driver`] | threads and a clock around a stack; a device in memory; recording | |
//! | [`tun`] | the TUN device | |
//! | [`config`], [`time`] | every tunable; time as a value | yes |
//!
//! Pure means: time, randomness and datagrams go in, values come out. No clock, thread, lock or
//! file is touched, so the code that runs on the wire runs in a test in virtual time.

pub mod bsd;
pub mod check;
pub mod config;
pub mod drill;
pub mod driver;
pub mod link;
pub mod sim;
pub mod sockets;
pub mod stack;
pub mod tcp;
pub mod time;
pub mod tun;
pub mod wire;

/// The programs of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// And those of the page about links.
#[cfg(doctest)]
#[doc = include_str!("../docs/LINKS.md")]
struct Links;
