//! What RFC 1122 §3, RFC 4443 and RFC 8200 ask of a host below TCP and UDP: whom it hears, whom it
//! answers, and what it never answers.

use std::net::IpAddr;
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::fragments::{Outcome, Reassembler};
use stubborn::wire::{
    self, Echo, IcmpError, IcmpMessage, IpHeader, Payload, Unreachable, icmp, ip, protocol,
};

use crate::dialogue::{Dialogue, Family, in_both_families, plain};

const ALL_NODES: &str = "ff02::1";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A host, and the addresses of its peer and itself.
fn host(family: Family) -> (Dialogue, IpAddr, IpAddr) {
    (Dialogue::new(family, plain()), family.peer(), family.us())
}

fn ping(from: IpAddr, to: IpAddr, data: &[u8]) -> Vec<u8> {
    let echo = Echo {
        identifier: 4711,
        sequence: 1,
        data,
    };
    icmp::echo_request(&IpHeader::new(from, to, 0, 64), &echo)
}

/// A datagram in which nothing follows an IPv6 destination option of this type.
fn with_option(from: IpAddr, to: IpAddr, kind: u8) -> Vec<u8> {
    let option = [protocol::NO_NEXT_HEADER, 0, kind, 4, 0, 0, 0, 0];
    IpHeader::new(from, to, protocol::DESTINATION_OPTIONS, 64).datagram(&option)
}

/// Who sent it, to whom, and the data of an echo reply.
#[track_caller]
fn reply(datagram: &[u8]) -> (IpAddr, IpAddr, Vec<u8>) {
    let read = wire::parse(datagram).unwrap();
    let Payload::Icmp(IcmpMessage::EchoReply(echo)) = read.payload else {
        panic!("no echo reply: {read:?}");
    };
    (read.ip.source, read.ip.destination, echo.data.to_vec())
}

fn of_fragments(from: IpAddr, to: IpAddr) -> IpHeader {
    IpHeader::new(from, to, protocol::FRAGMENT, 64)
}

/// What leaves when these datagrams have arrived.
fn answers(d: &mut Dialogue, datagrams: &[&Vec<u8>]) -> Vec<Vec<u8>> {
    let now = d.now();
    datagrams.iter().for_each(|it| d.stack.receive(now, it));
    std::iter::from_fn(|| Some(d.stack.poll_transmit(now)?.to_vec())).collect()
}

/// Who sent it, to whom, and the error that it tells of.
#[track_caller]
fn error(datagram: &[u8]) -> (IpAddr, IpAddr, IcmpError) {
    let read = wire::parse(datagram).unwrap();
    let Payload::Icmp(IcmpMessage::Error(error, _)) = read.payload else {
        panic!("no error: {read:?}");
    };
    (read.ip.source, read.ip.destination, error)
}

/// RFC 4291 §2.8 and RFC 4443 §4.2: a host of IPv6 hears what is for all nodes, and answers their
/// echo requests from an address of its own.
#[test]
fn an_echo_request_to_all_nodes_is_answered() {
    let (mut d, peer, us) = host(Family::V6);
    let all = address(ALL_NODES);
    d.datagram_arrives(&ping(peer, all, b"who is there?"));
    let answer = d.datagram_leaves();
    assert_eq!(reply(&answer), (us, peer, b"who is there?".to_vec()));
    // All nodes of an interface are on no link (erratum 3480).
    for other in ["ff01::1", "ff02::2", "ff05::1", "ff0e::1"].map(address) {
        d.datagram_arrives(&ping(peer, other, b"x")).nothing_more();
    }
    // Nobody could be answered, or nobody else.
    for from in ["::", "::1", "ff02::1", "::ffff:10.0.0.2"].map(address) {
        d.datagram_arrives(&ping(from, all, b"x"));
        d.nothing_more();
    }
    d.datagram_arrives(&ping(us, all, b"x"));
    d.nothing_more();
}

