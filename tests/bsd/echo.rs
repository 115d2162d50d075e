//! Ping sockets: `SOCK_DGRAM` with `IPPROTO_ICMP` or `IPPROTO_ICMPV6`. All that is asked here Linux 6.18 was asked
//! first, in a namespace whose `net.ipv4.ping_group_range` allows them.

use std::net::SocketAddr;

use stubborn::bsd::{Errno, Fd, linux::*};
use stubborn::wire::{self, Echo, IcmpError, IcmpMessage, IpHeader, Payload, Unreachable, icmp};

use super::support::{World, addr};

/// One of the two families, with addresses of both hosts.
#[derive(Clone, Copy)]
struct Kind {
    domain: i32,
    protocol: i32,
    request: u8,
    reply: u8,
    us: &'static str,
    peer: &'static str,
    other: &'static str,
    all: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        domain: AF_INET,
        protocol: IPPROTO_ICMP,
        request: 8,
        reply: 0,
        us: "10.0.0.1",
        peer: "10.0.0.2",
        other: "10.0.0.9",
        all: "0.0.0.0",
    },
    Kind {
        domain: AF_INET6,
        protocol: IPPROTO_ICMPV6,
        request: 128,
        reply: 129,
        us: "fd00::1",
        peer: "fd00::2",
        other: "fd00::9",
        all: "::",
    },
];

impl Kind {
    fn at(self, host: &str, port: u16) -> SocketAddr {
        SocketAddr::new(host.parse().unwrap(), port)
    }

    /// A socket that does not block.
    fn socket(self, world: &mut World) -> Fd {
        let kind = SOCK_DGRAM | SOCK_NONBLOCK;
        world.us().socket(self.domain, kind, self.protocol).unwrap()
    }

    fn bound(self, world: &mut World, identifier: u16) -> Fd {
        let fd = self.socket(world);
        let at = self.at(self.all, identifier);
        world.us().bind(fd, at).unwrap();
        fd
    }

    /// A request as a program writes it, with a checksum and an identifier that do not count.
    fn request(self, sequence: u8, data: &[u8]) -> Vec<u8> {
        let header = [self.request, 0, 0xbe, 0xef, 0xde, 0xad, 0, sequence];
        [&header, data].concat()
    }

    /// A reply arrives.
    fn reply_arrives(
        self,
        world: &mut World,
        from: &str,
        to: &str,
        identifier: u16,
        sequence: u16,
    ) {
        let header = IpHeader::new(from.parse().unwrap(), to.parse().unwrap(), 0, 33);
        let echo = Echo {
            identifier,
            sequence,
            data: b"data",
        };
        let reply = icmp::echo_reply(&header, &echo);
        let now = world.now;
        world.hosts[0].stack.receive(now, &reply);
    }

    /// The only request that leaves.
    fn leaves(self, world: &mut World) -> Vec<u8> {
        let now = world.now;
        let stack = &mut world.hosts[0].stack;
        let left = stack.poll_transmit(now).unwrap().to_vec();
        assert!(stack.poll_transmit(now).is_none());
        left
    }

    /// A router says this of a request that has left.
    fn error_arrives(self, world: &mut World, error: IcmpError, request: &[u8]) {
        let router = self.other.parse().unwrap();
        let message = icmp::error(router, 64, error, request).unwrap();
        let now = world.now;
        world.hosts[0].stack.receive(now, &message);
    }
}

fn in_both_families(test: impl Fn(Kind)) {
    KINDS.into_iter().for_each(test);
}

/// Where a request goes, its identifier, its sequence number and its data. Its checksum is right.
fn asked(datagram: &[u8]) -> (SocketAddr, u16, u16, Vec<u8>) {
    let parsed = wire::parse(datagram).unwrap();
    let Payload::Icmp(IcmpMessage::EchoRequest(echo)) = parsed.payload else {
        panic!("no request: {:?}", parsed.payload);
    };
    let to = SocketAddr::new(parsed.ip.destination, 0);
    (to, echo.identifier, echo.sequence, echo.data.to_vec())
}

