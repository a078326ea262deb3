//! One random intercept and a mean for each cell, from sums alone.
//!
//! Where everything fixed is constant within a level of the grouping factor (between-subject designs, whatever the number
//! of answers), the level's number of rows, their mean and their squares within are all that the likelihood knows of it, and
//! levels of one cell with as many rows differ in their means only. So a fit costs as much as there are different sizes,
//! not rows: what simulations of very many studies need. The same model by formula is [`super::MixedModel`], and gives the
//! same numbers.

use std::collections::BTreeMap;

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::{NOTHING, SINGULAR, snap};
use crate::Error;
use crate::minimise::{derivatives, minimise, stencil};
use crate::model::dense::spectral;
use crate::model::estimates::Tested;

/// Levels of a grouping factor, each in one cell.
#[derive(Debug, Clone)]
pub struct CellIntercepts {
    cells: usize,
    /// By cell and number of rows: means of levels.
    levels: BTreeMap<(usize, u32), Vec<f64>>,
    within: f64,
    rows: u64,
    /// A row for each cell; nothing where each has a mean of its own.
    design: Option<DMatrix<f64>>,
}

/// Levels of one cell with as many rows.
#[derive(Debug, Clone)]
struct Group {
    cell: usize,
    size: f64,
    levels: f64,
    /// Mean of the levels' means, and their squared distances from it.
    mean: f64,
    squares: f64,
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct CellFit {
    theta: f64,
    sigma: f64,
    criterion: f64,
    /// Means of cells, or what their rows of the design add up.
    beta: Vec<f64>,
    /// The inverse of Σ w x xᵀ at θ, θ + h and θ − h.
    inverse: [DMatrix<f64>; 3],
    step: f64,
    design: Option<DMatrix<f64>>,
    parameters: DMatrix<f64>,
}

/// What one θ gives.
struct State {
    log_det: f64,
    squares: f64,
    gram: Gram,
    beta: Vec<f64>,
}

/// Σ w x xᵀ over cells, w being Σ n / (1 + θ² n) over a cell's levels.
enum Gram {
    Diagonal(Vec<f64>),
    Full(Cholesky<f64, Dyn>),
}

impl Gram {
    fn inverse(&self) -> DMatrix<f64> {
        match self {
            Gram::Diagonal(weights) => DMatrix::from_diagonal(&DVector::from_iterator(
                weights.len(),
                weights.iter().map(|w| 1.0 / w),
            )),
            Gram::Full(factor) => factor.inverse(),
        }
    }

    fn log_det(&self) -> f64 {
        match self {
            Gram::Diagonal(weights) => weights.iter().map(|w| w.ln()).sum(),
            Gram::Full(factor) => factor.l_dirty().diagonal().iter().map(|d| 2.0 * d.ln()).sum(),
        }
    }
}

impl CellIntercepts {
    /// No levels yet, of this many cells.
    pub fn new(cells: usize) -> Self {
        Self { cells, levels: BTreeMap::new(), within: 0.0, rows: 0, design: None }
    }

    /// No levels yet; each cell's mean is its row of a design times coefficients. `rows` has one row for each cell, all of the same
    /// length.
    pub fn additive(rows: Vec<Vec<f64>>) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        let design = DMatrix::from_fn(rows.len(), width, |i, j| rows[i][j]);
        Self { design: Some(design), ..Self::new(rows.len()) }
    }

    /// Adds a level: its cell (from 0), number of rows, their mean, and their squared distances from it.
    pub fn add(&mut self, cell: usize, rows: u32, mean: f64, within: f64) {
        self.levels.entry((cell, rows)).or_default().push(mean);
        self.within += within;
        self.rows += u64::from(rows);
    }

