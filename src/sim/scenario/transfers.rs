//! Transfers under faults of one kind.

use super::plan::Plan;
use crate::sim::apps::Behaviour;
use crate::sim::medium::{Delay, Duplication, Loss, Medium, Reordering};
use crate::sim::path::Path;
use crate::sim::random::{Random, Ratio};
use crate::time::{Duration, Instant};

const KIB: u64 = 1 << 10;
const DELAY: Delay = Delay::new(Duration::from_millis(10));

pub(super) fn clean(_: &mut Random) -> Plan {
    Plan::both_ways(4 * KIB, Path::symmetric(Medium::new().with(DELAY)))
}

/// The usual benchmark: 10 % loss, 5 % duplication, 20 % reordering by up to a round trip. The
/// faults last until long after the transfer.
fn lossy_of(octets: u64) -> Plan {
    let medium = Medium::new()
        .with(Loss::new(Ratio::percent(10)))
        .with(Duplication::new(Ratio::percent(5)))
        .with(DELAY)
        .with(Reordering::new(
            Ratio::percent(20),
            Duration::from_millis(20),
        ));
    Plan::both_ways(octets, Path::symmetric(medium)).heals_at(Instant::from_secs(24 * 60 * 60))
}

pub(super) fn lossy(_: &mut Random) -> Plan {
    lossy_of(4 * KIB)
}

pub(super) fn lossy_64k(_: &mut Random) -> Plan {
    lossy_of(64 * KIB)
}

pub(super) fn lossy_1m(_: &mut Random) -> Plan {
    lossy_of(1 << 20)
}

/// The sequence numbers of the sender wrap after 64 KiB and again after 4 GiB more.
pub(super) fn stream_5g(_: &mut Random) -> Plan {
    let medium = Medium::new()
        .with(Loss::new(Ratio::per_million(20)))
        .with(Delay::new(Duration::from_millis(1)));
    let mut plan = Plan::new(
        Behaviour::send(5 << 30),
        Behaviour::receive(),
        Path::symmetric(medium),
    );
    plan.near.mtu = 9000;
    plan.far.mtu = 9000;
    plan.near.tcp.fixed_iss = Some(0xffff_0000);
    plan.heals_at(Instant::from_secs(24 * 60 * 60))
}
