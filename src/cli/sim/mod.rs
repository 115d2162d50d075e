//! `stubborn sim`: worlds of a scenario, one for each seed.
//!
//! | file | what it does |
//! |---|---|
//! | `args` | the command line |
//! | `chosen` | the scenario: a built-in one, or a file |
//! | `file` | scenarios in TOML |
//! | `campaign` | many seeds, on all cores |
//! | `replay` | one seed, as a diagram |
//! | `plot` | one seed, as pictures of its transfer |
//! | `recovery`, `table` | loss recovery and goodput, measured |
//! | `report`, `histogram` | what was found; reports add up |

mod args;
mod campaign;
mod chosen;
mod file;
mod histogram;
mod plot;
mod recovery;
mod replay;
mod report;
mod table;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use anyhow::{Context, bail};
use stubborn::sim::scenario::{Builtin, CATALOGUE};

use super::output::{self, counted};
pub(crate) use args::SimArgs;
use args::SimCommand;
use chosen::Chosen;
use report::Report;

/// Runs `stubborn sim`.
pub(crate) fn run(args: &SimArgs) -> anyhow::Result<()> {
    match &args.command {
        Some(SimCommand::Merge { files, json }) => return show(&merge(files)?, *json),
        Some(SimCommand::Plot(args)) => return plot::run(args),
        Some(SimCommand::Recovery(args)) => return recovery::run(args),
        Some(SimCommand::Table(args)) => return table::run(args),
        None => {}
    }
    if args.list {
        return output::print(list());
    }
    let scenario = Chosen::new(args.scenario.as_deref().unwrap_or_default())?;
    if let Some(seed) = args.replay {
        return replay::run(&scenario, seed, args.pcap.as_deref());
    }
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZero::get);
    show(&campaign::run(&scenario, &args.seeds, jobs), args.json)
}

/// A line for each built-in scenario.
fn list() -> String {
    let line = |builtin: &Builtin| format!("{:<18}{}\n", builtin.name, builtin.about);
    CATALOGUE.iter().map(line).collect()
}

/// Prints a report, and says whether anything failed.
fn show(report: &Report, json: bool) -> anyhow::Result<()> {
    match json {
        true => output::print(format_args!("{}\n", serde_json::to_string(report)?))?,
        false => output::print(format_args!("{report}\n"))?,
    }
    match report.failed() {
        0 => Ok(()),
        failed => bail!("{failed} of {} failed", counted(report.worlds, "world")),
    }
}

fn merge(files: &[PathBuf]) -> anyhow::Result<Report> {
    let mut files = files.iter();
    let first = files.next().context("no result to merge")?;
    let mut sum = read(first)?;
    for file in files {
        let part = read(file)?;
        sum.merge(part)
            .with_context(|| file.display().to_string())?;
    }
    Ok(sum)
}

fn read(file: &Path) -> anyhow::Result<Report> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is not a result of `stubborn sim --json`",
            file.display()
        )
    })
}
