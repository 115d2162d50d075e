//! Echo sockets: requests of users, and the replies to them (RFC 1122 §3.2.2.6, RFC 4443 §4.1 and §4.2).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::config::UdpOptions;
use stubborn::stack::{
    BindError, DatagramError, EchoFailure, Readiness, UdpConnectError, UdpId, UdpMarks,
    UdpRecvError, UdpSendError, Undelivered,
};
use stubborn::wire::{self, Echo, IcmpError, IcmpMessage, IpHeader, Payload, Unreachable, icmp};

use super::support::*;

const IDENTIFIER: u16 = 0x1234;

/// A socket at our first address.
fn asks(host: &mut Host) -> UdpId {
    let local = SocketAddr::new(host.family.us(), IDENTIFIER);
    host.stack.echo_bind(local).unwrap()
}

fn send(
    host: &mut Host,
    id: UdpId,
    sequence: u16,
    data: &[u8],
    to: IpAddr,
) -> Result<(), UdpSendError> {
    (host.stack).echo_send(id, sequence, data, Some(to), UdpMarks::default())
}

/// A request that has left to the peer.
fn leaves(host: &mut Host, id: UdpId, sequence: u16) -> Vec<u8> {
    let peer = host.family.peer();
    send(host, id, sequence, b"data", peer).unwrap();
    host.datagrams().remove(0)
}

fn reply(from: IpAddr, to: IpAddr, identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let echo = Echo {
        identifier,
        sequence,
        data,
    };
    let mut ip = IpHeader::new(from, to, 0, 33);
    ip.traffic_class = 0xb8;
    icmp::echo_reply(&ip, &echo)
}

fn reply_arrives(host: &mut Host, from: IpAddr, to: IpAddr, identifier: u16, sequence: u16) {
    let reply = reply(from, to, identifier, sequence, b"data");
    host.stack.receive(host.now, &reply);
}

/// Sequence numbers of the replies that wait, with whom they are from.
fn replies(host: &mut Host, id: UdpId) -> Vec<(IpAddr, u16)> {
    let mut buffer = [0; 100];
    let next = || {
        let received = host.stack.udp_recv(id, &mut buffer).ok()?;
        Some((received.remote.ip(), received.sequence))
    };
    std::iter::from_fn(next).collect()
}

/// The request in a datagram that has left.
fn request(datagram: &[u8]) -> (IpHeader, u16, u16, Vec<u8>) {
    let parsed = wire::parse(datagram).unwrap();
    let Payload::Icmp(IcmpMessage::EchoRequest(echo)) = parsed.payload else {
        panic!("no request: {:?}", parsed.payload);
    };
    let data = echo.data.to_vec();
    (parsed.ip, echo.identifier, echo.sequence, data)
}

/// RFC 792, RFC 4443 §4.1: every octet, with checksums that were computed by hand.
#[test]
fn a_request_is_what_the_rfcs_say() {
    let v4: &[u8] = &[
        0x45, 0, 0, 0x20, 0, 0, 0x40, 0, 0x40, 1, 0x26, 0xdb, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0x06,
        0xf4, 0x12, 0x34, 0, 7, b'p', b'i', b'n', b'g',
    ];
    let us = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let peer = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    let message = [128, 0, 0x94, 0xa8, 0x12, 0x34, 0, 7, b'p', b'i', b'n', b'g'];
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = asks(&mut host);
        send(&mut host, id, 7, b"ping", family.peer()).unwrap();
        let mut left = host.datagrams().remove(0);
        match family {
            Family::V4 => assert_eq!(left, v4),
            Family::V6 => {
                // The flow label is the stack's choice.
                assert_eq!((left[0], left[1] & 0xf0), (0x60, 0));
                left[1..4].fill(0);
                let header = [0x60, 0, 0, 0, 0, 12, 58, 64];
                assert_eq!(left, [&header[..], &us, &peer, &message].concat());
            }
        }
        assert_eq!(host.stack.counters().echo.sent, 1);
        assert_eq!(host.stack.counters().udp.sent, 0);
    });
}

