//! Random subsets of all faults, drawn from the seed.

use super::faults::{millis, moment};
use super::plan::{End, Event, Family, HostPlan, Opening, Plan};
use crate::config::{EcnConfig, EcnMode, EcnOptions, Keepalive, SocketOptions, TcpConfig};
use crate::sim::apps::{Behaviour, Reading};
use crate::sim::medium::nat::Nat;
use crate::sim::medium::{
    BlackHole, Bursts, Corruption, Delay, Duplication, Jitter, Loss, Mangling, Marking, Medium,
    Mtu, Queue, RateLimit, Reordering, Stall, TooLong,
};
use crate::sim::path::Path;
use crate::sim::random::{Random, Ratio};
use crate::time::Duration;

/// A probability of one in `count`.
const fn one_in(count: u32) -> Ratio {
    Ratio::per_million(1_000_000 / count)
}

/// Keepalive that goes on for longer than any fault.
const PATIENT: Keepalive = Keepalive {
    idle: Duration::from_secs(10),
    interval: Duration::from_secs(10),
    count: 9,
};

/// A world of one to three small connections. The faults end before the last retransmission of a
/// SYN-ACK, 31 s after the first, so connections may fail only because of a crash, or of a NAT
/// that forgets.
pub(super) fn plan(random: &mut Random) -> Plan {
    let family = *random.pick(&[Family::V4, Family::V6]);
    let (near, far) = behaviours(random);
    let mut plan = Plan::new(
        near,
        far,
        Path::new(medium(random, family), medium(random, family)),
    );
    plan.family = family;
    settings(random, family, &mut plan.near);
    settings(random, family, &mut plan.far);
    plan.heals_at = moment(random, 1_000, 30_000);
    if random.chance(one_in(8)) {
        plan.opening = Opening::Both;
    } else if random.chance(one_in(8)) {
        plan.connections = random.between(2, 3) as u32;
        plan.pause = millis(random, 1, 1_000);
        plan.from_port = random.chance(one_in(2)).then_some(4_000);
        // A new connection may meet what is left of an old one.
        plan.may_fail = plan.from_port.is_some();
    }
    if random.chance(one_in(8)) {
        translate(random, &mut plan);
    }
    if random.chance(one_in(4)) {
        happen(random, &mut plan);
    }
    plan.near.offload = random.chance(one_in(4));
    plan.far.offload = random.chance(one_in(4));
    plan
}

/// What both sides do: mostly, send a few octets both ways.
fn behaviours(random: &mut Random) -> (Behaviour, Behaviour) {
    let (near, far) = match random.below(8) {
        0 => {
            let (request, response) = (random.between(1, 500), random.between(1, 3_000));
            let times = random.between(1, 5);
            (
                Behaviour::ask(times, request, response),
                Behaviour::answer(request, response),
            )
        }
        1 => (Behaviour::send(octets(random)), Behaviour::receive()),
        2 => (Behaviour::receive(), Behaviour::send(octets(random))),
        _ => (
            Behaviour::exchange(octets(random)),
            Behaviour::exchange(octets(random)),
        ),
    };
    (habits(random, near), habits(random, far))
}

/// An amount up to 8 KiB, each order of magnitude equally likely.
fn octets(random: &mut Random) -> u64 {
    let most = 1 << random.between(0, 13);
    random.below(most + 1)
}

fn habits(random: &mut Random, mut behaviour: Behaviour) -> Behaviour {
    if random.chance(one_in(8)) {
        behaviour.reading = Reading {
            after: millis(random, 1, 2_000),
            chunk: random.between(50, 2_000) as usize,
            pause: millis(random, 1, 20),
        };
    }
    if random.chance(one_in(16)) {
        behaviour.hold = millis(random, 1, 5_000);
    }
    if random.chance(one_in(8)) {
        behaviour.options = Some(SocketOptions {
            nodelay: random.chance(one_in(2)),
            keepalive: random.chance(one_in(4)).then(|| Keepalive {
                idle: millis(random, 100, 10_000),
                ..PATIENT
            }),
            ..SocketOptions::default()
        });
    }
    behaviour
}

