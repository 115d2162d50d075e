//! Groups and broadcasts, as Linux has them: what was tried on its kernel is what stands here.

use stubborn::bsd::{Errno, Fd, linux::*};

use super::support::*;

pub(crate) const GROUP: [u8; 4] = [239, 1, 2, 3];
pub(crate) const OTHER: [u8; 4] = [239, 1, 2, 4];
pub(crate) const ANY: [u8; 4] = [0; 4];
pub(crate) const GROUP_V6: &str = "ff15::1234";

pub(crate) fn mreq(group: [u8; 4], address: [u8; 4]) -> Vec<u8> {
    [group, address].concat()
}

fn mreqn(group: [u8; 4], index: i32) -> Vec<u8> {
    [&mreq(group, ANY)[..], &index.to_le_bytes()].concat()
}

pub(crate) fn octets_v6(group: &str) -> [u8; 16] {
    group.parse::<std::net::Ipv6Addr>().unwrap().octets()
}

pub(crate) fn mreq_v6(group: &str, index: i32) -> Vec<u8> {
    [&octets_v6(group)[..], &index.to_le_bytes()].concat()
}

/// A `struct group_req` with an address of a family, `at` octets in it.
fn group_req(index: i32, family: i32, at: usize, group: &[u8]) -> Vec<u8> {
    let mut request = vec![0; 136];
    request[..4].copy_from_slice(&index.to_le_bytes());
    request[8..10].copy_from_slice(&(family as u16).to_le_bytes());
    request[8 + at..][..group.len()].copy_from_slice(group);
    request
}

/// Each of these in turn on one socket.
pub(crate) fn answers(
    world: &mut World,
    fd: Fd,
    level: i32,
    rows: &[(i32, Vec<u8>, Result<(), Errno>)],
) {
    for (row, (name, value, expected)) in rows.iter().enumerate() {
        let answer = world.set_octets(fd, level, *name, value);
        assert_eq!(answer, *expected, "row {row}");
    }
}

#[test]
fn groups_of_ipv4_are_joined_and_left() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    let (add, drop) = (IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP);
    let req = |family, group: &[u8]| group_req(2, family, 4, group);
    let rows = [
        (add, mreq([10, 0, 0, 2], ANY), Err(Errno::EINVAL)),
        (add, mreq([224, 0, 0, 1], ANY), Ok(())),
        (add, mreq(GROUP, ANY), Ok(())),
        (add, mreq(GROUP, [10, 0, 0, 1]), Err(Errno::EADDRINUSE)),
        (add, mreq(OTHER, [10, 0, 0, 1]), Ok(())),
        (add, mreq([239, 1, 2, 5], [9; 4]), Err(Errno::ENODEV)),
        (add, mreqn([239, 1, 2, 5], 2), Ok(())),
        (add, mreqn([239, 1, 2, 6], 99), Err(Errno::ENODEV)),
        (add, GROUP.to_vec(), Err(Errno::EINVAL)),
        (drop, mreq([239, 9, 9, 9], ANY), Err(Errno::EADDRNOTAVAIL)),
        (drop, mreq(GROUP, [9; 4]), Err(Errno::EADDRNOTAVAIL)),
        (drop, mreq(GROUP, ANY), Ok(())),
        (drop, mreq(GROUP, ANY), Err(Errno::EADDRNOTAVAIL)),
        (MCAST_JOIN_GROUP, req(AF_INET, &GROUP), Ok(())),
        (
            MCAST_JOIN_GROUP,
            req(AF_INET, &GROUP),
            Err(Errno::EADDRINUSE),
        ),
        (MCAST_JOIN_GROUP, req(AF_INET6, &GROUP), Err(Errno::EINVAL)),
        (MCAST_JOIN_GROUP, vec![0; 20], Err(Errno::EINVAL)),
        (MCAST_LEAVE_GROUP, req(AF_INET, &GROUP), Ok(())),
    ];
    answers(&mut world, fd, SOL_IP, &rows);
    assert_eq!(world.option(fd, SOL_IP, add), Err(Errno::ENOPROTOOPT));
    // Three it is in already.
    for last in 0..20 {
        let joined = world.set_octets(fd, SOL_IP, add, &mreq([239, 8, 8, last], ANY));
        let expected = if last < 17 {
            Ok(())
        } else {
            Err(Errno::ENOBUFS)
        };
        assert_eq!(joined, expected, "{last}");
    }
    let stream = world.stream(0, AF_INET);
    let joined = world.set_octets(stream, SOL_IP, add, &mreq(GROUP, ANY));
    assert_eq!(joined, Err(Errno::EPROTO));
}

