//! Formulas fitted to an analysis's rows, and the contrasts of its hypotheses.

use plumb_stats::Level;
use plumb_stats::compare::{Effect, cohens_d, cohens_d_clustered, welch};
use plumb_stats::model::{
    CellMean, Coding, Formula, Likelihood, LinearFit, LinearModel, MixedModel, MixedWarning, TermTest,
    Tested, cell_means, contrast,
};

use super::ladder::{Fitted, ModelWarning};
use super::select::matches;
use super::{Compared, Contrasted, Modelled, Selected, Verdict, verdict};
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
    selected.has_people_to_compare(&read)?;
    let table = selected.table(study, &read)?;
    if read.random.is_empty() {
        let model = LinearModel::fit(&table, &read, Coding::Treatment)?;
        let (contrasts, failed) = contrasts(study, selected, &model, hypotheses, Effects::Wanted);
        let terms = model.type_one();
        return Ok(Modelled {
            method: "least squares",
            warnings: dropped(&model).into_iter().chain(untested(&model, &terms)).collect(),
            terms,
            contrasts,
            failed,
            ..shared(formula, selected, &model)
        });
    }
    let model = MixedModel::fit(&table, &read, Likelihood::Restricted)?;
    let (contrasts, failed) = contrasts(study, selected, &model, hypotheses, Effects::Wanted);
    let terms = model.type_three(&table)?;
    let warnings = model.warnings().iter().cloned().map(ModelWarning::Fit);
    Ok(Modelled {
        method: "REML",
        criterion: Some(model.criterion()),
        random: model.groups().to_vec(),
        warnings: warnings.chain(untested(&model, &terms)).collect(),
        terms,
        contrasts,
        failed,
        ..shared(formula, selected, &model)
    })
}

/// What a formula alone gives of hypotheses, without effect sizes.
pub(super) struct Alone {
    pub list: Vec<Contrasted>,
    /// Why others are not to be had.
    pub failed: Vec<String>,
    /// Those of the fit.
    pub warnings: Vec<ModelWarning>,
}

impl Fitted for Alone {
    fn warnings(&self) -> &[ModelWarning] {
        &self.warnings
    }
}

/// Contrasts of a formula.
pub(super) fn contrasts_alone(
    study: &Study,
    selected: &Selected,
    formula: &Formula,
    hypotheses: &[&Hypothesis],
) -> Result<Alone> {
    selected.has_people_to_compare(formula)?;
    let table = selected.table(study, formula)?;
    if formula.random.is_empty() {
        let model = LinearModel::fit(&table, formula, Coding::Treatment)?;
        let (list, failed) = contrasts(study, selected, &model, hypotheses, Effects::Left);
        return Ok(Alone { list, failed, warnings: Vec::new() });
    }
    let model = MixedModel::fit(&table, formula, Likelihood::Restricted)?;
    let (list, failed) = contrasts(study, selected, &model, hypotheses, Effects::Left);
    let warnings = model.warnings().iter().cloned().map(ModelWarning::Fit).collect();
    Ok(Alone { list, failed, warnings })
}

/// Columns of a least-squares fit that got no coefficient, in the words of a mixed model.
fn dropped(model: &LinearModel) -> Option<ModelWarning> {
    let columns: Vec<String> =
        model.estimates().dropped().map(|column| model.design().names()[column].clone()).collect();
    (!columns.is_empty()).then_some(ModelWarning::Fit(MixedWarning::Dropped { columns }))
}

