//! What can go wrong, in the user's words.

use core::fmt;

/// Why a connection ended, or never came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionError {
    /// There is no listener at the remote address and port.
    Refused,
    /// Both sides opened at once, and the peer reset the connection before it was established.
    Withdrawn,
    /// The peer reset the connection.
    Reset,
    /// The peer did not answer for too long (R2, user timeout, keepalive).
    TimedOut,
    /// A router or the remote host reports that the host cannot be reached.
    HostUnreachable,
    /// A router reports that the network cannot be reached.
    NetworkUnreachable,
    /// The remote host reports that it does not support TCP (RFC 1122 §3.2.2.1).
    ProtocolUnreachable,
    /// A router reports that the source route failed (RFC 1122 §3.2.2.1).
    SourceRouteFailed,
    /// A router knows no such host (RFC 1122 §3.2.2.1).
    HostUnknown,
    /// A router reports that this host is isolated (RFC 1122 §3.2.2.1, obsolete).
    SourceIsolated,
    /// A filter on the way forbids it (RFC 4443 §3.1; over IPv4 such a host counts as unreachable).
    Prohibited,
    /// A router or the remote host could not read the header (RFC 792, RFC 4443 §3.4).
    HeaderRefused,
    /// The user aborted it here.
    Aborted,
}

impl ConnectionError {
    /// Whether the peer or a router refuses the connection, so that trying again will not help.
    pub(super) fn is_refusal(self) -> bool {
        matches!(
            self,
            ConnectionError::Refused
                | ConnectionError::ProtocolUnreachable
                | ConnectionError::Prohibited
        )
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectionError::Refused | ConnectionError::Withdrawn => "connection refused",
            ConnectionError::Reset => "connection reset by peer",
            ConnectionError::TimedOut => "connection timed out",
            ConnectionError::HostUnreachable => "no route to host",
            ConnectionError::NetworkUnreachable => "network is unreachable",
            ConnectionError::ProtocolUnreachable => "the host does not speak TCP",
            ConnectionError::SourceRouteFailed => "source route failed",
            ConnectionError::HostUnknown => "no such host on its network",
            ConnectionError::SourceIsolated => "this host is isolated from the network",
            ConnectionError::Prohibited => "a filter on the way forbids it",
            ConnectionError::HeaderRefused => "the header was refused on the way",
            ConnectionError::Aborted => "connection aborted",
        })
    }
}

impl std::error::Error for ConnectionError {}

/// Why SEND took nothing (RFC 9293 §3.10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// No room now (or not yet established): try again after a WRITABLE event.
    WouldBlock,
    /// The user has closed this direction.
    Closing,
    /// The connection is gone.
    Connection(ConnectionError),
}

/// Why RECEIVE returned nothing (RFC 9293 §3.10.3). The end of the stream is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecvError {
    /// Nothing is here now: try again after a READABLE event.
    WouldBlock,
    /// What is here is lent: see [`Tcb::lend`](super::Tcb::lend).
    Lent,
    /// The connection is gone.
    Connection(ConnectionError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::WouldBlock => f.write_str("no room to queue more"),
            SendError::Closing => f.write_str("connection closing"),
            SendError::Connection(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::WouldBlock => f.write_str("nothing received yet"),
            RecvError::Lent => f.write_str("what was received is lent to a reader"),
            RecvError::Connection(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}
impl std::error::Error for RecvError {}
