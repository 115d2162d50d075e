//! poll and epoll.

use stubborn::bsd::{EpollEvent, Errno, PollFd, linux::*};

use super::support::{World, addr};

const READABLE: i32 = POLLIN | POLLRDNORM;
const WRITABLE: i32 = POLLOUT | POLLWRNORM;

#[test]
fn what_a_stream_is_ready_for_at_each_step() {
    let mut world = World::new();
    let listener = world.their_listener();
    let fd = world.stream(0, AF_INET);
    assert_eq!(world.us().ready(fd), Ok(WRITABLE | POLLHUP), "fresh");
    assert_eq!(world.them().ready(listener), Ok(0));
    let _ = world.us().connect(fd, addr("10.0.0.2:80"));
    assert_eq!(world.us().ready(fd), Ok(0), "under way");
    world.settle();
    assert_eq!(world.us().ready(fd), Ok(WRITABLE), "established");
    assert_eq!(world.them().ready(listener), Ok(READABLE));
    let (theirs, _) = world.them().accept(listener, 0).unwrap();
    assert_eq!(world.them().ready(listener), Ok(0));
    world.them().write(theirs, b"abc").unwrap();
    world.settle();
    assert_eq!(world.us().ready(fd), Ok(WRITABLE | READABLE), "text");
    world.set_option(fd, SOL_SOCKET, SO_RCVLOWAT, 4).unwrap();
    assert_eq!(world.us().ready(fd), Ok(WRITABLE), "too little of it");
    world.them().shutdown(theirs, SHUT_WR).unwrap();
    world.settle();
    assert_eq!(
        world.us().ready(fd),
        Ok(WRITABLE | READABLE | POLLRDHUP),
        "the end"
    );
    world.us().shutdown(fd, SHUT_WR).unwrap();
    let all = WRITABLE | READABLE | POLLRDHUP | POLLHUP;
    assert_eq!(world.us().ready(fd), Ok(all), "both ends");
}

#[test]
fn a_refused_connect_is_ready_for_everything() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let _ = world.us().connect(fd, addr("10.0.0.2:80"));
    world.settle();
    let all = WRITABLE | READABLE | POLLRDHUP | POLLHUP;
    assert_eq!(world.us().ready(fd), Ok(all | POLLERR));
    let _ = world.option(fd, SOL_SOCKET, SO_ERROR);
    assert_eq!(world.us().ready(fd), Ok(all));
}

#[test]
fn poll_fills_in_what_was_asked_and_what_is_always_told() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    let line = |fd, events| PollFd {
        fd,
        events,
        revents: -1,
    };
    let mut lines = [
        line(ours, POLLIN),
        line(ours, POLLOUT),
        line(99, POLLIN),
        line(-1, POLLIN),
    ];
    assert_eq!(world.us().poll(&mut lines), 2);
    assert_eq!(lines.map(|line| line.revents), [0, POLLOUT, POLLNVAL, 0]);
    world.them().close(theirs).unwrap();
    world.us().shutdown(ours, SHUT_WR).unwrap();
    world.settle();
    assert_eq!(world.us().poll(&mut lines[..1]), 1);
    assert_eq!(lines[0].revents, POLLIN | POLLHUP);
}

fn event(events: i32, data: u64) -> EpollEvent {
    EpollEvent { events, data }
}

#[test]
fn epoll_by_level_tells_as_long_as_it_is_so() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    let set = world.us().epoll_create(0).unwrap();
    world
        .us()
        .epoll_ctl(set, EPOLL_CTL_ADD, ours, event(EPOLLIN, 7))
        .unwrap();
    assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![]));
    world.them().write(theirs, b"abc").unwrap();
    world.settle();
    for _ in 0..2 {
        assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![event(EPOLLIN, 7)]));
    }
    assert_eq!(world.us().ready(set), Ok(READABLE));
    world.us().read(ours, &mut [0; 9]).unwrap();
    assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![]));
}

