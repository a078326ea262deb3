//! What an interval of a correlation must be like, whatever the data.
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::{Coefficient, Correlations, Draws, IntervalMethod, Level, Undefined, Wanted, correlation};
use proptest::prelude::*;

const ALL: [Coefficient; 3] = [Coefficient::Pearson, Coefficient::Spearman, Coefficient::KendallB];

fn draws() -> Draws {
    Draws { seed: 5, replicates: 400 }
}

/// Clusters of three rows each that share a value; the reference follows it loosely.
fn rows(clusters: u32, repeat: u32) -> Correlations {
    let mut rows = Correlations::new(2);
    for cluster in 0..clusters {
        let base = f64::from(cluster * 37 % 101);
        for copy in 0..3 * repeat {
            let noise = f64::from((cluster * 53 + (copy % 3) * 29) % 47);
            rows.add(cluster, &[base + noise, noise], base + f64::from(cluster * 71 % 83)).unwrap();
        }
    }
    rows
}

#[test]
fn repeating_rows_within_clusters_tells_nothing_new() {
    for of in [Coefficient::Pearson, Coefficient::KendallB] {
        let once = rows(40, 1).correlation(0, of, draws(), Wanted::Default).unwrap();
        let thrice = rows(40, 3).correlation(0, of, draws(), Wanted::Default).unwrap();
        let (a, b) = (once.interval(Level::P95).unwrap(), thrice.interval(Level::P95).unwrap());
        assert!((a.low - b.low).abs() < 0.01 && (a.high - b.high).abs() < 0.01, "{of}: {a:?} {b:?}");
        assert_eq!(once.method(), Ok(IntervalMethod::Bca));
    }
}

#[test]
fn few_clusters_get_a_t_interval_inside_the_range() {
    let few = rows(6, 1);
    let single = few.correlation(0, Coefficient::Pearson, draws(), Wanted::Default).unwrap();
    assert_eq!(single.method(), Ok(IntervalMethod::FisherT));
    let interval = single.interval(Level::new(0.999).unwrap()).unwrap();
    assert!(-1.0 <= interval.low && interval.high <= 1.0, "{interval:?}");
    let difference = few.difference(0, 1, Coefficient::Pearson, draws(), Wanted::Default).unwrap();
    assert_eq!(difference.method(), Ok(IntervalMethod::ClusterT));
    assert!(difference.warnings().iter().any(|w| w.to_string() == "only 6 clusters"));
}

#[test]
fn what_has_no_interval_says_why() {
    let of = Coefficient::Spearman;
    let mut line = Correlations::new(1);
    let ask = |rows: &Correlations| rows.correlation(0, of, draws(), Wanted::Default).unwrap();
    assert_eq!(ask(&line).estimate(), Err(Undefined::NoData));
    for row in 0..25 {
        line.add(row, &[1.0], f64::from(row)).unwrap();
    }
    assert_eq!(ask(&line).estimate(), Err(Undefined::ConstantColumn));
    let mut exact = Correlations::new(1);
    let mut one = Correlations::new(1);
    for row in 0..25 {
        exact.add(row, &[f64::from(row)], f64::from(2 * row)).unwrap();
        one.add(7, &[f64::from(row)], f64::from(row * row)).unwrap();
    }
    assert_eq!(
        (ask(&exact).estimate(), ask(&exact).interval(Level::P95)),
        (Ok(1.0), Err(Undefined::NoVariation))
    );
    assert_eq!((ask(&one).estimate(), ask(&one).interval(Level::P95)), (Ok(1.0), Err(Undefined::OneCluster)));
}

#[test]
fn wrong_calls_are_errors() {
    let mut rows = Correlations::new(2);
    assert!(rows.add(0, &[1.0], 1.0).is_err());
    assert!(rows.add(0, &[1.0, f64::NAN], 1.0).is_err());
    assert!(rows.correlation(2, Coefficient::Pearson, draws(), Wanted::Default).is_err());
    let few = Draws { seed: 1, replicates: 50 };
    assert!(rows.correlation(0, Coefficient::Pearson, few, Wanted::Default).is_err());
    assert!(correlation(Coefficient::Pearson, &[1.0], &[]).is_err());
}

/// Kendall's tau-b by its definition, over all pairs.
fn tau_b_of_pairs(x: &[f64], y: &[f64]) -> f64 {
    let (mut surplus, mut untied_x, mut untied_y) = (0.0, 0.0, 0.0);
    for i in 0..x.len() {
        for j in 0..i {
            let (dx, dy) = (x[i] - x[j], y[i] - y[j]);
            surplus += dx.signum() * dy.signum() * f64::from(u8::from(dx != 0.0 && dy != 0.0));
            untied_x += f64::from(u8::from(dx != 0.0));
            untied_y += f64::from(u8::from(dy != 0.0));
        }
    }
    surplus / f64::sqrt(untied_x * untied_y)
}

proptest! {
    #[test]
    fn coefficients_are_symmetric_bounded_and_turn_with_the_sign(
        pairs in prop::collection::vec((0_i8..6, 0_i8..6), 2..40)
    ) {
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).unzip();
        let turned: Vec<f64> = x.iter().map(|v| -v).collect();
        for of in ALL {
            let there = correlation(of, &x, &y).unwrap();
            prop_assert_eq!(there.is_err(), correlation(of, &turned, &y).unwrap().is_err());
            if let Ok(value) = there {
                prop_assert!((-1.0..=1.0).contains(&value));
                prop_assert!((value - correlation(of, &y, &x).unwrap().unwrap()).abs() < 1e-12);
                prop_assert!((value + correlation(of, &turned, &y).unwrap().unwrap()).abs() < 1e-12);
                if of == Coefficient::KendallB {
                    prop_assert!((value - tau_b_of_pairs(&x, &y)).abs() < 1e-12);
                }
            }
        }
    }
}
