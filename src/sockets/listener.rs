//! A socket that accepts connections.

use core::fmt;
use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;
use std::io;

use super::blocking::{self, Patience, Waits};
use super::error;
use super::handle::{self, Connection, Hold};
use super::stream::TcpStream;
use crate::config::ListenerConfig;
use crate::driver::{Key, Shared};
use crate::stack::{ListenerId, Readiness};

/// A socket that accepts connections. Dropping it closes it; connections that were not accepted are
/// reset.
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::thread;
/// use stubborn::sockets::{Net, TcpListener, TcpStream};
/// # use stubborn::config::Config;
/// # use stubborn::driver::memory;
/// # let (left, right) = memory::pair(1500)?;
/// # let net = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// # let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
///
/// /// An echo service, with a thread for each connection, until the listener is closed.
/// fn serve(listener: &TcpListener) {
///     while let Ok((stream, _peer)) = listener.accept() {
///         thread::spawn(move || io::copy(&mut &stream, &mut &stream));
///     }
/// }
///
/// let listener = TcpListener::bind(&net, "192.0.2.1:7")?;
/// thread::scope(|scope| {
///     scope.spawn(|| serve(&listener));
///     let mut stream = TcpStream::connect(&client, listener.local_addr())?;
///     stream.write_all(b"hello")?;
///     let mut answer = [0; 5];
///     stream.read_exact(&mut answer)?;
///     assert_eq!(&answer, b"hello");
///     listener.close();
///     io::Result::Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TcpListener {
    hold: Hold,
    /// At each shard.
    ids: Vec<ListenerId>,
    /// What is waited for at each.
    keys: Vec<Key>,
    local: SocketAddr,
    waits: Waits,
}

impl TcpListener {
    /// Listens at every shard. The first one chooses the port and refuses one that is taken, so of
    /// two competing calls the second fails there.
    pub(super) fn open(
        hold: Hold,
        local: SocketAddr,
        change: impl FnOnce(&mut ListenerConfig),
    ) -> io::Result<TcpListener> {
        let engines = hold.runtime().engines();
        let mut config = ListenerConfig {
            tcp: engines[0].call(|shared, _| shared.stack().config().tcp.clone()),
            ..ListenerConfig::default()
        };
        // Not under the lock: it may call the network, or panic.
        change(&mut config);
        error::check_hop_limit(config.tcp.socket.hop_limit)?;
        let config = config.part(engines.len());
        let mut listener = TcpListener {
            hold: hold.clone(),
            ids: Vec::with_capacity(engines.len()),
            keys: Vec::with_capacity(engines.len()),
            local,
            waits: Waits::default(),
        };
        for engine in engines {
            let local = listener.local;
            // After an error `listener` closes what is open.
            let (id, chosen) =
                engine.call(|shared, _| handle::listen(shared, local, config.clone()))?;
            listener.ids.push(id);
            listener.keys.push(Key::Listener(id));
            listener.local = chosen;
        }
        Ok(listener)
    }

    /// Waits for a connection. Returns it and the peer's address.
    ///
    /// # Errors
    /// `WouldBlock` when the accept timeout is over or, non-blocking, none is there;
    /// `NotConnected` once the listener is closed; `NetworkDown` if the network has ended.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept_with(self.waits.to_read())
    }

    /// A connection, if one is waiting to be accepted. Never blocks.
    ///
    /// # Errors
    /// As [`TcpListener::accept`]; `WouldBlock` if none is there.
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept_with(Patience::None)
    }

    /// The connections that come, one after the other. The iterator never ends by itself, even after
    /// an error (a timeout, or that the listener is closed): the caller decides whether to go on.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The address and port on which it listens. The stack chose the port if it was bound to port
    /// 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// How long [`TcpListener::accept`] waits at most; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_accept_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.waits.read.set(timeout)
    }

    /// Whether [`TcpListener::accept`] waits.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.waits.set_nonblocking(nonblocking);
    }

    /// Closes the listener now, as dropping it does. Threads that wait in [`TcpListener::accept`]
    /// get an error of the kind `NotConnected`.
    pub fn close(&self) {
        let engines = self.hold.runtime().engines();
        // The first shard last: a port that is free there is then free everywhere.
        for (engine, &id) in engines.iter().zip(&self.ids).rev() {
            engine.call(|shared, now| handle::close_listener(shared, now, id));
        }
    }

    pub(super) fn hold(&self) -> &Hold {
        &self.hold
    }

    /// What is waited for at each shard.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Accepts at one of the shards.
    pub(super) fn accept_at(
        &self,
        shard: usize,
        shared: &mut Shared,
    ) -> Poll<io::Result<Connection>> {
        handle::accept(shared, self.ids[shard])
    }

    fn accept_with(&self, patience: Patience) -> io::Result<(TcpStream, SocketAddr)> {
        let connection = blocking::run_any(
            self.hold.runtime(),
            &self.keys,
            Readiness::READABLE,
            patience,
            |shard, shared, _| self.accept_at(shard, shared),
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
#[must_use = "nothing is accepted unless it is asked for the next connection"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}
