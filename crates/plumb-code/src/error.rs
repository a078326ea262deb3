//! The error of this crate: counts or files that say something impossible.

use std::fmt;

/// Why a call cannot be answered.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("{correct} correct samples cannot come from {samples}")]
    MoreCorrect { correct: u64, samples: u64 },
    #[error("pass@{k} needs {k} samples a problem at least; there are {samples}")]
    TooFew { k: u64, samples: u64 },
    #[error("pass@k needs a k of 1 at least")]
    NoK,
    #[error("there are no problems")]
    NoProblems,
    #[error("{place}: {problem}")]
    File { place: String, problem: String },
    #[error("{what}{}", if mend.is_empty() { String::new() } else { format!(" ({mend})") })]
    Sandbox { what: String, mend: String },
    #[error("{0}")]
    Statistics(#[from] plumb_stats::Error),
}

impl Error {
    pub(crate) fn more_correct(correct: u64, samples: u64) -> Self {
        Self(Kind::MoreCorrect { correct, samples })
    }

    pub(crate) fn too_few(k: u64, samples: u64) -> Self {
        Self(Kind::TooFew { k, samples })
    }

    pub(crate) fn no_k() -> Self {
        Self(Kind::NoK)
    }

    pub(crate) fn file(place: &str, problem: impl Into<String>) -> Self {
        Self(Kind::File { place: place.to_owned(), problem: problem.into() })
    }

    pub(crate) fn sandbox(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self(Kind::Sandbox { what: what.into(), mend: mend.into() })
    }

    /// What is wrong, without the remedy: for a message that has its own.
    pub fn reason(&self) -> String {
        match &self.0 {
            Kind::Sandbox { what, .. } => what.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn no_problems() -> Self {
        Self(Kind::NoProblems)
    }
}

impl From<plumb_stats::Error> for Error {
    fn from(error: plumb_stats::Error) -> Self {
        Self(error.into())
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
            Kind::Statistics(error) => Some(error),
            _ => None,
        }
    }
}
