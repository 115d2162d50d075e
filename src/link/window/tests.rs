//! The window, step by step.

use super::*;
use crate::link::FairLossLink;
use crate::time::Duration;

const ALICE: u8 = 1;
const BOB: u8 = 2;

fn link(window: usize) -> WindowedLink<FairLossLink<u8>> {
    tolerant_link(window, None)
}

fn tolerant_link(window: usize, reordering: Option<u64>) -> WindowedLink<FairLossLink<u8>> {
    let config = WindowConfig {
        window,
        period: Duration::from_millis(100),
        doublings: 2,
        reordering,
        peers: 2,
    };
    WindowedLink::new(FairLossLink::new(64), config)
}

fn packets(link: &mut WindowedLink<FairLossLink<u8>>, now: Instant) -> Vec<Vec<u8>> {
    core::iter::from_fn(|| link.poll_transmit(now))
        .map(|(_, packet)| packet)
        .collect()
}

/// The numbers of the messages that leave.
fn numbers(link: &mut WindowedLink<FairLossLink<u8>>, now: Instant) -> Vec<u64> {
    let number = |packet: Vec<u8>| match Header::parse(&packet) {
        Ok((Header::Data(number), _)) => number,
        other => panic!("not a message: {other:?}"),
    };
    packets(link, now).into_iter().map(number).collect()
}

#[test]
fn a_full_window_takes_no_more_until_the_oldest_is_delivered() {
    let now = Instant::ZERO;
    let (mut alice, mut bob) = (link(2), link(2));
    assert_eq!(alice.send(now, BOB, b"a"), Ok(()));
    assert_eq!(alice.send(now, BOB, b"b"), Ok(()));
    assert_eq!(alice.send(now, BOB, b"c"), Err(SendError::Full));
    for packet in packets(&mut alice, now) {
        bob.receive(now, ALICE, &packet);
    }
    // Received, not delivered: the window does not move.
    for packet in packets(&mut bob, now) {
        alice.receive(now, BOB, &packet);
    }
    assert_eq!(alice.send(now, BOB, b"c"), Err(SendError::Full));
    assert_eq!(bob.poll_deliver(), Some((ALICE, b"a".to_vec())));
    for packet in packets(&mut bob, now) {
        alice.receive(now, BOB, &packet);
    }
    assert_eq!(alice.room(BOB), 1);
    assert_eq!(alice.send(now, BOB, b"c"), Ok(()));
}

#[test]
fn what_has_arrived_is_not_sent_again_but_the_oldest_is() {
    let now = Instant::ZERO;
    let (mut alice, mut bob) = (link(3), link(3));
    for message in [b"a", b"b", b"c"] {
        alice.send(now, BOB, message).unwrap();
    }
    let sent = packets(&mut alice, now);
    bob.receive(now, ALICE, &sent[2]);
    for packet in packets(&mut bob, now) {
        alice.receive(now, BOB, &packet);
    }
    let later = alice.next_deadline().unwrap();
    alice.handle_timeouts(later);
    assert_eq!(numbers(&mut alice, later), [0, 1]);
    // All received, none delivered: the oldest asks whether it is yet.
    bob.receive(later, ALICE, &sent[0]);
    bob.receive(later, ALICE, &sent[1]);
    for packet in packets(&mut bob, later) {
        alice.receive(later, BOB, &packet);
    }
    let later = alice.next_deadline().unwrap();
    alice.handle_timeouts(later);
    assert_eq!(numbers(&mut alice, later), [0]);
}

#[test]
fn what_later_packets_overtook_is_sent_again_at_once() {
    let now = Instant::ZERO;
    let (mut alice, mut bob) = (tolerant_link(4, Some(1)), link(4));
    for message in [b"a", b"b", b"c", b"d"] {
        alice.send(now, BOB, message).unwrap();
    }
    let sent = packets(&mut alice, now);
    // The second overtakes the first: that may be a matter of order. The third, too: it is not.
    for (index, again) in [(1, &[][..]), (2, &[0])] {
        bob.receive(now, ALICE, &sent[index]);
        for packet in packets(&mut bob, now) {
            alice.receive(now, BOB, &packet);
        }
        alice.handle_timeouts(now);
        assert_eq!(numbers(&mut alice, now), again, "after {index}");
    }
    // It left last now: the fourth does not overtake it.
    bob.receive(now, ALICE, &sent[3]);
    for packet in packets(&mut bob, now) {
        alice.receive(now, BOB, &packet);
    }
    assert!(alice.next_deadline() > Some(now));
}

#[test]
fn the_period_doubles_as_often_as_configured() {
    let mut alice = link(1);
    alice.send(Instant::ZERO, BOB, b"a").unwrap();
    let mut deadlines = Vec::new();
    for _ in 0..6 {
        let now = alice.next_deadline().unwrap();
        deadlines.push(now.as_millis());
        alice.handle_timeouts(now);
    }
    assert_eq!(deadlines, [100, 200, 400, 800, 1200, 1600]);
}

#[test]
fn numbers_outside_the_window_do_nothing() {
    let now = Instant::ZERO;
    let mut bob = link(2);
    for number in [2, 3, u64::MAX] {
        bob.receive(now, ALICE, &Header::Data(number).before(b"x"));
    }
    assert_eq!(bob.poll_deliver(), None);
    assert!(bob.peers[&ALICE].receiver == Receiver::default());

    let mut alice = link(2);
    alice.send(now, BOB, b"a").unwrap();
    let before = alice.peers.clone();
    for next in [2, u64::MAX] {
        alice.receive(now, BOB, &Header::Acknowledgment(next).before(&[0xff; 8]));
        assert!(alice.peers == before, "{next} was never sent");
    }
    alice.receive(now, BOB, &Header::Acknowledgment(1).before(b""));
    assert_eq!(alice.room(BOB), 2);
    alice.receive(now, BOB, &Header::Acknowledgment(0).before(&[0xff]));
    assert_eq!(alice.room(BOB), 2, "an old acknowledgment");
}

#[test]
fn strangers_beyond_the_limit_are_not_remembered() {
    let now = Instant::ZERO;
    let mut bob = link(2);
    for from in 10..20 {
        bob.receive(now, from, &Header::Data(0).before(b"x"));
    }
    assert_eq!(bob.peers.len(), 2);
    assert_eq!(bob.send(now, 30, b"x"), Err(SendError::TooManyPeers));
    // An acknowledgment does not make its sender a known process.
    let mut alice = link(2);
    alice.receive(now, BOB, &Header::Acknowledgment(0).before(b""));
    assert!(alice.peers.is_empty());
}

#[test]
fn a_bitmap_longer_than_a_packet_is_cut() {
    let now = Instant::ZERO;
    let config = WindowConfig {
        window: 4096,
        ..WindowConfig::default()
    };
    let mut bob = WindowedLink::new(FairLossLink::new(64), config);
    bob.receive(now, ALICE, &Header::Data(4095).before(b"x"));
    bob.receive(now, ALICE, &Header::Data(1).before(b"y"));
    let (_, packet) = bob.poll_transmit(now).unwrap();
    assert_eq!(packet, Header::Acknowledgment(0).before(&[0x40]));
}
