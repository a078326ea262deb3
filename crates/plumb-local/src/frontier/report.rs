//! The document: a table of the frontier, paired differences, contrasts, charts, and words.

use super::contrast;
use super::gather::{Arm, Gathered, Kind, Row};
use super::letters;
use super::measured;
use super::outcomes;
use super::overlap;
use super::refusals;
use super::tables::{by_level, changes, frontier};
use super::words;
use crate::sweep::{Measure, Role, Sweep};
use plumb_stats::{Level, PairedShares, Proportion};
use plumb_study::Document;
use plumb_study::document::{Cell, Lines, Mark, Scatter, Series, Tone};
use plumb_study::method::{Unit, Value};

/// A base this close above guessing has nothing to lose.
const FLOOR: f64 = 0.10;

/// What one setting came to on one measure.
pub(super) struct Came {
    pub value: Value,
    /// Less the base, on the same items.
    pub change: Value,
    /// Two-sided, against no change; none for the base.
    pub p: Option<f64>,
}

/// Whether a measure's base is so low that nothing could be lost.
pub(super) fn at_floor(measure: &Measure, base: &Value) -> bool {
    measure.role == Role::Capability
        && match (measure.chance, base.estimate()) {
            (Some(chance), Some(base)) => base < chance + FLOOR,
            _ => false,
        }
}

fn interval(estimate: f64, interval: plumb_stats::Interval) -> Value {
    Value::Interval { estimate, low: interval.low, high: interval.high, level: 0.95 }
}

fn undefined(reason: impl ToString) -> Value {
    Value::Undefined(reason.to_string().into())
}

/// A share with Wilson's interval.
pub(super) fn share(yes: u64, of: u64) -> Value {
    let Ok(share) = Proportion::new(yes, of) else { return undefined("no items") };
    match (share.rate(), share.wilson(Level::P95)) {
        (Ok(rate), Ok(range)) => interval(rate, range),
        (Err(why), _) | (_, Err(why)) => undefined(why),
    }
}

/// A rate with Wilson's interval, or a mean with that of a t test.
fn value(row: &Row, binary: bool) -> Value {
    if binary {
        let yes = row.values.values().filter(|value| **value > 0.5).count() as u64;
        return share(yes, row.values.len() as u64);
    }
    let values: Vec<f64> = row.values.values().copied().collect();
    mean(&values).0
}

/// A mean with its interval and p-value against 0.
fn mean(values: &[f64]) -> (Value, Option<f64>) {
    if values.is_empty() {
        return (undefined("no items"), None);
    }
    match plumb_stats::compare::one_sample(values, 0.0) {
        Ok(tested) => (interval(tested.estimate, tested.interval(Level::P95)), Some(tested.p)),
        Err(why) => {
            let estimate = values.iter().sum::<f64>() / values.len() as f64;
            (Value::Point { estimate, reason: why.to_string().into() }, None)
        }
    }
}

/// Values of both on the items that both answered: the base's first.
pub(super) fn pairs(base: &Row, row: &Row) -> Vec<(f64, f64)> {
    row.values.iter().filter_map(|(item, new)| Some((*base.values.get(item)?, *new))).collect()
}

/// How many more often and less often, of how many, as a difference of shares with its interval and p-value.
pub(super) fn paired(of: usize, gained: u64, lost: u64) -> (Value, Option<f64>) {
    let Ok(shares) = PairedShares::new(of as u64, gained, lost) else {
        return (undefined("no pairs"), None);
    };
    match (shares.difference(), shares.interval(Level::P95), shares.test(0.0)) {
        (Ok(difference), Ok(range), Ok(test)) => (interval(difference, range), Some(test.p_two_sided)),
        _ => (undefined("no items in common"), None),
    }
}

/// The difference of the means on the items that both answered, and its p.
pub(super) fn change(base: &Row, row: &Row, binary: bool) -> (Value, Option<f64>) {
    let pairs = pairs(base, row);
    if !binary {
        let differences: Vec<f64> = pairs.iter().map(|(old, new)| new - old).collect();
        return mean(&differences);
    }
    let gained = pairs.iter().filter(|(old, new)| new > old).count() as u64;
    let lost = pairs.iter().filter(|(old, new)| new < old).count() as u64;
    paired(pairs.len(), gained, lost)
}

/// By setting, then by measure.
pub(super) fn compare(gathered: &Gathered) -> Vec<Vec<Came>> {
    let base = gathered.arms.iter().position(|arm| arm.kind == Kind::Base).unwrap_or(0);
    let one = |arm: usize, measure: usize| {
        let rows = &gathered.rows[measure];
        let binary = gathered.binary[measure];
        let (change, p) = if arm == base {
            (undefined("the base itself"), None)
        } else {
            change(&rows[base], &rows[arm], binary)
        };
        Came { value: value(&rows[arm], binary), change, p }
    };
    (0..gathered.arms.len())
        .map(|arm| (0..gathered.rows.len()).map(|measure| one(arm, measure)).collect())
        .collect()
}

/// Higher is better: a measure's value with the sign turned where less is better; none where the setting was not asked.
fn goods(measures: &[Measure], came: &[Came]) -> Vec<Option<f64>> {
    let shown = |(measure, _): &(&Measure, &Came)| measure.role != Role::Shown;
    let one = |(measure, came): (&Measure, &Came)| {
        let value = came.value.estimate()?;
        Some(if matches!(measure.role, Role::Safety | Role::Capability) { value } else { -value })
    };
    measures.iter().zip(came).filter(shown).map(one).collect()
}

