//! Planned formulas one after the other: which of them counts. The one rule that reports, power and simulations go by.
//!
//! Not here: what is fitted (`model`, and `claims` for hypotheses alone).

use std::fmt;

use plumb_stats::model::MixedWarning;

use super::Modelled;
use crate::error::{Error, Result};

/// What a reader must know of a fitted model first.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelWarning {
    /// Something about the fit.
    Fit(MixedWarning),
    /// Terms without a test: the cells that would tell them apart from the others are empty.
    Untested {
        /// As they stand in the formula.
        terms: Vec<String>,
    },
}

impl fmt::Display for ModelWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit(warning) => warning.fmt(f),
            Self::Untested { terms } => {
                write!(f, "no test of {}: cells that would tell it are empty", terms.join(", "))
            }
        }
    }
}

/// The first model of a ladder that fits without trouble, or the last that fits at all.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// Formulas tried and passed over, in their order.
    pub passed: Vec<PassedOver>,
    /// The one that counts; `None` where none could be computed.
    pub model: Option<Modelled>,
}

/// A formula that another one counts instead of.
#[derive(Debug, Clone)]
pub struct PassedOver {
    /// The formula.
    pub formula: String,
    /// What was wrong with it.
    pub why: Wrong,
}

/// What was wrong with a formula.
#[derive(Debug, Clone)]
pub enum Wrong {
    /// It was fitted with trouble: all warnings of the fit.
    Troubled(Vec<ModelWarning>),
    /// It could not be fitted.
    Failed(Error),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Troubled(warnings) => {
                let each: Vec<String> = warnings.iter().map(ToString::to_string).collect();
                f.write_str(&each.join("; "))
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// What was fitted, as far as a ladder asks.
pub(super) trait Fitted {
    fn warnings(&self) -> &[ModelWarning];

    /// Whether the next formula is tried: a variance of zero, or no convergence.
    fn is_troubled(&self) -> bool {
        let trouble = |w: &ModelWarning| {
            matches!(w, ModelWarning::Fit(MixedWarning::Boundary { .. } | MixedWarning::NotConverged { .. }))
        };
        self.warnings().iter().any(trouble)
    }
}

impl Fitted for Modelled {
    fn warnings(&self) -> &[ModelWarning] {
        &self.warnings
    }
}

/// The first formula that `fit` fits without trouble, else the last that it fits at all; before it, those passed over.
pub(super) fn walk<F: Fitted>(
    formulas: &[String],
    mut fit: impl FnMut(&str) -> Result<F>,
) -> (Vec<PassedOver>, Option<F>) {
    let mut passed = Vec::new();
    // What fits with trouble counts where nothing after it fits at all.
    let mut held: Option<(usize, F)> = None;
    for formula in formulas {
        let why = match fit(formula) {
            Ok(fitted) if !fitted.is_troubled() => {
                return (passed, Some(fitted));
            }
            Ok(fitted) => {
                let warnings = fitted.warnings().to_vec();
                held = Some((passed.len(), fitted));
                Wrong::Troubled(warnings)
            }
            Err(error) => Wrong::Failed(error),
        };
        passed.push(PassedOver { formula: formula.clone(), why });
    }
    let counts = held.map(|(at, fitted)| {
        passed.remove(at);
        fitted
    });
    (passed, counts)
}
