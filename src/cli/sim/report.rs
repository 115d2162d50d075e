//! What a campaign found. Reports of disjoint ranges of seeds add up.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stubborn::sim::Outcome;

use super::super::output::counted;
use super::histogram::Histogram;

/// How many failures are kept with their messages: those of the smallest seeds.
const KEPT: usize = 100;

/// What the worlds of some seeds showed. Two reports of the same seeds differ in `core_nanos`
/// only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// The version of the program.
    version: String,
    /// The scenario: the name of a built-in one, or a file's name and a hash of its content.
    pub(super) scenario: String,
    /// Half-open ranges of seeds; in order, and none is empty or touches the next.
    seeds: Vec<(u64, u64)>,
    pub(super) worlds: u64,
    /// Worlds in which everything went as it should.
    pub(super) done: u64,
    /// Worlds in which something bad happened: a safety property was violated, or the code
    /// panicked.
    pub(super) violations: u64,
    /// Worlds in which something that should happen did not.
    pub(super) stuck: u64,
    /// The sums of the worlds' counts.
    counts: Counts,
    /// When each world in `done` completed, in virtual time.
    completion: Histogram,
    /// The sum of the hashes of all traces, modulo 2^128.
    #[serde(with = "hex")]
    trace: u128,
    /// What failed, by seed.
    pub(super) failures: BTreeMap<u64, String>,
    /// Processor time.
    core_nanos: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    connections: u64,
    reset: u64,
    gave_up: u64,
    events: u64,
    datagrams: u64,
    lost: u64,
    retransmissions: u64,
    timeouts: u64,
    octets: u64,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        let Counts {
            connections,
            reset,
            gave_up,
            events,
            datagrams,
            lost,
            retransmissions,
            timeouts,
            octets,
        } = other;
        self.connections += connections;
        self.reset += reset;
        self.gave_up += gave_up;
        self.events += events;
        self.datagrams += datagrams;
        self.lost += lost;
        self.retransmissions += retransmissions;
        self.timeouts += timeouts;
        self.octets += octets;
    }
}

impl Report {
    /// A report of no seeds.
    pub(super) fn new(scenario: &str) -> Report {
        Report {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.to_owned(),
            seeds: Vec::new(),
            worlds: 0,
            done: 0,
            violations: 0,
            stuck: 0,
            counts: Counts::default(),
            completion: Histogram::default(),
            trace: 0,
            failures: BTreeMap::new(),
            core_nanos: 0,
        }
    }

    /// Makes these seeds part of the report. Their worlds are added before or after this
    /// call.
    pub(super) fn covers(&mut self, seeds: &Range<u64>) {
        self.seeds.push((seeds.start, seeds.end));
        self.seeds.retain(|(start, end)| start < end);
        self.seeds.sort_unstable();
        self.seeds.dedup_by(|next, before| {
            let touches = before.1 == next.0;
            if touches {
                before.1 = next.1;
            }
            touches
        });
    }

    /// Adds processor time.
    pub(super) fn took(&mut self, time: Duration) {
        self.core_nanos += u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Adds a world that has ended.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        let tally = &outcome.tally;
        self.worlds += 1;
        self.trace = self.trace.wrapping_add(outcome.trace_hash);
        self.counts.add(&Counts {
            connections: tally.opened,
            reset: tally.reset,
            gave_up: tally.gave_up,
            events: tally.events,
            datagrams: tally.datagrams,
            lost: tally.lost,
            retransmissions: tally.retransmissions,
            timeouts: tally.timeouts,
            octets: tally.delivered,
        });
        match outcome.failure() {
            None => {
                self.done += 1;
                if let Some(at) = outcome.completed_at {
                    self.completion.record(Duration::from_nanos(at.as_nanos()));
                }
            }
            Some(failure) => {
                match failure.property.is_safety() {
                    true => self.violations += 1,
                    false => self.stuck += 1,
                }
                let what = format!("{}: {}, at {}", failure.property, failure.what, failure.at);
                self.keep(outcome.seed, what);
            }
        }
    }

    /// Adds a world that ended in a panic.
    pub(super) fn add_panic(&mut self, seed: u64, what: &str) {
        self.worlds += 1;
        self.violations += 1;
        self.keep(seed, format!("panic: {what}"));
    }

