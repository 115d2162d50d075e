//! Reads system calls: `connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)`.

use super::super::ast::{Call, Expr, Field};
use super::super::lexer::{Kind, Token};
use super::super::place::{Parsed, SyntaxError};
use super::super::text::unescape;
use super::{MAX_DEPTH, Parser, integer_of, unexpected};

impl Parser<'_> {
    pub(super) fn call(&mut self, end: Option<u64>) -> Parsed<Call> {
        let name = self.next()?.text;
        self.mark('(')?;
        let args = self.exprs(')')?;
        self.mark('=')?;
        let result = self.expr()?;
        let errno = match self.peek()?.kind {
            Kind::Word => Some(self.next()?.text),
            _ => None,
        };
        while self.peek()?.is_mark('(') {
            let open = self.next()?.span.0;
            self.lexer.skip_note(open)?;
        }
        Ok(Call {
            name,
            args,
            result,
            errno,
            end,
        })
    }

    /// Expressions with commas between them, up to and with `close`.
    fn exprs(&mut self, close: char) -> Parsed<Vec<Expr>> {
        let mut exprs = Vec::new();
        while !self.take_mark(close)? {
            if !exprs.is_empty() {
                self.mark(',')?;
            }
            let expr = self.expr()?;
            exprs.push(expr);
        }
        Ok(exprs)
    }

    /// `a`, or `a | b | …`.
    fn expr(&mut self) -> Parsed<Expr> {
        self.inside(|parser| {
            let mut alternatives = vec![parser.shifted()?];
            while parser.take_mark('|')? {
                alternatives.push(parser.shifted()?);
            }
            Ok(match alternatives.len() {
                1 => alternatives.remove(0),
                _ => Expr::Or(alternatives),
            })
        })
    }

    /// Reads a nested list or struct, and checks the depth.
    fn inside(&mut self, read: impl FnOnce(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let place = self.peek()?.place;
            return Err(SyntaxError::new(place, "lists too deep in each other"));
        }
        let expr = read(self)?;
        self.depth -= 1;
        Ok(expr)
    }

    /// `a`, or `1 << 16`, which is a number.
    fn shifted(&mut self) -> Parsed<Expr> {
        let value = self.primary()?;
        if !self.take_mark('<')? {
            return Ok(value);
        }
        self.mark('<')?;
        let token = self.peek()?.clone();
        let places = self.number("a shift", 62)?;
        let shifted = match value {
            Expr::Integer(value) => value.checked_mul(1 << places),
            _ => None,
        };
        let what = "a number is meant on both sides of <<, and one that fits";
        let shifted = shifted.ok_or_else(|| SyntaxError::new(token.place, what));
        shifted.map(Expr::Integer)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let token = self.next()?;
        match token.kind {
            Kind::Ellipsis => Ok(Expr::Ellipsis),
            Kind::Integer | Kind::Hex => integer(&token),
            Kind::Text => self.text(token),
            Kind::Word if self.take_mark('(')? => Ok(Expr::Apply(token.text, self.exprs(')')?)),
            Kind::Word => Ok(Expr::Word(token.text)),
            // An address, as if it were in quotes.
            Kind::Ipv4 | Kind::Ipv6 => Ok(Expr::Text(token.text.into_bytes())),
            Kind::Mark('[') => Ok(Expr::List(self.exprs(']')?)),
            Kind::Mark('(') => {
                let value = self.expr()?;
                self.mark(')')?;
                Ok(value)
            }
            Kind::Mark('{') => self.fields(),
            _ => Err(unexpected(&token, "an argument")),
        }
    }

    /// Adjacent strings are one.
    fn text(&mut self, first: Token) -> Parsed<Expr> {
        let mut text =
            unescape(&first.text).map_err(|message| SyntaxError::new(first.place, message))?;
        while self.peek()?.kind == Kind::Text {
            let next = self.next()?;
            text.extend(
                unescape(&next.text).map_err(|message| SyntaxError::new(next.place, message))?,
            );
        }
        Ok(Expr::Text(text))
    }

    /// The members after a brace, with or without names; C has a dot in front of names.
    fn fields(&mut self) -> Parsed<Expr> {
        let mut fields = Vec::new();
        while !self.take_mark('}')? {
            // `TCP_NLA_A=1|TCP_NLA_B=2`: between members, a bar means a comma.
            if !fields.is_empty() && !self.take_mark('|')? {
                self.mark(',')?;
            }
            self.take_mark('.')?;
            let value = self.expr()?;
            let field = match value {
                Expr::Word(name) | Expr::Apply(name, _) if self.take_mark('=')? => {
                    let value = match name.starts_with("TCP_NLA_") {
                        true => self.inside(Parser::primary)?,
                        false => self.expr()?,
                    };
                    Field {
                        name: Some(name),
                        value,
                    }
                }
                value => Field { name: None, value },
            };
            fields.push(field);
        }
        Ok(Expr::Struct(fields))
    }
}

fn integer(token: &Token) -> Parsed<Expr> {
    match integer_of(&token.text) {
        Some(value) => Ok(Expr::Integer(value)),
        None => Err(SyntaxError::new(token.place, "a number that is too large")),
    }
}
