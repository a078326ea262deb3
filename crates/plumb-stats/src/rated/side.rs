//! People's side of a correlation in one replicate: how often each output counts, and what people said of it.
//!
//! Why: a metric's values and their order are the same in every replicate, people's means are not, and many metrics are
//! held against the same means. So this is made once a replicate and every coefficient of every metric reads it. Rows
//! (outputs, or ratings) are summed by output, so that a coefficient costs one pass over the outputs.

use super::{Form, Rated, Subset};
use crate::correlation::Column;
use crate::pairs::{self, Pairs};
use crate::{Coefficient, Known, Times, Undefined};

/// What a replicate makes of each output.
pub(super) struct Drawn {
    /// How often each output counts; 0 where nobody who rated it was drawn.
    pub(super) weight: Vec<u32>,
    /// The mean of its ratings.
    pub(super) mean: Vec<f64>,
}

impl Drawn {
    pub(super) fn new(rated: &Rated, times: Times<'_>) -> Drawn {
        let outputs = rated.outputs();
        let mut drawn = Drawn { weight: Vec::with_capacity(outputs), mean: Vec::with_capacity(outputs) };
        for output in 0..outputs {
            let range = rated.first[output] as usize..rated.first[output + 1] as usize;
            let (mut count, mut sum) = (0, 0.0);
            for (rater, value) in rated.rater[range.clone()].iter().zip(&rated.value[range]) {
                let times = times.raters[*rater as usize];
                count += times;
                sum += f64::from(times) * value;
            }
            let counts = if count > 0 { times.problems[rated.problem[output] as usize] } else { 0 };
            drawn.weight.push(counts);
            drawn.mean.push(if count > 0 { sum / f64::from(count) } else { 0.0 });
        }
        drawn
    }
}

/// Rows summed by output.
pub(super) struct Side {
    /// How often each output counts in all its rows.
    weight: Vec<u32>,
    /// For each output Σ times × value, and the same of ranks.
    sum: Vec<f64>,
    rank_sum: Vec<f64>,
    total: f64,
    squares: f64,
    rank_squares: f64,
    /// Rows of output o: from `first[o]` to before `first[o + 1]`, each its group of equal values and its count.
    first: Vec<u32>,
    rows: Vec<pairs::Counted>,
    groups: usize,
    constant: bool,
}

impl Side {
    pub(super) fn new(
        rated: &Rated,
        form: Form,
        among: Option<Subset>,
        drawn: &Drawn,
        times: Times<'_>,
    ) -> Side {
        let mut weight = vec![0; rated.outputs()];
        match among {
            None => weight.copy_from_slice(&drawn.weight),
            Some(subset) => {
                for output in &rated.subsets[subset.0] {
                    weight[*output as usize] = drawn.weight[*output as usize];
                }
            }
        }
        if form == Form::PerRating {
            return Side::of_ratings(rated, &weight, times);
        }
        let column = Column::new(&drawn.mean);
        let first = (0..=rated.outputs() as u32).collect();
        let rows = column.group.iter().copied().zip(weight).collect();
        let mut values = vec![0.0; column.groups];
        column.group.iter().zip(&column.values).for_each(|(group, value)| values[*group as usize] = *value);
        Side::of_rows(first, rows, &values)
    }

    fn of_ratings(rated: &Rated, weight: &[u32], times: Times<'_>) -> Side {
        let mut given = vec![(0.0, 0.0); rated.raters];
        let mut counts = Vec::with_capacity(rated.ratings());
        for (output, range) in rated.first.windows(2).enumerate() {
            for at in range[0] as usize..range[1] as usize {
                let rater = rated.rater[at] as usize;
                let problem = f64::from(weight[output]);
                given[rater].0 += problem;
                given[rater].1 += problem * rated.value[at];
                counts.push(weight[output] * times.raters[rater]);
            }
        }
        let centred = |(rater, value): &(u32, f64)| {
            let (count, sum) = given[*rater as usize];
            if count > 0.0 { value - sum / count } else { 0.0 }
        };
        let column = Column::new(&rated.categories.iter().map(centred).collect::<Vec<f64>>());
        let mut values = vec![0.0; column.groups];
        column.group.iter().zip(&column.values).for_each(|(group, value)| values[*group as usize] = *value);
        let rows = rated
            .category
            .iter()
            .zip(counts)
            .map(|(category, times)| (column.group[*category as usize], times));
        Side::of_rows(rated.first.clone(), rows.collect(), &values)
    }

