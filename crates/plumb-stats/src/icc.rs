//! Intraclass correlations of a full table of ratings: the six forms of Shrout & Fleiss (1979, Psychol. Bull. 86:420–428).

use crate::tails::f_upper;
use crate::{Error, Interval, Level};

/// Which raters a number speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raters {
    /// Each target by other raters: ICC(1, ·).
    Nested,
    /// All targets by the same raters, drawn from many: ICC(2, ·), agreement.
    Random,
    /// All targets by the only raters of interest: ICC(3, ·), consistency.
    Fixed,
}

/// One intraclass correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Icc {
    pub raters: Raters,
    /// Whether it is that of the mean of all raters rather than of one.
    pub mean: bool,
    pub estimate: f64,
    /// F against no differences between targets.
    pub f: f64,
    pub df: (f64, f64),
    pub p: f64,
    pub interval: Interval,
}

/// All six forms, single raters first. `table[target][rater]`.
///
/// # Errors
/// Fewer than two targets or raters, rows of unequal length, or a value that is not finite.
pub fn icc(table: &[Vec<f64>], level: Level) -> Result<[Icc; 6], Error> {
    let (n, k) = (table.len() as f64, table.first().map_or(0, Vec::len) as f64);
    if n < 2.0 || k < 2.0 || table.iter().any(|r| r.len() as f64 != k) {
        return Err(Error::model(
            "an intraclass correlation needs two targets and two raters at least, and no gaps".into(),
        ));
    }
    if table.iter().flatten().any(|v| !v.is_finite()) {
        return Err(Error::not_finite("a rating"));
    }
    let grand = table.iter().flatten().sum::<f64>() / (n * k);
    let between: f64 = table.iter().map(|r| k * (r.iter().sum::<f64>() / k - grand).powi(2)).sum();
    let rater = |c: usize| table.iter().map(|r| r[c]).sum::<f64>() / n;
    let raters: f64 = (0..k as usize).map(|c| n * (rater(c) - grand).powi(2)).sum();
    let total: f64 = table.iter().flatten().map(|v| (v - grand).powi(2)).sum();
    let mean_squares = Squares {
        n,
        k,
        between: between / (n - 1.0),
        within: (total - between) / (n * (k - 1.0)),
        raters: raters / (k - 1.0),
        error: (total - between - raters) / ((n - 1.0) * (k - 1.0)),
    };
    let forms = [Raters::Nested, Raters::Random, Raters::Fixed];
    let one = |at: usize| mean_squares.form(forms[at % 3], at >= 3, level);
    Ok([one(0), one(1), one(2), one(3), one(4), one(5)])
}

struct Squares {
    n: f64,
    k: f64,
    between: f64,
    within: f64,
    raters: f64,
    error: f64,
}

impl Squares {
    fn form(&self, raters: Raters, mean: bool, level: Level) -> Icc {
        let Self { n, k, between, within, raters: r, error } = *self;
        let consistent = (n - 1.0, (n - 1.0) * (k - 1.0));
        let (single, f, df) = match raters {
            Raters::Nested => (
                (between - within) / (between + (k - 1.0) * within),
                between / within,
                (n - 1.0, n * (k - 1.0)),
            ),
            Raters::Random => (
                (between - error) / (between + (k - 1.0) * error + k * (r - error) / n),
                between / error,
                consistent,
            ),
            Raters::Fixed => ((between - error) / (between + (k - 1.0) * error), between / error, consistent),
        };
        // The mean of k raters by the Spearman–Brown formula, which all three forms obey.
        let step = |x: f64| if mean { k * x / (1.0 + (k - 1.0) * x) } else { x };
        let (low, high) = match raters {
            Raters::Random => self.agreement_bounds(single, level),
            _ => {
                let bound = |f: f64| (f - 1.0) / (f + k - 1.0);
                (bound(f / f_critical(level, df.0, df.1)), bound(f * f_critical(level, df.1, df.0)))
            }
        };
        let interval = Interval { low: step(low), high: step(high), level };
        Icc { raters, mean, estimate: step(single), f, df, p: f_upper(f, df.0, df.1), interval }
    }

    /// Shrout & Fleiss, p. 424: by Satterthwaite's degrees of freedom.
    fn agreement_bounds(&self, icc: f64, level: Level) -> (f64, f64) {
        let Self { n, k, between, raters, error, .. } = *self;
        let ratio = raters / error;
        let share = n * (1.0 + (k - 1.0) * icc) - k * icc;
        let df = (k - 1.0) * (n - 1.0) * (k * icc * ratio + share).powi(2)
            / ((n - 1.0) * (k * icc * ratio).powi(2) + share * share);
        let scale = k * raters + (k * n - k - n) * error;
        let up = f_critical(level, n - 1.0, df);
        let down = f_critical(level, df, n - 1.0);
        (
            n * (between - up * error) / (up * scale + n * between),
            n * (down * between - error) / (scale + n * down * between),
        )
    }
}

/// The F that is exceeded with the level's tail probability.
fn f_critical(level: Level, d1: f64, d2: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while f_upper(high, d1, d2) > level.tail() {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if f_upper(middle, d1, d2) > level.tail() { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
