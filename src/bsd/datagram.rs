//! A UDP socket. One of `AF_INET6` at the unspecified address hears both families, so it has a
//! socket of the stack for each.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use super::address::Family;
use super::errno::Errno;
use super::notices::Notices;
use super::settings::SocketSettings;
use crate::config::UdpOptions;
use crate::stack::{Filter, UdpId, Undelivered};

/// One UDP socket.
#[derive(Clone, Debug)]
pub(super) struct DatagramSocket {
    pub(super) family: Family,
    pub(super) settings: SocketSettings,
    pub(super) options: UdpOptions,
    /// Where it is, as its family writes addresses.
    pub(super) bound: Option<SocketAddr>,
    /// Where bind has put it, if not a first send has, or connect.
    pub(super) bound_by_user: Option<SocketAddr>,
    /// The peer it is connected to, as its family writes addresses.
    pub(super) peer: Option<SocketAddr>,
    /// The groups that it has joined, and from whom it hears them.
    pub(super) groups: BTreeMap<IpAddr, Filter>,
    /// The sockets of the stack, once it has an address.
    pub(super) ids: Vec<UdpId>,
    /// What `MSG_MORE` has left for the next send, if anything, were it empty; and where to.
    pub(super) held: Option<Vec<u8>>,
    pub(super) held_for: Option<SocketAddr>,
    /// What its queue of errors has to tell.
    pub(super) notices: Notices,
    /// What the next call fails for, if it asks for errors (`IP_RECVERR`).
    pub(super) error: Option<Errno>,
    pub(super) read_shut: bool,
    pub(super) write_shut: bool,
}

impl DatagramSocket {
    /// A socket without an address. As on Linux, what is too long for the path goes in fragments, and is told
    /// (`IP_PMTUDISC_WANT`), and every group that the host is in is heard (`IP_MULTICAST_ALL`).
    pub(super) fn new(family: Family, options: UdpOptions) -> DatagramSocket {
        DatagramSocket {
            family,
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
}

/// The `errno` of what became of a datagram.
pub(super) fn errno(reason: Undelivered) -> Errno {
    match reason {
        Undelivered::Refused => Errno::ECONNREFUSED,
        Undelivered::NoProtocol => Errno::ENOPROTOOPT,
        Undelivered::HostProhibited | Undelivered::HostUnreachable => Errno::EHOSTUNREACH,
        Undelivered::NetworkProhibited | Undelivered::NetworkUnreachable => Errno::ENETUNREACH,
        Undelivered::TooLong { .. } => Errno::EMSGSIZE,
    }
}