#[test]
fn a_reply_reaches_whoever_asked_with_all_that_it_says() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = asks(&mut host);
        leaves(&mut host, id, 1);
        host.passes(Duration::from_millis(5));
        reply_arrives(&mut host, family.peer(), family.us(), IDENTIFIER, 1);
        assert_eq!(host.told(id), Readiness::READABLE);
        let mut buffer = [0; 3];
        let peeked = host.stack.udp_peek(id, &mut buffer).unwrap();
        let received = host.stack.udp_recv(id, &mut buffer).unwrap();
        assert_eq!(received, peeked);
        assert_eq!(&buffer, b"dat");
        assert_eq!((received.len, received.sequence), (4, 1));
        assert_eq!(received.remote, SocketAddr::new(family.peer(), 0));
        assert_eq!((received.local, received.at), (family.us(), host.now));
        let marks = UdpMarks {
            hop_limit: Some(33),
            traffic_class: Some(0xb8),
        };
        assert_eq!(received.marks, marks);
        assert!(host.datagrams().is_empty(), "nothing answers a reply");
        assert_eq!(host.stack.counters().echo.received, 1);
    });
}

/// Without a word, and counted.
#[test]
fn a_reply_that_nobody_asked_for_is_dropped() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (peer, us, us_too) = (family.peer(), family.us(), family.us_too());
        reply_arrives(&mut host, peer, us, IDENTIFIER, 1);
        let id = asks(&mut host);
        reply_arrives(&mut host, peer, us, IDENTIFIER + 1, 1);
        reply_arrives(&mut host, peer, us_too, IDENTIFIER, 1);
        assert_eq!(host.stack.counters().echo.no_ports, 3);
        // A wrong checksum; to a group; from ourselves, which nobody else can be.
        let mut wrong = reply(peer, us, IDENTIFIER, 1, b"data");
        *wrong.last_mut().unwrap() ^= 1;
        host.stack.receive(host.now, &wrong);
        reply_arrives(&mut host, peer, family.multicast(), IDENTIFIER, 1);
        reply_arrives(&mut host, us_too, us, IDENTIFIER, 1);
        assert_eq!(host.stack.counters().echo.no_ports, 3);
        assert_eq!(host.told(id), Readiness::NONE);
        assert_eq!(replies(&mut host, id), []);
        assert!(host.datagrams().is_empty());
        // A port of UDP is another name.
        let port = SocketAddr::new(us, IDENTIFIER + 1);
        let udp = host.stack.udp_bind(port).unwrap();
        reply_arrives(&mut host, peer, us, IDENTIFIER + 1, 1);
        host.arrives(host.peer(), SocketAddr::new(us, IDENTIFIER), b"x");
        assert_eq!(host.told(udp), Readiness::NONE);
        assert_eq!(host.told(id), Readiness::NONE);
    });
}

#[test]
fn a_connected_socket_hears_one_host() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (peer, other, us) = (family.peer(), family.other_peer(), family.us());
        let any = SocketAddr::new(family.unspecified(), IDENTIFIER);
        let id = host.stack.echo_bind(any).unwrap();
        reply_arrives(&mut host, other, us, IDENTIFIER, 1);
        reply_arrives(&mut host, peer, family.us_too(), IDENTIFIER, 2);
        // The port does not count.
        let named = SocketAddr::new(peer, 80);
        host.stack.udp_connect(id, named).unwrap();
        let known = Some(SocketAddr::new(peer, 0));
        assert_eq!(host.stack.udp_peer_addr(id), known);
        reply_arrives(&mut host, other, us, IDENTIFIER, 3);
        reply_arrives(&mut host, peer, us, IDENTIFIER, 4);
        assert_eq!(replies(&mut host, id), [(peer, 2), (peer, 4)]);
        let marks = UdpMarks::default();
        host.stack.echo_send(id, 5, b"", None, marks).unwrap();
        let (ip, identifier, sequence, data) = request(&host.datagrams()[0]);
        assert_eq!((ip.source, ip.destination), (us, peer));
        assert_eq!((identifier, sequence, data), (IDENTIFIER, 5, vec![]));
        let to_many = SocketAddr::new(family.multicast(), 0);
        let refused = host.stack.udp_connect(id, to_many);
        assert_eq!(refused, Err(UdpConnectError::NotAPeer));
        host.stack.udp_disconnect(id, family.unspecified()).unwrap();
        let unconnected = host.stack.echo_send(id, 6, b"", None, marks);
        assert_eq!(unconnected, Err(UdpSendError::NotConnected));
        reply_arrives(&mut host, other, us, IDENTIFIER, 7);
        assert_eq!(replies(&mut host, id), [(other, 7)]);
    });
}

