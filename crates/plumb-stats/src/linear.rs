//! Cluster-robust standard errors of linear contrasts of means, without resampling.
//!
//! For θ = Σ_c w_c N_c / D_c over cells c, cluster g has influence u_g = Σ_c w_c (n_gc − r_c d_gc) / D_c with
//! r_c = N_c / D_c, and Var(θ) = G/(G−1) Σ_g u_g² (the sandwich of Liang & Zeger 1986 with the CR1 factor; Cameron &
//! Miller 2015, J. Human Resources 50:317–372, eq. 11–12, without the (N−1)/(N−K) factor that some programs add).
//! For one cell it is the linearised variance of a ratio of cluster totals.
//!
//! Degrees of freedom for t: one less than the number of clusters of the cell that has fewest (Cameron & Miller
//! §VI.D recommend G − 1; the smallest cell is the cautious choice where cells do not share their clusters).

use crate::cluster::Pattern;
use crate::tails::t_critical;
use crate::{CellTotal, ClusterSums, Error, Interval, Level, Undefined};

/// A contrast with its cluster-robust variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterVariance {
    /// Σ w_c N_c / D_c, in the units of the values.
    pub estimate: f64,
    /// CR1 standard error, same units. Zero where no cluster differs from another.
    pub std_error: f64,
    /// Degrees of freedom for a t interval.
    pub df: f64,
    /// Clusters with rows in a cell whose weight is not zero.
    pub clusters: usize,
}

/// The contrast `weights` over the cells of `sums`, with its CR1 standard error.
///
/// # Errors
/// Outer: not one finite weight for each cell, or all of them zero. Inner: [`Undefined::NoData`] where a weighted cell has no rows,
/// [`Undefined::OneCluster`] where one has a single cluster.
pub fn cluster_variance(
    sums: &ClusterSums,
    weights: &[f64],
) -> Result<Result<ClusterVariance, Undefined>, Error> {
    check_weights(sums, weights)?;
    let Some(estimate) = contrast_of(sums.totals(), weights) else {
        return Ok(Err(Undefined::NoData));
    };
    let smallest = smallest_cell(sums, weights);
    if smallest < 2 {
        return Ok(Err(Undefined::OneCluster));
    }
    let mut clusters = 0_usize;
    let mut squares = 0.0;
    for pattern in &sums.patterns {
        if let Some(one) = influence(pattern, sums.totals(), weights) {
            clusters += pattern.members as usize;
            squares += f64::from(pattern.members) * one * one;
        }
    }
    let g = clusters as f64;
    let std_error = (g / (g - 1.0) * squares).sqrt();
    Ok(Ok(ClusterVariance { estimate, std_error, df: smallest as f64 - 1.0, clusters }))
}

/// How far one cluster of a pattern moves the contrast, to first order; nothing where it is in no weighted cell.
pub(crate) fn influence(pattern: &Pattern, totals: &[CellTotal], weights: &[f64]) -> Option<f64> {
    let entries = pattern.entries.iter().filter(|e| weights[e.cell as usize] != 0.0);
    let moved = entries.map(|e| {
        let (total, weight) = (totals[e.cell as usize], weights[e.cell as usize]);
        weight * (e.numerator - total.numerator / total.denominator * e.denominator) / total.denominator
    });
    moved.reduce(|a, b| a + b)
}

/// The contrast `weights` where clusters of two kinds cross, such as people and items: the same rows summed by the first, by the
/// second, and by both. Cameron, Gelbach & Miller 2011, J. Bus. Econ. Stat. 29:238–249: the variance by the first, plus that by
/// the second, less that by both; degrees of freedom of the kind with fewer. Where the difference falls below one of its
/// parts, as it can in small samples, the larger part stands in its place.
///
/// # Errors
/// As [`cluster_variance`] of each.
pub fn crossed_variance(
    first: &ClusterSums,
    second: &ClusterSums,
    both: &ClusterSums,
    weights: &[f64],
) -> Result<Result<ClusterVariance, Undefined>, Error> {
    let parts = [first, second, both].map(|sums| cluster_variance(sums, weights));
    let [first, second, both] = parts;
    let (first, second, both) = match (first?, second?, both?) {
        (Ok(first), Ok(second), Ok(both)) => (first, second, both),
        (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => return Ok(Err(why)),
    };
    let square = |part: &ClusterVariance| part.std_error * part.std_error;
    let sum = square(&first) + square(&second) - square(&both);
    Ok(Ok(ClusterVariance {
        std_error: sum.max(square(&first)).max(square(&second)).sqrt(),
        df: first.df.min(second.df),
        clusters: first.clusters.min(second.clusters),
        ..first
    }))
}

impl ClusterVariance {
    /// The t interval.
    pub fn interval(&self, level: Level) -> Interval {
        let reach = t_critical(level, self.df) * self.std_error;
        Interval { low: self.estimate - reach, high: self.estimate + reach, level }
    }
}

pub(crate) fn check_weights(sums: &ClusterSums, weights: &[f64]) -> Result<(), Error> {
    if weights.len() != sums.cells() || weights.iter().all(|w| *w == 0.0) {
        return Err(Error::weights(weights.iter().filter(|w| **w != 0.0).count(), sums.cells()));
    }
    if weights.iter().any(|w| !w.is_finite()) {
        return Err(Error::not_finite("a weight"));
    }
    Ok(())
}

/// Σ w_c N_c / D_c; `None` where a weighted cell is empty.
pub(crate) fn contrast_of(totals: &[crate::CellTotal], weights: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    for (total, weight) in totals.iter().zip(weights) {
        if *weight != 0.0 {
            sum += weight * total.ratio()?;
        }
    }
    Some(sum)
}

/// The number of clusters in the weighted cell that has fewest.
pub(crate) fn smallest_cell(sums: &ClusterSums, weights: &[f64]) -> usize {
    weights
        .iter()
        .enumerate()
        .filter(|(_, w)| **w != 0.0)
        .map(|(c, _)| sums.clusters_in(c))
        .min()
        .unwrap_or(0)
}
