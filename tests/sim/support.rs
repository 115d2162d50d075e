//! Two hosts and a wire: what most scenarios start from.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::config::Config;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Delay, Duplication, Loss, Medium, Reordering};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{HostId, LinkId, Outcome, Property, Scenario, World};
use stubborn::time::Instant;

/// One way on the wire takes this long.
pub(super) const DELAY: Duration = Duration::from_millis(10);

/// Where servers listen.
pub(super) const PORT: u16 = 7;

/// The hosts and the wire of a scenario.
pub(super) struct Pair {
    pub(super) client: HostId,
    pub(super) server: HostId,
    pub(super) link: LinkId,
}

pub(super) fn address(host: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, host])
}

/// Where the server of a pair listens.
pub(super) fn server_address() -> SocketAddr {
    SocketAddr::new(address(2), PORT)
}

/// A host that does not give up earlier when nobody holds a connection any more: what is lost in
/// these worlds is much, and it is the stack's patience that is asked.
pub(super) fn config(host: u8) -> Config {
    let mut config = Config::new([address(host)]);
    config.tcp.orphan_retries = config.tcp.r2;
    config
}

pub(super) fn wire() -> Medium {
    Medium::new().with(Delay::new(DELAY))
}

/// 10 % loss, 5 % duplication, 20 % reordering by time.
pub(super) fn lossy() -> Medium {
    wire()
        .with(Loss::new(Ratio::percent(10)))
        .with(Duplication::new(Ratio::percent(5)))
        .with(Reordering::new(
            Ratio::percent(20),
            Duration::from_millis(20),
        ))
}

/// A client and a server with these configurations.
pub(super) fn hosts(world: &mut World, configs: [Config; 2], path: Path) -> Pair {
    hosts_with_offloads(world, configs, [false; 2], path)
}

/// The same; super-segments cross the ports of those of whom it is said.
pub(super) fn hosts_with_offloads(
    world: &mut World,
    configs: [Config; 2],
    offloads: [bool; 2],
    path: Path,
) -> Pair {
    let [client, server] = configs.map(|config| world.host(config));
    for (host, offload) in [client, server].into_iter().zip(offloads) {
        if offload {
            world.offload(host);
        }
    }
    let link = world.link(client, server, path);
    Pair {
        client,
        server,
        link,
    }
}

/// A client and a server, who behave so on one connection.
pub(super) fn pair(world: &mut World, path: Path, behaviours: [Behaviour; 2]) -> Pair {
    let pair = hosts(world, [config(1), config(2)], path);
    let [client, server] = behaviours;
    world.app(pair.server, Server::new(PORT, server));
    world.app(pair.client, Client::new(server_address(), client));
    pair
}

/// The clean world: this many octets both ways.
pub(super) fn exchange(world: &mut World, path: Path, octets: u64) -> Pair {
    pair(world, path, [Behaviour::exchange(octets); 2])
}

/// Plays a scenario with one seed; all must be well.
#[track_caller]
pub(super) fn well(seed: u64, scenario: impl Scenario) -> Outcome {
    let outcome = World::new(0).play(seed, &scenario);
    if let Some(failure) = outcome.failure() {
        panic!("{failure}");
    }
    outcome
}

/// Plays a scenario with many seeds; all must be well.
#[track_caller]
pub(super) fn all_well(seeds: u64, scenario: impl Scenario) {
    let mut world = World::new(0);
    for seed in 0..seeds {
        let outcome = world.play(seed, &scenario);
        if let Some(failure) = outcome.failure() {
            panic!("{failure}");
        }
    }
}

/// Plays a scenario that must break this property; gives what was found.
#[track_caller]
pub(super) fn breaks(property: Property, seed: u64, scenario: impl Scenario) -> String {
    let outcome = World::new(0).play(seed, &scenario);
    let failure = outcome.failure().expect("nothing was found");
    assert_eq!(failure.property, property, "{failure}");
    failure.what.clone()
}

/// A moment of a world.
pub(super) fn at(secs: f64) -> Instant {
    Instant::ZERO + Duration::from_secs_f64(secs)
}
