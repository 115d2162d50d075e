//! ICMP for IPv4 (RFC 792) and IPv6 (RFC 4443): echo and errors, as values that do not show the
//! family.

use core::net::IpAddr;

use etherparse::{Icmpv4Slice, Icmpv6Slice};

use super::checksum::Sum;
use super::ip::{IpHeader, Quoted, is_host, protocol};
use super::malformed::Malformed;
use super::{ipv4, ipv6};

/// Length of the part that all messages have, in octets.
const HEADER: usize = 8;

/// An ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpMessage<'a> {
    /// Somebody asks whether this host is alive.
    EchoRequest(Echo<'a>),
    /// Somebody answers such a question.
    EchoReply(Echo<'a>),
    /// Something became of a datagram that this host is said to have sent.
    Error(IcmpError, Quote),
    /// Nothing to act upon: source quench (RFC 6633), redirects (a host on a point-to-point link
    /// has one way only), and everything unknown.
    Ignored {
        /// The type field.
        kind: u8,
        /// The code field.
        code: u8,
    },
}

/// What an echo request says and its reply repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Tells one sequence of requests from another.
    pub identifier: u16,
    /// The place in that sequence.
    pub sequence: u16,
    /// Anything.
    pub data: &'a [u8],
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpError {
    /// It did not get there.
    Unreachable(Unreachable),
    /// It is too long for a link on the way, and may not be fragmented (RFC 1191, RFC 8201).
    PacketTooBig {
        /// The longest datagram that the link takes, in octets; 0 if an old router does not say.
        mtu: u32,
    },
    /// It took too long: hop limit reached on the way.
    HopLimitExceeded,
    /// It took too long: fragments missing at the receiver.
    ReassemblyTimeExceeded,
    /// Somebody could not make sense of it.
    ParameterProblem {
        /// IPv6: 0, wrong field; 1, unknown next header; 2, unknown option; 3, a first fragment
        /// without its whole header chain. IPv4: 0.
        code: u8,
        /// The octet of the datagram where the problem is.
        pointer: u32,
    },
}

/// Why a datagram did not get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unreachable {
    /// No route to the network.
    Network,
    /// The host does not answer its router.
    Host,
    /// The host does not speak the protocol (IPv4 only).
    Protocol,
    /// Nobody uses the port.
    Port,
    /// The source route failed (IPv4 only).
    SourceRouteFailed,
    /// The network is unknown (IPv4 only).
    NetworkUnknown,
    /// The host is unknown (IPv4 only).
    HostUnknown,
    /// The source is isolated (IPv4 only, obsolete).
    SourceHostIsolated,
    /// The network is prohibited (IPv4 only).
    NetworkProhibited,
    /// The host is prohibited (IPv4 only).
    HostProhibited,
    /// The network is unreachable with this type of service (IPv4 only).
    NetworkTypeOfService,
    /// The host is unreachable with this type of service (IPv4 only).
    HostTypeOfService,
    /// A filter forbids it.
    Prohibited,
    /// Host precedence violation (IPv4 only).
    HostPrecedence,
    /// Precedence cutoff in effect (IPv4 only).
    PrecedenceCutoff,
    /// Beyond the scope of the source address (IPv6 only).
    BeyondScope,
    /// The source address failed ingress or egress policy (IPv6 only).
    SourcePolicy,
    /// The route to the destination rejects (IPv6 only).
    RejectRoute,
}

impl Unreachable {
    /// Codes of ICMPv4 type 3; code 4 is [`IcmpError::PacketTooBig`].
    const V4: [(u8, Unreachable); 15] = [
        (0, Unreachable::Network),
        (1, Unreachable::Host),
        (2, Unreachable::Protocol),
        (3, Unreachable::Port),
        (5, Unreachable::SourceRouteFailed),
        (6, Unreachable::NetworkUnknown),
        (7, Unreachable::HostUnknown),
        (8, Unreachable::SourceHostIsolated),
        (9, Unreachable::NetworkProhibited),
        (10, Unreachable::HostProhibited),
        (11, Unreachable::NetworkTypeOfService),
        (12, Unreachable::HostTypeOfService),
        (13, Unreachable::Prohibited),
        (14, Unreachable::HostPrecedence),
        (15, Unreachable::PrecedenceCutoff),
    ];

