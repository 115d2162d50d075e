//! What Linux 6.18 has answered to the same calls in the same states: errors of calls that come too early, too
//! late or twice, and what can be told after them.

use stubborn::bsd::{Bsd, Errno, System, linux::*};
use stubborn::config::Config;
use stubborn::stack::{Secret, Stack};
use stubborn::time::Instant;

use super::support::{World, addr};

/// Everything that poll says of our descriptor.
fn ready(world: &mut World, fd: i32) -> i32 {
    world.us().ready(fd).unwrap()
}

fn pending(world: &mut World, fd: i32) -> i32 {
    world.option(fd, SOL_SOCKET, SO_ERROR).unwrap()
}

/// Who connects to no address in particular connects to this host: to where the socket is, or to its first.
#[test]
fn no_address_is_this_host() {
    for (domain, own, nobody) in [
        (AF_INET, "10.0.0.1:0", "0.0.0.0:81"),
        (AF_INET6, "[fd00::1]:0", "[::]:81"),
        (AF_INET6, "[::ffff:10.0.0.1]:0", "[::ffff:0.0.0.0]:81"),
    ] {
        let mut world = World::new();
        let listener = world.stream(0, AF_INET6);
        world.us().bind(listener, addr("[::]:81")).unwrap();
        world.us().listen(listener, 1).unwrap();
        for is_bound in [false, true] {
            let fd = world.stream(0, domain);
            if is_bound {
                world.us().bind(fd, addr(own)).unwrap();
            }
            let begun = world.us().connect(fd, addr(nobody));
            assert_eq!(begun, Err(Errno::EINPROGRESS));
            world.settle();
            assert_eq!(world.us().connect(fd, addr(nobody)), Ok(()));
            let peer = world.us().getpeername(fd).unwrap();
            let own = addr(own).ip();
            assert_eq!((peer.ip(), peer.port()), (own, 81), "{nobody}");
            world.us().accept(listener, 0).unwrap();
        }
    }
    let mut world = World::new();
    let server = world.us().socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    world.us().bind(server, addr("0.0.0.0:53")).unwrap();
    let fd = world.us().socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    let nobody = addr("0.0.0.0:53");
    assert_eq!(world.us().sendto(fd, b"one", 0, Some(nobody)), Ok(3));
    assert_eq!(world.us().connect(fd, nobody), Ok(()));
    assert_eq!(world.us().getpeername(fd), Ok(addr("10.0.0.1:53")));
    world.settle();
    assert_eq!(world.us().recv(server, &mut [0; 9], 0), Ok(3));
}

/// An address that cannot be is told before that the socket has one.
#[test]
fn bind_looks_at_the_address_first() {
    let mut world = World::new();
    let datagrams = world.us().socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    for fd in [world.stream(0, AF_INET), datagrams] {
        world.us().bind(fd, addr("10.0.0.1:81")).unwrap();
        for (address, error) in [
            ("10.0.0.9:82", Errno::EADDRNOTAVAIL),
            ("[fd00::1]:82", Errno::EAFNOSUPPORT),
            ("10.0.0.1:82", Errno::EINVAL),
        ] {
            assert_eq!(world.us().bind(fd, addr(address)), Err(error));
        }
    }
}

/// The port of a connection that is no more was that connection's.
#[test]
fn who_was_refused_can_be_bound() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let peer = addr("10.0.0.2:81");
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    assert_eq!(world.us().bind(fd, addr("10.0.0.1:82")), Err(Errno::EINVAL));
    world.settle();
    assert_eq!(world.us().bind(fd, addr("10.0.0.1:82")), Ok(()));
    assert_eq!(world.us().bind(fd, addr("10.0.0.1:83")), Err(Errno::EINVAL));
    assert_eq!(pending(&mut world, fd), Errno::ECONNREFUSED.number());
}

