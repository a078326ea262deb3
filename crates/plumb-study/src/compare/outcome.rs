//! From paired values to a decision.
//!
//! A signed difference is positive where the run is better. With a margin m, non-inferiority is a difference shown to
//! be above −m, one-sided at α; with the usual 95 % interval α is 2.5 %. "All cells keep the margin" is an
//! intersection–union claim (Berger 1982, Technometrics 24:295–300), each part of which is tested at α without
//! correction; "some cell got worse" and "some cell got better" are not, so those p-values are Holm-adjusted within the
//! analysis.
//!
//! Verdicts that one side lacks are not lost at random: judges fail and filters block where answers are worst. So "no
//! regression" and "improved" have to hold also if every such verdict spoke against them.

use super::moved;
use super::sides::{Paired, Sides, Values};
use super::table::{Row, Table};
use crate::error::{Error, Result};
use crate::id::{AnalysisId, derive_seed};
use crate::method::policy::{Names, in_words};
use crate::method::{Aim, Cell, Missing, Unit, Value, value_of};
use crate::plan::Analysis;
use plumb_stats::{Level, multiplicity::holm};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a difference comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every shared item has the same verdict on both sides, and they are enough to show the margin, if there is one.
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
    /// How many items that stand alone tell as much: fewer than `n` where items of a cluster change together.
    pub effective: f64,
    /// Items whose value went up, down.
    pub moved: (u64, u64),
    /// Items with fewer verdicts that count in the run than in the base, and with more.
    pub lost: (u64, u64),
    /// Whether every verdict is the same on both sides.
    pub same: bool,
    /// Where verdicts were lost or gained, the difference if they spoke for the lowest and for the highest; of labels.
    pub bounds: Option<(f64, f64)>,
    /// What the plan's policies did in the base and in the run.
    pub policies: [Option<String>; 2],
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
    /// The same p-values, of "better" and of the margin, if all verdicts lost or gained spoke against the run.
    pub(super) worst: Option<(f64, Option<f64>)>,
    /// The decision.
    pub outcome: Outcome,
}

/// One row a cell, not yet decided.
pub(super) fn rows(table: &Table, analysis: &Analysis, aim: Option<Aim>, seed: u64) -> Vec<Compared> {
    let Ok(level) = Level::new(analysis.level) else { return Vec::new() };
    (0..table.cells.len())
        .map(|cell| {
            let seed =
                derive_seed(seed, &[b"compare", analysis.id.0.as_bytes(), &(cell as u64).to_le_bytes()]);
            Place { table, cell, aim, seed }.compared(analysis, level)
        })
        .collect()
}

/// A cell of the table.
struct Place<'t> {
    table: &'t Table,
    cell: usize,
    aim: Option<Aim>,
    seed: u64,
}

