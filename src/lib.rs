//! `stubborn` is a TCP/IP stack that runs in user space, over a TUN device. It turns a *fair-loss
//! link* into a *perfect FIFO link*: every octet arrives exactly once, in order.
//!
//! ```no_run
//! use std::io::copy;
//! use stubborn::{config::Config, sockets::Net, tun::TunDevice};
//!
//! // A host with one address on a TUN interface, and an echo service on it.
//! let net = Net::start(TunDevice::open("tun0")?, Config::new(["10.11.12.2".parse()?]))?;
//! let listener = net.listen("10.11.12.2:7".parse()?)?;
//! for stream in listener.incoming() {
//!     let stream = stream?;
//!     copy(&mut &stream, &mut &stream)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The example of the module [`sockets`] works without an interface.
//!
//! # Where to begin
//!
//! * To write a program: [`sockets`], and [`config`] for the settings.
//! * To embed TCP in a program with an event loop and a clock of its own: [`stack::Stack`] is a
//!   whole host, [`tcp::Tcb`] a single connection.
//! * To bring a congestion controller: [`tcp::congestion::Factory`].
//! * To try a protocol under faults: [`sim`].
//! * To read how TCP works: the table in [`tcp`], and then `src/tcp/input.rs`.
//!
//! # Features
//!
//! | feature | what it is for |
//! |---|---|
//! | `program`, by default | the program `stubborn`. It adds nothing to this library, which needs only about half of the crates without it |
//! | `futures-core`, `futures-io`, `tokio` | the traits of these crates for [asynchronous sockets](sockets::asynchronous) |
//!
//! # Modules
//!
//! In the order in which to read them:
//!
//! | module | what it holds | pure? |
//! |---|---|---|
//! | [`sockets`] | [`Net`](sockets::Net), [`TcpListener`](sockets::TcpListener), [`TcpStream`](sockets::TcpStream), [`UdpSocket`](sockets::UdpSocket): like `std::net`; [`EchoSocket`](sockets::EchoSocket), for pings | |
//! | [`tcp`] | one connection: RFC 9293 §3.10 | yes |
//! | [`stack`] | many connections: a host | yes |
//! | [`bsd`] | descriptors, `errno` and socket options: a host as a C program sees it | yes |
//! | [`wire`] | parsing and emitting IP, TCP, UDP and ICMP | yes |
//! | [`link`] | what a link promises: fair-loss, stubborn, perfect, FIFO; the device at the bottom | yes |
//! | [`sim`] | a simulator: hosts, paths and their faults, all determined by one seed | yes |
//! | [`check`] | a model checker: every state that hosts, network and users can reach | yes |
//! | [`drill`] | the packetdrill language: scripts that say, packet by packet, what TCP must do | yes |
//! | [`driver`] | threads and a clock around a stack; a device in memory; recording | |
//! | [`tun`] | the TUN device | |
//! | [`config`], [`time`] | every setting; time as a value | yes |
//!
//! *Pure* means that time, randomness and datagrams go in and values come out. The module touches
//! no clock, thread, lock or file, so a test in virtual time runs the very code that runs on the
//! wire.

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

/// So do those of the page about links.
#[cfg(doctest)]
#[doc = include_str!("../docs/LINKS.md")]
struct Links;