fn receives(world: &mut World, fd: Fd) -> Result<(Vec<u8>, SocketAddr), Errno> {
    let mut buffer = [0; 100];
    let received = world.us().recvmsg(fd, &mut buffer, 0)?;
    Ok((buffer[..received.len].to_vec(), received.from.unwrap()))
}

#[test]
fn each_family_has_its_protocol() {
    let mut world = World::new();
    let mut socket = |domain, kind, protocol| world.us().socket(domain, kind, protocol);
    for (domain, kind, protocol) in [
        (AF_INET6, SOCK_DGRAM, IPPROTO_ICMP),
        (AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6),
        (AF_INET, SOCK_STREAM, IPPROTO_ICMP),
        (AF_INET6, SOCK_STREAM, IPPROTO_ICMPV6),
    ] {
        let refused = socket(domain, kind, protocol);
        assert_eq!(refused, Err(Errno::EPROTONOSUPPORT));
    }
    in_both_families(|kind| {
        let mut world = World::new();
        let fd = kind.socket(&mut world);
        for (name, value) in [
            (SO_PROTOCOL, kind.protocol),
            (SO_TYPE, SOCK_DGRAM),
            (SO_DOMAIN, kind.domain),
            (SO_REUSEADDR, 1),
        ] {
            assert_eq!(world.option(fd, SOL_SOCKET, name), Ok(value));
        }
        // Nothing of UDP is known.
        let other_level = match kind.domain {
            AF_INET => Errno::EOPNOTSUPP,
            _ => Errno::ENOPROTOOPT,
        };
        assert_eq!(world.option(fd, SOL_UDP, UDP_CORK), Err(other_level));
        let set = world.set_option(fd, SOL_UDP, UDP_CORK, 1);
        assert_eq!(set, Err(Errno::ENOPROTOOPT));
        for request in [FIONREAD, SIOCOUTQ, SIOCATMARK] {
            assert_eq!(world.us().ioctl(fd, request, 0), Err(Errno::ENOTTY));
        }
        let mut us = world.us();
        assert_eq!(us.listen(fd, 1), Err(Errno::EOPNOTSUPP));
        assert_eq!(us.accept(fd, 0), Err(Errno::EOPNOTSUPP));
        assert_eq!(us.getpeername(fd), Err(Errno::ENOTCONN));
        assert_eq!(us.getsockname(fd), Ok(kind.at(kind.all, 0)));
        assert_eq!(us.recv(fd, &mut [0; 9], 0), Err(Errno::EAGAIN));
        assert_eq!(us.recv(fd, &mut [0; 9], MSG_OOB), Err(Errno::EOPNOTSUPP));
        let writable = POLLOUT | POLLWRNORM | POLLWRBAND;
        assert_eq!(us.ready(fd), Ok(writable));
    });
}

#[test]
fn the_port_is_the_identifier() {
    in_both_families(|kind| {
        let mut world = World::new();
        let fd = kind.socket(&mut world);
        let mut us = world.us();
        let elsewhere = us.bind(fd, kind.at(kind.other, 7));
        assert_eq!(elsewhere, Err(Errno::EADDRNOTAVAIL));
        us.bind(fd, kind.at(kind.us, 0x1234)).unwrap();
        assert_eq!(us.getsockname(fd), Ok(kind.at(kind.us, 0x1234)));
        let again = us.bind(fd, kind.at(kind.us, 0));
        assert_eq!(again, Err(Errno::EINVAL));

        let others = match kind.domain {
            AF_INET => [
                ("10.0.0.255", Errno::EADDRNOTAVAIL),
                ("224.0.0.1", Errno::EADDRNOTAVAIL),
            ],
            _ => [
                ("::ffff:10.0.0.1", Errno::EINVAL),
                ("ff02::1", Errno::EINVAL),
            ],
        };
        let fd = kind.socket(&mut world);
        for (place, error) in others {
            assert_eq!(
                world.us().bind(fd, kind.at(place, 7)),
                Err(error),
                "{place}"
            );
        }
        // One that nobody has.
        world.us().bind(fd, kind.at(kind.all, 0)).unwrap();
        let drawn = world.us().getsockname(fd).unwrap();
        assert_eq!(drawn.ip(), kind.at(kind.all, 0).ip());
        assert!(drawn.port() != 0 && drawn.port() != 0x1234);
    });
}

