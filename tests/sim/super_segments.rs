//! Super-segments on paths that lose, reorder and mark: the path carries segments, and what becomes of
//! each is its own affair.

use std::time::Duration;

use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Corruption, Delay, Duplication, Loss, Medium, Reordering};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{Outcome, World};

use super::support::{PORT, config, hosts_with_offloads, server_address, well};

const OCTETS: u64 = 2 << 20;

/// Each end sends two mebibytes to the other over this path.
fn both_ways(seed: u64, medium: &Medium, offloads: [bool; 2]) -> Outcome {
    let outcome = well(seed, |world: &mut World| {
        let medium = medium.clone().with(Delay::new(Duration::from_millis(10)));
        let path = Path::symmetric(medium);
        let pair = hosts_with_offloads(world, [config(1), config(2)], offloads, path);
        world.app(pair.server, Server::new(PORT, Behaviour::exchange(OCTETS)));
        let client = Client::new(server_address(), Behaviour::exchange(OCTETS));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, 2 * OCTETS);
    outcome
}

/// The same number of datagrams is on the wire, or nearly: what is cut is full.
#[test]
fn a_clean_path_carries_the_same_segments() {
    let clean = Medium::new();
    let without = both_ways(1, &clean, [false, false]);
    let with = both_ways(1, &clean, [true, true]);
    assert_eq!(with.tally.retransmissions, 0);
    let most = without.tally.datagrams + without.tally.datagrams / 10;
    assert!(with.tally.datagrams <= most, "{with:?}, {without:?}");
    let text = 2 * OCTETS / 1448;
    assert!(with.tally.datagrams > text, "{with:?}");
}

/// One segment of a hundred is lost, not one super-segment: no more is sent again than without, and a
/// little.
#[test]
fn loss_takes_segments() {
    let lossy = Medium::new().with(Loss::new(Ratio::percent(1)));
    let (mut without, mut with) = (0, 0);
    for seed in 0..6 {
        without += both_ways(seed, &lossy, [false, false])
            .tally
            .retransmissions;
        with += both_ways(seed, &lossy, [true, true]).tally.retransmissions;
    }
    assert!(
        with > 100 && with <= without + without / 4,
        "{with}, {without}"
    );
}

#[test]
fn one_end_alone_may_have_offloads_and_paths_may_do_anything() {
    let bad = Medium::new()
        .with(Loss::new(Ratio::percent(2)))
        .with(Corruption::per_datagram(Ratio::percent(1)))
        .with(Reordering::new(Ratio::percent(5), Duration::from_millis(8)))
        .with(Duplication::new(Ratio::percent(2)));
    for (seed, offloads) in [[true, true], [true, false], [false, true]]
        .into_iter()
        .enumerate()
    {
        both_ways(seed as u64, &bad, offloads);
    }
}
