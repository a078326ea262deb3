//! Percentile and BCa bounds from bootstrap replicates.
//!
//! BCa (bias-corrected and accelerated; Efron 1987, JASA 82:171–185; Efron & Tibshirani 1993, ch. 14) is the default
//! of this crate for means and scores: it is second-order accurate, respects transformations and keeps bounds
//! inside the range of the statistic, where the percentile interval is first-order and drifts when a statistic is
//! biased or skewed, as rates near 0 and 1 are. The acceleration comes from the jackknife over clusters. For differences it is
//! there on request only: see `choose`.
//!
//! Replicates of few clusters spread too little, as a variance with divisor n does, and a normal quantile stands where t should:
//! [`Expansion`] reads the replicates farther out (Hesterberg 2015, American Statistician 69:371–386, §5.2).

use crate::cluster::Pattern;
use crate::distribution::{normal_cdf, normal_quantile, t_quantile, t_tail};
use crate::{CellTotal, ClusterSums};

/// By how much the tails that are read off replicates lie farther out than the level says: at Φ(√(G/(G−1)) t) in place of
/// Φ(z), so that the interval of a mean is about as wide as the t interval with the CR1 standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expansion {
    /// √(G/(G−1)) for the G clusters that were drawn.
    stretch: f64,
    /// Of the t distribution.
    df: f64,
}

impl Expansion {
    /// For so many clusters in all, two at least.
    pub(crate) fn new(clusters: usize, df: f64) -> Self {
        let g = clusters as f64;
        Self { stretch: (g / (g - 1.0)).sqrt(), df }
    }
}

/// Sorted replicates with the two BCa corrections (both 0 for the percentile interval).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Replicates {
    sorted: Vec<f64>,
    bias: f64,
    acceleration: f64,
    /// Nothing: tails as the level says.
    expansion: Option<Expansion>,
}

impl Replicates {
    /// `values` must not be empty.
    pub(crate) fn percentile(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { sorted: values, bias: 0.0, acceleration: 0.0, expansion: None }
    }

    pub(crate) fn bca(values: Vec<f64>, estimate: f64, acceleration: f64) -> Self {
        let mut replicates = Self::percentile(values);
        let n = replicates.sorted.len() as f64;
        // Replicates equal to the estimate up to rounding count half: a replicate's sum may differ in the last digit.
        let slack = 1e-12 * estimate.abs().max(1e-300);
        let below = replicates.sorted.partition_point(|v| *v < estimate - slack) as f64;
        let not_above = replicates.sorted.partition_point(|v| *v <= estimate + slack) as f64;
        let share = ((below + not_above) / (2.0 * n)).clamp(0.5 / n, 1.0 - 0.5 / n);
        replicates.bias = normal_quantile(share);
        replicates.acceleration = acceleration;
        replicates
    }

    pub(crate) fn expanded(self, expansion: Expansion) -> Self {
        Self { expansion: Some(expansion), ..self }
    }

    /// The bound with probability `tail` below it.
    pub(crate) fn bound(&self, tail: f64) -> f64 {
        let reach = |e: Expansion| e.stretch * t_quantile(tail, e.df);
        let z = self.bias + self.expansion.map_or_else(|| normal_quantile(tail), reach);
        let scale = 1.0 - self.acceleration * z;
        let corrected = if scale > 0.0 {
            normal_cdf(self.bias + z / scale)
        } else if z > 0.0 {
            1.0
        } else {
            0.0
        };
        percentile_of(&self.sorted, corrected)
    }

    /// The smallest one-sided p-value that these replicates can show.
    pub(crate) fn resolution(&self) -> f64 {
        let one = 1.0 / (self.sorted.len() as f64 + 1.0);
        let tail = |e: Expansion| t_tail(-normal_quantile(one) / e.stretch, e.df);
        self.expansion.map_or(one, tail)
    }
}

/// The quantile of sorted values with linear interpolation (Hyndman & Fan 1996, type 7); `share` in [0, 1].
///
/// An empty slice has no quantile: `sorted` must hold at least one value.
pub(crate) fn percentile_of(sorted: &[f64], share: f64) -> f64 {
    let position = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let low = position.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (position - position.floor()) * (sorted[high] - sorted[low])
}

/// What leaving out one cluster at a time tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Jackknife {
    /// Σ d³ / (6 (Σ d²)^{3/2}), d = mean of the leave-one-out values − value.
    pub acceleration: f64,
    /// sqrt((G−1)/G Σ d²): the cluster jackknife, close to CR3 (MacKinnon, Nielsen & Webb 2023).
    pub std_error: f64,
}

