//! A TCP socket: fresh, listening, or with a connection.

use core::net::SocketAddr;
use core::time::Duration;

use super::address::Family;
use super::errno::Errno;
use super::notices::Notices;
use super::settings::SocketSettings;
use crate::config::{FastOpenKeys, TcpConfig};
use crate::stack::{ConnId, ListenerId};
use crate::tcp::ConnectionError;

/// One TCP socket.
#[derive(Clone, Debug)]
pub(super) struct StreamSocket {
    pub(super) family: Family,
    pub(super) settings: SocketSettings,
    /// The configuration of its connection, present or future.
    pub(super) config: TcpConfig,
    /// Where it is bound, in its family's form.
    pub(super) bound: Option<SocketAddr>,
    pub(super) role: Role,
    /// A pending error that its connection no longer has.
    pub(super) error: Option<Errno>,
    /// The reading side is shut down (`SHUT_RD`): what has arrived can still be read, then
    /// the stream has ended.
    pub(super) read_shut: bool,
    /// The urgent octet, once it was skipped.
    pub(super) urgent: Option<u8>,
    /// `SO_PEEK_OFF`: how far ahead of the reader the next peek begins.
    pub(super) peek_place: Option<usize>,
    /// Where in the stream the urgent data ended whose octet was last read.
    pub(super) urgent_read: Option<u64>,
    /// A listener hands out a connection only if it has text, or has waited this long for
    /// it.
    pub(super) defer_accept: Option<Duration>,
    /// The keys of its Fast Open cookies, if they are not the host's.
    pub(super) fast_open_keys: Option<FastOpenKeys>,
    /// `TCP_FASTOPEN_CONNECT`: connect waits for the first text.
    pub(super) connects_late: bool,
    /// The peer of a connect that waits for the first text.
    pub(super) waits_for: Option<SocketAddr>,
    /// The contents of its error queue.
    pub(super) notices: Notices,
    /// How many Fast Open requests a listener accepts at once (RFC 7413).
    pub(super) fast_open: usize,
}

/// What a TCP socket is.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// Neither listening nor connected, yet or any longer.
    Fresh,
    /// Listening: at one address, or at the unspecified one of both families.
    Listening(Vec<ListenerId>),
    /// With a connection.
    Connection(ConnId, Phase),
}

/// Whether connect has reported its result, which it does once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The next connect reports the result.
    Connecting,
    /// connect has reported the result, or the connection was accepted.
    Connected,
}

impl StreamSocket {
    /// A socket without an address.
    pub(super) fn new(family: Family, config: TcpConfig) -> StreamSocket {
        StreamSocket {
            family,
            settings: SocketSettings::new(config.keepalive),
            config,
            bound: None,
            role: Role::Fresh,
            error: None,
            read_shut: false,
            urgent: None,
            urgent_read: None,
            peek_place: None,
            defer_accept: None,
            fast_open_keys: None,
            connects_late: false,
            waits_for: None,
            notices: Notices::default(),
            fast_open: 0,
        }
    }

    /// Its connection.
    pub(super) fn connection(&self) -> Option<ConnId> {
        match self.role {
            Role::Connection(id, _) => Some(id),
            Role::Fresh | Role::Listening(_) => None,
        }
    }

    /// Whether it has a connection, open or not.
    pub(super) fn is_connected(&self) -> bool {
        self.connection().is_some()
    }

    /// Whether it listens.
    pub(super) fn is_listening(&self) -> bool {
        matches!(self.role, Role::Listening(_))
    }
}

/// The `errno` for the end of a connection.
pub(super) fn errno(error: ConnectionError) -> Errno {
    match error {
        ConnectionError::Refused | ConnectionError::Withdrawn => Errno::ECONNREFUSED,
        ConnectionError::Reset => Errno::ECONNRESET,
        ConnectionError::TimedOut => Errno::ETIMEDOUT,
        ConnectionError::HostUnreachable => Errno::EHOSTUNREACH,
        ConnectionError::NetworkUnreachable => Errno::ENETUNREACH,
        ConnectionError::ProtocolUnreachable => Errno::ENOPROTOOPT,
        ConnectionError::SourceRouteFailed => Errno::EOPNOTSUPP,
        ConnectionError::HostUnknown => Errno::EHOSTDOWN,
        ConnectionError::SourceIsolated => Errno::ENONET,
        ConnectionError::Prohibited => Errno::EACCES,
        ConnectionError::HeaderRefused => Errno::EPROTO,
        ConnectionError::Aborted => Errno::ECONNABORTED,
    }
}
