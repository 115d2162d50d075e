//! Every part of a medium by itself, and all at once: what arrives arrives once and in order, and
//! everything arrives.

use std::time::Duration;

use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{
    BlackHole, Bursts, Corruption, Delay, Duplication, Jitter, Loss, Medium, Mtu, Queue, RateLimit,
    Reordering, Stall, TooLong,
};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{Happening, World};

use super::support::{
    DELAY, PORT, all_well, at, config, exchange, hosts, lossy, pair, server_address, well, wire,
};

fn over(medium: Medium) -> impl Fn(&mut World) {
    move |world: &mut World| {
        exchange(world, Path::symmetric(medium.clone()), 20_000);
    }
}

#[test]
fn a_clean_path_takes_four_ways_and_loses_nothing() {
    let outcome = well(1, |world: &mut World| {
        exchange(world, Path::symmetric(wire()), 4096);
    });
    // SYN; SYN,ACK; text and FIN; text and FIN; the acknowledgment of the last FIN.
    assert_eq!(outcome.completed_at, Some(at(0.050)));
    let tally = outcome.tally;
    assert_eq!(
        (tally.lost, tally.retransmissions, tally.timeouts),
        (0, 0, 0)
    );
    assert_eq!((tally.sent, tally.delivered), (8192, 8192));
    assert_eq!((tally.opened, tally.accepted, tally.completed), (1, 1, 2));
}

#[test]
fn loss() {
    for percent in [1, 10, 30] {
        all_well(100, over(wire().with(Loss::new(Ratio::percent(percent)))));
    }
}

#[test]
fn bursts_of_loss() {
    let bursts = Bursts::new(Ratio::percent(5), Ratio::percent(30), Ratio::percent(90));
    all_well(100, over(wire().with(bursts)));
}

#[test]
fn duplication() {
    let copies = Duplication::new(Ratio::percent(50))
        .up_to(10)
        .spread(4 * DELAY);
    all_well(100, over(wire().with(copies)));
}

#[test]
fn reordering() {
    let reordering = Reordering::new(Ratio::percent(50), 5 * DELAY);
    all_well(100, over(wire().with(reordering)));
}

#[test]
fn jitter() {
    all_well(100, over(wire().with(Jitter::new(3 * DELAY))));
}

#[test]
fn corruption_of_datagrams_and_of_bits() {
    all_well(
        100,
        over(wire().with(Corruption::per_datagram(Ratio::percent(10)))),
    );
    // Few enough that no datagram has two flips whose sum the checksum does not show.
    all_well(
        100,
        over(wire().with(Corruption::per_bit(Ratio::per_million(2)))),
    );
}

/// THREATS F5: of a million bits one flips, or a thousand, in headers and text. What a checksum sees is
/// never delivered, and all octets arrive. Segments are so short that half of them get through.
#[test]
fn bit_errors_from_one_in_a_million_to_one_in_a_thousand() {
    for (per_million, mss, seeds) in [
        (1, 1460, 20),
        (10, 1460, 20),
        (100, 536, 20),
        (1_000, 48, 5),
    ] {
        all_well(seeds, move |world: &mut World| {
            let errors = Corruption::per_bit(Ratio::per_million(per_million));
            let configs = [1, 2].map(|host| {
                let mut config = config(host);
                config.tcp.mss = Some(mss);
                (config.tcp.r2, config.tcp.orphan_retries) = (40, 40);
                (config.tcp.syn_retries, config.tcp.syn_ack_retries) = (20, 20);
                config
            });
            let path = Path::symmetric(wire().with(errors.detectable()));
            let pair = hosts(world, configs, path);
            world.app(pair.server, Server::new(PORT, Behaviour::exchange(10_000)));
            let client = Client::new(server_address(), Behaviour::exchange(10_000));
            world.app(pair.client, client);
        });
    }
}

#[test]
fn a_rate_limit_with_a_short_queue() {
    let limit = RateLimit::new(1_000_000, Queue::Octets(15_000));
    all_well(50, over(wire().with(limit)));
}

