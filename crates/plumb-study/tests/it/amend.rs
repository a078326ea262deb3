//! Changing a plan after data exist; judging again.

use crate::support::{Files, Run, csv, frozen, opening, registry, text};
use plumb_study::run::Options;
use plumb_study::{Draft, Event, Status, audit, freeze_judges};

fn append(run: &Run, events: Vec<Event>, writer: u8) {
    let writer = run.journal().writer(opening(writer)).unwrap();
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    threads.block_on(writer.append(events)).unwrap();
}

#[test]
fn a_changed_plan_is_told_field_by_field() {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4)).with("j.csv", csv(4).replace("prompt 2", "another 2"));
    let before = frozen(&text("i.csv"), &files, &registry).unwrap();
    let after = frozen(&text("j.csv").replace("seed = 11", "seed = 12"), &files, &registry).unwrap();
    let error = before.changed_error(&after);
    assert!(error.is_changed_plan());
    let message = error.to_string();
    assert!(message.contains("seed: 11 → 12"), "{message}");
    assert!(message.contains("item \"i2\": added contents changed"), "{message}");
    assert!(error.help_text().is_some_and(|h| h.contains("--amend") && h.contains("--fresh")));
    assert!(before.amend(&after).is_err());
}

#[test]
fn appended_items_are_an_amendment_and_keep_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let files = Files::default().with("few.csv", csv(6)).with("more.csv", csv(9));
    let few = frozen(&text("few.csv"), &files, &registry).unwrap();
    let more = frozen(&text("more.csv"), &files, &registry).unwrap();
    let run = Run::new(folder.path(), "one", &few);
    run.go(&registry, &Options::default(), 2).unwrap();
    let amended = few.amend(&more).unwrap();
    assert_eq!((amended.root, amended.digest == few.digest), (few.root, false));
    append(&run, vec![Event::amended(&few, &amended, "three items were forgotten")], 3);
    let tally = run.go(&registry, &Options::default(), 4).unwrap();
    assert_eq!(tally.observed, 12);
    let results = run.results(&registry);
    assert_eq!(&*results.amendments[0].reason, "three items were forgotten");
    let found: Vec<(Status, bool, u64)> = results
        .estimates
        .iter()
        .map(|e| (e.status, e.with_added, e.findings.iter().map(|f| f.n).sum()))
        .collect();
    assert_eq!(found, [(Status::Confirmatory, false, 24), (Status::Exploratory, true, 36)]);
    assert_eq!(
        results.tested[0].finding.as_ref().map(|f| f.n),
        Some(24),
        "a hypothesis is about what was planned"
    );
    assert!(audit(&run.journal()).unwrap().discrepancies.is_empty());
}

#[test]
fn a_second_judge_judges_recorded_answers_and_its_analyses_are_exploratory() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, asked) = registry();
    let files = Files::default().with("i.csv", csv(20));
    let plan = frozen(&text("i.csv"), &files, &registry).unwrap();
    let run = Run::new(folder.path(), "one", &plan);
    run.go(&registry, &Options::default(), 2).unwrap();
    let before = asked.load(std::sync::atomic::Ordering::SeqCst);
    let judges =
        "[[judge]]\nid = 'no'\nkind = 'says'\nword = 'no'\n[[analysis]]\nid = 'no-rate'\nof = 'no.said'\n";
    let draft = Draft::parse_judges(judges, "judges.toml").unwrap();
    let amended = freeze_judges(draft, &plan, &registry, &files).unwrap();
    append(&run, vec![Event::amended(&plan, &amended, "a second look")], 3);
    let tally = run.go(&registry, &Options { ask: false, ..Options::default() }, 4).unwrap();
    assert_eq!((tally.observed, tally.judged), (0, 80));
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), before);
    let results = run.results(&registry);
    let status: Vec<Status> = results.estimates.iter().map(|e| e.status).collect();
    assert_eq!(status, [Status::Confirmatory, Status::Exploratory]);
    let again = Draft::parse_judges(judges, "judges.toml").unwrap();
    let error = freeze_judges(again, &run.journal().plan().unwrap(), &registry, &files).unwrap_err();
    assert!(error.help_text().is_some_and(|h| h.contains("new id")), "{error}");
}

#[test]
fn a_plan_can_be_appended_to_after_a_judge_was_added_to_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let files = Files::default().with("few.csv", csv(6)).with("more.csv", csv(9));
    let few = frozen(&text("few.csv"), &files, &registry).unwrap();
    let run = Run::new(folder.path(), "one", &few);
    let judges =
        "[[judge]]\nid = 'no'\nkind = 'says'\nword = 'no'\n[[analysis]]\nid = 'no-rate'\nof = 'no.said'\n";
    let judged =
        freeze_judges(Draft::parse_judges(judges, "j.toml").unwrap(), &few, &registry, &files).unwrap();
    append(&run, vec![Event::amended(&few, &judged, "a second look")], 3);
    // The file knows nothing of that judge; it has more items and a judge and an analysis of its own.
    let third = "[[judge]]\nid = 'maybe'\nkind = 'says'\nword = 'maybe'\n[[analysis]]\nid = 'maybe-rate'\nof = 'maybe.said'\n";
    let wanted = text("more.csv").replace("[limits]", &format!("{third}[limits]"));
    let more = frozen(&wanted, &files, &registry).unwrap();
    let amended = judged.amend(&more).unwrap();
    let names: Vec<&str> = amended.judges.iter().map(|j| j.name.as_str()).collect();
    assert_eq!(names, ["yes", "no", "maybe"]);
    let of: Vec<String> = amended.analyses.iter().map(|a| amended.measure_name(a.of[0])).collect();
    assert_eq!(of, ["yes.said", "no.said", "maybe.said"]);
    assert_eq!(amended.amend(&more).unwrap().digest, amended.digest, "the same file again changes nothing");
    let other = frozen(&wanted.replace("word = \"yes\"", "word = \"Yes\""), &files, &registry).unwrap();
    assert!(judged.amend(&other).is_err(), "a changed judge is no amendment");
}
