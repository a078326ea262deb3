//! What must hold for any data.
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::{
    ClusterRows, Confusion, Draws, KappaWeights, Level, Proportion, Resample, Support, Undefined, Wanted,
    multiplicity, newcombe_difference,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn proportion_intervals_hold_the_rate_and_nest(trials in 1_u64..5_000, share in 0.0..=1.0_f64) {
        let p = Proportion::new((share * trials as f64) as u64, trials).unwrap();
        let rate = p.rate().unwrap();
        for interval in [Proportion::wilson, Proportion::clopper_pearson] {
            let narrow = interval(&p, Level::new(0.8).unwrap()).unwrap();
            let wide = interval(&p, Level::P95).unwrap();
            prop_assert!(narrow.contains(rate) && narrow.low >= 0.0 && narrow.high <= 1.0);
            prop_assert!(narrow.within(wide.low, wide.high));
        }
        // The exact interval is the mirror image for failures.
        let mirrored = Proportion::new(trials - p.successes(), trials).unwrap().clopper_pearson(Level::P95).unwrap();
        let exact = p.clopper_pearson(Level::P95).unwrap();
        prop_assert!((mirrored.low - (1.0 - exact.high)).abs() < 1e-12);
    }

    #[test]
    fn differences_are_antisymmetric(a in 0_u64..=20, b in 0_u64..=30) {
        let (a, b) = (Proportion::new(a, 20).unwrap(), Proportion::new(b, 30).unwrap());
        let (ab, ba) = (newcombe_difference(a, b, Level::P95).unwrap(), newcombe_difference(b, a, Level::P95).unwrap());
        prop_assert!((ab.low + ba.high).abs() < 1e-12 && (ab.high + ba.low).abs() < 1e-12);
    }

    #[test]
    fn holm_lies_between_raw_and_bonferroni_and_ignores_order(mut p in prop::collection::vec(0.0..=1.0_f64, 1..20)) {
        let adjusted = multiplicity::holm(&p).unwrap();
        for (raw, adjusted) in p.iter().zip(&adjusted) {
            prop_assert!(adjusted >= raw && *adjusted <= (raw * p.len() as f64).min(1.0));
        }
        p.reverse();
        let mut reversed = multiplicity::holm(&p).unwrap();
        reversed.reverse();
        prop_assert_eq!(adjusted, reversed);
    }

    #[test]
    fn kappa_is_at_most_one_and_symmetric(counts in prop::collection::vec(0_usize..6, 9)) {
        let (mut ab, mut ba) = (Confusion::new(3), Confusion::new(3));
        for (cell, count) in counts.iter().enumerate() {
            for _ in 0..*count {
                ab.add(cell / 3, cell % 3).unwrap();
                ba.add(cell % 3, cell / 3).unwrap();
            }
        }
        for weights in [KappaWeights::Unweighted, KappaWeights::Linear, KappaWeights::Quadratic] {
            match (ab.kappa(weights), ba.kappa(weights)) {
                (Ok(x), Ok(y)) => prop_assert!((-1.0 - 1e-12..=1.0).contains(&x) && (x - y).abs() < 1e-12),
                (x, y) => prop_assert_eq!(x, y),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_answer_is_a_finite_number_or_a_reason(
        rows in prop::collection::vec((0_u32..12, 0_usize..3, 0_u8..=4), 0..60),
        binary in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut all = ClusterRows::new(3);
        for (cluster, cell, value) in &rows {
            let value = if binary { f64::from(*value % 2) } else { f64::from(*value) / 4.0 };
            all.add(*cluster, *cell, value).unwrap();
        }
        let sums = all.build().unwrap();
        let support = if binary { Support::Binary } else { Support::Unit };
        let resample = Resample::draw(&sums, Draws { seed, replicates: 200 }).unwrap();
        for weights in [[1.0, 0.0, 0.0], [1.0, -1.0, 0.0], [0.5, 0.5, -1.0]] {
            for wanted in
                [Wanted::Default, Wanted::Bca, Wanted::Percentile, Wanted::Studentised, Wanted::ClusterT]
            {
                let inference = resample.contrast(&weights, support, wanted).unwrap();
                match (inference.estimate(), inference.interval(Level::P95)) {
                    (Ok(estimate), Ok(interval)) => {
                        prop_assert!(estimate.is_finite() && interval.low.is_finite() && interval.high.is_finite());
                        prop_assert!(interval.width() > 0.0, "{weights:?} {wanted:?} {interval:?}");
                        let test = inference.test(0.0).unwrap();
                        prop_assert!((0.0..=1.0).contains(&test.p_two_sided));
                        prop_assert!((test.p_greater + test.p_less - 1.0).abs() < 1e-12);
                    }
                    (Err(estimate), Err(interval)) => {
                        prop_assert_eq!((estimate, interval), (Undefined::NoData, Undefined::NoData));
                    }
                    (Ok(_), Err(reason)) => prop_assert!(reason != Undefined::NoData),
                    (Err(_), Ok(_)) => prop_assert!(false, "an interval without an estimate"),
                }
            }
        }
    }

    #[test]
    fn cluster_numbers_and_repeated_sums_do_not_matter(values in prop::collection::vec(0_u8..3, 30..60)) {
        let width = |number: fn(u32) -> u32| {
            let mut all = ClusterRows::new(1);
            for (i, value) in values.iter().enumerate() {
                all.add(number(i as u32), 0, f64::from(*value)).unwrap();
            }
            let sums = all.build().unwrap();
            let resample = Resample::draw(&sums, Draws { seed: 9, replicates: 300 }).unwrap();
            resample.rate(0, Support::Real, Wanted::Bca).unwrap().interval(Level::P95)
        };
        prop_assert_eq!(width(|i| i), width(|i| 7 * i + 3));
    }
}
