//! Faults of the path, one kind at a time.

use super::plan::{Family, Plan};
use crate::sim::apps::Behaviour;
use crate::sim::medium::{
    BlackHole, Bursts, Corruption, Delay, Duplication, Loss, Medium, Mtu, Queue, RateLimit,
    Reordering, Stall, TooLong,
};
use crate::sim::path::Path;
use crate::sim::random::{Random, Ratio};
use crate::time::{Duration, Instant};

const KIB: u64 = 1 << 10;
const DELAY: Delay = Delay::new(Duration::from_millis(10));

/// A random moment between `first` and `last` milliseconds.
pub(super) fn moment(random: &mut Random, first: u64, last: u64) -> Instant {
    Instant::ZERO + millis(random, first, last)
}

/// A time in this range of milliseconds, with each order of magnitude equally likely.
pub(super) fn millis(random: &mut Random, least: u64, most: u64) -> Duration {
    let (first, last) = (least.max(1).ilog2(), most.max(1).ilog2());
    let low = 1 << random.between(first.into(), last.into());
    let drawn = random.between(low, 2 * low - 1);
    Duration::from_millis(drawn.clamp(least, most))
}

/// A path on which 256 KiB take a second, so that events within that second happen during the
/// transfer.
pub(super) fn second(medium: Medium) -> Medium {
    medium
        .with(RateLimit::new(
            2_000_000,
            Queue::Time(Duration::from_millis(200)),
        ))
        .with(DELAY)
}

pub(super) fn heavy_loss(random: &mut Random) -> Plan {
    let mut direction = || {
        let ratio = Ratio::percent(random.between(30, 50) as u8);
        Medium::new().with(Loss::new(ratio)).with(DELAY)
    };
    let path = Path::new(direction(), direction());
    // Before the last retransmission of a SYN-ACK, 31 s after the first.
    Plan::both_ways(4 * KIB, path).heals_at(Instant::from_secs(30))
}

pub(super) fn bursts(random: &mut Random) -> Plan {
    let medium = Medium::new()
        .with(Bursts::new(
            Ratio::per_million(random.between(1_000, 50_000) as u32),
            Ratio::percent(random.between(10, 50) as u8),
            Ratio::percent(random.between(50, 100) as u8),
        ))
        .with(DELAY);
    // A burst lasts for a number of datagrams, and few are sent while nothing gets through. So the
    // faults end before the last retransmission of a SYN-ACK, 31 s after the first.
    Plan::both_ways(64 * KIB, Path::symmetric(medium)).heals_at(Instant::from_secs(30))
}

/// At 12 Mbit/s a full datagram takes a millisecond, so a hundred of them take 100 ms.
pub(super) fn reordering(random: &mut Random) -> Plan {
    let medium = Medium::new()
        .with(RateLimit::new(12_000_000, Queue::Octets(1 << 20)))
        .with(DELAY)
        .with(Reordering::new(
            Ratio::percent(random.between(1, 50) as u8),
            Duration::from_millis(random.between(1, 100)),
        ));
    Plan::both_ways(64 * KIB, Path::symmetric(medium))
}

pub(super) fn duplication(random: &mut Random) -> Plan {
    let medium = Medium::new().with(DELAY).with(
        Duplication::new(Ratio::percent(50))
            .up_to(10)
            .spread(millis(random, 1, 1_000)),
    );
    Plan::both_ways(16 * KIB, Path::symmetric(medium))
}

pub(super) fn corruption(_: &mut Random) -> Plan {
    let medium = Medium::new()
        .with(Corruption::per_datagram(Ratio::percent(10)))
        .with(DELAY);
    Plan::both_ways(16 * KIB, Path::symmetric(medium))
}

/// Damage that no checksum would detect is lost, as if the link had a checksum of its own.
pub(super) fn bit_errors(random: &mut Random) -> Plan {
    let per_million = 1 << random.between(0, 6);
    let medium = Medium::new()
        .with(Corruption::per_bit(Ratio::per_million(per_million)).detectable())
        .with(DELAY);
    Plan::both_ways(16 * KIB, Path::symmetric(medium))
}

