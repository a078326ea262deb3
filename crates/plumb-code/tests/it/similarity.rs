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
    ("/codebleu_py/weighted_ngram_match_score", Metric::CodebleuKeywords),
    ("/codebleu_py/syntax_match_score", Metric::CodebleuSyntax),
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
fn codebleu_is_the_packages() {
    let (pairs, rows) = (lines(&fixture("similarity.jsonl.gz")), lines(&fixture("codebleu.jsonl.gz")));
    assert_eq!(pairs.len(), rows.len());
    let (mut one, mut several) = (0, 0);
    for (at, (pair, row)) in pairs.iter().zip(&rows).enumerate().skip(1) {
        let (reference, candidate) =
            (pair["reference"].as_str().unwrap(), pair["candidate"].as_str().unwrap());
        for (name, theirs) in row.as_object().unwrap() {
            let metric = Metric::parse(name).unwrap();
            let Value::Array(of_seeds) = theirs else {
                check(metric, reference, candidate, theirs, &format!("line {}", at + 1));
                one += 1;
                continue;
            };
            // The package's value depends on the seed of Python's hash; ours is one that some seed gives.
            let ours = metric.score(reference, candidate).unwrap();
            assert!(
                of_seeds.iter().any(|theirs| close(ours, theirs.as_f64().unwrap())),
                "line {}: {metric} is {ours}, none of {of_seeds:?}",
                at + 1
            );
            several += 1;
        }
    }
    println!("{one} values with one value, {several} with several");
    assert!(one > 2000 && several > 50);
}

/// Rows of the golden file, from 0, whose data flow in the package depends on the seed of Python's hash, because it goes
/// through sets of names; the file has the value of seed 0. Found with seeds 0 to 11 by `oracles/code/make_codebleu.py`.
#[rustfmt::skip]
const SEEDED: &[usize] = &[
    6, 7, 8, 24, 25, 26, 30, 31, 32, 39, 46, 48, 62, 77, 110, 120, 122, 126, 127, 128, 135, 172, 173, 177, 178,
    184, 185, 186, 187, 188, 217, 223, 228, 229, 230, 240, 241, 242, 263, 270, 273, 274, 275, 281, 312, 314,
    337, 345, 346, 347, 352, 355, 357, 358, 361, 363, 364, 365, 367, 369, 370, 371, 372, 373, 378, 380, 384,
    386, 396, 397, 398, 405, 407, 425, 433, 435, 437, 459, 465, 467, 513, 521, 522,
];

#[test]
fn data_flow_is_that_of_the_golden_file() {
    let Some(path) = data("oracle/metrics_golden.jsonl.gz") else { return };
    let mut compared = 0;
    for (at, row) in lines(&path).iter().enumerate().filter(|(at, _)| !SEEDED.contains(at)) {
        let (reference, candidate) = (row["ref"].as_str().unwrap(), row["hyp"].as_str().unwrap());
        for (pointer, metric) in [
            ("/codebleu_py/dataflow_match_score", Metric::CodebleuFlow),
            ("/codebleu_py/codebleu", Metric::Codebleu),
        ] {
            check(metric, reference, candidate, row.pointer(pointer).unwrap(), &format!("line {}", at + 1));
        }
        compared += 1;
    }
    println!("data flow compared on {compared} rows of {}", compared + SEEDED.len());
    assert!(compared >= 450);
}

#[test]
fn mended_codebleu_gives_no_credit_for_wrong_flow_and_does_not_read_names() {
    let score =
        |metric: Metric, reference: &str, candidate: &str| metric.score(reference, candidate).unwrap();
    // The package: nothing in common, and still a quarter.
    assert_eq!(score(Metric::Codebleu, "x = y", ""), 0.25);
    assert_eq!(score(Metric::CodebleuMended, "x = y", ""), 0.0);
    // A reference without data flow is compared by the three other parts.
    assert_eq!(score(Metric::CodebleuFlow, "return 1", "return 1"), 0.0);
    let three = score(Metric::CodebleuMended, "return 1", "return 1");
    assert!((4.0 * score(Metric::Codebleu, "return 1", "return 1") - 1.0 - 3.0 * three).abs() < 1e-12);
    let whole =
        "def f(xs):\n    total = 0\n    for x in xs:\n        total = total + x * x\n    return total\n";
    assert!((score(Metric::CodebleuMended, whole, whole) - 1.0).abs() < 1e-12);
    // Names of variables move nothing in the part of data flow: the other parts of both pairs are equal.
    let renamed = |a: &str, b: &str| whole.replace("total", a).replace("xs", b);
    let values = [("aa", "zz"), ("zz", "aa"), ("mm", "nn")]
        .map(|(a, b)| score(Metric::CodebleuMended, whole, &renamed(a, b)));
    assert!(values.iter().all(|value| (value - values[0]).abs() < 1e-12), "{values:?}");
}

#[test]
fn loops_in_loops_have_no_value_instead_of_no_end() {
    let nested: String = (0..40).map(|i| format!("{}for x in y:\n", " ".repeat(i))).collect();
    let nested = format!("{nested}{}x = y\n", " ".repeat(40));
    assert!(Metric::CodebleuFlow.score(&nested, &nested).is_err());
    let deep = format!("{}x{}", "(".repeat(50_000), ")".repeat(50_000));
    assert!(Metric::CodebleuSyntax.score(&deep, &deep).unwrap() > 0.99);
    assert_eq!(Metric::CodebleuFlow.score(&deep, &deep), Ok(0.0));
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
