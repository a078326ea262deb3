//! Cell means as the model sees them, and planned contrasts of them.
//!
//! A cell mean is the model's value at a combination of levels, factors that are not named being averaged with equal
//! weight and numbers standing at their mean (Searle, Speed & Milliken 1980, The American Statistician 34:216–221).

use super::estimates::{LinearFit, Tested};
use crate::tukey::tukey_upper;
use crate::{Error, multiplicity};

/// A model's mean in one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CellMean {
    /// (factor, level) of the factors that were asked for.
    pub at: Vec<(String, String)>,
    /// Weights over the design's columns.
    pub row: Vec<f64>,
    /// Tested against 0; `None` where the data do not determine it, such as a cell of an interaction without rows.
    pub mean: Option<Tested>,
}

/// How p-values of several contrasts are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adjust {
    #[default]
    None,
    Holm,
    /// Benjamini & Hochberg's false discovery rate.
    Bh,
    /// Tukey's range, for all pairs of `means` means.
    Tukey {
        means: usize,
    },
}

/// The means of all combinations of levels of `factors`, the first varying fastest.
///
/// # Errors
/// A name that is no factor of the model.
pub fn cell_means<F: LinearFit>(fit: &F, factors: &[&str]) -> Result<Vec<CellMean>, Error> {
    let design = fit.design();
    let known: Vec<(String, Vec<String>)> = design
        .factors()
        .map(|(name, levels)| (name.to_string(), levels.iter().map(ToString::to_string).collect()))
        .collect();
    let find = |name: &str| known.iter().position(|(n, _)| n == name);
    let asked = factors
        .iter()
        .map(|f| find(f).ok_or_else(|| Error::model(format!("{f} is no factor of the model"))))
        .collect::<Result<Vec<usize>, Error>>()?;
    let others: Vec<usize> = (0..known.len()).filter(|k| !asked.contains(k)).collect();
    let mut means = Vec::new();
    let mut code = vec![0_usize; known.len()];
    for cell in 0..asked.iter().map(|k| known[*k].1.len()).product() {
        unfold(cell, &asked, &known, &mut code);
        let averaged: usize = others.iter().map(|k| known[*k].1.len()).product();
        let mut row = vec![0.0; design.names().len()];
        for other in 0..averaged {
            unfold(other, &others, &known, &mut code);
            let one = design.cell(|name| find(name).map_or(0, |k| code[k] as u32));
            row.iter_mut().zip(one).for_each(|(sum, x)| *sum += x / averaged as f64);
        }
        let at = asked.iter().map(|k| (known[*k].0.clone(), known[*k].1[code[*k]].clone())).collect();
        let mean = fit.test(&row).ok();
        means.push(CellMean { at, row, mean });
    }
    Ok(means)
}

fn unfold(mut cell: usize, which: &[usize], known: &[(String, Vec<String>)], code: &mut [usize]) {
    for k in which {
        code[*k] = cell % known[*k].1.len();
        cell /= known[*k].1.len();
    }
}

/// Tests Σ w_i mean_i.
///
/// # Errors
/// Not one weight for each mean, or a combination that the data do not determine. Means that they do not determine take no other
/// with them: what counts is the combination.
pub fn contrast<F: LinearFit>(fit: &F, means: &[CellMean], weights: &[f64]) -> Result<Tested, Error> {
    if weights.len() != means.len() {
        return Err(Error::columns(weights.len(), means.len()));
    }
    let width = fit.design().names().len();
    let mut l = vec![0.0; width];
    for (mean, weight) in means.iter().zip(weights) {
        l.iter_mut().zip(&mean.row).for_each(|(sum, x)| *sum += weight * x);
    }
    fit.test(&l)
}

/// All differences of two means, the earlier less the later: (index, index, test), without those that the data do not determine.
pub fn pairs<F: LinearFit>(fit: &F, means: &[CellMean]) -> Vec<(usize, usize, Tested)> {
    let mut list = Vec::new();
    for i in 0..means.len() {
        for j in i + 1..means.len() {
            let mut weights = vec![0.0; means.len()];
            (weights[i], weights[j]) = (1.0, -1.0);
            list.extend(contrast(fit, means, &weights).ok().map(|test| (i, j, test)));
        }
    }
    list
}

/// p-values of a family of contrasts, adjusted, in the order given.
///
/// # Errors
/// A p-value outside [0, 1].
pub fn adjusted(tests: &[Tested], how: Adjust) -> Result<Vec<f64>, Error> {
    let p: Vec<f64> = tests.iter().map(|t| t.p).collect();
    match how {
        Adjust::None => Ok(p),
        Adjust::Holm => multiplicity::holm(&p),
        Adjust::Bh => multiplicity::benjamini_hochberg(&p),
        Adjust::Tukey { means } => Ok(tests
            .iter()
            .map(|t| tukey_upper(std::f64::consts::SQRT_2 * t.t.abs(), means as f64, t.df))
            .collect()),
    }
}
