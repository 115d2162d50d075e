//! Datagrams of an older incarnation arrive late: none of its octets is delivered (P10).

use std::time::Duration;

use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Duplication, Loss};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{Happening, World};

use super::support::{PORT, all_well, at, config, hosts, server_address, wire};

/// Copies that come up to a minute after the original.
fn late() -> Path {
    let copies = Duplication::new(Ratio::percent(30));
    let copies = copies.up_to(3).spread(Duration::from_secs(60));
    let medium = wire().with(copies).with(Loss::new(Ratio::percent(5)));
    Path::symmetric(medium)
}

/// One after the other, from the same port: TIME-WAIT, or a SYN beyond it, keeps them apart.
#[test]
fn incarnations_with_the_same_ports_one_after_the_other() {
    all_well(100, |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], late());
        world.app(pair.server, Server::new(PORT, Behaviour::exchange(6_000)));
        let client = Client::new(server_address(), Behaviour::exchange(6_000));
        let client = client.connections(5, 1).from_port(40_000);
        world.app(pair.client, client.pausing(Duration::from_millis(10)));
        world.may_fail();
    });
}

/// The client restarts and opens the same connection again, while the datagrams of the one before
/// are still under way.
#[test]
fn the_same_connection_after_a_restart() {
    all_well(200, |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], late());
        world.app(pair.server, Server::new(PORT, Behaviour::exchange(20_000)));
        let client = Client::new(server_address(), Behaviour::exchange(20_000));
        world.app(pair.client, client.from_port(40_000));
        world.at(at(0.055), Happening::Restart(pair.client));
        world.at(at(1.5), Happening::Restart(pair.client));
        world.may_fail();
    });
}

/// THREATS F23: both hosts are killed and start again, up to three times each, at moments that mean
/// nothing, and open the same connections again, while everything that they have sent before is under way.
/// A thousand worlds in a release build.
#[test]
fn killed_at_any_moment() {
    let worlds = if cfg!(debug_assertions) { 100 } else { 1_000 };
    all_well(worlds, |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], late());
        world.app(pair.server, Server::new(PORT, Behaviour::exchange(6_000)));
        let client = Client::new(server_address(), Behaviour::exchange(6_000));
        let client = client.connections(3, 1).from_port(40_000);
        world.app(pair.client, client.pausing(Duration::from_millis(10)));
        for host in [pair.client, pair.server] {
            for _ in 0..world.random().between(1, 3) {
                let moment = (world.random()).duration(Duration::ZERO, Duration::from_secs(3));
                world.at(at(0.0) + moment, Happening::Restart(host));
            }
        }
        world.may_fail();
    });
}
