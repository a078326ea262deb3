//! Tables of counts: Pearson's χ² and Fisher's exact test.

use statrs::function::gamma::ln_gamma;

use crate::tails::chi_square_upper;
use crate::{Error, Interval, Level};

/// Pearson's test of independence, without continuity correction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    pub statistic: f64,
    pub df: f64,
    pub p: f64,
    /// The least expected count: the approximation is doubtful below 5.
    pub least_expected: f64,
}

/// Tests independence of rows and columns.
///
/// # Errors
/// Rows of unequal length, fewer than two rows or columns, or a row or column of zeros.
pub fn chi_square(table: &[Vec<u64>]) -> Result<ChiSquare, Error> {
    let columns = table.first().map_or(0, Vec::len);
    if table.len() < 2 || columns < 2 || table.iter().any(|r| r.len() != columns) {
        return Err(Error::model(
            "a table of counts needs two rows and two columns at least, all of one length".into(),
        ));
    }
    let rows: Vec<f64> = table.iter().map(|r| r.iter().sum::<u64>() as f64).collect();
    let sums: Vec<f64> = (0..columns).map(|c| table.iter().map(|r| r[c]).sum::<u64>() as f64).collect();
    let total: f64 = rows.iter().sum();
    if rows.iter().chain(&sums).any(|s| *s == 0.0) {
        return Err(Error::model("a row or column of the table is empty: leave it out".into()));
    }
    let (mut statistic, mut least_expected) = (0.0, f64::INFINITY);
    for (row, of_row) in table.iter().zip(&rows) {
        for (count, of_column) in row.iter().zip(&sums) {
            let expected = of_row * of_column / total;
            least_expected = expected.min(least_expected);
            statistic += (*count as f64 - expected).powi(2) / expected;
        }
    }
    let df = (table.len() - 1) as f64 * (columns - 1) as f64;
    Ok(ChiSquare { statistic, df, p: chi_square_upper(statistic, df), least_expected })
}

/// Pearson's test of counts against equal shares.
///
/// # Errors
/// Fewer than two counts, or all of them zero.
pub fn goodness_of_fit(counts: &[u64]) -> Result<ChiSquare, Error> {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64;
    if counts.len() < 2 || expected == 0.0 {
        return Err(Error::model(
            "a test against equal shares needs two counts at least, not all zero".into(),
        ));
    }
    let statistic: f64 = counts.iter().map(|n| (*n as f64 - expected).powi(2) / expected).sum();
    let df = (counts.len() - 1) as f64;
    Ok(ChiSquare { statistic, df, p: chi_square_upper(statistic, df), least_expected: expected })
}

/// Pearson's test of counts against given shares, which are taken as weights.
///
/// # Errors
/// Fewer than two counts, as many shares, or a share that is not positive.
pub fn goodness_of_shares(counts: &[u64], shares: &[f64]) -> Result<ChiSquare, Error> {
    let (all, weight) = (counts.iter().sum::<u64>() as f64, shares.iter().sum::<f64>());
    let positive = shares.iter().all(|share| share.is_finite() && *share > 0.0);
    if counts.len() < 2 || counts.len() != shares.len() || !positive || all == 0.0 {
        return Err(Error::model(
            "a test against shares needs two counts at least, each with a share".into(),
        ));
    }
    let expected: Vec<f64> = shares.iter().map(|share| all * share / weight).collect();
    let statistic: f64 = counts.iter().zip(&expected).map(|(n, e)| (*n as f64 - e).powi(2) / e).sum();
    let df = (counts.len() - 1) as f64;
    let least_expected = expected.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(ChiSquare { statistic, df, p: chi_square_upper(statistic, df), least_expected })
}

