//! Models that people are shown: data of the study, computed in whole numbers.
//!
//! A linear model works in whole units of its own (dollars), reads attributes exactly, and rounds once, at the end, to steps
//! of the measure it predicts, halves away from zero. So two models with other coefficients may be the same function of the
//! stimuli, and [`Model::predict`] tells where they are not.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::parts::Study;
use crate::quantity::{ONE, millionths, nearest};

/// A model that people are shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub id: String,
    /// What screens call it: `the model`.
    pub label: String,
    /// The measure whose value it gives.
    pub predicts: String,
    pub form: Form,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub(crate) enum Form {
    /// base + Σ times × attribute, in whole units.
    Linear {
        base: i64,
        terms: Vec<Times>,
        /// How many of its units make one step of the measure.
        per_step: i64,
        /// Written before amounts: `$`.
        #[serde(default)]
        prefix: String,
    },
    /// A prediction for each item, as data write the measure.
    Table { predictions: BTreeMap<String, String> },
    /// The first rule that fits decides.
    Rules { rules: Vec<Rule>, otherwise: String },
}

/// One term of a linear model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Times {
    pub attribute: String,
    /// For each one of the attribute.
    pub times: i64,
}

/// Where all clauses hold, this is predicted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(rename = "if")]
    pub clauses: Vec<Clause>,
    pub then: String,
}

/// An attribute between two bounds, both included.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clause {
    pub attribute: String,
    #[serde(default)]
    pub least: Option<String>,
    #[serde(default)]
    pub most: Option<String>,
}

/// What a condition shows of its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Display {
    /// What it reads and what it predicts.
    #[default]
    BlackBox,
    /// Its coefficients or rules, and how they come to the prediction.
    Clear,
    /// Nothing: its predictions are only compared with.
    Hidden,
}

impl Display {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Display::BlackBox => "black box",
            Display::Clear => "clear",
            Display::Hidden => "never shown",
        }
    }
}

impl Clause {
    pub fn holds(&self, value: i64) -> bool {
        let bound = |text: &Option<String>| text.as_deref().and_then(millionths);
        bound(&self.least).is_none_or(|least| value >= least)
            && bound(&self.most).is_none_or(|most| value <= most)
    }
}

impl Model {
    /// A linear model's sum for an item before rounding, in millionths of its unit.
    pub fn sum(&self, study: &Study, item: &str) -> Option<i128> {
        let Form::Linear { base, terms, .. } = &self.form else { return None };
        terms.iter().try_fold(i128::from(*base) * i128::from(ONE), |sum, term| {
            Some(sum + i128::from(term.times) * i128::from(study.sheet.number(item, &term.attribute)?))
        })
    }

    /// The rule that decides for an item; `None` for the last resort.
    pub fn rule(&self, study: &Study, item: &str) -> Option<usize> {
        let Form::Rules { rules, .. } = &self.form else { return None };
        let holds = |c: &Clause| study.sheet.number(item, &c.attribute).is_some_and(|value| c.holds(value));
        rules.iter().position(|rule| rule.clauses.iter().all(holds))
    }

    /// What it predicts for an item, in steps of its measure's unit; `None` where it lacks an attribute or the item.
    pub fn predict(&self, study: &Study, item: &str) -> Option<i64> {
        match &self.form {
            Form::Linear { per_step, .. } => {
                let by = i128::from(*per_step) * i128::from(ONE);
                (by > 0).then(|| self.sum(study, item))?.and_then(|sum| i64::try_from(nearest(sum, by)).ok())
            }
            Form::Table { predictions } => study.steps_of(&self.predicts, predictions.get(item)?).ok(),
            Form::Rules { rules, otherwise } => {
                let then = self.rule(study, item).map_or(otherwise, |at| &rules[at].then);
                study.steps_of(&self.predicts, then).ok()
            }
        }
    }

    /// The attributes that it reads, each once.
    pub fn reads(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = match &self.form {
            Form::Linear { terms, .. } => terms.iter().map(|t| t.attribute.as_str()).collect(),
            Form::Table { .. } => Vec::new(),
            Form::Rules { rules, .. } => {
                rules.iter().flat_map(|r| &r.clauses).map(|c| c.attribute.as_str()).collect()
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(*id));
        ids
    }
}
