//! Rank tests: Mann–Whitney (Wilcoxon's rank sum) and Wilcoxon's signed ranks.
//!
//! p is exact where there are fewer than 50 values a group and no ties or zeros, else by the normal approximation
//! with tie and continuity correction: the rule of R's `wilcox.test`.

use crate::Error;
use crate::tails::normal_upper;

/// A rank test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// Pairs in which the first group's value is larger (ties count one half), or the sum of positive ranks.
    pub statistic: f64,
    /// Two-sided.
    pub p: f64,
    /// Whether `p` is exact.
    pub exact: bool,
}

const EXACT_BELOW: usize = 50;

/// Whether values of `a` tend to be larger or smaller than those of `b` (Mann & Whitney 1947).
///
/// # Errors
/// An empty group, or a value that is not finite.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Result<RankTest, Error> {
    if a.is_empty() || b.is_empty() {
        return Err(Error::model("a rank test needs values in both groups".into()));
    }
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let (ranks, ties) = mid_ranks(&all)?;
    let (n, m) = (a.len() as f64, b.len() as f64);
    let statistic = ranks[..a.len()].iter().sum::<f64>() - n * (n + 1.0) / 2.0;
    if a.len() < EXACT_BELOW && b.len() < EXACT_BELOW && ties == 0.0 {
        let counts = rank_sum_counts(a.len(), b.len());
        return Ok(RankTest { statistic, p: two_sided(&counts, statistic), exact: true });
    }
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    Ok(RankTest { statistic, p: approximate(statistic - n * m / 2.0, variance), exact: false })
}

/// Whether values lie symmetrically around zero (Wilcoxon 1945). Zeros are left out.
///
/// # Errors
/// No value that is not zero, or one that is not finite.
pub fn signed_rank(differences: &[f64]) -> Result<RankTest, Error> {
    let kept: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    if kept.is_empty() {
        return Err(Error::model("all differences are zero".into()));
    }
    let (ranks, ties) = mid_ranks(&kept.iter().map(|d| d.abs()).collect::<Vec<_>>())?;
    let statistic: f64 = ranks.iter().zip(&kept).filter(|(_, d)| **d > 0.0).map(|(r, _)| r).sum();
    if kept.len() < EXACT_BELOW && ties == 0.0 && kept.len() == differences.len() {
        let counts = signed_rank_counts(kept.len());
        return Ok(RankTest { statistic, p: two_sided(&counts, statistic), exact: true });
    }
    let n = kept.len() as f64;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    Ok(RankTest { statistic, p: approximate(statistic - n * (n + 1.0) / 4.0, variance), exact: false })
}

/// Ranks with ties sharing their mean, and Σ (t³ − t) over groups of t tied values.
fn mid_ranks(x: &[f64]) -> Result<(Vec<f64>, f64), Error> {
    if x.iter().any(|v| !v.is_finite()) {
        return Err(Error::not_finite("a value"));
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|i, j| x[*i].total_cmp(&x[*j]));
    let mut ranks = vec![0.0; x.len()];
    let mut ties = 0.0;
    for group in order.chunk_by(|i, j| x[*i] == x[*j]) {
        let first = order.partition_point(|i| x[*i] < x[group[0]]) as f64;
        let size = group.len() as f64;
        ties += size * size * size - size;
        group.iter().for_each(|i| ranks[*i] = first + (size + 1.0) / 2.0);
    }
    Ok((ranks, ties))
}

fn approximate(distance: f64, variance: f64) -> f64 {
    let corrected = (distance.abs() - 0.5).max(0.0) * f64::from(u8::from(distance != 0.0));
    (2.0 * normal_upper(corrected / variance.sqrt())).min(1.0)
}

/// Twice the smaller tail, the observed value being part of both.
fn two_sided(counts: &[f64], statistic: f64) -> f64 {
    // The counts are symmetric, and those of the upper end are differences of huge numbers.
    let at = (statistic.round() as usize).min(counts.len() - 1);
    let at = at.min(counts.len() - 1 - at);
    let total: f64 = counts.iter().sum();
    (2.0 * counts[..=at].iter().sum::<f64>() / total).min(1.0)
}

/// In how many orders of n and m values each rank-sum statistic occurs: the coefficients of the Gaussian binomial.
fn rank_sum_counts(n: usize, m: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n * m + 1];
    counts[0] = 1.0;
    for i in 1..=n {
        for s in (m + i..counts.len()).rev() {
            counts[s] -= counts[s - m - i];
        }
        for s in i..counts.len() {
            counts[s] += counts[s - i];
        }
    }
    counts
}

/// In how many of the 2ⁿ patterns of signs each sum of positive ranks occurs.
fn signed_rank_counts(n: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n * (n + 1) / 2 + 1];
    counts[0] = 1.0;
    for rank in 1..=n {
        for s in (rank..counts.len()).rev() {
            counts[s] += counts[s - rank];
        }
    }
    counts
}
