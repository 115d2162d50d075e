//! Statements, one after another: assertions, assignments, and those that are only parsed.

use super::tokens::{DEDENT, Token, scan};
use super::trouble::{Trouble, unknown};
use super::value::Value;
use super::variables::Variables;

/// What may precede the `=` of an assignment.
const CHANGES: [&str; 12] = [
    "**", "//", "<<", ">>", "+", "-", "*", "/", "%", "&", "|", "^",
];

/// The most that a piece of code may do: statements, values and rounds of loops. Each token is at most one
/// of these, so only loops and calls reach the limit.
const MAX_STEPS: usize = 200_000;

/// The most names that a failure tells the values of.
const MOST_SEEN: usize = 64;

/// Runs all statements of `code`. `only_reads`: an assertion that does not hold is not a failure.
pub(super) fn evaluate(
    code: &str,
    variables: &mut Variables,
    look_up: &dyn Fn(&str) -> Option<i128>,
    only_reads: bool,
) -> Result<(), Trouble> {
    let tokens = scan(code)?;
    let mut evaluator = Evaluator {
        tokens: &tokens,
        at: 0,
        look_up,
        variables,
        only_reads,
        seen: Vec::new(),
        depth: 0,
        steps: 0,
        in_function: false,
        returned: None,
    };
    loop {
        while evaluator.take("\n") || evaluator.take(";") {}
        if evaluator.at == evaluator.tokens.len() {
            return Ok(());
        }
        evaluator.statement()?;
    }
}

/// A piece of code, and how far it has been evaluated.
pub(super) struct Evaluator<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
    pub(super) look_up: &'a dyn Fn(&str) -> Option<i128>,
    pub(super) variables: &'a mut Variables,
    /// No assertion is checked: only the names matter.
    pub(super) only_reads: bool,
    /// The names in this assertion, and their values.
    pub(super) seen: Vec<(String, Value)>,
    pub(super) depth: u32,
    /// How much has been done, with [`MAX_STEPS`] as its limit.
    pub(super) steps: usize,
    /// This is the body of one of the script's functions.
    pub(super) in_function: bool,
    /// The value that the function has returned.
    pub(super) returned: Option<Value>,
}

