//! Method `correlation`: how well numbers (metrics, scores, ratings) follow a reference (people, as a rule), and which of
//! them better.
//!
//! `of = ["near.edit", "near.chrf", "people.value"]`: the last measure is the reference. For every cell of `by`, every
//! coefficient and every other measure: its correlation with the reference. For every two: the difference of their
//! correlations, over the trials in which all three have a value. Intervals resample the analysis' clusters.
//!
//! Key: `coefficient`, one or several of `"pearson"`, `"spearman"`, `"kendall"`; all three if it is not said, because no
//! one of them is the right one. A measure of no and yes counts as 0 and 1 (Pearson is then the point-biserial one).
//!
//! Not here: the statistics (`plumb-stats`); correlations within items, and raters as a second source of chance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plumb_stats::{Coefficient, Correlations, Draws, Inference, Level, Wanted};
use plumb_study::method::{Cell, Finding, Frame, Method, Missing, Quantity, Test, Unit, Value};
use plumb_study::plan::{Analysis, Plan, Scale, Settings};
use plumb_study::{Error, Fields, Label, Result};

use crate::agreement::Comparison;

/// The method; stateless.
pub(crate) struct CorrelationMethod;

const COEFFICIENTS: [(&str, Coefficient); 3] = [
    ("pearson", Coefficient::Pearson),
    ("spearman", Coefficient::Spearman),
    ("kendall", Coefficient::KendallB),
];

fn coefficient(name: &str) -> Option<Coefficient> {
    COEFFICIENTS.iter().find(|(known, _)| *known == name).map(|(_, of)| *of)
}

impl Method for CorrelationMethod {
    fn freeze(&self, fields: &mut Fields) -> Result<Settings> {
        let all = || COEFFICIENTS.map(|(name, _)| name.to_owned()).to_vec();
        let names = fields.texts("coefficient")?.filter(|names| !names.is_empty()).unwrap_or_else(all);
        for (at, name) in names.iter().enumerate() {
            if coefficient(name).is_none() {
                let known = COEFFICIENTS.map(|(name, _)| name).join(", ");
                return Err(fields
                    .error(format!("`coefficient` is \"{name}\"; it must be one or several of {known}")));
            }
            if names[..at].contains(name) {
                return Err(fields.error(format!("`coefficient` names \"{name}\" twice")));
            }
        }
        Ok(serde_json::json!({ "coefficient": names }))
    }

    fn check(&self, analysis: &Analysis, plan: &Plan) -> Result<()> {
        if analysis.of.len() < 2 {
            return Err(Error::plan("method \"correlation\" compares at least two measures")
                .help("of = [\"near.edit\", \"people.value\"]: metrics first, the reference last"));
        }
        for (at, of) in analysis.of.iter().enumerate() {
            let name = plan.measure_name(*of);
            if let Scale::Nominal(labels) = &plan.measure(*of).scale {
                let labels: Vec<&str> = labels.iter().map(|l| &**l).collect();
                return Err(Error::plan(format!(
                    "{name} is one of {}; a correlation needs numbers",
                    labels.join(", ")
                ))
                .help("judge with number = true where the file has numbers; labels go with \"agreement\""));
            }
            if analysis.of[..at].contains(of) {
                return Err(Error::plan(format!("`of` names {name} twice")));
            }
        }
        Ok(())
    }

    fn run(&self, frame: &Frame, analysis: &Analysis) -> Vec<Finding> {
        let Ok(level) = Level::new(analysis.level) else { return Vec::new() };
        let Some(reference) = frame.measures.len().checked_sub(1) else { return Vec::new() };
        let named = analysis.settings.get("coefficient").and_then(|c| c.as_array());
        let coefficients: Vec<Coefficient> =
            named.into_iter().flatten().filter_map(|c| coefficient(c.as_str()?)).collect();
        let (row_cell, cells) = frame.cells();
        let mut findings = Vec::new();
        for (cell, key) in cells.iter().enumerate() {
            let rows: Vec<usize> = (0..frame.rows()).filter(|row| row_cell[*row] as usize == cell).collect();
            let table = Table { frame, reference, rows, level, at: frame.at(key) };
            for comparison in Comparison::all(reference) {
                let tally = table.tally(comparison);
                findings.extend(coefficients.iter().map(|of| table.finding(comparison, *of, &tally)));
            }
        }
        findings
    }
}

