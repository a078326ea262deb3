//! Krippendorff's alpha for nominal data: agreement of any number of raters, with gaps.
//!
//! Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": 1 − D_o / D_e from the coincidence table. A unit
//! rated m times adds each of its m (m − 1) ordered pairs with weight 1/(m − 1); units rated once add nothing.

use crate::{CellTotal, ClusterRows, ClusterSums, Error, Inference, Resample, Undefined, Wanted};

/// Collects units, each with the ratings it got.
#[derive(Debug, Clone)]
pub struct Coincidences {
    categories: usize,
    rows: ClusterRows,
}

impl Coincidences {
    /// No units yet; ratings are categories 0..`categories`.
    pub fn new(categories: usize) -> Self {
        // One cell for how often each category is paired, one for pairs that differ.
        Self { categories, rows: ClusterRows::new(categories + 1) }
    }

    /// Adds a unit that belongs to `cluster` and got `ratings` (in any order, gaps left out).
    ///
    /// # Errors
    /// A category that does not exist.
    pub fn add(&mut self, cluster: u32, ratings: &[usize]) -> Result<(), Error> {
        let mut counts = vec![0.0; self.categories];
        for rating in ratings {
            *counts.get_mut(*rating).ok_or_else(|| Error::cell(*rating, self.categories))? += 1.0;
        }
        let m = ratings.len() as f64;
        if m < 2.0 {
            return Ok(());
        }
        let equal: f64 = counts.iter().map(|n| n * (n - 1.0)).sum();
        self.rows.add(cluster, self.categories, (m * (m - 1.0) - equal) / (m - 1.0))?;
        for (category, count) in counts.iter().enumerate().filter(|(_, n)| **n > 0.0) {
            self.rows.add(cluster, category, *count)?;
        }
        Ok(())
    }

    /// Sums the units; give the result to [`ClusterSums`]-based functions [`alpha`] and [`alpha_inference`].
    ///
    /// # Errors
    /// More ratings than a `u32` can count.
    pub fn build(self) -> Result<ClusterSums, Error> {
        self.rows.build()
    }
}

/// Alpha of all units. [`Undefined::NoData`] without a unit rated twice, [`Undefined::OneCategory`] where all paired
/// ratings are the same category.
pub fn alpha(coincidences: &ClusterSums) -> Result<f64, Undefined> {
    alpha_of(coincidences.totals())
}

/// Alpha with an interval over clusters.
pub fn alpha_inference(resample: &Resample<'_>) -> Inference {
    // Few clusters leave a t interval, which knows no largest value.
    resample.statistic(alpha_of, Wanted::Default).within(-1.0, 1.0)
}

fn alpha_of(totals: &[CellTotal]) -> Result<f64, Undefined> {
    let Some((differing, categories)) = totals.split_last() else {
        return Err(Undefined::NoData);
    };
    let n: f64 = categories.iter().map(|c| c.numerator).sum();
    if n < 2.0 {
        return Err(Undefined::NoData);
    }
    let equal: f64 = categories.iter().map(|c| c.numerator * c.numerator).sum();
    let expected = (n * n - equal) / (n - 1.0);
    if expected <= 0.0 { Err(Undefined::OneCategory) } else { Ok(1.0 - differing.numerator / expected) }
}
