//! `docs/THREATS.md`: every attack and every fault has a row, and every row is true: the code and
//! the tests that it names are there.

use super::repository::{File, Finding};
use super::requirements::{find, test_is_wrong};
use super::rows::Document;
use super::unfinished::has_word;

const DOCUMENT: Document = Document {
    path: "docs/THREATS.md",
    row: "write | # | what happens | what the stack does | code | tests |",
    order: "attacks, then faults, in order",
    names: "name what is there: `tcp/input.rs check_syn`, `tests/pair.rs::a_clean_path`",
    is_no_test,
};

/// How many attacks there are, and how many faults (`F1` and so on): their rows stand in order, so
/// that the numbers by which tests name them stay what they are.
const ATTACKS: usize = 42;
const FAULTS: usize = 24;

/// What is wrong with a test that a row names. Those of the namespaces are functions that a macro
/// makes tests of.
pub(super) fn is_no_test(span: &str, files: &[File]) -> Option<String> {
    let (path, name) = span.split_once("::").unwrap_or((span, ""));
    if path.starts_with("tests/netns/") {
        let is_there = find(files, path).is_some_and(|file| has_word(&file.text, name));
        return (!is_there).then(|| format!("{path} has no test `{name}`"));
    }
    test_is_wrong(span, files)
}

/// The whole rule.
fn threats(files: &[File]) -> Vec<Finding> {
    let attacks = (1..=ATTACKS).map(|number| number.to_string());
    let faults = (1..=FAULTS).map(|number| format!("F{number}"));
    DOCUMENT.findings(files, attacks.chain(faults))
}

mod tests {
    use super::super::repository::{files, none};
    use super::*;

    #[test]
    fn every_threat_has_a_true_row() {
        none(threats(&files()));
    }

    const ROW: &str = "happens | follows | `tcp/input.rs f` | `tests/x.rs::t` |";

    /// The document as it would be with this row for `number`.
    fn found(number: &str, other: &str) -> Vec<String> {
        let faults = (1..=FAULTS).map(|fault| format!("F{fault}"));
        let all = (1..=ATTACKS).map(|attack| attack.to_string()).chain(faults);
        let rows = all.map(|each| match each == number {
            true => other.to_owned(),
            false => format!("| {each} | {ROW}\n"),
        });
        let files = [
            File::sample(DOCUMENT.path, &rows.collect::<String>()),
            File::sample("src/tcp/input.rs", "fn f() {}"),
            File::sample("tests/x.rs", "#[test] fn t() {} fn helper() {}"),
            File::sample(
                "tests/netns/y.rs",
                "in_both_families![lost]; fn lost(lab: &Lab) {}",
            ),
        ];
        let findings = threats(&files);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_row_that_is_missing_or_misplaced_is_found() {
        assert_eq!(found("", ""), [""; 0]);
        assert_eq!(found("F24", ""), ["no row for F24"]);
        assert_eq!(
            found("F24", &format!("| F25 | {ROW}\n")),
            ["F25 does not stand here"]
        );
        assert_eq!(
            found("F24", &format!("| F24 | more | {ROW}\n"))[0],
            "a row of 6 cells"
        );
        assert_eq!(
            found("7", &format!("| 7 | {ROW}\n").repeat(2))[0],
            "7 does not stand here"
        );
    }

    #[test]
    fn a_row_that_names_what_is_not_there_is_found() {
        let with = |code: &str, tests: &str| {
            found(
                "7",
                &format!("| 7 | happens | follows | {code} | {tests} |\n"),
            )
        };
        let code = "`tcp/input.rs f`";
        assert_eq!(
            with(code, "`tests/x.rs::t`, `tests/netns/y.rs::lost`"),
            [""; 0]
        );
        assert_eq!(with("`tcp/input.rs g`", "`tests/x.rs::t`").len(), 1);
        assert_eq!(
            with(code, "`tests/x.rs::helper`"),
            ["7: tests/x.rs has no test `helper`"]
        );
        assert_eq!(with(code, "`tests/netns/y.rs::found`").len(), 1);
        assert_eq!(with(code, "").len(), 1);
        assert_eq!(with("", "`tests/x.rs::t`").len(), 1);
        assert_eq!(with(code, "none yet").len(), 1);
        assert_eq!(
            found("7", "| 7 | | | `tcp/input.rs f` | `tests/x.rs::t` |\n").len(),
            1
        );
    }
}
