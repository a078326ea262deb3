//! Standardised mean differences with intervals by the noncentral t distribution, and the power of a t test.
//!
//! The interval of d holds those values whose noncentral t distribution has the observed t neither in its upper nor its
//! lower tail (Steiger & Fouladi 1997; Cumming & Finch 2001, Educ. Psychol. Meas. 61:532–574).

use statrs::function::gamma::ln_gamma;

use super::t_test::{differences, moments};
use crate::distribution::{normal_cdf, t_quantile};
use crate::model::Tested;
use crate::quadrature::over_scaled_chi;
use crate::{Error, Interval, Level};

/// A standardised difference with its interval, in standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    pub estimate: f64,
    pub interval: Interval,
}

/// P(T ≤ t) for T noncentral with `df` degrees of freedom and noncentrality `ncp`: E Φ(t S − ncp), S = χ/√df.
pub fn noncentral_t_cdf(t: f64, df: f64, ncp: f64) -> f64 {
    over_scaled_chi(df, |s| normal_cdf(t * s - ncp)).clamp(0.0, 1.0)
}

/// Mean difference over the pooled standard deviation (Cohen 1988).
///
/// # Errors
/// Fewer than two values in a group, or no variation.
pub fn cohens_d(a: &[f64], b: &[f64], level: Level) -> Result<Effect, Error> {
    let ((n, m, v), (k, l, w)) = (moments(a)?, moments(b)?);
    let df = n + k - 2.0;
    let pooled = (((n - 1.0) * v + (k - 1.0) * w) / df).sqrt();
    by_noncentral((m - l) / pooled, (1.0 / n + 1.0 / k).sqrt(), df, level)
}

/// Cohen's d of values of which several come from one person each time: the mean difference over the pooled standard deviation
/// of all values, with the interval that the error of the difference gives. `difference` is that of the same two means from a model
/// that knows of the people; the interval is that of its noncentrality, in units of its standard error over the pooled standard
/// deviation, which is taken as known. With one value a person this is [`cohens_d`].
///
/// # Errors
/// As [`cohens_d`], and a difference without an error.
pub fn cohens_d_clustered(a: &[f64], b: &[f64], difference: &Tested, level: Level) -> Result<Effect, Error> {
    let ((n, m, v), (k, l, w)) = (moments(a)?, moments(b)?);
    let pooled = (((n - 1.0) * v + (k - 1.0) * w) / (n + k - 2.0)).sqrt();
    let unit = difference.std_error / pooled;
    if !(unit.is_finite() && unit > 0.0 && difference.df > 0.0) {
        return Err(Error::model("no variation: a standardised difference has no interval".into()));
    }
    by_noncentral((m - l) / pooled, unit, difference.df, level)
}

/// [`cohens_d`] times the factor that takes its bias away (Hedges 1981, J. Educ. Statist. 6:107–128, exact form).
///
/// # Errors
/// As [`cohens_d`].
pub fn hedges_g(a: &[f64], b: &[f64], level: Level) -> Result<Effect, Error> {
    let d = cohens_d(a, b, level)?;
    let half = (a.len() + b.len()) as f64 / 2.0 - 1.0;
    let factor = (ln_gamma(half) - 0.5 * half.ln() - ln_gamma(half - 0.5)).exp();
    let (low, high) = (factor * d.interval.low, factor * d.interval.high);
    Ok(Effect { estimate: factor * d.estimate, interval: Interval { low, high, level } })
}

/// Mean of the pairs' differences over their standard deviation.
///
/// # Errors
/// Unequal lengths, or as [`cohens_d`].
pub fn cohens_d_paired(a: &[f64], b: &[f64], level: Level) -> Result<Effect, Error> {
    let (n, mean, variance) = moments(&differences(a, b)?)?;
    by_noncentral(mean / variance.sqrt(), 1.0 / n.sqrt(), n - 1.0, level)
}

fn by_noncentral(d: f64, unit: f64, df: f64, level: Level) -> Result<Effect, Error> {
    if !d.is_finite() {
        return Err(Error::model(
            "no variation in the groups: a standardised difference has no value".into(),
        ));
    }
    let t = d / unit;
    let bound = |p: f64| unit * noncentrality(t, df, p);
    let interval = Interval { low: bound(1.0 - level.tail()), high: bound(level.tail()), level };
    Ok(Effect { estimate: d, interval })
}

/// The noncentrality at which P(T ≤ t) = p; the probability falls as noncentrality grows.
fn noncentrality(t: f64, df: f64, p: f64) -> f64 {
    let reach = 10.0 * (1.0 + t.abs() / (2.0 * df).sqrt()) + 10.0;
    let (mut low, mut high) = (t - reach, t + reach);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if noncentral_t_cdf(t, df, middle) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Power of a two-sided t test of two groups of `n` each at a true standardised difference `d`: the chance of a
/// significant difference in the direction of `d`.
///
/// # Errors
/// `alpha` outside (0, 1), or `n` below 2.
pub fn t_test_power(n: u32, d: f64, alpha: f64) -> Result<f64, Error> {
    let level = Level::new(1.0 - alpha)?;
    if n < 2 {
        return Err(Error::model("a group needs two people at least".into()));
    }
    let n = f64::from(n);
    let df = 2.0 * n - 2.0;
    let critical = t_quantile(1.0 - level.tail(), df);
    Ok(1.0 - noncentral_t_cdf(critical, df, d.abs() * (n / 2.0).sqrt()))
}
