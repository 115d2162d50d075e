//! What ICMP says of datagrams that left (RFC 1122 §4.1.3.3).

use std::net::SocketAddr;

use stubborn::config::UdpOptions;
use stubborn::stack::{
    DatagramError, IcmpReport, Readiness, Reported, UdpId, UdpRecvError, UdpSendError, Undelivered,
};
use stubborn::tcp::ConnectionError;
use stubborn::wire::{IcmpError, Unreachable, icmp};

use super::support::*;

const REFUSED: IcmpError = IcmpError::Unreachable(Unreachable::Port);

/// A datagram that has left to `remote`.
fn leaves(host: &mut Host, id: UdpId, remote: SocketAddr) -> Vec<u8> {
    host.stack.udp_send(id, b"hello", Some(remote)).unwrap();
    host.sent().remove(0).datagram
}

fn to(remote: SocketAddr, reason: Undelivered) -> DatagramError {
    DatagramError {
        remote,
        reason,
        echo: None,
    }
}

/// A connected socket: the next call fails, receive or send, once; whoever waits is woken.
#[test]
fn a_refusal_fails_the_next_call_of_a_connected_socket_once() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, peer) = (host.connected(), host.peer());
        let refused = to(peer, Undelivered::Refused);
        let mut buffer = [0; 10];
        for (reason, becomes) in [
            (Unreachable::Port, Undelivered::Refused),
            (Unreachable::Protocol, Undelivered::NoProtocol),
            (
                Unreachable::NetworkProhibited,
                Undelivered::NetworkProhibited,
            ),
            (Unreachable::HostProhibited, Undelivered::HostProhibited),
            (Unreachable::Prohibited, Undelivered::HostProhibited),
        ] {
            let quoted = leaves(&mut host, id, peer);
            if !host.error_arrives(IcmpError::Unreachable(reason), &quoted) {
                continue;
            }
            let all = Readiness::READABLE | Readiness::WRITABLE;
            assert_eq!(host.told(id), all);
            host.hears(b"x");
            let failed = host.stack.udp_recv(id, &mut buffer);
            assert_eq!(failed, Err(UdpRecvError::Undelivered(to(peer, becomes))));
            assert!(host.stack.udp_recv(id, &mut buffer).is_ok());

            host.error_arrives(REFUSED, &quoted);
            let failed = host.stack.udp_send(id, b"x", None);
            assert_eq!(failed, Err(UdpSendError::Undelivered(refused)));
            assert!(host.datagrams().is_empty(), "it was not taken");
            host.stack.udp_send(id, b"x", None).unwrap();
            host.datagrams();

            host.error_arrives(REFUSED, &quoted);
            assert_eq!(host.stack.udp_take_error(id), Some(refused));
            assert_eq!(host.stack.udp_take_error(id), None);
            let nothing = host.stack.udp_recv(id, &mut buffer);
            assert_eq!(nothing, Err(UdpRecvError::WouldBlock));
            host.told(id);
        }
    });
}

/// Everything else may pass by itself: no call fails for it, and who asks is told.
#[test]
fn every_other_error_is_told_to_who_asks() {
    use Undelivered::{HostUnreachable, NetworkUnreachable, TooLong};
    let unreachable = |reason| IcmpError::Unreachable(reason);
    let parameter = IcmpError::ParameterProblem {
        code: 0,
        pointer: 0,
    };
    let cases = [
        (unreachable(Unreachable::Network), NetworkUnreachable),
        (unreachable(Unreachable::NetworkUnknown), NetworkUnreachable),
        (
            unreachable(Unreachable::NetworkTypeOfService),
            NetworkUnreachable,
        ),
        (unreachable(Unreachable::Host), HostUnreachable),
        (unreachable(Unreachable::SourcePolicy), HostUnreachable),
        (unreachable(Unreachable::RejectRoute), HostUnreachable),
        (IcmpError::HopLimitExceeded, HostUnreachable),
        (IcmpError::ReassemblyTimeExceeded, HostUnreachable),
        (parameter, HostUnreachable),
        (IcmpError::Unknown { kind: 100, code: 1 }, HostUnreachable),
        (IcmpError::PacketTooBig { mtu: 1400 }, TooLong { mtu: 1400 }),
    ];
    in_both_families(|family| {
        for (error, reason) in cases {
            let mut host = Host::new(family);
            let (id, peer) = (host.connected(), host.peer());
            let quoted = leaves(&mut host, id, peer);
            if !host.error_arrives(error, &quoted) {
                continue;
            }
            assert_eq!(host.told(id), Readiness::NONE, "{error:?}");
            host.stack.udp_send(id, b"x", None).unwrap();
            let nothing = host.stack.udp_recv(id, &mut [0; 10]);
            assert_eq!(nothing, Err(UdpRecvError::WouldBlock));
            let most = 1500 - family.headers();
            assert_eq!(host.stack.udp_most(id), most, "nothing proves it");
            assert_eq!(host.stack.udp_take_error(id), Some(to(peer, reason)));
        }
    });
}

