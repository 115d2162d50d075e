//! The steps of a turn, or of a visit, of which callgrind counts the instructions of one.

use std::str::FromStr;

use anyhow::{Error, bail};

/// What happens in a turn, or in a visit, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The sender's user gives text for two segments.
    Give,
    /// The two leave, and nothing more would.
    DataLeaves,
    /// They arrive.
    DataArrives,
    /// The receiver's user reads their text.
    Read,
    /// Their acknowledgment leaves, and nothing more would.
    AckLeaves,
    /// It arrives.
    AckArrives,
    /// Both hosts look for what is due, what has happened and what would leave.
    Rest,
    /// Of a visit: the connection is opened, at both ends.
    Opens,
    /// It carries an octet there and one back.
    Serves,
    /// It is closed, and rests in TIME-WAIT.
    Closes,
}

/// Names of steps on the command line; `all` is none of them.
const STEPS: [(&str, Step); 10] = [
    ("give", Step::Give),
    ("data-leaves", Step::DataLeaves),
    ("data-arrives", Step::DataArrives),
    ("read", Step::Read),
    ("ack-leaves", Step::AckLeaves),
    ("ack-arrives", Step::AckArrives),
    ("rest", Step::Rest),
    ("opens", Step::Opens),
    ("serves", Step::Serves),
    ("closes", Step::Closes),
];

/// Which step is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    Nothing,
    One(Step),
    All,
}

impl FromStr for Counted {
    type Err = Error;

    fn from_str(text: &str) -> Result<Counted, Error> {
        match STEPS.iter().find(|(name, _)| *name == text) {
            Some((_, step)) => Ok(Counted::One(*step)),
            None if text == "all" => Ok(Counted::All),
            None => bail!("`{text}` is no step of a turn"),
        }
    }
}

impl Counted {
    /// Does `work`, which is `step`.
    pub fn run<R>(self, step: Step, work: impl FnOnce() -> R) -> R {
        match self == Counted::All || self == Counted::One(step) {
            true => counted(work),
            false => work(),
        }
    }
}

/// Callgrind is told to count while this function runs, so it must stay one.
#[inline(never)]
fn counted<R>(work: impl FnOnce() -> R) -> R {
    work()
}
