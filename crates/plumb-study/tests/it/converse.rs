//! Conversations with scripted attackers and targets: the books that a strategy keeps.

use crate::support::{Files, Run, frozen, registry};
use plumb_study::run::{Options, Stopper};
use plumb_study::{Ledger, Plan, Registry, Stop, Transcript, audit};
use std::sync::atomic::Ordering;

/// A Crescendo of at most three turns and two backtracks against a target that answers by `rules`.
fn crescendo(rules: &str, more: &str) -> String {
    format!(
        r#"
name = "t"
seed = 3
[[items]]
reader = "csv"
path = "goals.csv"
[items.strategy]
kind = "crescendo"
turns = 3
backtracks = 2
refusal = "refusal.said"
success = {{ measure = "success.said", is = "yes" }}
{more}
[items.strategy.attacker]
kind = "scripted"
replies = [
    {{ if = "taken back", say = '{{"question": "put otherwise"}}' }},
    {{ if = "turn 1 of 3", say = 'Here: {{"question": "begin"}}' }},
    {{ if = "turn 2 of 3", say = '{{"question": "go on"}}' }},
]
otherwise = '{{"question": "the last step"}}'
[[subject]]
id = "target"
kind = "scripted"
{rules}
[[judge]]
id = "refusal"
kind = "says"
word = "No."
[[judge]]
id = "success"
kind = "says"
word = "Done."
[[analysis]]
id = "rate"
of = "success.said"
"#
    )
}

fn world(plan: &str) -> (Registry, Plan) {
    let (registry, _) = registry();
    let files = Files::default().with("goals.csv", "id,prompt\ng,win a game of chess\n");
    let plan = frozen(plan, &files, &registry).unwrap();
    (registry, plan)
}

/// Runs, and gives each exchange as `question → answer`, with `-` where it was taken back and `!` at success.
fn attempt(plan: &str) -> (Vec<String>, Transcript) {
    let folder = tempfile::tempdir().unwrap();
    let (registry, plan) = world(plan);
    let run = Run::new(folder.path(), "one", &plan);
    run.go(&registry, &Options::default(), 2).unwrap();
    assert!(audit(&run.journal()).unwrap().discrepancies.is_empty());
    // The view's row of a conversation has what all its exchanges took, those with attacker and judges of turns, too.
    let raw = rusqlite::Connection::open(&run.path).unwrap();
    let requests: i64 = raw.query_row("SELECT SUM(requests) FROM answers", (), |row| row.get(0)).unwrap();
    let journal = run.journal();
    let ledger = Ledger::fold(&journal.plan().unwrap(), &journal).unwrap();
    assert_eq!(requests as u64, ledger.total.requests - ledger.judging.requests);
    let transcript = run.results(&registry).transcripts.remove(0);
    let shown = transcript
        .exchanges
        .iter()
        .map(|e| {
            let sign = if !e.kept {
                "-"
            } else if e.success == Some(true) {
                "!"
            } else {
                " "
            };
            format!("{sign} {} → {}", e.question, e.answer)
        })
        .collect();
    (shown, transcript)
}

#[test]
fn a_target_that_always_refuses_uses_up_the_backtracks_and_then_the_turns() {
    let (told, transcript) = attempt(&crescendo("otherwise = \"No.\"", ""));
    assert_eq!(
        told,
        [
            "- begin → No.",
            "- put otherwise → No.",
            "  put otherwise → No.",
            "  go on → No.",
            "  the last step → No."
        ],
        "two turns are taken back and do not count, three stay and count"
    );
    assert_eq!(transcript.turns.len(), 6, "the subject remembers what was not taken back");
    assert_eq!(transcript.verdicts[1].1.as_ref(), "no");
}

#[test]
fn a_target_that_always_complies_ends_the_attempt_at_its_first_turn() {
    let (told, transcript) = attempt(&crescendo("otherwise = \"Done.\"", ""));
    assert_eq!(told, ["! begin → Done."]);
    assert_eq!((transcript.turns.len(), transcript.verdicts[1].1.as_ref()), (2, "yes"));
}

#[test]
fn a_refused_turn_is_forgotten_by_the_target_and_written_anew() {
    let rules = r#"replies = [{ if = "go on", say = "No." }, { if = "the last", say = "Done." }]
otherwise = "Well.""#;
    let (told, transcript) = attempt(&crescendo(rules, ""));
    assert_eq!(
        told,
        ["  begin → Well.", "- go on → No.", "  put otherwise → Well.", "! the last step → Done."]
    );
    let said: Vec<&str> = transcript.turns.iter().map(|t| &*t.text).collect();
    assert_eq!(said, ["begin", "Well.", "put otherwise", "Well.", "the last step", "Done."]);
}

