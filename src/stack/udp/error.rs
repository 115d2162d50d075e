//! Why a call on a UDP socket failed, and what became of a datagram, in the user's words.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::wire::IcmpError;

/// Why a port cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BindError {
    /// Another socket has this address and port, or every port is taken.
    AddressInUse,
    /// The address is not one of this host's.
    AddressNotAvailable,
}

/// Why a socket cannot be connected to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UdpConnectError {
    /// The remote address cannot be a peer: unspecified, loopback, or port 0.
    NotAPeer,
    /// The remote address is a broadcast address, and the socket may not broadcast
    /// ([`UdpOptions::broadcast`](crate::config::UdpOptions::broadcast)).
    Broadcast,
    /// The remote address is of the other family than the socket's.
    OtherFamily,
    /// Another socket has this address and port, and is connected to this peer.
    AddressInUse,
}

/// Why a datagram was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UdpSendError {
    /// No room in the queue now: try again after a WRITABLE event.
    WouldBlock,
    /// The datagram is longer than the interface takes, and the socket does not send fragments (RFC
    /// 8085 §3.2); or it is longer than any datagram may be.
    TooLong {
        /// The most octets of text that one datagram has room for.
        most: usize,
    },
    /// No address was given, and the socket is not connected.
    NotConnected,
    /// As [`UdpConnectError::NotAPeer`].
    NotAPeer,
    /// As [`UdpConnectError::Broadcast`].
    Broadcast,
    /// As [`UdpConnectError::OtherFamily`].
    OtherFamily,
    /// The socket is connected, and an earlier datagram was not delivered. This one was not
    /// accepted.
    Undelivered(DatagramError),
}

/// Why RECEIVE returned nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UdpRecvError {
    /// Nothing is here now: try again after a READABLE event.
    WouldBlock,
    /// The socket is connected, and a datagram that it sent was not delivered.
    Undelivered(DatagramError),
}

/// An ICMP error about a datagram that a socket sent (RFC 1122 §4.1.3.3). Nothing proves that it is
/// genuine: anyone who knows both addresses and ports can forge one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatagramError {
    /// The destination of the datagram. The port of an echo request is 0.
    pub remote: SocketAddr,
    /// What became of it.
    pub reason: Undelivered,
    /// If it was an echo request: what else is known.
    pub echo: Option<EchoFailure>,
}

/// What an ICMP error says of an echo request, for who looks for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EchoFailure {
    /// The sequence number of the request.
    pub sequence: u16,
    /// Who has sent the error.
    pub offender: IpAddr,
    /// What it says, precisely.
    pub error: IcmpError,
}

/// Why a datagram was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undelivered {
    /// No socket has the remote port.
    Refused,
    /// The remote host has no UDP.
    NoProtocol,
    /// A router reports that communication with the host is prohibited.
    HostProhibited,
    /// A router reports that communication with the network is prohibited.
    NetworkProhibited,
    /// A router or the remote host reports that the host cannot be reached.
    HostUnreachable,
    /// A router reports that the network cannot be reached.
    NetworkUnreachable,
    /// It was too long for a link on the way, and may not be fragmented.
    TooLong {
        /// The longest datagram that the link takes, headers included, in octets; 0 if the router
        /// does not say.
        mtu: u32,
    },
}

impl Undelivered {
    /// Whether calls on a connected socket fail with it. Other errors may pass by themselves, and
    /// are only returned on request.
    pub(super) fn is_hard(self) -> bool {
        match self {
            Undelivered::Refused
            | Undelivered::NoProtocol
            | Undelivered::HostProhibited
            | Undelivered::NetworkProhibited => true,
            Undelivered::HostUnreachable
            | Undelivered::NetworkUnreachable
            | Undelivered::TooLong { .. } => false,
        }
    }
}

const BROADCAST: &str = "the socket may not send to all hosts of the network";
const NOT_A_PEER: &str = "the remote address cannot be a peer";
const OTHER_FAMILY: &str = "the remote address is of the other family than the socket's";

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BindError::AddressInUse => "the address and port are in use",
            BindError::AddressNotAvailable => "the address is not one of this host's",
        })
    }
}

impl fmt::Display for UdpConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UdpConnectError::NotAPeer => NOT_A_PEER,
            UdpConnectError::Broadcast => BROADCAST,
            UdpConnectError::OtherFamily => OTHER_FAMILY,
            UdpConnectError::AddressInUse => "the address and port are connected to it already",
        })
    }
}

impl fmt::Display for UdpSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UdpSendError::WouldBlock => f.write_str("no room to queue more"),
            UdpSendError::TooLong { most } => {
                write!(f, "message too long: {most} octets fit into a datagram")
            }
            UdpSendError::NotConnected => f.write_str("the socket is not connected"),
            UdpSendError::NotAPeer => f.write_str(NOT_A_PEER),
            UdpSendError::Broadcast => f.write_str(BROADCAST),
            UdpSendError::OtherFamily => f.write_str(OTHER_FAMILY),
            UdpSendError::Undelivered(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for UdpRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UdpRecvError::WouldBlock => f.write_str("nothing received yet"),
            UdpRecvError::Undelivered(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DatagramError { remote, reason, .. } = self;
        match self.echo {
            None => write!(f, "a datagram to {remote} was not delivered: {reason}"),
            Some(EchoFailure { offender, .. }) => write!(
                f,
                "an echo request to {} was not delivered: {reason}, says {offender}",
                remote.ip()
            ),
        }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undelivered::Refused => f.write_str("connection refused"),
            Undelivered::NoProtocol => f.write_str("protocol not available"),
            Undelivered::HostProhibited => f.write_str("the host may not be reached"),
            Undelivered::NetworkProhibited => f.write_str("the network may not be reached"),
            Undelivered::HostUnreachable => f.write_str("no route to host"),
            Undelivered::NetworkUnreachable => f.write_str("network is unreachable"),
            Undelivered::TooLong { mtu } => {
                write!(f, "message too long for a link with an MTU of {mtu}")
            }
        }
    }
}

impl std::error::Error for BindError {}
impl std::error::Error for UdpConnectError {}
impl std::error::Error for UdpSendError {}
impl std::error::Error for UdpRecvError {}
impl std::error::Error for DatagramError {}
