//! Methods `pass-at-k` and `any-of-k`: the chance that one of k samples of a problem is right, or that one of k attempts
//! at an item succeeds, of a measure of no and yes. They differ in name only.
//!
//! The trials of an item (its repetitions, or answers recorded of one subject) are the samples of its problem. For each
//! cell of `by` and each k, two findings: `pass@k` with an interval over problems, and `pass@k, new samples too` with one
//! over problems and samples. Key: `k`, a number or a list; 1 without it.

use crate::{Counts, both_levels, mean_pass_at_k};
use plumb_stats::{Draws, Level};
use plumb_study::method::{Cell, Finding, Frame, Method, Missing, Quantity, Unit, Value};
use plumb_study::plan::{Analysis, Cluster, Plan, Scale, Settings};
use plumb_study::{Error, Fields, Label, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The method, under either name.
pub(crate) struct PassAtK {
    /// What a finding's name begins with.
    pub(crate) name: &'static str,
    /// Among the names of findings, what is new in the second.
    pub(crate) sample: &'static str,
}

/// Replicates for the interval over both levels.
const BOTH: u32 = 2_000;

impl Method for PassAtK {
    fn freeze(&self, fields: &mut Fields) -> Result<Settings> {
        let wrong = |fields: &Fields| fields.error("`k` must be a whole number from 1 on, or a list of them");
        let ks: Vec<i64> = match fields.value("k") {
            None => vec![1],
            Some(toml::Value::Integer(k)) => vec![k],
            Some(toml::Value::Array(list)) => {
                let ks: Option<Vec<i64>> = list.iter().map(toml::Value::as_integer).collect();
                ks.ok_or_else(|| wrong(fields))?
            }
            Some(_) => return Err(wrong(fields)),
        };
        if ks.is_empty() || ks.iter().any(|k| *k < 1) {
            return Err(wrong(fields));
        }
        Ok(serde_json::json!({ "k": ks }))
    }

    fn check(&self, analysis: &Analysis, plan: &Plan) -> Result<()> {
        let [of] = analysis.of.as_slice() else {
            return Err(Error::plan("the method takes one measure"));
        };
        if plan.measure(*of).scale != Scale::Binary {
            return Err(Error::plan(format!("{} is not a measure of no and yes", plan.measure_name(*of)))
                .help("of = \"tests.passed\", say"));
        }
        if analysis.cluster != Cluster::Item {
            return Err(Error::plan("the method counts samples by item")
                .help("leave out `cluster`: an item is a problem"));
        }
        Ok(())
    }

    fn run(&self, frame: &Frame, analysis: &Analysis) -> Vec<Finding> {
        let (Some(column), Ok(level)) = (frame.measures.first(), Level::new(analysis.level)) else {
            return Vec::new();
        };
        let ks = analysis.settings["k"].as_array().into_iter().flatten();
        let ks: Vec<u64> = ks.filter_map(serde_json::Value::as_u64).collect();
        let (row_cell, cells) = frame.cells();
        let mut findings = Vec::new();
        for (cell, key) in cells.iter().enumerate() {
            let rows = (0..frame.rows()).filter(|row| row_cell[*row] as usize == cell);
            let mut table = Table { of: column.name.clone(), at: frame.at(key), level, ..Table::default() };
            for row in rows {
                match &column.cells[row] {
                    Cell::Label(Label(label)) => table.add(frame.cluster[row], *label == 1),
                    Cell::Missing(why) => *table.missing.entry(*why).or_default() += 1,
                    Cell::Number(_) => {}
                }
            }
            for k in &ks {
                findings.extend(table.findings(self, *k, frame.seed));
            }
        }
        findings
    }
}

/// The samples of one cell.
struct Table {
    of: Arc<str>,
    at: Vec<(Arc<str>, Arc<str>)>,
    level: Level,
    problems: BTreeMap<u32, Counts>,
    missing: BTreeMap<Missing, u64>,
}

impl Default for Table {
    fn default() -> Table {
        Table {
            of: "".into(),
            at: Vec::new(),
            level: Level::P95,
            problems: BTreeMap::new(),
            missing: BTreeMap::new(),
        }
    }
}

impl Table {
    fn add(&mut self, problem: u32, passed: bool) {
        let counts = self.problems.entry(problem).or_insert(Counts { samples: 0, correct: 0 });
        counts.samples += 1;
        counts.correct += u64::from(passed);
    }

    fn findings(&self, method: &PassAtK, k: u64, seed: u64) -> [Finding; 2] {
        let PassAtK { name, sample } = method;
        let problems: Vec<Counts> = self.problems.values().copied().collect();
        let over = mean_pass_at_k(&problems, k, Draws::seeded(seed));
        let both = both_levels(&problems, k, Draws { seed, replicates: BOTH });
        let undefined = |why: String| Value::Undefined(why.into());
        let (value, method, warnings) = match &over {
            Err(why) => (undefined(why.to_string()), "none".to_owned(), Vec::new()),
            Ok(over) => {
                let value = match (over.estimate(), over.interval(self.level)) {
                    (Ok(estimate), Ok(i)) => self.interval(estimate, i.low, i.high),
                    (Ok(estimate), Err(why)) => Value::Point { estimate, reason: why.to_string().into() },
                    (Err(why), _) => undefined(why.to_string()),
                };
                let method =
                    over.method().map_or_else(|why| format!("no interval: {why}"), |m| m.to_string());
                (value, method, over.warnings().iter().map(|w| w.to_string().into()).collect())
            }
        };
        let (both, how) = match both {
            Err(why) => (undefined(why.to_string()), "none"),
            Ok(both) => match both.interval(self.level) {
                Some(i) => (self.interval(both.estimate, i.low, i.high), both.method()),
                None => (Value::Point { estimate: both.estimate, reason: "nothing varies".into() }, "none"),
            },
        };
        [
            self.finding(format!("{name}{k}"), value, format!("{method}; clusters: problems"), warnings),
            self.finding(format!("{name}{k}, new {sample} too"), both, how.to_owned(), Vec::new()),
        ]
    }

    fn interval(&self, estimate: f64, low: f64, high: f64) -> Value {
        Value::Interval { estimate, low, high, level: self.level.get() }
    }

    fn finding(&self, name: String, value: Value, method: String, warnings: Vec<Arc<str>>) -> Finding {
        Finding {
            quantity: Quantity {
                name: name.into(),
                of: self.of.clone(),
                at: self.at.clone(),
                unit: Unit::Share,
            },
            value,
            test: None,
            n: self.problems.values().map(|counts| counts.samples).sum(),
            clusters: self.problems.len() as u64,
            missing: self.missing.iter().map(|(why, n)| (*why, *n)).collect(),
            method: method.into(),
            warnings,
        }
    }
}
