//! `%{ … }%`: assertions over what the stack says of a connection.
//!
//! A small part of Python: `assert` with comparisons (chained, too), `in`, `and`, `or`, `not`, `&`, `|`, `^`, `~`,
//! `<<`, `>>`, `+`, `-`, `*`, `/`, `//`, `%`, `**`, `a if b else c`, `abs`, `min`, `max`, `sum`, `all`, `any`, `len`, `bool`,
//! `int`, `float`, `round`, `pow`, parentheses, and a message, which may be a string with a `%`; `name = value` and
//! `name += value`, which later code finds; `if`, `elif`, `else` and `for`; `pass`; and `print`, which nobody reads. What Python
//! does not evaluate, behind `and`, `or` and in `a if b else c`, is only read.

mod blocks;
mod functions;
mod tokens;
mod value;

use std::collections::BTreeMap;

use functions::{FUNCTIONS, function};
use tokens::{DEDENT, Token, scan};
use value::Value;

/// What became of a piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// An assertion does not hold.
    Failed(String),
    /// It cannot be evaluated: a name that nobody has, or more of Python than is spoken here.
    Unknown(String),
}

/// What code has given names to: all code of a script is one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variables(BTreeMap<String, Value>);

/// Runs the statements of a piece of code; `look_up` gives what a name stands for.
///
/// # Errors
/// The first assertion that does not hold, or the first thing that is not understood.
pub(super) fn run(
    code: &str,
    variables: &mut Variables,
    look_up: &dyn Fn(&str) -> Option<i128>,
) -> Result<(), Trouble> {
    evaluate(code, variables, look_up, false)
}

/// Whether the code can be understood at all, whatever its names stand for: the names that it
/// asks for, but for those that code before it, or it itself, has made.
pub(super) fn names(code: &str, variables: &mut Variables) -> Result<Vec<String>, Trouble> {
    let names = core::cell::RefCell::new(Vec::new());
    let note = |name: &str| {
        names.borrow_mut().push(name.to_owned());
        Some(1)
    };
    evaluate(code, variables, &note, true)?;
    Ok(names.into_inner())
}

/// `only_reads`: what does not hold is no failure.
fn evaluate(
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
        rounds: 0,
    };
    loop {
        while evaluator.take("\n") || evaluator.take(";") {}
        if evaluator.at == evaluator.tokens.len() {
            return Ok(());
        }
        evaluator.statement()?;
    }
}

fn unknown(what: &str) -> Trouble {
    Trouble::Unknown(what.to_owned())
}

struct Evaluator<'a> {
    tokens: &'a [Token],
    at: usize,
    look_up: &'a dyn Fn(&str) -> Option<i128>,
    variables: &'a mut Variables,
    /// Nothing is held to anything: only the names count.
    only_reads: bool,
    /// The names of this assertion, and what they stand for.
    seen: Vec<(String, Value)>,
    depth: u32,
    /// How often something has been done that is done several times.
    rounds: u32,
}

/// What binds stronger than what, from the weakest; comparisons stand between the words and these.
const LEVELS: [&[&str]; 6] = [
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "//", "%"],
];
/// What may stand in front of the `=` that gives a value to a name.
const CHANGES: [&str; 12] = [
    "**", "//", "<<", ">>", "+", "-", "*", "/", "%", "&", "|", "^",
];
const COMPARISONS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];
const MAX_DEPTH: u32 = 64;