/// Exact p of a table of two rows given its margins: the probability of all tables that are no more likely than the one seen
/// (Freeman & Halton 1951, *Biometrika* 38: 141–149; for two columns Fisher's test, two-sided). Nothing where there are more
/// than a million such tables: counts are then large enough for [`chi_square`] as a rule.
///
/// # Errors
/// Fewer than two columns, or rows of unequal length.
pub fn freeman_halton(first: &[u64], second: &[u64]) -> Result<Option<f64>, Error> {
    const MOST: usize = 1_000_000;
    if first.len() < 2 || first.len() != second.len() {
        return Err(Error::model(
            "a table of counts needs two columns at least, and rows of one length".into(),
        ));
    }
    let columns: Vec<u64> = first.iter().zip(second).map(|(a, b)| a + b).collect();
    let row: u64 = first.iter().sum();
    let room = |at: usize| columns[at..].iter().sum::<u64>();
    let total = choose(room(0), row);
    let seen: f64 = columns.iter().zip(first).map(|(n, k)| choose(*n, *k)).sum::<f64>() - total;
    // Log-probabilities of the first columns, with what is left for the others.
    let mut open = vec![(0.0, row)];
    for (at, column) in columns.iter().enumerate() {
        let mut next = Vec::new();
        for (log, left) in open {
            for k in left.saturating_sub(room(at + 1))..=left.min(*column) {
                next.push((log + choose(*column, k), left - k));
            }
            if next.len() > MOST {
                return Ok(None);
            }
        }
        open = next;
    }
    let p = open
        .into_iter()
        .map(|(log, _)| log - total)
        .filter(|log| *log <= seen + 1e-7)
        .map(f64::exp)
        .sum::<f64>();
    Ok(Some(p.min(1.0)))
}

/// Fisher's exact test of a table of two rows and two columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fisher {
    /// Two-sided: tables that are no more likely than the one seen.
    pub p: f64,
    /// One-sided, for an odds ratio above 1.
    pub p_greater: f64,
    /// One-sided, for an odds ratio below 1.
    pub p_less: f64,
    /// Conditional maximum-likelihood odds ratio; 0 or infinite at the ends.
    pub odds_ratio: f64,
    /// Exact interval of the odds ratio.
    pub interval: Interval,
}

/// Tests `[[a, b], [c, d]]` given its margins (Fisher 1935; odds ratio by the noncentral hypergeometric distribution,
/// as R's `fisher.test`).
///
/// # Errors
/// An empty table.
pub fn fisher(table: [[u64; 2]; 2], level: Level) -> Result<Fisher, Error> {
    let [[a, b], [c, d]] = table;
    let (row, rest, column) = (a + b, c + d, a + c);
    if row + rest == 0 {
        return Err(Error::model("the table is empty".into()));
    }
    let low = column.saturating_sub(rest);
    let high = row.min(column);
    let counts =
        Margins { low, log: (low..=high).map(|x| choose(row, x) + choose(rest, column - x)).collect() };
    let central = counts.at(0.0);
    let seen = central[(a - low) as usize];
    let p = central.iter().filter(|p| **p <= seen * (1.0 + 1e-7)).sum::<f64>().min(1.0);
    let at_least = |log_odds: f64| counts.at(log_odds)[(a - low) as usize..].iter().sum::<f64>();
    let at_most = |log_odds: f64| counts.at(log_odds)[..=(a - low) as usize].iter().sum::<f64>();
    let odds_ratio = match a {
        _ if a == low && a == high => 1.0,
        _ if a == low => 0.0,
        _ if a == high => f64::INFINITY,
        _ => solve(|l| counts.mean(l) - a as f64).exp(),
    };
    let interval = Interval {
        low: if a == low { 0.0 } else { solve(|l| at_least(l) - level.tail()).exp() },
        high: if a == high { f64::INFINITY } else { solve(|l| level.tail() - at_most(l)).exp() },
        level,
    };
    Ok(Fisher { p, p_greater: at_least(0.0).min(1.0), p_less: at_most(0.0).min(1.0), odds_ratio, interval })
}

fn choose(n: u64, k: u64) -> f64 {
    ln_gamma(n as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((n - k) as f64 + 1.0)
}

/// Logs of how many tables have each first count.
struct Margins {
    low: u64,
    log: Vec<f64>,
}

impl Margins {
    /// Probabilities of the first count at a log odds ratio.
    fn at(&self, log_odds: f64) -> Vec<f64> {
        let tilted: Vec<f64> = self.log.iter().enumerate().map(|(i, l)| l + i as f64 * log_odds).collect();
        let top = tilted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = tilted.iter().map(|l| (l - top).exp()).sum();
        tilted.iter().map(|l| (l - top).exp() / total).collect()
    }

    fn mean(&self, log_odds: f64) -> f64 {
        self.at(log_odds).iter().enumerate().map(|(i, p)| (self.low + i as u64) as f64 * p).sum()
    }
}

/// The root of a rising function of a log odds ratio.
fn solve(f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-100.0, 100.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if f(middle) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
