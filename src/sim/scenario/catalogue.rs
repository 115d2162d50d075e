//! The built-in scenarios.

use super::plan::Plan;
use super::{everything, faults, stories, transfers};
use crate::sim::random::Random;
use crate::sim::{Scenario, World};

/// A scenario that comes with the simulator.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The scenario's name.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    plan: fn(&mut Random) -> Plan,
}

impl Builtin {
    /// The plan of a world, drawn from `random`.
    pub fn plan(&self, random: &mut Random) -> Plan {
        (self.plan)(random)
    }
}

impl Scenario for Builtin {
    fn build(&self, world: &mut World) {
        let plan = self.plan(world.random());
        plan.build(world);
        world.named(self.name);
    }
}

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    CATALOGUE.iter().find(|builtin| builtin.name == name)
}

macro_rules! catalogue {
    ($($name:literal $plan:path, $about:literal;)*) => {
        &[$(Builtin { name: $name, about: $about, plan: $plan }),*]
    };
}

/// Every built-in scenario.
pub const CATALOGUE: &[Builtin] = catalogue![
    "clean" transfers::clean, "4 KiB both ways over a path without faults";
    "lossy" transfers::lossy, "4 KiB both ways: 10 % loss, 5 % duplication, 20 % reordering";
    "lossy-64k" transfers::lossy_64k, "64 KiB both ways: 10 % loss, 5 % duplication, 20 % reordering";
    "lossy-1m" transfers::lossy_1m, "1 MiB both ways: 10 % loss, 5 % duplication, 20 % reordering";
    "stream-5g" transfers::stream_5g, "5 GiB one way from ISN 0xFFFF0000: sequence numbers wrap twice";
    "everything" everything::plan, "random subsets of all faults, sizes and settings: what CI runs";
    "heavy-loss" faults::heavy_loss, "4 KiB both ways: 30 to 50 % loss in each direction";
    "bursts" faults::bursts, "64 KiB both ways: losses in bursts (Gilbert-Elliott)";
    "reordering" faults::reordering, "64 KiB both ways: up to half of the datagrams overtaken by up to 100";
    "duplication" faults::duplication, "16 KiB both ways: half of the datagrams come up to 11 times";
    "corruption" faults::corruption, "16 KiB both ways: a bit flips in every tenth datagram";
    "bit-errors" faults::bit_errors, "16 KiB both ways: one bit in a million to one in ten thousand flips";
    "ack-loss" faults::ack_loss, "256 KiB one way: half of the acknowledgments are lost";
    "rate-limit" faults::rate_limit, "256 KiB both ways: 1 to 100 Mbit/s behind a queue of 10 ms to 1 s";
    "delay-spike" faults::delay_spike, "256 KiB both ways: for 1 to 60 s nothing arrives, then everything";
    "partition" faults::partition, "256 KiB both ways: nothing gets through for 1 to 100 s";
    "one-way" faults::one_way, "256 KiB both ways: one direction carries nothing for 1 to 100 s";
    "give-up" faults::give_up, "64 KiB both ways: a partition that outlasts both sides' patience";
    "blackhole" faults::black_hole, "64 KiB both ways: long datagrams vanish without a word until the path heals";
    "mtu-change" faults::mtu_change, "256 KiB both ways: the path's MTU falls, and rises again";
    "simultaneous-open" stories::simultaneous_open, "4 KiB both ways: both open at once, under loss and reordering";
    "slow-reader" stories::slow_reader, "64 KiB to a reader of 100 octets at a time, through a small window";
    "zero-window" stories::zero_window, "64 KiB to a reader who begins after an hour, under loss";
    "small" stories::small, "segments and buffers of a few octets, under loss and reordering";
    "reincarnation" stories::reincarnation, "six connections of one pair of ports, with very late duplicates";
    "crash" stories::crash, "64 KiB both ways: a host restarts at a random moment";
    "peer-gone" stories::peer_gone, "64 KiB both ways: a host crashes and does not come back";
    "pause" stories::pause, "256 KiB both ways: a host does not run for 0.1 to 10 s";
    "clock-jump" stories::clock_jump, "256 KiB both ways: a clock jumps by up to 49.7 days, or stands still";
    "nat" stories::nat, "64 KiB both ways through a NAT, under loss and reordering";
    "nat-rebind" stories::nat_rebind, "64 KiB both ways: the NAT forgets its mappings on the way";
    "nat-idle" stories::nat_idle, "an idle hour behind a NAT that forgets after a minute: keepalive holds it open";
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own_and_a_line() {
        for builtin in CATALOGUE {
            let same = CATALOGUE.iter().filter(|other| other.name == builtin.name);
            assert_eq!(same.count(), 1, "{}", builtin.name);
            assert!(builtin.about.len() <= 80 && !builtin.about.is_empty());
            assert!(find(builtin.name).is_some());
        }
        assert!(find("nothing").is_none());
    }

    /// The plan of a seed is the same each time, and so are its worlds.
    #[test]
    fn every_scenario_keeps_its_promise() {
        let mut world = World::new(0);
        let long = ["stream-5g", "lossy-1m"];
        for builtin in CATALOGUE.iter().filter(|b| !long.contains(&b.name)) {
            for seed in 0..5 {
                let outcome = world.play(seed, builtin);
                assert_eq!(outcome.failure(), None, "{}", builtin.name);
                assert!(outcome.tally.opened > 0, "{}", builtin.name);
                assert_eq!(world.play(seed, builtin), outcome, "{}", builtin.name);
            }
        }
    }
}
