//! The built-in functions of code.

use core::cmp::Ordering::{self, Greater, Less};

use super::trouble::{Trouble, unknown};
use super::value::Value;

/// Their names.
pub(super) const FUNCTIONS: [&str; 12] = [
    "abs", "min", "max", "int", "float", "round", "bool", "pow", "sum", "all", "any", "len",
];

/// The result of one of [`FUNCTIONS`] for at least one value. `None`: there is no such
/// number.
pub(super) fn function(name: &str, values: &[Value]) -> Result<Option<Value>, Trouble> {
    let truth = |holds: bool| Some(Value::whole(holds.into()));
    Ok(match (name, values) {
        ("abs", [value]) => value.abs(),
        ("int", [value]) => Some(value.truncated()),
        ("round", [value]) => value.rounded(),
        ("float", [value]) => Some(*value),
        ("bool", [value]) => truth(value.is_true()),
        ("pow", [value, exponent]) => value.apply("**", *exponent),
        ("len", _) => Some(Value::whole(values.len() as i128)),
        ("all", _) => truth(values.iter().all(|value| value.is_true())),
        ("any", _) => truth(values.iter().any(|value| value.is_true())),
        ("sum", _) => {
            let mut values = values.iter();
            values.try_fold(Value::whole(0), |sum, value| sum.apply("+", *value))
        }
        ("min", _) => best(values, Less),
        ("max", _) => best(values, Greater),
        _ => return Err(unknown(&format!("{name} of several numbers"))),
    })
}

/// The first of these values that no other one precedes in the wanted order.
fn best(values: &[Value], wanted: Ordering) -> Option<Value> {
    let (first, others) = values.split_first()?;
    others.iter().try_fold(*first, |best, value| {
        let is_better = value.compare(best)? == wanted;
        Some(if is_better { *value } else { best })
    })
}
