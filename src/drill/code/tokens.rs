//! The words of code.

use super::trouble::{Trouble, unknown};
use super::value::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Number(Value),
    Name(String),
    Text(String),
    Mark(&'static str),
}

/// The longest first.
const MARKS: [&str; 29] = [
    "==", "!=", "<=", ">=", "//", "<<", ">>", "**", "<", ">", "&", "|", "^", "~", "+", "-", "*",
    "/", "%", "(", ")", "[", "]", "{", "}", ",", "=", ":", ".",
];

/// The following lines are indented further than the one before, which ends with a `:`.
pub(super) const INDENT: &str = "more to the right";
/// The indented lines end.
pub(super) const DEDENT: &str = "no more to the right";

/// The most tokens of a piece of code.
const MAX_TOKENS: usize = 100_000;

pub(super) fn scan(code: &str) -> Result<Vec<Token>, Trouble> {
    let mut tokens = Vec::new();
    let mut rest = code;
    let mut depth = 0u32;
    // The indentation of the lines of each open block.
    let mut blocks: Vec<usize> = Vec::new();
    while let Some(first) = rest.chars().next() {
        let after = rest[first.len_utf8()..].chars().next();
        let begins_number =
            first.is_ascii_digit() || first == '.' && after.is_some_and(|c| c.is_ascii_digit());
        let (token, len) = match first {
            '\n' if depth == 0 => {
                let (between, next) = next_line(&rest[1..]);
                end_line(&mut tokens, &mut blocks, next);
                (None, 1 + between)
            }
            ';' => (Some(Token::Mark(";")), 1),
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            '\\' if after == Some('\n') => (None, 2),
            c if c.is_whitespace() => (None, c.len_utf8()),
            '"' | '\'' => {
                let (text, len) = quoted(rest, first)?;
                (Some(text), len)
            }
            // A string with values in braces can only be a message.
            'f' | 'r' | 'b' | 'u' if matches!(after, Some('"' | '\'')) => {
                let (text, len) = quoted(&rest[1..], after.unwrap_or(first))?;
                (Some(text), len + 1)
            }
            _ if begins_number => {
                let len = length_of_number(rest);
                let text = &rest[..len];
                let value = Value::read(text);
                let value = value.ok_or_else(|| unknown(&format!("the number {text} in code")))?;
                (Some(Token::Number(value)), len)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let len = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                (Some(Token::Name(rest[..len].to_owned())), len)
            }
            _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => (Some(Token::Mark(mark)), mark.len()),
                None => return Err(unknown(&format!("'{first}' in code"))),
            },
        };
        match token {
            Some(Token::Mark("(" | "[" | "{")) => depth += 1,
            Some(Token::Mark(")" | "]" | "}")) => depth = depth.saturating_sub(1),
            _ => {}
        }
        tokens.extend(token);
        if tokens.len() > MAX_TOKENS {
            return Err(unknown("code that is too long"));
        }
        rest = &rest[len..];
    }
    tokens.extend(blocks.iter().map(|_| Token::Mark(DEDENT)));
    Ok(tokens)
}

/// How many octets the blank and comment lines that come next have, and the indentation of the line after
/// them.
fn next_line(text: &str) -> (usize, usize) {
    let mut between = 0;
    for line in text.split_inclusive('\n') {
        let inner = line.trim_start();
        if !inner.is_empty() && !inner.starts_with('#') {
            return (between, line.len() - inner.len());
        }
        between += line.len();
    }
    (between, 0)
}

/// Ends a line, given the indentation of the next. Indentation counts after a `:`, as long as the lines of
/// that block last.
fn end_line(tokens: &mut Vec<Token>, blocks: &mut Vec<usize>, next: usize) {
    if tokens.last() == Some(&Token::Mark(":")) && next > blocks.last().copied().unwrap_or(0) {
        blocks.push(next);
        tokens.push(Token::Mark(INDENT));
        return;
    }
    tokens.push(Token::Mark("\n"));
    while blocks.last().is_some_and(|block| next < *block) {
        blocks.pop();
        tokens.push(Token::Mark(DEDENT));
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A string, and its length with the quotes.
fn quoted(rest: &str, quote: char) -> Result<(Token, usize), Trouble> {
    let end = rest[1..].find(quote);
    let end = end.ok_or_else(|| unknown("a string without an end"))?;
    Ok((Token::Text(rest[1..=end].to_owned()), end + 2))
}

/// Digits and letters, a point, and the sign of an exponent.
fn length_of_number(rest: &str) -> usize {
    let is_hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
    let mut last = '0';
    for (at, c) in rest.char_indices() {
        let is_sign = matches!(c, '+' | '-') && matches!(last, 'e' | 'E') && !is_hexadecimal;
        if !is_word(c) && c != '.' && !is_sign {
            return at;
        }
        last = c;
    }
    rest.len()
}
