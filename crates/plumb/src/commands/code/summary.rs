//! What `plumb code exec` says at its end, and of single samples.
//!
//! Counts are of lines of results, so that those of an earlier part of a run count as those of this one.

use plumb_code::exec::{Record, Tried};
use plumb_code::sandbox::{Partial, Sandbox};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Counts over all samples of a run.
#[derive(Default)]
pub struct Summary {
    raw: Counts,
    /// Samples as they are after repairs; empty without them.
    repaired: Counts,
    /// How often each repair applied.
    repairs: BTreeMap<String, u64>,
    /// Each suite's own counts, where there are several.
    suites: BTreeMap<String, Counts>,
    /// Samples about which nothing was found out.
    pub undecided: u64,
    /// Why, how often, and the first of them by its place in the file.
    why: BTreeMap<String, (u64, (u64, String))>,
    reruns: u64,
    /// Samples whose program was run for another.
    same: u64,
    weak: bool,
    /// Problems without a sample, which no pass@k of these results knows of.
    pub untried: u64,
    /// Whether the samples are the problems' reference solutions.
    pub canonical: bool,
}

/// Verdicts of suites that are neither passes nor fails.
const UNDECIDED: [&str; 3] = ["unstable", "infrastructure", "ran"];
/// Most reasons that are kept; rarer ones stand in the file of results.
const REASONS: usize = 8;

#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    undecided: u64,
    verdicts: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, verdict: &str, passed: Option<bool>) {
        *self.verdicts.entry(verdict.to_owned()).or_default() += 1;
        match passed {
            Some(true) => self.passed += 1,
            Some(false) => self.failed += 1,
            None => self.undecided += 1,
        }
    }

    fn fill(&self, out: &mut Map<String, Value>) {
        out.insert("passed".into(), json!(self.passed));
        out.insert("failed".into(), json!(self.failed));
        out.insert("undecided".into(), json!(self.undecided));
        out.insert("verdicts".into(), json!(self.verdicts));
    }

    fn as_json(&self) -> Value {
        let mut out = Map::new();
        self.fill(&mut out);
        Value::Object(out)
    }

    fn line(&self) -> String {
        let decided = self.passed + self.failed;
        let mut line = format!("{} of {decided} passed", self.passed);
        if self.undecided > 0 {
            line.push_str(&format!(" · {} undecided", self.undecided));
        }
        let others: Vec<String> = self
            .verdicts
            .iter()
            .filter(|(name, _)| *name != "passed")
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        if !others.is_empty() {
            line.push_str(&format!(" ({})", others.join(", ")));
        }
        line
    }
}

impl Summary {
    /// A line of results, as [`Record::line`] writes it.
    pub fn add(&mut self, line: &Value) {
        let (verdict, passed) = found(line);
        self.raw.add(verdict, passed);
        if passed.is_none() {
            self.undecided += 1;
            self.reason(line, verdict);
        }
        self.reruns += u64::from(line["rerun"] == true);
        self.same += u64::from(line["same_as"].is_u64());
        self.weak |= line["weak"] == true;
        if let Some(repaired) = line.get("repaired") {
            let (verdict, passed) = found(repaired);
            self.repaired.add(verdict, passed);
            let repairs = repaired["repairs"].as_array().into_iter().flatten().filter_map(Value::as_str);
            repairs.for_each(|repair| *self.repairs.entry(repair.to_owned()).or_default() += 1);
        }
        for (name, verdict) in line["suites"].as_object().into_iter().flatten() {
            let verdict = verdict.as_str().unwrap_or_default();
            let passed = (!UNDECIDED.contains(&verdict)).then_some(verdict == "passed");
            self.suites.entry(name.clone()).or_default().add(verdict, passed);
        }
    }

    fn reason(&mut self, line: &Value, verdict: &str) {
        let result = line["result"].as_str().unwrap_or_default();
        let said = result.strip_prefix("undecided: ").unwrap_or(result);
        let why = if verdict == "infrastructure" || said == verdict {
            said.to_owned()
        } else {
            format!("{verdict}: {said}")
        };
        if self.why.len() < REASONS || self.why.contains_key(&why) {
            let task = line["task_id"].as_str().unwrap_or_default().to_owned();
            let this = (line["sample"].as_u64().unwrap_or_default(), task);
            // They come in no certain order.
            let (count, first) = self.why.entry(why).or_insert_with(|| (0, this.clone()));
            *count += 1;
            *first = this.min(first.clone());
        }
    }

    fn has_repaired(&self) -> bool {
        !self.repaired.verdicts.is_empty()
    }

    pub fn as_json(&self, sandbox: &Sandbox) -> Value {
        let mut out = Map::new();
        self.raw.fill(&mut out);
        if self.has_repaired() {
            let mut repaired = self.repaired.as_json();
            repaired["repairs"] = json!(self.repairs);
            out.insert("repaired".into(), repaired);
        }
        if !self.suites.is_empty() {
            let suites: Map<String, Value> =
                self.suites.iter().map(|(name, counts)| (name.clone(), counts.as_json())).collect();
            out.insert("suites".into(), Value::Object(suites));
        }
        if self.undecided > 0 {
            let why = self
                .why
                .iter()
                .map(|(why, (count, first))| json!({ "why": why, "count": count, "first": first }));
            out.insert("why_undecided".into(), why.collect());
        }
        out.insert("problems_without_samples".into(), json!(self.untried));
        out.insert("rerun".into(), json!(self.reruns));
        out.insert("same".into(), json!(self.same));
        out.insert("weak".into(), json!(self.weak));
        out.insert("isolation".into(), json!(sandbox.level()));
        out.insert("isolation_described".into(), json!(sandbox.described()));
        Value::Object(out)
    }

