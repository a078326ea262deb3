//! The tables of a study file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::answer::{Measure, Question};
use super::behaviour::{Behaviour, Power};
use super::design::{Assignment, Block, Step};
use super::looks::Looks;
use super::model::{Display, Model};
use super::pages::{Completion, Consent, Language, Page, Payment, Sample, Session};
use super::stimuli::{Attribute, Sheet, Stimuli};
use super::text::Read;

/// A study: its factors and conditions, items, measures, outcomes, hypotheses and analyses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Its name, in letters, digits and hyphens.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it asks, in a sentence or two.
    #[serde(default)]
    pub about: Option<String>,
    /// What of it is a reconstruction, or not established.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The language of the program's own words on the pages; the study's own texts are in it, too.
    #[serde(default)]
    pub language: Language,
    #[serde(default)]
    pub(crate) consent: Option<Consent>,
    #[serde(default)]
    pub(crate) page: Vec<Page>,
    #[serde(default)]
    pub(crate) question: Vec<Question>,
    #[serde(default)]
    pub(crate) session: Session,
    #[serde(default)]
    pub(crate) sample: Option<Sample>,
    #[serde(default)]
    pub(crate) payment: Option<Payment>,
    #[serde(default)]
    pub(crate) completion: Completion,
    #[serde(default)]
    pub(crate) unit: BTreeMap<String, Unit>,
    #[serde(default)]
    pub(crate) factor: Vec<Factor>,
    pub(crate) condition: Vec<Condition>,
    #[serde(default)]
    pub(crate) item: Vec<Item>,
    #[serde(default)]
    pub(crate) stimuli: Option<Stimuli>,
    #[serde(default)]
    pub(crate) attribute: Vec<Attribute>,
    #[serde(default)]
    pub(crate) model: Vec<Model>,
    pub(crate) measure: Vec<Measure>,
    #[serde(default)]
    pub(crate) assignment: Option<Assignment>,
    #[serde(default)]
    pub(crate) block: Vec<Block>,
    #[serde(default)]
    pub(crate) step: Vec<Step>,
    #[serde(default)]
    pub(crate) outcome: Vec<Outcome>,
    #[serde(default)]
    pub(crate) exclusion: Vec<Exclusion>,
    #[serde(default)]
    pub(crate) analysis: Vec<Analysis>,
    #[serde(default)]
    pub(crate) hypothesis: Vec<Hypothesis>,
    #[serde(default)]
    pub(crate) looks: Option<Looks>,
    #[serde(default)]
    pub(crate) import: Option<Import>,
    #[serde(default)]
    pub(crate) behaviour: Vec<Behaviour>,
    #[serde(default)]
    pub(crate) power: Option<Power>,
    /// Attributes and given measures of items.
    #[serde(skip)]
    pub(crate) sheet: Sheet,
    /// The files that it names.
    #[serde(skip)]
    pub(crate) read: Read,
}

/// A unit in which people answer: whole steps, never fractions of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unit {
    /// One step, as it is written in data: `"0.1"`.
    pub step: String,
    /// What one step counts in reports.
    pub shown: f64,
    /// The unit of what is shown: `million USD`.
    pub label: String,
    /// How pages write a value, with `{}` for the number: `"${} million"`; number and label where it is left out.
    #[serde(default)]
    pub written: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Factor {
    pub id: String,
    pub levels: Vec<String>,
}

/// Levels of factors, or a condition by its id under `condition`.
pub(crate) type At = BTreeMap<String, String>;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    pub id: String,
    /// Its level of each factor; a condition outside the factorial design has none.
    #[serde(default)]
    pub at: At,
    /// The model that its people are shown.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub display: Display,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// As data write it.
    pub id: String,
    pub label: String,
    /// Which set it belongs to.
    #[serde(default)]
    pub set: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    pub id: String,
    pub label: String,
    /// An expression over measures.
    pub of: String,
    /// The unit of its value; a ratio or a count has none.
    #[serde(default)]
    pub unit: Option<String>,
    /// Which of several definitions in use this one is.
    #[serde(default)]
    pub variant: Option<String>,
}

