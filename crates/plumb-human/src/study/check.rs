//! Faults of a study file that its grammar cannot see: names that do not fit together.

use std::collections::BTreeSet;

use plumb_stats::model::Formula;

use super::design;
use super::parts::{Analysis, At, Hypothesis, OneOrMany, Study};
use crate::error::{Error, Result};
use crate::expression::Expression;

pub(super) fn check(study: &Study) -> Result<()> {
    unique("factor", study.factor.iter().map(|f| f.id.as_str()))?;
    unique("condition", study.condition.iter().map(|c| c.id.as_str()))?;
    unique("item", study.item.iter().map(|i| i.id.as_str()))?;
    unique("measure", study.measure.iter().map(|m| m.id.as_str()))?;
    unique("outcome", study.outcome.iter().map(|o| o.id.as_str()))?;
    unique("block", study.block.iter().map(|b| b.id.as_str()))?;
    unique("step", study.step.iter().map(|s| s.id.as_str()))?;
    unique("analysis", study.analysis.iter().map(|a| a.id.as_str()))?;
    unique("hypothesis", study.hypothesis.iter().map(|h| h.id.as_str()))?;
    for condition in &study.condition {
        levels(study, &condition.at).map_err(|e| e.at(&format!("condition {}", condition.id)))?;
    }
    let units = study.measure.iter().map(|m| &m.unit).chain(study.outcome.iter().map(|o| &o.unit));
    for unit in units.flatten() {
        known("unit", unit, study.unit.keys().map(String::as_str))?;
    }
    let measures: Vec<&str> = study.measure.iter().map(|m| m.id.as_str()).collect();
    for outcome in &study.outcome {
        Expression::parse(&outcome.of, &measures).map_err(|e| e.at(&format!("outcome {}", outcome.id)))?;
    }
    for analysis in &study.analysis {
        self::analysis(study, analysis).map_err(|e| e.at(&format!("analysis {}", analysis.id)))?;
    }
    for hypothesis in &study.hypothesis {
        self::hypothesis(study, hypothesis).map_err(|e| e.at(&format!("hypothesis {}", hypothesis.id)))?;
    }
    design::check(study)?;
    import(study).map_err(|e| e.at("import"))
}

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(Error::new(format!("two of {what} have the id {id}: give one another")));
        }
    }
    Ok(())
}

pub(super) fn known<'a>(what: &str, id: &str, ids: impl Iterator<Item = &'a str>) -> Result<()> {
    let ids: Vec<&str> = ids.collect();
    if ids.contains(&id) {
        Ok(())
    } else {
        Err(Error::new(format!("there is no {what} {id}; there are {}", ids.join(", "))))
    }
}

fn levels(study: &Study, at: &At) -> Result<()> {
    for (factor, level) in at {
        if factor == "condition" {
            known("condition", level, study.condition.iter().map(|c| c.id.as_str()))?;
            continue;
        }
        known("factor", factor, study.factor.iter().map(|f| f.id.as_str()))?;
        let levels = study.factor.iter().filter(|f| f.id == *factor).flat_map(|f| &f.levels);
        known(&format!("level of {factor}"), level, levels.map(String::as_str))?;
    }
    Ok(())
}

fn analysis(study: &Study, analysis: &Analysis) -> Result<()> {
    known("outcome", &analysis.outcome, study.outcome.iter().map(|o| o.id.as_str()))?;
    for condition in &analysis.conditions {
        known("condition", condition, study.condition.iter().map(|c| c.id.as_str()))?;
    }
    match &analysis.items {
        OneOrMany::One(set) => {
            known(
                "item or set of items",
                set,
                study.item.iter().flat_map(|i| [i.set.as_str(), i.id.as_str()]),
            )?;
        }
        OneOrMany::Many(ids) => {
            for id in ids {
                known("item", id, study.item.iter().map(|i| i.id.as_str()))?;
            }
        }
    }
    for formula in analysis.model.iter().chain(&analysis.beside) {
        let read = Formula::parse(formula)?;
        if *read.response != *analysis.outcome {
            return Err(Error::new(format!(
                "{formula}: the response must be the outcome {}",
                analysis.outcome
            )));
        }
    }
    Ok(())
}

fn hypothesis(study: &Study, hypothesis: &Hypothesis) -> Result<()> {
    known("analysis", &hypothesis.analysis, study.analysis.iter().map(|a| a.id.as_str()))?;
    if !(hypothesis.alpha > 0.0 && hypothesis.alpha < 1.0) {
        return Err(Error::new(format!("alpha must lie between 0 and 1, not {}", hypothesis.alpha)));
    }
    match (hypothesis.contrast.len(), hypothesis.welch.len()) {
        (2.., 0) | (0, 2) => {}
        _ => {
            return Err(Error::new(
                "it needs a contrast of two cells at least, or welch = [ {…}, {…} ] with two groups",
            ));
        }
    }
    let analysis = study.analysis.iter().find(|a| a.id == hypothesis.analysis);
    if !hypothesis.contrast.is_empty() && analysis.is_none_or(|a| a.model.is_none()) {
        return Err(Error::new(format!("a contrast needs a model in analysis {}", hypothesis.analysis)));
    }
    for at in hypothesis.contrast.iter().map(|c| &c.at).chain(&hypothesis.welch) {
        levels(study, at)?;
    }
    Ok(())
}

fn import(study: &Study) -> Result<()> {
    let Some(import) = &study.import else { return Ok(()) };
    for condition in import.conditions.values() {
        known("condition", condition, study.condition.iter().map(|c| c.id.as_str()))?;
    }
    for measure in import.columns.keys() {
        known("measure", measure, study.measure.iter().map(|m| m.id.as_str()))?;
    }
    Ok(())
}
