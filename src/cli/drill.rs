//! `stubborn drill`: runs packetdrill scripts against the stack.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use anyhow::{Context, bail};
use clap::Args;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, TsResolution};
use serde::Serialize;
use stubborn::drill::{
    Captured, Definitions, Profile, Report, Script, Settings, Variant, Verdict, explain, parse,
    run as run_script,
};
use stubborn::time::Duration;

use super::output::{self, counted};
use super::units::jobs;

/// What is drilled, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct DrillArgs {
    /// Scripts, or directories that are searched for .pkt files
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,

    /// How the stack behaves: linux, freebsd or stubborn
    #[arg(long, default_value = "linux", value_parser = profile)]
    profile: Profile,

    /// Define NAME as VALUE in every script, also for #ifdef
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = definition)]
    define: Vec<String>,

    /// Override an option of the scripts: --option mtu=1400
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    option: Vec<(String, String)>,

    /// Run only this variant: ipv4, ipv6 or ipv4-mapped-ipv6 [default: all three]
    #[arg(long, value_name = "VARIANT", value_parser = variant)]
    ip_version: Option<Variant>,

    /// Print what each line means, and run nothing
    #[arg(long)]
    explain: bool,

    /// Print one JSON object per run, and one with the totals
    #[arg(long)]
    json: bool,

    /// Record the packets of each run in a file in DIR, for Wireshark
    #[arg(long, value_name = "DIR")]
    pcap: Option<PathBuf>,

    /// Print only failures, skipped scripts and the totals
    #[arg(short, long)]
    quiet: bool,

    /// How many scripts to run at once [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    jobs: Option<NonZero<usize>>,
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::from_name(name).ok_or_else(|| "not a profile: linux, freebsd or stubborn".to_owned())
}

fn variant(name: &str) -> Result<Variant, String> {
    Variant::from_name(name)
        .ok_or_else(|| "not a variant: ipv4, ipv6 or ipv4-mapped-ipv6".to_owned())
}

fn definition(text: &str) -> Result<String, &'static str> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    match name.is_empty() {
        true => Err("there is no name: write NAME or NAME=VALUE"),
        false => Ok(text.to_owned()),
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("not of the form NAME=VALUE".to_owned()),
    }
}

/// What became of the runs of a script.
struct Outcome {
    path: PathBuf,
    /// Why the script could not be read, with the place.
    unreadable: Option<String>,
    runs: Vec<Report>,
}

/// Runs the command.
pub(crate) fn run(args: &DrillArgs) -> anyhow::Result<()> {
    check_options(args)?;
    let scripts = collect(&args.paths)?;
    if args.explain {
        return explain_all(args, &scripts);
    }
    if let Some(directory) = &args.pcap {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    }
    let outcomes = drill_all(args, scripts)?;
    if let Some(directory) = &args.pcap {
        write_captures(directory, &outcomes)?;
    }
    let totals = Totals::of(&outcomes);
    match args.json {
        true => output::print(json(&outcomes, &totals)?)?,
        false => output::print(text(&outcomes, &totals, args.quiet))?,
    }
    match totals.failed {
        0 => Ok(()),
        failed => bail!("{failed} of {} failed", counted(totals.runs, "run")),
    }
}

/// Checks that `--option` names options that scripts know: with any other, every run would be skipped and
/// none would fail.
fn check_options(args: &DrillArgs) -> anyhow::Result<()> {
    let settings = Settings {
        options: args.option.clone(),
        ..Settings::default()
    };
    // An address is valid in some variants only, so one variant that accepts the options is enough.
    let mut checks = (Variant::ALL.into_iter()).map(|variant| settings.check(variant));
    let Some(Err(reason)) = checks.next() else {
        return Ok(());
    };
    match checks.all(|check| check.is_err()) {
        true => bail!("{reason}: docs/DRILL.md lists the options"),
        false => Ok(()),
    }
}

/// The scripts that the paths name, in order.
fn collect(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut scripts = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => walk(path, &mut scripts)?,
            false => scripts.push(path.clone()),
        }
    }
    if scripts.is_empty() {
        let places: Vec<_> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        bail!("there is no .pkt file in {}", places.join(", "));
    }
    Ok(scripts)
}

