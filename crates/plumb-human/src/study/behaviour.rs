//! Simulated people and assumptions about variances: data of a study, so that its analysis can be tried before anyone comes.

use serde::Deserialize;

use super::parts::At;

/// A way in which some of the simulated people answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Behaviour {
    pub id: String,
    /// How many people are like this, beside the weights of the others.
    pub weight: u32,
    /// The probability of leaving before each page.
    #[serde(default)]
    pub leaves: f64,
    /// Other probabilities of leaving in some conditions.
    #[serde(default)]
    pub leaves_by: Vec<LeavesBy>,
    /// The probability of answering a check of comprehension or attention wrongly.
    #[serde(default)]
    pub misses_checks: f64,
    #[serde(default)]
    pub answer: Vec<Answers>,
    /// What measures get that `answer` does not name.
    #[serde(default)]
    pub otherwise: Habit,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeavesBy {
    pub at: At,
    pub leaves: f64,
}

/// How a measure is answered: some value, drawn to an anchor, with errors of the person, the item and the moment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    pub measure: String,
    /// A measure that the item gives or that the person answered, or a number: what the person tries to say.
    #[serde(default)]
    pub around: Option<String>,
    /// A measure that draws the answer to it.
    #[serde(default)]
    pub anchor: Option<String>,
    /// 0: the anchor does nothing; 1: the answer is the anchor.
    #[serde(default)]
    pub pull: f64,
    /// Added, in steps.
    #[serde(default)]
    pub shift: f64,
    /// Standard deviations, in steps: of a person's own error, of an item's, of each answer's.
    #[serde(default)]
    pub person_sd: f64,
    #[serde(default)]
    pub item_sd: f64,
    #[serde(default)]
    pub sd: f64,
    /// By which share all errors of the moment shrink with each item.
    #[serde(default)]
    pub learning: f64,
    /// In some conditions.
    #[serde(default)]
    pub by: Vec<Change>,
}

/// What is different in some conditions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub at: At,
    #[serde(default)]
    pub pull: Option<f64>,
    #[serde(default)]
    pub shift: Option<f64>,
    #[serde(default)]
    pub sd: Option<f64>,
}

/// Answers that depend on nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Habit {
    /// Anything that the field takes, with the same probability.
    #[default]
    Anything,
    /// One value, drawn once, again and again.
    SameAgain,
    /// The least or first.
    First,
    /// The middle.
    Middle,
}

/// What power is computed for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Power {
    /// People in each condition.
    pub people: Vec<usize>,
    /// Studies that are simulated for each number.
    #[serde(default = "thousand")]
    pub simulations: usize,
    /// The probability of leaving before each item.
    #[serde(default)]
    pub leaves: f64,
    /// The probability of missing each check of attention.
    #[serde(default)]
    pub misses_checks: f64,
    /// Shares of people in the strata of assignment; equal ones where it is left out.
    #[serde(default)]
    pub strata: Vec<f64>,
    /// How many items there are, where that is to be planned, too: as many as each person takes of a block with `take`, else the first
    /// of each analysis.
    #[serde(default)]
    pub items: Vec<usize>,
    pub outcome: Vec<PowerOutcome>,
}

fn thousand() -> usize {
    1000
}

/// How an outcome is distributed, in the unit that reports show.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerOutcome {
    pub outcome: String,
    /// Means of conditions under the smallest effect of interest, as distances from a common mean; 0 where left out.
    #[serde(default)]
    pub cells: Vec<CellShift>,
    /// Means of strata, as distances from a common mean; nothing where they are alike.
    #[serde(default)]
    pub strata: Vec<f64>,
    /// Standard deviations between people: the first counts, the others are its range.
    pub person_sd: Vec<f64>,
    /// Between items.
    #[serde(default)]
    pub item_sd: f64,
    /// Between conditions within an item.
    #[serde(default)]
    pub item_condition_sd: f64,
    pub residual_sd: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CellShift {
    pub at: At,
    pub shift: f64,
}