/// THREATS F11, bufferbloat: a queue that takes a second to pass makes round trips a second longer,
/// and none of that time is taken for a loss.
#[test]
fn a_queue_that_grows_is_no_timeout() {
    for megabits in [1, 10, 100] {
        for queue in [100, 300, 1_000].map(Duration::from_millis) {
            let outcome = well(1, move |world: &mut World| {
                let limit = RateLimit::new(megabits * 1_000_000, Queue::Time(queue));
                let path = Path::new(Medium::new().with(limit).with(Delay::new(DELAY)), wire());
                pair(
                    world,
                    path,
                    [Behaviour::send(megabits * 500_000), Behaviour::receive()],
                );
            });
            let tally = outcome.tally;
            assert_eq!(tally.timeouts, 0, "{megabits} Mbit/s, {queue:?}: {tally:?}");
        }
    }
}

#[test]
fn a_black_hole_of_five_seconds() {
    let hole = BlackHole::new(at(0.02), at(5.0));
    all_well(50, over(wire().with(hole)));
}

#[test]
fn a_delay_of_ten_seconds_comes_over_it() {
    all_well(50, over(wire().with(Stall::new(at(0.02), at(10.0)))));
}

#[test]
fn one_way_only_loses_all() {
    for there in [true, false] {
        all_well(20, move |world: &mut World| {
            let dark = wire().with(BlackHole::new(at(0.025), at(30.0)));
            let path = match there {
                true => Path::new(dark, wire()),
                false => Path::new(wire(), dark),
            };
            exchange(world, path, 20_000);
        });
    }
}

#[test]
fn acknowledgments_are_lost_more_than_text() {
    all_well(50, |world: &mut World| {
        let back = wire().with(Loss::new(Ratio::percent(50)));
        exchange(world, Path::new(wire(), back), 20_000);
    });
}

/// RFC 1191: what is too long is reported, and goes again in smaller pieces.
#[test]
fn the_mtu_of_the_path_becomes_smaller_and_larger() {
    let outcome = well(3, |world: &mut World| {
        let mtu = Mtu::new(1500, TooLong::IsReported)
            .then(at(0.035), 576)
            .then(at(0.2), 9000);
        exchange(world, Path::symmetric(wire().with(mtu)), 200_000);
    });
    assert!(outcome.completed_at.unwrap() < at(1.0), "{outcome:?}");
}

#[test]
fn everything_at_once() {
    all_well(300, |world: &mut World| {
        let medium = lossy()
            .with(Jitter::new(DELAY))
            .with(Corruption::per_datagram(Ratio::percent(2)))
            .with(BlackHole::new(at(1.0), at(2.0)));
        exchange(world, Path::symmetric(medium), 20_000);
    });
}

/// The numbers of the field's comparison: nothing is stuck.
#[test]
fn ten_percent_loss_and_more() {
    all_well(2_000, |world: &mut World| {
        exchange(world, Path::symmetric(lossy()), 4096);
    });
}

#[test]
fn a_path_is_replaced_by_a_longer_one_while_text_is_under_way() {
    let outcome = well(4, |world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 100_000);
        let longer = Medium::new().with(Delay::new(20 * DELAY));
        let replaced = Happening::Replace(pair.link, Box::new(Path::symmetric(longer)));
        world.at(at(0.045), replaced);
    });
    let completed_at = outcome.completed_at.unwrap();
    assert!(
        at(0.4) < completed_at && completed_at < at(5.0),
        "{completed_at}"
    );
}

#[test]
fn what_heals_delays_and_nothing_else() {
    let outcome = well(5, |world: &mut World| {
        let dark = wire().with(Loss::new(Ratio::ALWAYS));
        exchange(world, Path::symmetric(dark), 4096);
        world.heal_at(at(5.0));
    });
    // SYNs at 0, 1, 3, 7 s.
    let completed_at = outcome.completed_at.unwrap();
    assert!(
        at(7.04) < completed_at && completed_at < at(7.2),
        "{completed_at}"
    );
    assert_eq!(outcome.tally.lost, 3);
}

#[test]
fn a_world_without_faults_takes_no_time_for_them() {
    let quick = |world: &mut World| {
        exchange(world, Path::symmetric(Medium::new()), 4096);
    };
    let outcome = well(6, quick);
    assert!(outcome.completed_at.unwrap() < at(0.001) + Duration::ZERO);
}
