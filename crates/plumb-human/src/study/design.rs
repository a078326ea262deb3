//! The design as a participant meets it: how people come into conditions, blocks of items and their order, steps.
//!
//! Names are checked against the rest of the study by [`check`]; what a person then gets is `protocol`'s.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::known;
use super::parts::{OneOrMany, Study};
use crate::error::{Error, Result};
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
    /// For `block`: how often a block holds each condition, one of these numbers drawn for each block.
    #[serde(default)]
    pub sizes: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RuleName {
    Simple,
    Block,
    LeastFilled,
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
    /// Measures shown.
    #[serde(default)]
    pub shows: Vec<String>,
    /// Measures asked for.
    pub asks: Vec<String>,
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

    /// Its order, over the numbers of [`Block::item_ids`].
    pub fn arrangement(&self, study: &Study) -> order::Order {
        let ids = self.item_ids(study);
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

/// Names and numbers of the design that do not fit together.
pub(super) fn check(study: &Study) -> Result<()> {
    if let Some(assignment) = &study.assignment {
        self::assignment(study, assignment).map_err(|e| e.at("assignment"))?;
    }
    for block in &study.block {
        self::block(study, block).map_err(|e| e.at(&format!("block {}", block.id)))?;
    }
    for step in &study.step {
        self::step(study, step).map_err(|e| e.at(&format!("step {}", step.id)))?;
    }
    Ok(())
}

fn assignment(study: &Study, assignment: &Assignment) -> Result<()> {
    for condition in assignment.places.keys() {
        known("condition", condition, study.condition.iter().map(|c| c.id.as_str()))?;
    }
    if assignment.people.is_some() && !assignment.places.is_empty() {
        return Err(Error::new("places of conditions and people in all are both given: keep one"));
    }
    if !assignment.sizes.is_empty() && assignment.rule != RuleName::Block {
        return Err(Error::new("sizes belong to rule = \"block\": leave them out, or choose that rule"));
    }
    if assignment.sizes.contains(&0) {
        return Err(Error::new("sizes must be 1 at least: a block holds each condition so many times"));
    }
    if assignment.rule == RuleName::Block && assignment.sizes.len() < 2 {
        return Err(Error::new(
            "blocks of one size can be counted out by whoever watches: give two sizes at least, sizes = [1, 2]",
        ));
    }
    Ok(())
}

fn block(study: &Study, block: &Block) -> Result<()> {
    let ids = block.item_ids(study);
    if ids.is_empty() {
        return Err(Error::new("it has no items: name a set, an item or a list of items"));
    }
    for (n, id) in ids.iter().enumerate() {
        known("item", id, study.item.iter().map(|i| i.id.as_str()))?;
        if ids[..n].contains(id) {
            return Err(Error::new(format!("item {id} stands in it twice")));
        }
    }
    let mut taken = BTreeMap::new();
    for (id, &position) in &block.fixed {
        known("item of this block", id, ids.iter().copied())?;
        if position == 0 || position > ids.len() {
            return Err(Error::new(format!(
                "item {id}: positions go from 1 to {}, not {position}",
                ids.len()
            )));
        }
        if let Some(other) = taken.insert(position, id) {
            return Err(Error::new(format!("items {other} and {id} both have position {position}")));
        }
    }
    for (n, id) in block.turn.iter().enumerate() {
        known("item of this block", id, ids.iter().copied())?;
        if block.turn[..n].contains(id) {
            return Err(Error::new(format!("turn names item {id} twice")));
        }
    }
    if block.turn.len() == 1 {
        return Err(Error::new("turn needs two items at least: they take each other's positions"));
    }
    Ok(())
}

fn step(study: &Study, step: &Step) -> Result<()> {
    for block in &step.blocks {
        known("block", block, study.block.iter().map(|b| b.id.as_str()))?;
    }
    for condition in &step.conditions {
        known("condition", condition, study.condition.iter().map(|c| c.id.as_str()))?;
    }
    for measure in step.asks.iter().chain(&step.shows) {
        known("measure", measure, study.measure.iter().map(|m| m.id.as_str()))?;
    }
    if let Some(both) = step.asks.iter().find(|m| step.shows.contains(m)) {
        return Err(Error::new(format!("it shows {both} and asks for it: nothing is left to answer")));
    }
    Ok(())
}
