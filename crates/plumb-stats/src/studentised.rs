//! The bootstrap of t statistics over clusters: the bootstrap to test with.
//!
//! Each replicate gives its contrast's distance from the estimate, divided by the replicate's own standard error; the quantile of the
//! sizes of these stands where that of the t distribution stands in a t interval. The pivot's distribution depends on the data's
//! little, and both sides get the same reach, so that the skewness of one sample, which few clusters tell badly, decides nothing: the
//! error of the level is of second order in the number of clusters (Hall 1988, J. R. Statist. Soc. B 50:35–45; Davison & Hinkley 1997,
//! §5.2.1), and for clusters it is what Cameron, Gelbach & Miller 2008 (Rev. Econ. Stat. 90:414–427) test by. It has a price: it
//! respects no transformation, may leave the range of what is estimated, and needs a standard error in every replicate, which is
//! there for linear contrasts of means alone.

use rayon::prelude::*;

use crate::bca::percentile_of;
use crate::linear::{contrast_of, influence};
use crate::resample::draw_counts;
use crate::{CellTotal, ClusterSums, Draws};

/// Sorted sizes of the t statistics of replicates, with what they are read onto.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pivots {
    estimate: f64,
    std_error: f64,
    sorted: Vec<f64>,
}

impl Pivots {
    /// `std_error` as [`crate::cluster_variance`] has it; `values` must not be empty.
    pub(crate) fn new(estimate: f64, std_error: f64, values: Vec<f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().map(f64::abs).collect();
        sorted.sort_by(f64::total_cmp);
        Self { estimate, std_error, sorted }
    }

    /// The bounds with probability `tail` outside of each.
    pub(crate) fn bounds(&self, tail: f64) -> (f64, f64) {
        let reach = percentile_of(&self.sorted, 1.0 - 2.0 * tail) * self.std_error;
        (self.estimate - reach, self.estimate + reach)
    }

    /// The smallest one-sided p-value that the replicates can show.
    pub(crate) fn resolution(&self) -> f64 {
        0.5 / (self.sorted.len() as f64 + 1.0)
    }
}

/// (t* of each replicate that has one), in order, of the clusters that [`crate::Resample`] draws. A replicate without rows in a
/// weighted cell, or without variation, has none.
pub(crate) fn pivots(sums: &ClusterSums, draws: Draws, weights: &[f64], estimate: f64) -> Vec<f64> {
    let one = |r: u32| {
        let mut counts = vec![0_u32; sums.patterns.len()];
        draw_counts(&mut draws.stream(r), &sums.of, &mut counts);
        let mut totals = vec![CellTotal::default(); sums.cells()];
        for (pattern, times) in sums.patterns.iter().zip(&counts) {
            pattern.add_to(&mut totals, f64::from(*times));
        }
        let there = contrast_of(&totals, weights)?;
        let (mut clusters, mut squares) = (0_u32, 0.0);
        for (pattern, times) in sums.patterns.iter().zip(&counts).filter(|(_, times)| **times > 0) {
            if let Some(one) = influence(pattern, &totals, weights) {
                clusters += times;
                squares += f64::from(*times) * one * one;
            }
        }
        let g = f64::from(clusters);
        let std_error = (g / (g - 1.0) * squares).sqrt();
        let scale = weights.iter().zip(&totals).filter(|(w, _)| **w != 0.0);
        let scale = scale.filter_map(|(_, total)| total.ratio()).fold(0.0_f64, |m, v| m.max(v.abs()));
        (std_error > 1e-12 * scale).then(|| (there - estimate) / std_error)
    };
    let all: Vec<Option<f64>> = (0..draws.replicates).into_par_iter().map(one).collect();
    all.into_iter().flatten().filter(|t| t.is_finite()).collect()
}
