//! Makes the datagrams that a script injects.

use core::net::{IpAddr, SocketAddr};

use super::super::ast::{
    Body, Diagnosis, Icmp, IpInfo, Options, Packet, Quote, SeqNumber, Tcp, TcpOption,
};
use super::control::{ACK, CWR, FIN, PSH, SYN};
use super::icmp;
use super::ip;
use super::numbers::Numbers;
use super::outer::carried_by;
use crate::wire::checksum::Sum;
use crate::wire::protocol;

/// The two hosts of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Addresses {
    /// The stack's address.
    pub(in super::super) local: IpAddr,
    /// The peer's address.
    pub(in super::super) remote: IpAddr,
    /// The address of the router between them.
    pub(in super::super) gateway: IpAddr,
}

/// The route of a packet.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Route {
    pub(in super::super) local: SocketAddr,
    pub(in super::super) remote: SocketAddr,
    pub(in super::super) gateway: IpAddr,
    /// Longer text goes in several segments; 0: text is always one segment, whatever the MTU.
    pub(in super::super) mss: usize,
    /// Echoed timestamps have the same distance from the first as in the script.
    pub(in super::super) scaled_echo: bool,
}

/// The most octets of a datagram of IPv4 (RFC 791 §3.1).
const LONGEST: usize = 65_535;
/// The headers of IPv4 and TCP without options.
const HEADERS: usize = 40;

/// The datagrams of a packet that is injected: several if its text is too long for one.
///
/// # Errors
/// What cannot be translated, in words.
pub(in super::super) fn build(
    packet: &Packet,
    route: &Route,
    numbers: &Numbers,
) -> Result<Vec<Vec<u8>>, String> {
    let datagrams = plain(packet, route, numbers)?;
    let datagrams = datagrams.into_iter();
    Ok(datagrams.map(|it| carried_by(&packet.outer, it)).collect())
}

/// The same without the outer headers.
fn plain(packet: &Packet, route: &Route, numbers: &Numbers) -> Result<Vec<Vec<u8>>, String> {
    match &packet.body {
        Body::Tcp(tcp) => segments(tcp, packet.ip, route, numbers),
        Body::Udp { len } => {
            let mut datagram = Vec::from(route.remote.port().to_be_bytes());
            datagram.extend(route.local.port().to_be_bytes());
            datagram.extend((len + 8).to_be_bytes());
            datagram.extend([0, 0]);
            datagram.resize(8 + usize::from(*len), 0);
            Ok(vec![inward(
                packet.ip,
                route,
                protocol::UDP,
                datagram,
                Some(6),
            )])
        }
        Body::Icmp(icmp) => Ok(vec![message(icmp, packet.ip, route, numbers)?]),
    }
}

/// A datagram to the stack; the checksum is at offset `checksum` of the payload.
fn inward(
    info: IpInfo,
    route: &Route,
    protocol: u8,
    mut payload: Vec<u8>,
    checksum: Option<usize>,
) -> Vec<u8> {
    let (source, destination) = (route.remote.ip(), route.local.ip());
    if let Some(at) = checksum {
        let sum = Sum::pseudo_header(source, destination, protocol, payload.len());
        let value = sum.plus(&payload).checksum();
        payload[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }
    let mut datagram = ip::header(info, source, destination, protocol, payload.len());
    datagram.extend(payload);
    datagram
}

fn segments(
    tcp: &Tcp,
    info: IpInfo,
    route: &Route,
    numbers: &Numbers,
) -> Result<Vec<Vec<u8>>, String> {
    let options = options(tcp, numbers, route.scaled_echo)?;
    // Text longer than the MTU is one segment, as if the receiver's device had merged the pieces,
    // unless the script gives the size of the pieces.
    let most = match route.mss {
        0 => usize::MAX,
        mss => mss,
    };
    let mut pieces = Vec::new();
    let mut at = 0;
    let len = tcp.len as usize;
    let has_room = LONGEST - HEADERS - options.len();
    if len.min(most) > has_room {
        return Err(format!(
            "{} octets are no one datagram: --mss=N says what they are cut to",
            len.min(most)
        ));
    }
    loop {
        let piece = (len - at).min(most);
        let is_last = at + piece == len;
        let mut control = tcp.control;
        if !is_last {
            control &= !(FIN | PSH);
        }
        if at > 0 {
            control &= !CWR;
        }
        let header = Header {
            control,
            offset: at as u32,
            options: &options,
        };
        pieces.push(segment(tcp, info, route, numbers, &header, piece));
        at += piece;
        if is_last {
            return Ok(pieces);
        }
    }
}

/// What differs from piece to piece.
struct Header<'a> {
    control: u16,
    offset: u32,
    options: &'a [u8],
}

