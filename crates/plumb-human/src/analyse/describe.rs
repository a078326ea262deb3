//! Counts, means, distributions: what stands before any model.

use std::collections::BTreeMap;

use plumb_stats::Level;
use plumb_stats::compare::{chi_square, freeman_halton, goodness_of_fit, goodness_of_shares};
use plumb_stats::model::{ClusterRobust, Coding, Correction, Formula, LinearFit as _, LinearModel, Table};

use super::{Differs, Group, Selected};
use crate::data::Data;
use crate::study::Study;

/// Who of those assigned has fewer items than the most anybody has, by condition, and whether that differs between conditions.
///
/// Where fewer than five incomplete people are expected in some condition, p is exact: that of χ² is wrong then.
pub(super) fn attrition(data: &Data, assigned: &[u64]) -> ((Vec<u64>, usize), Option<Differs>) {
    let each = data.items_each();
    let most = each.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let mut complete = vec![0; assigned.len()];
    for (condition, count) in &each {
        complete[*condition as usize] += u64::from(*count == most);
    }
    let incomplete: Vec<u64> =
        assigned.iter().zip(&complete).map(|(n, all)| n.saturating_sub(*all)).collect();
    // A condition without anybody has nothing to differ in.
    let (left, stayed): (Vec<u64>, Vec<u64>) =
        incomplete.iter().zip(complete).filter(|(left, stayed)| *left + stayed > 0).unzip();
    let exact = || freeman_halton(&left, &stayed).ok().flatten();
    let test = chi_square(&[left.clone(), stayed.clone()]).ok();
    let test = test.map(|of| Differs { of, exact: (of.least_expected < 5.0).then(exact).flatten() });
    ((incomplete, most), test)
}

/// Numbers assigned to conditions against the places that the file gives them; against equal numbers where it gives none.
pub(super) fn balance(study: &Study, assigned: &[u64]) -> Option<(Differs, bool)> {
    let places = study.assignment.as_ref().map(|a| &a.places);
    let shares: Option<Vec<f64>> =
        study.condition.iter().map(|c| places?.get(&c.id).map(|n| *n as f64)).collect();
    let unequal = shares.filter(|shares| shares.windows(2).any(|pair| pair[0] != pair[1]));
    let test = match &unequal {
        Some(shares) => goodness_of_shares(assigned, shares),
        None => goodness_of_fit(assigned),
    };
    Some((Differs { of: test.ok()?, exact: None }, unequal.is_some()))
}

pub(super) fn groups(selected: &Selected) -> Vec<Group> {
    let mut groups = by_condition(selected, |_| true);
    for (group, condition) in groups.iter_mut().zip(&selected.positions) {
        group.weighted = super::weighted::weighted(selected, *condition);
    }
    groups
}

pub(super) fn by_item(selected: &Selected) -> Vec<(String, Vec<Group>)> {
    let one = |(item, label): &(u32, &str)| ((*label).to_owned(), by_condition(selected, |i| i == *item));
    selected.items.iter().map(one).collect()
}

fn by_condition(selected: &Selected, item: impl Fn(u32) -> bool) -> Vec<Group> {
    let one = |(condition, position): (&&crate::study::Condition, &u32)| {
        let rows = selected.rows.iter().zip(&selected.values);
        let list: Vec<(u32, f64)> = rows
            .filter(|(r, _)| r.condition == *position && item(r.item))
            .map(|(r, v)| (r.participant, *v))
            .collect();
        group(&condition.id, &list)
    };
    selected.conditions.iter().zip(&selected.positions).map(one).collect()
}

fn group(condition: &str, list: &[(u32, f64)]) -> Group {
    let mut people: Vec<u32> = list.iter().map(|(p, _)| *p).collect();
    people.sort_unstable();
    people.dedup();
    let n = list.len() as f64;
    let mut sorted: Vec<f64> = list.iter().map(|(_, v)| *v).collect();
    sorted.sort_by(f64::total_cmp);
    let mean = (!list.is_empty()).then(|| sorted.iter().sum::<f64>() / n);
    let middle = sorted.len() / 2;
    let median = match sorted.len() {
        0 => None,
        k if k % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    };
    let deviation = mean
        .filter(|_| list.len() > 1)
        .map(|m| (sorted.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (n - 1.0)).sqrt());
    Group {
        condition: condition.to_owned(),
        participants: people.len() as u64,
        rows: list.len() as u64,
        mean,
        median,
        deviation,
        interval: interval(list, &people),
        weighted: None,
    }
}

/// The mean's interval from CR1 errors by participant; `None` where the data give none.
fn interval(list: &[(u32, f64)], people: &[u32]) -> Option<(f64, f64)> {
    let table = Table::new(list.len()).numeric("y", list.iter().map(|(_, v)| *v).collect()).ok()?;
    let fit = LinearModel::fit(&table, &Formula::parse("y ~ 1").ok()?, Coding::Treatment).ok()?;
    let clusters: Vec<u32> = list.iter().map(|(p, _)| people.partition_point(|q| q < p) as u32).collect();
    let robust = ClusterRobust::new(&fit, &clusters, Correction::Cr1).ok()?;
    let test = robust.test(&[1.0]).ok()?;
    // Values that are all the same say nothing of how people differ; rounding may leave a trace.
    if test.std_error <= 1e-12 * test.estimate.abs() {
        return None;
    }
    let interval = test.interval(Level::P95);
    interval.low.is_finite().then_some((interval.low, interval.high))
}

/// Bins of a distribution at most.
const BINS: f64 = 12.0;

/// Shares in equal bins over all conditions; where an outcome has few values, each is its own bin.
pub(super) fn distribution(selected: &Selected) -> Vec<(f64, Vec<f64>)> {
    let low = selected.values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = selected.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return Vec::new();
    }
    let step = selected.step.unwrap_or(if selected.values.iter().all(|v| v.fract() == 0.0) {
        1.0
    } else {
        (high - low) / BINS
    });
    let wide = (((high - low) / step + 1.0) / BINS).ceil().max(1.0) * step;
    let bin = |v: f64| ((v - low) / wide + 1e-9).floor() as u32;
    let mut counts: BTreeMap<u32, Vec<u64>> =
        (0..=bin(high)).map(|b| (b, vec![0; selected.positions.len()])).collect();
    let mut totals = vec![0_u64; selected.positions.len()];
    for (row, value) in selected.rows.iter().zip(&selected.values) {
        if let Some(at) = selected.positions.iter().position(|p| *p == row.condition) {
            totals[at] += 1;
            if let Some(of) = counts.get_mut(&bin(*value)) {
                of[at] += 1;
            }
        }
    }
    let middle = |b: u32| low + f64::from(b) * wide + (wide - step.min(wide)) / 2.0;
    let shares =
        |of: &[u64]| of.iter().zip(&totals).map(|(n, all)| *n as f64 / (*all).max(1) as f64).collect();
    counts.iter().map(|(b, of)| (middle(*b), shares(of))).collect()
}
