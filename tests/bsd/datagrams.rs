//! UDP: each call and its errors.

use stubborn::bsd::{Ancillary, Errno, Fd, linux::*};

use super::support::{World, addr};

impl World {
    pub(super) fn datagrams(&mut self, host: usize, domain: i32) -> Fd {
        self.at(host).socket(domain, SOCK_DGRAM, 0).unwrap()
    }
}

#[test]
fn datagrams_go_there_and_back() {
    let mut world = World::new();
    let (ours, theirs) = (world.datagrams(0, AF_INET), world.datagrams(1, AF_INET6));
    world.them().bind(theirs, addr("[::]:53")).unwrap();
    assert_eq!(world.us().write(ours, b"?"), Err(Errno::EDESTADDRREQ));
    let to = Some(addr("10.0.0.2:53"));
    assert_eq!(world.us().sendto(ours, b"question", 0, to), Ok(8));
    world.settle();
    assert_eq!(world.them().ioctl(theirs, FIONREAD, 0), Ok(8));
    let mut buffer = [0; 5];
    let peeked = world
        .them()
        .recvmsg(theirs, &mut buffer, MSG_PEEK | MSG_TRUNC)
        .unwrap();
    assert_eq!((peeked.len, peeked.flags), (8, MSG_TRUNC));
    let received = world.them().recvmsg(theirs, &mut buffer, 0).unwrap();
    assert_eq!(
        (received.len, received.flags),
        (5, MSG_TRUNC),
        "the rest is gone"
    );
    assert_eq!(
        world.them().recv(theirs, &mut buffer, 0),
        Err(Errno::EAGAIN)
    );
    world
        .them()
        .sendto(theirs, b"answer", 0, received.from)
        .unwrap();
    world.settle();
    assert_eq!(world.us().read(ours, &mut [0; 99]), Ok(6));
}

#[test]
fn a_connected_socket_learns_of_closed_ports() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    assert_eq!(world.us().connect(fd, addr("10.0.0.2:9")), Ok(()));
    assert_eq!(world.us().getpeername(fd), Ok(addr("10.0.0.2:9")));
    assert_eq!(world.us().write(fd, b"x"), Ok(1));
    world.settle();
    assert_eq!(world.us().ready(fd).unwrap() & POLLERR, POLLERR);
    assert_eq!(world.us().read(fd, &mut [0]), Err(Errno::ECONNREFUSED));
    assert_eq!(world.us().read(fd, &mut [0]), Err(Errno::EAGAIN));
    assert_eq!(world.us().disconnect(fd), Ok(()));
    assert_eq!(world.us().write(fd, b"x"), Err(Errno::EDESTADDRREQ));
    assert_eq!(world.us().shutdown(fd, SHUT_RD), Err(Errno::ENOTCONN));
}

#[test]
fn what_a_datagram_cannot_be() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    let to = Some(addr("10.0.0.2:9"));
    assert_eq!(
        world.us().sendto(fd, &[0; 65_508], 0, to),
        Err(Errno::EMSGSIZE)
    );
    // Linux: in fragments, unless the program wants none.
    for (discovery, answer) in [
        (IP_PMTUDISC_WANT, Ok(1_473)),
        (IP_PMTUDISC_DO, Err(Errno::EMSGSIZE)),
        (IP_PMTUDISC_PROBE, Err(Errno::EMSGSIZE)),
        (IP_PMTUDISC_DONT, Ok(1_473)),
    ] {
        let name = IP_MTU_DISCOVER;
        world.set_option(fd, SOL_IP, name, discovery).unwrap();
        assert_eq!(world.us().sendto(fd, &[0; 1_473], 0, to), answer);
        assert_eq!(world.us().sendto(fd, &[0; 1_472], 0, to), Ok(1_472));
    }
    assert_eq!(world.us().send(fd, b"x", MSG_OOB), Err(Errno::EOPNOTSUPP));
    assert_eq!(world.us().recv(fd, &mut [0], MSG_OOB), Err(Errno::EAGAIN));
    assert_eq!(world.us().listen(fd, 1), Err(Errno::EOPNOTSUPP));
    assert_eq!(world.us().accept(fd, 0), Err(Errno::EOPNOTSUPP));
    let zero = Some(addr("10.0.0.2:0"));
    assert_eq!(world.us().sendto(fd, b"x", 0, zero), Err(Errno::EINVAL));
}

