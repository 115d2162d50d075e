//! `docs/RFC.md`: every requirement of RFC 9293 has a row, and every row is true; so has every
//! requirement that RFC 1122 §3 makes of the internet layer, and §4.1 of UDP.
//!
//! The list of requirements, with their sections, is in `appendix_b.txt`, in the groups and the
//! order of the appendix (a requirement that it repeats stands where it stands first). Its last
//! group numbers what the text requires in capitals without a number. `internet.txt` and `udp.txt`
//! follow it: the summaries of RFC 1122 §3.5 and §4.1.5, whose requirements have no numbers but
//! ours.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::TokenTree;
use syn::visit::{self, Visit};

use super::repository::{self, File, Finding};
use super::rust;
use super::unfinished::has_word;

const DOCUMENT: &str = "docs/RFC.md";

/// A group of the appendix: its name, and its requirements with their sections.
type Group = (String, Vec<(String, String)>);

/// The requirements of RFC 9293.
fn appendix() -> Vec<Group> {
    groups(include_str!("appendix_b.txt"))
}

/// What RFC 1122 §3, RFC 8200, RFC 4443 and others ask of the internet layer.
fn internet() -> Vec<Group> {
    groups(include_str!("internet.txt"))
}

/// The requirements of RFC 1122 §4.1.
fn udp() -> Vec<Group> {
    groups(include_str!("udp.txt"))
}

/// What is asked of path MTU discovery and of buffers.
fn paths() -> Vec<Group> {
    groups(include_str!("paths.txt"))
}

/// What the RFCs of congestion control ask.
fn congestion() -> Vec<Group> {
    groups(include_str!("congestion.txt"))
}

/// What RFCs beside RFC 9293 ask of the opening of connections.
fn opening() -> Vec<Group> {
    groups(include_str!("opening.txt"))
}

/// What the RFCs of loss recovery ask.
fn recovery() -> Vec<Group> {
    groups(include_str!("recovery.txt"))
}

/// What RFC 3168 and RFC 9768 ask.
fn ecn() -> Vec<Group> {
    groups(include_str!("ecn.txt"))
}

/// All of them, in the order of the document.
fn lists() -> impl Iterator<Item = Group> {
    (appendix().into_iter())
        .chain(internet())
        .chain(udp())
        .chain(paths())
        .chain(congestion())
        .chain(opening())
        .chain(recovery())
        .chain(ecn())
}

fn groups(list: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for line in list.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            groups.push((name.to_owned(), Vec::new()));
            continue;
        }
        let (id, section) = line.split_once(' ').expect("an id and a section");
        let (_, requirements) = groups.last_mut().expect("a group before its first id");
        requirements.push((id.to_owned(), section.to_owned()));
    }
    groups
}

/// A row of the document.
#[derive(Clone, Debug)]
struct Row {
    line: usize,
    group: String,
    id: String,
    section: String,
    asks: String,
    answer: String,
    code: String,
    test: String,
}

/// The rows of the document, and what is wrong with its form.
fn rows(file: &File) -> (Vec<Row>, Vec<Finding>) {
    let mut group = String::new();
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let number = index + 1;
        if let Some(name) = line.strip_prefix("## ") {
            group = name.to_owned();
        }
        let is_head = line.starts_with("| id |") || line.starts_with("|---");
        if !line.starts_with('|') || is_head {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, section, asks, answer, code, test] = cells[..] else {
            let what = format!("a row of {} cells", cells.len());
            let mend = "write | id | § | what it asks | answer | code | test |";
            findings.push(file.finding(number, what, mend));
            continue;
        };
        rows.push(Row {
            line: number,
            group: group.clone(),
            id: id.to_owned(),
            section: section.to_owned(),
            asks: asks.to_owned(),
            answer: answer.to_owned(),
            code: code.to_owned(),
            test: test.to_owned(),
        });
    }
    (rows, findings)
}

