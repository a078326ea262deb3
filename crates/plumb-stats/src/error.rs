//! The two kinds of "no" of this crate.
//!
//! [`Error`] is a mistake in a call and stops the caller; [`Undefined`] is a property of the data, expected in
//! ordinary work, and is reported beside the numbers that do exist.

use std::fmt;

/// A call that no data could have made right.
#[derive(Debug, Clone, PartialEq)]
pub struct Error(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Level(f64),
    Count { successes: u64, trials: u64 },
    Cell { cell: usize, cells: usize },
    Weights { given: usize, cells: usize },
    NotFinite { what: &'static str },
    Denominator(f64),
    Probability { what: &'static str, value: f64 },
    Bounds { low: f64, high: f64 },
    Replicates,
    TooMany { what: &'static str },
    Columns { given: usize, wanted: usize },
    Folds(usize),
    Correlation(f64),
    Model(String),
    DrawnByVerdict,
}

impl Error {
    pub(crate) fn level(value: f64) -> Self {
        Self(Kind::Level(value))
    }
    pub(crate) fn count(successes: u64, trials: u64) -> Self {
        Self(Kind::Count { successes, trials })
    }
    pub(crate) fn cell(cell: usize, cells: usize) -> Self {
        Self(Kind::Cell { cell, cells })
    }
    pub(crate) fn weights(given: usize, cells: usize) -> Self {
        Self(Kind::Weights { given, cells })
    }
    pub(crate) fn not_finite(what: &'static str) -> Self {
        Self(Kind::NotFinite { what })
    }
    pub(crate) fn denominator(value: f64) -> Self {
        Self(Kind::Denominator(value))
    }
    pub(crate) fn probability(what: &'static str, value: f64) -> Self {
        Self(Kind::Probability { what, value })
    }
    pub(crate) fn bounds(low: f64, high: f64) -> Self {
        Self(Kind::Bounds { low, high })
    }
    pub(crate) fn replicates() -> Self {
        Self(Kind::Replicates)
    }
    pub(crate) fn columns(given: usize, wanted: usize) -> Self {
        Self(Kind::Columns { given, wanted })
    }
    pub(crate) fn correlation(r: f64) -> Self {
        Self(Kind::Correlation(r))
    }
    pub(crate) fn folds(folds: usize) -> Self {
        Self(Kind::Folds(folds))
    }
    pub(crate) fn model(message: String) -> Self {
        Self(Kind::Model(message))
    }
    pub(crate) fn drawn_by_verdict() -> Self {
        Self(Kind::DrawnByVerdict)
    }
    pub(crate) fn too_many(what: &'static str) -> Self {
        Self(Kind::TooMany { what })
    }

    /// Whether the cause is a confidence level outside (0, 1).
    pub fn is_level(&self) -> bool {
        matches!(self.0, Kind::Level(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Level(v) => write!(f, "a confidence level must lie strictly between 0 and 1, not {v}"),
            Kind::Count { successes, trials } => {
                write!(f, "{successes} successes cannot come from {trials} trials")
            }
            Kind::Cell { cell, cells } => {
                write!(f, "cell {cell} does not exist: there are {cells}, counted from 0")
            }
            Kind::Weights { given, cells } => {
                write!(f, "{given} weights for {cells} cells: one is needed for each")
            }
            Kind::NotFinite { what } => {
                write!(f, "{what} must be a finite number; a missing value is left out, with its reason")
            }
            Kind::Denominator(v) => write!(f, "a denominator must be positive, not {v}"),
            Kind::Probability { what, value } => {
                write!(f, "{what} must lie between 0 and 1, not {value}")
            }
            Kind::Bounds { low, high } => {
                write!(f, "bounds must be finite with low < high, not {low} and {high}")
            }
            Kind::Replicates => write!(f, "a bootstrap needs at least 100 replicates"),
            Kind::Columns { given, wanted } => write!(f, "{given} values where {wanted} are needed"),
            Kind::Correlation(r) => write!(f, "a correlation must lie between -1 and 1, not {r}"),
            Kind::Folds(folds) => write!(f, "{folds} folds: two are needed, and a problem for each"),
            Kind::Model(message) => f.write_str(message),
            Kind::DrawnByVerdict => f.write_str(
                "the labelled answers were drawn by verdict, so recall and specificity are not known; use double sampling",
            ),
            Kind::TooMany { what } => write!(f, "too many {what}: at most {}", u32::MAX),
        }
    }
}

impl std::error::Error for Error {}

/// Why a number does not exist for these data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Undefined {
    /// No row reached the quantity (for a contrast: some cell with a weight has none).
    NoData,
    /// All rows are of one cluster: nothing tells how clusters differ.
    OneCluster,
    /// Every cluster gives the same value, and the values have no bounds that could stand in for variation.
    NoVariation,
    /// The statistic has no value in more than a tenth of the bootstrap replicates.
    UnstableStatistic,
    /// Chance-corrected agreement where only one category occurs: both agreement and chance are 1.
    OneCategory,
    /// A correlation with a column that has the same value in every row.
    ConstantColumn,
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoData => "no data",
            Self::OneCluster => {
                "all rows belong to one cluster, so the variation between clusters is unknown"
            }
            Self::NoVariation => {
                "every cluster gives the same value, so the variation between clusters is unknown"
            }
            Self::UnstableStatistic => "the statistic has no value in too many bootstrap replicates",
            Self::ConstantColumn => "one side has the same value everywhere, so nothing can go along with it",
            Self::OneCategory => "only one category occurs, so agreement beyond chance is undefined",
        })
    }
}

impl std::error::Error for Undefined {}
