//! A socket that accepts connections.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::ToSocketAddrs;

use super::blocking::{self, Blocking, Patience, Timeout};
use super::handle::{self, Hold};
use super::net::Net;
use super::stream::TcpStream;
use crate::driver::Key;
use crate::stack::{ListenerId, Readiness};

/// A socket that accepts connections. Dropping it ends it; connections that nobody accepted are
/// reset.
pub struct TcpListener {
    hold: Hold,
    id: ListenerId,
    local: SocketAddr,
    blocking: Blocking,
    accept_timeout: Timeout,
}

impl TcpListener {
    /// Listens on `address` of the host `net`: the first that can be had, if it stands for
    /// several. See [`Net::listen`].
    ///
    /// # Errors
    /// As [`Net::listen`], of the last address tried.
    pub fn bind(net: &Net, address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        first(address, |address| net.listen(address))
    }

    pub(super) fn new(hold: Hold, id: ListenerId, local: SocketAddr) -> TcpListener {
        TcpListener {
            hold,
            id,
            local,
            blocking: Blocking::default(),
            accept_timeout: Timeout::default(),
        }
    }

    /// Waits for a connection. Gives it and the peer's address.
    ///
    /// # Errors
    /// `WouldBlock` when the accept timeout is over or, non-blocking, none is there;
    /// `NotConnected` once the listener is closed; `NetworkDown` if the network has ended.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept_with(self.blocking.patience(&self.accept_timeout))
    }

    /// A connection, if one is there.
    ///
    /// # Errors
    /// As [`TcpListener::accept`]; `WouldBlock` if none is there.
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept_with(Patience::None)
    }

    /// The connections that come, one after the other. Ends only when it is dropped: after an
    /// error, ask again or stop.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The address that is listened on; its port, if the stack chose one.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// How long [`TcpListener::accept`] waits at most; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_accept_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.accept_timeout.set(timeout)
    }

    /// Whether [`TcpListener::accept`] waits.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.blocking.set_nonblocking(nonblocking);
    }

    /// Ends the listener now, as dropping it does. Threads that wait in [`TcpListener::accept`]
    /// get an error.
    pub fn close(&self) {
        (self.hold.runtime()).call(|shared, now| handle::close_listener(shared, now, self.id));
    }

    fn accept_with(&self, patience: Patience) -> io::Result<(TcpStream, SocketAddr)> {
        let key = Key::Listener(self.id);
        let connection = blocking::run(
            &self.hold,
            key,
            Readiness::READABLE,
            patience,
            |shared, _| handle::accept(shared, self.id),
        )?;
        let stream = TcpStream::new(self.hold.clone(), connection);
        Ok((stream, connection.peer))
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

/// The connections that come to a listener: see [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

/// What `open` gives for the first of the addresses for which it succeeds.
pub(super) fn first<T>(
    addresses: impl ToSocketAddrs,
    mut open: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let none = || io::Error::new(io::ErrorKind::InvalidInput, "no address was given");
    let mut answer = Err(none());
    for address in addresses.to_socket_addrs()? {
        answer = open(address);
        if answer.is_ok() {
            break;
        }
    }
    answer
}
