//! inspect_ai at the same work against the same mock, by `oracles/inspect_ai/bench.py`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::endpoint::asked_once;
use super::figures::{Figures, print_table};
use crate::Problem;
use crate::measured;
use crate::mock_process::MockProcess;
use crate::workload::{self, Workload};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/inspect_ai/bench.py");
const IN_FLIGHT: [u32; 3] = [32, 200, 1_000];
const NAME: &str = "inspect_ai";

pub fn run(python: &Path, mock: &MockProcess, workload: &Workload) -> Result<Vec<Figures>, Problem> {
    let mut rows = Vec::new();
    for in_flight in IN_FLIGHT {
        eprintln!("{NAME} with {in_flight} in flight …");
        mock.reset()?;
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        workload.write(folder.path())?;
        let mut command = Command::new(python);
        command
            .arg(SCRIPT)
            .args(["--base-url", &workload.base_url, "--model", &workload::subject_id(0)])
            .args(["--max-tokens", &workload::TOKENS.to_string(), "--in-flight", &in_flight.to_string()])
            .arg("--items")
            .arg(folder.path().join("items.csv"))
            .arg("--log-dir")
            .arg(folder.path().join("logs"));
        let measured = measured::run(&mut command, Duration::from_secs(1_800))?.succeeded(NAME)?;
        let said = measured.stdout.lines().last().unwrap_or_default();
        let said: Value =
            serde_json::from_str(said).map_err(|error| format!("{SCRIPT} said `{said}`: {error}"))?;
        if said["right"] != workload.items {
            return Err(format!("{NAME} got {} of {} answers right", said["right"], workload.items));
        }
        let stats = mock.stats()?;
        asked_once(&stats, workload.trials()).map_err(|why| format!("{NAME}: {why}"))?;
        let who = format!("{NAME} {}", said["version"].as_str().unwrap_or("?"));
        rows.push(Figures::new(who, in_flight, workload.trials(), &measured, stats.peak_in_flight));
    }
    Ok(rows)
}

/// Our row (the first) against the peer's fastest.
pub fn print_ratios(table: &[Figures]) {
    let Some((ours, peers)) = table.split_first() else { return };
    let Some(best) = peers.iter().max_by(|a, b| a.rate().total_cmp(&b.rate())) else { return };
    println!("the peer's best beside ours:");
    let copy = |row: &Figures| Figures { who: row.who.clone(), ..*row };
    print_table(&[copy(ours), copy(best)]);
    println!(
        "ratios: {:.1} times the items/s, {:.1} times less CPU an item, {:.1} times less memory",
        ours.rate() / best.rate(),
        best.cpu_ms() / ours.cpu_ms(),
        best.peak_mib / ours.peak_mib
    );
}