/// RFC 1191 §6.5, RFC 8201 §5.4: who wants that sends no longer datagrams than a router says the path takes, for
/// ten minutes; another socket goes on as before.
#[test]
fn who_wants_that_heeds_what_routers_say_of_a_path() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| {
            config.udp.socket.path_mtu = true;
            config.udp.socket.tells_too_long = true;
        });
        let (id, peer) = (host.connected(), host.peer());
        let most = |mtu: usize| mtu - family.headers();
        let too_big = |mtu| IcmpError::PacketTooBig { mtu };
        let quoted = leaves(&mut host, id, peer);
        host.error_arrives(too_big(1400), &quoted);
        assert_eq!(host.told(id), Readiness::READABLE | Readiness::WRITABLE);
        let reason = to(peer, Undelivered::TooLong { mtu: 1400 });
        let failed = host.stack.udp_send(id, b"x", None);
        assert_eq!(failed, Err(UdpSendError::Undelivered(reason)));
        assert_eq!(host.stack.udp_path_mtu(peer.ip()), 1400);
        let too_long = vec![0; most(1400) + 1];
        let refused = host.stack.udp_send(id, &too_long, None);
        let limit = UdpSendError::TooLong { most: most(1400) };
        assert_eq!(refused, Err(limit));
        host.stack.udp_send(id, &too_long[1..], None).unwrap();
        let other = SocketAddr::new(family.other_peer(), 9);
        let elsewhere = host.stack.udp_send(id, &too_long, Some(other));
        assert_eq!(elsewhere, Ok(()), "a path of its own");

        // It becomes no wider because somebody says so, and no narrower than it can be.
        host.error_arrives(too_big(1450), &quoted);
        host.stack.udp_take_error(id);
        assert_eq!(host.stack.udp_most(id), most(1400));
        host.error_arrives(too_big(0), &quoted);
        host.stack.udp_take_error(id);
        let least = match family {
            Family::V4 => 552,
            Family::V6 => 1400,
        };
        assert_eq!(host.stack.udp_most(id), most(least));

        // A socket that cuts does so in front of the narrow link.
        let options = host.stack.udp_options(id);
        let cuts = UdpOptions {
            fragments: true,
            ..options
        };
        host.stack.udp_set_options(id, cuts);
        host.datagrams();
        host.stack.udp_send(id, &[0; 1300], None).unwrap();
        let longest = host.datagrams().iter().map(Vec::len).max();
        assert!(longest <= Some(least), "{longest:?}");
        let ignores = UdpOptions {
            path_mtu: false,
            ..options
        };
        host.stack.udp_set_options(id, ignores);
        assert_eq!(host.stack.udp_most(id), most(1500));

        host.stack.udp_set_options(id, options);
        host.now += std::time::Duration::from_secs(600);
        leaves(&mut host, id, peer);
        assert_eq!(host.stack.udp_most(id), most(1500));
    });
}

