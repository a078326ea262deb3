//! `cargo xtask drill kill`: SIGKILL again and again, then finish.
//!
//! After each kill the run is copied and exported, which tells what the journal holds for good. Those
//! trials must never be asked again, and at the end every trial must be there with the mock's words.
//! An answer that reached plumb but not yet the disk may be asked again; how many were is printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use plumb_mock::{Config, Dice, Server};

use crate::Problem;
use crate::measured;
use crate::plumb::{Plumb, Which, Workspace};
use crate::workload::{self, Workload};

#[derive(clap::Args)]
pub struct Args {
    /// How often to kill before the run may finish
    #[arg(long, default_value_t = 5)]
    times: u32,
    #[arg(long, default_value_t = 3_000)]
    trials: u32,
    #[arg(long, default_value_t = 40, value_name = "MS")]
    latency_ms: u64,
    #[arg(long, default_value_t = 48, value_name = "N")]
    in_flight: u32,
    /// Decides the moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    which: Which,
}

/// New answers before each kill, at least.
const BETWEEN_KILLS: u64 = 100;

pub fn run(args: &Args) -> Result<(), Problem> {
    let needed = (u64::from(args.times) + 1) * (BETWEEN_KILLS + 2 * u64::from(args.in_flight));
    if u64::from(args.trials) < needed {
        return Err(format!("{} kills need at least {needed} trials", args.times));
    }
    let plumb = Plumb::get(&args.which, Duration::from_secs(300))?;
    let latency = Duration::from_millis(args.latency_ms);
    let server = Server::start(Config { latency, jitter: latency / 2, ..Config::default() })
        .map_err(|error| format!("the mock server: {error}"))?;
    let workload = Workload {
        name: "drill-kill",
        items: args.trials,
        subjects: 1,
        base_url: server.base_url(),
        in_flight: args.in_flight,
        deadline_s: 60,
        tries: 3,
    };
    let at = Workspace::of(&workload)?;
    let mut dice = Dice::new(args.seed);
    let mut finished = Finished::default();
    for kill in 1..=args.times {
        let before = server.stats();
        kill_one(&plumb, &server, &at, args, args.times - kill, &mut dice)?;
        let answered = server.stats().answered - before.answered;
        let held = finished.learn(&plumb, &server, &workload, &at, kill)?;
        println!("kill {kill}: after {answered} more answers; the journal holds {held} finished trials");
    }
    let last = plumb.run(&at)?.succeeded("plumb run after the last kill")?;
    finished.check(&server)?;
    plumb.audit(&at.run)?;
    plumb.check_answers(&workload, &at)?;
    let stats = server.stats();
    let trials = workload.trials();
    if stats.prompts_answered != trials || stats.distinct_prompts != trials {
        return Err(format!("the mock should have answered {trials} different prompts: {stats:?}"));
    }
    println!(
        "{} kills, then {} to the end: {} finished trials were never asked again, none of {trials} is missing; \
         {} answers were lost on the way to the disk and asked again",
        args.times,
        measured::show(last.wall),
        finished.asked.len(),
        stats.prompts_answered_again
    );
    Ok(())
}

/// Starts plumb and kills it at a random moment that leaves room for the kills to come.
fn kill_one(
    plumb: &Plumb,
    server: &Server,
    at: &Workspace,
    args: &Args,
    kills_to_come: u32,
    dice: &mut Dice,
) -> Result<(), Problem> {
    let answered = server.stats().answered;
    // What the kills to come need, and what may be answered between our look and the kill.
    let reserve = (u64::from(kills_to_come) + 1) * (BETWEEN_KILLS + 2 * u64::from(args.in_flight));
    let room = u64::from(args.trials).saturating_sub(answered + reserve);
    let threshold = answered + BETWEEN_KILLS + dice.below(room / (u64::from(kills_to_come) + 1) + 1);
    let pause = Duration::from_micros(dice.below(20_000));

    let mut running = plumb.start(at)?;
    let started = Instant::now();
    while server.stats().answered < threshold {
        if !running.is_running() || started.elapsed() > plumb.limit() {
            running.kill();
            let ended = running.finish(plumb.limit())?;
            return Err(format!(
                "plumb should still be running before answer {threshold}; it {}: {}",
                ended.ending(),
                ended.last_words()
            ));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(pause);
    running.kill();
    let ended = running.finish(plumb.limit())?;
    if ended.status.code().is_some() {
        return Err(format!("plumb ended by itself before the kill: {}", ended.ending()));
    }
    let waited = Instant::now();
    while server.stats().in_flight > 0 {
        if waited.elapsed() > Duration::from_secs(30) {
            return Err("the mock still has requests in flight of a process that is gone".to_owned());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Trials that some journal held as finished, with the number of times they had been asked by then.
#[derive(Default)]
pub struct Finished {
    asked: BTreeMap<u32, (u32, u32)>,
}

impl Finished {
    /// Reads a copy of the run, so that looking does not mend what it looks at. How many it holds.
    pub fn learn(
        &mut self,
        plumb: &Plumb,
        server: &Server,
        workload: &Workload,
        at: &Workspace,
        when: u32,
    ) -> Result<usize, Problem> {
        let copy = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        copy_files(&at.run, copy.path())?;
        let mut held = 0;
        let mut lost: Vec<u32> = self.asked.keys().copied().collect();
        plumb.export(copy.path(), &copy.path().join("export.jsonl"), |row| {
            let (item, subject) = row.numbers(workload)?;
            if row.outcome == "answered" {
                held += 1;
                let asked = server.seen(workload::key(item, subject)).asked;
                self.asked.entry(item).or_insert((asked, when));
                if let Ok(place) = lost.binary_search(&item) {
                    lost.remove(place);
                }
            }
            Ok(())
        })?;
        if let Some(item) = lost.first() {
            let id = workload::item_id(*item);
            return Err(format!(
                "{} finished trials are no longer in the journal, {id} the first",
                lost.len()
            ));
        }
        Ok(held)
    }

    /// By the mock's counts, none of them was asked since.
    pub fn check(&self, server: &Server) -> Result<(), Problem> {
        let again: Vec<String> = self
            .asked
            .iter()
            .filter(|(item, (asked, _))| server.seen(workload::key(**item, 0)).asked != *asked)
            .map(|(item, (_, when))| {
                format!("{} (finished before interruption {when})", workload::item_id(*item))
            })
            .collect();
        match again.first() {
            None => Ok(()),
            Some(first) => Err(format!("{} finished trials were asked again, first {first}", again.len())),
        }
    }

    pub fn count(&self) -> usize {
        self.asked.len()
    }
}

fn copy_files(from: &Path, to: &Path) -> Result<(), Problem> {
    let wrong = |error: std::io::Error| format!("copy {}: {error}", from.display());
    for entry in std::fs::read_dir(from).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if entry.file_type().map_err(wrong)?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).map_err(wrong)?;
        }
    }
    Ok(())
}
