//! A run as a ladder, in the manner of the RFC's figures, and as a capture.

use stubborn::sim::medium::{BlackHole, Delay, Medium};
use stubborn::sim::path::Path;
use stubborn::sim::{Happening, HostId, World, diagram, pcap};

use super::support::{DELAY, at, exchange, wire};

/// A world with a record, and its two hosts.
fn recorded(limit: usize) -> (World, HostId, HostId) {
    let mut world = World::new(1);
    let lost = Medium::new().with(BlackHole::new(at(0.005), at(0.015)));
    let lost = lost.with(Delay::new(DELAY));
    let pair = exchange(&mut world, Path::new(wire(), lost), 100);
    world.at(at(0.5), Happening::Pause(pair.server, DELAY));
    world.keep_record(limit);
    assert_eq!(world.run().failure(), None);
    (world, pair.client, pair.server)
}

#[test]
fn a_ladder_shows_states_segments_and_losses() {
    let (world, left, right) = recorded(1_000);
    let ladder = diagram::ladder(world.record().unwrap(), left, right, 100).to_string();
    println!("{ladder}");
    let line = |words: &[&str]| {
        let found = ladder
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)));
        assert!(found, "no line with {words:?} in\n{ladder}");
    };
    line(&["0.000", "SYN-SENT", "-->", "<CTL=SYN>", "..."]);
    line(&["0.010", "...", "<CTL=SYN>", "--> SYN-RECEIVED"]);
    line(&["0.010", "X", "<CTL=SYN,ACK>", "<-- SYN-RECEIVED"]);
    line(&["ESTABLISHED", "<--", "<CTL=SYN,ACK>"]);
    line(&["<DATA=100>"]);
    line(&["0.500", "*** B pauses for 10ms"]);
    line(&["TIME-WAIT"]);
}

#[test]
fn a_ladder_has_an_end() {
    let (world, left, right) = recorded(10);
    let record = world.record().unwrap();
    let ladder = diagram::ladder(record, left, right, 4).to_string();
    assert_eq!(ladder.lines().count(), 1 + 4 + 1);
    let more = format!("({} more)", record.omitted + 6);
    assert!(ladder.lines().last().unwrap().contains(&more), "{ladder}");
}

#[test]
fn a_capture_has_the_datagrams_of_a_host() {
    let (world, left, _) = recorded(1_000);
    let record = world.record().unwrap();
    let (all, of_one) = (
        pcap::capture(record, None),
        pcap::capture(record, Some(left)),
    );
    // Nanoseconds, link type RAW.
    assert_eq!(all[..4], 0xa1b2_3c4d_u32.to_be_bytes());
    assert_eq!(all[20..24], 101u32.to_be_bytes());
    assert!(of_one.len() > 24 && all.len() > 24);
}
