//! Random intercepts in an ordinal model, integrated out by Laplace's method.
//!
//! For parameters (θ, β, τ) the mode of Σ log P(y_i | η_i) − |v|²/2 over spherical effects v is found by Newton's method, and
//! ℓ = that value − ½ log|H| with H = I + T Zᵀ W Z T, W the negative second derivatives in η (Christensen 2022, the package
//! ordinal's vignette on clmm). H has the block of the factor with most levels diagonal, the rest is dense. One factor alone is
//! simpler, and its integrals are taken by quadrature (`alone`).

use nalgebra::{DMatrix, DVector};

use super::alone::{Alone, Rule};
use super::df::{Counted, between_within, constant_within};
use super::row::{LogProduct, Rows, interval};
use crate::Error;
use crate::minimise::{derivatives, minimise, stencil};
use crate::model::dense::cholesky;
use crate::model::formula::Formula;
use crate::model::mixed::groups;
use crate::model::table::Table;

pub(super) struct Fit {
    /// Thresholds, then coefficients.
    pub parameters: Vec<f64>,
    /// Of all parameters, the standard deviations last.
    pub information: DMatrix<f64>,
    pub log_likelihood: f64,
    /// (group, levels, standard deviation).
    pub groups: Vec<(String, usize, f64)>,
    /// How coefficients are tested.
    pub counted: Vec<Counted>,
    pub converged: bool,
}

struct Group {
    name: String,
    codes: Vec<u32>,
    levels: usize,
    /// Where its levels begin among all.
    offset: usize,
}

struct Problem<'a> {
    rows: &'a Rows,
    groups: Vec<Group>,
    /// Rows by level of the first group.
    by_first: Vec<Vec<u32>>,
    levels: usize,
    /// Where there is one group.
    alone: Option<Alone>,
}

/// Inner steps at most; five or six are usual.
const STEPS: usize = 60;

/// `fixed` has the columns of `rows` without the intercept; `rule` is that of one factor alone.
pub(super) fn fit(
    table: &Table,
    formula: &Formula,
    (rows, fixed): (&Rows, &DMatrix<f64>),
    start: &[f64],
    rule: Rule,
) -> Result<Fit, Error> {
    let mut list = Vec::new();
    for term in &formula.random {
        if term.terms.len() != 1 || !term.terms[0].0.is_empty() {
            return Err(Error::model(format!(
                "{formula}: an ordinal model takes random intercepts only, such as (1 | person)"
            )));
        }
        let (codes, levels) = groups(table, &term.group)?;
        if constant_within(&rows.codes, &codes, levels) {
            return Err(Error::model(format!(
                "{formula}: within {} no answer differs from another, so the variance of its intercepts has no bound, and there \
                 is nothing to test against",
                term.group
            )));
        }
        list.push(Group { name: term.group.to_string(), codes, levels, offset: 0 });
    }
    list.sort_by_key(|g| std::cmp::Reverse(g.levels));
    let mut levels = 0;
    for group in &mut list {
        group.offset = levels;
        levels += group.levels;
    }
    let mut by_first = vec![Vec::new(); list[0].levels];
    list[0].codes.iter().enumerate().for_each(|(r, c)| by_first[*c as usize].push(r as u32));
    let counted = between_within(fixed, &list.iter().map(|g| (&g.codes[..], g.levels)).collect::<Vec<_>>());
    let alone = (list.len() == 1).then(|| Alone::new(rows, &by_first, rule));
    let problem = Problem { rows, groups: list, by_first, levels, alone };
    let mut first = start.to_vec();
    first.extend(problem.groups.iter().map(|_| 0.7));
    let objective = |p: &[f64]| problem.log_likelihood(p).map_or(f64::INFINITY, |l| -l);
    let mut found = minimise(&objective, &first);
    let ahead = start.len();
    for i in ahead..found.x.len() {
        if found.x[i].abs() < 1e-3 {
            let kept = std::mem::replace(&mut found.x[i], 0.0);
            if objective(&found.x) > found.value + 1e-9 * found.value.abs() {
                found.x[i] = kept;
            }
        }
        found.x[i] = found.x[i].abs();
    }
    let (h, points) = stencil(&found.x);
    let values: Vec<f64> = points.iter().map(|p| objective(p)).collect();
    let (_, information) = derivatives(&h, &values);
    let deviations = found.x.split_off(ahead);
    let converged = found.left < 1e-6 || (found.left.is_infinite() && deviations.contains(&0.0));
    let groups = problem.groups.iter().zip(deviations).map(|(g, d)| (g.name.clone(), g.levels, d)).collect();
    Ok(Fit { parameters: found.x, information, log_likelihood: -found.value, groups, counted, converged })
}

/// What one pass over the rows gives at given effects.
struct Pass {
    /// Penalised log-likelihood.
    value: f64,
    /// Its gradient in v.
    gradient: Vec<f64>,
    /// Negative second derivatives in η, a row each.
    weights: Vec<f64>,
}

/// H with its first block eliminated.
struct Factor {
    diagonal: Vec<f64>,
    /// For each first level: (column of the rest, value).
    cross: Vec<Vec<(usize, f64)>>,
    rest: DMatrix<f64>,
}

