//! `kill -9` in the middle, several times: by the endpoint's own count nothing finished is asked again.

use crate::support::{Folder, ended};
use plumb_mock::{Config, Dice, Key, Server};
use std::time::Duration;

const TRIALS: usize = 3_000;
const KILLS: u64 = 5;

fn prompt(n: usize) -> String {
    format!("Say something about stone {n}")
}

#[test]
fn a_killed_run_goes_on_and_repeats_no_finished_trial() {
    let server = Server::start(Config { latency: Duration::from_millis(20), ..Config::default() }).unwrap();
    let folder = Folder::new();
    let rows: String = (0..TRIALS).map(|n| format!("i{n},{}\n", prompt(n))).collect();
    folder.write("items.csv", &format!("id,prompt\n{rows}"));
    folder.write(
        "plan.toml",
        &format!(
            "name = 'k'\nseed = 1\n[[items]]\nreader = 'csv'\npath = 'items.csv'\n[[subject]]\nid = 'm'\nkind = 'openai'\nbase_url = '{}'\n\
             model = 'm'\n[[judge]]\nid = 'echo'\nkind = 'match'\ncontains = 'echo '\n[limits]\nin_flight = 24\n",
            server.base_url()
        ),
    );
    // Trials that an export of the killed run shows as answered, with how often they had been asked by then.
    let mut finished: Vec<Option<u32>> = vec![None; TRIALS];
    let mut dice = Dice::new(5);
    for kill in 0..KILLS {
        let until = server.stats().answered + 100 + dice.below(300);
        let mut running = folder.command(&["run", "plan.toml"]).spawn().unwrap();
        while server.stats().answered < until {
            assert!(running.try_wait().unwrap().is_none(), "the run ended before kill {kill}");
            std::thread::sleep(Duration::from_millis(1));
        }
        running.kill().unwrap();
        running.wait().unwrap();
        while server.stats().in_flight > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        folder.ok(&["export", "runs/k", "--format", "jsonl"]);
        for (n, line) in folder.read("runs/k/trials.jsonl").lines().enumerate() {
            let answered = line.contains("\"outcome\":\"answered\"");
            assert!(answered || finished[n].is_none(), "trial {n} was lost");
            if answered && finished[n].is_none() {
                finished[n] = Some(server.seen(Key::of("m", &[("user", &prompt(n))])).asked);
            }
        }
        assert!(finished.iter().flatten().count() as u64 >= 50 * (kill + 1));
    }
    let last = ended(folder.command(&["run", "plan.toml"]).output().unwrap());
    assert_eq!(last.code, Some(0), "{}{}", last.out, last.err);
    for (n, asked) in finished.iter().enumerate() {
        if let Some(asked) = asked {
            let now = server.seen(Key::of("m", &[("user", &prompt(n))])).asked;
            assert_eq!(now, *asked, "trial {n} was finished and asked again");
        }
    }
    assert_eq!(server.stats().prompts_answered, TRIALS as u64, "none is missing");
    let audit = folder.ok(&["audit", "runs/k"]).out;
    assert!(audit.contains("3000 trials: 3000 answered"), "{audit}");
}
