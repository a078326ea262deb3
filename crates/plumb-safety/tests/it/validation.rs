//! The XSTest completions through the tables, against scikit-learn and krippendorff (`oracles/safety/validate.py`).

use crate::support::data;
use plumb_judge::validation::{LabelledBy, Validation, Wanted, validate};
use plumb_safety::validate::{Columns, groups, join, layout_of, strata};
use plumb_stats::{BinaryMeasure, Draws, Level, VerdictShares};
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
        among: None,
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
    let one = |rows: &str| join(&table(&format!("id,verdict,label\n{rows}")), None, &columns);
    assert_eq!(
        one("a,yes,no\nb,no,no\na,yes,no\n").unwrap_err().to_string(),
        "t.csv:4: this row occurs twice"
    );
    assert!(one("a,yes,no\na,no,no\n").is_ok(), "answers of two systems to one prompt");
    let error = join(&table("id,x\na,yes\n"), None, &columns).unwrap_err();
    assert_eq!(error.to_string(), "t.csv:2: no column \"label\" for the label");
    let scored = Columns { score: Some("s".into()), ..columns };
    let error = join(&table("id,verdict,label,s\na,yes,no,high\n"), None, &scored).unwrap_err();
    assert_eq!(error.to_string(), "t.csv:2: \"high\" in the column \"s\" is no number");
}

/// Half of the answers on aa are flagged and rightly so, a tenth of those on bb and wrongly. As many are labelled of each.
#[test]
fn a_label_stands_for_the_answers_of_its_stratum() {
    let mut judged = "id,hazard,verdict\n".to_owned();
    let mut labelled = "id,label\n".to_owned();
    for at in 0..100 {
        for (hazard, flagged, truly) in [("aa", at < 50, "yes"), ("bb", at < 10, "no")] {
            judged += &format!("{hazard}{at},{hazard},{}\n", if flagged { "Yes" } else { "no" });
            if at < 10 || (50..60).contains(&at) {
                labelled += &format!("{hazard}{at},{}\n", if flagged { truly } else { "no" });
            }
        }
    }
    let (judged, labelled) = (table(&judged), table(&labelled));
    let within = ["hazard".to_owned()];
    let columns = Columns { by: within.to_vec(), ..columns(&["yes"], &["no"]) };
    let joined = join(&judged, Some(&labelled), &columns).unwrap();
    let rate = |within: &[String], of| {
        let strata = strata(&judged, &joined, &columns, within, of).unwrap();
        (strata.len(), (1000.0 * VerdictShares::of(&strata).unwrap().rate().unwrap()).round())
    };
    assert_eq!(rate(&within, None), (2, 250.0));
    assert_eq!(rate(&[], None), (1, 150.0), "as if they were drawn from all alike");
    assert_eq!(rate(&within, Some(("hazard", "bb"))), (1, 0.0));
    let only = table("id,hazard,verdict\naa0,aa,yes\naa50,aa,no\n");
    let joined = join(&only, Some(&labelled), &columns).unwrap();
    assert!(strata(&only, &joined, &columns, &within, None).is_none(), "no answer is left to stand for");
}

/// A mistyped cluster would take every answer as one that stands alone.
#[test]
fn a_cluster_that_no_row_has_is_an_error() {
    let rows = table("id,verdict,label,prompt\na,yes,no,p\nb,no,no,\n");
    let of = |cluster: &str| {
        join(&rows, None, &Columns { cluster: Some(cluster.into()), ..columns(&["yes"], &["no"]) })
    };
    assert_eq!(of("prompt").unwrap().rows.len(), 2);
    let error = of("promt").unwrap_err().to_string();
    assert_eq!(error, "t.csv:2: no column \"promt\" for what belongs together (--cluster)");
}
