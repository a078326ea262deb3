//! Which options were chosen: a model that is pushed can answer everything alike, and the share of right answers does not show
//! it.

use super::gather::Gathered;
use super::tables::section_of;
use crate::sweep::{Measure, Sweep};
use plumb_study::document::{Cell, Table};
use plumb_study::method::Cell as Verdict;
use plumb_study::plan::Scale;
use plumb_study::{Document, Ledger, MeasureRef, Plan};
use std::sync::Arc;

/// More options than these are long answers, not letters.
const MOST: usize = 5;

/// How often each option was chosen.
#[derive(Clone, PartialEq, Debug)]
pub struct Letters {
    /// The options that were chosen at all.
    pub names: Vec<Arc<str>>,
    /// By setting, then by option.
    pub counts: Vec<Vec<u64>>,
}

/// Counts what the measure's judge says was chosen; none if it does not say.
pub(super) fn count(
    plan: &Plan,
    ledger: &Ledger,
    measure: &Measure,
    of: MeasureRef,
    arms: usize,
) -> Option<Letters> {
    let at = plan.judges[usize::from(of.judge.0)].measures.iter().position(|one| &*one.name == "chosen")?;
    let chosen = MeasureRef { judge: of.judge, measure: at as u8 };
    let Scale::Nominal(names) = &plan.measure(chosen).scale else { return None };
    let mut counts = vec![vec![0; names.len()]; arms];
    for trial in plan.trials().filter(|trial| measure.covers(plan, trial.item)) {
        if let Verdict::Label(label) = ledger.cell(plan, trial, chosen)
            && let Some(count) = counts[trial.subject.0 as usize].get_mut(usize::from(label.0))
        {
            *count += 1;
        }
    }
    let used: Vec<usize> =
        (0..names.len()).filter(|label| counts.iter().any(|counts| counts[*label] > 0)).collect();
    if used.is_empty() || used.len() > MOST {
        return None;
    }
    let pick = |counts: Vec<u64>| used.iter().map(|label| counts[*label]).collect();
    Some(Letters {
        names: used.iter().map(|label| names[*label].clone()).collect(),
        counts: counts.into_iter().map(pick).collect(),
    })
}

/// A table for each measure of which it is known.
pub(super) fn tables(document: &mut Document, gathered: &Gathered, sweep: &Sweep) {
    let mut tables = Vec::new();
    for (measure, letters) in sweep.measures.iter().zip(&gathered.letters) {
        let Some(letters) = letters else { continue };
        let mut columns = vec!["setting".to_owned()];
        columns.extend(letters.names.iter().map(|name| format!("#{name}")));
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut table = Table::new(measure.id.clone(), &columns);
        for (arm, counts) in gathered.arms.iter().zip(&letters.counts) {
            let all: u64 = counts.iter().sum();
            if all == 0 {
                continue;
            }
            let shares = counts.iter().map(|count| Cell::Share(*count as f64 / all as f64, 0));
            table.row(std::iter::once(Cell::text(arm.id.clone())).chain(shares));
        }
        tables.push(table);
    }
    section_of(document, "What was chosen", tables);
}
