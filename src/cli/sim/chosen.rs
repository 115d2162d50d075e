//! Which scenario to run: one of the catalogue, or a file.

use std::fs;
use std::hash::Hasher;

use anyhow::{Context, anyhow, bail};
use siphasher::sip::SipHasher13;
use stubborn::sim::scenario::{Builtin, CATALOGUE, Plan, find};
use stubborn::sim::{Scenario, World};

use super::file;

/// The scenario that the command line names.
pub(super) struct Chosen {
    /// What the command line said: a replay needs the same words.
    pub(super) argument: String,
    /// Identifies the scenario in a report.
    pub(super) identity: String,
    kind: Kind,
}

enum Kind {
    Builtin(&'static Builtin),
    File(Box<Plan>),
}

impl Chosen {
    /// A name of the catalogue, or the path of a TOML file.
    pub(super) fn new(argument: &str) -> anyhow::Result<Chosen> {
        let chosen = |identity, kind| Chosen {
            argument: argument.to_owned(),
            identity,
            kind,
        };
        if let Some(builtin) = find(argument) {
            return Ok(chosen(argument.to_owned(), Kind::Builtin(builtin)));
        }
        if !argument.ends_with(".toml") {
            bail!(unknown(argument));
        }
        let text =
            fs::read_to_string(argument).with_context(|| format!("cannot read {argument}"))?;
        let plan = file::parse(&text).map_err(|error| anyhow!("{argument}:{error}"))?;
        let mut hasher = SipHasher13::new();
        hasher.write(text.as_bytes());
        let identity = format!("{argument} ({:016x})", hasher.finish());
        Ok(chosen(identity, Kind::File(Box::new(plan))))
    }
}

impl Scenario for Chosen {
    fn build(&self, world: &mut World) {
        match &self.kind {
            Kind::Builtin(builtin) => builtin.build(world),
            Kind::File(plan) => plan.build(world),
        }
        world.named(&self.argument);
    }
}

fn unknown(name: &str) -> String {
    let near = CATALOGUE
        .iter()
        .map(|builtin| (distance(name, builtin.name), builtin.name))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match near {
        Some((_, near)) => format!("no scenario is called '{name}': a similar one is '{near}'"),
        None => format!(
            "no scenario is called '{name}': `stubborn sim --list` has the names, and a file ends \
             in .toml"
        ),
    }
}

/// The edit distance: how many letters must be inserted, deleted or replaced to turn
/// one word into the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, same) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *same);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_offered() {
        assert_eq!(
            unknown("losy"),
            "no scenario is called 'losy': a similar one is 'lossy'"
        );
        assert!(unknown("something").contains("--list"));
    }

    #[test]
    fn distances() {
        for (one, other, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("abc", "abd", 1),
            ("abc", "ac", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
