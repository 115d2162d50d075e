//! ICMP for IPv4 (RFC 792) and IPv6 (RFC 4443): echo and errors, as values that do not show the
//! family.

use core::net::IpAddr;

use etherparse::{Icmpv4Slice, Icmpv6Slice};

use super::checksum::Sum;
pub use super::icmp_error::{IcmpError, Unreachable};
use super::ip::is_host;
use super::ip_header::{IpHeader, Quoted, protocol};
use super::malformed::Malformed;
use super::{ipv4, ipv6};

/// Length of the part that all messages have, in octets.
pub const HEADER: usize = 8;

/// An ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpMessage<'a> {
    /// A request whether this host is alive.
    EchoRequest(Echo<'a>),
    /// The answer to such a request.
    EchoReply(Echo<'a>),
    /// An error about a datagram that this host is said to have sent.
    Error(IcmpError, Quote),
    /// Not to be acted upon: source quench (RFC 6633), redirects (a host on a point-to-point link
    /// has only one route), and everything unknown.
    Ignored {
        /// The type field.
        kind: u8,
        /// The code field.
        code: u8,
    },
}

/// The contents of an echo request, which its reply repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Distinguishes one sequence of requests from another.
    pub identifier: u16,
    /// The place in that sequence.
    pub sequence: u16,
    /// Arbitrary data.
    pub data: &'a [u8],
}

impl IcmpError {
    /// Type and code on the wire, and the number that it carries: the MTU of a link, or the octet
    /// where a problem is; otherwise 0. `None` if the family has no such error.
    pub(crate) fn numbers(self, is_ipv4: bool) -> Option<(u8, u8, u32)> {
        let (kind, code, _) = match is_ipv4 {
            true => wire_v4(self)?,
            false => wire_v6(self)?,
        };
        let info = match self {
            IcmpError::PacketTooBig { mtu } => mtu,
            IcmpError::ParameterProblem { pointer, .. } => pointer,
            IcmpError::Unreachable(_)
            | IcmpError::HopLimitExceeded
            | IcmpError::ReassemblyTimeExceeded
            | IcmpError::Unknown { .. } => 0,
        };
        Some((kind, code, info))
    }
}

/// The part of a quoted datagram that identifies its connection, and proves that the quoting host has seen it (RFC
/// 5927 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// Its source: this host.
    pub source: IpAddr,
    /// Its destination.
    pub destination: IpAddr,
    /// Its protocol, behind all extension headers.
    pub protocol: u8,
    /// TCP and UDP: the source port. An echo request: its identifier. Otherwise 0.
    pub source_port: u16,
    /// TCP and UDP: the destination port. Otherwise 0.
    pub destination_port: u16,
    /// TCP and an echo request: the sequence number. Otherwise 0.
    pub seq: u32,
}

mod v4 {
    pub(super) const ECHO_REPLY: u8 = 0;
    pub(super) const UNREACHABLE: u8 = 3;
    pub(super) const FRAGMENTATION_NEEDED: u8 = 4;
    pub(super) const SOURCE_QUENCH: u8 = 4;
    pub(super) const REDIRECT: u8 = 5;
    pub(super) const ECHO_REQUEST: u8 = 8;
    pub(super) const TIME_EXCEEDED: u8 = 11;
    pub(super) const PARAMETER_PROBLEM: u8 = 12;
    /// RFC 1812 §4.3.2.3: what every host can receive in one piece.
    pub(super) const MAX_ERROR: usize = 576;
}

mod v6 {
    pub(super) const UNREACHABLE: u8 = 1;
    pub(super) const PACKET_TOO_BIG: u8 = 2;
    pub(super) const TIME_EXCEEDED: u8 = 3;
    pub(super) const PARAMETER_PROBLEM: u8 = 4;
    /// RFC 4443 §2.1: errors have the types below.
    pub(super) const FIRST_INFORMATIONAL: u8 = 128;
    pub(super) const ECHO_REQUEST: u8 = 128;
    pub(super) const ECHO_REPLY: u8 = 129;
    pub(super) const REDIRECT: u8 = 137;
    /// RFC 4443 §2.4(c): the least IPv6 MTU.
    pub(super) const MAX_ERROR: usize = 1280;
}