#[test]
fn parts_leave_as_one() {
    let mut world = World::new();
    let (ours, theirs) = (world.datagrams(0, AF_INET), world.datagrams(1, AF_INET));
    world.them().bind(theirs, addr("0.0.0.0:53")).unwrap();
    world.us().connect(ours, addr("10.0.0.2:53")).unwrap();
    assert_eq!(world.us().send(ours, b"one ", MSG_MORE), Ok(4));
    world.settle();
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Err(Errno::EAGAIN));
    assert_eq!(world.us().write(ours, b"two"), Ok(3));
    world.settle();
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Ok(7));
}

/// A datagram in parts that finds no room waits, and is still for whom it was.
#[test]
fn parts_that_find_no_room_keep_their_destination() {
    let mut world = World::with(|config| config.udp.send_datagrams = 1);
    let (ours, theirs) = (world.datagrams(0, AF_INET), world.datagrams(1, AF_INET));
    world.them().bind(theirs, addr("10.0.0.2:53")).unwrap();
    let to = Some(addr("10.0.0.2:53"));
    let mut us = world.us();
    assert_eq!(us.sendto(ours, b"first", 0, to), Ok(5));
    assert_eq!(us.sendto(ours, b"one ", MSG_MORE, to), Ok(4));
    assert_eq!(us.send(ours, b"two", 0), Err(Errno::EAGAIN));
    world.settle();
    assert_eq!(world.us().send(ours, b"two", 0), Ok(3));
    world.settle();
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Ok(5));
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Ok(7));
}

/// What fails, fails for a part, too.
#[test]
fn a_part_is_told_that_a_port_is_closed() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    world.us().connect(fd, addr("10.0.0.2:9")).unwrap();
    world.us().write(fd, b"x").unwrap();
    world.settle();
    let part = world.us().send(fd, b"x", MSG_MORE);
    assert_eq!(part, Err(Errno::ECONNREFUSED));
    assert_eq!(world.us().send(fd, b"x", MSG_MORE), Ok(1));
}

/// To Linux, a UDP socket of IPv6 takes addresses of IPv4 as they are.
#[test]
fn addresses_of_ipv4_are_taken_by_ipv6() {
    let mut world = World::new();
    let (ours, theirs) = (world.datagrams(0, AF_INET6), world.datagrams(1, AF_INET));
    world.them().bind(theirs, addr("0.0.0.0:53")).unwrap();
    let peer = addr("10.0.0.2:53");
    assert_eq!(world.us().sendto(ours, b"one", 0, Some(peer)), Ok(3));
    assert_eq!(world.us().connect(ours, peer), Ok(()));
    let mapped = addr("[::ffff:10.0.0.2]:53");
    assert_eq!(world.us().getpeername(ours), Ok(mapped));
    assert_eq!(world.us().write(ours, b"three"), Ok(5));
    world.settle();
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Ok(3));
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Ok(5));
}

/// Who has lost its peer hears everybody of both families, as before.
#[test]
fn who_has_no_peer_any_more_hears_both_families() {
    let mut world = World::new();
    let (ours, theirs) = (world.datagrams(0, AF_INET6), world.datagrams(1, AF_INET6));
    world.us().bind(ours, addr("[::]:53")).unwrap();
    let mapped = addr("[::ffff:10.0.0.2]:99");
    world.us().connect(ours, mapped).unwrap();
    let told = world.us().getsockname(ours);
    assert_eq!(told, Ok(addr("[::ffff:10.0.0.1]:53")));
    world.us().disconnect(ours).unwrap();
    assert_eq!(world.us().getsockname(ours), Ok(addr("[::]:53")));
    for to in ["[::ffff:10.0.0.1]:53", "[fd00::1]:53"] {
        let to = Some(addr(to));
        assert_eq!(world.them().sendto(theirs, b"x", 0, to), Ok(1));
        world.settle();
        assert_eq!(world.us().read(ours, &mut [0; 9]), Ok(1), "{to:?}");
    }
}

