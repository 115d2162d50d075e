//! Buffers that grow as the path asks: every default, and long fast paths are full.

use std::time::Duration;

use stubborn::config::CongestionControl;
use stubborn::sim::World;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Delay, Medium, Queue, RateLimit};
use stubborn::sim::path::Path;

use super::support::{PORT, config, hosts, server_address, well};

/// The part of the bottleneck that the text of `octets` fills, from the first SYN to the last
/// ACK, with every default but the controller; behind a queue that is never full: what is asked is
/// whether the buffers hold anything up.
fn filled(bits_per_second: u64, rtt: Duration, octets: u64) -> f64 {
    let outcome = well(1, move |world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.tcp.congestion_control = CongestionControl::Cubic;
            config
        });
        let bottleneck = RateLimit::new(bits_per_second, Queue::Time(Duration::from_secs(10)));
        let there = Medium::new().with(bottleneck).with(Delay::new(rtt / 2));
        let back = Medium::new().with(Delay::new(rtt / 2));
        let pair = hosts(world, configs, Path::new(there, back));
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(octets));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, octets);
    let took = outcome.completed_at.unwrap().as_nanos() as f64 / 1e9;
    octets as f64 * 8.0 / took / bits_per_second as f64
}

#[test]
fn a_long_path_is_full_without_configuration() {
    let part = filled(100_000_000, Duration::from_millis(100), 100_000_000);
    assert!(part > 0.8, "{part}");
}

#[test]
fn a_fast_path_is_full_without_configuration() {
    let part = filled(1_000_000_000, Duration::from_millis(20), 200_000_000);
    assert!(part > 0.8, "{part}");
}
