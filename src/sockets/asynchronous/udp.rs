//! A socket that sends and receives datagrams for tasks.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::ops::Range;
use core::task::{Context, Poll, ready};
use std::io;

use super::super::{Net, handle, udp};
use super::waiting::{AtAll, AtOne, answer};
use crate::driver::{Place, Shared};
use crate::stack::{Readiness, Received, Stack, UdpId, UdpRecvError};

/// A UDP socket. Any number of tasks may send and receive at the same time by way of `&UdpSocket`, and a clone
/// is another handle on the same socket.
///
/// It is the socket of a [`sockets::UdpSocket`](super::super::UdpSocket): [`From`] turns either into the
/// other, and [`get_ref`](UdpSocket::get_ref) has all calls that do not wait. Dropping the last handle
/// frees the port; datagrams sent before that still go out.
///
/// ```
/// use std::io;
/// use stubborn::sockets::Net;
/// use stubborn::sockets::asynchronous::UdpSocket;
/// # use stubborn::config::Config;
/// # use stubborn::driver::memory;
/// # let (left, right) = memory::pair(1500)?;
/// # let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// # let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
///
/// async fn exchange(server: &Net, client: &Net) -> io::Result<()> {
///     let echo = UdpSocket::bind(server, ([192, 0, 2, 1], 7))?;
///     let socket = UdpSocket::bind(client, ([0, 0, 0, 0], 0))?;
///     socket.connect(echo.local_addr())?;
///     socket.send(b"hello").await?;
///
///     let mut text = [0; 1500];
///     let (len, from) = echo.recv_from(&mut text).await?;
///     echo.send_to(&text[..len], from).await?;
///     assert_eq!(socket.recv(&mut text).await?, 5);
///     Ok(())
/// }
///
/// pollster::block_on(exchange(&server, &client))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UdpSocket {
    socket: udp::UdpSocket,
    /// At each shard, the place of the task that was the last to poll for receiving.
    receiver: Box<[Place]>,
    /// The place of the task that was the last to poll for sending: it waits at one shard only.
    sender: Box<[Place]>,
}

impl UdpSocket {
    /// A socket at `address` of the host `net`. It does not wait.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::bind`](super::super::UdpSocket::bind).
    pub fn bind(net: &Net, address: impl Into<SocketAddr>) -> io::Result<UdpSocket> {
        udp::UdpSocket::bind(net, address.into()).map(UdpSocket::from)
    }

    /// From now on the socket receives only from `remote`, and [`UdpSocket::send`] sends to it. Nothing is
    /// sent, and it does not wait.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::connect`](super::super::UdpSocket::connect).
    pub fn connect(&self, remote: impl Into<SocketAddr>) -> io::Result<()> {
        self.socket.connect(remote.into())
    }

    /// Sends a datagram to `remote`, as soon as the queue of the socket has room.
    ///
    /// Cancelling it sends nothing.
    ///
    /// # Errors
    /// `InvalidInput` if the datagram is too long or `remote` cannot be a peer; `ConnectionRefused` if the
    /// socket is connected and an earlier datagram found no socket at the peer; `NetworkDown` if the network
    /// has ended.
    pub async fn send_to(&self, data: &[u8], remote: impl Into<SocketAddr>) -> io::Result<usize> {
        self.send_with(data, Some(remote.into())).await
    }

