//! A connection as a socket.

use core::fmt;
use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::blocking::{self, Patience, Waits};
use super::error;
use super::handle::{self, Connection, Gathering, Hold, Reading, Writing};
use crate::config::{CongestionControl, Keepalive, SocketOptions};
use crate::driver::{Engine, Key, Shared};
use crate::stack::{ConnId, Readiness};
use crate::tcp::{Draft, Status};
use crate::time::Instant;

/// A connection. One thread may read while another writes: `&TcpStream` implements [`Read`] and
/// [`Write`], too, and a clone is another handle on the same connection, with the same timeouts.
///
/// Dropping the last handle closes the connection as an operating system would: what was written
/// still goes out, then a FIN, in the background. If something arrived and was never read, the
/// peer gets a reset instead, so that it learns of the loss. [`TcpStream::set_linger`] changes this.
///
/// It is not a descriptor of the operating system, so poll(2) cannot wait for it.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::Shutdown;
/// use std::time::Duration;
/// # use stubborn::config::Config;
/// # use stubborn::driver::memory;
/// # use stubborn::sockets::{Net, TcpListener, TcpStream};
/// # let (left, right) = memory::pair(1500)?;
/// # let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// # let net = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
/// # let listener = TcpListener::bind(&server, "192.0.2.1:7")?;
/// # let echo = std::thread::spawn(move || -> std::io::Result<u64> {
/// #     let (stream, _peer) = listener.accept()?;
/// #     std::io::copy(&mut &stream, &mut &stream)
/// # });
///
/// let mut stream = TcpStream::connect(&net, "192.0.2.1:7")?; // an echo service
/// stream.set_read_timeout(Some(Duration::from_secs(5)))?;
/// stream.write_all(b"hello")?;
/// stream.shutdown(Shutdown::Write)?;
///
/// let mut answer = String::new();
/// stream.read_to_string(&mut answer)?;
/// assert_eq!(answer, "hello");
/// # drop(stream);
/// # assert_eq!(echo.join().unwrap()?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TcpStream {
    inner: Arc<Inner>,
}

struct Inner {
    hold: Hold,
    connection: Connection,
    waits: Waits,
    /// Whether dropping the last handle waits, as the linger option says.
    lingers: AtomicBool,
}

impl TcpStream {
    pub(super) fn new(hold: Hold, connection: Connection) -> TcpStream {
        TcpStream {
            inner: Arc::new(Inner {
                hold,
                connection,
                waits: Waits::default(),
                lingers: AtomicBool::new(true),
            }),
        }
    }

    /// The local address and port.
    pub fn local_addr(&self) -> SocketAddr {
        self.inner.connection.local
    }

    /// The peer's address and port.
    pub fn peer_addr(&self) -> SocketAddr {
        self.inner.connection.peer
    }

