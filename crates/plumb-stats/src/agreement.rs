//! Agreement of two raters from their cross table.
//!
//! Start with [`Confusion`]; the intervals come from [`crate::Ratings`], which resamples clusters. Agreement of more
//! than two raters with gaps is [`crate::Coincidences`].

use crate::{CellTotal, Error, Undefined};

/// How far apart two ordered categories i and j count, for Cohen's weighted kappa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KappaWeights {
    /// Any disagreement counts 1.
    #[default]
    Unweighted,
    /// |i − j|.
    Linear,
    /// (i − j)².
    Quadratic,
}

impl KappaWeights {
    fn distance(self, i: usize, j: usize) -> f64 {
        let apart = i.abs_diff(j) as f64;
        match self {
            Self::Unweighted => f64::from(u8::from(i != j)),
            Self::Linear => apart,
            Self::Quadratic => apart * apart,
        }
    }
}

/// How often rater A said i (row) where rater B said j (column). Counts are kept as `f64` because resampled tables
/// are sums too.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    categories: usize,
    counts: Vec<f64>,
}

impl Confusion {
    /// An empty table of `categories` × `categories`.
    pub fn new(categories: usize) -> Self {
        Self { categories, counts: vec![0.0; categories * categories] }
    }

    /// Counts one item.
    ///
    /// # Errors
    /// A category that does not exist.
    pub fn add(&mut self, a: usize, b: usize) -> Result<(), Error> {
        for category in [a, b] {
            if category >= self.categories {
                return Err(Error::cell(category, self.categories));
            }
        }
        self.counts[a * self.categories + b] += 1.0;
        Ok(())
    }

    /// The table whose counts are the numerators of `totals`, row by row.
    pub(crate) fn of_totals(categories: usize, totals: &[CellTotal]) -> Self {
        Self { categories, counts: totals.iter().map(|t| t.numerator).collect() }
    }

    pub fn categories(&self) -> usize {
        self.categories
    }

    /// Items where A said `a` and B said `b`; 0 for categories that do not exist.
    pub fn count(&self, a: usize, b: usize) -> f64 {
        if b < self.categories {
            self.counts.get(a * self.categories + b).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// All items.
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// The share of items on which both said the same; accuracy where B is the truth.
    pub fn agreement(&self) -> Result<f64, Undefined> {
        let total = self.total();
        if total <= 0.0 {
            return Err(Undefined::NoData);
        }
        Ok((0..self.categories).map(|i| self.count(i, i)).sum::<f64>() / total)
    }

    /// Cohen's kappa (1960, Educ. Psychol. Meas. 20:37–46; weighted: 1968, Psychol. Bull. 70:213–220):
    /// 1 − Σ v_ij o_ij / Σ v_ij e_ij with distances v and the counts e expected from the margins.
    ///
    /// [`Undefined::OneCategory`] where the margins leave no disagreement to expect.
    pub fn kappa(&self, weights: KappaWeights) -> Result<f64, Undefined> {
        let total = self.total();
        if total <= 0.0 {
            return Err(Undefined::NoData);
        }
        let k = self.categories;
        let row: Vec<f64> = (0..k).map(|i| (0..k).map(|j| self.count(i, j)).sum()).collect();
        let column: Vec<f64> = (0..k).map(|j| (0..k).map(|i| self.count(i, j)).sum()).collect();
        let (mut observed, mut expected) = (0.0, 0.0);
        for (i, in_row) in row.iter().enumerate() {
            for (j, in_column) in column.iter().enumerate() {
                let distance = weights.distance(i, j);
                observed += distance * self.count(i, j);
                expected += distance * in_row * in_column / total;
            }
        }
        if expected <= 0.0 { Err(Undefined::OneCategory) } else { Ok(1.0 - observed / expected) }
    }
}