#[test]
fn epoll_by_edge_tells_when_something_happens() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    let set = world.us().epoll_create(EPOLL_CLOEXEC).unwrap();
    let wanted = event(EPOLLIN | EPOLLET, 7);
    world
        .us()
        .epoll_ctl(set, EPOLL_CTL_ADD, ours, wanted)
        .unwrap();
    for _ in 0..2 {
        world.them().write(theirs, b"abc").unwrap();
        world.settle();
        assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![event(EPOLLIN, 7)]));
        assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![]), "it was told");
    }
    world
        .us()
        .epoll_ctl(set, EPOLL_CTL_MOD, ours, wanted)
        .unwrap();
    assert_eq!(
        world.us().epoll_wait(set, 1).unwrap().len(),
        1,
        "asked again"
    );
}

/// Who writes until not all is taken need not write again to be told of room.
#[test]
fn epoll_by_edge_tells_of_room_after_a_part_was_taken() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    let set = world.us().epoll_create(0).unwrap();
    let wanted = event(EPOLLOUT | EPOLLET, 7);
    world
        .us()
        .epoll_ctl(set, EPOLL_CTL_ADD, ours, wanted)
        .unwrap();
    assert_eq!(world.us().epoll_wait(set, 1).unwrap().len(), 1);
    let text = vec![7; 4 << 20];
    let taken = world.us().write(ours, &text).unwrap();
    assert!(taken < text.len());
    assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![]), "it was told");
    let mut buffer = vec![0; text.len()];
    for _ in 0..20 {
        world.settle();
        let _ = world.them().read(theirs, &mut buffer);
    }
    assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![event(EPOLLOUT, 7)]));
}

/// Where one is told of at a time, none waits for ever behind another.
#[test]
fn epoll_goes_on_behind_the_last_it_told_of() {
    let mut world = World::new();
    let set = world.us().epoll_create(0).unwrap();
    for data in 0..3 {
        let fd = world.datagrams(0, AF_INET);
        let wanted = event(EPOLLOUT, data);
        world
            .us()
            .epoll_ctl(set, EPOLL_CTL_ADD, fd, wanted)
            .unwrap();
    }
    let told = [(); 6].map(|()| world.us().epoll_wait(set, 1).unwrap()[0].data);
    assert_eq!(told, [0, 1, 2, 0, 1, 2]);
}

/// A window cannot hold as much as the user waits for: what it holds is enough.
#[test]
fn a_low_water_mark_beyond_the_window_does_not_wait_for_ever() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    for (name, value) in [
        (SO_RCVBUF, 1 << 29),
        (SO_RCVLOWAT, 1 << 29),
        (SO_RCVBUF, 8192),
    ] {
        world.set_option(ours, SOL_SOCKET, name, value).unwrap();
    }
    world.them().write(theirs, &[7; 4 << 20]).unwrap();
    for _ in 0..20 {
        world.settle();
    }
    assert_ne!(world.us().ready(ours).unwrap() & READABLE, 0);
}

/// A socket of both families is writable if one may write to either.
#[test]
fn a_socket_of_both_families_is_writable_for_both() {
    let mut world = World::with(|config| config.udp.send_datagrams = 1);
    let fd = world.datagrams(0, AF_INET6);
    world.us().bind(fd, addr("[::]:53")).unwrap();
    for to in ["10.0.0.2:53", "[fd00::2]:53"] {
        let writable = WRITABLE | POLLWRBAND;
        assert_eq!(world.us().ready(fd), Ok(writable));
        assert_eq!(world.us().sendto(fd, b"x", 0, Some(addr(to))), Ok(1));
        assert_eq!(world.us().ready(fd), Ok(0), "{to}");
        world.settle();
    }
}

