//! A socket that sends echo requests and receives the replies.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use super::blocking::Patience;
use super::datagrams::Datagrams;
use super::error;
use super::handle;
use super::net::Net;
use crate::config::UdpOptions;
use crate::driver::Shared;
use crate::stack::{Received, Stack};
use crate::time::Instant;

/// An echo socket: asks other hosts whether they are there, as `ping` does (RFC 1122 §3.2.2.6, RFC 4443 §4.1).
///
/// It is like a [`UdpSocket`](super::UdpSocket), with the same queues, limits, options and errors. But in
/// place of a port, requests have an *identifier*, which no other echo socket of the host has, and which
/// the replies repeat.
///
/// A reply may be lost, arrive twice, or be forged by an attacker who guesses the identifier. The sequence
/// number and the data show which request it answers, if any.
///
/// An ICMP error about an earlier request makes one call fail, whether the socket is connected or not. The
/// [`get_ref`](io::Error::get_ref) of the error is a [`DatagramError`](super::DatagramError), which tells
/// which request that was and who says so; only the last of several errors is kept.
///
/// Threads may send and receive at the same time, and a clone is another handle on the same socket, with the same
/// timeouts. Dropping the last handle frees the identifier; what was sent before still leaves.
///
/// ```
/// use stubborn::config::Config;
/// use stubborn::driver::memory;
/// use stubborn::sockets::{EchoSocket, Net};
///
/// let (left, right) = memory::pair(1500)?;
/// let _server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
///
/// let socket = EchoSocket::bind(&client, "192.0.2.2".parse()?, 0)?;
/// socket.send_to(1, b"are you there?", "192.0.2.1".parse()?)?;
///
/// let mut data = [0; 1500];
/// let reply = socket.recv(&mut data)?;
/// assert_eq!(reply.remote.to_string(), "192.0.2.1");
/// assert_eq!((reply.sequence, &data[..reply.len]), (1, &b"are you there?"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EchoSocket {
    inner: Arc<Datagrams>,
}

/// An echo reply that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoReply {
    /// Whom it is from.
    pub remote: IpAddr,
    /// To which of this host's addresses it was sent.
    pub local: IpAddr,
    /// The sequence number of the request that it claims to answer.
    pub sequence: u16,
    /// Octets of its data, even if the buffer has room for less: then the rest is lost.
    pub len: usize,
    /// Its TTL or hop limit, as it came.
    pub hop_limit: u8,
    /// Its traffic class: six bits of DSCP, two of ECN.
    pub traffic_class: u8,
    /// When it came, on the clock of the network.
    pub at: Instant,
}

impl EchoReply {
    pub(super) fn new(received: Received) -> EchoReply {
        EchoReply {
            remote: received.remote.ip(),
            local: received.local,
            sequence: received.sequence,
            len: received.len,
            // Whatever came had both.
            hop_limit: received.marks.hop_limit.unwrap_or_default(),
            traffic_class: received.marks.traffic_class.unwrap_or_default(),
            at: received.at,
        }
    }
}

impl EchoSocket {
    /// A socket at `address` of the host `net`; unspecified (`0.0.0.0`, `::`): at all addresses of that family. If
    /// `identifier` is 0, the stack chooses one.
    ///
    /// # Errors
    /// `AddrInUse` if another echo socket has the identifier; `AddrNotAvailable` if the host does not have the
    /// address; `NetworkDown` if the network has ended.
    pub fn bind(net: &Net, address: IpAddr, identifier: u16) -> io::Result<EchoSocket> {
        let local = SocketAddr::new(address, identifier);
        let bind = |stack: &mut Stack, local| {
            (stack.echo_bind(local)).map_err(|error| error::echo_bind(local, error))
        };
        let inner = Datagrams::bind(net.hold(), local, bind)?;
        Ok(EchoSocket {
            inner: Arc::new(inner),
        })
    }

    /// From now on the socket receives only replies of `host`, and [`EchoSocket::send`] asks it. Nothing is sent.
    /// Replies of others that wait to be received are dropped.
    ///
    /// # Errors
    /// `InvalidInput` if `host` cannot be one other host.
    pub fn connect(&self, host: IpAddr) -> io::Result<()> {
        self.inner.connect(SocketAddr::new(host, 0), host)
    }

    /// Sends a request to `host`, a group, or all hosts of the network ([`EchoSocket::set_broadcast`]). Waits
    /// while the queue of the socket is full.
    ///
    /// # Errors
    /// `WouldBlock` when the write timeout is over or, in non-blocking mode, if the queue is full;
    /// `InvalidInput` if the data is too long or `host` cannot be asked; what ICMP has said of an earlier request;
    /// `NetworkDown` if the network has ended. This request is not sent then.
    pub fn send_to(&self, sequence: u16, data: &[u8], host: IpAddr) -> io::Result<()> {
        let patience = self.inner.waits().to_write();
        self.send_within(patience, sequence, data, Some(host))
    }