fn walk(directory: &Path, scripts: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let read = || format!("cannot read {}", directory.display());
    let entries = fs::read_dir(directory).with_context(read)?;
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(read)?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            walk(&entry, scripts)?;
        } else if entry
            .extension()
            .is_some_and(|extension| extension == "pkt")
        {
            scripts.push(entry);
        }
    }
    Ok(())
}

fn definitions(args: &DrillArgs, text: &str, variant: Variant) -> Definitions {
    let mut definitions = Definitions::of(text, args.profile, variant);
    for definition in &args.define {
        let (name, value) = definition.split_once('=').unwrap_or((definition, ""));
        definitions.define(name, value);
    }
    definitions
}

fn load(path: &Path) -> anyhow::Result<String> {
    let octets = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn explain_all(args: &DrillArgs, scripts: &[PathBuf]) -> anyhow::Result<()> {
    for path in scripts {
        let text = load(path)?;
        let script = parse(&text, &definitions(args, &text, Variant::Ipv4))
            .map_err(|error| anyhow::anyhow!("{}:{error}", path.display()))?;
        output::print(format_args!("{}\n{}\n", path.display(), explain(&script)))?;
    }
    Ok(())
}

/// Runs every script, on as many threads as are asked for. The outcomes come in the order of the
/// scripts.
fn drill_all(args: &DrillArgs, scripts: Vec<PathBuf>) -> anyhow::Result<Vec<Outcome>> {
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZero::get).min(scripts.len());
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<Vec<(usize, Outcome)>> {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = scripts.get(at) else {
                return Ok(done);
            };
            done.push((at, drill(args, path)?));
        }
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect()
    });
    let mut outcomes = Vec::new();
    for result in results {
        match result {
            Ok(done) => outcomes.extend(done?),
            Err(_) => bail!("a script made the runner panic"),
        }
    }
    outcomes.sort_by_key(|(at, _)| *at);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Whether the file's name says that the script is for the other address family: `…v4.pkt`,
/// `…v6.pkt`.
fn excluded(path: &Path, variant: Variant) -> bool {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("");
    let is_for = |family: &str| {
        let rest = stem.strip_suffix(family);
        rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric()))
    };
    (is_for("v4") && variant.is_ipv6()) || (is_for("v6") && !variant.is_ipv6())
}

fn drill(args: &DrillArgs, path: &Path) -> anyhow::Result<Outcome> {
    let text = load(path)?;
    let settings = Settings {
        profile: args.profile,
        options: args.option.clone(),
        capture: args.pcap.is_some(),
    };
    let mut outcome = Outcome {
        path: path.to_owned(),
        unreadable: None,
        runs: Vec::new(),
    };
    for variant in Variant::ALL {
        let wanted = args.ip_version.is_none_or(|only| only == variant);
        if !wanted || excluded(path, variant) {
            continue;
        }
        let script: Script = match parse(&text, &definitions(args, &text, variant)) {
            Ok(script) => script,
            Err(error) => {
                outcome.unreadable = Some(error.to_string());
                break;
            }
        };
        outcome.runs.extend(run_script(&script, variant, &settings));
    }
    Ok(outcome)
}

/// How many runs there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Totals {
    scripts: usize,
    runs: usize,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Totals {
    fn of(outcomes: &[Outcome]) -> Totals {
        let mut totals = Totals {
            scripts: outcomes.len(),
            ..Totals::default()
        };
        for outcome in outcomes {
            if outcome.unreadable.is_some() {
                totals.runs += 1;
                totals.failed += 1;
            }
            for run in &outcome.runs {
                totals.runs += 1;
                match run.verdict {
                    Verdict::Passed => totals.passed += 1,
                    Verdict::Failed(_) => totals.failed += 1,
                    Verdict::Skipped(_) => totals.skipped += 1,
                }
            }
        }
        totals
    }
}

