//! A socket that accepts connections for tasks.

use core::fmt;
use core::net::SocketAddr;
use core::task::{Context, Poll, ready};
use std::io;

use super::super::handle::Hold;
use super::super::{Net, listener, stream};
use super::TcpStream;
use super::waiting::{AtAll, answer};
use crate::driver::{Place, Shared};
use crate::stack::Readiness;

/// A socket that accepts connections. Any number of tasks may accept: each connection wakes one of them. A
/// task that was woken must poll again or drop the future, because another waits as long as the woken one
/// has done neither.
///
/// Dropping it closes it; connections that were not accepted are reset.
pub struct TcpListener {
    listener: listener::TcpListener,
    /// At each shard, the place of the task that polled last.
    places: Box<[Place]>,
}

impl TcpListener {
    /// Listens on `address` of the host `net`: see [`Net::listen`]. It does not wait.
    ///
    /// # Errors
    /// As [`Net::listen`].
    pub fn bind(net: &Net, address: impl Into<SocketAddr>) -> io::Result<TcpListener> {
        net.listen(address.into()).map(TcpListener::from)
    }

    /// The next connection, and the peer's address.
    ///
    /// Cancelling it loses no connection: another call accepts it.
    ///
    /// # Errors
    /// `NotConnected` once the listener is closed; `NetworkDown` if the network has ended.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let waiting = AtAll::new(self.hold().runtime(), self.listener.keys());
        waiting
            .until(|places, context| self.accept_at(places, context))
            .await
    }

    /// A connection, if one is waiting to be accepted.
    ///
    /// # Errors
    /// As [`TcpListener::accept`]; `WouldBlock` if none is there.
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.listener.try_accept()?;
        Ok((stream.into(), peer))
    }

    /// As [`TcpListener::accept`], for hand-written futures.
    ///
    /// # Errors
    /// As [`TcpListener::accept`].
    pub fn poll_accept(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.accept_at(&self.places, context)
    }

    /// The address and port on which it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Closes the listener now, as dropping it does. Tasks that wait for a connection get an error of the kind
    /// `NotConnected`.
    pub fn close(&self) {
        self.listener.close();
    }

    /// The blocking listener, for the calls that do not wait.
    pub fn get_ref(&self) -> &listener::TcpListener {
        &self.listener
    }

    fn accept_at(
        &self,
        places: &[Place],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accept = |shard, shared: &mut Shared, _| self.listener.accept_at(shard, shared);
        let (keys, waker) = (self.listener.keys(), context.waker());
        let runtime = self.hold().runtime();
        let polled = runtime.poll(keys, Readiness::READABLE, places, waker, accept);
        let connection = ready!(answer(polled))?;
        let stream = stream::TcpStream::new(self.hold().clone(), connection);
        Poll::Ready(Ok((stream.into(), connection.peer)))
    }

    fn hold(&self) -> &Hold {
        self.listener.hold()
    }
}

/// The same listener. Its timeout has no effect here.
impl From<listener::TcpListener> for TcpListener {
    fn from(listener: listener::TcpListener) -> TcpListener {
        let places = listener.hold().runtime().places();
        TcpListener { listener, places }
    }
}

/// The same listener, with blocking calls.
impl From<TcpListener> for listener::TcpListener {
    fn from(TcpListener { listener, places }: TcpListener) -> listener::TcpListener {
        listener.hold().runtime().leave(listener.keys(), &places);
        listener
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listener.fmt(f)
    }
}
