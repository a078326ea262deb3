//! t tests of one mean and of the difference of two, and of equivalence.

use crate::Error;
use crate::model::Tested;
use crate::tails::t_two_sided;

/// n, mean, and variance with n − 1.
pub(super) fn moments(x: &[f64]) -> Result<(f64, f64, f64), Error> {
    if x.len() < 2 {
        return Err(Error::model(format!("a variance needs two values at least, there are {}", x.len())));
    }
    if x.iter().any(|v| !v.is_finite()) {
        return Err(Error::not_finite("a value"));
    }
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    Ok((n, mean, x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)))
}

fn tested(estimate: f64, std_error: f64, df: f64) -> Result<Tested, Error> {
    if std_error > 0.0 {
        Ok(Tested::new(estimate, std_error, df))
    } else {
        Err(Error::model("the values are all the same: a t test has no value".into()))
    }
}

pub(super) fn differences(a: &[f64], b: &[f64]) -> Result<Vec<f64>, Error> {
    if a.len() != b.len() {
        return Err(Error::columns(b.len(), a.len()));
    }
    Ok(a.iter().zip(b).map(|(x, y)| x - y).collect())
}

/// Mean of `a` less mean of `b`, variances not taken as equal (Welch 1947, Biometrika 34:28–35).
///
/// # Errors
/// Fewer than two values in a group, one that is not finite, or values that are all the same.
pub fn welch(a: &[f64], b: &[f64]) -> Result<Tested, Error> {
    let ((n, m, v), (k, l, w)) = (moments(a)?, moments(b)?);
    let (x, y) = (v / n, w / k);
    let df = (x + y).powi(2) / (x * x / (n - 1.0) + y * y / (k - 1.0));
    tested(m - l, (x + y).sqrt(), df)
}

/// Mean of `a` less mean of `b`, variances taken as equal (Student).
///
/// # Errors
/// As [`welch`].
pub fn student(a: &[f64], b: &[f64]) -> Result<Tested, Error> {
    let ((n, m, v), (k, l, w)) = (moments(a)?, moments(b)?);
    let df = n + k - 2.0;
    let pooled = ((n - 1.0) * v + (k - 1.0) * w) / df;
    tested(m - l, (pooled * (1.0 / n + 1.0 / k)).sqrt(), df)
}

/// Mean of the differences `a` − `b`, pair by pair.
///
/// # Errors
/// Unequal lengths, or as [`welch`].
pub fn paired(a: &[f64], b: &[f64]) -> Result<Tested, Error> {
    one_sample(&differences(a, b)?, 0.0)
}

/// Mean of `a` less `null`.
///
/// # Errors
/// As [`welch`].
pub fn one_sample(a: &[f64], null: f64) -> Result<Tested, Error> {
    let (n, mean, variance) = moments(a)?;
    tested(mean - null, (variance / n).sqrt(), n - 1.0)
}

/// Two one-sided tests of lying inside bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equivalence {
    /// Against lying at or below the lower bound.
    pub p_low: f64,
    /// Against lying at or above the upper bound.
    pub p_high: f64,
    /// The larger: equivalence is shown at α where this is at most α.
    pub p: f64,
}

/// Whether a tested quantity lies inside `low .. high` (Schuirmann 1987, J. Pharmacokin. Biopharm. 15:657–680).
///
/// # Errors
/// Bounds that are not finite with low < high.
pub fn equivalence(test: &Tested, low: f64, high: f64) -> Result<Equivalence, Error> {
    if !(low.is_finite() && high.is_finite() && low < high) {
        return Err(Error::bounds(low, high));
    }
    let above = |t: f64| {
        let half = 0.5 * t_two_sided(t, test.df);
        if t >= 0.0 { half } else { 1.0 - half }
    };
    let p_low = above((test.estimate - low) / test.std_error);
    let p_high = above((high - test.estimate) / test.std_error);
    Ok(Equivalence { p_low, p_high, p: p_low.max(p_high) })
}
