//! One world again, to be looked at.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use stubborn::sim::{Scenario, World, diagram, pcap};

use super::chosen::Chosen;

/// Datagrams and events that are kept: of a longer world, the first.
const ENTRIES: usize = 20_000;

/// Lines of the diagram.
const LINES: usize = 2_000;

/// Prints the ladder of the world of a seed, its hash and its verdict; writes the capture.
pub(super) fn run(scenario: &Chosen, seed: u64, capture: Option<&Path>) -> anyhow::Result<()> {
    let mut world = World::new(seed);
    scenario.build(&mut world);
    world.keep_record(ENTRIES);
    let outcome = world.run();
    let record = world.record().context("nothing was recorded")?;
    if let [left, right, ..] = world.hosts().collect::<Vec<_>>()[..] {
        print!("{}", diagram::ladder(record, left, right, LINES));
    }
    if let Some(file) = capture {
        let octets = pcap::capture(record, None);
        fs::write(file, octets).with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!();
    println!("seed            {seed}");
    println!("trace           {:032x}", outcome.trace_hash);
    match outcome.completed_at {
        Some(at) => println!("completed       at {at} s"),
        None => println!("completed       never"),
    }
    if record.omitted > 0 {
        println!(
            "not recorded    {} events after the first {ENTRIES}",
            record.omitted
        );
    }
    match outcome.failure() {
        None => {
            println!("verdict         done");
            Ok(())
        }
        Some(failure) => {
            println!("verdict         {}", failure.property);
            bail!("{failure}")
        }
    }
}
