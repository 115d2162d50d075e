//! A mutant is a patch, and a patch that no longer applies breaks nothing: `scripts/mutants` would
//! find out only on the day when it is that mutant's turn.

use super::repository::{File, Finding, none};

/// What a hunk wants to find: the lines it keeps and the lines it removes, in a row.
struct Hunk<'a> {
    /// Where its `@@` stands in the patch.
    line: usize,
    path: &'a str,
    old: Vec<&'a str>,
}

fn hunks(patch: &str) -> Vec<Hunk<'_>> {
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    let mut path = None;
    let mut is_in_hunk = false;
    for (index, line) in patch.lines().enumerate() {
        if let Some(name) = line.strip_prefix("--- a/") {
            (path, is_in_hunk) = (Some(name), false);
        } else if let (Some(path), true) = (path, line.starts_with("@@ ")) {
            is_in_hunk = true;
            hunks.push(Hunk {
                line: index + 1,
                path,
                old: Vec::new(),
            });
        } else if let (true, Some(hunk)) = (is_in_hunk, hunks.last_mut()) {
            match line.split_at_checked(1) {
                Some((" " | "-", text)) => hunk.old.push(text),
                None => hunk.old.push(""),
                Some(_) => {}
            }
        }
    }
    hunks
}

/// Every hunk of every mutant finds its lines in the file that it changes.
fn mutants(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for patch in files.iter().filter(|file| file.path.ends_with(".patch")) {
        let hunks = hunks(&patch.text);
        if hunks.is_empty() {
            findings.push(patch.finding(1, "changes nothing", "add the mistake, as a patch"));
        }
        for hunk in hunks {
            let file = files.iter().find(|file| file.path == hunk.path);
            let lines: Vec<&str> = file.map_or(Vec::new(), |file| file.text.lines().collect());
            let applies = lines
                .windows(hunk.old.len().max(1))
                .any(|window| window == hunk.old);
            if !applies {
                let what = format!("no longer applies to {}", hunk.path);
                let mend = "make the same mistake in the code as it is now";
                findings.push(patch.finding(hunk.line, what, mend));
            }
        }
    }
    findings
}

#[test]
fn every_mutant_applies() {
    let files = super::repository::files();
    let patches = files.iter().filter(|file| file.path.ends_with(".patch"));
    assert!(patches.count() > 100, "where are the mutants?");
    none(mutants(&files));
}

#[test]
fn a_mutant_that_no_longer_applies_is_found() {
    let patch = "Mistake: b is c.\n\n--- a/src/x.rs\n+++ b/src/x.rs\n@@ -1,3 +1,3 @@\n \
                 a\n-b\n+c\n d\n";
    let found = |text: &str| {
        let files = [
            File::sample("tests/mutants/x.patch", patch),
            File::sample("src/x.rs", text),
        ];
        let findings = mutants(&files);
        findings.first().map(|finding| finding.what.clone())
    };
    assert_eq!(found("0\na\nb\nd\n"), None, "it may have moved");
    let gone = Some("no longer applies to src/x.rs".to_owned());
    assert_eq!(found("a\nb\n\nd\n"), gone);
    assert_eq!(found(""), gone);
    let empty = [File::sample("tests/mutants/x.patch", "Mistake: none.\n")];
    assert_eq!(mutants(&empty)[0].what, "changes nothing");
}