/// Reads a message, the payload of `ip`, whose protocol is the ICMP of its family.
///
/// # Errors
/// If the header is incomplete, the checksum is wrong, or an error quotes too little of a datagram
/// to identify it (RFC 792 and RFC 4443 require at least its IP headers and 64 bits).
pub(super) fn parse<'a>(ip: &IpHeader, payload: &'a [u8]) -> Result<IcmpMessage<'a>, Malformed> {
    if payload.len() < HEADER {
        return Err(Malformed::IcmpLength);
    }
    if !sum(ip.source, ip.destination, payload).verifies() {
        return Err(Malformed::IcmpChecksum);
    }
    let (kind, code, fields, v4) = match ip.source {
        IpAddr::V4(_) => {
            let slice = Icmpv4Slice::from_slice(payload).map_err(|_| Malformed::IcmpLength)?;
            (slice.type_u8(), slice.code_u8(), slice.bytes5to8(), true)
        }
        IpAddr::V6(_) => {
            let slice = Icmpv6Slice::from_slice(payload).map_err(|_| Malformed::IcmpLength)?;
            (slice.type_u8(), slice.code_u8(), slice.bytes5to8(), false)
        }
    };
    let body = &payload[HEADER..];
    let echo = Echo {
        identifier: u16::from_be_bytes([fields[0], fields[1]]),
        sequence: u16::from_be_bytes([fields[2], fields[3]]),
        data: body,
    };
    let error = match (kind, v4) {
        (v4::ECHO_REQUEST, true) | (v6::ECHO_REQUEST, false) if code == 0 => {
            return Ok(IcmpMessage::EchoRequest(echo));
        }
        (v4::ECHO_REPLY, true) | (v6::ECHO_REPLY, false) if code == 0 => {
            return Ok(IcmpMessage::EchoReply(echo));
        }
        (_, true) => error_v4(kind, code, fields),
        (_, false) => error_v6(kind, code, fields),
    };
    match error {
        Some(error) => Ok(IcmpMessage::Error(error, quote(v4, body)?)),
        None => Ok(IcmpMessage::Ignored { kind, code }),
    }
}

fn error_v4(kind: u8, code: u8, fields: [u8; 4]) -> Option<IcmpError> {
    match (kind, code) {
        (v4::UNREACHABLE, v4::FRAGMENTATION_NEEDED) => Some(IcmpError::PacketTooBig {
            mtu: u16::from_be_bytes([fields[2], fields[3]]).into(),
        }),
        (v4::UNREACHABLE, _) => {
            Unreachable::from_code(&Unreachable::V4, code).map(IcmpError::Unreachable)
        }
        (v4::TIME_EXCEEDED, 0) => Some(IcmpError::HopLimitExceeded),
        (v4::TIME_EXCEEDED, 1) => Some(IcmpError::ReassemblyTimeExceeded),
        (v4::PARAMETER_PROBLEM, _) => Some(IcmpError::ParameterProblem {
            code,
            pointer: fields[0].into(),
        }),
        _ => None,
    }
}

fn error_v6(kind: u8, code: u8, fields: [u8; 4]) -> Option<IcmpError> {
    let number = u32::from_be_bytes(fields);
    match (kind, code) {
        (v6::UNREACHABLE, _) => Some(
            Unreachable::from_code(&Unreachable::V6, code)
                .map_or(IcmpError::Unknown { kind, code }, IcmpError::Unreachable),
        ),
        // RFC 4443 §3.2: the code is ignored.
        (v6::PACKET_TOO_BIG, _) => Some(IcmpError::PacketTooBig { mtu: number }),
        (v6::TIME_EXCEEDED, 0) => Some(IcmpError::HopLimitExceeded),
        (v6::TIME_EXCEEDED, 1) => Some(IcmpError::ReassemblyTimeExceeded),
        (v6::PARAMETER_PROBLEM, _) => Some(IcmpError::ParameterProblem {
            code,
            pointer: number,
        }),
        (0..v6::FIRST_INFORMATIONAL, _) => Some(IcmpError::Unknown { kind, code }),
        _ => None,
    }
}