#[test]
fn an_attacker_that_writes_no_turn_fails_the_attempt_and_says_so() {
    let plan = crescendo("otherwise = \"Well.\"", "attacker_tries = 2").replace("\"question\"", "\"word\"");
    let (told, transcript) = attempt(&plan);
    assert!(told.is_empty());
    assert_eq!(
        &*transcript.outcome,
        "malformed reply: the attacker wrote no turn in 2 tries; its last words: Here: {\"word\": \"begin\"}"
    );
}

#[test]
fn a_ladder_keeps_the_same_books() {
    let ladder = r#"
name = "t"
seed = 3
[[items]]
reader = "csv"
path = "goals.csv"
strategy = { kind = "ladder", put = ["please {prompt}", "second", "third", "fourth"], refusal = "refusal.said", success = "success.said", turns = 2, backtracks = 1 }
[[subject]]
id = "target"
kind = "scripted"
replies = [{ if = "second", say = "No." }, { if = "third", say = "No." }]
otherwise = "Well."
[[judge]]
id = "refusal"
kind = "says"
word = "No."
[[judge]]
id = "success"
kind = "says"
word = "Done."
"#;
    assert_eq!(
        attempt(ladder).0,
        ["  please win a game of chess → Well.", "- second → No.", "  third → No."]
    );
    let plain = ladder
        .replace(", refusal = \"refusal.said\", success = \"success.said\", turns = 2, backtracks = 1", "");
    assert_eq!(attempt(&plain).0.len(), 4, "without checks all turns are put and stay");
}

/// An attempt that came to nothing but refusals is one that did not succeed: were it a failed trial, a rate of success would
/// leave it out and come out too high.
#[test]
fn a_ladder_whose_turns_are_all_refused_ends_with_its_last_refusal() {
    let ladder = r#"
name = "t"
seed = 3
[[items]]
reader = "csv"
path = "goals.csv"
strategy = { kind = "ladder", put = ["please {prompt}", "second"], refusal = "refusal.said", success = "success.said" }
[[subject]]
id = "target"
kind = "scripted"
otherwise = "No."
[[judge]]
id = "refusal"
kind = "says"
word = "No."
[[judge]]
id = "success"
kind = "says"
word = "Done."
"#;
    let (told, transcript) = attempt(ladder);
    assert_eq!(told, ["- please win a game of chess → No.", "  second → No."]);
    let verdicts: Vec<&str> = transcript.verdicts.iter().map(|v| &*v.1).collect();
    assert_eq!((&*transcript.outcome, verdicts), ("answered", vec!["yes", "no"]));
    assert_eq!(transcript.turns.len(), 2);
}

/// Stopped in the middle and started again until it is done: the same exchanges, each asked once, and the same report as
/// of a run that was never stopped.
#[test]
fn a_crescendo_that_is_stopped_goes_on_and_tells_the_same() {
    let goals: String = std::iter::once("id,prompt\n".to_owned())
        .chain((0..12).map(|n| format!("g{n},goal {n}\n")))
        .collect();
    let text = crescendo("otherwise = \"Well.\"", "")
        .replace("kind = \"scripted\"\notherwise = \"Well.\"", "kind = \"slow\"")
        .replace("reader = \"csv\"", "reader = \"csv\"\nrepeat = 2");
    let (registry, asked) = registry();
    let plan = frozen(&text, &Files::default().with("goals.csv", goals), &registry).unwrap();
    let told = |run: &Run| {
        let transcripts = run.results(&registry).transcripts;
        transcripts.into_iter().map(|t| (t.item, t.repetition, t.exchanges, t.turns)).collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();
    let whole = Run::new(folder.path(), "whole", &plan);
    whole.go(&registry, &Options::default(), 2).unwrap();
    let exchanges = asked.swap(0, Ordering::SeqCst);
    let parts = Run::new(folder.path(), "parts", &plan);
    for (writer, until) in [(2, 7), (3, 30), (4, u64::MAX)] {
        let stop = Stopper::default();
        let halfway = {
            let (stop, asked) = (stop.clone(), asked.clone());
            std::thread::spawn(move || {
                while until != u64::MAX && asked.load(Ordering::SeqCst) < until {
                    std::thread::yield_now();
                }
                if until != u64::MAX {
                    stop.stop();
                }
            })
        };
        parts.go_with(&registry, &Options::default(), writer, stop, Default::default()).unwrap();
        halfway.join().unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), exchanges, "no exchange is made twice");
    assert_eq!(told(&parts), told(&whole));
    assert!(told(&whole).iter().all(|(_, _, exchanges, _)| exchanges.len() == 3));
    assert!(audit(&parts.journal()).unwrap().discrepancies.is_empty());
}

