//! What can be wrong with a study file or its data: one message that says where, what, and how to mend it.

use std::fmt;

/// An error of a study file, of data, or of an analysis of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Error {
        Error(message.into())
    }

    /// The same error with the place it belongs to in front.
    pub fn at(self, place: &str) -> Error {
        Error(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<plumb_stats::Error> for Error {
    fn from(error: plumb_stats::Error) -> Error {
        Error(error.to_string())
    }
}
