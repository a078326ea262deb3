//! Analyses and hypotheses: what could be asked of no data must be said before any are collected.

use std::collections::BTreeSet;

use plumb_stats::model::Formula;

use super::levels;
use crate::analyse::matches;
use crate::data::STRATUM;
use crate::study::faults::{Faults, Place};
use crate::study::{Analysis, At, Bounds, Condition, Direction, Hypothesis, OneOrMany, Study};

/// Names of analyses and hypotheses that do not fit together, and contrasts that compare nothing.
pub(super) fn check(study: &Study, faults: &mut Faults) {
    for given in &study.analysis {
        analysis(study, given, &mut faults.of("analysis", &given.id));
    }
    for given in &study.hypothesis {
        hypothesis(study, given, &mut faults.of("hypothesis", &given.id));
    }
}

fn analysis(study: &Study, analysis: &Analysis, place: &mut Place<'_>) {
    place.known("outcome", "outcome", &analysis.outcome, study.outcome.iter().map(|o| o.id.as_str()));
    for condition in &analysis.conditions {
        place.known("conditions", "condition", condition, study.conditions());
    }
    match &analysis.items {
        OneOrMany::One(set) => {
            // Sets first: they are what is mostly meant.
            let sets: BTreeSet<&str> =
                study.item.iter().map(|i| i.set.as_str()).filter(|name| !name.is_empty()).collect();
            place.known("items", "item or set of items", set, sets.into_iter().chain(study.items()));
        }
        OneOrMany::Many(ids) => {
            for id in ids {
                place.known("items", "item", id, study.item.iter().map(|i| i.id.as_str()));
            }
        }
    }
    let formulas =
        analysis.models().iter().map(|f| ("model", f)).chain(analysis.beside.iter().map(|f| ("beside", f)));
    for (key, formula) in formulas {
        let Some(read) = place.take(key, Formula::parse(formula)) else { continue };
        if *read.response != *analysis.outcome {
            place.fault(key, format!("{formula}: the response must be the outcome {}", analysis.outcome));
        }
        columns(study, analysis, &read, (key, formula), place);
    }
}

fn hypothesis(study: &Study, hypothesis: &Hypothesis, place: &mut Place<'_>) {
    let analysis = study.analysis.iter().find(|a| a.id == hypothesis.analysis);
    place.known("analysis", "analysis", &hypothesis.analysis, study.analysis.iter().map(|a| a.id.as_str()));
    if !(hypothesis.alpha > 0.0 && hypothesis.alpha < 1.0) {
        place.fault("alpha", format!("alpha must lie between 0 and 1, not {}", hypothesis.alpha));
    }
    if let Some(Bounds { low, high }) = hypothesis.supported_if {
        if !(low.is_finite() && high.is_finite() && low < high) {
            place.fault("supported_if", format!("`low` must be below `high`, not {low} and {high}"));
        }
        if hypothesis.direction != Direction::Different {
            place.fault(
                "direction",
                "it has no meaning beside bounds that the contrast is to lie in; leave one out",
            );
        }
    }
    match (hypothesis.contrast.len(), hypothesis.welch.len()) {
        (2.., 0) | (0, 2) => {}
        _ => place.fault(
            "contrast",
            "it needs a contrast of two cells at least, or welch = [ {…}, {…} ] with two groups",
        ),
    }
    if !hypothesis.contrast.is_empty() && analysis.is_some_and(|a| a.models().is_empty()) {
        place.fault("contrast", format!("a contrast needs a model in analysis {}", hypothesis.analysis));
    }
    for part in &hypothesis.contrast {
        levels(study, &part.at, "contrast", place);
    }
    for at in &hypothesis.welch {
        levels(study, at, "welch", place);
    }
    if let Some(analysis) = analysis {
        compared(study, analysis, hypothesis, place);
    }
    let family = study.hypothesis.iter().find(|h| h.family == hypothesis.family);
    if family.is_some_and(|first| first.method != hypothesis.method) {
        place.fault(
            "method",
            format!("others of family {} are adjusted by another method", hypothesis.family),
        );
    }
}

