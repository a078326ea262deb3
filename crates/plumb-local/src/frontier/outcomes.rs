//! What became of questions that are answered in words: right, wrong, refused or degenerate.
//!
//! A lower share of right answers does not tell whether a model lost what it could do or only refuses to show it. Questions whose
//! options are weighed by likelihood cannot be refused; only what is written can be parted so.

use super::gather::{Gathered, Kind};
use super::tables::section_of;
use crate::sweep::{Role, Sweep};
use plumb_study::document::{Cell, Table};
use plumb_study::method::Cell as Verdict;
use plumb_study::{Document, Ledger, MeasureRef, Plan, Result, Trial};
use std::collections::BTreeMap;

/// What became of one question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Answered as it should be, whatever else was said.
    Right,
    /// Answered otherwise, or not at all.
    Wrong,
    /// Not right, and a refusal.
    Refused,
    /// Empty, repetitive or no language.
    Degenerate,
}

impl Outcome {
    const ALL: [(Outcome, &str); 4] = [
        (Outcome::Right, "right"),
        (Outcome::Wrong, "wrong"),
        (Outcome::Refused, "refused"),
        (Outcome::Degenerate, "degenerate"),
    ];
}

/// By setting, then by item.
pub type Outcomes = Vec<BTreeMap<u32, Outcome>>;

/// Who says whether a reply refuses: the judge of the sweep's first measure of refusal.
pub(super) fn refusal(plan: &Plan, sweep: &Sweep) -> Result<Option<MeasureRef>> {
    let refuses = |role: Role| matches!(role, Role::Safety | Role::OverRefusal);
    sweep
        .measures
        .iter()
        .find(|measure| refuses(measure.role))
        .map(|measure| measure.resolve(plan))
        .transpose()
}

/// What became of a trial that a measure of capability covers; none without a verdict, or if nobody says whether it was refused.
pub(super) fn of(
    plan: &Plan,
    ledger: &Ledger,
    trial: Trial,
    (right, refused): (MeasureRef, MeasureRef),
    degenerate: bool,
) -> Option<Outcome> {
    let (Verdict::Label(right), Verdict::Label(refused)) =
        (ledger.cell(plan, trial, right), ledger.cell(plan, trial, refused))
    else {
        return degenerate.then_some(Outcome::Degenerate);
    };
    Some(match (degenerate, right.0, refused.0) {
        (true, ..) => Outcome::Degenerate,
        (_, 1, _) => Outcome::Right,
        (_, _, 0) => Outcome::Wrong,
        _ => Outcome::Refused,
    })
}

/// A table for each measure of which it is known.
pub(super) fn tables(document: &mut Document, gathered: &Gathered, sweep: &Sweep) {
    let mut tables = Vec::new();
    for (measure, outcomes) in sweep.measures.iter().zip(&gathered.outcomes) {
        let Some(outcomes) = outcomes else { continue };
        let columns = ["setting", "#items", "#right", "#wrong", "#refused", "#degenerate"];
        let mut table = Table::new(measure.id.clone(), &columns);
        for (arm, items) in gathered.arms.iter().zip(outcomes).filter(|(_, items)| !items.is_empty()) {
            let all = items.len();
            let share = |(outcome, _): &(Outcome, &str)| {
                let count = items.values().filter(|other| *other == outcome).count();
                Cell::Share(count as f64 / all as f64, 0)
            };
            let start = [Cell::text(arm.id.clone()), Cell::Count(all as u64)];
            table.row(start.into_iter().chain(Outcome::ALL.iter().map(share)));
        }
        tables.push(table);
    }
    if let Some(section) = section_of(document, "Answers in words", tables) {
        section.prose("Right: whatever else the reply says. Refused: not right, and a refusal.");
    }
}

/// Of the questions that the unsteered model has right and a setting has not: what became of them, for each measure where it
/// is known.
pub(super) fn lost(gathered: &Gathered, sweep: &Sweep, arm: usize) -> Vec<String> {
    let base = gathered.arms.iter().position(|arm| arm.kind == Kind::Base).unwrap_or(0);
    let one = |measure: &str, outcomes: &Outcomes| {
        let known = |item: &u32| outcomes[base].get(item) == Some(&Outcome::Right);
        let lost: Vec<Outcome> = outcomes[arm]
            .iter()
            .filter(|(item, outcome)| **outcome != Outcome::Right && known(item))
            .map(|(_, outcome)| *outcome)
            .collect();
        let of = |which: Outcome| lost.iter().filter(|outcome| **outcome == which).count();
        let gained = outcomes[arm]
            .iter()
            .filter(|(item, outcome)| {
                **outcome == Outcome::Right && !known(item) && outcomes[base].contains_key(item)
            })
            .count();
        (!lost.is_empty()).then(|| {
            format!(
                "Of the {} questions of {measure} that {} has right and {} has not, {} are refused, {} degenerate and {} answered wrongly; {gained} are right only under {}.",
                lost.len(),
                gathered.arms[base].id,
                gathered.arms[arm].id,
                of(Outcome::Refused),
                of(Outcome::Degenerate),
                of(Outcome::Wrong),
                gathered.arms[arm].id,
            )
        })
    };
    let measures = sweep.measures.iter().zip(&gathered.outcomes);
    measures.filter_map(|(measure, outcomes)| one(&measure.id, outcomes.as_ref()?)).collect()
}
