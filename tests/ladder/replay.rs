//! What authentication leaves to the links above it: the replay of packets that were really sent.

use std::collections::BTreeMap;

use stubborn::link::{
    AuthenticatedLink, FairLossLink, Identifiers, Key, Link, PerfectLink, StubbornLink,
};
use stubborn::time::Instant;

use super::kinds::PERIOD;

const NOW: Instant = Instant::ZERO;

fn authenticated(me: u8, peer: u8) -> AuthenticatedLink<FairLossLink<u8>> {
    let keys = BTreeMap::from([(peer, Key([9; 32]))]);
    AuthenticatedLink::new(FairLossLink::new(200), me, keys)
}

fn perfect(me: u8, peer: u8) -> impl Link<Address = u8> {
    let stubborn = StubbornLink::new(authenticated(me, peer), PERIOD);
    PerfectLink::new(stubborn, Identifiers::counter())
}

/// How often the receiver delivers what the sender sends once and the network delivers a
/// thousand times.
fn deliveries(mut sender: impl Link<Address = u8>, mut receiver: impl Link<Address = u8>) -> usize {
    sender.send(NOW, 2, b"pay 10").unwrap();
    let (_, packet) = sender.poll_transmit(NOW).unwrap();
    let mut delivered = 0;
    for _ in 0..1000 {
        receiver.receive(NOW, 1, &packet);
        while receiver.poll_deliver().is_some() {
            delivered += 1;
        }
    }
    delivered
}

#[test]
fn a_replay_is_authentic_and_a_perfect_link_above_knows_it() {
    assert_eq!(deliveries(authenticated(1, 2), authenticated(2, 1)), 1000);
    assert_eq!(deliveries(perfect(1, 2), perfect(2, 1)), 1);
}
