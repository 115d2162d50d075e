//! The words of a script: longest match, numbers before words.
//!
//! Tokens are made on demand, because a note in parentheses may contain anything.

use super::definitions::{Definitions, Value};
use super::place::{Parsed, Place, SyntaxError};

/// A token, with its text in the script.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) place: Place,
    /// Where its text begins and ends in the script, in characters.
    pub(super) span: (usize, usize),
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `-? digits* . digits+`
    Float,
    /// `-? digits+`
    Integer,
    /// `0x…`
    Hex,
    /// Letters, digits, `_`; may begin with a digit.
    Word,
    /// `"…"`; the text is between the quotes.
    Text,
    /// `` `…` ``; the text is between the quotes.
    Command,
    /// `%{ … }%`; the text is inside the braces, without blanks at its ends.
    Code,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// `...`
    Ellipsis,
    /// Any other character, alone.
    Mark(char),
    /// The end of the script.
    End,
}

impl Token {
    /// The name of the token in an error.
    pub(super) fn name(&self) -> String {
        match self.kind {
            Kind::End => "the end of the script".to_owned(),
            Kind::Text => format!("\"{}\"", self.text),
            Kind::Command => format!("`{}`", self.text),
            Kind::Code => "code".to_owned(),
            _ => format!("'{}'", self.text),
        }
    }

