//! Blends of metrics, fitted and tested on different problems.
//!
//! Why: weights that were chosen on the outputs they are judged by, and a "best single metric" picked after looking, both
//! flatter. Here problems are dealt into folds; for each fold the weights (least squares of the mean rating on the
//! metrics) and the best single metric (largest |r|) are chosen on the other folds, and the fold's outputs are predicted
//! by them. The single metric is put on the ratings' scale by its own regression, so that folds that chose different
//! metrics can be read together.
//!
//! In a bootstrap replicate all of this is done again; copies of a problem stay in its fold.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::Rated;
use super::side::Drawn;
use crate::correlation::product_moment_of;
use crate::{Error, Known, Undefined};

/// Which metrics, and which problem is tested in which fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Blend {
    pub(super) metrics: Vec<usize>,
    /// For each problem.
    pub(super) fold: Vec<u32>,
    pub(super) folds: usize,
}

/// What was chosen without one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// The weight of each metric of the blend; 0 for one that the others already determine.
    pub weights: Vec<f64>,
    /// The prediction where all metrics are 0.
    pub intercept: f64,
    /// The metric with the largest |r|.
    pub best: usize,
}

/// Correlations of predictions for outputs of other problems with their mean ratings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fitted {
    pub(super) blended: Known,
    pub(super) best: Known,
}

impl Rated {
    /// Deals the problems into `folds` of nearly equal size, as `seed` has it; at most as many as there are problems.
    ///
    /// # Errors
    /// No metric, one that does not exist, or fewer than two folds.
    pub fn blend(&self, metrics: &[usize], folds: usize, seed: u64) -> Result<Blend, Error> {
        if let Some(wrong) = metrics.iter().find(|metric| **metric >= self.metrics.len()) {
            return Err(Error::cell(*wrong, self.metrics.len()));
        }
        if metrics.is_empty() {
            return Err(Error::columns(0, 1));
        }
        let folds = folds.min(self.problems);
        if folds < 2 {
            return Err(Error::folds(folds));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<(u64, usize)> =
            (0..self.problems).map(|problem| (rng.next_u64(), problem)).collect();
        order.sort_unstable();
        let mut fold = vec![0; self.problems];
        for (place, (_, problem)) in order.into_iter().enumerate() {
            fold[problem] = (place % folds) as u32;
        }
        Ok(Blend { metrics: metrics.to_vec(), fold, folds })
    }

    /// What is chosen without each fold, and at the end on all problems.
    pub fn fits(&self, blend: &Blend) -> Vec<Fold> {
        let ones = vec![1; self.problems];
        let raters = vec![1; self.raters];
        let drawn = Drawn::new(self, crate::Times { problems: &ones, raters: &raters });
        let sums = blend.sums(self, &drawn);
        let fits = (0..=blend.folds).filter_map(|without| {
            let fit = Fit::of(&blend.without(&sums, without))?;
            Some(Fold {
                intercept: fit.mean_y - fit.weights.iter().zip(&fit.mean_x).map(|(w, x)| w * x).sum::<f64>(),
                best: blend.metrics[fit.best],
                weights: fit.weights,
            })
        });
        fits.collect()
    }
}

impl Blend {
    /// The metrics that are blended.
    pub fn metrics(&self) -> &[usize] {
        &self.metrics
    }

    /// How many folds there are.
    pub fn folds(&self) -> usize {
        self.folds
    }

    pub(super) fn cross_validate(&self, rated: &Rated, drawn: &Drawn) -> Fitted {
        let sums = self.sums(rated, drawn);
        let fits: Vec<Option<Fit>> =
            (0..self.folds).map(|fold| Fit::of(&self.without(&sums, fold))).collect();
        let (mut blended, mut best) = (vec![0.0; rated.outputs()], vec![0.0; rated.outputs()]);
        for output in (0..rated.outputs()).filter(|output| drawn.weight[*output] > 0) {
            let Some(fit) = &fits[self.fold[rated.problem[output] as usize] as usize] else {
                return Fitted {
                    blended: Err(Undefined::ConstantColumn),
                    best: Err(Undefined::ConstantColumn),
                };
            };
            let away = |at: usize| rated.metrics[self.metrics[at]].values[output] - fit.mean_x[at];
            blended[output] =
                fit.mean_y + fit.weights.iter().enumerate().map(|(at, w)| w * away(at)).sum::<f64>();
            best[output] = fit.mean_y + fit.slope * away(fit.best);
        }
        let against = |predicted: &[f64]| product_moment_of(predicted, &drawn.mean, &drawn.weight);
        Fitted { blended: against(&blended), best: against(&best) }
    }