#[test]
fn epoll_once_tells_once() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    let set = world.us().epoll_create(0).unwrap();
    let wanted = event(EPOLLIN | EPOLLONESHOT, 7);
    world
        .us()
        .epoll_ctl(set, EPOLL_CTL_ADD, ours, wanted)
        .unwrap();
    world.them().write(theirs, b"abc").unwrap();
    world.settle();
    assert_eq!(world.us().epoll_wait(set, 1).unwrap().len(), 1);
    assert_eq!(world.us().epoll_wait(set, 1), Ok(vec![]));
    world
        .us()
        .epoll_ctl(set, EPOLL_CTL_MOD, ours, wanted)
        .unwrap();
    assert_eq!(world.us().epoll_wait(set, 1).unwrap().len(), 1);
}

#[test]
fn epoll_refuses_what_makes_no_sense() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let mut us = world.us();
    let set = us.epoll_create(0).unwrap();
    assert_eq!(us.epoll_create(1), Err(Errno::EINVAL));
    let none = event(0, 0);
    let table = [
        ((set, EPOLL_CTL_DEL, fd), Errno::ENOENT),
        ((set, EPOLL_CTL_MOD, fd), Errno::ENOENT),
        ((set, EPOLL_CTL_ADD, 99), Errno::EBADF),
        ((99, EPOLL_CTL_ADD, fd), Errno::EBADF),
        ((fd, EPOLL_CTL_ADD, fd), Errno::EINVAL),
        ((set, EPOLL_CTL_ADD, set), Errno::EINVAL),
        ((set, 9, fd), Errno::EINVAL),
    ];
    for ((epfd, operation, fd), error) in table {
        assert_eq!(us.epoll_ctl(epfd, operation, fd, none), Err(error));
    }
    us.epoll_ctl(set, EPOLL_CTL_ADD, fd, none).unwrap();
    assert_eq!(
        us.epoll_ctl(set, EPOLL_CTL_ADD, fd, none),
        Err(Errno::EEXIST)
    );
    assert_eq!(us.epoll_wait(set, 0), Err(Errno::EINVAL));
    assert_eq!(us.epoll_wait(fd, 1), Err(Errno::EINVAL));
    assert_eq!(
        us.epoll_wait(set, 1),
        Ok(vec![event(EPOLLHUP, 0)]),
        "always told"
    );
    us.close(fd).unwrap();
    assert_eq!(us.epoll_wait(set, 1), Ok(vec![]), "forgotten");
}

/// As Linux 6.18 answers: five sets in a row, built from whichever end, whatever the last one watches.
#[test]
fn so_many_sets_watch_each_other_in_a_row() {
    let mut world = World::new();
    let leaf = world.stream(0, AF_INET);
    let mut us = world.us();
    let mut chain = |links: &[(usize, usize)], with_leaf: bool| -> Vec<bool> {
        let sets: Vec<_> = (0..7).map(|_| us.epoll_create(0).unwrap()).collect();
        if with_leaf {
            us.epoll_ctl(sets[6], EPOLL_CTL_ADD, leaf, event(EPOLLIN, 0))
                .unwrap();
        }
        let tried = links.iter().map(|(set, other)| {
            let answer = us.epoll_ctl(sets[*set], EPOLL_CTL_ADD, sets[*other], event(EPOLLIN, 0));
            assert!(matches!(answer, Ok(()) | Err(Errno::ELOOP)), "{answer:?}");
            answer.is_ok()
        });
        tried.collect()
    };
    let downwards = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)];
    let upwards = [(5, 6), (4, 5), (3, 4), (2, 3), (1, 2), (0, 1)];
    for (links, with_leaf) in [(downwards, false), (upwards, false), (upwards, true)] {
        let expected = [true, true, true, true, false, true];
        assert_eq!(chain(&links, with_leaf), expected);
    }
    let joined = [(0, 1), (1, 2), (3, 4), (4, 5), (2, 3), (2, 4)];
    assert_eq!(chain(&joined, false), [true, true, true, true, false, true]);
    let circle = [(0, 1), (1, 2), (2, 0), (0, 2)];
    assert_eq!(chain(&circle, false), [true, true, false, true]);
}
