//! Paths that carry less than the interfaces do, and change.

use std::time::Duration;

use stubborn::config::{Config, MtuProbing};
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Delay, Medium, Mtu, Queue, RateLimit, TooLong};
use stubborn::sim::path::Path;
use stubborn::sim::{Outcome, World};

use super::support::{PORT, all_well, at, config, hosts, lossy, server_address, well};

const ONE_WAY: Duration = Duration::from_millis(10);

/// A link of 20 Mbit/s that carries datagrams of some size, in the direction of the server.
fn path(mtu: Mtu) -> Path {
    let bottleneck = RateLimit::new(20_000_000, Queue::Time(Duration::from_millis(200)));
    let there = Medium::new()
        .with(mtu)
        .with(bottleneck)
        .with(Delay::new(ONE_WAY));
    Path::new(there, Medium::new().with(Delay::new(ONE_WAY)))
}

/// A client sends this many octets through it.
fn transfer(mtu: &Mtu, octets: u64, change: impl Fn(&mut Config)) -> Outcome {
    let configs = [config(1), config(2)].map(|mut config| {
        change(&mut config);
        config
    });
    let outcome = well(1, |world: &mut World| {
        let pair = hosts(world, configs.clone(), path(mtu.clone()));
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(octets));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, octets);
    outcome
}

fn seconds(outcome: &Outcome) -> f64 {
    outcome.completed_at.unwrap().as_nanos() as f64 / 1e9
}

/// THREATS, PMTU black hole: from 1500 to 1280, and nobody says so. Found within two retransmission
/// timeouts, of which the second is twice the first, and one probe.
#[test]
fn a_black_hole_holds_a_stream_up_for_two_timeouts() {
    const OCTETS: u64 = 10_000_000;
    let whole = Mtu::new(1500, TooLong::Vanishes);
    let undisturbed = seconds(&transfer(&whole, OCTETS, |_| ()));
    for mtu in [
        Mtu::new(1280, TooLong::Vanishes),
        whole.clone().then(at(1.0), 1280),
    ] {
        let outcome = transfer(&mtu, OCTETS, |_| ());
        // The queue makes round trips of 220 ms, and so does the RTO: it is not above half a second.
        let (rto, round_trip) = (0.5, 0.22);
        // 40 octets of header in 1,280, not in 1,500; slow start once more; and the search.
        let took = seconds(&outcome);
        assert!(
            took <= 1.02 * undisturbed + 3.0 * rto + 10.0 * round_trip,
            "{took} s, {undisturbed} s undisturbed: {:?}",
            outcome.tally
        );
        assert!(outcome.tally.timeouts <= 3, "{:?}", outcome.tally);
    }
}

/// Without probing, it is for ever.
#[test]
fn a_black_hole_is_for_ever_without_probing() {
    let outcome = World::new(0).play(1, &|world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.tcp.path_mtu.probing = MtuProbing::Off;
            config.tcp.r2 = 3;
            config
        });
        let mtu = Mtu::new(1280, TooLong::Vanishes);
        let pair = hosts(world, configs, path(mtu));
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(100_000));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, 0);
}

/// THREATS, MTU change: hosts with jumbo frames on a path that carries 1500, then 576, then 9000,
/// and says so or not. Everything arrives; and at the end segments are long again.
#[test]
fn the_mtu_of_the_path_changes_under_a_stream() {
    for too_long in [TooLong::Vanishes, TooLong::IsReported] {
        for probing in [MtuProbing::OnBlackHole, MtuProbing::Always] {
            let mtu = Mtu::new(1500, too_long)
                .then(at(4.0), 576)
                .then(at(12.0), 9000);
            const OCTETS: u64 = 60_000_000;
            let outcome = transfer(&mtu, OCTETS, |config| {
                config.mtu = 9000;
                config.tcp.path_mtu.probing = probing;
                config.tcp.path_mtu.raise_after = Duration::from_secs(5);
            });
            // 24 s at full speed, and some for finding out.
            let took = seconds(&outcome);
            assert!(took < 45.0, "{too_long:?} {probing:?}: {took} s");
        }
    }
}

/// Probing among losses of every kind: what must hold holds.
#[test]
fn probes_among_losses() {
    for probing in [MtuProbing::OnBlackHole, MtuProbing::Always] {
        all_well(20, move |world: &mut World| {
            let configs = [config(1), config(2)].map(|mut config| {
                config.tcp.path_mtu.probing = probing;
                config
            });
            let medium = lossy().with(Mtu::new(1400, TooLong::Vanishes).then(at(2.0), 700));
            let pair = hosts(world, configs, Path::symmetric(medium));
            world.app(
                pair.server,
                Server::new(PORT, Behaviour::exchange(64 << 10)),
            );
            let client = Client::new(server_address(), Behaviour::exchange(64 << 10));
            world.app(pair.client, client);
        });
    }
}
