//! `tests/drill-wrong`: scripts that must not pass. The first line of each says what becomes of
//! it: `// fails: LINE: MESSAGE`, `// skips: REASON`, `// is unreadable: LINE:COLUMN: MESSAGE`; the
//! message may go on.

use std::fs;
use std::path::Path;

use stubborn::drill::{Definitions, Profile, Settings, Variant, Verdict, parse, run};

use super::corpus::scripts;

/// What becomes of a script, in the words of its first line.
fn outcome(text: &str) -> String {
    let mut seen = Vec::new();
    for variant in Variant::ALL {
        let definitions = Definitions::of(text, Profile::default(), variant);
        let script = match parse(text, &definitions) {
            Ok(script) => script,
            Err(error) => return format!("is unreadable: {error}"),
        };
        let Some(report) = run(&script, variant, &Settings::default()) else {
            continue;
        };
        seen.push(match report.verdict {
            Verdict::Passed => "passes".to_owned(),
            Verdict::Skipped(reason) => format!("skips: {reason}"),
            Verdict::Failed(failure) => {
                format!("fails: {}: {}", failure.place.line, failure.message)
            }
        });
    }
    seen.dedup();
    seen.join(" and ")
}

#[test]
fn every_wrong_script_is_found_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drill-wrong");
    let mut found = Vec::new();
    scripts(&root, &mut found);
    let mut complaints = Vec::new();
    for path in found {
        let text = fs::read_to_string(&path).expect("a script is text");
        let said = text.lines().next().unwrap_or("").trim_start_matches("// ");
        let outcome = outcome(&text);
        if said.is_empty() || !outcome.starts_with(said) {
            complaints.push(format!("{}\n  {outcome}", path.display()));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
