//! Simulated people at a study's real server, page by page over HTTP.

use crate::humans::Serving;
use crate::support::Folder;
use plumb_human::Study;
use plumb_human::collect::{Identity, Taker, Takings, thaw};
use plumb_human::protocol::person::{End, Slot};
use plumb_human::simulate::{Simulator, seeds};
use plumb_study::Journal;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/studies");

/// The examples, and one of them read.
fn studies(name: &str) -> (Folder, Study) {
    let folder = Folder::new();
    for file in std::fs::read_dir(EXAMPLES).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let file =
        |name: &str| std::fs::read_to_string(Path::new(EXAMPLES).join(name)).map_err(|e| e.to_string());
    let study = Study::parse_with(&folder.read(&format!("{name}.toml")), name, &file).unwrap();
    (folder, study)
}

/// Everybody in a journal, by identifier.
fn collected(study: &Study, folder: &Folder, run: &str) -> BTreeMap<String, Taker> {
    let journal = Journal::open(&folder.path().join("runs").join(run).join("journal.plumb")).unwrap();
    let id = |text: &str| Identity::read(text).id().unwrap().to_owned();
    let persons = journal.persons().unwrap();
    let ids: BTreeMap<u32, String> =
        persons.iter().map(|p| (p.person.0 + 1, id(p.identity.as_deref().unwrap()))).collect();
    let mut all = BTreeMap::new();
    Takings::new(study, &journal)
        .each(|taker| -> plumb_study::Result<()> {
            all.insert(ids[&taker.person].clone(), taker);
            Ok(())
        })
        .unwrap();
    all
}

/// Simulated people who come to a server, as an order.
fn simulate<'a>(
    study: &'a str,
    url: &'a str,
    token: &'a str,
    people: &'a str,
    seed: &'a str,
) -> [&'a str; 11] {
    ["human", "simulate", study, "--http", url, "--token", token, "--people", people, "--seed", seed]
}

/// The same people give the same answers in process and at the server, where condition and order are the same.
fn same_people(name: &str, people: usize) {
    let (folder, study) = studies(name);
    let mut server = Serving::of(&folder, &format!("{name}.toml"), &["--pilot", "100"]);
    let (url, token) = (server.url(), server.token());
    let count = people.to_string();
    let file = format!("{name}.toml");
    let come = simulate(&file, &url, &token, &count, "11");
    let said = folder.ok(&[&come[..], &["--json"]].concat());
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(said.to_string().contains("Nobody took part"), "{said}");
    server.kill();
    let run = format!("{name}.pilot");
    folder.ok(&["audit", &format!("runs/{run}")]);
    let collected = collected(&study, &folder, &run);
    assert_eq!(collected.len(), people);
    let simulator = Simulator::new(&study).unwrap();
    let (mut answers, mut arms) = (0, BTreeSet::new());
    for (n, seed) in (1..=people).zip(seeds(11)) {
        let there = &collected[&format!("simulated-11-{n}")];
        let assigned = there.arm.as_deref().map(|arm| (arm, there.sequence.clone()));
        arms.extend(there.arm.clone());
        let here = simulator.again(seed, false, assigned).unwrap();
        assert_eq!(here.end(), there.end, "person {n}");
        // A page's fields stand in another order where its questions are turned.
        let placed = |slot: &Slot, field: &str, text: &str| format!("{slot:?} {field}={text}");
        let mut here: Vec<String> = here
            .answers()
            .flat_map(|(slot, values)| values.iter().map(move |(field, text)| placed(slot, field, text)))
            .collect();
        let taken = there.answers.iter().filter(|answer| !answer.missed);
        let mut there: Vec<String> = taken.map(|a| placed(&a.slot, &a.field, &a.text)).collect();
        here.sort();
        there.sort();
        assert_eq!(here, there, "person {n}");
        answers += here.len();
    }
    assert!(answers > people * 20, "{answers}");
    assert!(arms.len() > 1, "{arms:?}");
    let again = folder.plumb(&["human", "simulate", &format!("{name}.toml"), "--http", &url, "--token", "x"]);
    assert_eq!(again.code, Some(1), "nobody listens: {}", again.err);
}

#[test]
fn simulated_people_rate_code_at_the_server_as_they_do_in_process() {
    same_people("code-value", 14);
}

#[test]
fn simulated_people_go_through_the_first_experiment_at_the_server_as_they_do_in_process() {
    same_people("interpretability-1", 12);
}

#[test]
fn only_a_pilot_tells_what_is_due_and_only_to_whoever_has_the_token() {
    let (folder, _) = studies("code-value");
    let come = |server: &mut Serving, token: &str, seed: &str| {
        folder.plumb(&simulate("code-value.toml", &server.url(), token, "2", seed))
    };
    let mut real = Serving::of(&folder, "code-value.toml", &[]);
    let token = real.token();
    let refused = come(&mut real, &token, "1");
    assert!(refused.code == Some(1) && refused.err.contains("--pilot"), "{}", refused.err);
    real.kill();
    let mut pilot = Serving::of(&folder, "code-value.toml", &["--pilot", "4"]);
    let refused = come(&mut pilot, "guessed", "2");
    assert!(refused.code == Some(1) && refused.err.contains("--token"), "{}", refused.err);
    let token = pilot.token();
    let (done, again) = (come(&mut pilot, &token, "3"), come(&mut pilot, &token, "3"));
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(again.code == Some(2) && again.err.contains("another --seed"), "{}", again.err);
}

