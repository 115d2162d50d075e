//! A table of loss recovery, measured over many seeds.

use std::fmt::Write;
use std::num::NonZero;
use std::ops::Range;
use std::thread;

use stubborn::sim::recovery::{Finding, Measured, Trouble, measure};

use super::super::output;
use super::args::MeasureArgs;

/// Prints a row for each trouble and each way to find losses.
pub(super) fn run(args: &MeasureArgs) -> anyhow::Result<()> {
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZero::get) as u64;
    let mut table = format!(
        "{:<16} {:<14} {:>8} {:>12} {:>12} {:>10} {:>9}\n",
        "trouble", "losses found by", "RTOs", "per burst", "with an RTO", "needless", "mean time"
    );
    let mut failed = 0;
    for trouble in Trouble::ALL {
        for finding in Finding::ALL {
            let measured = all(trouble, finding, &args.seeds, jobs);
            failed += measured.failed;
            table += &row(trouble, finding, &measured);
        }
    }
    output::print(table)?;
    match failed {
        0 => Ok(()),
        failed => anyhow::bail!("{failed} transfers failed"),
    }
}

fn row(trouble: Trouble, finding: Finding, measured: &Measured) -> String {
    let share = |part: u64, whole: u64| match whole {
        0 => "-".to_owned(),
        whole => format!("{:.3}", part as f64 / whole as f64),
    };
    let percent = |part: u64, whole: u64| match whole {
        0 => "-".to_owned(),
        whole => format!("{:.2} %", part as f64 * 100.0 / whole as f64),
    };
    let mean = measured.time.as_secs_f64() / measured.transfers.max(1) as f64;
    let mut row = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        row,
        "{:<16} {:<14} {:>8} {:>12} {:>12} {:>10} {:>7.3} s",
        trouble.name(),
        finding.name(),
        measured.timeouts,
        share(measured.timeouts, measured.bursts),
        percent(measured.with_timeout, measured.transfers),
        percent(measured.needless, measured.arrived),
        mean
    );
    row
}

/// Shares the seeds among threads. Results add up, so their order does not matter.
fn all(trouble: Trouble, finding: Finding, seeds: &Range<u64>, jobs: u64) -> Measured {
    let part = |job: u64| {
        let mut sum = Measured::default();
        for seed in seeds.clone().filter(|seed| seed % jobs == job) {
            sum += measure(trouble, finding, seed);
        }
        sum
    };
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..jobs)
            .map(|job| scope.spawn(move || part(job)))
            .collect();
        let mut sum = Measured::default();
        for job in jobs {
            // A thread that panicked has printed why.
            sum += job.join().unwrap_or(Measured {
                failed: 1,
                ..Measured::default()
            });
        }
        sum
    })
}
