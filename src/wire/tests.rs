//! The parser as a whole: what it accepts, and that no input makes it panic.

use core::net::IpAddr;

use proptest::prelude::*;

use super::checksum::{Sum, checksum};
use super::*;

mod extensions;
mod refusals;

const HOP_BY_HOP: u8 = protocol::HOP_BY_HOP;
const DESTINATION: u8 = protocol::DESTINATION_OPTIONS;
const ROUTING: u8 = protocol::ROUTING;
const FRAGMENT: u8 = protocol::FRAGMENT;
const NOTHING: u8 = protocol::NO_NEXT_HEADER;
const TCP: u8 = protocol::TCP;
const UDP: u8 = protocol::UDP;

fn v4(protocol: u8) -> IpHeader {
    IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), protocol, 64)
}

fn v6(next: u8) -> IpHeader {
    let address = |last| IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    IpHeader::new(address(1), address(2), next, 64)
}

/// A payload with a right checksum at `at`.
fn summed(ip: &IpHeader, mut payload: Vec<u8>, at: usize) -> Vec<u8> {
    let sum = Sum::pseudo_header(ip.source, ip.destination, ip.protocol, payload.len());
    let value = match ip.protocol {
        protocol::ICMP => checksum(&payload),
        _ => sum.plus(&payload).checksum(),
    };
    payload[at..at + 2].copy_from_slice(&value.to_be_bytes());
    ip.datagram(&payload)
}

fn tcp_packet(ip: IpHeader) -> Vec<u8> {
    let options = Options {
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { val: 1, ecr: 0 }),
        ..Options::default()
    };
    let tcp = TcpHeader {
        source_port: 40_000,
        destination_port: 7,
        control: Control::SYN,
        options,
        ..TcpHeader::default()
    };
    Packet::tcp(&ip, &tcp, Text::from(&b"text"[..])).to_vec()
}

fn udp_packet(ip: IpHeader) -> Vec<u8> {
    Packet::udp(&ip, &UdpHeader::default(), Text::from(&b"text"[..])).to_vec()
}

fn ping(ip: IpHeader) -> Vec<u8> {
    let echo = Echo {
        identifier: 1,
        sequence: 2,
        data: b"data",
    };
    icmp::echo_request(&ip, &echo)
}

/// The UDP datagram again, behind extension headers: `chain` is their octets, the first of kind
/// `next`.
fn behind(next: u8, chain: &[u8]) -> Vec<u8> {
    let udp = &udp_packet(v6(UDP))[40..];
    v6(next).datagram(&[chain, udp].concat())
}

fn is_udp(datagram: &[u8]) -> bool {
    let payload = parse(datagram).map(|datagram| datagram.payload);
    matches!(payload, Ok(Payload::Udp(_, b"text")))
}

/// IPv4 with these octets changed, and the header checksum right again.
fn changed(datagram: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = datagram.to_vec();
    for &(at, octet) in changes {
        bytes[at] = octet;
    }
    let header = usize::from(bytes[0] & 15) * 4;
    bytes[10..12].fill(0);
    let value = checksum(&bytes[..header.min(datagram.len())]);
    bytes[10..12].copy_from_slice(&value.to_be_bytes());
    bytes
}

/// IPv4 with these options, a multiple of four octets.
fn with_options(options: &[u8]) -> Vec<u8> {
    let udp = udp_packet(v4(UDP));
    let bytes = [&udp[..20], options, &udp[20..]].concat();
    let ihl = 5 + options.len() / 4;
    changed(&bytes, &[(0, 0x40 + ihl as u8), (3, bytes.len() as u8)])
}

fn one_bit_wrong(mut datagram: Vec<u8>, at: usize) -> Vec<u8> {
    datagram[at] ^= 1;
    datagram
}

/// `next`, then a length of `octets`, options and all.
fn options(next: u8, octets: &[u8]) -> Vec<u8> {
    assert!(octets.len() % 8 == 6);
    [&[next, (octets.len() / 8) as u8], octets].concat()
}

