//! A datagram in tcpdump's notation, sequence numbers as they stand on the wire (`tcpdump -nS`).

use core::fmt::{self, Display, Formatter};
use core::net::IpAddr;

use super::icmp::{Echo, IcmpError, IcmpMessage, Quote, Unreachable};
use super::ip::content;
use super::ip_header::{Content, IpHeader, protocol};
use super::membership::{Membership, Query};
use super::options::{
    AccurateEcn, CounterOrder, FastOpen, Known, RawOption, RawOptions, Timestamps,
};
use super::tcp::{Control, TcpHeader};
use super::{Checksum, Payload, parse_payload};

/// Prints any datagram in one line. One that [`parse`](super::parse) refuses is printed with the
/// reason.
///
/// ```
/// use stubborn::wire::{IpHeader, Packet, Text, UdpHeader, dump, protocol};
///
/// let ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), protocol::UDP, 64);
/// let udp = UdpHeader { source_port: 5000, destination_port: 9 };
/// let datagram = Packet::udp(&ip, &udp, Text::from(&b"hello"[..])).to_vec();
/// let line = dump::describe(&datagram).to_string();
/// assert_eq!(line, "IP 10.0.0.1.5000 > 10.0.0.2.9: UDP, length 5");
/// ```
pub fn describe(datagram: &[u8]) -> impl Display {
    describe_as(datagram, Checksum::Complete)
}

/// As [`describe`], from a device that says how much of the checksum of TCP or UDP is there.
pub fn describe_as(datagram: &[u8], checksum: Checksum) -> impl Display {
    Line(datagram, checksum)
}

struct Line<'a>(&'a [u8], Checksum);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (ip, content) = match content(self.0) {
            Ok(read) => read,
            Err(refusal) => return write!(f, "refused: {refusal}, length {}", self.0.len()),
        };
        let (payload, start, pointer) = match content {
            Content::Whole {
                payload,
                start,
                pointer,
            } => (payload, start, pointer),
            Content::Fragment(fragment) => {
                let (at, len) = (fragment.offset, fragment.payload.len());
                let id = fragment.identification;
                return write!(f, "{} frag ({at}|{len}), id {id}", Hosts(&ip));
            }
        };
        let len = payload.len();
        let vouched = |field| self.1.vouches_for(start, field);
        match parse_payload(&ip, self.0, payload, pointer, vouched) {
            Ok(Payload::Tcp(tcp, text)) => {
                let ports = Ports(&ip, tcp.source_port, tcp.destination_port);
                let options = &payload[20..len - text.len()];
                write!(f, "{ports} ")?;
                segment(f, &tcp, options, text.len())
            }
            Ok(Payload::Udp(udp, text)) => {
                let ports = Ports(&ip, udp.source_port, udp.destination_port);
                write!(f, "{ports} UDP, length {}", text.len())
            }
            Ok(Payload::Icmp(message)) => {
                write!(f, "{} ", Hosts(&ip))?;
                match ip.source {
                    IpAddr::V4(_) => icmp_v4(f, &message)?,
                    IpAddr::V6(_) => icmp_v6(f, &message)?,
                }
                write!(f, ", length {len}")
            }
            Ok(Payload::Membership(message)) => {
                write!(f, "{} ", Hosts(&ip))?;
                membership(f, ip.source.is_ipv4(), &message)?;
                write!(f, ", length {len}")
            }
            Ok(Payload::Nothing) => write!(f, "{} no next header", Hosts(&ip)),
            Ok(Payload::Unknown { .. } | Payload::Fragment(_)) => {
                write!(f, "{} ip-proto-{} {len}", Hosts(&ip), ip.protocol)
            }
            Err(reason) => write!(f, "{} refused: {reason}, length {len}", Hosts(&ip)),
        }
    }
}

/// `IP 10.0.0.1 > 10.0.0.2:`
struct Hosts<'a>(&'a IpHeader);

impl Display for Hosts<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let IpHeader {
            source,
            destination,
            ..
        } = self.0;
        write!(f, "{} {source} > {destination}:", family(source))
    }
}

/// `IP 10.0.0.1.40000 > 10.0.0.2.7:`
struct Ports<'a>(&'a IpHeader, u16, u16);

