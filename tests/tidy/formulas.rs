//! The table of formulas in `docs/RECOVERY.md`: every algorithm has tests, and they are there.

use super::repository::{File, Finding};
use super::requirements::{find, spans, test_is_wrong};

const DOCUMENT: &str = "docs/RECOVERY.md";
const HEAD: &str = "| algorithm | § | formula or published example | tests |";

/// The whole rule.
fn formulas(files: &[File]) -> Vec<Finding> {
    let Some(file) = find(files, DOCUMENT) else {
        let nowhere = File::sample(DOCUMENT, "");
        return vec![nowhere.finding(1, "the document is missing", "restore it")];
    };
    let lines = file.text.lines().enumerate();
    let table = lines.skip_while(|(_, line)| *line != HEAD).skip(2);
    let rows: Vec<(usize, &str)> = (table.take_while(|(_, line)| line.starts_with('|')))
        .map(|(index, line)| (index + 1, line))
        .collect();
    if rows.is_empty() {
        return vec![file.finding(1, "no table of formulas", "restore it")];
    }
    let mut findings = Vec::new();
    for (number, row) in rows {
        let mut find = |what: String| {
            let mend = "write | algorithm | § | formula | `tcp/pacing.rs::test`, … |";
            findings.push(file.finding(number, what, mend));
        };
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [algorithm, section, formula, tests] = cells[..] else {
            find(format!("a row of {} cells", cells.len()));
            continue;
        };
        if [algorithm, section, formula].contains(&"") {
            find("a row that says too little".to_owned());
        }
        let (named, outside) = spans(tests);
        if named.is_empty() || outside.contains(char::is_alphanumeric) {
            find(format!("{algorithm}: \"{tests}\" is no list of tests"));
        }
        for what in named.iter().filter_map(|span| test_is_wrong(span, files)) {
            find(format!("{algorithm}: {what}"));
        }
    }
    findings
}

mod tests {
    use super::super::repository::{files, none};
    use super::*;

    #[test]
    fn every_formula_has_true_tests() {
        none(formulas(&files()));
    }

    #[test]
    fn a_row_without_a_test_is_found() {
        let found = |rows: &str| -> Vec<String> {
            let table = format!("{HEAD}\n|---|---|---|---|\n{rows}");
            let files = [
                File::sample(DOCUMENT, &table),
                File::sample("tests/x.rs", "#[test] fn t() {} fn helper() {}"),
            ];
            let findings = formulas(&files);
            findings.into_iter().map(|finding| finding.what).collect()
        };
        assert_eq!(found("| A | 1 | a = b | `tests/x.rs::t` |\n"), [""; 0]);
        assert_eq!(found(""), ["no table of formulas"]);
        assert_eq!(
            found("| A | 1 | a = b | `tests/x.rs::helper` |\n"),
            ["A: tests/x.rs has no test `helper`"]
        );
        assert_eq!(found("| A | 1 | a = b | none |\n").len(), 1);
        assert_eq!(found("| A | 1 | | `tests/x.rs::t` |\n").len(), 1);
        assert_eq!(found("| A | 1 | `tests/x.rs::t` |\n"), ["a row of 3 cells"]);
    }
}