impl Problem<'_> {
    fn log_likelihood(&self, parameters: &[f64]) -> Option<f64> {
        if let Some(alone) = &self.alone {
            let (thresholds, beta, tau) = self.split(parameters);
            return alone.log_likelihood(self.rows, thresholds, beta, tau[0]);
        }
        let mut v = vec![0.0; self.levels];
        let mut pass = self.pass(parameters, &v)?;
        for _ in 0..STEPS {
            let factor = self.factor(parameters, &pass.weights)?;
            let step = factor.solve(&pass.gradient);
            let promise: f64 = step.iter().zip(&pass.gradient).map(|(a, b)| a * b).sum();
            if promise < 1e-13 * pass.value.abs().max(1.0) {
                return Some(pass.value - 0.5 * factor.log_det());
            }
            let mut share = 1.0;
            loop {
                let moved: Vec<f64> = v.iter().zip(&step).map(|(a, s)| a + share * s).collect();
                match self.pass(parameters, &moved) {
                    Some(there) if there.value >= pass.value => {
                        (v, pass) = (moved, there);
                        break;
                    }
                    // Rounding is all that is left.
                    _ if share < 1e-4 => return Some(pass.value - 0.5 * factor.log_det()),
                    _ => share *= 0.5,
                }
            }
        }
        let factor = self.factor(parameters, &pass.weights)?;
        Some(pass.value - 0.5 * factor.log_det())
    }

    fn split<'p>(&self, parameters: &'p [f64]) -> (&'p [f64], &'p [f64], &'p [f64]) {
        let (thresholds, rest) = parameters.split_at(self.rows.categories - 1);
        let (beta, tau) = rest.split_at(self.rows.width);
        (thresholds, beta, tau)
    }

    fn pass(&self, parameters: &[f64], v: &[f64]) -> Option<Pass> {
        let (thresholds, beta, tau) = self.split(parameters);
        let mut likelihood = LogProduct::new();
        let mut gradient: Vec<f64> = v.iter().map(|e| -e).collect();
        let mut weights = Vec::with_capacity(self.rows.len());
        for r in 0..self.rows.len() {
            let mut eta = self.rows.predictor(r, beta);
            for (group, t) in self.groups.iter().zip(tau) {
                eta += t * v[group.offset + group.codes[r] as usize];
            }
            let (low, high) = self.rows.bounds(r, thresholds);
            let d = interval(low - eta, high - eta)?;
            likelihood.add(d.p);
            for (group, t) in self.groups.iter().zip(tau) {
                gradient[group.offset + group.codes[r] as usize] -= t * (d.a + d.b);
            }
            weights.push(-(d.aa + d.bb + 2.0 * d.ab));
        }
        let value = likelihood.sum() - 0.5 * v.iter().map(|e| e * e).sum::<f64>();
        Some(Pass { value, gradient, weights })
    }

    fn factor(&self, parameters: &[f64], weights: &[f64]) -> Option<Factor> {
        let (_, _, tau) = self.split(parameters);
        let first = self.groups[0].levels;
        let mut rest = DMatrix::identity(self.levels - first, self.levels - first);
        let mut diagonal = Vec::with_capacity(first);
        let mut cross = Vec::with_capacity(first);
        let mut sums = vec![0.0; self.levels - first];
        for rows in &self.by_first {
            let mut d = 1.0;
            let mut touched: Vec<usize> = Vec::new();
            for r in rows.iter().map(|r| *r as usize) {
                d += tau[0] * tau[0] * weights[r];
                for (k, group) in self.groups.iter().enumerate().skip(1) {
                    let column = group.offset - first + group.codes[r] as usize;
                    if sums[column] == 0.0 {
                        touched.push(column);
                    }
                    sums[column] += tau[0] * tau[k] * weights[r];
                    for (l, other) in self.groups.iter().enumerate().skip(1) {
                        rest[(other.offset - first + other.codes[r] as usize, column)] +=
                            tau[k] * tau[l] * weights[r];
                    }
                }
            }
            touched.sort_unstable();
            touched.dedup();
            let entries: Vec<(usize, f64)> =
                touched.iter().map(|c| (*c, std::mem::take(&mut sums[*c]))).collect();
            for (c, x) in &entries {
                for (row, y) in &entries {
                    rest[(*row, *c)] -= x * y / d;
                }
            }
            diagonal.push(d);
            cross.push(entries);
        }
        cholesky(&mut rest).then_some(Factor { diagonal, cross, rest })
    }
}

impl Factor {
    fn log_det(&self) -> f64 {
        let rest: f64 = (0..self.rest.nrows()).map(|i| self.rest[(i, i)].ln()).sum();
        self.diagonal.iter().map(|d| d.ln()).sum::<f64>() + 2.0 * rest
    }

    /// H⁻¹ g.
    fn solve(&self, g: &[f64]) -> Vec<f64> {
        let first = self.diagonal.len();
        let mut rest = DVector::from_column_slice(&g[first..]);
        for ((d, entries), g) in self.diagonal.iter().zip(&self.cross).zip(g) {
            entries.iter().for_each(|(c, x)| rest[*c] -= x * g / d);
        }
        self.rest.solve_lower_triangular_mut(&mut rest);
        self.rest.tr_solve_lower_triangular_mut(&mut rest);
        let top = self
            .diagonal
            .iter()
            .zip(&self.cross)
            .zip(g)
            .map(|((d, entries), g)| (g - entries.iter().map(|(c, x)| x * rest[*c]).sum::<f64>()) / d);
        top.chain(rest.iter().copied()).collect()
    }
}