/// Participants who are left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exclusion {
    pub id: String,
    /// Those with fewer items.
    #[serde(default)]
    pub fewer_than: Option<usize>,
    /// Those who missed so many attention checks or more.
    #[serde(default)]
    pub missed_checks: Option<u32>,
    /// Items of this block alone count; all where it is left out.
    #[serde(default)]
    pub block: Option<String>,
}

impl Exclusion {
    /// Whom it leaves out, in words.
    pub fn words(&self) -> String {
        let items = self.fewer_than.map(|n| format!("fewer than {n} items"));
        let checks = self.missed_checks.map(|n| format!("{n} attention checks missed, or more"));
        items.into_iter().chain(checks).collect::<Vec<_>>().join("; ")
    }
}

/// What is computed of one outcome.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Analysis {
    pub id: String,
    /// The heading it stands under.
    pub section: String,
    pub title: String,
    pub outcome: String,
    /// A set of items, or ids of items.
    pub items: OneOrMany,
    /// All where it is left out.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// A formula over factors, `condition`, `participant` and `item`, with the outcome on the left; of several, from the richest
    /// to the plainest, the first that fits without trouble decides.
    #[serde(default)]
    pub model: Option<OneOrMany>,
    /// Formulas to compute beside it, from the richest to the plainest: the first that fits without trouble counts.
    #[serde(default)]
    pub beside: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Analysis {
    /// The planned formulas, in the order in which they are tried; none where only means are planned.
    pub fn models(&self) -> &[String] {
        match &self.model {
            None => &[],
            Some(OneOrMany::One(formula)) => std::slice::from_ref(formula),
            Some(OneOrMany::Many(formulas)) => formulas,
        }
    }
}

/// A claim about cells of an analysis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hypothesis {
    pub id: String,
    pub label: String,
    pub analysis: String,
    /// Weighted cells of the analysis's model.
    #[serde(default)]
    pub contrast: Vec<Contrast>,
    /// Two groups compared by Welch's t test, the first less the second.
    #[serde(default)]
    pub welch: Vec<At>,
    #[serde(default)]
    pub direction: Direction,
    /// Bounds within which the contrast is claimed to lie, in the outcome's unit; without them, that it is not zero.
    #[serde(default)]
    pub supported_if: Option<Bounds>,
    #[serde(default = "five_percent")]
    pub alpha: f64,
    /// Hypotheses of one family share their error rate.
    pub family: String,
    #[serde(default)]
    pub method: Claim,
    /// Whether Cohen's d of the two cells' answers stands beside it.
    #[serde(default)]
    pub effect: bool,
}

/// Where a contrast is to lie: above `low` and below `high`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    pub low: f64,
    pub high: f64,
}

fn five_percent() -> f64 {
    0.05
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contrast {
    pub at: At,
    pub weight: f64,
}

/// What a hypothesis says about its contrast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Not zero.
    #[default]
    Different,
    /// Above zero.
    Greater,
    /// Below zero.
    Less,
}

impl Direction {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Direction::Different => "any",
            Direction::Greater => "above zero",
            Direction::Less => "below zero",
        }
    }
}

/// How p-values of a family are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Claim {
    #[default]
    Holm,
    None,
}

/// How data that were collected elsewhere are read: columns of a CSV file by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Import {
    pub participant: String,
    pub condition: String,
    pub item: String,
    /// Codes of conditions; a condition that is not named is written as its id.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
    /// Column of each measure; a measure that is not named is a column of its id.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// Texts that stand for a missing value, and what each means.
    #[serde(default)]
    pub missing: BTreeMap<String, String>,
}

impl Analysis {
    /// The ids of its items.
    pub fn item_ids<'a>(&'a self, study: &'a Study) -> Vec<&'a str> {
        let ids = study.item.iter();
        match &self.items {
            OneOrMany::One(set) => {
                ids.filter(|i| i.set == *set || i.id == *set).map(|i| i.id.as_str()).collect()
            }
            OneOrMany::Many(list) => ids.filter(|i| list.contains(&i.id)).map(|i| i.id.as_str()).collect(),
        }
    }

    /// Its conditions, in the study's order.
    pub fn condition_ids<'a>(&'a self, study: &'a Study) -> Vec<&'a Condition> {
        study
            .condition
            .iter()
            .filter(|c| self.conditions.is_empty() || self.conditions.contains(&c.id))
            .collect()
    }
}