#[test]
fn time_wait_has_no_peer() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world.us().shutdown(ours, SHUT_WR).unwrap();
    world.settle();
    assert!(world.us().getpeername(ours).is_ok());
    world.them().shutdown(theirs, SHUT_WR).unwrap();
    world.settle();
    assert_eq!(world.us().getpeername(ours), Err(Errno::ENOTCONN));
}

/// What came of a connect is no news to who has shut something since.
#[test]
fn after_shutdown_connect_tells_nothing() {
    for how in [SHUT_RD, SHUT_WR, SHUT_RDWR] {
        let mut world = World::new();
        world.their_listener();
        let (fd, peer) = (world.stream(0, AF_INET), addr("10.0.0.2:80"));
        assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
        world.settle();
        assert_eq!(world.us().shutdown(fd, how), Ok(()));
        assert_eq!(world.us().connect(fd, peer), Err(Errno::EISCONN));
    }
}

/// An error that nobody was told of outlives the connection.
#[test]
fn disconnecting_keeps_what_is_pending() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let peer = addr("10.0.0.2:81");
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    world.settle();
    for _ in 0..2 {
        assert_eq!(world.us().disconnect(fd), Ok(()));
        assert_eq!(
            ready(&mut world, fd) & (POLLERR | POLLHUP | POLLIN),
            POLLERR | POLLHUP
        );
    }
    assert_eq!(pending(&mut world, fd), Errno::ECONNREFUSED.number());
    assert_eq!(pending(&mut world, fd), 0);

    let fd = world.us().socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    world.us().connect(fd, peer).unwrap();
    for change in [true, false] {
        world.us().send(fd, b"x", 0).unwrap();
        world.settle();
        match change {
            true => world.us().connect(fd, addr("10.0.0.2:82")).unwrap(),
            false => world.us().disconnect(fd).unwrap(),
        }
        assert_eq!(ready(&mut world, fd) & POLLERR, POLLERR);
        assert_eq!(pending(&mut world, fd), Errno::ECONNREFUSED.number());
        assert_eq!(ready(&mut world, fd) & POLLERR, 0);
    }
}

#[test]
fn receiving_without_a_connection() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let nothing = &mut [0; 10];
    assert_eq!(world.us().recv(fd, nothing, 0), Err(Errno::ENOTCONN));
    assert_eq!(world.us().recv(fd, nothing, MSG_OOB), Err(Errno::EINVAL));
    // It is no connection, and reads no more: the end.
    let shut = world.us().shutdown(fd, SHUT_RD);
    assert_eq!(shut, Err(Errno::ENOTCONN));
    assert_eq!(world.us().recv(fd, nothing, 0), Ok(0));
}

/// The urgent octet is not what poll has in mind, and who reads past it has lost it; in FreeBSD it can be had
/// afterwards, too.
#[test]
fn who_reads_past_the_urgent_octet_has_lost_it() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world.them().send(theirs, b"abcdE", MSG_OOB).unwrap();
    world.settle();
    let buffer = &mut [0; 10];
    assert_eq!(
        ready(&mut world, ours) & (POLLIN | POLLPRI),
        POLLIN | POLLPRI
    );
    assert_eq!(world.us().recv(ours, buffer, 0), Ok(4));
    assert_eq!(ready(&mut world, ours) & (POLLIN | POLLPRI), POLLPRI);
    assert_eq!(world.us().recv(ours, &mut [], 0), Ok(0));
    assert_eq!(world.us().recv(ours, &mut [], MSG_PEEK), Ok(0));
    assert_eq!(ready(&mut world, ours) & (POLLIN | POLLPRI), POLLPRI);
    assert_eq!(world.us().recv(ours, buffer, 0), Err(Errno::EAGAIN));
    assert_eq!(ready(&mut world, ours) & (POLLIN | POLLPRI), 0);
    assert_eq!(world.us().recv(ours, buffer, MSG_OOB), Err(Errno::EINVAL));

    let mut world = World::new();
    world.hosts[0].bsd = Bsd::of(System::Freebsd);
    world.their_listener();
    let (ours, peer) = (world.stream(0, AF_INET), addr("10.0.0.2:80"));
    assert_eq!(world.us().connect(ours, peer), Err(Errno::EINPROGRESS));
    world.settle();
    let (theirs, _) = world.them().accept(3, 0).unwrap();
    world.them().send(theirs, b"abcdE", MSG_OOB).unwrap();
    world.settle();
    assert_eq!(world.us().recv(ours, buffer, 0), Ok(4));
    assert_eq!(world.us().recv(ours, buffer, 0), Err(Errno::EAGAIN));
    assert_eq!(world.us().recv(ours, buffer, MSG_OOB), Ok(1));
}

