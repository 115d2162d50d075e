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
    /// An address in `broadcasts` cannot be a broadcast address.
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
    /// `max_sent_records` is below 16.
    SentRecords,
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
            ConfigError::EphemeralPorts => {
                f.write_str("ephemeral_ports must begin above 0, and not end before that")
            }
            ConfigError::Zero(field) => write!(f, "{field} must not be zero"),
            ConfigError::SentRecords => f.write_str("max_sent_records must be at least 16"),
            ConfigError::BufferTooLarge => f.write_str("a buffer must be smaller than 1 GiB"),
            ConfigError::BaseMtu => f.write_str("the base size of the path MTU is below 68"),
            ConfigError::RtoBounds => {
                f.write_str("min_rto and initial_rto must be above zero, min_rto not above max_rto")
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

#[cfg(test)]
mod tests {
    use super::super::Config;

    /// A change to a configuration, and the error it gives.
    type Wrong = (fn(&mut Config), &'static str);

    const WRONG: [Wrong; 4] = [
        (
            |it| it.ephemeral_ports = (0, 9),
            "ephemeral_ports must begin above 0, and not end before that",
        ),
        (
            |it| it.tcp.min_rto = it.tcp.max_rto * 2,
            "min_rto and initial_rto must be above zero, min_rto not above max_rto",
        ),
        (
            |it| it.tcp.max_sent_records = 15,
            "max_sent_records must be at least 16",
        ),
        (
            |it| it.tcp.keepalive.count = 0,
            "keepalive.count must not be zero",
        ),
    ];

    /// The text says which setting to change, and how.
    #[test]
    fn it_says_which_setting_is_wrong() {
        for (change, expected) in WRONG {
            let mut config = Config::new([[10, 0, 0, 1].into()]);
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