/// Which terms have no test, since the cells that would tell them apart from the others are empty.
fn untested<F: LinearFit>(model: &F, tests: &[TermTest]) -> Option<ModelWarning> {
    let names = model.design().terms().iter().filter(|term| !term.0.is_empty()).map(ToString::to_string);
    let terms: Vec<String> = names.filter(|name| tests.iter().all(|test| test.term != *name)).collect();
    (!terms.is_empty()).then_some(ModelWarning::Untested { terms })
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
        failed: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Whether sizes of effects are computed: their intervals cost more than all else, and simulations need none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effects {
    Wanted,
    Left,
}

/// Each hypothesis that the data determine, and in words why others are not to be had: one of them takes no other with it.
fn contrasts<F: LinearFit>(
    study: &Study,
    selected: &Selected,
    model: &F,
    hypotheses: &[&Hypothesis],
    effects: Effects,
) -> (Vec<Contrasted>, Vec<String>) {
    if hypotheses.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let factors: Vec<String> = model.design().factors().map(|(name, _)| name.to_string()).collect();
    // Strata are averaged: hypotheses are about conditions.
    let names: Vec<&str> = factors.iter().map(String::as_str).filter(|name| *name != STRATUM).collect();
    let cells = cell_means(model, &names)
        .map_err(Error::from)
        .and_then(|means| Ok((cells(selected, &means)?, means)));
    let (conditions, means) = match cells {
        Ok(cells) => cells,
        Err(error) => return (Vec::new(), vec![error.to_string()]),
    };
    let (mut list, mut failed) = (Vec::new(), Vec::new());
    for hypothesis in hypotheses {
        let place = |error: Error| error.at(&format!("hypothesis {}", hypothesis.id)).to_string();
        match one_contrast(selected, model, (&conditions, &means), hypothesis) {
            Ok(test) => {
                let effect = match effects {
                    Effects::Wanted => effect(study, selected, hypothesis, &test),
                    Effects::Left => Ok(None),
                };
                let effect = effect.unwrap_or_else(|error| {
                    failed.push(place(error));
                    None
                });
                list.push(contrasted(hypothesis, test, effect));
            }
            Err(error) => failed.push(place(error)),
        }
    }
    (list, failed)
}

fn one_contrast<F: LinearFit>(
    selected: &Selected,
    model: &F,
    (conditions, means): (&[Option<&Condition>], &[CellMean]),
    hypothesis: &Hypothesis,
) -> Result<Tested> {
    let mut weights = vec![0.0; means.len()];
    for part in &hypothesis.contrast {
        let wanted = selected.conditions.iter().filter(|c| matches(c, &part.at)).count();
        let is_here = |m: &usize| conditions[*m].is_some_and(|condition| matches(condition, &part.at));
        let here: Vec<usize> = (0..means.len()).filter(is_here).collect();
        // A mean over conditions of which one has nobody is another mean than the one that was planned.
        if here.is_empty() || here.len() < wanted {
            return Err(Error::new(format!("not all conditions at {:?} have answers", part.at)));
        }
        here.iter().for_each(|m| weights[*m] += part.weight / here.len() as f64);
    }
    let test = contrast(model, means, &weights).map_err(|error| undetermined(error, means, &weights))?;
    if test.p.is_nan() {
        return Err(Error::new("the contrast has no error to be tested against"));
    }
    Ok(test)
}

/// Which of a contrast's cells the data say nothing of.
fn undetermined(error: plumb_stats::Error, means: &[CellMean], weights: &[f64]) -> Error {
    let empty = means.iter().zip(weights).filter(|(mean, weight)| mean.mean.is_none() && **weight != 0.0);
    let named = |(mean, _): (&CellMean, &f64)| {
        mean.at.iter().map(|(factor, level)| format!("{factor} {level}")).collect::<Vec<_>>().join(", ")
    };
    match empty.map(named).collect::<Vec<_>>() {
        empty if empty.is_empty() => error.into(),
        empty => Error::new(format!(
            "not estimable: the data do not determine the mean at {}",
            empty.join(" and at ")
        )),
    }
}

/// The condition of each cell of a model; none for a combination of levels that no condition has.
fn cells<'a>(selected: &Selected<'a>, means: &[CellMean]) -> Result<Vec<Option<&'a Condition>>> {
    let of = |mean: &CellMean| {
        let at: At = mean.at.iter().cloned().collect();
        let mut here = selected.conditions.iter().filter(|c| matches(c, &at));
        match (here.next(), here.next()) {
            (condition, None) => Ok(condition.copied()),
            _ => Err(Error::new(format!(
                "a contrast needs a model whose cells are conditions; {at:?} is not one"
            ))),
        }
    };
    means.iter().map(of).collect()
}

/// Cohen's d of the answers of the cell that counts positive less those of the other, so that it has the estimate's sign. Where
/// people have several answers each, its interval is the one that the test's error gives.
fn effect(
    study: &Study,
    selected: &Selected,
    hypothesis: &Hypothesis,
    test: &Tested,
) -> Result<Option<Effect>> {
    if !hypothesis.effect {
        return Ok(None);
    }
    let [one, other] = &hypothesis.contrast[..] else {
        return Err(Error::new("an effect size needs two cells"));
    };
    let (more, less) = if one.weight > 0.0 { (one, other) } else { (other, one) };
    let (a, b) = (selected.values_at(study, &more.at), selected.values_at(study, &less.at));
    if !selected.has_several_each() {
        return Ok(Some(cohens_d(&a, &b, Level::P95)?));
    }
    let unscaled = Tested { std_error: test.std_error / more.weight.abs(), ..*test };
    Ok(Some(cohens_d_clustered(&a, &b, &unscaled, Level::P95)?))
}

pub(super) fn contrasted(hypothesis: &Hypothesis, test: Tested, effect: Option<Effect>) -> Contrasted {
    let p = verdict::p_of(&test, hypothesis.supported_if);
    Contrasted {
        hypothesis: hypothesis.id.clone(),
        label: hypothesis.label.clone(),
        bounds: hypothesis.supported_if,
        p,
        adjusted: p,
        test,
        effect,
        verdict: Verdict::Inconclusive,
    }
}

/// Welch's test of a hypothesis's two groups: each person counts once, by the mean of his or her values.
pub(super) fn welch_test(
    study: &Study,
    selected: &Selected,
    hypothesis: &Hypothesis,
    effects: Effects,
) -> Result<Compared> {
    let place = |e: plumb_stats::Error| Error::from(e).at(&format!("hypothesis {}", hypothesis.id));
    let group = |at: &At| selected.means_of_people_at(study, at);
    let (a, b) = (group(&hypothesis.welch[0]), group(&hypothesis.welch[1]));
    let test = welch(&a, &b).map_err(place)?;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let wanted = hypothesis.effect && effects == Effects::Wanted;
    let effect = if wanted { Some(cohens_d(&a, &b, Level::P95).map_err(place)?) } else { None };
    Ok(Compared {
        means: (mean(&a), mean(&b)),
        several: selected.has_several_each(),
        contrast: contrasted(hypothesis, test, effect),
    })
}
