//! Ping sockets (icmp(7)): `SOCK_DGRAM` with `IPPROTO_ICMP` or `IPPROTO_ICMPV6` sends echo requests and receives the
//! replies, both with their ICMP header. The port of the socket's address is the identifier. Whatever differs from
//! UDP is here, as Linux 6.18 does it.
//!
//! There are no extended echo requests (RFC 8335).

use core::net::{IpAddr, SocketAddr};

use super::Calls;
use super::address::Family;
use super::ancillary::OneSend;
use super::errno::Errno;
use super::linux::{
    ICMP_DEST_UNREACH, ICMP_ECHO, ICMP_PARAMETERPROB, ICMPV6_DEST_UNREACH, ICMPV6_ECHO_REQUEST,
    ICMPV6_PARAMPROB, MSG_MORE, MSG_OOB, MSG_PEEK,
};
use super::send::unsent;
use super::table::{Fd, Kind};
use crate::stack::{BindError, IcmpReport, Received, UdpId, UdpRecvError, UdpSendError};

/// The ICMP header of an echo request or reply.
const HEADER: usize = 8;

/// The longest message that a send takes, header included, whatever the length that fits.
const LONGEST: usize = 0xffff;

/// The sequence number in a message to be sent. The identifier and the checksum in its header do not count.
fn sequence(message: &[u8], family: Family) -> Result<u16, Errno> {
    let request = match family {
        Family::Inet => ICMP_ECHO,
        Family::Inet6 => ICMPV6_ECHO_REQUEST,
    };
    match message {
        [kind, 0, _, _, _, _, high, low, ..] if i32::from(*kind) == request => {
            Ok(u16::from_be_bytes([*high, *low]))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Whether an ICMP error makes a call on a connected socket fail: one that is likely to last, and over IPv4 one about
/// the length, if the socket is to be told of such (`IP_MTU_DISCOVER`).
pub(super) fn is_fatal(report: &IcmpReport, tells_too_long: bool) -> bool {
    match (report.remote.is_ipv4(), report.kind.into(), report.code) {
        (true, ICMP_DEST_UNREACH, 4) => tells_too_long,
        (true, ICMP_DEST_UNREACH, code) => matches!(code, 2 | 3 | 6..=10 | 13..=15),
        (true, kind, _) => kind == ICMP_PARAMETERPROB,
        (false, ICMPV6_DEST_UNREACH, code) => matches!(code, 1 | 4..=7),
        (false, kind, _) => kind == ICMPV6_PARAMPROB,
    }
}

impl Calls<'_> {
    /// Binds a ping socket: from now on it receives.
    pub(super) fn bind_echo(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        let identifier = address.port();
        let shares = self.datagram(fd)?.settings.reuse_address;
        // Both families have the same identifiers.
        let is_taken = identifier != 0
            && self.table.iter().any(|(other, known)| match &known.kind {
                Kind::Datagram(it) if it.is_echo && other != fd => {
                    let is_same = it.bound.is_some_and(|bound| bound.port() == identifier);
                    is_same && !(shares && it.settings.reuse_address)
                }
                _ => false,
            });
        if is_taken {
            return Err(Errno::EADDRINUSE);
        }
        let bound = self.stack.echo_bind_shared(address);
        let id = bound.map_err(|error| match error {
            BindError::AddressInUse => Errno::EADDRINUSE,
            BindError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
        })?;
        self.table.own_udp(id, fd);
        self.stack.watch_icmp();
        let bound = self.stack.udp_local_addr(id);
        let socket = self.datagram_mut(fd)?;
        (socket.bound, socket.ids) = (Some(bound), vec![id]);
        self.apply_datagram(fd)
    }

    /// The stack's socket of a ping socket that has an identifier.
    fn echo_id(&self, fd: Fd) -> Result<UdpId, Errno> {
        self.datagram(fd)?.ids.first().copied().ok_or(Errno::EINVAL)
    }

    /// Makes `peer` the host that is asked; the socket still hears the replies of every host.
    pub(super) fn connect_echo(&mut self, fd: Fd, peer: SocketAddr) -> Result<(), Errno> {
        self.need_address(fd)?;
        let family = self.datagram(fd)?.family;
        let remote = match (family, peer) {
            (Family::Inet6, SocketAddr::V4(_)) => return Err(Errno::EAFNOSUPPORT),
            _ => family.inward(peer)?,
        };
        let id = self.echo_id(fd)?;
        let source = self.stack.echo_source(id, remote.ip()).map_err(unsent)?;
        let moved = self.stack.echo_move(id, source);
        moved.map_err(|_| Errno::EADDRNOTAVAIL)?;
        let bound = self.stack.udp_local_addr(id);
        let socket = self.datagram_mut(fd)?;
        (socket.bound, socket.peer) = (Some(bound), Some(peer));
        Ok(())
    }

    /// The socket no longer has a peer. It is where bind has bound it; otherwise it has no identifier any more.
    pub(super) fn disconnect_echo(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.datagram_mut(fd)?;
        if socket.peer.take().is_none() {
            return Ok(());
        }
        socket.bound = socket.bound_by_user;
        let bound = socket.bound;
        let id = self.echo_id(fd)?;
        if let Some(bound) = bound {
            let moved = self.stack.echo_move(id, bound.ip());
            return moved.map_err(|_| Errno::EADDRNOTAVAIL);
        }
        self.datagram_mut(fd)?.ids.clear();
        self.table.forget_udp(id);
        self.stack.udp_close(id);
        Ok(())
    }

    /// Sends a message with its ICMP header.
    pub(super) fn send_echo(
        &mut self,
        fd: Fd,
        data: &[u8],
        flags: i32,
        to: Option<SocketAddr>,
        once: OneSend,
    ) -> Result<usize, Errno> {
        let family = self.datagram(fd)?.family;
        if data.len() > LONGEST {
            return Err(Errno::EMSGSIZE);
        }
        if data.len() < HEADER {
            return Err(Errno::EINVAL);
        }
        if flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let sequence = sequence(data, family)?;
        let remote = self.whom_to_ask(fd, to)?;
        self.need_address(fd)?;
        let id = self.echo_id(fd)?;
        self.stack.echo_source(id, remote).map_err(unsent)?;
        let socket = self.datagram_mut(fd)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        if socket.write_shut {
            return Err(Errno::EPIPE);
        }
        let body = &data[HEADER..];
        let sent =
            (self.stack).echo_send_from(id, sequence, body, Some(remote), once.marks, once.source);
        if let Err(UdpSendError::TooLong { most }) = sent {
            self.tell_too_long(fd, SocketAddr::new(remote, 0), most);
        }
        sent.map_err(unsent)?;
        // It leaves at once even if more is announced.
        self.note_datagram(fd, flags & !MSG_MORE, once);
        Ok(data.len())
    }

    /// The host that a send asks: `to`, or the peer.
    fn whom_to_ask(&self, fd: Fd, to: Option<SocketAddr>) -> Result<IpAddr, Errno> {
        let socket = self.datagram(fd)?;
        let to = match (socket.family, to) {
            (_, None) => socket.peer.ok_or(Errno::EDESTADDRREQ)?,
            (Family::Inet6, Some(SocketAddr::V4(_))) => return Err(Errno::EAFNOSUPPORT),
            (Family::Inet6, Some(SocketAddr::V6(to))) if to.ip().to_ipv4_mapped().is_some() => {
                return Err(Errno::EINVAL);
            }
            (Family::Inet6, Some(to)) => to,
            (Family::Inet, Some(to)) => self.reached_by(fd, to),
        };
        Ok(socket.family.inward(to)?.ip())
    }

    /// Receives the next reply with its ICMP header, as much as `buffer` has room for. The length that is returned is
    /// that of the whole.
    pub(super) fn receive_echo(
        &mut self,
        id: UdpId,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<Received, UdpRecvError> {
        let mut data = vec![0; self.stack.udp_waiting(id).unwrap_or(0)];
        let reply = match flags & MSG_PEEK != 0 {
            true => self.stack.udp_peek(id, &mut data)?,
            false => self.stack.udp_recv(id, &mut data)?,
        };
        let identifier = self.stack.udp_local_addr(id).port();
        let message = reply.echo_message(identifier, &data);
        let len = message.len().min(buffer.len());
        buffer[..len].copy_from_slice(&message[..len]);
        Ok(Received {
            len: message.len(),
            ..reply
        })
    }
}