#[test]
fn an_identifier_is_one_socket_s() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let at = |address, identifier| SocketAddr::new(address, identifier);
        let id = asks(&mut host);
        for taken in [family.us(), family.us_too(), family.unspecified()] {
            let refused = host.stack.echo_bind(at(taken, IDENTIFIER));
            assert_eq!(refused, Err(BindError::AddressInUse));
        }
        let strangers = [
            family.peer(),
            family.multicast(),
            family.other().us(),
            family.other().unspecified(),
        ];
        for not_ours in strangers {
            let refused = host.stack.echo_bind(at(not_ours, 9));
            assert_eq!(refused, Err(BindError::AddressNotAvailable));
        }
        let chosen: Vec<u16> = (0..20)
            .map(|_| {
                let id = host.stack.echo_bind(at(family.us(), 0)).unwrap();
                host.stack.udp_local_addr(id).port()
            })
            .collect();
        let mut different = chosen.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 20);
        assert_ne!(different, chosen, "they can be predicted");
        assert!(!chosen.contains(&0));
        host.stack.udp_close(id);
        asks(&mut host);
    });
}

/// Whatever ICMP says of a request, the next call tells, whether the socket is connected or not.
#[test]
fn every_error_is_told_to_whoever_asked() {
    let rows = [
        (
            IcmpError::Unreachable(Unreachable::Port),
            Undelivered::Refused,
        ),
        (
            IcmpError::Unreachable(Unreachable::Host),
            Undelivered::HostUnreachable,
        ),
        (IcmpError::HopLimitExceeded, Undelivered::HostUnreachable),
        (
            IcmpError::PacketTooBig { mtu: 1400 },
            Undelivered::TooLong { mtu: 1400 },
        ),
    ];
    in_both_families(|family| {
        for (error, reason) in rows {
            let mut host = Host::new(family);
            let (id, peer) = (asks(&mut host), family.peer());
            let expected = DatagramError {
                remote: SocketAddr::new(peer, 0),
                reason,
                echo: Some(EchoFailure {
                    sequence: 0xfedc,
                    offender: family.router(),
                    error,
                }),
            };
            let quoted = leaves(&mut host, id, 0xfedc);
            for connects in [false, true] {
                if connects {
                    let peer = SocketAddr::new(peer, 0);
                    host.stack.udp_connect(id, peer).unwrap();
                }
                assert!(host.error_arrives(error, &quoted));
                let all = Readiness::READABLE | Readiness::WRITABLE;
                assert_eq!(host.told(id), all);
                assert!(host.stack.udp_has_error(id));
                let failed = host.stack.udp_recv(id, &mut []);
                assert_eq!(failed, Err(UdpRecvError::Undelivered(expected)));
                let nothing = host.stack.udp_recv(id, &mut []);
                assert_eq!(nothing, Err(UdpRecvError::WouldBlock));

                host.error_arrives(error, &quoted);
                let failed = send(&mut host, id, 1, b"", peer);
                assert_eq!(failed, Err(UdpSendError::Undelivered(expected)));
                assert!(host.datagrams().is_empty(), "it was not taken");
                host.told(id);
            }
            let said = expected.to_string();
            let names = format!("an echo request to {peer} was not delivered");
            assert!(said.starts_with(&names), "{said}");
            assert!(said.ends_with(&family.router().to_string()), "{said}");
        }
    });
}

