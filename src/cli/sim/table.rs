//! A table of goodput over loss, delay and congestion controller, in virtual time.

use std::fmt::Write;
use std::time::Duration;

use anyhow::bail;
use stubborn::config::CongestionControl;
use stubborn::sim::apps::Behaviour;
use stubborn::sim::medium::{Delay, Loss, Medium, Queue, RateLimit};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::scenario::Plan;
use stubborn::sim::{Outcome, World};
use stubborn::time::Instant;

use super::super::output;
use super::args::TableArgs;

/// The rate of the bottleneck.
const BITS_PER_SECOND: u64 = 100_000_000;

/// The least capacity of the bottleneck's queue, in octets; otherwise one
/// bandwidth-delay product.
const LEAST_QUEUE: u64 = 64 * 1024;

/// Losses in tenths of a percent, and round trips in milliseconds.
const LOSSES: [u32; 5] = [0, 1, 10, 30, 100];
const ROUND_TRIPS: [u64; 3] = [1, 20, 100];

/// When the faults end: later than any transfer.
const NEVER: Instant = Instant::from_secs(100_000);

/// Prints a row for each loss and round trip, with the figures of each controller.
pub(super) fn run(args: &TableArgs) -> anyhow::Result<()> {
    let mut header = format!("{:>6} {:>6}", "loss", "RTT");
    for controller in &args.controllers {
        let _ = write!(header, "   {:>34}", controller.name());
    }
    let _ = write!(header, "\n{:>6} {:>6}", "%", "ms");
    for _ in &args.controllers {
        let _ = write!(
            header,
            "   {:>12} {:>12} {:>8}",
            "Mbit/s", "sent again", "RTOs"
        );
    }
    output::print(format_args!("{header}\n"))?;
    for loss in LOSSES {
        for round_trip in ROUND_TRIPS {
            let mut row = format!("{:>6.1} {round_trip:>6}", f64::from(loss) / 10.0);
            for controller in &args.controllers {
                row += &cell(args, loss, round_trip, *controller)?;
            }
            output::print(format_args!("{row}\n"))?;
        }
    }
    Ok(())
}

fn plan(octets: u64, loss: u32, round_trip: u64, controller: CongestionControl) -> Plan {
    let delay = Delay::new(Duration::from_micros(round_trip * 500));
    let under_way = BITS_PER_SECOND / 8 * round_trip / 1000;
    let queue = Queue::Octets(under_way.max(LEAST_QUEUE));
    let there = Medium::new()
        .with(RateLimit::new(BITS_PER_SECOND, queue))
        .with(Loss::new(Ratio::per_million(loss * 1000)))
        .with(delay.clone());
    let back = Medium::new().with(delay);
    let mut plan = Plan::new(
        Behaviour::send(octets),
        Behaviour::receive(),
        Path::new(there, back),
    );
    plan.near.tcp.congestion_control = controller;
    plan.heals_at(NEVER)
}

/// The mean over all seeds.
fn cell(
    args: &TableArgs,
    loss: u32,
    round_trip: u64,
    controller: CongestionControl,
) -> anyhow::Result<String> {
    let plan = plan(args.octets, loss, round_trip, controller);
    let mut world = World::new(0);
    let (mut seconds, mut again, mut sent, mut timeouts, mut count) = (0.0, 0, 0, 0, 0);
    for seed in args.seeds.clone() {
        let outcome: Outcome = world.play(seed, &plan);
        if let Some(failure) = outcome.failure() {
            bail!("{failure}");
        }
        let end = outcome.completed_at.unwrap_or(outcome.ended_at);
        seconds += (end - Instant::ZERO).as_secs_f64();
        again += outcome.tally.retransmissions;
        // Only data segments count: everything else is acknowledgments.
        sent += args.octets.div_ceil(1448) + outcome.tally.retransmissions;
        timeouts += outcome.tally.timeouts;
        count += 1;
    }
    let megabits = args.octets as f64 * f64::from(count) * 8.0 / 1e6 / seconds;
    Ok(format!(
        "   {megabits:>12.2} {:>10.2} % {:>8.2}",
        again as f64 * 100.0 / sent as f64,
        timeouts as f64 / f64::from(count)
    ))
}
