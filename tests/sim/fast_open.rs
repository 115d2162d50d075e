//! TCP Fast Open (RFC 7413) over paths that lose, double and reorder, and with servers that forget
//! their key.

use std::time::Duration;

use stubborn::config::Config;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::path::Path;
use stubborn::sim::{Happening, Outcome, World};

use super::support::{
    DELAY, PORT, Pair, all_well, at, config, hosts, lossy, server_address, well, wire,
};

const CONNECTIONS: u32 = 10;

/// A client that opens ten connections, one after the other, and says a little on each.
fn talks(world: &mut World, path: Path, is_fast: bool) -> Pair {
    let configs: [Config; 2] = [config(1), config(2)].map(|mut config| {
        config.fast_open.all_listeners = true;
        config
    });
    let pair = hosts(world, configs, path);
    let behaviour = Behaviour::exchange(300);
    let client = Client::new(server_address(), behaviour).connections(CONNECTIONS, 1);
    let client = if is_fast { client.fast() } else { client };
    world.app(pair.server, Server::new(PORT, behaviour));
    world.app(pair.client, client);
    pair
}

/// All but the first connection, which asks for the cookie, are done a round trip sooner.
#[test]
fn fast_open_saves_a_round_trip() {
    let done = |is_fast| -> Outcome {
        well(1, move |world: &mut World| {
            talks(world, Path::symmetric(wire()), is_fast);
        })
    };
    let [plain, fast] = [false, true].map(done);
    assert_eq!(fast.tally.delivered, plain.tally.delivered);
    let [plain, fast] = [plain, fast].map(|outcome| outcome.completed_at.unwrap());
    // What ends the last connection is the way of a FIN, and no round trip.
    let saved = plain - fast;
    let round_trip = DELAY * 2;
    assert!(saved > round_trip * (CONNECTIONS - 2) && saved <= round_trip * (CONNECTIONS - 1));
}

#[test]
fn fast_open_on_paths_with_every_fault() {
    all_well(100, |world: &mut World| {
        talks(world, Path::symmetric(lossy()), true);
    });
}

/// A server that starts anew has another key: it takes no text by the old cookie, gives a new one,
/// and the client goes on. (Were an answer lost as well, the text might reach both lives of the
/// server: who uses Fast Open must not mind, RFC 7413 §2.1.)
#[test]
fn a_server_forgets_its_key() {
    for seed in 0..10 {
        well(seed, move |world: &mut World| {
            let pair = talks(world, Path::symmetric(wire()), true);
            let moment = at(0.25) + Duration::from_millis(7) * seed as u32;
            world.at(moment, Happening::Restart(pair.server));
            world.may_fail();
        });
    }
}
