//! A UDP socket, or a ping socket, which is its like (`echo`). An `AF_INET6` socket of UDP at the unspecified address
//! receives both families, so it has a socket of the stack for each.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use super::address::Family;
use super::errno::Errno;
use super::linux::{IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP};
use super::notices::Notices;
use super::settings::SocketSettings;
use crate::config::UdpOptions;
use crate::stack::{Filter, UdpId, Undelivered};

/// One UDP or ping socket.
#[derive(Clone, Debug)]
pub(super) struct DatagramSocket {
    pub(super) family: Family,
    /// It is a ping socket.
    pub(super) is_echo: bool,
    pub(super) settings: SocketSettings,
    pub(super) options: UdpOptions,
    /// Where it is bound, in its family's form.
    pub(super) bound: Option<SocketAddr>,
    /// Where bind has bound it; not set if a first send or connect has bound it.
    pub(super) bound_by_user: Option<SocketAddr>,
    /// The peer it is connected to, in its family's form.
    pub(super) peer: Option<SocketAddr>,
    /// The groups that it has joined, each with a filter for senders.
    pub(super) groups: BTreeMap<IpAddr, Filter>,
    /// The sockets of the stack, once it has an address.
    pub(super) ids: Vec<UdpId>,
    /// What `MSG_MORE` has left for the next send, and its destination. `None`: nothing, not even
    /// an empty send.
    pub(super) held: Option<Vec<u8>>,
    pub(super) held_for: Option<SocketAddr>,
    /// The contents of its error queue.
    pub(super) notices: Notices,
    /// The error of the next call, if the socket asks for errors (`IP_RECVERR`).
    pub(super) error: Option<Errno>,
    pub(super) read_shut: bool,
    pub(super) write_shut: bool,
}

impl DatagramSocket {
    /// A socket without an address. As on Linux, datagrams too long for the path go in fragments, and path
    /// MTU discovery reports them (`IP_PMTUDISC_WANT`); the socket receives every group that the host has
    /// joined (`IP_MULTICAST_ALL`).
    pub(super) fn new(family: Family, options: UdpOptions) -> DatagramSocket {
        DatagramSocket {
            family,
            is_echo: false,
            settings: SocketSettings::default(),
            options: UdpOptions {
                fragments: true,
                path_mtu: true,
                tells_too_long: true,
                ..options
            },
            bound: None,
            bound_by_user: None,
            peer: None,
            groups: BTreeMap::new(),
            ids: Vec::new(),
            held: None,
            held_for: None,
            notices: Notices::default(),
            error: None,
            read_shut: false,
            write_shut: false,
        }
    }

    /// A ping socket without an identifier. As on Linux, it may share one from the start, and has one family. What
    /// ICMP says of its requests comes to it by [`Stack::poll_icmp`](crate::stack::Stack::poll_icmp) alone.
    pub(super) fn echo(family: Family, options: UdpOptions) -> DatagramSocket {
        let mut socket = DatagramSocket::new(family, options);
        socket.is_echo = true;
        socket.settings.reuse_address = true;
        socket.settings.v6only = family == Family::Inet6;
        socket.options.fails_calls = false;
        socket
    }

    /// `IPPROTO_…`.
    pub(super) fn protocol(&self) -> i32 {
        match (self.is_echo, self.family) {
            (false, _) => IPPROTO_UDP,
            (true, Family::Inet) => IPPROTO_ICMP,
            (true, Family::Inet6) => IPPROTO_ICMPV6,
        }
    }
}

/// The `errno` for a datagram that was not delivered.
pub(super) fn errno(reason: Undelivered) -> Errno {
    match reason {
        Undelivered::Refused => Errno::ECONNREFUSED,
        Undelivered::NoProtocol => Errno::ENOPROTOOPT,
        Undelivered::HostProhibited | Undelivered::HostUnreachable => Errno::EHOSTUNREACH,
        Undelivered::NetworkProhibited | Undelivered::NetworkUnreachable => Errno::ENETUNREACH,
        Undelivered::TooLong { .. } => Errno::EMSGSIZE,
    }
}
