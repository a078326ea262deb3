//! The [`Method`] seam: from a table of verdicts to findings. Pure.
//!
//! A method sees a [`Frame`] and its [`Analysis`]; it gives [`Finding`]s and never says whether they are
//! confirmatory. That is for [`crate::estimate`] alone. The spine's own methods are in [`rate`].

mod aim;
mod frame;
pub mod policy;
mod rate;

pub use aim::{Aim, Better};
pub(crate) use rate::{counted, value_of};

pub use frame::{Cell, Column, Frame, MeasureColumn, Missing, Reply};

use crate::error::Result;
use crate::fields::Fields;
use crate::plan::{Analysis, Plan, Settings, Term};
use crate::registry::Registry;
use std::sync::Arc;

/// What a number is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// `rate`, `mean`, `difference`, `kappa`, …
    pub name: Arc<str>,
    /// The measure, and the label counted where there is one: `refusal.refused = yes`.
    pub of: Arc<str>,
    /// The cell: names and levels in the order of the analysis' `by`.
    pub at: Vec<(Arc<str>, Arc<str>)>,
    /// How to show it.
    pub unit: Unit,
}

/// How a number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share of one, shown in percent.
    Share,
    /// A difference of shares, shown in percentage points.
    Points,
    /// A plain number.
    Number,
}

/// A value with its interval, or the reason why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A value with an interval.
    Interval {
        /// The estimate.
        estimate: f64,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Confidence level.
        level: f64,
    },
    /// A value whose interval is undefined, and why.
    Point {
        /// The estimate.
        estimate: f64,
        /// Why there is no interval.
        reason: Arc<str>,
    },
    /// No value, and why.
    Undefined(Arc<str>),
}

impl Value {
    /// The estimate, if there is one.
    pub fn estimate(&self) -> Option<f64> {
        match self {
            Value::Interval { estimate, .. } | Value::Point { estimate, .. } => Some(*estimate),
            Value::Undefined(_) => None,
        }
    }
}

/// p-values against zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// Against "not greater".
    pub p_greater: f64,
    /// Against "not less".
    pub p_less: f64,
    /// Two-sided.
    pub p_two_sided: f64,
}

/// What a method computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is about.
    pub quantity: Quantity,
    /// The value.
    pub value: Value,
    /// Tests against zero, for differences and contrasts.
    pub test: Option<Test>,
    /// Verdicts behind it.
    pub n: u64,
    /// Clusters behind it.
    pub clusters: u64,
    /// Trials without a value, by reason.
    pub missing: Vec<(Missing, u64)>,
    /// How it was made, in the field's words.
    pub method: Arc<str>,
    /// What a reader must know.
    pub warnings: Vec<Arc<str>>,
}

/// A way to compute.
pub trait Method: Send + Sync {
    /// Takes its keys from the analysis' table and makes every default explicit.
    fn freeze(&self, fields: &mut Fields) -> Result<Settings>;

    /// The same for a method that reads files, whose contents go into the settings.
    fn freeze_from(&self, fields: &mut Fields, _inputs: &dyn crate::registry::Inputs) -> Result<Settings> {
        self.freeze(fields)
    }

    /// Checks that the analysis fits the plan.
    fn check(&self, analysis: &Analysis, plan: &Plan) -> Result<()>;

    /// Computes.
    fn run(&self, frame: &Frame, analysis: &Analysis) -> Vec<Finding>;

    /// The same for a method that must know who was asked what: what it compares must be comparable.
    fn run_in(&self, _plan: &Plan, frame: &Frame, analysis: &Analysis) -> Vec<Finding> {
        self.run(frame, analysis)
    }

    /// Whether hypotheses can be about it: whether [`Method::contrast`] gives anything.
    fn can_contrast(&self) -> bool {
        false
    }

    /// A linear contrast of the method's cells; `None` where the method has no cells to contrast.
    fn contrast(&self, _frame: &Frame, _analysis: &Analysis, _terms: &[Term]) -> Option<Contrasted> {
        None
    }
}

/// A contrast, and its interval at any other level (a decision at α may need another than is shown).
pub struct Contrasted {
    /// The finding at the analysis' level.
    pub finding: Finding,
    /// What is known about the contrast.
    pub inference: plumb_stats::Inference,
}

pub(crate) fn register(registry: &mut Registry) {
    registry.method("rate", rate::Means { kind: rate::Kind::Rate });
    registry.method("mean", rate::Means { kind: rate::Kind::Mean });
    registry.method("difference", rate::Difference);
}
