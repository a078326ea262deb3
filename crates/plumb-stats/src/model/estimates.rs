//! Coefficients with their variances, and tests of linear combinations of them: what every linear model here shares.

use nalgebra::{DMatrix, DVector};

use super::dense::{Qr, qr};
use super::design::{Coding, Design};
use super::table::Table;
use crate::tails::{f_upper, t_critical, t_two_sided};
use crate::{Error, Interval, Level};

/// A tested linear combination Σ l_j β_j.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// In the units of the response.
    pub estimate: f64,
    pub std_error: f64,
    /// Degrees of freedom; infinite for tests by the normal distribution.
    pub df: f64,
    /// Estimate divided by standard error.
    pub t: f64,
    /// Two-sided, against 0.
    pub p: f64,
}

impl Tested {
    pub(crate) fn new(estimate: f64, std_error: f64, df: f64) -> Self {
        let t = estimate / std_error;
        Self { estimate, std_error, df, t, p: t_two_sided(t, df) }
    }

    /// The t interval.
    pub fn interval(&self, level: Level) -> Interval {
        let reach = t_critical(level, self.df) * self.std_error;
        Interval { low: self.estimate - reach, high: self.estimate + reach, level }
    }
}

/// A tested set of linear combinations, all zero under the null.
#[derive(Debug, Clone, PartialEq)]
pub struct TermTest {
    /// The term as written in the formula.
    pub term: String,
    /// Numerator degrees of freedom.
    pub df: f64,
    /// Denominator degrees of freedom.
    pub residual_df: f64,
    /// Sum of squares, in squared units of the response; for models with random effects the F times the residual
    /// variance times `df`.
    pub sum_of_squares: f64,
    pub f: f64,
    pub p: f64,
}

/// A fitted model that is linear in its coefficients.
pub trait LinearFit {
    /// The coded fixed terms.
    fn design(&self) -> &Design;
    /// The coefficients and their variances.
    fn estimates(&self) -> &Estimates;
    /// Degrees of freedom of one combination over the kept coefficients.
    fn df(&self, kept: &[f64]) -> f64;
    /// Residual variance, in squared units of the response.
    fn residual_variance(&self) -> f64;

    /// Tests Σ l_j β_j; `l` has one weight for each column of the design.
    ///
    /// # Errors
    /// A wrong number of weights, or a combination that the data do not determine.
    fn test(&self, l: &[f64]) -> Result<Tested, Error> {
        let kept = self.estimates().reduce(l)?;
        let (estimate, variance) = self.estimates().combine(&kept);
        Ok(Tested::new(estimate, variance.sqrt(), self.df(&kept)))
    }

    /// One line a column: name and test, or the reason why there is none.
    fn coefficients(&self) -> Vec<(String, Result<Tested, Error>)> {
        let width = self.design().names().len();
        (0..width)
            .map(|c| {
                let mut l = vec![0.0; width];
                l[c] = 1.0;
                let test = if self.estimates().kept.contains(&c) {
                    self.test(&l)
                } else {
                    Err(Error::model(format!("{} depends on earlier columns", self.design().names()[c])))
                };
                (self.design().names()[c].clone(), test)
            })
            .collect()
    }

    /// Type III tests of all terms but the intercept: each term after all others, with sum-to-zero coding. Where columns depend on
    /// others (an empty cell), of what can be estimated, and without the terms of which nothing can.
    ///
    /// # Errors
    /// `table` is not the one that was fitted.
    fn type_three(&self, table: &Table) -> Result<Vec<TermTest>, Error> {
        let design = self.design();
        let kept = &self.estimates().kept;
        let rows: Vec<DMatrix<f64>> = if kept.len() < design.names().len() {
            let every = Design::new(table, design.terms(), Coding::Every)?;
            let all = super::estimable::hypotheses(design, &every);
            all.into_iter().map(|l| DMatrix::from_fn(l.nrows(), kept.len(), |i, j| l[(i, kept[j])])).collect()
        } else {
            let sum = Design::new(table, design.terms(), Coding::Sum)?;
            let rows = change_of_coding(&sum.matrix, &design.matrix);
            let of = |t: usize| (0..rows.nrows()).filter(|r| sum.term_of()[*r] == t).collect::<Vec<_>>();
            let of = (0..design.terms().len()).map(of);
            of.map(|of| DMatrix::from_fn(of.len(), rows.ncols(), |i, j| rows[(of[i], j)])).collect()
        };
        let terms = design.terms().iter().zip(&rows).filter(|(term, l)| !term.0.is_empty() && l.nrows() > 0);
        Ok(terms.map(|(term, l)| joint_test(self, term.to_string(), l)).collect())
    }
}

