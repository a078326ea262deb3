//! Assignment, blocks and steps: names and numbers that do not fit together.

use std::collections::{BTreeMap, BTreeSet};

use crate::study::Study;
use crate::study::design::{Assignment, Block, Part, RuleName, Step};
use crate::study::faults::{Faults, Place};

/// Names and numbers of the design that do not fit together.
pub(super) fn check(study: &Study, faults: &mut Faults) {
    if let Some(given) = &study.assignment {
        assignment(study, given, faults);
    }
    for given in &study.block {
        block(study, given, faults);
    }
    for given in &study.step {
        step(study, given, faults);
    }
}

fn assignment(study: &Study, assignment: &Assignment, faults: &mut Faults) {
    let mut place = faults.of("assignment", "");
    for condition in assignment.places.keys() {
        place.known("places", "condition", condition, study.conditions());
    }
    if assignment.places.values().chain(&assignment.people).any(|n| *n == 0) {
        let key = if assignment.people.is_some() { "people" } else { "places" };
        place.fault(
            key,
            "0 people take part in nothing: leave a condition out of the file, or give it places",
        );
    }
    if assignment.people.is_some() && !assignment.places.is_empty() {
        place.fault("people", "places of conditions and people in all are both given: keep one");
    }
    if !assignment.sizes.is_empty() && assignment.rule != RuleName::Block {
        place.fault("sizes", "sizes belong to rule = \"block\": leave them out, or choose that rule");
    }
    if assignment.sizes.contains(&0) {
        place.fault("sizes", "sizes must be 1 at least: a block holds each condition so many times");
    }
    if assignment.rule == RuleName::Block && assignment.sizes.len() < 2 {
        place.fault(
            "sizes",
            "blocks of one size can be counted out by whoever watches: give two sizes at least, sizes = [1, 2]",
        );
    }
    for question in &assignment.strata {
        if place.known("strata", "question", question, study.question.iter().map(|q| q.id.as_str()))
            && !study.entry_pages().any(|p| p.asks.contains(question))
        {
            place.fault("strata", format!("question {question} is not asked before assignment"));
        }
    }
}

fn block(study: &Study, block: &Block, faults: &mut Faults) {
    let mut place = faults.of("block", &block.id);
    let ids = block.item_ids(study);
    if ids.is_empty() {
        place.fault("items", "it has no items: name a set, an item or a list of items");
    }
    for (n, id) in ids.iter().enumerate() {
        place.known("items", "item", id, study.item.iter().map(|i| i.id.as_str()));
        if ids[..n].contains(id) {
            place.fault("items", format!("item {id} stands in it twice"));
        }
    }
    let mut taken = BTreeMap::new();
    for (id, &position) in &block.fixed {
        place.known("fixed", "item of this block", id, ids.iter().copied());
        if position == 0 || position > ids.len() {
            place.fault("fixed", format!("item {id}: positions go from 1 to {}, not {position}", ids.len()));
        }
        if let Some(other) = taken.insert(position, id) {
            place.fault("fixed", format!("items {other} and {id} both have position {position}"));
        }
    }
    for (n, id) in block.turn.iter().enumerate() {
        place.known("turn", "item of this block", id, ids.iter().copied());
        if block.turn[..n].contains(id) {
            place.fault("turn", format!("turn names item {id} twice"));
        }
    }
    if block.turn.len() == 1 {
        place.fault("turn", "turn needs two items at least: they take each other's positions");
    }
    if !ids.is_empty() {
        taking(study, block, ids.len(), &mut place);
    }
}

fn taking(study: &Study, block: &Block, items: usize, place: &mut Place<'_>) {
    if let Some(take) = block.take {
        if take == 0 || take > items {
            place.fault("take", format!("each person can get 1 to {items} items, not {take}"));
        }
        if !block.fixed.is_empty() || !block.turn.is_empty() {
            place.fault("take", "fixed and turn name items that everybody gets: leave them out with take");
        }
    } else if block.people_per_item.is_some() {
        place.fault("people_per_item", "it belongs to take: without it everybody gets every item");
    }
    let own = block.take.unwrap_or(items);
    if let Some(attribute) = &block.distinct
        && place.known("distinct", "attribute", attribute, study.attribute.iter().map(|a| a.id.as_str()))
    {
        let groups: BTreeSet<String> =
            block.item_ids(study).iter().map(|id| study.attribute_text(id, attribute)).collect();
        if own > groups.len() {
            let values = groups.len();
            place
                .fault("distinct", format!("a person gets {own} items, but {attribute} has {values} values"));
        }
    }
    if block.again > own {
        place.fault("again", format!("{} items cannot come again: a person has {own}", block.again));
    }
}

fn step(study: &Study, step: &Step, faults: &mut Faults) {
    let mut place = faults.of("step", &step.id);
    for block in &step.blocks {
        place.known("blocks", "block", block, study.block.iter().map(|b| b.id.as_str()));
    }
    for condition in &step.conditions {
        place.known("conditions", "condition", condition, study.conditions());
    }
    let measures = || study.measure.iter().map(|m| m.id.as_str());
    for (key, list) in [("asks", &step.asks), ("shows", &step.shows), ("recalls", &step.recalls)] {
        for measure in list {
            place.known(key, "measure", measure, measures());
        }
    }
    if let Some(both) = step.asks.iter().find(|m| step.shows.contains(m)) {
        place.fault("asks", format!("it shows {both} and asks for it: nothing is left to answer"));
    }
    let attributes = || study.attribute.iter().map(|a| a.id.as_str());
    for attribute in step.attributes.iter().flatten() {
        place.known("attributes", "attribute", attribute, attributes());
    }
    for part in &step.parts {
        for condition in part.conditions() {
            place.known("parts", "condition", condition, study.conditions());
        }
        let named: &[&String] = match part {
            Part::Code { attribute, .. } => &[attribute],
            Part::Pair { left, right, .. } => &[left, right],
            Part::Table { .. } => &[],
        };
        for attribute in named {
            place.known("parts", "attribute", attribute, attributes());
        }
    }
    if step.counterbalance && step.asks.len() < 2 {
        place.fault("counterbalance", "an order needs two measures at least");
    }
}
