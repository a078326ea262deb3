//! What the reports rest on: order of completion, replay, cutting in two, merging, sharding.

use crate::support::{Files, Run, csv, frozen, registry, text};
use plumb_study::plan::Shard;
use plumb_study::run::Options;
use plumb_study::{Results, Status, audit, journal};
use std::sync::atomic::Ordering;

/// Everything of results that must not depend on how a run came about.
fn numbers(results: &Results) -> String {
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        results.counts, results.missing, results.estimates, results.tested, results.transcripts
    )
}

#[test]
fn a_run_asks_and_judges_every_trial_once_and_then_finds_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, asked) = registry();
    let files = Files::default().with("i.csv", csv(40));
    let run = Run::new(folder.path(), "one", &frozen(&text("i.csv"), &files, &registry).unwrap());
    let tally = run.go(&registry, &Options::default(), 2).unwrap();
    assert_eq!((tally.observed, tally.failed, tally.judged), (160, 0, 160));
    assert_eq!(asked.load(Ordering::SeqCst), 160);
    let again = run.go(&registry, &Options::default(), 3).unwrap();
    assert_eq!((again.observed, again.judged), (0, 0));
    assert_eq!(asked.load(Ordering::SeqCst), 160);
    let found = audit(&run.journal()).unwrap();
    assert!(found.discrepancies.is_empty() && found.unjudged.is_empty(), "{found:?}");
    assert_eq!(found.total.tokens_in, Some(480));
    let results = run.results(&registry);
    assert!(results.estimates.iter().all(|e| e.status == Status::Confirmatory));
    assert_eq!(results.estimates[0].findings.len(), 4);
}

#[test]
fn order_of_completion_pieces_shards_and_merging_do_not_change_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(30));
    let plan = frozen(&text("i.csv"), &files, &registry).unwrap();
    let whole = Run::new(folder.path(), "whole", &plan);
    whole.go(&registry, &Options::default(), 2).unwrap();
    let expected = numbers(&whole.results(&registry));

    let pieces = Run::new(folder.path(), "pieces", &plan);
    for (writer, sample) in [(2, 3), (3, 11), (4, 12)] {
        pieces.go(&registry, &Options { sample: Some(sample), ..Options::default() }, writer).unwrap();
        let partial = pieces.results(&registry);
        assert!(partial.estimates.iter().all(|e| e.status == Status::Partial), "{:?}", partial.counts);
    }
    pieces.go(&registry, &Options::default(), 5).unwrap();
    assert_eq!(numbers(&pieces.results(&registry)), expected);

    let shards: Vec<Run> = (0..3)
        .map(|index| {
            let run = Run::new(folder.path(), &format!("shard-{index}"), &plan);
            let shard = Some(Shard { index, count: 3 });
            run.go(&registry, &Options { shard, ..Options::default() }, 10 + index as u8).unwrap();
            run
        })
        .collect();
    for (into, from) in [(0, 2), (0, 1), (1, 0)] {
        journal::merge(&shards[into].path, &shards[from].path).unwrap();
    }
    assert_eq!(numbers(&shards[0].results(&registry)), expected);
    assert_eq!(shards[0].results(&registry).state, shards[1].results(&registry).state);
    assert!(audit(&shards[1].journal()).unwrap().discrepancies.is_empty());
    let again = journal::merge(&shards[0].path, &shards[1].path).unwrap();
    assert_eq!(again.added, 0);
}

#[test]
fn journals_of_different_plans_do_not_merge() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let plan = |n| frozen(&text("i.csv"), &Files::default().with("i.csv", csv(n)), &registry).unwrap();
    let (a, b) = (Run::new(folder.path(), "a", &plan(3)), Run::new(folder.path(), "b", &plan(4)));
    let error = journal::merge(&a.path, &b.path).unwrap_err();
    assert!(error.to_string().contains("different plans"), "{error}");
}

#[test]
fn a_stored_text_that_was_tampered_with_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4));
    let run = Run::new(folder.path(), "one", &frozen(&text("i.csv"), &files, &registry).unwrap());
    run.go(&registry, &Options::default(), 2).unwrap();
    let raw = rusqlite::Connection::open(&run.path).unwrap();
    raw.execute("UPDATE bodies SET text = text || '!' WHERE text LIKE 'prompt 2%'", []).unwrap();
    drop(raw);
    let found = audit(&run.journal()).unwrap();
    assert!(found.broken_bodies >= 1 && !found.discrepancies.is_empty(), "{found:?}");
}

#[test]
fn a_judgment_that_someone_added_by_hand_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4));
    let run = Run::new(folder.path(), "one", &frozen(&text("i.csv"), &files, &registry).unwrap());
    run.go(&registry, &Options::default(), 2).unwrap();
    let raw = rusqlite::Connection::open(&run.path).unwrap();
    raw.execute_batch(
        "CREATE TEMP TABLE j AS SELECT * FROM judged LIMIT 1; UPDATE j SET seq = 1000000; INSERT INTO judged SELECT * FROM j;",
    )
    .unwrap();
    drop(raw);
    assert!(!audit(&run.journal()).unwrap().discrepancies.is_empty());
}