    /// Closes one direction or both. `Write`: what was written still goes out, then a FIN.
    /// `Read`: what has arrived and is not read yet is discarded, and so is what arrives from now on; reads return the
    /// end of the stream.
    ///
    /// # Errors
    /// `BrokenPipe` if it was closed for writing before; the error with which the connection ended;
    /// `NetworkDown` if the network has ended.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let id = self.inner.connection.id;
        // Threads that wait to read or write what is now closed are woken as by any event.
        self.attempt(|shared, now| shared.stack().shutdown(now, id, how).map_err(error::send))?
    }

    /// How long a read waits at most before it fails with `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.waits.read.set(timeout)
    }

    /// How long a write waits at most before it fails with `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.waits.write.set(timeout)
    }

    /// Whether reads and writes fail with `WouldBlock` instead of waiting.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.inner.waits.set_nonblocking(nonblocking);
    }

    /// Reads what has arrived, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nothing has; the error with which the connection ended.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_with(Patience::None, buffer)
    }

    /// Reads without consuming: the next read returns the same octets. Waits as a read does.
    ///
    /// # Errors
    /// As a read; `ResourceBusy` while a [`Reader`](super::Reader) has borrowed what has arrived.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let id = self.inner.connection.id;
        self.run(Readiness::READABLE, self.read_patience(), |shared, now| {
            handle::peek(shared, now, id, buffer)
        })
    }

    /// Writes as much as there is room for, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; the error with which the connection ended.
    pub fn try_write(&self, data: &[u8]) -> io::Result<usize> {
        self.write_with(Patience::None, data)
    }

    /// Writes urgent data: the last octet of `data` carries the mark (RFC 6093). It may take
    /// less than all of `data`, as a write may.
    ///
    /// # Errors
    /// As a write.
    pub fn send_urgent(&self, data: &[u8]) -> io::Result<usize> {
        let id = self.inner.connection.id;
        self.run(Readiness::WRITABLE, self.write_patience(), |shared, now| {
            handle::write_urgent(shared, now, id, data)
        })
    }

    /// The number of octets to read before the urgent mark; `None` if no mark is ahead. Urgent data is
    /// read in line (RFC 6093). If the stream ends before the mark that the peer has announced, it ends there.
    pub fn urgent_mark(&self) -> Option<u64> {
        let id = self.inner.connection.id;
        self.call(|shared, _| handle::urgent_mark(shared, id))
    }

    /// Whether the urgent mark lies just before the next octet to be read.
    pub fn at_mark(&self) -> bool {
        let id = self.inner.connection.id;
        self.call(|shared, _| shared.stack().is_at_mark(id))
    }

    /// The state of the connection and its statistics: RTT, windows, retransmissions and more.
    pub fn status(&self) -> Status {
        let id = self.inner.connection.id;
        self.call(|shared, _| shared.stack().status(id))
    }

    /// Why the connection ended, or an error that ICMP reported about its path. Each is returned once.
    pub fn take_error(&self) -> Option<io::Error> {
        let id = self.inner.connection.id;
        let error = self.call(|shared, _| shared.stack().take_error(id));
        error.map(error::connection)
    }

    /// The options in force.
    pub fn options(&self) -> SocketOptions {
        let id = self.inner.connection.id;
        self.call(|shared, _| shared.stack().options(id))
    }

    /// Replaces all its options.
    ///
    /// # Errors
    /// `InvalidInput` if they are invalid ([`SocketOptions`] says when), or the hop limit is zero: then they stay as
    /// they were.
    /// `NetworkDown` if the network has ended.
    pub fn set_options(&self, options: SocketOptions) -> io::Result<()> {
        self.set_checked(|held| *held = options)
    }

    /// Whether small segments are sent at once, that is, Nagle's algorithm is off.
    pub fn set_nodelay(&self, nodelay: bool) {
        self.set(|options| options.nodelay = nodelay);
    }

    /// What dropping the last handle does. `None`: the connection closes in the background. Zero: it is reset
    /// at once. Otherwise: wait up to this long until the peer has acknowledged everything, then reset; a stream
    /// for [tasks](super::asynchronous) does not wait, and closes in the background.
    pub fn set_linger(&self, linger: Option<Duration>) {
        self.set(|options| options.linger = linger);
    }

    /// Whether and how to probe the connection while it is idle.
    ///
    /// # Errors
    /// `InvalidInput` if its interval or its number of probes is zero.
    pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        self.set_checked(|options| options.keepalive = keepalive)
    }

    /// How long data may stay unacknowledged before the connection is given up. `None`: until the
    /// retransmissions that the configuration allows are used up ([`TcpConfig::r2`](crate::config::TcpConfig::r2)).
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_checked(|options| options.user_timeout = timeout)
    }

    /// The name of its congestion controller.
    pub fn congestion_control(&self) -> &'static str {
        let id = self.inner.connection.id;
        self.call(|shared, _| shared.stack().congestion_control(id))
    }

    /// Switches to another congestion controller, which starts from the window of the last. A name
    /// such as `"reno"` can be parsed into a [`CongestionControl`].
    ///
    /// # Errors
    /// `InvalidInput` for a custom controller that was not added to the network
    /// ([`Net::add_congestion_control`](super::Net::add_congestion_control)); `NetworkDown` if the network has ended.
    pub fn set_congestion_control(&self, kind: CongestionControl) -> io::Result<()> {
        let id = self.inner.connection.id;
        self.attempt(|shared, now| shared.stack().set_congestion_control(now, id, kind))?
            .map_err(|unknown| io::Error::new(io::ErrorKind::InvalidInput, unknown))
    }

    fn set(&self, change: impl FnOnce(&mut SocketOptions)) {
        let id = self.inner.connection.id;
        self.call(|shared, now| {
            let mut options = shared.stack().options(id);
            change(&mut options);
            shared.stack().set_options(now, id, options);
        });
    }

    /// As [`TcpStream::set`], unless the options would make no sense.
    fn set_checked(&self, change: impl FnOnce(&mut SocketOptions)) -> io::Result<()> {
        let id = self.inner.connection.id;
        self.attempt(|shared, now| {
            let mut options = shared.stack().options(id);
            change(&mut options);
            let checked = options.validate();
            checked.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            error::check_hop_limit(options.hop_limit)?;
            shared.stack().set_options(now, id, options);
            Ok(())
        })?
    }

    fn read_with(&self, patience: Patience, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let inner = &*self.inner;
        let mut reading = Reading::new(inner.connection.id, buffer);
        let (engine, key) = (inner.engine(), inner.key());
        let received = blocking::run_for(engine, key, Readiness::READABLE, patience, &mut reading)?;
        Ok(received.copy_to(buffer))
    }

    fn write_with(&self, patience: Patience, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let inner = &*self.inner;
        let mut writing = Writing::new(inner.connection.id, data);
        let (engine, key) = (inner.engine(), inner.key());
        blocking::run_for(engine, key, Readiness::WRITABLE, patience, &mut writing)
    }

    fn gather_with(&self, patience: Patience, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let inner = &*self.inner;
        let mut gathering = Gathering::new(inner.connection.id, pieces);
        if gathering.len() == 0 {
            return Ok(0);
        }
        let (engine, key) = (inner.engine(), inner.key());
        blocking::run_for(engine, key, Readiness::WRITABLE, patience, &mut gathering)
    }

    /// Waits for room, lets `fill` write up to `most` octets there while the connection goes on, and
    /// sends them.
    pub(super) fn write_draft(
        &self,
        patience: Patience,
        most: usize,
        fill: impl FnOnce(&mut Draft) -> usize,
    ) -> io::Result<usize> {
        let id = self.inner.connection.id;
        let mut draft = self.run(Readiness::WRITABLE, patience, |shared, _| {
            handle::draft(shared, id, most)
        })?;
        match fill(&mut draft) {
            0 => Ok(0),
            _ => self.attempt(|shared, now| handle::write_draft(shared, now, id, draft))?,
        }
    }

    pub(super) fn id(&self) -> ConnId {
        self.inner.connection.id
    }

    /// What is waited for.
    pub(super) fn key(&self) -> Key {
        self.inner.key()
    }

    /// The shard that has it.
    pub(super) fn engine(&self) -> &Engine {
        self.inner.engine()
    }

    /// Whether dropping the last handle waits, as the linger option says.
    pub(super) fn lingers(&self, lingers: bool) {
        self.inner.lingers.store(lingers, Ordering::Relaxed);
    }

    /// How long a read may wait.
    pub(super) fn read_patience(&self) -> Patience {
        self.inner.waits.to_read()
    }

    /// How long a write may wait.
    pub(super) fn write_patience(&self) -> Patience {
        self.inner.waits.to_write()
    }

    /// Makes a call that does not wait; fails if the network has ended.
    pub(super) fn attempt<T>(&self, call: impl FnOnce(&mut Shared, Instant) -> T) -> io::Result<T> {
        let inner = &*self.inner;
        blocking::once(inner.engine(), inner.key(), |shared, now| {
            Poll::Ready(Ok(call(shared, now)))
        })
    }

    pub(super) fn run<T>(
        &self,
        interest: Readiness,
        patience: Patience,
        attempt: impl FnMut(&mut Shared, Instant) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let inner = &*self.inner;
        blocking::run(inner.engine(), inner.key(), interest, patience, attempt)
    }

    fn call<T>(&self, call: impl FnOnce(&mut Shared, Instant) -> T) -> T {
        self.inner.engine().call(call)
    }
}

