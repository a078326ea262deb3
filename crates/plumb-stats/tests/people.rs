//! Reliability of ratings and tests of dependent correlations against the libraries that define them.

#![allow(clippy::unwrap_used, reason = "test code")]
use plumb_stats::{Dependent, Draws, Level, RatedUnits};
use serde_json::Value;

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn get(case: &Value, name: &str) -> f64 {
    case[name].as_f64().unwrap()
}

#[test]
fn reliabilities_equal_pingouin_krippendorff_and_statsmodels() {
    let file = file(include_str!("../../../fixtures/stats/aligned.json"));
    for case in file["reliability"].as_array().unwrap() {
        let rows: Vec<Vec<u32>> = case["ratings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as u32).collect())
            .collect();
        let mut units = RatedUnits::new();
        let outputs = rows.iter().map(|row| row[0]).max().unwrap() + 1;
        for output in 0..outputs {
            let own: Vec<(u32, f64)> =
                rows.iter().filter(|row| row[0] == output).map(|row| (row[1], f64::from(row[2]))).collect();
            units.add(output, &own).unwrap();
        }
        let reliability = units.build().unwrap();
        assert_eq!(reliability.is_crossed(), case["crossed"].as_bool().unwrap());
        let found = reliability.infer(Draws { seed: 1, replicates: 100 }).unwrap();
        let ordinal = found.alpha_ordinal.unwrap();
        for (ours, name) in [
            (&found.of_one, "of_one"),
            (&found.of_mean, "of_mean"),
            (&found.alpha_interval, "alpha_interval"),
            (&ordinal, "alpha_ordinal"),
        ] {
            let (ours, theirs) = (ours.estimate().unwrap(), get(case, name));
            assert!((ours - theirs).abs() < 1e-9, "{name}: {ours} against {theirs}");
        }
        if let Some(cronbach) = case["cronbach"].as_f64() {
            assert!((found.of_mean.estimate().unwrap() - cronbach).abs() < 1e-9);
        }
    }
}

/// Below twenty clusters intervals are t intervals, which know no largest value.
#[test]
fn few_outputs_leave_no_reliability_above_one() {
    let mut units = RatedUnits::new();
    for (output, (one, other)) in [(1.0, 2.0), (5.0, 2.0), (4.0, 5.0), (2.0, 1.0)].into_iter().enumerate() {
        units.add(output as u32, &[(2 * output as u32, one), (2 * output as u32 + 1, other)]).unwrap();
    }
    let found = units.build().unwrap().infer(Draws { seed: 1, replicates: 100 }).unwrap();
    for one in [&found.of_one, &found.of_mean, &found.alpha_interval, &found.alpha_ordinal.unwrap()] {
        let (estimate, interval) = (one.estimate().unwrap(), one.interval(Level::P95).unwrap());
        assert!(interval.low >= -1.0 && interval.high == 1.0, "{estimate} {interval:?}");
        assert!(interval.contains(estimate));
    }
}

#[test]
fn tests_of_dependent_correlations_equal_psych() {
    let file = file(include_str!("../../../fixtures/stats/dependent.json"));
    for case in file["cases"].as_array().unwrap() {
        let n = case["n"].as_u64().unwrap();
        let test = Dependent::new(get(case, "a_y"), get(case, "b_y"), get(case, "a_b"), n).unwrap();
        let (williams, steiger) = (test.williams().unwrap(), test.steiger().unwrap());
        for (ours, name) in [
            (williams.statistic, "williams_t"),
            (williams.p_two_sided, "williams_p"),
            (steiger.statistic, "steiger_z"),
            (steiger.p_two_sided, "steiger_p"),
        ] {
            let theirs = get(case, name);
            assert!((ours - theirs).abs() < 1e-9, "{name}: {ours} against {theirs}");
        }
    }
    assert!(Dependent::new(0.1, 1.2, 0.0, 30).is_err());
    assert!(Dependent::new(1.0, 1.0, 1.0, 30).unwrap().steiger().is_err());
    assert!(Dependent::new(0.1, 0.2, 0.0, 3).unwrap().williams().is_err());
}
