//! What is wrong with a configuration.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};

/// What is wrong with a [`Config`](super::Config).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The host has no address.
    NoAddress,
    /// An address cannot be that of a single host: it is unspecified, loopback, multicast, broadcast, or an
    /// IPv4-mapped IPv6 address.
    NotUnicast(IpAddr),
    /// An address in `broadcasts` cannot be that of all hosts of a network.
    NotBroadcast(Ipv4Addr),
    /// The MTU is too small for the address families in use, or above 65,535.
    Mtu {
        /// The MTU, in octets.
        mtu: usize,
        /// The least MTU that is allowed, in octets.
        least: usize,
    },
    /// The range of ephemeral ports is empty or begins with 0.
    EphemeralPorts,
    /// This field must not be zero.
    Zero(&'static str),
    /// A buffer of 2^30 octets or more cannot be advertised.
    BufferTooLarge,
    /// `min_rto` or `initial_rto` is zero, or `min_rto` above `max_rto`.
    RtoBounds,
    /// `delayed_ack` must be under 500 ms.
    DelayedAck,
    /// The base size of the path MTU is below 68.
    BaseMtu,
    /// A percentage of `pacing` is below 100.
    Pacing,
    /// `busy_poll` is above a second.
    BusyPoll,
    /// `memory` is below 16 KiB.
    Memory,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::NoAddress => f.write_str("the stack needs at least one address"),
            ConfigError::NotUnicast(address) => {
                write!(f, "{address} cannot be the address of a host")
            }
            ConfigError::NotBroadcast(address) => {
                write!(
                    f,
                    "{address} cannot be the address of all hosts of a network"
                )
            }
            ConfigError::Mtu { mtu, least } => {
                write!(f, "an MTU of {mtu} is not in the range {least} to 65535")
            }
            ConfigError::EphemeralPorts => f.write_str("the range of ephemeral ports is empty"),
            ConfigError::Zero(field) => write!(f, "{field} must not be zero"),
            ConfigError::BufferTooLarge => f.write_str("a buffer must be smaller than 1 GiB"),
            ConfigError::BaseMtu => f.write_str("the base size of the path MTU is below 68"),
            ConfigError::RtoBounds => {
                f.write_str("min_rto and initial_rto must be above zero, min_rto below max_rto")
            }
            ConfigError::DelayedAck => {
                f.write_str("delayed_ack must be under 500 ms (RFC 9293 MUST-40)")
            }
            ConfigError::BusyPoll => f.write_str("busy_poll must not be above 1 s"),
            ConfigError::Memory => f.write_str("memory must be at least 16 KiB"),
            ConfigError::Pacing => {
                f.write_str("a pacing rate must be at least 100 percent of cwnd / SRTT")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