fn segment(
    tcp: &Tcp,
    info: IpInfo,
    route: &Route,
    numbers: &Numbers,
    header: &Header<'_>,
    len: usize,
) -> Vec<u8> {
    let has_syn = tcp.control & SYN != 0;
    let seq = match tcp.seq {
        SeqNumber::Relative(seq) => numbers.remote_to_live(seq, has_syn),
        SeqNumber::Absolute(seq) => seq,
        SeqNumber::Any => numbers.remote_to_live(0, has_syn),
    };
    let ack = match tcp.control & ACK {
        0 => tcp.ack,
        _ if tcp.ack_absolute => tcp.ack,
        _ => numbers.local_to_live(tcp.ack, has_syn),
    };
    let words = 5 + header.options.len() as u16 / 4;
    let mut octets = Vec::from(route.remote.port().to_be_bytes());
    octets.extend(route.local.port().to_be_bytes());
    octets.extend(seq.wrapping_add(header.offset).to_be_bytes());
    octets.extend(ack.to_be_bytes());
    octets.extend((words << 12 | header.control).to_be_bytes());
    octets.extend(tcp.window.unwrap_or(0).to_be_bytes());
    octets.extend([0, 0]);
    octets.extend(tcp.urgent.to_be_bytes());
    octets.extend(header.options);
    octets.resize(octets.len() + len, 0);
    octets.extend(tcp.diagnosis.iter().flat_map(Diagnosis::octets));
    inward(info, route, protocol::TCP, octets, Some(16))
}

impl Diagnosis {
    /// A CBOR map (RFC 8949): 1 is the code, 2 the enterprise number.
    pub(super) fn octets(&self) -> Vec<u8> {
        let members = [(1, Some(self.code)), (2, self.enterprise)];
        let members = members.map(|(key, number)| Some((key, number?)));
        let members: Vec<(u8, u32)> = members.into_iter().flatten().collect();
        let mut octets = vec![0xa0 | members.len() as u8];
        for (key, number) in members {
            octets.extend([key, 0x1a]);
            octets.extend(number.to_be_bytes());
        }
        octets
    }
}

fn options(tcp: &Tcp, numbers: &Numbers, scaled: bool) -> Result<Vec<u8>, String> {
    let Options::These(options) = &tcp.options else {
        return Ok(Vec::new());
    };
    let mut octets = Vec::new();
    for option in options {
        match option {
            TcpOption::Timestamps {
                val,
                ecr,
                ecr_absolute,
            } => {
                let echo = match tcp.control & ACK != 0 && !ecr_absolute {
                    true => numbers.echo_to_live(*ecr, scaled).ok_or_else(|| {
                        format!("no timestamp {ecr} was seen that could be echoed")
                    })?,
                    false => *ecr,
                };
                octets.extend([8, 10]);
                octets.extend(val.unwrap_or(0).to_be_bytes());
                octets.extend(echo.to_be_bytes());
            }
            TcpOption::Sack(blocks) => {
                let has_syn = tcp.control & SYN != 0;
                octets.extend([5, 2 + 8 * blocks.len() as u8]);
                for (left, right) in blocks {
                    octets.extend(numbers.local_to_live(*left, has_syn).to_be_bytes());
                    octets.extend(numbers.local_to_live(*right, has_syn).to_be_bytes());
                }
            }
            other => octets.extend(other.octets()),
        }
    }
    Ok(octets)
}