/// Sockets may share an identifier from the start; the one that was bound last hears. The families have the same
/// identifiers, and UDP has others.
#[test]
fn an_identifier_may_be_shared() {
    in_both_families(|kind| {
        let mut world = World::new();
        let first = kind.bound(&mut world, 5);
        let second = kind.bound(&mut world, 5);
        kind.reply_arrives(&mut world, kind.peer, kind.us, 5, 1);
        assert_eq!(receives(&mut world, first), Err(Errno::EAGAIN));
        assert!(receives(&mut world, second).is_ok());
        world.us().close(second).unwrap();
        kind.reply_arrives(&mut world, kind.peer, kind.us, 5, 1);
        assert!(receives(&mut world, first).is_ok());

        let udp = world.us().socket(kind.domain, SOCK_DGRAM, 0).unwrap();
        world.us().bind(udp, kind.at(kind.all, 5)).unwrap();

        for family in KINDS {
            let alone = family.socket(&mut world);
            world
                .set_option(alone, SOL_SOCKET, SO_REUSEADDR, 0)
                .unwrap();
            let place = family.at(family.all, 5);
            assert_eq!(world.us().bind(alone, place), Err(Errno::EADDRINUSE));
            assert_eq!(world.us().getsockname(alone), Ok(family.at(family.all, 0)));
        }
    });
}

#[test]
fn only_whole_requests_are_sent() {
    in_both_families(|kind| {
        let mut world = World::new();
        let fd = kind.socket(&mut world);
        let to = Some(kind.at(kind.peer, 77));
        let good = kind.request(1, b"data");
        let with = |place: usize, value: u8| {
            let mut request = good.clone();
            request[place] = value;
            request
        };
        let other_family = if kind.request == 8 { 128 } else { 8 };
        let long = |len| kind.request(1, &vec![b'x'; len - 8]);
        for (message, without, with) in [
            (vec![], Errno::EINVAL, Errno::EINVAL),
            (good[..7].to_vec(), Errno::EINVAL, Errno::EINVAL),
            (with(0, kind.reply), Errno::EINVAL, Errno::EINVAL),
            (with(0, other_family), Errno::EINVAL, Errno::EINVAL),
            (with(0, 13), Errno::EINVAL, Errno::EINVAL),
            (with(1, 1), Errno::EINVAL, Errno::EINVAL),
            (long(65_536), Errno::EMSGSIZE, Errno::EMSGSIZE),
        ] {
            assert_eq!(world.us().send(fd, &message, 0), Err(without));
            assert_eq!(world.us().sendto(fd, &message, 0, to), Err(with));
        }
        assert_eq!(world.us().send(fd, &good, 0), Err(Errno::EDESTADDRREQ));
        let urgent = world.us().sendto(fd, &good, MSG_OOB, to);
        assert_eq!(urgent, Err(Errno::EOPNOTSUPP));
        let (other, answer) = match kind.domain {
            AF_INET => (addr("[fd00::2]:0"), Errno::EAFNOSUPPORT),
            _ => (addr("[::ffff:10.0.0.2]:0"), Errno::EINVAL),
        };
        assert_eq!(world.us().sendto(fd, &good, 0, Some(other)), Err(answer));
        assert_eq!(world.us().getsockname(fd), Ok(kind.at(kind.all, 0)));

        // The longest that fits goes in fragments.
        let most = if kind.domain == AF_INET {
            65_515
        } else {
            65_535
        };
        assert_eq!(world.us().sendto(fd, &long(most), 0, to), Ok(most));
        if most < 65_535 {
            let longer = world.us().sendto(fd, &long(most + 1), 0, to);
            assert_eq!(longer, Err(Errno::EMSGSIZE));
        }
    });
}

