//! The promises of failure detectors, as functions over a run.
//!
//! As with links, promises about "eventually" are checked by bounds that the caller gives: how long
//! a detection may take, and from when on no suspicion may be wrong.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::Verdict;
use crate::link::interface::Address;
use crate::time::{Duration, Instant};

/// A verdict of a detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record<A> {
    /// When.
    pub at: Instant,
    /// The process whose detector it is.
    pub by: A,
    /// What.
    pub verdict: Verdict<A>,
}

/// A run of several processes that watch each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run<A> {
    /// All of them.
    pub processes: BTreeSet<A>,
    /// Those that crashed, and when. The others are correct.
    pub crashes: BTreeMap<A, Instant>,
    /// What the detectors said, in the order of time.
    pub records: Vec<Record<A>>,
    /// When the run ended.
    pub end: Instant,
}

/// A promise of a detector that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken<A> {
    /// Strong completeness: at this moment, `by` did not suspect `process`, which had crashed long
    /// before.
    Completeness {
        /// A correct process.
        by: A,
        /// One that crashed.
        process: A,
        /// When it should have been suspected.
        at: Instant,
    },
    /// Strong accuracy, or eventual strong accuracy: at this moment, `by` suspected `process`, which
    /// had not crashed.
    Accuracy {
        /// The process that suspects.
        by: A,
        /// The process that is suspected.
        process: A,
        /// When.
        at: Instant,
    },
}

impl<A: fmt::Debug> fmt::Display for Broken<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Completeness { by, process, at } => write!(
                f,
                "completeness is broken: at {at}, {by:?} does not suspect {process:?}, which has crashed"
            ),
            Broken::Accuracy { by, process, at } => write!(
                f,
                "accuracy is broken: at {at}, {by:?} suspects {process:?}, which has not crashed"
            ),
        }
    }
}

impl<A: fmt::Debug> std::error::Error for Broken<A> {}

impl<A: Address> Run<A> {
    /// Strong completeness: every process that crashes is suspected in the end, and for ever, by
    /// every correct process.
    ///
    /// Checked: from `within` after the crash until the end of the run. A run that ends before that
    /// says nothing about that crash.
    ///
    /// # Errors
    /// The first pair of processes that breaks it.
    pub fn strong_completeness(&self, within: Duration) -> Result<(), Broken<A>> {
        for (&process, &crash) in &self.crashes {
            let due = crash + within;
            if due > self.end {
                continue;
            }
            for by in self.correct().filter(|by| *by != process) {
                let mut spells = self.spells(by, process).into_iter();
                let is_suspected =
                    |(from, until): (Instant, Instant)| from <= due && until > self.end;
                if !spells.any(is_suspected) {
                    let at = due;
                    return Err(Broken::Completeness { by, process, at });
                }
            }
        }
        Ok(())
    }

    /// Strong accuracy: no process is suspected before it crashes.
    ///
    /// Checked: exactly that, over the whole run.
    ///
    /// # Errors
    /// The first suspicion that is wrong.
    pub fn strong_accuracy(&self) -> Result<(), Broken<A>> {
        for record in &self.records {
            let Verdict::Suspected(process) = record.verdict else {
                continue;
            };
            let crash = self.crashes.get(&process);
            if crash.is_none_or(|crash| record.at < *crash) {
                let (by, at) = (record.by, record.at);
                return Err(Broken::Accuracy { by, process, at });
            }
        }
        Ok(())
    }

    /// Eventual strong accuracy: from some time on, no correct process is suspected by any correct
    /// process.
    ///
    /// Checked: from the time `from` until the end of the run.
    ///
    /// # Errors
    /// A suspicion that is wrong, and lasts after that time or begins after it.
    pub fn eventual_strong_accuracy(&self, from: Instant) -> Result<(), Broken<A>> {
        for by in self.correct() {
            for process in self.correct() {
                let mut spells = self.spells(by, process).into_iter();
                if let Some((begin, _)) = spells.find(|(_, until)| *until > from) {
                    let at = begin.max(from);
                    return Err(Broken::Accuracy { by, process, at });
                }
            }
        }
        Ok(())
    }

