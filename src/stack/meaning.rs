//! What an ICMP error means to a connection (RFC 1122 §4.2.3.9, RFC 4443 §3).

use crate::tcp::ConnectionError;
use crate::wire::{IcmpError, Unreachable};

/// What an error means to the user of a connection; `None` if it is only about the length.
pub(super) fn meaning(error: IcmpError, is_ipv4: bool) -> Option<ConnectionError> {
    match error {
        IcmpError::PacketTooBig { .. } => None,
        IcmpError::Unreachable(reason) => Some(explain(reason, is_ipv4)),
        IcmpError::HopLimitExceeded | IcmpError::ReassemblyTimeExceeded => {
            Some(ConnectionError::HostUnreachable)
        }
        IcmpError::ParameterProblem { .. } | IcmpError::Unknown { .. } => {
            Some(ConnectionError::HeaderRefused)
        }
    }
}

/// What "destination unreachable" means to the user of a connection.
fn explain(reason: Unreachable, is_ipv4: bool) -> ConnectionError {
    match reason {
        Unreachable::Port => ConnectionError::Refused,
        Unreachable::Protocol => ConnectionError::ProtocolUnreachable,
        Unreachable::SourceRouteFailed => ConnectionError::SourceRouteFailed,
        Unreachable::HostUnknown => ConnectionError::HostUnknown,
        Unreachable::SourceHostIsolated => ConnectionError::SourceIsolated,
        Unreachable::Network
        | Unreachable::NetworkUnknown
        | Unreachable::NetworkProhibited
        | Unreachable::NetworkTypeOfService => ConnectionError::NetworkUnreachable,
        Unreachable::Prohibited | Unreachable::SourcePolicy | Unreachable::RejectRoute
            if !is_ipv4 =>
        {
            ConnectionError::Prohibited
        }
        _ => ConnectionError::HostUnreachable,
    }
}

/// Whether it says that the path is broken rather than congested (RFC 6069 §4.1); for IPv6, that there is
/// no route.
pub(super) fn is_broken(reason: ConnectionError, is_ipv4: bool) -> bool {
    match reason {
        ConnectionError::NetworkUnreachable => true,
        ConnectionError::HostUnreachable => is_ipv4,
        _ => false,
    }
}

/// Whether an error says that a handshake is useless: for IPv4 that the peer cannot be reached, for
/// IPv6 that the peer or a router on the way prohibits it.
pub(super) fn means_no_peer(error: IcmpError, is_ipv4: bool) -> bool {
    match error {
        IcmpError::ParameterProblem { .. } => true,
        IcmpError::HopLimitExceeded => is_ipv4,
        IcmpError::Unreachable(reason) if is_ipv4 => {
            matches!(reason, Unreachable::Network | Unreachable::Host)
        }
        IcmpError::Unreachable(reason) => matches!(
            reason,
            Unreachable::Port
                | Unreachable::Prohibited
                | Unreachable::SourcePolicy
                | Unreachable::RejectRoute
        ),
        IcmpError::PacketTooBig { .. }
        | IcmpError::ReassemblyTimeExceeded
        | IcmpError::Unknown { .. } => false,
    }
}