#[test]
fn groups_of_ipv6_are_joined_and_left() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET6);
    let (add, drop) = (IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP);
    let req = |family| group_req(2, family, 8, &octets_v6("ff15::5"));
    let rows = [
        (add, mreq_v6("fd00::1", 0), Err(Errno::EINVAL)),
        (add, mreq_v6(GROUP_V6, 0), Ok(())),
        (add, mreq_v6(GROUP_V6, 2), Err(Errno::EADDRINUSE)),
        (add, mreq_v6("ff15::2", 99), Err(Errno::ENODEV)),
        (add, vec![0; 10], Err(Errno::EINVAL)),
        (add, mreq_v6("::ffff:239.1.1.1", 0), Err(Errno::EINVAL)),
        (drop, mreq_v6("ff15::9", 0), Err(Errno::EADDRNOTAVAIL)),
        (drop, mreq_v6("fd00::9", 0), Err(Errno::EINVAL)),
        (drop, mreq_v6(GROUP_V6, 0), Ok(())),
        (MCAST_JOIN_GROUP, req(AF_INET), Err(Errno::EADDRNOTAVAIL)),
        (MCAST_JOIN_GROUP, req(AF_INET6), Ok(())),
        (MCAST_LEAVE_GROUP, req(AF_INET6), Ok(())),
    ];
    answers(&mut world, fd, SOL_IPV6, &rows);
    // IPv4 on a socket of both; and IPv6 on one that has none of it.
    let v4 = [(IP_ADD_MEMBERSHIP, mreq(GROUP, ANY), Ok(()))];
    answers(&mut world, fd, SOL_IP, &v4);
    let only = world.datagrams(0, AF_INET);
    let v6 = [(add, mreq_v6(GROUP_V6, 0), Err(Errno::ENOPROTOOPT))];
    answers(&mut world, only, SOL_IPV6, &v6);
}

/// An option, and what becomes of it with each of these values: what is told afterwards.
type Values = (i32, i32, [(i32, Result<i32, Errno>); 5]);

const INVALID: Result<i32, Errno> = Err(Errno::EINVAL);
const NO_DEVICE: Result<i32, Errno> = Err(Errno::ENODEV);
const LIMITS: [(i32, Result<i32, Errno>); 5] = [
    (-2, INVALID),
    (-1, Ok(1)),
    (0, Ok(0)),
    (255, Ok(255)),
    (256, INVALID),
];
const ANYTHING: [(i32, Result<i32, Errno>); 5] =
    [(0, Ok(0)), (1, Ok(1)), (2, Ok(1)), (-1, Ok(1)), (0, Ok(0))];
const YES_OR_NO: [(i32, Result<i32, Errno>); 5] = [
    (0, Ok(0)),
    (1, Ok(1)),
    (2, INVALID),
    (-1, INVALID),
    (0, Ok(0)),
];
const INTERFACES: [(i32, Result<i32, Errno>); 5] = [
    (0, Ok(0)),
    (2, Ok(2)),
    (99, NO_DEVICE),
    (-1, NO_DEVICE),
    (0, Ok(0)),
];