    /// As [`UdpSocket::send_to`], to the address that the socket is connected to.
    ///
    /// # Errors
    /// As [`UdpSocket::send_to`]; `NotConnected` if it is connected to none.
    pub async fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.send_with(data, None).await
    }

    /// The next datagram: the number of octets copied into `buffer`, and the sender. If `buffer` is too short,
    /// the rest of the datagram is lost.
    ///
    /// Cancelling it loses no datagram: another call receives it.
    ///
    /// # Errors
    /// `ConnectionRefused` if the socket is connected and an earlier datagram found no socket at the peer;
    /// `NetworkDown` if the network has ended.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let room = buffer.len();
        let recv = |stack: &mut Stack, id| stack.udp_recv(id, buffer);
        from(room, self.recv_with(recv).await)
    }

    /// As [`UdpSocket::recv_from`], without the sender.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_from(buffer).await.map(|(len, _)| len)
    }

    /// As [`UdpSocket::recv_from`], but leaves the datagram in the queue.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let room = buffer.len();
        let peek = |stack: &mut Stack, id| stack.udp_peek(id, buffer);
        from(room, self.recv_with(peek).await)
    }

    /// As [`UdpSocket::peek_from`], without the sender.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.peek_from(buffer).await.map(|(len, _)| len)
    }

    /// Waits until a receive has an answer: a datagram, or an error. Another task may be quicker, so
    /// [`UdpSocket::try_recv_from`] may still fail with `WouldBlock`.
    ///
    /// It may be dropped at any time: it changes nothing.
    ///
    /// # Errors
    /// `NetworkDown` if the network has ended.
    pub async fn readable(&self) -> io::Result<()> {
        let waiting = AtAll::new(self.socket.runtime(), self.socket.keys());
        waiting
            .until(|places, context| self.readable_at(places, context))
            .await
    }

    /// Waits until a send has an answer: room for a datagram of any length, to any address, or an error. Another
    /// task may be quicker, so [`UdpSocket::try_send_to`] may still fail with `WouldBlock`.
    ///
    /// It may be dropped at any time: it changes nothing.
    ///
    /// # Errors
    /// `NetworkDown` if the network has ended.
    pub async fn writable(&self) -> io::Result<()> {
        for shard in self.senders() {
            let waiting = self.waiting_at(shard);
            waiting
                .until(|place, context| self.writable_at(place, context, shard))
                .await?;
        }
        Ok(())
    }

    /// As [`UdpSocket::recv_from`], without waiting.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`]; `WouldBlock` if there is no datagram.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let room = buffer.len();
        from(room, self.socket.try_recv(buffer))
    }

    /// Sends a datagram to `remote`, if the queue of the socket has room.
    ///
    /// # Errors
    /// As [`UdpSocket::send_to`]; `WouldBlock` if it has none.
    pub fn try_send_to(&self, data: &[u8], remote: impl Into<SocketAddr>) -> io::Result<usize> {
        self.socket.try_send(data, Some(remote.into()))
    }

    /// As [`UdpSocket::try_send_to`], to the address that the socket is connected to.
    ///
    /// # Errors
    /// As [`UdpSocket::send`]; `WouldBlock` if the queue has no room.
    pub fn try_send(&self, data: &[u8]) -> io::Result<usize> {
        self.socket.try_send(data, None)
    }

    /// As [`UdpSocket::readable`], for hand-written futures.
    ///
    /// # Errors
    /// As [`UdpSocket::readable`].
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.readable_at(&self.receiver, context)
    }

    /// As [`UdpSocket::writable`], for hand-written futures.
    ///
    /// # Errors
    /// As [`UdpSocket::writable`].
    pub fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        for shard in self.senders() {
            ready!(self.writable_at(&self.sender[shard], context, shard))?;
        }
        Poll::Ready(Ok(()))
    }

    /// As [`UdpSocket::send_to`], or as [`UdpSocket::send`] if `remote` is `None`, for hand-written futures.
    ///
    /// # Errors
    /// As those.
    pub fn poll_send(
        &self,
        context: &mut Context<'_>,
        data: &[u8],
        remote: Option<SocketAddr>,
    ) -> Poll<io::Result<usize>> {
        let shard = self.socket.sender(remote);
        // Another destination may belong to another shard.
        for (other, place) in self
            .sender
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != shard)
        {
            let engine = self.socket.runtime().engine(other);
            engine.leave(self.socket.keys()[other], place);
        }
        self.send_at(&self.sender[shard], context, shard, data, remote)
    }

    /// As [`UdpSocket::recv_from`], for hand-written futures.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let room = buffer.len();
        let recv = |stack: &mut Stack, id| stack.udp_recv(id, buffer);
        let received = ready!(self.recv_at(&self.receiver, context, recv));
        Poll::Ready(from(room, received))
    }

    /// The local address and port. The address is unspecified if the socket is bound to all of them.
    pub fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr()
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    /// `NotConnected` if there is none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }

    /// Joins a group: from now on the socket receives its datagrams. It does not wait.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::join_multicast_v4`](super::super::UdpSocket::join_multicast_v4).
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket.join_multicast_v4(&group, &interface)
    }

    /// As [`UdpSocket::join_multicast_v4`], for IPv6.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::join_multicast_v6`](super::super::UdpSocket::join_multicast_v6).
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket.join_multicast_v6(group, interface)
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::leave_multicast_v4`](super::super::UdpSocket::leave_multicast_v4).
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket.leave_multicast_v4(&group, &interface)
    }

    /// As [`UdpSocket::leave_multicast_v4`], for IPv6.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::leave_multicast_v6`](super::super::UdpSocket::leave_multicast_v6).
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket.leave_multicast_v6(group, interface)
    }

    /// From now on receives what `source` sends to the group, and joins the group if the socket is
    /// not in it.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::join_source`](super::super::UdpSocket::join_source).
    pub fn join_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.socket.join_source(group, source)
    }

    /// No longer receives what `source` sends to the group.
    ///
    /// # Errors
    /// As [`sockets::UdpSocket::leave_source`](super::super::UdpSocket::leave_source).
    pub fn leave_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.socket.leave_source(group, source)
    }

    /// The blocking socket, for the calls that do not wait: options, blocked senders, the largest datagram.
    pub fn get_ref(&self) -> &udp::UdpSocket {
        &self.socket
    }

    async fn send_with(&self, data: &[u8], remote: Option<SocketAddr>) -> io::Result<usize> {
        let shard = self.socket.sender(remote);
        self.waiting_at(shard)
            .until(|place, context| self.send_at(place, context, shard, data, remote))
            .await
    }

    fn waiting_at(&self, shard: usize) -> AtOne<'_> {
        AtOne {
            engine: self.socket.runtime().engine(shard),
            key: self.socket.keys()[shard],
            place: Place::default(),
        }
    }

    /// The shards that may send: all of them if there is no peer.
    fn senders(&self) -> Range<usize> {
        match self.peer_addr() {
            Ok(_) => {
                let shard = self.socket.sender(None);
                shard..shard + 1
            }
            Err(_) => 0..self.socket.ids().len(),
        }
    }

    fn readable_at(&self, places: &[Place], context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (ids, keys) = (self.socket.ids(), self.socket.keys());
        let readable =
            |shard: usize, shared: &mut Shared, _| handle::udp_readable(shared, ids[shard]);
        let (interest, waker) = (Readiness::READABLE, context.waker());
        let runtime = self.socket.runtime();
        answer(runtime.poll(keys, interest, places, waker, readable))
    }

    fn writable_at(
        &self,
        place: &Place,
        context: &mut Context<'_>,
        shard: usize,
    ) -> Poll<io::Result<()>> {
        let (engine, key) = (
            self.socket.runtime().engine(shard),
            self.socket.keys()[shard],
        );
        let id = self.socket.ids()[shard];
        let writable = |shared: &mut Shared, _| handle::udp_writable(shared, id);
        answer(engine.poll(key, Readiness::WRITABLE, place, context.waker(), writable))
    }

    async fn recv_with(
        &self,
        mut recv: impl FnMut(&mut Stack, UdpId) -> Result<Received, UdpRecvError>,
    ) -> io::Result<Received> {
        let waiting = AtAll::new(self.socket.runtime(), self.socket.keys());
        waiting
            .until(|places, context| self.recv_at(places, context, &mut recv))
            .await
    }

    fn send_at(
        &self,
        place: &Place,
        context: &mut Context<'_>,
        shard: usize,
        data: &[u8],
        remote: Option<SocketAddr>,
    ) -> Poll<io::Result<usize>> {
        let (engine, key) = (
            self.socket.runtime().engine(shard),
            self.socket.keys()[shard],
        );
        let id = self.socket.ids()[shard];
        let send = |shared: &mut Shared, _| handle::udp_send(shared, id, data, remote);
        answer(engine.poll(key, Readiness::WRITABLE, place, context.waker(), send))
    }

    fn recv_at(
        &self,
        places: &[Place],
        context: &mut Context<'_>,
        mut recv: impl FnMut(&mut Stack, UdpId) -> Result<Received, UdpRecvError>,
    ) -> Poll<io::Result<Received>> {
        let (ids, keys) = (self.socket.ids(), self.socket.keys());
        let recv =
            |shard: usize, shared: &mut Shared, _| handle::udp_recv(shared, ids[shard], &mut recv);
        let (interest, waker) = (Readiness::READABLE, context.waker());
        answer(
            self.socket
                .runtime()
                .poll(keys, interest, places, waker, recv),
        )
    }
}

/// How much of a datagram a buffer of `room` octets holds, and the sender.
fn from(room: usize, received: io::Result<Received>) -> io::Result<(usize, SocketAddr)> {
    received.map(|received| (received.len.min(room), received.remote))
}

/// The same socket. Its timeouts have no effect here.
impl From<udp::UdpSocket> for UdpSocket {
    fn from(socket: udp::UdpSocket) -> UdpSocket {
        let [receiver, sender] = [(); 2].map(|()| socket.runtime().places());
        UdpSocket {
            socket,
            receiver,
            sender,
        }
    }
}

/// The same socket, with blocking calls.
impl From<UdpSocket> for udp::UdpSocket {
    fn from(socket: UdpSocket) -> udp::UdpSocket {
        socket.socket.clone()
    }
}

impl Clone for UdpSocket {
    fn clone(&self) -> UdpSocket {
        UdpSocket::from(self.socket.clone())
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        for places in [&self.receiver, &self.sender] {
            self.socket.runtime().leave(self.socket.keys(), places);
        }
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
