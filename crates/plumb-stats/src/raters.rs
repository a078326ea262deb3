//! Agreement with intervals: pairs of ratings, clustered, for one or several comparisons on the same clusters.
//!
//! Several comparisons share one object so that their differences keep the pairing ("does rule 2 agree with people
//! better than rule 1, on the same prompts?").
//!
//! Not here: the point values (`agreement`).

use crate::linear::check_weights;
use crate::{
    ClusterRows, ClusterSums, Confusion, Draws, Error, Inference, KappaWeights, Resample, Support, Undefined,
    Wanted,
};

/// Pairs of ratings (a, b) in categories 0..k, for comparisons 0..n, with the cluster each pair belongs to.
#[derive(Debug, Clone)]
pub struct Ratings {
    categories: usize,
    comparisons: usize,
    tables: ClusterRows,
    equal: ClusterRows,
}

impl Ratings {
    /// No ratings yet.
    pub fn new(categories: usize, comparisons: usize) -> Self {
        Self {
            categories,
            comparisons,
            tables: ClusterRows::new(categories * categories * comparisons),
            equal: ClusterRows::new(comparisons),
        }
    }

    /// Adds one pair. A rating that is missing is not a category: leave the pair out and count it elsewhere.
    ///
    /// # Errors
    /// A comparison or category that does not exist.
    pub fn add(&mut self, cluster: u32, comparison: usize, a: usize, b: usize) -> Result<(), Error> {
        if comparison >= self.comparisons {
            return Err(Error::cell(comparison, self.comparisons));
        }
        for category in [a, b] {
            if category >= self.categories {
                return Err(Error::cell(category, self.categories));
            }
        }
        let k = self.categories;
        self.tables.add(cluster, comparison * k * k + a * k + b, 1.0)?;
        self.equal.add(cluster, comparison, f64::from(u8::from(a == b)))
    }

    /// Sums the ratings, ready for [`RatingSums::resample`].
    ///
    /// # Errors
    /// More ratings than a `u32` can count.
    pub fn build(self) -> Result<RatingSums, Error> {
        Ok(RatingSums {
            categories: self.categories,
            comparisons: self.comparisons,
            tables: self.tables.build()?,
            equal: self.equal.build()?,
        })
    }
}

/// Ratings summed by cluster. Made by [`Ratings::build`].
#[derive(Debug, Clone)]
pub struct RatingSums {
    categories: usize,
    comparisons: usize,
    tables: ClusterSums,
    equal: ClusterSums,
}

impl RatingSums {
    /// The cross table of one comparison.
    ///
    /// # Errors
    /// The comparison does not exist.
    pub fn confusion(&self, comparison: usize) -> Result<Confusion, Error> {
        if comparison >= self.comparisons {
            return Err(Error::cell(comparison, self.comparisons));
        }
        Ok(table(self.categories, comparison, self.tables.totals()))
    }

    /// Draws clusters once for all questions.
    ///
    /// # Errors
    /// Fewer than 100 replicates.
    pub fn resample(&self, draws: Draws) -> Result<Agreement<'_>, Error> {
        Ok(Agreement {
            categories: self.categories,
            comparisons: self.comparisons,
            tables: Resample::draw(&self.tables, draws)?,
            equal: Resample::draw(&self.equal, draws)?,
        })
    }
}

fn table(categories: usize, comparison: usize, totals: &[crate::CellTotal]) -> Confusion {
    let size = categories * categories;
    Confusion::of_totals(categories, &totals[comparison * size..(comparison + 1) * size])
}

/// Agreement and kappa with intervals over clusters. Made by [`RatingSums::resample`].
#[derive(Debug, Clone)]
pub struct Agreement<'a> {
    categories: usize,
    comparisons: usize,
    tables: Resample<'a>,
    equal: Resample<'a>,
}

impl Agreement<'_> {
    /// The share of equal ratings of one comparison.
    ///
    /// # Errors
    /// The comparison does not exist.
    pub fn agreement(&self, comparison: usize) -> Result<Inference, Error> {
        self.equal.rate(comparison, Support::Binary, Wanted::Default)
    }

    /// Σ weights × agreement: `[-1, 1]` is how much more comparison 1 agrees than comparison 0.
    ///
    /// # Errors
    /// Not one finite weight for each comparison, or all zero.
    pub fn agreement_contrast(&self, weights: &[f64]) -> Result<Inference, Error> {
        self.equal.contrast(weights, Support::Binary, Wanted::Default)
    }

    /// Cohen's kappa of one comparison.
    ///
    /// # Errors
    /// The comparison does not exist.
    pub fn kappa(&self, comparison: usize, weights: KappaWeights) -> Result<Inference, Error> {
        if comparison >= self.comparisons {
            return Err(Error::cell(comparison, self.comparisons));
        }
        let of = |totals: &[crate::CellTotal]| table(self.categories, comparison, totals).kappa(weights);
        // Few clusters leave a t interval, which knows no largest value.
        Ok(self.tables.statistic(of, Wanted::Default).within(-1.0, 1.0))
    }

    /// Σ weights × kappa over the comparisons.
    ///
    /// # Errors
    /// As [`agreement_contrast`](Self::agreement_contrast).
    pub fn kappa_contrast(&self, contrast: &[f64], weights: KappaWeights) -> Result<Inference, Error> {
        check_weights(self.equal.sums(), contrast)?;
        let of = |totals: &[crate::CellTotal]| -> Result<f64, Undefined> {
            let mut sum = 0.0;
            for (comparison, weight) in contrast.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                sum += weight * table(self.categories, comparison, totals).kappa(weights)?;
            }
            Ok(sum)
        };
        let most: f64 = contrast.iter().map(|weight| weight.abs()).sum();
        Ok(self.tables.statistic(of, Wanted::Default).within(-most, most))
    }
}
