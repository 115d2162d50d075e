//! A model that is checked, by name.

use core::fmt;

use super::tcp::{Configuration, Coverage, Tcp};
use super::{Model, Progress, Report, explore};

/// No subject should have more states than this: a search that reaches the limit fails.
const LIMIT: u64 = 20_000_000;

/// One model that can be exhausted.
pub struct Subject {
    /// The subject's name.
    pub name: String,
    /// What the subject shows, in one line.
    pub about: String,
    search: Box<Search>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A search that reports its progress.
type Search = dyn Fn(&mut dyn FnMut(Progress)) -> Verdict + Send + Sync;

/// What a search found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The numbers of states and steps, and the problem if there is one.
    pub report: Report,
    /// The cells of RFC 9293's diagram that the search visited; empty for models of
    /// anything but TCP.
    pub coverage: Coverage,
}

impl Subject {
    /// A subject other than TCP; `model` makes its model.
    pub fn new<M: Model>(
        name: &str,
        about: &str,
        model: impl Fn() -> M + Send + Sync + 'static,
    ) -> Subject {
        Subject {
            name: name.to_owned(),
            about: about.to_owned(),
            search: Box::new(move |progress| Verdict {
                report: explore(&mut model(), LIMIT, progress),
                coverage: Coverage::default(),
            }),
        }
    }

    /// A subject of two TCP hosts with this configuration.
    pub(super) fn of_tcp(configuration: Configuration) -> Subject {
        Subject {
            name: format!("tcp-{}", configuration.name),
            about: configuration.about.to_owned(),
            search: Box::new(move |progress| {
                let mut model = Tcp::new(configuration.clone());
                let report = explore(&mut model, LIMIT, progress);
                Verdict {
                    report,
                    coverage: model.coverage().clone(),
                }
            }),
        }
    }

    /// Visits every state.
    pub fn search(&self, progress: &mut dyn FnMut(Progress)) -> Verdict {
        (self.search)(progress)
    }
}
