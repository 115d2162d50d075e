//! The judge can fail: somebody in the middle, or a configuration that no host should have, breaks
//! each property, and the judge says which.

use std::time::Duration;

use stubborn::config::SocketOptions;
use stubborn::sim::app::{App, Calls, News};
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::octets::Octets;
use stubborn::sim::path::{Direction, Path};
use stubborn::sim::{Happening, Middle, Property, World};
use stubborn::time::Instant;
use stubborn::wire::{self, Control, Packet, Payload, TcpHeader};

use super::support::{PORT, at, breaks, config, exchange, hosts, pair, server_address, wire};

const SEED: u64 = 1;

/// Somebody who changes the segments that go one way, and puts their checksums right.
fn forger(
    there: Direction,
    mut forge: impl FnMut(&mut TcpHeader, &mut Vec<u8>) + Send + 'static,
) -> impl Middle + 'static {
    move |_: Instant, direction: Direction, datagram: Vec<u8>, onward: &mut Vec<Vec<u8>>| {
        let parsed = wire::parse(&datagram).unwrap();
        let Payload::Tcp(mut header, text) = parsed.payload else {
            panic!("only TCP goes by");
        };
        if direction != there {
            return onward.push(datagram);
        }
        let mut text = text.to_vec();
        forge(&mut header, &mut text);
        let forged = Packet::tcp(&parsed.ip, &header, text.as_slice().into());
        onward.push(forged.to_vec());
    }
}

/// A clean exchange with a forger in the middle.
fn forged(
    forge: impl FnMut(&mut TcpHeader, &mut Vec<u8>) + Send + Clone + 'static,
) -> impl Fn(&mut World) {
    move |world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 20_000);
        world.middle(pair.link, forger(Direction::There, forge.clone()));
    }
}

/// Replaces the text from the second segment on by that of another place of a stream: the client
/// opens the first connection of the world, and its stream has number 0.
fn text_from(stream: u64, away: i64) -> impl FnMut(&mut TcpHeader, &mut Vec<u8>) + Send + Clone {
    let mut first = None;
    move |header: &mut TcpHeader, text: &mut Vec<u8>| {
        if text.is_empty() {
            return;
        }
        let first = *first.get_or_insert(header.seq);
        let place = u64::from(header.seq.wrapping_sub(first));
        if let Some(from) = place.checked_add_signed(away).filter(|_| place > 0) {
            Octets::new(SEED, stream).fill(from, text);
        }
    }
}

#[test]
fn a_forger_who_changes_nothing_breaks_nothing() {
    super::support::well(SEED, forged(text_from(0, 0)));
}

#[test]
fn p1_an_octet_that_nobody_sent() {
    let what = breaks(
        Property::NoCreation,
        SEED,
        forged(|_, text| {
            if let Some(octet) = text.get_mut(100) {
                *octet ^= 1;
            }
        }),
    );
    assert!(what.contains("got at octet 100 what nobody sent"), "{what}");
}

#[test]
fn p2_octets_that_come_a_second_time() {
    let what = breaks(Property::NoDuplication, SEED, forged(text_from(0, -1000)));
    assert!(
        what.contains("got at octet 1448 what it had got at 448"),
        "{what}"
    );
}

#[test]
fn p3_octets_that_come_too_early() {
    let what = breaks(Property::Fifo, SEED, forged(text_from(0, 10)));
    assert!(
        what.contains("got at octet 1448 what belongs at 1458"),
        "{what}"
    );
}

#[test]
fn p4_the_end_comes_too_early() {
    let ends = |header: &mut TcpHeader, text: &mut Vec<u8>| {
        if !text.is_empty() {
            header.control |= Control::FIN;
        }
    };
    let what = breaks(Property::EndAfterAll, SEED, forged(ends));
    assert!(what.contains("after 1448 of 20000 octets"), "{what}");
    // As early as that the peer has not even closed.
    let open = move |world: &mut World| {
        let holding = Behaviour::exchange(100).holding(Duration::from_secs(5));
        let pair = pair(world, Path::symmetric(wire()), [holding; 2]);
        world.middle(pair.link, forger(Direction::There, ends));
    };
    let what = breaks(Property::EndAfterAll, SEED, open);
    assert!(what.contains("though the peer has not closed"), "{what}");
}

#[test]
fn p5_ends_that_do_not_agree() {
    let without_options = |header: &mut TcpHeader, _: &mut Vec<u8>| {
        if header.control.has(Control::SYN) {
            header.options.sack_permitted = false;
        }
    };
    breaks(Property::Agreement, SEED, move |world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 20_000);
        world.middle(pair.link, forger(Direction::Back, without_options));
    });
}

