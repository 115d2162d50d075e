//! Faults of hosts, and unusual ways to use a connection.

use super::faults::{millis, moment, second};
use super::plan::{End, Event, Opening, Plan};
use crate::config::{Keepalive, SocketOptions};
use crate::sim::apps::{Behaviour, Reading};
use crate::sim::medium::nat::Nat;
use crate::sim::medium::{Delay, Duplication, Loss, Medium, Reordering};
use crate::sim::path::Path;
use crate::sim::random::{Random, Ratio};
use crate::time::{Duration, Instant};

const KIB: u64 = 1 << 10;
const HOUR: Duration = Duration::from_secs(60 * 60);
const DELAY: Delay = Delay::new(Duration::from_millis(10));

/// Some loss and reordering.
fn rough() -> Medium {
    Medium::new()
        .with(Loss::new(Ratio::percent(5)))
        .with(DELAY)
        .with(Reordering::new(
            Ratio::percent(10),
            Duration::from_millis(20),
        ))
}

fn one_of(random: &mut Random) -> End {
    *random.pick(&[End::Near, End::Far])
}

pub(super) fn simultaneous_open(_: &mut Random) -> Plan {
    let mut plan = Plan::both_ways(4 * KIB, Path::symmetric(rough()));
    plan.opening = Opening::Both;
    plan
}

pub(super) fn slow_reader(_: &mut Random) -> Plan {
    let reading = Reading {
        chunk: 100,
        pause: Duration::from_millis(10),
        ..Reading::default()
    };
    let mut plan = Plan::new(
        Behaviour::send(64 * KIB),
        Behaviour::receive().reading(reading),
        Path::symmetric(rough()),
    );
    plan.far.tcp.receive_buffer = 4 * 1024;
    plan
}

/// The reader sends nothing, not even its FIN, before it has read everything.
pub(super) fn zero_window(_: &mut Random) -> Plan {
    let reading = Reading {
        after: HOUR,
        ..Reading::default()
    };
    let mut plan = Plan::new(
        Behaviour::send(64 * KIB),
        Behaviour::receive().reading(reading).holding(2 * HOUR),
        Path::symmetric(rough()),
    );
    plan.far.tcp.receive_buffer = 4 * 1024;
    plan.heals_at(Instant::ZERO + 2 * HOUR)
}

pub(super) fn small(random: &mut Random) -> Plan {
    let mut plan = Plan::both_ways(100, Path::symmetric(rough()));
    for host in [&mut plan.near, &mut plan.far] {
        host.tcp.mss = Some(random.between(1, 8) as u16);
        host.tcp.min_send_mss = 1;
        host.tcp.receive_buffer = random.between(2, 20) as usize;
        host.tcp.send_buffer = random.between(2, 20) as usize;
    }
    plan
}

/// Duplicates arrive up to 40 s late, within the 60 s of TIME-WAIT.
pub(super) fn reincarnation(random: &mut Random) -> Plan {
    let medium = rough().with(
        Duplication::new(Ratio::percent(20))
            .up_to(3)
            .spread(Duration::from_secs(40)),
    );
    let mut plan = Plan::both_ways(2 * KIB, Path::symmetric(medium));
    plan.connections = 6;
    plan.from_port = Some(4_000);
    plan.pause = millis(random, 1, 10_000);
    plan.may_fail()
}

pub(super) fn crash(random: &mut Random) -> Plan {
    let at = moment(random, 1, 400);
    let end = one_of(random);
    Plan::both_ways(64 * KIB, Path::symmetric(second(Medium::new())))
        .at(at, Event::Restart(end))
        .may_fail()
}

pub(super) fn peer_gone(random: &mut Random) -> Plan {
    let at = moment(random, 1, 400);
    let end = one_of(random);
    Plan::both_ways(64 * KIB, Path::symmetric(second(Medium::new())))
        .at(at, Event::Crash(end))
        .may_fail()
        .keep_asking()
}

pub(super) fn pause(random: &mut Random) -> Plan {
    let at = moment(random, 1, 1_000);
    let event = Event::Pause(one_of(random), millis(random, 100, 10_000));
    Plan::both_ways(256 * KIB, Path::symmetric(second(Medium::new()))).at(at, event)
}

/// The timestamp clock wraps in 49.7 days.
pub(super) fn clock_jump(random: &mut Random) -> Plan {
    const ROUND: Duration = Duration::from_millis(1 << 32);
    let at = moment(random, 1, 1_000);
    let end = one_of(random);
    let ahead = *random.pick(&[Duration::from_secs(10), HOUR, ROUND]);
    let event = match random.chance(Ratio::percent(50)) {
        true => Event::ClockAhead(end, ahead),
        false => Event::ClockBack(end, millis(random, 100, 10_000)),
    };
    Plan::both_ways(256 * KIB, Path::symmetric(second(Medium::new()))).at(at, event)
}

pub(super) fn nat(_: &mut Random) -> Plan {
    let mut plan = Plan::both_ways(64 * KIB, Path::symmetric(rough()));
    plan.path = plan.path.with_nat(Nat::new([plan.family.public()]));
    plan
}

/// The old connection is dead, because its peer does not know the new port. It must
/// end.
pub(super) fn nat_rebind(random: &mut Random) -> Plan {
    let at = moment(random, 1, 400);
    let mut plan = Plan::both_ways(64 * KIB, Path::symmetric(second(Medium::new()))).may_fail();
    let nat = Nat::new([plan.family.public()]).rebind_at(at);
    plan.path = plan.path.with_nat(nat);
    plan.keep_asking()
}

pub(super) fn nat_idle(_: &mut Random) -> Plan {
    let options = SocketOptions {
        keepalive: Some(Keepalive {
            idle: Duration::from_secs(45),
            interval: Duration::from_secs(5),
            count: 5,
        }),
        ..SocketOptions::default()
    };
    let mut plan = Plan::new(
        Behaviour::send(KIB).holding(HOUR).options(options),
        Behaviour::exchange(KIB),
        Path::symmetric(Medium::new().with(DELAY)),
    );
    let nat = Nat::new([plan.family.public()]).idle_timeout(Duration::from_secs(60));
    plan.path = plan.path.with_nat(nat);
    plan.heals_at(Instant::ZERO + 2 * HOUR)
}