/// RFC 4884 §4, §5: what an error quotes may be filled up to 128 octets, with extensions behind it; the
/// error is what it was.
#[test]
fn an_error_with_extensions_is_one() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, peer) = (host.connected(), host.peer());
        let mut quoted = leaves(&mut host, id, peer);
        quoted.resize(128, 0);
        // Version 2, no checksum, and one object, of a class for private use.
        quoted.extend([0x20, 0, 0, 0, 0, 8, 247, 1, 1, 2, 3, 4]);
        let error = IcmpError::HopLimitExceeded;
        let mut message = icmp::error(family.router(), 64, error, &quoted).unwrap();
        // How long the quote is, in words of four octets or of eight.
        match family {
            Family::V4 => message[20 + 5] = 128 / 4,
            Family::V6 => message[40 + 4] = 128 / 8,
        }
        readdress(&mut message, family);
        host.stack.receive(host.now, &message);
        let told = host.stack.udp_take_error(id);
        assert_eq!(told, Some(to(peer, Undelivered::HostUnreachable)));
    });
}

/// Without a peer of its own, a socket fails for nobody; who asks is told whom it was for.
#[test]
fn a_socket_without_a_peer_is_told_who_refused() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        let other = SocketAddr::new(family.other_peer(), 9);
        let quoted = leaves(&mut host, id, other);
        host.error_arrives(REFUSED, &quoted);
        assert_eq!(host.told(id), Readiness::NONE);
        let peer = host.peer();
        host.stack.udp_send(id, b"x", Some(peer)).unwrap();
        let nothing = host.stack.udp_recv(id, &mut [0; 10]);
        assert_eq!(nothing, Err(UdpRecvError::WouldBlock));
        let error = to(other, Undelivered::Refused);
        assert_eq!(host.stack.udp_take_error(id), Some(error));
        // What was said before connecting does not count for the peer.
        host.error_arrives(REFUSED, &quoted);
        host.stack.udp_connect(id, peer).unwrap();
        host.stack.udp_send(id, b"x", None).unwrap();
        // Nor does what was said of a peer, once that is none any more.
        let quoted = leaves(&mut host, id, peer);
        host.error_arrives(REFUSED, &quoted);
        let own = host.stack.udp_local_addr(id).ip();
        host.stack.udp_disconnect(id, own).unwrap();
        assert_eq!(host.stack.udp_take_error(id), None);
    });
}

/// A refusal is not forgotten for what may pass.
#[test]
fn a_refusal_outlasts_a_lesser_error() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, peer) = (host.connected(), host.peer());
        let quoted = leaves(&mut host, id, peer);
        host.error_arrives(IcmpError::HopLimitExceeded, &quoted);
        host.error_arrives(REFUSED, &quoted);
        host.error_arrives(IcmpError::HopLimitExceeded, &quoted);
        let refused = to(peer, Undelivered::Refused);
        let failed = host.stack.udp_send(id, b"x", None);
        assert_eq!(failed, Err(UdpSendError::Undelivered(refused)));
    });
}

/// An error about what no socket of ours sends is nobody's.
#[test]
fn an_error_about_somebody_elses_datagram_is_ignored() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, us, peer) = (host.connected(), host.us(), host.peer());
        let other_peer = SocketAddr::new(family.other_peer(), PEER_PORT);
        let quotes = [
            (us, other_peer),
            (us, SocketAddr::new(peer.ip(), 9)),
            (SocketAddr::new(us.ip(), 9), peer),
            (SocketAddr::new(family.us_too(), PORT), peer),
            (peer, us),
        ];
        for (source, destination) in quotes {
            let quoted = udp(source, destination, b"hello");
            // Delivered to us, whoever is said to have sent the datagram.
            let mut message = icmp::error(family.router(), 64, REFUSED, &quoted).unwrap();
            readdress(&mut message, family);
            host.stack.receive(host.now, &message);
        }
        if family == Family::V6 {
            // No IPv6 link has it (RFC 8201 §4).
            let quoted = leaves(&mut host, id, peer);
            host.error_arrives(IcmpError::PacketTooBig { mtu: 1279 }, &quoted);
        }
        assert_eq!(host.stack.udp_take_error(id), None);
        assert_eq!(host.told(id), Readiness::NONE);
        let ignored = quotes.len() as u64 + u64::from(family == Family::V6);
        assert_eq!(host.stack.counters().icmp_ignored, ignored);
    });
}

