//! More than two hosts, other families, and a NAT between them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::config::{Config, Keepalive, SocketOptions};
use stubborn::sim::World;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::nat::Nat;
use stubborn::sim::path::Path;

use super::support::{PORT, address, all_well, at, config, lossy, server_address, well, wire};

#[test]
fn two_clients_and_one_server() {
    all_well(100, |world: &mut World| {
        let server = world.host(config(2));
        world.app(server, Server::new(PORT, Behaviour::exchange(10_000)));
        for index in [1, 3] {
            let client = world.host(config(index));
            world.link(client, server, Path::symmetric(lossy()));
            let exchange = Behaviour::exchange(10_000);
            let client_app = Client::new(server_address(), exchange).connections(3, 2);
            world.app(client, client_app);
        }
    });
}

#[test]
fn over_ipv6() {
    let address = |host: u16| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host]);
    all_well(100, move |world: &mut World| {
        let client = world.host(Config::new([address(1)]));
        let server = world.host(Config::new([address(2)]));
        world.link(client, server, Path::symmetric(lossy()));
        world.app(server, Server::new(PORT, Behaviour::exchange(10_000)));
        let remote = SocketAddr::new(address(2), PORT);
        world.app(client, Client::new(remote, Behaviour::exchange(10_000)));
    });
}

/// The address that the NAT shows.
const OUTSIDE: u8 = 99;

fn behind_nat(world: &mut World, nat: Nat, behaviour: Behaviour) {
    let (client, server) = (world.host(config(1)), world.host(config(2)));
    let link = world.link(client, server, Path::symmetric(wire()).with_nat(nat));
    world.reach(link, address(OUTSIDE));
    world.app(server, Server::new(PORT, behaviour));
    world.app(client, Client::new(server_address(), behaviour));
}

#[test]
fn through_a_nat() {
    let outcome = well(1, |world: &mut World| {
        let nat = Nat::new([address(OUTSIDE)]);
        behind_nat(world, nat, Behaviour::exchange(100_000));
    });
    assert_eq!(outcome.tally.delivered, 200_000);
}

/// A NAT that forgets idle mappings cuts idle connections off, unless keepalive is faster.
#[test]
fn keepalive_keeps_a_mapping_alive() {
    for (idle, kept) in [(30, true), (7200, false)] {
        let outcome = well(1, move |world: &mut World| {
            let nat = Nat::new([address(OUTSIDE)]).idle_timeout(Duration::from_secs(60));
            let options = SocketOptions {
                keepalive: Some(Keepalive {
                    idle: Duration::from_secs(idle),
                    interval: Duration::from_secs(10),
                    count: 5,
                }),
                ..SocketOptions::default()
            };
            let holding = Behaviour::exchange(1000).holding(Duration::from_secs(300));
            behind_nat(world, nat, holding.options(options));
            world.may_fail();
        });
        assert_eq!(outcome.tally.completed == 2, kept, "{:?}", outcome.tally);
    }
}

/// A new port in the middle of a transfer: the server knows no such connection, and says so.
#[test]
fn a_nat_that_forgets_ends_the_connection_in_time() {
    let outcome = well(1, |world: &mut World| {
        let nat = Nat::new([address(OUTSIDE)]).rebind_at(at(0.045));
        behind_nat(world, nat, Behaviour::exchange(1_000_000));
        world.may_fail();
    });
    assert_eq!(outcome.tally.completed, 0);
    assert_eq!(outcome.tally.reset, 1, "the client");
    assert_eq!(
        outcome.tally.gave_up, 1,
        "the server, to whose port nobody answers"
    );
}

#[test]
fn hosts_have_letters() {
    let mut world = World::new(0);
    let names: Vec<_> = (1..4)
        .map(|host| world.host(config(host)).to_string())
        .collect();
    assert_eq!(names, ["A", "B", "C"]);
}
