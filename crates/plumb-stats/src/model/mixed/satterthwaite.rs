//! Satterthwaite's degrees of freedom for combinations of fixed effects.
//!
//! For lᵀβ with variance v(θ, σ) = lᵀ V(θ, σ) l: df = 2 v² / (gᵀ A g), where g is v's gradient in (θ, σ) and A = 2 H⁻¹
//! the asymptotic covariance of (θ, σ), H being the Hessian of the deviance (Kuznetsova, Brockhoff & Christensen 2017,
//! J. Statist. Software 82(13), §2). Derivatives in σ are exact, those in θ are central differences.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::visited::Visited;
use super::{Likelihood, fixed_effects};
use crate::minimise::{derivatives, stencil};
use crate::model::dense::spectral;

/// How the fixed effects' covariance moves with (θ, σ), and how well those are known.
#[derive(Debug, Clone)]
pub(crate) struct Curvature {
    /// V at the estimate.
    covariance: DMatrix<f64>,
    /// ∂V/∂θ_i …, and last ∂V/∂σ.
    slopes: Vec<DMatrix<f64>>,
    /// A.
    parameters: DMatrix<f64>,
}

impl Curvature {
    /// `None` where the deviance has no value nearby.
    pub fn new(
        visited: &Visited<'_>,
        theta: &[f64],
        sigma: f64,
        likelihood: Likelihood,
        r: &DMatrix<f64>,
    ) -> Option<Self> {
        let problem = visited.problem;
        let (h, points) = stencil(theta);
        let singles = 1 + 2 * theta.len();
        let around: Vec<(f64, f64, Option<DMatrix<f64>>)> = points
            .par_iter()
            .enumerate()
            .map(|(at, point)| {
                let state = visited.state(point)?;
                let unscaled = (at < singles).then(|| fixed_effects(&state, r).1);
                Some((problem.log_det(&state, likelihood), state.squares, unscaled))
            })
            .collect::<Option<_>>()?;
        let (s2, k) = (sigma * sigma, theta.len());
        let df = problem.residual_df(likelihood);
        let log_det: Vec<f64> = around.iter().map(|a| a.0).collect();
        let squares: Vec<f64> = around.iter().map(|a| a.1).collect();
        let (_, bent) =
            derivatives(&h, &log_det.iter().zip(&squares).map(|(d, s)| d + s / s2).collect::<Vec<_>>());
        let (slope_of_squares, _) = derivatives(&h, &squares);
        // deviance(θ, σ) = log_det(θ) + df log(2πσ²) + squares(θ)/σ².
        let mut hessian = DMatrix::zeros(k + 1, k + 1);
        hessian.view_mut((0, 0), (k, k)).copy_from(&bent);
        for i in 0..k {
            let mixed = -2.0 * slope_of_squares[i] / (s2 * sigma);
            hessian[(i, k)] = mixed;
            hessian[(k, i)] = mixed;
        }
        hessian[(k, k)] = -2.0 * df / s2 + 6.0 * squares[0] / (s2 * s2);
        let unscaled = |at: usize| around[at].2.as_ref();
        let centre = unscaled(0)?;
        let mut slopes = Vec::new();
        for (i, step) in h.iter().enumerate() {
            slopes.push((unscaled(1 + 2 * i)? - unscaled(2 + 2 * i)?) * (s2 / (2.0 * step)));
        }
        slopes.push(centre * (2.0 * sigma));
        // Directions in which the deviance is flat (effects that do not vary) say nothing about V.
        let parameters = spectral(&hessian, 1e-10, |e| 2.0 / e);
        Some(Self { covariance: centre * s2, slopes, parameters })
    }

    /// Degrees of freedom of one combination.
    pub fn df(&self, l: &[f64]) -> f64 {
        let l = DVector::from_column_slice(l);
        let quadratic = |m: &DMatrix<f64>| (l.transpose() * m * &l)[(0, 0)];
        let variance = quadratic(&self.covariance);
        let gradient = DVector::from_iterator(self.slopes.len(), self.slopes.iter().map(quadratic));
        2.0 * variance * variance / (gradient.transpose() * &self.parameters * &gradient)[(0, 0)]
    }
}
