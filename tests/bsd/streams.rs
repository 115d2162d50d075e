//! TCP: each call and its errors.

use std::time::Duration;

use stubborn::bsd::{Errno, linux::*};

use super::support::{World, addr};

#[test]
fn sockets_of_what_is_not_known_are_refused() {
    let mut world = World::new();
    let table = [
        ((1, SOCK_STREAM, 0), Errno::EAFNOSUPPORT),
        ((AF_INET, 3, 0), Errno::ESOCKTNOSUPPORT),
        ((AF_INET, 99, 0), Errno::EINVAL),
        ((AF_INET, SOCK_STREAM, IPPROTO_UDP), Errno::EPROTONOSUPPORT),
        ((AF_INET6, SOCK_DGRAM, IPPROTO_TCP), Errno::EPROTONOSUPPORT),
    ];
    for ((domain, kind, protocol), error) in table {
        assert_eq!(world.us().socket(domain, kind, protocol), Err(error));
    }
    let kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    assert_eq!(world.us().socket(AF_INET, kind, IPPROTO_TCP), Ok(3));
    assert_eq!(world.us().fcntl(3, F_GETFL, 0), Ok(O_RDWR | O_NONBLOCK));
}

#[test]
fn a_closed_descriptor_is_none_and_its_number_is_given_again() {
    let mut world = World::new();
    let (a, b) = (world.stream(0, AF_INET), world.stream(0, AF_INET));
    assert_eq!((a, b), (3, 4));
    world.us().close(a).unwrap();
    let mut us = world.us();
    assert_eq!(us.close(a), Err(Errno::EBADF));
    assert_eq!(us.read(a, &mut [0]), Err(Errno::EBADF));
    assert_eq!(us.write(-1, &[0]), Err(Errno::EBADF));
    assert_eq!(us.bind(a, addr("0.0.0.0:1")), Err(Errno::EBADF));
    assert_eq!(us.socket(AF_INET, SOCK_STREAM, 0), Ok(3));
}

#[test]
fn bind_takes_one_address_of_this_host_once() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let mut us = world.us();
    assert_eq!(us.bind(fd, addr("10.9.9.9:80")), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(us.bind(fd, addr("[::]:80")), Err(Errno::EAFNOSUPPORT));
    assert_eq!(us.bind(fd, addr("10.0.0.1:80")), Ok(()));
    assert_eq!(us.bind(fd, addr("10.0.0.1:81")), Err(Errno::EINVAL));
    assert_eq!(us.getsockname(fd), Ok(addr("10.0.0.1:80")));
    let other = world.stream(0, AF_INET6);
    let mut us = world.us();
    assert_eq!(
        us.bind(other, addr("[::]:80")),
        Err(Errno::EADDRINUSE),
        "IPv4 is in it"
    );
    assert_eq!(us.bind(other, addr("[fd00::1]:80")), Ok(()));
}