/// One cell of the analysis.
struct Table<'a> {
    frame: &'a Frame,
    /// The place of the reference among the measures; all before it are compared.
    reference: usize,
    rows: Vec<usize>,
    level: Level,
    at: Vec<(Arc<str>, Arc<str>)>,
}

/// What the rows of a cell give for one comparison.
struct Tally {
    rows: Correlations,
    clusters: BTreeSet<u32>,
    missing: BTreeMap<Missing, u64>,
}

fn number(cell: &Cell) -> std::result::Result<f64, Missing> {
    match cell {
        Cell::Number(number) => Ok(*number),
        Cell::Label(Label(at)) => Ok(f64::from(*at)),
        Cell::Missing(why) => Err(*why),
    }
}

impl Table<'_> {
    fn tally(&self, comparison: Comparison) -> Tally {
        let (first, second) = comparison.judges();
        let sides: Vec<usize> = std::iter::once(first).chain(second).chain([self.reference]).collect();
        let mut tally = Tally {
            rows: Correlations::new(sides.len() - 1),
            clusters: BTreeSet::new(),
            missing: BTreeMap::new(),
        };
        for &row in &self.rows {
            let values: std::result::Result<Vec<f64>, Missing> =
                sides.iter().rev().map(|side| number(&self.frame.measures[*side].cells[row])).collect();
            match values {
                Ok(mut values) => {
                    // Read from the reference on, so that its missing values are named first.
                    values.reverse();
                    let (predictors, reference) = values.split_at(sides.len() - 1);
                    let cluster = self.frame.cluster[row];
                    if tally.rows.add(cluster, predictors, reference[0]).is_ok() {
                        tally.clusters.insert(cluster);
                    }
                }
                Err(why) => *tally.missing.entry(why).or_insert(0) += 1,
            }
        }
        tally
    }

    fn finding(&self, comparison: Comparison, of: Coefficient, tally: &Tally) -> Finding {
        let name = |side: usize| &self.frame.measures[side].name;
        let reference = name(self.reference);
        let draws = Draws::seeded(self.frame.seed);
        let (quantity, about, inference) = match comparison {
            Comparison::Judge(a) => (
                of.to_string(),
                format!("{} against {reference}", name(a)),
                tally.rows.correlation(0, of, draws, Wanted::Default).ok(),
            ),
            Comparison::Difference(a, b) => (
                format!("{of} difference"),
                format!("{} − {}, against {reference}", name(a), name(b)),
                tally.rows.difference(0, 1, of, draws, Wanted::Default).ok(),
            ),
        };
        let what = &self.frame.cluster_name;
        let method = match inference.as_ref().map(Inference::method) {
            Some(Ok(method)) => format!("{method}; clusters: {what}"),
            Some(Err(reason)) => format!("no interval: {reason}; clusters: {what}"),
            None => format!("clusters: {what}"),
        };
        let value = match &inference {
            None => Value::Undefined("no values".into()),
            Some(i) => match (i.estimate(), i.interval(self.level)) {
                (Ok(estimate), Ok(at)) => {
                    Value::Interval { estimate, low: at.low, high: at.high, level: self.level.get() }
                }
                (Ok(estimate), Err(reason)) => Value::Point { estimate, reason: reason.to_string().into() },
                (Err(reason), _) => Value::Undefined(reason.to_string().into()),
            },
        };
        // That a metric has anything to do with ratings is no claim worth a p-value.
        let tested = inference.as_ref().filter(|_| matches!(comparison, Comparison::Difference(..)));
        Finding {
            quantity: Quantity {
                name: quantity.into(),
                of: about.into(),
                at: self.at.clone(),
                unit: Unit::Number,
            },
            value,
            test: tested.and_then(|i| i.test(0.0).ok()).map(|t| Test {
                p_greater: t.p_greater,
                p_less: t.p_less,
                p_two_sided: t.p_two_sided,
            }),
            n: tally.rows.rows() as u64,
            clusters: tally.clusters.len() as u64,
            missing: tally.missing.iter().map(|(reason, n)| (*reason, *n)).collect(),
            method: method.into(),
            warnings: inference.iter().flat_map(|i| i.warnings()).map(|w| w.to_string().into()).collect(),
        }
    }
}
