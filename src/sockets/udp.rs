//! A socket that sends and receives datagrams.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;

use super::addresses::first;
use super::blocking::Patience;
use super::datagrams::Datagrams;
use super::error;
use super::handle;
use super::net::Net;
use crate::config::UdpOptions;
use crate::driver::{Key, Runtime, Shared};
use crate::stack::{Received, SourceChange, Stack, UdpId, UdpRecvError};

/// A UDP socket. Datagrams may be lost, duplicated or reordered: see [`link`](crate::link) for what can be
/// built on that.
///
/// Threads may send and receive at the same time, and a clone is another handle on the same socket,
/// with the same timeouts. Dropping the last handle frees the port; datagrams sent before that still
/// go out.
///
/// A datagram is sent in one packet, unless [`UdpSocket::set_fragments`] allows fragments. One that exceeds
/// the MTU (with an MTU of 1,500: more than 1,472 octets of text over IPv4, or 1,452 over IPv6) is refused
/// with an error of the kind `InvalidInput` whose [`get_ref`](io::Error::get_ref) is a
/// [`UdpSendError::TooLong`](crate::stack::UdpSendError::TooLong).
///
/// A broadcast datagram (to 255.255.255.255 or one of
/// [`Config::broadcasts`](crate::config::Config::broadcasts)) is received by every socket of the port that
/// is bound to that address or to none; [`UdpSocket::set_broadcast`] allows sending one. A datagram to a
/// group is received by the sockets that have joined it ([`UdpSocket::join_multicast_v4`]); any socket may
/// send to a group.
///
/// ```
/// use stubborn::config::Config;
/// use stubborn::driver::memory;
/// use stubborn::sockets::{Net, UdpSocket};
///
/// let (left, right) = memory::pair(1500)?;
/// let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
///
/// let echo = UdpSocket::bind(&server, "192.0.2.1:7")?;
/// let socket = UdpSocket::bind(&client, "0.0.0.0:0")?;
/// socket.connect("192.0.2.1:7")?;
/// socket.send(b"hello")?;
///
/// let mut text = [0; 1500];
/// let (len, from) = echo.recv_from(&mut text)?;
/// echo.send_to(&text[..len], from)?;
/// assert_eq!(socket.recv(&mut text)?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct UdpSocket {
    inner: Arc<Datagrams>,
}

impl UdpSocket {
    /// A socket at `address` of the host `net`. If it yields several addresses, they are tried in order until
    /// one succeeds. If the port is 0, the stack chooses one; if the address is unspecified (`0.0.0.0`, `::`),
    /// the socket receives on all addresses of that family.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`; `NetworkDown` if the network has ended.
    pub fn bind(net: &Net, address: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let bind = |stack: &mut Stack, local| {
            (stack.udp_bind(local)).map_err(|error| error::bind(local, error))
        };
        let inner = first(address, |local| Datagrams::bind(net.hold(), local, bind))?;
        Ok(UdpSocket {
            inner: Arc::new(inner),
        })
    }

    /// From now on the socket receives only from `address`, [`UdpSocket::send`] sends to it, and calls
    /// fail when ICMP reports that no socket is there. Nothing is sent. Datagrams from other addresses
    /// that wait to be received are dropped.
    ///
    /// # Errors
    /// `InvalidInput` if `address` cannot be a peer; `AddrInUse` if another socket has the same
    /// address, port and peer.
    pub fn connect(&self, address: impl ToSocketAddrs) -> io::Result<()> {
        first(address, |remote| self.inner.connect(remote, remote))
    }

    /// Sends a datagram to `address`, or to the first if it yields several. Waits while the
    /// queue of the socket is full.
    ///
    /// # Errors
    /// `WouldBlock` when the write timeout is over or, in non-blocking mode, if the queue is full;
    /// `InvalidInput` if the datagram is too long or `address` cannot be a peer;
    /// `ConnectionRefused` if the socket is connected and an earlier datagram found no socket at the peer;
    /// `NetworkDown` if the network has ended.
    pub fn send_to(&self, data: &[u8], address: impl ToSocketAddrs) -> io::Result<usize> {
        let none = || io::Error::new(io::ErrorKind::InvalidInput, "no address was given");
        let remote = address.to_socket_addrs()?.next().ok_or_else(none)?;
        self.send_with(data, Some(remote))
    }