/// The ECN that a host asks for and agrees to.
fn ecn(random: &mut Random) -> EcnConfig {
    const MODES: [EcnMode; 3] = [EcnMode::Off, EcnMode::Classic, EcnMode::Accurate];
    EcnConfig {
        ask: *random.pick(&MODES),
        accept: *random.pick(&MODES),
        attempts: random.between(1, 3) as u32,
        classic_attempts: random.between(1, 3) as u32,
        options: match random.chance(one_in(2)) {
            true => EcnOptions::News,
            false => EcnOptions::Never,
        },
        ..EcnConfig::OFF
    }
}

fn settings(random: &mut Random, family: Family, host: &mut HostPlan) {
    host.tcp.ecn = ecn(random);
    if random.chance(one_in(4)) {
        let least = match family {
            Family::V4 => 68,
            Family::V6 => 1_280,
        };
        host.mtu = random.between(least.max(300), 9_000).max(least) as usize;
    }
    if random.chance(one_in(2)) {
        return;
    }
    let any = one_in(2);
    host.tcp = TcpConfig {
        mss: random
            .chance(one_in(4))
            .then(|| random.between(64, 1_400) as u16),
        receive_buffer: 1 << random.between(8, 16),
        send_buffer: 1 << random.between(8, 16),
        window_scaling: random.chance(any),
        timestamps: random.chance(any),
        sack: random.chance(any),
        delayed_ack: random.chance(any).then(|| millis(random, 1, 400)),
        initial_window: random.between(1, 10) as u32,
        max_out_of_order_ranges: random.between(1, 8) as usize,
        ecn: host.tcp.ecn,
        ..TcpConfig::default()
    };
}

/// Includes each fault of a path or not. The parts are in the order of a real path.
fn medium(random: &mut Random, family: Family) -> Medium {
    let mut medium = Medium::new();
    if random.chance(one_in(8)) {
        medium = medium.with(mtu(random, family));
    }
    if random.chance(one_in(8)) {
        let queue = Queue::Octets(random.between(3_000, 30_000));
        let mut limit = RateLimit::new(random.between(1, 100) * 200_000, queue);
        if random.chance(one_in(2)) {
            limit = limit.marking_above(Queue::Octets(random.between(1, 3_000)));
        }
        medium = medium.with(limit);
    }
    if random.chance(one_in(8)) {
        medium = medium.with(Marking::new(Ratio::percent(random.between(1, 50) as u8)));
    }
    if random.chance(one_in(8)) {
        medium = medium.with(*random.pick(&Mangling::ALL));
    }
    if random.chance(one_in(3)) {
        medium = medium.with(Loss::new(Ratio::percent(random.between(1, 30) as u8)));
    }
    if random.chance(one_in(8)) {
        medium = medium.with(Bursts::new(
            Ratio::percent(random.between(1, 10) as u8),
            Ratio::percent(random.between(10, 50) as u8),
            Ratio::percent(random.between(50, 100) as u8),
        ));
    }
    if random.chance(one_in(8)) {
        let from = moment(random, 1, 1_000);
        let until = from + millis(random, 1, 20_000);
        medium = match random.chance(one_in(2)) {
            true => medium.with(BlackHole::new(from, until)),
            false => medium.with(Stall::new(from, until)),
        };
    }
    if random.chance(one_in(6)) {
        let ratio = Ratio::percent(random.between(1, 20) as u8);
        medium = medium.with(Corruption::per_datagram(ratio));
    }
    medium = medium.with(Delay::new(millis(random, 1, 100)));
    if random.chance(one_in(8)) {
        medium = medium.with(Jitter::new(millis(random, 1, 100)));
    }
    if random.chance(one_in(3)) {
        let ratio = Ratio::percent(random.between(1, 50) as u8);
        medium = medium.with(Reordering::new(ratio, millis(random, 1, 200)));
    }
    if random.chance(one_in(4)) {
        let ratio = Ratio::percent(random.between(1, 50) as u8);
        let most = random.between(1, 5) as u32;
        let part = Duplication::new(ratio).up_to(most);
        medium = medium.with(part.spread(millis(random, 1, 2_000)));
    }
    medium
}

