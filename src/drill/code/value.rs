//! Numbers of code: exact fractions, since `/` divides exactly.

use core::cmp::Ordering;
use core::fmt;

/// A number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    over: i128,
    /// Above zero.
    under: i128,
}

impl Value {
    pub(super) const fn whole(number: i128) -> Value {
        Value {
            over: number,
            under: 1,
        }
    }

    /// A fraction in lowest terms; `None` if the denominator is zero, or it is too large.
    fn fraction(over: i128, under: i128) -> Option<Value> {
        let divisor = greatest_common_divisor(over.unsigned_abs(), under.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()?.max(1) * under.signum();
        Some(Value {
            over: over.checked_div(divisor)?,
            under: under.checked_div(divisor)?,
        })
    }

    /// A number as Python writes it: `10`, `0x1f`, `0b11`, `0o17`, `1_000`, `0.5`, `1e6`, `2.5e-3`.
    pub(super) fn read(text: &str) -> Option<Value> {
        let text = text.replace('_', "");
        for (prefix, base) in [("0x", 16), ("0X", 16), ("0b", 2), ("0o", 8)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                return i128::from_str_radix(digits, base).ok().map(Value::whole);
            }
        }
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (&text[..], 0),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all: String = [whole, part].concat();
        let is_number = !all.is_empty() && all.chars().all(|c| c.is_ascii_digit());
        let over: i128 = is_number.then(|| all.parse().ok())??;
        let places = exponent.checked_sub(i32::try_from(part.len()).ok()?)?;
        let power = 10i128.checked_pow(places.unsigned_abs())?;
        match places {
            0.. => Value::fraction(over.checked_mul(power)?, 1),
            _ => Value::fraction(over, power),
        }
    }

    pub(super) fn is_true(self) -> bool {
        self.over != 0
    }

    /// The integer that it equals, if it is one.
    pub(super) fn integer(self) -> Option<i128> {
        (self.under == 1).then_some(self.over)
    }

    /// Compares two numbers; `None` if they are too large. Equal numbers are always recognized, because
    /// they are in lowest terms.
    pub(super) fn compare(self, other: Value) -> Option<Ordering> {
        if self == other {
            return Some(Ordering::Equal);
        }
        let left = self.over.checked_mul(other.under)?;
        Some(left.cmp(&other.over.checked_mul(self.under)?))
    }

    pub(super) fn abs(self) -> Option<Value> {
        let over = self.over.checked_abs()?;
        Some(Value { over, ..self })
    }

    /// The integer part, rounded towards zero.
    pub(super) fn truncated(self) -> Value {
        Value {
            over: self.over / self.under,
            under: 1,
        }
    }

    /// The greatest integer that is not greater.
    fn floor(self) -> Value {
        Value {
            over: self.over.div_euclid(self.under),
            under: 1,
        }
    }

    /// The nearest integer; if two are equally near, the even one.
    pub(super) fn rounded(self) -> Option<Value> {
        let half = Value { over: 1, under: 2 };
        let above = self.apply("+", half)?.floor();
        let is_between = self.apply("-", above.apply("-", half)?)?.over == 0;
        let is_odd = above.over.rem_euclid(2) == 1;
        match is_between && is_odd {
            true => above.apply("-", Value::whole(1)),
            false => Some(above),
        }
    }

    /// Applies a binary operator: `+`, `<<`, `//` …
    pub(super) fn apply(self, mark: &str, other: Value) -> Option<Value> {
        let under = || self.under.checked_mul(other.under);
        let left = || self.over.checked_mul(other.under);
        let right = || other.over.checked_mul(self.under);
        match mark {
            "+" => Value::fraction(left()?.checked_add(right()?)?, under()?),
            "-" => Value::fraction(left()?.checked_sub(right()?)?, under()?),
            "*" => Value::fraction(self.over.checked_mul(other.over)?, under()?),
            "/" => Value::fraction(left()?, right()?),
            "//" => Some(Value::fraction(left()?, right()?)?.floor()),
            // The remainder has the sign of the divisor.
            "%" => self.apply("-", other.apply("*", self.apply("//", other)?)?),
            "**" => self.power(u32::try_from(other.integer()?).ok()?),
            "&" => Some(Value::whole(self.integer()? & other.integer()?)),
            "|" => Some(Value::whole(self.integer()? | other.integer()?)),
            "^" => Some(Value::whole(self.integer()? ^ other.integer()?)),
            "<<" => {
                let shift = u32::try_from(other.integer()?).ok()?;
                self.apply("*", Value::whole(2).power(shift)?)
            }
            ">>" => {
                let shift = u32::try_from(other.integer()?).ok()?;
                Some(Value::whole(self.integer()? >> shift.min(127)))
            }
            _ => None,
        }
    }

    fn power(self, exponent: u32) -> Option<Value> {
        let over = self.over.checked_pow(exponent)?;
        Value::fraction(over, self.under.checked_pow(exponent)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn half(over: i128) -> Value {
        Value { over, under: 2 }
    }

    #[test]
    fn numbers_as_python_writes_them() {
        let rows = [
            ("10", Some(Value::whole(10))),
            ("1_000", Some(Value::whole(1_000))),
            ("0x1F", Some(Value::whole(31))),
            ("0b11", Some(Value::whole(3))),
            ("0o17", Some(Value::whole(15))),
            ("1e3", Some(Value::whole(1_000))),
            ("2.5E1", Some(Value::whole(25))),
            (".5", Some(half(1))),
            ("1.", Some(Value::whole(1))),
            ("50e-2", Some(half(1))),
            ("1e99", None),
            ("1.2.3", None),
            ("12ab", None),
            (".", None),
        ];
        for (text, value) in rows {
            assert_eq!(Value::read(text), value, "{text}");
        }
    }

    /// As `python3 -c 'print(-7 // 2, 7 // -2, -7 % 2, 7 % -2, round(2.5), round(3.5), round(-0.5))'` has it:
    /// -4 -4 1 -1 2 4 0.
    #[test]
    fn what_is_left_has_the_sign_of_the_divisor() {
        let apply = |a, mark, b| Value::whole(a).apply(mark, Value::whole(b));
        assert_eq!(apply(-7, "//", 2), Some(Value::whole(-4)));
        assert_eq!(apply(7, "//", -2), Some(Value::whole(-4)));
        assert_eq!(apply(-7, "%", 2), Some(Value::whole(1)));
        assert_eq!(apply(7, "%", -2), Some(Value::whole(-1)));
        assert_eq!(half(5).rounded(), Some(Value::whole(2)));
        assert_eq!(half(7).rounded(), Some(Value::whole(4)));
        assert_eq!(half(-1).rounded(), Some(Value::whole(0)));
        assert_eq!(
            Value::read("2.6").and_then(Value::rounded),
            Some(Value::whole(3))
        );
        assert_eq!(apply(1, "/", 0), None);
        assert_eq!(apply(2, "**", 10), Some(Value::whole(1024)));
        assert_eq!(apply(2, "**", 1000), None);
    }
}
