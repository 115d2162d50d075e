//! Documents whose tables say what happens, with code and tests: every row is there, in order, and what it
//! names is there, too.

use super::repository::{File, Finding};
use super::requirements::{code_is_wrong, find, spans};

/// What is wrong with a name, if anything is.
type Check = fn(&str, &[File]) -> Option<String>;

/// What such a document is like.
pub(super) struct Document {
    pub(super) path: &'static str,
    /// How a row is written, and in what order they stand.
    pub(super) row: &'static str,
    pub(super) order: &'static str,
    /// How code and tests are named.
    pub(super) names: &'static str,
    /// What is wrong with a test that a row names.
    pub(super) is_no_test: Check,
}

impl Document {
    /// The whole rule, for a document with these rows.
    pub(super) fn findings(
        &self,
        files: &[File],
        mut numbers: impl Iterator<Item = String>,
    ) -> Vec<Finding> {
        let Some(file) = find(files, self.path) else {
            let nowhere = File::sample(self.path, "");
            return vec![nowhere.finding(1, "the document is missing", "restore it")];
        };
        let mut findings = Vec::new();
        for (index, line) in file.text.lines().enumerate() {
            let is_head = line.starts_with("| # |") || line.starts_with("|---");
            if !line.starts_with('|') || is_head {
                continue;
            }
            let mut find = |what: String, mend: &str| {
                findings.push(file.finding(index + 1, what, mend));
            };
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [number, what, answer, code, tests] = cells[..] else {
                find(format!("a row of {} cells", cells.len()), self.row);
                continue;
            };
            if numbers.next().as_deref() != Some(number) {
                find(format!("{number} does not stand here"), self.order);
            }
            if what.is_empty() || answer.is_empty() {
                let mend = "say what happens, and what follows";
                find(format!("{number} says nothing"), mend);
            }
            let checks = [(code, code_is_wrong as Check), (tests, self.is_no_test)];
            for (cell, wrong) in checks {
                let (inside, outside) = spans(cell);
                if inside.is_empty() || outside.contains(char::is_alphanumeric) {
                    let what = format!("{number}: \"{cell}\" is no list of names");
                    find(what, self.names);
                }
                for what in inside.iter().filter_map(|span| wrong(span, files)) {
                    find(format!("{number}: {what}"), self.names);
                }
            }
        }
        if let Some(missing) = numbers.next() {
            findings.push(file.finding(1, format!("no row for {missing}"), "write it"));
        }
        findings
    }
}