fn mtu(random: &mut Random, family: Family) -> Mtu {
    let least = match family {
        Family::V4 => 576,
        Family::V6 => 1_280,
    };
    let too_long = *random.pick(&[TooLong::Vanishes, TooLong::IsReported]);
    let mut octets = || random.between(least, 9_000) as usize;
    let (first, second) = (octets(), octets());
    Mtu::new(first, too_long).then(moment(random, 1, 1_000), second)
}

fn translate(random: &mut Random, plan: &mut Plan) {
    // A host behind a NAT cannot be called.
    plan.opening = Opening::Near;
    let mut nat = Nat::new([plan.family.public()]);
    if random.chance(one_in(2)) {
        nat = match random.chance(one_in(2)) {
            true => nat.rebind_at(moment(random, 1, 5_000)),
            false => nat.idle_timeout(millis(random, 100, 10_000)),
        };
        plan.may_fail = true;
        // Without keepalive, a host would wait forever for a peer that can no longer reach it.
        for host in [&mut plan.near, &mut plan.far] {
            host.behaviour.options = Some(SocketOptions {
                keepalive: Some(PATIENT),
                ..SocketOptions::default()
            });
        }
    }
    plan.path = core::mem::take(&mut plan.path).with_nat(nat);
}

/// Leaves out a clock that stands still: such a clock gives the same ISN twice, and then a late
/// duplicate cannot be told from a new segment (RFC 9293 §3.4.1). The scenario `clock-jump` has
/// it, without duplicates.
fn happen(random: &mut Random, plan: &mut Plan) {
    let at = moment(random, 1, 5_000);
    let end = *random.pick(&[End::Near, End::Far]);
    let event = match random.below(3) {
        0 if plan.opening == Opening::Near => {
            plan.may_fail = true;
            Event::Restart(end)
        }
        1 => {
            // Not from 24.8 to 49.7 days: timestamps would then look older than those before
            // (RFC 7323 §5.5), and the peer, for whom no time has passed, would be right to
            // reject them.
            let ahead = [1, 3_600, 20 * 86_400].map(Duration::from_secs);
            Event::ClockAhead(end, *random.pick(&ahead))
        }
        _ => Event::Pause(end, millis(random, 1, 10_000)),
    };
    plan.story.push((at, event));
}

/// Checks what is drawn: everything must come from the seed.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::medium::Part;

    #[test]
    fn the_plan_of_a_seed_is_always_the_same() {
        for seed in 0..100 {
            assert_eq!(plan(&mut Random::new(seed)), plan(&mut Random::new(seed)));
        }
    }

    /// Every fault of the catalogue occurs in some of a thousand seeds.
    #[test]
    fn every_fault_is_drawn() {
        let plans: Vec<Plan> = (0..1_000)
            .map(|seed| plan(&mut Random::new(seed)))
            .collect();
        let has = |what: fn(&Plan) -> bool| plans.iter().filter(|plan| what(plan)).count();
        let counts = [
            has(|plan| plan.opening == Opening::Both),
            has(|plan| plan.connections > 1),
            has(|plan| plan.family == Family::V6),
            has(|plan| plan.may_fail),
            has(|plan| plan.path.nat().is_some()),
            has(|plan| plan.near.offload),
            has(|plan| plan.far.offload),
            has(|plan| matches!(plan.story[..], [(_, Event::Restart(_))])),
            has(|plan| matches!(plan.story[..], [(_, Event::Pause(..))])),
            has(|plan| matches!(plan.story[..], [(_, Event::ClockAhead(..))])),
        ];
        assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
        let parts = plans.iter().flat_map(|plan| plan.path.there().parts());
        let mut kinds: Vec<_> = parts.map(core::mem::discriminant).collect();
        kinds.sort_by_key(|kind| format!("{kind:?}"));
        kinds.dedup();
        // All parts but the swapped words, which no receiver can detect.
        let _: fn(Part) = |part| match part {
            Part::Delay(_)
            | Part::Jitter(_)
            | Part::Stall(_)
            | Part::Loss(_)
            | Part::Bursts(_)
            | Part::BlackHole(_)
            | Part::Duplication(_)
            | Part::Reordering(_)
            | Part::Corruption(_)
            | Part::RateLimit(_)
            | Part::Marking(_)
            | Part::Mangling(_)
            | Part::Mtu(_)
            | Part::WordSwap(_) => {}
        };
        assert_eq!(kinds.len(), 13);
    }
}
