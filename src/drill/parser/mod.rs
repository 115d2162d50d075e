//! Reads a script: options, events and their times. Packets and calls have files of their own.

mod call;
mod options;
mod outer;
mod packet;
#[cfg(test)]
mod tests;

use super::ast::{Action, Command, Event, Script, Setting, When};
use super::definitions::{Definitions, preprocess};
use super::lexer::{Kind, Lexer, Token};
use super::place::{Parsed, Place, SyntaxError};
use super::text::micros_of;

/// Reads a script. `definitions` are those of the command line.
///
/// # Errors
/// What cannot be read, and where. Something that can be read but not run is not an error
/// here.
pub fn parse(text: &str, definitions: &Definitions) -> Parsed<Script> {
    // Some editors put a byte order mark at the start.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let kept = preprocess(text, definitions)?;
    let mut parser = Parser::new(&kept, definitions);
    parser.script()
}

/// The most events of a script, so that no script exhausts memory.
const MAX_EVENTS: usize = 100_000;

/// How deeply lists and structs may be nested.
const MAX_DEPTH: u32 = 32;

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next token, once it has been looked at.
    peeked: Option<Token>,
    unsupported: Vec<(Place, String)>,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [char], definitions: &Definitions) -> Parser<'a> {
        Parser {
            lexer: Lexer::new(text, definitions),
            peeked: None,
            unsupported: Vec::new(),
            depth: 0,
        }
    }

    fn peek(&mut self) -> Parsed<&Token> {
        let token = match self.peeked.take() {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        Ok(self.peeked.insert(token))
    }

    fn next(&mut self) -> Parsed<Token> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lexer.next(),
        }
    }

    /// Takes the next token if it is this mark.
    fn take_mark(&mut self, mark: char) -> Parsed<bool> {
        let found = self.peek()?.is_mark(mark);
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    /// Takes the next token if it is this word.
    fn take_word(&mut self, word: &str) -> Parsed<bool> {
        let found = self.peek()?.is_word(word);
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    fn mark(&mut self, mark: char) -> Parsed<()> {
        let token = self.next()?;
        match token.is_mark(mark) {
            true => Ok(()),
            false => Err(unexpected(&token, &format!("'{mark}'"))),
        }
    }

    fn unsupported(&mut self, place: Place, what: impl Into<String>) {
        self.unsupported.push((place, what.into()));
    }

    /// A number from 0 to `most`.
    fn number(&mut self, what: &str, most: u64) -> Parsed<u64> {
        let token = self.next()?;
        number_of(&token, what, most)
    }

    fn number_u32(&mut self, what: &str) -> Parsed<u32> {
        Ok(self.number(what, u32::MAX.into())? as u32)
    }

    fn number_u16(&mut self, what: &str) -> Parsed<u16> {
        Ok(self.number(what, u16::MAX.into())? as u16)
    }

    fn number_u8(&mut self, what: &str) -> Parsed<u8> {
        Ok(self.number(what, u8::MAX.into())? as u8)
    }

    fn script(&mut self) -> Parsed<Script> {
        let mut script = Script {
            options: self.settings()?,
            ..Script::default()
        };
        if let Some(command) = self.bare_command()? {
            script.init = Some(command);
        }
        while self.peek()?.kind != Kind::End {
            if let Some(command) = self.bare_command()? {
                let end = self.next()?;
                if end.kind != Kind::End {
                    let what = "only the last command and the first have no time";
                    return Err(SyntaxError::new(end.place, what));
                }
                script.cleanup = Some(command);
                break;
            }
            if script.events.len() >= MAX_EVENTS {
                let place = self.peek()?.place;
                return Err(SyntaxError::new(place, "too many events"));
            }
            let event = self.event()?;
            script.events.push(event);
        }
        if script.events.is_empty() {
            let place = self.next()?.place;
            return Err(SyntaxError::new(place, "a script without an event"));
        }
        check_order(&script.events)?;
        script.unsupported = core::mem::take(&mut self.unsupported);
        Ok(script)
    }

    fn settings(&mut self) -> Parsed<Vec<Setting>> {
        let mut settings = Vec::new();
        while let Some((place, text)) = self.lexer.option()? {
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text.as_str(), None),
            };
            if name == "define" {
                let defined = value.as_deref().and_then(|value| value.split_once('='));
                let Some((name, value)) = defined else {
                    return Err(SyntaxError::new(place, "--define=NAME=VALUE is meant"));
                };
                self.lexer.define(name, value);
                continue;
            }
            let between = |value: &str| {
                let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
                inner.unwrap_or(value).to_owned()
            };
            settings.push(Setting {
                place,
                name: name.to_owned(),
                value: value.as_deref().map(between),
            });
        }
        Ok(settings)
    }

    /// A command without a time.
    fn bare_command(&mut self) -> Parsed<Option<Command>> {
        if self.peek()?.kind != Kind::Command {
            return Ok(None);
        }
        let token = self.next()?;
        Ok(Some(Command {
            place: token.place,
            text: token.text,
        }))
    }

    fn event(&mut self) -> Parsed<Event> {
        let first = self.peek()?.clone();
        let (time, end) = self.time()?;
        let start = self.peek()?.span.0;
        let token = self.peek()?.clone();
        let action = match token.kind {
            Kind::Mark('<' | '>') => Action::Packet(Box::new(self.packet()?)),
            Kind::Command => Action::Command(self.next()?.text),
            Kind::Code => Action::Code(self.next()?.text),
            Kind::Word => Action::Call(Box::new(self.call(end)?)),
            _ => {
                let what = "a packet ('<' or '>'), a system call, a command or code";
                return Err(unexpected(&token, what));
            }
        };
        let is_outbound = matches!(&action, Action::Packet(packet)
            if packet.direction == super::ast::Direction::Out);
        let is_span = matches!(time, When::Any | When::Between(..) | When::AfterBetween(..));
        if is_span && !is_outbound {
            let what = "only a packet that is expected may come at any time, or in a range";
            return Err(SyntaxError::new(first.place, what));
        }
        if end.is_some() && !matches!(action, Action::Call(_)) {
            let what = "only a system call may begin and end at different times";
            return Err(SyntaxError::new(first.place, what));
        }
        let stop = match &self.peeked {
            Some(token) => token.span.0,
            None => self.lexer.position(),
        };
        let text = self.lexer.slice(start, stop);
        Ok(Event {
            place: first.place,
            time,
            action,
            text: one_line(&text),
        })
    }

    /// The time of an event, and the time until which it lasts.
    fn time(&mut self) -> Parsed<(When, Option<u64>)> {
        if self.take_mark('*')? {
            return Ok((When::Any, None));
        }
        let relative = self.take_mark('+')?;
        let start = self.micros()?;
        if self.take_mark('~')? {
            let place = self.peek()?.place;
            if relative {
                self.mark('+')?;
            }
            let stop = self.micros()?;
            if stop < start {
                return Err(SyntaxError::new(
                    place,
                    "a range that ends before it begins",
                ));
            }
            let range = match relative {
                true => When::AfterBetween(start, stop),
                false => When::Between(start, stop),
            };
            return Ok((range, None));
        }
        let mut end = None;
        if self.peek()?.kind == Kind::Ellipsis {
            self.next()?;
            let place = self.peek()?.place;
            // `+.1...+.2` means the same as `+.1...0.2`.
            if relative {
                self.take_mark('+')?;
            }
            let stop = self.micros()?;
            if stop < start {
                return Err(SyntaxError::new(place, "a call that ends before it begins"));
            }
            end = Some(stop);
        }
        let when = match relative {
            true => When::After(start),
            false => When::At(start),
        };
        Ok((when, end))
    }

    /// Reads seconds, as microseconds.
    fn micros(&mut self) -> Parsed<u64> {
        let token = self.next()?;
        if !matches!(token.kind, Kind::Integer | Kind::Float) {
            return Err(unexpected(&token, "a time in seconds"));
        }
        if token.text.starts_with('-') {
            return Err(SyntaxError::new(token.place, "a time before the start"));
        }
        micros_of(&token.text)
            .ok_or_else(|| SyntaxError::new(token.place, "a time that is too large"))
    }
}

