//! Rates and means by cell, their differences and contrasts, with cluster-robust intervals.

use super::aim::Aim;
use super::frame::{Frame, MeasureColumn, missing_of};
use super::policy::{Names, Policy, Tally, in_words};
use super::{Cell, Contrasted, Finding, Method, Quantity, Reply, Test, Unit, Value};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::observe::Label;
use crate::plan::{Analysis, Plan, Scale, Settings, Term};
use plumb_stats::{ClusterRows, Draws, Inference, Level, Resample, Support, Wanted};
use std::sync::Arc;

/// Share of a label, or mean of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rate,
    Mean,
}

/// Methods `rate` and `mean`: one estimate a cell.
pub(super) struct Means {
    pub(super) kind: Kind,
}

/// Method `difference`: every pair of levels of one factor, within each cell of the others.
pub(super) struct Difference;

/// Which label counts: the analysis' `label`, `yes` for binary measures.
pub(crate) fn counted(analysis: &Analysis, scale: &Scale) -> Option<Label> {
    match analysis.settings.get("label").and_then(|l| l.as_str()) {
        Some(name) => scale.label(name),
        None if *scale == Scale::Binary => Some(Label(1)),
        None => None,
    }
}

fn take_label(fields: &mut Fields) -> Result<Settings> {
    let mut settings = match fields.text("label")? {
        Some(label) => serde_json::json!({ "label": label }),
        None => serde_json::json!({}),
    };
    if let Some(policy) = Policy::take(fields, Names::LABEL)? {
        settings["policy"] = serde_json::to_value(policy).map_err(|e| fields.error(e))?;
    }
    Ok(settings)
}

fn check_scale(analysis: &Analysis, plan: &Plan, rate: bool) -> Result<()> {
    let [of] = analysis.of.as_slice() else {
        return Err(Error::plan(format!("method \"{}\" takes one measure", analysis.method)));
    };
    let scale = &plan.measure(*of).scale;
    if *scale == Scale::Real && analysis.settings.get("policy").is_some() {
        return Err(Error::plan(format!(
            "{} is a number: an empty, cut or missing one counts as no number",
            plan.measure_name(*of)
        ))
        .help("withheld, failed, abstained, empty and truncated are keys of rates"));
    }
    match (scale, rate) {
        (Scale::Real, true) => {
            Err(Error::plan(format!("{} is a number, which has no rate", plan.measure_name(*of)))
                .help("use method = \"mean\""))
        }
        (Scale::Binary | Scale::Nominal(_), false) => {
            Err(Error::plan(format!("{} is a label, which has no mean", plan.measure_name(*of)))
                .help("use method = \"rate\""))
        }
        (Scale::Real, false) => Ok(()),
        (labels, true) => counted(analysis, labels).map(|_| ()).ok_or_else(|| {
            let names: Vec<String> = labels.labels().iter().map(|l| format!("\"{l}\"")).collect();
            Error::plan(format!("which label of {} counts?", plan.measure_name(*of)))
                .help(format!("write label = one of {}", names.join(", ")))
        }),
    }
}

/// The frame's rows by cell, ready for resampling.
struct Table<'a> {
    frame: &'a Frame,
    column: &'a MeasureColumn,
    row_cell: Vec<u32>,
    cells: Vec<Vec<u32>>,
    /// Of measures of labels: what counts in each cell, and why.
    tallies: Vec<Tally>,
    /// For each row, whether it counts.
    counts: Vec<bool>,
    sums: Option<plumb_stats::ClusterSums>,
    support: Support,
    unit: Unit,
    of: Arc<str>,
    level: Level,
}