#[test]
fn an_address_is_shared_by_those_who_all_ask_until_one_listens() {
    let mut world = World::new();
    let (a, b) = (world.stream(0, AF_INET), world.stream(0, AF_INET));
    let address = addr("0.0.0.0:80");
    world.set_option(b, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    world.us().bind(b, address).unwrap();
    assert_eq!(world.us().bind(a, address), Err(Errno::EADDRINUSE));
    world.set_option(a, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    assert_eq!(world.us().bind(a, address), Ok(()));
    assert_eq!(world.us().listen(a, 1), Ok(()));
    assert_eq!(world.us().listen(b, 1), Err(Errno::EADDRINUSE));
    let c = world.stream(0, AF_INET);
    world.set_option(c, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    assert_eq!(world.us().bind(c, address), Err(Errno::EADDRINUSE));
}

/// `SO_REUSEPORT`: those who all ask for it listen together, and each connection is one of theirs.
#[test]
fn listeners_share_an_address_if_all_ask_for_it() {
    let mut world = World::new();
    let address = addr("0.0.0.0:80");
    let listeners = [(); 2].map(|()| {
        let fd = world.stream(0, AF_INET);
        world.set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1).unwrap();
        world.us().bind(fd, address).unwrap();
        world.us().listen(fd, 100).unwrap();
        fd
    });
    let other = world.stream(0, AF_INET);
    assert_eq!(world.us().bind(other, address), Err(Errno::EADDRINUSE));
    for _ in 0..64 {
        let fd = world.stream(1, AF_INET);
        let _ = world.them().connect(fd, addr("10.0.0.1:80"));
    }
    world.settle();
    let accepted = listeners.map(|fd| {
        let accept = || world.us().accept(fd, 0).ok();
        std::iter::from_fn(accept).count()
    });
    assert_eq!(accepted.iter().sum::<usize>(), 64);
    assert!(accepted.iter().all(|count| *count >= 10), "{accepted:?}");
    // One of them alone has everybody.
    world.us().close(listeners[0]).unwrap();
    let fd = world.stream(1, AF_INET);
    let _ = world.them().connect(fd, addr("10.0.0.1:80"));
    world.settle();
    assert!(world.us().accept(listeners[1], 0).is_ok());
}

/// RFC 9293 §3.6.1: TIME-WAIT keeps a local address, unless both sockets say with `SO_REUSEADDR` that they
/// share it.
#[test]
fn time_wait_keeps_an_address_from_those_who_do_not_ask() {
    for (old_shares, answer) in [(1, Ok(())), (0, Err(Errno::EADDRINUSE))] {
        bind_in_time_wait(old_shares, answer);
    }
}

fn bind_in_time_wait(old_shares: i32, expected: Result<(), Errno>) {
    let mut world = World::new();
    let listener = world.their_listener();
    let fd = world.stream(0, AF_INET);
    world
        .set_option(fd, SOL_SOCKET, SO_REUSEADDR, old_shares)
        .unwrap();
    world.us().bind(fd, addr("10.0.0.1:1234")).unwrap();
    let _ = world.us().connect(fd, addr("10.0.0.2:80"));
    world.settle();
    let (theirs, peer) = world.them().accept(listener, 0).unwrap();
    assert_eq!(peer, addr("[::ffff:10.0.0.1]:1234"));
    world.us().close(fd).unwrap();
    world.settle();
    world.them().close(theirs).unwrap();
    world.settle();
    let again = world.stream(0, AF_INET);
    let answer = world.us().bind(again, addr("10.0.0.1:1234"));
    assert_eq!(answer, Err(Errno::EADDRINUSE));
    world
        .set_option(again, SOL_SOCKET, SO_REUSEADDR, 1)
        .unwrap();
    assert_eq!(world.us().bind(again, addr("10.0.0.1:1234")), expected);
}

#[test]
fn listen_and_accept() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    assert_eq!(
        world.us().accept(fd, 0),
        Err(Errno::EINVAL),
        "it does not listen"
    );
    assert_eq!(
        world.us().listen(fd, 1),
        Ok(()),
        "at a port of the stack's choice"
    );
    assert_ne!(world.us().getsockname(fd).unwrap().port(), 0);
    assert_eq!(world.us().listen(fd, 7), Ok(()), "another backlog");
    assert_eq!(world.us().accept(fd, 0), Err(Errno::EAGAIN));
    assert_eq!(world.us().accept(fd, 1), Err(Errno::EINVAL));
    assert_eq!(
        world.us().connect(fd, addr("10.0.0.2:80")),
        Err(Errno::EISCONN)
    );
    assert_eq!(world.us().read(fd, &mut [0]), Err(Errno::ENOTCONN));
    assert_eq!(world.us().write(fd, &[0]), Err(Errno::EPIPE));
    assert_eq!(world.us().getpeername(fd), Err(Errno::ENOTCONN));
    assert_eq!(world.option(fd, SOL_SOCKET, SO_ACCEPTCONN), Ok(1));
    let (connected, _) = world.connected();
    assert_eq!(world.us().listen(connected, 1), Err(Errno::EINVAL));
    assert_eq!(
        world.us().bind(connected, addr("0.0.0.0:9")),
        Err(Errno::EINVAL)
    );
}

#[test]
fn connect_tells_once_what_came_of_it() {
    let mut world = World::new();
    world.their_listener();
    let fd = world.stream(0, AF_INET);
    let peer = addr("10.0.0.2:80");
    assert_eq!(world.us().getpeername(fd), Err(Errno::ENOTCONN));
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EALREADY));
    assert_eq!(world.us().write(fd, &[0]), Err(Errno::EAGAIN));
    assert_eq!(world.us().read(fd, &mut [0]), Err(Errno::EAGAIN));
    assert_eq!(world.us().getpeername(fd), Err(Errno::ENOTCONN));
    world.settle();
    assert_eq!(world.us().getpeername(fd), Ok(peer));
    assert_eq!(world.us().connect(fd, peer), Ok(()));
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EISCONN));
}