    /// As [`EchoSocket::send_to`], to the host that the socket is connected to.
    ///
    /// # Errors
    /// As [`EchoSocket::send_to`]; `NotConnected` if it is connected to none.
    pub fn send(&self, sequence: u16, data: &[u8]) -> io::Result<()> {
        let patience = self.inner.waits().to_write();
        self.send_within(patience, sequence, data, None)
    }

    /// Waits for a reply, and copies its data into `buffer`, as far as that has room.
    ///
    /// # Errors
    /// `WouldBlock` when the read timeout is over or, in non-blocking mode, if no reply is there; what ICMP has said
    /// of a request; `NetworkDown` if the network has ended.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<EchoReply> {
        self.recv_within(self.inner.waits().to_read(), buffer)
    }

    /// The local address; unspecified if the socket is at all of them.
    pub fn local_addr(&self) -> IpAddr {
        self.inner.call(|stack, id| stack.udp_local_addr(id)).ip()
    }

    /// The identifier of its requests.
    pub fn identifier(&self) -> u16 {
        self.inner.call(|stack, id| stack.udp_local_addr(id)).port()
    }

    /// The host that the socket is connected to.
    ///
    /// # Errors
    /// `NotConnected` if there is none.
    pub fn peer_addr(&self) -> io::Result<IpAddr> {
        self.inner.peer_addr().map(|peer| peer.ip())
    }

    /// The most octets of data that a request has room for.
    pub fn max_data(&self) -> usize {
        self.inner.call(|stack, id| stack.udp_most(id))
    }

    /// How long a receive waits at most before it fails with `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.waits().read.set(timeout)
    }

    /// How long a send waits at most before it fails with `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.waits().write.set(timeout)
    }

    /// Whether sends and receives fail with `WouldBlock` instead of waiting.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.inner.waits().set_nonblocking(nonblocking);
    }

    /// The last error that ICMP reported about a request; it is returned once, here or by another call.
    pub fn take_error(&self) -> Option<io::Error> {
        self.inner.take_error()
    }

    /// The options in force.
    pub fn options(&self) -> UdpOptions {
        self.inner.call(|stack, id| stack.udp_options(id))
    }

    /// Replaces all its options, for what is sent and received from now on.
    ///
    /// # Errors
    /// `InvalidInput` if the hop limit is zero: then they stay as they were.
    pub fn set_options(&self, options: UdpOptions) -> io::Result<()> {
        error::check_hop_limit(options.hop_limit)?;
        self.inner.set_option(|held| *held = options);
        Ok(())
    }

    /// Sets the TTL (IPv4) or hop limit (IPv6) of requests sent from now on, except to groups.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        error::check_hop_limit(Some(ttl))?;
        self.inner
            .set_option(|options| options.hop_limit = Some(ttl));
        Ok(())
    }

    /// Whether requests that exceed the MTU are sent in fragments, with up to 65,507 octets of data over IPv4
    /// and 65,527 over IPv6 ([`UdpOptions::fragments`]).
    pub fn set_fragments(&self, fragments: bool) {
        self.inner
            .set_option(|options| options.fragments = fragments);
    }

    /// Whether all hosts of the network may be asked ([`UdpOptions::broadcast`]).
    pub fn set_broadcast(&self, broadcast: bool) {
        self.inner
            .set_option(|options| options.broadcast = broadcast);
    }

    /// As [`EchoSocket::send_to`], without waiting; as [`EchoSocket::send`] if `host` is `None`.
    pub(super) fn try_send(
        &self,
        sequence: u16,
        data: &[u8],
        host: Option<IpAddr>,
    ) -> io::Result<()> {
        self.send_within(Patience::None, sequence, data, host)
    }

    /// As [`EchoSocket::recv`], without waiting.
    pub(super) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<EchoReply> {
        self.recv_within(Patience::None, buffer)
    }

    fn send_within(
        &self,
        patience: Patience,
        sequence: u16,
        data: &[u8],
        host: Option<IpAddr>,
    ) -> io::Result<()> {
        let send = |shared: &mut Shared, id| handle::echo_send(shared, id, sequence, data, host);
        let remote = host.map(|host| SocketAddr::new(host, 0));
        self.inner.send(patience, remote, send)
    }

    fn recv_within(&self, patience: Patience, buffer: &mut [u8]) -> io::Result<EchoReply> {
        let recv = |stack: &mut Stack, id| stack.udp_recv(id, buffer);
        self.inner.recv(patience, recv).map(EchoReply::new)
    }

    /// The sockets of the stack.
    pub(super) fn datagrams(&self) -> &Datagrams {
        &self.inner
    }
}

impl fmt::Debug for EchoSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EchoSocket")
            .field("local", &self.local_addr())
            .field("identifier", &self.identifier())
            .field("peer", &self.peer_addr().ok())
            .finish_non_exhaustive()
    }
}
