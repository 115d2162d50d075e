//! What arrives: whose it is, what is dropped, what is answered.

use std::net::SocketAddr;
use std::num::NonZero;
use std::time::Duration;

use stubborn::stack::{Readiness, Received, UdpId, UdpMarks, UdpRecvError};
use stubborn::wire::{
    self, Checksum, Cut, Form, IcmpError, IcmpMessage, IpHeader, Kind, Malformed, Offload, Packet,
    Payload, Text, UdpHeader, Unreachable, ip, pieces, protocol,
};

use super::support::*;

#[test]
fn datagrams_are_received_one_by_one_in_order() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        let texts = [&b"one"[..], b"", b"three"];
        texts.iter().for_each(|text| host.hears(text));
        assert_eq!(host.told(id), Readiness::READABLE);
        let expected = texts.map(|text| (host.peer(), text.to_vec()));
        assert_eq!(host.received(id), expected);
        let nothing = host.stack.udp_recv(id, &mut [0; 10]);
        assert_eq!(nothing, Err(UdpRecvError::WouldBlock));
        assert_eq!(host.stack.counters().udp.received, 3);
        assert!(host.datagrams().is_empty());
    });
}

/// RFC 1122 §4.1.4: TTL and TOS, each as it came.
#[test]
fn what_else_its_ip_header_says_is_told() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        for (hop_limit, traffic_class) in [(1, 0), (33, 0xb8), (255, 0xff)] {
            let mut ip = IpHeader::new(family.peer(), family.us(), protocol::UDP, hop_limit);
            ip.traffic_class = traffic_class;
            let header = UdpHeader {
                source_port: PEER_PORT,
                destination_port: PORT,
            };
            let datagram = Packet::udp(&ip, &header, Text::EMPTY).to_vec();
            host.stack.receive(host.now, &datagram);
            let marks = UdpMarks {
                hop_limit: Some(hop_limit),
                traffic_class: Some(traffic_class),
            };
            assert_eq!(host.stack.udp_recv(id, &mut []).unwrap().marks, marks);
        }
    });
}

/// A datagram is received whole or cut, never in two parts; its length shows which. Peeking
/// changes nothing.
#[test]
fn what_the_buffer_has_no_room_for_is_lost() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        host.hears(b"hello");
        host.hears(b"world");
        let expected = Received {
            len: 5,
            remote: host.peer(),
            local: family.us(),
            marks: UdpMarks {
                hop_limit: Some(64),
                traffic_class: Some(0),
            },
            sequence: 0,
            at: host.now,
            lost: 0,
        };
        let mut buffer = [0; 3];
        for _ in 0..2 {
            assert_eq!(host.stack.udp_peek(id, &mut buffer), Ok(expected));
            assert_eq!(&buffer, b"hel");
        }
        assert_eq!(host.stack.udp_recv(id, &mut buffer), Ok(expected));
        assert_eq!(&buffer, b"hel");
        assert_eq!(host.stack.udp_recv(id, &mut []), Ok(expected));
        assert_eq!(host.received(id), []);
    });
}

/// RFC 1122 §4.1.3.5: the user can learn to which address a datagram was sent.
#[test]
fn the_address_that_it_was_sent_to_is_told() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let any = SocketAddr::new(family.unspecified(), PORT);
        let id = host.stack.udp_bind(any).unwrap();
        for local in [family.us_too(), family.us()] {
            host.arrives(host.peer(), SocketAddr::new(local, PORT), b"x");
            let received = host.stack.udp_recv(id, &mut [0; 10]).unwrap();
            assert_eq!(received.local, local);
        }
    });
}

/// The most particular socket gets a datagram: by four-tuple, by address, by port.
#[test]
fn a_datagram_finds_its_socket() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (us, peer) = (host.us(), host.peer());
        let connected = host.connected();
        let bound = host.bound();
        let any = SocketAddr::new(family.unspecified(), PORT);
        let any = host.stack.udp_bind(any).unwrap();
        let other_peer = SocketAddr::new(family.other_peer(), PEER_PORT);
        let other_port = SocketAddr::new(family.peer(), PEER_PORT + 1);
        let us_too = SocketAddr::new(family.us_too(), PORT);
        for (from, to, owner) in [
            (peer, us, connected),
            (other_peer, us, bound),
            (other_port, us, bound),
            (peer, us_too, any),
            (other_peer, us_too, any),
            (peer, us, connected),
        ] {
            host.arrives(from, to, b"x");
            for id in [connected, bound, any] {
                let expected: &[_] = if id == owner {
                    &[(from, b"x".to_vec())]
                } else {
                    &[]
                };
                assert_eq!(host.received(id), expected, "{from} to {to}");
            }
        }
        assert!(host.datagrams().is_empty());
        // When the most particular goes, the next one has it.
        host.stack.udp_close(connected);
        host.arrives(peer, us, b"x");
        assert_eq!(host.received(bound).len(), 1);
        host.stack.udp_close(bound);
        host.arrives(peer, us, b"x");
        assert_eq!(host.received(any).len(), 1);
        host.stack.udp_close(any);
        host.arrives(peer, us, b"x");
        assert_eq!(host.stack.counters().udp.no_ports, 1);
    });
}

