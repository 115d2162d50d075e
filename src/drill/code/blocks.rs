//! `if`, `for` and `while`, with their blocks: the rest of the line, or lines that are indented
//! further.

use super::evaluator::Evaluator;
use super::expressions::MAX_DEPTH;
use super::tokens::{DEDENT, INDENT, Token};
use super::trouble::{Trouble, unknown};
use super::value::Value;

impl Evaluator<'_> {
    /// `if CONDITION:`, `elif CONDITION:`, `else:`, each with its block.
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

    /// `for NAME in (A, B):` with its block.
    pub(super) fn repeated(&mut self) -> Result<(), Trouble> {
        let name = self.name("for without a name")?;
        if !self.take_name("in") {
            return Err(unknown("for without its in"));
        }
        let values = self.values_in_brackets("for without a list")?;
        if values.is_empty() {
            return self.not_once(name);
        }
        let start = self.at;
        for value in values {
            self.spend(1)?;
            self.at = start;
            self.variables.set(name.clone(), value);
            self.block(true)?;
        }
        Ok(())
    }

    /// The block of a `for` without values is only parsed.
    fn not_once(&mut self, name: String) -> Result<(), Trouble> {
        self.variables.begin_block();
        self.variables.set(name, Value::whole(1));
        let read = self.block(false);
        self.variables.end_block();
        read
    }

    /// `while CONDITION:` with its block.
    pub(super) fn repeated_while(&mut self) -> Result<(), Trouble> {
        let start = self.at;
        loop {
            self.spend(1)?;
            self.at = start;
            let holds = self.either()?.is_true();
            self.block(holds)?;
            if !holds || self.only_reads {
                return Ok(());
            }
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

    /// The integers from the first bound, or 0, up to but excluding the last, possibly in steps.
    fn range(&mut self, bounds: &[Value]) -> Result<Vec<Value>, Trouble> {
        if self.only_reads {
            return Ok(vec![Value::whole(1)]);
        }
        let whole: Option<Vec<i128>> = bounds.iter().map(|bound| bound.integer()).collect();
        let (from, to, step) = match whole.as_deref() {
            Some([to]) => (0, *to, 1),
            Some([from, to]) => (*from, *to, 1),
            Some([from, to, step]) if *step > 0 => (*from, *to, *step),
            _ => return Err(unknown("such a range")),
        };
        let span = to.checked_sub(from);
        let span = span.ok_or_else(|| unknown("such a range"))?.max(0);
        let count = span.unsigned_abs().div_ceil(step.unsigned_abs());
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.spend(count)?;
        let numbers = (0..count as i128).map(|number| Value::whole(from + number * step));
        Ok(numbers.collect())
    }

    /// The block after a `:`. If it does not count, it is still checked.
    pub(super) fn block(&mut self, counts: bool) -> Result<(), Trouble> {
        if !self.take(":") {
            return Err(unknown("if without its ':'"));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unknown("blocks too deep in each other"));
        }
        let only_reads = self.only_reads;
        let is_forgotten = !counts && !only_reads;
        if is_forgotten {
            self.variables.begin_block();
        }
        self.only_reads |= !counts;
        let done = match self.take(INDENT) {
            true => self.lines(),
            false => self.rest_of_line(),
        };
        self.only_reads = only_reads;
        self.depth -= 1;
        if is_forgotten {
            self.variables.end_block();
        }
        done
    }

    /// The statements of the lines of a block.
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

    /// `STATEMENT; STATEMENT`, on one line.
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
