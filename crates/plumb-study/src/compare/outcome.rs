//! From paired values to a decision.
//!
//! A signed difference is positive where the run is better. With a margin m, non-inferiority is a difference shown to
//! be above −m, one-sided at α; with the usual 95 % interval α is 2.5 %. "All cells keep the margin" is an
//! intersection–union claim (Berger 1982, Technometrics 24:295–300), each part of which is tested at α without
//! correction; "some cell got worse" and "some cell got better" are not, so those p-values are Holm-adjusted within the
//! analysis.

use super::table::{Row, Table};
use crate::error::{Error, Result};
use crate::id::{AnalysisId, derive_seed};
use crate::method::{Aim, Cell, Missing, Unit, Value, value_of};
use crate::plan::Analysis;
use plumb_stats::{
    ClusterRows, Draws, Inference, Level, PairedShares, Resample, Support, Wanted, multiplicity::holm,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a difference comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every shared item has the same value on both sides.
    Identical,
    /// Better.
    Improved,
    /// Shown to be no worse than the margin allows.
    NoRegression,
    /// Worse, and not shown to keep the margin.
    Regression,
    /// None of these.
    Inconclusive,
    /// The plan does not say which way is better.
    NoAim,
    /// No item has a value on both sides.
    NoData,
}

impl Outcome {
    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Identical => "identical",
            Outcome::Improved => "improved",
            Outcome::NoRegression => "no regression",
            Outcome::Regression => "regression",
            Outcome::Inconclusive => "inconclusive",
            Outcome::NoAim => "no aim stated",
            Outcome::NoData => "no data",
        }
    }
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The analysis.
    pub analysis: AnalysisId,
    /// What is measured: `judge.measure`, with the label counted.
    pub of: Arc<str>,
    /// Subjects: (of the base, of the run).
    pub subjects: (Arc<str>, Arc<str>),
    /// Levels of the item tags.
    pub at: Vec<(Arc<str>, Arc<str>)>,
    /// How to show the values of the sides.
    pub unit: Unit,
    /// The base's value over the shared items.
    pub base: Value,
    /// The run's value over the shared items.
    pub run: Value,
    /// Run minus base, within items.
    pub difference: Value,
    /// How the interval was made.
    pub method: String,
    /// Items with a value on both sides.
    pub n: u64,
    /// Items whose value went up, down.
    pub moved: (u64, u64),
    /// Values missing in the base and in the run, by reason.
    pub missing: [Vec<(Missing, u64)>; 2],
    /// What the plan says beforehand.
    pub aim: Option<Aim>,
    /// p-value of "the run is worse", Holm-adjusted within the analysis.
    pub p_worse: Option<f64>,
    /// p-value of "the run is better", Holm-adjusted within the analysis.
    pub p_better: Option<f64>,
    /// p-value of "the run is worse by less than the margin, or better", unadjusted.
    pub p_kept: Option<f64>,
    /// The decision.
    pub outcome: Outcome,
}

/// The difference of the sides, however its interval is made.
enum Paired {
    Shares(PairedShares),
    Resampled(Inference),
}

impl Paired {
    /// (p of "above null", p of "below null").
    fn test(&self, null: f64) -> Option<(f64, f64)> {
        let test = match self {
            Paired::Shares(shares) => shares.test(null).ok()?,
            Paired::Resampled(inference) => inference.test(null).ok()?,
        };
        Some((test.p_greater, test.p_less))
    }

    fn value(&self, level: Level) -> Value {
        match self {
            Paired::Resampled(inference) => value_of(inference, level),
            Paired::Shares(shares) => match (shares.difference(), shares.interval(level)) {
                (Ok(estimate), Ok(i)) => {
                    Value::Interval { estimate, low: i.low, high: i.high, level: level.get() }
                }
                (_, Err(why)) | (Err(why), _) => Value::Undefined(why.to_string().into()),
            },
        }
    }

    fn method(&self, cluster: &str) -> String {
        match self {
            Paired::Shares(_) => "Tango's score interval, paired by item".into(),
            Paired::Resampled(inference) => match inference.method() {
                Ok(method) => format!("{method}, paired; clusters: {cluster}"),
                Err(why) => format!("no interval: {why}"),
            },
        }
    }
}