/// What has come of both families is received in its order, also once the socket has a peer of one of them; more of
/// the other does not come then.
#[test]
fn datagrams_of_both_families_wait_in_one_queue() {
    let mut world = World::new();
    let (ours, theirs) = (world.datagrams(0, AF_INET6), world.datagrams(1, AF_INET6));
    world.us().bind(ours, addr("[::]:53")).unwrap();
    world.them().bind(theirs, addr("[::]:99")).unwrap();
    let (v4, v6) = (addr("[::ffff:10.0.0.1]:53"), addr("[fd00::1]:53"));
    let send = |world: &mut World, text: &[u8], to| {
        assert_eq!(
            world.them().sendto(theirs, text, 0, Some(to)),
            Ok(text.len())
        );
        world.settle();
    };
    send(&mut world, b"a", v6);
    send(&mut world, b"bb", v4);
    send(&mut world, b"ccc", v6);
    let mapped = addr("[::ffff:10.0.0.2]:99");
    world.us().connect(ours, mapped).unwrap();
    send(&mut world, b"dddd", v6);
    send(&mut world, b"eeeee", v4);
    for len in [1, 2, 3, 5] {
        assert_eq!(world.us().ioctl(ours, FIONREAD, 0), Ok(len));
        assert_eq!(world.us().read(ours, &mut [0; 9]), Ok(len as usize));
    }
    let nothing = world.us().recv(ours, &mut [0; 9], MSG_DONTWAIT);
    assert_eq!(nothing, Err(Errno::EAGAIN));
    // Without a peer it hears both again.
    world.us().disconnect(ours).unwrap();
    send(&mut world, b"ffffff", v6);
    assert_eq!(world.us().read(ours, &mut [0; 9]), Ok(6));
}

/// ip(7), ipv6(7): a control message says from which address one datagram leaves.
#[test]
fn a_datagram_may_leave_from_any_address_of_its_host() {
    let own = ["10.0.0.1", "10.0.0.7", "fd00::1"].map(|own| own.parse().unwrap());
    let mut world = World::with(|config| {
        if config.addresses[0] == own[0] {
            config.addresses = own.to_vec();
        }
    });
    let theirs = world.datagrams(1, AF_INET6);
    world.them().bind(theirs, addr("[::]:53")).unwrap();
    let v4 = [[0; 4], [10, 0, 0, 7], [0; 4]].concat();
    let mapped = [
        [0; 4],
        [0; 4],
        [0, 0, 255, 255],
        [10, 0, 0, 7],
        [2, 0, 0, 0],
    ]
    .concat();
    for (domain, level, kind, data) in [
        (AF_INET, SOL_IP, IP_PKTINFO, v4),
        (AF_INET6, SOL_IPV6, IPV6_PKTINFO, mapped),
    ] {
        let fd = world.datagrams(0, domain);
        let to = Some(addr(match domain {
            AF_INET => "10.0.0.2:53",
            _ => "[::ffff:10.0.0.2]:53",
        }));
        let message = Ancillary { level, kind, data };
        let once = world.us().one_send(fd, &[message], to).unwrap();
        assert_eq!(world.us().send_once(fd, b"x", 0, to, once), Ok(1));
        world.settle();
        let received = world.them().recvmsg(theirs, &mut [0; 9], 0).unwrap();
        let from = received.from.map(|from| from.ip());
        assert_eq!(from, Some("::ffff:10.0.0.7".parse().unwrap()));
    }
}

/// socket(7): `SO_RXQ_OVFL` says with what comes how much had found no room before.
#[test]
fn what_found_no_room_is_counted() {
    let mut world = World::with(|config| config.udp.receive_datagrams = 2);
    let (ours, theirs) = (world.datagrams(0, AF_INET), world.datagrams(1, AF_INET));
    world.us().bind(ours, addr("0.0.0.0:53")).unwrap();
    world.set_option(ours, SOL_SOCKET, SO_RXQ_OVFL, 1).unwrap();
    world.them().connect(theirs, addr("10.0.0.1:53")).unwrap();
    for _ in 0..5 {
        world.them().write(theirs, b"x").unwrap();
        world.settle();
    }
    for _ in 0..2 {
        let received = world.us().recvmsg(ours, &mut [0; 9], 0).unwrap();
        assert_eq!(received.control, []);
    }
    world.them().write(theirs, b"x").unwrap();
    world.settle();
    let told = world.us().recvmsg(ours, &mut [0; 9], 0).unwrap().control;
    let [ref lost] = told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((lost.level(), lost.kind()), (SOL_SOCKET, SO_RXQ_OVFL));
    assert_eq!(lost.data(), [3, 0, 0, 0]);
}