    pub(super) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// Reads tokens from a text, and can be set back.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a [char],
    /// Where each line begins.
    lines: Vec<usize>,
    at: usize,
    definitions: Definitions,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [char], definitions: &Definitions) -> Lexer<'a> {
        let ends = text.iter().enumerate().filter(|(_, c)| **c == '\n');
        let lines = core::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Lexer {
            text,
            lines: lines.collect(),
            at: 0,
            definitions: definitions.clone(),
        }
    }

    pub(super) fn define(&mut self, name: &str, value: &str) {
        self.definitions.define(name, value);
    }

    /// The position from which the next token is read, in characters.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.wrapping_sub(1)).copied().unwrap_or(0);
        Place {
            line: line as u32,
            column: (at - start) as u32 + 1,
        }
    }

    /// The text from `from` to `to`.
    pub(super) fn slice(&self, from: usize, to: usize) -> String {
        let to = to.min(self.text.len());
        self.text[from.min(to)..to].iter().collect()
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn error(&self, at: usize, message: &str) -> SyntaxError {
        SyntaxError::new(self.place(at), message)
    }

    /// Skips blanks and comments, and at the start of a script a line that names a program to run
    /// it.
    pub(super) fn skip_blanks(&mut self) -> Parsed<()> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(c), _) if c.is_whitespace() => self.at += 1,
                (Some('#'), Some('!')) if self.at > 0 => return Ok(()),
                (Some('/'), Some('/')) | (Some('#'), Some('!')) => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                (Some('/'), Some('*')) => {
                    let start = self.at;
                    self.at += 2;
                    while (self.peek(0), self.peek(1)) != (Some('*'), Some('/')) {
                        if self.peek(0).is_none() {
                            return Err(self.error(start, "a comment without an end"));
                        }
                        self.at += 1;
                    }
                    self.at += 2;
                }
                _ => return Ok(()),
            }
        }
    }

    /// An option line, without its `--`, if one comes next.
    pub(super) fn option(&mut self) -> Parsed<Option<(Place, String)>> {
        self.skip_blanks()?;
        if (self.peek(0), self.peek(1)) != (Some('-'), Some('-')) {
            return Ok(None);
        }
        let start = self.at;
        let mut quote = None;
        while let Some(c) = self.peek(0) {
            match quote {
                None if c.is_whitespace() => break,
                None if c == '"' || c == '`' => quote = Some(c),
                Some(open) if c == open => quote = None,
                _ => {}
            }
            self.at += 1;
        }
        if quote.is_some() {
            return Err(self.error(start, "an option whose quote has no end"));
        }
        let text = self.slice(start + 2, self.at);
        Ok(Some((self.place(start), text)))
    }

    /// Skips a note of arbitrary words, up to the parenthesis that closes the one already read.
    pub(super) fn skip_note(&mut self, open: usize) -> Parsed<()> {
        let mut depth = 1;
        while depth > 0 {
            match self.peek(0) {
                None => return Err(self.error(open, "a note without an end: ')' is missing")),
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                Some(_) => {}
            }
            self.at += 1;
        }
        Ok(())
    }

    /// The next token; a word that has a definition is replaced by it.
    pub(super) fn next(&mut self) -> Parsed<Token> {
        self.skip_blanks()?;
        let start = self.at;
        let (kind, text) = self.scan()?;
        let token = Token {
            kind,
            text,
            place: self.place(start),
            span: (start, self.at),
        };
        Ok(self.substitute(token))
    }

    fn substitute(&self, token: Token) -> Token {
        let value = match token.kind {
            Kind::Word => self.definitions.get(&token.text),
            _ => None,
        };
        let (kind, text) = match value {
            None => return token,
            Some(Value::Text(text)) => (Kind::Text, text),
            Some(Value::Command(text)) => (Kind::Command, text),
            Some(Value::Integer(text)) => (Kind::Integer, text),
            Some(Value::Word(text)) => (Kind::Word, text),
        };
        Token {
            kind,
            text: text.clone(),
            ..token
        }
    }

    fn scan(&mut self) -> Parsed<(Kind, String)> {
        let Some(first) = self.peek(0) else {
            return Ok((Kind::End, String::new()));
        };
        match first {
            '"' => return self.quoted('"', Kind::Text, "a string without an end"),
            '`' => return self.quoted('`', Kind::Command, "a command without an end"),
            '%' if self.peek(1) == Some('{') => return self.code(),
            _ => {}
        }
        let ellipsis = (0..3).all(|ahead| self.peek(ahead) == Some('.'));
        let candidates = [
            (if ellipsis { 3 } else { 0 }, Kind::Ellipsis),
            (self.float(), Kind::Float),
            (self.integer(), Kind::Integer),
            (self.hex(), Kind::Hex),
            (self.ipv4(), Kind::Ipv4),
            (self.ipv6(), Kind::Ipv6),
            (self.run(0, is_word), Kind::Word),
        ];
        let mut best = (0, Kind::Mark(first));
        for candidate in candidates {
            if candidate.0 > best.0 {
                best = candidate;
            }
        }
        let len = best.0.max(1);
        let text = self.slice(self.at, self.at + len);
        self.at += len;
        Ok((best.1, text))
    }

    /// How many characters from `from` on satisfy `accept`.
    fn run(&self, from: usize, accept: impl Fn(char) -> bool) -> usize {
        let rest = self.text.get(self.at + from..).unwrap_or_default();
        rest.iter().take_while(|c| accept(**c)).count()
    }

    fn sign(&self) -> usize {
        usize::from(self.peek(0) == Some('-'))
    }

    fn integer(&self) -> usize {
        let sign = self.sign();
        match self.run(sign, |c| c.is_ascii_digit()) {
            0 => 0,
            digits => sign + digits,
        }
    }

    fn float(&self) -> usize {
        let sign = self.sign();
        let whole = sign + self.run(sign, |c| c.is_ascii_digit());
        if self.peek(whole) != Some('.') {
            return 0;
        }
        match self.run(whole + 1, |c| c.is_ascii_digit()) {
            0 => 0,
            digits => whole + 1 + digits,
        }
    }

    fn hex(&self) -> usize {
        let prefix = self.peek(0) == Some('0') && matches!(self.peek(1), Some('x' | 'X'));
        match self.run(2, |c| c.is_ascii_hexdigit()) {
            digits if prefix && digits > 0 => 2 + digits,
            _ => 0,
        }
    }

    fn ipv4(&self) -> usize {
        let len = self.run(0, |c| c.is_ascii_digit() || c == '.');
        let text = self.slice(self.at, self.at + len);
        match text.parse::<core::net::Ipv4Addr>() {
            Ok(_) => len,
            Err(_) => 0,
        }
    }

    /// The length of an IPv6 address, which must have `::` or eight groups: `1:1001` is a range
    /// of sequence numbers.
    fn ipv6(&self) -> usize {
        let len = self.run(0, |c| c.is_ascii_hexdigit() || c == ':');
        let is_address = |len: &usize| {
            let text = self.slice(self.at, self.at + len);
            text.parse::<core::net::Ipv6Addr>().is_ok()
        };
        // A colon may follow that is not part of the address.
        [len, len.saturating_sub(1)]
            .into_iter()
            .find(is_address)
            .unwrap_or(0)
    }

    fn quoted(&mut self, quote: char, kind: Kind, what: &str) -> Parsed<(Kind, String)> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            match self.peek(0) {
                None => return Err(self.error(start, what)),
                Some(c) if c == quote => break,
                Some('\n') if kind == Kind::Text => return Err(self.error(start, what)),
                // An escaped quote means the same in both kinds; other escapes are read later.
                Some('\\') if kind == Kind::Command && self.peek(1) == Some('`') => {
                    text.push('`');
                    self.at += 2;
                }
                Some('\\') => {
                    text.push('\\');
                    text.extend(self.peek(1));
                    self.at += 2;
                }
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok((kind, text))
    }

    fn code(&mut self) -> Parsed<(Kind, String)> {
        let start = self.at;
        self.at += 2;
        while (self.peek(0), self.peek(1)) != (Some('}'), Some('%')) {
            if self.peek(0).is_none() {
                return Err(self.error(start, "code without an end: '}%' is missing"));
            }
            self.at += 1;
        }
        let text = self.slice(start + 2, self.at);
        self.at += 2;
        Ok((Kind::Code, text.trim().to_owned()))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(Kind, String)> {
        let text: Vec<char> = text.chars().collect();
        let mut lexer = Lexer::new(&text, &Definitions::default());
        let mut found = Vec::new();
        loop {
            let token = lexer.next().unwrap();
            if token.kind == Kind::End {
                return found;
            }
            found.push((token.kind, token.text));
        }
    }

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn numbers_words_and_marks() {
        use Kind::{Ellipsis, Float, Hex, Integer, Ipv4, Ipv6, Mark, Word};
        let rows: &[(&str, &[Kind])] = &[
            ("0...0.010", &[Integer, Ellipsis, Float]),
            ("+.1", &[Mark('+'), Float]),
            ("-1", &[Integer]),
            ("- 1", &[Mark('-'), Integer]),
            ("P.5", &[Word, Float]),
            ("P. 5", &[Word, Mark('.'), Integer]),
            ("3021b9d889017eeb", &[Word]),
            ("12345678", &[Integer]),
            ("0xab", &[Hex]),
            ("0x", &[Word]),
            ("192.0.2.1", &[Ipv4]),
            ("fd00::1", &[Ipv6]),
            ("1:2:3:4:5:6:7:8", &[Ipv6]),
            (
                "1:1001(1000)",
                &[Integer, Mark(':'), Integer, Mark('('), Integer, Mark(')')],
            ),
            ("+.3~+.4", &[Mark('+'), Float, Mark('~'), Mark('+'), Float]),
            ("a /* b */ c // d", &[Word, Word]),
            ("#!/usr/bin/env a\nb", &[Word]),
            ("a #!", &[Word, Mark('#'), Mark('!')]),
        ];
        for (text, expected) in rows {
            assert_eq!(kinds(text), *expected, "{text}");
        }
    }

    #[test]
    fn quotes_and_code() {
        let rows = [
            ("\"a\\\"b\"", Kind::Text, "a\\\"b"),
            ("`a \\` b\nc`", Kind::Command, "a ` b\nc"),
            ("%{ assert a == 1 }%", Kind::Code, "assert a == 1"),
        ];
        for (text, kind, expected) in rows {
            assert_eq!(tokens(text), [(kind, expected.to_owned())]);
        }
    }

    #[test]
    fn words_are_replaced_by_their_definitions() {
        let text: Vec<char> = "A B \"A\"".chars().collect();
        let mut definitions = Definitions::default();
        definitions.define("A", "0x10");
        definitions.define("B", "\"b c\"");
        let mut lexer = Lexer::new(&text, &definitions);
        let mut next = || lexer.next().map(|token| (token.kind, token.text)).unwrap();
        assert_eq!(next(), (Kind::Integer, "0x10".to_owned()));
        assert_eq!(next(), (Kind::Text, "b c".to_owned()));
        assert_eq!(next(), (Kind::Text, "A".to_owned()));
    }

    #[test]
    fn a_place_is_a_line_and_a_column() {
        let text: Vec<char> = "a\n  b".chars().collect();
        let mut lexer = Lexer::new(&text, &Definitions::default());
        assert_eq!(lexer.next().unwrap().place.to_string(), "1:1");
        assert_eq!(lexer.next().unwrap().place.to_string(), "2:3");
    }
}