    /// `values`: that of each group, ascending.
    fn of_rows(first: Vec<u32>, rows: Vec<pairs::Counted>, values: &[f64]) -> Side {
        let (first, rows) = compact(&first, rows);
        let mut sizes = vec![0_u64; values.len()];
        rows.iter().for_each(|(group, times)| sizes[*group as usize] += u64::from(*times));
        let ranks = ranks(&sizes);
        let total = sizes.iter().sum::<u64>() as f64;
        let over =
            |of: &dyn Fn(usize) -> f64| sizes.iter().enumerate().map(|(g, n)| *n as f64 * of(g)).sum::<f64>();
        let mean = over(&|g| values[g]) / total;
        let outputs = first.len() - 1;
        let (mut weight, mut sum, mut rank_sum) = (vec![0; outputs], vec![0.0; outputs], vec![0.0; outputs]);
        for output in 0..outputs {
            for (group, times) in &rows[first[output] as usize..first[output + 1] as usize] {
                weight[output] += times;
                sum[output] += f64::from(*times) * (values[*group as usize] - mean);
                rank_sum[output] += f64::from(*times) * (ranks[*group as usize] - (total + 1.0) / 2.0);
            }
        }
        Side {
            squares: over(&|g| (values[g] - mean).powi(2)),
            rank_squares: over(&|g| (ranks[g] - (total + 1.0) / 2.0).powi(2)),
            constant: sizes.iter().filter(|n| **n > 0).count() < 2,
            groups: values.len(),
            weight,
            sum,
            rank_sum,
            total,
            first,
            rows,
        }
    }

    pub(super) fn coefficient(&self, of: Coefficient, x: &Column) -> Known {
        if self.total < 2.0 {
            return Err(Undefined::NoData);
        }
        if self.constant || !self.varies(x) {
            return Err(Undefined::ConstantColumn);
        }
        match of {
            Coefficient::KendallB => self.pairs(x).tau_b(),
            Coefficient::Pearson => {
                let weighted = x.values.iter().zip(&self.weight).map(|(x, w)| x * f64::from(*w));
                let mean = weighted.sum::<f64>() / self.total;
                self.product_moment(|output| x.values[output] - mean, &self.sum, self.squares)
            }
            Coefficient::Spearman => {
                let mut sizes = vec![0_u64; x.groups];
                x.group.iter().zip(&self.weight).for_each(|(g, w)| sizes[*g as usize] += u64::from(*w));
                let (ranks, middle) = (ranks(&sizes), (self.total + 1.0) / 2.0);
                self.product_moment(
                    |output| ranks[x.group[output] as usize] - middle,
                    &self.rank_sum,
                    self.rank_squares,
                )
            }
        }
    }

    /// `x` is centred, and so is what `sums` sums.
    fn product_moment(&self, x: impl Fn(usize) -> f64, sums: &[f64], yy: f64) -> Known {
        let (mut xx, mut xy) = (0.0, 0.0);
        for (output, (weight, sum)) in self.weight.iter().zip(sums).enumerate() {
            let x = x(output);
            xx += f64::from(*weight) * x * x;
            xy += x * sum;
        }
        // Two roots: the product of two sums of squares may be too small or too large for a number.
        Ok((xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
    }

    /// Whether the outputs that count differ in this column.
    fn varies(&self, x: &Column) -> bool {
        let mut groups =
            x.group.iter().zip(&self.weight).filter(|(_, weight)| **weight > 0).map(|(group, _)| group);
        groups.next().is_some_and(|first| groups.any(|group| group != first))
    }

    pub(super) fn pairs(&self, x: &Column) -> Pairs {
        let mut ties = x.order.chunk_by(|a, b| x.group[*a as usize] == x.group[*b as usize]);
        pairs::count(self.groups, self.total as u64, |rows| {
            let Some(tie) = ties.next() else { return false };
            for output in tie.iter().map(|output| *output as usize) {
                let own = &self.rows[self.first[output] as usize..self.first[output + 1] as usize];
                rows.extend(own);
            }
            true
        })
    }
}

/// Without rows that do not count, which are most of them in a replicate of problems and raters, and with the rows of an
/// output in the order in which pairs are counted: once for all metrics.
fn compact(first: &[u32], rows: Vec<pairs::Counted>) -> (Vec<u32>, Vec<pairs::Counted>) {
    let mut kept = Vec::with_capacity(rows.len());
    let mut starts = Vec::with_capacity(first.len());
    starts.push(0);
    for range in first.windows(2) {
        let from = kept.len();
        kept.extend(rows[range[0] as usize..range[1] as usize].iter().filter(|(_, times)| *times > 0));
        kept[from..].sort_unstable_by_key(|(group, _)| *group);
        starts.push(kept.len() as u32);
    }
    (starts, kept)
}

/// The rank, from 1, of each group of ties of these sizes, in order.
pub(super) fn ranks(sizes: &[u64]) -> Vec<f64> {
    let mut before = 0;
    sizes
        .iter()
        .map(|size| {
            let rank = before as f64 + (*size as f64 + 1.0) / 2.0;
            before += size;
            rank
        })
        .collect()
}
