//! The same seed, the same world: in another run, another process, at another optimisation level.

use stubborn::sim::World;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::path::Path;

use super::support::{PORT, config, exchange, hosts, lossy, server_address};

fn scenario(world: &mut World) {
    exchange(world, Path::symmetric(lossy()), 4096);
}

/// These were printed by another process, optimised. They change whenever the stack sends
/// something else or at another time: then take the new ones from the test.
const HASHES: [u128; 3] = [
    0x3252_caf0_5264_6776_d524_e13e_ee27_63f3,
    0x0a3e_fee9_3bcf_f9fb_85d8_54ac_513a_99a2,
    0xd527_51f2_d4b3_dc5d_f186_1cee_7c9b_4278,
];

#[test]
fn a_hash_is_the_same_in_every_process_and_at_every_optimisation_level() {
    let mut world = World::new(0);
    let hashes = [0, 1, 2].map(|seed| world.play(seed, &scenario).trace_hash);
    assert_eq!(hashes, HASHES, "{hashes:#x?}");
}

#[test]
fn a_world_that_is_used_again_is_as_good_as_new() {
    let mut world = World::new(0);
    for seed in [5, 6, 5] {
        let again = world.play(seed, &scenario);
        assert_eq!(again, World::new(0).play(seed, &scenario));
    }
}

/// What header prediction takes, the steps of RFC 9293 would have taken to the same end: every
/// datagram of the world is the same, and comes at the same time.
#[test]
fn header_prediction_changes_nothing() {
    let scenario = |predicts: bool| {
        move |world: &mut World| {
            let configs = [1, 2].map(|host| {
                let mut config = config(host);
                config.tcp.header_prediction = predicts;
                config
            });
            let pair = hosts(world, configs, Path::symmetric(lossy()));
            let behaviour = Behaviour::exchange(65_536);
            world.app(pair.server, Server::new(PORT, behaviour));
            world.app(pair.client, Client::new(server_address(), behaviour));
        }
    };
    for seed in 0..50 {
        let either = [true, false].map(|it| World::new(0).play(seed, &scenario(it)));
        assert_eq!(either[0], either[1], "seed {seed}");
    }
}

#[test]
fn a_record_changes_nothing() {
    let recorded = |world: &mut World| {
        scenario(world);
        world.keep_record(10);
    };
    let mut world = World::new(0);
    let plain = world.play(7, &scenario);
    assert_eq!(world.play(7, &recorded), plain);
    let record = world.record().unwrap();
    assert_eq!(record.entries.len(), 10);
    assert!(record.omitted > 0);
}

#[test]
fn threads_make_no_difference() {
    let alone: Vec<_> = (0..8)
        .map(|seed| World::new(0).play(seed, &scenario))
        .collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|seed| scope.spawn(move || World::new(1).play(seed, &scenario)))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn seeds_make_different_worlds() {
    let mut world = World::new(0);
    let mut hashes: Vec<_> = (0..100)
        .map(|seed| world.play(seed, &scenario).trace_hash)
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 100);
}
