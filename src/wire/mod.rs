//! Parses and emits IP, TCP, UDP and ICMP.
//!
//! All parsing is done here: the rest of the stack sees only values that cannot be malformed. Nothing
//! in this module has state or reads a clock, and no input makes it panic. `etherparse` is used here and
//! nowhere else.
//!
//! ```
//! use stubborn::wire::{self, IpHeader, Malformed, Packet, Payload, Text, UdpHeader, protocol};
//!
//! let ip = IpHeader::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into(), protocol::UDP, 64);
//! let udp = UdpHeader { source_port: 5000, destination_port: 7 };
//! let mut datagram = Packet::udp(&ip, &udp, Text::new(b"hello", b"")).to_vec();
//!
//! let parsed = wire::parse(&datagram)?;
//! assert_eq!(parsed.ip.source, ip.source);
//! assert_eq!(parsed.payload, Payload::Udp(udp, b"hello"));
//!
//! *datagram.last_mut().unwrap() ^= 1;
//! assert_eq!(wire::parse(&datagram).unwrap_err().reason, Malformed::UdpChecksum);
//! # Ok::<(), wire::Refusal>(())
//! ```
//!
//! | file | what it reads and writes | where it is defined |
//! |---|---|---|
//! | [`checksum`] | the Internet checksum | RFC 1071 |
//! | `ip_header` | the fields of an IP header of either family | |
//! | `ipv4` | the IPv4 header | RFC 791 |
//! | `ipv6` | the IPv6 header and its chain of extension headers | RFC 8200 |
//! | [`ip`] | datagrams of either family, and their fragments; what an address can be | |
//! | [`ecn`] | the ECN field of both | RFC 3168 §5 |
//! | [`icmp`] | ICMPv4 and ICMPv6: echo and errors | RFC 792, RFC 4443 |
//! | [`membership`] | which hosts are in which groups: IGMP and MLD | RFC 9776, RFC 9777 |
//! | `router_alert` | the IP option of these messages | RFC 2113, RFC 2711 |
//! | `icmp_error` | the errors of both, as one type | RFC 792, RFC 4443 |
//! | [`udp`] | the UDP header | RFC 768 |
//! | [`tcp`] | the TCP header | RFC 9293 §3.1 |
//! | [`options`] | TCP options | RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 2385, RFC 9768 |
//! | `signature` | signatures of segments | RFC 2385 |
//! | `sockets` | the addresses and ports of a datagram, packed into a few integers | |
//! | `arrived` | received octets, and the buffer that holds them | |
//! | [`plain`] | the fast path: parses the most common datagrams in one go | |
//! | [`packet`] | a packet on its way out: its header, and borrowed text | |
//! | [`text`] | text, borrowed or reference-counted | |
//! | `cut` | cuts super-segments on their way out | |
//! | [`offload`] | super-segments and partial checksums, and what a device does with them | |
//! | [`merge`] | merges consecutive segments into a super-segment | |
//! | [`malformed`] | why a datagram is refused | |
//! | [`dump`] | a datagram in tcpdump's notation | |
//! | [`figure`] | a segment in the notation of the RFC's figures | RFC 9293 §3.5 |
//!
//! [`parse`] parses a datagram; [`Packet::tcp`], [`Packet::udp`] and the functions of [`icmp`] build
//! one.

mod arrived;
pub mod checksum;
mod cut;
pub mod dump;
pub mod ecn;
pub mod figure;
pub mod icmp;
mod icmp_error;
pub mod ip;
mod ip_header;
mod ipv4;
mod ipv6;
pub mod malformed;
pub mod membership;
pub mod merge;
pub mod offload;
pub mod options;
pub mod packet;
pub mod plain;
mod router_alert;
mod signature;
mod sockets;
pub mod tcp;
#[cfg(test)]
mod tests;
pub mod text;
pub mod udp;