    pub fn text(&self, sandbox: &Sandbox) -> String {
        let mut out = format!("{}\n", self.raw.line());
        if self.has_repaired() {
            out.push_str(&format!("repaired: {}\n", self.repaired.line()));
            let repairs: Vec<String> = self.repairs.iter().map(|(name, n)| format!("{name} {n}")).collect();
            let repairs = if repairs.is_empty() { "none applied".to_owned() } else { repairs.join(", ") };
            out.push_str(&format!("repairs: {repairs}\n"));
        }
        for (name, counts) in &self.suites {
            out.push_str(&format!("{name}: {}\n", counts.line()));
        }
        for (why, (count, (sample, task))) in &self.why {
            out.push_str(&format!("undecided: {why} ({count}, first {task} · sample {sample})\n"));
        }
        if self.same > 0 {
            let those =
                if self.same == 1 { "1 sample is".to_owned() } else { format!("{} samples are", self.same) };
            out.push_str(&format!(
                "same: {those} word for word another of the problem, and not run again (--every runs each)\n"
            ));
        }
        if self.untried > 0 {
            let (problems, have) = if self.untried == 1 { ("problem", "has") } else { ("problems", "have") };
            let what = match (self.canonical, self.untried) {
                (true, _) => "reference solution",
                (false, 1) => "sample, and pass@k leaves it out",
                (false, _) => "sample, and pass@k leaves them out",
            };
            out.push_str(&format!("{} {problems} {have} no {what}\n", self.untried));
        }
        if self.weak {
            out.push_str("weak: the samples' own processes judged, and could have forged their verdicts\n");
        }
        out.push_str(&format!("isolation: {}\n", sandbox.described()));
        out
    }
}

/// A verdict, and whether it is a pass; nothing where nothing was found out.
fn found(line: &Value) -> (&str, Option<bool>) {
    (line["verdict"].as_str().unwrap_or_default(), line["passed"].as_bool())
}

/// Most characters that are shown of what a program wrote, at its beginning and at its end.
const SHOWN: usize = 2000;

/// One sample in full, as it is shown.
pub fn shown_as(record: &Record) -> String {
    let mut out = format!("── {} · sample {}\n", record.task_id, record.sample);
    line(&mut out, record.completion.trim_end_matches('\n'));
    tried(&mut out, "as it stands", &record.raw);
    if let Some(repaired) = &record.repaired {
        match &repaired.tried {
            Some(of) => tried(&mut out, &format!("repaired ({})", repaired.repairs.join(", ")), of),
            None => line(&mut out, "── no repair applies"),
        }
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

fn tried(out: &mut String, what: &str, of: &Tried) {
    let tests = match &of.partial {
        Partial::Counted { passed, total } => format!("{passed} of {total} tests held"),
        Partial::Missing(why) => format!("tests are not counted: {why}"),
    };
    let same = of.same_as.map(|other| format!(" · word for word sample {other}, not run again"));
    line(
        out,
        &format!(
            "── {what}: {} · {tests} · {:.3} s of processor{}",
            of.verdict.name(),
            of.cpu.as_secs_f64(),
            same.unwrap_or_default()
        ),
    );
    if !of.detail.is_empty() {
        line(out, of.detail.trim_end());
    }
    for (name, text) in [("standard output", &of.written.0), ("standard error", &of.written.1)] {
        if !text.is_empty() {
            line(out, &format!("── {name}"));
            line(out, &in_short(text.trim_end()));
        }
    }
}

/// A line that a terminal shows and does not obey: what a model or its program wrote may hold any character.
fn line(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out.push('\n');
}

/// A text, or its beginning and its end where it is long.
fn in_short(text: &str) -> String {
    let all = text.chars().count();
    if all <= 2 * SHOWN {
        return text.to_owned();
    }
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let (first, last) = (&text[..at(SHOWN)], &text[at(all - SHOWN)..]);
    format!("{first}\n── {} characters are left out\n{last}", all - 2 * SHOWN)
}

#[cfg(test)]
mod tests {
    use super::{in_short, line};

    #[test]
    fn what_a_program_wrote_is_shown_in_short_and_moves_no_cursor() {
        let mut out = String::new();
        line(&mut out, "a\tb\n\u{1b}[2Jc\r");
        assert_eq!(out, "a\tb\n\\u{1b}[2Jc\\r\n");
        assert_eq!(in_short(&"é".repeat(4000)), "é".repeat(4000));
        let short = in_short(&format!("{}{}", "a".repeat(2001), "é".repeat(2003)));
        let words = "\n── 4 characters are left out\n";
        assert_eq!(short, format!("{}{words}{}", "a".repeat(2000), "é".repeat(2000)));
    }
}
