//! Ordinal responses: cumulative link (proportional odds) models, without and with random intercepts.
//!
//! P(Y ≤ j) = F(θ_j − η), F logistic, θ_1 < θ_2 < …, η = xᵀβ (+ Σ τ_k u_k with u ~ N(0, 1)); McCullagh (1980, J. Royal
//! Statist. Soc. B 42:109–142). Start at [`OrdinalModel::fit`]. Random intercepts of one factor are integrated out by adaptive
//! quadrature (`alone`), those of several by Laplace's method (`laplace`), and tests then count groups, not answers (`df`). Checked
//! against R's package ordinal.

mod alone;
mod df;
mod fixed;
mod laplace;
mod row;

use std::fmt;

use nalgebra::DMatrix;

use super::design::{Coding, Design};
use super::estimates::Tested;
use super::formula::Formula;
use super::table::Table;
use crate::Error;
use alone::Rule;
use df::Counted;
use row::Rows;

/// Something a reader must know before the numbers of an ordinal model.
#[derive(Debug, Clone, PartialEq)]
pub enum OrdinalWarning {
    /// A coefficient runs away: some combination of predictors separates the categories.
    Separation { column: String },
    /// The variance of a group's intercepts is zero.
    Boundary { group: String },
    /// The variance of a group's intercepts runs away: answers of a group are nearly all the same.
    Runaway { group: String },
    /// The optimiser stopped where a further step would still raise the log-likelihood.
    NotConverged,
}

impl fmt::Display for OrdinalWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Separation { column } => {
                write!(f, "separation: the data put no bound on the coefficient of {column}")
            }
            Self::Boundary { group } => {
                write!(f, "boundary fit: the intercepts of {group} have a variance of zero")
            }
            Self::Runaway { group } => {
                write!(
                    f,
                    "answers within {group} hardly vary: the variance of its intercepts is not bounded, and tests are not to be trusted"
                )
            }
            Self::NotConverged => f.write_str("not converged"),
        }
    }
}

/// A fitted cumulative link model, on the scale of log odds.
#[derive(Debug, Clone)]
pub struct OrdinalModel {
    /// Between which categories, and the threshold.
    thresholds: Vec<(String, Tested)>,
    coefficients: Vec<(String, Tested)>,
    log_likelihood: f64,
    /// (group, levels, variance of its intercepts).
    variances: Vec<(String, usize, f64)>,
    warnings: Vec<OrdinalWarning>,
}

/// A log odds ratio beyond this is taken as one that runs away.
const RUNAWAY: f64 = 15.0;
/// A standard deviation of intercepts beyond this is taken as one that runs away: 97 % of all variance lies between groups.
const RUNAWAY_DEVIATION: f64 = 10.0;

impl OrdinalModel {
    /// Fits a formula whose response is a factor with its levels in order; random terms may be intercepts only.
    ///
    /// # Errors
    /// A response that is no factor or has fewer than two levels, columns that are not there or depend on one another,
    /// random slopes, or groups within which no answer differs from another.
    pub fn fit(table: &Table, formula: &Formula) -> Result<Self, Error> {
        Self::fit_by(table, formula, Rule::Quadrature)
    }