/// One line for each script, more for one that failed, and the totals.
fn text(outcomes: &[Outcome], totals: &Totals, quiet: bool) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let path = outcome.path.display();
        if let Some(error) = &outcome.unreadable {
            text += &format!("FAILED   {path}:{error}\n");
        }
        let passed: Vec<&str> = (outcome.runs.iter())
            .filter(|run| run.verdict == Verdict::Passed)
            .map(|run| run.variant.name())
            .collect();
        if !passed.is_empty() && !quiet {
            text += &format!("passed   {path} ({})\n", passed.join(", "));
        }
        for run in &outcome.runs {
            match &run.verdict {
                Verdict::Passed => {}
                Verdict::Skipped(reason) => {
                    text += &format!("skipped  {path} ({}): {reason}\n", run.variant);
                }
                Verdict::Failed(failure) => {
                    text += &format!(
                        "FAILED   {path}:{} ({})\n{failure}\n",
                        failure.place, run.variant
                    );
                }
            }
        }
    }
    let Totals {
        scripts,
        runs,
        passed,
        failed,
        skipped,
    } = totals;
    text + &format!(
        "{}, {}: {passed} passed, {failed} failed, {skipped} skipped\n",
        counted(*scripts, "script"),
        counted(*runs, "run"),
    )
}

/// A run, as it appears in the JSON output.
#[derive(Debug, Serialize)]
struct Record<'a> {
    script: String,
    variant: Option<&'static str>,
    verdict: &'static str,
    /// How long the run took in virtual time, in seconds.
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    differences: &'a [String],
}

fn json(outcomes: &[Outcome], totals: &Totals) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for outcome in outcomes {
        let blank = || Record {
            script: outcome.path.display().to_string(),
            variant: None,
            verdict: "failed",
            seconds: 0.0,
            place: None,
            reason: None,
            expected: None,
            actual: None,
            differences: &[],
        };
        if let Some(error) = &outcome.unreadable {
            let reason = Some(error.clone());
            lines.push(serde_json::to_string(&Record { reason, ..blank() })?);
        }
        for run in &outcome.runs {
            let mut record = blank();
            record.variant = Some(run.variant.name());
            record.seconds = run.took.as_nanos() as f64 / 1e9;
            match &run.verdict {
                Verdict::Passed => record.verdict = "passed",
                Verdict::Skipped(reason) => {
                    record.verdict = "skipped";
                    record.reason = Some(reason.clone());
                }
                Verdict::Failed(failure) => {
                    record.place = Some(failure.place.to_string());
                    record.reason = Some(failure.message.clone());
                    record.expected = Some(&failure.event);
                    record.actual = failure.actual.as_deref();
                    record.differences = &failure.differences;
                }
            }
            lines.push(serde_json::to_string(&record)?);
        }
    }
    lines.push(serde_json::to_string(totals)?);
    Ok(lines.join("\n") + "\n")
}

fn write_captures(directory: &Path, outcomes: &[Outcome]) -> anyhow::Result<()> {
    for outcome in outcomes {
        for run in &outcome.runs {
            let script = outcome.path.with_extension("");
            let name: Vec<_> = script
                .components()
                .filter_map(|part| match part {
                    std::path::Component::Normal(name) => name.to_str(),
                    _ => None,
                })
                .collect();
            let path = directory.join(format!("{}.{}.pcap", name.join("-"), run.variant));
            write_capture(&path, &run.captured)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

fn write_capture(path: &Path, captured: &[Captured]) -> anyhow::Result<()> {
    let header = PcapHeader {
        datalink: DataLink::RAW,
        ts_resolution: TsResolution::NanoSecond,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(fs::File::create(path)?, header)?;
    for Captured { at, datagram, .. } in captured {
        let at = Duration::from_nanos(at.as_nanos());
        writer.write_packet(&PcapPacket::new(at, datagram.len() as u32, datagram))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_say_the_family() {
        let is = |name: &str, variant| excluded(Path::new(name), variant);
        assert!(is("a/blackhole-v4.pkt", Variant::Ipv6));
        assert!(!is("a/blackhole-v4.pkt", Variant::Ipv4MappedIpv6));
        assert!(is("tos_v6.pkt", Variant::Ipv4));
        assert!(is("v6.pkt", Variant::Ipv4MappedIpv6));
        assert!(!is("recv4.pkt", Variant::Ipv6));
    }
}
