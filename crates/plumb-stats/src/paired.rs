//! Two yes/no outcomes of the same units: the difference of their shares, by the score method.
//!
//! One unit (an item) is measured twice, once on each side. Only units whose outcomes differ say anything about the
//! difference; how many units there are says how far a difference can be ruled out. With no differing unit at all the
//! interval is still one of positive width, where a bootstrap would give a single point.
//!
//! Source: Tango 1998, Statistics in Medicine 17:891–908 (the test against any difference, and the interval that
//! inverts it). Against a difference of zero it is McNemar's test without continuity correction.
//!
//! Units in clusters, or with several answers a side, count as so many that stand alone ([`PairedShares::clustered`]).
//!
//! Not here: numbers; use [`crate::Resample`].

use crate::distribution::{normal_cdf, normal_quantile};
use crate::effective::{design_effect, for_few_clusters};
use crate::inference::Test;
use crate::{Error, Interval, Level, Undefined};
use std::collections::BTreeMap;

/// Paired yes/no outcomes, counted; not whole where they are effective counts. The difference is (second − first).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedShares {
    units: f64,
    gained: f64,
    lost: f64,
}

impl PairedShares {
    /// `gained` units have only the second outcome, `lost` only the first; all others are alike on both sides.
    ///
    /// # Errors
    /// More differing units than units.
    pub fn new(units: u64, gained: u64, lost: u64) -> Result<Self, Error> {
        match gained.checked_add(lost) {
            Some(differing) if differing <= units => {
                Ok(Self { units: units as f64, gained: gained as f64, lost: lost as f64 })
            }
            _ => Err(Error::count(gained.saturating_add(lost), units)),
        }
    }

    /// Units as (cluster, share before, share after), each share of `answers` answers at least: as many units that stand alone as
    /// these are worth, with changes in proportion. What they are worth follows from the cluster-robust variance of the mean change
    /// as for rates (`effective`), and without any change from the number of clusters.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without units, [`Undefined::OneCluster`] where all are of one cluster.
    pub fn clustered(units: &[(u32, f64, f64)], answers: f64) -> Result<Self, Undefined> {
        let n = units.len() as f64;
        let mut clusters: BTreeMap<u32, (f64, f64, bool)> = BTreeMap::new();
        let (mut gained, mut lost) = (0.0, 0.0);
        for (cluster, before, after) in units {
            let change = after - before;
            gained += change.max(0.0);
            lost += (-change).max(0.0);
            let sums = clusters.entry(*cluster).or_default();
            *sums = (sums.0 + change, sums.1 + 1.0, sums.2 || change != 0.0);
        }
        match clusters.len() {
            0 => return Err(Undefined::NoData),
            1 => return Err(Undefined::OneCluster),
            _ => {}
        }
        let (k, mean) = (clusters.len() as f64, (gained - lost) / n);
        let squares: f64 = clusters.values().map(|(sum, of, _)| (sum - mean * of).powi(2)).sum();
        let robust = k / (k - 1.0) * squares / (n * n);
        // That of as many answers which stand alone and change evenly as often.
        let alone = ((gained + lost) / n - mean * mean) / (n * answers.max(1.0));
        let holding = clusters.values().filter(|c| c.2).count() as f64;
        let rows = n * answers.max(1.0);
        let effect = if alone > 0.0 { design_effect(robust / alone, rows / k, holding) } else { rows / k };
        let worth = rows / effect * if alone > 0.0 { for_few_clusters(0.975, k - 1.0) } else { 1.0 };
        Ok(Self { units: worth, gained: gained * worth / n, lost: lost * worth / n })
    }

    /// As many units as these are worth that stand alone; the number of units where they do.
    pub fn units(&self) -> f64 {
        self.units
    }

    /// Share of the second outcome minus share of the first.
    pub fn difference(&self) -> Result<f64, Undefined> {
        if self.units <= 0.0 {
            return Err(Undefined::NoData);
        }
        Ok((self.gained - self.lost) / self.units)
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
        let Self { units: n, gained, lost } = *self;
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