/// Names in a formula that are no columns of its analysis's data.
fn columns(
    study: &Study,
    analysis: &Analysis,
    read: &Formula,
    (key, formula): (&'static str, &str),
    place: &mut Place<'_>,
) {
    let conditions = analysis.condition_ids(study);
    let mut there: Vec<String> = ["participant", "item", "condition"].map(str::to_owned).into();
    if study.has_strata() {
        there.push(STRATUM.to_owned());
    }
    let mut alike: Vec<&str> = Vec::new();
    for factor in &study.factor {
        let found: Option<BTreeSet<&String>> = conditions.iter().map(|c| c.at.get(&factor.id)).collect();
        let Some(found) = found else { continue };
        if found.len() < 2 {
            alike.push(&factor.id);
        }
        there.push(factor.id.clone());
        if factor.levels.len() == 2 {
            there.push(format!("{}.c", factor.id));
        }
    }
    let groups = read.random.iter().flat_map(|random| random.terms.iter().chain([&random.group]));
    let named: BTreeSet<&str> =
        read.fixed.iter().chain(groups).flat_map(|term| term.0.iter().map(|name| &**name)).collect();
    for name in named {
        if !there.iter().any(|known| known == name) {
            place.fault(
                key,
                format!(
                    "{formula}: there is no column {name} in this analysis; there are {}",
                    there.join(", ")
                ),
            );
        } else if alike.contains(&name.strip_suffix(".c").unwrap_or(name)) {
            place.fault(key, format!("{formula}: all conditions of this analysis have one level of {name}"));
        }
    }
}

/// What a hypothesis compares: cells that its analysis has, and a difference between them.
fn compared(study: &Study, analysis: &Analysis, hypothesis: &Hypothesis, place: &mut Place<'_>) {
    let conditions = analysis.condition_ids(study);
    let cell = |at: &At| (0..conditions.len()).filter(|c| matches(conditions[*c], at)).collect::<Vec<_>>();
    let parts = hypothesis.contrast.iter().map(|part| ("contrast", &part.at));
    let mut empty = false;
    for (key, at) in parts.chain(hypothesis.welch.iter().map(|at| ("welch", at))) {
        if at.is_empty() {
            place.fault(
                key,
                "a cell without levels is every condition: name its condition, or levels of factors",
            );
        } else if cell(at).is_empty() {
            place.fault(key, format!("no condition of analysis {} is at {}", analysis.id, words(at)));
        } else {
            continue;
        }
        empty = true;
    }
    if empty {
        return;
    }
    if let [one, other] = &hypothesis.welch[..]
        && cell(one).iter().any(|c| cell(other).contains(c))
    {
        place.fault("welch", "the two groups share a condition: nobody can be on both sides");
    }
    if hypothesis.contrast.is_empty() {
        return;
    }
    let weights: Vec<f64> = hypothesis.contrast.iter().map(|part| part.weight).collect();
    let largest = weights.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
    let mut net = vec![0.0; conditions.len()];
    for part in &hypothesis.contrast {
        let here = cell(&part.at);
        here.iter().for_each(|c| net[*c] += part.weight / here.len() as f64);
    }
    if !weights.iter().all(|w| w.is_finite()) {
        place.fault("contrast", "a weight must be a finite number");
    } else if weights.iter().sum::<f64>().abs() > 1e-9 * largest {
        place.fault(
            "contrast",
            format!("weights of a difference sum to 0, these to {}", weights.iter().sum::<f64>()),
        );
    } else if net.iter().all(|w| w.abs() <= 1e-9 * largest) {
        place.fault("contrast", "every condition cancels out, so nothing is compared");
    }
    if hypothesis.effect && hypothesis.contrast.len() != 2 {
        place.fault("effect", "an effect size needs a contrast of two cells");
    }
    for read in analysis.models().iter().filter_map(|formula| Formula::parse(formula).ok()) {
        cells(study, &conditions, &read, place);
    }
}

/// Contrasts are of a model's cells, so each of these must be one condition.
fn cells(study: &Study, conditions: &[&Condition], read: &Formula, place: &mut Place<'_>) {
    let named: BTreeSet<&str> = read.fixed.iter().flat_map(|t| t.0.iter().map(|name| &**name)).collect();
    if named.contains("condition") {
        return;
    }
    let factors: Vec<&str> =
        study.factor.iter().map(|f| f.id.as_str()).filter(|id| named.contains(id)).collect();
    let own: BTreeSet<Vec<Option<&String>>> =
        conditions.iter().map(|c| factors.iter().map(|factor| c.at.get(*factor)).collect()).collect();
    if own.len() < conditions.len() {
        place.fault(
            "contrast",
            format!(
                "{read}: it tells {} cells apart, its analysis has {} conditions, and a contrast needs one for each: write \
                 condition in the model, or all factors that they differ by",
                own.len(),
                conditions.len()
            ),
        );
    }
}

fn words(at: &At) -> String {
    at.iter().map(|(factor, level)| format!("{factor} {level}")).collect::<Vec<_>>().join(", ")
}