    /// Codes of ICMPv6 type 1.
    const V6: [(u8, Unreachable); 7] = [
        (0, Unreachable::Network),
        (1, Unreachable::Prohibited),
        (2, Unreachable::BeyondScope),
        (3, Unreachable::Host),
        (4, Unreachable::Port),
        (5, Unreachable::SourcePolicy),
        (6, Unreachable::RejectRoute),
    ];

    fn from_code(codes: &[(u8, Unreachable)], code: u8) -> Option<Unreachable> {
        let (_, unreachable) = codes.iter().find(|(number, _)| *number == code)?;
        Some(*unreachable)
    }

    fn code(self, codes: &[(u8, Unreachable)]) -> Option<u8> {
        let (code, _) = codes.iter().find(|(_, unreachable)| *unreachable == self)?;
        Some(*code)
    }
}

/// Of a datagram that an error quotes: what finds its connection and proves that the quoting host
/// has seen it (RFC 5927 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// Its source: this host.
    pub source: IpAddr,
    /// Its destination.
    pub destination: IpAddr,
    /// Its protocol, behind all extension headers.
    pub protocol: u8,
    /// TCP and UDP: the source port. Otherwise 0.
    pub source_port: u16,
    /// TCP and UDP: the destination port. Otherwise 0.
    pub destination_port: u16,
    /// TCP: the sequence number. Otherwise 0.
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
    /// RFC 1812 §4.3.2.3: what every host can take in one piece.
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
/// If the header is not all there, the checksum is wrong, or an error quotes too little of a
/// datagram to say which it was (RFC 792 and RFC 4443 have at least its IP headers and 64 bits).
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
        (v6::UNREACHABLE, _) => {
            Unreachable::from_code(&Unreachable::V6, code).map(IcmpError::Unreachable)
        }
        // RFC 4443 §3.2: the code is ignored.
        (v6::PACKET_TOO_BIG, _) => Some(IcmpError::PacketTooBig { mtu: number }),
        (v6::TIME_EXCEEDED, 0) => Some(IcmpError::HopLimitExceeded),
        (v6::TIME_EXCEEDED, 1) => Some(IcmpError::ReassemblyTimeExceeded),
        (v6::PARAMETER_PROBLEM, _) => Some(IcmpError::ParameterProblem {
            code,
            pointer: number,
        }),
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
    Ok(quote)
}

/// An echo request as a whole datagram. The protocol of `ip` does not count.
///
/// # Panics
/// If the addresses differ in family, or the datagram would be longer than 65,535 octets.
pub fn echo_request(ip: &IpHeader, echo: &Echo<'_>) -> Vec<u8> {
    echo_message(ip, echo, v4::ECHO_REQUEST, v6::ECHO_REQUEST)
}

/// An echo reply as a whole datagram. The protocol of `ip` does not count.
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

/// The ICMP error that tells the sender of `offending` what became of it, as a whole datagram
/// with as much of it as fits: 576 octets in all with IPv4 (RFC 1812 §4.3.2.3), 1280 with IPv6
/// (RFC 4443 §2.4(c)). `from` is an address of this host, of the same family.
///
/// `None` if none may be sent (RFC 1122 §3.2.2, RFC 4443 §2.4(e)): about an ICMP error, a fragment
/// that is not the first, a datagram to many hosts or from none that could be answered; or if the
/// family has no such error. It does not limit the rate: the stack does.
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
        (protocol::ICMPV6, None) => !v4,
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

/// ICMPv6 sums a pseudo header, too (RFC 4443 §2.3).
fn sum(source: IpAddr, destination: IpAddr, payload: &[u8]) -> Sum {
    let sum = match source {
        IpAddr::V4(_) => Sum::ZERO,
        IpAddr::V6(_) => Sum::pseudo_header(source, destination, protocol::ICMPV6, payload.len()),
    };
    sum.plus(payload)
}