fn fragment(next: u8, offset: u16, more: bool) -> [u8; 8] {
    let [high, low] = (offset | u16::from(more)).to_be_bytes();
    [next, 0, high, low, 0, 0, 0, 9]
}

#[test]
fn an_unknown_option_in_a_datagram_to_many() {
    let to_many = |kind| {
        let chain = options(UDP, &[kind, 4, 0, 0, 0, 0]);
        let ip = IpHeader {
            destination: "ff02::1".parse().unwrap(),
            ..v6(DESTINATION)
        };
        let udp = &udp_packet(IpHeader {
            protocol: UDP,
            ..ip
        })[40..];
        let datagram = ip.datagram(&[&chain, udp].concat());
        parse(&datagram)
            .map(|_| ())
            .map_err(|refusal| refusal.answer)
    };
    let tell = IcmpError::ParameterProblem {
        code: 2,
        pointer: 42,
    };
    assert_eq!(to_many(0x1e), Ok(()));
    assert_eq!(to_many(0x5e), Err(None));
    assert_eq!(to_many(0x9e), Err(Some(tell)));
    assert_eq!(to_many(0xde), Err(None), "tell only if sent to one");
}

#[test]
fn ipv4_options_are_skipped() {
    let rows: &[&[u8]] = &[
        &[1, 1, 1, 1],
        &[0, 7, 0, 0],
        &[148, 4, 0, 0],
        &[7, 7, 4, 0, 0, 0, 0, 0],
        &[
            68, 40, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    ];
    for options in rows {
        assert!(is_udp(&with_options(options)), "{options:?}");
    }
}

/// RFC 1122 §3.2.1.7, RFC 8200 §3: what has arrived is not dropped for its hop limit.
#[test]
fn any_hop_limit_will_do_at_the_end_of_the_way() {
    for hop_limit in [0, 1, 255] {
        for ip in [v4(UDP), v6(UDP)] {
            let datagram = udp_packet(IpHeader { hop_limit, ..ip });
            assert!(is_udp(&datagram), "{hop_limit}");
            assert_eq!(parse(&datagram).unwrap().ip.hop_limit, hop_limit);
        }
    }
}

#[test]
fn octets_behind_the_end_are_not_looked_at() {
    for mut datagram in [udp_packet(v4(UDP)), udp_packet(v6(UDP))] {
        datagram.extend([0xff; 7]);
        assert!(is_udp(&datagram));
    }
}

#[test]
fn chains_that_are_walked() {
    let pad = |next| options(next, &[1, 4, 0, 0, 0, 0]);
    let eight = [pad(DESTINATION).repeat(7), pad(UDP)].concat();
    let in_order = [
        pad(DESTINATION),
        pad(ROUTING),
        vec![FRAGMENT, 0, 0, 0, 0, 0, 0, 0],
        fragment(DESTINATION, 0, false).to_vec(),
        pad(UDP),
    ];
    let eight_options = options(UDP, &[[5, 0].repeat(8), vec![1, 4, 0, 0, 0, 0]].concat());
    let rows = [
        ("hop-by-hop", HOP_BY_HOP, pad(UDP)),
        ("destination", DESTINATION, pad(UDP)),
        (
            "unknown option, skip",
            DESTINATION,
            options(UDP, &[0x3f, 4, 1, 2, 3, 4]),
        ),
        (
            "one octet of padding each",
            DESTINATION,
            options(UDP, &[0; 6]),
        ),
        ("eight options", HOP_BY_HOP, eight_options),
        ("eight headers", DESTINATION, eight),
        ("routing, done", ROUTING, vec![UDP, 0, 0, 0, 0, 0, 0, 0]),
        (
            "atomic fragment",
            FRAGMENT,
            fragment(UDP, 0, false).to_vec(),
        ),
        ("all kinds", HOP_BY_HOP, in_order.concat()),
    ];
    for (what, next, chain) in rows {
        let datagram = behind(next, &chain);
        assert!(is_udp(&datagram), "{what}: {:?}", parse(&datagram));
        assert_eq!(parse(&datagram).unwrap().ip, v6(UDP), "{what}");
    }
}

#[test]
fn what_nobody_here_speaks() {
    let payload = |datagram: &[u8]| {
        parse(datagram).unwrap().payload
            == Payload::Unknown {
                answer: match datagram[0] >> 4 {
                    4 => IcmpError::Unreachable(Unreachable::Protocol),
                    _ => IcmpError::ParameterProblem {
                        code: 1,
                        pointer: 6,
                    },
                },
            }
    };
    // Protocol 0, IP in IP, IPv6 in IP, GRE, ESP, AH, OSPF, reserved.
    for protocol in [0, 4, 41, 47, 50, 51, 89, 255] {
        assert!(payload(&v4(protocol).datagram(&[0x45; 40])), "{protocol}");
        if protocol != HOP_BY_HOP {
            assert!(payload(&v6(protocol).datagram(&[0x45; 40])), "{protocol}");
        }
    }
    let esp = 50;
    let chain = options(esp, &[1, 4, 0, 0, 0, 0]);
    let answer = IcmpError::ParameterProblem {
        code: 1,
        pointer: 40,
    };
    let datagram = behind(DESTINATION, &chain);
    let read = parse(&datagram).map(|datagram| datagram.payload);
    assert_eq!(read, Ok(Payload::Unknown { answer }));
}

#[test]
fn nothing_may_follow() {
    for datagram in [
        v6(NOTHING).datagram(&[]),
        v6(NOTHING).datagram(b"text"),
        behind(DESTINATION, &options(NOTHING, &[0; 6])),
    ] {
        assert_eq!(parse(&datagram).unwrap().payload, Payload::Nothing);
    }
}

#[test]
fn fragments_as_values() {
    let text = v4(UDP).datagram(&[7; 16]);
    let datagram = changed(&text, &[(4, 1), (5, 2), (6, 0x20), (7, 3)]);
    let read = parse(&datagram).unwrap();
    assert_eq!((read.ip.protocol, read.ip.identification), (UDP, 0x0102));
    let expected = Fragment {
        identification: 0x0102,
        offset: 24,
        more: true,
        payload: &[7; 16],
        datagram: &datagram,
    };
    assert_eq!(read.payload, Payload::Fragment(expected));

    // With IPv6 the length of the last may be anything, and an extension may precede.
    let pad = options(FRAGMENT, &[1, 4, 0, 0, 0, 0]);
    let payload = [&pad[..], &fragment(UDP, 24, false), &[7; 5]].concat();
    let datagram = v6(HOP_BY_HOP).datagram(&payload);
    let read = parse(&datagram).unwrap();
    assert_eq!(read.ip.protocol, UDP);
    let expected = Fragment {
        identification: 9,
        offset: 24,
        more: false,
        payload: &[7; 5],
        datagram: &datagram,
    };
    assert_eq!(read.payload, Payload::Fragment(expected));
}

#[test]
fn the_largest_fragment_offsets_that_end_in_bounds() {
    let text = v4(253).datagram(&[0; 11]);
    let last = changed(&text, &[(6, 0x1f), (7, 0xfc)]);
    assert_eq!(20 + 0x1ffc * 8 + 11, 65_535);
    assert!(parse(&last).is_ok());
    let last = v6(FRAGMENT).datagram(&[&fragment(UDP, 0xfff8, false)[..], &[0; 7]].concat());
    assert!(parse(&last).is_ok());
}

fn valid() -> Vec<Vec<u8>> {
    let pad = options(DESTINATION, &[5, 4, 0, 0, 0, 0]);
    let chain = [
        &pad[..],
        &options(FRAGMENT, &[1, 4, 0, 0, 0, 0]),
        &fragment(UDP, 0, false),
    ];
    let unreachable = |ip: IpHeader, offending: &[u8]| {
        let error = IcmpError::Unreachable(Unreachable::Port);
        icmp::error(ip.destination, 64, error, offending).unwrap()
    };
    vec![
        tcp_packet(v4(TCP)),
        tcp_packet(v6(TCP)),
        udp_packet(v4(UDP)),
        udp_packet(v6(UDP)),
        ping(v4(0)),
        ping(v6(0)),
        with_options(&[7, 7, 4, 0, 0, 0, 0, 0]),
        behind(HOP_BY_HOP, &chain.concat()),
        unreachable(v4(0), &udp_packet(v4(UDP))),
        unreachable(v6(0), &tcp_packet(v6(TCP))),
        v6(FRAGMENT).datagram(&[&fragment(UDP, 0, true)[..], &[0; 16]].concat()),
    ]
}

#[test]
fn no_valid_datagram_is_valid_cut_short() {
    for datagram in valid() {
        assert!(parse(&datagram).is_ok(), "{datagram:?}");
        for len in 0..datagram.len() {
            assert!(parse(&datagram[..len]).is_err(), "{len} of {datagram:?}");
        }
    }
}

/// As if a link had lost the end, and a router had made the lengths and the IPv4 checksum right.
#[test]
fn cut_payloads_do_not_pass_their_checksums_or_lengths() {
    for datagram in valid() {
        let header = if datagram[0] >> 4 == 4 { 20 } else { 40 };
        for len in header..datagram.len() {
            let short = &datagram[..len];
            let short = match header {
                20 => changed(short, &[(3, len as u8)]),
                _ => [&short[..4], &[0, (len - 40) as u8], &short[6..]].concat(),
            };
            let read = parse(&short).map(|datagram| datagram.payload);
            let passes = match read {
                Ok(
                    Payload::Tcp(..) | Payload::Udp(..) | Payload::Icmp(_) | Payload::Membership(_),
                ) => true,
                Ok(Payload::Fragment(fragment)) => fragment.payload.is_empty(),
                Ok(Payload::Unknown { .. } | Payload::Nothing) | Err(_) => false,
            };
            assert!(!passes, "{len} of {datagram:?}: {read:?}");
        }
    }
}

/// Reads, and does with what it reads what a stack would.
fn receive(datagram: &[u8]) {
    let answer = match parse(datagram) {
        Ok(Datagram {
            ip,
            payload: Payload::Unknown { answer },
        }) => Some((ip.destination, answer)),
        Ok(_) => None,
        Err(refusal) => {
            let from = match datagram.first().map(|octet| octet >> 4) {
                Some(6) => v6(0).source,
                _ => v4(0).source,
            };
            refusal.answer.map(|answer| (from, answer))
        }
    };
    if let Some((from, answer)) = answer
        && let Some(reply) = icmp::error(from, 64, answer, datagram)
    {
        // The quote of a datagram without an upper-layer header has none, either.
        match parse(&reply) {
            Ok(reply) => assert_eq!(reply.ip.source, from),
            Err(refusal) => assert_eq!(refusal.reason, Malformed::IcmpQuote),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_octets_are_read_or_refused(
        mut datagram in prop::collection::vec(any::<u8>(), 0..200),
        first in prop::sample::select(vec![0x45, 0x46, 0x4f, 0x60]),
    ) {
        receive(&datagram);
        if let Some(octet) = datagram.first_mut() {
            *octet = first;
        }
        if first == 0x60 && datagram.len() >= 40 {
            let payload = (datagram.len() - 40) as u8;
            datagram[4..6].copy_from_slice(&[0, payload]);
            datagram[6] %= 64;
        }
        receive(&datagram);
    }

    /// With right IPv4 checksums, so that what lies behind is reached, too.
    #[test]
    fn valid_datagrams_with_some_octets_changed_are_read_or_refused(
        index in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let valid = valid();
        let mut datagram = index.get(&valid).clone();
        for (at, octet) in changes {
            *at.get_mut(&mut datagram) = octet;
        }
        receive(&datagram);
        if datagram[0] >> 4 == 4 {
            receive(&changed(&datagram, &[]));
        }
    }
}