impl Display for Ports<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Ports(ip, source_port, destination_port) = self;
        let (source, destination) = (ip.source, ip.destination);
        let family = family(&source);
        write!(
            f,
            "{family} {source}.{source_port} > {destination}.{destination_port}:"
        )
    }
}

fn family(address: &IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IP",
        IpAddr::V6(_) => "IP6",
    }
}

fn segment(f: &mut Formatter<'_>, tcp: &TcpHeader, options: &[u8], len: usize) -> fmt::Result {
    write!(f, "Flags [{}]", tcp.control.letters())?;
    if len > 0 {
        // The sequence number after the last octet, as on the wire: it may wrap.
        let end = tcp.seq.wrapping_add(len as u32);
        write!(f, ", seq {}:{end}", tcp.seq)?;
    } else if tcp.control.any(Control::SYN | Control::FIN | Control::RST) {
        write!(f, ", seq {}", tcp.seq)?;
    }
    if tcp.control.has(Control::ACK) {
        write!(f, ", ack {}", tcp.ack)?;
    }
    write!(f, ", win {}", tcp.window)?;
    if tcp.control.has(Control::URG) {
        write!(f, ", urg {}", tcp.urgent)?;
    }
    if !options.is_empty() {
        f.write_str(", options [")?;
        write_options(f, options)?;
        f.write_str("]")?;
    }
    write!(f, ", length {len}")
}

fn write_options(f: &mut Formatter<'_>, options: &[u8]) -> fmt::Result {
    for (index, option) in RawOptions(options).enumerate() {
        f.write_str(if index > 0 { "," } else { "" })?;
        write_option(f, option)?;
    }
    Ok(())
}

fn write_option(f: &mut Formatter<'_>, option: RawOption<'_>) -> fmt::Result {
    let (kind, data) = match option {
        RawOption::End => return f.write_str("eol"),
        RawOption::NoOperation => return f.write_str("nop"),
        RawOption::Bad => return f.write_str("[bad opt]"),
        RawOption::Option { kind, data } => (kind, data),
    };
    match Known::read(kind, data) {
        Some(Known::Mss(mss)) => write!(f, "mss {mss}"),
        Some(Known::WindowScale(shift)) => write!(f, "wscale {shift}"),
        Some(Known::SackPermitted) => f.write_str("sackOK"),
        Some(Known::Timestamps(Timestamps { val, ecr })) => write!(f, "TS val {val} ecr {ecr}"),
        Some(Known::Sack(blocks)) => {
            write!(f, "sack {} ", blocks.len())?;
            let mut blocks = blocks.as_slice().iter();
            blocks.try_for_each(|block| write!(f, "{{{}:{}}}", block.left, block.right))
        }
        Some(Known::AccurateEcn(option)) => accurate_ecn(f, &option),
        Some(Known::FastOpen(FastOpen { cookie, .. })) => {
            f.write_str(if kind == 34 { "tfo " } else { "exp-tfo " })?;
            match cookie {
                Some(cookie) => write!(f, "cookie {cookie}"),
                None => f.write_str("cookiereq"),
            }
        }
        Some(Known::Signature(digest)) => {
            f.write_str("md5 ")?;
            let mut octets = digest.iter();
            octets.try_for_each(|octet| write!(f, "{octet:02x}"))
        }
        None => {
            write!(f, "unknown-{kind}")?;
            f.write_str(if data.is_empty() { "" } else { " 0x" })?;
            data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
        }
    }
}

fn accurate_ecn(f: &mut Formatter<'_>, option: &AccurateEcn) -> fmt::Result {
    f.write_str(match option.order() {
        CounterOrder::E0First => "AccECN0",
        CounterOrder::E1First => "AccECN1",
    })?;
    let e0b = option.e0b().map(|count| ("e0b", count));
    let ceb = option.ceb().map(|count| ("ceb", count));
    let e1b = option.e1b().map(|count| ("e1b", count));
    let mut counters = [e0b, ceb, e1b].into_iter().flatten();
    counters.try_for_each(|(name, count)| write!(f, " {name} {count}"))
}

/// The same for both families.
fn write_echo(f: &mut Formatter<'_>, what: &str, echo: &Echo<'_>) -> fmt::Result {
    let Echo {
        identifier,
        sequence,
        ..
    } = echo;
    write!(f, "echo {what}, id {identifier}, seq {sequence}")
}