    /// The sums of each fold.
    fn sums(&self, rated: &Rated, drawn: &Drawn) -> Vec<Sums> {
        let n = self.metrics.len();
        let mut sums = vec![Sums::new(n); self.folds];
        let mut row = vec![0.0; n + 1];
        for output in (0..rated.outputs()).filter(|output| drawn.weight[*output] > 0) {
            for (value, metric) in row.iter_mut().zip(&self.metrics) {
                *value = rated.metrics[*metric].values[output];
            }
            row[n] = drawn.mean[output];
            sums[self.fold[rated.problem[output] as usize] as usize]
                .add(&row, f64::from(drawn.weight[output]));
        }
        sums
    }

    /// The sums of all folds but one; of all if there is no such fold.
    fn without(&self, sums: &[Sums], fold: usize) -> Sums {
        let mut total = Sums::new(self.metrics.len());
        for (_, part) in sums.iter().enumerate().filter(|(at, _)| *at != fold) {
            total.merge(part);
        }
        total
    }
}

/// Sums of metrics and ratings and of their products: the last column is the ratings.
#[derive(Debug, Clone)]
struct Sums {
    n: f64,
    sum: Vec<f64>,
    /// Row by row, all columns by all.
    product: Vec<f64>,
}

impl Sums {
    fn new(metrics: usize) -> Sums {
        let columns = metrics + 1;
        Sums { n: 0.0, sum: vec![0.0; columns], product: vec![0.0; columns * columns] }
    }

    fn add(&mut self, row: &[f64], times: f64) {
        self.n += times;
        for (i, a) in row.iter().enumerate() {
            self.sum[i] += times * a;
            for (j, b) in row.iter().enumerate() {
                self.product[i * row.len() + j] += times * a * b;
            }
        }
    }

    fn merge(&mut self, other: &Sums) {
        self.n += other.n;
        self.sum.iter_mut().zip(&other.sum).for_each(|(a, b)| *a += b);
        self.product.iter_mut().zip(&other.product).for_each(|(a, b)| *a += b);
    }

    fn covariance(&self, i: usize, j: usize) -> f64 {
        self.product[i * self.sum.len() + j] - self.sum[i] * self.sum[j] / self.n
    }
}

/// A fit: means, weights, and the best single metric with its slope.
struct Fit {
    mean_x: Vec<f64>,
    mean_y: f64,
    weights: Vec<f64>,
    best: usize,
    slope: f64,
}

/// A sum of squares that is so small a part of the uncentred one is rounding.
const ROUNDING: f64 = 1e-10;

impl Fit {
    /// `None` where ratings or all metrics are constant.
    fn of(sums: &Sums) -> Option<Fit> {
        let metrics = sums.sum.len() - 1;
        let width = metrics + 1;
        let varies = |i: usize| sums.covariance(i, i) > ROUNDING * sums.product[i * width + i].abs();
        if sums.n < 2.0 || !varies(metrics) {
            return None;
        }
        let strength = |i: usize| sums.covariance(i, metrics).powi(2) / sums.covariance(i, i);
        let best =
            (0..metrics).filter(|i| varies(*i)).max_by(|a, b| strength(*a).total_cmp(&strength(*b)))?;
        let weights = solve(sums, metrics, varies);
        Some(Fit {
            mean_x: sums.sum[..metrics].iter().map(|s| s / sums.n).collect(),
            mean_y: sums.sum[metrics] / sums.n,
            weights,
            best,
            slope: sums.covariance(best, metrics) / sums.covariance(best, best),
        })
    }
}

/// Least squares by elimination on correlations; a metric that the ones before it determine gets weight 0.
fn solve(sums: &Sums, metrics: usize, varies: impl Fn(usize) -> bool) -> Vec<f64> {
    let scale: Vec<f64> = (0..metrics).map(|i| sums.covariance(i, i).max(0.0).sqrt()).collect();
    let width = metrics + 1;
    let mut table = vec![0.0; metrics * width];
    let used = |i: usize| varies(i) && scale[i] > 0.0;
    for i in (0..metrics).filter(|i| used(*i)) {
        for j in (0..metrics).filter(|j| used(*j)) {
            table[i * width + j] = sums.covariance(i, j) / (scale[i] * scale[j]);
        }
        table[i * width + metrics] = sums.covariance(i, metrics) / scale[i];
    }
    let mut kept = Vec::new();
    for i in 0..metrics {
        // What is left of the unit variance after the metrics before it.
        if table[i * width + i] < 1e-8 {
            continue;
        }
        kept.push(i);
        let pivot: Vec<f64> = table[i * width..(i + 1) * width].to_vec();
        for (_, values) in table.chunks_mut(width).enumerate().filter(|(row, _)| *row != i) {
            let factor = values[i] / pivot[i];
            values.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    let mut weights = vec![0.0; metrics];
    for i in kept {
        weights[i] = table[i * width + metrics] / table[i * width + i] / scale[i];
    }
    weights
}