/// One row a cell, not yet decided.
pub(super) fn rows(table: &Table, analysis: &Analysis, aim: Option<Aim>, seed: u64) -> Vec<Compared> {
    let Ok(level) = Level::new(analysis.level) else { return Vec::new() };
    (0..table.cells.len())
        .map(|cell| {
            let rows: Vec<&Row> = table.rows.iter().filter(|r| r.cell as usize == cell).collect();
            let both: Vec<(u32, f64, f64)> =
                rows.iter().filter_map(|r| Some((r.cluster, r.base.mean()?, r.run.mean()?))).collect();
            let share = !table.scale.labels().is_empty();
            let seed =
                derive_seed(seed, &[b"compare", analysis.id.0.as_bytes(), &(cell as u64).to_le_bytes()]);
            let sides = Sides::new(&both, share, share && table.plain, seed);
            let up = both.iter().filter(|(_, b, r)| r > b).count() as u64;
            let down = both.iter().filter(|(_, b, r)| r < b).count() as u64;
            let tests = aim.zip(sides.difference.as_ref());
            let signed = |null: f64, aim: Aim, difference: &Paired| {
                let (above, below) = difference.test(null * aim.better.sign())?;
                Some(if aim.better.sign() > 0.0 { (above, below) } else { (below, above) })
            };
            let at_zero = tests.and_then(|(aim, d)| signed(0.0, aim, d));
            let kept = tests.and_then(|(aim, d)| Some(signed(-aim.margin?, aim, d)?.0));
            let none = || Value::Undefined("no item has a value on both sides".into());
            Compared {
                analysis: analysis.id.clone(),
                of: table.of.clone(),
                subjects: table.pair.clone(),
                at: table.cells[cell].clone(),
                unit: if share { Unit::Share } else { Unit::Number },
                base: sides.base.as_ref().map_or_else(none, |i| value_of(i, level)),
                run: sides.run.as_ref().map_or_else(none, |i| value_of(i, level)),
                difference: sides.difference.as_ref().map_or_else(none, |d| d.value(level)),
                method: sides.difference.as_ref().map_or_else(String::new, |d| d.method(&table.cluster_name)),
                n: both.len() as u64,
                moved: (up, down),
                missing: [missing(rows.iter().map(|r| &r.base)), missing(rows.iter().map(|r| &r.run))],
                aim,
                p_worse: at_zero.map(|p| p.1),
                p_better: at_zero.map(|p| p.0),
                p_kept: kept,
                outcome: match () {
                    () if both.is_empty() => Outcome::NoData,
                    () if up + down == 0 => Outcome::Identical,
                    () if aim.is_none() => Outcome::NoAim,
                    () => Outcome::Inconclusive,
                },
            }
        })
        .collect()
}

/// Inferences about one cell.
struct Sides {
    base: Option<Inference>,
    run: Option<Inference>,
    difference: Option<Paired>,
}

impl Sides {
    fn new(both: &[(u32, f64, f64)], share: bool, plain: bool, seed: u64) -> Sides {
        let mut rows = ClusterRows::new(2);
        for (cluster, base, run) in both {
            // Values come from verdicts, which are finite, and there are two cells: nothing to refuse.
            let _ = rows.add(*cluster, 0, *base).and(rows.add(*cluster, 1, *run));
        }
        let Ok(sums) = rows.build() else { return Sides { base: None, run: None, difference: None } };
        let resample = (!both.is_empty()).then(|| Resample::draw(&sums, Draws::seeded(seed)).ok()).flatten();
        let support = match (share, plain) {
            (true, true) => Support::Binary,
            (true, false) => Support::Unit,
            (false, _) => Support::Real,
        };
        let about = |weights: [f64; 2]| {
            resample.as_ref().and_then(|r| r.contrast(&weights, support, Wanted::Default).ok())
        };
        let difference = if plain {
            let count = |(before, after): (f64, f64)| {
                both.iter().filter(|b| (b.1, b.2) == (before, after)).count() as u64
            };
            PairedShares::new(both.len() as u64, count((0.0, 1.0)), count((1.0, 0.0)))
                .ok()
                .filter(|_| !both.is_empty())
                .map(Paired::Shares)
        } else {
            about([-1.0, 1.0]).map(Paired::Resampled)
        };
        Sides { base: about([1.0, 0.0]), run: about([0.0, 1.0]), difference }
    }
}

fn missing<'a>(sides: impl Iterator<Item = &'a super::table::Said>) -> Vec<(Missing, u64)> {
    let mut counts = BTreeMap::new();
    for cell in sides.flat_map(|s| &s.cells) {
        if let Cell::Missing(why) = cell {
            *counts.entry(*why).or_insert(0) += 1;
        }
    }
    counts.into_iter().collect()
}

/// Decides all rows of one analysis together.
pub(super) fn decide(family: &mut [Compared], level: f64) -> Result<()> {
    let alpha = (1.0 - level) / 2.0;
    let adjust = |pick: fn(&Compared) -> Option<f64>, family: &[Compared]| {
        let raw: Vec<f64> = family.iter().map(|c| pick(c).unwrap_or(1.0)).collect();
        holm(&raw).map_err(|e| Error::plan(e.to_string()))
    };
    let worse = adjust(|c| c.p_worse, family)?;
    let better = adjust(|c| c.p_better, family)?;
    for ((row, worse), better) in family.iter_mut().zip(worse).zip(better) {
        row.p_worse = row.p_worse.map(|_| worse);
        row.p_better = row.p_better.map(|_| better);
        if row.outcome != Outcome::Inconclusive {
            continue;
        }
        row.outcome = match () {
            () if better <= alpha => Outcome::Improved,
            () if row.p_kept.is_some_and(|p| p <= alpha) => Outcome::NoRegression,
            () if worse <= alpha => Outcome::Regression,
            () => Outcome::Inconclusive,
        };
    }
    Ok(())
}
