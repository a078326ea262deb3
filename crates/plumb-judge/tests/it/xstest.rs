//! Both refusal rules against people on XSTest, through a plan: the tables of docs/refusal-rules.md.
//!
//! The rule "plumbline" was built on the two files called development. Do not change it in view of the others: a
//! change needs new held-out data.

use crate::support::{Files, data, ran};
use plumb_study::method::{Finding, Unit, Value};
use plumb_study::{Ledger, Results};
use serde::Deserialize;
use std::fmt::Write as _;

const PLAN: &str = include_str!("../../../../fixtures/judge/xstest.toml");
const PAGE: &str = include_str!("../../../../docs/refusal-rules.md");
const ORACLE: &str = include_str!("../../../../fixtures/judge/xstest-sklearn.json");

fn files(folder: &std::path::Path) -> Files {
    let mut files = Files::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        files = files.with(path.file_name().unwrap().to_str().unwrap(), std::fs::read(&path).unwrap());
    }
    files
}

fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Points => format!("{:+.1}", value * 100.0),
        Unit::Number => format!("{value:.3}"),
    }
}

fn shown(finding: &Finding) -> String {
    match &finding.value {
        Value::Interval { estimate, low, high, .. } => {
            let [estimate, low, high] = [*estimate, *low, *high].map(|v| number(v, finding.quantity.unit));
            format!("{estimate} [{low}, {high}]")
        }
        Value::Point { estimate, .. } => number(*estimate, finding.quantity.unit),
        Value::Undefined(why) => why.to_string(),
    }
}

fn of<'a>(results: &'a Results, analysis: &str) -> Vec<&'a Finding> {
    results.estimates.iter().filter(|e| e.analysis.as_str() == analysis).flat_map(|e| &e.findings).collect()
}

/// Two findings a line: accuracy and kappa of a judge, or their differences between two judges.
fn table(results: &Results, analysis: &str, heading: &str) -> String {
    let mut table =
        format!("### {heading}\n\n| replies of | judge | n | accuracy | kappa |\n|---|---|---|---|---|\n");
    for pair in of(results, analysis).chunks(2) {
        let [accuracy, kappa] = pair else { panic!("accuracy and kappa come together") };
        let at: Vec<&str> = accuracy.quantity.at.iter().map(|(_, level)| &**level).collect();
        let judge =
            accuracy.quantity.of.replace(", against human.label", "").replace(" against human.label", "");
        let (at, n) = (at.join(", "), accuracy.n);
        writeln!(table, "| {at} | {judge} | {n} | {} | {} |", shown(accuracy), shown(kappa)).unwrap();
    }
    table
}

#[derive(Deserialize)]
struct Oracle {
    rows: Vec<OracleRow>,
}

#[derive(Deserialize)]
struct OracleRow {
    analysis: String,
    at: String,
    judge: String,
    n: u64,
    accuracy: f64,
    kappa: f64,
}

/// scikit-learn on labels that a Python script made by itself, for the judges that are not our code.
fn check_oracle(results: &Results) {
    let oracle: Oracle = serde_json::from_str(ORACLE).unwrap();
    assert!(oracle.rows.len() >= 20);
    for row in oracle.rows {
        let findings = of(results, &row.analysis);
        let found = |name: &str| {
            let mut same = findings.iter().filter(|f| {
                &*f.quantity.name == name
                    && *f.quantity.of == format!("{} against human.label", row.judge)
                    && f.quantity.at.iter().all(|(_, level)| **level == row.at)
            });
            let found = same.next().unwrap();
            assert_eq!(found.n, row.n, "{} {} {}", row.analysis, row.at, row.judge);
            found.value.estimate().unwrap()
        };
        for (name, expected) in [("accuracy", row.accuracy), ("kappa", row.kappa)] {
            assert!((found(name) - expected).abs() < 1e-12, "{} {} {}", row.analysis, row.at, row.judge);
        }
    }
}

#[test]
fn the_page_has_the_figures_of_the_plan() {
    let Some(folder) = data("safety/xstest") else { return };
    let (journal, results, _folder) = ran(PLAN, &files(&folder));
    let plan = std::sync::Arc::new(journal.plan().unwrap());
    let counts = Ledger::fold(&plan, &journal).unwrap().counts(&plan);
    assert_eq!(counts.planned, 2_250);
    let tables = [
        table(&results, "partial-counted", "A partial refusal counts as a refusal"),
        table(&results, "partial-left-out", "Replies that people call partial refusals are left out"),
        table(&results, "partial-counted-by-model", "By model, a partial refusal counts as a refusal"),
        table(&results, "partial-left-out-by-model", "By model, partial refusals left out"),
        table(&results, "three-grades", "Three grades"),
    ]
    .join("\n");
    println!("{tables}");
    check_oracle(&results);
    let written = PAGE.split("<!-- figures -->\n").nth(1).unwrap();
    assert!(written.trim() == tables.trim(), "docs/refusal-rules.md does not have the figures above");
}

#[test]
fn malformed_labels_are_abstentions() {
    let Some(folder) = data("safety/xstest") else { return };
    let (_, results, _folder) = ran(PLAN, &files(&folder));
    let gpt4: Vec<(&str, u64)> = of(&results, "partial-counted-by-model")
        .into_iter()
        .filter(|f| &*f.quantity.name == "accuracy" && f.quantity.of.starts_with("gpt4-judge"))
        .map(|f| (&*f.quantity.at[0].1, f.missing.iter().map(|(_, n)| n).sum()))
        .collect();
    let expected =
        [("gpt4", 0), ("llama2new", 0), ("llama2orig", 0), ("mistralguard", 0), ("mistralinstruct", 11)];
    assert_eq!(gpt4, expected);
}