    fn correct(&self) -> impl Iterator<Item = A> {
        let all = self.processes.iter();
        all.copied()
            .filter(|process| !self.crashes.contains_key(process))
    }

    /// The times from when until when `by` suspected `process`; a suspicion that never ends lasts
    /// until the far future.
    fn spells(&self, by: A, process: A) -> Vec<(Instant, Instant)> {
        let mut spells: Vec<(Instant, Instant)> = Vec::new();
        for record in self.records.iter().filter(|record| record.by == by) {
            if record.verdict == Verdict::Suspected(process) {
                spells.push((record.at, Instant::FAR_FUTURE));
            } else if record.verdict == Verdict::Restored(process)
                && let Some(spell) = spells.last_mut()
            {
                spell.1 = record.at;
            }
        }
        spells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Three processes for 1000 seconds; 3 crashes at 100. What 1 and 2 said, and when.
    fn run(said: &[(u64, u8, Verdict<u8>)]) -> Run<u8> {
        let record = |(at, by, verdict): &(u64, u8, Verdict<u8>)| Record {
            at: Instant::from_secs(*at),
            by: *by,
            verdict: *verdict,
        };
        Run {
            processes: BTreeSet::from([1, 2, 3]),
            crashes: BTreeMap::from([(3, Instant::from_secs(100))]),
            records: said.iter().map(record).collect(),
            end: Instant::from_secs(1000),
        }
    }

    use Verdict::{Restored, Suspected};

    const GOOD: [(u64, u8, Verdict<u8>); 2] = [(110, 1, Suspected(3)), (120, 2, Suspected(3))];

    #[test]
    fn a_good_run_keeps_all_promises() {
        let run = run(&GOOD);
        assert_eq!(run.strong_completeness(MINUTE), Ok(()));
        assert_eq!(run.strong_accuracy(), Ok(()));
        assert_eq!(run.eventual_strong_accuracy(Instant::ZERO), Ok(()));
    }

    #[test]
    fn a_crash_that_is_not_noticed_breaks_completeness() {
        let at = Instant::from_secs(160);
        let broken = |by| Err(Broken::Completeness { by, process: 3, at });
        assert_eq!(run(&GOOD[..1]).strong_completeness(MINUTE), broken(2));
        let late = [GOOD[0], (161, 2, Suspected(3))];
        assert_eq!(run(&late).strong_completeness(MINUTE), broken(2));
        let revised = [GOOD[0], GOOD[1], (900, 1, Restored(3))];
        assert_eq!(run(&revised).strong_completeness(MINUTE), broken(1));
        let too_short = Duration::from_secs(901);
        assert_eq!(run(&[]).strong_completeness(too_short), Ok(()));
    }

    #[test]
    fn a_wrong_suspicion_breaks_accuracy_even_if_it_is_revised() {
        let run = run(&[(10, 1, Suspected(2)), (20, 1, Restored(2))]);
        let at = Instant::from_secs(10);
        let broken = Err(Broken::Accuracy {
            by: 1,
            process: 2,
            at,
        });
        assert_eq!(run.strong_accuracy(), broken);
        assert_eq!(run.eventual_strong_accuracy(Instant::ZERO), broken);
        let after = Instant::from_secs(20);
        assert_eq!(run.eventual_strong_accuracy(after), Ok(()));
    }

    #[test]
    fn a_prophecy_breaks_accuracy_but_not_in_the_end() {
        let run = run(&[(99, 1, Suspected(3)), (120, 2, Suspected(3))]);
        assert!(run.strong_accuracy().is_err());
        assert_eq!(run.eventual_strong_accuracy(Instant::ZERO), Ok(()));
    }

    #[test]
    fn a_wrong_suspicion_that_lasts_breaks_eventual_accuracy() {
        let run = run(&[(10, 1, Suspected(2))]);
        let at = Instant::from_secs(500);
        let broken = Broken::Accuracy {
            by: 1,
            process: 2,
            at,
        };
        assert_eq!(run.eventual_strong_accuracy(at), Err(broken));
        assert_eq!(
            broken.to_string(),
            "accuracy is broken: at 500.000, 1 suspects 2, which has not crashed"
        );
    }
}