impl TcpOption {
    /// An option that is the same in a script and on the wire.
    pub(super) fn octets(&self) -> Vec<u8> {
        match self {
            TcpOption::Mss(mss) => [&[2, 4][..], &mss.to_be_bytes()].concat(),
            TcpOption::WindowScale(shift) => vec![3, 3, *shift],
            TcpOption::SackPermitted => vec![4, 2],
            TcpOption::Nop => vec![1],
            TcpOption::End => vec![0],
            TcpOption::ValidSignature => [&[19, 18][..], &[0; 16]].concat(),
            TcpOption::Other(kind, data) => [&[*kind, 2 + data.len() as u8], &data[..]].concat(),
            TcpOption::Raw(octets) => octets.clone(),
            TcpOption::Timestamps { .. } | TcpOption::Sack(_) => Vec::new(),
        }
    }
}

/// An ICMP message. An error comes from the router, and quotes what the stack has sent.
fn message(icmp: &Icmp, info: IpInfo, route: &Route, numbers: &Numbers) -> Result<Vec<u8>, String> {
    let is_ipv4 = route.local.is_ipv4();
    let (kind, code) = icmp::numbers(icmp, is_ipv4)?;
    let is_echo = matches!((kind, is_ipv4), (0 | 8, true) | (128 | 129, false));
    let mut octets = vec![kind, code, 0, 0];
    match (icmp.id, icmp.mtu) {
        (Some(id), _) => {
            octets.extend(id.to_be_bytes());
            octets.extend([0, 0]);
        }
        (None, mtu) => octets.extend(mtu.unwrap_or(0).to_be_bytes()),
    }
    octets.extend(quoted(icmp.quote, route, numbers, is_echo));
    let from = if is_echo {
        route.remote.ip()
    } else {
        route.gateway
    };
    let back = Route {
        remote: SocketAddr::new(from, 0),
        ..*route
    };
    if is_ipv4 {
        let sum = Sum::default().plus(&octets).checksum();
        octets[2..4].copy_from_slice(&sum.to_be_bytes());
        return Ok(inward(info, &back, protocol::ICMP, octets, None));
    }
    Ok(inward(info, &back, protocol::ICMPV6, octets, Some(2)))
}

/// The beginning of a datagram that the stack has sent: its IP header and eight octets.
fn quoted(quote: Quote, route: &Route, numbers: &Numbers, is_echo: bool) -> Vec<u8> {
    let (source, destination) = (route.local.ip(), route.remote.ip());
    let (protocol, upper, rest) = match quote {
        Quote::Raw { len } => return vec![0; (len as usize).min(1200)],
        Quote::Unsaid if is_echo => return Vec::new(),
        Quote::Udp { len } => (protocol::UDP, 8 + len as usize, {
            let len = (8 + len) as u16;
            [len.to_be_bytes(), [0, 0]].concat()
        }),
        Quote::Unsaid => (
            protocol::TCP,
            20,
            numbers.local_to_live(0, false).to_be_bytes().to_vec(),
        ),
        Quote::Tcp { seq, len } => {
            let seq = numbers.local_to_live(seq, false);
            (protocol::TCP, 20 + len as usize, seq.to_be_bytes().to_vec())
        }
    };
    let info = IpInfo {
        ttl: Some(64),
        ..IpInfo::default()
    };
    let mut octets = ip::header(info, source, destination, protocol, upper);
    octets.extend(route.local.port().to_be_bytes());
    octets.extend(route.remote.port().to_be_bytes());
    octets.extend(rest);
    octets
}

#[cfg(test)]
mod tests {
    use super::super::super::ast::Action;
    use super::super::super::definitions::Definitions;
    use super::super::super::parser::parse;
    use super::*;
    use crate::wire::{self, IcmpError, IcmpMessage, Payload, Unreachable};

    fn route(is_ipv4: bool) -> Route {
        let (local, remote, gateway): (IpAddr, IpAddr, IpAddr) = match is_ipv4 {
            true => (
                [10, 0, 0, 1].into(),
                [10, 0, 0, 2].into(),
                [10, 0, 0, 3].into(),
            ),
            false => ([1; 16].into(), [2; 16].into(), [3; 16].into()),
        };
        Route {
            local: SocketAddr::new(local, 80),
            remote: SocketAddr::new(remote, 1024),
            gateway,
            mss: 0,
            scaled_echo: false,
        }
    }