/// Whom the last datagram was for does not matter for the next.
#[test]
fn a_more_particular_socket_has_the_next_datagram() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let any = SocketAddr::new(family.unspecified(), PORT);
        let mut sockets = vec![host.stack.udp_bind(any).unwrap()];
        let check = |host: &mut Host, sockets: &[UdpId]| {
            host.hears(b"x");
            host.hears(b"x");
            let heard: Vec<usize> = (sockets.iter().rev())
                .map(|id| host.received(*id).len())
                .collect();
            assert_eq!(heard[0], 2, "{heard:?}");
            assert!(heard[1..].iter().all(|len| *len == 0), "{heard:?}");
        };
        check(&mut host, &sockets);
        sockets.push(host.bound());
        check(&mut host, &sockets);
        // One that is connected leaves room for another.
        let peer = SocketAddr::new(family.other_peer(), 9);
        host.stack.udp_connect(sockets[1], peer).unwrap();
        sockets.push(host.bound());
        check(&mut host, &sockets);
    });
}

/// RFC 1122 §4.1.3.1: port unreachable, with the datagram in it: nobody has the port, or not for
/// this peer.
#[test]
fn a_port_that_nobody_has_is_answered() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        host.connected();
        let stranger = SocketAddr::new(family.other_peer(), 9);
        for (from, to) in [
            (host.peer(), SocketAddr::new(family.us(), 8)),
            (host.peer(), SocketAddr::new(family.us(), 0)),
            (stranger, host.us()),
        ] {
            let datagram = udp(from, to, b"anybody?");
            host.stack.receive(host.now, &datagram);
            let answers = host.datagrams();
            assert_eq!(answers.len(), 1);
            let answer = wire::parse(&answers[0]).unwrap();
            let ends = (answer.ip.source, answer.ip.destination);
            assert_eq!(ends, (to.ip(), from.ip()));
            let Payload::Icmp(IcmpMessage::Error(error, quote)) = answer.payload else {
                panic!("{:?}", answer.payload);
            };
            assert_eq!(error, IcmpError::Unreachable(Unreachable::Port));
            let ports = (quote.source_port, quote.destination_port);
            assert_eq!(ports, (from.port(), to.port()));
            let whole = answers[0].len() - datagram.len();
            assert_eq!(answers[0][whole..], datagram);
        }
        assert_eq!(host.stack.counters().udp.no_ports, 3);
    });
}

/// Each datagram of a super-datagram gets the answer that it would have got by itself: an error that quotes it as it
/// was on the wire, with its own lengths and its whole checksum.
#[test]
fn a_super_datagram_to_nobody_is_answered_like_its_datagrams() {
    in_both_families(|family| {
        let ports = UdpHeader {
            source_port: 9,
            destination_port: 8,
        };
        let mut ip = IpHeader::new(family.peer(), family.us(), protocol::UDP, 64);
        for (len, size) in [(2500, 1000), (2000, 1000), (900, 1000), (0, 1), (900, 0)] {
            let text = vec![b'x'; len];
            let kind = Kind::Udp;
            let cut = NonZero::new(size).map(|size| Cut { kind, size });
            // As the kernel hands it over: with the sum of the pseudo header only.
            ip.identification = 0;
            let whole = Packet::udp_for(Offload::FULL, &ip, &ports, Text::from(&text[..]));
            let checksum = whole.form().checksum;
            assert!(matches!(checksum, Checksum::Partial(_)));
            let mut host = Host::new(family);
            let datagram = whole.pieces().concat();
            (host.stack).receive_as(host.now, &datagram, Form { checksum, cut });

            let mut each = Host::new(family);
            for text in pieces(&text, cut) {
                let piece = Packet::udp(&ip, &ports, Text::from(text)).to_vec();
                each.stack.receive(each.now, &piece);
                ip.identification += u16::from(family == Family::V4);
            }
            assert!(host.datagrams() == each.datagrams(), "{len} by {size}");
            let told = [&host, &each].map(|host| host.stack.counters().udp.no_ports);
            assert_eq!(
                told,
                [len.div_ceil(1000).max(1) as u64; 2],
                "{len} by {size}"
            );
        }
    });
}