/// The identifier and the checksum are those of the socket, whatever the program has written; `MSG_MORE` holds
/// nothing back.
#[test]
fn a_request_gets_the_identifier_of_the_socket() {
    in_both_families(|kind| {
        let mut world = World::new();
        let fd = kind.socket(&mut world);
        let to = kind.at(kind.peer, 77);
        let message = kind.request(3, b"data");
        let sent = world.us().sendto(fd, &message, MSG_MORE, Some(to));
        assert_eq!(sent, Ok(12));
        let identifier = world.us().getsockname(fd).unwrap().port();
        assert_ne!(identifier, 0);
        let left = kind.leaves(&mut world);
        let expected = (kind.at(kind.peer, 0), identifier, 3, b"data".to_vec());
        assert_eq!(asked(&left), expected);

        world.us().sendto(fd, &message[..8], 0, Some(to)).unwrap();
        world.settle();
        let (reply, from) = receives(&mut world, fd).unwrap();
        assert_eq!(from, kind.at(kind.peer, 0));
        assert_eq!((reply.len(), &reply[..2]), (8, &[kind.reply, 0][..]));
        assert_eq!(reply[4..6], identifier.to_be_bytes());
        assert_eq!(reply[6..], [0, 3]);
    });
}

/// With the checksum that it came with; octets as the kernel has returned them.
#[test]
fn a_reply_comes_with_its_header() {
    in_both_families(|kind| {
        let mut world = World::new();
        let fd = kind.bound(&mut world, 0x1234);
        let whole: &[u8] = match kind.domain {
            AF_INET => b"\x00\x00\x15\x04\x124\x00\x05data",
            _ => b"\x81\x00\x99\xb8\x124\x00\x05data",
        };
        kind.reply_arrives(&mut world, kind.peer, kind.us, 0x1234, 5);
        let readable = POLLIN | POLLRDNORM;
        assert_eq!(world.us().ready(fd).unwrap() & readable, readable);
        let mut buffer = [0; 100];
        assert_eq!(world.us().recv(fd, &mut buffer, MSG_PEEK), Ok(12));
        assert_eq!(&buffer[..12], whole);
        let cut = world.us().recvmsg(fd, &mut buffer[..5], MSG_TRUNC).unwrap();
        assert_eq!((cut.len, cut.flags), (12, MSG_TRUNC));
        assert_eq!(cut.from, Some(kind.at(kind.peer, 0)));
        assert_eq!(receives(&mut world, fd), Err(Errno::EAGAIN));

        // Of whom it is, and what it answers, is for the program to judge; but not whose it is.
        kind.reply_arrives(&mut world, kind.other, kind.us, 0x1234, 5);
        let (_, from) = receives(&mut world, fd).unwrap();
        assert_eq!(from, kind.at(kind.other, 0));
        kind.reply_arrives(&mut world, kind.peer, kind.us, 0x9999, 5);
        assert_eq!(receives(&mut world, fd), Err(Errno::EAGAIN));

        let (level, names) = match kind.domain {
            AF_INET => (SOL_IP, [IP_PKTINFO, IP_RECVTTL]),
            _ => (SOL_IPV6, [IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT]),
        };
        for name in names {
            world.set_option(fd, level, name, 1).unwrap();
        }
        kind.reply_arrives(&mut world, kind.peer, kind.us, 0x1234, 5);
        let told = world.us().recvmsg(fd, &mut buffer, 0).unwrap().control;
        let [_, ref limit] = told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(limit.data(), [33, 0, 0, 0]);
    });
}