    fn made(text: &str, is_ipv4: bool, route: &Route) -> Vec<Vec<u8>> {
        let text = format!("0 < {text}");
        let script = parse(&text, &Definitions::default()).unwrap();
        let Action::Packet(packet) = &script.events[0].action else {
            panic!("no packet");
        };
        let mut numbers = Numbers::default();
        numbers.learn_remote(100);
        numbers.learn_local(0, 9000);
        assert_eq!(is_ipv4, route.local.is_ipv4());
        build(packet, route, &numbers).unwrap()
    }

    #[test]
    fn the_stack_reads_what_the_script_says() {
        for is_ipv4 in [true, false] {
            let text = "[tos 0x15, ttl 9] P. 1:5(4) ack 3 win 77 <sack 1:2,nop,nop>";
            let datagrams = made(text, is_ipv4, &route(is_ipv4));
            let parsed = wire::parse(&datagrams[0]).unwrap();
            assert_eq!((parsed.ip.traffic_class, parsed.ip.hop_limit), (0x15, 9));
            let Payload::Tcp(header, text) = parsed.payload else {
                panic!("no segment");
            };
            assert_eq!((header.seq, header.ack, header.window), (101, 9003, 77));
            assert_eq!(header.options.sack.as_slice()[0].left, 9001);
            assert_eq!((text.len(), header.control.bits()), (4, PSH | ACK));
        }
    }

    /// Decoded according to RFC 8949 §3: a map of two entries, with two numbers of four octets.
    #[test]
    fn a_reset_tells_why() {
        let text = "R. 1:1(0) ack 1 win 0 [code 7, pen 258]";
        let datagrams = made(text, true, &route(true));
        let Payload::Tcp(header, text) = wire::parse(&datagrams[0]).unwrap().payload else {
            panic!("no segment");
        };
        assert_eq!(header.seq, 101);
        let map = [0xa2, 1, 0x1a, 0, 0, 0, 7, 2, 0x1a, 0, 0, 1, 2];
        assert_eq!(text, map);
        assert_eq!(
            Diagnosis {
                code: 9,
                enterprise: None
            }
            .octets(),
            [0xa1, 1, 0x1a, 0, 0, 0, 9]
        );
    }

    #[test]
    fn long_text_goes_in_pieces_and_push_and_fin_with_the_last() {
        let route = Route {
            mss: 1000,
            ..route(true)
        };
        let datagrams = made("FP. 1:2501(2500) ack 1 win 9", true, &route);
        let piece = |datagram: &Vec<u8>| {
            let Payload::Tcp(header, text) = wire::parse(datagram).unwrap().payload else {
                panic!("no segment");
            };
            (header.seq, text.len(), header.control.bits())
        };
        let pieces: Vec<_> = datagrams.iter().map(piece).collect();
        assert_eq!(
            pieces,
            [
                (101, 1000, ACK),
                (1101, 1000, ACK),
                (2101, 500, ACK | PSH | FIN)
            ]
        );
    }

    #[test]
    fn an_error_quotes_what_the_stack_sent() {
        for is_ipv4 in [true, false] {
            let text = "icmp unreachable port_unreachable [1:1001(1000)]";
            let datagrams = made(text, is_ipv4, &route(is_ipv4));
            let parsed = wire::parse(&datagrams[0]).unwrap();
            assert_eq!(parsed.ip.source, route(is_ipv4).gateway);
            let Payload::Icmp(IcmpMessage::Error(error, quote)) = parsed.payload else {
                panic!("no error");
            };
            assert_eq!(error, IcmpError::Unreachable(Unreachable::Port));
            assert_eq!((quote.seq, quote.source_port), (9001, 80));
        }
    }

    #[test]
    fn udp_is_udp() {
        let datagrams = made("udp (5)", true, &route(true));
        let Payload::Udp(header, text) = wire::parse(&datagrams[0]).unwrap().payload else {
            panic!("no datagram");
        };
        assert_eq!((header.source_port, text.len()), (1024, 5));
    }
}
