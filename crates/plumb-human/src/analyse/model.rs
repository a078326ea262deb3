//! Formulas fitted to an analysis's rows, and the contrasts of its hypotheses.

use plumb_stats::Level;
use plumb_stats::compare::{Effect, cohens_d, welch};
use plumb_stats::model::{
    CellMean, Coding, Formula, Likelihood, LinearFit, LinearModel, MixedModel, MixedWarning, Table,
    cell_means, contrast,
};

use super::select::matches;
use super::{Compared, Contrasted, Ladder, Modelled, Selected, Verdict};
use crate::data::STRATUM;
use crate::error::{Error, Result};
use crate::study::{At, Condition, Hypothesis, Study};

/// Fits one formula: a mixed model by REML where it has random terms, else least squares.
pub(super) fn fit(
    study: &Study,
    selected: &Selected,
    formula: &str,
    hypotheses: &[&Hypothesis],
) -> Result<Modelled> {
    let read = selected.within_strata(formula)?;
    let table = selected.table(study, &read)?;
    if read.random.is_empty() {
        let model = LinearModel::fit(&table, &read, Coding::Treatment)?;
        let terms = model.type_one();
        return Ok(Modelled {
            method: "least squares",
            terms,
            contrasts: contrasts(study, selected, &model, hypotheses)?,
            ..shared(formula, selected, &model)
        });
    }
    let model = MixedModel::fit(&table, &read, Likelihood::Restricted)?;
    Ok(Modelled {
        method: "REML",
        criterion: Some(model.criterion()),
        random: model.groups().to_vec(),
        terms: terms(&model, &table)?,
        contrasts: contrasts(study, selected, &model, hypotheses)?,
        warnings: model.warnings().iter().map(ToString::to_string).collect(),
        ..shared(formula, selected, &model)
    })
}

/// Contrasts of a formula, and whether its fit had a warning.
pub(super) fn contrasts_alone(
    study: &Study,
    selected: &Selected,
    formula: &Formula,
    hypotheses: &[&Hypothesis],
) -> Result<(Vec<Contrasted>, bool)> {
    let table = selected.table(study, formula)?;
    if formula.random.is_empty() {
        let model = LinearModel::fit(&table, formula, Coding::Treatment)?;
        return Ok((contrasts(study, selected, &model, hypotheses)?, false));
    }
    let model = MixedModel::fit(&table, formula, Likelihood::Restricted)?;
    Ok((contrasts(study, selected, &model, hypotheses)?, !model.warnings().is_empty()))
}

fn terms(model: &MixedModel, table: &Table) -> Result<Vec<plumb_stats::model::TermTest>> {
    let dropped = model.warnings().iter().any(|w| matches!(w, MixedWarning::Dropped { .. }));
    if dropped { Ok(Vec::new()) } else { Ok(model.type_three(table)?) }
}

fn shared<F: LinearFit>(formula: &str, selected: &Selected, model: &F) -> Modelled {
    Modelled {
        formula: formula.to_owned(),
        strata: selected.strata.is_some(),
        method: "",
        rows: selected.rows.len() as u64,
        criterion: None,
        residual: model.residual_variance(),
        random: Vec::new(),
        terms: Vec::new(),
        coefficients: model.coefficients().into_iter().map(|(name, test)| (name, test.ok())).collect(),
        contrasts: Vec::new(),
        warnings: Vec::new(),
    }
}

/// The first formula that fits without trouble, else the last that fits at all.
pub(super) fn ladder(
    study: &Study,
    selected: &Selected,
    formulas: &[String],
    hypotheses: &[&Hypothesis],
) -> Ladder {
    let mut ladder = Ladder { passed: Vec::new(), model: None };
    for (at, formula) in formulas.iter().enumerate() {
        let last = at + 1 == formulas.len();
        match fit(study, selected, formula, hypotheses) {
            Ok(model)
                if last
                    || !model
                        .warnings
                        .iter()
                        .any(|w| w.starts_with("boundary") || w.starts_with("not converged")) =>
            {
                ladder.model = Some(model);
                break;
            }
            Ok(model) => ladder.passed.push((formula.clone(), model.warnings.join("; "))),
            Err(error) => ladder.passed.push((formula.clone(), error.to_string())),
        }
    }
    ladder
}