fn membership(f: &mut Formatter<'_>, is_ipv4: bool, message: &Membership<'_>) -> fmt::Result {
    f.write_str(if is_ipv4 { "igmp" } else { "mld" })?;
    match message {
        Membership::Query(Query { group: None, .. }) => f.write_str(" query"),
        Membership::Query(Query {
            group: Some(group), ..
        }) => write!(f, " query {group}"),
        Membership::Report(group) => write!(f, " report {group}"),
        Membership::Ignored => f.write_str(" message"),
    }
}

fn icmp_v4(f: &mut Formatter<'_>, message: &IcmpMessage<'_>) -> fmt::Result {
    f.write_str("ICMP ")?;
    match message {
        IcmpMessage::EchoRequest(echo) => write_echo(f, "request", echo),
        IcmpMessage::EchoReply(echo) => write_echo(f, "reply", echo),
        IcmpMessage::Error(IcmpError::Unreachable(reason), quote) => {
            unreachable_v4(f, *reason, quote)
        }
        IcmpMessage::Error(IcmpError::PacketTooBig { mtu }, quote) => {
            write!(f, "{} unreachable - need to frag", quote.destination)?;
            match mtu {
                0 => Ok(()),
                mtu => write!(f, " (mtu {mtu})"),
            }
        }
        IcmpMessage::Error(IcmpError::HopLimitExceeded, _) => {
            f.write_str("time exceeded in-transit")
        }
        IcmpMessage::Error(IcmpError::ReassemblyTimeExceeded, _) => {
            f.write_str("ip reassembly time exceeded")
        }
        IcmpMessage::Error(IcmpError::ParameterProblem { pointer, .. }, _) => {
            write!(f, "parameter problem - octet {pointer}")
        }
        IcmpMessage::Ignored { kind: 4, .. } => f.write_str("source quench"),
        IcmpMessage::Ignored { kind: 5, .. } => f.write_str("redirect"),
        IcmpMessage::Error(IcmpError::Unknown { kind, code }, _)
        | IcmpMessage::Ignored { kind, code } => write!(f, "type-#{kind} code {code}"),
    }
}

fn unreachable_v4(f: &mut Formatter<'_>, reason: Unreachable, quote: &Quote) -> fmt::Result {
    let to = quote.destination;
    let (what, why) = match reason {
        Unreachable::Protocol => {
            return write!(f, "{to} protocol {} unreachable", quote.protocol);
        }
        Unreachable::Port => return write!(f, "{to} {} unreachable", Port(quote)),
        Unreachable::Network => ("net ", ""),
        Unreachable::Host => ("host ", ""),
        Unreachable::SourceRouteFailed => ("", " - source route failed"),
        Unreachable::NetworkUnknown => ("net ", " - unknown"),
        Unreachable::HostUnknown => ("host ", " - unknown"),
        Unreachable::SourceHostIsolated => ("", " - source host isolated"),
        Unreachable::NetworkProhibited => ("net ", " - admin prohibited"),
        Unreachable::HostProhibited => ("host ", " - admin prohibited"),
        Unreachable::NetworkTypeOfService => ("net ", " - tos prohibited"),
        Unreachable::HostTypeOfService => ("host ", " - tos prohibited"),
        Unreachable::Prohibited => ("host ", " - admin prohibited filter"),
        Unreachable::HostPrecedence => ("host ", " - host precedence violation"),
        Unreachable::PrecedenceCutoff => ("host ", " - precedence cutoff"),
        Unreachable::BeyondScope => ("", " - beyond scope"),
        Unreachable::SourcePolicy => ("", " - source policy"),
        Unreachable::RejectRoute => ("", " - reject route"),
    };
    write!(f, "{what}{to} unreachable{why}")
}

