//! What is wrong with a configuration.

use core::fmt;
use core::net::IpAddr;

/// Which value of a [`Config`](super::Config) makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The host has no address.
    NoAddress,
    /// An address is not a host's among others: unspecified, loopback, multicast, broadcast, or of
    /// IPv4 mapped into IPv6.
    NotUnicast(IpAddr),
    /// The MTU is below what the families in use allow, or above 65,535.
    Mtu {
        /// What was asked for.
        mtu: usize,
        /// The least that is allowed.
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
    /// `memory` is below 16 KiB, which is no room for anybody.
    Memory,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::NoAddress => f.write_str("the stack needs at least one address"),
            ConfigError::NotUnicast(address) => {
                write!(f, "{address} cannot be the address of a host")
            }
            ConfigError::Mtu { mtu, least } => {
                write!(f, "an MTU of {mtu} is outside {least} to 65535")
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
            ConfigError::Memory => f.write_str("memory must be 16 KiB at least"),
            ConfigError::Pacing => {
                f.write_str("a pace below 100 percent of the window holds it back")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
