//! Findings arranged for a reader: one panel for each kind of number, rows that share a scale and decimals.
//!
//! An analysis may yield several quantities (a kappa and an agreement) and 156 cells. Rows of one quantity
//! belong on one axis; many rows are parted by their first factor.

use crate::axis::Axis;
use crate::{number, words};
use plumb_study::method::{Finding, Missing, Unit, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// From this many rows on, rows are parted by the first factor.
const GROUP_FROM: usize = 17;

/// Findings of one quantity.
pub struct Panel<'a> {
    /// What the numbers are.
    pub title: String,
    /// How they are shown.
    pub unit: Unit,
    /// With how many decimals.
    pub decimals: usize,
    /// Names of the factors, in order.
    pub factors: Vec<Arc<str>>,
    /// The rows.
    pub groups: Vec<Group<'a>>,
    /// The scale that all rows share.
    pub axis: Axis,
    /// What a reader must know of some rows; rows refer to them by position.
    pub notes: Vec<Arc<str>>,
}

/// Rows that share the level of the first factor, or all rows.
pub struct Group<'a> {
    /// The level that they share; the rows then leave it out.
    pub level: Option<Arc<str>>,
    /// The rows.
    pub rows: Vec<Row<'a>>,
}

/// One finding.
pub struct Row<'a> {
    /// Levels of the factors, the group's left out.
    pub levels: Vec<Arc<str>>,
    /// The finding.
    pub finding: &'a Finding,
    /// Positions of its notes.
    pub notes: Vec<usize>,
}

impl Panel<'_> {
    /// Factors that rows show: all, or all but the first if rows are grouped by it.
    pub fn row_factors(&self) -> &[Arc<str>] {
        let grouped = self.groups.iter().any(|g| g.level.is_some());
        &self.factors[usize::from(grouped)..]
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Row<'_>> {
        self.groups.iter().flat_map(|g| &g.rows)
    }
}

/// Arranges the findings of one analysis.
pub fn panels(findings: &[Finding]) -> Vec<Panel<'_>> {
    // Panels in order of their first finding: a method's order is meant for readers.
    let mut parts: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        match parts.iter_mut().find(|part| same(part[0], finding)) {
            Some(part) => part.push(finding),
            None => parts.push(vec![finding]),
        }
    }
    parts.into_iter().map(panel).collect()
}

fn same(a: &Finding, b: &Finding) -> bool {
    let names = |f: &Finding| f.quantity.at.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let (qa, qb) = (&a.quantity, &b.quantity);
    qa.name == qb.name && qa.of == qb.of && qa.unit == qb.unit && names(a) == names(b)
}

fn panel(findings: Vec<&Finding>) -> Panel<'_> {
    let quantity = &findings[0].quantity;
    let mut notes = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    let grouped = findings.len() >= GROUP_FROM && quantity.at.len() >= 2;
    for finding in &findings {
        let mut levels: Vec<Arc<str>> = finding.quantity.at.iter().map(|(_, level)| level.clone()).collect();
        let level = grouped.then(|| levels.remove(0));
        let row = Row { levels, finding, notes: notes_of(finding, &mut notes) };
        match groups.iter_mut().find(|g| g.level == level) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { level, rows: vec![row] }),
        }
    }
    let values = || findings.iter().map(|f| &f.value);
    Panel {
        title: words::quantity(quantity),
        unit: quantity.unit,
        decimals: number::decimals(values(), quantity.unit),
        factors: quantity.at.iter().map(|(name, _)| name.clone()).collect(),
        axis: Axis::over(values(), quantity.unit),
        groups,
        notes,
    }
}

/// Positions of a finding's notes, new ones added.
fn notes_of(finding: &Finding, notes: &mut Vec<Arc<str>>) -> Vec<usize> {
    let reason: Option<Arc<str>> = match &finding.value {
        Value::Interval { .. } => None,
        Value::Point { reason, .. } => Some(format!("no interval: {reason}").into()),
        Value::Undefined(reason) => Some(format!("undefined: {reason}").into()),
    };
    let mut places = Vec::new();
    for note in reason.iter().chain(&finding.warnings) {
        let at = notes.iter().position(|n| n == note).unwrap_or_else(|| {
            notes.push(note.clone());
            notes.len() - 1
        });
        if !places.contains(&at) {
            places.push(at);
        }
    }
    places
}

/// `3 failed, 1 withheld`; empty if nothing is missing.
pub fn missing(finding: &Finding) -> String {
    missing_of(std::iter::once(finding))
}

/// The same over several findings, in the order of the reasons' definition.
pub fn missing_of<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let mut counts: BTreeMap<Missing, u64> = BTreeMap::new();
    for (why, n) in findings.flat_map(|f| &f.missing).filter(|(_, n)| *n > 0) {
        *counts.entry(*why).or_insert(0) += n;
    }
    let parts: Vec<String> =
        counts.iter().map(|(why, n)| format!("{}\u{a0}{}", number::count(*n), why.name())).collect();
    parts.join(", ")
}

/// Trials without a value, whatever the reason.
pub fn total_missing(finding: &Finding) -> u64 {
    finding.missing.iter().map(|(_, n)| n).sum()
}

/// The distinct ways in which a list of findings was made.
pub fn methods<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<&'a str> {
    let mut methods: Vec<&str> = Vec::new();
    for finding in findings {
        if !methods.contains(&&*finding.method) {
            methods.push(&finding.method);
        }
    }
    methods
}
