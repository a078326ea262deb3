//! Simulated people at a study's real server, page by page over HTTP.

use crate::humans::Serving;
use crate::support::Folder;
use plumb_human::Study;
use plumb_human::collect::{Identity, Taker, Takings};
use plumb_human::protocol::person::Slot;
use plumb_human::simulate::{Simulator, seeds};
use plumb_study::Journal;
use std::collections::HashMap;
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

/// Whoever has answers in a journal, by number of the simulation.
fn collected(study: &Study, folder: &Folder, run: &str) -> HashMap<usize, Taker> {
    let journal = Journal::open(&folder.path().join("runs").join(run).join("journal.plumb")).unwrap();
    let number = |text: &str| {
        let identity = Identity::read(text);
        identity.id().unwrap().rsplit('-').next().unwrap().parse::<usize>().unwrap()
    };
    let persons = journal.persons().unwrap();
    let numbers: HashMap<u32, usize> =
        persons.iter().map(|p| (p.person.0 + 1, number(p.identity.as_deref().unwrap()))).collect();
    let mut all = HashMap::new();
    Takings::new(study, &journal)
        .each(|taker| -> plumb_study::Result<()> {
            all.insert(numbers[&taker.person], taker);
            Ok(())
        })
        .unwrap();
    all
}

/// The same people give the same answers in process and at the server, where condition and order are the same.
fn same_people(name: &str, people: usize) {
    let (folder, study) = studies(name);
    let mut server = Serving::of(&folder, &format!("{name}.toml"), &["--pilot", "100"]);
    let (url, token) = (server.url(), server.token());
    let count = people.to_string();
    let said = folder.ok(&[
        "human",
        "simulate",
        &format!("{name}.toml"),
        "--http",
        &url,
        "--token",
        &token,
        "--people",
        &count,
        "--seed",
        "11",
        "--json",
    ]);
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(said.to_string().contains("Nobody took part"), "{said}");
    server.kill();
    let run = format!("{name}.pilot");
    folder.ok(&["audit", &format!("runs/{run}")]);
    let collected = collected(&study, &folder, &run);
    assert_eq!(collected.len(), people);
    let simulator = Simulator::new(&study).unwrap();
    let (mut answers, mut arms) = (0, std::collections::BTreeSet::new());
    for (n, seed) in (1..=people).zip(seeds(11)) {
        let there = &collected[&n];
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
        let url = server.url();
        let args = [
            "human",
            "simulate",
            "code-value.toml",
            "--http",
            &url,
            "--token",
            token,
            "--people",
            "2",
            "--seed",
            seed,
        ];
        folder.plumb(&args)
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
