//! `cargo xtask bench annotators`: every answer judged by three guards at an endpoint with latency, and by their majority.
//!
//! The answers cost nothing (the subject is scripted), so that what is measured is judging: three calls an item, one
//! after another. The bound is in flight ÷ latency ÷ 3.

use std::time::Duration;

use serde_json::Value;

use super::endpoint::asked_once;
use super::figures::{Figures, Target, Wanted, middle_round, print_table, print_targets};
use crate::Problem;
use crate::measured;
use crate::mock_process::MockProcess;
use crate::plumb::{Plumb, Which, Workspace};
use crate::workload::Workload;

const GUARDS: u32 = 3;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 2_000)]
    items: u32,
    #[arg(long, default_value_t = 200, value_name = "MS")]
    latency_ms: u64,
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    in_flight: u32,
    /// Runs of plumb; the one in the middle is shown
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: usize,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let calls = u64::from(args.items) * u64::from(GUARDS);
    let limit = Duration::from_secs(60) + Duration::from_millis(args.latency_ms * calls);
    let plumb = Plumb::get(&args.which, limit)?;
    let mock = MockProcess::start(&[
        "--latency-ms".to_owned(),
        args.latency_ms.to_string(),
        "--reply".to_owned(),
        "safe".to_owned(),
    ])?;
    let workload = Workload {
        name: "bench-annotators",
        items: args.items,
        subjects: 1,
        base_url: mock.base_url(),
        in_flight: args.in_flight,
        deadline_s: 60,
        tries: 3,
    };
    let load = measured::load();
    let ours = middle_round(args.rounds, || one_round(&plumb, &mock, &workload))?;
    // The rates that one call an item is held to, for three.
    let targets = [
        Target { what: "items/s", value: ours.rate(), wanted: Wanted::AtLeast(1_000.0), unit: "/s" },
        Target { what: "CPU an item", value: ours.cpu_ms(), wanted: Wanted::Under(0.75), unit: "ms" },
        Target { what: "peak RSS", value: ours.peak_mib, wanted: Wanted::Under(100.0), unit: "MiB" },
    ];
    println!(
        "{} items, {GUARDS} guards each, {} ms latency, load average {load} at the start; every verdict checked",
        args.items, args.latency_ms
    );
    let seconds = args.latency_ms as f64 / 1e3 * f64::from(GUARDS);
    if seconds > 0.0 {
        println!(
            "bound by latency at {} in flight: {:.0} items/s",
            args.in_flight,
            f64::from(args.in_flight) / seconds
        );
    }
    print_table(&[ours]);
    print_targets(&targets);
    Ok(())
}

fn one_round(plumb: &Plumb, mock: &MockProcess, workload: &Workload) -> Result<Figures, Problem> {
    mock.reset()?;
    let at = Workspace::of(workload)?;
    std::fs::write(&at.plan, plan(workload)).map_err(|error| format!("{}: {error}", at.plan.display()))?;
    let measured = plumb.run(&at)?.succeeded("plumb run")?;
    let stats = mock.stats()?;
    asked_once(&stats, u64::from(workload.items) * u64::from(GUARDS))?;
    plumb.audit(&at.run)?;
    all_safe(&at, workload.items)?;
    let who = "plumb, 3 calls an item".to_owned();
    Ok(Figures::new(who, workload.in_flight, u64::from(workload.items), &measured, stats.peak_in_flight))
}

/// The workload's items, answered by a script and judged by three guards and their majority.
fn plan(workload: &Workload) -> String {
    let mut plan = format!(
        "name = \"{}\"\nseed = 7\n\n[[items]]\nid = \"numbers\"\nreader = \"csv\"\npath = \"items.csv\"\n\n\
         [[subject]]\nid = \"mock-0\"\nkind = \"scripted\"\nfactors = {{ model = \"mock-0\" }}\notherwise = \"It leans.\"\n",
        workload.name
    );
    for n in 0..GUARDS {
        plan.push_str(&format!(
            "\n[[judge]]\nid = \"g{n}\"\nkind = \"guard\"\nguard = \"llama-guard-3\"\n\
             model = {{ kind = \"openai\", base_url = \"{}\", model = \"guard-{n}\" }}\n",
            workload.base_url
        ));
    }
    plan.push_str(&format!(
        "\n[[judge]]\nid = \"panel\"\nkind = \"ensemble\"\nvoters = [\"g0.unsafe\", \"g1.unsafe\", \"g2.unsafe\"]\n\
         \n[[analysis]]\nid = \"rate\"\nof = \"panel.verdict\"\nby = [\"model\"]\n\
         \n[limits]\nin_flight = {}\ndeadline_s = {}\ntries = {}\n",
        workload.in_flight, workload.deadline_s, workload.tries
    ));
    plan
}

/// The report has a verdict for every item, and none is yes.
fn all_safe(at: &Workspace, items: u32) -> Result<(), Problem> {
    let path = at.run.join("report.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let finding = &report["estimates"][0]["findings"][0];
    if finding["n"] == items && finding["value"]["estimate"].as_f64() == Some(0.0) {
        return Ok(());
    }
    Err(format!("{items} answers should be judged, none of them unsafe, but the report says {finding}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_toml() {
        let workload = Workload {
            name: "w",
            items: 1,
            subjects: 1,
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            in_flight: 4,
            deadline_s: 5,
            tries: 2,
        };
        let plan: toml::Table = plan(&workload).parse().unwrap();
        assert_eq!(plan["judge"].as_array().map(Vec::len), Some(4));
    }
}