const OPTIONS: [Values; 7] = [
    (SOL_IP, IP_MULTICAST_TTL, LIMITS),
    (SOL_IPV6, IPV6_MULTICAST_HOPS, LIMITS),
    (SOL_IP, IP_MULTICAST_LOOP, ANYTHING),
    (SOL_IPV6, IPV6_MULTICAST_LOOP, YES_OR_NO),
    (SOL_IP, IP_MULTICAST_ALL, YES_OR_NO),
    (SOL_IPV6, IPV6_MULTICAST_ALL, ANYTHING),
    (SOL_IPV6, IPV6_MULTICAST_IF, INTERFACES),
];

/// How datagrams to groups leave: what is taken, and what is told.
#[test]
fn how_groups_are_sent_to_is_an_option() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET6);
    for (level, name, rows) in OPTIONS {
        let first = i32::from(name != IPV6_MULTICAST_IF);
        assert_eq!(world.option(fd, level, name), Ok(first));
        for (value, told) in rows {
            let set = world.set_option(fd, level, name, value);
            let now = set.and_then(|()| world.option(fd, level, name));
            assert_eq!(now, told, "{level} {name} {value}");
        }
    }
    let octet = world.set_octets(fd, SOL_IP, IP_MULTICAST_TTL, &[7]);
    assert_eq!(octet, Ok(()));
    assert_eq!(world.option(fd, SOL_IP, IP_MULTICAST_TTL), Ok(7));
}

/// From which address they leave; and what of all this TCP sockets take.
#[test]
fn the_interface_for_groups_is_an_address() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    let own = i32::from_le_bytes([10, 0, 0, 1]);
    for (value, told) in [
        (vec![10, 0, 0, 1], Ok(own)),
        (vec![9; 4], Err(Errno::EADDRNOTAVAIL)),
        (mreqn(ANY, 99), Err(Errno::EADDRNOTAVAIL)),
        (vec![10, 0, 0], INVALID),
        (mreqn(ANY, 2), Ok(0)),
    ] {
        let set = world.set_octets(fd, SOL_IP, IP_MULTICAST_IF, &value);
        let now = set.and_then(|()| world.option(fd, SOL_IP, IP_MULTICAST_IF));
        assert_eq!(now, told, "{value:?}");
    }
    let stream = world.stream(0, AF_INET6);
    for (level, name, expected) in [
        (SOL_IP, IP_MULTICAST_TTL, Err(Errno::EINVAL)),
        (SOL_IP, IP_MULTICAST_IF, Err(Errno::EINVAL)),
        (SOL_IP, IP_MULTICAST_LOOP, Ok(())),
        (SOL_IPV6, IPV6_MULTICAST_HOPS, Err(Errno::ENOPROTOOPT)),
        (SOL_IPV6, IPV6_MULTICAST_IF, Err(Errno::ENOPROTOOPT)),
        (SOL_IPV6, IPV6_MULTICAST_LOOP, Ok(())),
    ] {
        assert_eq!(world.set_option(stream, level, name, 0), expected);
    }
}