fn icmp_v6(f: &mut Formatter<'_>, message: &IcmpMessage<'_>) -> fmt::Result {
    f.write_str("ICMP6, ")?;
    match message {
        IcmpMessage::EchoRequest(echo) => write_echo(f, "request", echo),
        IcmpMessage::EchoReply(echo) => write_echo(f, "reply", echo),
        IcmpMessage::Error(IcmpError::Unreachable(reason), quote) => {
            f.write_str("destination unreachable, ")?;
            unreachable_v6(f, *reason, quote)
        }
        IcmpMessage::Error(IcmpError::PacketTooBig { mtu }, _) => {
            write!(f, "packet too big, mtu {mtu}")
        }
        IcmpMessage::Error(IcmpError::HopLimitExceeded, quote) => {
            write!(f, "time exceeded in-transit for {}", quote.destination)
        }
        IcmpMessage::Error(IcmpError::ReassemblyTimeExceeded, _) => {
            f.write_str("time exceeded in-transit (reassembly)")
        }
        IcmpMessage::Error(IcmpError::ParameterProblem { code, pointer }, _) => {
            f.write_str("parameter problem, ")?;
            match code {
                0 => f.write_str("erroneous")?,
                1 => f.write_str("next header")?,
                2 => f.write_str("option")?,
                3 => f.write_str("incomplete header chain")?,
                _ => write!(f, "code-#{code}")?,
            }
            write!(f, " - octet {pointer}")
        }
        IcmpMessage::Ignored { kind: 137, .. } => f.write_str("redirect"),
        IcmpMessage::Error(IcmpError::Unknown { kind, code }, _)
        | IcmpMessage::Ignored { kind, code } => write!(f, "type-#{kind} code {code}"),
    }
}

fn unreachable_v6(f: &mut Formatter<'_>, reason: Unreachable, quote: &Quote) -> fmt::Result {
    let to = quote.destination;
    match reason {
        Unreachable::Network => write!(f, "unreachable route {to}"),
        Unreachable::Prohibited => write!(f, "unreachable prohibited {to}"),
        Unreachable::BeyondScope => {
            write!(f, "beyond scope {to}, source address {}", quote.source)
        }
        Unreachable::Port => write!(f, "unreachable port, {to} {}", Port(quote)),
        Unreachable::SourcePolicy => write!(f, "source policy {to}"),
        Unreachable::RejectRoute => write!(f, "reject route {to}"),
        _ => write!(f, "unreachable address {to}"),
    }
}

/// `udp port 9`
struct Port<'a>(&'a Quote);

impl Display for Port<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.protocol {
            protocol::TCP => write!(f, "tcp port {}", self.0.destination_port),
            protocol::UDP => write!(f, "udp port {}", self.0.destination_port),
            protocol => write!(f, "protocol {protocol} port"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::icmp;
    use crate::wire::{Layout, Options, Packet, SackBlock, SackBlocks, Text, UdpHeader};

    fn hosts(v4: bool) -> (IpHeader, IpHeader) {
        let (a, b) = match v4 {
            true => ("10.0.0.1", "10.0.0.2"),
            false => ("fd00::1", "fd00::2"),
        };
        let (a, b): (IpAddr, IpAddr) = (a.parse().unwrap(), b.parse().unwrap());
        (IpHeader::new(a, b, 0, 64), IpHeader::new(b, a, 0, 64))
    }

    fn line(datagram: &[u8]) -> String {
        describe(datagram).to_string()
    }

    const SYN: Options = Options {
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { val: 1, ecr: 0 }),
        ..NONE
    };
    const ON_SYN: &str = "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7";
    const TS: Options = Options {
        timestamps: Some(Timestamps { val: 1, ecr: 2 }),
        ..NONE
    };
    const ON_ACK: &str = "nop,nop,TS val 1 ecr 2";
    const NONE: Options = Options {
        mss: None,
        window_scale: None,
        sack_permitted: false,
        sack: SackBlocks::NONE,
        timestamps: None,
        accurate_ecn: None,
        fast_open: None,
        signature: false,
        layout: Layout::TimestampsFirst,
    };

    /// The line of a segment from port 40000 to 7.
    fn line_of(v4: bool, control: Control, options: Options, text: &str) -> String {
        let tcp = TcpHeader {
            source_port: 40_000,
            destination_port: 7,
            seq: 1,
            ack: 2,
            control,
            window: 9,
            urgent: 3,
            options,
        };
        line(&Packet::tcp(&hosts(v4).0, &tcp, Text::from(text.as_bytes())).to_vec())
    }

