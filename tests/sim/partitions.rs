//! The path is cut for a while. What was under way goes on within one retransmission timeout of
//! its healing.

use std::time::Duration;

use stubborn::sim::medium::{Delay, Loss, Medium};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::trace::Happened;
use stubborn::sim::{Happening, World};
use stubborn::time::Instant;

use super::support::{DELAY, at, exchange, well, wire};

/// Cuts the path of a transfer for this many seconds. When the first datagram gets through after it.
fn resumes_after(cut: u64) -> Duration {
    let mut world = World::new(0);
    let (from, healed) = (at(0.045), at(0.045) + Duration::from_secs(cut));
    let outcome = world.play(1, &|world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 1_000_000);
        world.at(from, Happening::Cut(pair.link));
        world.at(healed, Happening::Join(pair.link));
        world.keep_record(100_000);
    });
    assert_eq!(outcome.failure(), None);
    assert!(outcome.tally.lost > 0, "nothing was cut");
    let entries = &world.record().unwrap().entries;
    let through = entries.iter().find(|entry| {
        let arrives = matches!(entry.what, Happened::Sent { copies, .. } if copies > 0);
        entry.at >= healed && arrives
    });
    through.unwrap().at - healed
}

/// A timeout backs off to twice the time that has passed, and so lies at most as far ahead as the
/// cut was long; and never farther than the largest.
#[test]
fn goes_on_within_one_timeout() {
    for cut in [1, 10, 60, 300] {
        let most = Duration::from_secs(cut.min(120));
        let after = resumes_after(cut);
        assert!(after <= most, "cut for {cut} s, still for {after:?}");
    }
}

/// Longer than R2 lasts: both sides give up, and nothing remains.
#[test]
fn a_cut_for_ever_ends_both_sides() {
    let outcome = well(1, |world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 1_000_000);
        world.at(at(0.045), Happening::Cut(pair.link));
        world.heal_at(Instant::from_secs(100_000));
        world.may_fail();
    });
    assert_eq!(outcome.tally.gave_up, 2);
    // 0.2 s, doubled until 120 s is reached, then 120 s each: fifteen retransmissions in all.
    let gave_up_at = outcome.completed_at.unwrap();
    assert!(
        at(800.0) < gave_up_at && gave_up_at < at(1200.0),
        "{gave_up_at}"
    );
}

/// The server answers a repeated SYN five milliseconds before it would have given the handshake up:
/// it waits for the acknowledgment of this answer, too.
#[test]
fn a_handshake_that_the_peer_still_wants_is_not_given_up() {
    let outcome = well(1, |world: &mut World| {
        let dark = wire().with(Loss::new(Ratio::ALWAYS));
        let pair = exchange(world, Path::new(wire(), dark), 4096);
        let shorter = Medium::new().with(Delay::new(DELAY / 2));
        let joined = Path::symmetric(shorter);
        world.at(at(62.0), Happening::Replace(pair.link, Box::new(joined)));
    });
    // The client's SYNs leave after 0, 1, 3, 7, 15, 31 and 63 s.
    let completed_at = outcome.completed_at.unwrap();
    assert!(completed_at < at(63.2), "{completed_at}");
}

#[test]
fn a_host_that_pauses_goes_on_where_it_stopped() {
    for seconds in [1, 10, 60] {
        let pause = Duration::from_secs(seconds);
        let outcome = well(1, move |world: &mut World| {
            let pair = exchange(world, Path::symmetric(wire()), 1_000_000);
            world.at(at(0.045), Happening::Pause(pair.server, pause));
        });
        let completed_at = outcome.completed_at.unwrap();
        assert!(completed_at > at(0.045) + pause, "it did nothing meanwhile");
        assert!(completed_at < at(3.0) + 2 * pause, "{completed_at}");
    }
}

/// A clock that jumps makes timers early, not connections fail; one that stands still delays them.
#[test]
fn clocks_jump() {
    for jump in [1, 3600].map(Duration::from_secs) {
        let outcome = well(1, move |world: &mut World| {
            let pair = exchange(world, Path::symmetric(wire()), 1_000_000);
            world.at(at(0.045), Happening::ClockAhead(pair.client, jump));
            world.at(at(0.065), Happening::ClockAhead(pair.server, jump));
        });
        assert!(outcome.tally.timeouts <= 2, "{:?}", outcome.tally);
        assert!(outcome.completed_at.unwrap() < at(10.0));
    }
    // 49.7 days: the timestamp clock goes round once but for 687 s. For this long the peer takes it
    // to have gone back (PAWS), and then all goes on.
    let outcome = well(1, |world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 1_000_000);
        let jump = Duration::from_secs(4_294_280);
        world.at(at(0.045), Happening::ClockAhead(pair.client, jump));
    });
    assert!(outcome.completed_at.unwrap() < at(687.0 + 120.0));
    let outcome = well(1, |world: &mut World| {
        let pair = exchange(world, Path::symmetric(wire()), 1_000_000);
        let back = Duration::from_secs(20);
        world.at(at(0.045), Happening::ClockBack(pair.client, back));
    });
    assert!(outcome.completed_at.unwrap() < at(60.0));
}