/// Leaves out each cluster in turn: `without` gives the statistic without one cluster of a pattern. `None` where that
/// has no value, or there is one cluster.
pub(crate) fn jackknife(
    sums: &ClusterSums,
    mut without: impl FnMut(&Pattern) -> Option<f64>,
) -> Option<Jackknife> {
    let g = sums.clusters() as f64;
    if g < 2.0 {
        return None;
    }
    let mut values: Vec<(f64, f64)> = Vec::with_capacity(sums.patterns.len());
    for pattern in &sums.patterns {
        values.push((f64::from(pattern.members), without(pattern).filter(|v| v.is_finite())?));
    }
    Some(jackknife_of(&values, g))
}

/// The same from values with how many clusters give each, `g` clusters in all.
pub(crate) fn jackknife_of(values: &[(f64, f64)], g: f64) -> Jackknife {
    let mean = values.iter().map(|(m, v)| m * v).sum::<f64>() / g;
    let squares: f64 = values.iter().map(|(m, v)| m * (mean - v).powi(2)).sum();
    let cubes: f64 = values.iter().map(|(m, v)| m * (mean - v).powi(3)).sum();
    let acceleration = if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
    Jackknife { acceleration, std_error: ((g - 1.0) / g * squares).sqrt() }
}

/// Any statistic of the cell totals without one cluster of `pattern`.
pub(crate) fn statistic_without(
    sums: &ClusterSums,
    pattern: &Pattern,
    statistic: &impl Fn(&[CellTotal]) -> Option<f64>,
) -> Option<f64> {
    let mut totals = sums.totals().to_vec();
    for e in &pattern.entries {
        totals[e.cell as usize] = sums.total_without(e);
    }
    statistic(&totals)
}

/// A linear contrast of cell means, `estimate`, without one cluster of `pattern`.
pub(crate) fn contrast_without(
    sums: &ClusterSums,
    pattern: &Pattern,
    weights: &[f64],
    estimate: f64,
) -> Option<f64> {
    let mut value = estimate;
    for e in &pattern.entries {
        let weight = weights[e.cell as usize];
        if weight != 0.0 {
            value += weight * (sums.total_without(e).ratio()? - sums.totals()[e.cell as usize].ratio()?);
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Expansion, Replicates, jackknife, statistic_without};
    use crate::ClusterRows;

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    #[test]
    fn bounds_equal_scipy_on_the_same_replicates() {
        let file: Value = serde_json::from_str(include_str!("../../../fixtures/stats/bca.json")).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let data = numbers(&case["data"]);
            let mut rows = ClusterRows::new(1);
            for (cluster, value) in data.iter().enumerate() {
                rows.add(cluster as u32, 0, *value).unwrap();
            }
            let sums = rows.build().unwrap();
            let left_out = jackknife(&sums, |p| statistic_without(&sums, p, &|t| t[0].ratio())).unwrap();
            let estimate = data.iter().sum::<f64>() / data.len() as f64;
            let bca = Replicates::bca(numbers(&case["replicates"]), estimate, left_out.acceleration);
            let percentile = Replicates::percentile(numbers(&case["replicates"]));
            for bound in case["bounds"].as_array().unwrap() {
                let tail = (1.0 - bound["level"].as_f64().unwrap()) / 2.0;
                for (ours, name) in [(&bca, "bca"), (&percentile, "percentile")] {
                    let theirs = numbers(&bound[name]);
                    assert!((ours.bound(tail) - theirs[0]).abs() < 1e-9, "{name} {tail}");
                    assert!((ours.bound(1.0 - tail) - theirs[1]).abs() < 1e-9, "{name} {tail}");
                }
            }
        }
    }

    #[test]
    fn tails_of_few_clusters_lie_farther_out() {
        let file: Value = serde_json::from_str(include_str!("../../../fixtures/stats/bca.json")).unwrap();
        // Replicates that are the share of replicates below them.
        let even: Vec<f64> = (0..=100_000).map(|n| f64::from(n) / 100_000.0).collect();
        for case in file["expanded"].as_array().unwrap() {
            let of = |name: &str| case[name].as_f64().unwrap();
            let expansion = Expansion::new(of("clusters") as usize, of("df"));
            let read = Replicates::percentile(even.clone()).expanded(expansion);
            assert!((read.bound(of("tail")) - of("read_at")).abs() < 1e-9, "{case}");
            assert!(read.resolution() > Replicates::percentile(even.clone()).resolution());
        }
    }
}
