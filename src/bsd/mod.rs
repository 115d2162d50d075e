//! BSD sockets as a pure layer over a [`Stack`]: descriptors, calls that never wait, and Linux's
//! `errno`. The caller does the waiting: the C library with threads, a script in virtual time.
//!
//! ```
//! use stubborn::bsd::{Bsd, Errno, linux::*};
//! # use stubborn::{config::Config, stack::{Secret, Stack}, time::Instant};
//! # let mut stack = Stack::new(Config::new([[10, 0, 0, 1].into()]), Secret([0; 16])).unwrap();
//! # let now = Instant::ZERO;
//! let mut bsd = Bsd::new();
//! let mut calls = bsd.at(now, &mut stack);
//! let fd = calls.socket(AF_INET, SOCK_STREAM, 0)?;
//! assert_eq!(calls.connect(fd, ([10, 0, 0, 2], 80).into()), Err(Errno::EINPROGRESS));
//! assert_eq!(calls.recv(fd, &mut [0; 10], 0), Err(Errno::EAGAIN));
//! # Ok::<(), Errno>(())
//! ```
//!
//! | file | what is in it |
//! |---|---|
//! | `errno`, `linux` | [`Errno`]; every other number of Linux |
//! | `freebsd` | numbers of what only FreeBSD has |
//! | `numbers` | how such a table is written |
//! | `fd`, `table` | descriptors, and the objects behind them |
//! | `stream`, `datagram` | a TCP socket, a UDP or ping socket |
//! | `echo` | what differs with ping sockets |
//! | `settings` | settings of either that the layer itself keeps |
//! | `sockets` | how calls find sockets, take their errors and release their connections |
//! | `address` | families, mapped addresses |
//! | `binding` | which sockets may be bound to which addresses |
//! | `open` | socket, bind, listen, accept, getsockname, getpeername |
//! | `connect` | connect, which may take several calls |
//! | `close` | shutdown, close |
//! | `receive`, `send` | read, recv, recvmsg; write, send, sendmsg |
//! | `received`, `ancillary` | control messages of recvmsg, and of sendmsg |
//! | `error_queue` | the error queue: `MSG_ZEROCOPY`, `SO_TIMESTAMPING` |
//! | `notices` | the contents of that queue |
//! | `extended_error` | the form of its errors: `struct sock_extended_err` |
//! | `statistics` | what is reported with a timestamp: `SOF_TIMESTAMPING_OPT_STATS` |
//! | `reports` | ICMP errors for the error queue: `IP_RECVERR` |
//! | `control` | fcntl, ioctl |
//! | `options/` | getsockopt, setsockopt |
//! | `tcp_info` | `TCP_INFO` |
//! | `ready` | what a descriptor is ready for: poll |
//! | `watched`, `epoll` | a set that watches descriptors; epoll: by level, by edge, once |
//! | `pipe`, `splice` | the contents of a pipe; pipe, splice |
//! | `attempt` | blocking calls, as values that can be tried again |
//!
//! No call waits. Where the call of a C program would block, a call here fails with `EAGAIN`
//! (`connect` with `EINPROGRESS`), whether the descriptor is `O_NONBLOCK` or not.
//! [`Calls::may_wait`] says whether the caller should wait and try again, and `attempt` knows how.

mod address;
mod ancillary;
mod attempt;
mod binding;
mod close;
mod connect;
mod control;
mod datagram;
mod echo;
mod epoll;
mod errno;
mod error_queue;
mod extended_error;
mod fd;
pub mod freebsd;
pub mod linux;
mod notices;
mod numbers;
mod open;
mod options;
mod pipe;
mod ready;
mod receive;
mod received;
mod reports;
mod send;
mod settings;
mod sockets;
mod splice;
mod statistics;
mod stream;
mod table;
mod tcp_info;
mod watched;

use crate::config::SignatureKeys;
use crate::stack::{Event, Stack};
use crate::time::Instant;

pub use ancillary::{Ancillary, OneSend};
pub use attempt::{Accepting, Closing, Connecting, Direction, Receiving, Sending, Target};
pub use errno::Errno;
pub use extended_error::ExtendedError;
pub use ready::PollFd;
pub use received::{Control, Received, TimeUnit};
pub use statistics::attributes;
pub use table::Fd;
pub use tcp_info::TcpInfo;
pub use watched::EpollEvent;

