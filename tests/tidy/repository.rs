//! The files of the repository, and what a rule finds in them.

use std::fmt;
use std::fs;
use std::path::Path;

/// A text file: its path from the root of the repository, with `/`, and its content.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// A file that a self-test made up.
    pub(super) fn sample(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether it is Rust source.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is Rust source of the library or the program.
    pub(super) fn is_product(&self) -> bool {
        self.is_rust() && self.path.starts_with("src/")
    }

    /// What a rule found at a line of this file.
    pub(super) fn finding(&self, line: usize, what: impl Into<String>, mend: &str) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            what: what.into(),
            mend: mend.to_owned(),
        }
    }
}

/// Where a rule is broken, how, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            path,
            line,
            what,
            mend,
        } = self;
        write!(f, "{path}:{line}: {what}\n    mend: {mend}")
    }
}

/// What holds no text of ours: what tools made, and inputs for fuzzers.
const SKIPPED: [&str; 4] = [".git", "target", "corpus", "artifacts"];

/// The root of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the repository, sorted by path.
pub(super) fn files() -> Vec<File> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    assert!(
        files.iter().any(|file| file.path == "src/lib.rs"),
        "no repository at {}",
        root().display()
    );
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(directory: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(directory).expect("a readable directory") {
        let entry = entry.expect("a readable directory entry");
        let kind = entry.file_type().expect("the type of a directory entry");
        let path = entry.path();
        if SKIPPED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(&path).expect("a readable file"))
        {
            let path = path.strip_prefix(root()).expect("a path below the root");
            let path = path.to_str().expect("a path in UTF-8").replace('\\', "/");
            files.push(File { path, text });
        }
    }
}

/// Fails with every finding, if there is one.
#[track_caller]
pub(super) fn none(findings: Vec<Finding>) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(
        lines.is_empty(),
        "{} findings\n\n{}\n",
        lines.len(),
        lines.join("\n")
    );
}

/// The findings of a rule over one made-up file, as `line: what`.
pub(super) fn in_sample(
    rule: impl Fn(&[File]) -> Vec<Finding>,
    path: &str,
    text: &str,
) -> Vec<String> {
    rule(&[File::sample(path, text)])
        .iter()
        .map(|finding| format!("{}: {}", finding.line, finding.what))
        .collect()
}

#[test]
fn a_finding_says_where_what_and_how_to_mend_it() {
    let file = File::sample("src/tcp/seq.rs", "");
    let finding = file.finding(7, "reads a clock", "pass the time in");
    assert_eq!(
        finding.to_string(),
        "src/tcp/seq.rs:7: reads a clock\n    mend: pass the time in"
    );
    assert!(std::panic::catch_unwind(|| none(vec![finding])).is_err());
}

#[test]
fn the_walk_finds_this_file_and_nothing_that_tools_made() {
    let files = files();
    assert!(files.iter().any(|file| file.path == "tests/tidy.rs"));
    assert!(!files.iter().any(|file| file.path.contains("target/")));
}
