//! The command line of `stubborn sim`.

use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use stubborn::config::CongestionControl;

use super::super::units::{Octets, Time, jobs, seed};

const EXAMPLES: &str = "\
Examples:
  List the scenarios; run one of them for a range of seeds, on all cores:
      stubborn sim --list
      stubborn sim lossy --seeds 0..10000

  Run one world again; show it as a diagram, and record it for Wireshark:
      stubborn sim lossy --replay 42 --pcap lossy-42.pcap

  Draw the same world, from one second to two:
      stubborn sim plot lossy --seed 42 --from 1s --until 2s --out pictures

  A scenario of your own (docs/SIMULATION.md says how to write one):
      stubborn sim my.toml --seeds 0..1000

  A campaign in parts, on as many machines as you like:
      stubborn sim lossy --seeds 0..50000      --json >a.json
      stubborn sim lossy --seeds 50000..100000 --json >b.json
      stubborn sim merge a.json b.json

The exit status is 0 if nothing failed. Each failure is one line: the seed, what went wrong, and the
command that reproduces it.
";

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = EXAMPLES
)]
pub(crate) struct SimArgs {
    #[command(subcommand)]
    pub(super) command: Option<SimCommand>,

    /// The scenario: a name from --list, or a TOML file
    #[arg(value_name = "SCENARIO", required_unless_present = "list")]
    pub(super) scenario: Option<String>,

    /// List the built-in scenarios
    #[arg(long, conflicts_with_all = ["scenario", "replay"])]
    pub(super) list: bool,

    /// The seeds from A to B, B excluded: one world each
    #[arg(long, value_name = "A..B", value_parser = seeds, default_value = "0..1000")]
    pub(super) seeds: Range<u64>,

    /// How many threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZero<usize>>,

    /// Print the result as JSON, for `stubborn sim merge`
    #[arg(long, conflicts_with_all = ["list", "replay"])]
    pub(super) json: bool,

    /// Show the world of one seed as a diagram
    #[arg(long, value_name = "SEED", value_parser = seed, allow_negative_numbers = true, conflicts_with = "seeds")]
    pub(super) replay: Option<u64>,

    /// With --replay: also write every datagram to this file
    #[arg(long, value_name = "FILE", requires = "replay", conflicts_with_all = ["seeds", "list"])]
    pub(super) pcap: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SimCommand {
    /// Draw the transfer of one world, as SVG: sequence numbers, congestion window, round-trip time
    Plot(PlotArgs),
    /// Measure loss recovery: timeouts and needless retransmissions, with and without RACK and SACK
    Recovery(MeasureArgs),
    /// Measure goodput over loss, delay and congestion controller, at 100 Mbit/s
    Table(TableArgs),
    /// Add up the results of disjoint ranges of seeds
    Merge {
        /// Results, as --json prints them
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,

        /// Print the sum as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct PlotArgs {
    /// The scenario: a name from `stubborn sim --list`, or a TOML file
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: String,

    /// The seed of the world to draw
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true, default_value = "0")]
    pub(super) seed: u64,

    /// The directory for the pictures: SCENARIO-SEED-sequence.svg, -window.svg and -rtt.svg
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) out: PathBuf,

    /// Begin at this time: 1.5s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) from: Option<Duration>,

    /// End at this time: 2s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) until: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(super) struct MeasureArgs {
    /// The seeds from A to B, B excluded: one transfer each
    #[arg(long, value_name = "A..B", value_parser = seeds, default_value = "0..100")]
    pub(super) seeds: Range<u64>,

    /// How many threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZero<usize>>,
}

#[derive(Debug, clap::Args)]
pub(super) struct TableArgs {
    /// The seeds from A to B, B excluded: one transfer each
    #[arg(long, value_name = "A..B", value_parser = seeds, default_value = "0..5")]
    pub(super) seeds: Range<u64>,

    /// The congestion controllers to compare: of reno, cubic, bbr and dctcp
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        default_value = "reno,cubic"
    )]
    pub(super) controllers: Vec<CongestionControl>,

    /// How much each transfer sends
    #[arg(long, value_name = "AMOUNT", value_parser = octets, default_value = "4MiB")]
    pub(super) octets: u64,
}

fn octets(text: &str) -> Result<u64, String> {
    let amount = Octets::try_from(text.to_owned()).map(|octets| octets.0)?;
    match amount {
        0 => Err("a transfer of nothing: give at least 1".to_owned()),
        amount => Ok(amount),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    Time::try_from(text.to_owned()).map(|time| time.0)
}

fn seeds(text: &str) -> Result<Range<u64>, &'static str> {
    const WHAT: &str = "not a range of seeds such as 0..1000, below 2^64";
    let (first, end) = text.split_once("..").ok_or(WHAT)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| WHAT);
    let seeds = number(first)?..number(end)?;
    match seeds.is_empty() {
        true => Err("an empty range: its end is excluded, so it must be above its beginning"),
        false => Ok(seeds),
    }
}