#[test]
fn a_refused_connect_can_be_tried_again() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let peer = addr("10.0.0.2:80");
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    world.settle();
    assert_eq!(world.us().connect(fd, peer), Err(Errno::ECONNREFUSED));
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    world.settle();
    assert_eq!(
        world.option(fd, SOL_SOCKET, SO_ERROR),
        Ok(Errno::ECONNREFUSED.number())
    );
    assert_eq!(world.option(fd, SOL_SOCKET, SO_ERROR), Ok(0), "once");
    assert_eq!(
        world.us().connect(fd, peer),
        Err(Errno::ECONNABORTED),
        "nobody knows why"
    );
    world.their_listener();
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    world.settle();
    assert_eq!(world.us().connect(fd, peer), Ok(()));
}

#[test]
fn nobody_answers_a_syn() {
    let mut world = World::new();
    world.cut = true;
    let fd = world.stream(0, AF_INET);
    world.set_option(fd, SOL_TCP, TCP_SYNCNT, 1).unwrap();
    let peer = addr("10.0.0.2:80");
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EINPROGRESS));
    world.pass(Duration::from_millis(2_900));
    assert_eq!(world.us().connect(fd, peer), Err(Errno::EALREADY));
    world.pass(Duration::from_millis(200));
    assert_eq!(world.us().connect(fd, peer), Err(Errno::ETIMEDOUT));
}

#[test]
fn who_cannot_be_a_peer() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    for peer in ["224.0.0.1:80", "255.255.255.255:80"] {
        assert_eq!(
            world.us().connect(fd, addr(peer)),
            Err(Errno::ENETUNREACH),
            "{peer}"
        );
    }
    assert_eq!(
        world.us().connect(fd, addr("[fd00::2]:80")),
        Err(Errno::EAFNOSUPPORT)
    );
}

#[test]
fn octets_go_there_and_back_and_end() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    assert_eq!(world.us().write(ours, b"hello"), Ok(5));
    let mut buffer = [0; 10];
    assert_eq!(world.them().read(theirs, &mut buffer), Err(Errno::EAGAIN));
    world.settle();
    assert_eq!(world.them().recv(theirs, &mut buffer[..3], MSG_PEEK), Ok(3));
    assert_eq!(world.them().read(theirs, &mut buffer[..2]), Ok(2));
    assert_eq!(world.them().recv(theirs, &mut buffer, MSG_PEEK), Ok(3));
    assert_eq!(&buffer[..3], b"llo");
    assert_eq!(world.us().shutdown(ours, SHUT_WR), Ok(()));
    assert_eq!(world.us().shutdown(ours, SHUT_WR), Ok(()), "a second time");
    assert_eq!(world.us().write(ours, b"more"), Err(Errno::EPIPE));
    world.settle();
    assert_eq!(world.them().read(theirs, &mut buffer), Ok(3));
    assert_eq!(world.them().recv(theirs, &mut buffer, MSG_PEEK), Ok(0));
    assert_eq!(world.them().read(theirs, &mut buffer), Ok(0));
    assert_eq!(world.them().write(theirs, b"answer"), Ok(6));
    assert_eq!(world.them().close(theirs), Ok(()));
    world.settle();
    assert_eq!(world.us().read(ours, &mut buffer), Ok(6));
    assert_eq!(world.us().read(ours, &mut buffer), Ok(0));
}

#[test]
fn a_reset_is_told_once_and_the_pipe_stays_broken() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world.us().write(ours, b"unread").unwrap();
    world.settle();
    // Text that was not read: the peer must know (RFC 2525 §2.17).
    world.them().close(theirs).unwrap();
    world.settle();
    assert_eq!(world.us().read(ours, &mut [0]), Err(Errno::ECONNRESET));
    assert_eq!(world.us().read(ours, &mut [0]), Ok(0));
    assert_eq!(world.us().write(ours, b"x"), Err(Errno::EPIPE));
    assert_eq!(world.us().shutdown(ours, SHUT_RDWR), Err(Errno::ENOTCONN));
    assert_eq!(world.us().getpeername(ours), Err(Errno::ENOTCONN));
    assert_eq!(world.option(ours, SOL_SOCKET, SO_ERROR), Ok(0));
}

#[test]
fn a_reset_after_the_end_breaks_the_pipe() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world.them().close(theirs).unwrap();
    world.settle();
    assert_eq!(world.us().write(ours, b"nobody reads this"), Ok(17));
    world.settle();
    assert_eq!(
        world.option(ours, SOL_SOCKET, SO_ERROR),
        Ok(Errno::EPIPE.number())
    );
    assert_eq!(world.us().read(ours, &mut [0]), Ok(0));
}

