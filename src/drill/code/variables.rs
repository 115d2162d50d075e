//! What code has given names to.

use std::collections::BTreeMap;

use super::tokens::Token;
use super::value::Value;

/// All code of a script is one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::drill) struct Variables {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) functions: BTreeMap<String, Definition>,
}

/// A function of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) parameters: Vec<String>,
    /// From its `:` on.
    pub(super) body: Vec<Token>,
}
