//! Options that a connection, or a listener, already has: they take effect from then on.

use std::task::Poll;
use std::time::Duration;

use stubborn::bsd::{Closing, Errno, Fd, linux::*};

use super::support::{World, addr};

fn controller(world: &mut World, fd: Fd) -> String {
    let name = world.us().getsockopt(fd, SOL_TCP, TCP_CONGESTION).unwrap();
    let text = name.split(|octet| *octet == 0).next().unwrap().to_vec();
    String::from_utf8(text).unwrap()
}

#[test]
fn another_congestion_controller_takes_over() {
    let mut world = World::new();
    let (ours, _) = world.connected();
    assert_eq!(controller(&mut world, ours), "cubic");
    let mut us = world.us();
    us.setsockopt(ours, SOL_TCP, TCP_CONGESTION, b"reno")
        .unwrap();
    assert_eq!(
        us.setsockopt(ours, SOL_TCP, TCP_CONGESTION, b"unheard-of"),
        Err(Errno::ENOENT)
    );
    assert_eq!(controller(&mut world, ours), "reno");
}

/// RFC 6298 §5.5: after 1 and 2 s the SYN leaves again, and a retry fewer ends the attempt 4 s
/// earlier.
#[test]
fn a_syn_under_way_is_given_up_earlier() {
    let mut world = World::new();
    world.cut = true;
    let fd = world.stream(0, AF_INET);
    let _ = world.us().connect(fd, addr("10.0.0.2:80"));
    world.pass(Duration::from_millis(500));
    world.set_option(fd, SOL_TCP, TCP_SYNCNT, 1).unwrap();
    world.pass(Duration::from_millis(2_400));
    assert_eq!(world.option(fd, SOL_SOCKET, SO_ERROR), Ok(0));
    world.pass(Duration::from_millis(200));
    let timed_out = Errno::ETIMEDOUT.number();
    assert_eq!(world.option(fd, SOL_SOCKET, SO_ERROR), Ok(timed_out));
}

#[test]
fn nobody_waits_in_fin_wait_2_longer_than_asked() {
    let mut world = World::new();
    let (ours, _theirs) = world.connected();
    world.set_option(ours, SOL_TCP, TCP_LINGER2, 2).unwrap();
    world.us().close(ours).unwrap();
    world.pass(Duration::from_millis(1_900));
    assert!(!world.us().is_quiet(), "FIN-WAIT-2");
    world.pass(Duration::from_millis(200));
    assert!(world.us().is_quiet());
}

#[test]
fn the_window_is_clamped() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world
        .set_option(ours, SOL_TCP, TCP_WINDOW_CLAMP, 5_000)
        .unwrap();
    assert_eq!(world.option(ours, SOL_TCP, TCP_WINDOW_CLAMP), Ok(5_000));
    assert_eq!(
        world.set_option(ours, SOL_TCP, TCP_WINDOW_CLAMP, 0),
        Err(Errno::EINVAL)
    );
    // The window that the peer has stays; beyond it, it is given no more than the clamp.
    let given = world.us().tcp_info(ours).unwrap().rcv_wnd as usize;
    let mut left = given;
    while left > 0 {
        let len = world.them().write(theirs, &vec![0; left]).unwrap_or(0);
        world.pass(Duration::from_millis(50));
        while world.us().read(ours, &mut [0; 65_536]).is_ok() {}
        left -= len;
    }
    world.settle();
    let window = world.us().tcp_info(ours).unwrap().rcv_wnd;
    assert!((1..=5_000).contains(&window), "{window}");
}

/// 100,000 octets a second: a second's worth takes about a second.
#[test]
fn nothing_leaves_faster_than_the_most_that_was_asked_for() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world
        .set_option(ours, SOL_SOCKET, SO_MAX_PACING_RATE, 100_000)
        .unwrap();
    assert_eq!(
        world.option(ours, SOL_SOCKET, SO_MAX_PACING_RATE),
        Ok(100_000)
    );
    world.us().write(ours, &[0; 100_000]).unwrap();
    world.pass(Duration::from_millis(900));
    let mut text = vec![0; 200_000];
    let early = world.them().read(theirs, &mut text).unwrap();
    assert!((60_000..95_000).contains(&early), "{early}");
    world.pass(Duration::from_millis(300));
    let late = world.them().read(theirs, &mut text).unwrap();
    assert_eq!(early + late, 100_000);
    let info = world.us().tcp_info(ours).unwrap();
    assert_eq!(info.max_pacing_rate, 100_000);
    let none = u64::MAX.to_le_bytes();
    let mut us = world.us();
    us.setsockopt(ours, SOL_SOCKET, SO_MAX_PACING_RATE, &none)
        .unwrap();
    assert_eq!(us.tcp_info(ours).unwrap().max_pacing_rate, u64::MAX);
}

#[test]
fn a_listener_hands_out_only_what_has_text_from_now_on() {
    let mut world = World::new();
    let listener = world.their_listener();
    let wait = 3_i32.to_le_bytes();
    let mut them = world.them();
    them.setsockopt(listener, SOL_TCP, TCP_DEFER_ACCEPT, &wait)
        .unwrap();
    let fd = world.stream(0, AF_INET);
    let _ = world.us().connect(fd, addr("10.0.0.2:80"));
    world.settle();
    let answer = world.them().accept(listener, 0);
    assert_eq!(answer.unwrap_err(), Errno::EAGAIN, "no text yet");
    world.us().write(fd, b"x").unwrap();
    world.settle();
    assert!(world.them().accept(listener, 0).is_ok());
}

#[test]
fn the_clock_of_timestamps_goes_on() {
    let mut world = World::new();
    let (ours, _) = world.connected();
    let before = world.option(ours, SOL_TCP, TCP_TIMESTAMP).unwrap();
    world.pass(Duration::from_millis(250));
    let after = world.option(ours, SOL_TCP, TCP_TIMESTAMP).unwrap();
    assert_eq!(after.wrapping_sub(before), 250, "milliseconds");
}

/// With `SO_LINGER`: seconds, a close has its answer when the peer has everything; at the
/// latest when the time is over. As on Linux that does not depend on `O_NONBLOCK`.
#[test]
fn close_waits_until_the_peer_has_everything() {
    let linger = [1, 0, 0, 0, 2, 0, 0, 0];
    let lingering = |cut: bool, nonblocking: bool| {
        let mut world = World::new();
        let (ours, _theirs) = world.connected();
        let mut us = world.us();
        us.setsockopt(ours, SOL_SOCKET, SO_LINGER, &linger).unwrap();
        if nonblocking {
            us.fcntl(ours, F_SETFL, O_NONBLOCK).unwrap();
        }
        us.write(ours, b"the last words").unwrap();
        world.cut = cut;
        let mut closing = Closing::new(ours, &mut world.us());
        for millis in (0..=3_000).step_by(5) {
            if let Poll::Ready(answer) = closing.attempt(&mut world.us()) {
                assert_eq!(answer, Ok(()));
                assert_eq!(world.us().close(ours), Err(Errno::EBADF));
                return millis;
            }
            world.pass(Duration::from_millis(5));
        }
        panic!("close waits for ever");
    };
    assert_eq!(lingering(false, false), 10, "a round trip");
    assert_eq!(lingering(true, false), 2_000, "the time is over");
    assert_eq!(lingering(false, true), 10, "non-blocking");
}