/// Nor is an error about what another host has sent, though a socket has that port at every address
/// of ours.
#[test]
fn an_error_about_another_hosts_datagram_is_ignored() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (any, peer) = (SocketAddr::new(family.unspecified(), PORT), host.peer());
        let id = host.stack.udp_bind(any).unwrap();
        let refused = Some(to(peer, Undelivered::Refused));
        for (source, told) in [(family.other_peer(), None), (family.us_too(), refused)] {
            let quoted = udp(SocketAddr::new(source, PORT), peer, b"hello");
            let mut message = icmp::error(family.router(), 64, REFUSED, &quoted).unwrap();
            readdress(&mut message, family);
            host.stack.receive(host.now, &message);
            assert_eq!(host.stack.udp_take_error(id), told, "{source}");
        }
    });
}

/// RFC 792, RFC 4443 §2.4 (d): of a datagram that left in fragments the first says whose it was, and what becomes of
/// it counts; of a later one nobody can tell.
#[test]
fn an_error_about_the_first_fragment_counts() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.udp.socket.fragments = true);
        let (id, peer) = (host.connected(), host.peer());
        host.stack.udp_send(id, &[7; 3000], None).unwrap();
        let pieces = host.datagrams();
        assert_eq!(pieces.len(), 3);
        // What no host of IPv4 may send of a later fragment says the same of it.
        let (first, to_one) = (
            &pieces[0],
            icmp::error(family.router(), 64, REFUSED, &pieces[0]),
        );
        let message = to_one.expect("an error");
        let (header, field) = match family {
            Family::V4 => (20, 20 + 8 + 6),
            Family::V6 => (40, 40 + 8 + 40 + 2),
        };
        let offset = |piece: &[u8]| piece[field - header - 8..][..2].to_vec();
        assert_ne!(offset(first), offset(&pieces[1]));
        for (piece, told) in [
            (&pieces[1], None),
            (&pieces[2], None),
            (first, Some(to(peer, Undelivered::Refused))),
        ] {
            let mut message = message.clone();
            message[field..field + 2].copy_from_slice(&offset(piece));
            readdress(&mut message, family);
            host.stack.receive(host.now, &message);
            assert_eq!(host.stack.udp_take_error(id), told);
        }
    });
}

/// Who watches is told of each error, whom it is about and in the numbers of the wire, but of no
/// more than wait; who does not watch leaves nothing behind.
#[test]
fn who_watches_is_told_of_every_error() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, peer) = (host.connected(), host.peer());
        let quoted = leaves(&mut host, id, peer);
        host.error_arrives(REFUSED, &quoted);
        host.stack.watch_icmp();
        assert_eq!(host.stack.poll_icmp(), None, "it was before");
        host.error_arrives(IcmpError::PacketTooBig { mtu: 1300 }, &quoted);
        for _ in 0..100 {
            host.error_arrives(REFUSED, &quoted);
        }
        let numbers = match family {
            Family::V4 => [(3, 4, 1300), (3, 3, 0)],
            Family::V6 => [(2, 0, 1300), (1, 4, 0)],
        };
        let reasons = [None, Some(ConnectionError::Refused)];
        for ((kind, code, info), reason) in numbers.into_iter().zip(reasons) {
            let told = IcmpReport {
                about: Reported::Udp(id),
                remote: peer,
                offender: Some(family.router()),
                reason,
                ended: false,
                kind,
                code,
                info,
                quoted: b"hello".to_vec(),
            };
            assert_eq!(host.stack.poll_icmp(), Some(told));
        }
        let rest = core::iter::from_fn(|| host.stack.poll_icmp()).count();
        assert_eq!(rest, 62);
    });
}

/// The same message, to our first address.
fn readdress(message: &mut Vec<u8>, family: Family) {
    use stubborn::wire::{IpHeader, checksum::Sum, checksum::checksum, protocol};
    let (header, kind) = match family {
        Family::V4 => (20, protocol::ICMP),
        Family::V6 => (40, protocol::ICMPV6),
    };
    let mut body = message[header..].to_vec();
    body[2..4].fill(0);
    let ip = IpHeader::new(family.router(), family.us(), kind, 64);
    let sum = match family {
        Family::V4 => checksum(&body),
        Family::V6 => {
            let pseudo = Sum::pseudo_header(ip.source, ip.destination, kind, body.len());
            pseudo.plus(&body).checksum()
        }
    };
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    *message = ip.datagram(&body);
}
