//! Senders to a group that a socket hears, as Linux has them: what was tried on its kernel is what stands here.

use stubborn::bsd::{Errno, Fd, linux::*};

use super::groups::*;
use super::support::*;

const ADD: i32 = IP_ADD_SOURCE_MEMBERSHIP;
const DROP: i32 = IP_DROP_SOURCE_MEMBERSHIP;
const BLOCK: i32 = IP_BLOCK_SOURCE;
const UNBLOCK: i32 = IP_UNBLOCK_SOURCE;
const INVALID: Result<(), Errno> = Err(Errno::EINVAL);
const NOT_THERE: Result<(), Errno> = Err(Errno::EADDRNOTAVAIL);
const NO_ROOM: Result<(), Errno> = Err(Errno::ENOBUFS);

/// A `struct ip_mreq_source` of a sender 1.0.0.x.
fn source(group: [u8; 4], last: u8) -> Vec<u8> {
    [group, [10, 0, 0, 1], [1, 0, 0, last]].concat()
}

/// A `struct sockaddr_storage`.
fn storage(address: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; 128];
    let (family, at) = match address.len() {
        4 => (AF_INET, 4),
        _ => (AF_INET6, 8),
    };
    octets[..2].copy_from_slice(&(family as u16).to_le_bytes());
    octets[at..][..address.len()].copy_from_slice(address);
    octets
}

/// A `struct group_source_req`.
fn group_source(index: i32, group: &[u8], source: &[u8]) -> Vec<u8> {
    let index = [index.to_le_bytes(), [0; 4]].concat();
    [index, storage(group), storage(source)].concat()
}

/// A `struct ip_msfilter` that says it has so many senders.
fn msfilter(group: [u8; 4], mode: i32, count: u32, senders: &[u8]) -> Vec<u8> {
    let head = [group, ANY, mode.to_le_bytes(), count.to_le_bytes()];
    let senders = senders.iter().map(|last| [1, 0, 0, *last]);
    head.into_iter().chain(senders).flatten().collect()
}

/// A `struct group_filter`.
fn group_filter(group: &[u8], mode: i32, senders: &[Vec<u8>]) -> Vec<u8> {
    let index = [2, 0, 0, 0, 0, 0, 0, 0];
    let count = (senders.len() as u32).to_le_bytes();
    let head = [&index[..], &storage(group), &mode.to_le_bytes(), &count].concat();
    let senders = senders.iter().map(|sender| storage(sender));
    [vec![head], senders.collect()].concat().concat()
}

#[test]
fn senders_of_ipv4_are_named() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    let (join, leave) = (IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP);
    let with = |address: [u8; 4]| [GROUP, address, [1, 0, 0, 1]].concat();
    let rows = [
        (ADD, source(GROUP, 1), Ok(())),
        (ADD, source(GROUP, 1), NOT_THERE),
        (ADD, source(GROUP, 2), Ok(())),
        (join, mreq(GROUP, ANY), Err(Errno::EADDRINUSE)),
        (BLOCK, source(GROUP, 3), INVALID),
        (UNBLOCK, source(GROUP, 3), INVALID),
        (DROP, source(GROUP, 9), NOT_THERE),
        (DROP, source(OTHER, 9), INVALID),
        (DROP, source(GROUP, 1), Ok(())),
        (DROP, source(GROUP, 2), Ok(())),
        (DROP, source(GROUP, 2), INVALID),
        (leave, mreq(GROUP, ANY), NOT_THERE),
        (ADD, source([10, 0, 0, 9], 1), INVALID),
        (ADD, with([9; 4]), Err(Errno::ENODEV)),
        (ADD, source(GROUP, 1)[..11].to_vec(), INVALID),
        (ADD, [source(GROUP, 1), vec![0; 4]].concat(), INVALID),
        (BLOCK, source(OTHER, 1), INVALID),
        (UNBLOCK, source(OTHER, 1), INVALID),
        (ADD, with(ANY), Ok(())),
        (leave, mreq(GROUP, ANY), Ok(())),
        (join, mreq(GROUP, ANY), Ok(())),
        (DROP, source(GROUP, 1), NOT_THERE),
        (UNBLOCK, source(GROUP, 9), NOT_THERE),
        (BLOCK, source(GROUP, 1), Ok(())),
        (BLOCK, source(GROUP, 1), NOT_THERE),
        (BLOCK, source(GROUP, 2), Ok(())),
        (ADD, source(GROUP, 3), INVALID),
        (DROP, source(GROUP, 1), INVALID),
        (UNBLOCK, source(GROUP, 9), NOT_THERE),
        (UNBLOCK, source(GROUP, 1), Ok(())),
        (leave, mreq(GROUP, ANY), Ok(())),
        // Who hears all, and then names one, hears this one.
        (join, mreq(GROUP, ANY), Ok(())),
        (ADD, source(GROUP, 3), Ok(())),
        (BLOCK, source(GROUP, 4), INVALID),
        (leave, mreq(GROUP, ANY), Ok(())),
        // What the stack itself refuses is joined here, as Linux does.
        (join, mreq([232, 1, 2, 3], ANY), Ok(())),
    ];
    answers(&mut world, fd, SOL_IP, &rows);
    for name in [ADD, BLOCK] {
        let asked = world.option(fd, SOL_IP, name);
        assert_eq!(asked, Err(Errno::ENOPROTOOPT));
    }
}