#[test]
fn disconnect_resets_and_the_socket_is_new() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    assert_eq!(world.us().disconnect(ours), Ok(()));
    assert_eq!(
        world.option(ours, SOL_SOCKET, SO_ERROR),
        Ok(Errno::ECONNRESET.number())
    );
    assert_eq!(world.us().read(ours, &mut [0]), Err(Errno::ENOTCONN));
    assert_eq!(world.us().write(ours, &[0]), Err(Errno::EPIPE));
    assert_eq!(world.us().shutdown(ours, SHUT_WR), Err(Errno::ENOTCONN));
    world.settle();
    assert_eq!(world.them().read(theirs, &mut [0]), Err(Errno::ECONNRESET));
    world.them().close(theirs).unwrap();
    world.their_listener();
    assert_eq!(
        world.us().connect(ours, addr("10.0.0.2:80")),
        Err(Errno::EINPROGRESS)
    );
    world.settle();
    assert_eq!(world.us().connect(ours, addr("10.0.0.2:80")), Ok(()));
}

#[test]
fn reading_can_be_shut_down_and_what_comes_is_still_read() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    assert_eq!(world.us().shutdown(ours, 7), Err(Errno::EINVAL));
    world.us().shutdown(ours, SHUT_RD).unwrap();
    assert_eq!(world.us().read(ours, &mut [0; 9]), Ok(0));
    world.them().write(theirs, b"late").unwrap();
    world.settle();
    assert_eq!(world.us().read(ours, &mut [0; 9]), Ok(4));
    assert_eq!(world.us().read(ours, &mut [0; 9]), Ok(0));
}

#[test]
fn one_socket_hears_both_families_in_its_own_words() {
    let mut world = World::new();
    let listener = world.their_listener();
    let v4 = world.stream(0, AF_INET6);
    let v6 = world.stream(0, AF_INET6);
    for (fd, peer) in [(v4, "[::ffff:10.0.0.2]:80"), (v6, "[fd00::2]:80")] {
        assert_eq!(world.us().connect(fd, addr(peer)), Err(Errno::EINPROGRESS));
        world.settle();
        assert_eq!(world.us().getpeername(fd), Ok(addr(peer)));
        let local = world.us().getsockname(fd).unwrap();
        let (theirs, from) = world.them().accept(listener, 0).unwrap();
        assert_eq!(from, local);
        assert_eq!(world.them().getsockname(theirs), Ok(addr(peer)));
    }
    let only = world.stream(0, AF_INET6);
    world.set_option(only, SOL_IPV6, IPV6_V6ONLY, 1).unwrap();
    let mapped = addr("[::ffff:10.0.0.2]:80");
    assert_eq!(world.us().connect(only, mapped), Err(Errno::ENETUNREACH));
    world.us().bind(only, addr("[::]:80")).unwrap();
    let answer = world.set_option(only, SOL_IPV6, IPV6_V6ONLY, 0);
    assert_eq!(answer, Err(Errno::EINVAL), "it is bound");
    let other = world.stream(0, AF_INET);
    assert_eq!(world.us().bind(other, addr("0.0.0.0:80")), Ok(()));
}

/// RFC 6093 §3.3: as the common stacks have it, the urgent octet is taken out of the stream.
#[test]
fn the_urgent_octet_is_read_beside_the_stream() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    assert_eq!(world.us().recv(ours, &mut [0], MSG_OOB), Err(Errno::EINVAL));
    world.them().write(theirs, b"abc").unwrap();
    world.them().send(theirs, b"!", MSG_OOB).unwrap();
    world.them().write(theirs, b"def").unwrap();
    world.settle();
    assert_eq!(world.us().ioctl(ours, FIONREAD, 0), Ok(3));
    let mut buffer = [0; 10];
    assert_eq!(
        world.us().read(ours, &mut buffer),
        Ok(3),
        "not across the mark"
    );
    assert_eq!(world.us().ioctl(ours, SIOCATMARK, 0), Ok(1));
    assert_eq!(world.us().recv(ours, &mut buffer, MSG_OOB), Ok(1));
    assert_eq!(buffer[0], b'!');
    assert_eq!(
        world.us().recv(ours, &mut buffer, MSG_OOB),
        Err(Errno::EINVAL),
        "once"
    );
    assert_eq!(world.us().read(ours, &mut buffer), Ok(3));
    assert_eq!(&buffer[..3], b"def");
}

