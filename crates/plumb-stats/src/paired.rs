//! Two yes/no outcomes of the same units: the difference of their shares, by the score method.
//!
//! One unit (an item) is measured twice, once on each side. Only units whose outcomes differ say anything about the
//! difference; how many units there are says how far a difference can be ruled out. With no differing unit at all the
//! interval is still one of positive width, where a bootstrap would give a single point.
//!
//! Source: Tango 1998, Statistics in Medicine 17:891–908 (the test against any difference, and the interval that
//! inverts it). Against a difference of zero it is McNemar's test without continuity correction.
//!
//! Not here: units in clusters, repetitions, numbers; use [`crate::Resample`].

use crate::distribution::normal_cdf;
use crate::distribution::normal_quantile;
use crate::inference::Test;
use crate::{Error, Interval, Level, Undefined};

/// Paired yes/no outcomes, counted. The difference is (second − first).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairedShares {
    units: u64,
    gained: u64,
    lost: u64,
}

impl PairedShares {
    /// `gained` units have only the second outcome, `lost` only the first; all others are alike on both sides.
    ///
    /// # Errors
    /// More differing units than units.
    pub fn new(units: u64, gained: u64, lost: u64) -> Result<Self, Error> {
        match gained.checked_add(lost) {
            Some(differing) if differing <= units => Ok(Self { units, gained, lost }),
            _ => Err(Error::count(gained.saturating_add(lost), units)),
        }
    }

    /// Share of the second outcome minus share of the first.
    pub fn difference(&self) -> Result<f64, Undefined> {
        if self.units == 0 {
            return Err(Undefined::NoData);
        }
        Ok((self.gained as f64 - self.lost as f64) / self.units as f64)
    }

    /// All differences that the score test does not exclude at this level.
    pub fn interval(&self, level: Level) -> Result<Interval, Undefined> {
        let estimate = self.difference()?;
        let z = normal_quantile(1.0 - level.tail());
        // The score falls as the null value grows: from +∞ at −1 to −∞ at 1.
        let root = |mut low: f64, mut high: f64, target: f64| {
            for _ in 0..100 {
                let middle = f64::midpoint(low, high);
                if self.score(middle) > target { low = middle } else { high = middle }
            }
            f64::midpoint(low, high)
        };
        Ok(Interval { low: root(-1.0, estimate, z), high: root(estimate, 1.0, -z), level })
    }

    /// Tests against the difference `null`, in [−1, 1].
    pub fn test(&self, null: f64) -> Result<Test, Undefined> {
        self.difference()?;
        let score = self.score(null.clamp(-1.0, 1.0));
        let (p_greater, p_less) = (normal_cdf(-score), normal_cdf(score));
        Ok(Test { null, p_greater, p_less, p_two_sided: (2.0 * p_greater.min(p_less)).min(1.0) })
    }

    /// Tango's statistic: the difference less its null value, over its standard error under that value.
    fn score(&self, null: f64) -> f64 {
        let (n, gained, lost) = (self.units as f64, self.gained as f64, self.lost as f64);
        let above = gained - lost - n * null;
        // The probability of a lost unit under the null value, by maximum likelihood.
        let b = -gained - lost + (2.0 * n - gained + lost) * null;
        let c = -lost * null * (1.0 - null);
        let lost_under_null = ((b * b - 8.0 * n * c).max(0.0).sqrt() - b) / (4.0 * n);
        let variance = n * (2.0 * lost_under_null + null * (1.0 - null));
        if above == 0.0 {
            return 0.0;
        }
        above / variance.max(f64::MIN_POSITIVE).sqrt()
    }
}
