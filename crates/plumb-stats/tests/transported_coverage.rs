//! Labels of other systems' answers: how often the interval of a system that has none holds its rate.
//!
//! A new system can only be met on average over systems, so every study draws all of its systems anew. The model was chosen on the
//! studies of [`DEVELOPMENT`]; the tests are of [`FRESH`], which played no part in that.

#![allow(clippy::unwrap_used)]

use plumb_stats::{BinaryCounts, Corrected, Level, Proportion, Share, Stream, Transported, Undefined};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rand_distr::{Binomial, Distribution, Normal};
use rayon::prelude::*;

const DEVELOPMENT: u64 = 7_000_000;
const FRESH: u64 = 16_000_000;
const DRAWS: usize = 1_000;

/// Systems with as many labels of each verdict, whose logits vary with `tau`.
#[derive(Clone, Copy, Debug)]
struct Studies {
    systems: usize,
    labels: u64,
    tau: f64,
    /// Mean share of truly unsafe among "safe".
    omission: f64,
    /// So many answers of the new system, and the share of them that is flagged.
    answers: u64,
    flagged: f64,
}

fn draw(rng: &mut ChaCha8Rng, n: u64, p: f64) -> u64 {
    Binomial::new(n, p).unwrap().sample(rng)
}

/// The rate of a system that none of the labels are of, by double sampling from the tables of others, as grades are corrected.
fn transported_rate(
    flagged: Share,
    systems: &[BinaryCounts],
    stream: &mut Stream,
) -> Result<Corrected, Undefined> {
    let precision = Transported::new(systems.iter().map(|c| (c.true_yes, c.said_yes())), stream)?;
    let omission = Transported::new(systems.iter().map(|c| (c.false_no, c.said_no())), stream)?;
    let (q, a, b) =
        (flagged.draws(DRAWS, stream), precision.draws(DRAWS, stream), omission.draws(DRAWS, stream));
    let draws: Vec<f64> = (0..DRAWS).map(|at| q[at] * a[at] + (1.0 - q[at]) * b[at]).collect();
    Ok(Corrected { estimate: draws.iter().sum::<f64>() / DRAWS as f64, draws })
}

/// How often the interval holds the rate, and its mean width.
fn covered(studies: Studies, first: u64, count: u64) -> (f64, f64) {
    let [whole] = narrowed(studies, first, count, [1.0]);
    whole
}

/// The same for intervals whose bounds are moved so far toward the draws' median, on the logit scale.
fn narrowed<const N: usize>(studies: Studies, first: u64, count: u64, parts: [f64; N]) -> [(f64, f64); N] {
    let Studies { systems, labels, tau, omission, answers, flagged } = studies;
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    let found: Vec<[(f64, f64); N]> = (0..count)
        .into_par_iter()
        .map(|study| {
            let mut rng = ChaCha8Rng::seed_from_u64(first + study);
            let vary = Normal::new(0.0, tau).unwrap();
            let system = |rng: &mut ChaCha8Rng| {
                (back(logit(0.54) + vary.sample(rng)), back(logit(omission) + vary.sample(rng)))
            };
            let others: Vec<BinaryCounts> = (0..systems)
                .map(|_| {
                    let (precision, omission) = system(&mut rng);
                    let (yes, no) = (draw(&mut rng, labels, precision), draw(&mut rng, labels, omission));
                    BinaryCounts {
                        true_yes: yes,
                        false_yes: labels - yes,
                        false_no: no,
                        true_no: labels - no,
                    }
                })
                .collect();
            let (precision, omission) = system(&mut rng);
            let said = draw(&mut rng, answers, flagged);
            let truth = flagged * precision + (1.0 - flagged) * omission;
            let share = Share::from(Proportion::new(said, answers).unwrap());
            let mut stream = Stream::seeded(study);
            let found = transported_rate(share, &others, &mut stream).unwrap();
            let mut sorted = found.draws.clone();
            sorted.sort_by(f64::total_cmp);
            let middle = logit(sorted[DRAWS / 2]);
            let interval = found.interval(Level::P95).unwrap();
            parts.map(|part| {
                let [low, high] =
                    [interval.low, interval.high].map(|bound| back(middle + part * (logit(bound) - middle)));
                (f64::from(u8::from((low..=high).contains(&truth))), high - low)
            })
        })
        .collect();
    let n = count as f64;
    std::array::from_fn(|at| {
        let mean = |of: fn(&(f64, f64)) -> f64| found.iter().map(|f| of(&f[at])).sum::<f64>() / n;
        (mean(|f| f.0), mean(|f| f.1))
    })
}