impl Evaluator<'_> {
    pub(super) fn take(&mut self, mark: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Mark(m)) if *m == mark);
        self.at += usize::from(found);
        found
    }

    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Name(n)) if n == name);
        self.at += usize::from(found);
        found
    }

    pub(super) fn take_any(&mut self, marks: &[&'static str]) -> Option<&'static str> {
        marks.iter().copied().find(|mark| self.take(mark))
    }

    /// So much more is done.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Trouble> {
        self.steps = self.steps.saturating_add(steps);
        match self.steps > MAX_STEPS {
            true => Err(unknown("code that goes on for too long")),
            false => Ok(()),
        }
    }

    /// A name of this assertion stands for a value.
    pub(super) fn see(&mut self, name: String, value: Value) {
        let is_known = self.seen.iter().any(|(seen, _)| *seen == name);
        if !is_known && self.seen.len() < MOST_SEEN {
            self.seen.push((name, value));
        }
    }

    pub(super) fn statement(&mut self) -> Result<(), Trouble> {
        self.spend(1)?;
        if self.take_name("pass") {
            return self.ends("pass");
        }
        if self.take_name("print") {
            return self.skip_print();
        }
        if self.take_name("if") {
            return self.conditional();
        }
        if self.take_name("for") {
            return self.repeated();
        }
        if self.take_name("while") {
            return self.repeated_while();
        }
        if self.take_name("assert") {
            return self.assertion();
        }
        if self.take_name("def") {
            return self.definition();
        }
        if self.in_function && self.take_name("return") {
            return self.returned();
        }
        // Code that uses an imported name is not understood where it uses it.
        if self.take_name("import") || self.take_name("from") {
            self.rest();
            return Ok(());
        }
        if self.calls() {
            self.either()?;
            return self.ends("a call");
        }
        self.assignment()
    }

    /// `name = VALUE`, `name += VALUE`, `name, name = VALUE, VALUE`.
    fn assignment(&mut self) -> Result<(), Trouble> {
        let name = self.name("code that is no assertion")?;
        if self.take(",") {
            return self.several_assignments(name);
        }
        let mark = self.take_any(&CHANGES);
        if !self.take("=") {
            return Err(unknown("code that is no assertion"));
        }
        let mut value = self.either()?;
        if let Some(mark) = mark {
            let before = self.value_of(&name)?;
            value = self.number(before.apply(mark, value))?;
        }
        self.variables.set(name, value);
        self.ends("a value")
    }

    fn several_assignments(&mut self, first: String) -> Result<(), Trouble> {
        let mut names = vec![first];
        while !self.take("=") {
            names.push(self.name("names without their values")?);
            self.take(",");
        }
        let mut values = vec![self.either()?];
        while self.take(",") {
            values.push(self.either()?);
        }
        if names.len() != values.len() {
            return Err(unknown("as many names as there are no values"));
        }
        for (name, value) in names.into_iter().zip(values) {
            self.variables.set(name, value);
        }
        self.ends("values")
    }

    /// A name, which must come next.
    pub(super) fn name(&mut self, otherwise: &str) -> Result<String, Trouble> {
        let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else {
            return Err(unknown(otherwise));
        };
        self.at += 1;
        Ok(name)
    }

    fn assertion(&mut self) -> Result<(), Trouble> {
        self.seen.clear();
        let start = self.at;
        let value = self.either()?;
        let condition = self.words(start, self.at);
        let message = match self.take(",") {
            true => Some(self.message()),
            false => None,
        };
        self.ends("an assertion")?;
        if value.is_true() || self.only_reads {
            return Ok(());
        }
        let mut text = format!("assert {condition}");
        for (name, value) in &self.seen {
            text += &format!("; {name} is {value}");
        }
        if let Some(message) = message {
            text += &format!(" ({message})");
        }
        Err(Trouble::Failed(text))
    }

    /// Skips the arguments of `print`: up to the closing parenthesis or, as in older Python, to the end
    /// of the line.
    fn skip_print(&mut self) -> Result<(), Trouble> {
        let mut depth = 0u32;
        if !matches!(self.tokens.get(self.at), Some(Token::Mark("("))) {
            self.rest();
            return Ok(());
        }
        loop {
            match self.tokens.get(self.at) {
                Some(Token::Mark("(")) => depth += 1,
                Some(Token::Mark(")")) => depth = depth.saturating_sub(1),
                Some(_) if depth > 0 => {}
                _ => return Err(unknown("print without its parentheses")),
            }
            self.at += 1;
            if depth == 0 {
                return self.ends("print");
            }
        }
    }

    /// Checks that nothing follows a statement.
    pub(super) fn ends(&self, statement: &str) -> Result<(), Trouble> {
        match self.tokens.get(self.at) {
            None | Some(Token::Mark("\n" | ";" | DEDENT)) => Ok(()),
            Some(_) => Err(unknown(&format!("code that goes on behind {statement}"))),
        }
    }

    /// The text of a part of the code.
    fn words(&self, from: usize, to: usize) -> String {
        let words = self.tokens[from..to].iter().map(|token| match token {
            Token::Number(number) => number.to_string(),
            Token::Name(name) => name.clone(),
            Token::Text(text) => format!("'{text}'"),
            Token::Mark(mark) => (*mark).to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The message of an assertion that does not hold: a string with the values of its `%`, a value,
    /// or otherwise the text of the rest of the statement.
    fn message(&mut self) -> String {
        let (start, depth) = (self.at, self.depth);
        if !self.only_reads
            && let Ok(message) = self.told()
            && self.ends("a message").is_ok()
        {
            return message;
        }
        (self.at, self.depth) = (start, depth);
        self.rest()
    }

    /// The text of the rest of the statement.
    fn rest(&mut self) -> String {
        let start = self.at;
        let mut rest = self.tokens[start..].iter();
        let end = rest.position(|token| matches!(token, Token::Mark("\n" | ";" | DEDENT)));
        self.at = end.map_or(self.tokens.len(), |end| start + end);
        self.words(start, self.at)
    }

    fn told(&mut self) -> Result<String, Trouble> {
        let Some(Token::Text(text)) = self.tokens.get(self.at).cloned() else {
            return Ok(self.either()?.to_string());
        };
        self.at += 1;
        let mut text = text;
        while let Some(Token::Text(more)) = self.tokens.get(self.at) {
            text += more;
            self.at += 1;
        }
        if !self.take("%") {
            return Ok(text);
        }
        let values = match self.take("(") {
            true => self.list(")")?,
            false => vec![self.atom()?],
        };
        for value in values {
            if let Some(at) = text.find('%') {
                let end = text[at + 1..].find(|c: char| c.is_ascii_alphabetic());
                let end = end.map_or(text.len(), |letter| at + letter + 2);
                text.replace_range(at..end, &value.to_string());
            }
        }
        Ok(text)
    }
}
