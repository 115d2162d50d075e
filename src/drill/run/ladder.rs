//! What has happened, in lines to read when something is wrong.

use crate::time::Instant;

/// The most lines that are kept: the last ones.
const MAX_LINES: usize = 60;

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Ladder {
    lines: std::collections::VecDeque<String>,
}

impl Ladder {
    /// Adds a line; `mark` says what kind of event it is: `<`, `>` or blank.
    pub(super) fn push(&mut self, at: Instant, mark: char, text: &str) {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        let seconds = seconds(at);
        self.lines.push_back(format!("{seconds:>13} {mark} {text}"));
    }

    pub(super) fn lines(self) -> Vec<String> {
        self.lines.into()
    }
}

/// A time as scripts have it.
pub(super) fn seconds(at: Instant) -> String {
    let micros = at.as_nanos() / 1_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
