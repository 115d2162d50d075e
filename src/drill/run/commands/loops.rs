//! `for NAME in A B C; do COMMANDS; done`, written out.

/// The most words of a `for`.
const MOST_ROUNDS: usize = 1_000;

/// The most octets of the unrolled text.
const MOST_TEXT: usize = 1 << 20;

/// The text with its loops unrolled; `None` if one is not understood, or the
/// result is too long.
pub(super) fn unroll(text: &str) -> Option<String> {
    let mut made = String::new();
    let mut rest = text;
    while let Some(at) = beginning(rest) {
        let (before, behind) = rest.split_at(at);
        let (head, behind) = split_at_word(behind, "do")?;
        let (body, behind) = split_at_word(behind, "done")?;
        if beginning(body).is_some() {
            return None;
        }
        made += before;
        let (name, words) = read_head(head)?;
        for word in words {
            add_round(&mut made, body, name, word)?;
        }
        rest = behind;
    }
    made += rest;
    Some(made)
}

/// `for NAME in A B C;`: the name, and the words.
fn read_head(head: &str) -> Option<(&str, Vec<&str>)> {
    let mut words = head.split_whitespace();
    let (Some("for"), Some(name), Some("in")) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    let is_plain = |word: &str| word.chars().all(|c| is_name(c) || "./:-".contains(c));
    let words = words.map(|word| word.trim_matches(';'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_known = name.chars().all(is_name)
        && words.iter().all(|word| is_plain(word))
        && words.len() <= MOST_ROUNDS;
    is_known.then_some((name, words))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Where a `for` begins a statement.
fn beginning(text: &str) -> Option<usize> {
    text.match_indices("for ").map(|(at, _)| at).find(|at| {
        let before = text[..*at].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', ';', '&'])
    })
}

/// The text before and after a word that begins a statement.
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

/// Appends the text with `$NAME` and `${NAME}` replaced by a word; `None` if the
/// result is too long.
fn add_round(made: &mut String, text: &str, name: &str, word: &str) -> Option<()> {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        *made += before;
        let braced = behind
            .strip_prefix('{')
            .and_then(|it| it.strip_prefix(name));
        let braced = braced.and_then(|it| it.strip_prefix('}'));
        // A longer name is a different variable.
        let plain = behind
            .strip_prefix(name)
            .filter(|it| !it.starts_with(is_name));
        let is_it = braced.or(plain);
        *made += if is_it.is_some() { word } else { "$" };
        rest = is_it.unwrap_or(behind);
        if made.len() > MOST_TEXT {
            return None;
        }
    }
    *made += rest;
    (made.len() <= MOST_TEXT).then_some(())
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
        let made = unroll("for x in ; do b; done; c $").unwrap();
        assert_eq!(made, "; c $");
        let many = "for x in 1; do a; done;\n".repeat(10_000);
        assert_eq!(unroll(&many).unwrap().matches("a;").count(), 10_000);
        let made = unroll("for x in 1\ndo\n  b $x\ndone\nfor y in 2; do c $y; done").unwrap();
        assert_eq!(made, "\n  b 1\n\n c 2; ");
    }

    #[test]
    fn what_is_no_loop_is_not_understood() {
        let long = "x".repeat(1_000);
        for text in [
            &format!("for x in {long}; do b {}; done", "$x".repeat(2_000)),
            &format!("for x in 1 2 3; do {}; done", "b; ".repeat(200_000)),
            "for x in 1 2; do b",
            "for x in $(seq 3); do b; done",
            "for x; do b; done",
            "for x in 1; do for y in 2; do b; done; done",
        ] {
            assert_eq!(unroll(text), None, "{text}");
        }
    }
}