impl<'a> Table<'a> {
    fn new(frame: &'a Frame, analysis: &Analysis) -> Option<Table<'a>> {
        let column = frame.measures.first()?;
        let (row_cell, cells) = frame.cells();
        let label = counted(analysis, &column.scale);
        let mut rows = ClusterRows::new(cells.len());
        let policy = Policy::stated(analysis);
        let mut tallies = vec![Tally::default(); cells.len()];
        let mut counts = vec![false; frame.rows()];
        for (row, cell) in column.cells.iter().enumerate() {
            let at = row_cell[row] as usize;
            let value = match (cell, label) {
                (said, Some(wanted)) => {
                    let reply = frame.replies.get(row).copied().unwrap_or(Reply::Whole);
                    let Some(yes) = tallies[at].add(&policy, said, reply, wanted) else { continue };
                    f64::from(u8::from(yes))
                }
                (Cell::Number(x), None) => *x,
                _ => continue,
            };
            counts[row] = true;
            rows.add(frame.cluster[row], at, value).ok()?;
        }
        let of = match label {
            Some(label) => format!("{} = {}", column.name, column.scale.labels()[label.0 as usize]).into(),
            None => column.name.clone(),
        };
        let (support, unit) =
            if label.is_some() { (Support::Binary, Unit::Share) } else { (Support::Real, Unit::Number) };
        let level = Level::new(analysis.level).ok()?;
        let sums = rows.build().ok();
        Some(Table { frame, column, row_cell, cells, tallies, counts, sums, support, unit, of, level })
    }

    /// Replicates of all cells: drawn once, read by every contrast.
    fn resample(&self) -> Option<Resample<'_>> {
        Resample::draw(self.sums.as_ref()?, Draws::seeded(self.frame.seed)).ok()
    }

    /// The contrast with these weights of cells.
    fn contrast(&self, resample: Option<&Resample>, weights: &[f64]) -> Option<Inference> {
        resample?.contrast(weights, self.support, Wanted::Default).ok()
    }

    fn rows_in<'b>(&'b self, weights: &'b [f64]) -> impl Iterator<Item = usize> + 'b {
        (0..self.frame.rows()).filter(|row| weights[self.row_cell[*row] as usize] != 0.0)
    }

    fn finding(
        &self,
        name: &str,
        unit: Unit,
        at: Vec<(Arc<str>, Arc<str>)>,
        weights: &[f64],
        inference: Option<&Inference>,
        test: bool,
    ) -> Finding {
        let missing = missing_of(self.rows_in(weights).map(|row| &self.column.cells[row]));
        let n = self.rows_in(weights).filter(|row| self.counts[*row]).count() as u64;
        let what = self.frame.cluster_name.clone();
        let (value, test, clusters, method, warnings) = match inference {
            None => (Value::Undefined("no values".into()), None, 0, format!("clusters: {what}"), Vec::new()),
            Some(i) => (
                value_of(i, self.level),
                test.then(|| i.test(0.0).ok()).flatten().map(|t| Test {
                    p_greater: t.p_greater,
                    p_less: t.p_less,
                    p_two_sided: t.p_two_sided,
                }),
                i.clusters() as u64,
                match i.method() {
                    Ok(method) => format!("{method}; clusters: {what}"),
                    Err(reason) => format!("no interval: {reason}; clusters: {what}"),
                },
                i.warnings().iter().map(|w| w.to_string().into()).collect(),
            ),
        };
        Finding {
            quantity: Quantity { name: name.into(), of: self.of.clone(), at, unit },
            value,
            test,
            n,
            clusters,
            missing,
            method: method.into(),
            warnings,
        }
    }

    /// What policies did to a cell's rate, and between which rates it would lie if it had all its verdicts. Nothing for
    /// means, which have no bounds.
    fn told(&self, cell: usize, analysis: &Analysis) -> Vec<Arc<str>> {
        let Some(label) = counted(analysis, &self.column.scale) else { return Vec::new() };
        let tally = &self.tallies[cell];
        let labels = self.column.scale.labels();
        let name = labels.get(label.0 as usize).map_or("yes", |l| l);
        let (lacking, (least, most)) = (tally.lacking(), tally.known().bounds(|said| said));
        let bounds = (lacking > 0).then(|| {
            format!(
                "{lacking} without a verdict: {:.1} % if none of them were \"{name}\", {:.1} % if all were",
                100.0 * least,
                100.0 * most
            )
        });
        let policies = in_words(tally.ruled.iter(), tally.by_verdicts(), Names::LABEL);
        policies.into_iter().chain(bounds).map(Into::into).collect()
    }

    /// Weights of a cell alone.
    fn only(&self, cell: usize) -> Vec<f64> {
        let mut weights = vec![0.0; self.cells.len()];
        weights[cell] = 1.0;
        weights
    }

    /// Weights of a contrast's terms: the cells that match a term share its weight equally.
    fn weights(&self, terms: &[Term]) -> Vec<f64> {
        let mut weights = vec![0.0; self.cells.len()];
        for term in terms {
            let matching: Vec<usize> = (0..self.cells.len())
                .filter(|cell| {
                    let at = self.frame.at(&self.cells[*cell]);
                    term.at.iter().all(|(name, level)| at.iter().any(|(n, l)| n == name && l == level))
                })
                .collect();
            for cell in &matching {
                weights[*cell] += term.weight / matching.len() as f64;
            }
        }
        weights
    }
}

