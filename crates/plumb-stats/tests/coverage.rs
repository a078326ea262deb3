//! Do the two-way intervals hold what they promise? Ratings by made-up people with a known law, many times over.
//!
//! The truth is the number's mean over many such studies: what a study with as many raters as this gives on the whole.

#![allow(clippy::unwrap_used, reason = "test code")]
use plumb_stats::{
    Coefficient, Draws, Form, Inference, Level, Of, Question, Rated, RatedRows, Scale, Wanted,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // A sum of twelve uniform numbers less six: near enough.
    (0..12).map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX)).sum::<f64>() - 6.0
}

#[derive(Clone, Copy)]
struct Law {
    problems: usize,
    raters: usize,
    /// How far raters differ in how much quality moves them.
    unlike: f64,
    noise: f64,
}

/// Outputs of two systems; two metrics that see quality with noise; raters with severity, slope and noise of their own.
fn study(law: Law, rng: &mut ChaCha8Rng) -> Rated {
    let people: Vec<(f64, f64)> =
        (0..law.raters).map(|_| (0.7 * normal(rng), 1.0 + law.unlike * normal(rng))).collect();
    let mut rows = RatedRows::new(2);
    for problem in 0..law.problems {
        let ease = 0.5 * normal(rng);
        for system in 0..2 {
            let quality = ease + normal(rng) + 0.3 * f64::from(system);
            let metrics = [quality + normal(rng), quality + 1.4 * normal(rng)];
            let ratings: Vec<(u32, f64)> = people
                .iter()
                .enumerate()
                .map(|(rater, (severity, slope))| {
                    let felt = severity + slope * quality + law.noise * normal(rng);
                    (rater as u32, (2.0 + felt).round().clamp(0.0, 4.0))
                })
                .collect();
            rows.add(problem as u32, &metrics, &ratings).unwrap();
        }
    }
    rows.build()
}

fn questions() -> Vec<Question> {
    let of = Of::Coefficient(Coefficient::Pearson);
    let follows = |metric, form, of| Question::Follows { metric, form, of, among: None };
    vec![
        follows(0, Form::ItemMean, of),
        follows(1, Form::ItemMean, of),
        follows(0, Form::PerRating, of),
        follows(0, Form::ItemMean, Of::Coefficient(Coefficient::KendallB)),
        Question::Rated { at_least: 2.5, among: None },
    ]
}

/// How often the 95 % interval of each number holds the mean of all estimates.
fn coverage(law: Law, studies: u32) -> Vec<f64> {
    let mut found: Vec<Vec<Inference>> = vec![Vec::new(); 6];
    for seed in 0..studies {
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(seed));
        let rated = study(law, &mut rng);
        let draws = Draws { seed: u64::from(seed), replicates: 200 };
        let asked = rated.ask(&questions(), draws, true).unwrap();
        let share = Scale::Share { clusters: law.problems, rows: rated.outputs() };
        let scales = [Scale::Correlation, Scale::Correlation, Scale::Correlation, Scale::Correlation, share];
        for (at, scale) in scales.into_iter().enumerate() {
            found[at].push(asked.value(at, scale));
        }
        found[5].push(asked.derive(Scale::Real, Wanted::Default, |v| Ok(v[0]? - v[1]?)));
    }
    found
        .iter()
        .map(|all| {
            let truth = all.iter().map(|i| i.estimate().unwrap()).sum::<f64>() / all.len() as f64;
            let held = all.iter().filter(|i| i.interval(Level::P95).unwrap().contains(truth)).count();
            held as f64 / all.len() as f64
        })
        .collect()
}

#[test]
fn two_way_intervals_cover_as_often_as_they_say() {
    let names = ["r, means", "r, other metric", "r, per rating", "tau-b", "share valued", "difference"];
    for law in [
        Law { problems: 40, raters: 12, unlike: 0.0, noise: 1.0 },
        Law { problems: 40, raters: 12, unlike: 0.5, noise: 0.7 },
        Law { problems: 60, raters: 4, unlike: 0.4, noise: 1.0 },
    ] {
        let covered = coverage(law, 250);
        println!("{} problems, {} raters, unlike {}:", law.problems, law.raters, law.unlike);
        for (name, covered) in names.iter().zip(&covered) {
            println!("  {name}: {covered:.3}");
            // 250 studies tell a coverage of 0.95 to about 0.028 (two standard errors).
            assert!((0.92..=1.0).contains(covered), "{name}: {covered}");
        }
    }
}