/// C with X_to C = X_from: coefficients of one coding from those of the other, β_to = C β_from.
fn change_of_coding(to: &DMatrix<f64>, from: &DMatrix<f64>) -> DMatrix<f64> {
    let mut change = DMatrix::zeros(to.ncols(), from.ncols());
    for c in 0..from.ncols() {
        let column: Vec<f64> = from.column(c).iter().copied().collect();
        let fit = qr(to, &column);
        let mut b = fit.effects[..fit.kept.len()].to_vec();
        super::dense::back_solve(&fit.r, &mut b);
        for (k, value) in fit.kept.iter().zip(b) {
            change[(*k, c)] = value;
        }
    }
    change
}

/// F test of L β = 0. With rows made uncorrelated (eigenvectors of L V Lᵀ), F is the mean of their t²; where their
/// degrees of freedom ν differ, the denominator's follow Fai & Cornelius (1996, J. Statist. Comput. Simul. 54:363–378):
/// E = Σ ν/(ν−2) over ν > 2, df = 2E/(E − q).
pub(crate) fn joint_test<F: LinearFit + ?Sized>(fit: &F, term: String, l: &DMatrix<f64>) -> TermTest {
    let estimates = fit.estimates();
    let v = l * &estimates.covariance * l.transpose();
    let eigen = nalgebra::SymmetricEigen::new(v);
    let largest = eigen.eigenvalues.iter().fold(0.0_f64, |m, e| m.max(*e));
    let (mut squares, mut dfs) = (0.0, Vec::new());
    for (i, value) in eigen.eigenvalues.iter().enumerate().filter(|(_, e)| **e > 1e-10 * largest) {
        let row = eigen.eigenvectors.column(i).transpose() * l;
        let kept: Vec<f64> = row.iter().copied().collect();
        let (estimate, _) = estimates.combine(&kept);
        squares += estimate * estimate / value;
        dfs.push(fit.df(&kept));
    }
    let q = dfs.len() as f64;
    let f = squares / q;
    let residual_df = fai_cornelius(&dfs);
    let sum_of_squares = f * q * fit.residual_variance();
    TermTest { term, df: q, residual_df, sum_of_squares, f, p: f_upper(f, q, residual_df) }
}

fn fai_cornelius(dfs: &[f64]) -> f64 {
    let first = dfs.first().copied().unwrap_or(f64::NAN);
    if dfs.iter().all(|d| (d - first).abs() <= 1e-8 * first || (d.is_infinite() && first.is_infinite())) {
        return first;
    }
    let q = dfs.len() as f64;
    let e: f64 = dfs.iter().filter(|d| **d > 2.0).map(|d| d / (d - 2.0)).sum();
    if dfs.iter().any(|d| *d <= 2.0) || e <= q {
        dfs.iter().copied().fold(f64::INFINITY, f64::min).min(2.0)
    } else {
        2.0 * e / (e - q)
    }
}

/// Coefficients on the columns that the data determine, with their covariance matrix.
#[derive(Debug, Clone)]
pub struct Estimates {
    pub(crate) kept: Vec<usize>,
    pub(crate) dropped: Vec<(usize, Vec<f64>)>,
    pub(crate) beta: Vec<f64>,
    pub(crate) covariance: DMatrix<f64>,
    pub(crate) columns: usize,
}

impl Estimates {
    pub(crate) fn new(qr: &Qr, columns: usize, beta: Vec<f64>, covariance: DMatrix<f64>) -> Self {
        Self { kept: qr.kept.clone(), dropped: qr.dropped.clone(), beta, covariance, columns }
    }

    /// Columns of the design that depend on earlier ones and have no coefficient.
    pub fn dropped(&self) -> impl Iterator<Item = usize> {
        self.dropped.iter().map(|(c, _)| *c)
    }

    /// Coefficients of the kept columns, in their order.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }

    /// Weights over the kept columns that say the same as `l` over all.
    pub(crate) fn reduce(&self, l: &[f64]) -> Result<Vec<f64>, Error> {
        if l.len() != self.columns {
            return Err(Error::columns(l.len(), self.columns));
        }
        let kept: Vec<f64> = self.kept.iter().map(|c| l[*c]).collect();
        let size = l.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        for (c, on) in &self.dropped {
            let implied: f64 = on.iter().zip(&kept).map(|(a, b)| a * b).sum();
            if (implied - l[*c]).abs() > 1e-6 * size {
                return Err(Error::model(
                    "the data do not determine this combination (a cell without rows?)".into(),
                ));
            }
        }
        Ok(kept)
    }

    /// Estimate and variance of a combination over the kept columns.
    pub(crate) fn combine(&self, kept: &[f64]) -> (f64, f64) {
        let l = DVector::from_column_slice(kept);
        let estimate = kept.iter().zip(&self.beta).map(|(a, b)| a * b).sum();
        (estimate, (l.transpose() * &self.covariance * &l)[(0, 0)])
    }
}