/// RFC 1122 §3.2.2.6: an echo request to many may be dropped over IPv4, and is.
#[test]
fn an_echo_request_to_many_is_dropped_over_ipv4() {
    let (mut d, peer, _) = host(Family::V4);
    for many in ["224.0.0.1", "255.255.255.255", "10.255.255.255"].map(address) {
        d.datagram_arrives(&ping(peer, many, b"x")).nothing_more();
    }
}

/// RFC 8200 §4.2: who sends an option of the kind that every host must know or tell of to all nodes
/// is told (RFC 4443 §2.4(e)); of the other kinds nobody is.
#[test]
fn an_unknown_option_to_all_nodes_is_told_of() {
    let (mut d, peer, us) = host(Family::V6);
    let all = address(ALL_NODES);
    d.datagram_arrives(&with_option(peer, all, 0x80));
    let answer = d.datagram_leaves();
    let read = wire::parse(&answer).unwrap();
    assert_eq!((read.ip.source, read.ip.destination), (us, peer));
    let problem = IcmpError::ParameterProblem {
        code: 2,
        pointer: 42,
    };
    assert!(
        matches!(read.payload, Payload::Icmp(IcmpMessage::Error(error, _)) if error == problem)
    );
    for silent in [0x00, 0x40, 0xc0] {
        d.datagram_arrives(&with_option(peer, all, silent))
            .nothing_more();
    }
    // Nor is a protocol that nobody speaks told of, nor a port that nobody has.
    for protocol in [99, protocol::UDP] {
        let ip = IpHeader::new(peer, all, protocol, 64);
        d.datagram_arrives(&ip.datagram(&[0; 8])).nothing_more();
    }
}

/// RFC 1349 §5.1: a reply asks for the same service as the request; its marks are not given back.
#[test]
fn an_echo_reply_has_the_service_of_its_request() {
    in_both_families(|family| {
        let (mut d, peer, us) = host(family);
        for (asked, given) in [(0, 0), (0xb8, 0xb8), (0x2b, 0x28), (0xff, 0xfc)] {
            let mut ip = IpHeader::new(peer, us, 0, 64);
            ip.traffic_class = asked;
            let echo = Echo {
                identifier: 1,
                sequence: 2,
                data: b"x",
            };
            d.datagram_arrives(&icmp::echo_request(&ip, &echo));
            let answer = wire::parse(&d.datagram_leaves()).unwrap().ip;
            assert_eq!((answer.traffic_class, answer.hop_limit), (given, 64));
        }
    });
}

/// RFC 1122 §3.3.2, RFC 8200 §5: a request that came in fragments, of any length, is answered with
/// every octet, in fragments that the interface takes.
#[test]
fn an_echo_request_in_fragments_is_answered_in_fragments() {
    in_both_families(|family| {
        let longest = 65_535 - 8 - if family == Family::V4 { 20 } else { 0 };
        for len in [1473, 2000, 9000, longest] {
            let (mut d, peer, us) = host(family);
            let data: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let request = ping(peer, us, &data);
            for piece in ip::fragments(request, 1280, 7).unwrap() {
                d.stack.receive(d.now(), &piece);
            }
            let (mut reassembler, mut whole) = (Reassembler::new(usize::MAX), None);
            let now = d.now();
            while let Some(packet) = d.stack.poll_transmit(now).map(|packet| packet.to_vec()) {
                assert!(packet.len() <= 1500);
                let read = wire::parse(&packet).unwrap();
                let Payload::Fragment(fragment) = read.payload else {
                    panic!("no fragment: {read:?}");
                };
                if let Outcome::Complete(datagram) = reassembler.insert(now, &read.ip, fragment) {
                    whole = Some(datagram);
                }
            }
            assert_eq!(reply(&whole.unwrap()), (us, peer, data), "{len}");
        }
    });
}