#[test]
fn a_sample_holds_something_of_everything_and_grows_by_adding() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let rows: String =
        (0..48).map(|n| format!("i{n},{},t{},prompt {n}\n", ["safe", "unsafe"][n % 2], n % 8)).collect();
    let rows = format!("id,kind,topic,prompt\n{rows}");
    let plan = frozen(&text("i.csv"), &Files::default().with("i.csv", rows), &registry).unwrap();
    let run = Run::new(folder.path(), "one", &plan);
    run.go(&registry, &Options { sample: Some(8), ..Options::default() }, 2).unwrap();
    let asked: Vec<_> =
        plan.trials().filter(|t| run.ledger(&plan).state(*t).is_some()).map(|t| t.item).collect();
    let items: std::collections::BTreeSet<_> = asked.iter().map(|item| item.0).collect();
    let levels =
        |tag: &str| items.iter().map(|i| plan.items[*i as usize].tags[tag].clone()).collect::<Vec<_>>();
    assert_eq!(items.len(), 8);
    assert_eq!(levels("kind").iter().filter(|k| &***k == "safe").count(), 4);
    assert_eq!(levels("topic").into_iter().collect::<std::collections::BTreeSet<_>>().len(), 8);
    let more = run.go(&registry, &Options { sample: Some(9), ..Options::default() }, 3).unwrap();
    assert_eq!(more.observed, 4, "one item more, of two subjects, twice");
}

/// A source without hazards does not keep those of another from being balanced, pair by pair.
#[test]
fn a_sample_balances_pairs_of_levels_within_each_source() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    // Hazard z has one persona of its own and few items of the other.
    let pairs = [("x", "p"), ("x", "q"), ("y", "p"), ("y", "q"), ("z", "p"), ("z", "r")];
    let rows: String = (0..120)
        .map(|n| {
            let (hazard, kind) = pairs[if n % 10 == 4 { 4 } else { n % 6 }];
            format!("i{n},{hazard},{kind},prompt {n}\n")
        })
        .collect();
    let other: String = (0..50).map(|n| format!("o{n},other {n}\n")).collect();
    let files = Files::default()
        .with("i.csv", format!("id,hazard,kind,prompt\n{rows}"))
        .with("o.csv", format!("id,prompt\n{other}"));
    let text = text("i.csv") + "[[items]]\nreader = \"csv\"\npath = \"o.csv\"\n";
    let plan = frozen(&text, &files, &registry).unwrap();
    let run = Run::new(folder.path(), "one", &plan);
    run.go(&registry, &Options { sample: Some(24), ..Options::default() }, 2).unwrap();
    let ledger = run.ledger(&plan);
    let items: std::collections::BTreeSet<u32> =
        plan.trials().filter(|t| ledger.state(*t).is_some()).map(|t| t.item.0).collect();
    let mut counts: std::collections::BTreeMap<(&str, &str), u32> = std::collections::BTreeMap::new();
    for item in &items {
        let tags = &plan.items[*item as usize].tags;
        let tag = |name: &str| tags.get(name).map_or("", |level| level);
        *counts.entry((tag("hazard"), tag("kind"))).or_default() += 1;
    }
    assert_eq!(counts.remove(&("", "")), Some(12), "sources in turn");
    assert_eq!(counts.len(), 6, "{counts:?}");
    assert!(counts.values().all(|n| *n == 2), "{counts:?}");
}

#[test]
fn rows_that_refer_to_nothing_are_found() {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4));
    let plan = frozen(&text("i.csv"), &files, &registry).unwrap();
    for (spoil, says) in [
        ("UPDATE observed SET answer = NULL WHERE seq = 1", "no answer stored"),
        ("UPDATE judged SET label = 77 WHERE seq = 2", "a label that the measure does not know"),
        ("UPDATE judged SET item = 3 WHERE item = 0", "another trial's"),
        ("UPDATE judged SET verdict = 2, label = NULL, reason = 99999 WHERE seq = 2", "not stored"),
        ("UPDATE item_names SET id = 'x' WHERE ix = 1", "not the plan's"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let run = Run::new(folder.path(), "one", &plan);
        run.go(&registry, &Options::default(), 2).unwrap();
        let raw = rusqlite::Connection::open(&run.path).unwrap();
        assert!(raw.execute(spoil, []).unwrap() > 0, "{spoil}");
        drop(raw);
        let found = audit(&run.journal()).unwrap().discrepancies;
        assert!(found.iter().any(|d| d.contains(says)), "{spoil}: {found:?}");
    }
}
