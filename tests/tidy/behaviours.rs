//! `docs/BEHAVIOURS.md`: every claim has a row, and every row is true: the code, the tests and the
//! scripts that it names are there.

use super::repository::{File, Finding};
use super::rows::Document;
use super::threats::is_no_test;

const DOCUMENT: Document = Document {
    path: "docs/BEHAVIOURS.md",
    row: "write | # | what is expected | what the stack does | code | tests |",
    order: "claims, in order",
    names: "name what is there: `tcp/input.rs check_syn`, `tests/drill/ecn/off.pkt`",
    is_no_test,
};

/// How many claims each section has: their rows stand in order.
const CLAIMS: [usize; 7] = [28, 45, 16, 33, 70, 55, 68];

/// The whole rule.
fn behaviours(files: &[File]) -> Vec<Finding> {
    let sections = CLAIMS.iter().zip(1..);
    let numbers = sections
        .flat_map(|(claims, section)| (1..=*claims).map(move |claim| format!("{section}.{claim}")));
    DOCUMENT.findings(files, numbers)
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
            File::sample(DOCUMENT.path, &rows),
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