/// RFC 1122 §3.3.2, RFC 8200 §4.5: when time is over, who has sent the first fragment is told, and
/// is shown it; of a datagram without one nobody is, nor of one whose fragments overlap.
#[test]
fn missing_fragments_are_told_of_if_the_first_is_here() {
    in_both_families(|family| {
        let seconds = if family == Family::V4 { 30 } else { 60 };
        let (mut d, peer, us) = host(family);
        let of = |id| ip::fragments(ping(peer, us, &[7; 3000]), 1280, id).unwrap();
        let (first, only_second, overlapping) = (of(1), of(2), of(3));
        let other = ip::fragments(ping(peer, us, &[8; 3000]), 1280, 3).unwrap();
        for piece in [&first[0], &only_second[1], &overlapping[0], &other[0]] {
            d.datagram_arrives(piece);
        }
        d.until(Duration::from_secs(seconds) - Duration::from_millis(1))
            .nothing_more();
        d.until(Duration::from_secs(seconds));
        let answer = d.datagram_leaves();
        let read = wire::parse(&answer).unwrap();
        assert_eq!((read.ip.source, read.ip.destination), (us, peer));
        let is_it = matches!(
            read.payload,
            Payload::Icmp(IcmpMessage::Error(IcmpError::ReassemblyTimeExceeded, _))
        );
        assert!(is_it, "{read:?}");
        let quoted = &answer[family.headers() - 20 + 8..];
        assert!(first[0].starts_with(quoted) && quoted.len() > 500);
        d.nothing_more();
    });
}

/// What says that it is from here is not, and nobody here is told what is wrong with it; nor is
/// anybody whose address cannot be a host's, nor are all hosts of the network (RFC 1122 §3.2.2).
#[test]
fn what_is_wrong_with_a_forgery_is_told_to_nobody() {
    let (mut d, _, us) = host(Family::V6);
    for from in [
        us,
        address("::"),
        address("::1"),
        address("::ffff:10.0.0.2"),
    ] {
        d.datagram_arrives(&with_option(from, us, 0x80))
            .nothing_more();
    }
    let mut config = Config::new([Family::V4.us()]);
    config.broadcasts.push([10, 0, 0, 255].into());
    let (mut d, us) = (Dialogue::with(Family::V4, config), Family::V4.us());
    for from in [
        us,
        address("0.0.0.0"),
        address("127.0.0.1"),
        address("224.0.0.1"),
        address("255.255.255.255"),
        address("10.0.0.255"),
    ] {
        let mut datagram = IpHeader::new(from, us, 99, 64).datagram(&[0; 12]);
        // An option whose length cannot be, in place of four octets of payload.
        datagram[0] = 0x46;
        datagram[20..24].copy_from_slice(&[7, 1, 0, 0]);
        datagram[10..12].fill(0);
        let sum = wire::checksum::checksum(&datagram[..24]).to_be_bytes();
        datagram[10..12].copy_from_slice(&sum);
        d.datagram_arrives(&datagram).nothing_more();
    }
}

/// RFC 1122 §3.2.2, RFC 4443 §2.4(e): no error is about an error, about a fragment that is not the
/// first, or to many.
#[test]
fn no_error_begets_another() {
    in_both_families(|family| {
        let (mut d, peer, us) = host(family);
        let own = IpHeader::new(us, peer, protocol::UDP, 64).datagram(&[0, 7, 0, 9, 0, 8, 0, 0]);
        let port = IcmpError::Unreachable(Unreachable::Port);
        let error = icmp::error(peer, 64, port, &own).unwrap();
        d.datagram_arrives(&error).nothing_more();
        // The same, of a kind that nobody knows, and cut off behind its first octets.
        for len in 0..error.len() - (family.headers() - 20) {
            let protocol = wire::parse(&error).unwrap().ip.protocol;
            let rest = &error[family.headers() - 20..][..len];
            let cut = IpHeader::new(peer, us, protocol, 64).datagram(rest);
            d.datagram_arrives(&cut).nothing_more();
        }
    });
}