use table::Table;

/// The system whose sockets these imitate, where systems differ. Numbers and names are always those of
/// Linux, except for what only FreeBSD has ([`freebsd`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum System {
    /// One more connection than the backlog may wait to be accepted. Buffer sizes are reported
    /// twice as large as they are.
    #[default]
    Linux,
    /// Half as many more connections may wait. Buffer sizes are reported as they are. A connection that
    /// was reset before it was accepted is not handed out. A send without an established connection fails
    /// with `ENOTCONN`. The success of a connect is not reported again.
    Freebsd,
}

impl System {
    /// The most established connections that may wait to be accepted.
    fn backlog(self, asked: usize) -> usize {
        match self {
            System::Linux => asked + 1,
            System::Freebsd => asked * 3 / 2 + 1,
        }
    }

    /// The backlog that was asked for.
    fn asked(self, backlog: usize) -> usize {
        match self {
            System::Linux => backlog.saturating_sub(1),
            System::Freebsd => (backlog * 2).div_ceil(3).saturating_sub(1),
        }
    }

    /// The size of a buffer as it is reported.
    fn told(self, octets: usize) -> usize {
        match self {
            System::Linux => 2 * octets,
            System::Freebsd => octets,
        }
    }
}

/// The descriptors of one program.
#[derive(Clone, Debug)]
pub struct Bsd {
    table: Table,
    system: System,
    /// The name of the only device.
    device: String,
    /// The keys of sockets that turn on signatures without naming keys ([`System::Freebsd`]).
    associations: SignatureKeys,
}

impl Default for Bsd {
    fn default() -> Bsd {
        Bsd {
            table: Table::default(),
            system: System::default(),
            device: "tun0".to_owned(),
            associations: SignatureKeys::default(),
        }
    }
}

impl Bsd {
    /// A program without descriptors, on Linux.
    pub fn new() -> Bsd {
        Bsd::default()
    }

    /// As [`Bsd::new`], with the sockets of another system.
    pub fn of(system: System) -> Bsd {
        Bsd {
            system,
            ..Bsd::default()
        }
    }

    /// Names the device, which is otherwise `tun0`.
    #[must_use]
    pub fn on(self, device: &str) -> Bsd {
        Bsd {
            device: device.to_owned(),
            ..self
        }
    }

    /// Sets the keys that FreeBSD's `TCP_MD5SIG` turns on; on FreeBSD, `setkey` sets them.
    pub fn associate(&mut self, keys: SignatureKeys) {
        self.associations = keys;
    }

    /// The keys set last by [`Bsd::associate`].
    pub fn associations(&self) -> &SignatureKeys {
        &self.associations
    }

    /// The calls of the program at the time `now`. `stack` must be the same every time, and no other code
    /// may take its events.
    pub fn at<'a>(&'a mut self, now: Instant, stack: &'a mut Stack) -> Calls<'a> {
        let mut calls = Calls {
            table: &mut self.table,
            stack,
            now,
            system: self.system,
            device: &self.device,
            associations: &self.associations,
        };
        calls.take_events();
        calls.take_reports();
        calls.follow_sends();
        calls
    }

    /// Every open descriptor.
    pub fn descriptors(&self) -> impl Iterator<Item = Fd> {
        self.table.descriptors()
    }
}

/// The calls of a program at one moment.
#[derive(Debug)]
pub struct Calls<'a> {
    table: &'a mut Table,
    stack: &'a mut Stack,
    now: Instant,
    system: System,
    device: &'a str,
    associations: &'a SignatureKeys,
}

impl Calls<'_> {
    /// The system whose sockets these imitate.
    pub fn system(&self) -> System {
        self.system
    }

    /// The time of these calls.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Takes the stack's events: sets that watch by edges must know of them.
    fn take_events(&mut self) {
        while let Some(event) = self.stack.poll_event() {
            let fd = match event {
                Event::Connection(id, _) => self.table.of_connection(id),
                Event::Acceptable(id) => self.table.of_listener(id),
                Event::Udp(id, _) => self.table.of_udp(id),
            };
            if let Some(fd) = fd {
                self.table.happened(fd);
            }
        }
    }
}