/// ip(7): with `IP_RECVERR` the queue says whom a datagram was for, and the socket need not be
/// connected; and it gives what was sent, as far as the error quotes it.
#[test]
fn the_queue_of_errors_names_the_receiver() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    world.set_option(fd, SOL_IP, IP_RECVERR, 1).unwrap();
    let to = addr("10.0.0.2:9");
    assert_eq!(world.us().sendto(fd, b"what", 0, Some(to)), Ok(4));
    world.settle();
    let mut text = [0; 3];
    let told = world.us().recvmsg(fd, &mut text, MSG_ERRQUEUE).unwrap();
    assert_eq!((told.len, &text), (3, b"wha"));
    assert_eq!(told.from, Some(to));
    assert_eq!(told.flags, MSG_ERRQUEUE | MSG_TRUNC);
    let [ref control] = told.control[..] else {
        panic!("{told:?}");
    };
    assert_eq!((control.level(), control.kind()), (SOL_IP, IP_RECVERR));
    let error = [111, 0, 0, 0, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let offender = [2, 0, 0, 0, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(control.data(), [error, offender].concat());
    assert_eq!(world.us().ready(fd).unwrap() & POLLERR, 0);
}

/// Nothing is sent to all hosts unless `SO_BROADCAST` says so.
#[test]
fn a_broadcast_must_be_asked_for() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    let all = addr("255.255.255.255:9");
    let sent = world.us().sendto(fd, b"x", 0, Some(all));
    assert_eq!(sent, Err(Errno::EACCES));
    assert_eq!(world.us().connect(fd, all), Err(Errno::EACCES));
    let nobody = world.us().sendto(fd, b"x", 0, Some(addr("0.1.2.3:9")));
    assert_eq!(nobody, Err(Errno::ENETUNREACH));
    world.set_option(fd, SOL_SOCKET, SO_BROADCAST, 1).unwrap();
    assert_eq!(world.us().sendto(fd, b"x", 0, Some(all)), Ok(1));
    assert_eq!(world.us().connect(fd, all), Ok(()));
    world.set_option(fd, SOL_SOCKET, SO_BROADCAST, 0).unwrap();
    let again = world.us().sendto(fd, b"x", 0, Some(all));
    assert_eq!(again, Err(Errno::EACCES));
}

/// RFC 1122 §3.2.1.3: a program can talk to another on its own host, and is refused by it.
#[test]
fn a_host_can_send_to_itself() {
    let mut world = World::new();
    let (one, other) = (world.datagrams(0, AF_INET), world.datagrams(0, AF_INET6));
    world.us().bind(other, addr("[::]:53")).unwrap();
    world.us().connect(one, addr("10.0.0.1:53")).unwrap();
    assert_eq!(world.us().write(one, b"question"), Ok(8));
    world.settle();
    let mut buffer = [0; 10];
    let received = world.us().recvmsg(other, &mut buffer, 0).unwrap();
    assert_eq!(&buffer[..received.len], b"question");
    world.us().close(other).unwrap();
    assert_eq!(world.us().write(one, b"again"), Ok(5));
    world.settle();
    assert_eq!(
        world.us().recv(one, &mut buffer, 0),
        Err(Errno::ECONNREFUSED)
    );
}

