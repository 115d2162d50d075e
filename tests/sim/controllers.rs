//! Congestion controllers beside each other on one path: an RTT of 50 ms, a bottleneck, and a
//! queue before it.

use std::time::Duration;

use stubborn::config::CongestionControl;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Delay, Medium, Queue, RateLimit};
use stubborn::sim::path::Path;
use stubborn::sim::{Outcome, World};

use super::support::{PORT, all_well, config, hosts, lossy, server_address, well};

const ONE_WAY: Duration = Duration::from_millis(25);

/// A path, and how much is sent on it.
#[derive(Clone, Copy, Debug)]
struct Case {
    bits_per_second: u64,
    /// How much the queue takes, as a multiple of what is in flight when it is empty (BDP).
    queue_bdp: u64,
    mtu: usize,
    octets: u64,
}

fn transfer(case: Case, congestion_control: CongestionControl) -> Outcome {
    let outcome = well(1, move |world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.mtu = case.mtu;
            config.tcp.congestion_control = congestion_control;
            // Neither buffer is what limits the flow.
            (config.tcp.send_buffer, config.tcp.receive_buffer) = (8 << 20, 8 << 20);
            config.tcp.initial_send_buffer = config.tcp.send_buffer;
            config.tcp.initial_receive_buffer = config.tcp.receive_buffer;
            config
        });
        let bdp = case.bits_per_second / 8 / 20;
        let bottleneck = RateLimit::new(case.bits_per_second, Queue::Octets(case.queue_bdp * bdp));
        let back = Medium::new().with(Delay::new(ONE_WAY));
        let there = Medium::new().with(bottleneck).with(Delay::new(ONE_WAY));
        let pair = hosts(world, configs, Path::new(there, back));
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(case.octets));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, case.octets);
    outcome
}

/// Octets of text a second, from the first SYN to the last ACK.
fn goodput(case: Case, congestion_control: CongestionControl) -> f64 {
    let outcome = transfer(case, congestion_control);
    let took = outcome.completed_at.unwrap().as_nanos() as f64 / 1e9;
    case.octets as f64 / took
}

/// A queue of 1 BDP, which Reno needs and no more: CUBIC fills the path as well, give or
/// take what a single retransmission timeout costs.
#[test]
fn cubic_fills_a_path_as_well_as_reno() {
    let case = Case {
        bits_per_second: 100_000_000,
        queue_bdp: 1,
        mtu: 1500,
        octets: 20_000_000,
    };
    let long = Case {
        mtu: 9000,
        octets: 150_000_000,
        ..case
    };
    for case in [case, long] {
        let reno = goodput(case, CongestionControl::Reno);
        let cubic = goodput(case, CongestionControl::Cubic);
        assert!(cubic >= 0.97 * reno, "{case:?}: {cubic} and {reno}");
    }
}

/// HyStart++ sees a deep queue grow, and leaves slow start before it overflows.
#[test]
fn cubic_loses_nothing_before_a_deep_queue() {
    let case = Case {
        bits_per_second: 10_000_000,
        queue_bdp: 12,
        mtu: 1500,
        octets: 4_000_000,
    };
    let reno = transfer(case, CongestionControl::Reno).tally;
    let cubic = transfer(case, CongestionControl::Cubic).tally;
    assert!(reno.lost > 0, "{reno:?}");
    assert_eq!(cubic.lost, 0, "{cubic:?}");
}

/// Losses of every kind: what must hold of a connection does not depend on its controller.
#[test]
fn cubic_among_losses() {
    all_well(20, |world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.tcp.congestion_control = CongestionControl::Cubic;
            config
        });
        let pair = hosts(world, configs, Path::symmetric(lossy()));
        world.app(
            pair.server,
            Server::new(PORT, Behaviour::exchange(64 << 10)),
        );
        let client = Client::new(server_address(), Behaviour::exchange(64 << 10));
        world.app(pair.client, client);
    });
}

/// It changes whenever the stack sends something else or at another time: then take the new one
/// from the test.
const HASH: u128 = 0x11f9_301b_00a0_386c_b1d6_e6db_0021_0f22;

/// CUBIC has roots and cubes, and no number that depends on the machine or the optimisation.
#[test]
fn a_trace_of_cubic_is_the_same_everywhere() {
    let case = Case {
        bits_per_second: 20_000_000,
        queue_bdp: 1,
        mtu: 1500,
        octets: 6_000_000,
    };
    let hash = transfer(case, CongestionControl::Cubic).trace_hash;
    assert_eq!(hash, HASH, "{hash:#x}");
}