/// A peer is whom a send asks, and fixes our address. The replies of others are received all the same.
#[test]
fn a_connected_socket_hears_everybody() {
    in_both_families(|kind| {
        let mut world = World::new();
        let fd = kind.bound(&mut world, 0x2222);
        world.us().connect(fd, kind.at(kind.peer, 99)).unwrap();
        assert_eq!(world.us().getsockname(fd), Ok(kind.at(kind.us, 0x2222)));
        assert_eq!(world.us().getpeername(fd), Ok(kind.at(kind.peer, 99)));
        let message = kind.request(2, b"");
        assert_eq!(world.us().send(fd, &message, 0), Ok(8));
        let left = kind.leaves(&mut world);
        assert_eq!(asked(&left).0, kind.at(kind.peer, 0));
        for from in [kind.peer, kind.other] {
            kind.reply_arrives(&mut world, from, kind.us, 0x2222, 5);
            assert_eq!(receives(&mut world, fd).unwrap().1, kind.at(from, 0));
        }
        let other = kind.at(kind.other, 0);
        assert_eq!(world.us().sendto(fd, &message, 0, Some(other)), Ok(8));
        let left = kind.leaves(&mut world);
        assert_eq!(asked(&left).0, other);

        // Port 0 is none.
        world.us().connect(fd, other).unwrap();
        assert_eq!(world.us().getpeername(fd), Err(Errno::ENOTCONN));
        world.us().disconnect(fd).unwrap();
        assert_eq!(world.us().getsockname(fd), Ok(kind.at(kind.all, 0x2222)));
        let nobody = world.us().send(fd, &message, 0);
        assert_eq!(nobody, Err(Errno::EDESTADDRREQ));

        // An identifier that bind has not given goes with the peer.
        let fd = kind.socket(&mut world);
        world.us().connect(fd, kind.at(kind.peer, 0)).unwrap();
        let name = world.us().getsockname(fd).unwrap();
        assert!(name.ip() == kind.at(kind.us, 0).ip() && name.port() != 0);
        world.us().disconnect(fd).unwrap();
        assert_eq!(world.us().getsockname(fd), Ok(kind.at(kind.all, 0)));
        world.us().bind(fd, kind.at(kind.all, 6)).unwrap();
    });
}

#[test]
fn what_is_shut_neither_sends_nor_waits() {
    in_both_families(|kind| {
        let mut world = World::new();
        let fd = kind.socket(&mut world);
        let unconnected = world.us().shutdown(fd, SHUT_RD);
        assert_eq!(unconnected, Err(Errno::ENOTCONN));
        let fd = kind.socket(&mut world);
        world.us().connect(fd, kind.at(kind.peer, 0)).unwrap();
        world.us().shutdown(fd, SHUT_WR).unwrap();
        let message = kind.request(1, b"");
        assert_eq!(world.us().send(fd, &message, 0), Err(Errno::EPIPE));
        assert_eq!(world.us().send(fd, &message[..7], 0), Err(Errno::EINVAL));
        world.us().shutdown(fd, SHUT_RD).unwrap();
        let all = POLLIN | POLLOUT | POLLHUP | POLLRDNORM | POLLWRNORM | POLLWRBAND | POLLRDHUP;
        assert_eq!(world.us().ready(fd), Ok(all));
        assert_eq!(world.us().recv(fd, &mut [0; 9], 0), Err(Errno::EAGAIN));
        world.us().fcntl(fd, F_SETFL, 0).unwrap();
        assert_eq!(world.us().recv(fd, &mut [0; 9], 0), Ok(0));
    });
}

