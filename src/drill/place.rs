//! Places in a script, and errors there.

use core::fmt;

/// A place in the text of a script. Prints as `line:column`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A script that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The place of the error.
    pub place: Place,
    /// What is wrong, in words.
    pub message: String,
}

impl SyntaxError {
    pub(super) fn new(place: Place, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            place,
            message: message.into(),
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// The result of each part of the parser.
pub(super) type Parsed<T> = Result<T, SyntaxError>;
