//! Rows of people in a journal: each event once and in order, kept apart from identities, erasable for good.

use plumb_study::people::{Arrival, Collecting, Exhibit, PersonEvent, PersonIx, What};
use plumb_study::{
    Digest, Event, ItemId, ItemIx, Journal, Plan, SubjectId, SubjectIx, audit, format, journal, lock,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SECRET: &str = "an answer that nobody must find again";

fn plan() -> Plan {
    let arm = |id: &str| (SubjectId::from(id), BTreeMap::from([("shown".into(), id.into())]));
    Plan::of_people(
        "flats",
        None,
        vec![arm("clear"), arm("hidden")],
        vec![Exhibit {
            id: ItemId::from("flat-1"),
            tags: BTreeMap::new(),
            label: "flat 1".into(),
            origin: None,
        }],
        ("study", serde_json::json!({ "title": "Flats" })),
    )
}

fn opening(random: u8) -> journal::Opening {
    journal::Opening {
        random: [random; 8],
        now_us: Arc::new(|| 1_700_000_000_000_000),
        program: "test".into(),
    }
}

fn event(person: u32, n: u32, what: What, body: &str) -> Event {
    let arrival = (what == What::Arrived).then(|| Arrival {
        link: Digest::of(&person.to_le_bytes()),
        salt: [person as u8 + 1; 32],
        identity: Some(format!("{{\"id\":\"platform-{person}\"}}").into()),
    });
    Event::Person(PersonEvent { person: PersonIx(person), n, what, body: body.into(), arrival })
}

fn written(path: &Path) {
    let journal = Journal::create(path, &plan(), true, &opening(1)).unwrap();
    let writer = journal.writer(opening(2)).unwrap();
    let mut all = vec![Event::Collecting(Collecting::Opened { commitment: "c0ffee".into(), pilot: true })];
    for person in 0..2 {
        all.push(event(person, 0, What::Arrived, "{}"));
        all.push(event(person, 1, What::Enrolled(SubjectIx(person as u16)), "{\"arm\":1}"));
        all.push(event(person, 2, What::Step, &format!("{{\"text\":\"{SECRET} {person}\"}}")));
        all.push(event(
            person,
            3,
            What::Observed(ItemIx(0), 0),
            &format!("{{\"text\":\"{SECRET} {person}\"}}"),
        ));
        all.push(event(person, 4, What::Ended, "{\"event\":{\"end\":\"completed\"}}"));
    }
    block(writer.append(all)).unwrap();
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn stored(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_plan_of_people_keeps_its_section_and_has_no_trials_of_its_own() {
    let plan = plan();
    let canonical = format::canonical(&plan);
    assert_eq!(format::decode(&canonical.header.text, &canonical.items.text).unwrap(), plan);
    assert!(plan.is_of_people());
    assert_eq!(plan.trials().count(), 0);
    let mut other = plan.clone();
    other.sections.insert("study".into(), serde_json::json!({ "title": "Houses" }));
    assert_eq!(plan.diff(&other)[0].to_string(), "study.title: \"Flats\" → \"Houses\"");
    assert!(plan.amend(&other).is_err(), "a changed study is another study");
}

#[test]
fn what_a_lock_says_can_be_checked_with_other_tools() {
    let folder = tempfile::tempdir().unwrap();
    let path = lock::write(&folder.path().join("flats.toml"), &plan(), "2026-11-29T10:00:00Z").unwrap();
    let lock: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(lock["frozen_at"], "2026-11-29T10:00:00Z");
    assert_eq!(lock["sha256"], lock::sha256(&format::canonical(&plan()).header.text));
}

#[test]
fn events_of_people_come_back_in_order_and_each_number_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.plumb");
    written(&path);
    let journal = Journal::open(&path).unwrap();
    let mut rows = Vec::new();
    journal
        .people(|row| {
            rows.push((row.person.0, row.n, row.what));
            Ok(())
        })
        .unwrap();
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[1], (0, 1, What::Enrolled(SubjectIx(0))));
    assert_eq!(rows[8], (1, 3, What::Observed(ItemIx(0), 0)));
    assert_eq!(journal.persons().unwrap()[1].identity.as_deref(), Some("{\"id\":\"platform-1\"}"));
    assert_eq!(
        journal.collecting().unwrap(),
        [(1_700_000_000_000_000, Collecting::Opened { commitment: "c0ffee".into(), pilot: true })]
    );
    assert!(audit(&journal).unwrap().discrepancies.is_empty());
    let writer = journal.writer(opening(3)).unwrap();
    let again = block(writer.append(vec![event(0, 2, What::Step, "{}")]));
    assert!(again.unwrap_err().to_string().contains("UNIQUE"), "a number is taken once");
    block(writer.append(vec![event(1, 5, What::Step, "{}")])).unwrap();
    let gap = block(writer.append(vec![event(1, 7, What::Step, "{}")]));
    assert!(gap.is_ok(), "a gap is found by the audit, not by the writer");
    assert_eq!(audit(&journal).unwrap().discrepancies, ["1 events of people follow a gap"]);
}

#[test]
fn who_is_erased_cannot_be_found_in_any_file_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.plumb");
    written(&path);
    assert!(stored(folder.path(), &format!("{SECRET} 0")) && stored(folder.path(), "platform-0"));
    let journal = Journal::open(&path).unwrap();
    let writer = journal.writer(opening(3)).unwrap();
    block(writer.append(vec![event(0, 5, What::Erased, "{}")])).unwrap();
    // Already now, while the writer still has the file open.
    assert!(!stored(folder.path(), &format!("{SECRET} 0")) && !stored(folder.path(), "platform-0"));
    assert!(stored(folder.path(), &format!("{SECRET} 1")));
    let mut bodies = Vec::new();
    journal
        .people(|row| {
            if row.person == PersonIx(0) {
                bodies.push((row.n, row.body.is_some()));
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(bodies, [(0, false), (1, true), (2, false), (3, false), (4, true), (5, true)]);
    assert!(journal.persons().unwrap()[0].identity.is_none());
    assert!(audit(&journal).unwrap().discrepancies.is_empty());
}

#[test]
fn journals_of_people_are_never_merged() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("a.plumb"), folder.path().join("b.plumb"));
    written(&one);
    Journal::create(&two, &plan(), true, &opening(9)).unwrap();
    let error = journal::merge(&one, &two).unwrap_err();
    assert!(error.to_string().contains("cannot be merged"), "{error}");
}