fn quote(v4: bool, body: &[u8]) -> Result<Quote, Malformed> {
    let quoted = match v4 {
        true => ipv4::quoted(body),
        false => ipv6::quoted(body),
    };
    let Quoted { ip, upper } = quoted.ok_or(Malformed::IcmpQuote)?;
    let upper = upper.ok_or(Malformed::IcmpQuote)?;
    let mut quote = Quote {
        source: ip.source,
        destination: ip.destination,
        protocol: ip.protocol,
        source_port: 0,
        destination_port: 0,
        seq: 0,
    };
    if let protocol::TCP | protocol::UDP = ip.protocol {
        let &[a, b, c, d, seq @ ..] = upper.first_chunk::<8>().ok_or(Malformed::IcmpQuote)?;
        quote.source_port = u16::from_be_bytes([a, b]);
        quote.destination_port = u16::from_be_bytes([c, d]);
        if ip.protocol == protocol::TCP {
            quote.seq = u32::from_be_bytes(seq);
        }
    }
    if let Some((identifier, sequence)) = quoted_request(v4, ip.protocol, upper) {
        (quote.source_port, quote.seq) = (identifier, sequence.into());
    }
    Ok(quote)
}

/// Identifier and sequence number of a quoted message that is an echo request.
fn quoted_request(v4: bool, protocol: u8, upper: &[u8]) -> Option<(u16, u16)> {
    let &[kind, code, _, _, a, b, c, d] = upper.first_chunk::<HEADER>()?;
    let is_request = match v4 {
        true => (protocol, kind) == (protocol::ICMP, v4::ECHO_REQUEST),
        false => (protocol, kind) == (protocol::ICMPV6, v6::ECHO_REQUEST),
    };
    let numbers = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    (is_request && code == 0).then_some(numbers)
}

/// What an ICMP error, given as a whole datagram, quotes behind the IP headers of what was sent.
pub fn quoted_upper(error: &[u8]) -> Option<&[u8]> {
    fn upper(datagram: &[u8]) -> Option<&[u8]> {
        match datagram.first()? >> 4 {
            4 => ipv4::quoted(datagram)?.upper,
            6 => ipv6::quoted(datagram)?.upper,
            _ => None,
        }
    }
    upper(upper(error)?.get(HEADER..)?)
}

/// An echo request as a whole datagram. The protocol of `ip` is ignored.
///
/// # Panics
/// If the addresses differ in family, or the datagram would be longer than 65,535 octets.
pub fn echo_request(ip: &IpHeader, echo: &Echo<'_>) -> Vec<u8> {
    echo_message(ip, echo, v4::ECHO_REQUEST, v6::ECHO_REQUEST)
}

/// An echo reply as a whole datagram. The protocol of `ip` is ignored.
///
/// # Panics
/// As [`echo_request`].
pub fn echo_reply(ip: &IpHeader, echo: &Echo<'_>) -> Vec<u8> {
    echo_message(ip, echo, v4::ECHO_REPLY, v6::ECHO_REPLY)
}

fn echo_message(ip: &IpHeader, echo: &Echo<'_>, v4: u8, v6: u8) -> Vec<u8> {
    let kind = if ip.source.is_ipv4() { v4 } else { v6 };
    let [a, b] = echo.identifier.to_be_bytes();
    let [c, d] = echo.sequence.to_be_bytes();
    message(ip, kind, 0, [a, b, c, d], echo.data)
}

