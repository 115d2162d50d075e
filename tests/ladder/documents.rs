//! Keeping `docs/LINKS.md` true: parts of it are written by tests, and compared.

use std::path::{Path, PathBuf};

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn is_blessed() -> bool {
    std::env::var_os("STUBBORN_BLESS").is_some()
}

const RENEW: &str = "to renew it, run\n    STUBBORN_BLESS=1 cargo test --test ladder -- --test-threads 1\nand look at it";

/// The committed file of this name in `docs/` is this text.
pub(super) fn committed(name: &str, text: &str) {
    if is_blessed() {
        std::fs::write(docs(name), text).unwrap();
    }
    let committed = std::fs::read_to_string(docs(name)).unwrap_or_default();
    assert!(
        committed == text,
        "docs/{name} is not what runs show; {RENEW}"
    );
}

/// The part of `docs/LINKS.md` between `<!-- begin: name -->` and `<!-- end -->` is this text.
pub(super) fn excerpt(name: &str, text: &str) {
    let path = docs("LINKS.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- begin: {name} -->\n");
    let (before, rest) = document
        .split_once(&begin)
        .unwrap_or_else(|| panic!("docs/LINKS.md has no place for \"{name}\""));
    let (found, after) = rest.split_once("<!-- end -->").unwrap();
    if is_blessed() {
        let renewed = format!("{before}{begin}{text}\n<!-- end -->{after}");
        std::fs::write(path, renewed).unwrap();
        return;
    }
    assert!(
        found.trim_end() == text,
        "docs/LINKS.md: \"{name}\" is not what runs show; {RENEW}"
    );
}

/// The code that `docs/LINKS.md` shows: the name of the place, the file, and the function.
const CODE: [(&str, &str, &str); 8] = [
    ("stubborn", "src/link/stubborn.rs", "handle_timeouts"),
    ("perfect", "src/link/perfect.rs", "receive"),
    ("perfect FIFO", "src/link/fifo.rs", "receive"),
    ("authenticated", "src/link/authenticated.rs", "receive"),
    ("window: received", "src/link/window/receiver.rs", "on_data"),
    (
        "window: delivered",
        "src/link/window/mod.rs",
        "poll_deliver",
    ),
    ("P", "src/link/detector/perfect.rs", "handle_timeouts"),
    ("◇P", "src/link/detector/eventually.rs", "handle_timeouts"),
];

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A method of a source file, as it stands there, without the indentation of its `impl`.
fn method(path: &str, name: &str) -> String {
    let text = source(path);
    let mut lines = text.lines();
    let begins = |line: &&str| {
        line.trim_start()
            .replace("pub(super) ", "")
            .starts_with(&format!("fn {name}("))
    };
    let first = lines
        .find(begins)
        .unwrap_or_else(|| panic!("no fn {name} in {path}"));
    let mut method = vec![first];
    for line in lines {
        method.push(line);
        if line == "    }" {
            break;
        }
    }
    let unindented = method
        .iter()
        .map(|line| line.strip_prefix("    ").unwrap_or(line));
    unindented.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_code_of_the_document_is_the_code() {
    for (name, path, function) in CODE {
        let text = format!("```rs\n// {path}\n{}\n```", method(path, function));
        excerpt(&format!("code of {name}"), &text);
    }
}

/// Every test that the document names, as `file.rs::function`, is there.
#[test]
fn the_tests_of_the_document_are_there() {
    let document = std::fs::read_to_string(docs("LINKS.md")).unwrap();
    let named: Vec<(&str, &str)> = document
        .split('`')
        .filter_map(|word| word.split_once(".rs::"))
        .collect();
    assert!(named.len() > 20, "{} tests", named.len());
    for (file, function) in named {
        let text = source(&format!("{file}.rs"));
        let is_there = text.contains(&format!("fn {function}("));
        assert!(is_there, "docs/LINKS.md names {file}.rs::{function}");
    }
}
