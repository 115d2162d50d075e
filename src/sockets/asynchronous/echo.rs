//! A socket that sends echo requests and receives the replies, for tasks.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::io;

use super::super::echo::EchoReply;
use super::super::{Net, echo, handle};
use super::waiting::{AtAll, AtOne, answer};
use crate::driver::{Place, Shared};
use crate::stack::{Readiness, Stack};

/// An echo socket. Any number of tasks may send and receive at the same time by way of `&EchoSocket`, and a clone
/// is another handle on the same socket.
///
/// It is the socket of a [`sockets::EchoSocket`](super::super::EchoSocket): [`From`] turns either into the other,
/// and [`get_ref`](EchoSocket::get_ref) has all calls that do not wait, and says what replies and errors mean.
///
/// ```
/// use std::io;
/// use stubborn::sockets::Net;
/// use stubborn::sockets::asynchronous::EchoSocket;
/// # use stubborn::config::Config;
/// # use stubborn::driver::memory;
/// # let (left, right) = memory::pair(1500)?;
/// # let _server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// # let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
///
/// async fn ask(client: &Net) -> io::Result<()> {
///     let socket = EchoSocket::bind(client, [0, 0, 0, 0], 0)?;
///     socket.connect([192, 0, 2, 1])?;
///     socket.send(1, b"are you there?").await?;
///     let reply = socket.recv(&mut [0; 1500]).await?;
///     assert_eq!((reply.sequence, reply.len), (1, 14));
///     Ok(())
/// }
///
/// pollster::block_on(ask(&client))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EchoSocket {
    socket: echo::EchoSocket,
}

impl EchoSocket {
    /// A socket at `address` of the host `net`. It does not wait.
    ///
    /// # Errors
    /// As [`sockets::EchoSocket::bind`](super::super::EchoSocket::bind).
    pub fn bind(net: &Net, address: impl Into<IpAddr>, identifier: u16) -> io::Result<EchoSocket> {
        echo::EchoSocket::bind(net, address.into(), identifier).map(EchoSocket::from)
    }

    /// From now on the socket receives only replies of `host`, and [`EchoSocket::send`] asks it. Nothing is sent, and
    /// it does not wait.
    ///
    /// # Errors
    /// As [`sockets::EchoSocket::connect`](super::super::EchoSocket::connect).
    pub fn connect(&self, host: impl Into<IpAddr>) -> io::Result<()> {
        self.socket.connect(host.into())
    }

    /// Sends a request to `host`, as soon as the queue of the socket has room.
    ///
    /// If this is dropped before it has an answer, nothing is sent.
    ///
    /// # Errors
    /// As [`sockets::EchoSocket::send_to`](super::super::EchoSocket::send_to), but never `WouldBlock`.
    pub async fn send_to(
        &self,
        sequence: u16,
        data: &[u8],
        host: impl Into<IpAddr>,
    ) -> io::Result<()> {
        self.send_with(sequence, data, Some(host.into())).await
    }

    /// As [`EchoSocket::send_to`], to the host that the socket is connected to.
    ///
    /// # Errors
    /// As [`EchoSocket::send_to`]; `NotConnected` if it is connected to none.
    pub async fn send(&self, sequence: u16, data: &[u8]) -> io::Result<()> {
        self.send_with(sequence, data, None).await
    }

    /// The next reply; its data is copied into `buffer`, as far as that has room.
    ///
    /// If this is dropped before it has an answer, no reply is lost: another call receives it.
    ///
    /// # Errors
    /// An ICMP error about a request; `NetworkDown` if the network has ended.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<EchoReply> {
        let socket = self.socket.datagrams();
        let (ids, keys) = (socket.ids(), socket.keys());
        let mut recv = |shard: usize, shared: &mut Shared, _| {
            let recv = |stack: &mut Stack, id| stack.udp_recv(id, buffer);
            handle::udp_recv(shared, ids[shard], recv)
        };
        let received = AtAll::new(socket.runtime(), keys)
            .until(|places, context| {
                let (interest, waker) = (Readiness::READABLE, context.waker());
                let runtime = socket.runtime();
                answer(runtime.poll(keys, interest, places, waker, &mut recv))
            })
            .await;
        received.map(EchoReply::new)
    }

    /// The next reply, if one is here: as of [`EchoSocket::recv`].
    ///
    /// # Errors
    /// As [`EchoSocket::recv`]; `WouldBlock` if none is.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<EchoReply> {
        self.socket.try_recv(buffer)
    }

    /// Sends a request to `host`, if the queue of the socket has room.
    ///
    /// # Errors
    /// As [`EchoSocket::send_to`]; `WouldBlock` if it has none.
    pub fn try_send_to(
        &self,
        sequence: u16,
        data: &[u8],
        host: impl Into<IpAddr>,
    ) -> io::Result<()> {
        self.socket.try_send(sequence, data, Some(host.into()))
    }

    /// The socket for threads, for the calls that do not wait.
    pub fn get_ref(&self) -> &echo::EchoSocket {
        &self.socket
    }

    async fn send_with(&self, sequence: u16, data: &[u8], host: Option<IpAddr>) -> io::Result<()> {
        let socket = self.socket.datagrams();
        let shard = socket.sender(host.map(|host| SocketAddr::new(host, 0)));
        let (engine, id) = (socket.runtime().engine(shard), socket.ids()[shard]);
        let key = socket.keys()[shard];
        let waiting = AtOne {
            engine,
            key,
            place: Place::default(),
        };
        let send = |shared: &mut Shared, _| handle::echo_send(shared, id, sequence, data, host);
        waiting
            .until(|place, context| {
                answer(engine.poll(key, Readiness::WRITABLE, place, context.waker(), send))
            })
            .await
    }
}

/// The same socket. Its timeouts mean nothing here.
impl From<echo::EchoSocket> for EchoSocket {
    fn from(socket: echo::EchoSocket) -> EchoSocket {
        EchoSocket { socket }
    }
}

/// The same socket, for threads.
impl From<EchoSocket> for echo::EchoSocket {
    fn from(socket: EchoSocket) -> echo::EchoSocket {
        socket.socket
    }
}

impl fmt::Debug for EchoSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
