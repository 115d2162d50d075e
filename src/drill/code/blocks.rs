//! `if` and `for`: what follows them in their line, or in lines further to the right.

use super::evaluator::Evaluator;
use super::expressions::MAX_DEPTH;
use super::tokens::{DEDENT, INDENT, Token};
use super::trouble::{Trouble, unknown};
use super::value::Value;

/// The most rounds of all `for` of a piece of code.
const MAX_ROUNDS: u32 = 10_000;

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
        let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else {
            return Err(unknown("for without a name"));
        };
        self.at += 1;
        if !self.take_name("in") {
            return Err(unknown("for without its in"));
        }
        let values = self.values_in_brackets()?;
        let start = self.at;
        for value in values {
            self.rounds += 1;
            if self.rounds > MAX_ROUNDS {
                return Err(unknown("code that goes on for too long"));
            }
            self.at = start;
            self.variables.0.insert(name.clone(), value);
            self.block(true)?;
        }
        Ok(())
    }

    /// `(A, B)`, `[A, B]`: at least one value.
    fn values_in_brackets(&mut self) -> Result<Vec<Value>, Trouble> {
        let pairs = [("(", ")"), ("[", "]")];
        match pairs.into_iter().find(|(open, _)| self.take(open)) {
            Some((_, close)) => self.list(close),
            None => Err(unknown("for without a list")),
        }
    }

    /// What stands behind a `:`. If it does not count, it is still looked at.
    fn block(&mut self, counts: bool) -> Result<(), Trouble> {
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
