//! A connection as an asynchronous socket.

use core::fmt;
use core::net::SocketAddr;
use core::task::{Context, Poll, ready};
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;

use super::super::handle::{self, Gathering, Reading, Writing};
use super::super::opening::{Opened, Opening};
use super::super::{Net, stream};
use super::waiting::{AtOne, answer};
use crate::driver::{Attempt, Place, Shared};
use crate::stack::{ConnId, Readiness};
use crate::time::Instant;

/// A connection. Any number of tasks may read and write at the same time by way of `&TcpStream`, and a
/// clone is another handle on the same connection, for a task that needs one of its own.
///
/// It is the connection of a [`sockets::TcpStream`](super::super::TcpStream): [`From`] turns either into the
/// other, and [`get_ref`](TcpStream::get_ref) has all calls that do not wait, such as those for options and
/// statistics.
///
/// Dropping the last handle closes the connection as there, but never waits: a linger option
/// ([`set_linger`](super::super::TcpStream::set_linger)) other than zero counts as none.
///
/// ```
/// use std::io;
/// use std::net::Shutdown;
/// use stubborn::sockets::asynchronous::TcpStream;
/// # use stubborn::config::Config;
/// # use stubborn::driver::memory;
/// # use stubborn::sockets::{Net, TcpListener};
/// # let (left, right) = memory::pair(1500)?;
/// # let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// # let net = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
/// # let listener = TcpListener::bind(&server, "192.0.2.1:7")?;
/// # std::thread::spawn(move || -> io::Result<u64> {
/// #     let (stream, _peer) = listener.accept()?;
/// #     io::copy(&mut &stream, &mut &stream)
/// # });
///
/// /// What an echo service makes of a text.
/// async fn echo_of(net: &Net, text: &[u8]) -> io::Result<Vec<u8>> {
///     let stream = TcpStream::connect(net, ([192, 0, 2, 1], 7)).await?;
///     stream.write_all(text).await?;
///     stream.shutdown(Shutdown::Write)?;
///     let mut answer = vec![0; text.len()];
///     stream.read_exact(&mut answer).await?;
///     Ok(answer)
/// }
///
/// assert_eq!(pollster::block_on(echo_of(&net, b"hello"))?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TcpStream {
    stream: stream::TcpStream,
    /// The places of the tasks that were the last to poll for reading and for writing.
    reader: Place,
    writer: Place,
}

impl TcpStream {
    /// Connects the host `net` to `remote`: the first poll sends the SYN, and the future completes when the
    /// connection is established or has failed.
    ///
    /// Cancelling it abandons the connection.
    ///
    /// # Errors
    /// As [`Net::connect`].
    pub async fn connect(net: &Net, remote: impl Into<SocketAddr>) -> io::Result<TcpStream> {
        TcpStream::connect_with(net, remote, |_| ()).await
    }

    /// As [`TcpStream::connect`], with options that `change` may set: see [`Net::connect_with`].
    ///
    /// # Errors
    /// As [`Net::connect_with`]; `InvalidInput` if the options have a timeout, because only the
    /// executor has timers.
    pub async fn connect_with(
        net: &Net,
        remote: impl Into<SocketAddr>,
        change: impl FnOnce(&mut Opening),
    ) -> io::Result<TcpStream> {
        let opening = Opening::new(net, change);
        if opening.timeout.is_some() {
            let message = "a timeout of a future is the business of its executor";
            return Err(io::Error::new(ErrorKind::InvalidInput, message));
        }
        let opened = Opened::begin(net, remote.into(), &opening)?;
        let (engine, key, id) = (opened.engine(), opened.key(), opened.connection.id);
        let waiting = AtOne {
            engine,
            key,
            place: Place::default(),
        };
        waiting
            .until(|place, context| {
                let established = |shared: &mut Shared, _| handle::established(shared, id);
                let (interest, waker) = (Readiness::WRITABLE, context.waker());
                answer(engine.poll(key, interest, place, waker, established))
            })
            .await?;
        Ok(opened.finish().into())
    }

    /// The blocking socket of the same connection, for the calls that do not wait.
    pub fn get_ref(&self) -> &stream::TcpStream {
        &self.stream
    }

    /// The local address and port.
    pub fn local_addr(&self) -> SocketAddr {
        self.stream.local_addr()
    }