/// `MSG_FASTOPEN` is a connect to somebody; of who is connected nobody asks to whom.
#[test]
fn fast_open_to_nobody() {
    let mut world = World::with(|config| config.fast_open.client = true);
    let fd = world.stream(0, AF_INET);
    assert_eq!(world.us().send(fd, b"x", MSG_FASTOPEN), Err(Errno::EINVAL));
    world.us().listen(fd, 1).unwrap();
    assert_eq!(world.us().send(fd, b"x", MSG_FASTOPEN), Err(Errno::EISCONN));
    world.their_listener();
    let (fd, peer) = (world.stream(0, AF_INET), addr("10.0.0.2:80"));
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    assert_eq!(
        world.us().send(fd, b"x", MSG_FASTOPEN),
        Err(Errno::EALREADY)
    );
    world.settle();
    assert_eq!(world.us().send(fd, b"x", MSG_FASTOPEN), Ok(1));
    assert_eq!(world.us().send(fd, b"x", MSG_FASTOPEN), Err(Errno::EISCONN));
}

#[test]
fn datagrams_without_a_peer() {
    let mut world = World::new();
    let fd = world.us().socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    // What becomes of a datagram is told to who has a peer.
    let to = Some(addr("10.0.0.2:81"));
    world.us().sendto(fd, b"x", 0, to).unwrap();
    world.settle();
    assert_eq!(pending(&mut world, fd), 0);
    // Without a destination there is nothing else to be told.
    assert_eq!(world.us().send(fd, b"x", 0), Err(Errno::EDESTADDRREQ));
    let nowhere = Some(addr("10.0.0.2:0"));
    // Shut is shut, though there is nobody.
    assert_eq!(world.us().shutdown(fd, SHUT_RDWR), Err(Errno::ENOTCONN));
    let shut = POLLRDHUP | POLLHUP | POLLIN;
    assert_eq!(ready(&mut world, fd) & shut, shut);
    assert_eq!(world.us().sendto(fd, b"x", 0, nowhere), Err(Errno::EINVAL));
    assert_eq!(world.us().sendto(fd, b"x", 0, to), Err(Errno::EPIPE));
    // Who waits is told the end; who does not, that nothing is here.
    let nothing = &mut [0; 10];
    assert_eq!(world.us().recv(fd, nothing, 0), Ok(0));
    let asked = world.us().recv(fd, nothing, MSG_DONTWAIT);
    assert_eq!(asked, Err(Errno::EAGAIN));
}