/// RFC 8200 §4.5: who sends a fragment whose length cannot be is told, of ICMP, too: no error is so
/// long that it comes in fragments.
#[test]
fn a_fragment_of_icmp_that_cannot_be_is_told_of() {
    let (mut d, peer, us) = host(Family::V6);
    let ip = of_fragments(peer, us);
    let second = |field: u16, len: usize| {
        let [high, low] = field.to_be_bytes();
        let header = [protocol::ICMPV6, 0, high, low, 0, 0, 0, 7];
        ip.datagram(&[&header[..], &vec![0; len]].concat())
    };
    for (datagram, pointer) in [(second(8 | 1, 9), 4), (second(0xfff8, 8), 42)] {
        let answer = answers(&mut d, &[&datagram]).swap_remove(0);
        let (ip, message) = answer.split_at(40);
        assert_eq!(
            (ip::source(ip), ip::destination(ip)),
            (Some(us), Some(peer))
        );
        // Parameter problem, code 0.
        assert_eq!((message[0], message[1]), (4, 0));
        assert_eq!(
            (&message[4..8], &message[8..]),
            (&[0, 0, 0, pointer][..], &datagram[..])
        );
    }
}

/// RFC 1122 §3.2.2, RFC 4443 §2.4(e): a fragment that is not the first provokes nothing, whatever is
/// wrong with what it is a part of.
#[test]
fn nothing_is_said_of_a_later_fragment() {
    in_both_families(|family| {
        let (mut d, peer, us) = host(family);
        let unknown = IpHeader::new(peer, us, 99, 64).datagram(&[7; 3000]);
        for piece in &ip::fragments(unknown.clone(), 1280, 7).unwrap()[1..] {
            d.datagram_arrives(piece).nothing_more();
        }
        d.until(Duration::from_secs(61)).nothing_more();
        // Of the whole one something is, and once.
        for piece in &ip::fragments(unknown, 1280, 7).unwrap() {
            d.datagram_arrives(piece);
        }
        error(&d.datagram_leaves());
        d.nothing_more();
    });
}

/// RFC 1812 §4.3.2.3, RFC 4443 §2.4(c): an error shows as much of the datagram as has room in 576
/// octets, or 1280.
#[test]
fn an_error_shows_as_much_as_has_room() {
    in_both_families(|family| {
        let (mut d, peer, us) = host(family);
        let (most, headers) = match family {
            Family::V4 => (576, 20 + 8),
            Family::V6 => (1280, 40 + 8),
        };
        for len in [0, 1, 8, 100, most - headers, 1400] {
            let datagram = IpHeader::new(peer, us, 99, 64).datagram(&vec![7; len]);
            d.datagram_arrives(&datagram);
            let answer = d.datagram_leaves();
            let shown = datagram.len().min(most - headers);
            assert_eq!(answer[headers..], datagram[..shown], "{len}");
        }
    });
}

/// RFC 792, RFC 4443 §4.1: a request that is damaged, cut short, or of another code is no request.
#[test]
fn what_is_no_echo_request_is_not_answered() {
    in_both_families(|family| {
        let (mut d, peer, us) = host(family);
        let whole = ping(peer, us, b"12345678");
        let (header, message) = whole.split_at(family.headers() - 20);
        let protocol = wire::parse(&whole).unwrap().ip.protocol;
        let ip = IpHeader::new(peer, us, protocol, 64);
        for at in 0..message.len() {
            let mut damaged = message.to_vec();
            damaged[at] ^= 1;
            d.datagram_arrives(&[header, &damaged].concat())
                .nothing_more();
        }
        for len in 0..message.len() {
            d.datagram_arrives(&ip.datagram(&message[..len]));
            d.nothing_more();
        }
        d.datagram_arrives(&whole);
        assert_eq!(reply(&d.datagram_leaves()).2, b"12345678");
    });
}