    /// The peer's address and port.
    pub fn peer_addr(&self) -> SocketAddr {
        self.stream.peer_addr()
    }

    /// Closes one direction or both, at once, and wakes the tasks that wait to read or write. `Write`: what was
    /// written still goes out, then a FIN. `Read`: what has arrived and is not read yet is discarded, and so is what
    /// arrives from now on; reads return the end of the stream.
    ///
    /// # Errors
    /// As [`sockets::TcpStream::shutdown`](super::super::TcpStream::shutdown).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    /// Waits until anything has arrived and reads it. Returns the number of octets, 0 at the end of the
    /// stream.
    ///
    /// Cancelling it reads nothing.
    ///
    /// # Errors
    /// The error with which the connection ended; `NetworkDown` if the network has.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = |place: &Place, context: &mut Context<'_>| self.read_at(place, context, buffer);
        self.waiting().until(read).await
    }

    /// Fills all of `buffer`.
    ///
    /// Cancelling it may leave part of `buffer` read, and there is no way to tell how much.
    ///
    /// # Errors
    /// As [`TcpStream::read`]; `UnexpectedEof` if the stream ends before `buffer` is full.
    pub async fn read_exact(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]).await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                len => filled += len,
            }
        }
        Ok(())
    }

    /// Reads without consuming: the next read returns the same octets.
    ///
    /// It may be dropped at any time: it changes nothing.
    ///
    /// # Errors
    /// As [`TcpStream::read`].
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let peek = |place: &Place, context: &mut Context<'_>| self.peek_at(place, context, buffer);
        self.waiting().until(peek).await
    }

    /// Waits for room and writes as much of `data` as fits. Returns the number of octets.
    ///
    /// Cancelling it writes nothing.
    ///
    /// # Errors
    /// The error with which the connection ended; `BrokenPipe` if it was closed for writing; `NetworkDown` if
    /// the network has ended.
    pub async fn write(&self, data: &[u8]) -> io::Result<usize> {
        let write = |place: &Place, context: &mut Context<'_>| self.write_at(place, context, data);
        self.waiting().until(write).await
    }

    /// As [`TcpStream::write`], of several pieces one after the other.
    ///
    /// # Errors
    /// As [`TcpStream::write`].
    pub async fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let write =
            |place: &Place, context: &mut Context<'_>| self.gather_at(place, context, pieces);
        self.waiting().until(write).await
    }

    /// Writes all of `data`.
    ///
    /// Cancelling it may leave part of `data` written, and there is no way to tell how much.
    ///
    /// # Errors
    /// As [`TcpStream::write`].
    pub async fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let len = self.write(data).await?;
            data = &data[len..];
        }
        Ok(())
    }

    /// Waits until a read has an answer: text, the end of the stream, or an error. Another task may be
    /// quicker, so [`TcpStream::try_read`] may still fail with `WouldBlock`.
    ///
    /// It may be dropped at any time: it changes nothing.
    ///
    /// # Errors
    /// `NetworkDown` if the network has ended.
    pub async fn readable(&self) -> io::Result<()> {
        let readable = |place: &Place, context: &mut Context<'_>| self.readable_at(place, context);
        self.waiting().until(readable).await
    }

    /// Waits until a write has an answer: room, or an error. Another task may be quicker, so
    /// [`TcpStream::try_write`] may still fail with `WouldBlock`.
    ///
    /// It may be dropped at any time: it changes nothing.
    ///
    /// # Errors
    /// `NetworkDown` if the network has ended.
    pub async fn writable(&self) -> io::Result<()> {
        let writable = |place: &Place, context: &mut Context<'_>| self.writable_at(place, context);
        self.waiting().until(writable).await
    }

    /// Reads what has arrived, without waiting.
    ///
    /// # Errors
    /// As [`TcpStream::read`]; `WouldBlock` if nothing has.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buffer)
    }

    /// Writes as much as there is room for, without waiting.
    ///
    /// # Errors
    /// As [`TcpStream::write`]; `WouldBlock` if there is none.
    pub fn try_write(&self, data: &[u8]) -> io::Result<usize> {
        self.stream.try_write(data)
    }

    /// As [`TcpStream::read`], for hand-written futures.
    ///
    /// # Errors
    /// As [`TcpStream::read`].
    pub fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.read_at(&self.reader, context, buffer)
    }

    /// As [`TcpStream::peek`], for hand-written futures.
    ///
    /// # Errors
    /// As [`TcpStream::read`].
    pub fn poll_peek(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.peek_at(&self.reader, context, buffer)
    }

    /// As [`TcpStream::write`], for hand-written futures.
    ///
    /// # Errors
    /// As [`TcpStream::write`].
    pub fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.write_at(&self.writer, context, data)
    }

    /// As [`TcpStream::write_vectored`], for hand-written futures.
    ///
    /// # Errors
    /// As [`TcpStream::write`].
    pub fn poll_write_vectored(
        &self,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.gather_at(&self.writer, context, pieces)
    }

    /// As [`TcpStream::readable`], for hand-written futures.
    ///
    /// # Errors
    /// As [`TcpStream::readable`].
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.readable_at(&self.reader, context)
    }

    /// As [`TcpStream::writable`], for hand-written futures.
    ///
    /// # Errors
    /// As [`TcpStream::writable`].
    pub fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writable_at(&self.writer, context)
    }

    /// What was written still goes out, then a FIN, unless that was asked for before.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(super) fn close_for_writing(&self) -> io::Result<()> {
        match self.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            answer => answer,
        }
    }

    fn read_at(
        &self,
        place: &Place,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut reading = Reading::new(self.id(), buffer);
        let read = |shared: &mut Shared, now| reading.attempt(shared, now);
        let received = ready!(self.poll_at(place, context, Readiness::READABLE, read))?;
        Poll::Ready(Ok(received.copy_to(buffer)))
    }

    fn peek_at(
        &self,
        place: &Place,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let id = self.id();
        let peek = |shared: &mut Shared, now| handle::peek(shared, now, id, buffer);
        self.poll_at(place, context, Readiness::READABLE, peek)
    }

    fn write_at(
        &self,
        place: &Place,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut writing = Writing::new(self.id(), data);
        let write = |shared: &mut Shared, now| writing.attempt(shared, now);
        self.poll_at(place, context, Readiness::WRITABLE, write)
    }

    fn gather_at(
        &self,
        place: &Place,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut gathering = Gathering::new(self.id(), pieces);
        if gathering.len() == 0 {
            return Poll::Ready(Ok(0));
        }
        let write = |shared: &mut Shared, now| gathering.attempt(shared, now);
        self.poll_at(place, context, Readiness::WRITABLE, write)
    }

    fn readable_at(&self, place: &Place, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.id();
        let readable = |shared: &mut Shared, _| handle::readable(shared, id);
        self.poll_at(place, context, Readiness::READABLE, readable)
    }

    fn writable_at(&self, place: &Place, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.id();
        let writable = |shared: &mut Shared, _| handle::writable(shared, id);
        self.poll_at(place, context, Readiness::WRITABLE, writable)
    }

    /// Polls once for the task at this place.
    fn poll_at<T>(
        &self,
        place: &Place,
        context: &mut Context<'_>,
        interest: Readiness,
        attempt: impl FnOnce(&mut Shared, Instant) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let (engine, key) = (self.stream.engine(), self.stream.key());
        answer(engine.poll(key, interest, place, context.waker(), attempt))
    }

    fn waiting(&self) -> AtOne<'_> {
        AtOne {
            engine: self.stream.engine(),
            key: self.stream.key(),
            place: Place::default(),
        }
    }

    fn id(&self) -> ConnId {
        self.stream.id()
    }
}

/// The same connection: what was read and written before stays so. Its timeouts have no effect
/// here.
impl From<stream::TcpStream> for TcpStream {
    fn from(stream: stream::TcpStream) -> TcpStream {
        stream.lingers(false);
        TcpStream {
            stream,
            reader: Place::default(),
            writer: Place::default(),
        }
    }
}

/// The same connection, with blocking calls.
impl From<TcpStream> for stream::TcpStream {
    fn from(stream: TcpStream) -> stream::TcpStream {
        stream.stream.lingers(true);
        stream.stream.clone()
    }
}

impl Clone for TcpStream {
    fn clone(&self) -> TcpStream {
        TcpStream::from(self.stream.clone())
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        for place in [&self.reader, &self.writer] {
            self.stream.engine().leave(self.stream.key(), place);
        }
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}
