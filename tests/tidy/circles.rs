//! Files that name each other in a circle can only be understood together, so there are none but
//! those around one control block.

use std::collections::{BTreeMap, BTreeSet};

use super::repository::{File, Finding};
use super::rust::{self, Named};

/// A module, as its path from the root of the crate.
type Module = Vec<String>;

/// Which module names which, and on which line first.
type Arrows = BTreeMap<Module, BTreeMap<Module, usize>>;

/// The folder whose own files may be in circles: RFC 9293 §3.10 is one procedure on one value, the control
/// block, and these files are its steps.
const AROUND_ONE_VALUE: &str = "tcp";

/// The module that a path of `module` leads into, if it is one of `modules`.
fn target(module: &Module, named: &Named, modules: &BTreeSet<Module>) -> Option<Module> {
    let climbs = named.segments.iter().take_while(|name| *name == "super");
    let climbs = climbs.count();
    let (base, rest) = match named.segments[0].as_str() {
        "crate" => (&[][..], &named.segments[1..]),
        "super" => {
            let height = (module.len() + named.depth).checked_sub(climbs)?;
            (module.get(..height)?, &named.segments[climbs..])
        }
        _ => (&module[..], &named.segments[..]),
    };
    (1..=rest.len())
        .rev()
        .map(|len| [base, &rest[..len]].concat())
        .find(|path| modules.contains(path))
}

/// Whether a file is one of that folder, and of no folder in it.
fn is_around_one_value(module: &Module) -> bool {
    matches!(&module[..], [folder, _] if folder == AROUND_ONE_VALUE)
}

/// The arrows between files. What the files of a folder share is in its `mod.rs`: that they name it is
/// none.
fn arrows(files: &[File]) -> Arrows {
    let product = || files.iter().filter(|file| file.is_product());
    let modules: BTreeSet<Module> = product()
        .map(|file| rust::module_path(&file.path))
        .collect();
    let mut arrows = Arrows::new();
    for file in product() {
        let module = rust::module_path(&file.path);
        for named in rust::paths(&rust::product_tokens(file, files)) {
            let Some(to) = target(&module, &named, &modules) else {
                continue;
            };
            let is_of_one_value = is_around_one_value(&module) && is_around_one_value(&to);
            if !module.starts_with(&to) && !is_of_one_value {
                let from = arrows.entry(module.clone()).or_default();
                from.entry(to).or_insert(named.line);
            }
        }
    }
    arrows
}

/// A circle, if there is one: what names nothing that is left is taken away until nothing changes, and from
/// what remains any way leads around.
fn circle(mut arrows: Arrows) -> Option<Vec<(Module, usize)>> {
    loop {
        let left: BTreeSet<Module> = arrows.keys().cloned().collect();
        for names in arrows.values_mut() {
            names.retain(|name, _| left.contains(name));
        }
        arrows.retain(|_, names| !names.is_empty());
        if arrows.len() == left.len() {
            break;
        }
    }
    let mut way: Vec<(Module, usize)> = Vec::new();
    let mut at = arrows.keys().next()?.clone();
    loop {
        if let Some(begin) = way.iter().position(|(module, _)| *module == at) {
            return Some(way.split_off(begin));
        }
        let (next, line) = arrows[&at].iter().next()?;
        way.push((at, *line));
        at = next.clone();
    }
}

fn circles(files: &[File]) -> Vec<Finding> {
    let Some(circle) = circle(arrows(files)) else {
        return Vec::new();
    };
    let mend = "move what the lower one names into a file below both, or pass the value that it \
                needs instead of its owner";
    let names: Vec<String> = circle.iter().map(|(name, _)| name.join("::")).collect();
    let what = format!("a circle: {}", names.join(" -> "));
    let (module, line) = &circle[0];
    let found = files
        .iter()
        .filter(|file| file.is_product() && rust::module_path(&file.path) == *module);
    found.map(|file| file.finding(*line, &what, mend)).collect()
}

mod tests {
    use super::super::repository::{files, none};
    use super::*;

    #[test]
    fn files_name_each_other_in_no_circle() {
        none(circles(&files()));
    }

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = sources
            .iter()
            .map(|(path, text)| File::sample(path, text))
            .collect();
        let found = circles(&files);
        found
            .iter()
            .map(|it| format!("{}:{}: {}", it.path, it.line, it.what))
            .collect()
    }

    #[test]
    fn a_circle_is_found_however_long() {
        assert_eq!(
            found(&[
                ("src/bsd/mod.rs", "mod a; mod b;"),
                ("src/bsd/a.rs", "\nuse super::b::B;"),
                ("src/bsd/b.rs", "use crate::bsd::a::A;"),
            ]),
            ["src/bsd/a.rs:2: a circle: bsd::a -> bsd::b"]
        );
        assert_eq!(
            found(&[
                ("src/bsd/mod.rs", "mod a; mod b; mod c;"),
                ("src/bsd/top.rs", "use super::a;"),
                ("src/bsd/a.rs", "use super::b::{C, B};"),
                ("src/bsd/b.rs", "fn f() { super::c::deep::f() }"),
                ("src/bsd/c/mod.rs", "use deep::D;"),
                ("src/bsd/c/deep.rs", "use super::super::a::A;"),
            ]),
            ["src/bsd/a.rs:1: a circle: bsd::a -> bsd::b -> bsd::c::deep"]
        );
    }

    #[test]
    fn what_a_folder_shares_and_one_value_make_no_circle() {
        let ladder = [
            ("src/bsd/mod.rs", "mod a; use a::A; struct Calls;"),
            ("src/bsd/a.rs", "use super::Calls; use super::b::B;"),
            (
                "src/bsd/b.rs",
                "#[cfg(test)] mod t { use super::super::a::A; }",
            ),
        ];
        assert_eq!(found(&ladder), [""; 0]);
        let tcb = |folder: &str| {
            let paths = ["a", "b"].map(|name| format!("src/{folder}/{name}.rs"));
            found(&[
                (&paths[0], "use super::b::B;"),
                (&paths[1], "use super::a::A;"),
            ])
        };
        assert_eq!(tcb("tcp"), [""; 0]);
        assert_eq!(tcb("tcp/recovery").len(), 1);
    }
}