/// Whether another setting is at least as good in everything that this one was asked, and better in something.
fn dominated(measures: &[Measure], all: &[Vec<Came>], which: usize) -> bool {
    let mine = goods(measures, &all[which]);
    all.iter().enumerate().filter(|(at, _)| *at != which).any(|(_, other)| {
        let other = goods(measures, other);
        let pairs = || other.iter().zip(&mine).filter(|(_, mine)| mine.is_some());
        // What was not asked is less than everything.
        pairs().all(|(other, mine)| other >= mine) && pairs().any(|(other, mine)| other > mine)
    })
}

/// The report of a sweep.
pub fn document(name: &str, gathered: &Gathered, sweep: &Sweep) -> Document {
    let all = compare(gathered);
    let dominated: Vec<bool> = (0..all.len()).map(|arm| dominated(&sweep.measures, &all, arm)).collect();
    let mut document = Document::new("What steering costs", name);
    document.about = Some(format!(
        "Settings of {} against the unsteered model, on the same items. {} settings, {} measure{}.",
        sweep.model,
        gathered.arms.len(),
        sweep.measures.len(),
        if sweep.measures.len() == 1 { "" } else { "s" }
    ));
    let missing: u64 = gathered.rows.iter().flatten().map(|row| row.missing).sum();
    if missing > 0 {
        document
            .warn(format!("{missing} answers have no verdict; they are left out, not counted as anything"));
    }
    let (unasked, planned) = gathered.unasked;
    if unasked > 0 {
        document.warn(format!(
            "{unasked} of {planned} trials are not asked yet: this is no result, and settings and measures that come late in the plan are missing; the same command goes on"
        ));
    }
    for direction in &sweep.directions {
        document.warnings.extend(overlap::warning(&gathered.overlaps, &direction.id));
    }
    let section = document.section("In words");
    if unasked > 0 {
        section.prose(format!("So far, with {} of {planned} trials asked:", planned - unasked));
    }
    for sentence in words::all(gathered, sweep, &all) {
        section.prose(sentence);
    }
    plane(&mut document, gathered, sweep, &all, &dominated);
    frontier(&mut document, gathered, sweep, &all, &dominated);
    changes(&mut document, gathered, sweep, &all);
    contrast::table(&mut document, gathered, sweep);
    refusals::tables(&mut document, gathered, sweep);
    outcomes::tables(&mut document, gathered, sweep);
    letters::tables(&mut document, gathered, sweep);
    by_level(&mut document, gathered, sweep);
    strengths(&mut document, gathered, sweep, &all);
    measured::table(&mut document, gathered, sweep, &all);
    document
}

pub(super) fn unit(gathered: &Gathered, measure: usize) -> Unit {
    if gathered.binary[measure] { Unit::Share } else { Unit::Number }
}

pub(super) fn named(arm: &Arm, faint: bool) -> Cell {
    if faint { Cell::toned(arm.id.clone(), Tone::Faint) } else { Cell::text(arm.id.clone()) }
}

/// What is won against what it costs, setting by setting.
fn plane(document: &mut Document, gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>], dominated: &[bool]) {
    let first = |role: Role| sweep.measures.iter().position(|measure| measure.role == role);
    let (Some(safety), Some(over)) = (first(Role::Safety), first(Role::OverRefusal)) else { return };
    let series =
        ["unsteered", "steered", "random", "instructions", "spliced", "gated"].map(str::to_owned).to_vec();
    let marks = gathered.arms.iter().enumerate().filter_map(|(at, arm)| {
        let (x, y) = (all[at][over].value.estimate()?, all[at][safety].value.estimate()?);
        Some(Mark {
            series: arm.kind as usize,
            label: Some(arm.id.clone()),
            faint: dominated[at],
            ..Mark::new(x, y)
        })
    });
    let scatter = Scatter {
        title: "Refusal of unsafe prompts against refusal of safe ones".into(),
        x: sweep.measures[over].id.clone(),
        y: sweep.measures[safety].id.clone(),
        marks: marks.collect(),
        series,
        diagonal: true,
    };
    document.section("Safety against over-refusal").chart(plumb_study::document::Chart::Scatter(scatter));
}

/// Each measure by strength, where there are several.
fn strengths(document: &mut Document, gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>]) {
    let chart = |(m, measure): (usize, &Measure)| Lines {
        title: format!("{} by strength", measure.id),
        x: "strength".into(),
        y: measure.id.clone(),
        unit: unit(gathered, m),
        series: lines(gathered, all, m),
        diagonal: false,
    };
    let several = |chart: &Lines| chart.series.iter().any(|series| series.points.len() > 1);
    let charts: Vec<Lines> = sweep.measures.iter().enumerate().map(chart).filter(several).collect();
    if charts.is_empty() {
        return;
    }
    let section = document.section("By strength");
    for chart in charts {
        section.chart(plumb_study::document::Chart::Lines(chart));
    }
}

/// A line a direction; strength 0 is the unsteered model.
fn lines(gathered: &Gathered, all: &[Vec<Came>], measure: usize) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    let base = gathered.arms.iter().position(|arm| arm.kind == Kind::Base);
    for (at, arm) in gathered.arms.iter().enumerate() {
        let Some(strength) = arm.strength else { continue };
        // A direction that is used at several positions has a line for each: the strength ends the id.
        let name = arm.id.strip_suffix(&format!("-{strength}")).unwrap_or(&arm.direction).to_owned();
        let found = series.iter().position(|series| series.name == name).unwrap_or_else(|| {
            let start = base.map(|base| (0.0, all[base][measure].value.clone()));
            series.push(Series { name, points: start.into_iter().collect() });
            series.len() - 1
        });
        series[found].points.push((strength, all[at][measure].value.clone()));
    }
    series.iter_mut().for_each(|series| series.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    series
}
