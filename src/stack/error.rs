//! Why an OPEN fails.

use core::fmt;

use crate::config::ConfigError;

/// Why a listener cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenError {
    /// Another listener has this address and port and does not share them, or no port is free.
    AddressInUse,
    /// The address is not one of this host.
    AddressNotAvailable,
    /// The configuration is invalid.
    Config(ConfigError),
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenError::AddressInUse => f.write_str("the address and port are in use"),
            ListenError::AddressNotAvailable => {
                f.write_str("the address is not one of this host's")
            }
            ListenError::Config(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ListenError {}

/// Why a connection cannot be opened at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// This connection (both addresses and ports) exists, or a listener has the local port.
    AddressInUse,
    /// The local address is not one of this host's, or no port is left.
    AddressNotAvailable,
    /// This host has no address of the remote's family.
    FamilyNotConfigured,
    /// The remote address cannot be a peer: it is unspecified, loopback, multicast or broadcast, or its port is 0.
    NotAPeer,
    /// The host has as many connections as its configuration or its memory allows.
    TooManyConnections,
    /// The configuration is invalid.
    Config(ConfigError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectError::AddressInUse => "the address and port are in use",
            ConnectError::AddressNotAvailable => {
                "the local address is not one of this host's, or no port is left"
            }
            ConnectError::FamilyNotConfigured => "this host has no address of that family",
            ConnectError::NotAPeer => "the remote address cannot be a peer",
            ConnectError::TooManyConnections => "the stack has too many connections",
            ConnectError::Config(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for ConnectError {}
