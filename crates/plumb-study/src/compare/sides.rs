//! What is known of one cell: both sides, and their difference within items.

use crate::method::{Value, value_of};
use plumb_stats::{ClusterRows, Draws, Inference, Level, PairedShares, Resample, Support, Wanted};

/// The difference of the sides, however its interval is made.
pub(super) enum Paired {
    /// Of labels: units that stand alone, or as many as clustered ones are worth.
    Shares { shares: PairedShares, alone: bool },
    /// Of numbers.
    Resampled(Inference),
}

impl Paired {
    /// How many items that stand alone tell as much of the difference as these; of numbers the variance of their mean, had each been
    /// drawn alone, over the cluster-robust one (Kish 1965's design effect), and as many as clusters where none changed.
    pub fn effective(&self, both: &[(u32, f64, f64)]) -> f64 {
        let n = both.len() as f64;
        let inference = match self {
            Paired::Shares { shares, .. } => return shares.units().min(n),
            Paired::Resampled(inference) => inference,
        };
        let Ok(error) = inference.std_error() else { return inference.clusters() as f64 };
        let mean = both.iter().map(|(_, b, r)| r - b).sum::<f64>() / n;
        let variance = both.iter().map(|(_, b, r)| (r - b - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        (variance / (error * error)).min(n)
    }

    /// (p of "above null", p of "below null").
    pub fn test(&self, null: f64) -> Option<(f64, f64)> {
        let test = match self {
            Paired::Shares { shares, .. } => shares.test(null).ok()?,
            Paired::Resampled(inference) => inference.test(null).ok()?,
        };
        Some((test.p_greater, test.p_less))
    }

    pub fn value(&self, level: Level) -> Value {
        match self {
            Paired::Resampled(inference) => value_of(inference, level),
            Paired::Shares { shares, .. } => match (shares.difference(), shares.interval(level)) {
                (Ok(estimate), Ok(i)) => {
                    Value::Interval { estimate, low: i.low, high: i.high, level: level.get() }
                }
                (_, Err(why)) | (Err(why), _) => Value::Undefined(why.to_string().into()),
            },
        }
    }

    pub fn method(&self, cluster: &str) -> String {
        match self {
            Paired::Shares { alone: true, .. } => "Tango's score interval, paired by item".into(),
            Paired::Shares { .. } => {
                format!("Tango's score interval on the effective n, paired by item; clusters: {cluster}")
            }
            Paired::Resampled(inference) => match inference.method() {
                Ok(method) => format!("{method}, paired; clusters: {cluster}"),
                Err(why) => format!("no interval: {why}"),
            },
        }
    }
}

/// Inferences about one cell.
pub(super) struct Sides {
    pub base: Option<Inference>,
    pub run: Option<Inference>,
    pub difference: Option<Paired>,
}

/// What the values of a cell are.
#[derive(Clone, Copy)]
pub(super) struct Values {
    /// Shares of a label, not numbers.
    pub share: bool,
    /// Each item is a cluster of its own and has one answer a side.
    pub plain: bool,
    /// Answers an item has on the side that has fewer, on average.
    pub answers: f64,
}

impl Sides {
    pub fn new(both: &[(u32, f64, f64)], values: Values, seed: u64) -> Sides {
        let mut rows = ClusterRows::new(2);
        for (cluster, base, run) in both {
            // Values come from verdicts, which are finite, and there are two cells: nothing to refuse.
            let _ = rows.add(*cluster, 0, *base).and(rows.add(*cluster, 1, *run));
        }
        let Ok(sums) = rows.build() else { return Sides { base: None, run: None, difference: None } };
        let resample = (!both.is_empty()).then(|| Resample::draw(&sums, Draws::seeded(seed)).ok()).flatten();
        let whole = |value: f64| value == 0.0 || value == 1.0;
        let support = match values.share {
            true if both.iter().all(|b| whole(b.1) && whole(b.2)) => Support::Binary,
            true => Support::Unit,
            false => Support::Real,
        };
        let about = |weights: [f64; 2]| {
            resample.as_ref().and_then(|r| r.contrast(&weights, support, Wanted::Default).ok())
        };
        let difference = shares(both, values).or_else(|| about([-1.0, 1.0]).map(Paired::Resampled));
        Sides { base: about([1.0, 0.0]), run: about([0.0, 1.0]), difference }
    }
}

/// Of labels the score method: a bootstrap of a few items that changed one way would exclude that any changes the other way.
fn shares(both: &[(u32, f64, f64)], values: Values) -> Option<Paired> {
    if !values.share || both.is_empty() {
        return None;
    }
    if !values.plain {
        let shares = PairedShares::clustered(both, values.answers).ok()?;
        return Some(Paired::Shares { shares, alone: false });
    }
    let count =
        |before: f64, after: f64| both.iter().filter(|b| b.1 == before && b.2 == after).count() as u64;
    let shares = PairedShares::new(both.len() as u64, count(0.0, 1.0), count(1.0, 0.0)).ok()?;
    Some(Paired::Shares { shares, alone: true })
}
