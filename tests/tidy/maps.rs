//! A module whose documentation maps its files names every one of them, and no others.

use super::repository::{File, Finding};

/// How the table of such a map begins.
const HEADING: &str = "//! | file |";

/// The names in a map, each with its line; none if there is no map. A directory may end in `/`.
fn mapped(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    let rows = lines.skip_while(|(_, line)| !line.starts_with(HEADING));
    rows.take_while(|(_, line)| line.starts_with("//! |"))
        .flat_map(|(at, row)| {
            let names = row.split('|').nth(1).unwrap_or_default();
            let quoted = names.split('`').skip(1).step_by(2);
            quoted.map(move |name| (at + 1, name.trim_end_matches('/')))
        })
        .collect()
}

/// The modules that a file declares, each with its line, but for its tests.
fn declared(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(at, line)| Some((at + 1, declaration(line)?)))
        .collect()
}

/// The module that a line declares.
fn declaration(line: &str) -> Option<&str> {
    let (before, name) = line.strip_suffix(';')?.split_once("mod ")?;
    let is_open = before.is_empty() || before.starts_with("pub");
    (is_open && name != "tests").then_some(name)
}

/// The tables of files that are not complete, or not true.
fn maps(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let (mapped, declared) = (mapped(&file.text), declared(&file.text));
        if mapped.is_empty() {
            continue;
        }
        for (line, name) in &declared {
            if mapped.iter().all(|(_, it)| it != name) {
                let what = format!("`{name}` is not in the table of files");
                findings.push(file.finding(*line, what, "say there what is in it"));
            }
        }
        for (line, name) in &mapped {
            if *name != "mod" && declared.iter().all(|(_, it)| it != name) {
                let what = format!("there is no module `{name}`");
                findings.push(file.finding(
                    *line,
                    what,
                    "delete it from the table, or name what is there",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::repository::{files, in_sample, none};
    use super::*;

    #[test]
    fn every_map_names_every_file() {
        none(maps(&files()));
    }

    #[test]
    fn what_a_map_lacks_or_invents_is_found() {
        let head =
            "//! | file | what |\n//! |---|---|\n//! | `mod`, `a` | x |\n//! | `b/` | y |\n\n";
        let found = |modules: &str| in_sample(maps, "src/tcp/mod.rs", &format!("{head}{modules}"));
        assert!(found("mod a;\npub(crate) mod b;\n#[cfg(test)]\nmod tests;\n").is_empty());
        assert_eq!(
            found("mod a;\nmod b;\nmod c;\n"),
            ["8: `c` is not in the table of files"]
        );
        assert_eq!(found("mod a;\n"), ["4: there is no module `b`"]);
        assert!(
            in_sample(maps, "src/tcp/mod.rs", "mod a;\n").is_empty(),
            "no map"
        );
    }
}
