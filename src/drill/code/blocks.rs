//! `if`, `for` and `while`: what follows them in their line, or in lines further to the right.

use super::evaluator::Evaluator;
use super::expressions::MAX_DEPTH;
use super::tokens::{DEDENT, INDENT, Token};
use super::trouble::{Trouble, unknown};
use super::value::Value;

/// The most rounds of all `for` and `while`, and calls, of a piece of code.
const MAX_ROUNDS: u32 = 10_000;

/// The most numbers of a range.
const MAX_RANGE: usize = 100_000;

impl Evaluator<'_> {
    /// `if CONDITION:` and what follows, `elif CONDITION:`, `else:`.
    pub(super) fn conditional(&mut self) -> Result<(), Trouble> {
        let mut is_done = self.either()?.is_true();
        self.block(is_done)?;
        loop {
            let behind = self.at;
            while self.take("\n") {}
            if self.take_name("elif") {
                let holds = self.if_it_counts(!is_done, Evaluator::either)?.is_true();
                self.block(holds && !is_done)?;
                is_done |= holds;
            } else if self.take_name("else") {
                return self.block(!is_done);
            } else {
                self.at = behind;
                return Ok(());
            }
        }
    }

    /// `for NAME in (A, B):` and what follows.
    pub(super) fn repeated(&mut self) -> Result<(), Trouble> {
        let name = self.name("for without a name")?;
        if !self.take_name("in") {
            return Err(unknown("for without its in"));
        }
        let values = self.values_in_brackets("for without a list")?;
        let start = self.at;
        for value in values {
            self.count_round()?;
            self.at = start;
            self.variables.values.insert(name.clone(), value);
            self.block(true)?;
        }
        Ok(())
    }

    /// `while CONDITION:` and what follows.
    pub(super) fn repeated_while(&mut self) -> Result<(), Trouble> {
        let start = self.at;
        loop {
            self.count_round()?;
            self.at = start;
            let holds = self.either()?.is_true();
            self.block(holds)?;
            if !holds || self.only_reads {
                return Ok(());
            }
        }
    }

    /// Something is done that may be done again and again.
    pub(super) fn count_round(&mut self) -> Result<(), Trouble> {
        self.rounds += 1;
        match self.rounds > MAX_ROUNDS {
            true => Err(unknown("code that goes on for too long")),
            false => Ok(()),
        }
    }

    /// `(A, B)`, `[A, B]`, `{A, B}`, `range(A, B)`: at least one value.
    pub(super) fn values_in_brackets(&mut self, otherwise: &str) -> Result<Vec<Value>, Trouble> {
        if self.take_name("range") && self.take("(") {
            let bounds = self.list(")")?;
            return self.range(&bounds);
        }
        let pairs = [("(", ")"), ("[", "]"), ("{", "}")];
        match pairs.into_iter().find(|(open, _)| self.take(open)) {
            Some((_, close)) => self.list(close),
            None => Err(unknown(otherwise)),
        }
    }

    /// The whole numbers from the first bound, or 0, up to the one before the last, perhaps in steps.
    fn range(&self, bounds: &[Value]) -> Result<Vec<Value>, Trouble> {
        if self.only_reads {
            return Ok(vec![Value::whole(1)]);
        }
        let whole: Option<Vec<i128>> = bounds.iter().map(|bound| bound.integer()).collect();
        let (from, to, step) = match whole.as_deref() {
            Some([to]) => (0, *to, 1),
            Some([from, to]) => (*from, *to, 1),
            Some([from, to, step]) => (*from, *to, usize::try_from(*step).unwrap_or(0)),
            _ => (0, 0, 0),
        };
        if step == 0 {
            return Err(unknown("such a range"));
        }
        let mut values = (from..to).step_by(step).map(Value::whole);
        let some: Vec<Value> = values.by_ref().take(MAX_RANGE).collect();
        match values.next() {
            Some(_) => Err(unknown("a range that is too long")),
            None => Ok(some),
        }
    }

    /// What stands behind a `:`. If it does not count, it is still looked at.
    pub(super) fn block(&mut self, counts: bool) -> Result<(), Trouble> {
        if !self.take(":") {
            return Err(unknown("if without its ':'"));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unknown("blocks too deep in each other"));
        }
        let only_reads = self.only_reads;
        let before = (!counts && !only_reads).then(|| self.variables.clone());
        self.only_reads |= !counts;
        let done = match self.take(INDENT) {
            true => self.lines(),
            false => self.rest_of_line(),
        };
        self.only_reads = only_reads;
        self.depth -= 1;
        if let Some(before) = before {
            *self.variables = before;
        }
        done
    }

    /// Statements up to the last of the lines that belong together.
    fn lines(&mut self) -> Result<(), Trouble> {
        loop {
            while self.take("\n") || self.take(";") {}
            if self.take(DEDENT) {
                return Ok(());
            }
            if self.at == self.tokens.len() {
                return Err(unknown("if without what follows"));
            }
            self.statement()?;
        }
    }

    /// `STATEMENT; STATEMENT`, in one line.
    fn rest_of_line(&mut self) -> Result<(), Trouble> {
        loop {
            match self.tokens.get(self.at) {
                None | Some(Token::Mark("\n" | DEDENT)) => {
                    return Err(unknown("if without what follows"));
                }
                Some(_) => self.statement()?,
            }
            if !self.take(";") {
                return Ok(());
            }
        }
    }
}