    /// What `tcpdump -nS` (4.99) prints of the same datagrams.
    #[test]
    fn segments_in_tcpdump_s_notation() {
        let (syn, fin, rst) = (Control::SYN, Control::FIN, Control::RST);
        let (ack, psh, urg) = (Control::ACK, Control::PSH, Control::URG);
        let ecn = Control::ECE | Control::CWR;
        let on_syn = format!("win 9, options [{ON_SYN}]");
        let on_ack = format!("win 9, options [{ON_ACK}]");
        let rows = [
            (syn, SYN, "", format!("[S], seq 1, {on_syn}")),
            (syn | ack, SYN, "", format!("[S.], seq 1, ack 2, {on_syn}")),
            (ack, TS, "", format!("[.], ack 2, {on_ack}")),
            (
                psh | ack,
                TS,
                "text",
                format!("[P.], seq 1:5, ack 2, {on_ack}"),
            ),
            (fin | ack, NONE, "", "[F.], seq 1, ack 2, win 9".into()),
            (rst, NONE, "", "[R], seq 1, win 9".into()),
            (urg | ack, NONE, "", "[.U], ack 2, win 9, urg 3".into()),
            (Control::NONE, NONE, "", "[none], win 9".into()),
            (syn | ecn, NONE, "", "[SEW], seq 1, win 9".into()),
            (syn, NONE, "abc", "[S], seq 1:4, win 9".into()),
        ];
        for (control, options, text, expected) in rows {
            let expected = format!("Flags {expected}, length {}", text.len());
            let v4 = format!("IP 10.0.0.1.40000 > 10.0.0.2.7: {expected}");
            assert_eq!(line_of(true, control, options, text), v4);
            let v6 = format!("IP6 fd00::1.40000 > fd00::2.7: {expected}");
            assert_eq!(line_of(false, control, options, text), v6);
        }
    }

    #[test]
    fn sack_blocks_in_tcpdump_s_notation() {
        let mut options = TS;
        for (left, right) in [(10, 20), (30, 40)] {
            options.sack.push(SackBlock { left, right });
        }
        let line = line_of(true, Control::ACK, options, "");
        let expected = format!("[{ON_ACK},nop,nop,sack 2 {{10:20}}{{30:40}}], length 0");
        assert!(line.ends_with(&expected), "{line}");
    }

    #[test]
    fn options_as_they_stand() {
        let rows: [(&[u8], &str); 12] = [
            (&[0, 0, 0, 0], "eol"),
            (&[172, 8, 0, 0, 1, 0, 1, 0], "AccECN0 e0b 1 ceb 256"),
            (&[174, 5, 0, 0, 2, 174, 2], "AccECN1 e1b 2,AccECN1"),
            (&[1, 3, 3, 15], "nop,wscale 15"),
            (&[98, 2, 99, 4, 0xab, 0x0c], "unknown-98,unknown-99 0xab0c"),
            (
                &[34, 2, 254, 4, 0xf9, 0x89],
                "tfo cookiereq,exp-tfo cookiereq",
            ),
            (&[34, 6, 1, 2, 3, 0xff], "tfo cookie 010203ff"),
            (&[2, 1, 5, 6], "[bad opt]"),
            (&[1, 1, 1, 2], "nop,nop,nop,[bad opt]"),
            (&[2, 4, 0, 1, 2, 4, 0, 2], "mss 1,mss 2"),
            (&[5, 4, 1, 2], "unknown-5 0x0102"),
            (&[4, 2, 1, 1], "sackOK,nop,nop"),
        ];
        for (octets, expected) in rows {
            let options = OptionsOf(octets).to_string();
            assert_eq!(options, expected);
        }
    }

