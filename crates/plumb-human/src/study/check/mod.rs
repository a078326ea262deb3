//! Faults of a study file that its grammar cannot see: names that do not fit together. All are listed, each with its line.
//!
//! `claims` looks at analyses and hypotheses, `design` at assignment, blocks and steps, `screens` at pages, fields and models.

mod claims;
mod design;
mod screens;

use std::collections::BTreeSet;

use super::faults::{Faults, Place};
use super::pages::PageKind;
use super::parts::{At, Study};
use crate::expression::Expression;
use crate::quantity::millionths;

pub(super) fn check(study: &Study, faults: &mut Faults) {
    let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if study.name.is_empty() || study.name.starts_with('.') || !study.name.chars().all(sign) {
        faults.of("name", "").fault(
            "",
            format!(
                "\"{}\" names a folder: use letters, digits, '-', '_' and '.', not beginning with '.'",
                study.name
            ),
        );
    }
    ids(study, faults);
    for (id, unit) in &study.unit {
        if millionths(&unit.step).is_none_or(|step| step <= 0) {
            faults.of("unit", id).fault("step", "a step must be a positive decimal number, as \"0.1\"");
        }
    }
    for condition in &study.condition {
        levels(study, &condition.at, "at", &mut faults.of("condition", &condition.id));
    }
    let units = || study.unit.keys().map(String::as_str);
    for (table, id, unit) in study
        .measure
        .iter()
        .map(|m| ("measure", &m.id, &m.unit))
        .chain(study.outcome.iter().map(|o| ("outcome", &o.id, &o.unit)))
        .chain(study.question.iter().map(|q| ("question", &q.id, &q.unit)))
    {
        if let Some(unit) = unit {
            faults.of(table, id).known("unit", "unit", unit, units());
        }
    }
    let measures: Vec<&str> = study.measure.iter().map(|m| m.id.as_str()).collect();
    for outcome in &study.outcome {
        faults.of("outcome", &outcome.id).take("of", Expression::parse(&outcome.of, &measures));
    }
    claims::check(study, faults);
    for exclusion in &study.exclusion {
        let mut place = faults.of("exclusion", &exclusion.id);
        match (exclusion.fewer_than, exclusion.missed_checks) {
            (None, None) | (Some(_), Some(_)) => {
                place.fault("fewer_than", "a rule is either fewer_than or missed_checks: give one of them");
            }
            (None, Some(_)) if study.page.iter().all(|p| p.kind != PageKind::Attention) => {
                place.fault("missed_checks", "there is no page of kind attention that could be missed");
            }
            _ => {}
        }
        let items = each(study, exclusion.block.as_deref());
        match exclusion.fewer_than {
            Some(0) => place.fault("fewer_than", "nobody has fewer than 0 items: the rule leaves nobody out"),
            Some(n) if n > items => {
                place.fault(
                    "fewer_than",
                    format!("everybody has fewer than {n} items: there are {items} a person"),
                );
            }
            _ => {}
        }
        if let Some(block) = &exclusion.block {
            let blocks = study.block.iter().map(|b| b.id.as_str());
            faults.of("exclusion", &exclusion.id).known("block", "block", block, blocks);
        }
    }
    super::looks::check(study, faults);
    design::check(study, faults);
    screens::check(study, faults);
    import(study, faults);
}

fn ids(study: &Study, faults: &mut Faults) {
    fn unique<'a>(faults: &mut Faults, table: &'static str, ids: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id) {
                faults
                    .of(table, id)
                    .fault("id", format!("two of {table} have the id {id}: give one another"));
            }
        }
    }
    unique(faults, "factor", study.factor.iter().map(|f| f.id.as_str()));
    unique(faults, "condition", study.conditions());
    unique(faults, "item", study.item.iter().map(|i| i.id.as_str()));
    unique(faults, "attribute", study.attribute.iter().map(|a| a.id.as_str()));
    unique(faults, "model", study.model.iter().map(|m| m.id.as_str()));
    unique(faults, "measure", study.measure.iter().map(|m| m.id.as_str()));
    unique(faults, "question", study.question.iter().map(|q| q.id.as_str()));
    unique(faults, "page", study.page.iter().map(|p| p.id.as_str()));
    unique(faults, "outcome", study.outcome.iter().map(|o| o.id.as_str()));
    unique(faults, "block", study.block.iter().map(|b| b.id.as_str()));
    unique(faults, "step", study.step.iter().map(|s| s.id.as_str()));
    unique(faults, "analysis", study.analysis.iter().map(|a| a.id.as_str()));
    unique(faults, "hypothesis", study.hypothesis.iter().map(|h| h.id.as_str()));
    unique(faults, "behaviour", study.behaviour.iter().map(|b| b.id.as_str()));
}

pub(super) fn levels(study: &Study, at: &At, key: &'static str, place: &mut Place<'_>) {
    for (factor, level) in at {
        if factor == "condition" {
            place.known(key, "condition", level, study.conditions());
        } else if place.known(key, "factor", factor, study.factor.iter().map(|f| f.id.as_str())) {
            let levels = study.factor.iter().filter(|f| f.id == *factor).flat_map(|f| &f.levels);
            place.known(key, &format!("level of {factor}"), level, levels.map(String::as_str));
        }
    }
}

/// Items that each person gets, of one block or of all.
fn each(study: &Study, block: Option<&str>) -> usize {
    if study.block.is_empty() {
        return study.item.len();
    }
    let own = study.block.iter().filter(|b| block.is_none_or(|id| b.id == id));
    own.map(|b| b.take.unwrap_or_else(|| b.item_ids(study).len())).sum()
}

fn import(study: &Study, faults: &mut Faults) {
    let Some(import) = &study.import else { return };
    let mut place = faults.of("import", "");
    for condition in import.conditions.values() {
        place.known("conditions", "condition", condition, study.conditions());
    }
    for measure in import.columns.keys() {
        place.known("columns", "measure", measure, study.measure.iter().map(|m| m.id.as_str()));
    }
}
