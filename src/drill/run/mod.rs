//! Runs a script against the stack, in virtual time.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | the input and the result of a run |
//! | `state` | the state of a run |
//! | `events` | the events one after another, and their times |
//! | `packets` | packets injected and expected |
//! | `host` | the stack, its clock, what it has sent |
//! | `socket` | which connection the packets of a script belong to |
//! | `calls/` | system calls: arguments, results, those that block |
//! | `files` | descriptors of the script; files and pipes |
//! | `commands/` | what shell commands of scripts mean here |
//! | `info` | what `%{ }%` may ask for |
//! | `ladder` | what has happened, in readable lines |

mod calls;
mod commands;
mod events;
mod files;
mod host;
mod info;
mod ladder;
mod packets;
mod socket;
mod state;

use core::fmt;

use super::ast::Script;
use super::place::Place;
use super::profile::Profile;
use super::setup::Setup;
use super::variant::Variant;
use crate::time::Instant;

pub use host::Captured;

/// How scripts are run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How the stack behaves.
    pub profile: Profile,
    /// Options of scripts, by name and value; they override those of a script.
    pub options: Vec<(String, String)>,
    /// Whether the packets are kept.
    pub capture: bool,
}

impl Settings {
    /// Checks that the options are known, and that their values make sense in this
    /// variant.
    ///
    /// # Errors
    /// What is wrong with the first one that is not. Scripts are skipped for this
    /// reason.
    pub fn check(&self, variant: Variant) -> Result<(), String> {
        Setup::check(&self.options, variant)
    }
}

/// What became of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was as the script says.
    Passed,
    /// Something was not as the script says.
    Failed(Box<Failure>),
    /// The script could not be run, with the reason.
    Skipped(String),
}

/// A difference from the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where in the script.
    pub place: Place,
    /// The text of the event.
    pub event: String,
    /// When it happened, in virtual time.
    pub at: Instant,
    /// What is wrong, in words.
    pub message: String,
    /// What the stack sent, in the notation of scripts.
    pub actual: Option<String>,
    /// The fields of that packet that differ.
    pub differences: Vec<String>,
    /// What had happened until then, in lines.
    pub ladder: Vec<String>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Over which family.
    pub variant: Variant,
    /// The verdict.
    pub verdict: Verdict,
    /// How long it took, in virtual time.
    pub took: Instant,
    /// What went over the wire, if [`Settings::capture`] asked for it.
    pub captured: Vec<Captured>,
}

/// Why a run ends before its script does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stop {
    Failed(Wrong),
    Skipped(String),
}

/// What is wrong with an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wrong {
    message: String,
    actual: Option<String>,
    differences: Vec<String>,
    /// Another place than the event's, for a call that returned in the meantime.
    elsewhere: Option<(Place, String)>,
}

impl From<String> for Wrong {
    fn from(message: String) -> Wrong {
        Wrong {
            message,
            ..Wrong::default()
        }
    }
}

fn failed<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(Wrong {
        message: message.into(),
        ..Wrong::default()
    }))
}

fn skipped<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skipped(reason.into()))
}

/// Runs a script over one family; `None` if its options exclude that.
pub fn run(script: &Script, variant: Variant, settings: &Settings) -> Option<Report> {
    let report = |verdict| Report {
        variant,
        verdict,
        took: Instant::ZERO,
        captured: Vec::new(),
    };
    let setup = match Setup::of(script, variant, &settings.options) {
        Ok(Some(setup)) => setup,
        Ok(None) => return None,
        Err(reason) => return Some(report(Verdict::Skipped(reason))),
    };
    if let Some(reason) = events::obstacle(script, variant) {
        return Some(report(Verdict::Skipped(reason)));
    }
    if setup.dry_run {
        let reason = "--dry_run: it was read, and nothing was held to it".to_owned();
        return Some(report(Verdict::Skipped(reason)));
    }
    Some(match state::Run::new(script, setup, settings) {
        Ok(run) => run.complete(),
        Err(reason) => report(Verdict::Skipped(reason)),
    })
}

/// The error, the packets side by side, and what had happened, in several lines.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = ladder::seconds(self.at);
        writeln!(f, "  at {at}: {}", self.message)?;
        writeln!(f, "    script: {}", self.event)?;
        if let Some(actual) = &self.actual {
            writeln!(f, "    actual: {actual}")?;
        }
        for difference in &self.differences {
            writeln!(f, "    {difference}")?;
        }
        writeln!(f, "  what happened:")?;
        self.ladder
            .iter()
            .try_for_each(|line| writeln!(f, "    {line}"))
    }
}