/// RFC 791 §3.2, RFC 5722 §4, RFC 6946 §4: fragments come in any order and several times; a datagram
/// in one fragment has nothing to do with others of its identification; and what overlapped spoils
/// that identification until its time is over, without a word.
#[test]
fn fragments_in_disorder() {
    in_both_families(|family| {
        let seconds = if family == Family::V4 { 30 } else { 60 };
        let (mut d, peer, us) = host(family);
        let data: Vec<u8> = (0..3000u32).map(|at| at as u8).collect();
        let of = |data: &[u8]| ip::fragments(ping(peer, us, data), 1280, 1).unwrap();
        let (pieces, other) = (of(&data), of(&[&[1][..], &data[1..]].concat()));
        let [first, second, third] = &pieces[..] else {
            panic!("{} pieces", pieces.len());
        };
        assert!(answers(&mut d, &[third, first, third, first]).is_empty());
        if family == Family::V6 {
            let (ip, whole) = (of_fragments(peer, us), ping(peer, us, b"atomic"));
            let atomic =
                ip.datagram(&[&[protocol::ICMPV6, 0, 0, 0, 0, 0, 0, 1], &whole[40..]].concat());
            assert_eq!(reply(&answers(&mut d, &[&atomic])[0]).2, b"atomic");
        }
        // Its reply goes in pieces, too.
        assert_eq!(answers(&mut d, &[second]).len(), 3);
        // The identification is free again, and an overlap spoils it.
        assert!(answers(&mut d, &[first, &other[0], second, third]).is_empty());
        assert!(answers(&mut d, &[first, second, third]).is_empty());
        d.until(Duration::from_secs(seconds)).nothing_more();
        assert_eq!(answers(&mut d, &[first, second, third]).len(), 3);
    });
}

/// RFC 6864 §4.3: of the datagrams that go in fragments none has the identification of another that
/// may be on its way.
#[test]
fn no_identification_comes_twice() {
    let (mut d, peer, us) = host(Family::V4);
    let pieces = ip::fragments(ping(peer, us, &[7; 2000]), 1280, 7).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..5_000 {
        let answers = answers(&mut d, &[&pieces[0], &pieces[1]]);
        let ids = answers.iter().map(|piece| wire::parse(piece).unwrap().ip);
        let ids: Vec<u16> = ids.map(|ip| ip.identification).collect();
        assert!(ids.len() == 2 && ids[0] == ids[1] && seen.insert(ids[0]));
    }
}

/// RFC 6890 §2.2.3: no peer of IPv6 passes for one of IPv4.
#[test]
fn mapped_addresses_are_nobodys_on_the_wire() {
    let (mut d, _, us) = host(Family::V6);
    let before = d.stack.counters().not_for_us;
    d.datagram_arrives(&ping(address("::ffff:10.0.0.2"), us, b"x"))
        .nothing_more();
    assert_eq!(d.stack.counters().not_for_us, before + 1);
}

/// The limits of a host can be changed while it lives: what it holds beyond them gives way, and what
/// strangers get is another number from the next refill on.
#[test]
fn limits_follow_a_new_configuration() {
    in_both_families(|family| {
        let (mut d, peer, us) = host(family);
        let nothing = d.stack.memory_in_use();
        for identification in 0..60 {
            let pieces = ip::fragments(ping(peer, us, &[7; 3000]), 1280, identification).unwrap();
            d.datagram_arrives(&pieces[0]);
        }
        let held = d.stack.memory_in_use() - nothing;
        assert!(held > 60 * 1200, "{held}");
        let mut config = d.stack.config().clone();
        (config.memory, config.replies_per_second) = (80_000, 10);
        d.stack.reconfigure(config).unwrap();
        // Of the memory, an eighth is for fragments.
        let held = d.stack.memory_in_use() - nothing;
        assert!((5_000..=10_000).contains(&held), "{held}");
        d.until(Duration::from_millis(200));
        let unknown = IpHeader::new(peer, us, 99, 64).datagram(&[0; 8]);
        let answered = (0..100).filter(|_| {
            d.datagram_arrives(&unknown);
            !d.all_that_leaves_of_any_kind().is_empty()
        });
        assert_eq!(answered.count(), 1);
    });
}

/// The same datagram with these options, of IPv4.
fn with_ipv4_options(datagram: &[u8], options: &[u8]) -> Vec<u8> {
    let mut with = [&datagram[..20], options, &datagram[20..]].concat();
    let (header, len) = (20 + options.len(), with.len() as u16);
    with[0] = 0x40 | (header / 4) as u8;
    with[2..4].copy_from_slice(&len.to_be_bytes());
    with[10..12].fill(0);
    let sum = wire::checksum::checksum(&with[..header]).to_be_bytes();
    with[10..12].copy_from_slice(&sum);
    with
}

