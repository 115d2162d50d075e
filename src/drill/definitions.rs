//! `-D NAME=VALUE`: words that stand for something else. Also `#ifdef`.

use std::collections::BTreeMap;

use super::place::{Parsed, Place, SyntaxError};
use super::profile::Profile;
use super::variant::Variant;

/// What a word stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A value in double quotes.
    Text(String),
    /// A value in backquotes.
    Command(String),
    /// A number: decimal, octal or hexadecimal.
    Integer(String),
    /// Anything else.
    Word(String),
}

/// The definitions in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions(BTreeMap<String, Value>);

impl Definitions {
    /// The initial definitions for a script: those of the profile that it asks for, or else of
    /// `profile`.
    pub fn of(text: &str, profile: Profile, variant: Variant) -> Definitions {
        let own = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("--profile="))
            .and_then(Profile::from_name);
        let mut definitions = Definitions::default();
        for (name, value) in own.unwrap_or(profile).definitions(variant) {
            definitions.define(name, value);
        }
        definitions
    }

    /// Defines `name` as `value`: a string if that is in double quotes, a command if in
    /// backquotes, otherwise a number or a word.
    pub fn define(&mut self, name: &str, value: &str) {
        let between = |quote| {
            let rest = value.strip_prefix(quote)?;
            rest.strip_suffix(quote).map(str::to_owned)
        };
        let value = if let Some(text) = between('"') {
            Value::Text(text)
        } else if let Some(text) = between('`') {
            Value::Command(text)
        } else if is_number(value) {
            Value::Integer(value.to_owned())
        } else {
            Value::Word(value.to_owned())
        };
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether `name` is defined.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit()),
        None => !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()),
    }
}

/// Removes what the script's `#ifdef` leaves out; every other character keeps its place.
pub(super) fn preprocess(text: &str, definitions: &Definitions) -> Parsed<Vec<char>> {
    let mut kept = Vec::with_capacity(text.len());
    let mut open: Option<(u32, bool)> = None;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index as u32 + 1;
        let error = |message: &str| {
            let place = Place {
                line: number,
                column: 1,
            };
            Err(SyntaxError::new(place, message))
        };
        let mut words = line.split_whitespace();
        let is_directive = match words.next() {
            Some("#ifdef") => match (open, words.next()) {
                (Some(_), _) => return error("an #ifdef inside an #ifdef"),
                (None, None) => return error("an #ifdef without a name"),
                (None, Some(name)) => {
                    open = Some((number, definitions.has(name)));
                    true
                }
            },
            Some("#endif") if open.take().is_none() => return error("an #endif without an #ifdef"),
            Some("#endif") => true,
            _ => false,
        };
        let keep = !is_directive && open.is_none_or(|(_, keep)| keep);
        kept.extend(
            line.chars()
                .map(|c| if keep || c == '\n' { c } else { ' ' }),
        );
    }
    match open {
        Some((line, _)) => Err(SyntaxError::new(
            Place { line, column: 1 },
            "an #ifdef without an #endif",
        )),
        None => Ok(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_may_ask_for_a_profile() {
        let defines_standard = |text| {
            let definitions = Definitions::of(text, Profile::Linux, Variant::Ipv4);
            definitions.has("STANDARD")
        };
        assert!(defines_standard("// A script.\n--profile=freebsd\n"));
        assert!(!defines_standard("// A script.\n--profile=linux\n"));
        assert!(!defines_standard(""));
    }

    #[test]
    fn a_value_is_a_string_a_command_a_number_or_a_word() {
        let rows = [
            ("\"a b\"", Value::Text("a b".to_owned())),
            ("`ls`", Value::Command("ls".to_owned())),
            ("-12", Value::Integer("-12".to_owned())),
            ("0x1F", Value::Integer("0x1F".to_owned())),
            ("12ab", Value::Word("12ab".to_owned())),
        ];
        for (value, expected) in rows {
            let mut definitions = Definitions::default();
            definitions.define("NAME", value);
            assert_eq!(definitions.get("NAME"), Some(&expected));
        }
    }

    #[test]
    fn what_is_not_defined_is_left_out() {
        let text = "a\n#ifdef X\nb\n#endif\n#ifdef Y\nc\n#endif\nd";
        let mut definitions = Definitions::default();
        definitions.define("X", "");
        let kept: String = preprocess(text, &definitions).unwrap().iter().collect();
        assert_eq!(kept.split_whitespace().collect::<Vec<_>>(), ["a", "b", "d"]);
        assert_eq!(kept.len(), text.len());
    }

    #[test]
    fn directives_come_in_pairs() {
        let rows = [
            ("#ifdef A\n#ifdef B\n", "2:1: an #ifdef inside an #ifdef"),
            ("\n#endif", "2:1: an #endif without an #ifdef"),
            ("#ifdef", "1:1: an #ifdef without a name"),
            ("#ifdef A\n", "1:1: an #ifdef without an #endif"),
        ];
        for (text, expected) in rows {
            let error = preprocess(text, &Definitions::default()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