/// One that quotes a request of somebody else, or no request at all.
#[test]
fn an_error_about_something_else_is_ignored() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, us, peer) = (asks(&mut host), family.us(), family.peer());
        let echo = |identifier| Echo {
            identifier,
            sequence: 1,
            data: b"data",
        };
        let ip = IpHeader::new(us, peer, 0, 64);
        let mut with_code = icmp::echo_request(&ip, &echo(IDENTIFIER));
        with_code[family.headers() - 7] = 1;
        let others = [
            icmp::echo_request(&ip, &echo(IDENTIFIER + 1)),
            icmp::echo_reply(&ip, &echo(IDENTIFIER)),
            with_code,
            udp(
                SocketAddr::new(us, IDENTIFIER),
                SocketAddr::new(peer, 0),
                b"x",
            ),
        ];
        let count = others.len() as u64;
        for other in others {
            assert!(host.error_arrives(IcmpError::HopLimitExceeded, &other));
        }
        assert_eq!(host.stack.counters().icmp_ignored, count);
        assert_eq!(host.told(id), Readiness::NONE);
        assert_eq!(host.stack.udp_take_error(id), None);
    });
}

#[test]
fn a_flood_of_replies_is_bounded() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.udp.receive_datagrams = 10);
        let (id, peer, us) = (asks(&mut host), family.peer(), family.us());
        for sequence in 0..1000 {
            reply_arrives(&mut host, peer, us, IDENTIFIER, sequence);
        }
        let counted = host.stack.counters().echo;
        assert_eq!((counted.received, counted.overflows), (10, 990));
        let expected: Vec<_> = (0..10).map(|sequence| (peer, sequence)).collect();
        assert_eq!(replies(&mut host, id), expected);
    });
}

#[test]
fn requests_wait_for_room_as_datagrams_do() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.udp.send_datagrams = 2);
        let (id, peer) = (asks(&mut host), family.peer());
        assert_eq!(send(&mut host, id, 1, b"", peer), Ok(()));
        assert_eq!(send(&mut host, id, 2, b"", peer), Ok(()));
        let full = send(&mut host, id, 3, b"", peer);
        assert_eq!(full, Err(UdpSendError::WouldBlock));
        let left = host.datagrams();
        let sequences: Vec<u16> = left.iter().map(|left| request(left).2).collect();
        assert_eq!(sequences, [1, 2]);
        assert_eq!(host.told(id), Readiness::WRITABLE);
        // What was taken leaves, even if nobody waits for the reply.
        assert_eq!(send(&mut host, id, 3, b"", peer), Ok(()));
        host.stack.udp_close(id);
        assert_eq!(host.datagrams().len(), 1);
        assert_eq!(host.stack.udp_count(), 0);
    });
}

/// Both have a turn, however much one of them has to say.
#[test]
fn requests_and_datagrams_take_turns() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, udp) = (asks(&mut host), host.bound());
        for sequence in 0..100 {
            send(&mut host, id, sequence, b"", family.peer()).unwrap();
        }
        host.stack.udp_send(udp, b"x", Some(host.peer())).unwrap();
        let is_udp =
            |left: &Vec<u8>| matches!(wire::parse(left).unwrap().payload, Payload::Udp(..));
        let left = host.datagrams();
        assert_eq!(left.len(), 101);
        assert_eq!(left.iter().position(is_udp), Some(16));
    });
}

/// RFC 1122 §3.2.1.3: nothing of it goes out.
#[test]
fn this_host_answers_itself() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = asks(&mut host);
        for own in [family.us(), family.us_too()] {
            send(&mut host, id, 3, b"data", own).unwrap();
            assert!(host.datagrams().is_empty());
            assert_eq!(host.told(id), Readiness::READABLE);
            assert_eq!(replies(&mut host, id), [(own, 3)]);
        }
    });
}

