//! Areas under ROC curves against scikit-learn and DeLong's variance of the Python package confidenceinterval
//! (`oracles/safety/auroc.py`), and what clusters change.

#![allow(clippy::unwrap_used)]

use plumb_stats::{Level, ScoredRow, Undefined, auroc, roc_curve};
use proptest::prelude::*;
use serde_json::Value;

fn rows(case: &Value) -> Vec<ScoredRow> {
    let list = |name: &str| case[name].as_array().unwrap().clone();
    list("truth")
        .iter()
        .zip(list("score"))
        .zip(0..)
        .map(|((truth, score), cluster)| ScoredRow {
            cluster,
            score: score.as_f64().unwrap(),
            truth: truth == 1,
        })
        .collect()
}

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../../../fixtures/stats/auroc.json")).unwrap();
    file["cases"].as_array().unwrap().clone()
}

#[test]
fn areas_and_standard_errors_equal_the_libraries() {
    assert_eq!(cases().len(), 4);
    for case in cases() {
        let found = auroc(&rows(&case)).unwrap().unwrap();
        assert!((found.area - case["area"].as_f64().unwrap()).abs() < 1e-12);
        let theirs = case["std_error"].as_f64().unwrap();
        assert!((found.std_error.unwrap() / theirs - 1.0).abs() < 1e-4, "single precision on their side");
        let interval = found.interval(Level::P95).unwrap();
        assert!(interval.low > 0.0 && interval.contains(found.area) && interval.high < 1.0);
    }
}

/// Every row written down twice tells no more than once.
#[test]
fn copies_of_rows_in_one_cluster_add_nothing() {
    for case in cases() {
        let once = rows(&case);
        let twice: Vec<ScoredRow> = once.iter().flat_map(|r| [*r, *r]).collect();
        let (a, b) = (auroc(&once).unwrap().unwrap(), auroc(&twice).unwrap().unwrap());
        assert!((a.area - b.area).abs() < 1e-12);
        assert!((a.std_error.unwrap() - b.std_error.unwrap()).abs() < 1e-12);
    }
}

#[test]
fn what_has_no_interval_says_why() {
    let row = |cluster, score, truth| ScoredRow { cluster, score, truth };
    assert_eq!(auroc(&[row(0, 1.0, true)]).unwrap(), Err(Undefined::NoData));
    assert!(auroc(&[row(0, f64::NAN, true)]).is_err());
    let parted = [row(0, 3.0, true), row(1, 2.0, true), row(2, 1.0, false), row(3, 0.0, false)];
    let found = auroc(&parted).unwrap().unwrap();
    assert_eq!((found.area, found.interval(Level::P95)), (1.0, Err(Undefined::NoVariation)));
}

proptest! {
    /// The trapezoids under the curve are the Mann–Whitney probability.
    #[test]
    fn the_curve_has_that_area(rows in proptest::collection::vec((0_u8..6, any::<bool>()), 2..60)) {
        let rows: Vec<ScoredRow> = rows.iter().zip(0..)
            .map(|((score, truth), cluster)| ScoredRow { cluster, score: f64::from(*score), truth: *truth })
            .collect();
        if let Ok(found) = auroc(&rows).unwrap() {
            let (mut x, mut y, mut area) = (0.0, 0.0, 0.0);
            for point in roc_curve(&rows) {
                let next = 1.0 - point.specificity;
                area += (next - x) * (point.recall + y) / 2.0;
                (x, y) = (next, point.recall);
            }
            prop_assert!((area - found.area).abs() < 1e-9);
            prop_assert!((x, y) == (1.0, 1.0));
        }
    }
}
