//! `for NAME in A B C; do COMMANDS; done`, written out.

/// The most words of a `for`.
const MOST_ROUNDS: usize = 1_000;

/// A text without its `for`; `None` if one is not understood.
pub(super) fn unroll(text: &str) -> Option<String> {
    let Some(at) = beginning(text) else {
        return Some(text.to_owned());
    };
    let (before, rest) = text.split_at(at);
    let (head, rest) = split_at_word(rest, "do")?;
    let (body, after) = split_at_word(rest, "done")?;
    let mut words = head.split_whitespace();
    let (Some("for"), Some(name), Some("in")) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_plain = |word: &str| word.chars().all(|c| is_name(c) || "./:-".contains(c));
    let words: Vec<&str> = words.map(|word| word.trim_matches(';')).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let is_known = name.chars().all(is_name)
        && words.iter().all(|word| is_plain(word))
        && words.len() <= MOST_ROUNDS
        && beginning(body).is_none();
    if !is_known {
        return None;
    }
    let rounds = words.iter().map(|word| with(body, name, word));
    let rounds: Vec<String> = rounds.collect();
    Some(format!("{before}{}{}", rounds.concat(), unroll(after)?))
}

/// Where a `for` begins a statement.
fn beginning(text: &str) -> Option<usize> {
    text.match_indices("for ").map(|(at, _)| at).find(|at| {
        let before = text[..*at].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', ';', '&'])
    })
}

/// What stands before a word that begins a statement, and behind it.
fn split_at_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let found = text.match_indices(word).find(|(at, _)| {
        let before = text[..*at].trim_end_matches([' ', '\t']);
        let after = &text[at + word.len()..];
        before.ends_with(['\n', ';'])
            && (after.is_empty() || after.starts_with([' ', '\t', '\n', ';']))
    });
    let (at, _) = found?;
    Some((&text[..at], &text[at + word.len()..]))
}

/// A text where `$NAME` and `${NAME}` are a word.
fn with(text: &str, name: &str, word: &str) -> String {
    let text = text.replace(&format!("${{{name}}}"), word);
    let variable = format!("${name}");
    let mut parts = text.split(&variable[..]);
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A longer name is another one.
        let is_longer = part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        made += if is_longer { &variable } else { word };
        made += part;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_written_out() {
        let same = "sysctl -q a=1; ss | grep for x";
        assert_eq!(unroll(same).as_deref(), Some(same));
        let made = unroll("a; for x in 1 2; do b $x ${x}y $xy; done; c").unwrap();
        assert_eq!(made, "a;  b 1 1y $xy;  b 2 2y $xy; ; c");
        let made = unroll("for x in 1\ndo\n  b $x\ndone\nfor y in 2; do c $y; done").unwrap();
        assert_eq!(made, "\n  b 1\n\n c 2; ");
    }

    #[test]
    fn what_is_no_loop_is_not_understood() {
        for text in [
            "for x in 1 2; do b",
            "for x in $(seq 3); do b; done",
            "for x; do b; done",
            "for x in 1; do for y in 2; do b; done; done",
        ] {
            assert_eq!(unroll(text), None, "{text}");
        }
    }
}