pub use arrived::{Arrived, Kept, Landed};
pub use ecn::Ecn;
pub use icmp::{Echo, IcmpMessage, Quote};
pub use icmp_error::{IcmpError, Unreachable};
pub use ip_header::{Fragment, IpHeader, protocol};
pub use malformed::{Malformed, Refusal};
pub use membership::Membership;
pub use offload::{Checksum, Cut, Form, Kind, Offload, pieces};
pub use options::{
    AccurateEcn, ByteCounters, Cookie, CounterOrder, FastOpen, Layout, Options, SackBlock,
    SackBlocks, Timestamps,
};
pub use packet::Packet;
pub use plain::{Plain, PlainHeader};
pub use signature::{is_signed_with, sign};
pub use sockets::Sockets;
pub use tcp::{Control, TcpHeader};
pub use text::{Block, HeldText, Text};
pub use udp::UdpHeader;

use ip_header::Content;

/// A datagram with its headers parsed, and its lengths and checksums verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The IP header.
    pub ip: IpHeader,
    /// What it carries.
    pub payload: Payload<'a>,
}

/// What a datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A TCP segment and its text.
    Tcp(TcpHeader, &'a [u8]),
    /// A UDP datagram and its text.
    Udp(UdpHeader, &'a [u8]),
    /// An ICMP message.
    Icmp(IcmpMessage<'a>),
    /// A message about groups, by IGMP or MLD.
    Membership(Membership<'a>),
    /// A part of a payload, to be reassembled with the others.
    Fragment(Fragment<'a>),
    /// A protocol that this stack does not support (`ip.protocol`), and the error with which to
    /// answer (RFC 1122 §3.2.2.1, RFC 8200 §4).
    Unknown {
        /// What to tell the sender with [`icmp::error`](icmp::error()).
        answer: IcmpError,
    },
    /// IPv6: nothing, which is not an error (RFC 8200 §4.7).
    Nothing,
}

/// Parses a datagram that has arrived. Octets beyond the length in its header are ignored.
///
/// # Errors
/// If it is malformed: the reason, and the ICMP error that its sender should get.
#[inline]
pub fn parse(datagram: &[u8]) -> Result<Datagram<'_>, Refusal> {
    parse_as(datagram, Checksum::Complete)
}

/// As [`parse`], from a device that says how much of the checksum of TCP or UDP is there.
///
/// # Errors
/// As [`parse`].
pub fn parse_as(datagram: &[u8], checksum: Checksum) -> Result<Datagram<'_>, Refusal> {
    let (ip, content) = ip::content(datagram)?;
    let payload = match content {
        Content::Whole {
            payload,
            start,
            pointer,
        } => {
            let vouched = |field| checksum.vouches_for(start, field);
            parse_payload(&ip, datagram, payload, pointer, vouched)?
        }
        Content::Fragment(fragment) => Payload::Fragment(fragment),
    };
    Ok(Datagram { ip, payload })
}

#[inline]
fn parse_payload<'a>(
    ip: &IpHeader,
    datagram: &[u8],
    payload: &'a [u8],
    pointer: u32,
    vouched: impl Fn(usize) -> bool,
) -> Result<Payload<'a>, Malformed> {
    Ok(match (ip.protocol, ip.source.is_ipv4()) {
        (protocol::TCP, _) => {
            let (header, text) = tcp::parse(ip, payload, vouched(tcp::CHECKSUM))?;
            Payload::Tcp(header, text)
        }
        (protocol::UDP, _) => {
            let (header, text) = udp::parse(ip, payload, vouched(udp::CHECKSUM))?;
            Payload::Udp(header, text)
        }
        (protocol::IGMP, true) => Payload::Membership(membership::parse(ip, payload, false)?),
        (protocol::ICMPV6, false) if membership::is_mld(payload) => {
            let is_alerted = router_alert::is_in(datagram);
            Payload::Membership(membership::parse(ip, payload, is_alerted)?)
        }
        (protocol::ICMP, true) | (protocol::ICMPV6, false) => {
            Payload::Icmp(icmp::parse(ip, payload)?)
        }
        (protocol::NO_NEXT_HEADER, false) => Payload::Nothing,
        (_, true) => Payload::Unknown {
            answer: IcmpError::Unreachable(Unreachable::Protocol),
        },
        (_, false) => Payload::Unknown {
            answer: IcmpError::ParameterProblem { code: 1, pointer },
        },
    })
}
