//! The call that blocks.

use super::super::super::ast::Expr;
use super::super::super::place::Place;
use super::super::Wrong;
use super::attempt::Attempt;
use crate::time::Instant;

/// A call that blocks.
pub(in super::super) struct Pending {
    pub(super) place: Place,
    pub(super) text: String,
    pub(super) attempt: Attempt,
    /// When it gives up on its own.
    pub(super) deadline: Option<Instant>,
    /// When it began, and when it must return.
    pub(super) began: Instant,
    pub(super) end: Instant,
    pub(super) expected: Expected,
}

/// The expected result of a call.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) result: Expr,
    pub(super) errno: Option<String>,
}

impl Pending {
    pub(in super::super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(in super::super) fn wrong(&self, message: &str) -> Wrong {
        Wrong {
            message: message.to_owned(),
            elsewhere: Some((self.place, self.text.clone())),
            ..Wrong::default()
        }
    }
}