/// Every requirement has one row, in its group, in the order of the lists.
fn complete(file: &File, rows: &[Row]) -> Vec<Finding> {
    let mend = "the rows follow tests/tidy/appendix_b.txt, internet.txt, udp.txt, paths.txt, \
                congestion.txt, opening.txt, recovery.txt and ecn.txt: their groups, their order, \
                each id once";
    let mut findings = Vec::new();
    let mut at = 0;
    for (group, requirements) in lists() {
        for (id, section) in requirements {
            let Some(row) = rows.get(at).filter(|row| row.id == id) else {
                let line = rows.get(at).map_or(1, |row| row.line);
                findings.push(file.finding(line, format!("no row for {id} here"), mend));
                return findings;
            };
            if row.group != group {
                let what = format!("{id} stands under \"{}\", not \"{group}\"", row.group);
                findings.push(file.finding(row.line, what, mend));
            }
            if row.section != section {
                let what = format!("{id} is in §{section}, not §{}", row.section);
                findings.push(file.finding(row.line, what, mend));
            }
            at += 1;
        }
    }
    for row in &rows[at..] {
        findings.push(file.finding(row.line, format!("{} is one too many", row.id), mend));
    }
    findings
}

/// What a row answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Done,
    /// Done, but no test would notice if it were not.
    Untested,
    NotTaken,
    DoesNotApply,
}

/// A reason has words; "later" alone is none.
fn reason(text: &str) -> bool {
    text.split_whitespace().count() >= 4
}

fn answer(row: &Row) -> Option<Answer> {
    let text = row.answer.as_str();
    if let Some(why) = text.strip_prefix("not taken: ") {
        return reason(why).then_some(Answer::NotTaken);
    }
    if let Some(why) = text.strip_prefix("does not apply: ") {
        return reason(why).then_some(Answer::DoesNotApply);
    }
    if let Some(how) = text.strip_prefix("no test: ") {
        return reason(how).then_some(Answer::Untested);
    }
    // "done", or "done: how", or "done while opening; …".
    let rest = text.strip_prefix("done")?;
    (rest.is_empty() || rest.starts_with([':', ' ', ';'])).then_some(Answer::Done)
}

/// Every row says what it asks and what we answer; no MUST is merely left out.
fn answered(file: &File, rows: &[Row]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in rows {
        if !reason(&row.asks) {
            let what = format!("{} does not say what it asks", row.id);
            findings.push(file.finding(row.line, what, "say it in a few words of our own"));
        }
        let Some(answer) = answer(row) else {
            let what = format!("{} has no answer", row.id);
            let mend = "begin with \"done\", or \"no test: how\", or \"not taken: why\", or \"does not \
                        apply: why\"";
            findings.push(file.finding(row.line, what, mend));
            continue;
        };
        if answer == Answer::NotTaken && row.id.contains("MUST") {
            let what = format!("{} is not taken", row.id);
            let mend = "do it; or say why it does not apply";
            findings.push(file.finding(row.line, what, mend));
        }
    }
    findings
}

/// What stands between backquotes in a cell, and what stands outside.
pub(super) fn spans(cell: &str) -> (Vec<&str>, String) {
    let inside = cell.split('`').skip(1).step_by(2).collect();
    let outside: Vec<&str> = cell.split('`').step_by(2).collect();
    (inside, outside.concat())
}

/// The names that a file declares: functions, types, constants, and `Type::member`.
#[derive(Default)]
struct Declared {
    names: BTreeSet<String>,
    owner: String,
}

impl Declared {
    fn of(file: &File) -> BTreeSet<String> {
        let parsed = syn::parse_file(&file.text)
            .unwrap_or_else(|error| panic!("{} is not Rust: {error}", file.path));
        let mut declared = Declared::default();
        declared.visit_file(&parsed);
        declared.names
    }

    fn add(&mut self, ident: &syn::Ident) {
        self.names.insert(ident.to_string());
    }

