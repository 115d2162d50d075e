//! `docs/BEHAVIOURS.md`: every claim has a row, and every row is true: the code, the tests and the
//! scripts that it names are there.

use super::repository::{File, Finding};
use super::requirements::{code_is_wrong, find, spans};
use super::threats::is_no_test;

const DOCUMENT: &str = "docs/BEHAVIOURS.md";

/// How many claims each section has: their rows stand in order.
const CLAIMS: [usize; 7] = [20, 23, 11, 17, 22, 20, 12];

/// What is wrong with a test that a row names: a function, or a script.
fn is_no_proof(span: &str, files: &[File]) -> Option<String> {
    match span.ends_with(".pkt") {
        true => find(files, span)
            .is_none()
            .then(|| format!("there is no {span}")),
        false => is_no_test(span, files),
    }
}

/// The whole rule.
fn behaviours(files: &[File]) -> Vec<Finding> {
    let Some(file) = find(files, DOCUMENT) else {
        let nowhere = File::sample(DOCUMENT, "");
        return vec![nowhere.finding(1, "the document is missing", "restore it")];
    };
    let mut findings = Vec::new();
    let sections = CLAIMS.iter().zip(1..);
    let mut numbers = sections
        .flat_map(|(claims, section)| (1..=*claims).map(move |claim| format!("{section}.{claim}")));
    for (index, line) in file.text.lines().enumerate() {
        let is_head = line.starts_with("| # |") || line.starts_with("|---");
        if !line.starts_with('|') || is_head {
            continue;
        }
        let mut find = |what: String, mend: &str| {
            findings.push(file.finding(index + 1, what, mend));
        };
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, claim, answer, code, tests] = cells[..] else {
            let mend = "write | # | what is expected | what the stack does | code | tests |";
            find(format!("a row of {} cells", cells.len()), mend);
            continue;
        };
        if numbers.next().as_deref() != Some(number) {
            find(format!("{number} does not stand here"), "claims, in order");
        }
        if claim.is_empty() || answer.is_empty() {
            let mend = "say what is expected, and what happens";
            find(format!("{number} says nothing"), mend);
        }
        let names = "name what is there: `tcp/input.rs check_syn`, `tests/drill/ecn/off.pkt`";
        for (cell, wrong) in [
            (code, code_is_wrong as fn(&str, &[File]) -> Option<String>),
            (tests, is_no_proof),
        ] {
            let (inside, outside) = spans(cell);
            if inside.is_empty() || outside.contains(char::is_alphanumeric) {
                find(format!("{number}: \"{cell}\" is no list of names"), names);
            }
            for what in inside.iter().filter_map(|span| wrong(span, files)) {
                find(format!("{number}: {what}"), names);
            }
        }
    }
    if let Some(missing) = numbers.next() {
        findings.push(file.finding(1, format!("no row for {missing}"), "write it"));
    }
    findings
}

mod tests {
    use super::super::repository::{files, none};
    use super::*;

    #[test]
    fn every_claim_has_a_true_row() {
        none(behaviours(&files()));
    }

    /// The document as it would be with this row in the place of that of 3.2.
    fn found(other: &str) -> Vec<String> {
        let row = "is expected | happens | `tcp/input.rs f` | `tests/x.rs::t` |";
        let mut rows = String::new();
        for (claims, section) in CLAIMS.iter().zip(1..) {
            for claim in 1..=*claims {
                match (section, claim) {
                    (3, 2) => rows += other,
                    _ => rows += &format!("| {section}.{claim} | {row}\n"),
                }
            }
        }
        let files = [
            File::sample(DOCUMENT, &rows),
            File::sample("src/tcp/input.rs", "fn f() {}"),
            File::sample("tests/x.rs", "#[test] fn t() {}"),
            File::sample("tests/drill/a.pkt", ""),
        ];
        let findings = behaviours(&files);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_row_that_is_missing_or_untrue_is_found() {
        let with = |code: &str, tests: &str| {
            found(&format!(
                "| 3.2 | expected | happens | {code} | {tests} |\n"
            ))
        };
        let code = "`tcp/input.rs f`";
        assert_eq!(with(code, "`tests/x.rs::t`, `tests/drill/a.pkt`"), [""; 0]);
        assert_eq!(found("")[0], "3.3 does not stand here");
        assert_eq!(
            with(code, "`tests/drill/b.pkt`"),
            ["3.2: there is no tests/drill/b.pkt"]
        );
        assert_eq!(with(code, "`tests/x.rs::u`").len(), 1);
        assert_eq!(with("`tcp/input.rs g`", "`tests/x.rs::t`").len(), 1);
        assert_eq!(with("", "`tests/x.rs::t`").len(), 1);
        assert_eq!(with(code, "none yet").len(), 1);
        assert_eq!(
            found("| 3.2 | | | `tcp/input.rs f` | `tests/x.rs::t` |\n").len(),
            1
        );
    }
}
