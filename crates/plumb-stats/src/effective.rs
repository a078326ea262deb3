//! How many rows that stand alone tell as much as rows in clusters: n / d.
//!
//! d is the design effect (Kish 1965, Survey Sampling, 8.2), the cluster-robust variance over that of as many rows which stand alone,
//! never less than 1 (Korn & Graubard 1998, Survey Methodology 24:193–201, on intervals with n / d).
//!
//! Where few clusters hold the rare value, d comes out too small: it was seen on those clusters alone, and the ones that could be
//! wholly of that value were not drawn. So it is drawn toward that of clusters whose rows are all alike (n / K), the more the fewer
//! of them hold the rare value: d = (w·d + 3·n/K) / (w + 3) with w = c^1.5, c of K clusters holding it. With none each cluster counts
//! once, the first changes little, and with fifty next to nothing is left of it. The form and the 3 were chosen among a dozen on other
//! numbers of clusters and rows than those whose coverage is reported (`tests/clustered_coverage.rs`): a weight of 1 against c held 88
//! to 90 % of rates of 3 % where a cluster nearly decides its rows, and was wider where rows are not alike.
//!
//! Everything that counts effective rows of yes/no values asks here: shares in grades, Wilson's interval of rates, paired differences.

use crate::ClusterSums;
use crate::distribution::{normal_quantile, t_quantile};

/// The design effect `seen`, drawn toward that of clusters which are `alike` throughout; `holding` of them hold the rare value.
pub(crate) fn design_effect(seen: f64, alike: f64, holding: f64) -> f64 {
    /// Of what wholly alike clusters weigh against those that were seen.
    const ALIKE: f64 = 3.0;
    let (seen, weight) = (seen.max(1.0), holding.powf(1.5));
    (weight * seen + ALIKE * alike.max(seen)) / (weight + ALIKE)
}

/// How many of a cell's yes/no rows would tell as much alone; `std_error` is that of its rate under clustering, above 0.
pub(crate) fn effective_rows(sums: &ClusterSums, cell: usize, std_error: f64) -> f64 {
    let total = sums.totals()[cell];
    let (rate, rows) = (total.numerator / total.denominator, total.denominator);
    let seen = rows * std_error * std_error / (rate * (1.0 - rate));
    rows / design_effect(seen, rows / sums.clusters_in(cell) as f64, rarer(sums, cell) as f64)
}

/// By what n shrinks as t on the clusters exceeds z at a quantile: few clusters tell little of how much clusters differ (Korn &
/// Graubard 1998).
pub(crate) fn for_few_clusters(quantile: f64, df: f64) -> f64 {
    (normal_quantile(quantile) / t_quantile(quantile, df)).powi(2)
}

/// How many clusters hold the value of a cell's yes/no rows that fewer of them hold.
fn rarer(sums: &ClusterSums, cell: usize) -> u64 {
    let (mut yes, mut no) = (0, 0);
    for pattern in &sums.patterns {
        for entry in pattern.entries.iter().filter(|e| e.cell as usize == cell) {
            yes += u64::from(pattern.members) * u64::from(entry.numerator > 0.0);
            no += u64::from(pattern.members) * u64::from(entry.numerator < entry.denominator);
        }
    }
    yes.min(no)
}