    fn add_member(&mut self, ident: &syn::Ident) {
        self.names.insert(format!("{}::{ident}", self.owner));
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig.ident);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.add(&item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(&item.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.ident);
        self.owner = item.ident.to_string();
        for ident in item.fields.iter().filter_map(|field| field.ident.as_ref()) {
            self.add_member(ident);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.ident);
        self.owner = item.ident.to_string();
        for variant in &item.variants {
            self.add_member(&variant.ident);
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.add(&item.ident);
        self.owner = item.ident.to_string();
        visit::visit_item_trait(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.add(&item.sig.ident);
        self.add_member(&item.sig.ident);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let syn::Type::Path(path) = &*item.self_ty {
            let last = path.path.segments.last();
            self.owner = last.map_or(String::new(), |segment| segment.ident.to_string());
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig.ident);
        self.add_member(&item.sig.ident);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.add_member(&item.ident);
    }
}

pub(super) fn find<'a>(files: &'a [File], path: &str) -> Option<&'a File> {
    files.iter().find(|file| file.path == path)
}

/// What is wrong with `file.rs name`, from `src/`.
pub(super) fn code_is_wrong(span: &str, files: &[File]) -> Option<String> {
    let mut words = span.split_whitespace();
    let path = format!("src/{}", words.next().unwrap_or_default());
    let Some(file) = find(files, &path) else {
        return Some(format!("there is no {path}"));
    };
    let names: Vec<&str> = words.collect();
    if names.is_empty() || !file.is_rust() {
        return Some(format!("`{span}` names no function of {path}"));
    }
    let declared = Declared::of(file);
    let missing = names.iter().find(|name| !declared.contains(**name));
    missing.map(|name| format!("{path} declares no `{name}`"))
}

/// The names of the tests in a Rust file, those that macros make included.
fn tests_of(file: &File) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut levels = vec![rust::tokens(file)];
    while let Some(tokens) = levels.pop() {
        let mut is_test = false;
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                levels.push(rust::inside(group));
                is_test &= group.delimiter() != proc_macro2::Delimiter::Brace;
            }
            let words = rust::attribute(&tokens, at).map(rust::attribute_words);
            is_test |= words.is_some_and(|words| words.last().is_some_and(|last| last == "test"));
            if is_test && rust::is_word(Some(token), "fn") {
                names.extend(tokens.get(at + 1).map(TokenTree::to_string));
            }
        }
    }
    names
}

/// What is wrong with `file.rs::test`, from the root if it is in `tests/` or `scripts/`, else
/// from `src/`; or with a script of `tests/drill`.
pub(super) fn test_is_wrong(span: &str, files: &[File]) -> Option<String> {
    if span.ends_with(".pkt") {
        let missing = find(files, span).is_none();
        return missing.then(|| format!("there is no {span}"));
    }
    let Some((path, name)) = span.split_once("::") else {
        return Some(format!("`{span}` names no test: write file::name"));
    };
    let from_root = path.starts_with("tests/") || path.starts_with("scripts/");
    let path = format!("{}{path}", if from_root { "" } else { "src/" });
    let Some(file) = find(files, &path) else {
        return Some(format!("there is no {path}"));
    };
    let exists = match file.is_rust() {
        true => tests_of(file).contains(name),
        false => has_word(&file.text, name),
    };
    (!exists).then(|| format!("{path} has no test `{name}`"))
}

/// What the rows name exists.
fn true_names(file: &File, rows: &[Row], files: &[File]) -> Vec<Finding> {
    let mend = "name what is there: `tcp/input.rs check_sequence`, `tests/rfc9293.rs::figure_6`";
    let mut findings = Vec::new();
    for row in rows {
        for (cell, wrong) in [
            (
                &row.code,
                code_is_wrong as fn(&str, &[File]) -> Option<String>,
            ),
            (&row.test, test_is_wrong),
        ] {
            let (inside, outside) = spans(cell);
            if outside.contains(char::is_alphanumeric) {
                let what = format!("{}: \"{outside}\" is not a name in backquotes", row.id);
                findings.push(file.finding(row.line, what, mend));
            }
            for what in inside.iter().filter_map(|span| wrong(span, files)) {
                findings.push(file.finding(row.line, format!("{}: {what}", row.id), mend));
            }
        }
    }
    findings
}