/// The ICMP error that tells the sender of `offending` what happened to it, as a whole datagram
/// that quotes as much of it as fits: 576 octets in all with IPv4 (RFC 1812 §4.3.2.3), 1280 with
/// IPv6 (RFC 4443 §2.4(c)). `from` is an address of this host, of the same family.
///
/// `None` if none may be sent (RFC 1122 §3.2.2, RFC 4443 §2.4(e)): about an ICMP error, a fragment
/// of IPv4 that is not the first, a datagram to many hosts or from an address that cannot be
/// answered; or if the family has no such error. The stack limits the rate.
pub fn error(from: IpAddr, hop_limit: u8, error: IcmpError, offending: &[u8]) -> Option<Vec<u8>> {
    let v4 = from.is_ipv4();
    let (kind, code, fields) = match v4 {
        true => wire_v4(error)?,
        false => wire_v6(error)?,
    };
    let to = whom_to_answer(v4, error, offending)?;
    let (protocol, room) = match v4 {
        true => (protocol::ICMP, v4::MAX_ERROR - ipv4::HEADER - HEADER),
        false => (protocol::ICMPV6, v6::MAX_ERROR - ipv6::HEADER - HEADER),
    };
    let ip = IpHeader::new(from, to, protocol, hop_limit);
    let quote = &offending[..offending.len().min(room)];
    Some(message(&ip, kind, code, fields, quote))
}

fn wire_v4(error: IcmpError) -> Option<(u8, u8, [u8; 4])> {
    Some(match error {
        IcmpError::Unreachable(reason) => (v4::UNREACHABLE, reason.code(&Unreachable::V4)?, [0; 4]),
        IcmpError::PacketTooBig { mtu } => {
            let [high, low] = u16::try_from(mtu).ok()?.to_be_bytes();
            (v4::UNREACHABLE, v4::FRAGMENTATION_NEEDED, [0, 0, high, low])
        }
        IcmpError::HopLimitExceeded => (v4::TIME_EXCEEDED, 0, [0; 4]),
        IcmpError::ReassemblyTimeExceeded => (v4::TIME_EXCEEDED, 1, [0; 4]),
        IcmpError::ParameterProblem { code, pointer } => {
            let pointer = u8::try_from(pointer).ok()?;
            (v4::PARAMETER_PROBLEM, code, [pointer, 0, 0, 0])
        }
        IcmpError::Unknown { .. } => return None,
    })
}

fn wire_v6(error: IcmpError) -> Option<(u8, u8, [u8; 4])> {
    Some(match error {
        IcmpError::Unreachable(reason) => (v6::UNREACHABLE, reason.code(&Unreachable::V6)?, [0; 4]),
        IcmpError::PacketTooBig { mtu } => (v6::PACKET_TOO_BIG, 0, mtu.to_be_bytes()),
        IcmpError::HopLimitExceeded => (v6::TIME_EXCEEDED, 0, [0; 4]),
        IcmpError::ReassemblyTimeExceeded => (v6::TIME_EXCEEDED, 1, [0; 4]),
        IcmpError::ParameterProblem { code, pointer } => {
            (v6::PARAMETER_PROBLEM, code, pointer.to_be_bytes())
        }
        IcmpError::Unknown { kind, code } => (kind, code, [0; 4]),
    })
}

/// The source of `offending`, if an error about it may be sent there.
fn whom_to_answer(v4: bool, error: IcmpError, offending: &[u8]) -> Option<IpAddr> {
    let Quoted { ip, upper } = match v4 {
        true => ipv4::quoted(offending)?,
        false => ipv6::quoted(offending)?,
    };
    // RFC 1122 §3.2.2; with IPv6, fragments have errors of their own (RFC 8200 §4.5).
    if v4 && upper.is_none() {
        return None;
    }
    // RFC 4443 §2.4(e.3): path MTU discovery and unknown options work for multicast, too.
    let to_many_allowed = match error {
        IcmpError::PacketTooBig { .. } => !v4,
        IcmpError::ParameterProblem { code, .. } => !v4 && code == 2,
        _ => false,
    };
    let to_one = is_host(ip.destination) || ip.destination.is_loopback();
    if !is_host(ip.source) || !(to_one || to_many_allowed) {
        return None;
    }
    let kind = upper.and_then(|upper| upper.first());
    let about_error = match (ip.protocol, kind) {
        (protocol::ICMP, Some(&kind)) if v4 => matches!(
            kind,
            v4::UNREACHABLE
                | v4::SOURCE_QUENCH
                | v4::REDIRECT
                | v4::TIME_EXCEEDED
                | v4::PARAMETER_PROBLEM
        ),
        (protocol::ICMPV6, Some(&kind)) if !v4 => {
            kind < v6::FIRST_INFORMATIONAL || kind == v6::REDIRECT
        }
        (protocol::ICMP, None) => v4,
        // Truncated. But errors about later fragments are allowed (RFC 8200 §4.5), and no ICMP
        // error is long enough to be fragmented.
        (protocol::ICMPV6, None) => !v4 && upper.is_some(),
        _ => false,
    };
    (!about_error).then_some(ip.source)
}