/// What each error means, and whether it fails a call on a connected socket.
fn errors(kind: Kind) -> Vec<(IcmpError, Errno, bool)> {
    let unreachable = |reason| IcmpError::Unreachable(reason);
    let mut rows = vec![
        (unreachable(Unreachable::Port), Errno::ECONNREFUSED, true),
        (unreachable(Unreachable::Network), Errno::ENETUNREACH, false),
        (unreachable(Unreachable::Host), Errno::EHOSTUNREACH, false),
        (IcmpError::HopLimitExceeded, Errno::EHOSTUNREACH, false),
    ];
    if kind.domain == AF_INET {
        rows.extend([
            (unreachable(Unreachable::Protocol), Errno::ENOPROTOOPT, true),
            (
                unreachable(Unreachable::HostUnknown),
                Errno::EHOSTDOWN,
                true,
            ),
            (
                unreachable(Unreachable::SourceRouteFailed),
                Errno::EOPNOTSUPP,
                false,
            ),
            (
                unreachable(Unreachable::NetworkUnknown),
                Errno::ENETUNREACH,
                true,
            ),
            (
                unreachable(Unreachable::Prohibited),
                Errno::EHOSTUNREACH,
                true,
            ),
            (IcmpError::PacketTooBig { mtu: 1000 }, Errno::EMSGSIZE, true),
        ]);
    } else {
        rows.extend([
            (unreachable(Unreachable::Prohibited), Errno::EACCES, true),
            (unreachable(Unreachable::SourcePolicy), Errno::EACCES, true),
            (
                IcmpError::PacketTooBig { mtu: 1280 },
                Errno::EMSGSIZE,
                false,
            ),
        ]);
    }
    rows
}

/// Without `IP_RECVERR` an error fails a call only if the socket is connected and the error is likely to last.
#[test]
fn errors_fail_calls_of_connected_sockets() {
    in_both_families(|kind| {
        for (error, errno, fails) in errors(kind) {
            for connects in [false, true] {
                let mut world = World::new();
                let (fd, to) = (kind.socket(&mut world), kind.at(kind.peer, 0));
                if connects {
                    world.us().connect(fd, to).unwrap();
                }
                let message = kind.request(6, b"data");
                for call in ["recv", "send", "SO_ERROR"] {
                    world.us().sendto(fd, &message, 0, Some(to)).unwrap();
                    let left = kind.leaves(&mut world);
                    kind.error_arrives(&mut world, error, &left);
                    let fails = fails && connects;
                    let pending = world.us().ready(fd).unwrap() & POLLERR != 0;
                    assert_eq!(pending, fails, "{error:?}");
                    let wrong = world.us().sendto(fd, b"x", 0, Some(to));
                    assert_eq!(wrong, Err(Errno::EINVAL), "this comes first");
                    let told = match call {
                        "recv" => receives(&mut world, fd)
                            .err()
                            .filter(|it| *it != Errno::EAGAIN),
                        "send" => world.us().sendto(fd, &message, 0, Some(to)).err(),
                        _ => Errno::from_number(world.option(fd, SOL_SOCKET, SO_ERROR).unwrap()),
                    };
                    assert_eq!(told, fails.then_some(errno), "{error:?}, {call}");
                    assert_eq!(receives(&mut world, fd), Err(Errno::EAGAIN));
                    let now = world.now;
                    while world.hosts[0].stack.poll_transmit(now).is_some() {}
                }
            }
        }
    });
}

/// The queue quotes the request from its ICMP header on.
#[test]
fn the_queue_of_errors_has_every_error() {
    in_both_families(|kind| {
        let (level, name) = match kind.domain {
            AF_INET => (SOL_IP, IP_RECVERR),
            _ => (SOL_IPV6, IPV6_RECVERR),
        };
        for (error, errno, _) in errors(kind) {
            let mut world = World::new();
            let (fd, to) = (kind.socket(&mut world), kind.at(kind.peer, 0));
            world.set_option(fd, level, name, 1).unwrap();
            world
                .us()
                .sendto(fd, &kind.request(6, b"data"), 0, Some(to))
                .unwrap();
            let left = kind.leaves(&mut world);
            kind.error_arrives(&mut world, error, &left);
            assert_ne!(world.us().ready(fd).unwrap() & POLLERR, 0);
            assert_eq!(receives(&mut world, fd), Err(errno));
            assert_eq!(receives(&mut world, fd), Err(Errno::EAGAIN));
            let mut text = [0; 100];
            let told = world.us().recvmsg(fd, &mut text, MSG_ERRQUEUE).unwrap();
            assert_eq!(text[..told.len], left[left.len() - 12..]);
            assert_eq!((told.from, told.flags), (Some(to), MSG_ERRQUEUE));
            let [ref control] = told.control[..] else {
                panic!("{told:?}");
            };
            assert_eq!((control.level(), control.kind()), (level, name));
            assert_eq!(control.data()[..4], errno.number().to_le_bytes());
            assert_eq!(world.us().ready(fd).unwrap() & POLLERR, 0);
        }
    });
}

