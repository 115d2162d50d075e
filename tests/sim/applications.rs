//! What applications do on a connection: every behaviour comes to its end.

use std::time::Duration;

use stubborn::config::{Keepalive, SocketOptions};
use stubborn::sim::apps::{Behaviour, Client, Reading, Server};
use stubborn::sim::path::Path;
use stubborn::sim::{Property, World};

use super::support::{
    PORT, all_well, at, breaks, config, hosts, lossy, pair, server_address, well, wire,
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn requests_and_responses() {
    all_well(50, |world: &mut World| {
        let behaviours = [
            Behaviour::ask(20, 100, 3_000),
            Behaviour::answer(100, 3_000),
        ];
        pair(world, Path::symmetric(lossy()), behaviours);
    });
}

#[test]
fn echo() {
    let outcome = well(1, |world: &mut World| {
        let behaviours = [Behaviour::exchange(300_000), Behaviour::echo()];
        pair(world, Path::symmetric(wire()), behaviours);
    });
    assert_eq!(outcome.tally.delivered, 600_000);
}

#[test]
fn one_side_sends_the_other_reads() {
    let outcome = well(1, |world: &mut World| {
        let behaviours = [Behaviour::send(300_000), Behaviour::receive()];
        pair(world, Path::symmetric(wire()), behaviours);
    });
    assert_eq!(outcome.tally.delivered, 300_000);
}

/// A window that closes and opens, again and again: probes and updates keep it moving.
#[test]
fn a_slow_reader() {
    let reading = Reading {
        chunk: 2_000,
        pause: Duration::from_millis(500),
        ..Reading::default()
    };
    for medium in [wire(), lossy()] {
        all_well(20, move |world: &mut World| {
            let mut configs = [config(1), config(2)];
            configs[1].tcp.receive_buffer = 8_000;
            let pair = hosts(world, configs, Path::symmetric(medium.clone()));
            let slow = Behaviour::receive().reading(reading);
            world.app(pair.server, Server::new(PORT, slow));
            let send = Behaviour::send(100_000);
            world.app(pair.client, Client::new(server_address(), send));
        });
    }
}

/// The reader stops for an hour: the window stays closed, the probes are answered, nothing is
/// lost; then the window update, or the next probe, gets the text moving.
#[test]
fn a_reader_that_stops_for_an_hour() {
    let outcome = well(1, |world: &mut World| {
        let reading = Reading {
            after: secs(3600),
            ..Reading::default()
        };
        let behaviours = [
            Behaviour::send(2_000_000),
            Behaviour::receive().reading(reading),
        ];
        pair(world, Path::symmetric(wire()), behaviours);
        world.patience(secs(7200));
    });
    let completed_at = outcome.completed_at.unwrap();
    assert!(
        at(3600.0) < completed_at && completed_at < at(3602.0),
        "{completed_at}"
    );
}

#[test]
fn an_abort_ends_both_sides() {
    let outcome = well(1, |world: &mut World| {
        let aborts = Behaviour::send(1 << 40).aborting(secs(1));
        pair(
            world,
            Path::symmetric(wire()),
            [aborts, Behaviour::receive()],
        );
    });
    assert_eq!(outcome.completed_at, Some(at(1.010)));
    assert_eq!((outcome.tally.completed, outcome.tally.reset), (0, 1));
}

/// The reset of an abort may be lost: who waits for nothing hears nothing, and that is no failure.
#[test]
fn an_abort_among_losses() {
    all_well(100, |world: &mut World| {
        let aborts = Behaviour::send(1 << 40).aborting(secs(1));
        pair(
            world,
            Path::symmetric(lossy()),
            [aborts, Behaviour::receive()],
        );
    });
}

#[test]
fn many_connections_one_after_the_other_and_at_once() {
    for at_once in [1, 10, 100] {
        let outcome = well(1, move |world: &mut World| {
            let pair = hosts(world, [config(1), config(2)], Path::symmetric(lossy()));
            world.app(pair.server, Server::new(PORT, Behaviour::exchange(3_000)));
            let client = Client::new(server_address(), Behaviour::exchange(3_000));
            world.app(pair.client, client.connections(100, at_once));
        });
        assert_eq!(outcome.tally.completed, 200);
    }
}

#[test]
fn an_idle_connection_is_kept_alive_for_a_day() {
    let outcome = well(1, |world: &mut World| {
        let keepalive = SocketOptions {
            keepalive: Some(Keepalive::default()),
            ..SocketOptions::default()
        };
        let idle = Behaviour::exchange(100).holding(secs(86_400));
        pair(
            world,
            Path::symmetric(wire()),
            [idle.options(keepalive), idle],
        );
        world.patience(secs(2 * 86_400));
    });
    assert!(outcome.completed_at.unwrap() >= at(86_400.0));
    assert!(outcome.tally.datagrams > 2 * 11, "a probe every two hours");
}

#[test]
fn nobody_listens() {
    let refused = |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], Path::symmetric(wire()));
        let client = Client::new(server_address(), Behaviour::exchange(10));
        world.app(pair.client, client);
    };
    let what = breaks(Property::NoFailure, 1, refused);
    assert!(what.contains("connection refused"), "{what}");
    let outcome = well(1, |world: &mut World| {
        refused(world);
        world.may_fail();
    });
    assert_eq!(outcome.tally.reset, 1);
}
