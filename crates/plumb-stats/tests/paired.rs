//! Paired shares: against values by statsmodels and scipy (`oracles/stats/paired.py`), and by simulation.
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::{Level, PairedShares};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::Value;

fn close(ours: f64, theirs: &Value, what: &str) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= 1e-6, "{what}: {ours} against {theirs}");
}

#[test]
fn intervals_and_tests_equal_the_oracle() {
    let file: Value = serde_json::from_str(include_str!("../../../fixtures/stats/paired.json")).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let whole = |name: &str| case[name].as_u64().unwrap();
        let pairs = PairedShares::new(whole("units"), whole("gained"), whole("lost")).unwrap();
        close(pairs.difference().unwrap(), &case["difference"], "difference");
        if let Some(mcnemar) = case.get("mcnemar") {
            close(pairs.test(0.0).unwrap().p_two_sided, mcnemar, &format!("McNemar of {pairs:?}"));
        }
        for (level, bounds) in case["interval"].as_object().unwrap() {
            let ours = pairs.interval(Level::new(level.parse().unwrap()).unwrap()).unwrap();
            close(ours.low, &bounds[0], &format!("low of {pairs:?} at {level}"));
            close(ours.high, &bounds[1], &format!("high of {pairs:?} at {level}"));
        }
        for (null, p) in case["p_greater"].as_object().unwrap() {
            close(
                pairs.test(null.parse().unwrap()).unwrap().p_greater,
                p,
                &format!("p of {pairs:?} at {null}"),
            );
        }
    }
}

#[test]
fn swapping_the_sides_mirrors_the_interval() {
    for (units, gained, lost) in [(10, 0, 0), (10, 3, 1), (500, 0, 7), (9, 9, 0)] {
        let (a, b) = (
            PairedShares::new(units, gained, lost).unwrap(),
            PairedShares::new(units, lost, gained).unwrap(),
        );
        let (a, b) = (a.interval(Level::P95).unwrap(), b.interval(Level::P95).unwrap());
        assert!((a.low + b.high).abs() < 1e-9 && (a.high + b.low).abs() < 1e-9, "{units} {gained} {lost}");
        assert!(a.low < a.high);
    }
    assert!(PairedShares::new(3, 2, 2).is_err());
    assert!(PairedShares::new(0, 0, 0).unwrap().interval(Level::P95).is_err());
}

/// A 95 % interval holds the true difference in 92 to 98 % of samples, rare differences included.
#[test]
fn intervals_cover_the_true_difference() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for (units, p_gained, p_lost) in
        [(40, 0.15, 0.05), (200, 0.02, 0.01), (200, 0.2, 0.2), (1000, 0.004, 0.0)]
    {
        let truth = p_gained - p_lost;
        let covered = (0..2000)
            .filter(|_| {
                let (mut gained, mut lost) = (0, 0);
                for _ in 0..units {
                    let u = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                    gained += u64::from(u < p_gained);
                    lost += u64::from((p_gained..p_gained + p_lost).contains(&u));
                }
                let interval = PairedShares::new(units, gained, lost).unwrap().interval(Level::P95).unwrap();
                interval.contains(truth)
            })
            .count();
        assert!((1840..=1960).contains(&covered), "{units} {p_gained} {p_lost}: {covered} of 2000");
    }
}