/// Outputs that pass or fail and are more or less like a reference; simulated raters value both. Metrics: PASS, the
/// similarity, and min(1, PASS + similarity). Also the places of those that fail.
fn tested(rng: &mut ChaCha8Rng) -> (Rated, Vec<u32>) {
    let people: Vec<f64> = (0..10).map(|_| 0.5 * normal(rng)).collect();
    let (mut rows, mut fails) = (RatedRows::new(3), Vec::new());
    for problem in 0..50 {
        let ease = 0.8 * normal(rng);
        for copy in 0..3 {
            let quality = ease + normal(rng);
            let pass = f64::from(u8::from(quality > 0.4));
            let similarity = (0.45 + 0.12 * quality + 0.12 * normal(rng)).clamp(0.0, 1.0);
            let felt = 1.2 + 1.3 * pass + 2.5 * (similarity - 0.45) + 0.3 * quality;
            let ratings: Vec<(u32, f64)> = people
                .iter()
                .enumerate()
                .map(|(rater, severe)| {
                    (rater as u32, (felt - severe + 0.8 * normal(rng)).round().clamp(0.0, 4.0))
                })
                .collect();
            if pass == 0.0 {
                fails.push(3 * problem + copy);
            }
            rows.add(problem, &[pass, similarity, (pass + similarity).min(1.0)], &ratings).unwrap();
        }
    }
    (rows.build(), fails)
}

#[test]
fn intervals_of_what_a_hybrid_gains_cover_as_often_as_they_say() {
    let names = [
        "COMBINED - PASS",
        "COMBINED / PASS",
        "blend - best single",
        "failing but valued",
        "finds the least valued",
    ];
    let mut found: Vec<Vec<Inference>> = vec![Vec::new(); names.len()];
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(9_000 + seed);
        let (mut rated, fails) = tested(&mut rng);
        let among = Some(rated.subset(fails).unwrap());
        let follows = |metric| Question::Follows {
            metric,
            form: Form::ItemMean,
            of: Of::Coefficient(Coefficient::Pearson),
            among: None,
        };
        let blend = rated.blend(&[0, 1], 5, seed).unwrap();
        let questions = [
            follows(2),
            follows(0),
            Question::Blended(blend.clone()),
            Question::BestSingle(blend),
            Question::Rated { at_least: 2.0, among },
            Question::Finds { metric: 1, at_most: 1.0, among },
        ];
        let asked = rated.ask(&questions, Draws { seed, replicates: 200 }, true).unwrap();
        found[0].push(asked.derive(Scale::Real, Wanted::Default, |v| Ok(v[0]? - v[1]?)));
        found[1].push(asked.derive(Scale::Ratio, Wanted::Default, |v| Ok(v[0]? / v[1]?)));
        found[2].push(asked.derive(Scale::Real, Wanted::Default, |v| Ok(v[2]? - v[3]?)));
        let share = Scale::Share { clusters: rated.problems_of(among), rows: rated.outputs_of(among) };
        found[3].push(asked.value(4, share));
        found[4].push(asked.value(5, Scale::Real));
    }
    for (name, all) in names.iter().zip(&found) {
        let truth = all.iter().map(|i| i.estimate().unwrap()).sum::<f64>() / all.len() as f64;
        let held = all.iter().filter(|i| i.interval(Level::P95).unwrap().contains(truth)).count();
        let covered = held as f64 / all.len() as f64;
        println!("  {name}: {truth:.3}, held by {covered:.3}");
        // 200 studies tell a coverage of 0.95 to about 0.03.
        assert!((0.91..=1.0).contains(&covered), "{name}: {covered}");
    }
    let gain = found[0].iter().map(|i| i.estimate().unwrap()).sum::<f64>();
    assert!(gain > 0.0, "raters who value similarity too make COMBINED the better metric");
}
