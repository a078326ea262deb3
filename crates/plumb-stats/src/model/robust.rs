//! Standard errors of least squares that allow for any dependence within clusters: CR1 and CR2, with Satterthwaite's
//! degrees of freedom.
//!
//! V = M (Σ_g X_gᵀ A_g e_g e_gᵀ A_g X_g) M with M = (XᵀX)⁻¹; CR1: A_g = √(G/(G−1)) I; CR2: A_g = (I − H_gg)^(−1/2), which makes
//! V unbiased where errors are independent and alike (Bell & McCaffrey 2002, Survey Methodology 28:169–181). Degrees of
//! freedom under that same working model: tr(P)²/Σ P_gh² (Pustejovsky & Tipton 2018, J. Bus. Econ. Statist. 36:672–683).
//! With U = X_g M^(1/2), (I − UUᵀ)^(−1/2) X_g = U (I − UᵀU)^(−1/2) M^(−1/2), so all work is on matrices as small as β.

use nalgebra::{DMatrix, DVector};

use super::dense::spectral;
use super::design::Design;
use super::estimates::{Estimates, LinearFit};
use super::ols::LinearModel;
use crate::Error;

/// The small-sample correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// Factor G/(G − 1).
    Cr1,
    /// Factor G/(G − 1) · (N − 1)/(N − p), as Stata and R's `sandwich` with HC1.
    Cr1Stata,
    /// Bias-reduced linearisation.
    Cr2,
}

/// A least-squares fit with cluster-robust variances.
#[derive(Debug, Clone)]
pub struct ClusterRobust<'a> {
    base: &'a LinearModel,
    estimates: Estimates,
    /// M.
    bread: DMatrix<f64>,
    /// For each cluster: X_gᵀX_g and T_g with A_g X_g = X_g T_g.
    clusters: Vec<(DMatrix<f64>, DMatrix<f64>)>,
}

impl<'a> ClusterRobust<'a> {
    /// `clusters` gives the cluster of each row, counted from 0.
    ///
    /// # Errors
    /// Not one cluster a row, or fewer than two clusters.
    pub fn new(base: &'a LinearModel, clusters: &[u32], correction: Correction) -> Result<Self, Error> {
        let design = base.design();
        let rows = design.matrix.nrows();
        if clusters.len() != rows {
            return Err(Error::columns(clusters.len(), rows));
        }
        let count = clusters.iter().max().map_or(0, |c| *c as usize + 1);
        if count < 2 {
            return Err(Error::model("cluster-robust variances need two clusters at least".into()));
        }
        let kept = &base.estimates().kept;
        let p = kept.len();
        let mut grams = vec![DMatrix::<f64>::zeros(p, p); count];
        let mut scores = vec![DVector::<f64>::zeros(p); count];
        for ((row, cluster), residual) in clusters.iter().enumerate().zip(base.residuals()) {
            let x = DVector::from_iterator(p, kept.iter().map(|c| design.matrix[(row, *c)]));
            grams[*cluster as usize].ger(1.0, &x, &x, 1.0);
            scores[*cluster as usize].axpy(residual, &x, 1.0);
        }
        let bread = base.inverse_gram();
        let (g, n) = (count as f64, rows as f64);
        let scale = match correction {
            Correction::Cr1 => (g / (g - 1.0)).sqrt(),
            Correction::Cr1Stata => (g / (g - 1.0) * (n - 1.0) / (n - p as f64)).sqrt(),
            Correction::Cr2 => 1.0,
        };
        let (half, back) = (spectral(&bread, 1e-14, f64::sqrt), spectral(&bread, 1e-14, |e| 1.0 / e.sqrt()));
        let adjust = |gram: &DMatrix<f64>| match correction {
            Correction::Cr2 => {
                let rest = DMatrix::identity(p, p) - &half * gram * &half;
                &half * spectral(&rest, 1e-12, |e| 1.0 / e.sqrt()) * &back
            }
            _ => DMatrix::identity(p, p) * scale,
        };
        let clusters: Vec<_> = grams
            .into_iter()
            .map(|gram| {
                let t = adjust(&gram);
                (gram, t)
            })
            .collect();
        let mut meat = DMatrix::zeros(p, p);
        for ((_, t), score) in clusters.iter().zip(&scores) {
            let s = t.transpose() * score;
            meat.ger(1.0, &s, &s, 1.0);
        }
        let estimates = Estimates { covariance: &bread * meat * &bread, ..base.estimates().clone() };
        Ok(Self { base, estimates, bread, clusters })
    }
}

impl LinearFit for ClusterRobust<'_> {
    fn design(&self) -> &Design {
        self.base.design()
    }

    fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    /// P_gh = δ_gh |v_g|² − w_gᵀ M w_h with v_g = X_g T_g M l and w_g = X_gᵀ v_g.
    fn df(&self, l: &[f64]) -> f64 {
        let ml = &self.bread * DVector::from_column_slice(l);
        let p = l.len();
        let (mut trace, mut squares) = (0.0, 0.0);
        let mut outer = DMatrix::zeros(p, p);
        for (gram, t) in &self.clusters {
            let u = t * &ml;
            let w = gram * &u;
            let (own, shared) = (u.dot(&w), w.dot(&(&self.bread * &w)));
            trace += own - shared;
            squares += own * own - 2.0 * own * shared;
            outer.ger(1.0, &w, &w, 1.0);
        }
        let both = &self.bread * outer;
        squares += (&both * &both).trace();
        trace * trace / squares
    }

    fn residual_variance(&self) -> f64 {
        self.base.residual_variance()
    }
}
