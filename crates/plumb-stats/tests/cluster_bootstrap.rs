//! The cluster bootstrap and the choice of intervals: against analytic standard errors, and on awkward data.

#![allow(clippy::unwrap_used, reason = "test code")]
use plumb_stats::{
    ClusterRows, ClusterSums, Draws, IntervalMethod, Level, Proportion, Resample, Support, Undefined, Wanted,
    Warning, cluster_variance,
};

/// Rows as (cluster, cell, value).
fn sums(cells: usize, rows: impl IntoIterator<Item = (u32, usize, f64)>) -> ClusterSums {
    let mut all = ClusterRows::new(cells);
    for (cluster, cell, value) in rows {
        all.add(cluster, cell, value).unwrap();
    }
    all.build().unwrap()
}

/// A fixed sequence that behaves as random, in [0, 1): the mixer of splitmix64.
fn noise(i: u32) -> f64 {
    let mut z = u64::from(i).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// 200 clusters of 1 to 4 rows in each of two cells, values shared within a cluster.
fn two_arms() -> ClusterSums {
    sums(
        2,
        (0..200_u32).flat_map(|g| {
            let base = noise(g);
            (0..=(g % 4)).flat_map(move |r| {
                [
                    (g, 0, base + 0.3 * noise(1000 + 4 * g + r)),
                    (g, 1, base + 0.1 + 0.3 * noise(9000 + 4 * g + r)),
                ]
            })
        }),
    )
}

#[test]
fn bootstrap_spread_is_the_analytic_cluster_standard_error() {
    let data = two_arms();
    let resample = Resample::draw(&data, Draws { seed: 11, replicates: 8_000 }).unwrap();
    for weights in [[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0], [0.5, 0.5]] {
        let analytic = cluster_variance(&data, &weights).unwrap().unwrap();
        let values = resample.values(|t| Some(weights[0] * t[0].ratio()? + weights[1] * t[1].ratio()?));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        // Monte-Carlo error of an sd from 8,000 draws is 0.8 %; CR1 is larger by sqrt(200/199), 0.25 %.
        assert!(
            (sd / analytic.std_error - 1.0).abs() < 0.03,
            "{weights:?}: {sd} against {}",
            analytic.std_error
        );
        let inference = resample.contrast(&weights, Support::Real, Wanted::Bca).unwrap();
        let interval = inference.interval(Level::P95).unwrap();
        assert!(
            (interval.width() / (2.0 * 1.96 * analytic.std_error) - 1.0).abs() < 0.06,
            "{weights:?}: {interval:?}"
        );
        assert!(interval.contains(analytic.estimate));
    }
}

#[test]
fn replicates_depend_on_the_seed_and_not_on_threads() {
    let data = two_arms();
    let draws = Draws { seed: 5, replicates: 500 };
    let first = |t: &[plumb_stats::CellTotal]| t[0].ratio();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let many = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap();
    let one = alone.install(|| Resample::draw(&data, draws).unwrap().values(first));
    let seven = many.install(|| Resample::draw(&data, draws).unwrap().values(first));
    assert_eq!(one, seven);
    let other = Resample::draw(&data, Draws { seed: 6, ..draws }).unwrap().values(first);
    assert_ne!(one, other);
}

#[test]
fn no_success_in_thirty_clusters_gets_a_binomial_bound() {
    let data = sums(1, (0..90).map(|row| (row / 3, 0, 0.0)));
    let resample = Resample::draw(&data, Draws::seeded(1)).unwrap();
    let rate = resample.rate(0, Support::Binary, Wanted::Default).unwrap();
    let exact = Proportion::new(0, 30).unwrap().clopper_pearson(Level::P95).unwrap();
    assert_eq!(rate.estimate(), Ok(0.0));
    assert_eq!(rate.method(), Ok(IntervalMethod::ClopperPearsonClusters));
    assert_eq!(rate.interval(Level::P95), Ok(exact));
    assert_eq!(rate.std_error(), Err(Undefined::NoVariation));
    assert_eq!(rate.warnings(), [Warning::NoVariation { clusters: 30 }]);
    // The same where the caller names a bootstrap: there is nothing to resample.
    let named = resample.rate(0, Support::Binary, Wanted::Percentile).unwrap();
    assert_eq!(named.interval(Level::P95), Ok(exact));
}

/// One row, or one cluster whose rows are alike, is one trial: 1 of 1 is [2.5 %, 100 %] (Clopper & Pearson 1934). What varies within a
/// single cluster says nothing of how clusters differ, and neither do scores.
#[test]
fn one_cluster_of_alike_rows_is_one_trial() {
    let rows = sums(3, [(0, 0, 1.0), (0, 1, 0.0), (0, 1, 0.0), (0, 2, 1.0), (0, 2, 0.0)]);
    let resample = Resample::draw(&rows, Draws::seeded(1)).unwrap();
    let rate = |cell, support| resample.rate(cell, support, Wanted::Default).unwrap();
    let exact = |yes| Proportion::new(yes, 1).unwrap().clopper_pearson(Level::P95).unwrap();
    assert_eq!(rate(0, Support::Binary).interval(Level::P95), Ok(exact(1)));
    assert!((exact(1).low - 0.025).abs() < 1e-12 && exact(1).high == 1.0);
    assert_eq!(rate(1, Support::Binary).interval(Level::P95), Ok(exact(0)));
    assert_eq!(rate(1, Support::Binary).std_error(), Err(Undefined::OneCluster));
    assert_eq!(rate(2, Support::Binary).interval(Level::P95), Err(Undefined::OneCluster));
    assert_eq!(rate(0, Support::Unit).interval(Level::P95), Err(Undefined::OneCluster));
    // A difference of two such: never sure of a sign.
    let difference = resample.contrast(&[1.0, -1.0, 0.0], Support::Binary, Wanted::Default).unwrap();
    let interval = difference.interval(Level::P95).unwrap();
    assert!(interval.low < 0.0 && interval.high == 1.0, "{interval:?}");
    let mixed = resample.contrast(&[1.0, 0.0, -1.0], Support::Binary, Wanted::Default).unwrap();
    assert_eq!(mixed.interval(Level::P95), Err(Undefined::OneCluster));
}

#[test]
fn what_has_no_interval_says_why() {
    let empty = sums(2, [(0, 0, 1.0), (1, 0, 0.0)]);
    let resample = Resample::draw(&empty, Draws::seeded(1)).unwrap();
    let rate = resample.rate(1, Support::Binary, Wanted::Default).unwrap();
    assert_eq!(rate.estimate(), Err(Undefined::NoData));
    assert_eq!(rate.interval(Level::P95), Err(Undefined::NoData));
    let contrast = resample.contrast(&[1.0, -1.0], Support::Binary, Wanted::Default).unwrap();
    assert_eq!(contrast.estimate(), Err(Undefined::NoData));

    let single = sums(1, (0..20).map(|i| (7, 0, noise(i))));
    let resample = Resample::draw(&single, Draws::seeded(1)).unwrap();
    let mean = resample.rate(0, Support::Real, Wanted::Default).unwrap();
    assert!(mean.estimate().is_ok());
    assert_eq!(mean.interval(Level::P95), Err(Undefined::OneCluster));
    assert_eq!(mean.test(0.0), Err(Undefined::OneCluster));

    let equal = sums(1, (0..40).map(|i| (i, 0, 2.5)));
    let resample = Resample::draw(&equal, Draws::seeded(1)).unwrap();
    let mean = resample.rate(0, Support::Real, Wanted::Default).unwrap();
    assert_eq!(mean.estimate(), Ok(2.5));
    assert_eq!(mean.interval(Level::P95), Err(Undefined::NoVariation));

    let nothing = ClusterRows::new(1).build().unwrap();
    let resample = Resample::draw(&nothing, Draws::seeded(1)).unwrap();
    assert_eq!(resample.rate(0, Support::Unit, Wanted::Default).unwrap().estimate(), Err(Undefined::NoData));
}

#[test]
fn a_contrast_of_never_and_always_has_width() {
    let data = sums(2, (0..30).flat_map(|g| [(g, 0, 1.0), (g, 1, 0.0)]));
    let resample = Resample::draw(&data, Draws::seeded(3)).unwrap();
    let contrast = resample.contrast(&[1.0, -1.0], Support::Binary, Wanted::Default).unwrap();
    let interval = contrast.interval(Level::P95).unwrap();
    assert_eq!(contrast.estimate(), Ok(1.0));
    assert_eq!(contrast.method(), Ok(IntervalMethod::Mover));
    assert!(interval.low < 0.9 && interval.low > 0.7 && interval.high == 1.0, "{interval:?}");
    assert!(contrast.test(0.0).unwrap().p_two_sided < 1e-6);
}

#[test]
fn two_subjects_that_never_differ_are_not_known_to_be_equal() {
    let data = sums(2, (0..40).flat_map(|g| [(g, 0, f64::from(g % 2)), (g, 1, f64::from(g % 2))]));
    let resample = Resample::draw(&data, Draws::seeded(3)).unwrap();
    let contrast = resample.contrast(&[1.0, -1.0], Support::Binary, Wanted::Default).unwrap();
    let interval = contrast.interval(Level::P95).unwrap();
    assert_eq!(contrast.warnings(), [Warning::NoVariation { clusters: 40 }]);
    assert!(interval.low < -0.1 && interval.high > 0.1, "{interval:?}");
}

#[test]
fn interval_and_test_agree_at_every_level() {
    let data = two_arms();
    let resample = Resample::draw(&data, Draws { seed: 2, replicates: 1_000 }).unwrap();
    for wanted in [Wanted::Bca, Wanted::Percentile, Wanted::Studentised, Wanted::ClusterT] {
        let inference = resample.contrast(&[-1.0, 1.0], Support::Real, wanted).unwrap();
        let estimate = inference.estimate().unwrap();
        for shift in [-0.03, -0.02, -0.01, 0.005, 0.015, 0.025] {
            let null = estimate + shift;
            let p = inference.test(null).unwrap().p_two_sided;
            for alpha in [0.01, 0.05, 0.1, 0.3, 0.6] {
                let excludes = !inference.interval(Level::new(1.0 - alpha).unwrap()).unwrap().contains(null);
                assert_eq!(excludes, p < alpha, "{wanted:?} {shift} alpha {alpha} p {p}");
            }
        }
    }
}

/// All 3,125 samples of five values with their t, against drawn ones.
#[test]
fn the_bootstrap_of_t_is_that_of_every_sample() {
    let values = [0.0, 1.0, 1.5, 4.0, 9.0];
    let mean_and_error = |sample: &[f64]| {
        let n = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / n;
        let squares: f64 = sample.iter().map(|v| (v - mean).powi(2)).sum();
        (mean, (squares / (n - 1.0) / n).sqrt())
    };
    let (mean, error) = mean_and_error(&values);
    let mut all: Vec<f64> = (0..5_usize.pow(5))
        .filter_map(|code| {
            let sample: Vec<f64> = (0..5).map(|at| values[code / 5_usize.pow(at) % 5]).collect();
            let (there, own) = mean_and_error(&sample);
            (own > 1e-12).then(|| ((there - mean) / own).abs())
        })
        .collect();
    all.sort_by(f64::total_cmp);
    let data = sums(1, values.iter().enumerate().map(|(at, value)| (at as u32, 0, *value)));
    let resample = Resample::draw(&data, Draws { seed: 4, replicates: 40_000 }).unwrap();
    let inference = resample.contrast(&[1.0], Support::Real, Wanted::Studentised).unwrap();
    assert_eq!(inference.method(), Ok(IntervalMethod::Studentised));
    for level in [0.5, 0.8, 0.9] {
        let found = inference.interval(Level::new(level).unwrap()).unwrap();
        assert!((found.high - mean - (mean - found.low)).abs() < 1e-9);
        // The share of all samples whose t is no farther out than the bounds, which lie on a step of their distribution.
        let t = (found.high - mean) / error;
        let within = all.partition_point(|v| *v < t - 1e-9) as f64 / all.len() as f64;
        let not_beyond = all.partition_point(|v| *v <= t + 1e-9) as f64 / all.len() as f64;
        assert!(within - 0.01 <= level && level <= not_beyond + 0.01, "{level}: {within} to {not_beyond}");
    }
}

/// How often each method leaves the true difference, zero, out of its interval: `[Default, Studentised, Bca]`, of 1,000 studies.
fn wrong(support: Support, study: impl Fn(u32) -> ClusterSums) -> [u32; 3] {
    let mut wrong = [0; 3];
    for run in 0..1_000 {
        let data = study(run);
        let resample = Resample::draw(&data, Draws { seed: u64::from(run), replicates: 500 }).unwrap();
        for (wrong, wanted) in wrong.iter_mut().zip([Wanted::Default, Wanted::Studentised, Wanted::Bca]) {
            let found = resample.contrast(&[1.0, -1.0], support, wanted).unwrap().interval(Level::P95);
            *wrong += u32::from(found.is_ok_and(|interval| !interval.contains(0.0)));
        }
    }
    wrong
}

/// Two arms of thirty, exponential values.
#[test]
fn tests_of_a_difference_keep_their_level_where_values_are_skewed() {
    let [t, bootstrap, bca] = wrong(Support::Real, |run| {
        let value = |g: u32| -(1.0 - noise(run * 7919 + g * 31 + 5)).max(1e-9).ln();
        sums(2, (0..60).map(|g| (g, (g % 2) as usize, value(g))))
    });
    println!("skewed, wrong of 1,000: t {t}, bootstrap of t {bootstrap}, BCa {bca}");
    assert!((36..=64).contains(&t) && (36..=64).contains(&bootstrap) && t.max(bootstrap) < bca);
}

/// Sixty clusters of five items each that both sides are asked, of which one in twenty is answered yes, alike within a cluster.
#[test]
fn tests_of_a_difference_keep_their_level_where_answers_are_rare() {
    let [t, bootstrap, bca] = wrong(Support::Binary, |run| {
        let at = |n: u32| noise(run * 7919 + n * 31 + 11);
        let row = |row: u32| {
            let (cluster, side) = (row / 10, row % 2);
            let own = if at(cluster) < 0.5 { cluster + 100 } else { cluster + 200 + 100 * side };
            let drawn = if at(row + 1_000) < 0.5 { own } else { row + 2_000 };
            (cluster, side as usize, f64::from(u8::from(at(drawn) < 0.05)))
        };
        sums(2, (0..600).map(row))
    });
    println!("rare, wrong of 1,000: t {t}, bootstrap of t {bootstrap}, BCa {bca}");
    assert!(t <= 64 && bootstrap <= 64 && bca > 64, "{t} {bootstrap} {bca}");
}

#[test]
fn clusters_alike_widen_a_rate_and_independent_rows_do_not() {
    // 60 clusters of 5 equal answers against 300 clusters of one answer: same rate.
    let alike = sums(1, (0..300).map(|row| (row / 5, 0, f64::from(u8::from(row / 5 % 3 == 0)))));
    let apart = sums(1, (0..300).map(|row| (row, 0, f64::from(u8::from(row / 5 % 3 == 0)))));
    let width = |data: &ClusterSums| {
        let resample = Resample::draw(data, Draws::seeded(1)).unwrap();
        resample.rate(0, Support::Binary, Wanted::Default).unwrap().interval(Level::P95).unwrap().width()
    };
    let plain = Proportion::new(100, 300).unwrap().wilson(Level::P95).unwrap().width();
    assert!((width(&apart) / plain - 1.0).abs() < 0.01);
    assert!(width(&alike) / plain > 2.0);
}

/// How often a 95 % interval covers the truth, over many simulated runs of few clusters.
#[test]
fn default_intervals_cover_about_as_often_as_they_say() {
    let runs = 400;
    for (clusters, support) in [(12_u32, Support::Unit), (40, Support::Unit), (40, Support::Binary)] {
        let mut covered = 0;
        for run in 0..runs {
            let data = sums(
                2,
                (0..clusters).flat_map(|g| {
                    let at = |k: u32| noise(run * 7919 + g * 31 + k * 1_000_003);
                    let (base, a, b) = (at(0), at(1), at(2));
                    let value = |x: f64| {
                        let p = 0.5 * base + 0.5 * x;
                        if support == Support::Binary { f64::from(u8::from(p < 0.3)) } else { p }
                    };
                    [(g, 0, value(a)), (g, 1, value(b))]
                }),
            );
            let resample = Resample::draw(&data, Draws { seed: u64::from(run), replicates: 1_000 }).unwrap();
            let (weights, truth): ([f64; 2], f64) =
                if support == Support::Binary { ([1.0, 0.0], 0.18) } else { ([1.0, -1.0], 0.0) };
            let inference = resample.contrast(&weights, support, Wanted::Default).unwrap();
            covered += u32::from(inference.interval(Level::P95).unwrap().contains(truth));
        }
        let coverage = f64::from(covered) / f64::from(runs);
        println!("{clusters} clusters, {support:?}: coverage {coverage}");
        assert!((0.90..=0.99).contains(&coverage), "{clusters} clusters, {support:?}: {coverage}");
    }
}

#[test]
fn few_clusters_of_bounded_values_have_bounds_within_what_their_mean_can_be() {
    let data = sums(2, [(0, 0, 0.9), (1, 0, 0.2), (2, 0, 0.7), (0, 1, 0.1), (1, 1, 0.3), (2, 1, 0.0)]);
    let resample = Resample::draw(&data, Draws { seed: 1, replicates: 100 }).unwrap();
    for (weights, low, high) in [([1.0, 0.0], 0.0, 1.0), ([0.0, 1.0], 0.0, 1.0), ([1.0, -1.0], -1.0, 1.0)] {
        let of = |support| resample.contrast(&weights, support, Wanted::Default).unwrap();
        let (bounded, free) = (of(Support::Unit), of(Support::Real));
        assert_eq!(bounded.method(), Ok(IntervalMethod::ClusterT));
        let (kept, wide) = (bounded.interval(Level::P95).unwrap(), free.interval(Level::P95).unwrap());
        assert!(wide.low < low || wide.high > high, "{wide:?} is a case");
        assert_eq!((kept.low, kept.high), (wide.low.max(low), wide.high.min(high)));
        assert_eq!(bounded.test(0.4), free.test(0.4));
    }
}