/// A socket that joins before it is bound is in the group once it is; one that has joined nothing hears what
/// others have joined, unless it wants not to; and each family goes its way.
#[test]
fn groups_are_heard_by_sockets_of_both_families() {
    let mut world = World::new();
    let early = world.datagrams(0, AF_INET6);
    world
        .set_option(early, SOL_SOCKET, SO_REUSEADDR, 1)
        .unwrap();
    world
        .set_octets(early, SOL_IP, IP_ADD_MEMBERSHIP, &mreq(GROUP, ANY))
        .unwrap();
    world
        .set_octets(early, SOL_IPV6, IPV6_JOIN_GROUP, &mreq_v6(GROUP_V6, 0))
        .unwrap();
    world.us().bind(early, addr("[::]:53")).unwrap();
    let late = world.datagrams(0, AF_INET);
    let taken = world.us().bind(late, addr("239.1.2.3:53"));
    assert_eq!(taken, Err(Errno::EADDRINUSE));
    world.set_option(late, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    world.us().bind(late, addr("239.1.2.3:53")).unwrap();
    let sender = world.datagrams(1, AF_INET6);
    let mut text = [0; 9];
    for all in [1, 0] {
        world
            .set_option(late, SOL_IP, IP_MULTICAST_ALL, all)
            .unwrap();
        for to in [format!("[{GROUP_V6}]:53"), "[::ffff:239.1.2.3]:53".into()] {
            assert_eq!(
                world.at(1).sendto(sender, b"hello", 0, Some(addr(&to))),
                Ok(5)
            );
            world.settle();
            assert_eq!(world.us().recv(early, &mut text, 0), Ok(5), "{to}");
        }
        let heard = world.us().recv(late, &mut text, MSG_DONTWAIT);
        assert_eq!(heard, if all == 1 { Ok(5) } else { Err(Errno::EAGAIN) });
    }
    world
        .set_octets(early, SOL_IP, IP_DROP_MEMBERSHIP, &mreq(GROUP, ANY))
        .unwrap();
    world
        .at(1)
        .sendto(sender, b"x", 0, Some(addr("[::ffff:239.1.2.3]:53")))
        .unwrap();
    world.settle();
    assert_eq!(
        world.us().recv(early, &mut text, MSG_DONTWAIT),
        Err(Errno::EAGAIN)
    );
}

/// Sockets that ask for it share an address: what is to a group each of them hears, what is to one the last that
/// was bound, or who is left.
#[test]
fn an_address_can_be_shared() {
    let mut world = World::new();
    let sharers = [(); 2].map(|()| {
        let fd = world.datagrams(0, AF_INET);
        world.set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        world.us().bind(fd, addr("0.0.0.0:53")).unwrap();
        world
            .set_octets(fd, SOL_IP, IP_ADD_MEMBERSHIP, &mreq(GROUP, ANY))
            .unwrap();
        fd
    });
    let sender = world.datagrams(1, AF_INET);
    let (first, last) = (sharers[0], sharers[1]);
    let nothing = Err(Errno::EAGAIN);
    for (to, heard) in [
        ("239.1.2.3:53", [Ok(1), Ok(1)]),
        ("10.0.0.1:53", [nothing, Ok(1)]),
    ] {
        world.at(1).sendto(sender, b"x", 0, Some(addr(to))).unwrap();
        world.settle();
        for (fd, heard) in [first, last].into_iter().zip(heard) {
            assert_eq!(world.us().recv(fd, &mut [0], MSG_DONTWAIT), heard, "{to}");
        }
    }
    world.us().close(last).unwrap();
    world
        .at(1)
        .sendto(sender, b"x", 0, Some(addr("10.0.0.1:53")))
        .unwrap();
    world.settle();
    assert_eq!(world.us().recv(first, &mut [0], MSG_DONTWAIT), Ok(1));
    let alone = world.datagrams(0, AF_INET);
    let taken = world.us().bind(alone, addr("0.0.0.0:53"));
    assert_eq!(taken, Err(Errno::EADDRINUSE));
}

/// What is to one is for the last that was bound, of those that are left.
#[test]
fn of_three_at_one_address_the_last_that_is_left_hears() {
    let mut world = World::new();
    let mut sharers = [(); 3].map(|()| {
        let fd = world.datagrams(0, AF_INET);
        world.set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        world.us().bind(fd, addr("0.0.0.0:53")).unwrap();
        fd
    });
    let sender = world.datagrams(1, AF_INET);
    sharers.reverse();
    for last in sharers {
        let to = Some(addr("10.0.0.1:53"));
        world.at(1).sendto(sender, b"x", 0, to).unwrap();
        world.settle();
        assert_eq!(world.us().recv(last, &mut [0], MSG_DONTWAIT), Ok(1));
        world.us().close(last).unwrap();
    }
}
