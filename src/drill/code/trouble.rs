//! What can go wrong with code.

/// Why a piece of code did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::drill) enum Trouble {
    /// An assertion does not hold.
    Failed(String),
    /// The code cannot be evaluated: it has an unknown name, or uses more of Python than is
    /// supported here.
    Unknown(String),
}

pub(super) fn unknown(what: &str) -> Trouble {
    Trouble::Unknown(what.to_owned())
}