fn contrasts<F: LinearFit>(
    study: &Study,
    selected: &Selected,
    model: &F,
    hypotheses: &[&Hypothesis],
) -> Result<Vec<Contrasted>> {
    if hypotheses.is_empty() {
        return Ok(Vec::new());
    }
    let factors: Vec<String> = model.design().factors().map(|(name, _)| name.to_string()).collect();
    // Strata are averaged: hypotheses are about conditions.
    let names: Vec<&str> = factors.iter().map(String::as_str).filter(|name| *name != STRATUM).collect();
    let means = cell_means(model, &names)?;
    let conditions = cells(selected, &means)?;
    hypotheses
        .iter()
        .map(|hypothesis| {
            let mut weights = vec![0.0; means.len()];
            for part in &hypothesis.contrast {
                let here: Vec<usize> =
                    (0..means.len()).filter(|m| matches(conditions[*m], &part.at)).collect();
                if here.is_empty() {
                    return Err(Error::new(format!(
                        "hypothesis {}: no condition of its analysis is at {:?}",
                        hypothesis.id, part.at
                    )));
                }
                here.iter().for_each(|m| weights[*m] += part.weight / here.len() as f64);
            }
            let test = contrast(model, &means, &weights)?;
            let sides: Vec<&At> = hypothesis.contrast.iter().map(|c| &c.at).collect();
            Ok(contrasted(hypothesis, test, effect(study, selected, hypothesis, &sides)?))
        })
        .collect()
}

/// The condition of each cell of a model.
fn cells<'a>(selected: &Selected<'a>, means: &[CellMean]) -> Result<Vec<&'a Condition>> {
    let of = |mean: &CellMean| {
        let at: At = mean.at.iter().cloned().collect();
        let mut here = selected.conditions.iter().filter(|c| matches(c, &at));
        match (here.next(), here.next()) {
            (Some(condition), None) => Ok(*condition),
            _ => Err(Error::new(format!(
                "a contrast needs a model whose cells are conditions; {at:?} is not one"
            ))),
        }
    };
    means.iter().map(of).collect()
}

/// Cohen's d of the answers of a hypothesis's first group less those of its second.
fn effect(
    study: &Study,
    selected: &Selected,
    hypothesis: &Hypothesis,
    sides: &[&At],
) -> Result<Option<Effect>> {
    match (hypothesis.effect, sides) {
        (false, _) => Ok(None),
        (true, [a, b]) => {
            Ok(Some(cohens_d(&selected.values_at(study, a), &selected.values_at(study, b), Level::P95)?))
        }
        _ => Err(Error::new(format!("hypothesis {}: an effect size needs two cells", hypothesis.id))),
    }
}

pub(super) fn contrasted(
    hypothesis: &Hypothesis,
    test: plumb_stats::model::Tested,
    effect: Option<Effect>,
) -> Contrasted {
    Contrasted {
        hypothesis: hypothesis.id.clone(),
        label: hypothesis.label.clone(),
        adjusted: test.p,
        test,
        effect,
        verdict: Verdict::Inconclusive,
    }
}

/// Welch's test of a hypothesis's two groups.
pub(super) fn welch_test(study: &Study, selected: &Selected, hypothesis: &Hypothesis) -> Result<Compared> {
    let place = |e: plumb_stats::Error| Error::from(e).at(&format!("hypothesis {}", hypothesis.id));
    let (a, b) =
        (selected.values_at(study, &hypothesis.welch[0]), selected.values_at(study, &hypothesis.welch[1]));
    let test = welch(&a, &b).map_err(place)?;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let sides: Vec<&At> = hypothesis.welch.iter().collect();
    let effect = effect(study, selected, hypothesis, &sides)?;
    Ok(Compared { means: (mean(&a), mean(&b)), contrast: contrasted(hypothesis, test, effect) })
}
