//! Nothing is left for later, nothing is switched off.

use proc_macro2::TokenTree;

use super::repository::{File, Finding};
use super::rust;

/// Words that say "later", spelled so that this file does not say them.
const MARKS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
];

/// Macros that stand for code that is not there, or was for looking at.
const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Files whose bodies are still to come. A file that has no such macro any more must go from
/// this list: an exception does not outlive its reason.
const TO_COME: [&str; 0] = [];

/// Whether `word` stands in `text` on its own.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}

/// No text says that something is left to do.
fn marks(files: &[File]) -> Vec<Finding> {
    let mend = "do it, or write an issue and leave the text whole";
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(mark) = MARKS.iter().find(|mark| has_word(line, mark)) {
                findings.push(file.finding(index + 1, format!("says {mark}"), mend));
            }
        }
    }
    findings
}

fn stand_ins(file: &File) -> Vec<Finding> {
    let row = rust::flat(&rust::tokens(file));
    row.windows(2)
        .filter(|pair| rust::is_punct(pair.get(1), '!'))
        .filter(|pair| MACROS.iter().any(|name| rust::is_word(pair.first(), name)))
        .map(|pair| {
            let what = format!("`{}!` stands in for code", pair[0]);
            file.finding(
                rust::line(&pair[0]),
                what,
                "write the code, or leave the item out",
            )
        })
        .collect()
}

/// No macro stands in for code.
fn macros(files: &[File], to_come: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let mut found = stand_ins(file);
        if !to_come.contains(&file.path.as_str()) {
            findings.append(&mut found);
        } else if found.is_empty() {
            let what = "nothing is left to come in this file";
            let mend = "take it out of TO_COME (tests/tidy/unfinished.rs)";
            findings.push(file.finding(1, what, mend));
        }
    }
    findings
}

fn switched_off(words: &[String]) -> Option<&'static str> {
    let has = |word: &str| words.iter().any(|other| other == word);
    let first = words.first().map_or("", String::as_str);
    if first == "ignore" || (first == "cfg_attr" && has("ignore")) {
        return Some("an ignored test");
    }
    let lints_off = has("allow") || has("expect");
    (lints_off && (has("dead_code") || has("unused"))).then_some("dead code kept alive")
}

/// What several test programs share. None of them need use all of it, which the compiler, who
/// sees one program at a time, takes for dead code: [`helpers`] looks at all of them.
const SHARED: &str = "tests/support/";

/// No test is ignored, no dead code is kept.
fn attributes(files: &[File]) -> Vec<Finding> {
    let mend = "let the test run and mend what it finds; delete what nothing uses";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let mut levels = vec![rust::tokens(file)];
        while let Some(tokens) = levels.pop() {
            for (at, token) in tokens.iter().enumerate() {
                if let TokenTree::Group(group) = token {
                    levels.push(rust::inside(group));
                }
                let words = rust::attribute(&tokens, at).map(rust::attribute_words);
                let is_shared =
                    |what: &str| what.starts_with("dead") && file.path.starts_with(SHARED);
                let found = words.as_deref().and_then(switched_off);
                if let Some(what) = found.filter(|what| !is_shared(what)) {
                    findings.push(file.finding(rust::line(token), what, mend));
                }
            }
        }
    }
    findings
}

/// Every public function that tests share is named by some other file of the tests.
fn helpers(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(SHARED)) {
        let row = rust::flat(&rust::tokens(file));
        for (at, token) in row.iter().enumerate() {
            let at = at + 1 + usize::from(rust::is_word(row.get(at + 1), "const"));
            let is_public = rust::is_word(Some(token), "pub") && rust::is_word(row.get(at), "fn");
            let Some(name) = row.get(at + 1).filter(|_| is_public) else {
                continue;
            };
            let is_used = files
                .iter()
                .filter(|other| other.path.starts_with("tests/") && other.path != file.path)
                .any(|other| has_word(&other.text, &name.to_string()));
            if !is_used {
                let what = format!("no test uses `{name}`");
                let mend = "delete it, or make it private";
                findings.push(file.finding(rust::line(token), what, mend));
            }
        }
    }
    findings
}

mod tests {
    use super::super::repository::{files, in_sample, none};
    use super::*;

    #[test]
    fn nothing_is_left_to_do() {
        none(marks(&files()));
    }

    #[test]
    fn no_macro_stands_in_for_code() {
        none(macros(&files(), &TO_COME));
    }

    #[test]
    fn no_test_is_ignored_and_no_dead_code_kept() {
        none(attributes(&files()));
    }

    #[test]
    fn what_tests_share_is_used() {
        none(helpers(&files()));
    }

    #[test]
    fn every_mark_is_found_and_only_as_a_word() {
        for mark in MARKS {
            let text = format!("\n# {mark}: later\n");
            let found = in_sample(marks, "scripts/demo", &text);
            assert_eq!(found, [format!("2: says {mark}")]);
            let part = format!("mktemp /tmp/{mark}{mark}\n");
            assert_eq!(in_sample(marks, "scripts/demo", &part), [""; 0]);
        }
    }

    #[test]
    fn every_stand_in_is_found_unless_it_is_expected() {
        let to_come = |files: &[File]| macros(files, &["src/x.rs"]);
        let nothing = |files: &[File]| macros(files, &[]);
        for name in MACROS {
            let text = format!("// {name}!\nfn f() {{ g({name}!()) }}");
            let found = in_sample(nothing, "src/x.rs", &text);
            assert_eq!(found, [format!("2: `{name}!` stands in for code")]);
            assert_eq!(in_sample(to_come, "src/x.rs", &text), [""; 0]);
        }
        let found = in_sample(to_come, "src/x.rs", "fn f() { g() }");
        assert_eq!(found, ["1: nothing is left to come in this file"]);
    }

    #[test]
    fn what_is_switched_off_is_found() {
        let found = |text: &str| in_sample(attributes, "tests/x.rs", text);
        let ignored = ["1: an ignored test"];
        assert_eq!(found("#[test] #[ignore] fn f() {}"), ignored);
        assert_eq!(found("mod m { #[ignore = \"slow\"] fn f() {} }"), ignored);
        assert_eq!(found("#[cfg_attr(miri, ignore)] fn f() {}"), ignored);
        let dead = ["1: dead code kept alive"];
        assert_eq!(found("#[allow(dead_code)] fn f() {}"), dead);
        assert_eq!(found("#![allow(unused)]"), dead);
        assert_eq!(found("#[expect(dead_code)] fn f() {}"), dead);
        assert_eq!(
            found("#[allow(unsafe_code)] #[must_use] fn f() {}"),
            [""; 0]
        );
        let shared = |text: &str| in_sample(attributes, "tests/support/x.rs", text);
        assert_eq!(shared("#![allow(dead_code)]"), [""; 0]);
        assert_eq!(shared("#[test] #[ignore] fn f() {}"), ignored);
    }

    #[test]
    fn a_helper_that_no_test_uses_is_found() {
        let shared = File::sample(
            "tests/support/x.rs",
            "impl S {\npub fn a() { self.b() }\npub const fn b() {}\nfn c() {}\n}",
        );
        let test = |text: &str| File::sample("tests/y.rs", text);
        let found = |text: &str| helpers(&[shared.clone(), test(text)]).len();
        assert_eq!(found("fn t() { s.a().b(); }"), 0);
        assert_eq!(found("fn t() { s.a(); }"), 1);
        assert_eq!(found("fn t() { s.ab(); }"), 2);
    }
}
