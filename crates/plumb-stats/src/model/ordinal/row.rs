//! The probability of one ordinal response and its derivatives in the two thresholds around it.

use nalgebra::DMatrix;

/// Responses and predictors, without an intercept.
pub(super) struct Rows {
    pub codes: Vec<u32>,
    pub categories: usize,
    /// Row-major.
    pub x: Vec<f64>,
    pub width: usize,
}

impl Rows {
    pub fn new(codes: &[u32], categories: usize, x: &DMatrix<f64>) -> Self {
        let width = x.ncols();
        let row_major = (0..x.nrows()).flat_map(|r| (0..width).map(move |c| x[(r, c)])).collect();
        Self { codes: codes.to_vec(), categories, x: row_major, width }
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn row(&self, r: usize) -> &[f64] {
        &self.x[r * self.width..(r + 1) * self.width]
    }

    /// xᵀβ of a row.
    pub fn predictor(&self, r: usize, beta: &[f64]) -> f64 {
        self.row(r).iter().zip(beta).map(|(x, b)| x * b).sum()
    }

    /// The thresholds around a row's category; infinite at the ends.
    pub fn bounds(&self, r: usize, thresholds: &[f64]) -> (f64, f64) {
        let code = self.codes[r] as usize;
        let low = if code == 0 { f64::NEG_INFINITY } else { thresholds[code - 1] };
        (low, thresholds.get(code).copied().unwrap_or(f64::INFINITY))
    }
}

/// P(b < Z ≤ a) for a logistic Z, with derivatives of its logarithm.
pub(super) struct Interval {
    pub p: f64,
    /// First derivatives in a and b.
    pub a: f64,
    pub b: f64,
    /// Second derivatives.
    pub aa: f64,
    pub bb: f64,
    pub ab: f64,
}

/// F(z), 1 − F(z), logistic, each to full precision, and the density.
fn side(z: f64) -> (f64, f64, f64) {
    if z.is_infinite() {
        return if z > 0.0 { (1.0, 0.0, 0.0) } else { (0.0, 1.0, 0.0) };
    }
    let e = (-z.abs()).exp();
    let large = 1.0 / (1.0 + e);
    let small = e * large;
    let (below, above) = if z >= 0.0 { (large, small) } else { (small, large) };
    (below, above, large * small)
}

/// P(b < Z ≤ a) from both sides' tails: the difference of the smaller ones loses no digits. `None` where it is not positive.
fn between(b: f64, (below_b, above_b): (f64, f64), (below_a, above_a): (f64, f64)) -> Option<f64> {
    let p = if b > 0.0 { above_b - above_a } else { below_a - below_b };
    (p > 0.0).then_some(p)
}

/// The probability of an [`Interval`] alone.
pub(super) fn probability(b: f64, a: f64) -> Option<f64> {
    let ((below_a, above_a, _), (below_b, above_b, _)) = (side(a), side(b));
    between(b, (below_b, above_b), (below_a, above_a))
}

/// `None` where the probability is not positive: thresholds out of order, or hopelessly far away.
pub(super) fn interval(b: f64, a: f64) -> Option<Interval> {
    let ((below_a, above_a, density_a), (below_b, above_b, density_b)) = (side(a), side(b));
    let p = between(b, (below_b, above_b), (below_a, above_a))?;
    let share = 1.0 / p;
    let (ra, rb) = (density_a * share, density_b * share);
    Some(Interval {
        p,
        a: ra,
        b: -rb,
        aa: ra * (above_a - below_a) - ra * ra,
        bb: -rb * (above_b - below_b) - rb * rb,
        ab: ra * rb,
    })
}

/// Σ log p of many probabilities, with few logarithms: products are kept for as long as they lose no digits.
pub(super) struct LogProduct {
    sum: f64,
    product: f64,
}

impl LogProduct {
    pub fn new() -> Self {
        Self { sum: 0.0, product: 1.0 }
    }

    /// `p` lies in (0, 1].
    pub fn add(&mut self, p: f64) {
        const LEAST: f64 = 1e-150;
        if p < LEAST {
            self.sum += p.ln();
            return;
        }
        self.product *= p;
        if self.product < LEAST {
            self.sum += self.product.ln();
            self.product = 1.0;
        }
    }

    pub fn sum(&self) -> f64 {
        self.sum + self.product.ln()
    }
}
