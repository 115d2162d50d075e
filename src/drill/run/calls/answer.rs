//! What a call gives.

use super::super::files::Descriptor;
use crate::bsd::Errno;

/// What a call has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) result: Result<i64, Errno>,
    /// The result is this, and the script gives it a number of its own.
    pub(super) descriptor: Option<Descriptor>,
    /// What else is not as the script says.
    pub(super) wrong: Vec<String>,
}

impl Answer {
    pub(super) fn new(result: Result<i64, Errno>) -> Answer {
        Answer {
            result,
            descriptor: None,
            wrong: Vec::new(),
        }
    }
}
