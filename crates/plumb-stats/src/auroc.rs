//! The area under the ROC curve of a score, with an interval that allows for clustered rows.
//!
//! The area is the Mann–Whitney probability that a row of truth "yes" scores above one of truth "no", ties counting half
//! (Hanley & McNeil 1982, Radiology 143:29–36). Its variance is DeLong's (DeLong, DeLong & Clarke-Pearson 1988,
//! Biometrics 44:837–845) in the form for clusters of Obuchowski (1997, Biometrics 53:567–578), which is the former where
//! every row is a cluster. The interval is symmetric on the logit scale, so that it stays within 0 and 1.

use std::collections::BTreeMap;

use crate::distribution::normal_quantile;
use crate::{Error, Interval, Level, Undefined};

/// A row with a score: higher means more of a "yes".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredRow {
    /// What it belongs to.
    pub cluster: u32,
    /// Any finite number.
    pub score: f64,
    /// The truth.
    pub truth: bool,
}

/// The area, and its standard error where the data give one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Auroc {
    pub area: f64,
    pub std_error: Result<f64, Undefined>,
}

/// A point of the curve: what happens if scores at or above `threshold` count as "yes".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    pub threshold: f64,
    pub recall: f64,
    pub specificity: f64,
}

impl RocPoint {
    /// recall + specificity − 1.
    pub fn youden(&self) -> f64 {
        self.recall + self.specificity - 1.0
    }
}

impl Auroc {
    /// The interval at a level. [`Undefined::NoVariation`] where the scores part the truths without a mistake.
    pub fn interval(&self, level: Level) -> Result<Interval, Undefined> {
        let std_error = self.std_error?;
        if self.area <= 0.0 || self.area >= 1.0 || std_error <= 0.0 {
            return Err(Undefined::NoVariation);
        }
        let z = normal_quantile(1.0 - level.tail());
        let logit = (self.area / (1.0 - self.area)).ln();
        let half = z * std_error / (self.area * (1.0 - self.area));
        let back = |x: f64| 1.0 / (1.0 + (-x).exp());
        Ok(Interval { low: back(logit - half), high: back(logit + half), level })
    }
}

/// The area under the curve of `rows`.
///
/// # Errors
/// Outer: a score that is not finite. Inner: [`Undefined::NoData`] without rows of both truths.
pub fn auroc(rows: &[ScoredRow]) -> Result<Result<Auroc, Undefined>, Error> {
    if rows.iter().any(|r| !r.score.is_finite()) {
        return Err(Error::not_finite("a score"));
    }
    let sorted = |truth: bool| {
        let mut scores: Vec<f64> = rows.iter().filter(|r| r.truth == truth).map(|r| r.score).collect();
        scores.sort_by(f64::total_cmp);
        scores
    };
    let (yes, no) = (sorted(true), sorted(false));
    let (m, n) = (yes.len() as f64, no.len() as f64);
    if yes.is_empty() || no.is_empty() {
        return Ok(Err(Undefined::NoData));
    }
    // For each row the share of the other truth's rows that it stands on the right side of.
    let component = |r: &ScoredRow| {
        let others = if r.truth { &no } else { &yes };
        let below = others.partition_point(|s| *s < r.score) as f64;
        let equal = others.partition_point(|s| *s <= r.score) as f64 - below;
        let share = (below + equal / 2.0) / others.len() as f64;
        if r.truth { share } else { 1.0 - share }
    };
    let mut clusters: BTreeMap<u32, Part> = BTreeMap::new();
    let mut area = 0.0;
    for row in rows {
        let value = component(row);
        let part = clusters.entry(row.cluster).or_default();
        if row.truth {
            area += value / m;
            part.yes += value;
            part.count_yes += 1.0;
        } else {
            part.no += value;
            part.count_no += 1.0;
        }
    }
    Ok(Ok(Auroc { area, std_error: std_error(&clusters, area, m, n) }))
}

/// Sums of one cluster.
#[derive(Default)]
struct Part {
    yes: f64,
    count_yes: f64,
    no: f64,
    count_no: f64,
}

fn std_error(clusters: &BTreeMap<u32, Part>, area: f64, m: f64, n: f64) -> Result<f64, Undefined> {
    let with = |count: fn(&Part) -> f64| clusters.values().filter(|c| count(c) > 0.0).count() as f64;
    let (with_yes, with_no) = (with(|c| c.count_yes), with(|c| c.count_no));
    if with_yes < 2.0 || with_no < 2.0 {
        return Err(Undefined::OneCluster);
    }
    let all = clusters.len() as f64;
    let (mut yes, mut no, mut both) = (0.0, 0.0, 0.0);
    for c in clusters.values() {
        let (u, v) = (c.yes - c.count_yes * area, c.no - c.count_no * area);
        yes += u * u;
        no += v * v;
        both += u * v;
    }
    let variance = yes * with_yes / ((with_yes - 1.0) * m * m)
        + no * with_no / ((with_no - 1.0) * n * n)
        + 2.0 * both * all / ((all - 1.0) * m * n);
    Ok(variance.max(0.0).sqrt())
}

/// The curve, from the highest threshold to the lowest; empty without rows of both truths.
pub fn roc_curve(rows: &[ScoredRow]) -> Vec<RocPoint> {
    let of = |truth: bool| rows.iter().filter(|r| r.truth == truth).count() as f64;
    let (m, n) = (of(true), of(false));
    if m == 0.0 || n == 0.0 {
        return Vec::new();
    }
    let mut sorted: Vec<&ScoredRow> = rows.iter().collect();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut yes, mut no) = (0.0, 0.0);
    sorted
        .chunk_by(|a, b| a.score == b.score)
        .map(|tied| {
            let found = tied.iter().filter(|r| r.truth).count() as f64;
            yes += found;
            no += tied.len() as f64 - found;
            RocPoint { threshold: tied[0].score, recall: yes / m, specificity: 1.0 - no / n }
        })
        .collect()
}