    fn keep(&mut self, seed: u64, what: String) {
        self.failures.insert(seed, what);
        self.forget();
    }

    fn forget(&mut self) {
        while self.failures.len() > KEPT {
            self.failures.pop_last();
        }
    }

    /// How many worlds failed.
    pub(super) fn failed(&self) -> u64 {
        self.violations + self.stuck
    }

    /// Makes this the report of the seeds of both.
    ///
    /// # Errors
    /// If the two share a seed, or differ in scenario or version.
    pub(super) fn merge(&mut self, other: Report) -> Result<(), MergeError> {
        if self.version != other.version {
            return Err(MergeError::Versions(self.version.clone(), other.version));
        }
        if self.scenario != other.scenario {
            return Err(MergeError::Scenarios(self.scenario.clone(), other.scenario));
        }
        for (start, end) in &other.seeds {
            let overlap = self.seeds.iter().find(|own| own.0 < *end && *start < own.1);
            if let Some(own) = overlap {
                let common = own.0.max(*start)..own.1.min(*end);
                return Err(MergeError::Overlap(common));
            }
        }
        self.absorb(other);
        Ok(())
    }

    /// As [`Report::merge`], for reports that are known to fit together.
    pub(super) fn absorb(&mut self, other: Report) {
        for (start, end) in other.seeds {
            self.covers(&(start..end));
        }
        self.worlds += other.worlds;
        self.done += other.done;
        self.violations += other.violations;
        self.stuck += other.stuck;
        self.counts.add(&other.counts);
        self.completion.merge(&other.completion);
        self.trace = self.trace.wrapping_add(other.trace);
        self.failures.extend(other.failures);
        self.forget();
        self.core_nanos += other.core_nanos;
    }
}

/// Why two reports do not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MergeError {
    /// They were made by two versions of the program.
    Versions(String, String),
    /// They are of two scenarios.
    Scenarios(String, String),
    /// Both have these seeds.
    Overlap(Range<u64>),
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MergeError::Versions(one, other) => {
                write!(f, "made by version {other}, the others by {one}")
            }
            MergeError::Scenarios(one, other) => {
                write!(f, "of scenario {other}, the others of {one}")
            }
            MergeError::Overlap(seeds) => write!(
                f,
                "the seeds {}..{} are in another file, too",
                seeds.start, seeds.end
            ),
        }
    }
}

impl std::error::Error for MergeError {}

/// A hash of sixteen octets in hexadecimal digits: JSON numbers are not that long.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(hash: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{hash:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(de::Error::custom)
    }
}

/// The table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let ranges = self.seeds.iter();
        let seeds: Vec<_> = ranges
            .map(|(start, end)| format!("{start}..{end}"))
            .collect();
        let mut row = |name: &str, value: String| writeln!(f, "{name:<16}{value}");
        row("scenario", self.scenario.clone())?;
        row("seeds", seeds.join(" "))?;
        row(
            "done",
            format!(
                "{} of {}, {}",
                self.done,
                counted(self.worlds, "world"),
                counted(counts.connections, "connection"),
            ),
        )?;
        row("violations", self.violations.to_string())?;
        row("stuck", self.stuck.to_string())?;
        row(
            "gave up",
            format!("{}; {} reset", counted(counts.gave_up, "end"), counts.reset),
        )?;
        row(
            "completion",
            format!(
                "p50 {}, p99 {}, max {} (virtual)",
                Seconds(self.completion.per_mille(500)),
                Seconds(self.completion.per_mille(990)),
                Seconds(self.completion.most()),
            ),
        )?;
        row(
            "datagrams",
            format!(
                "{}, {:.1} % lost, {:.1} % sent again",
                counts.datagrams,
                percent(counts.lost, counts.datagrams),
                percent(counts.retransmissions, counts.datagrams),
            ),
        )?;
        row("timeouts", counted(counts.timeouts, "RTO"))?;
        let seconds = self.core_nanos as f64 / 1e9;
        let speed = ratio(counts.connections as f64, seconds);
        row(
            "speed",
            format!(
                "{speed:.*} connections a second and core, {:.0} Mbit/s of checked octets; \
                 {seconds:.1} core seconds",
                if speed < 100.0 { 2 } else { 0 },
                ratio(counts.octets as f64 * 8e-6, seconds),
            ),
        )?;
        write!(f, "{:<16}{:032x}", "trace", self.trace)
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    match whole > 0.0 {
        true => part / whole,
        false => 0.0,
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    ratio(part as f64 * 100.0, whole as f64)
}