    /// Fits by REML.
    ///
    /// # Errors
    /// A cell without levels, as many levels as rows, or rows that the means fit exactly.
    pub fn fit(&self) -> Result<CellFit, Error> {
        let groups: Vec<Group> =
            self.levels.iter().map(|((cell, n), means)| group(*cell, *n, means)).collect();
        let empty = (0..self.cells).find(|c| groups.iter().all(|g| g.cell != *c));
        if let (Some(empty), None) = (empty, &self.design) {
            return Err(Error::model(format!("cell {empty} has no values, so it has no mean")));
        }
        let undetermined =
            || Error::model("the cells that have values do not determine every coefficient".to_owned());
        self.evaluate(&groups, 1.0).ok_or_else(undetermined)?;
        let levels: f64 = groups.iter().map(|g| g.levels).sum();
        let df = self.rows as f64 - self.design.as_ref().map_or(self.cells, DMatrix::ncols) as f64;
        if levels >= self.rows as f64 || df < 1.0 {
            return Err(Error::model(
                "as many groups as rows: their variance cannot be told from that of the rows".to_owned(),
            ));
        }
        let between: f64 = groups.iter().map(|g| g.size * g.squares).sum();
        if self.within <= NOTHING * between {
            return Err(Error::model(
                "within groups nothing varies, so that there is no error to test against; compare their means"
                    .to_owned(),
            ));
        }
        let criterion = |theta: &[f64]| {
            let Some(state) = self.evaluate(&groups, theta[0]) else { return f64::INFINITY };
            state.log_det + df * (1.0 + (2.0 * std::f64::consts::PI * state.squares / df).ln())
        };
        let mut found = minimise(&criterion, &[1.0]);
        snap(&mut found.x, &mut found.value, &criterion);
        let theta = found.x[0];
        let (h, points) = stencil(&[theta]);
        let around: Option<Vec<State>> = points.iter().map(|p| self.evaluate(&groups, p[0])).collect();
        let around = around.ok_or_else(undetermined)?;
        let s2 = around[0].squares / df;
        if s2.is_nan() || s2 <= 0.0 || !found.value.is_finite() {
            return Err(Error::model(
                "the deviance has no value, as where the means fit the rows exactly".to_owned(),
            ));
        }
        let sigma = s2.sqrt();
        let bent: Vec<f64> = around.iter().map(|s| s.log_det + s.squares / s2).collect();
        let squares: Vec<f64> = around.iter().map(|s| s.squares).collect();
        let mixed = -2.0 * derivatives(&h, &squares).0[0] / (s2 * sigma);
        let last = -2.0 * df / s2 + 6.0 * squares[0] / (s2 * s2);
        let hessian = DMatrix::from_row_slice(2, 2, &[derivatives(&h, &bent).1[(0, 0)], mixed, mixed, last]);
        let inverse = [0, 1, 2].map(|at| around[at].gram.inverse());
        Ok(CellFit {
            theta,
            sigma,
            criterion: found.value,
            beta: around[0].beta.clone(),
            inverse,
            step: h[0],
            design: self.design.clone(),
            // As for every mixed model here: directions in which the deviance is flat say nothing.
            parameters: spectral(&hessian, 1e-10, |e| 2.0 / e),
        })
    }

    /// `None` where the cells with values do not determine the coefficients.
    fn evaluate(&self, groups: &[Group], theta: f64) -> Option<State> {
        let ratio = theta * theta;
        let (mut weights, mut sums) = (vec![0.0; self.cells], vec![0.0; self.cells]);
        let mut log_det = 0.0;
        for g in groups {
            let w = g.levels * g.size / (1.0 + ratio * g.size);
            weights[g.cell] += w;
            sums[g.cell] += w * g.mean;
            log_det += g.levels * (ratio * g.size).ln_1p();
        }
        let (gram, beta, means) = match &self.design {
            None => {
                let means: Vec<f64> = sums.iter().zip(&weights).map(|(s, w)| s / w).collect();
                (Gram::Diagonal(weights), means.clone(), means)
            }
            Some(x) => {
                let mut weighted = x.clone();
                weighted.row_iter_mut().zip(&weights).for_each(|(mut row, w)| row *= *w);
                let factor = Cholesky::new(x.transpose() * weighted)?;
                let beta = factor.solve(&(x.transpose() * DVector::from_vec(sums)));
                let means = (x * &beta).as_slice().to_vec();
                (Gram::Full(factor), beta.as_slice().to_vec(), means)
            }
        };
        let mut squares = self.within;
        for g in groups {
            let away = g.mean - means[g.cell];
            squares += g.size / (1.0 + ratio * g.size) * (g.squares + g.levels * away * away);
        }
        log_det += gram.log_det();
        Some(State { log_det, squares, gram, beta })
    }
}

fn group(cell: usize, rows: u32, means: &[f64]) -> Group {
    let levels = means.len() as f64;
    let mean = means.iter().sum::<f64>() / levels;
    let squares = means.iter().map(|m| (m - mean) * (m - mean)).sum();
    Group { cell, size: f64::from(rows), levels, mean, squares }
}

impl CellFit {
    /// −2 log restricted likelihood.
    pub fn criterion(&self) -> f64 {
        self.criterion
    }

    /// Variances of the intercepts and of the residuals.
    pub fn variances(&self) -> (f64, f64) {
        let s2 = self.sigma * self.sigma;
        (s2 * self.theta * self.theta, s2)
    }

    /// Whether the intercepts' variance is zero.
    pub fn is_boundary(&self) -> bool {
        self.theta * self.theta < SINGULAR
    }

    /// A weighted sum of the cells' means, with Satterthwaite's degrees of freedom. `weights` has one for each cell.
    pub fn contrast(&self, weights: &[f64]) -> Tested {
        let weights = DVector::from_column_slice(weights);
        let weights = self.design.as_ref().map_or(weights.clone(), |x| x.transpose() * weights);
        let estimate = weights.iter().zip(&self.beta).map(|(w, b)| w * b).sum();
        let unscaled = |at: usize| -> f64 { weights.dot(&(&self.inverse[at] * &weights)) };
        let s2 = self.sigma * self.sigma;
        let variance = s2 * unscaled(0);
        let gradient = DVector::from_vec(vec![
            s2 * (unscaled(1) - unscaled(2)) / (2.0 * self.step),
            2.0 * self.sigma * unscaled(0),
        ]);
        let df = 2.0 * variance * variance / (gradient.transpose() * &self.parameters * &gradient)[(0, 0)];
        Tested::new(estimate, variance.sqrt(), df)
    }
}
