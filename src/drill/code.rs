//! `%{ … }%`: assertions over what the stack says of a connection.
//!
//! A small part of Python: `assert` with comparisons (chained, too), `and`, `or`, `not`, `&`, `|`, `^`, `~`,
//! `<<`, `>>`, `+`, `-`, `*`, `/`, `//`, `%`, `abs`, `min`, `max`, `int`, parentheses, and a message, which may be
//! a string with a `%`; `pass`; and `print`, which nobody reads.

use core::fmt;

/// What became of a piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// An assertion does not hold.
    Failed(String),
    /// It cannot be evaluated: a name that nobody has, or more of Python than is spoken here.
    Unknown(String),
}

/// Runs the assertions of a piece of code; `look_up` gives what a name stands for.
///
/// # Errors
/// The first assertion that does not hold, or the first thing that is not understood.
pub(super) fn run(code: &str, look_up: &dyn Fn(&str) -> Option<i64>) -> Result<(), Trouble> {
    let tokens = scan(code)?;
    let mut evaluator = Evaluator {
        tokens: &tokens,
        at: 0,
        look_up,
        seen: Vec::new(),
        depth: 0,
    };
    loop {
        while evaluator.take("\n") || evaluator.take(";") {}
        if evaluator.at == evaluator.tokens.len() {
            return Ok(());
        }
        evaluator.statement()?;
    }
}

/// Whether the code can be understood at all, whatever its names stand for: the names that it
/// asks for.
pub(super) fn names(code: &str) -> Result<Vec<String>, Trouble> {
    let names = core::cell::RefCell::new(Vec::new());
    let note = |name: &str| {
        names.borrow_mut().push(name.to_owned());
        Some(1)
    };
    match run(code, &note) {
        Ok(()) | Err(Trouble::Failed(_)) => Ok(names.into_inner()),
        Err(trouble) => Err(trouble),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(i64),
    Name(String),
    Text(String),
    Mark(&'static str),
}

/// The longest first.
const MARKS: [&str; 21] = [
    "==", "!=", "<=", ">=", "//", "<<", ">>", "<", ">", "&", "|", "^", "~", "+", "-", "*", "/",
    "%", "(", ")", ",",
];

/// The most tokens of a piece of code.
const MAX_TOKENS: usize = 100_000;

fn scan(code: &str) -> Result<Vec<Token>, Trouble> {
    let mut tokens = Vec::new();
    let mut rest = code;
    let mut depth = 0u32;
    while let Some(first) = rest.chars().next() {
        let (token, len) = match first {
            '\n' if depth == 0 => (Some(Token::Mark("\n")), 1),
            ';' => (Some(Token::Mark(";")), 1),
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            '\\' if rest[1..].starts_with('\n') => (None, 2),
            c if c.is_whitespace() => (None, c.len_utf8()),
            '"' | '\'' => {
                let end = rest[1..].find(first);
                let end = end.ok_or_else(|| unknown("a string without an end"))?;
                (Some(Token::Text(rest[1..=end].to_owned())), end + 2)
            }
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let len = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                (Some(word(&rest[..len])?), len)
            }
            _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => (Some(Token::Mark(mark)), mark.len()),
                None => return Err(unknown(&format!("'{first}' in code"))),
            },
        };
        match token {
            Some(Token::Mark("(")) => depth += 1,
            Some(Token::Mark(")")) => depth = depth.saturating_sub(1),
            _ => {}
        }
        tokens.extend(token);
        if tokens.len() > MAX_TOKENS {
            return Err(unknown("code that is too long"));
        }
        rest = &rest[len..];
    }
    Ok(tokens)
}

fn word(word: &str) -> Result<Token, Trouble> {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(Token::Name(word.to_owned()));
    }
    let number = match word.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => word.parse(),
    };
    number
        .map(Token::Number)
        .map_err(|_| unknown(&format!("the number {word} in code")))
}

fn unknown(what: &str) -> Trouble {
    Trouble::Unknown(what.to_owned())
}

/// A number: an exact fraction, since `/` divides exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    over: i128,
    under: i128,
}

impl Value {
    const fn whole(number: i64) -> Value {
        Value {
            over: number as i128,
            under: 1,
        }
    }

    fn is_true(self) -> bool {
        self.over != 0
    }

    /// The whole number that it is.
    fn integer(self) -> Option<i64> {
        let whole = self.over % self.under == 0;
        whole.then(|| i64::try_from(self.over / self.under).ok())?
    }

