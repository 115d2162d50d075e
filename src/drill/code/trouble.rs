//! What may go wrong with code.

/// What became of a piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::drill) enum Trouble {
    /// An assertion does not hold.
    Failed(String),
    /// It cannot be evaluated: a name that nobody has, or more of Python than is spoken here.
    Unknown(String),
}

pub(super) fn unknown(what: &str) -> Trouble {
    Trouble::Unknown(what.to_owned())
}