/// Text may be received straight into the buffer. Beyond the octets that a read returns (or all of it, if it
/// fails) the buffer may have been overwritten, but never with another connection's data.
impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_with(self.read_patience(), buffer)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_with(self.write_patience(), data)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.gather_with(self.write_patience(), pieces)
    }

    /// Does nothing: what was written is already being sent.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&*self).write(data)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(pieces)
    }

    /// Does nothing: what was written is already being sent.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Inner {
    fn key(&self) -> Key {
        Key::Connection(self.connection.id)
    }

    /// The shard that has the connection.
    fn engine(&self) -> &Engine {
        self.hold.engine(self.connection.shard)
    }
}

/// How long closing waits, as the user's linger option says, if there is something to wait for.
fn linger(shared: &mut Shared, now: Instant, id: ConnId) -> Option<Duration> {
    if shared.closed.is_some() {
        return None;
    }
    let linger = shared.stack().options(id).linger?;
    // If text is unread, or the linger time is zero, the peer gets a reset at once.
    let waits = !linger.is_zero() && shared.stack().status(id).recv_queue == 0;
    // An error says that the connection is closing or gone already.
    let _ = waits.then(|| shared.stack().shutdown(now, id, Shutdown::Write));
    waits.then_some(linger)
}

impl Drop for Inner {
    fn drop(&mut self) {
        let id = self.connection.id;
        let engine = self.engine();
        let linger = engine.call(|shared, now| {
            let may_wait = self.lingers.load(Ordering::Relaxed);
            let linger = linger(shared, now, id).filter(|_| may_wait);
            if linger.is_none() {
                handle::let_go(shared, now, id, false);
            }
            linger
        });
        if linger.is_some() {
            let acknowledged = |shared: &mut Shared, _| handle::all_acknowledged(shared, id);
            let waited = engine.wait(self.key(), Readiness::STATE, linger, acknowledged);
            let reset = waited.is_err();
            engine.call(|shared, now| handle::let_go(shared, now, id, reset));
        }
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("local", &self.local_addr())
            .field("peer", &self.peer_addr())
            .finish_non_exhaustive()
    }
}
