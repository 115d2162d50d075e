//! Runs one world again and draws its transfer.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use stubborn::sim::plot::pictures;
use stubborn::sim::{Scenario, World};
use stubborn::time::Instant;

use super::super::output;
use super::args::PlotArgs;
use super::chosen::Chosen;

/// The most datagrams, and samples of connections, that are drawn: the first ones of a
/// longer world.
const ENTRIES: usize = 2_000_000;

/// Writes the pictures and says where they are.
pub(super) fn run(args: &PlotArgs) -> anyhow::Result<()> {
    let scenario = Chosen::new(&args.scenario)?;
    if args
        .until
        .is_some_and(|until| until <= args.from.unwrap_or_default())
    {
        bail!("--until must be later than the beginning, or than --from: there is nothing to draw");
    }
    let mut world = World::new(args.seed);
    scenario.build(&mut world);
    world.keep_record(ENTRIES);
    world.keep_samples(ENTRIES);
    let outcome = world.run();
    let record = world.record().context("nothing was recorded")?;
    let samples = world.samples().context("nothing was sampled")?;
    let moment = |time| Instant::ZERO + time;
    let name = name(&args.scenario);
    let title = format!("{name}, seed {}", args.seed);
    let (from, until) = (args.from.map(moment), args.until.map(moment));
    let Some(pictures) = pictures(&title, record, samples, from, until) else {
        bail!("nothing was sent in this world: there is nothing to draw");
    };
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the directory {}", args.out.display()))?;
    for (kind, picture) in [
        ("sequence", &pictures.sequence),
        ("window", &pictures.window),
        ("rtt", &pictures.rtt),
    ] {
        let file = (args.out).join(format!("{name}-{}-{kind}.svg", args.seed));
        fs::write(&file, picture).with_context(|| format!("cannot write {}", file.display()))?;
        output::print(format_args!("{}\n", file.display()))?;
    }
    match outcome.failure() {
        None => Ok(()),
        Some(failure) => bail!("{failure}"),
    }
}

/// The name of a scenario, or that of its file without directory and extension.
fn name(scenario: &str) -> String {
    let stem = Path::new(scenario).file_stem();
    stem.map_or_else(
        || scenario.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_ends_before_it_begins_is_not_drawn() {
        for (from, until) in [(None, 0), (Some(1), 1), (Some(2), 1)] {
            let error = run(&PlotArgs {
                scenario: "lossy".to_owned(),
                seed: 0,
                out: "/nowhere".into(),
                from: from.map(Duration::from_secs),
                until: Some(Duration::from_secs(until)),
            });
            assert!(error.unwrap_err().to_string().starts_with("--until"));
        }
    }
}
