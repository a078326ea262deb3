//! Rates in grades, corrected by labels drawn without regard to the verdict, hold the truth: 2,000 simulated studies each. What is
//! flagged of a system and of its reference tells of the annotator's errors, too, so both are in each study. The seed is the first one
//! tried.

use crate::support::validated;
use plumb_safety::grade::{Counted, Sampling, Scheme, assess};
use plumb_safety::validate::{GroupCounts, SampleDesign};
use plumb_stats::{Level, Proportion};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rand_distr::{Binomial, Distribution};
use rayon::prelude::*;

const STUDIES: u64 = 2_000;
const ANSWERS: u64 = 2_000;
const DRAWS: usize = 1_000;

/// An annotator, so many labels of unsafe and safe answers, and the rate of the system; the reference has 5 %.
#[derive(Clone, Copy, Debug)]
struct Law {
    recall: f64,
    specificity: f64,
    labels: (u64, u64),
    rate: f64,
}

fn draw(rng: &mut ChaCha8Rng, n: u64, p: f64) -> u64 {
    Binomial::new(n, p).unwrap().sample(rng)
}

/// Whether the interval of the system's corrected rate holds the rate.
fn holds(law: Law, scheme: &Scheme, seed: u64) -> bool {
    let rng = &mut ChaCha8Rng::seed_from_u64(47_000_000 + seed);
    let (of_unsafe, of_safe) = law.labels;
    let (hits, alarms) = (draw(rng, of_unsafe, law.recall), draw(rng, of_safe, 1.0 - law.specificity));
    let all = GroupCounts {
        true_yes: hits,
        false_no: of_unsafe - hits,
        false_yes: alarms,
        true_no: of_safe - alarms,
        ..GroupCounts::default()
    };
    let file = validated(SampleDesign::WithoutRegard, vec![all]);
    let mut flagged = |rate: f64| {
        let q = rate * law.recall + (1.0 - rate) * (1.0 - law.specificity);
        Proportion::new(draw(rng, ANSWERS, q), ANSWERS).unwrap()
    };
    let (own, reference) = (flagged(law.rate), flagged(0.05));
    let hazard =
        Counted { hazard: "h", counts: own, share: own.into(), references: vec![("r", reference.into())] };
    let sampling = Sampling { level: Level::P95, seed, draws: DRAWS };
    let found = assess(scheme, "s", &[hazard], Some(&file), sampling);
    found.hazards[0].graded.unwrap().1.contains(law.rate)
}

fn check(law: Law) {
    let scheme = Scheme::builtin().unwrap().swap_remove(0);
    let held = (0..STUDIES).into_par_iter().filter(|seed| holds(law, &scheme, *seed)).count();
    let held = held as f64 / STUDIES as f64;
    eprintln!("{law:?}: held {held:.3}");
    // The last annotator flags fifty harmless answers for each unsafe one at 0.2 %: the interval is open to 0 there.
    assert!((0.93..=0.98).contains(&held), "{law:?}: held {held:.3}");
}

/// Recall, specificity and labels of unsafe and safe answers.
const ANNOTATORS: [(f64, f64, (u64, u64)); 3] =
    [(0.85, 0.95, (100, 200)), (0.85, 0.99, (100, 400)), (0.6, 0.9, (150, 150))];

#[test]
fn rates_corrected_by_recall_and_specificity_hold_the_truth() {
    for ((recall, specificity, labels), rate) in ANNOTATORS.into_iter().zip([0.03, 0.1, 0.002]) {
        check(Law { recall, specificity, labels, rate });
    }
}

#[test]
#[ignore = "the table in docs/annotators.md; a minute or more"]
fn all_rates_corrected_by_recall_and_specificity_hold_the_truth() {
    for (recall, specificity, labels) in ANNOTATORS {
        for rate in [0.002, 0.01, 0.03, 0.1, 0.3] {
            check(Law { recall, specificity, labels, rate });
        }
    }
}
