//! Correlation of two columns, each row counted a whole number of times.
//!
//! Counts are what makes this fast to resample: a bootstrap replicate is the same rows with other counts, so sorting and
//! grouping happen once ([`Column`]) and a replicate costs one pass (Pearson, Spearman) or one pass with a tree of sums
//! (Kendall, n log n). A row counted twice is two rows: the value is that of the written-out data.
//!
//! Not here: clusters, intervals (`correlations`).

use crate::{Error, Undefined, pairs};

/// How two columns are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coefficient {
    /// Product-moment correlation: how near the points lie to a line. With a column of 0 and 1 it is the point-biserial
    /// correlation.
    Pearson,
    /// Pearson's correlation of ranks, ties having the mean of their ranks (ρ).
    Spearman,
    /// Kendall's τ-b: (concordant − discordant pairs) / √(pairs not tied in x × pairs not tied in y) (Kendall 1945).
    KendallB,
}

impl std::fmt::Display for Coefficient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pearson => "Pearson's r",
            Self::Spearman => "Spearman's rho",
            Self::KendallB => "Kendall's tau-b",
        })
    }
}

/// The correlation of two columns of equal length.
///
/// # Errors
/// Outer: columns of different lengths, or a value that is not finite. Inner: fewer than two rows, or a column that has
/// the same value everywhere.
pub fn correlation(of: Coefficient, x: &[f64], y: &[f64]) -> Result<Result<f64, Undefined>, Error> {
    if x.len() != y.len() {
        return Err(Error::columns(y.len(), x.len()));
    }
    if x.iter().chain(y).any(|v| !v.is_finite()) {
        return Err(Error::not_finite("a value"));
    }
    if u32::try_from(x.len()).is_err() {
        return Err(Error::too_many("rows"));
    }
    Ok(weighted(of, &Column::new(x), &Column::new(y), &vec![1; x.len()]))
}

/// Values with what sorting tells of them.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) values: Vec<f64>,
    /// For each row, the place of its value among the distinct values, ascending.
    pub(crate) group: Vec<u32>,
    pub(crate) groups: usize,
    /// Rows by value.
    pub(crate) order: Vec<u32>,
}

impl Column {
    /// `values` must be finite and fewer than 2³².
    pub(crate) fn new(values: &[f64]) -> Column {
        // −0 is 0.
        let values: Vec<f64> = values.iter().map(|v| v + 0.0).collect();
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.sort_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]));
        let mut group = vec![0; values.len()];
        let mut groups = 0;
        let mut last = None;
        for &row in &order {
            let value = values[row as usize];
            if last != Some(value) {
                groups += 1;
                last = Some(value);
            }
            group[row as usize] = groups as u32 - 1;
        }
        Column { values, group, groups, order }
    }

    /// How many rows each distinct value has.
    fn sizes(&self, counts: &[u32]) -> Vec<u64> {
        let mut sizes = vec![0; self.groups];
        for (group, count) in self.group.iter().zip(counts) {
            sizes[*group as usize] += u64::from(*count);
        }
        sizes
    }

    /// For each row its rank from 1, ties having the mean of theirs.
    fn ranks(&self, counts: &[u32]) -> Vec<f64> {
        let mut before = 0;
        let of_group: Vec<f64> = self
            .sizes(counts)
            .into_iter()
            .map(|size| {
                let rank = before as f64 + (size as f64 + 1.0) / 2.0;
                before += size;
                rank
            })
            .collect();
        self.group.iter().map(|g| of_group[*g as usize]).collect()
    }

    fn is_constant(&self, counts: &[u32]) -> bool {
        let mut groups = self.group.iter().zip(counts).filter(|(_, c)| **c > 0).map(|(g, _)| g);
        groups.next().is_none_or(|first| groups.all(|g| g == first))
    }
}

/// The correlation of rows counted `counts` times each.
pub(crate) fn weighted(of: Coefficient, x: &Column, y: &Column, counts: &[u32]) -> Result<f64, Undefined> {
    if counts.iter().map(|c| u64::from(*c)).sum::<u64>() < 2 {
        return Err(Undefined::NoData);
    }
    if x.is_constant(counts) || y.is_constant(counts) {
        return Err(Undefined::ConstantColumn);
    }
    Ok(match of {
        Coefficient::Pearson => product_moment(&x.values, &y.values, counts),
        Coefficient::Spearman => product_moment(&x.ranks(counts), &y.ranks(counts), counts),
        Coefficient::KendallB => tau_b(x, y, counts),
    })
}

/// Pearson's correlation of rows counted `counts` times each.
pub(crate) fn product_moment_of(x: &[f64], y: &[f64], counts: &[u32]) -> Result<f64, Undefined> {
    let varies = |values: &[f64]| {
        let mut counted = values.iter().zip(counts).filter(|(_, count)| **count > 0).map(|(value, _)| value);
        counted.next().is_some_and(|first| counted.any(|value| value != first))
    };
    if varies(x) && varies(y) { Ok(product_moment(x, y, counts)) } else { Err(Undefined::ConstantColumn) }
}

fn product_moment(x: &[f64], y: &[f64], counts: &[u32]) -> f64 {
    let mean = |values: &[f64]| {
        let (sum, n) = values
            .iter()
            .zip(counts)
            .fold((0.0, 0.0), |(sum, n), (v, c)| (sum + v * f64::from(*c), n + f64::from(*c)));
        sum / n
    };
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for ((x, y), count) in x.iter().zip(y).zip(counts) {
        let (dx, dy, count) = (x - mean_x, y - mean_y, f64::from(*count));
        xx += count * dx * dx;
        yy += count * dy * dy;
        xy += count * dx * dy;
    }
    // Two roots: the product of two sums of squares may be too small or too large for a number.
    (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0)
}

fn tau_b(x: &Column, y: &Column, counts: &[u32]) -> f64 {
    let mut ties = x.order.chunk_by(|a, b| x.group[*a as usize] == x.group[*b as usize]);
    let rows = counts.iter().map(|count| u64::from(*count)).sum();
    let pairs = pairs::count(y.groups, rows, |rows| {
        let Some(tie) = ties.next() else { return false };
        let counted = tie.iter().map(|row| (y.group[*row as usize], counts[*row as usize]));
        rows.extend(counted.filter(|(_, times)| *times > 0));
        true
    });
    // That neither column is constant was asked before.
    pairs.tau_b().unwrap_or(0.0)
}
