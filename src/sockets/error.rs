//! Turns errors of the stack into [`io::Error`](std::io::Error).

use core::fmt::Display;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io::{Error, ErrorKind};

use crate::driver::{Closed, WaitError};
use crate::stack::{
    BindError, ConnectError, DatagramError, GroupError, ListenError, UdpConnectError, UdpRecvError,
    UdpSendError, Undelivered,
};
use crate::tcp::{ConnectionError, RecvError, SendError};

pub(super) fn closed(reason: Closed) -> Error {
    let kind = match reason {
        Closed::Device | Closed::Shutdown => ErrorKind::NetworkDown,
        Closed::Listener => ErrorKind::NotConnected,
        Closed::Panicked => ErrorKind::Other,
    };
    Error::new(kind, reason.to_string())
}

/// `elapsed`: the error when the time is over.
pub(super) fn wait(error: WaitError, elapsed: impl FnOnce() -> Error) -> Error {
    match error {
        WaitError::TimedOut => elapsed(),
        WaitError::Closed(reason) => closed(reason),
    }
}

/// The error that other systems give when a read or write timeout is over, or a non-blocking
/// call has nothing to do.
pub(super) fn would_block() -> Error {
    ErrorKind::WouldBlock.into()
}

pub(super) fn connection(error: ConnectionError) -> Error {
    let kind = match error {
        ConnectionError::Refused | ConnectionError::Withdrawn => ErrorKind::ConnectionRefused,
        ConnectionError::Reset => ErrorKind::ConnectionReset,
        ConnectionError::TimedOut => ErrorKind::TimedOut,
        ConnectionError::ProtocolUnreachable => ErrorKind::Unsupported,
        ConnectionError::Prohibited => ErrorKind::PermissionDenied,
        ConnectionError::HeaderRefused => ErrorKind::InvalidData,
        ConnectionError::HostUnreachable
        | ConnectionError::SourceRouteFailed
        | ConnectionError::HostUnknown
        | ConnectionError::SourceIsolated => ErrorKind::HostUnreachable,
        ConnectionError::NetworkUnreachable => ErrorKind::NetworkUnreachable,
        ConnectionError::Aborted => ErrorKind::ConnectionAborted,
    };
    Error::new(kind, error)
}

pub(super) fn send(error: SendError) -> Error {
    match error {
        SendError::WouldBlock => would_block(),
        SendError::Closing => Error::new(ErrorKind::BrokenPipe, error),
        SendError::Connection(error) => connection(error),
    }
}

pub(super) fn receive(error: RecvError) -> Error {
    match error {
        RecvError::WouldBlock => would_block(),
        RecvError::Lent => Error::new(ErrorKind::ResourceBusy, error),
        RecvError::Connection(error) => connection(error),
    }
}

pub(super) fn listen(local: SocketAddr, error: ListenError) -> Error {
    match error {
        ListenError::AddressInUse => Error::new(
            ErrorKind::AddrInUse,
            format!("another socket already listens on {local}"),
        ),
        ListenError::AddressNotAvailable => Error::new(
            ErrorKind::AddrNotAvailable,
            format!("{} is not an address of this host", local.ip()),
        ),
        ListenError::Config(error) => Error::new(ErrorKind::InvalidInput, error),
    }
}

pub(super) fn connect(local: Option<SocketAddr>, remote: SocketAddr, error: ConnectError) -> Error {
    let (kind, message) = match (error, local) {
        (ConnectError::AddressInUse, Some(local)) => (
            ErrorKind::AddrInUse,
            format!("{local} is in use, alone or with {remote}"),
        ),
        (ConnectError::AddressInUse, None) => (
            ErrorKind::AddrInUse,
            format!("the connection to {remote} exists already"),
        ),
        (ConnectError::AddressNotAvailable, Some(local)) => (
            ErrorKind::AddrNotAvailable,
            format!("{} is not an address of this host", local.ip()),
        ),
        (ConnectError::AddressNotAvailable, None) => (
            ErrorKind::AddrNotAvailable,
            format!("no local port is left for {remote}"),
        ),
        (ConnectError::FamilyNotConfigured, _) => (
            ErrorKind::NetworkUnreachable,
            format!("this host has no IPv{} address", family(remote)),
        ),
        (ConnectError::NotAPeer, _) => (
            ErrorKind::InvalidInput,
            format!("{remote} cannot be connected to"),
        ),
        (ConnectError::TooManyConnections, _) => (
            ErrorKind::QuotaExceeded,
            "this host has too many connections".to_owned(),
        ),
        (ConnectError::Config(error), _) => (ErrorKind::InvalidInput, error.to_string()),
    };
    Error::new(kind, message)
}