/// The same datagram behind these extension headers of IPv6, the first of kind `next`. The last names TCP.
fn behind(datagram: &[u8], next: u8, chain: &[u8]) -> Vec<u8> {
    let mut with = [&datagram[..40], chain, &datagram[40..]].concat();
    let len = (with.len() - 40) as u16;
    with[4..6].copy_from_slice(&len.to_be_bytes());
    with[6] = next;
    with
}

/// The ways in which a segment may be on its way: in one datagram or in several.
fn ways(family: Family, segment: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut ways: Vec<Vec<Vec<u8>>> = match family {
        Family::V4 => {
            let timestamp = [&[68, 12, 5, 0][..], &[0; 8]].concat();
            let most = [&[7, 39, 4][..], &[0; 36], &[0]].concat();
            let options: [&[u8]; 5] = [
                &[1, 1, 1, 0],
                &[148, 4, 0, 0],
                &[7, 7, 4, 0, 0, 0, 0, 0],
                &timestamp,
                &most,
            ];
            options
                .map(|options| vec![with_ipv4_options(segment, options)])
                .into()
        }
        Family::V6 => {
            use protocol::{DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING, TCP};
            let pad = |next| [next, 0, 1, 4, 0, 0, 0, 0];
            let routing = |next| [next, 0, 4, 0, 0, 0, 0, 0];
            let atomic = |next| [next, 0, 0, 0, 0, 0, 0, 9];
            let chains = [
                (HOP_BY_HOP, pad(TCP).to_vec()),
                (DESTINATION_OPTIONS, pad(TCP).to_vec()),
                (DESTINATION_OPTIONS, vec![TCP, 0, 0x1e, 4, 1, 2, 3, 4]),
                (ROUTING, routing(TCP).to_vec()),
                (FRAGMENT, atomic(TCP).to_vec()),
                (
                    HOP_BY_HOP,
                    [
                        pad(DESTINATION_OPTIONS),
                        pad(ROUTING),
                        routing(FRAGMENT),
                        atomic(DESTINATION_OPTIONS),
                        pad(TCP),
                    ]
                    .concat(),
                ),
            ];
            chains
                .map(|(next, chain)| vec![behind(segment, next, &chain)])
                .into()
        }
    };
    // What a link pads is no text.
    ways.push(vec![[segment, &[0; 6]].concat()]);
    let pieces = ip::fragments(segment.to_vec(), 1280, 5).unwrap();
    assert_eq!(pieces.len(), 2);
    ways.push(pieces.iter().rev().cloned().collect());
    ways.push(pieces);
    ways
}

/// RFC 1122 §3.2.1.8, RFC 8200 §4: options and headers that TCP has no use for are passed over, and fragments
/// come together: a segment is what it would be without them, in the handshake and afterwards.
#[test]
fn what_a_segment_comes_in_makes_no_difference() {
    in_both_families(|family| {
        let any = Dialogue::new(family, plain()).as_bytes("<SEQ=100><DATA=1400><CTL=SYN>");
        for way in 0..ways(family, &any).len() {
            let mut d = Dialogue::listening(family, plain());
            let comes = |d: &mut Dialogue, written: &str| {
                let segment = d.as_bytes(written);
                for datagram in &ways(family, &segment)[way] {
                    d.datagram_arrives(datagram);
                }
            };
            // Its text is not taken; it makes the SYN long enough for two fragments.
            comes(&mut d, "<SEQ=100><DATA=1400><CTL=SYN><MSS=1000>");
            d.leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
            comes(&mut d, "<SEQ=101><ACK=301><DATA=1400><CTL=ACK>");
            d.leaves("<SEQ=301><ACK=1501><WND=8600><CTL=ACK>");
            d.accept().reads(1400).all_that_leaves();
            comes(&mut d, "<SEQ=1501><ACK=301><DATA=1400><CTL=FIN,ACK>");
            d.tells("<SEQ=301><ACK=2902><CTL=ACK>");
            d.reads(1400).all_that_leaves();
            assert_eq!(d.receive(1), Ok(0));
        }
    });
}
