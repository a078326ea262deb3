//! The design as a participant meets it: how people come into conditions, blocks of items and their order, steps.
//!
//! `check` holds names against the rest of the study; what a person then gets is `protocol`'s.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::parts::{OneOrMany, Study};
use super::text::Text;
use crate::protocol::{assign, order};

/// How people come into conditions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assignment {
    pub rule: RuleName,
    /// How many people each condition takes; a condition without a number has no limit.
    #[serde(default)]
    pub places: BTreeMap<String, usize>,
    /// How many people there are in all, where conditions have no places.
    #[serde(default)]
    pub people: Option<usize>,
    /// How people are dealt to conditions whose places differ. A file that says nothing means in proportion; a plan that was frozen
    /// without a word means equally, which was the only way then.
    #[serde(default)]
    pub deal: Option<Deal>,
    /// For `block`: how often a block holds each condition, one of these numbers drawn for each block.
    #[serde(default)]
    pub sizes: Vec<usize>,
    /// Questions asked before assignment: each combination of their answers is dealt from blocks of its own.
    #[serde(default)]
    pub strata: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RuleName {
    Simple,
    Block,
    LeastFilled,
}

/// How people are dealt to conditions with unequal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deal {
    /// In the proportions of the places, so that conditions fill at the same time.
    InProportion,
    /// As often to each, until one is full.
    Equally,
}

/// Items that come together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Block {
    pub id: String,
    pub title: String,
    /// A set of items, or ids of items in the order in which `as-listed` gives them.
    pub items: OneOrMany,
    #[serde(default)]
    pub order: order::Rule,
    /// Positions, from 1, of items that have one.
    #[serde(default)]
    pub fixed: BTreeMap<String, usize>,
    /// Items that take each other's positions from person to person.
    #[serde(default)]
    pub turn: Vec<String>,
    /// How many of its items each person gets; all where it is left out.
    #[serde(default)]
    pub take: Option<usize>,
    /// An attribute of which no value comes twice for a person.
    #[serde(default)]
    pub distinct: Option<String>,
    /// How many of a person's items come a second time, after all others.
    #[serde(default)]
    pub again: usize,
    /// How many people each item needs, where people get some of the items.
    #[serde(default)]
    pub people_per_item: Option<usize>,
}

/// One page for an item: what stands on it and what it asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub id: String,
    pub title: String,
    /// All blocks where it is left out.
    #[serde(default)]
    pub blocks: Vec<String>,
    /// All conditions where it is left out.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// Words above everything else.
    #[serde(default)]
    pub text: Option<Text>,
    /// Attributes of the item in a list; all that are `shown` where it is left out.
    #[serde(default)]
    pub attributes: Option<Vec<String>>,
    /// Codes, pairs of texts and tables.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// What is shown of the condition's model.
    #[serde(default)]
    pub model: ShownModel,
    /// Measures shown.
    #[serde(default)]
    pub shows: Vec<String>,
    /// Measures that the person answered on an earlier page of this item.
    #[serde(default)]
    pub recalls: Vec<String>,
    /// Measures asked for.
    #[serde(default)]
    pub asks: Vec<String>,
    /// Whether the order of what it asks changes from person to person.
    #[serde(default)]
    pub counterbalance: bool,
    /// Seconds that it stays up at least.
    #[serde(default)]
    pub reading_s: Option<u32>,
}

/// What a step shows of the model of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ShownModel {
    #[default]
    Nothing,
    /// How it works, as far as the condition shows that, without its prediction.
    Form,
    /// Its prediction, worked out where the condition shows how.
    Prediction,
}

impl ShownModel {
    /// In words; empty for nothing.
    pub fn words(self) -> &'static str {
        match self {
            ShownModel::Nothing => "",
            ShownModel::Form => "how the model works, as far as the condition shows it",
            ShownModel::Prediction => "the model's prediction, worked out where the condition is clear",
        }
    }
}

/// Something larger on a page.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub(crate) enum Part {
    /// An attribute, as it is, in letters of one width.
    Code {
        attribute: String,
        #[serde(default)]
        label: Option<String>,
        #[serde(default)]
        conditions: Vec<String>,
    },
    /// Two attributes side by side.
    Pair {
        left: String,
        right: String,
        #[serde(default)]
        conditions: Vec<String>,
    },
    /// A CSV file beside the study.
    Table {
        file: String,
        #[serde(default)]
        caption: String,
        #[serde(default)]
        conditions: Vec<String>,
        #[serde(skip)]
        contents: String,
    },
}

impl Part {
    /// Conditions that see it; all where the list is empty.
    pub fn conditions(&self) -> &[String] {
        match self {
            Part::Code { conditions, .. }
            | Part::Pair { conditions, .. }
            | Part::Table { conditions, .. } => conditions,
        }
    }
}

impl Assignment {
    /// The rule with its numbers.
    pub fn rule(&self) -> assign::Rule {
        match self.rule {
            RuleName::Simple => assign::Rule::Simple,
            RuleName::Block => assign::Rule::Block(self.sizes.clone()),
            RuleName::LeastFilled => assign::Rule::LeastFilled,
        }
    }
}

impl Block {
    /// The ids of its items, as listed.
    pub fn item_ids<'a>(&'a self, study: &'a Study) -> Vec<&'a str> {
        match &self.items {
            OneOrMany::One(set) => {
                study.item.iter().filter(|i| i.set == *set || i.id == *set).map(|i| i.id.as_str()).collect()
            }
            OneOrMany::Many(ids) => ids.iter().map(String::as_str).collect(),
        }
    }

    /// Its order, over the numbers of these of its items.
    pub fn arrangement(&self, ids: &[&str]) -> order::Order {
        let at = |id: &String| ids.iter().position(|item| item == id);
        order::Order {
            items: ids.len(),
            rule: self.order,
            fixed: self.fixed.iter().filter_map(|(id, &p)| Some((at(id)?, p.checked_sub(1)?))).collect(),
            turn: self.turn.iter().filter_map(at).collect(),
        }
    }
}

impl Step {
    /// Whether a person of this condition meets it in this block.
    pub fn is_for(&self, block: &str, condition: &str) -> bool {
        (self.blocks.is_empty() || self.blocks.iter().any(|b| b == block))
            && (self.conditions.is_empty() || self.conditions.iter().any(|c| c == condition))
    }
}
