//! Failures, stops, retries across runs, the circuit breaker.

use crate::support::{Files, Run, csv, frozen, registry, text};
use plumb_study::run::{Options, Stopper};
use plumb_study::{FailureKind, Stop, audit};
use std::sync::atomic::Ordering;

#[test]
fn failures_are_data_and_rates_leave_them_out() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let rows = csv(20).replace("prompt 3\n", "broken 3\n");
    let plan = frozen(&text("i.csv"), &Files::default().with("i.csv", rows), &registry).unwrap();
    let run = Run::new(folder.path(), "one", &plan);
    let tally = run.go(&registry, &Options::default(), 2).unwrap();
    assert_eq!((tally.observed, tally.failed), (80, 4));
    assert_eq!(tally.stop, Stop::Done);
    let results = run.results(&registry);
    assert_eq!(results.missing.len(), 1);
    assert_eq!(results.missing[0].why, FailureKind::Rejected.name());
    assert_eq!(results.missing[0].example.as_deref(), Some("400: this endpoint is broken"));
    let odd: u64 =
        results.estimates[0].findings.iter().filter(|f| &*f.quantity.at[1].1 == "odd").map(|f| f.n).sum();
    assert_eq!(odd, 36);
    let again: Vec<u64> =
        (3..6).map(|writer| run.go(&registry, &Options::default(), writer).unwrap().observed).collect();
    assert_eq!(again, [4, 4, 0], "a failed trial has three attempts, each in another run of the command");
    assert!(audit(&run.journal()).unwrap().discrepancies.is_empty());
}

#[test]
fn an_endpoint_that_rejects_everything_stops_the_run_with_its_words_and_costs_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, asked) = registry();
    let rows = csv(200).replace("prompt ", "broken ");
    let plan = frozen(&text("i.csv"), &Files::default().with("i.csv", rows), &registry).unwrap();
    let run = Run::new(folder.path(), "one", &plan);
    let tally = run.go(&registry, &Options::default(), 2).unwrap();
    let Stop::Broken(words) = &tally.stop else { panic!("{:?}", tally.stop) };
    assert!(words.contains("this endpoint is broken"));
    assert!(asked.load(Ordering::SeqCst) < 60, "{}", asked.load(Ordering::SeqCst));
    let results = run.results(&registry);
    assert_eq!((results.counts.failed, results.counts.not_asked), (0, 800));
    assert!(
        results.warnings.iter().any(|w| w.contains("its words: 400: this endpoint is broken")),
        "{:?}",
        results.warnings
    );
}

#[test]
fn a_stopped_run_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, asked) = registry();
    let files = Files::default().with("i.csv", csv(60));
    let run = Run::new(folder.path(), "one", &frozen(&text("i.csv"), &files, &registry).unwrap());
    let stop = Stopper::default();
    stop.stop();
    let tally = run.go_with(&registry, &Options::default(), 2, stop, Default::default()).unwrap();
    assert_eq!((tally.stop, asked.load(Ordering::SeqCst)), (Stop::Interrupted, 0));
    let stop = Stopper::default();
    let halfway = {
        let (stop, asked) = (stop.clone(), asked.clone());
        std::thread::spawn(move || {
            while asked.load(Ordering::SeqCst) < 50 {
                std::thread::yield_now();
            }
            stop.stop();
        })
    };
    let first = run.go_with(&registry, &Options::default(), 3, stop, Default::default()).unwrap();
    halfway.join().unwrap();
    let second = run.go(&registry, &Options::default(), 4).unwrap();
    assert_eq!(first.observed + second.observed, 240);
    assert_eq!(asked.load(Ordering::SeqCst), 240, "nothing is asked twice");
    assert_eq!(run.results(&registry).total.requests, 240);
}

#[test]
fn answers_may_be_collected_first_and_judged_later() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, asked) = registry();
    let files = Files::default().with("i.csv", csv(10));
    let run = Run::new(folder.path(), "one", &frozen(&text("i.csv"), &files, &registry).unwrap());
    let only_ask = Options { judge: false, ..Options::default() };
    let tally = run.go(&registry, &only_ask, 2).unwrap();
    assert_eq!((tally.observed, tally.judged), (40, 0));
    assert_eq!(audit(&run.journal()).unwrap().unjudged, [("yes".to_owned(), 40)]);
    let tally = run.go(&registry, &Options::default(), 3).unwrap();
    assert_eq!((tally.observed, tally.judged, asked.load(Ordering::SeqCst)), (0, 40, 40));
}

#[test]
fn prompts_that_are_too_long_do_not_stop_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let rows = csv(60).replace("prompt ", "endless ");
    let plan = frozen(&text("i.csv"), &Files::default().with("i.csv", rows), &registry).unwrap();
    let run = Run::new(folder.path(), "one", &plan);
    let tally = run.go(&registry, &Options::default(), 2).unwrap();
    assert_eq!((tally.stop, tally.failed), (Stop::Done, 240));
    assert_eq!(run.go(&registry, &Options::default(), 3).unwrap().observed, 0, "and are not asked again");
}