/// Two coders answer forty problems each; one of them is right where the other is not.
const CODERS: &str = r#"
name = "coders"
seed = 1
[[items]]
reader = "csv"
path = "tasks.csv"
[[subject]]
id = "apt"
kind = "scripted"
replies = [ { if = "odd", say = "return x + 1" } ]
otherwise = "return x"
[[subject]]
id = "vague"
kind = "scripted"
otherwise = "import this, then think of something else"
[[judge]]
id = "same"
kind = "match"
target = "exact"
[[judge]]
id = "near"
kind = "similarity"
metric = ["edit"]
"#;

/// The rating study of the examples on those answers: who leaves a page does so with 1 %, a fifth of all before the end.
fn rated_by() -> String {
    let study = std::fs::read_to_string(Path::new(EXAMPLES).join("code-value.toml")).unwrap();
    let (study, _) = study.split_once("[power]").unwrap();
    study
        .replace(
            "file = \"code-value.csv\"\nweight = \"weight\"",
            "from = { run = \"runs/coders\", take = 40, by = [ \"same.matched\" ], seed = 7 }",
        )
        .replace("[[block]]\nid = \"practice\"\ntitle = \"Practice\"\nitems = \"practice\"\n\n", "")
        .replace("places = { HIDDEN = 25, SHOWN = 24 }", "people = 16")
        .replace("people_per_item = 8", "people_per_item = 3")
        .replace("\"problem\"", "\"item\"")
        .replace("\"task\"", "\"prompt\"")
        .replace("\"code\"\nlabel", "\"answer\"\nlabel")
        .replace("attribute = \"code\"", "attribute = \"answer\"")
        .replace("left = \"code\"", "left = \"answer\"")
        .replace("\"reference\"\nlabel", "\"target\"\nlabel")
        .replace("right = \"reference\"", "right = \"target\"")
}

/// From a run to ratings of it over the real server and back: those who leave are given back by the platform, their places and items go
/// to others until every answer has its ratings in both conditions, and metrics of the run meet the ratings by origin, with weights.
#[test]
fn answers_of_a_run_are_rated_at_the_server_until_each_has_its_ratings() {
    let (folder, _) = studies("code-value");
    let rows: String = (0..40)
        .map(|n| format!("p{n},The {} one.,return x\n", if n % 4 == 1 { "odd" } else { "plain" }))
        .collect();
    folder.write("tasks.csv", &format!("id,prompt,target\n{rows}"));
    folder.write("coders.toml", CODERS);
    folder.write("code-value.toml", &rated_by());
    folder.ok(&["run", "coders.toml"]);
    folder.ok(&["human", "check", "code-value.toml"]);
    let mut server = Serving::of(&folder, "code-value.toml", &["--pilot", "100"]);
    let (url, token, run) = (server.url(), server.token(), "code-value.pilot");
    let study = frozen(&folder, run);
    let mut left = 0;
    for seed in 1.. {
        let seed = seed.to_string();
        let come = folder.plumb(&simulate("code-value.toml", &url, &token, "16", &seed));
        if come.code == Some(2) {
            break;
        }
        assert_eq!(come.code, Some(0), "{}", come.err);
        let people = collected(&study, &folder, run);
        let gone: Vec<&String> =
            people.iter().filter(|(_, taker)| taker.end.is_none()).map(|(id, _)| id).collect();
        left += gone.len();
        let rows: String = gone.iter().map(|id| format!("{id},RETURNED\n")).collect();
        folder.write("prolific.csv", &format!("Participant id,Status\n{rows}"));
        folder.ok(&["human", "reconcile", &format!("runs/{run}"), "prolific.csv"]);
    }
    server.kill();
    let people = collected(&study, &folder, run);
    let mut ratings: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut completed = 0;
    for taker in people.values().filter(|taker| taker.end == Some(End::Completed)) {
        completed += 1;
        let again = taker.items.iter().filter(|met| met.repetition == 1).count();
        assert_eq!((taker.items.len(), again), (20, 1), "19 answers, one of them twice");
        for met in taker.items.iter().filter(|met| met.repetition == 0) {
            *ratings.entry((taker.arm.clone().unwrap(), met.item.clone())).or_insert(0) += 1;
        }
    }
    assert_eq!(completed, 16);
    assert!(left >= 2, "nobody left, so nothing was given out again");
    assert_eq!(ratings.len(), 80, "forty answers in two conditions");
    assert!(ratings.values().all(|people| *people >= 3), "{ratings:?}");

    let ratings =
        ["align", "--scores", "runs/coders", "--ratings", "runs/code-value.pilot", "--ratings-of", "value"];
    assert!(folder.ok(&ratings).out.contains("is a pilot"), "simulated people are not taken for people");
    let aligned = folder.ok(&[
        "align",
        "--scores",
        "runs/coders",
        "--ratings",
        "runs/code-value.pilot",
        "--ratings-of",
        "value",
        "--metrics",
        "near.edit,same.matched",
        "--pass",
        "same.matched",
        "--made-by",
        "simulated people",
        "--json",
    ]);
    let aligned: serde_json::Value = serde_json::from_str(&aligned.out).unwrap();
    let facts = aligned["facts"].to_string();
    assert!(facts.contains("\"40\"") && facts.contains("80 outputs"), "{facts}");
    // Half of those drawn pass; of the run it is thirty in eighty.
    let share =
        |column: &str| crate::align::value(&aligned, "Tests and value", column, "2")["estimate"].as_f64();
    let passes = share("passes, valued").unwrap() + share("passes, not").unwrap();
    assert!((passes - 30.0 / 80.0).abs() < 1e-9, "{passes}");
}

/// The study as a run's plan has it.
fn frozen(folder: &Folder, run: &str) -> Study {
    let journal = Journal::open(&folder.path().join("runs").join(run).join("journal.plumb")).unwrap();
    thaw(&journal.root_plan().unwrap()).unwrap()
}
