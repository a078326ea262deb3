//! Hypotheses alone, without everything else that a report shows: what simulations of many studies need.

use plumb_stats::model::Formula;

use super::select::matches;
use super::{Contrasted, Selected, adjust, model};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::study::{Analysis, Hypothesis, Study};

/// Every hypothesis of a study, tested by its planned model and decided by its own rule.
pub(crate) fn decided(study: &Study, data: &Data) -> Result<Vec<Contrasted>> {
    let mut all = Vec::new();
    for analysis in study.analysis.iter().filter(|a| study.hypothesis.iter().any(|h| h.analysis == a.id)) {
        let selected = Selected::new(study, data, analysis)?;
        let (list, _) =
            tested(study, analysis, &selected).map_err(|e| e.at(&format!("analysis {}", analysis.id)))?;
        all.extend(list);
    }
    adjust(study, &mut all.iter_mut().collect::<Vec<_>>())?;
    Ok(all)
}

/// An analysis's hypotheses, not yet adjusted, and whether their model had a warning.
pub(crate) fn tested(
    study: &Study,
    analysis: &Analysis,
    selected: &Selected<'_>,
) -> Result<(Vec<Contrasted>, bool)> {
    let own: Vec<&Hypothesis> = study.hypothesis.iter().filter(|h| h.analysis == analysis.id).collect();
    let contrasts: Vec<&Hypothesis> = own.iter().copied().filter(|h| !h.contrast.is_empty()).collect();
    let (mut list, mut warned) = (Vec::new(), false);
    if let (Some(formula), false) = (&analysis.model, contrasts.is_empty()) {
        (list, warned) = model::contrasts_alone(study, selected, &Formula::parse(formula)?, &contrasts)?;
    }
    for hypothesis in own.iter().filter(|h| !h.welch.is_empty()) {
        list.push(model::welch_test(study, selected, hypothesis)?.contrast);
    }
    Ok((list, warned))
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