#[test]
fn less_than_a_segment_waits_for_what_was_announced() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world.us().send(ours, b"part ", MSG_MORE).unwrap();
    world.pass(Duration::from_millis(50));
    assert_eq!(world.them().read(theirs, &mut [0; 99]), Err(Errno::EAGAIN));
    world.us().send(ours, b"and rest", 0).unwrap();
    world.pass(Duration::from_millis(50));
    assert_eq!(world.them().read(theirs, &mut [0; 99]), Ok(13));
    world.set_option(ours, SOL_TCP, TCP_CORK, 1).unwrap();
    world.us().write(ours, b"corked").unwrap();
    world.pass(Duration::from_millis(50));
    assert_eq!(world.them().read(theirs, &mut [0; 99]), Err(Errno::EAGAIN));
    world.set_option(ours, SOL_TCP, TCP_CORK, 0).unwrap();
    world.pass(Duration::from_millis(50));
    assert_eq!(world.them().read(theirs, &mut [0; 99]), Ok(6));
}

#[test]
fn a_pipe_and_what_is_spliced_through_it() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    let (reader, writer) = world.us().pipe(0).unwrap();
    assert_eq!(world.us().read(reader, &mut [0; 9]), Err(Errno::EAGAIN));
    assert_eq!(world.us().read(writer, &mut [0; 9]), Err(Errno::EBADF));
    assert_eq!(world.us().write(writer, b"through"), Ok(7));
    assert_eq!(world.us().splice(reader, ours, 99, 0), Ok(7));
    assert_eq!(world.us().splice(reader, ours, 99, 0), Err(Errno::EAGAIN));
    assert_eq!(world.us().splice(ours, writer, 99, 0), Err(Errno::EAGAIN));
    assert_eq!(world.us().splice(ours, ours, 99, 0), Err(Errno::EINVAL));
    world.settle();
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Ok(7));
    world.them().write(theirs, b"back").unwrap();
    world.settle();
    assert_eq!(world.us().splice(ours, writer, 3, SPLICE_F_MOVE), Ok(3));
    let mut buffer = [0; 9];
    assert_eq!(world.us().read(reader, &mut buffer), Ok(3));
    assert_eq!(&buffer[..3], b"bac");
    world.us().close(writer).unwrap();
    assert_eq!(world.us().read(reader, &mut buffer), Ok(0), "the end");
    assert_eq!(world.us().ready(reader), Ok(POLLHUP));
}

/// RFC 7413: the first connection asks for a cookie, the next sends text with its SYN.
#[test]
fn text_is_sent_with_a_syn_once_there_is_a_cookie() {
    let mut world = World::new();
    let listener = world.stream(1, AF_INET);
    world.them().bind(listener, addr("0.0.0.0:80")).unwrap();
    let most = 5i32.to_le_bytes();
    world
        .them()
        .setsockopt(listener, SOL_TCP, TCP_FASTOPEN, &most)
        .unwrap();
    world.them().listen(listener, 5).unwrap();
    let peer = Some(addr("10.0.0.2:80"));
    let first = world.stream(0, AF_INET);
    let answer = world.us().sendto(first, b"early", MSG_FASTOPEN, peer);
    assert_eq!(answer, Err(Errno::EINPROGRESS), "no cookie yet");
    world.settle();
    let second = world.stream(0, AF_INET);
    assert_eq!(
        world.us().sendto(second, b"early", MSG_FASTOPEN, peer),
        Ok(5)
    );
    let answer = world.us().sendto(second, b"again", MSG_FASTOPEN, peer);
    assert_eq!(answer, Err(Errno::EALREADY));
    world.pass(Duration::from_millis(6));
    let _ = world.them().accept(listener, 0).unwrap();
    let (early, _) = world.them().accept(listener, 0).unwrap();
    assert_eq!(
        world.them().read(early, &mut [0; 9]),
        Ok(5),
        "before the handshake has ended"
    );
    assert_eq!(world.them().write(early, b"answer"), Ok(6));
    world.settle();
    assert_eq!(world.us().read(second, &mut [0; 9]), Ok(6));
}

/// A send of nothing has no octet that could be numbered, and no time is told of it.
#[test]
fn a_send_of_nothing_is_told_no_time_of() {
    let mut world = World::new();
    let (ours, _theirs) = world.connected();
    let flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID;
    world
        .set_option(ours, SOL_SOCKET, SO_TIMESTAMPING, flags)
        .unwrap();
    assert_eq!(world.us().send(ours, b"", 0), Ok(0));
    world.settle();
    let notice = world.us().recvmsg(ours, &mut [0; 9], MSG_ERRQUEUE);
    assert_eq!(notice, Err(Errno::EAGAIN));
}
