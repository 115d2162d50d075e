//! `def`: functions that a script defines, and their calls.

use super::evaluator::Evaluator;
use super::tokens::Token;
use super::trouble::{Trouble, unknown};
use super::value::Value;
use super::variables::Definition;

impl Evaluator<'_> {
    /// `def NAME(A, B):` with its body, which is checked now, so that nothing in it is unknown when it is
    /// called.
    pub(super) fn definition(&mut self) -> Result<(), Trouble> {
        if self.in_function {
            return Err(unknown("def inside def"));
        }
        let name = self.name("def without a name")?;
        let parameters = self.parameters()?;
        let start = self.at;
        // It may call itself.
        let known = Definition {
            parameters: parameters.clone(),
            body: Vec::new(),
        };
        self.variables.define(name.clone(), known);
        let values = parameters.iter().map(|it| (it.clone(), Value::whole(1)));
        let caller = self.variables.begin_call(values);
        let only_reads = core::mem::replace(&mut self.only_reads, true);
        self.in_function = true;
        let read = self.block(true);
        self.in_function = false;
        self.only_reads = only_reads;
        self.variables.end_call(caller);
        read?;
        let body = self.tokens[start..self.at].to_vec();
        self.variables.define(name, Definition { parameters, body });
        Ok(())
    }

    /// `(A, B)`, of names.
    fn parameters(&mut self) -> Result<Vec<String>, Trouble> {
        let mut names = Vec::new();
        if !self.take("(") {
            return Err(unknown("def without its parentheses"));
        }
        while !self.take(")") {
            names.push(self.name("a parameter that is no name")?);
            if !self.take(",") && !matches!(self.tokens.get(self.at), Some(Token::Mark(")"))) {
                return Err(unknown("a parameter that is more than a name"));
            }
        }
        Ok(names)
    }

    /// `return VALUE`, or `return`.
    pub(super) fn returned(&mut self) -> Result<(), Trouble> {
        let value = match self.ends("return") {
            Ok(()) => Value::whole(0),
            Err(_) => self.either()?,
        };
        self.ends("return")?;
        if self.only_reads {
            return Ok(());
        }
        // This ends the evaluation of the body, and the call takes the value.
        self.returned = Some(value);
        Err(unknown("return"))
    }

    /// Whether a call of one of the script's functions comes next.
    pub(super) fn calls(&self) -> bool {
        let mut ahead = self.tokens[self.at.min(self.tokens.len())..].iter();
        let name = ahead.next();
        let is_known =
            matches!(name, Some(Token::Name(name)) if self.variables.function(name).is_some());
        is_known && matches!(ahead.next(), Some(Token::Mark("(")))
    }

    /// `NAME(A, B)`: the parameters name the values, and names assigned inside are forgotten afterwards.
    pub(super) fn call(&mut self) -> Result<Value, Trouble> {
        let name = self.name("code that is no call")?;
        let found = self.variables.function(&name).cloned();
        let function = found.ok_or_else(|| unknown("code that is no call"))?;
        self.take("(");
        let values = match self.take(")") {
            true => Vec::new(),
            false => self.list(")")?,
        };
        if values.len() != function.parameters.len() {
            return Err(unknown("a call with more values, or fewer"));
        }
        if self.only_reads {
            return Ok(Value::whole(1));
        }
        self.spend(1)?;
        let parameters = function.parameters.iter().cloned();
        let caller = self.variables.begin_call(parameters.zip(values));
        let mut inner = Evaluator {
            tokens: &function.body,
            at: 0,
            look_up: self.look_up,
            variables: &mut *self.variables,
            only_reads: false,
            seen: Vec::new(),
            depth: self.depth,
            steps: self.steps,
            in_function: true,
            returned: None,
        };
        let done = inner.block(true);
        let (steps, returned) = (inner.steps, inner.returned);
        self.steps = steps;
        self.variables.end_call(caller);
        match returned {
            Some(value) => Ok(value),
            None => done.map(|()| Value::whole(0)),
        }
    }
}