/// Ten of IPv4 (`net.ipv4.igmp_max_msf`), 64 of IPv6 (`net.ipv6.mld_max_msf`).
#[test]
fn senders_are_bounded() {
    for (name, first) in [(ADD, None), (BLOCK, Some(mreq(GROUP, ANY)))] {
        let mut world = World::new();
        let fd = world.datagrams(0, AF_INET);
        if let Some(value) = first {
            world
                .set_octets(fd, SOL_IP, IP_ADD_MEMBERSHIP, &value)
                .unwrap();
        }
        for last in 0..12 {
            let set = world.set_octets(fd, SOL_IP, name, &source(GROUP, last));
            assert_eq!(set, if last < 10 { Ok(()) } else { NO_ROOM }, "{last}");
        }
    }
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET6);
    for last in 1..=66 {
        let sender = octets_v6(&format!("2001:db8::{last:x}"));
        let value = group_source(2, &octets_v6(GROUP_V6), &sender);
        let set = world.set_octets(fd, SOL_IPV6, MCAST_JOIN_SOURCE_GROUP, &value);
        assert_eq!(set, if last <= 64 { Ok(()) } else { NO_ROOM }, "{last}");
    }
}

#[test]
fn senders_of_either_family_are_named() {
    let v4 = |group: [u8; 4], last| group_source(2, &group, &[1, 0, 0, last]);
    let six = octets_v6("2001:db8::1");
    let (join, leave) = (MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP);
    let (block, unblock) = (MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE);
    let rows = [
        (join, v4(GROUP, 1), Ok(())),
        (join, v4(GROUP, 1), NOT_THERE),
        (join, group_source(99, &GROUP, &[1; 4]), Err(Errno::ENODEV)),
        (join, group_source(0, &OTHER, &[1; 4]), Ok(())),
        (join, group_source(2, &octets_v6(GROUP_V6), &six), NOT_THERE),
        (join, group_source(2, &GROUP, &six), NOT_THERE),
        (block, group_source(2, &GROUP, &six), NOT_THERE),
        (join, v4(GROUP, 1)[..263].to_vec(), INVALID),
        (leave, v4(GROUP, 9), NOT_THERE),
        (leave, v4(GROUP, 1), Ok(())),
        (leave, v4(GROUP, 1), INVALID),
        (block, v4(GROUP, 1), INVALID),
        (unblock, v4(GROUP, 1), INVALID),
        (join, v4([10, 0, 0, 1], 1), INVALID),
    ];
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    answers(&mut world, fd, SOL_IP, &rows);
    let v6 = |group: &str, last: u8| {
        let sender = octets_v6(&format!("2001:db8::{last}"));
        group_source(2, &octets_v6(group), &sender)
    };
    let rows = [
        (join, v6(GROUP_V6, 1), Ok(())),
        (join, v6(GROUP_V6, 1), NOT_THERE),
        (
            IPV6_JOIN_GROUP,
            mreq_v6(GROUP_V6, 0),
            Err(Errno::EADDRINUSE),
        ),
        (block, v6(GROUP_V6, 3), INVALID),
        (leave, v6(GROUP_V6, 9), NOT_THERE),
        (leave, v6(GROUP_V6, 1), Ok(())),
        (leave, v6(GROUP_V6, 1), INVALID),
        (
            join,
            group_source(99, &octets_v6(GROUP_V6), &six),
            Err(Errno::ENODEV),
        ),
        (join, group_source(2, &GROUP, &[1, 0, 0, 1]), NOT_THERE),
        (
            join,
            group_source(2, &octets_v6(GROUP_V6), &[1, 0, 0, 1]),
            NOT_THERE,
        ),
        (join, v6("fd00::1", 1), INVALID),
        (IPV6_JOIN_GROUP, mreq_v6(GROUP_V6, 0), Ok(())),
        (block, v6(GROUP_V6, 1), Ok(())),
        (block, v6(GROUP_V6, 1), NOT_THERE),
        (join, v6(GROUP_V6, 5), INVALID),
        (unblock, v6(GROUP_V6, 1), Ok(())),
    ];
    let fd = world.datagrams(0, AF_INET6);
    answers(&mut world, fd, SOL_IPV6, &rows);
    let v4 = [
        (join, v4(GROUP, 1), Ok(())),
        (join, v4(GROUP, 1), NOT_THERE),
    ];
    answers(&mut world, fd, SOL_IP, &v4);
    let only = world.datagrams(0, AF_INET);
    let v6 = [(join, v6(GROUP_V6, 1), Err(Errno::ENOPROTOOPT))];
    answers(&mut world, only, SOL_IPV6, &v6);
}