/// A time that may not be known.
struct Seconds(Option<Duration>);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => write!(f, "{:.3} s", time.as_secs_f64()),
            None => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use stubborn::sim::{Failure, Property, Tally, Verdict};
    use stubborn::time::Instant;

    use super::*;

    impl Report {
        /// The report without its processor time: equal in two runs over the same seeds.
        pub(in crate::cli::sim) fn without_time(mut self) -> Report {
            self.core_nanos = 0;
            self
        }
    }

    fn outcome(seed: u64, broken: Option<Property>) -> Outcome {
        let failure = |property| Failure {
            property,
            seed,
            scenario: "lossy".to_owned(),
            at: Instant::from_secs(9),
            what: "something".to_owned(),
        };
        Outcome {
            seed,
            trace_hash: u128::MAX - u128::from(seed),
            verdict: broken.map_or(Verdict::Done, |property| Verdict::Failed(failure(property))),
            completed_at: broken.is_none().then(|| Instant::from_millis(seed)),
            ended_at: Instant::from_secs(60),
            tally: Tally {
                opened: 1,
                datagrams: 10,
                ..Tally::default()
            },
        }
    }

    /// A report of these seeds; every seventh is stuck.
    fn report(seeds: Range<u64>) -> Report {
        let mut report = Report::new("lossy");
        report.covers(&seeds);
        for seed in seeds {
            let broken = (seed % 7 == 0).then_some(Property::Completion);
            report.add(&outcome(seed, broken));
        }
        report
    }

    #[test]
    fn parts_add_up_to_the_whole_and_survive_a_file() {
        let whole = report(0..3_000);
        for cut in [1, 700, 2_999] {
            let mut sum = report(cut..3_000);
            let text = serde_json::to_string(&report(0..cut)).unwrap();
            sum.merge(serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(sum, whole);
        }
        assert_eq!((whole.worlds, whole.done, whole.stuck), (3_000, 2_571, 429));
        assert_eq!(whole.seeds, [(0, 3_000)]);
        let kept: Vec<u64> = whole.failures.into_keys().collect();
        assert_eq!(kept, (0..700).step_by(7).collect::<Vec<_>>(), "the first");
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let mut sum = report(10..20);
        let mut other = report(30..40);
        other.scenario = "clean".to_owned();
        let error = sum.merge(other).unwrap_err().to_string();
        assert_eq!(error, "of scenario clean, the others of lossy");

        for (seeds, common) in [(5..11, "10..11"), (19..30, "19..20"), (0..99, "10..20")] {
            let error = sum.merge(report(seeds)).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("the seeds {common} are in another file, too")
            );
        }
        let mut older = report(30..40);
        older.version = "0.0.1".to_owned();
        let error = sum.merge(older).unwrap_err();
        assert!(matches!(error, MergeError::Versions(..)));
        assert_eq!(sum, report(10..20), "as it was");
        sum.merge(report(25..30)).unwrap();
        sum.merge(report(20..25)).unwrap();
        assert_eq!(sum, {
            let mut whole = report(10..30);
            whole.seeds = vec![(10, 30)];
            whole
        });
    }

    #[test]
    fn failures_are_told_apart() {
        let mut report = Report::new("lossy");
        report.add(&outcome(1, Some(Property::Fifo)));
        report.add(&outcome(2, Some(Property::Completion)));
        report.add_panic(3, "index out of bounds");
        report.add(&outcome(4, None));
        let counts = (
            report.violations,
            report.stuck,
            report.done,
            report.failed(),
        );
        assert_eq!(counts, (2, 1, 1, 3));
        assert_eq!(report.failures[&1], "P3 FIFO: something, at 9.000");
        assert_eq!(report.failures[&3], "panic: index out of bounds");
    }

    #[test]
    fn the_table_of_nothing_has_no_nonsense() {
        let table = Report::new("lossy").to_string();
        assert!(table.contains("p50 -, p99 -, max -"), "{table}");
        assert!(!table.contains("NaN") && !table.contains("inf"), "{table}");
    }
}