fn message(ip: &IpHeader, kind: u8, code: u8, fields: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(HEADER + body.len());
    payload.extend([kind, code, 0, 0]);
    payload.extend(fields);
    payload.extend(body);
    let checksum = sum(ip.source, ip.destination, &payload).checksum();
    payload[2..4].copy_from_slice(&checksum.to_be_bytes());
    let protocol = match ip.source {
        IpAddr::V4(_) => protocol::ICMP,
        IpAddr::V6(_) => protocol::ICMPV6,
    };
    IpHeader { protocol, ..*ip }.datagram(&payload)
}

/// The checksum of ICMPv6 includes a pseudo header (RFC 4443 §2.3).
fn sum(source: IpAddr, destination: IpAddr, payload: &[u8]) -> Sum {
    let sum = match source {
        IpAddr::V4(_) => Sum::ZERO,
        IpAddr::V6(_) => Sum::pseudo_header(source, destination, protocol::ICMPV6, payload.len()),
    };
    sum.plus(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Control, Packet, Payload, Refusal, TcpHeader, Text, UdpHeader, parse};

    const V4: [IpAddr; 2] = [ip4(1), ip4(2)];
    const V6: [IpAddr; 2] = [ip6(1), ip6(2)];

    const fn ip4(last: u8) -> IpAddr {
        IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, last))
    }

    const fn ip6(last: u16) -> IpAddr {
        IpAddr::V6(core::net::Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last))
    }

    fn header([source, destination]: [IpAddr; 2]) -> IpHeader {
        IpHeader::new(source, destination, 0, 64)
    }

    /// A TCP segment from this host, the second, to the first.
    fn ours([peer, us]: [IpAddr; 2], text: &[u8]) -> Vec<u8> {
        let tcp = TcpHeader {
            source_port: 40_000,
            destination_port: 7,
            seq: 0x0102_0304,
            control: Control::ACK,
            ..TcpHeader::default()
        };
        Packet::tcp(&header([us, peer]), &tcp, Text::from(text)).to_vec()
    }

    fn quote_of_ours([peer, us]: [IpAddr; 2]) -> Quote {
        Quote {
            source: us,
            destination: peer,
            protocol: protocol::TCP,
            source_port: 40_000,
            destination_port: 7,
            seq: 0x0102_0304,
        }
    }

    fn read(datagram: &[u8]) -> Result<IcmpMessage<'_>, Refusal> {
        match parse(datagram)?.payload {
            Payload::Icmp(message) => Ok(message),
            other => panic!("no ICMP message: {other:?}"),
        }
    }

    /// A message of any kind from the first to the second.
    fn raw(addresses: [IpAddr; 2], kind: u8, code: u8, fields: [u8; 4], body: &[u8]) -> Vec<u8> {
        message(&header(addresses), kind, code, fields, body)
    }

    #[test]
    fn a_ping_by_hand() {
        let bytes = [
            0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 1, 0x26, 0xdb, 10, 0, 0, 1, 10, 0, 0, 2, //
            8, 0, 0x06, 0xfa, 0x12, 0x34, 0, 1, b'p', b'i', b'n', b'g',
        ];
        let echo = Echo {
            identifier: 0x1234,
            sequence: 1,
            data: b"ping",
        };
        assert_eq!(echo_request(&header(V4), &echo), bytes);
        assert_eq!(read(&bytes), Ok(IcmpMessage::EchoRequest(echo)));
    }

    #[test]
    fn echo_goes_through_in_both_families() {
        let echo = Echo {
            identifier: 1,
            sequence: 0xffff,
            data: &[7; 1000],
        };
        for ip in [header(V4), header(V6)] {
            let request = echo_request(&ip, &echo);
            assert_eq!(read(&request), Ok(IcmpMessage::EchoRequest(echo)));
            let reply = echo_reply(&ip, &echo);
            assert_eq!(read(&reply), Ok(IcmpMessage::EchoReply(echo)));
            assert!(etherparse::PacketHeaders::from_ip_slice(&reply).is_ok());
        }
    }

    const BOTH: [IcmpError; 5] = [
        IcmpError::Unreachable(Unreachable::Port),
        IcmpError::PacketTooBig { mtu: 1400 },
        IcmpError::HopLimitExceeded,
        IcmpError::ReassemblyTimeExceeded,
        IcmpError::ParameterProblem {
            code: 0,
            pointer: 40,
        },
    ];

    fn all_errors() -> impl Iterator<Item = ([IpAddr; 2], IcmpError)> {
        let v4 = Unreachable::V4.map(|(_, reason)| IcmpError::Unreachable(reason));
        let v6 = Unreachable::V6.map(|(_, reason)| IcmpError::Unreachable(reason));
        let v4 = v4.into_iter().chain(BOTH).map(|error| (V4, error));
        v4.chain(v6.into_iter().chain(BOTH).map(|error| (V6, error)))
    }

    #[test]
    fn every_error_goes_through_with_its_quote() {
        for (addresses, it) in all_errors() {
            let offending = ours(addresses, b"some text");
            let bytes = error(addresses[0], 64, it, &offending).unwrap();
            let expected = IcmpMessage::Error(it, quote_of_ours(addresses));
            assert_eq!(read(&bytes), Ok(expected));
            let ip = parse(&bytes).unwrap().ip;
            assert_eq!([ip.source, ip.destination], addresses);
        }
    }

    #[test]
    fn a_quote_is_as_long_as_fits() {
        for (addresses, most) in [(V4, 576), (V6, 1280)] {
            let overhead = if most == 576 { 28 } else { 48 };
            for text in [0, 400, 1400] {
                let offending = ours(addresses, &vec![1; text]);
                let bytes = error(addresses[0], 64, BOTH[0], &offending).unwrap();
                assert_eq!(bytes.len(), most.min(offending.len() + overhead));
                assert!(offending.starts_with(&bytes[overhead..]));
            }
        }
    }

    #[test]
    fn the_quote_of_a_udp_datagram_and_of_another_protocol() {
        for addresses in [V4, V6] {
            let [peer, us] = addresses;
            let udp = UdpHeader {
                source_port: 5,
                destination_port: 6,
            };
            let offending = Packet::udp(&header([us, peer]), &udp, Text::EMPTY).to_vec();
            let bytes = error(peer, 64, BOTH[0], &offending).unwrap();
            let quote = Quote {
                protocol: protocol::UDP,
                source_port: 5,
                destination_port: 6,
                seq: 0,
                ..quote_of_ours(addresses)
            };
            assert_eq!(read(&bytes), Ok(IcmpMessage::Error(BOTH[0], quote)));

            let offending = IpHeader::new(us, peer, 253, 64).datagram(&[1; 8]);
            let bytes = error(peer, 64, BOTH[0], &offending).unwrap();
            let quote = Quote {
                protocol: 253,
                source_port: 0,
                destination_port: 0,
                seq: 0,
                ..quote
            };
            assert_eq!(read(&bytes), Ok(IcmpMessage::Error(BOTH[0], quote)));
        }
    }

    #[test]
    fn a_quote_may_end_behind_eight_octets_of_transport_header_and_not_before() {
        for (addresses, kind, ip_header) in [(V4, 3, 20), (V6, 1, 40)] {
            let offending = ours(addresses, b"text");
            for len in 0..=offending.len() {
                let bytes = raw(addresses, kind, 0, [0; 4], &offending[..len]);
                let expected = match len >= ip_header + 8 {
                    true => Ok(IcmpMessage::Error(
                        IcmpError::Unreachable(Unreachable::Network),
                        quote_of_ours(addresses),
                    )),
                    false => Err(Malformed::IcmpQuote.into()),
                };
                assert_eq!(read(&bytes), expected, "{len} octets");
            }
        }
    }

    #[test]
    fn an_ipv6_quote_is_found_behind_extension_headers_and_in_a_first_fragment() {
        let [peer, us] = V6;
        let segment = &ours(V6, b"text")[40..];
        let options = [protocol::FRAGMENT, 0, 1, 4, 0, 0, 0, 0];
        let fragment = |offset_and_more: u8| [protocol::TCP, 0, 0, offset_and_more, 0, 0, 0, 9];
        let quoting = |fragment: [u8; 8]| {
            let payload = [&options, &fragment, segment].concat();
            let ip = IpHeader::new(us, peer, protocol::DESTINATION_OPTIONS, 64);
            raw(V6, 1, 4, [0; 4], &ip.datagram(&payload))
        };
        let expected =
            IcmpMessage::Error(IcmpError::Unreachable(Unreachable::Port), quote_of_ours(V6));
        assert_eq!(read(&quoting(fragment(0))), Ok(expected), "whole");
        assert_eq!(read(&quoting(fragment(1))), Ok(expected), "the first");
        let refused = Err(Malformed::IcmpQuote.into());
        assert_eq!(read(&quoting(fragment(8))), refused, "the last");
    }

    #[test]
    fn what_is_not_acted_upon() {
        let rows = [
            (V4, 4, 0, "source quench"),
            (V4, 5, 1, "redirect"),
            (V4, 3, 16, "unknown code of unreachable"),
            (V4, 11, 2, "unknown code of time exceeded"),
            (V4, 8, 1, "echo request with a code"),
            (V4, 13, 1, "timestamp"),
            (V4, 128, 0, "ICMPv6's echo request over IPv4"),
            (V6, 137, 0, "redirect"),
            (V6, 129, 1, "echo reply with a code"),
            (V6, 134, 0, "router advertisement"),
            (V6, 200, 0, "private experimentation"),
        ];
        for (addresses, kind, code, what) in rows {
            let bytes = raw(addresses, kind, code, [0; 4], &ours(addresses, b""));
            let expected = IcmpMessage::Ignored { kind, code };
            assert_eq!(read(&bytes), Ok(expected), "{what}");
        }
    }

    /// RFC 4443 §2.4 (a): an error of an unknown type goes to the protocol above.
    #[test]
    fn an_error_that_nobody_knows_is_one_over_ipv6() {
        for (kind, code) in [(0, 0), (1, 7), (3, 2), (8, 0), (100, 3), (127, 255)] {
            let bytes = raw(V6, kind, code, [0; 4], &ours(V6, b""));
            let error = IcmpError::Unknown { kind, code };
            let expected = IcmpMessage::Error(error, quote_of_ours(V6));
            assert_eq!(read(&bytes), Ok(expected));
        }
    }

    #[test]
    fn the_code_of_packet_too_big_is_ignored() {
        let bytes = raw(V6, 2, 9, [0, 0, 5, 0], &ours(V6, b""));
        let error = IcmpError::PacketTooBig { mtu: 1280 };
        let expected = IcmpMessage::Error(error, quote_of_ours(V6));
        assert_eq!(read(&bytes), Ok(expected));
    }

    #[test]
    fn a_message_for_the_other_family_is_of_an_unknown_protocol() {
        for (addresses, protocol) in [(V4, protocol::ICMPV6), (V6, protocol::ICMP)] {
            let [source, destination] = addresses;
            let bytes = IpHeader::new(source, destination, protocol, 64).datagram(&[8; 8]);
            let payload = parse(&bytes).unwrap().payload;
            assert!(matches!(payload, Payload::Unknown { .. }), "{payload:?}");
        }
    }

    /// RFC 1122 §3.2.2 and RFC 4443 §2.4(e).
    #[test]
    fn whom_no_error_is_sent() {
        let too_big = IcmpError::PacketTooBig { mtu: 1280 };
        let option = IcmpError::ParameterProblem {
            code: 2,
            pointer: 42,
        };
        let hop_limit = IcmpError::HopLimitExceeded;
        let to = |source: &str, destination: &str| {
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            IpHeader::new(source, destination, protocol::UDP, 64).datagram(&[0; 8])
        };
        let echo = Echo {
            identifier: 0,
            sequence: 0,
            data: b"",
        };
        let mut second = to("10.0.0.2", "10.0.0.1");
        second[7] = 1;
        let rows = [
            ("10.0.0.1", hop_limit, to("10.0.0.2", "10.0.0.1"), true),
            ("10.0.0.1", hop_limit, second, false),
            ("10.0.0.1", hop_limit, to("0.0.0.0", "10.0.0.1"), false),
            ("10.0.0.1", hop_limit, to("224.0.0.1", "10.0.0.1"), false),
            (
                "10.0.0.1",
                hop_limit,
                to("255.255.255.255", "10.0.0.1"),
                false,
            ),
            ("10.0.0.1", hop_limit, to("10.0.0.2", "224.0.0.1"), false),
            ("10.0.0.1", too_big, to("10.0.0.2", "224.0.0.1"), false),
            (
                "10.0.0.1",
                hop_limit,
                to("10.0.0.2", "255.255.255.255"),
                false,
            ),
            ("10.0.0.1", hop_limit, echo_reply(&header(V4), &echo), true),
            ("10.0.0.1", hop_limit, raw(V4, 5, 0, [0; 4], b""), false),
            ("10.0.0.1", hop_limit, raw(V4, 3, 1, [0; 4], b""), false),
            ("10.0.0.1", hop_limit, to("fd00::2", "fd00::1"), false),
            ("10.0.0.1", hop_limit, vec![0x45; 19], false),
            ("fd00::1", hop_limit, to("fd00::2", "fd00::1"), true),
            ("fd00::1", hop_limit, to("::", "fd00::1"), false),
            ("fd00::1", hop_limit, to("ff02::1", "fd00::1"), false),
            ("fd00::1", hop_limit, to("fd00::2", "ff02::1"), false),
            ("fd00::1", too_big, to("fd00::2", "ff02::1"), true),
            ("fd00::1", option, to("fd00::2", "ff02::1"), true),
            ("fd00::1", hop_limit, echo_reply(&header(V6), &echo), true),
            ("fd00::1", hop_limit, raw(V6, 1, 4, [0; 4], b""), false),
            ("fd00::1", hop_limit, raw(V6, 127, 0, [0; 4], b""), false),
            ("fd00::1", hop_limit, raw(V6, 137, 0, [0; 4], b""), false),
            ("fd00::1", hop_limit, vec![0x60; 39], false),
        ];
        for (row, (from, it, offending, sent)) in rows.into_iter().enumerate() {
            let answer = error(from.parse().unwrap(), 64, it, &offending);
            assert_eq!(answer.is_some(), sent, "row {row}");
        }
    }

    #[test]
    fn about_what_may_be_an_error_none_is_sent() {
        let with = |addresses, protocol, payload: &[u8]| {
            IpHeader {
                protocol,
                ..header(addresses)
            }
            .datagram(payload)
        };
        let second = |next| with(V6, protocol::FRAGMENT, &[next, 0, 0, 8, 0, 0, 0, 0, 1]);
        let rows = [
            (V4, with(V4, protocol::ICMP, &[]), false),
            (V6, with(V6, protocol::ICMPV6, &[]), false),
            // RFC 8200 §4.5 has errors about later fragments; an ICMP error has none.
            (V6, second(protocol::ICMPV6), true),
            (V6, second(protocol::UDP), true),
        ];
        for (row, ([_, us], offending, sent)) in rows.into_iter().enumerate() {
            let answer = error(us, 64, IcmpError::HopLimitExceeded, &offending);
            assert_eq!(answer.is_some(), sent, "row {row}");
        }
    }

    #[test]
    fn an_error_that_the_family_does_not_have_is_not_sent() {
        let rows = [
            (V4, IcmpError::Unreachable(Unreachable::BeyondScope)),
            (V4, IcmpError::PacketTooBig { mtu: 65_536 }),
            (
                V4,
                IcmpError::ParameterProblem {
                    code: 0,
                    pointer: 256,
                },
            ),
            (V6, IcmpError::Unreachable(Unreachable::Protocol)),
        ];
        for (addresses, it) in rows {
            let offending = ours(addresses, b"");
            assert_eq!(error(addresses[0], 64, it, &offending), None, "{it:?}");
        }
    }
}
