//! Hypotheses alone, without everything else that a report shows: what simulations of many studies need.

use std::collections::BTreeSet;

use plumb_stats::model::{CellIntercepts, Formula, MixedWarning, Term};

use super::ladder::{self, ModelWarning};
use super::model::{Alone, Effects};
use super::select::matches;
use super::{Contrasted, Selected, Spent, adjust, model};
use crate::data::{Data, STRATUM};
use crate::error::{Error, Result};
use crate::study::{Analysis, Hypothesis, Study};

/// The hypotheses of a study that its data can give, and for which analysis others are not to be had and why.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub list: Vec<Contrasted>,
    pub failed: Vec<(String, String)>,
}

/// The hypotheses of a study, tested by their planned models and decided by their own rules.
pub(crate) fn found(study: &Study, data: &Data, spent: &Spent) -> Result<Decided> {
    let (mut all, mut failed) = (Vec::new(), Vec::new());
    for analysis in study.analysis.iter().filter(|a| study.hypothesis.iter().any(|h| h.analysis == a.id)) {
        let selected = Selected::new(study, data, analysis)?;
        let found = tests(study, analysis, &selected);
        all.extend(found.list);
        failed.extend(found.failed.into_iter().map(|why| (analysis.id.clone(), why)));
    }
    adjust(study, &mut all.iter_mut().collect::<Vec<_>>(), spent)?;
    Ok(Decided { list: all, failed })
}

/// What an analysis's hypotheses come to, not yet adjusted.
pub(crate) struct Found {
    pub list: Vec<Contrasted>,
    /// Why others are not to be had from the data.
    pub failed: Vec<String>,
    /// Whether the model had a warning.
    pub warned: bool,
}

/// Tests an analysis's hypotheses.
pub(crate) fn tests(study: &Study, analysis: &Analysis, selected: &Selected<'_>) -> Found {
    let own: Vec<&Hypothesis> = study.hypothesis.iter().filter(|h| h.analysis == analysis.id).collect();
    let contrasts: Vec<&Hypothesis> = own.iter().copied().filter(|h| !h.contrast.is_empty()).collect();
    let mut found = Found { list: Vec::new(), failed: Vec::new(), warned: false };
    if !contrasts.is_empty() {
        let fit = |formula: &str| by_model(study, selected, formula, &contrasts);
        match ladder::walk(analysis.models(), fit) {
            (_, Some(Alone { list, failed, warnings })) => {
                found = Found { list, failed, warned: !warnings.is_empty() };
            }
            (passed, None) => found.failed.extend(passed.iter().map(|p| p.why.to_string())),
        }
    }
    for hypothesis in own.iter().filter(|h| !h.welch.is_empty()) {
        match model::welch_test(study, selected, hypothesis, Effects::Left) {
            Ok(compared) => found.list.push(compared.contrast),
            Err(error) => found.failed.push(error.to_string()),
        }
    }
    found
}

/// Contrasts of a planned model: by sums over people where these are enough, else by fitting it.
fn by_model(
    study: &Study,
    selected: &Selected<'_>,
    formula: &str,
    contrasts: &[&Hypothesis],
) -> Result<Alone> {
    let formula = selected.within_strata(formula)?;
    let occupied: BTreeSet<u32> = selected.rows.iter().map(|row| row.condition).collect();
    if !is_cells(study, selected, &formula) || occupied.len() < selected.positions.len() {
        return model::contrasts_alone(study, selected, &formula, contrasts);
    }
    selected.has_people_to_compare(&formula)?;
    let fit = sums(selected).fit()?;
    // Strata are averaged: hypotheses are about conditions.
    let strata = selected.strata.as_ref().map_or(1, |strata| strata.labels.len());
    let test = |h: &&Hypothesis| {
        let weights = weights_of(study, h);
        let own = selected.positions.iter().map(|c| weights[*c as usize] / strata as f64);
        let own: Vec<f64> = own.flat_map(|weight| std::iter::repeat_n(weight, strata)).collect();
        model::contrasted(h, fit.contrast(&own), None)
    };
    let boundary = || ModelWarning::Fit(MixedWarning::Boundary { group: "participant".to_owned() });
    let warnings = fit.is_boundary().then(boundary).into_iter().collect();
    Ok(Alone { list: contrasts.iter().map(test).collect(), failed: Vec::new(), warnings })
}