/// Control messages of sendmsg, for UDP: what Linux 6.18 answers.
#[test]
fn control_messages_of_one_datagram() {
    let word = |value: i32| value.to_le_bytes().to_vec();
    let (v4, mapped, v6) = ("10.0.0.2:9", "[::ffff:10.0.0.2]:9", "[fd00::2]:9");
    let table = [
        (AF_INET, v4, SOL_IP, IP_TTL, word(9), true),
        (AF_INET, v4, SOL_IP, IP_TTL, word(0), false),
        (AF_INET, v4, SOL_IP, IP_TTL, word(256), false),
        (AF_INET, v4, SOL_IP, IP_TTL, vec![9], false),
        (AF_INET, v4, SOL_IP, IP_TOS, word(0x12), true),
        (AF_INET, v4, SOL_IP, IP_TOS, vec![0x12], true),
        (AF_INET, v4, SOL_IP, IP_TOS, vec![0x12, 0], false),
        (AF_INET, v4, SOL_IP, IP_TOS, word(256), false),
        (AF_INET, v4, SOL_IP, 99, word(0), false),
        (AF_INET, v4, SOL_IPV6, IPV6_TCLASS, word(999), true),
        (AF_INET, v4, SOL_TCP, 99, word(0), true),
        (AF_INET, v4, SOL_UDP, 99, word(0), false),
        (AF_INET, v4, SOL_SOCKET, 99, word(0), false),
        (AF_INET, v4, SOL_SOCKET, SO_MARK, word(5), true),
        (AF_INET, v4, SOL_SOCKET, SO_TIMESTAMPING, word(0x300), true),
        (AF_INET, v4, SOL_SOCKET, SCM_TXTIME, vec![0; 8], false),
        (AF_INET, v4, SOL_SOCKET, SCM_TS_OPT_ID, word(7), false),
        (AF_INET6, v6, SOL_IPV6, IPV6_TCLASS, word(-1), true),
        (AF_INET6, v6, SOL_IPV6, IPV6_TCLASS, word(256), false),
        (AF_INET6, v6, SOL_IPV6, IPV6_HOPLIMIT, word(0), true),
        (AF_INET6, v6, SOL_IPV6, IPV6_HOPLIMIT, word(-1), true),
        (AF_INET6, v6, SOL_IPV6, IPV6_HOPLIMIT, word(256), false),
        (AF_INET6, v6, SOL_IPV6, IPV6_HOPLIMIT, vec![9], false),
        (AF_INET6, v6, SOL_IPV6, 99, word(1), false),
        (AF_INET6, v6, SOL_IP, IP_TOS, word(999), true),
        (AF_INET6, mapped, SOL_IP, IP_TTL, word(9), true),
        (AF_INET6, mapped, SOL_IP, IP_TTL, word(0), false),
        (AF_INET6, mapped, SOL_IPV6, IPV6_HOPLIMIT, word(999), true),
    ];
    let mut world = World::new();
    for (family, to, level, kind, data, is_taken) in table {
        let fd = world.datagrams(0, family);
        let message = Ancillary {
            level,
            kind,
            data: data.clone(),
        };
        let answer = world.us().one_send(fd, &[message], Some(addr(to)));
        let refused = (!is_taken).then_some(Errno::EINVAL);
        assert_eq!(answer.err(), refused, "{to} {level} {kind} {data:?}");
    }
}

/// Times and numbers of one datagram need a socket that has them.
#[test]
fn times_of_one_datagram() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    let to = Some(addr("10.0.0.2:9"));
    let numbers = SOF_TIMESTAMPING_OPT_ID;
    world
        .set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, numbers)
        .unwrap();
    assert_eq!(
        world.set_octets(fd, SOL_SOCKET, SO_TXTIME, &[1; 4]),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        world.set_octets(fd, SOL_SOCKET, SO_TXTIME, &[1, 0, 0, 0, 0, 0, 0, 0]),
        Ok(())
    );
    for (kind, data, is_taken) in [
        (SCM_TXTIME, vec![0; 8], true),
        (SCM_TXTIME, vec![0; 4], false),
        (SCM_TS_OPT_ID, 7i32.to_le_bytes().to_vec(), true),
        (SCM_TS_OPT_ID, vec![7], false),
    ] {
        let level = SOL_SOCKET;
        let message = Ancillary { level, kind, data };
        let answer = world.us().one_send(fd, &[message], to);
        assert_eq!(answer.is_ok(), is_taken, "{kind}");
    }
}
