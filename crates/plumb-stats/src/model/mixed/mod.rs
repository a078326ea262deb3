//! Linear mixed models by maximum likelihood or REML, with Satterthwaite's degrees of freedom.
//!
//! Start at [`MixedModel::fit`]. [`CellIntercepts`] is a short way for many fits of one kind. `blocks` reads random terms, `criterion` evaluates a parameter, `satterthwaite` gives
//! degrees of freedom. Checked against lme4 and lmerTest (`oracles/stats/models.R`).

mod alike;
mod blocks;
mod cells;
mod criterion;
mod satterthwaite;
mod start;
mod visited;

use std::fmt;

use nalgebra::{DMatrix, DVector, SymmetricEigen};

pub(crate) use blocks::groups;
pub use cells::{CellFit, CellIntercepts};

use super::dense::{back_solve, inverse_of_gram, qr};
use super::design::{Coding, Design};
use super::estimates::{Estimates, LinearFit};
use super::formula::Formula;
use super::table::Table;
use crate::Error;
use crate::minimise::minimise;
use blocks::blocks;
use criterion::{Problem, State};
use satterthwaite::Curvature;
use start::start;
use visited::Visited;

/// What is maximised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Likelihood {
    /// The likelihood of residual contrasts: variances without the bias from estimating β.
    #[default]
    Restricted,
    /// The likelihood itself: comparable between models with different fixed terms.
    Full,
}

/// Something a reader must know before the numbers of a mixed model.
#[derive(Debug, Clone, PartialEq)]
pub enum MixedWarning {
    /// The covariance of a group's effects is singular: a variance is zero or a correlation is ±1.
    Boundary { group: String },
    /// The optimiser stopped where a further step would still lower the deviance by `left`.
    NotConverged { left: f64 },
    /// Columns that depend on earlier ones got no coefficient.
    Dropped { columns: Vec<String> },
    /// So few levels that a variance between them is hardly known.
    FewLevels { group: String, levels: usize },
}

impl fmt::Display for MixedWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boundary { group } => {
                write!(
                    f,
                    "boundary fit: the effects of {group} have a variance of zero or a correlation of ±1"
                )
            }
            Self::NotConverged { left } => {
                write!(f, "not converged: a further step would lower the deviance by {left:.2e}")
            }
            Self::Dropped { columns } => {
                write!(f, "rank-deficient design: no coefficient for {}", columns.join(", "))
            }
            Self::FewLevels { group, levels } => {
                write!(f, "{group} has only {levels} levels: its variance is hardly known")
            }
        }
    }
}

/// The estimated covariance of the effects that vary with one grouping factor.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupCovariance {
    pub group: String,
    pub levels: usize,
    /// Names of the effects.
    pub names: Vec<String>,
    /// Row-major, in squared units of the response.
    pub covariance: Vec<f64>,
}

impl GroupCovariance {
    /// The variance of effect `i`.
    pub fn variance(&self, i: usize) -> f64 {
        self.covariance[i * self.names.len() + i]
    }

    /// The correlation of effects `i` and `j`; `None` where one does not vary.
    pub fn correlation(&self, i: usize, j: usize) -> Option<f64> {
        let scale = (self.variance(i) * self.variance(j)).sqrt();
        (scale > 0.0).then(|| self.covariance[i * self.names.len() + j] / scale)
    }
}

/// A fitted linear mixed model.
#[derive(Debug, Clone)]
pub struct MixedModel {
    design: Design,
    estimates: Estimates,
    likelihood: Likelihood,
    criterion: f64,
    theta: Vec<f64>,
    sigma: f64,
    groups: Vec<GroupCovariance>,
    warnings: Vec<MixedWarning>,
    curvature: Curvature,
    rows: usize,
}

/// Groups with fewer levels than this are named in a warning.
const FEW_LEVELS: usize = 5;
/// A relative variance below this counts as zero.
const SINGULAR: f64 = 1e-8;
/// What a further step may promise before a fit counts as not converged.
const CONVERGED: f64 = 1e-6;
/// And before it counts as standing still, so that degrees of freedom keep six digits.
const SETTLED: f64 = 1e-10;
/// A residual variance below this share of what the fixed effects leave is rounding.
const NOTHING: f64 = 1e-9;