/// The value of an inference at a level.
pub(crate) fn value_of(inference: &Inference, level: Level) -> Value {
    match (inference.estimate(), inference.interval(level)) {
        (Ok(estimate), Ok(interval)) => {
            Value::Interval { estimate, low: interval.low, high: interval.high, level: level.get() }
        }
        (Ok(estimate), Err(reason)) => Value::Point { estimate, reason: reason.to_string().into() },
        (Err(reason), _) => Value::Undefined(reason.to_string().into()),
    }
}

impl Method for Means {
    fn freeze(&self, fields: &mut Fields) -> Result<Settings> {
        let mut settings = take_label(fields)?;
        Aim::take(fields, self.kind == Kind::Rate, &mut settings)?;
        Ok(settings)
    }

    fn check(&self, analysis: &Analysis, plan: &Plan) -> Result<()> {
        check_scale(analysis, plan, self.kind == Kind::Rate)
    }

    fn run(&self, frame: &Frame, analysis: &Analysis) -> Vec<Finding> {
        let name = if self.kind == Kind::Rate { "rate" } else { "mean" };
        let Some(table) = Table::new(frame, analysis) else { return Vec::new() };
        let resample = table.resample();
        (0..table.cells.len())
            .map(|cell| {
                let weights = table.only(cell);
                let inference = table.contrast(resample.as_ref(), &weights);
                let at = frame.at(&table.cells[cell]);
                let mut found = table.finding(name, table.unit, at, &weights, inference.as_ref(), false);
                found.warnings.extend(table.told(cell, analysis));
                found
            })
            .collect()
    }

    fn can_contrast(&self) -> bool {
        true
    }

    fn contrast(&self, frame: &Frame, analysis: &Analysis, terms: &[Term]) -> Option<Contrasted> {
        let table = Table::new(frame, analysis)?;
        let weights = table.weights(terms);
        let inference = table.contrast(table.resample().as_ref(), &weights)?;
        let unit = if table.unit == Unit::Share { Unit::Points } else { table.unit };
        let finding = table.finding("contrast", unit, Vec::new(), &weights, Some(&inference), true);
        Some(Contrasted { finding, inference })
    }
}

impl Method for Difference {
    fn freeze(&self, fields: &mut Fields) -> Result<Settings> {
        let mut settings = take_label(fields)?;
        let between = fields.need_text("between")?;
        settings["between"] = between.into();
        Ok(settings)
    }

    fn check(&self, analysis: &Analysis, plan: &Plan) -> Result<()> {
        let [of] = analysis.of.as_slice() else {
            return Err(Error::plan("method \"difference\" takes one measure"));
        };
        check_scale(analysis, plan, plan.measure(*of).scale != Scale::Real)?;
        let between = analysis.settings["between"].as_str().unwrap_or("");
        if analysis.by.iter().any(|b| &**b == between) {
            return Ok(());
        }
        Err(Error::plan(format!("`between` is \"{between}\", which is not in `by`"))
            .help("name in `by` every factor and tag that the analysis uses"))
    }

    fn run(&self, frame: &Frame, analysis: &Analysis) -> Vec<Finding> {
        let between = analysis.settings["between"].as_str().unwrap_or("");
        let Some(column) = frame.by.iter().position(|c| &*c.name == between) else { return Vec::new() };
        let Some(table) = Table::new(frame, analysis) else { return Vec::new() };
        let unit = if table.unit == Unit::Share { Unit::Points } else { table.unit };
        let resample = table.resample();
        let mut findings = Vec::new();
        for a in 0..table.cells.len() {
            for b in a + 1..table.cells.len() {
                let same =
                    (0..frame.by.len()).all(|c| (table.cells[a][c] == table.cells[b][c]) != (c == column));
                if !same {
                    continue;
                }
                let mut weights = vec![0.0; table.cells.len()];
                (weights[a], weights[b]) = (1.0, -1.0);
                let inference = table.contrast(resample.as_ref(), &weights);
                let mut at = frame.at(&table.cells[a]);
                let other = &frame.by[column].levels[table.cells[b][column] as usize];
                at[column].1 = format!("{} − {other}", at[column].1).into();
                findings.push(table.finding("difference", unit, at, &weights, inference.as_ref(), true));
            }
        }
        findings
    }
}