/// The same of a datagram in fragments: once, when it is whole, with as much of it as has room.
#[test]
fn a_port_that_nobody_has_is_answered_once_for_all_fragments() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (from, to) = (host.peer(), SocketAddr::new(family.us(), 8));
        let whole = udp(from, to, &[7; 3000]);
        let pieces = ip::fragments(whole.clone(), 1_280, 77).unwrap();
        for piece in &pieces[1..] {
            host.stack.receive(host.now, piece);
        }
        assert!(host.datagrams().is_empty());
        host.stack.receive(host.now, &pieces[0]);
        let answers = host.datagrams();
        assert_eq!(answers.len(), 1);
        let answer = wire::parse(&answers[0]).unwrap();
        let Payload::Icmp(IcmpMessage::Error(error, quote)) = answer.payload else {
            panic!("{:?}", answer.payload);
        };
        assert_eq!(error, IcmpError::Unreachable(Unreachable::Port));
        let ports = (quote.source_port, quote.destination_port);
        assert_eq!(ports, (from.port(), to.port()));
        let (len, header) = match family {
            Family::V4 => (576, 20),
            Family::V6 => (1280, 40),
        };
        assert_eq!(answers[0].len(), len);
        let quoted = &answers[0][header + 8 + header..];
        assert!(whole[header..].starts_with(quoted));
        host.passes(Duration::from_secs(61));
        assert!(host.datagrams().is_empty());
    });
}

/// What is to a group that nobody here is in, or from nobody, is dropped without an answer, whoever has the
/// port (RFC 1122 §4.1.3.6).
#[test]
fn what_is_from_nobody_or_to_many_is_dropped() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let any = SocketAddr::new(family.unspecified(), PORT);
        let id = host.stack.udp_bind(any).unwrap();
        let mut ends = vec![
            (host.peer(), SocketAddr::new(family.multicast(), PORT)),
            (host.peer(), SocketAddr::new(family.other_peer(), PORT)),
            (host.us(), host.us()),
        ];
        let mut nobody = vec![family.unspecified(), family.multicast()];
        if family == Family::V4 {
            nobody.push([255, 255, 255, 255].into());
            nobody.push([127, 0, 0, 1].into());
        }
        let from = |address| (SocketAddr::new(address, PEER_PORT), host.us());
        ends.extend(nobody.into_iter().map(from));
        for (from, to) in &ends {
            host.arrives(*from, *to, b"x");
            assert!(host.datagrams().is_empty(), "{from} to {to}");
        }
        assert_eq!(host.received(id), []);
        assert_eq!(host.stack.counters().udp.received, 0);
    });
}

/// RFC 768: a source port of zero wants no answer; it is received all the same.
#[test]
fn a_source_port_of_zero_is_none() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        let from = SocketAddr::new(family.peer(), 0);
        host.arrives(from, host.us(), b"x");
        assert_eq!(host.received(id), [(from, b"x".to_vec())]);
    });
}

/// RFC 768, RFC 1122 §4.1.3.4, RFC 8200 §8.1: a wrong checksum is dropped without an answer; none
/// at all is good over IPv4 only.
#[test]
fn the_checksum_must_be_right() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        let good = udp(host.peer(), host.us(), b"x");
        let at = good.len() - 3;
        for wrong in [1, 0x80] {
            let mut datagram = good.clone();
            datagram[at] ^= wrong;
            host.stack.receive(host.now, &datagram);
        }
        assert_eq!(host.received(id), []);
        assert_eq!(host.stack.counters().malformed(Malformed::UdpChecksum), 2);
        let mut without = good;
        without[at..at + 2].fill(0);
        host.stack.receive(host.now, &without);
        let none = host.stack.counters().malformed(Malformed::UdpNoChecksum);
        let expected = match family {
            Family::V4 => (1, 0),
            Family::V6 => (0, 1),
        };
        assert_eq!((host.received(id).len(), none), expected);
        assert!(host.datagrams().is_empty());
    });
}

/// The queue is bounded in datagrams and in octets; what comes beyond is dropped, counted and not
/// answered, and what is there stays.
#[test]
fn a_full_queue_drops_the_newest() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| {
            (config.udp.receive_datagrams, config.udp.receive_buffer) = (3, 1_000);
        });
        let id = host.bound();
        for (text, overflows) in [(600, 0), (500, 1), (400, 1), (1, 2), (0, 2), (0, 3)] {
            host.hears(&vec![text as u8; text]);
            assert_eq!(host.stack.counters().udp.overflows, overflows, "{text}");
        }
        let texts = [vec![600u16 as u8; 600], vec![400u16 as u8; 400], vec![]];
        assert_eq!(host.texts(id), texts);
        assert!(host.datagrams().is_empty());
        host.hears(&[3; 1_100]);
        assert_eq!(host.texts(id), [vec![3; 1_100]], "one, however long");
    });
}

/// A datagram in fragments is one datagram.
#[test]
fn fragments_are_put_together() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        let text: Vec<u8> = (0..60_000u32).map(|place| (place % 251) as u8).collect();
        let whole = udp(host.peer(), host.us(), &text);
        let mut pieces = ip::fragments(whole, 1_280, 77).unwrap();
        pieces.rotate_left(3);
        for piece in &pieces {
            assert_eq!(host.received(id), []);
            host.stack.receive(host.now, piece);
        }
        assert_eq!(host.texts(id), [text]);
        host.passes(Duration::from_secs(300));
        assert!(host.datagrams().is_empty());
    });
}