    /// The same with Laplace's method for one factor, too, as R's package ordinal does unless told otherwise: variances between groups
    /// of few answers come out too small.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_laplace(table: &Table, formula: &Formula) -> Result<Self, Error> {
        Self::fit_by(table, formula, Rule::Laplace)
    }

    fn fit_by(table: &Table, formula: &Formula, rule: Rule) -> Result<Self, Error> {
        let response = table.groups(&formula.response)?;
        let categories = response.levels().len();
        if categories < 2 {
            return Err(Error::model(format!(
                "{}: an ordinal response needs two levels at least",
                formula.response
            )));
        }
        let design = Design::new(table, &formula.fixed, Coding::Treatment)?;
        let kept = super::dense::qr(&design.matrix, &vec![0.0; table.rows()]).kept;
        if kept.len() < design.names().len() || formula.fixed.first().is_none_or(|t| !t.0.is_empty()) {
            return Err(Error::model(format!(
                "{formula}: an ordinal model needs an intercept (its thresholds) and columns that do not depend on one another"
            )));
        }
        // The intercept is the thresholds' business.
        let columns: Vec<usize> = (1..design.names().len()).collect();
        let names: Vec<String> = columns.iter().map(|c| design.names()[*c].clone()).collect();
        let fixed = design.matrix.select_columns(&columns);
        let rows = Rows::new(response.codes(), categories, &fixed);
        let start = fixed::fit(&rows);
        let cuts: Vec<String> = response.levels().windows(2).map(|w| format!("{}|{}", w[0], w[1])).collect();
        if formula.random.is_empty() {
            let labels = cuts.into_iter().chain(names.iter().cloned()).collect();
            let normal = vec![Counted::ENDLESS; names.len()];
            let mut model = Self::of(labels, &normal, &start.parameters, &start.information);
            model.log_likelihood = start.log_likelihood;
            model.warn(&names, start.converged);
            return Ok(model);
        }
        let mixed = laplace::fit(table, formula, (&rows, &fixed), &start.parameters, rule)?;
        let labels = cuts.into_iter().chain(names.iter().cloned()).collect();
        let mut model = Self::of(labels, &mixed.counted, &mixed.parameters, &mixed.information);
        model.log_likelihood = mixed.log_likelihood;
        for (group, levels, deviation) in mixed.groups {
            if deviation == 0.0 {
                model.warnings.push(OrdinalWarning::Boundary { group: group.clone() });
            }
            if deviation.abs() > RUNAWAY_DEVIATION {
                model.warnings.push(OrdinalWarning::Runaway { group: group.clone() });
            }
            model.variances.push((group, levels, deviation * deviation));
        }
        model.warn(&names, mixed.converged);
        Ok(model)
    }

    /// Estimates with standard errors from the inverse information; it may hold further parameters after the labels'. `counted` are
    /// those of the coefficients, which are the last labels.
    fn of(labels: Vec<String>, counted: &[Counted], parameters: &[f64], information: &DMatrix<f64>) -> Self {
        let cuts = labels.len() - counted.len();
        let of = |i: usize| i.checked_sub(cuts).map_or(Counted::ENDLESS, |c| counted[c]);
        let covariance = super::dense::spectral(information, 1e-12, |e| 1.0 / e);
        let mut thresholds: Vec<(String, Tested)> = labels
            .into_iter()
            .enumerate()
            .map(|(i, label)| {
                let error = covariance[(i, i)].sqrt() * of(i).stretch;
                (label, Tested::new(parameters[i], error, of(i).df))
            })
            .collect();
        let coefficients = thresholds.split_off(cuts);
        Self { thresholds, coefficients, log_likelihood: 0.0, variances: Vec::new(), warnings: Vec::new() }
    }

    fn warn(&mut self, names: &[String], converged: bool) {
        for (name, (_, test)) in names.iter().zip(&self.coefficients) {
            if test.estimate.abs() > RUNAWAY {
                self.warnings.push(OrdinalWarning::Separation { column: name.clone() });
            }
        }
        if !converged {
            self.warnings.push(OrdinalWarning::NotConverged);
        }
    }

    /// Thresholds between neighbouring categories, tested against 0 by the normal distribution.
    pub fn thresholds(&self) -> &[(String, Tested)] {
        &self.thresholds
    }

    /// Log odds ratios of a higher category, tested by the normal distribution, or with random intercepts by t with the degrees of
    /// freedom between and within groups (and standard errors that allow for them).
    pub fn coefficients(&self) -> &[(String, Tested)] {
        &self.coefficients
    }

    /// The log-likelihood; random intercepts are integrated out as the fit says.
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// (group, levels, variance of its intercepts).
    pub fn variances(&self) -> &[(String, usize, f64)] {
        &self.variances
    }

    /// What a reader must know first.
    pub fn warnings(&self) -> &[OrdinalWarning] {
        &self.warnings
    }
}