#[test]
fn a_long_request_goes_in_fragments_if_the_user_wants_it() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, peer) = (asks(&mut host), family.peer());
        let most = 1500 - family.headers();
        assert_eq!(host.stack.udp_most(id), most);
        let refused = send(&mut host, id, 1, &vec![0; most + 1], peer);
        assert_eq!(refused, Err(UdpSendError::TooLong { most }));
        send(&mut host, id, 1, &vec![0; most], peer).unwrap();
        assert_eq!(host.datagrams()[0].len(), 1500);
        let options = UdpOptions {
            fragments: true,
            ..UdpOptions::default()
        };
        host.stack.udp_set_options(id, options);
        for len in [most + 1, 4000, host.stack.udp_most(id)] {
            let data: Vec<u8> = (0..len).map(|place| place as u8).collect();
            send(&mut host, id, 2, &data, peer).unwrap();
            let pieces = host.datagrams();
            assert!(pieces.iter().all(|piece| piece.len() <= 1500));
            // Another host puts them together, and answers all of it.
            let mut other = Host::answering(family);
            for piece in pieces {
                other.stack.receive(other.now, &piece);
            }
            for piece in other.datagrams() {
                host.stack.receive(host.now, &piece);
            }
            let mut buffer = vec![0; 70_000];
            let received = host.stack.udp_recv(id, &mut buffer).unwrap();
            assert_eq!((received.len, received.sequence), (len, 2));
            assert!(buffer[..len] == data);
        }
    });
}

#[test]
fn options_of_the_socket_and_marks_of_the_request_count() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, peer) = (asks(&mut host), family.peer());
        let options = UdpOptions {
            hop_limit: Some(3),
            traffic_class: 0x20,
            ..UdpOptions::default()
        };
        host.stack.udp_set_options(id, options);
        let marks = UdpMarks {
            hop_limit: Some(1),
            traffic_class: Some(0x88),
        };
        for (marks, expected) in [(UdpMarks::default(), (3, 0x20)), (marks, (1, 0x88))] {
            host.stack.echo_send(id, 1, b"", Some(peer), marks).unwrap();
            let (ip, ..) = request(&host.datagrams()[0]);
            assert_eq!((ip.hop_limit, ip.traffic_class), expected);
        }
    });
}

/// Those of a group answer from addresses of their own.
#[test]
fn many_may_be_asked_as_over_udp() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, group) = (asks(&mut host), family.multicast());
        send(&mut host, id, 1, b"", group).unwrap();
        let left = host.datagrams();
        let (ip, ..) = request(&left[0]);
        assert_eq!((ip.destination, ip.hop_limit), (group, 1));
        // Over IPv6 this host is one of them, and has answered already.
        let own: &[_] = match family {
            Family::V4 => &[],
            Family::V6 => &[(family.us(), 1)],
        };
        assert_eq!(replies(&mut host, id), own);
        for from in [family.peer(), family.other_peer()] {
            reply_arrives(&mut host, from, family.us(), IDENTIFIER, 1);
        }
        let expected = [(family.peer(), 1), (family.other_peer(), 1)];
        assert_eq!(replies(&mut host, id), expected);
    });
    let mut host = Host::new(Family::V4);
    let (id, all) = (asks(&mut host), IpAddr::from([255; 4]));
    let refused = send(&mut host, id, 1, b"", all);
    assert_eq!(refused, Err(UdpSendError::Broadcast));
    let options = UdpOptions {
        broadcast: true,
        ..UdpOptions::default()
    };
    host.stack.udp_set_options(id, options);
    assert_eq!(send(&mut host, id, 1, b"", all), Ok(()));
    assert_eq!(request(&host.datagrams()[0]).0.destination, all);
}

#[test]
fn nobody_can_be_asked_who_is_no_host() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = asks(&mut host);
        let refused = send(&mut host, id, 1, b"", family.unspecified());
        assert_eq!(refused, Err(UdpSendError::NotAPeer));
        let refused = send(&mut host, id, 1, b"", family.other().peer());
        assert_eq!(refused, Err(UdpSendError::OtherFamily));
        assert!(host.datagrams().is_empty());
    });
}