/// What is done has code and a test; what has no test has code, and no numbered MUST is so.
fn proven(file: &File, rows: &[Row]) -> Vec<Finding> {
    let names = |cell: &str| !spans(cell).0.is_empty();
    let mut findings = Vec::new();
    for row in rows {
        let what = match answer(row) {
            Some(Answer::Done) if !names(&row.code) || !names(&row.test) => {
                "is done, but names no code or no test"
            }
            Some(Answer::Untested) if !names(&row.code) || names(&row.test) => {
                "has no test, but names no code or a test"
            }
            Some(Answer::Untested) if row.id.contains("MUST") => "has no test",
            _ => continue,
        };
        let what = format!("{} {what}", row.id);
        findings.push(file.finding(row.line, what, "write the test, then name it here"));
    }
    findings
}

/// The whole rule.
fn requirements(files: &[File]) -> Vec<Finding> {
    let Some(file) = find(files, DOCUMENT) else {
        let nowhere = File::sample(DOCUMENT, "");
        return vec![nowhere.finding(1, "the document is missing", "restore it")];
    };
    let (rows, mut findings) = rows(file);
    findings.extend(complete(file, &rows));
    findings.extend(answered(file, &rows));
    findings.extend(true_names(file, &rows, files));
    findings.extend(proven(file, &rows));
    findings
}

/// SHLD-13 and SHLD-23 ask something of applications: the one that is ours keeps to it.
fn application(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let is_program = file.path == "src/main.rs" || file.path.starts_with("src/cli");
        if !is_program || !file.is_rust() {
            continue;
        }
        for token in rust::flat(&rust::tokens(file)) {
            let TokenTree::Ident(ident) = &token else {
                continue;
            };
            let word = ident.to_string();
            let what = match word.to_lowercase() {
                urgent if urgent.contains("urgent") => "urgent data (SHLD-13)",
                set if set == "set_traffic_class" => "a traffic class that changes (SHLD-23)",
                _ => continue,
            };
            let what = format!("`{word}`: the program uses {what}");
            let mend = "an application should not: RFC 9293 §3.8.5, §3.9.2";
            findings.push(file.finding(rust::line(&token), what, mend));
        }
    }
    findings
}

/// The groups and ids of Appendix B, each id where it stands first, from the text of the RFC.
fn appendix_of(rfc: &str) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let mut seen = BTreeSet::new();
    let begin = rfc.find("\nAppendix B.  TCP Requirement Summary\n");
    let table = begin.map_or("", |begin| &rfc[begin..]);
    for line in table.lines().take_while(|line| *line != "Acknowledgments") {
        let cells: Vec<&str> = line.trim().split('|').map(str::trim).collect();
        match cells[..] {
            ["", name, ""] => groups.push((name.to_owned(), Vec::new())),
            ["", _, id, ..] if is_id(id) && seen.insert(id.to_owned()) => {
                groups.last_mut().expect("a group").1.push(id.to_owned());
            }
            _ => {}
        }
    }
    groups.retain(|(_, ids)| !ids.is_empty());
    groups
}

fn is_id(text: &str) -> bool {
    let digits = |number: &str| number.chars().all(|c| c.is_ascii_digit());
    text.split_once('-').is_some_and(|(kind, number)| {
        ["MUST", "SHLD", "MAY", "REC"].contains(&kind) && !number.is_empty() && digits(number)
    })
}

/// The RFC beside the repository, if somebody has put it there.
fn rfc() -> Option<String> {
    repository::root()
        .ancestors()
        .map(|directory: &Path| directory.join("shared/rfc/rfc9293.txt"))
        .find_map(|path| std::fs::read_to_string(path).ok())
}

mod tests {
    use super::super::repository::{files, in_sample, none};
    use super::*;

    #[test]
    fn every_requirement_has_a_true_row() {
        none(requirements(&files()));
    }

    #[test]
    fn the_program_is_an_application_as_the_rfc_asks() {
        none(application(&files()));
    }