    struct OptionsOf<'a>(&'a [u8]);

    impl Display for OptionsOf<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write_options(f, self.0)
        }
    }

    /// An error of the second host about a UDP datagram to port 9 of it.
    fn about_udp(v4: bool, error: IcmpError) -> String {
        let (to, back) = hosts(v4);
        let udp = UdpHeader {
            source_port: 5000,
            destination_port: 9,
        };
        let offending = Packet::udp(&to, &udp, Text::from(&b"hi"[..])).to_vec();
        let sent = icmp::error(back.source, 64, error, &offending).unwrap();
        let line = line(&sent);
        let (prefix, suffix) = match v4 {
            true => ("IP 10.0.0.2 > 10.0.0.1: ICMP ", ", length 38"),
            false => ("IP6 fd00::2 > fd00::1: ICMP6, ", ", length 58"),
        };
        let body = line
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(suffix));
        body.expect(&line).to_owned()
    }

    #[test]
    fn errors_in_tcpdump_s_notation() {
        use IcmpError as E;
        use Unreachable as U;
        let problem = |code, pointer| E::ParameterProblem { code, pointer };
        let v4 = [
            (E::Unreachable(U::Network), "net 10.0.0.2 unreachable"),
            (E::Unreachable(U::Host), "host 10.0.0.2 unreachable"),
            (
                E::Unreachable(U::Protocol),
                "10.0.0.2 protocol 17 unreachable",
            ),
            (E::Unreachable(U::Port), "10.0.0.2 udp port 9 unreachable"),
            (
                E::PacketTooBig { mtu: 1400 },
                "10.0.0.2 unreachable - need to frag (mtu 1400)",
            ),
            (
                E::PacketTooBig { mtu: 0 },
                "10.0.0.2 unreachable - need to frag",
            ),
            (
                E::Unreachable(U::Prohibited),
                "host 10.0.0.2 unreachable - admin prohibited filter",
            ),
            (E::HopLimitExceeded, "time exceeded in-transit"),
            (E::ReassemblyTimeExceeded, "ip reassembly time exceeded"),
            (problem(0, 20), "parameter problem - octet 20"),
        ];
        for (error, expected) in v4 {
            assert_eq!(about_udp(true, error), expected);
        }
        let v6 = [
            (
                E::Unreachable(U::Network),
                "destination unreachable, unreachable route fd00::2",
            ),
            (
                E::Unreachable(U::Host),
                "destination unreachable, unreachable address fd00::2",
            ),
            (
                E::Unreachable(U::Port),
                "destination unreachable, unreachable port, fd00::2 udp port 9",
            ),
            (E::PacketTooBig { mtu: 1280 }, "packet too big, mtu 1280"),
            (E::HopLimitExceeded, "time exceeded in-transit for fd00::2"),
            (
                E::ReassemblyTimeExceeded,
                "time exceeded in-transit (reassembly)",
            ),
            (problem(0, 42), "parameter problem, erroneous - octet 42"),
            (problem(1, 6), "parameter problem, next header - octet 6"),
            (problem(2, 42), "parameter problem, option - octet 42"),
            (
                problem(3, 0),
                "parameter problem, incomplete header chain - octet 0",
            ),
        ];
        for (error, expected) in v6 {
            assert_eq!(about_udp(false, error), expected);
        }
    }

    #[test]
    fn echo_and_everything_else() {
        let echo = Echo {
            identifier: 7,
            sequence: 1,
            data: &[0; 56],
        };
        let (v4, v6) = (hosts(true).0, hosts(false).0);
        let fragment = [17, 0, 0, 17, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8];
        let with = |ip: IpHeader, protocol| IpHeader { protocol, ..ip };
        let mut broken = Packet::udp(&v4, &UdpHeader::default(), Text::EMPTY).to_vec();
        broken[27] ^= 1;
        // A checksum that the device has verified is not judged by its octets.
        assert_eq!(
            describe_as(&broken, Checksum::Verified).to_string(),
            "IP 10.0.0.1.0 > 10.0.0.2.0: UDP, length 0"
        );
        let rows = [
            (
                icmp::echo_request(&v4, &echo),
                "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 64",
            ),
            (
                icmp::echo_reply(&v6, &echo),
                "IP6 fd00::1 > fd00::2: ICMP6, echo reply, id 7, seq 1, length 64",
            ),
            (
                with(v4, 253).datagram(&[0; 9]),
                "IP 10.0.0.1 > 10.0.0.2: ip-proto-253 9",
            ),
            (
                with(v6, 59).datagram(&[]),
                "IP6 fd00::1 > fd00::2: no next header",
            ),
            (
                with(v6, 44).datagram(&fragment),
                "IP6 fd00::1 > fd00::2: frag (16|8), id 9",
            ),
            (
                broken,
                "IP 10.0.0.1 > 10.0.0.2: refused: wrong UDP checksum, length 8",
            ),
            (vec![], "refused: shorter than an IP header, length 0"),
            (vec![0x50; 40], "refused: neither IPv4 nor IPv6, length 40"),
        ];
        for (datagram, expected) in rows {
            assert_eq!(line(&datagram), expected);
        }
    }

    proptest! {
        #[test]
        fn any_octets_have_a_line(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let line = line(&octets);
            prop_assert!(!line.is_empty() && !line.contains('\n'));
        }
    }
}
