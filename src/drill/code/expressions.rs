//! Expressions, by precedence: the operators that bind weakest come first.

use super::evaluator::Evaluator;
use super::functions::{FUNCTIONS, function};
use super::tokens::Token;
use super::trouble::{Trouble, unknown};
use super::value::Value;

/// The operators by precedence, weakest first. Comparisons bind weaker than these, but stronger
/// than the words.
const LEVELS: [&[&str]; 6] = [
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "//", "%"],
];
const COMPARISONS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];
/// How deeply expressions and blocks may be nested.
pub(super) const MAX_DEPTH: u32 = 64;

impl Evaluator<'_> {
    /// Values with commas between them, up to and with `close`: at least one.
    pub(super) fn list(&mut self, close: &str) -> Result<Vec<Value>, Trouble> {
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
    pub(super) fn either(&mut self) -> Result<Value, Trouble> {
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

    /// Where the `if` of an `a if b else c` that begins here is.
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

    /// `a if b else c`, whose `if` is at `place`: one of `a` and `c` is only parsed.
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

    /// A value. If it does not count, it is only parsed, and need not be a number.
    pub(super) fn if_it_counts(
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
        self.comparison(negate)
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

    /// Whether the value is in what follows `in`: a list, a tuple, a set or a range.
    fn is_one_of(&mut self, value: Value) -> Result<bool, Trouble> {
        let values = self.values_in_brackets("in without a list")?;
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

    /// What follows the signs, with its power: a number, a name, a function or parentheses.
    pub(super) fn atom(&mut self) -> Result<Value, Trouble> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unknown("powers too deep in each other"));
        }
        self.spend(1)?;
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
        if self.calls() {
            return self.call();
        }
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
                self.see(name, value);
                Ok(value)
            }
            _ => Err(unknown("code that is no expression")),
        }
    }

    /// The result of an operation. If no assertion is checked, names have arbitrary values, and the result
    /// may not exist.
    pub(super) fn number(&self, value: Option<Value>) -> Result<Value, Trouble> {
        let anything = self.only_reads.then_some(Value::whole(1));
        value.or(anything).ok_or_else(too_large)
    }

    pub(super) fn value_of(&self, name: &str) -> Result<Value, Trouble> {
        if let Some(value) = self.variables.value(name) {
            return Ok(value);
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
