//! Runs one world again and shows it.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use stubborn::sim::trace::Record;
use stubborn::sim::{Outcome, Scenario, World, diagram, pcap};

use super::super::output;
use super::chosen::Chosen;

/// The most datagrams and events that are kept: the first ones of a longer world.
const ENTRIES: usize = 20_000;

/// The most lines of the diagram.
const LINES: usize = 2_000;

/// Prints the ladder of the world of a seed, its hash and its verdict; writes the capture.
pub(super) fn run(scenario: &Chosen, seed: u64, capture: Option<&Path>) -> anyhow::Result<()> {
    let mut world = World::new(seed);
    scenario.build(&mut world);
    world.keep_record(ENTRIES);
    let outcome = world.run();
    let record = world.record().context("nothing was recorded")?;
    if let Some(file) = capture {
        let octets = pcap::capture(record, None);
        fs::write(file, octets).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let ladder = match world.hosts().collect::<Vec<_>>()[..] {
        [left, right, ..] => diagram::ladder(record, left, right, LINES).to_string(),
        _ => String::new(),
    };
    output::print(format_args!("{ladder}\n{}", summary(&outcome, record)))?;
    match outcome.failure() {
        None => Ok(()),
        Some(failure) => bail!("{failure}"),
    }
}

/// The outcome of the world, in lines.
fn summary(outcome: &Outcome, record: &Record) -> String {
    let mut lines = vec![
        format!("seed            {}", outcome.seed),
        format!("trace           {:032x}", outcome.trace_hash),
        match outcome.completed_at {
            Some(at) => format!("completed       at {at} s"),
            None => "completed       never".to_owned(),
        },
    ];
    if record.omitted > 0 {
        lines.push(format!(
            "not recorded    {} events after the first {ENTRIES}",
            record.omitted
        ));
    }
    lines.push(match outcome.failure() {
        None => "verdict         done".to_owned(),
        Some(failure) => format!("verdict         {}", failure.property),
    });
    lines.join("\n") + "\n"
}
