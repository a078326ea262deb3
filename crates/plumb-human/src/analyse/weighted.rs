//! Means of all that the stimuli stand for, where they were drawn with unequal weights.
//!
//! Of outputs that were drawn by stratum, a plain mean says how the sample was rated and nothing of the run. Here each item's mean
//! rating counts by the item's weight: Σ w_i ȳ_i / Σ w_i, which is a ratio of sums over ratings that have weight w_i / n_i each,
//! n_i being how many ratings the item has. People and items are both samples, so the variance is clustered by both
//! ([`crossed_variance`]).

use plumb_stats::{ClusterRows, Level, crossed_variance};

use super::Selected;

/// A weighted mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval; `None` where participants or items are fewer than two, or nothing varies.
    pub interval: Option<(f64, f64)>,
}

/// The weighted mean of a condition's values; `None` without values, or where the stimuli have no weights.
pub(super) fn weighted(selected: &Selected<'_>, condition: u32) -> Option<Weighted> {
    let weights = selected.weights.as_ref()?;
    let own: Vec<(u32, u32, f64)> = selected
        .rows
        .iter()
        .zip(&selected.values)
        .filter(|(row, _)| row.condition == condition)
        .map(|(row, value)| (row.participant, row.item, *value))
        .collect();
    let mut ratings = vec![0_u32; weights.len()];
    own.iter().for_each(|(_, item, _)| ratings[*item as usize] += 1);
    let weight = |item: u32| weights[item as usize] / f64::from(ratings[item as usize]);
    let by = |cluster: &dyn Fn(usize) -> u32| {
        let mut rows = ClusterRows::new(1);
        for (at, (_, item, value)) in own.iter().enumerate() {
            rows.add_ratio(cluster(at), 0, weight(*item) * value, weight(*item)).ok()?;
        }
        rows.build().ok()
    };
    let total: f64 = own.iter().map(|(_, item, _)| weight(*item)).sum();
    let sum: f64 = own.iter().map(|(_, item, value)| weight(*item) * value).sum();
    let mean = (total > 0.0).then(|| sum / total)?;
    let (people, items, single) = (by(&|at| own[at].0)?, by(&|at| own[at].1)?, by(&|at| at as u32)?);
    let found = crossed_variance(&people, &items, &single, &[1.0]).ok()?.ok();
    let interval = found.filter(|found| found.std_error > 0.0).map(|found| found.interval(Level::P95));
    let interval = interval.map(|interval| (interval.low, interval.high));
    Some(Weighted { mean, interval })
}
