//! The text of the repository: whole lines, whole files, every source file introduced, and
//! nothing about the machine or the way in which it was written.

use super::repository::{File, Finding};
use super::unfinished::has_word;

/// Places that exist on one machine only, spelled so that this file does not name them.
const PLACES: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

/// Words about how a text came to be.
const WORDS: [&str; 8] = [
    concat!("this ses", "sion"),
    concat!("previous ses", "sion"),
    concat!("ag", "ent"),
    concat!("ag", "ents"),
    concat!("sub", "ag", "ent"),
    concat!("Cla", "ude"),
    concat!("Chat", "GPT"),
    concat!("work", "tree"),
];

/// Where the packages of the lock file come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Lines end where their text ends, files with a newline.
fn lines(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.split('\n').enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                let what = "white space at the end of the line";
                findings.push(file.finding(index + 1, what, "delete it"));
            }
        }
        let count = file.text.lines().count();
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            let what = "no newline at the end of the file";
            findings.push(file.finding(count, what, "end the last line"));
        }
        if file.text.ends_with("\n\n") {
            let what = "empty lines at the end of the file";
            findings.push(file.finding(count, what, "delete them"));
        }
    }
    findings
}

/// Every source file says first what it is.
fn introductions(files: &[File]) -> Vec<Finding> {
    let mend = "begin the file with `//!`: the one idea of the file, in a sentence";
    files
        .iter()
        .filter(|file| file.is_product() && !file.text.starts_with("//! "))
        .map(|file| file.finding(1, "the file does not say what it is", mend))
        .collect()
}

/// No text names one machine, or the way in which it was written.
fn origins(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(place) = PLACES.iter().find(|place| line.contains(**place)) {
                let what = format!("names {place}, a place on one machine");
                let mend = "name it from the root of the repository, or make it with mktemp";
                findings.push(file.finding(index + 1, what, mend));
            }
            // An HTTP header is not ours to name.
            let line = line.replace("User-Agent", "").replace("user-agent", "");
            if let Some(word) = WORDS.iter().find(|word| has_word(&line, word)) {
                let mend = "speak of the stack, its users and its connections";
                findings.push(file.finding(index + 1, format!("says \"{word}\""), mend));
            }
        }
    }
    findings
}

/// The lock file names the public registry and nothing else.
fn sources(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.lock"))
    {
        for (index, line) in file.text.lines().enumerate() {
            let source = line.strip_prefix("source = ");
            if source.is_some_and(|source| source.trim_matches('"') != REGISTRY) {
                let mend = "take the package from crates.io";
                findings.push(file.finding(index + 1, "a package from elsewhere", mend));
            }
        }
    }
    findings
}

mod tests {
    use super::super::repository::{files, in_sample, none};
    use super::*;

    #[test]
    fn lines_and_files_are_whole() {
        none(lines(&files()));
    }

    #[test]
    fn source_files_are_introduced() {
        none(introductions(&files()));
    }

    #[test]
    fn no_text_tells_where_it_came_from() {
        none(origins(&files()));
    }

    #[test]
    fn packages_come_from_the_public_registry() {
        none(sources(&files()));
    }

    #[test]
    fn ragged_lines_and_files_are_found() {
        let found = |text: &str| in_sample(lines, "README.md", text);
        assert_eq!(found("a\nb \nc\t\nd\r\n").len(), 3);
        assert_eq!(found("a\n\nb"), ["3: no newline at the end of the file"]);
        assert_eq!(found("a\n\n"), ["2: empty lines at the end of the file"]);
        assert_eq!(found("a\n\nb\n"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }

    #[test]
    fn a_file_that_is_not_introduced_is_found() {
        let found = |text: &str| in_sample(introductions, "src/x.rs", text).len();
        assert_eq!(found("//! Sequence numbers.\n"), 0);
        assert_eq!(found("// Sequence numbers.\n"), 1);
        assert_eq!(found("use x;\n//! Sequence numbers.\n"), 1);
    }

    #[test]
    fn every_place_and_every_word_is_found() {
        for place in PLACES {
            let text = format!("a\nsee {place}x\n");
            assert_eq!(in_sample(origins, "docs/x.md", &text).len(), 1, "{text}");
        }
        for word in WORDS {
            let text = format!("a\nthe {word}'s\n");
            assert_eq!(in_sample(origins, "src/x.rs", &text).len(), 1, "{text}");
        }
        let header = format!("User-{}: x\nre{}\n", "Agent", WORDS[2]);
        assert_eq!(in_sample(origins, "src/x.rs", &header), [""; 0]);
    }

    #[test]
    fn a_package_from_elsewhere_is_found() {
        let text = format!("source = \"{REGISTRY}\"\nsource = \"git+https://example.org/x\"\n");
        let found = in_sample(sources, "Cargo.lock", &text);
        assert_eq!(found, ["2: a package from elsewhere"]);
    }
}