#[test]
fn p6_a_connection_that_remains() {
    let what = breaks(Property::BothClose, SEED, |world: &mut World| {
        let mut configs = [config(1), config(2)];
        configs[0].tcp.msl = Duration::from_secs(86_400);
        let pair = hosts(world, configs, Path::symmetric(wire()));
        let exchange = Behaviour::exchange(100).holding(Duration::from_secs(1));
        world.app(
            pair.server,
            Server::new(PORT, exchange.holding(Duration::from_secs(2))),
        );
        world.app(pair.client, Client::new(server_address(), exchange));
    });
    assert!(what.contains("remains in TIME-WAIT"), "{what}");
}

/// An application that waits for what never happens.
#[derive(Debug)]
struct Waits;

impl App for Waits {
    fn on(&mut self, _: News, _: &mut Calls<'_>) {}

    fn is_done(&self) -> bool {
        false
    }
}

#[test]
fn p7_nothing_will_happen_any_more() {
    let what = breaks(Property::NoDeadlock, SEED, |world: &mut World| {
        let host = world.host(config(1));
        world.app(host, Waits);
    });
    assert!(what.contains("an application of A waits"), "{what}");
    // Two who wait for each other.
    breaks(Property::NoDeadlock, SEED, |world: &mut World| {
        pair(world, Path::symmetric(wire()), [Behaviour::answer(1, 1); 2]);
    });
}

/// From some moment on nothing gets through, whatever heals.
fn wall(from: Instant) -> impl Middle + 'static {
    move |at: Instant, _: Direction, datagram: Vec<u8>, onward: &mut Vec<Vec<u8>>| {
        if at < from {
            onward.push(datagram);
        }
    }
}

/// A host that never gives up.
fn obstinate() -> Behaviour {
    Behaviour::exchange(1_000_000).options(SocketOptions {
        user_timeout: Some(Duration::from_secs(1_000_000)),
        ..SocketOptions::default()
    })
}

#[test]
fn p8_what_is_stuck() {
    let what = breaks(Property::Completion, SEED, |world: &mut World| {
        let pair = pair(world, Path::symmetric(wire()), [obstinate(); 2]);
        world.middle(pair.link, wall(at(0.05)));
    });
    assert!(what.starts_with("stuck: host A"), "{what}");
}

#[test]
fn p9_a_crash_that_is_not_discovered() {
    let what = breaks(Property::HalfOpen, SEED, |world: &mut World| {
        let pair = pair(world, Path::symmetric(wire()), [obstinate(); 2]);
        world.at(at(0.05), Happening::Restart(pair.server));
        world.middle(pair.link, wall(at(0.05)));
        world.may_fail();
    });
    assert!(
        what.contains("does not know that its peer crashed"),
        "{what}"
    );
}

#[test]
fn p10_octets_of_an_older_incarnation() {
    let what = breaks(Property::Incarnations, SEED, |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], Path::symmetric(wire()));
        world.app(pair.server, Server::new(PORT, Behaviour::exchange(2_000)));
        let client = Client::new(server_address(), Behaviour::exchange(2_000));
        world.app(pair.client, client.connections(2, 1).from_port(40_000));
        let mut connections = 0;
        world.middle(
            pair.link,
            forger(Direction::There, move |header, text| {
                connections += u32::from(header.control.has(Control::SYN));
                if connections == 2 && text.len() > 1_000 {
                    Octets::new(SEED, 0).fill(0, text);
                }
            }),
        );
    });
    assert!(
        what.contains("got at octet 0 what was sent on host A"),
        "{what}"
    );
}

#[test]
fn a_connection_that_fails() {
    let what = breaks(Property::NoFailure, SEED, |world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 1_000_000);
        world.at(at(0.05), Happening::Cut(pair.link));
        world.heal_at(Instant::from_secs(100_000));
    });
    assert!(what.contains("connection timed out"), "{what}");
}

#[test]
fn a_failure_is_one_line_that_says_how_to_see_it_again() {
    let mut world = World::new(0);
    let outcome = world.play(42, &|world: &mut World| {
        let host = world.host(config(1));
        world.app(host, Waits);
        world.named("waiting");
    });
    assert_eq!(
        outcome.failure().unwrap().to_string(),
        "P7 no deadlock: nothing will happen any more: an application of A waits, at 600.000, \
         seed 42; replay: stubborn sim --replay 42 waiting"
    );
}
