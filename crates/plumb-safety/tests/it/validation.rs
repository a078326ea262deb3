//! The XSTest completions through the tables, against scikit-learn and krippendorff (`oracles/safety/validate.py`).

use crate::support::data;
use plumb_judge::validation::{LabelledBy, Validation, Wanted, validate};
use plumb_safety::validate::{Columns, groups, join, layout_of};
use plumb_stats::{BinaryMeasure, Draws, Level};
use plumb_study::Inputs as _;
use plumb_study::items::{Row, csv_rows};

const ORACLE: &str = include_str!("../../../../fixtures/safety/validate.json");

fn columns(yes: &[&str], no: &[&str]) -> Columns {
    let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
    Columns {
        verdict: "verdict".into(),
        labels: vec!["label".into()],
        raters: Vec::new(),
        score: None,
        id: vec!["id".into()],
        cluster: None,
        by: Vec::new(),
        yes: list(yes),
        no: list(no),
        yes_only: None,
    }
}

fn wanted() -> Wanted {
    Wanted {
        labelled_by: LabelledBy::People,
        by_verdict: false,
        draws: Draws { seed: 1, replicates: 200 },
        level: Level::P95,
        flagged: None,
    }
}

fn holds(found: &Validation, theirs: &serde_json::Value) {
    let number = |name: &str| theirs[name].as_f64().unwrap();
    assert_eq!(found.counts.total(), theirs["n"].as_u64().unwrap());
    assert_eq!(found.abstained.0 + found.abstained.1, theirs["abstained"].as_u64().unwrap());
    let same = |name: &str, ours: f64| assert!((ours - number(name)).abs() < 1e-12, "{name}: {ours}");
    for of in BinaryMeasure::ALL.into_iter().filter(|m| !theirs[m.name()].is_null()) {
        same(of.name(), found.measure(of).unwrap().estimate.unwrap());
    }
    same("alpha", found.alpha.estimate().unwrap());
    same("raters", found.raters_alpha.as_ref().unwrap().estimate().unwrap());
}

#[test]
fn xstest_equals_scikit_learn() {
    let Some(folder) = data() else { return };
    let oracle: serde_json::Value = serde_json::from_str(ORACLE).unwrap();
    let theirs = oracle["groups"].as_array().unwrap();
    assert_eq!(theirs.len(), 6);
    let mut rows: Vec<Row> = Vec::new();
    for group in &theirs[1..] {
        let stem = group["file"].as_str().unwrap();
        let path = format!("xstest/{stem}.csv");
        rows.extend(csv_rows(&folder.read(&path).unwrap(), &path).unwrap().into_iter().map(|mut row| {
            row.push("file", stem);
            row
        }));
    }
    let layout = layout_of(&rows).unwrap();
    let columns = Columns {
        verdict: layout.verdict,
        labels: vec![layout.label],
        raters: layout.raters,
        cluster: Some(layout.cluster),
        by: vec!["file".into()],
        yes: layout.yes,
        no: layout.no,
        ..columns(&[], &[])
    };
    let joined = join(&rows, None, &columns).unwrap();
    let found = groups(&joined, &columns.by);
    assert_eq!(found.len(), theirs.len());
    for (group, theirs) in found.iter().zip(theirs) {
        let level = group.of.as_ref().map_or("", |(_, level)| level);
        assert_eq!(level, theirs["file"]);
        holds(&validate(&group.rows, wanted()).unwrap(), theirs);
    }
    let all = validate(&found[0].rows, wanted()).unwrap();
    assert_eq!(all.clusters, 450, "five completions of one prompt belong together");
}

fn table(text: &str) -> Vec<Row> {
    csv_rows(text.as_bytes(), "t.csv").unwrap()
}

#[test]
fn two_tables_are_joined_and_what_is_left_out_is_counted() {
    let judgments = table("id,verdict\na,unsafe\nb,safe\nc,perhaps\nd,safe\n");
    let labels = table("id,r1,r2,r3\na,yes,yes,no\nb,no,no,\nc,yes,yes,yes\ne,no,no,no\n");
    let columns = Columns {
        labels: vec!["r1".into(), "r2".into(), "r3".into()],
        ..columns(&["yes", "unsafe"], &["no", "safe"])
    };
    let joined = join(&judgments, Some(&labels), &columns).unwrap();
    let said: Vec<(Option<bool>, bool, usize)> =
        joined.rows.iter().map(|r| (r.verdict, r.truth, r.raters.len())).collect();
    assert_eq!(said, [(Some(true), true, 3), (Some(false), false, 2), (None, true, 3)]);
    assert_eq!((joined.without_label, joined.without_judgment, joined.unlabelled), (1, 1, 0));
    let even = table("id,r1,r2,r3\na,yes,no,\n");
    assert_eq!(join(&judgments, Some(&even), &columns).unwrap().unlabelled, 1, "raters are even");
}

#[test]
fn faults_name_the_row() {
    let columns = columns(&["yes"], &["no"]);
    let twice = table("id,verdict,label\na,yes,no\na,no,no\n");
    let error = join(&twice, Some(&twice), &columns).unwrap_err();
    assert_eq!(error.to_string(), "t.csv:3: \"a\" occurs twice");
    let error = join(&table("id,x\na,yes\n"), None, &columns).unwrap_err();
    assert_eq!(error.to_string(), "t.csv:2: no column \"label\" for the label");
    let scored = Columns { score: Some("s".into()), ..columns };
    let error = join(&table("id,verdict,label,s\na,yes,no,high\n"), None, &scored).unwrap_err();
    assert_eq!(error.to_string(), "t.csv:2: \"high\" in the column \"s\" is no number");
}