/// A whole filter at once: who is in the group may change it.
#[test]
fn a_whole_filter_is_set() {
    let mut world = World::new();
    let fd = world.datagrams(0, AF_INET);
    let eleven: Vec<u8> = (0..11).collect();
    let v4 = |last: u8| vec![1, 0, 0, last];
    let (set, mcast_set) = (IP_MSFILTER, MCAST_MSFILTER);
    let (include, exclude) = (MCAST_INCLUDE, MCAST_EXCLUDE);
    let whole = group_filter(&GROUP, include, &[v4(1), v4(2)]);
    let rows = [
        (set, msfilter(GROUP, include, 1, &[1]), INVALID),
        (IP_ADD_MEMBERSHIP, mreq(GROUP, ANY), Ok(())),
        (set, msfilter(GROUP, include, 2, &[1, 2]), Ok(())),
        (ADD, source(GROUP, 2), NOT_THERE),
        (set, msfilter(GROUP, exclude, 1, &[1]), Ok(())),
        (BLOCK, source(GROUP, 1), NOT_THERE),
        (set, msfilter(GROUP, exclude, 2, &[1]), INVALID),
        (set, msfilter(GROUP, exclude, 1, &[1, 2]), Ok(())),
        (
            set,
            msfilter(GROUP, exclude, 0, &[])[..15].to_vec(),
            INVALID,
        ),
        (set, msfilter(GROUP, 2, 0, &[]), INVALID),
        (set, msfilter(GROUP, include, 11, &eleven), NO_ROOM),
        (set, msfilter([10, 0, 0, 9], include, 0, &[]), INVALID),
        (set, msfilter(GROUP, exclude, 0, &[]), Ok(())),
        (mcast_set, whole.clone(), Ok(())),
        (mcast_set, whole[..271].to_vec(), INVALID),
        (mcast_set, whole[..143].to_vec(), INVALID),
        (mcast_set, group_filter(&OTHER, include, &[v4(1)]), INVALID),
        (set, msfilter(GROUP, include, 0, &[]), Ok(())),
        (IP_DROP_MEMBERSHIP, mreq(GROUP, ANY), NOT_THERE),
    ];
    answers(&mut world, fd, SOL_IP, &rows);
    let stream = world.stream(0, AF_INET);
    let refused = [(set, msfilter(GROUP, include, 0, &[]), NOT_THERE)];
    answers(&mut world, stream, SOL_IP, &refused);
    let fd = world.datagrams(0, AF_INET6);
    let filter = |count: u8, mode| {
        let sender = |last: u8| octets_v6(&format!("2001:db8::{last:x}")).to_vec();
        let senders: Vec<_> = (0..count).map(sender).collect();
        group_filter(&octets_v6(GROUP_V6), mode, &senders)
    };
    let rows = [
        (mcast_set, filter(1, include), INVALID),
        (IPV6_JOIN_GROUP, mreq_v6(GROUP_V6, 0), Ok(())),
        (mcast_set, filter(2, include), Ok(())),
        (mcast_set, filter(2, 5), INVALID),
        (mcast_set, filter(65, include), NO_ROOM),
        (mcast_set, filter(0, include), Ok(())),
        (IPV6_LEAVE_GROUP, mreq_v6(GROUP_V6, 0), NOT_THERE),
    ];
    answers(&mut world, fd, SOL_IPV6, &rows);
}

/// Of two sockets each hears whom it wants; what one wanted before it was bound counts once it is.
#[test]
fn senders_are_heard_as_named() {
    let mut world = World::new();
    let heard = |world: &mut World, fd: Fd| world.us().recv(fd, &mut [0; 9], MSG_DONTWAIT).is_ok();
    let [named, blocks] = [(); 2].map(|()| {
        let fd = world.datagrams(0, AF_INET);
        world.set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        fd
    });
    let peer = |group: [u8; 4]| [group, ANY, [10, 0, 0, 2]].concat();
    let set = |world: &mut World, fd, name, value: &[u8]| {
        world.set_octets(fd, SOL_IP, name, value).unwrap();
    };
    set(&mut world, named, ADD, &peer(GROUP));
    for fd in [named, blocks] {
        world.us().bind(fd, addr("0.0.0.0:53")).unwrap();
    }
    set(&mut world, blocks, IP_ADD_MEMBERSHIP, &mreq(GROUP, ANY));
    set(&mut world, blocks, BLOCK, &peer(GROUP));
    let sender = world.datagrams(1, AF_INET);
    let say = |world: &mut World| {
        let to = Some(addr("239.1.2.3:53"));
        world.at(1).sendto(sender, b"x", 0, to).unwrap();
        world.settle();
    };
    say(&mut world);
    assert_eq!(
        (heard(&mut world, named), heard(&mut world, blocks)),
        (true, false)
    );
    set(&mut world, named, DROP, &peer(GROUP));
    set(&mut world, blocks, UNBLOCK, &peer(GROUP));
    say(&mut world);
    // IP_MULTICAST_ALL: who is not in the group hears it with who is.
    assert_eq!(
        (heard(&mut world, named), heard(&mut world, blocks)),
        (true, true)
    );
}
