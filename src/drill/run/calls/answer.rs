//! The answer of a call.

use super::super::files::Descriptor;
use crate::bsd::Errno;

/// What a call has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) result: Result<i64, Errno>,
    /// The result is this descriptor, to which the script gives its own number.
    pub(super) descriptor: Option<Descriptor>,
    /// Other differences from the script.
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
