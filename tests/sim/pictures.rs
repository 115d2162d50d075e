//! A run as a ladder, in the manner of the RFC's figures, as a capture, and as a plot.

use stubborn::sim::medium::{BlackHole, Delay, Medium};
use stubborn::sim::path::Path;
use stubborn::sim::plot::pictures;
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

/// A transfer that loses its second flight, and its samples.
fn sampled(samples: bool) -> (World, u128) {
    let mut world = World::new(1);
    let lost = Medium::new().with(BlackHole::new(at(0.039), at(0.041)));
    let lost = lost.with(Delay::new(DELAY));
    exchange(&mut world, Path::new(lost, wire()), 50_000);
    world.keep_record(1_000);
    if samples {
        world.keep_samples(1_000);
    }
    let outcome = world.run();
    assert_eq!(outcome.failure(), None);
    (world, outcome.trace_hash)
}

#[test]
fn looking_at_a_world_does_not_change_it() {
    let (world, trace) = sampled(true);
    assert_eq!(sampled(false).1, trace);
    let samples = &world.samples().unwrap().entries;
    assert!(samples.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let grown = samples
        .windows(2)
        .any(|pair| pair[1].status.cwnd > pair[0].status.cwnd);
    assert!(
        grown
            && samples
                .iter()
                .any(|sample| sample.status.retransmissions > 0)
    );
}

#[test]
fn a_plot_shows_what_was_sent_lost_and_sent_again() {
    let (world, _) = sampled(true);
    let (record, samples) = (world.record().unwrap(), world.samples().unwrap());
    let whole = pictures("a test", record, samples, None, None).unwrap();
    for name in [
        "sent",
        "sent again",
        "lost",
        "acknowledged",
        "window of the peer",
    ] {
        assert!(whole.sequence.contains(&format!(">{name}<")), "{name}");
    }
    assert!(whole.window.contains(">cwnd<") && whole.window.contains(">in flight<"));
    assert!(whole.rtt.contains(">SRTT<") && whole.rtt.contains(">RTO<"));
    let again = pictures("a test", record, samples, None, None).unwrap();
    assert_eq!(again, whole);
    let part = pictures("a test", record, samples, Some(at(0.0)), Some(at(0.05))).unwrap();
    assert!(part.sequence.len() < whole.sequence.len());
}
