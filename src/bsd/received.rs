//! The result of recvmsg, with its control messages as they are in memory.

use core::net::{IpAddr, SocketAddr};

use super::extended_error::ExtendedError;
use super::linux::{
    IP_PKTINFO, IP_RECVERR, IP_TOS, IP_TTL, IPV6_HOPLIMIT, IPV6_PKTINFO, IPV6_RECVERR, IPV6_TCLASS,
    SCM_TIMESTAMPING, SCM_TIMESTAMPING_OPT_STATS, SO_RXQ_OVFL, SO_TIMESTAMP, SO_TIMESTAMPNS,
    SOL_IP, SOL_IPV6, SOL_SOCKET, SOL_TCP, TCP_CM_INQ,
};
use super::settings::SocketSettings;
use crate::time::Instant;

/// The result of recvmsg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Octets received; with `MSG_TRUNC`, those of the whole datagram.
    pub len: usize,
    /// The sender of a datagram.
    pub from: Option<SocketAddr>,
    /// `msg_flags`: `MSG_TRUNC`, `MSG_OOB`, …
    pub flags: i32,
    /// The control messages, in order.
    pub control: Vec<Control>,
}

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// `TCP_CM_INQ`: how many octets still wait; one more if the end of the stream does, too.
    Inq(i32),
    /// `SCM_TIMESTAMP`, `SCM_TIMESTAMPNS`: when the last octet arrived.
    Time(Instant, TimeUnit),
    /// `SCM_TIMESTAMPING`: when something happened.
    Stamp(Instant),
    /// `SCM_TIMESTAMPING_OPT_STATS`: netlink attributes ([`attributes`](super::attributes)).
    Statistics(Vec<u8>),
    /// `IP_TTL`, `IPV6_HOPLIMIT`: the hop limit of a datagram, and whether it came over IPv6.
    HopLimit(u8, bool),
    /// `IP_TOS`, `IPV6_TCLASS`.
    TrafficClass(u8, bool),
    /// `SO_RXQ_OVFL`: how many datagrams had found no room before this one.
    Lost(u32),
    /// `IP_PKTINFO`, `IPV6_PKTINFO`: the destination address of a datagram, and whether it is in IPv6's
    /// form.
    SentTo(IpAddr, bool),
    /// `IP_RECVERR`, `IPV6_RECVERR`: an error from the error queue.
    Error(ExtendedError),
}

/// The number of the only device apart from the loopback.
pub(super) const DEVICE: u32 = 2;

/// The unit in which a time is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeUnit {
    /// `SO_TIMESTAMP`: seconds and microseconds.
    Micros,
    /// `SO_TIMESTAMPNS`: seconds and nanoseconds.
    Nanos,
}

impl TimeUnit {
    /// The unit that a socket has asked for, if any.
    pub(super) fn of(settings: &SocketSettings) -> Option<TimeUnit> {
        match settings.kept(SOL_SOCKET, SO_TIMESTAMP, 0) {
            SO_TIMESTAMP => Some(TimeUnit::Micros),
            SO_TIMESTAMPNS => Some(TimeUnit::Nanos),
            _ => None,
        }
    }
}

impl Control {
    /// `cmsg_level`.
    pub fn level(&self) -> i32 {
        match self {
            Control::Inq(_) => SOL_TCP,
            Control::Time(..) | Control::Stamp(_) | Control::Statistics(_) | Control::Lost(_) => {
                SOL_SOCKET
            }
            Control::HopLimit(_, is_ipv6)
            | Control::TrafficClass(_, is_ipv6)
            | Control::SentTo(_, is_ipv6) => match is_ipv6 {
                true => SOL_IPV6,
                false => SOL_IP,
            },
            Control::Error(error) if error.is_ipv6 => SOL_IPV6,
            Control::Error(_) => SOL_IP,
        }
    }

    /// `cmsg_type`.
    pub fn kind(&self) -> i32 {
        match self {
            Control::Inq(_) => TCP_CM_INQ,
            Control::Time(_, TimeUnit::Micros) => SO_TIMESTAMP,
            Control::Time(_, TimeUnit::Nanos) => SO_TIMESTAMPNS,
            Control::Stamp(_) => SCM_TIMESTAMPING,
            Control::Statistics(_) => SCM_TIMESTAMPING_OPT_STATS,
            Control::HopLimit(_, true) => IPV6_HOPLIMIT,
            Control::HopLimit(_, false) => IP_TTL,
            Control::TrafficClass(_, true) => IPV6_TCLASS,
            Control::TrafficClass(_, false) => IP_TOS,
            Control::Lost(_) => SO_RXQ_OVFL,
            Control::SentTo(_, true) => IPV6_PKTINFO,
            Control::SentTo(_, false) => IP_PKTINFO,
            Control::Error(error) if error.is_ipv6 => IPV6_RECVERR,
            Control::Error(_) => IP_RECVERR,
        }
    }

    /// `cmsg_data`, in the order of octets of x86-64.
    pub fn data(&self) -> Vec<u8> {
        match self {
            Control::Inq(octets) => octets.to_le_bytes().to_vec(),
            Control::Time(at, unit) => {
                let (nanos, of) = (at.as_nanos(), 1_000_000_000);
                let part = match unit {
                    TimeUnit::Micros => nanos % of / 1000,
                    TimeUnit::Nanos => nanos % of,
                };
                [(nanos / of).to_le_bytes(), part.to_le_bytes()].concat()
            }
            // Three times in seconds and nanoseconds: the software time, and two that are empty.
            Control::Stamp(at) => {
                let nanos = at.as_nanos();
                let mut data = (nanos / 1_000_000_000).to_le_bytes().to_vec();
                data.extend((nanos % 1_000_000_000).to_le_bytes());
                data.resize(48, 0);
                data
            }
            Control::Statistics(attributes) => attributes.clone(),
            Control::Lost(count) => count.to_le_bytes().to_vec(),
            // struct in6_pktinfo; struct in_pktinfo has the address twice: the local address, and the one
            // in the header.
            Control::SentTo(address, is_ipv6) => match (address, is_ipv6) {
                (IpAddr::V6(v6), _) => [&v6.octets()[..], &DEVICE.to_le_bytes()].concat(),
                (IpAddr::V4(v4), true) => {
                    let mapped = v4.to_ipv6_mapped().octets();
                    [&mapped[..], &DEVICE.to_le_bytes()].concat()
                }
                (IpAddr::V4(v4), false) => {
                    [&DEVICE.to_le_bytes()[..], &v4.octets(), &v4.octets()].concat()
                }
            },
            // On Linux, the type of service of IPv4 is a single octet.
            Control::TrafficClass(class, false) => vec![*class],
            Control::HopLimit(value, _) | Control::TrafficClass(value, true) => {
                i32::from(*value).to_le_bytes().to_vec()
            }
            Control::Error(error) => error.octets(),
        }
    }
}