    /// As [`UdpSocket::send_to`], to the address that the socket is connected to.
    ///
    /// # Errors
    /// As [`UdpSocket::send_to`]; `NotConnected` if it is connected to none.
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.send_with(data, None)
    }

    /// Waits for a datagram. Returns the number of octets copied into `buffer`, and the sender.
    /// If `buffer` is too short, the rest of the datagram is lost.
    ///
    /// # Errors
    /// `WouldBlock` when the read timeout is over or, in non-blocking mode, if no datagram is there;
    /// `ConnectionRefused` if the socket is connected and an earlier datagram found no socket at the peer;
    /// `NetworkDown` if the network has ended.
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let room = buffer.len();
        let received = self.recv_with(|stack, id| stack.udp_recv(id, buffer))?;
        Ok((received.len.min(room), received.remote))
    }

    /// As [`UdpSocket::recv_from`], but also returns the full length of the datagram, even if `buffer` is
    /// shorter, and the address of this host to which it was sent.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub fn recv_datagram(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.recv_with(|stack, id| stack.udp_recv(id, buffer))
    }

    /// As [`UdpSocket::recv_from`], without the sender.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_from(buffer).map(|(len, _)| len)
    }

    /// As [`UdpSocket::recv_from`], but leaves the datagram in the queue.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let room = buffer.len();
        let received = self.recv_with(|stack, id| stack.udp_peek(id, buffer))?;
        Ok((received.len.min(room), received.remote))
    }

    /// As [`UdpSocket::peek_from`], without the sender.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.peek_from(buffer).map(|(len, _)| len)
    }

    /// The local address and port. The address is unspecified if the socket is bound to all of them.
    pub fn local_addr(&self) -> SocketAddr {
        self.inner.call(|stack, id| stack.udp_local_addr(id))
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    /// `NotConnected` if there is none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }

    /// The most octets of text that can be sent in one datagram.
    pub fn max_datagram(&self) -> usize {
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

    /// The last error that ICMP reported about a datagram of this socket; it is returned once. Its
    /// [`get_ref`](io::Error::get_ref) is a [`DatagramError`](crate::stack::DatagramError), which has the
    /// destination of the datagram.
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

    /// Sets the TTL (IPv4) or hop limit (IPv6) of datagrams sent from now on.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        error::check_hop_limit(Some(ttl))?;
        self.inner
            .set_option(|options| options.hop_limit = Some(ttl));
        Ok(())
    }

    /// Sets the traffic class of datagrams sent from now on: six bits of DSCP, two of ECN.
    pub fn set_traffic_class(&self, traffic_class: u8) {
        self.inner
            .set_option(|options| options.traffic_class = traffic_class);
    }

    /// Whether datagrams that exceed the MTU are sent in fragments, up to 65,507 octets of
    /// text over IPv4 and 65,527 over IPv6 ([`UdpOptions::fragments`]).
    pub fn set_fragments(&self, fragments: bool) {
        self.inner
            .set_option(|options| options.fragments = fragments);
    }

    /// Whether datagrams may be sent to all hosts of the network ([`UdpOptions::broadcast`]).
    pub fn set_broadcast(&self, broadcast: bool) {
        self.inner
            .set_option(|options| options.broadcast = broadcast);
    }

    /// Whether datagrams may be sent to all hosts of the network.
    pub fn broadcast(&self) -> bool {
        self.options().broadcast
    }

    /// Joins a group: from now on the socket receives its datagrams. `interface` is an address of this
    /// host, or unspecified: there is one interface.
    ///
    /// # Errors
    /// `InvalidInput` if `group` is not a group address, is of another family than the socket, or
    /// requires a sender ([`UdpSocket::join_source`]); `AddrInUse` if the socket is already in it;
    /// `AddrNotAvailable` if `interface` is not an address of this host; `QuotaExceeded` if
    /// [`Config::max_groups`](crate::config::Config::max_groups) groups are joined already.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.check_interface(*interface)?;
        self.join((*group).into())
    }

    /// As [`UdpSocket::join_multicast_v4`], for IPv6. `interface` is 1, the index of the only
    /// interface, or 0 for any.
    ///
    /// # Errors
    /// As [`UdpSocket::join_multicast_v4`].
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        check_index(interface)?;
        self.join((*group).into())
    }

    /// Leaves a group. `interface`: as for [`UdpSocket::join_multicast_v4`].
    ///
    /// # Errors
    /// `InvalidInput` if `group` is not a group address; `AddrNotAvailable` if the socket is not
    /// in it, or `interface` is not an address of this host.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.check_interface(*interface)?;
        self.leave((*group).into())
    }

    /// As [`UdpSocket::leave_multicast_v4`], for IPv6. `interface`: as for
    /// [`UdpSocket::join_multicast_v6`].
    ///
    /// # Errors
    /// As [`UdpSocket::leave_multicast_v4`].
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        check_index(interface)?;
        self.leave((*group).into())
    }

    /// From now on receives what `source` sends to the group, and joins the group if the socket is not in
    /// it. A socket that received from all senders now receives from this one only. Groups in 232.0.0.0/8
    /// and ff3x::/32 can be joined only in this way (RFC 4607).
    ///
    /// # Errors
    /// As [`UdpSocket::join_multicast_v4`]. `InvalidInput` if `source` is of another family or
    /// cannot be a sender, or if the socket blocks senders of the group; `AddrInUse` if it already receives
    /// from this one; `QuotaExceeded` if it already names
    /// [`Filter::MOST_SOURCES`](crate::stack::Filter::MOST_SOURCES) senders.
    pub fn join_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.change_source(group, SourceChange::Join(source))
    }

    /// No longer receives what `source` sends to the group. Without any sender left, the socket leaves the
    /// group.
    ///
    /// # Errors
    /// `AddrNotAvailable` if it did not receive from this sender by name; `InvalidInput` if it blocks senders.
    pub fn leave_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.change_source(group, SourceChange::Leave(source))
    }

    /// Blocks one sender of a group that the socket has joined; it still receives from all others.
    ///
    /// # Errors
    /// `AddrNotAvailable` if the socket is not in the group; `InvalidInput` if the socket names
    /// the senders that it receives from, or `source` cannot be one; `AddrInUse` if it is blocked already;
    /// `QuotaExceeded` as for [`UdpSocket::join_source`].
    pub fn block_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.change_source(group, SourceChange::Block(source))
    }

    /// Unblocks a sender of a group.
    ///
    /// # Errors
    /// `AddrNotAvailable` if it is not blocked, or the socket is not in the group; `InvalidInput`
    /// if it names the senders that it receives from.
    pub fn unblock_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.change_source(group, SourceChange::Unblock(source))
    }

    /// Sets the TTL (IPv4) or hop limit (IPv6) of datagrams to groups ([`UdpOptions::multicast_hop_limit`]).
    pub fn set_multicast_ttl(&self, ttl: u8) {
        self.inner
            .set_option(|options| options.multicast_hop_limit = ttl);
    }

    /// Whether what is sent to groups comes back to sockets of this host that are in them
    /// ([`UdpOptions::multicast_loop`]).
    pub fn set_multicast_loop(&self, comes_back: bool) {
        self.inner
            .set_option(|options| options.multicast_loop = comes_back);
    }

    fn join(&self, group: IpAddr) -> io::Result<()> {
        self.inner
            .at_each(|stack, id| stack.udp_join(id, group))
            .map_err(|error| error::group(group, error))
    }

    fn change_source(&self, group: IpAddr, change: SourceChange) -> io::Result<()> {
        self.inner
            .at_each(|stack, id| stack.udp_change_source(id, group, change))
            .map_err(|error| error::group(group, error))
    }

    fn leave(&self, group: IpAddr) -> io::Result<()> {
        self.inner
            .at_each(|stack, id| stack.udp_leave(id, group))
            .map_err(|error| error::group(group, error))
    }

    fn check_interface(&self, interface: Ipv4Addr) -> io::Result<()> {
        let is_own = self
            .inner
            .call(|stack, _| stack.addresses().contains(&interface.into()));
        match is_own || interface.is_unspecified() {
            true => Ok(()),
            false => Err(error::no_interface(interface)),
        }
    }

    fn send_with(&self, data: &[u8], remote: Option<SocketAddr>) -> io::Result<usize> {
        self.send_within(self.inner.waits().to_write(), data, remote)
    }

    /// As [`UdpSocket::send_to`], without waiting; as [`UdpSocket::send`] if `remote` is `None`.
    pub(super) fn try_send(&self, data: &[u8], remote: Option<SocketAddr>) -> io::Result<usize> {
        self.send_within(Patience::None, data, remote)
    }

    fn send_within(
        &self,
        patience: Patience,
        data: &[u8],
        remote: Option<SocketAddr>,
    ) -> io::Result<usize> {
        let attempt = |shared: &mut Shared, id| handle::udp_send(shared, id, data, remote);
        self.inner.send(patience, remote, attempt)
    }

    fn recv_with(
        &self,
        recv: impl FnMut(&mut Stack, UdpId) -> Result<Received, UdpRecvError>,
    ) -> io::Result<Received> {
        self.inner.recv(self.inner.waits().to_read(), recv)
    }

    /// As [`UdpSocket::recv_datagram`], without waiting.
    pub(super) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let recv = |stack: &mut Stack, id| stack.udp_recv(id, buffer);
        self.inner.recv(Patience::None, recv)
    }

    pub(super) fn runtime(&self) -> &Runtime {
        self.inner.runtime()
    }

    /// The socket at each shard.
    pub(super) fn ids(&self) -> &[UdpId] {
        self.inner.ids()
    }

    /// What is waited for at each.
    pub(super) fn keys(&self) -> &[Key] {
        self.inner.keys()
    }

    /// The shard that sends to `remote`, or to the address that the socket is connected to.
    pub(super) fn sender(&self, remote: Option<SocketAddr>) -> usize {
        self.inner.sender(remote)
    }
}

/// Checks that `interface` is the index of the only interface, or 0.
fn check_index(interface: u32) -> io::Result<()> {
    match interface {
        0 | 1 => Ok(()),
        _ => Err(error::no_interface(interface)),
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket")
            .field("local", &self.local_addr())
            .field("peer", &self.peer_addr().ok())
            .finish_non_exhaustive()
    }
}
