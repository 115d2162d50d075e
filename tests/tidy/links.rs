//! What the documents point to is there: relative links with their anchors, and paths.

use super::repository::{File, Finding};

/// Where the paths that a document names begin.
const ROOTS: [&str; 9] = [
    "src/",
    "tests/",
    "scripts/",
    "docs/",
    "benches/",
    "examples/",
    "fuzz/",
    ".ci/",
    "./",
];

/// Files of the root that a document may name.
const TOP: [&str; 4] = ["Cargo.toml", "Cargo.lock", "README.md", "clippy.toml"];

fn is_document(file: &File) -> bool {
    file.path == "README.md" || (file.path.starts_with("docs/") && file.path.ends_with(".md"))
}

/// The targets of the links of a line: what is between `](` and `)`.
fn targets(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.trim())
        .collect()
}

/// A path without `.` and `..`; `None` if it leaves the repository.
fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn exists(path: &str, files: &[File], others: &dyn Fn(&str) -> bool) -> bool {
    let folder = format!("{path}/");
    files
        .iter()
        .any(|file| file.path == path || file.path.starts_with(&folder))
        || others(path)
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn has_anchor(path: &str, name: &str, files: &[File]) -> bool {
    files
        .iter()
        .filter(|file| file.path == path)
        .flat_map(|file| file.text.lines())
        .any(|line| line.starts_with('#') && anchor(line) == name)
}

fn link_is_wrong(
    file: &File,
    target: &str,
    files: &[File],
    others: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, name) = target.split_once('#').unwrap_or((target, ""));
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = match path {
        "" => Some(file.path.clone()),
        path => normal(&format!("{folder}/{path}")),
    };
    let found = path
        .as_deref()
        .is_some_and(|path| exists(path, files, others));
    if !found {
        return Some(format!("the link to {target} leads nowhere"));
    }
    let path = path.unwrap_or_default();
    (!name.is_empty() && !has_anchor(&path, name, files))
        .then(|| format!("{path} has no heading #{name}"))
}

/// The paths that a line names: words in code spans, and all words of a fenced line.
fn named_paths(line: &str, is_fenced: bool) -> Vec<&str> {
    let texts: Vec<&str> = match is_fenced {
        true => vec![line],
        false => line.split('`').skip(1).step_by(2).collect(),
    };
    texts
        .iter()
        .flat_map(|text| text.split([' ', ',', '(', ')', '"', '\'', ';', '|', '=']))
        .map(|word| word.split("::").next().unwrap_or(word))
        .map(|word| word.split(':').next().unwrap_or(word))
        .map(|word| word.trim_end_matches(['.', '…']))
        .filter(|word| TOP.contains(word) || ROOTS.iter().any(|root| word.starts_with(root)))
        .filter(|word| !ROOTS.contains(word) && !word.contains(['*', '<', '{', '…', '$']))
        .collect()
}

/// Every link and every path of the documents leads somewhere. `others` knows the files that are
/// not text.
fn leads(files: &[File], others: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mend = "name what is there, from the document (a link) or from the root (a path)";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_document(file)) {
        let mut is_fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                is_fenced = !is_fenced;
                continue;
            }
            let links = if is_fenced { Vec::new() } else { targets(line) };
            for target in links {
                let what = link_is_wrong(file, target, files, others);
                findings.extend(what.map(|what| file.finding(index + 1, what, mend)));
            }
            for word in named_paths(line, is_fenced) {
                let path = normal(word).unwrap_or_default();
                let made = path.starts_with("target/");
                if !made && !exists(&path, files, others) {
                    let what = format!("there is no {word}");
                    findings.push(file.finding(index + 1, what, mend));
                }
            }
        }
    }
    findings
}

mod tests {
    use super::super::repository::{files, none, root};
    use super::*;

    #[test]
    fn the_documents_lead_somewhere() {
        none(leads(&files(), &|path| root().join(path).exists()));
    }

    fn found(text: &str) -> Vec<String> {
        let files = [
            File::sample("docs/a.md", text),
            File::sample("docs/b.md", "# The `one` state, drawn\n"),
            File::sample("src/tcp/mod.rs", ""),
            File::sample("Cargo.toml", ""),
        ];
        leads(&files, &|path| path == "docs/state.png")
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        assert_eq!(
            found("\n[b](b.md) [c](c.md)"),
            ["2: the link to c.md leads nowhere"]
        );
        assert_eq!(
            found("[t](../src/tcp) ![s](state.png) [w](https://x.org)"),
            [""; 0]
        );
        assert_eq!(found("[t](../../src/tcp)").len(), 1);
        assert_eq!(
            found("# Here\n[b](b.md#the-one-state-drawn) [h](#here)"),
            [""; 0]
        );
        assert_eq!(
            found("[b](b.md#other)"),
            ["1: docs/b.md has no heading #other"]
        );
        assert_eq!(found("```\nx[i](j)\n```"), [""; 0]);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_found() {
        assert_eq!(
            found("see `src/tcp/mod.rs:12`, `src/tcp`, `Cargo.toml`"),
            [""; 0]
        );
        assert_eq!(
            found("see `src/udp/mod.rs`"),
            ["1: there is no src/udp/mod.rs"]
        );
        assert_eq!(
            found("```\nscripts/demo --shell\n```"),
            ["2: there is no scripts/demo"]
        );
        assert_eq!(
            found("`tests/x.rs::figure_6`"),
            ["1: there is no tests/x.rs"]
        );
        assert_eq!(found("`src/<module>/mod.rs`, src/udp, `a/src/x`"), [""; 0]);
    }
}
