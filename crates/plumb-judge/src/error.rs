//! The error of this crate: a judge that cannot be built. What a judge makes of an answer is never an error.

use std::fmt;

/// Why a judge cannot be built from its description.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("{what}: {cause}")]
    Toml { what: &'static str, cause: toml::de::Error },
    #[error("pattern `{pattern}`: {cause}")]
    Regex { pattern: String, cause: Box<regex::Error> },
    #[error("{what}: {problem}")]
    Invalid { what: String, problem: &'static str },
}

impl Error {
    pub(crate) fn toml(what: &'static str, cause: toml::de::Error) -> Self {
        Self(Kind::Toml { what, cause })
    }

    pub(crate) fn regex(pattern: &str, cause: regex::Error) -> Self {
        Self(Kind::Regex { pattern: pattern.to_owned(), cause: Box::new(cause) })
    }

    pub(crate) fn invalid(what: impl Into<String>, problem: &'static str) -> Self {
        Self(Kind::Invalid { what: what.into(), problem })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Toml { cause, .. } => Some(cause),
            Kind::Regex { cause, .. } => Some(cause.as_ref()),
            Kind::Invalid { .. } => None,
        }
    }
}
