//! Which addresses and ports a socket may have, of one family and of two, and which it gets.

use std::net::SocketAddr;

use stubborn::bsd::{Errno, Fd, linux::*};

use super::support::{World, addr};

/// A bound TCP socket of ours; `only`: of IPv6 alone.
fn bound(world: &mut World, domain: i32, only: bool, at: &str) -> Result<Fd, Errno> {
    let fd = world.stream(0, domain);
    if only {
        world.set_option(fd, SOL_IPV6, IPV6_V6ONLY, 1)?;
    }
    world.us().bind(fd, addr(at)).map(|()| fd)
}

/// RFC 3493 §3.7, §5.3: the unspecified address of IPv6 is that of IPv4, too, unless the socket is
/// of IPv6 only; and a mapped address is one of IPv4.
#[test]
fn who_may_be_beside_whom() {
    const ANY: &str = "[::]:80";
    const ANY_V4: &str = "0.0.0.0:80";
    const MAPPED: &str = "[::ffff:10.0.0.1]:80";
    const V6: &str = "[fd00::1]:80";
    const V4: &str = "10.0.0.1:80";
    let (inet, inet6) = (AF_INET, AF_INET6);
    let table = [
        ((inet6, false, ANY), (inet, false, ANY_V4), false),
        ((inet6, false, ANY), (inet, false, V4), false),
        ((inet6, false, ANY), (inet6, false, MAPPED), false),
        ((inet6, false, ANY), (inet6, true, ANY), false),
        ((inet6, true, ANY), (inet, false, ANY_V4), true),
        ((inet6, true, ANY), (inet6, false, MAPPED), true),
        ((inet6, true, ANY), (inet6, false, V6), false),
        ((inet6, false, MAPPED), (inet, false, V4), false),
        ((inet6, false, MAPPED), (inet6, false, V6), true),
        ((inet6, false, V6), (inet, false, ANY_V4), true),
        ((inet, false, V4), (inet, false, ANY_V4), false),
    ];
    for (one, other, fits) in table {
        for (first, second) in [(one, other), (other, one)] {
            let mut world = World::new();
            let bind = |world: &mut World, (domain, only, at): (i32, bool, &str)| {
                bound(world, domain, only, at)
            };
            bind(&mut world, first).unwrap();
            let answer = bind(&mut world, second).map(|_| ());
            let expected = if fits { Ok(()) } else { Err(Errno::EADDRINUSE) };
            assert_eq!(answer, expected, "{first:?} and {second:?}");
        }
    }
}

/// RFC 3493 §5.3: a socket of IPv6 only has nothing to do with IPv4.
#[test]
fn ipv6_only_has_no_mapped_addresses() {
    let mut world = World::new();
    let answer = bound(&mut world, AF_INET6, true, "[::ffff:10.0.0.1]:80");
    assert_eq!(answer, Err(Errno::EINVAL));
    // Nor peers that have them.
    let listener = world.stream(1, AF_INET6);
    let only = 1_i32.to_le_bytes();
    let set = (world.them()).setsockopt(listener, SOL_IPV6, IPV6_V6ONLY, &only);
    assert_eq!(set, Ok(()));
    world.them().bind(listener, addr("[::]:80")).unwrap();
    world.them().listen(listener, 1).unwrap();
    for (domain, peer, answer) in [
        (AF_INET6, "[fd00::2]:80", Ok(())),
        (AF_INET, "10.0.0.2:80", Err(Errno::ECONNREFUSED)),
        (AF_INET6, "[::ffff:10.0.0.2]:80", Err(Errno::ECONNREFUSED)),
    ] {
        let fd = world.stream(0, domain);
        let begun = world.us().connect(fd, addr(peer));
        assert_eq!(begun, Err(Errno::EINPROGRESS));
        world.settle();
        assert_eq!(world.us().connect(fd, addr(peer)), answer, "{peer}");
    }
}

/// RFC 3493 §3.2: an address is of the family of its socket, or it is none.
#[test]
fn an_address_has_the_family_of_its_socket() {
    let mut world = World::new();
    // One of IPv4 is too short for a socket of IPv6.
    for (domain, own, peer, error) in [
        (AF_INET, "[fd00::1]:80", "[fd00::2]:80", Errno::EAFNOSUPPORT),
        (AF_INET6, "10.0.0.1:80", "10.0.0.2:80", Errno::EINVAL),
    ] {
        let fd = world.stream(0, domain);
        assert_eq!(world.us().bind(fd, addr(own)), Err(error));
        assert_eq!(world.us().connect(fd, addr(peer)), Err(error));
    }
    // What is bound to one family reaches no peer of the other.
    for (own, peer) in [
        ("[::ffff:10.0.0.1]:81", "[fd00::2]:80"),
        ("[fd00::1]:82", "[::ffff:10.0.0.2]:80"),
    ] {
        let fd = bound(&mut world, AF_INET6, false, own).unwrap();
        let connect = world.us().connect(fd, addr(peer));
        assert_eq!(connect, Err(Errno::EADDRNOTAVAIL), "{own}");
    }
}

/// A port that somebody has bound is nobody else's by chance, even with another peer; one that
/// connect has chosen may be chosen again for another peer.
#[test]
fn nobody_is_given_a_port_that_somebody_has_bound() {
    let mut world = World::with(|config| config.ephemeral_ports = (40_000, 40_001));
    let held = bound(&mut world, AF_INET, false, "10.0.0.1:40000").unwrap();
    let connect = |world: &mut World, peer: &str| {
        let fd = world.stream(0, AF_INET);
        let begun = world.us().connect(fd, addr(peer));
        (fd, begun)
    };
    let under_way = Err(Errno::EINPROGRESS);
    for peer in ["10.0.0.2:80", "10.0.0.2:81"] {
        let (fd, begun) = connect(&mut world, peer);
        assert_eq!(begun, under_way);
        let name = world.us().getsockname(fd).unwrap();
        assert_eq!(name, addr("10.0.0.1:40001"));
    }
    let (_, begun) = connect(&mut world, "10.0.0.2:80");
    assert_eq!(begun, Err(Errno::EADDRNOTAVAIL), "both are taken");
    world.us().close(held).unwrap();
    let (fd, begun) = connect(&mut world, "10.0.0.2:80");
    assert_eq!(begun, under_way);
    let name: SocketAddr = world.us().getsockname(fd).unwrap();
    assert_eq!(name.port(), 40_000);
}

/// RFC 9293 §3.5, figure 7: a socket that connects to itself opens from both ends at once, and reads
/// what it writes.
#[test]
fn a_socket_can_be_its_own_peer() {
    for (domain, own) in [(AF_INET, "10.0.0.1:4711"), (AF_INET6, "[fd00::1]:4711")] {
        let mut world = World::new();
        let fd = bound(&mut world, domain, false, own).unwrap();
        let begun = world.us().connect(fd, addr(own));
        assert_eq!(begun, Err(Errno::EINPROGRESS));
        world.settle();
        assert_eq!(world.us().connect(fd, addr(own)), Ok(()));
        assert_eq!(world.us().getpeername(fd), Ok(addr(own)));
        assert_eq!(world.us().write(fd, b"hello"), Ok(5));
        world.settle();
        let mut buffer = [0; 9];
        assert_eq!(world.us().read(fd, &mut buffer), Ok(5));
        assert_eq!(&buffer[..5], b"hello");
        world.us().shutdown(fd, SHUT_WR).unwrap();
        world.settle();
        assert_eq!(world.us().read(fd, &mut buffer), Ok(0));
        world.us().close(fd).unwrap();
        assert!(world.us().is_quiet());
    }
}