impl MixedModel {
    /// Fits a formula with at least one random term.
    ///
    /// # Errors
    /// Columns that are not there, no random term, as many groups as rows, or a response that the model fits exactly.
    pub fn fit(table: &Table, formula: &Formula, likelihood: Likelihood) -> Result<Self, Error> {
        let y = table.numbers(&formula.response)?;
        let design = Design::new(table, &formula.fixed, Coding::Treatment)?;
        let qr = qr(&design.matrix, y);
        if y.len() <= qr.kept.len() + 1 {
            return Err(Error::model(format!("{formula}: {} rows are too few", y.len())));
        }
        let (blocks, diagonal) = blocks(table, formula)?;
        let start = start(&blocks, &diagonal, &design.matrix, y, &qr);
        let problem = Problem::new(blocks, &design.matrix, y, &qr);
        let visited = Visited::new(&problem);
        let criterion =
            |theta: &[f64]| visited.state(theta).map_or(f64::INFINITY, |s| problem.criterion(&s, likelihood));
        let mut found = minimise(&criterion, &start);
        let settled = found.left.abs() < SETTLED;
        let unsnapped = found.x.clone();
        snap(&mut found.x, &mut found.value, &criterion);
        let exact = || {
            Error::model(format!(
                "{formula}: the deviance has no value, as where the model fits the response exactly"
            ))
        };
        let state = visited.state(&found.x).ok_or_else(exact)?;
        let sigma = problem.residual_variance(&state, likelihood).sqrt();
        if sigma.is_nan() || sigma <= 0.0 || !found.value.is_finite() {
            return Err(exact());
        }
        let left: f64 = qr.effects[qr.kept.len()..].iter().map(|e| e * e).sum();
        if sigma * sigma <= NOTHING * left / y.len() as f64 {
            return Err(Error::model(format!(
                "{formula}: within groups nothing varies, so that there is no error to test against; answers of people who always give \
                 the same one can be compared by their means"
            )));
        }
        let groups = covariances(&problem, &found.x, sigma);
        let mut beta = qr.effects[..qr.kept.len()].to_vec();
        back_solve(&qr.r, &mut beta);
        let (shift, unscaled) = fixed_effects(&state, &qr.r);
        beta.iter_mut().zip(shift.iter()).for_each(|(b, s)| *b += s);
        let estimates = Estimates::new(&qr, design.names().len(), beta, unscaled * (sigma * sigma));
        let mut warnings = Vec::new();
        let converged = found.left.abs() < CONVERGED;
        if !converged && !flat_at_boundary(&found.hessian, &found.x) {
            warnings.push(MixedWarning::NotConverged { left: found.left });
        }
        warnings.extend(concerns(&problem, &found.x, &design, &estimates));
        // Where the last Newton step was next to nothing, the points around its beginning are known already.
        let around = if settled && found.x == unsnapped { &found.centre } else { &found.x };
        let curvature = Curvature::new(&visited, around, sigma, likelihood, &qr.r).ok_or_else(exact)?;
        let rows = y.len();
        Ok(Self {
            design,
            estimates,
            likelihood,
            criterion: found.value,
            theta: found.x,
            sigma,
            groups,
            warnings,
            curvature,
            rows,
        })
    }

    /// −2 log likelihood (restricted or full, as was asked).
    pub fn criterion(&self) -> f64 {
        self.criterion
    }

    /// What was maximised.
    pub fn likelihood(&self) -> Likelihood {
        self.likelihood
    }

    /// The relative covariance factor's free entries, by group, column by column.
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }

    /// Residual standard deviation.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// Covariances of the random effects, groups with most levels first.
    pub fn groups(&self) -> &[GroupCovariance] {
        &self.groups
    }

    /// What a reader must know first.
    pub fn warnings(&self) -> &[MixedWarning] {
        &self.warnings
    }

    /// Number of observations.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl LinearFit for MixedModel {
    fn design(&self) -> &Design {
        &self.design
    }
    fn estimates(&self) -> &Estimates {
        &self.estimates
    }
    fn df(&self, kept: &[f64]) -> f64 {
        self.curvature.df(kept)
    }
    fn residual_variance(&self) -> f64 {
        self.sigma * self.sigma
    }
}

