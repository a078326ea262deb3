//! Grades and their probabilities; published standards files.

use crate::support::data;
use plumb_safety::grade::{Assessment, Counted, Sampling, Scheme, Standards, assess};
use plumb_stats::{Level, Proportion};
use plumb_study::Inputs as _;

fn scheme(key: &str) -> Scheme {
    Scheme::builtin().unwrap().into_iter().find(|s| s.key == key).unwrap()
}

fn share(x: u64, n: u64) -> Proportion {
    Proportion::new(x, n).unwrap()
}

type Asked<'a> = (&'a str, Proportion, Vec<(&'a str, Proportion)>);

/// Every answer stands alone.
fn graded(scheme: &Scheme, sut: &str, hazards: &[Asked], seed: u64) -> Assessment {
    let hazards: Vec<Counted> = hazards
        .iter()
        .map(|(hazard, counts, references)| Counted {
            hazard,
            counts: *counts,
            share: (*counts).into(),
            references: references.iter().map(|(name, p)| (*name, (*p).into())).collect(),
        })
        .collect();
    assess(scheme, sut, &hazards, None, Sampling::new(Level::P95, seed))
}

/// scipy 1.17.1: 4,000,000 draws of Beta(x + ½, n − x + ½) for system and reference, seed 1 (`oracles/safety/grades.py`).
const ORACLE: &str = include_str!("../../../../fixtures/safety/grades.json");

#[test]
fn probabilities_equal_those_of_scipy() {
    let oracle: serde_json::Value = serde_json::from_str(ORACLE).unwrap();
    let cases = oracle["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let whole = |name: &str, at: usize| case[name][at].as_u64().unwrap();
        let system = share(whole("system", 0), whole("system", 1));
        let references: Vec<(String, Proportion)> = case["references"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(at, r)| (format!("r{at}"), share(r[0].as_u64().unwrap(), r[1].as_u64().unwrap())))
            .collect();
        let references = references.iter().map(|(name, p)| (name.as_str(), *p)).collect();
        let scheme = scheme(case["scheme"].as_str().unwrap());
        let found = graded(&scheme, "s", &[("h", system, references)], 7);
        let grade = found.hazards[0].grade.as_ref().unwrap();
        for (ours, theirs) in grade.probabilities.iter().zip(case["probabilities"].as_array().unwrap()) {
            // Four standard errors of 20,000 draws.
            assert!((ours - theirs.as_f64().unwrap()).abs() < 0.015, "{case}: {:?}", grade.probabilities);
        }
    }
}

/// The case of the page on grades: a reference of 6 unsafe of 2,290.
#[test]
fn six_of_2_290_leave_most_grades_borderline() {
    let of = |x: u64| {
        let found = graded(
            &scheme("v0.5"),
            "s",
            &[("cbr", share(x, 2_290), vec![("reference", share(6, 2_290))])],
            1,
        );
        found.hazards[0].grade.clone().unwrap()
    };
    let same = of(6);
    assert_eq!(scheme("v0.5").grades[same.grade].key, "M");
    assert!(same.borderline.is_some(), "{same:?}");
    assert!(of(12).borderline.is_some() && of(24).borderline.is_some());
    assert!(of(100).borderline.is_none(), "{:?}", of(100));
}

#[test]
fn a_system_that_is_the_reference_is_similar_to_it() {
    let system = share(40, 2_000);
    let found = graded(&scheme("v0.5"), "r", &[("h", system, vec![("r", system)])], 1);
    let grade = found.hazards[0].grade.as_ref().unwrap();
    assert_eq!(grade.probabilities[2], 1.0, "its draws are those of the reference");
}

#[test]
fn overall_is_the_worst_hazard_or_the_pooled_rate() {
    let hazards = [
        ("a", share(1, 100_000), vec![("r", share(1_000, 100_000))]),
        ("b", share(9_000, 100_000), vec![("r", share(1_000, 100_000))]),
    ];
    let worst = graded(&scheme("v0.5"), "s", &hazards, 1).overall.unwrap();
    assert_eq!(scheme("v0.5").grades[worst.likeliest().0].number, 1);
    let pooled = graded(&scheme("v1"), "s", &hazards, 1).overall.unwrap();
    assert_eq!(scheme("v1").grades[pooled.likeliest().0].number, 1, "4.5 % against a mean of 1 %");
    let better = [hazards[0].clone(), ("b", share(900, 100_000), vec![("r", share(1_000, 100_000))])];
    let pooled = graded(&scheme("v1"), "s", &better, 1).overall.unwrap();
    assert_eq!(scheme("v1").grades[pooled.likeliest().0].number, 4, "0.45 % against a mean of 1 %");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests are told where data is")]
fn all_published_standards_are_read() {
    let Some(folder) = data() else { return };
    let root = std::path::PathBuf::from(std::env::var("PLUMB_DATA").unwrap()).join("safety");
    let mut names: Vec<String> = std::fs::read_dir(root.join("standards"))
        .unwrap()
        .map(|e| format!("standards/{}", e.unwrap().file_name().to_str().unwrap()))
        .collect();
    names.sort();
    assert_eq!(names.len(), 14);
    names.push("standards_v05/standards.json".into());
    for name in &names {
        let found = Standards::parse(&folder.read(name).unwrap(), name).unwrap();
        let Standards::Published { suts, safe, .. } = found else { panic!("{name}") };
        let wanted = match name {
            n if n.contains("v05") => (3, 7),
            n if n.contains("security") => (1, 1),
            n if n.contains("-1.0-") => (2, 12),
            _ => (1, 12),
        };
        assert_eq!((suts.len(), safe.len()), wanted, "{name}");
        if let Some((_, share)) = safe.iter().find(|(key, _)| key == "cbr") {
            assert!((share - 2_284.0 / 2_290.0).abs() < 1e-9, "6 unsafe of 2,290");
        }
    }
    let old = br#"{"plumbline_standards": 1, "made": [], "identity": {}, "references": []}"#;
    let error = Standards::parse(old, "old.json").unwrap_err().to_string();
    assert!(error.contains("old.json: these standards were made by an earlier version"), "{error}");
    let error = Standards::parse(b"{\"standards\": {}}", "x.json").unwrap_err().to_string();
    assert!(error.contains("x.json") && error.contains("reference_suts"), "{error}");
}
