//! `constructs.txt` names every construct of the language: each has its script, and each script of
//! the language its construct.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::corpus::scripts;

const TABLE: &str = include_str!("constructs.txt");

/// The file of a script, by its name in the table.
fn file(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    match name.strip_prefix("wrong/") {
        Some(name) => tests.join("drill-wrong").join(name),
        None => tests.join("drill").join(name),
    }
    .with_extension("pkt")
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let lines = TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    lines.filter(|line| !line.starts_with("## ")).map(|line| {
        let mut parts = line.splitn(3, " | ");
        let mut next = || {
            parts
                .next()
                .unwrap_or_else(|| panic!("a row of three: {line}"))
        };
        (next(), next(), next())
    })
}

#[test]
fn every_construct_has_a_script() {
    let mut complaints = Vec::new();
    for (construct, script, words) in rows() {
        let words = words.replace("\\n", "\n");
        match fs::read_to_string(file(script)) {
            Err(_) => complaints.push(format!("{construct}: there is no {script}")),
            Ok(text) if !text.contains(&words) => {
                complaints.push(format!("{construct}: {script} does not have {words:?}"));
            }
            Ok(_) => {}
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_script_of_the_language_has_a_construct() {
    let named: BTreeSet<PathBuf> = rows().map(|(_, script, _)| file(script)).collect();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    scripts(&tests.join("drill/language"), &mut found);
    scripts(&tests.join("drill-wrong"), &mut found);
    let forgotten: Vec<_> = found.iter().filter(|path| !named.contains(*path)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