    #[test]
    fn the_list_is_the_list_of_the_rfc() {
        let mut groups = appendix();
        let (_, unnumbered) = groups.pop().expect("the last group");
        assert!(unnumbered.iter().all(|(id, _)| id.starts_with("N-")));
        let ids: BTreeSet<String> = groups
            .iter()
            .flat_map(|(_, requirements)| requirements.iter().map(|(id, _)| id.clone()))
            .collect();
        let counts = [("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)];
        for (kind, count) in counts {
            let all = (1..=count).all(|number| ids.contains(&format!("{kind}-{number}")));
            assert!(all, "{kind}-1 to {kind}-{count}");
        }
        assert_eq!(ids.len(), 119);
        if let Some(rfc) = rfc() {
            let bare: Vec<(String, Vec<String>)> = groups
                .into_iter()
                .map(|(name, all)| (name, all.into_iter().map(|(id, _)| id).collect()))
                .collect();
            assert_eq!(bare, appendix_of(&rfc));
        }
    }

    #[test]
    fn the_appendix_is_read_as_it_is_printed() {
        let rfc = "x\nAppendix B.  TCP Requirement Summary\n
    | Feature | ReqID   | MUST | SHOULD |
    | PUSH flag                        |
    +=========+=========+======+========+
    | Queue   | MAY-16  |      |        |
    | data    |         |      |        |
    | Again   | MAY-16  |      |        |
    | Window                           |
    | Handle  | REC-1   |      |   X    |
Acknowledgments\n    | X | MUST-1 | |\n";
        let expected = [("PUSH flag", ["MAY-16"]), ("Window", ["REC-1"])];
        let expected =
            expected.map(|(name, ids)| (name.to_owned(), ids.map(str::to_owned).to_vec()));
        assert_eq!(appendix_of(rfc), expected);
    }

    /// Code and test that are there.
    const CODE: &str = "`tcp/input.rs Tcb`";
    const TEST: &str = "`tests/x.rs::b`";

    /// The document as it would be with these cells in the row of `id`.
    fn document(id: &str, cells: &str) -> String {
        let mut text = String::new();
        let whole = format!("asks a thing or two | done | {CODE} | {TEST} |");
        for (group, requirements) in lists() {
            text += &format!("## {group}\n");
            for (other, section) in requirements {
                let rest = if other == id { cells } else { &whole };
                text += &format!("| {other} | {section} | {rest}\n");
            }
        }
        text
    }

    fn found(text: &str) -> Vec<String> {
        let files = [
            File::sample(DOCUMENT, text),
            File::sample(
                "src/tcp/input.rs",
                "struct Tcb { snd: u8 } impl Tcb { fn check(&self) {} #[test] fn t() {} }",
            ),
            File::sample("tests/x.rs", "p! { #[test] #[a] fn b() {} fn c() {} }"),
            File::sample("scripts/net", "run ping6\n"),
        ];
        let findings = requirements(&files);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_row_that_is_missing_or_misplaced_is_found() {
        let whole = document("", "");
        assert_eq!(found(&whole), [""; 0]);
        assert_eq!(
            found(&document("MUST-1", "asks a thing or two | done | |")),
            ["a row of 5 cells", "no row for MUST-1 here"]
        );
        let row = format!("| REC-1 | 3.1 | asks a thing or two | done | {CODE} | {TEST} |\n");
        assert_eq!(found(&whole.replace(&row, "")), ["no row for REC-1 here"]);
        assert_eq!(
            found(&whole.replace(&row, &row.repeat(2))),
            ["no row for SHLD-14 here"]
        );
        assert_eq!(found(&format!("{whole}{row}")), ["REC-1 is one too many"]);
        assert_eq!(
            found(&whole.replace("| REC-1 | 3.1 |", "| REC-1 | 3.2 |")),
            ["REC-1 is in §3.1, not §3.2"]
        );
        assert!(found(&whole.replace("## Window\n", "")).len() > 1);
    }

    #[test]
    fn a_row_without_an_answer_is_found() {
        let cells = |answer: &str| format!("asks a thing or two | {answer} | | |");
        let no_answer = ["MUST-1 has no answer"];
        assert_eq!(found(&document("MUST-1", &cells(""))), no_answer);
        assert_eq!(found(&document("MUST-1", &cells("doneish"))), no_answer);
        assert_eq!(
            found(&document("MUST-1", &cells("does not apply: no"))),
            no_answer
        );
        let why = "nobody asks for it today";
        assert_eq!(
            found(&document("MAY-1", &cells(&format!("not taken: {why}")))),
            [""; 0]
        );
        assert_eq!(
            found(&document(
                "MUST-1",
                &cells(&format!("does not apply: {why}"))
            )),
            [""; 0]
        );
        assert_eq!(
            found(&document("MUST-1", &cells(&format!("not taken: {why}")))),
            ["MUST-1 is not taken"]
        );
        assert_eq!(
            found(&document("U-MUST-4", &cells(&format!("not taken: {why}")))),
            ["U-MUST-4 is not taken"]
        );
        let short = format!("asks | done | {CODE} | {TEST} |");
        assert_eq!(
            found(&document("MUST-1", &short)),
            ["MUST-1 does not say what it asks"]
        );
    }

    #[test]
    fn a_row_that_names_what_is_not_there_is_found() {
        let with = |code: &str, test: &str| {
            let cells = format!("asks a thing or two | done | {code} | {test} |");
            found(&document("MUST-1", &cells))
        };
        let good = "`tcp/input.rs Tcb::check Tcb::snd check`";
        let tests = "`tcp/input.rs::t`, `tests/x.rs::b`, `scripts/net::ping6`";
        assert_eq!(with(good, tests), [""; 0]);
        assert_eq!(
            with("`tcp/gone.rs f`", TEST),
            ["MUST-1: there is no src/tcp/gone.rs"]
        );
        assert_eq!(
            with("`tcp/input.rs f`", TEST),
            ["MUST-1: src/tcp/input.rs declares no `f`"]
        );
        assert_eq!(with("`tcp/input.rs Tcb::rcv`", TEST).len(), 1);
        assert_eq!(with("`tcp/input.rs`", TEST).len(), 1);
        assert_eq!(with("somewhere", TEST).len(), 2);
        assert_eq!(
            with(CODE, "`tests/x.rs::c`"),
            ["MUST-1: tests/x.rs has no test `c`"]
        );
        assert_eq!(
            with(CODE, "`scripts/net::ping`"),
            ["MUST-1: scripts/net has no test `ping`"]
        );
        assert_eq!(
            with(CODE, "`tests/y.rs::a`"),
            ["MUST-1: there is no tests/y.rs"]
        );
        assert_eq!(with(CODE, "`b`").len(), 1);
    }

    #[test]
    fn a_row_that_proves_nothing_is_found() {
        let with = |answer: &str, code: &str, test: &str| {
            let cells = format!("asks a thing or two | {answer} | {code} | {test} |");
            found(&document("SHLD-14", &cells))
        };
        let nothing = ["SHLD-14 is done, but names no code or no test"];
        assert_eq!(with("done", CODE, TEST), [""; 0]);
        assert_eq!(with("done", "", TEST), nothing);
        assert_eq!(with("done: quite", CODE, ""), nothing);
        assert_eq!(with("not taken: nobody asks for it", "", ""), [""; 0]);
        let untested = "no test: it would take too long";
        assert_eq!(with(untested, CODE, ""), [""; 0]);
        let unnamed = ["SHLD-14 has no test, but names no code or a test"];
        assert_eq!(with(untested, "", ""), unnamed);
        assert_eq!(with(untested, CODE, TEST), unnamed);
        let cells = format!("asks a thing or two | {untested} | {CODE} | |");
        assert_eq!(found(&document("MUST-1", &cells)), ["MUST-1 has no test"]);
    }

    #[test]
    fn an_application_that_does_what_it_should_not_is_found() {
        let found = |text: &str| in_sample(application, "src/cli/echo.rs", text).len();
        assert_eq!(found("fn f() { s.send_urgent(b) }"), 1);
        assert_eq!(found("fn f() { s.set_traffic_class(8) }"), 1);
        assert_eq!(found("// urgent\nfn f() { s.write(b) }"), 0);
    }
}