/// Whether a formula is an intercept of participants and a mean for each condition, beside strata: then sums are enough.
fn is_cells(study: &Study, selected: &Selected<'_>, formula: &Formula) -> bool {
    let [random] = &formula.random[..] else { return false };
    let of_people = random.group.0.len() == 1 && &*random.group.0[0] == "participant";
    if !of_people || random.terms.len() != 1 || !random.terms[0].0.is_empty() {
        return false;
    }
    let stratum = |t: &Term| selected.strata.is_some() && matches!(&t.0[..], [name] if &**name == STRATUM);
    let terms: Vec<&Term> = formula.fixed.iter().filter(|t| !t.0.is_empty() && !stratum(t)).collect();
    if let [Term(names)] = terms[..]
        && let [name] = &names[..]
        && &**name == "condition"
    {
        return true;
    }
    let factors: BTreeSet<&str> = terms.iter().flat_map(|t| t.0.iter().map(|name| &**name)).collect();
    let levels = |id: &str| -> Option<BTreeSet<&String>> {
        study.factor.iter().any(|f| f.id == id).then_some(())?;
        selected.conditions.iter().map(|c| c.at.get(id)).collect()
    };
    let Some(levels) = factors.iter().map(|id| levels(id)).collect::<Option<Vec<_>>>() else { return false };
    let cells: usize = levels.iter().map(BTreeSet::len).product();
    let combinations: BTreeSet<Vec<&String>> =
        selected.conditions.iter().map(|c| factors.iter().filter_map(|id| c.at.get(*id)).collect()).collect();
    // A full crossing has a term for every set of its factors.
    terms.len() + 1 == 1 << factors.len() && cells == selected.conditions.len() && combinations.len() == cells
}

/// Each participant's rows as number, mean and squares, in cells of condition and stratum.
fn sums(selected: &Selected<'_>) -> CellIntercepts {
    let people = selected.rows.iter().map(|r| r.participant as usize + 1).max().unwrap_or(0);
    let mut each = vec![(0_u32, 0_u32, 0_u32, 0.0_f64, 0.0_f64); people];
    for (at, (row, value)) in selected.rows.iter().zip(&selected.values).enumerate() {
        let (condition, stratum, n, mean, squares) = &mut each[row.participant as usize];
        (*condition, *n) = (row.condition, *n + 1);
        *stratum = selected.strata.as_ref().map_or(0, |strata| strata.of[at]);
        let away = value - *mean;
        *mean += away / f64::from(*n);
        *squares += away * (value - *mean);
    }
    let (conditions, strata) =
        (selected.positions.len(), selected.strata.as_ref().map_or(1, |s| s.labels.len()));
    let mut cells = if strata == 1 {
        CellIntercepts::new(conditions)
    } else {
        // A mean for each condition in the first stratum, and what each other stratum adds to all of them.
        let row = |cell: usize| {
            let mut row = vec![0.0; conditions + strata - 1];
            row[cell / strata] = 1.0;
            if let Some(other) = (cell % strata).checked_sub(1) {
                row[conditions + other] = 1.0;
            }
            row
        };
        CellIntercepts::additive((0..conditions * strata).map(row).collect())
    };
    for (condition, stratum, n, mean, squares) in each {
        if let (Some(at), 1..) = (selected.positions.iter().position(|p| *p == condition), n) {
            cells.add(at * strata + stratum as usize, n, mean, squares);
        }
    }
    cells
}

/// A hypothesis's weight of each condition of the study.
pub(crate) fn weights_of(study: &Study, hypothesis: &Hypothesis) -> Vec<f64> {
    let mut weights = vec![0.0; study.condition.len()];
    let analysis = study.analysis.iter().find(|a| a.id == hypothesis.analysis);
    let own = |id: &String| analysis.is_some_and(|a| a.conditions.is_empty() || a.conditions.contains(id));
    let welch = hypothesis.welch.iter().zip([1.0, -1.0]);
    let parts = hypothesis.contrast.iter().map(|part| (&part.at, part.weight)).chain(welch);
    for (at, weight) in parts {
        let here: Vec<usize> = (0..study.condition.len())
            .filter(|c| own(&study.condition[*c].id) && matches(&study.condition[*c], at))
            .collect();
        here.iter().for_each(|c| weights[*c] += weight / here.len() as f64);
    }
    weights
}

/// Sum and number of the outcome's values in each condition of the study, of a hypothesis's analysis.
pub(crate) fn cell_sums(study: &Study, data: &Data, hypothesis: &Hypothesis) -> Result<Vec<(f64, u64)>> {
    let analysis = study.analysis.iter().find(|a| a.id == hypothesis.analysis);
    let analysis =
        analysis.ok_or_else(|| Error::new(format!("there is no analysis {}", hypothesis.analysis)))?;
    let selected = Selected::new(study, data, analysis)?;
    let mut sums = vec![(0.0, 0); study.condition.len()];
    for (row, value) in selected.rows.iter().zip(&selected.values) {
        let (sum, n) = &mut sums[row.condition as usize];
        (*sum, *n) = (*sum + value, *n + 1);
    }
    Ok(sums)
}