    fn compare(self, other: Value) -> Option<core::cmp::Ordering> {
        let left = self.over.checked_mul(other.under)?;
        Some(left.cmp(&other.over.checked_mul(self.under)?))
    }

    fn apply(self, mark: &str, other: Value) -> Option<Value> {
        let make = |over: i128, under: i128| {
            let sign = if under < 0 { -1 } else { 1 };
            let divisor = greatest_common_divisor(over.unsigned_abs(), under.unsigned_abs());
            let divisor = i128::try_from(divisor).ok()?.max(1) * sign;
            Some(Value {
                over: over / divisor,
                under: under / divisor,
            })
        };
        let under = || self.under.checked_mul(other.under);
        let left = || self.over.checked_mul(other.under);
        let right = || other.over.checked_mul(self.under);
        match mark {
            "+" => make(left()?.checked_add(right()?)?, under()?),
            "-" => make(left()?.checked_sub(right()?)?, under()?),
            "*" => make(self.over.checked_mul(other.over)?, under()?),
            "/" if other.over != 0 => make(left()?, right()?),
            "//" if other.over != 0 => make(left()?.checked_div_euclid(right()?)?, 1),
            "%" if other.over != 0 => {
                let remainder = self.integer()?.checked_rem_euclid(other.integer()?)?;
                Some(Value::whole(remainder))
            }
            "&" => Some(Value::whole(self.integer()? & other.integer()?)),
            "|" => Some(Value::whole(self.integer()? | other.integer()?)),
            "^" => Some(Value::whole(self.integer()? ^ other.integer()?)),
            "<<" => {
                let shift = u32::try_from(other.integer()?).ok()?;
                Some(Value::whole(self.integer()?.checked_shl(shift)?))
            }
            ">>" => {
                let shift = u32::try_from(other.integer()?).ok()?;
                Some(Value::whole(self.integer()?.checked_shr(shift)?))
            }
            _ => None,
        }
    }
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    match b {
        0 => a,
        _ => greatest_common_divisor(b, a % b),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.under {
            1 => write!(f, "{}", self.over),
            _ => write!(f, "{}/{}", self.over, self.under),
        }
    }
}