pub(super) fn bind(local: SocketAddr, error: BindError) -> Error {
    match error {
        BindError::AddressInUse => {
            Error::new(ErrorKind::AddrInUse, format!("{local} is in use already"))
        }
        BindError::AddressNotAvailable => Error::new(
            ErrorKind::AddrNotAvailable,
            format!("{} is not an address of this host", local.ip()),
        ),
    }
}

pub(super) fn echo_bind(local: SocketAddr, error: BindError) -> Error {
    match error {
        BindError::AddressInUse if local.port() == 0 => {
            Error::new(ErrorKind::AddrInUse, "no identifier is left")
        }
        BindError::AddressInUse => Error::new(
            ErrorKind::AddrInUse,
            format!("the identifier {} is in use already", local.port()),
        ),
        BindError::AddressNotAvailable => bind(local, error),
    }
}

pub(super) fn group(group: IpAddr, error: GroupError) -> Error {
    let kind = match error {
        GroupError::NotAGroup
        | GroupError::NotASource
        | GroupError::OtherFamily
        | GroupError::OtherMode
        | GroupError::NeedsSource => ErrorKind::InvalidInput,
        GroupError::AlreadyJoined | GroupError::AlreadyBlocked => ErrorKind::AddrInUse,
        GroupError::NotJoined | GroupError::NotBlocked => ErrorKind::AddrNotAvailable,
        GroupError::TooMany | GroupError::TooManySources => ErrorKind::QuotaExceeded,
    };
    Error::new(kind, format!("{group}: {error}"))
}

pub(super) fn no_interface(interface: impl Display) -> Error {
    let message = format!("{interface} is not the interface of this host");
    Error::new(ErrorKind::AddrNotAvailable, message)
}

pub(super) fn udp_connect(remote: impl Display, error: UdpConnectError) -> Error {
    let kind = match error {
        UdpConnectError::NotAPeer | UdpConnectError::OtherFamily => ErrorKind::InvalidInput,
        UdpConnectError::AddressInUse => ErrorKind::AddrInUse,
        UdpConnectError::Broadcast => ErrorKind::PermissionDenied,
    };
    Error::new(kind, format!("{remote}: {error}"))
}

/// The error itself is inside: [`Error::get_ref`] gives it.
pub(super) fn udp_send(error: UdpSendError) -> Error {
    match error {
        UdpSendError::WouldBlock => would_block(),
        UdpSendError::NotConnected => Error::new(ErrorKind::NotConnected, error),
        UdpSendError::Broadcast => Error::new(ErrorKind::PermissionDenied, error),
        UdpSendError::TooLong { .. } | UdpSendError::NotAPeer | UdpSendError::OtherFamily => {
            Error::new(ErrorKind::InvalidInput, error)
        }
        UdpSendError::Undelivered(error) => undelivered(error),
    }
}

pub(super) fn udp_recv(error: UdpRecvError) -> Error {
    match error {
        UdpRecvError::WouldBlock => would_block(),
        UdpRecvError::Undelivered(error) => undelivered(error),
    }
}

pub(super) fn undelivered(error: DatagramError) -> Error {
    let kind = match error.reason {
        Undelivered::Refused => ErrorKind::ConnectionRefused,
        Undelivered::NoProtocol => ErrorKind::ConnectionRefused,
        Undelivered::HostProhibited | Undelivered::HostUnreachable => ErrorKind::HostUnreachable,
        Undelivered::NetworkProhibited | Undelivered::NetworkUnreachable => {
            ErrorKind::NetworkUnreachable
        }
        Undelivered::TooLong { .. } => ErrorKind::InvalidInput,
    };
    Error::new(kind, error)
}

/// RFC 1122 §3.2.1.7: no datagram is sent with a TTL of zero.
pub(super) fn check_hop_limit(hop_limit: Option<u8>) -> Result<(), Error> {
    match hop_limit {
        Some(0) => {
            let message = "a datagram with a TTL of zero goes nowhere";
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
        Some(_) | None => Ok(()),
    }
}

/// A timeout of zero is an error, as it is to the standard library: it could mean "never" as well as "at once".
pub(super) fn check_timeout(timeout: Option<Duration>) -> Result<(), Error> {
    match timeout {
        Some(Duration::ZERO) => {
            let message = "a timeout must not be zero";
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
        Some(_) | None => Ok(()),
    }
}

fn family(address: SocketAddr) -> u8 {
    if address.is_ipv4() { 4 } else { 6 }
}