#[test]
fn an_interrupted_conversation_goes_on_from_its_recorded_steps() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, asked) = registry();
    let rows: String = std::iter::once("id,one,two,three\n".to_owned())
        .chain((0..20).map(|n| format!("i{n},a{n},b{n},c{n}\n")))
        .collect();
    let text = r#"
name = "t"
seed = 5
[[items]]
reader = "csv"
path = "l.csv"
columns = { turns = ["one", "two", "three"] }
repeat = 2
[[subject]]
id = "a"
kind = "slow"
"#;
    let plan = frozen(text, &Files::default().with("l.csv", rows), &registry).unwrap();
    let run = Run::new(folder.path(), "one", &plan);
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
    let first = run.go_with(&registry, &Options::default(), 2, stop, Default::default()).unwrap();
    halfway.join().unwrap();
    assert_eq!(first.stop, Stop::Interrupted);
    let second = run.go(&registry, &Options::default(), 3).unwrap();
    assert_eq!((first.observed + second.observed, asked.load(Ordering::SeqCst)), (40, 120));
    let results = run.results(&registry);
    assert_eq!(results.total.requests, 120, "no exchange is made twice");
    assert!(results.transcripts.iter().all(|t| t.exchanges.len() == 3 && t.turns.len() == 6));
}

#[test]
fn a_plan_with_a_strategy_reads_back_as_it_was() {
    let (_, plan) = world(&crescendo("otherwise = \"No.\"", ""));
    let stored = plumb_study::format::canonical(&plan);
    assert_eq!(plumb_study::format::decode(&stored.header.text, &stored.items.text).unwrap(), plan);
}

#[test]
fn personas_make_items_at_freeze() {
    let (registry, _) = registry();
    let text = r#"
name = "t"
seed = 5
[[items]]
reader = "csv"
path = "goals.csv"
personas = [{ id = "plain" }, { id = "teacher", prefix = "I teach at a school." }]
[[subject]]
id = "a"
kind = "slow"
"#;
    let files = Files::default().with("goals.csv", "id,prompt\ng,win a game of chess\n");
    let plan = frozen(text, &files, &registry).unwrap();
    let items: Vec<(&str, &str, &str)> =
        plan.items.iter().map(|i| (i.id.as_str(), i.task.headline(), &*i.tags["persona_prefix"])).collect();
    assert_eq!(
        items,
        [
            ("g@plain", "win a game of chess", "plain"),
            ("g@teacher", "I teach at a school.\n\nwin a game of chess", "teacher")
        ]
    );
}

#[test]
fn a_report_says_that_a_weak_attacker_measures_nothing() {
    let (_, plan) = world(&crescendo("otherwise = \"No.\"", ""));
    let marks = plan.marks();
    assert!(marks[0].contains("the attacker is a script") && marks[0].contains("no measure"), "{marks:?}");
}

#[test]
fn a_strategy_that_cannot_work_is_an_error_of_the_plan() {
    let check = |from: &str, to: &str, expected: &str| {
        let (registry, _) = registry();
        let text = crescendo("otherwise = \"No.\"", "");
        assert!(text.contains(from), "{from}");
        let files = Files::default().with("goals.csv", "id,prompt\ng,win a game of chess\n");
        let error = frozen(&text.replace(from, to), &files, &registry).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check("refusal = \"refusal.said\"", "", "`refusal` is missing");
    check("refusal = \"refusal.said\"", "refusal = \"refused\"", "there is no measure \"refused\"");
    check("is = \"yes\"", "is = \"sure\"", "never has the label \"sure\"");
    check("kind = \"crescendo\"", "kind = \"ladder\"", "unknown key `attacker`");
    check("kind = \"crescendo\"", "kind = \"crescendo\"\nwording = { instructions = \"x\" }", "its {goal}");
    check(
        "word = \"No.\"",
        "word = \"No.\"\nwhen = { measure = \"x.y\", is = \"yes\" }",
        "there is no measure",
    );
}