impl Place<'_> {
    fn compared(&self, analysis: &Analysis, level: Level) -> Compared {
        let Place { table, cell, aim, seed } = *self;
        let rows: Vec<&Row> = table.rows.iter().filter(|r| r.cell as usize == cell).collect();
        let both = paired(&rows, Row::means);
        let share = !table.scale.labels().is_empty();
        let sides = Sides::new(&both, self.values(&rows), seed);
        let count = |holds: fn(&Row) -> bool| rows.iter().filter(|r| holds(r)).count() as u64;
        let tests = aim.zip(sides.difference.as_ref());
        let at_zero = tests.and_then(|(aim, d)| signed(0.0, aim, d));
        let same = rows.iter().all(|row| moved::same(row, &table.scale));
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
            effective: sides.difference.as_ref().map_or(0.0, |d| d.effective(&both)),
            moved: (
                count(|row| row.means().is_some_and(|(b, r)| r > b)),
                count(|row| row.means().is_some_and(|(b, r)| r < b)),
            ),
            lost: (
                count(|row| row.run.values.len() < row.base.values.len()),
                count(|row| row.run.values.len() > row.base.values.len()),
            ),
            same,
            bounds: share.then(|| bounds(&rows)).flatten(),
            policies: [0, 1].map(|side| policies(table, cell, side)),
            missing: [missing(rows.iter().map(|r| &r.base)), missing(rows.iter().map(|r| &r.run))],
            aim,
            p_worse: at_zero.map(|p| p.1),
            p_better: at_zero.map(|p| p.0),
            p_kept: tests.and_then(|(aim, d)| Some(signed(-aim.margin?, aim, d)?.0)),
            worst: share.then(|| self.worst(&rows)).flatten(),
            outcome: match () {
                () if both.is_empty() => Outcome::NoData,
                () if aim.is_none() && same => Outcome::Identical,
                () if aim.is_none() => Outcome::NoAim,
                () => Outcome::Inconclusive,
            },
        }
    }

    fn values(&self, rows: &[&Row]) -> Values {
        let counts = rows.iter().filter(|r| r.means().is_some());
        let fewest: Vec<usize> = counts.map(|r| r.base.values.len().min(r.run.values.len())).collect();
        let answers = fewest.iter().sum::<usize>() as f64 / fewest.len().max(1) as f64;
        Values { share: !self.table.scale.labels().is_empty(), plain: self.table.plain, answers }
    }

    /// p-values of "better" and of the margin if every verdict lost or gained spoke against the run; `None` where
    /// there is none.
    fn worst(&self, rows: &[&Row]) -> Option<(f64, Option<f64>)> {
        let aim = self.aim.filter(|_| rows.iter().any(|row| row.uneven()))?;
        let (base, run) = if aim.better.sign() > 0.0 { (1.0, 0.0) } else { (0.0, 1.0) };
        let filled = paired(rows, |row| row.filled(base, run));
        let difference = Sides::new(&filled, self.values(rows), self.seed).difference?;
        let kept = aim.margin.map(|margin| signed(-margin, aim, &difference).map_or(1.0, |p| p.0));
        Some((signed(0.0, aim, &difference).map_or(1.0, |p| p.0), kept))
    }
}

/// Rows with a value on both sides: (cluster, base, run).
fn paired(rows: &[&Row], values: impl Fn(&Row) -> Option<(f64, f64)>) -> Vec<(u32, f64, f64)> {
    rows.iter().filter_map(|row| values(row).map(|(base, run)| (row.cluster, base, run))).collect()
}

/// p-values of "better than the null value" and of "worse than it"; the null value is signed so that gains are positive.
fn signed(null: f64, aim: Aim, difference: &Paired) -> Option<(f64, f64)> {
    let (above, below) = difference.test(null * aim.better.sign())?;
    Some(if aim.better.sign() > 0.0 { (above, below) } else { (below, above) })
}

/// The lowest and the highest difference that verdicts lost or gained allow.
fn bounds(rows: &[&Row]) -> Option<(f64, f64)> {
    if !rows.iter().any(|row| row.uneven()) {
        return None;
    }
    let difference = |base: f64, run: f64| {
        let filled = paired(rows, |row| row.filled(base, run));
        filled.iter().map(|(_, base, run)| run - base).sum::<f64>() / filled.len().max(1) as f64
    };
    Some((difference(1.0, 0.0), difference(0.0, 1.0)))
}

/// What policies did to one side of a cell.
fn policies(table: &Table, cell: usize, side: usize) -> Option<String> {
    let tally = &table.tallies[cell][side];
    in_words(tally.ruled.iter(), tally.by_verdicts(), Names::LABEL)
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
        let (worst_better, worst_kept) = row.worst.unwrap_or((0.0, Some(0.0)));
        let small = |p: Option<f64>| p.is_some_and(|p| p <= alpha);
        let kept = small(row.p_kept) && small(worst_kept);
        row.outcome = match () {
            () if row.same && (kept || row.aim.is_some_and(|a| a.margin.is_none())) => Outcome::Identical,
            () if better <= alpha && worst_better <= alpha => Outcome::Improved,
            () if kept => Outcome::NoRegression,
            () if worse <= alpha => Outcome::Regression,
            () => Outcome::Inconclusive,
        };
    }
    Ok(())
}
