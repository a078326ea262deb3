//! Every metric gives the value of the library that defines it.

use crate::support::{data, fixture, lines};
use plumb_code::Metric;
use proptest::prelude::*;
use serde_json::Value;

/// Compares relative to the size of the value: some are of the order of 1e-231.
fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-12) || (ours - theirs).abs() <= 1e-11
}

fn check(metric: Metric, reference: &str, candidate: &str, theirs: &Value, place: &str) {
    match (metric.score(reference, candidate), theirs.as_f64()) {
        (Ok(ours), Some(theirs)) => {
            assert!(
                close(ours, theirs),
                "{place}: {metric} is {ours}, not {theirs}\n{reference:?}\n{candidate:?}"
            );
        }
        (Err(_), None) => {}
        (ours, _) => panic!("{place}: {metric} is {ours:?}, not {theirs}\n{reference:?}\n{candidate:?}"),
    }
}

#[test]
fn values_are_those_of_the_libraries() {
    let rows = lines(&fixture("similarity.jsonl.gz"));
    let mut compared = 0;
    for (at, row) in rows.iter().enumerate().skip(1) {
        let (reference, candidate) = (row["reference"].as_str().unwrap(), row["candidate"].as_str().unwrap());
        for (name, theirs) in row["values"].as_object().unwrap() {
            let metric = Metric::parse(name).unwrap_or_else(|| panic!("no metric {name}"));
            check(metric, reference, candidate, theirs, &format!("line {}", at + 1));
            compared += 1;
        }
    }
    assert!(compared > 500 * 20, "{compared} values");
}

/// The name of a metric in the stored golden values, and what ours is multiplied with.
const GOLDEN: &[(&str, Metric)] = &[
    ("/lev_norm_sim", Metric::Edit),
    ("/indel_ratio", Metric::Indel),
    ("/Levenshtein_ratio", Metric::Indel),
    ("/difflib_ratio", Metric::Difflib),
    ("/sacrebleu_sentence_default", Metric::SacreBleu),
    ("/chrf", Metric::Chrf),
    ("/chrfpp", Metric::ChrfPlusPlus),
    ("/nltk_bleu_m0", Metric::NltkBleu(0)),
    ("/nltk_bleu_m1", Metric::NltkBleu(1)),
    ("/nltk_bleu_m2", Metric::NltkBleu(2)),
    ("/nltk_bleu_m3", Metric::NltkBleu(3)),
    ("/nltk_bleu_m4", Metric::NltkBleu(4)),
    ("/nltk_bleu_m5", Metric::NltkBleu(5)),
    ("/nltk_bleu_m6", Metric::NltkBleu(6)),
    ("/nltk_bleu_m7", Metric::NltkBleu(7)),
    ("/rouge/rougeL/2", Metric::RougeL),
    ("/codebleu_py/ngram_match_score", Metric::CodexglueBleu),
];

#[test]
fn values_are_those_of_the_golden_file() {
    let Some(path) = data("oracle/metrics_golden.jsonl.gz") else { return };
    let mut compared = 0;
    for (at, row) in lines(&path).iter().enumerate() {
        let (reference, candidate) = (row["ref"].as_str().unwrap(), row["hyp"].as_str().unwrap());
        for (pointer, metric) in GOLDEN {
            let theirs = row.pointer(pointer).unwrap_or_else(|| panic!("line {}: no {pointer}", at + 1));
            check(*metric, reference, candidate, theirs, &format!("line {}", at + 1));
            compared += 1;
        }
    }
    println!("{compared} values compared");
    assert_eq!(compared, 557 * GOLDEN.len());
}

#[test]
fn names_are_read_back() {
    for metric in Metric::ALL {
        assert_eq!(Metric::parse(metric.name()), Some(metric));
    }
    assert_eq!(Metric::parse("bleu"), None, "it is not said whose");
}

proptest! {
    #[test]
    fn scores_are_finite_and_in_range(a in "\\PC{0,40}", b in "[a-c \n.,=-]{0,40}") {
        for metric in Metric::ALL {
            for (reference, candidate) in [(&a, &b), (&b, &a), (&a, &a), (&b, &b)] {
                if let Ok(score) = metric.score(reference, candidate) {
                    // Two of NLTK's smoothing methods exceed 1 for equal texts.
                    prop_assert!((0.0..=1.5 * metric.top()).contains(&score), "{metric}: {score}");
                }
            }
        }
    }

    #[test]
    fn edit_similarities_are_symmetric_and_1_only_for_equal_texts(a in "[ab\u{e9}]{0,12}", b in "[ab\u{e9}]{0,12}") {
        for metric in [Metric::Edit, Metric::Indel] {
            let score = metric.score(&a, &b).unwrap();
            prop_assert_eq!(score, metric.score(&b, &a).unwrap());
            prop_assert_eq!(score == 1.0, a == b);
        }
    }
}
