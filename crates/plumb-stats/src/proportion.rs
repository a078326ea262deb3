//! Intervals for a count of successes among independent trials, and for the difference of two such proportions.
//!
//! Start with [`Proportion::wilson`]. For answers that come in clusters use [`crate::Resample::rate`] instead: these
//! intervals take every trial as independent.

use crate::distribution::{beta_quantile, normal_quantile};
use crate::{Error, Interval, Level, Undefined};

/// `successes` out of `trials` independent yes/no outcomes. Zero trials are allowed, and have no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    pub(crate) successes: u64,
    pub(crate) trials: u64,
}

impl Proportion {
    /// # Errors
    /// More successes than trials.
    pub fn new(successes: u64, trials: u64) -> Result<Self, Error> {
        if successes > trials { Err(Error::count(successes, trials)) } else { Ok(Self { successes, trials }) }
    }

    pub fn successes(&self) -> u64 {
        self.successes
    }

    pub fn trials(&self) -> u64 {
        self.trials
    }

    /// successes / trials.
    pub fn rate(&self) -> Result<f64, Undefined> {
        if self.trials == 0 { Err(Undefined::NoData) } else { Ok(self.successes as f64 / self.trials as f64) }
    }

    /// Wilson's score interval without continuity correction (Wilson 1927, JASA 22:209–212).
    pub fn wilson(&self, level: Level) -> Result<Interval, Undefined> {
        let rate = self.rate()?;
        Ok(wilson_real(rate, self.trials as f64, level))
    }

    /// The exact interval of Clopper and Pearson (1934, Biometrika 26:404–413): never covers less than its level.
    pub fn clopper_pearson(&self, level: Level) -> Result<Interval, Undefined> {
        self.rate()?;
        Ok(clopper_pearson_real(self.successes as f64, self.trials as f64, level))
    }

    /// The equal-tailed interval under Jeffreys' prior, with the bound at 0 or 1 where no or all trials succeeded
    /// (Brown, Cai, DasGupta 2001, Statistical Science 16:101–133).
    pub fn jeffreys(&self, level: Level) -> Result<Interval, Undefined> {
        self.rate()?;
        let (a, b) = (self.successes as f64 + 0.5, (self.trials - self.successes) as f64 + 0.5);
        let low = if self.successes == 0 { 0.0 } else { beta_quantile(level.tail(), a, b) };
        let high = if self.successes == self.trials { 1.0 } else { upper_beta_quantile(level.tail(), a, b) };
        Ok(Interval { low, high, level })
    }
}

/// The interval for `a − b`, two independent proportions, from their Wilson intervals
/// (Newcombe 1998, Statistics in Medicine 17:873–890, method 10).
pub fn newcombe_difference(a: Proportion, b: Proportion, level: Level) -> Result<Interval, Undefined> {
    let (pa, pb) = (a.rate()?, b.rate()?);
    let (ia, ib) = (a.wilson(level)?, b.wilson(level)?);
    let difference = pa - pb;
    Ok(Interval {
        low: difference - (pa - ia.low).hypot(ib.high - pb),
        high: difference + (ia.high - pa).hypot(pb - ib.low),
        level,
    })
}

/// Wilson's interval for a rate and an effective number of trials that need not be whole; `trials` > 0.
pub(crate) fn wilson_real(rate: f64, trials: f64, level: Level) -> Interval {
    let z = normal_quantile(1.0 - level.tail());
    let z2 = z * z / trials;
    let centre = (rate + z2 / 2.0) / (1.0 + z2);
    let half = (rate * (1.0 - rate) * z2 + z2 * z2 / 4.0).sqrt() / (1.0 + z2);
    // At 0 and 1 the formula gives the bound only up to rounding.
    let low = if rate <= 0.0 { 0.0 } else { (centre - half).clamp(0.0, rate) };
    let high = if rate >= 1.0 { 1.0 } else { (centre + half).clamp(rate, 1.0) };
    Interval { low, high, level }
}

/// Clopper–Pearson for counts that need not be whole; 0 ≤ successes ≤ trials, trials > 0.
pub(crate) fn clopper_pearson_real(successes: f64, trials: f64, level: Level) -> Interval {
    let failures = trials - successes;
    let low = if successes <= 0.0 { 0.0 } else { beta_quantile(level.tail(), successes, failures + 1.0) };
    let high =
        if failures <= 0.0 { 1.0 } else { upper_beta_quantile(level.tail(), successes + 1.0, failures) };
    Interval { low, high, level }
}

/// The x with P(B > x) = tail, computed from the small tail so that no digits are lost.
fn upper_beta_quantile(tail: f64, a: f64, b: f64) -> f64 {
    1.0 - beta_quantile(tail, b, a)
}