impl Problem {
    /// Degrees of freedom of the residual variance.
    fn residual_df(&self, likelihood: Likelihood) -> f64 {
        match likelihood {
            Likelihood::Full => self.rows as f64,
            Likelihood::Restricted => (self.rows - self.fixed) as f64,
        }
    }

    fn residual_variance(&self, state: &State, likelihood: Likelihood) -> f64 {
        state.squares / self.residual_df(likelihood)
    }

    /// Bates et al. 2015, eq. 34 (full) and 41 (restricted).
    fn criterion(&self, state: &State, likelihood: Likelihood) -> f64 {
        let df = self.residual_df(likelihood);
        let scale = df * (1.0 + (2.0 * std::f64::consts::PI * state.squares / df).ln());
        self.log_det(state, likelihood) + scale
    }

    fn log_det(&self, state: &State, likelihood: Likelihood) -> f64 {
        match likelihood {
            Likelihood::Full => state.log_det_l,
            Likelihood::Restricted => state.log_det_l + state.log_det_x,
        }
    }
}

/// What the fixed effects add to the least-squares ones, and (Xᵀ V⁻¹ X)⁻¹ without σ².
fn fixed_effects(state: &State, r: &DMatrix<f64>) -> (DVector<f64>, DMatrix<f64>) {
    let upper = state.l_x.transpose();
    let mut gamma: Vec<f64> = state.rhs.iter().copied().collect();
    back_solve(&upper, &mut gamma);
    back_solve(r, &mut gamma);
    (DVector::from_vec(gamma), inverse_of_gram(&(upper * r)))
}

/// Puts small parameters to exactly zero where the criterion does not mind, so that a boundary fit is one.
fn snap(theta: &mut [f64], value: &mut f64, criterion: &dyn Fn(&[f64]) -> f64) {
    for i in 0..theta.len() {
        if theta[i] != 0.0 && theta[i].abs() < 1e-3 {
            let kept = std::mem::replace(&mut theta[i], 0.0);
            let there = criterion(theta);
            if there <= *value + 1e-9 * value.abs().max(1.0) {
                *value = there;
            } else {
                theta[i] = kept;
            }
        }
    }
}

/// On the boundary the Hessian need not be positive definite: parameters of an effect that does not vary are free.
fn flat_at_boundary(hessian: &DMatrix<f64>, theta: &[f64]) -> bool {
    let least = SymmetricEigen::new(hessian.clone()).eigenvalues.min();
    theta.contains(&0.0) && least > -1e-3
}

fn covariances(problem: &Problem, theta: &[f64], sigma: f64) -> Vec<GroupCovariance> {
    let one = |block: &blocks::Block| {
        let q = block.effects();
        let lambda = DMatrix::from_row_slice(q, q, &block.lambda(theta));
        let covariance = &lambda * lambda.transpose() * (sigma * sigma);
        GroupCovariance {
            group: block.group.clone(),
            levels: block.levels,
            names: block.names.clone(),
            covariance: covariance.transpose().as_slice().to_vec(),
        }
    };
    problem.blocks.iter().map(one).collect()
}

fn concerns(problem: &Problem, theta: &[f64], design: &Design, estimates: &Estimates) -> Vec<MixedWarning> {
    let mut warnings = Vec::new();
    for block in &problem.blocks {
        let q = block.effects();
        let lambda = DMatrix::from_row_slice(q, q, &block.lambda(theta));
        let values = SymmetricEigen::new(&lambda * lambda.transpose()).eigenvalues;
        if values.min() < SINGULAR * values.max().max(1.0) {
            warnings.push(MixedWarning::Boundary { group: block.group.clone() });
        }
        if block.levels < FEW_LEVELS {
            warnings.push(MixedWarning::FewLevels { group: block.group.clone(), levels: block.levels });
        }
    }
    let columns: Vec<String> = estimates.dropped().map(|c| design.names()[c].clone()).collect();
    if !columns.is_empty() {
        warnings.push(MixedWarning::Dropped { columns });
    }
    warnings
}