/// A bottleneck makes the receiver send an acknowledgment for every second segment.
pub(super) fn ack_loss(_: &mut Random) -> Plan {
    let queue = Queue::Octets(64 * KIB);
    let there = Medium::new()
        .with(RateLimit::new(20_000_000, queue))
        .with(DELAY);
    let back = Medium::new()
        .with(Loss::new(Ratio::percent(50)))
        .with(DELAY);
    Plan::new(
        Behaviour::send(256 * KIB),
        Behaviour::receive(),
        Path::new(there, back),
    )
}

pub(super) fn rate_limit(random: &mut Random) -> Plan {
    let rate = random.between(1, 100) * 1_000_000;
    let medium = Medium::new()
        .with(RateLimit::new(rate, Queue::Time(millis(random, 10, 1_000))))
        .with(DELAY);
    Plan::both_ways(256 * KIB, Path::symmetric(medium))
}

pub(super) fn delay_spike(random: &mut Random) -> Plan {
    let from = moment(random, 1, 1_000);
    let until = from + millis(random, 1_000, 60_000);
    let medium = second(Medium::new().with(Stall::new(from, until)));
    Plan::both_ways(256 * KIB, Path::symmetric(medium))
}

/// The partition is shorter than a handshake lasts (63 s on the listener's side).
pub(super) fn partition(random: &mut Random) -> Plan {
    let from = moment(random, 100, 1_000);
    let until = from + millis(random, 1_000, 100_000);
    let medium = second(Medium::new().with(BlackHole::new(from, until)));
    Plan::both_ways(256 * KIB, Path::symmetric(medium))
}

pub(super) fn one_way(random: &mut Random) -> Plan {
    let from = moment(random, 100, 1_000);
    let until = from + millis(random, 1_000, 100_000);
    let faulty = second(Medium::new().with(BlackHole::new(from, until)));
    let sound = second(Medium::new());
    let path = match random.chance(Ratio::percent(50)) {
        true => Path::new(faulty, sound),
        false => Path::new(sound, faulty),
    };
    Plan::both_ways(256 * KIB, path)
}

/// R2 is 15 retransmissions: a quarter of an hour. After that, no end still waits: one that has
/// nothing in flight uses keepalive.
pub(super) fn give_up(random: &mut Random) -> Plan {
    let from = moment(random, 1, 300);
    let medium = second(Medium::new().with(BlackHole::new(from, Instant::FAR_FUTURE)));
    Plan::both_ways(64 * KIB, Path::symmetric(medium))
        .heals_at(Instant::from_secs(4 * 60 * 60))
        .may_fail()
        .keep_asking()
}

pub(super) fn black_hole(random: &mut Random) -> Plan {
    let octets = random.between(1_280, 1_480) as usize;
    let medium = Medium::new()
        .with(Mtu::new(octets, TooLong::Vanishes))
        .with(DELAY);
    Plan::both_ways(64 * KIB, Path::symmetric(medium)).heals_at(Instant::from_secs(120))
}

pub(super) fn mtu_change(random: &mut Random) -> Plan {
    let (family, least) = match random.chance(Ratio::percent(50)) {
        true => (Family::V4, 576),
        false => (Family::V6, 1_280),
    };
    let falls = moment(random, 50, 500);
    let rises = falls + millis(random, 50, 500);
    let mut direction = || {
        let mtu = Mtu::new(1_500, TooLong::IsReported)
            .then(falls, random.between(least, 1_400) as usize)
            .then(rises, 9_000);
        second(Medium::new().with(mtu))
    };
    let path = Path::new(direction(), direction());
    let mut plan = Plan::both_ways(256 * KIB, path);
    plan.family = family;
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::World;

    /// A bottleneck with a short queue, and text both ways: acknowledgments travel with text, and
    /// SACK blocks leave less room for it. Little more is retransmitted than was lost.
    #[test]
    fn little_more_is_sent_again_than_was_lost() {
        let mut world = World::new(0);
        let path = Path::symmetric(second(Medium::new()));
        let plan = Plan::both_ways(256 * KIB, path);
        for seed in 0..10 {
            let outcome = world.play(seed, &plan);
            assert_eq!(outcome.failure(), None);
            let (lost, again) = (outcome.tally.lost, outcome.tally.retransmissions);
            assert!(lost > 0 && again <= 2 * lost, "{again} for {lost}");
        }
    }
}
