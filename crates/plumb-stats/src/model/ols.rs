//! Linear models by ordinary least squares, and their analyses of variance of types I, II and III.
//!
//! Types as named by SAS and computed as R's `anova` (I) and `car::Anova` (II, III) do: I tests each term after those
//! before it; II after all terms that do not contain it; III after all others, with sum-to-zero coding.

use super::dense::{Qr, back_solve, inverse_of_gram, qr};
use super::design::{Coding, Design};
use super::estimates::{Estimates, LinearFit, TermTest};
use super::formula::Formula;
use super::table::Table;
use crate::Error;
use crate::tails::f_upper;

/// A fitted linear model.
#[derive(Debug, Clone)]
pub struct LinearModel {
    design: Design,
    estimates: Estimates,
    qr: Qr,
    y: Vec<f64>,
    residual_df: f64,
    residual_squares: f64,
}

impl LinearModel {
    /// Fits the formula's fixed terms.
    ///
    /// # Errors
    /// Random terms in the formula, columns that are not there, or no more rows than coefficients.
    pub fn fit(table: &Table, formula: &Formula, coding: Coding) -> Result<Self, Error> {
        if !formula.random.is_empty() {
            return Err(Error::model(format!("{formula}: random terms need a mixed model")));
        }
        let y = table.numbers(&formula.response)?.to_vec();
        let design = Design::new(table, &formula.fixed, coding)?;
        let qr = qr(&design.matrix, &y);
        let k = qr.kept.len();
        if y.len() <= k {
            return Err(Error::model(format!(
                "{formula}: {} rows cannot determine {k} coefficients and a variance",
                y.len()
            )));
        }
        let residual_squares: f64 = qr.effects[k..].iter().map(|e| e * e).sum();
        let residual_df = (y.len() - k) as f64;
        let mut beta = qr.effects[..k].to_vec();
        back_solve(&qr.r, &mut beta);
        let covariance = inverse_of_gram(&qr.r) * (residual_squares / residual_df);
        let estimates = Estimates::new(&qr, design.names().len(), beta, covariance);
        Ok(Self { design, estimates, qr, y, residual_df, residual_squares })
    }

    /// Rows less coefficients.
    pub fn residual_df(&self) -> f64 {
        self.residual_df
    }

    /// Residual sum of squares.
    pub fn residual_squares(&self) -> f64 {
        self.residual_squares
    }

    /// Residual standard deviation.
    pub fn sigma(&self) -> f64 {
        (self.residual_squares / self.residual_df).sqrt()
    }

    /// Share of the variation about the mean that the model explains.
    pub fn r_squared(&self) -> f64 {
        let mean = self.y.iter().sum::<f64>() / self.y.len() as f64;
        1.0 - self.residual_squares / self.y.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>()
    }

    /// y − Xβ, a row each.
    pub fn residuals(&self) -> Vec<f64> {
        let x = &self.design.matrix;
        (0..self.y.len())
            .map(|r| {
                let fitted: f64 =
                    self.qr.kept.iter().zip(self.estimates.beta()).map(|(c, b)| x[(r, *c)] * b).sum();
                self.y[r] - fitted
            })
            .collect()
    }

    /// Type I: each term after those before it in the formula's order, without terms that these leave nothing to (of an interaction
    /// all of whose cells beyond the others' are empty).
    pub fn type_one(&self) -> Vec<TermTest> {
        let of = |t: usize| {
            self.qr.kept.iter().zip(&self.qr.effects).filter(move |(c, _)| self.design.term_of()[**c] == t)
        };
        self.terms()
            .filter(|(t, _)| of(*t).next().is_some())
            .map(|(t, name)| self.term(name, of(t).count(), of(t).map(|(_, e)| e * e).sum()))
            .collect()
    }

    /// Type II: each term after all that do not contain it, without terms that these leave nothing to.
    pub fn type_two(&self) -> Vec<TermTest> {
        let terms = self.design.terms();
        self.terms()
            .filter_map(|(t, name)| {
                let containing = |u: usize| u != t && terms[t].within(&terms[u]);
                let (without, rank_without) = self.squares_of(|u| u != t && !containing(u));
                let (with, rank_with) = self.squares_of(|u| !containing(u));
                (rank_with > rank_without).then(|| self.term(name, rank_with - rank_without, without - with))
            })
            .collect()
    }

    fn terms(&self) -> impl Iterator<Item = (usize, String)> {
        let terms = self.design.terms().iter().enumerate();
        terms.filter(|(_, t)| !t.0.is_empty()).map(|(at, t)| (at, t.to_string()))
    }

    fn term(&self, term: String, df: usize, sum_of_squares: f64) -> TermTest {
        let df = df as f64;
        let f = sum_of_squares / df / self.residual_variance();
        TermTest {
            term,
            df,
            residual_df: self.residual_df,
            sum_of_squares,
            f,
            p: f_upper(f, df, self.residual_df),
        }
    }

    /// Residual squares and rank of the model with only some terms.
    fn squares_of(&self, keep: impl Fn(usize) -> bool) -> (f64, usize) {
        let columns: Vec<usize> =
            (0..self.design.names().len()).filter(|c| keep(self.design.term_of()[*c])).collect();
        let fit = qr(&self.design.matrix.select_columns(&columns), &self.y);
        let k = fit.kept.len();
        (fit.effects[k..].iter().map(|e| e * e).sum(), k)
    }
}

impl LinearModel {
    /// (XᵀX)⁻¹ over the kept columns.
    pub(crate) fn inverse_gram(&self) -> nalgebra::DMatrix<f64> {
        inverse_of_gram(&self.qr.r)
    }
}

impl LinearFit for LinearModel {
    fn design(&self) -> &Design {
        &self.design
    }
    fn estimates(&self) -> &Estimates {
        &self.estimates
    }
    fn df(&self, _: &[f64]) -> f64 {
        self.residual_df
    }
    fn residual_variance(&self) -> f64 {
        self.residual_squares / self.residual_df
    }
}