impl Evaluator<'_> {
    fn take(&mut self, mark: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Mark(m)) if *m == mark);
        self.at += usize::from(found);
        found
    }

    fn take_name(&mut self, name: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Name(n)) if n == name);
        self.at += usize::from(found);
        found
    }

    fn take_any(&mut self, marks: &[&'static str]) -> Option<&'static str> {
        marks.iter().copied().find(|mark| self.take(mark))
    }

    fn statement(&mut self) -> Result<(), Trouble> {
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
        if self.take_name("assert") {
            return self.assertion();
        }
        self.assignment()
    }

    /// `name = VALUE`, `name += VALUE`.
    fn assignment(&mut self) -> Result<(), Trouble> {
        let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else {
            return Err(unknown("code that is no assertion"));
        };
        self.at += 1;
        let mark = self.take_any(&CHANGES);
        if !self.take("=") {
            return Err(unknown("code that is no assertion"));
        }
        let mut value = self.either()?;
        if let Some(mark) = mark {
            let before = self.value_of(&name)?;
            value = self.number(before.apply(mark, value))?;
        }
        self.variables.0.insert(name, value);
        self.ends("a value")
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

    /// What is printed, up to the parenthesis that closes it; or, as older Python has it, up to the end
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

    /// Nothing more may stand behind a statement.
    fn ends(&self, statement: &str) -> Result<(), Trouble> {
        match self.tokens.get(self.at) {
            None | Some(Token::Mark("\n" | ";" | DEDENT)) => Ok(()),
            Some(_) => Err(unknown(&format!("code that goes on behind {statement}"))),
        }
    }

    /// How a part of the code reads.
    fn words(&self, from: usize, to: usize) -> String {
        let words = self.tokens[from..to].iter().map(|token| match token {
            Token::Number(number) => number.to_string(),
            Token::Name(name) => name.clone(),
            Token::Text(text) => format!("'{text}'"),
            Token::Mark(mark) => (*mark).to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// What is told if an assertion does not hold: a string with what its `%` are to be, a value, or
    /// whatever Python would make of the rest of the statement.
    fn message(&mut self) -> String {
        let start = self.at;
        if !self.only_reads
            && let Ok(message) = self.told()
            && self.ends("a message").is_ok()
        {
            return message;
        }
        self.at = start;
        self.rest()
    }

    /// The rest of the statement, as it reads.
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
            false => vec![self.level(LEVELS.len())?],
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

    /// Values with commas between them, up to and with `close`: at least one.
    fn list(&mut self, close: &str) -> Result<Vec<Value>, Trouble> {
        let mut values = vec![self.either()?];
        while self.take(",") {
            if self.take(close) {
                return Ok(values);
            }
            values.push(self.either()?);
        }
        match self.take(close) {
            true => Ok(values),
            false => Err(unknown(&format!("a list without its '{close}'"))),
        }
    }

    /// `a`, or `a if b else c`.
    fn either(&mut self) -> Result<Value, Trouble> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unknown("parentheses too deep in each other"));
        }
        let value = match self.condition_ahead() {
            Some(place) => self.one_of_two(place)?,
            None => self.any()?,
        };
        self.depth -= 1;
        Ok(value)
    }

    /// Where the `if` stands of an `a if b else c` that begins here.
    fn condition_ahead(&self) -> Option<usize> {
        let mut depth = 0u32;
        for (ahead, token) in self.tokens[self.at..].iter().enumerate() {
            match token {
                Token::Mark("(" | "[" | "{") => depth += 1,
                Token::Mark(")" | "]" | "}") => depth = depth.checked_sub(1)?,
                Token::Mark("\n" | ";" | "," | ":") if depth == 0 => return None,
                Token::Name(name) if depth == 0 && name == "else" => return None,
                Token::Name(name) if depth == 0 && name == "if" => return Some(self.at + ahead),
                _ => {}
            }
        }
        None
    }

    /// `a if b else c`, whose `if` stands at `place`: of `a` and `c` one is only read.
    fn one_of_two(&mut self, place: usize) -> Result<Value, Trouble> {
        let start = core::mem::replace(&mut self.at, place + 1);
        let holds = self.any()?.is_true();
        if !self.take_name("else") {
            return Err(unknown("if without its else"));
        }
        let behind = core::mem::replace(&mut self.at, start);
        let first = self.if_it_counts(holds, Evaluator::any)?;
        if self.at != place {
            return Err(unknown("code that is no expression"));
        }
        self.at = behind;
        let second = self.if_it_counts(!holds, Evaluator::either)?;
        Ok(if holds { first } else { second })
    }

    /// A value; if it does not count, it is only read, and may be no number.
    fn if_it_counts(
        &mut self,
        counts: bool,
        read: impl Fn(&mut Self) -> Result<Value, Trouble>,
    ) -> Result<Value, Trouble> {
        let (only_reads, seen) = (self.only_reads, self.seen.len());
        self.only_reads |= !counts;
        let value = read(self);
        self.only_reads = only_reads;
        if !counts {
            self.seen.truncate(seen);
        }
        value
    }

    fn any(&mut self) -> Result<Value, Trouble> {
        let mut value = self.both()?;
        while self.take_name("or") {
            let counts = !value.is_true();
            let other = self.if_it_counts(counts, Evaluator::both)?;
            value = if counts { other } else { value };
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<Value, Trouble> {
        let mut value = self.not()?;
        while self.take_name("and") {
            let counts = value.is_true();
            let other = self.if_it_counts(counts, Evaluator::not)?;
            value = if counts { other } else { value };
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<Value, Trouble> {
        let mut negate = false;
        while self.take_name("not") {
            negate = !negate;
        }
        let value = self.comparison(negate)?;
        Ok(value)
    }

    /// `a < b <= c` holds if `a < b` and `b <= c` do; `a in (b, c)` if it is one of these.
    fn comparison(&mut self, negate: bool) -> Result<Value, Trouble> {
        use core::cmp::Ordering::{Equal, Greater, Less};
        let mut left = self.level(0)?;
        let mut outcome: Option<bool> = None;
        loop {
            let is_not = matches!(self.tokens.get(self.at + 1), Some(Token::Name(it)) if it == "in")
                && self.take_name("not");
            if self.take_name("in") {
                let holds = self.is_one_of(left)? != is_not;
                outcome = Some(outcome.unwrap_or(true) && holds);
                break;
            }
            let Some(mark) = self.take_any(&COMPARISONS) else {
                break;
            };
            let right = self.level(0)?;
            let order = match left.compare(right) {
                None if self.only_reads => Equal,
                order => order.ok_or_else(too_large)?,
            };
            let holds = match mark {
                "==" => order == Equal,
                "!=" => order != Equal,
                "<" => order == Less,
                "<=" => order != Greater,
                ">" => order == Greater,
                _ => order != Less,
            };
            outcome = Some(outcome.unwrap_or(true) && holds);
            left = right;
        }
        Ok(match (outcome, negate) {
            (None, false) => left,
            (None, true) => Value::whole((!left.is_true()).into()),
            (Some(holds), negate) => Value::whole((holds != negate).into()),
        })
    }

    /// What stands behind `in`: a list, a tuple, a set.
    fn is_one_of(&mut self, value: Value) -> Result<bool, Trouble> {
        let pairs = [("(", ")"), ("[", "]"), ("{", "}")];
        let Some((_, close)) = pairs.into_iter().find(|(open, _)| self.take(open)) else {
            return Err(unknown("in without a list"));
        };
        let values = self.list(close)?;
        let mut orders = values.iter().map(|other| value.compare(*other));
        Ok(orders.any(|order| order == Some(core::cmp::Ordering::Equal)))
    }

    fn level(&mut self, level: usize) -> Result<Value, Trouble> {
        let Some(marks) = LEVELS.get(level) else {
            return self.atom();
        };
        let mut value = self.level(level + 1)?;
        while let Some(mark) = self.take_any(marks) {
            let other = self.level(level + 1)?;
            value = self.number(value.apply(mark, other))?;
        }
        Ok(value)
    }

    /// What stands behind signs, and its power: a number, a name, a function, or parentheses.
    fn atom(&mut self) -> Result<Value, Trouble> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unknown("powers too deep in each other"));
        }
        let mut signs = Vec::new();
        while let Some(sign) = self.take_any(&["-", "+", "~"]) {
            signs.push(sign);
        }
        let mut value = self.operand()?;
        if self.take("**") {
            let exponent = self.atom()?;
            value = self.number(value.apply("**", exponent))?;
        }
        for sign in signs.into_iter().rev() {
            let zero = Value::whole(0);
            value = self.number(match sign {
                "-" => zero.apply("-", value),
                "~" => Value::whole(-1).apply("-", value),
                _ => Some(value),
            })?;
        }
        self.depth -= 1;
        Ok(value)
    }

    fn operand(&mut self) -> Result<Value, Trouble> {
        if self.take("(") {
            let value = self.either()?;
            return match self.take(")") {
                true => Ok(value),
                false => Err(unknown("a '(' without its ')'")),
            };
        }
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Number(number)) => Ok(number),
            Some(Token::Name(name)) if FUNCTIONS.contains(&name.as_str()) && self.take("(") => {
                let values = match self.take("[") {
                    true => self.list("]")?,
                    false => self.list(")")?,
                };
                let is_list = matches!(self.tokens[self.at - 1], Token::Mark("]"));
                if is_list && !self.take(")") {
                    return Err(unknown("a list of which more is made"));
                }
                self.number(function(&name, &values)?)
            }
            Some(Token::Name(name)) => {
                let value = self.value_of(&name)?;
                if !self.seen.iter().any(|(seen, _)| *seen == name) {
                    self.seen.push((name, value));
                }
                Ok(value)
            }
            _ => Err(unknown("code that is no expression")),
        }
    }

    /// What was reckoned. Where nothing is held to anything, names stand for anything, and there may be
    /// no such number.
    fn number(&self, value: Option<Value>) -> Result<Value, Trouble> {
        let anything = self.only_reads.then_some(Value::whole(1));
        value.or(anything).ok_or_else(too_large)
    }

    fn value_of(&self, name: &str) -> Result<Value, Trouble> {
        if let Some(value) = self.variables.0.get(name) {
            return Ok(*value);
        }
        match name {
            "True" => Ok(Value::whole(1)),
            "False" => Ok(Value::whole(0)),
            _ => match (self.look_up)(name) {
                Some(number) => Ok(Value::whole(number)),
                None => Err(unknown(&format!("the name {name} in code"))),
            },
        }
    }
}

fn too_large() -> Trouble {
    unknown("a number that is no number, or too large")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value_of(name: &str) -> Option<i128> {
        match name {
            "tcpi_snd_cwnd" => Some(10),
            "tcpi_options" => Some(7),
            _ => None,
        }
    }

    fn outcome(code: &str) -> Result<(), Trouble> {
        run(code, &mut Variables::default(), &value_of)
    }

    #[test]
    fn what_holds() {
        for code in [
            "",
            "assert tcpi_snd_cwnd == 10",
            "assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd",
            "assert tcpi_snd_cwnd == 10; assert tcpi_options != 0 # both",
            "assert 9 < tcpi_snd_cwnd <= 10\nassert not 10 < tcpi_snd_cwnd",
            "assert tcpi_options & 2 == 2 and tcpi_options | 8 == 15",
            "assert (tcpi_options & (1 | 4)) == 5 or 0",
            "assert tcpi_snd_cwnd / 4 > 2 and tcpi_snd_cwnd / 4 == 5 / 2",
            "assert (tcpi_snd_cwnd ==\n 10), 'cwnd %d' % tcpi_snd_cwnd",
            "assert -1 + 2 * 3 == 5 and -(2) == -2 and 7 // 2 == 3 and 7 % 4 == 3",
            "assert 1 << 3 == 8 and 0x10 == 16 and True",
            "assert 6 ^ 3 == 5 and ~0 == -1 and +-+2 == -2 and 1 | 2 ^ 2 & 2 == 1",
            "assert abs(tcpi_snd_cwnd - 12) == 2 and abs(3) == 3 and int(-7 / 2) == -3",
            "assert min(3, tcpi_snd_cwnd, 2) == 2 and max(3, (tcpi_snd_cwnd)) == 10",
            "print(tcpi_snd_cwnd, 'a (b'); print((1)); assert 1",
            "assert tcpi_snd_cwnd in (9, 10) and 3 not in [1, 2,] and not 1 in {2}",
            "assert tcpi_snd_cwnd > 0.95e1 and .5 * 4 == 2.0 and 1_000 == 1e3",
            "x = tcpi_snd_cwnd / 4\nassert x * 2 == 5; x = x + 1; assert x == 3.5",
            "x = 7; x += 3; x //= 4; x **= 3; assert x == 8; x <<= 1; assert x == 16",
            "assert 1 or 1 / 0; assert not (0 and 1 / 0); assert (0 and 1 / 0) == 0",
            "assert (2 if 1 else 1 / 0) == 2 and (1 / 0 if 0 else 3) == 3",
            "assert 1 if 1 else 0 if 1 / 1 else 1 / 0",
            "assert ((1 / 0 if 0 else 2) if tcpi_snd_cwnd else 1 / 0) == 2",
            "assert tcpi_options == 0 or 8 / tcpi_options > 1, 1 / 0",
            "assert sum([1, 2, 3]) == 6 and all([1, 2]) and not any([0, 0]) and len([1, 2]) == 2",
            "assert bool(7) == 1 and pow(2, 3) == 8 and min([2, 1]) == 1 and max([tcpi_snd_cwnd]) == 10",
            "assert (1 if tcpi_snd_cwnd == 10 else 0) and (0 if 0 else 2) == 2",
            "if tcpi_snd_cwnd == 10: assert 1; x = 1\nassert x == 1",
            "if tcpi_snd_cwnd != 10: assert 0; x = 1",
            "if tcpi_snd_cwnd == 10:\n    x = 1\n    # more\n\n    y = 2\nelse:\n    assert 0\nassert x + y == 3",
            "if 0:\n  assert 0\nelif 2 > 1:\n  if 0: assert 0\n  else:\n    x = 5\nelif 1 / 0:\n  assert 0\nassert x == 5",
            "for x in (1, 2, 3):\n  assert x\n  y = x\nassert y == 3",
            "n = 0\nfor x in [1, 2]: n += x\nfor x in [3]:\n  n += x\nassert n == 6",
            "assert 2 ** 3 ** 2 == 512 and -2 ** 2 == -4 and 2 ** -(-1) == 2",
            "assert round(tcpi_snd_cwnd / 4) == 2 and float(3) == 3",
            "assert 1, f'cwnd is {tcpi_snd_cwnd}' + str(unheard_of)",
            "assert 1, 'cwnd {}'.format(tcpi_snd_cwnd); assert 1, (tcpi_snd_cwnd, 'x')",
            "pass; assert 1",
            "print tcpi_snd_cwnd, 'x'; print; assert 1",
            "assert 0xffffffffffffffff > 1 << 63",
        ] {
            assert_eq!(outcome(code), Ok(()), "{code}");
        }
    }

    #[test]
    fn what_does_not_says_why() {
        let failed = |text: &str| Err(Trouble::Failed(text.to_owned()));
        assert_eq!(
            outcome("assert tcpi_snd_cwnd == 11, 'cwnd=%d' % tcpi_snd_cwnd"),
            failed("assert tcpi_snd_cwnd == 11; tcpi_snd_cwnd is 10 (cwnd=10)")
        );
        assert_eq!(outcome("assert 10 > 9 > 9"), failed("assert 10 > 9 > 9"));
        assert_eq!(outcome("assert 0 or 0"), failed("assert 0 or 0"));
        assert_eq!(outcome("assert not 1"), failed("assert not 1"));
        assert_eq!(
            outcome("x = 2; assert x in (3, 4), f'x is {x}'"),
            failed("assert x in ( 3 , 4 ); x is 2 (x is {x})")
        );
        assert_eq!(
            outcome("if 1: x = 1; assert x == 2"),
            failed("assert x == 2; x is 1")
        );
        assert_eq!(outcome("assert 0, str(1)"), failed("assert 0 (str ( 1 ))"));
    }

    #[test]
    fn what_is_not_understood_is_no_success() {
        for code in [
            "assert tcpi_unheard_of == 1",
            "print(1",
            "print(1) assert 0",
            "exec(1)",
            "assert abs(1, 2)",
            "assert min(1",
            "assert min()",
            "assert",
            "assert (1",
            "assert 1 2",
            "assert 1 / 0",
            "assert 'a",
            "import sys",
            "x += 1",
            "assert x; x = 1",
            "if 0: x = 1\nassert x",
            "if 1:\nassert 1",
            "else: pass",
            "for x in 1: pass",
            "for 1 in (1, 2): pass",
            "for x in [1, 2]:\n  for y in [3]:\n    assert z",
            "if 1 assert 1",
            "assert 1 if 2",
            "assert 1 in 2",
            "assert 1 in ()",
            "assert 1.2.3",
            "assert 2 ** 999",
            "assert 1 ? 2",
        ] {
            assert!(matches!(outcome(code), Err(Trouble::Unknown(_))), "{code}");
        }
    }

    /// Later code finds what earlier code has given a name to.
    #[test]
    fn all_code_is_one_program() {
        let mut variables = Variables::default();
        assert_eq!(run("x = tcpi_snd_cwnd", &mut variables, &value_of), Ok(()));
        assert_eq!(run("assert x == 10", &mut variables, &value_of), Ok(()));
        let mut variables = Variables::default();
        let asked = names("x = tcpi_rtt; assert x == y", &mut variables).unwrap();
        assert_eq!(asked, ["tcpi_rtt", "y"]);
        assert_eq!(names("assert x > 0, z", &mut variables), Ok(Vec::new()));
        let asked = names("assert 1 / (tcpi_rtt - tcpi_ato)", &mut variables).unwrap();
        assert_eq!(asked, ["tcpi_rtt", "tcpi_ato"]);
    }

    proptest! {
        #[test]
        fn no_code_makes_it_panic(code in "[-+*/%&|<>=!(){}\\[\\]:.ea-z0-9 ;,'#\n]{0,60}") {
            let _ = outcome(&code);
            let _ = outcome(&format!("assert {code}"));
        }
    }
}