/// However many errors are about others.
#[test]
fn a_flood_of_errors_fails_no_call_of_an_unconnected_socket() {
    in_both_families(|kind| {
        let mut world = World::new();
        let to = kind.at(kind.peer, 0);
        let [first, second] = [(); 2].map(|()| kind.socket(&mut world));
        let left = [first, second].map(|fd| {
            world
                .us()
                .sendto(fd, &kind.request(6, b""), 0, Some(to))
                .unwrap();
            kind.leaves(&mut world)
        });
        let refused = IcmpError::Unreachable(Unreachable::Port);
        for _ in 0..100 {
            kind.error_arrives(&mut world, refused, &left[0]);
        }
        kind.error_arrives(&mut world, refused, &left[1]);
        for fd in [first, second] {
            assert_eq!(receives(&mut world, fd), Err(Errno::EAGAIN));
            let sent = world.us().sendto(fd, &kind.request(7, b""), 0, Some(to));
            assert_eq!(sent, Ok(8));
        }
    });
}

/// `IP_PMTUDISC_DO`: no fragments; the queue of errors says what fits.
#[test]
fn without_fragments_what_is_too_long_is_refused() {
    in_both_families(|kind| {
        let mut world = World::new();
        let (fd, to) = (kind.socket(&mut world), Some(kind.at(kind.peer, 0)));
        let (level, discover, errors, most) = match kind.domain {
            AF_INET => (SOL_IP, IP_MTU_DISCOVER, IP_RECVERR, 1480),
            _ => (SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_RECVERR, 1460),
        };
        world
            .set_option(fd, level, discover, IP_PMTUDISC_DO)
            .unwrap();
        world.set_option(fd, level, errors, 1).unwrap();
        let message = kind.request(1, &[b'y'; 5000]);
        assert_eq!(world.us().sendto(fd, &message, 0, to), Err(Errno::EMSGSIZE));
        let told = world.us().recvmsg(fd, &mut [], MSG_ERRQUEUE).unwrap();
        let error = told.control[0].data();
        assert_eq!(error[..12], [90, 0, 0, 0, 1, 0, 0, 0, 0xdc, 5, 0, 0]);
        assert_eq!(world.us().sendto(fd, &message[..most], 0, to), Ok(most));
    });
}

/// Nobody is asked who is no host, nor all without `SO_BROADCAST`; no address is this host over IPv4.
#[test]
fn who_can_be_asked() {
    let mut world = World::new();
    let [v4, v6] = KINDS.map(|kind| kind.socket(&mut world));
    let request = KINDS[0].request(1, b"");
    let all = Some(addr("255.255.255.255:0"));
    let sent = world.us().sendto(v4, &request, 0, all);
    assert_eq!(sent, Err(Errno::EACCES));
    world.set_option(v4, SOL_SOCKET, SO_BROADCAST, 1).unwrap();
    assert_eq!(world.us().sendto(v4, &request, 0, all), Ok(8));
    world.settle();
    let ourselves = Some(addr("0.0.0.0:0"));
    assert_eq!(world.us().sendto(v4, &request, 0, ourselves), Ok(8));
    world.settle();
    assert_eq!(receives(&mut world, v4).unwrap().1, addr("10.0.0.1:0"));

    let request = KINDS[1].request(1, b"");
    let nobody = world.us().sendto(v6, &request, 0, Some(addr("[::]:0")));
    assert_eq!(nobody, Err(Errno::ENETUNREACH));
    let mapped = world.us().connect(v6, addr("[::ffff:10.0.0.2]:0"));
    assert_eq!(mapped, Err(Errno::ENETUNREACH));
    let other = world.us().connect(v6, addr("10.0.0.2:0"));
    assert_eq!(other, Err(Errno::EAFNOSUPPORT));
}
