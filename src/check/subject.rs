//! A model that is checked, by name.

use core::fmt;

use super::tcp::{Configuration, Coverage, Tcp};
use super::{Model, Progress, Report, explore};

/// More states than this are not expected of any subject: a search ends there, and fails.
const LIMIT: u64 = 20_000_000;

/// One model that can be exhausted.
pub struct Subject {
    /// What people call it.
    pub name: String,
    /// What it shows, in a line.
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

/// A search that tells how far it is.
type Search = dyn Fn(&mut dyn FnMut(Progress)) -> Verdict + Send + Sync;

/// What a search found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// States, steps, and what is wrong.
    pub report: Report,
    /// Where it has been in the diagram of RFC 9293; nothing for models of something else.
    pub coverage: Coverage,
}

impl Subject {
    /// A model that is not about TCP's diagram; `model` makes it.
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

    /// Two hosts, configured like this.
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
