//! The small study at oTree's server beside ours: the same pages, asked of both by the same people (`oracles/otree`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::Problem;
use crate::crowd::{Took, Walk, rows};
use crate::measured::{self, Measured, Running};
use crate::plumb::Which;
use crate::serving::{Example, Study, checkout, free_port, runtime, takes_connections};

const LIMIT: Duration = Duration::from_secs(1_200);
/// Jars, each with one estimate.
const JARS: u64 = 6;

/// One server under the people.
struct Row {
    who: String,
    took: Took,
    server: Measured,
}

/// Who walks, at this address and along this link.
type Walks<'a> = &'a dyn Fn(SocketAddr, &str) -> Walk;

pub fn run(python: &Path, which: &Which, people: u32, walk: Walks<'_>) -> Result<(), Problem> {
    println!("load before: {}", measured::load());
    let rows = [ours(which, people, walk)?, theirs(python, people, walk)?];
    println!("{people} people at each server, {JARS} estimates of each stored, none lost, none twice");
    println!(
        "{:<44} {:>9} {:>10} {:>10} {:>11} {:>8}",
        "", "answers/s", "p50 ms", "p99 ms", "CPU ms each", "MiB"
    );
    for Row { who, took, server } in &rows {
        println!(
            "{who:<44} {:>9.0} {:>10.1} {:>10.1} {:>11.2} {:>8.0}",
            took.rate(),
            took.quantile_ms(0.5),
            took.quantile_ms(0.99),
            server.cpu.as_secs_f64() * 1e3 / took.posts as f64,
            server.peak_mib()
        );
    }
    let [ours, theirs] = &rows;
    println!(
        "ratio: {:.1} times the answers a second, {:.1} times less processor time an answer",
        ours.took.rate() / theirs.took.rate(),
        (theirs.server.cpu.as_secs_f64() / theirs.took.posts as f64)
            / (ours.server.cpu.as_secs_f64() / ours.took.posts as f64)
    );
    Ok(())
}

fn ours(which: &Which, people: u32, walk: Walks<'_>) -> Result<Row, Problem> {
    let mut study = Study::of(which, Example::First, people)?;
    study.start()?;
    let took = runtime()?.block_on(walk(study.address, "/?participant=").run())?;
    let server = study.stop()?;
    let mut estimates = BTreeMap::new();
    rows(&study.export()?.join("fields.jsonl"), |row| {
        if row["field"] == "estimate" {
            *estimates.entry(row["value"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
        Ok(())
    })?;
    all_stored("plumb", people, &estimates)?;
    Ok(Row { who: "plumb, SQLite on disk".to_owned(), took, server })
}

/// Everybody's number is stored once for each jar, and nothing else.
fn all_stored(who: &str, people: u32, estimates: &BTreeMap<String, u64>) -> Result<(), Problem> {
    let wanted: BTreeMap<String, u64> = (1..=people).map(|n| (n.to_string(), JARS)).collect();
    if *estimates == wanted {
        return Ok(());
    }
    let wrong = wanted.iter().find(|(n, count)| estimates.get(*n) != Some(count));
    Err(format!("{who}: {} values are stored instead of {people}; wrong first: {wrong:?}", estimates.len()))
}

fn theirs(python: &Path, people: u32, walk: Walks<'_>) -> Result<Row, Problem> {
    let otree = Otree::prepare(python)?;
    let address = free_port()?;
    otree.finished(&mut otree.command(&["resetdb", "--noinput"]))?;
    // It starts a second process, for times that run out, and leaves it behind.
    let mut command = otree.command(&["prodserver1of2", &address.to_string()]);
    let running = Running::start(command.process_group(0))?;
    let asked = otree.asked(address, people, walk, &running);
    running.kill_group();
    let server = running.finish(LIMIT)?;
    let (took, version) =
        asked.map_err(|why| format!("{why}; the server said:\n  {}", server.last_words()))?;
    let kept = if std::env::var_os("DATABASE_URL").is_some() { "DATABASE_URL" } else { "SQLite in memory" };
    Ok(Row { who: format!("oTree {version}, {kept}"), took, server })
}

/// The project in a folder of its own, since oTree writes beside it.
struct Otree {
    folder: tempfile::TempDir,
    python: PathBuf,
}

impl Otree {
    fn prepare(python: &Path) -> Result<Otree, Problem> {
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        for made in ["jars", "_static", "_templates"] {
            std::fs::create_dir(folder.path().join(made)).map_err(|error| error.to_string())?;
        }
        let from = checkout("oracles/otree");
        let app = std::fs::read_dir(from.join("jars")).map_err(|error| error.to_string())?;
        let app = app
            .flatten()
            .filter(|entry| entry.path().is_file())
            .map(|entry| Path::new("jars").join(entry.file_name()));
        for name in app.chain([PathBuf::from("settings.py")]) {
            std::fs::copy(from.join(&name), folder.path().join(&name)).map_err(|error| error.to_string())?;
        }
        let python = std::path::absolute(python).map_err(|error| error.to_string())?;
        Ok(Otree { folder, python })
    }

    /// A command of oTree's, which calls itself by name: its folder comes first in the path.
    fn command(&self, args: &[&str]) -> Command {
        let programs = self.python.parent().unwrap_or(Path::new("."));
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(programs.join("otree"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("JARS_CSV", checkout("examples/studies/first-study.csv"))
            .env("OTREE_PRODUCTION", "1");
        command
    }

    fn finished(&self, command: &mut Command) -> Result<Measured, Problem> {
        measured::run(command, LIMIT)?.succeeded("oTree")
    }

    /// What the server is asked, and its version.
    fn asked(
        &self,
        address: SocketAddr,
        people: u32,
        walk: Walks<'_>,
        server: &Running,
    ) -> Result<(Took, String), Problem> {
        if !takes_connections(server, address) {
            return Err("oTree did not start".to_owned());
        }
        let link = self.rest(address, &["session", &people.to_string()])?;
        let took =
            runtime()?.block_on(walk(address, &format!("{}?participant_label=", link.trim())).run())?;
        let stored: Value =
            serde_json::from_str(&self.rest(address, &["stored"])?).map_err(|error| error.to_string())?;
        let estimates = stored["estimates"].as_object().into_iter().flatten();
        let estimates =
            estimates.map(|(value, count)| (value.clone(), count.as_u64().unwrap_or(0))).collect();
        all_stored("oTree", people, &estimates)?;
        Ok((took, stored["version"].as_str().unwrap_or("?").to_owned()))
    }

    fn rest(&self, address: SocketAddr, args: &[&str]) -> Result<String, Problem> {
        let mut command = Command::new(&self.python);
        command.arg(checkout("oracles/otree/ask.py")).arg(address.to_string()).args(args);
        Ok(self.finished(&mut command)?.stdout)
    }
}