/// Checks that absolute times do not go back, and that the first event is at 0.
fn check_order(events: &[Event]) -> Parsed<()> {
    let mut last = 0;
    for event in events {
        let (When::At(at) | When::Between(at, _)) = event.time else {
            continue;
        };
        if at < last {
            return Err(SyntaxError::new(event.place, "a time that goes back"));
        }
        last = at;
    }
    match events.first() {
        Some(Event {
            time: When::At(0) | When::After(0),
            ..
        })
        | None => Ok(()),
        Some(event) => Err(SyntaxError::new(
            event.place,
            "the first event must be at 0",
        )),
    }
}

fn one_line(text: &str) -> String {
    let without_comments = text.lines().map(|line| match line.split_once("//") {
        Some((before, _)) if !before.contains('"') => before,
        _ => line,
    });
    let words: Vec<&str> = without_comments.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

fn unexpected(token: &Token, wanted: &str) -> SyntaxError {
    SyntaxError::new(
        token.place,
        format!("{wanted} is expected, not {}", token.name()),
    )
}

fn number_of(token: &Token, what: &str, most: u64) -> Parsed<u64> {
    let value = match token.kind {
        Kind::Integer | Kind::Hex => integer_of(&token.text),
        _ => return Err(unexpected(token, what)),
    };
    match value.and_then(|value| u64::try_from(value).ok()) {
        Some(value) if value <= most => Ok(value),
        _ => Err(SyntaxError::new(
            token.place,
            format!("{what} must be from 0 to {most}, not {}", token.text),
        )),
    }
}

/// A number, decimal or hexadecimal.
fn integer_of(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
