//! Files of results: counts, pass@k of unequal numbers of samples, differences of two files.

use plumb_code::results::{Tally, Which, paired};
use plumb_code::{Counts, both_levels, mean_pass_at_k};
use plumb_stats::{Draws, Level};

fn tally(text: &str, which: Which) -> Option<Tally> {
    Tally::read(text.as_bytes(), "r", which).unwrap()
}

fn lines(of: &[(&str, &[bool])]) -> String {
    let line = |task: &str, passed: bool| {
        format!("{{\"task_id\": \"{task}\", \"completion\": \"\", \"passed\": {passed}}}\n")
    };
    of.iter().flat_map(|(task, all)| all.iter().map(move |passed| line(task, *passed))).collect()
}

#[test]
fn problems_are_counted_and_undecided_samples_count_neither_way() {
    let text = lines(&[("a", &[true, false, true]), ("b", &[false, false])])
        + "{\"task_id\": \"b\", \"verdict\": \"unstable\", \"result\": \"undecided: unstable\"}\n";
    let found = tally(&text, Which::Raw).unwrap();
    assert_eq!(found.counts(), [Counts { samples: 3, correct: 2 }, Counts { samples: 2, correct: 0 }]);
    assert_eq!(found.undecided["unstable"], 1);
    let one = found.pass_at_k(1, Draws::seeded(1)).unwrap().estimate().unwrap();
    assert!((one - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(found.pass_at_k(2, Draws::seeded(1)).unwrap().estimate(), Ok(0.5));
    // More than a problem has samples is refused, not guessed.
    let error = found.pass_at_k(3, Draws::seeded(1)).unwrap_err().to_string();
    assert!(error.contains("needs 3 samples"), "{error}");
    assert!(tally(&text, Which::Repaired).is_none());
}

#[test]
fn repaired_verdicts_suites_and_shares_of_tests_are_read() {
    let text = "{\"task_id\": \"a\", \"passed\": false, \"verdict\": \"syntax-error\", \"tests\": {\"missing\": \"no\"}, \
        \"suites\": {\"base\": \"passed\", \"plus\": \"wrong-answer\"}, \
        \"repaired\": {\"passed\": true, \"verdict\": \"passed\", \"tests\": {\"passed\": 3, \"total\": 4}}}\n";
    let repaired = tally(text, Which::Repaired).unwrap();
    assert_eq!(repaired.counts(), [Counts { samples: 1, correct: 1 }]);
    assert_eq!(repaired.partial(Draws::seeded(1)).unwrap().unwrap().estimate(), Ok(0.75));
    assert_eq!(tally(text, Which::Raw).unwrap().uncounted["no"], 1);
    assert_eq!(tally(text, Which::Suite("base")).unwrap().counts()[0].correct, 1);
    assert_eq!(tally(text, Which::Suite("plus")).unwrap().counts()[0].correct, 0);
}

#[test]
fn both_levels_spread_more_than_problems_alone() {
    let all: Vec<(String, Vec<bool>)> =
        (0..40).map(|p| (format!("p{p}"), (0..4).map(|s| (p * 7 + s * 3) % 5 < 2).collect())).collect();
    let all: Vec<(&str, &[bool])> =
        all.iter().map(|(name, passed)| (name.as_str(), passed.as_slice())).collect();
    let found = tally(&lines(&all), Which::Raw).unwrap();
    let over = found.pass_at_k(1, Draws::seeded(1)).unwrap();
    let both = found.both_levels(1, Draws { seed: 1, replicates: 2000 }).unwrap();
    assert!((over.estimate().unwrap() - both.estimate).abs() < 1e-12);
    assert!(both.std_error > over.std_error().unwrap(), "{both:?}");
    assert_eq!(
        found.both_levels(1, Draws { seed: 1, replicates: 2000 }).unwrap(),
        both,
        "same seed, same value"
    );
    assert!(both.interval(Level::P95).unwrap().contains(both.estimate));
}

/// Ten of ten say little of the next hundred: the interval is that of ten trials, with new samples as without.
#[test]
fn where_nothing_varies_both_levels_have_the_interval_over_problems() {
    for (samples, passes, k) in [(1, 1, 1), (3, 3, 2), (3, 0, 1), (4, 3, 2)] {
        for problems in [1, 10] {
            let all = vec![Counts { samples, correct: passes }; problems];
            let over = mean_pass_at_k(&all, k, Draws::seeded(1)).unwrap();
            let both = both_levels(&all, k, Draws { seed: 1, replicates: 2000 }).unwrap();
            let (one, two) = (over.interval(Level::P95).unwrap(), both.interval(Level::P95).unwrap());
            let reach = 0.025_f64.powf(1.0 / problems as f64);
            let bounds = if passes == 0 { (0.0, 1.0 - reach) } else { (reach, 1.0) };
            assert!((two.low - bounds.0).abs() < 1e-9 && (two.high - bounds.1).abs() < 1e-9, "{two:?}");
            assert_eq!((one.low, one.high), (two.low, two.high), "{samples} {passes} {k}");
            assert!(both.method().starts_with("Clopper-Pearson"));
        }
    }
}

/// A share of problems pass each of five samples with the chance q, the others all: how often all of ten problems look alike while the
/// interval misses the mean of pass@2 is known, and it is at most the level's half.
#[test]
fn where_nothing_varies_the_interval_misses_no_oftener_than_it_says() {
    let all = vec![Counts { samples: 5, correct: 5 }; 10];
    let low =
        both_levels(&all, 2, Draws { seed: 1, replicates: 100 }).unwrap().interval(Level::P95).unwrap().low;
    let mut missed = 0;
    for (share, q) in (1..=20).flat_map(|s| (0..20).map(move |q| (f64::from(s) / 20.0, f64::from(q) / 20.0)))
    {
        let mean = 1.0 - share * (1.0 - q).powi(2);
        // pass@2 of a problem is 1 with one wrong sample at most.
        let alike = 1.0 - share + share * (q.powi(5) + 5.0 * q.powi(4) * (1.0 - q));
        if mean < low {
            missed += 1;
            assert!(alike.powi(10) <= 0.025, "{share} {q}: {alike}");
        }
    }
    assert!(missed > 50, "{missed}");
}

#[test]
fn two_files_are_compared_problem_by_problem() {
    let first = tally(&lines(&[("a", &[false]), ("b", &[true]), ("c", &[true]), ("d", &[true])]), Which::Raw)
        .unwrap();
    let second =
        tally(&lines(&[("a", &[true]), ("b", &[false]), ("c", &[true]), ("e", &[true])]), Which::Raw)
            .unwrap();
    let found = paired(&first, &second, 1, Draws::seeded(1)).unwrap();
    // A t interval of three differences of -1, 0 and 1 is wider than what a difference of shares can be.
    let interval = found.difference.interval(Level::P95).unwrap();
    assert_eq!((interval.low, interval.high), (-1.0, 1.0));
    assert_eq!((found.problems, found.difference.estimate()), (3, Ok(0.0)));
    assert_eq!(
        (found.gained, found.lost, found.alone),
        (vec!["a".into()], vec!["b".into()], vec!["d".into(), "e".into()])
    );
}