#[test]
fn flags_of_descriptors() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let mut us = world.us();
    assert_eq!(us.fcntl(fd, F_GETFD, 0), Ok(0));
    assert_eq!(us.fcntl(fd, F_SETFD, FD_CLOEXEC), Ok(0));
    assert_eq!(us.fcntl(fd, F_GETFD, 0), Ok(FD_CLOEXEC));
    let kept = O_APPEND | O_ASYNC;
    assert_eq!(us.fcntl(fd, F_SETFL, kept | O_CLOEXEC), Ok(0));
    assert_eq!(us.ioctl(fd, FIONBIO, 1), Ok(1));
    assert_eq!(us.fcntl(fd, F_GETFL, 0), Ok(O_RDWR | kept | O_NONBLOCK));
    assert_eq!(us.fcntl(fd, F_SETFL, O_DIRECT), Err(Errno::EINVAL));
    assert_eq!(us.fcntl(fd, F_GETOWN, 0), Ok(0));
    assert_eq!(
        (us.ioctl(fd, FIOASYNC, 1), us.ioctl(fd, FIOGETOWN, 1)),
        (Ok(1), Ok(0))
    );
    let kind = SOCK_DGRAM | SOCK_CLOEXEC;
    let closing = us.socket(AF_INET, kind, 0).unwrap();
    assert_eq!(us.fcntl(closing, F_GETFD, 0), Ok(FD_CLOEXEC));
    let set = us.epoll_create(EPOLL_CLOEXEC).unwrap();
    assert_eq!(us.fcntl(set, F_GETFD, 0), Ok(FD_CLOEXEC));
    assert_eq!(us.ioctl(set, FIONREAD, 0), Err(Errno::EINVAL));
}

#[test]
fn options_are_told_as_they_are_kept() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    for name in [SO_BROADCAST, SO_DONTROUTE] {
        world.set_option(fd, SOL_SOCKET, name, 7).unwrap();
        assert_eq!(world.option(fd, SOL_SOCKET, name), Ok(1));
    }
    let busy = world.set_option(fd, SOL_SOCKET, SO_BUSY_POLL, -1);
    assert_eq!(busy, Err(Errno::EINVAL));
    // Too short is too short, known or not.
    for name in [SO_KEEPALIVE, SO_TYPE, 999] {
        let short = world.set_octets(fd, SOL_SOCKET, name, &[1, 0]);
        assert_eq!(short, Err(Errno::EINVAL));
    }
    // Zero is what the host has, which is no limit.
    assert_eq!(world.option(fd, SOL_TCP, TCP_NOTSENT_LOWAT), Ok(0));
    for value in [5_000, -1, 0] {
        world
            .set_option(fd, SOL_TCP, TCP_NOTSENT_LOWAT, value)
            .unwrap();
        assert_eq!(world.option(fd, SOL_TCP, TCP_NOTSENT_LOWAT), Ok(value));
    }
    let (ours, _) = world.connected();
    world
        .set_option(ours, SOL_TCP, TCP_NOTSENT_LOWAT, 0)
        .unwrap();
    world.us().send(ours, &[0; 50_000], 0).unwrap();
    assert_eq!(ready(&mut world, ours) & POLLOUT, POLLOUT);
    // A `long`, and two numbers.
    let rate = 5_000_000_000u64.to_le_bytes();
    world
        .set_octets(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate)
        .unwrap();
    let mut us = world.us();
    let told = us.getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE);
    assert_eq!(told, Ok(rate.to_vec()));
    let told = us.getsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING);
    assert_eq!(told, Ok(vec![0; 8]));
}

/// FreeBSD's sockets, where they answer otherwise.
#[test]
fn freebsd_answers_otherwise() {
    let config = Config::new([[10, 0, 0, 1].into()]);
    let mut stack = Stack::new(config, Secret(*b"an open secret..")).unwrap();
    let mut bsd = Bsd::of(System::Freebsd);
    let mut calls = bsd.at(Instant::ZERO, &mut stack);
    let fd = calls.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    let urgent = calls.recv(fd, &mut [0], MSG_OOB);
    assert_eq!(urgent, Err(Errno::EOPNOTSUPP));
    let unknown = calls.getsockopt(fd, SOL_IPV6, IPV6_TCLASS);
    assert_eq!(unknown, Err(Errno::ENOPROTOOPT));
    assert_eq!(calls.shutdown(fd, SHUT_RD), Err(Errno::ENOTCONN));
    assert_eq!(calls.recv(fd, &mut [0], MSG_DONTWAIT), Ok(0));
}