struct Evaluator<'a> {
    tokens: &'a [Token],
    at: usize,
    look_up: &'a dyn Fn(&str) -> Option<i64>,
    /// The names of this assertion, and what they stand for.
    seen: Vec<(String, i64)>,
    depth: u32,
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
            return Ok(());
        }
        if self.take_name("print") {
            return self.skip_print();
        }
        if !self.take_name("assert") {
            return Err(unknown("code that is no assertion"));
        }
        self.seen.clear();
        let start = self.at;
        let value = self.either()?;
        let condition = self.words(start, self.at);
        let message = match self.take(",") {
            true => Some(self.message()?),
            false => None,
        };
        self.ends("an assertion")?;
        if value.is_true() {
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

    /// What is printed, up to the parenthesis that closes it.
    fn skip_print(&mut self) -> Result<(), Trouble> {
        let mut depth = 0u32;
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
            None | Some(Token::Mark("\n" | ";")) => Ok(()),
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

    /// An expression, or a string with what its `%` are to be.
    fn message(&mut self) -> Result<String, Trouble> {
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
        let mut values = Vec::new();
        if self.take("(") {
            values.push(self.either()?);
            while self.take(",") {
                values.push(self.either()?);
            }
            if !self.take(")") {
                return Err(unknown("a '(' without its ')'"));
            }
        } else {
            values.push(self.level(LEVELS.len())?);
        }
        for value in values {
            if let Some(at) = text.find('%') {
                let end = text[at + 1..].find(|c: char| c.is_ascii_alphabetic());
                let end = end.map_or(text.len(), |letter| at + letter + 2);
                text.replace_range(at..end, &value.to_string());
            }
        }
        Ok(text)
    }

    fn either(&mut self) -> Result<Value, Trouble> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unknown("parentheses too deep in each other"));
        }
        let mut value = self.both()?;
        while self.take_name("or") {
            let other = self.both()?;
            value = if value.is_true() { value } else { other };
        }
        self.depth -= 1;
        Ok(value)
    }

    fn both(&mut self) -> Result<Value, Trouble> {
        let mut value = self.not()?;
        while self.take_name("and") {
            let other = self.not()?;
            value = if value.is_true() { other } else { value };
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

    /// `a < b <= c` holds if `a < b` and `b <= c` do.
    fn comparison(&mut self, negate: bool) -> Result<Value, Trouble> {
        use core::cmp::Ordering::{Equal, Greater, Less};
        let mut left = self.level(0)?;
        let mut outcome: Option<bool> = None;
        while let Some(mark) = self.take_any(&COMPARISONS) {
            let right = self.level(0)?;
            let order = left.compare(right).ok_or_else(too_large)?;
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

    fn level(&mut self, level: usize) -> Result<Value, Trouble> {
        let Some(marks) = LEVELS.get(level) else {
            return self.atom();
        };
        let mut value = self.level(level + 1)?;
        while let Some(mark) = self.take_any(marks) {
            let other = self.level(level + 1)?;
            value = value.apply(mark, other).ok_or_else(too_large)?;
        }
        Ok(value)
    }

    /// What stands behind signs: a number, a name, a function, or parentheses.
    fn atom(&mut self) -> Result<Value, Trouble> {
        let mut signs = Vec::new();
        while let Some(sign) = self.take_any(&["-", "+", "~"]) {
            signs.push(sign);
        }
        let mut value = self.operand()?;
        for sign in signs.into_iter().rev() {
            let zero = Value::whole(0);
            value = match sign {
                "-" => zero.apply("-", value),
                "~" => Value::whole(-1).apply("-", value),
                _ => Some(value),
            }
            .ok_or_else(too_large)?;
        }
        Ok(value)
    }

    fn operand(&mut self) -> Result<Value, Trouble> {
        if self.take("(") {
            let value = self.either()?;
            return self.closed(value);
        }
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Number(number)) => Ok(Value::whole(number)),
            Some(Token::Name(name)) if FUNCTIONS.contains(&name.as_str()) && self.take("(") => {
                let mut values = vec![self.either()?];
                while self.take(",") {
                    values.push(self.either()?);
                }
                let value = function(&name, &values)?;
                self.closed(value)
            }
            Some(Token::Name(name)) => {
                let number = match name.as_str() {
                    "True" => 1,
                    "False" => 0,
                    _ => (self.look_up)(&name)
                        .ok_or_else(|| unknown(&format!("the name {name} in code")))?,
                };
                if !self.seen.iter().any(|(seen, _)| *seen == name) {
                    self.seen.push((name, number));
                }
                Ok(Value::whole(number))
            }
            _ => Err(unknown("code that is no expression")),
        }
    }

    /// A value, and the parenthesis behind it.
    fn closed(&mut self, value: Value) -> Result<Value, Trouble> {
        match self.take(")") {
            true => Ok(value),
            false => Err(unknown("a '(' without its ')'")),
        }
    }
}

const FUNCTIONS: [&str; 4] = ["abs", "min", "max", "int"];

/// One of [`FUNCTIONS`] of these values: at least one.
fn function(name: &str, values: &[Value]) -> Result<Value, Trouble> {
    use core::cmp::Ordering::{Greater, Less};
    let mut best = values[0];
    let wanted = match name {
        "abs" | "int" if values.len() != 1 => {
            return Err(unknown(&format!("{name} of several numbers")));
        }
        "abs" => {
            let over = best.over.checked_abs().ok_or_else(too_large)?;
            return Ok(Value { over, ..best });
        }
        // Towards zero.
        "int" => {
            let over = best.over / best.under;
            return Ok(Value { over, under: 1 });
        }
        "min" => Less,
        _ => Greater,
    };
    for value in &values[1..] {
        if value.compare(best).ok_or_else(too_large)? == wanted {
            best = *value;
        }
    }
    Ok(best)
}

fn too_large() -> Trouble {
    unknown("a number that is no number, or too large")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value_of(name: &str) -> Option<i64> {
        match name {
            "tcpi_snd_cwnd" => Some(10),
            "tcpi_options" => Some(7),
            _ => None,
        }
    }

    fn outcome(code: &str) -> Result<(), Trouble> {
        run(code, &value_of)
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
    }

    #[test]
    fn what_is_not_understood_is_no_success() {
        for code in [
            "assert tcpi_unheard_of == 1",
            "print(1",
            "print 1",
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
            "x = 1",
            "assert 1 ? 2",
        ] {
            assert!(matches!(outcome(code), Err(Trouble::Unknown(_))), "{code}");
        }
    }

    proptest! {
        #[test]
        fn no_code_makes_it_panic(code in "[-+*/%&|<>=!()a-z0-9 ;,'#\n]{0,60}") {
            let _ = outcome(&code);
            let _ = outcome(&format!("assert {code}"));
        }
    }
}