/// Prints the grid of docs/annotators.md: `cargo test -p plumb-stats --test transported_coverage -- --ignored --nocapture`. With each
/// cell what the same intervals would hold if they were narrower by a tenth and by three tenths.
#[test]
#[ignore = "takes minutes: it prints the table of docs/annotators.md"]
fn the_grid() {
    for (labels, omission, answers, flagged) in [(50, 0.133, 3_000, 0.05), (50, 0.02, 2_290, 6.0 / 2_290.0)] {
        println!("{labels} labels a verdict, omission {omission}, {flagged:.4} of {answers} flagged");
        for systems in [3, 5, 13] {
            for tau in [0.0, 0.1, 0.2, 0.4, 0.8] {
                let of = Studies { systems, labels, tau, omission, answers, flagged };
                let [(held, width), less, least] = narrowed(of, FRESH, 2_000, [1.0, 0.9, 0.7]);
                let percent = |x: f64| 100.0 * x;
                println!(
                    "  k {systems:2}, tau {tau}: {:.1} (width {:.1}); narrower {:.1}, {:.1}",
                    percent(held),
                    percent(width),
                    percent(less.0),
                    percent(least.0)
                );
                assert!(held >= 0.92, "k {systems}, tau {tau}: {held}");
            }
        }
    }
}

/// Thirteen systems with fifty labels a verdict each; the fourteenth has none. Where systems do not differ at all no method can know
/// that, and the interval errs on the wide side: it is held against 93 % alone, so a quarter of the studies tells as much.
#[test]
fn a_system_without_labels_is_covered() {
    for (tau, studies, most) in [(0.0, 500, 1.0), (0.2, 2_000, 0.97), (0.7, 2_000, 0.97)] {
        let (held, width) = covered(thirteen(tau), FRESH, studies);
        println!("tau {tau}: {held}, mean width {width:.3}");
        assert!((0.93..=most).contains(&held), "{tau}: {held}");
    }
}

fn thirteen(tau: f64) -> Studies {
    Studies { systems: 13, labels: 50, tau, omission: 0.133, answers: 3_000, flagged: 0.05 }
}

/// Why systems that are alike are not given less: intervals narrower by three tenths would still hold more than 95 % there, and far
/// too few where systems differ, which fifty labels of each do not tell.
#[test]
fn what_is_spare_where_systems_are_alike_is_needed_where_they_differ() {
    let [alike, apart] = [0.0, 0.3].map(|tau| narrowed(thirteen(tau), FRESH, 400, [0.7])[0].0);
    println!("narrower by three tenths: {alike} where systems are alike, {apart} at 0.3");
    assert!(alike >= 0.95 && apart < 0.93, "{alike}, {apart}");
}

/// The narrowing that it is for: systems that are alike tell more of another than systems that differ.
#[test]
fn systems_that_differ_tell_less() {
    let [alike, apart] = [0.0, 0.8].map(|tau| covered(thirteen(tau), DEVELOPMENT, 50).1);
    assert!(2.0 * alike < apart, "{alike}, {apart}");
}

#[test]
fn two_systems_tell_nothing_of_a_third() {
    let counts = BinaryCounts { true_yes: 20, false_yes: 30, false_no: 5, true_no: 45 };
    let share = Share::from(Proportion::new(60, 1_000).unwrap());
    let found = |n: usize| transported_rate(share, &vec![counts; n], &mut Stream::seeded(1));
    assert_eq!(found(2), Err(Undefined::OneCluster));
    let never = BinaryCounts { true_yes: 50, false_yes: 0, false_no: 0, true_no: 50 };
    let found = transported_rate(share, &[never; 5], &mut Stream::seeded(1)).unwrap();
    let interval = found.interval(Level::P95).unwrap();
    assert!(interval.low > 0.03 && interval.high < 0.12, "{interval:?}");
    assert!(found_is_within(&found.draws));
}

fn found_is_within(draws: &[f64]) -> bool {
    draws.iter().all(|d| (0.0..=1.0).contains(d))
}
